//! Turns the tools of an MCP server into the actions of an integration
//! (<https://modelcontextprotocol.io/specification/2025-06-18/server/tools>, `tools/list`).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::domain::{
    catalog::MOST_ACTIONS,
    field_hints::{Format, Presentation},
    input_schema::InputSchema,
    labels,
    risk::{Impact, Risks},
    text::{ActionKey, Name, Prose},
    tool_key::tool_key,
};

/// The longest part of a description that is kept, in characters.
const LONGEST: usize = 3000;

/// A `tools/list` result, as it is or inside its JSON-RPC response.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ToolsResponse {
    Response { result: Tools },
    Result(Tools),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tools {
    tools: Vec<Tool>,
    next_cursor: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Tool {
    name: String,
    title: Option<String>,
    description: Option<String>,
    annotations: Option<Annotations>,
    #[serde(rename = "inputSchema")]
    input_schema: Option<Map<String, Value>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Annotations {
    title: Option<String>,
    read_only_hint: Option<bool>,
    destructive_hint: Option<bool>,
}

/// An action made from a tool.
#[derive(Debug, Clone)]
pub struct ToolAction {
    /// Its key.
    pub key: ActionKey,
    /// Its name for people.
    pub name: Name,
    /// The beginning of its description.
    pub description: Option<Prose>,
    /// What its hints declare.
    pub impact: Impact,
    /// Title and fields, made from its schema.
    pub presentation: Presentation,
    /// The schema of its arguments.
    pub input_schema: Option<InputSchema>,
}

/// Why a file can't be imported.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not a response to `tools/list`.
    #[error("it is not an MCP server's tools/list response: {0}")]
    NotTools(String),
    /// It is one page of several. Importing it would retire the actions of the other pages.
    #[error(
        "it is one page of several (it has a nextCursor): put the tools of all pages into one file first"
    )]
    OnePageOfSeveral,
    /// It has more tools than an integration may have actions.
    #[error(
        "it has {0} tools, and an integration has at most {MOST_ACTIONS} actions: import them as several"
    )]
    TooMany(usize),
    /// Some of its tools can't be actions.
    #[error("these tools can't be actions:\n{0}")]
    Tools(String),
}

/// The actions that a `tools/list` result describes, with titles and fields made from the schemas of their arguments.
pub fn actions(json: &str) -> Result<Vec<ToolAction>, Unreadable> {
    let answer = serde_json::from_str(json).map_err(|error| Unreadable::NotTools(error.to_string()))?;
    let (ToolsResponse::Response { result: tools } | ToolsResponse::Result(tools)) = answer;
    if tools.next_cursor.is_some() {
        return Err(Unreadable::OnePageOfSeveral);
    }
    if tools.tools.len() > usize::from(MOST_ACTIONS) {
        return Err(Unreadable::TooMany(tools.tools.len()));
    }
    let prefix = prefix(&tools.tools);
    let mut actions: Vec<ToolAction> = Vec::new();
    let mut faults = Vec::new();
    for tool in &tools.tools {
        let key = ActionKey::new(tool.name.as_str()).map_err(|fault| format!("its name {fault}"));
        match key.and_then(|key| tool.action(key, prefix)) {
            Ok(action) if actions.iter().any(|other| other.key == action.key) => {
                faults.push(format!("  {}: duplicate name", tool.name));
            }
            Ok(action) => actions.push(action),
            Err(fault) => faults.push(format!("  {}: {fault}", tool.name)),
        }
    }
    if faults.is_empty() { Ok(actions) } else { Err(Unreadable::Tools(faults.join("\n"))) }
}

/// The actions of a server that runs, as far as its tools can be described: names, titles and schemas that the catalog
/// does not take are left out, because people are asked in any case.
#[must_use]
pub fn described(tools: &[Value]) -> Vec<ToolAction> {
    let tools: Vec<Tool> = tools.iter().filter_map(|tool| Tool::lenient(tool.clone())).collect();
    let prefix = prefix(&tools);
    let mut actions: Vec<ToolAction> = Vec::new();
    for tool in &tools {
        let key = tool_key(&tool.name);
        if actions.len() == usize::from(MOST_ACTIONS) {
            tracing::warn!(
                tools = tools.len(),
                "Server listed more tools than an integration can have actions; the rest was left out"
            );
            break;
        }
        if actions.iter().all(|other| other.key != key) {
            actions.extend(tool.lenient_action(&key, prefix));
        }
    }
    actions
}

/// Whether a tool of a `tools/list` result says that it changes nothing.
#[must_use]
pub fn is_read_only(tool: &Value) -> bool {
    tool["annotations"]["readOnlyHint"] == true
}

