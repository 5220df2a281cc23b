//! The real Claude Code with an MCP server behind `countersign mcp-gateway`, and a model that follows a script.
//! `.ci/claude-code` runs these tests; see [`crate::claude_code`].

use std::{
    fs,
    path::{Path, PathBuf},
};

use chrono::TimeDelta;
use countersign::slack::view::editing::block_id;
use sandbox::slack::{Gesture, Press, Surface};
use serde_json::{Value, json};

use crate::{
    claude_code::{Claude, ToolCall, home},
    gateway::{decide, prompt, server, server_log},
    story::{ALICE, IN_WORDS, TestApp, eventually, story},
};

/// The tool as Claude Code names it.
const SEND: &str = "mcp__crm__send_mail";

fn mail(to: &str) -> ToolCall {
    (SEND, json!({ "to": to }))
}

/// Starts Claude Code with the gateway in its configuration. Returns what the server writes down, too.
async fn start(s: &TestApp, name: &str, url: &str, turns: Vec<Vec<ToolCall>>) -> (Claude, PathBuf) {
    let (home, log) = (home(name), server_log());
    let configuration = home.join("mcp.json");
    let gateway = json!({ "mcpServers": { "crm": {
        "command": env!("CARGO_BIN_EXE_countersign"),
        "args": ["mcp-gateway", "--name", "crm", "--", "python3", server(), log],
        "env": { "COUNTERSIGN_URL": url, "COUNTERSIGN_API_KEY": s.key(), "COUNTERSIGN_USER": ALICE },
    } } });
    fs::write(&configuration, gateway.to_string()).unwrap();
    let configuration = configuration.display().to_string();
    let arguments = ["--mcp-config", &configuration, "--strict-mcp-config", "--allowedTools", "mcp__crm"];
    (Claude::launch(home, &arguments, &[], turns).await, log)
}

/// To whom the server sent mail, sorted.
fn sent(log: &Path) -> Vec<String> {
    given(log, "to")
}

/// The values of an argument in all calls that the server got, sorted.
fn given(log: &Path, argument: &str) -> Vec<String> {
    let all = fs::read_to_string(log).unwrap();
    let messages = all.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let calls = messages.filter(|message| message["method"] == "tools/call");
    let mut given: Vec<String> =
        calls.map(|call| call["params"]["arguments"][argument].as_str().unwrap().to_owned()).collect();
    given.sort();
    given
}

