//! A template and the variables of an agent (or of a namespace, or of the fleet) become objects.

use super::expression::Scope;
use super::order;
use super::template::{MapNode, Node, Piece};
use crate::diagnostic::Diagnostic;
use crate::object::{Map, Value};
use crate::schema::Schema;

/// The objects of one document; none if its `$if` says so.
pub(super) fn document(node: &Node, scope: &Scope<'_>, schema: &Schema) -> Result<Vec<Value>, Diagnostic> {
    let mut out = Vec::new();
    items(node, scope, schema, &mut out)?;
    Ok(out)
}

/// What a node gives as items of a list: maps with `$for` give any number.
fn items(node: &Node, scope: &Scope<'_>, schema: &Schema, out: &mut Vec<Value>) -> Result<(), Diagnostic> {
    let Node::Map(map) = node else {
        out.extend(value(node, scope, schema)?);
        return Ok(());
    };
    let Some((name, list)) = &map.each else {
        out.extend(value(node, scope, schema)?);
        return Ok(());
    };
    // `$if` beside `$for` is asked before the loop if it can be answered there, else for each item.
    let before = map.when.as_ref().map(|when| when.holds(scope));
    if matches!(before, Some(Ok(false))) {
        return Ok(());
    }
    let each = map.when.as_ref().filter(|_| matches!(before, Some(Err(_))));
    for item in list.items(scope)?.iter() {
        let inner = scope.with(name, item);
        if each.map_or(Ok(true), |when| when.holds(&inner))? {
            out.extend(body(map, &inner, schema)?);
        }
    }
    Ok(())
}

/// What a node gives as one value; none leaves its key out.
fn value(node: &Node, scope: &Scope<'_>, schema: &Schema) -> Result<Option<Value>, Diagnostic> {
    match node {
        Node::Constant(Value::Null) => Ok(None),
        Node::Constant(value) => Ok(Some(value.clone())),
        Node::Expression(expression, ty) => {
            let mut value = expression.value(scope)?;
            if let (true, Some(ty)) = (value.is_object() || value.is_array(), ty) {
                order::fields(&mut value, ty, schema);
            }
            Ok(Some(value).filter(|v| !v.is_null()))
        }
        Node::Text(pieces) => {
            let mut text = String::new();
            for piece in pieces {
                match piece {
                    Piece::Plain(plain) => text.push_str(plain),
                    Piece::Expression(expression) => expression.text(scope, &mut text)?,
                }
            }
            Ok(Some(Value::String(text.into())))
        }
        Node::List(nodes) => {
            let mut out = Vec::with_capacity(nodes.len());
            for node in nodes {
                items(node, scope, schema, &mut out)?;
            }
            // A list that only loops filled, and filled with nothing, is not there.
            Ok(Some(Value::Array(out.into())).filter(|l| l != &Value::Array(Vec::new().into())))
        }
        Node::Map(map) => {
            match &map.each {
                Some((_, list)) => Err(list
                    .wrong("template-reserved", "`$for` stands where one value is wanted: it makes items of a list, or documents".into())),
                None if map.when.as_ref().map_or(Ok(true), |w| w.holds(scope))? => body(map, scope, schema),
                None => Ok(None),
            }
        }
    }
}

/// A map without its reserved keys.
fn body(map: &MapNode, scope: &Scope<'_>, schema: &Schema) -> Result<Option<Value>, Diagnostic> {
    if let Some(node) = &map.value {
        return value(node, scope, schema);
    }
    let mut out = Map::with_capacity(map.entries.len());
    for (key, node) in &map.entries {
        if let Some(value) = value(node, scope, schema)? {
            out.insert(key.clone().into(), value);
        }
    }
    // A template names many fields of which most objects have few.
    out.shrink_to_fit();
    Ok(Some(Value::Object(out)))
}
