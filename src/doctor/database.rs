//! Checks Postgres: reachable, new enough, migrated; its clock; the secrets sealed in it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    doctor::{context::DoctorContext, finding::Finding},
    preconditions::TOLERANCE,
    service::{
        ServiceError, keys,
        ready::{self, NotReady},
    },
    storage::{self, LockRoom, TlsUse},
};

/// The oldest supported version, in Postgres' numbering: 14.0.
const OLDEST: i32 = 140_000;
/// Largest difference between clocks without a finding. Slack's signatures are valid for five minutes.
const SKEW: TimeDelta = TimeDelta::seconds(30);

/// The findings, and whether the schema exists, so that other checks can read it.
pub(super) async fn check(context: &DoctorContext) -> (Vec<Finding>, bool) {
    let service = &context.service;
    let server = async {
        let mut db = service.db.acquire().await?;
        storage::server(&mut db).await
    };
    let (version, time) = match server.await {
        Ok(server) => server,
        Err(error) => {
            let fix = "check DATABASE_URL, and that Postgres runs and accepts connections from this machine";
            return (vec![Finding::failed("database", storage::explain(&error), fix)], false);
        }
    };
    let named = format!("Postgres {}.{}", version / 10_000, version % 10_000);
    let mut findings = vec![if version >= OLDEST {
        Finding::ok("database", format!("{named} answers"))
    } else {
        Finding::failed("database", format!("{named} is too old"), "upgrade to Postgres 14 or newer")
    }];
    findings.push(database_clock(service.clock.wall() - time));
    if let TlsUse::Unverified(sslmode, host) = service.db.hosts().tls() {
        findings.push(Finding::warning(
            "database TLS",
            format!("the certificate of {host} is not verified (sslmode={sslmode})"),
            "add sslmode=verify-full and sslrootcert to DATABASE_URL",
        ));
    }
    match service.db.shares_sessions().await {
        Ok(false) => {}
        Ok(true) => findings.push(Finding::failed(
            "connection pooler",
            "it uses another session for every transaction: notifications and prepared statements are lost",
            "use pool_mode = session (PgBouncer), or connect to Postgres directly",
        )),
        Err(error) => findings.push(Finding::warning(
            "connection pooler",
            format!("could not check whether sessions are kept: {}", storage::explain(&error)),
            "run this again",
        )),
    }
    let migrated = match ready::ready(service).await {
        Ok(()) => {
            findings.push(Finding::ok("migrations", "the schema is up to date"));
            true
        }
        Err(NotReady::NotMigrated) => {
            findings.push(Finding::failed(
                "migrations",
                "the schema is missing or out of date",
                "run `countersign migrate`",
            ));
            false
        }
        Err(error) => {
            let fix = "check that Postgres still runs, and run this again";
            findings.push(Finding::failed("migrations", error.to_string(), fix));
            false
        }
    };
    findings.extend(kept(context).await);
    if migrated {
        findings.extend(sealed(context).await);
        findings.push(audit(context).await);
        findings.push(locks(context).await);
    }
    (findings, migrated)
}

/// Whether a commit survives a crash and a failover.
async fn kept(context: &DoctorContext) -> Vec<Finding> {
    let read = async {
        let mut db = context.service.db.acquire().await?;
        storage::durability(&mut db).await
    };
    let settings = match read.await {
        Ok(settings) => settings,
        Err(error) => {
            let fix = "check that Postgres still runs, and run this again";
            return vec![Finding::failed("durability", storage::explain(&error), fix)];
        }
    };
    let commit = settings.synchronous_commit.as_str();
    let disk = if !settings.fsync || !settings.full_page_writes {
        Finding::warning(
            "durability",
            "fsync or full_page_writes is off: a power failure may undo decisions and revocations, or corrupt the database",
            "set both to on",
        )
    } else if commit == "off" {
        Finding::warning(
            "durability",
            "synchronous_commit is off: a crash may undo decisions and revocations that people have been \
                told about",
            "set synchronous_commit = on, for the service's role at least",
        )
    } else {
        Finding::ok("durability", "commits are on disk before they return")
    };
    let named = !settings.synchronous_standby_names.trim().is_empty();
    let failover = if named && matches!(commit, "on" | "remote_apply") {
        Finding::ok("failover", "commits are on a synchronous standby before they return")
    } else if named {
        Finding::warning(
            "failover",
            format!("synchronous_commit is {commit}: a failover may bring revoked permissions back"),
            "set synchronous_commit = on, for the service's role at least",
        )
    } else if settings.standbys > 0 {
        Finding::warning(
            "failover",
            format!(
                "{} standbys are connected, none of them synchronous: a failover may bring revoked permissions back",
                settings.standbys
            ),
            "name the standbys that may take over in synchronous_standby_names; see \"Failover\" in docs/operating.md",
        )
    } else {
        Finding::ok(
            "failover",
            "no standby is connected. Before you add one, name it in synchronous_standby_names",
        )
    };
    vec![disk, failover]
}

