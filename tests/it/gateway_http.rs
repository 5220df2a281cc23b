//! `countersign mcp-gateway --listen` and `--upstream`: clients and servers that are reached by HTTP.

use std::{path::PathBuf, process::Stdio, time::Duration};

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use sandbox::slack::Message;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{
    gateway::{Gateway, server, server_log},
    story::{ALICE, PROMPTLY, SOON, TestApp, eventually, story},
};

/// A gateway that listens, and the server behind it.
struct Listening {
    child: Child,
    url: String,
    log: PathBuf,
}

impl Listening {
    async fn start(s: &TestApp, options: &[&str]) -> Self {
        Self::start_for(&s.url(), options).await
    }

    /// Whatever answers at `url` is taken for the service.
    async fn start_for(url: &str, options: &[&str]) -> Self {
        let log = server_log();
        let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["mcp-gateway", "--name", "crm", "--user", ALICE, "--listen", "127.0.0.1:0"])
            .args(options)
            .arg("--")
            .arg("python3")
            .arg(server())
            .arg(&log)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("COUNTERSIGN_URL", url)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = timeout(SOON, lines.next_line()).await.unwrap().unwrap().unwrap();
            let line: Value = serde_json::from_str(&line).unwrap();
            if let Some(address) = line["fields"]["address"].as_str() {
                break address.to_owned();
            }
        };
        // Reads on, so that it never blocks on a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, url: format!("http://{address}"), log }
    }

    fn http(&self, method: Method, key: &str) -> RequestBuilder {
        sandbox::http::ensure_crypto_provider();
        let request = reqwest::Client::new().request(method, format!("{}/mcp", self.url));
        request.bearer_auth(key).header("accept", "application/json, text/event-stream")
    }

    async fn post(&self, key: &str, session: Option<&str>, message: &Value) -> Response {
        let mut request = self.http(Method::POST, key).json(message);
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        request.send().await.unwrap()
    }

    /// Begins a session.
    async fn session(&self, key: &str) -> String {
        let response = self.post(key, None, &initialize()).await;
        assert_eq!(response.status(), StatusCode::OK);
        let session = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        assert_eq!(messages(response).await[0]["result"]["serverInfo"]["name"], "test");
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(self.post(key, Some(&session), &initialized).await.status(), StatusCode::ACCEPTED);
        session
    }
}

fn initialize() -> Value {
    let info = json!({ "name": "tester", "version": "1" });
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params })
}

