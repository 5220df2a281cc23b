//! 200 KB of arguments of the worst kinds: nothing breaks, and the details show all of it.

use serde_json::{Map, Value};

use super::{
    checks,
    samples::{alice, approval, asked_at, foreign, full_of, name, state, with_digest},
};
use crate::{
    domain::{
        alike::MOST_TOGETHER,
        approvals::Approval,
        arguments::Arguments,
        decision::{Decision, Verdict},
        input_schema::InputSchema,
        precedent::{Changes, Precedent},
        templates::Template,
        text::Prose,
    },
    slack::view::{deny, details, editing, prompt::prompt, prompt_state::PromptState, sanitize, together},
};

/// What the boxes and bars of the pages show, each value in one piece: one that continues in the next box is joined. First
/// of the fields, then the raw JSON.
fn values(approval: &Approval) -> (Vec<String>, String) {
    let (mut values, mut raw, mut goes_on) = (Vec::<String>::new(), String::new(), false);
    for page in 0..details::page_count(approval) {
        let view = details::details(approval, None, page);
        checks::sound(&view, 100);
        let blocks = view["blocks"].as_array().unwrap();
        let is_raw = blocks
            .iter()
            .any(|block| block["text"]["text"].as_str().is_some_and(|text| text.contains("raw JSON")));
        let below = blocks.iter().skip_while(|block| block["type"] != "header");
        let below = below.take_while(|block| block["text"]["text"] != "About the request");
        for element in below.filter_map(|block| block["elements"].as_array()).flatten() {
            let text = element["elements"][0]["text"].as_str().unwrap_or_default();
            match element["type"].as_str() {
                Some("rich_text_preformatted") if is_raw => raw.push_str(text),
                Some("rich_text_preformatted" | "rich_text_quote") if goes_on => {
                    values.last_mut().unwrap().push_str(text);
                }
                Some("rich_text_preformatted" | "rich_text_quote") => values.push(text.to_owned()),
                _ => goes_on = element["elements"][1]["text"] == " (continued)",
            }
        }
    }
    (values, raw)
}

/// The values that stand in elements of their own.
fn leaves<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Array(items) if !items.is_empty() => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(members) if !members.is_empty() => {
            members.values().for_each(|member| leaves(member, found));
        }
        one => found.push(one),
    }
}

fn holds(approval: &Approval) {
    checks::message(&prompt(&state(approval)).to_json());
    let (values, raw) = values(approval);
    let arguments = Value::from(approval.request.arguments.members().clone());
    if approval.request.arguments.members().is_empty() {
        assert!(values.is_empty() && raw.is_empty());
        return;
    }
    assert_eq!(
        serde_json::from_str::<Value>(&sanitize::reveal(&raw)).unwrap(),
        arguments,
        "the raw JSON is exact"
    );
    // Every value is read among the fields, in the same order.
    let all = sanitize::reveal(&values.concat());
    let mut rest = all.as_str();
    let mut found = Vec::new();
    leaves(&arguments, &mut found);
    for leaf in found {
        let json = leaf.to_string();
        let text = leaf.as_str().unwrap_or(&json).replace("\r\n", "\n");
        let text = text.trim_end_matches('\n');
        let at = rest.find(text).map(|at| at + text.len());
        let at = at.or_else(|| rest.find(&json).map(|at| at + json.len()));
        rest = &rest[at.unwrap_or_else(|| panic!("{json} is missing"))..];
    }
}

fn with(value: Value) -> Approval {
    let mut approval = approval("{}");
    let mut members = Map::new();
    members.insert("argument".to_owned(), value);
    approval.request.arguments = Arguments::from_stored(members);
    approval
}

#[test]
fn one_huge_text_of_any_kind_is_shown_whole() {
    for piece in ["x", "<", "\"", "👩‍💻", "\u{1}", "\u{202E}", "e\u{301}", "שלום "] {
        // All pages are rendered for each page, so the work grows with the square.
        let size = if ["x", "\u{202E}"].contains(&piece) { 200_000 } else { 40_000 };
        holds(&with(Value::from(piece.repeat(size / piece.len()))));
    }
}

