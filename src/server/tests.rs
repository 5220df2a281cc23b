//! Slow and silent clients, on a server with short time limits.

use std::{convert::Infallible, net::SocketAddr};

use axum::{
    body::{Body, Bytes},
    extract::Path,
    http::StatusCode,
    response::IntoResponse as _,
    routing::{any, get},
};
use futures::{StreamExt as _, stream};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::{mpsc, watch},
    task::JoinHandle,
};

use super::{later::Later, session::BUFFER, *};

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
    /// Sets off the responses that come later, with this text.
    set_off: watch::Sender<&'static str>,
    /// The ids of requests to `/later/` that have begun to wait, and of those that no longer do.
    parked: mpsc::UnboundedReceiver<String>,
    dropped: mpsc::UnboundedReceiver<String>,
}

/// Tells on drop.
struct Told(mpsc::UnboundedSender<String>, String);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.send(self.1.clone());
    }
}

async fn start(patience: Patience, capacity: Capacity) -> Running {
    let (set_off, wait) = watch::channel("");
    let ((tell_parked, parked), (tell_dropped, dropped)) =
        (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    let rest = wait.clone();
    let later = async move |Path(id): Path<String>| {
        let (mut wait, told, tell_parked) = (wait, Told(tell_dropped, id.clone()), tell_parked);
        Later::response(async move {
            let _told = told;
            let _ = tell_parked.send(id);
            let text = *wait.wait_for(|text| !text.is_empty()).await.unwrap();
            text.into_response()
        })
    };
    let goes_on = async move || {
        let mut wait = rest;
        let rest = stream::once(async move { wait.wait_for(|text| !text.is_empty()).await.unwrap().len() });
        let rest = rest.flat_map(|_| stream::iter(["and ", "", "more"].map(Bytes::from)));
        Later::stream("first ".into_response(), rest)
    };
    let endless = || stream::repeat(Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 16 * 1024])));
    let router = Router::new()
        .route("/", get(async || "here"))
        .route("/slack/", get(async || "Slack"))
        .route("/livez", get(async || "alive"))
        .route("/waits", get(std::future::pending::<()>))
        .route("/later/{id}", any(later))
        .route("/goes-on", get(goes_on))
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
    Running { address, stop, ended, set_off, parked, dropped }
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

/// The next of these within the time limit.
async fn next(ids: &mut mpsc::UnboundedReceiver<String>) -> String {
    tokio::time::timeout(SOON, ids.recv()).await.unwrap().unwrap()
}

/// Reads until the server closes the connection.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut read = String::new();
    tokio::time::timeout(SOON, stream.read_to_string(&mut read)).await.unwrap().unwrap();
    read
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

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_on_after_a_response_that_came_later() {
    let mut server = start(PATIENT, FEW).await;
    let mut stream = server.request("/later/1").await;
    assert_eq!(next(&mut server.parked).await, "1");
    let silent = tokio::time::timeout(SHORT, stream.read_u8()).await;
    assert!(silent.is_err(), "{silent:?}");
    server.set_off.send("now").unwrap();
    let response = read_until(&mut stream, "now").await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.contains("content-length: 3\r\n") && !response.contains("connection:"), "{response}");
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: here\r\n\r\n").await.unwrap();
    read_until(&mut stream, "alive").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_sent_ahead_are_answered_after_the_one_that_waits() {
    let mut server = start(PATIENT, FEW).await;
    let get = |path| format!("GET {path} HTTP/1.1\r\nhost: here\r\n\r\n");
    let mut stream =
        server.send(&[get("/"), get("/later/1"), get("/slack/"), get("/later/2")].concat()).await;
    read_until(&mut stream, "here").await;
    assert_eq!(next(&mut server.parked).await, "1");
    stream.write_all(get("/livez").as_bytes()).await.unwrap();
    server.set_off.send("now").unwrap();
    let rest = read_until(&mut stream, "alive").await;
    let at = |text| rest.find(text).unwrap_or_else(|| panic!("{text} in {rest}"));
    assert!(at("now") < at("Slack") && rest.matches("now").count() == 2, "{rest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_comes_later_has_the_form_that_its_request_asks_for() {
    let mut server = start(PATIENT, Capacity { others: 3, ..FEW }).await;
    let mut old = server.send("GET /later/1 HTTP/1.0\r\n\r\n").await;
    let mut last = server.send("GET /later/2 HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n").await;
    // Its body is not part of the next request.
    let body = "POST /later/3 HTTP/1.1\r\nhost: here\r\ncontent-length: 4\r\n\r\nbody";
    let mut with_body = server.send(body).await;
    for _ in 0..3 {
        next(&mut server.parked).await;
    }
    server.set_off.send("now").unwrap();
    let response = read_to_end(&mut old).await;
    assert!(response.starts_with("HTTP/1.0 200 OK\r\n") && response.ends_with("now"), "{response}");
    let response = read_to_end(&mut last).await;
    assert!(response.contains("connection: close\r\n") && response.ends_with("now"), "{response}");
    read_until(&mut with_body, "now").await;
    with_body.write_all(b"GET /livez HTTP/1.1\r\nhost: here\r\n\r\n").await.unwrap();
    read_until(&mut with_body, "alive").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_when_its_client_has_gone() {
    let mut server = start(PATIENT, Capacity { others: 1, ..FEW }).await;
    let stream = server.request("/later/1").await;
    assert_eq!(next(&mut server.parked).await, "1");
    let mut refused = server.request("/").await;
    assert!(read_until(&mut refused, "\r\n").await.contains("503"), "a parked request is active");
    drop(stream);
    assert_eq!(next(&mut server.dropped).await, "1");
    let answered =
        async { while !read_until(&mut server.request("/").await, "\r\n").await.contains("200") {} };
    tokio::time::timeout(SOON, answered).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_comes_after_the_shutdown_began_is_sent() {
    let mut server = start(PATIENT, FEW).await;
    let mut stream = server.request("/later/1").await;
    next(&mut server.parked).await;
    server.stop.cancel();
    tokio::time::sleep(SHORT).await;
    assert!(!server.ended.is_finished());
    server.set_off.send("now").unwrap();
    let response = read_to_end(&mut stream).await;
    assert!(response.contains("connection: close\r\n") && response.ends_with("now"), "{response}");
    tokio::time::timeout(SOON, server.ended).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_goes_on_later_arrives_whole() {
    let server = start(PATIENT, FEW).await;
    let mut new = server.request("/goes-on").await;
    let mut old = server.send("GET /goes-on HTTP/1.0\r\n\r\n").await;
    let head = read_until(&mut new, "first \r\n").await;
    assert!(head.contains("transfer-encoding: chunked\r\n"), "{head}");
    read_until(&mut old, "first ").await;
    server.set_off.send("now").unwrap();
    assert_eq!(read_to_end(&mut new).await, "4\r\nand \r\n4\r\nmore\r\n0\r\n\r\n");
    assert_eq!(read_to_end(&mut old).await, "and more");
}
