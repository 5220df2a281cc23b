//! Nothing that an agent or a backend wrote can pass for something else, at any width: each value has an element of its
//! own, and its name is outside of it.
//!
//! Every name and every value contains a unique token, which shows where each of them ends up.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{
    hostile::text,
    samples::{FREE, asked_at, foreign, full_of, name, result, state, verdicts, with_digest},
    screens,
};
use crate::{
    domain::{
        alike::Alike,
        approvals::Approval,
        arguments::Arguments,
        catalog::{Lock, UnlockedFor},
        decision::{Decision, Verdict},
        field_hints::{ArgumentPointer, FieldHint, Format, Label, Presentation},
        input_schema::InputSchema,
        overview::{
            ActionLine, Administration, DeviceLine, GrantLine, Group, Home, OptionsLine, Page, SettingLine,
            UnlockLine,
        },
        people::PersonKind,
        precedent::{Changes, Precedent},
        results::ResultStatus,
        sharing::WaitingCount,
        templates::Template,
        text::Prose,
    },
    slack::view::{
        action_options, deny, details, editing,
        home::{HomeState, home},
        lists,
        prompt::prompt,
        prompt_state::PromptState,
        settings::{self, Content},
        shared::{self, SharedState},
        together, unlocking,
    },
};

/// JSON of hostile text.
fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
        1 => Just(json!(null)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((text(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Gives every name and every text a token: `token-n7q` or `token-v8q`. It is at the beginning, because the end may be
/// cut.
fn mark(value: Value, last: &mut usize) -> Value {
    let mut token = |kind| {
        *last += 1;
        format!("token-{kind}{last}q")
    };
    match value {
        Value::String(text) => format!("{}{text}", token('v')).into(),
        Value::Array(items) => items.into_iter().map(|item| mark(item, last)).collect(),
        Value::Object(members) => {
            let mut marked = Map::new();
            for (name, value) in members {
                *last += 1;
                let name = format!("token-n{last}q{name}");
                marked.insert(name, mark(value, last));
            }
            marked.into()
        }
        other => other,
    }
}

/// A template of a title, with a place for an argument.
fn template() -> impl Strategy<Value = String> {
    ("[A-Za-z]{1,10}", "[a-z “”:]{0,10}").prop_map(|(verb, more)| format!("{verb} PLACE{more}PLACE"))
}

/// The tokens of one kind in a text.
fn tokens(kind: char, text: &str) -> Vec<&str> {
    let token = format!("token-{kind}");
    let starts = text.match_indices(&token).map(|(at, _)| &text[at + token.len()..]);
    let mut found: Vec<&str> = starts
        .filter_map(|rest| rest.split_once('q').map(|(number, _)| number))
        .filter(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// A text without what stands in quotation marks.
fn unquoted(text: &str) -> String {
    text.split('“').map(|part| part.split_once('”').map_or(part, |(_, after)| after)).collect()
}

/// Every element that Slack lays out separately: its kind, and its text.
fn elements(value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| elements(item, found)),
        Value::Object(members) => match members.get("type").and_then(Value::as_str) {
            Some(kind @ ("rich_text_section" | "rich_text_quote" | "rich_text_preformatted")) => {
                let leaves = value["elements"].as_array().unwrap();
                let is_code = |leaf: &&Value| leaf["style"]["code"] == true;
                let bold = leaves[0]["style"]["bold"] == true;
                // In a title, every part that was written by others has a style that our words never have.
                for code in leaves.iter().filter(is_code) {
                    found.push(("code".to_owned(), code["text"].as_str().unwrap().to_owned()));
                }
                let others = leaves.iter().filter(|leaf| !is_code(leaf));
                let text: String = others.filter_map(|text| text["text"].as_str()).collect();
                found.push((if bold { "bold".to_owned() } else { kind.to_owned() }, text));
            }
            // Its label is a name, and every choice an element of its own, which Slack draws apart from all others.
            Some("input") => {
                found.push(("bold".to_owned(), value["label"]["text"].as_str().unwrap().to_owned()));
                for option in value["element"]["options"].as_array().into_iter().flatten() {
                    found.push(("code".to_owned(), option["text"]["text"].as_str().unwrap().to_owned()));
                }
                let hint = value["hint"]["text"].as_str().unwrap_or_default();
                assert!(!hint.contains("token"), "{hint}");
            }
            Some(kind @ ("plain_text" | "mrkdwn")) => {
                found.push((kind.to_owned(), value["text"].as_str().unwrap().to_owned()));
            }
            // A dialog has one text for all: there, quotation marks keep values apart.
            _ if members.contains_key("deny") && members.contains_key("confirm") => {
                let text = value["text"]["text"].as_str().unwrap();
                assert!(tokens('n', text).is_empty() && tokens('v', &unquoted(text)).is_empty(), "{text:?}");
            }
            _ => members.values().for_each(|member| elements(member, found)),
        },
        _ => {}
    }
}

/// Whether the text is an array of words and numbers shown as one value: no part of it contains JSON's special
/// characters or spaces, and each item of a list has a line.
fn is_list(text: &str) -> bool {
    let ordinary = |letter: char| letter.is_ascii_alphanumeric() || "_-.@+/\"[],".contains(letter);
    let json = || text.chars().all(ordinary) && serde_json::from_str::<Vec<Value>>(text).is_ok();
    let lines = || {
        let mut items = text.lines().map(|line| line.strip_prefix("• "));
        items.all(|item| item.is_some_and(|item| item.chars().all(ordinary)))
    };
    if text.starts_with('[') { json() } else { lines() }
}

fn apart(view: &Value) {
    let mut found = Vec::new();
    elements(&view["blocks"], &mut found);
    for (kind, text) in found {
        let (names, values, others) = (tokens('n', &text), tokens('v', &text), tokens('o', &text));
        assert!(names.is_empty() || values.is_empty(), "a name and a value: {text:?}");
        assert!(values.len() <= 1 || is_list(&text), "two values: {text:?}");
        let framed = matches!(&*kind, "rich_text_preformatted" | "rich_text_quote" | "code");
        assert!(values.is_empty() || framed, "a value in a {kind}: {text:?}");
        // The path of a field stands in a paragraph of its own under its name.
        assert!(names.is_empty() || matches!(&*kind, "bold" | "code"), "a name in a {kind}: {text:?}");
        // The backend names both an integration and its action, so they have the same token.
        assert!(others.len() + names.len().min(1) + values.len().min(1) <= 1, "two of them: {text:?}");
    }
}

fn approval(text: &str, arguments: Map<String, Value>) -> Approval {
    let mut approval = full_of("");
    let request = &mut approval.request;
    request.agent.name = Some(name(&format!("token-o1q{text}")));
    request.conversation.title = Some(name(&format!("token-o2q{text}")));
    request.conversation.id = foreign(&format!("token-o3q{text}"));
    request.reason = Some(Prose::from_stored(format!("token-o4q{text}")));
    request.action.integration_name = format!("token-o5q{text}");
    request.action.action_name = format!("token-o5q{text}");
    request.arguments = Arguments::from_stored(arguments);
    request.digest = request.arguments.digest();
    approval
}

/// A message that two requests share, one of which may have ended.
fn shared(pending: &Approval, ended: Option<&Approval>) -> Value {
    let members = [ended.unwrap_or(pending).clone(), pending.clone()];
    let waiting = WaitingCount { total: 3, apart: 1 };
    let state = SharedState { members: &members, waiting, live_grants: &[], is_users: true };
    let message = shared::message(&state).to_json();
    let text = message["text"].as_str().unwrap();
    assert!(tokens('v', &unquoted(text)).is_empty(), "{text}");
    message
}

/// The screens that list things.
fn lists(text: &str, approval: &Approval) -> Vec<Value> {
    let what = format!("token-o5q{text}");
    let grant = GrantLine {
        integration_name: what.clone(),
        conversation_id: Some(format!("token-o12q{text}")),
        ..screens::granted(&what, Some(&format!("token-o6q{text}")))
    };
    let integration = screens::integration(&what, true);
    let action = |unlocked| ActionLine {
        description: Some(format!("token-o7q{text}")),
        ..screens::action(&what, unlocked)
    };
    let options = |unlocked| OptionsLine {
        description: Some(format!("token-o7q{text}")),
        ..screens::options_line(&what, unlocked)
    };
    let unlock = UnlockLine {
        integration_name: what.clone(),
        action_name: what.clone(),
        ..screens::unlock_line(None)
    };
    let mut ended = approval.clone();
    ended.decision = Some(Decision { verdict: Verdict::Expired, decided_at: asked_at() });
    let waiting = Page::from_list(vec![screens::waiting(approval.clone(), FREE)], 0, 4);
    ended.result = Some(result(ResultStatus::Failed, Some(&format!("token-o9q{text}")), None));
    let mut other = ended.clone();
    other.request.conversation.id = foreign(&format!("token-o11q{text}"));
    let decisions = Page::from_list(vec![screens::decision_line(ended), screens::decision_line(other)], 0, 4);
    let device = DeviceLine {
        backend: format!("token-o12q{text}"),
        name: Some(format!("token-o13q{text}")),
        ..screens::device(None, true)
    };
    let shown = Home {
        waiting: waiting.clone(),
        grants: Page::from_list(vec![grant.clone()], 0, 4),
        integrations: Page::from_list(vec![integration.clone()], 0, 4),
        decisions: decisions.clone(),
        devices: Page::from_list(vec![device], 0, 4),
        notifications: super::notifications::all_on(),
        delegations: crate::domain::delegations::Delegations::default(),
        administration: Some(Administration {
            requests: Page::from_list(vec![unlock.clone()], 0, 4),
            catalog: Page::from_list(vec![integration.clone()], 0, 4),
            picked: Some((integration.clone(), Page::from_list(vec![action(true), action(false)], 0, 4))),
            ..screens::administration()
        }),
    };
    let lines = [true, false].map(|unlocked| SettingLine::Action(action(unlocked))).into_iter();
    let lines = lines.chain([SettingLine::Grant(grant)]).collect();
    let gear = Content::Gear(Box::new(integration), Page::from_list(lines, 0, settings::LINES));
    vec![
        home(&HomeState {
            home: &shown,
            kind: PersonKind::Member,
            now: asked_at(),
            address: screens::ADDRESS,
        }),
        settings::settings(&gear, None, "1"),
        unlocking::message(&unlock).to_json(),
        lists::waiting(&waiting, &[Group { first: waiting.items[0].approval.clone(), count: 2 }]).to_json(),
        together::offer(&waiting.items[0].approval, Alike::Action, 2).to_json(),
        together::modal(&[waiting.items[0].approval.clone(), waiting.items[0].approval.clone()], 2),
        lists::history(&decisions, None, screens::ADDRESS).to_json(),
        shared(&waiting.items[0].approval, None),
        shared(&waiting.items[0].approval, Some(&decisions.items[0].approval)),
        super::notifications::reminder(approval, 2),
        super::notifications::digest(&decisions.items[0].approval, &format!("token-o6q{text}")),
        action_options::unlock(&options(None), None),
        action_options::options(&options(Some(UnlockedFor::Always))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_element_holds_a_name_and_a_value_or_two_values(
        text in text(),
        members in prop::collection::vec((text(), tree()), 0..6),
        template in prop::option::of(template()),
        earlier in prop::collection::vec((text(), tree()), 0..6),
        described in 0_usize..6,
        unlocked: bool,
        ending in 0_usize..12,
    ) {
        let members = mark(Value::Object(members.into_iter().collect()), &mut 10);
        let Value::Object(members) = members else { unreachable!() };
        let hints = members.keys().take(described).enumerate().filter_map(|(at, key)| Some(FieldHint {
            pointer: ArgumentPointer::to_argument(key).ok()?,
            label: (at % 2 == 0).then(|| Label::from_stored(format!("token-n{}q{}", 900 + at, text.chars().take(20).collect::<String>()))),
            format: Format::ALL.into_iter().nth(at),
        })).collect();
        let places: Vec<String> = members.keys().map(|key| key.replace(['{', '}'], "")).collect();
        let mut approval = approval(&text, members);
        approval.request.action.presentation = Presentation {
            title: template.and_then(|template| {
                let place = places.get(1).map_or("absent", String::as_str);
                let filled = template.replace("PLACE", &format!("{{{place}}}"));
                Template::new(filled).ok()
            }),
            fields: hints,
        };
        for screen in lists(&text, &approval) {
            apart(&screen);
        }
        apart(&deny::modal(&approval));
        approval.request.editable = true;
        approval.request.action.has_input_schema = true;
        if let Some(view) = editing::modal(&approval, &InputSchema::from_stored("{}").unwrap()) {
            apart(&view);
        }
        if let Some((_, verdict)) = verdicts().into_iter().nth(ending) {
            let verdict = match verdict {
                Verdict::Denied { user, .. } =>
                    Verdict::Denied { user, on_behalf_of: None, reason: Some(Prose::from_stored(format!("token-o8q{text}"))) },
                Verdict::ApprovedEdited { user, .. } => {
                    let mut changed = approval.request.arguments.members().clone();
                    changed.retain(|key, _| !key.ends_with('x'));
                    for (at, value) in changed.values_mut().enumerate() {
                        *value = format!("token-v{}q{text}", 5_000 + at).into();
                    }
                    Verdict::ApprovedEdited { user, edited: with_digest(changed) }
                }
                other => other,
            };
            approval.decision = Some(Decision { verdict, decided_at: asked_at() });
        }
        let summary = format!("token-o9q{text}");
        approval.result = Some(result(ResultStatus::Failed, Some(&summary), Some("https://example.com/token-o0q")));
        let standing = crate::domain::catalog::Eligibility { lock: Lock::new(unlocked.then_some(UnlockedFor::Always), false, true), ..FREE };
        // The keys and values of an earlier call are as untrusted as those of this one.
        let earlier = mark(Value::Object(earlier.into_iter().collect()), &mut 5_000);
        let Value::Object(earlier) = earlier else { unreachable!() };
        let changes = Changes::between(&Arguments::from_stored(earlier), &approval.request.arguments);
        let precedent = Precedent::Changed(changes);
        let message = prompt(&PromptState { standing, precedent: Some(&precedent), ..state(&approval) });
        apart(&message.to_json());
        // The one place where several stand in a sentence: each is in quotation marks that it can't close.
        let quotes = |mark| message.text.matches(mark).count();
        prop_assert!(quotes('“') == quotes('”') , "{}", message.text);
        prop_assert!(tokens('v', &unquoted(&message.text)).is_empty(), "{}", message.text);
        for page in 0..details::page_count(&approval) {
            let view = details::details(&approval, Some(&precedent), page);
            // JSON has names and values in one box, on pages that say so.
            if !view.to_string().contains("rguments as raw JSON") {
                apart(&view);
            }
        }
    }
}
