//! The modals in which an admin searches the audit.

use std::fmt::{self, Write as _};

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use slack_morphism::prelude::{
    SlackBlock, SlackBlockChoiceItem, SlackBlockDatePickerElement, SlackBlockId,
    SlackBlockPlainTextInputElement, SlackBlockPlainTextOnly, SlackBlockStaticSelectElement, SlackBlockText,
    SlackBlockUsersSelectElement, SlackInputBlock, SlackInputBlockElement, SlackModalView,
};

use super::controls::{Callback, Control};
use super::deny::view;
use super::names;
use super::sentences;
use crate::{
    domain::{
        action_path::ActionPath,
        audit::ActorKind,
        audit_search::{AuditFilter, AuditLine, AuditPage, Topic},
        ids::UserId,
        outcome::Outcome,
    },
    slack::view::{
        blocks::{self, Style, paragraph, plain_only, say, words},
        sanitize::{in_quotes, safe_text::SafeText},
    },
};

/// The `block_id` and `action_id` of the person.
pub const USER: &str = "audit_user";
/// Those of the action.
pub const ACTION: &str = "audit_action";
/// Those of the agent.
pub const AGENT: &str = "audit_agent";
/// Those of the outcome.
pub const TOPIC: &str = "audit_topic";
/// Those of the first day.
pub const FROM: &str = "audit_from";
/// Those of the last day.
pub const TO: &str = "audit_to";

/// The longest path of an action: two keys and what separates them.
const LONGEST_PATH: u64 = 201;
/// The longest part of an agent's name or id.
const LONGEST_AGENT: u64 = 100;
/// The title of every modal of the search.
pub const TITLE: &str = "Search decisions";

/// What an admin entered: the `private_metadata` of the result. It only says what to show, never what the admin may do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Form {
    /// Slack's id of the person.
    #[serde(rename = "u", skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The action, as typed.
    #[serde(rename = "a", skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The agent, as typed.
    #[serde(rename = "g", skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The topic's name.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The first day, in UTC.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// The last day, in UTC.
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    pub to: Option<NaiveDate>,
    /// Where the next page begins.
    #[serde(rename = "n", skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Which input is wrong, and what to enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormFault {
    /// The `block_id` of the input.
    pub input: &'static str,
    /// What to do.
    pub says: &'static str,
}

impl Form {
    /// Parses what its `Display` wrote. Anything else is a search for every decision.
    #[must_use]
    pub fn read(metadata: &str) -> Self {
        serde_json::from_str(metadata).unwrap_or_default()
    }

    /// What to search for.
    pub fn filter(&self) -> Result<AuditFilter, FormFault> {
        let action = self.action.as_deref().map(ActionPath::parse).transpose().map_err(|_| FormFault {
            input: ACTION,
            says: "Enter an integration and an action, such as salesforce.create_record.",
        })?;
        if self.from.zip(self.to).is_some_and(|(from, to)| to < from) {
            return Err(FormFault { input: TO, says: "Choose a day that is not before the first one." });
        }
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        Ok(AuditFilter {
            user: self.user.as_deref().and_then(UserId::parse),
            action,
            agent: self.agent.clone(),
            what: self.topic().actions(),
            since: self.from.map(midnight),
            until: self.to.and_then(|to| midnight(to).checked_add_signed(TimeDelta::days(1))),
        })
    }

    fn topic(&self) -> Topic {
        self.topic.as_deref().and_then(Topic::from_name).unwrap_or_default()
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In ASCII: what was typed may contain signs that are not seen.
        for unit in serde_json::to_string(self).unwrap_or_default().encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => f.write_char(char::from(byte))?,
                _ => write!(f, "\\u{unit:04x}")?,
            }
        }
        Ok(())
    }
}

/// Renders the modal that asks what to search for. Its `callback_id` is [`Callback::SearchAudit`].
#[must_use]
pub fn form() -> Value {
    let person = SlackBlockUsersSelectElement::new()
        .with_action_id(USER.into())
        .with_placeholder(plain_only("Everyone"));
    let text = |id: &'static str, placeholder: &'static str, longest: u64| {
        SlackBlockPlainTextInputElement::new()
            .with_action_id(id.into())
            .with_max_length(longest)
            .with_placeholder(plain_only(placeholder))
    };
    let date = |id: &'static str| {
        SlackBlockDatePickerElement::new().with_action_id(id.into()).with_placeholder(plain_only("Any day"))
    };
    let options: Vec<_> = Topic::ALL.into_iter().map(option).collect();
    let topics = SlackBlockStaticSelectElement::new()
        .with_action_id(TOPIC.into())
        .with_placeholder(plain_only("Every decision"))
        .with_initial_option(option(Topic::default()))
        .with_options(options);
    let all = vec![
        input("Person", USER, person.into()),
        input("Action", ACTION, text(ACTION, "salesforce.create_record", LONGEST_PATH).into()),
        input("Agent", AGENT, text(AGENT, "Name or id", LONGEST_AGENT).into()),
        input("Outcome", TOPIC, topics.into()),
        input("From (UTC)", FROM, date(FROM).into()),
        input("To (UTC)", TO, date(TO).into()),
    ];
    view(
        SlackModalView::new(plain_only(TITLE), all)
            .with_submit(plain_only("Search"))
            .with_close(plain_only("Close"))
            .with_callback_id(Callback::SearchAudit.as_str().into()),
    )
}

