//! `countersign mcp-gateway` in front of published MCP servers: `.ci/mcp-servers` installs them and runs this.

use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    gateway::{Gateway, decide, server_log},
    story::{TestApp, eventually, story},
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/mcp-servers")
}

fn npm(name: &str) -> String {
    folder().join("node_modules/.bin").join(name).display().to_string()
}

fn python(name: &str) -> String {
    folder().join("venv/bin").join(name).display().to_string()
}

/// Lists all tools, approves a call and denies another.
#[expect(clippy::print_stdout, reason = "the script shows what was listed")]
async fn works(s: &TestApp, name: &str, command: &[&str], tool: &str, arguments: Value, expected: &str) {
    let mut gateway =
        Gateway::start_before(&s.url(), s.key(), &["--integration", name], command, server_log());
    let introduced = gateway.introduce().await;
    assert!(introduced["result"]["serverInfo"]["name"].is_string(), "{introduced}");
    gateway.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    let (mut tools, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let params = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
        let page = gateway.request(json!(format!("list {cursor}")), "tools/list", params).await;
        tools.extend(page["result"]["tools"].as_array().unwrap().clone());
        cursor = page["result"]["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let actions = eventually("the description", async || {
        let integration = s.api().integration(name).await.body;
        let actions = integration["actions"].as_array().cloned().unwrap_or_default();
        (actions.len() >= tools.len()).then_some(actions)
    })
    .await;
    for tool in &tools {
        let action = actions.iter().find(|action| action["key"] == tool["name"]);
        let action = action.unwrap_or_else(|| panic!("{name} has no action for {tool}"));
        let has_arguments = tool["inputSchema"]["properties"].as_object().is_some_and(|all| !all.is_empty());
        assert!(!has_arguments || action["input_schema"].is_object(), "{name}: {tool}");
    }
    // So soon after others, Slack would take no more messages.
    s.clock.advance(TimeDelta::seconds(30));
    gateway.call(1, tool, arguments.clone()).await;
    decide(s, "Approve").await;
    let (text, is_error) = gateway.text(1).await;
    assert!(!is_error && text.contains(expected), "{name}: {text}");
    gateway.call(2, tool, arguments).await;
    decide(s, "Deny: not now").await;
    let (text, is_error) = gateway.text(2).await;
    assert!(is_error && text.contains("not now"), "{name}: {text}");
    let names: Vec<_> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    println!("{name}: {} tools ({}); {tool} called and denied", tools.len(), names.join(", "));
    gateway.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs published MCP servers: .ci/mcp-servers"]
async fn published_servers_work_behind_the_gateway() {
    let files = tempdir();
    story(async |s| {
        let git = std::process::Command::new("git").args(["init", "-q", &files]).status().unwrap();
        assert!(git.success());
        std::fs::write(Path::new(&files).join("note.txt"), "written").unwrap();
        let path = json!({ "path": format!("{files}/note.txt") });
        let server = npm("mcp-server-filesystem");
        works(s, "filesystem", &[&server, &files], "read_text_file", path, "written").await;
        let server = npm("mcp-server-everything");
        works(s, "everything", &[&server], "echo", json!({ "message": "hello" }), "hello").await;
        let time = json!({ "timezone": "Europe/Vienna" });
        works(s, "time", &[&python("mcp-server-time")], "get_current_time", time, "Europe/Vienna").await;
        let status = json!({ "repo_path": files });
        works(s, "git", &[&python("mcp-server-git")], "git_status", status, "note.txt").await;
    })
    .await;
}

/// A folder of this test's own.
fn tempdir() -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mcp-servers-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder.canonicalize().unwrap().display().to_string()
}
