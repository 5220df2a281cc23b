//! What is paused, and the ways to pause and resume.

use slack_morphism::prelude::{SlackBlock, SlackSectionBlockElement};

use crate::{
    domain::{
        overview::{BackendLine, PauseLine},
        pauses::PauseTarget,
    },
    slack::view::{agents, blocks, controls::Control, names, sanitize::safe_text::SafeText},
};

/// What is paused: the first pause with *Resume*, and how many more there are. The modal behind *Agents…* has all. One
/// block: at its worst, the tab has no room for more.
pub(super) fn on_top(lines: &[PauseLine]) -> Option<SlackBlock> {
    let (first, others) = lines.split_first()?;
    let more = (!others.is_empty()).then(|| {
        let more = names::count(others.len(), "more pause", "more pauses");
        SafeText::own(format!("And {more}: see Agents… at the end of this tab."))
    });
    Some(agents::pause_line_and(first, more))
}

/// The pause of exactly this backend.
pub(super) fn of_backend<'a>(line: &BackendLine, paused: &'a [PauseLine]) -> Option<&'a PauseLine> {
    let target = PauseTarget::Backend(line.id);
    paused.iter().find(|pause| pause.pause.target == target)
}

/// *Pause…* or *Resume* beside a backend.
pub(super) fn beside(line: &BackendLine, pause: Option<&PauseLine>) -> Option<SlackSectionBlockElement> {
    let name = names::short(&line.name);
    match pause {
        Some(pause) => {
            let alone = SafeText::from("Resume the backend ").then(name);
            Some(blocks::beside(Control::Resume(pause.pause.id), "Resume", alone))
        }
        None if line.disabled => None,
        None => {
            let alone = SafeText::from("Pause the backend ").then(name);
            Some(blocks::beside(Control::PauseBackend(line.id), "Pause…", alone))
        }
    }
}
