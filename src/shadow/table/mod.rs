//! Objects become a `Table` with the columns that `kubectl get` shows.
//!
//! The columns are data (`columns.json`, recorded from the server); each module holds the cells of a group of kinds. Follows
//! kubernetes `pkg/printers/tablegenerator.go`, apiserver `pkg/registry/rest/table.go` for kinds without columns of their own and
//! `pkg/endpoints/handlers/response.go` for what stands around the rows.

mod access;
mod age;
mod autoscaler;
mod cell;
mod cluster;
mod custom;
mod jsonpath;
mod labels;
mod network;
mod pod;
mod storage;
mod workload;

use super::list;
use super::resource::{Rendering, as_served};
use crate::object::{Value, integer, items, json, map_at, text};
use crate::schema::Version;
use crate::simulate::resources::Served;
use crate::simulate::{ApiError, Cluster};
use cell::{Cell, Kind, Row};
use std::sync::{Arc, LazyLock};

/// The columns of each kind that has its own; under the empty name those of all others.
static COLUMNS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("columns.json")).expect("the file is part of the program and tested"));

/// The cells of each kind that has columns of its own.
const KINDS: [&[Kind]; 7] = [workload::KINDS, pod::KINDS, network::KINDS, storage::KINDS, autoscaler::KINDS, cluster::KINDS, access::KINDS];

/// The cells of all other kinds.
const PLAIN: &[Cell] = &[Cell::Name, Cell::Text(&["metadata", "creationTimestamp"], "")];

/// What stands beside the cells of a row (`includeObject`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Include {
    /// Nothing.
    None,
    /// The object's metadata.
    #[default]
    Metadata,
    /// The object.
    Object,
}

impl Include {
    /// As the query says it.
    ///
    /// # Errors
    /// 400 for a word that is none of the three.
    pub(super) fn of(word: &str) -> Result<Self, ApiError> {
        match word {
            "None" => Ok(Self::None),
            "Object" => Ok(Self::Object),
            "" | "Metadata" => Ok(Self::Metadata),
            _ => Err(ApiError::bad_request(format!(
                "Unable to convert to Table as requested: includeObject: Invalid value: \"{word}\": must be 'Metadata', 'Object', 'None', or empty"
            ))),
        }
    }
}

/// How the cells of a kind are made.
enum Cells {
    Builtin(&'static [Cell]),
    Plain,
    Custom(Vec<custom::Column>),
}

/// What a kind's table is made of: its columns and its cells.
fn layout(served: &Served) -> (Value, Cells) {
    if let Some(definition) = served.definition() {
        let [name, created] = [0, 1].map(|i| &COLUMNS[""][i]);
        let columns = custom::columns(definition, text(created, &["description"]));
        let definitions: Vec<Value> = std::iter::once(name.clone()).chain(columns.iter().map(custom::Column::definition)).collect();
        return (definitions.into(), Cells::Custom(columns));
    }
    let (group, kind) = list::stored(served);
    let name = if group.is_empty() { kind } else { format!("{kind}.{group}") };
    match KINDS.into_iter().flatten().find(|k| k.name == name) {
        Some(kind) => (COLUMNS[kind.name].clone(), Cells::Builtin(kind.cells)),
        None => (COLUMNS[""].clone(), Cells::Plain),
    }
}

/// What ServiceAccounts say of the column that they had.
const SECRETS: &str = "Secrets is a list of the secrets in the same namespace that pods running using this ServiceAccount are allowed to use. \
    Pods are only limited to this list if this service account has a \"kubernetes.io/enforce-mountable-secrets\" annotation set to \"true\". \
    The \"kubernetes.io/enforce-mountable-secrets\" annotation is deprecated since v1.32. Prefer separate namespaces to isolate access to \
    mounted secrets. This field should not be used to find auto-generated service account token secrets for use outside of pods. Instead, \
    tokens can be requested directly using the TokenRequest API, or service account token secrets can be manually created. More info: \
    https://kubernetes.io/docs/concepts/configuration/secret";

/// Up to 1.34 the table of ServiceAccounts counts their secrets.
fn counts_secrets(cluster: &Cluster, served: &Served) -> bool {
    cluster.schema.version() == Version::V1_34 && served.kind == "ServiceAccount" && served.group.is_empty()
}

/// What a table answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// A list.
    List,
    /// One object, or the first event of a watch.
    Object,
    /// Another event, which leaves out the definitions of the columns.
    LaterEvent,
}

