//! Two instances on the same rows: users, grants, conversations and idempotency keys, while permissions come and go.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Mutex,
    time::{Duration, Instant},
};

use countersign::{
    domain::{
        audit::Actor,
        decisions::Choice,
        grants::Scope,
        ids::UserId,
        people::{ActingUser, PersonKind},
        text::{ActionKey, IntegrationKey},
    },
    entropy::Entropy,
    service::{Service, ServiceError, decide, decide::Click, turn_off, unlock, unlock::LockCommand},
    storage::Db,
};
use futures::future::join_all;
use sandbox::{
    backend::{Api, Ask, Reply},
    slack::{User, names},
};
use serde_json::json;

use crate::{batches::CROWD, crowd::crowded_story, story::TestApp};

const INTEGRATION: &str = "tool";
const USERS: usize = 8;
const ACTIONS: usize = 5;
const CONVERSATIONS: usize = 4;
/// How long permissions come and go.
const TIME: Duration = Duration::from_secs(6);
/// The longest pause between two changes of one lane, in milliseconds.
const PAUSE: usize = 200;
/// How many lanes end permissions, and how many give them.
const ENDING: usize = 2;
const GIVING: usize = 3;

/// Random numbers of one lane.
struct Dice(Entropy);

impl Dice {
    fn new(seed: u64, lane: usize) -> Self {
        Self(Entropy::seeded(seed.wrapping_add(lane as u64)))
    }

    /// A number below `sides`.
    fn roll(&self, sides: usize) -> usize {
        let bytes = self.0.bytes();
        usize::from(u16::from_le_bytes([bytes[0], bytes[1]])) % sides
    }

    async fn pause(&self) {
        tokio::time::sleep(Duration::from_millis(self.roll(PAUSE) as u64)).await;
    }
}

/// A request that was answered.
struct Asked {
    sent: Instant,
    key: Option<String>,
    reply: Reply,
}

/// A grant that a click gave.
struct KnownGrant {
    id: String,
    user: usize,
    action: usize,
    conversation: Option<usize>,
    /// When the click was answered.
    since: Instant,
}

/// What ends grants.
#[derive(Debug, Clone)]
enum End {
    TurnOff(String),
    Lock(usize),
    Disconnect(usize),
    Close(usize),
}

/// An end that was answered.
struct Ended {
    end: End,
    started: Instant,
    returned: Instant,
}

impl Ended {
    /// Whether it may have ended a grant before this.
    fn may_end(&self, grant: &KnownGrant, before: Instant) -> bool {
        self.started < before && self.returned > grant.since && self.end.reaches(grant)
    }
}

impl End {
    fn reaches(&self, grant: &KnownGrant) -> bool {
        match self {
            Self::TurnOff(id) => *id == grant.id,
            Self::Lock(action) => *action == grant.action,
            Self::Disconnect(user) => *user == grant.user,
            Self::Close(conversation) => Some(*conversation) == grant.conversation,
        }
    }
}

/// What happened, and the seed that led to it.
struct Run<'a> {
    s: &'a TestApp,
    /// The use cases of a click and of an operator, which wait as long for rows as the instances do.
    service: Service,
    /// The API at each instance.
    instances: [Api; 2],
    seed: u64,
    until: Instant,
    asked: Mutex<Vec<Asked>>,
    given: Mutex<Vec<KnownGrant>>,
    ended: Mutex<Vec<Ended>>,
    /// Answers that none of these calls may have.
    wrong: Mutex<BTreeMap<String, usize>>,
}

fn user(number: usize) -> String {
    format!("U0SHARED{number}")
}

fn action(number: usize) -> String {
    format!("act_{number}")
}

fn ask(user_number: usize, action_number: usize, conversation: usize, body: usize) -> Ask {
    Ask::new(&user(user_number), INTEGRATION, &action(action_number), json!({ "body": body }))
        .in_conversation(&format!("c-{conversation}"))
}

