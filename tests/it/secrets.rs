//! Secrets at rest and on the way: the encryption key is changed while everything runs, and nothing of what is written
//! holds a token.

use std::{
    io::Write,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use chrono::TimeDelta;
use countersign::{
    clock::Clock,
    config::{DatabaseConfig, ServeConfig},
    entropy::Entropy,
    service::{Service, keys},
};
use sandbox::slack::{Misbehaviour, names};
use secrecy::ExposeSecret as _;
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    modes::{Browser, with_rotation},
    spans::second_dispatcher,
    story::{ALICE, SOON, TestApp, story_as},
};

const ACTION: &str = "github.create_issue";
const OLD: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const NEW: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

fn service(s: &TestApp, keys: &str) -> Service {
    let config = DatabaseConfig { encryption_key: Some(keys.into()), ..s.config.database.clone() };
    countersign::app::service(&config, 2, s.clock.clone(), Entropy::system()).unwrap()
}

async fn works(s: &TestApp, conversation: &str) {
    let (id, prompt) = s.prompt(&s.call(ACTION, conversation)).await;
    assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
    assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_encryption_key_is_changed_under_load() {
    story_as(with_rotation, async |s| {
        assert_eq!(
            s.config.database.encryption_key.as_ref().map(|key| key.expose_secret() == OLD),
            Some(true)
        );
        Browser::new().install(s, names::TEAM).await;
        for number in 0..20 {
            s.create_backend(&format!("backend-{number}")).await;
        }
        // First every instance learns to open what the new key seals, one after the other; then each seals with it.
        // Whatever one of them writes in between, the others can open.
        let (old_first, new_first) = (format!("{OLD},{NEW}"), format!("{NEW},{OLD}"));
        for (from, to) in [(OLD.to_owned(), &old_first), (old_first.clone(), &new_first)] {
            s.config.database.encryption_key = Some(from.into());
            let behind = s.instance().await;
            s.config.database.encryption_key = Some(to.as_str().into());
            s.restart().await;
            // This one seals a token, and both use it.
            Browser::new().install(s, names::TEAM).await;
            for round in 0..6 {
                works(s, &format!("{}-{round}", &to[..4])).await;
                s.pass(TimeDelta::seconds(2));
            }
            behind.shutdown().await;
        }
        let both = service(s, &format!("{NEW},{OLD}"));
        assert_eq!(keys::outdated(&both).await.unwrap(), 22, "all but the workspace");
        // Then the rows are sealed again while requests, webhooks and refreshes go on.
        let load = async {
            for number in 0..5 {
                s.advance_until_idle(TimeDelta::hours(12)).await;
                works(s, &format!("c-{number}")).await;
            }
        };
        let rotate = async {
            let mut changed = 0;
            for _ in 0..5 {
                changed += keys::rotate(&both).await.unwrap().changed;
                tokio::task::yield_now().await;
            }
            changed
        };
        let ((), changed) = tokio::join!(load, rotate);
        assert!(changed >= 20, "{changed}");
        assert_eq!(keys::outdated(&both).await.unwrap(), 0);
        // Then the old key goes.
        s.config.database.encryption_key = Some(NEW.into());
        s.stop().await;
        s.start().await;
        s.advance_until_idle(TimeDelta::hours(12)).await;
        works(s, "c-9").await;
        assert!(keys::outdated(&service(s, OLD)).await.is_err());
    })
    .await;
}

/// Keeps everything that is logged, by every thread of this process.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The text of a panic that has all secrets in scope.
fn panic_of(config: &ServeConfig, service: &Service) -> String {
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        panic!("a panic with {config:?} and {service:?}")
    }));
    *panicked.unwrap_err().downcast::<String>().unwrap()
}

