//! What waits elsewhere: pending requests of another backend, whose endpoint is stopped, with prompts that Slack can't
//! take yet.

use crate::world::World;

/// How many there are of each.
pub(crate) const MANY: i64 = 87_000;

/// A UUIDv7 of now, as the service makes them.
pub(crate) const UUID_V7: &str = "encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
    substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1),
    'hex')::uuid";

/// Has that many wait.
pub(crate) async fn pile_up(world: &World) {
    let id = UUID_V7;
    let statements = [
        format!(
            "INSERT INTO backends (id, workspace_id, name, webhook_url, webhook_secret, created_at, webhook_stopped_at,
                 webhook_stopped_why)
             SELECT {id}, workspace_id, 'stopped', webhook_url, webhook_secret, created_at, now(), 'gone'
             FROM backends WHERE name = 'load'"
        ),
        format!(
            "INSERT INTO approvals SELECT (jsonb_populate_record(t.p, jsonb_build_object('id', {id}, 'backend_id', b.id,
                 'user_id', 'U' || n % 1000, 'conversation_id', 'c-' || n, 'created_at', now(),
                 'expires_at', now() + interval '1 hour'))).*
             FROM (SELECT p FROM approvals p WHERE status = 'pending' LIMIT 1) t, backends b,
                 generate_series(1, {MANY}) n WHERE b.name = 'stopped'"
        ),
        format!(
            "INSERT INTO outbox (id, kind, workspace_id, queue, approval_id, backend_id, event, created_at, due_at)
             SELECT {id}, 'webhook', p.workspace_id, 'webhook:' || p.id, p.id, b.id, 'approval.expired', now(),
                 now() - interval '1 day'
             FROM approvals p JOIN backends b ON b.id = p.backend_id WHERE b.name = 'stopped'"
        ),
        format!(
            "INSERT INTO outbox (id, kind, workspace_id, queue, approval_id, created_at, due_at)
             SELECT {id}, 'prompt', p.workspace_id, 'prompt:' || p.id, p.id, now(), now() + interval '1 hour'
             FROM approvals p JOIN backends b ON b.id = p.backend_id WHERE b.name = 'stopped'"
        ),
    ];
    for statement in statements {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&world.db).await.unwrap();
    }
    world.analyze().await;
}
