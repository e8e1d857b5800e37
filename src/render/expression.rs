//! An expression of a template becomes a value. Paths (`agent.name`) are looked up directly; anything else is minijinja's
//! expression language, with a limit on what it may compute.

use crate::diagnostic::{Diagnostic, Source, nearest};
use crate::object::{Map, Text, Value};
use minijinja::value::{Serde, Value as Jinja};
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

/// More than any sensible expression needs; enough to stop one that would not end.
const FUEL: u64 = 50_000;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment
});

/// A compiled expression and where it stands.
#[derive(Debug)]
pub(super) struct Expression {
    kind: Kind,
    source: Arc<Source>,
    place: Range<usize>,
}

#[derive(Debug)]
enum Kind {
    Path(Vec<String>),
    Compiled(minijinja::Expression<'static, 'static>),
}

/// The variables that an expression sees: the innermost last.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope<'v> {
    variables: Vec<(&'v str, &'v Value)>,
}

impl<'v> Scope<'v> {
    /// With one variable more.
    pub(super) fn with<'i>(&self, name: &'i str, value: &'i Value) -> Scope<'i>
    where
        'v: 'i,
    {
        let mut variables = Vec::with_capacity(self.variables.len() + 1);
        variables.extend_from_slice(&self.variables);
        variables.push((name, value));
        Scope { variables }
    }

    fn get(&self, name: &str) -> Option<&'v Value> {
        self.variables.iter().rev().find(|(n, _)| *n == name).map(|(_, v)| *v)
    }

    fn names(&self) -> impl Iterator<Item = &'v str> {
        self.variables.iter().map(|(n, _)| *n)
    }
}

impl Expression {
    /// Compiles an expression that stands at a place.
    pub(super) fn compile(text: &str, source: &Arc<Source>, place: Range<usize>) -> Result<Self, Diagnostic> {
        let kind = match path(text) {
            Some(path) => Kind::Path(path),
            None => Kind::Compiled(ENVIRONMENT.compile_expression_owned(text.to_owned()).map_err(|e| {
                Diagnostic::error("template-expression", format!("this is no expression: {}", e.detail().unwrap_or("it does not parse")))
                    .at(source, place.clone())
            })?),
        };
        Ok(Self { kind, source: Arc::clone(source), place })
    }

