//! What the form's buttons do, as commands for a terminal.

use maud::{Markup, html};
use reqwest::Method;

use super::super::acts::Fields;
use super::choice::Choice;
use super::form;
use crate::backend::{Api, Ask};

/// Longest command that is shown, in bytes. Terminals and shells have limits, and some examples are as large as a request may
/// be.
const LONGEST: usize = 100_000;

/// The button that asks.
const ASK: &str = "Ask";

/// Renders the commands for the fields of a form. `origin`: the page's address.
pub(super) fn render(api: &Api, origin: &str, fields: &Fields, can_skip: bool) -> Markup {
    // As the form's button does. There, an agent waits for the decision and runs what the person makes of the arguments.
    let asked = form::read(fields).map(|found| ask(api, &found.editable()));
    let integration = Choice::from_fields(fields).connectable();
    let path = integration.map(|key| ["users", fields.get("user"), "connections", key]);
    let connection = |method: Method| path.map(|path| api.curl(&method, &path, None));
    let user: String = form_urlencoded::byte_serialize(fields.get("user").as_bytes()).collect();
    let day = format!("curl -sS '{origin}/ask/day.sh?user={user}' | sh");
    let later = super::time::LATER.into_iter().filter(|_| can_skip);
    let later = later.map(|(button, minutes, _)| (button, Some(super::time::curl(origin, minutes))));
    let commands = [
        (ASK, asked),
        ("Connect", connection(Method::PUT)),
        ("Disconnect", connection(Method::DELETE)),
        ("50 requests", Some(day)),
    ];
    let commands: Vec<_> = commands.into_iter().chain(later).collect();
    html! {
        @for (button, command) in commands.iter().filter_map(|(button, command)| Some((button, command.as_ref()?))) {
            h3 { (button) }
            @if *button == ASK { p { "No agent waits for this request: nothing runs after the decision." } }
            @if command.len() > LONGEST {
                p { "These arguments are too long for a command line." }
            } @else {
                pre tabindex="0" aria-label={ (button) " with curl" } data-testid="curl" { (command) }
            }
        }
    }
}

/// The command that asks.
pub(super) fn ask(api: &Api, ask: &Ask) -> String {
    // An `Ask` contains only strings and JSON, so this cannot fail.
    api.curl(&Method::POST, &["approvals"], Some(&serde_json::to_value(ask).unwrap_or_default()))
}
