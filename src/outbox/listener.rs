//! Listens, on a Postgres connection of its own, for notifications of new outbox rows and ended approvals.

use std::{sync::Arc, time::Duration};

use sqlx::{
    Acquire as _,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::{
    sync::{Notify, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    heartbeat::Pulse,
    service::endings::Endings,
    storage::{ConnectError, Db, ENDED_CHANNEL, OUTBOX_CHANNEL, tables::outbox::Kind},
};

/// How long to wait before connecting again.
const PAUSE: Duration = Duration::from_millis(500);
/// After this long without a notification, the connection must answer a query. A connection that was cut, by a firewall
/// for instance, looks the same as an idle one.
pub const SILENCE: Duration = Duration::from_secs(10);
/// Time limit for an answer from Postgres.
const ANSWER: Duration = Duration::from_secs(5);

/// Longest time without progress.
pub const STUCK: Duration = Duration::from_mins(1);

/// Why the connection stopped listening.
#[derive(Debug, thiserror::Error)]
enum ListenError {
    /// It could not be opened.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The system could not start the thread.
    #[error(transparent)]
    Thread(#[from] std::io::Error),
    /// Another host accepts the writes now, and only that one sends notifications.
    #[error("this Postgres host no longer accepts writes")]
    Demoted,
    /// The thread panicked.
    #[error("the listening thread has ended")]
    Ended,
    /// The connection is open, but Postgres does not answer.
    #[error("Postgres did not answer within 5 s")]
    NoAnswer,
}

impl ListenError {
    fn is_logged_outage(&self, db: &Db) -> bool {
        match self {
            Self::Connect(error) => db.log_outage(&error.clone().into()),
            Self::Database(error) => db.log_outage(error),
            Self::Thread(_) | Self::Demoted | Self::Ended | Self::NoAnswer => false,
        }
    }
}

/// Wakes the workers of each kind.
#[derive(Debug, Clone, Default)]
pub struct Wakers {
    prompt: Arc<Notify>,
    shared_prompt: Arc<Notify>,
    webhook: Arc<Notify>,
    callback: Arc<Notify>,
    home: Arc<Notify>,
    unlock_request: Arc<Notify>,
    unlock_answer: Arc<Notify>,
    revocation: Arc<Notify>,
    delegation: Arc<Notify>,
    misuse: Arc<Notify>,
    reminder: Arc<Notify>,
    digest: Arc<Notify>,
}

impl Wakers {
    /// The wake-up of one kind's worker.
    #[must_use]
    pub fn for_kind(&self, kind: Kind) -> &Notify {
        match kind {
            Kind::Prompt => &self.prompt,
            Kind::SharedPrompt => &self.shared_prompt,
            Kind::Webhook => &self.webhook,
            Kind::Callback => &self.callback,
            Kind::Home => &self.home,
            Kind::UnlockRequest => &self.unlock_request,
            Kind::UnlockAnswer => &self.unlock_answer,
            Kind::Revocation => &self.revocation,
            Kind::Delegation => &self.delegation,
            Kind::Misuse => &self.misuse,
            Kind::Reminder => &self.reminder,
            Kind::Digest => &self.digest,
        }
    }

    fn wake_all(&self) {
        for kind in Kind::ALL {
            self.for_kind(kind).notify_one();
        }
    }
}

/// Listens until `stop`. After a reconnect it wakes all workers and waiting calls, because notifications may have been
/// missed. A connection without notifications for `silence` must answer a query, or a new one is opened.
pub async fn listen(
    db: Db,
    wakers: Wakers,
    endings: Endings,
    silence: Duration,
    pulse: Pulse,
    stop: CancellationToken,
) {
    let pulse = Arc::new(pulse);
    while !stop.is_cancelled() {
        pulse.beat();
        let listening = Listening {
            db: db.clone(),
            wakers: wakers.clone(),
            endings: endings.clone(),
            silence,
            pulse: pulse.clone(),
        };
        let heard = tokio::select! {
            () = stop.cancelled() => return,
            heard = listen_on_thread(listening) => heard,
        };
        if let Err(error) = heard
            && !error.is_logged_outage(&db)
        {
            tracing::warn!(%error, "Listening connection to Postgres failed; reconnecting");
        }
        pulse.rest();
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// Listens on a thread with its own runtime, until the connection fails or this future is dropped.
///
/// A dropped `PgListener` spawns a task that sends a last statement and waits for its response. On a dead connection
/// that response never comes, and each drop would leak a task and a socket. Dropping the runtime ends both.
async fn listen_on_thread(listening: Listening) -> Result<(), ListenError> {
    let over = CancellationToken::new();
    let _ends_with_this = over.clone().drop_guard();
    let (tell, told) = oneshot::channel();
    std::thread::Builder::new().name("listener".to_owned()).spawn(move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(tell.send(Err(error.into()))),
        };
        let heard = runtime.block_on(async {
            tokio::select! {
                () = over.cancelled() => Ok(()),
                heard = listening.hear() => heard,
            }
        });
        runtime.shutdown_background();
        let _ = tell.send(heard);
    })?;
    told.await.unwrap_or(Err(ListenError::Ended))
}

/// The state of one connection.
struct Listening {
    db: Db,
    wakers: Wakers,
    endings: Endings,
    silence: Duration,
    pulse: Arc<Pulse>,
}

impl Listening {
    #[tracing::instrument(name = "listen", skip_all)]
    async fn hear(&self) -> Result<(), ListenError> {
        let mut listener = timeout(ANSWER, self.connect()).await.map_err(|_| ListenError::NoAnswer)??;
        self.wakers.wake_all();
        self.endings.wake_all();
        loop {
            self.pulse.beat();
            let Ok(heard) = timeout(self.silence, listener.try_recv()).await else {
                let connection = listener.acquire().await?;
                let read_only = timeout(ANSWER, self.db.hosts().was_demoted(connection));
                if read_only.await.map_err(|_| ListenError::NoAnswer)?? {
                    return Err(ListenError::Demoted);
                }
                continue;
            };
            // `None`: the connection was lost.
            let Some(notification) = heard? else { return Ok(()) };
            if notification.channel() == ENDED_CHANNEL {
                if let Ok(id) = Uuid::try_parse(notification.payload()) {
                    self.endings.wake(id);
                }
            } else if let Some(kind) =
                Kind::ALL.into_iter().find(|kind| kind.as_str() == notification.payload())
            {
                self.wakers.for_kind(kind).notify_one();
            }
        }
    }

    /// Listens on the host that accepts writes: only that one sends notifications.
    async fn connect(&self) -> Result<PgListener, ListenError> {
        let options = self.db.options().await?;
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(ANSWER)
            .connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.ignore_pool_close_event(true);
        // A new connection may have to go to another host, so reconnecting is left to the caller.
        listener.eager_reconnect(false);
        listener.listen_all([OUTBOX_CHANNEL, ENDED_CHANNEL]).await?;
        Ok(listener)
    }
}
