//! A person lets another decide their approvals until a date.

use chrono::TimeDelta;
use insta::assert_snapshot;
use sandbox::slack::{Delivery, Gesture, Message, Press, Surface, View, names};
use serde_json::{Value, json};

use crate::story::{ADMIN, ALICE, BOB, GUEST, TestApp, eventually, story};

const ISSUE: &str = "github.create_issue";
/// The last day that the tests choose. Their clock says 21 September, in UTC.
const FRIDAY: &str = "2026-09-25";

/// Has a person fill the modal behind `/approvals delegate`, and submit it.
async fn submit(s: &TestApp, user: &str, delegate: &str, until: &str) -> (View, Delivery) {
    assert!(s.command(user, "delegate").await.is_ok());
    let view = s.modal(user, |view| view.title() == "Delegation").await;
    for (input, gesture) in [
        ("person", Gesture::Pick(delegate.to_owned())),
        ("until", Gesture::Pick(until.to_owned())),
        ("reason", Gesture::Enter("On holiday <!here>".to_owned())),
    ] {
        let press = Press::on(Surface::Modal, input).doing(gesture);
        s.slack.press(user, press).await.unwrap();
    }
    let delivery = s.slack.submit(user).await.unwrap();
    assert!(delivery.is_ok(), "{delivery:?}");
    (view, delivery)
}

/// Has a person delegate to another until Friday.
pub async fn delegate(s: &TestApp, user: &str, delegate: &str) {
    submit(s, user, delegate, FRIDAY).await;
    s.modal(user, |view| view.all_text().contains("decides for you until")).await;
    s.slack.close(user).await.unwrap();
    s.settled().await;
}

fn message(s: &TestApp, user: &str, containing: &str) -> Option<Message> {
    s.slack.direct_messages(user).into_iter().rev().find(|message| message.all_text().contains(containing))
}

/// Clicks a button of the message as it was, whatever it shows now.
pub async fn click_copy(s: &TestApp, user: &str, message: &Message, action_id: &str, id: &str) -> bool {
    let payload = json!({
        "type": "block_actions",
        "team": { "id": names::TEAM },
        "user": { "id": user, "team_id": names::TEAM },
        "container": { "type": "message", "channel_id": message.channel, "message_ts": message.ts },
        "actions": [{ "action_id": action_id, "type": "button", "value": id }],
    });
    s.slack.forge_block_actions(payload).await.is_ok()
}

