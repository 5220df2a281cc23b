//! The message that tells a user which of their grants an admin or the operator revoked.

use slack_morphism::prelude::SlackRichTextElement;

use super::message::Message;
use super::names;
use crate::{
    domain::overview::{RevocationNotice, RevokedLine},
    slack::view::{
        blocks::{self, paragraph, quote, words},
        sanitize::{self, in_mrkdwn, in_quotes, safe_text::SafeText},
        sentences,
    },
};

/// Renders the message.
#[must_use]
pub fn message(notice: &RevocationNotice) -> Message {
    let what = match notice.total {
        1 => "an auto-approval of yours".to_owned(),
        total => format!("{total} of your auto-approvals"),
    };
    let asks = if notice.total == 1 {
        "Every request for it asks you again."
    } else {
        "Every request for them asks you again."
    };
    let by = notice.admin.as_ref().map_or_else(|| OPERATOR.to_owned(), sentences::mention);
    let mut text = format!("{by} revoked {what}. {asks}");
    let actor = match &notice.admin {
        Some(admin) => blocks::person(admin),
        None => words(OPERATOR),
    };
    let mut elements = vec![paragraph(vec![actor, words(SafeText::own(format!(" revoked {what}.")))])];
    elements.extend(notice.grants.iter().flat_map(grant));
    let named = u64::try_from(notice.grants.len()).unwrap_or(u64::MAX);
    let more = notice.total.saturating_sub(named);
    if more > 0 {
        elements.push(paragraph(vec![words(SafeText::own(format!("And {more} more.")))]));
    }
    if let Some(reason) = &notice.reason {
        let reason = sanitize::line(reason);
        text = format!("{text} Reason: {}", in_mrkdwn(&in_quotes(&reason)));
        elements.push(paragraph(vec![blocks::bold("Reason")]));
        elements.push(quote(reason));
    }
    elements.push(paragraph(vec![words(asks)]));
    Message { text, blocks: vec![blocks::rich(elements)] }
}

const OPERATOR: &str = "The operator of Countersign";

fn grant(line: &RevokedLine) -> [SlackRichTextElement; 2] {
    let reach = names::reach(line.conversation.as_deref(), line.narrowing.as_ref());
    [quote(names::pair(&line.integration_name, &line.action_name)), paragraph(vec![words(reach)])]
}
