//! Which characters are written out, and how.
//!
//! The list follows `Default_Ignorable_Code_Point` and the general categories Cc, Cf, Co, Cn (noncharacters), Zl and Zp
//! of the Unicode Character Database (<https://www.unicode.org/reports/tr44/>), and the emoji sequences of UTS #51
//! (<https://www.unicode.org/reports/tr51/>). Format characters that have a shape of their own, such as the Arabic
//! number signs, stay.

use std::fmt::Write as _;

/// Most combining marks on one letter. Hebrew with vowels and accents needs four; more would reach into the lines above
/// and below.
const STACK: usize = 4;

/// Most consecutive spaces in a line.
const SPACES: usize = 3;

/// The subdivision flags in general use: England, Scotland and Wales. Any other run of tag characters is hidden text.
const FLAGS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];

/// Which white space is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// None.
    OneLine,
    /// Line breaks, tabs and runs of spaces.
    Lines,
}

/// Writes the text with every hidden character made visible.
pub(super) fn show(text: &str, keep: Keep) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut shown = String::with_capacity(text.len());
    let mut stacked = STACK;
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        let rest = &characters[at..];
        let before = &characters[..at];
        let mut taken = 1;
        if let Some(length) = flag(before, rest) {
            shown.extend(&rest[..length]);
            taken = length;
        } else if keep == Keep::OneLine && is_space(character) {
            taken = rest.iter().take_while(|&&next| is_space(next)).count();
            if taken > SPACES {
                let _ = write!(shown, "⟨{taken} spaces⟩");
            } else {
                shown.extend(&rest[..taken]);
            }
        } else if character == '\r' && keep == Keep::Lines && rest.get(1) == Some(&'\n') {
            // The line break follows.
        } else if matches!(character, '\n' | '\t') && keep == Keep::Lines {
            shown.push(character);
        } else if stacks(character) {
            if stacked < STACK { shown.push(character) } else { mark(&mut shown, character) }
        } else if is_hidden(character) && !joins_emoji(before, rest) {
            mark(&mut shown, character);
        } else {
            shown.push(character);
        }
        // A mark at the start of a text or line would combine with our own text before it.
        let opens = matches!(character, '\n' | '\t') || is_hidden(character);
        stacked = if stacks(character) {
            stacked + 1
        } else if opens {
            STACK
        } else {
            0
        };
        at += taken;
    }
    shown
}

fn mark(shown: &mut String, character: char) {
    let _ = write!(shown, "⟨U+{:04X}⟩", u32::from(character));
}

fn is_space(character: char) -> bool {
    matches!(
        character,
        ' ' | '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}'
    )
}

/// Whether the character is invisible, reorders others, or is the bracket that begins our marks.
fn is_hidden(character: char) -> bool {
    let code = u32::from(character);
    character.is_control()
        || code & 0xFFFE == 0xFFFE
        || matches!(code,
            0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F
            | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x27E8 | 0x2800 | 0x3164
            | 0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFC
            | 0x1_3430..=0x1_345F | 0x1_6FE4 | 0x1_BCA0..=0x1_BCA3 | 0x1_D159 | 0x1_D173..=0x1_D17A
            | 0x4_0000..=0x10_FFFF)
}

/// Whether the character combines with the one before it: the general combining marks, and those of the scripts that
/// stack them.
pub(super) fn stacks(character: char) -> bool {
    matches!(u32::from(character),
        0x0300..=0x034E | 0x0350..=0x036F | 0x0483..=0x0489 | 0x0591..=0x05BD | 0x05BF | 0x05C1..=0x05C2
        | 0x05C4..=0x05C5 | 0x05C7 | 0x0610..=0x061A | 0x064B..=0x065F | 0x0670 | 0x06D6..=0x06DC
        | 0x06DF..=0x06E4 | 0x06E7..=0x06E8 | 0x06EA..=0x06ED | 0x08CA..=0x08E1 | 0x08E3..=0x08FF
        | 0x0E31 | 0x0E34..=0x0E3A | 0x0E47..=0x0E4E | 0x0EB1 | 0x0EB4..=0x0EBC | 0x0EC8..=0x0ECE
        | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20DF | 0x20E1 | 0x20E4..=0x20F0 | 0x302A..=0x302D
        | 0x3099..=0x309A | 0xA66F..=0xA672 | 0xA674..=0xA67D | 0xFE20..=0xFE2F)
}

/// Whether the character may be an emoji that a joiner or a variation selector belongs to.
pub(super) fn pictures(character: char) -> bool {
    matches!(u32::from(character),
        0x00A9 | 0x00AE | 0x203C | 0x2049 | 0x2122 | 0x2139 | 0x2190..=0x21FF | 0x2300..=0x23FF | 0x24C2
        | 0x25A0..=0x27BF | 0x2900..=0x297F | 0x2B00..=0x2BFF | 0x3030 | 0x303D | 0x3297 | 0x3299
        | 0x1_F000..=0x1_FAFF)
}

/// Whether the hidden character at the start of `rest` holds an emoji together.
fn joins_emoji(before: &[char], rest: &[char]) -> bool {
    let picture = |at: Option<&char>| at.is_some_and(|&character| pictures(character));
    match rest[0] {
        '\u{200D}' => {
            let last =
                if before.last() == Some(&'\u{FE0F}') { before.iter().rev().nth(1) } else { before.last() };
            picture(last) && picture(rest.get(1))
        }
        '\u{FE0F}' => {
            let keycap =
                matches!(before.last(), Some('0'..='9' | '#' | '*')) && rest.get(1) == Some(&'\u{20E3}');
            keycap || picture(before.last())
        }
        _ => false,
    }
}

/// The length of the tag sequence at the start of `rest`, if it makes a flag of the black flag before it.
fn flag(before: &[char], rest: &[char]) -> Option<usize> {
    if before.last() != Some(&'\u{1F3F4}') {
        return None;
    }
    let tags: String = rest
        .iter()
        .map_while(|&tag| u32::from(tag).checked_sub(0xE_0000).filter(|code| (0x20..0x7F).contains(code)))
        .filter_map(char::from_u32)
        .collect();
    let ends = rest.get(tags.len()) == Some(&'\u{E007F}');
    (ends && FLAGS.contains(&tags.as_str())).then(|| tags.len() + 1)
}
