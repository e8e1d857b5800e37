//! TOML with byte ranges becomes the tables of a fleet file, noting every mistake on the way instead of stopping at the first.

use super::layer::removes;
use super::secrets::Finding;
use crate::diagnostic::{Diagnostic, Source, nearest};
use crate::object::Value;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and where it stands in the fleet file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct At<T> {
    /// What is written.
    pub value: T,
    /// Where.
    pub range: Range<usize>,
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Keys and values of a table.
type Entries<'v, 'i> = Vec<(&'v Spanned<Cow<'i, str>>, &'v Spanned<DeValue<'i>>)>;

/// What can stand as a value in a fleet file.
pub trait FromToml: Sized {
    /// What a reader of an error should have written: `a string`.
    const EXPECTED: &'static str;

    /// Reads a value; notes what is wrong and gives none then.
    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self>;
}

/// The state of one reading.
pub struct Reader<'s> {
    /// What is read.
    pub source: &'s Arc<Source>,
    /// Environment variables for `${NAME}`.
    pub environment: &'s BTreeMap<String, String>,
    /// What was wrong so far.
    pub problems: Vec<Diagnostic>,
    /// What is likely not meant.
    pub warnings: Vec<Diagnostic>,
    /// Keys whose values were refused, with the start of their table: they are not missing.
    pub refused: Vec<(usize, &'static str)>,
    /// Where the `{ remove = true }` stand that took something away.
    pub removals: BTreeSet<usize>,
    /// The source without what looks like secrets, where there are any.
    pub hidden: Option<Arc<Source>>,
    /// What looks like a secret in the text, but for sealed values.
    pub exposed: Vec<Finding>,
}

impl<'s> Reader<'s> {
    /// One that has read nothing yet.
    pub fn new(source: &'s Arc<Source>, environment: &'s BTreeMap<String, String>) -> Self {
        Self {
            source,
            environment,
            problems: Vec::new(),
            warnings: Vec::new(),
            refused: Vec::new(),
            removals: BTreeSet::new(),
            hidden: None,
            exposed: Vec::new(),
        }
    }

    /// What was wrong, in the order of the text, each once however many inherit it.
    pub fn problems(self) -> Vec<Diagnostic> {
        let mut problems = self.problems;
        if let Some(hidden) = &self.hidden {
            // Whatever else is wrong on the line of a secret must not show it either.
            let places = problems.iter_mut().filter_map(|d| d.place.as_mut()).filter(|(source, _)| Arc::ptr_eq(source, self.source));
            places.for_each(|(source, _)| *source = Arc::clone(hidden));
        }
        // What stands in other files comes after what stands in the fleet's own.
        let place = |d: &Diagnostic| {
            let (source, range) = d.place.as_ref()?;
            Some((source.file != self.source.file, source.file.clone(), range.start, range.end))
        };
        problems.sort_by_key(place);
        let mut seen = BTreeSet::new();
        problems.retain(|d| seen.insert((place(d), d.code, d.text.clone())));
        problems
    }

    /// Notes an error at a place and gives its rest to fill in.
    pub fn wrong(&mut self, code: &'static str, range: Range<usize>, text: impl Into<String>) -> &mut Diagnostic {
        self.problems.push(Diagnostic::error(code, text).at(self.source, range));
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    /// Whether something within a place is wrong already.
    pub fn broken(&self, place: &Range<usize>) -> bool {
        let within = |range: &Range<usize>| place.start <= range.start && range.end <= place.end;
        self.problems.iter().any(|d| d.place.as_ref().is_some_and(|(_, range)| within(range)))
    }

    /// Whether a table gives a key, with a value that was refused.
    pub fn refused(&self, table: &Range<usize>, key: &str) -> bool {
        self.refused.iter().any(|(start, k)| *start == table.start && *k == key)
    }

    /// The value of a table's key; notes if it is refused.
    pub fn of_key<T: FromToml>(&mut self, value: &Spanned<DeValue<'_>>, table: &Range<usize>, key: &'static str) -> Option<At<T>> {
        let read = self.at(value);
        if read.is_none() {
            self.refused.push((table.start, key));
        }
        read
    }

    /// A value with its place.
    pub fn at<T: FromToml>(&mut self, value: &Spanned<DeValue<'_>>) -> Option<At<T>> {
        T::read(value, self).map(|v| At { value: v, range: value.span() })
    }

    /// Notes that a value is of another type than it must be.
    pub fn expected(&mut self, value: &Spanned<DeValue<'_>>, expected: &str) {
        let found = value.get_ref().type_str();
        let an = if found.starts_with(['a', 'i', 'o']) { "an" } else { "a" };
        self.wrong("fleet-type", value.span(), format!("expected {expected}, found {an} {found}")).label = format!("must be {expected}");
    }

    /// The entries of a table, in the order of the file, without those that were removed.
    pub fn entries<'v, 'i>(&mut self, value: &'v Spanned<DeValue<'i>>, expected: &str) -> Option<Entries<'v, 'i>> {
        let Some(table) = value.get_ref().as_table() else {
            self.expected(value, expected);
            return None;
        };
        let mut entries = in_order(table);
        entries.retain(|(_, value)| !removes(value.get_ref()));
        Some(entries)
    }

    /// Notes a key that means nothing.
    pub fn unknown(&mut self, key: &Spanned<Cow<'_, str>>, known: &[&str]) {
        let name = key.get_ref();
        let mut wrong = Diagnostic::error("fleet-unknown-key", format!("unknown key `{name}`")).at(self.source, key.span());
        if let Some(near) = nearest(name, known.iter().copied()) {
            wrong.label = format!("did you mean `{near}`?");
        }
        self.problems.push(wrong.hint(format!("known here: {}", known.join(", "))));
    }

    /// A text with its `${NAME}` and `${NAME:-default}` replaced; `$${` stands for `${`.
    fn substitute(&mut self, text: &str, range: &Range<usize>) -> String {
        let (mut out, mut rest) = (String::new(), text);
        while let Some(start) = rest.find("${") {
            let (before, tail) = rest.split_at(start);
            if before.ends_with('$') {
                out.push_str(before);
                out.push('{');
                rest = &tail[2..];
                continue;
            }
            out.push_str(before);
            let Some(end) = tail.find('}') else {
                self.wrong("fleet-variable", range.clone(), "`${` without `}`").hints.push("`$${` stands for a plain `${`".into());
                return out;
            };
            let inner = &tail[2..end];
            let (name, default) = inner.split_once(":-").map_or((inner, None), |(n, d)| (n, Some(d)));
            match self.environment.get(name).filter(|v| !v.is_empty() || default.is_none()).map(String::as_str).or(default) {
                Some(value) => out.push_str(value),
                None => self.unset(name, &tail[..=end], range),
            }
            rest = &tail[end + 1..];
        }
        out.push_str(rest);
        out
    }

    fn unset(&mut self, name: &str, written: &str, range: &Range<usize>) {
        let at = self.source.text.get(range.clone()).and_then(|t| t.find(written)).map(|i| range.start + i);
        let place = at.map_or_else(|| range.clone(), |start| start..start + written.len());
        let wrong = self.wrong("fleet-variable", place, format!("the environment variable `{name}` is not set"));
        wrong.hints.push(format!("set it, or give a default: `${{{name}:-…}}`"));
    }
}

fn in_order<'v, 'i>(table: &'v DeTable<'i>) -> Entries<'v, 'i> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

impl FromToml for String {
    const EXPECTED: &'static str = "a string";

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref().as_str() {
            Some(text) if text.contains("${") => Some(reader.substitute(text, &value.span())),
            Some(text) => Some(text.to_owned()),
            None => {
                reader.expected(value, Self::EXPECTED);
                None
            }
        }
    }
}

/// A string that is handed on as it stands: `${…}` in it belongs to a shell.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
pub struct Verbatim(pub String);

impl FromToml for Verbatim {
    const EXPECTED: &'static str = "a string";

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            reader.expected(value, Self::EXPECTED);
        }
        text.map(|t| Self(t.to_owned()))
    }
}

