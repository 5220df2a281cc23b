//! The real Claude Code behind `countersign hook`, with a model that follows a script. `.ci/claude-code` downloads it
//! and runs these tests; they are ignored otherwise, because it is large and not ours to distribute.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Json, Router, extract::State, http::header, routing::post};
use chrono::TimeDelta;
use countersign::slack::view::editing::block_id;
use sandbox::slack::{Gesture, Press, Surface};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    cli::countersign,
    hook::{prompt, until_abandoned},
    hook_http::alices_key,
    story::{ALICE, IN_WORDS, SOON, TestApp, eventually, story},
};

/// A call of a tool: its name and its arguments.
pub type ToolCall = (&'static str, Value);

/// A model that makes the calls of one turn after the other, and remembers what it read of each.
#[derive(Clone)]
pub struct Model {
    turns: Arc<Vec<Vec<ToolCall>>>,
    read: Arc<Mutex<Vec<String>>>,
}

impl Model {
    /// Starts it, and gives its address.
    pub async fn start(turns: Vec<Vec<ToolCall>>) -> (Self, SocketAddr) {
        let model = Self { turns: Arc::new(turns), read: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = async |State(model): State<Self>, Json(request): Json<Value>| {
            ([(header::CONTENT_TYPE, "text/event-stream")], respond(&model, &request))
        };
        let routes = Router::new().route("/v1/messages", post(answer)).with_state(model.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (model, address)
    }

    fn read(&self) -> Vec<String> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The parts of all messages that have this type.
fn parts<'a>(request: &'a Value, kind: &'static str) -> Vec<&'a Value> {
    let messages = request["messages"].as_array().into_iter().flatten();
    let parts = messages.flat_map(|message| message["content"].as_array().into_iter().flatten());
    parts.filter(|part| part["type"] == kind).collect()
}

/// The Messages API, streamed (<https://platform.claude.com/docs/en/build-with-claude/streaming>).
fn respond(model: &Model, request: &Value) -> String {
    let results = parts(request, "tool_result");
    if !results.is_empty() {
        let texts = results.iter().map(|result| match &result["content"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        *model.read.lock().unwrap_or_else(PoisonError::into_inner) = texts.collect();
    }
    let done = parts(request, "tool_use").len();
    let has_tools = request["tools"].as_array().is_some_and(|tools| !tools.is_empty());
    // The first turn whose calls were not all made.
    let mut before = 0;
    let turn = model.turns.iter().find(|turn| {
        before += turn.len();
        before > done
    });
    let usage = json!({ "input_tokens": 1, "output_tokens": 1 });
    let mut events = vec![json!({ "type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": request["model"], "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage,
    } })];
    let (blocks, stop): (Vec<(Value, Value)>, _) = if let Some(turn) = turn.filter(|_| has_tools) {
        let calls = turn.iter().enumerate().map(|(index, (name, input))| {
            let id = format!("toolu_{}", done + index);
            (
                json!({ "type": "tool_use", "id": id, "name": name, "input": {} }),
                json!({ "type": "input_json_delta", "partial_json": input.to_string() }),
            )
        });
        (calls.collect(), "tool_use")
    } else {
        let text = json!({ "type": "text", "text": "" });
        (vec![(text, json!({ "type": "text_delta", "text": "Done." }))], "end_turn")
    };
    for (index, (block, delta)) in blocks.into_iter().enumerate() {
        events.push(json!({ "type": "content_block_start", "index": index, "content_block": block }));
        events.push(json!({ "type": "content_block_delta", "index": index, "delta": delta }));
        events.push(json!({ "type": "content_block_stop", "index": index }));
    }
    events.push(
        json!({ "type": "message_delta", "delta": { "stop_reason": stop, "stop_sequence": null }, "usage": usage }),
    );
    events.push(json!({ "type": "message_stop" }));
    events.iter().fold(String::new(), |stream, event| {
        format!("{stream}event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
    })
}

/// The variable is set by `.ci/claude-code`.
fn program() -> PathBuf {
    std::env::var_os("COUNTERSIGN_CLAUDE").unwrap().into()
}

/// A home for the agent, with the project in which it works.
pub fn home(name: &str) -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("claude_code").join(name);
    let _ = fs::remove_dir_all(&home);
    fs::create_dir_all(home.join("shop")).unwrap();
    home
}

/// Claude Code in a home of its own.
pub struct Claude {
    pub home: PathBuf,
    model: Model,
    pub child: Child,
}

impl Claude {
    /// Installs the hook as people do, and starts the agent. `url`: the service.
    async fn start(s: &TestApp, name: &str, url: &str, commands: &[&str]) -> Self {
        let settings =
            [("COUNTERSIGN_URL", url), ("COUNTERSIGN_API_KEY", s.key()), ("COUNTERSIGN_USER", ALICE)];
        Self::start_with(name, &[], &settings, commands).await
    }

    /// The same with the hook that needs no program of ours, and this key.
    async fn start_http(key: &str, name: &str, url: &str, commands: &[&str]) -> Self {
        Self::start_with(name, &["--http", "--url", url], &[("COUNTERSIGN_API_KEY", key)], commands).await
    }

    async fn start_with(name: &str, flags: &[&str], settings: &[(&str, &str)], commands: &[&str]) -> Self {
        let home = home(name);
        let mut install =
            countersign(&[&["hook", "install", "--claude", "--yes"], flags, &["--program"]].concat());
        let output = install.arg(program()).env("HOME", &home).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let turns = commands.iter().map(|command| vec![("Bash", json!({ "command": command }))]).collect();
        Self::launch(home, &[], settings, turns).await
    }

    /// Starts the agent with these arguments and variables.
    pub async fn launch(
        home: PathBuf,
        arguments: &[&str],
        settings: &[(&str, &str)],
        turns: Vec<Vec<ToolCall>>,
    ) -> Self {
        let (model, address) = Model::start(turns).await;
        let child = Command::new(program())
            .args(["-p", "Deploy the shop.", "--output-format", "stream-json", "--verbose"])
            .args(arguments)
            .current_dir(home.join("shop"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", &home)
            .env("ANTHROPIC_BASE_URL", format!("http://{address}"))
            .env("ANTHROPIC_API_KEY", "none")
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { home, model, child }
    }

    /// What the model read of each command, once the agent has ended.
    pub async fn ended(&mut self) -> Vec<String> {
        let child = &mut self.child;
        let ended = tokio::time::timeout(SOON * 2, async {
            while child.try_wait().unwrap().is_none() {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        });
        ended.await.unwrap();
        self.model.read()
    }

    /// Whether a command left this file.
    fn has(&self, file: &str) -> bool {
        self.home.join("shop").join(file).exists()
    }

    /// `kill -9` of the hook that waits.
    fn kill_hook(&self) {
        let is_ours = |process: &Path| {
            let has = |file: &str, text: &str| {
                fs::read(process.join(file)).is_ok_and(|read| String::from_utf8_lossy(&read).contains(text))
            };
            has("cmdline", "hook\0--format") && has("environ", &self.home.display().to_string())
        };
        let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
        let hooks: Vec<PathBuf> = processes.filter(|process| is_ours(process)).collect();
        assert_eq!(hooks.len(), 1, "{hooks:?}");
        let killed = Command::new("kill").arg("-9").arg(hooks[0].file_name().unwrap()).status().unwrap();
        assert!(killed.success());
    }
}

impl Drop for Claude {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn describe(s: &TestApp) {
    let mut command = countersign(&["hook", "describe"]);
    command.env("COUNTERSIGN_URL", s.url()).env("COUNTERSIGN_API_KEY", s.key());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    s.unlock("claude.Bash").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claude_runs_what_was_approved() {
    story(async |s| {
        let mut claude = Claude::start(s, "approved", &s.url(), &["touch ran"]).await;
        let asked = prompt(s).await;
        assert!(!claude.has("ran"));
        assert!(s.click(ALICE, &asked, "Approve").await.is_ok());
        claude.ended().await;
        assert!(claude.has("ran"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claudes_model_reads_why_it_was_denied() {
    story(async |s| {
        let mut claude = Claude::start(s, "denied", &s.url(), &["touch ran"]).await;
        let asked = prompt(s).await;
        assert!(s.choose(ALICE, &asked, IN_WORDS).await.is_ok());
        let press = Press::on(Surface::Modal, "reason").doing(Gesture::Enter("Not on Fridays".to_owned()));
        s.slack.press(ALICE, press).await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        let read = claude.ended().await.join("\n");
        assert!(read.contains("Not on Fridays") && read.contains("Do not retry"), "{read}");
        assert!(!claude.has("ran"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claudes_second_call_is_not_asked_about() {
    story(async |s| {
        describe(s).await;
        let mut claude = Claude::start(s, "grant", &s.url(), &["touch one", "touch two"]).await;
        let asked = prompt(s).await;
        assert!(s.choose(ALICE, &asked, "Auto-approve for this conversation").await.is_ok());
        assert_eq!(claude.ended().await.len(), 2);
        assert!(claude.has("one") && claude.has("two"));
        assert_eq!(s.slack.direct_messages(ALICE).len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claude_runs_changed_arguments() {
    story(async |s| {
        describe(s).await;
        let mut claude = Claude::start(s, "edited", &s.url(), &["touch asked"]).await;
        let asked = prompt(s).await;
        assert!(s.click(ALICE, &asked, "Edit…").await.is_ok());
        let gesture = Gesture::Enter("touch edited".to_owned());
        let press = Press::on(Surface::Modal, "value").in_block(&block_id("command")).doing(gesture);
        s.slack.press(ALICE, press).await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        claude.ended().await;
        assert!(claude.has("edited") && !claude.has("asked"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claude_does_not_run_what_no_one_answers() {
    story(async |s| {
        let mut claude = Claude::start(s, "expired", &s.url(), &["touch ran"]).await;
        prompt(s).await;
        s.clock.advance(TimeDelta::minutes(30));
        let read = claude.ended().await.join("\n");
        assert!(read.contains("Expired"), "{read}");
        assert!(!claude.has("ran"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claude_runs_nothing_while_the_service_is_down() {
    story(async |s| {
        let mut claude = Claude::start(s, "down", "http://127.0.0.1:1", &["touch ran"]).await;
        let read = claude.ended().await.join("\n");
        assert!(read.contains("could not reach Countersign"), "{read}");
        assert!(!claude.has("ran"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claude_runs_nothing_if_its_hook_is_killed() {
    story(async |s| {
        let mut claude = Claude::start(s, "hook_killed", &s.url(), &["touch ran"]).await;
        prompt(s).await;
        claude.kill_hook();
        let read = claude.ended().await.join("\n");
        assert!(!claude.has("ran"), "{read}");
        assert_eq!(claude.model.read().len(), 1);
        until_abandoned(s).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn a_killed_claude_leaves_nothing_to_approve() {
    story(async |s| {
        let mut claude = Claude::start(s, "killed", &s.url(), &["touch ran"]).await;
        prompt(s).await;
        claude.child.kill().unwrap();
        claude.child.wait().unwrap();
        let cancelled = async || {
            let approvals = s.api().list(&[]).await.data().to_vec();
            (approvals[0]["status"] == "cancelled").then_some(())
        };
        eventually("a cancelled approval", cancelled).await;
        assert!(!claude.has("ran"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claude_runs_what_was_approved_over_http() {
    story(async |s| {
        let key = alices_key(s).await;
        let mut claude = Claude::start_http(&key, "http_approved", &s.url(), &["touch ran"]).await;
        let asked = prompt(s).await;
        // For longer than the pause between two spaces.
        tokio::time::sleep(std::time::Duration::from_secs(20)).await;
        assert!(!claude.has("ran"));
        assert!(s.click(ALICE, &asked, "Approve").await.is_ok());
        claude.ended().await;
        assert!(claude.has("ran"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claudes_model_reads_why_it_was_denied_over_http() {
    story(async |s| {
        let key = alices_key(s).await;
        let mut claude = Claude::start_http(&key, "http_denied", &s.url(), &["touch ran"]).await;
        let asked = prompt(s).await;
        assert!(s.choose(ALICE, &asked, IN_WORDS).await.is_ok());
        let press = Press::on(Surface::Modal, "reason").doing(Gesture::Enter("Not on Fridays".to_owned()));
        s.slack.press(ALICE, press).await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        let read = claude.ended().await.join("\n");
        assert!(read.contains("Not on Fridays") && read.contains("Do not retry"), "{read}");
        assert!(!claude.has("ran"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claudes_second_call_over_http_is_not_asked_about() {
    story(async |s| {
        let key = alices_key(s).await;
        describe(s).await;
        let mut claude = Claude::start_http(&key, "http_grant", &s.url(), &["touch one", "touch two"]).await;
        let asked = prompt(s).await;
        assert!(s.choose(ALICE, &asked, "Auto-approve for this conversation").await.is_ok());
        assert_eq!(claude.ended().await.len(), 2);
        assert!(claude.has("one") && claude.has("two"));
        assert_eq!(s.slack.direct_messages(ALICE).len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claude_runs_changed_arguments_over_http() {
    story(async |s| {
        let key = alices_key(s).await;
        describe(s).await;
        let mut claude = Claude::start_http(&key, "http_edited", &s.url(), &["touch asked"]).await;
        let asked = prompt(s).await;
        assert!(s.click(ALICE, &asked, "Edit…").await.is_ok());
        let gesture = Gesture::Enter("touch edited".to_owned());
        let press = Press::on(Surface::Modal, "value").in_block(&block_id("command")).doing(gesture);
        s.slack.press(ALICE, press).await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        claude.ended().await;
        assert!(claude.has("edited") && !claude.has("asked"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claude_does_not_run_over_http_what_no_one_answers() {
    story(async |s| {
        let key = alices_key(s).await;
        let mut claude = Claude::start_http(&key, "http_expired", &s.url(), &["touch ran"]).await;
        prompt(s).await;
        s.clock.advance(TimeDelta::minutes(30));
        let read = claude.ended().await.join("\n");
        assert!(read.contains("Expired"), "{read}");
        assert!(!claude.has("ran"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claude_runs_nothing_over_http_while_the_service_is_down() {
    story(async |s| {
        let key = alices_key(s).await;
        let mut claude = Claude::start_http(&key, "http_down", "http://127.0.0.1:1", &["touch ran"]).await;
        let read = claude.ended().await;
        assert_eq!(read.len(), 1, "{read:?}");
        assert!(!claude.has("ran"), "{read:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claude_runs_nothing_over_http_with_a_wrong_key() {
    story(async |s| {
        let mut claude = Claude::start_http(s.key(), "http_key", &s.url(), &["touch ran"]).await;
        let read = claude.ended().await;
        assert_eq!(read.len(), 1, "{read:?}");
        assert!(!claude.has("ran"), "{read:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claude_runs_nothing_if_the_service_dies_while_it_waits() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        let read = stream.read(&mut head).await.unwrap();
        assert!(head[..read].starts_with(b"POST /v1/hooks/claude-code?limit=1800 "));
        let begun = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n\n\r\n";
        stream.write_all(begun.as_bytes()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    });
    let mut claude = Claude::start_http("cs_none", "http_dies", &url, &["touch ran"]).await;
    let read = claude.ended().await;
    service.await.unwrap();
    assert_eq!(read.len(), 1, "{read:?}");
    assert!(!claude.has("ran"), "{read:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn a_claude_that_is_killed_over_http_leaves_nothing_to_approve() {
    story(async |s| {
        let key = alices_key(s).await;
        let mut claude = Claude::start_http(&key, "http_killed", &s.url(), &["touch ran"]).await;
        prompt(s).await;
        claude.child.kill().unwrap();
        claude.child.wait().unwrap();
        let cancelled = async || {
            let approvals = s.api().list(&[]).await.data().to_vec();
            (approvals[0]["status"] == "cancelled").then_some(())
        };
        eventually("a cancelled approval", cancelled).await;
        assert!(!claude.has("ran"));
    })
    .await;
}
