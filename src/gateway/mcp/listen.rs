//! Clients that come by streamable HTTP
//! (<https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http>).
//!
//! A caller's bearer token is its own API key of Countersign, by which the gateway asks. It goes nowhere else.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use futures::stream;
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::{
    net::TcpListener,
    sync::mpsc,
    time::{Instant, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    message::{Code, Id, Kind, Message},
    sessions::{HttpSession, Sessions},
    settings::{Server, Settings},
    stateless::{self, Renamed},
};
use crate::{
    entropy::Entropy,
    gateway::client::{Client, ClientError},
};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const PATH: &str = "/mcp";
const METADATA: &str = "/.well-known/oauth-protected-resource";
/// The most bytes of a message.
const LARGEST: usize = 4 * 1024 * 1024;
/// How often a stream without messages says that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a key that Countersign knew is not checked again.
const KNOWN_FOR: Duration = Duration::from_mins(1);
/// How long checking a key may take.
const CHECK_LIMIT: Duration = Duration::from_secs(5);
/// How often old sessions are looked for.
const SWEEP: Duration = Duration::from_secs(10);
/// The most keys that are remembered.
const MOST_KEYS: usize = 10_000;

/// How the gateway listens.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The address.
    pub address: SocketAddr,
    /// The address by which clients reach it, if that is another.
    pub public_url: Option<Url>,
    /// Further names that `Host` may have, with or without a port.
    pub hosts: Vec<String>,
    /// Origins from which browsers may call it.
    pub origins: Vec<String>,
    /// Where clients get tokens, for the metadata of RFC 9728.
    pub authorization_servers: Vec<Url>,
    /// The address of Countersign.
    pub service: String,
}

#[derive(Debug)]
struct Gateway {
    listen: Listen,
    public: String,
    sessions: Sessions,
    entropy: Entropy,
    known: Mutex<HashMap<[u8; 32], (Client, Instant)>>,
}

type Shared = State<Arc<Gateway>>;

