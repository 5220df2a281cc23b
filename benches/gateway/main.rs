//! What a call through `countersign mcp-gateway` costs, if it is auto-approved: `cargo bench --bench gateway`.
//! `COUNTERSIGN` names another program than the one that is built with it.
//!
//! Three things are done in turn, in every round: a call of the server itself, a request for approval of the service
//! itself, and a call through the gateway, which is both. The rest is the gateway's. Service, gateway and server are
//! processes or tasks on this machine, with a Postgres of their own.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that can't be taken ends here, and prints what it found otherwise"
)]

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use countersign::{domain::api_keys::KeyScopes, service::unlock};
use sandbox::{
    backend::Ask,
    slack::{Message, Surface, names::ALICE},
};
use serde_json::{Value, json};
use testkit::{DeploymentOptions, LocalDeployment};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

const ROUNDS: usize = 500;
const WARM_UP: usize = 50;
/// What the gateway may add, at the median.
const GOAL: Duration = Duration::from_millis(3);
const SOON: Duration = Duration::from_mins(1);

/// A program that speaks MCP.
struct Mcp {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    calls: u64,
}

impl Mcp {
    async fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = child.kill_on_drop(true).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut mcp = Self { input: child.stdin.take().unwrap(), _child: child, output, calls: 0 };
        let info = json!({ "name": "bench", "version": "1" });
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info });
        mcp.request("initialize", params).await;
        mcp.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        mcp
    }

    async fn send(&mut self, message: Value) {
        self.input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn request(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        loop {
            let line = self.output.next_line().await.unwrap().unwrap();
            let message: Value = serde_json::from_str(&line).unwrap_or_default();
            if message["id"] == id {
                return message;
            }
        }
    }

    async fn call(&mut self) -> Value {
        self.request("tools/call", json!({ "name": "read_note", "arguments": { "text": "x" } })).await
    }
}

fn server() -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/mcp_server.py");
    vec!["python3".to_owned(), script.display().to_string(), "/dev/null".to_owned()]
}

async fn decide(app: &LocalDeployment, choice: &str) {
    // A prompt that was decided before no longer has such a choice.
    let offers = |message: &Message| {
        message.has_button(choice) || message.overflow_options().iter().any(|option| option.label == choice)
    };
    let shown = |message: &Message| message.has_button("Approve") && offers(message);
    let prompt = app.slack.wait_for_direct_message(ALICE, shown, SOON).await.unwrap();
    let options = prompt.overflow_options();
    let delivery = match options.iter().find(|option| option.label == choice) {
        Some(option) => {
            app.slack.choose(ALICE, Surface::message(&prompt), &option.action_id, &option.value).await
        }
        None => app.slack.click_label(ALICE, Surface::message(&prompt), choice).await,
    };
    assert!(delivery.unwrap().is_ok());
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[tokio::main]
async fn main() {
    let mut app = LocalDeployment::prepare(DeploymentOptions::default(), |_, _| {}).await.unwrap();
    app.create_own_backend("bench", KeyScopes::DEFAULT).await.unwrap();
    app.start_service().await.unwrap();
    let server = server();
    let mut direct = Mcp::start(Command::new(&server[0]).args(&server[1..])).await;
    let program = std::env::var("COUNTERSIGN").unwrap_or(env!("CARGO_BIN_EXE_countersign").to_owned());
    let mut gateway = Command::new(program);
    gateway.args(["mcp-gateway", "--name", "crm", "--user", ALICE, "--"]).args(&server);
    gateway.env("COUNTERSIGN_URL", app.url()).env("COUNTERSIGN_API_KEY", &app.keys.as_ref().unwrap().api_key);
    let mut gateway = Mcp::start(&mut gateway).await;

    let (_, ()) = tokio::join!(gateway.call(), decide(&app, "Approve"));
    let always = unlock::LockCommand::Unlock(countersign::domain::catalog::UnlockedFor::Always);
    app.set_lock("crm.read_note", always).await.unwrap();
    let (called, ()) = tokio::join!(gateway.call(), decide(&app, "Auto-approve always"));
    assert!(called["result"]["isError"].is_null(), "{called}");

    let api = app.backend.api();
    let ask = Ask::new(ALICE, "crm", "read_note", json!({ "text": "x" }));
    let (mut directly, mut asking, mut through, mut added) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..WARM_UP + ROUNDS {
        let began = Instant::now();
        direct.call().await;
        let called = Instant::now();
        let reply = api.ask(&ask).await;
        let asked = Instant::now();
        let result = gateway.call().await;
        let done = Instant::now();
        assert_eq!(reply.approval_status(), "approved");
        assert!(result["result"]["isError"].is_null(), "{result}");
        if round >= WARM_UP {
            directly.push(called - began);
            asking.push(asked - called);
            through.push(done - asked);
            added.push((done - asked).as_secs_f64() - (asked - began).as_secs_f64());
        }
    }
    let (directly, asking, through) = (median(directly), median(asking), median(through));
    added.sort_unstable_by(f64::total_cmp);
    // It can be negative: a request that a process sends itself may take longer than the gateway's.
    let added = added[added.len() / 2] * 1000.0;
    println!("p50 of {ROUNDS} calls");
    println!("  the server itself        {directly:>10.2?}");
    println!("  a request for approval   {asking:>10.2?}");
    println!("  through the gateway      {through:>10.2?}");
    println!("  the gateway adds         {added:>8.2}ms  (at most {GOAL:?})");
    drop((direct, gateway));
    app.stop().await.unwrap();
    assert!(added <= GOAL.as_secs_f64() * 1000.0, "the gateway adds too much");
}