impl Run<'_> {
    fn instance(&self, dice: &Dice) -> &Api {
        &self.instances[dice.roll(2)]
    }

    /// Notes an answer that is not one of these.
    fn expect(&self, what: &str, reply: &Reply, statuses: &[u16]) {
        if !statuses.contains(&reply.status) {
            let answer = format!("{what}: {} {} {:?}", reply.status, reply.text, reply.error);
            *self.wrong.lock().unwrap().entry(answer).or_default() += 1;
        }
    }

    /// Asks an instance for one thing after the other. Some requests come again, with the same key, at either instance;
    /// some that stay pending are cancelled by the other one.
    async fn keep_asking(&self, lane: usize) {
        let dice = Dice::new(self.seed, lane);
        let (here, there) = (&self.instances[lane % 2], &self.instances[(lane + 1) % 2]);
        while Instant::now() < self.until {
            let (user, action, conversation) =
                (dice.roll(USERS), dice.roll(ACTIONS), dice.roll(CONVERSATIONS));
            let key =
                (dice.roll(4) == 0).then(|| format!("k-{user}-{action}-{conversation}-{}", dice.roll(8)));
            let changed = key.is_some() && dice.roll(8) == 0;
            let ask = ask(user, action, conversation, usize::from(changed));
            let sent = Instant::now();
            let reply = match &key {
                Some(key) => here.ask_once(&ask, key).await,
                None => here.ask(&ask).await,
            };
            // A key that was used with another body is refused.
            self.expect("ask", &reply, if key.is_some() { &[200, 201, 422] } else { &[201] });
            if reply.status == 201 && reply.approval_status() == "pending" && dice.roll(3) > 0 {
                self.expect("cancel", &there.cancel(reply.id()).await, &[200]);
            }
            self.asked.lock().unwrap().push(Asked { sent, key, reply });
        }
    }

    /// Ends permissions, each in one of the four ways.
    async fn keep_ending(&self, lane: usize) {
        let dice = Dice::new(self.seed, lane);
        while Instant::now() < self.until {
            dice.pause().await;
            let end = match dice.roll(10) {
                0..6 => {
                    let given = self.given.lock().unwrap();
                    // One of the last, which is probably live.
                    let Some(one) = given.iter().rev().nth(dice.roll(12)) else { continue };
                    End::TurnOff(one.id.clone())
                }
                6 => End::Lock(dice.roll(ACTIONS)),
                7 => End::Disconnect(dice.roll(USERS)),
                _ => End::Close(dice.roll(CONVERSATIONS)),
            };
            let started = Instant::now();
            match &end {
                End::TurnOff(grant) => self.turn_off(grant).await,
                End::Lock(action) => {
                    self.set_lock(*action, LockCommand::Lock).await;
                }
                End::Disconnect(number) => {
                    let reply = self.instance(&dice).disconnect_user(&user(*number), INTEGRATION).await;
                    self.expect("disconnect", &reply, &[204]);
                }
                End::Close(conversation) => {
                    let reply = self.instance(&dice).close_conversation(&format!("c-{conversation}")).await;
                    self.expect("close", &reply, &[204, 404]);
                }
            }
            self.ended.lock().unwrap().push(Ended { end, started, returned: Instant::now() });
        }
    }

    async fn set_lock(&self, number: usize, command: LockCommand) {
        let path = (&IntegrationKey::new(INTEGRATION).unwrap(), &ActionKey::new(action(number)).unwrap());
        unlock::set(&self.service, self.s.workspace, path, command, &Actor::Operator).await.unwrap();
    }

    async fn turn_off(&self, grant: &str) {
        let owner = {
            let given = self.given.lock().unwrap();
            given.iter().find(|one| one.id == grant).unwrap().user
        };
        let owner = UserId::parse(&user(owner)).unwrap();
        let turned =
            turn_off::turn_off(&self.service, names::TEAM.into(), &owner, grant.parse().unwrap()).await;
        // Something else may have ended it before.
        assert!(matches!(turned, Ok(()) | Err(ServiceError::Rejected(_))), "{turned:?}");
    }

    /// Connects, unlocks, asks, and has the user allow it from now on.
    async fn keep_giving(&self, lane: usize) {
        let dice = Dice::new(self.seed, lane);
        while Instant::now() < self.until {
            self.give(&dice, dice.roll(USERS), dice.roll(ACTIONS), dice.roll(CONVERSATIONS)).await;
        }
    }

    async fn give(&self, dice: &Dice, number: usize, action: usize, conversation: usize) {
        let connected = self.instance(dice).connect_user(&user(number), INTEGRATION).await;
        self.expect("connect", &connected, &[204]);
        self.set_lock(action, LockCommand::Unlock(countersign::domain::catalog::UnlockedFor::Always)).await;
        let reply = self.instance(dice).ask(&ask(number, action, conversation, 0)).await;
        self.expect("ask", &reply, &[201]);
        if reply.status != 201 || reply.approval_status() != "pending" {
            return;
        }
        let scope = if dice.roll(2) == 0 { Scope::Always } else { Scope::Conversation };
        let user = UserId::parse(&user(number)).unwrap();
        let click = Click {
            workspace: names::TEAM.to_owned(),
            approval: reply.id().parse().unwrap(),
            acting_user: ActingUser { user, kind: PersonKind::Member },
            request: None,
        };
        match decide::decide(&self.service, &click, &Choice::Approve(scope)).await {
            Ok(approval) => {
                let id = approval.decision.unwrap().grant().unwrap().to_string();
                let conversation = (scope == Scope::Conversation).then_some(conversation);
                let since = Instant::now();
                let given = KnownGrant { id, user: number, action, conversation, since };
                self.given.lock().unwrap().push(given);
            }
            // It was locked, disconnected or closed before.
            Err(ServiceError::Rejected(_)) => {}
            Err(failure) => panic!("{failure}"),
        }
    }

    /// When a call that ended this grant was answered, for the first time.
    fn ends_of_grants(&self) -> HashMap<String, Instant> {
        let (given, ended) = (self.given.lock().unwrap(), self.ended.lock().unwrap());
        let mut ends = HashMap::<String, Instant>::new();
        for Ended { end, started, returned } in ended.iter() {
            // An always grant takes those for conversations with it, unless something else ended it before.
            let with_it: Vec<_> = given
                .iter()
                .filter(|off| matches!(end, End::TurnOff(id) if *id == off.id) && off.conversation.is_none())
                .filter(|off| {
                    !ended.iter().any(|other| other.started != *started && other.may_end(off, *returned))
                })
                .map(|off| (off.user, off.action))
                .collect();
            let reached = given
                .iter()
                .filter(|one| one.since <= *started)
                .filter(|one| end.reaches(one) || with_it.contains(&(one.user, one.action)));
            for one in reached {
                let first = ends.entry(one.id.clone()).or_insert(*returned);
                *first = (*first).min(*returned);
            }
        }
        ends
    }

    fn check_answers(&self) {
        let wrong = self.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{wrong:#?}");
        let (asked, ends) = (self.asked.lock().unwrap(), self.ends_of_grants());
        let mut keys = HashMap::<&str, &str>::new();
        let mut approved = 0;
        for Asked { sent, key, reply } in asked.iter().filter(|one| one.reply.status < 400) {
            if let Some(key) = key {
                let first = *keys.entry(key).or_insert(reply.id());
                assert_eq!(first, reply.id(), "two approvals for the key {key}");
            }
            // An earlier answer, given again.
            let is_new = reply.status == 201;
            if is_new && reply.approval_status() == "approved" {
                approved += 1;
                let grant = reply.str("/decision/grant");
                let is_late = ends.get(grant).is_some_and(|end| end < sent);
                assert!(!is_late, "approved by a grant whose end had been answered: {reply:?}");
            }
        }
        // Otherwise this shows nothing.
        assert!(
            approved > 5 && ends.len() > 5,
            "{} asked, {approved} approved, {} grants ended",
            asked.len(),
            ends.len()
        );
    }
}

