//! The connection on which Postgres tells that there is work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use countersign::{
    outbox::listener::{self, Bells},
    service::endings::Endings,
    storage::outbox::Kind,
};
use secrecy::ExposeSecret as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::story::{SOON, story};

/// How many connections have fallen silent: the first ones. They stay open, and nothing passes any more.
type Silent = Arc<AtomicUsize>;

/// Stands between a client and Postgres, as a firewall does that forgets about connections.
async fn firewall(to: String) -> (u16, Silent) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = Silent::default();
    let first = silent.clone();
    tokio::spawn(async move {
        let mut number = 0;
        while let Ok((client, _)) = listener.accept().await {
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = TcpStream::connect(&to).await.unwrap().into_split();
            tokio::spawn(pass(from_client, to_server, number, first.clone()));
            tokio::spawn(pass(from_server, to_client, number, first.clone()));
            number += 1;
        }
    });
    (port, silent)
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, number: usize, silent: Silent) {
    let mut chunk = vec![0; 64 * 1024];
    while let Ok(size @ 1..) = from.read(&mut chunk).await {
        if number >= silent.load(Ordering::SeqCst) && to.write_all(&chunk[..size]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_fell_silent_is_made_anew_and_hears_again() {
    story(async |s| {
        let mut url = url::Url::parse(s.config.database.database_url.expose_secret()).unwrap();
        let (port, silent) = firewall(format!("127.0.0.1:{}", url.port().unwrap())).await;
        url.set_port(Some(port)).unwrap();
        let (bells, stop) = (Bells::default(), CancellationToken::new());
        let silence = Duration::from_millis(50);
        let listening = tokio::spawn(listener::listen(
            url.to_string().into(),
            bells.clone(),
            Endings::default(),
            silence,
            stop.clone(),
        ));
        let ring = async |what| {
            let rung = timeout(SOON, bells.of(Kind::Prompt).notified()).await;
            assert!(rung.is_ok(), "not heard: {what}");
        };
        ring("connected").await;
        // It answers while nothing is said, and is left as it is.
        assert!(timeout(silence * 4, bells.of(Kind::Prompt).notified()).await.is_err());
        s.ask(&s.call("github.create_issue", "c-1")).await;
        ring("there is work").await;
        silent.store(1, Ordering::SeqCst);
        ring("connected again").await;
        s.ask(&s.call("github.create_issue", "c-2")).await;
        ring("there is work, heard on the new connection").await;
        stop.cancel();
        listening.await.unwrap();
    })
    .await;
}
