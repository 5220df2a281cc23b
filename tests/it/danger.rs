//! What is unlocked for conversations only, destructive actions that ask an admin what they are unlocked for, and requests
//! that must be read.

use countersign::{
    domain::{
        audit::Actor,
        catalog::UnlockedFor,
        ids::{ActionId, ApprovalId, UserId},
        text::{ActionKey, IntegrationKey},
    },
    service::{action_options, details, unlock::LockCommand},
};
use sandbox::slack::{Delivery, Gesture, Message, Press, Signing, Surface, View, names::TEAM};
use serde_json::Value;

use crate::story::{ADMIN, ALICE, BOB, SOON, TestApp, story};

const ACTION: &str = "github.create_issue";
const DESTRUCTIVE: &str = "postgres.execute_sql";
/// The button for [`ACTION`] on the admin's Home tab.
const OPTIONS: &str = "Edit options for Create issue…";
const MANUALLY: &str = "Approve manually";
const ONE: &str = "Auto-approve for this conversation";
const ALWAYS: &str = "Auto-approve always";

async fn limit(s: &TestApp, action: &str) {
    s.set_lock(action, LockCommand::SetFor(UnlockedFor::Conversations)).await.unwrap();
}

async fn must_read(s: &TestApp, action: &str, on: bool) {
    let (integration, key) = action.split_once('.').unwrap();
    let path = (&IntegrationKey::new(integration).unwrap(), &ActionKey::new(key).unwrap());
    let changed =
        action_options::set_must_read(&s.service, s.workspace, path, on, &Actor::Operator).await.unwrap();
    assert!(changed);
}

/// What the action is unlocked for, and whether its requests must be read, as the API says.
async fn options(s: &TestApp, action: &str) -> (Value, Value) {
    let (integration, key) = action.split_once('.').unwrap();
    let body = s.api().integration(integration).await.body;
    let actions = body["actions"].as_array().unwrap();
    let action = actions.iter().find(|action| action["key"] == key).unwrap();
    (action["unlocked_for"].clone(), action["must_read"].clone())
}

async fn live(s: &TestApp, scope: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM grants WHERE revoked_at IS NULL AND scope = $1")
        .bind(scope)
        .fetch_one(&s.service.db)
        .await
        .unwrap()
}

/// A choice of the menu, as it would be sent.
fn pick(s: &TestApp, prompt: &Message, label: &str) -> Value {
    let press = Press::on(Surface::stale(prompt), "approve_more").doing(Gesture::Pick(label.to_owned()));
    s.slack.prepare_press(ALICE, &press).unwrap().unwrap()
}

async fn send(s: &TestApp, payload: Value) -> Delivery {
    s.slack.send_interaction(payload, &Signing::default()).await
}

/// The choices beside *Approve*. *More options…* follows them, or is a button beside a destructive action.
fn labels(prompt: &Message) -> Vec<String> {
    let labels = prompt.options_of("approve_more").into_iter().map(|option| option.label);
    labels.filter(|label| label != "More options…").collect()
}

/// The actions of an integration on the admin's Home tab.
async fn actions_of(s: &TestApp, integration: &str) -> View {
    s.home(ADMIN, |home| home.has_button("Actions")).await;
    s.click_home(ADMIN, "Actions", &s.integration_id(integration).await).await;
    s.home_shows(ADMIN, |home| home.has_button("All integrations")).await
}

async fn choose_in_modal(s: &TestApp, field: &str, value: &str) {
    let press = Press::on(Surface::Modal, field).doing(Gesture::Pick(value.to_owned()));
    s.slack.press(ADMIN, press).await.unwrap();
}

