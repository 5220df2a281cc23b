//! The server behind the gateway, however it is reached.

use tokio::sync::mpsc;

use super::message::Message;

/// How many messages may wait in each direction before the sender waits too.
pub(super) const WAITING: usize = 64;

/// What comes from a server.
#[derive(Debug)]
pub(super) enum FromServer {
    /// A message.
    Message(Message),
    /// It is gone, for this reason. Nothing follows.
    Gone(String),
}

/// A connection to a server.
#[derive(Debug)]
pub(super) struct Upstream {
    /// Takes messages to it. Dropping the last sender asks it to end.
    pub(super) to: mpsc::Sender<Message>,
    /// Gives what comes from it.
    pub(super) from: mpsc::Receiver<FromServer>,
}
