//! Several requests that one click decides.

use futures::future::join_all;
use sandbox::slack::{Message, Press, Signing, Surface};
use serde_json::json;

use crate::story::{ALICE, BOB, TestApp, eventually, story};

const ACTION: &str = "github.create_issue";
const DESTRUCTIVE: &str = "postgres.execute_sql";

/// Asks so often, each in a conversation of its own: the ids.
async fn ask(s: &TestApp, action: &str, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        ids.push(s.ask(&s.call(action, &format!("c-{number}"))).await.id().to_owned());
    }
    ids
}

async fn statuses(s: &TestApp, ids: &[String]) -> Vec<String> {
    join_all(ids.iter().map(|id| s.status(id))).await
}

async fn list(s: &TestApp) -> Message {
    s.answer(ALICE, "list").await
}

/// What the open modal says.
fn shown(s: &TestApp) -> String {
    s.slack.view(ALICE).unwrap().all_text()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_submission_approves_exactly_what_was_listed_and_still_waits() {
    story(async |s| {
        s.put("github").await;
        let ids = ask(s, ACTION, 12).await;
        assert!(s.click(ALICE, &list(s).await, "Approve all 12…").await.is_ok());
        assert_eq!(s.slack.view(ALICE).unwrap().title(), "Approve all");
        assert_eq!(s.api().cancel(&ids[3]).await.status, 200);
        let later = ask(s, ACTION, 1).await;
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        let outcome = "Approved 11 requests. 1 has already ended, or needs a decision of its own.";
        assert!(shown(s).contains(outcome), "{}", shown(s));
        for (at, id) in ids.iter().enumerate() {
            let expected = if at == 3 { "cancelled" } else { "approved" };
            assert_eq!(s.received_webhook(id).await.kind, format!("approval.{expected}"));
            let entries: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM audit WHERE approval_id = $1 AND what = 'approval.approved' AND actor = $2",
            )
            .bind(id.parse::<countersign::domain::ids::ApprovalId>().unwrap().uuid())
            .bind(ALICE)
            .fetch_one(&s.service.db)
            .await
            .unwrap();
            assert_eq!(entries, i64::from(at != 3));
        }
        assert_eq!(statuses(s, &later).await, ["pending"]);
        assert_eq!(s.grants_of(ALICE).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_is_not_approved() {
    story(async |s| {
        s.put("github").await;
        let soon = s.ask(&s.call(ACTION, "c-1").expiring_in(60)).await.id().to_owned();
        let late = ask(s, ACTION, 1).await;
        assert!(s.click(ALICE, &list(s).await, "Approve all 2…").await.is_ok());
        s.advance_until_idle(chrono::TimeDelta::seconds(61)).await;
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        assert!(shown(s).contains("Approved 1 request. 1 has already ended"), "{}", shown(s));
        assert_eq!(s.received_webhook(&soon).await.kind, "approval.expired");
        assert_eq!(statuses(s, &late).await, ["approved"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn destructive_requests_are_never_among_them() {
    story(async |s| {
        s.put("postgres").await;
        let ids = ask(s, DESTRUCTIVE, 3).await;
        let list = list(s).await;
        assert!(!list.all_text().contains("Approve all"), "{}", list.all_text());
        // A button from before the action was declared destructive.
        let prompt = s.shown(ALICE, &ids[0]).await;
        let press = Press::labelled(Surface::message(&prompt), "Details");
        let mut payload = s.slack.prepare_press(ALICE, &press).unwrap().unwrap();
        payload["actions"][0]["action_id"] = json!("approve_all");
        payload["actions"][0]["value"] = json!(format!("agent:{}", ids[0]));
        assert!(s.slack.forge_block_actions(payload).await.is_ok());
        assert!(s.slack.view(ALICE).is_none());
        assert_eq!(statuses(s, &ids).await, ["pending"; 3]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_decide_each_request_once() {
    story(async |s| {
        s.put("github").await;
        let ids = ask(s, ACTION, 8).await;
        assert!(s.click(ALICE, &list(s).await, "Approve all 8…").await.is_ok());
        let (submission, signing) = (s.slack.prepare_submit(ALICE).unwrap(), Signing::default());
        let prompt = s.shown(ALICE, &ids[0]).await;
        let (first, second, single) = tokio::join!(
            s.slack.send_interaction(submission.clone(), &signing),
            s.slack.send_interaction(submission, &signing),
            s.click(ALICE, &prompt, "Approve")
        );
        assert!(first.is_ok() && second.is_ok() && single.is_ok());
        assert_eq!(statuses(s, &ids).await, ["approved"; 8]);
        let decisions: i64 =
            sqlx::query_scalar("SELECT count(*) FROM audit WHERE what = 'approval.approved'")
                .fetch_one(&s.service.db)
                .await
                .unwrap();
        assert_eq!(decisions, 8);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_are_denied_with_one_click() {
    story(async |s| {
        s.put("github").await;
        let ids = ask(s, ACTION, 5).await;
        let list = list(s).await;
        assert!(s.click(ALICE, &list, "Deny all").await.is_ok());
        for id in &ids {
            assert_eq!(s.received_webhook(id).await.kind, "approval.denied");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_grant_offers_what_it_covers_and_approves_none_of_it_silently() {
    story(async |s| {
        s.open(ACTION).await;
        let others = ask(s, ACTION, 3).await;
        let mut bobs = s.call(ACTION, "c-9");
        bobs.user = BOB.to_owned();
        let bobs = s.ask(&bobs).await.id().to_owned();
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-9")).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        let offer =
            s.ephemeral_reply(ALICE, &prompt.channel, "covers 3 requests that are already waiting").await;
        assert_eq!(statuses(s, &others).await, ["pending"; 3]);
        assert!(s.click(ALICE, &offer, "Approve the 3 others…").await.is_ok());
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        let all = async || statuses(s, &others).await.iter().all(|status| status == "approved").then_some(());
        eventually("all are approved", all).await;
        assert_eq!(s.status(&bobs).await, "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_is_told_why_nothing_was_approved() {
    story(async |s| {
        s.put("github").await;
        let ids = ask(s, ACTION, 2).await;
        assert!(s.click(ALICE, &list(s).await, "Approve all 2…").await.is_ok());
        // She becomes a guest while she reads.
        s.slack.change_user(ALICE, |user| user.is_restricted = true);
        s.advance_until_idle(chrono::TimeDelta::minutes(2)).await;
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        assert!(shown(s).contains("Guests and bots can’t decide"), "{}", shown(s));
        assert_eq!(statuses(s, &ids).await, ["pending"; 2]);
    })
    .await;
}
