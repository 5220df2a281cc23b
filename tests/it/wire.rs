//! What stands between the service and Postgres on the way, and may fall silent.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use secrecy::ExposeSecret as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::story::TestApp;

/// A firewall that forgets about connections: they stay open, but nothing passes, without a reset.
#[derive(Debug, Clone, Default)]
pub struct Wire {
    /// How many connections have fallen silent permanently: the first ones.
    silent: Arc<AtomicUsize>,
    /// Whether nothing passes on any connection.
    cut: Arc<AtomicBool>,
    opened: Arc<AtomicUsize>,
}

impl Wire {
    /// Leads to the story's Postgres, at the URL that is given.
    pub async fn to_postgres(s: &TestApp) -> (Self, String) {
        let mut url = url::Url::parse(s.config.database.database_url.expose_secret()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = format!("127.0.0.1:{}", url.port().unwrap());
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let wire = Self::default();
        tokio::spawn(wire.clone().accept(listener, to));
        (wire, url.to_string())
    }

    async fn accept(self, listener: TcpListener, to: String) {
        while let Ok((client, _)) = listener.accept().await {
            let number = self.opened.fetch_add(1, Ordering::SeqCst);
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = TcpStream::connect(&to).await.unwrap().into_split();
            tokio::spawn(self.clone().pass(from_client, to_server, number));
            tokio::spawn(self.clone().pass(from_server, to_client, number));
        }
    }

    async fn pass(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, number: usize) {
        let mut chunk = vec![0; 64 * 1024];
        while let Ok(size @ 1..) = from.read(&mut chunk).await {
            let silent = self.cut.load(Ordering::SeqCst) || number < self.silent.load(Ordering::SeqCst);
            if !silent && to.write_all(&chunk[..size]).await.is_err() {
                return;
            }
        }
        if number < self.silent.load(Ordering::SeqCst) {
            // Neither side hears that the other has gone.
            std::future::pending::<()>().await;
        }
    }

    /// Lets nothing pass.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }

    /// Lets new connections pass. Those that were open stay silent.
    pub fn mend(&self) {
        self.silence_open();
        self.cut.store(false, Ordering::SeqCst);
    }

    /// Has the connections that are open fall silent.
    pub fn silence_open(&self) {
        self.silent.store(self.opened.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}
