//! What an admin does from the Home tab: sets up, searches the audit, unlocks in bulk, sends webhooks again.

use chrono::TimeDelta;
use countersign::{
    domain::{audit::Actor, catalog::UnlockedFor},
    service::{
        ServiceError,
        bulk_unlock::{self, Listed},
        fatigue,
    },
};
use sandbox::{
    backend::Answer,
    catalog,
    slack::{Delivery, Gesture, Press, Surface},
};
use serde_json::{Value, json};

use crate::{
    cli::{complaint, on, said},
    story::{ADMIN, ALICE, BOB, TestApp, eventually, story},
};

const ISSUE: &str = "github.create_issue";

async fn press(s: &TestApp, press: Press) -> Delivery {
    let delivery = s.slack.press(ADMIN, press).await.unwrap();
    assert!(delivery.is_ok(), "{delivery:?}");
    delivery
}

/// Alice approves one request and denies another, and a third is approved by her grant.
async fn decisions(s: &TestApp) {
    s.open(ISSUE).await;
    let (_, prompt) = s.prompt(&s.call(ISSUE, "c-1")).await;
    assert!(s.click(ALICE, &prompt, "Deny").await.is_ok());
    let (_, prompt) = s.prompt(&s.call(ISSUE, "c-2")).await;
    assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
    assert_eq!(s.ask(&s.call(ISSUE, "c-3")).await.approval_status(), "approved");
    s.settled().await;
}

/// The entries that match, on pages of two.
async fn audit(s: &TestApp, filter: &[(&str, &str)]) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut query = filter.to_vec();
        query.push(("limit", "2"));
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let reply = s.api().audit(&query).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        all.extend_from_slice(reply.data());
        cursor = reply.next_cursor().map(str::to_owned);
        if cursor.is_none() {
            return all;
        }
    }
}

