//! A submission that fails for the moment keeps the modal and what the person put into it, and says why at an input.

use chrono::TimeDelta;
use countersign::slack::view::editing::block_id;
use sandbox::{
    backend::Ask,
    slack::{Feedback, Gesture, Misbehaviour, Press, Surface},
};
use serde_json::json;

use crate::story::{ADMIN, ALICE, IN_WORDS, TestApp, story, story_with_own_server};

const ACTION: &str = "github.create_issue";
const DESTRUCTIVE: &str = "postgres.execute_sql";
const UNCONFIRMED: &str = "Could not confirm";

/// Submits, and returns the only input with an error, and the error.
async fn refused(s: &TestApp, user: &str) -> (String, String) {
    let before = s.slack.view(user).unwrap().id;
    let delivery = s.slack.submit(user).await.unwrap();
    let Feedback::Errors(errors) = &delivery.feedback else { panic!("{delivery:?}") };
    assert!(delivery.is_ok() && errors.len() == 1, "{delivery:?}");
    assert_eq!(s.slack.view(user).unwrap().id, before);
    errors.clone().into_iter().next().unwrap()
}

/// Submits, and the modal closes.
async fn accepted(s: &TestApp, user: &str) {
    let delivery = s.slack.submit(user).await.unwrap();
    assert!(delivery.is_ok() && delivery.feedback == Feedback::Closed, "{delivery:?}");
}

/// Slack no longer says who people are, until it [behaves](sandbox::slack::Slack::behave) again.
fn look_ups_fail(s: &TestApp) {
    s.clock.advance(TimeDelta::minutes(2));
    s.slack.misbehave("users.info", Misbehaviour::ServerError(500), u32::MAX);
}

async fn choose(s: &TestApp, field: &str, value: &str) {
    let press = Press::on(Surface::Modal, field).doing(Gesture::Pick(value.to_owned()));
    s.slack.press(ADMIN, press).await.unwrap();
}

/// Opens an action's modal from the admin's Home tab.
async fn open(s: &TestApp, integration: &str, label: &str, value: &str) {
    s.home(ADMIN, |home| home.has_button("Actions")).await;
    s.click_home(ADMIN, "Actions", &s.integration_id(integration).await).await;
    s.home_shows(ADMIN, |home| home.has_button("All integrations")).await;
    assert!(s.click_home(ADMIN, label, value).await.is_ok());
}

