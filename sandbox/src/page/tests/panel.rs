//! The panel of the agent backend, with a fake service.

use std::sync::{Arc, Mutex};

use axum::routing::any;
use axum::{Json, Router, http::StatusCode};
use serde_json::{Value, json};

use super::World;
use crate::ambient::TimeSkip;
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

/// The same page as its script reads it.
async fn fragment(world: &World, path: &str) -> String {
    let call = world.http.get(format!("{}{path}", world.slack.origin())).header("hx-request", "true");
    call.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn every_action_shows_its_curl() {
    let world = World::start(Some(approving().await)).await;
    let page = world.get(&format!("/?as={ALICE}")).await;
    assert!(
        page.contains("data-testid=\"curl\"") && page.contains("-H 'Authorization: Bearer cs_key'"),
        "{page}"
    );
    let query = format!(
        "user={ALICE}&agent=quill&conversation=c-9&integration=gmail&action=send_email&example=0&expires=60"
    );
    let commands = fragment(&world, &format!("/ask/curl?{query}")).await;
    for part in [
        "/v1/approvals' \\\n",
        "&quot;id&quot;: &quot;c-9&quot;",
        "&quot;expires_in&quot;: 60",
        "&quot;editable&quot;: true",
        "No agent waits for this request",
        "curl -sS -X PUT 'http://127.0.0.1:",
        &format!("/v1/users/{ALICE}/connections/gmail'"),
        &format!("curl -sS '{}/ask/day.sh?user={ALICE}' | sh", world.slack.origin()),
    ] {
        assert!(commands.contains(part), "{part} not in {commands}");
    }
    // One example is as large as a request may be: no terminal takes that.
    let large = crate::catalog::hostile_calls().iter().position(|call| call.name == "large-file").unwrap();
    let commands =
        fragment(&world, &format!("/ask/curl?user={ALICE}&integration=hostile&example={large}")).await;
    assert!(commands.contains("too long for a command line"), "{commands}");
}

#[tokio::test]
async fn one_button_makes_fifty_requests() {
    let world = World::start(Some(approving().await)).await;
    let (status, said) = world.act("/ask/day", &[("user", ALICE)]).await;
    assert_eq!((status, said.as_str()), (204, "50%20requests%20of%204%20agents%20are%20on%20their%20way."));
    let page = world.get(&format!("/?as={ALICE}")).await;
    assert_eq!(page.matches("data-testid=\"asked\"").count(), 50);
    let script = world.get(&format!("/ask/day.sh?user={ALICE}")).await;
    assert_eq!(script.matches("curl -sS 'http://127.0.0.1:").count(), 50, "{script}");
    assert!(script.contains("\"day-2-scout\""), "another day has its own conversations: {script}");
}

#[tokio::test]
async fn the_clock_is_put_forward_where_it_can_be() {
    let skipped = Arc::new(Mutex::new(Vec::new()));
    let skip = {
        let skipped = skipped.clone();
        TimeSkip::from_fn(move |by| skipped.lock().unwrap().push(by.num_minutes()))
    };
    let world = World::start_with(Some(approving().await), Some(skip)).await;
    let page = world.get(&format!("/?as={ALICE}")).await;
    let curl =
        format!("curl -sS -X POST '{}/time' -H 'hx-request: true' -d minutes=20", world.slack.origin());
    for part in ["20 minutes later", "A day later", "data-at=\"[data-testid=later]\"", curl.as_str()] {
        assert!(page.contains(part), "{part} not in {page}");
    }
    let (status, said) = world.act("/time", &[("minutes", "20")]).await;
    let said = said.replace("%20", " ").replace("%27", "'");
    assert_eq!(status, 204);
    assert_eq!(
        said,
        "The demo's clock is ahead. Your own backend will refuse its webhooks. Restart the demo to connect it."
    );
    // Who connects a backend after the clock was put forward can't.
    assert!(page.find("Your own program").unwrap() < page.find("Later <span").unwrap(), "{page}");
    for minutes in ["", "0", "-1", "soon", "10081", "65536"] {
        assert_eq!(world.act("/time", &[("minutes", minutes)]).await.0, 409, "{minutes}");
    }
    assert_eq!(*skipped.lock().unwrap(), [20]);

    let world = World::start(Some(approving().await)).await;
    assert!(!world.get(&format!("/?as={ALICE}")).await.contains("minutes later"));
    assert_eq!(world.act("/time", &[("minutes", "20")]).await.0, 409);
}

#[tokio::test]
async fn the_tour_is_where_a_backend_is() {
    let with = World::start(Some(approving().await)).await;
    let page = with.get(&format!("/?as={ALICE}")).await;
    assert!(page.contains("data-testid=\"tour\"") && page.contains("data-tour=\"next\""), "{page}");
    assert!(!page.contains("act as Alice"), "{page}");
    assert!(with.get("/?as=U0BOB").await.contains("act as Alice"));
    let without = World::start(None).await;
    let page = without.get(&format!("/?as={ALICE}")).await;
    assert!(!page.contains("data-testid=\"tour\"") && !page.contains("popovertarget=\"tools\""), "{page}");
}
