//! `countersign mcp-gateway` as a client of MCP meets it: the real program, in front of a real server.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicUsize, Ordering},
};

use chrono::TimeDelta;
use countersign::slack::view::editing::block_id;
use sandbox::slack::{Gesture, Message, Press, Surface};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use crate::{
    failures::{Process, real_time},
    story::{ALICE, PROMPTLY, SOON, TestApp, eventually, story},
};

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// The gateway with its server, and the client's side of its pipes.
pub struct Gateway {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    /// What came and was not waited for yet.
    seen: VecDeque<Value>,
    /// What the server got.
    log: PathBuf,
}

/// The server's program, for Python.
pub fn server() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/mcp_server.py")
}

/// A file for what the server gets.
pub fn server_log() -> PathBuf {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("mcp-server-{}-{number}.log", std::process::id());
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&log, "").unwrap();
    log
}

impl Gateway {
    /// Starts it in front of the test's server, and introduces the client.
    async fn start(url: &str, key: &str, options: &[&str]) -> Self {
        let log = server_log();
        let command = ["python3".to_owned(), server().display().to_string(), log.display().to_string()];
        let mut gateway = Self::start_before(url, key, options, &command.each_ref().map(String::as_str), log);
        let answer = gateway.introduce().await;
        assert_eq!(answer["result"]["capabilities"]["x-unknown"], json!({}), "{answer}");
        gateway.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        gateway
    }

    pub fn start_before(url: &str, key: &str, options: &[&str], command: &[&str], log: PathBuf) -> Self {
        let arguments: Vec<&str> =
            options.iter().copied().chain(["--"]).chain(command.iter().copied()).collect();
        Self::spawn(url, key, &arguments, log)
    }

    /// Starts it in front of a server that the options name.
    pub fn remote(url: &str, key: &str, options: &[&str]) -> Self {
        Self::spawn(url, key, options, server_log())
    }

    fn spawn(url: &str, key: &str, arguments: &[&str], log: PathBuf) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["mcp-gateway", "--name", "crm", "--user", ALICE])
            .args(arguments)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("COUNTERSIGN_URL", url)
            .env("COUNTERSIGN_API_KEY", key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { input: child.stdin.take(), child, output, seen: VecDeque::new(), log }
    }

    async fn for_test(s: &TestApp, options: &[&str]) -> Self {
        Self::start(&s.url(), s.key(), options).await
    }

    pub async fn introduce(&mut self) -> Value {
        let info = json!({ "name": "tester", "title": "Tester", "version": "1" });
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info });
        self.request(json!("init"), "initialize", params).await
    }

    pub async fn send(&mut self, message: Value) {
        self.send_text(&message.to_string()).await;
    }

    async fn send_text(&mut self, text: &str) {
        self.input.as_mut().unwrap().write_all(format!("{text}\n").as_bytes()).await.unwrap();
    }

    pub async fn request(&mut self, id: Value, method: &str, params: Value) -> Value {
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        self.response(&id).await
    }

    /// Sends a call.
    pub async fn call(&mut self, id: u64, tool: &str, arguments: Value) {
        let params = json!({ "name": tool, "arguments": arguments });
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })).await;
    }

    /// The next message that satisfies something.
    async fn message(&mut self, what: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.seen.iter().position(&what) {
            return self.seen.remove(at).unwrap();
        }
        loop {
            let line = timeout(SOON, self.output.next_line()).await.unwrap().unwrap();
            let message: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if what(&message) {
                return message;
            }
            self.seen.push_back(message);
        }
    }

    async fn response(&mut self, id: &Value) -> Value {
        self.message(|message| message["id"] == *id && message.get("method").is_none()).await
    }

    /// The text of the response to a call, and whether it says that the call failed.
    pub async fn text(&mut self, id: u64) -> (String, bool) {
        let response = self.response(&json!(id)).await;
        let result = &response["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{response}"));
        (text.to_owned(), result["isError"] == true)
    }

    /// The calls that reached the server.
    fn ran(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(&self.log).unwrap();
        let messages = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        messages.filter(|message| message["method"] == "tools/call").collect()
    }

    /// Closes the client's side, and waits for the end.
    pub async fn close(mut self) {
        drop(self.input.take());
        let status = timeout(PROMPTLY, self.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    }
}

