use std::time::Duration;

use serde_json::json;

use super::{Scene, plain};
use crate::slack::{ActError, DeliveryError, Endpoint, Gesture, Press, Shown, Signing, Surface, names};

#[tokio::test]
async fn a_click_arrives_signed_with_all_that_slack_tells() {
    let scene = Scene::new().await;
    let (channel, ts) = scene.prompt().await;
    let surface = Surface::Message { channel: channel.clone(), ts: ts.clone() };
    let delivery = scene.slack.click(names::ALICE, surface, "approve").await.unwrap();
    assert_eq!((delivery.status, &delivery.shown), (Some(200), &Shown::Nothing));

    let request = scene.app.last();
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
    assert!(response_url.starts_with(&scene.slack.origin()), "{response_url}");
}

#[tokio::test]
async fn an_option_of_an_overflow_menu_is_sent_whole() {
    let scene = Scene::new().await;
    let (channel, ts) = scene.prompt().await;
    let surface = Surface::Message { channel, ts };
    scene.slack.choose(names::ALICE, surface.clone(), "scope", "Auto-approve always").await.unwrap();
    let action = scene.app.last().payload()["actions"][0].clone();
    assert_eq!(action["selected_option"], json!({ "text": plain("Auto-approve always"), "value": "always" }));
    let refused = scene.slack.choose(names::ALICE, surface, "scope", "never").await.unwrap_err();
    assert_eq!(refused, ActError::NotOffered("never".to_owned()));
}

#[tokio::test]
async fn one_can_click_only_what_is_on_the_screen_but_an_old_screen_lags_behind() {
    let scene = Scene::new().await;
    let (channel, ts) = scene.prompt().await;
    let before = scene.slack.message(&channel, &ts).unwrap();
    scene
        .call("chat.update", json!({ "channel": channel, "ts": ts, "text": "Approved", "blocks": [] }))
        .await;
    let now = scene.slack.click(names::ALICE, Surface::message(&before), "approve").await;
    assert_eq!(now.unwrap_err(), ActError::NotOnScreen("approve".to_owned()));
    let stale = scene.slack.click_label(names::ALICE, Surface::stale(&before), "Approve").await.unwrap();
    assert_eq!(stale.payload["actions"][0]["value"], "apr_1");
    let bob = scene.slack.click(names::BOB, Surface::stale(&before), "approve").await;
    assert!(
        matches!(bob, Err(ActError::ChannelNotVisible { .. })),
        "Bob does not see Alice's direct messages"
    );
}

#[tokio::test]
async fn an_app_that_is_slow_or_answers_with_an_error_shows_trouble() {
    let scene = Scene::new().await;
    let (channel, ts) = scene.prompt().await;
    let surface = Surface::Message { channel, ts };
    scene.app.answers(500, "", Duration::ZERO);
    let failed = scene.slack.click(names::ALICE, surface.clone(), "approve").await.unwrap();
    assert_eq!(failed.error, Some(DeliveryError::Status(500)));
    assert!(matches!(failed.shown, Shown::Trouble(_)));
    scene.app.answers(200, "", Duration::from_secs(30));
    let slow = scene.slack.click(names::ALICE, surface.clone(), "approve").await.unwrap();
    assert_eq!((slow.status, slow.error), (None, Some(DeliveryError::TimedOut)));
    assert!(slow.elapsed >= Duration::from_secs(3) && slow.elapsed < Duration::from_secs(10));
    scene.slack.connect_app("http://127.0.0.1:1");
    let gone = scene.slack.click(names::ALICE, surface, "approve").await.unwrap();
    assert!(matches!(gone.error, Some(DeliveryError::Unreachable(_))));
}

#[tokio::test]
async fn hostile_requests_can_be_signed_wrongly_or_not_at_all() {
    let scene = Scene::new().await;
    let slack = &scene.slack;
    let payload = json!({ "type": "block_actions", "forged": true });
    slack.forge_block_actions(payload.clone()).await;
    assert!(scene.app.last().genuine);
    slack.send_interaction(payload.clone(), &Signing::default().with_secret("guessed")).await;
    assert!(!scene.app.last().genuine);
    slack.send_interaction(payload, &Signing::default().at(1_600_000_000)).await;
    assert!(scene.app.last().genuine && scene.app.last().header("x-slack-request-timestamp") == "1600000000");
    slack.send_raw(Endpoint::Commands, "x".repeat(100_000), &[("content-type", "text/plain")]).await;
    let raw = scene.app.last();
    assert_eq!((raw.header("x-slack-signature"), raw.body.len()), ("", 100_000));
}

