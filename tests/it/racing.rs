//! Exactly one decision, whatever races, while 64 other requests share transactions.

use std::time::Duration;

use chrono::TimeDelta;
use countersign::{
    domain::ids::{GrantId, UserId},
    service::turn_off,
};
use futures::future::join_all;
use sandbox::{
    backend::Ask,
    slack::{Delivery, Gesture, Message, Press, Signing, Surface, User, names},
};
use serde_json::Value;

use crate::{
    batches::{CROWD, ask_at_once},
    crowd::{Crowd, approved_only_by, crowded_story},
    story::{ALICE, IN_WORDS, SOON, TestApp},
};

const ACTION: &str = "github.create_issue";

/// A click of a user on a prompt, as it would be sent.
fn click(s: &TestApp, user: &str, prompt: &Message, label: &str) -> Value {
    let surface = Surface::stale(prompt);
    let press = match label {
        "Approve" => Press::labelled(surface, label),
        _ => Press::on(surface, "approve_more").doing(Gesture::Pick(label.to_owned())),
    };
    s.slack.prepare_press(user, &press).unwrap().unwrap()
}

/// A user who is new in each round, because Slack takes one message a second in a conversation, and a crowd's requests
/// queue 64. Gives the user's request in the conversation `c-1`.
async fn newcomer(s: &TestApp, round: usize) -> Ask {
    let user = format!("U0NEW{round:02}");
    s.slack.add_user(User::new(&user, names::TEAM, "newcomer", "Newcomer"));
    s.connect_user(&user, "github").await.unwrap();
    let mut call = s.call(ACTION, "c-1");
    call.user = user;
    call
}

/// Sends a click while the user's agents ask for the same action, in every fourth round as many at the same time as share
/// one transaction, and something else races. They are answered as the grant allows that the click gave, if it gave one.
async fn amid_a_crowd<T>(
    s: &TestApp,
    round: usize,
    ask: &Ask,
    (id, prompt): (&str, &Message),
    race: impl Future<Output = T>,
) -> (Delivery, T) {
    let payload = click(s, &ask.user, prompt, "Auto-approve always");
    let signing = Signing::default();
    let crowd = if round.is_multiple_of(4) { CROWD } else { 2 };
    let (clicked, raced, replies) = tokio::join!(
        s.slack.send_interaction(payload, &signing),
        race,
        ask_at_once(s, vec![ask.clone(); crowd])
    );
    approved_only_by(s, &s.api().get(id).await.body["decision"]["grant"], &replies).await;
    for reply in replies.iter().filter(|reply| reply.approval_status() == "pending") {
        end(s, reply.id()).await;
    }
    (clicked, raced)
}

/// Ends a pending approval that was part of a crowd. Its prompt would use up what Slack takes in a minute.
async fn end(s: &TestApp, id: &str) {
    let id: countersign::domain::ids::ApprovalId = id.parse().unwrap();
    sqlx::query(
        "UPDATE approvals SET status = 'cancelled', decided_by = 'backend', decided_at = $2 WHERE id = $1",
    )
    .bind(id.uuid())
    .bind(s.now())
    .execute(&s.service.db)
    .await
    .unwrap();
}

/// Locks an approval's row until it is dropped or rolled back, so that everyone who waits for it continues at the same
/// moment.
async fn hold(s: &TestApp, id: &str) -> countersign::storage::Tx {
    let id: countersign::domain::ids::ApprovalId = id.parse().unwrap();
    let mut tx = s.service.db.begin().await.unwrap();
    sqlx::query("SELECT FROM approvals WHERE id = $1 FOR UPDATE")
        .bind(id.uuid())
        .execute(&mut *tx)
        .await
        .unwrap();
    tx
}

/// Waits until so many transactions wait for a row.
pub async fn waiting(s: &TestApp, count: i64) {
    let look = async {
        let blocked = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while sqlx::query_scalar::<_, i64>(blocked).fetch_one(&s.service.db).await.unwrap() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, look).await.unwrap();
}

/// How often something ended this approval, as the audit says.
async fn ends(s: &TestApp, id: &str) -> i64 {
    let mut ends = 0;
    for what in ["approved", "denied", "expired", "cancelled", "undeliverable"] {
        ends += s.audited(&format!("approval.{what}"), id).await;
    }
    ends
}

