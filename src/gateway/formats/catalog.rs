//! What Claude Code's own tools do, for people who approve them: titles, fields, and schemas by which they can edit.

use serde_json::{Value, json};

use super::Format;

/// The body of `PUT /v1/integrations/{key}` for the agent's own tools. `existing`: the integration as it is, whose other
/// actions are kept. `None`: this program knows nothing of the agent's tools.
#[must_use]
pub fn catalog(format: Format, existing: Option<&Value>) -> Option<Value> {
    if format != Format::Claude {
        return None;
    }
    let mut actions = claude();
    for action in existing.and_then(|integration| integration["actions"].as_array()).into_iter().flatten() {
        if actions.iter().all(|ours| ours["key"] != action["key"]) {
            actions.push(described(action));
        }
    }
    Some(json!({
        "name": format.agent_name(), "description": "What Claude Code does on a person's machine",
        "requires_connection": false, "actions": actions,
    }))
}

/// An action as it was described: without what only the service says of it.
fn described(action: &Value) -> Value {
    let own = ["unlocked", "unlocked_for", "must_read", "destructive"];
    let members = action.as_object().cloned().unwrap_or_default();
    members.into_iter().filter(|(name, value)| !own.contains(&name.as_str()) && !value.is_null()).collect()
}

fn claude() -> Vec<Value> {
    let text = json!({ "type": "string" });
    let flag = json!({ "type": "boolean" });
    let number = json!({ "type": "number" });
    let command =
        json!({ "command": text, "description": text, "timeout": number, "run_in_background": flag });
    let watched = json!({ "command": text, "description": text, "timeout_ms": number, "persistent": flag });
    let edit = json!({ "file_path": text, "old_string": text, "new_string": text, "replace_all": flag });
    vec![
        action(
            ("Bash", "Run a command", "Runs a shell command on the machine"),
            (
                "Run {command}",
                &[("command", "Command", "code"), ("description", "Agent's description", "text")],
            ),
            ("command", command.clone()),
            Some(&["destructive", "external"]),
        ),
        action(
            ("PowerShell", "Run a PowerShell command", "Runs a PowerShell command on the machine"),
            (
                "Run {command}",
                &[("command", "Command", "code"), ("description", "Agent's description", "text")],
            ),
            ("command", command),
            Some(&["destructive", "external"]),
        ),
        action(
            ("Monitor", "Watch a command", "Runs a shell command in the background and reads what it prints"),
            (
                "Watch {command}",
                &[("command", "Command", "code"), ("description", "Agent's description", "text")],
            ),
            ("command", watched),
            Some(&["destructive", "external"]),
        ),
        action(
            ("Write", "Write a file", "Creates or overwrites a file"),
            ("Write {file_path}", &[("file_path", "File", "text"), ("content", "Content", "code")]),
            ("file_path", json!({ "file_path": text, "content": text })),
            // What it overwrites is not in the request. But if it were declared as destructive, each file that an agent
            // creates would take two clicks.
            None,
        ),
        action(
            ("Edit", "Edit a file", "Replaces text in a file"),
            (
                "Edit {file_path}",
                &[
                    ("file_path", "File", "text"),
                    ("old_string", "Before", "code"),
                    ("new_string", "After", "code"),
                ],
            ),
            ("file_path", edit),
            Some(&[]),
        ),
        action(
            ("MultiEdit", "Edit a file in several places", "Replaces text in several places in a file"),
            ("Edit {file_path}", &[("file_path", "File", "text"), ("edits", "Edits", "code")]),
            ("file_path", json!({ "file_path": text, "edits": { "type": "array" } })),
            Some(&[]),
        ),
        action(
            ("NotebookEdit", "Edit a notebook", "Changes a cell of a Jupyter notebook"),
            (
                "Edit {notebook_path}",
                &[("notebook_path", "Notebook", "text"), ("new_source", "Source", "code")],
            ),
            ("notebook_path", json!({ "notebook_path": text, "new_source": text })),
            // It may delete a cell. For the rest, see Write.
            None,
        ),
        action(
            ("WebFetch", "Fetch a page", "Fetches a page from the internet"),
            ("Fetch {url}", &[("url", "Address", "text"), ("prompt", "Question", "text")]),
            ("url", json!({ "url": text, "prompt": text })),
            // An address can carry anything away.
            Some(&["external"]),
        ),
        action(
            ("WebSearch", "Search the web", "Sends a query to a search engine"),
            ("Search the web for {query}", &[("query", "Query", "text")]),
            ("query", json!({ "query": text })),
            Some(&["external"]),
        ),
    ]
}

/// Describes an action. `risks`: what a person should know before they approve it; `None` leaves its effect undeclared.
fn action(
    (key, name, description): (&str, &str, &str),
    (title, fields): (&str, &[(&str, &str, &str)]),
    (required, properties): (&str, Value),
    risks: Option<&[&str]>,
) -> Value {
    let fields: Vec<Value> = fields
        .iter()
        .map(|(name, label, format)| json!({ "pointer": format!("/{name}"), "label": label, "format": format }))
        .collect();
    let mut action = json!({
        "key": key, "name": name, "description": description, "title": title, "fields": fields,
        "input_schema": { "type": "object", "required": [required], "properties": properties },
    });
    if let Some(risks) = risks {
        action["risk"] = json!(risks);
    }
    action
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_actions_are_kept_as_they_were_described() {
        let other = json!({
            "key": "Sleep", "name": "Sleep", "description": null, "read_only": false, "destructive": false,
            "risk": null, "title": null, "fields": [], "input_schema": null, "unlocked": true,
            "unlocked_for": "always", "must_read": false,
        });
        let existing = json!({ "key": "claude", "actions": [other, { "key": "Bash", "name": "Old" }] });
        let catalog = catalog(Format::Claude, Some(&existing)).unwrap();
        let actions = catalog["actions"].as_array().unwrap();
        assert_eq!(actions.len(), 10);
        assert_eq!(actions[9], json!({ "key": "Sleep", "name": "Sleep", "read_only": false, "fields": [] }));
        assert_eq!(actions[0]["name"], "Run a command");
        assert_eq!(super::catalog(Format::Codex, None), None);
    }

    #[test]
    fn effects_are_declared() {
        let effects: Vec<String> =
            claude().iter().map(|action| format!("{}: {}", action["key"], action["risk"])).collect();
        insta::assert_snapshot!(effects.join("\n"), @r#"
        "Bash": ["destructive","external"]
        "PowerShell": ["destructive","external"]
        "Monitor": ["destructive","external"]
        "Write": null
        "Edit": []
        "MultiEdit": []
        "NotebookEdit": null
        "WebFetch": ["external"]
        "WebSearch": ["external"]
        "#);
    }
}
