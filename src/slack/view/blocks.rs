//! The few Block Kit elements that the views are made of. They take text as [`SafeText`] or as our own words, never as
//! a plain `String`.

use chrono::{DateTime, Utc};
use serde_json::Value;
use slack_morphism::prelude::{
    SlackAccessibilityLabel, SlackActionBlockElement, SlackActionsBlock, SlackBlock, SlackBlockButtonElement,
    SlackBlockButtonStyle, SlackBlockConfirmItem, SlackBlockMarkDownText, SlackBlockPlainText,
    SlackBlockPlainTextOnly, SlackBlockText, SlackContextBlock, SlackContextBlockElement, SlackDateTime,
    SlackDividerBlock, SlackHeaderBlock, SlackRelaxedUrl, SlackRichTextBlock, SlackRichTextDate,
    SlackRichTextElement, SlackRichTextInlineElement, SlackRichTextLink, SlackRichTextPreformatted,
    SlackRichTextQuote, SlackRichTextSection, SlackRichTextText, SlackRichTextUser, SlackSectionBlock,
    SlackSectionBlockElement, SlackTs,
};
use url::{Position, Url};

use crate::{
    domain::ids::UserId,
    slack::view::{
        controls::Control,
        sanitize::{self, cut_short, safe_text::SafeText, size},
    },
};

/// Longest text of a button, and longest accessibility label.
/// <https://docs.slack.dev/reference/block-kit/block-elements/button-element>
const BUTTON: usize = 75;
/// Longest address of a button, from the same page.
const ADDRESS: usize = 3000;
/// Longest question of a confirmation.
/// <https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object>
const QUESTION: usize = 300;
/// What Slack counts for an element in addition to its text. No reference says how much it is, so this is a safe guess.
const ELEMENT: usize = 20;
/// Slack's format for a time in the reader's time zone.
/// <https://docs.slack.dev/messaging/formatting-message-text#date-formatting>
const MOMENT: &str = "{date_short_pretty} at {time}";

/// The colour of a button. Its text always says the same, for readers who can't see colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Primary,
}

/// Plain text in which `:tick:` does not become an emoji.
pub(super) fn plain(text: impl Into<SafeText>) -> SlackBlockPlainText {
    SlackBlockPlainText::new(filled(text.into())).with_emoji(false)
}

/// Slack refuses an empty text.
fn filled(text: SafeText) -> String {
    if text.is_empty() { "(empty)".to_owned() } else { text.into_string() }
}

/// Plain text where Slack accepts no other type.
pub(super) fn plain_only(text: impl Into<SafeText>) -> SlackBlockPlainTextOnly {
    plain(text).into()
}

/// Running text.
pub(super) fn words(text: impl Into<SafeText>) -> SlackRichTextInlineElement {
    SlackRichTextText::new(filled(text.into())).into()
}

/// Bold text, for names and labels.
pub(super) fn bold(text: impl Into<SafeText>) -> SlackRichTextInlineElement {
    SlackRichTextText::new(filled(text.into())).bold().into()
}

/// Untrusted text within a paragraph, in a style that our own words never have.
pub(super) fn coded(text: impl Into<SafeText>) -> SlackRichTextInlineElement {
    SlackRichTextText::new(filled(text.into())).code().into()
}

/// A mention of a user by id. Slack shows their name.
pub(super) fn person(user: &UserId) -> SlackRichTextInlineElement {
    SlackRichTextUser::new(user.as_str().into()).into()
}

/// A time in the reader's time zone.
pub(super) fn moment(at: DateTime<Utc>) -> SlackRichTextInlineElement {
    match SlackTs::new(format!("{}.000000", at.timestamp())).to_date_time_opt() {
        Some(date) => SlackRichTextInlineElement::Date(
            SlackRichTextDate::new(SlackDateTime::new(date), MOMENT.to_owned()).with_fallback(in_utc(at)),
        ),
        None => words(SafeText::own(in_utc(at))),
    }
}

/// A time in the reader's time zone, for mrkdwn.
pub(super) fn moment_in_mrkdwn(at: DateTime<Utc>) -> String {
    format!("<!date^{}^{MOMENT}|{}>", at.timestamp(), in_utc(at))
}

