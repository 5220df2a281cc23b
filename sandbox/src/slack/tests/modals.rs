use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use super::{Scene, plain, reason_modal};
use crate::slack::{ActError, DeliveryError, Shown, names};

#[tokio::test]
async fn a_submission_carries_what_was_typed_and_closes_the_modal() {
    let scene = Scene::new().await;
    scene.modal(reason_modal()).await;
    let incomplete = scene.slack.submit(names::ALICE).await.unwrap_err();
    assert_eq!(incomplete, ActError::Incomplete(vec!["reason".to_owned()]));
    let typed = scene.slack.type_text(names::ALICE, "text", "much too long for this field").await.unwrap();
    assert_eq!(typed.status, None, "typing sends nothing");
    assert!(matches!(scene.slack.submit(names::ALICE).await, Err(ActError::Incomplete(_))));
    scene.slack.type_text(names::ALICE, "text", "too risky").await.unwrap();
    let submitted = scene.slack.submit(names::ALICE).await.unwrap();
    assert_eq!(submitted.shown, Shown::Closed);
    let payload = scene.app.last().payload();
    assert_eq!(payload["type"], "view_submission");
    assert_eq!(payload["view"]["private_metadata"], "apr_1");
    assert_eq!(payload["view"]["callback_id"], "deny");
    let value = &payload["view"]["state"]["values"]["reason"]["text"];
    assert_eq!(value, &json!({ "type": "plain_text_input", "value": "too risky" }));
    assert!(scene.slack.view(names::ALICE).is_none());
}

#[tokio::test]
async fn answers_to_a_submission_are_obeyed_or_refused() {
    let scene = Scene::new().await;
    scene.modal(reason_modal()).await;
    scene.slack.type_text(names::ALICE, "text", "risky").await.unwrap();
    let answer = async |answer: serde_json::Value| {
        scene.app.answers(200, &answer.to_string(), Duration::ZERO);
        scene.slack.submit(names::ALICE).await.unwrap()
    };
    let errors = answer(json!({ "response_action": "errors", "errors": { "reason": "Say more" } })).await;
    let said = BTreeMap::from([("reason".to_owned(), "Say more".to_owned())]);
    assert_eq!(errors.shown, Shown::Errors(said.clone()));
    assert_eq!(scene.slack.view(names::ALICE).unwrap().errors, said);

    let strange = answer(json!({ "response_action": "errors", "errors": { "nowhere": "Say more" } })).await;
    assert!(matches!(strange.error, Some(DeliveryError::BadAnswer(_))), "{strange:?}");
    let mut faulty = reason_modal();
    faulty["title"] = plain("");
    let refused = answer(json!({ "response_action": "update", "view": faulty })).await;
    assert!(matches!(refused.error, Some(DeliveryError::BadAnswer(_))));

    let mut next = reason_modal();
    next["title"] = plain("Really?");
    let pushed = answer(json!({ "response_action": "push", "view": next })).await;
    assert!(matches!(pushed.shown, Shown::View(view) if view.title() == "Really?"));
    assert_eq!(scene.slack.views(names::ALICE).len(), 2);
    scene.slack.type_text(names::ALICE, "text", "yes").await.unwrap();
    next["title"] = plain("Done");
    let updated = answer(json!({ "response_action": "update", "view": next })).await;
    assert!(matches!(updated.shown, Shown::View(view) if view.title() == "Done"));
    assert_eq!(scene.slack.views(names::ALICE).len(), 2);
    assert_eq!(answer(json!({ "response_action": "clear" })).await.shown, Shown::Closed);
    assert!(scene.slack.views(names::ALICE).is_empty());
}

#[tokio::test]
async fn closing_is_told_only_where_the_view_asked_for_it() {
    let scene = Scene::new().await;
    scene.modal(reason_modal()).await;
    let closed = scene.slack.close(names::ALICE).await.unwrap().expect("the view asked to be told");
    assert_eq!(closed.payload["type"], "view_closed");
    assert_eq!(closed.payload["is_cleared"], false);
    assert!(closed.payload.get("trigger_id").is_none());
    let mut quiet = reason_modal();
    quiet["notify_on_close"] = json!(false);
    scene.modal(quiet).await;
    assert!(scene.slack.close_all(names::ALICE).await.unwrap().is_none());
    assert_eq!(scene.slack.close(names::ALICE).await.unwrap_err(), ActError::NoModal);
}
