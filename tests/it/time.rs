//! Time, as tests move it: with care for what is in hand, which would be taken for lost.

use std::time::Duration;

use chrono::TimeDelta;

use crate::story::{SOON, TestApp};

/// How long a worker holds what it has in hand.
const LEASE: TimeDelta = TimeDelta::seconds(60);

impl TestApp {
    /// Waits until the worker has noted what it drew: time that passes before would cost it its lease.
    pub async fn noted(&self, id: &str) {
        let id: countersign::domain::ids::ApprovalId = id.parse().unwrap();
        let look = async {
            loop {
                let open: i64 = sqlx::query_scalar(
                    "SELECT count(*) FROM outbox WHERE approval_id = $1 AND kind = 'prompt' AND done_at IS NULL",
                )
                .bind(id.uuid())
                .fetch_one(&self.service.db)
                .await
                .unwrap();
                if open == 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(SOON, look).await.unwrap();
    }

    /// Moves time a little: by less than a worker holds what it has in hand, so that this can be done in mid-flight.
    pub fn pass(&self, by: TimeDelta) {
        assert!(by < LEASE, "what is in hand would be taken for lost: call advance_until_idle instead");
        self.clock.advance(by);
    }

    /// Moves time by as much as may be, once the service has done what it can do by now.
    pub async fn advance_until_idle(&self, by: TimeDelta) {
        if self.is_running() {
            self.settled().await;
        }
        self.clock.advance(by);
    }

    /// Waits until nothing is in hand and nothing that is due could be.
    pub async fn settled(&self) {
        self.wait_until_idle(SOON).await.unwrap();
    }
}
