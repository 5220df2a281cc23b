//! The published tools of real MCP servers, imported as an operator does: every prompt says what is about to happen, and
//! no one has to read JSON. `tests/it/data/mcp_tools/README.md` says where the lists come from.

use serde_json::{Map, Value, json};

use super::{
    checks,
    samples::{approval, state},
};
use crate::{
    domain::{
        approvals::Approval,
        risk::Impact,
        text::{ActionKey, IntegrationKey},
    },
    gateway::mcp::tools::{self as mcp, ToolAction},
    slack::view::{
        details,
        fields::{Content, Field, fields},
        prompt::prompt,
    },
};

/// The list of a server, with its name.
macro_rules! list {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../../tests/it/data/mcp_tools/", $name, ".json")))
    };
}

const LISTS: [(&str, &str); 14] = [
    list!("atlassian"),
    list!("fetch"),
    list!("filesystem"),
    list!("git"),
    list!("github"),
    list!("google-maps"),
    list!("kubernetes"),
    list!("linear"),
    list!("memory"),
    list!("notion"),
    list!("playwright"),
    list!("slack"),
    list!("sqlite"),
    list!("time"),
];

/// Arguments that an agent might give, made from a schema.
struct Caller<'a> {
    root: &'a Value,
}

/// How many optional members an object gets.
const OPTIONAL: usize = 4;
/// How deep an object may be and still get any.
const DEEP: usize = 3;

impl Caller<'_> {
    fn value(&self, name: &str, schema: &Value, depth: usize) -> Value {
        if let Some(path) = schema["$ref"].as_str() {
            let found = self.root.pointer(path.trim_start_matches('#')).unwrap_or(&Value::Null);
            return if depth > 6 { json!("and so on") } else { self.value(name, found, depth + 1) };
        }
        if let Some(fixed) = schema.get("const") {
            return fixed.clone();
        }
        if let Some([first, rest @ ..]) = schema["enum"].as_array().map(Vec::as_slice) {
            return rest.first().unwrap_or(first).clone();
        }
        for choice in ["anyOf", "oneOf", "allOf"] {
            let mut choices = schema[choice].as_array().into_iter().flatten().rev();
            if let Some(one) = choices.find(|one| one["type"] != "null") {
                return self.value(name, one, depth + 1);
            }
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").unwrap_or(&Value::Null),
            kind => kind,
        };
        match kind.as_str() {
            Some("integer" | "number") => json!(42),
            Some("boolean") => json!(true),
            Some("array") => {
                let item = |number: usize| match self.value(name, &schema["items"], depth + 1) {
                    Value::String(text) => json!(format!("{text} {number}")),
                    other => other,
                };
                json!([item(1), item(2)])
            }
            Some("object") => self.object(name, schema, depth + 1),
            None if schema.get("properties").is_some() => self.object(name, schema, depth + 1),
            _ => text(name, schema),
        }
    }

    fn object(&self, name: &str, schema: &Value, depth: usize) -> Value {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let mut members = Map::new();
        let mut room = if depth > DEEP { 0 } else { OPTIONAL };
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let must = required.iter().any(|name| name == key);
            if must || room > 0 {
                room -= usize::from(!must);
                members.insert(key.clone(), self.value(key, property, depth));
            }
        }
        if members.is_empty() && depth > 0 {
            members.insert("status".to_owned(), json!(format!("{name} done")));
        }
        members.into()
    }
}

/// A text such as people write in an argument of this name.
fn text(name: &str, schema: &Value) -> Value {
    let name = name.to_lowercase();
    let has = |part: &str| name.contains(part);
    json!(match schema["format"].as_str() {
        Some("uri" | "url") => "https://example.com/a?b=1",
        Some("email") => "kim@example.com",
        Some("date-time") => "2026-11-30T09:00:00Z",
        Some("date") => "2026-11-30",
        Some("uuid") => "1f0c2f9e-6c0a-4c1e-9a53-1f7c0a2f9e11",
        _ if has("url") => "https://example.com/a",
        _ if has("path") || has("file") => "/srv/reports/2026 Q3.md",
        _ if has("query") || has("sql") => "status = open\nAND total > 100",
        _ if has("body") || has("content") || has("description") =>
            "First line.\n\nThe second one says {what} \"happens\": see below.",
        _ if has("email") => "kim@example.com",
        _ if has("id") => "a1b2c3",
        _ => "Two words",
    })
}

/// A request to use a tool.
fn request(server: &str, tool: ToolAction, arguments: &Value) -> Approval {
    let mut approval = approval(&arguments.to_string());
    let action = &mut approval.request.action;
    action.integration = IntegrationKey::new(server).unwrap();
    server.clone_into(&mut action.integration_name);
    action.action = ActionKey::new(tool.key.as_str()).unwrap();
    tool.name.as_str().clone_into(&mut action.action_name);
    action.description = tool.description.map(|text| text.as_str().to_owned());
    action.impact = tool.impact;
    action.presentation = tool.presentation;
    approval
}

