//! Whether a Secret of a certificate holds one at all.
//!
//! Follows the beginning of Go's `crypto/tls.X509KeyPair`, by which `pkg/registry/core/secret/strategy.go` judges: that blocks of PEM
//! are there. Whether certificate and key belong together is not looked at.

use crate::object::{Value, base64};
use crate::simulate::validate::read::Read;

/// Warns of a certificate or a key that is none.
pub(super) fn secret(object: &Value, found: &mut Vec<String>) {
    if object.text("type") != "kubernetes.io/tls" {
        return;
    }
    let data = |key: &str| String::from_utf8_lossy(&base64::decode(object.part("data").text(key)).unwrap_or_default()).into_owned();
    found.extend(certificate(&data("tls.crt")).or_else(|| key(&data("tls.key"))));
}

fn certificate(text: &str) -> Option<String> {
    let types = blocks(text);
    match types.as_slice() {
        types if types.contains(&"CERTIFICATE") => None,
        [] => Some("tls: failed to find any PEM data in certificate input".into()),
        [only] if only.ends_with("PRIVATE KEY") => {
            let hint = "did find a private key; PEM inputs may have been switched";
            Some(format!("tls: failed to find certificate PEM data in certificate input, but {hint}"))
        }
        skipped => Some(format!(
            "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [{}]",
            skipped.join(" ")
        )),
    }
}

fn key(text: &str) -> Option<String> {
    let types = blocks(text);
    match types.as_slice() {
        types if types.iter().any(|t| *t == "PRIVATE KEY" || t.ends_with(" PRIVATE KEY")) => None,
        [] => Some("tls: failed to find any PEM data in key input".into()),
        ["CERTIFICATE"] => Some("tls: found a certificate rather than a key in the PEM for the private key".into()),
        skipped => Some(format!(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the following types: [{}]",
            skipped.join(" ")
        )),
    }
}

/// The types of the PEM blocks in a text.
fn blocks(text: &str) -> Vec<&str> {
    let mut types = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let Some((name, body)) = after.split_once("-----") else { break };
        let Some((held, beyond)) = body.split_once(&format!("-----END {name}-----")) else {
            rest = after;
            continue;
        };
        // Headers, if there are some, end with an empty line.
        let encoded = held.rsplit_once("\n\n").map_or(held, |(_, encoded)| encoded);
        let encoded: String = encoded.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        if base64::decode(&encoded).is_ok() {
            types.push(name);
            rest = beyond;
        } else {
            rest = after;
        }
    }
    types
}

#[cfg(test)]
mod tests {
    use super::{certificate, key};

    #[test]
    fn certificates_and_keys_are_pem() {
        let block = |name: &str| format!("-----BEGIN {name}-----\nMIIB\n-----END {name}-----\n");
        assert_eq!(certificate(&block("CERTIFICATE")), None);
        assert_eq!(certificate("no").as_deref(), Some("tls: failed to find any PEM data in certificate input"));
        assert!(certificate(&block("PRIVATE KEY")).is_some_and(|w| w.ends_with("PEM inputs may have been switched")));
        assert!(certificate(&block("X")).is_some_and(|w| w.ends_with("of the following types: [X]")));
        assert_eq!(key(&block("RSA PRIVATE KEY")), None);
        assert_eq!(key(&format!("{}{}", block("EC PARAMETERS"), block("EC PRIVATE KEY"))), None);
        assert_eq!(key("no").as_deref(), Some("tls: failed to find any PEM data in key input"));
        assert!(key(&block("CERTIFICATE")).is_some_and(|w| w.contains("rather than a key")));
    }
}
