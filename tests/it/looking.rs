//! What a test looks at when something has happened: the database, the webhooks, the screen.

use countersign::domain::ids::ApprovalId;
use sandbox::{
    backend::Delivery as Webhook,
    slack::{Message, Surface},
};

use serde_json::Value;

use crate::{
    arguments::Reader,
    story::{SOON, TestApp},
};

impl TestApp {
    /// How often the audit says this of an approval.
    pub async fn audited(&self, what: &str, id: &str) -> i64 {
        let id: ApprovalId = id.parse().unwrap();
        sqlx::query_scalar("SELECT count(*) FROM audit WHERE what = $1 AND approval_id = $2")
            .bind(what)
            .bind(id.uuid())
            .fetch_one(&self.service.db)
            .await
            .unwrap()
    }

    /// The open rows of the outbox, for the message of a failed test.
    pub async fn open_rows(&self) -> String {
        let rows: Result<Vec<String>, _> = sqlx::query_scalar(
            "SELECT format('%s %s: %s tries, due %s s from now, %s, last tried with: %s', o.kind, o.approval_id,
                 o.attempts, extract(epoch FROM o.due_at - $1),
                 CASE WHEN o.dead_at IS NOT NULL THEN 'given up' WHEN o.lease IS NULL THEN 'in nobody''s hands'
                     ELSE format('held for %s s', extract(epoch FROM o.leased_until - $1)) END,
                 (SELECT concat_ws(' ', a.outcome, a.http_status, left(a.detail, 200)) FROM attempts a
                  WHERE a.outbox_id = o.id ORDER BY a.number DESC LIMIT 1))
             FROM outbox o WHERE o.done_at IS NULL ORDER BY o.seq LIMIT 20",
        )
        .bind(self.now())
        .fetch_all(&self.service.db)
        .await;
        match rows {
            Ok(rows) if rows.is_empty() => "Nothing is open in the outbox.".to_owned(),
            Ok(rows) => format!("Open in the outbox, of {}:\n{}", self.now(), rows.join("\n")),
            Err(error) => format!("What is open in the outbox can't be read: {error}"),
        }
    }

    /// Checks the messages so far: that their fallback texts say as much as the blocks, and that Slack shows
    /// nothing of what links lead to.
    pub fn check_messages(&self) {
        let calls = self.slack.calls();
        let shown = calls.iter().filter(|call| matches!(&*call.method, "chat.postMessage" | "chat.update"));
        for call in shown {
            let text = call.arguments["text"].as_str().unwrap_or_default();
            assert!(!text.trim().is_empty(), "no text: {call:?}");
            if call.method == "chat.update" {
                assert!(call.arguments["blocks"].is_array(), "earlier blocks may stay: {call:?}");
                continue;
            }
            for flag in ["unfurl_links", "unfurl_media"] {
                assert_eq!(call.arguments[flag], false, "{flag}: {call:?}");
            }
        }
        let odd = calls.iter().find(|call| !call.unknown.is_empty());
        assert!(odd.is_none(), "arguments that the method doesn't take: {odd:?}");
    }

    /// Why tries to decide an approval were refused, as the audit says, oldest first.
    pub async fn refusals(&self, id: &str) -> Vec<String> {
        let id: ApprovalId = id.parse().unwrap();
        sqlx::query_scalar(
            "SELECT after->>'why' FROM audit WHERE what = 'approval.refused' AND approval_id = $1 ORDER BY id",
        )
        .bind(id.uuid())
        .fetch_all(&self.service.db)
        .await
        .unwrap()
    }

    /// How many grants are live.
    pub async fn live_grants(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM grants WHERE revoked_at IS NULL")
            .fetch_one(&self.service.db)
            .await
            .unwrap()
    }

    /// Every webhook about an approval that the backend acted on.
    pub fn events(&self, id: &str) -> Vec<Webhook> {
        self.backend.events().into_iter().filter(|event| event.approval_id() == id).collect()
    }

    /// Where an approval stands.
    pub async fn status(&self, id: &str) -> String {
        self.api().get(id).await.approval_status().to_owned()
    }

    /// Opens *Details* and turns all pages, of both forms: the arguments as its reader puts them together, and everything that is
    /// read on the first page.
    pub async fn details(&self, user: &str, prompt: &Message) -> (Value, String) {
        assert!(self.click(user, prompt, "Details").await.is_ok());
        let first = self.slack.view(user).unwrap();
        let (mut view, mut reader) = (first.clone(), Reader::default());
        loop {
            reader.page(view.blocks());
            // The raw JSON comes after the last readable page.
            let turns = ["Next page", "Raw JSON"].into_iter().find(|turn| view.has_button(turn));
            let Some(turn) = turns else { break };
            let hash = view.hash.clone();
            assert!(self.slack.click_label(user, Surface::Modal, turn).await.unwrap().is_ok());
            view = self.slack.wait_for_view(user, |view| view.hash != hash, SOON).await.unwrap();
        }
        self.slack.close(user).await.unwrap();
        (reader.finish(), first.all_text())
    }
}
