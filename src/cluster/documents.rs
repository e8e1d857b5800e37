//! Bytes become objects: JSON or YAML, plain or gzip, one document or many, Lists taken apart.
//!
//! Reads what `kubectl get -o json`, `-o yaml`, `helm template` and `kustomize build` print, as kubectl itself reads them
//! (`cli-runtime/pkg/resource/visitor.go`, `apimachinery/pkg/apis/meta/v1/unstructured/helpers.go`): a map with a list under
//! `items` is a List; its items take what they lack of kind and version from it. Hostile input meets limits, never a panic.

use super::halves;
use super::json::{Document, JsonError, Memory, item_offset, read_document};
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::object::yaml;
use crate::object::{Map, Value, text};
use flate2::read::MultiGzDecoder;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

/// What stood in a file.
#[derive(Debug, Default)]
pub struct Documents {
    /// Its objects, in their order. Each has an `apiVersion`, a `kind` and a name (or a `generateName`).
    pub objects: Vec<Value>,
    /// The Lists that held objects, without their items.
    pub lists: Vec<Map>,
    /// What is legal YAML and likely not meant.
    pub warnings: Vec<Diagnostic>,
}

/// How many mistakes of one file are told.
const MISTAKES: usize = 20;
/// A line that is longer is not shown under a message; the message then says the place.
const LONGEST_LINE: usize = 400;
/// YAML takes many times the time and memory that JSON takes.
const LARGEST_YAML: usize = 64 << 20;
/// One value for each so many bytes of the limit: real objects have a value for 15 bytes or more.
const BYTES_A_VALUE: u64 = 8;

/// Reads objects from a file, or what is named like one (`-` for standard input). `limit` is how many bytes are read, unpacked.
pub fn read_documents(input: impl Read, file: &Path, limit: u64) -> Result<Documents, Diagnostics> {
    let bytes = read_bytes(input, file, limit)?;
    let text = utf8(bytes, file)?;
    let source = Arc::new(Source::new(file.to_owned(), text));
    let memory = Memory::for_values((limit / BYTES_A_VALUE).max(1) as usize);
    let mut reading = Reading { file, memory, out: Documents::default(), mistakes: Vec::new() };
    match source.text.trim_start().chars().next() {
        None => return Err(Diagnostic::error("input-empty", format!("{} is empty", called(file))).into()),
        Some('{' | '[' | '"') => reading.json(&source.text),
        Some(_) => reading.yaml(&source)?,
    }
    let Reading { out, mistakes, .. } = reading;
    if mistakes.is_empty() {
        return Ok(out);
    }
    Err(Diagnostics(mistakes.into_iter().map(|(mistake, offset)| place(mistake, &source, offset)).collect()))
}

/// A file as a sentence names it.
fn called(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { format!("`{}`", file.display()) }
}

fn read_bytes(mut input: impl Read, file: &Path, limit: u64) -> Result<Vec<u8>, Diagnostics> {
    let failed = |e: &io::Error| Diagnostic::error("input-unreadable", format!("cannot read {}: {e}", called(file)));
    let mut start = Vec::new();
    input.by_ref().take(2).read_to_end(&mut start).map_err(|e| failed(&e))?;
    let packed = start == [0x1f, 0x8b];
    let whole = Cursor::new(start).chain(input);
    let mut bytes = Vec::new();
    let mut unpacked: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
    // What may be YAML is limited to less: no need to read further then.
    let mut start = unpacked.by_ref().take((LARGEST_YAML as u64).min(limit) + 1).read_to_end(&mut bytes);
    if start.as_ref().is_ok_and(|n| *n > LARGEST_YAML) {
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Err(too_large(file, LARGEST_YAML as u64, packed));
        }
        start = unpacked.take(limit - LARGEST_YAML as u64).read_to_end(&mut bytes);
    }
    let read = start;
    match read {
        Err(e) if packed && e.kind() == io::ErrorKind::UnexpectedEof => {
            Err(Diagnostic::error("input-cut-off", format!("{} is gzip data that ends too early", called(file))).into())
        }
        Err(e) => Err(failed(&e).into()),
        Ok(_) if bytes.len() as u64 > limit => Err(too_large(file, limit, packed)),
        Ok(_) => Ok(bytes),
    }
}

/// The refusal of a file that is larger than its limit.
pub fn too_large(file: &Path, limit: u64, packed: bool) -> Diagnostics {
    let unpacked = if packed { " once unpacked" } else { "" };
    Diagnostic::error("input-too-large", format!("{} is larger than the limit of {}{unpacked}", called(file), size(limit)))
        .hint("ask for fewer kinds or namespaces")
        .into()
}

fn size(bytes: u64) -> String {
    match bytes {
        b if b >= 1 << 20 && b % (1 << 20) == 0 => format!("{} MiB", b >> 20),
        b => format!("{b} bytes"),
    }
}

