//! Patch metadata of a field: whether and how a strategic merge patch merges it.
//!
//! Follows apimachinery `pkg/util/strategicpatch/meta.go` (`PatchMetaFromStruct`).

use crate::apply::PatchError;
use crate::schema::{Schema, Type};

/// The patch strategy of a field, `retainKeys` aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::apply) enum Strategy {
    /// None: maps are merged, lists replaced.
    Default,
    /// `merge`
    Merge,
    /// `replace`
    Replace,
}

/// How a field is merged.
#[derive(Clone, Copy, Debug)]
pub(in crate::apply) struct Merging<'s> {
    /// The type of the value, or of a list's items.
    pub(in crate::apply) ty: &'s Type,
    pub(in crate::apply) strategy: Strategy,
    pub(in crate::apply) retain_keys: bool,
    /// Empty if there is none.
    pub(in crate::apply) merge_key: &'s str,
}

/// The metadata of a map-valued field.
pub(in crate::apply) fn look_up<'s>(schema: &'s Schema, ty: Option<&'s Type>, key: &str) -> Result<Merging<'s>, PatchError> {
    let Some(fields) = ty.and_then(|ty| schema.fields(ty)) else {
        let text = format!("merging an object in json but data type is not struct, instead is: {}", go_type_kind(ty));
        return Err(PatchError::Internal(text));
    };
    let Some(field) = fields.field(key) else {
        let text = format!("unable to find api field in struct {} for the json field {key:?}", fields.go);
        return Err(PatchError::Internal(text));
    };
    let strategy = match (field.patch_merge, field.patch_replace) {
        (true, _) => Strategy::Merge,
        (_, true) => Strategy::Replace,
        _ => Strategy::Default,
    };
    let merge_key = field.merge_key.as_deref().unwrap_or_default();
    Ok(Merging { ty: &field.ty, strategy, retain_keys: field.retain_keys, merge_key })
}

/// The metadata of a list-valued field; its type is the items'.
pub(in crate::apply) fn look_up_list<'s>(schema: &'s Schema, ty: Option<&'s Type>, key: &str) -> Result<Merging<'s>, PatchError> {
    let merging = look_up(schema, ty, key)?;
    match merging.ty {
        Type::List(list) if matches!(list.item, Type::List(_)) => Err(PatchError::Internal("unexpected slice of slice".into())),
        Type::List(list) => Ok(Merging { ty: &list.item, ..merging }),
        _ => Err(PatchError::Internal("expected slice or array type, but got: struct".into())),
    }
}

fn go_type_kind(ty: Option<&Type>) -> &'static str {
    match ty {
        Some(Type::Map(_)) => "map",
        Some(Type::List(_)) => "slice",
        Some(Type::Scalar(_)) => "string",
        _ => "interface",
    }
}
