//! `files.*`: an upload in three steps. The app announces a file, posts its content to the address that it gets, and
//! completes the upload.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State as Shared},
    http::StatusCode,
};
use serde_json::{Value, json};

use super::{Ask, destination, error::ApiError};
use crate::slack::{
    core::Core,
    state::{Channel, Draft, UploadError},
};

fn invalid(why: &str) -> ApiError {
    ApiError::named("invalid_arguments").explained(&[format!("[ERROR] {why}")])
}

/// <https://docs.slack.dev/reference/methods/files.getUploadURLExternal>
pub(super) fn upload_url(ask: &mut Ask<'_>) -> Result<Value, ApiError> {
    let name = ask.arguments.text("filename").ok_or_else(|| invalid("missing required field: filename"))?;
    let length = ask.arguments.get("length").ok_or_else(|| invalid("missing required field: length"))?;
    let length = length.as_u64().or_else(|| length.as_str()?.parse().ok()).filter(|length| *length > 0);
    let length = length.and_then(|length| usize::try_from(length).ok());
    let length = length.ok_or_else(|| invalid("length must be a positive integer"))?;
    let (id, secret) = ask.state.announce(&ask.caller.team_id, name, length);
    Ok(json!({ "ok": true, "upload_url": format!("{}/upload/v1/{secret}", ask.origin), "file_id": id }))
}

/// The content of a file, as raw bytes: anyone who has the address may post it, once. Slack says only that it answers 200
/// if it has all of the content; here, another length than was announced is refused.
pub(crate) async fn receive(
    Shared(core): Shared<Arc<Core>>,
    Path(secret): Path<String>,
    body: Bytes,
) -> (StatusCode, String) {
    match core.change(|state| state.upload(&secret, &body)) {
        Ok(()) => (StatusCode::OK, format!("OK - {}", body.len())),
        Err(UploadError::Unknown) => (StatusCode::NOT_FOUND, "not found".to_owned()),
        Err(UploadError::Length) => (StatusCode::BAD_REQUEST, "length mismatch".to_owned()),
    }
}

/// <https://docs.slack.dev/reference/methods/files.completeUploadExternal>. It can be called once for a file. `channels`
/// takes the ids of channels and users; `channel_id` takes the id of one channel or of direct messages.
pub(super) fn complete_upload(ask: &mut Ask<'_>) -> Result<Value, ApiError> {
    let files = ask.arguments.get("files").and_then(Value::as_array).filter(|files| !files.is_empty());
    let files = files.ok_or_else(|| invalid("missing required field: files"))?;
    let mut given = Vec::new();
    for file in files {
        let id = file["id"].as_str().ok_or_else(|| invalid("missing required field: id"))?.to_owned();
        if !ask.state.is_uploaded(&ask.caller.team_id, &id) {
            return Err(ApiError::named("file_not_found"));
        }
        given.push((id, file["title"].as_str().map(str::to_owned)));
    }
    let mut channels = Vec::new();
    if let Some(id) = ask.arguments.text("channel_id").map(str::to_owned) {
        channels.push(channel(ask, &id)?);
    }
    for id in ask.arguments.text("channels").unwrap_or_default().split(',').filter(|id| !id.is_empty()) {
        let is_user = id.starts_with(['U', 'W']);
        channels.push(if is_user { destination::direct(ask, id)? } else { channel(ask, id)? });
    }
    let text = ask.arguments.text("initial_comment").unwrap_or_default().to_owned();
    let files: Vec<_> =
        given.iter().filter_map(|(id, title)| ask.state.complete(id, title.as_deref())).collect();
    let answer: Vec<_> = files.iter().map(|file| json!({ "id": file.id, "title": file.title })).collect();
    for channel in channels {
        let draft = Draft {
            team_id: channel.team_id,
            channel: channel.id,
            thread_ts: None,
            text: text.clone(),
            blocks: Vec::new(),
            ephemeral_for: None,
        };
        let message = ask.state.post(&ask.caller, draft, ask.now);
        ask.state.attach(&message, files.clone());
    }
    Ok(json!({ "ok": true, "files": answer }))
}

fn channel(ask: &Ask<'_>, id: &str) -> Result<Channel, ApiError> {
    let channel = ask.state.channels.get(id).filter(|channel| ask.covers(&channel.team_id));
    let channel = channel.ok_or_else(|| ApiError::named("channel_not_found"))?;
    if !channel.members.contains(&ask.caller.bot_user_id) {
        return Err(ApiError::named("not_in_channel"));
    }
    if channel.is_archived {
        return Err(ApiError::named("is_archived"));
    }
    Ok(channel.clone())
}
