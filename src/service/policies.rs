//! Rules: judging requests by them, changing and simulating them.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Service, ServiceError, UnitOfWork, ask::Addressed, retrying};
use crate::{
    domain::{
        approvals::{Approval, Request},
        arguments::Arguments,
        audit::Actor,
        catalog::Eligibility,
        decisions::Choice,
        ids::{ApprovalId, UserId, WorkspaceId, id_bound},
        overview::{Page, WaitingLine},
        policy::{
            Compared, Facts, Policy, PolicyReason, PolicyVersion, Ruled, Simulation, Treatment, change,
        },
        rejection::Rejection,
    },
    storage::{
        PgConnection,
        read_models::overview,
        tables::{
            approvals,
            policies::{self, StoredPolicy},
        },
    },
};

/// How old what Slack said of a user may be for a rule to approve without asking.
const KNOWN_FOR: TimeDelta = TimeDelta::hours(24);
/// How many approvals are read at once to simulate rules.
const PAGE: i64 = 500;
/// The most approvals that a simulation reads.
const MOST_SIMULATED: usize = 100_000;

/// Judges new requests by the rules in force, in their order. `None`: the workspace has no policy, or the request can't
/// be judged. A rule approves at once only for a user whom Slack called a full member in the last day.
pub(super) async fn judge<'a>(
    service: &Service,
    work: &mut UnitOfWork,
    asks: impl Iterator<Item = (&'a Addressed, Option<(WorkspaceId, PolicyVersion)>)>,
    now: DateTime<Utc>,
) -> Result<Vec<Option<Ruled>>, ServiceError> {
    let mut ruled = Vec::new();
    let mut allowed = Vec::new();
    for (addressed, policy) in asks {
        let Some((workspace, version)) = policy else {
            ruled.push(None);
            continue;
        };
        let policy = service.policies.get(work, workspace, version).await?;
        let Addressed { ask, user, .. } = addressed;
        let facts = Facts {
            arguments: ask.arguments.members(),
            agent: &ask.agent,
            user,
            conversation: &ask.conversation,
            integration: &ask.integration,
            action: &ask.action,
            now,
        };
        let judged = policy.judge(version, &facts);
        service.policies.note_fault(workspace, &judged);
        if judged.treatment == Treatment::Allow {
            allowed.push((ruled.len(), (workspace, user.clone())));
        }
        ruled.push(Some(judged));
    }
    if !allowed.is_empty() {
        let users: Vec<(WorkspaceId, UserId)> = allowed.iter().map(|(_, user)| user.clone()).collect();
        let members = policies::full_members(work, &users, now - KNOWN_FOR).await?;
        for (place, user) in allowed {
            if let Some(Some(ruled)) = ruled.get_mut(place)
                && !members.contains(&user)
            {
                // The rule does not stand in for Slack's word, so the user is asked.
                ruled.treatment = Treatment::Ask;
            }
        }
    }
    Ok(ruled)
}

/// What the rules in force say of a pending approval now. `None`: there is no policy.
pub(super) async fn on_approval(
    service: &Service,
    db: &mut PgConnection,
    approval: &Approval,
    version: Option<PolicyVersion>,
    now: DateTime<Utc>,
) -> Result<Option<Ruled>, ServiceError> {
    on_arguments(service, db, (&approval.request, &approval.request.arguments), version, now).await
}

/// What the rules in force say of a choice. Changed arguments are judged as if the agent had asked with them. `None`:
/// there is no policy, or the choice is to deny.
pub(super) async fn on_choice(
    service: &Service,
    db: &mut PgConnection,
    (approval, choice): (&Approval, &Choice),
    version: Option<PolicyVersion>,
    now: DateTime<Utc>,
) -> Result<Option<Ruled>, ServiceError> {
    let arguments = match choice {
        Choice::Deny(_) => return Ok(None),
        Choice::ApproveEdited(edited) => &edited.arguments,
        Choice::Approve(_) | Choice::ApproveNarrowed(..) => &approval.request.arguments,
    };
    on_arguments(service, db, (&approval.request, arguments), version, now).await
}

async fn on_arguments(
    service: &Service,
    db: &mut PgConnection,
    (request, arguments): (&Request, &Arguments),
    version: Option<PolicyVersion>,
    now: DateTime<Utc>,
) -> Result<Option<Ruled>, ServiceError> {
    let Some(version) = version else { return Ok(None) };
    let policy = service.policies.get(db, request.workspace, version).await?;
    let facts = Facts { arguments: arguments.members(), ..Facts::new(request, now) };
    Ok(Some(policy.judge(version, &facts)))
}

/// Applies the rules in force to what a pending approval's prompt offers.
pub(super) async fn stand(
    service: &Service,
    db: &mut PgConnection,
    approval: &Approval,
    (version, standing): (Option<PolicyVersion>, &mut Eligibility),
) -> Result<(), ServiceError> {
    if approval.decision.is_none() {
        let ruled = on_approval(service, db, approval, version, service.now()).await?;
        *standing = eligibility(ruled.as_ref(), *standing);
    }
    Ok(())
}

