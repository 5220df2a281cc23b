//! Actions of people: they click, type, submit, close, open the Home tab and send commands. Each action builds the
//! request that Slack would send to the app, sends it, and shows the person what Slack would show.

mod command;
mod deliver;
mod delivery;
mod element;
mod events;
mod hostile;
mod modal;
mod payload;
mod press;
mod say;

pub(crate) use self::deliver::Reply;
pub use self::{
    deliver::{DeliveryError, Endpoint, Sent, Signing},
    delivery::{Delivery, Feedback},
    events::Tab,
    press::{Gesture, Press, Surface},
};

/// Why a person can't perform an action. No request was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// There is no such user.
    #[error("there is no user {0}")]
    NoSuchUser(String),
    /// There is no such channel, or this user does not see it.
    #[error("user {user} sees no channel {channel}")]
    ChannelNotVisible {
        /// The user who tried.
        user: String,
        /// The channel that they tried to see.
        channel: String,
    },
    /// The message doesn't exist, or this user does not see it.
    #[error("the message is not there")]
    MessageNotVisible,
    /// This user has no modal open.
    #[error("no modal is open")]
    NoModal,
    /// The app has not published a Home tab for this user.
    #[error("the Home tab is empty")]
    NoHome,
    /// The screen of this user has no such element.
    #[error("nothing like {0} is on the screen")]
    NotOnScreen(String),
    /// Several elements match: name the block or the value.
    #[error("several elements fit {0}")]
    Ambiguous(String),
    /// The element has no such option or doesn't support the gesture, or the app has no such command here.
    #[error("{0} is not offered")]
    NotOffered(String),
    /// The modal has no submit button.
    #[error("the modal has no submit button")]
    NothingToSubmit,
    /// Slack does not submit the modal, because these blocks (`block_id`) lack a valid entry.
    #[error("entries are missing or too long in {}", .0.join(", "))]
    Incomplete(Vec<String>),
}
