//! What an API key may be used for, when it was last used, and how it stops.

use chrono::{DateTime, TimeDelta, Utc};
use countersign::{
    doctor,
    doctor::finding::State,
    domain::{
        api_keys::{KeyScope, KeyScopes},
        text::{Link, Name},
    },
    entropy::Entropy,
    service::{
        api_keys,
        api_keys::{KeyFault, NewKey, Selection},
        backends,
    },
    storage::tables::backends::Summary,
};
use sandbox::backend::Api;
use secrecy::ExposeSecret as _;

use crate::{
    api_keys::{calls, send, told},
    story::{ALICE, TestApp, story},
};

const ACTION: &str = "github.create_issue";
const MISSING: (u16, &str) = (403, "urn:countersign:problem:insufficient-scope");

async fn agents(s: &TestApp) -> Summary {
    backends::list(&s.service, None)
        .await
        .unwrap()
        .into_iter()
        .find(|backend| backend.name == "agents")
        .unwrap()
}

async fn create(s: &TestApp, scopes: impl IntoIterator<Item = KeyScope>) -> NewKey {
    let scopes = KeyScopes::new(scopes).unwrap();
    api_keys::create(&s.service, &agents(s).await, scopes).await.unwrap()
}

fn with(s: &TestApp, key: &NewKey) -> Api {
    s.backend.api_with_key(key.secret.expose_secret())
}

/// The operations of the `OpenAPI` document: method, path, and the scopes that they name, if they need a key.
fn operations() -> Vec<(String, String, Option<Vec<String>>)> {
    let document = serde_json::to_value(countersign::api::document()).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            // The module `api_admin` tries those that need an admin key.
            if operation["security"][0].get("admin_key").is_some() {
                continue;
            }
            let scopes = operation["security"][0]["api_key"]
                .as_array()
                .map(|scopes| scopes.iter().map(|scope| scope.as_str().unwrap().to_owned()).collect());
            found.push((method.to_uppercase(), path.clone(), scopes));
        }
    }
    found
}

