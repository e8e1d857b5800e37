//! Watches: the changes of a kind, one JSON document a line, from a revision on.
//!
//! Follows apiserver `pkg/storage/cacher/{cacher,cache_watcher,watch_cache}.go` and `pkg/endpoints/handlers/watch.go`.

use super::answer::status;
use super::body::Payload;
use super::list::Selection;
use super::resource::Rendering;
use super::state::Shadow;
use crate::object::{Value, json, map_at};
use crate::simulate::{ApiError, Change, Reason};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// So many changes are kept for watches that start in the past.
const WINDOW: usize = 10_000;

/// How often a watch that asked for bookmarks gets one.
const BOOKMARK: Duration = Duration::from_secs(60);

/// How long a watch is open if nobody says; the server draws from 30 to 60 minutes.
const OPEN: Duration = Duration::from_secs(1_800);

/// After so much silence a watch lets virtual time pass.
const SILENCE: Duration = Duration::from_millis(20);

/// So many events may wait for a slow client.
const WAITING: usize = 64;

/// The last changes, oldest first.
#[derive(Debug)]
pub(super) struct History {
    changes: VecDeque<Change>,
    /// The revision before the oldest change that is kept.
    start: u64,
    /// Which life of the cluster this is: it begins anew with a reset.
    pub(super) life: u64,
}

impl History {
    /// Nothing has changed since a revision.
    pub(super) fn starting_at(revision: u64, life: u64) -> Self {
        Self { changes: VecDeque::new(), start: revision, life }
    }

    /// The oldest revision from which a watch can start.
    pub(super) fn oldest(&self) -> u64 {
        self.start
    }

    /// Notes a change and forgets the oldest.
    pub(super) fn push(&mut self, change: Change) {
        if self.changes.len() == WINDOW
            && let Some(oldest) = self.changes.pop_front()
        {
            self.start = oldest.revision;
        }
        self.changes.push_back(change);
    }

    /// The changes after a revision; none if they are not all there any more.
    pub(super) fn since(&self, revision: u64) -> Option<impl Iterator<Item = &Change>> {
        if revision < self.start {
            return None;
        }
        let from = self.changes.partition_point(|c| c.revision <= revision);
        Some(self.changes.range(from..))
    }
}

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
    pub(super) rendering: Rendering,
    /// After which revision; none for what is there now, as if it were added, and everything after.
    pub(super) from: Option<u64>,
    /// Whether bookmarks are wanted.
    pub(super) bookmarks: bool,
    /// Whether the end of what is there now is marked by a bookmark.
    pub(super) initial_events: bool,
    /// When it ends.
    pub(super) timeout: Option<Duration>,
}

/// Starts a watch; the events go out as they come.
///
/// # Errors
/// 410 if it starts before what is remembered.
pub(super) fn start(shadow: &Arc<Shadow>, watch: Watch) -> Result<Payload, ApiError> {
    let mut live = shadow.ask();
    let (group, kind) = watch.selection.stored();
    let bell = live.bell(&group, &kind);
    let (mut lines, now) = (Vec::new(), live.cluster.store.revision());
    let seen = match watch.from {
        Some(revision) => {
            if live.history.since(revision).is_none() {
                return Err(too_old(revision, live.history.start));
            }
            revision
        }
        None => {
            let found = watch.selection.objects(&live.cluster, &live.cluster.store);
            for object in found {
                lines.push(line("ADDED", &watch.rendering.object(&live.cluster, &object, lines.is_empty())));
            }
            if watch.initial_events {
                lines.push(bookmark(&watch, now, true));
            }
            now
        }
    };
    let life = live.history.life;
    drop(live);
    let (sender, payload) = Payload::pieces(WAITING);
    tokio::spawn(follow(Arc::clone(shadow), watch, Position { seen, life, lines, bell }, sender));
    Ok(payload)
}

/// How far a watch has come.
struct Position {
    seen: u64,
    life: u64,
    lines: Vec<Bytes>,
    bell: tokio::sync::watch::Receiver<u64>,
}

async fn follow(shadow: Arc<Shadow>, watch: Watch, mut at: Position, sender: mpsc::Sender<Bytes>) {
    let end = Instant::now() + watch.timeout.unwrap_or(OPEN);
    let mut next_bookmark = Instant::now() + BOOKMARK;
    loop {
        at.bell.borrow_and_update();
        let goes_on = catch_up(&shadow, &watch, &mut at);
        for piece in at.lines.drain(..) {
            let sent = timeout_at(end, sender.send(piece)).await;
            if !matches!(sent, Ok(Ok(()))) {
                return;
            }
        }
        if !goes_on {
            return;
        }
        let mut silence = Instant::now() + SILENCE;
        loop {
            tokio::select! {
                () = sender.closed() => return,
                changed = at.bell.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
                () = tokio::time::sleep_until(end) => return,
                () = tokio::time::sleep_until(next_bookmark), if watch.bookmarks => {
                    next_bookmark = Instant::now() + BOOKMARK;
                    at.lines.push(bookmark(&watch, at.seen, false));
                    break;
                }
                () = tokio::time::sleep_until(silence) => {
                    silence = Instant::now() + SILENCE.max(Duration::from_millis(200));
                    shadow.idle();
                }
            }
        }
    }
}

/// Takes what happened since into lines; whether the watch goes on.
fn catch_up(shadow: &Shadow, watch: &Watch, at: &mut Position) -> bool {
    let live = shadow.lock();
    if live.history.life != at.life {
        return false;
    }
    let Some(changes) = live.history.since(at.seen) else {
        let error = too_old(at.seen, live.history.start);
        at.lines.push(line("ERROR", &status(&error)));
        return false;
    };
    for change in changes.filter(|c| watch.selection.concerns(&c.id)) {
        if let Some((event, object)) = seen_through(&watch.selection, change) {
            at.lines.push(line(event, &watch.rendering.object(&live.cluster, &object, false)));
        }
    }
    at.seen = live.cluster.store.revision();
    true
}

/// A change as the watch of a selection shows it: an object that no longer fits is deleted, one that fits now is added.
fn seen_through(selection: &Selection, change: &Change) -> Option<(&'static str, Arc<Value>)> {
    let fits = |object: &Option<Arc<Value>>| object.as_ref().filter(|o| selection.chooses(o)).cloned();
    match (fits(&change.before), fits(&change.after)) {
        (None, Some(after)) => Some(("ADDED", after)),
        (Some(_), Some(after)) => Some(("MODIFIED", after)),
        (Some(before), None) => {
            // An object that is gone, or that fits no longer, is shown as it was, in the revision in which that happened.
            let mut last = Value::clone(&before);
            map_at(&mut last, &["metadata"]).insert("resourceVersion".into(), change.revision.to_string().into());
            Some(("DELETED", Arc::new(last)))
        }
        (None, None) => None,
    }
}

fn bookmark(watch: &Watch, revision: u64, initial: bool) -> Bytes {
    let mut metadata = json!({"resourceVersion": revision.to_string(), "creationTimestamp": null});
    if initial {
        metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
    }
    let (api_version, kind) = watch.rendering.names(&watch.selection);
    line("BOOKMARK", &json!({"kind": kind, "apiVersion": api_version, "metadata": metadata}))
}

fn line(event: &str, object: &Value) -> Bytes {
    let mut text = format!("{{\"type\":\"{event}\",\"object\":").into_bytes();
    serde_json::to_writer(&mut text, object).expect("a JSON value has only string keys");
    text.extend_from_slice(b"}\n");
    text.into()
}
