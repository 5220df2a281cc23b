//! Users who were found to have left a moment ago, when an older cached profile may still call them members.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::people::{ActingUser, PersonKind};

/// How long a user who was found to have left can't give grants. Profiles are cached for a minute; the rest is a margin
/// for clock differences and the duration of a click.
const DOUBT: TimeDelta = TimeDelta::minutes(2);

/// The user who clicked, for judging grants. A user who was found to have left a moment ago counts as a non-member,
/// even if an older profile said otherwise at the click.
pub(super) fn as_known(
    acting_user: &ActingUser,
    left_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> ActingUser {
    let mut acting_user = acting_user.clone();
    if acting_user.kind == PersonKind::Member && has_left(left_at, now) {
        acting_user.kind = PersonKind::Guest;
    }
    acting_user
}

/// Whether the user was found to have left within [`DOUBT`], so that an older cached profile may be wrong.
pub(super) fn has_left(left_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    left_at.is_some_and(|left_at| now - left_at < DOUBT)
}
