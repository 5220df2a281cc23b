//! Standing permissions end: immediately, permanently, and for every later request.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use countersign::{
    domain::{
        decisions::Choice,
        grants::{SILENCE, Scope},
        ids::UserId,
        people::{ActingUser, PersonKind},
    },
    service::{decide, decide::Click},
};
use sandbox::{
    backend::Ask,
    slack::{Misbehaviour, User, names},
};
use serde_json::json;

use crate::{
    crowd::crowded_story,
    story::{ALICE, BOB, TestApp, eventually, story},
};

const ACTION: &str = "github.create_issue";

/// Asks, and has Alice approve with this scope; the grant's id. Not over HTTP: other tests show that this is what a
/// click does.
async fn grant(s: &TestApp, ask: &Ask, scope: Scope) -> String {
    let asked = s.ask(ask).await;
    assert_eq!(asked.approval_status(), "pending", "{asked:?}");
    let click = Click {
        workspace: names::TEAM.to_owned(),
        approval: asked.id().parse().unwrap(),
        acting_user: ActingUser { user: UserId::parse(&ask.user).unwrap(), kind: PersonKind::Member },
        request: None,
    };
    let approval = decide::decide(&s.service, &click, &Choice::Approve(scope)).await.unwrap();
    let grant = approval.decision.unwrap().grant().unwrap().to_string();
    assert_eq!(s.ask(ask).await.approval_status(), "approved");
    grant
}

/// Has Alice press *Turn off*.
async fn turn_off(s: &TestApp, grant: &str) {
    let payload = json!({
        "type": "block_actions",
        "team": { "id": names::TEAM },
        "user": { "id": ALICE, "team_id": names::TEAM },
        "actions": [{ "action_id": "turn_off", "type": "button", "value": grant }],
    });
    let delivery = s.slack.forge_block_actions(payload).await;
    assert!(delivery.is_ok(), "{delivery:?}");
}

