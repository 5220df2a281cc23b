//! Admins, operators and backends search the audit.

use super::{Service, ServiceError, action_paths, authenticate::BackendCaller, workspaces};
pub use crate::storage::{read_models::audit_search::Order, tables::audit::Position};
use crate::{
    domain::{
        audit_search::{AuditFilter, AuditLine, AuditPage},
        csv,
        ids::WorkspaceId,
    },
    storage::{
        read_models::{
            audit_horizon,
            audit_search::{self, Conditions, Found, Range},
        },
        tables::audit::Stored,
    },
};

/// How many entries a page looks through.
const SCAN: i64 = 10_000;
/// How many matches a page shows to an admin.
const SHOWN: i64 = 10;
/// How many matches a batch of an export has.
const BATCH: i64 = 1_000;
/// The most rows of a file that an admin is sent.
pub const MOST_ROWS: usize = 10_000;
/// The most entries that are looked through for such a file.
const MOST_SCANNED: i64 = 1_000_000;

/// A search that goes on from page to page.
#[derive(Debug)]
pub struct Search {
    workspace: WorkspaceId,
    conditions: Conditions,
    range: Range,
    order: Order,
}

impl Search {
    /// Begins a search.
    pub async fn begin(
        service: &Service,
        workspace: WorkspaceId,
        filter: &AuditFilter,
        order: Order,
    ) -> Result<Self, ServiceError> {
        let mut db = service.db.acquire().await?;
        let actions = match &filter.action {
            Some(path) => {
                let found = action_paths::existing(&mut db, workspace, path).await?;
                let paths = path.readings().iter().map(|(integration, key)| format!("{integration}.{key}"));
                Some((found.into_iter().map(|(id, _)| id).collect(), paths.collect()))
            }
            None => None,
        };
        let range = audit_search::range(&mut db, workspace, filter.since, filter.until).await?;
        let conditions = Conditions {
            user: filter.user.clone(),
            actions,
            agent: filter.agent.clone(),
            what: filter.what.iter().map(|what| what.as_str()).collect(),
            since: filter.since,
            until: filter.until,
            horizon: None,
        };
        Ok(Self { workspace, conditions, range, order })
    }

    /// Goes on behind this place.
    #[must_use]
    pub fn from(mut self, place: Option<Position>) -> Self {
        match (place, self.order) {
            (None, _) => {}
            (Some(place), Order::OldestFirst) => self.range.after = self.range.after.max(place),
            (Some(place), Order::NewestFirst) => self.range.before = self.range.before.min(place),
        }
        self
    }

    /// The next entries that match, at most `limit`, and where the search goes on. There may be none although it goes on.
    async fn read(
        &self,
        service: &Service,
        limit: i64,
    ) -> Result<(Vec<Found>, Option<Position>), ServiceError> {
        let mut db = service.db.acquire().await?;
        let (workspace, conditions) = (self.workspace, &self.conditions);
        Ok(audit_search::search(&mut db, workspace, conditions, self.range, self.order, (SCAN, limit))
            .await?)
    }

    /// The next batch of an export, and the search behind it.
    pub async fn batch(
        self,
        service: &Service,
        limit: i64,
    ) -> Result<(Vec<AuditLine>, Option<Self>), ServiceError> {
        let (found, next) = self.read(service, limit.clamp(1, BATCH)).await?;
        let rest = next.map(|next| self.from(Some(next)));
        Ok((found.into_iter().map(line).collect(), rest))
    }
}

/// Entries of a backend's workspace that match, oldest first, in an order that later ones only add to, and where the next
/// page begins. A page may be empty although another follows.
#[tracing::instrument(name = "search_audit_entries", skip_all, fields(workspace = %caller.workspace, backend = %caller.backend))]
pub async fn for_backend(
    service: &Service,
    caller: BackendCaller,
    filter: &AuditFilter,
    after: Option<Position>,
    limit: i64,
) -> Result<(Vec<Stored>, Option<Position>), ServiceError> {
    let mut search = Search::begin(service, caller.workspace, filter, Order::OldestFirst).await?.from(after);
    let mut db = service.db.acquire().await?;
    search.conditions.horizon = Some(audit_horizon::read(&mut db).await?);
    drop(db);
    let (found, next) = search.read(service, limit).await?;
    Ok((found.into_iter().map(|found| found.entry).collect(), next))
}

