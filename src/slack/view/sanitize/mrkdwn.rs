//! Untrusted text in the one place that Slack parses: a message's `text`.

use crate::slack::view::sanitize::{measure::size, safe_text::SafeText};

/// Writes safe text so that Slack's parser finds no markup in it. `&`, `<` and `>` are escaped, which is all that Slack
/// offers (<https://docs.slack.dev/messaging/formatting-message-text#escaping>). Characters that would start bold,
/// italic, struck or preformatted text, an emoji or a link are replaced by similar ones.
#[must_use]
pub fn in_mrkdwn(shown: &SafeText) -> String {
    let text = shown.as_str();
    let characters: Vec<char> = text.chars().collect();
    let mut safe = String::with_capacity(size(text));
    for (at, &character) in characters.iter().enumerate() {
        let last = at.checked_sub(1).and_then(|last| characters.get(last)).copied();
        let next = characters.get(at + 1).copied();
        let within = |test: fn(char) -> bool| last.is_some_and(test) && next.is_some_and(test);
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '`' => safe.push('\''),
            '*' => safe.push('∗'),
            '~' => safe.push('∼'),
            '@' => safe.push('＠'),
            '#' => safe.push('＃'),
            // Within a word it formats nothing.
            '_' if !within(char::is_alphanumeric) => safe.push('＿'),
            // It begins and ends an emoji's name, and every URL contains one.
            ':' => safe.push('∶'),
            // Slack turns bare host names into links.
            '.' if within(|near| !near.is_whitespace()) => safe.push('․'),
            '\n' | '\t' => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slack::view::sanitize::line;

    #[test]
    fn nothing_in_it_means_anything_to_slack() {
        for (text, safe) in [
            (
                "<!channel> & <https://evil.example|Approve>",
                "&lt;!channel&gt; &amp; &lt;https∶//evil․example|Approve&gt;",
            ),
            ("`rm -rf` *now* _or_ ~never~", "'rm -rf' ∗now∗ ＿or＿ ∼never∼"),
            (":white_check_mark: done", "∶white_check_mark∶ done"),
            ("@here evil.com #general", "＠here evil․com ＃general"),
            ("Q3 pipeline, 2.5 %.", "Q3 pipeline, 2․5 %."),
        ] {
            assert_eq!(in_mrkdwn(&line(text)), safe);
        }
    }
}