/// What contradicts itself in the database.
async fn contradictions(s: &TestApp) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT 'key with two approvals: ' || idempotency_key FROM approvals WHERE idempotency_key IS NOT NULL
             GROUP BY backend_id, idempotency_key HAVING count(*) > 1
         UNION ALL SELECT 'uses of the grant ' || g.id FROM used_grants g WHERE g.use_count <>
             (SELECT count(*) FROM approvals p WHERE p.decision_grant = g.id AND p.decided_by = 'auto')
         UNION ALL SELECT format('%s approval %s with %s requests and %s ends in the audit', p.status, p.id, e.requested, e.ended)
             FROM approvals p, LATERAL (SELECT count(*) FILTER (WHERE what = 'approval.requested') AS requested,
                 count(*) FILTER (WHERE what IN ('approval.approved', 'approval.denied', 'approval.expired',
                     'approval.cancelled', 'approval.undeliverable')) AS ended
                 FROM audit WHERE approval_id = p.id) e
             WHERE e.ended <> (p.status <> 'pending')::int
                OR e.requested <> (p.status <> 'approved' OR p.decided_by <> 'auto')::int
         UNION ALL SELECT format('grant %s, given %s times and ended %s times in the audit', g.id, e.given, e.revoked)
             FROM grants g, LATERAL (SELECT count(*) FILTER (WHERE what = 'grant.given') AS given,
                 count(*) FILTER (WHERE what = 'grant.revoked') AS revoked FROM audit WHERE grant_id = g.id) e
             WHERE e.given <> 1 OR e.revoked <> (g.revoked_at IS NOT NULL)::int
         UNION ALL SELECT format('%s twice in a row: %s', what, subject)
             FROM (SELECT what, subject, lag(what) OVER (PARTITION BY split_part(what, '.', 1), subject ORDER BY id) AS before
                   FROM audit WHERE what IN ('action.locked', 'action.unlocked', 'connection.added', 'connection.removed')) e
             WHERE what = before
         UNION ALL SELECT 'pending without a prompt: ' || p.id FROM approvals p WHERE p.status = 'pending'
             AND NOT EXISTS (SELECT FROM outbox o WHERE o.approval_id = p.id AND o.kind IN ('prompt', 'shared_prompt'))
         UNION ALL SELECT 'approved by a grant for something else: ' || p.id
             FROM approvals p JOIN grants g ON g.id = p.decision_grant
             WHERE (g.user_id, g.action_id) <> (p.user_id, p.action_id)
                OR (g.scope = 'conversation' AND (g.backend_id, g.conversation_id) <> (p.backend_id, p.conversation_id))",
    )
    .fetch_all(&s.service.db)
    .await
    .unwrap()
}

