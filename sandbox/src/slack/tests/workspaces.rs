use std::collections::BTreeSet;

use serde_json::json;

use super::{Fixture, prompt, reason_modal};
use crate::slack::{Channel, Surface, Token, TokenStatus, User, Workspace, names};

const OTHER_TOKEN: &str = "xoxb-other";

/// The default workspace, and another one with the same app in it.
async fn two() -> Fixture {
    let fixture = Fixture::new().await;
    let slack = &fixture.slack;
    slack.add_workspace(Workspace::new("T0OTHER", "Other Ltd"));
    slack.add_user(User::new("U0EVE", "T0OTHER", "eve", "Eve Else").with_email("alice@example.com"));
    slack.add_user(User { is_bot: true, ..User::new("U0OTHERBOT", "T0OTHER", "countersign", "Countersign") });
    slack.add_channel(Channel::public("C0OTHER", "T0OTHER", "sales", &["U0EVE", "U0OTHERBOT"]));
    slack.add_token(Token {
        value: OTHER_TOKEN.to_owned(),
        team_id: "T0OTHER".to_owned(),
        bot_user_id: "U0OTHERBOT".to_owned(),
        bot_id: "B0OTHER".to_owned(),
        scopes: BTreeSet::from(["chat:write", "users:read", "users:read.email"].map(str::to_owned)),
        status: TokenStatus::Active,
    });
    fixture
}

#[tokio::test]
async fn a_token_reaches_only_its_own_workspace() {
    let fixture = two().await;
    let (channel, ts) = fixture.prompt().await;
    let other = async |method: &str, arguments| fixture.call_with(OTHER_TOKEN, method, arguments).await;
    assert_eq!(other("auth.test", json!({})).await["team"], "Other Ltd");
    for place in [names::SALES, names::ALICE, &channel] {
        assert_eq!(other("chat.postMessage", prompt(place)).await["error"], "channel_not_found");
    }
    assert_eq!(other("users.info", json!({ "user": names::ALICE })).await["error"], "user_not_found");
    let found = other("users.lookupByEmail", json!({ "email": "alice@example.com" })).await;
    assert_eq!(found["user"]["id"], "U0EVE");
    let update = other("chat.update", json!({ "channel": channel, "ts": ts, "text": "x" })).await;
    assert_eq!(update["error"], "channel_not_found");
    assert_eq!(other("chat.postMessage", prompt("#sales")).await["channel"], "C0OTHER");
    assert_eq!(other("chat.postMessage", prompt("U0EVE")).await["ok"], true);
    assert_eq!(fixture.slack.direct_messages("U0EVE").len(), 1);
}

#[tokio::test]
async fn triggers_and_views_belong_to_a_workspace() {
    let fixture = two().await;
    let id = fixture.modal(reason_modal()).await;
    let trigger_id = fixture.trigger().await;
    let other = async |method: &str, arguments| fixture.call_with(OTHER_TOKEN, method, arguments).await;
    let open = other("views.open", json!({ "trigger_id": trigger_id, "view": reason_modal() })).await;
    assert_eq!(open["error"], "invalid_trigger_id");
    let update = other("views.update", json!({ "view_id": id, "view": reason_modal() })).await;
    assert_eq!(update["error"], "not_found");
}

#[tokio::test]
async fn a_click_names_the_workspace_it_was_made_in() {
    let fixture = two().await;
    let answer = fixture.call_with(OTHER_TOKEN, "chat.postMessage", prompt("C0OTHER")).await;
    let ts = answer["ts"].as_str().unwrap().to_owned();
    let surface = Surface::Message { channel: "C0OTHER".to_owned(), ts };
    let delivery = fixture.slack.click("U0EVE", surface.clone(), "approve").await.unwrap();
    assert_eq!(delivery.payload["team"], json!({ "id": "T0OTHER", "domain": "other-ltd" }));
    assert_eq!(delivery.payload["user"]["team_id"], "T0OTHER");
    assert!(fixture.slack.click(names::ALICE, surface, "approve").await.is_err(), "Alice is not there");
}

#[tokio::test]
async fn a_person_of_another_company_who_shares_a_channel_is_known() {
    let fixture = two().await;
    let info = async || fixture.call("users.info", json!({ "user": "U0EVE" })).await;
    assert_eq!(info().await["error"], "user_not_found");
    fixture.slack.change_channel(names::SALES, |channel| channel.members.insert("U0EVE".to_owned()));
    let user = info().await["user"].clone();
    assert_eq!((&user["is_stranger"], &user["team_id"]), (&json!(false), &json!("T0OTHER")));
    assert_eq!((user.get("is_restricted"), user["profile"].get("email")), (None, None));
}

/// Acme and another workspace in one organisation, and Bob, whose home is the other one and who belongs to both.
async fn grid() -> Fixture {
    let fixture = two().await;
    for team in [names::TEAM, "T0OTHER"] {
        fixture
            .slack
            .change_workspace(team, |workspace| workspace.enterprise_id = Some("E0GROUP".to_owned()));
    }
    fixture.slack.change_user(names::BOB, |user| {
        "T0OTHER".clone_into(&mut user.team_id);
        user.other_teams = vec![names::TEAM.to_owned()];
    });
    fixture
}

#[tokio::test]
async fn grid_submissions_name_the_workspaces_of_user_and_app() {
    let fixture = grid().await;
    let answer = fixture.call("chat.postMessage", prompt(names::SALES)).await;
    let ts = answer["ts"].as_str().unwrap().to_owned();
    let surface = Surface::Message { channel: names::SALES.to_owned(), ts };
    let clicked = fixture.slack.click(names::BOB, surface, "approve").await.unwrap().payload;
    assert_eq!(
        (&clicked["team"]["id"], &clicked["enterprise"]["id"]),
        (&json!(names::TEAM), &json!("E0GROUP"))
    );
    assert_eq!(clicked["user"]["team_id"], "T0OTHER");
    let open = json!({ "trigger_id": clicked["trigger_id"], "view": reason_modal() });
    assert_eq!(fixture.call("views.open", open).await["ok"], true);
    fixture.slack.type_text(names::BOB, "text", "risky").await.unwrap();
    let submitted = fixture.slack.submit(names::BOB).await.unwrap().payload;
    assert_eq!(submitted["team"]["id"], "T0OTHER");
    assert_eq!(submitted["view"]["app_installed_team_id"], names::TEAM);
}

#[tokio::test]
async fn users_info_and_users_list_differ_on_organisation_rights() {
    let fixture = grid().await;
    let org = Token {
        value: "xoxb-org".to_owned(),
        team_id: "E0GROUP".to_owned(),
        bot_user_id: "U0ORGBOT".to_owned(),
        bot_id: "B0ORG".to_owned(),
        scopes: BTreeSet::from(["users:read".to_owned()]),
        status: TokenStatus::Active,
    };
    fixture.slack.add_token(org);
    let info = fixture.call_with("xoxb-org", "users.info", json!({ "user": names::ADMIN })).await;
    assert_eq!(info["user"]["is_admin"], false);
    assert_eq!(info["user"]["enterprise_user"]["enterprise_id"], "E0GROUP");
    let list = fixture.call_with("xoxb-org", "users.list", json!({ "team_id": names::TEAM })).await;
    let members = list["members"].as_array().unwrap();
    let told = |id: &str| members.iter().find(|member| member["id"] == id).unwrap();
    assert_eq!(told(names::ADMIN)["is_admin"], true);
    assert_eq!(told(names::BOB)["enterprise_user"]["teams"], json!(["T0OTHER", names::TEAM]));
}
