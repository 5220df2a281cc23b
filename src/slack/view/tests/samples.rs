//! Sample approvals.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    domain::{
        action_ref::ActionRef,
        approvals::{Agent, Approval, Conversation, Request},
        arguments::Arguments,
        catalog::{Eligibility, Lock, UnlockedFor},
        decision::{Decision, GrantOutcome, Verdict},
        editing::EditedArguments,
        field_hints::{ArgumentPointer, FieldHint, Label, Presentation},
        grants::Scope,
        ids::{
            ActionId, ActionVersionId, ApprovalId, BackendId, GrantId, IntegrationId, UserId, WorkspaceId,
        },
        input_schema::InputSchema,
        limits::Bounds,
        results::{ApprovalResult, ResultStatus},
        risk::{Impact, Risks},
        templates::{Template, escape},
        text::{ActionKey, ForeignId, IntegrationKey, Link, Name, Prose, Text},
    },
    slack::view::prompt_state::{PromptState, Reader},
};

pub(super) const FREE: Eligibility = Eligibility {
    lock: Lock::Unlocked(UnlockedFor::Always),
    outdated: false,
    connected: true,
    conversation_closed: false,
    bounds: Bounds { duration: None, uses: None },
};
pub(super) const CONNECT_URL: &str = "https://app.example.com/connect/salesforce?user=1&from=slack";

/// 14 March 2026, 09:26:53 UTC.
pub(super) fn asked_at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_773_480_413, 0).unwrap()
}

pub(super) fn alice() -> UserId {
    UserId::parse("U0ALICE").unwrap()
}

pub(super) fn grant() -> GrantId {
    GrantId::new(Uuid::from_u128(0x0192_f7c3_a4b5_7d0e_8f1a_2b3c_4d5e_6f71))
}

pub(super) fn approval(arguments: &str) -> Approval {
    let arguments: Arguments = serde_json::from_str(arguments).unwrap();
    let digest = arguments.digest();
    let request = Request {
        id: ApprovalId::new(Uuid::from_u128(0x0192_f7c3_a4b5_7d0e_8f1a_2b3c_4d5e_6f70)),
        workspace: WorkspaceId::new(Uuid::from_u128(1)),
        backend: BackendId::new(Uuid::from_u128(2)),
        user: alice(),
        agent: Agent { id: foreign("atlas"), name: Some(name("Atlas")) },
        conversation: Conversation {
            id: foreign("c-42"),
            title: Some(name("Q3 pipeline")),
            url: Some(Link::new("https://agents.example.com/c/42?tab=all&view=full").unwrap()),
        },
        own_conversation: false,
        approvers: None,
        action: ActionRef {
            id: ActionId::new(Uuid::from_u128(3)),
            integration_id: IntegrationId::new(Uuid::from_u128(4)),
            integration: IntegrationKey::new("salesforce").unwrap(),
            action: ActionKey::new("create_record").unwrap(),
            version: ActionVersionId::new(Uuid::from_u128(3)),
            integration_name: "Salesforce".to_owned(),
            action_name: "Create record".to_owned(),
            description: Some("Creates a record of any object.".to_owned()),
            impact: Impact::Changes(Risks::NONE),
            presentation: Presentation::default(),
            has_input_schema: false,
            must_read: false,
        },
        arguments,
        editable: false,
        digest,
        reason: Some(Prose::new("Log the call with Acme").unwrap()),
        metadata: None,
        place: None,
        created_at: asked_at(),
        expires_at: asked_at() + TimeDelta::minutes(30),
        policy: None,
        contents_deleted_at: None,
    };
    Approval { request, decision: None, result: None, pause: None }
}

pub(super) fn ordinary() -> Approval {
    approval(
        r#"{"object":"Task","subject":"Call with Acme","due":"2026-03-16","priority":2,
            "related":{"type":"Account","id":"0015e00000ABCDE"},"tags":["call","q3"],"notify":true,"owner":null}"#,
    )
}

pub(super) fn decided(verdict: Verdict) -> Approval {
    let decision = Decision { verdict, decided_at: asked_at() + TimeDelta::minutes(4) };
    Approval { decision: Some(decision), ..ordinary() }
}

/// What came of a call, in these words.
pub(super) fn result(status: ResultStatus, summary: Option<&str>, url: Option<&str>) -> ApprovalResult {
    ApprovalResult {
        status,
        summary: summary.map(|text| Text::from_stored(text.to_owned())),
        url: url.and_then(|url| Link::new(url).ok()),
        digest: ordinary().request.digest,
        reported_at: asked_at() + TimeDelta::minutes(5),
    }
}

