//! Bytes become other bytes: bits, pieces, numbers and words are changed, doubled, taken away or brought in from elsewhere.

use crate::random::Random;

/// What readers stumble over.
const WORDS: [&[u8]; 34] = [
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e400",
    b"99999999999999999999",
    b"-9223372036854775808",
    b"4294967296",
    b"\"\"",
    b"{}",
    b"[]",
    b"{",
    b"[",
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"\0",
    b"\xef\xbb\xbf",
    b"$patch",
    b"$retainKeys",
    b"$setElementOrder/containers",
    b"$deleteFromPrimitiveList/finalizers",
    b"replace",
    b"&a",
    b"*a",
    b"<<: ",
    b"!!binary ",
    b"--- ",
    b"\t",
    b"\xe2\x80\xa8",
    b"${X}",
    b"{{ x }}",
    b"50%",
];

/// A variation; `others` are where pieces come from.
pub fn varied(bytes: &[u8], others: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut made = bytes.to_vec();
    for _ in 0..1 + random.below(6) {
        change(&mut made, others, random);
    }
    made
}

fn change(made: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    let at = random.below(made.len() + 1);
    let most = if random.chance(80) { 12 } else { 400 };
    let until = (at + 1 + random.below(most)).min(made.len());
    match random.below(9) {
        0 if at < made.len() => made[at] ^= 1 << random.below(8),
        1 if at < made.len() => made[at] = u8::try_from(random.below(256)).unwrap(),
        2 if at < until => drop(made.drain(at..until)),
        3 if at < until => {
            let piece = made[at..until].to_vec();
            let times = if random.chance(95) { 1 } else { 200 };
            (0..times).for_each(|_| drop(made.splice(at..at, piece.iter().copied())));
        }
        4 => made.truncate(at),
        5 => {
            let other = random.pick(others);
            let from = random.below(other.len() + 1);
            let to = (from + random.below(60)).min(other.len());
            made.splice(at..at, other[from..to].iter().copied());
        }
        6 => number(made, random),
        7 => value(made, random),
        _ => drop(made.splice(at..at, random.pick(&WORDS).iter().copied())),
    }
}

/// Another number in the place of one.
fn number(made: &mut Vec<u8>, random: &mut Random) {
    let starts: Vec<usize> = (0..made.len()).filter(|i| made[*i].is_ascii_digit() && (*i == 0 || !made[*i - 1].is_ascii_digit())).collect();
    if starts.is_empty() {
        return;
    }
    let start = *random.pick(&starts);
    let end = (start..made.len()).find(|i| !made[*i].is_ascii_digit()).unwrap_or(made.len());
    let numbers: [&[u8]; 7] = [b"0", b"-1", b"2147483648", b"9223372036854775807", b"18446744073709551616", b"1.5", b"1e99"];
    made.splice(start..end, random.pick(&numbers).iter().copied());
}

/// Another value after a colon: readers check types there.
fn value(made: &mut Vec<u8>, random: &mut Random) {
    let colons: Vec<usize> = (0..made.len()).filter(|i| made[*i] == b':').collect();
    if colons.is_empty() {
        return;
    }
    let start = *random.pick(&colons) + 1;
    let end = (start..made.len()).find(|i| matches!(made[*i], b',' | b'}' | b']' | b'\n')).unwrap_or(made.len());
    let values: [&[u8]; 8] = [b"null", b"5", b"\"x\"", b"true", b"[]", b"{}", b"[null]", b"{\"a\":null}"];
    made.splice(start..end, random.pick(&values).iter().copied());
}
