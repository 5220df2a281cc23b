//! The start of every test: its own service, local Slack, agent backend and database.

use std::{
    io::Write as _,
    ops::{Deref, DerefMut},
    panic::AssertUnwindSafe,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use countersign::{
    app::App, clock::Clock, config::ServeConfig, domain::api_keys::KeyScopes, entropy::Entropy,
    service::unlock,
};
use futures::FutureExt as _;
use sandbox::{
    backend::{Api, Ask, Delivery as Webhook, Reply},
    catalog,
    postgres::{Database, Postgres, PostgresError, PostgresOptions},
    slack::{Delivery, Message, Slack, Surface},
};
use testkit::{BackendKeys, DeploymentOptions, LocalDeployment, Page};
use tokio::sync::OnceCell;

pub use sandbox::slack::names::{ADMIN, ALICE, BOB, GUEST, RANDOM, SALES};

/// The upper bound for something that the service does in the background. A test that waits this long has failed; it is generous
/// because a machine under load must not fail tests.
pub const SOON: Duration = Duration::from_mins(1);

/// Shorter than the service's own time limits, such as a long poll's 50 s or a shutdown's 30 s: what takes no longer than
/// this was not ended by them.
pub const PROMPTLY: Duration = Duration::from_secs(25);

/// The choice beside *Deny* that opens the modal.
pub const IN_WORDS: &str = "Deny with a reason…";

/// How often a running clock moves.
const TICK: Duration = Duration::from_millis(50);

/// Tells one test database from another in random ids.
static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);

/// The server that all tests share, and the migrated database that theirs are copied from.
static SERVER: OnceCell<(Postgres, String)> = OnceCell::const_new();

async fn server() -> &'static (Postgres, String) {
    SERVER
        .get_or_init(|| async {
            let postgres = Postgres::start().await.unwrap();
            let template = testkit::migrated_database(&postgres).await.unwrap();
            (postgres, template.name)
        })
        .await
}

/// A deployment of one test's own, with what tests do and look at.
pub struct TestApp(LocalDeployment);

impl Deref for TestApp {
    type Target = LocalDeployment;

    fn deref(&self) -> &LocalDeployment {
        &self.0
    }
}

impl DerefMut for TestApp {
    fn deref_mut(&mut self) -> &mut LocalDeployment {
        &mut self.0
    }
}

/// Runs a test in a world of its own, and takes the world down afterwards.
pub async fn story(test: impl AsyncFnOnce(&mut TestApp)) {
    story_as(|_, _| {}, test).await;
}

/// The same with the service set up otherwise: for Socket Mode, for instance, or for installing by OAuth.
pub async fn story_as(
    configure: impl FnOnce(&mut ServeConfig, &Slack),
    test: impl AsyncFnOnce(&mut TestApp),
) {
    let (postgres, template) = server().await;
    let database = postgres.create_database(Some(template)).await.unwrap();
    let mut story = TestApp::begin(postgres.clone(), database, None, configure).await;
    told_why(&mut story, test).await;
    story.end().await;
}

/// The same on a database that an earlier version filled: restored from its dump, then migrated. `keys` are the API key
/// and the webhook secret of its backend.
pub async fn story_on_dump(dump: &str, keys: (&str, &str), test: impl AsyncFnOnce(&mut TestApp)) {
    let (postgres, _) = server().await;
    let database = postgres.create_database(None).await.unwrap();
    crate::upgrade::restore(&database.url, dump).await;
    let before = crate::upgrade::written(&database.url).await;
    testkit::migrate(&database.url).await.unwrap();
    assert_eq!(before, crate::upgrade::written(&database.url).await, "a migration changed what was written");
    let keys = BackendKeys { api_key: keys.0.to_owned(), webhook_secret: keys.1.to_owned() };
    let mut story = TestApp::begin(postgres.clone(), database, Some(keys), |_, _| {}).await;
    told_why(&mut story, test).await;
    story.end().await;
}

/// Runs the test. If it fails, what is still open in the outbox is printed: most that does not come about waits there.
#[expect(clippy::print_stderr, reason = "it stands beside why the test failed")]
async fn told_why(story: &mut TestApp, test: impl AsyncFnOnce(&mut TestApp)) {
    let ended = AssertUnwindSafe(test(story)).catch_unwind().await;
    if let Err(why) = ended {
        let open = tokio::time::timeout(Duration::from_secs(30), story.open_rows()).await;
        eprintln!("{}", open.unwrap_or_else(|_| "The database does not say what is open.".to_owned()));
        std::panic::resume_unwind(why);
    }
}

