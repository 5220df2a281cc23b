//! A person's settings: what they see, what a toggle does immediately, and that no user changes another's.

use chrono::TimeDelta;
use sandbox::slack::{Press, Signing, Surface};
use serde_json::json;

use crate::story::{ALICE, BOB, GUEST, story};

const ACTION: &str = "github.create_issue";

#[tokio::test(flavor = "multi_thread")]
async fn a_toggle_is_saved_at_once_and_takes_effect_for_the_next_request() {
    story(async |s| {
        s.open(ACTION).await;
        s.gear(ALICE, "GitHub").await;
        assert!(s.toggle(ALICE, ACTION).await.is_ok());
        let asked = s.ask(&s.call(ACTION, "c-1")).await;
        assert_eq!((asked.approval_status(), asked.str("/decision/scope")), ("approved", "always"));
        s.modal(ALICE, |view| view.checked("toggle").len() == 1).await;
        s.pass(TimeDelta::seconds(1));
        assert!(s.toggle(ALICE, ACTION).await.is_ok());
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "pending");
        s.modal(ALICE, |view| view.checked("toggle").is_empty()).await;
        assert_eq!(
            (s.audited_by("grant.given", ALICE).await, s.audited_by("grant.revoked", ALICE).await),
            (1, 1)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_toggle_concerns_nobody_else() {
    story(async |s| {
        s.open(ACTION).await;
        s.connect(BOB, "github").await;
        s.gear(ALICE, "GitHub").await;
        s.toggle(ALICE, ACTION).await;
        let mut ask = s.call(ACTION, "c-1");
        ask.user = BOB.to_owned();
        assert_eq!(s.ask(&ask).await.approval_status(), "pending");
        let view = s.gear(BOB, "GitHub").await;
        assert!(view.checked("toggle").is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_conversation_grants_stand_below_their_action_and_turn_off() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.choose(ALICE, &prompt, "Auto-approve for this conversation").await;
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved");
        let view = s.gear(ALICE, "GitHub").await;
        assert!(view.all_text().contains("In the conversation “"), "{}", view.all_text());
        assert!(view.all_text().contains("Used once"), "{}", view.all_text());
        assert!(s.slack.click_label(ALICE, Surface::Modal, "Turn off").await.unwrap().is_ok());
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "pending");
        s.modal(ALICE, |view| !view.has_button("Turn off")).await;
        s.until(&prompt, |message| !message.has_button("Turn off")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn turning_always_off_asks_in_the_current_conversation_too() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, first) = s.prompt(&s.call(ACTION, "c-1")).await;
        let (_, second) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.choose(ALICE, &first, "Auto-approve for this conversation").await;
        s.choose(ALICE, &second, "Auto-approve always").await;
        assert_eq!(s.grants_of(ALICE).await, 2);
        let shown = s.until(&second, |message| message.has_button("Turn off")).await;
        assert!(s.click(ALICE, &shown, "Turn off").await.is_ok());
        assert_eq!(s.grants_of(ALICE).await, 0);
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_says_what_to_do_next() {
    story(async |s| {
        assert!(s.command(ALICE, "").await.is_ok());
        s.modal(ALICE, |view| view.all_text().contains("No agent has used an integration yet")).await;
        s.put("github").await;
        s.command(ALICE, "").await;
        let view = s.modal(ALICE, |view| view.all_text().contains("GitHub")).await;
        assert!(view.all_text().contains("Not connected to your account") && view.has_button("Connect"));
        s.connect(ALICE, "github").await;
        let view = s.gear(ALICE, "GitHub").await;
        assert!(view.check_boxes().is_empty() && view.has_button("Request auto-approval"));
        assert!(view.all_text().contains("no admin has unlocked it"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_quick_clicks_the_later_counts_in_whichever_order_they_arrive() {
    story(async |s| {
        s.open(ACTION).await;
        s.gear(ALICE, "GitHub").await;
        let press = s.toggling(ALICE, ACTION).await;
        let on = s.slack.prepare_press(ALICE, &press).unwrap().unwrap();
        s.pass(TimeDelta::milliseconds(200));
        let off = s.slack.prepare_press(ALICE, &press).unwrap().unwrap();
        assert_eq!(off["actions"][0]["selected_options"], json!([]));
        let signing = Signing::default();
        assert!(s.slack.send_interaction(off.clone(), &signing).await.is_ok());
        assert!(s.slack.send_interaction(on.clone(), &signing).await.is_ok());
        assert_eq!(s.grants_of(ALICE).await, 0);
        // Signed at another time, they are other requests.
        s.pass(TimeDelta::seconds(1));
        let (one, other) =
            tokio::join!(s.slack.send_interaction(on, &signing), s.slack.send_interaction(off, &signing));
        assert!(one.is_ok() && other.is_ok());
        assert_eq!(s.grants_of(ALICE).await, 0);
        // Drawn since: each drawing gives the toggles' blocks other ids.
        let drawn = s.modal(ALICE, |view| !view.check_boxes()[0].block_id.ends_with(":first")).await;
        assert!(drawn.checked("toggle").is_empty(), "{}", drawn.all_text());
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_before_the_last_one_was_drawn_is_shown_as_it_is() {
    story(async |s| {
        s.open(ACTION).await;
        s.gear(ALICE, "GitHub").await;
        let on = s.slack.prepare_press(ALICE, &s.toggling(ALICE, ACTION).await).unwrap().unwrap();
        s.pass(TimeDelta::seconds(1));
        let signing = Signing::default();
        // Both clicks are made in the same view: neither has seen what came of the other.
        let mut off = on.clone();
        off["actions"][0]["selected_options"] = json!([]);
        off["actions"][0]["action_ts"] = json!(format!("{}.000000", s.now().timestamp()));
        assert!(s.slack.send_interaction(on, &signing).await.is_ok());
        let drawn =
            s.modal(ALICE, |view| view.check_boxes()[0].block_id.split_once(':').unwrap().1 != "first").await;
        s.modal(ALICE, |view| view.checked("toggle").len() == 1).await;
        assert!(s.slack.send_interaction(off, &signing).await.is_ok());
        let after = s.modal(ALICE, |view| view.checked("toggle").is_empty()).await;
        assert_ne!(drawn.check_boxes()[0].block_id, after.check_boxes()[0].block_id);
        assert_eq!(s.grants_of(ALICE).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_click_twice_leaves_one_grant() {
    story(async |s| {
        s.open(ACTION).await;
        s.gear(ALICE, "GitHub").await;
        let on = s.slack.prepare_press(ALICE, &s.toggling(ALICE, ACTION).await).unwrap().unwrap();
        let signing = Signing::default();
        let sends = (0..6).map(|_| s.slack.send_interaction(on.clone(), &signing));
        for sent in futures::future::join_all(sends).await {
            assert!(sent.is_ok(), "{sent:?}");
        }
        assert_eq!((s.grants_of(ALICE).await, s.audited_by("grant.given", ALICE).await), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_clicks_in_anothers_modal_changes_their_own_settings() {
    story(async |s| {
        s.open(ACTION).await;
        s.gear(ALICE, "GitHub").await;
        let payload = s.slack.prepare_press(ALICE, &s.toggling(ALICE, ACTION).await).unwrap().unwrap();
        // Bob hasn't connected GitHub: nothing can be allowed in his name, and nothing is in Alice's.
        s.forge(payload.clone(), BOB, |_| {}).await;
        assert_eq!((s.grants_of(ALICE).await, s.grants_of(BOB).await), (0, 0));
        s.connect(BOB, "github").await;
        s.forge(payload.clone(), BOB, |payload| payload["view"]["private_metadata"] = json!(ALICE)).await;
        assert_eq!((s.grants_of(ALICE).await, s.grants_of(BOB).await), (0, 1));
        // Nor can he turn off what is hers.
        assert!(s.slack.send_interaction(payload.clone(), &Signing::default()).await.is_ok());
        assert_eq!(s.grants_of(ALICE).await, 1);
        s.forge(payload, BOB, |payload| payload["actions"][0]["selected_options"] = json!([])).await;
        assert_eq!((s.grants_of(ALICE).await, s.grants_of(BOB).await), (1, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_grant_can_not_be_turned_off() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.choose(ALICE, &prompt, "Auto-approve always").await;
        let shown = s.until(&prompt, |message| message.has_button("Turn off")).await;
        let press = Press::labelled(Surface::message(&shown), "Turn off");
        let payload = s.slack.prepare_press(ALICE, &press).unwrap().unwrap();
        assert!(s.forge(payload, BOB, |_| {}).await.is_ok());
        assert_eq!(s.grants_of(ALICE).await, 1);
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_values_are_refused() {
    story(async |s| {
        s.open(ACTION).await;
        s.gear(ALICE, "GitHub").await;
        let payload = s.slack.prepare_press(ALICE, &s.toggling(ALICE, ACTION).await).unwrap().unwrap();
        let locked = s.action_id("github.merge_pull_request").await;
        let unknown = "act_00000000000000000000000000000001";
        for value in [format!("on:{locked}"), format!("on:{unknown}"), "on:".to_owned(), "{}".to_owned()] {
            let sent = s
                .forge(payload.clone(), ALICE, |payload| {
                    payload["actions"][0]["selected_options"][0]["value"] = json!(value);
                })
                .await;
            assert!(sent.is_ok(), "{value}");
            assert_eq!(s.grants_of(ALICE).await, 0, "{value}");
        }
        for metadata in
            ["", "9999999:", "1:int_00000000000000000000000000000001", "\u{0}", "{\"user\":\"U0BOB\"}"]
        {
            let sent = s
                .forge(payload.clone(), ALICE, |payload| {
                    payload["view"]["private_metadata"] = json!(metadata);
                })
                .await;
            assert!(sent.is_ok(), "{metadata:?}");
        }
        assert_eq!(s.grants_of(ALICE).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_bots_and_people_of_other_companies_allow_nothing() {
    story(async |s| {
        s.open(ACTION).await;
        s.connect(GUEST, "github").await;
        s.gear(ALICE, "GitHub").await;
        let payload = s.slack.prepare_press(ALICE, &s.toggling(ALICE, ACTION).await).unwrap().unwrap();
        for who in [GUEST, sandbox::slack::names::BOT_USER, "U0NOBODY"] {
            assert!(s.forge(payload.clone(), who, |_| {}).await.is_ok());
            assert_eq!(s.grants_of(who).await, 0, "{who}");
        }
        s.slack.change_user(ALICE, |user| "T0OTHER".clone_into(&mut user.team_id));
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        assert!(s.forge(payload, ALICE, |_| {}).await.is_ok());
        assert_eq!(s.grants_of(ALICE).await, 0);
        let refused = s.answer(GUEST, &format!("on {ACTION}")).await;
        assert!(refused.text().contains("Guests and bots"), "{}", refused.text());
        assert!(s.audited_by("settings.refused", GUEST).await >= 2);
        assert_eq!(s.grants_of(GUEST).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_became_a_guest_is_one_within_a_minute() {
    story(async |s| {
        s.open(ACTION).await;
        s.gear(ALICE, "GitHub").await;
        s.toggle(ALICE, ACTION).await;
        s.slack.change_user(ALICE, |user| user.is_restricted = true);
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        s.answer(ALICE, "off all").await;
        assert_eq!(s.grants_of(ALICE).await, 0);
        let refused = s.answer(ALICE, &format!("on {ACTION}")).await;
        assert!(refused.text().contains("Guests and bots"), "{}", refused.text());
        assert_eq!(s.grants_of(ALICE).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_no_member_any_more_still_takes_back_what_they_allowed() {
    for by_command in [true, false] {
        story(async |s| {
            s.open(ACTION).await;
            s.gear(ALICE, "GitHub").await;
            s.toggle(ALICE, ACTION).await;
            s.modal(ALICE, |view| !view.checked("toggle").is_empty()).await;
            s.slack.change_user(ALICE, |user| user.is_restricted = true);
            s.advance_until_idle(TimeDelta::seconds(61)).await;
            if by_command {
                let said = s.answer(ALICE, &format!("off {ACTION}")).await;
                assert!(said.text().starts_with("Off: "), "{}", said.text());
            } else {
                s.toggle(ALICE, ACTION).await;
            }
            assert_eq!(s.grants_of(ALICE).await, 0);
            assert_eq!(s.ask(&s.call(ACTION, "c-9")).await.approval_status(), "pending");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_and_a_toggle_at_once_leave_no_grant_behind() {
    story(async |s| {
        s.open(ACTION).await;
        s.gear(ALICE, "GitHub").await;
        let on = s.slack.prepare_press(ALICE, &s.toggling(ALICE, ACTION).await).unwrap().unwrap();
        for _ in 0..5 {
            s.pass(TimeDelta::seconds(1));
            s.unlock(ACTION).await;
            let signing = Signing::default();
            let (sent, ()) = tokio::join!(s.slack.send_interaction(on.clone(), &signing), s.lock(ACTION));
            assert!(sent.is_ok());
            assert_eq!(s.grants_of(ALICE).await, 0);
            assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "pending");
        }
        // A newly opened modal shows it. The open modal follows only its own clicks.
        s.slack.close(ALICE).await.unwrap();
        assert!(s.gear(ALICE, "GitHub").await.check_boxes().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_modal_opens_while_the_database_takes_its_time() {
    story(async |s| {
        s.open(ACTION).await;
        let mut tx = s.service.db.begin().await.unwrap();
        sqlx::query("LOCK TABLE integrations IN ACCESS EXCLUSIVE MODE").execute(&mut *tx).await.unwrap();
        let sent = s.command(ALICE, "").await;
        assert!(sent.is_ok() && sent.elapsed < std::time::Duration::from_secs(3), "{sent:?}");
        s.modal(ALICE, |view| view.all_text().contains("Loading your settings")).await;
        tx.rollback().await.unwrap();
        s.modal(ALICE, |view| view.all_text().contains("GitHub")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_actions_with_long_names_are_paged() {
    story(async |s| {
        let actions: Vec<_> = (0..80)
            .map(|number| {
                json!({ "key": format!("action_{number}"), "name": format!("{number:03} {}", "&".repeat(196)),
                        "description": "<".repeat(3000) })
            })
            .collect();
        let body = json!({ "name": format!("long {}", "\u{202e}".repeat(195)), "requires_connection": false, "actions": actions });
        assert_eq!(s.api().put_integration("long", &body).await.status, 200);
        for number in 0..80 {
            if number % 2 == 0 {
                s.unlock(&format!("long.action_{number}")).await;
            }
        }
        s.gear(ALICE, "long").await;
        let mut toggles = 0;
        let mut pages = 0;
        loop {
            let view = s.slack.view(ALICE).unwrap();
            toggles += view.check_boxes().len();
            pages += 1;
            if !view.has_button("Next page") {
                break;
            }
            assert!(s.slack.click_label(ALICE, Surface::Modal, "Next page").await.unwrap().is_ok());
            s.modal(ALICE, |now| now.hash != view.hash).await;
        }
        assert_eq!((toggles, pages), (40, 7));
    })
    .await;
}
