//! The app is installed in a workspace by OAuth: for the first time, again, or again after it had been removed.

use chrono::TimeDelta;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{
    Failure, Service, commit, retrying,
    tokens::{self, Tokens},
};
use crate::{
    domain::{
        audit::{Actor, Entry, What},
        ids::WorkspaceId,
    },
    storage::{self, install_states, installations},
};

/// How long somebody may take on Slack's page.
pub const STATE_LIFE: TimeDelta = TimeDelta::minutes(10);

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
    /// It ran out.
    #[error("the state ran out")]
    Expired,
}

/// Begins an installation in this browser: gives the state that has to come back.
pub async fn begin(service: &Service, browser: &str) -> Result<String, Failure> {
    use base64::Engine as _;
    let state = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(service.entropy.bytes());
    let mut db = service.db.acquire().await?;
    let expires_at = service.now() + STATE_LIFE;
    install_states::insert(&mut db, &hash(&state), &hash(browser), expires_at).await?;
    Ok(state)
}

/// Takes a state that came back in this browser. Whatever is said, it is not taken a second time.
pub async fn take_state(
    service: &Service,
    state: &str,
    browser: Option<&str>,
) -> Result<Result<(), StateFault>, Failure> {
    let mut db = service.db.acquire().await?;
    let Some(stored) = install_states::take(&mut db, &hash(state)).await? else {
        return Ok(Err(StateFault::Unknown));
    };
    let same = browser.is_some_and(|browser| bool::from(hash(browser)[..].ct_eq(&stored.browser)));
    Ok(if !same {
        Err(StateFault::OtherBrowser)
    } else if service.now() >= stored.expires_at {
        Err(StateFault::Expired)
    } else {
        Ok(())
    })
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// Writes an installation down, with its tokens in place of any there were.
pub async fn install(service: &Service, installation: &Installation) -> Result<WorkspaceId, Failure> {
    retrying!(attempt(service, installation))
}

async fn attempt(service: &Service, installation: &Installation) -> Result<WorkspaceId, Failure> {
    let mut tx = service.begin().await?;
    let now = service.now();
    let Installation { slack_id, name, tokens } = installation;
    let before = installations::lock(&mut tx, slack_id).await?;
    let fresh = WorkspaceId::new(service.fresh());
    let id = storage::workspaces::install(&mut tx, fresh, slack_id, name, now).await?;
    installations::revive(&mut tx, id, name, now).await?;
    tokens::store(service, &mut tx, id, tokens).await?;
    let again = before.is_some_and(|before| !before.removed && before.bot_token.is_some());
    let entry = Entry::new(Actor::Service, What::WorkspaceInstalled)
        .subject(slack_id.clone())
        .after(json!({ "again": again, "tokens_rotate": tokens.refresh.is_some() }));
    storage::audit::record(&mut tx, id, now, &[entry]).await?;
    commit(tx).await?;
    Ok(id)
}