/// The same on a database server of its own, which the test may stop and start, and with a running clock:
/// whatever a database that is away keeps from being done is tried again after a moment of it.
pub async fn story_with_own_server(test: impl AsyncFnOnce(&mut TestApp)) {
    story_with_server(PostgresOptions::default(), test).await;
}

/// The same with a server that is set up otherwise.
pub async fn story_with_server(options: PostgresOptions, test: impl AsyncFnOnce(&mut TestApp)) {
    let postgres = match Postgres::start_with(options).await {
        Err(error @ PostgresError::Missing { .. }) if std::env::var_os("DATABASE_URL").is_some() => {
            let said = format!("\nSKIPPED: this needs a server that can be stopped. {error}\n");
            // Printed even where output is captured.
            let _ = std::io::stderr().write_all(said.as_bytes());
            return;
        }
        started => started.unwrap(),
    };
    let database = testkit::migrated_database(&postgres).await.unwrap();
    let mut story = TestApp::begin(postgres, database, None, |_, _| {}).await;
    let clock = story.clock.clone();
    tokio::select! {
        () = told_why(&mut story, test) => {}
        () = run(&clock) => {}
    }
    story.end().await;
}

/// Advances the clock in real time.
async fn run(clock: &Clock) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        clock.advance(TimeDelta::from_std(TICK).unwrap());
    }
}

