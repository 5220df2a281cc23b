//! Connecting to the server behind the gateway.

use tokio::sync::mpsc;

use super::{
    child, remote,
    settings::Server,
    upstream::{FromServer, Upstream, WAITING},
};

/// Starts the server, or prepares the connection to it. A server that can't be started is gone at once. `bool`: whether
/// it is.
pub(super) fn connect(server: &Server) -> (Upstream, bool) {
    let started = match server {
        Server::Program(command) => child::start(command),
        Server::Remote(url, headers) => remote::start(url.clone(), headers.clone()),
    };
    match started {
        Ok(upstream) => (upstream, false),
        Err(why) => (down(why), true),
    }
}

fn down(why: String) -> Upstream {
    let (to, _) = mpsc::channel(WAITING);
    let (tell, from) = mpsc::channel(1);
    tokio::spawn(async move {
        let _ = tell.send(FromServer::Gone(why)).await;
    });
    Upstream { to, from }
}
