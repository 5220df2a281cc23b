//! One connection: frames in, acknowledgements out.

use std::{fmt, sync::Arc, time::Duration};

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config,
    tungstenite::{self, Message, protocol::WebSocketConfig},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    domain::repeats::RequestDigest,
    slack::{
        inbound::{
            dispatch::{Handlers, Kind, dispatch},
            payload::Payload,
            socket::error::SocketError,
        },
        web_api::dialer::Dialer,
    },
};

/// Time limit for connecting, and for Slack's hello after that.
const CONNECTING: Duration = Duration::from_secs(10);
/// After this long without a frame the client sends a ping. After as long again the connection counts as broken.
const SILENCE_LIMIT: Duration = Duration::from_secs(20);
/// Time limit for handlers that still run when the connection ends. Slack waits three seconds for an acknowledgement.
const FINISH_LIMIT: Duration = Duration::from_secs(3);
/// The largest message that is read, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// This instance shuts down.
    Stopped,
    /// Slack asked for a replacement. This connection still works for a while.
    AskedToGo,
    /// Slack closed it because the app has too many.
    TooMany,
    /// The connection broke.
    Broken,
}

/// A connection on which Slack has said hello.
pub(super) struct Connection<H> {
    handlers: H,
    background: TaskTracker,
    stream: Stream,
    /// Acknowledgements that handlers want sent. Each handler holds a sender until it is done.
    acknowledge: mpsc::UnboundedSender<String>,
    acknowledgements: mpsc::UnboundedReceiver<String>,
    _counted: Counted,
}

/// Counts an open connection in the metrics while it exists.
struct Counted;

impl Counted {
    fn new() -> Self {
        metrics::gauge!("countersign_slack_sockets").increment(1.0);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("countersign_slack_sockets").decrement(1.0);
    }
}

impl<H> fmt::Debug for Connection<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// The meaning of one message on the socket.
enum Frame {
    Hello,
    Disconnect { too_many: bool },
    Envelope { id: String, kind: Kind, payload: Payload },
    Nothing,
}

/// Opens a connection and waits for Slack's hello, within the time limit.
pub(super) async fn connect(
    dialer: &Dialer,
    url: &str,
    tls: Arc<rustls::ClientConfig>,
) -> Result<Stream, SocketError> {
    let config = WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
    let connect = async {
        let tcp = dialer.dial(url).await.map_err(SocketError::Connect)?;
        let connected =
            client_async_tls_with_config(url, tcp, Some(config), Some(Connector::Rustls(tls))).await;
        connected.map_err(|error| SocketError::Connect(describe(&error)))
    };
    let (mut stream, _) =
        tokio::time::timeout(CONNECTING, connect).await.map_err(|_| SocketError::Silent)??;
    tokio::time::timeout(CONNECTING, greeted(&mut stream)).await.map_err(|_| SocketError::Silent)??;
    Ok(stream)
}

async fn greeted(stream: &mut Stream) -> Result<(), SocketError> {
    while let Some(Ok(message)) = stream.next().await {
        let Message::Text(text) = message else { continue };
        match read(&text) {
            Frame::Hello => return Ok(()),
            Frame::Disconnect { too_many: true } => return Err(SocketError::TooMany),
            _ => {}
        }
    }
    Err(SocketError::Connect("it was closed before Slack sent hello".to_owned()))
}

impl<H: Handlers> Connection<H> {
    /// Opens a connection and waits for Slack's hello, without a time limit.
    pub(super) async fn open(
        handlers: H,
        background: TaskTracker,
        dialer: &Dialer,
        url: &str,
        tls: Arc<rustls::ClientConfig>,
    ) -> Result<Self, SocketError> {
        let stream = connect(dialer, url, tls).await?;
        let (acknowledge, acknowledgements) = mpsc::unbounded_channel();
        Ok(Self { handlers, background, stream, acknowledge, acknowledgements, _counted: Counted::new() })
    }

