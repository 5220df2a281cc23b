//! Delegation: the modal, the messages, and the prompt of a delegate, as text for a human reader and at their worst.

use chrono::NaiveDate;
use serde_json::Value;
use uuid::Uuid;

use super::{
    checks,
    samples::{FREE, alice, asked_at, decided, full_of, ordinary, state, verdicts},
};
use crate::{
    domain::{
        approvers::Why,
        decision::Verdict,
        delegations::{Delegation, DelegationReason, Delegations, EndReason},
        ids::{DelegationId, UserId, WorkspaceId},
        panel::{Answer, ApproverSpec, Escalation, MOST_PEOPLE, Panel},
    },
    slack::view::{
        delegation as view,
        prompt::prompt,
        prompt_state::{PromptState, Reader},
    },
};

fn bob() -> UserId {
    UserId::parse("U0BOB").unwrap()
}

fn delegation(reason: Option<&str>) -> Delegation {
    Delegation {
        id: DelegationId::new(Uuid::from_u128(1)),
        workspace: WorkspaceId::new(Uuid::from_u128(2)),
        user: alice(),
        delegate: bob(),
        reason: reason.map(|text| DelegationReason::from_stored(text.to_owned())),
        began_at: asked_at(),
        until: asked_at() + chrono::TimeDelta::days(3),
    }
}

/// As many delegations as a person can have, with the longest reasons.
pub(super) fn worst() -> Delegations {
    let long = delegation(Some(&"\u{202E}<!here>".repeat(25)));
    Delegations { given: Some(long.clone()), received: vec![long; 200] }
}

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 20).unwrap()
}

/// Every text of a message, a line each.
fn texts(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(texts).collect(),
        Value::Object(object) => {
            let own = object.get("text").and_then(Value::as_str).map(|text| format!("{text}|"));
            let user = object.get("user_id").and_then(Value::as_str).map(|user| format!("@{user}|"));
            let rest =
                object.iter().filter(|(key, _)| *key != "accessibility_label").map(|(_, item)| texts(item));
            own.into_iter().chain(user).chain(rest).collect()
        }
        _ => String::new(),
    }
}

#[test]
fn a_delegates_prompt_says_why_and_offers_only_once_and_deny() {
    let approval = ordinary();
    let why = Why::Delegate(delegation(Some("On holiday")));
    let shown = PromptState { standing: FREE, reader: Reader::Approver(&why), ..state(&approval) };
    let message = prompt(&shown).to_json();
    checks::message(&message);
    let (mine, theirs) = (texts(&prompt(&state(&approval)).to_json()["blocks"]), texts(&message["blocks"]));
    assert!(mine.contains("Auto-approve always") && !theirs.contains("uto-approve"), "{theirs}");
    assert!(
        theirs.starts_with("You decide for |@U0ALICE| until |") && theirs.contains("On holiday"),
        "{theirs}"
    );
    assert!(
        theirs.contains("Approve|") && theirs.contains("Deny|") && theirs.contains("Details|"),
        "{theirs}"
    );
    assert!(message["text"].as_str().unwrap().starts_with("You decide for <@U0ALICE>. "), "{message}");
}

#[test]
fn a_decided_prompt_says_in_whose_place_and_offers_others_no_grant() {
    for verdict in [
        Verdict::ApprovedFor { user: bob(), on_behalf_of: alice() },
        Verdict::Denied { user: bob(), on_behalf_of: Some(alice()), reason: None },
    ] {
        let approval = decided(verdict);
        let message = prompt(&state(&approval)).to_json();
        assert!(texts(&message).contains(" by |@U0BOB| for |@U0ALICE|"), "{}", texts(&message));
        assert!(message["text"].as_str().unwrap().contains("by <@U0BOB> for <@U0ALICE>"), "{message}");
    }
    for (_, verdict) in verdicts() {
        let approval = decided(verdict);
        let message = prompt(&PromptState { reader: Reader::Former, ..state(&approval) }).to_json();
        checks::message(&message);
        assert!(!texts(&message).contains("Turn off"), "{}", texts(&message));
    }
}

