//! Who belongs to the installation: people of other companies, colleagues on Enterprise Grid, those of whom Slack says
//! nothing, and who is an admin.

use chrono::TimeDelta;
use countersign::slack::web_api::admins::ConfiguredAdmin;
use sandbox::slack::{Channel, Message, Misbehaviour, Press, Signing, Surface, User, Workspace, names};
use serde_json::json;

use crate::{
    modes::{by_http, by_oauth},
    story::{ADMIN, ALICE, BOB, GUEST, IN_WORDS, SALES, SOON, TestApp, story, story_as},
};

const ACTION: &str = "github.create_issue";
/// Acme's organisation.
const ORG: &str = "E0GROUP";
/// Another workspace of it.
const OTHER: &str = "T0OTHER";
/// A workspace of another company.
const FOREIGN: &str = "T0FOREIGN";
/// Who works there, and is in #sales.
const EVE: &str = "U0EVE";

/// Makes Acme and another workspace one organisation; the app stays where it is.
fn on_grid(s: &TestApp) {
    s.slack.add_workspace(Workspace::new(OTHER, "Other"));
    for team in [names::TEAM, OTHER] {
        s.slack.change_workspace(team, |workspace| workspace.enterprise_id = Some(ORG.to_owned()));
    }
}

/// Shares #sales with another company by Slack Connect.
fn share(s: &TestApp) {
    let foreign =
        Workspace { enterprise_id: Some("E0FOREIGN".to_owned()), ..Workspace::new(FOREIGN, "Foreign") };
    s.slack.add_workspace(foreign);
    s.slack.add_user(User::new(EVE, FOREIGN, "eve", "Eve Else").as_admin().as_org_admin());
    s.slack.change_channel(SALES, |channel: &mut Channel| channel.members.insert(EVE.to_owned()));
}

/// Asks Alice in #sales.
async fn asked_in_public(s: &TestApp) -> (String, Message) {
    let ask = s.call(ACTION, "c-1").in_channel(SALES, None).expiring_in(3600);
    let id = s.ask(&ask).await.id().to_owned();
    let fits = |message: &Message| message.to_json().to_string().contains(&id);
    (id.clone(), s.slack.wait_for_message(SALES, fits, SOON).await.unwrap())
}

