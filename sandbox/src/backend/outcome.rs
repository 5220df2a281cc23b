//! What comes of the calls that agents run here. The tools are not really called, so this makes up what they return.

use serde_json::{Value, json};

use super::agent::Run;

/// The body of `POST /v1/approvals/{id}/result` for a call that was run.
pub(super) fn result(run: &Run) -> Value {
    let text = |name: &str| run.arguments[name].as_str().unwrap_or_default();
    let number = number(&run.digest);
    let github =
        |path: &str| format!("https://github.com/{}/{}/{path}/{number}", text("owner"), text("repo"));
    match (run.integration.as_str(), run.action.as_str()) {
        ("github", "create_issue") => succeeded(&format!("Opened issue #{number}"), Some(&github("issues"))),
        ("github", "create_pull_request") => {
            succeeded(&format!("Opened PR #{number}"), Some(&github("pull")))
        }
        ("github", "delete_repository") => {
            json!({ "status": "failed", "summary": "GitHub refused: the token has no admin rights here" })
        }
        ("gmail", "send_email") => succeeded("Sent the mail", None),
        (integration, action) => succeeded(&format!("Ran {integration}.{action}"), None),
    }
}

fn succeeded(summary: &str, url: Option<&str>) -> Value {
    json!({ "status": "succeeded", "summary": summary, "url": url })
}

/// A number from 1000 to 9999, the same for the same arguments.
fn number(digest: &str) -> u32 {
    let digits = digest.trim_start_matches("sha256:").get(..4).unwrap_or_default();
    1000 + u32::from_str_radix(digits, 16).unwrap_or_default() % 9000
}
