//! Entries of the audit that match a filter. A search reads the audit in its own order and looks at a bounded number of
//! entries, whether or not they match.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    domain::{
        audit::ActorKind,
        ids::{ActionId, ApprovalId, GrantId, UserId, WorkspaceId},
    },
    storage::{
        PgConnection,
        stored::CorruptRow,
        tables::audit::{Position, Stored},
    },
};

/// How far an entry's time may be from its place: transactions number themselves when they first write, and instances'
/// clocks differ.
const SKEW: TimeDelta = TimeDelta::hours(1);

/// What a search looks for.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Whose entries.
    pub user: Option<UserId>,
    /// The actions' ids and their paths, for entries that name only a path. `None`: of every action.
    pub actions: Option<(Vec<ActionId>, Vec<String>)>,
    /// The agent's id or name.
    pub agent: Option<String>,
    /// The kinds of entries; empty for all.
    pub what: Vec<&'static str>,
    /// From when on.
    pub since: Option<DateTime<Utc>>,
    /// Until when.
    pub until: Option<DateTime<Utc>>,
    /// Only entries that are given to readers of the export: see [`crate::storage::tables::audit::export`].
    pub horizon: Option<u64>,
}

/// The part of the audit that a search looks through: between these two places, which are not part of it.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// The place before it.
    pub after: Position,
    /// The place behind it.
    pub before: Position,
    /// The present era.
    pub newest_era: i32,
}

const FIRST: Position = Position { era: 0, txid: 0, id: 0 };
const LAST: Position = Position { era: i32::MAX, txid: u64::MAX, id: i64::MAX };

impl Range {
    /// The first era that a search in this order looks through, with the part of it that belongs to the range. `None`: the
    /// range is empty.
    fn within_era(self, order: Order) -> Option<(Position, Position)> {
        let era = match order {
            Order::OldestFirst => self.after.era,
            Order::NewestFirst => self.before.era.min(self.newest_era),
        };
        if era > self.newest_era || era < self.after.era || era > self.before.era {
            return None;
        }
        let after = if self.after.era == era { self.after } else { Position { era, ..FIRST } };
        let before = if self.before.era == era { self.before } else { Position { era, ..LAST } };
        (after < before).then_some((after, before))
    }

    /// Where a search goes on behind this era. `None`: it is at its end.
    const fn behind_era(self, era: i32, order: Order) -> Option<Position> {
        match order {
            Order::OldestFirst if era < self.newest_era && era < self.before.era => {
                Some(Position { era: era + 1, ..FIRST })
            }
            Order::NewestFirst if era > self.after.era => Some(Position { era: era - 1, ..LAST }),
            Order::OldestFirst | Order::NewestFirst => None,
        }
    }
}

/// The order in which a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the newest entry on.
    NewestFirst,
    /// From the oldest entry on.
    OldestFirst,
}

/// An entry that matches, with what its request or grant says.
#[derive(Debug, Clone)]
pub struct Found {
    /// The entry.
    pub entry: Stored,
    /// Whose request or grant it is.
    pub user: Option<String>,
    /// The action.
    pub path: Option<String>,
    /// The agent's name, or its id.
    pub agent: Option<String>,
    /// The reason of the decision.
    pub reason: Option<String>,
}

