//! `/approvals`: all of its subcommands, answered only to the user who typed it.

use chrono::TimeDelta;
use sandbox::{
    backend::Ask,
    slack::{Feedback, Misbehaviour, Press, Signing, Surface},
};
use serde_json::json;

use crate::{
    several::{ask, call},
    story::{ADMIN, ALICE, BOB, IN_WORDS, story},
};

const ACTION: &str = "github.create_issue";

#[tokio::test(flavor = "multi_thread")]
async fn on_and_off_change_one_action_by_its_exact_name() {
    story(async |s| {
        s.open(ACTION).await;
        let on = s.answer(ALICE, &format!("on {ACTION}")).await;
        assert!(on.text().starts_with("On:"), "{}", on.text());
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved");
        assert!(s.answer(ALICE, &format!("ON `{ACTION}`")).await.text().contains("already on"));
        let off = s.answer(ALICE, &format!("off {ACTION}")).await;
        assert!(off.text().starts_with("Off:"), "{}", off.text());
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "pending");
        assert!(s.answer(ALICE, &format!("off {ACTION}")).await.text().contains("already off"));
        assert_eq!(s.grants_of(ALICE).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_is_found_whichever_dot_separates_it() {
    story(async |s| {
        for (integration, action) in
            [("claude.mcp", "crm.find"), ("claude.mcp.crm", "add"), ("claude", "Bash")]
        {
            let body = json!({ "name": "Own", "actions": [{ "key": action, "name": action }], "requires_connection": false });
            assert_eq!(s.api().put_integration(integration, &body).await.status, 200);
        }
        for path in ["claude.mcp.crm.find", "claude.mcp.crm.add", "claude.mcp.crm/add", "claude.Bash"] {
            let answer = s.answer(ALICE, &format!("off {path}")).await;
            assert!(answer.text().contains("already off"), "{path}: {}", answer.text());
        }
        let body = json!({ "name": "CRM", "actions": [{ "key": "add", "name": "Add" }, { "key": "find", "name": "Find" }], "requires_connection": false });
        assert_eq!(s.api().put_integration("claude.mcp.crm", &body).await.status, 200);
        let answer = s.answer(ALICE, "off claude.mcp.crm.find").await;
        let both = "Did you mean `claude.mcp.crm/find` or `claude.mcp/crm.find`?";
        assert!(answer.text().contains(both), "{}", answer.text());
        let answer = s.answer(ALICE, "off claude.mcp/crm.find").await;
        assert!(answer.text().contains("already off"), "{}", answer.text());
        let answer = s.answer(ALICE, "off claude.bash").await;
        assert!(answer.text().contains("Did you mean `claude.Bash`"), "{}", answer.text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn off_ends_conversation_grants_too() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.choose(ALICE, &prompt, "Auto-approve for this conversation").await;
        s.answer(ALICE, &format!("off {ACTION}")).await;
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn off_all_ends_everything_of_one_person() {
    story(async |s| {
        s.open(ACTION).await;
        s.unlock("github.merge_pull_request").await;
        s.connect(BOB, "github").await;
        s.answer(ALICE, &format!("on {ACTION}")).await;
        s.answer(ALICE, "on github.merge_pull_request").await;
        s.answer(BOB, &format!("on {ACTION}")).await;
        assert!(s.answer(ALICE, "off all").await.text().contains("your 2 auto-approvals"));
        assert_eq!((s.grants_of(ALICE).await, s.grants_of(BOB).await), (0, 1));
        assert!(s.answer(ALICE, "off all").await.text().contains("nothing to turn off"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_locked_or_not_connected_is_not_turned_on() {
    story(async |s| {
        s.put("github").await;
        s.connect(ALICE, "github").await;
        assert!(s.answer(ALICE, &format!("on {ACTION}")).await.text().contains("o admin has unlocked"));
        s.unlock(ACTION).await;
        assert!(s.answer(BOB, &format!("on {ACTION}")).await.text().contains("not connected"));
        assert_eq!((s.grants_of(ALICE).await, s.grants_of(BOB).await), (0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_none_is_answered_with_the_nearest_and_changes_nothing() {
    story(async |s| {
        s.open(ACTION).await;
        for typed in ["github.create_isue", "create_issue", "GITHUB.CREATE_ISSUE", "github create issue"] {
            let answer = s.answer(ALICE, &format!("on {typed}")).await;
            assert!(answer.text().contains("`github.create_issue`"), "{typed}: {}", answer.text());
        }
        let answer = s.answer(ALICE, "on <!channel>.*x*").await;
        assert!(
            answer.text().contains("Unknown action") && !answer.text().contains("<!"),
            "{}",
            answer.text()
        );
        assert!(s.answer(ALICE, "on").await.text().contains("Which action?"));
        assert_eq!(s.grants_of(ALICE).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn help_and_unknown_words_say_what_can_be_typed() {
    story(async |s| {
        for typed in ["help", "HELP", "frobnicate", "offf all"] {
            let answer = s.answer(ALICE, typed).await;
            assert!(answer.text().contains("/approvals off all"), "{typed}: {}", answer.text());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn list_shows_what_waits_and_history_what_was_decided() {
    story(async |s| {
        s.open(ACTION).await;
        assert!(s.answer(ALICE, "list").await.text().contains("Nothing is waiting"));
        assert!(s.answer(ALICE, "history").await.text().contains("No decisions"));
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let list = s.answer(ALICE, "list").await;
        assert!(list.text().contains("1 request is waiting"), "{}", list.text());
        assert!(list.has_button("Details") && list.all_text().contains("Cart total off by one cent"));
        assert!(s.answer(BOB, "list").await.text().contains("Nothing is waiting"));
        s.click(ALICE, &prompt, "Approve").await;
        let history = s.answer(ALICE, "history").await;
        assert!(
            history.all_text().contains("Approved by @U0ALICE for this request only"),
            "{}",
            history.all_text()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_row_of_the_list_is_decided_there() {
    story(async |s| {
        s.put("github").await;
        let mut ids = Vec::new();
        for (title, conversation) in [("First", "c-1"), ("Second", "c-2"), ("Third", "c-3")] {
            let mut ask = s.call(ACTION, conversation);
            ask.arguments["title"] = json!(title);
            ask.conversation.title = Some("Monday".to_owned());
            ids.push(s.prompt(&ask).await.0);
        }
        let list = s.answer(ALICE, "list").await;
        let text = list.all_text();
        for shown in ["First", "Second", "Third", "Conversation id “c-1”", "Conversation id “c-2”"] {
            assert!(text.contains(shown), "{shown}: {text}");
        }
        let press = |label: &str, id: &str| Press::labelled(Surface::message(&list), label).with_value(id);
        assert!(s.slack.press(ALICE, press("Approve", &ids[0])).await.unwrap().is_ok());
        s.ephemeral_reply(ALICE, &list.channel, "Approved by").await;
        assert_eq!(s.received_webhook(&ids[0]).await.kind, "approval.approved");
        assert!(s.slack.press(ALICE, press("Deny", &ids[1])).await.unwrap().is_ok());
        s.ephemeral_reply(ALICE, &list.channel, "Denied by").await;
        assert_eq!(s.received_webhook(&ids[1]).await.kind, "approval.denied");
        assert!(s.slack.press(ALICE, press("Details", &ids[2])).await.unwrap().is_ok());
        assert!(s.slack.view(ALICE).unwrap().all_text().contains("Third"));
        // The list stays as it was, so a later click finds the decision.
        assert!(s.slack.press(ALICE, press("Approve", &ids[1])).await.unwrap().is_ok());
        s.ephemeral_reply(ALICE, &list.channel, "already ended").await;
        let left = s.answer(ALICE, "list").await;
        assert!(left.text().contains("1 request is waiting"), "{}", left.text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_has_pages() {
    story(async |s| {
        s.put("github").await;
        let numbered = |number| Ask {
            conversation: s.call(ACTION, &format!("c-{number}")).conversation,
            ..call(s, number)
        };
        ask(s, (1..=12).map(numbered)).await;
        let list = s.answer(ALICE, "list").await;
        assert!(list.text().contains("12 requests are waiting for you, oldest first: page 1 of 3."));
        assert!(list.has_button("Approve all 12…") && !list.has_button("Previous page"));
        let turned = async |label: &str, shows: &str| {
            assert!(s.click(ALICE, &list, label).await.is_ok());
            s.until(&list, |list| list.text().contains(shows)).await
        };
        turned("Next page", "page 2 of 3").await;
        let third = turned("Next page", "page 3 of 3").await;
        let text = third.all_text();
        assert!(
            text.contains("Issue 11.") && text.contains("Issue 12.") && !text.contains("Issue 10."),
            "{text}"
        );
        assert!(!third.has_button("Next page"));
        let lists = s.slack.messages(&list.channel).into_iter();
        let lists = lists.filter(|message| message.text().contains("requests are waiting for you"));
        assert_eq!(lists.count(), 1, "each page replaces the one before");
        // A page that no longer exists is the last one.
        let stale = s.slack.prepare_press(ALICE, &Press::labelled(Surface::message(&third), "Previous page"));
        let mut payload = stale.unwrap().unwrap();
        payload["actions"][0]["value"] = "99:waiting".into();
        assert!(s.slack.send_interaction(payload, &Signing::default()).await.is_ok());
        turned("Previous page", "page 2 of 3").await;
        // Someone whom Slack can't confirm sees no other page.
        s.clock.advance(TimeDelta::minutes(2));
        s.slack.misbehave("users.info", Misbehaviour::ServerError(500), 9);
        assert!(s.click(ALICE, &list, "Next page").await.is_ok());
        s.ephemeral_reply(ALICE, &list.channel, "Could not confirm").await;
        assert!(s.slack.message(&list.channel, &list.ts).unwrap().text().contains("page 2 of 3"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_tells_rows_apart() {
    story(async |s| {
        s.put("stripe").await;
        let mut ids = Vec::new();
        for (action, conversation) in [(ACTION, "c-1"), (ACTION, "c-2"), ("stripe.create_refund", "c-3")] {
            let mut ask = s.call(action, conversation);
            ask.conversation.title = Some("Monday".to_owned());
            let (id, prompt) = s.prompt(&ask).await;
            assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
            s.received_webhook(&id).await;
            ids.push((id, prompt));
            s.pass(TimeDelta::seconds(2));
        }
        let history = s.answer(ALICE, "history").await;
        let text = history.all_text();
        for conversation in ["c-1", "c-2", "c-3"] {
            assert!(text.contains(&format!("Conversation id “{conversation}”")), "{text}");
        }
        let json = history.to_json().to_string();
        for (_, prompt) in &ids {
            let ts = prompt.ts.replace('.', "");
            assert!(json.contains(&format!("/archives/{}/p{ts}", prompt.channel)), "{json}");
        }
        let only = s.answer(ALICE, &format!("history {ACTION}")).await.all_text();
        assert!(only.matches("Approved by").count() == 2 && !only.contains("Stripe"), "{only}");
        let none = s.answer(ALICE, "history stripe.list_disputes").await;
        assert!(none.text().contains("No decisions on"), "{}", none.text());
        let unknown = s.answer(ALICE, "history stripe.create_refunds").await;
        assert!(unknown.text().contains("Did you mean"), "{}", unknown.text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_answered_in_time_whatever_takes_long_one_after_the_other() {
    story(async |s| {
        s.open(ACTION).await;
        let hold = async |table: &str| {
            let mut tx = s.service.db.begin().await.unwrap();
            let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
            sqlx::query(sqlx::AssertSqlSafe(lock)).execute(&mut *tx).await.unwrap();
            tx
        };
        let (names, grants) = (hold("actions").await, hold("grants").await);
        s.slack.misbehave("users.info", Misbehaviour::Hang(std::time::Duration::from_secs(5)), 1);
        let released = async {
            tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
            names.rollback().await.unwrap();
        };
        let off = format!("off {ACTION}");
        let (sent, ()) = tokio::join!(s.command(ALICE, &off), released);
        assert!(sent.is_ok() && sent.elapsed < std::time::Duration::from_secs(3), "{sent:?}");
        assert!(sent.body.contains("could not confirm whether"), "{}", sent.body);
        grants.rollback().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_from_a_workspace_without_the_app_says_so_and_changes_nothing() {
    story(async |s| {
        s.open(ACTION).await;
        for text in ["", "list", "history", "off all", &format!("on {ACTION}")] {
            let mut fields = s.slack.prepare_command(ALICE, crate::story::SALES, "/approvals", text).unwrap();
            fields["team_id"] = json!("T0NOWHERE");
            let sent = s.slack.send_command(fields, &Signing::default()).await;
            assert_eq!(sent.status, Some(200), "{text}: {sent:?}");
            let said = sent.body;
            assert!(said.contains("no longer installed"), "{text}: {said}");
        }
        assert_eq!(s.grants_of(ALICE).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_modal_that_can_not_be_opened_is_answered_in_words() {
    story(async |s| {
        s.put("github").await;
        let fields = s.slack.prepare_command(ALICE, crate::story::SALES, "/approvals", "").unwrap();
        s.pass(TimeDelta::seconds(4));
        let sent = s.slack.send_command(fields, &Signing::default()).await;
        assert!(
            matches!(&sent.feedback, Feedback::Message(message) if message.text().contains("Could not open the settings")),
            "{sent:?}"
        );
        s.slack.misbehave("views.open", Misbehaviour::ServerError(503), 1);
        assert!(s.answer(ALICE, "").await.text().contains("Could not open the settings"));
        assert!(s.slack.view(ALICE).is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_with_a_nul_character_is_answered_like_any_other() {
    story(async |s| {
        s.put("github").await;
        let answer = s.answer(ALICE, "on github\0.create_issue").await.text().to_owned();
        assert!(answer.contains("Unknown action") && answer.contains('\u{fffd}'), "{answer}");
        let answer = s.answer(ALICE, "o\0n").await.text().to_owned();
        assert!(!answer.contains("Something went wrong") && !answer.contains('\0'), "{answer}");
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.choose(ALICE, &prompt, IN_WORDS).await;
        s.slack.type_text(ALICE, "reason", "n\0o").await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        assert_eq!(s.received_webhook(&id).await.approval()["decision"]["reason"], "n\u{fffd}o");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_is_answered_in_time_and_nothing_is_changed() {
    story(async |s| {
        s.open(ACTION).await;
        let mut tx = s.service.db.begin().await.unwrap();
        sqlx::query("LOCK TABLE grants IN ACCESS EXCLUSIVE MODE").execute(&mut *tx).await.unwrap();
        let answer = s.answer(ALICE, &format!("on {ACTION}")).await;
        // Either that nothing was changed, or, where it took too long to know, that it may have been.
        let text = answer.text();
        assert!(
            text.contains("Something went wrong") || text.contains("could not confirm whether"),
            "{text}"
        );
        tx.rollback().await.unwrap();
        assert_eq!(s.grants_of(ALICE).await, 0);
        assert!(s.answer(ADMIN, "list").await.text().contains("Nothing is waiting"));
    })
    .await;
}
