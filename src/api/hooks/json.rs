//! What Claude Code sends to a hook and reads from it, as the `OpenAPI` document describes it
//! (<https://code.claude.com/docs/en/hooks>).

use axum::{
    body::Bytes,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A tool call that Claude Code is about to make. Members that are not listed are ignored.
#[derive(Debug, ToSchema)]
#[schema(as = HookInput)]
#[expect(dead_code, reason = "describes what `gateway::formats` reads")]
pub struct HookInput {
    /// `PreToolUse`, or `PermissionRequest`.
    #[schema(pattern = "^(PreToolUse|PermissionRequest)$")]
    hook_event_name: String,
    /// The session, which is the approval's conversation.
    #[schema(min_length = 1)]
    session_id: String,
    /// The tool: `Bash`, or `mcp__server__tool` of an MCP server.
    #[schema(min_length = 1)]
    tool_name: String,
    /// The tool's arguments.
    #[schema(value_type = Object)]
    tool_input: Value,
    /// The call. The same call of the same session is asked about once.
    tool_use_id: Option<String>,
    /// The directory in which the agent works. Its name is the conversation's title.
    cwd: Option<String>,
}

/// What Claude Code does with the call.
#[derive(Debug, ToSchema)]
#[schema(as = HookOutput)]
#[expect(dead_code, reason = "describes what `gateway::formats` writes")]
#[serde(rename_all = "camelCase")]
pub struct HookOutput {
    /// The decision, in the form of the event.
    #[schema(value_type = Object)]
    hook_specific_output: Value,
}

/// An answer to a hook.
pub(super) struct Json(pub(super) Value);

impl Json {
    /// Its text.
    pub(super) fn bytes(self) -> Bytes {
        self.0.to_string().into()
    }
}

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        (HEAD, self.bytes()).into_response()
    }
}

/// The headers of every answer.
pub(super) const HEAD: [(header::HeaderName, &str); 2] =
    [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];

/// An example of a call.
pub(super) fn input() -> Value {
    json!({
        "session_id": "0b9e1f52-6f0c-4d5e-9d0b-2f6d2f1f9c11", "cwd": "/home/alice/shop",
        "permission_mode": "default", "hook_event_name": "PreToolUse", "tool_name": "Bash",
        "tool_input": { "command": "make deploy" }, "tool_use_id": "toolu_01A09abcdEFGhijkLMnopqrs",
    })
}

/// An example of an answer that lets the call run.
pub(super) fn allowed() -> Value {
    json!({ "hookSpecificOutput": {
        "hookEventName": "PreToolUse", "permissionDecision": "allow",
        "permissionDecisionReason": "Approved in Slack by U0ALICE.",
    } })
}

/// An example of an answer that does not.
pub(super) fn denied() -> Value {
    json!({ "hookSpecificOutput": {
        "hookEventName": "PreToolUse", "permissionDecision": "deny",
        "permissionDecisionReason": "Denied in Slack by U0ALICE. Their reason: \u{201c}Not on Fridays\u{201d}. Do not \
            retry this, in the same or another way, unless the user asks you to.",
    } })
}