async fn submit(s: &TestApp) {
    assert!(s.slack.submit(ADMIN).await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_gives_an_always_grant_for_what_is_unlocked_for_conversations() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, old) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert_eq!(labels(&old), [MANUALLY, ONE, ALWAYS]);
        let always = pick(s, &old, ALWAYS);
        limit(s, ACTION).await;
        s.until(&old, |message| labels(message) == [MANUALLY, ONE]).await;

        // A click on the message as it was, before Slack showed the new one.
        assert!(send(s, always).await.is_ok());
        s.ephemeral_reply(ALICE, &old.channel, "unlocked this action for conversations only").await;
        assert_eq!(
            (s.status(&id).await.as_str(), s.refusals(&id).await),
            ("pending", vec!["only-conversations".to_owned()])
        );
        let told = s.answer(ALICE, &format!("on {ACTION}")).await;
        assert!(told.text().contains("for conversations only"), "{}", told.text());
        let gear = s.gear(ALICE, "GitHub").await;
        assert!(gear.all_text().contains("Unlocked for conversations"), "{}", gear.all_text());
        assert_eq!(s.grants_of(ALICE).await, 0);

        // An instance of an earlier version doesn't know of the limit. The database does.
        let action: ActionId = s.action_id(ACTION).await.parse().unwrap();
        let inserted = sqlx::query(
            "INSERT INTO grants (id, workspace_id, user_id, action_id, scope, created_at)
             VALUES (gen_random_uuid(), $1, $2, $3, 'always', now())",
        )
        .bind(s.workspace.uuid())
        .bind(ALICE)
        .bind(action.uuid())
        .execute(&s.service.db)
        .await;
        assert!(inserted.unwrap_err().to_string().contains("unlocked for conversations only"));

        assert!(s.choose(ALICE, &old, ONE).await.is_ok());
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved");
        assert_eq!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limiting_ends_always_grants_and_keeps_those_for_conversations() {
    story(async |s| {
        s.open(ACTION).await;
        s.connect(BOB, "github").await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, ALWAYS).await.is_ok());
        let mut bobs = s.call(ACTION, "c-2");
        bobs.user = BOB.to_owned();
        let (_, bobs_prompt) = s.prompt(&bobs).await;
        assert!(s.choose(BOB, &bobs_prompt, ONE).await.is_ok());
        limit(s, ACTION).await;
        assert_eq!((s.grants_of(ALICE).await, s.grants_of(BOB).await), (0, 1));
        s.until(&prompt, |message| !message.has_button("Turn off")).await;
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "pending");
        assert_eq!(s.ask(&bobs).await.approval_status(), "approved");
        let audited: Vec<(String, Value)> = sqlx::query_as(
            "SELECT what, after FROM audit WHERE what IN ('action.scope_changed', 'grant.revoked') ORDER BY id",
        )
        .fetch_all(&s.service.db)
        .await
        .unwrap();
        assert_eq!(
            audited,
            [
                ("action.scope_changed".to_owned(), serde_json::json!({ "for": "conversations" })),
                ("grant.revoked".to_owned(), serde_json::json!({ "why": "only_conversations" })),
            ]
        );
        // Widening restores nothing.
        s.set_lock(ACTION, LockCommand::SetFor(UnlockedFor::Always)).await.unwrap();
        assert_eq!((live(s, "always").await, options(s, ACTION).await.0), (0, "always".into()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_always_grant_outlives_a_limit_that_races_the_click() {
    story(async |s| {
        s.open(ACTION).await;
        let mut outcomes = [0; 2];
        for round in 0..12 {
            s.set_lock(ACTION, LockCommand::SetFor(UnlockedFor::Always)).await.unwrap();
            let (id, prompt) = s.prompt(&s.call(ACTION, &format!("c-{round}"))).await;
            let clicked = send(s, pick(s, &prompt, ALWAYS));
            let limited = async {
                tokio::time::sleep(std::time::Duration::from_millis(round * 2)).await;
                limit(s, ACTION).await;
            };
            let (clicked, ()) = tokio::join!(clicked, limited);
            assert!(clicked.is_ok());
            assert_eq!(live(s, "always").await, 0, "round {round}");
            let status = s.status(&id).await;
            outcomes[usize::from(status == "approved")] += 1;
            let refused = s.refusals(&id).await;
            assert_eq!(status == "pending", refused == ["only-conversations"], "{status}: {refused:?}");
            let next = s.ask(&s.call(ACTION, &format!("c-{round}"))).await;
            assert_eq!(next.approval_status(), "pending");
            for id in [id.as_str(), next.id()] {
                s.api().cancel(id).await;
            }
            s.pass(chrono::TimeDelta::seconds(3));
        }
        assert_eq!(outcomes.iter().sum::<i32>(), 12);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unlocking_a_destructive_action_asks_what_for() {
    story(async |s| {
        s.put("postgres").await;
        s.connect(ALICE, "postgres").await;
        actions_of(s, "postgres").await;
        let value = s.unlock_value(DESTRUCTIVE).await;
        assert!(s.click_home(ADMIN, "Unlock…", &value).await.is_ok());
        let modal = s.modal(ADMIN, |view| view.title() == "Unlock").await;
        assert!(modal.all_text().contains("deleted data cannot be recovered"), "{}", modal.all_text());
        assert_eq!(options(s, DESTRUCTIVE).await.0, Value::Null);
        choose_in_modal(s, "unlocked_for", "conversations").await;
        submit(s).await;
        assert_eq!(options(s, DESTRUCTIVE).await.0, "conversations");
        s.home_shows(ADMIN, |home| home.all_text().contains("Unlocked for conversations")).await;
        let (_, prompt) = s.prompt(&s.call(DESTRUCTIVE, "c-1")).await;
        assert_eq!(labels(&prompt), [MANUALLY, ONE]);

        // A modal that another admin was quicker than changes nothing.
        s.lock(DESTRUCTIVE).await;
        s.home_shows(ADMIN, |home| home.has_button("Unlock…")).await;
        assert!(s.click_home(ADMIN, "Unlock…", &value).await.is_ok());
        s.modal(ADMIN, |view| view.title() == "Unlock").await;
        choose_in_modal(s, "unlocked_for", "always").await;
        s.set_lock(DESTRUCTIVE, LockCommand::Unlock(UnlockedFor::Conversations)).await.unwrap();
        submit(s).await;
        let told = s.modal(ADMIN, |view| view.all_text().contains("has changed since it was shown")).await;
        assert_eq!((told.title(), options(s, DESTRUCTIVE).await.0), ("Unlock", "conversations".into()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_unlock_a_destructive_action_is_answered_with_a_choice() {
    story(async |s| {
        s.put("postgres").await;
        s.connect(ALICE, "postgres").await;
        let (_, prompt) = s.prompt(&s.call(DESTRUCTIVE, "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Request auto-approval").await.is_ok());
        let asks = |message: &Message| message.has_button("Unlock…");
        let message = s.slack.wait_for_direct_message(ADMIN, asks, SOON).await.unwrap();
        assert!(s.click(ADMIN, &message, "Unlock…").await.is_ok());
        s.modal(ADMIN, |view| view.title() == "Unlock").await;
        choose_in_modal(s, "unlocked_for", "conversations").await;
        submit(s).await;
        s.until(&message, |message| message.all_text().contains("auto-approve it for one conversation"))
            .await;
        let told = |message: &Message| message.text().contains("unlocked it for conversations");
        s.slack.wait_for_direct_message(ALICE, told, SOON).await.unwrap();
        s.until(&prompt, |message| labels(message) == [MANUALLY, ONE]).await;
        assert_eq!(s.audited_by("action.unlocked", ADMIN).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_of_an_earlier_version_asks_too() {
    story(async |s| {
        s.put("postgres").await;
        actions_of(s, "postgres").await;
        let value = s.unlock_value(DESTRUCTIVE).await;
        let press = Press::labelled(Surface::Home, "Unlock…").with_value(&value);
        let mut payload = s.slack.prepare_press(ADMIN, &press).unwrap().unwrap();
        payload["actions"][0]["value"] = s.action_id(DESTRUCTIVE).await.into();
        assert!(send(s, payload).await.is_ok());
        s.modal(ADMIN, |view| view.title() == "Unlock").await;
        assert_eq!(options(s, DESTRUCTIVE).await.0, Value::Null);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_changes_an_actions_options() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, ALWAYS).await.is_ok());
        actions_of(s, "github").await;
        let id = s.action_id(ACTION).await;
        assert!(s.click_home(ADMIN, OPTIONS, &id).await.is_ok());
        let modal = s.modal(ADMIN, |view| view.title() == "Options").await;
        assert!(
            modal.all_text().contains("1 auto-approval for every conversation ends"),
            "{}",
            modal.all_text()
        );
        choose_in_modal(s, "must_read", "yes").await;
        submit(s).await;
        assert_eq!(options(s, ACTION).await, ("always".into(), true.into()));
        assert_eq!(live(s, "always").await, 1);

        assert!(s.click_home(ADMIN, OPTIONS, &id).await.is_ok());
        s.modal(ADMIN, |view| view.title() == "Options").await;
        choose_in_modal(s, "unlocked_for", "conversations").await;
        // Another admin changes the other option. What this admin left alone stays.
        must_read(s, ACTION, false).await;
        submit(s).await;
        assert_eq!(options(s, ACTION).await, ("conversations".into(), false.into()));
        assert_eq!((live(s, "always").await, s.audited_by("action.scope_changed", ADMIN).await), (0, 1));

        // A person who is no admin gets no modal.
        let press = Press::labelled(Surface::Home, OPTIONS).with_value(&id);
        let payload = s.slack.prepare_press(ADMIN, &press).unwrap().unwrap();
        assert!(s.forge(payload, ALICE, |_| ()).await.is_ok());
        assert!(s.slack.view(ALICE).is_none());
        assert_eq!(s.audited_by("admin.refused", ALICE).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_must_be_read_is_approved_only_after_details() {
    story(async |s| {
        s.open(ACTION).await;
        must_read(s, ACTION, true).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(prompt.all_text().contains("Must be read"), "{}", prompt.all_text());
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        s.ephemeral_reply(ALICE, &prompt.channel, "Open Details, read the request, and then click again")
            .await;
        for label in [MANUALLY, ONE, ALWAYS] {
            assert!(s.choose(ALICE, &prompt, label).await.is_ok());
        }
        assert_eq!((s.status(&id).await.as_str(), s.refusals(&id).await.len()), ("pending", 4));
        // That another person opened them doesn't count.
        let approval: ApprovalId = id.parse().unwrap();
        details::opened(&s.service, TEAM, approval, &UserId::parse(BOB).unwrap()).await.unwrap();
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.status(&id).await, "pending");

        for _ in 0..2 {
            s.details(ALICE, &prompt).await;
        }
        let opened: Vec<(String, String)> = sqlx::query_as(
            "SELECT actor, subject FROM audit WHERE what = 'approval.details_opened' ORDER BY id",
        )
        .fetch_all(&s.service.db)
        .await
        .unwrap();
        assert_eq!(opened, [(BOB.to_owned(), ACTION.to_owned()), (ALICE.to_owned(), ACTION.to_owned())]);
        // It is stored: any instance, after any crash, knows it.
        s.restart().await;
        assert!(s.choose(ALICE, &prompt, ONE).await.is_ok());
        assert_eq!((s.status(&id).await.as_str(), s.grants_of(ALICE).await), ("approved", 1));

        // Each request is read; denying needs no reading.
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-2")).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.status(&id).await, "pending");
        assert!(s.click(ALICE, &prompt, "Deny").await.is_ok());
        assert_eq!(s.status(&id).await, "denied");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn details_on_one_device_and_approve_on_another() {
    story(async |s| {
        s.put("github").await;
        must_read(s, ACTION, true).await;
        for round in 0..8 {
            let (id, prompt) = s.prompt(&s.call(ACTION, &format!("c-{round}"))).await;
            let press = |label| {
                let press = Press::labelled(Surface::stale(&prompt), label);
                s.slack.prepare_press(ALICE, &press).unwrap().unwrap()
            };
            let (details, approve) = (press("Details"), press("Approve"));
            let approve = async {
                tokio::time::sleep(std::time::Duration::from_millis(round * 4)).await;
                send(s, approve).await
            };
            let (opened, approved) = tokio::join!(send(s, details), approve);
            assert!(opened.is_ok() && approved.is_ok());
            assert_eq!(s.audited("approval.details_opened", &id).await, 1);
            if s.status(&id).await == "pending" {
                assert_eq!(s.refusals(&id).await, ["must-be-read"]);
                assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
            }
            assert_eq!(s.status(&id).await, "approved");
            s.slack.close_all(ALICE).await.unwrap();
            s.pass(chrono::TimeDelta::seconds(3));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_previous_version_approves_nothing_unread() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        must_read(s, ACTION, true).await;
        let approve = async || {
            let uuid = id.parse::<ApprovalId>().unwrap().uuid();
            sqlx::query(
                "UPDATE approvals SET status = 'approved', decision_scope = 'once', decided_by = 'user', decided_user = $2,
                     decided_at = $3 WHERE id = $1",
            )
            .bind(uuid)
            .bind(ALICE)
            .bind(s.now())
            .execute(&s.service.db)
            .await
        };
        let refused = approve().await.unwrap_err().to_string();
        assert!(refused.contains("the request must be read first"), "{refused}");
        s.details(ALICE, &prompt).await;
        assert!(approve().await.is_ok());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_be_read_is_never_approved_together() {
    story(async |s| {
        s.put("github").await;
        let mut ids = Vec::new();
        for number in 0..3 {
            ids.push(s.ask(&s.call(ACTION, &format!("c-{number}"))).await.id().to_owned());
        }
        // The modal lists them, and then an admin requires that they are read.
        assert!(s.click(ALICE, &s.answer(ALICE, "list").await, "Approve all 3…").await.is_ok());
        must_read(s, ACTION, true).await;
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        for id in &ids {
            assert_eq!(s.status(id).await, "pending");
        }
        s.slack.close_all(ALICE).await.unwrap();
        let list = s.answer(ALICE, "list").await;
        assert!(!list.all_text().contains("Decide together"), "{}", list.all_text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_previous_version_unlocks_for_always_and_locks_what_it_does_not_know() {
    story(async |s| {
        s.open(ACTION).await;
        limit(s, ACTION).await;
        let old = async |sql: &'static str| {
            sqlx::query(sql).bind(s.now()).execute(&s.service.db).await.unwrap();
        };
        old("UPDATE actions SET unlocked_at = NULL, unlocked_by = NULL WHERE unlocked_at < $1 + interval '1 s'").await;
        assert_eq!(options(s, ACTION).await.0, Value::Null);
        old("UPDATE actions SET unlocked_at = $1, unlocked_by = 'operator' WHERE key = 'create_issue'").await;
        assert_eq!(options(s, ACTION).await.0, "always");
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert_eq!(labels(&prompt), [MANUALLY, ONE, ALWAYS]);
    })
    .await;
}
