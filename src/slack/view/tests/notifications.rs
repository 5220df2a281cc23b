//! Reminders, the digest, and the choice of both: as snapshots for a human reader, and at their worst.

use chrono::TimeDelta;
use serde_json::Value;

use super::{
    checks,
    samples::{approval, asked_at, decided, full_of, grant, name, ordinary, result, verdicts},
    screens::ADDRESS,
    snapshots::{keep, keep_message},
};
use crate::{
    domain::{
        approvals::Approval,
        arguments::Arguments,
        digest::{Digest, LiveGrant, Ran, Sample, Unusual},
        local_time::Zone,
        notifications::{Hour, Preferences, QuietHours},
        prompts::Prompt,
        results::ResultStatus,
        templates::Template,
    },
    slack::view::{
        digest as view,
        notifications::{self, BLOCKS},
        reminder::{self as reminders, Ended, NAMED, Reminder},
    },
};

/// Choices of someone who uses all there is.
pub(super) fn all_on() -> Preferences {
    let quiet = QuietHours::new(Hour::new(20).unwrap(), Hour::new(8).unwrap());
    Preferences { quiet, zone: Zone::parse("Europe/Berlin"), ..Preferences::default() }
}

fn prompt() -> Prompt {
    Prompt { channel: "D0ALICE".to_owned(), ts: "1773480413.000100".to_owned() }
}

/// A message that names the same request so often.
pub(super) fn reminder(approval: &Approval, count: usize) -> Value {
    let prompt = prompt();
    let lines = vec![(approval, Some(&prompt)); count.min(NAMED)];
    reminders::message(&Reminder {
        lines: &lines,
        waiting: count,
        of: count,
        ended: Ended::default(),
        address: ADDRESS,
    })
    .to_json()
}

fn ran(approval: &Approval, conversation: Option<&str>) -> Ran {
    let request = &approval.request;
    Ran {
        agent: request.agent.label().to_owned(),
        integration: request.action.integration_name.clone(),
        action: request.action.action_name.clone(),
        calls: 12,
        failed: 0,
        is_first_use: false,
        new_targets: 0,
        samples: Vec::new(),
        grant: Some(LiveGrant {
            id: grant(),
            conversation: conversation.map(str::to_owned),
            narrowing: None,
        }),
        other_grants: 0,
    }
}

fn unusual(approval: &Approval, conversation: Option<&str>) -> Ran {
    let sample = |unusual| Sample { unusual, approval: approval.clone() };
    Ran {
        failed: 1,
        new_targets: 3,
        samples: vec![sample(Unusual::Failed), sample(Unusual::NewTarget)],
        other_grants: 2,
        ..ran(approval, conversation)
    }
}

fn digest_of(ran: Vec<Ran>, groups: usize) -> Digest {
    let calls = ran.iter().map(|ran| ran.calls).sum();
    Digest { from: asked_at() - TimeDelta::days(1), until: asked_at(), ran, groups, calls, more: false }
}

/// A digest of calls like this one.
pub(super) fn digest(approval: &Approval, conversation: &str) -> Value {
    let ran = vec![unusual(approval, Some(conversation)), ran(approval, Some(conversation))];
    view::message(&digest_of(ran, 2)).to_json()
}

fn mail() -> Approval {
    let mut mail = decided(verdicts().remove(4).1);
    mail.request.arguments =
        serde_json::from_str::<Arguments>(r#"{"to":"kim@example.com","subject":"Contract"}"#).unwrap();
    mail.request.action.integration_name = "Gmail".to_owned();
    mail.request.action.action_name = "Send mail".to_owned();
    mail.request.action.presentation.title = Template::new("Send mail to {to}").ok();
    mail
}

#[test]
fn a_reminder_says_what_waits_and_until_when() {
    let (first, mut second, prompt) = (mail(), ordinary(), prompt());
    second.request.expires_at += TimeDelta::hours(1);
    second.request.agent.name = Some(name("Scout"));
    let lines = [(&first, Some(&prompt)), (&second, None)];
    let shown =
        |lines, waiting, of| Reminder { lines, waiting, of, ended: Ended::default(), address: ADDRESS };
    keep_message("reminder", &reminders::message(&shown(&lines, 2, 3)));
    keep_message("reminder_of_one", &reminders::message(&shown(&lines[..1], 1, 1)));
    let ended = |ended| reminders::message(&Reminder { ended, ..shown(&[], 0, 3) }).text;
    keep_message("reminder_ended", &reminders::message(&shown(&[], 0, 3)));
    let expired = Ended { expired: 3, ..Ended::default() };
    insta::assert_snapshot!(ended(expired), @"3 requests expired without an answer. Nothing ran.");
    let mixed = Ended { expired: 1, approved: 1, denied: 1, cancelled: 0 };
    insta::assert_snapshot!(ended(mixed), @"3 requests of this reminder ended: 1 expired, 1 approved, 1 denied.");
}

#[test]
fn a_digest_shows_the_unusual_first() {
    let mut failed = mail();
    failed.result = Some(result(ResultStatus::Failed, Some("Mailbox full"), None));
    let first = Ran {
        is_first_use: true,
        samples: vec![Sample { unusual: Unusual::FirstUse, approval: decided(verdicts().remove(4).1) }],
        calls: 1,
        grant: None,
        ..ran(&ordinary(), None)
    };
    let usual = Ran { agent: "Scout".to_owned(), ..ran(&ordinary(), Some("Q3 pipeline")) };
    let digest = digest_of(vec![unusual(&failed, None), first, usual], 5);
    keep_message("digest", &view::message(&digest));
}

#[test]
fn the_choice_of_notifications_says_what_is_chosen() {
    let off = Preferences { reminders: false, digest: false, ..Preferences::default() };
    for (name, preferences) in [("notifications", all_on()), ("notifications_off", off)] {
        let blocks = notifications::section(preferences, "1");
        assert_eq!(blocks.len(), BLOCKS);
        let view = serde_json::json!({ "blocks": blocks });
        checks::sound(&view, 100);
        keep(name, &view);
    }
}

#[test]
fn five_hundred_actions_and_requests_fit() {
    for piece in ["x", "<", "&", "👩‍💻", "\u{202E}", "\u{E0041}", "\n", "ש", "”"] {
        let text: String = piece.chars().cycle().take(200).collect();
        let mut approval = full_of(&text);
        checks::message(&reminder(&approval, 500));
        super::sharing::fits(&reminder(&approval, 500));
        approval.result = Some(result(ResultStatus::Failed, Some(&text), Some("https://example.com/x")));
        let unusual = unusual(&approval, Some(&text));
        let usual = ran(&approval, Some(&text));
        for ran in [
            vec![unusual.clone(); 100],
            vec![usual.clone(); 100],
            [vec![unusual; 50], vec![usual; 50]].concat(),
        ] {
            let message = view::message(&Digest { more: true, ..digest_of(ran, 500) });
            checks::message(&message.to_json());
            super::sharing::fits(&message.to_json());
            let said = message.to_json().to_string();
            assert!(said.contains(" more actions"), "{said}");
        }
    }
}

#[test]
fn a_request_without_title_shows_its_target() {
    let shown = reminder(&approval(r#"{"to":"kim@example.com"}"#), 1).to_string();
    assert!(shown.contains("kim@example.com"), "{shown}");
}
