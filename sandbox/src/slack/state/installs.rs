//! Installing the app: codes, and rotating tokens.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{State, Token, TokenStatus};
use crate::ambient::random_hex;

/// A code expires after ten minutes (<https://docs.slack.dev/authentication/installing-with-oauth>).
const CODE_LIFE: TimeDelta = TimeDelta::minutes(10);
/// A rotating token expires after twelve hours (<https://docs.slack.dev/authentication/using-token-rotation>).
const TOKEN_LIFE: TimeDelta = TimeDelta::hours(12);

/// The codes and tokens that installing the app created.
#[derive(Debug, Default)]
pub(crate) struct Installs {
    pub(crate) codes: BTreeMap<String, Code>,
    pub(crate) refreshes: BTreeMap<String, Refresh>,
    /// The expiry time of each token.
    pub(crate) expiries: BTreeMap<String, DateTime<Utc>>,
}

/// A user's consent, to be exchanged once.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) installed_in: String,
    pub(crate) redirect_uri: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) born: DateTime<Utc>,
    pub(crate) used: bool,
}

/// The installation that a refresh token belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Refresh {
    pub(crate) token: String,
    pub(crate) used: bool,
}

impl State {
    /// Records that a user allowed the app in a workspace or organisation. Returns the code for their browser.
    pub(crate) fn allow(
        &mut self,
        installed_in: &str,
        redirect_uri: &str,
        scopes: Vec<String>,
        now: DateTime<Utc>,
    ) -> String {
        let code = random_hex();
        let (installed_in, redirect_uri) = (installed_in.to_owned(), redirect_uri.to_owned());
        self.installs
            .codes
            .insert(code.clone(), Code { installed_in, redirect_uri, scopes, born: now, used: false });
        code
    }

    /// Exchanges a code. The error is Slack's name for the fault.
    pub(crate) fn exchange_code(
        &mut self,
        code: &str,
        redirect_uri: &str,
        now: DateTime<Utc>,
    ) -> Result<Value, &'static str> {
        let known = self.installs.codes.get_mut(code).ok_or("invalid_code")?;
        if known.used {
            return Err("code_already_used");
        }
        if now - known.born > CODE_LIFE {
            return Err("invalid_code");
        }
        if known.redirect_uri != redirect_uri {
            return Err("bad_redirect_uri");
        }
        known.used = true;
        let known = known.clone();
        for token in self.tokens.values_mut().filter(|token| token.team_id == known.installed_in) {
            token.status = TokenStatus::Revoked;
        }
        let fresh = format!("U{}BOT", known.installed_in.trim_start_matches(['T', 'E']));
        // An app that is installed again keeps its bot.
        let mut before = self.tokens.values().filter(|token| token.team_id == known.installed_in);
        let (bot_user_id, bot_id) = before.next().map_or_else(
            || (fresh.clone(), fresh.replacen('U', "B", 1)),
            |token| (token.bot_user_id.clone(), token.bot_id.clone()),
        );
        let token = Token {
            value: String::new(),
            team_id: known.installed_in.clone(),
            bot_user_id,
            bot_id,
            scopes: known.scopes.into_iter().collect(),
            status: TokenStatus::Active,
        };
        Ok(self.issue(token, now))
    }

    /// Exchanges a refresh token, which works once.
    pub(crate) fn exchange_refresh(
        &mut self,
        refresh: &str,
        now: DateTime<Utc>,
    ) -> Result<Value, &'static str> {
        let known = self.installs.refreshes.get_mut(refresh).ok_or("invalid_refresh_token")?;
        if known.used {
            return Err("invalid_refresh_token");
        }
        let old = self.tokens.get(&known.token).cloned().ok_or("invalid_refresh_token")?;
        if matches!(old.status, TokenStatus::Revoked | TokenStatus::AccountInactive) {
            return Err("invalid_refresh_token");
        }
        known.used = true;
        Ok(self.issue(Token { status: TokenStatus::Active, ..old }, now))
    }

    fn issue(&mut self, token: Token, now: DateTime<Utc>) -> Value {
        let rotates = self.app.token_rotation;
        let prefix = if rotates { "xoxe.xoxb-1-" } else { "xoxb-" };
        let token = Token { value: format!("{prefix}{}", &random_hex()[..40]), ..token };
        let scope = token.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        let org_wide = token.team_id.starts_with('E');
        let named = |id: &str, name: &str| json!({ "id": id, "name": name });
        let workspace = self.workspaces.get(&token.team_id);
        let enterprise = match workspace.and_then(|workspace| workspace.enterprise_id.clone()) {
            Some(id) => named(&id, "Sandbox Group"),
            None if org_wide => named(&token.team_id, "Sandbox Group"),
            None => Value::Null,
        };
        let mut answer = json!({
            "ok": true,
            "access_token": token.value,
            "token_type": "bot",
            "scope": scope,
            "bot_user_id": token.bot_user_id,
            "app_id": self.app.id,
            "team": workspace.map(|workspace| named(&workspace.id, &workspace.name)),
            "enterprise": enterprise,
            "is_enterprise_install": org_wide,
            "authed_user": { "id": "U0ADMIN" },
        });
        if rotates {
            let refresh = format!("xoxe-1-{}", &random_hex()[..40]);
            answer["expires_in"] = json!(TOKEN_LIFE.num_seconds());
            answer["refresh_token"] = json!(refresh);
            self.installs.expiries.insert(token.value.clone(), now + TOKEN_LIFE);
            self.installs.refreshes.insert(refresh, Refresh { token: token.value.clone(), used: false });
        }
        self.tokens.insert(token.value.clone(), token);
        answer
    }
}