/// Everything that a command prints, to either side, with the service's whole environment.
async fn printed(s: &TestApp, arguments: &[&str]) -> String {
    let (config, database, app) = (&s.config, &s.config.database, s.slack.app());
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command
        .env_clear()
        .args(arguments)
        .stdin(Stdio::null())
        .env("DATABASE_URL", database.database_url.expose_secret())
        .env("COUNTERSIGN_ENCRYPTION_KEY", OLD)
        .env("COUNTERSIGN_PUBLIC_URL", config.public_url.as_ref().unwrap())
        .env("COUNTERSIGN_LISTEN", s.url().trim_start_matches("http://"))
        .env("SLACK_API_URL", s.slack.api_url())
        .env("SLACK_SIGNING_SECRET", app.signing_secret)
        .env("SLACK_APP_TOKEN", app.app_token)
        .env("SLACK_CLIENT_ID", app.client_id)
        .env("SLACK_CLIENT_SECRET", app.client_secret);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn no_secret_is_in_any_log_error_or_debug_print() {
    // A runtime of one thread, so that everything that the service does is logged here.
    let kept = Kept::default();
    let mut shown = kept.clone();
    let filter = "trace,hyper=info,hyper_util=info,h2=info,rustls=info,tungstenite=debug,tokio_tungstenite=debug,sandbox=off,countersign_sandbox=off,slack_morphism=debug,sqlx=debug";
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(kept.clone())
        .json()
        .finish();
    let _second = second_dispatcher();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let secrets = tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let secrets = Arc::new(Mutex::new(Vec::new()));
            let found = secrets.clone();
            story_as(
                |config, slack| {
                    with_rotation(config, slack);
                    slack.change_app(|app| app.socket_mode = true);
                    config.slack_app_token = Some(slack.app().app_token.into());
                },
                async move |s| {
                    let mut browser = Browser::new();
                    let page = browser.install(s, names::TEAM).await;
                    assert_eq!(page.status(), 200);
                    // What browsers are shown, installed or not.
                    let mut show = |text: &str| writeln!(shown, "{text}").unwrap();
                    show(&page.text().await.unwrap());
                    for query in ["", "?state=forged&code=forged", "?error=access_denied"] {
                        let page = browser.open(&format!("{}/slack/oauth/callback{query}", s.url())).await;
                        show(&page.text().await.unwrap());
                    }
                    s.slack.misbehave("oauth.v2.access", Misbehaviour::HtmlPage, 1);
                    s.advance_until_idle(TimeDelta::hours(12)).await;
                    s.slack.misbehave("chat.update", Misbehaviour::SlackError("invalid_blocks".into()), 1);
                    s.slack.misbehave("users.info", Misbehaviour::ServerError(500), 1);
                    let reply = s.ask(&s.call(ACTION, "c-1")).await;
                    s.until_so(async || {
                        s.advance_until_idle(TimeDelta::seconds(2)).await;
                        !s.slack.direct_messages(ALICE).is_empty()
                    })
                    .await;
                    let prompt = s.shown(ALICE, reply.id()).await;
                    assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
                    s.received_webhook(reply.id()).await;
                    s.slack.cut_socket();
                    s.slack.wait_for(|slack| (slack.sockets() == 2).then_some(()), SOON).await.unwrap();
                    works(s, "c-2").await;
                    let app = s.slack.app();
                    let mut all = s.slack.secrets();
                    all.extend([app.client_secret, app.app_token, app.signing_secret, OLD.to_owned()]);
                    all.extend(s.keys_of_the_backend());
                    // Whatever is printed of the parts themselves.
                    tracing::info!(config = ?s.config, service = ?s.service, "debug prints");
                    show(&panic_of(&s.config, &s.service));
                    for arguments in [&["doctor"][..], &["backend", "list"], &["migrate"]] {
                        show(&printed(s, arguments).await);
                    }
                    for event in s.slack.uninstall(names::TEAM) {
                        s.slack.send_envelope(event).await;
                    }
                    s.until_so(async || s.audits("workspace.removed").await == 1).await;
                    found.lock().unwrap().append(&mut all);
                },
            )
            .await;
            std::mem::take(&mut *secrets.lock().unwrap())
        })
    });
    let written = String::from_utf8_lossy(&kept.0.lock().unwrap()).into_owned();
    assert!(written.contains("Token refreshed") && written.contains("debug prints"), "too little was logged");
    for shown in ["installed in Acme", "can't be used", "a panic with", "Socket Mode", "agents", "up to date"]
    {
        assert!(written.contains(shown), "{shown} was not shown");
    }
    assert!(secrets.len() >= 9, "{}", secrets.len());
    for secret in &secrets {
        let found = written.lines().find(|line| line.contains(secret.as_str()));
        assert!(found.is_none(), "a secret that begins with {} is in: {found:?}", &secret[..6]);
    }
    for prefix in ["xoxb-", "xoxe-", "xapp-", "whsec_"] {
        let found = written.lines().find(|line| line.contains(prefix));
        assert!(found.is_none(), "{prefix} is in: {found:?}");
    }
}

#[test]
fn a_printed_configuration_shows_no_secret() {
    let config = DatabaseConfig {
        database_url: "postgres://user:hunter2@host/db".into(),
        encryption_key: Some(NEW.into()),
        limits: countersign::storage::Limits::SERVE,
    };
    let printed = format!("{config:?} {:?}", Clock::system());
    assert!(!printed.contains("hunter2") && !printed.contains(NEW), "{printed}");
}