/// Whether the audit's triggers bind the service's role.
async fn audit(context: &DoctorContext) -> Finding {
    let read = async {
        let mut db = context.service.db.acquire().await?;
        storage::power_over_audit(&mut db).await
    };
    match read.await {
        Ok(None) => Finding::ok("audit", "the service's role can't change entries"),
        Ok(Some(power)) => Finding::warning(
            "audit",
            format!("the service connects as {power}, which can disable the triggers that protect the audit"),
            "run `countersign migrate --service-role countersign_service`, and serve as that role: see \"Roles\" in \
                docs/operating.md",
        ),
        Err(error) => Finding::failed(
            "audit",
            storage::explain(&error),
            "check that Postgres still runs, and run this again",
        ),
    }
}

/// Whether Postgres has room for the locks of all partitions.
async fn locks(context: &DoctorContext) -> Finding {
    let read = async {
        let mut db = context.service.db.acquire().await?;
        storage::lock_room(&mut db).await
    };
    match read.await {
        Ok(room) => room_for_locks(room, context.config.database_connections.into()),
        Err(error) => Finding::failed(
            "locks",
            storage::explain(&error),
            "check that Postgres still runs, and run this again",
        ),
    }
}

/// Judges whether all connections of an instance can plan statements at the same time, as they do after a start. Some
/// statements lock the partitions and indexes of one table in several ways, others those of few: the sum over all tables
/// is what a connection takes at most, on average.
fn room_for_locks(room: LockRoom, connections: i64) -> Finding {
    let LockRoom { per_session, sessions, partitions, relations } = room;
    let (locks, needed) = (per_session * sessions, connections * relations);
    if needed <= locks {
        return Finding::ok(
            "locks",
            format!("room for {locks}; an instance takes up to {needed} with {partitions} partitions"),
        );
    }
    let enough = u64::try_from(2 * needed / sessions.max(1)).unwrap_or_default().next_power_of_two();
    Finding::warning(
        "locks",
        format!(
            "Postgres has room for {locks}, and an instance takes up to {needed} with {partitions} partitions: requests \
             may fail with \"out of shared memory\""
        ),
        format!("set max_locks_per_transaction = {enough} and restart Postgres"),
    )
}

async fn sealed(context: &DoctorContext) -> Option<Finding> {
    let check = "sealed secrets";
    Some(match keys::outdated(&context.service).await {
        // What that means is said with the configuration.
        Ok(0) if !context.service.sealer.has_key() => return None,
        Ok(0) => Finding::ok(check, "the first encryption key decrypts all"),
        Ok(count) => Finding::warning(
            check,
            format!("{count} rows are not encrypted with the first encryption key"),
            "run `countersign encryption rotate`; then remove the older keys",
        ),
        Err(ServiceError::Sealed(error)) => Finding::failed(
            check,
            error.to_string(),
            "add the missing key to COUNTERSIGN_ENCRYPTION_KEY, after a comma",
        ),
        Err(error) => {
            Finding::failed(check, error.to_string(), "check that Postgres still runs, and run this again")
        }
    })
}

/// Judges how far this machine's clock is ahead of Postgres'. The duration of the measurement is negligible here.
fn database_clock(ahead: TimeDelta) -> Finding {
    let check = "database clock";
    if ahead.abs() <= TOLERANCE {
        return Finding::ok(check, format!("within {} s of this machine's", TOLERANCE.num_seconds()));
    }
    let way = if ahead > TimeDelta::zero() { "ahead of" } else { "behind" };
    Finding::failed(
        check,
        format!("this machine's clock is {} s {way} that of Postgres", ahead.num_seconds().abs()),
        "synchronise both machines' clocks (NTP): no instance works until they agree",
    )
}

/// Compares this machine's clock with another one.
pub(super) fn clock(check: &'static str, whose: &str, ours: DateTime<Utc>, theirs: DateTime<Utc>) -> Finding {
    let apart = ours - theirs;
    if apart.abs() <= SKEW {
        return Finding::ok(check, format!("within {} s of this machine's", SKEW.num_seconds()));
    }
    let way = if apart > TimeDelta::zero() { "ahead of" } else { "behind" };
    let seconds = apart.num_seconds().abs();
    let found = format!("this machine's clock is {seconds} s {way} that of {whose}");
    let fix =
        "synchronise this machine's clock (NTP): Slack's requests are refused when it is five minutes off";
    if seconds >= 240 { Finding::failed(check, found, fix) } else { Finding::warning(check, found, fix) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_locks_for_the_partitions_are_a_warning() {
        let room = |per_session, partitions| {
            let room = LockRoom { per_session, sessions: 100, partitions, relations: 6 * partitions };
            let Finding { state, found, fix, .. } = room_for_locks(room, 20);
            format!("{state:?}: {found} -> {}", fix.unwrap_or_default())
        };
        insta::assert_snapshot!(room(64, 12), @"Ok: room for 6400; an instance takes up to 1440 with 12 partitions -> ");
        insta::assert_snapshot!(room(64, 160), @r#"Warning: Postgres has room for 6400, and an instance takes up to 19200 with 160 partitions: requests may fail with "out of shared memory" -> set max_locks_per_transaction = 512 and restart Postgres"#);
        insta::assert_snapshot!(room(512, 160), @"Ok: room for 51200; an instance takes up to 19200 with 160 partitions -> ");
    }
}
