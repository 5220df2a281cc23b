//! What admins open from the Home tab, at its worst.

use chrono::{DateTime, Utc};
use insta::assert_snapshot;
use uuid::Uuid;

use super::checks;
use crate::{
    domain::{
        audit::{ActorKind, AuditAction},
        audit_search::{AuditLine, AuditPage, Topic},
        bulk_unlock::{BulkUnlock, ReadOnlyActions, ReadOnlyLine},
        catalog::Lock,
        failing::{COUNTED, FailingLine, FailingWebhooks},
        fatigue::{FrequentAction, PersonFigures},
        ids::{ActionId, ActionVersionId, ApprovalId, BackendId, DeliveryId, UserId},
        risk::Impact,
    },
    slack::view::{
        audit_search::{self, Form, Note},
        bulk_unlock, failing_webhooks, fatigue,
    },
};

fn line(what: &str, text: &str) -> AuditLine {
    let some = || Some(text.to_owned());
    AuditLine {
        at: DateTime::<Utc>::UNIX_EPOCH,
        actor_kind: ActorKind::User,
        actor: Some("U0ADMIN".to_owned()),
        what: what.to_owned(),
        approval: Some(ApprovalId::new(Uuid::from_u128(1))),
        grant: None,
        subject: some(),
        user: Some("U0ALICE".to_owned()),
        path: Some(format!("{}.{}", "i".repeat(100), "a".repeat(100))),
        agent: some(),
        by: Some("user".to_owned()),
        scope: some(),
        why: some(),
    }
}

#[test]
fn a_page_of_the_longest_entries_fits() {
    for text in ["<".repeat(3_000), "👩‍💻".repeat(500), "\u{202E}".repeat(900), "*bold* <@U0BOB>".to_owned()]
    {
        let form = Form {
            user: Some("U0ALICE".to_owned()),
            action: Some(format!("{}.{}", "i".repeat(100), "a".repeat(100))),
            agent: Some(text.chars().take(100).collect()),
            topic: Some(Topic::Everything.as_str().to_owned()),
            next: Some("0.18446744073709551615.9223372036854775807".to_owned()),
            ..Form::default()
        };
        for action in AuditAction::ALL {
            let lines = vec![line(action.as_str(), &text); 10];
            let page = AuditPage { lines, next: form.next.clone() };
            checks::sound(&audit_search::result(&form, &page, Some(Note::FileComes)), 100);
        }
        let none = AuditPage { lines: Vec::new(), next: None };
        checks::sound(&audit_search::result(&form, &none, Some(Note::FilesBusy)), 100);
    }
    checks::sound(&audit_search::form(), 100);
}

