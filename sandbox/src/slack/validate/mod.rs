//! Validates blocks and views as Slack does: pure functions over JSON that return a list of faults in Slack's own form,
//! `[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]`. An empty list means accepted.
//!
//! The rules come from <https://docs.slack.dev/reference/block-kit> and <https://docs.slack.dev/reference/views>. Where
//! Slack's behaviour is not documented, the stricter reading applies, so that Slack should accept everything that
//! passes here.

mod block;
mod composition;
mod element;
mod input;
mod rich_text;
mod spot;
mod text;
mod view;

#[cfg(test)]
mod tests;

use serde_json::Value;

pub(super) use self::input::entered;
use self::spot::Sheet;
use super::state::ViewKind;

/// The longest top-level text of a message, in characters. Slack's older documents allow 40,000, but `chat.update`
/// refuses more than 4,000 (<https://docs.slack.dev/reference/methods/chat.update>).
pub const MESSAGE_TEXT: usize = 4000;
/// The most blocks in a message (<https://docs.slack.dev/reference/block-kit/blocks>).
const MESSAGE_BLOCKS: usize = 50;
/// The largest view, in bytes of its JSON: 250 KB (<https://docs.slack.dev/reference/methods/views.open>,
/// `view_too_large`), in the stricter reading of KB.
const VIEW_BYTES: usize = 250_000;
/// The most text in all blocks of a message together. Slack doesn't document it; others measured about 13,200
/// characters with an allowance for each block (<https://github.com/slackapi/bolt-js/issues/2509>,
/// <https://github.com/slackapi/bolt-js/issues/2867>).
const BLOCKS_TEXT: usize = 12_000;
/// How much each object with a `type` adds to its text in [`BLOCKS_TEXT`]: a conservative guess.
const BLOCK_ALLOWANCE: usize = 10;

/// Where blocks are shown. Not all blocks and elements are allowed everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Message,
    Modal,
    Home,
}

/// The faults of a message's blocks.
#[must_use]
pub fn message_blocks(blocks: &[Value]) -> Vec<String> {
    let root = Value::Array(blocks.to_vec());
    Sheet::judge(&root, "/blocks", |spot| block::blocks(spot, Place::Message, MESSAGE_BLOCKS))
}

/// The faults of a view, which has to be a modal or a Home tab.
#[must_use]
pub fn view(view: &Value, kind: ViewKind) -> Vec<String> {
    Sheet::judge(view, "/view", |spot| view::view(spot, kind))
}

/// Whether a message's top-level text, once escaped, is longer than Slack accepts.
#[must_use]
pub fn is_text_too_long(words: &str) -> bool {
    text::mrkdwn_length(words) > MESSAGE_TEXT
}

/// Whether a view is larger than Slack accepts.
#[must_use]
pub fn is_view_too_large(view: &Value) -> bool {
    view.to_string().len() > VIEW_BYTES
}

/// Whether a message's blocks together hold more text than Slack accepts.
#[must_use]
pub fn are_blocks_too_long(blocks: &[Value]) -> bool {
    blocks.iter().map(weight).sum::<usize>() > BLOCKS_TEXT
}

fn weight(value: &Value) -> usize {
    match value {
        Value::Array(all) => all.iter().map(weight).sum(),
        Value::Object(object) => {
            let inner = object.iter().map(|(key, value)| match value {
                Value::String(words) if matches!(key.as_str(), "text" | "alt_text") => {
                    text::escaped_length(words)
                }
                Value::String(_) => 0,
                other => weight(other),
            });
            let own = if object.contains_key("type") { BLOCK_ALLOWANCE } else { 0 };
            own + inner.sum::<usize>()
        }
        _ => 0,
    }
}
