//! Time, as tests move it: with care for what is in hand, which would be taken for lost.

use std::time::Duration;

use chrono::TimeDelta;

use crate::story::{SOON, Story};

/// How long a worker holds what it has in hand.
const LEASE: TimeDelta = TimeDelta::seconds(60);

impl Story {
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
        assert!(by < LEASE, "what is in hand would be taken for lost: leap instead");
        self.clock.advance(by);
    }

    /// Moves time by as much as may be, once the service has done what it can do by now.
    pub async fn leap(&self, by: TimeDelta) {
        if self.runs() {
            self.settled().await;
        }
        self.clock.advance(by);
    }

    /// Waits until nothing is in hand and nothing that is due could be.
    pub async fn settled(&self) {
        let look = async {
            loop {
                let open: i64 = sqlx::query_scalar(
                    "SELECT count(*) FROM outbox o LEFT JOIN backends b ON b.id = o.backend_id
                     WHERE o.done_at IS NULL AND o.dead_at IS NULL AND (o.lease IS NOT NULL OR (o.due_at <= $1
                       AND (b.webhook_stopped_at IS NULL OR o.by_hand)
                       AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.queue = o.queue AND e.seq < o.seq
                           AND e.done_at IS NULL AND e.dead_at IS NULL)))",
                )
                .bind(self.now())
                .fetch_one(&self.service.db)
                .await
                .unwrap();
                if open == 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(SOON, look)
            .await
            .unwrap_or_else(|_| panic!("the service has not done what was due"));
    }
}
