//! What a model reads when a call did not run.

use serde_json::{Value, json};

use super::settings::Settings;
use crate::{
    domain::outcome::Outcome,
    gateway::{
        approval::{DecidedBy, Decision},
        client::ClientError,
    },
};

/// Told in every refusal: a model that tries again makes a person decide again.
const NO_RETRY: &str = "The tool did not run. Do not retry unless the user asks.";

/// The result of a call that did not run. Clients of revisions before 2026-07-28 ignore its type.
pub(super) fn result(text: &str) -> Value {
    json!({ "resultType": "complete", "content": [{ "type": "text", "text": text }], "isError": true })
}

/// How an approval ended, if not approved.
pub(super) fn not_approved(decision: &Decision) -> String {
    let what = match (decision.outcome, decision.by) {
        (Outcome::Denied, DecidedBy::Policy) => "denied by a rule of the workspace's admins".to_owned(),
        (Outcome::Denied, _) => match &decision.user {
            Some(user) => format!("denied by the user {user} in Slack"),
            None => "denied".to_owned(),
        },
        (Outcome::Expired, _) => "the request for approval expired before the user answered".to_owned(),
        (Outcome::Cancelled, _) => "the request for approval was cancelled".to_owned(),
        (Outcome::Undeliverable, _) => "Slack could not deliver the request for approval".to_owned(),
        (Outcome::Approved, _) => "it was approved for other arguments".to_owned(),
    };
    let reason = decision.reason.as_ref().map(|reason| format!(" Reason: “{reason}”."));
    format!("Not approved: {what}.{} {NO_RETRY}", reason.unwrap_or_default())
}

/// The client can't be told to wait longer, so the approval was cancelled.
pub(super) fn client_limit(settings: &Settings) -> String {
    format!(
        "Not approved: the user did not answer within {} s, and the request for approval was cancelled. This MCP client \
         sent no progress token, so it can't be told to wait. To give the user longer, raise the client's time limit for \
         tool calls, and set the gateway's --client-limit to a little less than that. {NO_RETRY}",
        settings.client_limit.as_secs()
    )
}

/// A state under which no call waits: it was used before, or its time is over.
pub(super) fn over() -> String {
    format!("Not approved: the call that this requestState belongs to is over. {NO_RETRY}")
}

/// Countersign can't be asked, or its answer can't be acted on.
pub(super) fn unanswered(error: &ClientError) -> String {
    format!("Not approved: {}. {NO_RETRY}", error.to_string().trim_end_matches('.'))
}

/// It was approved, and Countersign did not let it run.
pub(super) fn no_permit(error: &ClientError) -> String {
    format!("Not permitted to run: {}. {NO_RETRY}", error.to_string().trim_end_matches('.'))
}

/// The call itself can't be asked for.
pub(super) fn malformed(fault: &str) -> String {
    format!("Not approved: the call {fault}. The tool did not run.")
}

/// The server ended or did not answer after the call was passed on.
pub(super) fn no_answer(why: &str) -> String {
    format!("The tool was started and did not finish: {why}. It may have done its work, or a part of it.")
}
