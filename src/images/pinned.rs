//! Whether an image reference names one build for ever, or something that moves.
//!
//! A tag names one build when it holds, as a whole or as one of its parts between `-`, `_` and `.`:
//! * a commit: 7 to 40, or 64, hexadecimal digits (`4f6e2c1`, `main-4f6e2c1`, `sha-4f6e2c1`);
//! * a full version: three numbers (`1.4.2`, `v1.4.2-rc.1`, `1.4.2-alpine`);
//! * a date, of a day or finer (`2026-11-21`, `20261121`, `20261121.3`);
//! * a number of a build, said to be one (`build-417`, `b417`, `ci-417`).
//!
//! A fleet may say more under `[images.tags]`: patterns for tags that move, which win, and for tags that do not.
//!
//! A digest always does. No tag, `latest`, `main`, `v1`, `1.4`, `1.25-alpine` and any other word do not: they are given to the
//! next build too.

use super::reference::Reference;
use crate::fleet::images::TagRules;
use std::fmt;

/// Why an image can change under its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutable {
    /// No tag at all: `latest` is meant.
    NoTag,
    /// A tag that is moved to the next build.
    Moving,
    /// A version that stands for all versions below it: `v1`, `1.4`.
    PartialVersion,
    /// A tag that `[images.tags]` names.
    Rule,
}

impl fmt::Display for Mutable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTag => "without a tag it is whatever `latest` is",
            Self::Moving => "the tag is given to the next build too",
            Self::PartialVersion => "the tag stands for the newest version that starts with it",
            Self::Rule => "`[images.tags] mutable` names the tag",
        })
    }
}

/// Why the image can change under its name, by the rules that are built in; none if it is pinned.
pub fn mutable(reference: &Reference<'_>) -> Option<Mutable> {
    mutable_by(reference, &TagRules::default())
}

/// Why the image can change under its name, by a fleet's rules and those that are built in; none if it is pinned.
pub fn mutable_by(reference: &Reference<'_>, rules: &TagRules) -> Option<Mutable> {
    if reference.digest.is_some() {
        return None;
    }
    let Some(tag) = reference.tag else { return Some(Mutable::NoTag) };
    if rules.mutable.iter().any(|rule| rule.is_match(tag)) {
        return Some(Mutable::Rule);
    }
    if rules.immutable.iter().any(|rule| rule.is_match(tag)) {
        return None;
    }
    let names_a_build = is_version(tag) || is_date(tag) || is_build(tag) || tag.split(['-', '_', '.']).any(|p| is_commit(p) || is_day(p));
    if names_a_build {
        return None;
    }
    let version_like = tag.trim_start_matches('v').split(['.', '-']).next().is_some_and(is_number);
    Some(if version_like { Mutable::PartialVersion } else { Mutable::Moving })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_commit(text: &str) -> bool {
    (matches!(text.len(), 7..=40 | 64)) && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
}

/// Three numbers, and whatever follows.
pub(super) fn is_version(tag: &str) -> bool {
    let mut parts = tag.strip_prefix('v').unwrap_or(tag).splitn(3, '.');
    let (major, minor, rest) = (parts.next(), parts.next(), parts.next());
    let patch = rest.and_then(|r| r.split(['-', '.', '_', '+']).next());
    [major, minor, patch].iter().all(|p| p.is_some_and(is_number))
}

/// `2026-11-21` at the start or the end.
pub(super) fn is_date(tag: &str) -> bool {
    let parts: Vec<&str> = tag.split(['-', '_', '.', 'T']).collect();
    parts.windows(3).any(|w| {
        let sizes = (w[0].len(), w[1].len(), w[2].len());
        w.iter().all(|p| is_number(p)) && sizes == (4, 2, 2) && in_range(w[0], 1990, 2200) && in_range(w[1], 1, 12) && in_range(w[2], 1, 31)
    })
}

/// `20261121`, or longer with the time of day.
pub(super) fn is_day(text: &str) -> bool {
    text.len() >= 8 && is_number(text) && in_range(&text[..4], 1990, 2200) && in_range(&text[4..6], 1, 12) && in_range(&text[6..8], 1, 31)
}

fn in_range(text: &str, low: u32, high: u32) -> bool {
    text.parse().is_ok_and(|n: u32| (low..=high).contains(&n))
}

/// A number said to be a build's.
pub(super) fn is_build(tag: &str) -> bool {
    let number = tag.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    let before = tag[..tag.len() - number.len()].trim_end_matches(['-', '_', '.']);
    !number.is_empty() && matches!(before.rsplit(['-', '_', '.']).next().unwrap_or_default(), "b" | "build" | "ci" | "run")
}

#[cfg(test)]
mod tests {
    use super::{Mutable, mutable, mutable_by};
    use crate::fleet::images::TagRules;
    use crate::images::parse;
    use regex::Regex;

    #[test]
    fn tags_that_name_one_build() {
        for tag in [
            "4f6e2c1",
            "main-4f6e2c1",
            "sha-0123456",
            "1.4.2",
            "v1.4.2-rc.1",
            "1.4.2-alpine",
            "2026-11-21",
            "20261121",
            "20261121.3",
            "nightly-20261121",
            "build-417",
            "b417",
            "main-ci-9",
        ] {
            let image = format!("gcr.io/a/b:{tag}");
            assert_eq!(mutable(&parse(&image).unwrap()), None, "{tag}");
        }
        let digest = format!("a:latest@sha256:{}", "0".repeat(64));
        assert_eq!(mutable(&parse(&digest).unwrap()), None);
    }

    #[test]
    fn tags_that_move() {
        for (image, why) in [
            ("a", Mutable::NoTag),
            ("a:latest", Mutable::Moving),
            ("a:main", Mutable::Moving),
            ("a:feature-login", Mutable::Moving),
            ("a:v1", Mutable::PartialVersion),
            ("a:1.4", Mutable::PartialVersion),
            ("a:1.25-alpine", Mutable::PartialVersion),
        ] {
            assert_eq!(mutable(&parse(image).unwrap()), Some(why), "{image}");
        }
    }

    #[test]
    fn a_fleet_has_rules_of_its_own() {
        let rule = |pattern: &str| vec![Regex::new(pattern).unwrap()];
        let rules = TagRules { mutable: rule("^(?:.*-snapshot)$"), immutable: rule("^(?:release-.*)$") };
        let judge = |image: &str| mutable_by(&parse(image).unwrap(), &rules);
        assert_eq!(judge("a:1.2.3-snapshot"), Some(Mutable::Rule));
        assert_eq!(judge("a:release-snapshot"), Some(Mutable::Rule), "what moves wins");
        assert_eq!((judge("a:release-falcon"), judge("a:1.2.3")), (None, None));
        assert_eq!((judge("a:main"), judge("a")), (Some(Mutable::Moving), Some(Mutable::NoTag)));
    }
}
