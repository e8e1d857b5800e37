//! Which pull policy an image gets when none is written.
//!
//! Follows `pkg/util/parsers/parsers.go` over `github.com/distribution/reference`: only a reference that parses can be `latest`.

/// `Always` for a reference whose tag is `latest`, written or meant; else `IfNotPresent`.
pub(super) fn pull_policy(image: &str) -> &'static str {
    match tag(image) {
        Some("latest") => "Always",
        _ => "IfNotPresent",
    }
}

/// The tag of a reference: `latest` if it has neither tag nor digest, the empty string beside a digest. None if it does not parse.
fn tag(image: &str) -> Option<&str> {
    if image.len() == 64 && image.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let (domain, rest) = match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" || first.bytes().any(|b| b.is_ascii_uppercase()) => {
            (Some(first), rest)
        }
        _ => (None, name),
    };
    let (path, tag) = rest.split_once(':').map_or((rest, None), |(path, tag)| (path, Some(tag)));
    let length = path.len() + domain.map_or("docker.io/library/".len(), |d| d.len() + 1);
    let valid = domain.is_none_or(is_domain)
        && path.split('/').all(is_path_component)
        && length <= 255
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest);
    valid.then_some(match (tag, digest) {
        (Some(tag), _) => tag,
        (None, Some(_)) => "",
        (None, None) => "latest",
    })
}

fn is_domain(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let label = |l: &str| {
        let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        !l.is_empty() && l.bytes().all(inner) && !l.starts_with('-') && !l.ends_with('-')
    };
    let v6 = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let host_is_good =
        v6.map_or_else(|| host.split('.').all(label), |h| !h.is_empty() && h.bytes().all(|b| b.is_ascii_hexdigit() || b == b':'));
    host_is_good && port.is_none_or(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
}

/// Runs of lower case letters and digits, held together by one point, one or two underscores, or any number of dashes.
fn is_path_component(text: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let separators = text.split(|c: char| c.is_ascii() && is_word(c as u8)).filter(|s| !s.is_empty());
    let edges = text.bytes().next().is_some_and(is_word) && text.bytes().next_back().is_some_and(is_word);
    edges && separators.into_iter().all(|s| matches!(s, "." | "_" | "__") || s.bytes().all(|b| b == b'-'))
}

fn is_tag(text: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() <= 128 && text.bytes().next().is_some_and(is_word) && text.bytes().all(|b| is_word(b) || matches!(b, b'.' | b'-'))
}

fn is_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else { return false };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    hex.len() == length && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::pull_policy;

    #[test]
    fn only_latest_is_always_pulled() {
        let digest = "a".repeat(64);
        let latest = ["a", "a:latest", "host:5000/a", "a/b", "Host/a", "localhost/a__b-c.d", "[::1]:5000/a"].map(str::to_owned);
        for image in latest.into_iter().chain([format!("a:latest@sha256:{digest}")]) {
            assert_eq!(pull_policy(&image), "Always", "{image}");
        }
        let others = ["a:v1", "A:latest", "A", "a:", "", "a b", "a..b", "a___b", "a@sha256:12", "a/B:latest", "h:x/a", "-a", " a"];
        for image in others.map(str::to_owned).into_iter().chain([digest.clone(), format!("a@sha256:{digest}")]) {
            assert_eq!(pull_policy(&image), "IfNotPresent", "{image}");
        }
    }
}
