//! The app is installed in a workspace by OAuth: for the first time, again, or again after it had been removed.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::{
    Service, ServiceError, retrying,
    tokens::{self, Tokens},
};
use crate::{
    domain::{ids::WorkspaceId, workspaces},
    storage,
    storage::tables::{install_states, installations},
};

/// How long somebody may take on Slack's page.
pub const STATE_LIFE: TimeDelta = TimeDelta::minutes(10);

/// What a state is sealed for: no row has this id.
const STATE: Uuid = Uuid::nil();

/// What Slack granted.
#[derive(Debug)]
pub struct Installation {
    /// Slack's id of the team, or of the organisation for an organisation-wide installation.
    pub slack_id: String,
    /// What people call it.
    pub name: String,
    /// What speaks for it.
    pub tokens: Tokens,
}

/// Why a state is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateFault {
    /// It was never given out, or was used already.
    #[error("the state is unknown or was used")]
    Unknown,
    /// It was given to another browser.
    #[error("the state belongs to another browser")]
    OtherBrowser,
    /// It expired.
    #[error("the state expired")]
    Expired,
}

/// Begins an installation in this browser: gives the state that has to come back. Nothing is stored: the state itself says
/// to which browser it was given and until when it is good, sealed so that it can't be forged. Thousands of
/// begun installations therefore keep no one from installing.
#[must_use]
pub fn begin(service: &Service, browser: &str) -> String {
    let expires_at = (service.now() + STATE_LIFE).timestamp();
    let content = format!("{expires_at} {}", URL_SAFE_NO_PAD.encode(hash(browser))).into();
    URL_SAFE_NO_PAD.encode(service.sealer.seal(&content, STATE, &service.entropy))
}

/// A state that came back in the browser that it was given to, in time. It is good for one installation.
#[derive(Debug)]
pub struct State {
    hash: [u8; 32],
    browser: [u8; 32],
    expires_at: DateTime<Utc>,
}

/// Judges a state that came back in this browser. Only [`install`] uses it up: presenting it without installing stores
/// nothing.
pub async fn check_state(
    service: &Service,
    state: &str,
    browser: Option<&str>,
) -> Result<Result<State, StateFault>, ServiceError> {
    let Some((given_to, expires_at)) = open(service, state) else { return Ok(Err(StateFault::Unknown)) };
    let browser = browser.map(hash).filter(|browser| bool::from(browser[..].ct_eq(&given_to)));
    let Some(browser) = browser else { return Ok(Err(StateFault::OtherBrowser)) };
    if service.now() >= expires_at {
        return Ok(Err(StateFault::Expired));
    }
    let hash = hash(state);
    let mut db = service.db.acquire().await?;
    if install_states::is_used(&mut db, &hash).await? {
        return Ok(Err(StateFault::Unknown));
    }
    Ok(Ok(State { hash, browser, expires_at }))
}

/// Reads a state that this service made: the browser that it was given to, as SHA-256, and until when it is good.
fn open(service: &Service, state: &str) -> Option<(Vec<u8>, DateTime<Utc>)> {
    let sealed = URL_SAFE_NO_PAD.decode(state).ok()?;
    let content = service.sealer.open_authentic(&sealed, STATE).ok()?;
    let (expires_at, browser) = content.expose_secret().split_once(' ')?;
    let expires_at = DateTime::from_timestamp(expires_at.parse().ok()?, 0)?;
    Some((URL_SAFE_NO_PAD.decode(browser).ok()?, expires_at))
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// Writes an installation down, with its tokens in place of any there were, and uses its state up.
#[tracing::instrument(name = "install_app", skip_all, fields(workspace = installation.slack_id))]
pub async fn install(
    service: &Service,
    installation: &Installation,
    state: &State,
) -> Result<Result<WorkspaceId, StateFault>, ServiceError> {
    retrying!(attempt(service, installation, state))
}

async fn attempt(
    service: &Service,
    installation: &Installation,
    state: &State,
) -> Result<Result<WorkspaceId, StateFault>, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    if !install_states::use_up(&mut work, &state.hash, &state.browser, state.expires_at).await? {
        return Ok(Err(StateFault::Unknown));
    }
    let Installation { slack_id, name, tokens } = installation;
    let before = installations::lock(&mut work, slack_id).await?;
    let fresh = WorkspaceId::new(service.new_id());
    let id = storage::tables::workspaces::install(&mut work, fresh, slack_id, name, now).await?;
    let again = before.is_some_and(|before| !before.removed && before.bot_token.is_some());
    let rotate = tokens.refresh.is_some();
    let installed = work.record(workspaces::install(id, slack_id, name, again, rotate));
    installations::revive(&mut work, &installed, now).await?;
    tokens::store(service, &mut work, id, tokens).await?;
    work.commit().await?;
    Ok(Ok(id))
}
