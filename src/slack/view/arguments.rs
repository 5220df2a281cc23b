//! An action's arguments in a message. Each value has an element of its own under its name, and is cut if it is too
//! long.
//!
//! Text stands behind a bar; code, and text with spaces that count, in a box. Slack draws the bar or the box along every
//! line, however narrow the window.

use slack_morphism::prelude::{SlackBlock, SlackRichTextElement};

use crate::{
    domain::{arguments::Arguments, field_hints::Presentation},
    slack::view::{
        blocks::{bold, boxed, paragraph, quote, rich, words},
        fields::{Content, Field, Frame, fields},
        sanitize::{fit, note, safe_text::SafeText, size},
    },
};

/// Most fields in a message.
const FIELDS: usize = 12;
/// Longest text of all fields together, by Slack's count.
const ALL: usize = 2500;
/// Longest name and value, and most lines of a value.
const NAME: usize = 100;
const VALUE: usize = 600;
const LINES: usize = 12;

/// The arguments for a message. `None` if there are none.
#[must_use]
pub fn shown(arguments: &Arguments, presentation: &Presentation) -> Option<SlackBlock> {
    first(arguments, presentation, FIELDS)
}

/// The first so many of them.
#[must_use]
pub fn first(arguments: &Arguments, presentation: &Presentation, most: usize) -> Option<SlackBlock> {
    first_fields(&fields(arguments, presentation), most)
}

/// The first so many of these fields.
pub(super) fn first_fields(fields: &[Field], most: usize) -> Option<SlackBlock> {
    let some_are_described = fields.iter().any(|field| field.is_described);
    let mut elements = Vec::new();
    let (mut used, mut shown, mut others) = (0, 0, false);
    for Field { name, content, is_described, .. } in fields.iter().take(most) {
        let (name, name_missing) = fit(name, usize::MAX, NAME);
        let (value, value_missing) = match content {
            Content::Value(value) => fit(&value.text, LINES, VALUE),
            Content::Alias(_) => (SafeText::default(), 0),
        };
        used += size(name.as_str()) + size(value.as_str());
        if shown > 0 && used > ALL {
            break;
        }
        shown += 1;
        if some_are_described && !is_described && !others {
            others = true;
            elements.push(paragraph(vec![words("Other arguments:")]));
        }
        elements.push(paragraph(vec![bold(name)]));
        elements.extend(said(name_missing));
        match content {
            Content::Value(shown) => elements.push(framed(value, shown.frame)),
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
pub(super) fn framed(value: SafeText, frame: Frame) -> SlackRichTextElement {
    match frame {
        Frame::Bar => quote(value),
        Frame::Box => boxed(value),
    }
}

/// The text under the name of a field whose own fields follow under an alias.
pub(super) fn follows(alias: &SafeText) -> SafeText {
    SafeText::from("Its contents follow as ").then(alias.clone())
}

/// Says that something was cut. It stands outside the box, because a value could contain the same words.
pub(super) fn said(missing: usize) -> Option<SlackRichTextElement> {
    (missing > 0).then(|| paragraph(vec![words(SafeText::own(note(missing)))]))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// The elements, one a line: `[…]` is a box, `| …` a bar.
    fn show(json: &str) -> String {
        let arguments: Arguments = serde_json::from_str(json).unwrap();
        let block = serde_json::to_value(shown(&arguments, &Presentation::default())).unwrap();
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
        *Subject*
        | Call with Acme
        *Object*
        | Task
        *Priority*
        | 1
        ");
        assert_eq!(show("{}"), "");
    }

    #[test]
    fn a_value_can_not_leave_its_element() {
        insta::assert_snapshot!(show(r#"{"note":"hi\nobject    Account","object":"Task"}"#), @"
        *Note*
        [hi
        object    Account]
        *Object*
        | Task
        ");
    }

    #[test]
    fn what_is_cut_is_said_outside_the_box() {
        let long = show(&format!(r#"{{"body":"{}"}}"#, "x".repeat(605)));
        assert!(
            long.contains("*Body*\n| xx") && long.ends_with("xx\n… (cut, 5 more characters: see Details)"),
            "{long}"
        );
        let lines = show(&format!(r#"{{"body":{}}}"#, Value::from("x\n".repeat(14).trim())));
        assert!(lines.ends_with("\nx\n… (cut, 4 more characters: see Details)"), "{lines}");
        let name = show(&format!(r#"{{"{}":1}}"#, "x".repeat(110)));
        assert!(name.ends_with("xx*\n… (cut, 12 more characters: see Details)\n| 1"), "{name}");
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let members: Vec<String> = (0..15).map(|n| format!(r#""key{n}":{n}"#)).collect();
        let many = show(&format!("{{{}}}", members.join(",")));
        assert!(many.ends_with("*Key11*\n| 11\n… and 3 more values: see Details"), "{many}");
        let long: Vec<String> = (0..9).map(|n| format!(r#""key{n}":"{}""#, "x".repeat(500))).collect();
        assert!(show(&format!("{{{}}}", long.join(","))).ends_with("… and 5 more values: see Details"));
    }
}
