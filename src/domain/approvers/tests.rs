//! Who decides, over random histories of delegations, escalations, memberships and answers.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use proptest::{collection::vec, option, prelude::*};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::domain::{
    approvals::Approval,
    catalog::{Eligibility, Lock},
    decisions::{self, Answered, Choice},
    grants::Scope,
    ids::{DelegationId, GrantId},
    limits::Bounds,
    outcome::Outcome,
    panel::{Answer, Approvers, Escalation},
    tests::{request, start},
};

/// The first is the user for whom the agent asks in the tests' request.
const PEOPLE: [&str; 5] = ["U0ALICE", "U0BOB", "U0ADA", "U0CFO", "U0DAVE"];

fn user(at: usize) -> UserId {
    UserId::parse(PEOPLE[at]).unwrap()
}

fn users(places: &[usize]) -> Vec<UserId> {
    places.iter().map(|at| user(*at)).collect()
}

#[derive(Debug, Clone)]
enum Event {
    Becomes(usize, PersonKind),
    Delegates(usize, usize),
    Ends(usize),
    Escalates,
    Clicks(usize, Choice),
}

fn kind() -> impl Strategy<Value = PersonKind> {
    prop_oneof![
        4 => Just(PersonKind::Member),
        1 => Just(PersonKind::Guest),
        1 => Just(PersonKind::ExternalUser),
        1 => Just(PersonKind::Unknown)
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let choice = prop_oneof![
        6 => Just(Choice::Approve(Scope::Once)),
        1 => Just(Choice::Approve(Scope::Always)),
        1 => Just(Choice::Deny(None))
    ];
    let who = 0..PEOPLE.len();
    prop_oneof![
        2 => (who.clone(), kind()).prop_map(|(who, kind)| Event::Becomes(who, kind)),
        2 => (who.clone(), who.clone()).prop_map(|(from, to)| Event::Delegates(from, to)),
        1 => who.clone().prop_map(Event::Ends),
        1 => Just(Event::Escalates),
        8 => (who, choice).prop_map(|(who, choice)| Event::Clicks(who, choice)),
    ]
}

fn spec() -> impl Strategy<Value = ApproverSpec> {
    let people = proptest::sample::subsequence((0..PEOPLE.len()).collect::<Vec<_>>(), 1..4);
    let to = option::of(proptest::sample::subsequence((0..PEOPLE.len()).collect::<Vec<_>>(), 1..3));
    (people, 1..4_usize, any::<bool>(), to).prop_map(|(people, required, not_the_user, to)| {
        let escalation = to.map(|to| Escalation { after: TimeDelta::minutes(15), to: users(&to) });
        ApproverSpec::new(users(&people), required.min(people.len()), not_the_user, escalation).unwrap()
    })
}

proptest! {
    #[test]
    fn only_members_who_may_decide_do_each_once_and_one_decision_results(
        spec in option::of(spec()),
        events in vec(event(), 1..60),
    ) {
        let mut request = request();
        request.approvers = spec.clone();
        let mut approval = Approval { request, decision: None, result: None, pause: None };
        let mut kinds = BTreeMap::<UserId, PersonKind>::new();
        let mut delegations = BTreeMap::<UserId, UserId>::new();
        let mut panel = Panel::default();
        let mut decided = 0;
        for event in events {
            match event {
                Event::Becomes(who, kind) => { kinds.insert(user(who), kind); }
                Event::Delegates(from, to) if from != to => { delegations.insert(user(from), user(to)); }
                Event::Delegates(..) => {}
                Event::Ends(who) => { delegations.remove(&user(who)); }
                Event::Escalates => {
                    if decisions::escalate(&approval).is_some() { panel.escalated = true; }
                }
                Event::Clicks(who, choice) => {
                    let clicker = user(who);
                    let kind = kinds.get(&clicker).copied().unwrap_or(PersonKind::Member);
                    let acting_user = ActingUser { user: clicker.clone(), kind };
                    let allowed: BTreeSet<UserId> =
                        people(&approval.request, panel.escalated).into_iter().cloned().collect();
                    let delegators = delegations.iter()
                        .filter(|(from, to)| **to == clicker && allowed.contains(*from))
                        .map(|(from, _)| from.clone());
                    let entitled = Entitlement { delegators: delegators.collect(), panel: panel.clone() };
                    let before = panel.answers.len();
                    let ended = if spec.is_some() {
                        match decisions::answer(&approval, &choice, (&acting_user, &entitled), start()) {
                            Ok(Answered::Waits(changed)) => {
                                prop_assert_eq!(kind, PersonKind::Member);
                                panel.answers.push(changed.state().clone());
                                None
                            }
                            Ok(Answered::Ends(answer, changed)) => {
                                panel.answers.push(answer);
                                Some(changed.state().clone())
                            }
                            Err(_) => None,
                        }
                    } else {
                        let none = Eligibility { lock: Lock::Locked, outdated: true, connected: false, conversation_closed: true, bounds: Bounds::default() };
                        let new_id = GrantId::new(Uuid::from_u128(9));
                        decisions::click(&approval, choice.clone(), (&acting_user, &entitled), none, decisions::Held::default(), new_id, start())
                            .ok()
                            .map(|changed| changed.state().clone())
                    };
                    if let Some(ended) = ended {
                        decided += 1;
                        let decision = ended.decision.clone();
                        prop_assert_eq!(decision.user(), Some(&clicker));
                        prop_assert!(ended.given.is_none(), "no grant");
                        let fits = kind == PersonKind::Member
                            || (kind == PersonKind::Unknown && decision.outcome() == Outcome::Denied);
                        prop_assert!(fits, "{kind:?}");
                        // In whose place: someone who may decide, themself or one hop away.
                        let person = decision.on_behalf_of().unwrap_or(&clicker);
                        prop_assert!(allowed.contains(person));
                        prop_assert!(person == &clicker || delegations.get(person) == Some(&clicker));
                        if decision.outcome() == Outcome::Approved {
                            let approvals = panel.answers.iter().filter(|answer| answer.approves).count();
                            prop_assert_eq!(approvals, spec.as_ref().map_or(0, ApproverSpec::required));
                            let together = decision.approvers().map(|together| together.iter().cloned().collect());
                            prop_assert_eq!(together, spec.is_some().then(|| panel.answers.clone()));
                        }
                        approval = ended.approval;
                    }
                    prop_assert!(panel.answers.len() <= before + 1);
                }
            }
            let persons: BTreeSet<_> = panel.answers.iter().map(|answer| &answer.person).collect();
            let clickers: BTreeSet<_> = panel.answers.iter().map(|answer| &answer.clicked_by).collect();
            prop_assert_eq!(persons.len(), panel.answers.len(), "each person counts once");
            prop_assert_eq!(clickers.len(), panel.answers.len(), "each person clicks once");
            if spec.as_ref().is_some_and(ApproverSpec::not_the_user) {
                prop_assert!(!persons.contains(&user(0)) && !clickers.contains(&user(0)));
            }
            prop_assert!(decided <= 1, "exactly one decision");
        }
    }

    #[test]
    fn who_gets_a_message_may_decide_and_the_other_way_round(
        spec in option::of(spec()),
        escalated in any::<bool>(),
        pairs in vec((0..PEOPLE.len(), 0..PEOPLE.len()), 0..6),
    ) {
        let mut request = request();
        request.approvers = spec;
        let mut given = BTreeMap::new();
        for (from, to) in pairs.into_iter().filter(|(from, to)| from != to) {
            given.insert(user(from), delegation(from, to));
        }
        let given: Vec<Delegation> = given.into_values().collect();
        let audience: BTreeSet<UserId> =
            audience(&request, escalated, &given).into_iter().map(|(person, _)| person).collect();
        for (at, name) in PEOPLE.iter().enumerate() {
            let acting_user = ActingUser { user: user(at), kind: PersonKind::Member };
            let delegators =
                given.iter().filter(|one| one.delegate == acting_user.user).map(|one| one.user.clone());
            let panel = Panel { escalated, answers: Vec::new() };
            let entitled = Entitlement { delegators: delegators.collect(), panel };
            let may = seats(&request, &acting_user, &entitled).is_ok();
            // A user who decides their own approval has the prompt itself.
            let has_own = request.approvers.is_none() && at == 0;
            prop_assert_eq!(may, has_own || audience.contains(&acting_user.user), "{}", name);
        }
    }

    #[test]
    fn what_is_stored_is_read_again(spec in spec()) {
        prop_assert_eq!(ApproverSpec::from_stored(&spec.to_stored()), Some(spec));
    }

    #[test]
    fn who_approved_together_is_read_again(pairs in vec((0..PEOPLE.len(), 0..PEOPLE.len()), 1..5)) {
        let mut earlier: Vec<Answer> = pairs.into_iter().map(|(person, clicked_by)| Answer {
            person: user(person),
            clicked_by: user(clicked_by),
            approves: true,
            answered_at: start(),
        }).collect();
        let last = earlier.pop().unwrap();
        let together = Approvers { earlier, last };
        prop_assert_eq!(Approvers::from_stored(&together.to_stored()), Some(together));
    }
}

fn delegation(from: usize, to: usize) -> Delegation {
    Delegation {
        id: DelegationId::new(Uuid::from_u128(1)),
        workspace: request().workspace,
        user: user(from),
        delegate: user(to),
        reason: None,
        began_at: start(),
        until: start() + TimeDelta::days(1),
    }
}

#[test]
fn a_spec_that_could_not_be_met_is_refused() {
    let fault = |people: &[usize], required, to: Option<(i64, &[usize])>| {
        let escalation =
            to.map(|(seconds, to)| Escalation { after: TimeDelta::seconds(seconds), to: users(to) });
        ApproverSpec::new(users(people), required, true, escalation).unwrap_err().to_string()
    };
    assert_eq!(fault(&[], 1, None), "must name at least one user");
    assert_eq!(fault(&[1, 2, 1], 1, None), "must not name U0BOB twice");
    for required in [0, 3] {
        let says = "`required` must be at least 1, and at most the number of users, 2";
        assert_eq!(fault(&[1, 2], required, None), says);
    }
    assert_eq!(fault(&[1], 1, Some((60, &[]))), "must name at least one user");
    for seconds in [0, 604_801] {
        assert_eq!(
            fault(&[1], 1, Some((seconds, &[2]))),
            "`escalate_after` must be from 10 seconds to 7 days"
        );
    }
    assert_eq!(
        ApproverSpec::from_stored(&json!({ "people": ["U0BOB"], "required": 2, "not_the_user": false })),
        None
    );
}
