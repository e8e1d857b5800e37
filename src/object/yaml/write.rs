//! A value becomes YAML text: block style, two spaces, lists at their key's column as kubectl writes them.
//!
//! Written files are committed by users, so the same value gives the same bytes for ever. A string stands bare only where every
//! reader of YAML 1.1 and 1.2 takes it for that very string; several lines make a literal block; anything else is quoted.

use super::scalar;
use crate::object::Value;
use std::fmt::Write;

/// Longer keys need the explicit form: readers look only so far ahead for the colon.
const LONGEST_KEY: usize = 120;

/// One document, without a separator.
pub fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    append(&mut out, value);
    out
}

/// Several documents, with `---` between them.
pub fn to_documents<'v>(values: impl IntoIterator<Item = &'v Value>) -> String {
    let mut out = String::new();
    for (i, value) in values.into_iter().enumerate() {
        if i > 0 {
            out.push_str("---\n");
        }
        append(&mut out, value);
    }
    out
}

/// Appends a document to a text.
pub fn append(out: &mut String, value: &Value) {
    match value {
        Value::Object(map) if !map.is_empty() => entries(out, value, 0, false),
        Value::Array(list) if !list.is_empty() => entries(out, value, 0, false),
        _ => {
            scalar_text(out, value, 0);
            out.push('\n');
        }
    }
}

/// The entries of a map or list that is not empty. `inline`: the first one continues the line (after `- `).
fn entries(out: &mut String, value: &Value, indent: usize, mut inline: bool) {
    let mut margin = |out: &mut String| {
        if !std::mem::take(&mut inline) {
            margin_of(out, indent);
        }
    };
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                margin(out);
                entry(out, key, value, indent);
            }
        }
        Value::Array(list) => {
            for item in list {
                margin(out);
                out.push('-');
                if is_block(item) {
                    out.push(' ');
                    entries(out, item, indent + 2, true);
                } else {
                    out.push(' ');
                    scalar_text(out, item, indent + 2);
                    out.push('\n');
                }
            }
        }
        _ => {}
    }
}

fn entry(out: &mut String, key: &str, value: &Value, indent: usize) {
    let long = key.len() > LONGEST_KEY;
    if long {
        out.push_str("? ");
    }
    if bare(key) {
        out.push_str(key);
    } else {
        quoted(out, key);
    }
    if long {
        out.push('\n');
        margin_of(out, indent);
    }
    out.push(':');
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            entries(out, value, indent + 2, false);
        }
        Value::Array(list) if !list.is_empty() => {
            out.push('\n');
            // A list under `? key` stands deeper: at the key's column it would end the entry.
            entries(out, value, if long { indent + 2 } else { indent }, false);
        }
        _ => {
            out.push(' ');
            scalar_text(out, value, indent + 2);
            out.push('\n');
        }
    }
}

fn margin_of(out: &mut String, mut indent: usize) {
    const SPACES: &str = "                                ";
    while indent > SPACES.len() {
        out.push_str(SPACES);
        indent -= SPACES.len();
    }
    out.push_str(&SPACES[..indent]);
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    }
}

/// A scalar, or an empty map or list. `indent` is where the lines of a literal block stand.
fn scalar_text(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(n) => {
            let _ok = write!(out, "{n}");
        }
        Value::String(text) if bare(text) => out.push_str(text),
        Value::String(text) if literal_fits(text) => literal(out, text, indent),
        Value::String(text) => quoted(out, text),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

/// Whether every reader takes the bare text for this string.
fn bare(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    let second = bytes.get(1).copied().unwrap_or_default();
    let start_ok = match first {
        b'a'..=b'z' | b'A'..=b'Z' | b'/' | b'_' | b'$' | b'(' => true,
        b'0'..=b'9' => !looks_numeric(bytes),
        b'-' if second == b'-' => bytes.get(2).is_some_and(u8::is_ascii_alphabetic),
        b'-' => second.is_ascii_alphabetic(),
        b'.' => second == b'/',
        128.. => true,
        _ => false,
    };
    if !start_ok || matches!(last, b' ' | b':') {
        return false;
    }
    if !bytes.iter().all(|b| PLAIN[usize::from(*b)]) && !bare_inside(text) {
        return false;
    }
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => scalar::resolve(text).is_ok_and(|v| v.is_string()),
        _ => true,
    }
}

/// The characters that mean nothing to YAML wherever they stand inside a text.
static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        plain[byte] = b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/');
        byte += 1;
    }
    plain
};

/// Whether no character after the first ends the bare text early or is not printable.
fn bare_inside(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut before = b'a';
    for (i, byte) in bytes.iter().enumerate() {
        match byte {
            b' ' if bytes.get(i + 1) == Some(&b'#') => return false,
            b':' if bytes.get(i + 1) == Some(&b' ') => return false,
            b' '..=b'~' => {}
            128.. if before < 128 && !text[i..].chars().next().is_some_and(char::is_alphanumeric) => return false,
            128.. => {
                // Inside a character, or a further one: look at it when it starts.
                if text.is_char_boundary(i) && !text[i..].chars().next().is_some_and(char::is_alphanumeric) {
                    return false;
                }
            }
            _ => return false,
        }
        before = *byte;
    }
    true
}

/// Digits with what numbers, dates, times and addresses are made of: some reader may take it for one of those.
fn looks_numeric(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b'x' | b'X' | b'o' | b'O' | b'_' | b'.' | b',' | b':' | b'+' | b'-' | b't' | b'T' | b'z' | b'Z' | b' '))
}

/// Whether the text can stand as a literal block: lines of printable characters, the first of which shows the indentation.
fn literal_fits(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with(['\n', ' ', '\t'])
        && !text.trim_end_matches('\n').is_empty()
        && text.chars().all(|c| c == '\n' || c == '\t' || printable(c))
        // Spaces at the end of the text, or a last line of spaces, get lost or look lost.
        && !text.trim_end_matches('\n').ends_with([' ', '\t'])
}

fn literal(out: &mut String, text: &str, indent: usize) {
    let body = text.trim_end_matches('\n');
    out.push('|');
    match text.len() - body.len() {
        0 => out.push('-'),
        1 => {}
        _ => out.push('+'),
    }
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            margin_of(out, indent.max(2));
            out.push_str(line);
        }
    }
    out.extend(std::iter::repeat_n('\n', (text.len() - body.len()).saturating_sub(1)));
}

fn printable(c: char) -> bool {
    !matches!(c, '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
        && !matches!(c as u32 & 0xffff, 0xfffe | 0xffff)
}

fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if printable(c) => out.push(c),
            c => {
                let code = c as u32;
                let _ok = if code > 0xffff { write!(out, "\\U{code:08x}") } else { write!(out, "\\u{code:04x}") };
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::to_yaml;
    use crate::object::json;

    #[test]
    fn looks_as_kubectl_writes_it() {
        let value = json!({
            "a": {"list": ["x", {"name": "m", "args": ["--listen=:8080", "-c", "yes"]}, [1, [2]], [], {}]},
            "script": "set -e\n\nexit 0\n",
            "port": 80, "on": true, "none": null, "word": "on", "version": "1.36", "image": "gcr.io/a/b:0123abc", "sha": "0123abc",
        });
        let text = "\
a:
  list:
  - x
  - name: m
    args:
    - --listen=:8080
    - -c
    - \"yes\"
  - - 1
    - - 2
  - []
  - {}
script: |
  set -e

  exit 0
port: 80
\"on\": true
none: null
word: \"on\"
version: \"1.36\"
image: gcr.io/a/b:0123abc
sha: \"0123abc\"
";
        assert_eq!(to_yaml(&value), text);
    }
}
