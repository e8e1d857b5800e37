//! The `WWW-Authenticate` header of a registry: which proof it wants and where a token is to be had (RFC 9110, section 11.6).

use http::HeaderValue;
use std::collections::BTreeMap;

/// What a registry asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    /// `bearer` or `basic`, in lower case.
    pub(super) scheme: String,
    parameters: BTreeMap<String, String>,
}

impl Challenge {
    /// A parameter; empty if it is not there.
    pub(super) fn of(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }
}

/// Reads the header; none if it is no text.
pub(super) fn read(header: &HeaderValue) -> Option<Challenge> {
    let text = header.to_str().ok()?;
    let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    Some(Challenge { scheme: scheme.to_ascii_lowercase(), parameters: parameters(rest) })
}

/// `a="x, y",b=z`
fn parameters(mut text: &str) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    while let Some((name, after)) = text.split_once('=') {
        let name = name.trim_matches([' ', ',', '\t']).to_ascii_lowercase();
        let (value, rest) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = after.find(',').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        out.insert(name, value);
        text = rest;
    }
    out
}

/// The text up to the closing quote, and what follows it.
fn unquoted(text: &str) -> (String, &str) {
    let (mut out, mut escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                out.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return (out, &text[at + 1..]),
            _ => out.push(c),
        }
    }
    (out, "")
}

#[cfg(test)]
mod tests {
    use super::read;
    use http::HeaderValue;

    #[test]
    fn schemes_and_parameters() {
        let header = r#"Bearer realm="https://auth.example.com/token?a=b",service=reg , scope="repository:a/b:pull,push",x="\"q\"""#;
        let challenge = read(&HeaderValue::from_static(header)).unwrap();
        assert_eq!(challenge.scheme, "bearer");
        assert_eq!(challenge.of("realm"), "https://auth.example.com/token?a=b");
        assert_eq!((challenge.of("service"), challenge.of("scope")), ("reg", "repository:a/b:pull,push"));
        assert_eq!((challenge.of("x"), challenge.of("none")), ("\"q\"", ""));
        assert_eq!(read(&HeaderValue::from_static("BASIC realm=\"x\"")).unwrap().scheme, "basic");
        assert_eq!(read(&HeaderValue::from_static("Negotiate")).unwrap().scheme, "negotiate");
    }
}