impl TestApp {
    async fn begin(
        postgres: Postgres,
        database: Database,
        keys: Option<BackendKeys>,
        configure: impl FnOnce(&mut ServeConfig, &Slack),
    ) -> Self {
        if std::env::var_os("RUST_LOG").is_some() {
            countersign::telemetry::start_logging();
        }
        let seed = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed) << 32;
        let options = DeploymentOptions {
            // Whole seconds, as signatures carry them.
            clock: Clock::manual(DateTime::from_timestamp(1_790_000_000, 0).unwrap()),
            entropy: Entropy::seeded(seed),
            database: Some((postgres, database)),
            // For the browser.
            page: Page::SlackAndBackend,
            rate_limits: true,
            ..DeploymentOptions::default()
        };
        let configure = |config: &mut ServeConfig, slack: &Slack| {
            crate::modes::of_the_whole_run(config, slack);
            configure(config, slack);
        };
        let mut story = Self(LocalDeployment::prepare(options, configure).await.unwrap());
        if keys.is_some() {
            story.receive_webhooks().await;
            story.keys = keys;
        } else {
            story.create_own_backend("agents", KeyScopes::ALL).await.unwrap();
        }
        story.start().await;
        story
    }

    /// Starts the service, or another instance of it after [`TestApp::stop`] or [`TestApp::crash`].
    pub async fn start(&mut self) {
        self.start_service().await.unwrap();
        crate::modes::settle(self).await;
    }

    /// Another instance on the same database.
    pub async fn instance(&self) -> App {
        let config = ServeConfig { listen: "127.0.0.1:0".parse().unwrap(), ..self.config.clone() };
        App::start(config, self.clock.clone(), Entropy::system()).await.unwrap()
    }

    /// Shuts the service down in good order.
    pub async fn stop(&mut self) {
        self.stop_service().await;
    }

    /// Ends the service and starts it again, as [`TestApp::config`] says now.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
        self.backend.move_to(&self.url());
    }

    async fn end(mut self) {
        self.stop().await;
        self.check_messages();
        self.0.stop().await.unwrap();
    }

    /// The API key of the test's backend.
    pub fn key(&self) -> &str {
        self.keys.as_ref().map_or("", |keys| &keys.api_key)
    }

    /// Creates a backend: its API key and webhook secret.
    pub async fn create_backend(&self, name: &str) -> (String, String) {
        let url = self.backend.webhook_url();
        let keys = self.0.create_backend(name, &url, KeyScopes::ALL).await.unwrap();
        (keys.api_key, keys.webhook_secret)
    }

    /// Points the backends of a restored database at the receiver of this test.
    async fn receive_webhooks(&self) {
        sqlx::query("UPDATE backends SET webhook_url = $1")
            .bind(self.backend.webhook_url())
            .execute(&self.service.db)
            .await
            .unwrap();
    }

    /// The API, as the test's backend calls it.
    pub fn api(&self) -> Api {
        self.backend.api()
    }

    /// Puts an integration of the catalog, as its backend does at start.
    pub async fn put(&self, integration: &str) {
        self.describe(integration).await.unwrap();
    }

    /// Has an admin unlock an action.
    pub async fn unlock(&self, action: &str) {
        self.set_lock(action, unlock::LockCommand::Unlock(countersign::domain::catalog::UnlockedFor::Always))
            .await
            .unwrap();
    }

    /// Has an admin lock an action.
    pub async fn lock(&self, action: &str) {
        self.set_lock(action, unlock::LockCommand::Lock).await.unwrap();
    }

    /// Everything that lets Alice auto-approve an action of an integration.
    pub async fn open(&self, action: &str) {
        let (integration, _) = action.split_once('.').unwrap();
        self.put(integration).await;
        self.unlock(action).await;
        self.connect_user(ALICE, integration).await.unwrap();
    }

    /// A call of the catalog, as a request of Alice's in a conversation.
    #[expect(clippy::unused_self, reason = "it reads like the rest of the harness")]
    pub fn call(&self, action: &str, conversation: &str) -> Ask {
        let (integration, action) = action.split_once('.').unwrap();
        catalog::call(integration, action).unwrap().ask(ALICE, conversation)
    }

    /// Asks, and gives the answer.
    pub async fn ask(&self, ask: &Ask) -> Reply {
        let reply = self.api().ask(ask).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply
    }

    /// Asks, and waits for the prompt.
    pub async fn prompt(&self, ask: &Ask) -> (String, Message) {
        let reply = self.ask(ask).await;
        assert_eq!(reply.approval_status(), "pending", "{reply:?}");
        let id = reply.id().to_owned();
        let message = self.shown(&ask.user, &id).await;
        self.noted(&id).await;
        (id, message)
    }

    /// The prompt that shows an approval in the user's direct messages, once it is there.
    pub async fn shown(&self, user: &str, id: &str) -> Message {
        self.slack
            .wait_for_direct_message(user, |message| message.to_json().to_string().contains(id), SOON)
            .await
            .unwrap()
    }

    /// The message, once it satisfies something.
    pub async fn until(&self, message: &Message, what: impl Fn(&Message) -> bool) -> Message {
        let found = self
            .slack
            .wait_for(
                |slack| slack.message(&message.channel, &message.ts).filter(|message| what(message)),
                SOON,
            )
            .await;
        let now = || self.slack.message(&message.channel, &message.ts).map(|message| message.all_text());
        found.unwrap_or_else(|_| panic!("the message stayed as it is: {:?}", now()))
    }

    /// Picks the choice with this label from one of the overflow menus.
    pub async fn choose(&self, user: &str, message: &Message, label: &str) -> Delivery {
        let options = message.overflow_options();
        let option =
            options.iter().find(|option| option.label == label).unwrap_or_else(|| panic!("{options:?}"));
        self.slack.choose(user, Surface::message(message), &option.action_id, &option.value).await.unwrap()
    }

    /// Clicks the button with this label.
    pub async fn click(&self, user: &str, message: &Message, label: &str) -> Delivery {
        self.slack.click_label(user, Surface::message(message), label).await.unwrap()
    }

    /// The webhook that says how an approval ended.
    pub async fn received_webhook(&self, id: &str) -> Webhook {
        let told = self.backend.wait_for_event(|event| event.approval_id() == id, SOON).await.unwrap();
        assert_eq!(told.verified, Ok(()));
        told
    }

    /// The private sentence that a person got last.
    pub async fn ephemeral_reply(&self, user: &str, channel: &str, containing: &str) -> Message {
        self.slack
            .wait_for(
                |slack| {
                    let seen = slack.messages_seen_by(user, channel);
                    seen.into_iter().rev().find(|message| {
                        message.ephemeral_for.as_deref() == Some(user) && message.text().contains(containing)
                    })
                },
                SOON,
            )
            .await
            .unwrap()
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

/// What `look` finds, once it finds something.
pub async fn eventually<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what} did not come about");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
