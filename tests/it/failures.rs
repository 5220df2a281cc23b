//! What dies in the middle: the service, Slack, the database. Nothing is lost, and nothing happens twice that must not.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    time::Duration,
};

use chrono::TimeDelta;
use sandbox::{
    ambient,
    backend::{AgentBackend, Answer, BackendOptions},
    catalog,
    slack::{Message, Misbehaviour, Slack, SlackOptions, Surface},
};

use crate::{
    children,
    story::{ALICE, SALES, SOON, TestApp, story, story_with_own_server},
};

const ACTION: &str = "github.create_issue";
/// What the program's connections to the database are called.
const PROCESS: &str = "process";

/// The real program, as a process that can be killed.
pub struct Process {
    child: Child,
    pub url: String,
}

impl Process {
    /// Starts `countersign serve` beside a story's database, and waits until it listens.
    pub fn start(s: &TestApp, slack: &Slack) -> Self {
        let url = secrecy::ExposeSecret::expose_secret(&s.config.database.database_url);
        let mut url = url::Url::parse(url).unwrap();
        url.query_pairs_mut().append_pair("application_name", PROCESS);
        let mut child = children::command(env!("CARGO_BIN_EXE_countersign"))
            .arg("serve")
            // Nothing of the test's own environment sets it up otherwise.
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("DATABASE_URL", url.as_str())
            .env("COUNTERSIGN_LISTEN", "127.0.0.1:0")
            .env("COUNTERSIGN_ENCRYPTION_KEY", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")
            .env("COUNTERSIGN_WEBHOOK_ALLOW", "127.0.0.1")
            .env("COUNTERSIGN_BACKEND_REQUESTS_PER_SECOND", "100000")
            .env("SLACK_SIGNING_SECRET", slack.signing_secret())
            .env("SLACK_BOT_TOKEN", slack.bot_token())
            .env("SLACK_API_URL", slack.api_url())
            .env("RUST_LOG", "info")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                let line: serde_json::Value = serde_json::from_str(&line).ok()?;
                line["fields"]["address"].as_str().map(str::to_owned)
            })
            .unwrap();
        // Reads on, so that the process never blocks on a full pipe.
        std::thread::spawn(move || lines.count());
        let url = format!("http://{address}");
        slack.connect_app(&url);
        Self { child, url }
    }

    /// `kill -9`. What it had begun in the database may go on for a moment: waits until that has ended, and then
    /// expires its leases, for which a test need not wait.
    pub async fn kill(mut self, s: &TestApp) {
        children::kill(&mut self.child);
        let at_work = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1";
        s.until_so(async || {
            let left: i64 = sqlx::query_scalar(at_work).bind(PROCESS).fetch_one(&s.service.db).await.unwrap();
            left == 0
        })
        .await;
        sqlx::query("UPDATE outbox SET leased_until = now() - interval '1 second' WHERE lease IS NOT NULL")
            .execute(&s.service.db)
            .await
            .unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        children::kill(&mut self.child);
    }
}

