//! Slow and silent clients, on a server with short time limits.

use std::net::SocketAddr;

use axum::{body::Bytes, http::StatusCode, response::IntoResponse as _, routing::get};
use futures::{StreamExt as _, stream};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinHandle,
};

use super::*;

/// Time limit for what must happen in a test.
const SOON: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_hours(1);
const SHORT: Duration = Duration::from_millis(100);
const PATIENT: Patience = Patience { head: LONG, idle: LONG, stalled: LONG };
const FEW: Capacity = Capacity { connections: 4, others: 2, waiters: 1 };

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    ended: JoinHandle<()>,
}

async fn start(patience: Patience, capacity: Capacity) -> Running {
    let endless = || stream::repeat(Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 16 * 1024])));
    let router = Router::new()
        .route("/", get(async || "here"))
        .route("/slack/", get(async || "Slack"))
        .route("/livez", get(async || "alive"))
        .route("/waits", get(std::future::pending::<()>))
        .route("/endless", get(async move || Body::from_stream(endless())))
        .route(
            "/streams",
            get(async || {
                Body::from_stream(
                    stream::once(async { Ok::<_, Infallible>("first") }).chain(stream::pending()),
                )
            }),
        );
    let refuse = || StatusCode::SERVICE_UNAVAILABLE.into_response();
    let server = Server { router, capacity, patience, reserved: &["/slack/", "/livez"], refuse };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let ended = tokio::spawn(server.serve(listener, stop.clone(), CancellationToken::new()));
    Running { address, stop, ended }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Opens a connection and sends this text.
    async fn send(&self, text: &str) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// Sends a request on a new connection.
    async fn request(&self, path: &str) -> TcpStream {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: here\r\n\r\n")).await
    }
}

/// Reads until the text ends like this.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = String::new();
    let reading = async {
        while !read.ends_with(end) {
            let mut byte = [0];
            assert_eq!(stream.read(&mut byte).await.unwrap(), 1, "closed after {read}");
            read.push(char::from(byte[0]));
        }
    };
    tokio::time::timeout(SOON, reading).await.unwrap();
    read
}

/// Waits until the server has closed the connection.
async fn closed(mut stream: TcpStream) {
    let mut rest = Vec::new();
    // A clean end and a broken connection both count.
    let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut rest)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_do_not_end_are_not_waited_for() {
    let server = start(Patience { head: SHORT, ..PATIENT }, FEW).await;
    // This connection has sent nothing, so it is idle.
    let mut idle = server.connect().await;
    closed(server.send("GET / HTTP/1.1\r\nhost: he").await).await;
    idle.write_all(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n").await.unwrap();
    read_until(&mut idle, "here").await;
    idle.write_all(b"GET / HTTP").await.unwrap();
    closed(idle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed_and_one_that_waits_for_its_response_is_not() {
    let server = start(Patience { idle: SHORT, ..PATIENT }, FEW).await;
    let mut waiting = server.request("/streams").await;
    read_until(&mut waiting, "first\r\n").await;
    closed(server.connect().await).await;
    closed(server.request("/").await).await;
    // The server closed the others; this one is still open.
    let silent = tokio::time::timeout(SHORT, waiting.read_u8()).await;
    assert!(silent.is_err(), "{silent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_not_waited_for() {
    let server = start(Patience { stalled: SHORT, ..PATIENT }, Capacity { others: 1, ..FEW }).await;
    let stuck = server.request("/endless").await;
    // Its place becomes free once the server has closed it.
    let next_is_answered = async {
        loop {
            let mut next = server.request("/").await;
            if !read_until(&mut next, "\r\n").await.contains("503") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, next_is_answered).await.unwrap();
    drop(stuck);
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_give_way_to_one_that_asks() {
    let server = start(PATIENT, FEW).await;
    let mut silent = Vec::new();
    for number in 0..12 {
        let begin = if number % 2 == 0 { "" } else { "POST /slack/ HTTP/1.1\r\n" };
        silent.push(server.send(begin).await);
    }
    for path in ["/", "/slack/"] {
        let mut asking = server.request(path).await;
        assert!(read_until(&mut asking, "\r\n").await.contains("200"));
    }
    closed(silent.remove(0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn room_is_left_for_slack_and_for_livez() {
    let server = start(PATIENT, FEW).await;
    let mut streams = Vec::new();
    for _ in 0..FEW.others {
        let mut stream = server.request("/streams").await;
        read_until(&mut stream, "first\r\n").await;
        streams.push(stream);
    }
    let mut refused = server.request("/").await;
    let head = read_until(&mut refused, "\r\n\r\n").await;
    assert!(head.contains("503") && head.contains("connection: close"), "{head}");
    let mut slack = server.request("/slack/").await;
    read_until(&mut slack, "Slack").await;
    read_until(&mut server.request("/livez").await, "alive").await;
    // Closing one makes room for the next.
    streams.pop();
    let answered = async {
        loop {
            let mut next = server.request("/").await;
            if read_until(&mut next, "\r\n").await.contains("200") {
                return;
            }
        }
    };
    tokio::time::timeout(SOON, answered).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_hand_is_finished_when_the_server_stops() {
    let server = start(PATIENT, FEW).await;
    let idle = server.connect().await;
    let mut busy = server.request("/").await;
    read_until(&mut busy, "here").await;
    let waiting = server.request("/waits").await;
    tokio::time::sleep(SHORT).await;
    server.stop.cancel();
    closed(idle).await;
    closed(busy).await;
    assert!(TcpStream::connect(server.address).await.is_err(), "it still listens");
    assert!(!server.ended.is_finished());
    drop(waiting);
    tokio::time::timeout(SOON, server.ended).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_beyond_what_is_held_in_memory_are_refused() {
    let server = start(PATIENT, FEW).await;
    let long = format!("GET / HTTP/1.1\r\nhost: here\r\nx-long: {}", "x".repeat(2 * BUFFER));
    let mut stream = server.send(&long).await;
    assert!(read_until(&mut stream, "\r\n").await.contains("431"));
}
