//! One message, as it stands in a channel or in a thread.

use chrono::{DateTime, FixedOffset, Utc};
use maud::{Markup, html};

use super::super::blocks::{Place, RenderContext, blocks, mrkdwn};
use super::super::desk::Desk;
use super::super::live::{Part, hash};
use super::super::look::channel_address;
use super::{avatar, icons};
use crate::slack::Message;

/// Where a message is drawn: its element ids differ, as a thread's parent stands on the page twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pane {
    /// In the channel.
    Channel,
    /// In the thread beside it.
    Thread,
}

impl Pane {
    fn prefix(self) -> &'static str {
        match self {
            Self::Channel => "m",
            Self::Thread => "t",
        }
    }
}

/// The messages of a pane, each a part of its own; the first of each day has the day above it.
pub(super) fn parts<'d>(
    desk: &'d Desk,
    pane: Pane,
    messages: impl Iterator<Item = &'d Message>,
) -> Vec<Part> {
    let mut day = None;
    messages
        .map(|message| {
            let time = time_of(desk, &message.ts);
            let fresh = time.map(|time| time.date_naive()).filter(|date| day.replace(*date) != Some(*date));
            let heading = fresh.and(time).filter(|_| pane == Pane::Channel).map(|time| day_of(desk, time));
            part(desk, pane, message, heading.as_deref())
        })
        .collect()
}

fn part(desk: &Desk, pane: Pane, message: &Message, heading: Option<&str>) -> Part {
    let id = format!("{}-{}-{}", pane.prefix(), message.channel, message.ts.replace('.', "-"));
    let replies = desk.replies(&message.ts);
    // What the reader has chosen in menus and check boxes is left out: the browser shows it already.
    let shown = hash(&(message.to_json().to_string(), replies, heading, message.ephemeral_for.is_some()));
    Part {
        class: "message-slot",
        role: Some("listitem"),
        hash: shown,
        inside: html! {
            @if let Some(day) = heading { div.day role="separator" { span { (day) } } }
            (render(desk, pane, message, &id, replies))
            @if pane == Pane::Thread && message.thread_ts.as_ref().is_none_or(|parent| *parent == message.ts) {
                div.thread-count { (counted(replies)) }
            }
        },
        id,
    }
}

fn render(desk: &Desk, pane: Pane, message: &Message, id: &str, replies: usize) -> Markup {
    let private = message.ephemeral_for.is_some();
    let author = author(desk, message);
    let thread = channel_address(
        &desk.viewer.id,
        &message.channel,
        Some(message.thread_ts.as_deref().unwrap_or(&message.ts)),
    );
    html! {
        @if private { div.ephemeral-note { (icons::eye()) "Only visible to you" } }
        article.message.ephemeral[private] data-testid="message" data-channel=(message.channel)
            data-ts=(message.ts) data-user=(message.user) aria-label={ "Message from " (author) } {
            @if message.bot_id.is_some() { (avatar::app(false)) } @else { (avatar::person(&message.user, &author, false)) }
            div.message-body {
                div.message-head {
                    span.author { (author) }
                    @if message.bot_id.is_some() { span.badge { "App" } }
                    (clock(desk, message))
                    @if message.edited.is_some() && message.bot_id.is_none() { span.edited { "(edited)" } }
                }
                form.message-words autocomplete="off" { (content(desk, message, id)) }
                @if pane == Pane::Channel && replies > 0 {
                    a.replies href=(thread) data-testid="replies" {
                        (repliers(desk, &message.ts)) (counted(replies))
                    }
                }
            }
            @if pane == Pane::Channel && !private {
                div.message-tools {
                    a.message-tool href=(thread) aria-label="Reply in thread" title="Reply in thread" {
                        (icons::bubble())
                    }
                }
            }
        }
    }
}

/// The faces of those who replied, each once, three at most.
fn repliers(desk: &Desk, ts: &str) -> Markup {
    let mut seen: Vec<&Message> = Vec::new();
    for reply in desk.thread(ts).filter(|reply| reply.ts != ts) {
        if seen.len() < 3 && seen.iter().all(|other| other.user != reply.user) {
            seen.push(reply);
        }
    }
    html! {
        @for reply in seen {
            @if reply.bot_id.is_some() { (avatar::app(true)) }
            @else { (avatar::person(&reply.user, &author(desk, reply), true)) }
        }
    }
}

/// The message's blocks, or its text where it has none.
fn content(desk: &Desk, message: &Message, id: &str) -> Markup {
    let context = RenderContext {
        names: &desk.names,
        viewer: &desk.viewer.id,
        place: Place::Message { channel: message.channel.clone(), ts: message.ts.clone() },
        id: id.to_owned(),
        moment: desk.moment,
        entered: message.chosen.get(&desk.viewer.id),
        errors: None,
    };
    html! {
        @if !message.blocks.is_empty() { (blocks(&context, &message.blocks)) }
        @else if !message.text.is_empty() { div.text { (mrkdwn(&context, &message.text, false)) } }
        @for file in &message.files {
            div.file data-testid="file" { b { (file.title) } " " (file.name) ", " (file.content.len()) " bytes" }
        }
    }
}

fn author(desk: &Desk, message: &Message) -> String {
    if message.bot_id.is_some() {
        return desk.app.clone();
    }
    desk.names.users.get(&message.user).unwrap_or(&message.user).clone()
}

fn clock(desk: &Desk, message: &Message) -> Markup {
    let Some(time) = time_of(desk, &message.ts) else { return html! {} };
    html! {
        time.time datetime=(time.to_rfc3339()) title=(time.format("%A, %B %-d, %Y at %-I:%M:%S %p")) {
            (time.format("%-I:%M %p"))
        }
    }
}

fn time_of(desk: &Desk, ts: &str) -> Option<DateTime<FixedOffset>> {
    let seconds = ts.split('.').next()?.parse().ok()?;
    Some(DateTime::<Utc>::from_timestamp(seconds, 0)?.with_timezone(&desk.moment.zone))
}

fn day_of(desk: &Desk, time: DateTime<FixedOffset>) -> String {
    let today = desk.moment.now.with_timezone(&desk.moment.zone).date_naive();
    match (today - time.date_naive()).num_days() {
        0 => "Today".to_owned(),
        1 => "Yesterday".to_owned(),
        _ => time.format("%A, %B %-d").to_string(),
    }
}

fn counted(replies: usize) -> String {
    if replies == 1 { "1 reply".to_owned() } else { format!("{replies} replies") }
}
