//! Many clients wait, are silent, send slowly or make keys up. Slack and the backends still get through.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
};

use countersign::server::capacity::Capacity;
use futures::{StreamExt as _, stream::FuturesUnordered};
use sandbox::slack::{Endpoint, Signing};
use secrecy::ExposeSecret as _;
use testkit::BackendKeys;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    children,
    modes::http_story as story,
    story::{ALICE, SOON, TestApp},
};

const ACTION: &str = "github.create_issue";
/// Connections to Postgres that the instances of these tests have.
const DATABASE_CONNECTIONS: u32 = 5;

/// An instance in a process of its own, by the machine's clock.
struct Limited {
    child: Child,
    pid: u32,
    address: String,
}

impl Limited {
    /// Starts it after this command of the shell, in place of the test's own instance.
    async fn start(s: &mut TestApp, limit: &str) -> Self {
        s.stop().await;
        let mut child = children::command("sh")
            .args(["-c", &format!("{limit}; echo $$; exec \"$0\" serve"), env!("CARGO_BIN_EXE_countersign")])
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("DATABASE_URL", s.config.database.database_url.expose_secret())
            .env("COUNTERSIGN_DATABASE_CONNECTIONS", DATABASE_CONNECTIONS.to_string())
            .env(
                "COUNTERSIGN_ENCRYPTION_KEY",
                s.config.database.encryption_key.as_ref().unwrap().expose_secret(),
            )
            .env("COUNTERSIGN_LISTEN", "127.0.0.1:0")
            .env("COUNTERSIGN_WEBHOOK_ALLOW", "127.0.0.0/8")
            .env("SLACK_SIGNING_SECRET", s.slack.signing_secret())
            .env("SLACK_BOT_TOKEN", s.slack.bot_token())
            .env("SLACK_API_URL", s.slack.api_url())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut pid).unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = log.find_map(|line| {
            let line: serde_json::Value = serde_json::from_str(&line).ok()?;
            line["fields"]["address"].as_str().map(str::to_owned)
        });
        // What it logs must not fill the pipe.
        std::thread::spawn(move || log.for_each(drop));
        let limited = Self { child, pid: pid.trim().parse().unwrap(), address: address.unwrap() };
        s.slack.connect_app(&format!("http://{}", limited.address));
        let BackendKeys { api_key: key, webhook_secret: secret } = s.keys.clone().unwrap();
        s.backend.connect(&format!("http://{}", limited.address), &key, &secret);
        limited
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }

    /// What `proc(5)` says of it.
    fn proc(&self, file: &str, line: &str) -> Vec<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/{file}", self.pid)).unwrap();
        let found = text.lines().find_map(|found| found.strip_prefix(line)).unwrap();
        found.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    }

    /// What is resident of it (`VmRSS`), or was at most (`VmHWM`), in MiB.
    fn resident(&self, line: &str) -> u64 {
        self.proc("status", line)[0] / 1024
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        children::kill(&mut self.child);
    }
}

/// The machine's time, in seconds since 1970.
async fn machine_time(s: &TestApp) -> i64 {
    let time = sqlx::query_scalar("SELECT extract(epoch FROM clock_timestamp())::bigint");
    time.fetch_one(&s.service.db).await.unwrap()
}

/// Has Slack send something that has to be answered.
async fn slack_gets_through(s: &TestApp, now: i64) {
    let body = r#"{"type":"url_verification","challenge":"here"}"#;
    let sent = s.slack.send_signed(Endpoint::Events, body, &Signing::default().at(now)).await;
    assert_eq!(sent.status, Some(200), "{sent:?}");
}

/// The head of a request to Slack's address, with headers that could be Slack's.
fn head(now: i64, length: usize) -> String {
    let signature = "0".repeat(64);
    format!(
        "POST /slack/events HTTP/1.1\r\nhost: here\r\ncontent-length: {length}\r\n\
         x-slack-request-timestamp: {now}\r\nx-slack-signature: v0={signature}\r\n\r\n"
    )
}

