//! Calls that wait for approvals to end, on this instance. One listening connection wakes them all, and they read
//! together: what is to be read while earlier reads are under way forms the next one.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::FutureExt as _;
use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
};
use uuid::Uuid;

use super::{ServiceError, authenticate::Caller, read};
use crate::{
    domain::{approvals::Approval, callers::OwnApprovals, ids::ApprovalId},
    storage::{self, Db, tables::approvals::Batch},
};

/// How many statements read for waiting calls at once. The other connections stay free for other work.
const READERS: usize = 4;
/// How many approvals one statement reads. It bounds how long one takes, and the memory of what it returns.
const MOST: usize = 256;
/// How many calls read separately at once, after a read that they shared has failed.
const SEPARATE: usize = 8;

/// The waiting calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Endings(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    db: Db,
    /// Where reads are spawned. The listener's runtime ends with its connection.
    runtime: Handle,
    state: Mutex<State>,
    separate: Semaphore,
}

#[derive(Debug, Default)]
struct State {
    /// The next registration's number.
    next: u64,
    /// Ordered, so that an approval's registrations stand together and each can be removed.
    waiting: BTreeMap<(Uuid, u64), Registration>,
    /// The approvals to read, the longest waiting first, each once.
    queue: VecDeque<Uuid>,
    queued: HashSet<Uuid>,
    readers: usize,
}

#[derive(Debug)]
struct Registration {
    own: OwnApprovals,
    wants: Wants,
    tell: oneshot::Sender<Notice>,
}

/// What a registration is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    /// The approval as it is now.
    Now,
    /// The approval once it has ended.
    End,
}

/// What ends a registration.
#[derive(Debug)]
enum Notice {
    /// The approval.
    Read(Arc<Approval>),
    /// It could not be read together with others. A separate read reports the reason.
    ReadSeparately,
}

/// A waiting call's registration, removed on drop.
#[derive(Debug)]
pub struct Waiter {
    endings: Endings,
    key: (Uuid, u64),
    notice: oneshot::Receiver<Notice>,
}

/// What one statement reads.
struct Reading {
    ids: Vec<Uuid>,
    /// Those that a registration wants as they are now.
    now: Vec<Uuid>,
    /// Registrations from this number on came later, and must not be told an older state than they could know of.
    before: u64,
}

