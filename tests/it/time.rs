//! Time, as tests move it: without expiring the leases of running work.

use std::time::Duration;

use chrono::TimeDelta;

use crate::story::{SOON, TestApp};

/// How long a worker's lease lasts.
const LEASE: TimeDelta = TimeDelta::seconds(60);

impl TestApp {
    /// Waits until the worker has noted what it drew: time that passes before would cost it its lease.
    pub async fn noted(&self, id: &str) {
        let id: countersign::domain::ids::ApprovalId = id.parse().unwrap();
        let look = async {
            loop {
                let open: i64 = sqlx::query_scalar(
                    "SELECT count(*) FROM outbox
                     WHERE approval_id = $1 AND kind IN ('prompt', 'shared_prompt') AND done_at IS NULL",
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

    /// Moves time a little: by less than a worker's lease, so that work may be running.
    pub fn pass(&self, by: TimeDelta) {
        assert!(by < LEASE, "leases of running work would expire: call advance_until_idle instead");
        self.clock.advance(by);
    }

    /// Moves time, but only once the service has done all work that is due.
    pub async fn advance_until_idle(&self, by: TimeDelta) {
        if self.is_running() {
            self.settled().await;
        }
        self.clock.advance(by);
    }

    /// Waits until no work is running and none that is due could start.
    pub async fn settled(&self) {
        self.wait_until_idle(SOON).await.unwrap();
    }
}
