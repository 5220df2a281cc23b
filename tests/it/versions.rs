//! Descriptions are versions: what an approval was asked under never changes, and what an admin unlocked has to be
//! confirmed when it becomes something else.

use std::process::Command;

use sandbox::{
    catalog,
    slack::{Message, Press, Surface, View},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::story::{ADMIN, ALICE, SOON, TestApp, story};

const ACTION: &str = "github.create_issue";
const PAUSED: &str = "Auto-approval is paused";
const CHANGED: &str = "Changed since unlocked";

/// The integration as its backend puts it, with one action described otherwise.
fn described(name: &str, description: &str) -> Value {
    let mut body = catalog::integration("github").unwrap().body();
    let actions = body["actions"].as_array_mut().unwrap();
    let action = actions.iter_mut().find(|action| action["key"] == "create_issue").unwrap();
    action["name"] = name.into();
    action["description"] = description.into();
    body
}

async fn put(s: &TestApp, body: &Value) {
    let reply = s.api().put_integration("github", body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

/// Has Alice auto-approve the action always.
async fn allowed(s: &TestApp) {
    s.open(ACTION).await;
    assert!(s.answer(ALICE, &format!("on {ACTION}")).await.text().contains("On:"));
    asks(s, "approved").await;
}

/// Asks once more, and expects this.
async fn asks(s: &TestApp, status: &str) {
    assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), status);
}

/// The admin's Home tab, once it shows that something has changed and fits.
async fn admin_sees(s: &TestApp, fits: impl Fn(&View) -> bool) -> View {
    s.home(ADMIN, |home| home.all_text().contains(CHANGED) && fits(home)).await
}

async fn confirm(s: &TestApp) {
    let button = Press::labelled(Surface::Home, "Confirm");
    assert!(s.slack.press(ADMIN, button).await.unwrap().is_ok());
}

async fn hears(s: &TestApp, user: &str, what: &str) -> Message {
    let found = s.slack.wait_for_direct_message(user, |message| message.text().contains(what), SOON).await;
    found.unwrap_or_else(|_| panic!("{user} never heard {what:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_keeps_the_names_it_was_asked_under() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(prompt.all_text().contains("Create issue") && prompt.all_text().contains(ACTION));
        let mut renamed = described("Look at the forecast", "Reads tomorrow's weather.");
        renamed["name"] = "Weather".into();
        put(s, &renamed).await;
        // The prompt is updated, because the action can't be auto-approved now.
        let prompt = s.until(&prompt, |message| message.all_text().contains(PAUSED)).await;
        let own = |text: &str| {
            text.contains("Create issue") && text.contains("GitHub") && !text.contains("orecast")
        };
        assert!(own(&prompt.all_text()), "{}", prompt.all_text());
        let (_, details) = s.details(ALICE, &prompt).await;
        assert!(own(&details) && details.contains("Opens a new issue in a repository."), "{details}");
        s.home(ALICE, |home| own(&home.all_text()) && home.has_button("Approve")).await;
        let titled = |text: &str| {
            text.to_lowercase().contains("open an issue in acme/checkout") && !text.contains("orecast")
        };
        assert!(titled(&s.answer(ALICE, "list").await.all_text()));
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        s.received_webhook(&id).await;
        let decided = s.until(&prompt, |message| !message.has_button("Approve")).await;
        let text = decided.all_text();
        assert!(
            text.contains("asked to open an issue in acme/checkout") && !text.contains("orecast"),
            "{text}"
        );
        assert!(titled(&s.answer(ALICE, "history").await.all_text()));
        s.pass(chrono::TimeDelta::seconds(2));
        let (_, next) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(next.all_text().contains("Weather") && next.all_text().contains("Look at the forecast"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_action_asks_until_an_admin_confirms() {
    story(async |s| {
        allowed(s).await;
        s.home(ALICE, |home| home.has_button("Turn off")).await;
        put(s, &described("Delete issue", "Deletes an issue.")).await;
        asks(s, "pending").await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(prompt.options_of("approve_more").is_empty() && prompt.all_text().contains(PAUSED));
        assert!(!prompt.has_button("Request auto-approval"), "{}", prompt.all_text());
        s.home_shows(ALICE, |home| home.all_text().contains("Paused: the action’s description")).await;
        let refused = s.answer(ALICE, &format!("on {ACTION}")).await;
        assert!(refused.text().contains("Wait until an admin confirms"), "{}", refused.text());
        let gear = s.gear(ALICE, "GitHub").await;
        assert!(gear.all_text().contains("Paused: its description has changed"), "{}", gear.all_text());

        let home = admin_sees(s, |_| true).await;
        for text in
            ["Create issue", "Delete issue", "Opens a new issue", "Deletes an issue", "1 auto-approval"]
        {
            assert!(home.all_text().contains(text), "{text}: {}", home.all_text());
        }
        confirm(s).await;
        asks(s, "approved").await;
        s.home_shows(ADMIN, |home| !home.all_text().contains(CHANGED)).await;
        s.home_shows(ALICE, |home| !home.all_text().contains("Paused: ")).await;
        assert_eq!((s.grants_of(ALICE).await, s.audited_by("action.confirmed", ADMIN).await), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_people_go_by_pauses_the_grants() {
    story(async |s| {
        allowed(s).await;
        let original = catalog::integration("github").unwrap().body();
        let change = |change: fn(&mut Value, usize)| {
            let mut body = original.clone();
            let actions = body["actions"].as_array().unwrap();
            let at = actions.iter().position(|action| action["key"] == "create_issue").unwrap();
            change(&mut body, at);
            body
        };
        for body in [
            change(|body, at| body["actions"][at]["name"] = "Other".into()),
            change(|body, at| body["actions"][at]["description"] = "Other".into()),
            change(|body, at| body["actions"][at]["risk"] = json!(["destructive"])),
            change(|body, at| body["actions"][at]["read_only"] = true.into()),
            change(|body, at| body["actions"][at]["risk"] = json!(["money"])),
            change(|body, at| body["actions"][at]["title"] = "Other {title}".into()),
            change(|body, at| body["actions"][at]["fields"] = json!([{ "pointer": "/title" }])),
            change(|body, at| body["actions"][at]["input_schema"] = json!({ "type": "object" })),
            change(|body, _| body["name"] = "Other".into()),
            change(|body, _| body["requires_connection"] = false.into()),
        ] {
            put(s, &body).await;
            asks(s, "pending").await;
            // What an admin has seen and unlocked is back.
            put(s, &original).await;
            asks(s, "approved").await;
        }
        // A change that needs no confirmation.
        put(s, &change(|body, _| body["connect_url"] = "https://example.com/connect".into())).await;
        asks(s, "approved").await;
        let versions: i64 = sqlx::query_scalar("SELECT max(number)::bigint FROM action_versions")
            .fetch_one(&s.service.db)
            .await
            .unwrap();
        assert_eq!(versions, 11, "one a description, however often it comes");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn confirming_what_has_changed_again_confirms_nothing() {
    story(async |s| {
        allowed(s).await;
        put(s, &described("Delete issue", "Deletes an issue.")).await;
        let stale = admin_sees(s, |home| home.all_text().contains("Delete issue")).await;
        put(s, &described("Delete repository", "Deletes a repository.")).await;
        let press = Press::labelled(Surface::stale_view(&stale), "Confirm");
        assert!(s.slack.press(ADMIN, press).await.unwrap().is_ok());
        hears(s, ADMIN, "has changed since it was shown").await;
        asks(s, "pending").await;
        assert_eq!(s.audited_by("action.confirmed", ADMIN).await, 0);
        s.home_shows(ADMIN, |home| home.all_text().contains("Delete repository")).await;
        confirm(s).await;
        asks(s, "approved").await;
        // Once more changes nothing.
        s.pass(chrono::TimeDelta::seconds(1));
        let press = Press::labelled(Surface::stale_view(&stale), "Confirm");
        assert!(s.slack.press(ADMIN, press).await.unwrap().is_ok());
        assert_eq!(s.audited_by("action.confirmed", ADMIN).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn confirming_what_another_admin_locked_unlocks_nothing() {
    story(async |s| {
        allowed(s).await;
        put(s, &described("Delete issue", "Deletes an issue.")).await;
        let stale = admin_sees(s, |_| true).await;
        let lock = Press::labelled(Surface::Home, "Lock");
        assert!(s.slack.press(ADMIN, lock).await.unwrap().is_ok());
        assert_eq!(s.grants_of(ALICE).await, 0);
        let press = Press::labelled(Surface::stale_view(&stale), "Confirm");
        assert!(s.slack.press(ADMIN, press).await.unwrap().is_ok());
        hears(s, ADMIN, "has changed since it was shown").await;
        assert!(!s.api().integration("github").await.text.contains("\"unlocked\":true"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unlocking_what_has_changed_since_unlocks_nothing() {
    story(async |s| {
        s.put("github").await;
        s.connect(ALICE, "github").await;
        s.home(ADMIN, |home| home.has_button("Actions")).await;
        s.click_home(ADMIN, "Actions", &s.integration_id("github").await).await;
        let value = s.unlock_value(ACTION).await;
        let stale =
            s.home_shows(ADMIN, |home| home.buttons().iter().any(|button| button.value == value)).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.click(ALICE, &prompt, "Request auto-approval").await;
        let asked = |message: &Message| message.all_text().contains("you to unlock:");
        let request = s.slack.wait_for_direct_message(ADMIN, asked, SOON).await.unwrap();
        let button = Press::labelled(Surface::message(&request), "Unlock");
        let outdated = s.slack.prepare_press(ADMIN, &button).unwrap().unwrap();

        put(s, &described("Delete repository", "Deletes a repository.")).await;
        let request = s.until(&request, |message| message.all_text().contains("Delete repository")).await;
        let press = Press::labelled(Surface::stale_view(&stale), "Unlock").with_value(&value);
        assert!(s.slack.press(ADMIN, press).await.unwrap().is_ok());
        assert!(s.forge(outdated.clone(), ADMIN, |_| {}).await.is_ok());
        // A button of the previous version of the program does not say what was shown.
        let bare = value.split(':').next().unwrap().to_owned();
        let earlier = s.forge(outdated, ADMIN, |payload| {
            payload["actions"][0]["action_id"] = "unlock".into();
            payload["actions"][0]["value"] = bare.into();
        });
        assert!(earlier.await.is_ok());
        assert!(!s.api().integration("github").await.text.contains("\"unlocked\":true"));
        assert!(s.click(ADMIN, &request, "Unlock").await.is_ok());
        hears(s, ALICE, "unlocked it").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_standing_permission_is_given_on_a_description_that_has_changed() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let always = Press::on(Surface::stale(&prompt), "approve_more")
            .doing(sandbox::slack::Gesture::Pick("Auto-approve always".to_owned()));
        put(s, &described("Delete issue", "Deletes an issue.")).await;
        assert!(s.slack.press(ALICE, always.clone()).await.unwrap().is_ok());
        s.ephemeral_reply(ALICE, &prompt.channel, "so auto-approval is paused").await;
        admin_sees(s, |_| true).await;
        confirm(s).await;
        // Confirmed or not: the person reads what the action was. Another click than the first, not a repeat of it.
        s.pass(chrono::TimeDelta::seconds(1));
        s.until(&prompt, |message| message.all_text().contains("The next request offers it")).await;
        assert!(s.slack.press(ALICE, always).await.unwrap().is_ok());
        s.ephemeral_reply(ALICE, &prompt.channel, "has changed since this request").await;
        assert_eq!((s.status(&id).await.as_str(), s.grants_of(ALICE).await), ("pending", 0));
        assert_eq!(s.refusals(&id).await, ["changed-since-unlocked", "changed-since-asked"]);
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        s.received_webhook(&id).await;
        s.pass(chrono::TimeDelta::seconds(2));
        let (_, next) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &next, "Auto-approve always").await.is_ok());
        assert_eq!(s.grants_of(ALICE).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_and_confirms_a_change() {
    story(async |s| {
        allowed(s).await;
        put(s, &described("Delete issue", "Deletes an issue.")).await;
        let url = s.config.database.database_url.expose_secret().to_owned();
        let run = async |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
            command.env_clear().env("DATABASE_URL", &url).arg("action").args(arguments);
            let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
            let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            (output.status.success(), text)
        };
        let (_, list) = run(&["list"]).await;
        let line = list.lines().find(|line| line.ends_with(ACTION)).unwrap();
        assert!(line.starts_with("changed "), "{line}");
        let (_, list) = run(&["list", "--json"]).await;
        let list: Value = serde_json::from_str(&list).unwrap();
        let line = list.as_array().unwrap().iter().find(|line| line["action"] == ACTION).unwrap();
        assert_eq!((&line["changed"], &line["version"]), (&json!(true), &json!(2)));
        let (done, text) = run(&["confirm", ACTION, "--version", "1"]).await;
        assert!(!done && text.contains("version 1 is out of date"), "{text}");
        asks(s, "pending").await;
        let (done, text) = run(&["confirm", ACTION, "--version", "2"]).await;
        assert!(done && text.contains("GitHub: Delete issue\nDeletes an issue.\nConfirmed"), "{text}");
        asks(s, "approved").await;
        put(s, &described("Delete repository", "Deletes a repository.")).await;
        asks(s, "pending").await;
        s.unlock(ACTION).await;
        asks(s, "approved").await;
        s.lock(ACTION).await;
        let (done, text) = run(&["confirm", ACTION]).await;
        assert!(!done && text.contains("is locked"), "{text}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_to_change_a_version() {
    story(async |s| {
        s.put("github").await;
        for statement in [
            "UPDATE action_versions SET name = 'x'",
            "DELETE FROM action_versions",
            "TRUNCATE action_versions CASCADE",
        ] {
            let refused = sqlx::query(statement).execute(&s.service.db).await.unwrap_err().to_string();
            assert!(refused.contains("these rows never change"), "{statement}: {refused}");
        }
    })
    .await;
}
