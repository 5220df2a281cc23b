//! `PUT /v1/integrations/{key}`: the whole integration.

use std::{io::Write as _, process::Command};

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::story::{ALICE, TestApp, eventually, story};

const ACTION: &str = "github.create_issue";

/// Which versions of the rows there are: any write, and any lock, changes this.
async fn versions(s: &TestApp) -> Vec<String> {
    let query = "SELECT concat_ws(' ', tableoid, ctid, xmin, xmax) FROM integrations
                 UNION ALL SELECT concat_ws(' ', tableoid, ctid, xmin, xmax) FROM actions
                 UNION ALL SELECT 'audit ' || count(*) FROM audit ORDER BY 1";
    sqlx::query_scalar(query).fetch_all(&s.service.db).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn putting_the_same_again_writes_and_locks_nothing() {
    story(async |s| {
        let actions: Vec<Value> = (0..400)
            .map(|n| json!({ "key": format!("action_{n}"), "name": format!("Action {n}") }))
            .collect();
        let body = json!({ "name": "Large", "actions": actions });
        let first = s.api().put_integration("large", &body).await;
        assert_eq!((first.status, first.body["actions"].as_array().unwrap().len()), (200, 400));
        let before = versions(s).await;
        let again = s.api().put_integration("large", &body).await;
        assert_eq!(again.body, first.body);
        assert_eq!(versions(s).await, before);
        let mut changed = body.clone();
        changed["actions"][7]["name"] = json!("Lucky");
        s.api().put_integration("large", &changed).await;
        let after = versions(s).await;
        assert_ne!(after, before);
        let renamed = s.api().integration("large").await;
        let names =
            renamed.body["actions"].as_array().unwrap().iter().filter(|action| action["name"] == "Lucky");
        assert_eq!(names.count(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_is_retired_and_comes_back_locked_without_its_grants() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.choose(ALICE, &prompt, "Auto-approve always").await;
        assert_eq!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "approved");
        let whole = s.api().integration("github").await.body;
        let mut described = whole.clone();
        let described = described.as_object_mut().unwrap();
        described.remove("key");
        for action in described["actions"].as_array_mut().unwrap() {
            for ours in ["unlocked", "unlocked_for", "must_read"] {
                action.as_object_mut().unwrap().remove(ours);
            }
        }
        let mut less = described.clone();
        less["actions"].as_array_mut().unwrap().retain(|action| action["key"] != "create_issue");
        let reply = s.api().put_integration("github", &Value::Object(less)).await;
        assert!(!reply.text.contains("\"create_issue\""));
        let reply = s.api().put_integration("github", &Value::Object(described.clone())).await;
        let back = reply.body["actions"].as_array().unwrap().iter();
        let back = back.clone().find(|action| action["key"] == "create_issue").unwrap();
        assert_eq!(back["unlocked"], false);
        s.unlock(ACTION).await;
        assert_eq!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_description_is_told_at_once() {
    story(async |s| {
        let body = json!({ "name": "", "connect_url": "javascript:alert(1)", "colour": "red",
            "actions": [{ "key": "a b", "name": "A" }, { "key": "ok", "name": "B", "read_only": "yes" }] });
        let reply = s.api().put_integration("github", &body).await;
        assert_eq!(reply.status, 422);
        let errors = reply.body["errors"].as_array().unwrap();
        let pointers: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        let expected = ["/name", "/connect_url", "/actions/0/key", "/actions/1/read_only", "/colour"];
        assert_eq!(pointers, expected);
    })
    .await;
}

/// An integration with one action, which has these members too.
fn with(members: &Value) -> Value {
    let mut action = json!({ "key": "send", "name": "Send" });
    action.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    json!({ "name": "Mail", "actions": [action] })
}

#[tokio::test(flavor = "multi_thread")]
async fn how_an_action_is_shown_is_stored_and_read_back() {
    story(async |s| {
        let shown = json!({
            "description": null, "read_only": false, "destructive": true, "risk": ["destructive", "external"],
            "title": "Send {{it}} to {to}", "fields": [
                { "pointer": "/to", "label": "To", "format": "list" },
                { "pointer": "/message/a~1b", "label": null, "format": null } ],
            "input_schema": { "type": "object", "properties": { "z": {}, "a": { "pattern": "^a+$" } } } });
        let put = s.api().put_integration("mail", &with(&shown)).await;
        let mut expected = with(&shown)["actions"][0].clone();
        expected["unlocked"] = json!(false);
        expected["unlocked_for"] = json!(null);
        expected["must_read"] = json!(false);
        assert_eq!((put.status, &put.body["actions"][0]), (200, &expected));
        assert!(put.text.contains(r#""properties":{"z":{},"a""#), "in the order given: {}", put.text);
        let before = versions(s).await;
        let mut again = with(&shown);
        again["actions"][0]["risk"] = json!(["external", "destructive", "external"]);
        assert_eq!(s.api().put_integration("mail", &again).await.body, put.body);
        assert_eq!(versions(s).await, before, "risks are a set");
        assert_eq!(s.api().integration("mail").await.body, put.body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_declared_and_what_is_not_are_told_apart() {
    story(async |s| {
        for (given, declared) in [
            (json!({}), json!([false, false, null])),
            (json!({ "destructive": false }), json!([false, false, null])),
            (json!({ "risk": [] }), json!([false, false, []])),
            (json!({ "read_only": true }), json!([true, false, []])),
            (json!({ "read_only": true, "risk": [] }), json!([true, false, []])),
            (json!({ "destructive": true }), json!([false, true, ["destructive"]])),
            (json!({ "risk": ["money"] }), json!([false, false, ["money"]])),
        ] {
            let put = s.api().put_integration("mail", &with(&given)).await;
            let action = &put.body["actions"][0];
            assert_eq!(
                json!([action["read_only"], action["destructive"], action["risk"]]),
                declared,
                "{given}"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_how_an_action_is_shown_has_its_pointer() {
    story(async |s| {
        let field = |pointer: &str| json!({ "pointer": pointer });
        let many: Vec<Value> = (0..51).map(|at| field(&format!("/a{at}"))).collect();
        for (given, pointer) in [
            (json!({ "title": "Send to {to" }), "/actions/0/title"),
            (json!({ "title": "x".repeat(201) }), "/actions/0/title"),
            (json!({ "title": 1 }), "/actions/0/title"),
            (json!({ "fields": [{ "label": "To" }] }), "/actions/0/fields/0/pointer"),
            (json!({ "fields": [field("to")] }), "/actions/0/fields/0/pointer"),
            (json!({ "fields": [{ "pointer": "/to", "format": "html" }] }), "/actions/0/fields/0/format"),
            (
                json!({ "fields": [{ "pointer": "/to", "label": "x".repeat(61) }] }),
                "/actions/0/fields/0/label",
            ),
            (json!({ "fields": [{ "pointer": "/to", "unit": "EUR" }] }), "/actions/0/fields/0/unit"),
            (json!({ "fields": [field("/to"), field("/to/name")] }), "/actions/0/fields/1"),
            (json!({ "fields": many }), "/actions/0/fields"),
            (json!({ "risk": "money" }), "/actions/0/risk"),
            (json!({ "risk": ["money", "fire"] }), "/actions/0/risk/1"),
            (json!({ "risk": ["money"], "read_only": true }), "/actions/0/risk"),
            (json!({ "risk": [], "destructive": true }), "/actions/0/destructive"),
            (json!({ "read_only": true, "destructive": true }), "/actions/0/destructive"),
            (json!({ "input_schema": [] }), "/actions/0/input_schema"),
            (json!({ "input_schema": { "title": "x".repeat(65_536) } }), "/actions/0/input_schema"),
            (
                json!({ "input_schema": { "properties": { "a/b": { "$ref": "https://example.com/s" } } } }),
                "/actions/0/input_schema/properties/a~1b/$ref",
            ),
            (
                json!({ "input_schema": { "properties": { "a": { "pattern": "(a+)+\\1" } } } }),
                "/actions/0/input_schema/properties/a/pattern",
            ),
        ] {
            let reply = s.api().put_integration("mail", &with(&given)).await;
            assert_eq!((reply.status, reply.str("/errors/0/pointer")), (422, pointer), "{given}: {reply:?}");
            assert_eq!(reply.body["errors"].as_array().unwrap().len(), 1, "{reply:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tools_of_an_mcp_server_become_an_integration() {
    story(async |s| {
        let tools = json!({ "jsonrpc": "2.0", "id": 7, "result": { "tools": [
            { "name": "search_code", "title": "Search code", "description": "Finds code.",
              "inputSchema": { "type": "object" }, "annotations": { "readOnlyHint": true } },
            { "name": "delete_repo", "annotations": { "destructiveHint": true }, "inputSchema": {
                "type": "object", "required": ["repo"],
                "properties": { "repo": { "type": "string" }, "dryRun": { "type": "boolean", "title": "Try only" } } } } ] } });
        let import = |tools: &Value| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
            command.args(["integration", "import", "forge", "--mcp", "-", "--name", "Forge"]);
            command.env("DATABASE_URL", s.config.database.database_url.expose_secret());
            command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
            command.stderr(std::process::Stdio::piped());
            let text = tools.to_string();
            tokio::task::spawn_blocking(move || {
                let mut child = command.spawn().unwrap();
                child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
                child.wait_with_output().unwrap()
            })
        };
        let output = import(&tools).await.unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed, "forge has 2 actions: 1 read-only, 1 destructive; 0 unlocked.\n");
        let stored = s.api().integration("forge").await.body;
        let expected = json!([
            { "key": "delete_repo", "name": "Delete repo", "description": null, "read_only": false, "destructive": true,
              "risk": ["destructive"], "title": "Delete repo: {repo}", "fields": [
                  { "pointer": "/repo", "label": "Repo", "format": null },
                  { "pointer": "/dryRun", "label": "Try only", "format": null } ],
              "input_schema": tools["result"]["tools"][1]["inputSchema"], "unlocked": false, "unlocked_for": null, "must_read": false },
            { "key": "search_code", "name": "Search code", "description": "Finds code.", "read_only": true, "destructive": false,
              "risk": [], "title": null, "fields": [], "input_schema": null, "unlocked": false, "unlocked_for": null, "must_read": false }]);
        assert_eq!((&stored["name"], &stored["actions"]), (&json!("Forge"), &expected));
        let refused = import(&json!({ "tools": [{ "name": "not a key" }] })).await.unwrap();
        let complaint = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && complaint.contains("not a key"), "{complaint}");
        assert_eq!(s.api().integration("forge").await.body, stored);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_is_silent_for_thirty_days_loses_its_grants() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.choose(ALICE, &prompt, "Auto-approve for this conversation").await;
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        s.advance_until_idle(chrono::TimeDelta::days(29)).await;
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved");
        s.advance_until_idle(chrono::TimeDelta::days(30)).await;
        let revoked = eventually("the end of the grant", async || {
            // The job rests for an hour, from when its last run was over.
            s.advance_until_idle(chrono::TimeDelta::hours(1)).await;
            let reply = s.api().audit(&[("limit", "100")]).await;
            reply.data().iter().find(|entry| entry["what"] == "grant.revoked").cloned()
        })
        .await;
        assert_eq!(revoked["after"], json!({ "why": "conversation_silent" }));
        assert_eq!(revoked["actor"], json!({ "kind": "service", "id": null }));
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "pending");
        s.until(&prompt, |message| !message.has_button("Turn off")).await;
    })
    .await;
}