fn utf8(bytes: Vec<u8>, file: &Path) -> Result<String, Diagnostics> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let text = format!("{} is UTF-16 text; UTF-8 is needed", called(file));
        return Err(Diagnostic::error("input-not-utf8", text)
            .hint("PowerShell's `>` writes UTF-16: use `| Out-File -Encoding utf8 FILE`")
            .into());
    }
    String::from_utf8(bytes).map(|text| text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)).map_err(|e| {
        let good = e.utf8_error().valid_up_to();
        let byte = e.as_bytes()[good];
        let mistake = Diagnostic::error("input-not-utf8", format!("{} is not UTF-8 text: byte 0x{byte:02x}", called(file)));
        let text = String::from_utf8_lossy(&e.as_bytes()[..e.as_bytes().len().min(good + LONGEST_LINE)]).into_owned();
        place(mistake, &Arc::new(Source::new(file.to_owned(), text)), good).into()
    })
}

/// Puts a message at its place: under the line, or in words if the line is too long to show or might show a Secret's value.
fn place(mistake: Diagnostic, source: &Arc<Source>, offset: usize) -> Diagnostic {
    let (before, after) = source.text.split_at(offset);
    let line = before.rsplit('\n').next().unwrap_or_default().len() + after.split('\n').next().unwrap_or_default().len();
    let mistake = mistake.at(source, offset..offset + after.chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8));
    if line <= LONGEST_LINE && !may_hold_secrets(&source.text) { mistake } else { in_words(mistake) }
}

fn may_hold_secrets(text: &str) -> bool {
    text.contains("Secret")
}

fn in_words(mistake: Diagnostic) -> Diagnostic {
    let Some(at) = mistake.position().map(|(file, line, column)| format!("{}:{line}:{column}", file.display())) else { return mistake };
    Diagnostic { place: None, label: String::new(), text: format!("{}, at {at}", mistake.text), ..mistake }
}

struct Reading<'f> {
    file: &'f Path,
    memory: Memory,
    out: Documents,
    mistakes: Vec<(Diagnostic, usize)>,
}

