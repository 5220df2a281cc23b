//! Each view as a snapshot for a human reader: the files are in `../snapshots`.

use chrono::TimeDelta;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use super::{
    checks,
    samples::{FREE, alice, approval, asked_at, decided, foreign, name, ordinary, result, state, verdicts},
};
use crate::{
    domain::{
        approvals::{Approval, Place},
        catalog::{Eligibility, Lock},
        decision::{DenialReason, Verdict},
        rejection::Rejection,
        results::ResultStatus,
        text::{Prose, Text},
    },
    slack::view::{
        deny, details, message::Message, notice, plain::plain, prompt::prompt, prompt_state::PromptState,
        sentences,
    },
};

pub(super) fn keep(name: &str, value: &Value) {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        assert_json_snapshot!(name, value);
    });
}

pub(super) fn keep_message(name: &str, message: &Message) {
    checks::message(&message.to_json());
    keep(name, &message.to_json());
}

#[test]
fn a_pending_prompt_says_who_wants_what_and_offers_three_ways_to_approve() {
    keep_message("prompt_pending", &prompt(&state(&ordinary())));
}

#[test]
fn a_prompt_in_a_channel_calls_the_one_who_decides() {
    let mut approval = ordinary();
    let channel = Text::new("C0SALES").unwrap();
    approval.request.place = Some(Place { channel, thread_ts: None });
    keep_message("prompt_in_a_channel", &prompt(&state(&approval)));
}

#[test]
fn a_closed_conversation_is_not_offered() {
    let approval = ordinary();
    let standing = Eligibility { conversation_closed: true, ..FREE };
    keep_message("prompt_conversation_closed", &prompt(&PromptState { standing, ..state(&approval) }));
}

#[test]
fn a_locked_action_has_no_menu_and_says_why() {
    let approval = ordinary();
    let standing = Eligibility { lock: Lock::Locked, connected: false, ..FREE };
    let shown = PromptState { standing, ..state(&approval) };
    keep_message("prompt_locked", &prompt(&shown));
    keep_message("prompt_requested", &prompt(&PromptState { requested: true, ..shown }));
}

#[test]
fn an_unconnected_integration_has_no_menu_and_says_what_to_do() {
    let approval = ordinary();
    let standing = Eligibility { connected: false, ..FREE };
    let shown = PromptState { standing, ..state(&approval) };
    keep_message("prompt_not_connected", &prompt(&shown));
    keep_message(
        "prompt_not_connected_without_address",
        &prompt(&PromptState { connect_url: None, ..shown }),
    );
}

#[test]
fn a_changed_action_has_no_menu_and_says_why() {
    let approval = ordinary();
    let standing = Eligibility { lock: Lock::Changed, ..FREE };
    keep_message("prompt_changed", &prompt(&PromptState { standing, ..state(&approval) }));
    let standing = Eligibility { outdated: true, ..FREE };
    keep_message("prompt_outdated", &prompt(&PromptState { standing, ..state(&approval) }));
}

#[test]
fn a_bare_request_has_no_empty_places() {
    let mut approval = approval("{}");
    approval.request.reason = None;
    approval.request.agent.name = None;
    approval.request.conversation.title = None;
    approval.request.conversation.url = None;
    approval.request.action.impact = crate::domain::risk::Impact::DESTRUCTIVE;
    keep_message("prompt_bare_and_destructive", &prompt(&state(&approval)));
}

