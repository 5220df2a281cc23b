//! Getting a connection to Postgres: what is said when there is none, several hosts, and poolers between.

use std::{fs, net::SocketAddr, process::Child, time::Duration};

use countersign::{
    app::App,
    entropy::Entropy,
    heartbeat::Heartbeats,
    outbox::{listener, listener::Wakers},
    service::endings::Endings,
    storage::{Db, Limits, OUTBOX_CHANNEL, tables::outbox::Kind},
};
use sandbox::postgres::{Postgres, PostgresError, PostgresOptions};
use secrecy::ExposeSecret as _;
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_util::sync::CancellationToken;

use crate::{
    children, cli,
    modes::free_address,
    story::{ALICE, SOON, TestApp, eventually, story},
};

const ACTION: &str = "github.create_issue";

/// A Postgres that refuses every connection with this error code.
async fn refusing(code: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut message = [0; 1024];
            // `SSLRequest`, which has eight bytes: no TLS here. Then the start-up message.
            if matches!(client.read(&mut message).await, Ok(8)) {
                let _ = client.write_all(b"N").await;
                let _ = client.read(&mut message).await;
            }
            let fields = format!("SFATAL\0VFATAL\0C{code}\0Mthe server said no\0\0");
            let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
            let _ = client.write_all(&[b"E", &length[..], fields.as_bytes()].concat()).await;
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_fails_says_why_and_where() {
    story(async |s| {
        let mut there = url::Url::parse(s.config.database.database_url.expose_secret()).unwrap();
        there.set_path("/nowhere");
        let (closed, wrong, full) = (free_address(), refusing("28P01").await, refusing("53300").await);
        let cases = [
            (format!("postgres://me:secret@{closed}/db"), format!("{closed}: connection refused")),
            ("postgres://me:secret@db.invalid/db".to_owned(), "db.invalid:5432: unknown host".to_owned()),
            (format!("postgres://me:secret@{wrong}/db"), format!("{wrong}: wrong password for user me")),
            (format!("postgres://me:secret@{full}/db"), format!("{full}: too many connections")),
            (there.to_string(), "database \"nowhere\" does not exist".to_owned()),
            (
                format!("postgres://me:secret@{closed},{wrong}/db"),
                format!("{wrong}: wrong password for user me"),
            ),
        ];
        for (url, words) in cases {
            for arguments in [&["migrate"][..], &["backend", "list"]] {
                let mut command = cli::countersign(arguments);
                let said = cli::complaint(command.env("DATABASE_URL", &url));
                assert!(said.contains(&words), "{words}: {said}");
                assert!(!said.contains("secret") && !said.contains("timed out"), "{said}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_connections_in_use_is_said_too() {
    story(async |s| {
        let db = Db::new(s.config.database.database_url.expose_secret(), 1, Limits::SERVE).unwrap();
        let _held = db.acquire().await.unwrap();
        let error = countersign::storage::explain(&db.acquire().await.unwrap_err());
        assert!(error.starts_with("Could not get a connection to Postgres: all 1 are in use."), "{error}");
    })
    .await;
}

/// A server of its own, and where it listens.
async fn own_server() -> Option<(Postgres, String)> {
    match Postgres::start_with(PostgresOptions::default()).await {
        Err(PostgresError::Missing { .. }) if std::env::var_os("DATABASE_URL").is_some() => None,
        started => {
            let postgres = started.unwrap();
            let url = url::Url::parse(&postgres.url("postgres")).unwrap();
            Some((postgres, format!("127.0.0.1:{}", url.port().unwrap())))
        }
    }
}

/// Has a server refuse writes, or take them again, on connections that are open too.
async fn set_read_only(postgres: &Postgres, setting: &str) {
    let mut db = sqlx::PgConnection::connect(&postgres.url("postgres")).await.unwrap();
    for statement in [
        format!("ALTER SYSTEM SET default_transaction_read_only = {setting}"),
        "SELECT pg_reload_conf()".to_owned(),
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut db).await.unwrap();
    }
}

async fn port(db: &Db) -> sqlx::Result<i32> {
    sqlx::query_scalar("SELECT inet_server_port()").fetch_one(db).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_hosts_the_one_that_takes_writes_is_used() {
    let (Some((one, at_one)), Some((other, at_other))) = tokio::join!(own_server(), own_server()) else {
        return;
    };
    for server in [&one, &other] {
        let mut db = sqlx::PgConnection::connect(&server.url("postgres")).await.unwrap();
        let role = "CREATE ROLE service LOGIN SUPERUSER PASSWORD 'same'";
        sqlx::raw_sql(role).execute(&mut db).await.unwrap();
    }
    set_read_only(&other, "on").await;
    let hosts = format!("{},{at_other},{at_one}", free_address());
    let url = format!("postgres://service:same@{hosts}/postgres?target_session_attrs=read-write");
    let db = Db::new(&url, 2, Limits::SERVE).unwrap();
    let at = async |wanted: &str| {
        eventually(wanted, async || {
            let port = port(&db).await.ok()?;
            wanted.ends_with(&format!(":{port}")).then_some(())
        })
        .await;
    };
    at(&at_one).await;

    let (wakers, stop) = (Wakers::default(), CancellationToken::new());
    let (pulse, silence) = (Heartbeats::default().pulse("the listener", SOON), Duration::from_millis(50));
    let listening =
        listener::listen(db.clone(), wakers.clone(), Endings::new(db.clone()), silence, pulse, stop.clone());
    let listening = tokio::spawn(listening);
    let rings = async || tokio::time::timeout(SOON, wakers.for_kind(Kind::Prompt).notified()).await.unwrap();
    rings().await;

    // The primary changes, and no connection breaks.
    set_read_only(&one, "on").await;
    set_read_only(&other, "off").await;
    let write = "CREATE TABLE written (it int)";
    eventually("a write", async || sqlx::query(write).execute(&db).await.ok()).await;
    at(&at_other).await;
    // Connected again, there.
    rings().await;
    let notify = format!("SELECT pg_notify('{OUTBOX_CHANNEL}', 'prompt')");
    sqlx::raw_sql(AssertSqlSafe(notify)).execute(&db).await.unwrap();
    rings().await;
    stop.cancel();
    listening.await.unwrap();

    // The primary dies, and the other one is promoted.
    set_read_only(&one, "off").await;
    other.stop_server().await.unwrap();
    at(&at_one).await;
}

/// A `PgBouncer` before the story's Postgres. Ends with its handle.
struct Pooler {
    child: Child,
    url: String,
    folder: std::path::PathBuf,
}

impl Pooler {
    async fn start(s: &TestApp, mode: &str) -> Option<Self> {
        let url = url::Url::parse(s.config.database.database_url.expose_secret()).unwrap();
        let address = free_address();
        let folder = std::env::temp_dir().join(format!("countersign-pooler-{}", address.port()));
        fs::create_dir(&folder).unwrap();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={} user={} password={}\n[pgbouncer]\npool_mode = {mode}\n\
             listen_addr = 127.0.0.1\nlisten_port = {}\nauth_type = any\nunix_socket_dir =\n",
            url.port().unwrap(),
            url.username(),
            url.password().unwrap_or("none"),
            address.port(),
        );
        let file = folder.join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        // pgbouncer refuses to run as root. Other users need no `-u`.
        let mut command = children::command("sh");
        command.args([
            "-c",
            "PATH=$PATH:/usr/sbin; command -v pgbouncer >/dev/null || exit 0
             if [ \"$(id -u)\" = 0 ]; then set -- -u nobody \"$@\"; fi; exec pgbouncer -q \"$@\"",
            "sh",
        ]);
        let child = command.arg(&file).spawn().unwrap();
        let mut pooler = Self { child, url: url.to_string(), folder };
        let mut there = url.clone();
        there.set_port(Some(address.port())).unwrap();
        pooler.url = there.to_string();
        let up = async {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                if pooler.child.try_wait().unwrap().is_some() {
                    return false;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            true
        };
        tokio::time::timeout(SOON, up).await.unwrap().then_some(pooler)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        children::kill(&mut self.child);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_keeps_no_sessions_is_found_at_the_start() {
    story(async |s| {
        let Some(pooler) = Pooler::start(s, "transaction").await else {
            assert!(std::env::var_os("COUNTERSIGN_POOLER").is_none(), "PgBouncer is missing");
            return;
        };
        let mut config = s.config.clone();
        config.database.database_url = pooler.url.as_str().into();
        let refused = App::start(config, s.clock.clone(), Entropy::system()).await.unwrap_err();
        assert!(refused.to_string().contains("Use pool_mode = session"), "{refused}");

        let pooler = Pooler::start(s, "session").await.unwrap();
        s.config.database.database_url = pooler.url.as_str().into();
        s.restart().await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        s.stop().await;
    })
    .await;
}
