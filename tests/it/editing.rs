//! *Edit and approve…*: the person changes arguments, and those are what was approved.

use std::time::Duration;

use chrono::TimeDelta;
use countersign::{service::retention, slack::view::editing::block_id};
use futures::future::join_all;
use reqwest::Method;
use sandbox::{
    backend::{Ask, Outcome, digest},
    slack::{Delivery, Feedback, Gesture, Message, Misbehaviour, Press, Signing, Surface},
};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::{
    api::pointers,
    story::{ALICE, BOB, SALES, SOON, TestApp, story},
};

const ACTION: &str = "mail.send";
const EDIT: &str = "Edit and approve…";

fn arguments() -> Value {
    json!({
        "to": "kim@example.com", "body": "Dear Kim,\n\nyes.", "copies": 2, "share": 0.5, "urgent": false,
        "kind": "letter", "labels": ["q3"], "note": "x",
    })
}

/// Describes the action, and lets Alice auto-approve it.
async fn describe(s: &TestApp, schema: Value) {
    let body = json!({
        "name": "Mail", "requires_connection": false,
        "actions": [{
            "key": "send", "name": "Send mail", "risk": ["external"], "title": "Send mail to {to}",
            "fields": [{ "pointer": "/to", "label": "Recipient" }], "input_schema": schema,
        }],
    });
    let reply = s.api().put_integration("mail", &body).await;
    assert!(reply.is_success(), "{reply:?}");
    s.unlock(ACTION).await;
}

fn schema() -> Value {
    json!({
        "type": "object", "required": ["to", "body"], "additionalProperties": false,
        "properties": {
            "to": { "type": "string", "pattern": "^[^@]+@example\\.com$" },
            "body": { "type": "string", "maxLength": 40 }, "copies": { "type": "integer", "minimum": 1 },
            "share": { "type": "number", "maximum": 1 }, "urgent": { "type": "boolean" },
            "kind": { "enum": ["mail", "letter"] }, "labels": { "type": "array" }, "note": { "type": "string" },
        },
    })
}

fn ask(conversation: &str) -> Ask {
    Ask::new(ALICE, "mail", "send", arguments()).in_conversation(conversation).editable()
}

/// Asks, and opens the modal.
async fn opened(s: &TestApp, ask: &Ask) -> (String, Message) {
    describe(s, schema()).await;
    let (id, prompt) = s.prompt(ask).await;
    assert!(s.choose(ALICE, &prompt, EDIT).await.is_ok());
    assert_eq!(s.slack.view(ALICE).unwrap().title(), "Edit and approve");
    (id, prompt)
}

/// Puts something into the input of an argument.
async fn enter(s: &TestApp, key: &str, gesture: Gesture) {
    let press = Press::on(Surface::Modal, "value").in_block(&block_id(key)).doing(gesture);
    s.slack.press(ALICE, press).await.unwrap();
}

async fn write(s: &TestApp, key: &str, text: &str) {
    enter(s, key, Gesture::Enter(text.to_owned())).await;
}

async fn submit(s: &TestApp) -> Delivery {
    let delivery = s.slack.submit(ALICE).await.unwrap();
    assert!(delivery.is_ok(), "{delivery:?}");
    delivery
}

/// The errors of a refused submission, by argument.
fn errors(delivery: &Delivery) -> Vec<(&'static str, String)> {
    let Feedback::Errors(errors) = &delivery.feedback else { panic!("{delivery:?}") };
    let of = |key| errors.get(&block_id(key)).map(|error| (key, error.clone()));
    let found: Vec<_> =
        ["to", "body", "copies", "share", "urgent", "kind", "note"].into_iter().filter_map(of).collect();
    assert_eq!(found.len(), errors.len(), "{errors:?}");
    found
}