/// A table of objects; `metadata` is that of the list or of the one object.
pub(super) fn table(
    cluster: &Cluster,
    served: &Served,
    version: &'static str,
    objects: &[Arc<Value>],
    metadata: Value,
    include: Include,
    shown: Shown,
) -> Value {
    let (mut definitions, cells) = layout(served);
    let with_secrets = counts_secrets(cluster, served);
    if with_secrets && let Some(columns) = definitions.as_array_mut() {
        columns.insert(1, json!({"name": "Secrets", "type": "string", "format": "", "description": SECRETS, "priority": 0}));
    }
    let mut objects: Vec<&Arc<Value>> = objects.iter().collect();
    if served.kind == "FlowSchema" && served.definition().is_none() {
        objects.sort_by_key(|o| integer(o, &["spec", "matchingPrecedence"]));
    }
    let default_class = storage::default_class(&objects).filter(|_| shown == Shown::List);
    let row = |object: &Arc<Value>| {
        // The server prints its own kinds from its internal version, which is the one they are stored in here.
        let printed = if matches!(cells, Cells::Custom(_)) { as_served(cluster, served, object) } else { Arc::clone(object) };
        let of = Row { object: &printed, clock: &cluster.clock, version: cluster.schema.version(), default_class };
        let mut cells: Vec<Value> = match &cells {
            Cells::Builtin(cells) => cells.iter().map(|cell| cell.of(&of)).collect(),
            Cells::Plain => PLAIN.iter().map(|cell| cell.of(&of)).collect(),
            Cells::Custom(columns) => custom::cells(columns, &of),
        };
        if with_secrets {
            cells.insert(1, items(object, &["secrets"]).len().into());
        }
        let mut row = json!({"cells": cells});
        if served.kind == "Pod"
            && served.group.is_empty()
            && let Some(conditions) = pod::completed(object)
        {
            map_at(&mut row, &[]).insert("conditions".into(), conditions);
        }
        let beside = match include {
            Include::None => Value::Null,
            Include::Metadata => Rendering::metadata_of(object, version),
            Include::Object => Value::clone(&as_served(cluster, served, object)),
        };
        map_at(&mut row, &[]).insert("object".into(), beside);
        row
    };
    // Go's nil slice, where nobody made one.
    let none = objects.is_empty() && matches!(cells, Cells::Plain);
    let rows: Vec<Value> = objects.into_iter().map(row).collect();
    let rows = if none { Value::Null } else { rows.into() };
    let definitions = if shown == Shown::LaterEvent { Value::Null } else { definitions };
    json!({"kind": "Table", "apiVersion": format!("meta.k8s.io/{version}"), "metadata": metadata, "columnDefinitions": definitions, "rows": rows})
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, KINDS};

    #[test]
    fn each_kind_has_a_cell_for_each_column() {
        for kind in KINDS.into_iter().flatten() {
            let columns = COLUMNS[kind.name].as_array().unwrap_or_else(|| panic!("no columns of {}", kind.name)).len();
            // The server itself has one column too few here.
            let columns = if kind.name.starts_with("IPAddress.") { columns + 1 } else { columns };
            assert_eq!(kind.cells.len(), columns, "{}", kind.name);
        }
    }

    #[test]
    fn each_kind_with_columns_has_cells() {
        let unshown = |name: &&str| !name.is_empty() && !KINDS.into_iter().flatten().any(|k| k.name == *name);
        let columns = COLUMNS.as_object().into_iter().flatten();
        let unshown: Vec<&str> = columns.map(|(name, _)| name.as_str()).filter(unshown).collect();
        assert_eq!(unshown, ["ComponentStatus", "Event.events.k8s.io"]);
    }
}