impl Endings {
    /// No waiting calls yet. Reads run on the runtime of the caller.
    #[must_use]
    pub fn new(db: Db) -> Self {
        let (runtime, state) = (Handle::current(), Mutex::default());
        Self(Arc::new(Shared { db, runtime, state, separate: Semaphore::new(SEPARATE) }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a call that may see these approvals. Callers register first and read the state afterwards, so that they can't miss
    /// the end.
    #[must_use]
    pub fn subscribe(&self, own: &OwnApprovals, id: ApprovalId) -> Waiter {
        self.register(&mut self.state(), own.clone(), id, Wants::End)
    }

    /// The approval as it is now, read together with those that other calls want to read.
    pub async fn read(&self, caller: &Caller, id: ApprovalId) -> Result<Arc<Approval>, ServiceError> {
        let mut waiter = {
            let mut state = self.state();
            let waiter = self.register(&mut state, caller.own().clone(), id, Wants::Now);
            self.enqueue(&mut state, id.uuid());
            waiter
        };
        if let Ok(Notice::Read(approval)) = (&mut waiter.notice).await {
            return Ok(approval);
        }
        // The semaphore is never closed.
        let _turn = self.0.separate.acquire().await;
        read::approval(&self.0.db, caller, id).await.map(Arc::new)
    }

    fn register(&self, state: &mut State, own: OwnApprovals, id: ApprovalId, wants: Wants) -> Waiter {
        let key = (id.uuid(), state.next);
        state.next += 1;
        let (tell, notice) = oneshot::channel();
        state.waiting.insert(key, Registration { own, wants, tell });
        Waiter { endings: self.clone(), key, notice }
    }

    /// Reads the approval that has ended for the calls that wait for it.
    pub fn wake(&self, id: Uuid) {
        let mut state = self.state();
        if state.registrations(id).next().is_some() {
            self.enqueue(&mut state, id);
        }
    }

    /// Reads all approvals that calls wait for, because a notification may have been missed.
    pub fn wake_all(&self) {
        let mut state = self.state();
        let ids: Vec<Uuid> = state.waiting.keys().map(|(id, _)| *id).collect();
        for id in ids {
            self.enqueue(&mut state, id);
        }
    }

    fn enqueue(&self, state: &mut State, id: Uuid) {
        if state.queued.insert(id) {
            state.queue.push_back(id);
        }
        if state.readers < READERS {
            state.readers += 1;
            self.0.runtime.spawn(self.clone().read_queued());
        }
    }

    async fn read_queued(self) {
        while let Some(reading) = self.next_reading() {
            // A panic must not end this reader without its being counted out.
            let read = AssertUnwindSafe(self.read_together(&reading)).catch_unwind().await;
            self.state().tell(&reading, read.unwrap_or_default());
        }
    }

    /// What to read next. `None`: nothing, and this reader ends.
    fn next_reading(&self) -> Option<Reading> {
        let mut state = self.state();
        let count = state.queue.len().min(MOST);
        let ids: Vec<Uuid> = state.queue.drain(..count).collect();
        if ids.is_empty() {
            state.readers -= 1;
            return None;
        }
        for id in &ids {
            state.queued.remove(id);
        }
        let wanted_now =
            |id: &&Uuid| state.registrations(**id).any(|(_, waiting)| waiting.wants == Wants::Now);
        let now = ids.iter().filter(wanted_now).copied().collect();
        Some(Reading { now, before: state.next, ids })
    }

    /// `None`: the statement failed.
    #[tracing::instrument(name = "read_waited_for", skip_all, fields(count = reading.ids.len()))]
    async fn read_together(&self, reading: &Reading) -> Option<Batch> {
        let read = async {
            let mut db = self.0.db.acquire_with_kept_plans().await?;
            storage::tables::approvals::find_ended(&mut db, &reading.ids, &reading.now).await
        };
        // Each call then reads separately, and logs the failure.
        read.await.ok()
    }
}

impl State {
    /// The registrations for an approval.
    fn registrations(&self, id: Uuid) -> impl Iterator<Item = (&(Uuid, u64), &Registration)> {
        self.waiting.range((id, 0)..=(id, u64::MAX))
    }

    fn tell(&mut self, reading: &Reading, read: Option<Batch>) {
        let failed = read.is_none();
        let Batch { approvals, unreadable } = read.unwrap_or_default();
        let unreadable: HashSet<Uuid> = unreadable.iter().map(|id| id.uuid()).collect();
        let approvals: HashMap<Uuid, Arc<Approval>> =
            approvals.into_iter().map(|approval| (approval.id().uuid(), Arc::new(approval))).collect();
        for id in &reading.ids {
            let found = approvals.get(id);
            let told: Vec<((Uuid, u64), Notice)> = self
                .registrations(*id)
                .filter(|((_, number), _)| *number < reading.before)
                .filter_map(|(key, registration)| {
                    let own = found.filter(|approval| registration.own.include(&approval.request));
                    let notice = match (own, registration.wants) {
                        (Some(approval), Wants::Now) => Notice::Read(approval.clone()),
                        (Some(approval), Wants::End) if approval.decision.is_some() => {
                            Notice::Read(approval.clone())
                        }
                        (None, Wants::Now) => Notice::ReadSeparately,
                        _ if failed || unreadable.contains(id) => Notice::ReadSeparately,
                        // It is pending.
                        (_, Wants::End) => return None,
                    };
                    Some((*key, notice))
                })
                .collect();
            for (key, notice) in told {
                if let Some(registration) = self.waiting.remove(&key) {
                    // A call that has just been dropped is told nothing.
                    let _ = registration.tell.send(notice);
                }
            }
        }
    }
}

impl Waiter {
    /// The approval once it has ended. `None`: the call must read it, and register again if it is pending.
    pub async fn ended(&mut self) -> Option<Arc<Approval>> {
        match (&mut self.notice).await {
            Ok(Notice::Read(approval)) => Some(approval),
            Ok(Notice::ReadSeparately) | Err(_) => None,
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.endings.state().waiting.remove(&self.key);
    }
}