/// A time in UTC, which reads the same for everyone.
pub(super) fn in_utc(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// A paragraph.
pub(super) fn paragraph(parts: Vec<SlackRichTextInlineElement>) -> SlackRichTextElement {
    SlackRichTextSection::new(parts).into()
}

/// A paragraph of untrusted text, marked by a bar that the text can't escape.
pub(super) fn quote(text: SafeText) -> SlackRichTextElement {
    SlackRichTextQuote::new(vec![words(text)]).into()
}

/// Longest address that is written out.
const ADDRESS_SHOWN: usize = 300;

/// A paragraph with an untrusted address, marked by a bar. The address itself is the link's text, so that it hides
/// nothing. A long one is cut, but never within the name of its site.
pub(super) fn quoted_link(address: &str) -> SlackRichTextElement {
    let shown = sanitize::line(address);
    let site = Url::parse(address).map_or(0, |url| url[..Position::BeforePath].len());
    let shown = cut_short(shown, ADDRESS_SHOWN.max(site + 20));
    let link = SlackRichTextLink::new(SlackRelaxedUrl(address.to_owned())).with_text(filled(shown));
    SlackRichTextQuote::new(vec![link.into()]).into()
}

/// A link with our own words. The address must be Slack's or ours.
pub(super) fn own_link(own: &'static str, address: String) -> SlackRichTextInlineElement {
    SlackRichTextLink::new(SlackRelaxedUrl(address)).with_text(own.to_owned()).into()
}

/// Preformatted text in a box.
pub(super) fn boxed(text: SafeText) -> SlackRichTextElement {
    SlackRichTextPreformatted::new(vec![words(text)]).into()
}

/// A block of rich text elements.
pub(super) fn rich(elements: Vec<SlackRichTextElement>) -> SlackBlock {
    SlackRichTextBlock::new(elements).into()
}

/// A block with one paragraph in our own words.
pub(super) fn say(text: impl Into<SafeText>) -> SlackBlock {
    rich(vec![paragraph(vec![words(text)])])
}

/// A block with our own words and mentions, which Slack parses.
pub(super) fn own(sentence: String) -> SlackBlock {
    SlackSectionBlock::new().with_text(SlackBlockMarkDownText::new(sentence).into()).into()
}

/// A small grey line. At most 10 parts, each laid out on its own.
pub(super) fn context(parts: Vec<SlackContextBlockElement>) -> SlackBlock {
    SlackContextBlock::new(parts).into()
}

/// A part of a grey line that Slack doesn't parse.
pub(super) fn small(text: impl Into<SafeText>) -> SlackContextBlockElement {
    plain(text).into()
}

/// A part of a grey line that Slack parses. It must contain only our own words and numbers.
pub(super) fn small_mrkdwn(own: String) -> SlackContextBlockElement {
    SlackBlockMarkDownText::new(own).into()
}

/// A row of controls: 1 to 25.
pub(super) fn actions(controls: Vec<SlackActionBlockElement>) -> SlackBlock {
    SlackActionsBlock::new(controls).into()
}

/// A button. `alone` is its label for screen readers, which must make sense without the surrounding text.
pub(super) fn button(
    control: Control,
    text: impl Into<SafeText>,
    alone: impl Into<SafeText>,
    style: Style,
) -> SlackActionBlockElement {
    let button = bare_button(control, text, alone).opt_value(valued(control));
    match style {
        Style::Plain => button,
        Style::Primary => button.with_style(SlackBlockButtonStyle::Primary),
    }
    .into()
}

/// A button that opens an address in the browser; `None` if Slack would refuse the address.
pub(super) fn link(
    control: Control,
    text: impl Into<SafeText>,
    alone: impl Into<SafeText>,
    address: &str,
) -> Option<SlackActionBlockElement> {
    let url = Url::parse(address).ok()?;
    let fits = matches!(url.scheme(), "http" | "https") && size(url.as_str()) <= ADDRESS;
    fits.then(|| bare_button(control, text, alone).with_url(url).into())
}

/// The value of a control. Slack refuses an empty value.
fn valued(control: Control) -> Option<String> {
    Some(control.value()).filter(|value| !value.is_empty())
}

/// A button beside a section.
pub(super) fn beside(
    control: Control,
    text: impl Into<SafeText>,
    alone: impl Into<SafeText>,
) -> SlackSectionBlockElement {
    bare_button(control, text, alone).with_value(control.value()).into()
}

/// A button beside a section that asks for confirmation.
pub(super) fn beside_after_confirming(
    control: Control,
    text: &'static str,
    alone: impl Into<SafeText>,
    question: (&'static str, SafeText),
) -> SlackSectionBlockElement {
    asking(control, text, alone, question).into()
}

/// A button in a row that asks for confirmation.
pub(super) fn button_after_confirming(
    control: Control,
    text: &'static str,
    alone: impl Into<SafeText>,
    question: (&'static str, SafeText),
) -> SlackActionBlockElement {
    asking(control, text, alone, question).into()
}

/// The confirmation that a control asks for before something that can't be undone.
pub(super) fn confirmation(
    title: &'static str,
    question: impl Into<SafeText>,
    confirm: &'static str,
) -> SlackBlockConfirmItem {
    let question = cut_short(question.into(), QUESTION);
    SlackBlockConfirmItem::new(
        plain_only(title),
        plain(question).into(),
        plain_only(confirm),
        plain_only("Go back"),
    )
    .with_style("danger".to_owned())
}

/// A red button that asks for confirmation.
pub(super) fn confirmed_button(
    control: Control,
    text: &'static str,
    alone: impl Into<SafeText>,
    confirmation: SlackBlockConfirmItem,
) -> SlackActionBlockElement {
    bare_button(control, text, alone)
        .with_value(control.value())
        .with_style(SlackBlockButtonStyle::Danger)
        .with_confirm(confirmation)
        .into()
}

fn asking(
    control: Control,
    text: &'static str,
    alone: impl Into<SafeText>,
    (title, question): (&'static str, SafeText),
) -> SlackBlockButtonElement {
    let confirm = SlackBlockConfirmItem::new(
        plain_only(title),
        plain(question).into(),
        plain_only(text),
        plain_only("Cancel"),
    );
    bare_button(control, text, alone).with_value(control.value()).with_confirm(confirm)
}

/// A link beside a section; `None` if Slack would refuse the address.
pub(super) fn link_beside(
    control: Control,
    text: impl Into<SafeText>,
    alone: impl Into<SafeText>,
    address: &str,
) -> Option<SlackSectionBlockElement> {
    let url = Url::parse(address).ok()?;
    let fits = matches!(url.scheme(), "http" | "https") && size(url.as_str()) <= ADDRESS;
    fits.then(|| bare_button(control, text, alone).with_url(url).into())
}

/// A heading with our own words and numbers, at most 150 characters.
pub(super) fn heading(text: impl Into<SafeText>) -> SlackBlock {
    SlackHeaderBlock::new(plain_only(text)).into()
}

/// A horizontal line.
pub(super) fn divider() -> SlackBlock {
    SlackDividerBlock::new().into()
}

/// A text that Slack doesn't parse, facts under it, each in a field of its own, and a control beside it.
pub(super) fn section(
    text: SafeText,
    facts: Vec<SlackBlockText>,
    beside: Option<SlackSectionBlockElement>,
) -> SlackBlock {
    let mut section = SlackSectionBlock::new().with_text(plain(text).into());
    if !facts.is_empty() {
        section = section.with_fields(facts);
    }
    if let Some(beside) = beside {
        section = section.with_accessory(beside);
    }
    section.into()
}

/// A fact that Slack doesn't parse.
pub(super) fn fact(text: impl Into<SafeText>) -> SlackBlockText {
    plain(text).into()
}

/// A fact with our own words and mentions, which Slack parses.
pub(super) fn own_fact(sentence: String) -> SlackBlockText {
    SlackBlockMarkDownText::new(sentence).into()
}

fn bare_button(
    control: Control,
    text: impl Into<SafeText>,
    alone: impl Into<SafeText>,
) -> SlackBlockButtonElement {
    SlackBlockButtonElement::new(plain_only(cut_short(text.into(), BUTTON)))
        .with_action_id(control.action_id().into())
        .with_accessibility_label(SlackAccessibilityLabel::new(cut_short(alone.into(), BUTTON).into_string()))
}

/// What a block takes of a message, by Slack's count. A message is refused with `msg_blocks_too_long` from about 13,000 on.
#[must_use]
pub(super) fn weight(block: &SlackBlock) -> usize {
    fn weigh(value: &Value) -> usize {
        match value {
            Value::Array(items) => items.iter().map(weigh).sum(),
            Value::Object(members) => {
                let inner = members.iter().map(|(name, value)| match value {
                    Value::String(text) if name == "text" => size(text),
                    other => weigh(other),
                });
                ELEMENT + inner.sum::<usize>()
            }
            _ => 0,
        }
    }
    weigh(&serde_json::to_value(block).unwrap_or_default())
}
