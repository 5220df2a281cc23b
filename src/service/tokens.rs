//! Slack tokens of installations: encrypted in the database, and replaced before they expire.
//!
//! Slack accepts a refresh token once. To keep two instances from using the same one, an instance first takes a lease,
//! under the row's lock; the others wait for the tokens that it stores. The exchange with Slack happens outside of any
//! transaction.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::{Service, ServiceError, UnitOfWork, retrying};
use crate::{
    domain::ids::WorkspaceId,
    storage::tables::{
        installations,
        installations::{Installation, SealedTokens},
    },
};

/// How long an instance may take to exchange a refresh token before another one tries. Measured by the database's
/// clock.
const LEASE: TimeDelta = TimeDelta::seconds(30);

/// The tokens of one installation.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The bot token.
    pub bot: SecretString,
    /// The refresh token. `None` if the app's tokens don't expire.
    pub refresh: Option<SecretString>,
    /// When the bot token expires.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Whether the caller may exchange an installation's refresh token.
#[derive(Debug)]
pub enum RefreshLease {
    /// The caller has the lease, and exchanges this refresh token.
    Granted(SecretString),
    /// No exchange is needed, because the token was already replaced by these.
    Replaced(Tokens),
    /// Another instance has the lease.
    HeldElsewhere,
    /// There is nothing to exchange: the installation no longer exists, or its tokens don't expire.
    Impossible,
}

/// The tokens of the workspace with this Slack id. `None` if the app was not installed there by OAuth.
pub async fn find(service: &Service, slack_id: &str) -> Result<Option<Tokens>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let Some(found) = installations::find(&mut db, slack_id).await? else { return Ok(None) };
    open(service, &found)
}

/// The Slack ids of workspaces whose tokens expire before `until` and are not leased to an instance. At most 1,000,
/// sorted by expiry.
pub async fn due(service: &Service, until: DateTime<Utc>) -> Result<Vec<String>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(installations::due_for_refresh(&mut db, until).await?)
}

/// Takes the lease on replacing this token, if it is free.
pub async fn lease(
    service: &Service,
    slack_id: &str,
    used: &SecretString,
) -> Result<RefreshLease, ServiceError> {
    retrying!(try_lease(service, slack_id, used))
}

async fn try_lease(
    service: &Service,
    slack_id: &str,
    used: &SecretString,
) -> Result<RefreshLease, ServiceError> {
    let mut work = service.begin().await?;
    let Some((id, stored)) = lock(service, &mut work, slack_id).await? else {
        return Ok(RefreshLease::Impossible);
    };
    if !same(&stored.bot, used) {
        return Ok(RefreshLease::Replaced(stored));
    }
    let Some(refresh) = stored.refresh else { return Ok(RefreshLease::Impossible) };
    if !installations::lease(&mut work, id, LEASE).await? {
        return Ok(RefreshLease::HeldElsewhere);
    }
    work.commit().await?;
    Ok(RefreshLease::Granted(refresh))
}

/// Stores the tokens that Slack returned for a refresh token. If the app was installed again or removed in the
/// meantime, they are dropped. Returns the tokens that are valid now.
pub async fn replace(
    service: &Service,
    slack_id: &str,
    exchanged: &SecretString,
    fresh: &Tokens,
) -> Result<Option<Tokens>, ServiceError> {
    retrying!(try_replace(service, slack_id, exchanged, fresh))
}

async fn try_replace(
    service: &Service,
    slack_id: &str,
    exchanged: &SecretString,
    fresh: &Tokens,
) -> Result<Option<Tokens>, ServiceError> {
    let mut work = service.begin().await?;
    let Some((id, stored)) = lock(service, &mut work, slack_id).await? else { return Ok(None) };
    if stored.refresh.as_ref().is_some_and(|refresh| same(refresh, exchanged)) {
        store(service, &mut work, id, fresh).await?;
        work.commit().await?;
        return Ok(Some(fresh.clone()));
    }
    Ok(Some(stored))
}

/// Releases the lease without new tokens, because the exchange failed.
pub async fn give_back(service: &Service, slack_id: &str) -> Result<(), ServiceError> {
    let mut work = service.begin().await?;
    if let Some(found) = installations::lock(&mut work, slack_id).await? {
        installations::release(&mut work, found.id).await?;
    }
    work.commit().await
}

/// Encrypts tokens and stores them, in the caller's transaction.
pub(super) async fn store(
    service: &Service,
    work: &mut UnitOfWork,
    id: WorkspaceId,
    tokens: &Tokens,
) -> Result<(), ServiceError> {
    let seal = |secret: &SecretString| service.sealer.seal(secret, id.uuid(), &service.entropy);
    let refresh = tokens.refresh.as_ref().map(seal);
    let sealed = SealedTokens {
        bot_token: &seal(&tokens.bot),
        refresh_token: refresh.as_deref(),
        token_expires_at: tokens.expires_at,
    };
    Ok(installations::store(work, id, &sealed).await?)
}

async fn lock(
    service: &Service,
    work: &mut UnitOfWork,
    slack_id: &str,
) -> Result<Option<(WorkspaceId, Tokens)>, ServiceError> {
    let Some(found) = installations::lock(work, slack_id).await? else { return Ok(None) };
    let tokens = open(service, &found)?;
    Ok(tokens.map(|tokens| (found.id, tokens)))
}

fn open(service: &Service, found: &Installation) -> Result<Option<Tokens>, ServiceError> {
    let open = |sealed: &Vec<u8>| service.sealer.open(sealed, found.id.uuid());
    let Some(bot) = found.bot_token.as_ref().filter(|_| !found.removed) else { return Ok(None) };
    Ok(Some(Tokens {
        bot: open(bot)?,
        refresh: found.refresh_token.as_ref().map(open).transpose()?,
        expires_at: found.token_expires_at,
    }))
}

fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret().as_bytes().ct_eq(other.expose_secret().as_bytes()).into()
}