impl Reading<'_> {
    /// Documents one after the other, with or without `---` between them.
    fn json(&mut self, text: &str) {
        let mut at = 0;
        loop {
            let rest = &text[at..];
            let trimmed = rest.trim_start();
            at += rest.len() - trimmed.len();
            if trimmed.is_empty() || self.mistakes.len() >= MISTAKES {
                return;
            }
            if let Some(after) = trimmed.strip_prefix("---") {
                at = text.len() - after.len();
                continue;
            }
            match halves::read_list(text, at, &self.memory).map_or_else(|| read_document(text, at, &self.memory), Ok) {
                Ok((document, end)) => {
                    self.document(document, at, &|item| item_offset(text, at, item));
                    at = end;
                }
                Err(error) => return self.mistakes.push(self.wrong_json(error, text)),
            }
        }
    }

    fn wrong_json(&self, error: JsonError, text: &str) -> (Diagnostic, usize) {
        let file = called(self.file);
        let mistake = if error.cut_off {
            Diagnostic::error("input-cut-off", format!("{file} ends in the middle of a JSON value"))
                .label("the end of the text")
                .hint("was the command that wrote it stopped, or its disk full? write it again")
        } else {
            Diagnostic::error("input-not-json", format!("{file} is not JSON: {}", error.text))
        };
        (mistake, if error.cut_off { text.trim_end().len() } else { error.offset })
    }

    fn yaml(&mut self, source: &Arc<Source>) -> Result<(), Diagnostics> {
        if source.text.len() > LARGEST_YAML {
            return Err(too_large(self.file, LARGEST_YAML as u64, false));
        }
        let veiled = |wrong: Diagnostics| match may_hold_secrets(&source.text) {
            true => Diagnostics(wrong.0.into_iter().map(in_words).collect()),
            false => wrong,
        };
        for yaml::Document { value, spans, warnings, .. } in yaml::load(source).map_err(veiled)? {
            let veil = |w| if may_hold_secrets(&source.text) { in_words(w) } else { w };
            self.out.warnings.extend(warnings.into_iter().map(veil));
            let start = spans.range().start;
            let place = value.as_object().and_then(|map| map.keys().position(|key| key == "items"));
            let places = place.and_then(|at| spans.children().get(at)).map(yaml::Spans::children).unwrap_or_default();
            let read = match value {
                Value::Object(mut head) if head.get("items").is_some_and(Value::is_array) => match head.shift_remove("items") {
                    Some(Value::Array(items)) => Document::List(head, items.into()),
                    _ => Document::Object(Value::Object(head)),
                },
                Value::Object(object) => Document::Object(Value::Object(object)),
                other => Document::Other(other),
            };
            self.document(read, start, &|item| places.get(item).map_or(start, |s| s.range().start));
        }
        Ok(())
    }

    fn document(&mut self, document: Document, start: usize, item_start: &dyn Fn(usize) -> usize) {
        match document {
            Document::Object(object) => self.object(object, None, &|| start),
            Document::List(head, items) => self.list(head, items, item_start),
            Document::Other(other) => {
                let text = format!("{} holds {} where an object or a List is expected", called(self.file), kind_of(&other));
                self.mistakes.push((Diagnostic::error("input-not-an-object", text), start));
            }
        }
    }

    fn list(&mut self, head: Map, items: Vec<Value>, item_start: &dyn Fn(usize) -> usize) {
        let own = |key: &str| head.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (version, kind) = (own("apiVersion"), own("kind"));
        let item_kind = kind.strip_suffix("List").unwrap_or_default();
        for (index, mut item) in items.into_iter().enumerate() {
            if self.mistakes.len() >= MISTAKES {
                break;
            }
            if let Value::Object(map) = &mut item
                && !item_kind.is_empty()
            {
                fill(map, "kind", item_kind, 0);
                fill(map, "apiVersion", &version, 0);
            }
            // `kubectl get` of several files of Lists nests them.
            match item {
                Value::Object(mut inner) if inner.get("items").is_some_and(Value::is_array) => {
                    let Some(Value::Array(items)) = inner.shift_remove("items") else { continue };
                    self.list(inner, items.into(), &|_| item_start(index));
                }
                item => self.object(item, Some(index), &|| item_start(index)),
            }
        }
        self.out.lists.push(head);
    }

    /// Takes in one object, of a List if `item` says which one.
    fn object(&mut self, object: Value, item: Option<usize>, start: &dyn Fn() -> usize) {
        if let Some(mistake) = self.mistake_of(&object, item) {
            self.mistakes.push((mistake, start()));
        } else {
            self.out.objects.push(object);
        }
    }

    fn mistake_of(&self, object: &Value, item: Option<usize>) -> Option<Diagnostic> {
        let named = |key: &str| !text(object, &["metadata", key]).is_empty();
        let (api_version, kind) = (text(object, &["apiVersion"]), text(object, &["kind"]));
        if !api_version.is_empty() && !kind.is_empty() && kind != "Status" && (named("name") || named("generateName")) {
            return None;
        }
        let which = item.map_or_else(String::new, |index| format!(" (item {} of the list)", index + 1));
        let file = called(self.file);
        let wrong = |what: String| Some(Diagnostic::error("input-not-an-object", what));
        if !object.is_object() {
            return wrong(format!("{file} holds {}{which} where an object is expected", kind_of(object)));
        }
        match (api_version, kind) {
            ("v1", "Status") => {
                let said = text(object, &["message"]);
                wrong(format!("{file} holds an answer of the server instead of objects: {said}"))
            }
            (_, "") => wrong(format!("an object in {file}{which} has no kind")).map(|m| m.label("`kind` is missing")),
            ("", kind) => wrong(format!("a {kind} in {file}{which} has no apiVersion")).map(|m| m.label("`apiVersion` is missing")),
            (_, kind) if !named("name") && !named("generateName") => {
                wrong(format!("a {kind} in {file}{which} has no name")).map(|m| m.label("`metadata.name` is missing"))
            }
            _ => None,
        }
    }
}