/// The rows of a message: each label, and the value below it.
fn rows(message: &Value) -> Vec<(&str, &str)> {
    let mut rows = Vec::new();
    let mut label = None;
    let blocks = message["blocks"].as_array().unwrap().iter();
    for element in blocks.flat_map(|block| block["elements"].as_array().into_iter().flatten()) {
        let first = &element["elements"][0];
        match (element["type"].as_str().unwrap(), first["text"].as_str()) {
            ("rich_text_section", Some(words)) if first["style"]["bold"] == true => label = Some(words),
            ("rich_text_quote" | "rich_text_preformatted", Some(words)) => {
                rows.extend(label.take().map(|label| (label, words)));
            }
            _ => {}
        }
    }
    rows
}

/// Whether this text is understood only by those who read JSON.
fn is_json(text: &str) -> bool {
    matches!(serde_json::from_str(text), Ok(Value::Object(_) | Value::Array(_)))
}

/// Whether a field shows an argument or a part of it.
fn shows(field: &Field, argument: &str) -> bool {
    let path = field.path.as_ref().unwrap_or(&field.name).as_str();
    path.strip_prefix(argument).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// What is wrong with the prompt of a request.
fn faults(approval: &Approval, arguments: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let request = &approval.request;
    let message = prompt(&state(approval)).to_json();
    checks::message(&message);
    checks::sound(&details::details(approval, None, 0), 100);

    let whole = fields(&request.arguments, &request.action.presentation);
    for (argument, value) in arguments.as_object().unwrap() {
        if !whole.iter().any(|field| shows(field, argument)) {
            faults.push(format!("{argument} = {value} has no row"));
        }
    }
    for field in &whole {
        if let Content::Value(value) = &field.content
            && is_json(value.text.as_str())
        {
            faults.push(format!("{} is {}", field.name.as_str(), value.text.as_str()));
        }
    }
    if message.to_string().contains("U+000A") {
        faults.push("a line break is shown as a code".to_owned());
    }
    let shown = rows(&message);
    for field in whole.iter().take(6).filter(|field| matches!(field.content, Content::Value(_))) {
        if !shown.iter().any(|(label, _)| *label == field.name.as_str()) {
            faults.push(format!("{} is not shown", field.name.as_str()));
        }
    }
    let text = message["text"].as_str().unwrap();
    if ["{\"", "[{", "\":", "[\""].iter().any(|json| text.contains(json)) {
        faults.push(format!("JSON in {text}"));
    }
    faults
}

/// Every tool: its server, what the import made of it, and arguments for it.
fn tools() -> Vec<(&'static str, ToolAction, Value)> {
    let mut found = Vec::new();
    for (server, list) in LISTS {
        let tools: Value = serde_json::from_str(list).unwrap();
        let tools = tools["tools"].as_array().unwrap();
        let actions = mcp::actions(list).unwrap_or_else(|error| panic!("{server}: {error}"));
        assert_eq!(actions.len(), tools.len(), "{server}");
        for (action, tool) in actions.into_iter().zip(tools) {
            let read_only = tool["annotations"]["readOnlyHint"] == true;
            assert_eq!(action.impact == Impact::ReadOnly, read_only, "{server}.{}", action.key.as_str());
            let schema = &tool["inputSchema"];
            found.push((server, action, Caller { root: schema }.object("", schema, 0)));
        }
    }
    found
}

#[test]
fn no_prompt_of_a_real_mcp_server_needs_its_json() {
    let mut found = Vec::new();
    for (server, action, arguments) in tools() {
        let name = format!("{server}.{}", action.key.as_str());
        let approval = request(server, action, &arguments);
        found.extend(faults(&approval, &arguments).iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(found.is_empty(), "{} faults:\n{}", found.len(), found.join("\n"));
}

#[test]
fn titles_of_real_tools_name_what_a_call_is_about() {
    let expected = [
        ("git", "git_commit", "Atlas wants to commit: Two words"),
        ("github", "merge_pull_request", "Atlas wants to merge pull request: Two words/Two words #42"),
        ("github", "create_branch", "Atlas wants to create branch: Two words/Two words Two words"),
        ("google-maps", "maps_geocode", "Atlas wants to geocode: Two words"),
        ("linear", "linear_add_comment", "Atlas wants to add comment: a1b2c3"),
        ("slack", "slack_post_message", "Atlas wants to post message: a1b2c3"),
        ("sqlite", "read_query", "Atlas wants to read query: status = open ↵ AND total > 100"),
    ];
    let mut tools = tools();
    for (server, key, title) in expected {
        let at = tools.iter().position(|(of, action, _)| *of == server && action.key.as_str() == key);
        let (_, action, arguments) = tools.swap_remove(at.unwrap());
        let message = prompt(&state(&request(server, action, &arguments))).to_json();
        let words = message["blocks"][0]["elements"][0]["elements"].as_array().unwrap().iter();
        let shown: String = words.filter_map(|part| part["text"].as_str()).collect();
        assert_eq!(shown, title);
    }
}
