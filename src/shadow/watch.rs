//! Watches: the changes of a kind, one JSON document a line, from a revision on.
//!
//! Follows apiserver `pkg/storage/cacher/{cacher,cache_watcher,watch_cache}.go` and `pkg/endpoints/handlers/watch.go`.

use super::answer::status;
use super::body::{Made, Next, Payload};
use super::history::{Batch, Event, Line, Shown, TOGETHER, last};
use super::list::Selection;
use super::resource::Rendering;
use super::state::{Shadow, Watcher};
use super::view::Told;
use crate::object::{Value, json};
use crate::simulate::{ApiError, Cluster, Reason};
use bytes::Bytes;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// How often a watch that asked for bookmarks gets one.
const BOOKMARK: Duration = Duration::from_secs(60);

/// How long a watch is open if nobody says; the server draws from 30 to 60 minutes.
const OPEN: Duration = Duration::from_secs(1_800);

/// Of what is there at the beginning, so much is written at once.
const PIECE: usize = 256 << 10;

/// 410: what was asked for is no longer known.
pub(super) fn too_old(asked: u64, oldest: u64) -> ApiError {
    ApiError::new(410, Reason::Expired, format!("too old resource version: {asked} ({oldest})"))
}

/// What a client wants to see.
#[derive(Debug)]
pub(super) struct Watch {
    /// Which objects.
    pub(super) selection: Selection,
    /// As what they are sent.
    pub(super) rendering: Arc<Rendering>,
    /// After which revision; none for what is there now, as if it were added, and everything after.
    pub(super) from: Option<u64>,
    /// Whether bookmarks are wanted.
    pub(super) bookmarks: bool,
    /// Whether the end of what is there now is marked by a bookmark.
    pub(super) initial_events: bool,
    /// When it ends.
    pub(super) timeout: Option<Duration>,
}

impl Watch {
    /// The same for watches that are sent the same.
    fn feed(&self) -> Arc<str> {
        format!("{}{}", self.selection.feed(), self.rendering.feed()).into()
    }
}

/// Starts a watch; the events go out as they come.
///
/// # Errors
/// 410 if it starts before what is remembered.
pub(super) fn start(shadow: &Arc<Shadow>, watch: Watch) -> Result<Payload, ApiError> {
    // Nothing is shown to anybody while the cluster is held: what is there now and what is told from now on fit together.
    let cluster = shadow.view.ask();
    let mut told = shadow.view.told();
    let (mut pieces, now) = (VecDeque::new(), cluster.store.revision());
    let (seen, next) = match watch.from {
        Some(revision) => {
            let first = told.history.after(revision);
            (revision, first.ok_or_else(|| too_old(revision, told.history.oldest()))?)
        }
        None => {
            for object in watch.selection.objects(&cluster.store) {
                let shown = match watch.rendering.plain(&object) {
                    true => Shown::Stored(object),
                    false => Shown::Made(watch.rendering.object(&cluster, &object, pieces.is_empty())),
                };
                pieces.push_back(Line::new("ADDED", watch.rendering.protobuf(), shown));
            }
            if watch.initial_events {
                pieces.push_back(bookmark(&watch, now, true));
            }
            (now, told.history.next())
        }
    };
    let (kind, hung) = (watch.selection.stored(), told.history.next());
    let bell = told.bells.of((&kind.0, &kind.1), (&watch.selection.namespace, watch.selection.only_name()), hung);
    let life = told.history.life;
    drop(told);
    drop(cluster);
    let began = Instant::now();
    let (end, next_bookmark) = (began + watch.timeout.unwrap_or(OPEN), began + BOOKMARK);
    let first = if watch.bookmarks { end.min(next_bookmark) } else { end };
    let watching = Watching {
        feed: watch.feed(),
        watch,
        kind,
        seen,
        next,
        life,
        pieces,
        bell,
        behind: true,
        ended: false,
        end,
        alarm: Box::pin(sleep_until(first)),
        shadow: Watcher::of(Arc::clone(shadow)),
    };
    Ok(Payload::made(following(Box::new(watching))))
}

/// What goes out next, and what makes the piece after it.
fn following(mut watching: Box<Watching>) -> Next {
    Box::pin(async move {
        let piece = watching.next().await?;
        Some(Made { piece, rest: following(watching) })
    })
}

