//! The part of a prompt about its request, pending or decided.

use slack_morphism::prelude::{SlackActionBlockElement, SlackBlock};

use crate::slack::view::{
    arguments,
    blocks::{self, Style},
    controls::Control,
    precedent,
    prompt_state::PromptState,
    sanitize::safe_text::SafeText,
    sentences, summary,
};

/// What is asked, in the order in which a person decides: the warning, who wants what, for whom, with which arguments, and
/// why.
pub(super) fn asked(shown: &PromptState<'_>) -> Vec<SlackBlock> {
    let request = &shown.approval.request;
    let mut blocks: Vec<SlackBlock> = summary::warning(request).into_iter().collect();
    blocks.push(summary::title(request));
    if shown.approval.decision.is_none() && shown.reader.is_user() {
        blocks.extend(summary::addressee(request));
    }
    blocks.extend(summary::about(request));
    blocks.extend(shown.precedent.and_then(|precedent| precedent::line(precedent, request)));
    blocks.push(match arguments::shown(&request.arguments, &request.action.presentation) {
        Some(arguments) => arguments,
        None if request.contents_deleted_at.is_some() => blocks::say(sentences::CONTENTS_DELETED),
        None => blocks::say("No arguments."),
    });
    blocks.extend(summary::reason(request));
    blocks
}

/// The controls that only show something: *Details*, and *Open conversation* if there is an address.
pub(super) fn looks(shown: &PromptState<'_>) -> Vec<SlackActionBlockElement> {
    let request = &shown.approval.request;
    let about = summary::brief(request);
    let details = blocks::button(
        Control::Details(request.id),
        "Details",
        SafeText::from("Details: ").then(about),
        Style::Plain,
    );
    let conversation = request.conversation.url.as_ref().and_then(|url| {
        let alone = SafeText::from("Open conversation ").then(summary::conversation(request));
        blocks::link(Control::OpenConversation, "Open conversation", alone, url.as_str())
    });
    std::iter::once(details).chain(conversation).collect()
}

/// The beginning of the digest. The details contain all of it.
pub(super) fn digest(shown: &PromptState<'_>) -> SafeText {
    let digest = shown.approval.request.digest.to_string();
    let kept: String = digest.chars().take("sha256:".len() + 12).collect();
    SafeText::own(format!("{kept}…"))
}
