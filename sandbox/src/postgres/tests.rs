//! Uses real servers, which the tests start.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use sqlx::{Connection as _, PgConnection};

use super::user::User;
use super::watchdog::Watchdog;
use super::{Postgres, PostgresError, PostgresOptions, folders};

/// Set for the process that [`nothing_is_left_after_sigkill`] starts and kills.
const HELPER: &str = "COUNTERSIGN_SANDBOX_POSTGRES_HELPER";

/// Starts a private server. Returns `None` and prints a note if only the server of `DATABASE_URL` is available.
async fn own() -> Option<Postgres> {
    match Postgres::start_with(PostgresOptions::default()).await {
        Err(error @ PostgresError::Missing { .. }) if env::var_os("DATABASE_URL").is_some() => {
            let said = format!("\nSKIPPED: a server of one's own is needed here. {error}\n");
            let _ = std::io::stderr().write_all(said.as_bytes());
            None
        }
        started => Some(started.unwrap()),
    }
}

async fn run(url: &str, statement: &'static str) -> Result<u64, sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    let done = sqlx::raw_sql(statement).execute(&mut connection).await?;
    connection.close().await?;
    Ok(done.rows_affected())
}

async fn names(postgres: &Postgres) -> Vec<String> {
    postgres.inner.admin.named("countersign_").await.unwrap()
}

/// Polls for an effect of another process, which sends no event.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_mins(1), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn databases_are_separate_copies_of_their_template() {
    let Some(postgres) = own().await else { return };
    assert!(postgres.version().split('.').next().unwrap().parse::<u32>().unwrap() >= 14);
    let template = postgres.create_database(None).await.unwrap();
    run(&template.url, "CREATE TABLE filled (n int); INSERT INTO filled VALUES (1), (2)").await.unwrap();

    let (one, two) = tokio::join!(
        postgres.create_database(Some(&template.name)),
        postgres.create_database(Some(&template.name))
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one.name, two.name);
    assert_eq!(one.url, postgres.url(&one.name));
    assert_eq!(run(&one.url, "DELETE FROM filled").await.unwrap(), 2);
    assert_eq!(run(&two.url, "DELETE FROM filled").await.unwrap(), 2);

    postgres.drop_database(&one.name).await.unwrap();
    postgres.drop_database(&one.name).await.unwrap();
    assert_eq!(names(&postgres).await, [template.name, two.name]);
    assert!(postgres.drop_database("postgres").await.is_err(), "only what was made here");
}

#[tokio::test]
async fn a_restart_cuts_connections_and_keeps_data() {
    let Some(postgres) = own().await else { return };
    let database = postgres.create_database(None).await.unwrap();
    run(&database.url, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)").await.unwrap();
    let mut open = PgConnection::connect(&database.url).await.unwrap();

    postgres.stop_server().await.unwrap();
    postgres.stop_server().await.unwrap();
    assert!(sqlx::raw_sql("SELECT 1").execute(&mut open).await.is_err());
    assert!(PgConnection::connect(&database.url).await.is_err());

    postgres.start_server().await.unwrap();
    assert_eq!(run(&database.url, "DELETE FROM kept").await.unwrap(), 1);
    postgres.restart().await.unwrap();
    assert_eq!(run(&database.url, "DELETE FROM kept").await.unwrap(), 0);
}

#[tokio::test]
async fn dropping_the_server_leaves_nothing() {
    let Some(postgres) = own().await else { return };
    let (folder, clone) = (postgres.folder().unwrap(), postgres.clone());
    assert!(server_of(&folder).is_some());
    drop(postgres);
    assert!(folder.exists(), "a clone is still there");
    let process = server_of(&folder).unwrap();
    drop(clone);
    assert!(!folder.exists());
    assert!(!is_running(process));
}

#[test]
fn several_runtimes_share_one_server() {
    static SHARED: OnceLock<Postgres> = OnceLock::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Rust never drops a static. The watchdog removes this server when the test process ends.
    let shared = SHARED.get_or_init(|| runtime().block_on(Postgres::start()).unwrap());
    for _ in 0..2 {
        let runtime = runtime();
        runtime.block_on(async {
            let database = shared.create_database(None).await.unwrap();
            run(&database.url, "SELECT 1").await.unwrap();
            shared.drop_database(&database.name).await.unwrap();
        });
    }
}

#[tokio::test]
async fn only_our_databases_are_dropped_from_a_given_server() {
    let Some(server) = own().await else { return };
    run(&server.url("postgres"), "CREATE DATABASE theirs").await.unwrap();
    let options =
        || PostgresOptions { database_url: Some(server.url("theirs")), ..PostgresOptions::default() };

    let guest = Postgres::start_with(options()).await.unwrap();
    let database = guest.create_database(None).await.unwrap();
    let _open = PgConnection::connect(&database.url).await.unwrap();
    assert!(matches!(guest.restart().await, Err(PostgresError::NotOurs)));
    drop(guest);
    assert_eq!(names(&server).await, Vec::<String>::new());
    assert!(run(&server.url("theirs"), "SELECT 1").await.is_ok());
}

