//! Approvers: the people who may decide an approval, and in whose place.

use super::{
    approvals::Request,
    delegations::Delegation,
    ids::UserId,
    people::{ActingUser, PersonKind},
    rejection::Rejection,
};

/// The person for whom a click counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// The person: the one who clicked, or the one who delegated to them.
    person: UserId,
    /// The person who clicked.
    clicked_by: UserId,
}

impl Seat {
    /// In whose place the person clicked. `None`: in their own.
    #[must_use]
    pub fn on_behalf_of(&self) -> Option<&UserId> {
        (self.person != self.clicked_by).then_some(&self.person)
    }
}

/// Why a person beside the approval's user gets a message of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The user delegates to them.
    Delegate(Delegation),
}

/// What is known, when a person clicks, of the people whom they may stand in for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entitlement {
    /// Who delegates to the person at this moment, of those who may decide the approval.
    pub delegators: Vec<UserId>,
}

impl Entitlement {
    /// Whether a click needs to know it. A user who decides their own approval needs nothing.
    #[must_use]
    pub fn is_needed(request: &Request, acting_user: &UserId) -> bool {
        request.user != *acting_user
    }
}

/// Whether this person may decide this request, and for whom. While Slack can't confirm their membership, they may only
/// deny. A delegation reaches only from the person who gave it to their delegate: it is never passed on.
pub fn seat(request: &Request, acting_user: &ActingUser, entitled: &Entitlement) -> Result<Seat, Rejection> {
    let ActingUser { user, kind } = acting_user;
    let is_own = request.user == *user;
    if *kind == PersonKind::ExternalUser {
        Err(Rejection::OtherWorkspace)
    } else if !is_own && !entitled.delegators.contains(&request.user) {
        Err(Rejection::WrongPerson { owner: request.user.clone() })
    } else if *kind == PersonKind::Guest {
        Err(Rejection::Guest)
    } else {
        Ok(Seat { person: request.user.clone(), clicked_by: user.clone() })
    }
}
