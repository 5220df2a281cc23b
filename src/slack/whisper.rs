//! Private answers: a sentence that only the person who clicked sees.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::{Slack, client::CallError, payload::Payload};

/// How long one try may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How often it is tried to write to somebody whom Slack takes no more messages for.
const TURNS: usize = 5;
/// Nobody remembers for longer what they clicked.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How long to wait before the second try.
const PAUSE: Duration = Duration::from_millis(500);

/// Says something to the person who clicked, without the click's answer waiting for it. A whisper that can't be
/// delivered is logged: whoever missed it sees the prompt as it is.
pub fn whisper(slack: &Slack, payload: &Payload, sentence: String) {
    let Some(url) = payload.response_url().map(str::to_owned) else {
        return write(slack, payload, sentence);
    };
    let http = slack.http.clone();
    let mut body = json!({ "response_type": "ephemeral", "replace_original": false, "text": sentence });
    if let Some(thread) = payload.thread() {
        body["thread_ts"] = thread.into();
    }
    slack.aside.spawn(async move {
        for last in [false, true] {
            let answer = http.post(&url).timeout(LIMIT).json(&body).send().await;
            match answer.map(|answer| answer.status()) {
                Ok(status) if status.is_success() => return,
                Ok(status) if last || status.is_client_error() => {
                    tracing::warn!(status = status.as_u16(), "A private answer was not delivered");
                    return;
                }
                Err(error) if last => {
                    let error = error.without_url();
                    tracing::warn!(%error, "A private answer was not delivered");
                }
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    });
}

/// Writes to the person: a click on the Home tab or in a modal has no `response_url`. It goes with the prompts, no faster
/// than Slack takes messages, and comes a little later where it has to.
fn write(slack: &Slack, payload: &Payload, sentence: String) {
    let Some((workspace, clicker)) = payload.workspace().map(str::to_owned).zip(payload.clicker()) else {
        tracing::warn!("A private answer has nowhere to go: the payload names nobody");
        return;
    };
    let slack = slack.clone();
    slack.aside.clone().spawn(async move {
        let channel = clicker.user.as_str();
        let body =
            json!({ "channel": channel, "text": sentence, "unfurl_links": false, "unfurl_media": false });
        for turn in 0..TURNS {
            let pause = match slack.client.post_message(&workspace, &body, turn > 0, LIMIT).await {
                Ok(_) => return,
                Err(CallError::RateLimited(wait)) if wait <= LONGEST_PAUSE => wait,
                Err(error @ CallError::Passing(_)) if turn + 1 < TURNS => {
                    tracing::info!(%error, "A private answer was not delivered: trying again");
                    PAUSE
                }
                Err(error) => {
                    tracing::warn!(%error, "A private answer was not delivered");
                    return;
                }
            };
            let pause = TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX);
            tokio::select! {
                () = slack.stop.cancelled() => break,
                () = slack.service.clock.sleep(pause) => {}
            }
        }
        tracing::warn!("A private answer was not delivered: Slack takes no more messages");
    });
}
