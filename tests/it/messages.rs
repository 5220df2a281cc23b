//! How messages and modals reach Slack: private answers where one clicked, changes that leave nothing of before.

use sandbox::slack::{CallOutcome, Misbehaviour, Signing};

use crate::story::{ALICE, BOB, SALES, SOON, story};

const ACTION: &str = "github.create_issue";

#[tokio::test(flavor = "multi_thread")]
async fn a_private_answer_stands_in_the_thread_of_the_click() {
    story(async |s| {
        s.open(ACTION).await;
        let root = s.slack.say(ALICE, SALES, "Atlas, log the call please", None).unwrap();
        s.ask(&s.call(ACTION, "c-1").in_channel(SALES, Some(&root.ts))).await;
        let posted = |message: &sandbox::slack::Message| message.has_button("Approve");
        let prompt = s.slack.wait_for_message(SALES, posted, SOON).await.unwrap();
        assert!(s.click(BOB, &prompt, "Approve").await.is_ok());
        let told = s.ephemeral_reply(BOB, SALES, "Only <@U0ALICE> can decide").await;
        assert_eq!(told.thread_ts.as_deref(), Some(&*root.ts));
        // Outside of threads there is none to name.
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-2")).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        let stale = s.slack.click_label(ALICE, sandbox::slack::Surface::stale(&prompt), "Deny");
        assert!(stale.await.unwrap().is_ok());
        assert_eq!(s.ephemeral_reply(ALICE, &prompt.channel, "already ended").await.thread_ts, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_in_plain_text_keeps_no_button() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.slack.misbehave("chat.update", Misbehaviour::SlackError("invalid_blocks".into()), 1);
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        let shown = s.until(&prompt, |message| message.text().contains("Approved by")).await;
        assert!(shown.blocks.is_empty(), "{:?}", shown.blocks);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_modal_is_changed_as_it_was_seen_or_drawn_again() {
    story(async |s| {
        s.open(ACTION).await;
        s.gear(ALICE, "GitHub").await;
        let seen = s.slack.view(ALICE).unwrap();
        let on = s.slack.prepare_press(ALICE, &s.toggling(ALICE, ACTION).await).unwrap().unwrap();
        let back = sandbox::slack::Press::labelled(sandbox::slack::Surface::Modal, "All integrations");
        let back = s.slack.prepare_press(ALICE, &back).unwrap().unwrap();
        let signing = Signing::default();
        assert!(s.slack.send_interaction(on, &signing).await.is_ok());
        let drawn =
            |view: &sandbox::slack::View| !view.checked("toggle").is_empty() && view.hash != seen.hash;
        s.modal(ALICE, drawn).await;
        // Made in the view as it was before: what was drawn since is told apart, and what is so now is drawn over it.
        assert!(s.slack.send_interaction(back, &signing).await.is_ok());
        s.modal(ALICE, |view| view.all_text().contains("1 turned on")).await;
        let calls = s.slack.calls_of("views.update");
        let named: Vec<_> =
            calls.iter().filter(|call| call.arguments["hash"] == seen.hash.as_str()).collect();
        assert!(named.iter().any(|call| call.outcome == CallOutcome::Ok), "{named:?}");
        let conflict = CallOutcome::Error("hash_conflict".to_owned());
        assert_eq!(named.last().unwrap().outcome, conflict);
    })
    .await;
}
