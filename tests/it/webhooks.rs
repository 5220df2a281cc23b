//! The backend receives every end: at least once, signed, guarded, whatever its endpoint does.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use countersign::{
    domain::{
        api_keys::KeyScopes,
        text::{Link, Name},
    },
    service::backends,
    storage,
};
use sandbox::backend::{AgentBackend, Answer, BackendOptions};
use secrecy::ExposeSecret as _;

use crate::story::{ALICE, BOB, SOON, TestApp, story};

const ACTION: &str = "github.create_issue";

/// Asks and approves, and gives the approval's id.
async fn approved(s: &TestApp) -> String {
    let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
    assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
    id
}

/// The delivery's row once `tries` tries have been noted: status of the last one, whether it is done, whether dead.
async fn after_tries(s: &TestApp, id: &str, tries: i32) -> (Option<i32>, bool, bool) {
    let id: countersign::domain::ids::ApprovalId = id.parse().unwrap();
    let look = async {
        loop {
            let row: Option<(i32, Option<i32>, bool, bool)> = sqlx::query_as(
                "SELECT o.attempts, a.http_status, o.done_at IS NOT NULL, o.dead_at IS NOT NULL
                 FROM outbox o JOIN attempts a ON a.outbox_id = o.id AND a.number = o.attempts
                 WHERE o.kind = 'webhook' AND o.approval_id = $1 AND o.lease IS NULL",
            )
            .bind(id.uuid())
            .fetch_optional(&s.service.db)
            .await
            .unwrap();
            if let Some((_, status, done, dead)) = row.filter(|row| row.0 >= tries) {
                return (status, done, dead);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, look).await.unwrap()
}

/// How long the delivery's row has to wait from now on.
async fn pause(s: &TestApp, id: &str) -> TimeDelta {
    let id: countersign::domain::ids::ApprovalId = id.parse().unwrap();
    let due: DateTime<Utc> =
        sqlx::query_scalar("SELECT due_at FROM outbox WHERE kind = 'webhook' AND approval_id = $1")
            .bind(id.uuid())
            .fetch_one(&s.service.db)
            .await
            .unwrap();
    due - s.now()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_carries_the_approval_and_a_signature() {
    story(async |s| {
        let id = approved(s).await;
        let told = s.received_webhook(&id).await;
        assert_eq!(told.kind, "approval.approved");
        assert_eq!(told.approval(), &s.api().get(&id).await.body);
        assert!(told.id.starts_with("dlv_"));
        assert_eq!(told.body["timestamp"], told.approval()["decision"]["decided_at"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_endpoint_is_tried_eight_times_under_one_id_and_then_left() {
    story(async |s| {
        s.backend.answer_with(Answer::Status(500, Vec::new()));
        let id = approved(s).await;
        for tries in 1..=8 {
            let (status, done, dead) = after_tries(s, &id, tries).await;
            assert_eq!((status, done, dead), (Some(500), false, tries == 8), "try {tries}");
            s.advance_until_idle(TimeDelta::hours(13)).await;
        }
        let deliveries = s.backend.deliveries();
        assert_eq!(deliveries.len(), 8);
        assert!(
            deliveries.iter().all(|delivery| delivery.id == deliveries[0].id && delivery.verified.is_ok())
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_recovers_gets_what_it_missed_after_the_pause_and_not_before() {
    story(async |s| {
        s.backend.answer_next([Answer::DropBeforeTaking]);
        let id = approved(s).await;
        assert_eq!(after_tries(s, &id, 1).await, (None, false, false));
        let first = pause(s, &id).await;
        assert!((4_000..=6_000).contains(&first.num_milliseconds()), "5 s, a fifth more or less: {first}");
        s.pass(first - TimeDelta::milliseconds(1));
        s.settled().await;
        assert_eq!(s.backend.events().len(), 0);
        s.pass(TimeDelta::milliseconds(1));
        s.received_webhook(&id).await;
        assert_eq!(after_tries(s, &id, 2).await, (Some(204), true, false));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_honoured() {
    story(async |s| {
        s.backend.answer_next([Answer::RetryAfter(120)]);
        let id = approved(s).await;
        assert_eq!(after_tries(s, &id, 1).await, (Some(429), false, false));
        assert_eq!(pause(s, &id).await, TimeDelta::seconds(120));
        s.advance_until_idle(TimeDelta::seconds(119)).await;
        s.settled().await;
        assert_eq!(s.backend.deliveries().len(), 1);
        s.pass(TimeDelta::seconds(1));
        s.received_webhook(&id).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_is_left_alone_until_it_is_resumed() {
    story(async |s| {
        s.backend.answer_next([Answer::Gone]);
        let first = approved(s).await;
        assert_eq!(after_tries(s, &first, 1).await, (Some(410), false, true));
        let second = approved(s).await;
        s.advance_until_idle(TimeDelta::days(1)).await;
        s.settled().await;
        let summary = backends::list(&s.service, None).await.unwrap().remove(0);
        assert!(summary.webhook_stopped_at.is_some());
        assert!(s.backend.events().is_empty());
        assert!(backends::resume_webhook(&s.service, &summary).await.unwrap());
        s.received_webhook(&second).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_not_followed() {
    story(async |s| {
        s.backend.answer_next([Answer::Redirect(s.backend.webhook_url())]);
        let id = approved(s).await;
        assert_eq!(after_tries(s, &id, 1).await, (Some(307), false, false));
        assert_eq!(s.backend.deliveries().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_never_goes_to_a_private_address_that_nobody_allowed() {
    story(async |s| {
        s.stop().await;
        s.config.webhook_allow.clear();
        s.start().await;
        let by_number = approved(s).await;
        assert_eq!(after_tries(s, &by_number, 1).await, (None, false, false));
        sqlx::query("UPDATE backends SET webhook_url = replace(webhook_url, '127.0.0.1', 'localhost')")
            .execute(&s.service.db)
            .await
            .unwrap();
        let by_name = approved(s).await;
        assert_eq!(after_tries(s, &by_name, 1).await, (None, false, false));
        assert!(s.backend.deliveries().is_empty());
        let said: Vec<String> = sqlx::query_scalar(
            "SELECT detail FROM attempts JOIN outbox ON id = outbox_id WHERE kind = 'webhook'",
        )
        .fetch_all(&s.service.db)
        .await
        .unwrap();
        assert!(
            said.len() == 2 && said.iter().all(|detail| detail.contains("COUNTERSIGN_WEBHOOK_ALLOW")),
            "{said:?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_secrets_sign_while_one_is_being_rotated() {
    story(async |s| {
        let summary = backends::list(&s.service, None).await.unwrap().remove(0);
        let new = backends::rotate_secret(&s.service, &summary, TimeDelta::hours(24)).await.unwrap();
        let id = approved(s).await;
        let told = s.received_webhook(&id).await;
        let signatures = told.headers["webhook-signature"].to_str().unwrap().split(' ').count();
        assert_eq!(signatures, 2, "the receiver, which knows only the old secret, verified it");
        s.backend.set_webhook_secrets(&[secrecy::ExposeSecret::expose_secret(&new)]);
        s.advance_until_idle(TimeDelta::hours(25)).await;
        let id = approved(s).await;
        let told = s.received_webhook(&id).await;
        assert_eq!(told.headers["webhook-signature"].to_str().unwrap().split(' ').count(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_endpoint_holds_up_neither_decisions_nor_other_backends() {
    story(async |s| {
        let hanging = AgentBackend::start(BackendOptions::default()).await.unwrap();
        hanging.answer_with(Answer::Hang(Duration::from_mins(1)));
        let (name, url) = (Name::new("slow").unwrap(), Link::new(hanging.webhook_url()).unwrap());
        let created = backends::create(&s.service, s.workspace, &name, &url, KeyScopes::DEFAULT).await.unwrap().unwrap();
        let slow = s.backend.api_with_key(created.api_key.expose_secret());
        // More than are sent at once to all backends together.
        for number in 0..50 {
            let mut ask = s.call(ACTION, &format!("slow-{number}"));
            ask.user = BOB.to_owned();
            let reply = slow.ask(&ask).await;
            assert_eq!(slow.cancel(reply.id()).await.status, 200);
        }
        hanging.wait_for_delivery(|_| true, SOON).await.unwrap();
        let id = approved(s).await;
        s.received_webhook(&id).await;
        // In this order: whatever is sent in between has another one end first.
        let begun = hanging.deliveries().len();
        let ended: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM attempts a JOIN outbox o ON o.id = a.outbox_id JOIN backends b ON b.id = o.backend_id
             WHERE b.name = 'slow'",
        )
        .fetch_one(&s.service.db)
        .await
        .unwrap();
        let in_hand = i64::try_from(begun).unwrap() - ended;
        assert!(in_hand <= 4, "{begun} begun, {ended} ended");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_answer_is_kept_only_in_part() {
    story(async |s| {
        s.backend.answer_next([Answer::LargeBody(5_000_000)]);
        let id = approved(s).await;
        assert_eq!(after_tries(s, &id, 1).await, (Some(200), true, false));
        let kept: i32 = sqlx::query_scalar(
            "SELECT octet_length(detail) FROM attempts JOIN outbox ON id = outbox_id WHERE kind = 'webhook'",
        )
        .fetch_one(&s.service.db)
        .await
        .unwrap();
        assert_eq!(kept, 16 * 1024);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_its_lease_changes_nothing() {
    story(async |s| {
        s.backend.answer_with(Answer::Status(500, Vec::new()));
        let id = approved(s).await;
        after_tries(s, &id, 1).await;
        s.stop().await;
        s.advance_until_idle(TimeDelta::minutes(1)).await;
        let mut db = s.service.db.acquire().await.unwrap();
        let lease_time = TimeDelta::seconds(60);
        let mut claim = async || {
            let lease =
                storage::statements::claim::Lease { token: s.service.new_id(), until: s.now() + lease_time };
            storage::statements::claim::claim_webhooks(&mut db, 4, 4, &[], s.now(), lease)
                .await
                .unwrap()
                .claims
        };
        let first = claim().await;
        assert_eq!((first.len(), claim().await.len()), (1, 0), "what is leased is not claimed again");
        s.advance_until_idle(lease_time).await;
        let second = claim().await;
        assert_eq!(second.len(), 1, "an expired lease is");
        let attempt = storage::statements::finish::Attempt {
            ending: storage::statements::finish::Ending::Dead,
            started_at: s.now(),
            took_ms: 1,
            http_status: None,
            detail: None,
        };
        assert!(!storage::statements::finish::finish(&mut db, &first[0], &attempt, s.now()).await.unwrap());
        assert!(storage::statements::finish::finish(&mut db, &second[0], &attempt, s.now()).await.unwrap());
    })
    .await;
}