/// Serves clients until `stop`.
pub async fn serve(
    settings: Settings,
    server: Server,
    listen: Listen,
    entropy: Entropy,
    stop: CancellationToken,
) -> Result<(), String> {
    let address = listen.address;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("could not listen on {address}: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let public = listen.public_url.as_ref().map_or_else(|| format!("http://{address}"), Url::to_string);
    let public = public.trim_end_matches('/').to_owned();
    let sessions = Sessions::new(settings, server, entropy.clone());
    let gateway = Arc::new(Gateway { listen, public, sessions, entropy, known: Mutex::default() });
    let router = Router::new()
        .route(PATH, post(receive).get(follow).delete(end))
        .route(METADATA, get(metadata))
        .route(&format!("{METADATA}{PATH}"), get(metadata))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(gateway.clone());
    tracing::info!(%address, path = PATH, "Listening");
    let swept = gateway.clone();
    let sweeper = tokio::spawn(async move {
        let mut ticks = interval(SWEEP);
        loop {
            ticks.tick().await;
            swept.sessions.sweep().await;
        }
    });
    let stopped = stop.clone().cancelled_owned();
    let serving = axum::serve(listener, router).with_graceful_shutdown(stopped).into_future();
    let ended = async {
        stop.cancelled().await;
        // Open streams would keep the server from ending.
        gateway.sessions.end_all().await;
        tokio::time::sleep(CHECK_LIMIT).await;
    };
    tokio::select! {
        result = serving => {
            gateway.sessions.end_all().await;
            result.map_err(|error| error.to_string())?;
        }
        () = ended => {}
    }
    sweeper.abort();
    Ok(())
}

/// A refusal.
fn refused(status: StatusCode, text: &str) -> Response {
    let message = Message::error(Id::null(), Code::InvalidRequest, text);
    (status, [(header::CONTENT_TYPE, "application/json")], message.text().to_owned()).into_response()
}

fn value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

impl Gateway {
    /// Refuses requests that a page in a browser could have made: those with another `Host`, by a name that was bound to
    /// this address, and those of another origin.
    #[expect(clippy::result_large_err, reason = "a refusal is the response, which is made once")]
    fn check_place(&self, headers: &HeaderMap) -> Result<(), Response> {
        let host = value(headers, &header::HOST);
        if !self.is_own_host(host) {
            let text = "the Host header names another server; allow it with --allow-host";
            return Err(refused(StatusCode::FORBIDDEN, text));
        }
        let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
        let origin = origin.to_str().unwrap_or_default();
        let is_allowed = origin == self.public || self.listen.origins.iter().any(|allowed| allowed == origin);
        let text = "the Origin header names another site; allow it with --allow-origin";
        if is_allowed { Ok(()) } else { Err(refused(StatusCode::FORBIDDEN, text)) }
    }

    fn is_own_host(&self, host: &str) -> bool {
        let Ok(url) = Url::parse(&format!("http://{host}/")) else { return false };
        let name = url.host_str().unwrap_or_default();
        let is_loopback = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
        let public = self.listen.public_url.as_ref();
        is_loopback
            || public.is_some_and(|public| public.host_str() == Some(name))
            || self.listen.hosts.iter().any(|allowed| allowed == host || allowed == name)
    }

    /// The caller, by the API key that it sent.
    async fn caller(&self, headers: &HeaderMap) -> Result<(Client, [u8; 32]), Response> {
        let sent = value(headers, &header::AUTHORIZATION);
        let key = sent.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, key)) = key else { return Err(self.unauthorized("send an API key as a bearer token")) };
        let digest: [u8; 32] = Sha256::digest(key.trim()).into();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        if let Some((client, at)) = known
            && at.elapsed() < KNOWN_FOR
        {
            return Ok((client, digest));
        }
        let key = SecretString::from(key.trim().to_owned());
        let client = Client::new(&self.listen.service, &key, self.entropy.clone())
            .map_err(|_| self.unauthorized("the API key is malformed"))?;
        let integration = &self.sessions.settings().integration;
        match client.get_integration(integration, Instant::now() + CHECK_LIMIT).await {
            Ok(_) => {}
            // A key that may not read this integration is valid too.
            Err(ClientError::Refused { status: 403, code, .. })
                if matches!(code.as_str(), "insufficient-scope" | "user-bound-key" | "not-owner") => {}
            Err(ClientError::Refused { status: 401 | 403, .. }) => {
                return Err(self.unauthorized("the API key is not valid"));
            }
            // What is not Countersign's answer, such as a redirect, does not say whether the key is valid.
            Err(_) => {
                return Err(refused(StatusCode::SERVICE_UNAVAILABLE, "Countersign can't be reached"));
            }
        }
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_KEYS {
            all.clear();
        }
        all.insert(digest, (client.clone(), Instant::now()));
        Ok((client, digest))
    }

    fn unauthorized(&self, text: &str) -> Response {
        let mut response = refused(StatusCode::UNAUTHORIZED, text);
        let challenge = format!("Bearer resource_metadata=\"{}{METADATA}{PATH}\"", self.public);
        if let Ok(challenge) = HeaderValue::from_str(&challenge) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }

    /// The caller's session that the request names.
    #[expect(clippy::result_large_err, reason = "a refusal is the response, which is made once")]
    fn session(&self, headers: &HeaderMap, caller: &[u8; 32]) -> Result<Arc<HttpSession>, Response> {
        let id = value(headers, &SESSION);
        if id.is_empty() {
            let text = "the Mcp-Session-Id header is missing: begin with initialize";
            return Err(refused(StatusCode::BAD_REQUEST, text));
        }
        let unknown = || refused(StatusCode::NOT_FOUND, "no such session: begin with initialize");
        self.sessions.find(id, caller).ok_or_else(unknown)
    }
}

async fn receive(State(gateway): Shared, headers: HeaderMap, body: Bytes) -> Response {
    answer(gateway, &headers, &body).await.unwrap_or_else(|refusal| refusal)
}

