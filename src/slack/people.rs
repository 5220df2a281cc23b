//! Who somebody is, as `users.info` and `users.lookupByEmail` say, remembered for a while.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use serde_json::Value;

use super::{
    admins::Walk,
    client::{CallError, Client},
    error,
};
use crate::{
    domain::{
        decisions::PersonKind,
        ids::{UserId, WorkspaceId},
    },
    service::{
        Service,
        directory::{Directory, LookupError},
        workspaces,
    },
};

/// How long an email address stands for the same person.
const EMAIL_LIFE: TimeDelta = TimeDelta::minutes(10);
/// How long a profile is believed.
const PROFILE_LIFE: TimeDelta = TimeDelta::minutes(10);
/// How long it is believed that somebody is an admin, or may change their settings.
const RIGHTS_LIFE: TimeDelta = TimeDelta::seconds(60);
/// How long a workspace's list of admins is believed, when it is asked whom to tell.
const ADMINS_LIFE: TimeDelta = TimeDelta::minutes(10);
/// A look-up that a click waits for must leave time for the rest of the three seconds.
const HURRIED: Duration = Duration::from_millis(600);
/// How many people are remembered.
const CAPACITY: usize = 20_000;

/// What matters of a Slack user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// A member, a guest, a stranger.
    pub kind: PersonKind,
    /// A workspace admin or owner.
    pub is_admin: bool,
}

/// Looks people up.
#[derive(Debug)]
pub struct People {
    client: Client,
    service: Service,
    /// Those who are admins besides Slack's own.
    appointed: Vec<UserId>,
    admins: Memory<String, Vec<UserId>>,
    /// Searches for admins that were held up.
    walks: Memory<String, Walk>,
    profiles: Memory<(String, UserId), Profile>,
    emails: Memory<(WorkspaceId, String), UserId>,
}

impl People {
    /// Remembers nobody yet. `appointed` are admins besides Slack's own.
    #[must_use]
    pub fn new(client: Client, service: Service, appointed: Vec<UserId>) -> Self {
        Self {
            client,
            service,
            appointed,
            admins: Memory::default(),
            walks: Memory::default(),
            profiles: Memory::default(),
            emails: Memory::default(),
        }
    }

    /// What this user is, as of at most ten minutes ago.
    pub async fn profile(&self, workspace: &str, user: &UserId) -> Result<Profile, CallError> {
        self.look_up(workspace, user, PROFILE_LIFE).await
    }

    /// What this user is, as of at most a minute ago: for what they may change.
    pub async fn rights(&self, workspace: &str, user: &UserId) -> Result<Profile, CallError> {
        let mut profile = self.look_up(workspace, user, RIGHTS_LIFE).await?;
        profile.is_admin |= profile.kind == PersonKind::Member && self.appointed.contains(user);
        Ok(profile)
    }

    /// Those who are admins besides Slack's own.
    #[must_use]
    pub fn appointed(&self) -> &[UserId] {
        &self.appointed
    }

    /// As [`People::profile`], for somebody who waits: in vain after 600 ms, so that the rest of Slack's three seconds
    /// is left for what they want.
    pub async fn profile_soon(&self, workspace: &str, user: &UserId) -> Result<Profile, CallError> {
        soon(Box::pin(self.profile(workspace, user))).await
    }

    /// As [`People::rights`], for somebody who waits.
    pub async fn rights_soon(&self, workspace: &str, user: &UserId) -> Result<Profile, CallError> {
        soon(Box::pin(self.rights(workspace, user))).await
    }

    /// Slack's admins and owners of the workspace, or of any of an organisation's, and those who are appointed. After an
    /// error it goes on from where it was when it is called again.
    pub async fn admins(&self, workspace: &str) -> Result<Vec<UserId>, CallError> {
        let key = workspace.to_owned();
        let now = self.service.now();
        if let Some(admins) = self.admins.recall(&key, now - ADMINS_LIFE) {
            return Ok(admins);
        }
        let held_up = self.walks.take(&key, now - ADMINS_LIFE);
        let mut walk = held_up.unwrap_or_else(|| Walk::new(workspace, &self.appointed));
        match walk.finish(&self.client, workspace).await {
            Ok(admins) => {
                self.admins.keep(key, admins.clone(), now);
                Ok(admins)
            }
            Err(error) => {
                // What a cursor points at may be gone: only what Slack means to go on is gone on with.
                if !matches!(error, CallError::Refused(_)) {
                    self.walks.keep(key, walk, now);
                }
                Err(error)
            }
        }
    }