fn fill(map: &mut Map, key: &str, value: &str, place: usize) {
    if map.get(key).and_then(Value::as_str).is_none_or(str::is_empty) {
        map.shift_remove(key);
        map.shift_insert(place, key.into(), value.into());
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a bare list",
        Value::Object(_) => "a map",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn read(bytes: &[u8]) -> Result<Documents, Diagnostics> {
        read_documents(bytes, Path::new("s.json"), 10_000)
    }

    fn names(bytes: &[u8]) -> Vec<String> {
        read(bytes).unwrap().objects.iter().map(|o| crate::object::ObjectId::of(o).to_string()).collect()
    }

    fn refused(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().to_string()
    }

    const TWO: &str = r#"{"apiVersion":"v1","kind":"List","items":[
      {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","namespace":"n"}},
      {"apiVersion":"v1","kind":"Node","metadata":{"name":"b"}}]}"#;

    #[test]
    fn takes_lists_apart_however_they_come() {
        let two = ["Deployment/n/a", "Node/b"];
        assert_eq!(names(TWO.as_bytes()), two);
        let several = format!("\u{feff}{TWO}\n---\n{}\n{}", r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"c"}}"#, TWO);
        assert_eq!(names(several.as_bytes()), ["Deployment/n/a", "Node/b", "Node/c", "Deployment/n/a", "Node/b"]);
        let nested = format!(r#"{{"apiVersion":"v1","kind":"List","items":[{TWO}]}}"#);
        assert_eq!(names(nested.as_bytes()), two);
        assert!(names(br#"{"apiVersion":"v1","kind":"List","items":[]}"#).is_empty());
    }

    #[test]
    fn items_of_a_list_of_one_kind_take_their_kind_from_it() {
        let list = br#"{"kind":"DeploymentList","apiVersion":"apps/v1","metadata":{},"items":[{"metadata":{"name":"a","namespace":"n"}}]}"#;
        let object = read(list).unwrap().objects.remove(0);
        assert_eq!(object.to_string(), r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","namespace":"n"}}"#);
    }

    #[test]
    fn reads_yaml() {
        let two = "# comment\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: ns}}\n---\napiVersion: v1\nkind: Node\nmetadata:\n  name: b\n";
        assert_eq!(names(two.as_bytes()), ["Deployment/ns/a", "Node/b"]);
        let wrong =
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}\n- kind: Pod\n---\n7\n";
        assert_eq!(
            refused(wrong.as_bytes()).lines().collect::<Vec<_>>(),
            [
                "s.json:5:3: a Pod in `s.json` (item 2 of the list) has no apiVersion",
                "s.json:7:1: `s.json` holds a number where an object or a List is expected",
            ]
        );
        assert!(refused(b"a: [1\nb: 2").starts_with("s.json:"));
    }

    #[test]
    fn reads_gzip_and_says_when_it_is_cut_off() {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(TWO.as_bytes()).unwrap();
        let packed = packer.finish().unwrap();
        assert_eq!(names(&packed).len(), 2);
        assert_eq!(refused(&packed[..packed.len() - 10]), "`s.json` is gzip data that ends too early");
    }

    #[test]
    fn a_small_file_that_unpacks_to_much_is_refused() {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(&vec![b' '; 1 << 20]).unwrap();
        assert_eq!(refused(&packer.finish().unwrap()), "`s.json` is larger than the limit of 10000 bytes once unpacked");
        assert_eq!(refused(&vec![b'x'; 10_001]), "`s.json` is larger than the limit of 10000 bytes");
    }

    #[test]
    fn says_where_the_text_is_wrong() {
        assert_eq!(refused(b"{\"items\": [\n{\"kind\":"), "s.json:2:9: `s.json` ends in the middle of a JSON value");
        assert_eq!(refused(b"{\"a\":1,\n \"b\":}"), "s.json:2:6: `s.json` is not JSON: expected value");
        assert_eq!(refused(b"{\"a\":\n \"\xe4\"}"), "s.json:2:3: `s.json` is not UTF-8 text: byte 0xe4");
        assert_eq!(refused(b"\n "), "`s.json` is empty");
        assert_eq!(refused(b"[]"), "s.json:1:1: `s.json` holds a bare list where an object or a List is expected");
        assert!(refused(b"\xff\xfe{\0").contains("UTF-16"));
    }

    #[test]
    fn a_long_line_is_not_shown() {
        let text = format!("{{\"a\":\"{}\", oops}}", "x".repeat(2000));
        let errors = read(text.as_bytes()).unwrap_err();
        assert!(errors.0[0].place.is_none());
        assert!(errors.to_string().contains("at s.json:1:20"), "{errors}");
    }

    #[test]
    fn no_line_of_a_secret_is_shown() {
        for text in [
            "{\"kind\": \"Secret\",\n\"data\": {\"k\": \"aHVudGVyMg==\" oops}}",
            "kind: Secret\ndata:\n  k: aHVudGVyMg==\n  k: aHVudGVyMg==\n",
        ] {
            let wrong = read(text.as_bytes()).unwrap_err();
            assert!(wrong.0.iter().all(|d| d.place.is_none()), "{wrong:?}");
            assert!(wrong.to_string().contains(" at s.json:") && !wrong.to_string().contains("aHVud"), "{wrong}");
        }
    }

    #[test]
    fn every_object_needs_kind_version_and_name() {
        let text = "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n{\"apiVersion\":\"v1\"},\n7,\n{\"kind\":\"Pod\"},\n{\"kind\":\"Pod\",\"apiVersion\":\"v1\"}]}";
        assert_eq!(
            refused(text.as_bytes()).lines().collect::<Vec<_>>(),
            [
                "s.json:2:1: an object in `s.json` (item 1 of the list) has no kind",
                "s.json:3:1: `s.json` holds a number (item 2 of the list) where an object is expected",
                "s.json:4:1: a Pod in `s.json` (item 3 of the list) has no apiVersion",
                "s.json:5:1: a Pod in `s.json` (item 4 of the list) has no name",
            ]
        );
        let status = br#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized","code":401}"#;
        assert!(refused(status).ends_with("holds an answer of the server instead of objects: Unauthorized"));
    }
}
