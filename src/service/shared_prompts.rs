//! Messages that several requests of one conversation share: which message shows a request, and what a shared one shows.

use std::collections::BTreeSet;

use super::{Service, ServiceError, delegations, policies, retrying};
use crate::{
    domain::{
        approvals::{Approval, Request},
        approvers::Why,
        decision::Decision,
        decisions,
        effects::Redraw,
        ids::{ApprovalId, GrantId, UserId, WorkspaceId},
        people::ActingUser,
        precedent::Precedent,
        prompts::Prompt,
        rejection::Rejection,
        sharing::{self, PromptMessage, WaitingCount},
    },
    service::workspaces::Origin,
    storage,
    storage::{
        PgConnection,
        read_models::{precedents, shared_prompts},
        statements::decide::PromptFacts,
        tables::{outbox, prompt_messages},
    },
};

/// The message that shows an approval. If none was assigned yet, a pending one gets one now, together with all others
/// that wait in its conversation. The flag says whether the message shows other approvals too. `None`: the approval ended
/// before it had one.
pub async fn message_of(
    service: &Service,
    approval: &Approval,
) -> Result<Option<(PromptMessage, bool)>, ServiceError> {
    let mut db = service.db.acquire_with_kept_plans().await?;
    let found = prompt_messages::find(&mut db, approval.id()).await?;
    drop(db);
    if found.is_some() || approval.decision.is_some() {
        return Ok(found);
    }
    retrying!(assign(service, &approval.request))
}

async fn assign(service: &Service, request: &Request) -> Result<Option<(PromptMessage, bool)>, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let now = work.now();
    // Read after the lock, so that the messages of all transactions before this one are known.
    prompt_messages::take_turn(&mut work, request).await?;
    let waiting = shared_prompts::waiting(&mut work, request).await?;
    let assigned = sharing::assign(&waiting, now);
    prompt_messages::save(&mut work, &assigned).await?;
    let shared = assigned.iter().filter(|(_, message)| message.is_shared).map(|(id, _)| *id);
    let shared: Vec<ApprovalId> = shared.collect();
    if !shared.is_empty() {
        outbox::share(&mut work, &shared).await?;
    }
    let found = prompt_messages::find(&mut work, request.id).await?;
    work.commit().await?;
    Ok(found)
}

/// What a shared message shows.
#[derive(Debug)]
pub struct SharedContext {
    /// The approvals, oldest first.
    pub members: Vec<Approval>,
    /// The requests that wait in the conversation, in this message or others.
    pub waiting: WaitingCount,
    /// The grants that decisions left and that are live.
    pub live_grants: Vec<GrantId>,
    /// Where the message is in Slack.
    pub prompts: Vec<Prompt>,
    /// The approvals that the message in Slack is not known to show yet.
    pub unseen: Vec<ApprovalId>,
}

/// Reads what the message shows that was made for this approval.
pub async fn read(service: &Service, first: ApprovalId) -> Result<SharedContext, ServiceError> {
    let mut db = service.db.acquire().await?;
    let members = shared_prompts::members(&mut db, first).await?;
    let ids: Vec<ApprovalId> = members.iter().map(Approval::id).collect();
    let (prompts, unseen) = shared_prompts::places(&mut db, &ids).await?;
    let waiting = match members.first() {
        Some(member) => WaitingCount::for_requests(&shared_prompts::waiting(&mut db, &member.request).await?),
        None => WaitingCount::default(),
    };
    let grants: Vec<GrantId> = members
        .iter()
        .filter_map(|member| member.decision.as_ref().filter(|decision| decision.user().is_some()))
        .filter_map(Decision::grant)
        .collect();
    let live_grants = shared_prompts::live_grants(&mut db, &grants, service.now()).await?;
    Ok(SharedContext { members, waiting, live_grants, prompts, unseen })
}

/// Has a shared message rendered, after a moment in which further changes join.
pub async fn render_soon(
    service: &Service,
    workspace: WorkspaceId,
    first: ApprovalId,
) -> Result<(), ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    work.redraw(Redraw::shared(workspace, [first]));
    work.commit().await
}

/// Has the shared messages of the conversation rendered, which say how many requests wait: one with a message of its own
/// has ended.
pub async fn render_beside(service: &Service, request: &Request) -> Result<(), ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let waiting = shared_prompts::waiting(&mut work, request).await?;
    let shared = waiting.iter().filter_map(|request| request.message).filter(|message| message.is_shared);
    let firsts: BTreeSet<ApprovalId> = shared.map(|message| message.first).collect();
    let mut beside = Vec::new();
    for first in firsts {
        // With one member, the message is its prompt, which does not mention others.
        let found = prompt_messages::find(&mut work, first).await?;
        beside.extend(found.filter(|(_, shows_others)| *shows_others).map(|_| first));
    }
    if beside.is_empty() {
        return Ok(());
    }
    work.redraw(Redraw::shared(request.workspace, beside));
    work.commit().await
}

