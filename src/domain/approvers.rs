//! Approvers: the people who may decide an approval, and in whose place.

use super::{
    approvals::Request,
    delegations::Delegation,
    ids::UserId,
    panel::{ApproverSpec, Panel},
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
    /// The person for whom the click counts.
    #[must_use]
    pub const fn person(&self) -> &UserId {
        &self.person
    }

    /// In whose place the person clicked. `None`: in their own.
    #[must_use]
    pub fn on_behalf_of(&self) -> Option<&UserId> {
        (self.person != self.clicked_by).then_some(&self.person)
    }
}

/// Why a person beside the approval's user gets a message of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// A person who may decide delegates to them.
    Delegate(Delegation),
    /// A rule names them.
    Named,
    /// A rule names them for when no one answers in time.
    Escalated,
}

/// What is known, when a person clicks, of the people whom they may stand in for, and of the answers so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entitlement {
    /// Who delegates to the person at this moment, of those who may decide the approval.
    pub delegators: Vec<UserId>,
    /// How far the others are.
    pub panel: Panel,
}

impl Entitlement {
    /// Whether a click needs to know it. A user who decides their own approval needs nothing.
    #[must_use]
    pub fn is_needed(request: &Request, acting_user: &UserId) -> bool {
        request.approvers.is_some() || request.user != *acting_user
    }
}

/// The people who may decide in their own place.
#[must_use]
pub fn people(request: &Request, escalated: bool) -> Vec<&UserId> {
    let Some(spec) = &request.approvers else { return vec![&request.user] };
    let more = spec.escalation().filter(|_| escalated).into_iter().flat_map(|escalation| &escalation.to);
    let mut people: Vec<&UserId> = Vec::new();
    for person in spec.people().iter().chain(more) {
        let is_barred = spec.not_the_user() && *person == request.user;
        if !is_barred && !people.contains(&person) {
            people.push(person);
        }
    }
    people
}

/// The people who get a message beside the approval's user, and why. `delegations`: live ones of people who may decide.
#[must_use]
pub fn audience(request: &Request, escalated: bool, delegations: &[Delegation]) -> Vec<(UserId, Why)> {
    let people = people(request, escalated);
    let mut audience: Vec<(UserId, Why)> = match &request.approvers {
        None => Vec::new(),
        Some(spec) => {
            let why =
                |person: &UserId| if spec.people().contains(person) { Why::Named } else { Why::Escalated };
            people.iter().map(|person| ((*person).clone(), why(person))).collect()
        }
    };
    let bars_user = request.approvers.as_ref().is_none_or(ApproverSpec::not_the_user);
    for delegation in delegations.iter().filter(|delegation| people.contains(&&delegation.user)) {
        let delegate = &delegation.delegate;
        // The user has a message of their own already, or may not decide.
        let is_barred = bars_user && *delegate == request.user;
        if !is_barred && !audience.iter().any(|(person, _)| person == delegate) {
            audience.push((delegate.clone(), Why::Delegate(delegation.clone())));
        }
    }
    audience
}

/// Whether enough people can still approve, of those whom Slack can reach. `audience`: what [`audience`] said.
#[must_use]
pub fn can_be_met(request: &Request, panel: &Panel, audience: &[(UserId, Why)], reached: &[UserId]) -> bool {
    let Some(spec) = &request.approvers else { return !reached.is_empty() };
    let can_click = |user: &UserId| {
        reached.contains(user) && !panel.answers.iter().any(|answer| answer.clicked_by == *user)
    };
    let has_delegate = |person: &UserId| {
        audience.iter().any(|(user, why)| {
            matches!(why, Why::Delegate(delegation) if delegation.user == *person) && can_click(user)
        })
    };
    let free = people(request, panel.escalated)
        .into_iter()
        .filter(|person| !panel.answers.iter().any(|answer| answer.person == **person))
        .filter(|person| can_click(person) || has_delegate(person));
    free.count() >= panel.missing(spec)
}

/// For whom this person may decide this request: themself first. Never empty. While Slack can't confirm their membership,
/// they may only deny. A delegation reaches only from the person who gave it to their delegate: it is never passed on.
pub fn seats(
    request: &Request,
    acting_user: &ActingUser,
    entitled: &Entitlement,
) -> Result<Vec<Seat>, Rejection> {
    let ActingUser { user, kind } = acting_user;
    if *kind == PersonKind::ExternalUser {
        return Err(Rejection::OtherWorkspace);
    }
    let is_barred =
        request.user == *user && request.approvers.as_ref().is_some_and(ApproverSpec::not_the_user);
    let people = people(request, entitled.panel.escalated);
    let own = people.iter().filter(|person| **person == user);
    let others = people.iter().filter(|person| **person != user && entitled.delegators.contains(person));
    let seats = own.chain(others).filter(|_| !is_barred);
    let seats: Vec<Seat> =
        seats.map(|person| Seat { person: (*person).clone(), clicked_by: user.clone() }).collect();
    if seats.is_empty() {
        return Err(match &request.approvers {
            None => Rejection::WrongPerson { owner: request.user.clone() },
            Some(_) => Rejection::NotApprover,
        });
    }
    if *kind == PersonKind::Guest { Err(Rejection::Guest) } else { Ok(seats) }
}

/// For whom a click counts: the first of the person's seats that no one took. Each person clicks once.
pub fn free_seat(seats: Vec<Seat>, panel: &Panel) -> Result<Seat, Rejection> {
    let clicked = |seat: &Seat| panel.answers.iter().any(|answer| answer.clicked_by == seat.clicked_by);
    if seats.iter().any(clicked) {
        return Err(Rejection::AnsweredBefore);
    }
    let is_free = |seat: &Seat| !panel.answers.iter().any(|answer| answer.person == seat.person);
    seats.into_iter().find(is_free).ok_or(Rejection::AnsweredBefore)
}

#[cfg(test)]
mod tests;
