//! The unified diff of two texts as the server's errors print it, line for line.
//!
//! Follows Python's `difflib`, by way of `github.com/pmezard/go-difflib`: longest matching block first, lines that fill more than a
//! hundredth of a long text left out of the search, three lines of context, no file names.

use std::collections::BTreeMap;
use std::ops::Range;

const CONTEXT: usize = 3;
/// Texts from this length on have lines that are too common to search by.
const LONG: usize = 200;

/// What changed from one text to another, ending in a line break; empty if nothing did.
pub(super) fn unified(old: &str, new: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (old.split('\n').collect(), new.split('\n').collect());
    let mut out = String::new();
    for group in groups(&edits(&a, &b), a.len()) {
        let (first, last) = (&group[0], &group[group.len() - 1]);
        let old_range = shown(first.old.start..last.old.end);
        let new_range = shown(first.new.start..last.new.end);
        out.push_str(&format!("@@ -{old_range} +{new_range} @@\n"));
        for edit in group {
            if edit.same {
                push(&mut out, ' ', &a[edit.old]);
            } else {
                push(&mut out, '-', &a[edit.old]);
                push(&mut out, '+', &b[edit.new]);
            }
        }
    }
    out
}

fn push(out: &mut String, mark: char, lines: &[&str]) {
    for line in lines {
        out.push(mark);
        out.push_str(line);
        out.push('\n');
    }
}

fn shown(range: Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => format!("{}", range.start + 1),
        length => format!("{},{length}", range.start + 1),
    }
}

#[derive(Clone)]
struct Edit {
    same: bool,
    old: Range<usize>,
    new: Range<usize>,
}

/// Where each line of a text stands, unless it is too common.
fn places<'t>(b: &[&'t str]) -> BTreeMap<&'t str, Vec<usize>> {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, line) in b.iter().enumerate() {
        places.entry(line).or_default().push(i);
    }
    if b.len() >= LONG {
        places.retain(|_, at| at.len() <= b.len() / 100 + 1);
    }
    places
}

/// The longest block that both ranges have, the first in the old text, then in the new one.
fn longest(a: &[&str], b: &[&str], places: &BTreeMap<&str, Vec<usize>>, old: Range<usize>, new: Range<usize>) -> (usize, usize, usize) {
    let (mut i, mut j, mut size) = (old.start, new.start, 0);
    let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
    for (x, line) in a.iter().enumerate().take(old.end).skip(old.start) {
        let mut longer = BTreeMap::new();
        for y in places.get(line).into_iter().flatten().copied().filter(|y| new.contains(y)) {
            let length = y.checked_sub(1).and_then(|before| lengths.get(&before)).unwrap_or(&0) + 1;
            longer.insert(y, length);
            if length > size {
                (i, j, size) = (x + 1 - length, y + 1 - length, length);
            }
        }
        lengths = longer;
    }
    while i > old.start && j > new.start && a[i - 1] == b[j - 1] {
        (i, j, size) = (i - 1, j - 1, size + 1);
    }
    while i + size < old.end && j + size < new.end && a[i + size] == b[j + size] {
        size += 1;
    }
    (i, j, size)
}

fn blocks(
    a: &[&str],
    b: &[&str],
    places: &BTreeMap<&str, Vec<usize>>,
    old: Range<usize>,
    new: Range<usize>,
    out: &mut Vec<(usize, usize, usize)>,
) {
    let (i, j, size) = longest(a, b, places, old.clone(), new.clone());
    if size == 0 {
        return;
    }
    if old.start < i && new.start < j {
        blocks(a, b, places, old.start..i, new.start..j, out);
    }
    out.push((i, j, size));
    if i + size < old.end && j + size < new.end {
        blocks(a, b, places, i + size..old.end, j + size..new.end, out);
    }
}

fn edits(a: &[&str], b: &[&str]) -> Vec<Edit> {
    let mut found = Vec::new();
    blocks(a, b, &places(b), 0..a.len(), 0..b.len(), &mut found);
    found.push((a.len(), b.len(), 0));
    let (mut x, mut y, mut out) = (0, 0, Vec::<Edit>::new());
    for (i, j, size) in found {
        if x < i || y < j {
            out.push(Edit { same: false, old: x..i, new: y..j });
        }
        (x, y) = (i + size, j + size);
        match out.last_mut().filter(|e| e.same && size > 0) {
            Some(last) => (last.old.end, last.new.end) = (x, y),
            None if size > 0 => out.push(Edit { same: true, old: i..x, new: j..y }),
            None => {}
        }
    }
    out
}

/// Edits with no more than the context between them, with the context around.
fn groups(edits: &[Edit], lines: usize) -> Vec<Vec<Edit>> {
    let (mut groups, mut group) = (Vec::new(), Vec::new());
    let last = edits.len().saturating_sub(1);
    for (n, edit) in edits.iter().enumerate() {
        if !edit.same {
            group.push(edit.clone());
            continue;
        }
        let length = edit.old.len();
        let head = |e: &Edit, keep: usize| Edit { same: true, old: e.old.start..e.old.start + keep, new: e.new.start..e.new.start + keep };
        let tail = |e: &Edit, keep: usize| Edit { same: true, old: e.old.end - keep..e.old.end, new: e.new.end - keep..e.new.end };
        if n == 0 {
            group.push(tail(edit, length.min(CONTEXT)));
        } else if n == last {
            group.push(head(edit, length.min(CONTEXT)));
        } else if length > 2 * CONTEXT {
            group.push(head(edit, CONTEXT));
            groups.push(std::mem::take(&mut group));
            group.push(tail(edit, CONTEXT));
        } else {
            group.push(edit.clone());
        }
    }
    groups.push(group);
    groups.retain(|g| g.iter().any(|e| !e.same) && lines > 0);
    groups
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn as_the_server_prints_it() {
        // from a claim's refusal on a 1.36.2 server
        let old = "{\n \"AccessModes\": [\n  \"ReadWriteOnce\"\n ],\n \"Selector\": null,\n \"Resources\": {\n  \"Limits\": null,\n  \"Requests\": {\n";
        let new = old.replace("ReadWriteOnce", "ReadWriteMany");
        let expected = "@@ -1,6 +1,6 @@\n {\n  \"AccessModes\": [\n-  \"ReadWriteOnce\"\n+  \"ReadWriteMany\"\n  ],\n  \"Selector\": null,\n  \"Resources\": {\n";
        assert_eq!(unified(old, &new), expected);
        assert_eq!(unified(old, old), "");
    }
}
