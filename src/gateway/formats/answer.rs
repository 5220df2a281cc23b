//! What a hook answers, in the format of each agent.

use serde_json::{Value, json};

use super::{Event, Format, verdict::Verdict};

/// What the hook writes to standard output; `None`: nothing, which lets the call run.
#[must_use]
pub fn answer(format: Format, event: Event, verdict: Verdict) -> Option<Value> {
    match (format, event) {
        (Format::Hermes, _) => hermes(verdict),
        (_, Event::PermissionRequest) => Some(permission(format, verdict)),
        (Format::Codex, Event::PreToolUse) => codex(verdict),
        (Format::Claude | Format::VsCode, Event::PreToolUse) => Some(pre_tool_use(verdict)),
    }
}

fn pre_tool_use(verdict: Verdict) -> Value {
    let mut answer = json!({ "hookEventName": "PreToolUse" });
    match verdict {
        Verdict::Run { edited, why } => {
            answer["permissionDecision"] = json!("allow");
            if let Some(edited) = edited {
                answer["updatedInput"] = json!(edited);
                // The model only sees the call that it made.
                answer["additionalContext"] = json!(format!("{why} The tool ran with: {}", json!(edited)));
            }
            answer["permissionDecisionReason"] = json!(why);
        }
        Verdict::Refuse { why } => {
            answer["permissionDecision"] = json!("deny");
            answer["permissionDecisionReason"] = json!(why);
        }
    }
    json!({ "hookSpecificOutput": answer })
}

/// Codex rejects an `allow` without `updatedInput`, and then runs the tool as if there were no hook.
fn codex(verdict: Verdict) -> Option<Value> {
    match verdict {
        Verdict::Run { edited: None, .. } => None,
        other => Some(pre_tool_use(other)),
    }
}

fn permission(format: Format, verdict: Verdict) -> Value {
    let decision = match verdict {
        Verdict::Run { edited: Some(edited), .. } if format == Format::Claude => {
            json!({ "behavior": "allow", "updatedInput": edited })
        }
        // The others take no other arguments, and no request of theirs says that they do.
        Verdict::Run { edited: Some(_), .. } => {
            json!({ "behavior": "deny", "message": "Approved with changed arguments, which this agent does not take." })
        }
        Verdict::Run { edited: None, .. } => json!({ "behavior": "allow" }),
        Verdict::Refuse { why } => json!({ "behavior": "deny", "message": why }),
    };
    json!({ "hookSpecificOutput": { "hookEventName": "PermissionRequest", "decision": decision } })
}

/// Hermes can only block.
fn hermes(verdict: Verdict) -> Option<Value> {
    match verdict {
        Verdict::Run { edited: None, .. } => None,
        Verdict::Run { edited: Some(_), .. } => Some(
            json!({ "decision": "block", "reason": "Approved with changed arguments, which this agent does not take." }),
        ),
        Verdict::Refuse { why } => Some(json!({ "decision": "block", "reason": why })),
    }
}
