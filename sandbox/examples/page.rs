//! A local Slack to set an app up with:
//! `cargo run -p countersign-sandbox --example page [-- --socket-mode | http://127.0.0.1:3000] [--oauth http://127.0.0.1:3000]`.
//!
//! Prints the page's address, and as an environment what an app is set up with in that way. With an address as argument,
//! clicks, commands and events are sent there, to `/slack/interactivity`, `/slack/commands` and `/slack/events`; with
//! `--socket-mode`, through the connections that the app opens. With `--oauth` the app at that address has to be installed
//! first: it gets no token, but what it takes to be given one.
#![expect(clippy::print_stdout, reason = "what it prints is for the person who runs it")]

use sandbox::page;
use sandbox::slack::{Slack, SlackOptions, names};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let extra = Box::new(|slack: Slack| page::router(slack, None, None));
    let slack = Slack::start(SlackOptions { extra: Some(extra), ..SlackOptions::default() }).await?;
    let set_up = set_up(&slack)?;
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
