//! What narrowed grants cover, over random histories, compared with a plain description of each grant.

use chrono::TimeDelta;
use proptest::{collection::vec, option, prelude::*};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::domain::{
    catalog::{Eligibility, Lock, UnlockedFor},
    decision::Decision,
    decisions,
    limits::Bounds,
    tests::{request, start},
    text::{ForeignId, Text},
};

/// A grant as a person would describe it.
#[derive(Debug, Clone)]
struct Described {
    conversation: Option<u8>,
    repository: Option<u8>,
    branch: Option<u8>,
    agent: Option<(u8, u8)>,
    minutes: Option<i64>,
    uses: Option<u16>,
    revoked: bool,
    unreadable: bool,
    used: u16,
}

#[derive(Debug, Clone)]
struct Ask {
    conversation: u8,
    repository: u8,
    branch: Option<u8>,
    backend: u8,
    agent: u8,
}

#[derive(Debug, Clone)]
enum Event {
    Ask(Ask),
    Pass(i64),
    Revoke(usize),
    /// Its values can no longer be decrypted.
    Lose(usize),
}

fn described() -> impl Strategy<Value = Described> {
    let two = || option::weighted(0.3, 0..2_u8);
    (
        two(),
        two(),
        two(),
        option::weighted(0.3, (0..2_u8, 0..2_u8)),
        option::weighted(0.3, 1..30_i64),
        option::weighted(0.6, 1..3_u16),
    )
        .prop_map(|(conversation, repository, branch, agent, minutes, uses)| Described {
            conversation,
            repository,
            branch,
            agent,
            minutes,
            uses,
            revoked: false,
            unreadable: false,
            used: 0,
        })
}

fn event() -> impl Strategy<Value = Event> {
    let ask = (0..2_u8, 0..2_u8, option::weighted(0.7, 0..2_u8), 0..2_u8, 0..2_u8).prop_map(
        |(conversation, repository, branch, backend, agent)| {
            Event::Ask(Ask { conversation, repository, branch, backend, agent })
        },
    );
    prop_oneof![
        8 => ask,
        2 => (0..10_i64).prop_map(Event::Pass),
        1 => (0..4_usize).prop_map(Event::Revoke),
        1 => (0..4_usize).prop_map(Event::Lose)
    ]
}

fn backend(number: u8) -> BackendId {
    BackendId::new(Uuid::from_u128(u128::from(number)))
}

fn agent(number: u8) -> Agent {
    Agent { id: Text::from_stored(format!("agent-{number}")), name: None }
}

fn asked(ask: &Ask) -> Request {
    let mut members = Map::from_iter([("repository".to_owned(), json!(format!("acme/{}", ask.repository)))]);
    if let Some(branch) = ask.branch {
        members.insert("branch".to_owned(), json!({ "name": branch, "of": ["x"] }));
    }
    let mut request = request();
    request.backend = backend(ask.backend);
    request.agent = agent(ask.agent);
    request.conversation.id = ForeignId::new(format!("c-{}", ask.conversation)).unwrap();
    request.arguments = Arguments::from_stored(members);
    request
}

impl Described {
    fn limited(&self) -> bool {
        self.repository.is_some()
            || self.branch.is_some()
            || self.agent.is_some()
            || self.minutes.is_some()
            || self.uses.is_some()
    }

    /// What a person would say.
    fn should_cover(&self, ask: &Ask, minutes: i64) -> bool {
        !self.revoked
            && !(self.unreadable && (self.repository.is_some() || self.branch.is_some()))
            && self.conversation.is_none_or(|one| one == ask.conversation)
            && self.repository.is_none_or(|one| one == ask.repository)
            && self.branch.is_none_or(|one| Some(one) == ask.branch)
            && self.agent.is_none_or(|one| one == (ask.backend, ask.agent))
            && self.minutes.is_none_or(|end| minutes < end)
            && self.uses.is_none_or(|uses| self.used < uses)
    }

