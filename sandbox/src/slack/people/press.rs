//! Uses buttons, menus and inputs.

use serde_json::Value;

use super::{
    ActError, Delivery, Signing,
    deliver::{Endpoint, deliver, payload_form},
    element::{self, Found},
    payload::{self, Origin},
};
use crate::slack::{
    Slack,
    state::{Message, State, View, ViewKind},
};

/// The message or view that a person acts on.
#[derive(Clone, Debug)]
pub enum Surface {
    /// A message as it is now.
    Message {
        /// `C…` or `D…`.
        channel: String,
        /// The message's `ts`.
        ts: String,
    },
    /// A message as it was earlier: on a second device, or on a screen that is behind.
    StaleMessage(Box<Message>),
    /// The topmost modal.
    Modal,
    /// The Home tab.
    Home,
    /// A modal or Home tab as it was earlier.
    StaleView(Box<View>),
}

impl Surface {
    /// The message in its present state, even if it changed since it was read.
    #[must_use]
    pub fn message(message: &Message) -> Self {
        Self::Message { channel: message.channel.clone(), ts: message.ts.clone() }
    }

    /// The message exactly as it was read.
    #[must_use]
    pub fn stale(message: &Message) -> Self {
        Self::StaleMessage(Box::new(message.clone()))
    }

    /// The view exactly as it was read.
    #[must_use]
    pub fn stale_view(view: &View) -> Self {
        Self::StaleView(Box::new(view.clone()))
    }
}

/// What a person does to an element.
#[derive(Clone, Debug)]
pub enum Gesture {
    /// Clicks a button.
    Click,
    /// Takes a menu's option, by its value or else its text. Also chooses a date or a user.
    Pick(String),
    /// Sets exactly these check boxes, or options of a multi-select, by value or else text.
    Check(Vec<String>),
    /// Sets or clears one check box.
    Toggle(String),
    /// Types a text in place of the present one.
    Enter(String),
}

/// An element and what is done to it.
#[derive(Clone, Debug)]
pub struct Press {
    pub(super) surface: Surface,
    pub(super) action_id: Option<String>,
    pub(super) label: Option<String>,
    pub(super) block_id: Option<String>,
    pub(super) value: Option<String>,
    pub(super) gesture: Gesture,
}

impl Press {
    /// A click on the element with this `action_id`.
    #[must_use]
    pub fn on(surface: Surface, action_id: &str) -> Self {
        Self {
            surface,
            action_id: Some(action_id.to_owned()),
            label: None,
            block_id: None,
            value: None,
            gesture: Gesture::Click,
        }
    }

    /// A click on the button with this label.
    #[must_use]
    pub fn labelled(surface: Surface, label: &str) -> Self {
        Self { action_id: None, label: Some(label.to_owned()), ..Self::on(surface, "") }
    }

    /// Restricts the search to this block.
    #[must_use]
    pub fn in_block(mut self, block_id: &str) -> Self {
        self.block_id = Some(block_id.to_owned());
        self
    }

    /// Restricts the search to buttons with this value.
    #[must_use]
    pub fn with_value(mut self, value: &str) -> Self {
        self.value = Some(value.to_owned());
        self
    }

    /// Uses another gesture than a click.
    #[must_use]
    pub fn doing(mut self, gesture: Gesture) -> Self {
        self.gesture = gesture;
        self
    }
}

impl Slack {
    /// Clicks the button with this `action_id`.
    pub async fn click(&self, user: &str, surface: Surface, action_id: &str) -> Result<Delivery, ActError> {
        self.press(user, Press::on(surface, action_id)).await
    }

    /// Clicks the button with this label.
    pub async fn click_label(&self, user: &str, surface: Surface, label: &str) -> Result<Delivery, ActError> {
        self.press(user, Press::labelled(surface, label)).await
    }

    /// Takes an option of an overflow or select menu, by its value or else its text.
    pub async fn choose(
        &self,
        user: &str,
        surface: Surface,
        action_id: &str,
        option: &str,
    ) -> Result<Delivery, ActError> {
        self.press(user, Press::on(surface, action_id).doing(Gesture::Pick(option.to_owned()))).await
    }

