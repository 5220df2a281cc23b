//! Slack's own text format, as in <https://docs.slack.dev/messaging/formatting-message-text>.
//!
//! Three steps: [`tokens`] resolves what stands in angle brackets, [`lines`] finds preformatted blocks and
//! quotes, [`inline`] the styles within a line. As in Slack there is no backslash, and what stands in angle
//! brackets is resolved everywhere, inside backticks as well.

mod entity;
mod escapes;
mod inline;
mod lines;
mod tokens;

use maud::Markup;

pub(super) use entity::{broadcast, channel, date, user};

use super::RenderContext;

/// Renders mrkdwn `text`. With `verbatim`, addresses that are not in angle brackets stay text.
#[must_use]
pub fn render(context: &RenderContext<'_>, text: &str, verbatim: bool) -> Markup {
    lines::render(&tokens::read(context, text), verbatim)
}
