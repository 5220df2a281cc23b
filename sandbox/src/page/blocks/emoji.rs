//! Emoji shortcodes, such as `:lock:`.

use maud::{Markup, html};

/// Slack's names that differ from GitHub's, which the `emojis` crate knows, for emoji that apps like to use.
/// Slack's names are those of <https://github.com/iamcal/emoji-data>.
const SLACK_NAMES: &[(&str, &str)] = &[
    ("large_green_circle", "🟢"),
    ("large_yellow_circle", "🟡"),
    ("large_orange_circle", "🟠"),
    ("large_purple_circle", "🟣"),
    ("large_brown_circle", "🟤"),
    ("large_red_square", "🟥"),
    ("large_green_square", "🟩"),
    ("large_yellow_square", "🟨"),
    ("double_vertical_bar", "⏸️"),
    ("black_right_pointing_triangle_with_double_vertical_bar", "⏯️"),
    ("black_square_for_stop", "⏹️"),
    ("black_circle_for_record", "⏺️"),
    ("lower_left_ballpoint_pen", "🖊️"),
    ("robot_face", "🤖"),
    ("simple_smile", "🙂"),
    ("slightly_smiling_face", "🙂"),
    ("knife_fork_plate", "🍽️"),
    ("admission_tickets", "🎟️"),
    ("spiral_calendar_pad", "🗓️"),
    ("spiral_note_pad", "🗒️"),
    ("hammer_and_wrench", "🛠️"),
    ("male-technologist", "👨‍💻"),
    ("female-technologist", "👩‍💻"),
];

/// The emoji that Slack knows by this name (without colons), if any. Skin tones are ignored.
#[must_use]
pub fn find(name: &str) -> Option<&'static str> {
    let name = name.split("::").next().unwrap_or_default();
    let slacks = SLACK_NAMES.iter().find(|(known, _)| *known == name).map(|(_, emoji)| *emoji);
    slacks.or_else(|| emojis::get_by_shortcode(name).map(emojis::Emoji::as_str))
}

/// Renders an emoji so that a screen reader says its name.
#[must_use]
pub fn render(name: &str, emoji: &str) -> Markup {
    html! { span.emoji role="img" aria-label=(name.replace(['_', '-'], " ")) title={ ":" (name) ":" } { (emoji) } }
}

/// Reads a shortcode at the start of `text`, which begins with `:`.
///
/// Gives the name without colons and the number of characters it took, colons included; `None` when
/// there is no emoji of that name.
pub(super) fn at_start(text: &[char]) -> Option<(String, &'static str, usize)> {
    let end = text.iter().skip(1).take(100).position(|c| *c == ':')? + 1;
    let name: String = text.get(1..end)?.iter().collect();
    let emoji = find(&name)?;
    let tone: String = text.iter().skip(end + 1).take(13).collect();
    let toned = tone.starts_with(":skin-tone-") && tone.ends_with(':') && tone.chars().count() == 13;
    Some((name, emoji, if toned { end + 14 } else { end + 1 }))
}

/// Writes `text` literally, line breaks and, if `shortcodes`, emoji aside.
pub(super) fn plain(text: &str, shortcodes: bool) -> Markup {
    let chars: Vec<char> = text.chars().collect();
    let (mut at, mut out, mut run) = (0, Vec::new(), String::new());
    while let Some(c) = chars.get(at) {
        let emoji = if *c == ':' && shortcodes { chars.get(at..).and_then(at_start) } else { None };
        if let Some((name, emoji, taken)) = emoji {
            out.push(html! { (std::mem::take(&mut run)) (render(&name, emoji)) });
            at += taken;
        } else if *c == '\n' {
            out.push(html! { (std::mem::take(&mut run)) br; });
            at += 1;
        } else {
            run.push(*c);
            at += 1;
        }
    }
    html! { @for part in out { (part) } (run) }
}
