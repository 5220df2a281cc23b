//! Several requests that one click decides: the groups in a list, and the modal that names what *Approve all* approves.

use serde_json::Value;
use slack_morphism::prelude::{SlackBlock, SlackModalView};

use super::controls::{Callback, Control};
use super::deny::view;
use super::message::Message;
use super::names;
use super::notice;
use super::paused;
use crate::{
    domain::{
        alike::{Alike, Together},
        approvals::{Approval, Request},
        ids::ApprovalId,
        overview::Group,
        risk::Risk,
    },
    slack::view::{
        arguments,
        blocks::{self, Style},
        differences,
        fields::{Field, fields},
        sanitize::{self, safe_text::SafeText},
        summary, title,
    },
};

/// Most arguments of a request in the modal, where up to 40 requests have to fit.
const FIELDS: usize = 2;
/// Most that the requests may take in the modal, in bytes of JSON: a view may have 250 KB.
const ROOM: usize = 220_000;

/// A group in the list: what it is, how many there are, *Approve all…* and *Deny all*.
pub(super) fn group(group: &Group) -> [SlackBlock; 2] {
    let request = &group.first.request;
    let agent = sanitize::in_quotes(&names::name(request.agent.label()));
    let mut facts = vec![
        blocks::own_fact(names::count(group.count, "request is waiting.", "requests are waiting.")),
        blocks::fact(SafeText::from("Asked by ").then(agent)),
    ];
    let risks = request.action.impact.risks();
    facts.extend(risks.iter().map(|risk| blocks::fact(SafeText::own(format!("⚠ {}", names::risk(risk))))));
    let pause = group.first.pause.as_deref();
    facts.extend(pause.map(|pause| blocks::own_fact(paused::in_text(pause))));
    let name = names::pair(&request.action.integration_name, &request.action.action_name);
    let (like, brief) = (request.id, summary::brief(request));
    let approve = blocks::button(
        Control::ApproveAll { like, alike: Alike::Agent },
        SafeText::own(format!("Approve all {}…", group.count)),
        SafeText::from("Approve all: ").then(brief.clone()),
        Style::Plain,
    );
    let deny = blocks::button_after_confirming(
        Control::DenyAll { like, alike: Alike::Agent },
        "Deny all",
        SafeText::from("Deny all: ").then(brief),
        (
            "Deny all of them?",
            "This denies all requests of this agent for this action that are waiting for you, the oldest 40 at a time.".into(),
        ),
    );
    // All are of one agent.
    let row = if pause.is_some() { vec![deny] } else { vec![approve, deny] };
    [blocks::section(name, facts, None), blocks::actions(row)]
}

/// The offer after a grant was given, if other requests that it covers are waiting.
#[must_use]
pub fn offer(approval: &Approval, alike: Alike, others: usize) -> Message {
    let request = &approval.request;
    let text = format!(
        "Your auto-approval also covers {}.",
        names::count(others, "request that is already waiting", "requests that are already waiting")
    );
    let button = blocks::button(
        Control::ApproveAll { like: request.id, alike },
        SafeText::own(if others == 1 {
            "Approve the other…".to_owned()
        } else {
            format!("Approve the {others} others…")
        }),
        SafeText::from("Approve the others: ").then(summary::brief(request)),
        Style::Plain,
    );
    Message { blocks: vec![blocks::own(text.clone()), blocks::actions(vec![button])], text }
}

/// Renders the modal for `views.open`. It lists the first of `approvals` that it has room for, and its `private_metadata`
/// names exactly those.
#[must_use]
pub fn modal(approvals: &[Approval], count: usize) -> Value {
    let requests = approvals.iter().map(|approval| &approval.request);
    let (titles, told) = differences::told_apart(requests, title::paragraphs);
    let (mut listed, mut ids, mut used) = (Vec::new(), Vec::<String>::new(), 0);
    for ((approval, title), told) in approvals.iter().zip(titles).zip(told) {
        let most = told.len().max(FIELDS);
        let fields = arguments::first_fields(&beside_title(&approval.request, told), most);
        let own: Vec<SlackBlock> = std::iter::once(blocks::rich(title)).chain(fields).collect();
        used += serde_json::to_string(&own).map_or(ROOM, |json| json.len());
        if !ids.is_empty() && used > ROOM {
            break;
        }
        listed.extend(own);
        ids.push(approval.id().to_string());
    }
    let shown = ids.len();
    let intro = if count > shown {
        format!("This approves the oldest {shown} of {count} requests, each once.")
    } else {
        format!("This approves {}, each once.", names::count(shown, "request", "requests"))
    };
    let requests: Vec<&Request> = approvals[..shown].iter().map(|approval| &approval.request).collect();
    let warnings = names::risks_of(&requests, Risk::ALL.into_iter().collect());
    let mut rows = warning(warnings);
    rows.push(blocks::own(format!("{intro} To see values that are cut here, cancel and open Details.")));
    rows.extend(listed);
    let submit = SafeText::own(format!("Approve {shown}"));
    view(
        SlackModalView::new(blocks::plain_only("Approve all"), rows)
            .with_submit(blocks::plain_only(submit))
            .with_close(blocks::plain_only("Cancel"))
            .with_callback_id(Callback::ApproveAll.as_str().into())
            .with_private_metadata(ids.join(",")),
    )
}

/// A paragraph for each warning, in one block; none without warnings.
pub(super) fn warning(lines: Vec<String>) -> Vec<SlackBlock> {
    if lines.is_empty() {
        return Vec::new();
    }
    let line = |text| blocks::paragraph(vec![blocks::bold(SafeText::own(text))]);
    vec![blocks::rich(lines.into_iter().map(line).collect())]
}

/// The fields that the title does not name. Those that tell the request apart come first.
fn beside_title(request: &Request, told: Vec<Field>) -> Vec<Field> {
    let named = title::named(request);
    let is_new = |field: &Field| {
        let path = field.path.as_ref().unwrap_or(&field.name);
        !named.contains(&path.as_str()) && !told.iter().any(|told| told.name == field.name)
    };
    let others = fields(&request.arguments, &request.action.presentation);
    let others: Vec<Field> = others.into_iter().filter(is_new).collect();
    told.into_iter().chain(others).collect()
}

/// Parses the `private_metadata` that [`modal`] wrote.
#[must_use]
pub fn listed(metadata: &str) -> Vec<ApprovalId> {
    metadata.split(',').filter_map(|id| id.parse().ok()).collect()
}

/// The modal after its submission.
#[must_use]
pub fn approved(outcome: Together) -> Value {
    notice::notice("Approve all", sentence(outcome, "Approved"))
}

/// The reply to *Deny all*.
#[must_use]
pub fn denied(outcome: Together) -> String {
    sentence(outcome, "Denied")
}

/// The sentence when nothing is left to decide together.
pub const NONE_LEFT: &str =
    "These requests are no longer waiting, each needs a decision of its own, or their agent is paused.";

fn sentence(Together { decided, left }: Together, done: &str) -> String {
    let decided = match decided {
        0 => format!("{done} no requests."),
        decided => format!("{done} {}.", names::count(decided, "request", "requests")),
    };
    match left {
        0 => decided,
        left => format!(
            "{decided} {} already ended, or {} own.",
            names::count(left, "has", "have"),
            if left == 1 { "needs a decision of its" } else { "need decisions of their" }
        ),
    }
}