/// Checks whether this person may decide the requests that share a message with one of them. A refusal is audited.
#[tracing::instrument(name = "may_decide", skip_all, fields(workspace = origin.workspace, approval = %like, user = %acting_user.user))]
pub async fn may_decide(
    service: &Service,
    origin: Origin<'_>,
    acting_user: &ActingUser,
    like: ApprovalId,
) -> Result<Approval, ServiceError> {
    retrying!(check(service, origin, acting_user, like))
}

async fn check(
    service: &Service,
    origin: Origin<'_>,
    acting_user: &ActingUser,
    like: ApprovalId,
) -> Result<Approval, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let now = work.now();
    let found =
        storage::tables::approvals::find_in_workspace(&mut work, origin.workspace, like, origin.request)
            .await?;
    let Some(approval) = found else {
        // Fails if the request was taken before.
        storage::tables::repeats::remember(&mut work, origin.request, now).await?;
        return Err(Rejection::UnknownApproval.into());
    };
    let entitled = delegations::entitlement(&mut work, &approval, &acting_user.user, now).await?;
    let Err(rejection) = decisions::may_decide(&approval.request, acting_user, &entitled) else {
        return Ok(approval);
    };
    storage::tables::repeats::remember(&mut work, origin.request, now).await?;
    let refused = decisions::refuse(&approval.request, &acting_user.user, origin.workspace, rejection);
    work.refuse(refused).await
}

/// A request to review, with what its prompt shows.
#[derive(Debug)]
pub struct Reviewed {
    /// The request.
    pub approval: Approval,
    /// Whether the action may be auto-approved.
    pub around: PromptFacts,
    /// How it compares with what the user approved before.
    pub precedent: Option<Precedent>,
    /// How many requests follow.
    pub others: usize,
    /// Why a person beside the request's user may decide it. `None`: it is the user who reviews.
    pub why: Option<Why>,
}

/// Why this person may see the requests that share a message with one of them: they are the user's own (`None`), or the
/// user delegates to them.
async fn why(
    db: &mut PgConnection,
    service: &Service,
    request: &Request,
    person: &UserId,
) -> Result<Option<Why>, ServiceError> {
    if request.user == *person {
        return Ok(None);
    }
    let given =
        storage::tables::delegations::given(db, request.workspace, &request.user, service.now()).await?;
    let given = given.filter(|delegation| delegation.delegate == *person);
    Ok(Some(Why::Delegate(given.ok_or(Rejection::UnknownApproval)?)))
}

/// The next request to review: the oldest that waits for this user in the conversation and the place of `like`, and is
/// newer than `after`. The count says how many wait in all.
pub async fn next(
    service: &Service,
    slack_id: &str,
    user: &UserId,
    like: ApprovalId,
    after: Option<ApprovalId>,
) -> Result<(Option<Reviewed>, usize), ServiceError> {
    let mut db = service.db.acquire().await?;
    let like = storage::tables::approvals::find_in_workspace(&mut db, slack_id, like, None).await?;
    let like = like.ok_or(Rejection::UnknownApproval)?;
    let why = why(&mut db, service, &like.request, user).await?;
    let waiting = shared_prompts::waiting(&mut db, &like.request).await?;
    let mut following = waiting.iter().filter(|request| after.is_none_or(|after| request.id > after));
    let Some(next) = following.next() else { return Ok((None, waiting.len())) };
    let others = following.count();
    let total = waiting.len();
    let Some(approval) = storage::tables::approvals::find(&mut db, next.id).await? else {
        return Ok((None, total));
    };
    Ok((Some(reviewed(&mut db, service, approval, others, why).await?), total))
}

/// One request of a review again. `None`: it has ended.
pub async fn again(
    service: &Service,
    slack_id: &str,
    user: &UserId,
    id: ApprovalId,
) -> Result<Option<Reviewed>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let found = storage::tables::approvals::find_in_workspace(&mut db, slack_id, id, None).await?;
    let Some(approval) = found.filter(|found| found.decision.is_none()) else { return Ok(None) };
    let why = why(&mut db, service, &approval.request, user).await?;
    let waiting = shared_prompts::waiting(&mut db, &approval.request).await?;
    let others = waiting.iter().filter(|request| request.id > id).count();
    Ok(Some(reviewed(&mut db, service, approval, others, why).await?))
}

/// The decision about a request of a review. `None`: it is pending.
pub async fn decision(
    service: &Service,
    slack_id: &str,
    id: ApprovalId,
) -> Result<Option<Decision>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let found = storage::tables::approvals::find_in_workspace(&mut db, slack_id, id, None).await?;
    Ok(found.ok_or(Rejection::UnknownApproval)?.decision)
}

async fn reviewed(
    db: &mut PgConnection,
    service: &Service,
    approval: Approval,
    others: usize,
    why: Option<Why>,
) -> Result<Reviewed, ServiceError> {
    let mut around = storage::statements::decide::surroundings(db, &approval, service.now()).await?;
    policies::stand(service, db, &approval, (around.policy, &mut around.eligibility)).await?;
    let precedent = precedents::precedent(db, &approval, service.now()).await?;
    // How it compares with earlier calls only the user learns.
    let precedent = precedent.filter(|_| why.is_none());
    Ok(Reviewed { approval, around, precedent, others, why })
}
