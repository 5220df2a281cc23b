//! Hears from Postgres, on one connection of its own, that there is work or that an approval ended.

use std::{sync::Arc, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::PgListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    service::endings::Endings,
    storage::{ENDED_CHANNEL, OUTBOX_CHANNEL, outbox::Kind},
};

/// How long to wait before connecting again.
const PAUSE: Duration = Duration::from_millis(500);

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
pub async fn listen(database_url: SecretString, bells: Bells, endings: Endings, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let heard = tokio::select! {
            () = stop.cancelled() => return,
            heard = hear(&database_url, &bells, &endings) => heard,
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

async fn hear(database_url: &SecretString, bells: &Bells, endings: &Endings) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect(database_url.expose_secret()).await?;
    listener.listen_all([OUTBOX_CHANNEL, ENDED_CHANNEL]).await?;
    bells.ring_all();
    endings.wake_all();
    // `None`: the connection was lost.
    while let Some(notification) = listener.try_recv().await? {
        if notification.channel() == ENDED_CHANNEL {
            if let Ok(id) = Uuid::try_parse(notification.payload()) {
                endings.wake(id);
            }
        } else if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.as_str() == notification.payload())
        {
            bells.of(kind).notify_one();
        }
    }
    Ok(())
}
