//! Exchanges a refresh token for the next token. One exchange of a workspace's token at a time: within this instance by a
//! lock, among instances by a [`RefreshLease`] in the database.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    service::tokens::{self, RefreshLease, Tokens},
    slack::web_api::{
        error::{CallError, Reason, Refusal},
        oauth_access::{self, Credentials, Exchange, Granted},
        tokens::store::{EXPIRED, Inner, TokenStore, trouble},
    },
};

/// How long no other exchange is tried after one that failed, while the token still works. Shorter than the pause between
/// two runs of the job.
const EARLY_PAUSE: TimeDelta = TimeDelta::seconds(50);
/// The same, when it no longer does.
const PAUSE: TimeDelta = TimeDelta::seconds(2);
/// How often it is looked whether another instance has finished replacing a token.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// The pauses, in milliseconds, before each of the tries to store tokens that a call waits for.
const STORING: [u64; 4] = [0, 100, 500, 2_000];
/// How often it is tried afterwards, for as long as the process lives: they can't be had a second time.
const STORING_ON: Duration = Duration::from_secs(1);

impl TokenStore {
    /// Replaces a token that expires before `until`, unless that is being done or failed lately.
    pub async fn refresh_early(&self, slack_id: &str, until: DateTime<Utc>) {
        let Ok(mut last_error) = self.lock(slack_id).try_lock_owned() else { return };
        if failed_since(last_error.as_ref(), self.now() - EARLY_PAUSE).is_some() {
            return;
        }
        let (store, slack_id) = (self.clone(), slack_id.to_owned());
        // In a task of its own, which a shutdown waits for.
        let task = self.0.background.spawn(async move {
            let exchanged = async {
                // As remembered: a token that could not be stored yet is newer than the one in the database, whose
                // refresh token Slack has taken.
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

    /// Replaces a token that has expired, in a task of its own: what Slack gave must be stored, whatever becomes of
    /// the call that needed it.
    pub(super) async fn refresh(
        &self,
        slack_id: &str,
        used: SecretString,
    ) -> Result<SecretString, CallError> {
        let (store, slack_id) = (self.clone(), slack_id.to_owned());
        let task = self.0.background.spawn(async move {
            let mut last_error = store.lock(&slack_id).lock_owned().await;
            // Those who waited learn what became of the exchange; whoever comes later tries again.
            if let Some(error) = failed_since(last_error.as_ref(), store.now() - PAUSE) {
                return Err(error);
            }
            // An exchange that was waited for may have left a token that is not stored yet.
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
            match tokens::lease(service, slack_id, used).await.map_err(|error| trouble(&error))? {
                RefreshLease::Replaced(tokens) => return Ok(self.keep(slack_id, tokens)),
                RefreshLease::HeldElsewhere => tokio::time::sleep(POLL_INTERVAL).await,
                RefreshLease::Impossible => return Err(CallError::Refused(EXPIRED)),
                RefreshLease::Granted(refresh) => return self.present(slack_id, &refresh).await,
            }
        }
    }

    /// Presents the refresh token, and stores what comes for it.
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

    /// Goes on storing tokens until they are stored. Nobody else can: Slack has taken the refresh token.
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
                        // Read from the database, it would be the one that has run out.
                        store.keep(&slack_id, fresh.clone());
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

/// Why a token has no successor. What Slack refuses for the refresh token's sake is the end of the installation; anything
/// else lies with this server, or passes.
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

/// How the last exchange failed, if that was after `since`.
fn failed_since(last: Option<&(CallError, DateTime<Utc>)>, since: DateTime<Utc>) -> Option<CallError> {
    last.filter(|(_, at)| *at > since).map(|(error, _)| error.clone())
}
