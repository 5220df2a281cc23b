//! The form for making an agent request approval.

use maud::{Markup, html};
use serde_json::json;

use super::super::acts::Fields;
use super::super::desk::Desk;
use super::super::look::Tab;
use super::choice::Choice;
use super::{curl, time};
use crate::backend::{Api, Ask};
use crate::catalog;

/// The choices for the time limit, in seconds, with their labels.
const LIMITS: [(&str, &str); 4] =
    [("", "as usual"), ("10", "10 seconds"), ("60", "1 minute"), ("86400", "1 day")];

/// Renders the form for the viewer, whose buttons call `api`. `origin`: the page's address.
pub(super) fn render(desk: &Desk, api: &Api, origin: &str, can_skip: bool) -> Markup {
    let open = match &desk.tab {
        Tab::Channel { id, thread } => Some((id, thread.as_deref())),
        _ => None,
    };
    let choice = Choice::default();
    let usual = choice.call().map(|call| call.agent_id);
    let viewer = &desk.viewer.id;
    let first = [("conversation", "c-1"), ("user", viewer), ("agent", usual.as_deref().unwrap_or_default())];
    let commands = curl::render(api, origin, &choice.fields().and(&first), can_skip);
    html! {
        form.tools-form hx-post="/ask" hx-vals=(json!({ "as": desk.viewer.id }).to_string())
            hx-sync="this:drop" autocomplete="off" data-testid="ask" {
            label {
                "Agent"
                select.select name="agent" {
                    @for (id, name) in agents() { option value=(id) selected[usual.as_ref() == Some(&id)] { (name) } }
                }
            }
            label { "Conversation" input type="text" name="conversation" value="c-1" required maxlength="200"; }
            div.tools-form #ask-choice hx-get="/ask/choice" hx-trigger="change" hx-swap="innerHTML" hx-target="this"
                hx-include="this" { (choice.render()) }
            details.tools-more {
                summary { "User, place, time limit" }
                label {
                    "Asks"
                    select.select name="user" {
                        @for user in &desk.people {
                            option value=(user.id) selected[user.id == desk.viewer.id] {
                                (desk.names.users.get(&user.id).unwrap_or(&user.id))
                            }
                        }
                    }
                }
                label {
                    "Where"
                    select.select name="place" {
                        option value="" { "Direct message" }
                        @if let Some((channel, Some(thread))) = open {
                            option value={ (channel) "|" (thread) } { "In the open thread" }
                        }
                        @for channel in &desk.channels { option value=(channel.id) { "#" (channel.name) } }
                    }
                }
                label {
                    "Expires"
                    select.select name="expires" {
                        @for (seconds, words) in LIMITS { option value=(seconds) { (words) } }
                    }
                }
            }
            div.tools-buttons {
                button.btn.btn-primary type="submit" { span.btn-words { "Ask" } }
                button.btn type="button" title="Tell the service that this user has connected the integration" hx-post="/connection" hx-vals=(json!({ "connected": "yes" }).to_string()) {
                    span.btn-words { "Connect" }
                }
                button.btn type="button" title="Tell the service that this user has disconnected the integration" hx-post="/connection" hx-vals=(json!({ "connected": "no" }).to_string()) {
                    span.btn-words { "Disconnect" }
                }
            }
            div.tools-buttons {
                button.btn.btn-wide type="button" data-testid="ask-day" hx-post="/ask/day" hx-sync="this:drop"
                    title="Four agents, each with one conversation of eleven requests; four single requests; two destructive ones" {
                    span.btn-words { "50 requests" }
                }
            }
            @if can_skip { (time::render()) }
            details.curl {
                summary { "The same with curl" }
                div hx-get="/ask/curl" hx-trigger="input from:closest form delay:100ms" hx-swap="innerHTML" hx-target="this"
                    hx-include="closest form" { (commands) }
            }
        }
    }
}

/// The request that the submitted form describes. `None` if the catalog has no such call.
pub(super) fn read(fields: &Fields) -> Option<Ask> {
    let choice = Choice::from_fields(fields);
    let call = choice.call()?;
    let conversation = fields.filled("conversation").unwrap_or("c-1");
    let mut ask = call.ask(fields.get("user"), conversation);
    if let Some((id, name)) = agents().into_iter().find(|(id, _)| id == fields.get("agent"))
        && !choice.is_hostile()
    {
        ask = ask.by_agent(&id, &name);
    }
    if let Ok(seconds) = fields.get("expires").parse() {
        ask = ask.expiring_in(seconds);
    }
    if let Some(place) = fields.filled("place") {
        let (channel, thread) = place.split_once('|').map_or((place, None), |(c, t)| (c, Some(t)));
        ask = ask.in_channel(channel, thread);
    }
    Some(ask)
}

/// The agents of the catalog, each once: id and name.
fn agents() -> Vec<(String, String)> {
    let mut agents: Vec<(String, String)> =
        catalog::calls().map(|call| (call.agent_id.clone(), call.agent_name.clone())).collect();
    agents.sort();
    agents.dedup();
    agents
}
