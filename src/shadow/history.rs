//! The last changes, for watches that start in the past or lag behind, and the bells that wake them.
//!
//! Follows apiserver `pkg/storage/cacher/watch_cache.go`. However many watches show an event in one form, it is written once; and
//! what several of them are to be sent next is put together once.

use super::resource::Rendering;
use super::{protobuf, text};
use crate::object::{ObjectId, Text, Value, map_at};
use crate::schema::{Schema, Version};
use crate::simulate::Change;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// So many changes are kept for watches that start in the past.
const WINDOW: usize = 10_000;

/// The lines of so many changes are kept: who lags further behind has its own written.
const WRITTEN: usize = 512;

/// So many batches are kept for those who are to be sent the same.
const BATCHES: usize = 32;

/// So many forgotten changes wait to be dropped at most.
const RUBBISH: usize = 1_000;

/// Most lines have that much room.
const ROOM: usize = 4 << 10;

/// So many changes go out together at most.
pub(super) const TOGETHER: usize = 128;

/// One event as it goes out: written when it is first sent, by whoever sends it.
#[derive(Debug)]
pub(super) struct Line {
    event: &'static str,
    shown: Shown,
    /// The Kubernetes in whose protobuf it is sent; else it is JSON.
    protobuf: Option<Version>,
    text: OnceLock<Bytes>,
}

/// What an event shows.
#[derive(Debug)]
pub(super) enum Shown {
    /// An object as it is stored.
    Stored(Arc<Value>),
    /// An object that is gone, or that fits no longer: as it was, in the revision in which that happened.
    Last(Arc<Value>, u64),
    /// What was made of it.
    Made(Value),
}

impl Line {
    /// An event that is not written yet; in protobuf if a version says how.
    pub(super) fn new(event: &'static str, protobuf: Option<Version>, shown: Shown) -> Self {
        Self { event, shown, protobuf, text: OnceLock::new() }
    }

    /// Its text.
    pub(super) fn text(&self) -> &Bytes {
        self.text.get_or_init(|| match &self.shown {
            Shown::Stored(object) => self.written(object),
            Shown::Made(value) => self.written(value),
            Shown::Last(object, revision) => self.written(&last(object, *revision)),
        })
    }

    fn written(&self, object: &Value) -> Bytes {
        if let Some(version) = self.protobuf
            && let Some(frame) = protobuf::event(Schema::of(version), self.event, object)
        {
            return frame.into();
        }
        let mut line = Vec::with_capacity(ROOM);
        line.extend_from_slice(format!("{{\"type\":\"{}\",\"object\":", self.event).as_bytes());
        text::write(object, &mut line);
        line.extend_from_slice(b"}\n");
        line.shrink_to_fit();
        line.into()
    }
}

/// An object as it was when it went.
pub(super) fn last(object: &Value, revision: u64) -> Value {
    let mut last = object.clone();
    map_at(&mut last, &["metadata"]).insert("resourceVersion".into(), revision.to_string().into());
    last
}

/// Some events in a row, as one piece of an answer.
#[derive(Debug)]
pub(super) struct Batch {
    lines: Vec<Arc<Line>>,
    text: OnceLock<Bytes>,
}

impl Batch {
    /// Of lines.
    pub(super) fn new(lines: Vec<Arc<Line>>) -> Self {
        Self { lines, text: OnceLock::new() }
    }

    /// Whether there is nothing to send.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Its text. To be asked for without the lock: whoever is first writes it for all.
    pub(super) fn text(&self) -> Bytes {
        let join = || {
            let mut text = Vec::with_capacity(self.lines.iter().map(|line| line.text().len()).sum());
            self.lines.iter().for_each(|line| text.extend_from_slice(line.text()));
            text.into()
        };
        match &self.lines[..] {
            [one] => one.text().clone(),
            _ => self.text.get_or_init(join).clone(),
        }
    }
}

/// One change, and what watches were sent of it.
#[derive(Debug)]
pub(super) struct Event {
    /// The change.
    pub(super) change: Change,
    lines: Vec<(Arc<Rendering>, Arc<Line>)>,
}

impl Event {
    /// The line that shows the change as an event of a type in a form; made by `show` if nobody has asked for it yet.
    pub(super) fn line(&mut self, event: &'static str, rendering: &Arc<Rendering>, show: impl FnOnce() -> Shown) -> Arc<Line> {
        let same = |form: &Arc<Rendering>| Arc::ptr_eq(form, rendering) || form == rendering;
        if let Some((_, line)) = self.lines.iter().find(|(form, line)| line.event == event && same(form)) {
            return Arc::clone(line);
        }
        let line = Arc::new(Line::new(event, rendering.protobuf(), show()));
        self.lines.push((Arc::clone(rendering), Arc::clone(&line)));
        line
    }
}

/// What several watches are to be sent: which of them, and the numbers of the first and the last change.
type Portion = (Arc<str>, u64, u64);