#[test]
fn many_small_ones_are_shown_whole() {
    holds(&with(Value::from(vec!["<&>"; 5_000])));
    let members: Vec<String> = (0..3_000).map(|n| format!(r#""key {n}":{{"a":[{n},""]}}"#)).collect();
    holds(&approval(&format!("{{{}}}", members.join(","))));
}

#[test]
fn a_hundred_levels_are_shown_whole() {
    holds(&approval(&format!(r#"{{"a":{}1{}}}"#, "[".repeat(100), "]".repeat(100))));
    let wide = vec!["1"; 15_000].join(",");
    holds(&approval(&format!(r#"{{"a":{}{wide}{}}}"#, "[".repeat(100), "]".repeat(100))));
    let wide = vec![r#"" ""#; 1_500].join(",");
    holds(&approval(&format!(r#"{{"a":{}{wide}{}}}"#, r#"{"in":["#.repeat(50), "]}".repeat(50))));
}

#[test]
fn a_name_of_200_kb_is_shown_whole() {
    let name = "name ".repeat(40_000);
    let approval = approval(&format!(r#"{{"{name}":{{"a b":"c d"}}}}"#));
    holds(&approval);
    let pages = (0..details::page_count(&approval)).map(|page| details::details(&approval, None, page));
    let shown: usize = pages.map(|view| view.to_string().matches("name ").count()).sum();
    assert!(shown >= 39_900, "{shown}: pieces of a box may end within a word");
}

#[test]
fn no_arguments_are_shown_too() {
    holds(&approval("{}"));
    holds(&approval(r#"{"":{},"a":[],"b":""}"#));
}

#[test]
fn an_empty_name_leaves_no_empty_text() {
    let approval = full_of("");
    holds(&approval);
    checks::sound(&deny::modal(&approval), 100);
}

#[test]
fn both_reasons_are_whole_in_the_details() {
    let reason = |letter: &str| Prose::from_stored(format!("{}.", letter.repeat(2998)));
    let mut approval = approval("{}");
    approval.request.reason = Some(reason("a"));
    let verdict = Verdict::Denied { user: alice(), on_behalf_of: None, reason: Some(reason("d")) };
    approval.decision = Some(Decision { verdict, decided_at: asked_at() });
    holds(&approval);
    let view = details::details(&approval, None, 0).to_string();
    assert!(view.contains(reason("a").as_str()) && view.contains(reason("d").as_str()));
}

#[test]
fn changes_at_their_longest_fit_beside_everything_else() {
    for character in ["<", "👩‍💻", "\u{202E}", "\u{E0041}", "x", "\n", "ש"] {
        let long = character.repeat(5_000 / character.len());
        let filled = |value: &str| {
            let members =
                (0..60).map(|at| (format!("{at} {long}"), Value::from(format!("{long}{value}{long}"))));
            Arguments::from_stored(members.collect())
        };
        let mut approval = full_of(&character.repeat(200));
        approval.request.reason = Some(Prose::from_stored(character.repeat(3000)));
        approval.request.arguments = filled("now");
        let changes = Changes::between(&filled("before"), &approval.request.arguments);
        assert_eq!((changes.names.len(), changes.values.len(), changes.more), (60, 20, 40));
        let precedent = Precedent::Changed(changes);
        let shown = PromptState { precedent: Some(&precedent), ..state(&approval) };
        checks::message(&prompt(&shown).to_json());
        checks::sound(&details::details(&approval, Some(&precedent), 0), 100);
    }
}

#[test]
fn names_and_reasons_at_their_longest_fit() {
    for character in ["<", "👩‍💻", "\u{202E}", "\n", "ש"] {
        let mut approval = full_of(&character.repeat(200));
        approval.request.conversation.id = foreign(&character.repeat(255));
        approval.request.agent.name = Some(name(&character.repeat(200)));
        approval.request.reason = Some(Prose::from_stored(character.repeat(3000)));
        approval.request.arguments =
            with(Value::from(character.repeat(200_000 / character.len()))).request.arguments;
        let verdict =
            Verdict::Denied { user: alice(), on_behalf_of: None, reason: approval.request.reason.clone() };
        approval.decision = Some(Decision { verdict, decided_at: asked_at() });
        holds(&approval);
    }
}

#[test]
fn the_most_and_longest_changes_fit() {
    for character in ["<", "👩‍💻"] {
        let longest = character.repeat(3_000 / character.chars().count());
        let members = |more: &str| {
            let one = |n: usize| (format!("{}{n}", "name ".repeat(30)), format!("{longest}{more}").into());
            (0..60).map(one).collect::<Map<String, Value>>()
        };
        let mut approval = approval("{}");
        approval.request.arguments = Arguments::from_stored(members(""));
        approval.request.editable = true;
        approval.request.action.has_input_schema = true;
        let view = editing::modal(&approval, &InputSchema::from_stored("{}").unwrap()).unwrap();
        checks::sound(&view, 100);
        let edited = with_digest(members("!"));
        let verdict = Verdict::ApprovedEdited { user: alice(), edited };
        approval.decision = Some(Decision { verdict, decided_at: asked_at() });
        checks::message(&prompt(&state(&approval)).to_json());
        let pages: Vec<_> =
            (0..details::page_count(&approval)).map(|page| details::details(&approval, None, page)).collect();
        for page in &pages {
            checks::sound(page, 100);
        }
        let labels = |which: &str| {
            let label = format!(", {which}\"");
            pages.iter().map(|page| page.to_string().matches(&label).count()).sum::<usize>()
        };
        assert_eq!((labels("as asked"), labels("as approved")), (60, 60), "{character}");
    }
}

#[test]
fn a_page_of_the_details_makes_only_its_own_elements() {
    let members = (0..60).map(|number| (format!("key{number}"), Value::from("x".repeat(3_000))));
    let mut approval = full_of("x");
    approval.request.arguments = Arguments::from_stored(members.collect());
    let pages = details::page_count(&approval);
    let made = |page| {
        details::MADE.set(0);
        let _ = details::details(&approval, None, page);
        details::MADE.get()
    };
    let made: Vec<usize> = (0..pages).map(made).collect();
    let all: usize = made.iter().sum();
    assert!(pages == 10 && all > 180 && made.iter().all(|made| *made <= all / 4), "{made:?}");
}

#[test]
fn approving_forty_of_the_longest_fits() {
    let all: Vec<Approval> = (0..MOST_TOGETHER)
        .map(|number| {
            let mut members = Map::new();
            for place in 0..8 {
                members.insert(format!("p{place}"), format!("{number:02}{}", "語".repeat(58)).into());
            }
            for field in ["q", "r", "s"] {
                members.insert(field.to_owned(), "語".repeat(700).into());
            }
            let mut approval = approval("{}");
            approval.request.arguments = Arguments::from_stored(members);
            approval.request.agent.name = Some(name(&"語".repeat(200)));
            let places: Vec<String> = (0..8).map(|place| format!("語語語{{p{place}}}")).collect();
            approval.request.action.presentation.title = Template::new(places.concat()).ok();
            approval
        })
        .collect();
    let modal = together::modal(&all, 100);
    checks::sound(&modal, 100);
    let listed = together::listed(modal["private_metadata"].as_str().unwrap()).len();
    assert!((20..MOST_TOGETHER).contains(&listed), "{listed}");
    assert_eq!(modal["submit"]["text"], format!("Approve {listed}"));
}