/// Makes Slack's look-ups of users fail.
fn silence(s: &TestApp) {
    s.slack.misbehave("users.info", Misbehaviour::ServerError(500), 99);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_another_company_decides_and_sees_nothing() {
    for grid in [false, true] {
        story(async |s| {
            if grid {
                on_grid(s);
            }
            share(s);
            s.open(ACTION).await;
            let (id, prompt) = asked_in_public(s).await;
            // She was asked, and has moved to the other company since: no flag and no payload says so.
            s.slack.change_user(ALICE, |user| FOREIGN.clone_into(&mut user.team_id));
            s.advance_until_idle(TimeDelta::seconds(61)).await;
            for label in ["Approve", "Deny", "Details"] {
                assert!(s.click(ALICE, &prompt, label).await.is_ok());
            }
            assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
            s.ephemeral_reply(ALICE, SALES, "belongs to another workspace").await;
            s.ephemeral_reply(ALICE, SALES, "shown only to members").await;
            let command = async |text: &str| s.answer(ALICE, text).await.text().to_owned();
            assert!(command(&format!("on {ACTION}")).await.contains("members of this workspace"));
            for text in ["list", "history"] {
                assert!(command(text).await.contains("shown only to members"), "{text}");
            }
            assert!(s.slack.view(ALICE).is_none());
            assert_eq!(s.refusals(&id).await, ["other-workspace"; 3]);
            assert_eq!((s.status(&id).await.as_str(), s.grants_of(ALICE).await), ("pending", 0));
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_of_another_company_unlocks_nothing() {
    story(async |s| {
        on_grid(s);
        share(s);
        s.put("github").await;
        let action = s.action_id(ACTION).await;
        let (_, prompt) = asked_in_public(s).await;
        let press = Press::labelled(Surface::message(&prompt), "Approve");
        let payload = s.slack.prepare_press(EVE, &press).unwrap().unwrap();
        let forged = s.forge(payload, EVE, |payload| {
            payload["actions"][0]["action_id"] = "unlock".into();
            payload["actions"][0]["value"] = action.into();
        });
        assert!(forged.await.is_ok());
        s.ephemeral_reply(EVE, SALES, "Only an admin").await;
        assert_eq!(s.audited_by("admin.refused", EVE).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ask_for_a_person_of_another_company_is_undeliverable_at_once() {
    story(async |s| {
        share(s);
        let mut ask = s.call(ACTION, "c-1").in_channel(SALES, None);
        EVE.clone_into(&mut ask.user);
        let id = s.ask(&ask).await.id().to_owned();
        assert_eq!(s.received_webhook(&id).await.kind, "approval.undeliverable");
        assert!(s.slack.direct_messages(EVE).is_empty());
        assert_eq!(s.slack.calls_of("chat.postMessage").len(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_on_grid_approves_denies_and_uses_settings() {
    story(async |s| {
        on_grid(s);
        // Bob's home is the other workspace, and he belongs to Acme too.
        s.slack.change_user(BOB, |user| {
            OTHER.clone_into(&mut user.team_id);
            user.other_teams = vec![names::TEAM.to_owned()];
        });
        s.open(ACTION).await;
        s.connect(BOB, "github").await;
        let ask = |conversation: &str| {
            let mut ask = s.call(ACTION, conversation);
            BOB.clone_into(&mut ask.user);
            ask
        };
        let (id, prompt) = s.prompt(&ask("c-1")).await;
        assert!(s.click(BOB, &prompt, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");

        let (id, prompt) = s.prompt(&ask("c-2")).await;
        assert!(s.choose(BOB, &prompt, IN_WORDS).await.is_ok());
        s.slack.type_text(BOB, "reason", "Not now").await.unwrap();
        let submitted = s.slack.submit(BOB).await.unwrap();
        assert_eq!(submitted.payload["team"]["id"], OTHER, "as Slack has it");
        assert_eq!(s.received_webhook(&id).await.approval()["decision"]["reason"], "Not now");

        s.gear(BOB, "GitHub").await;
        assert!(s.toggle(BOB, ACTION).await.is_ok());
        assert_eq!(s.grants_of(BOB).await, 1);
        let home = s.home(BOB, |home| home.has_button("Turn off")).await;
        assert_eq!(home.to_json()["app_installed_team_id"], names::TEAM);
        let turned_off = s.slack.click_label(BOB, Surface::Home, "Turn off").await.unwrap();
        assert!(turned_off.is_ok() && s.grants_of(BOB).await == 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_belongs_only_to_a_sister_workspace_is_asked_nothing() {
    story(async |s| {
        on_grid(s);
        s.slack.change_user(BOB, |user| OTHER.clone_into(&mut user.team_id));
        let mut ask = s.call(ACTION, "c-1");
        BOB.clone_into(&mut ask.user);
        let id = s.ask(&ask).await.id().to_owned();
        assert_eq!(s.received_webhook(&id).await.kind, "approval.undeliverable");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_slack_does_not_say_who_somebody_is_they_deny_and_do_not_approve() {
    story(async |s| {
        let (id, prompt) = asked_in_public(s).await;
        let (other, denied) = s.prompt(&s.call(ACTION, "c-2").expiring_in(3600)).await;
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        // A new instance, with an empty cache of users.
        s.restart().await;
        silence(s);
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        s.ephemeral_reply(ALICE, SALES, "Could not confirm with Slack").await;
        assert!(s.click(ALICE, &prompt, "Details").await.is_ok());
        assert!(s.slack.view(ALICE).is_none());
        assert!(s.click(ALICE, &denied, "Deny").await.is_ok());
        assert_eq!(s.received_webhook(&other).await.kind, "approval.denied");
        assert_eq!(s.status(&id).await, "pending");
        s.slack.behave("users.info");
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_of_a_minute_approves_nothing() {
    story(async |s| {
        let (id, prompt) = asked_in_public(s).await;
        s.slack.change_user(ALICE, |user| user.is_restricted = true);
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        s.ephemeral_reply(ALICE, SALES, "Guests and bots can’t decide").await;
        assert!(s.click(ALICE, &prompt, "Details").await.is_ok());
        s.ephemeral_reply(ALICE, SALES, "Guests and bots can’t see").await;
        assert!(s.click(GUEST, &prompt, "Details").await.is_ok());
        assert!(s.slack.view(ALICE).is_none() && s.slack.view(GUEST).is_none());
        let home = s.home(ALICE, |home| home.all_text().contains("Guests and bots")).await;
        assert!(!home.has_button("Approve") && !home.has_button("Details"), "{}", home.all_text());
        assert_eq!(s.status(&id).await, "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_slack_is_busy_a_person_reads_how_long_to_wait() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = asked_in_public(s).await;
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        s.slack.misbehave("users.info", Misbehaviour::RateLimited { retry_after: 17 }, 99);
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        s.ephemeral_reply(ALICE, SALES, "Try again in 1").await;
        assert!(s.answer(ALICE, &format!("on {ACTION}")).await.text().contains("Try again in 1"));
        assert_eq!(s.status(&id).await, "pending");
        assert!(s.click(ALICE, &prompt, "Deny").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.denied");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_share_what_slack_said() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert_eq!(s.slack.calls_of("users.info").len(), 1);
        s.restart().await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        assert_eq!(s.slack.calls_of("users.info").len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appointed_admin_is_one_in_their_workspace_alone() {
    let appoint = |text: &str| vec![ConfiguredAdmin::parse(text).unwrap()];
    for (admins, counts) in [
        (appoint("T0SANDBOX:U0BOB"), true),
        (appoint("U0BOB"), true),
        (appoint("T0OTHER:U0BOB"), false),
        (appoint("E0GROUP:U0BOB"), false),
    ] {
        // With OAuth, only an id is refused.
        let by_token = |config: &mut countersign::config::ServeConfig, slack: &sandbox::slack::Slack| {
            by_http(config, slack);
            config.admins = admins;
        };
        story_as(by_token, async |s| {
            s.put("github").await;
            s.connect(ALICE, "github").await;
            let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
            assert!(s.click(ALICE, &prompt, "Request auto-approval").await.is_ok());
            let asked = |message: &Message| message.has_button("Unlock");
            let message = s.slack.wait_for_direct_message(ADMIN, asked, SOON).await.unwrap();
            s.settled().await;
            assert_eq!(s.slack.direct_messages(BOB).iter().any(asked), counts);
            let press = Press::labelled(Surface::message(&message), "Unlock");
            let payload = s.slack.prepare_press(ADMIN, &press).unwrap().unwrap();
            assert!(s.forge(payload, BOB, |_| {}).await.is_ok());
            assert_eq!(s.audited_by("admin.refused", BOB).await, i64::from(!counts));
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_oauth_an_admin_without_a_workspace_is_refused_at_start() {
    story_as(by_oauth, async |s| {
        let mut config = s.config.clone();
        config.admins = vec![ConfiguredAdmin::parse("U0BOB").unwrap()];
        let refused = config.check().unwrap_err().to_string();
        assert!(refused.contains("Write T…:U0BOB"), "{refused}");
        config.admins = vec![ConfiguredAdmin::parse("T0SANDBOX:U0BOB").unwrap()];
        assert_eq!(config.check(), Ok(()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_names_another_team_moves_nobody() {
    story(async |s| {
        on_grid(s);
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let press = Press::labelled(Surface::message(&prompt), "Approve");
        let mut payload = s.slack.prepare_press(ALICE, &press).unwrap().unwrap();
        payload["user"]["team_id"] = json!(OTHER);
        assert!(s.slack.send_interaction(payload, &Signing::default()).await.is_ok());
        assert_eq!(
            s.received_webhook(&id).await.kind,
            "approval.approved",
            "Slack says that she is a member"
        );
    })
    .await;
}
