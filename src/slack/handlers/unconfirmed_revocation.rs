//! A revocation that the database did not confirm in time is made again until it is confirmed: the person has been told
//! that it is not, and is told once it is.
//!
//! Until then nothing is approved by what is being revoked. The transaction that waits for its confirmation holds the row
//! of the grant, so a request that the grant covers waits for it, and is refused (503) after
//! the time limit of a lock.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        ids::{ActionId, GrantId, UserId},
        people::{ActingUser, PersonKind},
        settings::Toggle,
    },
    service::{Service, ServiceError, settings, turn_off, unlock},
    slack::{handlers::context::Context, inbound::payload::Payload, view::sentences},
};

/// The first pause; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long one try may take.
const LIMIT: Duration = Duration::from_secs(10);

/// What a person takes back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Revoking {
    /// One grant.
    Grant(GrantId),
    /// Everything they allowed of one action, and when they clicked, by Slack's clock.
    Action(ActionId, Option<DateTime<Utc>>),
    /// Everything they allowed.
    Everything,
    /// All grants of one action: an admin locks it.
    Lock(ActionId),
}

impl Revoking {
    /// Takes it back again. Each of these writes, so that what confirms its commit confirms the ones before as well.
    async fn again(self, service: &Service, workspace: &str, user: &UserId) -> Result<(), ServiceError> {
        let origin = workspace.into();
        match self {
            Self::Grant(grant) => turn_off::turn_off(service, origin, user, grant).await,
            Self::Action(action, clicked_at) => {
                // Taking back asks for no rights.
                let acting_user = ActingUser { user: user.clone(), kind: PersonKind::Member };
                settings::set(service, origin, &acting_user, action, Toggle::Off, clicked_at).await.map(drop)
            }
            Self::Everything => settings::turn_all_off(service, origin, user).await.map(drop),
            Self::Lock(action) => unlock::set_by_admin(
                service,
                origin,
                action,
                (unlock::LockCommand::Lock, unlock::Seen::Unknown),
                user,
            )
            .await
            .map(drop),
        }
    }
}

/// Goes on with a revocation that the person was told is not confirmed.
pub(super) fn insist(context: &Context, payload: &Payload, workspace: &str, user: &UserId, what: Revoking) {
    let (context, payload) = (context.clone(), payload.clone());
    let (workspace, user) = (workspace.to_owned(), user.clone());
    context.background.clone().spawn(async move {
        let mut pause = FIRST_PAUSE;
        loop {
            tokio::select! {
                () = context.stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
            let again = what.again(&context.service, &workspace, &user);
            match tokio::time::timeout(LIMIT, again).await {
                // What is gone needs no revoking: the grant had ended, or the action, or the installation.
                Ok(Ok(()) | Err(ServiceError::Rejected(_))) => {
                    tracing::info!(%user, ?what, "Revocation confirmed");
                    context.reply_privately(&payload, sentences::CONFIRMED.to_owned());
                    return;
                }
                Ok(Err(failure)) => {
                    tracing::warn!(%failure, %user, ?what, "Could not confirm a revocation; retrying");
                }
                Err(_) => {
                    tracing::warn!(%user, ?what, "Revocation confirmation timed out; retrying");
                }
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        tracing::error!(%user, ?what, "The service stopped before a revocation was confirmed");
    });
}