/// Opens *Edit and approve…*, and changes the recipient.
async fn edited(s: &TestApp) -> String {
    let schema = json!({ "type": "object", "properties": { "to": { "type": "string" } } });
    let action = json!({ "key": "send", "name": "Send mail", "input_schema": schema });
    let body = json!({ "name": "Mail", "requires_connection": false, "actions": [action] });
    assert!(s.api().put_integration("mail", &body).await.is_success());
    s.unlock("mail.send").await;
    let ask = Ask::new(ALICE, "mail", "send", json!({ "to": "kim@example.com" })).editable();
    let (id, prompt) = s.prompt(&ask).await;
    assert!(s.choose(ALICE, &prompt, "Edit and approve…").await.is_ok());
    let press = Press::on(Surface::Modal, "value").in_block(&block_id("to"));
    s.slack.press(ALICE, press.doing(Gesture::Enter("lee@example.com".to_owned()))).await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn edited_arguments_stay_while_slack_does_not_answer() {
    story(async |s| {
        let id = edited(s).await;
        look_ups_fail(s);
        let (input, error) = refused(s, ALICE).await;
        assert!(input == block_id("to") && error.contains(UNCONFIRMED), "{input}: {error}");
        assert_eq!(s.status(&id).await, "pending");
        s.slack.behave("users.info");
        accepted(s, ALICE).await;
        let told = s.received_webhook(&id).await;
        assert_eq!(told.approval()["decision"]["arguments"]["to"], "lee@example.com");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edited_arguments_stay_while_the_database_is_down() {
    story_with_own_server(async |s| {
        let id = edited(s).await;
        s.postgres().stop_server().await.unwrap();
        let (input, error) = refused(s, ALICE).await;
        assert!(input == block_id("to") && error.contains("Nothing was decided"), "{input}: {error}");
        s.postgres().start_server().await.unwrap();
        accepted(s, ALICE).await;
        let told = s.received_webhook(&id).await;
        assert_eq!(told.approval()["decision"]["arguments"]["to"], "lee@example.com");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_stays_while_the_database_is_down() {
    story_with_own_server(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, IN_WORDS).await.is_ok());
        s.slack.type_text(ALICE, "reason", "Wrong repository").await.unwrap();
        s.postgres().stop_server().await.unwrap();
        let (input, error) = refused(s, ALICE).await;
        assert!(input == "reason" && error.contains("Nothing was decided"), "{input}: {error}");
        s.postgres().start_server().await.unwrap();
        accepted(s, ALICE).await;
        assert_eq!(s.received_webhook(&id).await.approval()["decision"]["reason"], "Wrong repository");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_action_is_unlocked_for_stays_chosen_while_slack_does_not_answer() {
    story(async |s| {
        s.put("postgres").await;
        open(s, "postgres", "Unlock…", &s.unlock_value(DESTRUCTIVE).await).await;
        s.modal(ADMIN, |view| view.title() == "Unlock").await;
        choose(s, "unlocked_for", "conversations").await;
        look_ups_fail(s);
        let (input, error) = refused(s, ADMIN).await;
        assert!(input == "unlocked_for" && error.contains(UNCONFIRMED), "{input}: {error}");
        assert_eq!(s.audited_by("action.unlocked", ADMIN).await, 0);
        s.slack.behave("users.info");
        accepted(s, ADMIN).await;
        assert_eq!(s.audited_by("action.unlocked", ADMIN).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actions_options_stay_chosen_while_slack_does_not_answer() {
    story(async |s| {
        s.open(ACTION).await;
        open(s, "github", "Edit options for Create issue…", &s.action_id(ACTION).await).await;
        s.modal(ADMIN, |view| view.title() == "Options").await;
        choose(s, "must_read", "yes").await;
        look_ups_fail(s);
        let (input, error) = refused(s, ADMIN).await;
        assert!(input == "unlocked_for" && error.contains(UNCONFIRMED), "{input}: {error}");
        s.slack.behave("users.info");
        accepted(s, ADMIN).await;
        let read: bool =
            sqlx::query_scalar("SELECT must_read_at IS NOT NULL FROM actions WHERE key = 'create_issue'")
                .fetch_one(&s.service.db)
                .await
                .unwrap();
        assert!(read);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_approve_all_stays_while_slack_or_the_database_is_away() {
    story_with_own_server(async |s| {
        s.open(ACTION).await;
        let (first, second) = (s.ask(&s.call(ACTION, "c-1")).await, s.ask(&s.call(ACTION, "c-2")).await);
        let list = s.answer(ALICE, "list").await;
        assert!(s.click(ALICE, &list, "Approve all 2…").await.is_ok());
        let before = s.slack.view(ALICE).unwrap().all_text();
        let kept = async |why: &str| {
            let delivery = s.slack.submit(ALICE).await.unwrap();
            let Feedback::View(view) = &delivery.feedback else { panic!("{delivery:?}") };
            let text = view.all_text();
            assert!(text.contains(why), "{text}");
            assert_eq!(text.matches(why).count(), 1, "{text}");
            let missing: Vec<&str> = before.lines().filter(|line| !text.contains(line)).collect();
            assert!(missing.is_empty() && text.ends_with("Approve 2\nCancel"), "{missing:?} {text}");
        };
        s.postgres().stop_server().await.unwrap();
        kept("Nothing was decided").await;
        kept("Nothing was decided").await;
        s.postgres().start_server().await.unwrap();
        look_ups_fail(s);
        kept(UNCONFIRMED).await;
        s.slack.behave("users.info");
        accepted(s, ALICE).await;
        for asked in [first, second] {
            assert_eq!(s.status(asked.id()).await, "approved");
        }
    })
    .await;
}
