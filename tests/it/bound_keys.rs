//! API keys that are bound to one user, and backends without a webhook endpoint.

use chrono::TimeDelta;
use countersign::{
    config::LimitsConfig,
    domain::{
        api_keys::KeyScopes,
        ids::{ApiKeyId, UserId},
        text::Name,
    },
    service::{
        backends, end_silent,
        revoke_grants::{self, GrantChoice},
        user_keys,
    },
    storage::tables::backends::Summary,
};
use reqwest::Method;
use sandbox::backend::{Api, Reply};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{
    api_keys::{calls, send},
    story::{ALICE, BOB, TestApp, eventually, story},
};

const BOUND: (u16, &str) = (403, "urn:countersign:problem:user-bound-key");

/// A backend without an endpoint, and a key of all of it.
async fn claude(s: &TestApp) -> (Summary, Api) {
    let name = Name::new("claude").unwrap();
    let created = backends::create(&s.service, s.workspace, &name, None, KeyScopes::ALL).await;
    let key = created.unwrap().unwrap().api_key;
    let all = backends::list(&s.service, None).await.unwrap();
    let backend = all.into_iter().find(|backend| backend.name == "claude").unwrap();
    (backend, s.backend.api_with_key(key.expose_secret()))
}

async fn bound(s: &TestApp, backend: &Summary, user: &str) -> Api {
    let user = UserId::parse(user).unwrap();
    let name = Name::new("laptop").unwrap();
    let key = user_keys::create(&s.service, backend, &user, Some(&name), None).await.unwrap();
    s.backend.api_with_key(key.secret.expose_secret())
}

fn body(user: Option<&str>, conversation: &str) -> Value {
    let mut body = json!({
        "agent": { "id": "claude" }, "conversation": { "id": conversation }, "integration": "claude",
        "action": "Bash", "arguments": { "command": "ls" },
    });
    if let Some(user) = user {
        body["user"] = user.into();
    }
    body
}

