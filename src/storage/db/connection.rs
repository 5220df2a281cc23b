//! A connection whose every statement has a limit.

use std::{fmt, io, sync::Arc, time::Duration};

use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream, stream::BoxStream};
use sqlx::{
    Either, Execute, Executor, Postgres, SqlStr,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout, timeout_at},
};

use crate::storage::db::{
    error_class::{ErrorClass, classify},
    plans::Plans,
    pool::{Live, Pool},
};

/// A connection to Postgres, from the pool. It stands in the place of sqlx's, and takes its name: statements run on it
/// as on the other, but each has to be answered in time. When it is dropped it goes back to the pool, unless a
/// statement on it was abandoned or got no answer: then it is closed.
pub struct PgConnection {
    /// `None` only while it is being dropped.
    live: Option<Live>,
    state: State,
    pool: Arc<Pool>,
    permit: Option<OwnedSemaphorePermit>,
}

/// What becomes of it when it is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It may be used by the next.
    Idle,
    /// A statement runs. If it is dropped now, an unread response may follow.
    InFlight,
    /// It broke, or did not answer.
    Broken,
}

impl PgConnection {
    pub(super) fn new(live: Live, pool: Arc<Pool>, permit: OwnedSemaphorePermit) -> Self {
        Self { live: Some(live), state: State::Idle, pool, permit: Some(permit) }
    }

    /// How its session plans.
    pub(super) fn plans(&self) -> Plans {
        self.live.as_ref().map(|live| live.plans).unwrap_or_default()
    }

    /// Has its session plan like this: a round trip, if it does not yet.
    pub(super) async fn plan(&mut self, plans: Plans) -> sqlx::Result<()> {
        if self.plans() != plans {
            self.simple(plans.set()).await?;
        }
        if let Some(live) = &mut self.live {
            live.plans = plans;
        }
        Ok(())
    }

    /// Does one thing on the connection, within the limit of a statement.
    pub(super) async fn limited<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut sqlx::PgConnection) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        let (raw, mut flight) = self.take_off()?;
        match timeout(flight.limit(), work(raw)).await {
            Ok(result) => flight.land(result),
            Err(_) => Err(flight.time_out()),
        }
    }

    /// Begins something on the connection, if it still can be used.
    fn take_off(&mut self) -> sqlx::Result<(&mut sqlx::PgConnection, Flight<'_>)> {
        match &mut self.live {
            Some(live) if self.state == State::Idle => {
                self.state = State::InFlight;
                Ok((&mut live.raw, Flight { state: &mut self.state, pool: &self.pool }))
            }
            _ => {
                Err(io::Error::new(io::ErrorKind::NotConnected, "an earlier statement broke the connection")
                    .into())
            }
        }
    }

    /// Rolls back in the background what was begun and not committed, and then gives the connection back. Its locks
    /// must not wait for its next use.
    pub(super) fn roll_back_and_return(mut self) {
        if self.state != State::Idle {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return self.abandon();
        };
        runtime.spawn(async move {
            if let Err(error) = self.simple("ROLLBACK").await {
                tracing::debug!(%error, "Transaction not rolled back; connection closed");
                self.abandon();
            }
        });
    }

    /// Has it closed when it is dropped.
    fn abandon(&mut self) {
        self.state = State::Broken;
    }

    /// Runs one statement without parameters, in one message.
    pub(super) async fn simple(&mut self, sql: &'static str) -> sqlx::Result<()> {
        self.limited(async |raw| sqlx::raw_sql(sql).execute(raw).await.map(|_| ())).await
    }
}

impl Drop for PgConnection {
    fn drop(&mut self) {
        let Some(live) = self.live.take() else { return };
        match self.state {
            State::Idle => self.pool.put(live),
            // Dropping it closes its socket at once; Postgres ends what ran there when it notices, or when its own
            // limit is over.
            State::InFlight | State::Broken => drop(live),
        }
        // Last, so that the task that waits for it finds the connection in the pool.
        drop(self.permit.take());
    }
}

impl fmt::Debug for PgConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgConnection").field("state", &self.state).finish_non_exhaustive()
    }
}

/// One statement under way. Unless it lands, the connection stays as one on which something runs.
struct Flight<'a> {
    state: &'a mut State,
    pool: &'a Pool,
}

impl Flight<'_> {
    fn limit(&self) -> Duration {
        self.pool.limits.statement
    }

    fn land<T>(&mut self, result: sqlx::Result<T>) -> sqlx::Result<T> {
        *self.state = match &result {
            Err(error @ sqlx::Error::Database(_)) => self.refused(error),
            // A value that could not be read or written says nothing about the connection.
            Ok(_)
            | Err(
                sqlx::Error::RowNotFound
                | sqlx::Error::ColumnDecode { .. }
                | sqlx::Error::Decode(_)
                | sqlx::Error::Encode(_)
                | sqlx::Error::ColumnNotFound(_)
                | sqlx::Error::ColumnIndexOutOfBounds { .. },
            ) => State::Idle,
            Err(_) => {
                self.pool.distrust();
                State::Broken
            }
        };
        result
    }

    /// What a connection is worth on which Postgres refused a statement.
    fn refused(&self, error: &sqlx::Error) -> State {
        match classify(error) {
            class @ (ErrorClass::ReadOnly | ErrorClass::Full) => {
                self.pool.note_refused_write(class);
                // If there are several hosts, another one may have become the primary.
                if class == ErrorClass::ReadOnly && self.pool.hosts.are_several() {
                    self.pool.clear();
                    return State::Broken;
                }
                State::Idle
            }
            ErrorClass::NoPartition => {
                metrics::counter!("countersign_rows_without_partition_total").increment(1);
                State::Idle
            }
            // The session was ended.
            ErrorClass::Unreachable => {
                self.pool.distrust();
                State::Broken
            }
            _ => State::Idle,
        }
    }

    fn time_out(&mut self) -> sqlx::Error {
        *self.state = State::Broken;
        self.pool.distrust();
        let limit = self.limit();
        metrics::counter!("countersign_database_timeouts_total").increment(1);
        tracing::warn!(
            limit_ms = limit.as_millis(),
            "Postgres did not answer a statement; connection closed"
        );
        let why = format!("Postgres did not answer within {} ms", limit.as_millis());
        io::Error::new(io::ErrorKind::TimedOut, why).into()
    }
}

type Item = Result<Either<PgQueryResult, PgRow>, sqlx::Error>;

impl<'c> Executor<'c> for &'c mut PgConnection {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Item>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let (raw, flight) = match self.take_off() {
            Ok(ready) => ready,
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        let deadline = Instant::now() + flight.limit();
        let rows = raw.fetch_many(query);
        stream::unfold(Some((rows, flight)), move |under_way| async move {
            let (mut rows, mut flight) = under_way?;
            match timeout_at(deadline, rows.next()).await {
                Ok(Some(Ok(item))) => Some((Ok(item), Some((rows, flight)))),
                Ok(Some(Err(error))) => {
                    drop(rows);
                    Some((flight.land(Err(error)), None))
                }
                Ok(None) => {
                    drop(rows);
                    let _ = flight.land(Ok(()));
                    None
                }
                Err(_) => Some((Err(flight.time_out()), None)),
            }
        })
        .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        self.limited(async |raw| raw.fetch_optional(query).await).boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        self.limited(async move |raw| raw.prepare_with(sql, parameters).await).boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<sqlx::Describe<Postgres>>>
    where
        'c: 'e,
    {
        self.limited(async move |raw| raw.describe(sql).await).boxed()
    }
}
