//! Handing fields from one manager to another before an applier may prune them: patches of `managedFields`.
//!
//! Follows client-go `util/csaupgrade/upgrade.go` (kubectl, Argo CD, Helm) and fluxcd/pkg `ssa/patch.go`
//! (`PatchReplaceFieldsManagers`).

use crate::apply::fields_v1;
use crate::apply::last_applied::LAST_APPLIED;
use crate::object::{Value, at, items, json, text};

/// The names of the managers of an operation that own the last-applied annotation.
pub(super) fn owners_of_last_applied(live: &Value, operation: &str) -> Vec<String> {
    let path = ["fieldsV1", "f:metadata", "f:annotations", &format!("f:{LAST_APPLIED}")];
    let mut names: Vec<String> = entries(live)
        .iter()
        .filter(|entry| text(entry, &["operation"]) == operation && at(entry, &path).is_some())
        .map(|entry| text(entry, &["manager"]).to_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The JSON patch that makes the fields of client-side appliers those of `manager`'s server-side apply; none if there is nothing to do.
pub(super) fn upgrade(live: &Value, client_side: &[String], manager: &str) -> Option<Value> {
    if client_side.is_empty() {
        return None;
    }
    let before = entries(live);
    let after = client_side.iter().fold(before.to_vec(), |entries, name| upgraded(entries, name, manager));
    (after != before).then(|| {
        json!([
            {"op": "replace", "path": "/metadata/managedFields", "value": after},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": text(live, &["metadata", "resourceVersion"])},
        ])
    })
}

fn upgraded(mut entries: Vec<Value>, client_side: &str, manager: &str) -> Vec<Value> {
    let old = |entry: &Value| is(entry, client_side, "Update");
    let index = match entries.iter().position(|entry| is(entry, manager, "Apply")) {
        Some(index) => index,
        None => {
            let Some(index) = entries.iter().position(old) else { return entries };
            entries[index]["operation"] = "Apply".into();
            entries[index]["manager"] = manager.into();
            index
        }
    };
    let version = text(&entries[index], &["apiVersion"]).to_owned();
    if let Some(donor) = entries.iter().find(|entry| old(entry) && text(entry, &["apiVersion"]) == version) {
        let fields = united(&entries[index]["fieldsV1"], &donor["fieldsV1"]);
        entries[index]["fieldsV1"] = fields;
    }
    entries.retain(|entry| !old(entry));
    entries
}

/// A manager whose fields Flux takes over: the start of its name, and its operation.
pub(super) type Takeover = (&'static str, &'static str);

/// The value that `managedFields` gets when `manager` takes over from others; none if it takes nothing.
pub(super) fn taken_over(live: &Value, from: &[Takeover], manager: &str) -> Option<Value> {
    let entries = entries(live);
    let own = entries.iter().rposition(|entry| text(entry, &["manager"]) == manager && entry["operation"] == "Apply");
    let mut mine = own.map(|index| entries[index].clone());
    let (mut others, mut taken) = (Vec::new(), false);
    for (index, entry) in entries.iter().enumerate() {
        let wanted = |(name, operation): &Takeover| {
            text(entry, &["manager"]).starts_with(name) && entry["operation"] == *operation && text(entry, &["subresource"]).is_empty()
        };
        if Some(index) == own {
            continue;
        }
        if !from.iter().any(wanted) {
            others.push(entry.clone());
            continue;
        }
        taken = true;
        mine = Some(match mine {
            None => {
                let mut renamed = entry.clone();
                renamed["manager"] = manager.into();
                renamed["operation"] = "Apply".into();
                renamed
            }
            Some(mut mine) => {
                mine["fieldsV1"] = united(&mine["fieldsV1"], &entry["fieldsV1"]);
                mine
            }
        });
    }
    others.extend(mine);
    taken.then(|| others.into())
}

fn entries(live: &Value) -> &[Value] {
    items(live, &["metadata", "managedFields"])
}

fn is(entry: &Value, manager: &str, operation: &str) -> bool {
    text(entry, &["manager"]) == manager && entry["operation"] == operation && text(entry, &["subresource"]).is_empty()
}

/// The union of two sets of fields; the first of them if they cannot be read.
fn united(a: &Value, b: &Value) -> Value {
    match (fields_v1::read(a), fields_v1::read(b)) {
        (Ok(a), Ok(b)) => fields_v1::write(&a.union(&b)),
        _ => a.clone(),
    }
}
