//! Looks users up by `users.info` and `users.lookupByEmail`. Results are cached in this instance, and behind that in
//! the database for all instances.

use std::{hash::Hash, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use moka::{ops::compute::Op, policy::EvictionPolicy, sync::Cache};
use tracing::Instrument as _;

use crate::{
    domain::{
        ids::{UserId, WorkspaceId},
        local_time::Zone,
        people::{ActingUser, PersonKind, Profile},
        rejection::Rejection,
    },
    service::{
        Service,
        directory::{Directory, LookupError},
        profiles::{self, KnownProfile},
        workspaces,
    },
    slack::web_api::{
        admins::{AdminScan, ConfiguredAdmin},
        client::Client,
        error::{self, CallError},
        membership,
    },
};

/// How long an email address is taken to belong to the same user.
const EMAIL_LIFE: TimeDelta = TimeDelta::minutes(10);
/// Oldest profile for posting a prompt.
const PROFILE_LIFE: TimeDelta = TimeDelta::minutes(10);
/// Oldest profile for a user who decides, opens details or changes a setting.
const RIGHTS_LIFE: TimeDelta = TimeDelta::seconds(60);
/// How far another instance's clock may be ahead.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(5);
/// Oldest list of a workspace's admins for sending them messages.
const ADMINS_LIFE: TimeDelta = TimeDelta::minutes(10);
/// Time limit of a look-up that a click waits for, so that enough of Slack's three seconds remains.
const CLICK_LIMIT: Duration = Duration::from_millis(600);
/// Capacity of each cache, in entries.
const CAPACITY: u64 = 20_000;

/// Looks users up, with a cache.
#[derive(Debug)]
pub struct People {
    client: Client,
    service: Service,
    /// The admins from the configuration, in addition to Slack's own.
    configured_admins: Vec<ConfiguredAdmin>,
    admins: Memory<String, Vec<UserId>>,
    /// Interrupted scans for admins.
    scans: Memory<String, AdminScan>,
    profiles: Memory<(String, UserId), Profile>,
    emails: Memory<(WorkspaceId, String), UserId>,
}

impl People {
    /// Starts with an empty cache. `configured_admins` are admins in addition to Slack's own.
    #[must_use]
    pub fn new(client: Client, service: Service, configured_admins: Vec<ConfiguredAdmin>) -> Self {
        Self {
            client,
            service,
            configured_admins,
            admins: Memory::default(),
            scans: Memory::default(),
            profiles: Memory::default(),
            emails: Memory::default(),
        }
    }

    /// A user's profile, at most ten minutes old.
    pub async fn profile(&self, workspace: &str, user: &UserId) -> Result<Profile, CallError> {
        self.look_up(workspace, user, PROFILE_LIFE).await
    }

    /// A user's profile, at most a minute old: for what they may decide, see or change.
    pub async fn rights(&self, workspace: &str, user: &UserId) -> Result<Profile, CallError> {
        let profile = self.look_up(workspace, user, RIGHTS_LIFE).await?;
        Ok(self.appoint(workspace, user, profile))
    }

    /// A user's current profile, without the cache.
    pub async fn ask(&self, workspace: &str, user: &UserId) -> Result<Profile, CallError> {
        let read_at = self.service.now();
        let query = [("user", user.as_str())];
        let answer =
            self.client.get(workspace, "users.info", &query, crate::slack::web_api::client::PATIENT).await?;
        let profile = membership::profile(workspace, &answer["user"]);
        let zone = answer["user"]["tz"].as_str().and_then(Zone::parse);
        self.believe(workspace, user, KnownProfile { profile, read_at }, zone).await;
        Ok(profile)
    }

    /// The last known profile of a user, of any age. Use it only to show what they saw, never to allow anything.
    pub async fn last_known(&self, workspace: &str, user: &UserId) -> Option<Profile> {
        match profiles::find(&self.service, workspace, user).await {
            Ok(known) => known.map(|known| known.profile),
            Err(failure) => {
                tracing::warn!(%failure, %user, "Could not read a stored profile");
                None
            }
        }
    }

    /// The configured admins of this installation.
    #[must_use]
    pub fn configured_admins(&self, workspace: &str) -> Vec<UserId> {
        let home = self.client.tokens().home();
        let counts = |admin: &&ConfiguredAdmin| admin.counts_in(workspace, home);
        self.configured_admins.iter().filter(counts).map(|admin| admin.user().clone()).collect()
    }

    fn appoint(&self, workspace: &str, user: &UserId, mut profile: Profile) -> Profile {
        profile.is_admin |=
            profile.kind == PersonKind::Member && self.configured_admins(workspace).contains(user);
        profile
    }

    /// The user who acts, and whether they are an admin. A click waits for this, so it fails after 600 ms to leave
    /// enough of Slack's three seconds. A later response is cached for the next click.
    pub async fn identify(
        self: &Arc<Self>,
        workspace: &str,
        user: &UserId,
    ) -> Result<(ActingUser, bool), Rejection> {
        let task = tokio::spawn({
            let (people, workspace, user) = (Arc::clone(self), workspace.to_owned(), user.clone());
            let look_up = async move { people.rights(&workspace, &user).await };
            look_up.in_current_span()
        });
        let looked_up = match tokio::time::timeout(CLICK_LIMIT, task).await {
            Ok(Ok(looked_up)) => looked_up,
            Ok(Err(_)) => Err(CallError::Unreachable("the look-up failed".to_owned())),
            Err(_) => Err(CallError::Unreachable("timed out".to_owned())),
        };
        let acting_user = |kind| ActingUser { user: user.clone(), kind };
        match looked_up {
            Ok(profile) => Ok((acting_user(profile.kind), profile.is_admin)),
            Err(error) if error.is_unknown_user() => Ok((acting_user(PersonKind::ExternalUser), false)),
            Err(CallError::NoToken) => Err(Rejection::WorkspaceRemoved),
            Err(CallError::RateLimited(wait)) => Err(Rejection::SlackBusy(error::whole_seconds(wait))),
            Err(CallError::MissingScope(scope)) => Err(Rejection::MissingScope(scope)),
            Err(error) => {
                tracing::warn!(%error, workspace, %user, "User look-up failed");
                Err(Rejection::LookupUnavailable)
            }
        }
    }

    /// Slack's admins and owners of the workspace or organisation. After an error, another call continues where this
    /// one stopped.
    pub async fn admins(&self, workspace: &str) -> Result<Vec<UserId>, CallError> {
        let key = workspace.to_owned();
        let now = self.service.now();
        if let Some(admins) = self.admins.recall(&key, now - ADMINS_LIFE) {
            return Ok(admins);
        }
        let interrupted = self.scans.take(&key, now - ADMINS_LIFE);
        let mut scan = interrupted.unwrap_or_else(|| AdminScan::new(workspace));
        match scan.finish(&self.client, workspace).await {
            Ok(admins) => {
                self.admins.keep(key, admins.clone(), now);
                Ok(admins)
            }
            Err(error) => {
                // After a refusal the cursor may be invalid, so the next scan starts over. After other errors it
                // continues.
                if !matches!(error, CallError::Refused(_)) {
                    self.scans.keep(key, scan, now);
                }
                Err(error)
            }
        }
    }

    /// Slack reported a changed user. Deletes their stored profile if it differs.
    pub async fn forget_unless(&self, workspace: &str, user: &UserId, profile: Profile) {
        if let Err(failure) = profiles::forget_unless(&self.service, workspace, user, profile).await {
            tracing::warn!(%failure, %user, "Could not delete a stored profile; it is used for up to a minute");
        }
        // Last, because a concurrent look-up may have read the stored profile.
        self.forget(workspace, user);
    }

    /// Removes a user from this instance's cache.
    pub fn forget(&self, workspace: &str, user: &UserId) {
        self.profiles.forget(&(workspace.to_owned(), user.clone()));
    }

    /// Stores a user's profile, here and for the other instances, and their time zone if Slack said one.
    pub async fn believe(&self, workspace: &str, user: &UserId, known: KnownProfile, zone: Option<Zone>) {
        self.profiles.keep((workspace.to_owned(), user.clone()), known.profile, known.read_at);
        if let Err(failure) = profiles::save(&self.service, workspace, user, known, zone).await {
            tracing::warn!(%failure, %user, "Could not store a profile; other instances look it up themselves");
        }
    }

    async fn look_up(&self, workspace: &str, user: &UserId, life: TimeDelta) -> Result<Profile, CallError> {
        let key = (workspace.to_owned(), user.clone());
        let now = self.service.now();
        let since = now - life;
        if let Some(profile) = self.profiles.recall(&key, since) {
            return Ok(profile);
        }
        match profiles::find(&self.service, workspace, user).await {
            // If another instance's clock is ahead, its profile would be believed for too long.
            Ok(Some(KnownProfile { profile, read_at }))
                if read_at > since && read_at <= now + CLOCKS_DIFFER =>
            {
                self.profiles.keep(key, profile, read_at);
                return Ok(profile);
            }
            Ok(_) => {}
            Err(failure) => tracing::warn!(%failure, %user, "Could not read a stored profile; asking Slack"),
        }
        self.ask(workspace, user).await
    }
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
                    tracing::warn!(%failure, "Could not look up a user's workspace");
                    return Err(LookupError::Unavailable);
                }
            };
            let query = [("email", email)];
            let answer = self
                .client
                .get(&slack_id, "users.lookupByEmail", &query, crate::slack::web_api::client::PATIENT)
                .await;
            match answer {
                Ok(answer) => {
                    let user =
                        answer["user"]["id"].as_str().and_then(UserId::parse).ok_or(LookupError::Nobody)?;
                    self.emails.keep(key, user.clone(), now);
                    Ok(user)
                }
                Err(error) if error.is_unknown_user() => Err(LookupError::Nobody),
                Err(error) => {
                    tracing::warn!(%error, "Could not look up a user by email");
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

/// A cache of values and when they were read. At capacity the least recently used entry is evicted.
///
/// `moka` only limits the size. How long an entry is valid depends on the caller and on the service's clock.
#[derive(Debug)]
struct Memory<K, V>(Cache<K, (V, DateTime<Utc>)>)
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static;

impl<K, V> Default for Memory<K, V>
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn default() -> Self {
        Self::of_size(CAPACITY)
    }
}

impl<K, V> Memory<K, V>
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn of_size(entries: u64) -> Self {
        // moka's default policy may refuse a new entry.
        Self(Cache::builder().max_capacity(entries).eviction_policy(EvictionPolicy::lru()).build())
    }

    fn recall(&self, key: &K, since: DateTime<Utc>) -> Option<V> {
        self.0.get(key).filter(|(_, at)| *at > since).map(|(value, _)| value)
    }

    /// Like [`Memory::recall`], and removes the entry.
    fn take(&self, key: &K, since: DateTime<Utc>) -> Option<V> {
        self.0.remove(key).filter(|(_, at)| *at > since).map(|(value, _)| value)
    }

    fn keep(&self, key: K, value: V, now: DateTime<Utc>) {
        self.0.entry(key).and_compute_with(|known| {
            // Of two results, the one that was requested later wins.
            if known.is_some_and(|known| known.value().1 > now) {
                return Op::Nop;
            }
            Op::Put((value, now))
        });
    }

    fn forget(&self, key: &K) {
        self.0.invalidate(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn a_full_memory_drops_the_entry_used_longest_ago() {
        let memory = Memory::of_size(2);
        memory.keep("Alice", 1, at(1));
        memory.keep("Bob", 2, at(1));
        memory.0.run_pending_tasks();
        assert_eq!(memory.recall(&"Alice", at(0)), Some(1));
        memory.keep("Carol", 3, at(1));
        memory.0.run_pending_tasks();
        let known = ["Alice", "Bob", "Carol"].map(|name| memory.recall(&name, at(0)));
        assert_eq!(known, [Some(1), None, Some(3)]);
    }

    #[test]
    fn of_two_answers_the_later_one_holds() {
        let memory = Memory::default();
        memory.keep("Alice", 2, at(2));
        memory.keep("Alice", 1, at(1));
        assert_eq!(memory.recall(&"Alice", at(0)), Some(2));
        assert_eq!(memory.recall(&"Alice", at(2)), None, "too old for who asks");
        assert_eq!(memory.take(&"Alice", at(1)), Some(2));
        assert_eq!(memory.recall(&"Alice", at(0)), None);
    }
}