fn edited() -> Value {
    json!({
        "to": "bob@example.com", "body": "Dear Bob,\n\nyes.", "copies": 7, "share": 0.25, "urgent": true,
        "kind": "mail", "labels": ["q3"],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_arguments_are_what_was_approved() {
    story(async |s| {
        let (id, prompt) = opened(s, &ask("c-1")).await;
        write(s, "to", "bob@example.com").await;
        write(s, "body", "Dear Bob,\n\nyes.").await;
        write(s, "copies", "7").await;
        write(s, "share", "0.25").await;
        enter(s, "urgent", Gesture::Pick("true".to_owned())).await;
        enter(s, "kind", Gesture::Pick("mail".to_owned())).await;
        write(s, "note", "").await;
        assert_eq!(s.status(&id).await, "pending", "nothing is decided while she edits");
        assert_eq!(submit(s).await.feedback, Feedback::Closed);

        let told = s.received_webhook(&id).await;
        assert_eq!(told.kind, "approval.approved");
        let approval = told.approval();
        assert_eq!(approval["arguments"], arguments(), "what was asked stays");
        assert_eq!(approval["arguments_digest"], digest(&arguments()));
        let decision = &approval["decision"];
        assert_eq!(
            (&decision["scope"], &decision["by"], &decision["user"]),
            (&json!("once"), &json!("user"), &json!(ALICE))
        );
        assert_eq!(decision["arguments"], edited());
        assert_eq!(decision["arguments_digest"], digest(&edited()));
        assert_eq!(&s.api().get(&id).await.body, approval);
        assert_eq!(&s.api().list(&[]).await.data()[0], approval);
        assert_eq!(s.live_grants().await, 0);
        assert_eq!(s.ask(&ask("c-1")).await.approval_status(), "pending", "the next one asks again");

        let shown = s.until(&prompt, |message| !message.has_button("Approve")).await.all_text();
        for text in
            ["Approved with changes", "asked to send mail to kim@example.com", "→ bob@example.com", "Body"]
        {
            assert!(shown.contains(text), "{text}: {shown}");
        }
        assert!(!shown.contains("mail to bob@example.com"), "the agent asked for no such thing: {shown}");
        assert!(s.click(ALICE, &prompt, "Details").await.is_ok());
        let details = s.slack.view(ALICE).unwrap().all_text();
        for text in [
            "Changed arguments",
            "kim@example.com",
            "bob@example.com",
            "Left out.",
            digest(&edited()).as_str(),
        ] {
            assert!(details.contains(text), "{text}: {details}");
        }
        let audit = s.api().audit(&[("limit", "100")]).await;
        let entry = audit.data().iter().find(|entry| entry["what"] == "approval.approved").unwrap();
        let keys = json!(["to", "body", "copies", "share", "urgent", "kind", "note"]);
        assert_eq!(entry["after"], json!({ "by": "user", "scope": "once", "user": ALICE, "edited": keys }));
        assert!(!audit.text.contains("example.com"), "the audit has no values");
        assert!(s.answer(ALICE, "history").await.all_text().contains("Approved with changes"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_said_at_its_field_and_decides_nothing() {
    story(async |s| {
        let (id, _) = opened(s, &ask("c-1")).await;
        write(s, "to", "mallory@evil.example").await;
        write(s, "body", &"x".repeat(41)).await;
        write(s, "copies", "0").await;
        write(s, "share", "1.5").await;
        insta::assert_debug_snapshot!(errors(&submit(s).await), @r#"
        [
            (
                "to",
                "Does not match the required pattern.",
            ),
            (
                "body",
                "Too long: 41 of at most 40 characters.",
            ),
            (
                "copies",
                "Must be at least 1.",
            ),
            (
                "share",
                "Must be at most 1.",
            ),
        ]
        "#);
        assert_eq!(s.status(&id).await, "pending");
        assert_eq!(s.refusals(&id).await, [""; 0]);
        write(s, "to", "bob@example.com").await;
        write(s, "body", " ").await;
        assert_eq!(errors(&submit(s).await), [("body", "Required.".to_owned())]);
        write(s, "body", "yes").await;
        write(s, "copies", "3").await;
        write(s, "share", "1").await;
        assert_eq!(submit(s).await.feedback, Feedback::Closed);
        let decision = &s.received_webhook(&id).await.approval()["decision"].clone();
        assert_eq!(
            (&decision["arguments"]["to"], &decision["arguments"]["copies"]),
            (&json!("bob@example.com"), &json!(3))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_slack_would_not_send_is_refused_too() {
    story(async |s| {
        let (id, _) = opened(s, &ask("c-1")).await;
        let payload = s.slack.prepare_submit(ALICE).unwrap();
        let altered = async |key: &str, state: Value| {
            let mut payload = payload.clone();
            payload["view"]["state"]["values"][block_id(key)]["value"] = state;
            let delivery = s.slack.send_interaction(payload, &Signing::default()).await;
            serde_json::from_str::<Value>(&delivery.body).unwrap()["errors"][block_id(key)].clone()
        };
        for (key, state, error) in [
            (
                "copies",
                json!({ "value": "9007199254740993" }),
                "This number has too many digits to be passed on exactly.",
            ),
            ("share", json!({ "value": "1e999" }), "Enter a number, such as 12 or 0.5."),
            ("share", json!({ "value": "NaN" }), "Enter a number, such as 12 or 0.5."),
            ("urgent", json!({ "selected_option": { "value": "maybe" } }), "Choose true or false."),
            ("kind", json!({ "selected_option": { "value": "2" } }), "Choose one of the allowed values."),
            ("body", json!({ "value": null }), "Required."),
            ("note", json!({ "value": "x".repeat(3_001) }), "Too long: at most 3000 characters."),
            // What has no input can't be changed by naming it.
            ("kind", json!([]), "Choose one of the allowed values."),
        ] {
            if state != json!([]) {
                assert_eq!(altered(key, state.clone()).await, error, "{key} {state}");
            }
        }
        assert_eq!(s.status(&id).await, "pending");
        let mut payload = payload;
        payload["view"]["state"]["values"][block_id("labels")]["value"] = json!({ "value": "other" });
        payload["view"]["state"]["values"][block_id("extra")]["value"] = json!({ "value": "other" });
        assert!(s.slack.send_interaction(payload, &Signing::default()).await.is_ok());
        let decision = s.received_webhook(&id).await.approval()["decision"].clone();
        assert_eq!(decision["arguments"], Value::Null, "nothing was changed");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_changes_it_is_a_plain_approval_and_says_so() {
    story(async |s| {
        let (id, prompt) = opened(s, &ask("c-1")).await;
        // The same number, written otherwise.
        write(s, "copies", "2").await;
        write(s, "share", "0.50").await;
        let Feedback::View(view) = submit(s).await.feedback else { panic!("no notice") };
        assert!(view.all_text().contains("You changed nothing"), "{}", view.all_text());
        let decision = s.received_webhook(&id).await.approval()["decision"].clone();
        assert_eq!((&decision["scope"], &decision["arguments"]), (&json!("once"), &Value::Null));
        assert_eq!(decision["arguments_digest"], Value::Null);
        let shown = s.until(&prompt, |message| !message.has_button("Approve")).await.all_text();
        assert!(shown.contains("Approved") && !shown.contains("changes"), "{shown}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_action_can_be_edited_too() {
    story(async |s| {
        describe(s, schema()).await;
        s.lock(ACTION).await;
        let (id, prompt) = s.prompt(&ask("c-1")).await;
        assert!(prompt.options_of("approve_more").is_empty());
        assert!(s.click(ALICE, &prompt, "Edit…").await.is_ok());
        write(s, "to", "bob@example.com").await;
        submit(s).await;
        let decision = s.received_webhook(&id).await.approval()["decision"].clone();
        assert_eq!(decision["arguments"]["to"], "bob@example.com");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_backend_that_runs_changes_and_a_schema_make_it_possible() {
    story(async |s| {
        describe(s, schema()).await;
        let plain = Ask { editable: None, ..ask("c-1") };
        let (id, prompt) = s.prompt(&plain).await;
        assert!(!prompt.to_json().to_string().contains("Edit"));
        // A click from elsewhere.
        let press = Press::on(Surface::message(&prompt), "approve");
        let mut payload = s.slack.prepare_press(ALICE, &press).unwrap().unwrap();
        payload["actions"][0]["action_id"] = json!("edit");
        payload["actions"][0]["value"] = json!(format!("edit:{id}"));
        assert!(s.slack.send_interaction(payload, &Signing::default()).await.is_ok());
        s.ephemeral_reply(ALICE, &prompt.channel, "can’t be edited").await;
        assert!(s.slack.view(ALICE).is_none());
        assert_eq!(s.refusals(&id).await, ["not-editable"]);
        let bare = s.call("github.create_issue", "c-2").editable();
        let (_, prompt) = s.prompt(&bare).await;
        assert!(!prompt.to_json().to_string().contains("Edit"), "no backend has described it");
        assert_eq!(s.api().get(&id).await.body["editable"], false);
        let mut body = serde_json::to_value(ask("c-3")).unwrap();
        body["editable"] = json!("yes");
        let reply = s.api().call(Method::POST, &["approvals"], &[], Some(&body), &[]).await;
        assert_eq!((reply.status, pointers(&reply)), (422, vec!["/editable"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_can_not_be_checked_is_found_before_she_types() {
    story(async |s| {
        let itself = json!({ "allOf": [{ "$ref": "#" }], "properties": { "to": { "type": "string" } } });
        describe(s, itself).await;
        let (id, prompt) = s.prompt(&ask("c-1")).await;
        assert!(s.choose(ALICE, &prompt, EDIT).await.is_ok());
        s.ephemeral_reply(ALICE, &prompt.channel, "can’t be edited").await;
        assert!(s.slack.view(ALICE).is_none());
        assert_eq!(s.status(&id).await, "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_while_the_modal_was_open_stays_as_it_ended() {
    story(async |s| {
        let late = async |id: &str, how: &str| {
            write(s, "to", "bob@example.com").await;
            let Feedback::View(view) = submit(s).await.feedback else { panic!("{how}: no notice") };
            assert!(view.all_text().contains(how), "{}", view.all_text());
            let decision = s.received_webhook(id).await.approval()["decision"].clone();
            assert_eq!(decision["arguments"], Value::Null, "{how}");
            assert_eq!(s.events(id).len(), 1, "{how}");
            s.slack.close_all(ALICE).await.unwrap();
        };
        let (cancelled, _) = opened(s, &ask("c-1")).await;
        assert_eq!(s.api().cancel(&cancelled).await.status, 200);
        late(&cancelled, "Cancelled").await;
        // Another device.
        let (approved, prompt) = opened(s, &ask("c-2")).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        late(&approved, "already ended").await;
        let (denied, prompt) = opened(s, &ask("c-3")).await;
        assert!(s.click(ALICE, &prompt, "Deny").await.is_ok());
        late(&denied, "Denied").await;
        let (expired, _) = opened(s, &ask("c-4").expiring_in(60)).await;
        s.clock.advance(TimeDelta::seconds(61));
        late(&expired, "xpired").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn locking_the_action_does_not_stop_an_edit() {
    story(async |s| {
        let (id, _) = opened(s, &ask("c-1")).await;
        s.lock(ACTION).await;
        write(s, "to", "bob@example.com").await;
        assert_eq!(submit(s).await.feedback, Feedback::Closed);
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_submissions_and_clicks_at_the_same_time_one_decides() {
    story(async |s| {
        for round in 0..4 {
            let (id, prompt) = opened(s, &ask(&format!("c-{round}"))).await;
            write(s, "to", "bob@example.com").await;
            let one = s.slack.prepare_submit(ALICE).unwrap();
            write(s, "to", "eve@example.com").await;
            let other = s.slack.prepare_submit(ALICE).unwrap();
            let approve = Press::on(Surface::message(&prompt), "approve");
            let approve = s.slack.prepare_press(ALICE, &approve).unwrap().unwrap();
            let deny = Press::on(Surface::message(&prompt), "deny");
            let deny = s.slack.prepare_press(ALICE, &deny).unwrap().unwrap();
            let payloads = [one, other, approve, deny];
            let sent = payloads
                .into_iter()
                .map(|payload| async { s.slack.send_interaction(payload, &Signing::default()).await });
            let cancelled = async { s.api().cancel(&id).await.status };
            let (deliveries, _) = tokio::join!(join_all(sent), cancelled);
            for delivery in &deliveries {
                assert_eq!(delivery.status, Some(200), "{delivery:?}");
            }
            let approval = s.received_webhook(&id).await.approval().clone();
            assert_eq!(s.events(&id).len(), 1);
            let read = s.api().get(&id).await.body;
            assert_eq!(read, approval);
            let decisions = ["approved", "denied", "cancelled"];
            let mut entries = 0;
            for outcome in decisions {
                entries += s.audited(&format!("approval.{outcome}"), &id).await;
            }
            assert_eq!(entries, 1, "{approval}");
            s.slack.close_all(ALICE).await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_submission_changes_nothing() {
    story(async |s| {
        let (id, _) = opened(s, &ask("c-1")).await;
        write(s, "to", "bob@example.com").await;
        let payload = s.slack.prepare_submit(ALICE).unwrap();
        for _ in 0..2 {
            let delivery = s.slack.send_interaction(payload.clone(), &Signing::default()).await;
            assert_eq!((delivery.status, delivery.body.as_str()), (Some(200), ""), "{delivery:?}");
        }
        // Another request with the same entries, as from a second device, is no contradiction either.
        s.clock.advance(TimeDelta::seconds(1));
        let again = s.slack.send_interaction(payload, &Signing::default()).await;
        assert_eq!((again.status, again.body.as_str()), (Some(200), ""), "{again:?}");
        s.received_webhook(&id).await;
        assert_eq!(s.audited("approval.approved", &id).await, 1);
        assert_eq!(s.refusals(&id).await, [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_member_whose_request_it_is_edits_it() {
    story(async |s| {
        describe(s, schema()).await;
        let ask = ask("c-1").in_channel(SALES, None);
        let id = s.ask(&ask).await.id().to_owned();
        let fits = |message: &Message| message.to_json().to_string().contains(&id);
        let prompt = s.slack.wait_for_message(SALES, fits, SOON).await.unwrap();
        s.choose(BOB, &prompt, EDIT).await;
        s.ephemeral_reply(BOB, SALES, "Only").await;
        assert!(s.slack.view(BOB).is_none());
        assert!(s.choose(ALICE, &prompt, EDIT).await.is_ok());
        write(s, "to", "bob@example.com").await;
        // She becomes a guest while she edits.
        s.slack.change_user(ALICE, |user| user.is_restricted = true);
        s.clock.advance(TimeDelta::minutes(2));
        let Feedback::View(view) = submit(s).await.feedback else { panic!("no notice") };
        assert!(view.all_text().contains("Guests"), "{}", view.all_text());
        assert_eq!(s.status(&id).await, "pending");
        assert_eq!(s.refusals(&id).await, ["wrong-person", "guest"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_slack_can_not_confirm_who_she_is_nothing_is_shown_or_approved() {
    story(async |s| {
        let (id, prompt) = opened(s, &ask("c-1")).await;
        write(s, "to", "bob@example.com").await;
        s.clock.advance(TimeDelta::minutes(2));
        s.slack.misbehave("users.info", Misbehaviour::ServerError(500), 99);
        let errors = errors(&submit(s).await);
        assert!(errors.len() == 1 && errors[0].1.contains("Could not confirm"), "{errors:?}");
        s.slack.close_all(ALICE).await.unwrap();
        assert!(s.choose(ALICE, &prompt, EDIT).await.is_ok());
        s.ephemeral_reply(ALICE, &prompt.channel, "Could not confirm").await;
        assert!(s.slack.view(ALICE).is_none());
        assert_eq!(s.status(&id).await, "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edited_arguments_never_change_and_go_with_the_others() {
    story(async |s| {
        sqlx::raw_sql(
            "CREATE OR REPLACE FUNCTION newest_droppable() RETURNS timestamptz LANGUAGE sql STABLE
             AS $$ SELECT now() + interval '10 years' $$",
        )
        .execute(&s.service.db)
        .await
        .unwrap();
        let (id, prompt) = opened(s, &ask("c-1")).await;
        write(s, "to", "bob@example.com").await;
        submit(s).await;
        s.received_webhook(&id).await;
        for sql in [
            "UPDATE approvals SET edited_arguments = '{}'",
            "UPDATE approvals SET edited_digest = arguments_digest",
            "UPDATE approvals SET decision_scope = 'once'",
            "UPDATE approvals SET arguments = '{}', reason = NULL, metadata = NULL, contents_deleted_at = now()",
            "UPDATE approvals SET arguments = '{}', reason = NULL, metadata = NULL, contents_deleted_at = now(),
                 edited_arguments = NULL",
        ] {
            assert!(sqlx::raw_sql(AssertSqlSafe(sql)).execute(&s.service.db).await.is_err(), "{sql}");
        }
        // Version 0.1.0 refuses to read an approval without a scope, so it never says that what was asked was approved.
        let scope: Option<String> =
            sqlx::query_scalar("SELECT decision_scope FROM approvals").fetch_one(&s.service.db).await.unwrap();
        assert_eq!(scope, None);
        s.advance_until_idle(TimeDelta::days(10)).await;
        retention::delete_contents(&s.service, TimeDelta::days(8), || ()).await.unwrap();
        let after = s.api().get(&id).await.body;
        assert_eq!((&after["arguments"], &after["decision"]["arguments"]), (&json!({}), &json!({})));
        let mut now = arguments();
        now["to"] = json!("bob@example.com");
        assert_eq!(after["decision"]["arguments_digest"], digest(&now), "the digests stay");
        assert!(s.click(ALICE, &prompt, "Details").await.is_ok());
        let details = s.slack.view(ALICE).unwrap().all_text();
        assert!(details.contains("Arguments deleted") && !details.contains("example.com"), "{details}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_runs_what_the_person_made_of_it() {
    story(async |s| {
        describe(s, schema()).await;
        let agent = s.backend.agent("atlas", "Atlas");
        let running = tokio::spawn({
            let (agent, ask) = (agent.clone(), ask("c-1"));
            async move { agent.act(ask, Duration::from_mins(1)).await }
        });
        let prompt = s
            .slack
            .wait_for_direct_message(ALICE, |message| message.has_button("Approve"), SOON)
            .await
            .unwrap();
        assert!(s.choose(ALICE, &prompt, EDIT).await.is_ok());
        write(s, "to", "bob@example.com").await;
        submit(s).await;
        let Outcome::Ran(run) = running.await.unwrap() else { panic!("it did not run") };
        assert_eq!(run.arguments["to"], "bob@example.com");
        assert_eq!(agent.report(&run).await.status, 200);
    })
    .await;
}
