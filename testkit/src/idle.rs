//! Waiting until the service has done all that is due.

use std::time::Duration;

use anyhow::Context as _;

use crate::LocalDeployment;

/// How often the outbox is read.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Rows that a worker holds, and rows that one could take now: the first of their queue, due, and not for an endpoint
/// whose deliveries are stopped.
const OPEN_ROWS: &str = "SELECT count(*) FROM outbox o LEFT JOIN backends b ON b.id = o.backend_id
     WHERE o.done_at IS NULL AND o.dead_at IS NULL AND (o.lease IS NOT NULL OR (o.due_at <= $1
       AND (b.webhook_stopped_at IS NULL OR o.by_hand)
       AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.queue = o.queue AND e.seq < o.seq
           AND e.done_at IS NULL AND e.dead_at IS NULL)))";

impl LocalDeployment {
    /// Waits until no worker holds a row of the outbox and none is due. Only then may the clock be advanced by more than
    /// a worker's lease.
    pub async fn wait_until_idle(&self, limit: Duration) -> anyhow::Result<()> {
        let look = async {
            loop {
                let open = sqlx::query_scalar(OPEN_ROWS).bind(self.clock.now());
                let open: i64 = open.fetch_one(&self.service.db).await?;
                if open == 0 {
                    return Ok(());
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        tokio::time::timeout(limit, look).await.context("the service has not done what was due")?
    }
}
