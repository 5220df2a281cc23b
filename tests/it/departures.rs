//! People who leave the workspace, or become guests of it: what they allowed and what waits for them ends.

use std::time::Duration;

use chrono::TimeDelta;
use sandbox::slack::{Misbehaviour, Press, Signing, Surface, User};

use crate::{
    modes::http_story,
    story::{ADMIN, ALICE, BOB, TestApp, eventually, story},
};

const ACTION: &str = "github.create_issue";

/// Has Alice allow the action always.
async fn allow(s: &TestApp) {
    s.open(ACTION).await;
    let (id, prompt) = s.prompt(&s.call(ACTION, "c-0")).await;
    assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
    s.received_webhook(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_loses_what_they_allowed_and_what_waits_for_them_at_once() {
    let changes: [fn(&mut User); 3] = [
        |user| user.is_restricted = true,
        |user| user.deleted = true,
        |user| "T0FOREIGN".clone_into(&mut user.team_id),
    ];
    for change in changes {
        for silent in [false, true] {
            story(async |s| {
                allow(s).await;
                let (id, prompt) = s.prompt(&s.call("github.merge_pull_request", "c-1")).await;
                if silent {
                    s.slack.misbehave("users.info", Misbehaviour::ServerError(500), 99);
                }
                assert!(s.slack.change_user_loudly(ALICE, change).await.unwrap().is_ok());
                assert_eq!(s.received_webhook(&id).await.kind, "approval.undeliverable");
                eventually("the grant ends", async || (s.grants_of(ALICE).await == 0).then_some(())).await;
                s.until(&prompt, |message| !message.has_button("Approve")).await;
                assert_ne!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "approved");
                s.until_so(async || s.unhandled_events().await == 0).await;
                assert_eq!(s.events_kept().await, 1);
            })
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_slack_tells_of_people_whom_nothing_rests_on_is_not_written_down() {
    story(async |s| {
        allow(s).await;
        // Her status changed: she is a member as before.
        assert!(s.slack.change_user_loudly(ALICE, |_| ()).await.unwrap().is_ok());
        // Nothing rests on him.
        assert!(s.slack.change_user_loudly(BOB, |user| user.deleted = true).await.unwrap().is_ok());
        assert_eq!((s.events_kept().await, s.grants_of(ALICE).await), (0, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_left_allows_anything_on_another_instance() {
    http_story(async |s| {
        s.open(ACTION).await;
        s.answer(ALICE, &format!("on {ACTION}")).await;
        s.answer(ALICE, "off all").await;
        let github = s.integration_id("github").await;
        s.home(ADMIN, |home| home.has_button("Actions")).await;
        s.click_home(ADMIN, "Actions", &github).await;
        s.home_shows(ADMIN, |home| home.has_button("Unlock")).await;
        let merge = s.unlock_value("github.merge_pull_request").await;
        let unlock = Press::labelled(Surface::Home, "Unlock").with_value(&merge);
        let unlock = s.slack.prepare_press(ADMIN, &unlock).unwrap().unwrap();
        // Another instance receives the event, and neither user has anything to end.
        let other = s.instance().await;
        s.slack.connect_app(&format!("http://{}", other.address()));
        for user in [ALICE, ADMIN] {
            let told = s.slack.change_user_loudly(user, |user| user.is_restricted = true);
            assert!(told.await.unwrap().is_ok());
        }
        s.until_so(async || s.events_kept().await == 2 && s.unhandled_events().await == 0).await;
        s.slack.connect_app(&s.url());
        s.answer(ALICE, &format!("on {ACTION}")).await;
        assert_eq!(s.grants_of(ALICE).await, 0);
        assert!(s.slack.send_interaction(unlock, &Signing::default()).await.is_ok());
        assert_eq!(s.audited_by("action.unlocked", ADMIN).await, 0);
        assert_eq!(s.audited_by("admin.refused", ADMIN).await, 1);
        other.shutdown().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_late_takes_nothing_from_a_member() {
    story(async |s| {
        allow(s).await;
        s.slack.change_user(ALICE, |user| user.is_restricted = true);
        let late = s.slack.change_user_loudly(ALICE, |_| ());
        s.slack.misbehave("users.info", Misbehaviour::Delay(Duration::from_millis(300)), 1);
        let back = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            s.slack.change_user(ALICE, |user| user.is_restricted = false);
        };
        let (sent, ()) = tokio::join!(late, back);
        assert!(sent.unwrap().is_ok());
        s.until_so(async || s.events_kept().await == 1 && s.unhandled_events().await == 0).await;
        assert_eq!(s.grants_of(ALICE).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_somebody_who_left_ends_within_a_day_though_the_event_was_lost() {
    story(async |s| {
        let (id, _) = s.prompt(&s.call(ACTION, "c-1").expiring_in(7 * 86_400)).await;
        s.slack.change_user(ALICE, |user| user.deleted = true);
        s.advance_until_idle(TimeDelta::hours(25)).await;
        assert_eq!(s.received_webhook(&id).await.kind, "approval.undeliverable");
    })
    .await;
}