/// The beginning that the names of all tools share: `slack_` of `slack_post_message`. The integration's name stands
/// beside theirs, so it says nothing.
fn prefix(tools: &[Tool]) -> &str {
    let [first, _, ..] = tools else { return "" };
    let Some(end) = first.name.find(['_', '-']) else { return "" };
    let prefix = &first.name[..=end];
    let is_shared = tools.iter().all(|tool| tool.name.len() > prefix.len() && tool.name.starts_with(prefix));
    if is_shared { prefix } else { "" }
}

impl Tool {
    /// Reads a tool, or only its name if the rest is malformed.
    fn lenient(tool: Value) -> Option<Self> {
        let name = tool["name"].as_str()?.to_owned();
        let only_name = Self { name, title: None, description: None, annotations: None, input_schema: None };
        Some(serde_json::from_value(tool).unwrap_or(only_name))
    }

    /// The action, with as much of its description as the catalog takes.
    fn lenient_action(&self, key: &ActionKey, prefix: &str) -> Option<ToolAction> {
        let without_schema = || Self { input_schema: None, ..self.clone() };
        let only_hints = || Self { title: None, description: None, ..without_schema() };
        let found = self
            .action(key.clone(), prefix)
            .inspect_err(|fault| tracing::warn!(tool = %key, %fault, "Tool described without the parts that Countersign refuses"))
            .or_else(|_| without_schema().action(key.clone(), prefix))
            .or_else(|_| only_hints().action(key.clone(), prefix));
        found.or_else(|_| Self { name: key.to_string(), ..only_hints() }.action(key.clone(), prefix)).ok()
    }

    /// `prefix`: how the names of all tools begin.
    fn action(&self, key: ActionKey, prefix: &str) -> Result<ToolAction, String> {
        let hints = self.annotations.as_ref();
        let title = self.title.as_ref().or_else(|| hints?.title.as_ref());
        let name = match title {
            Some(title) => title.clone(),
            None => self
                .name
                .strip_prefix(prefix)
                .and_then(labels::humanised)
                .unwrap_or_else(|| self.name.clone()),
        };
        let name = Name::new(name).map_err(|fault| format!("its title {fault}"))?;
        // Some servers write complete manuals here. An admin reads the beginning.
        let description =
            self.description.as_deref().map(|text| text.chars().take(LONGEST).collect::<String>());
        let description = description.filter(|text| !text.trim().is_empty());
        let description =
            description.map(Prose::new).transpose().map_err(|fault| format!("its description {fault}"))?;
        let input_schema = self.schema()?;
        let presentation = input_schema.as_ref().map_or_else(Presentation::default, |schema| Presentation {
            title: labels::title(name.as_str(), schema),
            fields: labels::fields(schema),
        });
        Ok(ToolAction { key, name, description, impact: self.impact(), presentation, input_schema })
    }

    /// What the hints declare. The specification's default, that a tool may be destructive, is not taken: a warning on
    /// every tool of a server without hints would warn of nothing.
    fn impact(&self) -> Impact {
        let hints = self.annotations.as_ref();
        match hints.map(|hints| (hints.read_only_hint, hints.destructive_hint)) {
            Some((Some(true), _)) => Impact::ReadOnly,
            Some((_, Some(true))) => Impact::DESTRUCTIVE,
            Some((_, Some(false))) => Impact::Changes(Risks::NONE),
            Some((_, None)) | None => Impact::Undeclared,
        }
    }

    /// The schema, if it is of use: one without properties says nothing.
    fn schema(&self) -> Result<Option<InputSchema>, String> {
        let Some(schema) = self.input_schema.clone().filter(|schema| schema.contains_key("properties"))
        else {
            return Ok(None);
        };
        InputSchema::new(schema).map(Some).map_err(|faults| {
            let faults: Vec<String> = faults
                .iter()
                .map(|fault| format!("inputSchema at /{} {}", fault.path.join("/"), fault.detail))
                .collect();
            format!("its {}", faults.join("; its "))
        })
    }
}

