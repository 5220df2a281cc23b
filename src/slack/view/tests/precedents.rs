//! What the prompt and the details say about what the user approved before.

use serde_json::Value;

use super::{
    checks,
    samples::{approval, decided, ordinary, state, verdicts},
};
use crate::{
    domain::{
        approvals::Approval,
        arguments::Arguments,
        precedent::{Changes, Precedent},
    },
    slack::view::{details, prompt::prompt, prompt_state::PromptState},
};

/// The blocks as people read them: a line an element, `|` for a bar, `[]` for a box, `*` for bold, `` ` `` for code.
fn read(blocks: &[Value]) -> String {
    let part = |leaf: &Value| {
        let text = leaf["text"].as_str().unwrap_or_default();
        match (leaf["style"]["bold"] == true, leaf["style"]["code"] == true) {
            (true, _) => format!("*{text}*"),
            (_, true) => format!("`{text}`"),
            _ => text.to_owned(),
        }
    };
    let line = |element: &Value| {
        let text: String = element["elements"].as_array().into_iter().flatten().map(part).collect();
        match element["type"].as_str() {
            Some("rich_text_quote") => format!("| {}", text.replace('\n', "\n| ")),
            Some("rich_text_preformatted") => format!("[{text}]"),
            _ => text,
        }
    };
    let lines = blocks.iter().flat_map(|block| match block["type"].as_str() {
        Some("rich_text") => block["elements"].as_array().unwrap().iter().map(line).collect(),
        Some("header") => vec![format!("# {}", block["text"]["text"].as_str().unwrap())],
        _ => Vec::new(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What the prompt says between title and fields, and the part of the details about it.
fn shown(approval: &Approval, precedent: &Precedent) -> String {
    let with = PromptState { precedent: Some(precedent), ..state(approval) };
    let message = prompt(&with).to_json();
    checks::message(&message);
    let without = prompt(&state(approval)).to_json();
    let blocks = |message: &Value| message["blocks"].as_array().unwrap().clone();
    let plain = blocks(&without);
    let added: Vec<Value> = blocks(&message).into_iter().filter(|block| !plain.contains(block)).collect();
    let view = details::details(approval, Some(precedent), 0);
    checks::sound(&view, 100);
    let plain = blocks(&details::details(approval, None, 0));
    let details: Vec<Value> = blocks(&view).into_iter().filter(|block| !plain.contains(block)).collect();
    let added = if added.is_empty() { "(nothing)".to_owned() } else { read(&added) };
    format!("{added}\n---\n{}", read(&details))
}

fn since(before: &str, approval: &Approval) -> Precedent {
    let before: Arguments = serde_json::from_str(before).unwrap();
    Precedent::Changed(Changes::between(&before, &approval.request.arguments))
}

#[test]
fn the_prompt_names_what_changed_and_the_details_show_both_values() {
    let approval = approval(
        r#"{"to":["kim@example.com","mallory@example.com"],"subject":"Contract","body":"Dear Kim,\n\nyes.","meta":{"urgent":true}}"#,
    );
    let precedent = since(
        r#"{"to":["kim@example.com"],"subject":"Contract","body":"Dear Kim,\n\nno.","meta":{"urgent":false},"cc":"bob@example.com"}"#,
        &approval,
    );
    insta::assert_snapshot!(shown(&approval, &precedent), @r"
    Changed since you last approved this: `To`, `Body`, `Meta`, `CC`
    ---
    # Changed since you last approved this
    *To*
    Before
    | kim@example.com
    Now
    | • kim@example.com
    | • mallory@example.com
    *Body*
    Before
    | Dear Kim,
    | 
    | no.
    Now
    | Dear Kim,
    | 
    | yes.
    *Meta › urgent*
    Before
    | false
    Now
    | true
    *CC*
    Before
    | bob@example.com
    Now: not given
    ");
}

#[test]
fn names_that_an_agent_made_up_stay_names() {
    let approval =
        approval(r#"{"a, b and 3 more":1,"`to`":1,"שלום":1,"amount: 5":{"x y":1},"e":1,"f":1,"g":1}"#);
    insta::assert_snapshot!(shown(&approval, &since(r#"{"to":"kim"}"#, &approval)), @r#"
    Changed since you last approved this:
    `"a, b and 3 more"`
    `"`to`"`
    `"שלום"`
    `"amount: 5"`
    `E`
     and 3 more
    ---
    # Changed since you last approved this
    *"a, b and 3 more"*
    Before: not given
    Now
    | 1
    *"`to`"*
    Before: not given
    Now
    | 1
    *"שלום"*
    Before: not given
    Now
    | 1
    *"amount: 5" › "x y"*
    Before: not given
    Now
    | 1
    *E*
    Before: not given
    Now
    | 1
    *F*
    Before: not given
    Now
    | 1
    *G*
    Before: not given
    Now
    | 1
    *To*
    Before
    | kim
    Now: not given
    "#);
}

#[test]
fn calls_with_the_same_arguments_are_counted() {
    insta::assert_snapshot!(shown(&ordinary(), &Precedent::Same { count: 12 }), @r"
    Same as 12 approved calls in the last 30 days
    ---
    Same as 12 approved calls in the last 30 days
    ");
    insta::assert_snapshot!(shown(&ordinary(), &Precedent::Same { count: 1 }), @r"
    Same as 1 approved call in the last 30 days
    ---
    Same as 1 approved call in the last 30 days
    ");
}

#[test]
fn a_request_that_was_changed_before_it_was_approved_says_so() {
    insta::assert_snapshot!(shown(&ordinary(), &Precedent::Edited), @r"
    Same as the last request that you approved, which you changed before approving
    ---
    Same as the last request that you approved, which you changed before approving
    ");
}

#[test]
fn deleted_arguments_are_mentioned_only_in_the_details() {
    insta::assert_snapshot!(shown(&ordinary(), &Precedent::Deleted), @r"
    (nothing)
    ---
    The arguments of the call that you last approved were deleted.
    ");
}

#[test]
fn a_decided_prompt_says_nothing_of_earlier_calls() {
    for (_, verdict) in verdicts() {
        let approval = decided(verdict);
        let precedent = Precedent::Same { count: 12 };
        let with = PromptState { precedent: Some(&precedent), ..state(&approval) };
        assert_eq!(prompt(&with).to_json(), prompt(&state(&approval)).to_json());
    }
}
