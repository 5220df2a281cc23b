//! Rules: what they decide, when they change, and what a simulation says of past requests.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::atomic::{AtomicI32, Ordering},
};

use chrono::TimeDelta;
use countersign::{
    domain::{
        audit::Actor,
        pauses::{PauseReason, PauseTarget, PausedRequests},
        policy::Policy,
        text::ForeignId,
    },
    service::{
        pauses::{self, NewPause},
        policies::{self, Apply},
    },
};
use futures::future::join_all;
use sandbox::{
    backend::Ask,
    slack::{User, names},
};
use serde_json::{Value, json};

use crate::{
    approving_together::ADA,
    cli::{complaint, on, said},
    racing::waiting,
    story::{ALICE, BOB, GUEST, TestApp, story},
};

const ACTION: &str = "github.create_issue";

const RULES: &str = r#"
rules:
  - { action: github.delete_branch, effect: block, reason: Not from agents }
  - { action: github.delete_branch, effect: allow }
  - { action: github.create_issue, when: arguments.priority > 5, effect: ask }
  - { action: github.create_issue, effect: user_choice, limits: { scopes: [once, conversation] } }
  - { action: github.read_file, effect: allow }
  - { action: github.merge, when: arguments.missing, effect: allow }
  - { action: github.merge, effect: block }
"#;

/// A request for any action of the integration that [`TestApp::open`] connects.
fn call(action: &str, conversation: &str, arguments: Value) -> Ask {
    let mut ask = Ask::new(ALICE, "github", action, arguments);
    ask.conversation.id = conversation.to_owned();
    ask
}

/// Puts rules in force, by the test's clock. The command has its own.
async fn put_in_force(s: &TestApp, rules: &str) -> i32 {
    let policy = Policy::parse(rules).unwrap();
    let before = policies::current(&s.service, s.workspace).await.unwrap();
    let new = Apply {
        text: rules.to_owned(),
        expected: before.map(|(stored, _)| stored.version),
        reason: None,
        actor: Actor::Operator,
    };
    policies::apply(&s.service, s.workspace, &new, &policy).await.unwrap().get()
}

/// A file with rules, in a folder of the tests' own.
fn file(rules: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.yaml", uuid::Uuid::now_v7()));
    fs::write(&path, rules).unwrap();
    path
}

