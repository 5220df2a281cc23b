//! What the outbox shows in Slack and sends to backends, read as it is now; and where in Slack it is shown.

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::{Service, ServiceError};
pub use crate::storage::{statements::decide::PromptFacts, tables::unlock_requests::Posted};
use crate::{
    domain::{
        approvals::Approval,
        ids::{ApprovalId, BackendId, UnlockRequestId, UserId, WorkspaceId},
        overview::UnlockLine,
        prompts::Prompt,
        rejection::Rejection,
    },
    storage,
    storage::{statements::claim::Claim, tables::unlock_requests},
};

/// An approval and what else its prompt shows.
#[derive(Debug)]
pub struct PromptContext {
    /// The approval.
    pub approval: Approval,
    /// Whether it may be auto-approved, and what the decision left.
    pub around: PromptFacts,
    /// Slack's id of the workspace.
    pub slack_id: String,
    /// When the app was installed last, as of the reading.
    pub installed_at: DateTime<Utc>,
    /// Whether the app is no longer installed.
    pub removed: bool,
    /// The messages that show it.
    pub prompts: Vec<Prompt>,
}

/// Reads an approval for its prompt. `None`: it is gone.
pub async fn prompt(
    service: &Service,
    workspace: WorkspaceId,
    id: ApprovalId,
) -> Result<Option<PromptContext>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let Some(approval) = storage::tables::approvals::find(&mut db, id).await? else { return Ok(None) };
    let around = storage::statements::decide::surroundings(&mut db, &approval).await?;
    let workspace = storage::tables::workspaces::find(&mut db, workspace).await?;
    let prompts = storage::tables::prompts::for_approval(&mut db, id).await?;
    let Some(workspace) = workspace else { return Ok(None) };
    Ok(Some(PromptContext {
        approval,
        around,
        slack_id: workspace.slack_id,
        installed_at: workspace.installed_at,
        removed: workspace.removed,
        prompts,
    }))
}

/// One approval of this workspace.
pub async fn approval(service: &Service, slack_id: &str, id: ApprovalId) -> Result<Approval, ServiceError> {
    let mut db = service.db.acquire().await?;
    let found = storage::tables::approvals::find_in_workspace(&mut db, slack_id, id, None).await?;
    Ok(found.ok_or(Rejection::UnknownApproval)?)
}

/// Remembers where a prompt was posted.
pub async fn remember_prompt(service: &Service, id: ApprovalId, prompt: &Prompt) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    storage::tables::prompts::remember(&mut db, id, prompt, service.now()).await?;
    Ok(())
}

/// Forgets a message that Slack no longer lets the app change.
pub async fn forget_prompt(service: &Service, id: ApprovalId, prompt: &Prompt) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(storage::tables::prompts::forget(&mut db, id, prompt, service.now()).await?)
}

/// Slack's id of the workspace, if the app is installed there.
pub async fn installed(service: &Service, workspace: WorkspaceId) -> Result<Option<String>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let found = storage::tables::workspaces::find(&mut db, workspace).await?;
    Ok(found.filter(|workspace| !workspace.removed).map(|workspace| workspace.slack_id))
}

/// Ends the other waiting rows of a row's queue: what is read after this shows what they were written for.
pub async fn absorb(service: &Service, claim: &Claim) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(storage::statements::claim::absorb(&mut db, claim, service.now()).await?)
}

/// A request to unlock an action, and who was told of it.
#[derive(Debug)]
pub struct UnlockContext {
    /// The request, and its answer if there is one.
    pub line: UnlockLine,
    /// The messages that show it.
    pub posted: Vec<Posted>,
    /// Users who were admins when their Home tab was last shown.
    pub known_admins: Vec<UserId>,
    /// Slack's id of the workspace.
    pub slack_id: String,
}

/// Reads a request to unlock an action. `None`: it is gone, or the app is not installed.
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

/// Remembers where an admin was told of a request.
pub async fn remember_unlock_message(
    service: &Service,
    id: UnlockRequestId,
    posted: &Posted,
) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(unlock_requests::remember(&mut db, id, posted, service.now()).await?)
}

/// Where a backend's webhooks go, and what signs them.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The address.
    pub url: String,
    /// What signs; two while a secret is being rotated.
    pub secrets: Vec<SecretString>,
    /// Since when it has answered nothing but failures.
    pub failing_since: Option<DateTime<Utc>>,
    /// Whether its deliveries wait.
    pub stopped: bool,
}

/// A backend's endpoint.
pub async fn endpoint(service: &Service, backend: BackendId) -> Result<Endpoint, ServiceError> {
    let mut db = service.db.acquire().await?;
    let stored = storage::tables::backends::endpoint(&mut db, backend).await?;
    open(service, backend, stored)
}

/// An approval and the endpoint that is told of it, in one reading. `None`: the approval is gone.
pub async fn webhook(
    service: &Service,
    backend: BackendId,
    id: ApprovalId,
) -> Result<Option<(Approval, Endpoint)>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let Some(approval) = storage::tables::approvals::find(&mut db, id).await? else { return Ok(None) };
    let stored = storage::tables::backends::endpoint(&mut db, backend).await?;
    drop(db);
    Ok(Some((approval, open(service, backend, stored)?)))
}

fn open(
    service: &Service,
    backend: BackendId,
    stored: storage::tables::backends::Endpoint,
) -> Result<Endpoint, ServiceError> {
    let mut secrets = vec![service.sealer.open(&stored.secret, backend.uuid())?];
    let rotating = stored.previous_until.is_some_and(|until| service.now() < until);
    if let Some(previous) = stored.previous.as_ref().filter(|_| rotating) {
        secrets.push(service.sealer.open(previous, backend.uuid())?);
    }
    Ok(Endpoint {
        url: stored.url,
        secrets,
        failing_since: stored.failing_since,
        stopped: stored.stopped_at.is_some(),
    })
}