/// The next prompt that can be decided.
pub async fn prompt(s: &TestApp) -> Message {
    let shown = |message: &Message| message.has_button("Approve");
    s.slack.wait_for_direct_message(ALICE, shown, SOON).await.unwrap()
}

/// Decides the next prompt, and waits until it shows that.
pub async fn decide(s: &TestApp, choice: &str) {
    let prompt = prompt(s).await;
    let is_choice = prompt.overflow_options().iter().any(|option| option.label == choice);
    let delivery = if is_choice {
        s.choose(ALICE, &prompt, choice).await
    } else {
        s.click(ALICE, &prompt, choice).await
    };
    assert!(delivery.is_ok(), "{delivery:?}");
    s.until(&prompt, |message| !message.has_button("Approve")).await;
}

/// An approval with this status, once there is one.
async fn approval(s: &TestApp, status: &str) -> Value {
    found(s, status, |approval| approval["status"] == status).await
}

/// The report of a call that ended like this, once it came.
async fn result(s: &TestApp, status: &str) -> Value {
    found(s, "a result", |approval| approval["result"]["status"] == status).await["result"].clone()
}

async fn found(s: &TestApp, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    eventually(what, async || {
        let page = s.api().list(&[]).await;
        page.body["data"].as_array()?.iter().find(|approval| fits(approval)).cloned()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_call_runs_once_and_its_result_is_reported() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &[]).await;
        gateway.call(1, "send_mail", json!({ "to": "kim@example.com", "body": "Dear Kim" })).await;
        let prompt = prompt(s).await;
        let shown = prompt.all_text();
        for part in ["Tester", "crm", "Send mail", "kim@example.com", "Destructive"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert_eq!(gateway.ran().len(), 0);
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        let response = gateway.response(&json!(1)).await;
        assert_eq!(
            response["result"],
            json!({ "content": [{ "type": "text", "text": "{\"ran\": \"send_mail\", \"with\": {\"to\": \"kim@example.com\", \"body\": \"Dear Kim\"}}" }], "_meta": { "k": 1 } })
        );
        result(s, "succeeded").await;
        assert_eq!(gateway.ran().len(), 1);
        gateway.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_call_tells_the_model_why_and_does_not_run() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &[]).await;
        gateway.call(1, "send_mail", json!({ "to": "kim@example.com" })).await;
        decide(s, "Deny: not now").await;
        let (text, is_error) = gateway.text(1).await;
        assert!(is_error);
        insta::assert_snapshot!(text, @"Not approved: denied by the user U0ALICE in Slack. Reason: “not now”. The tool did not run. Do not retry unless the user asks.");
        gateway.call(2, "send_mail", json!({ "to": "kim@example.com" })).await;
        decide(s, "Deny").await;
        insta::assert_snapshot!(gateway.text(2).await.0, @"Not approved: denied by the user U0ALICE in Slack. The tool did not run. Do not retry unless the user asks.");
        assert_eq!(gateway.ran().len(), 0);
        gateway.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_for_the_conversation_lasts_as_long_as_the_session() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &[]).await;
        gateway.call(1, "read_note", json!({})).await;
        decide(s, "Approve").await;
        gateway.text(1).await;
        s.unlock("crm.read_note").await;
        gateway.call(2, "read_note", json!({})).await;
        decide(s, "Auto-approve for this conversation").await;
        gateway.text(2).await;
        gateway.call(3, "read_note", json!({ "text": "again" })).await;
        assert!(!gateway.text(3).await.1);
        found(s, "an auto-approval", |approval| approval["decision"]["by"] == "auto").await;
        gateway.close().await;
        let mut other = Gateway::for_test(s, &[]).await;
        other.call(1, "read_note", json!({})).await;
        approval(s, "pending").await;
        other.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edited_arguments_run_instead() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &[]).await;
        gateway.call(1, "read_note", json!({ "text": "Dear Kim" })).await;
        let prompt = prompt(s).await;
        assert!(s.click(ALICE, &prompt, "Edit…").await.is_ok());
        let press = Press::on(Surface::Modal, "value").in_block(&block_id("text"));
        s.slack.press(ALICE, press.doing(Gesture::Enter("Dear Bob".to_owned()))).await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        let (text, is_error) = gateway.text(1).await;
        assert!(!is_error && text.contains("Dear Bob"), "{text}");
        assert_eq!(gateway.ran()[0]["params"]["arguments"], json!({ "text": "Dear Bob" }));
        gateway.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_call_does_not_run() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &["--expires-in", "60"]).await;
        gateway.call(1, "send_mail", json!({ "to": "kim@example.com" })).await;
        prompt(s).await;
        s.clock.advance(TimeDelta::seconds(61));
        insta::assert_snapshot!(gateway.text(1).await.0, @"Not approved: the request for approval expired before the user answered. The tool did not run. Do not retry unless the user asks.");
        assert_eq!(gateway.ran().len(), 0);
        gateway.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_client_cancels_is_cancelled_in_slack() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &[]).await;
        gateway.call(1, "send_mail", json!({ "to": "kim@example.com" })).await;
        let prompt = prompt(s).await;
        let params = json!({ "requestId": 1 });
        gateway
            .send(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params }))
            .await;
        approval(s, "cancelled").await;
        s.until(&prompt, |message| !message.has_button("Approve")).await;
        // Neither the call nor its cancellation reached the server, and no response follows.
        assert_eq!(gateway.request(json!(2), "ping", json!({})).await["result"], json!({}));
        assert_eq!(gateway.ran().len(), 0);
        assert!(gateway.seen.is_empty(), "{:?}", gateway.seen);
        let log = std::fs::read_to_string(&gateway.log).unwrap();
        assert!(!log.contains("cancelled"), "{log}");
        gateway.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_gone_leaves_nothing_to_approve() {
    story(async |s| {
        // What the kernel does for a client that was killed: it closes its side of the pipes.
        let mut gateway = Gateway::for_test(s, &[]).await;
        gateway.call(1, "send_mail", json!({ "to": "kim@example.com" })).await;
        prompt(s).await;
        gateway.close().await;
        approval(s, "cancelled").await;

        let mut gateway = Gateway::for_test(s, &[]).await;
        gateway.call(1, "send_mail", json!({ "to": "kim@example.com" })).await;
        prompt(s).await;
        let id = gateway.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").arg(id).status().unwrap().success());
        assert!(timeout(PROMPTLY, gateway.child.wait()).await.unwrap().unwrap().success());
        approval(s, "cancelled").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_killed_leaves_nothing_to_approve() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &[]).await;
        gateway.call(1, "send_mail", json!({ "to": "kim@example.com" })).await;
        prompt(s).await;
        gateway.child.kill().await.unwrap();
        // Two minutes, in steps that the service does not take for a break.
        for _ in 0..240 {
            s.clock.advance(TimeDelta::milliseconds(500));
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        approval(s, "cancelled").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_keeps_increasing_while_the_user_thinks_and_while_the_tool_runs() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &["--progress-interval", "100"]).await;
        let params = json!({ "name": "slow", "arguments": {}, "_meta": { "progressToken": "p" } });
        gateway.send(json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })).await;
        let is_progress = |message: &Value| message["method"] == "notifications/progress";
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(gateway.message(is_progress).await);
        }
        assert_eq!(seen[0]["params"]["message"], "Waiting for approval in Slack for 0 s");
        decide(s, "Approve").await;
        assert_eq!(gateway.text(1).await.0, "done");
        seen.extend(gateway.seen.drain(..).filter(is_progress));
        let progress: Vec<f64> =
            seen.iter().map(|message| message["params"]["progress"].as_f64().unwrap()).collect();
        assert!(progress.len() >= 6 && progress.is_sorted_by(|a, b| a < b), "{progress:?}");
        assert!(seen.iter().all(|message| message["params"]["progressToken"] == "p"), "{seen:?}");
        gateway.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_progress_token_is_told_which_limit_to_raise() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &["--client-limit", "1"]).await;
        gateway.call(1, "send_mail", json!({ "to": "kim@example.com" })).await;
        insta::assert_snapshot!(gateway.text(1).await.0, @"Not approved: the user did not answer within 1 s, and the request for approval was cancelled. This MCP client sent no progress token, so it can't be told to wait. To give the user longer, raise the client's time limit for tool calls, and set the gateway's --client-limit to a little less than that. The tool did not run. Do not retry unless the user asks.");
        approval(s, "cancelled").await;
        assert_eq!(gateway.ran().len(), 0);
        gateway.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_can_retry_is_told_to_and_its_call_runs_once() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &["--client-limit", "1"]).await;
        let call = |id: u64, state: Value| {
            let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" });
            let mut params = json!({ "name": "read_note", "arguments": { "text": "x" }, "_meta": meta });
            if state.is_string() {
                params["requestState"] = state;
            }
            json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
        };
        gateway.send(call(1, Value::Null)).await;
        let first = gateway.response(&json!(1)).await["result"].clone();
        assert_eq!(first["resultType"], "input_required");
        let forged = first["requestState"].as_str().unwrap().replace(".1.", ".2.");
        gateway.send(call(2, json!(forged))).await;
        assert_eq!(
            gateway.text(2).await.0,
            "Not approved: the call that this requestState belongs to is over. The tool did not run. Do not retry \
             unless the user asks."
        );
        gateway.send(call(3, first["requestState"].clone())).await;
        decide(s, "Approve").await;
        assert!(!gateway.text(3).await.1);
        // A state is good for one try.
        gateway.send(call(4, first["requestState"].clone())).await;
        assert!(gateway.text(4).await.1);
        assert_eq!(gateway.ran().len(), 1);
        assert!(gateway.ran()[0]["params"]["requestState"].is_null());

        // The client waits for another try, and does not come back.
        gateway.send(call(5, Value::Null)).await;
        assert_eq!(gateway.response(&json!(5)).await["result"]["resultType"], "input_required");
        gateway.close().await;
        approval(s, "cancelled").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_else_passes_as_it_is() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &[]).await;
        let list = gateway.request(json!("l"), "tools/list", json!({})).await;
        assert_eq!(list["result"]["nextCursor"], "2");
        assert_eq!(list["result"]["tools"][0]["x-vendor"].to_string(), r#"{"a":[1,2.5]}"#);
        // Bytes that no JSON library would write again like this.
        let request = r#"{ "jsonrpc":"2.0", "id":"u", "method":"x/unknown", "params":{"n":12345678901234567890.10,"_meta":{"a":1}}, "more":1e2 }"#;
        gateway.send_text(request).await;
        let answer = gateway.response(&json!("u")).await;
        assert_eq!(answer["result"]["params"]["_meta"], json!({ "a": 1 }));
        let log = std::fs::read_to_string(&gateway.log).unwrap();
        assert!(log.lines().any(|line| line == request), "{log}");
        assert_eq!(gateway.request(json!("n"), "no/such", json!({})).await["error"]["code"], -32601);

        // A request of the server to the client.
        gateway.call(1, "sample", json!({})).await;
        decide(s, "Approve").await;
        let sampling = gateway.message(|message| message["method"] == "sampling/createMessage").await;
        let answer = json!({ "jsonrpc": "2.0", "id": sampling["id"], "result": { "model": "m" } });
        gateway.send(answer).await;
        assert_eq!(gateway.text(1).await.0, r#"{"model": "m"}"#);
        gateway.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tools_are_described_and_described_again_when_they_change() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &[]).await;
        let actions = async || {
            let integration = s.api().integration("crm").await.body;
            let actions = integration["actions"].as_array().cloned().unwrap_or_default();
            (integration, actions)
        };
        let (integration, found) = eventually("the description", async || {
            let (integration, actions) = actions().await;
            (!actions.is_empty()).then_some((integration, actions))
        })
        .await;
        assert_eq!(integration["requires_connection"], false);
        let keys: Vec<_> = found.iter().map(|action| action["key"].as_str().unwrap()).collect();
        assert!(keys.contains(&"send_mail") && keys.contains(&"files-0x2f_d-0xe9_lete"), "{keys:?}");
        let mail = found.iter().find(|action| action["key"] == "send_mail").unwrap();
        assert_eq!((&mail["name"], &mail["risk"]), (&json!("Send mail"), &json!(["destructive"])));
        assert_eq!(mail["input_schema"]["required"], json!(["to"]));

        gateway.call(1, "grow", json!({})).await;
        decide(s, "Approve").await;
        gateway.message(|message| message["method"] == "notifications/tools/list_changed").await;
        gateway.text(1).await;
        eventually("the new tool", async || {
            actions().await.1.iter().any(|action| action["key"] == "grown").then_some(())
        })
        .await;
        gateway.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_are_trusted_only_if_told_so() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &["--trust-annotations"]).await;
        gateway.call(1, "read_note", json!({})).await;
        assert!(!gateway.text(1).await.1);
        assert!(s.api().list(&[]).await.body["data"].as_array().unwrap().is_empty());
        gateway.call(2, "fail", json!({})).await;
        approval(s, "pending").await;
        gateway.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_calls_are_reported_as_failed() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &[]).await;
        gateway.call(1, "fail", json!({})).await;
        decide(s, "Approve").await;
        assert_eq!(gateway.text(1).await, ("the disk is full".to_owned(), true));
        assert_eq!(result(s, "failed").await["summary"], "the disk is full");
        gateway.call(2, "refuse", json!({})).await;
        decide(s, "Approve").await;
        let error = gateway.response(&json!(2)).await["error"].clone();
        assert_eq!(error, json!({ "code": -32000, "message": "no such mailbox", "data": [1] }));
        found(s, "the second report", |approval| approval["result"]["summary"] == "no such mailbox").await;
        gateway.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_can_be_read_in_two_ways_are_refused() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &[]).await;
        let calls = [
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_note","name":"send_mail"}}"#,
            r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"read_note","Name":"send_mail"}}"#,
            r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"send_mail","arguments":{"to":"a","to":"b"}}}"#,
            r#"{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"send_mail","arguments":{"to":9007199254740993}}}"#,
            r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"arguments":{}}}"#,
            r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"send_mail"}}"#,
            r#"[{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"send_mail"}}]"#,
            r#"{"jsonrpc":"2.0","id":7,"method":"ping","Method":"tools/call","params":{"name":"send_mail"}}"#,
        ];
        for call in calls {
            gateway.send_text(call).await;
        }
        let mut faults = Vec::new();
        for id in 1..=5 {
            let response = gateway.response(&json!(id)).await;
            let error = response["error"]["message"].as_str();
            faults.push(error.or(response["result"]["content"][0]["text"].as_str()).unwrap().to_owned());
        }
        insta::assert_snapshot!(faults.join("\n"), @r#"
        the member "name" could be read in two ways
        the member "Name" could be read in two ways
        Not approved: the call has the member "to" twice at line 1 column 51. The tool did not run.
        Not approved: the call has an integer that a double can't hold exactly, so two readers could read it differently: send it as a string at line 1 column 54. The tool did not run.
        params.name must be a string
        "#);
        for _ in 0..2 {
            assert_eq!(gateway.response(&Value::Null).await["error"]["code"], -32700);
        }
        assert_eq!(gateway.request(json!(9), "ping", json!({})).await["result"], json!({}));
        assert_eq!(gateway.ran().len(), 0);
        assert!(s.api().list(&[]).await.body["data"].as_array().unwrap().is_empty());
        gateway.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_parallel_calls_each_run_once() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &[]).await;
        gateway.call(100, "read_note", json!({})).await;
        decide(s, "Approve").await;
        gateway.text(100).await;
        s.unlock("crm.read_note").await;
        gateway.call(101, "read_note", json!({})).await;
        decide(s, "Auto-approve always").await;
        gateway.text(101).await;
        for id in 0..20 {
            gateway.call(id, "read_note", json!({ "text": id.to_string() })).await;
        }
        for id in (0..20).rev() {
            let (text, is_error) = gateway.text(id).await;
            assert!(!is_error && text.contains(&format!("\"{id}\"")), "{text}");
        }
        assert_eq!(gateway.ran().len(), 22);
        gateway.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_in_a_call_ends_it_with_an_error() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &[]).await;
        gateway.call(1, "crash", json!({})).await;
        gateway.call(2, "send_mail", json!({ "to": "kim@example.com" })).await;
        let mut crash = None;
        for _ in 0..2 {
            let shown = |message: &Message| {
                message.has_button("Approve") && message.all_text().to_lowercase().contains("crash")
            };
            crash = Some(s.slack.wait_for_direct_message(ALICE, shown, SOON).await.unwrap());
        }
        assert!(s.click(ALICE, &crash.unwrap(), "Approve").await.is_ok());
        let (text, is_error) = gateway.text(1).await;
        assert!(is_error);
        insta::assert_snapshot!(text, @"The tool was started and did not finish: the MCP server behind the gateway is not running: its process ended (exit status: 3). It may have done its work, or a part of it.");
        let error = gateway.response(&json!(2)).await["error"]["message"].clone();
        insta::assert_snapshot!(error, @r#""the MCP server behind the gateway is not running: its process ended (exit status: 3)""#);
        eventually("the failure", async || {
            let page = s.api().list(&[]).await;
            let mut all = page.body["data"].as_array().unwrap().iter();
            all.any(|approval| approval["result"]["status"] == "failed").then_some(())
        })
        .await;
        assert!(!timeout(PROMPTLY, gateway.child.wait()).await.unwrap().unwrap().success());
        eventually("the cancellation", async || {
            let page = s.api().list(&[("status", "pending")]).await;
            page.body["data"].as_array().unwrap().is_empty().then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_start_or_answer_is_an_error() {
    story(async |s| {
        let start = |limit: &str, command: &[&str]| {
            Gateway::start_before(&s.url(), s.key(), &["--upstream-limit", limit], command, server_log())
        };
        let mut seen = Vec::new();
        // Programs that end get a limit that a busy machine keeps.
        let cases = [("30", &["/no/such/program"][..]), ("30", &["sh", "-c", "exit 7"]), ("1", &["sleep", "60"])];
        for (limit, command) in cases {
            let mut gateway = start(limit, command);
            seen.push(gateway.introduce().await["error"]["message"].as_str().unwrap().to_owned());
            drop(gateway.input.take());
            timeout(PROMPTLY, gateway.child.wait()).await.unwrap().unwrap();
        }
        insta::assert_snapshot!(seen.join("\n"), @r#"
        the MCP server behind the gateway is not running: could not start `/no/such/program`: no such program. Check the command after `--`
        the MCP server behind the gateway is not running: its process ended (exit status: 7)
        the MCP server did not answer initialize within 1 s
        "#);
        // The server itself starts within the limit, on a busy machine too.
        let mut gateway = Gateway::for_test(s, &["--upstream-limit", "10"]).await;
        gateway.call(1, "hang", json!({})).await;
        decide(s, "Approve").await;
        insta::assert_snapshot!(gateway.text(1).await.0, @"The tool was started and did not finish: the MCP server did not answer within 10 s. It may have done its work, or a part of it.");
        result(s, "failed").await;
        gateway.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_fails_what_it_should_answer_at_once() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &["--upstream-limit", "1"]).await;
        // An unknown method may take as long as it wants.
        gateway.send(json!({ "jsonrpc": "2.0", "id": "x", "method": "x/silent" })).await;
        let error = gateway.request(json!("p"), "prompts/list", json!({})).await["error"].clone();
        insta::assert_snapshot!(error, @r#"{"code":-32603,"message":"the MCP server did not answer prompts/list within 1 s"}"#);
        // The id is free again, and the limit of the first request does not end the second one.
        gateway.send(json!({ "jsonrpc": "2.0", "id": "p", "method": "x/silent" })).await;
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        assert_eq!(gateway.request(json!(2), "ping", json!({})).await["result"], json!({}));
        assert!(gateway.seen.is_empty(), "{:?}", gateway.seen);
        let log = std::fs::read_to_string(&gateway.log).unwrap();
        assert!(log.contains(r#""params":{"requestId":"p","reason":"timed out"}"#), "{log}");
        gateway.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_countersign_nothing_runs() {
    story(async |s| {
        let mut gateway = Gateway::start("http://127.0.0.1:9", s.key(), &["--ask-limit", "1"]).await;
        gateway.call(1, "send_mail", json!({ "to": "kim@example.com" })).await;
        insta::assert_snapshot!(gateway.text(1).await.0, @"Not approved: could not reach Countersign at http://127.0.0.1:9: Connection refused (os error 111). The tool did not run. Do not retry unless the user asks.");
        let mut other = Gateway::start(&s.url(), "cs_wrong", &[]).await;
        other.call(1, "send_mail", json!({ "to": "kim@example.com" })).await;
        insta::assert_snapshot!(other.text(1).await.0, @"Not approved: Countersign refused the request (401): Send `Authorization: Bearer cs_…` with a key that `countersign backend create` or `countersign key create` printed. The tool did not run. Do not retry unless the user asks.");
        assert_eq!(gateway.ran().len() + other.ran().len(), 0);
        gateway.close().await;
        other.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_killed_while_a_call_waits_refuses_it() {
    story(async |s| {
        let (slack, _) = real_time(s).await;
        let process = Process::start(s, &slack);
        let (key, _) = s.create_backend("killed").await;
        let mut gateway = Gateway::start(&process.url, &key, &["--outage-limit", "2"]).await;
        gateway.call(1, "send_mail", json!({ "to": "kim@example.com" })).await;
        let shown = |message: &Message| message.has_button("Approve");
        slack.wait_for_direct_message(ALICE, shown, SOON).await.unwrap();
        process.kill(s).await;
        let (text, is_error) = gateway.text(1).await;
        assert!(is_error && text.starts_with("Not approved: could not reach Countersign"), "{text}");
        assert_eq!(gateway.ran().len(), 0);
        gateway.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hint_that_a_server_takes_back_is_no_longer_trusted() {
    story(async |s| {
        let log = server_log();
        let command = [
            "python3".to_owned(),
            server().display().to_string(),
            log.display().to_string(),
            "turning".to_owned(),
        ];
        let command = command.each_ref().map(String::as_str);
        let mut gateway = Gateway::start_before(&s.url(), s.key(), &["--trust-annotations"], &command, log);
        gateway.introduce().await;
        gateway.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        gateway.call(1, "read_note", json!({})).await;
        assert!(!gateway.text(1).await.1);
        gateway.message(|message| message["method"] == "notifications/tools/list_changed").await;
        gateway.call(2, "read_note", json!({})).await;
        approval(s, "pending").await;
        gateway.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_before_the_call_was_passed_on_changes_nothing() {
    story(async |s| {
        let mut gateway = Gateway::for_test(s, &[]).await;
        gateway.call(7, "send_mail", json!({ "to": "kim@example.com" })).await;
        approval(s, "pending").await;
        gateway.request(json!(8), "x/answer", json!({ "id": 7 })).await;
        decide(s, "Approve").await;
        let (text, failed) = gateway.text(7).await;
        assert!(!failed && text.contains("kim@example.com"), "{text}");
        gateway.close().await;
    })
    .await;
}