/// A watch that is open.
struct Watching {
    watch: Watch,
    /// The same for all that are sent the same.
    feed: Arc<str>,
    /// Under which group and kind the objects are stored.
    kind: (String, String),
    /// The revision up to which everything was sent.
    seen: u64,
    /// The number of the first change that was not looked at.
    next: u64,
    life: u64,
    /// What goes out before any change.
    pieces: VecDeque<Line>,
    bell: tokio::sync::watch::Receiver<()>,
    /// Whether there may be changes that were not looked at.
    behind: bool,
    /// Whether nothing comes after the pieces.
    ended: bool,
    end: Instant,
    /// The end, or the next bookmark before it.
    alarm: Pin<Box<Sleep>>,
    shadow: Watcher,
}

impl Watching {
    /// Waits for what is to be sent next; none at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.piece() {
                return Some(bytes);
            }
            if self.ended {
                return None;
            }
            if self.behind {
                self.bell.borrow_and_update();
                if let Some(batch) = self.catch_up().filter(|batch| !batch.is_empty()) {
                    return Some(batch.text());
                }
                continue;
            }
            tokio::select! {
                rang = self.bell.changed() => {
                    rang.ok()?;
                    self.behind = true;
                }
                () = self.alarm.as_mut() => {
                    let now = Instant::now();
                    if now >= self.end {
                        return None;
                    }
                    self.alarm.as_mut().reset(self.end.min(now + BOOKMARK));
                    self.pieces.push_back(bookmark(&self.watch, self.seen, false));
                }
            }
        }
    }

    /// The pieces that wait, as many as go out together.
    fn piece(&mut self) -> Option<Bytes> {
        if self.pieces.len() < 2 {
            return self.pieces.pop_front().map(|line| line.text().clone());
        }
        let mut text = Vec::new();
        while text.len() < PIECE
            && let Some(line) = self.pieces.pop_front()
        {
            text.extend_from_slice(line.text());
        }
        Some(text.into())
    }

    /// Takes what happened since, as much as goes out together; none, and the end, if it is not known or not of this life.
    fn catch_up(&mut self) -> Option<Arc<Batch>> {
        let cluster = &*self.shadow.0.view.cluster();
        let mut told = self.shadow.0.view.told();
        if told.history.life != self.life {
            self.ended = true;
            return None;
        }
        let selection = &self.watch.selection;
        let concerning = concerning(&mut told, (&self.kind.0, &self.kind.1), selection, self.next);
        let history = &mut told.history;
        let Some(numbers) = concerning else {
            self.ended = true;
            self.pieces.push_back(Line::new(
                "ERROR",
                self.watch.rendering.protobuf(),
                Shown::Made(status(&too_old(self.seen, history.oldest()))),
            ));
            return None;
        };
        self.behind = numbers.len() == TOGETHER;
        (self.seen, self.next) = match numbers.last().copied().filter(|_| self.behind) {
            Some(last) => (history.event(last).map_or(self.seen, |e| e.change.revision), last + 1),
            None => (cluster.store.revision(), history.next()),
        };
        let (first, last) = (*numbers.first()?, *numbers.last()?);
        let rendering = &self.watch.rendering;
        Some(history.batch((Arc::clone(&self.feed), first, last), |history| {
            let mut lines = Vec::with_capacity(numbers.len());
            for number in numbers {
                lines.extend(history.event(number).and_then(|event| shown(selection, rendering, cluster, event)));
            }
            Batch::new(lines)
        }))
    }
}

/// The numbers of the changes that concern a selection of a kind, from one on, as many as go out together; none if one of them is
/// forgotten. However much happens elsewhere, who has seen all that concerns it is not behind.
fn concerning(told: &mut Told, kind: (&str, &str), selection: &Selection, from: u64) -> Option<Vec<u64>> {
    let Told { history, bells } = told;
    if let Some(numbers) = bells.rang(kind, (&selection.namespace, selection.only_name()), from, TOGETHER) {
        return numbers.first().is_none_or(|first| history.keeps(*first)).then_some(numbers);
    }
    // The bell was hung later than that.
    if !history.keeps(from) {
        return None;
    }
    let all = from..history.next();
    let concerns = |number: &u64| history.event(*number).is_some_and(|event| selection.concerns(&event.change.id));
    Some(all.filter(concerns).take(TOGETHER).collect())
}

