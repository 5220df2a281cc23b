//! However much waits, those whom it does not concern notice nothing. `cargo bench --bench hot_paths` measures it.

use countersign::{
    domain::ids::ApprovalId,
    storage::{
        PgConnection,
        statements::{claim, claim::Lease},
        tables::{
            members,
            members::{After, Page},
            outbox::Kind,
        },
    },
};
use uuid::Uuid;

use crate::story::{ALICE, TestApp, story};

const ACTION: &str = "github.create_issue";
/// As many as brought a rival to its knees.
const MANY: i64 = 87_000;

/// Copies a pending approval, each with a conversation of its own, and gives each a webhook of another backend whose
/// endpoint is stopped, and a prompt that Slack can't take yet.
async fn pile_up(s: &TestApp, like: ApprovalId, stopped: &str) {
    let statements = [
        "INSERT INTO approvals (id, workspace_id, backend_id, user_id, agent_id, conversation_id, action_id, arguments,
             arguments_digest, request_digest, created_at, expires_at, status)
         SELECT (left(p.id::text, 14) || substr(gen_random_uuid()::text, 15))::uuid, p.workspace_id, b.id, 'U' || n % 1000, p.agent_id, 'c-' || n, p.action_id,
             p.arguments, p.arguments_digest, p.request_digest, p.created_at, p.expires_at, 'pending'
         FROM approvals p, backends b, generate_series(1, $3) n WHERE p.id = $1 AND b.name = $2",
        "INSERT INTO outbox (id, kind, workspace_id, queue, approval_id, backend_id, event, created_at, due_at)
         SELECT (left(p.id::text, 14) || substr(gen_random_uuid()::text, 15))::uuid, 'webhook', p.workspace_id, 'webhook:' || p.id, p.id, b.id, 'approval.expired',
             p.created_at, p.created_at - interval '1 day'
         FROM approvals p JOIN backends b ON b.id = p.backend_id WHERE p.id <> $1 AND b.name = $2 LIMIT $3",
        "INSERT INTO outbox (id, kind, workspace_id, queue, approval_id, created_at, due_at)
         SELECT (left(p.id::text, 14) || substr(gen_random_uuid()::text, 15))::uuid, 'prompt', p.workspace_id, 'prompt:' || p.id, p.id, p.created_at,
             p.created_at + interval '1 minute'
         FROM approvals p JOIN backends b ON b.id = p.backend_id WHERE p.id <> $1 AND b.name = $2 LIMIT $3",
    ];
    for statement in statements {
        let done = sqlx::query(statement).bind(like.uuid()).bind(stopped).bind(MANY);
        assert_eq!(done.execute(&s.service.db).await.unwrap().rows_affected(), MANY.unsigned_abs());
    }
}

/// How many rows of the outbox a worker reads to find out that there is nothing to do.
async fn rows_read_to_look_for_work(s: &TestApp) -> i64 {
    sqlx::query("ANALYZE").execute(&s.service.db).await.unwrap();
    let mut tx = s.service.db.begin().await.unwrap();
    let lease = Lease { token: Uuid::nil(), until: s.now() + chrono::TimeDelta::minutes(1) };
    let before = rows_read(&mut tx).await;
    assert!(claim::claim_webhooks(&mut tx, 32, 4, &[], s.now(), lease).await.unwrap().claims.is_empty());
    assert!(claim::claim(&mut tx, Kind::Prompt, 8, s.now(), lease).await.unwrap().is_empty());
    claim::next_due(&mut tx, Kind::Webhook, s.now()).await.unwrap();
    claim::next_due(&mut tx, Kind::Prompt, s.now()).await.unwrap();
    rows_read(&mut tx).await - before
}

/// How many rows of the outbox this connection has read and not yet reported.
async fn rows_read(db: &mut PgConnection) -> i64 {
    rows_read_of(db, "outbox").await
}

