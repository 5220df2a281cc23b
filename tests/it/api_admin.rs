//! The admin API: what a program of the operator may do with an admin key, and what it never may.

use chrono::TimeDelta;
use countersign::{
    doctor,
    doctor::finding::State,
    domain::{
        ids::{ApiKeyId, UserId, WorkspaceId},
        text::Name,
    },
    entropy::Entropy,
    service::{
        admin_keys::{self, NewKey},
        backends, user_keys, workspaces,
    },
};
use insta::assert_snapshot;
use reqwest::Method;
use sandbox::backend::{Answer, Api, Reply};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{
    api_keys::{calls, send},
    batches::ask_at_once,
    cli::{complaint, on, said},
    delegating::delegate,
    isolation::elsewhere,
    narrowing::{fixed, narrow, uses},
    story::{ADMIN, ALICE, BOB, TestApp, eventually, story},
};

const ISSUE: &str = "github.create_issue";
const UNAUTHENTICATED: (u16, &str) = (401, "urn:countersign:problem:unauthenticated");
const WRONG_KEY: (u16, &str) = (403, "urn:countersign:problem:wrong-key");
const GRANT: &str = "grt_0192f7c3a4b57d0e8f1a2b3c4d5e6f70";
const DELIVERY: &str = "dlv_0192f7c3a4b57d0e8f1a2b3c4d5e6f70";
const BACKEND: &str = "bck_0192f7c3a4b57d0e8f1a2b3c4d5e6f70";
const PAUSE: &str = "pau_0192f7c3a4b57d0e8f1a2b3c4d5e6f70";
const DELEGATION: &str = "dlg_0192f7c3a4b57d0e8f1a2b3c4d5e6f70";

async fn create_in(s: &TestApp, workspace: WorkspaceId, lifetime: Option<TimeDelta>) -> NewKey {
    admin_keys::create(&s.service, workspace, &Name::new("Terraform").unwrap(), lifetime).await.unwrap()
}

async fn create(s: &TestApp) -> NewKey {
    create_in(s, s.workspace, None).await
}

fn with(s: &TestApp, key: &NewKey) -> Api {
    s.backend.api_with_key(key.secret.expose_secret())
}

async fn admin(s: &TestApp) -> Api {
    with(s, &create(s).await)
}

async fn get(api: &Api, path: &str, query: &[(&str, &str)]) -> Reply {
    let path = format!("admin/{path}");
    let path: Vec<&str> = path.split('/').collect();
    api.call(Method::GET, &path, query, None, &[]).await
}

async fn post(api: &Api, path: &str, body: Option<Value>) -> Reply {
    let path = format!("admin/{path}");
    let path: Vec<&str> = path.split('/').collect();
    api.call(Method::POST, &path, &[], body.as_ref(), &[]).await
}

fn problem(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.str("/type"))
}

/// Every call of the admin API, about ids of no one.
fn admin_calls() -> Vec<(Method, Vec<String>, Option<Value>)> {
    let call = |method: Method, path: &str, body: Option<Value>| {
        (method, format!("admin/{path}").split('/').map(str::to_owned).collect(), body)
    };
    let unlock = json!({ "unlocked_for": "conversations" });
    let deliveries = format!("backends/{BACKEND}/webhook-deliveries");
    vec![
        call(Method::GET, "grants", None),
        call(Method::POST, &format!("grants/{GRANT}/revoke"), Some(json!({}))),
        call(Method::POST, "grants/revoke", Some(json!({ "user": ALICE }))),
        call(Method::GET, "actions", None),
        call(Method::GET, "actions/nothing/at_all", None),
        call(Method::POST, "actions/nothing/at_all/unlock", Some(unlock.clone())),
        call(Method::POST, "actions/nothing/at_all/lock", None),
        call(Method::POST, "integrations/nothing/unlock-read-only", Some(unlock)),
        call(Method::GET, "backends", None),
        call(Method::GET, &deliveries, None),
        call(Method::POST, &format!("{deliveries}/{DELIVERY}/redeliver"), None),
        call(Method::GET, "delegations", None),
        call(Method::POST, &format!("delegations/{DELEGATION}/end"), None),
        call(Method::GET, "pauses", None),
        call(Method::POST, "pauses", Some(json!({ "agent": "nobody", "reason": "Loop" }))),
        call(Method::POST, &format!("pauses/{PAUSE}/resume"), None),
        call(Method::GET, "stats", None),
    ]
}

/// Has Alice auto-approve the action always, and in the conversation `c-1`.
async fn grants(s: &TestApp) {
    s.open(ISSUE).await;
    let (_, prompt) = s.prompt(&s.call(ISSUE, "c-1")).await;
    assert!(s.choose(ALICE, &prompt, "Auto-approve for this conversation").await.is_ok());
    s.pass(TimeDelta::seconds(1));
    assert!(s.command(ALICE, &format!("on {ISSUE}")).await.is_ok());
    s.pass(TimeDelta::seconds(1));
    s.settled().await;
}

