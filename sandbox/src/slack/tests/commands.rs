use std::time::Duration;

use serde_json::json;

use super::Scene;
use crate::slack::{ActError, Shown, names};

#[tokio::test]
async fn a_command_is_sent_as_a_form_and_its_answer_is_private() {
    let scene = Scene::new().await;
    scene.app.answers(200, r#"{"response_type":"ephemeral","text":"Nothing is pending."}"#, Duration::ZERO);
    let delivery = scene.slack.command(names::BOB, names::SALES, "/approvals", "list").await.unwrap();
    let request = scene.app.last();
    assert!(request.genuine);
    assert_eq!(request.path, "/slack/commands");
    for (field, value) in [
        ("command", "/approvals"),
        ("text", "list"),
        ("user_id", names::BOB),
        ("team_id", names::TEAM),
        ("channel_id", names::SALES),
        ("channel_name", "sales"),
        ("api_app_id", names::APP),
    ] {
        assert_eq!(request.field(field), value);
    }
    let Shown::Message(message) = delivery.shown else { panic!("{:?}", delivery.shown) };
    assert_eq!((message.text(), message.ephemeral_for.as_deref()), ("Nothing is pending.", Some(names::BOB)));
    assert!(scene.slack.messages_seen_by(names::ALICE, names::SALES).is_empty());

    scene.app.answers(200, "plain words", Duration::ZERO);
    let delivery = scene.slack.command(names::BOB, names::SALES, "/approvals", "").await.unwrap();
    assert!(matches!(delivery.shown, Shown::Message(message) if message.text() == "plain words"));
}

#[tokio::test]
async fn without_its_scope_there_is_no_command() {
    let scene = Scene::new().await;
    scene.slack.change_token(&scene.slack.bot_token(), |token| token.scopes.remove("commands"));
    let refused = scene.slack.command(names::BOB, names::SALES, "/approvals", "").await;
    assert_eq!(refused.unwrap_err(), ActError::NotOffered("/approvals".to_owned()));
}

#[tokio::test]
async fn a_command_opens_a_modal_with_its_trigger() {
    let scene = Scene::new().await;
    let delivery = scene.slack.command(names::BOB, names::SALES, "/approvals", "").await.unwrap();
    assert_eq!(delivery.shown, Shown::Nothing);
    let trigger_id = delivery.payload["trigger_id"].clone();
    let arguments = json!({ "trigger_id": trigger_id, "view": super::reason_modal() });
    assert_eq!(scene.call("views.open", arguments).await["ok"], true);
    assert_eq!(scene.slack.view(names::BOB).unwrap().title(), "Deny");
}

#[tokio::test]
async fn a_command_that_fails_says_so_in_slacks_words() {
    let scene = Scene::new().await;
    scene.app.answers(401, "", Duration::ZERO);
    let failed = scene.slack.command(names::BOB, names::SALES, "/approvals", "").await.unwrap();
    assert_eq!(
        failed.shown,
        Shown::Trouble("/approvals failed with the error \"dispatch_failed\"".to_owned())
    );
    let blocks = json!({ "blocks": [{ "type": "nonsense" }] }).to_string();
    scene.app.answers(200, &blocks, Duration::ZERO);
    let refused = scene.slack.command(names::BOB, names::SALES, "/approvals", "").await.unwrap();
    assert!(!refused.is_ok() && matches!(refused.shown, Shown::Trouble(_)));
}
