//! Delegations: a person lets another decide their approvals until a date.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    audit::{Actor, AuditAction, Entry},
    effects::{Changed, Effect},
    ids::{ApprovalId, DelegationId, DelegationNoticeId, UserId, WorkspaceId},
    local_time::Zone,
    people::{ActingUser, PersonKind},
    rejection::Rejection,
    text::Text,
};

/// The longest delegation.
pub const LONGEST: TimeDelta = TimeDelta::days(92);

/// Why a person delegates: the delegate reads it.
pub type DelegationReason = Text<200>;

/// A live delegation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// Its id.
    pub id: DelegationId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Whose approvals the delegate may decide.
    pub user: UserId,
    /// Who decides them.
    pub delegate: UserId,
    /// Why, in the user's words.
    pub reason: Option<DelegationReason>,
    /// When it began.
    pub began_at: DateTime<Utc>,
    /// The delegate decides nothing from this moment on.
    pub until: DateTime<Utc>,
}

/// A person's live delegations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delegations {
    /// The one that they gave.
    pub given: Option<Delegation>,
    /// Those that others gave to them, the ones that end first before the others.
    pub received: Vec<Delegation>,
}

/// Why a delegation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// Its user ended it.
    User,
    /// Its delegate ended it.
    Delegate,
    /// Its time is over.
    Over,
    /// Its user delegated again.
    Replaced,
    /// One of the two is no longer a full member.
    NoMember,
    /// The operator ended it.
    Operator,
}

impl EndReason {
    /// The reason as written in the database and in the audit.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Delegate => "delegate",
            Self::Over => "over",
            Self::Replaced => "replaced",
            Self::NoMember => "no_member",
            Self::Operator => "operator",
        }
    }

    /// Parses what [`EndReason::as_str`] returns.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::User, Self::Delegate, Self::Over, Self::Replaced, Self::NoMember, Self::Operator]
            .into_iter()
            .find(|reason| reason.as_str() == text)
    }
}

/// What a person is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// They decide for another person from now on.
    Begun,
    /// The delegation ended.
    Ended,
}

impl NoticeKind {
    /// The kind as written in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Ended => "ended",
        }
    }

    /// Parses what [`NoticeKind::as_str`] returns.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Begun, Self::Ended].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The notice to one person about a delegation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its id.
    pub id: DelegationNoticeId,
    /// The person.
    pub user: UserId,
    /// What they are told.
    pub kind: NoticeKind,
}

/// A delegation that a person asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The delegate, with what Slack says about them.
    pub delegate: ActingUser,
    /// Until when.
    pub until: DateTime<Utc>,
    /// Why.
    pub reason: Option<DelegationReason>,
}

/// A delegation that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The delegation.
    pub delegation: Delegation,
    /// What the delegate is told.
    pub notice: Notice,
}

/// A delegation that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The delegation.
    pub delegation: Delegation,
    /// Who ends it: an id, or the kind of an actor without one.
    pub by: String,
    /// Why.
    pub why: EndReason,
    /// What the two are told.
    pub notices: Vec<Notice>,
}

/// When a person's day ends. `None`: the calendar does.
#[must_use]
pub fn end_of_day(day: NaiveDate, zone: Option<Zone>) -> Option<DateTime<Utc>> {
    let next = day.succ_opt()?;
    Some(zone.unwrap_or(Zone::UTC).instant(next.and_time(NaiveTime::MIN)))
}

/// The day that the form proposes: the person's tomorrow.
#[must_use]
pub fn proposed_day(now: DateTime<Utc>, zone: Option<Zone>) -> NaiveDate {
    let today = zone.unwrap_or(Zone::UTC).local(now).date();
    today.succ_opt().unwrap_or(today)
}

/// Judges a new delegation. `pending`: the user's pending approvals, whose prompts the delegate gets.
pub fn begin(
    workspace: WorkspaceId,
    acting_user: &ActingUser,
    wanted: Wanted,
    pending: &[ApprovalId],
    new_id: impl Fn() -> Uuid,
    now: DateTime<Utc>,
) -> Result<Changed<Begun>, Rejection> {
    acting_user.must_be_member()?;
    let Wanted { delegate, until, reason } = wanted;
    if delegate.user == acting_user.user {
        return Err(Rejection::OwnDelegate);
    }
    match delegate.kind {
        PersonKind::Member => {}
        PersonKind::Unknown => return Err(Rejection::LookupUnavailable),
        PersonKind::Guest | PersonKind::ExternalUser => return Err(Rejection::NoDelegate),
    }
    if until <= now || until - now > LONGEST {
        return Err(Rejection::DelegationTime);
    }
    let user = acting_user.user.clone();
    let delegation = Delegation {
        id: DelegationId::new(new_id()),
        workspace,
        user: user.clone(),
        delegate: delegate.user.clone(),
        reason,
        began_at: now,
        until,
    };
    let notice = Notice {
        id: DelegationNoticeId::new(new_id()),
        user: delegate.user.clone(),
        kind: NoticeKind::Begun,
    };
    let entry = Entry::new(Actor::User(user.clone()), AuditAction::DelegationBegan)
        .subject(delegation.id.to_string())
        .after(json!({ "user": user, "delegate": delegate.user, "until": until }))
        .concerning([user.clone(), delegate.user.clone()]);
    Ok(Changed::new(workspace, Begun { delegation, notice }, entry)
        .and_redraw(pending)
        .and(Effect::TellDelegation(delegate.user)))
}

/// Ends a delegation, and tells the two, except the one who ends it.
pub fn end(
    delegation: &Delegation,
    actor: &Actor,
    why: EndReason,
    pending: &[ApprovalId],
    new_id: impl Fn() -> Uuid,
) -> Changed<Ended> {
    let Delegation { id, workspace, user, delegate, .. } = delegation;
    let told = [user, delegate].into_iter().filter(|person| *actor != Actor::User((*person).clone()));
    let notices: Vec<Notice> = told
        .map(|person| Notice {
            id: DelegationNoticeId::new(new_id()),
            user: person.clone(),
            kind: NoticeKind::Ended,
        })
        .collect();
    let tell: Vec<Effect> =
        notices.iter().map(|notice| Effect::TellDelegation(notice.user.clone())).collect();
    let entry = Entry::new(actor.clone(), AuditAction::DelegationEnded)
        .subject(id.to_string())
        .before(json!({ "user": user, "delegate": delegate, "until": delegation.until }))
        .after(json!({ "why": why.as_str() }))
        .concerning([user.clone(), delegate.clone()]);
    let ended = Ended { delegation: delegation.clone(), by: actor.label(), why, notices };
    Changed::new(*workspace, ended, entry).and_redraw(pending).and_all(tell)
}

/// Why the person who clicked may end a delegation.
pub fn may_end(delegation: &Delegation, acting_user: &UserId) -> Result<EndReason, Rejection> {
    if delegation.user == *acting_user {
        Ok(EndReason::User)
    } else if delegation.delegate == *acting_user {
        Ok(EndReason::Delegate)
    } else {
        Err(Rejection::UnknownDelegation)
    }
}
