//! What a hook answers, in the format of each agent.

use serde_json::{Value, json};

use super::{Event, Format, verdict::Verdict};

/// What the hook writes to standard output; `None`: nothing, which lets the call run.
#[must_use]
pub fn answer(format: Format, event: Event, verdict: Verdict) -> Option<Value> {
    match (format, event) {
        (Format::Claude, _) => Some(claude(event, verdict)),
        (Format::Hermes, _) => hermes(verdict),
        (_, Event::PermissionRequest) => Some(permission(format, verdict)),
        (Format::Codex, Event::PreToolUse) => codex(verdict),
        (Format::VsCode, Event::PreToolUse) => Some(pre_tool_use(verdict)),
    }
}

/// What a hook of Claude Code answers.
#[must_use]
pub fn claude(event: Event, verdict: Verdict) -> Value {
    match event {
        Event::PreToolUse => pre_tool_use(verdict),
        Event::PermissionRequest => permission(Format::Claude, verdict),
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

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;
    use crate::{
        domain::arguments::Digest,
        gateway::{
            approval::{Approval, Request},
            formats::call::{Call, Settings},
        },
    };

    fn request(format: Format) -> Request {
        let payload = json!({
            "session_id": "s-1", "hook_event_name": "PreToolUse", "tool_name": "Bash",
            "tool_input": { "command": "ls" }, "tool_use_id": "toolu_1",
        });
        let call = Call::read(payload.to_string().as_bytes(), Some(format)).unwrap();
        call.request(&Settings { limit: Some(600), ..Settings::default() }).unwrap()
    }

    /// What the agent runs the tool with, if it does.
    fn runs(format: Format, answer: Option<&Value>, asked: &Value) -> Option<Value> {
        let Some(answer) = answer else {
            return matches!(format, Format::Codex | Format::Hermes).then(|| asked.clone());
        };
        let specific = &answer["hookSpecificOutput"];
        let allows = specific["permissionDecision"] == "allow" || specific["decision"]["behavior"] == "allow";
        let updated = [&specific["updatedInput"], &specific["decision"]["updatedInput"]];
        allows.then(|| updated.into_iter().find(|input| input.is_object()).unwrap_or(asked).clone())
    }

    proptest! {
        #[test]
        fn nothing_but_an_approval_of_this_call_lets_it_run(
            format in select(&Format::ALL[..]),
            event in select(&[Event::PreToolUse, Event::PermissionRequest][..]),
            status in select(&["pending", "approved", "denied", "expired", "cancelled", "undeliverable", "granted"][..]),
            outcome in select(&["", "approved", "denied", "expired", "cancelled", "undeliverable", "granted"][..]),
            by in select(&["user", "auto", "policy", "backend", "agent"][..]),
            action in select(&["Bash", "Write"][..]),
            command in select(&["ls", "rm"][..]),
            claimed in select(&["ls", "rm"][..]),
            edited in select(&["", "ls", "rm"][..]),
            edited_claimed in select(&["", "ls", "rm"][..]),
        ) {
            let arguments = |command: &str| json!({ "command": command });
            let given = |command: &str| if command.is_empty() { Value::Null } else { arguments(command) };
            let digest = |command: &str| Digest::for_json(&arguments(command)).to_string();
            let decision = json!({
                "outcome": outcome, "by": by, "user": "U0ALICE", "reason": null, "arguments": given(edited),
                "arguments_digest": (!edited_claimed.is_empty()).then(|| digest(edited_claimed)),
            });
            let approval = json!({
                "id": "apr_0192f7c3a4b57d0e8f1a2b3c4d5e6f70", "status": status, "user": "U0ALICE",
                "integration": format.as_str(), "action": action, "arguments": arguments(command),
                "arguments_digest": digest(claimed),
                "decision": if outcome.is_empty() { Value::Null } else { decision },
            });
            let request = request(format);
            let ran = Approval::from_value(approval).ok().and_then(|approval| {
                let verdict = Verdict::new(&request, &approval);
                runs(format, answer(format, event, verdict).as_ref(), &arguments("ls"))
            });
            let is_approved = status == "approved" && outcome == "approved" && by != "agent" && action == "Bash"
                && command == "ls" && claimed == "ls" && edited == edited_claimed;
            let takes_changes = match event {
                Event::PreToolUse => format != Format::Hermes,
                Event::PermissionRequest => format == Format::Claude,
            };
            let expected = match (is_approved, edited) {
                (false, _) => None,
                (true, "") => Some(arguments("ls")),
                (true, edited) => takes_changes.then(|| arguments(edited)),
            };
            prop_assert_eq!(ran, expected);
        }
    }
}
