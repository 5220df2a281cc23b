//! The call that an agent requests approval for: integration, then action, then example, from the catalog.

use maud::{Markup, html};

use super::super::acts::Fields;
use crate::catalog::{Call, HostileCall, hostile_calls, integration, integrations};

/// The entry for hostile calls in the list of integrations.
const HOSTILE: &str = "hostile";

/// The selection. An invalid part is replaced by the first valid one.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    integration: String,
    action: String,
    example: usize,
}

impl Default for Choice {
    /// A call that changes something, of an integration that most people know.
    fn default() -> Self {
        Self { integration: "github".into(), action: "create_pull_request".into(), example: 0 }
    }
}

impl Choice {
    /// Reads the fields `integration`, `action` and `example`.
    pub(super) fn from_fields(fields: &Fields) -> Self {
        Self {
            integration: fields.get("integration").to_owned(),
            action: fields.get("action").to_owned(),
            example: fields.get("example").parse().unwrap_or(0),
        }
    }

    /// The fields that [`from_fields`](Self::from_fields) reads.
    pub(super) fn fields(&self) -> Fields {
        let example = self.example.to_string();
        let fields = [("integration", &self.integration), ("action", &self.action), ("example", &example)];
        Fields::default().and(&fields.map(|(name, value)| (name, value.as_str())))
    }

    /// Whether the call is a hostile one. Those come with their own agents.
    pub(super) fn is_hostile(&self) -> bool {
        self.integration == HOSTILE
    }

    /// The integration's key, where it is one that can be connected.
    pub(super) fn connectable(&self) -> Option<&'static str> {
        integration(&self.integration)
            .filter(|found| found.requires_connection)
            .map(|found| found.key.as_str())
    }

    /// The chosen call.
    pub(super) fn call(&self) -> Option<Call> {
        if self.is_hostile() {
            return pick(hostile_calls(), self.example).map(|hostile| hostile.call);
        }
        pick(self.calls(), self.example)
    }

    /// The calls of the chosen action.
    fn calls(&self) -> Vec<Call> {
        let Some(found) = integration(&self.integration).or_else(|| integrations().first()) else {
            return Vec::new();
        };
        let action = found.action(&self.action).or_else(|| found.actions.first());
        action.map(|action| action.calls.clone()).unwrap_or_default()
    }

    /// Renders the fields, which request the dependent fields when they change, and the call's arguments.
    pub(super) fn render(&self) -> Markup {
        let call = self.call();
        let arguments = call.as_ref().and_then(|call| serde_json::to_string_pretty(&call.arguments).ok());
        html! {
            label {
                "Integration"
                select.select name="integration" id="ask-integration" {
                    @for offered in integrations() {
                        option value=(offered.key) selected[offered.key == self.integration] { (offered.name) }
                    }
                    option value=(HOSTILE) selected[self.is_hostile()] { "Calls that deceive" }
                }
            }
            @if !self.is_hostile() { (self.actions()) }
            label {
                "Example"
                select.select name="example" id="ask-example" {
                    @for (index, words) in self.examples().iter().enumerate() {
                        option value=(index) selected[index == self.example] { (words) }
                    }
                }
            }
            @if let Some(arguments) = arguments {
                pre.tools-arguments tabindex="0" aria-label="Arguments" data-testid="arguments" { (cut(&arguments)) }
            }
        }
    }

    fn actions(&self) -> Markup {
        let found = integration(&self.integration).or_else(|| integrations().first());
        html! {
            label {
                "Action"
                select.select name="action" id="ask-action" {
                    @for action in found.into_iter().flat_map(|found| &found.actions) {
                        option value=(action.key) selected[action.key == self.action] { (action.name) }
                    }
                }
            }
        }
    }

    /// The labels of the examples: the agent's reason, or the attack of a hostile call.
    fn examples(&self) -> Vec<String> {
        if self.is_hostile() {
            return hostile_calls().into_iter().map(|HostileCall { name, .. }| name.to_owned()).collect();
        }
        self.calls().into_iter().map(|call| call.reason).collect()
    }
}

/// The item at `index`, or the first.
fn pick<T>(mut items: Vec<T>, index: usize) -> Option<T> {
    if items.is_empty() {
        return None;
    }
    let index = if index < items.len() { index } else { 0 };
    Some(items.swap_remove(index))
}

/// The first few thousand characters, because some examples are as large as a request may be.
fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(4000).collect();
    if short.len() < text.len() {
        short.push_str("\n… (the rest is not shown here)");
    }
    short
}
