//! *More options…*: where the prompt offers it, and the modal in which a person narrows the grant that they give.

use std::collections::HashMap;

use serde_json::Value;
use slack_morphism::prelude::{
    SlackActionBlockElement, SlackBlock, SlackBlockCheckboxesElement, SlackBlockChoiceItem, SlackBlockId,
    SlackBlockNumberInputElement, SlackBlockPlainTextOnly, SlackBlockStaticSelectElement, SlackBlockText,
    SlackInputBlock, SlackInputBlockElement, SlackModalView,
};

use super::controls::{Callback, Control};
use super::deny::view;
use super::editing;
use super::limits;
use crate::{
    domain::{
        approvals::{Approval, Request},
        arguments::Digest,
        catalog::Eligibility,
        grants::StandingScope,
        limits::{Period, Uses},
        narrowing::{self, ChoiceFault},
        suggestions::Suggestion,
    },
    slack::view::{
        blocks::{self, Style, plain, plain_only, say},
        fields,
        sanitize::{cut_short, in_quotes, one_line, safe_text::SafeText},
        summary,
    },
};

/// The modal's title.
pub const TITLE: &str = "More options";
/// The `action_id` of every input.
pub const ACTION: &str = "value";
/// The `block_id` of the choice of where it holds.
pub const SCOPE: &str = "narrow_scope";
/// The `block_id` of the choice of how long it holds.
pub const PERIOD: &str = "narrow_period";
/// The `block_id` of the number of uses.
pub const USES: &str = "narrow_uses";
/// The `block_id` of the choice of this agent only.
pub const AGENT: &str = "narrow_agent";
/// The value of that choice.
pub const THIS_AGENT: &str = "this_agent";
/// What the `block_id` of each group of arguments begins with.
const FIXED: &str = "narrow_fixed_";
/// The `block_id` of the first group.
const FIRST: &str = "narrow_fixed_1";

/// Most options in one element, and their longest text and description.
/// <https://docs.slack.dev/reference/block-kit/block-elements/checkboxes-element>
const GROUP: usize = 10;
const TEXT: usize = 75;

/// Whether the prompt offers *More options…*.
fn is_offered(standing: Eligibility) -> bool {
    standing.blocker().is_none() && (!standing.conversation_closed || standing.allows_always())
}

/// The choice in the menu beside *Approve*. A destructive action's menu asks for confirmation, which would come before
/// the modal, so there it is a button.
pub(super) fn choice(
    request: &Request,
    standing: Eligibility,
) -> Option<SlackBlockChoiceItem<SlackBlockPlainTextOnly>> {
    (is_offered(standing) && !request.action.impact.is_destructive()).then(|| {
        SlackBlockChoiceItem::new(plain_only("More options…"), Control::Narrow(request.id).value())
            .with_description(plain_only("Auto-approve with limits: values, time, uses."))
    })
}

/// The button, where the menu does not have the choice.
pub(super) fn button(request: &Request, standing: Eligibility) -> Option<SlackActionBlockElement> {
    let alone = SafeText::from("Auto-approve with limits: ").then(summary::brief(request));
    (is_offered(standing) && choice(request, standing).is_none())
        .then(|| blocks::button(Control::Narrow(request.id), "More options…", alone, Style::Plain))
}

/// The value of an argument's check box. Made from its name, which may be longer than Slack allows.
#[must_use]
pub fn option_value(name: &str) -> String {
    Digest::for_json(&name).to_string().trim_start_matches("sha256:").to_owned()
}

/// The names of the arguments whose check boxes have these values. Those of no argument are left out.
#[must_use]
pub fn chosen_arguments(request: &Request, values: &[&str]) -> Vec<String> {
    let offered = narrowing::offered(&request.arguments).into_iter();
    offered
        .filter(|(name, _)| values.contains(&&*option_value(name)))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// Whether this is the `block_id` of a group of arguments.
#[must_use]
pub fn is_group(block_id: &str) -> bool {
    block_id.starts_with(FIXED)
}

/// The value of the choice of a scope.
#[must_use]
pub const fn scope_value(scope: StandingScope) -> &'static str {
    scope.scope().as_str()
}

