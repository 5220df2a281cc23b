//! *Edit and approve…*: where the prompt offers it, and the modal in which arguments are changed.
//!
//! An input shows a value exactly as it is, so a value with characters that other views write out has none. It is shown
//! below the inputs, with everything else that can't be edited.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};
use slack_morphism::prelude::{
    SlackActionBlockElement, SlackBlock, SlackBlockChoiceItem, SlackBlockId, SlackBlockNumberInputElement,
    SlackBlockPlainTextInputElement, SlackBlockPlainTextOnly, SlackBlockStaticSelectElement, SlackInputBlock,
    SlackInputBlockElement, SlackModalView,
};

use super::controls::{Callback, Control};
use super::deny::view;
use crate::{
    domain::{
        approvals::{Approval, Request},
        arguments::{Arguments, Digest},
        editing::{self, EditableArgument, EntryFault, Input, LONGEST_TEXT},
        field_hints::{Format, Presentation},
        input_schema::InputSchema,
    },
    slack::view::{
        arguments,
        blocks::{self, Style, plain_only, say},
        fields::{Content, fields},
        sanitize::{self, cut_short, safe_text::SafeText, size},
        summary,
    },
};

/// The modal's title.
pub const TITLE: &str = "Edit and approve";
/// The `action_id` of every input.
pub const ACTION: &str = "value";
/// The notice after a submission that changed nothing.
pub const UNCHANGED: &str = "You changed nothing, so the request was approved as it was asked.";

/// Most inputs, and their longest contents together, in bytes of JSON: a view may have 100 blocks and 250 KB.
const INPUTS: usize = 40;
const CONTENTS: usize = 120_000;
/// Longest label of an input.
const LABEL: usize = 100;
/// A text that is longer gets an input of several lines.
const ONE_LINE: usize = 80;
/// Most choices, and their longest text.
/// <https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element>
const CHOICES: usize = 100;
const CHOICE: usize = 75;
/// Most digits of a number in an input for numbers. Others are typed as text.
const DIGITS: usize = 15;
/// Most arguments that are shown below the inputs.
const OTHERS: usize = 12;
/// Longest error at an input.
const ERROR: usize = 250;

/// The choice in the menu beside *Approve*. A destructive action's menu asks for confirmation, which would come before
/// the modal, so there it is a button.
pub(super) fn choice(request: &Request) -> Option<SlackBlockChoiceItem<SlackBlockPlainTextOnly>> {
    let is_offered = request.is_editable() && !request.action.impact.is_destructive();
    is_offered.then(|| {
        SlackBlockChoiceItem::new(plain_only("Edit and approve…"), Control::Edit(request.id).value())
            .with_description(plain_only("Change the arguments, then approve once."))
    })
}

/// *Edit…*, where the menu is missing or does not have it.
pub(super) fn button(request: &Request, has_menu: bool) -> Option<SlackActionBlockElement> {
    let is_offered = request.is_editable() && !(has_menu && choice(request).is_some());
    let alone = SafeText::from("Edit and approve: ").then(summary::brief(request));
    is_offered.then(|| blocks::button(Control::Edit(request.id), "Edit…", alone, Style::Plain))
}

/// The `block_id` of an argument's input. Made from its name, which may be longer than Slack allows: the place in a list
/// could be that of another argument when another version of this program reads it.
#[must_use]
pub fn block_id(key: &str) -> String {
    let digest = Digest::for_json(&key).to_string();
    format!("edit:{}", digest.trim_start_matches("sha256:"))
}