/// Sends this and reads the status that comes back, while nothing more is sent.
async fn status(address: &str, request: &str) -> u16 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut begin = [0; 12];
    tokio::time::timeout(SOON, stream.read_exact(&mut begin)).await.unwrap().unwrap();
    std::str::from_utf8(&begin[9..]).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_calls_and_silent_connections_leave_room_for_slack() {
    story(async |s| {
        let instance = Limited::start(s, "ulimit -n 512").await;
        let now = machine_time(s).await;
        let places = Capacity::for_limit(512, DATABASE_CONNECTIONS).waiters;
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        let mut waiting: FuturesUnordered<_> = (0..100)
            .map(|_| {
                let (api, id) = (s.api(), id.clone());
                tokio::spawn(async move { api.wait(&id, 55).await })
            })
            .collect();
        for _ in places..100 {
            let refused = tokio::time::timeout(SOON, waiting.next()).await.unwrap().unwrap().unwrap();
            let problem = (refused.status, refused.str("/type"), refused.header("retry-after"));
            assert_eq!(problem, (429, "urn:countersign:problem:too-many-waiting", "5"));
        }
        let mut silent = Vec::new();
        for number in 0..150 {
            let mut stream = instance.connect().await;
            if number % 2 == 0 {
                stream.write_all(b"POST /slack/events HTTP/1.1\r\n").await.unwrap();
            }
            silent.push(stream);
        }
        for _ in 0..80 {
            let mut stream = instance.connect().await;
            stream.write_all(head(now, 1000).as_bytes()).await.unwrap();
            silent.push(stream);
        }
        for _ in 0..5 {
            slack_gets_through(s, now).await;
        }
        assert_eq!(s.api().cancel(&id).await.status, 200);
        assert_eq!(waiting.len(), places);
        while let Some(reply) = tokio::time::timeout(SOON, waiting.next()).await.unwrap() {
            assert_eq!(reply.unwrap().approval_status(), "cancelled", "a waiting call is not cut off");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_open_files_is_raised_at_start() {
    story(async |s| {
        let instance = Limited::start(s, "ulimit -Sn 200 && ulimit -Hn 300").await;
        assert_eq!(instance.proc("limits", "Max open files"), [300, 300]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unsigned_bodies_take_a_bounded_part_of_the_memory() {
    story(async |s| {
        let instance = Limited::start(s, "true").await;
        let now = machine_time(s).await;
        slack_gets_through(s, now).await;
        let before = instance.resident("VmRSS:");
        let mut sending = tokio::task::JoinSet::new();
        for _ in 0..120 {
            let mut stream = instance.connect().await;
            sending.spawn(async move {
                let _ = stream.write_all(head(now, 2_000_000).as_bytes()).await;
                let _ = stream.write_all(&vec![b'x'; 1_500_000]).await;
                // It is given up, for another one or after three seconds.
                let _ = stream.read(&mut [0; 12]).await;
            });
        }
        tokio::time::timeout(SOON, sending.join_all()).await.unwrap();
        slack_gets_through(s, now).await;
        let largest = instance.resident("VmHWM:");
        assert!(largest - before < 110, "{before} MiB became {largest}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_headers_are_not_slacks_is_refused_before_its_body() {
    story(async |s| {
        let address = s.url().trim_start_matches("http://").to_owned();
        let now = s.now().timestamp();
        let unsigned = "POST /slack/events HTTP/1.1\r\nhost: here\r\ncontent-length: 1000\r\n\r\n";
        assert_eq!(status(&address, unsigned).await, 401);
        let chunked =
            "POST /slack/interactivity HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_eq!(status(&address, chunked).await, 401);
        assert_eq!(status(&address, &head(now - 301, 1000)).await, 401);
        assert_eq!(status(&address, &head(now, 1000).replace("v0=0", "v0=")).await, 401);
        assert_eq!(status(&address, &head(now, 3_000_000)).await, 413);
        let no_key = "POST /v1/approvals HTTP/1.1\r\nhost: here\r\ncontent-length: 1000\r\n\r\n";
        assert_eq!(status(&address, no_key).await, 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_end_is_not_waited_for() {
    story(async |s| {
        let address = s.url().trim_start_matches("http://").to_owned();
        let from_slack = head(s.now().timestamp(), 1000);
        let key = s.key();
        let ask = format!(
            "POST /v1/approvals HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {key}\r\ncontent-length: 1000\r\n\r\n{{"
        );
        let statuses = futures::future::join(status(&address, &from_slack), status(&address, &ask)).await;
        assert_eq!(statuses, (408, 408));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_keys_do_not_take_the_database_from_slack() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.config.database_connections = 10;
        s.restart().await;
        // Every look-up of a key waits from now on.
        let mut held = s.service.db.begin().await.unwrap();
        sqlx::query("LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE").execute(&mut *held).await.unwrap();
        let mut calls: FuturesUnordered<_> = (0..100)
            .map(|number| {
                let key = format!("cs_{number:032x}_{}", "A".repeat(43));
                let api = s.backend.api_with_key(&key);
                tokio::spawn(async move { api.list(&[]).await.status })
            })
            .collect();
        for _ in 0..36 {
            let status = tokio::time::timeout(SOON, calls.next()).await.unwrap().unwrap().unwrap();
            assert_eq!(status, 503);
        }
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.status_stored(&id).await, "approved");
        held.rollback().await.unwrap();
        while let Some(status) = tokio::time::timeout(SOON, calls.next()).await.unwrap() {
            assert_eq!(status.unwrap(), 401);
        }
    })
    .await;
}

impl TestApp {
    /// An approval's status, read without an API key.
    async fn status_stored(&self, id: &str) -> String {
        let id: countersign::domain::ids::ApprovalId = id.parse().unwrap();
        let status = sqlx::query_scalar("SELECT status FROM approvals WHERE id = $1").bind(id.uuid());
        status.fetch_one(&self.service.db).await.unwrap()
    }
}
