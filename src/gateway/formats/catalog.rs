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
    let edit = json!({ "file_path": text, "old_string": text, "new_string": text, "replace_all": flag });
    vec![
        action(
            ("Bash", "Run a command", "Runs a shell command on the machine"),
            (
                "Run {command}",
                &[("command", "Command", "code"), ("description", "Agent's description", "text")],
            ),
            ("command", command.clone()),
        ),
        action(
            ("PowerShell", "Run a PowerShell command", "Runs a PowerShell command on the machine"),
            (
                "Run {command}",
                &[("command", "Command", "code"), ("description", "Agent's description", "text")],
            ),
            ("command", command),
        ),
        action(
            ("Write", "Write a file", "Creates or overwrites a file"),
            ("Write {file_path}", &[("file_path", "File", "text"), ("content", "Content", "code")]),
            ("file_path", json!({ "file_path": text, "content": text })),
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
        ),
        action(
            ("MultiEdit", "Edit a file in several places", "Replaces text in several places in a file"),
            ("Edit {file_path}", &[("file_path", "File", "text"), ("edits", "Edits", "code")]),
            ("file_path", json!({ "file_path": text, "edits": { "type": "array" } })),
        ),
        action(
            ("NotebookEdit", "Edit a notebook", "Changes a cell of a Jupyter notebook"),
            (
                "Edit {notebook_path}",
                &[("notebook_path", "Notebook", "text"), ("new_source", "Source", "code")],
            ),
            ("notebook_path", json!({ "notebook_path": text, "new_source": text })),
        ),
        action(
            ("WebFetch", "Fetch a page", "Fetches a page from the internet"),
            ("Fetch {url}", &[("url", "Address", "text"), ("prompt", "Question", "text")]),
            ("url", json!({ "url": text, "prompt": text })),
        ),
        action(
            ("WebSearch", "Search the web", "Sends a query to a search engine"),
            ("Search the web for {query}", &[("query", "Query", "text")]),
            ("query", json!({ "query": text })),
        ),
    ]
}

fn action(
    (key, name, description): (&str, &str, &str),
    (title, fields): (&str, &[(&str, &str, &str)]),
    (required, properties): (&str, Value),
) -> Value {
    let fields: Vec<Value> = fields
        .iter()
        .map(|(name, label, format)| json!({ "pointer": format!("/{name}"), "label": label, "format": format }))
        .collect();
    json!({
        "key": key, "name": name, "description": description, "title": title, "fields": fields,
        "input_schema": { "type": "object", "required": [required], "properties": properties },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_actions_are_kept_as_they_were_described() {
        let other = json!({
            "key": "Monitor", "name": "Monitor", "description": null, "read_only": false, "destructive": false,
            "risk": null, "title": null, "fields": [], "input_schema": null, "unlocked": true,
            "unlocked_for": "always", "must_read": false,
        });
        let existing = json!({ "key": "claude", "actions": [other, { "key": "Bash", "name": "Old" }] });
        let catalog = catalog(Format::Claude, Some(&existing)).unwrap();
        let actions = catalog["actions"].as_array().unwrap();
        assert_eq!(actions.len(), 9);
        assert_eq!(
            actions[8],
            json!({ "key": "Monitor", "name": "Monitor", "read_only": false, "fields": [] })
        );
        assert_eq!(actions[0]["name"], "Run a command");
        assert_eq!(super::catalog(Format::Codex, None), None);
    }
}
