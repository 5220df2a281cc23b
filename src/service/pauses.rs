//! An admin or an operator pauses an agent or a backend, and resumes it.

use chrono::TimeDelta;

use super::{
    Service, ServiceError, UnitOfWork, recent_leavers, retrying,
    workspaces::{self, Origin},
};
use crate::{
    domain::{
        audit::Actor,
        ids::{AgentId, BackendId, PauseId, UserId, WorkspaceId},
        overview::{AgentLine, AgentsPage, PauseLine},
        pauses::{self, Pause, PauseReason, PauseTarget, PausedRequests, Pauses},
        rejection::Rejection,
        unlocking,
    },
    storage::{
        PgConnection,
        tables::{agents, approvals, backends, pauses as table, workspaces::Entered},
    },
};

/// For how long agents are listed after they asked.
pub const SEEN: TimeDelta = TimeDelta::days(30);
/// How many agents a page shows to an admin.
const SHOWN: usize = 10;

/// What to pause, how and why.
#[derive(Debug, Clone)]
pub struct NewPause {
    /// What.
    pub target: PauseTarget,
    /// What happens to its requests.
    pub requests: PausedRequests,
    /// Why.
    pub reason: PauseReason,
}

/// Pauses a backend or an agent. Once this returns, nothing that it asks is approved, by a grant or by a person.
#[tracing::instrument(name = "pause", skip_all, fields(%workspace))]
pub async fn pause(
    service: &Service,
    workspace: WorkspaceId,
    new: &NewPause,
    actor: &Actor,
) -> Result<PauseLine, ServiceError> {
    retrying!(attempt(service, workspace, new, actor))
}

async fn attempt(
    service: &Service,
    workspace: WorkspaceId,
    new: &NewPause,
    actor: &Actor,
) -> Result<PauseLine, ServiceError> {
    let mut work = service.begin().await?;
    let live = table::lock(&mut work, workspace).await?;
    let new_line = apply(service, &mut work, workspace, live, new, actor).await?;
    work.commit().await?;
    Ok(new_line.paused())
}

/// Like [`pause`], for an admin's click. The caller has just checked the admin's rights.
#[tracing::instrument(name = "pause_by_admin", skip_all, fields(workspace = origin.workspace, user = %admin))]
pub async fn pause_by_admin(
    service: &Service,
    origin: Origin<'_>,
    new: &NewPause,
    admin: &UserId,
) -> Result<PauseLine, ServiceError> {
    retrying!(attempt_by_admin(service, origin, new, admin))
}

async fn attempt_by_admin(
    service: &Service,
    origin: Origin<'_>,
    new: &NewPause,
    admin: &UserId,
) -> Result<PauseLine, ServiceError> {
    let (mut work, workspace, live) = for_admin(service, origin, admin, true).await?;
    let new_line = apply(service, &mut work, workspace, live, new, &Actor::User(admin.clone())).await?;
    work.commit().await?;
    Ok(new_line.paused())
}

/// Begins a unit of work for an admin's click. The workspace is locked against asks before anything else, so that two
/// admins who pause at once wait for each other, and not in a circle.
async fn for_admin(
    service: &Service,
    origin: Origin<'_>,
    admin: &UserId,
    only_takes_away: bool,
) -> Result<(UnitOfWork, WorkspaceId, Pauses), ServiceError> {
    let mut work = service.begin().await?;
    let workspace = workspaces::find(&mut work, origin.workspace).await?;
    let live = table::lock(&mut work, workspace).await?;
    let Entered { left_at, .. } = workspaces::enter(&mut work, origin, admin).await?;
    if !only_takes_away && recent_leavers::has_left(left_at, work.now()) {
        return work.refuse(unlocking::refuse(workspace, admin)).await;
    }
    Ok((work, workspace, live))
}

async fn apply(
    service: &Service,
    work: &mut UnitOfWork,
    workspace: WorkspaceId,
    live: Pauses,
    new: &NewPause,
    actor: &Actor,
) -> Result<Applied, ServiceError> {
    let NewPause { target, requests, reason } = new.clone();
    let backend = match target.backend() {
        Some(backend) => {
            Some(backend_name(work, workspace, backend).await?.ok_or(Rejection::UnknownBackend)?)
        }
        None => None,
    };
    // A repeated call, or a second admin with the same in mind: the pause stands, and needs no second audit entry.
    let same = live.for_target(&target).filter(|live| live.requests == requests && live.reason == reason);
    if let Some(pause) = same.cloned() {
        return Ok(Applied::Before(PauseLine { pause, backend }));
    }
    let id = PauseId::new(service.new_id());
    let pause = Pause { id, target, requests, reason, by: actor.clone(), at: work.now() };
    let concerned = approvals::pending_of_agent(work, workspace, &pause.target).await?;
    let change = pauses::pause(workspace, live, pause.clone(), backend.as_deref(), &concerned)?;
    let change = work.record(change);
    table::save(work, workspace, &change).await?;
    Ok(Applied::Now(PauseLine { pause, backend }))
}

/// What is paused now.
enum Applied {
    /// By this call.
    Now(PauseLine),
    /// By an earlier one that said the same.
    Before(PauseLine),
}

impl Applied {
    /// Records the pause in the log, once it is committed.
    fn paused(self) -> PauseLine {
        match self {
            Self::Before(line) => line,
            Self::Now(line) => {
                let Pause { id, target, requests, by, .. } = &line.pause;
                let what = if target.agent().is_some() { "agent" } else { "backend" };
                tracing::info!(pause = %id, what, requests = requests.as_str(), by = by.label(), "Paused");
                line
            }
        }
    }
}

