//! What the requests in the queue wait for, and which of them share the next transaction.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{Semaphore, oneshot};

use super::room::Room;
use crate::{
    domain::{
        ids::{ApiKeyId, UserId},
        text::{ActionKey, ForeignId, IntegrationKey},
    },
    service::{
        ServiceError,
        ask::{Addressed, Asked},
    },
};

/// How many requests share a transaction at most.
const BATCH: usize = 64;
pub(super) type ActionPath = (IntegrationKey, ActionKey);

/// A request in the queue.
pub(super) struct Job {
    pub(super) addressed: Addressed,
    pub(super) answer: oneshot::Sender<Result<Asked, ServiceError>>,
    /// Whether the caller or the queue has taken it. A caller who has waited too long takes it back.
    pub(super) taken: Arc<AtomicBool>,
    /// Whether it was the queue.
    pub(super) ours: bool,
}

impl Job {
    pub(super) fn action(&self) -> ActionPath {
        (self.addressed.ask.integration.clone(), self.addressed.ask.action.clone())
    }

    /// Takes the request, to judge it. `false` if its caller has taken it back or is gone.
    pub(super) fn take(&mut self) -> bool {
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
pub(super) struct State {
    /// A transaction.
    pub(super) queue: VecDeque<Job>,
    /// The end of a transaction: for each user with a request in one that is under way, the requests that came since.
    pub(super) users: HashMap<UserId, Vec<Job>>,
    /// Its turn to be judged separately.
    pub(super) alone: VecDeque<Job>,
    /// Whether a transaction is about to take its requests.
    pub(super) gathers: bool,
    /// How many transactions are under way, with how many requests in all, and how many may be.
    pub(super) batches: usize,
    pub(super) under_way: usize,
    pub(super) room: Room,
    /// How many requests are judged separately now.
    pub(super) singles: usize,
    /// The actions with requests that wait for a lock now.
    pub(super) held_up: HashMap<ActionPath, HeldUp>,
}

/// An action with requests that wait for a lock.
pub(super) struct HeldUp {
    pub(super) requests: usize,
    pub(super) turns: Arc<Semaphore>,
}

impl State {
    /// Whether a transaction may start while this many requests wait for one: the first one always, another one only
    /// if it would be half the size of those under way, on average. The larger the share, the less each request costs,
    /// and the more requests have to be judged one by one when one of them waits for a lock.
    pub(super) fn may_start(&self, waiting: usize) -> bool {
        let large_enough = 2 * waiting * self.batches >= self.under_way;
        self.batches < self.room.transactions() && large_enough
    }

    /// Takes the requests of the next transaction from the queue, at most one with each idempotency key.
    pub(super) fn next_batch(&mut self) -> Vec<Job> {
        let (mut jobs, mut users, mut keys) = (Vec::new(), HashSet::new(), HashMap::<_, UserId>::new());
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
            if let Some(first) = key.as_ref().and_then(|key| keys.get(key)) {
                // After this transaction, it finds what the first one led to. Behind that one's user, because the end of
                // a transaction wakes only what waits for the users in it.
                self.users.entry(first.clone()).or_default().push(job);
                continue;
            }
            if job.take() {
                let user = job.addressed.user.clone();
                keys.extend(key.map(|key| (key, user.clone())));
                users.insert(user);
                jobs.push(job);
            }
        }
        for user in users {
            self.users.entry(user).or_default();
        }
        jobs
    }
}

#[cfg(test)]
pub(super) mod tests {
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

    pub(in super::super) type Answer = oneshot::Receiver<Result<Asked, ServiceError>>;

    /// A request of a user for an action, and where its caller waits.
    pub(in super::super) fn job(user: &str, action: &str, key: Option<&str>) -> (Job, Answer) {
        let user = UserId::parse(user).unwrap();
        let arguments = Arguments::from_stored(Map::new());
        let arguments_digest = arguments.digest();
        let ask = Ask {
            approvers: None,
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
            abandon_after: None,
            callback_url: None,
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
    fn another_transaction_starts_with_as_many_requests_as_the_others_have() {
        let with = |batches, under_way| State { batches, under_way, ..State::default() };
        assert!(with(0, 0).may_start(1));
        assert!(with(1, 1).may_start(1), "few requests do not wait for each other");
        assert!(!with(2, 40).may_start(9), "10 are half of 20");
        assert!(with(2, 40).may_start(10));
        assert!(!with(3, 3).may_start(64), "at most three");
    }

    #[test]
    fn a_transaction_takes_64_in_order() {
        let (mut state, _callers) = queue((0..70).map(|number| job(&format!("U{number}"), "act", None)));
        let first = state.next_batch();
        assert_eq!((first.len(), users(&first)[63], state.queue.len()), (64, "U63", 6));
        assert_eq!(users(&state.next_batch()), ["U64", "U65", "U66", "U67", "U68", "U69"]);
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
        assert_eq!(state.users[&UserId::parse("UA").unwrap()].len(), 1);
        assert!(!state.users.contains_key(&UserId::parse("UB").unwrap()), "nothing would wake it");
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
