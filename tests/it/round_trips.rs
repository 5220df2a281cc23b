//! How often the hot paths go to Postgres, counted on the wire.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use secrecy::ExposeSecret as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::story::{ALICE, TestApp, story};

const ACTION: &str = "github.create_issue";

/// What one connection sent: each entry is one round trip.
pub type Trips = Arc<Mutex<Vec<Vec<Trip>>>>;

#[derive(Debug, Clone, PartialEq)]
pub enum Trip {
    /// A simple query: `BEGIN`, `COMMIT`.
    Simple(String),
    /// A prepared statement with this text, executed.
    Executed(String),
    /// A statement, prepared: it happens once a connection.
    Prepared,
}

/// Stands between the service and Postgres, and writes the round trips down
/// (<https://www.postgresql.org/docs/current/protocol-flow.html>).
async fn proxy(to: String) -> (u16, Trips) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let trips = Trips::default();
    let all = trips.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&to).await.unwrap();
            let connection = {
                let mut all = all.lock().unwrap();
                all.push(Vec::new());
                all.len() - 1
            };
            let all = all.clone();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
            tokio::spawn(async move {
                let mut buffer = Vec::new();
                let mut started = false;
                let mut executes = false;
                let (mut texts, mut bound) = (HashMap::new(), String::new());
                let mut chunk = vec![0; 64 * 1024];
                while let Ok(size @ 1..) = from_client.read(&mut chunk).await {
                    buffer.extend_from_slice(&chunk[..size]);
                    while let Some((kind, body)) = message(&mut buffer, &mut started) {
                        match kind {
                            b'Q' => {
                                let text = String::from_utf8_lossy(&body).trim_end_matches('\0').to_owned();
                                all.lock().unwrap()[connection].push(Trip::Simple(text));
                            }
                            // Parse: the statement's name, its text. Bind: the portal's name, the statement's.
                            b'P' => {
                                let [name, text] = strings(&body);
                                texts.insert(name, text);
                            }
                            b'B' => [_, bound] = strings(&body),
                            b'E' => executes = true,
                            b'S' => {
                                let text = || texts.get(&bound).cloned().unwrap_or_default();
                                let trip = if executes { Trip::Executed(text()) } else { Trip::Prepared };
                                all.lock().unwrap()[connection].push(trip);
                                executes = false;
                            }
                            _ => {}
                        }
                    }
                    if to_server.write_all(&chunk[..size]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (port, trips)
}

/// Takes the next whole message from the buffer. The first one of a connection has no kind.
fn message(buffer: &mut Vec<u8>, started: &mut bool) -> Option<(u8, Vec<u8>)> {
    let header = usize::from(*started);
    let length = buffer.get(header..header + 4)?;
    let length = usize::try_from(u32::from_be_bytes(length.try_into().ok()?)).ok()?;
    if buffer.len() < header + length {
        return None;
    }
    let message: Vec<u8> = buffer.drain(..header + length).collect();
    let kind = if *started { message[0] } else { b'0' };
    // After `SSLRequest` the start-up message follows, which has no kind either.
    *started |= length != 8;
    Some((kind, message[header + 4..].to_vec()))
}

/// The two strings that a message begins with, each ended by a zero byte.
fn strings(body: &[u8]) -> [String; 2] {
    let mut parts = body.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned());
    [parts.next().unwrap(), parts.next().unwrap()]
}

/// How many statements ran between each `BEGIN` and its `COMMIT`, where one of them contains this. Those that prepared
/// something are left out.
fn transactions(trips: &Trips, with: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for connection in trips.lock().unwrap().iter() {
        let mut inside: Option<Vec<&Trip>> = None;
        for trip in connection {
            match trip {
                Trip::Simple(text) if text.starts_with("BEGIN") => inside = Some(Vec::new()),
                Trip::Simple(text) if text.starts_with("COMMIT") => {
                    let meant = |trip: &&Trip| matches!(trip, Trip::Executed(text) if text.contains(with));
                    let all = inside.take().filter(|all| !all.contains(&&Trip::Prepared));
                    found.extend(all.filter(|all| all.iter().any(meant)).map(|all| all.len()));
                }
                Trip::Simple(_) => inside = None,
                trip => inside.iter_mut().for_each(|all| all.push(trip)),
            }
        }
    }
    found
}

/// Restarts the service behind the proxy.
pub async fn watched(s: &mut TestApp) -> Trips {
    s.stop().await;
    let mut url = url::Url::parse(s.config.database.database_url.expose_secret()).unwrap();
    let (port, trips) = proxy(format!("127.0.0.1:{}", url.port().unwrap())).await;
    url.set_port(Some(port)).unwrap();
    s.config.database.database_url = url.to_string().into();
    // Few connections, so that each soon has its statements prepared.
    s.config.database_connections = 2;
    s.start().await;
    trips
}

/// How many statements with this text were executed.
fn executed(trips: &Trips, with: &str) -> usize {
    let meant = |trip: &&Trip| matches!(trip, Trip::Executed(text) if text.contains(with));
    trips.lock().unwrap().iter().map(|connection| connection.iter().filter(meant).count()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_woken_together_read_together() {
    story(async |s| {
        const CALLS: usize = 60;
        let trips = watched(s).await;
        let mut following = Vec::new();
        for number in 0..CALLS {
            let id = s.ask(&s.call(ACTION, &format!("c-{number}"))).await.id().to_owned();
            let url = format!("{}/v1/approvals/{id}/events", s.url());
            let request = sandbox::http::client().unwrap().get(url).bearer_auth(s.key());
            let mut events = request.send().await.unwrap();
            assert!(events.chunk().await.unwrap().unwrap().starts_with(b"id: pending"));
            following.push((id, events));
        }
        let reading = "p.status <> 'pending' OR p.id = ANY";
        let before = executed(&trips, reading);
        // A lost connection may have lost notifications, so all calls read again.
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND query LIKE 'LISTEN%'",
        )
        .execute(&s.service.db)
        .await
        .unwrap();
        s.until_so(async || executed(&trips, reading) > before).await;
        for (id, _) in &following[..CALLS / 2] {
            assert_eq!(s.api().cancel(id).await.status, 200);
        }
        for (_, events) in &mut following[..CALLS / 2] {
            let ended = events.chunk().await.unwrap().unwrap();
            assert!(ended.starts_with(b"id: cancelled"), "{ended:?}");
        }
        // One for all of them, and one for each that was then cancelled.
        let statements = executed(&trips, reading) - before;
        assert!(statements <= 4 + CALLS / 2, "{statements}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auto_approved_ask_takes_two_statements_beyond_begin_and_commit() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        s.until(&prompt, |message| message.has_button("Turn off")).await;
        let trips = watched(s).await;
        for _ in 0..40 {
            assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved");
        }
        let counts = transactions(&trips, "INSERT INTO approvals");
        assert!(counts.len() >= 30 && counts.iter().all(|count| *count == 2), "{counts:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_takes_three_statements_at_most_beyond_begin_and_commit() {
    story(async |s| {
        s.open(ACTION).await;
        let mut prompts = Vec::new();
        for number in 0..24 {
            prompts.push(s.prompt(&s.call(ACTION, &format!("c-{number}"))).await);
            s.pass(chrono::TimeDelta::seconds(2));
        }
        let trips = watched(s).await;
        for (number, (id, prompt)) in prompts.iter().enumerate() {
            let label =
                if number % 2 == 0 { "Approve manually" } else { "Auto-approve for this conversation" };
            assert!(s.choose(ALICE, prompt, label).await.is_ok());
            s.received_webhook(id).await;
        }
        let counts = transactions(&trips, "UPDATE approvals SET status");
        let (once, granting) = (2, 3);
        assert!(counts.iter().filter(|count| **count == granting).count() >= 8, "{counts:?}");
        assert!(counts.iter().filter(|count| **count == once).count() >= 8, "{counts:?}");
        assert!(counts.iter().all(|count| [once, granting].contains(count)), "{counts:?}");
    })
    .await;
}
