//! The modals in which an admin unlocks an action that is destructive or runs any command, and changes what people may do with an action's requests.

use std::fmt;

use serde_json::Value;
use slack_morphism::prelude::{
    SlackBlock, SlackBlockChoiceItem, SlackBlockId, SlackBlockStaticSelectElement, SlackInputBlock,
    SlackModalView,
};

use super::controls::Callback;
use super::deny::view;
use super::names;
use crate::{
    domain::{
        catalog::UnlockedFor,
        ids::{ActionId, ActionVersionId, UnlockRequestId},
        overview::OptionsLine,
        shell::{WARNING, is_shell},
    },
    slack::view::{
        blocks::{self, paragraph, plain_only, quote, say, words},
        sanitize::safe_text::SafeText,
    },
};

/// The `block_id` and `action_id` of the choice of what people may allow.
pub const UNLOCKED_FOR: &str = "unlocked_for";
/// The `block_id` and `action_id` of the choice of whether requests must be read.
pub const MUST_READ: &str = "must_read";

/// The value of the choice that leaves an action locked.
const LOCKED: &str = "locked";
const YES: &str = "yes";
const NO: &str = "no";

/// What a modal was rendered with: its `private_metadata`. Like everything in a payload it is untrusted, and only says
/// what the admin saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// The action.
    pub action: ActionId,
    /// The description that the modal shows.
    pub version: ActionVersionId,
    /// The request to unlock that is answered, if the modal was opened from one.
    pub request: Option<UnlockRequestId>,
    /// What the action was unlocked for.
    pub unlocked: Option<UnlockedFor>,
    /// Whether requests had to be read.
    pub must_read: bool,
}

impl Form {
    const fn new(line: &OptionsLine, request: Option<UnlockRequestId>) -> Self {
        let OptionsLine { action, version, unlocked, must_read, .. } = *line;
        Self { action, version, request, unlocked, must_read }
    }

    /// Parses what [`Form`]'s `Display` wrote.
    #[must_use]
    pub fn read(metadata: &str) -> Option<Self> {
        let mut parts = metadata.split(':');
        let (action, version) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let request = parts.next().filter(|request| !request.is_empty());
        let request = request.map(str::parse).transpose().ok()?;
        let unlocked = unlocked_for(parts.next()?)?;
        let must_read = must_read(parts.next()?)?;
        Some(Self { action, version, request, unlocked, must_read })
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.action, self.version)?;
        if let Some(request) = self.request {
            request.fmt(f)?;
        }
        let unlocked = self.unlocked.map_or(LOCKED, UnlockedFor::as_str);
        write!(f, ":{unlocked}:{}", if self.must_read { YES } else { NO })
    }
}

/// Parses the value of the choice of what people may allow; the inner `None` is *locked*.
#[must_use]
pub fn unlocked_for(value: &str) -> Option<Option<UnlockedFor>> {
    if value == LOCKED { Some(None) } else { UnlockedFor::from_stored(value).map(Some) }
}

/// Parses the value of the choice of whether requests must be read.
#[must_use]
pub fn must_read(value: &str) -> Option<bool> {
    match value {
        YES => Some(true),
        NO => Some(false),
        _ => None,
    }
}

/// Renders the modal that asks what people may allow, before an admin unlocks an action that is destructive or runs any
/// command. Its `callback_id` is [`Callback::Unlock`]. `request`: the request to unlock that it answers.
#[must_use]
pub fn unlock(line: &OptionsLine, request: Option<UnlockRequestId>) -> Value {
    let mut all = vec![about(line)];
    if is_shell(&line.path) {
        all.push(say(SafeText::own(format!("⚠ {WARNING}"))));
    }
    all.push(say(if line.impact.is_destructive() {
        "People decide for their own requests. What they allow runs without asking, and deleted data cannot be recovered."
    } else {
        "People decide for their own requests. What they allow runs without asking."
    }));
    all.push(choice("What people may allow", UNLOCKED_FOR, &UnlockedFor::ALL.map(option), None));
    all.push(say("To change this later, press the button “Edit options for …” on the Home tab."));
    modal("Unlock", "Unlock", all, Callback::Unlock, Form::new(line, request))
}