/// The part of a workspace's audit that was written at these times, and perhaps an hour more on each side.
pub async fn range(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
) -> sqlx::Result<Range> {
    let after = match since.and_then(|since| since.checked_sub_signed(SKEW)) {
        Some(since) => first_from(db, workspace, since).await?.unwrap_or(LAST),
        None => FIRST,
    };
    let before = match until.and_then(|until| until.checked_add_signed(SKEW)) {
        Some(until) => first_from(db, workspace, until).await?.unwrap_or(LAST),
        None => LAST,
    };
    let newest_era =
        sqlx::query_scalar!(r#"SELECT max(era) AS "era!" FROM audit_eras"#).fetch_one(db).await?;
    Ok(Range { after, before, newest_era })
}

/// The place before the first entry that was written at this time or later. `None`: there is none. A search by halves: the
/// audit has no index by time, and its order is nearly that of time.
async fn first_from(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    at: DateTime<Utc>,
) -> sqlx::Result<Option<Position>> {
    let eras = sqlx::query!(
        r#"SELECT e.era, oldest.txid::text AS "oldest!", newest.txid::text AS "newest!", newest.at AS newest_at
           FROM audit_eras e
           CROSS JOIN LATERAL (SELECT a.txid FROM audit a WHERE a.workspace_id = $1 AND a.era = e.era
                               ORDER BY a.txid, a.id LIMIT 1) oldest
           CROSS JOIN LATERAL (SELECT a.txid, a.at FROM audit a WHERE a.workspace_id = $1 AND a.era = e.era
                               ORDER BY a.txid DESC, a.id DESC LIMIT 1) newest
           ORDER BY e.era"#,
        workspace.uuid()
    )
    .fetch_all(&mut *db)
    .await?;
    for era in eras {
        let corrupt = || CorruptRow::new("audit", "txid", &era.era);
        let newest = era.newest.parse::<u64>().map_err(|_| corrupt())?;
        if era.newest_at < at {
            continue;
        }
        // The first entry from `low` on may be too old; that from `high` on is not.
        let (mut low, mut high) = (era.oldest.parse::<u64>().map_err(|_| corrupt())?, newest);
        while low < high {
            let middle = low + (high - low) / 2;
            let found = sqlx::query!(
                r#"SELECT txid::text AS "txid!", at FROM audit
                   WHERE workspace_id = $1 AND era = $2 AND txid >= $3::text::xid8 ORDER BY audit.txid, id LIMIT 1"#,
                workspace.uuid(),
                era.era,
                middle.to_string()
            )
            .fetch_optional(&mut *db)
            .await?;
            match found {
                Some(row) if row.at < at => low = row.txid.parse::<u64>().map_err(|_| corrupt())? + 1,
                _ => high = middle,
            }
        }
        return Ok(Some(Position { era: era.era, txid: low, id: 0 }));
    }
    Ok(None)
}

/// Statements of a search in one direction, within one era: Postgres takes a comparison of whole positions for one of eras,
/// and would sort all that it finds. Two statements, so that each is planned as a walk through the index of the audit's
/// order: the first finds where the work of a page ends, the second reads what matches before that.
macro_rules! walk {
    ($db:expr, $workspace:expr, $conditions:expr, $range:expr, $scan:expr, $limit:expr, $order:expr,
     $from:literal, $by:literal) => {{
        let (conditions, range): (&Conditions, Range) = ($conditions, $range);
        let Some((mut after, mut before)) = range.within_era($order) else { return Ok((Vec::new(), None)) };
        let era = after.era;
        let horizon = conditions.horizon.map(|horizon| horizon.to_string());
        let start = if $order == Order::OldestFirst { after } else { before };
        let end = sqlx::query!(
            r#"SELECT txid::text AS "txid!", id FROM audit s
               WHERE workspace_id = $1 AND era = $2 AND (txid, id) "# + $from + r#" ($3::text::xid8, $4)
                 AND ($5::text IS NULL OR txid < $5::text::xid8 OR era < (SELECT max(e.era) FROM audit_eras e))
               ORDER BY "# + $by + " OFFSET $6 LIMIT 1",
            $workspace.uuid(),
            era,
            start.txid.to_string(),
            start.id,
            horizon,
            $scan - 1
        )
        .fetch_optional(&mut *$db)
        .await?;
        let end = end.map(|row| position(era, &row.txid, row.id)).transpose()?;
        // One beyond the range ends nothing: what is in the range comes before it.
        let end = end.filter(|end| after < *end && *end < before);
        match end {
            Some(end) if $order == Order::OldestFirst => before = Position { id: end.id + 1, ..end },
            Some(end) => after = Position { id: end.id - 1, ..end },
            None => {}
        }
        let (ids, paths) = match &conditions.actions {
            Some((ids, paths)) => (Some(ids.iter().map(|id| id.uuid()).collect::<Vec<Uuid>>()), Some(paths)),
            None => (None, None),
        };
        let what: Option<Vec<String>> = (!conditions.what.is_empty())
            .then(|| conditions.what.iter().map(|what| (*what).to_owned()).collect());
        let rows = sqlx::query_as!(
            Row,
            r#"-- s: the entries. p, g: what an entry's approval or grant says, read by its id. a, i: the action of that.
               SELECT s.id, s.era, s.txid::text AS "txid!", s.at, s.actor_kind, s.actor, s.what, s.approval_id, s.grant_id,
                      s.subject, s.before, s.after, coalesce(p.user_id, g.user_id, s.after->>'user') AS user_id,
                      i.key || '.' || a.key AS path, coalesce(p.agent_name, p.agent_id) AS agent,
                      CASE WHEN s.what <> 'approval.requested' THEN p.decision_reason END AS reason
               FROM audit s
               LEFT JOIN LATERAL (SELECT p.user_id, p.agent_id, p.agent_name, p.action_id, p.decision_reason
                                  FROM approvals p WHERE p.id = s.approval_id LIMIT 1) p ON true
               LEFT JOIN LATERAL (SELECT g.user_id, g.action_id FROM grants g WHERE g.id = s.grant_id LIMIT 1) g ON true
               LEFT JOIN LATERAL (SELECT a.key, a.integration_id FROM actions a
                                  WHERE a.id = coalesce(p.action_id, g.action_id) LIMIT 1) a ON true
               LEFT JOIN LATERAL (SELECT i.key FROM integrations i WHERE i.id = a.integration_id LIMIT 1) i ON true
               WHERE s.workspace_id = $1 AND s.era = $2 AND (s.txid, s.id) > ($3::text::xid8, $4)
                 AND (s.txid, s.id) < ($5::text::xid8, $6)
                 AND ($7::text IS NULL OR s.txid < $7::text::xid8 OR s.era < (SELECT max(e.era) FROM audit_eras e))
                 AND s.at >= coalesce($8, '-infinity'::timestamptz) AND s.at < coalesce($9, 'infinity'::timestamptz)
                 AND ($10::text[] IS NULL OR s.what = ANY($10))
                 AND ($11::text IS NULL OR s.actor = $11 OR split_part(s.subject, ' ', 1) = $11
                      OR s.after->>'user' = $11 OR p.user_id = $11 OR g.user_id = $11)
                 AND ($12::uuid[] IS NULL OR s.subject = ANY($13::text[])
                      OR coalesce(p.action_id, g.action_id) = ANY($12))
                 AND ($14::text IS NULL OR lower(p.agent_id) = lower($14) OR lower(p.agent_name) = lower($14))
               ORDER BY "# + $by + " LIMIT $15",
            $workspace.uuid(),
            era,
            after.txid.to_string(),
            after.id,
            before.txid.to_string(),
            before.id,
            horizon,
            conditions.since,
            conditions.until,
            what.as_deref(),
            conditions.user.as_ref().map(UserId::as_str),
            ids.as_deref(),
            paths.map(Vec::as_slice),
            conditions.agent,
            $limit
        )
        .fetch_all(&mut *$db)
        .await?;
        let found: Vec<Found> =
            rows.into_iter().map(Row::read).collect::<Result<_, CorruptRow>>()?;
        let full = i64::try_from(found.len()).is_ok_and(|found| found >= $limit);
        let next = if full {
            found.last().map(|last| last.entry.position)
        } else {
            end.or_else(|| range.behind_era(era, $order))
        };
        (found, next)
    }};
}

/// At most `limit` entries that match, of at most `scan` in this order, and where the next page goes on. `None`: the search
/// is at its end. `scan` and `limit` are at least 1.
pub async fn search(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    conditions: &Conditions,
    range: Range,
    order: Order,
    (scan, limit): (i64, i64),
) -> sqlx::Result<(Vec<Found>, Option<Position>)> {
    Ok(match order {
        Order::OldestFirst => {
            walk!(db, workspace, conditions, range, scan, limit, order, ">", "s.txid, s.id")
        }
        Order::NewestFirst => {
            walk!(db, workspace, conditions, range, scan, limit, order, "<", "s.txid DESC, s.id DESC")
        }
    })
}

/// A row of a search.
struct Row {
    id: i64,
    era: i32,
    txid: String,
    at: DateTime<Utc>,
    actor_kind: String,
    actor: Option<String>,
    what: String,
    approval_id: Option<Uuid>,
    grant_id: Option<Uuid>,
    subject: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
    user_id: Option<String>,
    path: Option<String>,
    agent: Option<String>,
    reason: Option<String>,
}

impl Row {
    fn read(self) -> Result<Found, CorruptRow> {
        let actor_kind = ActorKind::from_stored(&self.actor_kind)
            .ok_or_else(|| CorruptRow::new("audit", "actor_kind", &self.id))?;
        Ok(Found {
            entry: Stored {
                position: position(self.era, &self.txid, self.id)?,
                at: self.at,
                actor_kind,
                actor: self.actor,
                what: self.what,
                approval: self.approval_id.map(ApprovalId::new),
                grant: self.grant_id.map(GrantId::new),
                subject: self.subject,
                before: self.before,
                after: self.after,
            },
            user: self.user_id,
            path: self.path,
            agent: self.agent,
            reason: self.reason,
        })
    }
}

/// Postgres writes an xid8 as the unsigned number that it is.
fn position(era: i32, txid: &str, id: i64) -> Result<Position, CorruptRow> {
    let txid = txid.parse().map_err(|_| CorruptRow::new("audit", "txid", &id))?;
    Ok(Position { era, txid, id })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(era: i32, txid: u64) -> Position {
        Position { era, txid, id: 0 }
    }

    #[test]
    fn a_search_goes_from_era_to_era_in_its_order() {
        let whole = Range { after: FIRST, before: LAST, newest_era: 2 };
        let eras = |order| {
            let (mut range, mut eras) = (whole, Vec::new());
            while let Some((after, _)) = range.within_era(order) {
                eras.push(after.era);
                let Some(next) = range.behind_era(after.era, order) else { break };
                match order {
                    Order::OldestFirst => range.after = next,
                    Order::NewestFirst => range.before = next,
                }
            }
            eras
        };
        assert_eq!(eras(Order::OldestFirst), [0, 1, 2]);
        assert_eq!(eras(Order::NewestFirst), [2, 1, 0]);
    }

    #[test]
    fn a_range_within_an_era_stays_within_it() {
        let range = Range { after: at(1, 5), before: at(1, 9), newest_era: 2 };
        for order in [Order::OldestFirst, Order::NewestFirst] {
            assert_eq!(range.within_era(order), Some((at(1, 5), at(1, 9))));
            assert_eq!(range.behind_era(1, order), None);
        }
        let empty = Range { after: LAST, before: LAST, newest_era: 2 };
        assert_eq!(empty.within_era(Order::NewestFirst), None);
        assert_eq!(empty.within_era(Order::OldestFirst), None);
    }
}
