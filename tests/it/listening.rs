//! The connection on which Postgres tells that there is work.

use std::time::Duration;

use countersign::{
    heartbeat::Heartbeats,
    outbox::{listener, listener::Wakers},
    service::endings::Endings,
    storage::{Db, Limits, tables::outbox::Kind},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    story::{SOON, story},
    wire::Wire,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_fell_silent_is_made_anew_and_hears_again() {
    story(async |s| {
        let (wire, url) = Wire::to_postgres(s).await;
        let (wakers, stop) = (Wakers::default(), CancellationToken::new());
        let silence = Duration::from_millis(50);
        let db = Db::new(&url, 1, Limits::SERVE).unwrap();
        let pulse = Heartbeats::default().pulse("the listener", SOON);
        let listening = tokio::spawn(listener::listen(
            db.clone(),
            wakers.clone(),
            Endings::new(db.clone()),
            silence,
            pulse,
            stop.clone(),
        ));
        let ring = async |what| {
            let rung = timeout(SOON, wakers.for_kind(Kind::Prompt).notified()).await;
            assert!(rung.is_ok(), "not heard: {what}");
        };
        ring("connected").await;
        // It answers while nothing is said, and is left as it is.
        assert!(timeout(silence * 4, wakers.for_kind(Kind::Prompt).notified()).await.is_err());
        s.ask(&s.call("github.create_issue", "c-1")).await;
        ring("there is work").await;
        wire.silence_open();
        ring("connected again").await;
        s.ask(&s.call("github.create_issue", "c-2")).await;
        ring("there is work, heard on the new connection").await;
        stop.cancel();
        listening.await.unwrap();
    })
    .await;
}
