//! Installing the app in a workspace by OAuth: for the first time, over an existing installation, or after a removal.

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

/// How long a user may take on Slack's page.
pub const STATE_LIFE: TimeDelta = TimeDelta::minutes(10);

/// The id that states are encrypted for. No row has it, so a state can't pass for another secret.
const STATE: Uuid = Uuid::nil();

/// The result of Slack's OAuth exchange.
#[derive(Debug)]
pub struct Installation {
    /// Slack's id of the team, or of the organisation for an organisation-wide installation.
    pub slack_id: String,
    /// The workspace's name.
    pub name: String,
    /// The tokens that Slack issued.
    pub tokens: Tokens,
}

/// Why a state is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateFault {
    /// The service never issued the state, or it was used already.
    #[error("the state is unknown or was used")]
    Unknown,
    /// The state was issued to another browser.
    #[error("the state belongs to another browser")]
    OtherBrowser,
    /// The state expired.
    #[error("the state expired")]
    Expired,
}

/// Starts an installation in this browser. Returns the state that Slack passes back. The state contains the browser and
/// the expiry time, encrypted so that it can't be forged, and nothing is stored. Thousands of unfinished installations
/// therefore cost nothing.
#[must_use]
pub fn begin(service: &Service, browser: &str) -> String {
    let expires_at = (service.now() + STATE_LIFE).timestamp();
    let content = format!("{expires_at} {}", URL_SAFE_NO_PAD.encode(hash(browser))).into();
    URL_SAFE_NO_PAD.encode(service.sealer.seal(&content, STATE, &service.entropy))
}

/// A valid state that came back in the right browser, in time. It can be used for one installation.
#[derive(Debug)]
pub struct State {
    hash: [u8; 32],
    browser: [u8; 32],
    expires_at: DateTime<Utc>,
}

/// Checks a state that came back in this browser. Nothing is stored: only [`install`] uses the state up.
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

/// Decrypts a state of this service. Returns the SHA-256 of its browser's token, and its expiry time.
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

/// Saves an installation, replaces earlier tokens, and uses the state up.
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
