//! What stands in one cell of a row: most are a field of the object, said as data.

use super::age;
use crate::object::quantity::Quantity;
use crate::object::{Value, at, integer, items, text};
use crate::schema::Version;
use crate::simulate::clock::Clock;

/// A path of map keys.
pub(super) type Path = &'static [&'static str];

/// One object as a table shows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'o> {
    /// The object.
    pub(super) object: &'o Value,
    /// What time it is.
    pub(super) clock: &'o Clock,
    /// Which Kubernetes prints it.
    pub(super) version: Version,
    /// The StorageClass that stands for all that name none, if the row is one of a list of them.
    pub(super) default_class: Option<&'o str>,
}

impl<'o> Row<'o> {
    /// The text at a path; empty if there is none.
    pub(super) fn text(&self, path: &[&str]) -> &'o str {
        text(self.object, path)
    }

    /// The number at a path; 0 if there is none.
    pub(super) fn number(&self, path: &[&str]) -> i64 {
        integer(self.object, path).unwrap_or_default()
    }

    /// The items of the list at a path.
    pub(super) fn items(&self, path: &[&str]) -> &'o [Value] {
        items(self.object, path)
    }

    /// The value at a path; null if there is none.
    pub(super) fn at(&self, path: &[&str]) -> &'o Value {
        at(self.object, path).unwrap_or(&Value::Null)
    }

    /// Whether somebody has asked for the object to be deleted.
    pub(super) fn is_going(&self) -> bool {
        !self.text(&["metadata", "deletionTimestamp"]).is_empty()
    }

    /// How long ago a time of day was.
    pub(super) fn since(&self, timestamp: &str) -> String {
        age::since(self.clock, timestamp)
    }
}

/// How a cell comes from an object.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell {
    /// The name.
    Name,
    /// The time since creation.
    Age,
    /// A text, or the other if there is none.
    Text(Path, &'static str),
    /// A number.
    Number(Path),
    /// A truth value, or the other if there is none.
    Truth(Path, bool),
    /// How many there are in a list or a map.
    Count(Path),
    /// Names of the containers of the pod spec at a path.
    Names(Path),
    /// Their images.
    Images(Path),
    /// Anything else.
    Made(fn(&Row<'_>) -> Value),
}

impl Cell {
    /// The cell of an object.
    pub(super) fn of(self, row: &Row<'_>) -> Value {
        match self {
            Self::Name => row.text(&["metadata", "name"]).into(),
            Self::Age => row.since(row.text(&["metadata", "creationTimestamp"])).into(),
            Self::Text(path, default) => at(row.object, path).and_then(Value::as_str).unwrap_or(default).into(),
            Self::Number(path) => row.number(path).into(),
            Self::Truth(path, default) => row.at(path).as_bool().unwrap_or(default).into(),
            Self::Count(path) => count(row.at(path)).into(),
            Self::Names(path) => of_containers(row, path, "name"),
            Self::Images(path) => of_containers(row, path, "image"),
            Self::Made(make) => make(row),
        }
    }
}

/// The cells of one kind, in the order of its columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// `Deployment.apps`
    pub(super) name: &'static str,
    /// Its cells.
    pub(super) cells: &'static [Cell],
}

/// How many entries a list or a map has.
pub(super) fn count(value: &Value) -> u64 {
    let map = value.as_object().map_or(0, crate::object::Map::len);
    (map + value.as_array().map_or(0, Vec::len)) as u64
}

fn of_containers(row: &Row<'_>, spec: Path, key: &str) -> Value {
    let containers = items(row.at(spec), &["containers"]);
    containers.iter().map(|c| text(c, &[key])).collect::<Vec<_>>().join(",").into()
}

/// A quantity in its canonical spelling; `0` if there is none.
pub(super) fn quantity(value: &Value) -> String {
    Quantity::from_value(value).unwrap_or(Quantity::ZERO).to_string()
}

/// Values of one key of every item that has it.
pub(super) fn each<'v>(list: &'v [Value], key: &str) -> Vec<&'v str> {
    list.iter().map(|item| text(item, &[key])).collect()
}

/// The first `most` of a list, and how many more there are.
pub(super) fn some(list: &[String], most: usize, separator: &str) -> String {
    let shown = list[..list.len().min(most)].join(separator);
    if list.len() > most { format!("{shown} + {} more...", list.len() - most) } else { shown }
}
