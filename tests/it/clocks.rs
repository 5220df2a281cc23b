//! A machine whose clock is not the database's.

use std::time::Duration;

use chrono::TimeDelta;
use countersign::{app::App, entropy::Entropy};

use crate::{
    silence::{not_ready, ready},
    story::{ALICE, TestApp, story},
};

const ACTION: &str = "github.create_issue";

/// The status of the approval, as the database has it.
async fn status(s: &TestApp, id: &str) -> String {
    let id: countersign::domain::ids::ApprovalId = id.parse().unwrap();
    let query = sqlx::query_scalar("SELECT status FROM approvals WHERE id = $1").bind(id.uuid());
    query.fetch_one(&s.service.db).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_whose_clock_is_wrong_does_not_start() {
    story(async |s| {
        s.stop().await;
        for (error, words) in
            [(TimeDelta::days(31), "s ahead of Postgres'."), (TimeDelta::seconds(-30), "s behind Postgres'.")]
        {
            s.clock.set_wall_error(error);
            let refused = App::start(s.config.clone(), s.clock.clone(), Entropy::system()).await;
            let why = refused.unwrap_err().to_string();
            assert!(why.contains(words) && why.contains("Synchronise both (NTP)"), "{why}");
        }
        // As far off as a clock may be.
        s.clock.set_wall_error(TimeDelta::seconds(4));
        s.start().await;
        ready(s).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_whose_clock_drifts_stops_working_until_it_is_right() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.settled().await;
        s.clock.set_wall_error(TimeDelta::days(31));
        s.clock.advance(TimeDelta::seconds(61));
        not_ready(s, "s ahead of Postgres'").await;
        let answer = s.api().ask(&s.call(ACTION, "c-2")).await;
        assert_eq!((answer.status, answer.headers.contains_key("retry-after")), (503, true), "{answer:?}");
        assert!(!s.click(ALICE, &prompt, "Approve").await.is_ok());
        // Due, and not expired: the job looks every second.
        s.clock.advance(TimeDelta::minutes(31));
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(status(s, &id).await, "pending");
        let metrics = reqwest::get(format!("{}/metrics", s.url())).await.unwrap().text().await.unwrap();
        assert!(metrics.contains("countersign_clock_offset_seconds"), "{metrics}");

        s.clock.set_wall_error(TimeDelta::zero());
        ready(s).await;
        assert_eq!(s.received_webhook(&id).await.kind, "approval.expired");
        assert_eq!(s.api().ask(&s.call(ACTION, "c-3")).await.status, 201);
    })
    .await;
}
