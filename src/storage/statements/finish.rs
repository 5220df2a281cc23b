//! Records how attempts to deliver outbox rows ended, and gives the rows back.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::ids::DeliveryId,
    storage::{PgConnection, bounds, statements::claim::Claim},
};

/// How an attempt ended.
#[derive(Debug, Clone)]
pub enum Ending {
    /// The message or webhook was delivered.
    Done,
    /// The delivery is to be tried again.
    Later {
        /// When to try again.
        at: DateTime<Utc>,
        /// Whether the attempt counts towards the retry schedule. Internal errors and Slack's rate limits don't.
        counts: bool,
    },
    /// The delivery is given up, until someone requests its redelivery.
    Dead,
}

/// An attempt to deliver, as it is recorded.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// How it ended.
    pub ending: Ending,
    /// When the attempt began.
    pub started_at: DateTime<Utc>,
    /// How long the attempt took, in milliseconds.
    pub took_ms: i64,
    /// The HTTP status of the response, if there was one.
    pub http_status: Option<i32>,
    /// The error, or the beginning of the response.
    pub detail: Option<String>,
}

/// An attempt in the form in which it is stored.
struct Stored<'a> {
    outcome: &'static str,
    /// How many tries it counts as: 0 or 1.
    tries: i32,
    due_at: Option<DateTime<Utc>>,
    detail: Option<&'a str>,
}

impl Attempt {
    fn stored(&self) -> Stored<'_> {
        let (outcome, due_at, counts) = match self.ending {
            Ending::Done => ("done", None, true),
            Ending::Later { at, counts } => ("later", Some(at), counts),
            Ending::Dead => ("dead", None, true),
        };
        Stored { outcome, tries: i32::from(counts), due_at, detail: self.detail.as_deref() }
    }
}

/// Records how several attempts ended, and gives their rows back. Returns the rows for which that was done. The others
/// are locked by another transaction, which this does not wait for, or their worker had lost the lease; [`finish`] tells
/// which.
pub async fn finish_all(
    db: &mut PgConnection,
    ended: &[(&Claim, &Attempt)],
    now: DateTime<Utc>,
) -> sqlx::Result<HashSet<DeliveryId>> {
    let ids: Vec<Uuid> = ended.iter().map(|(claim, _)| claim.id.uuid()).collect();
    let (lowest, highest) = bounds(&ids);
    let leases: Vec<Uuid> = ended.iter().map(|(claim, _)| claim.lease).collect();
    let stored: Vec<Stored<'_>> = ended.iter().map(|(_, attempt)| attempt.stored()).collect();
    let outcomes: Vec<String> = stored.iter().map(|stored| stored.outcome.to_owned()).collect();
    let tries: Vec<i32> = stored.iter().map(|stored| stored.tries).collect();
    let due_at: Vec<Option<DateTime<Utc>>> = stored.iter().map(|stored| stored.due_at).collect();
    let details: Vec<Option<String>> = stored.iter().map(|stored| stored.detail.map(str::to_owned)).collect();
    let started_at: Vec<DateTime<Utc>> = ended.iter().map(|(_, attempt)| attempt.started_at).collect();
    let took_ms: Vec<i64> = ended.iter().map(|(_, attempt)| attempt.took_ms).collect();
    let statuses: Vec<Option<i32>> = ended.iter().map(|(_, attempt)| attempt.http_status).collect();
    let finished = sqlx::query_scalar!(
        r#"-- given: the attempts, a row each.
           -- held: those whose lease is still this worker's, locked. A row that another transaction has locked is left
           --       out, so that it holds up none of the others.
           -- finished: gives these rows back.
           -- noted: the attempts that count as a try. It reads from finished, so that an attempt without a lease leaves
           --        no trace.
           -- One statement, so that a row is never given back without its attempt. $11 and $12 say which partitions to look
           -- at. LATERAL with a lock, and the array, are looked up by the primary key, whatever the statistics say.
           WITH given AS (
               SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::timestamptz[], $6::text[],
                       $7::timestamptz[], $8::bigint[], $9::int[])
                   AS g (id, lease, outcome, tries, due_at, detail, started_at, took_ms, http_status)),
           held AS (
               SELECT g.* FROM given g CROSS JOIN LATERAL (
                   SELECT o.id FROM outbox o WHERE o.id = g.id AND o.lease = g.lease AND o.id >= $11 AND o.id <= $12
                   FOR UPDATE SKIP LOCKED) o),
           finished AS (
               UPDATE outbox o SET lease = NULL, leased_until = NULL, attempts = o.attempts + h.tries,
                   by_hand = o.by_hand AND h.tries = 0, due_at = coalesce(h.due_at, o.due_at),
                   last_error = CASE WHEN h.outcome <> 'done' THEN h.detail END,
                   done_at = CASE WHEN h.outcome = 'done' THEN $10::timestamptz END,
                   dead_at = CASE WHEN h.outcome = 'dead' THEN $10::timestamptz END
               FROM held h WHERE o.id = h.id AND o.lease = h.lease
                 AND o.id = ANY(ARRAY(SELECT id FROM held)) AND o.id >= $11 AND o.id <= $12
               RETURNING o.id, o.attempts),
           noted AS (
               INSERT INTO attempts (outbox_id, number, started_at, took_ms, outcome, http_status, detail)
               SELECT f.id, f.attempts, h.started_at, h.took_ms, h.outcome, h.http_status, h.detail
               FROM finished f JOIN held h ON h.id = f.id WHERE h.tries = 1
               ON CONFLICT (outbox_id, number) DO NOTHING)
           SELECT id FROM finished"#,
        &ids,
        &leases,
        &outcomes,
        &tries,
        &due_at as &[Option<DateTime<Utc>>],
        &details as &[Option<String>],
        &started_at,
        &took_ms,
        &statuses as &[Option<i32>],
        now,
        lowest,
        highest
    )
    .fetch_all(db)
    .await?;
    Ok(finished.into_iter().map(DeliveryId::new).collect())
}