/// Whether a path is one of those that a template such as `/v1/approvals/{id}` stands for.
fn fits(template: &str, path: &[String]) -> bool {
    let parts: Vec<&str> = template.trim_start_matches("/v1/").split('/').collect();
    let same = |(part, given): (&&str, &String)| part.starts_with('{') || *part == given;
    parts.len() == path.len() && parts.iter().zip(path).all(same)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_needs_the_scope_that_it_documents() {
    story(async |s| {
        let (approval, delivery) = told(s).await;
        let calls = calls(s, &approval, &delivery);
        let mut checked = 0;
        for (method, path, scopes) in operations() {
            let Some(scopes) = scopes else {
                assert!(
                    ["/livez", "/readyz", "/metrics", "/.well-known/jwks.json"].contains(&path.as_str()),
                    "{path} needs no key"
                );
                continue;
            };
            let needed = KeyScope::parse(&scopes[0]).unwrap();
            assert_eq!(scopes.len(), 1, "{method} {path}");
            let call = calls.iter().find(|call| call.0.as_str() == method && fits(&path, &call.1));
            let call = call.unwrap_or_else(|| panic!("no call of {method} {path}"));

            let others = KeyScope::ALL.into_iter().filter(|scope| *scope != needed);
            let refused = send(&with(s, &create(s, others).await), call).await;
            assert_eq!((refused.status, refused.str("/type")), MISSING, "{call:?}");
            let detail = refused.str("/detail");
            assert!(
                detail.starts_with(&format!("This call needs the scope `{needed}`; the key has: ")),
                "{detail}"
            );
            let taken = send(&with(s, &create(s, [needed]).await), call).await;
            // Only keys of users may call this one; the scope is checked before.
            let is_taken = ![401, 403].contains(&taken.status) || path == "/v1/hooks/claude-code";
            assert!(is_taken && taken.str("/type") != MISSING.1, "{call:?}: {taken:?}");
            checked += 1;
        }
        assert_eq!(checked, calls.len());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_the_scope_learns_nothing_of_its_request() {
    story(async |s| {
        let reader = with(s, &create(s, [KeyScope::Read]).await);
        let broken = serde_json::json!({ "user": 7 });
        let reply = reader.call(reqwest::Method::POST, &["approvals"], &[], Some(&broken), &[]).await;
        assert_eq!((reply.status, reply.str("/type")), MISSING);
        let mut by_email = s.call(ACTION, "c-1");
        "alice@acme.example".clone_into(&mut by_email.user);
        let before = s.slack.calls().len();
        let reply = reader.ask(&by_email).await;
        assert_eq!((reply.status, reply.str("/type")), MISSING);
        assert_eq!(s.slack.calls().len(), before, "Slack was asked for a person");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_backend_cannot_read_the_audit() {
    story(async |s| {
        let (name, url) = (Name::new("second").unwrap(), Link::new(s.backend.webhook_url()).unwrap());
        let created = backends::create(&s.service, s.workspace, &name, &url, KeyScopes::DEFAULT).await;
        let created = created.unwrap().unwrap();
        let api = s.backend.api_with_key(created.api_key.expose_secret());
        let reply = api.audit(&[]).await;
        assert_eq!((reply.status, reply.str("/type")), MISSING);
        assert_eq!(api.ask(&s.call(ACTION, "c-1")).await.status, 201);
    })
    .await;
}

/// A key as a program wrote it that knows no scopes.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_from_before_there_were_scopes_keeps_its_rights() {
    story(async |s| {
        let key = create(s, [KeyScope::Read]).await;
        sqlx::query(
            "WITH old AS (DELETE FROM api_keys WHERE id = $1 RETURNING id, backend_id, hash, created_at)
             INSERT INTO api_keys (id, backend_id, hash, created_at) SELECT * FROM old",
        )
        .bind(key.id.uuid())
        .execute(&s.service.db)
        .await
        .unwrap();
        let api = with(s, &key);
        assert_eq!(api.audit(&[]).await.status, 200);
        assert_eq!(api.ask(&s.call(ACTION, "c-1")).await.status, 201);

        let findings = doctor::examine(s.config.clone(), s.clock.clone(), Entropy::seeded(1)).await.unwrap();
        let found = findings.iter().find(|finding| finding.found.contains(&key.id.to_string())).unwrap();
        assert_eq!((found.check, found.state), ("API keys", State::Warning), "{found:?}");
        assert!(found.fix.as_ref().unwrap().contains("countersign key rotate key_"), "{found:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_scope_that_is_unknown_is_an_error() {
    story(async |s| {
        s.open(ACTION).await;
        sqlx::query("ALTER TABLE api_keys DROP CONSTRAINT api_keys_scopes_known")
            .execute(&s.service.db)
            .await
            .unwrap();
        for stored in ["{ask,admin}", "{}"] {
            sqlx::query("UPDATE api_keys SET scopes = $1::text[]")
                .bind(stored)
                .execute(&s.service.db)
                .await
                .unwrap();
            for reply in [s.api().ask(&s.call(ACTION, "c-1")).await, s.api().list(&[]).await] {
                assert_eq!((reply.status, reply.str("/type")), (500, "urn:countersign:problem:internal"));
            }
            let error = api_keys::list(&s.service, &[agents(s).await.id]).await.unwrap_err().to_string();
            assert!(error.contains("api_keys.scopes of key_"), "{error}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_keys_are_refused_by_the_next_request_at_every_instance() {
    story(async |s| {
        let second = s.instance().await;
        let there = format!("http://{}", second.address());
        let one = create(s, [KeyScope::Read]).await;
        let backend = agents(s).await;
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        let statuses = async |key: &str| {
            let mut seen = Vec::new();
            for url in [s.url(), there.clone()] {
                let http = sandbox::http::client().unwrap();
                let get = http.get(format!("{url}/v1/approvals/{id}")).bearer_auth(key);
                seen.push(get.send().await.unwrap().status().as_u16());
            }
            seen
        };
        assert_eq!(statuses(one.secret.expose_secret()).await, [200, 200]);
        let revoked = api_keys::revoke(&s.service, &backend, Selection::One(one.id)).await.unwrap().unwrap();
        assert_eq!(revoked, [one.id]);
        assert_eq!(statuses(one.secret.expose_secret()).await, [401, 401]);
        assert_eq!(statuses(s.key()).await, [200, 200]);
        let again = api_keys::revoke(&s.service, &backend, Selection::One(one.id)).await.unwrap();
        assert_eq!(again, Err(KeyFault::NoSuchKey));

        let revoked = api_keys::revoke(&s.service, &backend, Selection::All).await.unwrap().unwrap();
        assert_eq!(revoked.len(), 1);
        // Also where the clock is far behind: a revocation depends on no clock.
        sqlx::query("UPDATE api_keys SET expires_at = '2999-01-01'").execute(&s.service.db).await.unwrap();
        assert_eq!(statuses(s.key()).await, [401, 401]);
        assert_eq!(s.api().ask(&s.call(ACTION, "c-1")).await.status, 401);
        assert_eq!(s.audits("backend.key_revoked").await, 2);
        second.shutdown().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_passes_on_its_scopes() {
    story(async |s| {
        let backend = agents(s).await;
        let reader = create(s, [KeyScope::Read]).await;
        let day = TimeDelta::hours(24);
        let rotated = api_keys::rotate(&s.service, &backend, Selection::One(reader.id), None, day).await;
        assert_eq!(rotated.unwrap().unwrap().scopes.to_string(), "read");
        // The backend has a key with all scopes, too: one successor for both would have too many rights, or too few.
        let both = api_keys::rotate(&s.service, &backend, Selection::All, None, day).await.unwrap();
        assert_eq!(both.unwrap_err(), KeyFault::ScopesDiffer);
        let named = Some(KeyScopes::DEFAULT);
        let all = api_keys::rotate(&s.service, &backend, Selection::All, named, day).await.unwrap().unwrap();
        assert_eq!(all.scopes, KeyScopes::DEFAULT);
        let next = api_keys::rotate(&s.service, &backend, Selection::All, None, day).await.unwrap().unwrap();
        assert_eq!(next.scopes, KeyScopes::DEFAULT);
    })
    .await;
}

async fn last_used(s: &TestApp, key: &NewKey) -> Option<DateTime<Utc>> {
    let keys = api_keys::list(&s.service, &[agents(s).await.id]).await.unwrap();
    keys.iter().find(|found| found.id == key.id).unwrap().last_used_at
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_of_a_key_is_written_once_a_minute() {
    story(async |s| {
        let key = create(s, [KeyScope::Ask, KeyScope::Read]).await;
        let api = with(s, &key);
        // A call does not wait for a lock on the key's row.
        let mut held = s.service.db.begin().await.unwrap();
        sqlx::query("SELECT 1 FROM api_keys FOR UPDATE").execute(&mut *held).await.unwrap();
        assert_eq!(api.ask(&s.call(ACTION, "c-1")).await.status, 201);
        held.rollback().await.unwrap();
        assert_eq!(last_used(s, &key).await, None);
        s.pass(TimeDelta::seconds(30));
        assert_eq!(api.list(&[]).await.status, 200);
        let at = s.now();
        s.advance_until_idle(TimeDelta::seconds(31)).await;
        s.until_so(async || last_used(s, &key).await == Some(at)).await;
        // What the last minute used is not lost when an instance stops.
        assert_eq!(api.list(&[("user", ALICE)]).await.status, 200);
        let at = s.now();
        s.stop().await;
        assert_eq!(last_used(s, &key).await, Some(at));
        s.start().await;
    })
    .await;
}

/// The problem of a missing scope, as a backend's engineer reads it.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_scope_says_what_to_do() {
    story(async |s| {
        let api = with(s, &create(s, [KeyScope::Ask, KeyScope::Read]).await);
        let reply = api.audit(&[]).await;
        insta::assert_snapshot!(reply.body["detail"].as_str().unwrap(), @"This call needs the scope `audit`; the key has: ask, read. Use a key that has the scope, or ask the operator for one: `countersign key create --scopes …`.");
    })
    .await;
}
