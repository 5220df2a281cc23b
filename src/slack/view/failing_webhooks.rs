//! The modal in which an admin sees the webhooks of a backend that do not get through, and sends them again.

use serde_json::Value;
use slack_morphism::prelude::{SlackBlock, SlackModalView};

use super::controls::{Callback, Control};
use super::deny::view;
use super::names;
use crate::{
    domain::failing::{COUNTED, FailingLine, FailingWebhooks},
    slack::view::{
        blocks::{self, Style, paragraph, plain_only, say},
        sanitize::safe_text::SafeText,
    },
};

/// The title of the modal.
pub const TITLE: &str = "Failing webhooks";

/// Renders the modal. Its `callback_id` is [`Callback::FailingWebhooks`].
#[must_use]
pub fn modal(shown: &FailingWebhooks) -> Value {
    let mut all = vec![
        blocks::rich(vec![paragraph(vec![blocks::bold(names::name(&shown.name))])]),
        blocks::own(state(shown)),
    ];
    if shown.lines.is_empty() {
        all.push(say("No webhook has failed."));
    }
    all.extend(shown.lines.iter().map(|line| self::line(shown, line)));
    let refresh = Control::FailingWebhooks(shown.backend);
    all.push(blocks::actions(vec![blocks::button(refresh, "Refresh", "Refresh the list", Style::Plain)]));
    view(
        SlackModalView::new(plain_only(TITLE), all)
            .with_close(plain_only("Close"))
            .with_callback_id(Callback::FailingWebhooks.as_str().into())
            .with_private_metadata(shown.backend.to_string()),
    )
}

/// The state of the endpoint, in our own words and times.
fn state(shown: &FailingWebhooks) -> String {
    let waiting = match shown.waiting {
        0 => "No webhook is waiting.".to_owned(),
        COUNTED.. => format!("At least {COUNTED} webhooks are waiting."),
        count => format!("{} waiting.", names::count(count, "webhook is", "webhooks are")),
    };
    match (shown.stopped_at, shown.failing_since) {
        (Some(at), _) => format!(
            "Webhooks have been stopped since {}. {waiting} When the endpoint accepts one that you send again, the \
             others follow.",
            blocks::moment_in_mrkdwn(at)
        ),
        (None, Some(since)) => {
            format!("Every webhook has failed since {}. {waiting}", blocks::moment_in_mrkdwn(since))
        }
        (None, None) => format!("The last webhook was delivered. {waiting}"),
    }
}

fn line(shown: &FailingWebhooks, line: &FailingLine) -> SlackBlock {
    let tried = names::count(usize::try_from(line.attempts).unwrap_or_default(), "attempt", "attempts");
    let then = match (line.is_dead, line.next_at) {
        (true, _) => "Given up.".to_owned(),
        (false, Some(at)) => format!("Next attempt: {}.", blocks::moment_in_mrkdwn(at)),
        (false, None) => "Waits until deliveries resume.".to_owned(),
    };
    let created = blocks::moment_in_mrkdwn(line.created_at);
    let error = match &line.last_error {
        Some(error) => SafeText::from("Last error: ").then(names::description(error)),
        None => "No error is known.".into(),
    };
    let facts = vec![blocks::own_fact(format!("{created}. {tried}. {then}")), blocks::fact(error)];
    let again = Control::SendAgain { backend: shown.backend, delivery: line.id };
    let alone = SafeText::from("Send again: ").then(names::short(&line.event));
    blocks::section(names::path(&line.event), facts, Some(blocks::beside(again, "Send again", alone)))
}