/// Records how one attempt ended, and gives its row back. Waits for a transaction that has locked the row. `false` if the
/// worker had lost the lease: then nothing changes.
pub async fn finish(
    db: &mut PgConnection,
    claim: &Claim,
    attempt: &Attempt,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let Stored { outcome, tries, due_at, detail } = attempt.stored();
    let error = detail.filter(|_| outcome != "done");
    let held = sqlx::query_scalar!(
        r#"-- finished: gives the row back, if the lease is still this worker's. One that was taken over, or whose
           --           redelivery was requested, has another lease, or none: nothing changes.
           -- noted: the attempt, if it counts as a try. It reads from finished, so that an attempt without a lease
           --        leaves no trace.
           -- One statement, so that a row is never given back without its attempt.
           WITH finished AS (
               UPDATE outbox SET lease = NULL, leased_until = NULL, attempts = attempts + $3::int,
                   by_hand = by_hand AND $3 = 0,
                   due_at = coalesce($4, due_at), last_error = $5,
                   done_at = CASE WHEN $6 = 'done' THEN $7::timestamptz END,
                   dead_at = CASE WHEN $6 = 'dead' THEN $7::timestamptz END
               WHERE id = $1 AND lease = $2 RETURNING id, attempts),
           noted AS (
               INSERT INTO attempts (outbox_id, number, started_at, took_ms, outcome, http_status, detail)
               SELECT id, attempts, $8, $9, $6, $10, $11 FROM finished WHERE $3 = 1
               ON CONFLICT (outbox_id, number) DO NOTHING)
           SELECT count(*) AS "held!" FROM finished"#,
        claim.id.uuid(),
        claim.lease,
        tries,
        due_at,
        error,
        outcome,
        now,
        attempt.started_at,
        attempt.took_ms,
        attempt.http_status,
        detail,
    )
    .fetch_one(db)
    .await?;
    Ok(held > 0)
}
