//! What outbox workers render in Slack or send to backends: the current state, and the location of the messages.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::{
    Service, ServiceError, policies,
    webhook_health::{Health, KnownHealth},
};
pub use crate::storage::{statements::decide::PromptFacts, tables::unlock_requests::Posted};
use crate::{
    domain::{
        approvals::Approval,
        approvers::{self, Why},
        arguments::Digest,
        ids::{ApprovalId, BackendId, UnlockRequestId, UserId, WorkspaceId},
        overview::UnlockLine,
        panel::Panel,
        precedent::Precedent,
        prompts::{ApproverMessage, Prompt},
        rejection::Rejection,
    },
    seal::SealError,
    storage,
    storage::{
        read_models::precedents,
        statements::claim::Claim,
        tables::{approver_answers, approver_messages, delegations, unlock_requests},
    },
};

/// An approval, with everything that its prompt shows.
#[derive(Debug)]
pub struct PromptContext {
    /// The approval.
    pub approval: Approval,
    /// Whether the action may be auto-approved, and whether the decision's grant is live.
    pub around: PromptFacts,
    /// How a pending request compares with what the user approved before.
    pub precedent: Option<Precedent>,
    /// Slack's id of the workspace.
    pub slack_id: String,
    /// When the app was last installed, as of this read.
    pub installed_at: DateTime<Utc>,
    /// Whether the app was removed from the workspace.
    pub removed: bool,
    /// The messages that show the approval to its user.
    pub prompts: Vec<Prompt>,
    /// The people who may decide it beside its user, and why.
    pub others: Vec<(UserId, Why)>,
    /// How far they are, if they decide it instead of its user.
    pub panel: Panel,
    /// Whether more people may decide it later.
    pub will_escalate: bool,
    /// The messages of people who may decide it beside its user, or could.
    pub approver_messages: Vec<ApproverMessage>,
}

/// Reads an approval for its prompt. `None` if it no longer exists.
pub async fn prompt(
    service: &Service,
    workspace: WorkspaceId,
    id: ApprovalId,
) -> Result<Option<PromptContext>, ServiceError> {
    let mut db = service.db.acquire_with_kept_plans().await?;
    let Some(approval) = storage::tables::approvals::find(&mut db, id).await? else { return Ok(None) };
    let mut around = storage::statements::decide::surroundings(&mut db, &approval, service.now()).await?;
    policies::stand(service, &mut db, &approval, (around.policy, &mut around.eligibility)).await?;
    let precedent = match approval.decision {
        None => precedents::precedent(&mut db, &approval, service.now()).await?,
        Some(_) => None,
    };
    let workspace = storage::tables::workspaces::find(&mut db, workspace).await?;
    let prompts = storage::tables::prompts::for_approval(&mut db, id).await?;
    let request = &approval.request;
    let panel = match request.approvers {
        Some(_) => approver_answers::panel(&mut db, id).await?,
        None => Panel::default(),
    };
    // Of an ended one, too: others may be pending that share its message.
    let people = approvers::people(request, panel.escalated);
    let given = delegations::given_by(&mut db, request.workspace, &people, service.now()).await?;
    let others = approvers::audience(request, panel.escalated, &given);
    let will_escalate = request.approvers.is_some() && approver_answers::will_escalate(&mut db, id).await?;
    let approver_messages = approver_messages::for_approval(&mut db, id).await?;
    let Some(workspace) = workspace else { return Ok(None) };
    Ok(Some(PromptContext {
        approval,
        around,
        precedent,
        slack_id: workspace.slack_id,
        installed_at: workspace.installed_at,
        removed: workspace.removed,
        prompts,
        others,
        panel,
        will_escalate,
        approver_messages,
    }))
}

