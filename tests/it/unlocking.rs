//! Asking for an action to be unlocked, admins who answer, and what locking takes away.

use chrono::TimeDelta;
use sandbox::slack::{Message, Press, Signing, Surface};

use crate::story::{ADMIN, ALICE, BOB, SOON, TestApp, story};

const ACTION: &str = "github.create_issue";
const ASKED: &str = "you to unlock:";

/// An admin's message about a request, once it fits.
async fn asked(s: &TestApp, admin: &str, fits: impl Fn(&Message) -> bool) -> Message {
    let fits = |message: &Message| message.all_text().contains(ASKED) && fits(message);
    s.slack.wait_for_direct_message(admin, fits, SOON).await.unwrap()
}

/// How many direct messages say this.
fn heard(s: &TestApp, user: &str, what: &str) -> usize {
    let seen = s.slack.direct_messages(user);
    seen.iter().filter(|message| message.text().contains(what) || message.all_text().contains(what)).count()
}

async fn hears(s: &TestApp, user: &str, what: &str) -> Message {
    let found = s.slack.wait_for_direct_message(user, |message| message.text().contains(what), SOON).await;
    found.unwrap_or_else(|_| panic!("{user} never heard {what:?}"))
}

/// The prompt of a user's request for a locked action.
async fn locked_prompt(s: &TestApp, user: &str) -> Message {
    let mut ask = s.call(ACTION, &format!("c-{user}"));
    ask.user = user.to_owned();
    s.prompt(&ask).await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn the_prompt_of_a_locked_action_offers_to_ask_and_admins_get_one_message_for_all() {
    story(async |s| {
        s.put("github").await;
        for user in [ALICE, BOB] {
            s.connect(user, "github").await;
        }
        let prompt = locked_prompt(s, ALICE).await;
        assert!(prompt.options_of("approve_more").is_empty());
        assert!(s.click(ALICE, &prompt, "Request auto-approval").await.is_ok());
        s.until(&prompt, |message| {
            !message.has_button("Request auto-approval") && message.all_text().contains("You requested it")
        })
        .await;
        let message = asked(s, ADMIN, |message| message.has_button("Unlock")).await;
        assert!(message.all_text().contains("No decisions in the last 30 days"), "{}", message.all_text());
        s.click(ALICE, &prompt, "Approve").await;
        let bobs = locked_prompt(s, BOB).await;
        assert!(s.click(BOB, &bobs, "Request auto-approval").await.is_ok());
        let both = s.until(&message, |message| message.all_text().contains(BOB)).await;
        assert!(both.all_text().contains("1 approved manually, 0 denied"), "{}", both.all_text());
        assert_eq!(heard(s, ADMIN, ASKED), 1);
        assert_eq!(heard(s, ALICE, ASKED), 0);
        // The first answer counts for all requests.
        assert!(s.click(ADMIN, &both, "Unlock").await.is_ok());
        for user in [ALICE, BOB] {
            hears(s, user, "unlocked it").await;
        }
        s.until(&message, |message| {
            !message.has_button("Unlock") && message.all_text().contains("Unlocked by")
        })
        .await;
        s.until(&bobs, |message| !message.options_of("approve_more").is_empty()).await;
        assert_eq!((heard(s, ALICE, "unlocked it"), heard(s, BOB, "unlocked it")), (1, 1));
        assert_eq!(s.audited_by("action.unlocked", ADMIN).await, 1);
        assert_eq!(s.grants_of(ALICE).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_twice_is_harmless() {
    story(async |s| {
        s.put("github").await;
        s.connect(ALICE, "github").await;
        let prompt = locked_prompt(s, ALICE).await;
        let press = Press::labelled(Surface::message(&prompt), "Request auto-approval");
        let payload = s.slack.prepare_press(ALICE, &press).unwrap().unwrap();
        let signing = Signing::default();
        let sends = (0..5).map(|_| s.slack.send_interaction(payload.clone(), &signing));
        for sent in futures::future::join_all(sends).await {
            assert!(sent.is_ok());
        }
        let message = asked(s, ADMIN, |_| true).await;
        assert_eq!(s.audited_by("unlock.requested", ALICE).await, 1);
        assert!(s.click(ADMIN, &message, "Decline").await.is_ok());
        hears(s, ALICE, "declined").await;
        let answered = s.until(&message, |message| message.all_text().contains("Declined by")).await;
        assert!(!answered.has_button("Unlock"));
        assert_eq!((heard(s, ADMIN, ASKED), heard(s, ALICE, "declined")), (1, 1));
        // A user whose request was declined may ask again.
        s.until(&prompt, |message| message.has_button("Request auto-approval")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_slack_does_not_say_who_the_admins_are_they_are_told_later() {
    story(async |s| {
        s.put("github").await;
        s.connect(ALICE, "github").await;
        let prompt = locked_prompt(s, ALICE).await;
        s.slack.misbehave("users.list", sandbox::slack::Misbehaviour::RateLimited { retry_after: 20 }, 1);
        assert!(s.click(ALICE, &prompt, "Request auto-approval").await.is_ok());
        s.slack
            .wait_for(|slack| (!slack.calls_of("users.list").is_empty()).then_some(()), SOON)
            .await
            .unwrap();
        s.advance_until_idle(TimeDelta::seconds(21)).await;
        asked(s, ADMIN, |_| true).await;
        assert_eq!(heard(s, ADMIN, ASKED), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_admins_who_answer_at_once_one_wins_and_the_other_is_told() {
    story(async |s| {
        s.slack.change_user(BOB, |user| user.is_owner = true);
        s.put("github").await;
        s.connect(ALICE, "github").await;
        let prompt = locked_prompt(s, ALICE).await;
        s.click(ALICE, &prompt, "Request auto-approval").await;
        let one = asked(s, ADMIN, |_| true).await;
        let other = asked(s, BOB, |_| true).await;
        let (unlocked, declined) =
            tokio::join!(s.click(ADMIN, &one, "Unlock"), s.click(BOB, &other, "Decline"));
        assert!(unlocked.is_ok() && declined.is_ok());
        let answer = s
            .slack
            .wait_for_direct_message(
                ALICE,
                |message| message.text().contains("You requested auto-approval"),
                SOON,
            )
            .await
            .unwrap();
        let was_unlocked = answer.text().contains("unlocked it");
        let integration = s.api().integration("github").await;
        let actions = integration.body["actions"].as_array().unwrap().clone();
        let action = actions.iter().find(|action| action["key"] == "create_issue").unwrap();
        assert_eq!(action["unlocked"], was_unlocked);
        let (loser, channel) = if was_unlocked { (BOB, &other.channel) } else { (ADMIN, &one.channel) };
        s.ephemeral_reply(loser, channel, "was already").await;
        for message in [&one, &other] {
            s.until(message, |message| !message.has_button("Unlock")).await;
        }
        assert_eq!(heard(s, ALICE, "You requested auto-approval"), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_lock_and_unlock_at_once_and_every_screen_agrees() {
    story(async |s| {
        s.slack.change_user(BOB, |user| user.is_admin = true);
        s.open(ACTION).await;
        let github = s.integration_id("github").await;
        let id = s.action_id(ACTION).await;
        for admin in [ADMIN, BOB] {
            s.home(admin, |home| home.has_button("Actions")).await;
            s.click_home(admin, "Actions", &github).await;
            s.home_shows(admin, |home| home.has_button("Lock")).await;
        }
        let lock = s
            .slack
            .prepare_press(ADMIN, &Press::labelled(Surface::Home, "Lock").with_value(&id))
            .unwrap()
            .unwrap();
        let mut unlock = lock.clone();
        unlock["user"]["id"] = BOB.into();
        unlock["actions"][0]["action_id"] = "unlock".into();
        unlock["actions"][0]["value"] = s.unlock_value(ACTION).await.into();
        let signing = Signing::default();
        for _ in 0..5 {
            s.pass(TimeDelta::seconds(1));
            let (one, other) = tokio::join!(
                s.slack.send_interaction(lock.clone(), &signing),
                s.slack.send_interaction(unlock.clone(), &signing)
            );
            assert!(one.is_ok() && other.is_ok());
        }
        let integration = s.api().integration("github").await;
        let actions = integration.body["actions"].as_array().unwrap().clone();
        let unlocked =
            actions.iter().find(|action| action["key"] == "create_issue").unwrap()["unlocked"] == true;
        for admin in [ADMIN, BOB] {
            s.home_shows(admin, |home| home.has_button("Lock") == unlocked).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_unlocks_on_the_home_tab_and_pending_prompts_follow() {
    story(async |s| {
        s.put("github").await;
        s.connect(ALICE, "github").await;
        let prompt = locked_prompt(s, ALICE).await;
        s.click(ALICE, &prompt, "Request auto-approval").await;
        s.home(ADMIN, |home| home.has_button("Decline")).await;
        s.click_home(ADMIN, "Actions", &s.integration_id("github").await).await;
        let value = s.unlock_value(ACTION).await;
        s.home_shows(ADMIN, |home| home.buttons().iter().any(|button| button.value == value)).await;
        assert!(s.click_home(ADMIN, "Unlock", &value).await.is_ok());
        s.until(&prompt, |message| !message.options_of("approve_more").is_empty()).await;
        // The open request is answered by that, too.
        hears(s, ALICE, "unlocked it").await;
        s.home_shows(ADMIN, |home| !home.has_button("Decline")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn locking_ends_grants_names_who_and_takes_the_menu_away() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, decided) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.choose(ALICE, &decided, "Auto-approve always").await;
        s.home(ALICE, |home| home.has_button("Turn off")).await;
        s.home(ADMIN, |home| home.has_button("Actions")).await;
        s.click_home(ADMIN, "Actions", &s.integration_id("github").await).await;
        s.home_shows(ADMIN, |home| home.has_button("Lock")).await;
        assert!(s.click_home(ADMIN, "Lock", &s.action_id(ACTION).await).await.is_ok());
        let (_, next) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(next.options_of("approve_more").is_empty() && next.has_button("Request auto-approval"));
        s.until(&decided, |message| !message.has_button("Turn off")).await;
        s.home_shows(ALICE, |home| !home.has_button("Turn off")).await;
        assert_eq!(
            (s.audited_by("action.locked", ADMIN).await, s.audited_by("grant.revoked", ADMIN).await),
            (1, 1)
        );
        s.unlock(ACTION).await;
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_who_was_demoted_in_between_changes_nothing() {
    story(async |s| {
        s.put("github").await;
        s.home(ADMIN, |home| home.has_button("Actions")).await;
        s.click_home(ADMIN, "Actions", &s.integration_id("github").await).await;
        let value = s.unlock_value(ACTION).await;
        let stale =
            s.home_shows(ADMIN, |home| home.buttons().iter().any(|button| button.value == value)).await;
        s.slack.change_user(ADMIN, |user| user.is_admin = false);
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        let press = Press::labelled(Surface::stale_view(&stale), "Unlock").with_value(&value);
        assert!(s.slack.press(ADMIN, press).await.unwrap().is_ok());
        hears(s, ADMIN, "Only an admin can do this").await;
        assert!(!s.api().integration("github").await.body.to_string().contains("\"unlocked\":true"));
        assert_eq!(s.audited_by("admin.refused", ADMIN).await, 1);
        s.home_shows(ADMIN, |home| !home.all_text().contains("Administration")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_no_admin_can_not_forge_it() {
    story(async |s| {
        s.put("github").await;
        s.connect(ALICE, "github").await;
        let prompt = locked_prompt(s, ALICE).await;
        s.click(ALICE, &prompt, "Request auto-approval").await;
        let message = asked(s, ADMIN, |_| true).await;
        for label in ["Unlock", "Decline"] {
            let press = Press::labelled(Surface::message(&message), label);
            let payload = s.slack.prepare_press(ADMIN, &press).unwrap().unwrap();
            assert!(s.forge(payload.clone(), ALICE, |_| {}).await.is_ok());
            let value = s.unlock_value(ACTION).await;
            let forged = s.forge(payload, ALICE, |payload| {
                payload["actions"][0]["action_id"] = "unlock".into();
                payload["actions"][0]["value"] = value.into();
            });
            assert!(forged.await.is_ok());
        }
        assert!(!s.api().integration("github").await.body.to_string().contains("\"unlocked\":true"));
        assert_eq!(s.audited_by("admin.refused", ALICE).await, 4);
        s.slack.misbehave("users.info", sandbox::slack::Misbehaviour::ServerError(503), 9);
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        assert!(s.click(ADMIN, &message, "Unlock").await.is_ok());
        s.ephemeral_reply(ADMIN, &message.channel, "Could not confirm with Slack").await;
        s.slack.behave("users.info");
        assert!(s.click(ADMIN, &message, "Unlock").await.is_ok());
        hears(s, ALICE, "unlocked it").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_appointed_is_an_admin_too() {
    story(async |s| {
        s.stop().await;
        let admin = format!("{}:{BOB}", sandbox::slack::names::TEAM);
        s.config.admins = vec![countersign::slack::web_api::admins::ConfiguredAdmin::parse(&admin).unwrap()];
        s.start().await;
        s.put("github").await;
        s.connect(ALICE, "github").await;
        let prompt = locked_prompt(s, ALICE).await;
        s.click(ALICE, &prompt, "Request auto-approval").await;
        asked(s, ADMIN, |_| true).await;
        let message = asked(s, BOB, |_| true).await;
        assert!(s.click(BOB, &message, "Unlock").await.is_ok());
        hears(s, ALICE, "unlocked it").await;
        s.home(BOB, |home| home.all_text().contains("Administration")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_an_action_that_is_retired_is_closed() {
    story(async |s| {
        s.put("github").await;
        s.connect(ALICE, "github").await;
        let prompt = locked_prompt(s, ALICE).await;
        s.click(ALICE, &prompt, "Request auto-approval").await;
        let message = asked(s, ADMIN, |_| true).await;
        let body = serde_json::json!({ "name": "GitHub", "actions": [] });
        assert_eq!(s.api().put_integration("github", &body).await.status, 200);
        hears(s, ALICE, "no longer has this action").await;
        s.until(&message, |message| !message.has_button("Unlock")).await;
    })
    .await;
}