/// The user's pending approvals, with what the rules in force say of them.
pub(super) async fn waiting(
    service: &Service,
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    wanted: (usize, usize),
) -> Result<Page<WaitingLine>, ServiceError> {
    let mut page = overview::waiting(db, workspace, user, wanted, service.now()).await?;
    let version = policies::version(db, workspace).await?;
    for line in &mut page.items {
        stand(service, db, &line.approval, (version, &mut line.standing)).await?;
    }
    Ok(page)
}

/// Whether a person may approve under these rules.
pub(super) fn may(ruled: Option<&Ruled>, approval: &Approval) -> Result<(), Rejection> {
    ruled.map_or(Ok(()), |ruled| ruled.may_be_approved(&approval.request))
}

/// Whether a grant may be used or given under these rules.
pub(super) fn eligibility(ruled: Option<&Ruled>, eligibility: Eligibility) -> Eligibility {
    ruled.map_or(eligibility, |ruled| ruled.eligibility(eligibility))
}

/// A policy to put in force.
#[derive(Debug, Clone)]
pub struct Apply {
    /// YAML.
    pub text: String,
    /// The version that the author started from.
    pub expected: Option<PolicyVersion>,
    /// Why.
    pub reason: Option<PolicyReason>,
    /// Who.
    pub actor: Actor,
}

/// Puts a policy in force. Once this returns, every request is judged by it. Waits for the requests that are being
/// judged. Rejected if it names an approver whom Slack did not call a full member in the last day: the caller asks Slack
/// before.
#[tracing::instrument(name = "apply_policy", skip_all, fields(%workspace))]
pub async fn apply(
    service: &Service,
    workspace: WorkspaceId,
    new: &Apply,
    policy: &Policy,
) -> Result<PolicyVersion, ServiceError> {
    retrying!(attempt(service, workspace, new, policy))
}

async fn attempt(
    service: &Service,
    workspace: WorkspaceId,
    new: &Apply,
    policy: &Policy,
) -> Result<PolicyVersion, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let before = policies::lock(&mut work, workspace).await?.ok_or(Rejection::WorkspaceRemoved)?;
    let Apply { text, expected, reason, actor } = new.clone();
    let people: Vec<_> = policy.people().into_iter().map(|person| (workspace, person.clone())).collect();
    let members = if people.is_empty() {
        BTreeSet::new()
    } else {
        let members = policies::full_members(&mut work, &people, now - KNOWN_FOR).await?;
        members.into_iter().map(|(_, person)| person).collect()
    };
    let changed = change(workspace, (before, expected), (text, policy), &members, reason, actor)?;
    let recorded = work.record(changed);
    policies::save(&mut work, &recorded, now).await?;
    let version = recorded.version;
    work.commit().await?;
    Ok(version)
}

/// The policy in force. `None`: there is none.
pub async fn current(
    service: &Service,
    workspace: WorkspaceId,
) -> Result<Option<(StoredPolicy, Arc<Policy>)>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let Some(version) = policies::version(&mut db, workspace).await? else { return Ok(None) };
    let policy = service.policies.get(&mut db, workspace, version).await?;
    let stored = policies::find(&mut db, workspace, version).await?;
    Ok(stored.map(|stored| (stored, policy)))
}

/// One version of the policy.
pub async fn version(
    service: &Service,
    workspace: WorkspaceId,
    version: i32,
) -> Result<Option<StoredPolicy>, ServiceError> {
    let Some(version) = PolicyVersion::from_stored(version) else { return Ok(None) };
    let mut db = service.db.acquire().await?;
    Ok(policies::find(&mut db, workspace, version).await?)
}

/// The versions of the policy, newest first.
pub async fn history(
    service: &Service,
    workspace: WorkspaceId,
    limit: i64,
) -> Result<Vec<StoredPolicy>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(policies::history(&mut db, workspace, limit).await?)
}

/// Which past requests these rules would have treated differently than those in force: the newest `most`, made after
/// `since`.
pub async fn simulate(
    service: &Service,
    workspace: WorkspaceId,
    policy: &Policy,
    (since, most): (DateTime<Utc>, usize),
) -> Result<Simulation, ServiceError> {
    let before = current(service, workspace).await?.map(|(_, policy)| policy);
    let compared = Compared { before: before.as_deref(), after: policy };
    let most = most.min(MOST_SIMULATED);
    let (mut simulation, mut seen) = (Simulation::default(), 0);
    let mut until: Option<ApprovalId> = None;
    let mut db = service.db.acquire().await?;
    while seen < most {
        let limit = PAGE.min(i64::try_from(most - seen).unwrap_or(PAGE));
        let page = approvals::page(&mut db, workspace, (id_bound(since), until), limit).await?;
        let read = page.approvals.len() + page.unreadable.len();
        for approval in &page.approvals {
            simulation.add(&approval.request, compared);
        }
        let ids = page.approvals.iter().map(Approval::id).chain(page.unreadable);
        until = ids.min();
        seen += read;
        if i64::try_from(read).unwrap_or(limit) < limit {
            break;
        }
    }
    Ok(simulation)
}