#[test]
fn names_from_right_to_left_stand_alone() {
    let mut approval = approval(r#"{"to":"שלום עולם","amount":100}"#);
    approval.request.agent.name = Some(name("אטלס"));
    approval.request.action.integration_name = "מכירות".to_owned();
    approval.request.reason = Some(Prose::new("שלום").unwrap());
    keep_message("prompt_right_to_left", &prompt(&state(&approval)));
}

#[test]
fn forged_text_stays_text() {
    let mut approval = approval(
        r#"{"note":"```\n*Approved* by <@U0BOB>\n[ Approve ]","to":"pay\u202e001\u200b","url":"<https://evil.example|Approve>","a\nobject    Task":":white_check_mark:"}"#,
    );
    approval.request.agent.name = Some(name("Atlas`*:tada:* <!channel>\nApproved by Bob"));
    approval.request.reason =
        Some(Prose::new("Fine.\n“\n> quoted <https://evil.example|Click here> & more").unwrap());
    keep_message("prompt_forged", &prompt(&state(&approval)));
}

#[test]
fn long_text_is_cut_and_says_so() {
    let mut approval = approval(&format!(
        r#"{{"body":"{}","list":[{}],"k2":1,"k3":1,"k4":1,"k5":1,"k6":1,"k7":1,"k8":1,"k9":1,"k10":1,"k11":1,"k12":1,"k13":1}}"#,
        "All work and no play. ".repeat(60),
        vec!["12345"; 200].join(","),
    ));
    approval.request.reason = Some(Prose::new("one\n".repeat(30)).unwrap());
    approval.request.conversation.title = Some(name(&"Quarter ".repeat(25)));
    keep_message("prompt_long", &prompt(&state(&approval)));
}

#[test]
fn every_ending_is_said_in_words() {
    for (name, verdict) in verdicts() {
        let approval = decided(verdict);
        keep_message(&format!("decided_{name}"), &prompt(&state(&approval)));
    }
}

#[test]
fn a_reason_from_the_menu_is_said_in_the_same_line() {
    let reason = Some(DenialReason::WrongTarget.to_prose());
    let approval = decided(Verdict::Denied { user: alice(), reason });
    keep_message("decided_denied_wrong_target", &prompt(&state(&approval)));
}

#[test]
fn a_decided_prompt_collapses() {
    for (name, verdict) in verdicts() {
        let approval = decided(verdict);
        let decided = prompt(&state(&approval));
        let blocks = decided.blocks.len();
        assert_eq!(blocks, 5, "{name}: outcome, action, target, agent, buttons");
        let length = |message: Message| message.to_json().to_string().len();
        assert!(length(decided) < length(prompt(&state(&ordinary()))) / 2, "{name}");
    }
}

#[test]
fn a_result_is_said_in_the_agents_words() {
    let (_, once) = verdicts().remove(0);
    let mut approval = decided(once);
    let address = Some("https://github.com/acme/app/pull/1208");
    for (name, result) in [
        ("succeeded", result(ResultStatus::Succeeded, Some("Opened PR #1208"), address)),
        ("failed", result(ResultStatus::Failed, Some("The repository is archived"), None)),
        ("succeeded_in_silence", result(ResultStatus::Succeeded, None, None)),
    ] {
        approval.result = Some(result);
        keep_message(&format!("decided_{name}"), &prompt(&state(&approval)));
    }
}

#[test]
fn an_address_is_written_out_and_always_names_its_site() {
    let shown = |address: &str| {
        let (_, once) = verdicts().remove(0);
        let result = Some(result(ResultStatus::Succeeded, None, Some(address)));
        let approval = Approval { result, ..decided(once) };
        let json = prompt(&state(&approval)).to_json();
        let link = json["blocks"][4]["elements"][1]["elements"][0].clone();
        assert_eq!((&link["type"], &link["url"]), (&json!("link"), &json!(address)));
        link["text"].as_str().unwrap().to_owned()
    };
    for address in ["https://github.com/acme/app/pull/1208", "https://example.com/?to=https://github.com/"] {
        assert_eq!(shown(address), address);
    }
    let site = format!("https://{}.example.com/", ["a".repeat(50).as_str(); 4].join("."));
    let long = format!("{site}{}", "p".repeat(1500));
    assert!(shown(&long).starts_with(&site) && shown(&long).ends_with('…'), "{}", shown(&long));
}

#[test]
fn a_grant_that_was_turned_off_is_said_to_be_off() {
    for (name, verdict) in verdicts().into_iter().skip(1).take(2) {
        let approval = decided(verdict);
        let shown = PromptState { grant_live: false, ..state(&approval) };
        keep_message(&format!("decided_{name}_turned_off"), &prompt(&shown));
    }
}

#[test]
fn plain_text_says_where_to_decide_instead() {
    keep_message("plain_pending", &plain(&state(&ordinary())));
    let approval = decided(Verdict::Expired);
    keep_message("plain_expired", &plain(&state(&approval)));
}

#[test]
fn modals_are_drawn() {
    let approval = ordinary();
    for (name, view) in [
        ("details", details::details(&approval, 0)),
        ("deny", deny::modal(&approval)),
        ("notice", notice::notice("Deny", sentences::sentence(&Rejection::WrongPerson { owner: alice() }))),
    ] {
        checks::sound(&view, 100);
        keep(name, &view);
    }
}

#[test]
fn details_have_pages() {
    let long = approval(&format!(r#"{{"body":"{}","tail":[1,2]}}"#, "x".repeat(41_000)));
    assert_eq!(details::page_count(&long), 2);
    let view = details::details(&long, 7);
    assert_eq!(view, details::details(&long, 1), "a page that doesn't exist is the last");
    keep("details_second_page", &view);
}

#[test]
fn the_time_left_is_said_in_its_largest_unit() {
    let said = |minutes: i64, seconds: i64| {
        let mut approval = ordinary();
        approval.request.expires_at = asked_at() + TimeDelta::minutes(minutes) + TimeDelta::seconds(seconds);
        let text = prompt(&state(&approval)).to_json()["blocks"].to_string();
        let (_, rest) = text.split_once("expires ").unwrap();
        rest.split_once(" (").unwrap().0.to_owned()
    };
    assert_eq!(said(0, 10), "in 10 s");
    assert_eq!(said(1, 0), "in 1 min");
    assert_eq!(said(29, 30), "in 30 min");
    assert_eq!(said(120, 0), "in 2 h");
    assert_eq!(said(7 * 24 * 60, 0), "in 7 days");
    assert_eq!(said(0, 0), "now");
    assert_eq!(said(-5, 0), "now");
}

#[test]
fn every_refusal_is_said_to_the_person_who_clicked() {
    let ended = |verdict| Rejection::AlreadyEnded(Box::new(decided(verdict)));
    let mut said: Vec<Value> = [
        Rejection::WrongPerson { owner: alice() },
        Rejection::AlreadyEnded(Box::new(ordinary())),
        Rejection::Expired,
        Rejection::Guest,
        Rejection::OtherWorkspace,
        Rejection::NotAdmin,
        Rejection::Locked,
        Rejection::NotConnected,
        Rejection::ChangedSinceUnlocked,
        Rejection::ChangedSinceAsked,
        Rejection::ChangedSinceShown,
        Rejection::ConversationClosed,
        Rejection::UnknownApproval,
        Rejection::UnknownGrant,
        Rejection::UnknownIntegration,
        Rejection::UnknownAction,
        Rejection::UnknownConversation,
        Rejection::UnknownDelivery,
        Rejection::UnknownUnlockRequest,
        Rejection::AlreadyUnlocked,
        Rejection::UnknownUser,
        Rejection::LookupUnavailable,
        Rejection::SlackBusy(30),
        Rejection::MissingScope("users:read".to_owned()),
        Rejection::WorkspaceRemoved,
        Rejection::BackendDisabled,
        Rejection::Unauthenticated,
        Rejection::KeyReused(foreign("<!channel>")),
    ]
    .iter()
    .map(|rejection| json!([rejection.code(), sentences::sentence(rejection)]))
    .collect();
    for (name, verdict) in verdicts() {
        said.push(json!([name, sentences::sentence(&ended(verdict))]));
    }
    for sentence in &said {
        checks::message(&json!({ "text": sentence[1] }));
    }
    keep("sentences", &Value::from(said));
}

#[test]
fn a_forged_id_mentions_nobody() {
    let owner = crate::domain::ids::UserId::from_stored("U1> <!channel".to_owned());
    let said = sentences::sentence(&Rejection::WrongPerson { owner });
    assert!(said.contains("<@U1channel>"), "{said}");
}

#[test]
fn a_decided_prompt_has_no_way_to_decide() {
    for (_, verdict) in verdicts() {
        let approval: Approval = decided(verdict);
        let json = prompt(&state(&approval)).to_json().to_string();
        for control in ["\"approve\"", "\"approve_more\"", "\"deny\""] {
            assert!(!json.contains(control), "{json}");
        }
        assert!(json.contains("\"details\""));
    }
}
