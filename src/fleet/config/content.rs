//! The content of a configuration file becomes what is wrong with it: JSON that is none, and prompts that are too long.

use crate::diagnostic::Diagnostic;
use std::ops::Range;

/// The keys under which JSON files keep system prompts.
const PROMPT_KEYS: [&str; 4] = ["system_prompt", "systemPrompt", "system-prompt", "system"];

/// What is wrong with JSON, with the place in it.
pub(super) fn json(name: &str, text: &str, limit: Option<u64>) -> Vec<(Range<usize>, Diagnostic)> {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => {
            let mut found = Vec::new();
            prompts(&value, name, text, limit, &mut found);
            found
        }
        Err(error) => {
            let said = error.to_string();
            let why = said.rsplit_once(" at line ").map_or(said.as_str(), |(why, _)| why);
            let at = offset(text, error.line(), error.column());
            let wrong = Diagnostic::error("fleet-config-json", format!("`{name}` is not JSON: {why}"));
            vec![(at, wrong.hint("the agent would read it only when it starts"))]
        }
    }
}

/// The character at a line and column, both from 1; the end of the text where they lie behind it.
fn offset(text: &str, line: usize, column: usize) -> Range<usize> {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let end = text[start..].find('\n').map_or(text.len(), |i| start + i);
    let mut at = (start + column.saturating_sub(1)).min(end);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let next = text[at..end].chars().next().map_or(0, char::len_utf8);
    at..at + next
}

fn prompts(value: &serde_json::Value, name: &str, text: &str, limit: Option<u64>, found: &mut Vec<(Range<usize>, Diagnostic)>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let prompt = value.as_str().filter(|_| PROMPT_KEYS.contains(&key.as_str()));
                if let Some(prompt) = prompt.filter(|p| limit.is_some_and(|l| p.chars().count() as u64 > l)) {
                    let at = text.find(&format!("\"{key}\"")).map_or(0..0, |i| i..i + key.len() + 2);
                    found.push((at, too_long(&format!("the system prompt `{key}` of `{name}`"), prompt, limit)));
                }
                prompts(value, name, text, limit, found);
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|v| prompts(v, name, text, limit, found)),
        _ => {}
    }
}

/// A prompt above the limit.
pub(super) fn too_long(what: &str, prompt: &str, limit: Option<u64>) -> Diagnostic {
    let (length, limit) = (prompt.chars().count(), limit.unwrap_or_default());
    Diagnostic::error("fleet-prompt-length", format!("{what} has {length} characters; {limit} are allowed"))
        .hint("every turn of every session pays for it: move what is not always needed into skills")
        .hint("or allow more: [config] prompt-limit = …, 0 for no limit")
}

#[cfg(test)]
mod tests {
    use super::{json, offset};

    #[test]
    fn json_is_wrong_at_its_place() {
        let found = json("a.json", "{\n  \"a\": 1,\n  \"b\": tru,\n}\n", None);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].0.clone(), found[0].1.text.as_str()), (22..23, "`a.json` is not JSON: expected ident"));
        let cut = json("a.json", "{\"a\": [1, 2", None);
        assert!(cut[0].1.text.contains("EOF"), "{}", cut[0].1.text);
        assert_eq!(offset("é\n", 1, 2), 0..2);
    }

    #[test]
    fn prompts_in_json_have_the_same_limit() {
        let text = "{\"agents\": [{\"system_prompt\": \"123456\"}]}";
        assert!(json("a.json", text, Some(6)).is_empty() && json("a.json", text, None).is_empty());
        let found = json("a.json", text, Some(5));
        assert_eq!(&text[found[0].0.clone()], "\"system_prompt\"");
    }
}
