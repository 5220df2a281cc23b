//! The message that several requests share, and the review of them.

use serde_json::Value;
use uuid::Uuid;

use super::{
    checks,
    hostile::text,
    samples::{asked_at, full_of, grant, ordinary, result, state, verdicts},
    snapshots::{keep, keep_message},
};
use crate::{
    domain::{
        approvals::{Approval, Place},
        decision::{Decision, Verdict},
        ids::ApprovalId,
        results::ResultStatus,
        risk::{Impact, Risk},
        sharing::WaitingCount,
        templates::Template,
        text::Text,
    },
    slack::view::{
        deny,
        review::{self, Review},
        shared::{self, SharedState},
    },
};

/// So many copies of an approval, with ids from 1 on.
pub(super) fn several(approval: &Approval, count: u128) -> Vec<Approval> {
    let numbered = |number| {
        let mut approval = approval.clone();
        approval.request.id = ApprovalId::new(Uuid::from_u128(number));
        approval
    };
    (1..=count).map(numbered).collect()
}

fn titled() -> Approval {
    let mut approval = ordinary();
    approval.request.action.presentation.title = Template::new("Create {object} {subject}").ok();
    approval
}

pub(super) fn shown(members: &[Approval]) -> SharedState<'_> {
    let pending = members.iter().filter(|member| member.decision.is_none());
    let destructive = pending.clone().filter(|member| member.request.action.impact.is_destructive()).count();
    SharedState {
        members,
        waiting: WaitingCount { total: pending.count() + 2, apart: destructive },
        live_grants: &[],
        is_users: true,
    }
}

/// Ends an approval as the verdict at this place of the samples says.
fn end(approval: &mut Approval, verdict: usize) {
    let verdict = verdicts().remove(verdict).1;
    approval.decision = Some(Decision { verdict, decided_at: asked_at() });
}

#[test]
fn a_shared_message_lists_what_waits() {
    let mut members = several(&titled(), 13);
    members[1] = ordinary();
    members[2].request.action.impact = Impact::DESTRUCTIVE;
    keep_message("shared_pending", &shared::message(&shown(&members)));
}

