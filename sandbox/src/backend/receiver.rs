//! The webhook receiver: an HTTP server on its own port.
//!
//! Uses hyper directly, because some tests need a receiver that drops connections without an answer.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::inbox::{Delivery, Inbox, check_digest};
use super::misbehaviour::{Answer, Answers};
use super::verify::{Refusal, verify};
use crate::ambient::Clock;

/// The path that webhooks are posted to.
const PATH: &str = "/webhook";
/// Far more than an escaped approval can have.
const MOST_BYTES: usize = 4 << 20;

/// Closes the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on purpose")]
struct DropConnection;

/// A running receiver. Dropping it closes the port and all connections.
#[derive(Debug)]
pub(super) struct Receiver {
    address: SocketAddr,
    state: Arc<State>,
    _running: DropGuard,
}

#[derive(Debug)]
struct State {
    clock: Clock,
    secrets: Mutex<Vec<String>>,
    answers: Mutex<Answers>,
    inbox: Mutex<Inbox>,
    /// Counts the deliveries.
    version: watch::Sender<u64>,
}

impl Receiver {
    pub(super) async fn start(clock: Clock) -> Result<Self, std::io::Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            clock,
            secrets: Mutex::default(),
            answers: Mutex::default(),
            inbox: Mutex::default(),
            version: watch::Sender::new(0),
        });
        let running = CancellationToken::new();
        tokio::spawn(running.clone().run_until_cancelled_owned(accept(
            listener,
            Arc::clone(&state),
            running.clone(),
        )));
        Ok(Self { address, state, _running: running.drop_guard() })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    pub(super) fn set_secrets(&self, secrets: Vec<String>) {
        *lock(&self.state.secrets) = secrets;
    }

    pub(super) fn answers(&self) -> MutexGuard<'_, Answers> {
        lock(&self.state.answers)
    }

    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.state.inbox).deliveries.clone()
    }

    pub(super) fn find(&self, wanted: impl Fn(&Delivery) -> bool) -> Option<Delivery> {
        lock(&self.state.inbox).deliveries.iter().find(|delivery| wanted(delivery)).cloned()
    }

    pub(super) fn version(&self) -> watch::Receiver<u64> {
        self.state.version.subscribe()
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, running: CancellationToken) {
    loop {
        // The error concerns one closed connection, or too many open files. The next attempt may succeed.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        tokio::spawn(running.clone().run_until_cancelled_owned(serve(stream, Arc::clone(&state))));
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { state.respond(request).await }
    });
    // Fails if either side drops a connection, which tests do on purpose.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl State {
    async fn respond(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, DropConnection> {
        if request.uri().path() != PATH {
            return Ok(plain(StatusCode::NOT_FOUND));
        }
        if request.method() != Method::POST {
            return Ok(plain(StatusCode::METHOD_NOT_ALLOWED));
        }
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, MOST_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE)),
        };
        let answer = lock(&self.answers).take();
        if answer == Answer::DropBeforeTaking {
            return Err(DropConnection);
        }
        let verified = self.record(head.headers, &body, answer.clone());
        match answer {
            Answer::Hang(time) => tokio::time::sleep(time).await,
            Answer::DropAfterTaking => return Err(DropConnection),
            _ => {}
        }
        Ok(if verified.is_ok() { response(answer) } else { plain(StatusCode::UNAUTHORIZED) })
    }

    fn record(&self, headers: HeaderMap, bytes: &[u8], answer: Answer) -> Result<(), Refusal> {
        let now = self.clock.now();
        let parsed: Result<Value, Refusal> = serde_json::from_slice(bytes).map_err(|_| Refusal::Body);
        let secrets = lock(&self.secrets).clone();
        let verified = verify(&secrets, &headers, bytes, now)
            .and_then(|()| parsed.as_ref().map_err(Clone::clone).and_then(check_digest));
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let body = parsed.unwrap_or_default();
        let delivery = Delivery {
            id: text("webhook-id").unwrap_or_default().to_owned(),
            timestamp: text("webhook-timestamp").and_then(|text| text.parse().ok()),
            kind: body.get("type").and_then(Value::as_str).unwrap_or_default().to_owned(),
            body,
            received_at: now,
            verified: verified.clone(),
            answer,
            repeated: false,
            headers,
        };
        lock(&self.inbox).record(delivery);
        self.version.send_modify(|version| *version += 1);
        verified
    }
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let built = match answer {
        Answer::Status(status, headers) => {
            let response = Response::builder().status(status);
            let response =
                headers.into_iter().fold(response, |response, (name, value)| response.header(name, value));
            response.body(Full::default())
        }
        Answer::Redirect(url) => {
            Response::builder().status(307).header(header::LOCATION, url).body(Full::default())
        }
        Answer::RetryAfter(seconds) => {
            Response::builder().status(429).header(header::RETRY_AFTER, seconds).body(Full::default())
        }
        Answer::Gone => return plain(StatusCode::GONE),
        Answer::LargeBody(size) => Ok(Response::new(Full::from(vec![b'x'; size]))),
        Answer::Take | Answer::Hang(_) | Answer::DropBeforeTaking | Answer::DropAfterTaking => {
            return plain(StatusCode::NO_CONTENT);
        }
    };
    // A test asked for a status or a header that HTTP doesn't have.
    built.unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR))
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code panics while it holds the lock. Even then, the contents would be complete.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
