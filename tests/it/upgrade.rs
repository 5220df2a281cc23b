//! Upgrading: a filled database of an earlier version is migrated, and everything in it still holds.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use crate::story::{ADMIN, ALICE, BOB, TestApp, story_on_dump};

/// What the dumps were filled with.
const ACTION: &str = "github.create_issue";
/// The API key of the dump's backend `agents`, and its webhook secret.
const KEYS: (&str, &str) = (
    "cs_01a0c4506c0070a39caed4823c67e2fe_aj79kO866_Deyr7lG76ScHvudruPKDDv0b9hWxT2GsI",
    "whsec_wj38uNElkgJLAj2w9BW9ItDoj4Tl85eJ29icM4Mpdc8=",
);
pub const DUMP: &str = include_str!("dumps/0.1.0.sql");

/// Columns that version 0.1.0 wrote. What it wrote there must read the same after every later migration.
const WRITTEN: [(&str, &str); 5] = [
    (
        "approvals",
        "id, workspace_id, backend_id, user_id, agent_id, conversation_id, action_id, status, decided_at",
    ),
    ("grants", "id, user_id, action_id, scope, use_count, revoked_at, revoked_why"),
    ("audit", "id, workspace_id, at, actor_kind, actor, what, approval_id, grant_id, subject, before, after"),
    ("api_keys", "id, backend_id, hash, expires_at"),
    ("prompts", "approval_id, channel, ts, gone_at"),
];

/// Restores a dump into an empty database.
pub async fn restore(url: &str, dump: &str) {
    let mut db = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(dump)).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

/// What stands in the columns of version 0.1.0, a text per table.
pub async fn written(url: &str) -> Vec<String> {
    let mut db = PgConnection::connect(url).await.unwrap();
    let mut texts = Vec::new();
    for (table, columns) in WRITTEN {
        let query = format!(
            "SELECT coalesce(string_agg(row::text, E'\\n' ORDER BY row::text), '')
             FROM (SELECT {columns} FROM public.{table}) AS row"
        );
        texts.push(sqlx::query(AssertSqlSafe(query)).fetch_one(&mut db).await.unwrap().get(0));
    }
    db.close().await.unwrap();
    texts
}

pub async fn upgraded(test: impl AsyncFnOnce(&mut TestApp)) {
    story_on_dump(DUMP, KEYS, test).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_keeps_every_row() {
    upgraded(async |s| {
        for status in ["pending", "approved", "denied", "expired", "cancelled", "undeliverable"] {
            let list = s.api().list(&[("status", status)]).await;
            assert!(!list.data().is_empty(), "{status}: {list:?}");
            for approval in list.data() {
                let one = s.api().get(approval["id"].as_str().unwrap()).await;
                assert_eq!((one.status, one.approval_status()), (200, status), "{one:?}");
                assert!(one.body["arguments"].is_object() && one.body["action"].is_string(), "{one:?}");
            }
        }
        let denied = s.api().list(&[("status", "denied")]).await;
        assert_eq!(denied.data()[0]["decision"]["reason"], "Wrong repository");
        assert_eq!(denied.data()[0]["metadata"]["run"], 7);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_hold_after_an_upgrade() {
    upgraded(async |s| {
        let mut ask = s.call(ACTION, "c-new");
        assert_eq!(s.ask(&ask).await.approval_status(), "approved", "Alice's grant");
        ask.user = BOB.to_owned();
        assert_eq!(s.ask(&ask).await.approval_status(), "pending", "Bob gave none");
        s.answer(ALICE, "off all").await;
        ask.user = ALICE.to_owned();
        let (id, prompt) = s.prompt(&ask).await;
        s.choose(ALICE, &prompt, "Auto-approve always").await;
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_goes_on_after_an_upgrade() {
    upgraded(async |s| {
        // A webhook that the old version could not deliver.
        let refunds = s.api().list(&[("conversation", "c-refund-2")]).await;
        let id = refunds.data()[0]["id"].as_str().unwrap().to_owned();
        s.advance_until_idle(chrono::TimeDelta::hours(1)).await;
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_find_their_home_tab_after_an_upgrade() {
    upgraded(async |s| {
        s.home(ALICE, |home| home.all_text().contains("Create issue") && home.has_button("Turn off")).await;
        s.home(ADMIN, |home| home.all_text().contains("Administration")).await;
    })
    .await;
}
