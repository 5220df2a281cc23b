//! Which pending requests of a user can be decided with one click.

use crate::domain::approvals::Request;

/// The maximum number of approvals that one click decides. A modal has room for as many titles, and one transaction for
/// as many decisions.
pub const MOST_TOGETHER: usize = 40;

/// What requests have in common with the one that names them. In each case they are of the same user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alike {
    /// The action and the agent.
    Agent,
    /// The action and the conversation: what *Auto-approve for this conversation* covers.
    Conversation,
    /// The action: what *Auto-approve always* covers.
    Action,
    /// The conversation and the place, whatever the action: what may share a message.
    Message,
}

impl Alike {
    /// The name in a control's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Conversation => "conversation",
            Self::Action => "action",
            Self::Message => "message",
        }
    }

    /// Parses a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Agent, Self::Conversation, Self::Action, Self::Message]
            .into_iter()
            .find(|alike| alike.as_str() == name)
    }
}

/// Whether a request may be approved together with others. A destructive one, and one that must be read, needs a click of
/// its own.
#[must_use]
pub const fn may_be_approved_together(request: &Request) -> bool {
    !request.action.impact.is_destructive() && !request.action.must_read
}

/// What became of approvals that were decided with one click.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Together {
    /// How many it decided.
    pub decided: usize,
    /// How many had ended before, or may not be decided in this way.
    pub left: usize,
}
