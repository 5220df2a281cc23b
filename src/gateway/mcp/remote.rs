//! A server that is reached by streamable HTTP
//! (<https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http>).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::{
    Method, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};
use url::Url;

use super::{
    message::{Code, Id, Kind, Message},
    sse::Reader,
    upstream::{FromServer, Upstream, WAITING},
};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
const EVENTS: &str = "text/event-stream";

/// The member of `_meta` that requests have in protocol revisions without sessions.
const VERSION_META: &str = "io.modelcontextprotocol/protocolVersion";
/// Time limit of connecting, and of sending what has no response.
const LIMIT: Duration = Duration::from_secs(30);
/// How often a stream that broke is taken up again, and the pause before.
const RESUMPTIONS: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);
/// The shortest and the longest pause, whatever the server says.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// The most bytes of a message.
const LARGEST: usize = 64 * 1024 * 1024;
/// How much of a response that is not a message is shown, in characters.
const SHOWN: usize = 200;

/// Connects, as soon as the first message is sent. `headers` are sent with every request.
pub(super) fn start(url: Url, headers: HeaderMap) -> Result<Upstream, String> {
    // reqwest is built without a TLS provider. A second call finds the first one's.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder()
        // A redirect would carry the headers to another place.
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(LIMIT)
        .user_agent(concat!("countersign-gateway/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| format!("could not set up HTTP: {error}"))?;
    let (to, messages) = mpsc::channel(WAITING);
    let (tell, from) = mpsc::channel(WAITING);
    let remote = Arc::new(Remote { http, url, headers, tell, state: Mutex::default() });
    tokio::spawn(remote.run(messages));
    Ok(Upstream { to, from })
}

#[derive(Debug)]
struct Remote {
    http: reqwest::Client,
    url: Url,
    headers: HeaderMap,
    tell: mpsc::Sender<FromServer>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    session: Option<HeaderValue>,
    version: Option<HeaderValue>,
    /// Requests without a session that have no response yet: closing their connection cancels them.
    stateless: HashMap<Id, AbortHandle>,
}

/// Why a message got no response.
enum Failed {
    /// The server answered, but not with a message.
    Refused(String),
    /// The session is over.
    Over,
}

impl Remote {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(self: Arc<Self>, mut messages: mpsc::Receiver<Message>) {
        let mut tasks = JoinSet::new();
        while let Some(message) = messages.recv().await {
            while tasks.try_join_next().is_some() {}
            match message.kind().clone() {
                Kind::Request { id, .. } => {
                    let stateless = version_of(&message).is_some();
                    let task = tasks.spawn(self.clone().request(id.clone(), message));
                    if stateless {
                        self.state().stateless.insert(id, task);
                    }
                }
                Kind::Notification { method } => {
                    if method == "notifications/cancelled" && self.disconnect(&message) {
                        continue;
                    }
                    self.clone().send(&message).await;
                    if method == "notifications/initialized" {
                        tasks.spawn(self.clone().listen());
                    }
                }
                Kind::Response { .. } => self.clone().send(&message).await,
            }
        }
        tasks.shutdown().await;
        if self.state().session.is_some() {
            let _ = timeout(LIMIT, self.http(Method::DELETE, None).send()).await;
        }
        let _ = self.tell.send(FromServer::Gone("the gateway closed the connection".to_owned())).await;
    }

    /// Cancels a request by closing its connection. `false` if it is not cancelled this way.
    fn disconnect(&self, cancelled: &Message) -> bool {
        let id = cancelled.object("params").get("requestId").and_then(Id::from_value);
        let task = id.and_then(|id| self.state().stateless.remove(&id));
        task.inspect(AbortHandle::abort).is_some()
    }

    fn http(&self, method: Method, message: Option<&Message>) -> reqwest::RequestBuilder {
        let mut headers = self.headers.clone();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        let stateless = message.and_then(version_of).and_then(|version| HeaderValue::from_str(&version).ok());
        if let (Some(version), Some(message)) = (&stateless, message) {
            headers.insert(VERSION, version.clone());
            name_headers(&mut headers, message);
        } else {
            let state = self.state();
            headers.extend(state.session.clone().map(|session| (SESSION, session)));
            headers.extend(state.version.clone().map(|version| (VERSION, version)));
        }
        let request = self.http.request(method, self.url.clone());
        match message {
            Some(message) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                request.headers(headers).body(message.text().to_owned())
            }
            None => request.headers(headers),
        }
    }

    /// Sends what has no response.
    async fn send(self: Arc<Self>, message: &Message) {
        match timeout(LIMIT, self.http(Method::POST, Some(message)).send()).await {
            Ok(Ok(response)) if response.status().is_success() => {}
            Ok(Ok(response)) => {
                tracing::warn!(status = response.status().as_u16(), "The server refused a message");
            }
            Ok(Err(error)) => tracing::warn!(error = innermost(&error), "Could not send a message"),
            Err(_) => tracing::warn!("Sending a message timed out"),
        }
    }

    /// Sends a request, and passes on what comes for it.
    async fn request(self: Arc<Self>, id: Id, message: Message) {
        let failed = self.exchange(&id, &message).await.err();
        self.state().stateless.remove(&id);
        match failed {
            None => {}
            Some(Failed::Refused(why)) => {
                let text = format!("the MCP server at {} failed: {why}", self.origin());
                let _ = self.tell.send(FromServer::Message(Message::error(id, Code::Internal, &text))).await;
            }
            Some(Failed::Over) => {
                let _ = self.tell.send(FromServer::Gone("it ended the session".to_owned())).await;
            }
        }
    }

    fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    async fn exchange(&self, id: &Id, message: &Message) -> Result<(), Failed> {
        let sent = self.http(Method::POST, Some(message)).send().await;
        let response = sent.map_err(|error| Failed::Refused(innermost(&error)))?;
        let is_first = matches!(message.kind(), Kind::Request { method, .. } if method == "initialize");
        if let (true, Some(session)) = (is_first, response.headers().get(&SESSION)) {
            self.state().session = Some(session.clone());
        }
        let status = response.status();
        if status == StatusCode::NOT_FOUND && self.state().session.is_some() {
            return Err(Failed::Over);
        }
        if is_stream(&response) && status.is_success() {
            return self.follow(id, response, is_first).await;
        }
        let body = body(response).await?;
        match Message::read(&body) {
            Ok(found) if matches!(found.kind(), Kind::Response { id: of } if of == id) => {
                self.pass(found, is_first).await;
                Ok(())
            }
            _ => Err(Failed::Refused(described(status, &body))),
        }
    }

    /// Passes on what a stream brings, until the response has come. A stream that breaks is taken up again, if the server
    /// numbers its events.
    async fn follow(&self, id: &Id, response: Response, is_first: bool) -> Result<(), Failed> {
        let (mut response, mut last) = (response, None);
        for _ in 0..=RESUMPTIONS {
            let mut reader = Reader::default();
            while let Ok(Some(piece)) = response.chunk().await {
                for event in reader.read(&piece) {
                    last = event.id.clone().or(last);
                    let Some(found) = read(&event.data) else { continue };
                    let is_response = matches!(found.kind(), Kind::Response { id: of } if of == id);
                    self.pass(found, is_first && is_response).await;
                    if is_response {
                        return Ok(());
                    }
                }
                if reader.waiting() > LARGEST {
                    return Err(Failed::Refused(format!("its message is larger than {LARGEST} bytes")));
                }
            }
            let Some(last) = last.as_ref().and_then(|last| HeaderValue::from_str(last).ok()) else { break };
            sleep(reader.retry.unwrap_or(PAUSE).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)).await;
            match self.http(Method::GET, None).header(LAST_EVENT, last).send().await {
                Ok(next) if next.status().is_success() && is_stream(&next) => response = next,
                Ok(next) => return Err(Failed::Refused(described(next.status(), "no stream"))),
                Err(error) => return Err(Failed::Refused(innermost(&error))),
            }
        }
        Err(Failed::Refused("its stream ended before the response".to_owned()))
    }

    async fn pass(&self, message: Message, is_initialization: bool) {
        if is_initialization {
            let version = message.object("result").remove("protocolVersion");
            let version = version.and_then(|version| HeaderValue::from_str(version.as_str()?).ok());
            self.state().version = version;
        }
        let _ = self.tell.send(FromServer::Message(message)).await;
    }

    /// Follows the server's own stream, on which it tells what belongs to no request. Not every server has one.
    async fn listen(self: Arc<Self>) {
        let (mut pause, mut last) = (PAUSE, None::<HeaderValue>);
        loop {
            let mut request = self.http(Method::GET, None);
            if let Some(last) = last.clone() {
                request = request.header(LAST_EVENT, last);
            }
            match request.send().await {
                Ok(mut response) if response.status().is_success() && is_stream(&response) => {
                    pause = PAUSE;
                    let mut reader = Reader::default();
                    while let Ok(Some(piece)) = response.chunk().await {
                        for event in reader.read(&piece) {
                            last = event.id.as_ref().and_then(|id| HeaderValue::from_str(id).ok()).or(last);
                            if let Some(message) = read(&event.data) {
                                self.pass(message, false).await;
                            }
                        }
                        if reader.waiting() > LARGEST {
                            break;
                        }
                    }
                    pause = reader.retry.unwrap_or(pause).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
                }
                Ok(response) if response.status().is_client_error() => return,
                _ => pause = (pause * 2).min(LONGEST_PAUSE),
            }
            sleep(pause).await;
        }
    }
}

