//! Several requests of one conversation: asked, shown and looked at.

use chrono::TimeDelta;
use futures::future::join_all;
use sandbox::{
    backend::Ask,
    slack::{CallOutcome, Message},
};
use serde_json::json;

use crate::story::{ALICE, TestApp};

pub const ACTION: &str = "github.create_issue";
pub const CONVERSATION: &str = "c-1";

/// A request of Alice's in the conversation, with a title of its own.
pub fn call(s: &TestApp, number: usize) -> Ask {
    let mut ask = s.call(ACTION, CONVERSATION);
    ask.arguments["title"] = json!(format!("Issue {number}."));
    ask
}

/// Asks one after another: the ids.
pub async fn ask(s: &TestApp, asks: impl IntoIterator<Item = Ask>) -> Vec<String> {
    let mut ids = Vec::new();
    for ask in asks {
        // Ids of one millisecond have no order.
        s.clock.advance(TimeDelta::milliseconds(1));
        ids.push(s.ask(&ask).await.id().to_owned());
    }
    ids
}

pub async fn ask_numbered(s: &TestApp, count: usize) -> Vec<String> {
    ask(s, (1..=count).map(|number| call(s, number))).await
}

/// Lets the messages catch up: 3 s.
pub async fn catch_up(s: &TestApp) {
    s.advance_until_idle(TimeDelta::milliseconds(1500)).await;
    s.advance_until_idle(TimeDelta::milliseconds(1500)).await;
    s.settled().await;
}

/// The messages that the service posted.
pub fn posted(s: &TestApp) -> usize {
    let calls = s.slack.calls_of("chat.postMessage");
    calls.iter().filter(|call| call.outcome == CallOutcome::Ok).count()
}

pub fn is_shared(message: &Message) -> bool {
    message.has_button("Review")
}

/// The newest shared message in Alice's direct messages.
pub fn shared(s: &TestApp) -> Message {
    s.slack.direct_messages(ALICE).into_iter().rev().find(is_shared).unwrap()
}

pub fn now(s: &TestApp, message: &Message) -> Message {
    s.slack.message(&message.channel, &message.ts).unwrap()
}

pub async fn statuses(s: &TestApp, ids: &[String]) -> Vec<String> {
    join_all(ids.iter().map(|id| s.status(id))).await
}

/// Each was approved by Alice: one decision, one audit entry, one webhook.
pub async fn approved_once(s: &TestApp, ids: &[String]) {
    for id in ids {
        let told = s.received_webhook(id).await;
        assert_eq!(told.kind, "approval.approved");
        assert_eq!(told.approval()["decision"]["user"], ALICE, "{:?}", told.approval());
        assert_eq!(s.audited("approval.approved", id).await, 1);
        assert_eq!(webhooks(s, id).await, 1);
    }
}

async fn webhooks(s: &TestApp, id: &str) -> i64 {
    let id: countersign::domain::ids::ApprovalId = id.parse().unwrap();
    sqlx::query_scalar("SELECT count(*) FROM outbox WHERE kind = 'webhook' AND approval_id = $1")
        .bind(id.uuid())
        .fetch_one(&s.service.db)
        .await
        .unwrap()
}
