//! Volumes that no longer do anything, and files of a volume that stand in each other's way.
//!
//! Follows `warningsForPodSpecAndMeta` and `warningsForOverlappingVirtualPaths` of `pkg/api/pod/warnings.go`, and
//! `pkg/api/persistentvolume/util.go`.

use super::{claim, labels, warn};
use crate::object::Value;
use crate::simulate::status::quoted;
use crate::simulate::validate::check::Place;
use crate::simulate::validate::read::Read;

/// Volume sources that no longer do anything: their name, the name that is shown, what is said.
const OLD_SOURCES: &[(&str, &str, &str)] = &[
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

/// Those of them that a PersistentVolume is warned of, in that order.
const OLD_OF_VOLUMES: [&str; 6] = ["cephfs", "photonPersistentDisk", "scaleIO", "storageos", "glusterfs", "rbd"];

/// The volumes of a pod.
pub(super) fn of_pod(volumes: &[Value], list_at: &Place, found: &mut Vec<String>) {
    for (i, volume) in volumes.iter().enumerate() {
        let at = list_at.index(i);
        for (_, shown, text) in OLD_SOURCES.iter().filter(|(name, _, _)| volume.has(name)) {
            warn(found, &at.child(shown), text);
        }
        if let Some(template) = volume.part("ephemeral").field("volumeClaimTemplate") {
            claim(template.part("spec"), &at.child("ephemeral.volumeClaimTemplate.spec"), found);
        }
    }
    volumes.iter().for_each(|volume| overlaps(volume, found));
}

/// A file of a volume and where it comes from.
struct File {
    path: String,
    source: String,
}

impl File {
    fn new(path: &str, source: String) -> Self {
        Self { path: path.trim_end_matches('/').to_owned(), source }
    }

    fn shown(&self) -> String {
        if self.source.is_empty() { quoted(&self.path) } else { format!("{} ({})", quoted(&self.path), self.source) }
    }

    /// Whether one of two is the other, or a folder that it is in.
    fn meets(&self, other: &Self) -> bool {
        let (a, b) = (format!("{}/", self.path), format!("{}/", other.path));
        !self.path.is_empty() && !other.path.is_empty() && (a.starts_with(&b) || b.starts_with(&a))
    }
}

fn listed(items: &[Value], source: &str) -> Vec<File> {
    items.iter().map(|item| File::new(item.text("path"), source.to_owned())).collect()
}

/// Adds files to a volume's, and says which of them meet.
fn add(volume: &Value, what: &str, files: Vec<File>, earlier: &mut Vec<File>, found: &mut Vec<String>) {
    for file in files {
        for other in earlier.iter().filter(|o| file.meets(o)) {
            let both = format!("{} with {}", file.shown(), other.shown());
            found.push(format!("volume {} ({what}): overlapping paths: {both}", quoted(volume.text("name"))));
        }
        earlier.push(file);
    }
}

fn overlaps(volume: &Value, found: &mut Vec<String>) {
    for (source, kind, named) in [("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")] {
        let source = volume.part(source);
        let what = format!("{kind} {}", quoted(source.text(named)));
        add(volume, &what, listed(source.list("items"), ""), &mut Vec::new(), found);
    }
    add(volume, "DownwardAPI", listed(volume.part("downwardAPI").list("items"), ""), &mut Vec::new(), found);
    let mut files = Vec::new();
    for source in volume.part("projected").list("sources") {
        if source.as_object().is_none_or(|s| s.values().all(Value::is_null)) {
            found.push(format!("volume {} (Projected) has no sources provided", quoted(volume.text("name"))));
        } else {
            add(volume, "Projected", projected(source), &mut files, found);
        }
    }
}

/// The files of one source of a projected volume.
fn projected(source: &Value) -> Vec<File> {
    for (key, kind) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
        if source.part(key).has("items") {
            return listed(source.part(key).list("items"), &format!("{kind} {}", quoted(source.part(key).text("name"))));
        }
    }
    if source.part("downwardAPI").has("items") {
        return listed(source.part("downwardAPI").list("items"), "DownwardAPI");
    }
    if let Some(token) = source.field("serviceAccountToken") {
        return vec![File::new(token.text("path"), "ServiceAccountToken".into())];
    }
    if let Some(bundle) = source.field("clusterTrustBundle") {
        let name = if bundle.has("name") { bundle.text("name") } else { bundle.text("signerName") };
        return vec![File::new(bundle.text("path"), format!("ClusterTrustBundle {}", quoted(name)))];
    }
    let certificate = source.part("podCertificate");
    let parts = [("certificateChainPath", "chain"), ("keyPath", "key"), ("credentialBundlePath", "credential bundle")];
    let there = parts.iter().filter(|(key, _)| !certificate.text(key).is_empty());
    there.map(|(key, what)| File::new(certificate.text(key), format!("PodCertificate {what}"))).collect()
}

/// A PersistentVolume.
pub(super) fn volume(object: &Value, found: &mut Vec<String>) {
    let (spec, at) = (object.part("spec"), Place::root("spec"));
    for (key, text) in [
        ("volume.beta.kubernetes.io/storage-class", "deprecated since v1.8; use \"storageClassName\" attribute instead"),
        ("volume.beta.kubernetes.io/mount-options", "deprecated since v1.31; use \"mountOptions\" attribute instead"),
    ] {
        if object.part("metadata").part("annotations").has(key) {
            found.push(format!("metadata.annotations[{key}]: {text}"));
        }
    }
    if spec.text("persistentVolumeReclaimPolicy") == "Recycle" {
        let text = "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.";
        warn(found, &at.child("persistentVolumeReclaimPolicy"), text);
    }
    let terms_at = at.child("nodeAffinity.required.nodeSelectorTerms");
    for (i, term) in spec.part("nodeAffinity").part("required").list("nodeSelectorTerms").iter().enumerate() {
        labels::term(term, None, &terms_at.index(i), found);
    }
    for name in OLD_OF_VOLUMES.into_iter().filter(|name| spec.has(name)) {
        for (_, shown, text) in OLD_SOURCES.iter().filter(|(own, _, _)| *own == name) {
            warn(found, &at.child(shown), text);
        }
    }
}