/// A Slack and a backend on the machine's clock, as the real program needs them.
pub async fn real_time(s: &mut TestApp) -> (Slack, AgentBackend) {
    s.stop().await;
    let clock = ambient::Clock::system();
    let slack = Slack::start(SlackOptions { clock: clock.clone(), ..SlackOptions::default() }).await.unwrap();
    let backend = AgentBackend::start(BackendOptions { clock }).await.unwrap();
    sqlx::query("UPDATE backends SET webhook_url = $1")
        .bind(backend.webhook_url())
        .execute(&s.service.db)
        .await
        .unwrap();
    (slack, backend)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_killed_between_a_posts_effect_and_its_acknowledgement_asks_again_and_decides_once() {
    story(async |s| {
        let (slack, backend) = real_time(s).await;
        let (key, secret) = s.create_backend("killed").await;
        sqlx::query("UPDATE backends SET webhook_url = $1")
            .bind(backend.webhook_url())
            .execute(&s.service.db)
            .await
            .unwrap();
        slack.misbehave("chat.postMessage", Misbehaviour::SlowAnswer(Duration::from_secs(30)), 1);
        let process = Process::start(s, &slack);
        backend.connect(&process.url, &key, &secret);
        let ask = catalog::call("github", "create_issue").unwrap().ask(ALICE, "c-1");
        let id = backend.api().ask(&ask).await.id().to_owned();
        let first = slack
            .wait_for_direct_message(ALICE, |message| message.has_button("Approve"), SOON)
            .await
            .unwrap();
        process.kill(s).await;
        let process = Process::start(s, &slack);
        backend.connect(&process.url, &key, &secret);
        let second = slack
            .wait_for_direct_message(
                ALICE,
                |message| message.has_button("Approve") && message.ts != first.ts,
                SOON,
            )
            .await
            .unwrap();
        // The orphan, of which the service knows nothing, decides like the other; then both say so.
        assert!(slack.click_label(ALICE, Surface::message(&first), "Approve").await.unwrap().is_ok());
        assert!(slack.click_label(ALICE, Surface::stale(&second), "Deny").await.unwrap().is_ok());
        let told = backend.wait_for_event(|event| event.approval_id() == id, SOON).await.unwrap();
        assert_eq!(told.kind, "approval.approved");
        for message in [&first, &second] {
            slack
                .wait_for(
                    |slack| {
                        slack.message(&message.channel, &message.ts).filter(|now| !now.has_button("Approve"))
                    },
                    SOON,
                )
                .await
                .unwrap();
        }
        assert_eq!(backend.events().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_under_load_loses_no_webhook_and_no_audit_entry() {
    story(async |s| {
        let (slack, backend) = real_time(s).await;
        let (key, secret) = s.create_backend("loaded").await;
        sqlx::query("UPDATE backends SET webhook_url = $1")
            .bind(backend.webhook_url())
            .execute(&s.service.db)
            .await
            .unwrap();
        let process = Process::start(s, &slack);
        backend.connect(&process.url, &key, &secret);
        let mut asked = Vec::new();
        for number in 0..40 {
            let ask = catalog::call("github", "create_issue").unwrap().ask(ALICE, &format!("c-{number}"));
            asked.push(backend.api().ask(&ask).await.id().to_owned());
        }
        let cancels = asked.iter().map(|id| {
            let api = backend.api();
            async move { api.cancel(id).await.status }
        });
        let killed = async {
            backend.wait_for_delivery(|_| true, SOON).await.unwrap();
            process.kill(s).await;
        };
        let (answers, ()) = futures::future::join(futures::future::join_all(cancels), killed).await;
        let process = Process::start(s, &slack);
        backend.connect(&process.url, &key, &secret);
        // The agent repeats the requests that the dead instance did not confirm, and learns their status.
        for (id, answer) in asked.iter().zip(&answers) {
            let again = backend.api().cancel(id).await.status;
            assert!(
                if *answer == 200 { again == 409 } else { again == 200 || again == 409 },
                "{answer} {again}"
            );
        }
        for id in &asked {
            let told = backend.wait_for_event(|event| event.approval_id() == id, SOON).await.unwrap();
            assert_eq!(told.kind, "approval.cancelled");
            assert_eq!(
                (s.audited("approval.requested", id).await, s.audited("approval.cancelled", id).await),
                (1, 1)
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_down_shows_an_error_and_one_that_is_back_decides() {
    story_with_own_server(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.postgres().stop_server().await.unwrap();
        let delivery = s.click(ALICE, &prompt, "Approve").await;
        assert!(!delivery.is_ok(), "Slack shows that it did not work: {delivery:?}");
        // That nothing was decided, or, where it took too long to know, that it may have been.
        s.ephemeral_reply(ALICE, &prompt.channel, "Something went wrong").await;
        assert_eq!(s.api().ask(&s.call(ACTION, "c-2")).await.status, 503);
        s.postgres().start_server().await.unwrap();
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        s.until(&prompt, |message| !message.has_button("Approve")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_restarted_in_mid_flight_loses_nothing() {
    story_with_own_server(async |s| {
        let mut asked = Vec::new();
        for number in 0..10 {
            asked.push(
                s.ask(&s.call(ACTION, &format!("c-{number}")).in_channel(SALES, None)).await.id().to_owned(),
            );
        }
        s.postgres().restart().await.unwrap();
        for id in &asked {
            // A channel takes one message a second after the first few.
            s.pass(TimeDelta::seconds(10));
            let shows = |message: &Message| message.to_json().to_string().contains(id.as_str());
            let prompt = s.slack.wait_for_message(SALES, shows, SOON).await.unwrap();
            assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
            assert_eq!(s.received_webhook(id).await.kind, "approval.approved");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slack_that_misbehaves_gets_the_prompt_later() {
    for trouble in [
        Misbehaviour::RateLimited { retry_after: 7 },
        Misbehaviour::ServerError(503),
        Misbehaviour::HtmlPage,
        Misbehaviour::DropBeforeEffect,
        Misbehaviour::SlackError("internal_error".to_owned()),
    ] {
        story(async |s| {
            s.slack.misbehave("chat.postMessage", trouble.clone(), 1);
            let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
            let failed = s
                .slack
                .wait_for(|slack| (!slack.calls_of("chat.postMessage").is_empty()).then_some(()), SOON);
            failed.await.unwrap();
            let waiting = async {
                loop {
                    let (leased,): (bool,) = sqlx::query_as("SELECT bool_or(lease IS NOT NULL) FROM outbox")
                        .fetch_one(&s.service.db)
                        .await
                        .unwrap();
                    if !leased {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(SOON, waiting).await.unwrap();
            assert!(s.slack.direct_messages(ALICE).is_empty(), "{trouble:?}");
            s.pass(TimeDelta::seconds(7));
            s.shown(ALICE, &id).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_finishes_what_is_in_hand() {
    story(async |s| {
        s.backend.answer_next([Answer::Hang(Duration::from_millis(700))]);
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        s.backend.wait_for_delivery(|delivery| delivery.approval_id() == id, SOON).await.unwrap();
        // Only the webhook is in progress: due work that has not begun is left to another instance.
        s.until(&prompt, |message| !message.has_button("Approve")).await;
        s.stop().await;
        let open: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE done_at IS NULL")
            .fetch_one(&s.service.db)
            .await
            .unwrap();
        assert_eq!(open, 0, "the started webhook was finished and recorded");
        s.start().await;
        s.advance_until_idle(TimeDelta::minutes(2)).await;
        s.settled().await;
        assert_eq!(s.backend.deliveries().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_share_the_work_and_repeat_none_of_it() {
    story(async |s| {
        let second = s.instance().await;
        let mut asked = Vec::new();
        for number in 0..30 {
            let reply = s.ask(&s.call(ACTION, &format!("c-{number}"))).await;
            assert_eq!(s.api().cancel(reply.id()).await.status, 200);
            asked.push(reply.id().to_owned());
        }
        for id in &asked {
            s.received_webhook(id).await;
        }
        s.settled().await;
        assert_eq!(s.backend.deliveries().len(), 30);
        second.shutdown().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_killed_with_many_webhooks_in_flight_delivers_all_of_them() {
    story(async |s| {
        let (slack, backend) = real_time(s).await;
        let (key, secret) = s.create_backend("killed").await;
        sqlx::query("UPDATE backends SET webhook_url = $1")
            .bind(backend.webhook_url())
            .execute(&s.service.db)
            .await
            .unwrap();
        let process = Process::start(s, &slack);
        backend.connect(&process.url, &key, &secret);
        // The receiver is fast at first, so that many are sent to it at once.
        let hangs = Answer::Hang(Duration::from_mins(1));
        let mut asked = Vec::new();
        for number in 0..150 {
            match number {
                30 => backend.answer_with(Answer::Hang(Duration::from_millis(200))),
                120 => backend.answer_with(hangs.clone()),
                _ => {}
            }
            let reply = backend.api().ask(&s.call(ACTION, &format!("c-{number}"))).await;
            assert_eq!(backend.api().cancel(reply.id()).await.status, 200);
            asked.push(reply.id().to_owned());
        }
        backend.wait_for_delivery(|delivery| delivery.answer == hangs, SOON).await.unwrap();
        process.kill(s).await;
        backend.answer_with(Answer::Take);
        let process = Process::start(s, &slack);
        for id in &asked {
            let told = backend.wait_for_event(|event| event.approval_id() == id, SOON).await.unwrap();
            assert_eq!((told.kind.as_str(), told.verified), ("approval.cancelled", Ok(())));
        }
        // What was not recorded by the first process was sent again, and is recorded once.
        let open = "SELECT count(*) FROM outbox WHERE kind = 'webhook' AND done_at IS NULL";
        s.until_so(async || sqlx::query_scalar::<_, i64>(open).fetch_one(&s.service.db).await.unwrap() == 0).await;
        let wrong = "SELECT count(*) FROM outbox o WHERE kind = 'webhook' AND (lease IS NOT NULL OR 1 <>
            (SELECT count(*) FROM attempts a WHERE a.outbox_id = o.id AND a.outcome = 'done' AND a.number = o.attempts))";
        assert_eq!(sqlx::query_scalar::<_, i64>(wrong).fetch_one(&s.service.db).await.unwrap(), 0);
        process.kill(s).await;
    })
    .await;
}
