//! The JSONPath of printer columns: read once, then asked for what it finds in an object.
//!
//! Follows client-go `util/jsonpath` (`parser.go`, `jsonpath.go`) with missing keys allowed. Where that walks a map in any order,
//! this goes by the order of its keys in the object.

use crate::object::Value;
use std::cmp::Ordering;

/// A path.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct JsonPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    Wildcard,
    Recursive,
    Slice(Slice),
    Union(Vec<JsonPath>),
    Filter(JsonPath, Option<(Comparison, Operand)>),
}

/// `[start:end:step]`; an end that was not given is one after the start.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Slice {
    start: Option<i64>,
    end: Option<i64>,
    derived: bool,
    step: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Constant(Value),
    Path(JsonPath),
}

/// Reads a path; none if it has no meaning.
pub(super) fn parse(text: &str) -> Option<JsonPath> {
    let mut steps = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        rest = if let Some(after) = rest.strip_prefix("[?(") {
            let (inside, after) = until(after, ")]")?;
            steps.push(filter(inside)?);
            after
        } else if let Some(after) = rest.strip_prefix("..") {
            steps.push(Step::Recursive);
            if after.starts_with(|c: char| c.is_alphanumeric() || c == '_') { field(after, &mut steps) } else { after }
        } else if let Some(after) = rest.strip_prefix('[') {
            let (inside, after) = after.split_once(']')?;
            brackets(inside, &mut steps)?;
            after
        } else if let Some(after) = rest.strip_prefix('.') {
            field(after, &mut steps)
        } else {
            rest.strip_prefix(['@', '$', ' '])?
        };
    }
    Some(JsonPath(steps))
}

/// What stands before an ending that is not within quotes, and what after it.
fn until<'t>(text: &'t str, ending: &str) -> Option<(&'t str, &'t str)> {
    let mut quote = None;
    for (i, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if text[i..].starts_with(ending) => return Some((&text[..i], &text[i + ending.len()..])),
            None => {}
        }
    }
    None
}

/// Reads the name of a field, in which a backslash takes the next character as it is; gives back the rest.
fn field<'t>(text: &'t str, steps: &mut Vec<Step>) -> &'t str {
    let (mut name, mut end, mut escaped) = (String::new(), text.len(), false);
    for (i, c) in text.char_indices() {
        if !escaped && c == '\\' {
            escaped = true;
            continue;
        }
        if !escaped && matches!(c, ' ' | '\t' | '\n' | '\r' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}') {
            end = i;
            break;
        }
        name.push(c);
        escaped = false;
    }
    match name.as_str() {
        "*" => steps.push(Step::Wildcard),
        "" => {}
        _ => steps.push(Step::Field(name)),
    }
    &text[end..]
}

/// `[*]`, `[0]`, `[1:3]`, `['name']`, `[0,2]`.
fn brackets(inside: &str, steps: &mut Vec<Step>) -> Option<()> {
    if inside.contains(',') {
        let member = |part: &str| parse(&format!("[{}]", part.trim()));
        steps.push(Step::Union(inside.split(',').map(member).collect::<Option<_>>()?));
        return Some(());
    }
    if let Some(name) = inside.strip_prefix('\'').and_then(|i| i.strip_suffix('\'')) {
        // The server reads it as a field, so that its dots lead further down.
        steps.extend(parse(&format!(".{name}"))?.0);
        return Some(());
    }
    let inside = if inside == "*" { ":" } else { inside };
    let mut numbers = [None; 3];
    let parts: Vec<&str> = inside.split(':').collect();
    if parts.len() > 3 || inside.is_empty() {
        return None;
    }
    for (number, part) in numbers.iter_mut().zip(&parts) {
        if !part.is_empty() {
            *number = Some(part.parse::<i64>().ok()?);
        }
    }
    let [start, end, step] = numbers;
    let derived = parts.len() == 1;
    let end = if derived { Some(start.unwrap_or_default() + 1) } else { end };
    steps.push(Step::Slice(Slice { start, end, derived, step }));
    Some(())
}

fn filter(inside: &str) -> Option<Step> {
    let is_operator = |c: char| matches!(c, '!' | '<' | '>' | '=');
    let Some(at) = inside.find(is_operator) else { return Some(Step::Filter(parse(inside)?, None)) };
    let (left, rest) = inside.split_at(at);
    let (operator, right) = rest.split_at(rest.find(|c| !is_operator(c))?);
    let comparison = match operator {
        "==" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        _ => return None,
    };
    let right = right.trim();
    let quoted = ['"', '\''].into_iter().find_map(|q| right.strip_prefix(q)?.strip_suffix(q));
    let operand = if let Some(text) = quoted {
        Operand::Constant(text.into())
    } else if right.starts_with(['@', '$', '.']) {
        Operand::Path(parse(right)?)
    } else {
        let constant: Value = serde_json::from_str(right).ok()?;
        Operand::Constant(constant)
    };
    Some(Step::Filter(parse(left)?, Some((comparison, operand))))
}

impl JsonPath {
    /// What stands at the path; none if it cannot be walked (a list is not one, an index is not there).
    pub(super) fn find(&self, value: &Value) -> Option<Vec<Value>> {
        self.0.iter().try_fold(vec![value.clone()], |found, step| step.take(&found))
    }

