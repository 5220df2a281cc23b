//! The backends, and what does not get through to them or to Slack.

use slack_morphism::prelude::{SlackBlock, SlackRichTextElement};

use super::paused;
use crate::{
    domain::overview::{BackendLine, Page, PauseLine, PromptFailureLine, Section},
    slack::view::{
        blocks,
        controls::Control,
        names,
        sanitize::safe_text::SafeText,
        sections::{pager, title},
    },
};

pub(super) fn backends(blocks: &mut Vec<SlackBlock>, page: &Page<BackendLine>, paused: &[PauseLine]) {
    blocks.push(title("Backends", page));
    if page.items.is_empty() {
        blocks.push(blocks::say("No backends yet. The operator of Countersign creates them."));
    }
    blocks.extend(page.items.iter().map(|line| backend(line, paused)));
    blocks.extend(pager(Section::Backends, "the backends", page));
}

fn backend(line: &BackendLine, paused: &[PauseLine]) -> SlackBlock {
    let state = if line.disabled {
        "Disabled: it can no longer ask.".to_owned()
    } else if !line.has_endpoint {
        "No webhook endpoint: callers long-poll.".to_owned()
    } else if let Some(at) = line.stopped_at {
        format!(
            "Webhooks have been stopped since {}: the endpoint is gone or has failed for days. The \
                    operator of Countersign can resume them.",
            blocks::moment_in_mrkdwn(at)
        )
    } else if line.failing > 0 {
        format!(
            "Webhooks are failing: {} being retried. Last delivered: {}.",
            names::count(line.failing, "delivery is", "deliveries are"),
            names::moment(line.delivered_at)
        )
    } else if line.dead > 0 {
        format!(
            "Webhooks: {} given up in the last seven days. Last delivered: {}.",
            names::count(line.dead, "delivery was", "deliveries were"),
            names::moment(line.delivered_at)
        )
    } else if line.delivered_at.is_some() {
        format!("Webhooks are being delivered. Last delivered: {}.", names::moment(line.delivered_at))
    } else {
        "No webhook sent yet.".to_owned()
    };
    let has_failed = line.stopped_at.is_some() || line.failing > 0 || line.dead > 0;
    let open = (has_failed && !line.disabled && line.has_endpoint).then(|| {
        let alone = SafeText::from("Failing webhooks of ").then(names::short(&line.name));
        blocks::beside(Control::FailingWebhooks(line.id), "Failing webhooks…", alone)
    });
    let pause = paused::of_backend(line, paused);
    let state = if pause.is_some() { format!("Paused. {state}") } else { state };
    // One button has room. *Agents…* pauses a backend as well.
    let beside = open.filter(|_| pause.is_none()).or_else(|| paused::beside(line, pause));
    blocks::section(names::name(&line.name), vec![blocks::own_fact(state)], beside)
}

/// What does not get through: webhooks of backends on this page, and prompts.
pub(super) fn trouble(backends: &[BackendLine], failures: &[PromptFailureLine]) -> Vec<SlackRichTextElement> {
    let mut paragraphs = Vec::new();
    let lines = backends.iter().filter(|line| !line.disabled && line.has_endpoint);
    for line in lines.filter(|line| line.stopped_at.is_some() || line.failing > 0) {
        let state = if line.stopped_at.is_some() {
            "⚠ Webhooks are stopped: "
        } else {
            "⚠ Webhooks are failing: "
        };
        paragraphs.push(blocks::paragraph(vec![blocks::words(state), blocks::bold(names::name(&line.name))]));
    }
    paragraphs.extend(prompt_failures(failures));
    paragraphs
}

fn prompt_failures(lines: &[PromptFailureLine]) -> Option<SlackRichTextElement> {
    if lines.is_empty() {
        return None;
    }
    let mut parts = vec![blocks::bold("Prompts that Slack refused in the last 24 hours")];
    for line in lines {
        let counted = format!(": {}, last ", names::count(line.count, "time", "times"));
        parts.push(blocks::words(
            SafeText::from("\n").then(names::path(&line.code)).then(SafeText::own(counted)),
        ));
        parts.push(blocks::moment(line.last_at));
    }
    parts.push(blocks::words(
        "\nCountersign retries them unless the error is permanent. The operator can run “countersign doctor” to see what to fix.",
    ));
    Some(blocks::paragraph(parts))
}
