//! A long List becomes values on two threads: each reads half of its items.
//!
//! Only where that is plainly possible. Whatever looks odd is left to the reader of whole documents, which says what is wrong and where.

use super::json::{Document, Memory, read_document, read_value};
use crate::object::Value;

/// A shorter text is read sooner than a thread is started and the middle found.
const LONG: usize = 1 << 20;

/// What stands behind the items of a List is little, else they are not read apart from it.
const LONGEST_TAIL: usize = 1 << 16;

/// How much of a List the first thread reads: somewhat more than half, since the second one must find where that ends.
const FIRST: (usize, usize) = (11, 20);

/// Reads the List that starts at an offset; gives it and the offset behind it. None where it is short, or not plainly a List.
pub(super) fn read_list(text: &str, start: usize, memory: &Memory) -> Option<(Document, usize)> {
    if text.len() - start < LONG {
        return None;
    }
    let mut scan = Scan::begin(text.as_bytes(), start);
    let items = scan.items()?;
    let goal = start + (text.len() - start) / FIRST.1 * FIRST.0;
    let (first, second) = (memory.half(), memory.half());
    let (before, after) = std::thread::scope(|scope| {
        let after = scope.spawn(move || {
            let comma = scan.comma(goal)?;
            Some((comma, items_from(text, comma + 1, None, second)?))
        });
        let before = items_from(text, items, Some(goal), first);
        (before, after.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let ((mut all, middle, first), (comma, (rest, end, second))) = (before?, after?);
    if middle != comma {
        return None;
    }
    // What stands around the items is read as a List without any.
    let tail = text.get(end..).filter(|tail| tail.len() < LONGEST_TAIL)?;
    let around = [&text[start..items], tail].concat();
    let (Document::List(head, _), length) = read_document(&around, 0, memory).ok()? else { return None };
    memory.joined(&first, &second);
    all.extend(rest);
    Some((Document::List(head, all), end + length - (items - start)))
}

/// The items from an offset on: up to the first comma between two of them behind a goal, or up to the end of the list. Gives them and
/// the offset of what ended them.
fn items_from(text: &str, from: usize, goal: Option<usize>, memory: Memory) -> Option<(Vec<Value>, usize, Memory)> {
    let (mut items, mut at) = (Vec::new(), from);
    loop {
        let (value, end) = read_value(text, at, &memory)?;
        items.push(value);
        at = end + text[end..].bytes().take_while(is_blank).count();
        match text.as_bytes().get(at)? {
            b',' if goal.is_some_and(|goal| at >= goal) => return Some((items, at, memory)),
            b',' => at += 1,
            b']' if goal.is_none() => return Some((items, at, memory)),
            _ => return None,
        }
    }
}

/// Goes over a text and knows how deep in lists and maps it is, nothing more.
struct Scan<'t> {
    text: &'t [u8],
    at: usize,
    depth: usize,
}

impl<'t> Scan<'t> {
    fn begin(text: &'t [u8], start: usize) -> Self {
        Self { text, at: start, depth: 0 }
    }

    /// Where the first of the items stands that the outermost map holds; the scan then stands before it.
    fn items(&mut self) -> Option<usize> {
        loop {
            match self.text.get(self.at)? {
                b'"' => {
                    let (start, end) = (self.at + 1, self.at + 1 + string_length(&self.text[self.at + 1..])?);
                    let first = list_after_key(self.text, end + 1).filter(|_| self.depth == 1 && &self.text[start..end] == b"items");
                    if let Some(first) = first {
                        (self.at, self.depth) = (first, 2);
                        return Some(first);
                    }
                    self.at = end;
                }
                _ => self.step()?,
            }
            self.at += 1;
        }
    }

    /// The first comma between two items at or behind an offset.
    fn comma(&mut self, goal: usize) -> Option<usize> {
        loop {
            match self.text.get(self.at)? {
                b'"' => self.at += 1 + string_length(&self.text[self.at + 1..])?,
                b',' if self.depth == 2 && self.at >= goal => return Some(self.at),
                _ => self.step()?,
            }
            self.at += 1;
        }
    }

    /// None behind the end of the outermost map.
    #[inline]
    fn step(&mut self) -> Option<()> {
        match self.text[self.at] {
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.checked_sub(1).filter(|depth| *depth > 0)?,
            _ => {}
        }
        Some(())
    }
}

/// How long a string is, from behind its opening quote on.
fn string_length(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += text.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if text[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// What JSON allows between its parts.
fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Where the first item stands, if a colon and a list follow.
fn list_after_key(text: &[u8], from: usize) -> Option<usize> {
    let mut rest = (from..).zip(text.get(from..)?).filter(|(_, byte)| !is_blank(byte));
    let (colon, bracket) = (rest.next()?, rest.next()?);
    (*colon.1 == b':' && *bracket.1 == b'[').then_some(bracket.0 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json;

    fn long(tail: &str) -> String {
        let text = "x".repeat(1000);
        let items: Vec<String> =
            (0..1500).map(|i| json!({"kind": "items", "n": i, "text": format!("{text}\\\",]}}"), "items": [1, [2]]}).to_string()).collect();
        format!("{{\"kind\": \"items\", \"other\": [[], 1], \"items\" :\n [{}]{tail}", items.join(" ,\n"))
    }

    #[test]
    fn a_long_list_is_read_as_a_short_one() {
        let memory = || Memory::for_values(1_000_000);
        let text = long(", \"metadata\": {\"a\": [1, 2]}} {\"kind\": \"Pod\"}");
        let (halves, end) = read_list(&text, 0, &memory()).unwrap();
        assert_eq!((halves, end), read_document(&text, 0, &memory()).unwrap());
        assert_eq!(&text[end..], " {\"kind\": \"Pod\"}");
    }

    #[test]
    fn what_is_odd_is_left_to_the_other_reader() {
        let memory = Memory::for_values(1_000_000);
        for tail in ["", ",", ", \"items\": []}", ", oops}", "]}"] {
            assert!(read_list(&long(tail), 0, &memory).is_none(), "{tail}");
        }
        let broken = long("}").replacen("\"n\":1400,", "\"n\":1400,,", 1);
        assert!(read_list(&broken, 0, &memory).is_none());
        let twice = long("}").replacen("\"n\":1400,", "\"n\":1400,\"n\":1400,", 1);
        assert!(read_list(&twice, 0, &memory).is_none());
        assert!(read_list(&long("}"), 0, &Memory::for_values(5000)).is_none(), "too many values");
        assert!(read_list("{\"items\": [1, 2]}", 0, &memory).is_none(), "short");
    }
}
