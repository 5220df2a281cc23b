use serde_json::{Value, json};

use super::Fixture;
use crate::slack::{Consent, Workspace, names};

const SCOPE: &str = "chat:write,users:read";

impl Fixture {
    /// The address of Slack's installation page to which an app sends a browser.
    fn page(&self, client_id: &str, redirect: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", client_id)
            .append_pair("scope", SCOPE)
            .append_pair("redirect_uri", redirect)
            .append_pair("state", "s-1")
            .finish();
        format!("{}/oauth/v2/authorize?{query}", self.slack.origin())
    }

    fn callback(&self) -> String {
        format!("{}/back", self.app.base)
    }

    fn code(&self, place: &str) -> String {
        let page = self.page(&self.slack.app().client_id, &self.callback());
        let back = self.slack.consent(&page, Consent::Allow(place)).expect("a way back");
        let (_, query) = back.split_once('?').expect("a query");
        let (_, code) = form_urlencoded::parse(query.as_bytes()).next().expect("a code");
        code.into_owned()
    }

    async fn access(&self, fields: &[(&str, &str)]) -> Value {
        let app = self.slack.app();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("client_id", &app.client_id).append_pair("client_secret", &app.client_secret);
        let form = form.extend_pairs(fields).finish();
        let call = self.http.post(format!("{}/oauth.v2.access", self.slack.api_url())).body(form);
        let call = call.header("content-type", "application/x-www-form-urlencoded");
        call.send().await.expect("an answer").json().await.expect("JSON")
    }

    async fn exchange(&self, code: &str) -> Value {
        self.access(&[("code", code), ("redirect_uri", &self.callback())]).await
    }
}

