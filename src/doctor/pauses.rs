//! What is paused: an operator who wonders why nothing is approved finds it here.

use crate::{
    doctor::{context::DoctorContext, finding::Finding},
    domain::overview::PauseLine,
    service::{ServiceError, pauses},
};

const CHECK: &str = "pauses";

pub(super) async fn check(context: &DoctorContext) -> Vec<Finding> {
    examine(context).await.unwrap_or_else(|failure| {
        let fix = if failure.corrupt_row().is_some() {
            "run a program at least as new as the one that wrote it, or correct the value"
        } else {
            "check that Postgres still runs, and run this again"
        };
        vec![Finding::failed(CHECK, failure.to_string(), fix)]
    })
}

/// One finding for each pause.
async fn examine(context: &DoctorContext) -> Result<Vec<Finding>, ServiceError> {
    let all = pauses::everywhere(&context.service).await?;
    if all.is_empty() {
        return Ok(vec![Finding::ok(CHECK, "nothing is paused")]);
    }
    Ok(all.iter().map(paused).collect())
}

fn paused(line: &PauseLine) -> Finding {
    let pause = &line.pause;
    let (name, fix) = match (pause.target.agent(), &line.backend) {
        (Some(agent), Some(backend)) => (
            format!("the agent {:?} of {backend}", agent.as_str()),
            format!("countersign agent resume {:?} --backend {backend:?}", agent.as_str()),
        ),
        (Some(agent), None) => (
            format!("the agent {:?} of every backend", agent.as_str()),
            format!("countersign agent resume {:?}", agent.as_str()),
        ),
        (None, backend) => {
            let backend = backend.as_deref().unwrap_or_default();
            (format!("the backend {backend}"), format!("countersign backend resume --name {backend:?}"))
        }
    };
    let found = format!(
        "{name} is paused by {} since {}, and its requests are {}: {}",
        pause.by.label(),
        pause.at.format("%Y-%m-%d %H:%M UTC"),
        pause.requests.as_str(),
        pause.reason.as_str().escape_debug()
    );
    Finding::warning(CHECK, found, fix)
}