fn input(label: &'static str, id: &'static str, element: SlackInputBlockElement) -> SlackBlock {
    SlackInputBlock::new(plain_only(label), element)
        .with_block_id(SlackBlockId::new(id.to_owned()))
        .with_optional(true)
        .into()
}

fn option(topic: Topic) -> SlackBlockChoiceItem<SlackBlockPlainTextOnly> {
    SlackBlockChoiceItem::new(plain_only(words_of(topic)), topic.as_str().to_owned())
}

const fn words_of(topic: Topic) -> &'static str {
    match topic {
        Topic::Decisions => "Every decision",
        Topic::Ended(Outcome::Approved) => "Approved",
        Topic::Ended(Outcome::Denied) => "Denied",
        Topic::Ended(Outcome::Expired) => "Expired",
        Topic::Ended(Outcome::Cancelled) => "Cancelled",
        Topic::Ended(Outcome::Undeliverable) => "Not delivered",
        Topic::Refused => "Refused attempts",
        Topic::Grants => "Auto-approvals given or ended",
        Topic::Locks => "Actions unlocked or locked",
        Topic::Everything => "Everything in the audit",
    }
}

/// What a page says above its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// A file is being made.
    FileComes,
    /// Other files are being made.
    FilesBusy,
}

/// Renders a page of the result. Its `callback_id` is [`Callback::AuditResult`].
#[must_use]
pub fn result(form: &Form, page: &AuditPage, note: Option<Note>) -> Value {
    let mut all = vec![searched(form)];
    all.extend(note.map(|note| {
        say(match note {
            Note::FileComes => "The file is on its way to your direct messages with this app.",
            Note::FilesBusy => "Countersign is making other files now. Try again in a minute.",
        })
    }));
    if page.lines.is_empty() {
        all.push(say(match (&page.next, &form.next) {
            (Some(_), _) => "Nothing matches in this part of the audit. Search further back.",
            (None, Some(_)) => "Nothing more.",
            (None, None) => "Nothing matches.",
        }));
    }
    all.extend(page.lines.iter().map(line));
    let mut row = Vec::new();
    if form.next.is_some() {
        row.push(blocks::button(Control::AuditNewest, "Newest", "Back to the newest", Style::Plain));
    }
    if page.next.is_some() {
        let further = "Search further back";
        row.push(blocks::button(Control::AuditFurther, further, further, Style::Plain));
    }
    let send = "Send me all as CSV";
    row.push(blocks::button(Control::ExportAudit, send, "Send all that matches as a CSV file", Style::Plain));
    all.push(blocks::actions(row));
    let metadata = Form { next: page.next.clone(), ..form.clone() };
    view(
        SlackModalView::new(plain_only(TITLE), all)
            .with_close(plain_only("Back"))
            .with_callback_id(Callback::AuditResult.as_str().into())
            .with_private_metadata(metadata.to_string()),
    )
}

/// What was searched for, in one paragraph.
fn searched(form: &Form) -> SlackBlock {
    let mut parts = vec![blocks::bold(words_of(form.topic()))];
    if let Some(user) = form.user.as_deref().and_then(UserId::parse) {
        parts.extend([words(", person "), blocks::person(&user)]);
    }
    if let Some(action) = &form.action {
        parts.push(words(SafeText::from(", action ").then(names::path(action))));
    }
    if let Some(agent) = &form.agent {
        parts.push(words(SafeText::from(", agent ").then(in_quotes(&names::name(agent)))));
    }
    if let Some(from) = form.from {
        parts.push(words(SafeText::own(format!(", from {from}"))));
    }
    if let Some(to) = form.to {
        parts.push(words(SafeText::own(format!(", to {to}"))));
    }
    parts.push(words(", newest first"));
    blocks::rich(vec![paragraph(parts)])
}

fn line(line: &AuditLine) -> SlackBlock {
    let title = match &line.path {
        Some(path) => headline(line).then(": ").then(names::path(path)),
        None => headline(line),
    };
    let details = line.approval.map(|approval| {
        let alone =
            SafeText::from("Details of ").then(names::short(line.path.as_deref().unwrap_or("a request")));
        blocks::beside(Control::Details(approval), "Details", alone)
    });
    blocks::section(title, facts(line), details)
}