impl ToolAction {
    /// The action as the body of `PUT /v1/integrations/{key}` has it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let fields = self.presentation.fields.iter().map(|field| {
            let mut members = Map::new();
            members.insert("pointer".to_owned(), field.pointer.as_str().into());
            if let Some(label) = &field.label {
                members.insert("label".to_owned(), label.as_str().into());
            }
            if let Some(format) = field.format.map(Format::as_str) {
                members.insert("format".to_owned(), format.into());
            }
            Value::Object(members)
        });
        let mut action = json!({
            "key": self.key.as_str(),
            "name": self.name.as_str(),
            "read_only": self.impact.is_read_only(),
            "fields": fields.collect::<Vec<_>>(),
        });
        if let Some(description) = &self.description {
            action["description"] = description.as_str().into();
        }
        if let (false, Some(risks)) = (self.impact.is_read_only(), self.impact.declared()) {
            action["risk"] = risks.iter().map(|risk| Value::from(risk.as_str())).collect();
        }
        if let Some(title) = &self.presentation.title {
            action["title"] = title.as_str().into();
        }
        if let Some(schema) = &self.input_schema {
            action["input_schema"] = Value::Object(schema.members().clone());
        }
        action
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Vec<ToolAction> {
        actions(json).unwrap()
    }

    #[test]
    fn a_tool_says_no_more_than_its_hints() {
        let found = read(
            r#"{"tools": [
                {"name": "get_issue", "title": "Get issue", "inputSchema": {}, "annotations": {"readOnlyHint": true, "destructiveHint": true}},
                {"name": "add_label", "annotations": {"title": "Add a label", "destructiveHint": false}},
                {"name": "delete.repo", "inputSchema": {"type": "object"}, "annotations": {"destructiveHint": true}},
                {"name": "wipe_disk", "title": null, "description": null, "annotations": null}]}"#,
        );
        let found: Vec<_> =
            found.iter().map(|action| (action.key.as_str(), action.name.as_str(), action.impact)).collect();
        let expected = [
            ("get_issue", "Get issue", Impact::ReadOnly),
            ("add_label", "Add a label", Impact::Changes(Risks::NONE)),
            ("delete.repo", "delete.repo", Impact::DESTRUCTIVE),
            ("wipe_disk", "Wipe disk", Impact::Undeclared),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_schema_becomes_title_and_fields() {
        let found = read(
            r#"{"tools": [{"name": "send_mail", "inputSchema": {"type": "object", "required": ["to"], "properties": {
                "to": {"type": "string", "title": "Recipient"}, "mailBody": {"type": "string"}}}}]}"#,
        );
        let presentation = &found[0].presentation;
        assert_eq!(presentation.title.as_ref().unwrap().as_str(), "Send mail: {to}");
        let labels: Vec<_> =
            presentation.fields.iter().map(|field| field.label.as_ref().unwrap().as_str()).collect();
        assert_eq!(labels, ["Recipient", "Mail body"]);
        assert!(found[0].input_schema.is_some());
    }

    #[test]
    fn what_all_names_begin_with_is_left_out() {
        let names = |json: &str| -> Vec<String> {
            read(json).iter().map(|action| action.name.as_str().to_owned()).collect()
        };
        assert_eq!(
            names(r#"{"tools": [{"name": "slack_post_message"}, {"name": "slack_get_users"}]}"#),
            ["Post message", "Get users"]
        );
        // One tool, another beginning, nothing left: the names stay.
        assert_eq!(names(r#"{"tools": [{"name": "slack_post_message"}]}"#), ["Slack post message"]);
        assert_eq!(
            names(r#"{"tools": [{"name": "kubectl_get"}, {"name": "ping"}]}"#),
            ["Kubectl get", "Ping"]
        );
        assert_eq!(names(r#"{"tools": [{"name": "a_b"}, {"name": "a_"}]}"#), ["A b", "a_"]);
    }

    #[test]
    fn a_schema_that_reaches_outside_is_refused_by_place() {
        let json = r#"{"tools": [{"name": "a", "inputSchema": {"properties": {"b": {"$ref": "https://x.example/s"}}}}]}"#;
        let Err(Unreadable::Tools(fault)) = actions(json) else { unreachable!() };
        assert!(fault.contains("a: its inputSchema at /properties/b/$ref must point"), "{fault}");
    }

    #[test]
    fn a_whole_json_rpc_response_is_read_too() {
        assert_eq!(read(r#"{"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "a"}]}}"#).len(), 1);
    }

    #[test]
    fn what_would_lose_or_mix_up_actions_is_refused() {
        let refused = |json: &str| actions(json).unwrap_err();
        assert_eq!(refused(r#"{"tools": [], "nextCursor": "x"}"#), Unreadable::OnePageOfSeveral);
        assert!(matches!(refused(r#"{"resources": []}"#), Unreadable::NotTools(_)));
        let Unreadable::Tools(faults) =
            refused(r#"{"tools": [{"name": "a"}, {"name": "a"}, {"name": "b c"}]}"#)
        else {
            unreachable!()
        };
        assert_eq!(faults.lines().count(), 2);
        let tools: Vec<_> =
            (0..501).map(|number| serde_json::json!({ "name": format!("t{number}") })).collect();
        assert_eq!(refused(&serde_json::json!({ "tools": tools }).to_string()), Unreadable::TooMany(501));
        let long = serde_json::json!({ "tools": [{ "name": "long", "title": "x".repeat(201) }] }).to_string();
        let Unreadable::Tools(fault) = refused(&long) else { unreachable!() };
        assert!(fault.contains("long: its title"), "{fault}");
    }
}