/// Asks once more, and expects that a person is asked.
async fn asks(s: &TestApp, ask: &Ask) {
    assert_eq!(s.ask(ask).await.approval_status(), "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn turning_off_works_in_the_conversation_that_is_under_way() {
    story(async |s| {
        s.open(ACTION).await;
        for scope in [Scope::Conversation, Scope::Always] {
            let ask = s.call(ACTION, "c-1");
            let grant = grant(s, &ask, scope).await;
            turn_off(s, &grant).await;
            asks(s, &ask).await;
            asks(s, &s.call(ACTION, "c-2")).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn locking_ends_everybodys_grants_and_unlocking_brings_none_back() {
    story(async |s| {
        s.open(ACTION).await;
        s.api().connect_user(BOB, "github").await;
        let mut bobs = s.call(ACTION, "c-2");
        BOB.clone_into(&mut bobs.user);
        let alices = s.call(ACTION, "c-1");
        grant(s, &alices, Scope::Always).await;
        grant(s, &bobs, Scope::Conversation).await;
        s.lock(ACTION).await;
        assert_eq!(s.live_grants().await, 0);
        asks(s, &alices).await;
        s.unlock(ACTION).await;
        asks(s, &alices).await;
        asks(s, &bobs).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn disconnecting_ends_the_users_own_grants_and_reconnecting_brings_none_back() {
    story(async |s| {
        s.open(ACTION).await;
        s.api().connect_user(BOB, "github").await;
        let mut bobs = s.call(ACTION, "c-2");
        BOB.clone_into(&mut bobs.user);
        let alices = s.call(ACTION, "c-1");
        grant(s, &alices, Scope::Always).await;
        grant(s, &bobs, Scope::Always).await;
        assert_eq!(s.api().disconnect_user(ALICE, "github").await.status, 204);
        asks(s, &alices).await;
        assert_eq!(s.api().connect_user(ALICE, "github").await.status, 204);
        asks(s, &alices).await;
        assert_eq!(s.ask(&bobs).await.approval_status(), "approved", "Bob is still connected");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retiring_an_action_ends_its_grants_and_it_comes_back_locked() {
    story(async |s| {
        s.open(ACTION).await;
        let ask = s.call(ACTION, "c-1");
        grant(s, &ask, Scope::Always).await;
        let without = json!({ "name": "GitHub", "actions": [{ "key": "other", "name": "Other" }] });
        assert_eq!(s.api().put_integration("github", &without).await.status, 200);
        assert_eq!(s.live_grants().await, 0);
        s.put("github").await;
        let action = s.api().integration("github").await.body["actions"]
            .as_array()
            .unwrap()
            .iter()
            .find(|action| action["key"] == "create_issue")
            .cloned()
            .unwrap();
        assert_eq!(action["unlocked"], false);
        asks(s, &ask).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_a_conversation_ends_its_grants_and_no_others() {
    story(async |s| {
        s.open(ACTION).await;
        s.unlock("github.merge_pull_request").await;
        let (one, two) = (s.call(ACTION, "c-1"), s.call(ACTION, "c-2"));
        let other = s.call("github.merge_pull_request", "c-1");
        grant(s, &one, Scope::Conversation).await;
        grant(s, &two, Scope::Conversation).await;
        grant(s, &other, Scope::Always).await;
        assert_eq!(s.api().close_conversation("c-1").await.status, 204);
        assert_eq!(s.api().close_conversation("c-1").await.status, 204);
        // Asking in it opens it again, and brings nothing back.
        asks(s, &one).await;
        asks(s, &one).await;
        assert_eq!(s.ask(&two).await.approval_status(), "approved");
        assert_eq!(s.ask(&other).await.approval_status(), "approved");
        assert_eq!(s.api().close_conversation("c-none").await.status, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_fell_silent_asks_again() {
    story(async |s| {
        s.open(ACTION).await;
        let ask = s.call(ACTION, "c-1");
        grant(s, &ask, Scope::Conversation).await;
        s.advance_until_idle(SILENCE - chrono::TimeDelta::seconds(1)).await;
        assert_eq!(s.ask(&ask).await.approval_status(), "approved");
        s.advance_until_idle(SILENCE).await;
        asks(s, &ask).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_the_workspace_takes_their_standing_permissions_along() {
    for change in [|user: &mut User| user.is_restricted = true, |user: &mut User| user.deleted = true] {
        story(async |s| {
            s.open(ACTION).await;
            let ask = s.call(ACTION, "c-1");
            grant(s, &ask, Scope::Always).await;
            s.slack.change_user(ALICE, change);
            s.advance_until_idle(chrono::TimeDelta::hours(23)).await;
            let asked = s.slack.calls_of("users.info").len();
            s.slack.misbehave("users.info", Misbehaviour::ServerError(503), 1);
            s.advance_until_idle(chrono::TimeDelta::hours(2)).await;
            // A Slack that doesn't say takes nothing away, and is asked again.
            let again = async || (s.slack.calls_of("users.info").len() > asked).then_some(());
            eventually("Slack is asked", again).await;
            assert_eq!(s.grants_of(ALICE).await, 1);
            s.advance_until_idle(chrono::TimeDelta::minutes(11)).await;
            eventually("the grant ends", async || (s.grants_of(ALICE).await == 0).then_some(())).await;
            assert_ne!(s.ask(&ask).await.approval_status(), "approved");
            let why: serde_json::Value =
                sqlx::query_scalar("SELECT after FROM audit WHERE what = 'grant.revoked'")
                    .fetch_one(&s.service.db)
                    .await
                    .unwrap();
            assert_eq!(why["why"], "no_member");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_of_which_slack_says_nothing_keeps_no_other_from_being_looked_at() {
    story(async |s| {
        s.open(ACTION).await;
        // It has no token, more people than are looked for at once, and is the first to be looked at.
        sqlx::query(
            "INSERT INTO workspaces SELECT (jsonb_populate_record(w, $1)).* FROM workspaces w LIMIT 1",
        )
        .bind(json!({ "id": uuid::Uuid::nil(), "slack_id": "T0ELSEWHERE" }))
        .execute(&s.service.db)
        .await
        .unwrap();
        sqlx::query(
            "INSERT INTO grants (id, workspace_id, user_id, action_id, scope, created_at)
             SELECT gen_random_uuid(), w.id, 'U0' || n, a.id, 'always', $1
             FROM generate_series(1, 60) n, workspaces w, actions a
             WHERE w.slack_id = 'T0ELSEWHERE' AND a.key = 'create_issue'",
        )
        .bind(s.now())
        .execute(&s.service.db)
        .await
        .unwrap();
        grant(s, &s.call(ACTION, "c-1"), Scope::Always).await;
        s.slack.change_user(ALICE, |user| user.deleted = true);
        s.advance_until_idle(chrono::TimeDelta::hours(25)).await;
        eventually("the grant ends", async || (s.grants_of(ALICE).await == 0).then_some(())).await;
        // No user there lost permissions.
        let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM grants WHERE revoked_at IS NULL")
            .fetch_one(&s.service.db)
            .await
            .unwrap();
        assert_eq!(kept, 60);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_end_of_a_grant_is_in_the_audit_with_who_and_why() {
    story(async |s| {
        s.open(ACTION).await;
        let ask = s.call(ACTION, "c-1");
        let first = grant(s, &ask, Scope::Always).await;
        turn_off(s, &first).await;
        grant(s, &ask, Scope::Conversation).await;
        s.api().close_conversation("c-1").await;
        grant(s, &ask, Scope::Always).await;
        s.api().disconnect_user(ALICE, "github").await;
        s.api().connect_user(ALICE, "github").await;
        grant(s, &ask, Scope::Always).await;
        s.lock(ACTION).await;
        let entries: Vec<(String, String)> = sqlx::query_as(
            "SELECT actor_kind, after->>'why' FROM audit WHERE what = 'grant.revoked' ORDER BY id",
        )
        .fetch_all(&s.service.db)
        .await
        .unwrap();
        let entries: Vec<_> = entries.iter().map(|(who, why)| (who.as_str(), why.as_str())).collect();
        let expected = [
            ("user", "turned_off"),
            ("backend", "conversation_closed"),
            ("backend", "disconnected"),
            ("operator", "action_locked"),
        ];
        assert_eq!(entries, expected);
    })
    .await;
}

/// What ends a grant, as it races.
#[derive(Debug, Clone, Copy)]
enum End {
    TurnOff,
    Lock,
    Disconnect,
    CloseConversation,
    /// Not an end: the description changes, and the grant is paused.
    Describe,
}

/// From the moment a revocation has returned, no request that is sent later is approved by the grant. Those that
/// were under way may have been.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_sent_after_a_revocation_returned_is_auto_approved() {
    story(async |s| {
        let ends = [End::TurnOff, End::Lock, End::Disconnect, End::CloseConversation, End::Describe];
        let mut raced = 0;
        for round in 0..200 {
            raced += usize::from(race(s, round, ends[round % 5]).await);
        }
        assert!(raced > 20, "in only {raced} rounds a request was approved while the grant was being ended");
    })
    .await;
}

/// One round, with an integration of its own. Says whether a request was approved while others were racing.
async fn race(s: &TestApp, round: usize, end: End) -> bool {
    let (key, conversation) = (format!("race-{round}"), format!("c-{round}"));
    let action = format!("{key}.act");
    let body = |name: &str| json!({ "name": "Race", "requires_connection": true, "actions": [{ "key": "act", "name": name }] });
    assert_eq!(s.api().put_integration(&key, &body("Act")).await.status, 200);
    s.unlock(&action).await;
    s.api().connect_user(ALICE, &key).await;
    let ask = Ask::new(ALICE, &key, "act", json!({ "round": round })).in_conversation(&conversation);
    let always = round % 8 < 4 && !matches!(end, End::CloseConversation);
    let grant = grant(s, &ask, if always { Scope::Always } else { Scope::Conversation }).await;

    // In some rounds as many ask at the same time as share one transaction.
    let (crowd, times) = if round % 40 < 5 { (64, 1) } else { (2, 4) };
    let stop = AtomicBool::new(false);
    let asking = async || {
        let mut seen = Vec::new();
        while seen.len() < times && !stop.load(Ordering::Relaxed) {
            let sent = Instant::now();
            seen.push((sent, s.ask(&ask).await.approval_status().to_owned()));
        }
        seen
    };
    let revoking = async {
        for _ in 0..round % 32 {
            tokio::task::yield_now().await;
        }
        match end {
            End::TurnOff => turn_off(s, &grant).await,
            End::Lock => s.lock(&action).await,
            End::Disconnect => assert_eq!(s.api().disconnect_user(ALICE, &key).await.status, 204),
            End::CloseConversation => {
                assert_eq!(s.api().close_conversation(&conversation).await.status, 204);
            }
            End::Describe => {
                assert_eq!(s.api().put_integration(&key, &body("Delete")).await.status, 200);
            }
        }
        let returned = Instant::now();
        let after = s.ask(&ask).await.approval_status().to_owned();
        stop.store(true, Ordering::Relaxed);
        (returned, after)
    };
    let asking = futures::future::join_all((0..crowd).map(|_| asking()));
    let (asked, (returned, after)) = tokio::join!(asking, revoking);
    assert_eq!(after, "pending", "{end:?}, round {round}");
    let mut approved = false;
    for (sent, status) in asked.into_iter().flatten() {
        assert!(status == "pending" || sent < returned, "{end:?}, round {round}: {status} after the end");
        approved |= status == "approved";
    }
    if matches!(end, End::Describe) {
        s.lock(&action).await;
    }
    assert_eq!(s.live_grants().await, 0, "{end:?}, round {round}");
    approved
}

#[tokio::test(flavor = "multi_thread")]
async fn no_later_request_passes_a_lock_that_waits() {
    no_later_request_passes("SELECT FROM actions FOR SHARE", async |s, _| s.lock(ACTION).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_later_request_passes_a_revocation_that_waits() {
    no_later_request_passes("SELECT FROM grants FOR SHARE", async |s, grant| turn_off(s, grant).await).await;
}

/// What a request locks while it is under way, and the end of its grant.
async fn no_later_request_passes(locks: &'static str, end: impl AsyncFn(&TestApp, &str)) {
    crowded_story(async |s| {
        s.open(ACTION).await;
        let ask = s.call(ACTION, "c-1");
        let grant = grant(s, &ask, Scope::Always).await;
        let mut under_way = s.service.db.begin().await.unwrap();
        sqlx::query(locks).execute(&mut *under_way).await.unwrap();
        let end = async { end(s, &grant).await };
        let later = async {
            let waits = async || {
                let waiting =
                    "SELECT FROM pg_locks WHERE NOT granted AND locktype IN ('tuple', 'transactionid')";
                sqlx::query(waiting).fetch_optional(&s.service.db).await.unwrap().map(drop)
            };
            eventually("the end waits", waits).await;
            let (api, ask) = (s.api(), ask.clone());
            let asked = tokio::spawn(async move { api.ask(&ask).await });
            let behind = async || {
                let waiting =
                    "SELECT FROM pg_locks WHERE NOT granted AND mode = 'ShareLock' AND locktype = 'advisory'";
                let waits = sqlx::query(waiting).fetch_optional(&s.service.db).await.unwrap().map(drop);
                waits.or_else(|| asked.is_finished().then_some(()))
            };
            eventually("the request waits behind it", behind).await;
            under_way.rollback().await.unwrap();
            asked.await.unwrap()
        };
        let ((), answer) = tokio::join!(end, later);
        assert_eq!(answer.approval_status(), "pending", "{answer:?}");
    })
    .await;
}
