//! The sessions of clients that come by HTTP, and the streams that their messages take.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    connect::connect,
    link::{ToClient, random},
    message::{Code, Id, Kind, Message},
    session::Session,
    settings::{Server, Settings},
    stateless::SUBSCRIPTION_META,
    upstream::WAITING,
};
use crate::{entropy::Entropy, gateway::client::Client};

/// The most sessions at a time: each may be a process.
const MOST: usize = 200;
/// The most sessions of one caller, so that a client that fails to end them keeps out no other.
const MOST_OF_ONE: usize = 20;
/// After how long a session without requests and streams ends.
const IDLE_LIMIT: Duration = Duration::from_mins(30);
/// How long a stream may take for a message before it is given up.
const SLOW_LIMIT: Duration = Duration::from_secs(30);
/// The most messages that wait for a stream.
const MOST_WAITING: usize = 64;

/// Everything that a session is begun with.
#[derive(Debug)]
pub(super) struct Sessions {
    settings: Arc<Settings>,
    server: Server,
    entropy: Entropy,
    open: Mutex<HashMap<String, Arc<HttpSession>>>,
    /// Numbers for requests that came without a session.
    requests: AtomicU64,
}

/// A session of one caller.
#[derive(Debug)]
pub(super) struct HttpSession {
    pub(super) session: Arc<Session>,
    gone: CancellationToken,
    /// Whose it is: the digest of the API key.
    caller: [u8; 32],
    /// Whether requests without a session share it. No client may name it.
    is_shared: bool,
    streams: Mutex<Streams>,
}

#[derive(Debug)]
struct Streams {
    /// The streams of requests that have no response yet, the newest last.
    requests: Vec<(Id, mpsc::Sender<Message>)>,
    /// The stream for what belongs to no request.
    own: Option<mpsc::Sender<Message>>,
    /// What waits for a stream.
    waiting: VecDeque<Message>,
    used: Instant,
}

