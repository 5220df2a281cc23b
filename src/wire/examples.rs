//! Examples of what goes over the wire, for the `OpenAPI` document. They tell one story: Atlas logs a call for Alice.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::domain::arguments::Digest;

const APPROVAL: &str = "apr_0192f7c3a4b57d0e8f1a2b3c4d5e6f70";
const GRANT: &str = "grt_0192f7c3b1127a41b7d05f6a7b8c9d0e";
const DELIVERY: &str = "dlv_0192f7c3b1157c33a0e1f2a3b4c5d6e7";
const BACKEND: &str = "bck_0192f7c0aa007e11b2c3d4e5f6a7b8c9";

/// A receipt, without the end of its payload.
pub const RECEIPT: &str = "eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoia1ByS19xbXhWV2FZVkE5d3dCRjZJdW8zdlZ6ejdUeEhDVHdYQnlnclM0ayIsInR5cCI6ImNvdW50ZXJzaWduLXJlY2VpcHQrand0In0.eyJpc3MiOiJodHRwczovL2NvdW50ZXJzaWduLmV4YW1wbGUuY29tIn0.UaHV…";

/// The keys that verify receipts. This one is from RFC 8037.
#[must_use]
pub fn keys() -> Value {
    json!({ "keys": [{
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "alg": "Ed25519",
        "use": "sig",
    }] })
}

/// The body of a request for approval.
#[must_use]
pub fn ask() -> Value {
    json!({
        "user": "U0ALICE",
        "agent": { "id": "atlas", "name": "Atlas" },
        "conversation": { "id": "c-42", "title": "Q3 pipeline", "url": "https://atlas.example.com/c/42" },
        "integration": "salesforce",
        "action": "create_record",
        "arguments": { "object": "Task", "subject": "Call with Acme" },
        "editable": true,
        "reason": "Log the call with Acme",
        "expires_in": 1800,
        "abandon_after": 300,
        "callback_url": "https://flows.example.com/resume/17",
        "slack": { "channel": "C0SALES", "thread_ts": "1700000000.000100" },
        "metadata": { "run": 17 },
    })
}

/// The least that a request for approval says.
#[must_use]
pub fn short_ask() -> Value {
    json!({
        "user": "alice@example.com",
        "agent": { "id": "atlas" },
        "conversation": { "id": "c-42" },
        "integration": "salesforce",
        "action": "create_record",
        "arguments": {},
    })
}

/// An approval that nobody has decided.
#[must_use]
pub fn pending() -> Value {
    let arguments = json!({ "object": "Task", "subject": "Call with Acme" });
    json!({
        "id": APPROVAL,
        "status": "pending",
        "user": "U0ALICE",
        "agent": { "id": "atlas", "name": "Atlas" },
        "conversation": { "id": "c-42", "title": "Q3 pipeline", "url": "https://atlas.example.com/c/42" },
        "integration": "salesforce",
        "action": "create_record",
        "arguments": arguments,
        "arguments_digest": Digest::for_json(&arguments).to_string(),
        "editable": true,
        "reason": "Log the call with Acme",
        "metadata": { "run": 17 },
        "created_at": "2026-01-05T09:30:00.000000Z",
        "expires_at": "2026-01-05T10:00:00.000000Z",
        "decision": null,
        "result": null,
    })
}

fn ended(outcome: &str, scope: Option<&str>, by: &str, grant: Option<&str>, reason: Option<&str>) -> Value {
    let mut approval = pending();
    let user = if by == "user" { json!("U0ALICE") } else { Value::Null };
    approval["status"] = json!(outcome);
    approval["decision"] = json!({
        "outcome": outcome, "scope": scope, "by": by, "user": user, "grant": grant, "grant_limits": null,
        "reason": reason,
        "arguments": null, "arguments_digest": null, "decided_at": "2026-01-05T09:30:41.250000Z",
    });
    approval
}

/// An approval that waits because its agent is paused.
#[must_use]
pub fn held() -> Value {
    let mut approval = pending();
    approval["paused"] = json!({ "reason": "Sends too much mail", "since": "2026-01-05T09:12:00.000000Z" });
    approval
}

/// An approval that was denied at once because its agent is paused.
#[must_use]
pub fn denied_by_policy() -> Value {
    ended("denied", None, "policy", None, Some("The agent is paused: Sends too much mail"))
}