    /// The grant as storage reads it.
    fn live(&self, number: usize) -> LiveGrant {
        let mut members = Map::new();
        if let Some(repository) = self.repository {
            members.insert("repository".to_owned(), json!(format!("acme/{repository}")));
        }
        if let Some(branch) = self.branch {
            // Written in another order than the request's, and with another form of the same number.
            members.insert("branch".to_owned(), json!({ "of": ["x"], "name": f64::from(branch) }));
        }
        let fixed = match FixedValues::from_members(members) {
            None => Fixed::Nothing,
            Some(_) if self.unreadable => Fixed::Unreadable,
            Some(values) => Fixed::Values(FixedValues::from_stored(values.as_canonical()).unwrap()),
        };
        let narrowing = Narrowing {
            fixed,
            agent: self.agent.map(|(from, number)| (backend(from), agent(number))),
            until: self.minutes.map(|minutes| start() + TimeDelta::minutes(minutes)),
            uses: self.uses.map(|uses| UsesLeft { max: Uses::new(uses).unwrap(), left: uses - self.used }),
        };
        LiveGrant {
            id: GrantId::new(Uuid::from_u128(number as u128)),
            scope: if self.conversation.is_some() {
                StandingScope::Conversation
            } else {
                StandingScope::Always
            },
            narrowing: self.limited().then_some(narrowing),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_has_ended_or_does_not_fit_covers_nothing(
        mut grants in vec(described(), 0..4),
        events in vec(event(), 1..30),
    ) {
        let free = Eligibility {
            lock: Lock::Unlocked(UnlockedFor::Always), outdated: false, connected: true, conversation_closed: false, bounds: Bounds::default(),
        };
        let mut minutes = 0;
        for event in events {
            match event {
                Event::Pass(more) => minutes += more,
                Event::Revoke(number) => if let Some(grant) = grants.get_mut(number) { grant.revoked = true },
                Event::Lose(number) => if let Some(grant) = grants.get_mut(number) { grant.unreadable = true },
                Event::Ask(ask) => {
                    // Storage reads those that are not revoked, of this conversation and of every one.
                    let live: Vec<LiveGrant> = grants.iter().enumerate()
                        .filter(|(_, grant)| !grant.revoked && grant.conversation.is_none_or(|one| one == ask.conversation))
                        .map(|(number, grant)| grant.live(number))
                        .collect();
                    let now = start() + TimeDelta::minutes(minutes);
                    let judged = decisions::request(asked(&ask), free, &live, now).state().clone();
                    let used = judged.decision.as_ref().and_then(Decision::used_grant);
                    let expected = grants.iter().any(|grant| grant.should_cover(&ask, minutes));
                    prop_assert_eq!(used.is_some(), expected, "{:?} at {} with {:?}", ask, minutes, grants);
                    if let Some(used) = used {
                        let number = usize::try_from(used.uuid().as_u128()).unwrap();
                        prop_assert!(grants[number].should_cover(&ask, minutes));
                        prop_assert_eq!(judged.decision.unwrap().limits().is_some(), grants[number].limited());
                        grants[number].used += 1;
                    }
                }
            }
            for grant in &grants {
                prop_assert!(grant.uses.is_none_or(|uses| grant.used <= uses), "a use too many");
            }
        }
    }
}

fn arguments(json: Value) -> Arguments {
    serde_json::from_value(json).unwrap()
}

fn choices(fixed: &[&str]) -> Choices {
    Choices {
        scope: StandingScope::Always,
        fixed: fixed.iter().map(|name| (*name).to_owned()).collect(),
        this_agent: false,
        period: Period::NoEnd,
        uses: None,
    }
}

#[test]
fn a_use_is_not_spent_where_another_grant_covers_the_request() {
    let narrowed = |number, uses: Option<u16>, until: Option<i64>| LiveGrant {
        id: GrantId::new(Uuid::from_u128(number)),
        scope: StandingScope::Always,
        narrowing: Some(Narrowing {
            fixed: Fixed::Nothing,
            agent: None,
            until: until.map(|minutes| start() + TimeDelta::minutes(minutes)),
            uses: uses.map(|left| UsesLeft { max: Uses::new(left).unwrap(), left }),
        }),
    };
    let whole = LiveGrant::whole(GrantId::new(Uuid::from_u128(9)), StandingScope::Conversation);
    let all = [narrowed(1, Some(3), None), narrowed(2, None, Some(60)), whole];
    let first =
        |grants: &[LiveGrant]| covering(grants, &request(), |_| true, start()).unwrap().0.uuid().as_u128();
    assert_eq!((first(&all), first(&all[..2]), first(&all[..1])), (9, 2, 1));
}

#[test]
fn values_are_compared_as_canonical_json() {
    let fixed =
        FixedValues::new(&arguments(json!({ "a": 1, "b": { "y": 2, "x": "ä" } })), ["a", "b"]).unwrap();
    assert_eq!(fixed.as_canonical(), r#"{"a":1,"b":{"x":"ä","y":2}}"#);
    assert!(fixed.are_in(&arguments(json!({ "b": { "x": "ä", "y": 2.0 }, "more": true, "a": 1e0 }))));
    for other in [
        json!({ "a": 1 }),
        json!({ "a": "1", "b": { "y": 2, "x": "ä" } }),
        json!({ "a": 1, "b": { "y": 2, "x": "ä", "z": null } }),
        json!({ "a": 1, "b": { "y": 2, "x": "a\u{308}" } }),
        json!({ "A": 1, "b": { "y": 2, "x": "ä" } }),
    ] {
        assert!(!fixed.are_in(&arguments(other.clone())), "{other}");
    }
    assert!(!format!("{fixed:?}").contains('ä'), "values are never logged");
}

#[test]
fn only_what_was_written_reads_as_fixed_values() {
    for text in ["", "{}", "[]", "null", r#"{"a": 1}"#, r#"{"b":1,"a":1}"#, r#"{"a":1.0}"#, r#"{"a":1"#] {
        assert_eq!(FixedValues::from_stored(text), None, "{text}");
    }
    assert!(FixedValues::from_stored(r#"{"a":1}"#).is_some());
}

#[test]
fn the_likeliest_arguments_are_offered_first() {
    let long = "x".repeat(LONGEST_VALUE);
    let all = arguments(json!({
        "title": "Fix", "body": long, "baseBranch": "main", "tablespace": 1, "repository": "acme/checkout", "to": "a@b.c",
    }));
    let names: Vec<&str> = offered(&all).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["repository", "to", "baseBranch", "title", "tablespace"]);
    assert_eq!(words("HTTPHost_name-2"), ["httphost", "name", "2"]);
}

#[test]
fn choices_without_a_limit_are_refused() {
    let mut request = request();
    request.arguments =
        arguments(json!({ "repository": "acme/checkout", "body": "x".repeat(LONGEST_VALUE) }));
    let narrow = |choices| narrow(&request, &choices, Zone::UTC, start());
    assert_eq!(narrow(choices(&[])), Err(ChoiceFault::NoLimit));
    assert_eq!(narrow(choices(&["branch"])), Err(ChoiceFault::UnknownArgument));
    assert_eq!(narrow(choices(&["body"])), Err(ChoiceFault::UnknownArgument));
    let agent = narrow(Choices { this_agent: true, ..choices(&["repository"]) }).unwrap();
    assert_eq!(agent.agent, Some((request.backend, request.agent.clone())));
    assert_eq!(agent.fixed.values().unwrap().as_canonical(), r#"{"repository":"acme/checkout"}"#);
    let timed = narrow(Choices { period: Period::Week, uses: Uses::new(3), ..choices(&[]) }).unwrap();
    assert_eq!((timed.until, timed.uses.unwrap().left), (Some(start() + TimeDelta::weeks(1)), 3));
}