impl Sessions {
    pub(super) fn new(settings: Settings, server: Server, entropy: Entropy) -> Self {
        let requests = AtomicU64::new(1);
        Self { settings: Arc::new(settings), server, entropy, open: Mutex::default(), requests }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Arc<HttpSession>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session, with a server of its own. `None`: there are too many.
    pub(super) fn begin(&self, api: Client, caller: [u8; 32]) -> Option<(String, Arc<HttpSession>)> {
        let mut open = self.open();
        if is_full(&open, &caller) {
            return None;
        }
        let begun = self.start(api, caller, false);
        let id = random(&self.entropy);
        open.insert(id.clone(), begun.clone());
        Some((id, begun))
    }

    /// What the requests without a session share that this caller makes with clients of this name: a server, and a
    /// conversation. `None`: there are too many.
    pub(super) fn shared(&self, client: &str, api: Client, caller: [u8; 32]) -> Option<Arc<HttpSession>> {
        let name = caller.iter().fold(format!("{client} "), |name, byte| format!("{name}{byte:02x}"));
        let mut open = self.open();
        if let Some(found) = open.get(&name).filter(|session| !session.gone.is_cancelled()) {
            found.streams().used = Instant::now();
            return Some(found.clone());
        }
        if let Some(old) = open.remove(&name) {
            tokio::spawn(async move { old.end().await });
        }
        if is_full(&open, &caller) {
            return None;
        }
        let begun = self.start(api, caller, true);
        open.insert(name, begun.clone());
        Some(begun)
    }

    fn start(&self, api: Client, caller: [u8; 32], is_shared: bool) -> Arc<HttpSession> {
        let (upstream, _) = connect(&self.server);
        let (to_client, messages) = mpsc::channel(WAITING);
        let (session, gone) = Session::begin(self.settings.clone(), api, &self.entropy, upstream, to_client);
        let streams =
            Streams { requests: Vec::new(), own: None, waiting: VecDeque::new(), used: Instant::now() };
        let begun = Arc::new(HttpSession { session, gone, caller, is_shared, streams: Mutex::new(streams) });
        tokio::spawn(begun.clone().route(messages));
        begun
    }

    /// An id that no other request of the gateway has.
    pub(super) fn request_id(&self) -> Id {
        Id::number(self.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// The caller's session with this id.
    pub(super) fn find(&self, id: &str, caller: &[u8; 32]) -> Option<Arc<HttpSession>> {
        let found = self.open().get(id).cloned();
        let found = found.filter(|session| session.caller == *caller && !session.is_shared);
        let found = found.filter(|session| !session.gone.is_cancelled())?;
        found.streams().used = Instant::now();
        Some(found)
    }

    /// Ends a session.
    pub(super) async fn end(&self, id: &str) {
        let session = self.open().remove(id);
        if let Some(session) = session {
            session.end().await;
        }
    }

    /// Ends sessions that are no longer used or whose server is gone.
    pub(super) async fn sweep(&self) {
        let old: Vec<String> = {
            let open = self.open();
            open.iter().filter(|(_, session)| session.is_old()).map(|(id, _)| id.clone()).collect()
        };
        join_all(old.iter().map(|id| self.end(id))).await;
    }

    /// Ends all sessions.
    pub(super) async fn end_all(&self) {
        let all: Vec<Arc<HttpSession>> = self.open().drain().map(|(_, session)| session).collect();
        join_all(all.iter().map(|session| session.end())).await;
    }
}

fn is_full(open: &HashMap<String, Arc<HttpSession>>, caller: &[u8; 32]) -> bool {
    open.len() >= MOST || open.values().filter(|session| session.caller == *caller).count() >= MOST_OF_ONE
}

impl HttpSession {
    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_old(&self) -> bool {
        let streams = self.streams();
        let is_used = !streams.requests.is_empty() || streams.own.is_some();
        self.gone.is_cancelled() || (!is_used && streams.used.elapsed() > IDLE_LIMIT)
    }

    async fn end(&self) {
        self.session.close(&self.gone).await;
        let mut streams = self.streams();
        streams.requests.clear();
        streams.own = None;
    }

    /// The stream of a request that is about to be handled. `None`: another one with this id has no response yet.
    pub(super) fn stream(&self, id: &Id) -> Option<mpsc::Receiver<Message>> {
        let mut streams = self.streams();
        if streams.requests.iter().any(|(other, _)| other == id) {
            return None;
        }
        let (to, messages) = mpsc::channel(WAITING);
        streams.requests.push((id.clone(), to));
        Some(messages)
    }

    /// The client closed the stream of a request: it no longer waits.
    pub(super) async fn disconnect(&self, id: &Id) {
        let was_open = {
            let mut streams = self.streams();
            let before = streams.requests.len();
            streams.requests.retain(|(other, _)| other != id);
            streams.requests.len() < before
        };
        if was_open {
            self.session.cancel(id).await;
        }
    }

    /// The stream for what belongs to no request. `None`: there is one.
    pub(super) fn own_stream(&self) -> Option<mpsc::Receiver<Message>> {
        let mut streams = self.streams();
        if streams.own.as_ref().is_some_and(|own| !own.is_closed()) {
            return None;
        }
        let (to, messages) = mpsc::channel(WAITING);
        for message in std::mem::take(&mut streams.waiting) {
            let _ = to.try_send(message);
        }
        streams.own = Some(to);
        Some(messages)
    }

    /// Gives each message to its stream.
    async fn route(self: Arc<Self>, mut messages: mpsc::Receiver<ToClient>) {
        while let Some(ToClient { message, about }) = messages.recv().await {
            let is_response = matches!(message.kind(), Kind::Response { .. });
            let about = about.or_else(|| related(&message));
            let stream = {
                let mut streams = self.streams();
                streams.used = Instant::now();
                let at = streams.requests.iter().position(|(id, _)| Some(id) == about.as_ref());
                match at {
                    Some(at) if is_response => Some(streams.requests.remove(at).1),
                    Some(at) => Some(streams.requests[at].1.clone()),
                    // Its client has disconnected.
                    None if is_response => continue,
                    // It could be for another client, unless there is only one.
                    None if self.is_shared => match &streams.requests[..] {
                        [(_, stream)] => Some(stream.clone()),
                        _ => None,
                    },
                    None => {
                        let own = streams.own.as_ref().filter(|own| !own.is_closed());
                        own.or(streams.requests.last().map(|(_, stream)| stream)).cloned()
                    }
                }
            };
            if let (true, Kind::Request { id, .. }) = (self.is_shared, message.kind()) {
                let text = "clients without a session take no requests";
                let refusal = Message::error(id.clone(), Code::MethodNotFound, text);
                self.session.handle_client(refusal).await;
                continue;
            }
            if let Some(stream) = stream {
                let _ = timeout(SLOW_LIMIT, stream.send(message)).await;
                continue;
            }
            let mut streams = self.streams();
            if !self.is_shared && streams.waiting.len() < MOST_WAITING {
                streams.waiting.push_back(message);
            }
        }
    }
}

/// The request that a notification is about: one that subscribed to it, or whose progress it tells.
fn related(message: &Message) -> Option<Id> {
    let Kind::Notification { .. } = message.kind() else { return None };
    let params = message.object("params");
    let subscription = params.get("_meta").and_then(|meta| meta.get(SUBSCRIPTION_META));
    Id::from_value(subscription.or_else(|| params.get("progressToken"))?)
}
