//! Base64 text as Go's `encoding/base64.StdEncoding` reads and writes it: standard alphabet, padding required, line breaks
//! allowed.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes bytes as text.
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().enumerate().fold(0_u32, |group, (i, byte)| group | u32::from(*byte) << (16 - 8 * i));
        for place in 0..4 {
            let sextet = (group >> (18 - 6 * place)) & 63;
            out.push(if place <= chunk.len() { ALPHABET[sextet as usize] as char } else { '=' });
        }
    }
    out
}

/// Reads text; the error is the offset of the first byte that cannot stand there, as Go counts it.
pub fn decode(text: &str) -> Result<Vec<u8>, usize> {
    let places: Vec<(usize, u8)> = text.bytes().enumerate().filter(|(_, byte)| !matches!(byte, b'\n' | b'\r')).collect();
    let mut out = Vec::with_capacity(places.len() / 4 * 3);
    let mut groups = places.chunks(4).peekable();
    while let Some(group) = groups.next() {
        let mut sextets = Vec::with_capacity(4);
        for (i, (offset, byte)) in group.iter().enumerate() {
            match ALPHABET.iter().position(|a| a == byte) {
                Some(sextet) => sextets.push(sextet as u32),
                None if *byte == b'=' && i >= 2 => {
                    check_padding(group, i, groups.peek().map(|next| next[0].0), text.len())?;
                    break;
                }
                None => return Err(*offset),
            }
        }
        if sextets.len() == group.len() && group.len() < 4 {
            return Err(text.len() - group.len());
        }
        let bits = sextets.iter().enumerate().fold(0_u32, |bits, (i, sextet)| bits | sextet << (18 - 6 * i));
        out.extend((0..sextets.len().saturating_sub(1)).map(|i| (bits >> (16 - 8 * i)) as u8));
    }
    Ok(out)
}

/// After the first `=` of a group there may only be its second one, and nothing after the group.
fn check_padding(group: &[(usize, u8)], first: usize, after: Option<usize>, end: usize) -> Result<(), usize> {
    if first == 2 {
        match group.get(3) {
            None => return Err(end),
            Some((offset, byte)) if *byte != b'=' => return Err(*offset - 1),
            Some(_) => {}
        }
    }
    after.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn text_and_bytes_turn_into_each_other() {
        for (bytes, text) in [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("abcd", "YWJjZA==")] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(decode("YW\nJj\r\n").unwrap(), b"abc");
    }

    #[test]
    fn what_is_no_base64_is_refused_where_go_refuses_it() {
        for (text, offset) in [("a", 0), ("YQ", 0), ("YQ=", 3), ("YQ==YQ==", 4), ("Y!==", 1), ("YWJj YWJj", 4), ("=", 0), ("YQ=a", 2)] {
            assert_eq!(decode(text).unwrap_err(), offset, "{text}");
        }
    }
}
