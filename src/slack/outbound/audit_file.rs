//! Sends a file to a user's direct messages, in the three steps that Slack asks for
//! (<https://docs.slack.dev/messaging/working-with-files#upload>).

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::{
    domain::ids::UserId,
    slack::web_api::{
        client::{Client, PATIENT},
        error::CallError,
    },
};

const UPLOAD_URL: &str = "files.getUploadURLExternal";
const COMPLETE: &str = "files.completeUploadExternal";
/// Time limit for the content.
const LIMIT: Duration = Duration::from_mins(1);

/// A file to send.
#[derive(Debug, Clone)]
pub struct FileToSend {
    /// The file's name.
    pub name: &'static str,
    /// The file's title.
    pub title: &'static str,
    /// What stands above it. Slack reads it as mrkdwn.
    pub comment: String,
    /// The content, which is not empty.
    pub content: String,
}

/// Sends a file. `http` reaches Slack.
pub async fn send(
    client: &Client,
    http: &reqwest::Client,
    workspace: &str,
    user: &UserId,
    file: FileToSend,
) -> Result<(), CallError> {
    let length = file.content.len().to_string();
    // A form, not JSON: this method has refused JSON, whatever its page says.
    let announcement = [("filename", file.name), ("length", length.as_str())];
    let announced = client.get(workspace, UPLOAD_URL, &announcement, PATIENT).await?;
    let (url, id) = announced["upload_url"]
        .as_str()
        .zip(announced["file_id"].as_str())
        .ok_or_else(|| CallError::of_answer(UPLOAD_URL, &Value::Null))?;
    let upload = http.post(url).header(CONTENT_TYPE, "text/csv").timeout(LIMIT).body(file.content).send();
    match upload.await {
        Ok(response) if response.status().is_success() => {}
        Ok(response) => {
            let status = response.status().as_u16();
            return Err(CallError::Unreachable(format!(
                "the file’s address answered with HTTP status {status}"
            )));
        }
        Err(error) => return Err(CallError::Unreachable(error.without_url().to_string())),
    }
    // `channels` takes the ids of users too, whose direct messages get the file; `channel_id` doesn't.
    let body = json!({
        "files": [{ "id": id, "title": file.title }], "channels": user.as_str(), "initial_comment": file.comment,
    });
    client.post(workspace, COMPLETE, &body, PATIENT).await?;
    Ok(())
}
