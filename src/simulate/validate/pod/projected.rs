//! The sources of projected volumes.
//!
//! Follows `validateProjectionSources` of `pkg/apis/core/validation/validation.go`.

use super::volumes::{downward_file, key_to_path, local_path};
use crate::object::Value;
use crate::simulate::validate::check::{Check, Place, Typed};
use crate::simulate::validate::formats::{dns_subdomain, path_segment, qualified_name};
use crate::simulate::validate::metadata::Names;
use crate::simulate::validate::read::Read;
use crate::simulate::validate::selector;
use std::collections::BTreeSet;

/// Paths that are taken; a second file of a path is refused in the name of the volume.
struct Paths<'p, 'v> {
    taken: BTreeSet<&'v str>,
    at: &'p Place<'p>,
}

impl<'v> Paths<'_, 'v> {
    fn take(&mut self, check: &mut Check, path: &'v str, shown: &str) {
        if !self.taken.insert(path) {
            check.invalid(self.at, shown, "conflicting duplicate paths");
        }
    }
}

/// All sources of a projected volume.
pub(super) fn sources(check: &mut Check, volume: &Value, at: &Place) {
    let mut paths = Paths { taken: BTreeSet::new(), at };
    let list_at = at.child("sources");
    for (i, source) in volume.list("sources").iter().enumerate() {
        let (source_at, mut kinds) = (list_at.index(i), 0);
        for kind in ["secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate"] {
            let Some(part) = source.field(kind) else { continue };
            let part_at = source_at.child(kind);
            kinds += 1;
            match kind {
                "secret" | "configMap" => {
                    check.filled(part.text("name"), &part_at.child("name"));
                    let items_at = part_at.child("items");
                    for (j, item) in part.list("items").iter().enumerate() {
                        key_to_path(check, item, &items_at.index(j));
                        if !item.text("path").is_empty() {
                            paths.take(check, item.text("path"), part.text("name"));
                        }
                    }
                }
                "downwardAPI" => {
                    for file in part.list("items") {
                        downward_file(check, file, &part_at);
                        if !file.text("path").is_empty() {
                            paths.take(check, file.text("path"), file.text("path"));
                        }
                    }
                }
                "serviceAccountToken" => token(check, part, &part_at, at),
                "clusterTrustBundle" => {
                    trust_bundle(check, part, &part_at);
                    paths.take(check, part.text("path"), part.text("path"));
                }
                _ => certificate(check, part, &part_at, &mut paths),
            }
        }
        if kinds > 1 {
            check.forbidden(&source_at, "may not specify more than 1 volume type per source");
        }
    }
}

fn token(check: &mut Check, token: &Value, at: &Place, volume_at: &Place) {
    let (seconds_at, seconds) = (at.child("expirationSeconds"), token.number("expirationSeconds"));
    if seconds < 600 {
        check.invalid(&seconds_at, seconds, "may not specify a duration less than 10 minutes");
    }
    if seconds > 1 << 32 {
        check.invalid(&seconds_at, seconds, "may not specify a duration larger than 2^32 seconds");
    }
    if check.filled(token.text("path"), &volume_at.child("path")) && !check.options.lax_token_paths {
        local_path(check, token.text("path"), &volume_at.child("path"));
    }
}

fn trust_bundle(check: &mut Check, bundle: &Value, at: &Place) {
    const BUNDLE: &str = "io.k8s.api.core.v1.ClusterTrustBundleProjection";
    let name = bundle.field("name").and_then(Value::as_str);
    match (name, bundle.has("signerName")) {
        (Some(_), true) => check.invalid(at, Typed(BUNDLE, bundle), "only one of name and signerName may be used"),
        (Some(name), false) => {
            if name.is_empty() {
                check.required(&at.child("name"), "must be a valid object name");
            }
            for message in bundle_name(name) {
                check.invalid(&at.child("name"), name, &format!("not a valid clustertrustbundlename: {message}"));
            }
            if let Some(selector) = bundle.field("labelSelector") {
                check.invalid(&at.child("labelSelector"), selector, "labelSelector must be unset if name is specified");
            }
        }
        (None, true) => {
            if bundle.text("signerName").is_empty() {
                check.required(&at.child("signerName"), "must be a valid signer name");
            }
            signer_name(check, bundle.text("signerName"), &at.child("signerName"));
            selector::selector(check, bundle.part("labelSelector"), false, &at.child("labelSelector"));
        }
        (None, false) => check.required(at, "either name or signerName must be specified"),
    }
    check.filled(bundle.text("path"), &at.child("path"));
    local_path(check, bundle.text("path"), &at.child("path"));
}

/// `SIGNER:NAME`, with the slash of the signer's name as a colon, or a plain name.
fn bundle_name(name: &str) -> Vec<String> {
    match name.rsplit_once(':') {
        Some((_, rest)) => Names::Subdomain.errors(rest, false),
        None => Names::Subdomain.errors(name, false),
    }
}

/// `domain/path`.
fn signer_name(check: &mut Check, name: &str, at: &Place) {
    if name.is_empty() {
        return check.required(at, "");
    }
    let Some((domain, path)) = name.split_once('/').filter(|(_, path)| !path.contains('/')) else {
        return check.invalid(at, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
    };
    for message in dns_subdomain(domain) {
        check.invalid(at, domain, &format!("validating label {}: {message}", crate::simulate::status::quoted(domain)));
    }
    if domain.split('.').count() < 2 {
        check.invalid(at, domain, "should be a domain with at least two segments separated by dots");
    }
    for message in path_segment(path) {
        check.invalid(at, path, &message);
    }
}

fn certificate<'v>(check: &mut Check, certificate: &'v Value, at: &Place, paths: &mut Paths<'_, 'v>) {
    signer_name(check, certificate.text("signerName"), &at.child("signerName"));
    let annotations_at = at.child("userAnnotations");
    for (key, _) in certificate.entries("userAnnotations") {
        let key = key.to_lowercase();
        let messages = qualified_name(check.version(), &key);
        if messages.is_empty() && !key.contains('/') {
            check.invalid(&annotations_at, key.as_str(), "must be a domain-prefixed key (such as \"acme.io/foo\")");
        }
        check.invalid_each(&annotations_at, &key, messages);
    }
    let kinds = ["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];
    check.one_of(&at.child("keyType"), certificate.text("keyType"), &kinds);
    if let Some(seconds) = certificate.number_if_set("maxExpirationSeconds") {
        let seconds_at = at.child("maxExpirationSeconds");
        if seconds < 3600 {
            check.invalid(&seconds_at, seconds, "if provided, maxExpirationSeconds must be >= 3600");
        }
        let own = certificate.text("signerName").starts_with("kubernetes.io/");
        let most = if own { 24 * 60 * 60 } else { 91 * 24 * 60 * 60 };
        if seconds > most {
            check.invalid(&seconds_at, seconds, &format!("if provided, maxExpirationSeconds must be <= {most}"));
        }
    }
    let mut count = 0;
    for name in ["credentialBundlePath", "keyPath", "certificateChainPath"] {
        let path = certificate.text(name);
        if !path.is_empty() {
            count += 1;
            local_path(check, path, &at.child(name));
            paths.take(check, path, path);
        }
    }
    if count == 0 {
        check.required(at, "specify at least one of credentialBundlePath, keyPath, and certificateChainPath");
    }
}
