//! Published clients of MCP in front of `countersign mcp-gateway`. `.ci/guides` installs them.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use sandbox::slack::Message;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{
    gateway::server_log,
    gateway_http::Listening,
    guides::required,
    story::{ALICE, SOON, TestApp, eventually, story},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// A program of `tests/clients` with the gateway as its MCP server.
struct Client {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Client {
    fn start(s: &TestApp, interpreter: &[PathBuf], program: &str) -> Self {
        let mut child = Command::new(&interpreter[0])
            .args(&interpreter[1..])
            .arg(root().join("tests/clients").join(program))
            .arg(env!("CARGO_BIN_EXE_countersign"))
            .args([
                "mcp-gateway",
                "--name",
                "crm",
                "--user",
                ALICE,
                "--progress-interval",
                "100",
                "--",
                "python3",
            ])
            .arg(root().join("tests/it/data/mcp_server.py"))
            .arg(server_log())
            .env("COUNTERSIGN_URL", s.url())
            .env("COUNTERSIGN_API_KEY", s.key())
            .env_remove("http_proxy")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line that does not tell progress, and whether one came before it.
    async fn line(&mut self) -> (String, bool) {
        let mut progressed = false;
        loop {
            let line = timeout(SOON, self.lines.next_line()).await.unwrap().unwrap().unwrap();
            if line != "progress Waiting for approval in Slack" {
                return (line, progressed);
            }
            progressed = true;
        }
    }
}

async fn prompt(s: &TestApp, containing: &str) -> Message {
    let shown = |message: &Message| message.has_button("Approve") && message.all_text().contains(containing);
    s.slack.wait_for_direct_message(ALICE, shown, SOON).await.unwrap()
}

/// Approved after a while, denied, allowed for the conversation and so not asked in twenty parallel calls, killed while
/// it waits.
async fn plays(installed: PathBuf, interpreter: Vec<PathBuf>, program: &'static str) {
    if required(&installed, program).is_none() {
        return;
    }
    story(async |s| {
        let mut client = Client::start(s, &interpreter, program);
        assert_eq!(client.line().await.0.to_lowercase(), "listed send mail true");
        let asked = prompt(s, "kim@example.com").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(s.click(ALICE, &asked, "Approve").await.is_ok());
        let (line, progressed) = client.line().await;
        assert!(progressed && line.starts_with("called") && line.contains("kim@example.com"), "{line}");

        let asked = prompt(s, "bob@example.com").await;
        s.unlock("crm.read_note").await;
        assert!(s.choose(ALICE, &asked, "Deny: not now").await.is_ok());
        let (line, _) = client.line().await;
        assert!(line.starts_with("failed Not approved: denied") && line.contains("not now"), "{line}");

        let asked = prompt(s, "Read note").await;
        assert!(s.choose(ALICE, &asked, "Auto-approve for this conversation").await.is_ok());
        assert!(client.line().await.0.starts_with("called"));
        // Covered by the grant.
        for _ in 0..20 {
            let (line, _) = client.line().await;
            assert!(line.starts_with("called"), "{line}");
        }

        assert_eq!(client.line().await.0, "waits");
        prompt(s, "eve@example.com").await;
        client.child.start_kill().unwrap();
        eventually("the cancellation", async || {
            let cancelled = s.api().list(&[("status", "cancelled")]).await;
            (cancelled.body["data"].as_array()?.len() == 1).then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_is_asked_for() {
    let python = root().join("target/guides/bin/python");
    plays(python.clone(), vec![python], "mcp_client.py").await;
}

/// Client and server speak the revision without sessions.
#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_is_asked_for_by_http() {
    let python = root().join("target/guides/bin/python");
    if required(&python, "mcp_http_client.py").is_none() {
        return;
    }
    story(async |s| {
        let server = root().join("tests/clients/mcp_server_changing.py");
        let interpreter = python.display().to_string();
        let options = ["--client-limit", "1"];
        let gateway = Listening::start_before(&s.url(), &options, &interpreter, &server).await;
        let mut child = Command::new(&python)
            .arg(root().join("tests/clients/mcp_http_client.py"))
            .arg(format!("{}/mcp", gateway.url))
            .env("COUNTERSIGN_API_KEY", s.key())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut input = child.stdin.take().unwrap();
        let mut client = Client { child, lines };
        assert_eq!(client.line().await.0, "listed 2026-07-28 send_mail grow");
        let asked = prompt(s, "kim@example.com").await;
        // Longer than the limit of one request: the client tries again, with the state that it got.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(s.click(ALICE, &asked, "Approve").await.is_ok());
        assert_eq!(client.line().await.0, "called sent to kim@example.com");
        let asked = prompt(s, "bob@example.com").await;
        assert!(s.choose(ALICE, &asked, "Deny: not now").await.is_ok());
        let (line, _) = client.line().await;
        assert!(line.starts_with("failed Not approved: denied") && line.contains("not now"), "{line}");
        let asked = prompt(s, "Grow").await;
        assert!(s.click(ALICE, &asked, "Approve").await.is_ok());
        assert_eq!(client.line().await.0, "called grew");
        assert_eq!(client.line().await.0, "told ToolsListChanged");
        assert_eq!(client.line().await.0, "listed send_mail grow grown");
        prompt(s, "eve@example.com").await;
        input.write_all(b"\n").await.unwrap();
        assert_eq!(client.line().await.0, "gave up");
        eventually("the cancellation", async || {
            let cancelled = s.api().list(&[("status", "cancelled")]).await;
            (cancelled.body["data"].as_array()?.len() == 1).then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_client_is_asked_for() {
    // Not by the program `tsx`, which would leave the process with the client behind when it is killed.
    let loader = root().join("tests/clients/node_modules/tsx/dist/loader.mjs");
    let node = ["node", "--import"].map(PathBuf::from).into_iter().chain([loader.clone()]).collect();
    plays(loader, node, "mcp_client.ts").await;
}
