//! Secrets at rest and on the way: the encryption key is changed while everything runs, and nothing of what is written
//! holds a token.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use chrono::TimeDelta;
use countersign::{
    clock::Clock,
    config::DatabaseConfig,
    entropy::Entropy,
    service::{Service, keys},
};
use sandbox::slack::{Misbehaviour, names};
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    modes::{Browser, with_rotation},
    story::{ALICE, SOON, Story, story_as},
};

const ACTION: &str = "github.create_issue";
const OLD: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const NEW: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

fn service(s: &Story, keys: &str) -> Service {
    let config = DatabaseConfig { encryption_key: Some(keys.into()), ..s.config.database.clone() };
    countersign::app::service(&config, 2, s.clock.clone(), Entropy::system()).unwrap()
}

async fn works(s: &Story, conversation: &str) {
    let (id, prompt) = s.prompt(&s.call(ACTION, conversation)).await;
    assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
    assert_eq!(s.told(&id).await.kind, "approval.approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_encryption_key_is_changed_under_load() {
    story_as(with_rotation, async |s| {
        assert_eq!(
            s.config.database.encryption_key.as_ref().map(|key| {
                use secrecy::ExposeSecret as _;
                key.expose_secret() == OLD
            }),
            Some(true)
        );
        Browser::new().install(s, names::TEAM).await;
        for number in 0..20 {
            s.create_backend(&format!("backend-{number}")).await;
        }
        // First every instance gets both keys, the new one in front.
        s.config.database.encryption_key = Some(format!("{NEW},{OLD}").into());
        s.stop().await;
        s.start().await;
        let both = service(s, &format!("{NEW},{OLD}"));
        assert_eq!(keys::outdated(&both).await.unwrap(), 22);
        // Then the rows are sealed again while requests, webhooks and refreshes go on.
        let load = async {
            for number in 0..5 {
                s.leap(TimeDelta::hours(12)).await;
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
        assert!(changed >= 21, "{changed}");
        assert_eq!(keys::outdated(&both).await.unwrap(), 0);
        // Then the old key goes.
        s.config.database.encryption_key = Some(NEW.into());
        s.stop().await;
        s.start().await;
        s.leap(TimeDelta::hours(12)).await;
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

#[test]
fn no_secret_is_in_any_log_error_or_debug_print() {
    // A runtime of one thread, so that everything that the service does is logged here.
    let kept = Kept::default();
    let filter = "trace,hyper=info,hyper_util=info,h2=info,rustls=info,tungstenite=debug,tokio_tungstenite=debug,sandbox=off,countersign_sandbox=off,slack_morphism=debug,sqlx=debug";
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(kept.clone())
        .json()
        .finish();
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
                    let page = Browser::new().install(s, names::TEAM).await;
                    assert_eq!(page.status(), 200);
                    s.leap(TimeDelta::hours(12)).await;
                    s.slack.misbehave("oauth.v2.access", Misbehaviour::HtmlPage, 1);
                    s.slack.misbehave("chat.update", Misbehaviour::SlackError("invalid_blocks".into()), 1);
                    s.slack.misbehave("users.info", Misbehaviour::ServerError(500), 1);
                    let reply = s.ask(&s.call(ACTION, "c-1")).await;
                    s.until_so(async || {
                        s.leap(TimeDelta::seconds(2)).await;
                        !s.slack.direct_messages(ALICE).is_empty()
                    })
                    .await;
                    let prompt = s.shown(ALICE, reply.id()).await;
                    assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
                    s.told(reply.id()).await;
                    s.slack.cut_socket();
                    s.slack.wait_for(|slack| (slack.sockets() == 2).then_some(()), SOON).await.unwrap();
                    works(s, "c-2").await;
                    let app = s.slack.app();
                    let mut all = s.slack.secrets();
                    all.extend([app.client_secret, app.app_token, app.signing_secret, OLD.to_owned()]);
                    all.extend(s.keys_of_the_backend());
                    // Whatever is printed of the parts themselves.
                    tracing::info!(config = ?s.config, service = ?s.service, "debug prints");
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
    assert!(
        written.contains("A token was replaced") && written.contains("debug prints"),
        "too little was logged"
    );
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
    };
    let printed = format!("{config:?} {:?}", Clock::system());
    assert!(!printed.contains("hunter2") && !printed.contains(NEW), "{printed}");
}
