//! A local Slack to try Block Kit on, or to set an app up with:
//! `cargo run -p countersign-sandbox --example page [-- --socket-mode | http://127.0.0.1:3000] [--oauth http://127.0.0.1:3000]`.
//!
//! Prints the page's address, and as an environment what an app is set up with in that way. With an address as argument,
//! clicks, commands and events are sent there, to `/slack/interactivity`, `/slack/commands` and `/slack/events`; with
//! `--socket-mode`, through the connections that the app opens. With `--oauth` the app at that address has to be installed
//! first: it gets no token, but what it takes to be given one.
#![expect(clippy::print_stdout, reason = "what it prints is for the person who runs it")]

use sandbox::page;
use sandbox::slack::{Slack, SlackOptions, names};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let extra = Box::new(|slack: Slack| page::router(slack, None));
    let slack = Slack::start(SlackOptions { extra: Some(extra), ..SlackOptions::default() }).await?;
    let set_up = set_up(&slack)?;
    for (channel, text, blocks) in [
        (names::ALICE, "Atlas wants to use Salesforce: Create record", prompt()),
        (names::SALES, "Everything that blocks can hold", gallery()),
    ] {
        let body = json!({ "channel": channel, "text": text, "blocks": blocks });
        let call = sandbox::http::client()?.post(format!("{}/chat.postMessage", slack.api_url()));
        let answer = call.bearer_auth(slack.bot_token()).json(&body).send().await?.text().await?;
        if !answer.contains("\"ok\":true") {
            return Err(answer.into());
        }
    }
    println!("# page: {}/?as={}", slack.origin(), names::ALICE);
    for (variable, value) in set_up {
        println!("{variable}={value}");
    }
    tokio::signal::ctrl_c().await?;
    slack.shutdown().await;
    Ok(())
}

/// Sets the app up as the arguments say; gives its environment.
fn set_up(slack: &Slack) -> Result<Vec<(&'static str, String)>, String> {
    let (mut by_socket, mut by_oauth) = (false, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--socket-mode" => by_socket = true,
            "--oauth" => {
                let address = arguments.next().ok_or("--oauth takes the app's address")?;
                slack.connect_app(&address);
                by_oauth = Some(address);
            }
            address if address.starts_with("http") => slack.connect_app(address),
            other => return Err(format!("{other} is neither an address nor --socket-mode nor --oauth")),
        }
    }
    slack.change_app(|app| app.socket_mode = by_socket);
    let app = slack.app();
    let mut environment = vec![("SLACK_API_URL", slack.api_url())];
    environment.push(if by_socket {
        ("SLACK_APP_TOKEN", app.app_token)
    } else {
        ("SLACK_SIGNING_SECRET", app.signing_secret)
    });
    if let Some(address) = by_oauth {
        environment.push(("SLACK_CLIENT_ID", app.client_id));
        environment.push(("SLACK_CLIENT_SECRET", app.client_secret));
        environment.push(("COUNTERSIGN_PUBLIC_URL", address));
    } else {
        environment.push(("SLACK_BOT_TOKEN", slack.bot_token()));
    }
    Ok(environment)
}

fn words(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text, "emoji": true })
}

fn button(label: &str, action: &str) -> Value {
    json!({ "type": "button", "action_id": action, "text": words(label) })
}

fn option(label: &str, value: &str) -> Value {
    json!({ "text": words(label), "value": value })
}

/// A question as an app asks it.
fn prompt() -> Value {
    let mut approve = button("Approve", "approve");
    approve["style"] = json!("primary");
    let mut deny = button("Deny", "deny");
    deny["style"] = json!("danger");
    let pair = |key: &str, value: &str| {
        [
            json!({ "type": "text", "text": format!("{key:<10}") }),
            json!({ "type": "text", "text": format!("{value}\n") }),
        ]
    };
    let arguments = [
        pair("object", "Task"),
        pair("subject", "Call with Acme"),
        pair("due", "2026-11-30"),
        pair("notes", "Asked for *all* prices <@U0BOB> in writing; call back before noon."),
    ];
    json!([
        { "type": "section", "text": words("Atlas wants to use Salesforce: Create record") },
        { "type": "rich_text", "elements": [{ "type": "rich_text_quote", "elements": [
            { "type": "text", "text": "Log the call with Acme" } ] }] },
        { "type": "rich_text", "elements": [
            { "type": "rich_text_preformatted", "elements": arguments.concat() } ] },
        { "type": "actions", "block_id": "decide", "elements": [
            approve,
            { "type": "overflow", "action_id": "more", "options": [
                option("Approve manually", "once"),
                option("Auto-approve for this conversation", "conversation"),
                option("Auto-approve always", "always") ] },
            deny,
            button("Details", "details") ] },
        { "type": "context", "elements": [
            { "type": "plain_text", "text": "Conversation “Q3 pipeline” · expires in 30 min · sha256:9f2c61d0", "emoji": false } ] }
    ])
}

/// One of each.
fn gallery() -> Value {
    let options = json!([option("First", "1"), option("Second", "2"), option("Third", "3")]);
    json!([
        { "type": "header", "text": words("Everything that blocks can hold :art:") },
        { "type": "section", "text": { "type": "mrkdwn",
            "text": "*Bold*, _italic_, ~struck~, `code`, <https://example.com|a link>, <@U0ALICE>, <@U0BOB>, <#C0SALES>, <!here> :tada:\n> quoted\n```let x = 1;```" },
          "accessory": button("Look", "look") },
        { "type": "section", "fields": [ words("Left"), words("Right"), words("Below left"), words("Below right") ] },
        { "type": "divider" },
        { "type": "actions", "elements": [
            { "type": "static_select", "action_id": "select", "placeholder": words("Choose one"), "options": options },
            { "type": "users_select", "action_id": "who", "placeholder": words("Choose somebody") },
            { "type": "datepicker", "action_id": "when", "initial_date": "2026-11-30" } ] },
        { "type": "section", "text": words("Several of these"), "accessory":
            { "type": "checkboxes", "action_id": "many", "options": options, "initial_options": [option("Second", "2")] } },
        { "type": "section", "text": words("One of these"), "accessory":
            { "type": "radio_buttons", "action_id": "one", "options": options } },
        { "type": "image", "title": words("A picture"), "image_url": "https://example.com/picture.png", "alt_text": "A chart that rises" },
        { "type": "context", "elements": [{ "type": "mrkdwn", "text": "Small print, with *bold* and `code`" }] }
    ])
}
