//! Everything that can be clicked, as a closed list: what a view writes into a control is what a click is read from.
//!
//! A click's payload is untrusted. Ids in it name things; whether this person may touch them is judged afterwards.

use std::fmt;

use crate::domain::{
    grants::Scope,
    ids::{ApprovalId, GrantId},
};

const APPROVE: &str = "approve";
const APPROVE_MORE: &str = "approve_more";
const DENY: &str = "deny";
const DETAILS: &str = "details";
const DETAILS_PREVIOUS: &str = "details_previous";
const DETAILS_NEXT: &str = "details_next";
const TURN_OFF: &str = "turn_off";
const OPEN_CONVERSATION: &str = "open_conversation";
const CONNECT: &str = "connect";

/// One control and what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// The *Approve* button: this request only.
    Approve(ApprovalId),
    /// One of the overflow menu's choices.
    ApproveMore {
        /// What is approved.
        approval: ApprovalId,
        /// How far.
        scope: Scope,
    },
    /// *Deny*: opens the modal that [`super::deny::modal`] draws.
    Deny(ApprovalId),
    /// *Details*: opens the modal that [`super::details::details`] draws, at its first page.
    Details(ApprovalId),
    /// *Previous page* in the details: updates the modal.
    DetailsPrevious {
        /// Whose details.
        approval: ApprovalId,
        /// The page to show, counted from 0.
        page: usize,
    },
    /// *Next page* in the details: updates the modal.
    DetailsNext {
        /// Whose details.
        approval: ApprovalId,
        /// The page to show, counted from 0.
        page: usize,
    },
    /// *Turn off* the grant that a decision left.
    TurnOff(GrantId),
    /// A link to the conversation. The browser opens it; Slack tells us, and wants nothing but an acknowledgement.
    OpenConversation,
    /// A link to where the integration is connected. As above.
    Connect,
}

impl Control {
    /// Reads a click: the element's `action_id` and its `value`, or the selected option's `value` for the overflow
    /// menu; empty where Slack sends none. `None`: not one of ours, or not well-formed.
    #[must_use]
    pub fn parse(action_id: &str, value: &str) -> Option<Self> {
        match action_id {
            APPROVE => value.parse().ok().map(Self::Approve),
            APPROVE_MORE => {
                let (scope, approval) = value.split_once(':')?;
                Some(Self::ApproveMore {
                    approval: approval.parse().ok()?,
                    scope: Scope::from_stored(scope)?,
                })
            }
            DENY => value.parse().ok().map(Self::Deny),
            DETAILS => value.parse().ok().map(Self::Details),
            DETAILS_PREVIOUS => paged(value).map(|(approval, page)| Self::DetailsPrevious { approval, page }),
            DETAILS_NEXT => paged(value).map(|(approval, page)| Self::DetailsNext { approval, page }),
            TURN_OFF => value.parse().ok().map(Self::TurnOff),
            OPEN_CONVERSATION => Some(Self::OpenConversation),
            CONNECT => Some(Self::Connect),
            _ => None,
        }
    }

    /// The element's `action_id`.
    #[must_use]
    pub const fn action_id(self) -> &'static str {
        match self {
            Self::Approve(_) => APPROVE,
            Self::ApproveMore { .. } => APPROVE_MORE,
            Self::Deny(_) => DENY,
            Self::Details(_) => DETAILS,
            Self::DetailsPrevious { .. } => DETAILS_PREVIOUS,
            Self::DetailsNext { .. } => DETAILS_NEXT,
            Self::TurnOff(_) => TURN_OFF,
            Self::OpenConversation => OPEN_CONVERSATION,
            Self::Connect => CONNECT,
        }
    }

    /// The button's or the option's `value`, at most 75 characters; empty for links.
    #[must_use]
    pub fn value(self) -> String {
        match self {
            Self::Approve(approval) | Self::Deny(approval) | Self::Details(approval) => approval.to_string(),
            Self::ApproveMore { approval, scope } => format!("{}:{approval}", scope.as_str()),
            Self::DetailsPrevious { approval, page } | Self::DetailsNext { approval, page } => {
                format!("{page}:{approval}")
            }
            Self::TurnOff(grant) => grant.to_string(),
            Self::OpenConversation | Self::Connect => String::new(),
        }
    }
}

fn paged(value: &str) -> Option<(ApprovalId, usize)> {
    let (page, approval) = value.split_once(':')?;
    Some((approval.parse().ok()?, page.parse().ok()?))
}

/// Which modal, in its `callback_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callback {
    /// The modal that asks why.
    Deny,
    /// The modal that shows all arguments.
    Details,
}

impl Callback {
    /// Reads a view's `callback_id`.
    #[must_use]
    pub fn parse(callback_id: &str) -> Option<Self> {
        [Self::Deny, Self::Details].into_iter().find(|callback| callback.as_str() == callback_id)
    }

    /// As the view carries it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Details => "details",
        }
    }
}

impl fmt::Display for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_click_reads_what_the_view_wrote() {
        let approval = ApprovalId::new(Uuid::from_u128(1));
        let grant = GrantId::new(Uuid::from_u128(2));
        for control in [
            Control::Approve(approval),
            Control::ApproveMore { approval, scope: Scope::Once },
            Control::ApproveMore { approval, scope: Scope::Conversation },
            Control::ApproveMore { approval, scope: Scope::Always },
            Control::Deny(approval),
            Control::Details(approval),
            Control::DetailsPrevious { approval, page: 0 },
            Control::DetailsNext { approval, page: usize::MAX },
            Control::TurnOff(grant),
            Control::OpenConversation,
            Control::Connect,
        ] {
            assert_eq!(Control::parse(control.action_id(), &control.value()), Some(control));
            assert!(control.value().len() <= 75, "{control:?}");
        }
    }

    #[test]
    fn what_no_view_wrote_is_nothing() {
        let id = "apr_00000000000000000000000000000001";
        let scoped = format!("forever:{id}");
        for (action_id, value) in [
            ("approve", ""),
            ("approve", "grt_00000000000000000000000000000001"),
            ("approve", "always:apr_00000000000000000000000000000001"),
            ("approve_more", id),
            ("approve_more", scoped.as_str()),
            ("details_next", "-1:apr_00000000000000000000000000000001"),
            ("turn_off", id),
            ("APPROVE", id),
            ("", ""),
        ] {
            assert_eq!(Control::parse(action_id, value), None, "{action_id} {value}");
        }
        assert_eq!(Callback::parse("approve"), None);
    }
}
