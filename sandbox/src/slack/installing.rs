//! Slack's page on which a user installs the app, and its use by browsers and tests
//! (<https://docs.slack.dev/authentication/installing-with-oauth>).

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{RawQuery, State as Shared},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, html};
use serde_json::Value;

use super::{Slack, core::Core, state::TokenStatus};

/// The button that the user picks on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent<'a> {
    /// Allow the app in this workspace (`T…`), or in all workspaces of this organisation (`E…`).
    Allow(&'a str),
    /// Refuse the app.
    Cancel,
}

/// The parameters of the page's address.
#[derive(Debug)]
struct Asked {
    redirect_uri: String,
    state: String,
    scopes: Vec<String>,
}

/// `GET /oauth/v2/authorize`.
pub(crate) async fn page(Shared(core): Shared<Arc<Core>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let asked = match read(&core, &query) {
        Ok(asked) => asked,
        Err(error) => return (StatusCode::BAD_REQUEST, refusal(error)).into_response(),
    };
    let places: Vec<(String, String)> = core.read(|state| {
        let workspaces = state.workspaces.values();
        let orgs = workspaces.clone().filter_map(|workspace| workspace.enterprise_id.clone());
        let mut places: Vec<_> =
            workspaces.map(|workspace| (workspace.id.clone(), workspace.name.clone())).collect();
        places.extend(orgs.map(|org| (org.clone(), format!("the organisation {org}"))));
        places.dedup();
        places
    });
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "Install an app · local Slack" }
                style { "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1rem}"
                    "button{font:inherit;padding:.5rem 1rem;margin:.25rem .5rem .25rem 0;cursor:pointer}" }
            }
            body {
                h1 { "Countersign asks to come into your workspace" }
                p { "It will be able to:" }
                ul { @for scope in &asked.scopes { li { code { (scope) } } } }
                form method="post" action={ "/oauth/v2/authorize?" (query) } {
                    @for (id, name) in &places { button name="place" value=(id) { "Allow in " (name) } }
                    button name="place" value="" { "Cancel" }
                }
            }
        }
    }
    .into_response()
}

/// `POST /oauth/v2/authorize`: the submission of one of the page's buttons.
pub(crate) async fn answer(
    Shared(core): Shared<Arc<Core>>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let place = form_urlencoded::parse(&body).find(|(name, _)| name == "place");
    let place = place.map(|(_, place)| place.into_owned()).unwrap_or_default();
    let consent = if place.is_empty() { Consent::Cancel } else { Consent::Allow(&place) };
    match consented(&core, &query.unwrap_or_default(), consent) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, refusal(error)).into_response(),
    }
}

fn refusal(error: &str) -> String {
    format!("Something went wrong when authorizing this app: {error}")
}

fn read(core: &Core, query: &str) -> Result<Asked, &'static str> {
    let field = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let app = core.read(|state| state.app.clone());
    if field("client_id") != app.client_id {
        return Err("invalid_client_id");
    }
    let redirect_uri = field("redirect_uri");
    let base = app.base_url.unwrap_or_default();
    if base.is_empty() || !redirect_uri.starts_with(&format!("{base}/")) {
        return Err("bad_redirect_uri");
    }
    let scopes: Vec<String> =
        field("scope").split(',').filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    if scopes.is_empty() {
        return Err("invalid_scope");
    }
    Ok(Asked { redirect_uri, state: field("state"), scopes })
}

fn consented(core: &Core, query: &str, consent: Consent<'_>) -> Result<String, &'static str> {
    let asked = read(core, query)?;
    let mut back = form_urlencoded::Serializer::new(String::new());
    match consent {
        Consent::Cancel => {
            back.append_pair("error", "access_denied");
        }
        Consent::Allow(place) => {
            let now = core.clock.now();
            let given = core.change(|state| {
                let known = state.workspaces.values().any(|workspace| {
                    workspace.id == place || workspace.enterprise_id.as_deref() == Some(place)
                });
                known.then(|| state.allow(place, &asked.redirect_uri, asked.scopes.clone(), now))
            });
            back.append_pair("code", &given.ok_or("invalid_team_for_non_distributed_app")?);
        }
    }
    back.append_pair("state", &asked.state);
    Ok(format!("{}?{}", asked.redirect_uri, back.finish()))
}

impl Slack {
    /// Picks a button as a user who was sent to `location`, the page's address. Returns where their browser goes next.
    /// The error is Slack's name for the fault in the address.
    pub fn consent(&self, location: &str, consent: Consent<'_>) -> Result<String, String> {
        let page = format!("{}/oauth/v2/authorize?", self.origin());
        let query = location.strip_prefix(&page).ok_or_else(|| format!("{location} is not {page}…"))?;
        consented(self.core(), query, consent).map_err(str::to_owned)
    }

    /// Removes the app from a workspace or organisation and revokes its tokens. Returns the two events that announce
    /// it, for [`Slack::send_envelope`]. Slack sends them in either order.
    #[must_use]
    pub fn uninstall(&self, id: &str) -> [Value; 2] {
        let bot = self.token_of(id).map(|token| token.bot_user_id);
        let revoked = serde_json::json!({
            "type": "tokens_revoked", "tokens": { "oauth": [], "bot": [bot] },
        });
        let uninstalled = serde_json::json!({ "type": "app_uninstalled" });
        let envelopes = [self.envelope(id, &uninstalled), self.envelope(id, &revoked)];
        self.core().change(|state| {
            for token in state.tokens.values_mut().filter(|token| token.team_id == id) {
                token.status = TokenStatus::AccountInactive;
            }
        });
        envelopes
    }
}
