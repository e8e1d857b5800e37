//! Texts that name indexes of a Job: `1,3-5`.
//!
//! Follows `validateIndexesFormat`, `parseIndexInterval` and `validateFailedIndexesNotOverlapCompleted` of
//! `pkg/apis/batch/validation/validation.go`.

use crate::simulate::status::quoted;

/// How many indexes a text names, or what is wrong with it.
pub(super) fn count(text: &str, completions: i64) -> Result<i64, String> {
    let (mut last, mut total): (Option<i64>, i64) = (None, 0);
    for part in text.split(',').filter(|_| !text.is_empty()) {
        let (low, high) = interval(part, completions)?;
        if let Some(last) = last.filter(|l| *l >= low) {
            return Err(format!("non-increasing order, previous: {last}, current: {low}"));
        }
        total += high - low + 1;
        last = Some(high);
    }
    Ok(total)
}

/// The first index that two texts both name, as the server finds it: parts that cannot be read are passed over.
pub(super) fn overlap(one: &str, other: &str, completions: i64) -> Option<i64> {
    let intervals = |text: &str| -> Vec<(i64, i64)> { text.split(',').filter_map(|part| interval(part, completions).ok()).collect() };
    let (one, other) = (intervals(one), intervals(other));
    let (mut i, mut j) = (0, 0);
    while let (Some((low, high)), Some((from, to))) = (one.get(i), other.get(j)) {
        if low <= to && from <= high {
            return Some(*low.max(from));
        }
        if low <= from { i += 1 } else { j += 1 }
    }
    None
}

fn interval(part: &str, completions: i64) -> Result<(i64, i64), String> {
    let limits: Vec<&str> = part.split('-').collect();
    if limits.len() > 2 {
        let shown = quoted(part);
        return Err(format!(
            "the fragment {shown} violates the requirement that an index interval can have at most two parts separated by '-'"
        ));
    }
    let index = |limit: &str| -> Result<i64, String> {
        let shown = quoted(limit);
        let number: i64 = limit.parse().map_err(|_| format!("cannot convert string to integer for index: {shown}"))?;
        if number >= completions { Err(format!("too large index: {shown}")) } else { Ok(number) }
    };
    let low = index(limits[0])?;
    let Some(limit) = limits.get(1) else { return Ok((low, low)) };
    let high = index(limit)?;
    if low >= high {
        return Err(format!("non-increasing order, previous: {low}, current: {high}"));
    }
    Ok((low, high))
}

#[cfg(test)]
mod tests {
    use super::{count, overlap};

    #[test]
    fn indexes_are_counted_or_explained() {
        assert_eq!(count("0,2-4", 5), Ok(4));
        assert_eq!(count("2-1", 5), Err("non-increasing order, previous: 2, current: 1".into()));
        assert_eq!(count("7", 5), Err("too large index: \"7\"".into()));
    }

    #[test]
    fn an_overlap_is_where_two_texts_meet_first() {
        assert_eq!(overlap("0,2-4", "1,3", 5), Some(3));
        assert_eq!(overlap("x,1", "y,1-2", 3), Some(1));
        assert_eq!(overlap("0", "1", 3), None);
    }
}