/// What happened, in our words where we have some.
fn headline(line: &AuditLine) -> SafeText {
    let own = match (line.what.as_str(), line.by.as_deref()) {
        ("approval.requested", _) => "Asked",
        ("approval.approved", Some("auto")) => "Auto-approved",
        ("approval.approved", Some("policy")) => "Approved by a rule",
        ("approval.approved", _) => "Approved",
        ("approval.denied", Some("policy")) => "Denied by a rule",
        ("approval.denied", _) => "Denied",
        ("approval.expired", _) => "Expired",
        ("approval.cancelled", _) => "Cancelled",
        ("approval.undeliverable", _) => "Not delivered",
        ("approval.refused", _) => "Attempt to decide refused",
        ("permit.used", _) => "Permit used",
        ("permit.refused", _) => "Attempt to run refused",
        ("admin.refused", _) => "Attempt to administer refused",
        ("settings.refused", _) => "Attempt to change settings refused",
        ("grant.given", _) => "Auto-approval given",
        ("grant.revoked", _) => "Auto-approval ended",
        ("action.unlocked", _) => "Unlocked",
        ("action.locked", _) => "Locked",
        ("action.confirmed", _) => "Description confirmed",
        (other, _) => return names::path(other),
    };
    own.into()
}

fn facts(line: &AuditLine) -> Vec<SlackBlockText> {
    let person = |id: Option<&str>| id.and_then(UserId::parse);
    let (actor, user) = (person(line.actor.as_deref()), person(line.user.as_deref()));
    let by = match (line.actor_kind, &actor) {
        (ActorKind::User, Some(user)) => format!("By {}", sentences::mention(user)),
        (ActorKind::User | ActorKind::Backend, _) => "By the backend".to_owned(),
        // An operator with an id is an admin key, whose name an operator chose: it is a fact of its own.
        (ActorKind::Operator, _) if line.actor.is_some() => "By an admin key".to_owned(),
        (ActorKind::Operator, _) => "By the operator".to_owned(),
        (ActorKind::Service, _) => "By Countersign".to_owned(),
    };
    let who = match user.filter(|user| actor.as_ref() != Some(user)) {
        Some(user) => format!("{by}, for {}", sentences::mention(&user)),
        None => by,
    };
    let mut facts = vec![blocks::own_fact(who), blocks::own_fact(blocks::moment_in_mrkdwn(line.at))];
    if let (ActorKind::Operator, Some(key)) = (line.actor_kind, &line.actor) {
        facts.push(blocks::fact(SafeText::from("Admin key ").then(in_quotes(&names::name(key)))));
    }
    if let Some(agent) = &line.agent {
        facts.push(blocks::fact(SafeText::from("Agent ").then(in_quotes(&names::name(agent)))));
    }
    if let Some(scope) = line.scope.as_deref().filter(|scope| *scope != "once") {
        facts.push(blocks::fact(SafeText::from("For: ").then(names::short(scope))));
    }
    if let Some(why) = &line.why {
        facts.push(blocks::fact(SafeText::from("Why: ").then(in_quotes(&names::description(why)))));
    }
    facts
}

/// What stands above the file, in the admin's direct messages.
#[must_use]
pub fn file_comment(rows: usize, is_cut: bool) -> String {
    let counted = match rows {
        0 => "Nothing in the audit matches your search.".to_owned(),
        1 => "The entry of the audit that you searched for.".to_owned(),
        rows => format!("The {rows} entries of the audit that you searched for, newest first."),
    };
    if is_cut {
        return format!(
            "{counted} There are more than fit into one file: search a shorter time, or ask the operator to run \
             “countersign audit export”."
        );
    }
    counted
}

/// Why there is no file: the app may not send any.
pub const NO_SCOPE: &str = "Could not send you the file: this app lacks Slack’s permission files:write. A workspace admin can \
    add it in the app’s settings and install the app again. Until then, the operator can run “countersign audit export --csv”.";
/// Why there is no file: something failed.
pub const NO_FILE: &str = "Could not send you the file of the audit. Try again in a moment. If the problem persists, the \
    operator can run “countersign audit export --csv”.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_reads_what_the_result_wrote() {
        let day = NaiveDate::from_ymd_opt(2026, 9, 21);
        let full = Form {
            user: Some("U0ALICE".to_owned()),
            action: Some("github.create_issue".to_owned()),
            agent: Some("\"At\u{202E}las\" 👩‍💻".to_owned()),
            topic: Some("denied".to_owned()),
            from: day,
            to: day,
            next: Some("0.7.1".to_owned()),
        };
        for form in [full, Form::default()] {
            assert_eq!(Form::read(&form.to_string()), form);
            assert!(form.to_string().is_ascii());
        }
        assert_eq!(Form::read("x"), Form::default());
    }

    #[test]
    fn days_are_whole_and_in_order() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 9, day);
        let form = |from, to| Form { from: day(from), to: day(to), ..Form::default() };
        let filter = form(20, 21).filter().unwrap();
        assert_eq!(filter.since.unwrap().to_rfc3339(), "2026-09-20T00:00:00+00:00");
        assert_eq!(filter.until.unwrap().to_rfc3339(), "2026-09-22T00:00:00+00:00");
        assert_eq!(form(21, 20).filter().unwrap_err().input, TO);
        let typed = Form { action: Some("issue".to_owned()), ..Form::default() };
        assert_eq!(typed.filter().unwrap_err().input, ACTION);
    }

    #[test]
    fn a_file_says_what_it_has() {
        assert_eq!(file_comment(0, false), "Nothing in the audit matches your search.");
        assert!(file_comment(10_000, true).contains("There are more than fit into one file"));
    }
}
