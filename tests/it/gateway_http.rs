//! `countersign mcp-gateway --listen` and `--upstream`: clients and servers that are reached by HTTP.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Json, Router, routing::post};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use sandbox::slack::Message;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpListener,
    process::{Child, Command},
    time::timeout,
};

use crate::{
    gateway::{Gateway, server, server_log},
    story::{ALICE, PROMPTLY, SOON, TestApp, eventually, story},
};

/// A gateway that listens, and the server behind it.
pub struct Listening {
    child: Child,
    pub url: String,
    log: PathBuf,
}

/// A client of a protocol revision without sessions.
struct Stateless<'a> {
    gateway: &'a Listening,
    key: &'a str,
    name: &'a str,
}

impl Stateless<'_> {
    fn request(&self, id: &Value, method: &str, params: Value) -> RequestBuilder {
        let mut params = params;
        params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(REVISION);
        params["_meta"]["io.modelcontextprotocol/clientInfo"] = json!({ "name": self.name, "version": "1" });
        let name = params["name"].as_str().unwrap_or_default().to_owned();
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let request = self.gateway.http(Method::POST, self.key).json(&message);
        let request = request.header("mcp-protocol-version", REVISION).header("mcp-method", method);
        if name.is_empty() { request } else { request.header("mcp-name", name) }
    }

    async fn send(&self, id: Value, method: &str, params: Value) -> Response {
        let response = self.request(&id, method, params).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response
    }

    /// The response, after checking that it is to this request.
    async fn ask(&self, id: Value, method: &str, params: Value) -> Value {
        let all = messages(self.send(id.clone(), method, params).await).await;
        let last = all.last().unwrap().clone();
        assert_eq!(last["id"], id, "{all:?}");
        last
    }

    async fn call(&self, id: Value, arguments: Value, state: Option<&Value>) -> Value {
        let mut params = json!({ "name": "read_note", "arguments": arguments });
        if let Some(state) = state {
            params["requestState"] = state.clone();
        }
        self.ask(id, "tools/call", params).await["result"].clone()
    }
}

const REVISION: &str = "2026-07-28";

impl Listening {
    async fn start(s: &TestApp, options: &[&str]) -> Self {
        Self::start_for(&s.url(), options).await
    }

    /// Whatever answers at `url` is taken for the service.
    async fn start_for(url: &str, options: &[&str]) -> Self {
        Self::start_before(url, options, "python3", &server()).await
    }