async fn statuses(s: &TestApp) -> Vec<String> {
    let page = s.api().list(&[]).await;
    page.data().iter().map(|approval| approval["status"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claude_calls_the_tool_that_was_approved() {
    story(async |s| {
        let (mut claude, log) =
            start(s, "gateway_approved", &s.url(), vec![vec![mail("kim@example.com")]]).await;
        prompt(s).await;
        assert_eq!(sent(&log).len(), 0);
        decide(s, "Approve").await;
        let read = claude.ended().await.join("\n");
        assert!(read.contains("kim@example.com"), "{read}");
        assert_eq!(sent(&log), ["kim@example.com"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claudes_model_reads_why_its_tool_was_denied() {
    story(async |s| {
        let (mut claude, log) =
            start(s, "gateway_denied", &s.url(), vec![vec![mail("kim@example.com")]]).await;
        let asked = prompt(s).await;
        assert!(s.choose(ALICE, &asked, IN_WORDS).await.is_ok());
        let reason = Gesture::Enter("Not on Fridays".to_owned());
        s.slack.press(ALICE, Press::on(Surface::Modal, "reason").doing(reason)).await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        let read = claude.ended().await.join("\n");
        assert!(read.contains("Not on Fridays") && read.contains("Do not retry"), "{read}");
        assert_eq!(sent(&log).len(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claudes_later_calls_in_the_conversation_are_not_asked_about() {
    story(async |s| {
        // Describes the server's tools, so that the action can be unlocked.
        let (mut first, _) = start(s, "gateway_described", &s.url(), vec![vec![]]).await;
        eventually("the tools are described", async || {
            (s.api().integration("crm").await.status == 200).then_some(())
        })
        .await;
        first.ended().await;
        s.unlock("crm.send_mail").await;
        let turns = vec![vec![mail("kim@example.com")], vec![mail("ada@example.com")]];
        let (mut claude, log) = start(s, "gateway_grant", &s.url(), turns).await;
        decide(s, "Auto-approve for this conversation").await;
        assert_eq!(claude.ended().await.len(), 2);
        assert_eq!(sent(&log), ["ada@example.com", "kim@example.com"]);
        assert_eq!(s.slack.direct_messages(ALICE).len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claudes_tool_gets_the_changed_arguments() {
    story(async |s| {
        let (mut claude, log) =
            start(s, "gateway_edited", &s.url(), vec![vec![mail("kim@example.com")]]).await;
        let asked = prompt(s).await;
        assert!(s.click(ALICE, &asked, "Edit…").await.is_ok());
        let changed = Gesture::Enter("ada@example.com".to_owned());
        let press = Press::on(Surface::Modal, "value").in_block(&block_id("to")).doing(changed);
        s.slack.press(ALICE, press).await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        claude.ended().await;
        assert_eq!(sent(&log), ["ada@example.com"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claude_calls_no_tool_that_no_one_answers() {
    story(async |s| {
        let (mut claude, log) =
            start(s, "gateway_expired", &s.url(), vec![vec![mail("kim@example.com")]]).await;
        prompt(s).await;
        s.clock.advance(TimeDelta::days(2));
        let read = claude.ended().await.join("\n");
        assert!(read.contains("Expired") || read.contains("expired"), "{read}");
        assert_eq!(sent(&log).len(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn claude_calls_no_tool_while_countersign_is_down() {
    story(async |s| {
        let (mut claude, log) =
            start(s, "gateway_down", "http://127.0.0.1:9", vec![vec![mail("kim@example.com")]]).await;
        let read = claude.ended().await.join("\n");
        assert!(read.contains("Countersign"), "{read}");
        assert_eq!(sent(&log).len(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn a_killed_claude_leaves_no_call_to_approve() {
    story(async |s| {
        let (mut claude, log) =
            start(s, "gateway_killed", &s.url(), vec![vec![mail("kim@example.com")]]).await;
        prompt(s).await;
        claude.child.kill().unwrap();
        claude.child.wait().unwrap();
        s.pass(TimeDelta::seconds(1));
        eventually("the approval is cancelled", async || (statuses(s).await == ["cancelled"]).then_some(()))
            .await;
        assert_eq!(sent(&log).len(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Claude Code: .ci/claude-code"]
async fn twenty_parallel_calls_of_claude_each_run_once() {
    story(async |s| {
        let notes: Vec<String> = (10..30).map(|number| format!("note {number}")).collect();
        let calls = notes.iter().map(|note| ("mcp__crm__read_note", json!({ "text": note }))).collect();
        let (mut claude, log) = start(s, "gateway_parallel", &s.url(), vec![calls]).await;
        eventually("all calls are asked about", async || (statuses(s).await.len() == 20).then_some(())).await;
        eventually("all calls are approved", async || approve_some(s).await).await;
        assert_eq!(claude.ended().await.len(), 20);
        assert_eq!(given(&log, "text"), notes);
    })
    .await;
}

/// Approves what the messages show. `Some` once nothing waits. Slack takes one message a second, so time passes.
async fn approve_some(s: &TestApp) -> Option<()> {
    s.clock.advance(TimeDelta::seconds(1));
    for message in s.slack.direct_messages(ALICE) {
        let all = message.buttons().into_iter().find(|button| button.label.starts_with("Approve all"));
        if let Some(all) = all {
            s.click(ALICE, &message, &all.label).await;
            s.slack.submit(ALICE).await.ok()?;
        } else if message.has_button("Approve") {
            s.click(ALICE, &message, "Approve").await;
        }
    }
    (!statuses(s).await.iter().any(|status| status == "pending")).then_some(())
}
