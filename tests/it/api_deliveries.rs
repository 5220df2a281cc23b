//! `/v1/webhook-deliveries`, endpoints that fail, and those that come back.

use std::process::Command;

use chrono::TimeDelta;
use countersign::{
    domain::{
        api_keys::KeyScopes,
        audit::Actor,
        ids::BackendId,
        text::{Link, Name},
    },
    service::{authenticate::BackendCaller, backends, redeliver},
};
use sandbox::backend::{AgentBackend, Answer, BackendOptions};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::{
    cli::{complaint, on, said},
    story::{TestApp, eventually, story},
};

const ACTION: &str = "github.create_issue";

/// Asks, and cancels: a webhook is on its way. Gives the approval's id.
async fn ended(s: &TestApp, conversation: &str) -> String {
    let id = s.ask(&s.call(ACTION, conversation)).await.id().to_owned();
    assert_eq!(s.api().cancel(&id).await.status, 200);
    id
}

/// The approval's delivery, once something holds for it.
async fn delivery(s: &TestApp, approval: &str, what: impl Fn(&Value) -> bool) -> Value {
    eventually("the delivery", async || {
        let reply = s.api().deliveries(&[("approval", approval)]).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert!(reply.data().len() <= 1);
        reply.data().first().filter(|delivery| what(delivery)).cloned()
    })
    .await
}

