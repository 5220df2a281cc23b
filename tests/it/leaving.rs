//! The app is removed from a workspace, and comes back.

use chrono::TimeDelta;
use countersign::service::leave;
use futures::StreamExt as _;
use sandbox::slack::{Misbehaviour, names};
use serde_json::Value;

use crate::{
    giving::hold_audit,
    modes::{Browser, by_oauth},
    racing::waiting,
    story::{ALICE, TestApp, story, story_as},
};

const ACTION: &str = "github.create_issue";

/// Waits until the service knows that the app is gone.
async fn gone(s: &TestApp) {
    s.until_so(async || s.audits("workspace.removed").await == 1).await;
}

async fn ask_some(s: &TestApp, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        ids.push(s.prompt(&s.call(ACTION, &format!("c-{number}"))).await.0);
    }
    ids
}

async fn leaves(s: &mut TestApp, order: [usize; 2]) {
    Browser::new().install(s, names::TEAM).await;
    let ids = ask_some(s, 3).await;
    s.pass(TimeDelta::seconds(5));
    let envelopes = s.slack.uninstall(names::TEAM);
    for at in order {
        // Each comes twice.
        assert!(s.slack.send_envelope(envelopes[at].clone()).await.is_ok());
        assert!(s.slack.send_envelope(envelopes[at].clone()).await.is_ok());
    }
    for id in &ids {
        let told = s.received_webhook(id).await;
        assert_eq!(told.kind, "approval.undeliverable");
        assert_eq!(told.approval()["decision"]["reason"], "the Slack app is no longer installed");
    }
    gone(s).await;
    let refused = s.api().ask(&s.call(ACTION, "c-9")).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert_eq!(s.sealed_tokens().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_ends_when_the_app_is_removed() {
    story_as(by_oauth, async |s| leaves(s, [0, 1]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_two_events_may_come_in_the_other_order() {
    story_as(by_oauth, async |s| leaves(s, [1, 0]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_one_batch_ends() {
    story_as(by_oauth, async |s| {
        Browser::new().install(s, names::TEAM).await;
        // All ask for the same action: one that each of them had to register first would have them wait for each other.
        s.put("github").await;
        let calls: Vec<_> = (0..120).map(|number| s.call(ACTION, &format!("c-{number}"))).collect();
        let replies: Vec<_> =
            futures::stream::iter(calls.iter().map(|call| s.ask(call))).buffered(16).collect().await;
        let [event, _] = s.slack.uninstall(names::TEAM);
        s.slack.send_envelope(event).await;
        for reply in &replies {
            assert_eq!(s.received_webhook(reply.id()).await.kind, "approval.undeliverable");
        }
        assert_eq!(s.audits("approval.undeliverable").await, 120);
        gone(s).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn installing_again_starts_clean_and_late_events_change_nothing() {
    story_as(by_oauth, async |s| {
        Browser::new().install(s, names::TEAM).await;
        s.open(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        assert_eq!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "approved");
        let installed = s.audits("workspace.installed").await;
        let [uninstalled, revoked] = s.slack.uninstall(names::TEAM);
        s.slack.send_envelope(uninstalled.clone()).await;
        gone(s).await;
        s.pass(TimeDelta::seconds(2));
        assert_eq!(Browser::new().install(s, names::TEAM).await.status(), 200);
        // The other event, and the first one again under another id, come only now.
        let mut again = uninstalled;
        again["event_id"] = Value::from("Ev0LATE");
        for late in [revoked, again] {
            assert!(s.slack.send_envelope(late).await.is_ok());
        }
        s.until_so(async || s.unhandled_events().await == 0).await;
        // What people allowed is gone, and everything works.
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-3")).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        assert_eq!(s.audits("workspace.removed").await, 1);
        assert_eq!(s.audits("workspace.installed").await, installed + 1);
        assert_eq!(s.audits("grant.revoked").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_given_while_the_app_is_removed_ends_with_it() {
    story_as(by_oauth, async |s| {
        Browser::new().install(s, names::TEAM).await;
        s.open(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let held = hold_audit(s).await;
        let removed = async {
            waiting(s, 1).await;
            let [event, _] = s.slack.uninstall(names::TEAM);
            assert!(s.slack.send_envelope(event).await.is_ok());
            waiting(s, 2).await;
            held.rollback().await.unwrap();
        };
        let (clicked, ()) = tokio::join!(s.choose(ALICE, &prompt, "Auto-approve always"), removed);
        assert!(clicked.is_ok());
        gone(s).await;
        assert_eq!(s.live_grants().await, 0);
        s.pass(TimeDelta::seconds(2));
        assert_eq!(Browser::new().install(s, names::TEAM).await.status(), 200);
        assert_eq!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "pending");
    })
    .await;
}

/// Lets what was left unfinished be taken up again.
async fn taken_up_again(s: &TestApp, misbehaved: usize) {
    s.pass(TimeDelta::seconds(31));
    s.until_so(async || asked_whether_it_works(s) > misbehaved).await;
}

fn asked_whether_it_works(s: &TestApp) -> usize {
    s.slack.calls().iter().filter(|call| call.method == "auth.test").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_slack_does_not_say_an_event_waits() {
    story_as(by_oauth, async |s| {
        Browser::new().install(s, names::TEAM).await;
        let ids = ask_some(s, 1).await;
        let [event, _] = s.slack.uninstall(names::TEAM);
        for trouble in [
            Misbehaviour::ServerError(503),
            Misbehaviour::RateLimited { retry_after: 30 },
            Misbehaviour::SlackError("internal_error".to_owned()),
        ] {
            s.slack.misbehave("auth.test", trouble, 1);
        }
        s.slack.send_envelope(event).await;
        s.until_so(async || asked_whether_it_works(s) == 1).await;
        for asked in 1..=3 {
            assert_eq!((s.unhandled_events().await, s.audits("workspace.removed").await), (1, 0));
            taken_up_again(s, asked).await;
        }
        assert_eq!(s.received_webhook(&ids[0]).await.kind, "approval.undeliverable");
        gone(s).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_by_their_times_where_slack_says_nothing_for_an_hour() {
    story_as(by_oauth, async |s| {
        Browser::new().install(s, names::TEAM).await;
        let [late, _] = s.slack.uninstall(names::TEAM);
        s.advance_until_idle(TimeDelta::minutes(1)).await;
        Browser::new().install(s, names::TEAM).await;
        s.slack.misbehave("auth.test", Misbehaviour::ServerError(503), 1000);
        s.slack.send_envelope(late).await;
        s.until_so(async || asked_whether_it_works(s) == 1).await;
        assert_eq!(s.unhandled_events().await, 1);
        s.advance_until_idle(TimeDelta::hours(1)).await;
        s.until_so(async || s.unhandled_events().await == 0).await;
        assert_eq!(s.audits("workspace.removed").await, 0);
        // The same, and the app was not installed again.
        let [event, _] = s.slack.uninstall(names::TEAM);
        s.slack.send_envelope(event).await;
        s.until_so(async || asked_whether_it_works(s) == 3).await;
        s.advance_until_idle(TimeDelta::hours(1)).await;
        gone(s).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_installs_the_app_while_slack_is_asked_keeps_it() {
    story_as(by_oauth, async |s| {
        Browser::new().install(s, names::TEAM).await;
        let first = leave::installed_at(&s.service, names::TEAM).await.unwrap().unwrap();
        let [event, _] = s.slack.uninstall(names::TEAM);
        // Slack says that the token is dead, and takes its time to say so.
        s.slack.misbehave("auth.test", Misbehaviour::SlowAnswer(std::time::Duration::from_secs(2)), 1);
        s.slack.send_envelope(event).await;
        s.until_so(async || asked_whether_it_works(s) == 1).await;
        s.pass(TimeDelta::seconds(1));
        assert_eq!(Browser::new().install(s, names::TEAM).await.status(), 200);
        s.until_so(async || s.unhandled_events().await == 0).await;
        // Nor does it end who asked about the first installation a moment before.
        assert!(!leave::leave_that(&s.service, names::TEAM, first, "late").await.unwrap());
        assert_eq!((s.audits("workspace.removed").await, s.sealed_tokens().await), (0, 1));
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_met_the_token_of_before_is_drawn_with_the_one_of_now() {
    story_as(by_oauth, async |s| {
        Browser::new().install(s, names::TEAM).await;
        let [_lost, _too] = s.slack.uninstall(names::TEAM);
        // Slack says that the token is dead, and takes its time to say so.
        let slow = Misbehaviour::SlowAnswer(std::time::Duration::from_secs(2));
        s.slack.misbehave("users.info", slow, 1);
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        s.until_so(async || !s.slack.calls_of("users.info").is_empty()).await;
        s.pass(TimeDelta::seconds(1));
        assert_eq!(Browser::new().install(s, names::TEAM).await.status(), 200);
        s.until_so(async || {
            s.pass(TimeDelta::seconds(1));
            !s.slack.direct_messages(ALICE).is_empty()
        })
        .await;
        assert_eq!((s.status(&id).await.as_str(), s.audits("workspace.removed").await), ("pending", 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_nobody_announced_is_noticed_at_the_next_prompt() {
    story_as(by_oauth, async |s| {
        Browser::new().install(s, names::TEAM).await;
        let ids = ask_some(s, 2).await;
        let _lost = s.slack.uninstall(names::TEAM);
        let reply = s.ask(&s.call(ACTION, "c-9")).await;
        for id in ids.iter().map(String::as_str).chain([reply.id()]) {
            assert_eq!(s.received_webhook(id).await.kind, "approval.undeliverable");
        }
        gone(s).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_people_may_be_revoked_without_consequence() {
    story(async |s| {
        let event = serde_json::json!({
            "type": "tokens_revoked", "tokens": { "oauth": [ALICE], "bot": [] },
        });
        assert!(s.slack.send_event(names::TEAM, event).await.is_ok());
        s.prompt(&s.call(ACTION, "c-1")).await;
        assert_eq!(s.audits("workspace.removed").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_handled_once_however_often_it_comes() {
    story_as(by_oauth, async |s| {
        Browser::new().install(s, names::TEAM).await;
        let [event, _] = s.slack.uninstall(names::TEAM);
        let mut copies = vec![event.clone(); 10];
        for (number, copy) in copies.iter_mut().enumerate().skip(5) {
            copy["event_id"] = Value::from(format!("Ev0COPY{number}"));
        }
        let other = s.instance().await;
        let sent =
            futures::future::join_all(copies.into_iter().map(|copy| s.slack.send_envelope(copy))).await;
        assert!(sent.iter().all(sandbox::slack::Delivery::is_ok));
        gone(s).await;
        s.until_so(async || s.unhandled_events().await == 0).await;
        assert_eq!(s.events_kept().await, 1);
        let asked = s.slack.calls().iter().filter(|call| call.method == "auth.test").count();
        assert!(asked <= 2, "asked {asked} times");
        other.shutdown().await;
    })
    .await;
}
