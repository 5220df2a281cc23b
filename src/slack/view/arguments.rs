//! An action's arguments in a message: one a line, as given, each cut where it is too long.
//!
//! A value can't look like another argument: it stays on its line, and a text that could be mistaken for something
//! else stands in quotes as JSON.

use serde_json::Value;

use super::harmless::{self, Shown, cut, runs_right_to_left, size};
use crate::domain::arguments::Arguments;

/// Most arguments in a message.
const LINES: usize = 12;
/// Longest text of all of them, as Slack counts.
const ALL: usize = 2500;
/// Longest name and value.
const NAME: usize = 100;
const VALUE: usize = 400;
/// Widest column of names; a longer name moves its own value only.
const COLUMN: usize = 24;

/// The arguments in lines, for a preformatted element. `None` if there are none.
#[must_use]
pub fn shown(arguments: &Arguments) -> Option<Shown> {
    let members = arguments.members();
    let pairs: Vec<(Shown, Shown)> = members
        .iter()
        .take(LINES)
        .map(|(name, value)| (cut(text(name), NAME).text, cut(compact(value), VALUE).text))
        .collect();
    let column =
        pairs.iter().map(|(name, _)| width(name)).filter(|&width| width <= COLUMN).max().unwrap_or(0);
    let mut all = Shown::default();
    let mut shown = 0;
    for (name, value) in pairs {
        let line = pair(name, value, column);
        if shown > 0 && size(all.as_str()) + size(line.as_str()) > ALL {
            break;
        }
        if shown > 0 {
            all = all.then("\n");
        }
        all = all.then(line);
        shown += 1;
    }
    let missing = members.len() - shown;
    if missing > 0 {
        let arguments = if missing == 1 { "argument" } else { "arguments" };
        all = all.then(Shown::own(format!("\n… and {missing} more {arguments}: see Details")));
    }
    (shown > 0).then_some(all)
}

fn pair(name: Shown, value: Shown, column: usize) -> Shown {
    if runs_right_to_left(name.as_str()) || runs_right_to_left(value.as_str()) {
        return name.then("\n    ").then(value);
    }
    let gap = column.saturating_sub(width(&name)) + 2;
    name.then(Shown::own(" ".repeat(gap))).then(value)
}

fn width(text: &Shown) -> usize {
    text.as_str().chars().count()
}

/// A value on one line: text bare where it can't be mistaken, everything else as compact JSON.
fn compact(value: &Value) -> Shown {
    match value {
        Value::String(string) => text(string),
        other => harmless::line(&other.to_string()),
    }
}

/// A text as it is if it can be nothing else, or as JSON: when it is empty, looks like JSON itself, has spaces where
/// they go unseen or could make a second column, or has breaks.
fn text(text: &str) -> Shown {
    let spaces = text.starts_with(char::is_whitespace)
        || text.ends_with(char::is_whitespace)
        || text.contains("  ")
        || text.contains(|character: char| character.is_whitespace() && character != ' ');
    // A quotation mark at its start could close where the text doesn't; a number or `true` is not a text.
    let bare = !text.is_empty()
        && !spaces
        && !text.starts_with(['"', '{', '[', '…'])
        && serde_json::from_str::<Value>(text).is_err();
    if bare { harmless::line(text) } else { harmless::line(&Value::from(text).to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(json: &str) -> String {
        let arguments: Arguments = serde_json::from_str(json).unwrap();
        shown(&arguments).map(Shown::into_string).unwrap_or_default()
    }

    #[test]
    fn arguments_are_one_a_line_and_aligned_in_the_order_given() {
        assert_eq!(
            show(r#"{"subject":"Call with Acme","object":"Task","priority":1}"#),
            "subject   Call with Acme\nobject    Task\npriority  1"
        );
    }

    #[test]
    fn a_value_can_not_look_like_another_argument() {
        assert_eq!(
            show(r#"{"note":"hi\nobject    Account","object":"Task","x":"Task      y  2"}"#),
            "note    \"hi\\nobject⟨4 spaces⟩Account\"\nobject  Task\nx       \"Task⟨6 spaces⟩y  2\""
        );
    }

    #[test]
    fn what_is_empty_or_looks_like_json_is_quoted_or_visible() {
        assert_eq!(
            show(r#"{"a":"","b":"true","c":true,"d":{},"e":[],"f":null,"g":"\"x","h":"{}","":" "}"#),
            concat!(
                "a   \"\"\nb   \"true\"\nc   true\nd   {}\ne   []\nf   null\n",
                "g   \"\\\"x\"\nh   \"{}\"\n\"\"  \" \""
            )
        );
        assert_eq!(show("{}"), "");
    }

    #[test]
    fn nested_values_are_compact() {
        assert_eq!(
            show(r#"{"fields":{"Name":"Acme","tags":["a","b"]}}"#),
            r#"fields  {"Name":"Acme","tags":["a","b"]}"#
        );
    }

    #[test]
    fn what_is_long_or_too_much_is_cut_and_says_so() {
        let long = show(&format!(r#"{{"body":"{}"}}"#, "x".repeat(5000)));
        assert!(long.ends_with("more characters: see Details)"), "{long}");
        assert!(size(&long) < 500);
        let members: Vec<String> = (0..15).map(|n| format!(r#""key{n}":{n}"#)).collect();
        let many = show(&format!("{{{}}}", members.join(",")));
        assert!(many.ends_with("\nkey11  11\n… and 3 more arguments: see Details"), "{many}");
    }

    #[test]
    fn text_from_right_to_left_has_its_own_line() {
        assert_eq!(show(r#"{"to":"שלום","b":"x"}"#), "to\n    שלום\nb   x");
    }
}
