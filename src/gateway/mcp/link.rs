//! A client and its server: both directions, and the requests of the client that have no response yet.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::{Map, Value};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    message::{Code, Id, Message},
    progress::Progress,
    state::Continued,
};
use crate::entropy::Entropy;

/// A message to the client.
#[derive(Debug)]
pub(super) struct ToClient {
    pub(super) message: Message,
    /// The request that it belongs to, if it belongs to one.
    pub(super) about: Option<Id>,
}

/// A call that the server has.
#[derive(Debug)]
pub(super) struct Running {
    /// The call, and the approval by which it runs.
    pub(super) of: Continued,
    pub(super) progress: Option<Progress>,
    /// Notified by every message about it.
    pub(super) alive: std::sync::Arc<Notify>,
    /// Cancelled when it has ended.
    pub(super) ended: CancellationToken,
}

/// A request of the client that has no response yet.
#[derive(Debug)]
pub(super) enum Request {
    /// It was passed on. The token is cancelled when it has ended.
    Passed(CancellationToken),
    /// It is a call that is being asked for. The token stops that.
    Asking(CancellationToken),
    /// It is a call that was passed on.
    Running(Box<Running>),
}

/// Why a request of the client can't be handled.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unnoted {
    /// The server is gone, for this reason.
    ServerGone(String),
    /// Another request with this id has no response yet.
    IdInUse,
}

#[derive(Debug, Default)]
struct State {
    requests: HashMap<Id, Request>,
    /// The gateway's own requests to the server.
    own: HashMap<Id, oneshot::Sender<Message>>,
    /// Why the server is gone.
    gone: Option<String>,
}

/// A client and its server.
#[derive(Debug)]
pub(super) struct Link {
    to_client: mpsc::Sender<ToClient>,
    to_server: Mutex<Option<mpsc::Sender<Message>>>,
    state: Mutex<State>,
    entropy: Entropy,
}

