//! Which token speaks for a workspace: the configured one for its own workspace as long as Slack takes it, otherwise the
//! installation's, which is remembered for a moment and replaced before it runs out.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::OnceCell;
use tokio_util::task::TaskTracker;

use crate::{
    service::{
        Failure, Service, tokens,
        tokens::{Tokens, Turn},
    },
    slack::web_api::{
        error::{CallError, Reason, Refusal},
        oauth_access as access,
        oauth_access::{Credentials, Exchange, Granted},
        rate_limiter::RateLimiter,
    },
};

/// How long a token is remembered. What another instance changed is seen after this long, or when Slack refuses it.
const MEMORY: TimeDelta = TimeDelta::seconds(60);
/// How long before its end a token is replaced.
const EARLY: TimeDelta = TimeDelta::hours(1);
/// How long no other exchange is tried after one that failed, while the token still works.
const EARLY_PAUSE: TimeDelta = TimeDelta::minutes(1);
/// The same, when it no longer does.
const PAUSE: TimeDelta = TimeDelta::seconds(2);
/// How often it is looked whether another instance has finished replacing a token.
const GLANCE: Duration = Duration::from_millis(50);
/// The pauses, in milliseconds, before each of the tries to store tokens that whoever needs them waits for.
const STORING: [u64; 4] = [0, 100, 500, 2_000];
/// How often it is tried afterwards, for as long as the process lives: they can't be had a second time.
const STORING_ON: Duration = Duration::from_secs(1);

/// What Slack says of a token that has run out.
const EXPIRED: Refusal = Refusal { reason: Reason::InvalidToken, code: "token_expired" };

/// What it takes to find tokens.
#[derive(Clone)]
pub struct Keeper(Arc<Inner>);

struct Inner {
    service: Service,
    http: reqwest::Client,
    api_url: String,
    configured: Option<Configured>,
    credentials: Option<Credentials>,
    limiter: Arc<RateLimiter>,
    remembered: Mutex<HashMap<String, (Tokens, DateTime<Utc>)>>,
    gates: Mutex<HashMap<String, Gate>>,
    /// Exchanges under way: a shutdown waits for them.
    aside: TaskTracker,
}

/// What lets one exchange of a workspace's token through at a time, and remembers how the last one failed.
type Gate = Arc<tokio::sync::Mutex<Option<(CallError, DateTime<Utc>)>>>;

struct Configured {
    token: SecretString,
    /// The workspace it belongs to, once Slack has said so.
    home: OnceCell<String>,
    /// When Slack refused it last.
    refused_at: Mutex<Option<DateTime<Utc>>>,
}

impl Configured {
    fn new(token: SecretString) -> Self {
        Self { token, home: OnceCell::new(), refused_at: Mutex::default() }
    }

    fn refused(&self, now: DateTime<Utc>) {
        *self.refused_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    fn was_refused_lately(&self, now: DateTime<Utc>) -> bool {
        let at = *self.refused_at.lock().unwrap_or_else(PoisonError::into_inner);
        at.is_some_and(|at| at + MEMORY > now)
    }

    fn is(&self, token: &SecretString) -> bool {
        self.token.expose_secret() == token.expose_secret()
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").finish_non_exhaustive()
    }
}

impl Keeper {
    /// Finds tokens: the configured one, and those of installations.
    #[must_use]
    pub fn new(
        service: Service,
        http: reqwest::Client,
        api_url: &str,
        configured: Option<SecretString>,
        credentials: Option<Credentials>,
        limiter: Arc<RateLimiter>,
        aside: TaskTracker,
    ) -> Self {
        Self(Arc::new(Inner {
            service,
            http,
            api_url: api_url.trim_end_matches('/').to_owned(),
            configured: configured.map(Configured::new),
            credentials,
            limiter,
            remembered: Mutex::default(),
            gates: Mutex::default(),
            aside,
        }))
    }

    /// The time.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.0.service.now()
    }

    /// The configured token.
    #[must_use]
    pub fn configured(&self) -> Option<&SecretString> {
        self.0.configured.as_ref().map(|configured| &configured.token)
    }

