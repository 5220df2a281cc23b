//! Socket Mode (<https://docs.slack.dev/apis/events-api/using-socket-mode>): the app opens connections. Slack sends
//! each request over one of them, and the app acknowledges it by its envelope's id.

mod connection;
mod sending;

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

pub(crate) use self::{connection::open, sending::deliver};
use super::Slack;
use crate::ambient::random_hex;

/// The most connections that Slack allows at once.
const MOST: usize = 10;
/// How long a connection stays open after it was asked to close.
const GRACE: Duration = Duration::from_millis(300);

/// The connections of the app.
#[derive(Debug, Default)]
pub(crate) struct Sockets(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    tickets: BTreeSet<String>,
    links: Vec<Link>,
    /// By envelope id: the connection that carried it, and the sender that waits for its acknowledgement.
    waiting: HashMap<String, (u64, oneshot::Sender<Value>)>,
    opened: u64,
    turn: usize,
    /// How many of the next envelopes break off in the middle, together with their connection.
    broken: u32,
    /// How many of the next envelopes go to a second connection too.
    doubled: u32,
}

#[derive(Debug)]
struct Link {
    id: u64,
    out: mpsc::UnboundedSender<Out>,
    /// The app was asked to close it: Slack sends nothing more on it, but still reads what the app sends.
    leaving: bool,
}

/// An instruction to a connection.
#[derive(Debug)]
enum Out {
    Text(String),
    /// Send half of this, then cut the connection.
    Half(String),
    Cut,
    Close,
}

impl Sockets {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address of a connection, valid for one use.
    pub(crate) fn ticket(&self, address: SocketAddr) -> String {
        let ticket = random_hex();
        self.lock().tickets.insert(ticket.clone());
        format!("ws://{address}/link/?ticket={ticket}")
    }
}

impl Slack {
    /// How many connections are open, without those about to close.
    #[must_use]
    pub fn sockets(&self) -> usize {
        self.core().sockets.lock().links.iter().filter(|link| !link.leaving).count()
    }

    /// How many connections were ever opened.
    #[must_use]
    pub fn sockets_opened(&self) -> u64 {
        self.core().sockets.lock().opened
    }

    /// Asks the app to close the oldest connection, as Slack does every few hours, and closes it soon after.
    pub fn refresh_socket(&self) {
        self.end_socket("refresh_requested");
    }

    /// Asks the app to close the oldest connection for this reason, and closes it soon after.
    pub fn end_socket(&self, reason: &str) {
        let mut inner = self.core().sockets.lock();
        let Some(link) = inner.links.iter_mut().find(|link| !link.leaving) else { return };
        link.leaving = true;
        let (id, out) = (link.id, link.out.clone());
        drop(inner);
        let message = json!({ "type": "disconnect", "reason": reason, "debug_info": { "host": id } });
        // Sending fails if the connection has closed already.
        let _ = out.send(Out::Text(message.to_string()));
        tokio::spawn(async move {
            tokio::time::sleep(GRACE).await;
            let _ = out.send(Out::Close);
        });
    }

    /// Cuts the oldest connection without a warning.
    pub fn cut_socket(&self) {
        let mut inner = self.core().sockets.lock();
        if let Some(link) = inner.links.iter_mut().find(|link| !link.leaving) {
            link.leaving = true;
            let _ = link.out.send(Out::Cut);
        }
    }

    /// The next `count` envelopes break off in the middle, together with their connections.
    pub fn break_envelopes(&self, count: u32) {
        self.core().sockets.lock().broken += count;
    }

    /// The next `count` envelopes go to two connections each, under the same id.
    pub fn double_envelopes(&self, count: u32) {
        self.core().sockets.lock().doubled += count;
    }
}