/// Renders the modal for `views.open`. `None`: no argument can be edited here. Its `private_metadata` is the approval's
/// id, its `callback_id` [`Callback::Edit`].
#[must_use]
pub fn modal(approval: &Approval, schema: &InputSchema) -> Option<Value> {
    let request = &approval.request;
    let inputs = inputs(request, schema);
    if inputs.is_empty() {
        return None;
    }
    let mut rows: Vec<SlackBlock> = summary::warning(request).into_iter().collect();
    rows.push(summary::title(request));
    rows.push(say(
        "Change what you need, then approve. The action runs once, with your values, and the agent receives them.",
    ));
    let keys: HashSet<&str> = inputs.iter().map(|input| input.argument.key).collect();
    let others = request.arguments.members().iter().filter(|(key, _)| !keys.contains(key.as_str()));
    let others: Map<String, Value> = others.map(|(key, value)| (key.clone(), value.clone())).collect();
    rows.extend(inputs.into_iter().map(|input| input.block));
    let others = Arguments::from_stored(others);
    if let Some(others) = arguments::first(&others, &request.action.presentation, OTHERS) {
        rows.extend([blocks::divider(), say("These can’t be edited here, and stay as they are:"), others]);
    }
    Some(view(
        SlackModalView::new(plain_only(TITLE), rows)
            .with_submit(plain_only("Approve"))
            .with_close(plain_only("Back"))
            .with_callback_id(Callback::Edit.as_str().into())
            .with_private_metadata(approval.id().to_string()),
    ))
}

/// The errors of a submission by `block_id`, for `response_action: errors`. What is wrong with an argument that has no
/// input is said at the first one.
#[must_use]
pub fn errors(
    approval: &Approval,
    schema: &InputSchema,
    faults: Vec<EntryFault>,
) -> BTreeMap<String, String> {
    let inputs = inputs(&approval.request, schema);
    let mut errors = BTreeMap::<String, String>::new();
    for EntryFault { key, detail } in faults {
        let own = key.as_deref().filter(|key| inputs.iter().any(|input| input.argument.key == *key));
        let detail = if own.is_none() && key.is_some() {
            format!("Another argument is invalid: {detail}")
        } else {
            detail
        };
        let Some(place) = own.or_else(|| inputs.first().map(|input| input.argument.key)) else { continue };
        let error = errors.entry(block_id(place)).or_default();
        if error.len() + detail.len() < ERROR && !error.contains(&detail) {
            *error = if error.is_empty() { detail } else { format!("{error} {detail}") };
        }
    }
    errors
}

/// What people read for each top-level argument, in the order in which they are shown: those that the backend describes
/// first. No two read the same.
pub(super) fn names<'a>(arguments: &'a Arguments, presentation: &Presentation) -> Vec<(&'a str, SafeText)> {
    let members = arguments.members();
    let described = presentation.fields.iter().filter_map(|hint| {
        let mut steps = hint.pointer.steps();
        let key = steps.next().filter(|_| steps.next().is_none())?;
        members.get_key_value(&key).map(|(key, _)| key.as_str())
    });
    let mut seen = HashSet::new();
    let keys = described.chain(members.keys().map(String::as_str)).filter(|key| seen.insert(*key));
    let keys: Vec<&str> = keys.collect();
    // With one simple value each, every argument is one field.
    let simple = members.keys().map(|key| (key.clone(), Value::Null)).collect();
    let fields = fields(&Arguments::from_stored(simple), presentation);
    keys.into_iter().zip(fields.into_iter().map(|field| field.name)).collect()
}

/// An argument and its input.
struct ArgumentInput<'a> {
    argument: EditableArgument<'a>,
    block: SlackBlock,
}

fn inputs<'a>(request: &'a Request, schema: &'a InputSchema) -> Vec<ArgumentInput<'a>> {
    let mut arguments = editing::editable(schema, &request.arguments);
    let mut inputs = Vec::new();
    let mut used = 0;
    for (key, name) in names(&request.arguments, &request.action.presentation) {
        let Some(at) = arguments.iter().position(|argument| argument.key == key) else { continue };
        let argument = arguments.swap_remove(at);
        let Some(element) = element(&argument, format(request, key)) else { continue };
        let block = block(&argument, name, element);
        // With the choices.
        used += serde_json::to_string(&block).map_or(CONTENTS, |json| json.len());
        if inputs.len() == INPUTS || used > CONTENTS {
            break;
        }
        inputs.push(ArgumentInput { argument, block });
    }
    inputs
}

fn format(request: &Request, key: &str) -> Option<Format> {
    let mut hints = request.action.presentation.fields.iter();
    hints.find(|hint| hint.pointer.steps().eq(std::iter::once(key.to_owned()))).and_then(|hint| hint.format)
}

