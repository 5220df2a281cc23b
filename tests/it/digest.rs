//! The daily digest: what it tells, when it comes, that it comes once, and what holds it back.

use chrono::TimeDelta;
use countersign::service::digests;
use futures::future::join_all;
use insta::assert_snapshot;
use sandbox::{
    backend::Ask,
    slack::{Message, Misbehaviour, Surface},
};
use serde_json::json;

use crate::{
    story::{ALICE, TestApp, eventually, story},
    upgrade::upgraded,
};

const ISSUE: &str = "github.create_issue";
const MAIL: &str = "gmail.send_email";
const POST: &str = "chat.postMessage";
/// Longer than digests are spread over.
const SPREAD: TimeDelta = TimeDelta::minutes(31);

/// Has Alice always auto-approve an action from her next digest's time on.
async fn always(s: &TestApp, action: &str) {
    s.open(action).await;
    assert!(s.command(ALICE, &format!("on {action}")).await.is_ok());
    digests::discover(&s.service, s.now() - TimeDelta::days(1)).await.unwrap();
    planned(s).await;
}

/// Waits until nothing is left to plan. The job and the test may do it at the same time.
async fn planned(s: &TestApp) {
    s.settled().await;
    eventually("all digests are planned", async || {
        digests::plan(&s.service).await.unwrap();
        let due = sqlx::query_scalar("SELECT count(*) FROM notifications WHERE digest_due_at <= $1");
        let due: i64 = due.bind(s.now()).fetch_one(&s.service.db).await.unwrap();
        (due == 0).then_some(())
    })
    .await;
    s.settled().await;
}

/// Moves time until then, and until what was planned then is sent.
async fn sent_after(s: &TestApp, at: &str) {
    s.advance_to(at).await;
    planned(s).await;
    s.advance_until_idle(SPREAD).await;
    s.settled().await;
}

fn all(s: &TestApp) -> Vec<Message> {
    let all = s.slack.direct_messages(ALICE).into_iter();
    all.filter(|message| message.all_text().contains("Ran without asking you")).collect()
}

async fn run(s: &TestApp, ask: &Ask) -> String {
    let reply = s.ask(ask).await;
    assert_eq!(reply.approval_status(), "approved", "{reply:?}");
    reply.id().to_owned()
}

