//! What waits elsewhere: pending requests of another backend, whose endpoint is stopped, with prompts that Slack can't
//! take yet.

use countersign::storage;

/// How many there are of each.
pub(crate) const MANY: i64 = 87_000;

/// Has that many wait.
pub(crate) async fn pile_up(database_url: &str) {
    let db = storage::Db::new(database_url, 1, storage::Limits::COMMAND).unwrap();
    let statements = [
        "INSERT INTO backends (id, workspace_id, name, webhook_url, webhook_secret, created_at, webhook_stopped_at,
             webhook_stopped_why)
         SELECT gen_random_uuid(), workspace_id, 'stopped', webhook_url, webhook_secret, created_at, now(), 'gone'
         FROM backends WHERE name <> 'stopped'",
        "INSERT INTO approvals (id, workspace_id, backend_id, user_id, agent_id, conversation_id, action_id, arguments,
             arguments_digest, request_digest, created_at, expires_at, status)
         SELECT gen_random_uuid(), p.workspace_id, b.id, 'U' || n % 1000, p.agent_id, 'c-' || n, p.action_id,
             p.arguments, p.arguments_digest, p.request_digest, now(), now() + interval '1 hour', 'pending'
         FROM (SELECT * FROM approvals LIMIT 1) p, backends b, generate_series(1, $1) n WHERE b.name = 'stopped'",
        "INSERT INTO outbox (id, kind, workspace_id, queue, approval_id, backend_id, event, created_at, due_at)
         SELECT gen_random_uuid(), 'webhook', p.workspace_id, 'webhook:' || p.id, p.id, b.id, 'approval.expired', now(),
             now() - interval '1 day'
         FROM approvals p JOIN backends b ON b.id = p.backend_id WHERE b.name = 'stopped'",
        "INSERT INTO outbox (id, kind, workspace_id, queue, approval_id, created_at, due_at)
         SELECT gen_random_uuid(), 'prompt', p.workspace_id, 'prompt:' || p.id, p.id, now(), now() + interval '1 hour'
         FROM approvals p JOIN backends b ON b.id = p.backend_id WHERE b.name = 'stopped'",
    ];
    for (number, statement) in statements.into_iter().enumerate() {
        let statement = sqlx::query(statement);
        let statement = if number == 1 { statement.bind(MANY) } else { statement };
        statement.execute(&db).await.unwrap();
    }
    sqlx::query("ANALYZE").execute(&db).await.unwrap();
    db.close().await;
}