/// Slack has just said that these people are full members.
async fn know(s: &TestApp, people: &[&str]) {
    for person in people {
        sqlx::query(
            "INSERT INTO profiles (workspace, user_id, kind, is_admin, read_at)
             SELECT slack_id, $1, 'member', false, $2 FROM workspaces
             ON CONFLICT (workspace, user_id) DO UPDATE SET kind = 'member', read_at = excluded.read_at",
        )
        .bind(person)
        .bind(s.now())
        .execute(&s.service.db)
        .await
        .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_rule_that_matches_decides() {
    story(async |s| {
        s.open(ACTION).await;
        let before = s.ask(&call("delete_branch", "c-1", json!({}))).await;
        assert_eq!((before.approval_status(), before.body.get("policy")), ("pending", None), "without rules");

        assert_eq!(put_in_force(s, RULES).await, 1);
        let blocked = s.ask(&call("delete_branch", "c-1", json!({}))).await;
        assert_eq!(blocked.body["policy"], json!({ "version": 1, "rule": 1 }));
        let decision = &blocked.body["decision"];
        assert_eq!((&decision["outcome"], &decision["by"]), (&json!("denied"), &json!("policy")));
        assert_eq!(decision["reason"], "Not from agents");
        assert_eq!(&s.api().get(blocked.id()).await.body["decision"], decision, "as it is stored");
        assert_eq!(s.audited("approval.denied", blocked.id()).await, 1);

        // Only for a user whom Slack called a member in the last day.
        let unknown = s.ask(&call("read_file", "c-1", json!({}))).await;
        assert_eq!(unknown.approval_status(), "pending");
        know(s, &[ALICE]).await;
        let allowed = s.ask(&call("read_file", "c-1", json!({}))).await;
        assert_eq!((allowed.approval_status(), allowed.str("/decision/by")), ("approved", "policy"));
        assert_eq!(allowed.body["policy"], json!({ "version": 1, "rule": 5 }));
        assert_eq!(s.api().get(allowed.id()).await.body["decision"]["scope"], "once");
        let digest = allowed.str("/arguments_digest").to_owned();
        assert_eq!(s.api().take_permit(allowed.id(), &digest, "").await.status, 200);
        assert_eq!(s.api().take_permit(allowed.id(), &digest, "").await.status, 409);

        // No rule speaks of it.
        let other = s.ask(&call("fork", "c-1", json!({}))).await;
        assert_eq!(other.approval_status(), "pending");
        assert_eq!(other.body["policy"], json!({ "version": 1, "rule": null }));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_cannot_be_evaluated_asks_a_person() {
    story(async |s| {
        s.open(ACTION).await;
        know(s, &[ALICE, BOB]).await;
        put_in_force(s, RULES).await;
        let failed = s.ask(&call("merge", "c-1", json!({}))).await;
        assert_eq!(failed.approval_status(), "pending");
        assert_eq!(failed.body["policy"], json!({ "version": 1, "rule": 6 }));
        assert_eq!(s.audited("rule.failed", failed.id()).await, 1);
        let prompt = s.shown(ALICE, failed.id()).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        s.settled().await;
        // A later rule blocks it, and a person looked at it.
        assert_eq!(s.status(failed.id()).await, "approved");

        // An argument that can't be read does not do away with the second person.
        let rules = "rules:
  - { action: github.merge, when: arguments.draft, effect: allow }
  - { action: github.merge, when: arguments.lines > 100, effect: ask, approvers: { users: [U0BOB], not_the_user: true } }
  - { action: github.merge, effect: user_choice }
";
        put_in_force(s, rules).await;
        for arguments in [json!({}), json!({ "draft": "yes", "lines": 1000 }), json!({ "draft": false, "lines": "many" })] {
            let asked = s.ask(&call("merge", "c-1", arguments.clone())).await;
            s.shown(BOB, asked.id()).await;
            assert_eq!(asked.approval_status(), "pending", "{arguments}");
        }
        let small = s.ask(&call("merge", "c-1", json!({ "draft": false, "lines": 7 }))).await;
        s.shown(ALICE, small.id()).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_allowed_without_a_connection_a_member_and_an_agent_that_runs() {
    story(async |s| {
        s.put("github").await;
        know(s, &[ALICE]).await;
        put_in_force(s, "rules: [{ action: github.*, effect: allow }]").await;
        let ask = || s.call(ACTION, "c-1");
        assert_eq!(s.ask(&ask()).await.approval_status(), "pending", "not connected");
        s.connect_user(ALICE, "github").await.unwrap();
        assert_eq!(s.ask(&ask()).await.approval_status(), "approved");
        s.advance_until_idle(TimeDelta::hours(25)).await;
        sqlx::query("UPDATE profiles SET read_at = $1")
            .bind(s.now() - TimeDelta::hours(25))
            .execute(&s.service.db)
            .await
            .unwrap();
        assert_eq!(s.ask(&ask()).await.approval_status(), "pending", "Slack said so too long ago");
        know(s, &[ALICE]).await;
        assert_eq!(s.ask(&ask()).await.approval_status(), "approved");
        sqlx::query("UPDATE profiles SET kind = 'guest'").execute(&s.service.db).await.unwrap();
        assert_eq!(s.ask(&ask()).await.approval_status(), "pending", "a guest");
        know(s, &[ALICE]).await;
        for requests in PausedRequests::ALL {
            let target = PauseTarget::Agent { backend: None, agent: ForeignId::new("atlas").unwrap() };
            let new = NewPause { target, requests, reason: PauseReason::new("Loop").unwrap() };
            let line = pauses::pause(&s.service, s.workspace, &new, &Actor::Operator).await.unwrap();
            let paused = s.ask(&ask()).await;
            let status = if requests == PausedRequests::Held { "pending" } else { "denied" };
            assert_eq!((paused.approval_status(), paused.body.get("policy")), (status, None));
            pauses::resume(&s.service, s.workspace, line.pause.id, &Actor::Operator).await.unwrap();
        }
        assert_eq!(s.ask(&ask()).await.approval_status(), "approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_people_whom_a_rule_names_decide() {
    story(async |s| {
        s.open(ACTION).await;
        s.slack.add_user(User::new(ADA, names::TEAM, "ada", "Ada"));
        know(s, &[ALICE, BOB, ADA]).await;
        // Alice's grant counts for nothing where others decide.
        assert!(s.command(ALICE, &format!("on {ACTION}")).await.is_ok());
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved");
        let (before, old) = s.prompt(&call("close_issue", "c-1", json!({}))).await;
        put_in_force(
            s,
            "rules:
  - action: github.*
    effect: user_choice
    approvers: { users: [U0ALICE, U0BOB, U0ADA], required: 2, not_the_user: true }
",
        )
        .await;
        // It was made before the rule, so no one else was asked. Its user can't approve it any longer.
        assert!(s.click(ALICE, &old, "Approve").await.is_ok());
        s.ephemeral_reply(ALICE, &old.channel, "other people decide").await;
        assert_eq!(s.status(&before).await, "pending");
        assert!(s.click(ALICE, &old, "Deny").await.is_ok());
        assert_eq!(s.received_webhook(&before).await.kind, "approval.denied");

        let asked = s.ask(&s.call(ACTION, "c-1")).await;
        assert_eq!(
            (asked.approval_status(), &asked.body["policy"]),
            ("pending", &json!({ "version": 1, "rule": 1 }))
        );
        let id = asked.id().to_owned();
        let (bobs, adas) = (s.shown(BOB, &id).await, s.shown(ADA, &id).await);
        assert!(s.click(BOB, &bobs, "Approve").await.is_ok());
        s.until(&adas, |message| message.all_text().contains("1 more must approve")).await;
        // A rule has come to block it.
        put_in_force(s, "rules: [{ action: github.*, effect: block }]").await;
        assert!(s.click(ADA, &adas, "Approve").await.is_ok());
        s.ephemeral_reply(ADA, &adas.channel, "blocks this now").await;
        assert_eq!(s.status(&id).await, "pending");
        // Without rules, those who were named still decide.
        put_in_force(s, "rules: []").await;
        assert!(s.click(ADA, &adas, "Approve").await.is_ok());
        let decision = s.received_webhook(&id).await.body["data"]["decision"].clone();
        let by: Vec<&str> = decision["approved_by"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["user"].as_str().unwrap())
            .collect();
        assert_eq!(by, [BOB, ADA]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_of_a_rule_bound_what_people_auto_approve() {
    story(async |s| {
        s.open(ACTION).await;
        assert!(s.command(ALICE, &format!("on {ACTION}")).await.is_ok());
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved");
        put_in_force(
            s,
            "rules:
  - { action: github.create_issue, effect: user_choice, limits: { max_duration: 1h, max_uses: 2 } }
",
        )
        .await;
        // The grant without limits does not count.
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let said = prompt.all_text();
        assert!(
            said.contains("end after 1 hour or after 2 requests: a rule of your admins limits them."),
            "{said}"
        );
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        let decision = s.received_webhook(&id).await.body["data"]["decision"].clone();
        assert_eq!(
            (&decision["scope"], &decision["grant_limits"]["max_uses"]),
            (&json!("always"), &json!(2)),
            "{decision}"
        );
        assert!(decision["grant_limits"]["expires_at"].is_string(), "{decision}");
        for expected in ["approved", "approved", "pending"] {
            let again = s.ask(&s.call(ACTION, "c-2")).await;
            assert_eq!(again.approval_status(), expected);
            if expected == "approved" {
                assert_eq!(again.body["decision"]["grant"], decision["grant"]);
            }
        }
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-3")).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        s.settled().await;
        assert_eq!(s.ask(&s.call(ACTION, "c-4")).await.approval_status(), "approved");
        s.pass(TimeDelta::minutes(61));
        assert_eq!(s.ask(&s.call(ACTION, "c-4")).await.approval_status(), "pending");
        // A later rule with a lower number of uses.
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-5")).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        s.settled().await;
        put_in_force(
            s,
            "rules: [{ action: github.create_issue, effect: user_choice, limits: { max_uses: 1 } }]",
        )
        .await;
        assert_eq!(s.ask(&s.call(ACTION, "c-5")).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_offers_the_scopes_that_it_permits() {
    story(async |s| {
        s.open(ACTION).await;
        put_in_force(s, RULES).await;
        let issue = |priority: u32, conversation: &str| {
            call("create_issue", conversation, json!({ "priority": priority }))
        };
        let (_, prompt) = s.prompt(&issue(1, "c-2")).await;
        assert_eq!(prompt.options_of("approve_more").len(), 2, "once, and for this conversation");
        assert!(s.choose(ALICE, &prompt, "Auto-approve for this conversation").await.is_ok());
        s.settled().await;
        let again = s.ask(&issue(2, "c-2")).await;
        assert_eq!((again.approval_status(), again.str("/decision/by")), ("approved", "auto"));
        assert_eq!(again.body["policy"], json!({ "version": 1, "rule": 4 }));
        // The grant is live, but the rule asks each time.
        let (_, prompt) = s.prompt(&issue(6, "c-2")).await;
        assert!(prompt.options_of("approve_more").is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_rules_holds_for_the_next_click() {
    story(async |s| {
        s.open(ACTION).await;
        let (once, one) = s.prompt(&s.call(ACTION, "c-1")).await;
        let (always, two) = s.prompt(&s.call(ACTION, "c-2")).await;
        put_in_force(s, "rules: [{ action: github.create_issue, effect: ask }]").await;
        s.choose(ALICE, &two, "Auto-approve always").await;
        s.ephemeral_reply(ALICE, &two.channel, "asks for this each time").await;
        assert_eq!(s.status(&always).await, "pending", "a grant must not be given");
        assert_eq!(s.live_grants().await, 0);
        put_in_force(s, "rules: [{ action: github.create_issue, effect: block }]").await;
        s.click(ALICE, &one, "Approve").await;
        s.ephemeral_reply(ALICE, &one.channel, "blocks this now").await;
        assert_eq!(s.status(&once).await, "pending");
        s.click(ALICE, &one, "Deny").await;
        assert_eq!(s.received_webhook(&once).await.kind, "approval.denied");
    })
    .await;
}

/// Puts a version of the rules in force in a transaction that is committed once someone waits for it.
async fn change_before<T>(s: &TestApp, version: i32, rules: &str, meanwhile: impl Future<Output = T>) -> T {
    let mut tx = s.service.db.begin().await.unwrap();
    sqlx::query("SELECT FROM workspaces WHERE id = $1 FOR UPDATE")
        .bind(s.workspace.uuid())
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query("INSERT INTO policies (workspace_id, version, text, made_by, made_at) VALUES ($1, $2, $3, 'operator', now())")
        .bind(s.workspace.uuid())
        .bind(version)
        .bind(rules)
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query("UPDATE workspaces SET policy_version = $2 WHERE id = $1")
        .bind(s.workspace.uuid())
        .bind(version)
        .execute(&mut *tx)
        .await
        .unwrap();
    let commit = async {
        waiting(s, 1).await;
        tx.commit().await.unwrap();
    };
    tokio::join!(meanwhile, commit).0
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_change_of_the_rules_is_judged_by_it() {
    story(async |s| {
        s.open(ACTION).await;
        know(s, &[ALICE]).await;
        let allow = "rules: [{ action: github.*, effect: allow }]";
        let asked = change_before(s, 1, allow, async { s.ask(&s.call(ACTION, "c-1")).await }).await;
        assert_eq!((asked.approval_status(), &asked.body["policy"]["version"]), ("approved", &json!(1)));
        let block = "rules: [{ action: github.*, effect: block }]";
        let asked = change_before(s, 2, block, async { s.ask(&s.call(ACTION, "c-1")).await }).await;
        assert_eq!((asked.approval_status(), &asked.body["policy"]["version"]), ("denied", &json!(2)));
        put_in_force(s, "rules: []").await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-2")).await;
        assert!(change_before(s, 4, block, async { s.click(ALICE, &prompt, "Approve").await }).await.is_ok());
        s.ephemeral_reply(ALICE, &prompt.channel, "blocks this now").await;
        assert_eq!(s.status(&id).await, "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_race_a_change_are_judged_by_one_version() {
    story(async |s| {
        s.open(ACTION).await;
        know(s, &[ALICE]).await;
        let rules = |effect: &str| format!("rules: [{{ action: github.*, effect: {effect} }}]");
        put_in_force(s, &rules("allow")).await;
        for _ in 0..8 {
            let in_force = AtomicI32::new(0);
            let asks = join_all((0..12).map(async |_| {
                let mut judged = Vec::new();
                for _ in 0..4 {
                    let at_least = in_force.load(Ordering::SeqCst);
                    let asked = s.ask(&s.call(ACTION, "c-1")).await;
                    let version = asked.body["policy"]["version"].as_i64().unwrap();
                    judged.push((at_least, version, asked.approval_status().to_owned()));
                }
                judged
            }));
            let (judged, ()) = tokio::join!(asks, async {
                let version = put_in_force(s, &rules("block")).await;
                in_force.store(version, Ordering::SeqCst);
            });
            for (at_least, version, status) in judged.into_iter().flatten() {
                assert!(version >= i64::from(at_least), "version {version} after {at_least} was in force");
                // The odd versions allow, and the even ones block.
                assert_eq!(status, if version % 2 == 1 { "approved" } else { "denied" }, "version {version}");
            }
            put_in_force(s, &rules("allow")).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_applies_compares_and_shows_rules() {
    story(async |s| {
        s.open(ACTION).await;
        s.ask(&s.call(ACTION, "c-1")).await;
        let says = |arguments: &[&str]| said(&mut on(s, arguments));
        assert_eq!(says(&["policy", "show"]), "No rules yet: whether an action is unlocked decides.\n");
        let rules = file(RULES);
        let rules = rules.to_str().unwrap();
        let applied = says(&["policy", "apply", rules, "--reason", "Because"]);
        assert!(applied.contains("Version 1 is in force: 7 rules."), "{applied}");
        assert_eq!(says(&["policy", "apply", rules]), "Version 1 is the same. Nothing was changed.\n");
        assert_eq!(says(&["policy", "diff", rules]), "No difference to version 1.\n");
        assert!(says(&["policy", "show"]).contains("reason: Not from agents"));
        let history = says(&["policy", "show", "--history"]);
        assert!(history.starts_with("   1  20") && history.ends_with("operator  Because\n"), "{history}");
        let other = file("rules: []\n");
        let other = other.to_str().unwrap();
        let stale = complaint(&mut on(s, &["policy", "apply", other, "--expect", "0"]));
        assert!(stale.contains("version 1 is in force"), "{stale}");
        assert!(says(&["policy", "diff", other]).ends_with("+rules: []\n"));
        assert!(
            says(&["policy", "apply", other, "--expect", "1"]).contains("Version 2 is in force: 0 rules.")
        );
        let shown: Value =
            serde_json::from_str(&says(&["policy", "show", "--version", "1", "--json"])).unwrap();
        assert_eq!(
            (&shown["version"], &shown["reason"], &shown["text"]),
            (&json!(1), &json!("Because"), &json!(RULES))
        );
        let broken = file("rules: [{ action: a.b, effect: aks }]");
        let complaint = complaint(&mut on(s, &["policy", "apply", broken.to_str().unwrap()]));
        assert!(complaint.contains("line 1, rules[0].effect"), "{complaint}");
        let audited: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM audit WHERE what = 'policy.changed' AND actor_kind = 'operator'",
        )
        .fetch_one(&s.service.db)
        .await
        .unwrap();
        assert_eq!(audited, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_full_members_are_named_as_approvers() {
    story(async |s| {
        let apply = |people: &str| {
            let rules =
                file(&format!("rules: [{{ action: a.b, effect: ask, approvers: {{ users: [{people}] }} }}]"));
            let mut command = on(s, &["policy", "apply", rules.to_str().unwrap()]);
            command.env("SLACK_BOT_TOKEN", s.slack.bot_token()).env("SLACK_API_URL", s.slack.api_url());
            command
        };
        let guest = complaint(&mut apply(&format!("{BOB}, {GUEST}")));
        assert!(guest.contains(&format!("{GUEST} is not a full member of")), "{guest}");
        let unknown = complaint(&mut apply("U0NOONE"));
        assert!(unknown.contains("no Slack user of") && unknown.contains("U0NOONE"), "{unknown}");
        let without = complaint(apply(BOB).env_remove("SLACK_BOT_TOKEN"));
        assert!(without.contains("Set SLACK_BOT_TOKEN"), "{without}");
        let applied = said(&mut apply(BOB));
        assert!(applied.contains("Version 1 is in force: 1 rule."), "{applied}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_without_rules_is_refused_once_there_are_some() {
    story(async |s| {
        let (id, _) = s.prompt(&s.call(ACTION, "c-1")).await;
        // As a version does that does not know the column.
        let ask = "INSERT INTO approvals (id, workspace_id, backend_id, user_id, agent_id, conversation_id, action_id,
                       arguments, arguments_digest, request_digest, created_at, expires_at, status)
                   SELECT gen_random_uuid(), workspace_id, backend_id, user_id, agent_id, conversation_id, action_id,
                       arguments, arguments_digest, request_digest, created_at, expires_at, status
                   FROM approvals WHERE id = $1";
        let id = uuid::Uuid::parse_str(id.strip_prefix("apr_").unwrap()).unwrap();
        let insert = async || sqlx::query(ask).bind(id).execute(&s.service.db).await;
        // A random id may have no partition, which is refused otherwise.
        let before = insert().await;
        assert!(before.is_ok() || !before.unwrap_err().to_string().contains("knows no rules"));
        put_in_force(s, "rules: []").await;
        let after = insert().await.unwrap_err().to_string();
        assert!(after.contains("knows no rules"), "{after}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_says_what_really_happens() {
    story(async |s| {
        know(s, &[ALICE]).await;
        s.open(ACTION).await;
        let ask =
            |number: u32| call(if number % 2 == 0 { "read" } else { "write" }, "c-1", json!({ "n": number }));
        // What becomes of each: asked, denied or approved at once.
        let send = async || {
            let mut statuses = Vec::new();
            for number in 0..8 {
                statuses.push(s.ask(&ask(number)).await.approval_status().to_owned());
            }
            statuses
        };
        let asked = send().await;
        let rules = "rules:
  - { action: github.read, when: arguments.n < 4, effect: allow }
  - { action: github.write, when: arguments.n > 4, effect: block }
";
        let policy = Policy::parse(rules).unwrap();
        let since = s.now() - TimeDelta::days(1);
        let simulated = policies::simulate(&s.service, s.workspace, &policy, (since, usize::MAX)).await;
        let simulated = simulated.unwrap().to_string();
        put_in_force(s, rules).await;
        let mut changed = BTreeMap::new();
        for (before, after) in asked.iter().zip(send().await) {
            if *before != after {
                *changed.entry(after).or_insert(0) += 1;
            }
        }
        assert_eq!(changed, BTreeMap::from([("approved".to_owned(), 2), ("denied".to_owned(), 2)]));
        assert!(
            simulated.contains("4 of 8 past requests would have been treated differently"),
            "{simulated}"
        );
        assert!(simulated.contains("2  block instead of no rule"), "{simulated}");
        assert!(simulated.contains("2  allow instead of no rule"), "{simulated}");
    })
    .await;
}
