//! The tokens of installations: sealed in the database, replaced before they run out.
//!
//! Slack takes a refresh token once. So that two instances never present the same one, an instance first takes a lease,
//! under the row's lock; the others wait for what it stores. The exchange itself happens outside of any transaction.

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

/// How long an instance may take to exchange a refresh token before another one tries, by the database's clock.
const LEASE: TimeDelta = TimeDelta::seconds(30);

/// The tokens of one installation.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The bot's token.
    pub bot: SecretString,
    /// What is exchanged for the next one; `None` where tokens don't rotate.
    pub refresh: Option<SecretString>,
    /// Until when the bot's token works.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Which caller may exchange the refresh token of an installation.
#[derive(Debug)]
pub enum RefreshLease {
    /// This one, with this refresh token.
    Granted(SecretString),
    /// None: the token was replaced already.
    Replaced(Tokens),
    /// Another instance has the lease.
    HeldElsewhere,
    /// None: the installation is gone, or its tokens don't rotate.
    Impossible,
}

/// The tokens of the workspace with this Slack id; `None` if the app is not installed there by OAuth.
pub async fn find(service: &Service, slack_id: &str) -> Result<Option<Tokens>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let Some(found) = installations::find(&mut db, slack_id).await? else { return Ok(None) };
    open(service, &found)
}

/// The Slack ids of the workspaces whose tokens expire before `until`, unless an instance has the lease on one. At most
/// 1,000, those that expire first.
pub async fn due(service: &Service, until: DateTime<Utc>) -> Result<Vec<String>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(installations::due_for_refresh(&mut db, until).await?)
}

/// Takes the lease on replacing this token.
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

/// Stores what came in exchange for a refresh token, unless the app was installed again or removed meanwhile. Gives
/// the tokens that hold now.
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

/// Releases the lease: the refresh token was not exchanged.
pub async fn give_back(service: &Service, slack_id: &str) -> Result<(), ServiceError> {
    let mut work = service.begin().await?;
    if let Some(found) = installations::lock(&mut work, slack_id).await? {
        installations::release(&mut work, found.id).await?;
    }
    work.commit().await
}

/// Seals tokens and stores them within the caller's transaction.
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
