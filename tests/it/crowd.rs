//! Requests that share transactions while a test does something else.

use countersign::{config::ServeConfig, storage::Limits};
use futures::future::join_all;
use sandbox::{
    backend::Reply,
    slack::{Slack, User, names},
};
use serde_json::Value;

use crate::{
    batches::{CROWD, ask_at_once},
    story::{SOON, TestApp, story_as},
};

/// A test in which no request is refused because the machine is busy: the service waits longer for connections and rows.
pub async fn crowded_story(test: impl AsyncFnOnce(&mut TestApp)) {
    let limits = Limits { acquire: SOON, statement: SOON * 2, lock: SOON };
    let configure = |config: &mut ServeConfig, _: &Slack| {
        config.database.limits = limits;
        config.limits.requests_per_second = 1_000_000;
        config.limits.pending_approvals = 1_000_000;
    };
    story_as(configure, test).await;
}

/// 64 people, each with a grant for the same action.
pub struct Crowd {
    action: String,
    rounds: std::cell::Cell<i64>,
}

/// The person with this number.
fn person(number: usize) -> String {
    format!("U0CROWD{number:02}")
}

/// Lets people auto-approve an action of an integration that is described already, and gives the ids of their grants.
pub async fn give(s: &TestApp, action: &str, users: &[String]) -> Vec<uuid::Uuid> {
    let (integration, key) = action.split_once('.').unwrap();
    for user in users {
        s.slack.add_user(User::new(user, names::TEAM, "member", "Member"));
    }
    sqlx::query_scalar(
        "WITH action AS (
             SELECT a.id, i.id AS integration_id, i.workspace_id FROM actions a JOIN integrations i ON i.id = a.integration_id
             WHERE i.key = $1 AND a.key = $2 AND i.workspace_id = $5),
         connected AS (
             INSERT INTO connections (integration_id, user_id, connected_at)
             SELECT a.integration_id, u, $4 FROM action a, unnest($3::text[]) u ON CONFLICT DO NOTHING)
         INSERT INTO grants (id, workspace_id, user_id, action_id, scope, created_at)
         SELECT gen_random_uuid(), a.workspace_id, u, a.id, 'always', $4 FROM action a, unnest($3::text[]) u
         RETURNING id",
    )
    .bind(integration)
    .bind(key)
    .bind(users)
    .bind(s.now())
    .bind(s.workspace.uuid())
    .fetch_all(&s.service.db)
    .await
    .unwrap()
}

impl Crowd {
    /// The action has to be unlocked.
    pub async fn begin(s: &TestApp, action: &str) -> Self {
        let people: Vec<_> = (0..CROWD).map(person).collect();
        assert_eq!(give(s, action, &people).await.len(), CROWD);
        // Opens the service's connections, so that what races has to wait for none.
        join_all((0..40).map(|_| async { s.api().list(&[]).await })).await;
        Self { action: action.to_owned(), rounds: std::cell::Cell::new(0) }
    }

    /// Has each of them ask once, all at the same time, while something races. Their grants approve all of it.
    pub async fn beside<T>(&self, s: &TestApp, race: impl Future<Output = T>) -> T {
        let calls = (0..CROWD).map(|number| {
            let mut call = s.call(&self.action, &format!("crowd-{number}"));
            call.user = person(number);
            call
        });
        let (replies, raced) = tokio::join!(ask_at_once(s, calls.collect()), race);
        for reply in replies {
            assert_eq!((reply.status, reply.approval_status()), (201, "approved"), "{reply:?}");
        }
        self.rounds.set(self.rounds.get() + 1);
        raced
    }

    /// Each use of their grants was counted once, and is in the audit once.
    pub async fn check(&self, s: &TestApp) {
        let each: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT u.use_count, (SELECT count(*) FROM audit e WHERE e.grant_id = g.id AND e.what = 'approval.approved')
             FROM grants g JOIN used_grants u USING (id) WHERE g.user_id LIKE 'U0CROWD%'",
        )
        .fetch_all(&s.service.db)
        .await
        .unwrap();
        assert_eq!(each, vec![(self.rounds.get(), self.rounds.get()); CROWD]);
    }
}

/// Checks that of a crowd's requests only this grant approved any, and that each use of it was counted once.
pub async fn approved_only_by(s: &TestApp, grant: &Value, replies: &[Reply]) {
    let mut uses = 0;
    for reply in replies {
        assert_eq!(reply.status, 201, "{reply:?}");
        if reply.approval_status() == "approved" {
            assert_eq!(&reply.body["decision"]["grant"], grant, "{reply:?}");
            uses += 1;
        }
    }
    let Some(grant) = grant.as_str() else { return assert_eq!(uses, 0, "no grant was given") };
    let grant: countersign::domain::ids::GrantId = grant.parse().unwrap();
    let counted: i64 = sqlx::query_scalar("SELECT use_count FROM used_grants WHERE id = $1")
        .bind(grant.uuid())
        .fetch_one(&s.service.db)
        .await
        .unwrap();
    assert_eq!(counted, uses);
}
