//! The panel of the agent backend, with a fake service.

use axum::routing::any;
use axum::{Json, Router, http::StatusCode};
use serde_json::{Value, json};

use super::World;
use crate::backend::{AgentBackend, BackendOptions, digest};
use crate::slack::names::ALICE;

/// A backend whose service approves every request immediately, as with a standing permission.
async fn approving() -> AgentBackend {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = any(async |body: Option<Json<Value>>| {
        let Some(Json(mut approval)) = body else { return (StatusCode::NO_CONTENT, Json(Value::Null)) };
        approval["id"] = json!("apr_1");
        approval["status"] = json!("approved");
        approval["arguments_digest"] = json!(digest(&approval["arguments"]));
        approval["decision"] = json!({ "outcome": "approved", "by": "auto" });
        (StatusCode::OK, Json(approval))
    });
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback_service(answer)).await });
    let backend = AgentBackend::start(BackendOptions::default()).await.unwrap();
    backend.connect(&format!("http://{address}"), "cs_key", "whsec_c2VjcmV0c2VjcmV0c2VjcmV0");
    backend
}

#[tokio::test]
async fn an_agent_asks_from_the_page_and_its_run_is_shown() {
    let world = World::start(Some(approving().await)).await;
    let page = world.get(&format!("/?as={ALICE}")).await;
    assert!(page.contains("data-testid=\"ask\"") && page.contains("<option value=\"salesforce\">"), "{page}");
    let fields = [
        ("as", ALICE),
        ("user", ALICE),
        ("agent", "scout"),
        ("conversation", "c-7"),
        ("integration", "github"),
        ("action", "create_issue"),
        ("example", "0"),
        ("place", ""),
        ("expires", "60"),
    ];
    let said = world
        .live_until(&format!("/live?as={ALICE}"), "ran, auto-approved", async || {
            assert_eq!(world.act("/ask", &fields).await, (204, String::new()));
        })
        .await;
    let shown = said.replace("<wbr>", "");
    assert!(shown.contains("github.create_issue") && shown.contains("Scout in c-7 for Alice Chen"), "{said}");
}

#[tokio::test]
async fn an_unsigned_webhook_is_shown_as_unverified() {
    let backend = approving().await;
    let url = backend.webhook_url();
    let world = World::start(Some(backend)).await;
    let body = json!({ "type": "approval.approved", "data": { "id": "<b>apr_1</b>" } });
    let said = world
        .live_until(&format!("/live?as={ALICE}"), "not believed", async || {
            world.http.post(url).header("webhook-id", "msg_1").json(&body).send().await.unwrap();
        })
        .await;
    assert!(said.contains("approval.approved") && said.contains("&lt;b&gt;apr_1"), "{said}");
}

#[tokio::test]
async fn the_choice_of_a_call_follows_the_catalog() {
    let world = World::start(Some(approving().await)).await;
    let url = format!("{}/ask/choice?integration=gmail&action=send_email&example=0", world.slack.origin());
    let choice = world.http.get(url).header("hx-request", "true").send().await.unwrap().text().await.unwrap();
    assert!(choice.contains("<option value=\"send_email\" selected>"), "{choice}");
    assert!(choice.contains("data-testid=\"arguments\""), "{choice}");
}

#[tokio::test]
async fn without_a_backend_there_is_no_panel() {
    let world = World::start(None).await;
    assert!(!world.get(&format!("/?as={ALICE}")).await.contains("data-testid=\"tools\""));
    assert_eq!(world.act("/ask", &[("integration", "github")]).await.0, 409);
}