    /// In front of this program.
    pub async fn start_before(url: &str, options: &[&str], interpreter: &str, program: &Path) -> Self {
        let log = server_log();
        let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["mcp-gateway", "--name", "crm", "--user", ALICE, "--listen", "127.0.0.1:0"])
            .args(options)
            .arg("--")
            .arg(interpreter)
            .arg(program)
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
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let elsewhere = || async { (StatusCode::MOVED_PERMANENTLY, [("location", "https://x.example/")], "") };
    let routes = Router::new().fallback(elsewhere);
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
async fn requests_without_a_session_share_a_server_and_not_their_ids() {
    story(async |s| {
        let gateway = Listening::start(s, &["--progress-interval", "100"]).await;
        let client = Stateless { gateway: &gateway, key: s.key(), name: "one" };
        // This server does not know it, and a client that knows sessions begins one then.
        let found = client.ask(json!("d"), "server/discover", json!({})).await;
        assert_eq!(found["error"]["code"], -32601);
        let list = client.ask(json!(1), "tools/list", json!({})).await;
        assert_eq!(list["result"]["tools"][0]["name"], "send_mail");

        // Two calls with the same id and the same progress token, answered in the other order.
        let call = |text: &str| {
            let meta = json!({ "progressToken": "p" });
            json!({ "name": "read_note", "arguments": { "text": text }, "_meta": meta })
        };
        let first = client.send(json!(7), "tools/call", call("first")).await;
        let asked = prompt(s).await;
        // Slack takes one message a second.
        s.clock.advance(chrono::TimeDelta::seconds(2));
        let second = client.send(json!(7), "tools/call", call("second")).await;
        let shown =
            |message: &Message| message.has_button("Approve") && message.all_text().contains("second");
        let other = s.slack.wait_for_direct_message(ALICE, shown, SOON).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(s.click(ALICE, &other, "Approve").await.is_ok());
        let told = messages(second).await;
        assert!(s.click(ALICE, &asked, "Deny").await.is_ok());
        for (all, expected) in [(told, "second"), (messages(first).await, "Not approved: denied")] {
            let (response, before) = all.split_last().unwrap();
            assert_eq!(response["id"], 7);
            assert!(
                response["result"]["content"][0]["text"].as_str().unwrap().contains(expected),
                "{response}"
            );
            assert!(
                !before.is_empty() && before.iter().all(|m| m["params"]["progressToken"] == "p"),
                "{before:?}"
            );
        }
        assert!(!std::fs::read_to_string(&gateway.log).unwrap().contains("initialize"));

        // What a proxy reads in the headers is what the message says.
        let status = async |request: RequestBuilder| request.send().await.unwrap();
        let listing = |method: &str| {
            let request = client.request(&json!(1), "tools/list", json!({}));
            let mut request = request.build().unwrap();
            request.headers_mut().insert("mcp-method", method.parse().unwrap());
            reqwest::Client::new().execute(request)
        };
        let refused = listing("ping").await.unwrap();
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        let refused: Value = refused.json().await.unwrap();
        assert_eq!(refused["error"]["code"], -32020);
        assert_eq!(refused["error"]["message"], "the Mcp-Method header is not the message's method");
        let get = gateway.http(Method::GET, s.key()).header("mcp-protocol-version", REVISION);
        assert_eq!(status(get).await.status(), StatusCode::METHOD_NOT_ALLOWED);
        let (other, _) = s.create_backend("other").await;
        let wrong = Stateless { gateway: &gateway, key: "cs_wrong", name: "one" };
        let wrong = wrong.request(&json!(1), "ping", json!({}));
        assert_eq!(status(wrong).await.status(), StatusCode::UNAUTHORIZED);
        // Another caller has a server of its own.
        let other = Stateless { gateway: &gateway, key: &other, name: "one" };
        other.ask(json!(1), "ping", json!({})).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_session_retries_or_leaves() {
    story(async |s| {
        let gateway = Listening::start(s, &["--client-limit", "1"]).await;
        let client = Stateless { gateway: &gateway, key: s.key(), name: "one" };
        let arguments = json!({ "text": "x" });
        let mut state = client.call(json!(1), arguments.clone(), None).await["requestState"].clone();
        let forged = json!(state.as_str().unwrap().replace(".1.", ".2."));
        let other = Stateless { name: "two", ..client };
        // Neither a changed state, nor one of another client, nor one for other arguments runs the call.
        for (client, arguments, state) in
            [(&client, &arguments, &forged), (&other, &arguments, &state), (&client, &json!({}), &state)]
        {
            let refused = client.call(json!(2), arguments.clone(), Some(state)).await;
            assert_eq!((&refused["isError"], &refused["resultType"]), (&json!(true), &json!("complete")));
        }
        cancelled(s).await;

        state = client.call(json!(1), arguments.clone(), None).await["requestState"].clone();
        for round in 2..=9 {
            let next = client.call(json!(round), arguments.clone(), Some(&state)).await;
            assert_eq!(next["resultType"], "input_required", "{round}");
            assert_ne!(next["requestState"], state);
            state = next["requestState"].clone();
        }
        let last = client.call(json!(10), arguments.clone(), Some(&state)).await;
        assert!(last["content"][0]["text"].as_str().unwrap().contains("did not answer"), "{last}");
        assert!(!std::fs::read_to_string(&gateway.log).unwrap().contains("tools/call"));

        // One prompt for all rounds, and a client that disconnects leaves none.
        let asked = || async { s.api().list(&[]).await.body["data"].as_array().unwrap().clone() };
        assert_eq!(asked().await.len(), 2);
        let params = json!({ "name": "read_note", "arguments": { "text": "y" } });
        let open = timeout(SOON, client.send(json!(11), "tools/call", params)).await.unwrap();
        eventually("the third request", async || (asked().await.len() == 3).then_some(())).await;
        drop(open);
        eventually("the cancellation", async || {
            asked().await.iter().all(|approval| approval["status"] == "cancelled").then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_tells_its_own_client_what_changed() {
    story(async |s| {
        let gateway = Listening::start(s, &[]).await;
        let client = Stateless { gateway: &gateway, key: s.key(), name: "one" };
        let wanted = json!({ "notifications": { "toolsListChanged": true } });
        let mut open = [
            client.send(json!("listen-1"), "subscriptions/listen", wanted.clone()).await,
            client.send(json!("listen-2"), "subscriptions/listen", wanted).await,
        ];
        let call = tokio::join!(client.ask(json!(1), "tools/call", json!({ "name": "grow" })), async {
            let prompt = prompt(s).await;
            assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        });
        assert_eq!(call.0["result"]["content"][0]["text"], "grown");
        for (stream, id) in open.iter_mut().zip(["listen-1", "listen-2"]) {
            let mut text = String::new();
            while text.matches("data: ").count() < 2 {
                text += std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap();
            }
            let told: Vec<Value> = text
                .lines()
                .filter_map(|line| Some(serde_json::from_str(line.strip_prefix("data: ")?).unwrap()))
                .collect();
            let methods: Vec<&str> = told.iter().map(|message| message["method"].as_str().unwrap()).collect();
            let expected = ["notifications/subscriptions/acknowledged", "notifications/tools/list_changed"];
            assert_eq!(methods, expected);
            let its =
                |message: &Value| message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == id;
            assert!(told.iter().all(its), "{told:?}");
        }
        eventually("the new tool", async || {
            let integration = s.api().integration("crm").await.body;
            integration["actions"].as_array()?.iter().any(|action| action["key"] == "grown").then_some(())
        })
        .await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_second_request_with_an_id_leaves_the_first_alone() {
    story(async |s| {
        let server = Listening::start(s, &[]).await;
        let session = server.session(s.key()).await;
        let first = server.post(s.key(), Some(&session), &call(2, "echo")).await;
        let prompt = prompt(s).await;
        let second = server.post(s.key(), Some(&session), &call(2, "echo")).await;
        assert_eq!(second.status(), StatusCode::BAD_REQUEST);
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        let answers = messages(first).await;
        assert!(
            answers.last().unwrap()["result"]["content"][0]["text"].as_str().unwrap().contains("echo"),
            "{answers:?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wants_no_pause_is_given_one() {
    let followed = Arc::new(AtomicUsize::new(0));
    let answer = |Json(message): Json<Value>| async move {
        let result =
            json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": { "name": "x" } });
        let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
        ([("mcp-session-id", "s")], Json(answer))
    };
    let count = followed.clone();
    let follow = || async move {
        count.fetch_add(1, Ordering::Relaxed);
        ([("content-type", "text/event-stream")], "retry: 0\n\n")
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}/mcp", listener.local_addr().unwrap());
    let serving = axum::serve(listener, Router::new().route("/mcp", post(answer).get(follow))).into_future();
    let serving = tokio::spawn(serving);
    let mut gateway = Gateway::remote("http://127.0.0.1:9", "cs_x", &["--upstream", &upstream]);
    gateway.introduce().await;
    gateway.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    let began = Instant::now();
    eventually("the stream is opened again", async || (followed.load(Ordering::Relaxed) > 3).then_some(()))
        .await;
    assert!(began.elapsed() > Duration::from_millis(400), "{:?}", began.elapsed());
    drop(gateway);
    serving.abort();
}
