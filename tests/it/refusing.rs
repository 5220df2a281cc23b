//! Clicks that change nothing: each gets a private sentence, and each leaves a line in the audit.

use chrono::TimeDelta;
use sandbox::slack::{Message, Press, Signing, Surface, User};
use serde_json::{Value, json};

use crate::story::{ALICE, BOB, GUEST, IN_WORDS, SALES, SOON, TestApp, eventually, story};

const ACTION: &str = "github.create_issue";
/// A workspace that has nothing to do with the first one.
const ELSEWHERE: &str = "T0ELSEWHERE";

/// Asks Alice in #sales, where others see it.
async fn asked_in_public(s: &TestApp) -> (String, Message) {
    let id = s.ask(&s.call(ACTION, "c-1").in_channel(SALES, None)).await.id().to_owned();
    let fits = |message: &Message| message.to_json().to_string().contains(&id);
    let prompt = s.slack.wait_for_message(SALES, fits, SOON).await.unwrap();
    (id, prompt)
}

/// The payload of a click on a button, to be altered.
fn payload(s: &TestApp, user: &str, prompt: &Message, label: &str) -> Value {
    let press = Press::labelled(Surface::stale(prompt), label);
    s.slack.prepare_press(user, &press).unwrap().unwrap()
}

/// Nothing was decided, given, told or drawn differently, and the audit says once why the try was refused.
async fn nothing_changed(s: &TestApp, id: &str, prompt: &Message, why: &str) {
    assert_eq!(s.refusals(id).await, [why]);
    assert_eq!(s.status(id).await, "pending");
    assert_eq!((s.live_grants().await, s.events(id).len()), (0, 0));
    assert!(s.slack.message(&prompt.channel, &prompt.ts).unwrap().has_button("Approve"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_person_is_told_whose_it_is_whatever_they_click() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = asked_in_public(s).await;
        for label in ["Approve", "Deny"] {
            assert!(s.click(BOB, &prompt, label).await.is_ok());
        }
        assert!(s.choose(BOB, &prompt, "Auto-approve always").await.is_ok());
        let whispers = |slack: &sandbox::slack::Slack| {
            let seen = slack.messages_seen_by(BOB, SALES);
            let private = seen.iter().filter(|message| message.ephemeral_for.as_deref() == Some(BOB));
            Some(private.filter(|message| message.text().contains(&format!("<@{ALICE}>"))).count())
                .filter(|count| *count == 3)
        };
        s.slack.wait_for(whispers, SOON).await.unwrap();
        assert!(s.slack.view(BOB).is_none(), "the modal for a reason is not opened");
        assert_eq!(s.refusals(&id).await, ["wrong-person"; 3]);
        assert_eq!(s.status(&id).await, "pending");
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok(), "Alice still can");
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_modal_submitted_by_another_person_denies_nothing() {
    story(async |s| {
        let (id, prompt) = asked_in_public(s).await;
        assert!(s.choose(ALICE, &prompt, IN_WORDS).await.is_ok());
        let mut payload = s.slack.prepare_submit(ALICE).unwrap();
        payload["user"] = json!({ "id": BOB, "team_id": payload["user"]["team_id"] });
        let delivery = s.slack.send_interaction(payload, &Signing::default()).await;
        assert!(delivery.is_ok() && delivery.body.contains(&format!("<@{ALICE}>")), "{delivery:?}");
        nothing_changed(s, &id, &prompt, "wrong-person").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_in_the_channel_decides_nothing() {
    story(async |s| {
        let (id, prompt) = asked_in_public(s).await;
        assert!(s.click(GUEST, &prompt, "Approve").await.is_ok());
        s.ephemeral_reply(GUEST, SALES, &format!("Only <@{ALICE}> can decide")).await;
        nothing_changed(s, &id, &prompt, "wrong-person").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_become_a_guest_or_was_deactivated_decides_nothing_any_more() {
    for change in [|user: &mut User| user.is_restricted = true, |user: &mut User| user.deleted = true] {
        story(async |s| {
            let ask = s.call(ACTION, "c-1").in_channel(SALES, None).expiring_in(3600);
            let id = s.ask(&ask).await.id().to_owned();
            let fits = |message: &Message| message.has_button("Approve");
            let prompt = s.slack.wait_for_message(SALES, fits, SOON).await.unwrap();
            s.slack.change_user(ALICE, change);
            s.advance_until_idle(TimeDelta::seconds(61)).await;
            assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
            s.ephemeral_reply(ALICE, SALES, "Guests and bots can’t decide").await;
            nothing_changed(s, &id, &prompt, "guest").await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_decides_nothing_and_sees_no_details() {
    story(async |s| {
        let (id, prompt) = asked_in_public(s).await;
        let stranger = User { is_stranger: true, ..User::new("U0STRANGER", ELSEWHERE, "sam", "Sam") };
        s.slack.add_user(stranger);
        s.slack.change_channel(SALES, |channel| channel.members.insert("U0STRANGER".to_owned()));
        assert!(s.click("U0STRANGER", &prompt, "Approve").await.is_ok());
        s.ephemeral_reply("U0STRANGER", SALES, "belongs to another workspace").await;
        nothing_changed(s, &id, &prompt, "other-workspace").await;
        assert!(s.click("U0STRANGER", &prompt, "Details").await.is_ok());
        assert!(s.slack.view("U0STRANGER").is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_of_another_workspace_reaches_nothing() {
    story(async |s| {
        let (id, prompt) = asked_in_public(s).await;
        // Even under Alice's own id, as two workspaces may have it.
        for label in ["Approve", "Deny", "Details"] {
            let mut payload = payload(s, ALICE, &prompt, label);
            payload["team"] = json!({ "id": ELSEWHERE, "domain": "elsewhere" });
            payload["user"]["team_id"] = json!(ELSEWHERE);
            assert!(s.slack.forge_block_actions(payload).await.is_ok());
        }
        s.ephemeral_reply(ALICE, SALES, "belongs to another workspace").await;
        assert!(s.slack.view(ALICE).is_none(), "no modal asks for a reason or shows details");
        assert_eq!(s.refusals(&id).await, ["other-workspace"; 2]);
        assert_eq!(s.status(&id).await, "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_late_is_told_what_won() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve for this conversation").await.is_ok());
        let won = s.received_webhook(&id).await.approval().clone();
        for label in ["Approve", "Deny"] {
            let late = s.slack.click_label(ALICE, Surface::stale(&prompt), label).await.unwrap();
            assert!(late.is_ok());
        }
        s.ephemeral_reply(ALICE, &prompt.channel, "Approved by <@U0ALICE> for this conversation.").await;
        assert_eq!(s.refusals(&id).await, ["already-ended"; 2]);
        assert_eq!(s.api().get(&id).await.body, won);
        assert!(s.slack.view(ALICE).is_none());
        assert_eq!((s.events(&id).len(), s.live_grants().await), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_while_the_reason_was_typed_stays_as_it_is() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.choose(ALICE, &prompt, IN_WORDS).await;
        assert_eq!(s.api().cancel(&id).await.status, 200);
        s.slack.type_text(ALICE, "reason", "No").await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        let said = s.slack.view(ALICE).unwrap().all_text();
        assert!(said.contains("already ended") && said.contains("Cancelled"), "{said}");
        assert_eq!(s.received_webhook(&id).await.kind, "approval.cancelled");
        assert_eq!(s.events(&id).len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_run_out_cant_be_decided_even_before_it_is_marked_so() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1").expiring_in(60)).await;
        let hold = "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE EXCEPTION 'not yet'; END $$";
        let hold_it = "CREATE TRIGGER hold BEFORE UPDATE ON approvals
                       FOR EACH ROW WHEN (new.status = 'expired') EXECUTE FUNCTION hold()";
        for statement in [hold, hold_it] {
            sqlx::query(statement).execute(&s.service.db).await.unwrap();
        }
        s.advance_until_idle(TimeDelta::seconds(60)).await;
        for label in ["Approve", "Deny"] {
            assert!(s.click(ALICE, &prompt, label).await.is_ok());
        }
        s.ephemeral_reply(ALICE, &prompt.channel, "has expired").await;
        assert!(s.slack.view(ALICE).is_none());
        assert_eq!(s.refusals(&id).await, ["expired", "expired"]);
        assert_eq!(s.status(&id).await, "pending");
        // Postgres may end it for a deadlock with the job, which locks the table's partitions in another order.
        eventually("the trigger is gone", async || {
            sqlx::query("DROP TRIGGER hold ON approvals").execute(&s.service.db).await.ok()
        })
        .await;
        assert_eq!(s.received_webhook(&id).await.kind, "approval.expired");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_between_posting_and_clicking_nothing_is_decided() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.lock(ACTION).await;
        let press = s.slack.choose(ALICE, Surface::stale(&prompt), "approve_more", "Auto-approve always");
        assert!(press.await.unwrap().is_ok());
        s.ephemeral_reply(ALICE, &prompt.channel, "This action is locked").await;
        nothing_changed(s, &id, &prompt, "locked").await;
        let redrawn = s.until(&prompt, |message| message.options_of("approve_more").is_empty()).await;
        assert!(redrawn.has_button("Approve") && redrawn.all_text().contains("o admin has unlocked"));
        assert!(s.click(ALICE, &redrawn, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.approval()["decision"]["scope"], "once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn disconnected_between_posting_and_clicking_nothing_is_decided() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.api().disconnect_user(ALICE, "github").await;
        let choice = "Auto-approve for this conversation";
        let press = s.slack.choose(ALICE, Surface::stale(&prompt), "approve_more", choice);
        assert!(press.await.unwrap().is_ok());
        s.ephemeral_reply(ALICE, &prompt.channel, "is not connected to your account").await;
        nothing_changed(s, &id, &prompt, "not-connected").await;
        s.until(&prompt, |message| message.all_text().contains("Connect GitHub")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_closed_meanwhile_takes_no_grant() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert_eq!(s.api().close_conversation("c-1").await.status, 204);
        let choice = "Auto-approve for this conversation";
        let press = s.slack.choose(ALICE, Surface::stale(&prompt), "approve_more", choice);
        assert!(press.await.unwrap().is_ok());
        s.ephemeral_reply(ALICE, &prompt.channel, "This conversation is closed").await;
        nothing_changed(s, &id, &prompt, "conversation-closed").await;
        let redrawn = s.until(&prompt, |message| message.options_of("approve_more").len() == 3).await;
        assert!(s.choose(ALICE, &redrawn, "Auto-approve always").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.approval()["decision"]["scope"], "always");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_that_no_view_has_or_an_id_that_nothing_has_does_nothing() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let strange = [
            ("approve_all", id.as_str()),
            ("approve", "apr_"),
            ("approve", "' OR 1=1 --"),
            ("approve_more", &format!("forever:{id}")),
            ("turn_off", id.as_str()),
            ("deny", ""),
        ];
        for (action_id, value) in strange {
            let mut payload = payload(s, ALICE, &prompt, "Approve");
            payload["actions"][0]["action_id"] = json!(action_id);
            payload["actions"][0]["value"] = json!(value);
            assert!(s.slack.forge_block_actions(payload).await.is_ok(), "{action_id} {value}");
        }
        s.ephemeral_reply(ALICE, &prompt.channel, "This button is no longer supported").await;
        let mut payload = payload(s, ALICE, &prompt, "Approve");
        payload["actions"][0]["value"] = json!("apr_00000000000000000000000000000001");
        assert!(s.slack.forge_block_actions(payload).await.is_ok());
        s.ephemeral_reply(ALICE, &prompt.channel, "no longer exists").await;
        assert_eq!((s.status(&id).await.as_str(), s.refusals(&id).await.len()), ("pending", 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_its_own_user_turns_a_grant_off_and_only_once() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, prompt) = asked_in_public(s).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        let decided = s.until(&prompt, |message| message.has_button("Turn off")).await;
        assert!(s.click(BOB, &decided, "Turn off").await.is_ok());
        s.ephemeral_reply(BOB, SALES, "auto-approval").await;
        assert_eq!(s.live_grants().await, 1, "Bob has none that he could turn off");
        for _ in 0..2 {
            let press = s.slack.click_label(ALICE, Surface::stale(&decided), "Turn off");
            assert!(press.await.unwrap().is_ok());
        }
        s.ephemeral_reply(ALICE, SALES, "already off").await;
        assert_eq!(s.live_grants().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sees_the_prompt_may_read_the_details_at_any_time() {
    story(async |s| {
        let (id, prompt) = asked_in_public(s).await;
        assert!(s.click(BOB, &prompt, "Details").await.is_ok());
        let shown = s.slack.view(BOB).unwrap().all_text();
        let approval = s.api().get(&id).await.body;
        for fact in [&approval["arguments_digest"], &approval["id"], &approval["arguments"]["title"]] {
            assert!(shown.contains(fact.as_str().unwrap()), "{fact} in {shown}");
        }
        s.click(ALICE, &prompt, "Approve").await;
        let decided = s.until(&prompt, |message| !message.has_button("Approve")).await;
        s.slack.close(BOB).await.unwrap();
        assert!(s.click(BOB, &decided, "Details").await.is_ok());
        assert!(s.slack.view(BOB).is_some());
        assert!(s.refusals(&id).await.is_empty(), "looking is not deciding");
    })
    .await;
}