/// The protocol revision that a request without a session names.
fn version_of(message: &Message) -> Option<String> {
    let version = message.object("params").remove("_meta")?.get(VERSION_META)?.as_str()?.to_owned();
    Some(version)
}

/// What proxies may route by, in revisions without sessions.
fn name_headers(headers: &mut HeaderMap, message: &Message) {
    let (Kind::Request { method, .. } | Kind::Notification { method }) = message.kind() else { return };
    if let Ok(method) = HeaderValue::from_str(method) {
        headers.insert(METHOD, method);
    }
    let params = message.object("params");
    let name = match method.as_str() {
        "tools/call" | "prompts/get" => params.get("name"),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => params.get("uri"),
        "tasks/get" | "tasks/update" | "tasks/cancel" => params.get("taskId"),
        _ => None,
    };
    if let Some(name) = name.and_then(|name| name.as_str()) {
        headers.extend(HeaderValue::from_str(&encoded(name)).ok().map(|name| (NAME, name)));
    }
}

/// A text as a header's value: as it is, or in Base64 if it has characters that headers can't have.
fn encoded(text: &str) -> String {
    use base64::Engine as _;
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && text.trim() == text;
    let looks_encoded = text.starts_with("=?base64?") && text.ends_with("?=");
    if is_plain && !looks_encoded {
        return text.to_owned();
    }
    format!("=?base64?{}?=", base64::engine::general_purpose::STANDARD.encode(text))
}

fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with(EVENTS))
}

/// A message from an event. Events without data only keep the stream open.
fn read(data: &str) -> Option<Message> {
    if data.trim().is_empty() {
        return None;
    }
    let read = Message::read(data);
    read.inspect_err(|error| tracing::warn!(%error, "Server sent an event that is not a message")).ok()
}

async fn body(mut response: Response) -> Result<String, Failed> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| Failed::Refused(innermost(&error)))? {
        body.extend_from_slice(&piece);
        if body.len() > LARGEST {
            return Err(Failed::Refused(format!("its response is larger than {LARGEST} bytes")));
        }
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

fn described(status: StatusCode, body: &str) -> String {
    let start: String = body.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SHOWN).collect();
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            format!("it refused the gateway's credentials ({status}); set them with --header")
        }
        status => format!("it answered {status}: {start}"),
    }
}

/// The last of an error's causes: the ones before it only name layers of the client.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
