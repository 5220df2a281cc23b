//! The blocks of docs/agents/*.md that people paste, run as they are written, with stand-ins for programs that are not
//! here.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sandbox::{
    ambient,
    backend::{AgentBackend, BackendOptions},
    programs,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{
    gateway::{server, server_log},
    guides::required,
    hook::prompt,
    story::{ALICE, SOON, TestApp, story},
};

/// Runs the hook that the agent's configuration names, as the agent does.
const AGENT: &str = r#"#!/usr/bin/env python3
import json, os, pathlib, subprocess, sys, tomllib
if "--version" in sys.argv:
    print("2.1.295 (Claude Code)")
    sys.exit()
name, home = pathlib.Path(sys.argv[0]).name, pathlib.Path(os.environ["HOME"])
if name == "claude":
    settings = json.loads((home / ".claude/settings.json").read_text())
    hook = settings["hooks"]["PreToolUse"][0]["hooks"][0]
    command = [hook["command"], *hook["args"]]
elif name == "codex":
    settings = tomllib.loads((home / ".codex/config.toml").read_text())
    command = ["sh", "-c", settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"]]
else:
    settings = json.loads(pathlib.Path(".github/hooks/countersign.json").read_text())
    command = ["sh", "-c", settings["hooks"]["PreToolUse"][0]["command"]]
payload = {"session_id": name, "sessionId": name, "cwd": os.getcwd(), "hook_event_name": "PreToolUse",
           "hookEventName": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "make deploy"},
           "tool_use_id": "t-1", "turn_id": "1"}
done = subprocess.run(command, input=json.dumps(payload), capture_output=True, text=True)
print("hook ended", done.returncode, done.stdout, done.stderr)
"#;

const TEMPORAL: &str = r#"
import asyncio, sys, types
import httpx2
class Info:
    workflow_run_id, activity_id, workflow_id = "r-1", "1", "w-1"
class Client:
    async def connect(address): return Client()
    async def execute_workflow(self, run, argument, id, task_queue): return await run(DeleteRecord(), argument)
class DeleteRecord: pass
class Worker:
    def __init__(self, client, **options): pass
    async def __aenter__(self): return self
    async def __aexit__(self, *error): pass
class ApplicationError(Exception):
    def __init__(self, message, non_retryable): super().__init__(message)
same = lambda x: x
async def execute_activity(function, argument, **options): return await function(argument)
activity = types.SimpleNamespace(defn=same, info=Info, heartbeat=lambda: None)
workflow = types.SimpleNamespace(defn=same, run=same, execute_activity=execute_activity)
for name, members in [("temporalio", {"activity": activity, "workflow": workflow}),
                      ("temporalio.client", {"Client": Client}), ("temporalio.worker", {"Worker": Worker}),
                      ("temporalio.exceptions", {"ApplicationError": ApplicationError})]:
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module
sys.modules["httpx"] = httpx2
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"))
"#;

const INNGEST: &str = r#"
export class NonRetriableError extends Error {}
export class Inngest {
  createFunction(options, run) { return run; }
}
export function serve({ functions }) {
  const step = { run: (name, body) => body() };
  functions[0]({ event: { data: { id: 42 } }, step, runId: "r-1" }).then((result) => console.log(JSON.stringify(result)));
}
"#;

const EXPRESS: &str = "const app = { use: () => app, listen: () => app };\nexport default Object.assign(() => app, { json: () => {} });\n";

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/agents").join(name);
    fs::read_to_string(path).unwrap()
}

/// The first block in this language.
fn block(page: &str, language: &str) -> String {
    let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("\n```").unwrap().0.to_owned()
}

/// The block with what the demo would have printed.
fn filled(s: &TestApp, text: &str) -> String {
    let text = text.replace("http://127.0.0.1:8080", &s.url()).replace("http://127.0.0.1:…", &s.url());
    let text = text.replace("https://countersign.example.com", &s.url()).replace("alice@example.com", ALICE);
    text.replace("cs_…", s.key())
}

