use std::time::Duration;

use serde_json::json;

use super::Fixture;
use crate::slack::{ActError, Feedback, names};

#[tokio::test]
async fn a_command_is_sent_as_a_form_and_its_answer_is_private() {
    let fixture = Fixture::new().await;
    fixture.app.answers(200, r#"{"response_type":"ephemeral","text":"Nothing is pending."}"#, Duration::ZERO);
    let delivery = fixture.slack.command(names::BOB, names::SALES, "/approvals", "list").await.unwrap();
    let request = fixture.app.last();
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
    let Feedback::Message(message) = delivery.feedback else { panic!("{:?}", delivery.feedback) };
    assert_eq!((message.text(), message.ephemeral_for.as_deref()), ("Nothing is pending.", Some(names::BOB)));
    assert!(fixture.slack.messages_seen_by(names::ALICE, names::SALES).is_empty());

    fixture.app.answers(200, "plain words", Duration::ZERO);
    let delivery = fixture.slack.command(names::BOB, names::SALES, "/approvals", "").await.unwrap();
    assert!(matches!(delivery.feedback, Feedback::Message(message) if message.text() == "plain words"));
}

#[tokio::test]
async fn without_its_scope_there_is_no_command() {
    let fixture = Fixture::new().await;
    fixture.slack.change_token(&fixture.slack.bot_token(), |token| token.scopes.remove("commands"));
    let refused = fixture.slack.command(names::BOB, names::SALES, "/approvals", "").await;
    assert_eq!(refused.unwrap_err(), ActError::NotOffered("/approvals".to_owned()));
}

#[tokio::test]
async fn a_command_opens_a_modal_with_its_trigger() {
    let fixture = Fixture::new().await;
    let delivery = fixture.slack.command(names::BOB, names::SALES, "/approvals", "").await.unwrap();
    assert_eq!(delivery.feedback, Feedback::Nothing);
    let trigger_id = delivery.payload["trigger_id"].clone();
    let arguments = json!({ "trigger_id": trigger_id, "view": super::reason_modal() });
    assert_eq!(fixture.call("views.open", arguments).await["ok"], true);
    assert_eq!(fixture.slack.view(names::BOB).unwrap().title(), "Deny");
}

#[tokio::test]
async fn a_failed_command_shows_the_text_of_slack() {
    let fixture = Fixture::new().await;
    fixture.app.answers(401, "", Duration::ZERO);
    let failed = fixture.slack.command(names::BOB, names::SALES, "/approvals", "").await.unwrap();
    assert_eq!(
        failed.feedback,
        Feedback::Error("/approvals failed with the error \"dispatch_failed\"".to_owned())
    );
    let blocks = json!({ "blocks": [{ "type": "nonsense" }] }).to_string();
    fixture.app.answers(200, &blocks, Duration::ZERO);
    let refused = fixture.slack.command(names::BOB, names::SALES, "/approvals", "").await.unwrap();
    assert!(!refused.is_ok() && matches!(refused.feedback, Feedback::Error(_)));
}
