//! A client on standard input and output, one message a line.

use std::{
    io::{BufRead as _, Write as _},
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    connect::connect,
    link::ToClient,
    message::{Code, Id, Message},
    session::Session,
    settings::{Server, Settings},
    upstream::WAITING,
};
use crate::{entropy::Entropy, gateway::client::Client};

/// How long the last responses have to be read by the client.
const FLUSH_LIMIT: Duration = Duration::from_secs(2);

/// Serves the client on standard input and output until it closes them, or until `stop`. Fails if the server ended
/// before that.
pub async fn serve(
    settings: Settings,
    server: &Server,
    api: Client,
    entropy: Entropy,
    stop: CancellationToken,
) -> Result<(), String> {
    let (to_client, messages) = mpsc::channel(WAITING);
    let written = write(messages);
    let mut lines = read();
    let (upstream, is_down) = connect(server);
    let (session, gone) = Session::begin(Arc::new(settings), api, &entropy, upstream, to_client.clone());
    let mut has_answered = false;
    let failed = loop {
        let line = tokio::select! {
            biased;
            () = stop.cancelled() => break false,
            // A client reads why a server that never ran does not, instead of finding its output closed.
            () = gone.cancelled(), if has_answered && !is_down => break true,
            line = lines.recv() => line,
        };
        let Some(line) = line else { break gone.is_cancelled() };
        match Message::read(&line) {
            Ok(message) => {
                session.handle_client(message).await;
                has_answered = true;
            }
            Err(error) => {
                // JSON-RPC wants `null` for an id that could not be read.
                let text = format!("the message can't be read: {error}");
                let message = Message::error(Id::null(), Code::Parse, &text);
                let _ = to_client.send(ToClient { message, about: None }).await;
            }
        }
    };
    session.close(&gone).await;
    drop((session, to_client));
    let _ = timeout(FLUSH_LIMIT, written).await;
    if failed { Err("the MCP server behind the gateway ended".to_owned()) } else { Ok(()) }
}

/// Reads lines in a thread of its own: a pending read of standard input would keep the runtime from ending.
fn read() -> mpsc::Receiver<String> {
    let (tell, lines) = mpsc::channel(WAITING);
    thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        let mut line = Vec::new();
        while input.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).into_owned();
            line.clear();
            if !text.trim().is_empty() && tell.blocking_send(text).is_err() {
                return;
            }
        }
    });
    lines
}

/// Writes messages in a thread of its own. The receiver is told when all are written.
fn write(mut messages: mpsc::Receiver<ToClient>) -> oneshot::Receiver<()> {
    let (tell, written) = oneshot::channel();
    thread::spawn(move || {
        let mut output = std::io::stdout();
        while let Some(next) = messages.blocking_recv() {
            let line = format!("{}\n", next.message.text());
            if output.write_all(line.as_bytes()).and_then(|()| output.flush()).is_err() {
                // The client is gone, and senders must not wait for it.
                messages.close();
            }
        }
        let _ = tell.send(());
    });
    written
}
