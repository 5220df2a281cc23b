//! What is left to do until the workspace is set up.

use slack_morphism::prelude::SlackRichTextElement;

use crate::{
    domain::setup::Setup,
    slack::view::blocks::{self, words},
};

/// The steps that are left, and what to do for the next one. Nothing once all are done. Paragraphs, so that they share a
/// block with what is in trouble: at its worst, the tab has no room for another.
pub(super) fn steps(setup: Setup) -> Vec<SlackRichTextElement> {
    if setup.is_done() {
        return Vec::new();
    }
    let steps = [
        (
            setup.backend,
            "Create a backend",
            "The operator runs “countersign backend create” and gives its API key to the program that runs your agents.",
        ),
        (
            setup.described,
            "Describe the actions",
            "The backend sends each integration with its actions (PUT /v1/integrations/…), so that people see names and risks.",
        ),
        (
            setup.unlocked,
            "Unlock a first action",
            "Below, under “What people may auto-approve”: choose an integration, and unlock what people may auto-approve. Start with read-only actions.",
        ),
        (
            setup.reached,
            "Send a first decision",
            "Have an agent ask, and answer it. It is done when the backend’s webhook endpoint accepts the decision. A backend that long-polls needs none.",
        ),
    ];
    let mut elements = vec![blocks::paragraph(vec![blocks::bold("Set up Countersign")])];
    let next = steps.iter().position(|(is_done, ..)| !is_done);
    for (place, (is_done, name, how)) in steps.into_iter().enumerate() {
        let mark = if is_done { "✓ " } else { "○ " };
        let mut parts = vec![words(mark), words(name)];
        if next == Some(place) {
            parts.extend([words(": "), words(how)]);
        }
        elements.push(blocks::paragraph(parts));
    }
    elements
}
