//! The text of a file becomes documents.

use super::build::{Builder, KeyOr, too_deep};
use super::scalar::{self, Refused};
use super::{Document, Spans, json};
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::object::Value;
use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span, Tag};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Reads the bytes of a file: UTF-8, with or without a byte order mark.
///
/// # Errors
/// Everything that is wrong with the text.
pub fn load_bytes(file: PathBuf, bytes: Vec<u8>) -> Result<Vec<Document>, Diagnostics> {
    load(&Source::read(file, bytes)?)
}

/// Reads a text's documents; empty ones are left out. Text that starts with `{` is JSON, as it is for kubectl: one object, or
/// several one after another.
///
/// # Errors
/// Everything that is wrong with the text.
pub fn load(source: &Arc<Source>) -> Result<Vec<Document>, Diagnostics> {
    if u32::try_from(source.text.len()).is_err() {
        return Err(Diagnostic::error("text-size", format!("`{}` is larger than 4 GiB", source.file.display())).into());
    }
    if source.text.trim_start().starts_with('{') {
        return match json::load(source) {
            Ok(documents) => Ok(documents),
            // A flow mapping of YAML starts with a brace too.
            Err(wrong) => yaml(source).map_err(|_| wrong.into()),
        };
    }
    yaml(source)
}

fn yaml(source: &Arc<Source>) -> Result<Vec<Document>, Diagnostics> {
    let options = granit_parser::options! { emit_comments: false };
    let mut reading = Reading { source, builder: Builder::new(source), documents: Vec::new(), problems: Vec::new(), warnings: Vec::new() };
    for next in Parser::new_from_str_with_options(&source.text, options) {
        let fatal = match next {
            Ok((event, span)) => reading.event(event, &span).err(),
            Err(error) => Some(syntax(source, &error)),
        };
        if let Some(fatal) = fatal {
            reading.problems.append(&mut reading.builder.problems);
            reading.problems.push(fatal);
            break;
        }
    }
    if reading.problems.is_empty() { Ok(reading.documents) } else { Err(Diagnostics(reading.problems)) }
}

fn syntax(source: &Arc<Source>, error: &granit_parser::ScanError) -> Diagnostic {
    let start = error.marker().byte_offset().unwrap_or(source.text.len()).min(source.text.len());
    let end = source.text[start..].chars().next().map_or(start, |c| start + c.len_utf8());
    if *error.kind() == ErrorKind::RecursionLimitExceeded {
        return too_deep(source, start..end);
    }
    Diagnostic::error("yaml-syntax", format!("this is not YAML: {}", error.info())).at(source, start..end)
}