/// Resumes a backend or an agent, for an operator.
#[tracing::instrument(name = "resume", skip_all, fields(%workspace, pause = %id))]
pub async fn resume(
    service: &Service,
    workspace: WorkspaceId,
    id: PauseId,
    actor: &Actor,
) -> Result<PauseLine, ServiceError> {
    retrying!(attempt_resume(service, workspace, id, actor))
}

async fn attempt_resume(
    service: &Service,
    workspace: WorkspaceId,
    id: PauseId,
    actor: &Actor,
) -> Result<PauseLine, ServiceError> {
    let mut work = service.begin().await?;
    let live = table::lock(&mut work, workspace).await?;
    let ended = end(&mut work, workspace, live, id, actor).await?;
    work.commit().await?;
    Ok(resumed(ended))
}

/// Like [`resume`], for an admin's click. The caller has just checked the admin's rights.
#[tracing::instrument(name = "resume_by_admin", skip_all, fields(workspace = origin.workspace, user = %admin, pause = %id))]
pub async fn resume_by_admin(
    service: &Service,
    origin: Origin<'_>,
    id: PauseId,
    admin: &UserId,
) -> Result<PauseLine, ServiceError> {
    retrying!(attempt_resume_by_admin(service, origin, id, admin))
}

async fn attempt_resume_by_admin(
    service: &Service,
    origin: Origin<'_>,
    id: PauseId,
    admin: &UserId,
) -> Result<PauseLine, ServiceError> {
    let (mut work, workspace, live) = for_admin(service, origin, admin, false).await?;
    let ended = end(&mut work, workspace, live, id, &Actor::User(admin.clone())).await?;
    work.commit().await?;
    Ok(resumed(ended))
}

async fn end(
    work: &mut UnitOfWork,
    workspace: WorkspaceId,
    live: Pauses,
    id: PauseId,
    actor: &Actor,
) -> Result<PauseLine, ServiceError> {
    let pause = live.find(id).cloned().ok_or(Rejection::NotPaused)?;
    let backend = match pause.target.backend() {
        Some(backend) => backend_name(work, workspace, backend).await?,
        None => None,
    };
    let concerned = approvals::pending_of_agent(work, workspace, &pause.target).await?;
    let change = pauses::resume(workspace, live, id, actor.clone(), backend.as_deref(), &concerned)?;
    let change = work.record(change);
    table::save(work, workspace, &change).await?;
    Ok(PauseLine { pause, backend })
}

fn resumed(line: PauseLine) -> PauseLine {
    let what = if line.pause.target.agent().is_some() { "agent" } else { "backend" };
    tracing::info!(pause = %line.pause.id, what, "Resumed");
    line
}

async fn backend_name(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    backend: BackendId,
) -> Result<Option<String>, ServiceError> {
    Ok(backends::name(db, workspace, backend).await?)
}

/// What is paused in a workspace, oldest first.
pub async fn list(service: &Service, workspace: WorkspaceId) -> Result<Vec<PauseLine>, ServiceError> {
    let mut db = service.db.acquire().await?;
    lines(&mut db, workspace).await
}

/// What is paused in all workspaces, at most a hundred of them.
pub async fn everywhere(service: &Service) -> Result<Vec<PauseLine>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let mut all = Vec::new();
    for workspace in table::paused_workspaces(&mut db, 100).await? {
        all.extend(lines(&mut db, workspace).await?);
    }
    Ok(all)
}

/// The same as [`list`], on a connection.
pub(super) async fn lines(
    db: &mut PgConnection,
    workspace: WorkspaceId,
) -> Result<Vec<PauseLine>, ServiceError> {
    let mut lines = Vec::new();
    for pause in table::list(db, workspace).await?.all() {
        let backend = match pause.target.backend() {
            Some(backend) => backend_name(db, workspace, backend).await?,
            None => None,
        };
        lines.push(PauseLine { pause: pause.clone(), backend });
    }
    Ok(lines)
}

/// The agents that asked in the last 30 days, the latest first: at most `limit` after the first `skip`.
pub async fn agents(
    service: &Service,
    workspace: WorkspaceId,
    (skip, limit): (i64, i64),
) -> Result<Vec<AgentLine>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(agents::list(&mut db, workspace, service.now() - SEEN, (skip, limit)).await?)
}

/// A page of what is paused and which agents asked lately, for an admin, whose rights the caller has just checked.
#[tracing::instrument(name = "show_agents", skip_all, fields(workspace = slack_id))]
pub async fn page(service: &Service, slack_id: &str, page: usize) -> Result<AgentsPage, ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    let paused = lines(&mut db, workspace).await?;
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    // One more than is shown tells whether there is another page.
    let window = (count(page.saturating_mul(SHOWN)), count(SHOWN + 1));
    let mut agents = agents::list(&mut db, workspace, service.now() - SEEN, window).await?;
    let more = agents.len() > SHOWN;
    agents.truncate(SHOWN);
    Ok(AgentsPage { paused, agents, page, more })
}

/// The agent that an admin wants to pause.
pub async fn agent(service: &Service, slack_id: &str, id: AgentId) -> Result<AgentLine, ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    Ok(agents::find(&mut db, workspace, id).await?.ok_or(Rejection::UnknownAgent)?)
}

/// The name of the backend that an admin wants to pause.
pub async fn backend(service: &Service, slack_id: &str, id: BackendId) -> Result<String, ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    Ok(backend_name(&mut db, workspace, id).await?.ok_or(Rejection::UnknownBackend)?)
}
