//! A person decides several approvals with one click: exactly those that the person saw, in one transaction. Each is
//! locked and judged again, as by a click of its own.

use super::{
    Service, ServiceError, delegations, policies, retrying,
    workspaces::{self, Origin},
};
use crate::{
    domain::{
        alike::{self, Alike, MOST_TOGETHER, Together},
        approvals::Approval,
        catalog::{Eligibility, Lock},
        decisions::{self, Choice, Held},
        effects::Redraw,
        grants::Scope,
        ids::{ApprovalId, GrantId, UserId},
        limits::Bounds,
        overview::Group,
        people::ActingUser,
        rejection::Rejection,
    },
    storage::{read_models::overview, statements},
};

/// The decision about each of several approvals. It never leaves a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChoiceForAll {
    /// Approve, scope `once`.
    Approve,
    /// Deny, without a reason.
    Deny,
}

/// The user's pending approvals by agent and action, those with the oldest request first.
pub async fn groups(service: &Service, slack_id: &str, user: &UserId) -> Result<Vec<Group>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    Ok(overview::groups(&mut db, workspace, user).await?)
}

/// The user's pending approvals that are alike: the oldest [`MOST_TOGETHER`], and how many there are. Without those that
/// need a click of their own, unless `choice` is to deny.
pub async fn alike(
    service: &Service,
    slack_id: &str,
    user: &UserId,
    (like, alike): (ApprovalId, Alike),
    choice: ChoiceForAll,
) -> Result<(Vec<Approval>, usize), ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    let mut found = overview::alike(&mut db, workspace, user, like, alike).await?;
    if choice == ChoiceForAll::Approve {
        found.retain(|approval| {
            approval.pause.is_none() && alike::may_be_approved_together(&approval.request)
        });
    }
    let count = found.len();
    found.truncate(MOST_TOGETHER);
    Ok((found, count))
}

/// Decides approvals. Those that have ended, that another user has to decide, or that may not be decided together stay
/// as they are. Rejected if none was decided and this person may decide none.
#[tracing::instrument(name = "decide_together", skip_all, fields(workspace = origin.workspace, user = %acting_user.user, approvals = approvals.len()))]
pub async fn decide_together(
    service: &Service,
    origin: Origin<'_>,
    acting_user: &ActingUser,
    approvals: &[ApprovalId],
    choice: ChoiceForAll,
) -> Result<Together, ServiceError> {
    let mut sorted: Vec<_> = approvals.iter().copied().take(MOST_TOGETHER).collect();
    // The order in which everything that locks several approvals locks them.
    sorted.sort_unstable();
    sorted.dedup();
    retrying!(attempt(service, origin, acting_user, &sorted, choice))
}

async fn attempt(
    service: &Service,
    origin: Origin<'_>,
    acting_user: &ActingUser,
    approvals: &[ApprovalId],
    choice: ChoiceForAll,
) -> Result<Together, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let now = work.now();
    // Neither choice gives a grant, so nothing depends on the action's lock.
    let no_grant = Eligibility {
        lock: Lock::Locked,
        outdated: true,
        connected: false,
        conversation_closed: true,
        bounds: Bounds::default(),
    };
    let mut outcome = Together::default();
    let mut request = origin.request;
    let mut why = None;
    for id in approvals {
        // Records the request with the first approval, so that a repeated one decides nothing.
        let found =
            statements::decide::lock_in_workspace(&mut work, origin.workspace, *id, request.take(), now)
                .await?;
        let Some((approval, in_force)) = found else {
            outcome.left += 1;
            continue;
        };
        let choice = match choice {
            // Others decide it, each with a click of their own.
            _ if approval.request.approvers.is_some() => {
                outcome.left += 1;
                continue;
            }
            ChoiceForAll::Approve if !alike::may_be_approved_together(&approval.request) => {
                outcome.left += 1;
                continue;
            }
            ChoiceForAll::Approve => Choice::Approve(Scope::Once),
            ChoiceForAll::Deny => Choice::Deny(None),
        };
        let new_id = GrantId::new(service.new_id());
        let entitled = delegations::entitlement(&mut work, &approval, &acting_user.user, now).await?;
        let ruled = policies::on_choice(service, &mut work, (&approval, &choice), in_force, now).await?;
        let may = policies::may(ruled.as_ref(), &approval);
        let judged = decisions::click(
            &approval,
            choice,
            (acting_user, &entitled),
            no_grant,
            Held::default(),
            new_id,
            now,
        );
        match judged.and_then(|ended| may.map(|()| ended)) {
            Ok(ended) => {
                let (db, unwritten) = work.parts();
                statements::decide::save(db, unwritten, ended, &service.seal_fixed()).await?;
                outcome.decided += 1;
            }
            Err(Rejection::AlreadyEnded(_) | Rejection::Expired) => {
                work.redraw(Redraw::stale_prompt(&approval.request));
                outcome.left += 1;
            }
            Err(rejection) => {
                let refused =
                    decisions::refuse(&approval.request, &acting_user.user, origin.workspace, rejection);
                why = Some(work.record(refused).into_state());
                outcome.left += 1;
            }
        }
    }
    work.commit().await?;
    match why {
        Some(rejection) if outcome.decided == 0 => Err(rejection.into()),
        _ => Ok(outcome),
    }
}