/// A page of what an admin searches for, whose rights the caller has just checked.
#[tracing::instrument(name = "search_audit", skip_all, fields(workspace = slack_id))]
pub async fn page(
    service: &Service,
    slack_id: &str,
    filter: &AuditFilter,
    before: Option<&str>,
) -> Result<AuditPage, ServiceError> {
    let workspace = {
        let mut db = service.db.acquire().await?;
        workspaces::find(&mut db, slack_id).await?
    };
    let before = before.and_then(|text| text.parse().ok());
    let search = Search::begin(service, workspace, filter, Order::NewestFirst).await?.from(before);
    let (found, next) = search.read(service, SHOWN).await?;
    Ok(AuditPage { lines: found.into_iter().map(line).collect(), next: next.map(|next| next.to_string()) })
}

/// A file of what an admin searches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFile {
    /// Comma-separated values, newest first.
    pub csv: String,
    /// How many entries it has.
    pub rows: usize,
    /// Whether there is more than fits into it.
    pub is_cut: bool,
}

/// All that matches, up to [`MOST_ROWS`], as a file.
#[tracing::instrument(name = "export_audit", skip_all, fields(workspace = slack_id))]
pub async fn file(
    service: &Service,
    slack_id: &str,
    filter: &AuditFilter,
) -> Result<AuditFile, ServiceError> {
    let workspace = {
        let mut db = service.db.acquire().await?;
        workspaces::find(&mut db, slack_id).await?
    };
    let mut search = Some(Search::begin(service, workspace, filter, Order::NewestFirst).await?);
    let (mut csv, mut rows) = (header(), 0);
    for _ in 0..MOST_SCANNED / SCAN {
        let Some(now) = search.take() else { break };
        let left = i64::try_from(MOST_ROWS - rows).unwrap_or(BATCH);
        let (lines, rest) = now.batch(service, left).await?;
        rows += lines.len();
        for line in &lines {
            push(&mut csv, line);
        }
        search = rest;
        if rows >= MOST_ROWS {
            break;
        }
    }
    Ok(AuditFile { csv, rows, is_cut: search.is_some() })
}

/// The first row of a file.
#[must_use]
pub fn header() -> String {
    let mut text = String::new();
    csv::push_row(&mut text, COLUMNS);
    text
}

const COLUMNS: [&str; 13] = [
    "at",
    "what",
    "actor_kind",
    "actor",
    "user",
    "action",
    "agent",
    "by",
    "scope",
    "why",
    "approval",
    "grant",
    "subject",
];

/// Adds an entry to a file.
pub fn push(text: &mut String, line: &AuditLine) {
    let at = line.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let approval = line.approval.map(|id| id.to_string());
    let grant = line.grant.map(|id| id.to_string());
    let cells = [
        Some(at.as_str()),
        Some(line.what.as_str()),
        Some(line.actor_kind.as_str()),
        line.actor.as_deref(),
        line.user.as_deref(),
        line.path.as_deref(),
        line.agent.as_deref(),
        line.by.as_deref(),
        line.scope.as_deref(),
        line.why.as_deref(),
        approval.as_deref(),
        grant.as_deref(),
        line.subject.as_deref(),
    ];
    csv::push_row(text, cells.map(Option::unwrap_or_default));
}

fn line(found: Found) -> AuditLine {
    let Found { entry, user, path, agent, reason } = found;
    let after = |name: &str| {
        let value = entry.after.as_ref().and_then(|after| after.get(name));
        value.and_then(serde_json::Value::as_str).map(str::to_owned)
    };
    let (by, scope, why) = (after("by"), after("scope"), after("why"));
    // An entry about an action names only its path.
    let is_path = entry.what.starts_with("action.") || entry.what.starts_with("unlock.");
    let path = path.or_else(|| entry.subject.clone().filter(|_| is_path));
    AuditLine {
        at: entry.at,
        actor_kind: entry.actor_kind,
        actor: entry.actor,
        what: entry.what,
        approval: entry.approval,
        grant: entry.grant,
        subject: entry.subject,
        user,
        path,
        agent,
        by,
        scope,
        why: reason.or(why),
    }
}
