//! Many webhooks at once: claimed, read and recorded together, each with the guarantees of a single one.

use std::{collections::BTreeMap, time::Duration};

use chrono::TimeDelta;
use countersign::{
    app,
    domain::{api_keys::KeyScopes, ids::ApprovalId, text::Link},
    outbox::Outcome,
    service::backends,
    storage::statements::{
        claim::{self, Claim, Lease},
        finish::{self, Attempt, Ending},
    },
    webhooks::send,
};
use sandbox::{
    ambient,
    backend::{AgentBackend, Answer, BackendOptions},
};
use uuid::Uuid;

use crate::story::{SOON, TestApp, eventually, story, story_with_own_server};

const ACTION: &str = "github.create_issue";

/// Asks, and cancels. Its webhook has arrived and is recorded.
async fn ended(s: &TestApp) -> ApprovalId {
    let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
    assert_eq!(s.api().cancel(&id).await.status, 200);
    s.received_webhook(&id).await;
    s.settled().await;
    id.parse().unwrap()
}

/// Queues `count` more webhooks about an approval, due now: of this backend, each in a queue of its own, or all in one.
/// They are sent once their worker is woken.
async fn queue(s: &TestApp, approval: ApprovalId, backend: &str, queue: Option<&str>, count: i32) {
    sqlx::query(
        "INSERT INTO outbox (id, kind, workspace_id, queue, approval_id, backend_id, event, created_at, due_at)
         SELECT (left(id_bound($5)::text, 14) || substr(gen_random_uuid()::text, 15))::uuid, 'webhook', b.workspace_id, coalesce($3, 'webhook:' || gen_random_uuid()), $1, b.id,
             'approval.cancelled', $5, $5
         FROM backends b, generate_series(1, $4) n WHERE b.name = $2",
    )
    .bind(approval.uuid())
    .bind(backend)
    .bind(queue)
    .bind(count)
    .bind(s.now())
    .execute(&s.service.db)
    .await
    .unwrap();
}

/// A receiver on the test's clock.
fn options(s: &TestApp) -> BackendOptions {
    let clock = s.clock.clone();
    BackendOptions { clock: ambient::Clock::from_fn(move || clock.now()) }
}

async fn wake(s: &TestApp) {
    sqlx::query("SELECT pg_notify('countersign_outbox', 'webhook')").execute(&s.service.db).await.unwrap();
}

async fn count(s: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&s.service.db).await.unwrap()
}

const OPEN: &str =
    "SELECT count(*) FROM outbox WHERE kind = 'webhook' AND done_at IS NULL AND dead_at IS NULL";
/// Rows whose attempts are not numbered from 1 to their count, or that were delivered more or less than once.
const WRONGLY_RECORDED: &str = "SELECT count(*) FROM outbox o WHERE kind = 'webhook' AND (
    o.attempts <> (SELECT count(*) FROM attempts a WHERE a.outbox_id = o.id)
    OR o.attempts <> (SELECT max(number) FROM attempts a WHERE a.outbox_id = o.id)
    OR 1 <> (SELECT count(*) FROM attempts a WHERE a.outbox_id = o.id AND a.outcome = 'done'))";

async fn all_delivered(s: &TestApp) {
    eventually("everything is delivered", async || (count(s, OPEN).await == 0).then_some(())).await;
}

/// What this test claims, instead of the service's worker.
async fn claimed(s: &TestApp) -> Vec<Claim> {
    let mut db = s.service.db.acquire().await.unwrap();
    let lease = Lease { token: s.service.new_id(), until: s.now() + TimeDelta::minutes(1) };
    claim::claim_webhooks(&mut db, 100, 100, &[], s.now(), lease).await.unwrap().claims
}