async fn notified(s: &TestApp, user: &str, containing: &str) -> Message {
    eventually("a person is told", async || message(s, user, containing)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegate_approves_and_everything_says_for_whom() {
    story(async |s| {
        s.open(ISSUE).await;
        let (first, asked) = s.prompt(&s.call(ISSUE, "c-1")).await;
        let (form, _) = submit(s, ALICE, BOB, FRIDAY).await;
        assert_snapshot!(form.all_text(), @r"
        Delegation
        Your delegate gets your requests beside you, with all their arguments, and can approve each one once or deny it. They can’t allow auto-approval, and can’t pass your requests on.
        Who decides for you?
        Choose a person
        A full member of this workspace.
        Until the end of
        Reason
        Your delegate reads it above each request.
        Delegate
        Close
        ");
        assert_snapshot!(s.slack.view(ALICE).unwrap().all_text(), @r"
        Delegation
        <@U0BOB> decides for you until <!date^1790380800^{date_short_pretty} at {time}|2026-09-26 00:00 UTC>, beside you. They have been told.
        Close
        ");
        assert_snapshot!(notified(s, BOB, "You get their requests").await.all_text(), @r"
        You decide for @U0ALICE until 2026-09-26 00:00 UTC.
        On holiday <!here>
        You get their requests that wait and new ones, and can approve each one once or deny it. They can decide them too. To end it, type /approvals delegate.
        ");
        // The request that waited, and one that comes now.
        let second = s.ask(&s.call(ISSUE, "c-2")).await.id().to_owned();
        for id in [&first, &second] {
            let prompt = s.shown(BOB, id).await;
            assert!(prompt.all_text().starts_with("You decide for @U0ALICE until"), "{}", prompt.all_text());
            let choices: Vec<String> =
                prompt.overflow_options().into_iter().map(|option| option.label).collect();
            assert!(!choices.iter().any(|label| label.contains("pprove")), "{choices:?}");
            assert!(
                prompt.has_button("Approve") && prompt.has_button("Deny") && !prompt.has_button("Connect")
            );
        }
        s.home(BOB, |view| view.all_text().contains("You decide for")).await;
        let bobs = s.shown(BOB, &first).await;
        assert!(s.click(BOB, &bobs, "Approve").await.is_ok());
        for message in [&asked, &bobs] {
            let shown = s.until(message, |message| message.all_text().contains("Approved")).await;
            let said = "Approved by @U0BOB for @U0ALICE, for this request only, ";
            assert!(shown.all_text().starts_with(said), "{}", shown.all_text());
        }
        let webhook = s.received_webhook(&first).await;
        let decision = &webhook.body["data"]["decision"];
        assert_eq!(
            (&decision["user"], &decision["on_behalf_of"]),
            (&BOB.into(), &ALICE.into()),
            "{decision}"
        );
        assert_eq!((&decision["scope"], &decision["grant"]), (&"once".into(), &Value::Null));
        assert_eq!((s.grants_of(ALICE).await, s.grants_of(BOB).await), (0, 0));
        let after: Value =
            sqlx::query_scalar("SELECT after FROM audit WHERE what = 'approval.approved' AND actor = $1")
                .bind(BOB)
                .fetch_one(&s.service.db)
                .await
                .unwrap();
        assert_eq!(after["on_behalf_of"], ALICE);
        // The delegate's click can't be made to give a grant.
        let bobs = s.shown(BOB, &second).await;
        let press = Press::labelled(Surface::message(&bobs), "Approve");
        let mut payload = s.slack.prepare_press(BOB, &press).unwrap().unwrap();
        payload["actions"][0]["action_id"] = "approve_more".into();
        payload["actions"][0]["value"] = format!("always:{second}").into();
        assert!(s.slack.forge_block_actions(payload).await.is_ok());
        assert_eq!((s.status(&second).await.as_str(), s.grants_of(ALICE).await), ("pending", 0));
        // Alice decides as before, and both read it.
        let alices = s.shown(ALICE, &second).await;
        assert!(s.choose(ALICE, &alices, "Auto-approve always").await.is_ok());
        let shown = s.until(&bobs, |message| message.all_text().contains("Approved by @U0ALICE")).await;
        assert!(!shown.has_button("Turn off"), "{}", shown.all_text());
        let history = s.answer(ALICE, "history").await;
        assert!(history.all_text().contains("Approved by @U0BOB for @U0ALICE"), "{}", history.all_text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegation_reaches_one_person_and_ends_by_itself() {
    story(async |s| {
        s.open(ISSUE).await;
        delegate(s, ALICE, BOB).await;
        delegate(s, BOB, ADMIN).await;
        let (id, _) = s.prompt(&s.call(ISSUE, "c-1")).await;
        let bobs = s.shown(BOB, &id).await;
        s.settled().await;
        let is_about = |message: &Message| message.to_json().to_string().contains(&id);
        assert!(!s.slack.direct_messages(ADMIN).iter().any(is_about), "it is not passed on");
        // A copy of the click by Bob's delegate.
        let press = Press::labelled(Surface::message(&bobs), "Approve");
        let mut payload = s.slack.prepare_press(BOB, &press).unwrap().unwrap();
        payload["user"]["id"] = ADMIN.into();
        assert!(s.slack.forge_block_actions(payload).await.is_ok());
        assert_eq!(s.status(&id).await, "pending");
        let late = s.ask(&s.call(ISSUE, "c-2").expiring_in(6 * 86_400)).await.id().to_owned();
        let bobs = s.shown(BOB, &late).await;
        s.settled().await;
        s.advance_until_idle(TimeDelta::days(5)).await;
        s.settled().await;
        let shown = s.until(&bobs, |message| message.all_text().contains("no longer decide")).await;
        assert!(!shown.has_button("Approve"), "{}", shown.all_text());
        assert_snapshot!(notified(s, BOB, "You no longer decide for").await.text(), @"You no longer decide for <@U0ALICE>. Its time is over.");
        assert_snapshot!(notified(s, ALICE, "no longer decides for you").await.text(), @"<@U0BOB> no longer decides for you. Its time is over.");
        // A copy of a click on the message from before.
        assert!(click_copy(s, BOB, &bobs, "approve", &late).await);
        assert_eq!(s.status(&late).await, "pending");
        let ended: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM audit WHERE what = 'delegation.ended' AND actor_kind = 'service'",
        )
        .fetch_one(&s.service.db)
        .await
        .unwrap();
        assert_eq!(ended, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_full_members_are_delegates_and_either_ends_it() {
    story(async |s| {
        s.open(ISSUE).await;
        for (delegate, until, says) in [
            (GUEST, FRIDAY, "Only a full member of this workspace can decide for you"),
            (ALICE, FRIDAY, "You can’t delegate to yourself"),
            (BOB, "2026-09-20", "Choose a day from today on"),
            (BOB, "2027-09-20", "Choose a day from today on"),
        ] {
            let (_, delivery) = submit(s, ALICE, delegate, until).await;
            assert!(delivery.body.contains(says), "{delegate} {until}: {delivery:?}");
            s.slack.close(ALICE).await.unwrap();
        }
        delegate(s, ALICE, BOB).await;
        let (id, _) = s.prompt(&s.call(ISSUE, "c-1")).await;
        let bobs = s.shown(BOB, &id).await;
        assert!(s.command(BOB, "delegate").await.is_ok());
        let view = s.modal(BOB, |view| view.all_text().contains("You decide for")).await;
        let first: Vec<String> = view.all_text().lines().take(4).map(str::to_owned).collect();
        assert_snapshot!(first.join("\n"), @r"
        Delegation
        You decide for
        <@U0ALICE> until <!date^1790380800^{date_short_pretty} at {time}|2026-09-26 00:00 UTC>
        End
        ");
        assert!(s.slack.press(BOB, Press::labelled(Surface::Modal, "End")).await.unwrap().is_ok());
        s.modal(BOB, |view| !view.all_text().contains("You decide for")).await;
        notified(s, ALICE, "no longer decides for you. They ended it.").await;
        assert!(click_copy(s, BOB, &bobs, "deny", &id).await);
        assert_eq!(s.status(&id).await, "pending");
        // A delegate who became a guest gets nothing and decides nothing.
        delegate(s, ALICE, BOB).await;
        let bobs = s.shown(BOB, &id).await;
        s.slack.change_user(BOB, |user| user.is_restricted = true);
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        assert!(click_copy(s, BOB, &bobs, "approve", &id).await);
        assert_eq!(s.status(&id).await, "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_who_click_at_once_decide_once() {
    story(async |s| {
        s.put("github").await;
        delegate(s, ALICE, BOB).await;
        for round in 0..3 {
            let id = s.ask(&s.call(ISSUE, &format!("c-{round}"))).await.id().to_owned();
            s.advance_until_idle(TimeDelta::seconds(3)).await;
            let alices = s.shown(ALICE, &id).await;
            let bobs = s.shown(BOB, &id).await;
            let (approved, denied) =
                tokio::join!(s.click(ALICE, &alices, "Approve"), s.click(BOB, &bobs, "Deny"));
            assert!(approved.is_ok() && denied.is_ok());
            let decided: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM audit WHERE approval_id = $1 AND what IN ('approval.approved', 'approval.denied')",
            )
            .bind(id.parse::<countersign::domain::ids::ApprovalId>().unwrap().uuid())
            .fetch_one(&s.service.db)
            .await
            .unwrap();
            assert_eq!(decided, 1);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_share_a_message_share_the_delegates_too() {
    story(async |s| {
        s.put("github").await;
        delegate(s, ALICE, BOB).await;
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(s.ask(&s.call(ISSUE, "c-1")).await.id().to_owned());
        }
        s.advance_until_idle(TimeDelta::seconds(5)).await;
        s.settled().await;
        let shared = notified(s, BOB, "3 decisions here and 2 in other messages").await;
        assert!(shared.all_text().starts_with("You decide for @U0ALICE until"), "{}", shared.all_text());
        assert!(s.click(BOB, &shared, "Review").await.is_ok());
        let review = s.modal(BOB, |view| view.title() == "Review").await;
        assert!(review.all_text().contains("You decide for @U0ALICE"), "{}", review.all_text());
        assert!(s.slack.press(BOB, Press::labelled(Surface::Modal, "Approve")).await.unwrap().is_ok());
        s.slack.close(BOB).await.unwrap();
        assert!(s.click(BOB, &shared, "Deny all").await.is_ok());
        for id in &ids {
            let decision = s.received_webhook(id).await.body["data"]["decision"].clone();
            assert_eq!((&decision["user"], &decision["on_behalf_of"]), (&BOB.into(), &ALICE.into()));
        }
        let approved = ids.iter().map(|id| s.status(id));
        let approved = futures::future::join_all(approved).await;
        assert_eq!(approved.iter().filter(|status| *status == "approved").count(), 1, "{approved:?}");
    })
    .await;
}
