use std::time::Duration;

use serde_json::json;

use super::{Fixture, plain};
use crate::slack::{ActError, DeliveryError, Endpoint, Feedback, Gesture, Press, Signing, Surface, names};

#[tokio::test]
async fn a_click_is_signed_and_has_all_fields_of_slack() {
    let fixture = Fixture::new().await;
    let (channel, ts) = fixture.prompt().await;
    let surface = Surface::Message { channel: channel.clone(), ts: ts.clone() };
    let delivery = fixture.slack.click(names::ALICE, surface, "approve").await.unwrap();
    assert_eq!((delivery.status, &delivery.feedback), (Some(200), &Feedback::Nothing));

    let request = fixture.app.last();
    assert!(request.genuine, "the signature fits the raw body");
    assert_eq!(request.path, "/slack/interactivity");
    assert_eq!(request.header("x-slack-request-timestamp"), "1700000000");
    assert_eq!(request.header("content-type"), "application/x-www-form-urlencoded");
    let payload = request.payload();
    assert_eq!(payload, delivery.payload);
    assert_eq!(payload["type"], "block_actions");
    assert_eq!(
        payload["user"],
        json!({ "id": names::ALICE, "username": "alice", "name": "alice", "team_id": names::TEAM })
    );
    assert_eq!(payload["team"], json!({ "id": names::TEAM, "domain": "acme" }));
    assert_eq!(payload["enterprise"], json!(null));
    assert_eq!(
        payload["container"],
        json!({ "type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": false })
    );
    assert_eq!(payload["message"]["blocks"][2]["block_id"], "controls");
    let action = &payload["actions"][0];
    assert_eq!((&action["action_id"], &action["value"]), (&json!("approve"), &json!("apr_1")));
    assert_eq!((&action["block_id"], &action["type"]), (&json!("controls"), &json!("button")));
    assert!(action["action_ts"].is_string());
    let response_url = payload["response_url"].as_str().unwrap();
    assert!(response_url.starts_with(&fixture.slack.origin()), "{response_url}");
}

#[tokio::test]
async fn an_overflow_menu_sends_the_complete_option() {
    let fixture = Fixture::new().await;
    let (channel, ts) = fixture.prompt().await;
    let surface = Surface::Message { channel, ts };
    fixture.slack.choose(names::ALICE, surface.clone(), "scope", "Auto-approve always").await.unwrap();
    let action = fixture.app.last().payload()["actions"][0].clone();
    assert_eq!(action["selected_option"], json!({ "text": plain("Auto-approve always"), "value": "always" }));
    let refused = fixture.slack.choose(names::ALICE, surface, "scope", "never").await.unwrap_err();
    assert_eq!(refused, ActError::NotOffered("never".to_owned()));
}

#[tokio::test]
async fn only_elements_on_the_screen_can_be_clicked() {
    let fixture = Fixture::new().await;
    let (channel, ts) = fixture.prompt().await;
    let before = fixture.slack.message(&channel, &ts).unwrap();
    fixture
        .call("chat.update", json!({ "channel": channel, "ts": ts, "text": "Approved", "blocks": [] }))
        .await;
    let now = fixture.slack.click(names::ALICE, Surface::message(&before), "approve").await;
    assert_eq!(now.unwrap_err(), ActError::NotOnScreen("approve".to_owned()));
    let stale = fixture.slack.click_label(names::ALICE, Surface::stale(&before), "Approve").await.unwrap();
    assert_eq!(stale.payload["actions"][0]["value"], "apr_1");
    let bob = fixture.slack.click(names::BOB, Surface::stale(&before), "approve").await;
    assert!(
        matches!(bob, Err(ActError::ChannelNotVisible { .. })),
        "Bob does not see Alice's direct messages"
    );
}

#[tokio::test]
async fn a_slow_or_failing_app_shows_an_error() {
    let fixture = Fixture::new().await;
    let (channel, ts) = fixture.prompt().await;
    let surface = Surface::Message { channel, ts };
    fixture.app.answers(500, "", Duration::ZERO);
    let failed = fixture.slack.click(names::ALICE, surface.clone(), "approve").await.unwrap();
    assert_eq!(failed.error, Some(DeliveryError::Status(500)));
    assert!(matches!(failed.feedback, Feedback::Error(_)));
    fixture.app.answers(200, "", Duration::from_secs(30));
    let slow = fixture.slack.click(names::ALICE, surface.clone(), "approve").await.unwrap();
    assert_eq!((slow.status, slow.error), (None, Some(DeliveryError::TimedOut)));
    assert!(slow.elapsed >= Duration::from_secs(3) && slow.elapsed < Duration::from_secs(10));
    fixture.slack.connect_app("http://127.0.0.1:1");
    let gone = fixture.slack.click(names::ALICE, surface, "approve").await.unwrap();
    assert!(matches!(gone.error, Some(DeliveryError::Unreachable(_))));
}

