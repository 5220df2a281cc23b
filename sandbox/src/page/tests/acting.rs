//! Actions of people on the page, and the requests that the app receives.

use serde_json::{Value, json};

use super::super::blocks::field_name;
use super::{World, option, words};
use crate::slack::names::{ALICE, BOB, SALES};

fn button(action: &str, value: &str) -> Value {
    json!({ "type": "button", "action_id": action, "value": value, "text": words(action) })
}

#[tokio::test]
async fn a_click_reaches_the_app_with_its_user_and_choice() {
    let world = World::start(None).await;
    let menu =
        json!({ "type": "overflow", "action_id": "more", "options": [option("once"), option("always")] });
    let picker =
        json!({ "type": "static_select", "action_id": "pick", "options": [option("a"), option("b")] });
    let blocks =
        json!([{ "type": "actions", "block_id": "d", "elements": [button("ok", "apr_1"), menu, picker] }]);
    let (channel, ts) = world.post(blocks).await;
    let place = [("as", ALICE), ("channel", &channel), ("ts", &ts), ("block_id", "d")];

    let done = (204, String::new());
    assert_eq!(
        world.act("/act/click", &[&place[..], &[("action_id", "ok"), ("value", "apr_1")]].concat()).await,
        done
    );
    let heard = world.last().await;
    assert_eq!((&heard["user"]["id"], &heard["actions"][0]["value"]), (&json!(ALICE), &json!("apr_1")));
    assert_eq!(heard["message"]["ts"], json!(ts));

    world.act("/act/click", &[&place[..], &[("action_id", "more"), ("value", "always")]].concat()).await;
    assert_eq!(world.last().await["actions"][0]["selected_option"]["value"], "always");

    let field = field_name("d", "pick");
    world.act("/act/click", &[&place[..], &[("action_id", "pick"), (&field, "b")]].concat()).await;
    assert_eq!(world.last().await["actions"][0]["selected_option"]["value"], "b");
}

#[tokio::test]
async fn only_elements_on_the_page_can_be_clicked() {
    let world = World::start(None).await;
    let blocks = json!([{ "type": "actions", "block_id": "d", "elements": [button("ok", "apr_1")] }]);
    let (channel, ts) = world.post(blocks).await;
    let click = |user, value| {
        [
            ("as", user),
            ("channel", &*channel),
            ("ts", &*ts),
            ("block_id", "d"),
            ("action_id", "ok"),
            ("value", value),
        ]
    };
    for fields in [click(BOB, "apr_1"), click(ALICE, "apr_2"), click("U0NOBODY", "apr_1")] {
        assert_eq!(world.act("/act/click", &fields).await.0, 409, "{fields:?}");
    }
    assert_eq!(world.last().await, Value::Null);
}

#[tokio::test]
async fn a_foreign_page_can_not_act() {
    let world = World::start(None).await;
    let call = world.http.post(format!("{}/act/say", world.slack.origin()));
    let call = call.header("content-type", "application/x-www-form-urlencoded");
    let answer = call.body(format!("as={ALICE}&channel={SALES}&text=hello")).send().await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(world.slack.messages(SALES).is_empty());
}

#[tokio::test]
async fn the_composer_writes_messages_and_sends_commands() {
    let world = World::start(None).await;
    let place = [("as", BOB), ("channel", SALES)];
    world.act("/act/say", &[&place[..], &[("text", "2 < 3 & <!channel>\r\nnext")]].concat()).await;
    assert_eq!(world.slack.messages(SALES)[0].text, "2 &lt; 3 &amp; &lt;!channel&gt;\nnext");

    *world.app.answer.lock().await = Some(json!({ "response_type": "ephemeral", "text": "Nothing waits" }));
    world.act("/act/say", &[&place[..], &[("text", "/approvals list all")]].concat()).await;
    let heard = world.last().await;
    assert_eq!((&heard["command"], &heard["text"]), (&json!("/approvals"), &json!("list all")));
    let page = world.get(&format!("/?as={BOB}&channel={SALES}")).await;
    assert!(page.contains("Nothing waits") && page.contains("Only visible to you"), "{page}");
}

