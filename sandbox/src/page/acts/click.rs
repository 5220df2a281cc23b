//! Uses an element of a message or a view.

use axum::extract::State;
use serde_json::Value;

use super::super::Page;
use super::fields::{elements, text};
use super::{Fields, Notice};
use crate::slack::{Gesture, Press, Slack, Surface};

/// `POST /act/click`: fields as in `RenderContext::click`, and those of the message or view around the element.
pub(super) async fn click(State(page): State<Page>, fields: Fields) -> Notice {
    let user = fields.get("as");
    let (block, action) = (fields.get("block_id"), fields.get("action_id"));
    let Some((surface, blocks)) = surface(&page.slack, user, &fields) else {
        return Notice::Impossible("That is no longer on the screen.".into());
    };
    let found =
        elements(&blocks).find(|(b, e)| text(b, "block_id") == block && text(e, "action_id") == action);
    let Some((_, element)) = found else {
        return Notice::Impossible("That is no longer on the screen.".into());
    };
    fields.remember(&page.slack, user, &surface, &blocks, Some((block, action)));
    let press = Press::on(surface, action).in_block(block);
    let press = match text(element, "type") {
        // Select the button that the user saw, not one that replaced it since.
        "button" => match fields.filled("value") {
            Some(value) => press.with_value(value),
            None => press,
        },
        "overflow" => press.doing(Gesture::Pick(fields.get("value").to_owned())),
        kind => match fields.gesture(block, action, kind) {
            Some(gesture) => press.doing(gesture),
            None => return Notice::Done,
        },
    };
    Notice::from_delivery(page.slack.press(user, press).await)
}

/// The message or view that the fields name, with its present blocks.
fn surface(slack: &Slack, user: &str, fields: &Fields) -> Option<(Surface, Vec<Value>)> {
    slack.core().read(|state| {
        if let Some(view) = fields.filled("view") {
            let top = state.modals.get(user).and_then(|stack| stack.last()).filter(|top| top.id == view);
            let home = state.homes.get(user).filter(|home| home.id == view);
            return match (top, home) {
                (Some(top), _) => Some((Surface::Modal, top.blocks().to_vec())),
                (None, Some(home)) => Some((Surface::Home, home.blocks().to_vec())),
                (None, None) => None,
            };
        }
        let (channel, ts) = (fields.get("channel").to_owned(), fields.get("ts").to_owned());
        let message = state.messages.get(&(channel.clone(), ts.clone()))?;
        Some((Surface::Message { channel, ts }, message.blocks.clone()))
    })
}