fn of_scope<'a>(list: &'a Reply, scope: &str) -> &'a Value {
    list.data().iter().find(|grant| grant["scope"] == scope).unwrap()
}

/// The actor and kind of an audit entry, and where it came from, as `GET /v1/audit` tells.
async fn audited(s: &TestApp, what: &str) -> Vec<(Value, Value, Value)> {
    let reply = s.api().audit(&[("what", what)]).await;
    let all = reply.data().iter();
    all.map(|entry| (entry["actor"]["kind"].clone(), entry["actor"]["id"].clone(), entry["from"].clone()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_names_every_admin_call() {
    let document = serde_json::to_value(countersign::api::document()).unwrap();
    let mut documented = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let is_admin = path.starts_with("/v1/admin/");
            let needs = operation["security"][0].get("admin_key").is_some();
            assert_eq!(needs, is_admin, "{method} {path}");
            documented += usize::from(is_admin);
        }
    }
    assert_eq!(documented, admin_calls().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_call_needs_a_valid_admin_key() {
    story(async |s| {
        let key = create(s).await;
        let secret = key.secret.expose_secret();
        let as_admin = s.key().replacen("cs_", "csa_", 1);
        let changed = format!("{}_{}", secret.rsplit_once('_').unwrap().0, "A".repeat(43));
        let as_backend = secret.replacen("csa_", "cs_", 1);
        for call in admin_calls() {
            for wrong in ["", "nonsense", &as_admin, &changed] {
                let reply = send(&s.backend.api_with_key(wrong), &call).await;
                assert_eq!(problem(&reply), UNAUTHENTICATED, "{call:?}");
            }
            // A backend's key, however wide its scopes are, and what an admin key would be as one.
            for wrong in [s.key(), &as_backend] {
                let reply = send(&s.backend.api_with_key(wrong), &call).await;
                assert_eq!(problem(&reply), WRONG_KEY, "{call:?}");
            }
            let taken = send(&with(s, &key), &call).await;
            assert!([200, 404].contains(&taken.status), "{call:?}: {taken:?}");
        }
        // The prefix decides nothing: the key must be stored as one of that kind.
        assert_eq!(problem(&s.backend.api_with_key(&as_backend).list(&[]).await), UNAUTHENTICATED);
        let refused = get(&s.api(), "grants", &[]).await;
        assert_snapshot!(refused.str("/detail"), @"This is an API key of a backend; the call needs an admin key (csa_…). Calls below /v1/admin need an admin key, which `countersign key create --admin` prints; all others need a backend's.");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_key_makes_no_call_of_a_backend() {
    story(async |s| {
        s.put("github").await;
        let id = s.ask(&s.call(ISSUE, "c-1")).await.id().to_owned();
        let api = admin(s).await;
        for call in calls(s, &id, DELIVERY) {
            let reply = send(&api, &call).await;
            assert_eq!(problem(&reply), WRONG_KEY, "{call:?}");
            assert!(!reply.text.contains(&id), "{reply:?}");
        }
        assert_eq!(s.api().get(&id).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_user_administers_nothing() {
    story(async |s| {
        let backend = backends::list(&s.service, None).await.unwrap().remove(0);
        let user = UserId::parse(ADMIN).unwrap();
        let key = user_keys::create(&s.service, &backend, &user, None, None).await.unwrap();
        let api = s.backend.api_with_key(key.secret.expose_secret());
        assert_eq!(problem(&get(&api, "grants", &[]).await), WRONG_KEY);
        let as_admin = key.secret.expose_secret().replacen("cs_", "csa_", 1);
        let api = s.backend.api_with_key(&as_admin);
        assert_eq!(problem(&get(&api, "grants", &[]).await), UNAUTHENTICATED);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_revoked_and_expire() {
    story(async |s| {
        let overlap = TimeDelta::seconds(5);
        let works = async |key: &NewKey| get(&with(s, key), "grants", &[]).await.status;
        let first = create_in(s, s.workspace, Some(TimeDelta::days(90))).await;
        let second =
            admin_keys::rotate(&s.service, s.workspace, first.key.id, overlap).await.unwrap().unwrap();
        assert_eq!(second.expires_at, Some(s.now() + TimeDelta::days(90)));
        assert_eq!((works(&first).await, works(&second).await), (200, 200));
        s.pass(overlap);
        assert_eq!((works(&first).await, works(&second).await), (401, 200));
        // Another workspace's operator names a key of this one.
        let other = workspaces::install(&s.service, "T0ELSEWHERE", "Elsewhere").await.unwrap();
        let id: ApiKeyId = second.key.id;
        assert!(admin_keys::revoke(&s.service, other, Some(id)).await.unwrap().is_empty());
        assert!(admin_keys::rotate(&s.service, other, id, overlap).await.unwrap().is_none());
        assert_eq!(works(&second).await, 200);
        // Revoked at once on every instance, whatever its clock says.
        let (one, two) = tokio::join!(
            admin_keys::revoke(&s.service, s.workspace, Some(id)),
            admin_keys::revoke(&s.service, s.workspace, Some(id)),
        );
        assert_eq!([one.unwrap(), two.unwrap()].concat(), [id]);
        assert_eq!(works(&second).await, 401);
        let third = create_in(s, s.workspace, Some(overlap)).await;
        s.pass(overlap);
        assert_eq!(works(&third).await, 401);
        for (what, count) in [("created", 2), ("rotated", 1), ("revoked", 1)] {
            assert_eq!(s.audits(&format!("admin.key_{what}")).await, count, "{what}");
        }
        let leaked: i64 = sqlx::query_scalar("SELECT count(*) FROM audit a WHERE strpos(a::text, $1) > 0")
            .bind(second.secret.expose_secret().rsplit_once('_').unwrap().1)
            .fetch_one(&s.service.db)
            .await
            .unwrap();
        assert_eq!(leaked, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_is_noted_and_doctor_finds_forgotten_keys() {
    story(async |s| {
        let (used, unused) = (create(s).await, create(s).await);
        assert_eq!(get(&with(s, &used), "grants", &[]).await.status, 200);
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        let last = async |key: &NewKey| {
            let all = admin_keys::list(&s.service, None).await.unwrap();
            all.into_iter().find(|found| found.key.id == key.key.id).unwrap().last_used_at
        };
        s.until_so(async || last(&used).await.is_some()).await;
        assert_eq!(last(&unused).await, None);
        // A quarter of a year passes.
        sqlx::query("UPDATE admin_keys SET created_at = created_at - interval '91 days'")
            .execute(&s.service.db)
            .await
            .unwrap();
        let findings = doctor::examine(s.config.clone(), s.clock.clone(), Entropy::seeded(1)).await.unwrap();
        let of = |key: &NewKey| {
            let id = key.key.id.to_string();
            findings.iter().find(|finding| finding.found.contains(&id))
        };
        let found = of(&unused).unwrap();
        assert_eq!((found.check, found.state), ("API keys", State::Warning), "{found:?}");
        assert!(found.found.ends_with("has never been used"), "{found:?}");
        let fix = found.fix.as_ref().unwrap();
        assert!(fix.contains(&format!("countersign key revoke {} --admin", unused.key.id)), "{fix}");
        assert!(of(&used).is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_are_listed_without_the_values_of_arguments() {
    story(async |s| {
        grants(s).await;
        s.api().connect_user(BOB, "github").await;
        assert!(s.command(BOB, &format!("on {ISSUE}")).await.is_ok());
        s.lock("github.merge_pull_request").await;
        let api = admin(s).await;
        let ids = |reply: &Reply| -> Vec<String> {
            assert_eq!(reply.status, 200, "{reply:?}");
            reply.data().iter().map(|grant| grant["id"].as_str().unwrap().to_owned()).collect()
        };
        let all = ids(&get(&api, "grants", &[]).await);
        assert_eq!(all.len(), 3);
        // Page by page.
        let (mut paged, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let query: Vec<(&str, &str)> =
                [("limit", "1")].into_iter().chain(cursor.as_deref().map(|at| ("cursor", at))).collect();
            let page = get(&api, "grants", &query).await;
            paged.extend(ids(&page));
            cursor = page.body["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(paged, all);
        for (query, count) in [
            (("user", ALICE), 2),
            (("user", BOB), 1),
            (("action", ISSUE), 3),
            (("action", "github/create_issue"), 3),
            (("action", "github.merge_pull_request"), 0),
            (("action", "nothing.here"), 0),
            (("conversation", "c-1"), 1),
            (("conversation", "c-2"), 0),
            (("agent", "atlas"), 0),
        ] {
            assert_eq!(ids(&get(&api, "grants", &[query]).await).len(), count, "{query:?}");
        }
        let conversation = get(&api, "grants", &[("conversation", "c-1")]).await;
        assert_eq!(conversation.body["data"][0]["conversation"], "c-1");
        assert_eq!(conversation.body["data"][0]["backend"], "agents");
        for query in [("user", "alice"), ("action", "x"), ("limit", "0"), ("cursor", "!"), ("until", "now")] {
            assert_eq!(get(&api, "grants", &[query]).await.status, 422, "{query:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrowed_grant_shows_names_only() {
    story(async |s| {
        s.open(ISSUE).await;
        narrow(s, "c-1", fixed(s, &["title"])).await.unwrap();
        let value = s.call(ISSUE, "c-1").arguments["title"].as_str().unwrap().to_owned();
        let api = admin(s).await;
        let reply = get(&api, "grants", &[]).await;
        assert_eq!(
            reply.body["data"][0]["limits"],
            json!({ "fixed_arguments": ["title"], "agent": null, "expires_at": null, "max_uses": null, "uses_left": null })
        );
        assert!(!reply.text.contains(&value), "{reply:?}");
        let revoked = post(&api, "grants/revoke", Some(json!({ "user": ALICE }))).await;
        assert_eq!(revoked.body, json!({ "revoked": 1 }), "{revoked:?}");
        s.pass(TimeDelta::seconds(1));
        narrow(s, "c-2", uses(2)).await.unwrap();
        let reply = get(&api, "grants", &[]).await;
        assert_eq!(reply.body["data"][0]["limits"]["uses_left"], 2, "{reply:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_grant_covers_nothing_and_its_user_reads_why() {
    story(async |s| {
        grants(s).await;
        let key = create(s).await;
        let api = with(s, &key);
        let list = get(&api, "grants", &[]).await;
        let always = of_scope(&list, "always")["id"].as_str().unwrap().to_owned();
        let path = format!("grants/{always}/revoke");
        let revoked = post(&api, &path, Some(json!({ "reason": "Moved to <!here>" }))).await;
        // The one for the conversation goes with it: every request asks.
        assert_eq!((revoked.status, &revoked.body), (200, &json!({ "revoked": 2 })));
        for conversation in ["c-1", "c-2"] {
            assert_eq!(s.ask(&s.call(ISSUE, conversation)).await.approval_status(), "pending");
        }
        s.settled().await;
        let told = eventually("the user is told", async || {
            s.slack.direct_messages(ALICE).into_iter().find(|message| message.text().contains("revoked"))
        })
        .await;
        assert!(told.all_text().contains("Moved to <!here>"), "{}", told.all_text());
        // Again: nothing is left, and no one is told twice.
        let again = post(&api, &path, Some(json!({}))).await;
        assert_eq!((again.status, &again.body), (200, &json!({ "revoked": 0 })));
        let actor = Value::from(format!("Terraform ({})", key.key.id));
        let expected = (json!("operator"), actor, json!("api"));
        assert_eq!(audited(s, "grant.revoked").await, [expected.clone(), expected]);
        let shown =
            said(&mut on(s, &["audit", "search", "--what", "grant.revoked", "--since", "2020-01-01"]));
        assert!(shown.contains("Terraform (key_"), "{shown}");
        let unknown = post(&api, &format!("grants/{GRANT}/revoke"), Some(json!({}))).await;
        assert_eq!(problem(&unknown), (404, "urn:countersign:problem:unknown-grant"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_grants_of_a_person_or_for_an_action_are_revoked() {
    story(async |s| {
        grants(s).await;
        s.api().connect_user(BOB, "github").await;
        assert!(s.command(BOB, &format!("on {ISSUE}")).await.is_ok());
        let api = admin(s).await;
        let revoke = async |body: Value| post(&api, "grants/revoke", Some(body)).await;
        let of_bob = revoke(json!({ "user": BOB, "reason": "Offboarding" })).await;
        assert_eq!(of_bob.body, json!({ "revoked": 1 }), "{of_bob:?}");
        assert_eq!(get(&api, "grants", &[]).await.data().len(), 2);
        let for_action = revoke(json!({ "action": ISSUE })).await;
        assert_eq!(for_action.body, json!({ "revoked": 2 }), "{for_action:?}");
        assert_eq!(revoke(json!({ "action": ISSUE })).await.body, json!({ "revoked": 0 }));
        assert_eq!(s.live_grants().await, 0);
        // Nothing is revoked by a request that names nothing, or something that does not exist.
        for (body, pointer) in [
            (json!({}), ""),
            (json!({ "reason": "x" }), ""),
            (json!({ "user": "alice" }), "/user"),
            (json!({ "action": "x" }), "/action"),
            (json!({ "user": ALICE, "all": true }), "/all"),
            (json!({ "user": ALICE, "reason": "x".repeat(501) }), "/reason"),
        ] {
            let refused = revoke(body.clone()).await;
            assert_eq!((refused.status, refused.str("/errors/0/pointer")), (422, pointer), "{body}");
        }
        let unknown = revoke(json!({ "action": "nothing.here" })).await;
        assert_eq!(problem(&unknown), (404, "urn:countersign:problem:unknown-action"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_answer_no_request_is_covered() {
    for _ in 0..3 {
        story(async |s| {
            grants(s).await;
            let api = admin(s).await;
            let crowd = |from: usize| {
                (from..from + 24).map(|number| s.call(ISSUE, &format!("r-{number}"))).collect::<Vec<_>>()
            };
            // Requests are under way while it is revoked, and while it is revoked a second time.
            let body = || Some(json!({ "user": ALICE }));
            let (before, one, two) = tokio::join!(
                ask_at_once(s, crowd(0)),
                post(&api, "grants/revoke", body()),
                post(&api, "grants/revoke", body()),
            );
            assert_eq!((one.status, two.status), (200, 200), "{one:?} {two:?}");
            let revoked = |reply: &Reply| reply.body["revoked"].as_u64().unwrap();
            assert_eq!(revoked(&one) + revoked(&two), 2);
            assert!(before.iter().all(Reply::is_success));
            let after = ask_at_once(s, crowd(24)).await;
            assert!(after.iter().all(|reply| reply.approval_status() == "pending"), "{after:?}");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_workspace_has_is_not_found() {
    story(async |s| {
        grants(s).await;
        delegate(s, ALICE, BOB).await;
        elsewhere(s).await;
        let other = workspaces::install(&s.service, "T0ELSEWHERE", "Elsewhere").await.unwrap();
        let (ours, theirs) = (admin(s).await, with(s, &create_in(s, other, None).await));
        let grant = get(&ours, "grants", &[]).await.body["data"][0]["id"].as_str().unwrap().to_owned();
        let delegation =
            get(&ours, "delegations", &[]).await.body["data"][0]["id"].as_str().unwrap().to_owned();
        let backend = get(&ours, "backends", &[]).await.body["data"][0]["id"].as_str().unwrap().to_owned();
        for list in ["grants", "delegations"] {
            assert_eq!(get(&theirs, list, &[]).await.data().len(), 0, "{list}");
        }
        assert!(!get(&theirs, "backends", &[]).await.text.contains(&backend));
        for (path, body, kind) in [
            (format!("grants/{grant}/revoke"), Some(json!({})), "unknown-grant"),
            (format!("delegations/{delegation}/end"), None, "unknown-delegation"),
            (format!("backends/{backend}/webhook-deliveries/{DELIVERY}/redeliver"), None, "unknown-delivery"),
        ] {
            let refused = post(&theirs, &path, body).await;
            assert_eq!(
                problem(&refused),
                (404, format!("urn:countersign:problem:{kind}").as_str()),
                "{path}"
            );
        }
        let listed = get(&theirs, &format!("backends/{backend}/webhook-deliveries"), &[]).await;
        assert_eq!(problem(&listed), (404, "urn:countersign:problem:unknown-backend"));
        assert_eq!(post(&theirs, "grants/revoke", Some(json!({ "user": ALICE }))).await.body["revoked"], 0);
        let locked = post(&theirs, "actions/github/create_issue/lock", None).await;
        assert_eq!(locked.status, 200, "{locked:?}");
        assert_eq!(s.ask(&s.call(ISSUE, "c-7")).await.approval_status(), "approved");
        assert_eq!(get(&ours, "delegations", &[]).await.data().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_is_unlocked_limited_and_locked() {
    story(async |s| {
        s.put("github").await;
        s.connect(ALICE, "github").await;
        let api = admin(s).await;
        let path = "actions/github/create_issue";
        let unlock = async |body: Value| post(&api, "actions/github/create_issue/unlock", Some(body)).await;
        let before = get(&api, path, &[]).await;
        assert_eq!((&before.body["unlocked"], &before.body["unlocked_for"]), (&json!(false), &Value::Null));
        let version = before.body["version"].as_i64().unwrap();
        let stale = unlock(json!({ "unlocked_for": "always", "version": version + 1 })).await;
        assert_eq!(problem(&stale), (409, "urn:countersign:problem:changed-since-shown"));
        let done = unlock(json!({ "unlocked_for": "always", "version": version })).await;
        assert_eq!((done.status, &done.body["unlocked_for"]), (200, &json!("always")), "{done:?}");
        assert_eq!(get(&api, path, &[]).await.body, done.body);
        grants_again(s).await;
        // Less: what covers every conversation ends, what is for one stays.
        let less = unlock(json!({ "unlocked_for": "conversations" })).await;
        assert_eq!(less.body["unlocked_for"], "conversations", "{less:?}");
        let left = get(&api, "grants", &[]).await;
        assert!(left.data().iter().all(|grant| grant["scope"] == "conversation"), "{left:?}");
        let entries = s.audits("action.scope_changed").await;
        assert_eq!(unlock(json!({ "unlocked_for": "conversations" })).await.body, less.body);
        assert_eq!(s.audits("action.scope_changed").await, entries);
        let locked = post(&api, "actions/github/create_issue/lock", None).await;
        assert_eq!((locked.status, &locked.body["unlocked"]), (200, &json!(false)), "{locked:?}");
        assert_eq!(s.live_grants().await, 0);
        assert_eq!(post(&api, "actions/github/create_issue/lock", None).await.body, locked.body);
        assert_eq!(s.audits("action.locked").await, 1);
        assert!(audited(s, "action.unlocked").await[0].1.as_str().unwrap().starts_with("Terraform (key_"));
        for (body, pointer) in [
            (json!({}), "/unlocked_for"),
            (json!({ "unlocked_for": "once" }), "/unlocked_for"),
            (json!({ "unlocked_for": "always", "version": 0 }), "/version"),
            (json!({ "unlocked_for": "always", "for": "always" }), "/for"),
        ] {
            let refused = unlock(body.clone()).await;
            assert_eq!((refused.status, refused.str("/errors/0/pointer")), (422, pointer), "{body}");
        }
        let unknown = post(&api, "actions/github/nothing/lock", None).await;
        assert_eq!(problem(&unknown), (404, "urn:countersign:problem:unknown-action"));
    })
    .await;
}

/// Has Alice always auto-approve the action, which is unlocked.
async fn grants_again(s: &TestApp) {
    assert!(s.command(ALICE, &format!("on {ISSUE}")).await.is_ok());
    s.settled().await;
    assert_eq!(s.live_grants().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_are_listed_and_read_only_ones_unlocked_together() {
    story(async |s| {
        s.put("github").await;
        s.put("salesforce").await;
        let api = admin(s).await;
        let (mut paged, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let query: Vec<(&str, &str)> =
                [("limit", "3")].into_iter().chain(cursor.as_deref().map(|at| ("cursor", at))).collect();
            let page = get(&api, "actions", &query).await;
            let path =
                |action: &Value| format!("{}.{}", action["integration"].as_str().unwrap(), action["action"].as_str().unwrap());
            paged.extend(page.data().iter().map(path));
            cursor = page.body["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        let all: Vec<String> = sqlx::query_scalar(
            "SELECT i.key || '.' || a.key FROM actions a JOIN integrations i ON i.id = a.integration_id ORDER BY i.key, a.key",
        )
        .fetch_all(&s.service.db)
        .await
        .unwrap();
        assert_eq!(paged, all);
        let unlock = async |key: &str| {
            let path = format!("integrations/{key}/unlock-read-only");
            post(&api, &path, Some(json!({ "unlocked_for": "conversations" }))).await
        };
        let done = unlock("github").await;
        let count = done.body["unlocked"].as_u64().unwrap();
        assert!(count > 0 && done.body["left_out"] == 0, "{done:?}");
        let unlocked = get(&api, "actions", &[("unlocked", "true"), ("limit", "100")]).await;
        assert_eq!(unlocked.data().len() as u64, count);
        assert!(unlocked.data().iter().all(|action| {
            action["read_only"] == true && action["unlocked_for"] == "conversations" && action["integration"] == "github"
        }));
        assert_eq!(unlock("github").await.body, json!({ "unlocked": 0, "left_out": 0 }));
        let unknown = unlock("nothing").await;
        assert_eq!(problem(&unknown), (404, "urn:countersign:problem:unknown-integration"));
        let others = get(&api, "actions", &[("integration", "salesforce"), ("unlocked", "false")]).await;
        assert!(!others.data().is_empty() && others.data().iter().all(|action| action["integration"] == "salesforce"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_webhook_is_sent_again_once() {
    story(async |s| {
        s.open(ISSUE).await;
        s.backend.answer_with(Answer::Status(500, Vec::new()));
        let (id, prompt) = s.prompt(&s.call(ISSUE, "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        let api = admin(s).await;
        let backend = get(&api, "backends", &[]).await.body["data"][0]["id"].as_str().unwrap().to_owned();
        let deliveries = format!("backends/{backend}/webhook-deliveries");
        let failed = eventually("the failed attempt", async || {
            let list = get(&api, &deliveries, &[("status", "pending")]).await;
            let first = list.data().first()?.clone();
            (first["attempt_count"] == 1 && first["last_error"].is_string()).then_some(first)
        })
        .await;
        assert!(get(&api, "backends", &[]).await.body["data"][0]["webhook_failing_since"].is_string());
        s.backend.answer_with(Answer::Take);
        let path = format!("{deliveries}/{}/redeliver", failed["id"].as_str().unwrap());
        let (one, two) = tokio::join!(post(&api, &path, None), post(&api, &path, None));
        assert_eq!((one.status, two.status), (202, 202), "{one:?} {two:?}");
        s.received_webhook(&id).await;
        s.settled().await;
        assert_eq!(audited(s, "webhook.redelivered").await.len(), 1);
        assert_eq!(get(&api, &deliveries, &[("status", "dead")]).await.data().len(), 0);
        let unknown = post(&api, &format!("{deliveries}/{DELIVERY}/redeliver"), None).await;
        assert_eq!(problem(&unknown), (404, "urn:countersign:problem:unknown-delivery"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegation_is_ended_and_both_are_told() {
    story(async |s| {
        s.open(ISSUE).await;
        delegate(s, ALICE, BOB).await;
        let api = admin(s).await;
        let listed = get(&api, "delegations", &[("user", BOB)]).await;
        let delegation = listed.data()[0].clone();
        assert_eq!((&delegation["user"], &delegation["delegate"]), (&json!(ALICE), &json!(BOB)));
        assert_eq!(get(&api, "delegations", &[("user", ADMIN)]).await.data().len(), 0);
        let path = format!("delegations/{}/end", delegation["id"].as_str().unwrap());
        for _ in 0..2 {
            assert_eq!(post(&api, &path, None).await.status, 204);
        }
        s.settled().await;
        for person in [ALICE, BOB] {
            let told = eventually("a person is told", async || {
                let all = s.slack.direct_messages(person);
                all.into_iter()
                    .find(|message| message.all_text().contains("The operator of Countersign ended it."))
            });
            told.await;
        }
        assert_eq!(get(&api, "delegations", &[]).await.data().len(), 0);
        assert_eq!(audited(s, "delegation.ended").await.len(), 1);
        // The command does the same.
        s.pass(TimeDelta::seconds(1));
        delegate(s, ALICE, BOB).await;
        let unknown = complaint(&mut on(s, &["delegation", "end", DELEGATION]));
        assert!(unknown.contains("unknown delegation"), "{unknown}");
        let id = get(&api, "delegations", &[]).await.body["data"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(said(&mut on(s, &["delegation", "end", &id])), "Ended. Both get a message.\n");
        assert_eq!(said(&mut on(s, &["delegation", "end", &id])), "It had ended already.\n");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_those_of_the_command() {
    story(async |s| {
        s.open(ISSUE).await;
        let (id, prompt) = s.prompt(&s.call(ISSUE, "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        s.received_webhook(&id).await;
        let stats = get(&admin(s).await, "stats", &[]).await;
        assert_eq!(stats.status, 200, "{stats:?}");
        let alice = &stats.body["data"][0];
        assert_eq!((&alice["user"], &alice["approved_last_7_days"]), (&json!(ALICE), &json!(1)));
        assert_eq!((&alice["most_frequent_action"], &alice["advice"]), (&json!(ISSUE), &Value::Null));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_manages_admin_keys() {
    story(async |s| {
        let created: Value = serde_json::from_str(&said(&mut on(
            s,
            &["key", "create", "--admin", "--name", "Terraform", "--expires-in", "9999h", "--json"],
        )))
        .unwrap();
        assert_eq!(created["name"], "Terraform");
        let secret = created["api_key"].as_str().unwrap();
        assert!(secret.starts_with("csa_"), "{created}");
        assert_eq!(get(&s.backend.api_with_key(secret), "grants", &[]).await.status, 200);
        let id = created["id"].as_str().unwrap();
        let list = said(&mut on(s, &["key", "list", "--admin"]));
        assert!(list.starts_with("Terraform ") && list.contains(id) && list.contains("admin"), "{list}");
        assert!(said(&mut on(s, &["key", "list"])).contains(id));
        assert!(!said(&mut on(s, &["key", "list", "--backend", "agents"])).contains(id));
        let rotated = said(&mut on(s, &["key", "rotate", id, "--admin", "--overlap", "0"]));
        assert!(rotated.contains("Replaced keys no longer work."), "{rotated}");
        assert_eq!(get(&s.backend.api_with_key(secret), "grants", &[]).await.status, 401);
        let again = complaint(&mut on(s, &["key", "rotate", id, "--admin"]));
        assert!(again.contains("the workspace has no admin key"), "{again}");
        let revoked = said(&mut on(s, &["key", "revoke", "--all", "--admin"]));
        assert!(revoked.starts_with("Revoked: key_"), "{revoked}");
        assert_eq!(
            said(&mut on(s, &["key", "revoke", "--all", "--admin"])),
            "Nothing to revoke: the workspace has no working admin key.\n"
        );
        // What an admin key can't have, and what it must have.
        for wrong in [
            &["key", "create", "--admin"][..],
            &["key", "create", "--admin", "--name", "x", "--backend", "agents"],
            &["key", "create", "--admin", "--name", "x", "--scopes", "ask"],
            &["key", "create", "--admin", "--name", "x", "--user", ALICE],
            &["key", "create", "--name", "x", "--backend", "agents"],
            &["key", "create"],
        ] {
            assert!(!complaint(&mut on(s, wrong)).is_empty(), "{wrong:?}");
        }
        // A backend's key can't be rotated into one.
        let agents: Value =
            serde_json::from_str(&said(&mut on(s, &["key", "list", "--backend", "agents", "--json"])))
                .unwrap();
        let own = agents[0]["id"].as_str().unwrap();
        assert!(complaint(&mut on(s, &["key", "rotate", own, "--admin"])).contains("has no admin key"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_paused_and_resumed() {
    story(async |s| {
        grants(s).await;
        let api = admin(s).await;
        let body = json!({ "agent": "scout", "reason": "Sends too much" });
        let paused = post(&api, "pauses", Some(body.clone())).await;
        assert_eq!(paused.status, 200, "{paused:?}");
        let (id, by) = (paused.str("/id").to_owned(), paused.str("/paused_by/id").to_owned());
        assert!(id.starts_with("pau_") && by.starts_with("Terraform (key_"), "{paused:?}");
        assert_eq!(paused.body["requests"], "held");
        assert_eq!(s.ask(&s.call(ISSUE, "c-1")).await.approval_status(), "pending");
        // The response was lost, so the program repeats its call.
        assert_eq!(post(&api, "pauses", Some(body)).await.body, paused.body);
        assert_eq!(get(&api, "pauses", &[]).await.data(), std::slice::from_ref(&paused.body));
        let denied = json!({ "agent": "scout", "requests": "denied", "reason": "Sends too much" });
        let denied = post(&api, "pauses", Some(denied)).await;
        assert_eq!((denied.status, &denied.body["requests"]), (200, &json!("denied")));
        assert_eq!(s.ask(&s.call(ISSUE, "c-1")).await.approval_status(), "denied");
        let gone = post(&api, &format!("pauses/{id}/resume"), None).await;
        assert_eq!(problem(&gone), (404, "urn:countersign:problem:unknown-pause"), "it was replaced");
        let id = denied.str("/id");
        assert_eq!(post(&api, &format!("pauses/{id}/resume"), None).await.status, 204);
        let again = post(&api, &format!("pauses/{id}/resume"), None).await;
        assert_eq!(problem(&again), (404, "urn:countersign:problem:unknown-pause"));
        assert_eq!(s.ask(&s.call(ISSUE, "c-1")).await.approval_status(), "approved");
        assert!(get(&api, "pauses", &[]).await.data().is_empty());
        let operator = |id: &str| (json!("operator"), json!(id), json!("api"));
        assert_eq!(audited(s, "agent.paused").await, [operator(&by), operator(&by)]);
        assert_eq!(audited(s, "agent.resumed").await, [operator(&by)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pauses_are_listed_page_by_page_and_checked() {
    story(async |s| {
        let api = admin(s).await;
        let backends = get(&api, "backends", &[]).await;
        let backend = backends.data()[0]["id"].as_str().unwrap().to_owned();
        for agent in ["scout", "nova"] {
            // Ids of one millisecond have no order.
            s.clock.advance(TimeDelta::milliseconds(1));
            let body = json!({ "backend": backend, "agent": agent, "reason": "Loop" });
            assert_eq!(post(&api, "pauses", Some(body)).await.status, 200);
        }
        let first = get(&api, "pauses", &[("limit", "1")]).await;
        let cursor = first.str("/next_cursor").to_owned();
        let second = get(&api, "pauses", &[("limit", "1"), ("cursor", &cursor)]).await;
        assert_eq!(second.body["next_cursor"], Value::Null);
        let agents = [&first, &second].map(|page| page.data()[0]["agent"].clone());
        assert_eq!(agents, [json!("scout"), json!("nova")]);
        for (body, status, pointer) in [
            (json!({ "reason": "Loop" }), 422, ""),
            (json!({ "agent": "scout" }), 422, "/reason"),
            (json!({ "agent": "scout", "reason": "x", "requests": "dropped" }), 422, "/requests"),
            (json!({ "backend": "agents", "reason": "x" }), 422, "/backend"),
        ] {
            let reply = post(&api, "pauses", Some(body.clone())).await;
            assert_eq!((reply.status, reply.str("/errors/0/pointer")), (status, pointer), "{body}");
        }
        let unknown = post(&api, "pauses", Some(json!({ "backend": BACKEND, "reason": "x" }))).await;
        assert_eq!(problem(&unknown), (404, "urn:countersign:problem:unknown-backend"));
    })
    .await;
}