/// An approval of this workspace, for the details that a user opens. How it compares with earlier calls, whose arguments
/// other people may not have seen, only its own user learns.
pub async fn details(
    service: &Service,
    slack_id: &str,
    id: ApprovalId,
    user: &UserId,
) -> Result<(Approval, Option<Precedent>), ServiceError> {
    let mut db = service.db.acquire_with_kept_plans().await?;
    let found = storage::tables::approvals::find_in_workspace(&mut db, slack_id, id, None).await?;
    let approval = found.ok_or(Rejection::UnknownApproval)?;
    let precedent = if approval.request.user == *user {
        precedents::precedent(&mut db, &approval, service.now()).await?
    } else {
        None
    };
    Ok((approval, precedent))
}

/// Records where the message is that shows these approvals, and the digest of what it shows.
pub async fn remember_prompt(
    service: &Service,
    ids: &[ApprovalId],
    prompt: &Prompt,
    shown: &Digest,
) -> Result<(), ServiceError> {
    let mut db = service.db.acquire_with_kept_plans().await?;
    Ok(storage::tables::prompts::remember_all(&mut db, ids, prompt, shown, service.now()).await?)
}

/// Deletes the record of a message that Slack no longer lets the app change.
pub async fn forget_prompt(
    service: &Service,
    ids: &[ApprovalId],
    prompt: &Prompt,
) -> Result<(), ServiceError> {
    let mut db = service.db.acquire_with_kept_plans().await?;
    Ok(storage::tables::prompts::forget(&mut db, ids, prompt, service.now()).await?)
}

/// Records where the message is that shows an approval to a person beside its user, and the digest of what it shows.
pub async fn remember_approver_message(
    service: &Service,
    id: ApprovalId,
    user: &UserId,
    prompt: &Prompt,
    shown: &Digest,
) -> Result<(), ServiceError> {
    let mut db = service.db.acquire_with_kept_plans().await?;
    approver_messages::remember(&mut db, id, user, prompt, Some(shown), service.now()).await?;
    Ok(())
}

/// Deletes the record of such a message that Slack no longer lets the app change.
pub async fn forget_approver_message(
    service: &Service,
    id: ApprovalId,
    prompt: &Prompt,
) -> Result<(), ServiceError> {
    let mut db = service.db.acquire_with_kept_plans().await?;
    Ok(approver_messages::forget(&mut db, id, prompt, service.now()).await?)
}

/// Slack's id of the workspace. `None` if the app is not installed there.
pub async fn installed(service: &Service, workspace: WorkspaceId) -> Result<Option<String>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let found = storage::tables::workspaces::find(&mut db, workspace).await?;
    Ok(found.filter(|workspace| !workspace.removed).map(|workspace| workspace.slack_id))
}

/// Ends the other waiting rows of a row's queue. The state is read after this, so rendering it covers them.
pub async fn absorb(service: &Service, claim: &Claim) -> Result<(), ServiceError> {
    let mut db = service.db.acquire_with_kept_plans().await?;
    Ok(storage::statements::claim::absorb(&mut db, claim, service.now()).await?)
}

/// An unlock request, with the admins who were notified of it.
#[derive(Debug)]
pub struct UnlockContext {
    /// The request, with its answer if there is one.
    pub line: UnlockLine,
    /// The messages that show the request.
    pub posted: Vec<Posted>,
    /// Users who were admins when their Home tab was last rendered.
    pub known_admins: Vec<UserId>,
    /// Slack's id of the workspace.
    pub slack_id: String,
}

/// Reads an unlock request. `None` if it no longer exists, or if the app is not installed.
pub async fn unlock_request(
    service: &Service,
    workspace: WorkspaceId,
    id: UnlockRequestId,
) -> Result<Option<UnlockContext>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let Some(line) = unlock_requests::line(&mut db, id, service.now()).await? else { return Ok(None) };
    let posted = unlock_requests::messages(&mut db, id).await?;
    let known_admins = storage::tables::homes::admins(&mut db, workspace).await?;
    let found = storage::tables::workspaces::find(&mut db, workspace).await?;
    Ok(found.filter(|workspace| !workspace.removed).map(|workspace| UnlockContext {
        line,
        posted,
        known_admins,
        slack_id: workspace.slack_id,
    }))
}