fn mail(to: &str) -> Ask {
    Ask::new(ALICE, "gmail", "send_email", json!({ "to": [to], "subject": "Hello", "body": "Hi" }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_tells_the_unusual_first_and_once() {
    story(async |s| {
        always(s, ISSUE).await;
        always(s, MAIL).await;
        run(s, &mail("kim@example.com")).await;
        for number in 0..3 {
            run(s, &s.call(ISSUE, &format!("c-{number}"))).await;
        }
        sent_after(s, "2026-09-21T17:02:00Z").await;
        let [first] = all(s).try_into().unwrap();
        assert!(first.text().contains("4 calls ran without asking you"), "{}", first.text());
        assert!(first.all_text().contains("first use in 30 days"), "{}", first.all_text());
        // The next day, the same is usual.
        s.advance_to("2026-09-22T09:00:00Z").await;
        run(s, &s.call(ISSUE, "c-1")).await;
        run(s, &mail("kim@example.com")).await;
        let failed = run(s, &mail("mallory@example.com")).await;
        let report = json!({ "status": "failed", "summary": "Mailbox full" });
        assert_eq!(s.api().report(&failed, &report).await.status, 200);
        s.pass(TimeDelta::seconds(1));
        // Postgres can't take these arguments apart.
        run(s, &mail("\0")).await;
        sent_after(s, "2026-09-22T17:02:00Z").await;
        planned(s).await;
        let [_, second] = all(s).try_into().unwrap();
        assert_snapshot!(second.all_text(), @r"
        Ran without asking you
        4 calls ran without asking you, from <!date^1790010000^{date_short_pretty} at {time}|2026-09-21 17:00 UTC> to <!date^1790096400^{date_short_pretty} at {time}|2026-09-22 17:00 UTC>.
        Unusual
        Gmail: Send mail
        3 calls, 1 failed, 2 new targets.
        Asked by “Atlas”
        Always, in every conversation
        Turn off
        Last failed, 2026-09-22 09:00 UTC:
        Send mail to mallory@example.com
        ✗ Failed, the agent reports:
        “Mailbox full”
        As usual
        GitHub: Create issue
        1 call.
        Asked by “Scout”
        Always, in every conversation
        Turn off
        You get this once a day if anything ran without asking. To see all calls, type /approvals history.
        Notifications…
        ");
        // Nothing ran on the day after.
        sent_after(s, "2026-09-23T17:02:00Z").await;
        assert_eq!(all(s).len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn turn_off_in_a_digest_ends_the_grant() {
    story(async |s| {
        always(s, ISSUE).await;
        run(s, &s.call(ISSUE, "c-1")).await;
        sent_after(s, "2026-09-21T17:02:00Z").await;
        let [digest] = all(s).try_into().unwrap();
        assert!(s.click(ALICE, &digest, "Turn off").await.is_ok());
        s.ephemeral_reply(ALICE, &digest.channel, "Turned off.").await;
        assert_eq!(s.ask(&s.call(ISSUE, "c-1")).await.approval_status(), "pending");
        let shown = s.until(&digest, |digest| !digest.has_button("Turn off")).await;
        let before = digest.all_text().replace("Turn off\n", "");
        assert!(shown.all_text().contains("Turned off."), "{}", shown.all_text());
        assert_eq!(shown.all_text().replace("Turned off.\n", ""), before, "all else stays");
        // Another device shows the button for a moment longer.
        let stale = s.slack.click_label(ALICE, Surface::stale(&digest), "Turn off").await.unwrap();
        assert!(stale.is_ok());
        assert!(s.click(ALICE, &digest, "Notifications…").await.is_ok());
        s.modal(ALICE, |view| view.all_text().contains("The daily digest is on")).await;
        let off = s.slack.click_label(ALICE, Surface::Modal, "Turn off the daily digest").await.unwrap();
        assert!(off.is_ok());
        s.modal(ALICE, |view| view.all_text().contains("The daily digest is off.")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_none_gets_none() {
    story(async |s| {
        always(s, ISSUE).await;
        s.home(ALICE, |view| view.all_text().contains("The daily digest is on")).await;
        assert!(s.click_home(ALICE, "Turn off the daily digest", "off").await.is_ok());
        run(s, &s.call(ISSUE, "c-1")).await;
        sent_after(s, "2026-09-21T17:02:00Z").await;
        assert_eq!(all(s).len(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_at_five_by_the_users_wall_clock() {
    story(async |s| {
        s.slack.change_user(ALICE, |user| user.time_zone = Some("America/New_York".to_owned()));
        always(s, ISSUE).await;
        run(s, &s.call(ISSUE, "c-1")).await;
        sent_after(s, "2026-09-21T20:00:00Z").await;
        assert_eq!(all(s).len(), 0);
        sent_after(s, "2026-09-21T21:02:00Z").await;
        assert_eq!(all(s).len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_hours_hold_it_back() {
    story(async |s| {
        always(s, ISSUE).await;
        s.home(ALICE, |view| view.all_text().contains("There are no quiet hours.")).await;
        s.pick_home(ALICE, "quiet_from", "16").await;
        s.home_shows(ALICE, |view| view.all_text().contains("from 16:00 to 08:00")).await;
        run(s, &s.call(ISSUE, "c-1")).await;
        sent_after(s, "2026-09-21T17:02:00Z").await;
        assert_eq!(all(s).len(), 0);
        run(s, &s.call(ISSUE, "c-1")).await;
        sent_after(s, "2026-09-22T08:00:00Z").await;
        let [digest] = all(s).try_into().unwrap();
        assert!(digest.text().contains("1 call ran"), "{}", digest.text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_instances_send_one_digest() {
    story(async |s| {
        always(s, ISSUE).await;
        run(s, &s.call(ISSUE, "c-1")).await;
        let others = [s.instance().await, s.instance().await];
        s.advance_to("2026-09-21T17:02:00Z").await;
        for plan in join_all((0..8).map(|_| digests::plan(&s.service))).await {
            plan.unwrap();
        }
        planned(s).await;
        s.advance_until_idle(SPREAD).await;
        s.settled().await;
        assert_eq!(all(s).len(), 1);
        for other in others {
            other.shutdown().await;
        }
        s.restart().await;
        planned(s).await;
        assert_eq!(all(s).len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unconfirmed_digest_is_not_repeated_and_a_refused_one_is() {
    story(async |s| {
        always(s, ISSUE).await;
        run(s, &s.call(ISSUE, "c-1")).await;
        s.slack.misbehave(POST, Misbehaviour::RateLimited { retry_after: 20 }, 1);
        sent_after(s, "2026-09-21T17:02:00Z").await;
        assert_eq!(all(s).len(), 0);
        s.advance_until_idle(TimeDelta::seconds(21)).await;
        s.settled().await;
        assert_eq!(all(s).len(), 1);
        run(s, &s.call(ISSUE, "c-1")).await;
        s.slack.misbehave(POST, Misbehaviour::DropAfterEffect, 1);
        sent_after(s, "2026-09-22T17:02:00Z").await;
        s.advance_until_idle(TimeDelta::hours(1)).await;
        s.settled().await;
        assert_eq!(all(s).len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_users_are_planned_in_batches_and_spread() {
    story(async |s| {
        always(s, ISSUE).await;
        let id = run(s, &s.call(ISSUE, "c-1")).await;
        s.stop().await;
        let id = id.parse::<countersign::domain::ids::ApprovalId>().unwrap().uuid();
        // Each has called once, as Alice has, and got yesterday's digest, as Alice has.
        for fill in [
            "INSERT INTO approvals SELECT new.* FROM approvals p, generate_series(10001, 20000) n,
                 jsonb_populate_record(NULL::approvals, to_jsonb(p) || jsonb_build_object('user_id', 'U9' || n,
                     'id', left(p.id::text, 14) || substr(gen_random_uuid()::text, 15))) new
             WHERE p.id = $1",
            "INSERT INTO notifications SELECT new.* FROM approvals p JOIN notifications k USING (workspace_id, user_id),
                 generate_series(10001, 20000) n,
                 jsonb_populate_record(NULL::notifications, to_jsonb(k) || jsonb_build_object('user_id', 'U9' || n)) new
             WHERE p.id = $1",
        ] {
            sqlx::query(fill).bind(id).execute(&s.service.db).await.unwrap();
        }
        s.advance_to("2026-09-21T17:02:00Z").await;
        let mut batches = 0;
        while digests::plan(&s.service).await.unwrap().1 {
            batches += 1;
        }
        assert_eq!(batches, 50);
        let queued: Vec<(i64, f64)> = sqlx::query_as(
            "SELECT count(*), extract(epoch FROM date_trunc('minute', due_at) - $1)::float8 / 60 FROM outbox
             WHERE kind = 'digest' AND done_at IS NULL GROUP BY date_trunc('minute', due_at)",
        )
        .bind(s.now())
        .fetch_all(&s.service.db)
        .await
        .unwrap();
        assert_eq!(queued.iter().map(|(count, _)| count).sum::<i64>(), 10_001);
        assert!(queued.iter().all(|(count, minute)| *count < 500 && (0.0..=30.0).contains(minute)), "{queued:?}");
        sqlx::query("DELETE FROM outbox WHERE kind = 'digest'").execute(&s.service.db).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_finds_everyone_who_gave_a_grant() {
    upgraded(async |s| {
        let (found, expected): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM notifications), (SELECT count(*) FROM (
                 SELECT DISTINCT workspace_id, user_id FROM grants WHERE revoked_at IS NULL) holders)",
        )
        .fetch_one(&s.service.db)
        .await
        .unwrap();
        assert!(expected > 0);
        assert_eq!(found, expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_comes_once_quiet_hours_are_turned_off() {
    story(async |s| {
        always(s, ISSUE).await;
        run(s, &s.call(ISSUE, "c-1")).await;
        s.home(ALICE, |view| view.all_text().contains("There are no quiet hours.")).await;
        s.advance_to("2026-09-21T17:02:00Z").await;
        planned(s).await;
        // It was planned before they begin, and is sent within half an hour.
        s.pick_home(ALICE, "quiet_from", "17").await;
        s.home_shows(ALICE, |view| view.all_text().contains("from 17:00 to 08:00")).await;
        s.advance_until_idle(SPREAD).await;
        assert_eq!(all(s).len(), 0);
        s.pick_home(ALICE, "quiet_from", "never").await;
        s.home_shows(ALICE, |view| view.all_text().contains("There are no quiet hours.")).await;
        s.advance_until_idle(TimeDelta::minutes(15)).await;
        s.settled().await;
        assert_eq!(all(s).len(), 1);
    })
    .await;
}
