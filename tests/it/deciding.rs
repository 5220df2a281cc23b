//! A person decides: every row of the table.

use std::time::Duration;

use sandbox::slack::{Misbehaviour, Surface};

use crate::story::{ALICE, IN_WORDS, TestApp, story};

const ACTION: &str = "github.create_issue";

#[tokio::test(flavor = "multi_thread")]
async fn approve_approves_once_and_asks_again_next_time() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        approved_once(s, &id).await;
        let decided = s.until(&prompt, |message| !message.has_button("Approve")).await;
        assert!(decided.options_of("approve_more").is_empty() && !decided.has_button("Deny"));
        assert!(!decided.has_button("Turn off"), "there is nothing to turn off");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approve_manually_approves_once_and_asks_again_next_time() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, "Approve manually").await.is_ok());
        approved_once(s, &id).await;
    })
    .await;
}

async fn approved_once(s: &TestApp, id: &str) {
    let told = s.received_webhook(id).await;
    assert_eq!(told.kind, "approval.approved");
    let decision = &told.approval()["decision"];
    assert_eq!((&decision["scope"], &decision["by"]), (&"once".into(), &"user".into()));
    assert_eq!((&decision["user"], &decision["grant"]), (&ALICE.into(), &serde_json::Value::Null));
    assert_eq!(s.live_grants().await, 0);
    assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "pending");
    assert_eq!(s.audited("approval.approved", id).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn for_this_conversation_covers_the_conversation_and_no_other() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve for this conversation").await.is_ok());
        let grant = s.received_webhook(&id).await.approval()["decision"]["grant"].clone();
        assert!(grant.as_str().unwrap().starts_with("grt_"));
        let next = s.ask(&s.call(ACTION, "c-1")).await;
        assert_eq!(next.approval_status(), "approved");
        assert_eq!((next.str("/decision/by"), next.str("/decision/scope")), ("auto", "conversation"));
        assert_eq!(next.body["decision"]["grant"], grant);
        assert_eq!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn always_covers_every_agent_and_backend_until_it_is_turned_off() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        let (key, _) = s.create_backend("another").await;
        let other = s.backend.api_with_key(&key);
        let reply = other.ask(&s.call(ACTION, "c-9").by_agent("hermes", "Hermes")).await;
        assert_eq!((reply.approval_status(), reply.str("/decision/scope")), ("approved", "always"));
        let decided = s.until(&prompt, |message| message.has_button("Turn off")).await;
        assert!(s.click(ALICE, &decided, "Turn off").await.is_ok());
        assert_eq!(other.ask(&s.call(ACTION, "c-9")).await.approval_status(), "pending");
        s.until(&prompt, |message| !message.has_button("Turn off")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auto_approval_is_counted_drawn_nowhere_and_told_in_its_response_alone() {
    story(async |s| {
        s.open(ACTION).await;
        let (first, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        let decided = s.until(&prompt, |message| message.has_button("Turn off")).await;
        s.received_webhook(&first).await;
        let posted = s.slack.calls_of("chat.postMessage").len();
        let auto = s.ask(&s.call(ACTION, "c-2")).await;
        assert_eq!(auto.approval_status(), "approved");
        let used: i64 =
            sqlx::query_scalar("SELECT use_count FROM used_grants").fetch_one(&s.service.db).await.unwrap();
        assert_eq!(used, 1);
        // What is asked, shown and told after it was; had it been, it would have come first.
        assert!(s.click(ALICE, &decided, "Turn off").await.is_ok());
        let (second, prompt) = s.prompt(&s.call(ACTION, "c-3")).await;
        s.click(ALICE, &prompt, "Approve").await;
        s.received_webhook(&second).await;
        assert_eq!(s.slack.calls_of("chat.postMessage").len(), posted + 1);
        assert!(s.events(auto.id()).is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_can_be_written_for_the_agent() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, IN_WORDS).await.is_ok());
        assert!(s.slack.view(ALICE).is_some());
        assert_eq!(s.status(&id).await, "pending", "nothing is decided while the reason is typed");
        s.slack.type_text(ALICE, "reason", "Wrong repository").await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        let told = s.received_webhook(&id).await;
        assert_eq!(told.kind, "approval.denied");
        assert_eq!(told.approval()["decision"]["reason"], "Wrong repository");
        s.until(&prompt, |message| message.all_text().contains("Wrong repository")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deny_decides_at_once() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Deny").await.is_ok());
        assert!(s.slack.view(ALICE).is_none(), "no modal is opened");
        let told = s.received_webhook(&id).await;
        assert_eq!(told.kind, "approval.denied");
        assert_eq!(told.approval()["decision"]["reason"], serde_json::Value::Null);
        s.until(&prompt, |message| message.all_text().contains("Denied by")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_menu_beside_deny_denies_at_once_with_its_reason() {
    story(async |s| {
        for (label, reason) in [
            ("Deny: wrong target", "wrong target"),
            ("Deny: not now", "not now"),
            ("Deny: ask again with changes", "ask again with changes"),
        ] {
            s.pass(chrono::TimeDelta::seconds(2));
            let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
            assert!(s.choose(ALICE, &prompt, label).await.is_ok());
            assert!(s.slack.view(ALICE).is_none(), "no modal is opened");
            assert_eq!(s.received_webhook(&id).await.approval()["decision"]["reason"], reason);
            let decided = s.until(&prompt, |message| !message.has_button("Deny")).await;
            assert!(decided.all_text().contains(&format!(": {reason}, ")), "{}", decided.all_text());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_written_reason_may_be_empty() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, IN_WORDS).await.is_ok());
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        assert!(s.slack.view(ALICE).is_none(), "the modal is closed");
        let told = s.received_webhook(&id).await;
        assert_eq!(told.kind, "approval.denied");
        let decision = &told.approval()["decision"];
        assert_eq!((&decision["reason"], &decision["scope"]), (&().into(), &().into()));
        assert_eq!(decision["user"], ALICE);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_modal_that_is_closed_denies_nothing() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.choose(ALICE, &prompt, IN_WORDS).await;
        s.slack.close(ALICE).await.unwrap();
        assert_eq!(s.status(&id).await, "pending");
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_modal_cant_be_opened_in_time_it_is_denied_without_a_reason() {
    story(async |s| {
        let late = Duration::from_millis(2_200);
        for misbehaviour in [
            Misbehaviour::Hang(late),
            Misbehaviour::Delay(late),
            Misbehaviour::SlowAnswer(late),
            Misbehaviour::RateLimited { retry_after: 30 },
            Misbehaviour::SlackError("expired_trigger_id".to_owned()),
            Misbehaviour::ServerError(503),
            Misbehaviour::HtmlPage,
            Misbehaviour::DropBeforeEffect,
        ] {
            s.pass(chrono::TimeDelta::seconds(2));
            let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
            s.slack.misbehave("views.open", misbehaviour.clone(), 1);
            let delivery = s.choose(ALICE, &prompt, IN_WORDS).await;
            assert!(delivery.is_ok(), "{misbehaviour:?}: {delivery:?}");
            let told = s.received_webhook(&id).await;
            assert_eq!(told.kind, "approval.denied", "{misbehaviour:?}");
            assert_eq!(told.approval()["decision"]["reason"], serde_json::Value::Null, "{misbehaviour:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slack_that_answers_nothing_at_all_still_gets_its_click_answered_in_time() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1").expiring_in(3600)).await;
        // Who Alice is has been forgotten, and can't be asked.
        s.advance_until_idle(chrono::TimeDelta::minutes(11)).await;
        let silence = Misbehaviour::Hang(Duration::from_secs(5));
        s.slack.misbehave("users.info", silence.clone(), 1);
        s.slack.misbehave("views.open", silence, 1);
        let delivery = s.choose(ALICE, &prompt, IN_WORDS).await;
        assert!(delivery.is_ok(), "{delivery:?}");
        assert_eq!(s.received_webhook(&id).await.kind, "approval.denied");
        assert_eq!(s.slack.calls_of("users.info").len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_modal_that_opens_after_all_says_that_it_is_decided_and_changes_nothing() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.slack.misbehave("views.open", Misbehaviour::SlowAnswer(Duration::from_secs(2)), 1);
        assert!(s.choose(ALICE, &prompt, IN_WORDS).await.is_ok());
        s.received_webhook(&id).await;
        s.slack.type_text(ALICE, "reason", "Too late").await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        let said = s.slack.view(ALICE).unwrap();
        assert!(said.all_text().contains(&format!("Denied by <@{ALICE}>")), "{}", said.all_text());
        assert!(said.to_json()["errors"].is_null() && said.errors.is_empty(), "{said:?}");
        assert_eq!(s.api().get(&id).await.body["decision"]["reason"], serde_json::Value::Null);
        assert_eq!(s.refusals(&id).await, ["already-ended"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_menu_is_there_only_when_unlocked_and_connected_and_one_line_says_why_not() {
    story(async |s| {
        let locked = "Auto-approval is off: no admin has unlocked this action.";
        let connect = "Connect this integration to auto-approve its actions.";
        s.put("github").await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(prompt.options_of("approve_more").is_empty() && prompt.all_text().contains(locked));
        assert!(!prompt.all_text().contains(connect), "one reason at a time");

        s.unlock(ACTION).await;
        let redrawn = s.until(&prompt, |message| !message.all_text().contains(locked)).await;
        assert!(redrawn.options_of("approve_more").is_empty() && redrawn.all_text().contains(connect));

        s.api().connect_user(ALICE, "github").await;
        let redrawn = s.until(&prompt, |message| !message.all_text().contains(connect)).await;
        let options = redrawn.options_of("approve_more");
        let labels: Vec<_> = options.iter().map(|option| option.label.as_str()).collect();
        let all = [
            "Approve manually",
            "Auto-approve for this conversation",
            "Auto-approve always",
            "More options…",
        ];
        assert_eq!(labels, all);

        s.api().disconnect_user(ALICE, "github").await;
        s.until(&prompt, |message| {
            message.options_of("approve_more").is_empty() && message.all_text().contains(connect)
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integration_that_needs_no_connection_has_the_menu_once_unlocked() {
    story(async |s| {
        s.put("postgres").await;
        s.unlock("postgres.execute_sql").await;
        let (id, prompt) = s.prompt(&s.call("postgres.execute_sql", "c-1")).await;
        assert_eq!(prompt.options_of("approve_more").len(), 3);
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        assert_eq!(s.ask(&s.call("postgres.execute_sql", "c-2")).await.approval_status(), "approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_applies_going_forward_and_pending_ones_stay_pending() {
    story(async |s| {
        s.open(ACTION).await;
        let (first, one) = s.prompt(&s.call(ACTION, "c-1")).await;
        let (second, two) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &one, "Auto-approve always").await.is_ok());
        s.received_webhook(&first).await;
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved");
        assert_eq!(s.status(&second).await, "pending");
        assert!(s.events(&second).is_empty());
        assert!(s.click(ALICE, &two, "Deny").await.is_ok());
        assert_eq!(s.received_webhook(&second).await.kind, "approval.denied");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_always_or_for_this_conversation_uses_the_grant_that_is_there() {
    story(async |s| {
        s.open(ACTION).await;
        for choice in ["Auto-approve always", "Auto-approve for this conversation"] {
            s.pass(chrono::TimeDelta::seconds(2));
            let mut grants = Vec::new();
            let (first, one) = s.prompt(&s.call(ACTION, "c-1")).await;
            let (second, two) = s.prompt(&s.call(ACTION, "c-1")).await;
            for (id, prompt) in [(first, one), (second, two)] {
                assert!(s.choose(ALICE, &prompt, choice).await.is_ok());
                grants.push(s.received_webhook(&id).await.approval()["decision"]["grant"].clone());
                let given = s.audited("grant.given", &id).await;
                assert_eq!(given, i64::from(grants.len() == 1), "only the first click gives one");
            }
            assert!(grants[0].is_string() && grants[0] == grants[1], "{grants:?}");
            assert_eq!(s.live_grants().await, 1);
            turn_off(s, &grants[0]).await;
        }
    })
    .await;
}

/// Turns a grant off by the button of a prompt that left it.
async fn turn_off(s: &TestApp, grant: &serde_json::Value) {
    let grant = grant.as_str().unwrap();
    let prompt = s
        .slack
        .wait_for_direct_message(
            ALICE,
            |message| message.buttons().iter().any(|button| button.value == grant),
            crate::story::SOON,
        )
        .await
        .unwrap();
    assert!(s.slack.click_label(ALICE, Surface::message(&prompt), "Turn off").await.unwrap().is_ok());
    assert_eq!(s.live_grants().await, 0);
}
