//! Which pull policy an image gets when none is written.
//!
//! Follows `pkg/util/parsers/parsers.go` over `github.com/distribution/reference`: only a reference that parses can be `latest`.

use crate::images::parse;

/// `Always` for a reference whose tag is `latest`, written or meant; else `IfNotPresent`.
pub(super) fn pull_policy(image: &str) -> &'static str {
    let is_identifier = image.len() == 64 && image.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let latest = parse(image).is_ok_and(|image| image.tag.map_or(image.digest.is_none(), |tag| tag == "latest"));
    if latest && !is_identifier { "Always" } else { "IfNotPresent" }
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
