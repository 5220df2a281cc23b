//! Exchanges a refresh token for the next token. A workspace has only one exchange at a time: a lock ensures this
//! within the instance, and a [`RefreshLease`] in the database across instances.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    service::tokens::{self, RefreshLease, Tokens},
    slack::web_api::{
        error::{CallError, Reason, Refusal},
        oauth_access::{self, Credentials, Exchange, Granted},
        tokens::store::{EXPIRED, Inner, TokenStore, unreadable},
    },
};

/// Pause after a failed exchange while the token still works. Shorter than the pause between two runs of the job.
const EARLY_PAUSE: TimeDelta = TimeDelta::seconds(50);
/// Pause after a failed exchange once the token has expired.
const PAUSE: TimeDelta = TimeDelta::seconds(2);
/// How often an instance checks whether another one has finished replacing a token.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Pauses in milliseconds before each attempt to store new tokens, while a call waits.
const STORING: [u64; 4] = [0, 100, 500, 2_000];
/// Interval of further attempts, for as long as the process runs: Slack does not issue the same tokens again.
const STORING_ON: Duration = Duration::from_secs(1);

impl TokenStore {
    /// Replaces a token that expires before `until`, unless an exchange is running or failed recently.
    pub async fn refresh_early(&self, slack_id: &str, until: DateTime<Utc>) {
        let Ok(mut last_error) = self.lock(slack_id).try_lock_owned() else { return };
        if failed_since(last_error.as_ref(), self.now() - EARLY_PAUSE).is_some() {
            return;
        }
        let (store, slack_id) = (self.clone(), slack_id.to_owned());
        // A separate task, which a shutdown waits for.
        let task = self.0.background.spawn(async move {
            let exchanged = async {
                // Prefer the tokens in memory. If they could not be stored yet, the database still has the previous
                // refresh token, which Slack has already consumed.
                let tokens = store.tokens(&slack_id, store.now()).await?;
                if tokens.expires_at.is_some_and(|expires_at| expires_at < until) {
                    store.exchange(&slack_id, &tokens.bot).await?;
                }
                Ok::<_, CallError>(())
            };
            let error = exchanged.await.err();
            if let Some(error) = &error {
                tracing::warn!(%error, workspace = slack_id, "Could not refresh a token that expires soon; retrying in a minute");
            }
            *last_error = error.map(|error| (error, store.now()));
        });
        let _ = task.await;
    }

    /// Replaces an expired token, in a separate task: the new tokens must be stored even if the call that needed them
    /// is cancelled.
    pub(super) async fn refresh(
        &self,
        slack_id: &str,
        used: SecretString,
    ) -> Result<SecretString, CallError> {
        let (store, slack_id) = (self.clone(), slack_id.to_owned());
        let task = self.0.background.spawn(async move {
            let mut last_error = store.lock(&slack_id).lock_owned().await;
            // Callers that waited for the lock get the error of that exchange. Later callers try again.
            if let Some(error) = failed_since(last_error.as_ref(), store.now() - PAUSE) {
                return Err(error);
            }
            // The exchange that this call waited for may have left a token that is not stored yet.
            let known = store.recall(&slack_id, store.now()).map(|tokens| tokens.bot);
            if let Some(known) = known.filter(|known| known.expose_secret() != used.expose_secret()) {
                return Ok(known);
            }
            let exchanged = store.exchange(&slack_id, &used).await;
            *last_error = exchanged.as_ref().err().map(|error| (error.clone(), store.now()));
            exchanged
        });
        task.await.unwrap_or_else(|_| Err(CallError::Unreachable("the token exchange failed".to_owned())))
    }

    #[tracing::instrument(name = "refresh_token", skip_all, fields(workspace = slack_id))]
    async fn exchange(&self, slack_id: &str, used: &SecretString) -> Result<SecretString, CallError> {
        let service = &self.0.service;
        loop {
            match tokens::lease(service, slack_id, used).await.map_err(|error| unreadable(&error))? {
                RefreshLease::Replaced(tokens) => return Ok(self.keep(slack_id, tokens)),
                RefreshLease::HeldElsewhere => tokio::time::sleep(POLL_INTERVAL).await,
                RefreshLease::Impossible => return Err(CallError::Refused(EXPIRED)),
                RefreshLease::Granted(refresh) => return self.present(slack_id, &refresh).await,
            }
        }
    }

