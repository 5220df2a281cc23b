//! The sessions of clients that come by HTTP, and the streams that their messages take.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
    message::{Id, Kind, Message},
    session::Session,
    settings::{Server, Settings},
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
}

/// A session of one caller.
#[derive(Debug)]
pub(super) struct HttpSession {
    pub(super) session: Arc<Session>,
    gone: CancellationToken,
    /// Whose it is: the digest of the API key.
    caller: [u8; 32],
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
        Self { settings: Arc::new(settings), server, entropy, open: Mutex::default() }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Arc<HttpSession>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session, with a server of its own. `None`: there are too many.
    pub(super) fn begin(&self, api: Client, caller: [u8; 32]) -> Option<(String, Arc<HttpSession>)> {
        {
            let open = self.open();
            let own = open.values().filter(|session| session.caller == caller).count();
            if open.len() >= MOST || own >= MOST_OF_ONE {
                return None;
            }
        }
        let (upstream, _) = connect(&self.server);
        let (to_client, messages) = mpsc::channel(WAITING);
        let (session, gone) = Session::begin(self.settings.clone(), api, &self.entropy, upstream, to_client);
        let streams =
            Streams { requests: Vec::new(), own: None, waiting: VecDeque::new(), used: Instant::now() };
        let begun = Arc::new(HttpSession { session, gone, caller, streams: Mutex::new(streams) });
        tokio::spawn(begun.clone().route(messages));
        let id = random(&self.entropy);
        self.open().insert(id.clone(), begun.clone());
        Some((id, begun))
    }

    /// The caller's session with this id.
    pub(super) fn find(&self, id: &str, caller: &[u8; 32]) -> Option<Arc<HttpSession>> {
        let found = self.open().get(id).cloned();
        let found = found.filter(|session| session.caller == *caller && !session.gone.is_cancelled())?;
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

    /// The stream of a request that is about to be handled.
    pub(super) fn stream(&self, id: &Id) -> mpsc::Receiver<Message> {
        let (to, messages) = mpsc::channel(WAITING);
        self.streams().requests.push((id.clone(), to));
        messages
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
            let stream = {
                let mut streams = self.streams();
                streams.used = Instant::now();
                let at = streams.requests.iter().position(|(id, _)| Some(id) == about.as_ref());
                match at {
                    Some(at) if is_response => Some(streams.requests.remove(at).1),
                    Some(at) => Some(streams.requests[at].1.clone()),
                    // Its client has disconnected.
                    None if is_response => continue,
                    None => {
                        let own = streams.own.as_ref().filter(|own| !own.is_closed());
                        own.or(streams.requests.last().map(|(_, stream)| stream)).cloned()
                    }
                }
            };
            if let Some(stream) = stream {
                let _ = timeout(SLOW_LIMIT, stream.send(message)).await;
                continue;
            }
            let mut streams = self.streams();
            if streams.waiting.len() < MOST_WAITING {
                streams.waiting.push_back(message);
            }
        }
    }
}
