//! Values as JSON text, byte for byte as `serde_json` writes them: what the shadow does most.

use crate::object::Value;

/// Writes a value behind what is there.
pub(super) fn write(value: &Value, text: &mut Vec<u8>) {
    match value {
        Value::Null => text.extend_from_slice(b"null"),
        Value::Bool(true) => text.extend_from_slice(b"true"),
        Value::Bool(false) => text.extend_from_slice(b"false"),
        Value::Number(number) => serde_json::to_writer(text, number).expect("writing to memory does not fail"),
        Value::String(string) => write_string(string, text),
        Value::Array(list) => {
            text.push(b'[');
            for (place, item) in list.iter().enumerate() {
                if place > 0 {
                    text.push(b',');
                }
                write(item, text);
            }
            text.push(b']');
        }
        Value::Object(map) => {
            text.push(b'{');
            for (place, (key, item)) in map.iter().enumerate() {
                if place > 0 {
                    text.push(b',');
                }
                write_string(key, text);
                text.push(b':');
                write(item, text);
            }
            text.push(b'}');
        }
    }
}

/// Nearly no string holds what has to be escaped: all of its bytes are looked at together, and then copied together.
fn write_string(string: &str, text: &mut Vec<u8>) {
    let bytes = string.as_bytes();
    if bytes.iter().fold(false, |odd, byte| odd | (*byte < 0x20) | (*byte == b'"') | (*byte == b'\\')) {
        return serde_json::to_writer(text, string).expect("writing to memory does not fail");
    }
    text.reserve(bytes.len() + 2);
    text.push(b'"');
    text.extend_from_slice(bytes);
    text.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::write;
    use crate::object::{Value, json};

    #[test]
    fn the_text_is_that_of_serde() {
        let odd: String = (0..0x100).filter_map(char::from_u32).collect();
        let value = json!({
            "a": [1, -2, 0.5, 1e300, u64::MAX, null, true, false, [], {}, ""],
            "plain text that is longer than a register": "é\u{2028}𝄞", "odd": odd, "\"": "\\", "nested": {"a": {"b": ["\n"]}},
        });
        let mut text = Vec::new();
        write(&value, &mut text);
        assert_eq!(String::from_utf8(text.clone()).unwrap(), serde_json::to_string(&value).unwrap());
        assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), value);
    }
}