    /// Sends the refresh token to Slack and stores the tokens that it returns.
    async fn present(&self, slack_id: &str, refresh: &SecretString) -> Result<SecretString, CallError> {
        let service = &self.0.service;
        let Some(credentials) = &self.0.credentials else {
            tracing::error!(
                workspace = slack_id,
                "Could not refresh a token: SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are not set"
            );
            self.release(slack_id).await;
            return Err(CallError::NotReplaced("there is no client secret".to_owned()));
        };
        let exchange = Exchange::Refresh(refresh);
        let granted = match self.access(credentials, exchange).await {
            Ok(granted) => granted,
            Err(error) => {
                self.release(slack_id).await;
                // The lease of another instance may have expired before it stored its tokens. It may have stored them
                // since.
                if let Some(tokens) = self.stored_instead_of(slack_id, refresh).await {
                    return Ok(self.keep(slack_id, tokens));
                }
                return Err(not_replaced(slack_id, error));
            }
        };
        // Without a refresh token the installation could never refresh again, so keep the current one.
        let fresh =
            Tokens { refresh: granted.tokens.refresh.or_else(|| Some(refresh.clone())), ..granted.tokens };
        for pause in STORING {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            match tokens::replace(service, slack_id, refresh, &fresh).await {
                Ok(Some(tokens)) => {
                    tracing::info!(workspace = slack_id, "Token refreshed");
                    return Ok(self.keep(slack_id, tokens));
                }
                Ok(None) => return Err(CallError::NoToken),
                Err(failure) => {
                    tracing::warn!(%failure, workspace = slack_id, "Could not store a new token; retrying");
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

    /// Keeps trying to store tokens. No other instance can get them: Slack has consumed the refresh token.
    fn store_on(&self, slack_id: String, exchanged: SecretString, fresh: Tokens) {
        let store = self.clone();
        self.0.background.spawn(async move {
            loop {
                tokio::time::sleep(STORING_ON).await;
                match tokens::replace(&store.0.service, &slack_id, &exchanged, &fresh).await {
                    Ok(stored) => {
                        tracing::info!(workspace = slack_id, "New token stored after retries");
                        match stored {
                            Some(tokens) => drop(store.keep(&slack_id, tokens)),
                            None => store.forget(&slack_id),
                        }
                        return;
                    }
                    Err(failure) => {
                        tracing::debug!(%failure, workspace = slack_id, "Could not store a new token; retrying");
                        // Keep it in memory on every attempt; otherwise the next read would find the expired token in
                        // the database.
                        store.keep(&slack_id, fresh.clone());
                    }
                }
            }
        });
    }

    /// The tokens that replaced this refresh token in the database.
    async fn stored_instead_of(&self, slack_id: &str, refresh: &SecretString) -> Option<Tokens> {
        let stored = tokens::find(&self.0.service, slack_id).await.ok().flatten()?;
        let same = stored.refresh.as_ref().is_some_and(|it| it.expose_secret() == refresh.expose_secret());
        (!same).then_some(stored)
    }

    /// Exchanges a code or a refresh token, unless Slack limits the method.
    pub async fn access(
        &self,
        credentials: &Credentials,
        exchange: Exchange<'_>,
    ) -> Result<Granted, CallError> {
        let Inner { http, api_url, limiter, .. } = &*self.0;
        let caller = &credentials.client_id;
        limiter.check(caller, oauth_access::METHOD, self.now()).map_err(CallError::RateLimited)?;
        let granted = oauth_access::access(http, api_url, credentials, exchange, self.now()).await;
        if let Err(CallError::RateLimited(wait)) = &granted {
            limiter.block(caller, oauth_access::METHOD, *wait, self.now());
        }
        granted
    }

    async fn release(&self, slack_id: &str) {
        if let Err(failure) = tokens::give_back(&self.0.service, slack_id).await {
            tracing::warn!(%failure, workspace = slack_id, "Could not release a refresh lease; it expires after 30 s");
        }
    }
}

/// Why a token could not be replaced. A refused refresh token ends the installation. All other errors are this server's
/// fault or temporary.
fn not_replaced(slack_id: &str, error: CallError) -> CallError {
    match error {
        CallError::Refused(Refusal { reason: Reason::RefreshToken, code }) => {
            tracing::error!(
                workspace = slack_id,
                code,
                "Slack refused to refresh a token: install the app again"
            );
            CallError::Refused(EXPIRED)
        }
        CallError::Refused(refusal) => {
            tracing::error!(
                workspace = slack_id,
                code = refusal.code,
                "Slack refused this server's token refresh: check SLACK_CLIENT_ID and SLACK_CLIENT_SECRET"
            );
            CallError::NotReplaced(refusal.to_string())
        }
        passing => passing,
    }
}

/// The error of the last exchange, if it happened after `since`.
fn failed_since(last: Option<&(CallError, DateTime<Utc>)>, since: DateTime<Utc>) -> Option<CallError> {
    last.filter(|(_, at)| *at > since).map(|(error, _)| error.clone())
}