async fn rows_read_of(db: &mut PgConnection, table: &str) -> i64 {
    sqlx::query_scalar(
        "SELECT sum(seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_xact_user_tables WHERE starts_with(relname, $1)",
    )
    .bind(table)
    .fetch_one(db)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn eighty_seven_thousand_requests_and_webhooks_that_wait_hold_up_nobody_else() {
    story(async |s| {
        s.open(ACTION).await;
        s.create_backend("stopped").await;
        sqlx::query("UPDATE backends SET webhook_stopped_at = $1, webhook_stopped_why = 'gone' WHERE name = 'stopped'")
            .bind(s.now())
            .execute(&s.service.db)
            .await
            .unwrap();
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        pile_up(s, id.parse().unwrap(), "stopped").await;
        // The agent gets an answer, the user a prompt, the decision counts, and the backend gets its webhook.
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        s.until(&prompt, |message| message.has_button("Turn off")).await;
        assert_eq!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "approved");
        for number in 0..3 {
            let (id, prompt) = s.prompt(&s.call("github.merge_pull_request", &format!("c-{number}"))).await;
            assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
            assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        }
        let untouched: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM outbox o JOIN backends b ON b.id = o.backend_id
             WHERE b.name = 'stopped' AND o.attempts = 0 AND o.lease IS NULL AND o.done_at IS NULL",
        )
        .fetch_one(&s.service.db)
        .await
        .unwrap();
        assert_eq!(untouched, MANY, "nothing was sent to an endpoint that is stopped");
        let read = rows_read_to_look_for_work(s).await;
        assert!(read < 500, "{read}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_reads_few_rows_of_many_that_are_due() {
    story(async |s| {
        s.stop().await;
        for kind in ["webhook", "prompt"] {
            sqlx::query(
                "INSERT INTO outbox (id, kind, workspace_id, queue, approval_id, backend_id, event, created_at, due_at)
                 SELECT n.id, $1::text, b.workspace_id, $1::text || n.id, n.id, b.id, 'approval.expired', $2, $2
                 FROM backends b, (SELECT (left(id_bound($2)::text, 14) || substr(gen_random_uuid()::text, 15))::uuid AS id
                     FROM generate_series(1, 20000)) n",
            )
            .bind(kind)
            .bind(s.now())
            .execute(&s.service.db)
            .await
            .unwrap();
        }
        sqlx::query("ANALYZE").execute(&s.service.db).await.unwrap();
        let lease = Lease { token: Uuid::nil(), until: s.now() + chrono::TimeDelta::minutes(1) };
        // Postgres decides after five runs whether to keep one plan for all parameters.
        for _ in 0..8 {
            let mut tx = s.service.db.begin().await.unwrap();
            let before = rows_read(&mut tx).await;
            assert_eq!(claim::claim_webhooks(&mut tx, 128, 4, &[], s.now(), lease).await.unwrap().claims.len(), 4);
            assert_eq!(claim::claim(&mut tx, Kind::Prompt, 8, s.now(), lease).await.unwrap().len(), 8);
            let read = rows_read(&mut tx).await - before;
            assert!(read < 200, "{read}");
            tx.rollback().await.unwrap();
        }
        sqlx::query("DELETE FROM outbox").execute(&s.service.db).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_for_fifty_receivers_reads_few_rows_of_each() {
    story(async |s| {
        s.stop().await;
        for statement in [
            "INSERT INTO backends (id, workspace_id, name, webhook_url, webhook_secret, created_at)
             SELECT gen_random_uuid(), b.workspace_id, 'many ' || n, b.webhook_url, '', $1 FROM backends b, generate_series(1, 50) n",
            "INSERT INTO outbox (id, kind, workspace_id, queue, approval_id, backend_id, event, created_at, due_at)
             SELECT n.id, 'webhook', b.workspace_id, 'webhook:' || n.id, n.id, b.id, 'approval.expired', $1, $1
             FROM backends b CROSS JOIN LATERAL (
                 SELECT (left(id_bound($1)::text, 14) || substr(gen_random_uuid()::text, 15))::uuid AS id
                 FROM generate_series(1, 40) n WHERE b.name LIKE 'many%') n",
        ] {
            sqlx::query(statement).bind(s.now()).execute(&s.service.db).await.unwrap();
        }
        let lease = Lease { token: Uuid::nil(), until: s.now() + chrono::TimeDelta::minutes(1) };
        let mut tx = s.service.db.begin().await.unwrap();
        let before = rows_read(&mut tx).await;
        let claimed = claim::claim_webhooks(&mut tx, 64, 32, &[], s.now(), lease).await.unwrap();
        let read = rows_read(&mut tx).await - before;
        assert_eq!((claimed.claims.len(), claimed.most), (64, Some(2)));
        assert!(read < 500, "{read}");
        tx.rollback().await.unwrap();
        sqlx::query("DELETE FROM outbox").execute(&s.service.db).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_to_check_are_found_page_by_page_without_reading_their_grants() {
    story(async |s| {
        s.open(ACTION).await;
        for statement in [
            "INSERT INTO conversations (backend_id, id, last_asked_at)
             SELECT b.id, 'many ' || n, $1 FROM backends b, generate_series(1, 200) n WHERE b.name = 'agents'",
            "INSERT INTO grants (id, workspace_id, user_id, action_id, scope, backend_id, conversation_id, created_at)
             SELECT gen_random_uuid(), i.workspace_id, 'U0MANY' || u, a.id, 'conversation', c.backend_id, c.id,
                    $1 - interval '2 days'
             FROM conversations c, generate_series(1, 20) u, actions a JOIN integrations i ON i.id = a.integration_id
             WHERE c.id LIKE 'many%' AND a.key = 'create_issue'",
        ] {
            sqlx::query(statement).bind(s.now()).execute(&s.service.db).await.unwrap();
        }
        let page = async |db: &mut PgConnection, since, after: &After, count| {
            members::unchecked(db, since, &[], after, count).await.unwrap()
        };
        let mut tx = s.service.db.begin().await.unwrap();
        let (mut found, mut after) = (Vec::new(), Some(After::default()));
        while let Some(from) = after {
            let Page { due, next } = page(&mut tx, s.now(), &from, 6).await;
            found.push(due.len());
            after = next;
        }
        assert_eq!(found, [6, 6, 6, 2]);
        // All were checked a moment ago.
        sqlx::query("INSERT INTO members (workspace_id, user_id, checked_at) SELECT DISTINCT workspace_id, user_id, $1 FROM grants")
            .bind(s.now())
            .execute(&mut *tx)
            .await
            .unwrap();
        let before = rows_read_of(&mut tx, "grants").await;
        let checked = page(&mut tx, s.now() - chrono::TimeDelta::days(1), &After::default(), 100).await;
        assert!(checked.due.is_empty() && checked.next.is_none());
        let read = rows_read_of(&mut tx, "grants").await - before;
        assert!(read < 100, "{read}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_turn_in_one_channel_is_not_taken_up_again_and_again() {
    story(async |s| {
        for number in 0..30 {
            s.ask(&s.call(ACTION, &format!("c-{number}")).in_channel(crate::story::SALES, None)).await;
        }
        s.advance_until_idle(chrono::TimeDelta::milliseconds(1)).await;
        // Four are posted at once; each of the others has a second of its own.
        let due: Vec<(chrono::DateTime<chrono::Utc>, Uuid)> = sqlx::query_as(
            "SELECT due_at, id FROM outbox WHERE kind = 'prompt' AND done_at IS NULL ORDER BY due_at",
        )
        .fetch_all(&s.service.db)
        .await
        .unwrap();
        assert_eq!(due.len(), 26);
        assert!(due.windows(2).all(|pair| pair[1].0 - pair[0].0 == chrono::TimeDelta::seconds(1)), "{due:?}");
        for _ in 0..26 {
            s.advance_until_idle(chrono::TimeDelta::seconds(1)).await;
        }
        s.advance_until_idle(chrono::TimeDelta::milliseconds(1)).await;
        assert_eq!(s.slack.calls_of("chat.postMessage").len(), 30);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_waits_to_be_drawn_is_drawn_once_for_all_that_changes_meanwhile() {
    story(async |s| {
        s.put("github").await;
        s.connect(ALICE, "github").await;
        s.slack.misbehave(
            "chat.postMessage",
            sandbox::slack::Misbehaviour::RateLimited { retry_after: 30 },
            1,
        );
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        s.advance_until_idle(chrono::TimeDelta::seconds(1)).await;
        s.unlock(ACTION).await;
        s.lock(ACTION).await;
        s.unlock(ACTION).await;
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE kind = 'prompt'")
            .fetch_one(&s.service.db)
            .await
            .unwrap();
        assert_eq!(rows, 1);
        s.advance_until_idle(chrono::TimeDelta::seconds(30)).await;
        let shown = s.shown(ALICE, &id).await;
        assert_eq!(shown.options_of("approve_more").len(), 4, "what is drawn is what is so by then");
    })
    .await;
}