fn block(argument: &EditableArgument<'_>, name: SafeText, element: SlackInputBlockElement) -> SlackBlock {
    let is_chosen = matches!(argument.input, Input::Boolean | Input::Choice(_));
    let is_empty = argument.shown().is_empty();
    let hint = match &argument.input {
        Input::Number { is_whole: true } => Some("A whole number."),
        Input::Number { is_whole: false } => Some("A number."),
        Input::Text if !argument.is_required && !is_empty => Some("Leave empty to omit this argument."),
        _ => None,
    };
    // Slack refuses to submit an empty input that isn't optional. One that was empty may stay so.
    let is_optional = is_empty || !(argument.is_required || is_chosen);
    let block = SlackInputBlock::new(plain_only(cut_short(name, LABEL)), element)
        .with_block_id(SlackBlockId::new(block_id(argument.key)))
        .opt_hint(hint.map(plain_only));
    if is_optional { block.with_optional(true) } else { block }.into()
}

/// The input of an argument. `None` if no input shows it exactly as it is.
fn element(argument: &EditableArgument<'_>, format: Option<Format>) -> Option<SlackInputBlockElement> {
    let shown = argument.shown();
    match &argument.input {
        Input::Text => {
            let is_exact = sanitize::lines(&shown).as_str() == shown && shown.chars().count() <= LONGEST_TEXT;
            let is_long = shown.contains('\n')
                || size(&shown) > ONE_LINE
                || matches!(format, Some(Format::Text | Format::Code | Format::Markdown));
            is_exact.then(|| text(shown).with_multiline(is_long).into())
        }
        Input::Number { is_whole } if is_plain(&shown) => {
            let is_decimal = !is_whole || shown.contains('.');
            Some(
                SlackBlockNumberInputElement::new(is_decimal)
                    .with_action_id(ACTION.into())
                    .with_initial_value(shown)
                    .into(),
            )
        }
        Input::Number { .. } => Some(text(shown).into()),
        Input::Boolean => {
            Some(select(["true", "false"].map(|word| (word.into(), word.to_owned())).into(), &shown))
        }
        Input::Choice(allowed) => {
            let texts: Vec<SafeText> = allowed.iter().map(|value| option(value)).collect::<Option<_>>()?;
            let mut seen = HashSet::new();
            let differ = texts.iter().all(|text| seen.insert(text.as_str().to_lowercase()));
            let options = texts.into_iter().enumerate().map(|(at, text)| (text, at.to_string())).collect();
            (differ && allowed.len() <= CHOICES).then(|| select(options, &shown))
        }
    }
}

fn text(initial: String) -> SlackBlockPlainTextInputElement {
    SlackBlockPlainTextInputElement::new()
        .with_action_id(ACTION.into())
        .with_max_length(LONGEST_TEXT as u64)
        .opt_initial_value(Some(initial).filter(|text| !text.is_empty()))
}

/// A menu of texts and their values.
fn select(options: Vec<(SafeText, String)>, chosen: &str) -> SlackInputBlockElement {
    let item = |(text, value): (SafeText, String)| SlackBlockChoiceItem::new(plain_only(text), value);
    let options: Vec<SlackBlockChoiceItem<SlackBlockPlainTextOnly>> = options.into_iter().map(item).collect();
    let initial = options.iter().find(|option| option.value == chosen).cloned();
    SlackBlockStaticSelectElement::new()
        .with_action_id(ACTION.into())
        .with_options(options)
        .opt_initial_option(initial)
        .into()
}

/// What people read for a choice. `None` if it can't be shown exactly.
fn option(value: &Value) -> Option<SafeText> {
    let one = Arguments::from_stored(Map::from_iter([("one".to_owned(), value.clone())]));
    let field = fields(&one, &Presentation::default()).into_iter().next()?;
    let Content::Value(shown) = field.content else { return None };
    let is_exact = value.as_str().is_none_or(|text| sanitize::line(text).as_str() == text);
    (is_exact && size(shown.text.as_str()) <= CHOICE && !shown.text.as_str().contains('\n'))
        .then_some(shown.text)
}

/// Whether a number is written with digits and a point only, and few enough for every reader.
fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.bytes().filter(u8::is_ascii_digit).count() <= DIGITS
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}
