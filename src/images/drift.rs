//! How far behind the platform an image is: by how many releases, and since when.
//!
//! Releases are counted by what the platform ran: the images of its reference Deployment's ReplicaSets, in the order of their
//! revisions. An image that stands nowhere in it is placed by its tag, where that is a version, a date or a build's number.

use super::pinned::{is_build, is_date, is_day, is_version};
use super::reference::parse;
use super::stale::same;
use crate::object::{Value, items, text};
use std::cmp::Ordering;

/// A release of the platform: its image, and when the platform first ran it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The image.
    pub image: String,
    /// RFC 3339; empty if it is only known from tags.
    pub since: String,
}

/// How far behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Behind {
    /// By how many releases; none if the two images cannot be ordered. Negative if it is ahead.
    pub releases: Option<i64>,
    /// Whether every release between is known.
    pub exact: bool,
    /// Since when there has been a newer one; none if that is not known.
    pub since: Option<String>,
}

/// What the platform ran, oldest first, each image once: where it last stood. `sets` are the objects of the cluster.
pub fn history<'o>(sets: impl Iterator<Item = &'o Value>, namespace: &str, deployment: &str, container: &str) -> Vec<Release> {
    let revision =
        |set: &Value| set["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str().and_then(|r| r.parse::<u64>().ok());
    let owned = |set: &Value| {
        items(set, &["metadata", "ownerReferences"]).iter().any(|o| text(o, &["kind"]) == "Deployment" && text(o, &["name"]) == deployment)
    };
    let mut revisions: Vec<(u64, Release)> = sets
        .filter(|set| text(set, &["kind"]) == "ReplicaSet" && text(set, &["metadata", "namespace"]) == namespace && owned(set))
        .filter_map(|set| {
            let containers = items(set, &["spec", "template", "spec", "containers"]);
            let image = containers.iter().find(|c| text(c, &["name"]) == container).map(|c| text(c, &["image"]))?;
            let since = text(set, &["metadata", "creationTimestamp"]).to_owned();
            Some((revision(set)?, Release { image: image.to_owned(), since }))
        })
        .collect();
    revisions.sort_by_key(|(revision, _)| *revision);
    let mut out: Vec<Release> = Vec::new();
    for (_, release) in revisions {
        out.retain(|earlier| !same(&earlier.image, &release.image));
        out.push(release);
    }
    out
}

/// How far an image is behind the platform's. `known` are further tags of the repository, of which some may be releases between.
pub fn behind(image: &str, platform: &str, history: &[Release], known: &[String], all_known: bool) -> Behind {
    let place = |wanted: &str| history.iter().position(|release| same(&release.image, wanted));
    if let (Some(own), Some(now)) = (place(image), place(platform))
        && own <= now
    {
        let since = history.get(own + 1).map(|next| next.since.clone()).filter(|s| !s.is_empty());
        return Behind { releases: Some((now - own) as i64), exact: true, since };
    }
    let (Ok(own), Ok(now)) = (parse(image), parse(platform)) else { return Behind::default() };
    if (own.host(), own.path()) != (now.host(), now.path()) {
        return Behind::default();
    }
    let (Some(own), Some(now)) = (own.tag.and_then(rank), now.tag.and_then(rank)) else { return Behind::default() };
    let Some(order) = own.compare(&now) else { return Behind::default() };
    let (low, high) = if order == Ordering::Less { (&own, &now) } else { (&now, &own) };
    let mut between: Vec<(Rank, String)> = known
        .iter()
        .filter_map(|tag| Some((rank(tag)?, tag.clone())))
        .filter(|(rank, _)| low.compare(rank) == Some(Ordering::Less) && rank.compare(high) == Some(Ordering::Less))
        .collect();
    between.sort_by(|a, b| a.0.numbers.cmp(&b.0.numbers));
    between.dedup_by(|a, b| a.0 == b.0);
    let count = between.len() as i64 + 1;
    let newer = |release: &&Release| {
        let tag = parse(&release.image).ok().and_then(|r| r.tag);
        tag.and_then(rank).is_some_and(|r| own.compare(&r) == Some(Ordering::Less))
    };
    let oldest = history.iter().find(newer).map(|r| r.since.clone()).filter(|s| !s.is_empty());
    match order {
        Ordering::Less => Behind { releases: Some(count), exact: all_known, since: oldest },
        Ordering::Equal => Behind { releases: Some(0), exact: true, since: None },
        Ordering::Greater => Behind { releases: Some(-count), exact: all_known, since: None },
    }
}

/// A tag that can be ordered among others of its scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rank {
    /// What the tag is apart from its numbers: `version`, `date`, `build-#`.
    scheme: String,
    /// The numbers, the weightiest first.
    numbers: Vec<u64>,
}

impl Rank {
    /// Their order; none if they are of two schemes.
    fn compare(&self, other: &Self) -> Option<Ordering> {
        (self.scheme == other.scheme).then(|| self.numbers.cmp(&other.numbers))
    }
}

/// Words of a version that say that it comes before the one it names, in their order.
const BEFORE: [&str; 5] = ["dev", "alpha", "beta", "pre", "rc"];

