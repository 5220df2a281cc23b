//! The ways in which the service can be set up with Slack, and what a browser does with its pages.
//!
//! `STORY_MODE=socket` runs every test in Socket Mode, `STORY_MODE=oauth` in a workspace that was installed by OAuth.

use std::{
    collections::BTreeSet,
    net::{SocketAddr, TcpListener},
    sync::Mutex,
    time::Duration,
};

use countersign::{config::ServeConfig, service::workspaces};
use reqwest::Response;
use sandbox::slack::{Consent, Slack, names};

pub use testkit::use_socket_mode as socket_mode;

use crate::story::{SOON, TestApp, story_as};

/// The services of a whole run by OAuth, in whose workspaces the app is installed before their tests begin. Tests of
/// installing choose an address of their own.
static INSTALLED: Mutex<BTreeSet<SocketAddr>> = Mutex::new(BTreeSet::new());

fn mode() -> Option<String> {
    std::env::var("STORY_MODE").ok()
}

/// Sets the service up as the environment says.
pub fn of_the_whole_run(config: &mut ServeConfig, slack: &Slack) {
    match mode().as_deref() {
        Some("socket") => socket_mode(config, slack),
        Some("oauth") => {
            by_oauth(config, slack);
            INSTALLED.lock().unwrap().insert(config.listen);
        }
        _ => {}
    }
}

/// Waits until what the configuration asks for is there.
pub async fn settle(s: &TestApp) {
    if s.config.slack_app_token.is_some() {
        s.slack.wait_for(|slack| (slack.sockets() >= 2).then_some(()), SOON).await.unwrap();
    }
    let by_mode = INSTALLED.lock().unwrap().contains(&s.config.listen);
    if by_mode && !s.is_installed(names::TEAM).await {
        let page = Browser::new().install(s, names::TEAM).await;
        assert_eq!(page.status(), 200);
        // As little as the token of the other modes may do.
        s.slack.change_token(&s.slack.bot_token(), |token| token.scopes.remove("chat:write.public"));
    }
}

/// Runs a test that is about the addresses that Slack posts to, whatever mode the others run in.
pub async fn http_story(test: impl AsyncFnOnce(&mut TestApp)) {
    story_as(by_http, test).await;
}

/// Slack posts to the service.
pub fn by_http(config: &mut ServeConfig, slack: &Slack) {
    slack.change_app(|app| app.socket_mode = false);
    config.listen = "127.0.0.1:0".parse().unwrap();
    config.slack_app_token = None;
    config.slack_signing_secret = Some(slack.signing_secret().into());
    config.slack.slack_bot_token = Some(slack.bot_token().into());
    config.slack.slack_client_id = None;
    config.slack.slack_client_secret = None;
    config.public_url = None;
}

/// Any workspace may install the app, and no token is configured.
pub fn by_oauth(config: &mut ServeConfig, slack: &Slack) {
    // Its own address is in what it tells Slack, so it is chosen before the service starts.
    let free = free_address();
    let app = slack.app();
    config.listen = free;
    config.public_url = Some(format!("http://{free}"));
    config.slack.slack_bot_token = None;
    config.slack.slack_client_id = Some(app.client_id);
    config.slack.slack_client_secret = Some(app.client_secret.into());
}

/// The same, with tokens that expire after twelve hours.
pub fn with_rotation(config: &mut ServeConfig, slack: &Slack) {
    by_oauth(config, slack);
    slack.change_app(|app| app.token_rotation = true);
}

/// An address without a listener.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// `--skip` takes a part of a test's name: a module that no longer exists skips nothing, and one whose name ends another
/// module's skips that as well.
#[test]
fn modes_skip_only_modules_that_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = std::fs::read_to_string(root.join(".ci/once")).unwrap();
    let main = std::fs::read_to_string(root.join("tests/it/main.rs")).unwrap();
    let modules: Vec<&str> =
        main.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).collect();
    let entries: Vec<Vec<&str>> = list
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert!(entries.is_sorted(), "sort .ci/once by module");
    for entry in &entries {
        let [module, modes, _reason, ..] = entry[..] else { panic!("{entry:?} has no reason") };
        assert!(modules.contains(&module), "there is no module {module}");
        for mode in modes.split(',') {
            assert!(["socket", "oauth"].contains(&mode), "there is no mode {mode}");
        }
        for other in modules.iter().filter(|other| **other != module && other.ends_with(module)) {
            let listed = entries.iter().find(|entry| entry[0] == *other);
            assert_eq!(listed.map(|entry| entry[1]), Some(modes), "{module} skips {other} as well");
        }
    }
}