    /// The workspace that the configured token belongs to, if that is known already.
    #[must_use]
    pub fn home(&self) -> Option<&str> {
        self.0.configured.as_ref().and_then(|configured| configured.home.get()).map(String::as_str)
    }

    /// Whether there is a configured token of which it is not known yet whose it is.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.configured().is_some() && self.home().is_none()
    }

    /// Notes which workspace the configured token belongs to.
    pub fn settle(&self, slack_id: &str) {
        if let Some(configured) = &self.0.configured {
            // It belongs to one workspace for good: a second answer is the first one.
            let _ = configured.home.set(slack_id.to_owned());
        }
    }

    /// The token of the workspace with this Slack id. One that runs out soon is replaced meanwhile; one that has run
    /// out, first.
    pub async fn of(&self, slack_id: &str) -> Result<SecretString, CallError> {
        let now = self.0.service.now();
        let Some(configured) = self.configured_for(slack_id) else {
            return self.installed(slack_id, now).await;
        };
        if configured.was_refused_lately(now) {
            match self.installed(slack_id, now).await {
                Err(CallError::NoToken) => {}
                found => return found,
            }
        }
        Ok(configured.token.clone())
    }

    /// The configured token, if it is this workspace's.
    fn configured_for(&self, slack_id: &str) -> Option<&Configured> {
        self.0.configured.as_ref().filter(|_| self.home() == Some(slack_id))
    }

    /// The token of the workspace's installation.
    async fn installed(&self, slack_id: &str, now: DateTime<Utc>) -> Result<SecretString, CallError> {
        let known = self.recall(slack_id, now);
        let tokens = match known {
            Some(tokens) => tokens,
            None => self.read(slack_id).await?,
        };
        let Some(expires_at) = tokens.expires_at.filter(|_| tokens.refresh.is_some()) else {
            return Ok(tokens.bot);
        };
        if now >= expires_at {
            return self.renew(slack_id, tokens.bot).await;
        }
        if now >= expires_at - EARLY {
            self.renew_early(slack_id, &tokens.bot, now);
        }
        Ok(tokens.bot)
    }

    /// Replaces a token that still works, beside the call that uses it, unless that is being done or was tried lately.
    fn renew_early(&self, slack_id: &str, used: &SecretString, now: DateTime<Utc>) {
        let Ok(mut gate) = self.gate(slack_id).try_lock_owned() else { return };
        if failed_since(gate.as_ref(), now - EARLY_PAUSE).is_some() {
            return;
        }
        let (keeper, slack_id, used) = (self.clone(), slack_id.to_owned(), used.clone());
        self.0.aside.spawn(async move {
            let exchanged = keeper.exchange(&slack_id, &used).await;
            if let Err(error) = &exchanged {
                tracing::warn!(%error, workspace = slack_id, "A token that runs out soon could not be replaced: trying again");
            }
            *gate = exchanged.err().map(|error| (error, keeper.0.service.now()));
        });
    }

    /// Slack refused this token: another one, if there is one by now or in exchange for it.
    pub async fn instead_of(
        &self,
        slack_id: &str,
        used: &SecretString,
        refusal: Refusal,
    ) -> Result<SecretString, CallError> {
        self.forget(slack_id);
        let refused = || CallError::Refused(refusal);
        let configured = self.configured_for(slack_id);
        if let Some(configured) = configured.filter(|configured| configured.is(used)) {
            let now = self.0.service.now();
            configured.refused(now);
            // An installation's own token outlives it.
            return match self.installed(slack_id, now).await {
                Err(CallError::NoToken) => Err(refused()),
                found => found,
            };
        }
        let stored = self.read(slack_id).await?;
        if stored.bot.expose_secret() != used.expose_secret() {
            return Ok(stored.bot);
        }
        if refusal == EXPIRED {
            return self.renew(slack_id, stored.bot).await;
        }
        let now = self.0.service.now();
        let configured = configured.filter(|configured| !configured.was_refused_lately(now));
        configured.map(|configured| configured.token.clone()).ok_or_else(refused)
    }

    /// Remembers nothing of a workspace any more: its installation changed.
    pub fn forget(&self, slack_id: &str) {
        self.0.remembered.lock().unwrap_or_else(PoisonError::into_inner).remove(slack_id);
    }

    /// The app was installed there: what was remembered of an earlier installation holds no longer.
    pub fn installed_anew(&self, slack_id: &str) {
        self.forget(slack_id);
        self.0.gates.lock().unwrap_or_else(PoisonError::into_inner).remove(slack_id);
    }

    /// Replaces a token that has run out, in a task of its own: what Slack gave must be stored, whatever becomes of
    /// the call that needed it.
    async fn renew(&self, slack_id: &str, used: SecretString) -> Result<SecretString, CallError> {
        let (keeper, slack_id) = (self.clone(), slack_id.to_owned());
        let task = self.0.aside.spawn(async move {
            let mut gate = keeper.gate(&slack_id).lock_owned().await;
            // Those who waited learn what became of the exchange; whoever comes later tries again.
            if let Some(error) = failed_since(gate.as_ref(), keeper.0.service.now() - PAUSE) {
                return Err(error);
            }
            let exchanged = keeper.exchange(&slack_id, &used).await;
            *gate = exchanged.as_ref().err().map(|error| (error.clone(), keeper.0.service.now()));
            exchanged
        });
        task.await
            .unwrap_or_else(|_| Err(CallError::Unreachable("the exchange of a token failed".to_owned())))
    }

    fn gate(&self, slack_id: &str) -> Gate {
        let mut gates = self.0.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.entry(slack_id.to_owned()).or_default().clone()
    }

    async fn exchange(&self, slack_id: &str, used: &SecretString) -> Result<SecretString, CallError> {
        let service = &self.0.service;
        loop {
            match tokens::take_turn(service, slack_id, used).await.map_err(|error| trouble(&error))? {
                Turn::Replaced(tokens) => return Ok(self.keep(slack_id, tokens)),
                Turn::Theirs => tokio::time::sleep(GLANCE).await,
                Turn::Nobody => return Err(CallError::Refused(EXPIRED)),
                Turn::Ours(refresh) => return self.present(slack_id, &refresh).await,
            }
        }
    }

    /// Presents the refresh token, and stores what comes for it.
    async fn present(&self, slack_id: &str, refresh: &SecretString) -> Result<SecretString, CallError> {
        let service = &self.0.service;
        let Some(credentials) = &self.0.credentials else {
            tracing::error!(
                workspace = slack_id,
                "A token has to be replaced, and SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are not set"
            );
            self.give_back(slack_id).await;
            return Err(CallError::NotReplaced("there is no client secret".to_owned()));
        };
        let exchange = Exchange::Refresh(refresh);
        let granted = match self.access(credentials, exchange).await {
            Ok(granted) => granted,
            Err(error) => {
                self.give_back(slack_id).await;
                // Another instance, whose lease ended before it could store what it got, may have stored it by now.
                if let Some(tokens) = self.stored_instead_of(slack_id, refresh).await {
                    return Ok(self.keep(slack_id, tokens));
                }
                return Err(not_replaced(slack_id, error));
            }
        };
        // An answer without a refresh token would leave the installation without a future: keep the one there is.
        let fresh =
            Tokens { refresh: granted.tokens.refresh.or_else(|| Some(refresh.clone())), ..granted.tokens };
        for pause in STORING {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            match tokens::replace(service, slack_id, refresh, &fresh).await {
                Ok(Some(tokens)) => {
                    tracing::info!(workspace = slack_id, "A token was replaced");
                    return Ok(self.keep(slack_id, tokens));
                }
                Ok(None) => return Err(CallError::NoToken),
                Err(failure) => {
                    tracing::warn!(%failure, workspace = slack_id, "A new token could not be stored: trying again");
                }
            }
        }
        tracing::error!(
            workspace = slack_id,
            "Could not store a new token yet: if this process ends now, the app must be installed again"
        );
        self.store_on(slack_id.to_owned(), refresh.clone(), fresh.clone());
        Ok(self.keep(slack_id, fresh))
    }

    /// Goes on storing tokens until they are stored. Nobody else can: Slack has taken the refresh token.
    fn store_on(&self, slack_id: String, exchanged: SecretString, fresh: Tokens) {
        let keeper = self.clone();
        self.0.aside.spawn(async move {
            loop {
                tokio::time::sleep(STORING_ON).await;
                match tokens::replace(&keeper.0.service, &slack_id, &exchanged, &fresh).await {
                    Ok(stored) => {
                        tracing::info!(workspace = slack_id, "New token stored after retries");
                        match stored {
                            Some(tokens) => drop(keeper.keep(&slack_id, tokens)),
                            None => keeper.forget(&slack_id),
                        }
                        return;
                    }
                    Err(failure) => {
                        tracing::debug!(%failure, workspace = slack_id, "Could not store a new token: trying again");
                        // Read from the database, it would be the one that has run out.
                        keeper.keep(&slack_id, fresh.clone());
                    }
                }
            }
        });
    }

    /// The tokens that were stored since this refresh token was.
    async fn stored_instead_of(&self, slack_id: &str, refresh: &SecretString) -> Option<Tokens> {
        let stored = tokens::find(&self.0.service, slack_id).await.ok().flatten()?;
        let same = stored.refresh.as_ref().is_some_and(|it| it.expose_secret() == refresh.expose_secret());
        (!same).then_some(stored)
    }

    /// Exchanges a code or a refresh token, unless Slack limits that.
    pub async fn access(
        &self,
        credentials: &Credentials,
        exchange: Exchange<'_>,
    ) -> Result<Granted, CallError> {
        let Inner { http, api_url, limiter, .. } = &*self.0;
        let caller = &credentials.client_id;
        limiter.check(caller, access::METHOD, self.now()).map_err(CallError::RateLimited)?;
        let granted = access::access(http, api_url, credentials, exchange, self.now()).await;
        if let Err(CallError::RateLimited(wait)) = &granted {
            limiter.block(caller, access::METHOD, *wait, self.now());
        }
        granted
    }

    async fn give_back(&self, slack_id: &str) {
        if let Err(failure) = tokens::give_back(&self.0.service, slack_id).await {
            tracing::warn!(%failure, workspace = slack_id, "The turn to replace a token could not be given back: it ends by itself");
        }
    }

    async fn read(&self, slack_id: &str) -> Result<Tokens, CallError> {
        let found = tokens::find(&self.0.service, slack_id).await.map_err(|error| trouble(&error))?;
        let tokens = found.ok_or(CallError::NoToken)?;
        self.keep(slack_id, tokens.clone());
        Ok(tokens)
    }

    fn recall(&self, slack_id: &str, now: DateTime<Utc>) -> Option<Tokens> {
        let remembered = self.0.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(slack_id).filter(|(_, at)| *at + MEMORY > now).map(|(tokens, _)| tokens.clone())
    }

    fn keep(&self, slack_id: &str, tokens: Tokens) -> SecretString {
        let bot = tokens.bot.clone();
        let mut remembered = self.0.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.insert(slack_id.to_owned(), (tokens, self.0.service.now()));
        bot
    }
}

/// Why a token has no successor. What Slack refuses for the refresh token's sake is the end of the installation; anything
/// else lies with this server, or passes.
fn not_replaced(slack_id: &str, error: CallError) -> CallError {
    match error {
        CallError::Refused(Refusal { reason: Reason::RefreshToken, code }) => {
            tracing::error!(
                workspace = slack_id,
                code,
                "Slack refused to replace a token: the app must be installed again"
            );
            CallError::Refused(EXPIRED)
        }
        CallError::Refused(refusal) => {
            tracing::error!(
                workspace = slack_id,
                code = refusal.code,
                "Slack replaces no token for this server: check SLACK_CLIENT_ID and SLACK_CLIENT_SECRET"
            );
            CallError::NotReplaced(refusal.to_string())
        }
        passing => passing,
    }
}

/// How the last exchange failed, if that was after `since`.
fn failed_since(last: Option<&(CallError, DateTime<Utc>)>, since: DateTime<Utc>) -> Option<CallError> {
    last.filter(|(_, at)| *at > since).map(|(error, _)| error.clone())
}

fn trouble(failure: &Failure) -> CallError {
    CallError::Unreadable(failure.to_string())
}