/// The last changes, oldest first. Each has a number, one more than that before it.
#[derive(Debug)]
pub(super) struct History {
    events: VecDeque<Event>,
    /// The number of the oldest change that is kept.
    first: u64,
    /// The revision before the oldest change that is kept.
    start: u64,
    /// Which life of the cluster this is: it begins anew with a reset.
    pub(super) life: u64,
    batches: VecDeque<(Portion, Arc<Batch>)>,
    /// What was forgotten last: much of it is held by nobody else.
    rubbish: Vec<Event>,
}

impl History {
    /// Nothing has changed since a revision.
    pub(super) fn starting_at(revision: u64, life: u64) -> Self {
        Self { events: VecDeque::new(), first: 0, start: revision, life, batches: VecDeque::new(), rubbish: Vec::new() }
    }

    /// The oldest revision from which a watch can start.
    pub(super) fn oldest(&self) -> u64 {
        self.start
    }

    /// The number that the next change will have.
    pub(super) fn next(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    /// Notes a change and forgets the oldest.
    pub(super) fn push(&mut self, change: Change) {
        if self.events.len() == WINDOW
            && let Some(oldest) = self.events.pop_front()
        {
            self.first += 1;
            self.start = oldest.change.revision;
            if self.rubbish.len() < RUBBISH {
                self.rubbish.push(oldest);
            }
        }
        let old = self.events.len().checked_sub(WRITTEN).and_then(|old| self.events.get_mut(old));
        old.into_iter().for_each(|event| event.lines = Vec::new());
        self.events.push_back(Event { change, lines: Vec::new() });
    }

    /// Gives what was forgotten, for somebody to drop who keeps nobody waiting.
    pub(super) fn rubbish(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.rubbish)
    }

    /// The number of the first change after a revision; none if not all of them are there any more.
    pub(super) fn after(&self, revision: u64) -> Option<u64> {
        let from = || self.first + self.events.partition_point(|e| e.change.revision <= revision) as u64;
        (revision >= self.start).then(from)
    }

    /// Whether the change of a number, if there was one, is still there.
    pub(super) fn keeps(&self, number: u64) -> bool {
        number >= self.first
    }