async fn answer(gateway: Arc<Gateway>, headers: &HeaderMap, body: &[u8]) -> Result<Response, Response> {
    gateway.check_place(headers)?;
    let (client, caller) = gateway.caller(headers).await?;
    let kind = value(headers, &header::CONTENT_TYPE).to_ascii_lowercase();
    if !kind.starts_with("application/json") {
        let text = "Content-Type must be application/json";
        return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let accept = value(headers, &header::ACCEPT);
    if !accept.contains("text/event-stream") && !accept.contains("*/*") {
        return Err(refused(StatusCode::NOT_ACCEPTABLE, "Accept must contain text/event-stream"));
    }
    let read = std::str::from_utf8(body).map_err(|error| error.to_string());
    let read = read.and_then(|text| Message::read(text).map_err(|error| error.to_string()));
    let message = read
        .map_err(|error| refused(StatusCode::BAD_REQUEST, &format!("the message can't be read: {error}")))?;
    let is_first = matches!(message.kind(), Kind::Request { method, .. } if method == "initialize");
    if !is_first && !headers.contains_key(SESSION) && stateless::is_stateless(headers) {
        return answer_stateless(&gateway, headers, message, client, caller).await;
    }
    let (begun, session) = if is_first && !headers.contains_key(SESSION) {
        let begun = gateway.sessions.begin(client, caller);
        let (id, session) =
            begun.ok_or_else(|| refused(StatusCode::SERVICE_UNAVAILABLE, "too many sessions"))?;
        (Some(id), session)
    } else {
        (None, gateway.session(headers, &caller)?)
    };
    let Kind::Request { id, .. } = message.kind().clone() else {
        session.session.handle_client(message).await;
        return Ok(StatusCode::ACCEPTED.into_response());
    };
    let used = || refused(StatusCode::BAD_REQUEST, "the id belongs to a request that has no response yet");
    let messages = session.stream(&id).ok_or_else(used)?;
    let open = Open { session: session.clone(), id };
    session.session.handle_client(message).await;
    let mut response = events(messages, Some(open), None);
    if let Some(id) = begun.and_then(|id| HeaderValue::from_str(&id).ok()) {
        response.headers_mut().insert(SESSION, id);
    }
    Ok(response)
}

/// Answers a message of a protocol revision without sessions.
async fn answer_stateless(
    gateway: &Gateway,
    headers: &HeaderMap,
    message: Message,
    client: Client,
    caller: [u8; 32],
) -> Result<Response, Response> {
    let id = match message.kind() {
        Kind::Request { id, .. } => id.clone(),
        // These revisions have none from clients, not even to cancel.
        Kind::Notification { .. } => return Ok(StatusCode::ACCEPTED.into_response()),
        Kind::Response { .. } => {
            return Err(refused(StatusCode::BAD_REQUEST, "a response needs a session"));
        }
    };
    if let Err(text) = stateless::check_headers(headers, &message) {
        let message = Message::error(id, Code::HeaderMismatch, &text);
        let kind = [(header::CONTENT_TYPE, "application/json")];
        return Err((StatusCode::BAD_REQUEST, kind, message.text().to_owned()).into_response());
    }
    let shared = gateway.sessions.shared(&stateless::client_of(headers, &message), client, caller);
    let session = shared.ok_or_else(|| refused(StatusCode::SERVICE_UNAVAILABLE, "too many clients"))?;
    let (renamed, message) = Renamed::new(&message, id, gateway.sessions.request_id())
        .ok_or_else(|| refused(StatusCode::BAD_REQUEST, "the message can't be read"))?;
    let used = || refused(StatusCode::SERVICE_UNAVAILABLE, "no id is left for the request");
    let messages = session.stream(&renamed.id).ok_or_else(used)?;
    let open = Open { session: session.clone(), id: renamed.id.clone() };
    session.session.handle_client(message).await;
    Ok(events(messages, Some(open), Some(renamed)))
}

async fn follow(State(gateway): Shared, headers: HeaderMap) -> Response {
    let opened = async {
        gateway.check_place(&headers)?;
        let (_, caller) = gateway.caller(&headers).await?;
        if !headers.contains_key(SESSION) && stateless::is_stateless(&headers) {
            return Err((StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]).into_response());
        }
        let session = gateway.session(&headers, &caller)?;
        let taken = || refused(StatusCode::CONFLICT, "the session already has an open stream");
        session.own_stream().ok_or_else(taken)
    };
    match opened.await {
        Ok(messages) => events(messages, None, None),
        Err(refusal) => refusal,
    }
}

async fn end(State(gateway): Shared, headers: HeaderMap) -> Response {
    let found = async {
        gateway.check_place(&headers)?;
        let (_, caller) = gateway.caller(&headers).await?;
        gateway.session(&headers, &caller)
    };
    match found.await {
        Ok(_) => {
            gateway.sessions.end(value(&headers, &SESSION)).await;
            StatusCode::NO_CONTENT.into_response()
        }
        Err(refusal) => refusal,
    }
}

/// RFC 9728.
async fn metadata(State(gateway): Shared) -> Json<Value> {
    Json(json!({
        "resource": format!("{}{PATH}", gateway.public),
        "resource_name": gateway.sessions.settings().name,
        "authorization_servers": gateway.listen.authorization_servers,
        "bearer_methods_supported": ["header"],
    }))
}

/// The stream of a request. A client that closes it before the response cancels the request.
struct Open {
    session: Arc<HttpSession>,
    id: Id,
}

impl Drop for Open {
    fn drop(&mut self) {
        let (session, id) = (self.session.clone(), self.id.clone());
        tokio::spawn(async move { session.disconnect(&id).await });
    }
}

/// Messages as server-sent events, until there are no more. `renamed`: the request that they are about, if it has another
/// id for the client.
fn events(messages: mpsc::Receiver<Message>, open: Option<Open>, renamed: Option<Renamed>) -> Response {
    let pieces = stream::unfold((messages, open, renamed), async |(mut messages, open, renamed)| {
        let piece = match timeout(KEEP_ALIVE, messages.recv()).await {
            Ok(Some(message)) => {
                let message = match &renamed {
                    Some(renamed) => renamed.restore(message),
                    None => message,
                };
                format!("event: message\ndata: {}\n\n", message.text())
            }
            Ok(None) => return None,
            Err(_) => ": waiting\n\n".to_owned(),
        };
        Some((Ok::<_, Infallible>(Bytes::from(piece)), (messages, open, renamed)))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies must not collect events.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}
