//! The queue of requests for approvals: those that arrive while others are under way form the next transaction.
//!
//! Nothing waits for a timer. A request that finds fewer than [`BATCHES`] transactions under way starts one of its own at
//! once; the others are taken together when one of those has ended. The requests of a user are never in two transactions
//! at the same time, where they would wait for each other's locks.
//!
//! One request's fault or lock must not cost the others anything. A transaction that fails, or that waits 20 ms for a
//! row that another one holds, is rolled back, and each of its requests is judged separately. One that still has to wait
//! does so beside the queue. Until it has its answer, no request for the same action shares a transaction with others.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fmt, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    sync::{Semaphore, oneshot},
    time::timeout,
};

use super::{
    Service, ServiceError,
    ask::{Addressed, Asked},
    batch,
    unit_of_work::{LOST, is_a_lost_connection},
};
use crate::{
    domain::{
        ids::{ApiKeyId, UserId},
        text::{ActionKey, ForeignId, IntegrationKey},
    },
    storage::{self, ConnectError, ErrorClass, LockWait},
};

/// How many transactions are under way at most. More would only wait for each other's flushes to disk.
const BATCHES: usize = 3;
/// How many transactions have to succeed, one after the other, until one more may be under way than after the last one
/// that had to wait for a row too long.
const SUCCESSES: usize = 128;
/// How many requests share a transaction at most.
const BATCH: usize = 64;
/// How many requests are judged separately at the same time.
const ALONE: usize = 2;
/// How many requests wait for locks at the same time: in all, and for one action.
const WAITING: usize = 6;
const WAITING_FOR_ACTION: usize = 2;

/// The queue. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct AskQueue(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Turns to wait for a lock.
    waiting: Semaphore,
}

impl Default for AskQueue {
    fn default() -> Self {
        Self(Arc::new(Shared { state: Mutex::default(), waiting: Semaphore::new(WAITING) }))
    }
}

impl fmt::Debug for AskQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AskQueue").finish_non_exhaustive()
    }
}

type ActionPath = (IntegrationKey, ActionKey);

/// A request in the queue.
struct Job {
    addressed: Addressed,
    answer: oneshot::Sender<Result<Asked, ServiceError>>,
    /// Whether the caller or the queue has taken it. A caller who has waited too long takes it back.
    taken: Arc<AtomicBool>,
    /// Whether it was the queue.
    ours: bool,
}

impl Job {
    fn action(&self) -> ActionPath {
        (self.addressed.ask.integration.clone(), self.addressed.ask.action.clone())
    }

    /// Takes the request, to judge it. `false` if its caller has taken it back or is gone.
    fn take(&mut self) -> bool {
        self.ours = self.ours || !self.taken.swap(true, Ordering::AcqRel);
        self.ours && !self.answer.is_closed()
    }

    fn repeat_key(&self) -> Option<(ApiKeyId, ForeignId)> {
        let ask = &self.addressed.ask;
        ask.idempotency_key.clone().map(|key| (ask.key.id(), key))
    }
}

/// What a request that is not answered yet waits for.
#[derive(Default)]
struct State {
    /// A transaction.
    queue: VecDeque<Job>,
    /// The end of a transaction: for each user with a request in one that is under way, the requests that came since.
    users: HashMap<UserId, Vec<Job>>,
    /// Its turn to be judged separately.
    alone: VecDeque<Job>,
    /// How many transactions are under way, and how many may be.
    batches: usize,
    room: Room,
    /// How many requests are judged separately now.
    singles: usize,
    /// The actions with requests that wait for a lock now.
    held_up: HashMap<ActionPath, HeldUp>,
}

/// How many transactions may be under way: fewer after one had to wait for a row too long, then gradually more again.
/// Other instances may be writing the same rows, and the fewer transactions, the more requests share one and the fewer
/// wait for each other (additive increase, multiplicative decrease, as TCP: RFC 5681).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(BATCHES * SUCCESSES)
    }
}

impl Room {
    const fn transactions(self) -> usize {
        self.0 / SUCCESSES
    }

    fn grow(&mut self) {
        self.0 = (self.0 + 1).min(BATCHES * SUCCESSES);
    }

    fn shrink(&mut self) {
        self.0 = (self.0 / 2).max(SUCCESSES);
    }
}

/// An action with requests that wait for a lock.
struct HeldUp {
    requests: usize,
    turns: Arc<Semaphore>,
}

