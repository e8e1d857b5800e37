//! The text of a template becomes a tree that can be evaluated: parsed, typed by the schema and put into Kubernetes' field order
//! once, however many agents there are.
//!
//! A template is valid YAML. Scalars may hold `{{ expressions }}`; a scalar that is one expression keeps the type of its value.
//! A value of null leaves its key out. Reserved keys of a map: `$if: EXPRESSION` leaves the map out unless it is true;
//! `$for: NAME in EXPRESSION` repeats the map for each item (of a list, or `{key, value}` of a map), as items of the list it
//! stands in or as documents; `$value: …` beside them stands for the map itself, so that lists of scalars can be made.

use super::expression::Expression;
use crate::diagnostic::{Diagnostic, Source, nearest};
use crate::object::yaml::{self, Spans};
use crate::object::{Gvk, Text, Value};
use crate::schema::{Schema, StructType, Type};
use std::ops::Range;
use std::sync::Arc;

/// A template file.
#[derive(Debug)]
pub(super) struct Template {
    /// Its file's name: `deployment.yaml`.
    pub(super) name: Text,
    /// Its documents.
    pub(super) documents: Vec<Node>,
}

/// A part of a template.
#[derive(Debug)]
pub(super) enum Node {
    /// The same for everyone.
    Constant(Value),
    /// One expression: its value as it is, in the order of the type that stands there.
    Expression(Expression, Option<Type>),
    /// Text with expressions in it.
    Text(Vec<Piece>),
    /// A list.
    List(Vec<Node>),
    /// A map.
    Map(Box<MapNode>),
}

/// A part of a text.
#[derive(Debug)]
pub(super) enum Piece {
    /// As it stands.
    Plain(String),
    /// The value of an expression.
    Expression(Expression),
}

/// A map, with what its reserved keys say.
#[derive(Debug, Default)]
pub(super) struct MapNode {
    /// `$if`
    pub(super) when: Option<Expression>,
    /// `$for`: the variable and what it goes through.
    pub(super) each: Option<(String, Expression)>,
    /// `$value`
    pub(super) value: Option<Node>,
    /// The other keys.
    pub(super) entries: Vec<(String, Node)>,
}

/// Reads a template; notes what is wrong with it.
pub(super) fn compile(name: &str, source: &Arc<Source>, schema: &Schema, problems: &mut Vec<Diagnostic>) -> Template {
    let mut compiler = Compiler { source, schema, problems };
    let documents = match yaml::load(source) {
        Ok(documents) => documents.iter().map(|d| compiler.document(&d.value, &d.spans)).collect(),
        Err(wrong) => {
            compiler.problems.extend(wrong.0);
            Vec::new()
        }
    };
    Template { name: name.into(), documents }
}

struct Compiler<'c> {
    source: &'c Arc<Source>,
    schema: &'c Schema,
    problems: &'c mut Vec<Diagnostic>,
}

