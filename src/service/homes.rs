//! The Home tab: its users, the pages that they are on, and everything that it shows.

use chrono::{DateTime, Utc};

use super::{Service, ServiceError, pauses, policies, retrying, workspaces};
use crate::{
    domain::{
        effects::Redraw,
        ids::{IntegrationId, UserId, WorkspaceId},
        overview::{Administration, DeviceLine, Home, Page, Place, RECENT, Section},
    },
    storage,
    storage::{read_models::overview, tables::unlock_requests},
};

/// Records that a user opened their Home tab. It is rendered now and after every change.
#[tracing::instrument(name = "open_home", skip_all, fields(workspace = slack_id, user = %user))]
pub async fn open(service: &Service, slack_id: &str, user: &UserId) -> Result<(), ServiceError> {
    retrying!(try_open(service, slack_id, user))
}

async fn try_open(service: &Service, slack_id: &str, user: &UserId) -> Result<(), ServiceError> {
    let mut work = service.begin().await?;
    let workspace = workspaces::find(&mut work, slack_id).await?;
    let now = work.now();
    storage::tables::homes::open(&mut work, workspace, user, now).await?;
    work.redraw(Redraw::home(workspace, user));
    work.commit().await
}

/// A move on the Home tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// To a page of a section.
    Page(Section, usize),
    /// To the actions of an integration, for admins. `None`: back to all integrations.
    Pick(Option<IntegrationId>),
}

/// Applies a move to the user's own Home tab.
#[tracing::instrument(name = "turn_home_page", skip_all, fields(workspace = slack_id, user = %user))]
pub async fn turn(service: &Service, slack_id: &str, user: &UserId, turn: Turn) -> Result<(), ServiceError> {
    retrying!(try_turn(service, slack_id, user, turn))
}

async fn try_turn(service: &Service, slack_id: &str, user: &UserId, turn: Turn) -> Result<(), ServiceError> {
    let mut work = service.begin().await?;
    let workspace = workspaces::find(&mut work, slack_id).await?;
    let known = storage::tables::homes::lock_place(&mut work, workspace, user).await?;
    if known.is_none() {
        // They are looking at a Home tab that the service has no record of.
        let now = work.now();
        storage::tables::homes::open(&mut work, workspace, user, now).await?;
    }
    let place = known.unwrap_or_default();
    let place = match turn {
        Turn::Page(section, page) => place.turned(section, page),
        Turn::Pick(integration) => place.picking(integration),
    };
    storage::tables::homes::move_to(&mut work, workspace, user, place).await?;
    work.redraw(Redraw::home(workspace, user));
    work.commit().await
}

/// Reads what a user's Home tab shows. `admin`: whether the user is an admin; `None` if unknown, and then the tab keeps
/// the form it last had. `None` is returned if the user never opened it.
#[tracing::instrument(name = "read_home", skip_all, fields(%workspace, %user))]
pub async fn read(
    service: &Service,
    workspace: WorkspaceId,
    user: &UserId,
    admin: Option<bool>,
) -> Result<Option<Home>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let Some((place, was_admin)) = storage::tables::homes::place(&mut db, workspace, user).await? else {
        return Ok(None);
    };
    if let Some(admin) = admin {
        storage::tables::homes::note_admin(&mut db, workspace, user, admin).await?;
    }
    let admin = admin.unwrap_or(was_admin);
    let now = service.now();
    let page = |section| place.page(section);
    let waiting = (page(Section::Waiting), Section::Waiting.size());
    let decisions = (page(Section::Decisions), Section::Decisions.size());
    Ok(Some(Home {
        waiting: policies::waiting(service, &mut db, workspace, user, waiting).await?,
        grants: overview::grants(&mut db, workspace, user, page(Section::Grants), now, &service.open_fixed())
            .await?,
        integrations: overview::integrations(&mut db, workspace, user, page(Section::Integrations)).await?,
        decisions: overview::decisions(&mut db, (workspace, user), None, decisions, RECENT).await?,
        devices: devices(&mut db, workspace, user, page(Section::Devices), now).await?,
        notifications: storage::tables::notifications::find(&mut db, workspace, user).await?,
        delegations: storage::tables::delegations::for_person(&mut db, workspace, user, now).await?,
        administration: if admin {
            Some(administration(service, &mut db, workspace, place).await?)
        } else {
            None
        },
    }))
}

/// A user's own API keys. They are few, so the page is cut out of all of them.
async fn devices(
    db: &mut storage::PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    wanted: usize,
    now: DateTime<Utc>,
) -> Result<Page<DeviceLine>, ServiceError> {
    let keys = storage::tables::user_keys::working(db, workspace, user, now).await?;
    let lines = keys.into_iter().map(|key| DeviceLine {
        id: key.id,
        backend: key.backend_name,
        name: key.name,
        created_at: key.created_at,
        expires_at: key.expires_at,
        last_used_at: key.last_used_at,
    });
    Ok(Page::from_list(lines.collect(), wanted, Section::Devices.size()))
}

async fn administration(
    service: &Service,
    db: &mut storage::PgConnection,
    workspace: WorkspaceId,
    place: Place,
) -> Result<Administration, ServiceError> {
    let now = service.now();
    let open = unlock_requests::open(db, workspace).await?;
    let open = Page::from_list(open, place.page(Section::Requests), Section::Requests.size());
    let mut requests = Vec::new();
    for id in &open.items {
        requests.extend(unlock_requests::line(db, *id, now).await?);
    }
    let picked = match place.picked() {
        Some(id) => match overview::catalog_line(db, workspace, id).await? {
            Some(line) => {
                Some((line, overview::actions(db, workspace, id, place.page(Section::Actions)).await?))
            }
            None => None,
        },
        None => None,
    };
    Ok(Administration {
        requests: Page::new(requests, open.number, open.total, Section::Requests.size()),
        changed: overview::changed(db, workspace, place.page(Section::Changed)).await?,
        catalog: overview::catalog(db, workspace, place.page(Section::Catalog)).await?,
        picked,
        backends: overview::backends(db, workspace, place.page(Section::Backends), now).await?,
        paused: pauses::lines(db, workspace).await?,
        prompt_failures: storage::tables::prompt_failures::recent(db, workspace, now).await?,
        setup: storage::read_models::setup::setup(db, workspace).await?,
    })
}
