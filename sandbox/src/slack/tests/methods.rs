use serde_json::{Value, json};

use super::{Fixture, prompt};
use crate::slack::{TokenStatus, User, Workspace, names};

#[tokio::test]
async fn tokens_are_checked_before_anything_else() {
    let fixture = Fixture::new().await;
    let token = fixture.slack.bot_token();
    assert_eq!(fixture.call_with("", "chat.postMessage", json!({})).await["error"], "not_authed");
    assert_eq!(fixture.call_with("xoxb-other", "chat.postMessage", json!({})).await["error"], "invalid_auth");
    for (status, error) in [
        (TokenStatus::Revoked, "token_revoked"),
        (TokenStatus::Expired, "token_expired"),
        (TokenStatus::AccountInactive, "account_inactive"),
    ] {
        fixture.slack.change_token(&token, |token| token.status = status);
        assert_eq!(fixture.call("auth.test", json!({})).await["error"], error);
    }
}

#[tokio::test]
async fn a_missing_scope_error_lists_the_granted_scopes() {
    let fixture = Fixture::new().await;
    let drop_scope = |token: &mut crate::slack::Token| token.scopes.remove("chat:write");
    fixture.slack.change_token(&fixture.slack.bot_token(), drop_scope);
    let answer = fixture.call("chat.postMessage", prompt(names::ALICE)).await;
    assert_eq!(answer["error"], "missing_scope");
    assert_eq!(answer["needed"], "chat:write");
    assert_eq!(answer["provided"], "commands,files:write,im:write,users:read,users:read.email");
}

#[tokio::test]
async fn a_file_is_announced_uploaded_and_shared_once() {
    let fixture = Fixture::new().await;
    for arguments in [json!({}), json!({ "filename": "a.csv" }), json!({ "filename": "a.csv", "length": 0 })]
    {
        assert_eq!(fixture.call("files.getUploadURLExternal", arguments).await["error"], "invalid_arguments");
    }
    let announced =
        fixture.call("files.getUploadURLExternal", json!({ "filename": "a.csv", "length": "5" })).await;
    let (id, url) = (announced["file_id"].as_str().unwrap(), announced["upload_url"].as_str().unwrap());
    let share = json!({ "files": [{ "id": id, "title": "Audit" }], "channels": names::ALICE });
    assert_eq!(fixture.call("files.completeUploadExternal", share.clone()).await["error"], "file_not_found");
    for (content, status) in [("a,b", 400), ("a,b\r\n", 200), ("a,b\r\n", 404)] {
        assert_eq!(
            fixture.http.post(url).body(content).send().await.unwrap().status(),
            status,
            "{content:?}"
        );
    }
    let to_user = json!({ "files": [{ "id": id }], "channel_id": names::ALICE });
    assert_eq!(fixture.call("files.completeUploadExternal", to_user).await["error"], "channel_not_found");
    assert_eq!(fixture.call("files.completeUploadExternal", share.clone()).await["ok"], true);
    let shared = fixture.slack.direct_messages(names::ALICE).pop().unwrap().files.pop().unwrap();
    assert_eq!((shared.title.as_str(), shared.content.as_slice()), ("Audit", "a,b\r\n".as_bytes()));
    assert_eq!(fixture.call("files.completeUploadExternal", share).await["error"], "file_not_found");
    fixture.slack.change_token(&fixture.slack.bot_token(), |token| token.scopes.remove("files:write"));
    let refused =
        fixture.call("files.getUploadURLExternal", json!({ "filename": "a.csv", "length": 5 })).await;
    assert_eq!((&refused["error"], &refused["needed"]), (&json!("missing_scope"), &json!("files:write")));
}

#[tokio::test]
async fn an_unknown_method_is_refused() {
    let fixture = Fixture::new().await;
    let answer = fixture.call("chat.postMessages", json!({})).await;
    assert_eq!(answer["error"], "unknown_method");
    assert_eq!(answer["req_method"], "chat.postMessages");
}

