//! An Enterprise organisation that has the app as a whole: one installation, many teams.

use std::time::Duration;

use chrono::TimeDelta;
use countersign::{
    app,
    domain::ids::UserId,
    slack::web_api::{admins::ConfiguredAdmin, error::CallError, users::People},
};
use sandbox::slack::{Misbehaviour, Surface, User, Workspace, names};
use tokio_util::task::TaskTracker;

use crate::{
    modes::{Browser, by_oauth},
    story::{ADMIN, ALICE, SOON, TestApp, story_as},
};

const ORG: &str = "E0GROUP";
const OTHER: &str = "T0OTHER";
/// An admin of the organisation, in the other team.
const OTTO: &str = "U0OTTO";
/// An admin of the other team, and not of the organisation.
const TINA: &str = "U0TINA";

/// Makes an organisation of Acme and another team, has it install the app, and goes on there.
async fn organise(s: &mut TestApp) {
    s.slack.change_workspace(names::TEAM, |workspace| workspace.enterprise_id = Some(ORG.to_owned()));
    s.slack.change_token(&s.slack.bot_token(), |token| "T0GONE".clone_into(&mut token.team_id));
    s.slack
        .add_workspace(Workspace { enterprise_id: Some(ORG.to_owned()), ..Workspace::new(OTHER, "Other") });
    s.slack.add_workspace(Workspace::new("T0FOREIGN", "Foreign"));
    s.slack.change_user(ADMIN, |user| user.is_org_admin = true);
    s.slack.add_user(User::new(OTTO, OTHER, "otto", "Otto Owner").as_org_admin());
    s.slack.add_user(User::new(TINA, OTHER, "tina", "Tina Teamlead").as_admin());
    s.slack.add_user(User::new("U0FOREIGN", "T0FOREIGN", "frida", "Frida Foreign").as_admin());
    assert_eq!(Browser::new().install(s, ORG).await.status(), 200);
    s.move_to(ORG).await;
}

fn people(s: &TestApp, configured_admins: &[&str]) -> People {
    let client = app::slack_client(&s.config.slack, &s.service, TaskTracker::new()).unwrap();
    let configured_admins = configured_admins.iter().filter_map(|id| ConfiguredAdmin::parse(id)).collect();
    People::new(client, s.service.clone(), configured_admins)
}

fn ids(admins: &[UserId]) -> Vec<&str> {
    admins.iter().map(UserId::as_str).collect()
}

fn calls_of(s: &TestApp, method: &str) -> usize {
    s.slack.calls().iter().filter(|call| call.method == method).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_asked_to_unlock_for_an_organisation_may() {
    story_as(by_oauth, async |s| {
        organise(s).await;
        s.open("github.merge_pull_request").await;
        let (_, prompt) = s.prompt(&s.call("github.create_issue", "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Request auto-approval").await.is_ok());
        let asked = |message: &sandbox::slack::Message| message.has_button("Unlock");
        s.slack.wait_for_direct_message(ADMIN, asked, SOON).await.unwrap();
        let message = s.slack.wait_for_direct_message(OTTO, asked, SOON).await.unwrap();
        s.settled().await;
        for other in ["U0FOREIGN", TINA] {
            assert!(s.slack.direct_messages(other).is_empty(), "{other}");
        }
        let press = sandbox::slack::Press::labelled(Surface::message(&message), "Unlock");
        let payload = s.slack.prepare_press(OTTO, &press).unwrap().unwrap();
        assert!(s.forge(payload, TINA, |_| {}).await.is_ok());
        assert_eq!(s.audited_by("admin.refused", TINA).await, 1);
        assert!(s.click(OTTO, &message, "Unlock").await.is_ok());
        s.until(&message, |message| !message.has_button("Unlock")).await;
        assert_eq!(s.audited_by("action.unlocked", OTTO).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_read_to_its_end_and_from_where_it_was_held_up() {
    story_as(by_oauth, async |s| {
        organise(s).await;
        for number in 0..2500 {
            let id = format!("U1{number:06}");
            s.slack.add_user(User::new(&id, OTHER, &id, "One of many"));
        }
        s.slack.add_user(User::new("U2LAST", OTHER, "last", "Last Admin").as_org_admin());
        let people = people(s, &["E0GROUP:U0CAROL", "T0OTHER:U0DORA"]);
        // The other team has three pages, Acme one.
        s.slack.misbehave("users.list", Misbehaviour::Delay(Duration::ZERO), 2);
        s.slack.misbehave("users.list", Misbehaviour::RateLimited { retry_after: 30 }, 1);
        let held_up = people.admins(ORG).await.unwrap_err();
        assert_eq!(held_up, CallError::RateLimited(Duration::from_secs(30)));
        assert_eq!(calls_of(s, "users.list"), 3);
        s.pass(TimeDelta::seconds(30));
        let admins = people.admins(ORG).await.unwrap();
        assert_eq!(ids(&admins), [OTTO, "U2LAST", ADMIN]);
        assert_eq!(ids(&people.configured_admins(ORG)), ["U0CAROL"]);
        assert_eq!((calls_of(s, "users.list"), calls_of(s, "auth.teams.list")), (5, 1));
        // Remembered for a while.
        people.admins(ORG).await.unwrap();
        assert_eq!(calls_of(s, "users.list"), 5);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_slack_refuses_is_said() {
    story_as(by_oauth, async |s| {
        organise(s).await;
        s.slack.misbehave("auth.teams.list", Misbehaviour::SlackError("access_denied".to_owned()), 1);
        let refused = people(s, &[]).admins(ORG).await.unwrap_err();
        assert_eq!(refused, CallError::Passing("access_denied".to_owned()));
    })
    .await;
}
