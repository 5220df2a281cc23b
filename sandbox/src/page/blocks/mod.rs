//! Block Kit drawn as Slack draws it: pure functions from JSON to HTML.
//!
//! Nothing here trusts what it draws. Every string goes through the escaping of [`maud`], every address
//! through [`link::href`], and no attribute name, class or tag ever comes from a block. What a block asks
//! for and this page can't draw is said in its place, so that nothing disappears silently.
//!
//! Shapes are those of <https://docs.slack.dev/reference/block-kit/blocks>.

mod dates;
mod elements;
pub mod emoji;
mod layout;
mod link;
mod mrkdwn;
mod objects;
mod rich_text;
mod scene;

use maud::{Markup, html};
use serde_json::Value;

pub use elements::{SELECTORS, field_name};
pub use link::href;
pub use mrkdwn::render as mrkdwn;
pub use scene::{Entered, Moment, Names, Place, Scene};

/// Draws a list of blocks, one below the other, as they stand in a message, a modal or the Home tab.
///
/// Takes the scene (who looks, where the blocks stand) and the blocks as the app sent them.
#[must_use]
pub fn blocks(scene: &Scene<'_>, blocks: &[Value]) -> Markup {
    html! {
        div.blocks {
            @for (index, block) in blocks.iter().enumerate() {
                (layout::block(&scene.within(index), block))
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