impl Compiler<'_> {
    fn document(&mut self, value: &Value, spans: &Spans) -> Node {
        let gvk = Gvk::of(value);
        let resource = self.schema.resource_of(&gvk.group, &gvk.version, &gvk.kind);
        if resource.is_none() && !gvk.kind.is_empty() {
            self.unknown_kind(&gvk, value, spans);
        }
        self.node(value, spans, resource.and_then(|r| r.ty.clone()).as_ref())
    }

    fn unknown_kind(&mut self, gvk: &Gvk, value: &Value, spans: &Spans) {
        let Some(strange) = self.schema.not_served(gvk) else { return };
        let index = value.as_object().and_then(|m| m.keys().position(|k| k == if strange.only_version { "apiVersion" } else { "kind" }));
        let range = index.and_then(|i| spans.children().get(i)).map_or_else(|| spans.head(), Spans::range);
        let wrong = Diagnostic::error("template-unknown-kind", strange.text).at(self.source, range);
        self.problems.push(match strange.instead {
            Some(instead) => wrong.label(instead),
            None => wrong,
        });
    }

    fn node(&mut self, value: &Value, spans: &Spans, ty: Option<&Type>) -> Node {
        match value {
            Value::String(text) if text.contains("{{") => self.text(text, spans, ty),
            Value::Array(list) => {
                let item = match ty {
                    Some(Type::List(list)) => Some(&list.item),
                    _ => None,
                };
                let nodes: Vec<Node> = list.iter().zip(spans.children()).map(|(v, s)| self.node(v, s, item)).collect();
                match nodes.iter().all(|n| matches!(n, Node::Constant(_))) {
                    true => Node::Constant(value.clone()),
                    false => Node::List(nodes),
                }
            }
            Value::Object(map) => self.map(map, spans, ty),
            other => Node::Constant(other.clone()),
        }
    }

    fn map(&mut self, map: &crate::object::Map, spans: &Spans, ty: Option<&Type>) -> Node {
        let mut node = MapNode::default();
        let fields = ty.and_then(|t| self.schema.fields(t));
        let mut ordered = Vec::new();
        for ((key, value), spans) in map.iter().zip(spans.children()) {
            match key.as_str() {
                "$if" => node.when = self.reserved(value, spans, key),
                "$for" => node.each = self.each(value, spans),
                "$value" => node.value = Some(self.node(value, spans, ty)),
                reserved if reserved.starts_with('$') => self.wrong(
                    "template-reserved",
                    spans.key_range(),
                    format!("`{reserved}` means nothing"),
                    "keys that start with `$` are `$if`, `$for` and `$value`",
                ),
                text if text.contains("{{") => self.wrong(
                    "template-key",
                    spans.key_range(),
                    "a key cannot hold an expression".into(),
                    "let an expression give the whole map",
                ),
                _ => {
                    let (rank, ty) = self.field(key, spans, fields, ty);
                    ordered.push((rank, key.clone(), self.node(value, spans, ty.as_ref())));
                }
            }
        }
        if node.value.is_some() && !ordered.is_empty() {
            self.wrong(
                "template-reserved",
                spans.head(),
                "`$value` stands beside other keys".into(),
                "it stands for the whole map: drop one of them",
            );
        }
        ordered.sort_by_key(|(rank, ..)| *rank);
        let constant = node.when.is_none() && node.each.is_none() && node.value.is_none();
        if constant && ordered.iter().all(|(.., n)| matches!(n, Node::Constant(_))) {
            let entries = ordered.into_iter().filter_map(|(_, key, n)| match n {
                Node::Constant(value) => Some((key, value)),
                _ => None,
            });
            return Node::Constant(Value::Object(entries.collect()));
        }
        node.entries = ordered.into_iter().map(|(_, key, n)| (key.into(), n)).collect();
        Node::Map(Box::new(node))
    }

    /// Where a key stands among its struct's fields, and its type.
    fn field(&mut self, key: &str, spans: &Spans, fields: Option<&StructType>, ty: Option<&Type>) -> (usize, Option<Type>) {
        let Some(fields) = fields else {
            return match ty {
                Some(Type::Map(map)) => (0, Some(map.value.clone())),
                _ => (super::order::head(key), None),
            };
        };
        if let Some(index) = fields.fields.iter().position(|f| f.name == key) {
            return (super::order::rank(index, key), Some(fields.fields[index].ty.clone()));
        }
        if !fields.preserve_unknown && !matches!(key, "apiVersion" | "kind" | "metadata") {
            let near = nearest(key, fields.fields.iter().map(|f| f.name.as_str()));
            let wrong = Diagnostic::error("template-unknown-field", format!("`{}` has no field `{key}`", fields.go))
                .at(self.source, spans.key_range());
            self.problems.push(match near {
                Some(near) => wrong.label(format!("did you mean `{near}`?")),
                None => wrong,
            });
        }
        (super::order::head(key), None)
    }

    fn wrong(&mut self, code: &'static str, range: Range<usize>, text: String, hint: &str) {
        self.problems.push(Diagnostic::error(code, text).at(self.source, range).hint(hint));
    }

    fn reserved(&mut self, value: &Value, spans: &Spans, key: &str) -> Option<Expression> {
        match value {
            Value::String(text) => self.expression(text, self.place(text, spans)),
            Value::Bool(wanted) => self.expression(if *wanted { "true" } else { "false" }, spans.range()),
            _ => {
                self.wrong("template-reserved", spans.range(), format!("`{key}` needs an expression"), "for example `$if: agent.service`");
                None
            }
        }
    }

    fn each(&mut self, value: &Value, spans: &Spans) -> Option<(String, Expression)> {
        let text = value.as_str().unwrap_or_default();
        match text.split_once(" in ") {
            Some((name, list)) if is_name(name.trim()) => {
                let expression = self.expression(list.trim(), self.place(list.trim(), spans))?;
                Some((name.trim().to_owned(), expression))
            }
            _ => {
                self.wrong(
                    "template-reserved",
                    spans.range(),
                    "`$for` needs a name and a list".into(),
                    "for example `$for: port in container.ports`",
                );
                None
            }
        }
    }

    fn text(&mut self, text: &str, spans: &Spans, ty: Option<&Type>) -> Node {
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some(start) = rest.find("{{") {
            let Some(length) = rest[start..].find("}}") else {
                self.wrong("template-expression", spans.range(), "`{{` without `}}`".into(), "an expression ends with `}}`");
                return Node::Constant(Value::Null);
            };
            if start > 0 {
                pieces.push(Piece::Plain(rest[..start].to_owned()));
            }
            let inner = rest[start + 2..start + length].trim();
            let Some(expression) = self.expression(inner, self.place(inner, spans)) else { return Node::Constant(Value::Null) };
            pieces.push(Piece::Expression(expression));
            rest = &rest[start + length + 2..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Plain(rest.to_owned()));
        }
        match pieces.pop() {
            Some(Piece::Expression(expression)) if pieces.is_empty() => Node::Expression(expression, ty.cloned()),
            Some(last) => {
                pieces.push(last);
                Node::Text(pieces)
            }
            None => Node::Constant(Value::Null),
        }
    }

    fn expression(&mut self, text: &str, place: Range<usize>) -> Option<Expression> {
        Expression::compile(text, self.source, place).map_err(|wrong| self.problems.push(wrong)).ok()
    }

    /// Where an expression stands in its scalar; the whole scalar if it is escaped there.
    fn place(&self, expression: &str, spans: &Spans) -> Range<usize> {
        let range = spans.range();
        let found = self.source.text.get(range.clone()).and_then(|t| t.find(expression));
        found.map_or(range.clone(), |i| range.start + i..range.start + i + expression.len())
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
