//! Requests over raw sockets: ten thousand of them cost this process little.

use std::time::Instant;

use testkit::LocalDeployment;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
};

use crate::instance::Instance;

/// Where requests go, and their headers.
#[derive(Clone)]
pub(crate) struct Client {
    address: String,
    headers: String,
}

/// A request that was sent.
pub(crate) struct Sent(TcpStream);

/// The response, and when its first byte arrived.
pub(crate) struct Answered {
    pub(crate) at: Instant,
    pub(crate) text: String,
}

impl Client {
    pub(crate) fn new(deployment: &LocalDeployment, instance: &Instance) -> Self {
        let key = &deployment.keys.as_ref().unwrap().api_key;
        let headers = format!("host: {}\r\nauthorization: Bearer {key}", instance.address);
        Self { address: instance.address.clone(), headers }
    }

    /// Sends a request on a connection of its own.
    pub(crate) async fn open(&self, path: String) -> Sent {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\n{}\r\n\r\n", self.headers);
        stream.write_all(request.as_bytes()).await.unwrap();
        Sent(stream)
    }

    /// Waits for the response, whose body is one line of JSON.
    pub(crate) fn answer(mut sent: Sent) -> JoinHandle<Answered> {
        tokio::spawn(async move {
            sent.0.readable().await.unwrap();
            let at = Instant::now();
            Answered { at, text: sent.read_past("}").await }
        })
    }
}

impl Sent {
    /// Reads until what was read ends like this, or the instance has closed the connection. A chunk's own end may follow.
    pub(crate) async fn read_past(&mut self, end: &str) -> String {
        let (mut text, mut chunk) = (String::new(), [0; 4096]);
        while !text.trim_end_matches("\r\n").ends_with(end) {
            let size = self.0.read(&mut chunk).await.unwrap();
            if size == 0 {
                break;
            }
            text.push_str(std::str::from_utf8(&chunk[..size]).unwrap());
        }
        text
    }
}
