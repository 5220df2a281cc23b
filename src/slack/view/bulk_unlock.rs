//! The modal in which an admin unlocks read-only actions of an integration together.

use serde_json::Value;
use slack_morphism::prelude::{
    SlackBlock, SlackBlockCheckboxesElement, SlackBlockChoiceItem, SlackBlockId,
    SlackBlockStaticSelectElement, SlackBlockText, SlackInputBlock, SlackModalView,
};

use super::action_options::UNLOCKED_FOR;
use super::controls::Callback;
use super::deny::view;
use super::names;
use crate::{
    domain::{
        bulk_unlock::{BulkUnlock, ReadOnlyActions, ReadOnlyLine},
        catalog::UnlockedFor,
        ids::{ActionId, ActionVersionId},
    },
    slack::view::{
        blocks::{self, paragraph, plain, plain_only, say, words},
        sanitize::{cut_short, safe_text::SafeText},
    },
};

/// The title of the modal.
pub const TITLE: &str = "Unlock read-only";
/// The `block_id` and `action_id` of the check boxes, each followed by the number of its block.
pub const CHOSEN: &str = "read_only";
/// The most check boxes of a block.
/// <https://docs.slack.dev/reference/block-kit/block-elements/checkboxes-element>
const BOXES: usize = 10;
/// Longest text of an option. <https://docs.slack.dev/reference/block-kit/composition-objects/option-object>
const OPTION: usize = 75;

/// The value of a check box: what it unlocks, and the description that the admin sees.
fn value(line: &ReadOnlyLine) -> String {
    format!("{}:{}", line.action, line.version)
}

/// Parses the value of a check box.
#[must_use]
pub fn chosen(value: &str) -> Option<(ActionId, ActionVersionId)> {
    let (action, version) = value.split_once(':')?;
    Some((action.parse().ok()?, version.parse().ok()?))
}

/// Renders the modal. Its `callback_id` is [`Callback::UnlockReadOnly`].
#[must_use]
pub fn modal(shown: &ReadOnlyActions) -> Value {
    let name = blocks::rich(vec![paragraph(vec![blocks::bold(names::name(&shown.integration_name))])]);
    if shown.lines.is_empty() {
        let none = say("No locked action is declared as read-only. Unlock other actions one by one.");
        return view(
            SlackModalView::new(plain_only(TITLE), vec![name, none]).with_close(plain_only("Close")),
        );
    }
    let mut all = vec![
        name,
        say(
            "The backend declares that these actions change nothing. Countersign does not check that. Actions that are \
             destructive, that declare nothing or that run any command are not listed.",
        ),
    ];
    if shown.more {
        all.push(say("There are more: unlock these first, then open this again."));
    }
    all.extend(shown.lines.chunks(BOXES).enumerate().map(|(place, lines)| boxes(place, lines)));
    all.push(what());
    view(
        SlackModalView::new(plain_only(TITLE), all)
            .with_submit(plain_only("Unlock"))
            .with_close(plain_only("Cancel"))
            .with_callback_id(Callback::UnlockReadOnly.as_str().into()),
    )
}

fn boxes(place: usize, lines: &[ReadOnlyLine]) -> SlackBlock {
    let option = |line: &ReadOnlyLine| {
        let text: SlackBlockText = plain(cut_short(names::name(&line.name), OPTION)).into();
        SlackBlockChoiceItem::new(text, value(line))
            .with_description(plain_only(cut_short(names::path(&line.key), OPTION)))
    };
    let options: Vec<_> = lines.iter().map(option).collect();
    let id = format!("{CHOSEN}_{place}");
    let element = SlackBlockCheckboxesElement::new(options.clone())
        .with_action_id(id.clone().into())
        .with_initial_options(options);
    let first = place * BOXES + 1;
    let label = SafeText::own(format!("Actions {first} to {}", first + lines.len() - 1));
    SlackInputBlock::new(plain_only(label), element.into())
        .with_block_id(SlackBlockId::new(id))
        .with_optional(true)
        .into()
}

fn what() -> SlackBlock {
    let option = |what: UnlockedFor| {
        let (text, means) = match what {
            UnlockedFor::Conversations => ("For one conversation", "Each new conversation asks again."),
            UnlockedFor::Always => ("Also always", "In every conversation, whichever agent asks."),
        };
        SlackBlockChoiceItem::new(plain_only(text), what.as_str().to_owned())
            .with_description(plain_only(means))
    };
    let select = SlackBlockStaticSelectElement::new()
        .with_action_id(UNLOCKED_FOR.into())
        .with_placeholder(plain_only("Choose"))
        .with_options(UnlockedFor::ALL.map(option).to_vec());
    SlackInputBlock::new(plain_only("What people may allow"), select.into())
        .with_block_id(SlackBlockId::new(UNLOCKED_FOR.to_owned()))
        .into()
}

/// What came of it.
#[must_use]
pub fn done(done: BulkUnlock) -> Value {
    let unlocked = match done.unlocked {
        0 => "No action was unlocked.".to_owned(),
        count => format!(
            "Unlocked {}. People can now auto-approve {}.",
            names::count(count, "action", "actions"),
            if count == 1 { "it" } else { "them" }
        ),
    };
    let mut all = vec![say(SafeText::own(unlocked))];
    if done.left_out > 0 {
        let left = format!(
            "{} left out: the description has changed since it was listed, or the action is unlocked already.",
            names::count(done.left_out, "action was", "actions were")
        );
        all.push(blocks::rich(vec![paragraph(vec![words(SafeText::own(left))])]));
    }
    view(SlackModalView::new(plain_only(TITLE), all).with_close(plain_only("Close")))
}
