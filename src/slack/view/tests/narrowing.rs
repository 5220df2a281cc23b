//! The modal in which a grant is narrowed, and what people read of a narrowed grant.

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::{
    checks,
    samples::{FREE, alice, approval, asked_at, decided, foreign, grant, name, ordinary, state},
    screens::{granted, integration},
};
use crate::{
    domain::{
        approvals::{Agent, Approval},
        arguments::Arguments,
        catalog::{Eligibility, Lock, UnlockedFor},
        decision::{GrantOutcome, Verdict},
        grants::{Scope, StandingScope},
        ids::BackendId,
        limits::{Limits, Uses},
        narrowing::{Fixed, FixedValues, MOST_FIXED, Narrowing, UsesLeft},
        overview::{GrantLine, Page, SettingLine},
        suggestions::Suggestion,
    },
    slack::view::{
        limits, names, narrowing,
        prompt::prompt,
        prompt_state::PromptState,
        settings::{self, Content},
    },
};

fn pull() -> Approval {
    approval(
        r#"{"title":"Fix rounding","body":"Rounds once.","base":"main","repository":"acme/checkout","draft":false}"#,
    )
}

/// What a person reads in the modal, a line each, with what is selected.
fn read(view: &Value) -> String {
    checks::sound(view, 100);
    let text = |value: &Value| value["text"].as_str().unwrap_or_default().to_owned();
    let mut lines = Vec::new();
    for block in view["blocks"].as_array().unwrap() {
        let element = &block["element"];
        match block["type"].as_str().unwrap() {
            "section" => lines.push(text(&block["text"])),
            "input" => {
                lines.push(format!("{}:", text(&block["label"])));
                let selected = element["initial_options"].as_array().cloned().unwrap_or_default();
                for option in element["options"].as_array().into_iter().flatten() {
                    let is_selected = selected.contains(option) || element["initial_option"] == *option;
                    let description = text(&option["description"]);
                    let line = format!(
                        "  {} {} {description}",
                        if is_selected { "x" } else { "-" },
                        text(&option["text"])
                    );
                    lines.push(line.trim_end().to_owned());
                }
                lines.extend(block.get("hint").map(|hint| format!("  ({})", text(hint))));
            }
            _ => {}
        }
    }
    lines.join("\n")
}

