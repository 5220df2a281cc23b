//! Checks that the catalog is complete and that the calls match their actions.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{Action, FILES, calls, hostile_calls, integration, integrations, read};

fn fits(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no JSON type"),
    }
}

fn check(action: &Action, arguments: &Value) {
    let given = arguments.as_object().unwrap();
    for (name, value) in given {
        let kind =
            action.arguments.get(name).unwrap_or_else(|| panic!("{} has no argument {name}", action.key));
        assert!(fits(kind, value), "{}: {name} is no {kind}", action.key);
    }
    for name in &action.required {
        assert!(action.arguments.contains_key(name), "{} requires {name}, which it doesn't have", action.key);
        assert!(given.contains_key(name), "{} is called without {name}", action.key);
    }
}

#[test]
fn every_file_is_read() {
    for file in FILES {
        read(file).unwrap();
    }
    assert_eq!(integrations().len(), FILES.len());
    assert_eq!(integrations().iter().map(|integration| integration.actions.len()).sum::<usize>(), 61);
}

#[test]
fn keys_are_unique_and_each_source_is_exact() {
    let keys: HashSet<_> = integrations().iter().map(|integration| &integration.key).collect();
    assert_eq!(keys.len(), integrations().len());
    for integration in integrations() {
        let actions: HashSet<_> = integration.actions.iter().map(|action| &action.key).collect();
        assert_eq!(actions.len(), integration.actions.len(), "{}", integration.key);
        assert_eq!(integration.source.commit.len(), 40);
        assert!(integration.source.commit.chars().all(|c| c.is_ascii_hexdigit()));
        assert!(integration.source.repository.split('/').count() == 2);
        assert_eq!(integration.requires_connection, integration.connect_url.is_some());
    }
}

#[test]
fn every_action_has_calls_that_fit_it() {
    for integration in integrations() {
        for action in &integration.actions {
            assert!((1..=3).contains(&action.calls.len()), "{}", action.key);
            assert!(!action.read_only || action.risk.is_empty(), "{}", action.key);
            for call in &action.calls {
                assert_eq!((&call.integration, &call.action), (&integration.key, &action.key));
                check(action, &call.arguments);
            }
        }
    }
}

#[test]
fn hostile_calls_fit_their_actions_and_a_request() {
    let all = hostile_calls();
    let names: HashSet<_> = all.iter().map(|hostile| hostile.name).collect();
    assert_eq!(names.len(), all.len());
    for hostile in all {
        let action = integration(&hostile.call.integration).unwrap().action(&hostile.call.action).unwrap();
        check(action, &hostile.call.arguments);
        let size = serde_json::to_string(&hostile.call.ask("U0ALICE", "c-1")).unwrap().len();
        assert!(size < 256 * 1024, "{} takes {size} bytes", hostile.name);
    }
}

#[test]
fn hostile_calls_contain_their_attack() {
    let text = |name: &str| {
        let found = hostile_calls().into_iter().find(|hostile| hostile.name == name).unwrap();
        found.call.arguments.to_string()
    };
    assert!(text("long-markdown").matches("\\n").count() >= 60);
    assert!(text("markup").contains("<https://evil.example|Approve>"));
    assert!(text("bidi-override").contains('\u{202e}'));
    assert!(text("emoji").contains('\u{200d}'));
    assert!(text("large-file").len() > 200 * 1024);
    assert!(text("everybody").contains("customer-250@example.com"));
    assert!(text("drop-table").contains("DROP TABLE"));
}

#[test]
fn the_body_has_the_format_of_the_api() {
    let body = integration("postgres").unwrap().body();
    let keys: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["name", "description", "requires_connection", "actions"]);
    let expected = json!({
        "key": "execute_sql", "name": "Run SQL", "description": "Runs any SQL statement.", "read_only": false,
        "risk": ["destructive"], "title": "Run SQL",
        "fields": [{ "pointer": "/sql", "label": "SQL", "format": "code" }],
        "input_schema": { "type": "object", "required": [], "properties": { "sql": { "type": "string" } } }
    });
    assert_eq!(body["actions"][4], expected);
    assert_eq!(integration("github").unwrap().body()["connect_url"], "https://agents.example/connect/github");
}

#[test]
fn a_call_becomes_an_approval_request() {
    let call = super::call("stripe", "create_refund").unwrap();
    let ask = serde_json::to_value(call.ask("U0ALICE", "c-7")).unwrap();
    assert_eq!(ask["conversation"], json!({"id": "c-7", "title": "Ticket 90211"}));
    assert_eq!(ask["agent"], json!({"id": "quill", "name": "Quill"}));
    assert_eq!((&ask["action"], &ask["arguments"]["amount"]), (&json!("create_refund"), &json!(1)));
    assert!(calls().count() > 61);
}