#[test]
fn a_person_who_no_longer_decides_reads_no_arguments_and_has_no_button() {
    let approval = ordinary();
    let message = prompt(&PromptState { reader: Reader::Former, ..state(&approval) }).to_json();
    checks::message(&message);
    assert!(!message.to_string().contains("\"actions\""), "{message}");
    assert!(texts(&message).contains("You can no longer decide this request."), "{message}");
}

#[test]
fn all_of_it_fits_at_its_worst() {
    let worst = worst();
    checks::sound(&view::modal(&worst, day()), 100);
    checks::sound(&view::modal(&Delegations::default(), day()), 100);
    let given = worst.given.unwrap();
    checks::message(&view::begun(&given).to_json());
    for why in
        [EndReason::User, EndReason::Delegate, EndReason::Over, EndReason::Replaced, EndReason::NoMember]
    {
        for reader in [alice(), bob()] {
            checks::message(&view::ended(&given, &reader, why).to_json());
        }
    }
    for piece in ["x", "\u{202E}", "<!here>", "\u{1F600}"] {
        let approval = full_of(&piece.repeat(60));
        let why = Why::Delegate(delegation(Some(&piece.chars().cycle().take(200).collect::<String>())));
        for reader in [Reader::Approver(&why), Reader::Former] {
            checks::message(&prompt(&PromptState { reader, ..state(&approval) }).to_json());
        }
    }
}

fn people(ids: &[&str]) -> Vec<UserId> {
    ids.iter().map(|id| UserId::parse(id).unwrap()).collect()
}

#[test]
fn a_request_that_others_decide_says_who_has_approved_and_how_many_are_missing() {
    let mut approval = ordinary();
    let escalation = Escalation { after: chrono::TimeDelta::minutes(15), to: people(&["U0CFO"]) };
    let spec = ApproverSpec::new(people(&["U0BOB", "U0ADA", "U0DAVE"]), 2, true, Some(escalation)).unwrap();
    approval.request.approvers = Some(spec);
    let answer = Answer {
        person: people(&["U0ADA"]).remove(0),
        clicked_by: bob(),
        approves: true,
        answered_at: asked_at(),
    };
    let panel = Panel { escalated: true, answers: vec![answer] };
    for (reader, starts) in [
        (Reader::Approver(&Why::Named), "A rule asks you to decide this request for |@U0ALICE|"),
        (
            Reader::Approver(&Why::Escalated),
            "Escalated: no answer for 15 minutes. You can decide this request for |@U0ALICE|",
        ),
        (
            Reader::Onlooker,
            "A rule has other people decide this request of yours.|2 of these 4 must approve: |",
        ),
    ] {
        let shown = PromptState { standing: FREE, reader, panel: Some(&panel), ..state(&approval) };
        let message = prompt(&shown).to_json();
        checks::message(&message);
        let said = texts(&message["blocks"]);
        assert!(said.starts_with(starts), "{said}");
        let so_far =
            "Approved so far by |@U0BOB| for |@U0ADA|; 1 more must approve. The first denial ends it.|";
        assert!(said.contains(so_far), "{said}");
        assert_eq!(said.contains("Approve|"), reader != Reader::Onlooker, "{said}");
        assert!(!said.contains("uto-approve"), "{said}");
    }
}

#[test]
fn as_many_people_as_a_rule_names_fit() {
    let many = |from: usize| -> Vec<UserId> {
        (from..from + MOST_PEOPLE).map(|at| UserId::parse(&format!("U{at:029}")).unwrap()).collect()
    };
    let mut approval = full_of(&"x".repeat(60));
    let escalation = Escalation { after: chrono::TimeDelta::seconds(604_799), to: many(100) };
    approval.request.approvers =
        Some(ApproverSpec::new(many(0), MOST_PEOPLE, false, Some(escalation)).unwrap());
    let answers = many(0).into_iter().zip(many(200)).map(|(person, clicked_by)| Answer {
        person,
        clicked_by,
        approves: true,
        answered_at: asked_at(),
    });
    let panel = Panel { escalated: true, answers: answers.collect() };
    for reader in [Reader::Approver(&Why::Named), Reader::Approver(&Why::Escalated), Reader::Onlooker] {
        let shown = PromptState { reader, panel: Some(&panel), ..state(&approval) };
        checks::message(&prompt(&shown).to_json());
    }
}