impl FromToml for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let found = value.get_ref().as_bool();
        if found.is_none() {
            reader.expected(value, Self::EXPECTED);
        }
        found
    }
}

impl FromToml for i64 {
    const EXPECTED: &'static str = "a whole number";

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let found = integer(value.get_ref());
        if found.is_none() {
            reader.expected(value, Self::EXPECTED);
        }
        found
    }
}

/// The whole number a value is.
pub(super) fn integer(value: &DeValue<'_>) -> Option<i64> {
    value.as_integer().and_then(|i| i64::from_str_radix(i.as_str(), i.radix()).ok())
}

impl<T: FromToml> FromToml for Vec<At<T>> {
    const EXPECTED: &'static str = "a list";

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(list) = value.get_ref().as_array() else {
            reader.expected(value, Self::EXPECTED);
            return None;
        };
        Some(list.iter().filter_map(|item| reader.at(item)).collect())
    }
}

impl<T: FromToml> FromToml for BTreeMap<String, At<T>> {
    const EXPECTED: &'static str = "a table";

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let entries = reader.entries(value, Self::EXPECTED)?;
        Some(entries.into_iter().filter_map(|(key, value)| Some((key.get_ref().to_string(), reader.at(value)?))).collect())
    }
}

impl schemars::JsonSchema for Value {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AnyValue".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        true.into()
    }
}

