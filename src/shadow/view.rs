//! What readers and watches see: the state after the last write, the changes up to it, and who has looked at it.
//!
//! Who reads does not wait for who writes: a write, with all that the controllers make of it, is done on a cluster behind this one,
//! and shown here in one go before it is answered. So a list is of one state, and who has its answer finds what it wrote.

use super::history::{Bells, History};
use crate::simulate::{Change, Cluster, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;
use tokio::time::Instant;

/// So many states are kept for clients that list page by page.
const PAGED: usize = 32;

/// So many different reads are remembered at once, lest who reads very many things makes them all stay.
const LOOKS: usize = 10_000;

/// What readers see. Who takes two of its locks takes them in the order in which they stand here.
#[derive(Debug)]
pub(super) struct View {
    /// The objects, the custom resources and the time of day. Its controllers never run.
    cluster: RwLock<Cluster>,
    told: Mutex<Told>,
    /// States that a list with a limit was answered from, by revision.
    pages: Mutex<BTreeMap<u64, Store>>,
    looks: Mutex<Looks>,
}

/// What watches are told.
#[derive(Debug)]
pub(super) struct Told {
    /// The last changes.
    pub(super) history: History,
    /// What wakes who waits for the next.
    pub(super) bells: Bells,
}

/// Who has looked.
#[derive(Debug)]
struct Looks {
    last_asked: Instant,
    /// What was read since something was written or time passed.
    looked_at: BTreeSet<String>,
}

/// What of a cluster is shown.
fn shown(cluster: &Cluster) -> Cluster {
    let mut shown = Cluster::new(cluster.schema.version(), cluster.clock.clone());
    shown.store = cluster.store.clone();
    shown.custom.clone_from(&cluster.custom);
    shown
}

/// A lock; a panic elsewhere left what is in it whole.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl View {
    /// Of a cluster, as nobody has seen it yet.
    pub(super) fn of(cluster: &Cluster) -> Self {
        let told = Told { history: History::starting_at(cluster.store.revision(), 0), bells: Bells::default() };
        let looks = Looks { last_asked: Instant::now(), looked_at: BTreeSet::new() };
        Self { cluster: RwLock::new(shown(cluster)), told: Mutex::new(told), pages: Mutex::default(), looks: Mutex::new(looks) }
    }

    /// The cluster as it is to be seen.
    pub(super) fn cluster(&self) -> RwLockReadGuard<'_, Cluster> {
        self.cluster.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What watches are told: never newer than the cluster that is held meanwhile.
    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        held(&self.told)
    }

    /// Shows what the cluster behind has come to, and wakes who watches; gives the changes that led there.
    pub(super) fn show(&self, behind: &mut Cluster) -> Vec<Change> {
        let changes: Vec<Change> = behind.store.forget_changes().collect();
        let mut cluster = self.cluster.write().unwrap_or_else(PoisonError::into_inner);
        cluster.clock = behind.clock.clone();
        cluster.custom.clone_from(&behind.custom);
        let mut told = self.told();
        let Told { history, bells } = &mut *told;
        for change in &changes {
            cluster.store.follow(change);
            bells.note(&change.id, history.next());
            history.push(change.clone());
        }
        let due = bells.due();
        drop(told);
        drop(cluster);
        self.forget_looks();
        for rope in due {
            rope.send_replace(());
        }
        changes
    }

    /// Drops what is forgotten: of no use to anybody, and work that who writes would do while others wait for it.
    pub(super) fn clear_away(&self) {
        let rubbish = self.told().history.rubbish();
        drop(rubbish);
    }

    /// Everything from another state again; the watches end.
    pub(super) fn reset(&self, start: &Cluster) {
        let mut cluster = self.cluster.write().unwrap_or_else(PoisonError::into_inner);
        *cluster = shown(start);
        let mut told = self.told();
        told.history = History::starting_at(start.store.revision(), told.history.life + 1);
        told.bells.reset();
        held(&self.pages).clear();
    }

    /// A client asks, and waits for its answer.
    pub(super) fn asked(&self) {
        held(&self.looks).last_asked = Instant::now();
    }

    /// The cluster, for a client that waits for its answer.
    pub(super) fn ask(&self) -> RwLockReadGuard<'_, Cluster> {
        self.asked();
        self.cluster()
    }

    /// For how long nobody has asked.
    pub(super) fn quiet(&self) -> Duration {
        held(&self.looks).last_asked.elapsed()
    }

    /// A client reads; whether the same was read before, and nothing has changed since.
    pub(super) fn looks_again(&self, what: &str) -> bool {
        let mut looks = held(&self.looks);
        looks.last_asked = Instant::now();
        let again = !looks.looked_at.insert(what.to_owned());
        if looks.looked_at.len() > LOOKS {
            looks.looked_at.clear();
        }
        again
    }

    /// Something was written, or time has passed: whoever looks, looks for the first time.
    pub(super) fn forget_looks(&self) {
        held(&self.looks).looked_at.clear();
    }

    /// Keeps a state for the next pages of a list.
    pub(super) fn keep_page(&self, store: &Store) {
        let mut pages = held(&self.pages);
        pages.entry(store.revision()).or_insert_with(|| store.clone());
        if pages.len() > PAGED {
            pages.pop_first();
        }
    }

    /// The state of a revision, if a list was answered from it.
    pub(super) fn page(&self, revision: u64) -> Option<Store> {
        held(&self.pages).get(&revision).cloned()
    }
}
