//! Which items of two lists belong together: by the keys that Kubernetes merges them by.

use crate::object::Value;
use crate::schema::{Field, ListKind, ListType, Schema, Type};
use std::collections::BTreeMap;

/// How the items of a list are told apart.
pub(super) enum Identity<'s> {
    /// By the values of these keys, each with its default.
    Keys(Vec<(&'s str, Option<&'s Value>)>),
    /// Each item is its own key.
    Set,
    /// Only by their order.
    Order,
}

/// How the items of a list are told apart, by its type. Lists without a type (custom resources without a schema) go by `name`,
/// if all their items have one.
pub(super) fn identity<'s>(schema: &'s Schema, list: Option<&'s ListType>, field: Option<&'s Field>) -> Identity<'s> {
    let Some(list) = list else { return Identity::Keys(vec![("name", None)]) };
    let with_defaults = |keys: Vec<&'s str>| {
        let item = schema.fields(&list.item);
        Identity::Keys(keys.into_iter().map(|k| (k, item.and_then(|i| i.field(k)).and_then(|f| f.default.as_ref()))).collect())
    };
    match &list.kind {
        ListKind::Map(keys) => with_defaults(keys.iter().map(String::as_str).collect()),
        ListKind::Set => Identity::Set,
        ListKind::Atomic => match field.and_then(|f| f.merge_key.as_deref()) {
            Some(key) => with_defaults(vec![key]),
            None if matches!(list.item, Type::Any) => Identity::Keys(vec![("name", None)]),
            None => Identity::Order,
        },
    }
}

impl Identity<'_> {
    /// What tells an item apart: `name="agent"`; none if the item lacks it.
    fn of(&self, item: &Value) -> Option<String> {
        match self {
            Self::Keys(keys) => {
                let key = |(name, default): &(&str, Option<&Value>)| Some(format!("{name}={}", item.get(*name).or(*default)?));
                item.is_object().then(|| keys.iter().map(key).collect::<Option<Vec<_>>>()).flatten().map(|k| k.join(","))
            }
            Self::Set => (!item.is_object() && !item.is_array()).then(|| format!("={item}")),
            Self::Order => None,
        }
    }

    /// The items by what tells them apart, and its order; none if two are alike or one lacks it.
    pub(super) fn index<'v>(&self, items: &'v [Value]) -> Option<Index<'v>> {
        let mut index = Index::default();
        for item in items {
            let key = self.of(item)?;
            if index.items.insert(key.clone(), item).is_some() {
                return None;
            }
            index.order.push(key);
        }
        Some(index)
    }
}

/// Items by what tells them apart.
#[derive(Default)]
pub(super) struct Index<'v> {
    pub(super) items: BTreeMap<String, &'v Value>,
    pub(super) order: Vec<String>,
}

impl Index<'_> {
    /// The keys that another index has too, in this one's order.
    pub(super) fn common(&self, other: &Self) -> Vec<&str> {
        self.order.iter().filter(|k| other.items.contains_key(*k)).map(String::as_str).collect()
    }
}
