//! The text of an image reference becomes its parts, by the grammar of the OCI distribution specification as container runtimes
//! read it (`distribution/reference`).

/// The parts of an image reference, as written: nothing is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference<'t> {
    /// `gcr.io`, `localhost:5000`; none for the default registry.
    pub registry: Option<&'t str>,
    /// `genbrain/agent-cli`.
    pub repository: &'t str,
    /// `4f6e2c1`.
    pub tag: Option<&'t str>,
    /// `sha256:…`.
    pub digest: Option<&'t str>,
}

impl Reference<'_> {
    /// The registry that is meant; Docker Hub where none is written.
    pub fn host(&self) -> &str {
        match self.registry {
            None | Some("docker.io" | "index.docker.io") => "docker.io",
            Some(registry) => registry,
        }
    }

    /// The repository in its registry: Docker Hub's own have a folder that nobody writes.
    pub fn path(&self) -> String {
        let short = self.host() == "docker.io" && !self.repository.contains('/');
        if short { format!("library/{}", self.repository) } else { self.repository.to_owned() }
    }

    /// Whether two references name the same build in the same repository: a digest decides where both have one.
    pub fn same(&self, other: &Reference<'_>) -> bool {
        let tag = |r: &Reference<'_>| r.tag.unwrap_or("latest").to_owned();
        let build = match (self.digest, other.digest) {
            (Some(own), Some(others)) => own == others,
            (None, None) => tag(self) == tag(other),
            _ => false,
        };
        build && self.host() == other.host() && self.path() == other.path()
    }
}

/// Takes a reference apart.
///
/// # Errors
/// Which rule of the grammar it breaks.
pub fn parse(text: &str) -> Result<Reference<'_>, &'static str> {
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (text, None),
    };
    if digest.is_some_and(|d| !is_digest(d)) {
        return Err("the digest must be an algorithm, `:` and its hexadecimal digits: 64 lower-case ones for sha256");
    }
    let path_start = name.rfind('/').map_or(0, |i| i + 1);
    let (name, tag) = match name[path_start..].split_once(':') {
        Some((last, tag)) => (&name[..path_start + last.len()], Some(tag)),
        None => (name, None),
    };
    if tag.is_some_and(|t| !is_tag(t)) {
        return Err("a tag holds letters, digits, `_`, `.` and `-`, at most 128, not starting with `.` or `-`");
    }
    let (registry, repository) = match name.split_once('/') {
        Some((first, rest)) if first == "localhost" || first.contains(['.', ':']) || first.bytes().any(|b| b.is_ascii_uppercase()) => {
            (Some(first), rest)
        }
        _ => (None, name),
    };
    if registry.is_some_and(|r| !is_registry(r)) {
        return Err("the registry must be a host name, with or without a port");
    }
    if repository.is_empty() {
        return Err("the name is missing");
    }
    if !repository.split('/').all(is_path_part) {
        return Err("names hold lower-case letters and digits, with `.`, `_`, `__` or `-` between them");
    }
    if name.len() > 255 {
        return Err("the name is longer than 255 letters");
    }
    Ok(Reference { registry, repository, tag, digest })
}

fn is_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else { return false };
    let parts = algorithm.split(['+', '.', '-', '_']);
    let algorithm_ok = parts.clone().count() > 0
        && algorithm
            .split(['+', '.', '-', '_'])
            .all(|p| p.starts_with(|c: char| c.is_ascii_alphabetic()) && p.bytes().all(|b| b.is_ascii_alphanumeric()));
    let known = [("sha256", 64), ("sha384", 96), ("sha512", 128)].into_iter().find(|(name, _)| *name == algorithm);
    let hex_ok = match known {
        Some((_, length)) => hex.len() == length && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
        None => hex.len() >= 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()),
    };
    algorithm_ok && hex_ok
}

fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=128).contains(&text.len()) && text.bytes().next().is_some_and(word) && text.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'))
}

fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') && !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let part =
        |p: &str| !p.is_empty() && !p.starts_with('-') && !p.ends_with('-') && p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let v6 = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).is_some_and(|h| h.parse::<std::net::Ipv6Addr>().is_ok());
    (v6 || host.split('.').all(part)) && port.is_none_or(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
}

fn is_path_part(text: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    if !alphanumeric(*first) || !alphanumeric(*last) {
        return false;
    }
    let separators = text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).filter(|s| !s.is_empty());
    separators.into_iter().all(|s| matches!(s, "." | "_" | "__") || s.bytes().all(|b| b == b'-'))
}

#[cfg(test)]
mod tests {
    use super::{Reference, parse};

    #[test]
    fn parts() {
        let sha = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let full = format!("localhost:5000/a/b_c/d--e:v1@{sha}");
        assert_eq!(
            parse(&full),
            Ok(Reference { registry: Some("localhost:5000"), repository: "a/b_c/d--e", tag: Some("v1"), digest: Some(sha) })
        );
        assert_eq!(parse("nginx"), Ok(Reference { registry: None, repository: "nginx", tag: None, digest: None }));
        assert_eq!(parse("library/nginx:1").map(|r| r.registry), Ok(None));
        assert_eq!(parse("[::1]:80/x").map(|r| r.registry), Ok(Some("[::1]:80")));
        let upper = format!("a@sha256:{}", "A".repeat(64));
        for wrong in [
            upper.as_str(),
            "",
            "gcr.io/",
            "gcr.io/A",
            "a:",
            "a:-x",
            "a@sha256:abc",
            "a b",
            "a/_b",
            "a//b",
            "gcr.io/a___b",
            "a:b:c",
            "-a.io/x",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_same_build_in_other_words() {
        let same = |a: &str, b: &str| parse(a).unwrap().same(&parse(b).unwrap());
        let (one, two) = ("0".repeat(64), "1".repeat(64));
        assert!(same("nginx", "docker.io/library/nginx:latest"));
        assert!(same(&format!("a/b:1@sha256:{one}"), &format!("docker.io/a/b@sha256:{one}")));
        assert!(!same(&format!("a/b:1@sha256:{one}"), &format!("a/b:1@sha256:{two}")));
        assert!(!same("a/b:1", &format!("a/b:1@sha256:{one}")), "what the tag is now is not known");
        assert!(!same("a/b:1", "x.io/a/b:1"));
    }
}
