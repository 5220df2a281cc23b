//! What stands on people's screens follows what it rests on: the catalogue, conversations, grants.

use countersign::app;
use sandbox::{
    catalog,
    slack::{Message, Misbehaviour, Surface},
};
use serde_json::{Value, json};

use crate::story::{ADMIN, ALICE, BOB, SALES, SOON, TestApp, story};

const ACTION: &str = "github.create_issue";

/// Describes GitHub again, with a change.
async fn describe(s: &TestApp, change: impl FnOnce(&mut Value)) {
    let mut body = catalog::integration("github").unwrap().body();
    change(&mut body);
    let reply = s.api().put_integration("github", &body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

/// The description of `create_issue` in it.
fn create_issue(body: &mut Value) -> &mut Value {
    body["actions"].as_array_mut().unwrap().iter_mut().find(|action| action["key"] == "create_issue").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_tells_that_its_description_has_changed() {
    story(async |s| {
        s.put("github").await;
        s.unlock(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(prompt.all_text().contains("Connect this integration to auto-approve its actions."));
        describe(s, |body| create_issue(body)["risk"] = json!(["destructive"])).await;
        s.until(&prompt, |message| message.all_text().contains("description has changed")).await;
        // Not even a confirmed description makes this request one that was asked under it.
        s.unlock(ACTION).await;
        s.connect(ALICE, "github").await;
        let after = s.until(&prompt, |message| !message.all_text().contains("no admin has confirmed")).await;
        assert!(after.options_of("approve_more").is_empty() && !after.all_text().contains("Destructive"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_says_what_an_integration_was_and_what_it_is() {
    story(async |s| {
        s.put("github").await;
        describe(s, |body| create_issue(body)["risk"] = json!(["destructive"])).await;
        let (before, after): (Value, Value) = sqlx::query_as(
            "SELECT before, after FROM audit WHERE what = 'integration.put' ORDER BY id DESC LIMIT 1",
        )
        .fetch_one(&s.service.db)
        .await
        .unwrap();
        let was = |entry: &Value| entry["changed"]["create_issue"]["destructive"].clone();
        assert_eq!((was(&before), was(&after)), (json!(false), json!(true)));
        assert_eq!(after["changed"].as_object().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_an_integration_comes_to_need_a_connection_what_the_unconnected_allowed_ends() {
    story(async |s| {
        describe(s, |body| body["requires_connection"] = json!(false)).await;
        s.unlock(ACTION).await;
        s.connect(BOB, "github").await;
        let mut bobs = s.call(ACTION, "c-1");
        bobs.user = BOB.to_owned();
        for ask in [s.call(ACTION, "c-1"), bobs.clone()] {
            let (id, prompt) = s.prompt(&ask).await;
            assert!(s.choose(&ask.user, &prompt, "Auto-approve always").await.is_ok());
            s.received_webhook(&id).await;
        }
        s.put("github").await;
        assert_eq!((s.grants_of(ALICE).await, s.grants_of(BOB).await), (0, 1));
        assert_eq!(s.ask(&bobs).await.approval_status(), "pending", "paused until an admin confirms");
        s.unlock(ACTION).await;
        s.connect(ALICE, "github").await;
        assert_eq!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "pending", "nothing comes back");
        assert_eq!(s.ask(&bobs).await.approval_status(), "approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_prompt_of_an_action_that_is_retired_says_so_and_offers_nothing_in_vain() {
    story(async |s| {
        s.put("github").await;
        s.connect(ALICE, "github").await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(prompt.has_button("Request auto-approval"));
        describe(s, |body| {
            body["actions"].as_array_mut().unwrap().retain(|action| action["key"] != "create_issue");
        })
        .await;
        let shown =
            s.until(&prompt, |message| message.all_text().contains("no longer has this action")).await;
        assert!(!shown.has_button("Request auto-approval") && shown.options_of("approve_more").is_empty());
        assert!(s.click(ALICE, &shown, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_a_conversation_takes_its_choice_from_prompts_and_home_tabs() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.home(ALICE, |home| home.options_of("approve_more").len() == 4).await;
        for _ in 0..2 {
            assert_eq!(s.api().close_conversation("c-1").await.status, 204);
        }
        assert_eq!(s.audits("conversation.closed").await, 1, "said twice, it changes nothing more");
        s.until(&prompt, |message| message.options_of("approve_more").len() == 3).await;
        s.home_shows(ALICE, |home| home.options_of("approve_more").len() == 3).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decided_prompt_says_only_of_its_own_grant_that_it_is_off() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, first) = s.prompt(&s.call(ACTION, "c-1")).await;
        let (_, second) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.choose(ALICE, &first, "Auto-approve for this conversation").await;
        s.choose(ALICE, &second, "Auto-approve always").await;
        let shown = s.until(&first, |message| message.has_button("Turn off")).await;
        assert!(s.click(ALICE, &shown, "Turn off").await.is_ok());
        let shown = s.until(&first, |message| !message.has_button("Turn off")).await;
        assert!(
            shown.all_text().contains("has been turned off")
                && !shown.all_text().contains("the next request asks")
        );
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved", "always is still on");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_clicks_turn_off_on_anothers_prompt_learns_whose_it_is() {
    story(async |s| {
        s.open(ACTION).await;
        let id = s.ask(&s.call(ACTION, "c-1").in_channel(SALES, None)).await.id().to_owned();
        let fits = |message: &Message| message.to_json().to_string().contains(&id);
        let prompt = s.slack.wait_for_message(SALES, fits, SOON).await.unwrap();
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        let decided = s.until(&prompt, |message| message.has_button("Turn off")).await;
        assert!(s.click(BOB, &decided, "Turn off").await.is_ok());
        let said = s.ephemeral_reply(BOB, SALES, "can turn off this auto-approval").await;
        assert!(said.text().contains(&format!("<@{ALICE}>")), "{}", said.text());
        assert_eq!((s.grants_of(ALICE).await, s.audited_by("settings.refused", BOB).await), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standing_permission_wants_to_know_who_gives_it() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1").expiring_in(3600)).await;
        s.advance_until_idle(chrono::TimeDelta::seconds(61)).await;
        s.slack.misbehave("users.info", Misbehaviour::ServerError(503), 1);
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        s.ephemeral_reply(ALICE, &prompt.channel, "Could not confirm with Slack").await;
        assert_eq!(s.status(&id).await, "pending");
        // A guest of a minute allows nothing more, while a member of before does.
        s.slack.change_user(ALICE, |user| user.is_restricted = true);
        let press = s.slack.choose(ALICE, Surface::message(&prompt), "approve_more", "Auto-approve always");
        assert!(press.await.unwrap().is_ok());
        s.ephemeral_reply(ALICE, &prompt.channel, "Guests and bots can’t decide").await;
        assert_eq!((s.status(&id).await.as_str(), s.live_grants().await), ("pending", 0));
        s.slack.change_user(ALICE, |user| user.is_restricted = false);
        s.advance_until_idle(chrono::TimeDelta::seconds(61)).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.approval()["decision"]["scope"], "always");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_that_a_ping_let_webhooks_go_on() {
    story(async |s| {
        s.home(ADMIN, |home| home.all_text().contains("Administration")).await;
        s.backend.answer_next([sandbox::backend::Answer::Gone]);
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.click(ALICE, &prompt, "Approve").await;
        s.home_shows(ADMIN, |home| home.all_text().contains("Webhooks have been stopped")).await;
        let backend = countersign::service::backends::list(&s.service, None).await.unwrap().remove(0);
        let sender = app::webhook_sender(s.config.webhook_allow.clone()).unwrap();
        sender.ping(&s.service, s.workspace, backend.id).await.unwrap();
        s.home_shows(ADMIN, |home| !home.all_text().contains("Webhooks have been stopped")).await;
    })
    .await;
}
