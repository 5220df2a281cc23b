//! `countersign hook`: the real process, started as an agent starts it, at the real service.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use chrono::TimeDelta;
use countersign::slack::view::editing::block_id;
use sandbox::{
    backend::digest,
    programs,
    slack::{Gesture, Message, Press, Surface},
};
use serde_json::{Value, json};

use crate::{
    cli::countersign,
    story::{ALICE, IN_WORDS, SOON, TestApp, eventually, story},
};

/// What Claude Code writes to a hook.
pub fn payload(session: &str, tool_use: &str) -> Value {
    json!({
        "session_id": session, "cwd": "/home/alice/shop", "prompt_id": "p-1", "permission_mode": "default",
        "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": { "command": "make deploy" },
        "tool_use_id": tool_use,
    })
}

/// The hook, set up for Alice.
fn hook(s: &TestApp, arguments: &[&str]) -> Command {
    let mut command = countersign(&[&["hook"], arguments].concat());
    command
        .env("COUNTERSIGN_URL", s.url())
        .env("COUNTERSIGN_API_KEY", s.key())
        .env("COUNTERSIGN_USER", ALICE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn start(mut command: Command, payload: &Value) -> Child {
    let mut child = command.spawn().unwrap();
    // A hook that has found a fault may have closed it.
    let _ = child.stdin.take().unwrap().write_all(payload.to_string().as_bytes());
    child
}

/// How the hook ended: its status, what it answered and what it complained of.
async fn ended(child: Child) -> (Option<i32>, Value, String) {
    let ended = tokio::task::spawn_blocking(|| child.wait_with_output());
    let Output { status, stdout, stderr } =
        tokio::time::timeout(SOON, ended).await.unwrap().unwrap().unwrap();
    let answer = serde_json::from_slice(&stdout).unwrap_or(Value::Null);
    (status.code(), answer, String::from_utf8(stderr).unwrap())
}

/// What the agent reads.
async fn answered(child: Child) -> Value {
    let (status, answer, complaint) = ended(child).await;
    assert_eq!((status, complaint.as_str()), (Some(0), ""));
    answer
}

/// Asserts that the call is blocked, and gives the one line that says why.
async fn blocked(child: Child) -> String {
    let (status, answer, complaint) = ended(child).await;
    assert_eq!((status, &answer), (Some(2), &Value::Null), "{complaint}");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    complaint.trim_end().to_owned()
}

pub fn decision(answer: &Value) -> &str {
    answer["hookSpecificOutput"]["permissionDecision"].as_str().unwrap_or_default()
}

/// The only prompt that can be decided.
pub async fn prompt(s: &TestApp) -> Message {
    s.slack.wait_for_direct_message(ALICE, |message| message.has_button("Approve"), SOON).await.unwrap()
}

/// The prompt that shows this text and can be decided. Slack takes one message a second, so time passes.
pub async fn prompt_about(s: &TestApp, text: &str) -> Message {
    let found = async || {
        let asks = |message: &Message| message.has_button("Approve") && message.all_text().contains(text);
        let found = s.slack.direct_messages(ALICE).into_iter().find(asks);
        if found.is_none() {
            s.clock.advance(TimeDelta::seconds(1));
        }
        found
    };
    eventually("a prompt", found).await
}

/// The approvals of the test's backend, newest first.
pub async fn approvals(s: &TestApp) -> Vec<Value> {
    s.api().list(&[]).await.data().to_vec()
}

/// Describes what Claude Code does itself, so that people can auto-approve and edit it.
pub async fn describe(s: &TestApp) {
    let body = json!({
        "name": "Claude Code", "requires_connection": false,
        "actions": [{
            "key": "Bash", "name": "Bash", "title": "Run {command}", "input_schema": {
                "type": "object", "properties": { "command": { "type": "string" } }, "required": ["command"],
            },
        }],
    });
    let reply = s.api().put_integration("claude", &body).await;
    assert!(reply.is_success(), "{reply:?}");
    s.unlock("claude.Bash").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_call_runs() {
    story(async |s| {
        let child = start(hook(s, &[]), &payload("s-1", "toolu_1"));
        let prompt = prompt(s).await;
        let shown = prompt.all_text();
        for text in ["Claude Code", "Bash", "make deploy", "shop"] {
            assert!(shown.contains(text), "{text}: {shown}");
        }
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        insta::assert_json_snapshot!(answered(child).await, @r#"
        {
          "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "allow",
            "permissionDecisionReason": "Approved in Slack by U0ALICE."
          }
        }
        "#);
        // The same tool use again, as after a hook that was killed.
        assert_eq!(decision(&answered(start(hook(s, &[]), &payload("s-1", "toolu_1"))).await), "allow");
        assert_eq!(approvals(s).await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_call_tells_the_model_why() {
    story(async |s| {
        let child = start(hook(s, &[]), &payload("s-1", "toolu_1"));
        let prompt = prompt(s).await;
        assert!(s.choose(ALICE, &prompt, IN_WORDS).await.is_ok());
        let press = Press::on(Surface::Modal, "reason").doing(Gesture::Enter("Not on Fridays".to_owned()));
        s.slack.press(ALICE, press).await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        insta::assert_json_snapshot!(answered(child).await, @r#"
        {
          "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": "Denied in Slack by U0ALICE. Their reason: “Not on Fridays”. Do not retry this, in the same or another way, unless the user asks you to."
          }
        }
        "#);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_for_the_conversation_is_for_the_session() {
    story(async |s| {
        describe(s).await;
        let child = start(hook(s, &[]), &payload("s-1", "toolu_1"));
        let first = prompt(s).await;
        assert!(s.choose(ALICE, &first, "Auto-approve for this conversation").await.is_ok());
        assert_eq!(decision(&answered(child).await), "allow");
        let again = answered(start(hook(s, &[]), &payload("s-1", "toolu_2"))).await;
        insta::assert_snapshot!(again["hookSpecificOutput"]["permissionDecisionReason"].as_str().unwrap(), @"Approved automatically: U0ALICE allowed this action before.");
        let other = start(hook(s, &[]), &payload("s-2", "toolu_3"));
        let asked = prompt(s).await;
        assert_ne!(asked.ts, first.ts);
        assert!(s.click(ALICE, &asked, "Deny").await.is_ok());
        assert_eq!(decision(&answered(other).await), "deny");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_arguments_are_what_the_agent_runs() {
    story(async |s| {
        describe(s).await;
        let child = start(hook(s, &[]), &payload("s-1", "toolu_1"));
        let prompt = prompt(s).await;
        assert!(s.choose(ALICE, &prompt, "Edit and approve…").await.is_ok());
        let gesture = Gesture::Enter("make deploy-staging".to_owned());
        let press = Press::on(Surface::Modal, "value").in_block(&block_id("command")).doing(gesture);
        s.slack.press(ALICE, press).await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        insta::assert_json_snapshot!(answered(child).await, @r#"
        {
          "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "allow",
            "updatedInput": {
              "command": "make deploy-staging"
            },
            "additionalContext": "Approved in Slack by U0ALICE, who changed the arguments. The tool ran with: {\"command\":\"make deploy-staging\"}",
            "permissionDecisionReason": "Approved in Slack by U0ALICE, who changed the arguments."
          }
        }
        "#);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_no_one_answers_is_refused() {
    story(async |s| {
        let child = start(hook(s, &["--limit", "1800"]), &payload("s-1", "toolu_1"));
        prompt(s).await;
        s.clock.advance(TimeDelta::minutes(30));
        let answer = answered(child).await;
        assert_eq!(decision(&answer), "deny");
        insta::assert_snapshot!(answer["hookSpecificOutput"]["permissionDecisionReason"].as_str().unwrap(), @"Expired: U0ALICE did not answer in Slack within 30 minutes. Do not retry this, in the same or another way, unless the user asks you to.");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_may_restart_while_a_hook_waits() {
    story(async |s| {
        s.config.listen = s.url().strip_prefix("http://").unwrap().parse().unwrap();
        let child = start(hook(s, &[]), &payload("s-1", "toolu_1"));
        let prompt = prompt(s).await;
        s.restart().await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(decision(&answered(child).await), "allow");
        assert_eq!(approvals(s).await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_blocks_the_call_and_says_why_in_one_line() {
    story(async |s| {
        let call = payload("s-1", "toolu_1");
        let mut down = hook(s, &["--retry", "1"]);
        down.env("COUNTERSIGN_URL", "http://127.0.0.1:1");
        insta::assert_snapshot!(blocked(start(down, &call)).await, @"countersign: The tool was not run: could not reach Countersign at http://127.0.0.1:1: Connection refused (os error 111)");
        let mut wrong = hook(s, &[]);
        wrong.env("COUNTERSIGN_API_KEY", "cs_wrong");
        insta::assert_snapshot!(blocked(start(wrong, &call)).await, @"countersign: The tool was not run: COUNTERSIGN_API_KEY is not a valid key. Ask your operator for one");
        let mut without = hook(s, &[]);
        without.env_remove("COUNTERSIGN_API_KEY");
        insta::assert_snapshot!(blocked(start(without, &call)).await, @"countersign: The tool was not run: COUNTERSIGN_API_KEY is not set. Set it in the environment, or give --api-key");
        let mut userless = hook(s, &[]);
        userless.env_remove("COUNTERSIGN_USER");
        insta::assert_snapshot!(blocked(start(userless, &call)).await, @"countersign: The tool was not run: COUNTERSIGN_USER is not set. Set it in the environment, or give --user");
        let mut stranger = hook(s, &[]);
        stranger.env("COUNTERSIGN_USER", "nobody@example.com");
        insta::assert_snapshot!(blocked(start(stranger, &call)).await, @"countersign: The tool was not run: Countersign refused the request (422): Check the address, or send the user's Slack id. The app needs the scope users:read.email.");
        insta::assert_snapshot!(blocked(start(hook(s, &["--limit", "20"]), &call)).await, @"countersign: The tool was not run: the hook's limit of 20 s leaves no time to decide: raise its timeout to at least 25 s, and --limit with it");
        let mut large = call.clone();
        large["tool_input"]["command"] = json!("x".repeat(300 * 1024));
        insta::assert_snapshot!(blocked(start(hook(s, &[]), &large)).await, @"countersign: The tool was not run: Countersign refused the request (413): Send at most 256 KiB: pass large contents by reference.");
        let empty = blocked(start(hook(s, &[]), &Value::Null)).await;
        assert!(empty.contains("the hook's input is not a JSON object"), "{empty}");
        assert_eq!(approvals(s).await.len(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_is_stopped_leaves_nothing_to_approve() {
    story(async |s| {
        let child = start(hook(s, &[]), &payload("s-1", "toolu_1"));
        prompt(s).await;
        let kill = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(kill.success());
        insta::assert_snapshot!(blocked(child).await, @"countersign: The tool was not run: the agent stopped the hook before there was a decision, so the request was cancelled");
        assert_eq!(approvals(s).await[0]["status"], "cancelled");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_whose_agent_is_killed_leaves_nothing_to_approve() {
    story(async |s| {
        // The shell is the agent. It is killed while its hook waits, and can't pass anything on.
        let mut agent = Command::new("sh");
        agent.args(["-c", r#""$0" hook; :"#, env!("CARGO_BIN_EXE_countersign")]).env_clear();
        for name in ["COUNTERSIGN_URL", "COUNTERSIGN_API_KEY", "COUNTERSIGN_USER"] {
            let hook = hook(s, &[]);
            let value = hook.get_envs().find(|(key, _)| *key == name).unwrap().1.unwrap().to_owned();
            agent.env(name, value);
        }
        agent.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut agent = start(agent, &payload("s-1", "toolu_1"));
        prompt(s).await;
        agent.kill().unwrap();
        agent.wait().unwrap();
        let cancelled = async || {
            let approval = approvals(s).await.remove(0);
            (approval["status"] == "cancelled").then_some(())
        };
        eventually("a cancelled approval", cancelled).await;
    })
    .await;
}

/// A service that answers each attempt with the next of these, and the idempotency keys of the attempts.
async fn stub(answers: Vec<(u16, Value)>) -> (String, Arc<Mutex<Vec<String>>>) {
    let keys = Arc::<Mutex<Vec<String>>>::default();
    let seen = Arc::clone(&keys);
    let respond = move |headers: HeaderMap| {
        let mut seen = seen.lock().unwrap();
        seen.push(headers["idempotency-key"].to_str().unwrap().to_owned());
        let (status, body) = answers[seen.len() - 1].clone();
        async move { (StatusCode::from_u16(status).unwrap(), [("retry-after", "0")], Json(body)) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // It is older than permits.
    let unknown = json!({ "type": "urn:countersign:problem:unknown-path", "status": 404 });
    let unknown = move || std::future::ready((StatusCode::NOT_FOUND, Json(unknown.clone())));
    let routes = Router::new().route("/v1/approvals", post(respond)).fallback(unknown);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, keys)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_is_not_understood_blocks_the_call() {
    story(async |s| {
        let approval = |command: &str| {
            let arguments = json!({ "command": command });
            json!({
                "id": "apr_0192f7c3a4b57d0e8f1a2b3c4d5e6f70", "status": "approved", "user": ALICE,
                "integration": "claude", "action": "Bash", "arguments_digest": digest(&arguments),
                "arguments": arguments, "decision": {
                    "outcome": "approved", "by": "user", "user": ALICE, "reason": null, "arguments": null,
                    "arguments_digest": null,
                },
            })
        };
        let mut unknown = approval("make deploy");
        unknown["status"] = json!("granted");
        let busy = [(503, json!({})), (429, json!({})), (502, Value::Null)];
        let mut said = Vec::new();
        for last in [approval("make deploy"), approval("rm -rf /"), unknown, json!({ "status": "approved" })] {
            let (url, keys) = stub([&busy[..], &[(201, last)]].concat()).await;
            let mut command = hook(s, &[]);
            command.env("COUNTERSIGN_URL", url);
            let (status, answer, complaint) = ended(start(command, &payload("s-1", "toolu_1"))).await;
            said.push(format!("{status:?} {}{}", decision(&answer), complaint.trim_end()));
            let keys = keys.lock().unwrap();
            assert!(keys.len() == 4 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
        }
        insta::assert_snapshot!(said.join("\n"), @r#"
        Some(0) allow
        Some(2) countersign: The tool was not run: could not understand Countersign's response: the response is the approval of a different call from the one that was asked for
        Some(2) countersign: The tool was not run: could not understand Countersign's response: the approval's status "granted" is unknown to this version, or is not that of its decision
        Some(2) countersign: The tool was not run: could not understand Countersign's response: the response is not an approval: missing field `id`
        "#);
    })
    .await;
}

/// Agents run the tool of a hook that takes longer than its limit.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_falls_silent_blocks_the_call_before_the_agents_limit() {
    story(async |s| {
        let arguments = json!({ "command": "make deploy" });
        let pending = json!({
            "id": "apr_0192f7c3a4b57d0e8f1a2b3c4d5e6f70", "status": "pending", "user": ALICE,
            "integration": "claude", "action": "Bash", "arguments_digest": digest(&arguments),
            "arguments": arguments, "decision": null,
        });
        let asked = post(move || std::future::ready((StatusCode::CREATED, Json(pending.clone()))));
        let routes = Router::new().route("/v1/approvals", asked).fallback(std::future::pending::<StatusCode>);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut command = hook(s, &["--limit", "25"]);
        command.env("COUNTERSIGN_URL", format!("http://{}", listener.local_addr().unwrap()));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let started = Instant::now();
        let complaint = blocked(start(command, &payload("s-1", "toolu_1"))).await;
        assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
        assert!(complaint.contains("did not answer before the hook's limit"), "{complaint}");
    })
    .await;
}

/// Time passes until this approval has been cancelled, in steps in which an instance reports who listens.
pub async fn until_abandoned(s: &TestApp) {
    let abandoned = async || {
        s.clock.advance(TimeDelta::milliseconds(500));
        let approval = approvals(s).await.remove(0);
        (approval["status"] == "cancelled").then(|| approval["decision"]["reason"].clone())
    };
    let why = eventually("a cancelled approval", abandoned).await;
    assert_eq!(why, "no caller listened for 60 s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_hook_leaves_nothing_to_approve() {
    story(async |s| {
        let mut child = start(hook(s, &[]), &payload("s-1", "toolu_1"));
        let prompt = prompt(s).await;
        child.kill().unwrap();
        child.wait().unwrap();
        until_abandoned(s).await;
        s.until(&prompt, |message| !message.has_button("Approve")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_hooks_each_get_their_own_decision() {
    story(async |s| {
        let hooks: Vec<_> = (0..20)
            .map(|number| {
                let mut call = payload(&format!("s-{number}"), "toolu_1");
                call["tool_input"]["command"] = json!(format!("step-{number}-"));
                start(hook(s, &["--limit", "86400"]), &call)
            })
            .collect();
        for (number, child) in hooks.into_iter().enumerate() {
            let word = format!("step-{number}-");
            let prompt = prompt_about(s, &word).await;
            let (label, expected) = if number % 3 == 0 { ("Deny", "deny") } else { ("Approve", "allow") };
            assert!(s.click(ALICE, &prompt, label).await.is_ok());
            assert_eq!(decision(&answered(child).await), expected, "{number}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_agent_is_answered_in_its_format() {
    story(async |s| {
        let mut answers = Vec::new();
        for (name, event) in [("codex", "PreToolUse"), ("claude", "PermissionRequest"), ("hermes", "pre_tool_call")] {
            for label in ["Approve", "Deny"] {
                let mut call = payload(&format!("s-{name}-{label}"), "toolu_1");
                call["hook_event_name"] = json!(event);
                let child = start(hook(s, &["--format", name, "--limit", "86400"]), &call);
                let prompt = prompt_about(s, "make deploy").await;
                assert!(s.click(ALICE, &prompt, label).await.is_ok());
                answers.push(format!("{name} {label}: {}", answered(child).await));
                s.until(&prompt, |message| !message.has_button("Approve")).await;
            }
        }
        insta::assert_snapshot!(answers.join("\n"), @r#"
        codex Approve: null
        codex Deny: {"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"Denied in Slack by U0ALICE, who gave no reason. Do not retry this, in the same or another way, unless the user asks you to."}}
        claude Approve: {"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"allow"}}}
        claude Deny: {"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"deny","message":"Denied in Slack by U0ALICE, who gave no reason. Do not retry this, in the same or another way, unless the user asks you to."}}}
        hermes Approve: null
        hermes Deny: {"decision":"block","reason":"Denied in Slack by U0ALICE, who gave no reason. Do not retry this, in the same or another way, unless the user asks you to."}
        "#);
    })
    .await;
}

/// `countersign hook install` and the like, in a home of its own with a Claude Code of this version.
struct Home(PathBuf);

impl Home {
    fn new(name: &str, version: &str) -> Self {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(home.join(".claude")).unwrap();
        fs::create_dir_all(home.join("bin")).unwrap();
        let program = home.join("bin/claude");
        programs::write(&program, &format!("#!/bin/sh\necho '{version} (Claude Code)'\n")).unwrap();
        Self(home)
    }

    fn settings(&self) -> PathBuf {
        self.0.join(".claude/settings.json")
    }

    /// What it printed; `Err`: what it complained of.
    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = countersign(&[&["hook"], arguments].concat());
        command
            .env("HOME", &self.0)
            .env("PATH", self.0.join("bin"))
            .current_dir(&self.0)
            .stdin(Stdio::null());
        let output = command.output().unwrap();
        let home = self.0.display().to_string();
        let said = |bytes: Vec<u8>| {
            let said = String::from_utf8(bytes).unwrap().replace(&home, "HOME");
            said.replace(env!("CARGO_BIN_EXE_countersign"), "/usr/bin/countersign")
        };
        if output.status.success() { Ok(said(output.stdout)) } else { Err(said(output.stderr)) }
    }
}

const SETTINGS: &str = "{ \"model\": \"opus\",\n  \"hooks\": {\"Stop\": []}, \"env\": {\"A\": \"1\"} }\n";

#[test]
fn installing_keeps_the_rest_and_uninstalling_restores_it() {
    let home = Home::new("hook_installed", "2.1.295");
    fs::write(home.settings(), SETTINGS).unwrap();
    fs::set_permissions(home.settings(), fs::Permissions::from_mode(0o640)).unwrap();
    insta::assert_snapshot!(home.run(&["install", "--claude", "--limit", "600", "--map", "gh=github"]).unwrap_err(), @"countersign: standard input is not a terminal, so nothing was changed: confirm with --yes");
    assert_eq!(fs::read_to_string(home.settings()).unwrap(), SETTINGS);

    let install = ["install", "--claude", "--limit", "600", "--map", "gh=github", "--yes"];
    insta::assert_snapshot!(home.run(&install).unwrap(), @r#"
    HOME/.claude/settings.json
    - { "model": "opus",
    -   "hooks": {"Stop": []}, "env": {"A": "1"} }
    + {
    +   "model": "opus",
    +   "hooks": {
    +     "Stop": [],
    +     "PreToolUse": [
    +       {
    +         "matcher": "Bash|PowerShell|Monitor|Write|Edit|MultiEdit|NotebookEdit|WebFetch|WebSearch|mcp__.*",
    +         "hooks": [
    +           {
    +             "type": "command",
    +             "command": "/usr/bin/countersign",
    +             "args": [
    +               "hook",
    +               "--format",
    +               "claude",
    +               "--limit",
    +               "600",
    +               "--map",
    +               "gh=github"
    +             ],
    +             "timeout": 600,
    +             "onFailure": "block",
    +             "statusMessage": "Waiting for approval in Slack"
    +           }
    +         ]
    +       }
    +     ]
    +   },
    +   "env": {
    +     "A": "1"
    +   }
    + }
    Installed. Set COUNTERSIGN_URL and COUNTERSIGN_API_KEY in the environment in which Claude Code runs, and COUNTERSIGN_USER if the key is not bound to a user. Without them, it runs none of these tools. Then `countersign hook describe` lets people edit and auto-approve what its own tools do.
    "#);
    let installed = fs::read_to_string(home.settings()).unwrap();
    let mode = fs::metadata(home.settings()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(home.run(&install).unwrap(), "HOME/.claude/settings.json already has the hook.\n");
    assert_eq!(fs::read_to_string(home.settings()).unwrap(), installed);
    home.run(&["install", "--claude", "--yes"]).unwrap();
    assert!(fs::read_to_string(home.settings()).unwrap().contains("\"timeout\": 1800"));

    assert!(
        home.run(&["uninstall", "--claude", "--yes"])
            .unwrap()
            .ends_with("Claude Code asks as it did before.\n")
    );
    assert_eq!(fs::read_to_string(home.settings()).unwrap(), SETTINGS);
    assert_eq!(fs::read_dir(home.0.join(".claude")).unwrap().count(), 1, "nothing else is left");
    assert_eq!(
        home.run(&["uninstall", "--claude", "--yes"]).unwrap(),
        "HOME/.claude/settings.json has no Countersign hook.\n"
    );
}

#[test]
fn an_http_hook_needs_only_the_settings() {
    let home = Home::new("hook_http_installed", "2.1.332");
    fs::write(home.settings(), SETTINGS).unwrap();
    insta::assert_snapshot!(home.run(&["install", "--claude", "--http", "--yes"]).unwrap_err(), @"countersign: COUNTERSIGN_URL is not set, so there is no address to call. Set it in the environment, or give --url");
    insta::assert_snapshot!(home.run(&["install", "--claude", "--http", "--url", "countersign", "--yes"]).unwrap_err(), @r#"countersign: "countersign" is not the address of a Countersign service: set COUNTERSIGN_URL to its http or https address"#);
    home.run(&["install", "--claude", "--yes"]).unwrap();
    let url = "https://countersign.example.com/";
    let install = ["install", "--claude", "--http", "--url", url, "--map", "gh=github", "--yes"];
    insta::assert_snapshot!(home.run(&install).unwrap(), @r#"
    HOME/.claude/settings.json
              "hooks": [
                {
    -             "type": "command",
    -             "command": "/usr/bin/countersign",
    -             "args": [
    -               "hook",
    -               "--format",
    -               "claude",
    -               "--limit",
    -               "1800"
    +             "type": "http",
    +             "url": "https://countersign.example.com/v1/hooks/claude-code?limit=1800&map=gh%3Dgithub",
    +             "headers": {
    +               "Authorization": "Bearer $COUNTERSIGN_API_KEY"
    +             },
    +             "allowedEnvVars": [
    +               "COUNTERSIGN_API_KEY"
                  ],
                  "timeout": 1800,
    Installed. Set COUNTERSIGN_API_KEY in the environment in which Claude Code runs, to a key that is bound to a user: `countersign key create --backend claude --user alice@example.com` prints one. Without it, Claude Code runs none of these tools.
    "#);
    assert_eq!(home.run(&install).unwrap(), "HOME/.claude/settings.json already has the hook.\n");
    home.run(&["uninstall", "--claude", "--yes"]).unwrap();
    assert_eq!(fs::read_to_string(home.settings()).unwrap(), SETTINGS);
}

#[test]
fn a_project_shares_its_hook() {
    let home = Home::new("hook_project", "2.1.332");
    home.run(&["install", "--claude", "--project", "--yes"]).unwrap();
    let settings: Value = serde_json::from_slice(&fs::read(home.settings()).unwrap()).unwrap();
    assert_eq!(settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"], "countersign");
}

#[test]
fn installing_refuses_what_it_can_not_do_safely() {
    let home = Home::new("hook_refused", "2.1.294");
    insta::assert_snapshot!(home.run(&["install", "--claude", "--yes"]).unwrap_err(), @"countersign: Claude Code 2.1.294 runs a tool even if its hook fails. Update it to 2.1.295 or newer: claude update");
    let home = Home::new("hook_malformed", "2.1.295");
    fs::write(home.settings(), "{ \"hooks\": ").unwrap();
    insta::assert_snapshot!(home.run(&["install", "--claude", "--yes"]).unwrap_err(), @"countersign: could not change HOME/.claude/settings.json: it is not JSON: EOF while parsing a value at line 1 column 11");
    assert_eq!(fs::read_to_string(home.settings()).unwrap(), "{ \"hooks\": ");
    fs::remove_file(home.0.join("bin/claude")).unwrap();
    insta::assert_snapshot!(home.run(&["install", "--claude", "--yes"]).unwrap_err(), @"countersign: Claude Code was not found. Install it, or name its program with --program");
}

#[tokio::test(flavor = "multi_thread")]
async fn describing_lets_people_edit_and_auto_approve() {
    story(async |s| {
        let describe = || {
            let mut command = hook(s, &["describe"]);
            command.env_remove("COUNTERSIGN_USER");
            command.output().unwrap()
        };
        let output = tokio::task::block_in_place(describe);
        insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap(), @"Described claude with 9 actions. They stay locked until an admin unlocks them; every request asks.");
        let child = start(hook(s, &[]), &payload("s-1", "toolu_1"));
        let prompt = prompt(s).await;
        let shown = prompt.all_text();
        assert!(shown.contains("wants to run make deploy"), "{shown}");
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        answered(child).await;
        // What an agent asked for and this program does not describe is kept.
        let mut other = payload("s-1", "toolu_2");
        other["tool_name"] = json!("Monitor");
        let child = start(hook(s, &["--limit", "86400"]), &other);
        let asked = prompt_about(s, "Monitor").await;
        assert!(s.click(ALICE, &asked, "Deny").await.is_ok());
        answered(child).await;
        let output = tokio::task::block_in_place(describe);
        assert!(String::from_utf8(output.stdout).unwrap().contains("9 actions"));
    })
    .await;
}