/// Opens a modal for Alice as the app does, by the trigger of a click.
async fn open_modal(world: &World) -> String {
    let blocks = json!([{ "type": "actions", "block_id": "d", "elements": [button("open", "1")] }]);
    let (channel, ts) = world.post(blocks).await;
    let place =
        [("as", ALICE), ("channel", &*channel), ("ts", &*ts), ("block_id", "d"), ("action_id", "open")];
    world.act("/act/click", &place).await;
    let trigger = world.last().await["trigger_id"].clone();
    let input = json!({ "type": "input", "block_id": "why", "label": words("Reason"),
        "element": { "type": "plain_text_input", "action_id": "text", "multiline": true } });
    let toggles = json!({ "type": "actions", "block_id": "set", "elements": [
        { "type": "checkboxes", "action_id": "on", "options": [option("x"), option("y")] }] });
    let view = json!({ "type": "modal", "title": words("Deny"), "submit": words("Send"), "blocks": [input, toggles] });
    let opened = world.api("views.open", json!({ "trigger_id": trigger, "view": view })).await;
    opened["view"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_modal_is_filled_in_and_submitted() {
    let world = World::start(None).await;
    let view = open_modal(&world).await;
    let page = world.get(&format!("/?as={ALICE}")).await;
    assert!(page.contains("data-testid=\"modal\"") && page.contains(">Deny</h2>"), "{page}");

    // A required field is empty, so the person sees an error and the app receives nothing.
    let (why, on) = (field_name("why", "text"), field_name("set", "on"));
    world.act("/act/submit", &[("as", ALICE), ("view", &view), (&why, "")]).await;
    assert_eq!(world.last().await["type"], "block_actions");
    assert!(world.get(&format!("/?as={ALICE}")).await.contains("Please complete this field."));

    // A change of a check box submits the text typed so far.
    let click = [("as", ALICE), ("view", &view), ("block_id", "set"), ("action_id", "on")];
    world.act("/act/click", &[&click[..], &[(&why, "Too\r\nearly"), (&on, "y")]].concat()).await;
    let heard = world.last().await;
    assert_eq!(heard["actions"][0]["selected_options"][0]["value"], "y");
    assert_eq!(heard["view"]["state"]["values"]["why"]["text"]["value"], "Too\nearly");

    // The app's error appears at its field.
    *world.app.answer.lock().await =
        Some(json!({ "response_action": "errors", "errors": { "why": "Say more." } }));
    world.act("/act/submit", &[("as", ALICE), ("view", &view), (&why, "No"), (&on, "y")]).await;
    assert!(world.get(&format!("/?as={ALICE}")).await.contains("Say more."));

    *world.app.answer.lock().await = None;
    world.act("/act/submit", &[("as", ALICE), ("view", &view), (&why, "Not now"), (&on, "y")]).await;
    assert_eq!(world.last().await["view"]["state"]["values"]["why"]["text"]["value"], "Not now");
    assert!(!world.get(&format!("/?as={ALICE}")).await.contains("data-testid=\"modal\""));
}

#[tokio::test]
async fn a_modal_is_closed_by_its_owner_only() {
    let world = World::start(None).await;
    let view = open_modal(&world).await;
    world.act("/act/close", &[("as", BOB), ("view", &view), ("clear", "true")]).await;
    assert!(world.slack.view(ALICE).is_some());
    world.act("/act/close", &[("as", ALICE), ("view", &view), ("clear", "false")]).await;
    assert!(world.slack.view(ALICE).is_none());
}

#[tokio::test]
async fn a_failing_app_shows_the_error_text_of_slack() {
    let world = World::start(None).await;
    world.slack.connect_app("http://127.0.0.1:1");
    let said = world.act("/act/say", &[("as", BOB), ("channel", SALES), ("text", "/approvals")]).await;
    assert_eq!(said, (204, "%2Fapprovals%20failed%20with%20the%20error%20%22dispatch_failed%22".to_owned()));
}