async fn one(s: &TestApp, id: &str) -> Value {
    let reply = s.api().call(reqwest::Method::GET, &["webhook-deliveries", id], &[], None, &[]).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_read_with_each_attempt() {
    story(async |s| {
        s.backend.answer_next([Answer::Status(503, vec![])]);
        let id = ended(s, "c-1").await;
        let waiting = delivery(s, &id, |delivery| delivery["attempt_count"] == 1).await;
        assert_eq!(waiting["status"], "pending");
        assert_eq!(waiting["last_error"], "the endpoint answered 503");
        assert!(waiting["next_attempt_at"].is_string() && waiting["delivered_at"].is_null());
        s.pass(TimeDelta::seconds(7));
        let done = delivery(s, &id, |delivery| delivery["status"] == "delivered").await;
        assert_eq!(done["type"], "approval.cancelled");
        assert!(done["next_attempt_at"].is_null() && done["delivered_at"].is_string());
        let told = s.received_webhook(&id).await;
        assert_eq!(done["id"], told.id.as_str());
        let whole = one(s, &told.id).await;
        let attempts = whole["attempts"].as_array().unwrap();
        let statuses: Vec<_> = attempts.iter().map(|attempt| &attempt["http_status"]).collect();
        assert_eq!(statuses, [503, 204]);
        assert_eq!(attempts[0]["outcome"], "failed");
        assert_eq!(attempts[1]["outcome"], "delivered");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_delivery_is_sent_again_with_the_same_id_and_its_pauses_begin_anew() {
    story(async |s| {
        s.backend.answer_with(Answer::Status(500, vec![]));
        let id = ended(s, "c-1").await;
        for tries in 1..=7 {
            delivery(s, &id, |delivery| delivery["attempt_count"] == tries).await;
            s.advance_until_idle(TimeDelta::hours(13)).await;
        }
        let dead = delivery(s, &id, |delivery| delivery["status"] == "dead").await;
        assert_eq!(dead["attempt_count"], 8);
        assert!(dead["dead_at"].is_string() && dead["last_error"].is_string());
        let dead_id = dead["id"].as_str().unwrap();
        let again = s.api().redeliver(dead_id).await;
        assert_eq!((again.status, again.str("/status")), (202, "pending"), "{again:?}");
        delivery(s, &id, |delivery| delivery["attempt_count"] == 9 && delivery["status"] == "pending").await;
        s.backend.answer_with(Answer::Take);
        s.pass(TimeDelta::seconds(7));
        let told = s.received_webhook(&id).await;
        assert_eq!(told.id, dead_id);
        assert_eq!(s.audited("webhook.redelivered", &id).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivered_one_is_sent_again_when_asked() {
    story(async |s| {
        let id = ended(s, "c-1").await;
        let told = s.received_webhook(&id).await;
        delivery(s, &id, |delivery| delivery["status"] == "delivered").await;
        assert_eq!(s.api().redeliver(&told.id).await.status, 202);
        let repeated = s.backend.wait_for_delivery(|delivery| delivery.repeated, crate::story::SOON).await;
        let repeated = repeated.unwrap();
        assert_eq!((repeated.id, repeated.body), (told.id, told.body));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_while_a_try_hangs_is_sent_at_once() {
    story(async |s| {
        s.backend.answer_next([Answer::Hang(std::time::Duration::from_mins(1))]);
        let id = ended(s, "c-1").await;
        let hanging = s.received_webhook(&id).await;
        assert_eq!(s.api().redeliver(&hanging.id).await.status, 202);
        let repeated = s.backend.wait_for_delivery(|delivery| delivery.repeated, crate::story::SOON).await;
        assert_eq!(repeated.unwrap().id, hanging.id);
        delivery(s, &id, |delivery| delivery["status"] == "delivered").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_listed_newest_first_by_status_page_by_page() {
    story(async |s| {
        for conversation in ["c-1", "c-2", "c-3"] {
            let id = ended(s, conversation).await;
            s.received_webhook(&id).await;
            delivery(s, &id, |delivery| delivery["status"] == "delivered").await;
            s.pass(TimeDelta::milliseconds(5));
        }
        let all = s.api().deliveries(&[("status", "delivered")]).await;
        let ids: Vec<&str> = all.data().iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 3);
        assert!(ids.is_sorted_by(|newer, older| newer > older));
        let first = s.api().deliveries(&[("limit", "2")]).await;
        let rest = s.api().deliveries(&[("limit", "2"), ("cursor", first.next_cursor().unwrap())]).await;
        assert_eq!(rest.data(), &all.data()[2..]);
        assert_eq!(rest.next_cursor(), None);
        for none in ["dead", "pending"] {
            assert!(s.api().deliveries(&[("status", none)]).await.data().is_empty(), "{none}");
        }
        let approval = all.data()[1]["approval"].as_str().unwrap();
        let of_approval = s.api().deliveries(&[("approval", approval), ("status", "delivered")]).await;
        assert_eq!(of_approval.data(), &all.data()[1..2]);
        assert!(s.api().deliveries(&[("approval", approval), ("status", "dead")]).await.data().is_empty());
        assert_eq!(s.api().deliveries(&[("status", "sleeping")]).await.status, 422);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_backends_delivery_is_not_found() {
    story(async |s| {
        let id = ended(s, "c-1").await;
        let told = s.received_webhook(&id).await;
        let (key, _) = s.create_backend("another").await;
        let other = s.backend.api_with_key(&key);
        assert!(other.deliveries(&[]).await.data().is_empty());
        let reply = other.redeliver(&told.id).await;
        assert_eq!((reply.status, reply.str("/type")), (404, "urn:countersign:problem:unknown-delivery"));
        assert_eq!(s.api().redeliver("dlv_nonsense").await.status, 404);
    })
    .await;
}

/// How the operator's list describes the story's backend.
async fn health(s: &TestApp) -> (bool, bool) {
    let backends = backends::list(&s.service, None).await.unwrap();
    (backends[0].webhook_failing_since.is_some(), backends[0].webhook_stopped_at.is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_for_five_days_is_stopped_and_a_success_resumes_it() {
    story(async |s| {
        s.backend.answer_with(Answer::Status(500, vec![]));
        let first = ended(s, "c-1").await;
        let failed = delivery(s, &first, |delivery| delivery["attempt_count"] == 1).await;
        assert_eq!(health(s).await, (true, false));
        s.advance_until_idle(TimeDelta::days(5)).await;
        delivery(s, &first, |delivery| delivery["attempt_count"] == 2).await;
        eventually("the stop", async || (health(s).await == (true, true)).then_some(())).await;
        let second = ended(s, "c-2").await;
        s.backend.answer_with(Answer::Take);
        s.advance_until_idle(TimeDelta::days(1)).await;
        // A manual redelivery still goes out. The endpoint accepts it, so the others follow.
        let first_id = failed["id"].as_str().unwrap();
        assert_eq!(delivery(s, &second, |_| true).await["attempt_count"], 0);
        assert_eq!(s.api().redeliver(first_id).await.status, 202);
        s.received_webhook(&first).await;
        s.received_webhook(&second).await;
        assert_eq!(health(s).await, (false, false));
        let told = s.backend.events();
        assert_eq!((told[0].approval_id(), told[1].approval_id()), (first.as_str(), second.as_str()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_stopped_endpoint_says_so_and_is_sent_as_soon_as_that_is_resumed() {
    story(async |s| {
        s.backend.answer_next([Answer::Status(500, vec![]), Answer::Gone]);
        let first = ended(s, "c-1").await;
        let failed = delivery(s, &first, |delivery| delivery["attempt_count"] == 1).await;
        assert_eq!((&failed["paused"], failed["next_attempt_at"].is_string()), (&false.into(), true));
        let gone = ended(s, "c-2").await;
        let dead = delivery(s, &gone, |delivery| delivery["status"] == "dead").await;
        assert_eq!(dead["paused"], false);
        let waits = delivery(s, &first, |delivery| delivery["paused"] == true).await;
        assert_eq!((&waits["status"], &waits["next_attempt_at"]), (&"pending".into(), &Value::Null));
        let summary = backends::list(&s.service, None).await.unwrap().remove(0);
        assert!(backends::resume_webhook(&s.service, &summary).await.unwrap());
        // Its pause is not over.
        s.received_webhook(&first).await;
        assert_eq!(delivery(s, &first, |delivery| delivery["status"] == "delivered").await["paused"], false);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_sends_a_signed_ping_and_prints_what_came_back() {
    story(async |s| {
        // The command line goes by the machine's clock, and so does this receiver.
        let receiver = AgentBackend::start(BackendOptions::default()).await.unwrap();
        let (name, url) = (Name::new("pinged").unwrap(), Link::new(receiver.webhook_url()).unwrap());
        let created = backends::create(&s.service, s.workspace, &name, &url, KeyScopes::DEFAULT)
            .await
            .unwrap()
            .unwrap();
        receiver.set_webhook_secrets(&[created.webhook_secret.expose_secret()]);
        let ping = |allow: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
            command.args(["backend", "test-webhook", "--name", "pinged", "--webhook-allow", allow]);
            // Where nothing listens: what goes through a proxy escapes the guard.
            for variable in
                ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
            {
                command.env(variable, "http://127.0.0.1:9");
            }
            command.env_remove("NO_PROXY").env_remove("no_proxy");
            command.env("DATABASE_URL", s.config.database.database_url.expose_secret());
            let key = s.config.database.encryption_key.as_ref().unwrap();
            command.env("COUNTERSIGN_ENCRYPTION_KEY", key.expose_secret());
            tokio::task::spawn_blocking(move || command.output().unwrap())
        };
        let output = ping("127.0.0.0/8").await.unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && printed.contains("accepted the ping (204)"), "{printed}");
        let got = receiver.events().pop().unwrap();
        assert_eq!((got.kind.as_str(), got.verified), ("webhook.ping", Ok(())));
        let refused = ping("10.0.0.0/8").await.unwrap();
        let complaint = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && complaint.contains("COUNTERSIGN_WEBHOOK_ALLOW"), "{complaint}");
        receiver.answer_with(Answer::Status(500, vec![]));
        let failed = ping("127.0.0.0/8").await.unwrap();
        let complaint = String::from_utf8(failed.stderr).unwrap();
        assert!(!failed.status.success() && complaint.contains("(500)"), "{complaint}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_lists_what_was_given_up_and_sends_it_again() {
    story(async |s| {
        // Gone: given up at once.
        s.backend.answer_next([Answer::Status(410, vec![])]);
        let approval = ended(s, "c-1").await;
        let dead = delivery(s, &approval, |delivery| delivery["status"] == "dead").await;
        let id = dead["id"].as_str().unwrap();
        let listed: Value =
            serde_json::from_str(&said(&mut on(s, &["delivery", "list", "--failed", "--json"]))).unwrap();
        assert_eq!((&listed[0]["id"], &listed[0]["backend"]), (&dead["id"], &"agents".into()));
        let line = said(&mut on(s, &["delivery", "list", "--backend", "agents"]));
        assert!(line.starts_with(id) && line.contains("dead") && line.contains("answered 410"), "{line}");
        // Not by the command, which has a clock of its own by which the test's time is long ago.
        let (backend, id) = (
            sqlx::query_scalar("SELECT id FROM backends").fetch_one(&s.service.db).await,
            id.parse().unwrap(),
        );
        let backend = BackendCaller { backend: BackendId::new(backend.unwrap()), workspace: s.workspace };
        redeliver::resend(&s.service, backend, id, &Actor::Operator).await.unwrap();
        assert_eq!(s.received_webhook(&approval).await.id, id.to_string());
        assert_eq!(said(&mut on(s, &["delivery", "list", "--failed"])), "No webhook was given up.\n");
        assert_eq!(said(&mut on(s, &["delivery", "resend", "--failed"])), "No webhook was given up.\n");
        let again = said(&mut on(s, &["delivery", "resend", &id.to_string()]));
        assert_eq!(again, "1 webhook is sent again now.\n");
        let by: Vec<String> =
            sqlx::query_scalar("SELECT actor_kind FROM audit WHERE what = 'webhook.redelivered'")
                .fetch_all(&s.service.db)
                .await
                .unwrap();
        assert_eq!(by, ["operator", "operator"]);
        for (arguments, says) in [
            (&["delivery", "resend"][..], "required"),
            (&["delivery", "resend", "dlv_1"][..], "it should be the id of a delivery, as dlv_…"),
            (
                &["delivery", "resend", "dlv_0192f7c3b1157c33a0e1f2a3b4c5d6e7"][..],
                "unknown delivery dlv_0192",
            ),
        ] {
            let complaint = complaint(&mut on(s, arguments));
            assert!(complaint.contains(says), "{arguments:?}: {complaint}");
        }
    })
    .await;
}