/// A folder that is a person's home, with programs of its own.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("agent_pages").join(name);
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(home.join("bin")).unwrap();
        symlink(env!("CARGO_BIN_EXE_countersign"), home.join("bin/countersign")).unwrap();
        Self(home)
    }

    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        programs::write(&path, text).unwrap();
        path
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap();
        command
            .env_clear()
            .env("HOME", &self.0)
            .env("PATH", format!("{}:{path}", self.0.join("bin").display()))
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }

    fn shell(&self, script: &str) -> Command {
        let mut command = self.command(Path::new("sh"));
        command.args(["-euc", script]);
        command
    }
}

/// What a program printed, once it has ended well.
fn printed(mut command: Command) -> JoinHandle<String> {
    tokio::task::spawn_blocking(move || {
        let output = command.output().unwrap();
        let (text, complaint) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{text}{complaint}");
        text.into_owned()
    })
}

/// Approves what the program asks for, and gives what it printed.
async fn approved(s: &TestApp, command: Command) -> String {
    let printed = printed(command);
    let asked = tokio::select! {
        asked = prompt(s) => asked,
        () = async { while !printed.is_finished() { tokio::time::sleep(std::time::Duration::from_millis(50)).await } } => {
            panic!("it ended without asking: {:?}", printed.await);
        }
    };
    assert!(s.click(ALICE, &asked, "Approve").await.is_ok());
    s.until(&asked, |message| !message.has_button("Approve")).await;
    tokio::time::timeout(SOON, printed).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocks_for_agents_with_hooks_ask() {
    story(async |s| {
        for (name, program) in [("claude-code", "claude"), ("codex", "codex"), ("vscode", "code")] {
            let home = Home::new(name);
            home.write(&format!("bin/{program}"), AGENT);
            let script = filled(s, &block(&page(&format!("{name}.md")), "sh"));
            // A test has no terminal on which it could confirm.
            let script = script.replace("install --claude", "install --claude --yes");
            let said = approved(s, home.shell(&script)).await;
            let (_, ended) = said.split_once("hook ended ").unwrap_or_else(|| panic!("{said}"));
            assert!(ended.starts_with('0') && !ended.contains("deny"), "{name}: {ended}");
        }
    })
    .await;
}

/// Whether a gateway that this command starts introduces the server behind it.
fn introduces(mut command: Command) {
    use std::io::Write as _;
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let info = json!({ "name": "tester", "version": "1" });
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info });
    let first = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{first}").unwrap();
    let mut line = String::new();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut output, &mut line).unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
    assert!(line.contains("serverInfo"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_of_mcp_clients_start_a_gateway() {
    story(async |s| {
        let home = Home::new("mcp");
        for name in ["cursor.md", "mcp.md"] {
            let settings: Value = serde_json::from_str(&filled(s, &block(&page(name), "json"))).unwrap();
            let server = &settings["mcpServers"]["files"];
            let arguments: Vec<&str> = server["args"]
                .as_array()
                .unwrap()
                .iter()
                .map(|argument| argument.as_str().unwrap())
                .collect();
            let own = arguments.iter().position(|argument| *argument == "--").unwrap();
            let mut command = home.command(&home.0.join("bin").join(server["command"].as_str().unwrap()));
            for (name, value) in server["env"].as_object().unwrap() {
                command.env(name, value.as_str().unwrap());
            }
            // The published server is not here.
            command.args(&arguments[..=own]).arg("python3").arg(crate::gateway::server()).arg(server_log());
            tokio::task::block_in_place(|| introduces(command));
        }
        // The block for the Inspector starts the gateway by a shell.
        let page = page("mcp.md");
        let (_, rest) = page.split_once("sh -c \"").unwrap();
        let (line, _) = rest.split_once('"').unwrap();
        let program = format!("python3 {} {}", server().display(), server_log().display());
        let line = line.replace("npx -y @modelcontextprotocol/server-everything", &program);
        let mut command = home.shell(&line);
        command.env("COUNTERSIGN_URL", s.url()).env("COUNTERSIGN_API_KEY", s.key());
        command.env("COUNTERSIGN_USER", ALICE);
        tokio::task::block_in_place(|| introduces(command));
        // Those that listen have only options that exist.
        let joined = page.replace("\\\n", " ");
        let lines = joined.lines().filter(|line| line.starts_with("    countersign mcp-gateway"));
        let mut listening = 0;
        for line in lines {
            let line = line.replacen(" mcp-gateway", " mcp-gateway --help", 1).replace("\\$CRM_TOKEN", "x");
            let mut command = home.shell(&line.replace("'Authorization: Bearer $CRM_TOKEN'", "'A: b'"));
            let output = tokio::task::block_in_place(|| command.output().unwrap());
            assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
            listening += 1;
        }
        assert_eq!(listening, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_n8n_workflow_asks_and_hears_the_answer() {
    story(async |s| {
        let clock = s.clock.clone();
        let clock = ambient::Clock::from_fn(move || clock.now());
        let receiver = AgentBackend::start(BackendOptions { clock }).await.unwrap();
        receiver.connect(&s.url(), s.key(), &s.keys.as_ref().unwrap().webhook_secret);
        let workflow: Value = serde_json::from_str(&filled(s, &block(&page("n8n.md"), "json"))).unwrap();
        let nodes = workflow["nodes"].as_array().unwrap();
        let parameters = |name: &str| {
            &nodes.iter().find(|node| node["name"] == name).unwrap_or_else(|| panic!("{name}"))["parameters"]
        };
        for (from, to) in workflow["connections"].as_object().unwrap() {
            parameters(from);
            parameters(to["main"][0][0]["node"].as_str().unwrap());
        }
        // n8n's expressions are JavaScript.
        let evaluated = |text: &str| {
            let Some(expression) = text.strip_prefix("={{").and_then(|text| text.strip_suffix("}}")) else {
                return text.to_owned();
            };
            let resume = receiver.webhook_url();
            let program = format!(
                "const $execution = {{ id: 'e-1', resumeUrl: '{resume}' }};\nconsole.log({expression})"
            );
            let output = Command::new("node").args(["-e", &program]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        let ask = parameters("Ask");
        let mut request = reqwest::Client::new()
            .post(ask["url"].as_str().unwrap())
            .header("content-type", "application/json")
            .body(evaluated(ask["jsonBody"].as_str().unwrap()));
        for header in ask["headerParameters"]["parameters"].as_array().unwrap() {
            request = request
                .header(header["name"].as_str().unwrap(), evaluated(header["value"].as_str().unwrap()));
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 201, "{:?}", response.text().await);
        let asked = prompt(s).await;
        assert!(s.click(ALICE, &asked, "Approve").await.is_ok());
        let told = receiver.wait_for_event(|_| true, SOON).await.unwrap();
        let condition = &parameters("Approved?")["conditions"]["conditions"][0];
        assert_eq!(condition["leftValue"], "={{ $json.body.type }}");
        assert_eq!(condition["rightValue"], told.kind.as_str());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_temporal_activity_returns_what_was_approved() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/guides/bin/python");
    if required(&python, "docs/agents/temporal.md").is_none() {
        return;
    }
    story(async |s| {
        let home = Home::new("temporal");
        let program = home.write("approve.py", &block(&page("temporal.md"), "python"));
        let runner = home.write("runner.py", TEMPORAL);
        let mut command = home.command(&python);
        command.arg(runner).arg(program).env("COUNTERSIGN_URL", s.url()).env("COUNTERSIGN_API_KEY", s.key());
        assert_eq!(approved(s, command).await, "{'id': 42}\n");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inngest_function_runs_what_was_approved() {
    let tsx = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples/node_modules/.bin/tsx");
    if required(&tsx, "docs/agents/inngest.md").is_none() {
        return;
    }
    story(async |s| {
        let home = Home::new("inngest");
        let exports = json!({ "name": "inngest", "type": "module", "exports": { ".": "./index.js", "./express": "./index.js" } });
        home.write("node_modules/inngest/package.json", &exports.to_string());
        home.write("node_modules/inngest/index.js", INNGEST);
        home.write("node_modules/express/package.json", r#"{"name":"express","type":"module","main":"index.js"}"#);
        home.write("node_modules/express/index.js", EXPRESS);
        home.write("package.json", r#"{"type":"module"}"#);
        let program = home.write("approve.ts", &block(&page("inngest.md"), "ts"));
        let mut command = home.command(&tsx);
        command.arg(program).env("COUNTERSIGN_URL", s.url()).env("COUNTERSIGN_API_KEY", s.key());
        assert_eq!(approved(s, command).await, "{\"deleted\":42}\n");
    })
    .await;
}
