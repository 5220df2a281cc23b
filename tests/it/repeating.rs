//! The same person makes the same choice twice: one click that comes twice, as with two Socket Mode connections that
//! both get it, or a click on what is still shown. It counts once, and causes no reply.

use sandbox::slack::{Gesture, Message, Press, Signing, Surface};
use serde_json::Value;

use crate::story::{ADMIN, ALICE, IN_WORDS, SOON, TestApp, story};

const ACTION: &str = "github.create_issue";

fn prepare(s: &TestApp, user: &str, press: &Press) -> Value {
    s.slack.prepare_press(user, press).unwrap().unwrap()
}

/// Sends it twice at once, and once more, each signed at another time: a request that is signed like another one is a
/// copy, of which `repeats.rs` tells.
async fn thrice(s: &TestApp, payload: &Value) {
    let send = async |seconds| {
        let signing = Signing::default().at(s.now().timestamp() - seconds);
        s.slack.send_interaction(payload.clone(), &signing).await
    };
    let (one, other) = tokio::join!(send(0), send(1));
    assert!(one.is_ok() && other.is_ok() && send(2).await.is_ok(), "{one:?} {other:?}");
}

/// What was said to Alice privately, after something that is sure to be.
async fn said(s: &TestApp, prompt: &Message) -> Vec<String> {
    let stale =
        Press::on(Surface::stale(prompt), "approve_more").doing(Gesture::Pick("Auto-approve always".into()));
    assert!(s.slack.press(ALICE, stale).await.unwrap().is_ok());
    s.ephemeral_reply(ALICE, &prompt.channel, "already ended").await;
    let seen = s.slack.messages_seen_by(ALICE, &prompt.channel);
    let private = seen.iter().filter(|message| message.ephemeral_for.is_some());
    private.map(|message| message.text().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_comes_twice_decides_once_and_says_nothing() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        thrice(s, &prepare(s, ALICE, &Press::labelled(Surface::message(&prompt), "Approve"))).await;
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        assert_eq!(said(s, &prompt).await.len(), 1);
        assert_eq!((s.refusals(&id).await.len(), s.events(&id).len()), (1, 1));
        assert_eq!(s.audited("approval.approved", &id).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_that_comes_twice_keeps_its_reason_and_says_nothing() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let deny = prepare(
            s,
            ALICE,
            &Press::on(Surface::message(&prompt), "deny_more").doing(Gesture::Pick(IN_WORDS.into())),
        );
        thrice(s, &deny).await;
        assert_eq!(s.status(&id).await, "pending", "the modal is open");
        s.slack.type_text(ALICE, "reason", "Wrong repository").await.unwrap();
        thrice(s, &s.slack.prepare_submit(ALICE).unwrap()).await;
        assert_eq!(s.received_webhook(&id).await.approval()["decision"]["reason"], "Wrong repository");
        thrice(s, &deny).await;
        assert_eq!(said(s, &prompt).await.len(), 1);
        assert_eq!((s.refusals(&id).await.len(), s.events(&id).len()), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_at_once_that_comes_twice_says_nothing() {
    story(async |s| {
        s.open(ACTION).await;
        for press in [
            |prompt: &Message| Press::labelled(Surface::message(prompt), "Deny"),
            |prompt: &Message| {
                let pick = Gesture::Pick("Deny: not now".to_owned());
                Press::on(Surface::message(prompt), "deny_more").doing(pick)
            },
        ] {
            s.pass(chrono::TimeDelta::seconds(5));
            let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
            thrice(s, &prepare(s, ALICE, &press(&prompt))).await;
            assert_eq!(s.received_webhook(&id).await.kind, "approval.denied");
            assert_eq!((s.refusals(&id).await.len(), s.events(&id).len()), (0, 1));
            assert_eq!(s.audited("approval.denied", &id).await, 1);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_reason_is_not_lost_in_silence() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, IN_WORDS).await.is_ok());
        let empty = s.slack.prepare_submit(ALICE).unwrap();
        s.slack.type_text(ALICE, "reason", "Wrong repository").await.unwrap();
        let filled = s.slack.prepare_submit(ALICE).unwrap();
        let signing = Signing::default();
        assert!(s.slack.send_interaction(empty, &signing).await.is_ok());
        let answer = s.slack.send_interaction(filled, &signing).await;
        assert!(answer.body.contains("already ended"), "{}", answer.body);
        assert_eq!(s.received_webhook(&id).await.approval()["decision"]["reason"], Value::Null);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_twice_opens_one_modal_and_says_nothing() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        thrice(s, &prepare(s, ALICE, &Press::labelled(Surface::message(&prompt), "Details"))).await;
        assert_eq!(s.slack.view(ALICE).unwrap().title(), "Details");
        s.slack.close(ALICE).await.unwrap();
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(said(s, &prompt).await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_request_to_unlock_that_comes_twice_says_nothing() {
    story(async |s| {
        s.put("github").await;
        s.connect(ALICE, "github").await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        thrice(s, &prepare(s, ALICE, &Press::labelled(Surface::message(&prompt), "Request auto-approval")))
            .await;
        s.ephemeral_reply(ALICE, &prompt.channel, "The admins have been asked").await;
        let open = |message: &Message| message.has_button("Decline");
        let request = s.slack.wait_for_direct_message(ADMIN, open, SOON).await.unwrap();
        let press = |label| Press::labelled(Surface::message(&request), label);
        let (decline, unlock) = (prepare(s, ADMIN, &press("Decline")), prepare(s, ADMIN, &press("Unlock")));
        thrice(s, &decline).await;
        // The other answer is another choice.
        assert!(s.slack.send_interaction(unlock, &Signing::default()).await.is_ok());
        s.ephemeral_reply(ADMIN, &request.channel, "already declined").await;
        for (user, message) in [(ADMIN, &request), (ALICE, &prompt)] {
            let seen = s.slack.messages_seen_by(user, &message.channel);
            let private: Vec<_> = seen.iter().filter(|message| message.ephemeral_for.is_some()).collect();
            assert_eq!(private.len(), 1, "{private:?}");
        }
    })
    .await;
}
