//! The same answers of a real server in JSON and in protobuf: ours is to become theirs, byte for byte, and theirs ours.

use super::{decode, encode, event};
use crate::object::{Value, base64, items, text};
use crate::schema::{Schema, Version};
use flate2::read::GzDecoder;
use std::io::Read;

fn answers() -> Value {
    let mut data = String::new();
    let packed = include_bytes!("../../../tests/recorded/answers.json.gz");
    GzDecoder::new(&packed[..]).read_to_string(&mut data).unwrap();
    serde_json::from_str(&data).unwrap()
}

/// The answers but those that differ for another reason than their encoding: custom resources are refused in protobuf, and the
/// data of a ControllerRevision is kept as it was sent, with its white space.
fn alike(recorded: &Value) -> Vec<&Value> {
    let other = |case: &&Value| {
        let path = text(case, &["path"]);
        case["code"] != 406 && !path.contains("/controllerrevisions")
    };
    items(recorded, &["answers"]).iter().filter(other).collect()
}

/// An answer as we encode it.
fn ours(schema: &'static Schema, case: &Value) -> Option<Vec<u8>> {
    let events = match &case["json"] {
        Value::Array(events) if case["code"] == 200 => events,
        Value::Array(refusal) => return encode(schema, &refusal[0]),
        one => return encode(schema, one),
    };
    let mut all = Vec::new();
    for one in events {
        all.append(&mut event(schema, text(one, &["type"]), &one["object"])?);
    }
    Some(all)
}

#[test]
fn answers_have_the_servers_bytes() {
    let (schema, recorded) = (Schema::of(Version::V1_36), answers());
    let cases = alike(&recorded);
    let mut wrong = Vec::new();
    for case in &cases {
        let theirs = base64::decode(text(case, &["protobuf"])).unwrap();
        let found = ours(schema, case);
        if found.as_ref() != Some(&theirs) {
            let same = found.as_ref().map_or(0, |f| f.iter().zip(&theirs).take_while(|(a, b)| a == b).count());
            let around =
                |bytes: &[u8]| bytes[same.saturating_sub(60).min(bytes.len())..bytes.len().min(same + 40)].escape_ascii().to_string();
            let what = found.map_or_else(|| "no message".to_owned(), |f| format!("ours:   {}", around(&f)));
            wrong.push(format!(
                "{} {}: at {same}\n  {what}\n  theirs: {}",
                text(case, &["path"]),
                text(case, &["accept"]),
                around(&theirs)
            ));
        }
    }
    assert!(wrong.is_empty() && cases.len() > 150, "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn what_was_encoded_is_decoded() {
    let (schema, recorded) = (Schema::of(Version::V1_36), answers());
    // What discovery tells nobody sends.
    let sent = |case: &&Value| case["json"].is_object() && !text(case, &["json", "kind"]).starts_with("API");
    for case in alike(&recorded).into_iter().filter(sent) {
        let theirs = base64::decode(text(case, &["protobuf"])).unwrap();
        let again = decode(schema, &theirs).ok().and_then(|object| encode(schema, &object));
        assert!(again == Some(theirs), "{}", case["path"]);
    }
}