    /// The one value at the path, if there is one; none if there are several, which cannot be compared.
    fn only(&self, value: &Value) -> Option<Option<Value>> {
        let found = self.find(value)?;
        if found.len() > 1 { None } else { Some(found.into_iter().next()) }
    }
}

/// What is within a value; of a text its bytes.
fn children(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(map) => map.values().cloned().collect(),
        Value::Array(list) => list.to_vec(),
        Value::String(text) => text.bytes().map(|b| u64::from(b).into()).collect(),
        _ => Vec::new(),
    }
}

fn descend(value: &Value, found: &mut Vec<Value>) {
    let below = children(value);
    if !below.is_empty() {
        found.push(value.clone());
        for child in &below {
            descend(child, found);
        }
    }
}

impl Step {
    fn take(&self, values: &[Value]) -> Option<Vec<Value>> {
        let mut found = Vec::new();
        if let Self::Union(members) = self {
            for member in members {
                found.extend(member.0.iter().try_fold(values.to_vec(), |found, step| step.take(&found))?);
            }
            return Some(found);
        }
        for value in values {
            match self {
                Self::Field(name) => found.extend(value.as_object().and_then(|map| map.get(name)).cloned()),
                Self::Wildcard => found.extend(children(value)),
                Self::Recursive => descend(value, &mut found),
                Self::Slice(_) if value.is_null() => {}
                Self::Slice(slice) => found.extend(slice.of(value.as_array()?)?),
                Self::Filter(left, None) => {
                    found.extend(value.as_array()?.iter().filter(|item| left.find(item).is_some_and(|f| !f.is_empty())).cloned());
                }
                Self::Filter(left, Some((comparison, operand))) => {
                    for item in value.as_array()? {
                        if comparison.holds(left, operand, item)? {
                            found.push(item.clone());
                        }
                    }
                }
                Self::Union(_) => {}
            }
        }
        Some(found)
    }
}

impl Slice {
    fn of(self, list: &[Value]) -> Option<Vec<Value>> {
        let length = list.len() as i64;
        let start = match self.start.unwrap_or_default() {
            start if start < 0 => start + length,
            start => start,
        };
        let end = match self.end {
            None => length,
            Some(end) if end < 0 || end == 0 && self.derived => end + length,
            Some(end) => end,
        };
        if start == end {
            return Some(Vec::new());
        }
        let step = self.step.unwrap_or(1);
        if start < 0 || start >= length || end < 0 || end > length || start > end || step <= 0 {
            return None;
        }
        Some(list[start as usize..end as usize].iter().step_by(step as usize).cloned().collect())
    }
}

impl Comparison {
    /// Whether an item passes; none if the two sides cannot be compared.
    fn holds(self, left: &JsonPath, right: &Operand, item: &Value) -> Option<bool> {
        let Some(left) = left.only(item)? else { return Some(false) };
        let right = match right {
            Operand::Constant(value) => value.clone(),
            Operand::Path(path) => match path.only(item)? {
                Some(value) => value,
                None => return Some(false),
            },
        };
        let order = match (&left, &right) {
            (Value::String(a), Value::String(b)) => a.cmp(b),
            (Value::Bool(a), Value::Bool(b)) if matches!(self, Self::Equal | Self::NotEqual) => a.cmp(b),
            (Value::Number(a), Value::Number(b)) if a.is_f64() == b.is_f64() => match (a.as_i64(), b.as_i64()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => a.as_f64()?.partial_cmp(&b.as_f64()?)?,
            },
            _ => return None,
        };
        Some(match self {
            Self::Equal => order == Ordering::Equal,
            Self::NotEqual => order != Ordering::Equal,
            Self::Less => order == Ordering::Less,
            Self::LessOrEqual => order != Ordering::Greater,
            Self::Greater => order == Ordering::Greater,
            Self::GreaterOrEqual => order != Ordering::Less,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::object::json;

    #[test]
    fn what_a_path_finds() {
        let object = json!({"a": {"b.c": 1, "b": {"c": 2}}, "list": [{"t": "x", "n": 1}, {"t": "a)]b", "n": 2}, {"n": 3}]});
        let find = |path: &str| parse(path).and_then(|p| p.find(&object)).map(|f| json!(f).to_string());
        for (path, found) in [
            (".a.b\\.c", "[1]"),
            (".a['b.c']", "[2]"),
            (".list[-1].n", "[3]"),
            (".list[*].t", r#"["x","a)]b"]"#),
            (".list[0,2].n", "[1,3]"),
            (".list[::2].n", "[1,3]"),
            (r#".list[?(@.t=="a)]b")].n"#, "[2]"),
            (".list[?(@.n>=2)].n", "[2,3]"),
            (".list[?(@.t)].n", "[1,2]"),
            ("..c", "[2]"),
            (".nothing.there", "[]"),
        ] {
            assert_eq!(find(path).as_deref(), Some(found), "{path}");
        }
        // A text is no number, no list has a fourth item, and a map is no list.
        for path in [".list[?(@.t>2)].n", ".list[3]", ".a[0]", ".list[", ".list[x]", "list"] {
            assert_eq!(find(path), None, "{path}");
        }
    }
}
