//! What Slack's error codes lead to: a closed list is final, and everything else is tried again on the same message.

use chrono::TimeDelta;
use sandbox::slack::{CallOutcome, Message, Misbehaviour, names};

use crate::{
    modes::{Browser, by_oauth},
    story::{ADMIN, ALICE, SALES, SOON, TestApp, story, story_as},
};

const ACTION: &str = "github.create_issue";
/// Transient error codes, one of which does not exist.
const PASSING: [&str; 7] = [
    "update_failed",
    "external_channel_migrating",
    "accesslimited",
    "ekm_access_denied",
    "org_login_required",
    "team_added_to_org",
    "something_new",
];

fn says(code: &str) -> Misbehaviour {
    Misbehaviour::SlackError(code.to_owned())
}

/// How often Slack answered a method with this code.
fn answered(s: &TestApp, method: &str, code: &str) -> usize {
    let is_it = |outcome: &CallOutcome| matches!(outcome, CallOutcome::Error(name) if name == code);
    s.slack.calls_of(method).iter().filter(|call| is_it(&call.outcome)).count()
}

/// A pending approval whose prompt is out of date, because Slack said this when it was to be changed.
async fn out_of_date(s: &TestApp, code: &str, times: u32) -> (String, Message) {
    s.put("github").await;
    let (id, prompt) = s.prompt(&s.call(ACTION, "c-1").expiring_in(7 * 86_400)).await;
    s.slack.misbehave("chat.update", says(code), times);
    s.unlock(ACTION).await;
    s.until_so(async || answered(s, "chat.update", code) > 0).await;
    (id, prompt)
}