struct Reading<'s> {
    source: &'s Arc<Source>,
    builder: Builder,
    documents: Vec<Document>,
    problems: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl Reading<'_> {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), Diagnostic> {
        let range = span.byte_range().unwrap_or_default();
        match event {
            Event::DocumentStart(..) => self.builder = Builder::new(self.source),
            Event::DocumentEnd => self.finish(),
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), range),
            Event::SequenceStart(_, anchor, _) => self.builder.open(false, range, anchor)?,
            Event::MappingStart(_, anchor, _) => self.builder.open(true, range, anchor)?,
            Event::SequenceEnd | Event::MappingEnd => self.builder.close(range.end),
            Event::Alias(id) => self.alias(id, &range)?,
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) {
        self.problems.append(&mut self.builder.problems);
        let Some((value, spans)) = self.builder.root.take() else { return };
        if !value.is_null() {
            let warnings = std::mem::take(&mut self.warnings);
            self.documents.push(Document { value, spans, source: Arc::clone(self.source), warnings });
        }
    }

    fn alias(&mut self, id: usize, range: &Range<usize>) -> Result<(), Diagnostic> {
        self.builder.count_alias(id, range)?;
        let (value, spans) = self.builder.alias(id, range)?;
        if self.builder.wants_key() {
            let key = self.as_key(scalar::key(value), range);
            self.builder.key(key);
        } else {
            self.builder.add((value, spans), 0);
        }
        Ok(())
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, tag: Option<&Tag>, range: Range<usize>) {
        let plain = style == ScalarStyle::Plain;
        if plain && tag.is_none() && text == "<<" && self.builder.wants_key() {
            return self.builder.key(KeyOr::Merge(range));
        }
        self.line_separators(&range);
        let value = match tag {
            Some(tag) => scalar::resolve_tagged(tag.core_suffix().unwrap_or_default(), text),
            None if plain => scalar::resolve(text),
            None => Ok(Value::from(text)),
        };
        let value = value.unwrap_or_else(|refused| {
            self.problems.push(self.refused(refused, text, &range));
            Value::Null
        });
        if !self.builder.wants_key() {
            return self.builder.add((value, Spans::of(range)), anchor);
        }
        if anchor > 0 {
            self.builder.keep(anchor, (value.clone(), Spans::of(range.clone())));
        }
        let bare_bool = plain && value.is_boolean() && !matches!(text, "true" | "false");
        if bare_bool {
            self.warnings.push(
                Diagnostic::warning("yaml-bool-key", format!("the key `{text}` is read as `{value}`"))
                    .at(self.source, range.clone())
                    .hint(format!("write `\"{text}\"` if the letter is meant")),
            );
        }
        let key = self.as_key(if plain { scalar::plain_key(text, value) } else { scalar::key(value) }, &range);
        self.builder.key(key);
    }

    fn as_key(&mut self, key: Option<String>, range: &Range<usize>) -> KeyOr {
        match key {
            Some(key) => KeyOr::Key(key, range.clone()),
            None => {
                self.problems.push(
                    Diagnostic::error("yaml-key", "this cannot be the key of a map")
                        .at(self.source, range.clone())
                        .label("expected a string"),
                );
                KeyOr::Refused
            }
        }
    }

    fn refused(&self, refused: Refused, text: &str, range: &Range<usize>) -> Diagnostic {
        match refused {
            Refused::NotJson => Diagnostic::error("yaml-number", format!("`{text}` is a number that JSON, and so Kubernetes, cannot hold"))
                .at(self.source, range.clone())
                .hint("put it in quotes if the text is meant"),
            Refused::Tag => Diagnostic::error("yaml-tag", format!("`{text}` is not what its tag says")).at(self.source, range.clone()),
        }
    }

    /// YAML 1.1 breaks lines at U+0085, U+2028 and U+2029 and drops byte order marks; YAML 1.2 does not. Written as escapes they
    /// mean the same everywhere.
    fn line_separators(&mut self, range: &Range<usize>) {
        let Some(text) = self.source.text.get(range.clone()) else { return };
        if text.is_ascii() {
            return;
        }
        if let Some((at, c)) = text.char_indices().find(|(_, c)| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')) {
            let start = range.start + at;
            self.problems.push(
                Diagnostic::error("yaml-line-separator", format!("a bare U+{:04X} in a scalar: kubectl reads it differently", c as u32))
                    .at(self.source, start..start + c.len_utf8())
                    .hint(format!("write it as `\\u{:04x}` in double quotes", c as u32)),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::load;
    use crate::diagnostic::Source;
    use crate::object::yaml::Step;
    use crate::object::{Value, json};
    use std::sync::Arc;

    fn source(text: &str) -> Arc<Source> {
        Source::read("m.yaml".into(), text.as_bytes().to_vec()).unwrap()
    }

    fn values(text: &str) -> Vec<Value> {
        load(&source(text)).unwrap().into_iter().map(|d| d.value).collect()
    }

    fn codes(text: &str) -> Vec<(&'static str, String)> {
        let wrong = load(&source(text)).expect_err("broken");
        wrong.0.iter().map(|d| (d.code, d.position().map(|(_, l, c)| format!("{l}:{c}")).unwrap_or_default())).collect()
    }

    #[test]
    fn documents_of_every_shape() {
        assert_eq!(values("---\na: 1\n---\n---\n# nothing\n---\n- x\n...\n"), [json!({"a": 1}), json!(["x"])]);
        assert_eq!(values("{\"a\": 1.0}\n{\"b\": 18446744073709551615}"), [json!({"a": 1}), json!({"b": 18446744073709551615f64})]);
        assert_eq!(values("{a: 1, b: [x, yes]}"), [json!({"a": 1, "b": ["x", true]})]);
        assert_eq!(values("\u{feff}a: 'yes'\n1: \"2\"\n"), [json!({"a": "yes", "1": "2"})]);
    }

    /// go-yaml v2 merges where `<<` stands: what is before it loses, what is after it wins (checked with kubectl).
    #[test]
    fn merge_keys_and_aliases() {
        let text = "x: &x {a: 1, b: 2}\nw: {a: 0, <<: *x, b: 3}\nz:\n  <<: [{a: 1}, {a: 2, c: 3}]\nl: [*x]\n";
        assert_eq!(values(text), [json!({"x": {"a": 1, "b": 2}, "w": {"a": 1, "b": 3}, "z": {"a": 1, "c": 3}, "l": [{"a": 1, "b": 2}]})]);
    }

    #[test]
    fn every_mistake_with_its_place() {
        assert_eq!(codes("a: 1\nb: .nan\na: 2\n"), [("yaml-number", "2:4".into()), ("yaml-duplicate-key", "3:1".into())]);
        assert_eq!(codes("yes: 1\ny: 2\n"), [("yaml-duplicate-key", "2:1".into())]);
        assert_eq!(codes("a: {{ b }}\n"), [("yaml-key", "1:5".into())]);
        assert_eq!(codes("a: &a [*a]\n"), [("yaml-cycle", "1:8".into())]);
        assert_eq!(codes("a: *b\n")[0].0, "yaml-syntax");
        assert_eq!(codes("a: [\n")[0].0, "yaml-syntax");
        assert_eq!(codes(&"[".repeat(20_000))[0].0, "yaml-depth");
        assert_eq!(codes("a: x\u{2028}y\n")[0], ("yaml-line-separator", "1:5".into()));
        assert_eq!(codes("{\"a\": 1,\n \"a\": 2}")[0].0, "json-duplicate-key");
        assert_eq!(codes("{\"a\": ")[0].0, "json-syntax");
        let bomb: String = (1..12).map(|i| format!("l{i}: &l{i} [{}]\n", vec![format!("*l{}", i - 1); 9].join(", "))).collect();
        assert_eq!(codes(&format!("l0: &l0 lol\n{bomb}"))[0].0, "yaml-aliases");
    }

    #[test]
    fn parts_have_places() {
        let doc = load(&source("a:\n  - name: x\n    image: y\n")).unwrap().remove(0);
        let text = |path: &[Step<'_>]| doc.source.text[doc.place(path)].to_owned();
        assert_eq!(text(&[Step::Key("a"), Step::Index(0), Step::Key("image")]), "y");
        assert_eq!(text(&[Step::Key("a")]), "a");
        assert_eq!(text(&[Step::Key("a"), Step::Index(0), Step::Key("missing")]), "name: x\n    image: y\n");
    }
}
