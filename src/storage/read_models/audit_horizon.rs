//! Up to where the audit may be exported: the smallest number of a transaction that may still write to it.
//!
//! `pg_snapshot_xmin` would do, and counts the transactions of all databases of the server: one that is forgotten open
//! elsewhere would hold the export back. Those of another database can't write here, so only this one's are counted.

use crate::storage::PgConnection;

/// Reads the horizon. A reader that reads entries below it afterwards misses none.
///
/// Three statements, whose order matters. A transaction takes its number before the first one begins, or gets one that
/// is not below the snapshot's upper end. Of the former, it is under way when the sessions are read, or it has ended by
/// then, and the entries, which are read later, show it. One that is prepared leaves its session only once it stands in
/// the list of prepared ones, so that list is read after the sessions.
pub async fn read(db: &mut PgConnection) -> sqlx::Result<u64> {
    let now = sqlx::query!(
        r#"SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS "oldest!",
                  pg_snapshot_xmax(pg_current_snapshot())::text AS "next!",
                  pg_is_in_recovery() AS "in_recovery!""#
    )
    .fetch_one(&mut *db)
    .await?;
    // Postgres writes an xid8 as the unsigned number that it is.
    let (oldest, next) = (number(&now.oldest)?, number(&now.next)?);
    // What other users' sessions do is shown to members of pg_read_all_stats only (and to superusers).
    let sessions = sqlx::query!(
        r#"SELECT array_agg(backend_xid::text) FILTER (WHERE backend_xid IS NOT NULL) AS numbers,
                  coalesce(bool_or(NOT (pg_has_role('pg_read_all_stats', 'USAGE') OR pg_has_role(usesysid, 'USAGE'))), false)
                      AS "some_hidden!"
           FROM pg_stat_activity
           WHERE datid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND usesysid IS NOT NULL"#
    )
    .fetch_one(&mut *db)
    .await?;
    let prepared: Vec<String> = sqlx::query_scalar!(
        r#"SELECT transaction::text AS "number!" FROM pg_prepared_xacts WHERE database = current_database()"#
    )
    .fetch_all(db)
    .await?;
    if sessions.some_hidden || now.in_recovery {
        // It can't be told what they do: all databases are counted.
        return Ok(oldest);
    }
    let mut horizon = next;
    for short in sessions.numbers.iter().flatten().chain(&prepared) {
        horizon = horizon.min(whole(next, short_number(short)?));
    }
    Ok(horizon)
}

fn number(text: &str) -> sqlx::Result<u64> {
    text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

fn short_number(text: &str) -> sqlx::Result<u32> {
    text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// The whole number of a transaction that is under way, of which only the lower 32 bits are shown. It is less than 2^31
/// away from the next one: Postgres sees to that.
fn whole(next: u64, short: u32) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is what is compared")]
    let low = next as u32;
    let behind = low.wrapping_sub(short);
    if behind < 1 << 31 {
        next.saturating_sub(u64::from(behind))
    } else {
        next + u64::from(short.wrapping_sub(low))
    }
}

#[cfg(test)]
mod tests {
    use crate::storage::read_models::audit_horizon::whole;

    #[test]
    fn a_short_number_is_made_whole_on_both_sides_of_a_wrap() {
        assert_eq!(whole(1000, 990), 990);
        assert_eq!(whole(1000, 1000), 1000);
        // It began after the snapshot.
        assert_eq!(whole(1000, 1007), 1007);
        let wrapped = (5 << 32) + 3;
        assert_eq!(whole(wrapped, 1), (5 << 32) + 1);
        assert_eq!(whole(wrapped, u32::MAX), (5 << 32) - 1);
        assert_eq!(whole((5 << 32) - 2, 1), (5 << 32) + 1);
    }
}