/// A change as the watch of a selection shows it: an object that no longer fits is deleted, one that fits now is added.
fn shown(selection: &Selection, rendering: &Arc<Rendering>, cluster: &Cluster, event: &mut Event) -> Option<Arc<Line>> {
    let fits = |object: &Option<Arc<Value>>| object.as_ref().filter(|o| selection.chooses(o)).cloned();
    let (before, after) = (fits(&event.change.before), fits(&event.change.after));
    let kind = match (&before, &after) {
        (None, Some(_)) => "ADDED",
        (Some(_), Some(_)) => "MODIFIED",
        (Some(_), None) => "DELETED",
        (None, None) => return None,
    };
    let revision = event.change.revision;
    let made = |object: &Arc<Value>| Shown::Made(rendering.object(cluster, object, false));
    Some(event.line(kind, rendering, || match after {
        Some(object) if rendering.plain(&object) => Shown::Stored(object),
        Some(object) => made(&object),
        None => {
            let object = before.unwrap_or_default();
            if rendering.plain(&object) { Shown::Last(object, revision) } else { made(&Arc::new(last(&object, revision))) }
        }
    }))
}

fn bookmark(watch: &Watch, revision: u64, initial: bool) -> Line {
    let mut metadata = json!({"resourceVersion": revision.to_string(), "creationTimestamp": null});
    if initial {
        metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
    }
    let (api_version, kind) = watch.rendering.names(&watch.selection);
    Line::new("BOOKMARK", watch.rendering.protobuf(), Shown::Made(json!({"kind": kind, "apiVersion": api_version, "metadata": metadata})))
}

#[cfg(test)]
mod tests {
    use super::concerning;
    use crate::object::{ObjectId, Value};
    use crate::schema::Version;
    use crate::shadow::address::Query;
    use crate::shadow::history::{Bells, History};
    use crate::shadow::list::Selection;
    use crate::shadow::view::Told;
    use crate::simulate::clock::Clock;
    use crate::simulate::{Change, Cluster, Target};
    use std::sync::Arc;

    fn selection(namespace: &str) -> Selection {
        let target = Target { version: "v1".into(), resource: "configmaps".into(), namespace: namespace.into(), ..Target::default() };
        let served = Cluster::new(Version::V1_36, Clock::new("2026-01-01T00:00:00Z".parse().unwrap())).served(&target).unwrap();
        Selection::of(served, &target, &Query::read("")).unwrap()
    }

    #[test]
    fn however_much_happens_elsewhere_who_has_seen_all_of_its_own_is_not_behind() {
        let mut told = Told { history: History::starting_at(0, 0), bells: Bells::default() };
        let (selection, kind) = (selection("quiet"), ("", "ConfigMap"));
        let bell = told.bells.of(kind, ("quiet", ""), 0);
        let happens = |told: &mut Told, namespace: &str| {
            let id = ObjectId { kind: "ConfigMap".into(), namespace: namespace.into(), name: "c".into(), ..ObjectId::default() };
            let (revision, id) = (told.history.next() + 1, Arc::new(id));
            told.bells.note(&id, told.history.next());
            told.history.push(Change { revision, id, before: None, after: Some(Arc::new(Value::Null)) });
        };
        happens(&mut told, "quiet");
        assert_eq!(concerning(&mut told, kind, &selection, 0), Some(vec![0]));
        (0..20_000).for_each(|_| happens(&mut told, "busy"));
        happens(&mut told, "quiet");
        assert_eq!(concerning(&mut told, kind, &selection, 1), Some(vec![20_001]), "nothing was missed");
        assert_eq!(concerning(&mut told, kind, &selection, 0), None, "the first is forgotten");
        drop(bell);
    }

    #[test]
    fn who_begins_in_the_past_is_told_what_is_remembered() {
        let mut told = Told { history: History::starting_at(0, 0), bells: Bells::default() };
        let id = Arc::new(ObjectId { kind: "ConfigMap".into(), namespace: "quiet".into(), name: "c".into(), ..ObjectId::default() });
        told.history.push(Change { revision: 1, id, before: None, after: Some(Arc::new(Value::Null)) });
        let _bell = told.bells.of(("", "ConfigMap"), ("quiet", ""), told.history.next());
        assert_eq!(concerning(&mut told, ("", "ConfigMap"), &selection("quiet"), 0), Some(vec![0]));
        assert_eq!(concerning(&mut told, ("", "ConfigMap"), &selection("other"), 0), Some(Vec::new()));
    }
}
