//! Makes untrusted text safe to show.
//!
//! [`line()`] and [`lines`] turn what an agent or a backend wrote into [`SafeText`]: characters that are invisible,
//! reorder the text around them, or stack on it are written out as `⟨U+202E⟩`. What a user reads is then what is there.
//! The bracket `⟨` is written out too, so that no text can fake or hide such a mark, and [`reveal`] restores the
//! original exactly.

mod hidden;
mod measure;
mod mrkdwn;
pub mod safe_text;

pub use measure::{Cut, cut, cut_short, fit, one_line, size};
pub(super) use measure::{note, split};
pub use mrkdwn::in_mrkdwn;
pub use safe_text::{in_quotes, joined, line, lines, reveal, runs_right_to_left};
pub(super) use safe_text::{with_marked_doubles, without_quotes};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_reorders_is_written_out() {
        for (hostile, shown) in [
            ("pay\u{202E}001", "pay⟨U+202E⟩001"),
            ("a\u{200B}b", "a⟨U+200B⟩b"),
            ("a\u{2066}b\u{2069}", "a⟨U+2066⟩b⟨U+2069⟩"),
            ("\u{FEFF}x", "⟨U+FEFF⟩x"),
            ("a\u{AD}b", "a⟨U+00AD⟩b"),
            ("a\u{7}\u{1b}[2J", "a⟨U+0007⟩⟨U+001B⟩[2J"),
            ("a\u{85}b\u{2028}c", "a⟨U+0085⟩b⟨U+2028⟩c"),
            ("a\u{E0041}", "a⟨U+E0041⟩"),
            ("a\u{FE0F}", "a⟨U+FE0F⟩"),
            ("\u{E000}\u{10FFFE}", "⟨U+E000⟩⟨U+10FFFE⟩"),
            ("⟨U+202E⟩", "⟨U+27E8⟩U+202E⟩"),
            ("\u{301}x", "⟨U+0301⟩x"),
            ("e\u{301}\u{302}\u{303}\u{304}\u{305}", "e\u{301}\u{302}\u{303}\u{304}⟨U+0305⟩"),
            ("a\nb\tc", "a⟨U+000A⟩b⟨U+0009⟩c"),
            ("Task                 x", "Task⟨17 spaces⟩x"),
        ] {
            assert_eq!(line(hostile).as_str(), shown);
        }
    }

    #[test]
    fn ordinary_text_of_any_script_stays_as_it_is() {
        for text in [
            "Call with Acme & Söhne <info>",
            "שלום עולם",
            "مرحبا",
            "नमस्ते",
            "สวัสดี",
            "東京　本社",
            "👍🏽",
            "👩‍💻",
            "❤️",
            "🏳️‍🌈",
            "1️⃣",
            "🇨🇭",
            "\u{1F3F4}\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}",
        ] {
            assert_eq!(line(text).as_str(), text);
        }
    }

    #[test]
    fn joiners_outside_an_emoji_are_written_out() {
        assert_eq!(line("👩\u{200D}").as_str(), "👩⟨U+200D⟩");
        assert_eq!(line("a\u{200D}👩").as_str(), "a⟨U+200D⟩👩");
        assert_eq!(line("❤\u{FE0F}\u{FE0F}").as_str(), "❤\u{FE0F}⟨U+FE0F⟩");
        assert_eq!(line("\u{1F3F4}\u{E0068}\u{E007F}").as_str(), "\u{1F3F4}⟨U+E0068⟩⟨U+E007F⟩");
    }

    #[test]
    fn lines_keep_their_breaks() {
        assert_eq!(lines("a\r\nb\tc\rd").as_str(), "a\nb\tc⟨U+000D⟩d");
    }

    #[test]
    fn a_quoted_text_can_not_close_its_quotation_marks() {
        assert_eq!(in_quotes(&line("Atlas” wants “nothing")).as_str(), "“Atlas\" wants \"nothing”");
    }

    #[test]
    fn every_mark_can_be_undone() {
        for text in ["a\u{202E}b", "⟨U+202E⟩", "⟨⟨\u{200B}", "⟨17 spaces⟩", "plain"] {
            assert_eq!(reveal(lines(text).as_str()), text);
        }
    }
}