    /// The change of a number.
    pub(super) fn event(&mut self, number: u64) -> Option<&mut Event> {
        self.events.get_mut(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// What those of one kind of watch are sent of these changes, put together by `make` for the first of them.
    pub(super) fn batch(&mut self, portion: Portion, make: impl FnOnce(&mut Self) -> Batch) -> Arc<Batch> {
        let same = |known: &Portion| (known.2, known.1) == (portion.2, portion.1) && known.0 == portion.0;
        if let Some((_, batch)) = self.batches.iter().rev().find(|(known, _)| same(known)) {
            return Arc::clone(batch);
        }
        let batch = Arc::new(make(self));
        if self.batches.len() == BATCHES {
            self.batches.pop_front();
        }
        self.batches.push_back((portion, Arc::clone(&batch)));
        batch
    }
}

/// What is watched of a kind: a namespace or a name, if no others are shown.
type Place = (Text, Text);

/// One bell for those who watch the same place.
#[derive(Debug)]
struct Bell {
    rope: watch::Sender<()>,
    /// The numbers of the changes for which it rang.
    rang: VecDeque<u64>,
    /// The number of the first change for which it could have rung.
    since: u64,
    /// In which round it was last due.
    due: u64,
}

/// One bell for each place that is watched, by group and kind.
#[derive(Debug, Default)]
pub(super) struct Bells {
    bells: BTreeMap<(Text, Text), BTreeMap<Place, Bell>>,
    count: usize,
    /// How many there were when those that nobody hears were last taken down.
    heard: usize,
    /// How often they were rung.
    round: u64,
    /// The ropes of those that are due.
    due: Vec<watch::Sender<()>>,
}

impl Bells {
    /// The bell for objects of a kind; of one namespace, and of one name, if these are not empty. `next`: the number of the next change.
    pub(super) fn of(&mut self, (group, kind): (&str, &str), (namespace, name): (&str, &str), next: u64) -> watch::Receiver<()> {
        if self.count > 2 * self.heard + 64 {
            self.bells.values_mut().for_each(|of_kind| of_kind.retain(|_, bell| bell.rope.receiver_count() > 0));
            self.bells.retain(|_, of_kind| !of_kind.is_empty());
            self.count = self.bells.values().map(BTreeMap::len).sum();
            self.heard = self.count;
        }
        let of_kind = self.bells.entry((group.into(), kind.into())).or_default();
        let before = of_kind.len();
        let hung = || Bell { rope: watch::channel(()).0, rang: VecDeque::new(), since: next, due: u64::MAX };
        let bell = of_kind.entry((namespace.into(), name.into())).or_insert_with(hung).rope.subscribe();
        self.count += of_kind.len() - before;
        bell
    }

    /// An object has changed: the bells that hang for it are to be rung.
    pub(super) fn note(&mut self, id: &ObjectId, number: u64) {
        let Some(of_kind) = self.bells.get_mut(&(id.group.clone(), id.kind.clone())) else { return };
        let (any, namespace, name) = (Text::default, || id.namespace.clone(), || id.name.clone());
        let mut mark = |place: &Place| {
            let Some(bell) = of_kind.get_mut(place) else { return };
            if bell.rang.len() == WINDOW {
                bell.since = bell.rang.pop_front().map_or(bell.since, |forgotten| forgotten + 1);
            }
            bell.rang.push_back(number);
            if std::mem::replace(&mut bell.due, self.round) != self.round {
                self.due.push(bell.rope.clone());
            }
        };
        mark(&(any(), any()));
        mark(&(any(), name()));
        if !id.namespace.is_empty() {
            mark(&(namespace(), any()));
            mark(&(namespace(), name()));
        }
    }

    /// The ropes of those that are due, for each to be pulled once: whoever is woken finds nothing locked.
    pub(super) fn due(&mut self) -> Vec<watch::Sender<()>> {
        self.round += 1;
        std::mem::take(&mut self.due)
    }

    /// Everything is new: what happened before is forgotten, and all are rung.
    pub(super) fn reset(&mut self) {
        for bell in self.bells.values_mut().flat_map(BTreeMap::values_mut) {
            bell.rang.clear();
            bell.since = 0;
            bell.rope.send_replace(());
        }
    }

    /// The changes at a place from a number on, so many at most; none if the bell does not hang for that long.
    pub(super) fn rang(&self, (group, kind): (&str, &str), place: (&str, &str), from: u64, most: usize) -> Option<Vec<u64>> {
        let of_kind = self.bells.get(&(group.into(), kind.into()))?;
        let bell = of_kind.get(&(place.0.into(), place.1.into())).filter(|bell| bell.since <= from)?;
        let start = bell.rang.partition_point(|number| *number < from);
        Some(bell.rang.range(start..).take(most).copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Batch, Bells, History, Line, Shown};
    use crate::object::{ObjectId, json};
    use crate::simulate::Change;
    use std::sync::Arc;
    use tokio::sync::watch::Receiver;

    fn of(bells: &mut Bells, namespace: &str, name: &str) -> Receiver<()> {
        bells.of(("", "Pod"), (namespace, name), 0)
    }

    fn pod(namespace: &str, name: &str) -> ObjectId {
        ObjectId { kind: "Pod".into(), namespace: namespace.into(), name: name.into(), ..ObjectId::default() }
    }

    #[test]
    fn a_bell_rings_for_what_is_watched_and_is_taken_down_when_nobody_hears_it() {
        let mut bells = Bells::default();
        let (all, here, one, there) =
            (of(&mut bells, "", ""), of(&mut bells, "ns", ""), of(&mut bells, "ns", "a"), of(&mut bells, "other", ""));
        bells.note(&pod("ns", "a"), 7);
        bells.note(&pod("ns", "b"), 8);
        bells.due().iter().for_each(|rope| rope.send_replace(()));
        let rang = [&all, &here, &one, &there].map(|bell| bell.has_changed().unwrap());
        assert_eq!(rang, [true, true, true, false]);
        assert_eq!(bells.rang(("", "Pod"), ("ns", ""), 0, 9), Some(vec![7, 8]));
        assert_eq!(bells.rang(("", "Pod"), ("ns", ""), 0, 1), Some(vec![7]));
        assert_eq!(bells.rang(("", "Pod"), ("ns", "a"), 8, 9), Some(Vec::new()));
        drop(bells.of(("", "Pod"), ("late", ""), 9));
        assert_eq!(bells.rang(("", "Pod"), ("late", ""), 3, 9), None);
        for number in 0..1_000 {
            drop(of(&mut bells, "ns", &number.to_string()));
        }
        assert!(bells.count < 200, "{}", bells.count);
    }

    #[test]
    fn what_several_are_sent_is_put_together_once() {
        let mut history = History::starting_at(5, 0);
        let object = Arc::new(json!({"a": 1}));
        history.push(Change { revision: 6, id: Arc::new(pod("ns", "a")), before: None, after: Some(Arc::clone(&object)) });
        assert_eq!((history.after(4), history.after(5), history.after(6)), (None, Some(0), Some(1)));
        let make = |_: &mut History| Batch::new(vec![Arc::new(Line::new("ADDED", None, Shown::Stored(Arc::clone(&object))))]);
        let first = history.batch(("pods".into(), 0, 0), make);
        let second = history.batch(("pods".into(), 0, 0), |_| panic!("it is there"));
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(first.text(), "{\"type\":\"ADDED\",\"object\":{\"a\":1}}\n");
    }

    #[test]
    fn what_is_gone_is_shown_in_the_revision_in_which_it_went() {
        let gone = Line::new("DELETED", None, Shown::Last(Arc::new(json!({"metadata": {"resourceVersion": "3"}})), 9));
        assert_eq!(gone.text(), "{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"}}}\n");
    }
}