#[test]
fn a_shared_message_warns_once_of_what_all_may_do() {
    let mut members = several(&titled(), 3);
    for (at, member) in members.iter_mut().enumerate() {
        let risks = if at == 1 { vec![Risk::External, Risk::Money] } else { vec![Risk::External] };
        member.request.action.impact = Impact::Changes(risks.into_iter().collect());
    }
    // Ids of one millisecond are in no order.
    members[0].request.created_at += chrono::TimeDelta::microseconds(1);
    members[0].request.arguments = serde_json::from_str(r#"{"object":"Event","subject":"Last"}"#).unwrap();
    let message = shared::message(&shown(&members)).to_json().to_string();
    assert_eq!(message.matches("⚠ All 3 of these may reach people outside your organisation.").count(), 2);
    assert_eq!(message.matches("⚠ External").count(), 0, "{message}");
    assert_eq!(message.matches("⚠ Moves money.").count(), 1, "{message}");
    assert!(message.find("Task") < message.find("Event"), "{message}");
}

#[test]
fn a_shared_message_in_a_channel_calls_the_one_who_decides() {
    let mut members = several(&titled(), 3);
    for member in &mut members {
        let channel = Text::new("C0SALES").unwrap();
        member.request.place = Some(Place { channel, thread_ts: None });
    }
    end(&mut members[0], 0);
    keep_message("shared_in_a_channel", &shared::message(&shown(&members)));
}

#[test]
fn a_shared_message_collapses_to_its_outcomes() {
    let mut members = several(&titled(), 6);
    for (member, verdict) in members.iter_mut().zip([0, 0, 2, 5, 7, 8]) {
        end(member, verdict);
    }
    members[0].result = Some(result(ResultStatus::Succeeded, Some("Created task 17"), None));
    let address = Some("https://example.com/tasks");
    members[1].result = Some(result(ResultStatus::Failed, Some("No such account"), address));
    let state = SharedState { live_grants: &[grant()], ..shown(&members) };
    keep_message("shared_ended", &shared::message(&state));
    insta::assert_snapshot!(shared::plain(&state).text, @"3 approved, 1 denied by <@U0ALICE>; 1 expired, 1 cancelled.");
    members.truncate(2);
    for member in &mut members {
        member.decision = None;
    }
    insta::assert_snapshot!(shared::plain(&shown(&members)).text, @"“Atlas” is waiting for 2 decisions in “Q3 pipeline”. These requests can’t be shown here, so they can’t be approved from this message. Open the Home tab of Countersign to see what is waiting for you. Requests without an answer expire and are not approved.");
}

#[test]
fn only_destructive_requests_offer_no_approve_all() {
    let mut members = several(&titled(), 3);
    for member in &mut members {
        member.request.action.impact = Impact::DESTRUCTIVE;
    }
    let waiting = WaitingCount { total: 3, apart: 3 };
    let message = shared::message(&SharedState { waiting, ..shown(&members) }).to_json().to_string();
    assert!(message.contains("3 destructive") && !message.contains("Approve all 3"), "{message}");
}

#[test]
fn a_review_shows_one_prompt_and_what_was_done() {
    let approval = titled();
    let review = Review { approved: 2, denied: 1, at: approval.id(), ..Review::new(approval.id()) };
    assert_eq!(Review::parse(&review.to_string()), Some(review));
    keep("review", &review::review(&state(&approval), review, 3));
    keep("review_finished", &review::finished(review, 2));
    let last = review::review(&state(&approval), Review::new(approval.id()), 0).to_string();
    assert!(last.contains("This is the last one.") && !last.contains("Skip"), "{last}");
    let nothing = review::finished(Review::new(approval.id()), 0).to_string();
    assert!(nothing.contains("You made no decisions.") && !nothing.contains("Start again"), "{nothing}");
    let modal = review::on_top(deny::modal(&approval), &approval, review);
    let metadata = modal["private_metadata"].as_str().unwrap();
    assert_eq!(review::on_top_of(metadata), Some((approval.id(), Some(review))));
    assert_eq!(review::on_top_of(&approval.id().to_string()), Some((approval.id(), None)));
}

/// Slack's limit for the text of all blocks of a message.
pub(super) fn fits(message: &Value) {
    fn weight(value: &Value) -> usize {
        match value {
            Value::Array(items) => items.iter().map(weight).sum(),
            Value::Object(members) => {
                let inner = members.iter().map(|(name, value)| match value.as_str() {
                    Some(text) if name == "text" => checks::size(text),
                    _ => weight(value),
                });
                10 + inner.sum::<usize>()
            }
            _ => 0,
        }
    }
    let weight = weight(&message["blocks"]);
    assert!(weight <= 12_000, "{weight}");
}

/// Messages of these members in every state.
fn sound(members: &mut [Approval]) {
    let both = |members: &[Approval]| {
        let waiting = WaitingCount { total: usize::MAX, apart: 1 };
        let state = SharedState { waiting, live_grants: &[grant()], ..shown(members) };
        let message = shared::message(&state).to_json();
        checks::message(&message);
        fits(&message);
        checks::message(&shared::plain(&state).to_json());
    };
    both(members);
    let count = members.len();
    for (at, member) in members.iter_mut().enumerate() {
        end(member, at % 10);
        if matches!(member.decision.as_ref().unwrap().verdict, Verdict::Approved { .. }) {
            let words = member.request.agent.label().chars().take(300).collect::<String>();
            let address = format!("https://example.com/{}", "x".repeat(2000));
            member.result = Some(result(ResultStatus::Failed, Some(&words), Some(&address)));
        }
        if at + 1 == count / 2 {
            break;
        }
    }
    both(members);
    for (at, member) in members.iter_mut().enumerate() {
        end(member, at % 10);
    }
    both(members);
}

#[test]
fn a_hundred_requests_at_their_longest_fit() {
    for character in ["<", "&", "👩‍💻", "\u{202E}", "\u{E0041}", "x", "\n", "ש"] {
        let mut approval = full_of(&character.repeat(200));
        sound(&mut several(&approval, 110));
        approval.request.action.presentation.title = None;
        sound(&mut several(&approval, 110));
        let review =
            Review { approved: usize::MAX / 2, denied: usize::MAX / 2, ..Review::new(approval.id()) };
        checks::sound(&review::review(&state(&approval), review, usize::MAX), 100);
        checks::sound(&review::on_top(deny::modal(&approval), &approval, review), 100);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_text_breaks_a_shared_message(text in text(), count in 1_u128..14) {
        sound(&mut several(&full_of(&text), count));
    }
}