    /// Handles messages until the connection breaks, Slack asks for a replacement, or this instance shuts down.
    #[tracing::instrument(name = "socket", skip_all)]
    pub(super) async fn serve(&mut self, stop: &CancellationToken) -> End {
        let mut asked = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return End::Stopped,
                Some(text) = self.acknowledgements.recv() => {
                    if self.stream.send(Message::text(text)).await.is_err() {
                        return End::Broken;
                    }
                }
                heard = tokio::time::timeout(SILENCE_LIMIT, self.stream.next()) => match heard {
                    Ok(Some(Ok(Message::Text(text)))) => {
                        asked = false;
                        match read(&text) {
                            Frame::Envelope { id, kind, payload } => self.handle(id, kind, payload),
                            Frame::Disconnect { too_many: true } => return End::TooMany,
                            Frame::Disconnect { too_many: false } => return End::AskedToGo,
                            Frame::Hello | Frame::Nothing => {}
                        }
                    }
                    Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return End::Broken,
                    // tungstenite answers pings itself, with the next flush.
                    Ok(Some(Ok(_))) => {
                        asked = false;
                        if self.stream.flush().await.is_err() {
                            return End::Broken;
                        }
                    }
                    Err(_) if asked => return End::Broken,
                    Err(_) => {
                        asked = true;
                        if self.stream.send(Message::Ping(Vec::new().into())).await.is_err() {
                            return End::Broken;
                        }
                    }
                },
            }
        }
    }

    /// Handles an envelope concurrently with others, and acknowledges it once its effect is committed. A failed one is
    /// not acknowledged: Slack then shows the user an error, or sends the event again.
    fn handle(&self, id: String, kind: Kind, payload: Payload) {
        let (handlers, acknowledge) = (self.handlers.clone(), self.acknowledge.clone());
        self.background.spawn(async move {
            let Some(said) = dispatch(&handlers, kind, &payload).await.acknowledgement() else { return };
            let mut answer = json!({ "envelope_id": id });
            if let Some(said) = said {
                answer["payload"] = said;
            }
            if acknowledge.send(answer.to_string()).is_err() {
                tracing::warn!("Could not acknowledge a handled envelope: its connection is gone");
            }
        });
    }

    /// Sends the remaining acknowledgements and closes.
    pub(super) async fn finish(mut self) {
        drop(self.acknowledge);
        let rest = async {
            while let Some(text) = self.acknowledgements.recv().await {
                if self.stream.send(Message::text(text)).await.is_err() {
                    return;
                }
            }
            let _ = self.stream.close(None).await;
        };
        let _ = tokio::time::timeout(FINISH_LIMIT, rest).await;
    }
}

fn read(text: &str) -> Frame {
    let Ok(Value::Object(mut said)) = serde_json::from_str(text) else { return Frame::Nothing };
    let kind = match said.get("type").and_then(Value::as_str) {
        Some("hello") => return Frame::Hello,
        Some("disconnect") => {
            let reason = said.get("reason").and_then(Value::as_str);
            return Frame::Disconnect { too_many: reason == Some("too_many_websockets") };
        }
        Some("interactive") => Kind::Interaction,
        Some("events_api") => Kind::Event,
        Some("slash_commands") => Kind::Command,
        _ => return Frame::Nothing,
    };
    let id = said.get("envelope_id").and_then(Value::as_str).map(str::to_owned);
    match (id, said.remove("payload")) {
        (Some(id), Some(payload)) => {
            // Slack sends an envelope again, under its id, where it saw no acknowledgement.
            let payload = Payload::new(payload, RequestDigest::for_envelope(&id));
            Frame::Envelope { id, kind, payload }
        }
        _ => Frame::Nothing,
    }
}

/// The error without the address, which contains a secret.
fn describe(error: &tungstenite::Error) -> String {
    match error {
        tungstenite::Error::Io(error) => error.kind().to_string(),
        tungstenite::Error::Tls(_) => "TLS failed".to_owned(),
        tungstenite::Error::Http(response) => format!("HTTP status {}", response.status().as_u16()),
        tungstenite::Error::Url(_) => "it is not a WebSocket address".to_owned(),
        _ => "the server does not speak WebSocket".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_no_envelope_is_nothing() {
        for text in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"type":"interactive"}"#,
            r#"{"type":"other","envelope_id":"1","payload":{}}"#,
        ] {
            assert!(matches!(read(text), Frame::Nothing), "{text}");
        }
        assert!(matches!(read(r#"{"type":"hello","num_connections":1}"#), Frame::Hello));
        for (reason, crowded) in
            [("warning", false), ("refresh_requested", false), ("too_many_websockets", true)]
        {
            let text = format!(r#"{{"type":"disconnect","reason":"{reason}"}}"#);
            assert!(matches!(read(&text), Frame::Disconnect { too_many } if too_many == crowded), "{text}");
        }
        let text = r#"{"type":"slash_commands","envelope_id":"e","payload":{"command":"/approvals"}}"#;
        let Frame::Envelope { id, kind, payload } = read(text) else { panic!("{text}") };
        assert_eq!((id.as_str(), kind), ("e", Kind::Command));
        assert_eq!(payload.text("/command"), Some("/approvals"));
    }
}