#[test]
fn the_modal_offers_what_can_be_limited() {
    insta::assert_snapshot!(read(&narrowing::modal(&pull(), FREE, None)), @"
    Only with the same:
      - Repository “acme/checkout”
      - Base “main”
      - Title “Fix rounding”
      - Body “Rounds once.”
      - Draft “false”
    Agent:
      - Only when “Atlas” asks
    Where:
      x In this conversation
      - In every conversation
    How long:
      x For 1 hour
      - Until midnight
      - For 1 week
      - Until you turn it off
    How many requests:
      (Leave empty for any number.)
    ");
}

#[test]
fn the_modal_opens_with_what_is_suggested() {
    let suggestion = Suggestion {
        approvals: 4,
        fixed: vec!["repository".to_owned(), "base".to_owned()],
        this_agent: true,
        this_conversation: false,
    };
    insta::assert_snapshot!(read(&narrowing::modal(&pull(), FREE, Some(&suggestion))), @"
    Only with the same:
      x Repository “acme/checkout”
      x Base “main”
      - Title “Fix rounding”
      - Body “Rounds once.”
      - Draft “false”
    Agent:
      x Only when “Atlas” asks
    Where:
      - In this conversation
      x In every conversation
    How long:
      x For 1 hour
      - Until midnight
      - For 1 week
      - Until you turn it off
    How many requests:
      (Leave empty for any number.)
    ");
}

#[test]
fn the_modal_offers_only_what_an_admin_allows() {
    let place = |standing| {
        let all = read(&narrowing::modal(&approval("{}"), standing, None));
        let lines = all.lines().skip_while(|line| *line != "Where:").take_while(|line| *line != "How long:");
        lines.collect::<Vec<_>>().join("\n")
    };
    let limited = Eligibility { lock: Lock::Unlocked(UnlockedFor::Conversations), ..FREE };
    insta::assert_snapshot!(place(limited), @"
    Where:
      x In this conversation
      (An admin allows this action to be auto-approved for one conversation only.)
    ");
    let closed = Eligibility { conversation_closed: true, ..FREE };
    insta::assert_snapshot!(place(closed), @"
    Where:
      x In every conversation
    ");
}

#[test]
fn a_hundred_long_arguments_fit_into_the_modal() {
    for piece in ["x", "<&>", "👩‍💻", "\u{202E}", "שלום ", "\n", "\""] {
        let mut members = Map::new();
        for number in 0..100 {
            let key = format!("{number} {}", piece.repeat(300 / piece.len()));
            members.insert(key, json!(piece.repeat(400 / piece.len())));
        }
        members.insert("long".to_owned(), json!("x".repeat(5000)));
        let mut approval = approval("{}");
        approval.request.arguments = Arguments::from_stored(members.clone());
        approval.request.agent.name = Some(name(&piece.repeat(64)));
        let fixed: Vec<String> = members.keys().cloned().collect();
        let suggestion = Suggestion { approvals: 20, fixed, this_agent: true, this_conversation: true };
        for suggestion in [None, Some(&suggestion)] {
            let view = narrowing::modal(&approval, FREE, suggestion);
            checks::sound(&view, 100);
            assert!(view.to_string().len() < 250_000);
            let boxes = view.to_string().matches("\"value\":\"").count();
            assert!(boxes >= MOST_FIXED, "{boxes}");
        }
        let every = fixed_values(&approval.request.arguments);
        let narrowing = Narrowing { fixed: Fixed::Values(every), ..none() };
        let line = GrantLine { narrowing: Some(narrowing), ..granted("Create", None) };
        let page = Page::from_list(vec![SettingLine::Grant(line)], 0, settings::LINES);
        let view = settings::settings(&Content::Gear(Box::new(integration("Sales", true)), page), None, "1");
        checks::sound(&view, 100);
    }
}

fn fixed_values(arguments: &Arguments) -> FixedValues {
    FixedValues::new(arguments, arguments.members().keys().map(String::as_str)).unwrap()
}

fn none() -> Narrowing {
    Narrowing { fixed: Fixed::Nothing, agent: None, until: None, uses: None }
}

/// Narrowed in every way, and in each way separately.
fn shapes() -> Vec<Narrowing> {
    let arguments = pull().request.arguments;
    let values = |names: &[&str]| Fixed::Values(FixedValues::new(&arguments, names.iter().copied()).unwrap());
    let agent =
        Some((BackendId::new(uuid::Uuid::nil()), Agent { id: foreign("atlas"), name: Some(name("Atlas")) }));
    let until = Some(asked_at() + TimeDelta::hours(8));
    let uses = |max, left| Some(UsesLeft { max: Uses::new(max).unwrap(), left });
    vec![
        Narrowing { fixed: values(&["repository"]), until, uses: uses(10, 3), ..none() },
        Narrowing { fixed: values(&["repository", "base"]), agent: agent.clone(), ..none() },
        Narrowing { agent, ..none() },
        Narrowing { until, ..none() },
        Narrowing { uses: uses(1, 1), ..none() },
        Narrowing { fixed: values(&["title", "body", "base", "repository", "draft"]), until, ..none() },
        Narrowing { fixed: Fixed::Unreadable, until, ..none() },
    ]
}

#[test]
fn a_narrowed_grant_is_one_sentence() {
    let lines: Vec<String> = shapes().iter().map(limits::in_words).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    only with repository “acme/checkout”, until 2026-03-14 17:26 UTC, 3 of 10 uses left
    only with repository “acme/checkout”, base “main”, only for the agent “Atlas”
    only for the agent “Atlas”
    until 2026-03-14 17:26 UTC
    1 of 1 use left
    only with title “Fix rounding”, body “Rounds once.”, base “main”, repository “acme/checkout”, draft “false”, until 2026-03-14 17:26 UTC
    its fixed values can’t be read, so every request asks you, until 2026-03-14 17:26 UTC
    ");
}

#[test]
fn lists_say_what_a_grant_is_limited_to() {
    let line = |conversation| GrantLine {
        narrowing: shapes().into_iter().next(),
        ..granted("Open pull request", conversation)
    };
    let facts = |conversation| {
        let facts = names::facts(&line(conversation));
        let facts =
            facts.iter().map(|fact| serde_json::to_value(fact).unwrap()["text"].as_str().unwrap().to_owned());
        facts.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(facts(None), @"
    In every conversation, only with repository “acme/checkout”
    Until <!date^1773509213^{date_short_pretty} at {time}|2026-03-14 17:26 UTC>, 3 of 10 uses left.
    Since <!date^1773221213^{date_short_pretty} at {time}|2026-03-11 09:26 UTC>. Used 12 times, last <!date^1773480113^{date_short_pretty} at {time}|2026-03-14 09:21 UTC>.
    ");
    insta::assert_snapshot!(facts(Some("Q3")), @"
    In the conversation “Q3”, only with repository “acme/checkout”
    Until <!date^1773509213^{date_short_pretty} at {time}|2026-03-14 17:26 UTC>, 3 of 10 uses left.
    Since <!date^1773221213^{date_short_pretty} at {time}|2026-03-11 09:26 UTC>. Used 12 times, last <!date^1773480113^{date_short_pretty} at {time}|2026-03-14 09:21 UTC>.
    ");
}

#[test]
fn a_right_to_left_value_reorders_nothing() {
    let arguments: Arguments = serde_json::from_value(json!({ "to": "שלום", "x": "y" })).unwrap();
    let narrowing = Narrowing { fixed: Fixed::Values(fixed_values(&arguments)), ..none() };
    let shown = limits::conditions(&narrowing).unwrap();
    assert_eq!(shown.as_str().lines().count(), 2, "{}", shown.as_str());
}

/// What the first block of a decided prompt says.
fn said(approval: &Approval, grant_live: bool) -> String {
    let message = prompt(&PromptState { grant_live, ..state(approval) }).to_json();
    checks::message(&message);
    let parts = message["blocks"][0]["elements"][0]["elements"].as_array().unwrap();
    let part = |part: &Value| {
        let text = part["text"].as_str().or(part["fallback"].as_str()).or(part["user_id"].as_str());
        text.unwrap_or_default().to_owned()
    };
    parts.iter().map(part).collect()
}

#[test]
fn a_decided_prompt_says_what_it_left() {
    let limits = Limits::new(
        vec!["object".to_owned()],
        Some(Agent { id: foreign("atlas"), name: None }),
        Some(asked_at() + TimeDelta::hours(8)),
        Uses::new(10),
    )
    .unwrap();
    let given =
        GrantOutcome::Narrowed { grant: grant(), scope: StandingScope::Always, limits: limits.clone() };
    let approved = decided(Verdict::Approved { user: alice(), given });
    insta::assert_snapshot!(said(&approved, true), @"Approved by U0ALICE with limits, 2026-03-14 09:30 UTC. It now runs without asking in every conversation, only with object “Task”, only for the agent “atlas”, until 2026-03-14 17:26 UTC, for 10 requests.");
    insta::assert_snapshot!(said(&approved, false), @"Approved by U0ALICE with limits, 2026-03-14 09:30 UTC. The auto-approval has ended.");
    let used = Verdict::AutoApproved { grant: grant(), scope: Scope::Conversation, limits: Some(limits) };
    insta::assert_snapshot!(said(&decided(used), true), @"Approved without asking, 2026-03-14 09:30 UTC: U0ALICE auto-approves this action in this conversation, only with object “Task”, only for the agent “atlas”, until 2026-03-14 17:26 UTC, for 10 requests.");
    assert_eq!(ordinary().decision, None);
}