/// A browser with its cookie jar.
pub struct Browser {
    http: reqwest::Client,
    cookie: Option<String>,
}

impl Browser {
    pub fn new() -> Self {
        Self { http: sandbox::http::client().unwrap(), cookie: None }
    }

    /// Opens an address, keeps the cookie that comes, follows nothing.
    pub async fn open(&mut self, url: &str) -> Response {
        let mut request = self.http.get(url);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("theme=dark; {cookie}"));
        }
        let response = request.send().await.unwrap();
        if let Some(cookie) = response.headers().get("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        response
    }

    /// Begins an installation: the address of Slack's page.
    pub async fn begin(&mut self, s: &TestApp) -> String {
        let response = self.open(&format!("{}/slack/install", s.url())).await;
        assert_eq!(response.status(), 302);
        response.headers()["location"].to_str().unwrap().to_owned()
    }

    /// Installs in a workspace or organisation: the page at the end.
    pub async fn install(&mut self, s: &TestApp, place: &str) -> Response {
        let location = self.begin(s).await;
        let back = s.slack.consent(&location, Consent::Allow(place)).unwrap();
        self.open(&back).await
    }
}

impl TestApp {
    /// How many audit entries have this action.
    pub async fn audits(&self, what: &str) -> i64 {
        let count = sqlx::query_scalar("SELECT count(*) FROM audit WHERE what = $1").bind(what);
        count.fetch_one(&self.service.db).await.unwrap()
    }

    /// Whether the workspace has a token of its own.
    async fn is_installed(&self, slack_id: &str) -> bool {
        let exists = "SELECT EXISTS (SELECT FROM workspaces WHERE slack_id = $1 AND bot_token IS NOT NULL)";
        sqlx::query_scalar(exists).bind(slack_id).fetch_one(&self.service.db).await.unwrap()
    }

    /// How many installations have a token.
    pub async fn sealed_tokens(&self) -> i64 {
        let count =
            "SELECT count(*) FROM workspaces WHERE bot_token IS NOT NULL OR refresh_token IS NOT NULL";
        sqlx::query_scalar(count).fetch_one(&self.service.db).await.unwrap()
    }

    /// Whether every token that is due was refreshed, and no refresh is running.
    pub async fn token_is_fresh(&self) -> bool {
        let stale = "SELECT count(*) FROM workspaces WHERE removed_at IS NULL
            AND (refreshing_until IS NOT NULL OR token_expires_at < $1 + interval '1 hour')";
        let stale: i64 =
            sqlx::query_scalar(stale).bind(self.now()).fetch_one(&self.service.db).await.unwrap();
        stale == 0
    }

    /// How many events are unfinished.
    pub async fn unhandled_events(&self) -> i64 {
        let count = "SELECT count(*) FROM events WHERE handled_at IS NULL";
        sqlx::query_scalar(count).fetch_one(&self.service.db).await.unwrap()
    }

    /// How many different events came.
    pub async fn events_kept(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&self.service.db).await.unwrap()
    }

    /// Waits until something holds.
    pub async fn until_so(&self, holds: impl AsyncFn() -> bool) {
        let deadline = tokio::time::Instant::now() + SOON;
        while !holds().await {
            assert!(tokio::time::Instant::now() < deadline, "it never came true");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The API key and the webhook secret of the test's backend.
    pub fn keys_of_the_backend(&self) -> Vec<String> {
        let keys = self.keys.iter();
        keys.flat_map(|keys| [keys.api_key.clone(), keys.webhook_secret.clone()]).collect()
    }

    /// Goes on in another workspace or organisation, with a backend of its own there.
    pub async fn move_to(&mut self, slack_id: &str) {
        self.workspace = workspaces::install(&self.service, slack_id, slack_id).await.unwrap();
        let created = self.create_backend("agents").await;
        self.backend.connect(&self.url(), &created.0, &created.1);
    }
}