/// An approval that its user gave, with an auto-approval for always.
#[must_use]
pub fn approved() -> Value {
    ended("approved", Some("always"), "user", Some(GRANT), None)
}

/// An approval that a grant gave at once.
#[must_use]
pub fn auto_approved() -> Value {
    ended("approved", Some("always"), "auto", Some(GRANT), None)
}

/// An approval that its user gave after changing an argument.
#[must_use]
pub fn edited() -> Value {
    let mut approval = ended("approved", Some("once"), "user", None, None);
    let arguments = json!({ "object": "Task", "subject": "Call with Acme Ltd" });
    approval["decision"]["arguments_digest"] = json!(Digest::for_json(&arguments).to_string());
    approval["decision"]["arguments"] = arguments;
    approval
}

/// An approval that its user refused.
#[must_use]
pub fn denied() -> Value {
    ended("denied", None, "user", None, Some("Wrong account"))
}

/// An approval that its backend took back.
#[must_use]
pub fn cancelled() -> Value {
    ended("cancelled", None, "backend", None, None)
}

/// The body of a report that a call succeeded.
#[must_use]
pub fn result() -> Value {
    json!({
        "status": "succeeded", "summary": "Logged the call with Acme",
        "url": "https://acme.my.salesforce.com/00T5g00000AbCdE",
    })
}

/// The body of a report that a call failed.
#[must_use]
pub fn failed_result() -> Value {
    json!({ "status": "failed", "summary": "Salesforce refused the record: the account is locked" })
}

/// An approval whose backend reported what came of it.
#[must_use]
pub fn reported() -> Value {
    let mut approval = approved();
    approval["result"] = result();
    approval["result"]["reported_at"] = json!("2026-01-05T09:30:43.100000Z");
    approval
}

/// What is about to run.
#[must_use]
pub fn usage() -> Value {
    json!({ "arguments_digest": approved()["arguments_digest"] })
}

/// The permit of an approval.
#[must_use]
pub fn permit() -> Value {
    json!({
        "approval": APPROVAL, "arguments_digest": approved()["arguments_digest"],
        "key": "key_0192f7c0ab127f00a1b2c3d4e5f60718", "used_at": "2026-01-05T09:30:42.050000Z",
    })
}

/// A page of approvals.
#[must_use]
pub fn approvals() -> Value {
    json!({ "data": [approved()], "next_cursor": null })
}

/// Server-sent events of an approval.
#[must_use]
pub fn events() -> Value {
    json!(format!(
        "id: pending\nevent: approval.pending\ndata: {}\n\nid: approved\nevent: approval.approved\ndata: {}\n\n",
        pending(),
        approved()
    ))
}

/// The body of an integration that is put.
#[must_use]
pub fn catalog() -> Value {
    json!({
        "name": "Salesforce",
        "description": "The sales team's records",
        "requires_connection": true,
        "connect_url": "https://atlas.example.com/connect/salesforce",
        "actions": [{
            "key": "create_record", "name": "Create record", "description": "Creates one record of any object",
            "read_only": false, "risk": ["external"], "title": "Create a {object} in Salesforce: {subject}",
            "fields": [
                { "pointer": "/object", "label": "Kind of record", "format": "text" },
                { "pointer": "/subject", "label": "Subject", "format": "text" },
            ],
            "input_schema": {
                "type": "object", "required": ["object"],
                "properties": { "object": { "type": "string" }, "subject": { "type": "string", "maxLength": 255 } },
            },
        }],
    })
}

/// An integration.
#[must_use]
pub fn integration() -> Value {
    let mut integration = json!({ "key": "salesforce" });
    if let (Value::Object(integration), Value::Object(catalog)) = (&mut integration, catalog()) {
        integration.extend(catalog);
    }
    integration["actions"][0]["destructive"] = json!(false);
    integration["actions"][0]["unlocked"] = json!(true);
    integration["actions"][0]["unlocked_for"] = json!("always");
    integration["actions"][0]["must_read"] = json!(false);
    integration
}

/// A page of integrations.
#[must_use]
pub fn integrations() -> Value {
    json!({ "data": [integration()], "next_cursor": null })
}

