//! `chat.*`.

use serde_json::{Value, json};

use super::{Ask, destination, error::ApiError};
use crate::slack::{state::Draft, validate};

/// <https://docs.slack.dev/reference/methods/chat.postMessage>
pub(super) fn post_message(ask: &mut Ask<'_>) -> Result<Value, ApiError> {
    let content = content(ask)?;
    let channel = destination::for_message(ask)?;
    let thread_ts = thread(ask)?;
    let draft = Draft {
        team_id: channel.team_id,
        channel: channel.id,
        thread_ts,
        text: content.text,
        blocks: content.blocks,
        ephemeral_for: None,
    };
    let metadata = metadata(ask)?;
    let message = ask.state.post(&ask.caller, draft, ask.now);
    if let Some(metadata) = metadata {
        let event = json!({
            "type": "message_metadata_posted",
            "app_id": message.app_id,
            "bot_id": message.bot_id,
            "user_id": message.user,
            "team_id": message.team_id,
            "channel_id": message.channel,
            "metadata": metadata,
            "message_ts": message.ts,
            "event_ts": message.ts,
        });
        ask.state.note_metadata(&ask.caller, &message, metadata, event);
    }
    Ok(json!({ "ok": true, "channel": message.channel, "ts": message.ts, "message": message.to_json() }))
}

/// <https://docs.slack.dev/reference/methods/chat.postEphemeral>
pub(super) fn post_ephemeral(ask: &mut Ask<'_>) -> Result<Value, ApiError> {
    let content = content(ask)?;
    let channel = destination::for_ephemeral(ask)?;
    let user = ask.arguments.text("user").and_then(|id| ask.visible_user(id));
    let user = user.ok_or_else(|| ApiError::named("user_not_in_channel"))?.id.clone();
    if !channel.is_visible_to(&user) {
        return Err(ApiError::named("user_not_in_channel"));
    }
    let thread_ts = thread(ask)?;
    let draft = Draft {
        team_id: channel.team_id,
        channel: channel.id,
        thread_ts,
        text: content.text,
        blocks: content.blocks,
        ephemeral_for: Some(user),
    };
    let message = ask.state.post(&ask.caller, draft, ask.now);
    Ok(json!({ "ok": true, "message_ts": message.ts }))
}

/// <https://docs.slack.dev/reference/methods/chat.update>. Without `text`, the text is removed. If only `text` is
/// given, Slack's present page says that the blocks are removed, and earlier ones that they stay. Here they stay, so an
/// app that needs to remove them has to say so.
pub(super) fn update(ask: &mut Ask<'_>) -> Result<Value, ApiError> {
    let content = content(ask)?;
    let channel = ask.arguments.text("channel").and_then(|id| ask.state.channels.get(id));
    let channel = channel.filter(|channel| ask.covers(&channel.team_id));
    let channel = channel.ok_or_else(|| ApiError::named("channel_not_found"))?;
    if channel.is_archived {
        return Err(ApiError::named("is_inactive"));
    }
    let ts = ask.arguments.text("ts").unwrap_or_default();
    let key = (channel.id.clone(), ts.to_owned());
    let message = ask.state.messages.get(&key).ok_or_else(|| ApiError::named("message_not_found"))?;
    if message.user != ask.caller.bot_user_id || message.ephemeral_for.is_some() {
        return Err(ApiError::named("cant_update_message"));
    }
    let blocks = if ask.arguments.get("blocks").is_some() { content.blocks } else { message.blocks.clone() };
    let message = ask.state.rewrite(&key.0, &key.1, content.text, blocks, ask.now);
    let message = message.ok_or_else(|| ApiError::named("message_not_found"))?;
    Ok(json!({
        "ok": true,
        "channel": message.channel,
        "ts": message.ts,
        "text": message.text,
        "message": message.to_json(),
    }))
}

/// The content of a message after validation.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) text: String,
    pub(crate) blocks: Vec<Value>,
}

fn content(ask: &Ask<'_>) -> Result<Content, ApiError> {
    check(ask.arguments.get("text"), ask.arguments.get("blocks"))
}

/// Validates a message's text and blocks, from any source.
pub(crate) fn check(text: Option<&Value>, blocks: Option<&Value>) -> Result<Content, ApiError> {
    let text = match text {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(_) => return Err(ApiError::named("invalid_arguments")),
    };
    let blocks = match blocks {
        None => Vec::new(),
        Some(Value::Array(blocks)) => blocks.clone(),
        Some(_) => return Err(ApiError::named("invalid_blocks_format")),
    };
    let faults = validate::message_blocks(&blocks);
    if !faults.is_empty() {
        return Err(ApiError::named("invalid_blocks").explained(&faults));
    }
    if text.trim().is_empty() && blocks.is_empty() {
        return Err(ApiError::named("no_text"));
    }
    if validate::is_text_too_long(&text) {
        return Err(ApiError::named("msg_too_long"));
    }
    if validate::are_blocks_too_long(&blocks) {
        return Err(ApiError::named("msg_blocks_too_long"));
    }
    Ok(Content { text, blocks })
}

/// The `thread_ts` argument. Slack accepts the `ts` of any message, even of a deleted one; it must only have the right
/// format (<https://github.com/slackapi/python-slack-sdk/issues/840>).
fn thread(ask: &Ask<'_>) -> Result<Option<String>, ApiError> {
    let Some(given) = ask.arguments.get("thread_ts").filter(|given| given.as_str() != Some("")) else {
        return Ok(None);
    };
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match given.as_str().and_then(|ts| ts.split_once('.').map(|parts| (ts, parts))) {
        Some((ts, (seconds, micros))) if is_digits(seconds) && is_digits(micros) && micros.len() == 6 => {
            Ok(Some(ts.to_owned()))
        }
        _ => {
            let fault = format!("[ERROR] {given} is not a valid thread_ts");
            Err(ApiError::named("invalid_thread_ts").explained(&[fault]))
        }
    }
}

/// The message's metadata (<https://docs.slack.dev/messaging/message-metadata>). Invalid metadata is ignored, with a
/// warning that client libraries do not show.
fn metadata(ask: &Ask<'_>) -> Result<Option<Value>, ApiError> {
    let Some(metadata) = ask.arguments.get("metadata") else { return Ok(None) };
    let kind = metadata["event_type"].as_str().ok_or_else(|| ApiError::named("invalid_metadata_format"))?;
    if !metadata["event_payload"].is_object() {
        return Err(ApiError::named("invalid_metadata_format"));
    }
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let is_type = !kind.is_empty() && kind.len() <= 50 && kind.bytes().all(is_letter);
    Ok(is_type.then(|| metadata.clone()))
}
