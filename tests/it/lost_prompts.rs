//! A post that Slack did not answer: where the app may read metadata, the message is found and drawn like the others.

use chrono::TimeDelta;
use countersign::{
    config::ServeConfig,
    slack::{handlers::unconfirmed_posts::POSTED, outbound::metadata::EVENT_TYPE, scopes::FIND_LOST_PROMPTS},
};
use sandbox::slack::{Message, Misbehaviour, Slack, names};
use serde_json::{Value, json};

use crate::{
    modes::{Browser, by_oauth},
    story::{ADMIN, ALICE, SOON, TestApp, story, story_as},
};

const ACTION: &str = "github.create_issue";

/// The app was made with `countersign manifest --find-lost-prompts`.
fn finding(config: &mut ServeConfig, slack: &Slack) {
    config.slack.find_lost_prompts = true;
    slack.change_app(|app| {
        app.metadata_subscriptions.insert(EVENT_TYPE.to_owned());
    });
    slack.change_token(&slack.bot_token(), |token| token.scopes.insert(FIND_LOST_PROMPTS.name.to_owned()));
}

/// Asks while the first post's answer is lost: the approval, and the two messages in the order posted.
async fn asked_twice(s: &TestApp) -> (String, Message, Message) {
    s.slack.misbehave("chat.postMessage", Misbehaviour::DropAfterEffect, 1);
    let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
    let first = s.shown(ALICE, &id).await;
    s.advance_until_idle(TimeDelta::seconds(2)).await;
    let is_another = |message: &Message| message.ts != first.ts && message.has_button("Approve");
    let second = s.slack.wait_for_direct_message(ALICE, is_another, SOON).await.unwrap();
    s.noted(&id).await;
    (id, first, second)
}

async fn found(s: &TestApp) {
    s.advance_until_idle(TimeDelta::seconds(31)).await;
    s.until_so(async || s.unhandled_events().await == 0).await;
    s.settled().await;
}

fn decides(message: &Message) -> bool {
    message.has_button("Approve")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_prompt_is_found_and_its_buttons_go() {
    story_as(finding, async |s| {
        let (id, lost, known) = asked_twice(s).await;
        s.until_so(async || s.events_kept().await == 2).await;
        found(s).await;
        assert!(s.click(ALICE, &known, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        for message in [&lost, &known] {
            s.until(message, |message| !decides(message)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_is_known_is_not_drawn_again_for_its_event() {
    story_as(finding, async |s| {
        s.prompt(&s.call(ACTION, "c-1")).await;
        s.until_so(async || s.events_kept().await == 1).await;
        found(s).await;
        assert!(s.slack.calls_of("chat.update").is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_after_the_decision_takes_the_buttons_away() {
    story(async |s| {
        let (id, lost, known) = asked_twice(s).await;
        assert!(s.click(ALICE, &known, "Approve").await.is_ok());
        s.received_webhook(&id).await;
        s.until(&known, |message| !decides(message)).await;
        assert!(
            decides(&s.slack.message(&lost.channel, &lost.ts).unwrap()),
            "the service does not know of it"
        );
        assert!(s.slack.send_event(names::TEAM, posted(&lost, names::APP)).await.is_ok());
        found(s).await;
        s.until(&lost, |message| !decides(message)).await;
    })
    .await;
}

/// The event that says where a message is, as if this app had posted it.
fn posted(message: &Message, app: &str) -> Value {
    json!({
        "type": POSTED, "app_id": app, "bot_id": names::BOT, "user_id": names::BOT_USER,
        "team_id": names::TEAM, "channel_id": message.channel, "message_ts": message.ts,
        "event_ts": message.ts, "metadata": message.metadata,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_app_posts_is_not_believed() {
    story(async |s| {
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let mut other = posted(&prompt, "A0OTHER");
        other["message_ts"] = json!("1700000000.000100");
        let events = [
            other,
            json!({ "type": POSTED, "metadata": prompt.metadata }),
            json!({ "type": POSTED, "app_id": names::APP, "metadata": { "event_type": EVENT_TYPE } }),
            json!({ "type": POSTED, "app_id": names::APP }),
        ];
        for event in events {
            assert!(s.slack.send_event(names::TEAM, event).await.is_ok());
        }
        found(s).await;
        let prompts: i64 =
            sqlx::query_scalar("SELECT count(*) FROM prompts").fetch_one(&s.service.db).await.unwrap();
        assert_eq!(prompts, 1);
        assert!(s.slack.calls_of("chat.update").is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_request_to_unlock_is_found_too() {
    story_as(finding, async |s| {
        s.put("github").await;
        s.connect(ALICE, "github").await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.slack.misbehave("chat.postMessage", Misbehaviour::DropAfterEffect, 1);
        assert!(s.click(ALICE, &prompt, "Request auto-approval").await.is_ok());
        let asks = |message: &Message| message.has_button("Unlock");
        let lost = s.slack.wait_for_direct_message(ADMIN, asks, SOON).await.unwrap();
        s.advance_until_idle(TimeDelta::seconds(2)).await;
        let is_another = |message: &Message| message.ts != lost.ts && asks(message);
        let known = s.slack.wait_for_direct_message(ADMIN, is_another, SOON).await.unwrap();
        found(s).await;
        assert!(s.click(ADMIN, &known, "Unlock").await.is_ok());
        for message in [&lost, &known] {
            s.until(message, |message| !asks(message)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_are_asked_for_the_scope_only_where_it_is_wanted() {
    for wanted in [false, true] {
        let configure = |config: &mut ServeConfig, slack: &Slack| {
            by_oauth(config, slack);
            config.slack.find_lost_prompts = wanted;
        };
        story_as(configure, async |s| {
            let page = Browser::new().begin(s).await;
            assert_eq!(page.contains("metadata.message%3Aread"), wanted, "{page}");
        })
        .await;
    }
}
