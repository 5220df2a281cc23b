//! Hears from Postgres, on one connection of its own, that there is work or that an approval ended.

use std::{sync::Arc, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{Acquire as _, Connection as _, postgres::PgListener};
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    service::endings::Endings,
    storage::{ENDED_CHANNEL, OUTBOX_CHANNEL, outbox::Kind},
};

/// How long to wait before connecting again.
const PAUSE: Duration = Duration::from_millis(500);
/// How long nothing may be heard until the connection is asked whether it still works: one that broke in between, at a
/// firewall for instance, is as silent as one on which nothing is said.
pub const SILENCE: Duration = Duration::from_secs(10);
/// How long Postgres may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Why nothing more is heard.
#[derive(Debug, thiserror::Error)]
enum Deaf {
    /// The connection failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The connection is open, and nothing comes back.
    #[error("Postgres did not answer within 5 s")]
    NoAnswer,
}

/// Wakes the workers of each kind.
#[derive(Debug, Clone, Default)]
pub struct Bells {
    prompt: Arc<Notify>,
    webhook: Arc<Notify>,
    home: Arc<Notify>,
    unlock_request: Arc<Notify>,
    unlock_answer: Arc<Notify>,
}

impl Bells {
    /// The bell of a kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> &Notify {
        match kind {
            Kind::Prompt => &self.prompt,
            Kind::Webhook => &self.webhook,
            Kind::Home => &self.home,
            Kind::UnlockRequest => &self.unlock_request,
            Kind::UnlockAnswer => &self.unlock_answer,
        }
    }

    fn ring_all(&self) {
        for kind in Kind::ALL {
            self.of(kind).notify_one();
        }
    }
}

/// Listens until it is told to stop. What was said while the connection was down is made up for by waking everybody.
/// A connection on which nothing is heard for `silence` has to answer, or is made anew.
pub async fn listen(
    database_url: SecretString,
    bells: Bells,
    endings: Endings,
    silence: Duration,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        let heard = tokio::select! {
            () = stop.cancelled() => return,
            heard = hear(&database_url, &bells, &endings, silence) => heard,
        };
        if let Err(error) = heard {
            tracing::warn!(%error, "The listening connection to Postgres failed: connecting again");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn hear(
    database_url: &SecretString,
    bells: &Bells,
    endings: &Endings,
    silence: Duration,
) -> Result<(), Deaf> {
    let mut listener = PgListener::connect(database_url.expose_secret()).await?;
    timeout(ANSWER, listener.listen_all([OUTBOX_CHANNEL, ENDED_CHANNEL]))
        .await
        .map_err(|_| Deaf::NoAnswer)??;
    bells.ring_all();
    endings.wake_all();
    loop {
        let Ok(heard) = timeout(silence, listener.try_recv()).await else {
            let connection = listener.acquire().await?;
            timeout(ANSWER, connection.ping()).await.map_err(|_| Deaf::NoAnswer)??;
            continue;
        };
        // `None`: the connection was lost.
        let Some(notification) = heard? else { return Ok(()) };
        if notification.channel() == ENDED_CHANNEL {
            if let Ok(id) = Uuid::try_parse(notification.payload()) {
                endings.wake(id);
            }
        } else if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.as_str() == notification.payload())
        {
            bells.of(kind).notify_one();
        }
    }
}