#[tokio::test]
async fn auth_test_identifies_the_app() {
    let fixture = Fixture::new().await;
    let answer = fixture.call("auth.test", json!({})).await;
    let told = |key: &str| answer[key].as_str().unwrap().to_owned();
    assert_eq!((told("team"), told("team_id")), ("Acme".to_owned(), names::TEAM.to_owned()));
    assert_eq!((told("user_id"), told("bot_id")), (names::BOT_USER.to_owned(), names::BOT.to_owned()));
}

#[tokio::test]
async fn users_info_returns_visible_users_with_their_rights() {
    let fixture = Fixture::new().await;
    let info = async |user: &str| fixture.call("users.info", json!({ "user": user })).await;
    assert_eq!(info(names::ADMIN).await["user"]["is_admin"], true);
    assert_eq!(info(names::GUEST).await["user"]["is_restricted"], true);
    let alice: Value = info(names::ALICE).await;
    assert_eq!(alice["user"]["is_admin"], false);
    assert_eq!(alice["user"]["profile"]["email"], "alice@example.com");

    fixture.slack.add_workspace(Workspace::new("T0OTHER", "Other"));
    fixture.slack.add_user(User::new("U0FAR", "T0OTHER", "far", "Far Away"));
    assert_eq!(info("U0FAR").await["error"], "user_not_found");
    fixture.slack.change_user("U0FAR", |user| user.is_stranger = true);
    let stranger = info("U0FAR").await;
    assert_eq!(
        (&stranger["user"]["is_stranger"], &stranger["user"]["team_id"]),
        (&json!(true), &json!("T0OTHER"))
    );

    let no_email = |token: &mut crate::slack::Token| token.scopes.remove("users:read.email");
    fixture.slack.change_token(&fixture.slack.bot_token(), no_email);
    assert_eq!(info(names::ALICE).await["user"]["profile"].get("email"), None);
}

#[tokio::test]
async fn active_users_are_found_by_their_email_address() {
    let fixture = Fixture::new().await;
    let look_up = async |email: &str| fixture.call("users.lookupByEmail", json!({ "email": email })).await;
    assert_eq!(look_up("Alice@Example.com").await["user"]["id"], names::ALICE);
    assert_eq!(look_up("nobody@example.com").await["error"], "users_not_found");
    assert_eq!(look_up("").await["error"], "users_not_found");
    fixture.slack.change_user(names::ALICE, |user| user.deleted = true);
    assert_eq!(look_up("alice@example.com").await["error"], "users_not_found");
}

#[tokio::test]
async fn methods_that_read_ignore_a_json_body() {
    let fixture = Fixture::new().await;
    let (user, email) = (json!({ "user": names::ALICE }), json!({ "email": "alice@example.com" }));
    let app = json!({ "client_id": fixture.slack.app().client_id });
    for (method, arguments, error) in [
        ("users.info", user, "user_not_found"),
        ("users.lookupByEmail", email, "users_not_found"),
        ("oauth.v2.access", app, "invalid_client_id"),
    ] {
        let request = fixture.http.post(format!("{}/{method}", fixture.slack.api_url()));
        let request = request.bearer_auth(fixture.slack.bot_token()).json(&arguments);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["error"], error, "{method}");
    }
}

#[tokio::test]
async fn a_get_with_a_query_is_a_valid_call() {
    let fixture = Fixture::new().await;
    let url = format!("{}/users.info?user={}", fixture.slack.api_url(), names::BOB);
    let answer = fixture.http.get(url).bearer_auth(fixture.slack.bot_token()).send().await.unwrap();
    assert_eq!(
        answer.headers()["x-oauth-scopes"],
        "chat:write,commands,files:write,im:write,users:read,users:read.email"
    );
    assert_eq!(answer.json::<Value>().await.unwrap()["user"]["name"], "bob");
}
