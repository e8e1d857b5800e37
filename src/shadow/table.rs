//! Objects become a `Table`, or their metadata alone.
//!
//! Follows apiserver `pkg/registry/rest/table.go` for kinds without columns of their own.

use super::resource::Rendering;
use crate::object::{Value, json, map_at, text};
use crate::simulate::Cluster;
use crate::simulate::resources::Served;
use std::sync::Arc;

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
    pub(super) fn of(text: &str) -> Self {
        match text {
            "None" => Self::None,
            "Object" => Self::Object,
            _ => Self::Metadata,
        }
    }
}

/// A table of objects; `metadata` is that of the list or of the one object. The definitions of the columns are left out in all
/// but the first event of a watch.
pub(super) fn table(
    _cluster: &Cluster,
    _served: &Served,
    version: &str,
    objects: &[Arc<Value>],
    metadata: Value,
    include: Include,
    columns: bool,
) -> Value {
    let column = |name: &str, ty: &str, format: &str, description: &str| json!({"name": name, "type": ty, "format": format, "description": description, "priority": 0});
    let definitions = [
        column("Name", "string", "name", "Name must be unique within a namespace."),
        column("Created At", "date", "", "CreationTimestamp is a timestamp representing the server time when this object was created."),
    ];
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let cells = json!([text(object, &["metadata", "name"]), text(object, &["metadata", "creationTimestamp"])]);
            let mut row = json!({"cells": cells});
            match include {
                Include::None => {}
                Include::Metadata => row["object"] = Rendering::metadata_of(object),
                Include::Object => row["object"] = Value::clone(object),
            }
            row
        })
        .collect();
    let mut table = json!({"kind": "Table", "apiVersion": format!("meta.k8s.io/{version}"), "metadata": metadata, "columnDefinitions": [], "rows": rows});
    if columns {
        map_at(&mut table, &[]).insert("columnDefinitions".into(), json!(definitions));
    }
    table
}
