//! Rules: what they decide, when they change, and what a simulation says of past requests.

use std::{collections::BTreeMap, fs, path::PathBuf};

use sandbox::backend::Ask;
use serde_json::json;

use crate::{
    cli::{complaint, on, said},
    story::{ALICE, TestApp, story},
};

const ACTION: &str = "github.create_issue";

const RULES: &str = r#"
rules:
  - { action: github.delete_branch, effect: block, reason: Not from agents }
  - { action: github.create_issue, when: arguments.priority > 5, effect: ask }
  - { action: github.create_issue, effect: user_choice, limits: { scopes: [once, conversation] } }
  - { action: github.read_file, effect: allow }
  - { action: github.merge, when: arguments.missing, effect: allow }
"#;

/// A request for any action of the integration that [`TestApp::open`] connects.
fn call(action: &str, conversation: &str, arguments: serde_json::Value) -> Ask {
    let mut ask = Ask::new(ALICE, "github", action, arguments);
    ask.conversation.id = conversation.to_owned();
    ask
}

/// Puts rules in force, as the operator does.
fn apply(s: &TestApp, rules: &str) -> String {
    let file = file(rules);
    said(&mut on(s, &["policy", "apply", file.to_str().unwrap(), "--reason", "Because"]))
}

/// A file with rules, in a folder of the tests' own.
fn file(rules: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.yaml", uuid::Uuid::now_v7()));
    fs::write(&path, rules).unwrap();
    path
}

/// Slack has just said that Alice is a full member.
async fn know_alice(s: &TestApp) {
    sqlx::query(
        "INSERT INTO profiles (workspace, user_id, kind, is_admin, read_at) SELECT slack_id, $1, 'member', false, $2
         FROM workspaces ON CONFLICT (workspace, user_id) DO UPDATE SET read_at = excluded.read_at",
    )
    .bind(ALICE)
    .bind(s.now())
    .execute(&s.service.db)
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_block_ask_offer_and_allow() {
    story(async |s| {
        s.open(ACTION).await;
        let before = s.ask(&call("delete_branch", "c-1", json!({}))).await;
        assert_eq!((before.str("/status"), before.body.get("policy")), ("pending", None), "without rules");

        assert!(apply(s, RULES).contains("Version 1 is in force: 5 rules."));
        let blocked = s.ask(&call("delete_branch", "c-1", json!({}))).await;
        assert_eq!(blocked.body["policy"], json!({ "version": 1, "rule": 1 }));
        let decision = &blocked.body["decision"];
        assert_eq!((&decision["outcome"], &decision["by"]), (&json!("denied"), &json!("policy")));
        assert_eq!(decision["reason"], "Not from agents");
        assert_eq!(&s.api().get(blocked.str("/id")).await.body["decision"], decision, "as it is stored");

        // Only for a user whom Slack called a member in the last day.
        let unknown = s.ask(&call("read_file", "c-1", json!({}))).await;
        assert_eq!(unknown.str("/status"), "pending");
        know_alice(s).await;
        let allowed = s.ask(&call("read_file", "c-1", json!({}))).await;
        assert_eq!((allowed.str("/status"), allowed.str("/decision/by")), ("approved", "policy"));
        assert_eq!(s.api().get(allowed.str("/id")).await.body["decision"]["scope"], "once");

        // The second rule can't be evaluated without a priority.
        let failed = s.ask(&call("merge", "c-1", json!({}))).await;
        assert_eq!((failed.str("/status"), &failed.body["policy"]["rule"]), ("pending", &json!(5)));
        assert_eq!(s.audited("rule.failed", failed.str("/id")).await, 1);

        let issue = |priority: u32, conversation: &str| {
            call("create_issue", conversation, json!({ "priority": priority }))
        };
        let (_, prompt) = s.prompt(&issue(1, "c-2")).await;
        assert_eq!(prompt.options_of("approve_more").len(), 2, "once, and for this conversation");
        s.choose(ALICE, &prompt, "Auto-approve for this conversation").await;
        let again = s.ask(&issue(2, "c-2")).await;
        assert_eq!((again.str("/status"), again.str("/decision/by")), ("approved", "auto"));
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
        apply(s, "rules: [{ action: github.create_issue, effect: ask }]");
        s.choose(ALICE, &two, "Auto-approve always").await;
        assert_eq!(s.api().get(&always).await.approval_status(), "pending", "a grant must not be given");
        apply(s, "rules: [{ action: github.create_issue, effect: block }]");
        s.click(ALICE, &one, "Approve").await;
        assert_eq!(s.api().get(&once).await.approval_status(), "pending");
        s.click(ALICE, &one, "Deny").await;
        assert_eq!(s.api().get(&once).await.approval_status(), "denied");

        let shown = said(&mut on(s, &["policy", "show"]));
        assert!(shown.contains("effect: block"), "{shown}");
        let history = said(&mut on(s, &["policy", "show", "--history"]));
        assert!(
            history.starts_with("   2  2026-09-21 ") && history.contains("operator  Because"),
            "{history}"
        );
        let stale = file("rules: []");
        let stale = complaint(&mut on(s, &["policy", "apply", stale.to_str().unwrap(), "--expect", "1"]));
        assert!(stale.contains("version 2 is in force"), "{stale}");
        let approvers = file("rules: [{ action: a.b, effect: ask, approvers: { users: [U0BOB] } }]");
        let approvers = complaint(&mut on(s, &["policy", "apply", approvers.to_str().unwrap()]));
        assert!(approvers.contains("does not support `approvers` yet"), "{approvers}");
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
        let before = insert().await;
        // A random id may have no partition, which is refused otherwise.
        assert!(before.is_ok() || !before.unwrap_err().to_string().contains("knows no rules"));
        apply(s, "rules: []");
        let after = insert().await.unwrap_err().to_string();
        assert!(after.contains("knows no rules"), "{after}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_says_what_really_happens() {
    story(async |s| {
        know_alice(s).await;
        s.open(ACTION).await;
        let ask =
            |number: u32| call(if number % 2 == 0 { "read" } else { "write" }, "c-1", json!({ "n": number }));
        // What becomes of each: asked, denied or approved at once.
        let send = async || {
            let mut statuses = Vec::new();
            for number in 0..8 {
                statuses.push(s.ask(&ask(number)).await.str("/status").to_owned());
            }
            statuses
        };
        let asked = send().await;
        let rules = "rules:
  - { action: github.read, when: arguments.n < 4, effect: allow }
  - { action: github.write, when: arguments.n > 4, effect: block }
";
        let path = file(rules);
        let simulated = said(&mut on(s, &["policy", "test", path.to_str().unwrap(), "--since", "1d"]));
        apply(s, rules);
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
