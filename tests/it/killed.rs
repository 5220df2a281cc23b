//! `kill -9` of an instance while 64 requests for approvals are under way: what it answered holds, and what it did not
//! answer can be asked again.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{
    StreamExt as _,
    future::{join, join_all},
    stream,
};
use sandbox::{
    backend::{Api, Ask},
    slack::{Surface, User, names},
};

use crate::{
    batches::CROWD,
    crowd::give,
    failures::{Process, real_time},
    several::call,
    story::{ALICE, SOON, TestApp, eventually, story},
};

const ACTION: &str = "github.create_issue";
/// How often the instance is killed.
const ROUNDS: usize = 3;
/// How many users have a grant, and how many have none.
const USERS: usize = 8;

/// A request, with the id and the status that it was answered with.
struct Sent {
    ask: Ask,
    key: String,
    answer: Option<(String, String)>,
}

fn user(kind: &str, number: usize) -> String {
    format!("U0{kind}{number}")
}

/// Asks for one thing after the other, each with an idempotency key of its own, until the instance is gone.
async fn keep_asking(s: &TestApp, api: &Api, name: &str, lane: usize, answered: &AtomicUsize) -> Vec<Sent> {
    let mut all = Vec::new();
    loop {
        let number = all.len();
        let key = format!("{name}-{lane}-{number}");
        let mut ask = s.call(ACTION, &format!("c-{lane}"));
        ask.user = user(
            if (lane + number).is_multiple_of(4) { "ASKED" } else { "GRANTED" },
            (lane + number / 4) % USERS,
        );
        let reply = api.ask_once(&ask, &key).await;
        let answer =
            (reply.status == 201).then(|| (reply.id().to_owned(), reply.approval_status().to_owned()));
        // A busy machine may have one wait too long.
        assert!(matches!(reply.status, 0 | 201 | 503), "{reply:?}");
        all.push(Sent { ask, key, answer });
        if reply.status == 0 {
            return all;
        }
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

async fn found(s: &TestApp, query: &'static str) -> Vec<String> {
    sqlx::query_scalar(query).fetch_all(&s.service.db).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_amid_a_crowd_of_requests_keeps_every_answer() {
    story(async |s| {
        s.open(ACTION).await;
        let granted: Vec<_> = (0..USERS).map(|number| user("GRANTED", number)).collect();
        give(s, ACTION, &granted).await;
        let (slack, backend) = real_time(s).await;
        for name in granted.iter().cloned().chain((0..USERS).map(|number| user("ASKED", number))) {
            slack.add_user(User::new(&name, names::TEAM, "member", "Member"));
        }
        let (key, secret) = s.create_backend("killed").await;
        let mut sent = Vec::new();
        for round in 0..ROUNDS {
            let process = Process::start(s, &slack);
            backend.connect(&process.url, &key, &secret);
            let (api, answered) = (backend.api(), AtomicUsize::new(0));
            let name = format!("k-{round}");
            let asking = join_all((0..CROWD).map(|lane| keep_asking(s, &api, &name, lane, &answered)));
            let killing = async {
                // At another moment in each round.
                while answered.load(Ordering::Relaxed) < CROWD * 2 + round * 37 {
                    tokio::task::yield_now().await;
                }
                process.kill(s).await;
            };
            let (lanes, ()) = join(asking, killing).await;
            sent.extend(lanes.into_iter().flatten());
        }
        let lost = sent.iter().filter(|one| one.answer.is_none()).count();
        assert!(lost > CROWD, "{lost} requests were under way when the instance was killed");

        let process = Process::start(s, &slack);
        backend.connect(&process.url, &key, &secret);
        let api = backend.api();
        let again = stream::iter(&sent).map(|one| {
            let api = &api;
            async move {
                // A busy machine may have it wait too long.
                let answered = async || {
                    let reply = api.ask_once(&one.ask, &one.key).await;
                    (reply.status != 503).then_some(reply)
                };
                (one, eventually("an answer", answered).await)
            }
        });
        let again: Vec<_> = again.buffer_unordered(CROWD).collect().await;
        let mut replayed = 0;
        for (one, reply) in again {
            let status = if one.ask.user.contains("GRANTED") { "approved" } else { "pending" };
            assert_eq!(reply.approval_status(), status, "{reply:?}");
            if let Some((id, status)) = &one.answer {
                assert_eq!(
                    (reply.status, reply.id(), reply.approval_status()),
                    (200, id.as_str(), status.as_str())
                );
            } else {
                assert!(matches!(reply.status, 200 | 201), "{reply:?}");
                replayed += usize::from(reply.status == 200);
            }
        }
        assert!(replayed < lost, "some requests were under way and had not been committed");
        process.kill(s).await;

        let approvals = found(s, "SELECT idempotency_key FROM approvals WHERE idempotency_key IS NOT NULL").await;
        assert_eq!(approvals.len(), sent.len(), "each request led to one approval");
        let wrong = found(
            s,
            "SELECT 'key with two approvals: ' || idempotency_key FROM approvals GROUP BY idempotency_key HAVING count(*) > 1
             UNION ALL SELECT 'pending without one prompt: ' || p.id FROM approvals p WHERE status = 'pending' AND 1 <>
                 (SELECT count(*) FROM outbox o WHERE o.approval_id = p.id AND o.kind IN ('prompt', 'shared_prompt'))
             UNION ALL SELECT 'without one audit entry: ' || p.id FROM approvals p WHERE 1 <>
                 (SELECT count(*) FROM audit e WHERE e.approval_id = p.id
                  AND e.what = CASE p.status WHEN 'pending' THEN 'approval.requested' ELSE 'approval.approved' END)
             UNION ALL SELECT 'with another audit entry: ' || e.approval_id FROM audit e WHERE e.approval_id IS NOT NULL
                 GROUP BY e.approval_id HAVING count(*) > 1
             UNION ALL SELECT 'audit entry without its approval: ' || e.id FROM audit e WHERE e.approval_id IS NOT NULL
                 AND NOT EXISTS (SELECT FROM approvals p WHERE p.id = e.approval_id)
             UNION ALL SELECT 'uses of ' || g.id FROM used_grants g WHERE g.use_count <>
                 (SELECT count(*) FROM approvals p WHERE p.decision_grant = g.id AND p.decided_by = 'auto')",
        )
        .await;
        assert_eq!(wrong, Vec::<String>::new());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_before_a_shared_message_is_rendered_hides_no_request() {
    story(async |s| {
        s.put("github").await;
        let (slack, backend) = real_time(s).await;
        let (key, secret) = s.create_backend("killed").await;
        sqlx::query("UPDATE backends SET webhook_url = $1")
            .bind(backend.webhook_url())
            .execute(&s.service.db)
            .await
            .unwrap();
        let process = Process::start(s, &slack);
        backend.connect(&process.url, &key, &secret);
        let mut ids = Vec::new();
        for number in 1..=3 {
            ids.push(backend.api().ask(&call(s, number)).await.id().to_owned());
            let shown = |slack: &sandbox::slack::Slack| {
                (slack.direct_messages(ALICE).len() == number).then_some(())
            };
            slack.wait_for(shown, SOON).await.unwrap();
        }
        // The message of the third is now shared, and is to be rendered after a moment.
        ids.push(backend.api().ask(&call(s, 4)).await.id().to_owned());
        let is_assigned = async || {
            let waiting: Vec<String> = found(
                s,
                "SELECT w.queue FROM outbox w WHERE w.kind = 'shared_prompt' AND w.lease IS NULL AND w.done_at IS NULL
                 AND NOT EXISTS (SELECT FROM outbox o WHERE o.kind = 'prompt' AND o.done_at IS NULL)",
            )
            .await;
            (waiting.len() == 1).then_some(())
        };
        eventually("the fourth joins the message of the third", is_assigned).await;
        process.kill(s).await;
        assert!(slack.direct_messages(ALICE).iter().all(|message| !message.all_text().contains("Issue 4.")));

        let process = Process::start(s, &slack);
        backend.connect(&process.url, &key, &secret);
        let shared = slack
            .wait_for_direct_message(ALICE, |message| message.has_button("Approve all 4…"), SOON)
            .await
            .unwrap();
        let all = slack.direct_messages(ALICE);
        assert_eq!(all.len(), 3);
        for number in 1..=4 {
            let title = format!("Issue {number}.");
            assert!(all.iter().any(|message| message.all_text().contains(&title)), "{title}");
        }
        let pressed = slack.click_label(ALICE, Surface::message(&shared), "Approve all 4…").await.unwrap();
        assert!(pressed.is_ok());
        assert!(slack.submit(ALICE).await.unwrap().is_ok());
        for id in &ids {
            let told = backend.wait_for_event(|event| event.approval_id() == *id, SOON).await.unwrap();
            assert_eq!(told.kind, "approval.approved");
        }
        process.kill(s).await;
    })
    .await;
}