/// A webhook delivery.
#[must_use]
pub fn delivery() -> Value {
    json!({
        "id": DELIVERY, "approval": APPROVAL, "type": "approval.approved", "status": "pending", "attempt_count": 1,
        "created_at": "2026-01-05T09:30:41.250000Z", "paused": false, "next_attempt_at": "2026-01-05T09:30:46.810000Z",
        "delivered_at": null, "dead_at": null, "last_error": "timed out after 10 s",
        "callback_host": null,
    })
}

/// A webhook delivery with its attempts.
#[must_use]
pub fn delivery_with_attempts() -> Value {
    let mut delivery = delivery();
    delivery["attempts"] = json!([{
        "number": 1, "started_at": "2026-01-05T09:30:41.262000Z", "took_ms": 10_004, "outcome": "failed",
        "http_status": null, "detail": "timed out after 10 s",
    }]);
    delivery
}

/// A page of deliveries.
#[must_use]
pub fn deliveries() -> Value {
    json!({ "data": [delivery()], "next_cursor": URL_SAFE_NO_PAD.encode(DELIVERY) })
}

/// A line of the audit.
#[must_use]
pub fn entry() -> Value {
    json!({
        "cursor": URL_SAFE_NO_PAD.encode("0.1042.7"), "at": "2026-01-05T09:30:41.250000Z",
        "actor": { "kind": "user", "id": "U0ALICE" }, "from": "slack", "what": "approval.approved",
        "approval": APPROVAL, "grant": GRANT, "subject": "salesforce.create_record",
        "before": { "status": "pending" }, "after": { "by": "user", "scope": "always", "user": "U0ALICE" },
    })
}

/// A page of the audit.
#[must_use]
pub fn audit() -> Value {
    json!({ "data": [entry()], "next_cursor": null })
}

/// The audit as lines.
#[must_use]
pub fn audit_lines() -> Value {
    json!(format!("{}\n", entry()))
}

/// A checkpoint of the audit log, without the end of its signature.
pub const CHECKPOINT: &str = "countersign.example.com/audit/3f9c21ab\n20852\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— countersign.example.com/audit/3f9c21ab Az3grlgtzPICa5OS8npV…\n";

/// The proof that an entry is in the audit log, without its end.
#[must_use]
pub fn log_proof() -> Value {
    json!({
        "record": format!(
            r#"{{"actor_kind":"user","approval":"{APPROVAL}","at":"2026-01-05T09:30:41.250000Z","commitments":{{…}},"grant":"{GRANT}","position":"0.1042.7","v":1,"what":"approval.approved","workspace":"wsp_…"}}"#
        ),
        "proof": "c2sp.org/tlog-proof@v1\nindex 17389\ngSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n…",
    })
}

/// The proof that the audit log continues an earlier checkpoint.
#[must_use]
pub fn consistency() -> Value {
    json!({
        "from": 17000, "to": 20852,
        "hashes": ["gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=", "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA="],
        "checkpoint": CHECKPOINT,
    })
}

/// A webhook.
#[must_use]
pub fn event() -> Value {
    json!({ "type": "approval.approved", "timestamp": "2026-01-05T09:30:41.250000Z", "data": approved() })
}

/// A test webhook, which reports no event.
#[must_use]
pub fn ping() -> Value {
    json!({
        "type": "webhook.ping", "timestamp": "2026-01-05T09:30:41.250000Z", "data": { "backend": BACKEND },
    })
}

/// A page of grants.
#[must_use]
pub fn grants() -> Value {
    json!({
        "data": [
            {
                "id": GRANT,
                "user": "U0ALICE",
                "action": "salesforce.create_record",
                "scope": "always",
                "backend": null,
                "conversation": null,
                "limits": {
                    "fixed_arguments": ["object"],
                    "agent": null,
                    "expires_at": "2026-01-12T09:30:41.250000Z",
                    "max_uses": 10,
                    "uses_left": 3,
                },
                "paused": false,
                "created_at": "2026-01-05T09:30:41.250000Z",
                "use_count": 7,
                "last_used_at": "2026-01-05T11:02:09.500000Z",
            },
        ],
        "next_cursor": null,
    })
}

/// Why a grant is revoked.
#[must_use]
pub fn revoke_grant() -> Value {
    json!({ "reason": "Atlas moves to another account" })
}

