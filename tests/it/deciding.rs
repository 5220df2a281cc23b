//! A person decides: every row of the table, once.

use sandbox::slack::Surface;

use crate::story::{ALICE, BOB, story};

const ACTION: &str = "github.create_issue";

#[tokio::test(flavor = "multi_thread")]
async fn approve_approves_once_and_asks_again_next_time() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        let told = s.told(&id).await;
        assert_eq!(told.kind, "approval.approved");
        let decision = &told.approval()["decision"];
        assert_eq!((&decision["scope"], &decision["by"]), (&"once".into(), &"user".into()));
        assert_eq!((&decision["user"], &decision["grant"]), (&ALICE.into(), &serde_json::Value::Null));
        let decided = s.until(&prompt, |message| !message.has_button("Approve")).await;
        assert!(decided.overflow_options().is_empty() && !decided.has_button("Deny"));
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_this_conversation_covers_the_conversation_and_no_other() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve for this conversation").await.is_ok());
        let grant = s.told(&id).await.approval()["decision"]["grant"].clone();
        assert!(grant.as_str().unwrap().starts_with("grt_"));
        let next = s.ask(&s.call(ACTION, "c-1")).await;
        assert_eq!(next.approval_status(), "approved");
        assert_eq!((next.str("/decision/by"), next.str("/decision/scope")), ("auto", "conversation"));
        assert_eq!(next.body["decision"]["grant"], grant);
        assert_eq!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn always_covers_every_agent_and_backend_until_it_is_turned_off() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        let (key, _) = s.create_backend("another").await;
        let other = s.backend.api_with_key(&key);
        let reply = other.ask(&s.call(ACTION, "c-9").by_agent("hermes", "Hermes")).await;
        assert_eq!((reply.approval_status(), reply.str("/decision/scope")), ("approved", "always"));
        let decided = s.until(&prompt, |message| message.has_button("Turn off")).await;
        assert!(s.click(ALICE, &decided, "Turn off").await.is_ok());
        assert_eq!(other.ask(&s.call(ACTION, "c-9")).await.approval_status(), "pending");
        s.until(&prompt, |message| !message.has_button("Turn off")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deny_asks_why_and_tells_the_agent() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Deny").await.is_ok());
        assert!(s.slack.view(ALICE).is_some());
        s.slack.type_text(ALICE, "reason", "Wrong repository").await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        let told = s.told(&id).await;
        assert_eq!(told.kind, "approval.denied");
        assert_eq!(told.approval()["decision"]["reason"], "Wrong repository");
        s.until(&prompt, |message| message.all_text().contains("Wrong repository")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_person_is_told_so_and_nothing_changes() {
    story(async |s| {
        s.open(ACTION).await;
        let ask = s.call(ACTION, "c-1").in_channel(crate::story::SALES, None);
        let id = s.ask(&ask).await.id().to_owned();
        let prompt = s
            .slack
            .wait_for_message(
                crate::story::SALES,
                |message| message.has_button("Approve"),
                crate::story::SOON,
            )
            .await
            .unwrap();
        let delivery = s.slack.click_label(BOB, Surface::message(&prompt), "Approve").await.unwrap();
        assert!(delivery.is_ok());
        s.whispered(BOB, &prompt.channel, ALICE).await;
        assert_eq!(s.api().get(&id).await.approval_status(), "pending");
        assert_eq!(s.audited("approval.refused", &id).await, 1);
    })
    .await;
}
