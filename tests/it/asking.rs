//! An agent asks.

use crate::story::{SOON, story};

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_action_is_registered_locked_and_asks() {
    story(async |s| {
        let ask = s.call("github.create_issue", "c-1");
        let (id, prompt) = s.prompt(&ask).await;
        assert!(prompt.has_button("Approve") && prompt.overflow_options().is_empty());
        let integration = s.api().integration("github").await;
        assert_eq!(integration.body["actions"][0]["unlocked"], false);
        assert_eq!(s.audited("approval.requested", &id).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_nobody_answers_expires() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call("github.create_issue", "c-1").expiring_in(60)).await;
        s.pass(chrono::TimeDelta::seconds(61));
        let told = s.told(&id).await;
        assert_eq!(told.kind, "approval.expired");
        s.until(&prompt, |message| !message.has_button("Approve")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_hears_of_the_decision() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call("github.create_issue", "c-1")).await;
        let api = s.api();
        let waiting = tokio::spawn(async move { api.wait(&id, 30).await });
        s.click(crate::story::ALICE, &prompt, "Approve").await;
        let reply = tokio::time::timeout(SOON, waiting).await.unwrap().unwrap();
        assert_eq!(reply.approval_status(), "approved");
    })
    .await;
}