#[tokio::test]
async fn hostile_requests_can_be_unsigned_or_badly_signed() {
    let fixture = Fixture::new().await;
    let slack = &fixture.slack;
    let payload = json!({ "type": "block_actions", "forged": true });
    slack.forge_block_actions(payload.clone()).await;
    assert!(fixture.app.last().genuine);
    slack.send_interaction(payload.clone(), &Signing::default().with_secret("guessed")).await;
    assert!(!fixture.app.last().genuine);
    slack.send_interaction(payload, &Signing::default().at(1_600_000_000)).await;
    assert!(
        fixture.app.last().genuine && fixture.app.last().header("x-slack-request-timestamp") == "1600000000"
    );
    slack.send_raw(Endpoint::Commands, "x".repeat(100_000), &[("content-type", "text/plain")]).await;
    let raw = fixture.app.last();
    assert_eq!((raw.header("x-slack-signature"), raw.body.len()), ("", 100_000));
}

#[tokio::test]
async fn check_boxes_remember_what_was_set() {
    let fixture = Fixture::new().await;
    let option = |value: &str| json!({ "text": plain(value), "value": value });
    let view = json!({ "type": "home", "blocks": [{ "type": "actions", "block_id": "b", "elements": [{
        "type": "checkboxes", "action_id": "auto",
        "options": [option("create"), option("update")], "initial_options": [option("create")],
    }] }] });
    let published = fixture.call("views.publish", json!({ "user_id": names::ALICE, "view": view })).await;
    assert_eq!(published["ok"], true, "{published}");
    let before = fixture.slack.home(names::ALICE).unwrap();
    fixture.slack.toggle(names::ALICE, Surface::Home, "auto", "update").await.unwrap();
    let payload = fixture.app.last().payload();
    assert_eq!(payload["actions"][0]["selected_options"], json!([option("create"), option("update")]));
    assert_eq!(payload["view"]["state"]["values"]["b"]["auto"]["selected_options"][1]["value"], "update");
    assert_eq!(payload["container"], json!({ "type": "view", "view_id": before.id }));
    assert!(payload.get("response_url").is_none(), "views come without a response_url");
    assert_eq!(fixture.slack.home(names::ALICE).unwrap().checked("auto"), ["create", "update"]);
    fixture.slack.toggle(names::ALICE, Surface::Home, "auto", "create").await.unwrap();
    assert_eq!(fixture.slack.home(names::ALICE).unwrap().checked("auto"), ["update"]);
    let none = Press::on(Surface::stale_view(&before), "auto").doing(Gesture::Check(Vec::new()));
    let stale = fixture.slack.press(names::ALICE, none).await.unwrap();
    assert_eq!(stale.payload["view"]["hash"], before.hash);
    assert_eq!(stale.payload["actions"][0]["selected_options"], json!([]));
}

#[tokio::test]
async fn block_or_value_distinguishes_buttons_of_one_action_id() {
    let fixture = Fixture::new().await;
    let row = |block: &str, value: &str| json!({ "type": "actions", "block_id": block, "elements": [super::button("off", "Turn off", value)] });
    let arguments = json!({ "channel": names::SALES, "text": "Your auto-approvals",
        "blocks": [row("first", "grt_1"), row("second", "grt_2")] });
    let ts = fixture.call("chat.postMessage", arguments).await["ts"].as_str().unwrap().to_owned();
    let surface = Surface::Message { channel: names::SALES.to_owned(), ts };
    let either = fixture.slack.click(names::BOB, surface.clone(), "off").await;
    assert_eq!(either.unwrap_err(), ActError::Ambiguous("off".to_owned()));
    for press in
        [Press::on(surface.clone(), "off").in_block("second"), Press::on(surface, "off").with_value("grt_2")]
    {
        let delivery = fixture.slack.press(names::BOB, press).await.unwrap();
        assert_eq!(delivery.payload["actions"][0]["value"], "grt_2");
        assert_eq!(delivery.payload["actions"][0]["block_id"], "second");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_click_at_the_same_moment() {
    let fixture = Fixture::new().await;
    let (channel, ts) = fixture.prompt().await;
    let surface = Surface::Message { channel, ts };
    let clicks = (0..50).map(|number| {
        let action_id = if number % 2 == 0 { "approve" } else { "deny" };
        fixture.slack.click(names::ALICE, surface.clone(), action_id)
    });
    let deliveries = futures::future::join_all(clicks).await;
    assert!(deliveries.iter().all(|delivery| delivery.as_ref().is_ok_and(crate::slack::Delivery::is_ok)));
    let triggers: std::collections::BTreeSet<_> =
        fixture.app.requests().iter().map(|request| request.payload()["trigger_id"].to_string()).collect();
    assert_eq!(triggers.len(), 50, "every click has a trigger of its own");
}
