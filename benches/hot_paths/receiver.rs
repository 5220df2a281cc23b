//! An endpoint that receives webhooks, answers after a given time, and notes when each came.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::http::{extent, send};

/// What came: when, and for which approval.
pub(crate) type Received = (Instant, String);

#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    state: Arc<State>,
}

struct State {
    pause: Duration,
    hangs: watch::Sender<bool>,
    received: Mutex<Vec<Received>>,
}

impl Receiver {
    /// Answers 204 after this time.
    pub(crate) async fn start(pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let state = Arc::new(State { pause, hangs: watch::Sender::new(false), received: Mutex::default() });
        let receiver = Self { url, state };
        let accepting = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let receiver = accepting.clone();
                tokio::spawn(async move { receiver.serve(&stream).await });
            }
        });
        receiver
    }

    /// Whether it stops answering, or answers again, and all that it has not answered yet.
    pub(crate) fn hang(&self, hangs: bool) {
        self.state.hangs.send_replace(hangs);
    }

    /// All that came since it was last taken.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.state.received.lock().unwrap())
    }

    pub(crate) fn count(&self) -> usize {
        self.state.received.lock().unwrap().len()
    }

    async fn serve(&self, stream: &TcpStream) {
        let mut buffer = vec![0; 64 * 1024];
        let mut filled = 0;
        let mut hangs = self.state.hangs.subscribe();
        loop {
            if let Some((head, whole)) = extent(&buffer[..filled])
                && filled >= whole
            {
                let approval = approval(&buffer[head..whole]);
                self.state.received.lock().unwrap().push((Instant::now(), approval));
                // The sender lives as long as this does.
                let _ = hangs.wait_for(|hangs| !hangs).await;
                if !self.state.pause.is_zero() {
                    tokio::time::sleep(self.state.pause).await;
                }
                if send(stream, b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
                    return;
                }
                buffer.copy_within(whole..filled, 0);
                filled -= whole;
                continue;
            }
            if stream.readable().await.is_err() {
                return;
            }
            match stream.try_read(&mut buffer[filled..]) {
                Ok(0) => return,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

/// The first id of an approval in a webhook's body; what a client wrote comes later.
fn approval(body: &[u8]) -> String {
    const START: &[u8] = b"\"apr_";
    let Some(start) = body.windows(START.len()).position(|part| part == START) else { return String::new() };
    let id = body[start + 1..].split(|byte| *byte == b'"').next().unwrap_or_default();
    String::from_utf8_lossy(id).into_owned()
}
