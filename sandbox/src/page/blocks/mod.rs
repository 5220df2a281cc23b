//! Renders Block Kit as Slack does: pure functions from JSON to HTML.
//!
//! Nothing here trusts its input. [`maud`] escapes every string, [`link::href`] checks every address, and no attribute
//! name, class or tag comes from a block. An unsupported block is named in its place, so that nothing disappears
//! silently.
//!
//! Shapes are those of <https://docs.slack.dev/reference/block-kit/blocks>.

mod context;
mod dates;
mod elements;
pub mod emoji;
mod layout;
mod link;
mod mrkdwn;
mod objects;
mod rich_text;

use maud::{Markup, html};
use serde_json::Value;

pub use context::{Entered, Moment, Names, Place, RenderContext};
pub use elements::{SELECTORS, field_name};
pub use link::href;
pub use mrkdwn::render as mrkdwn;

/// Renders a list of blocks of a message, a modal or the Home tab.
///
/// Takes the context (the viewer and the place of the blocks) and the blocks as the app sent them.
#[must_use]
pub fn blocks(context: &RenderContext<'_>, blocks: &[Value]) -> Markup {
    html! {
        div.blocks {
            @for (index, block) in blocks.iter().enumerate() {
                (layout::block(&context.within(index), block))
            }
        }
    }
}

/// The string at `key`, or the empty string: blocks come from apps and may lack anything.
fn string<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The array at `key`, or an empty one.
fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests;
