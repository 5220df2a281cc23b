//! What Slack signed counts once: sending it again within the signature's 300 seconds changes nothing.

use chrono::TimeDelta;
use countersign::domain::repeats::REMEMBERED;
use sandbox::slack::{Press, Signing, Surface};
use serde_json::Value;

use crate::{
    modes::{http_story as story, socket_mode},
    story::{ADMIN, ALICE, IN_WORDS, SALES, TestApp, story_as, story_with_own_server},
};

const ACTION: &str = "github.create_issue";

/// Signed now: sent again later, it carries the same time.
fn now(s: &TestApp) -> Signing {
    Signing::default().at(s.now().timestamp())
}

/// A click on a prompt, as it would be sent.
fn press(s: &TestApp, user: &str, press: &Press) -> Value {
    s.slack.prepare_press(user, press).unwrap().unwrap()
}

async fn asks(s: &TestApp) {
    assert_eq!(s.ask(&s.call(ACTION, "c-asks")).await.approval_status(), "pending");
}

async fn taken(s: &TestApp, payload: &Value, signing: &Signing) {
    let delivery = s.slack.send_interaction(payload.clone(), signing).await;
    assert!(delivery.is_ok() && delivery.body.is_empty(), "{delivery:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_sent_again_changes_nothing_on_any_instance() {
    story(async |s| {
        s.open(ACTION).await;
        let signing = now(s);
        let on = s.slack.prepare_command(ALICE, SALES, "/approvals", &format!("on {ACTION}")).unwrap();
        assert!(s.slack.send_command(on.clone(), &signing).await.body.contains("On:"));
        s.pass(TimeDelta::seconds(1));
        let off = s.slack.prepare_command(ALICE, SALES, "/approvals", "off all").unwrap();
        let off_signing = now(s);
        assert!(s.slack.send_command(off.clone(), &off_signing).await.is_ok());
        let other = s.instance().await;
        for url in [s.url(), format!("http://{}", other.address())] {
            s.slack.connect_app(&url);
            let repeated = s.slack.send_command(on.clone(), &signing).await;
            assert!(repeated.body.contains("This command has already run"), "{repeated:?}");
            assert_eq!(s.grants_of(ALICE).await, 0);
        }
        s.answer(ALICE, &format!("on {ACTION}")).await;
        let repeated = s.slack.send_command(off, &off_signing).await;
        assert!(repeated.body.contains("This command has already run"), "{repeated:?}");
        assert_eq!((s.grants_of(ALICE).await, s.audited_by("grant.given", ALICE).await), (1, 2));
        other.shutdown().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admins_unlock_that_is_sent_again_does_not_undo_the_lock() {
    story(async |s| {
        s.put("github").await;
        let (github, id) = (s.integration_id("github").await, s.action_id(ACTION).await);
        s.home(ADMIN, |home| home.has_button("Actions")).await;
        s.click_home(ADMIN, "Actions", &github).await;
        s.home_shows(ADMIN, |home| home.has_button("Unlock")).await;
        // The first version of an action has the action's own number.
        let seen = format!("{id}:{}", id.replace("act_", "ver_"));
        let unlock = press(s, ADMIN, &Press::labelled(Surface::Home, "Unlock").with_value(&seen));
        let signing = now(s);
        taken(s, &unlock, &signing).await;
        assert_eq!(s.audited_by("action.unlocked", ADMIN).await, 1);
        s.pass(TimeDelta::seconds(1));
        s.lock(ACTION).await;
        taken(s, &unlock, &signing).await;
        assert_eq!(s.audited_by("action.unlocked", ADMIN).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_toggle_and_turn_off_that_are_sent_again_change_nothing() {
    story(async |s| {
        s.open(ACTION).await;
        s.gear(ALICE, "GitHub").await;
        let on = press(s, ALICE, &s.toggling(ALICE, ACTION).await);
        let signing = now(s);
        taken(s, &on, &signing).await;
        s.home(ALICE, |home| home.has_button("Turn off")).await;
        let off = press(s, ALICE, &Press::labelled(Surface::Home, "Turn off"));
        s.pass(TimeDelta::seconds(1));
        let later = now(s);
        taken(s, &off, &later).await;
        assert_eq!(s.grants_of(ALICE).await, 0);
        taken(s, &on, &signing).await;
        assert_eq!(s.grants_of(ALICE).await, 0);
        asks(s).await;
        s.answer(ALICE, &format!("on {ACTION}")).await;
        taken(s, &off, &later).await;
        assert_eq!(s.grants_of(ALICE).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_click_is_not_obeyed_when_it_comes_again() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let option =
            prompt.options_of("approve_more").into_iter().find(|one| one.label.ends_with("always")).unwrap();
        let always = Press::on(Surface::message(&prompt), "approve_more")
            .doing(sandbox::slack::Gesture::Pick(option.label));
        let always = press(s, ALICE, &always);
        s.lock(ACTION).await;
        let signing = now(s);
        taken(s, &always, &signing).await;
        assert_eq!(s.refusals(&id).await, ["locked"]);
        s.unlock(ACTION).await;
        taken(s, &always, &signing).await;
        assert_eq!((s.status(&id).await.as_str(), s.grants_of(ALICE).await), ("pending", 0));
        assert_eq!(s.refusals(&id).await, ["locked"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deny_that_was_thought_better_of_does_not_deny_when_it_comes_again() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let deny = press(
            s,
            ALICE,
            &Press::on(Surface::message(&prompt), "deny_more")
                .doing(sandbox::slack::Gesture::Pick(IN_WORDS.to_owned())),
        );
        let signing = now(s);
        taken(s, &deny, &signing).await;
        s.slack.close(ALICE).await.unwrap();
        let remembered = "SELECT count(*) FROM slack_requests";
        let count = async || sqlx::query_scalar::<_, i64>(remembered).fetch_one(&s.service.db).await.unwrap();
        s.until_so(async || count().await == 1).await;
        // The trigger is used: without a modal, a click on Deny denies.
        taken(s, &deny, &signing).await;
        assert_eq!(s.status(&id).await, "pending");
        s.pass(TimeDelta::seconds(1));
        assert!(s.choose(ALICE, &prompt, IN_WORDS).await.is_ok());
        let submitted = s.slack.prepare_submit(ALICE).unwrap();
        let signing = now(s);
        for _ in 0..2 {
            taken(s, &submitted, &signing).await;
        }
        assert_eq!(s.received_webhook(&id).await.kind, "approval.denied");
        assert!(s.refusals(&id).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_copies_that_come_at_once_one_decides_and_none_is_refused() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let approve = press(s, ALICE, &Press::labelled(Surface::message(&prompt), "Approve"));
        let signing = now(s);
        futures::future::join_all((0..8).map(|_| taken(s, &approve, &signing))).await;
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        assert!(s.refusals(&id).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_that_comes_on_both_connections_is_obeyed_once() {
    story_as(socket_mode, async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.slack.double_envelopes(1);
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        s.stop().await;
        assert!(s.refusals(&id).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_committed_works_when_it_is_sent_again() {
    story_with_own_server(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let approve = press(s, ALICE, &Press::labelled(Surface::message(&prompt), "Approve"));
        let signing = now(s);
        s.postgres().stop_server().await.unwrap();
        assert!(!s.slack.send_interaction(approve.clone(), &signing).await.is_ok());
        s.postgres().start_server().await.unwrap();
        taken(s, &approve, &signing).await;
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_forgotten_when_their_signature_no_longer_counts() {
    story(async |s| {
        s.answer(ALICE, "off all").await;
        let count = async || {
            sqlx::query_scalar::<_, i64>("SELECT count(*) FROM slack_requests")
                .fetch_one(&s.service.db)
                .await
                .unwrap()
        };
        assert_eq!(count().await, 1);
        s.advance_until_idle(REMEMBERED + TimeDelta::hours(1)).await;
        s.until_so(async || count().await == 0).await;
    })
    .await;
}
