//! Requests for approvals that share a transaction: each is answered as if it had come separately, and none
//! costs another anything.

use std::fmt::Write as _;

use chrono::TimeDelta;
use countersign::{
    domain::{
        api_keys::KeyScope,
        approvals::{Agent, Conversation},
        arguments::{Arguments, Digest},
        callbacks::CallbackUrl,
        ids::UserId,
        text::{ActionKey, ForeignId, IntegrationKey, Name},
    },
    service::{
        ServiceError,
        ask::{Addressed, Ask, Asked, UserRef},
        authenticate::{self, ApiKey, Caller},
        batch, close_conversation,
        connect::{self, Report},
        grant_uses, partitions,
        pending_limit::PendingLimit,
        unlock,
    },
    storage::LockWait,
};
use futures::future::join_all;
use proptest::{collection::vec, option, prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use sandbox::backend::Ask as Call;
use serde_json::{Value, json};

use crate::story::{ALICE, TestApp, story, story_as};

const ACTION: &str = "github.create_issue";
const OTHER: &str = "github.merge_pull_request";
/// How many requests are under way at the same time: as many as one transaction takes.
pub const CROWD: usize = 64;

/// Sends requests at the same time, over HTTP.
pub async fn ask_at_once(s: &TestApp, calls: Vec<Call>) -> Vec<sandbox::backend::Reply> {
    let sent = calls.into_iter().map(|call| {
        let api = s.api();
        tokio::spawn(async move { api.ask(&call).await })
    });
    join_all(sent.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).collect()
}

async fn count(s: &TestApp, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(&s.service.db).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_arrive_together_share_transactions() {
    story(async |s| {
        s.put("github").await;
        let calls: Vec<_> = (0..CROWD).map(|number| s.call(ACTION, &format!("c-{number}"))).collect();
        for reply in ask_at_once(s, calls).await {
            assert_eq!((reply.status, reply.approval_status()), (201, "pending"), "{reply:?}");
        }
        let approvals = count(s, "SELECT count(*) FROM approvals").await;
        let transactions = count(s, "SELECT count(DISTINCT xmin::text) FROM approvals").await;
        assert_eq!(approvals, 64);
        assert!(transactions < 32, "{transactions}");
        let entries = "SELECT count(DISTINCT approval_id) FROM audit WHERE what = 'approval.requested'";
        assert_eq!(count(s, entries).await, 64);
        assert_eq!(count(s, "SELECT count(*) FROM outbox WHERE kind = 'prompt'").await, 64);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_costs_the_others_nothing() {
    story_as(
        |config, _| config.limits.pending_approvals = 40,
        async |s| {
            s.put("github").await;
            let (api, call) = (s.api(), s.call(ACTION, "c-0"));
            assert_eq!(api.ask_once(&call, "k").await.status, 201);
            let mut other = call.clone();
            other.reason = Some("Another body".to_owned());
            let repeats = (0..8).map(|_| async { api.ask_once(&other, "k").await.status });
            let calls: Vec<_> = (1..CROWD).map(|number| s.call(ACTION, &format!("c-{number}"))).collect();
            let (reused, answers) = tokio::join!(join_all(repeats), ask_at_once(s, calls));
            assert_eq!(reused, [422; 8]);
            let taken = answers.iter().filter(|reply| reply.status == 201).count();
            let too_many = answers.iter().filter(|reply| reply.status == 429).count();
            assert_eq!((taken, too_many), (39, 24), "the backend may have 40 pending");
            assert_eq!(count(s, "SELECT count(*) FROM approvals").await, 40);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_row_holds_up_only_those_who_need_it() {
    story(async |s| {
        s.put("github").await;
        let mut held = s.service.db.begin().await.unwrap();
        sqlx::query("SELECT FROM actions WHERE key = 'create_issue' FOR UPDATE")
            .execute(&mut *held)
            .await
            .unwrap();
        let mut calls: Vec<_> = (0..8).map(|number| s.call(ACTION, &format!("held-{number}"))).collect();
        calls.extend((0..CROWD).map(|number| s.call(OTHER, &format!("free-{number}"))));
        for (number, call) in calls.iter_mut().enumerate() {
            call.user = ["U0ALICE", "U0BOB", "U0ADMIN"][number % 3].to_owned();
        }
        let free = calls.split_off(8);
        let waiting = calls.into_iter().map(|call| {
            let api = s.api();
            tokio::spawn(async move { api.ask(&call).await })
        });
        let waiting: Vec<_> = waiting.collect();
        // All of these have their answers while the row is held.
        for reply in ask_at_once(s, free).await {
            assert_eq!(reply.status, 201, "{reply:?}");
        }
        held.rollback().await.unwrap();
        for reply in join_all(waiting).await {
            let reply = reply.unwrap();
            // Those that waited for too long are told to come back.
            assert!(matches!(reply.status, 201 | 503), "{reply:?}");
        }
        for number in 0..8 {
            s.ask(&s.call(ACTION, &format!("later-{number}"))).await;
        }
    })
    .await;
}

/// Another instance that judges requests in the same conversation holds its row for as long as a transaction takes.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_wait_for_other_requests_stay_together() {
    story(async |s| {
        s.put("github").await;
        s.ask(&s.call(ACTION, "shared")).await;
        let mut other = s.service.db.begin().await.unwrap();
        sqlx::query("SELECT FROM conversations WHERE id = 'shared' FOR UPDATE")
            .execute(&mut *other)
            .await
            .unwrap();
        let mut calls: Vec<_> = (1..CROWD).map(|number| s.call(ACTION, &format!("c-{number}"))).collect();
        calls.push(s.call(ACTION, "shared"));
        let ends = async {
            tokio::time::sleep(std::time::Duration::from_millis(60)).await;
            other.rollback().await.unwrap();
        };
        let (answers, ()) = tokio::join!(ask_at_once(s, calls), ends);
        assert!(answers.iter().all(|reply| reply.status == 201), "{answers:?}");
        let transactions = count(s, "SELECT count(DISTINCT xmin::text) FROM approvals").await;
        assert!(transactions < 16, "{transactions}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_one_grant_approves_do_not_wait_for_each_other() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-first")).await;
        s.choose(ALICE, &prompt, "Auto-approve always").await;
        let asked = s.ask(&s.call(ACTION, "c-1")).await;
        // As a request of another instance that is under way.
        let mut other = s.service.db.begin().await.unwrap();
        sqlx::query("SELECT FROM grants FOR SHARE").execute(&mut *other).await.unwrap();
        assert_eq!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "approved");
        // Nor do those that then run.
        let digest = asked.body["arguments_digest"].as_str().unwrap();
        assert_eq!(s.api().take_permit(asked.id(), digest, "").await.status, 200);
        other.rollback().await.unwrap();
    })
    .await;
}

/// One request of a random history, in small numbers.
#[derive(Debug, Clone)]
struct Spec {
    user: usize,
    action: usize,
    conversation: usize,
    title: Option<usize>,
    key: Option<usize>,
    body: usize,
    abandon_after: Option<i64>,
}

#[derive(Debug, Clone)]
enum Step {
    /// Requests that share a transaction, in one world, and come one by one in the other.
    Asks(Vec<Spec>),
    Lock(usize),
    Unlock(usize),
    Close(usize),
    Connect(usize),
    Disconnect(usize),
    Pass(TimeDelta),
}

fn step() -> impl Strategy<Value = Step> {
    let spec = (
        0..3usize,
        0..4usize,
        0..3usize,
        option::of(0..2usize),
        option::weighted(0.3, 0..3usize),
        0..2usize,
        option::weighted(0.3, 5..600i64),
    )
        .prop_map(|(user, action, conversation, title, key, body, abandon_after)| Spec {
            user,
            action,
            conversation,
            title,
            key,
            body,
            abandon_after,
        });
    prop_oneof![
        6 => vec(spec, 1..12).prop_map(Step::Asks),
        1 => (0..3usize).prop_map(Step::Lock),
        2 => (0..3usize).prop_map(Step::Unlock),
        1 => (0..3usize).prop_map(Step::Close),
        2 => (0..3usize).prop_map(Step::Connect),
        1 => (0..3usize).prop_map(Step::Disconnect),
        1 => (1..90i64).prop_map(|seconds| Step::Pass(TimeDelta::seconds(seconds))),
        1 => Just(Step::Pass(TimeDelta::days(31))),
    ]
}

/// One of two worlds that are alike, each with a backend, an integration and people of its own.
struct World {
    /// In every name of this world; the other's is another letter.
    mark: String,
    key: ApiKey,
    /// The ids of approvals, in the order in which they were made.
    approvals: Vec<String>,
}

impl World {
    async fn begin(s: &TestApp, mark: String) -> Self {
        let (key, _) = s.create_backend(&mark).await;
        let api = s.api().with_key(&key);
        let actions: Vec<Value> =
            (0..3).map(|number| json!({ "key": format!("act_{number}"), "name": "Act" })).collect();
        let body = json!({ "name": "Tool", "requires_connection": true, "actions": actions });
        let world = Self { key: ApiKey::parse(&key).unwrap(), approvals: Vec::new(), mark };
        assert_eq!(api.put_integration(&world.integration(), &body).await.status, 200);
        for number in 0..3 {
            api.connect_user(&world.user(number), &world.integration()).await;
            s.unlock(&format!("{}.act_{number}", world.integration())).await;
        }
        // Of each user: an always grant of the first action, and a grant in the first conversation of the second.
        sqlx::query(
            "WITH conversation AS (
                 INSERT INTO conversations (backend_id, id, last_asked_at)
                 SELECT i.owner_id, $3, $4 FROM integrations i WHERE i.key = $1)
             INSERT INTO grants (id, workspace_id, user_id, action_id, scope, backend_id, conversation_id, created_at)
             SELECT gen_random_uuid(), i.workspace_id, u, a.id, CASE a.key WHEN 'act_0' THEN 'always' ELSE 'conversation' END,
                 CASE a.key WHEN 'act_1' THEN i.owner_id END, CASE a.key WHEN 'act_1' THEN $3 END, $4
             FROM integrations i JOIN actions a ON a.integration_id = i.id AND a.key <> 'act_2', unnest($2::text[]) u
             WHERE i.key = $1",
        )
        .bind(world.integration())
        .bind((0..3).map(|number| world.user(number)).collect::<Vec<_>>())
        .bind(world.conversation(0))
        .bind(s.now())
        .execute(&s.service.db)
        .await
        .unwrap();
        world
    }

    fn integration(&self) -> String {
        format!("tool_{}", self.mark)
    }

    fn user(&self, number: usize) -> String {
        format!("U{}{number}", self.mark.to_uppercase())
    }

    fn conversation(&self, number: usize) -> String {
        format!("c-{}-{number}", self.mark)
    }

    fn addressed(&self, spec: &Spec) -> Addressed {
        let user = UserId::parse(&self.user(spec.user)).unwrap();
        let arguments = json!({ "body": spec.body });
        let arguments = Arguments::from_stored(arguments.as_object().unwrap().clone());
        // The digest covers everything that the request says.
        let said =
            json!([spec.user, spec.action, spec.conversation, spec.title, spec.body, spec.abandon_after]);
        let ask = Ask {
            approvers: None,
            key: self.key.clone(),
            idempotency_key: spec.key.map(|key| ForeignId::new(format!("key-{key}")).unwrap()),
            digest: Digest::for_json(json!({ "said": said }).as_object().unwrap()),
            user: UserRef::Id(user.clone()),
            agent: Agent { id: ForeignId::new("atlas").unwrap(), name: None },
            conversation: Conversation {
                id: ForeignId::new(self.conversation(spec.conversation)).unwrap(),
                title: spec.title.map(|title| Name::new(format!("Title {title}")).unwrap()),
                url: None,
            },
            integration: IntegrationKey::new(self.integration()).unwrap(),
            action: ActionKey::new(format!("act_{}", spec.action)).unwrap(),
            arguments,
            editable: false,
            reason: None,
            expires_in: TimeDelta::minutes(30),
            abandon_after: spec.abandon_after.map(TimeDelta::seconds),
            callback_url: spec
                .abandon_after
                .and_then(|after| CallbackUrl::new(&format!("https://{after}.example.com/")).ok()),
            place: None,
            metadata: None,
        };
        let arguments_digest = ask.arguments.digest();
        Addressed { ask, user, arguments_digest }
    }

    /// Judges requests in one transaction. `None`: not together with the others.
    async fn judge(&self, s: &TestApp, specs: &[Spec]) -> Vec<batch::Judged> {
        let addressed: Vec<_> = specs.iter().map(|spec| self.addressed(spec)).collect();
        batch::judge(&s.service, &addressed.iter().collect::<Vec<_>>(), LockWait::Brief).await.unwrap()
    }

    async fn judge_one(&self, s: &TestApp, spec: &Spec) -> Result<Asked, ServiceError> {
        batch::judge_one(&s.service, &self.addressed(spec), LockWait::Usual).await
    }

    /// An answer, with the approval as a number.
    fn note(&mut self, answer: Result<Asked, ServiceError>) -> String {
        match answer {
            Ok(Asked { approval, replayed }) => {
                let id = approval.id().uuid().to_string();
                let known = self.approvals.iter().position(|other| *other == id);
                let number = known.unwrap_or_else(|| {
                    self.approvals.push(id);
                    self.approvals.len() - 1
                });
                format!("{number} {} {replayed}", approval.status().as_str())
            }
            Err(ServiceError::Rejected(rejection)) => rejection.code().to_owned(),
            Err(failure) => panic!("{failure}"),
        }
    }

    /// All that is stored of this world, without what tells the two from each other.
    async fn stored(&self, s: &TestApp) -> String {
        let queries = [
            "SELECT concat_ws(' ', p.id, p.user_id, p.conversation_id, p.conversation_title, p.arguments, p.status,
                 p.decision_scope, p.decided_by, g.user_id, p.decided_at, p.created_at, p.expires_at, p.idempotency_key)
             FROM approvals p JOIN backends b ON b.id = p.backend_id LEFT JOIN grants g ON g.id = p.decision_grant
             WHERE b.name = $1 ORDER BY array_position($2::text[], p.id::text)",
            "SELECT concat_ws(' ', e.what, e.actor_kind, e.approval_id, g.user_id, e.subject, e.before, e.after, e.at)
             FROM audit e LEFT JOIN grants g ON g.id = e.grant_id
             WHERE $2::text[] IS NOT NULL AND e.what ~ '^(approval|grant)[.]|^action.registered' AND (e.subject LIKE 'tool_' || $1 || '%' OR e.approval_id IN (SELECT p.id FROM approvals p
                 JOIN backends b ON b.id = p.backend_id WHERE b.name = $1)) ORDER BY e.id",
            "SELECT concat_ws(' ', g.user_id, a.key, g.scope, u.use_count, u.last_used_at, g.revoked_at, g.revoked_why)
             FROM grants g JOIN used_grants u ON u.id = g.id JOIN actions a ON a.id = g.action_id
             JOIN integrations i ON i.id = a.integration_id
             WHERE i.key = 'tool_' || $1 AND $2::text[] IS NOT NULL ORDER BY g.user_id, a.key",
            "SELECT concat_ws(' ', v.id, v.title, v.last_asked_at, v.closed_at)
             FROM conversations v JOIN backends b ON b.id = v.backend_id WHERE b.name = $1 AND $2::text[] IS NOT NULL ORDER BY v.id",
            "SELECT concat_ws(' ', k.key, k.approval_id, encode(k.request_digest, 'hex'), k.created_at)
             FROM idempotency_keys k JOIN backends b ON b.id = k.backend_id WHERE b.name = $1 AND $2::text[] IS NOT NULL ORDER BY k.key",
            "SELECT concat_ws(' ', o.kind, o.approval_id, o.due_at, o.created_at)
             FROM outbox o JOIN approvals p ON p.id = o.approval_id JOIN backends b ON b.id = p.backend_id
             WHERE b.name = $1 AND o.kind = 'prompt' AND $2::text[] IS NOT NULL ORDER BY o.seq",
            "SELECT concat_ws(' ', a.approval_id, a.abandon_after, a.asked_at, a.check_at)
             FROM abandonments a JOIN approvals p ON p.id = a.approval_id JOIN backends b ON b.id = p.backend_id
             WHERE b.name = $1 ORDER BY array_position($2::text[], a.approval_id::text)",
            "SELECT concat_ws(' ', c.approval_id, c.host, c.receiver, c.delivery_id)
             FROM callbacks c JOIN backends b ON b.id = c.backend_id
             WHERE b.name = $1 ORDER BY array_position($2::text[], c.approval_id::text)",
        ];
        let mut text = String::new();
        for query in queries {
            let rows: Vec<String> = sqlx::query_scalar(query)
                .bind(&self.mark)
                .bind(&self.approvals)
                .fetch_all(&s.service.db)
                .await
                .unwrap();
            let _ = writeln!(text, "{}\n", rows.join("\n"));
        }
        for (number, id) in self.approvals.iter().enumerate() {
            text = text.replace(id, &format!("approval {number}"));
        }
        text.replace(&self.mark.to_uppercase(), "MARK").replace(&self.mark, "mark")
    }

    async fn change(&self, s: &TestApp, step: &Step) {
        let integration = self.integration();
        match step {
            Step::Asks(_) | Step::Pass(_) => {}
            Step::Lock(action) => {
                s.set_lock(&format!("{integration}.act_{action}"), unlock::LockCommand::Lock).await.unwrap();
            }
            Step::Unlock(action) => {
                s.set_lock(
                    &format!("{integration}.act_{action}"),
                    unlock::LockCommand::Unlock(countersign::domain::catalog::UnlockedFor::Always),
                )
                .await
                .unwrap();
            }
            Step::Close(conversation) => {
                let id = ForeignId::new(self.conversation(*conversation)).unwrap();
                let closed = close_conversation::close(&s.service, &self.caller(s).await, &id).await;
                assert!(matches!(closed, Ok(()) | Err(ServiceError::Rejected(_))), "{closed:?}");
            }
            Step::Connect(user) => self.report(s, *user, Report::Connected).await,
            Step::Disconnect(user) => self.report(s, *user, Report::Disconnected).await,
        }
    }

    async fn caller(&self, s: &TestApp) -> Caller {
        authenticate::authenticate(&s.service, &self.key, KeyScope::Ask).await.unwrap()
    }

    async fn report(&self, s: &TestApp, user: usize, report: Report) {
        let (user, key) =
            (UserId::parse(&self.user(user)).unwrap(), IntegrationKey::new(self.integration()).unwrap());
        connect::connect(&s.service, &self.caller(s).await, &user, &key, report).await.unwrap();
    }
}

/// How many random histories are compared.
const CASES: usize = 32;

/// Judged together or one by one, in the same order: the same answers, states and audit.
#[tokio::test(flavor = "multi_thread")]
async fn together_and_one_by_one_are_the_same() {
    let configure = |config: &mut countersign::config::ServeConfig, _: &sandbox::slack::Slack| {
        config.limits.pending_approvals = 30;
    };
    story_as(configure, async |s| {
        let mut worlds = Vec::new();
        for case in 0..CASES {
            worlds.push((
                World::begin(s, format!("a{case}x")).await,
                World::begin(s, format!("b{case}x")).await,
            ));
        }
        // Nothing else may happen to what is compared.
        s.stop().await;
        s.service.pending_limit = PendingLimit::new(30, 30);
        let mut runner = TestRunner::deterministic();
        for (case, (mut together, mut single)) in worlds.into_iter().enumerate() {
            let history = vec(step(), 4..16).new_tree(&mut runner).unwrap().current();
            for step in &history {
                if let Step::Pass(time) = step {
                    s.clock.advance(*time);
                    // The stopped service would have done it.
                    partitions::make(&s.service).await.unwrap();
                }
                together.change(s, step).await;
                single.change(s, step).await;
                let Step::Asks(specs) = step else { continue };
                let mut answers = Vec::new();
                let (mut in_turn, mut later) = (Vec::new(), Vec::new());
                for (spec, judged) in specs.iter().zip(together.judge(s, specs).await) {
                    match judged {
                        Some(answer) => {
                            answers.push(together.note(answer));
                            in_turn.push(spec);
                        }
                        None => later.push(spec),
                    }
                }
                for spec in &later {
                    let answer = together.judge_one(s, spec).await;
                    answers.push(together.note(answer));
                }
                let mut expected = Vec::new();
                for spec in in_turn.into_iter().chain(later) {
                    let answer = single.judge_one(s, spec).await;
                    expected.push(single.note(answer));
                }
                assert_eq!(answers, expected, "case {case}: {specs:?}");
            }
            assert_eq!(together.stored(s).await, single.stored(s).await, "case {case}: {history:#?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_on_one_grant_counts_each_use_once() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-first")).await;
        s.choose(ALICE, &prompt, "Auto-approve always").await;
        let calls = (0..CROWD).map(|number| s.call(ACTION, &format!("c-{number}"))).collect();
        for reply in ask_at_once(s, calls).await {
            assert_eq!((reply.status, reply.approval_status()), (201, "approved"), "{reply:?}");
        }
        assert_eq!(count(s, "SELECT sum(use_count)::bigint FROM used_grants").await, 64);
        let entries =
            "SELECT count(*) FROM audit WHERE what = 'approval.approved' AND actor_kind = 'service'";
        assert_eq!(count(s, entries).await, 64);
        // Nor does adding them up count any twice, or none: two at once, while more come.
        let calls = (0..CROWD).map(|number| s.call(ACTION, &format!("d-{number}"))).collect();
        let (more, first, second) = tokio::join!(
            ask_at_once(s, calls),
            grant_uses::add_up(&s.service),
            grant_uses::add_up(&s.service)
        );
        assert!(more.iter().all(|reply| reply.approval_status() == "approved"), "{more:?}");
        first.unwrap();
        second.unwrap();
        assert_eq!(count(s, "SELECT sum(use_count)::bigint FROM used_grants").await, 128);
        grant_uses::add_up(&s.service).await.unwrap();
        assert_eq!(count(s, "SELECT sum(use_count)::bigint FROM used_grants").await, 128);
        assert_eq!(count(s, "SELECT count(*) FROM grant_uses").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_counts_requests_whose_grant_is_paused() {
    story_as(
        |config, _| config.limits.pending_approvals = 1,
        async |s| {
            let body = |name: &str| json!({ "name": "Tool", "actions": [{ "key": "act", "name": name }] });
            assert_eq!(s.api().put_integration("tool", &body("Read")).await.status, 200);
            s.unlock("tool.act").await;
            s.connect_user(ALICE, "tool").await.unwrap();
            let call = Call::new(ALICE, "tool", "act", json!({}));
            let (_, prompt) = s.prompt(&call).await;
            s.choose(ALICE, &prompt, "Auto-approve always").await;
            assert_eq!(s.ask(&call).await.approval_status(), "approved");
            assert_eq!(s.api().put_integration("tool", &body("Delete")).await.status, 200);
            assert_eq!(s.ask(&call).await.approval_status(), "pending");
            assert_eq!(s.api().ask(&call).await.status, 429);
        },
    )
    .await;
}
