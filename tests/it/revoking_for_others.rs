//! An admin or the operator revokes the auto-approvals of users, who are told.

use chrono::TimeDelta;
use countersign::{
    domain::{ids::UserId, revocation::RevocationReason},
    service::revoke_grants::{self, GrantChoice},
};
use insta::assert_snapshot;
use sandbox::slack::{Gesture, Message, Misbehaviour, Press, Surface};
use serde_json::Value;

use crate::{
    cli::{complaint, on, said},
    story::{ADMIN, ALICE, BOB, TestApp, eventually, story},
};

const ISSUE: &str = "github.create_issue";
const POST: &str = "chat.postMessage";

/// Has Alice always auto-approve an action, and auto-approve it in a conversation.
async fn grants(s: &TestApp, action: &str) {
    s.open(action).await;
    let (_, prompt) = s.prompt(&s.call(action, "c-1")).await;
    assert!(s.choose(ALICE, &prompt, "Auto-approve for this conversation").await.is_ok());
    s.pass(TimeDelta::seconds(1));
    assert!(s.command(ALICE, &format!("on {action}")).await.is_ok());
    s.pass(TimeDelta::seconds(1));
    s.settled().await;
}

/// As the command does it. That has a clock of its own, by which the test's time is long ago.
async fn revoke(s: &TestApp, user: Option<UserId>, reason: Option<&str>) -> usize {
    let which = GrantChoice::All { user, action: None };
    let reason = reason.map(|text| RevocationReason::new(text).unwrap());
    revoke_grants::revoke(&s.service, s.workspace, &which, reason.as_ref()).await.unwrap()
}

fn user(id: &str) -> Option<UserId> {
    UserId::parse(id)
}

fn notices(s: &TestApp) -> Vec<Message> {
    let all = s.slack.direct_messages(ALICE).into_iter();
    all.filter(|message| message.text().contains("revoked")).collect()
}

