//! Reminders of requests that wait.
//!
//! A request is named by one message at most, over all instances, crashes and retries: that it is being named is
//! committed before the message is sent. If the process dies in between, or Slack does not confirm the message, the
//! request has no reminder.

use uuid::Uuid;

use super::{Service, ServiceError, retrying};
pub use crate::storage::tables::reminders::Open;
use crate::{
    domain::{
        approvals::Approval,
        effects::Redraw,
        ids::{ApprovalId, UserId, WorkspaceId},
        outcome::Outcome,
        prompts::Prompt,
    },
    storage::{
        statements::remind::{self, After, Waiting},
        stored::CorruptRow,
        tables::{approvals, prompts, reminders},
    },
};

/// How many users one statement looks at, and one transaction queues.
const PAGE: i64 = 500;

/// Queues reminders that are due, and updates of those whose requests ended. `progress` is called after each page.
pub async fn queue(service: &Service, progress: impl Fn()) -> Result<usize, ServiceError> {
    let mut queued = 0;
    let mut after = Some(After::default());
    while let Some(from) = after.take() {
        let mut db = service.db.acquire().await?;
        let page = remind::due_users(&mut db, service.now(), &from, PAGE).await?;
        drop(db);
        queued += page.due.len();
        retrying!(queue_for(service, &page.due))?;
        after = page.next;
        progress();
    }
    let mut db = service.db.acquire().await?;
    let outdated = remind::outdated(&mut db, PAGE).await?;
    drop(db);
    retrying!(queue_for(service, &outdated))?;
    Ok(queued)
}

async fn queue_for(service: &Service, users: &[Waiting]) -> Result<(), ServiceError> {
    if users.is_empty() {
        return Ok(());
    }
    let mut work = service.begin().await?;
    for (workspace, user) in users {
        work.redraw(Redraw::reminders(*workspace, user.clone()));
    }
    work.commit().await
}

/// A pending request, and a message that shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The request.
    pub approval: Approval,
    /// Its prompt. `None`: it was not posted yet, or can no longer be reached.
    pub prompt: Option<Prompt>,
}

/// The user's messages that say that something waits.
pub async fn open(
    service: &Service,
    workspace: WorkspaceId,
    user: &UserId,
) -> Result<Vec<Open>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(reminders::open(&mut db, workspace, user).await?)
}

/// Those of these approvals that are pending, the first to expire first.
pub async fn pending(service: &Service, ids: &[ApprovalId]) -> Result<Vec<ApprovalId>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(remind::pending(&mut db, ids).await?)
}

/// How many of these approvals ended in which way.
pub async fn ended(service: &Service, ids: &[ApprovalId]) -> Result<Vec<(Outcome, usize)>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(remind::ended(&mut db, ids).await?)
}

/// These requests with their prompts, in this order. One that can't be read is logged and left out.
pub async fn named(service: &Service, ids: &[ApprovalId]) -> Result<Vec<Named>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let mut found = approvals::find_all(&mut db, ids).await?;
    let mut prompts = prompts::first(&mut db, ids).await?;
    let named = ids.iter().filter_map(|id| {
        let approval = found.remove(id)?.inspect_err(CorruptRow::log).ok()?;
        Some(Named { approval, prompt: prompts.remove(id) })
    });
    Ok(named.collect())
}

/// The requests that a message to this user names now, the first to expire first. None if no request is due.
pub async fn due(
    service: &Service,
    workspace: WorkspaceId,
    user: &UserId,
) -> Result<Vec<ApprovalId>, ServiceError> {
    let now = service.now();
    let mut db = service.db.acquire().await?;
    let mut waiting = remind::unnamed(&mut db, workspace, user, now).await?;
    if !waiting.iter().any(|(_, lifetime)| lifetime.is_due(now)) {
        return Ok(Vec::new());
    }
    waiting.retain(|(_, lifetime)| lifetime.joins(now));
    waiting.sort_by_key(|(id, lifetime)| (lifetime.expires_at, *id));
    Ok(waiting.into_iter().map(|(id, _)| id).collect())
}

/// Notes that a message is being sent. Returns its key, and those of the approvals that it names, in this order.
pub async fn take(
    service: &Service,
    (workspace, user): (WorkspaceId, &UserId),
    ids: &[ApprovalId],
) -> Result<(Uuid, Vec<ApprovalId>), ServiceError> {
    let key = service.new_id();
    let mut db = service.db.acquire().await?;
    let taken = reminders::take(&mut db, key, (workspace, user), ids, service.now()).await?;
    Ok((key, ids.iter().copied().filter(|id| taken.contains(id)).collect()))
}

/// Notes that the message was not sent.
pub async fn give_back(service: &Service, key: Uuid) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(reminders::give_back(&mut db, key).await?)
}

/// Notes where the message is.
pub async fn posted(service: &Service, key: Uuid, message: &Prompt) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(reminders::posted(&mut db, key, message).await?)
}

/// Notes how many requests wait, as a message says now.
pub async fn shown(service: &Service, key: Uuid, waiting: usize) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(reminders::shown(&mut db, key, waiting, service.now()).await?)
}