#[test]
fn an_entry_says_who_did_what_when_and_why() {
    let mut denied = line("approval.denied", "wrong target");
    denied.path = Some("github.create_issue".to_owned());
    denied.scope = None;
    let page = AuditPage { lines: vec![denied], next: None };
    let view = audit_search::result(&Form::default(), &page, None);
    let entry = &view["blocks"][1];
    assert_snapshot!(entry["text"]["text"].as_str().unwrap(), @"Denied: github.create_issue");
    let facts: Vec<&str> =
        entry["fields"].as_array().unwrap().iter().map(|fact| fact["text"].as_str().unwrap()).collect();
    assert_snapshot!(facts.join("\n"), @r#"
    By <@U0ADMIN>, for <@U0ALICE>
    <!date^0^{date_short_pretty} at {time}|1970-01-01 00:00 UTC>
    Agent “wrong target”
    Why: “wrong target”
    "#);
}

fn read_only(count: u128, name: &str) -> Vec<ReadOnlyLine> {
    (0..count)
        .map(|n| ReadOnlyLine {
            action: ActionId::new(Uuid::from_u128(n + 1)),
            version: ActionVersionId::new(Uuid::from_u128(n + 1000)),
            key: format!("list_{n}{}", "x".repeat(80)),
            name: name.to_owned(),
        })
        .collect()
}

#[test]
fn fifty_of_the_longest_names_fit() {
    for name in ["<".repeat(200), "👩‍💻".repeat(60), "\u{202E}".repeat(100), "List".to_owned()] {
        let integration_name = name.clone();
        let shown = ReadOnlyActions { integration_name, lines: read_only(50, &name), more: true };
        let view = bulk_unlock::modal(&shown);
        checks::sound(&view, 100);
        let values: Vec<_> = view["blocks"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|block| block["element"]["options"].as_array())
            .flatten()
            .filter_map(|option| bulk_unlock::chosen(option["value"].as_str().unwrap()))
            .collect();
        let listed: Vec<_> = shown.lines.iter().map(|line| (line.action, line.version)).collect();
        assert_eq!(values, listed);
    }
}

#[test]
fn no_action_means_no_button() {
    let integration_name = "GitHub".to_owned();
    let view = bulk_unlock::modal(&ReadOnlyActions { integration_name, lines: Vec::new(), more: false });
    checks::sound(&view, 100);
    assert_eq!(view.get("submit"), None);
}

#[test]
fn what_was_left_out_is_said() {
    let view = bulk_unlock::done(BulkUnlock { unlocked: 12, left_out: 1 });
    checks::sound(&view, 100);
    let text = view.to_string();
    assert!(text.contains("Unlocked 12 actions.") && text.contains("1 action was left out"), "{text}");
    checks::sound(&bulk_unlock::done(BulkUnlock::default()), 100);
}

fn failing(text: &str, lines: u128) -> FailingWebhooks {
    let at = DateTime::<Utc>::UNIX_EPOCH;
    let line = |n: u128| FailingLine {
        id: DeliveryId::new(Uuid::from_u128(n + 1)),
        event: "approval.approved".to_owned(),
        created_at: at,
        attempts: 7,
        last_error: Some(text.to_owned()),
        next_at: (n.is_multiple_of(2)).then_some(at),
        is_dead: n.is_multiple_of(3),
    };
    FailingWebhooks {
        backend: BackendId::new(Uuid::from_u128(1)),
        name: text.to_owned(),
        failing_since: Some(at),
        stopped_at: None,
        waiting: COUNTED,
        lines: (0..lines).map(line).collect(),
    }
}

#[test]
fn the_most_lines_with_the_longest_errors_fit() {
    for text in ["<".repeat(3_000), "👩‍💻".repeat(500), "\u{202E}".repeat(900)] {
        checks::sound(&failing_webhooks::modal(&failing(&text, 20)), 100);
    }
    checks::sound(&failing_webhooks::modal(&failing("agents", 0)), 100);
}

#[test]
fn the_state_of_the_endpoint_is_said() {
    let says = |shown: &FailingWebhooks| failing_webhooks::modal(shown)["blocks"][1].to_string();
    let shown = failing("agents", 1);
    assert!(says(&shown).contains("At least 1000 webhooks are waiting."));
    let stopped = FailingWebhooks { stopped_at: shown.failing_since, waiting: 1, ..shown };
    assert!(says(&stopped).contains("1 webhook is waiting. When the endpoint accepts"));
}

fn figures(week: u64, timed: u64, quick: u64) -> PersonFigures {
    PersonFigures {
        user: UserId::parse("U0ALICE").unwrap(),
        last_week: week,
        last_month: week * 3,
        is_more: week > 300,
        timed,
        quick,
        sampled: timed,
        most: Some(FrequentAction {
            path: "github.create_issue".to_owned(),
            count: timed / 2,
            lock: Lock::Locked,
            impact: Impact::ReadOnly,
        }),
    }
}

fn numbers(figures: PersonFigures) -> String {
    fatigue::modal(&[figures])["blocks"][1]["fields"][0]["text"].as_str().unwrap().to_owned()
}

#[test]
fn figures_are_said_in_words() {
    assert_snapshot!(numbers(figures(427, 200, 80)), @"<@U0ALICE> approved at least 61 a day in the last 7 days, 40 % within 3 seconds. In the last 30 days: at least 1281.");
    assert_snapshot!(numbers(figures(3, 3, 1)), @"<@U0ALICE> approved 0.4 a day in the last 7 days, too few to tell how quickly. In the last 30 days: 9.");
}

#[test]
fn ten_people_fit() {
    let mut one = figures(427, 200, 80);
    if let Some(most) = &mut one.most {
        most.path = format!("{}.{}", "i".repeat(100), "a".repeat(100));
    }
    checks::sound(&fatigue::modal(&vec![one; 10]), 100);
    checks::sound(&fatigue::modal(&[]), 100);
}
