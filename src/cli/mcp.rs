//! Turns the tools of an MCP server into the actions of an integration
//! (<https://modelcontextprotocol.io/specification/2025-06-18/server/tools>, `tools/list`).

use serde::Deserialize;

use crate::{
    domain::{
        catalog::MOST_ACTIONS,
        text::{ActionKey, Name, Prose},
    },
    service::put_integration::CatalogAction,
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

#[derive(Debug, Deserialize)]
struct Tool {
    name: String,
    title: Option<String>,
    description: Option<String>,
    annotations: Option<Annotations>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Annotations {
    title: Option<String>,
    read_only_hint: Option<bool>,
    destructive_hint: Option<bool>,
}

/// Why a file can't be imported.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
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

/// The actions that a `tools/list` result describes. Missing hints have the specification's defaults: a tool that
/// doesn't declare itself read-only may be destructive.
pub(super) fn actions(json: &str) -> Result<Vec<CatalogAction>, Unreadable> {
    let answer = serde_json::from_str(json).map_err(|error| Unreadable::NotTools(error.to_string()))?;
    let (ToolsResponse::Response { result: tools } | ToolsResponse::Result(tools)) = answer;
    if tools.next_cursor.is_some() {
        return Err(Unreadable::OnePageOfSeveral);
    }
    if tools.tools.len() > usize::from(MOST_ACTIONS) {
        return Err(Unreadable::TooMany(tools.tools.len()));
    }
    let mut actions: Vec<CatalogAction> = Vec::new();
    let mut faults = Vec::new();
    for tool in &tools.tools {
        match tool.action() {
            Ok(action) if actions.iter().any(|other| other.key == action.key) => {
                faults.push(format!("  {}: duplicate name", tool.name));
            }
            Ok(action) => actions.push(action),
            Err(fault) => faults.push(format!("  {}: {fault}", tool.name)),
        }
    }
    if faults.is_empty() { Ok(actions) } else { Err(Unreadable::Tools(faults.join("\n"))) }
}

impl Tool {
    fn action(&self) -> Result<CatalogAction, String> {
        let key = ActionKey::new(self.name.as_str()).map_err(|fault| format!("its name {fault}"))?;
        let hints = self.annotations.as_ref();
        let title = self.title.as_ref().or_else(|| hints?.title.as_ref()).unwrap_or(&self.name);
        let name = Name::new(title.as_str()).map_err(|fault| format!("its title {fault}"))?;
        // Some servers write complete manuals here. An admin reads the beginning.
        let description =
            self.description.as_deref().map(|text| text.chars().take(LONGEST).collect::<String>());
        let description = description.filter(|text| !text.trim().is_empty());
        let description =
            description.map(Prose::new).transpose().map_err(|fault| format!("its description {fault}"))?;
        let read_only = hints.and_then(|hints| hints.read_only_hint).unwrap_or(false);
        let destructive = !read_only && hints.and_then(|hints| hints.destructive_hint).unwrap_or(true);
        Ok(CatalogAction { key, name, description, read_only, destructive })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Vec<(String, String, bool, bool)> {
        let describe = |action: CatalogAction| {
            (action.key.to_string(), action.name.to_string(), action.read_only, action.destructive)
        };
        actions(json).unwrap().into_iter().map(describe).collect()
    }

    #[test]
    fn hints_are_taken_as_the_specification_says() {
        let found = read(
            r#"{"tools": [
                {"name": "get_issue", "title": "Get issue", "inputSchema": {}, "annotations": {"readOnlyHint": true, "destructiveHint": true}},
                {"name": "add_label", "annotations": {"title": "Add label", "destructiveHint": false}},
                {"name": "delete.repo", "inputSchema": {"type": "object"}},
                {"name": "wipe", "title": null, "description": null, "annotations": null}]}"#,
        );
        let expected = [
            ("get_issue", "Get issue", true, false),
            ("add_label", "Add label", false, false),
            ("delete.repo", "delete.repo", false, true),
            ("wipe", "wipe", false, true),
        ];
        assert_eq!(found, expected.map(|(key, name, r, d)| (key.to_owned(), name.to_owned(), r, d)));
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
