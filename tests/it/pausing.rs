//! An admin or the operator pauses an agent or a backend: nothing that it asks is approved until it is resumed.

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use countersign::{
    domain::{
        audit::Actor,
        ids::{BackendId, WorkspaceId},
        panel::ApproverSpec,
        pauses::{PauseReason, PauseTarget, PausedRequests},
        rejection::Rejection,
        text::ForeignId,
    },
    service::{
        ServiceError,
        pauses::{self, NewPause},
    },
};
use futures::future::join_all;
use insta::assert_snapshot;
use sandbox::slack::{Gesture, Press, Surface};
use serde_json::Value;

use crate::{
    api::problem,
    approving_together::{self, ADA, users},
    cli::{complaint, on, said},
    racing::waiting,
    several::{ask_numbered, catch_up, is_shared, now, shared, statuses},
    story::{ADMIN, ALICE, BOB, TestApp, eventually, story},
};

const ISSUE: &str = "github.create_issue";

fn agent(id: &str) -> PauseTarget {
    PauseTarget::Agent { backend: None, agent: ForeignId::new(id).unwrap() }
}

async fn backend(s: &TestApp) -> PauseTarget {
    let id =
        sqlx::query_scalar("SELECT id FROM backends WHERE name = 'agents'").fetch_one(&s.service.db).await;
    PauseTarget::Backend(BackendId::new(id.unwrap()))
}

/// As the command does it. That has a clock of its own, by which the test's time is long ago.
async fn pause(s: &TestApp, target: PauseTarget, requests: PausedRequests) {
    let new = NewPause { target, requests, reason: PauseReason::new("Sends too much").unwrap() };
    pauses::pause(&s.service, s.workspace, &new, &Actor::Operator).await.unwrap();
}

async fn resume_all(s: &TestApp) {
    for line in pauses::list(&s.service, s.workspace).await.unwrap() {
        pauses::resume(&s.service, s.workspace, line.pause.id, &Actor::Operator).await.unwrap();
    }
}

/// Has Alice always auto-approve an action.
async fn granted(s: &TestApp) {
    s.open(ISSUE).await;
    assert!(s.command(ALICE, &format!("on {ISSUE}")).await.is_ok());
    assert_eq!(s.ask(&s.call(ISSUE, "c-1")).await.approval_status(), "approved");
}

