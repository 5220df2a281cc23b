//! The queue of requests for approvals: those that arrive while others are under way form the next transaction.
//!
//! Nothing waits for a timer. A request that finds no transaction under way starts one of its own at once. Up to three
//! are under way while enough requests wait to fill them: a transaction costs the same for one request as for many, so
//! small ones beside large ones would only slow those down. The requests of a user are never in two transactions at the
//! same time, where they would wait for each other's locks.
//!
//! One request's fault or lock must not cost the others anything. A transaction that fails, or that waits 20 ms for a
//! row that another one holds, is rolled back, and each of its requests is judged separately. One that still has to wait
//! does so beside the queue. Until it has its answer, no request for the same action shares a transaction with others.

mod room;
mod state;

use std::{
    collections::HashSet,
    fmt, mem, slice,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    sync::{Semaphore, oneshot},
    task,
    time::timeout,
};

use self::state::{ActionPath, HeldUp, Job, State};
use super::{
    Service, ServiceError,
    ask::{Addressed, Asked},
    batch,
    unit_of_work::{LOST, is_a_lost_connection},
};
use crate::{
    domain::ids::UserId,
    storage::{self, ConnectError, ErrorClass, LockWait},
};

/// How often tasks that are ready run before a transaction takes its requests: one reads a request that has arrived, the
/// next authenticates its caller.
const TURNS: usize = 3;
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
        } else if state.queue.is_empty() && state.may_start(1) && job.take() {
            let user = job.addressed.user.clone();
            state.users.entry(user.clone()).or_default();
            return Some((Batch::begin(self, service, &mut state, slice::from_ref(&job)), job));
        } else {
            state.queue.push_back(job);
        }
        drop(state);
        self.start(service);
        None
    }

    /// Starts what may be under way.
    fn start(&self, service: &Service) {
        let mut singles = Vec::new();
        let mut state = self.lock();
        let gathers = !state.gathers && !state.queue.is_empty() && state.may_start(state.queue.len());
        state.gathers |= gathers;
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
        if gathers {
            tokio::spawn(Gathering { queue: self.clone(), service: service.clone() }.run());
        }
        for (single, job) in singles {
            tokio::spawn(single.run(job));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transaction that is about to take its requests. Dropping it lets another one do so.
struct Gathering {
    queue: AskQueue,
    service: Service,
}

impl Gathering {
    async fn run(self) {
        for _ in 0..TURNS {
            task::yield_now().await;
        }
        let (batch, jobs) = {
            let mut state = self.queue.lock();
            let jobs = state.next_batch();
            (Batch::begin(&self.queue, &self.service, &mut state, &jobs), jobs)
        };
        let (queue, service) = (self.queue.clone(), self.service.clone());
        drop(self);
        queue.start(&service);
        if !jobs.is_empty() {
            batch.run(jobs).await;
        }
    }
}

impl Drop for Gathering {
    /// Starts nothing: a runtime that is shutting down would drop that too, and so on without end.
    fn drop(&mut self) {
        self.queue.lock().gathers = false;
    }
}

/// A transaction under way. Dropping it, even by a panic, lets the next one begin.
struct Batch {
    queue: AskQueue,
    service: Service,
    users: HashSet<UserId>,
    size: usize,
}

impl Batch {
    fn begin(queue: &AskQueue, service: &Service, state: &mut State, jobs: &[Job]) -> Self {
        state.batches += 1;
        state.under_way += jobs.len();
        let users = jobs.iter().map(|job| job.addressed.user.clone()).collect();
        Self { queue: queue.clone(), service: service.clone(), users, size: jobs.len() }
    }

    async fn run(self, jobs: Vec<Job>) {
        metrics::histogram!("countersign_ask_batch_size")
            .record(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
        let asks: Vec<&Addressed> = jobs.iter().map(|job| &job.addressed).collect();
        let (mut lost, mut wait) = (0, self.queue.lock().room.wait());
        let judged = loop {
            match batch::judge(&self.service, &asks, wait).await {
                // After the database restarted, every connection in the pool may be a lost one.
                Err(failure) if lost < LOST && is_a_lost_connection(&failure) => lost += 1,
                // Another instance judges requests of the same users. Judged separately, each of these would wait for
                // it too.
                Err(failure) if wait == LockWait::Brief && waited_for_requests(&failure) => {
                    self.queue.lock().room.share();
                    wait = LockWait::InTurn;
                }
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
        state.under_way -= self.size;
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

fn waited_for_a_lock(failure: &ServiceError) -> bool {
    matches!(failure, ServiceError::Database(error) if storage::is_a_lock_timeout(error))
}

/// Whether it was for a row that requests lock against each other.
fn waited_for_requests(failure: &ServiceError) -> bool {
    let tables = ["conversations", "grants"];
    matches!(failure, ServiceError::Database(error) if storage::is_a_lock_timeout_at(error, &tables))
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
    use std::{sync::mpsc, thread, time::Duration};

    use tokio::runtime::Runtime;
    use uuid::Uuid;

    use super::{state::tests::job, *};
    use crate::{
        clock::Clock,
        entropy::Entropy,
        heartbeat::Heartbeats,
        seal::Sealer,
        service::{
            agent_log::AgentsSeen, key_use_log::KeyUses, listeners::Listeners, pending_limit::PendingLimit,
            unreadable::Unreadable,
        },
        storage::{Db, Limits},
    };

    fn service() -> Service {
        let (clock, limits) = (Clock::system(), Limits::COMMAND);
        let listeners = Listeners::new(Uuid::from_u128(1), clock.clone());
        Service {
            db: Db::new("postgres://127.0.0.1:1/none", 1, limits).unwrap(),
            clock,
            entropy: Entropy::system(),
            sealer: Arc::new(Sealer::new(None).unwrap()),
            pending_limit: PendingLimit::new(1, 1),
            key_uses: KeyUses::default(),
            agents_seen: AgentsSeen::default(),
            heartbeats: Heartbeats::default(),
            policies: crate::service::policy_cache::Policies::default(),
            unreadable: Unreadable::default(),
            listeners,
        }
    }

    /// A runtime that has shut down drops a task where it is spawned, and with it whatever its drop locks.
    #[test]
    fn a_runtime_that_has_shut_down_blocks_no_request() {
        let (done, ended) = mpsc::channel();
        thread::spawn(move || {
            let runtime = Runtime::new().unwrap();
            let handle = runtime.handle().clone();
            let queue = AskQueue::default();
            let service = handle.block_on(async { service() });
            runtime.shutdown_background();
            let _entered = handle.enter();
            let (jobs, _callers): (Vec<_>, Vec<_>) =
                ["UA", "UB", "UC", "UD"].map(|user| job(user, "act", None)).into_iter().unzip();
            let under_way: Vec<_> = jobs.into_iter().filter_map(|job| queue.push(&service, job)).collect();
            assert_eq!((under_way.len(), queue.lock().queue.len()), (3, 1));
            let (alone, _caller) = job("UE", "act", None);
            queue.lock().alone.push_back(alone);
            drop(under_way);
            done.send(()).unwrap();
        });
        ended.recv_timeout(Duration::from_secs(30)).unwrap();
    }
}