impl AskQueue {
    /// Has a request judged, and returns its answer. An error of the database if no transaction was free for as long as a
    /// connection may take.
    pub(super) async fn judge(&self, service: &Service, addressed: Addressed) -> Result<Asked, ServiceError> {
        let (answer, mut answered) = oneshot::channel();
        let taken = Arc::new(AtomicBool::new(false));
        let job = Job { addressed, answer, taken: taken.clone(), ours: false };
        if let Some((batch, job)) = self.push(service, job) {
            // It shares its transaction with no other request, so it needs no task that outlives this call.
            batch.run(vec![job]).await;
        }
        let answer = match timeout(service.db.limits().acquire, &mut answered).await {
            Ok(answer) => answer,
            Err(_) if taken.swap(true, Ordering::AcqRel) => answered.await,
            Err(_) => return Err(overdue()),
        };
        answer.unwrap_or_else(|_| {
            let why = "the task that judged the request has ended";
            Err(ServiceError::Unclear(Arc::new(std::io::Error::other(why).into())))
        })
    }

    /// Puts a request into the queue, or returns it with a transaction of its own if it may have one at once.
    fn push(&self, service: &Service, mut job: Job) -> Option<(Batch, Job)> {
        let mut state = self.lock();
        if state.held_up.contains_key(&job.action()) {
            state.alone.push_back(job);
        } else if let Some(behind) = state.users.get_mut(&job.addressed.user) {
            behind.push(job);
        } else if state.batches < state.room.transactions() && state.queue.is_empty() && job.take() {
            let user = job.addressed.user.clone();
            state.users.entry(user.clone()).or_default();
            state.batches += 1;
            return Some((
                Batch { queue: self.clone(), service: service.clone(), users: HashSet::from([user]) },
                job,
            ));
        } else {
            state.queue.push_back(job);
        }
        drop(state);
        self.start(service);
        None
    }