    /// Sets or clears a check box, by its value or else its text.
    pub async fn toggle(
        &self,
        user: &str,
        surface: Surface,
        action_id: &str,
        option: &str,
    ) -> Result<Delivery, ActError> {
        self.press(user, Press::on(surface, action_id).doing(Gesture::Toggle(option.to_owned()))).await
    }

    /// Types into an input of the topmost modal.
    pub async fn type_text(&self, user: &str, action_id: &str, text: &str) -> Result<Delivery, ActError> {
        self.press(user, Press::on(Surface::Modal, action_id).doing(Gesture::Enter(text.to_owned()))).await
    }

    /// Uses an element that this user sees. An element in an `input` block without `dispatch_action` sends nothing: its
    /// state is kept for the submission, and the delivery has no status.
    pub async fn press(&self, user: &str, press: Press) -> Result<Delivery, ActError> {
        let Some(payload) = self.prepare_press(user, &press)? else { return Ok(Delivery::unsent()) };
        Ok(self.send_interaction(payload, &Signing::default()).await)
    }

    /// Does what [`Slack::press`] does except sending, and returns the payload that it would send. `None` if it would
    /// send nothing. For tests that send it twice, late or altered.
    pub fn prepare_press(&self, user: &str, press: &Press) -> Result<Option<Value>, ActError> {
        let now = self.core().clock.now();
        let origin = self.core().origin();
        self.core().change(|state| {
            let person =
                state.users.get(user).cloned().ok_or_else(|| ActError::NoSuchUser(user.to_owned()))?;
            let mut seen = look(state, user, &press.surface)?;
            let Found { block, element } = element::find(seen.blocks(), press)?;
            let before = seen.entry_of(user, &block, &element);
            let effect = element::used(&element, before.as_ref(), &press.gesture)?;
            if let Some(after) = effect.state {
                seen.enter(state, user, &block, &element, &after);
            }
            let silent = block["type"] == "input" && block["dispatch_action"].as_bool() != Some(true);
            if silent {
                return Ok(None);
            }
            let action = element::action(&block, &element, &effect.action, now);
            Ok(Some(payload::block_actions(state, &person, &seen, &action, &origin, now)))
        })
    }

    /// Sends an interaction payload to the app unchanged, signed as given.
    pub async fn send_interaction(&self, payload: Value, signing: &Signing) -> Delivery {
        let endpoint = Endpoint::Interactivity;
        let body = payload_form(&payload);
        let reply = deliver(self.core(), endpoint, endpoint.content_type(), body, signing, None).await;
        Delivery::from_reply(reply, payload)
    }
}

/// What the user sees on this surface.
fn look(state: &State, user: &str, surface: &Surface) -> Result<Origin, ActError> {
    match surface {
        Surface::Message { channel, ts } => {
            if !state.sees_channel(user, channel) {
                return Err(ActError::ChannelNotVisible { user: user.to_owned(), channel: channel.clone() });
            }
            let message = state.messages.get(&(channel.clone(), ts.clone()));
            let message =
                message.filter(|message| message.is_visible_to(user)).ok_or(ActError::MessageNotVisible)?;
            Ok(Origin::Message(Box::new(message.clone())))
        }
        Surface::StaleMessage(message) => {
            if !state.sees_channel(user, &message.channel) {
                return Err(ActError::ChannelNotVisible {
                    user: user.to_owned(),
                    channel: message.channel.clone(),
                });
            }
            Ok(Origin::Message(message.clone()))
        }
        Surface::Modal => {
            let top = state.modals.get(user).and_then(|stack| stack.last()).ok_or(ActError::NoModal)?;
            Ok(Origin::View(Box::new(top.clone())))
        }
        Surface::Home => {
            let home = state.homes.get(user).ok_or(ActError::NoHome)?;
            Ok(Origin::View(Box::new(home.clone())))
        }
        Surface::StaleView(view) if view.user != user => {
            Err(if view.kind == ViewKind::Home { ActError::NoHome } else { ActError::NoModal })
        }
        Surface::StaleView(view) => Ok(Origin::View(view.clone())),
    }
}