async fn ask(api: &Api, body: &Value, key: &str) -> Reply {
    api.call(Method::POST, &["approvals"], &[], Some(body), &[("Idempotency-Key", key)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_key_asks_for_its_user_only() {
    story(async |s| {
        let (backend, whole) = claude(s).await;
        let alice = bound(s, &backend, ALICE).await;
        let asked = ask(&alice, &body(None, "c-1"), "k-1").await;
        assert_eq!((asked.status, asked.str("/user")), (201, ALICE), "{asked:?}");
        let named = ask(&alice, &body(Some(ALICE), "c-1"), "k-2").await;
        assert_eq!(named.status, 201, "{named:?}");
        // No address is looked up, not even her own: the answer would say whether a user has it.
        for other in [BOB, "bob@example.com", "nobody@example.com", "alice@example.com"] {
            let refused = ask(&alice, &body(Some(other), "c-1"), "k-3").await;
            assert_eq!((refused.status, refused.str("/type")), BOUND, "{refused:?}");
            insta::allow_duplicates! {
                insta::assert_snapshot!(refused.str("/detail"), @"The key is bound to U0ALICE: leave `user` out, or name U0ALICE. To make this call, ask the operator for a key of the whole backend: `countersign key create` without `--user`.");
            }
        }
        assert!(s.slack.calls_of("users.lookupByEmail").is_empty());
        let unnamed = ask(&whole, &body(None, "c-1"), "k-4").await;
        assert_eq!((unnamed.status, unnamed.str("/errors/0/pointer")), (422, "/user"), "{unnamed:?}");
        insta::assert_snapshot!(unnamed.str("/errors/0/detail"), @"is required, unless the API key is bound to a user");
        assert_eq!(alice.cancel(asked.id()).await.approval_status(), "cancelled");
        assert_eq!(alice.wait(asked.id(), 5).await.approval_status(), "cancelled");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_key_reaches_nothing_of_another_user() {
    story(async |s| {
        let (backend, whole) = claude(s).await;
        let (alice, bob) = (bound(s, &backend, ALICE).await, bound(s, &backend, BOB).await);
        let body = body(None, "c-1");
        let id = ask(&alice, &body, "k-1").await.id().to_owned();
        for call in calls(s, &id, "dlv_0192f7c3a4b57d0e8f1a2b3c4d5e6f70") {
            let path = call.1.join("/");
            let reply = send(&bob, &call).await;
            let is_list = call.0 == Method::GET && ["approvals", "integrations"].contains(&path.as_str());
            let expected = match path.as_str() {
                _ if is_list => 200,
                "integrations/github" if call.0 == Method::GET => 404,
                // Of another event than those that it knows.
                "hooks/claude-code" => 422,
                // Bob has asked in no such conversation.
                "conversations/c-1/close" => 404,
                _ if path.contains(&id) => 404,
                _ => 403,
            };
            assert_eq!(reply.status, expected, "{call:?}: {reply:?}");
            assert!(!reply.text.contains(&id), "{reply:?}");
            if is_list {
                assert!(reply.data().iter().all(|item| item["key"] == "claude"), "{reply:?}");
            }
        }
        assert_eq!(bob.list(&[("user", ALICE)]).await.data().len(), 0);
        assert_eq!(bob.list(&[("conversation", "c-1")]).await.data().len(), 0);
        assert_eq!((alice.get(&id).await.status, whole.get(&id).await.status), (200, 200));
        assert_eq!(alice.list(&[]).await.data().len(), 1);
        assert_eq!(alice.get(&id).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_users_may_choose_the_same_idempotency_key() {
    story(async |s| {
        let (backend, whole) = claude(s).await;
        let (alice, bob) = (bound(s, &backend, ALICE).await, bound(s, &backend, BOB).await);
        let body = body(None, "c-1");
        let (first, second) = (ask(&alice, &body, "same").await, ask(&bob, &body, "same").await);
        assert_eq!((first.status, second.status), (201, 201));
        assert_ne!(first.id(), second.id());
        let mut named = body.clone();
        named["user"] = ALICE.into();
        let third = ask(&whole, &named, "same").await;
        assert_eq!(third.status, 201, "{third:?}");
        // A second device of the same user repeats the request.
        let again = ask(&bound(s, &backend, ALICE).await, &body, "same").await;
        assert_eq!((again.status, again.id()), (200, first.id()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_key_describes_what_begins_with_its_backend() {
    story(async |s| {
        let (backend, _) = claude(s).await;
        let alice = bound(s, &backend, ALICE).await;
        let catalog = json!({ "name": "Claude", "actions": [{ "key": "Bash", "name": "Bash" }] });
        for own in ["claude", "claude.mcp.github"] {
            assert_eq!(alice.put_integration(own, &catalog).await.status, 200, "{own}");
            assert_eq!(alice.connect_user(ALICE, own).await.status, 204, "{own}");
            let others = alice.connect_user(BOB, own).await;
            assert_eq!((others.status, others.str("/type")), BOUND);
        }
        s.put("github").await;
        for foreign in ["github", "claude-code"] {
            let refused = alice.put_integration(foreign, &catalog).await;
            assert_eq!((refused.status, refused.str("/type")), BOUND, "{refused:?}");
            assert_eq!(alice.connect_user(ALICE, foreign).await.status, 403);
        }
        let refused = alice.put_integration("github", &catalog).await;
        insta::assert_snapshot!(refused.str("/detail"), @"The key may change only the integration `claude` and those whose keys begin with `claude.`. To make this call, ask the operator for a key of the whole backend: `countersign key create` without `--user`.");
        let listed = alice.integrations(&[("limit", "1")]).await;
        assert_eq!((listed.data().len(), &listed.data()[0]["key"]), (1, &json!("claude")));
        let cursor = listed.str("/next_cursor").to_owned();
        let next = alice.integrations(&[("cursor", &cursor)]).await;
        assert_eq!((next.data().len(), &next.data()[0]["key"]), (1, &json!("claude.mcp.github")));
    })
    .await;
}

/// Asks, and has the user auto-approve for the conversation.
async fn grant(s: &TestApp, api: &Api, user: &str, body: &Value, key: &str) {
    let id = ask(api, body, key).await.id().to_owned();
    let prompt = s.shown(user, &id).await;
    assert!(s.choose(user, &prompt, "Auto-approve for this conversation").await.is_ok());
    assert_eq!(api.wait(&id, 20).await.approval_status(), "approved");
}

/// Unlocks the action for all users.
async fn open(s: &TestApp, whole: &Api) {
    let catalog = json!({ "name": "Claude", "actions": [{ "key": "Bash", "name": "Bash" }], "requires_connection": false });
    assert_eq!(whole.put_integration("claude", &catalog).await.status, 200);
    s.unlock("claude.Bash").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bound_user_has_conversations_of_their_own() {
    story(async |s| {
        let (backend, whole) = claude(s).await;
        open(s, &whole).await;
        let (alice, bob) = (bound(s, &backend, ALICE).await, bound(s, &backend, BOB).await);
        let titled = |user: Option<&str>, title: &str| {
            let mut body = body(user, "c-1");
            body["conversation"]["title"] = title.into();
            body
        };
        let (of_alice, of_bob) = (titled(None, "Of Alice"), titled(None, "Of Bob"));
        let of_backend = titled(Some(ALICE), "Of the backend");
        grant(s, &alice, ALICE, &of_alice, "k-1").await;
        // Neither covers another's requests, nor names another's conversation.
        for (api, body) in [(&bob, &of_bob), (&whole, &of_backend)] {
            let asked = ask(api, body, "k-2").await;
            assert_eq!((asked.approval_status(), asked.str("/conversation/id")), ("pending", "c-1"));
        }
        let home = s.home(ALICE, |home| home.all_text().contains("Of Alice")).await;
        assert!(!home.all_text().contains("Of Bob"), "{}", home.all_text());
        // The backend, and another user, can't close it, and a request of theirs doesn't reopen it.
        assert_eq!(
            (bob.close_conversation("c-1").await.status, whole.close_conversation("c-1").await.status),
            (204, 204)
        );
        assert_eq!(s.grants_of(ALICE).await, 1);
        assert_eq!(ask(&alice, &of_alice, "k-3").await.approval_status(), "approved");
        assert_eq!(alice.close_conversation("c-1").await.status, 204);
        assert_eq!(s.grants_of(ALICE).await, 0);
        for (api, body) in [(&bob, &of_bob), (&whole, &of_backend)] {
            assert_eq!(ask(api, body, "k-4").await.status, 201);
        }
        let rows: Vec<(String, Option<String>, bool)> =
            sqlx::query_as("SELECT id, title, closed_at IS NULL FROM conversations ORDER BY id")
                .fetch_all(&s.service.db)
                .await
                .unwrap();
        let row = |id: String, title: &str, open| (id, Some(title.to_owned()), open);
        let mut expected = [
            row(format!("{ALICE}\u{1f}c-1"), "Of Alice", false),
            row(format!("{BOB}\u{1f}c-1"), "Of Bob", true),
            row("c-1".to_owned(), "Of the backend", true),
        ];
        expected.sort();
        assert_eq!(
            {
                let mut rows = rows;
                rows.sort();
                rows
            },
            expected
        );
        assert_eq!(whole.list(&[("conversation", "c-1")]).await.data().len(), 6);
        assert_eq!(bob.list(&[("conversation", "c-1")]).await.data().len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_names_the_conversation_as_its_caller_does() {
    story(async |s| {
        let (backend, whole) = claude(s).await;
        open(s, &whole).await;
        let alice = bound(s, &backend, ALICE).await;
        grant(s, &alice, ALICE, &body(None, "c-1"), "k-1").await;
        let filter = revoke_grants::Filter::default();
        let all = revoke_grants::list(&s.service, s.workspace, &filter, None, 10).await.unwrap();
        assert_eq!(all[0].conversation.as_deref(), Some("c-1"));
        let which = GrantChoice::One(all[0].id);
        assert_eq!(revoke_grants::revoke(&s.service, s.workspace, &which, None).await.unwrap(), 1);
        s.settled().await;
        let told = eventually("Alice is told", async || {
            s.slack.direct_messages(ALICE).into_iter().find(|message| message.text().contains("revoked"))
        })
        .await;
        assert!(told.all_text().contains("In the conversation “c-1” only"), "{}", told.all_text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_others_keep_no_conversation_grant_alive() {
    story(async |s| {
        let (backend, whole) = claude(s).await;
        open(s, &whole).await;
        let (alice, bob) = (bound(s, &backend, ALICE).await, bound(s, &backend, BOB).await);
        grant(s, &alice, ALICE, &body(None, "c-1"), "k-1").await;
        let home = s.home(ALICE, |home| home.all_text().contains("c-1")).await;
        assert!(!home.all_text().contains(&format!("{ALICE}c-1")) && !home.all_text().contains('\u{1f}'));
        s.advance_until_idle(TimeDelta::days(29)).await;
        for (api, body) in [(&bob, body(None, "c-1")), (&whole, body(Some(ALICE), "c-1"))] {
            assert_eq!(ask(api, &body, "k-2").await.approval_status(), "pending");
        }
        assert_eq!(s.grants_of(ALICE).await, 1);
        s.advance_until_idle(TimeDelta::days(2)).await;
        eventually("Alice's grant ends", async || {
            end_silent::end(&s.service).await.unwrap();
            (s.grants_of(ALICE).await == 0).then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_a_conversation_ends_the_grants_of_the_key_s_user_only() {
    story(async |s| {
        let (backend, whole) = claude(s).await;
        open(s, &whole).await;
        let mut keys = Vec::new();
        for user in [ALICE, BOB] {
            let api = bound(s, &backend, user).await;
            grant(s, &api, user, &body(None, "c-1"), "k").await;
            keys.push(api);
        }
        assert_eq!(keys[0].close_conversation("c-1").await.status, 204);
        assert_eq!((s.grants_of(ALICE).await, s.grants_of(BOB).await), (0, 1));
        assert_eq!(ask(&keys[0], &body(None, "c-1"), "k-2").await.approval_status(), "pending");
        assert_eq!(ask(&keys[1], &body(None, "c-1"), "k-2").await.approval_status(), "approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_user_can_t_exhaust_the_limit_of_others() {
    story(async |s| {
        s.config.limits =
            LimitsConfig { pending_approvals: 5, user_pending_approvals: 2, ..LimitsConfig::default() };
        s.restart().await;
        let (backend, whole) = claude(s).await;
        let (alice, bob) = (bound(s, &backend, ALICE).await, bound(s, &backend, BOB).await);
        let first = ask(&alice, &body(None, "c-1"), "k-1").await;
        assert_eq!(ask(&alice, &body(None, "c-2"), "k-2").await.status, 201);
        // A second device has the same limit.
        for api in [&alice, &bound(s, &backend, ALICE).await] {
            let refused = ask(api, &body(None, "c-3"), "k-3").await;
            assert_eq!(
                (refused.status, refused.str("/type")),
                (429, "urn:countersign:problem:too-many-pending")
            );
        }
        assert_eq!(ask(&bob, &body(None, "c-1"), "k-1").await.status, 201);
        for key in ["k-4", "k-5"] {
            assert_eq!(ask(&whole, &body(Some(ALICE), "c-1"), key).await.status, 201);
        }
        // The backend's limit counts all of them, but doesn't hold back the others.
        assert_eq!(ask(&whole, &body(Some(ALICE), "c-1"), "k-6").await.status, 429);
        assert_eq!(ask(&bob, &body(None, "c-2"), "k-2").await.status, 201);
        assert_eq!(ask(&bob, &body(None, "c-3"), "k-3").await.status, 429);
        assert_eq!(alice.cancel(first.id()).await.approval_status(), "cancelled");
        assert_eq!(ask(&alice, &body(None, "c-4"), "k-7").await.status, 201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stops_when_it_is_rotated_revoked_or_expired() {
    story(async |s| {
        let (backend, _) = claude(s).await;
        let user = UserId::parse(ALICE).unwrap();
        let day = TimeDelta::days(1);
        let first = user_keys::create(&s.service, &backend, &user, None, Some(day)).await.unwrap();
        let api = |key: &user_keys::NewKey| s.backend.api_with_key(key.secret.expose_secret());
        assert_eq!(api(&first).list(&[]).await.status, 200);
        let second =
            user_keys::rotate(&s.service, &backend, first.id, TimeDelta::zero()).await.unwrap().unwrap();
        assert_eq!((api(&first).list(&[]).await.status, api(&second).list(&[]).await.status), (401, 200));
        let third =
            user_keys::rotate(&s.service, &backend, second.id, TimeDelta::hours(1)).await.unwrap().unwrap();
        assert_eq!((api(&second).list(&[]).await.status, api(&third).list(&[]).await.status), (200, 200));
        assert!(user_keys::rotate(&s.service, &backend, first.id, day).await.unwrap().is_none());
        s.advance_until_idle(TimeDelta::hours(2)).await;
        assert_eq!((api(&second).list(&[]).await.status, api(&third).list(&[]).await.status), (401, 200));
        s.advance_until_idle(day).await;
        assert_eq!(api(&third).list(&[]).await.status, 401);
        let fourth = user_keys::create(&s.service, &backend, &user, None, None).await.unwrap();
        assert_eq!(api(&fourth).list(&[]).await.status, 200);
        assert_eq!(user_keys::revoke(&s.service, &backend, None).await.unwrap(), [fourth.id]);
        assert_eq!(api(&fourth).list(&[]).await.status, 401);
        let actions: Vec<String> =
            sqlx::query_scalar("SELECT what FROM audit WHERE what LIKE 'backend.key_%' ORDER BY id")
                .fetch_all(&s.service.db)
                .await
                .unwrap();
        assert_eq!(
            actions,
            ["created", "rotated", "rotated", "created", "revoked"].map(|what| format!("backend.key_{what}"))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_sees_and_revokes_their_keys_on_the_home_tab() {
    story(async |s| {
        let (backend, _) = claude(s).await;
        s.home(ALICE, |home| !home.all_text().contains("Devices and agents")).await;
        let (alice, bob) = (bound(s, &backend, ALICE).await, bound(s, &backend, BOB).await);
        let id: uuid::Uuid = sqlx::query_scalar("SELECT id FROM user_keys WHERE user_id = $1")
            .bind(ALICE)
            .fetch_one(&s.service.db)
            .await
            .unwrap();
        let home = s.home_shows(ALICE, |home| home.has_button("Revoke")).await;
        assert!(home.all_text().contains("laptop"), "{}", home.all_text());
        assert!(s.click_home(ALICE, "Revoke", &ApiKeyId::new(id).to_string()).await.is_ok());
        s.home_shows(ALICE, |home| !home.all_text().contains("Devices and agents")).await;
        assert_eq!((alice.list(&[]).await.status, bob.list(&[]).await.status), (401, 200));
        let revoked: (String, Value) =
            sqlx::query_as("SELECT actor, after FROM audit WHERE what = 'backend.key_revoked'")
                .fetch_one(&s.service.db)
                .await
                .unwrap();
        assert_eq!((revoked.0.as_str(), &revoked.1["user"]), (ALICE, &json!(ALICE)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_a_user_who_leaves_stop() {
    for silent in [false, true] {
        story(async |s| {
            let (backend, _) = claude(s).await;
            let (alice, bob) = (bound(s, &backend, ALICE).await, bound(s, &backend, BOB).await);
            if silent {
                // Slack's event is lost. The daily check finds that she left.
                s.slack.change_user(ALICE, |user| user.deleted = true);
                s.advance_until_idle(TimeDelta::hours(25)).await;
            } else {
                assert!(s.slack.change_user_loudly(ALICE, |user| user.deleted = true).await.unwrap().is_ok());
            }
            eventually("the key stops", async || (alice.list(&[]).await.status == 401).then_some(())).await;
            assert_eq!(bob.list(&[]).await.status, 200);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_previous_version_does_not_find_a_bound_key() {
    story(async |s| {
        let (backend, _) = claude(s).await;
        let user = UserId::parse(ALICE).unwrap();
        let key = user_keys::create(&s.service, &backend, &user, None, None).await.unwrap();
        // What version 0.1.0 authenticates with.
        let found: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM api_keys k JOIN backends b ON b.id = k.backend_id
             JOIN workspaces w ON w.id = b.workspace_id WHERE k.id = $1",
        )
        .bind(key.id.uuid())
        .fetch_one(&s.service.db)
        .await
        .unwrap();
        assert_eq!(found, 0);
        // What it reads of a backend without an endpoint.
        let url: String = sqlx::query_scalar("SELECT webhook_url FROM backends WHERE id = $1")
            .bind(backend.id.uuid())
            .fetch_one(&s.service.db)
            .await
            .unwrap();
        assert_eq!(url, "");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_without_an_endpoint_gets_no_webhook() {
    story(async |s| {
        let (backend, whole) = claude(s).await;
        let id = ask(&whole, &body(Some(ALICE), "c-1"), "k-1").await.id().to_owned();
        let prompt = s.shown(ALICE, &id).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(whole.wait(&id, 20).await.approval_status(), "approved");
        let expiring = body(Some(ALICE), "c-2");
        let mut expiring = expiring.clone();
        expiring["expires_in"] = 10.into();
        assert_eq!(ask(&whole, &expiring, "k-2").await.status, 201);
        s.advance_until_idle(TimeDelta::minutes(1)).await;
        let queued: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE kind = 'webhook'")
            .fetch_one(&s.service.db)
            .await
            .unwrap();
        assert_eq!(queued, 0);
        // A row of the previous version, which makes one for every backend, is given up at once.
        sqlx::query(
            "INSERT INTO outbox (id, workspace_id, kind, queue, approval_id, backend_id, event, created_at, due_at)
             SELECT p.id, p.workspace_id, 'webhook', 'webhook:' || p.id, p.id, p.backend_id,
                    'approval.approved', p.created_at, p.created_at FROM approvals p WHERE p.conversation_id = 'c-1'",
        )
        .execute(&s.service.db)
        .await
        .unwrap();
        s.advance_until_idle(TimeDelta::minutes(1)).await;
        let failing: Option<chrono::DateTime<chrono::Utc>> =
            sqlx::query_scalar("SELECT webhook_failing_since FROM backends WHERE id = $1")
                .bind(backend.id.uuid())
                .fetch_one(&s.service.db)
                .await
                .unwrap();
        assert_eq!(failing, None);
    })
    .await;
}
