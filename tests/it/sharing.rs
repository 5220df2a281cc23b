//! Pending requests of one conversation share a message from the third on.

use std::time::Duration;

use chrono::TimeDelta;
use countersign::slack::view::editing::block_id;
use futures::future::join_all;
use sandbox::{
    backend::Ask,
    slack::{Gesture, Misbehaviour, Press, Signing, Surface},
};
use serde_json::json;

use crate::{
    several::{
        ACTION, CONVERSATION, approved_once, ask, ask_numbered, call, catch_up, is_shared, now, posted,
        shared, statuses,
    },
    story::{ALICE, BOB, IN_WORDS, SALES, SOON, TestApp, eventually, story},
};

const DESTRUCTIVE: &str = "postgres.execute_sql";

async fn press(s: &TestApp, label: &str) {
    assert!(s.slack.click_label(ALICE, Surface::Modal, label).await.unwrap().is_ok());
}

/// The review, once it shows this.
async fn reviewed(s: &TestApp, text: &str) {
    s.modal(ALICE, |view| view.title() == "Review" && view.all_text().contains(text)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_five_requests_take_three_messages_and_are_approved_by_two_clicks() {
    story(async |s| {
        s.put("github").await;
        let calls: Vec<_> = (1..=25).map(|number| call(s, number)).collect();
        let replies = join_all(calls.iter().map(|call| s.ask(call))).await;
        let ids: Vec<String> = replies.iter().map(|reply| reply.id().to_owned()).collect();
        // All are visible after 3 s.
        catch_up(s).await;
        assert_eq!((posted(s), s.slack.direct_messages(ALICE).len()), (3, 3));
        assert!(s.slack.calls_of("chat.update").len() <= 3, "{}", s.slack.calls_of("chat.update").len());
        let message = shared(s);
        let text = message.all_text();
        assert!(
            text.contains("waiting for 23 decisions") && text.contains("and 13 more: see Review"),
            "{text}"
        );
        assert!(text.contains("23 decisions here and 2 in other messages"), "{text}");
        assert!(s.click(ALICE, &message, "Approve all 25…").await.is_ok());
        let later = ask(s, [call(s, 26)]).await;
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        approved_once(s, &ids).await;
        assert_eq!(statuses(s, &later).await, ["pending"]);
        catch_up(s).await;
        let text = now(s, &message).all_text();
        assert!(text.contains("waiting for 1 decision") && text.contains("Issue 26."), "{text}");
        assert!(text.contains("Ended so far: 23 approved by"), "{text}");
        assert_eq!(posted(s), 3, "a later request joins the message");
        assert!(s.click(ALICE, &message, "Deny all").await.is_ok());
        assert_eq!(s.received_webhook(&later[0]).await.kind, "approval.denied");
        catch_up(s).await;
        let ended = now(s, &message);
        assert!(ended.all_text().contains("23 approved, 1 denied"), "{}", ended.all_text());
        assert!(
            ended.all_text().contains("checkout: Issue "),
            "it names what they were: {}",
            ended.all_text()
        );
        assert!(ended.buttons().is_empty(), "{:?}", ended.buttons());
        assert!(s.slack.direct_messages(ALICE).iter().all(|message| !message.has_button("Approve")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_make_one_shared_message() {
    story(async |s| {
        s.put("github").await;
        let other = s.instance().await;
        let calls: Vec<_> = (1..=25).map(|number| call(s, number)).collect();
        join_all(calls.iter().map(|call| s.ask(call))).await;
        catch_up(s).await;
        assert_eq!(posted(s), 3);
        assert!(shared(s).all_text().contains("waiting for 23 decisions"), "{}", shared(s).all_text());
        other.shutdown().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_request_is_shown_as_a_prompt_until_another_joins_it() {
    story(async |s| {
        s.open(ACTION).await;
        let ids = ask_numbered(s, 3).await;
        let third = s.shown(ALICE, &ids[2]).await;
        assert!(third.has_button("Approve") && third.all_text().contains("Issue 3."), "{}", third.all_text());
        let fourth = ask(s, [call(s, 4)]).await;
        catch_up(s).await;
        let text = now(s, &third).all_text();
        assert!(text.contains("waiting for 2 decisions") && text.contains("Issue 4."), "{text}");
        assert_eq!(posted(s), 3);
        // A click on what was shown before decides what it showed.
        let stale = s.slack.click_label(ALICE, Surface::stale(&third), "Approve").await.unwrap();
        assert!(stale.is_ok());
        approved_once(s, &ids[2..]).await;
        assert_eq!(statuses(s, &fourth).await, ["pending"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_requests_of_one_place_share_a_message() {
    story(async |s| {
        s.put("github").await;
        let root = s.slack.say(ALICE, SALES, "Atlas, open the issues", None).unwrap();
        let place = |number| call(s, number).in_channel(SALES, Some(&root.ts));
        ask_numbered(s, 4).await;
        let there = ask(s, (5..=8).map(place)).await;
        catch_up(s).await;
        assert_eq!(posted(s), 6);
        let message = s.slack.wait_for_message(SALES, is_shared, SOON).await.unwrap();
        let text = message.all_text();
        assert!(
            text.contains("Issue 7.") && text.contains("Issue 8.") && !text.contains("Issue 4."),
            "{text}"
        );
        assert_eq!(message.thread_ts.as_deref(), Some(&*root.ts));
        assert!(message.text().starts_with("<@U0ALICE>: "), "{}", message.text());
        // Others in the channel see its buttons.
        for button in ["Approve all 4…", "Review", "Deny all"] {
            assert!(s.click(BOB, &message, button).await.is_ok());
            s.ephemeral_reply(BOB, SALES, "Only <@U0ALICE> can decide").await;
        }
        assert!(s.slack.view(BOB).is_none());
        assert_eq!(s.audited_by("approval.refused", BOB).await, 3);
        assert!(s.click(ALICE, &message, "Approve all 4…").await.is_ok());
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        approved_once(s, &there).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn destructive_requests_are_shown_apart_and_never_approved_together() {
    story(async |s| {
        s.put("github").await;
        s.put("postgres").await;
        let calls: Vec<_> = (1..=4)
            .map(|number| call(s, number))
            .chain((0..3).map(|_| s.call(DESTRUCTIVE, CONVERSATION)))
            .collect();
        let replies = join_all(calls.iter().map(|call| s.ask(call))).await;
        let ids: Vec<String> = replies.iter().map(|reply| reply.id().to_owned()).collect();
        catch_up(s).await;
        assert_eq!(posted(s), 3);
        let message = shared(s);
        assert!(
            message.all_text().contains("destructive: decide each one separately"),
            "{}",
            message.all_text()
        );
        assert!(s.click(ALICE, &message, "Approve all 4…").await.is_ok());
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        approved_once(s, &ids[..4]).await;
        assert_eq!(statuses(s, &ids[4..]).await, ["pending"; 3]);
        catch_up(s).await;
        let message = now(s, &message);
        assert!(!message.all_text().contains("Approve all"), "{}", message.all_text());
        assert!(s.click(ALICE, &message, "Review").await.is_ok());
        for _ in 0..3 {
            let at = s.modal(ALICE, |view| view.has_button("Approve")).await.private_metadata().to_owned();
            press(s, "Approve").await;
            s.modal(ALICE, |view| view.private_metadata() != at).await;
        }
        reviewed(s, "You approved 3.").await;
        approved_once(s, &ids[4..]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_goes_from_request_to_request() {
    story(async |s| {
        s.open(ACTION).await;
        let ids = ask_numbered(s, 6).await;
        catch_up(s).await;
        assert!(s.click(ALICE, &shared(s), "Review").await.is_ok());
        reviewed(s, "Issue 1.").await;
        press(s, "Approve").await;
        reviewed(s, "Issue 2.").await;
        press(s, "Deny").await;
        reviewed(s, "Issue 3.").await;
        press(s, "Skip").await;
        reviewed(s, "Issue 4.").await;
        // A cancelled one is passed over, and a later one comes last.
        assert_eq!(s.api().cancel(&ids[4]).await.status, 200);
        let later = ask(s, [call(s, 7)]).await;
        let view = s.slack.view(ALICE).unwrap();
        let options = view.overflow_options();
        let in_words = options.iter().find(|option| option.label == IN_WORDS).unwrap();
        let picked =
            s.slack.choose(ALICE, Surface::Modal, &in_words.action_id, &in_words.value).await.unwrap();
        assert!(picked.is_ok());
        assert_eq!(s.slack.views(ALICE).len(), 2, "the modal for the reason lies on top");
        s.slack.type_text(ALICE, "reason", "Twice").await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        reviewed(s, "Issue 6.").await;
        let text = s.slack.view(ALICE).unwrap().all_text();
        assert!(
            text.contains("You approved 1 and denied 2.") && text.contains("1 more request follows"),
            "{text}"
        );
        press(s, "Details").await;
        assert_eq!(s.slack.view(ALICE).unwrap().title(), "Details");
        s.slack.close(ALICE).await.unwrap();
        let view = s.slack.view(ALICE).unwrap();
        let options = view.overflow_options();
        let always = options.iter().find(|option| option.label == "Auto-approve always").unwrap();
        assert!(
            s.slack.choose(ALICE, Surface::Modal, &always.action_id, &always.value).await.unwrap().is_ok()
        );
        reviewed(s, "Issue 7.").await;
        press(s, "Approve").await;
        reviewed(s, "1 request is still waiting.").await;
        press(s, "Start again").await;
        reviewed(s, "Issue 3.").await;
        press(s, "Approve").await;
        reviewed(s, "No more requests are waiting").await;
        let ended = ["approved", "denied", "approved", "denied", "cancelled", "approved"];
        assert_eq!(statuses(s, &ids).await, ended);
        assert_eq!(statuses(s, &later).await, ["approved"]);
        catch_up(s).await;
        let all = s.slack.direct_messages(ALICE);
        let ended = all.iter().find(|message| message.all_text().contains("1 cancelled")).unwrap();
        assert!(ended.all_text().contains("3 approved, 1 denied"), "{}", ended.all_text());
        assert!(ended.has_button("Turn off"), "the grant that a review left");
        assert!(s.click(ALICE, ended, "Turn off").await.is_ok());
        catch_up(s).await;
        assert!(!now(s, ended).has_button("Turn off"));
        assert_eq!(s.grants_of(ALICE).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_may_be_edited_in_a_review() {
    story(async |s| {
        let schema = json!({ "type": "object", "properties": { "to": { "type": "string" } } });
        let action = json!({ "key": "send", "name": "Send mail", "title": "Send mail to {to}", "input_schema": schema });
        let body = json!({ "name": "Mail", "requires_connection": false, "actions": [action] });
        assert!(s.api().put_integration("mail", &body).await.is_success());
        s.unlock("mail.send").await;
        let call = |number| {
            let arguments = json!({ "to": format!("kim{number}@example.com") });
            Ask::new(ALICE, "mail", "send", arguments).in_conversation(CONVERSATION).editable()
        };
        let ids = ask(s, (1..=4).map(call)).await;
        catch_up(s).await;
        assert!(s.click(ALICE, &shared(s), "Review").await.is_ok());
        reviewed(s, "kim1@example.com").await;
        let options = s.slack.view(ALICE).unwrap().overflow_options();
        let edit = options.iter().find(|option| option.label == "Edit and approve…").unwrap();
        assert!(s.slack.choose(ALICE, Surface::Modal, &edit.action_id, &edit.value).await.unwrap().is_ok());
        let press = Press::on(Surface::Modal, "value").in_block(&block_id("to"));
        s.slack.press(ALICE, press.doing(Gesture::Enter("lee@example.com".to_owned()))).await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        reviewed(s, "kim2@example.com").await;
        assert!(s.slack.view(ALICE).unwrap().all_text().contains("You approved 1."));
        approved_once(s, &ids[..1]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approving_all_leaves_what_ended_or_came_later() {
    story(async |s| {
        s.open(ACTION).await;
        let soon = ask(s, [call(s, 1).expiring_in(60)]).await;
        let ids = ask(s, (2..=8).map(|number| call(s, number))).await;
        catch_up(s).await;
        let message = shared(s);
        assert!(s.click(ALICE, &message, "Approve all 8…").await.is_ok());
        assert_eq!(s.api().cancel(&ids[6]).await.status, 200);
        s.advance_until_idle(TimeDelta::seconds(60)).await;
        s.lock(ACTION).await;
        let later = ask(s, [call(s, 9)]).await;
        let (submission, signing) = (s.slack.prepare_submit(ALICE).unwrap(), Signing::default());
        let single = s.slack.direct_messages(ALICE).into_iter().find(|message| message.has_button("Approve"));
        let single = single.unwrap();
        let (first, second, third) = tokio::join!(
            s.slack.send_interaction(submission.clone(), &signing),
            s.slack.send_interaction(submission, &signing),
            s.click(ALICE, &single, "Approve")
        );
        assert!(first.is_ok() && second.is_ok() && third.is_ok());
        approved_once(s, &ids[..6]).await;
        assert_eq!(s.received_webhook(&soon[0]).await.kind, "approval.expired");
        assert_eq!(statuses(s, &ids[6..]).await, ["cancelled"]);
        assert_eq!(statuses(s, &later).await, ["pending"]);
        catch_up(s).await;
        let text = now(s, &message).all_text();
        assert!(text.contains("Issue 9.") && text.contains("Ended so far: 5 approved by"), "{text}");
        assert!(text.contains("1 cancelled"), "{text}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_expire_together() {
    story(async |s| {
        s.put("github").await;
        let ids = ask(s, (1..=6).map(|number| call(s, number).expiring_in(60))).await;
        catch_up(s).await;
        let message = shared(s);
        s.advance_until_idle(TimeDelta::seconds(60)).await;
        for id in &ids {
            assert_eq!(s.received_webhook(id).await.kind, "approval.expired");
        }
        catch_up(s).await;
        assert!(now(s, &message).all_text().contains("4 expired"), "{}", now(s, &message).all_text());
        // A button from before decides nothing.
        assert!(s.slack.click_label(ALICE, Surface::stale(&message), "Deny all").await.unwrap().is_ok());
        s.ephemeral_reply(ALICE, &message.channel, "no longer waiting").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_message_is_posted_again_once() {
    story(async |s| {
        s.put("github").await;
        let ids = ask_numbered(s, 5).await;
        catch_up(s).await;
        let message = shared(s);
        s.slack.delete_message(&message.channel, &message.ts);
        ask(s, [call(s, 6)]).await;
        catch_up(s).await;
        assert_eq!(posted(s), 4);
        let again = shared(s);
        assert!(again.ts != message.ts && again.all_text().contains("waiting for 4 decisions"));
        assert!(s.click(ALICE, &again, "Approve all 6…").await.is_ok());
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        approved_once(s, &ids).await;
        catch_up(s).await;
        assert!(now(s, &again).all_text().contains("4 approved"));
        assert_eq!(posted(s), 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_whose_answer_was_lost_is_repeated_and_both_messages_are_updated() {
    story(async |s| {
        s.put("github").await;
        ask_numbered(s, 2).await;
        s.settled().await;
        s.slack.misbehave("chat.postMessage", Misbehaviour::DropAfterEffect, 1);
        let ids = ask(s, (3..=6).map(|number| call(s, number))).await;
        catch_up(s).await;
        let all = s.slack.direct_messages(ALICE);
        let [.., lost, known] = all.as_slice() else { panic!("{}", all.len()) };
        assert_eq!((all.len(), is_shared(known)), (4, true));
        // A click on the orphan is about the same requests, and tells where it is.
        let button = if is_shared(lost) { "Deny all" } else { "Deny" };
        assert!(s.click(ALICE, lost, button).await.is_ok());
        assert!(s.click(ALICE, known, "Deny all").await.is_ok());
        for id in &ids {
            assert_eq!(s.received_webhook(id).await.kind, "approval.denied");
        }
        catch_up(s).await;
        for message in [lost, known] {
            assert!(now(s, message).all_text().contains("4 denied"), "{}", now(s, message).all_text());
        }
        assert_eq!(posted(s), 3, "the fourth is the one whose answer was lost");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_update_never_overwrites_a_later_state() {
    story(async |s| {
        s.put("github").await;
        let ids = ask_numbered(s, 4).await;
        catch_up(s).await;
        let message = shared(s);
        s.slack.misbehave("chat.update", Misbehaviour::Delay(Duration::from_millis(700)), 1);
        let more = ask(s, [call(s, 5)]).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        s.clock.advance(TimeDelta::milliseconds(1500));
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(s.click(ALICE, &message, "Deny all").await.is_ok());
        for id in ids.iter().chain(&more) {
            assert_eq!(s.received_webhook(id).await.kind, "approval.denied");
        }
        catch_up(s).await;
        assert!(now(s, &message).all_text().contains("3 denied"), "{}", now(s, &message).all_text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_can_not_be_posted_ends_all_its_requests() {
    story(async |s| {
        s.put("github").await;
        ask_numbered(s, 2).await;
        s.settled().await;
        s.slack.misbehave("chat.postMessage", Misbehaviour::RateLimited { retry_after: 5 }, 1);
        let ids = ask(s, (3..=5).map(|number| call(s, number))).await;
        s.settled().await;
        s.slack.misbehave("chat.postMessage", Misbehaviour::SlackError("messages_tab_disabled".into()), 1);
        s.advance_until_idle(TimeDelta::seconds(6)).await;
        catch_up(s).await;
        for id in &ids {
            assert_eq!(s.received_webhook(id).await.kind, "approval.undeliverable");
        }
        assert_eq!(posted(s), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_died_leaves_its_message_to_another_after_its_lease() {
    story(async |s| {
        s.put("github").await;
        ask_numbered(s, 2).await;
        s.settled().await;
        s.slack.misbehave("chat.postMessage", Misbehaviour::RateLimited { retry_after: 5 }, 1);
        let ids = ask(s, (3..=5).map(|number| call(s, number))).await;
        s.settled().await;
        // Assigned and claimed, and not posted: as a worker leaves it that is killed.
        sqlx::query(
            "UPDATE outbox SET lease = gen_random_uuid(), leased_until = $1
             WHERE kind IN ('prompt', 'shared_prompt') AND done_at IS NULL AND lease IS NULL",
        )
        .bind(s.now() + TimeDelta::seconds(60))
        .execute(&s.service.db)
        .await
        .unwrap();
        s.clock.advance(TimeDelta::seconds(20));
        let more = ask(s, [call(s, 6)]).await;
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert_eq!(posted(s), 2);
            s.clock.advance(TimeDelta::seconds(2));
        }
        s.clock.advance(TimeDelta::seconds(37));
        let posted_once = async || (posted(s) == 3).then_some(());
        eventually("the message is posted", posted_once).await;
        catch_up(s).await;
        assert_eq!(posted(s), 3);
        assert!(shared(s).all_text().contains("waiting for 4 decisions"), "{}", shared(s).all_text());
        assert!(s.click(ALICE, &shared(s), "Approve all 6…").await.is_ok());
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        approved_once(s, &ids).await;
        approved_once(s, &more).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_message_in_plain_text_has_no_button() {
    story(async |s| {
        s.put("github").await;
        ask_numbered(s, 4).await;
        catch_up(s).await;
        let message = shared(s);
        s.slack.misbehave("chat.update", Misbehaviour::SlackError("invalid_blocks".into()), 1);
        ask(s, [call(s, 5)]).await;
        catch_up(s).await;
        let plain = now(s, &message);
        assert!(plain.blocks.is_empty() && plain.text().contains("Open the Home tab"), "{}", plain.text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collapsed_message_says_what_came_of_its_requests() {
    story(async |s| {
        s.put("github").await;
        let ids = ask_numbered(s, 5).await;
        catch_up(s).await;
        let message = shared(s);
        assert!(s.click(ALICE, &message, "Approve all 5…").await.is_ok());
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        approved_once(s, &ids).await;
        let report = async |id: &str, status: &str, summary: &str| {
            let reply = s.api().report(id, &json!({ "status": status, "summary": summary })).await;
            assert_eq!(reply.body["result"]["status"], status, "{reply:?}");
        };
        report(&ids[2], "succeeded", "Opened #17").await;
        report(&ids[4], "failed", "No such repository").await;
        catch_up(s).await;
        let text = now(s, &message).all_text();
        assert!(text.contains("“Opened #17”") && text.contains("“No such repository”"), "{text}");
        assert!(
            now(s, &message).text().starts_with("1 failed. 3 approved by"),
            "{}",
            now(s, &message).text()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_much_later_begins_another_message() {
    story(async |s| {
        s.put("github").await;
        ask_numbered(s, 4).await;
        catch_up(s).await;
        let first = shared(s);
        s.advance_until_idle(TimeDelta::minutes(10)).await;
        ask(s, (5..=6).map(|number| call(s, number))).await;
        catch_up(s).await;
        assert_eq!(posted(s), 4);
        let second = shared(s);
        assert!(second.ts != first.ts && second.all_text().contains("waiting for 2 decisions"));
        assert!(second.has_button("Approve all 6…"));
    })
    .await;
}