/// Anything, in JSON form; strings have their variables replaced.
impl FromToml for Value {
    const EXPECTED: &'static str = "a value";

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        Some(match value.get_ref() {
            DeValue::String(_) => Value::String(String::read(value, reader)?.into()),
            DeValue::Integer(_) => integer(value.get_ref())?.into(),
            DeValue::Float(f) => f.as_str().parse::<f64>().ok().and_then(crate::object::yaml::number).into(),
            DeValue::Boolean(b) => Value::Bool(*b),
            DeValue::Datetime(d) => Value::String(d.to_string().into()),
            DeValue::Array(list) => Value::Array(list.iter().filter_map(|v| Value::read(v, reader)).collect()),
            DeValue::Table(table) => {
                let entries = in_order(table);
                Value::Object(entries.into_iter().filter_map(|(k, v)| Some((k.get_ref().to_string(), Value::read(v, reader)?))).collect())
            }
        })
    }
}

/// A table of a fleet file: the struct, how it is read, and its JSON Schema, from one list of keys.
macro_rules! table {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $key:literal => $field:ident: $ty:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, schemars::JsonSchema)]
        #[schemars(deny_unknown_fields)]
        pub struct $name {
            $($(#[$doc])* #[schemars(rename = $key)] pub $field: Option<$crate::fleet::read::At<$ty>>,)*
        }

        impl $crate::fleet::read::FromToml for $name {
            const EXPECTED: &'static str = "a table";

            fn read(value: &toml::Spanned<toml::de::DeValue<'_>>, reader: &mut $crate::fleet::read::Reader<'_>) -> Option<Self> {
                let (mut table, place) = (Self::default(), value.span());
                for (key, value) in reader.entries(value, Self::EXPECTED)? {
                    match key.get_ref().as_ref() {
                        $($key => table.$field = reader.of_key(value, &place, $key),)*
                        _ => reader.unknown(key, &[$($key),*]),
                    }
                }
                Some(table)
            }
        }
    };
}

/// A value of a fleet file that is one of some names.
macro_rules! names {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $text:literal => $variant:ident,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, schemars::JsonSchema)]
        pub enum $name {
            $($(#[$doc])* #[schemars(rename = $text)] $variant,)*
        }

        impl $name {
            /// As it is written.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl $crate::fleet::read::FromToml for $name {
            const EXPECTED: &'static str = "a string";

            fn read(value: &toml::Spanned<toml::de::DeValue<'_>>, reader: &mut $crate::fleet::read::Reader<'_>) -> Option<Self> {
                let text = String::read(value, reader)?;
                match text.as_str() {
                    $($text => return Some(Self::$variant),)*
                    _ => {}
                }
                let known = [$($text),*];
                let near = $crate::diagnostic::nearest(&text, known);
                let wrong = reader.wrong("fleet-value", value.span(), format!("`{text}` is not one of {}", known.join(", ")));
                wrong.label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
                None
            }
        }
    };
}

pub(super) use {names, table};
