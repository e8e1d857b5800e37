//! Watches: the changes of a kind, one JSON document a line, from a revision on.
//!
//! Follows apiserver `pkg/storage/cacher/{cacher,cache_watcher,watch_cache}.go` and `pkg/endpoints/handlers/watch.go`.

use super::answer::status;
use super::body::Payload;
use super::list::Selection;
use super::resource::Rendering;
use super::state::{Live, Shadow};
use crate::object::{Value, json, map_at};
use crate::simulate::{ApiError, Change, Reason};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// How often a watch that asked for bookmarks gets one.
const BOOKMARK: Duration = Duration::from_secs(60);

/// How long a watch is open if nobody says; the server draws from 30 to 60 minutes.
const OPEN: Duration = Duration::from_secs(1_800);

/// After so much silence a watch lets virtual time pass.
const SILENCE: Duration = Duration::from_millis(20);

/// So many events may wait for a slow client.
const WAITING: usize = 64;

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
    let bell = live.bells.of(watch.selection.stored(), &watch.selection.namespace, watch.selection.only_name());
    let (mut pieces, now) = (Vec::new(), live.cluster.store.revision());
    let seen = match watch.from {
        Some(revision) => {
            if revision < live.history.oldest() {
                return Err(too_old(revision, live.history.oldest()));
            }
            revision
        }
        None => {
            let found = watch.selection.objects(&live.cluster, &live.cluster.store);
            for object in found {
                pieces.push(match watch.rendering.plain(&object) {
                    true => Piece::Added(object),
                    false => Piece::Line(line("ADDED", &watch.rendering.object(&live.cluster, &object, pieces.is_empty()))),
                });
            }
            if watch.initial_events {
                pieces.push(Piece::Line(bookmark(&watch, now, true)));
            }
            now
        }
    };
    let life = live.history.life;
    drop(live);
    let (sender, payload) = Payload::pieces(WAITING);
    tokio::spawn(follow(Arc::clone(shadow), watch, Position { seen, life, pieces, bell }, sender));
    Ok(payload)
}

/// What is to be sent.
enum Piece {
    /// A line.
    Line(Bytes),
    /// An object as it is, to be written when its turn comes.
    Added(Arc<Value>),
}

impl Piece {
    fn line(self) -> Bytes {
        match self {
            Self::Line(line) => line,
            Self::Added(object) => line("ADDED", &object),
        }
    }
}

/// How far a watch has come.
struct Position {
    seen: u64,
    life: u64,
    pieces: Vec<Piece>,
    bell: tokio::sync::watch::Receiver<()>,
}

async fn follow(shadow: Arc<Shadow>, watch: Watch, mut at: Position, sender: mpsc::Sender<Bytes>) {
    let end = Instant::now() + watch.timeout.unwrap_or(OPEN);
    let mut next_bookmark = Instant::now() + BOOKMARK;
    loop {
        at.bell.borrow_and_update();
        let goes_on = catch_up(&shadow, &watch, &mut at);
        for piece in at.pieces.drain(..) {
            let sent = timeout_at(end, sender.send(piece.line())).await;
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
                    at.pieces.push(Piece::Line(bookmark(&watch, at.seen, false)));
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
    let mut live = shadow.lock();
    let Live { cluster, history, .. } = &mut *live;
    if history.life != at.life {
        return false;
    }
    let oldest = history.oldest();
    let Some(events) = history.since(at.seen) else {
        at.pieces.push(Piece::Line(line("ERROR", &status(&too_old(at.seen, oldest)))));
        return false;
    };
    for event in events.filter(|e| watch.selection.concerns(&e.change.id)) {
        if let Some((kind, object)) = seen_through(&watch.selection, &event.change) {
            let line = event.line(kind, &watch.rendering, || line(kind, &watch.rendering.object(cluster, &object(), false)));
            at.pieces.push(Piece::Line(line));
        }
    }
    at.seen = cluster.store.revision();
    true
}

/// A change as the watch of a selection shows it: an object that no longer fits is deleted, one that fits now is added. The object
/// is made when it has to be written.
fn seen_through(selection: &Selection, change: &Change) -> Option<(&'static str, impl FnOnce() -> Arc<Value> + use<>)> {
    let fits = |object: &Option<Arc<Value>>| object.as_ref().filter(|o| selection.chooses(o)).cloned();
    let (before, after) = (fits(&change.before), fits(&change.after));
    let event = match (&before, &after) {
        (None, Some(_)) => "ADDED",
        (Some(_), Some(_)) => "MODIFIED",
        (Some(_), None) => "DELETED",
        (None, None) => return None,
    };
    let revision = change.revision;
    let object = move || {
        after.unwrap_or_else(|| {
            // An object that is gone, or that fits no longer, is shown as it was, in the revision in which that happened.
            let mut last = before.map(|b| Value::clone(&b)).unwrap_or_default();
            map_at(&mut last, &["metadata"]).insert("resourceVersion".into(), revision.to_string().into());
            Arc::new(last)
        })
    };
    Some((event, object))
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