/// Waits until an instance has saved which agents asked. It does so once a minute.
async fn agents_are_saved(s: &TestApp) {
    s.advance_until_idle(TimeDelta::minutes(1)).await;
    eventually("the agents that asked", async || {
        let found = pauses::agents(&s.service, s.workspace, (0, 10)).await.unwrap();
        (!found.is_empty()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_paused_agent_asks_is_held_whatever_auto_approves_it() {
    story(async |s| {
        granted(s).await;
        pause(s, agent("scout"), PausedRequests::Held).await;
        let held = s.ask(&s.call(ISSUE, "c-1")).await;
        assert_eq!(held.approval_status(), "pending");
        assert_eq!(held.body["paused"]["reason"], "Sends too much");
        let prompt = s.shown(ALICE, held.id()).await;
        let text = prompt.all_text();
        assert!(text.contains("Paused by the operator") && text.contains("“Sends too much”"), "{text}");
        assert!(!prompt.has_button("Approve") && prompt.has_button("Deny"), "{text}");
        let other = s.ask(&s.call(ISSUE, "c-1").by_agent("nova", "Nova")).await;
        assert_eq!(other.approval_status(), "approved", "another agent");
        resume_all(s).await;
        s.settled().await;
        let prompt = s.until(&prompt, |prompt| prompt.has_button("Approve")).await;
        assert!(s.api().get(held.id()).await.body.get("paused").is_none());
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(held.id()).await.kind, "approval.approved");
        assert_eq!(
            s.ask(&s.call(ISSUE, "c-1")).await.approval_status(),
            "approved",
            "the grant is still there"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_paused_backend_asks_is_denied_at_once_with_the_reason() {
    story(async |s| {
        granted(s).await;
        let asked = s.ask(&s.call("github.create_branch", "c-2")).await;
        pause(s, backend(s).await, PausedRequests::Denied).await;
        let denied = s.ask(&s.call(ISSUE, "c-1").by_agent("another", "Another")).await;
        assert_eq!(denied.approval_status(), "denied");
        let decision = &denied.body["decision"];
        assert_eq!((&decision["by"], &decision["user"]), (&"policy".into(), &Value::Null));
        assert_eq!(decision["reason"], "The backend is paused: Sends too much");
        assert_eq!(s.api().get(denied.id()).await.body["decision"], *decision);
        assert_eq!(s.audited("approval.denied", denied.id()).await, 1);
        // What waited before is held, and can be denied.
        let waiting = s.api().get(asked.id()).await.body;
        assert_eq!(
            (&waiting["status"], &waiting["paused"]["reason"]),
            (&"pending".into(), &"Sends too much".into())
        );
        let prompt = s.shown(ALICE, asked.id()).await;
        let prompt = s.until(&prompt, |prompt| !prompt.has_button("Approve")).await;
        assert!(s.click(ALICE, &prompt, "Deny").await.is_ok());
        assert_eq!(s.received_webhook(asked.id()).await.kind, "approval.denied");
        s.settled().await;
        assert_eq!(s.slack.direct_messages(ALICE).len(), 1, "what is denied at once is not shown");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_on_an_old_prompt_approves_nothing() {
    story(async |s| {
        s.open(ISSUE).await;
        let (id, prompt) = s.prompt(&s.call(ISSUE, "c-1")).await;
        let (edited, _) = s.prompt(&s.call(ISSUE, "c-2").editable()).await;
        pause(s, agent("scout"), PausedRequests::Held).await;
        let stale = s.slack.click_label(ALICE, Surface::stale(&prompt), "Approve").await.unwrap();
        assert!(stale.is_ok());
        let options = prompt.overflow_options();
        let always = options.iter().find(|option| option.label == "Auto-approve always").unwrap();
        let stale = Surface::stale(&prompt);
        assert!(s.slack.choose(ALICE, stale, &always.action_id, &always.value).await.unwrap().is_ok());
        let told = s.ephemeral_reply(ALICE, &prompt.channel, "paused").await;
        assert_snapshot!(told.text(), @"The operator paused this agent, so nothing that it asks can be approved. Nothing was decided. You can deny the request, or wait until an admin resumes the agent.");
        s.settled().await;
        assert_eq!(statuses(s, &[id.clone(), edited]).await, ["pending", "pending"]);
        assert_eq!(s.live_grants().await, 0);
        assert_eq!(s.audited("approval.refused", &id).await, 2);
        s.until(&prompt, |prompt| !prompt.has_button("Approve")).await;
        // Expiry as usual.
        s.advance_until_idle(TimeDelta::minutes(31)).await;
        assert_eq!(s.received_webhook(&id).await.kind, "approval.expired");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_message_offers_no_approval_while_its_agent_is_paused() {
    story(async |s| {
        s.open(ISSUE).await;
        let ids = ask_numbered(s, 5).await;
        catch_up(s).await;
        let message = shared(s);
        assert!(s.click(ALICE, &message, "Approve all 5…").await.is_ok());
        pause(s, agent("scout"), PausedRequests::Held).await;
        // The modal was opened before.
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        catch_up(s).await;
        assert!(statuses(s, &ids).await.iter().all(|status| status == "pending"));
        let message = now(s, &message);
        let text = message.all_text();
        assert!(is_shared(&message) && text.contains("Paused by the operator"), "{text}");
        assert!(!text.contains("Approve all"), "{text}");
        assert!(s.click(ALICE, &message, "Review").await.is_ok());
        let review = s.modal(ALICE, |view| view.title() == "Review").await;
        assert!(!review.has_button("Approve") && review.has_button("Deny"), "{}", review.all_text());
        resume_all(s).await;
        catch_up(s).await;
        assert!(now(s, &message).all_text().contains("Approve all 5…"), "{}", now(s, &message).all_text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_pause_no_request_is_approved_however_they_race() {
    story(async |s| {
        granted(s).await;
        for round in 0..12 {
            let paused = AtomicBool::new(false);
            let asks = join_all((0..16).map(async |_| {
                let mut late = Vec::new();
                for _ in 0..4 {
                    let began_after = paused.load(Ordering::SeqCst);
                    let status = s.ask(&s.call(ISSUE, "c-1")).await.approval_status().to_owned();
                    late.push((began_after, status));
                }
                late
            }));
            let (asked, ()) = tokio::join!(asks, async {
                pause(s, agent("scout"), PausedRequests::Denied).await;
                paused.store(true, Ordering::SeqCst);
            });
            for (began_after, status) in asked.into_iter().flatten() {
                assert!(!began_after || status == "denied", "round {round}: {status} after the pause");
            }
            assert_eq!(s.ask(&s.call(ISSUE, "c-1")).await.approval_status(), "denied");
            resume_all(s).await;
            assert_eq!(s.ask(&s.call(ISSUE, "c-1")).await.approval_status(), "approved");
        }
    })
    .await;
}

/// Pauses an agent in a transaction that is committed once someone waits for it.
async fn pause_before<T>(s: &TestApp, meanwhile: impl Future<Output = T>) -> T {
    let mut tx = s.service.db.begin().await.unwrap();
    let id: WorkspaceId = s.workspace;
    sqlx::query("SELECT FROM workspaces WHERE id = $1 FOR UPDATE")
        .bind(id.uuid())
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query(
        r#"UPDATE workspaces SET pauses = '[{"id": "00000000-0000-0000-0000-000000000001", "backend": null,
           "agent": "scout", "requests": "held", "reason": "Loop", "by": {"kind": "operator", "id": null},
           "at": "2026-09-21T14:13:20Z"}]' WHERE id = $1"#,
    )
    .bind(id.uuid())
    .execute(&mut *tx)
    .await
    .unwrap();
    let commit = async {
        waiting(s, 1).await;
        tx.commit().await.unwrap();
    };
    tokio::join!(meanwhile, commit).0
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ask_and_a_click_that_wait_for_a_pause_see_it() {
    story(async |s| {
        granted(s).await;
        let asked = pause_before(s, async { s.ask(&s.call(ISSUE, "c-1")).await }).await;
        assert_eq!(asked.approval_status(), "pending");
        resume_all(s).await;
        let (id, prompt) = s.prompt(&s.call("github.create_branch", "c-2")).await;
        let clicked = pause_before(s, async { s.click(ALICE, &prompt, "Approve").await }).await;
        assert!(clicked.is_ok());
        s.ephemeral_reply(ALICE, &prompt.channel, "paused").await;
        assert_eq!(s.status(&id).await, "pending");
        assert_eq!(s.audited("approval.refused", &id).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_program_records_an_approval_of_a_paused_agent() {
    story(async |s| {
        granted(s).await;
        let (id, _) = s.prompt(&s.call("github.create_branch", "c-2")).await;
        pause(s, agent("scout"), PausedRequests::Held).await;
        let mut db = s.service.db.begin().await.unwrap();
        // As a version does that knows nothing of pauses.
        for statement in [
            "UPDATE approvals SET status = 'approved', decision_scope = 'once', decided_by = 'user', decided_user = 'U0ALICE', decided_at = now() WHERE status = 'pending'",
            "INSERT INTO approvals SELECT (jsonb_populate_record(a, jsonb_build_object('id', left(a.id::text, 24) || '0123456789ab', 'pauses_checked', false))).* FROM approvals a WHERE a.decided_by = 'auto' LIMIT 1",
        ] {
            sqlx::query("SAVEPOINT here").execute(&mut *db).await.unwrap();
            let refused = sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *db).await.unwrap_err();
            assert!(refused.to_string().contains("its agent or backend is paused"), "{refused}");
            sqlx::query("ROLLBACK TO here").execute(&mut *db).await.unwrap();
        }
        db.rollback().await.unwrap();
        assert_eq!(s.status(&id).await, "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_pauses_lists_and_resumes() {
    story(async |s| {
        granted(s).await;
        let says = |arguments: &[&str]| said(&mut on(s, arguments));
        let reason = ["--reason", "Sends too much"];
        assert_eq!(
            says(&[&["agent", "pause", "scout"], &reason[..]].concat()),
            "Paused the agent \"scout\" of every backend. Its requests are held: people can deny them, but not approve them until you resume it.\n"
        );
        assert_eq!(s.ask(&s.call(ISSUE, "c-1")).await.approval_status(), "pending");
        let one: Value = serde_json::from_str(&says(
            &[&["backend", "pause", "--name", "agents", "--deny", "--json"], &reason[..]].concat(),
        ))
        .unwrap();
        assert_eq!((&one["backend"], &one["requests"]), (&"agents".into(), &"denied".into()));
        assert_eq!(s.ask(&s.call(ISSUE, "c-1")).await.approval_status(), "denied");
        let listed = says(&["agent", "list"]);
        assert!(listed.contains("Paused: the agent \"scout\" of every backend, requests held, by operator"), "{listed}");
        assert!(listed.contains("Paused: the backend agents, requests denied, by operator"), "{listed}");
        agents_are_saved(s).await;
        let listed: Value = serde_json::from_str(&says(&["agent", "list", "--json"])).unwrap();
        assert_eq!(listed["paused"].as_array().unwrap().len(), 2);
        assert_eq!(
            says(&["backend", "resume", "--name", "agents"]),
            "Resumed the backend agents. Still paused: the agent \"scout\" of every backend.\n"
        );
        assert_eq!(says(&["agent", "resume", "scout"]), "Resumed the agent \"scout\" of every backend.\n");
        assert_eq!(s.ask(&s.call(ISSUE, "c-1")).await.approval_status(), "approved");
        for (arguments, complains) in [
            (&["agent", "resume", "scout"][..], "it is not paused; nothing is"),
            (&["agent", "pause", "scout"][..], "--reason <TEXT>"),
            (&["agent", "pause", "scout", "--reason", " "][..], "it must not be empty"),
            (&["agent", "pause", "scout", "--reason", "x", "--hold", "--deny"][..], "cannot be used with"),
            (&["agent", "pause", "scout", "--backend", "none", "--reason", "x"][..], "unknown backend none"),
        ] {
            let complaint = complaint(&mut on(s, arguments));
            assert!(complaint.contains(complains), "{arguments:?}: {complaint}");
        }
        let entries: Vec<(String, String, Option<String>)> = sqlx::query_as(
            "SELECT what, actor_kind, subject FROM audit WHERE what LIKE 'agent.%' OR what LIKE 'backend.%ed' ORDER BY id",
        )
        .fetch_all(&s.service.db)
        .await
        .unwrap();
        let entries: Vec<_> = entries.iter().map(|(what, by, subject)| format!("{what} {by} {subject:?}")).collect();
        assert_snapshot!(entries.join("\n"), @r#"
        backend.created operator Some("agents")
        agent.paused operator Some("scout")
        backend.paused operator Some("agents")
        backend.resumed operator Some("agents")
        agent.resumed operator Some("scout")
        "#);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_people_approves_nothing_that_is_paused() {
    story(async |s| {
        approving_together::start(s).await;
        let spec = ApproverSpec::new(users(&[BOB, ADA]), 2, false, None).unwrap();
        let id = approving_together::ask(s, spec, "c-1").await;
        let (bobs, adas) = (s.shown(BOB, &id).await, s.shown(ADA, &id).await);
        pause(s, agent("atlas"), PausedRequests::Held).await;
        assert!(s.slack.click_label(BOB, Surface::stale(&bobs), "Approve").await.unwrap().is_ok());
        s.ephemeral_reply(BOB, &bobs.channel, "paused").await;
        for message in [&bobs, &adas] {
            let held = s.until(message, |message| !message.has_button("Approve")).await;
            assert!(held.has_button("Deny"), "{}", held.all_text());
        }
        resume_all(s).await;
        let adas = s.until(&adas, |message| message.has_button("Approve")).await;
        assert!(s.click(ADA, &adas, "Approve").await.is_ok());
        s.until(&adas, |message| message.all_text().contains("1 more must approve")).await;
        // The last answer would approve it.
        pause(s, agent("atlas"), PausedRequests::Held).await;
        assert!(s.slack.click_label(BOB, Surface::stale(&bobs), "Approve").await.unwrap().is_ok());
        s.settled().await;
        assert_eq!(s.status(&id).await, "pending");
        let bobs = s.until(&bobs, |message| !message.has_button("Approve")).await;
        assert!(s.click(BOB, &bobs, "Deny").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.denied");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_permit_is_given_while_its_agent_is_paused() {
    story(async |s| {
        granted(s).await;
        let [used, unused] = [s.ask(&s.call(ISSUE, "c-1")).await, s.ask(&s.call(ISSUE, "c-1")).await];
        let digest = used.str("/arguments_digest").to_owned();
        assert_eq!(s.api().take_permit(used.id(), &digest, "run-1").await.status, 200);
        pause(s, agent("scout"), PausedRequests::Held).await;
        for (approval, key) in [(&used, "run-1"), (&unused, ""), (&unused, "run-2")] {
            let refused = s.api().take_permit(approval.id(), &digest, key).await;
            assert_eq!((refused.status, problem(&refused)), (409, "paused"), "{refused:?}");
            assert!(
                refused.str("/detail").starts_with("The agent is paused: Sends too much. "),
                "{refused:?}"
            );
        }
        assert_eq!(s.audited("permit.refused", unused.id()).await, 1);
        resume_all(s).await;
        assert_eq!(s.api().take_permit(used.id(), &digest, "run-1").await.status, 200);
        let raced = pause_before(s, s.api().take_permit(unused.id(), &digest, "")).await;
        assert_eq!((raced.status, problem(&raced)), (409, "paused"), "{raced:?}");
        resume_all(s).await;
        assert_eq!(s.api().take_permit(unused.id(), &digest, "").await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_pause_changes_nothing_and_a_second_resume_is_refused() {
    story(async |s| {
        granted(s).await;
        let pauses = async || pauses::list(&s.service, s.workspace).await.unwrap();
        pause(s, agent("scout"), PausedRequests::Held).await;
        let first = pauses().await;
        pause(s, agent("scout"), PausedRequests::Held).await;
        assert_eq!(pauses().await, first);
        pause(s, agent("scout"), PausedRequests::Denied).await;
        let second = pauses().await;
        assert_eq!((second.len(), second[0].pause.requests), (1, PausedRequests::Denied));
        // Another pause covers the agent, too.
        pause(s, backend(s).await, PausedRequests::Held).await;
        let id = second[0].pause.id;
        pauses::resume(&s.service, s.workspace, id, &Actor::Operator).await.unwrap();
        assert_eq!(s.ask(&s.call(ISSUE, "c-1")).await.approval_status(), "pending");
        for gone in [id, first[0].pause.id] {
            let refused = pauses::resume(&s.service, s.workspace, gone, &Actor::Operator).await;
            let Err(ServiceError::Rejected(rejection)) = refused else { panic!("{refused:?}") };
            assert_eq!(rejection, Rejection::NotPaused);
        }
        assert_eq!(audited(s, "agent.paused").await, 2);
        assert_eq!(audited(s, "agent.resumed").await, 1);
    })
    .await;
}

async fn audited(s: &TestApp, what: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM audit WHERE what = $1")
        .bind(what)
        .fetch_one(&s.service.db)
        .await
        .unwrap()
}

async fn press(s: &TestApp, user: &str, press: Press) {
    let delivery = s.slack.press(user, press).await.unwrap();
    assert!(delivery.is_ok(), "{delivery:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_pauses_an_agent_from_home_and_resumes_it() {
    story(async |s| {
        granted(s).await;
        agents_are_saved(s).await;
        s.home(ADMIN, |home| home.has_button("Agents…")).await;
        press(s, ADMIN, Press::labelled(Surface::Home, "Agents…")).await;
        let list = s.modal(ADMIN, |view| view.title() == "Agents").await;
        assert!(list.all_text().contains("Scout") && list.has_button("Pause…"), "{}", list.all_text());
        press(s, ADMIN, Press::labelled(Surface::Modal, "Pause…")).await;
        s.modal(ADMIN, |view| view.title() == "Pause").await;
        let reason = Gesture::Enter("Files too many issues".to_owned());
        press(s, ADMIN, Press::on(Surface::Modal, "pause_reason").doing(reason)).await;
        assert!(s.slack.submit(ADMIN).await.unwrap().is_ok());
        s.modal(ADMIN, |view| view.all_text().contains("Agent “scout” of “agents”")).await;
        assert_eq!(s.ask(&s.call(ISSUE, "c-1")).await.approval_status(), "pending");
        assert_eq!(s.audited_by("agent.paused", ADMIN).await, 1);
        s.settled().await;
        let home = s.home(ADMIN, |home| home.has_button("Resume")).await;
        assert!(home.all_text().contains("“Files too many issues”"), "{}", home.all_text());
        // A person who is no longer an admin may still have the Home tab open.
        s.slack.change_user(ADMIN, |user| user.is_admin = false);
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        press(s, ADMIN, Press::labelled(Surface::Home, "Resume")).await;
        assert_eq!(s.audited_by("admin.refused", ADMIN).await, 1);
        assert_eq!(s.ask(&s.call(ISSUE, "c-1")).await.approval_status(), "pending");
        s.slack.change_user(ADMIN, |user| user.is_admin = true);
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        s.home(ADMIN, |home| home.has_button("Resume")).await;
        press(s, ADMIN, Press::labelled(Surface::Home, "Resume")).await;
        s.settled().await;
        assert_eq!(s.audited_by("agent.resumed", ADMIN).await, 1);
        assert_eq!(s.ask(&s.call(ISSUE, "c-1")).await.approval_status(), "approved");
    })
    .await;
}
