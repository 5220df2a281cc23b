//! Permits: an approval is used once, for what was approved, and never after the grant behind it was turned off.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use countersign::{
    domain::{
        decisions::Choice,
        grants::Scope,
        ids::{GrantId, UserId},
        people::{ActingUser, PersonKind},
    },
    service::{
        decide::{self, Click},
        turn_off,
        workspaces::Origin,
    },
};
use futures::future::join_all;
use proptest::{collection::vec, prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use sandbox::{backend::Reply, slack::names};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::{
    api::{pointers, problem},
    racing::waiting,
    story::{ALICE, TestApp, eventually, story},
};

const ACTION: &str = "github.create_issue";
/// The digest of no arguments that a test approves.
const OTHER: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// An approval that Alice gave with a click: its id, and the digest of what she approved.
async fn approved(s: &TestApp, conversation: &str) -> (String, String) {
    let (id, prompt) = s.prompt(&s.call(ACTION, conversation)).await;
    assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
    s.received_webhook(&id).await;
    let digest = digest(&s.api().get(&id).await);
    (id, digest)
}

fn digest(approval: &Reply) -> String {
    approval.str("/arguments_digest").to_owned()
}

/// Asks, and has Alice auto-approve always; the grant's id. Not over HTTP: other tests show that this is what a click does.
async fn always(s: &TestApp, conversation: &str) -> String {
    let asked = s.ask(&s.call(ACTION, conversation)).await;
    assert_eq!(asked.approval_status(), "pending", "{asked:?}");
    let click = Click {
        workspace: names::TEAM.to_owned(),
        approval: asked.id().parse().unwrap(),
        acting_user: ActingUser { user: UserId::parse(ALICE).unwrap(), kind: PersonKind::Member },
        request: None,
    };
    let approval = decide::decide(&s.service, &click, &Choice::Approve(Scope::Always)).await.unwrap();
    approval.decision.unwrap().grant().unwrap().to_string()
}

/// Has Alice turn a grant off. Not over HTTP: other tests show that this is what a click does.
async fn turn_off(s: &TestApp, grant: &str) {
    let origin = Origin { workspace: names::TEAM, request: None };
    let grant: GrantId = grant.parse().unwrap();
    turn_off::turn_off(&s.service, origin, &UserId::parse(ALICE).unwrap(), grant).await.unwrap();
}

fn refused(reply: &Reply) -> (u16, String) {
    (reply.status, problem(reply).to_owned())
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permit_is_used_once() {
    story(async |s| {
        let (id, digest) = approved(s, "c-1").await;
        let used = s.api().take_permit(&id, &digest, "").await;
        assert_eq!(used.status, 200, "{used:?}");
        assert_eq!((used.str("/approval"), used.str("/arguments_digest")), (&*id, &*digest));
        let (key, at) = (used.str("/key"), used.str("/used_at"));
        assert!(s.key().starts_with(&key.replace("key_", "cs_")), "{key}");
        s.advance_until_idle(TimeDelta::seconds(5)).await;
        let again = s.api().take_permit(&id, &digest, "").await;
        assert_eq!(refused(&again), is(409, "permit-used"));
        assert_eq!(again.body["permit"], used.body, "it says when, and with which key");
        let detail = again.str("/detail");
        assert!(detail.contains(key) && detail.contains(&at[..19]), "{detail}");
        let audit = s.api().audit(&[("limit", "100")]).await;
        let entry = audit.data().iter().find(|entry| entry["what"] == "permit.used").unwrap();
        assert_eq!((&entry["approval"], &entry["actor"]["kind"]), (&json!(id), &json!("backend")));
        assert_eq!(entry["after"], json!({ "arguments_digest": digest, "key": key }));
        assert_eq!(s.audited("permit.refused", &id).await, 1);
        let found = s.api().audit(&[("what", "permit.used")]).await;
        assert_eq!(found.data().len(), 1, "the search finds it");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_callers_at_the_same_time_one_gets_the_permit() {
    story(async |s| {
        let (id, digest) = approved(s, "c-1").await;
        let replies = join_all((0..16).map(|_| async { s.api().take_permit(&id, &digest, "").await })).await;
        let used = replies.iter().filter(|reply| reply.status == 200).count();
        assert_eq!(used, 1);
        assert!(replies.iter().all(|reply| reply.status == 200 || refused(reply) == is(409, "permit-used")));
        assert_eq!(s.audited("permit.used", &id).await, 1);
        assert_eq!(s.audited("permit.refused", &id).await, 1, "of each reason, the first");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_call_is_answered_as_the_first_one() {
    story(async |s| {
        let (id, digest) = approved(s, "c-1").await;
        let replies =
            join_all((0..8).map(|_| async { s.api().take_permit(&id, &digest, "run-1").await })).await;
        assert!(
            replies.iter().all(|reply| reply.status == 200 && reply.body == replies[0].body),
            "{replies:?}"
        );
        let replayed = |reply: &&Reply| reply.header("idempotency-replayed") == "true";
        assert_eq!(replies.iter().filter(replayed).count(), 7);
        assert_eq!(s.audited("permit.used", &id).await, 1);
        let other = s.api().take_permit(&id, &digest, "run-2").await;
        assert_eq!(refused(&other), is(409, "permit-used"));
        let elsewhere = approved(s, "c-2").await;
        assert_eq!(s.api().take_permit(&elsewhere.0, &elsewhere.1, "run-1").await.status, 200);
        let wrong = s.api().take_permit(&id, OTHER, "run-1").await;
        assert_eq!(refused(&wrong), is(422, "other-arguments"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_approved_call_has_a_permit() {
    story(async |s| {
        let refuses = async |id: &str, status: &str| {
            let digest = digest(&s.api().get(id).await);
            let reply = s.api().take_permit(id, &digest, "").await;
            assert_eq!(refused(&reply), is(409, "not-approved"), "{status}");
            assert_eq!(reply.body["approval"]["status"], status);
        };
        let (denied, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        refuses(&denied, "pending").await;
        assert!(s.click(ALICE, &prompt, "Deny").await.is_ok());
        refuses(&denied, "denied").await;
        let (cancelled, _) = s.prompt(&s.call(ACTION, "c-2")).await;
        assert_eq!(s.api().cancel(&cancelled).await.status, 200);
        refuses(&cancelled, "cancelled").await;
        let (expired, _) = s.prompt(&s.call(ACTION, "c-3").expiring_in(60)).await;
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        s.received_webhook(&expired).await;
        refuses(&expired, "expired").await;
        assert_eq!(s.audited("permit.refused", &denied).await, 1, "pending and denied are one reason");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn something_else_is_refused_and_its_user_told_once() {
    story(async |s| {
        let (id, digest) = approved(s, "c-1").await;
        let prompt = s.shown(ALICE, &id).await;
        for _ in 0..5 {
            let reply = s.api().take_permit(&id, OTHER, "").await;
            assert_eq!(refused(&reply), is(422, "other-arguments"));
            assert_eq!(reply.body["approval"]["id"], id);
        }
        let warning =
            "⚠ The agent tried to run something other than what was approved. Countersign refused it.";
        let told =
            || s.slack.direct_messages(ALICE).iter().filter(|told| told.text().starts_with(warning)).count();
        s.until(&prompt, |message| message.text().starts_with(warning)).await;
        eventually("the message", async || (told() == 2).then_some(())).await;
        s.advance_until_idle(TimeDelta::minutes(5)).await;
        assert_eq!(told(), 2, "the prompt and one message");
        assert_eq!(s.audited("permit.refused", &id).await, 1);
        let audit = s.api().audit(&[("what", "permit.refused")]).await;
        assert_eq!(audit.data()[0]["after"]["arguments_digest"], OTHER);
        assert_eq!(s.api().take_permit(&id, &digest, "").await.status, 200, "what was approved still runs");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ran_without_asking_is_told_of_too() {
    story(async |s| {
        s.open(ACTION).await;
        always(s, "c-1").await;
        let auto = s.ask(&s.call(ACTION, "c-2")).await;
        assert_eq!(refused(&s.api().take_permit(auto.id(), OTHER, "").await), is(422, "other-arguments"));
        let told = |text: &str| text.contains("tried to run something other");
        eventually("the message", async || {
            s.slack.direct_messages(ALICE).iter().any(|one| told(one.text())).then_some(())
        })
        .await;
        let digest = digest(&auto);
        assert_eq!(s.api().take_permit(auto.id(), &digest, "").await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permit_lapses_a_day_after_the_decision() {
    story(async |s| {
        let (early, late) = (approved(s, "c-1").await, approved(s, "c-2").await);
        s.advance_until_idle(TimeDelta::hours(24) - TimeDelta::minutes(2)).await;
        assert_eq!(s.api().take_permit(&early.0, &early.1, "k").await.status, 200);
        s.advance_until_idle(TimeDelta::minutes(3)).await;
        let reply = s.api().take_permit(&late.0, &late.1, "").await;
        assert_eq!(refused(&reply), is(409, "permit-lapsed"));
        assert_eq!(s.audited("permit.refused", &late.0).await, 1);
        assert_eq!(
            s.api().take_permit(&early.0, &early.1, "k").await.status,
            200,
            "a repeat, whatever the time"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn turning_off_takes_the_unused_permits_back() {
    story(async |s| {
        s.open(ACTION).await;
        let grant = always(s, "c-1").await;
        let [used, unused] = [s.ask(&s.call(ACTION, "c-2")).await, s.ask(&s.call(ACTION, "c-2")).await];
        let once = {
            s.lock(ACTION).await;
            let once = approved(s, "c-3").await;
            s.open(ACTION).await;
            once
        };
        assert_eq!(s.live_grants().await, 0, "locking ended the first one");
        assert_eq!(
            refused(&s.api().take_permit(used.id(), &digest(&used), "").await),
            is(409, "permit-revoked")
        );
        assert_eq!(s.api().take_permit(&once.0, &once.1, "").await.status, 200, "no grant is behind it");
        assert!(!grant.is_empty());
        let grant = always(s, "c-4").await;
        let [used, later] = [s.ask(&s.call(ACTION, "c-2")).await, s.ask(&s.call(ACTION, "c-2")).await];
        let digest = digest(&used);
        assert_eq!(s.api().take_permit(used.id(), &digest, "run-1").await.status, 200);
        turn_off(s, &grant).await;
        for (reply, key) in [(&used, "run-1"), (&later, "run-1"), (&later, ""), (&unused, "")] {
            let refusal = s.api().take_permit(reply.id(), &digest, key).await;
            assert_eq!(refused(&refusal), is(409, "permit-revoked"), "{key}");
        }
        assert_eq!(refused(&s.api().take_permit(used.id(), &digest, "").await), is(409, "permit-used"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_whose_time_is_over_keeps_what_it_approved() {
    story(async |s| {
        s.open(ACTION).await;
        let grant = always(s, "c-1").await;
        for (why, status) in [
            ("expired", 200),
            ("used_up", 200),
            ("conversation_silent", 200),
            ("conversation_closed", 409),
            ("no_member", 409),
            ("of a later version", 409),
        ] {
            let sql = "UPDATE grants SET revoked_at = NULL, revoked_by = NULL, revoked_why = NULL";
            sqlx::raw_sql(sql).execute(&s.service.db).await.unwrap();
            let auto = s.ask(&s.call(ACTION, "c-2")).await;
            assert_eq!(auto.approval_status(), "approved");
            let sql = format!(
                "UPDATE grants SET revoked_at = now(), revoked_by = 'service', revoked_why = '{why}'"
            );
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&s.service.db).await.unwrap();
            assert_eq!(s.api().take_permit(auto.id(), &digest(&auto), "").await.status, status, "{why}");
        }
        assert!(!grant.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permit_waits_for_a_revocation_that_is_under_way() {
    story(async |s| {
        s.open(ACTION).await;
        let grant = always(s, "c-1").await;
        let grant: GrantId = grant.parse().unwrap();
        let auto = s.ask(&s.call(ACTION, "c-2")).await;
        let mut revocation = s.service.db.begin().await.unwrap();
        sqlx::query(
            "UPDATE grants SET revoked_at = now(), revoked_by = 'U0ALICE', revoked_why = 'turned_off' WHERE id = $1",
        )
        .bind(grant.uuid())
        .execute(&mut *revocation)
        .await
        .unwrap();
        let (api, id, digest) = (s.api(), auto.id().to_owned(), digest(&auto));
        let usage = tokio::spawn(async move { api.take_permit(&id, &digest, "").await });
        waiting(s, 1).await;
        revocation.commit().await.unwrap();
        assert_eq!(refused(&usage.await.unwrap()), is(409, "permit-revoked"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_backend_finds_no_approval_to_use() {
    story(async |s| {
        let (id, digest) = approved(s, "c-1").await;
        let (key, _) = s.create_backend("Others").await;
        let foreign = s.api().with_key(&key).take_permit(&id, &digest, "").await;
        assert_eq!(refused(&foreign), is(404, "unknown-approval"));
        let anyone = s.api().with_key("").take_permit(&id, &digest, "").await;
        assert_eq!(refused(&anyone), is(401, "unauthenticated"));
        for unknown in ["apr_0192f7c3a4b57d0e8f1a2b3c4d5e6f70", "nonsense"] {
            let reply = s.api().take_permit(unknown, &digest, "").await;
            assert_eq!(refused(&reply), is(404, "unknown-approval"), "{unknown}");
        }
        for wrong in ["", "sha256:", &digest[7..], &digest.to_uppercase(), &format!("{digest}0")] {
            let reply = s.api().take_permit(&id, wrong, "").await;
            assert_eq!((reply.status, pointers(&reply)), (422, vec!["/arguments_digest"]), "{wrong}");
        }
        assert_eq!(s.api().take_permit(&id, &digest, "").await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn permits_never_change() {
    story(async |s| {
        let (id, digest) = approved(s, "c-1").await;
        assert_eq!(s.api().take_permit(&id, &digest, "").await.status, 200);
        for sql in ["UPDATE permits SET used_at = now()", "DELETE FROM permits"] {
            assert!(sqlx::raw_sql(AssertSqlSafe(sql)).execute(&s.service.db).await.is_err(), "{sql}");
        }
        assert_eq!(s.api().get(&id).await.body["result"], Value::Null, "the approval is as it was");
    })
    .await;
}

/// What happens in one round, in milliseconds after its beginning: the calls that use each of the approvals, each with
/// its idempotency key, and when Alice turns the grant off.
#[derive(Debug, Clone)]
struct History {
    uses: Vec<Vec<(u64, u8)>>,
    turned_off_after: u64,
}

fn histories() -> impl Strategy<Value = History> {
    let uses = vec(vec((0..30u64, 0..3u8), 1..5), 1..5);
    (uses, 0..30u64).prop_map(|(uses, turned_off_after)| History { uses, turned_off_after })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_history_uses_a_permit_twice_or_after_a_revocation() {
    story(async |s| {
        s.open(ACTION).await;
        let mut runner = TestRunner::deterministic();
        let (mut used, mut revoked) = (0, 0);
        for round in 0..40 {
            let history = histories().new_tree(&mut runner).unwrap().current();
            let grant = always(s, &format!("c-{round}")).await;
            let mut approvals = Vec::new();
            for _ in &history.uses {
                let auto = s.ask(&s.call(ACTION, "c-auto")).await;
                assert_eq!(auto.approval_status(), "approved");
                approvals.push((auto.id().to_owned(), digest(&auto)));
            }
            let calls =
                approvals.iter().zip(&history.uses).enumerate().flat_map(|(at, ((id, digest), uses))| {
                    uses.iter().map(move |(after, key)| (at, id.clone(), digest.clone(), *after, *key))
                });
            let calls = join_all(calls.map(|(at, id, digest, after, key)| {
                let api = s.api();
                async move {
                    tokio::time::sleep(Duration::from_millis(after)).await;
                    let began = Instant::now();
                    let key = if key == 0 { String::new() } else { format!("k-{key}") };
                    (at, began, api.take_permit(&id, &digest, &key).await)
                }
            }));
            let turning_off = async {
                tokio::time::sleep(Duration::from_millis(history.turned_off_after)).await;
                turn_off(s, &grant).await;
                Instant::now()
            };
            let (replies, turned_off) = tokio::join!(calls, turning_off);
            let mut first = vec![0; approvals.len()];
            for (at, began, reply) in &replies {
                match reply.status {
                    200 => {
                        assert!(*began < turned_off, "used after the revocation was confirmed: {history:?}");
                        first[*at] += usize::from(reply.header("idempotency-replayed").is_empty());
                        used += 1;
                    }
                    409 => revoked += usize::from(problem(reply) == "permit-revoked"),
                    _ => panic!("{reply:?} in {history:?}"),
                }
            }
            assert!(first.iter().all(|count| *count <= 1), "used twice: {history:?}");
            for ((id, digest), first) in approvals.iter().zip(first) {
                for key in ["", "k-1", "k-2"] {
                    let later = s.api().take_permit(id, digest, key).await;
                    assert_eq!(later.status, 409, "{later:?} in {history:?}");
                }
                assert_eq!(s.audited("permit.used", id).await, i64::try_from(first).unwrap());
            }
        }
        assert!(used > 20 && revoked > 20, "both sides won often enough: {used}, {revoked}");
    })
    .await;
}