/// Parses it.
#[must_use]
pub fn scope(value: &str) -> Option<StandingScope> {
    [StandingScope::Conversation, StandingScope::Always]
        .into_iter()
        .find(|scope| scope_value(*scope) == value)
}

/// Renders the modal for `views.open`. Its `private_metadata` is the approval's id, its `callback_id`
/// [`Callback::Narrow`]. It opens with what is suggested, or else with the narrowest choices that need no value.
#[must_use]
pub fn modal(approval: &Approval, standing: Eligibility, suggestion: Option<&Suggestion>) -> Value {
    let request = &approval.request;
    let mut rows: Vec<SlackBlock> = summary::warning(request).into_iter().collect();
    rows.push(summary::title(request));
    rows.push(say(
        "Approve this request, and let later ones run without asking as long as everything below holds. You can turn \
         it off at any time.",
    ));
    if let Some(suggestion) = suggestion {
        rows.push(say(SafeText::own(format!(
            "You approved the last {} requests for this action. Selected is what they have in common with this one.",
            suggestion.approvals
        ))));
    }
    rows.extend(arguments(request, suggestion));
    rows.push(agent(request, suggestion));
    rows.push(place(standing, suggestion));
    rows.push(period());
    rows.push(uses());
    rows.extend(limits::of_rule(standing.bounds).map(say));
    view(
        SlackModalView::new(plain_only(TITLE), rows)
            .with_submit(plain_only("Approve"))
            .with_close(plain_only("Back"))
            .with_callback_id(Callback::Narrow.as_str().into())
            .with_private_metadata(approval.id().to_string()),
    )
}

/// An error by `block_id`, for `response_action: errors`.
#[must_use]
pub fn error(request: &Request, fault: ChoiceFault) -> (&'static str, &'static str) {
    let has_arguments = !narrowing::offered(&request.arguments).is_empty();
    let at_arguments = if has_arguments { FIRST } else { PERIOD };
    match fault {
        ChoiceFault::NoLimit => (
            at_arguments,
            "Choose at least one limit: a value, an agent, a time or a number. Without one, use the menu beside Approve.",
        ),
        ChoiceFault::TooLong => (at_arguments, "These values are too long together. Select fewer."),
        ChoiceFault::UnknownArgument => (at_arguments, "One of these can’t be held fixed. Select others."),
    }
}

/// The error at the number of uses.
#[must_use]
pub fn uses_error() -> String {
    format!("Enter a whole number from 1 to {}, or leave this empty.", Uses::MOST)
}

fn option(
    text: impl Into<SafeText>,
    description: Option<SafeText>,
    value: &str,
) -> SlackBlockChoiceItem<SlackBlockText> {
    let item = SlackBlockChoiceItem::new(plain(cut_short(text.into(), TEXT)).into(), value.to_owned());
    match description {
        Some(description) => item.with_description(plain_only(cut_short(description, TEXT))),
        None => item,
    }
}

fn input(
    label: impl Into<SafeText>,
    block_id: String,
    element: impl Into<SlackInputBlockElement>,
    hint: Option<&'static str>,
) -> SlackInputBlock {
    SlackInputBlock::new(plain_only(label), element.into())
        .with_block_id(SlackBlockId::new(block_id))
        .opt_hint(hint.map(plain_only))
}

