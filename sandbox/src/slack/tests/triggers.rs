use serde_json::json;

use super::{Fixture, plain, reason_modal};
use crate::slack::names;

#[tokio::test]
async fn a_trigger_opens_one_view() {
    let fixture = Fixture::new().await;
    let trigger_id = fixture.trigger().await;
    let open = async || {
        fixture.call("views.open", json!({ "trigger_id": trigger_id, "view": reason_modal() })).await
    };
    let first = open().await;
    assert_eq!(first["view"]["id"], fixture.slack.view(names::ALICE).unwrap().id);
    assert_eq!(first["view"]["state"]["values"]["reason"]["text"]["value"], json!(null));
    assert_eq!(open().await["error"], "exchanged_trigger_id");
    assert!(fixture.slack.view(names::BOB).is_none());
}

#[tokio::test]
async fn a_trigger_lives_three_seconds() {
    let fixture = Fixture::new().await;
    let (early, late) = (fixture.trigger().await, fixture.trigger().await);
    fixture.pass(3_000);
    let open = async |trigger: &str| {
        fixture.call("views.open", json!({ "trigger_id": trigger, "view": reason_modal() })).await
    };
    assert_eq!(open(&early).await["ok"], true);
    fixture.pass(1);
    assert_eq!(open(&late).await["error"], "expired_trigger_id");
    assert_eq!(open("1.2.3").await["error"], "invalid_trigger_id");
}

#[tokio::test]
async fn a_faulty_view_leaves_its_trigger_unused() {
    let fixture = Fixture::new().await;
    let trigger_id = fixture.trigger().await;
    let mut view = reason_modal();
    view["title"] = plain("A title of 25 characters!");
    let answer = fixture.call("views.open", json!({ "trigger_id": trigger_id, "view": view })).await;
    assert_eq!(answer["error"], "invalid_arguments");
    let expected = "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]";
    assert_eq!(answer["response_metadata"]["messages"], json!([expected]));
    view["title"] = plain("Deny");
    let answer = fixture.call("views.open", json!({ "trigger_id": trigger_id, "view": view })).await;
    assert_eq!(answer["ok"], true);
}

#[tokio::test]
async fn a_stack_holds_at_most_three_modals() {
    let fixture = Fixture::new().await;
    let push = async || {
        let trigger_id = fixture.trigger().await;
        fixture.call("views.push", json!({ "trigger_id": trigger_id, "view": reason_modal() })).await
    };
    assert_eq!(push().await["error"], "not_found", "there is nothing yet to push onto");
    let root = fixture.modal(reason_modal()).await;
    let second = push().await;
    assert_eq!(second["view"]["root_view_id"], root.as_str());
    assert_eq!(second["view"]["previous_view_id"], root.as_str());
    assert_eq!(push().await["ok"], true);
    assert_eq!(push().await["error"], "push_limit_reached");
    assert_eq!(fixture.slack.views(names::ALICE).len(), 3);
}

#[tokio::test]
async fn a_view_is_updated_by_id_under_its_current_hash() {
    let fixture = Fixture::new().await;
    let id = fixture.modal(reason_modal()).await;
    fixture.slack.type_text(names::ALICE, "text", "too risky").await.unwrap();
    let hash = fixture.slack.view(names::ALICE).unwrap().hash;
    let update = async |id: &str, hash: &str| {
        fixture.call("views.update", json!({ "view_id": id, "hash": hash, "view": reason_modal() })).await
    };
    let updated = update(&id, &hash).await;
    assert_eq!(updated["ok"], true, "{updated}");
    assert_ne!(updated["view"]["hash"], hash);
    let typed = &updated["view"]["state"]["values"]["reason"]["text"]["value"];
    assert_eq!(typed, "too risky", "what was typed stays");
    assert_eq!(update(&id, &hash).await["error"], "hash_conflict");
    assert_eq!(update("V0NONE", "").await["error"], "not_found");
    fixture.slack.close(names::ALICE).await.unwrap();
    assert_eq!(update(&id, "").await["error"], "not_found", "a closed view can't be updated");
}

#[tokio::test]
async fn a_home_tab_is_published_only_with_its_current_hash() {
    let fixture = Fixture::new().await;
    let publish = async |user: &str, hash: Option<&str>| {
        let view =
            json!({ "type": "home", "blocks": [{ "type": "section", "text": plain("Waiting for you") }] });
        fixture.call("views.publish", json!({ "user_id": user, "hash": hash, "view": view })).await
    };
    let first = publish(names::ALICE, None).await;
    let hash = first["view"]["hash"].as_str().unwrap();
    let second = publish(names::ALICE, Some(hash)).await;
    assert_eq!(second["view"]["id"], first["view"]["id"]);
    assert_eq!(publish(names::ALICE, Some(hash)).await["error"], "hash_conflict");
    assert_eq!(fixture.slack.home(names::ALICE).unwrap().all_text(), "Waiting for you");
    assert_eq!(publish("U0NOBODY", None).await["error"], "invalid_arguments");
    fixture.slack.change_workspace(names::TEAM, |workspace| workspace.home_tab = false);
    assert_eq!(publish(names::ALICE, None).await["error"], "not_enabled");
}

#[tokio::test]
async fn an_update_keeps_only_entries_that_can_still_be_chosen() {
    let fixture = Fixture::new().await;
    let option = |value: &str| json!({ "text": plain(value), "value": value });
    let view = |options: &[&str], initial: &str| {
        let options: Vec<_> = options.iter().map(|value| option(value)).collect();
        json!({ "type": "home", "blocks": [{ "type": "actions", "block_id": "b", "elements": [{
            "type": "checkboxes", "action_id": "auto", "options": options, "initial_options": [option(initial)],
        }] }] })
    };
    let publish =
        async |view| fixture.call("views.publish", json!({ "user_id": names::ALICE, "view": view })).await;
    let checked = || fixture.slack.home(names::ALICE).unwrap().checked("auto");
    assert_eq!(publish(view(&["create", "update"], "create")).await["ok"], true);
    publish(view(&["create", "update"], "update")).await;
    assert_eq!(
        checked(),
        ["create"],
        "another initial value does not change an element that is there already"
    );
    publish(view(&["update", "delete"], "delete")).await;
    assert_eq!(checked(), ["delete"], "what was chosen is gone");
}