fn rank(tag: &str) -> Option<Rank> {
    let numbers = |text: &str| -> Vec<u64> { text.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect() };
    if is_version(tag) {
        return Some(version(tag.strip_prefix('v').unwrap_or(tag)));
    }
    if is_date(tag) {
        return Some(Rank { scheme: "date".into(), numbers: numbers(tag) });
    }
    if let Some(day) = tag.split(['-', '_', '.']).find(|part| is_day(part)) {
        let after = &tag[tag.find(day).unwrap_or(0)..];
        let counted = after.split(['-', '_', '.']).take_while(|part| part.bytes().all(|b| b.is_ascii_digit()));
        return Some(Rank { scheme: "day".into(), numbers: counted.filter_map(|n| n.parse().ok()).collect() });
    }
    is_build(tag).then(|| {
        let scheme: String = tag.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        Rank { numbers: numbers(&tag[scheme.len()..]), scheme }
    })
}

/// `1.4.2`, `1.4.2-rc.1`, `1.4.2-alpine`: a suffix that is no step before the version is another line of builds.
fn version(tag: &str) -> Rank {
    let end = tag.find(['-', '_', '+']).unwrap_or(tag.len());
    let (numbers, suffix) = (&tag[..end], tag[end..].trim_start_matches(['-', '_', '+']));
    let mut numbers: Vec<u64> = numbers.split('.').map(|n| n.parse().unwrap_or(0)).collect();
    let word: String = suffix.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    let stage = BEFORE.iter().position(|b| *b == word);
    numbers.resize(numbers.len().max(4), 0);
    match stage {
        Some(stage) => {
            numbers.push(stage as u64);
            numbers.extend(suffix.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse::<u64>().ok()));
            Rank { scheme: "version".into(), numbers }
        }
        None => {
            numbers.push(BEFORE.len() as u64);
            Rank { scheme: format!("version{}{suffix}", if suffix.is_empty() { "" } else { "-" }), numbers }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Behind, Release, behind, history};
    use crate::object::{Value, json};

    fn known(tags: &[&str]) -> Vec<String> {
        tags.iter().map(|t| (*t).to_owned()).collect()
    }

    #[test]
    fn by_what_the_platform_ran() {
        let set = |revision: &str, image: &str, day: u32| -> Value {
            json!({
                "kind": "ReplicaSet",
                "metadata": {
                    "namespace": "agents", "name": revision, "creationTimestamp": format!("2026-11-{day:02}T00:00:00Z"),
                    "annotations": {"deployment.kubernetes.io/revision": revision},
                    "ownerReferences": [{"kind": "Deployment", "name": "agent-ceo"}],
                },
                "spec": {"template": {"spec": {"containers": [{"name": "agent", "image": image}]}}},
            })
        };
        let sets = [set("10", "p:4f6e2c1", 9), set("2", "p:aaaaaa1", 2), set("9", "p:aaaaaa3", 8), set("3", "p:aaaaaa2", 3)];
        let ran = history(sets.iter(), "agents", "agent-ceo", "agent");
        assert_eq!(ran.iter().map(|r| r.image.as_str()).collect::<Vec<_>>(), ["p:aaaaaa1", "p:aaaaaa2", "p:aaaaaa3", "p:4f6e2c1"]);
        let three = behind("p:aaaaaa1", "p:4f6e2c1", &ran, &[], false);
        assert_eq!(three, Behind { releases: Some(3), exact: true, since: Some("2026-11-03T00:00:00Z".into()) });
        assert_eq!(behind("p:bbbbbb1", "p:4f6e2c1", &ran, &[], false), Behind::default(), "a commit that the platform never ran");
    }

    #[test]
    fn by_tags_that_can_be_ordered() {
        let count = |old: &str, new: &str, tags: &[&str]| {
            behind(&format!("r.io/p:{old}"), &format!("r.io/p:{new}"), &[], &known(tags), true).releases
        };
        assert_eq!(count("1.9.0", "1.10.1", &["1.10.0", "1.9.0", "1.8.0", "latest", "v1.10.0"]), Some(2), "once, with or without v");
        assert_eq!(count("1.4.2-rc.2", "1.4.2", &["1.4.2-rc.10"]), Some(2));
        assert_eq!(count("1.4.2-alpine", "1.5.0-alpine", &["1.4.3", "1.4.4-alpine"]), Some(2));
        assert_eq!(count("1.4.2-alpine", "1.5.0", &[]), None);
        assert_eq!(count("2026-11-02", "2026-11-21.2", &["2026-11-21.1", "2026-11-05"]), Some(3));
        assert_eq!(count("20261102-4f6e2c1", "20261103-aaaaaa1", &[]), Some(1));
        assert_eq!(count("build-99", "build-101", &["build-100"]), Some(2));
        assert_eq!(count("build-99", "ci-101", &[]), None);
        assert_eq!(count("1.5.0", "1.4.0", &[]), Some(-1), "ahead");
        assert_eq!(count("4f6e2c1", "aaaaaa1", &[]), None);
        assert_eq!(behind("q:1.0.0", "p:1.1.0", &[], &[], true).releases, None, "another repository");
    }

    #[test]
    fn since_the_first_newer_release_that_the_platform_ran() {
        let ran = [("p:1.1.0", "t1"), ("p:1.3.0", "t3")].map(|(image, since)| Release { image: image.into(), since: since.into() });
        assert_eq!(
            behind("p:1.0.0", "p:1.3.0", &ran, &known(&["1.1.0"]), false),
            Behind { releases: Some(2), exact: false, since: Some("t1".into()) }
        );
    }
}