/// `COUNTERSIGN_SEED` repeats the choices of a run, though not the order in which the calls meet.
#[tokio::test(flavor = "multi_thread")]
async fn two_instances_agree_while_permissions_come_and_go() {
    let seed = std::env::var("COUNTERSIGN_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| {
        let bytes = Entropy::system().bytes();
        u64::from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    });
    #[expect(clippy::print_stderr, reason = "it stands beside why the test failed")]
    {
        eprintln!("COUNTERSIGN_SEED={seed}");
    }
    crowded_story(async |s| {
        let actions: Vec<_> =
            (0..ACTIONS).map(|number| json!({ "key": action(number), "name": "Act" })).collect();
        let body = json!({ "name": "Tool", "requires_connection": true, "actions": actions });
        assert_eq!(s.api().put_integration(INTEGRATION, &body).await.status, 200);
        for number in 0..USERS {
            s.slack.add_user(User::new(&user(number), names::TEAM, "member", "Member"));
        }
        let other = s.instance().await;
        let url = format!("http://{}", other.address());
        let there = Api::new(sandbox::http::client().unwrap(), &url, s.key());
        let db = Db::new(s.database_url(), 10, s.config.database.limits).unwrap();
        let mut run = Run {
            s,
            service: Service { db, ..s.service.clone() },
            instances: [s.api(), there],
            seed,
            until: Instant::now(),
            asked: Mutex::default(),
            given: Mutex::default(),
            ended: Mutex::default(),
            wrong: Mutex::default(),
        };
        let dice = Dice::new(seed, 3000);
        for number in 0..USERS * ACTIONS {
            run.give(&dice, number % USERS, number / USERS, number % CONVERSATIONS).await;
        }
        run.until = Instant::now() + TIME;
        let asking = join_all((0..CROWD).map(|lane| run.keep_asking(lane)));
        let ending = join_all((0..ENDING).map(|lane| run.keep_ending(1000 + lane)));
        let giving = join_all((0..GIVING).map(|lane| run.keep_giving(2000 + lane)));
        tokio::join!(asking, ending, giving);
        run.check_answers();
        run.service.db.close().await;
        other.shutdown().await;
        s.stop().await;
        assert_eq!(contradictions(s).await, Vec::<String>::new());
    })
    .await;
}
