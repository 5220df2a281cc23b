//! What is said of pauses: in prompts, in lists and in the modals of admins.

use insta::assert_snapshot;
use serde_json::Value;
use uuid::Uuid;

use super::{
    checks,
    samples::{asked_at, foreign, full_of, ordinary, state},
    snapshots::{keep, keep_message},
};
use crate::{
    domain::{
        approvals::Approval,
        audit::Actor,
        ids::{AgentId, BackendId, PauseId, UserId},
        overview::{AgentLine, AgentsPage, PauseLine},
        pauses::{Pause, PauseReason, PauseTarget, PausedRequests},
        rejection::Rejection,
        sharing::WaitingCount,
    },
    slack::view::{
        agents,
        prompt::prompt,
        sentences,
        shared::{self, SharedState},
    },
};

fn backend() -> BackendId {
    BackendId::new(Uuid::from_u128(2))
}

fn pause(by: Actor, agent: Option<&str>, reason: &str) -> Pause {
    Pause {
        id: PauseId::new(Uuid::from_u128(11)),
        target: match agent {
            Some(agent) => PauseTarget::Agent { backend: Some(backend()), agent: foreign(agent) },
            None => PauseTarget::Backend(backend()),
        },
        requests: PausedRequests::Held,
        reason: PauseReason::from_stored(reason.to_owned()),
        by,
        at: asked_at(),
    }
}

fn ada() -> Actor {
    Actor::User(UserId::parse("U0ADA").unwrap())
}

fn paused(mut approval: Approval, pause: Pause) -> Approval {
    approval.pause = Some(Box::new(pause));
    approval
}

fn agent(name: &str) -> AgentLine {
    AgentLine {
        id: AgentId::new(Uuid::from_u128(12)),
        backend: backend(),
        backend_name: name.to_owned(),
        agent: foreign(name),
        name: Some(name.to_owned()),
        last_asked_at: asked_at(),
    }
}

/// The labels of the buttons.
fn buttons(view: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(view, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if members.get("type").is_some_and(|kind| kind == "button") {
                found.extend(value["text"]["text"].as_str().map(str::to_owned));
            }
            members.values().for_each(|member| collect(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

#[test]
fn a_paused_prompt_can_only_be_denied() {
    let held = paused(ordinary(), pause(ada(), Some("atlas"), "Sends <!channel> too much"));
    let message = prompt(&state(&held));
    keep_message("pending_paused", &message);
    assert_eq!(buttons(&message.to_json()), ["Deny", "Details", "Open conversation"]);
    let mut must_read = paused(ordinary(), pause(Actor::Operator, None, "Investigation"));
    must_read.request.action.must_read = true;
    assert_eq!(buttons(&prompt(&state(&must_read)).to_json()), ["Deny", "Details", "Open conversation"]);
}

#[test]
fn a_shared_message_of_a_paused_agent_offers_no_approval() {
    let one = paused(ordinary(), pause(ada(), Some("atlas"), "Sends too much"));
    let members = [one.clone(), one];
    let waiting = WaitingCount { total: 2, apart: 2 };
    let shown = SharedState { members: &members, waiting, live_grants: &[], is_users: true };
    let message = shared::message(&shown);
    checks::message(&message.to_json());
    assert_eq!(buttons(&message.to_json()), ["Review", "Deny all"]);
    assert!(message.text.contains("Paused by <@U0ADA>: "), "{}", message.text);
    assert!(!message.text.contains("Approve all"), "{}", message.text);
}

#[test]
fn a_click_on_what_is_paused_is_told_who_paused_it() {
    let refused = |pause| sentences::sentence(&Rejection::Paused(Box::new(pause)));
    assert_snapshot!(refused(pause(ada(), Some("atlas"), "Loop")), @"<@U0ADA> paused this agent, so nothing that it asks can be approved. Nothing was decided. You can deny the request, or wait until an admin resumes the agent.");
    assert_snapshot!(refused(pause(Actor::Operator, None, "Loop")), @"The operator paused this backend, so nothing that it asks can be approved. Nothing was decided. You can deny the request, or wait until an admin resumes the backend.");
}

#[test]
fn the_modals_of_admins_are_drawn() {
    let line = PauseLine {
        pause: pause(ada(), Some("atlas"), "Sends too much"),
        backend: Some("agents".to_owned()),
    };
    let everywhere = PauseTarget::Agent { backend: None, agent: foreign("nova") };
    let other = PauseLine {
        pause: Pause {
            target: everywhere,
            requests: PausedRequests::Denied,
            ..pause(Actor::Operator, None, "Under investigation")
        },
        backend: None,
    };
    let atlas = AgentLine { agent: foreign("atlas"), backend_name: "agents".to_owned(), ..agent("Atlas") };
    let page = AgentsPage { paused: vec![line, other], agents: vec![atlas.clone()], page: 1, more: true };
    for (name, view) in [
        ("agents", agents::list(&page)),
        ("agents_none", agents::list(&AgentsPage { paused: vec![], agents: vec![], page: 0, more: false })),
        ("pause_agent", agents::pause_agent(&atlas, 1)),
        ("pause_backend", agents::pause_backend(backend(), "agents")),
    ] {
        checks::sound(&view, 100);
        keep(name, &view);
    }
}

#[test]
fn at_their_worst_they_stay_within_slacks_limits() {
    for piece in ["x", "&", "<", "\"", "\u{1}", "\u{202E}", "界", "👩‍💻", "e\u{301}", "שלום "] {
        let long = |count: usize| piece.chars().cycle().take(count).collect::<String>();
        let pause = pause(ada(), Some(&long(255)), &long(300));
        let line = PauseLine { pause: pause.clone(), backend: Some(long(200)) };
        let page = AgentsPage {
            paused: vec![line; 100],
            agents: vec![AgentLine { agent: foreign(&long(255)), ..agent(&long(200)) }; 10],
            page: 3,
            more: true,
        };
        checks::sound(&agents::list(&page), 100);
        checks::sound(&agents::pause_agent(&page.agents[0], usize::MAX), 100);
        checks::sound(&agents::pause_backend(backend(), &long(200)), 100);
        let held = paused(full_of(&long(3000)), pause.clone());
        checks::message(&prompt(&state(&held)).to_json());
        let refused = sentences::sentence(&Rejection::Paused(Box::new(pause.clone())));
        checks::message(&serde_json::json!({ "text": refused }));
        let members = vec![paused(full_of(&long(200)), pause); 100];
        let waiting = WaitingCount { total: 100, apart: 100 };
        let shown = SharedState { members: &members, waiting, live_grants: &[], is_users: true };
        checks::message(&shared::message(&shown).to_json());
    }
}
