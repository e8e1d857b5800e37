//! The last changes, for watches that start in the past or lag behind, and the bells that wake them.
//!
//! Follows apiserver `pkg/storage/cacher/watch_cache.go`. However many watches show an event in one form, it is written once.

use super::resource::Rendering;
use crate::object::ObjectId;
use crate::simulate::Change;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use tokio::sync::watch;

/// So many changes are kept for watches that start in the past.
const WINDOW: usize = 10_000;

/// The lines of so many changes are kept: who lags further behind has its own written.
const WRITTEN: usize = 512;

/// One change, and what watches were sent of it.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) change: Change,
    lines: Vec<(&'static str, Rendering, Bytes)>,
}

impl Event {
    /// The line that shows the change as an event of a type in a form; written by `write` if nobody has asked for it yet.
    pub(super) fn line(&mut self, event: &'static str, rendering: &Rendering, write: impl FnOnce() -> Bytes) -> Bytes {
        if let Some((.., line)) = self.lines.iter().find(|(known, form, _)| *known == event && form == rendering) {
            return line.clone();
        }
        let line = write();
        self.lines.push((event, rendering.clone(), line.clone()));
        line
    }
}

/// The last changes, oldest first.
#[derive(Debug)]
pub(super) struct History {
    events: VecDeque<Event>,
    /// The revision before the oldest change that is kept.
    start: u64,
    /// Which life of the cluster this is: it begins anew with a reset.
    pub(super) life: u64,
}

impl History {
    /// Nothing has changed since a revision.
    pub(super) fn starting_at(revision: u64, life: u64) -> Self {
        Self { events: VecDeque::new(), start: revision, life }
    }

    /// The oldest revision from which a watch can start.
    pub(super) fn oldest(&self) -> u64 {
        self.start
    }

    /// Notes a change and forgets the oldest.
    pub(super) fn push(&mut self, change: Change) {
        if self.events.len() == WINDOW
            && let Some(oldest) = self.events.pop_front()
        {
            self.start = oldest.change.revision;
        }
        let old = self.events.len().checked_sub(WRITTEN).and_then(|old| self.events.get_mut(old));
        old.into_iter().for_each(|event| event.lines = Vec::new());
        self.events.push_back(Event { change, lines: Vec::new() });
    }

    /// The changes after a revision; none if they are not all there any more.
    pub(super) fn since(&mut self, revision: u64) -> Option<impl Iterator<Item = &mut Event>> {
        if revision < self.start {
            return None;
        }
        let from = self.events.partition_point(|e| e.change.revision <= revision);
        Some(self.events.range_mut(from..))
    }
}

/// What wakes a watch: a kind, and a namespace or a name if it shows no others.
type Place = (String, String, String, String);

/// One bell for each place that is watched.
#[derive(Debug, Default)]
pub(super) struct Bells {
    bells: BTreeMap<Place, watch::Sender<()>>,
    /// How many there were when those that nobody hears were last taken down.
    heard: usize,
}

impl Bells {
    /// The bell for objects of a kind; of one namespace, and of one name, if these are not empty.
    pub(super) fn of(&mut self, (group, kind): (String, String), namespace: &str, name: &str) -> watch::Receiver<()> {
        if self.bells.len() > 2 * self.heard + 64 {
            self.bells.retain(|_, bell| bell.receiver_count() > 0);
            self.heard = self.bells.len();
        }
        self.bells.entry((group, kind, namespace.into(), name.into())).or_insert_with(|| watch::channel(()).0).subscribe()
    }

    /// An object has changed.
    pub(super) fn ring(&self, id: &ObjectId) {
        if self.bells.is_empty() {
            return;
        }
        let (namespace, name) = (id.namespace.as_str(), id.name.as_str());
        let mut place = (id.group.to_string(), id.kind.to_string(), String::new(), String::new());
        let places = [("", ""), ("", name), (namespace, ""), (namespace, name)];
        for (namespace, name) in &places[..if namespace.is_empty() { 2 } else { 4 }] {
            (place.2, place.3) = ((*namespace).to_owned(), (*name).to_owned());
            if let Some(bell) = self.bells.get(&place) {
                bell.send_replace(());
            }
        }
    }

    /// Everything has changed.
    pub(super) fn ring_all(&self) {
        for bell in self.bells.values() {
            bell.send_replace(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bells;
    use crate::object::ObjectId;
    use tokio::sync::watch::Receiver;

    fn of(bells: &mut Bells, namespace: &str, name: &str) -> Receiver<()> {
        bells.of((String::new(), "Pod".into()), namespace, name)
    }

    #[test]
    fn a_bell_rings_for_what_is_watched_and_is_taken_down_when_nobody_hears_it() {
        let mut bells = Bells::default();
        let (all, here, one, there) =
            (of(&mut bells, "", ""), of(&mut bells, "ns", ""), of(&mut bells, "ns", "a"), of(&mut bells, "other", ""));
        bells.ring(&ObjectId { kind: "Pod".into(), namespace: "ns".into(), name: "a".into(), ..ObjectId::default() });
        let rang = [&all, &here, &one, &there].map(|bell| bell.has_changed().unwrap());
        assert_eq!(rang, [true, true, true, false]);
        for number in 0..1_000 {
            drop(of(&mut bells, "ns", &number.to_string()));
        }
        assert!(bells.bells.len() < 200, "{}", bells.bells.len());
    }
}
