//! A revocation that the database did not confirm in time is retried until it is confirmed. The user is told that it is
//! not confirmed yet, and again once it is.
//!
//! Until then, what is being revoked approves nothing. The transaction that waits for its confirmation locks the row of
//! the grant, so a request that the grant covers waits for that lock, and is refused (503) after the lock timeout.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        ids::{ActionId, ApiKeyId, GrantId, UserId},
        people::{ActingUser, PersonKind},
        settings::Toggle,
    },
    service::{Service, ServiceError, settings, turn_off, unlock, user_keys},
    slack::{handlers::context::Context, inbound::payload::Payload, view::sentences},
};

/// The first pause. Each following one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Time limit of one attempt.
const LIMIT: Duration = Duration::from_secs(10);

/// What the user revokes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Revoking {
    /// One grant.
    Grant(GrantId),
    /// One API key of the user.
    Key(ApiKeyId),
    /// All grants of the user for one action, and when the user clicked, by Slack's clock.
    Action(ActionId, Option<DateTime<Utc>>),
    /// All grants of the user.
    Everything,
    /// All grants for one action: an admin locks it.
    Lock(ActionId),
}

impl Revoking {
    /// Repeats the revocation. Every variant writes, so a confirmed commit also confirms the earlier attempts.
    async fn again(self, service: &Service, workspace: &str, user: &UserId) -> Result<(), ServiceError> {
        let origin = workspace.into();
        match self {
            Self::Grant(grant) => turn_off::turn_off(service, origin, user, grant).await,
            Self::Key(key) => user_keys::revoke_own(service, origin, user, key).await.map(drop),
            Self::Action(action, clicked_at) => {
                // A revocation needs no rights, so the user isn't looked up.
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

/// Retries a revocation in the background, after the user was told that it is not confirmed.
pub(super) fn retry_until_confirmed(
    context: &Context,
    payload: &Payload,
    workspace: &str,
    user: &UserId,
    what: Revoking,
) {
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
                // A rejection means that there is nothing left to revoke: the grant, the action or the installation is
                // gone.
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
