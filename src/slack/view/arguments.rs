//! An action's arguments in a message. Each value has an element of its own under its name, and is cut if it is too
//! long.
//!
//! A short value stands behind a bar, which takes half the space. One with line breaks, significant spaces or more text
//! stands in a box. Slack draws the bar or the box along every line, however narrow the window.

use slack_morphism::prelude::{SlackBlock, SlackRichTextElement};

use super::fields::Content;
use super::fields::Field;
use super::fields::fields;
use crate::{
    domain::arguments::Arguments,
    slack::view::{
        blocks::{bold, boxed, paragraph, quote, rich, words},
        sanitize::{fit, note, safe_text::SafeText, size},
    },
};

/// Most fields in a message.
const FIELDS: usize = 12;
/// Longest text of all fields together, by Slack's count.
const ALL: usize = 2500;
/// Longest name and value, and most lines of a value.
const NAME: usize = 100;
const VALUE: usize = 400;
const LINES: usize = 12;
/// Longest value that stands behind a bar.
const BAR: usize = 80;

/// The arguments for a message. `None` if there are none.
#[must_use]
pub fn shown(arguments: &Arguments) -> Option<SlackBlock> {
    let fields = fields(arguments);
    let mut elements = Vec::new();
    let (mut used, mut shown) = (0, 0);
    for Field { name, content } in fields.iter().take(FIELDS) {
        let (name, name_missing) = fit(name, usize::MAX, NAME);
        let (value, value_missing) = match content {
            Content::Value(value) => fit(value, LINES, VALUE),
            Content::Alias(_) => (SafeText::default(), 0),
        };
        used += size(name.as_str()) + size(value.as_str());
        if shown > 0 && used > ALL {
            break;
        }
        shown += 1;
        elements.push(paragraph(vec![bold(name)]));
        elements.extend(said(name_missing));
        match content {
            Content::Value(_) => elements.push(framed(value)),
            Content::Alias(alias) => elements.push(paragraph(vec![words(follows(alias))])),
        }
        elements.extend(said(value_missing));
    }
    let missing = fields.len() - shown;
    if missing > 0 {
        let values = if missing == 1 { "value" } else { "values" };
        let more = format!("… and {missing} more {values}: see Details");
        elements.push(paragraph(vec![words(SafeText::own(more))]));
    }
    (shown > 0).then(|| rich(elements))
}

/// A value behind a bar or in a box.
fn framed(value: SafeText) -> SlackRichTextElement {
    let text = value.as_str();
    let short = size(text) <= BAR && !text.contains(['\n', '\t']) && !text.contains("  ");
    if short { quote(value) } else { boxed(value) }
}

/// The text under the name of a field whose own fields follow under an alias.
pub(super) fn follows(alias: &SafeText) -> SafeText {
    SafeText::from("Its contents follow as ").then(alias.clone())
}

/// Says that something was cut. It stands outside the box, because a value could contain the same words.
fn said(missing: usize) -> Option<SlackRichTextElement> {
    (missing > 0).then(|| paragraph(vec![words(SafeText::own(note(missing)))]))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// The elements, one a line: `[…]` is a box, `| …` a bar.
    fn show(json: &str) -> String {
        let arguments: Arguments = serde_json::from_str(json).unwrap();
        let block = serde_json::to_value(shown(&arguments)).unwrap();
        let line = |element: &Value| {
            let text = element["elements"][0]["text"].as_str().unwrap();
            match element["type"].as_str().unwrap() {
                "rich_text_preformatted" => format!("[{text}]"),
                "rich_text_quote" => format!("| {text}"),
                _ if element["elements"][0]["style"]["bold"] == true => format!("*{text}*"),
                _ => text.to_owned(),
            }
        };
        block["elements"].as_array().into_iter().flatten().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_value_has_an_element_under_its_name() {
        insta::assert_snapshot!(show(r#"{"subject":"Call with Acme","object":"Task","priority":1}"#), @"
        *subject*
        | Call with Acme
        *object*
        | Task
        *priority*
        | 1
        ");
        assert_eq!(show("{}"), "");
    }

    #[test]
    fn a_value_can_not_leave_its_element() {
        insta::assert_snapshot!(show(r#"{"note":"hi\nobject    Account","object":"Task"}"#), @"
        *note*
        [hi
        object    Account]
        *object*
        | Task
        ");
    }

    #[test]
    fn what_is_cut_is_said_outside_the_box() {
        let long = show(&format!(r#"{{"body":"{}"}}"#, "x".repeat(405)));
        assert!(long.ends_with("xx]\n… (cut, 5 more characters: see Details)"), "{long}");
        let lines = show(&format!(r#"{{"body":{}}}"#, Value::from("x\n".repeat(14).trim())));
        assert!(lines.ends_with("\nx]\n… (cut, 4 more characters: see Details)"), "{lines}");
        let name = show(&format!(r#"{{"{}":1}}"#, "x".repeat(110)));
        assert!(name.ends_with("xx*\n… (cut, 12 more characters: see Details)\n| 1"), "{name}");
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let members: Vec<String> = (0..15).map(|n| format!(r#""key{n}":{n}"#)).collect();
        let many = show(&format!("{{{}}}", members.join(",")));
        assert!(many.ends_with("*key11*\n| 11\n… and 3 more values: see Details"), "{many}");
        let long: Vec<String> = (0..9).map(|n| format!(r#""key{n}":"{}""#, "x".repeat(500))).collect();
        assert!(show(&format!("{{{}}}", long.join(","))).ends_with("… and 3 more values: see Details"));
    }
}