impl Link {
    pub(super) fn new(
        to_client: mpsc::Sender<ToClient>,
        to_server: mpsc::Sender<Message>,
        entropy: Entropy,
    ) -> Self {
        Self { to_client, to_server: Mutex::new(Some(to_server)), state: Mutex::default(), entropy }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A random text, different every time.
    pub(super) fn random(&self) -> String {
        random(&self.entropy)
    }

    /// Sends a message to the client. A client that is gone gets none, and needs none.
    pub(super) async fn tell_client(&self, message: Message, about: Option<Id>) {
        let _ = self.to_client.send(ToClient { message, about }).await;
    }

    /// Sends a message to the server. If it is gone, what waits for it is told by another way.
    pub(super) async fn tell_server(&self, message: Message) {
        let to = self.to_server.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(to) = to {
            let _ = to.send(message).await;
        }
    }

    /// Asks the server to end.
    pub(super) fn close_server(&self) {
        self.to_server.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Notes a request of the client, so that it is answered even if the server is lost.
    pub(super) fn note(&self, id: &Id, request: Request) -> Result<(), Unnoted> {
        let mut state = self.state();
        // The server is lost under the same lock. A request that is noted after that would never be answered.
        if let Some(why) = &state.gone {
            return Err(Unnoted::ServerGone(why.clone()));
        }
        if state.requests.contains_key(id) {
            return Err(Unnoted::IdInUse);
        }
        state.requests.insert(id.clone(), request);
        Ok(())
    }

    /// The server has this call from now on. `false` if the call was stopped: then the server must not get it.
    pub(super) fn start(&self, id: &Id, asking: &CancellationToken, running: Running) -> bool {
        let mut state = self.state();
        // Stopping happens under the same lock.
        if asking.is_cancelled() || state.gone.is_some() {
            return false;
        }
        state.requests.insert(id.clone(), Request::Running(Box::new(running)));
        true
    }

    /// Ends a request: its response, or its cancellation, is on its way.
    pub(super) fn end(&self, id: &Id) -> Option<Request> {
        let mut state = self.state();
        let request = state.requests.remove(id)?;
        match &request {
            Request::Asking(asking) => asking.cancel(),
            Request::Running(running) => running.ended.cancel(),
            Request::Passed(ended) => ended.cancel(),
        }
        Some(request)
    }

    /// Ends a request that the server answered. A call that the server does not have yet goes on: its answer is forged, or
    /// that of an earlier call.
    pub(super) fn end_answered(&self, id: &Id) -> Option<Request> {
        if matches!(self.state().requests.get(id), Some(Request::Asking(_))) {
            return None;
        }
        self.end(id)
    }

    /// Ends a request that was passed on, unless it has ended: then its id may belong to another one.
    pub(super) fn end_passed(&self, id: &Id, ended: &CancellationToken) -> bool {
        let mut state = self.state();
        // Ending happens under the same lock.
        !ended.is_cancelled() && state.requests.remove(id).is_some()
    }

    /// Answers a call that is being asked for, unless it was stopped.
    pub(super) async fn answer(&self, id: &Id, asking: &CancellationToken, result: &Value) {
        let is_open = {
            let mut state = self.state();
            let is_open = !asking.is_cancelled();
            if is_open {
                state.requests.remove(id);
            }
            is_open
        };
        if is_open {
            let message = Message::result(id.clone(), result);
            self.tell_client(message, Some(id.clone())).await;
        }
    }

    /// Stops everything that is still being asked for.
    pub(super) fn stop_asking(&self) {
        self.state().requests.retain(|_, request| match request {
            Request::Asking(asking) => {
                asking.cancel();
                false
            }
            _ => true,
        });
    }

    /// The server is gone: gives the requests that it will not answer.
    pub(super) fn lose_server(&self, why: &str) -> Vec<(Id, Request)> {
        self.close_server();
        let mut state = self.state();
        state.gone = Some(why.to_owned());
        state.own.clear();
        let lost: Vec<(Id, Request)> = state.requests.drain().collect();
        for (_, request) in &lost {
            match request {
                Request::Asking(asking) => asking.cancel(),
                Request::Running(running) => running.ended.cancel(),
                Request::Passed(ended) => ended.cancel(),
            }
        }
        lost
    }

    /// Passes the server's progress on. What the server says of a call that waited is moved behind that.
    pub(super) fn progress(&self, params: &Map<String, Value>) -> Moved {
        let token = params.get("progressToken");
        let mut state = self.state();
        let found = state.requests.iter_mut().find_map(|(id, request)| match request {
            Request::Running(running) => {
                let is_its = running.progress.as_ref().map(Progress::token) == token && token.is_some();
                is_its.then_some((id, running))
            }
            _ => None,
        });
        let Some((id, running)) = found else { return Moved::Unknown };
        running.alive.notify_one();
        match running.progress.as_mut().map(|progress| progress.moved(params)) {
            Some(Ok(Some(moved))) => Moved::Changed(id.clone(), moved),
            Some(Err(())) => Moved::Dropped,
            Some(Ok(None)) | None => Moved::Same(id.clone()),
        }
    }

    /// Sends a request of the gateway's own, and gives the response.
    pub(super) async fn ask_server(&self, method: &str, params: &Value) -> Option<Message> {
        let id = Id::text(&format!("countersign-{}", self.random()));
        let (tell, told) = oneshot::channel();
        {
            let mut state = self.state();
            if state.gone.is_some() {
                return None;
            }
            state.own.insert(id.clone(), tell);
        }
        self.tell_server(Message::request(id, method, params)).await;
        told.await.ok()
    }

    /// Takes a response to a request of the gateway's own. Gives it back if it is none.
    pub(super) fn take_own(&self, id: &Id, message: Message) -> Option<Message> {
        match self.state().own.remove(id) {
            Some(tell) => {
                let _ = tell.send(message);
                None
            }
            None => Some(message),
        }
    }

    /// Answers a request with an error.
    pub(super) async fn fail(&self, id: Id, code: Code, text: &str) {
        self.tell_client(Message::error(id.clone(), code, text), Some(id)).await;
    }
}

/// A random text of 32 characters.
pub(super) fn random(entropy: &Entropy) -> String {
    let bytes = entropy.bytes();
    let (left, _) = bytes.split_at(16);
    left.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What becomes of a progress notification.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It is about something else than a call.
    Unknown,
    Same(Id),
    Changed(Id, Map<String, Value>),
    Dropped,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_after_the_loss_of_the_server_is_refused() {
        let (to_client, to_server) = (mpsc::channel(1).0, mpsc::channel(1).0);
        let link = Link::new(to_client, to_server, Entropy::system());
        let passed = || Request::Passed(CancellationToken::new());
        let (first, second) = (Id::text("1"), Id::text("2"));
        assert_eq!(link.note(&first, passed()), Ok(()));
        assert_eq!(link.note(&first, passed()), Err(Unnoted::IdInUse));
        assert_eq!(link.lose_server("it ended").len(), 1);
        assert_eq!(link.note(&second, passed()), Err(Unnoted::ServerGone("it ended".to_owned())));
    }
}