fn is_unlocked(message: &Message) -> bool {
    !message.all_text().contains("o admin has unlocked")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passing_error_is_retried_on_the_same_message() {
    for code in PASSING {
        story(async |s| {
            let (id, prompt) = out_of_date(s, code, 1).await;
            assert!(s.slack.message(&prompt.channel, &prompt.ts).unwrap().has_button("Approve"));
            s.advance_until_idle(TimeDelta::seconds(2)).await;
            s.until(&prompt, is_unlocked).await;
            assert_eq!(s.slack.direct_messages(ALICE).len(), 1, "{code}: no second prompt");
            assert_eq!(s.status(&id).await, "pending", "{code}");
            assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
            assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_lasts_for_hours_ends_nothing() {
    story(async |s| {
        let (id, prompt) = out_of_date(s, "org_login_required", 10_000).await;
        for _ in 0..80 {
            s.advance_until_idle(TimeDelta::minutes(6)).await;
        }
        let tries = answered(s, "chat.update", "org_login_required");
        assert!((70..100).contains(&tries), "{tries}");
        assert_eq!((s.status(&id).await.as_str(), s.slack.direct_messages(ALICE).len()), ("pending", 1));
        // A click is decided, and drawn as soon as Slack lets it be: it doesn't wait for the next try.
        s.slack.behave("chat.update");
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        s.until(&prompt, |message| !message.has_button("Approve")).await;
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_prompt_comes_when_the_error_has_passed() {
    for (method, code) in [
        ("chat.postMessage", "org_login_required"),
        ("chat.postMessage", "accesslimited"),
        ("chat.postMessage", "something_new"),
        ("users.info", "team_added_to_org"),
        ("users.info", "missing_scope"),
    ] {
        story(async |s| {
            s.slack.misbehave(method, says(code), 1);
            let id = s.ask(&s.call(ACTION, "c-1").in_channel(SALES, None)).await.id().to_owned();
            s.until_so(async || answered(s, method, code) == 1).await;
            s.advance_until_idle(TimeDelta::seconds(2)).await;
            let fits = |message: &Message| message.to_json().to_string().contains(&id);
            s.slack.wait_for_message(SALES, fits, SOON).await.unwrap();
            assert!(s.slack.direct_messages(ALICE).is_empty(), "{code}");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_be_changed_is_said_once_elsewhere() {
    for code in [
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "is_archived",
        "is_inactive",
        "channel_not_found",
        "not_in_channel",
    ] {
        story(async |s| {
            // Even if the other post has to be tried twice.
            s.slack.misbehave("chat.postMessage", Misbehaviour::Delay(std::time::Duration::ZERO), 1);
            s.slack.misbehave("chat.postMessage", says("internal_error"), 1);
            let (_, prompt) = out_of_date(s, code, 2).await;
            s.advance_until_idle(TimeDelta::seconds(2)).await;
            let is_another = |message: &Message| message.ts != prompt.ts;
            s.slack.wait_for_direct_message(ALICE, is_another, SOON).await.unwrap();
            s.lock(ACTION).await;
            s.settled().await;
            assert_eq!(s.slack.direct_messages(ALICE).len(), 2, "{code}");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_to_an_organisation_removes_no_app() {
    for code in ["org_login_required", "team_added_to_org"] {
        story_as(by_oauth, async |s| {
            Browser::new().install(s, names::TEAM).await;
            s.pass(TimeDelta::seconds(5));
            let asked = || s.slack.calls_of("auth.test").len();
            s.slack.misbehave("auth.test", says(code), 1000);
            let event =
                serde_json::json!({ "type": "tokens_revoked", "tokens": { "bot": [names::BOT_USER] } });
            assert!(s.slack.send_event(names::TEAM, event).await.is_ok());
            for _ in 0..3 {
                let before = asked();
                s.advance_until_idle(TimeDelta::hours(1)).await;
                s.until_so(async || asked() > before).await;
            }
            assert_eq!((s.audits("workspace.removed").await, s.unhandled_events().await), (0, 1));
            s.slack.behave("auth.test");
            s.advance_until_idle(TimeDelta::minutes(1)).await;
            s.until_so(async || s.unhandled_events().await == 0).await;
            assert_eq!(s.audits("workspace.removed").await, 0);
            let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
            assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
            assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_look_up_is_not_made_again_before_its_time() {
    story(async |s| {
        s.slack.misbehave("users.info", Misbehaviour::RateLimited { retry_after: 40 }, 1);
        for number in 0..60 {
            s.ask(&s.call(ACTION, &format!("c-{number}"))).await;
        }
        s.settled().await;
        s.pass(TimeDelta::seconds(20));
        s.settled().await;
        assert_eq!(s.slack.calls_of("users.info").len(), 1);
        s.pass(TimeDelta::seconds(20));
        s.slack.wait_for_direct_message(ALICE, |message| message.has_button("Approve"), SOON).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_told_how_long_slack_wants_to_wait() {
    for (said, passed_on) in [(90, "90"), (0, "1"), (1_000_000_000_000_000, "3600"), (u64::MAX, "3600")] {
        story(async |s| {
            s.slack.misbehave("users.lookupByEmail", Misbehaviour::RateLimited { retry_after: said }, 1);
            let mut ask = s.call(ACTION, "c-1");
            "alice@example.com".clone_into(&mut ask.user);
            let reply = s.api().ask(&ask).await;
            assert_eq!((reply.status, reply.header("retry-after")), (503, passed_on), "{reply:?}");
            assert!(reply.str("/detail").contains(&format!("{passed_on} s")), "{reply:?}");
            if said == 90 {
                s.pass(TimeDelta::seconds(50));
                assert_eq!(s.api().ask(&ask).await.header("retry-after"), "40");
                assert_eq!(s.slack.calls_of("users.lookupByEmail").len(), 1);
            }
            s.advance_until_idle(TimeDelta::hours(1)).await;
            assert_eq!(s.ask(&ask).await.str("/user"), ALICE);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_token_exchange_is_not_made_again_before_its_time() {
    story_as(by_oauth, async |s| {
        let exchanges = || s.slack.calls_of("oauth.v2.access").len();
        s.slack.misbehave("oauth.v2.access", Misbehaviour::RateLimited { retry_after: 40 }, 1);
        for _ in 0..3 {
            assert_eq!(Browser::new().install(s, names::TEAM).await.status(), 502);
        }
        assert_eq!(exchanges(), 1);
        s.pass(TimeDelta::seconds(41));
        assert_eq!(Browser::new().install(s, names::TEAM).await.status(), 200);
        assert_eq!(exchanges(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_scope_is_named_to_the_caller() {
    story(async |s| {
        let scope = "users:read.email";
        s.slack.change_token(&s.slack.bot_token(), |token| token.scopes.remove(scope));
        let mut ask = s.call(ACTION, "c-1");
        "alice@example.com".clone_into(&mut ask.user);
        let reply = s.api().ask(&ask).await;
        assert_eq!((reply.status, reply.str("/type")), (403, "urn:countersign:problem:missing-scope"));
        let detail = reply.str("/detail");
        assert!(detail.contains(scope) && detail.contains("OAuth & Permissions"), "{detail}");
        s.slack.change_token(&s.slack.bot_token(), |token| token.scopes.insert(scope.to_owned()));
        assert_eq!(s.ask(&ask).await.str("/user"), ALICE);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_modal_is_drawn_again_after_a_passing_error() {
    story(async |s| {
        s.open(ACTION).await;
        s.gear(ALICE, "GitHub").await;
        s.slack.misbehave("views.update", says("internal_error"), 1);
        assert!(s.toggle(ALICE, ACTION).await.is_ok());
        s.until_so(async || answered(s, "views.update", "internal_error") == 1).await;
        s.modal(ALICE, |view| !view.check_boxes()[0].block_id.ends_with(":first")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_see_why_slack_took_no_prompt() {
    story(async |s| {
        s.home(ADMIN, |home| home.all_text().contains("Administration")).await;
        s.slack.misbehave("chat.postMessage", says("accesslimited"), 2);
        s.ask(&s.call(ACTION, "c-1")).await;
        s.until_so(async || answered(s, "chat.postMessage", "accesslimited") == 1).await;
        s.advance_until_idle(TimeDelta::seconds(2)).await;
        s.until_so(async || answered(s, "chat.postMessage", "accesslimited") == 2).await;
        s.advance_until_idle(TimeDelta::seconds(4)).await;
        s.home_shows(ADMIN, |home| home.all_text().contains("accesslimited: 2 times")).await;
        let http = sandbox::http::client().unwrap();
        let metrics = http.get(format!("{}/metrics", s.url())).send().await.unwrap().text().await.unwrap();
        let counted = |line: &str| {
            line.contains(r#"method="chat.postMessage""#) && line.contains(r#"code="accesslimited""#)
        };
        assert!(metrics.lines().any(counted), "{metrics}");
        // A day later it is no news.
        s.advance_until_idle(TimeDelta::hours(25)).await;
        s.put("github").await;
        s.home_shows(ADMIN, |home| !home.all_text().contains("accesslimited")).await;
    })
    .await;
}