/// All grants of a person.
#[must_use]
pub fn revoke_grants_of_person() -> Value {
    json!({ "user": "U0ALICE", "reason": "Offboarding" })
}

/// All grants for an action.
#[must_use]
pub fn revoke_grants_for_action() -> Value {
    json!({ "action": "salesforce.create_record" })
}

/// How many grants were revoked.
#[must_use]
pub fn revoked() -> Value {
    json!({ "revoked": 1 })
}

/// An action with its lock.
#[must_use]
pub fn action() -> Value {
    json!({
        "integration": "salesforce",
        "action": "create_record",
        "integration_name": "Salesforce",
        "name": "Create record",
        "description": "Creates a record of any object",
        "version": 3,
        "read_only": false,
        "risk": [],
        "unlocked": true,
        "unlocked_for": "conversations",
        "changed": false,
        "must_read": false,
    })
}

/// The same, locked.
#[must_use]
pub fn locked_action() -> Value {
    let mut action = action();
    action["unlocked"] = false.into();
    action["unlocked_for"] = Value::Null;
    action
}

/// A page of actions.
#[must_use]
pub fn actions() -> Value {
    json!({ "data": [action()], "next_cursor": null })
}

/// What users may allow for an action.
#[must_use]
pub fn unlock_action() -> Value {
    json!({ "unlocked_for": "conversations", "version": 3 })
}

/// What users may allow for the read-only actions of an integration.
#[must_use]
pub fn unlock_read_only() -> Value {
    json!({ "unlocked_for": "always" })
}

/// How many of them were unlocked.
#[must_use]
pub fn unlocked_read_only() -> Value {
    json!({ "unlocked": 12, "left_out": 0 })
}

/// A page of backends.
#[must_use]
pub fn backends() -> Value {
    json!({
        "data": [
            {
                "id": BACKEND,
                "name": "agents",
                "has_webhook_endpoint": true,
                "webhook_failing_since": "2026-01-05T09:30:51.300000Z",
                "webhook_stopped_at": null,
                "disabled_at": null,
            },
        ],
        "next_cursor": null,
    })
}

/// A page of delegations.
#[must_use]
pub fn delegations() -> Value {
    json!({
        "data": [
            {
                "id": "dlg_0192f7c3b1127a41b7d05f6a7b8c9d0f",
                "user": "U0ALICE",
                "delegate": "U0BOB",
                "reason": "On holiday",
                "began_at": "2026-01-05T09:30:41.250000Z",
                "until": "2026-01-12T00:00:00.000000Z",
            },
        ],
        "next_cursor": null,
    })
}

/// Something that is paused.
#[must_use]
pub fn pause() -> Value {
    json!({
        "id": "pau_0192f7c3b1127a41b7d05f6a7b8c9d1a",
        "backend": "bck_0192f7c3a8f17c0aa6e2d9b1f4c07e55",
        "backend_name": "agents",
        "agent": "atlas",
        "requests": "held",
        "reason": "Sends too much mail",
        "paused_by": { "kind": "operator", "id": "Terraform (key_0192f7c3b1127a41b7d05f6a7b8c9d0e)" },
        "paused_at": "2026-01-05T09:30:41.250000Z",
    })
}

/// Everything that is paused.
#[must_use]
pub fn pauses() -> Value {
    json!({ "data": [pause()], "next_cursor": null })
}

/// A call that pauses an agent of a backend.
#[must_use]
pub fn pause_agent() -> Value {
    json!({
        "backend": "bck_0192f7c3a8f17c0aa6e2d9b1f4c07e55",
        "agent": "atlas",
        "reason": "Sends too much mail",
    })
}

/// A call that pauses a backend.
#[must_use]
pub fn pause_backend() -> Value {
    json!({
        "backend": "bck_0192f7c3a8f17c0aa6e2d9b1f4c07e55",
        "requests": "denied",
        "reason": "Under investigation",
    })
}

/// Who approves much.
#[must_use]
pub fn stats() -> Value {
    json!({
        "quick_seconds": 3,
        "data": [
            {
                "user": "U0ALICE",
                "approved_last_7_days": 427,
                "approved_last_30_days": 1204,
                "is_lower_bound": false,
                "sampled": 200,
                "quick_percent": 41,
                "most_frequent_action": "salesforce.create_record",
                "advice": "unlock",
            },
        ],
    })
}
