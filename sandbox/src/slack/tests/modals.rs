use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use super::{Fixture, plain, reason_modal};
use crate::slack::{ActError, DeliveryError, Feedback, names};

#[tokio::test]
async fn a_submission_carries_what_was_typed_and_closes_the_modal() {
    let fixture = Fixture::new().await;
    fixture.modal(reason_modal()).await;
    let incomplete = fixture.slack.submit(names::ALICE).await.unwrap_err();
    assert_eq!(incomplete, ActError::Incomplete(vec!["reason".to_owned()]));
    let typed = fixture.slack.type_text(names::ALICE, "text", "much too long for this field").await.unwrap();
    assert_eq!(typed.status, None, "typing sends nothing");
    assert!(matches!(fixture.slack.submit(names::ALICE).await, Err(ActError::Incomplete(_))));
    fixture.slack.type_text(names::ALICE, "text", "too risky").await.unwrap();
    let submitted = fixture.slack.submit(names::ALICE).await.unwrap();
    assert_eq!(submitted.feedback, Feedback::Closed);
    let payload = fixture.app.last().payload();
    assert_eq!(payload["type"], "view_submission");
    assert_eq!(payload["view"]["private_metadata"], "apr_1");
    assert_eq!(payload["view"]["callback_id"], "deny");
    let value = &payload["view"]["state"]["values"]["reason"]["text"];
    assert_eq!(value, &json!({ "type": "plain_text_input", "value": "too risky" }));
    assert!(fixture.slack.view(names::ALICE).is_none());
}

#[tokio::test]
async fn an_entry_that_is_no_number_is_not_submitted() {
    let fixture = Fixture::new().await;
    let mut view = reason_modal();
    view["blocks"][0]["element"] = json!({
        "type": "number_input", "action_id": "text", "is_decimal_allowed": true, "initial_value": "1", "max_value": "9",
    });
    fixture.modal(view).await;
    for wrong in ["three", "9.5", "1e2", "."] {
        fixture.slack.type_text(names::ALICE, "text", wrong).await.unwrap();
        let incomplete = fixture.slack.submit(names::ALICE).await.unwrap_err();
        assert_eq!(incomplete, ActError::Incomplete(vec!["reason".to_owned()]), "{wrong}");
    }
    fixture.slack.type_text(names::ALICE, "text", "0.5").await.unwrap();
    fixture.slack.submit(names::ALICE).await.unwrap();
    let value = &fixture.app.last().payload()["view"]["state"]["values"]["reason"]["text"];
    assert_eq!(value, &json!({ "type": "number_input", "value": "0.5" }));
}

#[tokio::test]
async fn answers_to_a_submission_are_applied_or_refused() {
    let fixture = Fixture::new().await;
    fixture.modal(reason_modal()).await;
    fixture.slack.type_text(names::ALICE, "text", "risky").await.unwrap();
    let answer = async |answer: serde_json::Value| {
        fixture.app.answers(200, &answer.to_string(), Duration::ZERO);
        fixture.slack.submit(names::ALICE).await.unwrap()
    };
    let errors = answer(json!({ "response_action": "errors", "errors": { "reason": "Say more" } })).await;
    let said = BTreeMap::from([("reason".to_owned(), "Say more".to_owned())]);
    assert_eq!(errors.feedback, Feedback::Errors(said.clone()));
    assert_eq!(fixture.slack.view(names::ALICE).unwrap().errors, said);

    let strange = answer(json!({ "response_action": "errors", "errors": { "nowhere": "Say more" } })).await;
    assert!(matches!(strange.error, Some(DeliveryError::BadAnswer(_))), "{strange:?}");
    let mut faulty = reason_modal();
    faulty["title"] = plain("");
    let refused = answer(json!({ "response_action": "update", "view": faulty })).await;
    assert!(matches!(refused.error, Some(DeliveryError::BadAnswer(_))));

    let mut next = reason_modal();
    next["title"] = plain("Really?");
    let pushed = answer(json!({ "response_action": "push", "view": next })).await;
    assert!(matches!(pushed.feedback, Feedback::View(view) if view.title() == "Really?"));
    assert_eq!(fixture.slack.views(names::ALICE).len(), 2);
    fixture.slack.type_text(names::ALICE, "text", "yes").await.unwrap();
    next["title"] = plain("Done");
    let updated = answer(json!({ "response_action": "update", "view": next })).await;
    assert!(matches!(updated.feedback, Feedback::View(view) if view.title() == "Done"));
    assert_eq!(fixture.slack.views(names::ALICE).len(), 2);
    assert_eq!(answer(json!({ "response_action": "clear" })).await.feedback, Feedback::Closed);
    assert!(fixture.slack.views(names::ALICE).is_empty());
}

#[tokio::test]
async fn closing_sends_an_event_only_if_the_view_asked_for_it() {
    let fixture = Fixture::new().await;
    fixture.modal(reason_modal()).await;
    let closed = fixture.slack.close(names::ALICE).await.unwrap().expect("the view asked to be told");
    assert_eq!(closed.payload["type"], "view_closed");
    assert_eq!(closed.payload["is_cleared"], false);
    assert!(closed.payload.get("trigger_id").is_none());
    let mut quiet = reason_modal();
    quiet["notify_on_close"] = json!(false);
    fixture.modal(quiet).await;
    assert!(fixture.slack.close_all(names::ALICE).await.unwrap().is_none());
    assert_eq!(fixture.slack.close(names::ALICE).await.unwrap_err(), ActError::NoModal);
}