/// The arguments, the likeliest first, in groups.
fn arguments(request: &Request, suggestion: Option<&Suggestion>) -> Vec<SlackBlock> {
    let offered = narrowing::offered(&request.arguments);
    let left_out = request.arguments.members().len() - offered.len();
    let names: HashMap<&str, SafeText> =
        editing::names(&request.arguments, &request.action.presentation).into_iter().collect();
    let groups = offered.chunks(GROUP).enumerate().map(|(at, group)| {
        let mut selected = Vec::new();
        let mut options = Vec::new();
        for (name, value) in group {
            // The end of a value is what tells it from others of its kind, but the request above has it whole.
            let shown = one_line(&fields::value(value).text);
            let shown = in_quotes(&cut_short(shown, TEXT - 2));
            let text = names.get(name).cloned().unwrap_or_default();
            let option = option(text, Some(shown), &option_value(name));
            if suggestion.is_some_and(|suggestion| suggestion.fixed.iter().any(|fixed| fixed == name)) {
                selected.push(option.clone());
            }
            options.push(option);
        }
        let boxes = SlackBlockCheckboxesElement::new(options).with_action_id(ACTION.into());
        let boxes = if selected.is_empty() { boxes } else { boxes.with_initial_options(selected) };
        let label = if at == 0 { "Only with the same" } else { "And with the same" };
        input(label, format!("{FIXED}{}", at + 1), boxes, None).with_optional(true).into()
    });
    let left_out = (left_out > 0).then(|| {
        say(SafeText::own(if left_out == 1 {
            "1 more argument can’t be held fixed here: its value is too long.".to_owned()
        } else {
            format!("{left_out} more arguments can’t be held fixed here: their values are too long, or there are too many.")
        }))
    });
    groups.chain(left_out).collect()
}

fn agent(request: &Request, suggestion: Option<&Suggestion>) -> SlackBlock {
    let only = option(
        SafeText::from("Only when ").then(in_quotes(&cut_short(summary::agent(request), 50))).then(" asks"),
        None,
        THIS_AGENT,
    );
    let boxes = SlackBlockCheckboxesElement::new(vec![only.clone()]).with_action_id(ACTION.into());
    let is_selected = suggestion.is_some_and(|suggestion| suggestion.this_agent);
    let boxes = if is_selected { boxes.with_initial_options(vec![only]) } else { boxes };
    input("Agent", AGENT.to_owned(), boxes, None).with_optional(true).into()
}

fn place(standing: Eligibility, suggestion: Option<&Suggestion>) -> SlackBlock {
    let conversation = item("In this conversation", scope_value(StandingScope::Conversation));
    let always = item("In every conversation", scope_value(StandingScope::Always));
    let mut options = Vec::new();
    if !standing.conversation_closed {
        options.push(conversation.clone());
    }
    if standing.allows_always() {
        options.push(always.clone());
    }
    let is_wide = suggestion.is_some_and(|suggestion| !suggestion.this_conversation);
    let wanted = if is_wide { &always } else { &conversation };
    let initial = options.iter().find(|option| *option == wanted).or(options.first()).cloned();
    let hint = (!standing.allows_always())
        .then_some("An admin allows this action to be auto-approved for one conversation only.");
    input("Where", SCOPE.to_owned(), select(options, initial), hint).into()
}

fn period() -> SlackBlock {
    let name = |period| match period {
        Period::Hour => "For 1 hour",
        Period::Today => "Until midnight",
        Period::Week => "For 1 week",
        Period::NoEnd => "Until you turn it off",
    };
    let options = Period::ALL.map(|period| item(name(period), period.as_str()));
    let initial = options.first().cloned();
    input("How long", PERIOD.to_owned(), select(options.to_vec(), initial), None).into()
}

fn item(text: &'static str, value: &str) -> SlackBlockChoiceItem<SlackBlockPlainTextOnly> {
    SlackBlockChoiceItem::new(plain_only(text), value.to_owned())
}

fn select(
    options: Vec<SlackBlockChoiceItem<SlackBlockPlainTextOnly>>,
    initial: Option<SlackBlockChoiceItem<SlackBlockPlainTextOnly>>,
) -> SlackBlockStaticSelectElement {
    SlackBlockStaticSelectElement::new()
        .with_action_id(ACTION.into())
        .with_options(options)
        .opt_initial_option(initial)
}

fn uses() -> SlackBlock {
    let number = SlackBlockNumberInputElement::new(false)
        .with_action_id(ACTION.into())
        .with_min_value("1".to_owned())
        .with_max_value(Uses::MOST.to_string());
    input("How many requests", USES.to_owned(), number, Some("Leave empty for any number."))
        .with_optional(true)
        .into()
}
