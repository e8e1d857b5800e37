//! Label selectors: which objects they choose.
//!
//! Follows apimachinery `pkg/labels/selector.go` and `pkg/apis/meta/v1/helpers.go:LabelSelectorAsSelector`.

use super::{Value, at, items, text};

/// Whether a `LabelSelector` chooses a map of labels. A selector that is not there chooses nothing, an empty one everything.
pub fn matches(selector: Option<&Value>, labels: Option<&Value>) -> bool {
    let Some(selector) = selector.filter(|s| s.is_object()) else { return false };
    let label = |key: &str| labels.and_then(|l| l.get(key)).and_then(Value::as_str);
    let equal = selector.get("matchLabels").and_then(Value::as_object);
    equal.is_none_or(|wanted| wanted.iter().all(|(k, v)| label(k) == v.as_str()))
        && items(selector, &["matchExpressions"]).iter().all(|e| {
            let value = label(text(e, &["key"]));
            let named = |v: &str| items(e, &["values"]).iter().any(|w| w == v);
            match text(e, &["operator"]) {
                "In" => value.is_some_and(named),
                "NotIn" => !value.is_some_and(named),
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}

/// Whether a selector in text form (`app=web,tier in (a, b),!old`) chooses an object; the empty text chooses everything.
pub fn matches_text(selector: &str, object: &Value) -> bool {
    let labels = at(object, &["metadata", "labels"]);
    let label = |key: &str| labels.and_then(|l| l.get(key.trim())).and_then(Value::as_str);
    requirements(selector).into_iter().filter(|r| !r.is_empty()).all(|requirement| {
        if let Some((head, set)) = requirement.split_once('(') {
            let values: Vec<&str> = set.trim_end_matches(')').split(',').map(str::trim).collect();
            let mut words = head.split_whitespace();
            let value = label(words.next().unwrap_or_default());
            return if words.next() == Some("notin") {
                value.is_none_or(|v| !values.contains(&v))
            } else {
                value.is_some_and(|v| values.contains(&v))
            };
        }
        if let Some((key, value)) = requirement.split_once("!=") {
            return label(key) != Some(value.trim());
        }
        if let Some((key, value)) = requirement.split_once("==").or_else(|| requirement.split_once('=')) {
            return label(key) == Some(value.trim());
        }
        match requirement.strip_prefix('!') {
            Some(key) => label(key).is_none(),
            None => label(requirement).is_some(),
        }
    })
}

/// Splits at the commas that stand outside parentheses.
fn requirements(selector: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (i, c) in selector.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(selector[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(selector[start..].trim());
    parts
}

/// Refuses a selector in text form that Kubernetes does not read.
///
/// # Errors
/// What its parser says (`labels/selector.go:Parser`).
pub fn check_text(selector: &str) -> Result<(), String> {
    let tokens = tokens(selector);
    let mut parser = Parser { tokens: &tokens, at: 0 };
    loop {
        match parser.peek() {
            "" => return Ok(()),
            word if word == "!" || is_word(word) => parser.requirement().map_err(|why| format!("unable to parse requirement: {why}"))?,
            other => return Err(format!("found '{other}', expected: !, identifier, or 'end of string'")),
        }
        match parser.next() {
            "" => return Ok(()),
            "," => {
                let after = parser.peek();
                if after != "!" && !is_word(after) {
                    return Err(format!("found '{after}', expected: identifier after ','"));
                }
            }
            other => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
        }
    }
}

/// The words and signs of a selector; two-letter signs are one.
fn tokens(text: &str) -> Vec<&str> {
    let is_sign = |c: char| matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<');
    let (mut tokens, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let length = if !is_sign(first) {
            rest.find(|c: char| is_sign(c) || c.is_whitespace()).unwrap_or(rest.len())
        } else if rest.starts_with("==") || rest.starts_with("!=") {
            2
        } else {
            1
        };
        let (token, tail) = rest.split_at(length);
        tokens.push(token);
        rest = tail.trim_start();
    }
    tokens
}

/// Whether a token is neither a sign nor the end.
fn is_word(token: &str) -> bool {
    !token.is_empty() && !matches!(token, "=" | "==" | "!=" | "!" | "(" | ")" | "," | ">" | "<")
}

struct Parser<'t> {
    tokens: &'t [&'t str],
    at: usize,
}

impl<'t> Parser<'t> {
    /// The next token; empty at the end.
    fn peek(&self) -> &'t str {
        self.tokens.get(self.at).copied().unwrap_or_default()
    }

    fn next(&mut self) -> &'t str {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn requirement(&mut self) -> Result<(), String> {
        let absent = self.peek() == "!";
        if absent {
            self.at += 1;
        }
        let key = self.next();
        if !is_word(key) {
            return Err(format!("found '{key}', expected: identifier"));
        }
        if absent || matches!(self.peek(), "" | ",") {
            return Ok(());
        }
        match self.next() {
            "in" | "notin" => self.values(),
            "=" | "==" | "!=" | ">" | "<" => match self.peek() {
                "" | "," => Ok(()),
                value if is_word(value) => {
                    self.at += 1;
                    Ok(())
                }
                other => Err(format!("found '{other}', expected: identifier")),
            },
            other => Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
        }
    }

    fn values(&mut self) -> Result<(), String> {
        let open = self.next();
        if open != "(" {
            return Err(format!("found '{open}' expected: '('"));
        }
        if self.peek() == ")" {
            self.at += 1;
            return Ok(());
        }
        if !is_word(self.peek()) && self.peek() != "," {
            return Err(format!("found '{}', expected: ',', ')' or identifier", self.peek()));
        }
        loop {
            match self.next() {
                "," => {}
                word if is_word(word) => match self.peek() {
                    "," | ")" => {}
                    other => return Err(format!("found '{other}', expected: ',' or ')'")),
                },
                other => return Err(format!("found '{other}', expected: ',', or identifier")),
            }
            if self.peek() == ")" {
                self.at += 1;
                return Ok(());
            }
        }
    }
}
