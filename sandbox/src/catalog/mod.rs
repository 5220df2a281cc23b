//! Real tools that agents use in practice, with realistic calls.
//!
//! The names of tools, the names and types of their arguments, and the read-only hints come from published tool
//! definitions; each file names its [`Source`]. The texts for people (names, descriptions, titles, labels), the risks and
//! the calls were written for this catalog.
//!
//! | integration | taken from |
//! | --- | --- |
//! | `github` | <https://github.com/github/github-mcp-server>, `pkg/github/__toolsnaps__/`, v1.10.1 |
//! | `slack` | <https://github.com/korotovsky/slack-mcp-server>, `pkg/server/server.go`, v1.2.3 |
//! | `stripe` | <https://github.com/stripe/agent-toolkit>, `tools/typescript/src/shared/`, 0.7.12 |
//! | `salesforce` | <https://github.com/tsmztech/mcp-server-salesforce>, `src/tools/`, 0.0.6 |
//! | `postgres` | <https://github.com/crystaldba/postgres-mcp>, `src/postgres_mcp/server.py`, v0.3.0 |
//! | `gmail` | <https://github.com/GongRzhe/Gmail-MCP-Server>, `src/index.ts`, 1.1.11 |

mod call;
mod hostile;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};

pub use self::call::Call;
pub use self::hostile::{HostileCall, hostile_calls};

const FILES: [&str; 6] = [
    include_str!("github.json"),
    include_str!("slack.json"),
    include_str!("stripe.json"),
    include_str!("salesforce.json"),
    include_str!("postgres.json"),
    include_str!("gmail.json"),
];

/// What an agent can use.
#[derive(Debug, Clone, Deserialize)]
pub struct Integration {
    /// Its key in the API.
    pub key: String,
    /// What people read.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether each user has to connect it to their account first.
    pub requires_connection: bool,
    /// The address where users connect it, if there is anything to connect.
    pub connect_url: Option<String>,
    /// Where the facts about it were taken from.
    pub source: Source,
    /// What can be done with it.
    pub actions: Vec<Action>,
}

/// Published tool definitions.
#[derive(Debug, Clone, Deserialize)]
pub struct Source {
    /// The repository on GitHub, `owner/name`.
    pub repository: String,
    /// The file or folder in it.
    pub path: String,
    /// The commit, in full.
    pub commit: String,
    /// The version that people know.
    pub version: String,
    /// Which of the hints are published, and how the others were set.
    pub hints: String,
}

/// One thing that can be done with an integration.
#[derive(Debug, Clone, Deserialize)]
pub struct Action {
    /// Its key in the API: the tool's published name.
    pub key: String,
    /// What people read.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Whether it changes nothing; [`Source::hints`] says on whose word.
    pub read_only: bool,
    /// What a person should know: `destructive`, `money`, `external`. [`Source::hints`] says on whose word.
    pub risk: Vec<String>,
    /// The template of a request's title.
    pub title: String,
    /// The arguments as people read them: `pointer`, `label` and `format` of each.
    pub fields: Vec<Value>,
    /// Its arguments' names and JSON types (`string`, `number`, `integer`, `boolean`, `array`, `object`).
    pub arguments: BTreeMap<String, String>,
    /// Those that must be given.
    pub required: Vec<String>,
    /// Calls as agents make them; at least one.
    #[serde(skip)]
    pub calls: Vec<Call>,
}

impl Action {
    /// Whether it may destroy something.
    #[must_use]
    pub fn is_destructive(&self) -> bool {
        self.risk.iter().any(|risk| risk == "destructive")
    }

    /// The JSON Schema of its arguments.
    #[must_use]
    pub fn schema(&self) -> Value {
        let properties = self.arguments.iter().map(|(name, kind)| (name.clone(), json!({ "type": kind })));
        json!({
            "type": "object", "required": self.required,
            "properties": properties.collect::<serde_json::Map<String, Value>>(),
        })
    }
}

impl Integration {
    /// The body of `PUT /v1/integrations/{key}`.
    #[must_use]
    pub fn body(&self) -> Value {
        let actions: Vec<Value> = self
            .actions
            .iter()
            .map(|action| {
                json!({
                    "key": action.key,
                    "name": action.name,
                    "description": action.description,
                    "read_only": action.read_only,
                    "risk": action.risk,
                    "title": action.title,
                    "fields": action.fields,
                    "input_schema": action.schema(),
                })
            })
            .collect();
        let mut body = json!({
            "name": self.name,
            "description": self.description,
            "requires_connection": self.requires_connection,
        });
        if let Some(url) = &self.connect_url {
            body["connect_url"] = json!(url);
        }
        body["actions"] = json!(actions);
        body
    }

    /// The action with this key.
    #[must_use]
    pub fn action(&self, key: &str) -> Option<&Action> {
        self.actions.iter().find(|action| action.key == key)
    }
}

/// All of them: 6 integrations with 61 actions.
#[must_use]
pub fn integrations() -> &'static [Integration] {
    static ALL: LazyLock<Vec<Integration>> =
        LazyLock::new(|| FILES.iter().filter_map(|file| read(file).ok()).collect());
    &ALL
}

/// The integration with this key.
#[must_use]
pub fn integration(key: &str) -> Option<&'static Integration> {
    integrations().iter().find(|integration| integration.key == key)
}

/// The first call of an action, such as `call("github", "create_issue")`.
#[must_use]
pub fn call(integration_key: &str, action_key: &str) -> Option<&'static Call> {
    integration(integration_key)?.action(action_key)?.calls.first()
}

/// Every call of every action.
pub fn calls() -> impl Iterator<Item = &'static Call> {
    integrations().iter().flat_map(|integration| &integration.actions).flat_map(|action| &action.calls)
}

fn read(file: &str) -> Result<Integration, serde_json::Error> {
    let mut integration: Integration = serde_json::from_str(file)?;
    let raw: Value = serde_json::from_str(file)?;
    for (index, action) in integration.actions.iter_mut().enumerate() {
        let written = raw.pointer(&format!("/actions/{index}/calls")).and_then(Value::as_array);
        for call in written.into_iter().flatten() {
            action.calls.push(Call::read(&integration.key, &action.key, call)?);
        }
    }
    Ok(integration)
}