#[tokio::test]
async fn start_drops_the_databases_of_dead_processes() {
    let Some(server) = own().await else { return };
    let options =
        PostgresOptions { database_url: Some(server.url("postgres")), ..PostgresOptions::default() };
    let mut ended = Command::new("true").spawn().unwrap();
    let family = server.inner.prefix.trim_end_matches(&format!("{}_", std::process::id())).to_owned();
    let stale = format!("{family}{}_0", ended.id());
    let foreign = format!("countersign_00000000_{}_0", ended.id());
    ended.wait().unwrap();
    for name in [&stale, &foreign] {
        assert!(server.inner.admin.create(name, None).await.unwrap());
    }
    let _guest = Postgres::start_with(options).await.unwrap();
    assert_eq!(names(&server).await, [foreign], "that of another machine stays");
}

#[tokio::test]
async fn an_unusable_database_url_is_an_error() {
    for (url, clear) in [("mysql://x/y", "postgres://"), ("postgres://nobody@127.0.0.1:1/x", "connect")] {
        let options = PostgresOptions { database_url: Some(url.to_owned()), ..PostgresOptions::default() };
        let error = Postgres::start_with(options).await.unwrap_err().to_string();
        assert!(error.contains(clear), "{error}");
    }
}

#[tokio::test]
async fn a_watchdog_finds_a_server_that_was_not_reported() {
    let Some(postgres) = own().await else { return };
    let folder = postgres.folder().unwrap();
    let process = server_of(&folder).unwrap();
    drop(Watchdog::for_server(&folder, User::for_server().unwrap()).unwrap());
    assert!(!is_running(process) && !folder.exists());
}

#[tokio::test]
async fn start_removes_the_folders_of_dead_processes() {
    let Some(first) = own().await else { return };
    let parent = first.folder().unwrap().parent().unwrap().to_owned();
    let mut ended = Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let left = |family: &str| parent.join(format!("{family}{}-0", ended.id()));
    let (stale, foreign) = (left(&folders::family()), left("countersign-postgres-00000000-"));
    let user = User::for_server().unwrap();
    for folder in [&stale, &foreign] {
        fs::create_dir_all(folder.join("data")).unwrap();
        if let Some(user) = user {
            chown(folder, Some(user.uid), Some(user.gid)).unwrap();
            chown(folder.join("data"), Some(user.uid), Some(user.gid)).unwrap();
        }
    }
    let _second = own().await;
    assert!(!stale.exists() && foreign.exists(), "that of another machine stays");
    fs::remove_dir_all(&foreign).unwrap();
}

#[test]
fn nothing_is_left_after_sigkill() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if runtime.block_on(own()).is_none() {
        return;
    }
    let mut helper = Command::new(env::current_exe().unwrap())
        .args(["--exact", "postgres::tests::helper_process", "--nocapture"])
        .env(HELPER, "1")
        .env_remove("DATABASE_URL")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(helper.stdout.take().unwrap()).lines();
    let folder = lines.find_map(|line| line.unwrap().strip_prefix("folder ").map(str::to_owned)).unwrap();
    let folder = Path::new(&folder);
    let server = server_of(folder).unwrap();
    assert!(is_running(server));

    helper.kill().unwrap();
    helper.wait().unwrap();
    eventually("the server ends", || !is_running(server));
    eventually("its folder goes", || !folder.exists());
}

#[test]
fn databases_on_a_given_server_are_dropped_after_sigkill() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let Some(server) = runtime.block_on(own()) else { return };
    let mut helper = Command::new(env::current_exe().unwrap())
        .args(["--exact", "postgres::tests::helper_process", "--nocapture"])
        .env(HELPER, "1")
        .env("DATABASE_URL", server.url("postgres"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(helper.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("folder ")));
    assert_eq!(runtime.block_on(names(&server)).len(), 1);

    helper.kill().unwrap();
    helper.wait().unwrap();
    if Command::new("psql").arg("--version").output().is_ok() {
        eventually("its databases go", || runtime.block_on(names(&server)).is_empty());
    } else {
        let options =
            PostgresOptions { database_url: Some(server.url("postgres")), ..PostgresOptions::default() };
        let _next = runtime.block_on(Postgres::start_with(options)).unwrap();
        assert_eq!(runtime.block_on(names(&server)), Vec::<String>::new());
    }
}

/// A helper process, not a test: the tests above start and kill it.
#[test]
#[expect(clippy::print_stdout, reason = "the test that started this process reads it")]
fn helper_process() {
    if env::var_os(HELPER).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let postgres = runtime.block_on(Postgres::start()).unwrap();
    runtime.block_on(postgres.create_database(None)).unwrap();
    println!("folder {}", postgres.folder().unwrap_or_default().display());
    thread::sleep(Duration::from_mins(1));
}

/// The server's process id, from the pid file in its data folder.
fn server_of(folder: &Path) -> Option<i32> {
    fs::read_to_string(folder.join("data/postmaster.pid")).ok()?.lines().next()?.parse().ok()
}

fn is_running(process: i32) -> bool {
    let pid = rustix::process::Pid::from_raw(process).unwrap();
    rustix::process::test_kill_process(pid).is_ok()
        && !fs::read_to_string(format!("/proc/{process}/status"))
            .is_ok_and(|status| status.contains("State:\tZ"))
}