/// How many webhooks were ever queued for this approval.
async fn webhooks(s: &TestApp, id: &str) -> i64 {
    let id: countersign::domain::ids::ApprovalId = id.parse().unwrap();
    sqlx::query_scalar("SELECT count(*) FROM outbox WHERE kind = 'webhook' AND approval_id = $1")
        .bind(id.uuid())
        .fetch_one(&s.service.db)
        .await
        .unwrap()
}

/// One end, one webhook, and it says what the API says.
async fn ended_once(s: &TestApp, id: &str) -> Value {
    let told = s.received_webhook(id).await;
    assert_eq!((ends(s, id).await, webhooks(s, id).await), (1, 1));
    let approval = s.api().get(id).await.body;
    assert_eq!(told.approval(), &approval);
    approval
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_clicks_at_once_one_decides_and_each_other_choice_is_told_what_won() {
    crowded_story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, IN_WORDS).await.is_ok());
        s.slack.type_text(ALICE, "reason", "Not today").await.unwrap();
        let kinds =
            ["Approve", "Approve manually", "Auto-approve for this conversation", "Auto-approve always"];
        let payloads = (0..50).map(|number| match kinds.get(number % 5) {
            Some(label) => click(s, ALICE, &prompt, label),
            None => s.slack.prepare_submit(ALICE).unwrap(),
        });
        // Opens the service's connections, so that no click has to wait for one. A crowd of requests as well would take a
        // busy machine longer than Slack gives a click.
        join_all((0..40).map(|_| async { s.api().get(&id).await })).await;
        let held = hold(s, &id).await;
        let sent = payloads.collect::<Vec<_>>().into_iter().map(|payload| {
            let slack = s.slack.clone();
            tokio::spawn(async move { slack.send_interaction(payload, &Signing::default()).await })
        });
        let sent: Vec<_> = sent.collect();
        waiting(s, 5).await;
        held.rollback().await.unwrap();
        let answers: Vec<_> = join_all(sent).await.into_iter().map(Result::unwrap).collect();
        let faults: Vec<_> = answers.iter().filter_map(|answer| answer.error.as_ref()).collect();
        assert!(faults.is_empty(), "{faults:?}");

        let approval = ended_once(s, &id).await;
        // Two of the five ways mean the same, and a user whose choice won gets no reply.
        let (won, told_otherwise) = match approval["decision"]["scope"].as_str() {
            Some("once") => ("Approved by <@U0ALICE> for this request only.", 30),
            Some("conversation") => ("Approved by <@U0ALICE> for this conversation.", 40),
            Some("always") => ("Approved by <@U0ALICE> for every conversation.", 40),
            _ => ("Denied by <@U0ALICE>.", 40),
        };
        let in_modals = answers.iter().filter(|answer| answer.body.contains("already ended"));
        let in_modals = in_modals.inspect(|answer| assert!(answer.body.contains(won))).count();
        let whispers = |slack: &sandbox::slack::Slack| {
            let seen = slack.messages_seen_by(ALICE, &prompt.channel);
            let private = seen.iter().filter(|message| message.ephemeral_for.is_some());
            let told = private.filter(|message| message.text().contains(won)).count();
            (told + in_modals == told_otherwise).then_some(())
        };
        s.slack.wait_for(whispers, SOON).await.unwrap();
        assert_eq!(s.refusals(&id).await, vec!["already-ended"; told_otherwise]);
        let leaves_one = approval["decision"]["grant"].is_string();
        assert_eq!(s.grants_of(ALICE).await, i64::from(leaves_one));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_racing_expiry_ends_it_once() {
    crowded_story(async |s| {
        s.open(ACTION).await;
        let crowd = Crowd::begin(s, ACTION).await;
        for round in 0..10_u32 {
            let (id, prompt) = s.prompt(&s.call(ACTION, "c-1").expiring_in(10)).await;
            let time = async {
                for _ in 0..round * 40 {
                    tokio::task::yield_now().await;
                }
                s.pass(TimeDelta::seconds(10));
            };
            let race = async { tokio::join!(s.click(ALICE, &prompt, "Approve"), time) };
            let (clicked, ()) = crowd.beside(s, race).await;
            assert!(clicked.is_ok());
            let approval = ended_once(s, &id).await;
            match approval["status"].as_str() {
                Some("approved") => assert!(s.refusals(&id).await.is_empty()),
                Some("expired") => {
                    let refusals = s.refusals(&id).await;
                    assert!(refusals == ["expired"] || refusals == ["already-ended"], "{refusals:?}");
                }
                _ => panic!("{approval}"),
            }
        }
        crowd.check(s).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_racing_a_cancellation_ends_it_once() {
    crowded_story(async |s| {
        s.open(ACTION).await;
        let crowd = Crowd::begin(s, ACTION).await;
        for _ in 0..20 {
            s.pass(TimeDelta::seconds(1));
            let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
            let api = s.api();
            let held = hold(s, &id).await;
            let released = async {
                waiting(s, 2).await;
                held.rollback().await.unwrap();
            };
            let race = async { tokio::join!(s.click(ALICE, &prompt, "Approve"), api.cancel(&id), released) };
            let (clicked, cancelled, ()) = crowd.beside(s, race).await;
            assert!(clicked.is_ok());
            let approval = ended_once(s, &id).await;
            match cancelled.status {
                200 => {
                    assert_eq!(cancelled.body, approval);
                    assert_eq!(approval["status"], "cancelled");
                    assert_eq!(s.refusals(&id).await, ["already-ended"]);
                }
                409 => {
                    assert_eq!(cancelled.body["approval"], approval);
                    assert_eq!(approval["status"], "approved");
                }
                _ => panic!("{cancelled:?}"),
            }
        }
        crowd.check(s).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_always_racing_the_lock_leaves_no_grant() {
    crowded_story(async |s| {
        s.put("github").await;
        for round in 0..20 {
            s.pass(TimeDelta::seconds(3));
            s.unlock(ACTION).await;
            let ask = newcomer(s, round).await;
            let (id, prompt) = s.prompt(&ask).await;
            let (clicked, ()) = amid_a_crowd(s, round, &ask, (&id, &prompt), s.lock(ACTION)).await;
            assert!(clicked.is_ok());
            assert_eq!(s.live_grants().await, 0);
            match s.status(&id).await.as_str() {
                "approved" => assert!(s.refusals(&id).await.is_empty()),
                "pending" => assert_eq!(s.refusals(&id).await, ["locked"]),
                other => panic!("{other}"),
            }
            assert_eq!(s.ask(&ask).await.approval_status(), "pending");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_always_racing_a_change_of_the_description_approves_nothing_that_it_became() {
    crowded_story(async |s| {
        s.open(ACTION).await;
        for round in 0..20 {
            s.pass(TimeDelta::seconds(3));
            let ask = newcomer(s, round).await;
            let (id, prompt) = s.prompt(&ask).await;
            let mut body = sandbox::catalog::integration("github").unwrap().body();
            for action in body["actions"].as_array_mut().unwrap() {
                action["name"] = format!("Round {round}").into();
            }
            let api = s.api();
            let describing = api.put_integration("github", &body);
            let (clicked, put) = amid_a_crowd(s, round, &ask, (&id, &prompt), describing).await;
            assert!(clicked.is_ok() && put.status == 200, "{put:?}");
            match s.status(&id).await.as_str() {
                "approved" => assert!(s.refusals(&id).await.is_empty()),
                "pending" => assert_eq!(s.refusals(&id).await, ["changed-since-unlocked"]),
                other => panic!("{other}"),
            }
            assert_eq!(s.ask(&ask).await.approval_status(), "pending");
            s.lock(ACTION).await;
            s.unlock(ACTION).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_always_at_once_on_two_approvals_leave_one_grant() {
    crowded_story(async |s| {
        s.open(ACTION).await;
        for round in 0..20 {
            s.pass(TimeDelta::seconds(2));
            let ask = newcomer(s, round).await;
            let (first, one) = s.prompt(&ask).await;
            let (second, two) = s.prompt(&ask.clone().in_conversation("c-2")).await;
            let other = s.choose(&ask.user, &two, "Auto-approve always");
            let (one, two) = amid_a_crowd(s, round, &ask, (&first, &one), other).await;
            assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
            let first = ended_once(s, &first).await;
            let second = ended_once(s, &second).await;
            let grant = first["decision"]["grant"].as_str().unwrap();
            assert_eq!(second["decision"]["grant"], grant);
            assert_eq!(s.live_grants().await, 1);
            let (grant, user): (GrantId, _) = (grant.parse().unwrap(), UserId::parse(&ask.user).unwrap());
            turn_off::turn_off(&s.service, names::TEAM.into(), &user, grant).await.unwrap();
        }
    })
    .await;
}
