//! What a database error means for the caller: one closed list.

use std::io;

use sqlx::postgres::PgDatabaseError;

use crate::storage::{db::connect_error::connect_error, stored::CorruptRow};

/// What to print where the schema is missing or older than this program.
pub const NOT_MIGRATED: &str = "Database not migrated: run `countersign migrate`";

/// What an error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// There is no connection, it broke, or nothing came back in time.
    Unreachable,
    /// The server takes no writes.
    ReadOnly,
    /// The server has no room: disk, memory, connections.
    Full,
    /// Others were in the way: a deadlock, a lock that was held too long, a statement that took too long.
    Contended,
    /// The schema is not this program's.
    NotMigrated,
    /// No partition takes the row.
    NoPartition,
    /// A pooler between gives each transaction another session.
    TransactionPooling,
    /// A text holds a character that Postgres can't store: U+0000.
    UnstorableText,
    /// Something else: our own fault.
    Internal,
}

impl ErrorClass {
    /// Whether the same request may succeed later, with nothing changed about it.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        !matches!(self, Self::UnstorableText | Self::Internal)
    }
}

/// Says what an error means (PostgreSQL's appendix A, "Error Codes").
#[must_use]
pub fn classify(error: &sqlx::Error) -> ErrorClass {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::BeginFailed => ErrorClass::Unreachable,
        // A failed check names its constraint.
        sqlx::Error::Database(error)
            if error.code().as_deref() == Some("23514") && error.constraint().is_none() =>
        {
            ErrorClass::NoPartition
        }
        sqlx::Error::Database(error) => error.code().map_or(ErrorClass::Internal, |code| of_code(&code)),
        error if connect_error(error).is_some() => ErrorClass::Unreachable,
        _ => ErrorClass::Internal,
    }
}

fn of_code(code: &str) -> ErrorClass {
    match code {
        "25006" => ErrorClass::ReadOnly,
        // A prepared statement that another session has, or hasn't.
        "26000" | "42P05" => ErrorClass::TransactionPooling,
        "42P01" | "42703" | "42883" => ErrorClass::NotMigrated,
        "22021" | "22P05" => ErrorClass::UnstorableText,
        // Query cancelled (statement_timeout), lock not available.
        "57014" | "55P03" => ErrorClass::Contended,
        // The session was ended for doing nothing within a transaction, or it may not begin.
        "25P03" | "3D000" => ErrorClass::Unreachable,
        code => match code.get(..2) {
            Some("08" | "28" | "57") => ErrorClass::Unreachable,
            // Insufficient resources; the operating system failed, as on a disk that can't be written.
            Some("53" | "58") => ErrorClass::Full,
            Some("40") => ErrorClass::Contended,
            _ => ErrorClass::Internal,
        },
    }
}

/// What to print for an error: ours as it is, without the words that sqlx puts before it.
#[must_use]
pub fn explain(error: &sqlx::Error) -> String {
    if let Some(row) = CorruptRow::find_in(error) {
        return row.to_string();
    }
    if classify(error) == ErrorClass::NotMigrated {
        return NOT_MIGRATED.to_owned();
    }
    connect_error(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// Whether a row was held for longer than the statement may wait (`lock_not_available`).
#[must_use]
pub fn is_a_lock_timeout(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() == Some("55P03")
}

/// Whether it was a row of one of these tables. Postgres names the table only in the error's context, in the server's
/// language, but in quotes.
#[must_use]
pub fn is_a_lock_timeout_at(error: &sqlx::Error, tables: &[&str]) -> bool {
    let context = error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
        .and_then(PgDatabaseError::r#where);
    let names = |context: &str, table: &str| context.contains(&format!("\"{table}\""));
    is_a_lock_timeout(error)
        && context.is_some_and(|context| tables.iter().any(|table| names(context, table)))
}

/// Whether the connection broke, or was closed by the database's shutdown: another one may well do.
#[must_use]
pub fn is_a_lost_connection(error: &sqlx::Error) -> bool {
    match error {
        // What was waited for in vain once is not waited for again: the caller's own time is up.
        sqlx::Error::Io(error) => error.kind() != io::ErrorKind::TimedOut,
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("57P01" | "57P02")),
        _ => false,
    }
}

/// Whether trying the same transaction again may well succeed: it was chosen as a deadlock's victim, could not be
/// serialised, another one wrote the same unique row first, or the connection broke before the commit was sent.
#[must_use]
pub fn is_worth_retrying(error: &sqlx::Error) -> bool {
    match error {
        // Serialization failure, deadlock; admin shutdown, crash shutdown, cannot connect now.
        sqlx::Error::Database(error) => {
            matches!(error.code().as_deref(), Some("40001" | "40P01" | "57P01" | "57P02" | "57P03"))
                || error.is_unique_violation()
        }
        error => is_a_lost_connection(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_told_from_what_is_our_fault() {
        let classes = [
            ("25006", ErrorClass::ReadOnly),
            ("53100", ErrorClass::Full),
            ("53200", ErrorClass::Full),
            ("53300", ErrorClass::Full),
            ("58030", ErrorClass::Full),
            ("57P03", ErrorClass::Unreachable),
            ("57014", ErrorClass::Contended),
            ("08006", ErrorClass::Unreachable),
            ("40P01", ErrorClass::Contended),
            ("26000", ErrorClass::TransactionPooling),
            ("42P01", ErrorClass::NotMigrated),
            ("22021", ErrorClass::UnstorableText),
            ("23502", ErrorClass::Internal),
            ("", ErrorClass::Internal),
        ];
        for (code, class) in classes {
            assert_eq!(of_code(code), class, "{code}");
        }
    }
}