fn whats(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["what"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_is_filtered_and_paged() {
    story(async |s| {
        decisions(s).await;
        let ends = ["approval.requested", "approval.denied", "approval.requested"];
        let approved = ["approval.approved", "grant.given", "approval.approved"];
        let all = eventually("all entries", async || {
            let all = audit(s, &[("action", ISSUE), ("agent", "SCOUT")]).await;
            (all.len() == 6).then_some(all)
        })
        .await;
        let mut found = whats(&all);
        assert_eq!(found[..3], ends);
        found[3..].sort_unstable();
        let mut expected = approved;
        expected.sort_unstable();
        assert_eq!(found[3..], expected);
        assert_eq!(whats(&audit(s, &[("what", "approval.denied")]).await), ["approval.denied"]);
        assert_eq!(audit(s, &[("user", BOB)]).await.len(), 0);
        // Alice is connected, asked, decides, and gives a grant.
        assert_eq!(audit(s, &[("user", ALICE)]).await.len(), 7);
        let now = s.now();
        let at = |minutes: i64| (now + TimeDelta::minutes(minutes)).to_rfc3339().replace("+00:00", "Z");
        assert_eq!(audit(s, &[("since", &at(-1)), ("until", &at(1))]).await.len(), audit(s, &[]).await.len());
        // An hour or more away from every entry, the search doesn't even look.
        assert_eq!(audit(s, &[("since", &at(180))]).await.len(), 0);
        assert_eq!(audit(s, &[("until", &at(-180))]).await.len(), 0);
        assert_eq!(audit(s, &[("since", &at(1))]).await.len(), 0);
        let lines = s.api().audit_lines(&[("what", "approval.approved")]).await.lines();
        assert_eq!(whats(&lines), ["approval.approved", "approval.approved"]);
        for wrong in [("user", "alice"), ("what", "approval.lost"), ("since", "monday"), ("action", "issue")]
        {
            assert_eq!(s.api().audit(&[wrong]).await.status, 422, "{wrong:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_searches_and_exports() {
    story(async |s| {
        decisions(s).await;
        let found = said(&mut on(s, &["audit", "search", "--user", ALICE, "--json"]));
        let found: Vec<Value> = serde_json::from_str(&found).unwrap();
        let mut ends = whats(&found);
        ends.sort_unstable();
        assert_eq!(ends, ["approval.approved", "approval.approved", "approval.denied"]);
        assert!(found.iter().all(|line| line["action"] == ISSUE && line["agent"] == "Scout"), "{found:?}");
        let csv = said(&mut on(s, &["audit", "export", "--outcome", "denied", "--csv"]));
        let rows: Vec<&str> = csv.lines().collect();
        assert_eq!(rows.len(), 2, "{csv}");
        assert!(
            rows[0].starts_with("\"at\",\"what\"") && rows[1].contains("\"approval.denied\",\"user\""),
            "{csv}"
        );
        assert_eq!(said(&mut on(s, &["audit", "search", "--user", BOB])), "No entries match.\n");
        for (arguments, says) in [
            (["audit", "search", "--since", "monday"], "it should look like 2026-09-21"),
            (["audit", "search", "--outcome", "pending"], "it should be one of decisions"),
            (["audit", "search", "--what", "approval"], "it should be one of approval.requested"),
        ] {
            let complaint = complaint(&mut on(s, &arguments));
            assert!(complaint.contains(says), "{arguments:?}: {complaint}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_searches_and_gets_the_file() {
    story(async |s| {
        decisions(s).await;
        s.home(ADMIN, |home| home.has_button("Search decisions…")).await;
        press(s, Press::labelled(Surface::Home, "Search decisions…")).await;
        s.modal(ADMIN, |view| view.all_text().contains("Outcome")).await;
        let fill = async |id: &str, gesture: Gesture| {
            press(s, Press::on(Surface::Modal, id).doing(gesture)).await;
        };
        fill("audit_action", Gesture::Enter("nothing".to_owned())).await;
        let wrong = s.slack.submit(ADMIN).await.unwrap();
        assert!(format!("{:?}", wrong.feedback).contains("such as salesforce.create_record"), "{wrong:?}");
        fill("audit_user", Gesture::Pick(ALICE.to_owned())).await;
        fill("audit_action", Gesture::Enter(ISSUE.to_owned())).await;
        fill("audit_agent", Gesture::Enter("scout".to_owned())).await;
        fill("audit_topic", Gesture::Pick("denied".to_owned())).await;
        fill("audit_from", Gesture::Pick("2026-09-20".to_owned())).await;
        fill("audit_to", Gesture::Pick("2026-09-22".to_owned())).await;
        assert!(s.slack.submit(ADMIN).await.unwrap().is_ok());
        let result = s.modal(ADMIN, |view| view.has_button("Send me all as CSV")).await;
        let text = result.all_text();
        assert!(text.contains("Denied: github.create_issue") && text.contains("Agent “Scout”"), "{text}");
        assert!(!text.contains("Auto-approved"), "{text}");
        press(s, Press::labelled(Surface::Modal, "Details")).await;
        s.modal(ADMIN, |view| view.all_text().contains("About the request")).await;
        s.slack.close(ADMIN).await.unwrap();
        press(s, Press::labelled(Surface::Modal, "Send me all as CSV")).await;
        let sent = eventually("the file", async || {
            s.slack.direct_messages(ADMIN).into_iter().find(|message| !message.files.is_empty())
        })
        .await;
        assert_eq!(sent.text, "The entry of the audit that you searched for.");
        let csv = String::from_utf8(sent.files[0].content.clone()).unwrap();
        assert_eq!(csv.lines().count(), 2, "{csv}");
        assert!(
            csv.contains("\"approval.denied\",\"user\",\"U0ALICE\",\"U0ALICE\",\"github.create_issue\""),
            "{csv}"
        );

        // Without the scope, the admin reads what to do instead.
        s.slack.change_token(&s.slack.bot_token(), |token| token.scopes.remove("files:write"));
        press(s, Press::labelled(Surface::Modal, "Send me all as CSV")).await;
        eventually("why there is no file", async || {
            let mut all = s.slack.direct_messages(ADMIN).into_iter();
            all.find(|message| message.text.contains("countersign audit export"))
        })
        .await;
        // Rights are checked by every click.
        s.slack.change_user(ADMIN, |user| user.is_admin = false);
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        let files = s.slack.calls_of("files.getUploadURLExternal").len();
        press(s, Press::labelled(Surface::Modal, "Send me all as CSV")).await;
        s.settled().await;
        assert_eq!(s.slack.calls_of("files.getUploadURLExternal").len(), files);
        assert_eq!(s.audited_by("admin.refused", ADMIN).await, 1);
    })
    .await;
}

/// GitHub as its backend puts it, with one read-only action that now changes something.
fn changed() -> Value {
    let mut body = catalog::integration("github").unwrap().body();
    let actions = body["actions"].as_array_mut().unwrap();
    let action = actions.iter_mut().find(|action| action["key"] == "search_code").unwrap();
    action["read_only"] = false.into();
    action["risk"] = json!(["destructive"]);
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_still_read_only_is_unlocked_together() {
    story(async |s| {
        s.put("github").await;
        s.home(ADMIN, |home| home.has_button("Actions")).await;
        press(s, Press::labelled(Surface::Home, "Actions")).await;
        s.home_shows(ADMIN, |home| home.has_button("Unlock read-only actions…")).await;
        press(s, Press::labelled(Surface::Home, "Unlock read-only actions…")).await;
        let modal = s.modal(ADMIN, |view| view.all_text().contains("What people may allow")).await;
        let text = modal.all_text();
        for listed in ["list_issues", "search_code", "get_file_contents", "pull_request_read"] {
            assert!(text.contains(listed), "{listed}: {text}");
        }
        assert!(!text.contains("create_issue") && !text.contains("delete_file"), "{text}");
        // Before the admin submits, the backend describes one of them otherwise.
        assert_eq!(s.api().put_integration("github", &changed()).await.status, 200);
        let choose = Gesture::Pick("conversations".to_owned());
        press(s, Press::on(Surface::Modal, "unlocked_for").doing(choose)).await;
        let submit = s.slack.prepare_submit(ADMIN).unwrap();
        assert!(s.slack.submit(ADMIN).await.unwrap().is_ok());
        let done = s.modal(ADMIN, |view| view.all_text().contains("Unlocked 3 actions.")).await;
        assert!(done.all_text().contains("1 action was left out"), "{}", done.all_text());
        assert_eq!(s.audited_by("action.unlocked", ADMIN).await, 3);
        let unlocked: Vec<String> =
            sqlx::query_scalar("SELECT key FROM actions WHERE unlocked_for = 'conversations' ORDER BY key")
                .fetch_all(&s.service.db)
                .await
                .unwrap();
        assert_eq!(unlocked, ["get_file_contents", "list_issues", "pull_request_read"]);
        // The same submission once more changes nothing.
        let again = s.slack.send_interaction(submit, &sandbox::slack::Signing::default()).await;
        assert!(again.is_ok(), "{again:?}");
        assert_eq!(s.audited_by("action.unlocked", ADMIN).await, 3);
        // The command leaves it out as well.
        assert_eq!(
            said(&mut on(s, &["action", "unlock", "--read-only", "github"])),
            "No locked action of it is declared as read-only.\n"
        );
        let complaint = complaint(&mut on(s, &["action", "unlock", "--read-only", "nothing"]));
        assert!(complaint.contains("unknown integration nothing"), "{complaint}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unlocking_together_beside_a_change_never_unlocks_the_changed_action() {
    story(async |s| {
        s.put("github").await;
        let rows: Vec<(uuid::Uuid, uuid::Uuid)> =
            sqlx::query_as("SELECT id, version_id FROM actions").fetch_all(&s.service.db).await.unwrap();
        let listed: Vec<Listed> = rows
            .into_iter()
            .map(|(id, version)| {
                use countersign::domain::ids::{ActionId, ActionVersionId};
                (ActionId::new(id), ActionVersionId::new(version))
            })
            .collect();
        let body = changed();
        let (unlocked, put) = tokio::join!(
            bulk_unlock::by_operator(&s.service, s.workspace, &listed, UnlockedFor::Always, &Actor::Operator),
            async { s.api().put_integration("github", &body).await.status },
        );
        assert_eq!(put, 200);
        // What was listed beyond the read-only actions is left out.
        let done: Result<_, ServiceError> = unlocked;
        assert!((3..=4).contains(&done.unwrap().unlocked));
        let wrong: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM actions a JOIN action_versions v ON v.id = a.version_id
             WHERE a.unlocked_at IS NOT NULL AND NOT v.read_only AND a.confirmed_version_id = a.version_id",
        )
        .fetch_one(&s.service.db)
        .await
        .unwrap();
        assert_eq!(wrong, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_webhook_is_sent_again_once() {
    story(async |s| {
        s.open(ISSUE).await;
        s.backend.answer_with(Answer::Status(500, Vec::new()));
        let (id, prompt) = s.prompt(&s.call(ISSUE, "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        eventually("the failed attempt", async || {
            let count: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM outbox WHERE kind = 'webhook' AND attempts > 0 AND lease IS NULL",
            )
            .fetch_one(&s.service.db)
            .await
            .unwrap();
            (count == 1).then_some(())
        })
        .await;
        s.home(ADMIN, |home| home.has_button("Failing webhooks…")).await;
        press(s, Press::labelled(Surface::Home, "Failing webhooks…")).await;
        let modal = s.modal(ADMIN, |view| view.has_button("Send again")).await;
        let text = modal.all_text();
        assert!(
            text.contains("Every webhook has failed since") && text.contains("1 webhook is waiting."),
            "{text}"
        );
        assert!(text.contains("500"), "{text}");
        // Two clicks of the same screen.
        s.backend.answer_with(Answer::Take);
        for _ in 0..2 {
            press(s, Press::labelled(Surface::stale_view(&modal), "Send again")).await;
        }
        s.received_webhook(&id).await;
        s.settled().await;
        assert_eq!(s.audited_by("webhook.redelivered", ADMIN).await, 1);
        press(s, Press::labelled(Surface::Modal, "Refresh")).await;
        s.modal(ADMIN, |view| view.all_text().contains("No webhook has failed.")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checklist_goes_when_everything_is_set_up() {
    story(async |s| {
        let home = s.home(ADMIN, |home| home.all_text().contains("Set up Countersign")).await;
        assert!(home.all_text().contains("PUT /v1/integrations"), "{}", home.all_text());
        s.put("github").await;
        s.home_shows(ADMIN, |home| home.all_text().contains("Start with read-only actions")).await;
        s.unlock(ISSUE).await;
        s.connect(ALICE, "github").await;
        s.home_shows(ADMIN, |home| home.all_text().contains("Have an agent ask")).await;
        let (id, prompt) = s.prompt(&s.call(ISSUE, "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        s.received_webhook(&id).await;
        s.settled().await;
        s.home(ADMIN, |home| !home.all_text().contains("Set up Countersign")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_count_what_a_person_approves_and_how_quickly() {
    story(async |s| {
        s.put("github").await;
        s.connect(ALICE, "github").await;
        for number in 0..12 {
            let (_, prompt) = s.prompt(&s.call(ISSUE, &format!("c-{number}"))).await;
            s.pass(TimeDelta::seconds(if number < 6 { 2 } else { 20 }));
            assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        }
        let figures = fatigue::of_workspace(&s.service, s.workspace, 5).await.unwrap();
        let [alice] = figures.as_slice() else { panic!("{figures:?}") };
        assert_eq!((alice.last_week, alice.last_month, alice.timed, alice.quick), (12, 12, 12, 6));
        assert_eq!(alice.most.as_ref().unwrap().path, ISSUE);
        s.home(ADMIN, |home| home.has_button("Manual approvals…")).await;
        press(s, Press::labelled(Surface::Home, "Manual approvals…")).await;
        let modal = s.modal(ADMIN, |view| view.all_text().contains("within 3 seconds of")).await;
        let text = modal.all_text();
        assert!(text.contains("50 % within 3 seconds") && text.contains("Consider unlocking"), "{text}");
    })
    .await;
}
