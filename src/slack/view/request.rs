//! What a prompt shows of its request, pending or decided.

use slack_morphism::prelude::{SlackActionBlockElement, SlackBlock};

use crate::slack::view::{
    arguments,
    controls::Control,
    harmless::shown::Shown,
    head,
    kit::{self, Style},
    prompt_state::PromptState,
};

/// What stays the same when the request is decided: who wants what, why, and with which arguments.
pub(super) fn asked(shown: &PromptState<'_>) -> Vec<SlackBlock> {
    let request = &shown.approval.request;
    let mut blocks = vec![head::summary(request)];
    blocks.extend(head::warning(request));
    blocks.extend(head::reason(request));
    blocks.push(match arguments::shown(&request.arguments) {
        Some(arguments) => arguments,
        None => kit::say("No arguments."),
    });
    blocks
}

/// The controls that only look: *Details*, and *Open conversation* if there is an address.
pub(super) fn looks(shown: &PromptState<'_>) -> Vec<SlackActionBlockElement> {
    let request = &shown.approval.request;
    let about = head::brief(request);
    let details = kit::button(
        Control::Details(request.id),
        "Details",
        Shown::from("Details: ").then(about),
        Style::Plain,
    );
    let conversation = request.conversation.url.as_ref().and_then(|url| {
        let alone = Shown::from("Open conversation ").then(head::conversation(request));
        kit::link(Control::OpenConversation, "Open conversation", alone, url.as_str())
    });
    std::iter::once(details).chain(conversation).collect()
}

/// The beginning of the digest; all of it is in the details.
pub(super) fn digest(shown: &PromptState<'_>) -> Shown {
    let digest = shown.approval.request.digest.to_string();
    let kept: String = digest.chars().take("sha256:".len() + 12).collect();
    Shown::own(format!("{kept}…"))
}