    /// Starts as many transactions as may be under way.
    fn start(&self, service: &Service) {
        let (mut batches, mut singles) = (Vec::new(), Vec::new());
        let mut state = self.lock();
        while state.batches < state.room.transactions() {
            let jobs = state.next_batch();
            if jobs.is_empty() {
                break;
            }
            state.batches += 1;
            let users = jobs.iter().map(|job| job.addressed.user.clone()).collect();
            batches.push((Batch { queue: self.clone(), service: service.clone(), users }, jobs));
        }
        while state.singles < ALONE {
            let Some(mut job) = state.alone.pop_front() else { break };
            if !job.take() {
                continue;
            }
            state.singles += 1;
            singles.push((Single { queue: self.clone(), service: service.clone() }, job));
        }
        // A runtime that is shutting down drops what it is given, and that takes the lock.
        drop(state);
        for (batch, jobs) in batches {
            tokio::spawn(batch.run(jobs));
        }
        for (single, job) in singles {
            tokio::spawn(single.run(job));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes the requests of the next transaction from the queue, at most one with each idempotency key.
    fn next_batch(&mut self) -> Vec<Job> {
        let (mut jobs, mut users, mut keys) = (Vec::new(), HashSet::new(), HashSet::new());
        while jobs.len() < BATCH {
            let Some(mut job) = self.queue.pop_front() else { break };
            if let Some(behind) = self.users.get_mut(&job.addressed.user) {
                behind.push(job);
                continue;
            }
            if self.held_up.contains_key(&job.action()) {
                self.alone.push_back(job);
                continue;
            }
            let key = job.repeat_key();
            if key.as_ref().is_some_and(|key| keys.contains(key)) {
                // After this transaction, it finds what the first one led to.
                users.insert(job.addressed.user.clone());
                self.users.entry(job.addressed.user.clone()).or_default().push(job);
                continue;
            }
            if job.take() {
                keys.extend(key);
                users.insert(job.addressed.user.clone());
                jobs.push(job);
            }
        }
        for user in users {
            self.users.entry(user).or_default();
        }
        jobs
    }
}

/// A transaction under way. Dropping it, even by a panic, lets the next one begin.
struct Batch {
    queue: AskQueue,
    service: Service,
    users: HashSet<UserId>,
}

impl Batch {
    async fn run(self, jobs: Vec<Job>) {
        metrics::histogram!("countersign_ask_batch_size")
            .record(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
        let asks: Vec<&Addressed> = jobs.iter().map(|job| &job.addressed).collect();
        let mut lost = 0;
        let judged = loop {
            match batch::judge(&self.service, &asks, LockWait::Brief).await {
                // After the database restarted, every connection in the pool may be a lost one.
                Err(failure) if lost < LOST && is_a_lost_connection(&failure) => lost += 1,
                judged => break judged,
            }
        };
        let mut alone = Vec::new();
        match judged {
            Ok(judged) => {
                self.queue.lock().room.grow();
                for (job, judged) in jobs.into_iter().zip(judged) {
                    match judged {
                        Some(answer) => drop(job.answer.send(answer)),
                        None => alone.push(job),
                    }
                }
            }
            Err(failure) if may_be_one_requests_fault(&failure) => {
                metrics::counter!("countersign_ask_batches_split_total").increment(1);
                tracing::debug!(%failure, asks = jobs.len(), "Judging the requests of a transaction one by one");
                if waited_for_a_lock(&failure) {
                    self.queue.lock().room.shrink();
                }
                alone = jobs;
            }
            Err(failure) => {
                for job in jobs {
                    let _ = job.answer.send(Err(failure.clone()));
                }
            }
        }
        self.queue.lock().alone.extend(alone);
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.batches -= 1;
        for user in mem::take(&mut self.users) {
            let behind = state.users.remove(&user).unwrap_or_default();
            state.queue.extend(behind);
        }
        drop(state);
        self.queue.start(&self.service);
    }
}

/// Whether another transaction, with fewer requests, may succeed: the database is there and takes writes.
fn may_be_one_requests_fault(failure: &ServiceError) -> bool {
    match failure {
        ServiceError::Database(error) => match storage::classify(error) {
            ErrorClass::Contended | ErrorClass::UnstorableText | ErrorClass::Internal => true,
            ErrorClass::Unreachable
            | ErrorClass::ReadOnly
            | ErrorClass::Full
            | ErrorClass::NotMigrated
            | ErrorClass::NoPartition
            | ErrorClass::TransactionPooling => false,
        },
        ServiceError::Rejected(_) | ServiceError::Repeated | ServiceError::Sealed(_) => true,
        ServiceError::Unclear(_) => false,
    }
}

/// A request that is judged separately. Dropping it, even by a panic, gives up its turn.
struct Single {
    queue: AskQueue,
    service: Service,
}

impl Single {
    async fn run(self, job: Job) {
        let answer = batch::judge_one(&self.service, &job.addressed, LockWait::Brief).await;
        if answer.as_ref().is_err_and(waited_for_a_lock) {
            let waiting = Waiting::begin(self.queue.clone(), self.service.clone(), job.action());
            tokio::spawn(waiting.run(job));
        } else {
            let _ = job.answer.send(answer);
        }
    }
}

impl Drop for Single {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.singles -= 1;
        drop(state);
        self.queue.start(&self.service);
    }
}

/// The error of a request that waited too long. Nothing was written for it.
fn overdue() -> ServiceError {
    sqlx::Error::from(ConnectError::Overdue).into()
}

/// Whether a row was held for longer than the statement waited (`lock_not_available`).
fn waited_for_a_lock(failure: &ServiceError) -> bool {
    let ServiceError::Database(error) = failure else { return false };
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() == Some("55P03")
}

/// A request that waits for a lock. Dropping it lets requests for its action share transactions again.
struct Waiting {
    queue: AskQueue,
    service: Service,
    action: ActionPath,
    turns: Arc<Semaphore>,
}

impl Waiting {
    fn begin(queue: AskQueue, service: Service, action: ActionPath) -> Self {
        let mut state = queue.lock();
        let held_up = state
            .held_up
            .entry(action.clone())
            .or_insert_with(|| HeldUp { requests: 0, turns: Arc::new(Semaphore::new(WAITING_FOR_ACTION)) });
        held_up.requests += 1;
        let turns = held_up.turns.clone();
        drop(state);
        Self { queue, service, action, turns }
    }

    async fn run(self, job: Job) {
        let limit = self.service.db.limits().lock;
        let turn = timeout(limit, async {
            let of_action = self.turns.acquire().await;
            (of_action, self.queue.0.waiting.acquire().await)
        });
        let answer = match turn.await {
            Ok(_turns) => batch::judge_one(&self.service, &job.addressed, LockWait::Usual).await,
            Err(_) => Err(overdue()),
        };
        let _ = job.answer.send(answer);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        if let Some(held_up) = state.held_up.get_mut(&self.action) {
            held_up.requests -= 1;
            if held_up.requests == 0 {
                state.held_up.remove(&self.action);
            }
        }
        drop(state);
        self.queue.start(&self.service);
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::Map;
    use uuid::Uuid;

    use super::*;
    use crate::{
        domain::{
            approvals::{Agent, Conversation},
            arguments::{Arguments, Digest},
        },
        service::{
            ask::{Ask, UserRef},
            authenticate::ApiKey,
        },
    };

    type Answer = oneshot::Receiver<Result<Asked, ServiceError>>;

    /// A request of a user for an action, and where its caller waits.
    fn job(user: &str, action: &str, key: Option<&str>) -> (Job, Answer) {
        let user = UserId::parse(user).unwrap();
        let arguments = Arguments::from_stored(Map::new());
        let arguments_digest = arguments.digest();
        let ask = Ask {
            key: ApiKey::new(ApiKeyId::new(Uuid::from_u128(1)), [0; 32]),
            idempotency_key: key.map(|key| ForeignId::new(key).unwrap()),
            digest: Digest::for_json(&Map::new()),
            user: UserRef::Id(user.clone()),
            agent: Agent { id: ForeignId::new("atlas").unwrap(), name: None },
            conversation: Conversation { id: ForeignId::new("c-1").unwrap(), title: None, url: None },
            integration: IntegrationKey::new("github").unwrap(),
            action: ActionKey::new(action).unwrap(),
            arguments,
            editable: false,
            reason: None,
            expires_in: TimeDelta::minutes(30),
            place: None,
            metadata: None,
        };
        let (answer, answered) = oneshot::channel();
        let addressed = Addressed { ask, user, arguments_digest };
        (Job { addressed, answer, taken: Arc::default(), ours: false }, answered)
    }

    /// A queue with these requests, and their callers.
    fn queue(jobs: impl IntoIterator<Item = (Job, Answer)>) -> (State, Vec<Answer>) {
        let (jobs, callers): (VecDeque<_>, Vec<_>) = jobs.into_iter().unzip();
        (State { queue: jobs, ..State::default() }, callers)
    }

    fn users(jobs: &[Job]) -> Vec<&str> {
        jobs.iter().map(|job| job.addressed.user.as_str()).collect()
    }

    #[test]
    fn a_transaction_takes_64_in_order() {
        let (mut state, _callers) = queue((0..70).map(|number| job(&format!("U{number}"), "act", None)));
        let first = state.next_batch();
        assert_eq!((first.len(), users(&first)[63], state.queue.len()), (64, "U63", 6));
        assert_eq!(users(&state.next_batch()), ["U64", "U65", "U66", "U67", "U68", "U69"]);
    }

    #[test]
    fn fewer_transactions_are_under_way_after_one_waited() {
        let mut room = Room::default();
        let mut after = |waited: &[bool]| {
            for &waited in waited {
                if waited { room.shrink() } else { room.grow() }
            }
            room.transactions()
        };
        assert_eq!(after(&[]), BATCHES);
        assert_eq!(after(&[false]), BATCHES, "never more");
        assert_eq!(after(&[true]), 1);
        assert_eq!(after(&[true; 9]), 1, "never none");
        assert_eq!(after(&[false; SUCCESSES - 1]), 1);
        assert_eq!(after(&[false]), 2);
        assert_eq!(after(&[false; SUCCESSES]), 3);
    }

    #[test]
    fn a_users_requests_share_a_transaction_or_wait_for_it() {
        let (mut state, _callers) = queue(["UA", "UB", "UA"].map(|user| job(user, "act", None)));
        assert_eq!(users(&state.next_batch()), ["UA", "UB", "UA"]);
        let (late, _caller) = job("UA", "act", None);
        state.queue.push_back(late);
        assert!(state.next_batch().is_empty());
        assert_eq!(state.users[&UserId::parse("UA").unwrap()].len(), 1);
    }

    #[test]
    fn a_repeated_key_waits_for_the_first() {
        let (mut state, _callers) = queue(["UA", "UB"].map(|user| job(user, "act", Some("k"))));
        assert_eq!(users(&state.next_batch()), ["UA"]);
        assert_eq!(state.users[&UserId::parse("UB").unwrap()].len(), 1);
    }

    #[test]
    fn a_caller_who_is_gone_delays_no_other() {
        let (mut state, mut callers) = queue(["UA", "UB"].map(|user| job(user, "act", Some("k"))));
        drop(callers.remove(0));
        assert_eq!(users(&state.next_batch()), ["UB"], "with the same key");
        assert!(!state.users.contains_key(&UserId::parse("UA").unwrap()));
        let (withdrawn, _caller) = job("UC", "act", None);
        withdrawn.taken.store(true, Ordering::Release);
        state.queue.push_back(withdrawn);
        assert!(state.next_batch().is_empty());
        assert!(!state.users.contains_key(&UserId::parse("UC").unwrap()));
    }

    #[test]
    fn an_action_that_is_held_up_shares_no_transaction() {
        let (mut state, _callers) =
            queue([("UA", "held"), ("UB", "free")].map(|(user, action)| job(user, action, None)));
        let held = (IntegrationKey::new("github").unwrap(), ActionKey::new("held").unwrap());
        state.held_up.insert(held, HeldUp { requests: 1, turns: Arc::new(Semaphore::new(1)) });
        assert_eq!(users(&state.next_batch()), ["UB"]);
        assert_eq!(state.alone.len(), 1);
    }
}