/// Renders the modal that changes an action's options. Its `callback_id` is [`Callback::ActionOptions`].
#[must_use]
pub fn options(line: &OptionsLine) -> Value {
    let mut all = vec![about(line)];
    let mut choices = UnlockedFor::ALL.map(option).to_vec();
    if line.unlocked.is_none() {
        choices.insert(0, (LOCKED, "Nothing: keep it locked", "Every request asks."));
    }
    let now = line.unlocked.map_or(LOCKED, UnlockedFor::as_str);
    all.push(choice("What people may allow", UNLOCKED_FOR, &choices, Some(now)));
    if line.unlocked == Some(UnlockedFor::Always) {
        all.push(say(SafeText::own(limiting(line.always))));
    }
    let read = [
        (NO, "They may approve at once", "Details shows what the prompt cuts off."),
        (YES, "They must open Details first", "Approve works only after that, for each request."),
    ];
    all.push(choice("Before people approve", MUST_READ, &read, Some(if line.must_read { YES } else { NO })));
    modal("Options", "Save", all, Callback::ActionOptions, Form::new(line, None))
}

/// What follows if an action is limited to conversations. `always`: how many live *always* grants there were when it was
/// rendered.
fn limiting(always: usize) -> String {
    let end = match always {
        0 => "no auto-approval ends, because none covers every conversation.".to_owned(),
        1 => "1 auto-approval for every conversation ends. Choosing “Also always” later does not restore it."
            .to_owned(),
        count => {
            format!(
                "{count} auto-approvals for every conversation end. Choosing “Also always” later does not restore them."
            )
        }
    };
    format!("If you choose “For one conversation”, {end}")
}

const fn option(what: UnlockedFor) -> (&'static str, &'static str, &'static str) {
    let means = match what {
        UnlockedFor::Conversations => ("For one conversation", "Each new conversation asks again."),
        UnlockedFor::Always => ("Also always", "In every conversation, whichever agent asks."),
    };
    (what.as_str(), means.0, means.1)
}

/// The action: names and description in elements of their own, and what the backend declares.
fn about(line: &OptionsLine) -> SlackBlock {
    let mut elements = vec![
        quote(names::pair(&line.integration_name, &line.action_name)),
        paragraph(vec![words(names::path(&line.path))]),
    ];
    elements.extend(line.description.as_deref().map(|text| quote(names::description(text))));
    elements.push(paragraph(vec![words(names::effect(line.impact))]));
    blocks::rich(elements)
}

fn choice(
    label: &'static str,
    id: &'static str,
    choices: &[(&'static str, &'static str, &'static str)],
    now: Option<&str>,
) -> SlackBlock {
    let option = |(value, text, means): &(&str, &'static str, &'static str)| {
        SlackBlockChoiceItem::new(plain_only(*text), (*value).to_owned()).with_description(plain_only(*means))
    };
    let initial = choices.iter().find(|(value, ..)| Some(*value) == now).map(option);
    let select = SlackBlockStaticSelectElement::new()
        .with_action_id(id.into())
        .with_placeholder(plain_only("Choose"))
        .with_options(choices.iter().map(option).collect())
        .opt_initial_option(initial);
    SlackInputBlock::new(plain_only(label), select.into())
        .with_block_id(SlackBlockId::new(id.to_owned()))
        .into()
}

fn modal(
    title: &'static str,
    submit: &'static str,
    all: Vec<SlackBlock>,
    callback: Callback,
    form: Form,
) -> Value {
    view(
        SlackModalView::new(plain_only(title), all)
            .with_submit(plain_only(submit))
            .with_close(plain_only("Cancel"))
            .with_callback_id(callback.as_str().into())
            .with_private_metadata(form.to_string()),
    )
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_submission_reads_what_the_modal_wrote() {
        for (unlocked, request) in [
            (None, Some(UnlockRequestId::new(Uuid::from_u128(3)))),
            (Some(UnlockedFor::Conversations), None),
            (Some(UnlockedFor::Always), None),
        ] {
            for must_read in [true, false] {
                let action = ActionId::new(Uuid::from_u128(1));
                let version = ActionVersionId::new(Uuid::from_u128(2));
                let form = Form { action, version, request, unlocked, must_read };
                assert_eq!(Form::read(&form.to_string()), Some(form));
            }
        }
        for metadata in ["", "act_00000000000000000000000000000001", "a:b:c:d:e"] {
            assert_eq!(Form::read(metadata), None);
        }
    }
}
