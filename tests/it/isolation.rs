//! A permission is personal and narrow: it serves its own user, action, workspace, and, for a conversation, its own
//! conversation of its own backend.

use countersign::{
    domain::{
        api_keys::KeyScopes,
        audit::Actor,
        text::{ActionKey, IntegrationKey, Link, Name},
    },
    service::{backends, unlock, workspaces},
};
use futures::future::join_all;
use sandbox::{backend::Api, catalog};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::{
    batches::CROWD,
    crowd::crowded_story,
    story::{ALICE, BOB, TestApp, story},
};

const ACTION: &str = "github.create_issue";

/// Has Alice allow the action in the conversation `c-1`.
async fn allowed(s: &TestApp, choice: &str) {
    s.open(ACTION).await;
    let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
    assert!(s.choose(ALICE, &prompt, choice).await.is_ok());
    s.received_webhook(&id).await;
    assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved");
}

/// A backend of another workspace, where everything is as in the first one.
pub async fn elsewhere(s: &TestApp) -> Api {
    let workspace = workspaces::install(&s.service, "T0ELSEWHERE", "Elsewhere").await.unwrap();
    let (name, url) = (Name::new("agents").unwrap(), Link::new(s.backend.webhook_url()).unwrap());
    let created =
        backends::create(&s.service, workspace, &name, &url, KeyScopes::ALL).await.unwrap().unwrap();
    let api = s.backend.api_with_key(created.api_key.expose_secret());
    let body = catalog::integration("github").unwrap().body();
    assert_eq!(api.put_integration("github", &body).await.status, 200);
    let path = (&IntegrationKey::new("github").unwrap(), &ActionKey::new("create_issue").unwrap());
    unlock::set(
        &s.service,
        workspace,
        path,
        unlock::LockCommand::Unlock(countersign::domain::catalog::UnlockedFor::Always),
        &Actor::Operator,
    )
    .await
    .unwrap();
    assert_eq!(api.connect_user(ALICE, "github").await.status, 204);
    api
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_never_serves_another_user() {
    story(async |s| {
        for choice in ["Auto-approve always", "Auto-approve for this conversation"] {
            s.pass(chrono::TimeDelta::seconds(2));
            allowed(s, choice).await;
            s.api().connect_user(BOB, "github").await;
            let mut bobs = s.call(ACTION, "c-1");
            BOB.clone_into(&mut bobs.user);
            assert_eq!(s.ask(&bobs).await.approval_status(), "pending");
            s.lock(ACTION).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_never_serves_another_action_even_of_the_same_name() {
    story(async |s| {
        allowed(s, "Auto-approve always").await;
        s.unlock("github.merge_pull_request").await;
        let other = s.call("github.merge_pull_request", "c-1");
        assert_eq!(s.ask(&other).await.approval_status(), "pending");
        let body = json!({ "name": "Mirror", "requires_connection": false,
            "actions": [{ "key": "create_issue", "name": "Create issue" }] });
        assert_eq!(s.api().put_integration("mirror", &body).await.status, 200);
        s.unlock("mirror.create_issue").await;
        let mut mirrored = s.call(ACTION, "c-1");
        "mirror".clone_into(&mut mirrored.integration);
        assert_eq!(s.ask(&mirrored).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_never_serves_another_workspace() {
    story(async |s| {
        allowed(s, "Auto-approve always").await;
        let elsewhere = elsewhere(s).await;
        let asked = elsewhere.ask(&s.call(ACTION, "c-1")).await;
        assert_eq!((asked.status, asked.approval_status()), (201, "pending"));
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved", "it is live here");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn locking_in_one_workspace_locks_nothing_in_another() {
    story(async |s| {
        s.open(ACTION).await;
        let elsewhere = elsewhere(s).await;
        s.lock(ACTION).await;
        let unlocked = |body: &serde_json::Value| {
            let actions = body["actions"].as_array().unwrap();
            actions.iter().find(|action| action["key"] == "create_issue").unwrap()["unlocked"].clone()
        };
        assert_eq!(unlocked(&elsewhere.integration("github").await.body), true);
        assert_eq!(unlocked(&s.api().integration("github").await.body), false);
        assert_eq!(elsewhere.integration("gmail").await.status, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_grant_never_serves_another_conversation_or_backend() {
    story(async |s| {
        allowed(s, "Auto-approve for this conversation").await;
        assert_eq!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "pending");
        let (key, _) = s.create_backend("another").await;
        let other = s.backend.api_with_key(&key);
        assert_eq!(other.ask(&s.call(ACTION, "c-1")).await.approval_status(), "pending");
        // Nor does the other backend's conversation of that name end it.
        assert_eq!(other.close_conversation("c-1").await.status, 204);
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved");
    })
    .await;
}

/// All that the tests above ask for one by one, in the same transactions.
#[tokio::test(flavor = "multi_thread")]
async fn a_grant_in_a_crowd_serves_its_own_alone() {
    for (choice, always) in [("Auto-approve always", true), ("Auto-approve for this conversation", false)] {
        crowded_story(async |s| {
            allowed(s, choice).await;
            s.api().connect_user(BOB, "github").await;
            s.unlock("github.merge_pull_request").await;
            let body = json!({ "name": "Mirror", "requires_connection": false,
                "actions": [{ "key": "create_issue", "name": "Create issue" }] });
            assert_eq!(s.api().put_integration("mirror", &body).await.status, 200);
            s.unlock("mirror.create_issue").await;
            let (key, _) = s.create_backend("another").await;
            let (here, another, elsewhere) = (s.api(), s.api().with_key(&key), elsewhere(s).await);
            let own = s.call(ACTION, "c-1");
            let (mut bobs, mut mirrored) = (own.clone(), own.clone());
            BOB.clone_into(&mut bobs.user);
            "mirror".clone_into(&mut mirrored.integration);
            // Each with whether the grant covers it.
            let kinds = [
                (&here, own.clone(), true),
                (&here, bobs, false),
                (&here, s.call("github.merge_pull_request", "c-1"), false),
                (&here, mirrored, false),
                (&here, s.call(ACTION, "c-2"), always),
                (&another, own.clone(), always),
                (&elsewhere, own.clone(), false),
            ];
            for round in 0..4 {
                let asks = (0..CROWD).map(|number| {
                    let (api, ask, covered) = &kinds[(number * 3 + round) % kinds.len()];
                    async move { (api.ask(ask).await, ask, *covered) }
                });
                for (reply, ask, covered) in join_all(asks).await {
                    let status = if covered { "approved" } else { "pending" };
                    assert_eq!((reply.status, reply.approval_status()), (201, status), "{ask:?}: {reply:?}");
                }
            }
            let odd: Vec<String> = sqlx::query_scalar(
                "SELECT p.id::text FROM approvals p LEFT JOIN grants g ON g.id = p.decision_grant AND g.user_id = p.user_id
                     AND g.action_id = p.action_id AND g.workspace_id = p.workspace_id
                     AND (g.scope = 'always' OR (g.backend_id, g.conversation_id) = (p.backend_id, p.conversation_id))
                 WHERE p.status = 'approved' AND g.id IS NULL
                 UNION ALL SELECT 'uses of ' || g.id FROM used_grants g WHERE g.use_count <>
                     (SELECT count(*) FROM approvals p WHERE p.decision_grant = g.id AND p.decided_by = 'auto')",
            )
            .fetch_all(&s.service.db)
            .await
            .unwrap();
            assert_eq!(odd, Vec::<String>::new());
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_sees_and_touches_its_own_approvals_alone() {
    story(async |s| {
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        let (key, _) = s.create_backend("another").await;
        for other in [s.backend.api_with_key(&key), elsewhere(s).await] {
            for reply in [other.get(&id).await, other.wait(&id, 1).await, other.cancel(&id).await] {
                assert_eq!(reply.status, 404, "{reply:?}");
                assert_eq!(reply.str("/type"), "urn:countersign:problem:unknown-approval");
                assert!(!reply.text.contains("pending") && !reply.text.contains(ALICE), "{}", reply.text);
            }
            assert!(other.list(&[]).await.data().is_empty());
            assert_eq!(other.close_conversation("c-1").await.status, 404);
        }
        assert_eq!(s.status(&id).await, "pending");
    })
    .await;
}