/// Records the message that notified an admin of an unlock request.
pub async fn remember_unlock_message(
    service: &Service,
    id: UnlockRequestId,
    posted: &Posted,
) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(unlock_requests::remember(&mut db, id, posted, service.now()).await?)
}

/// A backend's webhook endpoint, with the secrets that sign.
#[derive(Debug)]
pub struct Endpoint {
    /// The URL.
    pub url: String,
    /// The secrets to sign with: two while a secret is being rotated.
    pub secrets: Vec<SecretString>,
    /// Whether deliveries to the endpoint are stopped.
    pub stopped: bool,
    /// The endpoint's health, as of this read.
    pub health: KnownHealth,
}

/// A backend's endpoint.
pub async fn endpoint(service: &Service, backend: BackendId) -> Result<Endpoint, ServiceError> {
    let mut db = service.db.acquire().await?;
    let stored = storage::tables::backends::endpoint(&mut db, backend).await?;
    Ok(open(service, backend, stored)?)
}

/// An approval, and the endpoint that its webhook goes to.
pub type Webhook = (Arc<Approval>, Arc<Endpoint>);

/// Reads what webhooks are made of, for a whole claim at once: each approval, and each endpoint with its opened secrets.
/// The result is in the order of `wanted`. `None`: the approval no longer exists. An approval that can't be read, or a
/// secret that can't be opened, is an error of the webhooks that need it, and of no other.
pub async fn webhooks(
    service: &Service,
    wanted: &[(ApprovalId, BackendId)],
) -> Result<Vec<Result<Option<Webhook>, ServiceError>>, ServiceError> {
    let approvals: Vec<ApprovalId> = wanted.iter().map(|(approval, _)| *approval).collect();
    let backends: BTreeSet<BackendId> = wanted.iter().map(|(_, backend)| *backend).collect();
    let backends: Vec<BackendId> = backends.into_iter().collect();
    let mut db = service.db.acquire_with_kept_plans().await?;
    let found = storage::tables::approvals::find_all(&mut db, &approvals).await?;
    let stored = storage::tables::backends::endpoints(&mut db, &backends).await?;
    drop(db);
    let approvals: HashMap<_, _> =
        found.into_iter().map(|(id, approval)| (id, approval.map(Arc::new))).collect();
    let endpoints: HashMap<_, _> =
        stored.into_iter().map(|(id, stored)| (id, open(service, id, stored).map(Arc::new))).collect();
    let webhook = |(approval, backend): &(ApprovalId, BackendId)| {
        let (Some(approval), Some(endpoint)) = (approvals.get(approval), endpoints.get(backend)) else {
            return Ok(None);
        };
        let approval = approval.clone().map_err(sqlx::Error::from)?;
        Ok(Some((approval, endpoint.clone()?)))
    };
    Ok(wanted.iter().map(webhook).collect())
}

/// The callback URLs of these approvals. One that can't be opened is an error of its own.
pub async fn callback_urls(
    service: &Service,
    approvals: &[ApprovalId],
) -> Result<HashMap<ApprovalId, Result<SecretString, SealError>>, ServiceError> {
    if approvals.is_empty() {
        return Ok(HashMap::new());
    }
    let mut db = service.db.acquire_with_kept_plans().await?;
    let sealed = storage::tables::callbacks::urls(&mut db, approvals).await?;
    Ok(sealed.into_iter().map(|(id, url)| (id, service.sealer.open(&url, id.uuid()))).collect())
}

fn open(
    service: &Service,
    backend: BackendId,
    stored: storage::tables::backends::Endpoint,
) -> Result<Endpoint, SealError> {
    let mut secrets = vec![service.sealer.open(&stored.secret, backend.uuid())?];
    let rotating = stored.previous_until.is_some_and(|until| service.now() < until);
    if let Some(previous) = stored.previous.as_ref().filter(|_| rotating) {
        secrets.push(service.sealer.open(previous, backend.uuid())?);
    }
    let stopped = stored.stopped_at.is_some();
    Ok(Endpoint {
        url: stored.url,
        secrets,
        stopped,
        health: KnownHealth::new(Health { failing_since: stored.failing_since, stopped }),
    })
}