async fn notice(s: &TestApp) -> Message {
    s.settled().await;
    eventually("the user is told", async || notices(s).pop()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_revokes_and_the_user_reads_why() {
    story(async |s| {
        grants(s, ISSUE).await;
        assert_eq!(revoke(s, user(ALICE), Some("Moved to <!here> another team")).await, 2);
        for conversation in ["c-1", "c-2"] {
            assert_eq!(s.ask(&s.call(ISSUE, conversation)).await.approval_status(), "pending");
        }
        let message = notice(s).await;
        assert_snapshot!(message.text(), @"The operator of Countersign revoked 2 of your auto-approvals. Every request for them asks you again. Reason: “Moved to &lt;!here&gt; another team”");
        assert_snapshot!(message.all_text(), @r"
        The operator of Countersign revoked 2 of your auto-approvals.
        GitHub: Create issue
        In the conversation “Voucher rounding” only
        GitHub: Create issue
        Always, in every conversation
        Reason
        Moved to <!here> another team
        Every request for them asks you again.
        ");
        assert_eq!(revoke(s, user(ALICE), None).await, 0);
        assert_eq!(notices(s).len(), 1);
        let by: Vec<(String, Value)> =
            sqlx::query_as("SELECT actor_kind, after FROM audit WHERE what = 'grant.revoked' ORDER BY id")
                .fetch_all(&s.service.db)
                .await
                .unwrap();
        assert!(by.iter().all(|(kind, after)| kind == "operator" && after["why"] == "revoked"), "{by:?}");
        assert_eq!(by.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_always_grant_takes_the_conversations_with_it() {
    story(async |s| {
        grants(s, ISSUE).await;
        s.connect(BOB, "github").await;
        assert!(s.command(BOB, &format!("on {ISSUE}")).await.is_ok());
        let list: Value =
            serde_json::from_str(&said(&mut on(s, &["grant", "list", "--json", "--user", ALICE]))).unwrap();
        let always = list.as_array().unwrap().iter().find(|line| line["scope"] == "always").unwrap();
        let id = always["id"].as_str().unwrap();
        assert_eq!(
            said(&mut on(s, &["grant", "revoke", id])),
            "Revoked 2 auto-approvals. Their users get a message each.\n"
        );
        assert_eq!(s.ask(&s.call(ISSUE, "c-1")).await.approval_status(), "pending");
        let mut bobs = s.call(ISSUE, "c-9");
        bobs.user = BOB.to_owned();
        assert_eq!(s.ask(&bobs).await.approval_status(), "approved");
        let list = said(&mut on(s, &["grant", "list", "--user", ALICE]));
        assert_eq!(list, "No auto-approvals.\n");
        let list = said(&mut on(s, &["grant", "list", "--action", ISSUE]));
        assert!(list.contains(BOB) && list.contains(ISSUE) && list.contains("always  used once, "), "{list}");
        let again = said(&mut on(s, &["grant", "revoke", id]));
        assert_eq!(again, format!("{id} has ended already, or is unknown.\nNothing to revoke.\n"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_told_once_whatever_slack_answers() {
    story(async |s| {
        grants(s, ISSUE).await;
        s.slack.misbehave(POST, Misbehaviour::SlackError("fatal_error".to_owned()), 1);
        s.slack.misbehave(POST, Misbehaviour::RateLimited { retry_after: 2 }, 1);
        assert_eq!(revoke(s, None, None).await, 2);
        s.advance_until_idle(TimeDelta::minutes(20)).await;
        s.settled().await;
        assert!(notices(s).len() <= 1);
        // Nothing is left to tell: it was told, or may have been.
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM revocations WHERE told_at IS NULL")
            .fetch_one(&s.service.db)
            .await
            .unwrap();
        assert_eq!(left, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_named_wrongly_is_refused() {
    story(async |s| {
        for (arguments, says) in [
            (&["grant", "revoke"][..], "required"),
            (&["grant", "revoke", "grt_1"], "it should be the id of an auto-approval, as grt_…"),
            (&["grant", "revoke", "--user", "alice"], "it should be a Slack user id, as U012AB3CD"),
            (&["grant", "revoke", "--action", "github.nothing"], "unknown action github.nothing"),
            (&["grant", "revoke", "--user", ALICE, "--reason", ""], "it must not be empty"),
            (&["grant", "revoke", "--all", "--user", ALICE], "cannot be used with"),
            (&["grant", "list", "--action", "nothing"], "'--action <INTEGRATION.ACTION>'"),
        ] {
            let complaint = complaint(&mut on(s, arguments));
            assert!(complaint.contains(says), "{arguments:?}: {complaint}");
        }
    })
    .await;
}

async fn press(s: &TestApp, press: Press) {
    let delivery = s.slack.press(ADMIN, press).await.unwrap();
    assert!(delivery.is_ok(), "{delivery:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_who_auto_approves_what_and_revokes_it() {
    story(async |s| {
        grants(s, ISSUE).await;
        s.connect(BOB, "github").await;
        assert!(s.command(BOB, &format!("on {ISSUE}")).await.is_ok());
        s.home(ADMIN, |home| home.has_button("Auto-approvals…")).await;
        press(s, Press::labelled(Surface::Home, "Auto-approvals…")).await;
        let list = s.modal(ADMIN, |view| view.all_text().contains("Revoke…")).await;
        assert_snapshot!(list.all_text(), @r"
        Auto-approvals
        Everyone
        GitHub: Create issue
        <@U0BOB>
        Always, in every conversation
        Since <!date^1790000002^{date_short_pretty} at {time}|2026-09-21 14:13 UTC>. Not used yet.
        Revoke…
        GitHub: Create issue
        <@U0ALICE>
        Always, in every conversation
        Since <!date^1790000001^{date_short_pretty} at {time}|2026-09-21 14:13 UTC>. Not used yet.
        Revoke…
        GitHub: Create issue
        <@U0ALICE>
        In the conversation “Voucher rounding” only
        Of the backend “agents”
        Since <!date^1790000000^{date_short_pretty} at {time}|2026-09-21 14:13 UTC>. Not used yet.
        Revoke…
        Close
        ");
        press(s, Press::on(Surface::Modal, "grants_of").doing(Gesture::Pick(BOB.to_owned()))).await;
        let list = s.modal(ADMIN, |view| !view.all_text().contains(ALICE)).await;
        assert!(list.all_text().contains(BOB), "{}", list.all_text());
        press(s, Press::labelled(Surface::Modal, "Revoke…")).await;
        let form = s.modal(ADMIN, |view| view.all_text().contains("Reason")).await;
        assert_snapshot!(form.all_text(), @r"
        Revoke
        GitHub: Create issue
        @U0BOB: Always, in every conversation
        Every request for this action asks the person again.
        Reason
        The person reads it, with your name.
        Revoke
        Back
        ");
        let reason = Gesture::Enter("Left the project".to_owned());
        press(s, Press::on(Surface::Modal, "revocation_reason").doing(reason)).await;
        assert!(s.slack.submit(ADMIN).await.unwrap().is_ok());
        s.modal(ADMIN, |view| view.all_text().contains("This person auto-approves nothing.")).await;
        s.settled().await;
        let told = eventually("Bob is told", async || {
            s.slack.direct_messages(BOB).into_iter().find(|message| message.text().contains("revoked"))
        })
        .await;
        assert_snapshot!(told.text(), @"<@U0ADMIN> revoked an auto-approval of yours. Every request for it asks you again. Reason: “Left the project”");
        let mut bobs = s.call(ISSUE, "c-9");
        bobs.user = BOB.to_owned();
        assert_eq!(s.ask(&bobs).await.approval_status(), "pending");
        assert_eq!(s.ask(&s.call(ISSUE, "c-3")).await.approval_status(), "approved");
        assert_eq!(s.audited_by("grant.revoked", ADMIN).await, 1);
        s.home(ALICE, |home| !home.has_button("Auto-approvals…")).await;
        // A person who is no longer an admin may still have the Home tab open.
        s.slack.change_user(ADMIN, |user| user.is_admin = false);
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        press(s, Press::labelled(Surface::Home, "Auto-approvals…")).await;
        s.settled().await;
        assert_eq!(s.audited_by("admin.refused", ADMIN).await, 1);
    })
    .await;
}