pub(super) fn verdicts() -> Vec<(&'static str, Verdict)> {
    let user = alice();
    let reason = Some(Prose::new("Wrong account: it is Acme Ltd, not Acme Inc.").unwrap());
    vec![
        ("approved_once", Verdict::Approved { user: user.clone(), given: GrantOutcome::Once }),
        (
            "approved_conversation",
            Verdict::Approved { user: user.clone(), given: GrantOutcome::Conversation(grant()) },
        ),
        ("approved_always", Verdict::Approved { user: user.clone(), given: GrantOutcome::Always(grant()) }),
        (
            "auto_approved_conversation",
            Verdict::AutoApproved { grant: grant(), scope: Scope::Conversation, limits: None },
        ),
        (
            "auto_approved_always",
            Verdict::AutoApproved { grant: grant(), scope: Scope::Always, limits: None },
        ),
        ("denied", Verdict::Denied { user: user.clone(), on_behalf_of: None, reason: None }),
        ("denied_with_reason", Verdict::Denied { user: user.clone(), on_behalf_of: None, reason }),
        ("allowed_by_rule", Verdict::AllowedByRule),
        ("blocked_by_rule", Verdict::BlockedByRule { reason: Some(Prose::new("Not from agents").unwrap()) }),
        ("expired", Verdict::Expired),
        ("cancelled", Verdict::Cancelled),
        ("abandoned", Verdict::Abandoned { why: Prose::new("no caller listened for 60 s").unwrap() }),
        ("undeliverable", Verdict::Undeliverable { why: Prose::new("channel_not_found").unwrap() }),
        ("approved_edited", Verdict::ApprovedEdited { user, edited: edited() }),
        (
            "denied_by_policy",
            Verdict::DeniedByPause { why: Prose::new("The agent is paused: sends too much").unwrap() },
        ),
    ]
}

/// The arguments of [`ordinary`] with two changed, and one left out.
pub(super) fn edited() -> EditedArguments {
    let mut members = ordinary().request.arguments.members().clone();
    members.insert("subject".to_owned(), "Call with Acme Ltd".into());
    members.insert("priority".to_owned(), 3.into());
    members.shift_remove("due");
    with_digest(members)
}

pub(super) fn with_digest(members: Map<String, Value>) -> EditedArguments {
    let arguments = Arguments::from_stored(members);
    EditedArguments { digest: arguments.digest(), arguments }
}

/// A request whose arguments can be edited, and the schema that says how.
pub(super) fn editable() -> (Approval, InputSchema) {
    let mut approval = ordinary();
    approval.request.editable = true;
    approval.request.action.has_input_schema = true;
    let schema = json!({
        "type": "object", "required": ["object", "subject"],
        "properties": {
            "object": { "enum": ["Task", "Event", "Account"] }, "subject": { "type": "string", "maxLength": 80 },
            "due": { "type": "string" }, "priority": { "type": "integer", "minimum": 1, "maximum": 5 },
            "notify": { "type": "boolean" },
        },
    });
    (approval, InputSchema::from_stored(&schema.to_string()).unwrap())
}

pub(super) fn state(approval: &Approval) -> PromptState<'_> {
    PromptState {
        approval,
        standing: FREE,
        grant_live: true,
        requested: false,
        misused: false,
        connect_url: Some(CONNECT_URL),
        precedent: None,
        reader: Reader::User,
        panel: None,
        now: asked_at(),
    }
}

pub(super) fn name(text: &str) -> Name {
    Name::from_stored(text.to_owned())
}

pub(super) fn foreign(text: &str) -> ForeignId {
    ForeignId::from_stored(text.to_owned())
}

/// An approval in which every untrusted text is this one.
pub(super) fn full_of(text: &str) -> Approval {
    let mut approval = approval("{}");
    let request = &mut approval.request;
    request.agent = Agent { id: foreign(text), name: Some(name(text)) };
    request.conversation.id = foreign(text);
    request.conversation.title = Some(name(text));
    request.conversation.url = Link::new(format!("https://example.com/{text}")).ok();
    request.action.integration_name = text.to_owned();
    request.action.action_name = text.to_owned();
    request.action.impact = Impact::DESTRUCTIVE;
    request.reason = Some(Prose::from_stored(text.to_owned()));
    let first: String = text.chars().filter(|letter| !letter.is_control()).take(60).collect();
    request.action.description = Some(text.to_owned());
    request.action.presentation = Presentation {
        title: Template::new(format!("{} {{plain}} {{last}}", escape(&first))).ok(),
        fields: vec![FieldHint {
            pointer: ArgumentPointer::to_argument("last").unwrap(),
            label: Label::new(first).ok(),
            format: None,
        }],
    };
    let members =
        [("plain", Value::from(text)), (text, Value::from(vec![text, text])), ("last", Value::from(1))];
    request.arguments =
        Arguments::from_stored(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    request.digest = request.arguments.digest();
    approval
}
