//! JSON text becomes a value, or an error in the words of Go's `encoding/json`.
//!
//! The value is read by serde_json; only if it refuses a text is the text scanned again, as `encoding/json/scanner.go` scans it.

use super::Value;

/// Reads a text.
///
/// # Errors
/// What Go says of the first place that is no JSON.
pub fn parse(text: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(text).map_err(|error| syntax_error(text).unwrap_or_else(|| error.to_string()))
}

/// What is wrong with a text; none if Go would read it.
fn syntax_error(text: &[u8]) -> Option<String> {
    let mut scanner = Scanner { text, at: 0 };
    scanner.blanks();
    scanner.value(0).and_then(|()| scanner.end()).err()
}

struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
}

/// A byte as Go shows it in an error.
fn shown(byte: u8) -> String {
    match byte {
        b'\'' => "'\\''".into(),
        b'"' => "'\"'".into(),
        b'\n' => "'\\n'".into(),
        b'\r' => "'\\r'".into(),
        b'\t' => "'\\t'".into(),
        b'\\' => "'\\\\'".into(),
        0x20..=0x7e => format!("'{}'", char::from(byte)),
        // Go takes a byte for a character of its own.
        0xa1.. if byte != 0xad => format!("'{}'", char::from(byte)),
        _ => format!("'\\x{byte:02x}'"),
    }
}

type Scanned = Result<(), String>;

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn wrong(&self, context: &str) -> String {
        match self.peek() {
            Some(byte) => format!("invalid character {} {context}", shown(byte)),
            None => "unexpected end of JSON input".into(),
        }
    }

    /// A text that ends in a literal or a number was still waiting for more of it.
    fn wrong_in(&self, context: &str) -> String {
        if self.peek().is_none() { format!("invalid character ' ' {context}") } else { self.wrong(context) }
    }

    fn end(&mut self) -> Scanned {
        self.blanks();
        if self.peek().is_none() { Ok(()) } else { Err(self.wrong("after top-level value")) }
    }

    fn value(&mut self, depth: usize) -> Scanned {
        // As deep as Go reads (`maxNestingDepth`); serde_json gives up earlier, with words of its own.
        if depth > 128 {
            return Err("exceeded max depth".into());
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => Err(self.wrong("looking for beginning of value")),
        }
    }

    fn literal(&mut self, word: &str) -> Scanned {
        for expected in word.bytes() {
            if self.peek() != Some(expected) {
                return Err(self.wrong_in(&format!("in literal {word} (expecting {})", shown(expected))));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Scanned {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
                        Some(b'u') => {
                            self.at += 1;
                            for _ in 0..4 {
                                if !self.peek().is_some_and(|b| b.is_ascii_hexdigit()) {
                                    return Err(self.wrong("in \\u hexadecimal character escape"));
                                }
                                self.at += 1;
                            }
                        }
                        _ => return Err(self.wrong("in string escape code")),
                    }
                }
                Some(0x20..) => self.at += 1,
                _ => return Err(self.wrong("in string literal")),
            }
        }
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self, context: &str) -> Scanned {
        if !self.peek().is_some_and(|b| b.is_ascii_digit()) {
            return Err(self.wrong_in(context));
        }
        self.digits();
        Ok(())
    }

    fn number(&mut self) -> Scanned {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.wrong_in("in numeric literal")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Scanned {
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.wrong("looking for beginning of object key string"));
            }
            self.string()?;
            self.blanks();
            if self.peek() != Some(b':') {
                return Err(self.wrong("after object key"));
            }
            self.at += 1;
            self.blanks();
            self.value(depth + 1)?;
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.wrong("after object key:value pair")),
            }
            self.blanks();
        }
    }

    fn list(&mut self, depth: usize) -> Scanned {
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.wrong("after array element")),
            }
            self.blanks();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    /// Each as `json.Unmarshal` of Go answers it.
    #[test]
    fn errors_are_gos() {
        for (text, error) in [
            ("", "unexpected end of JSON input"),
            ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
            ("{\"kind\":\"Namespace\"} x", "invalid character 'x' after top-level value"),
            ("nul", "invalid character ' ' in literal null (expecting 'l')"),
            ("01", "invalid character '1' after top-level value"),
            ("1.", "invalid character ' ' after decimal point in numeric literal"),
            ("-", "invalid character ' ' in numeric literal"),
            ("\"\\x\"", "invalid character 'x' in string escape code"),
            ("{'a':1}", "invalid character '\\'' looking for beginning of object key string"),
            ("\u{1}", "invalid character '\\x01' looking for beginning of value"),
            ("[1 2]", "invalid character '2' after array element"),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err(), error, "{text:?}");
        }
        assert!(parse(b" {\"a\": [1, -2.5e3, true, null, \"\\u00e9\"]} ").is_ok());
    }
}
