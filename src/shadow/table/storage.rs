//! The cells of volumes, claims and their classes.
//!
//! Follows kubernetes `pkg/printers/internalversion/printers.go`.

use super::cell::Cell::{Age, Count, Made, Name, Text, Truth};
use super::cell::{Kind, Row, each, quantity};
use crate::object::{Value, at, text};
use crate::schema::Version;
use std::cmp::Reverse;
use std::sync::Arc;

/// The kinds.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "PersistentVolumeClaim",
        cells: &[
            Name,
            Made(phase),
            Text(&["spec", "volumeName"], ""),
            Made(|row| if is_bound(row) { quantity(row.at(&["status", "capacity", "storage"])).into() } else { "".into() }),
            Made(|row| if is_bound(row) { modes(row.items(&["status", "accessModes"])) } else { "".into() }),
            Made(class),
            Text(&["spec", "volumeAttributesClassName"], "<unset>"),
            Age,
            Text(&["spec", "volumeMode"], "<unset>"),
        ],
    },
    Kind {
        name: "PersistentVolume",
        cells: &[
            Name,
            Made(|row| quantity(row.at(&["spec", "capacity", "storage"])).into()),
            Made(|row| modes(row.items(&["spec", "accessModes"]))),
            Text(&["spec", "persistentVolumeReclaimPolicy"], ""),
            Made(phase),
            Made(claim),
            Made(class),
            Text(&["spec", "volumeAttributesClassName"], "<unset>"),
            Text(&["status", "reason"], ""),
            Age,
            Text(&["spec", "volumeMode"], "<unset>"),
        ],
    },
    Kind {
        name: "StorageClass.storage.k8s.io",
        cells: &[
            Made(class_name),
            Text(&["provisioner"], ""),
            Text(&["reclaimPolicy"], "Delete"),
            Text(&["volumeBindingMode"], "Immediate"),
            Truth(&["allowVolumeExpansion"], false),
            Age,
        ],
    },
    Kind {
        name: "CSIDriver.storage.k8s.io",
        cells: &[
            Name,
            Truth(&["spec", "attachRequired"], true),
            Truth(&["spec", "podInfoOnMount"], false),
            Truth(&["spec", "storageCapacity"], false),
            Made(token_requests),
            Truth(&["spec", "requiresRepublish"], false),
            Made(lifecycle_modes),
            Age,
        ],
    },
    Kind { name: "CSINode.storage.k8s.io", cells: &[Name, Count(&["spec", "drivers"]), Age] },
    Kind {
        name: "VolumeAttachment.storage.k8s.io",
        cells: &[
            Name,
            Text(&["spec", "attacher"], ""),
            Text(&["spec", "source", "persistentVolumeName"], ""),
            Text(&["spec", "nodeName"], ""),
            Truth(&["status", "attached"], false),
            Age,
        ],
    },
    Kind { name: "VolumeAttributesClass.storage.k8s.io", cells: &[Name, Text(&["driverName"], ""), Age] },
];

fn phase(row: &Row<'_>) -> Value {
    if row.is_going() { "Terminating" } else { row.text(&["status", "phase"]) }.into()
}

fn is_bound(row: &Row<'_>) -> bool {
    !row.text(&["spec", "volumeName"]).is_empty()
}

fn modes(given: &[Value]) -> Value {
    let known = [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let modes: Vec<&str> = known.into_iter().filter(|(mode, _)| given.iter().any(|g| g == mode)).map(|(_, short)| short).collect();
    modes.join(",").into()
}

/// The annotation of old comes first, even where it is empty.
fn class(row: &Row<'_>) -> Value {
    let annotated = at(row.object, &["metadata", "annotations", "volume.beta.kubernetes.io/storage-class"]).and_then(Value::as_str);
    annotated.unwrap_or_else(|| row.text(&["spec", "storageClassName"])).into()
}

fn claim(row: &Row<'_>) -> Value {
    if !row.at(&["spec", "claimRef"]).is_object() {
        return "".into();
    }
    format!("{}/{}", row.text(&["spec", "claimRef", "namespace"]), row.text(&["spec", "claimRef", "name"])).into()
}

/// The last made of the classes that say that they are the default one (`getEffectiveDefaultStorageClass`); none for other kinds.
pub(super) fn default_class<'o>(objects: &[&'o Arc<Value>]) -> Option<&'o str> {
    let made = |class: &'o Value| (text(class, &["metadata", "creationTimestamp"]), Reverse(text(class, &["metadata", "name"])));
    let defaults = objects.iter().filter(|o| o["kind"] == "StorageClass" && says_default(o)).map(|o| made(o));
    defaults.max().map(|(_, Reverse(name))| name)
}

fn says_default(class: &Value) -> bool {
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"]
        .iter()
        .any(|key| text(class, &["metadata", "annotations", key]) == "true")
}

/// Up to 1.36 each class that says so is marked as the default one; then only the one of a list that is.
fn class_name(row: &Row<'_>) -> Value {
    let name = row.text(&["metadata", "name"]);
    let default = if row.version < Version::V1_37 { says_default(row.object) } else { row.default_class == Some(name) };
    if default { format!("{name} (default)").into() } else { name.into() }
}

fn token_requests(row: &Row<'_>) -> Value {
    if !row.at(&["spec", "tokenRequests"]).is_array() {
        return "<unset>".into();
    }
    each(row.items(&["spec", "tokenRequests"]), "audience").join(",").into()
}

fn lifecycle_modes(row: &Row<'_>) -> Value {
    let modes: Vec<&str> = row.items(&["spec", "volumeLifecycleModes"]).iter().filter_map(Value::as_str).collect();
    if modes.is_empty() { "<none>".into() } else { modes.join(",").into() }
}