fn delivered(s: &TestApp) -> Attempt {
    Attempt { ending: Ending::Done, started_at: s.now(), took_ms: 1, http_status: Some(204), detail: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_of_one_approval_keep_their_order_when_some_fail_and_some_are_redelivered() {
    story(async |s| {
        let approval = ended(s).await;
        s.stop().await;
        let queues: Vec<String> = (0..20).map(|number| format!("webhook:{number}")).collect();
        for name in queues.iter().cycle().take(60) {
            queue(s, approval, "agents", Some(name), 1).await;
        }
        let order: Vec<(String, Uuid)> = sqlx::query_as(
            "SELECT queue, id FROM outbox WHERE done_at IS NULL AND kind = 'webhook' ORDER BY seq",
        )
        .fetch_all(&s.service.db)
        .await
        .unwrap();
        let id = |row: &(String, Uuid)| countersign::domain::ids::DeliveryId::new(row.1).to_string();
        s.backend.answer_with(Answer::Status(500, Vec::new()));
        s.start().await;
        s.settled().await;
        // The last one of each queue: although its redelivery is requested, it waits for those before it.
        for row in &order[40..] {
            assert_eq!(s.api().redeliver(&id(row)).await.status, 202);
        }
        s.settled().await;
        s.backend.answer_with(Answer::Take);
        s.pass(TimeDelta::seconds(7));
        all_delivered(s).await;
        let mut got = BTreeMap::<String, Vec<(String, bool)>>::new();
        for delivery in s.backend.deliveries() {
            if let Some(row) = order.iter().find(|row| id(row) == delivery.id) {
                got.entry(row.0.clone()).or_default().push((delivery.id.clone(), delivery.is_event()));
            }
        }
        for name in &queues {
            let expected: Vec<String> = order.iter().filter(|row| row.0 == *name).map(id).collect();
            let sent = &got[name];
            assert_eq!(sent[0], (expected[0].clone(), false), "the first attempt failed");
            let taken: Vec<String> =
                sent.iter().filter(|(_, taken)| *taken).map(|(id, _)| id.clone()).collect();
            assert_eq!(taken, expected, "{name}");
            assert_eq!(sent.len(), 4, "the others were not tried before the first one was taken: {sent:?}");
        }
        assert_eq!(count(s, WRONGLY_RECORDED).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_nine_receivers_get_their_webhooks_while_the_fiftieth_hangs() {
    story(async |s| {
        let approval = ended(s).await;
        let mut receivers = Vec::new();
        for number in 0..50 {
            let receiver = AgentBackend::start(options(s)).await.unwrap();
            let (name, url) = (format!("b-{number}"), receiver.webhook_url());
            let keys = (**s).create_backend(&name, &url, KeyScopes::DEFAULT).await.unwrap();
            receiver.set_webhook_secrets(&[&keys.webhook_secret]);
            queue(s, approval, &name, None, 40).await;
            receivers.push(receiver);
        }
        let hanging = receivers.pop().unwrap();
        hanging.answer_with(Answer::Hang(Duration::from_mins(1)));
        // Many more than one claim takes.
        queue(s, approval, "b-49", None, 1000).await;
        wake(s).await;
        let begun = hanging.wait_for_delivery(|_| true, SOON);
        begun.await.unwrap();
        for receiver in &receivers {
            eventually("a receiver gets all of its webhooks", async || {
                (receiver.events().len() == 40).then_some(())
            })
            .await;
        }
        // In this order: whatever is sent in between has another one end first.
        let begun = hanging.deliveries().len();
        let recorded = count(
            s,
            "SELECT count(*) FROM attempts a JOIN outbox o ON o.id = a.outbox_id JOIN backends b ON b.id = o.backend_id
             WHERE b.name = 'b-49'",
        )
        .await;
        let in_flight = i64::try_from(begun).unwrap() - recorded;
        assert!((1..=4).contains(&in_flight), "{begun} begun, {recorded} ended");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_cannot_be_recorded_holds_up_no_other_and_is_not_repeated() {
    story(async |s| {
        let approval = ended(s).await;
        queue(s, approval, "agents", None, 30).await;
        sqlx::raw_sql(
            "CREATE TABLE refused AS SELECT id FROM outbox WHERE done_at IS NULL AND kind = 'webhook' LIMIT 1;
             CREATE FUNCTION refuse_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 IF NEW.outbox_id IN (SELECT id FROM refused) THEN RAISE EXCEPTION 'refused'; END IF;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON attempts FOR EACH ROW EXECUTE FUNCTION refuse_attempt()",
        )
        .execute(&s.service.db)
        .await
        .unwrap();
        wake(s).await;
        eventually("the others are recorded", async || (count(s, OPEN).await == 1).then_some(())).await;
        let left = "SELECT count(*) FROM outbox JOIN refused USING (id) WHERE lease IS NOT NULL";
        assert_eq!(count(s, left).await, 1, "the one that is left is still leased");
        sqlx::raw_sql("DROP TRIGGER refuse ON attempts").execute(&s.service.db).await.unwrap();
        all_delivered(s).await;
        assert_eq!(s.backend.deliveries().len(), 31, "nothing was sent twice");
        assert_eq!(count(s, WRONGLY_RECORDED).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_leaves_out_rows_that_are_locked_and_rows_whose_lease_is_lost() {
    story(async |s| {
        let approval = ended(s).await;
        s.stop().await;
        queue(s, approval, "agents", None, 3).await;
        let claims = claimed(s).await;
        let [free, locked, lost] = &claims[..] else { panic!("{claims:?}") };
        let lost = Claim { lease: Uuid::nil(), ..lost.clone() };
        let mut held = s.service.db.begin().await.unwrap();
        sqlx::query("SELECT FROM outbox WHERE id = $1 FOR UPDATE")
            .bind(locked.id.uuid())
            .execute(&mut *held)
            .await
            .unwrap();
        let mut db = s.service.db.acquire().await.unwrap();
        let attempt = delivered(s);
        let all = [(free, &attempt), (locked, &attempt), (&lost, &attempt)];
        let finished = finish::finish_all(&mut db, &all, s.now()).await.unwrap();
        assert_eq!(finished, [free.id].into());
        held.rollback().await.unwrap();
        assert!(finish::finish(&mut db, locked, &attempt, s.now()).await.unwrap());
        assert!(!finish::finish(&mut db, &lost, &attempt, s.now()).await.unwrap());
        assert!(finish::finish_all(&mut db, &all, s.now()).await.unwrap().is_empty(), "recorded once");
        assert_eq!(count(s, OPEN).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_goes_where_the_endpoint_is_after_the_claim() {
    story(async |s| {
        let approval = ended(s).await;
        s.stop().await;
        queue(s, approval, "agents", None, 2).await;
        let claims = claimed(s).await;
        let moved = AgentBackend::start(options(s)).await.unwrap();
        moved.set_webhook_secrets(&[&s.keys.as_ref().unwrap().webhook_secret]);
        let summary = backends::list(&s.service, None).await.unwrap().remove(0);
        let url = Link::new(moved.webhook_url()).unwrap();
        assert!(backends::set_webhook(&s.service, &summary, &url).await.unwrap());
        let sender = app::webhook_sender(s.config.webhook_allow.clone()).unwrap();
        let send = async |claim: &Claim| {
            let mut prepared = send::prepare(&s.service, std::slice::from_ref(claim)).await.unwrap();
            sender.send(&s.service, claim, prepared.remove(0).unwrap()).await.unwrap()
        };
        assert!(matches!(send(&claims[0]).await, Outcome::Done { status: Some(204), .. }));
        assert_eq!((moved.events().len(), s.backend.deliveries().len()), (1, 1));
        sqlx::query("UPDATE backends SET webhook_stopped_at = $1, webhook_stopped_why = 'gone'")
            .bind(s.now())
            .execute(&s.service.db)
            .await
            .unwrap();
        assert_eq!(send(&claims[1]).await, Outcome::Wait(TimeDelta::zero()), "stopped after the claim");
        let by_hand = Claim { by_hand: true, ..claims[1].clone() };
        assert!(matches!(send(&by_hand).await, Outcome::Done { .. }));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_take_turns_between_backends_and_leave_each_its_room() {
    story(async |s| {
        let approval = ended(s).await;
        s.stop().await;
        for (name, rows) in [("a", 50), ("b", 50), ("c", 10)] {
            s.create_backend(name).await;
            queue(s, approval, name, None, rows).await;
        }
        let ids: BTreeMap<_, _> = backends::list(&s.service, None)
            .await
            .unwrap()
            .into_iter()
            .map(|backend| (backend.name, backend.id))
            .collect();
        let mut db = s.service.db.acquire().await.unwrap();
        let mut take = async |limit, room, rooms: &[(_, _)]| {
            let lease = Lease { token: s.service.new_id(), until: s.now() + TimeDelta::minutes(1) };
            let claimed = claim::claim_webhooks(&mut db, limit, room, rooms, s.now(), lease).await.unwrap();
            ["a", "b", "c"]
                .map(|name| claimed.claims.iter().filter(|claim| claim.backend == Some(ids[name])).count())
        };
        assert_eq!(take(8, 32, &[]).await, [3, 3, 2], "in turns");
        assert_eq!(take(100, 4, &[(ids["a"], 10), (ids["b"], 0)]).await, [10, 0, 4]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_arrive_while_the_database_is_down_are_recorded_when_it_is_back() {
    story_with_own_server(async |s| {
        let approval = ended(s).await;
        queue(s, approval, "agents", None, 4).await;
        s.backend.answer_with(Answer::Hang(Duration::from_secs(2)));
        wake(s).await;
        eventually("all are in flight", async || (s.backend.deliveries().len() == 5).then_some(())).await;
        s.postgres().stop_server().await.unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
        s.postgres().start_server().await.unwrap();
        all_delivered(s).await;
        assert_eq!(s.backend.deliveries().len(), 5, "nothing was sent twice");
        assert_eq!(count(s, WRONGLY_RECORDED).await, 0);
    })
    .await;
}
