//! *Changed since you last approved this*: on the prompt, in the details, and for whom.

use countersign::{domain::ids::UserId, service::show};
use sandbox::{
    backend::Ask,
    slack::{Message, names::TEAM},
};
use serde_json::{Value, json};

use crate::story::{ALICE, BOB, TestApp, story};

const ACTION: &str = "github.create_issue";

fn with(s: &TestApp, arguments: Value) -> Ask {
    let mut ask = s.call(ACTION, "c-1");
    ask.arguments = arguments;
    ask
}

/// Asks, checks what the prompt says, and approves.
async fn approves(s: &TestApp, arguments: Value) {
    let (_, prompt) = s.prompt(&with(s, arguments)).await;
    assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
}

async fn says(s: &TestApp, arguments: Value) -> (Message, String) {
    let (_, prompt) = s.prompt(&with(s, arguments)).await;
    let text = prompt.all_text();
    (prompt, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_says_what_changed_since_the_last_call_that_the_user_approved() {
    story(async |s| {
        s.put("github").await;
        let first = json!({ "repo": "acme/web", "title": "Login fails", "labels": ["bug"] });
        let (prompt, text) = says(s, first.clone()).await;
        assert!(!text.contains("last approved") && !text.contains("Same as"), "{text}");
        assert!(s.click(ALICE, &prompt, "Deny").await.is_ok());
        let (prompt, text) = says(s, first.clone()).await;
        assert!(!text.contains("last approved"), "a denied call is no precedent: {text}");
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());

        let shop = json!({ "repo": "acme/shop", "title": "Login fails" });
        let (id, prompt) = s.prompt(&with(s, shop)).await;
        let text = prompt.all_text();
        assert!(text.contains("Changed since you last approved this: Repository, Labels"), "{text}");
        let (arguments, details) = s.details(ALICE, &prompt).await;
        assert_eq!(arguments, json!({ "repo": "acme/shop", "title": "Login fails" }));
        for part in ["Repository", "acme/web", "Labels", "not given"] {
            assert!(details.contains(part), "{part}: {details}");
        }
        for (user, sees) in [(ALICE, true), (BOB, false)] {
            let user = UserId::parse(user).unwrap();
            let found = show::details(&s.service, TEAM, id.parse().unwrap(), &user).await.unwrap();
            assert_eq!(found.1.is_some(), sees, "other people may not have seen the earlier call");
        }

        // Slack takes one message a second in a conversation.
        s.pass(chrono::TimeDelta::seconds(5));
        approves(s, first.clone()).await;
        let (_, text) = says(s, first).await;
        assert!(text.contains("Same as 2 approved calls in the last 30 days"), "{text}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_other_people_and_calls_by_a_grant_are_no_precedent() {
    story(async |s| {
        s.open(ACTION).await;
        let arguments = json!({ "repo": "acme/web" });
        let mut bobs = with(s, arguments.clone());
        bobs.user = BOB.to_owned();
        let (_, prompt) = s.prompt(&bobs).await;
        assert!(s.click(BOB, &prompt, "Approve").await.is_ok());
        let (prompt, text) = says(s, arguments.clone()).await;
        assert!(!text.contains("Same as"), "{text}");
        assert!(s.choose(ALICE, &prompt, "Auto-approve for this conversation").await.is_ok());
        assert_eq!(s.ask(&with(s, arguments.clone())).await.approval_status(), "approved");
        let mut elsewhere = with(s, arguments);
        elsewhere.conversation.id = "c-2".to_owned();
        let (_, prompt) = s.prompt(&elsewhere).await;
        assert!(prompt.all_text().contains("Same as 1 approved call in"), "{}", prompt.all_text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_compared_with_deleted_arguments() {
    story(async |s| {
        s.put("github").await;
        approves(s, json!({ "repo": "acme/web" })).await;
        sqlx::query(
            "UPDATE approvals SET arguments = '{}', reason = NULL, metadata = NULL, contents_deleted_at = now()
             WHERE status = 'approved'",
        )
        .execute(&s.service.db)
        .await
        .unwrap();
        let (prompt, text) = says(s, json!({ "repo": "acme/shop" })).await;
        assert!(!text.contains("last approved"), "{text}");
        let (_, details) = s.details(ALICE, &prompt).await;
        assert!(details.contains("The arguments of the call that you last approved were deleted."), "{details}");
        let (_, text) = says(s, json!({ "repo": "acme/web" })).await;
        assert!(text.contains("Same as 1 approved call in"), "the digest stays: {text}");
    })
    .await;
}