    async fn look_up(&self, workspace: &str, user: &UserId, life: TimeDelta) -> Result<Profile, CallError> {
        let key = (workspace.to_owned(), user.clone());
        let now = self.service.now();
        if let Some(profile) = self.profiles.recall(&key, now - life) {
            return Ok(profile);
        }
        let answer = self
            .client
            .get(workspace, "users.info", &[("user", user.as_str())], super::client::PATIENT)
            .await?;
        let profile = read(&answer["user"]);
        self.profiles.keep(key, profile, now);
        Ok(profile)
    }
}

async fn soon(look: impl Future<Output = Result<Profile, CallError>>) -> Result<Profile, CallError> {
    let late = |_| CallError::Unreachable("no answer in time".to_owned());
    tokio::time::timeout(HURRIED, look).await.map_err(late)?
}

/// Reads a user object (<https://docs.slack.dev/reference/objects/user-object>).
pub(super) fn read(user: &Value) -> Profile {
    let is = |name: &str| user[name] == true;
    let kind = if is("is_stranger") {
        PersonKind::Stranger
    } else if is("is_restricted") || is("is_ultra_restricted") || is("is_bot") || is("deleted") {
        PersonKind::Guest
    } else {
        PersonKind::Member
    };
    let is_admin = kind == PersonKind::Member && (is("is_admin") || is("is_owner") || is("is_primary_owner"));
    Profile { kind, is_admin }
}

impl Directory for People {
    fn by_email<'a>(
        &'a self,
        workspace: WorkspaceId,
        email: &'a str,
    ) -> BoxFuture<'a, Result<UserId, LookupError>> {
        Box::pin(async move {
            let key = (workspace, email.to_lowercase());
            let now = self.service.now();
            if let Some(user) = self.emails.recall(&key, now - EMAIL_LIFE) {
                return Ok(user);
            }
            let slack_id = match workspaces::slack_id(&self.service, workspace).await {
                Ok(Some(slack_id)) => slack_id,
                Ok(None) => return Err(LookupError::Unavailable),
                Err(failure) => {
                    tracing::warn!(%failure, "The workspace of a user could not be looked up");
                    return Err(LookupError::Unavailable);
                }
            };
            let query = [("email", email)];
            let answer =
                self.client.get(&slack_id, "users.lookupByEmail", &query, super::client::PATIENT).await;
            match answer {
                Ok(answer) => {
                    let user =
                        answer["user"]["id"].as_str().and_then(UserId::parse).ok_or(LookupError::Nobody)?;
                    self.emails.keep(key, user.clone(), now);
                    Ok(user)
                }
                Err(error) if error.is_nobody() => Err(LookupError::Nobody),
                Err(error) => {
                    tracing::warn!(%error, "A user could not be looked up by email");
                    Err(match error {
                        CallError::RateLimited(wait) => LookupError::Limited(error::whole_seconds(wait)),
                        CallError::MissingScope(scope) => LookupError::MissingScope(scope),
                        _ => LookupError::Unavailable,
                    })
                }
            }
        })
    }
}

/// What was found out, and when.
#[derive(Debug)]
struct Memory<K, V>(Mutex<HashMap<K, (V, DateTime<Utc>)>>);

impl<K, V> Default for Memory<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Memory<K, V> {
    fn recall(&self, key: &K, since: DateTime<Utc>) -> Option<V> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).filter(|(_, at)| *at > since).map(|(value, _)| value.clone())
    }

    /// As [`Memory::recall`], and forgets it.
    fn take(&self, key: &K, since: DateTime<Utc>) -> Option<V> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(key).filter(|(_, at)| *at > since).map(|(value, _)| value)
    }

    fn keep(&self, key: K, value: V, now: DateTime<Utc>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CAPACITY {
            known.clear();
        }
        known.insert(key, (value, now));
    }
}
