//! Requests for approvals that share a transaction: each is answered as if it were alone.

use std::collections::BTreeMap;

use futures::future::join_all;
use sqlx::Row as _;

use crate::story::{ALICE, BOB, TestApp, eventually, story};

const ACTION: &str = "github.create_issue";
const OTHER: &str = "github.add_comment";

/// Holds the row of something until it is dropped.
async fn hold(s: &TestApp, statement: &'static str) -> countersign::storage::Tx {
    let mut tx = s.service.db.begin().await.unwrap();
    sqlx::query(statement).execute(&mut *tx).await.unwrap();
    tx
}

/// How many transactions wrote approvals.
async fn transactions(s: &TestApp) -> i64 {
    let count = "SELECT count(DISTINCT xmin::text) FROM approvals";
    sqlx::query(count).fetch_one(&s.service.db).await.unwrap().get(0)
}
