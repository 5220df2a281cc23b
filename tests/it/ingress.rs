//! What reaches the addresses that Slack posts to: too large, not Slack's, old, or nothing that is known.

use sandbox::slack::{Delivery, Endpoint, Press, Signing, Surface};
use serde_json::{Value, json};

use crate::{
    modes::http_story as story,
    story::{ALICE, TestApp},
};

const ACTION: &str = "github.create_issue";
const BOTH: [Endpoint; 2] = [Endpoint::Interactivity, Endpoint::Events];

/// Asks, and gives the approval's id with the payload of an Approve click on it.
async fn click(s: &TestApp) -> (String, Value) {
    let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
    let press = Press::labelled(Surface::message(&prompt), "Approve");
    (id, s.slack.prepare_press(ALICE, &press).unwrap().unwrap())
}

/// The service's own answer: it took no part in what Slack shows.
fn status(delivery: &Delivery) -> u16 {
    delivery.status.unwrap_or_else(|| panic!("{delivery:?}"))
}

/// The status of a request whose body the service does not read. A client that is still writing when the connection
/// closes may lose the response: it is sent again then.
async fn answered(send: impl AsyncFn() -> Delivery) -> u16 {
    for _ in 0..20 {
        if let Some(status) = send().await.status {
            return status;
        }
    }
    panic!("no response in 20 attempts");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_slack_did_not_sign_is_refused() {
    story(async |s| {
        let (id, payload) = click(s).await;
        let now = s.now().timestamp();
        let good = Signing::default();
        for signing in [
            good.clone().with_secret("somebody-elses"),
            good.clone().with_secret(""),
            good.clone().with_signature("v0="),
            good.clone().with_signature(&format!("v0={}", "0".repeat(64))),
            good.clone().with_signature("v1=00"),
            good.clone().with_signature("nonsense"),
            good.clone().at(now - 301),
            good.clone().at(now + 301),
            good.clone().at(0),
            good.clone().at(i64::MIN),
            good.clone().at(i64::MAX),
        ] {
            let delivery = s.slack.send_interaction(payload.clone(), &signing).await;
            assert_eq!(status(&delivery), 401, "{signing:?}");
            let event = s.slack.send_signed(Endpoint::Events, "{}", &signing).await;
            assert_eq!(status(&event), 401, "{signing:?}");
        }
        assert_eq!(s.status(&id).await, "pending");
        let oldest = s.slack.send_interaction(payload, &good.at(now - 300)).await;
        assert!(oldest.is_ok(), "300 seconds are still Slack's");
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_signature_at_all_is_refused() {
    story(async |s| {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let now = s.now().timestamp().to_string();
        let signature = format!("v0={}", "0".repeat(64));
        for endpoint in BOTH {
            let only = [
                &form[..],
                &[("x-slack-request-timestamp", &now)],
                &[("x-slack-signature", &signature)],
                &[("x-slack-signature", &signature), ("x-slack-request-timestamp", "soon")],
            ];
            for headers in only {
                let delivery = s.slack.send_raw(endpoint, "payload=%7B%7D", headers).await;
                assert_eq!(status(&delivery), 401, "{headers:?}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_fits_its_own_body_alone() {
    story(async |s| {
        let (id, payload) = click(s).await;
        let now = s.now().timestamp();
        let secret = s.slack.signing_secret();
        let signature = sandbox::slack::sign(&secret, now, b"payload=%7B%22type%22%3A%22ping%22%7D");
        let signing = Signing::default().at(now).with_signature(&signature);
        let delivery = s.slack.send_interaction(payload, &signing).await;
        assert_eq!(status(&delivery), 401);
        assert_eq!(s.status(&id).await, "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_secret_is_rotated_the_previous_one_counts_too() {
    story(async |s| {
        let previous = s.slack.signing_secret();
        s.stop().await;
        s.config.slack_signing_secret = Some(format!("the-next-secret, {previous}").into());
        s.start().await;
        for secret in ["the-next-secret", previous.as_str()] {
            s.pass(chrono::TimeDelta::seconds(1));
            let (id, payload) = click(s).await;
            let signing = Signing::default().with_secret(secret);
            assert!(s.slack.send_interaction(payload, &signing).await.is_ok());
            assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        }
        s.stop().await;
        s.config.slack_signing_secret = Some("the-next-secret".into());
        s.start().await;
        let (_, payload) = click(s).await;
        let signing = Signing::default().with_secret(&previous);
        assert_eq!(status(&s.slack.send_interaction(payload, &signing).await), 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_that_is_replayed_does_nothing_within_the_window_and_is_refused_after_it() {
    story(async |s| {
        let (id, payload) = click(s).await;
        let signing = Signing::default().at(s.now().timestamp());
        for _ in 0..3 {
            s.advance_until_idle(chrono::TimeDelta::seconds(99)).await;
            assert!(s.slack.send_interaction(payload.clone(), &signing).await.is_ok());
        }
        s.pass(chrono::TimeDelta::seconds(4));
        assert_eq!(status(&s.slack.send_interaction(payload, &signing).await), 401);
        s.received_webhook(&id).await;
        assert!(s.refusals(&id).await.is_empty());
        assert_eq!((s.audited("approval.approved", &id).await, s.events(&id).len()), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_before_it_is_verified() {
    story(async |s| {
        for endpoint in BOTH {
            let body = vec![b'x'; 2 * 1024 * 1024 + 1];
            let signed =
                answered(async || s.slack.send_signed(endpoint, body.clone(), &Signing::default()).await);
            assert_eq!(signed.await, 413);
            assert_eq!(answered(async || s.slack.send_raw(endpoint, body.clone(), &[]).await).await, 413);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_but_makes_no_sense_is_acknowledged_and_does_nothing() {
    story(async |s| {
        let signing = Signing::default();
        for body in [
            "",
            "ssl_check=1&token=gone",
            "payload=",
            "payload=%7B",
            "payload=null",
            "payload=%5B%5D",
            "payload=%7B%7D",
            "not a form at all",
            "{\"type\":\"block_actions\"}",
            "payload=%FF%FE",
        ] {
            let delivery = s.slack.send_signed(Endpoint::Interactivity, body, &signing).await;
            assert_eq!(status(&delivery), 200, "{body}");
        }
        let team = json!({ "id": sandbox::slack::names::TEAM });
        let user = json!({ "id": ALICE, "team_id": sandbox::slack::names::TEAM });
        for payload in [
            json!({ "type": "a_kind_of_next_year", "team": team, "user": user }),
            json!({ "type": "view_closed", "team": team, "user": user }),
            json!({ "type": "block_actions", "team": team, "user": user }),
            json!({ "type": "block_actions", "team": team, "user": user, "actions": [] }),
            json!({ "type": "block_actions", "team": team, "user": user, "actions": [{ "action_id": 7 }] }),
            json!({ "type": "block_actions", "team": team, "user": user, "actions": [{ "action_id": "x" }] }),
            json!({ "type": "block_actions", "team": null, "enterprise": null, "user": user }),
            json!({ "type": "block_actions", "team": team, "user": { "id": "nobody\u{0}" } }),
            json!({ "type": "view_submission", "team": team, "user": user }),
            json!({ "type": "view_submission", "team": team, "user": user,
                    "view": { "callback_id": "deny", "private_metadata": "apr_none", "state": { "values": [] } } }),
            json!({ "type": "view_submission", "team": team, "user": user,
                    "view": { "callback_id": "unheard of", "private_metadata": "{}" } }),
        ] {
            let delivery = s.slack.forge_block_actions(payload.clone()).await;
            assert_eq!((status(&delivery), delivery.body.as_str()), (200, ""), "{payload}");
        }
        let audited: i64 =
            sqlx::query_scalar("SELECT count(*) FROM audit WHERE what LIKE 'approval.%'")
                .fetch_one(&s.service.db)
                .await
                .unwrap();
        assert_eq!(audited, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_json_and_slack_s_question_is_answered() {
    story(async |s| {
        let event = async |body: &str| s.slack.send_signed(Endpoint::Events, body, &Signing::default()).await;
        let question = json!({ "type": "url_verification", "challenge": "3eZbrw1a<b>", "token": "gone" });
        let answer = event(&question.to_string()).await;
        let challenge: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((status(&answer), challenge), (200, json!({ "challenge": "3eZbrw1a<b>" })));
        for body in [
            json!({ "type": "event_callback", "event": { "type": "an_event_of_next_year" } }),
            json!({ "type": "url_verification" }),
            json!({}),
            json!([]),
        ] {
            assert_eq!(status(&event(&body.to_string()).await), 200, "{body}");
        }
        for body in ["", "{", "payload=%7B%7D", "\u{0}"] {
            assert_eq!(status(&event(body).await), 400, "{body:?}");
        }
        let unsigned = s.slack.send_raw(Endpoint::Events, question.to_string(), &[]).await;
        assert_eq!(status(&unsigned), 401, "not even the question is answered unsigned");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_an_address_does_nothing() {
    story(async |s| {
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        let client = sandbox::http::client().unwrap();
        for path in ["/slack/interactivity", "/slack/events"] {
            for method in [reqwest::Method::GET, reqwest::Method::HEAD, reqwest::Method::PUT] {
                let request = client.request(method.clone(), format!("{}{path}", s.url()));
                assert_eq!(request.send().await.unwrap().status(), 405, "{method} {path}");
            }
        }
        for path in ["approvals", &format!("approvals/{id}"), &format!("approvals/{id}/cancel")] {
            let request = client.head(format!("{}/v1/{path}", s.url()));
            assert_eq!(request.send().await.unwrap().status(), 405, "{path}");
        }
        assert_eq!(s.status(&id).await, "pending");
    })
    .await;
}