fn call(id: u64, tool: &str) -> Value {
    let meta = json!({ "progressToken": id });
    let params = json!({ "name": tool, "arguments": { "text": "x" }, "_meta": meta });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

/// The messages of a stream, to its end.
async fn messages(response: Response) -> Vec<Value> {
    let text = response.text().await.unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

async fn prompt(s: &TestApp) -> Message {
    s.slack
        .wait_for_direct_message(ALICE, |message: &Message| message.has_button("Approve"), SOON)
        .await
        .unwrap()
}

async fn cancelled(s: &TestApp) {
    eventually("the cancellation", async || {
        let cancelled = s.api().list(&[("status", "cancelled")]).await;
        (!cancelled.body["data"].as_array()?.is_empty()).then_some(())
    })
    .await;
}

/// What is not Countersign's answer does not say whether a key is valid.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_countersign_did_not_confirm_begins_no_session() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let elsewhere = || async { (StatusCode::MOVED_PERMANENTLY, [("location", "https://x.example/")], "") };
    let routes = axum::Router::new().fallback(elsewhere);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let gateway = Listening::start_for(&url, &[]).await;
    let refused = gateway.post("cs_anything", None, &initialize()).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_by_http_is_asked_for_with_its_callers_key() {
    story(async |s| {
        let gateway = Listening::start(s, &["--progress-interval", "100"]).await;
        let session = gateway.session(s.key()).await;
        let asked = gateway.post(s.key(), Some(&session), &call(2, "read_note")).await;
        assert_eq!(asked.headers()["content-type"], "text/event-stream");
        let prompt = prompt(s).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        let all = messages(asked).await;
        assert_eq!(all[0]["method"], "notifications/progress");
        assert!(all.last().unwrap()["result"]["content"][0]["text"].as_str().unwrap().contains("read_note"));
        // The server never learns by what its caller is known.
        assert!(!std::fs::read_to_string(&gateway.log).unwrap().contains(s.key()));
        let ended =
            gateway.http(Method::DELETE, s.key()).header("mcp-session-id", &session).send().await.unwrap();
        assert_eq!(ended.status(), StatusCode::NO_CONTENT);
        let ping = json!({ "jsonrpc": "2.0", "id": 3, "method": "ping" });
        assert_eq!(gateway.post(s.key(), Some(&session), &ping).await.status(), StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused() {
    story(async |s| {
        let gateway = Listening::start(s, &["--authorization-server", "https://login.example.com/"]).await;
        let refused = gateway.post("cs_wrong", None, &initialize()).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
        let metadata = challenge.strip_prefix("Bearer resource_metadata=\"").unwrap().trim_end_matches('"');
        let metadata: Value = reqwest::get(metadata).await.unwrap().json().await.unwrap();
        assert_eq!(
            metadata,
            json!({
                "resource": format!("{}/mcp", gateway.url), "resource_name": "crm",
                "authorization_servers": ["https://login.example.com/"], "bearer_methods_supported": ["header"],
            })
        );
        let session = gateway.session(s.key()).await;
        let status = async |request: RequestBuilder| request.send().await.unwrap().status();
        let ping = json!({ "jsonrpc": "2.0", "id": 3, "method": "ping" });
        let post = || gateway.http(Method::POST, s.key()).json(&ping).header("mcp-session-id", &session);
        assert_eq!(status(post()).await, StatusCode::OK);
        assert_eq!(status(post().header("host", "evil.example.com")).await, StatusCode::FORBIDDEN);
        assert_eq!(status(post().header("origin", "https://evil.example.com")).await, StatusCode::FORBIDDEN);
        // Another caller has no part in the session.
        let (other, _) = s.create_backend("other").await;
        assert_eq!(gateway.post(&other, Some(&session), &ping).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(gateway.post(s.key(), None, &ping).await.status(), StatusCode::BAD_REQUEST);
        let batch = json!([call(4, "read_note")]);
        assert_eq!(gateway.post(s.key(), Some(&session), &batch).await.status(), StatusCode::BAD_REQUEST);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_disconnects_leaves_nothing_to_approve() {
    story(async |s| {
        let mut gateway = Listening::start(s, &[]).await;
        let session = gateway.session(s.key()).await;
        let asked = gateway.post(s.key(), Some(&session), &call(2, "read_note")).await;
        prompt(s).await;
        drop(asked);
        cancelled(s).await;
        assert!(!std::fs::read_to_string(&gateway.log).unwrap().contains("tools/call"));
        let id = gateway.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").arg(id).status().unwrap().success());
        assert!(timeout(PROMPTLY, gateway.child.wait()).await.unwrap().unwrap().success());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_server_is_a_server_like_any_other() {
    story(async |s| {
        // The server that is reached by HTTP is a gateway too, so a call passes both.
        let server = Listening::start(s, &["--trust-annotations"]).await;
        let upstream = format!("{}/mcp", server.url);
        let header = format!("Authorization: Bearer {}", s.key());
        let options = ["--integration", "remote", "--upstream", &upstream, "--header", &header];
        let mut gateway = Gateway::remote(&s.url(), s.key(), &options);
        assert_eq!(gateway.introduce().await["result"]["serverInfo"]["name"], "test");
        gateway.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        let list = gateway.request(json!("l"), "tools/list", json!({})).await;
        assert_eq!(list["result"]["tools"][0]["x-vendor"].to_string(), r#"{"a":[1,2.5]}"#);
        gateway.call(1, "read_note", json!({ "text": "x" })).await;
        assert!(s.click(ALICE, &prompt(s).await, "Approve").await.is_ok());
        let (text, is_error) = gateway.text(1).await;
        assert!(!is_error && text.contains("read_note"), "{text}");
        gateway.close().await;

        let options = ["--upstream", "http://127.0.0.1:9/mcp"];
        let mut gateway = Gateway::remote(&s.url(), s.key(), &options);
        let error = gateway.introduce().await["error"]["message"].clone();
        insta::assert_snapshot!(error, @r#""the MCP server at http://127.0.0.1:9 failed: Connection refused (os error 111)""#);
        gateway.close().await;
        let options = ["--upstream", &upstream];
        let mut gateway = Gateway::remote(&s.url(), s.key(), &options);
        let error = gateway.introduce().await["error"]["message"].as_str().unwrap().to_owned();
        assert!(error.contains("it refused the gateway's credentials (401"), "{error}");
        gateway.close().await;
    })
    .await;
}
