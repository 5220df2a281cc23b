//! The Home tab: everything on it, current after every user's changes, and never beyond Slack's limits.

use chrono::TimeDelta;
use sandbox::slack::{CallOutcome, Gesture, Misbehaviour, Press, Slack, Surface, Tab};
use serde_json::json;

use crate::story::{ADMIN, ALICE, BOB, GUEST, SOON, story};

const ACTION: &str = "github.create_issue";

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_decided_on_the_home_tab_and_the_prompt_follows() {
    story(async |s| {
        s.open(ACTION).await;
        s.home(ALICE, |home| home.all_text().contains("Nothing is waiting")).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let home = s.home_shows(ALICE, |home| home.has_button("Approve")).await;
        assert!(home.options_of("approve_more").iter().any(|choice| choice.label == "Auto-approve always"));
        assert!(
            s.slack
                .choose(ALICE, Surface::Home, "approve_more", &home.options_of("approve_more")[1].value)
                .await
                .unwrap()
                .is_ok()
        );
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        s.until(&prompt, |message| !message.has_button("Approve")).await;
        let home =
            s.home_shows(ALICE, |home| !home.has_button("Approve") && home.has_button("Turn off")).await;
        assert!(home.all_text().contains("In the conversation “") && home.all_text().contains("Approved by"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_decided_on_the_prompt_and_the_home_tab_follows() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.home(ALICE, |home| home.has_button("Approve")).await;
        s.choose(ALICE, &prompt, "Auto-approve always").await;
        s.home_shows(ALICE, |home| {
            !home.has_button("Approve") && home.all_text().contains("Always, in every")
        })
        .await;
        // A backend cancels, a deadline passes: changes without a click.
        s.answer(ALICE, "off all").await;
        let (id, _) = s.prompt(&s.call(ACTION, "c-2")).await;
        s.home_shows(ALICE, |home| home.has_button("Approve")).await;
        assert_eq!(s.api().cancel(&id).await.status, 200);
        s.home_shows(ALICE, |home| !home.has_button("Approve") && home.all_text().contains("Cancelled"))
            .await;
        s.prompt(&s.call(ACTION, "c-3").expiring_in(60)).await;
        s.home_shows(ALICE, |home| home.has_button("Approve")).await;
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        s.home_shows(ALICE, |home| !home.has_button("Approve") && home.all_text().contains("Expired")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_home_tab_denies_with_a_reason() {
    story(async |s| {
        s.open(ACTION).await;
        s.home(ALICE, |_| true).await;
        let (id, _) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.home_shows(ALICE, |home| home.has_button("Deny")).await;
        let press = s.slack.choose(ALICE, Surface::Home, "deny_more", crate::story::IN_WORDS);
        assert!(press.await.unwrap().is_ok());
        s.slack.type_text(ALICE, "reason", "Not today").await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        assert_eq!(s.received_webhook(&id).await.approval()["decision"]["reason"], "Not today");
        s.home_shows(ALICE, |home| !home.has_button("Deny")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_home_tab_decides_nothing_says_so_and_is_drawn_again() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let stale = s.home(ALICE, |home| home.has_button("Approve")).await;
        s.click(ALICE, &prompt, "Approve").await;
        s.home_shows(ALICE, |home| !home.has_button("Approve")).await;
        let choice = stale.options_of("approve_more")[2].clone();
        let press = Press::on(Surface::stale_view(&stale), "approve_more").doing(Gesture::Pick(choice.value));
        assert!(s.slack.press(ALICE, press).await.unwrap().is_ok());
        s.slack
            .wait_for_direct_message(ALICE, |message| message.text().contains("already ended"), SOON)
            .await
            .unwrap();
        assert_eq!(s.api().get(&id).await.str("/decision/scope"), "once");
        assert_eq!(s.grants_of(ALICE).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gear_on_the_home_tab_opens_the_settings_of_its_integration() {
    story(async |s| {
        s.open(ACTION).await;
        s.home(ALICE, |home| home.has_button("⚙ Settings")).await;
        let gear = s.integration_id("github").await;
        assert!(s.click_home(ALICE, "⚙ Settings", &gear).await.is_ok());
        s.modal(ALICE, |view| view.all_text().contains("Changes are saved at once")).await;
        assert!(s.toggle(ALICE, ACTION).await.is_ok());
        s.home_shows(ALICE, |home| home.all_text().contains("1 turned on")).await;
        assert!(s.slack.click_label(ALICE, Surface::Home, "Turn off").await.unwrap().is_ok());
        s.home_shows(ALICE, |home| home.all_text().contains("None turned on")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_of_an_auto_approval_are_drawn_together() {
    story(async |s| {
        s.open(ACTION).await;
        s.answer(ALICE, &format!("on {ACTION}")).await;
        s.home(ALICE, |home| home.all_text().contains("Not used yet")).await;
        let before = s.slack.calls_of("views.publish").len();
        for _ in 0..20 {
            assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved");
        }
        s.pass(TimeDelta::seconds(4));
        s.home_shows(ALICE, |home| home.all_text().contains("Used 20 times")).await;
        assert!(s.slack.calls_of("views.publish").len() - before <= 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_while_slack_is_slow_is_drawn_in_the_end() {
    story(async |s| {
        s.open(ACTION).await;
        s.home(ALICE, |_| true).await;
        s.slack.misbehave(
            "views.publish",
            Misbehaviour::SlowAnswer(std::time::Duration::from_millis(300)),
            3,
        );
        for conversation in ["c-1", "c-2", "c-3"] {
            s.ask(&s.call(ACTION, conversation)).await;
        }
        s.home_shows(ALICE, |home| home.all_text().contains("Waiting for you (3)")).await;
        // Those three may have been drawn at once, and the drawing of them still be under way: the fault is for the
        // fourth.
        s.slack.behave("views.publish");
        s.settled().await;
        s.slack.misbehave("views.publish", Misbehaviour::ServerError(500), 1);
        s.ask(&s.call(ACTION, "c-4")).await;
        let failed = |slack: &Slack| {
            let calls = slack.calls_of("views.publish");
            calls.iter().any(|call| call.outcome == CallOutcome::Status(500)).then_some(())
        };
        s.slack.wait_for(failed, SOON).await.unwrap();
        s.settled().await;
        s.pass(TimeDelta::seconds(3));
        s.home_shows(ALICE, |home| home.all_text().contains("Waiting for you (4)")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_and_locks_are_followed() {
    story(async |s| {
        s.home(ALICE, |home| home.all_text().contains("No agent has used an integration yet")).await;
        s.put("github").await;
        s.home_shows(ALICE, |home| home.all_text().contains("Not connected to your account")).await;
        s.connect(ALICE, "github").await;
        s.home_shows(ALICE, |home| home.all_text().contains("No action is unlocked")).await;
        s.unlock(ACTION).await;
        s.home_shows(ALICE, |home| home.all_text().contains("1 of")).await;
        s.answer(ALICE, &format!("on {ACTION}")).await;
        s.home_shows(ALICE, |home| home.has_button("Turn off")).await;
        assert_eq!(s.api().disconnect_user(ALICE, "github").await.status, 204);
        s.home_shows(ALICE, |home| !home.has_button("Turn off") && home.all_text().contains("Not connected"))
            .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_admins_see_the_administration() {
    story(async |s| {
        s.put("github").await;
        let home = s.home(ADMIN, |home| home.all_text().contains("Administration")).await;
        assert!(home.all_text().contains("agents") && home.has_button("Actions"));
        let home = s.home(ALICE, |home| home.all_text().contains("Recent decisions")).await;
        assert!(!home.all_text().contains("Administration") && !home.has_button("Actions"));
        let home = s.home(GUEST, |home| home.all_text().contains("Guests and bots")).await;
        assert!(!home.all_text().contains("Recent decisions") && !home.has_button("Actions"));
        assert!(s.slack.open_home(BOB, Tab::Messages).await.unwrap().is_ok());
        assert!(s.slack.home(BOB).is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_privately_on_the_home_tab_comes_as_fast_as_slack_takes_it() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let stale = s.home(ALICE, |home| home.has_button("Approve")).await;
        s.click(ALICE, &prompt, "Approve").await;
        s.home_shows(ALICE, |home| !home.has_button("Approve")).await;
        let choice = stale.options_of("approve_more")[2].clone();
        for _ in 0..7 {
            let press = Press::on(Surface::stale_view(&stale), "approve_more")
                .doing(Gesture::Pick(choice.value.clone()));
            assert!(s.slack.press(ALICE, press).await.unwrap().is_ok());
        }
        let said = async || {
            let messages = s.slack.direct_messages(ALICE);
            messages.iter().filter(|message| message.text().contains("already ended")).count()
        };
        let deadline = tokio::time::Instant::now() + SOON;
        while said().await < 7 {
            assert!(tokio::time::Instant::now() < deadline, "{} of 7 came", said().await);
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            s.pass(TimeDelta::seconds(1));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_slack_does_not_say_who_somebody_is_they_see_what_they_saw_and_then_what_they_may() {
    story(async |s| {
        s.home(ADMIN, |home| home.all_text().contains("Administration")).await;
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        s.slack.misbehave("users.info", Misbehaviour::ServerError(503), 1);
        s.put("github").await;
        let home = s.home_shows(ADMIN, |home| home.all_text().contains("GitHub")).await;
        assert!(home.all_text().contains("Administration"), "{}", home.all_text());
        // Slack says it later, and then it is drawn once more.
        s.slack.change_user(ADMIN, |user| user.is_admin = false);
        s.advance_until_idle(TimeDelta::seconds(5)).await;
        s.home_shows(ADMIN, |home| !home.all_text().contains("Administration")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_an_agent_makes_up_is_drawn_for_who_is_asked_and_admins() {
    story(async |s| {
        for user in [ALICE, BOB] {
            s.home(user, |home| home.all_text().contains("No agent has used an integration yet")).await;
        }
        s.home(ADMIN, |home| home.all_text().contains("Administration")).await;
        s.ask(&s.call(ACTION, "c-1")).await;
        s.home_shows(ALICE, |home| home.has_button("Approve")).await;
        s.pass(TimeDelta::seconds(4));
        s.home_shows(ADMIN, |home| home.has_button("Actions")).await;
        let asked =
            "SELECT count(*) FROM outbox WHERE kind = 'home' AND user_id = $1 AND approval_id IS NULL";
        let drawn: i64 = sqlx::query_scalar(asked).bind(BOB).fetch_one(&s.service.db).await.unwrap();
        assert_eq!(drawn, 1, "when it was opened");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_whether_webhooks_are_getting_through() {
    story(async |s| {
        s.put("github").await;
        s.home(ADMIN, |home| home.all_text().contains("No webhook sent yet")).await;
        let (first, prompt) = s.prompt(&s.call(ACTION, "c-0")).await;
        s.click(ALICE, &prompt, "Approve").await;
        s.received_webhook(&first).await;
        // A success is rendered within seconds of being recorded. A test can't wait for that moment.
        let well = |slack: &Slack| {
            slack.home(ADMIN).filter(|home| home.all_text().contains("Webhooks are being delivered"))
        };
        s.until_so(async || {
            s.pass(TimeDelta::seconds(4));
            s.slack.wait_for(well, std::time::Duration::from_millis(300)).await.is_ok()
        })
        .await;
        s.backend.answer_next([sandbox::backend::Answer::Status(500, Vec::new())]);
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.click(ALICE, &prompt, "Approve").await;
        s.home_shows(ADMIN, |home| home.all_text().contains("Webhooks are failing")).await;
        s.pass(TimeDelta::seconds(10));
        s.received_webhook(&id).await;
        s.home_shows(ADMIN, |home| home.all_text().contains("Webhooks are being delivered")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_requests_with_long_names_and_arguments_are_paged() {
    story(async |s| {
        let body = json!({ "name": "Ж".repeat(200), "actions": [{ "key": "do", "name": "<".repeat(200), "destructive": true }] });
        assert_eq!(s.api().put_integration("long", &body).await.status, 200);
        let mut ask = s.call(ACTION, &"k".repeat(255));
        (ask.integration, ask.action) = ("long".to_owned(), "do".to_owned());
        ask.agent.name = Some("א".repeat(200));
        ask.reason = Some("&".repeat(3000));
        ask.arguments = json!({ "body": "\u{202e}".repeat(20_000), "more": ["界".repeat(5_000)] });
        let id = s.ask(&ask).await.id().to_owned();
        sqlx::query(
            "INSERT INTO approvals (id, workspace_id, backend_id, user_id, agent_id, agent_name, conversation_id,
                 action_id, arguments, arguments_digest, reason, request_digest, created_at, expires_at, status)
             SELECT (left(id::text, 14) || substr(gen_random_uuid()::text, 15))::uuid, workspace_id, backend_id, user_id, agent_id, agent_name, conversation_id,
                 action_id, arguments, arguments_digest, reason, request_digest, created_at, expires_at, status
             FROM approvals, generate_series(1, 499) WHERE id = $1",
        )
        .bind(id.parse::<countersign::domain::ids::ApprovalId>().unwrap().uuid())
        .execute(&s.service.db)
        .await
        .unwrap();
        let first = s.home(ALICE, |home| home.all_text().contains("Waiting for you (500), page 1 of 167")).await;
        assert_eq!(first.buttons().iter().filter(|button| button.label == "Approve").count(), 3);
        assert!(s.click_home(ALICE, "Next page", "1:waiting").await.is_ok());
        let second = s.home_shows(ALICE, |home| home.all_text().contains("page 2 of 167")).await;
        let approve = second.buttons().into_iter().find(|button| button.label == "Approve").unwrap();
        assert!(!first.buttons().iter().any(|button| button.value == approve.value));
        assert!(s.click_home(ALICE, "Approve", &approve.value).await.is_ok());
        s.home_shows(ALICE, |home| home.all_text().contains("Waiting for you (499), page 2 of 167")).await;
        // Whatever page is wanted, there is one.
        let next = Press::labelled(Surface::Home, "Next page").with_value("2:waiting");
        let payload = s.slack.prepare_press(ALICE, &next).unwrap().unwrap();
        s.forge(payload, ALICE, |payload| payload["actions"][0]["value"] = json!("99999999:waiting")).await;
        s.home_shows(ALICE, |home| home.all_text().contains("page 167 of 167")).await;
        assert!(s.answer(ALICE, "list").await.text().contains("499 requests"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_integrations_with_eighty_actions_each_are_paged_for_users_and_admins() {
    story(async |s| {
        let name = |number: usize| format!("{number:03}{}", "&".repeat(197));
        for number in 0..60 {
            let actions: Vec<_> = (0..80)
                .map(|action| json!({ "key": format!("{}_{action}", "a".repeat(90)), "name": name(action), "destructive": true }))
                .collect();
            let body = json!({ "name": name(number), "requires_connection": number % 2 == 0, "actions": actions });
            let key = format!("{}_{number}", "i".repeat(90));
            assert_eq!(s.api().put_integration(&key, &body).await.status, 200);
        }
        let home = s.home(ADMIN, |home| home.all_text().contains("Integrations (60), page 1 of 10")).await;
        assert!(home.all_text().contains("What people may auto-approve (60), page 1 of 8"));
        let pick = home.buttons().into_iter().find(|button| button.label == "Actions").unwrap();
        assert!(s.click_home(ADMIN, "Actions", &pick.value).await.is_ok());
        let home = s.home_shows(ADMIN, |home| home.all_text().contains("(80), page 1 of 10")).await;
        assert_eq!(home.buttons().iter().filter(|button| button.label == "Unlock…").count(), 8);
        s.click_home(ADMIN, "Next page", "1:actions").await;
        let home = s.home_shows(ADMIN, |home| home.all_text().contains("(80), page 2 of 10")).await;
        let unlock = home.buttons().into_iter().find(|button| button.label == "Unlock…").unwrap();
        assert!(s.click_home(ADMIN, "Unlock…", &unlock.value).await.is_ok());
        s.modal(ADMIN, |view| view.title() == "Unlock").await;
        let always = Press::on(Surface::Modal, "unlocked_for").doing(Gesture::Pick("always".to_owned()));
        s.slack.press(ADMIN, always).await.unwrap();
        assert!(s.slack.submit(ADMIN).await.unwrap().is_ok());
        s.home_shows(ADMIN, |home| home.has_button("Lock") && home.all_text().contains("page 2 of 10")).await;
        s.slack.click_label(ADMIN, Surface::Home, "All integrations").await.unwrap();
        s.home_shows(ADMIN, |home| home.has_button("Actions") && home.all_text().contains("1 of 80 actions unlocked")).await;
        assert!(s.slack.calls_of("views.publish").iter().all(|call| {
            matches!(call.outcome, CallOutcome::Ok)
        }));
    })
    .await;
}