#[tokio::test]
async fn the_page_lists_the_scopes_and_its_buttons_redirect_back() {
    let fixture = Fixture::new().await;
    let page = fixture.page(&fixture.slack.app().client_id, &fixture.callback());
    let http = crate::http::client().expect("a client");
    let shown = http.get(&page).send().await.expect("a page").text().await.expect("text");
    for words in ["chat:write", "users:read", "Allow in Acme", "Cancel"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let pressed = http.post(&page).body("place=T0SANDBOX").send().await.expect("an answer");
    assert_eq!(pressed.status(), 302);
    let location = pressed.headers()["location"].to_str().expect("an address").to_owned();
    assert!(location.starts_with(&fixture.callback()) && location.ends_with("state=s-1"), "{location}");
    let cancelled = http.post(&page).body("place=").send().await.expect("an answer");
    let location = cancelled.headers()["location"].to_str().expect("an address").to_owned();
    assert!(location.contains("error=access_denied"), "{location}");
}

#[tokio::test]
async fn a_foreign_app_or_address_gets_no_page() {
    let fixture = Fixture::new().await;
    let client_id = fixture.slack.app().client_id;
    let refused = |page: String| fixture.slack.consent(&page, Consent::Allow(names::TEAM)).unwrap_err();
    assert_eq!(refused(fixture.page("7.7", &fixture.callback())), "invalid_client_id");
    assert_eq!(refused(fixture.page(&client_id, "https://evil.example/back")), "bad_redirect_uri");
    let page = fixture.page(&client_id, &fixture.callback());
    assert!(fixture.slack.consent(&page, Consent::Allow("T0NOWHERE")).is_err());
}

#[tokio::test]
async fn a_code_works_once_for_ten_minutes_at_its_own_address() {
    let fixture = Fixture::new().await;
    let code = fixture.code(names::TEAM);
    let elsewhere = fixture.access(&[("code", &code), ("redirect_uri", "https://other.example")]).await;
    assert_eq!(elsewhere["error"], "bad_redirect_uri");
    let granted = fixture.exchange(&code).await;
    assert_eq!((&granted["ok"], &granted["team"]["id"]), (&json!(true), &json!(names::TEAM)));
    assert!(granted.get("refresh_token").is_none(), "{granted}");
    assert_eq!(fixture.exchange(&code).await["error"], "code_already_used");
    let late = fixture.code(names::TEAM);
    fixture.pass(10 * 60 * 1000 + 1);
    assert_eq!(fixture.exchange(&late).await["error"], "invalid_code");
    assert_eq!(fixture.access(&[("client_secret", "x"), ("code", "y")]).await["error"], "bad_client_secret");
}

#[tokio::test]
async fn a_rotating_token_lasts_twelve_hours_and_refreshes_once() {
    let fixture = Fixture::new().await;
    fixture.slack.change_app(|app| app.token_rotation = true);
    let granted = fixture.exchange(&fixture.code(names::TEAM)).await;
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let (token, refresh) = (text(&granted["access_token"]), text(&granted["refresh_token"]));
    assert_eq!(fixture.call_with(&token, "auth.test", json!({})).await["ok"], true);
    fixture.pass(12 * 60 * 60 * 1000);
    assert_eq!(fixture.call_with(&token, "auth.test", json!({})).await["error"], "token_expired");
    let again = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let fresh = text(&fixture.access(&again).await["access_token"]);
    assert_eq!(fixture.call_with(&fresh, "auth.test", json!({})).await["ok"], true);
    assert_eq!(fixture.access(&again).await["error"], "invalid_refresh_token");
}

#[tokio::test]
async fn an_organisations_token_reaches_all_of_its_workspaces() {
    let fixture = Fixture::new().await;
    fixture.slack.change_workspace(names::TEAM, |workspace| workspace.enterprise_id = Some("E0GROUP".into()));
    fixture.slack.add_workspace(Workspace::new("T0SEPARATE", "Separate"));
    let granted = fixture.exchange(&fixture.code("E0GROUP")).await;
    assert_eq!((&granted["team"], &granted["is_enterprise_install"]), (&Value::Null, &json!(true)));
    let token = granted["access_token"].as_str().expect("text");
    let who = fixture.call_with(token, "auth.test", json!({})).await;
    assert_eq!((&who["is_enterprise_install"], &who["enterprise_id"]), (&json!(true), &json!("E0GROUP")));
    let posted = fixture.call_with(token, "chat.postMessage", super::prompt(names::ALICE)).await;
    assert_eq!(posted["ok"], true, "{posted}");
}

#[tokio::test]
async fn an_organisations_people_are_listed_by_its_teams() {
    let fixture = Fixture::new().await;
    fixture.slack.change_workspace(names::TEAM, |workspace| workspace.enterprise_id = Some("E0GROUP".into()));
    let other = Workspace { enterprise_id: Some("E0GROUP".into()), ..Workspace::new("T0OTHER", "Other") };
    fixture.slack.add_workspace(other);
    fixture.slack.add_workspace(Workspace::new("T0SEPARATE", "Separate"));
    let granted = fixture.exchange(&fixture.code("E0GROUP")).await;
    let token = granted["access_token"].as_str().expect("text");
    let call = async |method: &str, body: Value| fixture.call_with(token, method, body).await;
    let first = call("auth.teams.list", json!({ "limit": "1" })).await;
    assert_eq!((first["teams"][0]["id"].as_str(), first["teams"].get(1)), (Some("T0OTHER"), None));
    let cursor = &first["response_metadata"]["next_cursor"];
    let second = call("auth.teams.list", json!({ "cursor": cursor })).await;
    assert_eq!(second["teams"][0]["id"], names::TEAM);
    assert_eq!(second["response_metadata"]["next_cursor"], "");
    let people = call("users.list", json!({ "team_id": names::TEAM })).await;
    assert_eq!(people["members"].as_array().map(Vec::len), Some(5), "{people}");
    assert_eq!(call("users.list", json!({})).await["error"], "missing_argument");
    let foreign = call("users.list", json!({ "team_id": "T0SEPARATE" })).await;
    assert_eq!(foreign["error"], "team_access_not_granted");
    assert_eq!(call("users.list", json!({ "limit": "1000" })).await["error"], "invalid_limit");
}

#[tokio::test]
async fn removing_the_app_revokes_tokens_and_sends_two_events() {
    let fixture = Fixture::new().await;
    let token = fixture.slack.bot_token();
    let kinds = fixture.slack.uninstall(names::TEAM).map(|envelope| envelope["event"]["type"].clone());
    assert_eq!(kinds, ["app_uninstalled", "tokens_revoked"]);
    assert_eq!(fixture.call_with(&token, "auth.test", json!({})).await["error"], "account_inactive");
}

#[tokio::test]
async fn a_socket_needs_the_app_token_and_socket_mode() {
    let fixture = Fixture::new().await;
    let app = fixture.slack.app();
    let open = async |token: &str| fixture.call_with(token, "apps.connections.open", json!({})).await;
    assert_eq!(open(&app.app_token).await["error"], "socket_mode_not_enabled");
    fixture.slack.change_app(|app| app.socket_mode = true);
    assert_eq!(open(&fixture.slack.bot_token()).await["error"], "not_allowed_token_type");
    assert_eq!(open("xapp-other").await["error"], "invalid_auth");
    let opened = open(&app.app_token).await;
    assert!(opened["url"].as_str().is_some_and(|url| url.starts_with("ws://127.0.0.1:")), "{opened}");
    // A forged ticket, in a request that isn't a WebSocket upgrade.
    let forged = format!("{}/link/?ticket=forged", fixture.slack.origin());
    assert_eq!(fixture.http.get(forged).send().await.expect("an answer").status(), 403);
}
