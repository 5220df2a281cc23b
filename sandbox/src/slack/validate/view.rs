//! Views (<https://docs.slack.dev/reference/views>).

use super::{Place, block, spot::Spot, text::maybe_plain, text::need_plain};
use crate::slack::state::ViewKind;

/// The most blocks in a view.
const BLOCKS: usize = 100;

/// A view, which must be of this kind.
pub(super) fn view(spot: &Spot<'_>, kind: ViewKind) {
    if spot.word("type") != kind.name() {
        spot.fault(&format!("must be a view of type {}", kind.name()));
        return;
    }
    let mut keys = vec!["type", "blocks", "private_metadata", "callback_id", "external_id"];
    let place = match kind {
        ViewKind::Modal => {
            keys.extend(["title", "close", "submit", "clear_on_close", "notify_on_close", "submit_disabled"]);
            need_plain(spot, "title", 24);
            maybe_plain(spot, "close", 24);
            maybe_plain(spot, "submit", 24);
            spot.flags(&["clear_on_close", "notify_on_close", "submit_disabled"]);
            Place::Modal
        }
        ViewKind::Home => Place::Home,
    };
    spot.object(&keys);
    spot.maybe_text("private_metadata", 0..=3000);
    spot.maybe_text("callback_id", 0..=255);
    spot.maybe_text("external_id", 0..=255);
    if let Some(blocks) = spot.need("blocks") {
        block::blocks(&blocks, place, BLOCKS);
        let inputs = blocks.value().as_array().into_iter().flatten().any(|block| block["type"] == "input");
        if inputs && kind == ViewKind::Modal && spot.get("submit").is_none() {
            spot.fault("`submit` is required when an input block is within the blocks array");
        }
    }
}