    /// Its value in a scope.
    pub(super) fn value(&self, scope: &Scope<'_>) -> Result<Value, Diagnostic> {
        match &self.kind {
            Kind::Path(path) => self.look_up(path, scope).cloned(),
            Kind::Compiled(expression) => {
                let context: Map = scope.variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).clone())).collect();
                let value = expression.eval(Jinja::from(Serde(&context))).map_err(|e| self.failed(&e))?;
                if value.is_undefined() {
                    return Err(self.undefined("this has no value in the template's variables"));
                }
                let value = Value::of(&value).map_err(|e| self.wrong("template-expression", e.to_string()))?;
                Ok(whole(value))
            }
        }
    }

    /// As text, in the middle of other text.
    pub(super) fn text(&self, scope: &Scope<'_>, out: &mut String) -> Result<(), Diagnostic> {
        match self.value(scope)? {
            Value::String(text) => out.push_str(&text),
            Value::Bool(b) => out.push_str(if b { "true" } else { "false" }),
            Value::Number(n) => out.push_str(&n.to_string()),
            Value::Null => return Err(self.wrong("template-type", "nothing (null) cannot stand in the middle of a text".into())),
            Value::Array(_) => return Err(self.wrong("template-type", "a list cannot stand in the middle of a text".into())),
            Value::Object(_) => return Err(self.wrong("template-type", "a map cannot stand in the middle of a text".into())),
        }
        Ok(())
    }

    /// Whether it counts as true: not null, false, zero or empty.
    pub(super) fn holds(&self, scope: &Scope<'_>) -> Result<bool, Diagnostic> {
        let holds = |value: &Value| match value {
            Value::Null => false,
            Value::Bool(b) => *b,
            Value::Number(n) => n.as_f64() != Some(0.0),
            Value::String(s) => !s.is_empty(),
            Value::Array(l) => !l.is_empty(),
            Value::Object(m) => !m.is_empty(),
        };
        match &self.kind {
            Kind::Path(path) => self.look_up(path, scope).map(holds),
            Kind::Compiled(_) => self.value(scope).map(|v| holds(&v)),
        }
    }

    /// What a loop goes through.
    pub(super) fn items<'v>(&self, scope: &Scope<'v>) -> Result<Cow<'v, [Value]>, Diagnostic> {
        let value = match &self.kind {
            Kind::Path(path) => match self.look_up(path, scope)? {
                Value::Array(items) => return Ok(Cow::Borrowed(items)),
                other => other.clone(),
            },
            Kind::Compiled(_) => self.value(scope)?,
        };
        match value {
            Value::Array(items) => Ok(Cow::Owned(items.into())),
            Value::Null => Ok(Cow::Owned(Vec::new())),
            Value::Object(map) => {
                Ok(Cow::Owned(map.into_iter().map(|(key, value)| crate::object::json!({ "key": key, "value": value })).collect()))
            }
            _ => Err(self.wrong("template-type", "`$for` goes through a list or a map".into())),
        }
    }

    fn look_up<'v>(&self, path: &[String], scope: &Scope<'v>) -> Result<&'v Value, Diagnostic> {
        let (first, rest) = path.split_first().expect("a path has at least one name");
        let Some(mut here) = scope.get(first) else {
            let near = nearest(first, scope.names()).map(|n| format!("did you mean `{n}`?"));
            let known = scope.names().collect::<Vec<_>>().join(", ");
            return Err(self
                .undefined(&format!("there is no variable `{first}`"))
                .label(near.unwrap_or_default())
                .hint(format!("variables here: {known}")));
        };
        for (i, name) in rest.iter().enumerate() {
            here = match here.get(name) {
                Some(next) => next,
                None => {
                    let keys: Vec<&str> = here.as_object().into_iter().flat_map(Map::keys).map(Text::as_str).collect();
                    let near = nearest(name, keys.iter().copied()).map(|n| format!("did you mean `{n}`?"));
                    let wrong = self.undefined(&format!("`{}` has no `{name}`", path[..=i].join("."))).label(near.unwrap_or_default());
                    return Err(if keys.is_empty() { wrong } else { wrong.hint(format!("it has: {}", keys.join(", "))) });
                }
            };
        }
        Ok(here)
    }

    fn failed(&self, error: &minijinja::Error) -> Diagnostic {
        match error.kind() {
            ErrorKind::UndefinedError => self.undefined(error.detail().unwrap_or("a variable in it is not defined")),
            ErrorKind::OutOfFuel => self.wrong("template-fuel", format!("this takes more than {FUEL} steps to compute")),
            _ if error.detail().is_some_and(|d| d.contains("undefined")) => {
                self.undefined(&format!("this cannot be computed: {}", error.detail().unwrap_or_default()))
            }
            kind => self.wrong("template-expression", error.detail().map_or_else(|| kind.to_string(), |d| format!("{kind}: {d}"))),
        }
    }

    fn undefined(&self, text: &str) -> Diagnostic {
        self.wrong("template-undefined", text.to_owned())
    }

    /// An error at the expression.
    pub(super) fn wrong(&self, code: &'static str, text: String) -> Diagnostic {
        Diagnostic::error(code, text).at(&self.source, self.place.clone())
    }
}

/// `agent.name`, if it is no more than that.
fn path(text: &str) -> Option<Vec<String>> {
    let names: Vec<&str> = text.split('.').collect();
    let simple = |n: &&str| {
        n.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && n.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let keyword = matches!(names[0], "true" | "false" | "none" | "True" | "False" | "None" | "not");
    (!keyword && names.iter().all(simple)).then(|| names.into_iter().map(str::to_owned).collect())
}

/// Numbers as manifests have them: `2.0` is `2`.
fn whole(value: Value) -> Value {
    match value {
        Value::Number(n) if n.is_f64() => n.as_f64().and_then(crate::object::yaml::number).into(),
        Value::Array(list) => Value::Array(list.into_iter().map(whole).collect()),
        Value::Object(map) => Value::Object(map.into_iter().map(|(k, v)| (k, whole(v))).collect()),
        other => other,
    }
}