#[tokio::test]
async fn check_boxes_remember_what_was_set() {
    let scene = Scene::new().await;
    let option = |value: &str| json!({ "text": plain(value), "value": value });
    let view = json!({ "type": "home", "blocks": [{ "type": "actions", "block_id": "b", "elements": [{
        "type": "checkboxes", "action_id": "auto",
        "options": [option("create"), option("update")], "initial_options": [option("create")],
    }] }] });
    let published = scene.call("views.publish", json!({ "user_id": names::ALICE, "view": view })).await;
    assert_eq!(published["ok"], true, "{published}");
    let before = scene.slack.home(names::ALICE).unwrap();
    scene.slack.toggle(names::ALICE, Surface::Home, "auto", "update").await.unwrap();
    let payload = scene.app.last().payload();
    assert_eq!(payload["actions"][0]["selected_options"], json!([option("create"), option("update")]));
    assert_eq!(payload["view"]["state"]["values"]["b"]["auto"]["selected_options"][1]["value"], "update");
    assert_eq!(payload["container"], json!({ "type": "view", "view_id": before.id }));
    assert!(payload.get("response_url").is_none(), "views come without a response_url");
    assert_eq!(scene.slack.home(names::ALICE).unwrap().checked("auto"), ["create", "update"]);
    scene.slack.toggle(names::ALICE, Surface::Home, "auto", "create").await.unwrap();
    assert_eq!(scene.slack.home(names::ALICE).unwrap().checked("auto"), ["update"]);
    let none = Press::on(Surface::stale_view(&before), "auto").doing(Gesture::Check(Vec::new()));
    let stale = scene.slack.press(names::ALICE, none).await.unwrap();
    assert_eq!(stale.payload["view"]["hash"], before.hash);
    assert_eq!(stale.payload["actions"][0]["selected_options"], json!([]));
}

#[tokio::test]
async fn buttons_with_one_action_id_are_told_apart_by_block_or_value() {
    let scene = Scene::new().await;
    let row = |block: &str, value: &str| json!({ "type": "actions", "block_id": block, "elements": [super::button("off", "Turn off", value)] });
    let arguments = json!({ "channel": names::SALES, "text": "Your auto-approvals",
        "blocks": [row("first", "grt_1"), row("second", "grt_2")] });
    let ts = scene.call("chat.postMessage", arguments).await["ts"].as_str().unwrap().to_owned();
    let surface = Surface::Message { channel: names::SALES.to_owned(), ts };
    let either = scene.slack.click(names::BOB, surface.clone(), "off").await;
    assert_eq!(either.unwrap_err(), ActError::Ambiguous("off".to_owned()));
    for press in
        [Press::on(surface.clone(), "off").in_block("second"), Press::on(surface, "off").with_value("grt_2")]
    {
        let delivery = scene.slack.press(names::BOB, press).await.unwrap();
        assert_eq!(delivery.payload["actions"][0]["value"], "grt_2");
        assert_eq!(delivery.payload["actions"][0]["block_id"], "second");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_click_at_the_same_moment() {
    let scene = Scene::new().await;
    let (channel, ts) = scene.prompt().await;
    let surface = Surface::Message { channel, ts };
    let clicks = (0..50).map(|number| {
        let action_id = if number % 2 == 0 { "approve" } else { "deny" };
        scene.slack.click(names::ALICE, surface.clone(), action_id)
    });
    let deliveries = futures::future::join_all(clicks).await;
    assert!(deliveries.iter().all(|delivery| delivery.as_ref().is_ok_and(crate::slack::Delivery::is_ok)));
    let triggers: std::collections::BTreeSet<_> =
        scene.app.requests().iter().map(|request| request.payload()["trigger_id"].to_string()).collect();
    assert_eq!(triggers.len(), 50, "every click has a trigger of its own");
}
