//! Each view as a snapshot for a human reader: the files are in `../snapshots`.

use insta::assert_json_snapshot;
use serde_json::{Map, Value, json};

use super::{
    checks,
    samples::{
        FREE, alice, approval, asked_at, decided, editable, foreign, name, ordinary, result, state, verdicts,
        with_digest,
    },
};
use crate::{
    domain::{
        approvals::{Approval, Place},
        arguments::Arguments,
        catalog::{Eligibility, Lock, UnlockedFor},
        decision::{Decision, DenialReason, Verdict},
        editing::EntryFault,
        field_hints::{ArgumentPointer, FieldHint, Format, Label, Presentation},
        input_schema::InputSchema,
        rejection::Rejection,
        results::ResultStatus,
        risk::{Impact, Risk, Risks},
        templates::Template,
        text::{Prose, Text},
    },
    slack::view::{
        deny, details, editing, message::Message, notice, plain::plain, prompt::prompt,
        prompt_state::PromptState, sentences,
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
    let standing = Eligibility { lock: Lock::Changed(UnlockedFor::Always), ..FREE };
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
    approval.request.action.impact = Impact::DESTRUCTIVE;
    keep_message("prompt_bare_and_destructive", &prompt(&state(&approval)));
}

/// A prompt with everything that a backend can describe.
fn described() -> Approval {
    let mut approval = approval(
        r#"{"cc":"archive@example.com","amount":148000000,"currency":"eur","to":["kim@example.com","bob@example.com"],"body":"Dear Kim,\n\nplease find the contract enclosed.\n\nAlice","query":"vacuum\n  invoices"}"#,
    );
    let hint = |pointer: &str, label: &str, format| FieldHint {
        pointer: ArgumentPointer::new(pointer).unwrap(),
        label: Some(Label::new(label).unwrap()),
        format: Some(format),
    };
    approval.request.action.presentation = Presentation {
        title: Template::new("Send {amount} to {to}").ok(),
        fields: vec![
            hint("/to", "To", Format::List),
            hint("/amount", "Amount in cents", Format::Money),
            hint("/body", "Message", Format::Markdown),
            hint("/query", "Query", Format::Code),
        ],
    };
    approval
}

#[test]
fn a_described_action_reads_as_its_backend_says() {
    let mut approval = described();
    approval.request.action.impact = Impact::Changes([Risk::Destructive, Risk::Money].into_iter().collect());
    keep_message("prompt_described", &prompt(&state(&approval)));
    keep("details_described", &details::details(&approval, None, 0));
    keep("details_described_raw", &details::details(&approval, None, 1));
}

#[test]
fn what_is_declared_is_said_and_what_is_not_too() {
    let said = |impact| {
        let mut approval = ordinary();
        approval.request.action.impact = impact;
        prompt(&state(&approval)).to_json().to_string()
    };
    let red = |json: &str| json.contains(r#""style":"danger","confirm""#);
    let undeclared = said(Impact::Undeclared);
    assert!(undeclared.contains("Effect not declared") && !undeclared.contains('⚠') && !red(&undeclared));
    assert!(said(Impact::ReadOnly).contains("Read-only"));
    let none = said(Impact::Changes(Risks::NONE));
    assert!(!none.contains("Effect not declared") && !none.contains('⚠'));
    let external = said(Impact::Changes([Risk::External].into_iter().collect()));
    assert!(
        external.contains("⚠ External: this may reach people outside your organisation.") && !red(&external)
    );
    let destructive = said(Impact::DESTRUCTIVE);
    assert!(destructive.starts_with(r#"{"text":"⚠ Destructive. "#), "{destructive}");
    assert!(destructive.contains(r#""text":"⚠ Destructive: deleted data cannot be recovered.""#));
}

#[test]
fn approving_a_destructive_action_confirms_its_target() {
    let mut approval = approval(r#"{"owner":"acme","repo":"checkout-prototype"}"#);
    approval.request.action.impact = Impact::DESTRUCTIVE;
    let confirms = |approval: &Approval| {
        let message = prompt(&state(approval)).to_json();
        let row =
            message["blocks"].as_array().unwrap().iter().find(|block| block["type"] == "actions").unwrap();
        let controls = row["elements"].as_array().unwrap();
        let asking = controls.iter().filter(|control| control.get("confirm").is_some());
        let asking: Vec<_> = asking.map(|control| &control["action_id"]).collect();
        assert_eq!(asking, ["approve", "approve_more"]);
        controls[0]["confirm"]["text"]["text"].as_str().unwrap().to_owned()
    };
    insta::assert_snapshot!(confirms(&approval), @"
    Salesforce: Create record
    “acme”
    “checkout-prototype”
    Deleted data cannot be recovered.
    ");
    approval.request.action.presentation.title = Template::new("Delete {owner}/{repo}").ok();
    insta::assert_snapshot!(confirms(&approval), @"
    Delete “acme”/“checkout-prototype”
    Salesforce
    Deleted data cannot be recovered.
    ");
}

#[test]
fn the_text_of_a_message_says_what_counts() {
    let mut approval = described();
    approval.request.action.impact = Impact::Changes([Risk::Money].into_iter().collect());
    insta::assert_snapshot!(prompt(&state(&approval)).text, @"⚠ Moves money. “Atlas” wants to send “148,000,000 EUR” to “kim＠example․com” and 1 more. Message: “Dear Kim, please find the contract enclosed. Alice”; Query: “vacuum invoices”; CC: “archive＠example․com”. Reason: “Log the call with Acme”. Expires <!date^1773482213^{date_short_pretty} at {time}|2026-03-14 09:56 UTC>. Approve or deny?");
    insta::assert_snapshot!(prompt(&state(&ordinary())).text, @"“Atlas” wants to use “Salesforce∶ Create record”. Object: “Task”; Subject: “Call with Acme”; Due: “2026-03-16”. Reason: “Log the call with Acme”. Expires <!date^1773482213^{date_short_pretty} at {time}|2026-03-14 09:56 UTC>. Approve or deny?");
}

#[test]
fn an_editable_request_offers_changes_wherever_it_is_decided() {
    let (mut approval, _) = editable();
    let offered = |approval: &Approval, standing| {
        let message = prompt(&PromptState { standing, ..state(approval) }).to_json();
        let row =
            message["blocks"].as_array().unwrap().iter().find(|block| block["type"] == "actions").unwrap();
        let controls = row["elements"].as_array().unwrap().iter();
        let text = |item: &Value| item["text"]["text"].as_str().unwrap().to_owned();
        let texts = controls.flat_map(|control| match control["options"].as_array() {
            Some(options) => options.iter().map(text).collect(),
            None => vec![text(control)],
        });
        let texts: Vec<String> = texts.filter(|text| text.contains("Edit")).collect();
        texts.join(", ")
    };
    let locked = Eligibility { lock: Lock::Locked, ..FREE };
    assert_eq!(offered(&approval, FREE), "Edit and approve…", "in the menu");
    assert_eq!(offered(&approval, locked), "Edit…", "there is no menu");
    approval.request.action.impact = Impact::DESTRUCTIVE;
    assert_eq!(offered(&approval, FREE), "Edit…", "the menu asks for confirmation");
    approval.request.action.has_input_schema = false;
    assert_eq!(offered(&approval, FREE), "", "no schema says what arguments must look like");
    assert_eq!(offered(&ordinary(), locked), "", "the backend does not run changed arguments");
}

#[test]
fn the_modal_for_changes_has_an_input_for_each_simple_argument() {
    let (approval, schema) = editable();
    let view = editing::modal(&approval, &schema).unwrap();
    checks::sound(&view, 100);
    keep("edit", &view);
    let mut described = described();
    described.request.editable = true;
    described.request.action.impact = Impact::DESTRUCTIVE;
    let view = editing::modal(&described, &InputSchema::from_stored("{}").unwrap()).unwrap();
    checks::sound(&view, 100);
    keep("edit_described", &view);
}

#[test]
fn what_an_input_would_show_otherwise_has_none() {
    let schema = json!({ "properties": {
        "kind": { "enum": ["a", "A"] }, "long": { "enum": ["x".repeat(80), "y".repeat(80)] }, "one": { "enum": ["x"] },
        "hidden": { "enum": ["a\u{200B}", "b"] }, "list": { "enum": [["a"], "b"] },
    } });
    let schema = InputSchema::from_stored(&schema.to_string()).unwrap();
    let hidden = approval(
        r#"{"to":"pay\u202e001","cr":"a\rb","kind":"a","long":"x","one":"x","hidden":"b","list":"b","deep":{"a":1},"none":null}"#,
    );
    assert_eq!(editing::modal(&hidden, &schema), None);
    let mut members = Map::new();
    members.insert("long".to_owned(), "x".repeat(3_001).into());
    members.insert("fits".to_owned(), "<".repeat(3_000).into());
    let mut long = approval("{}");
    long.request.arguments = Arguments::from_stored(members);
    let view = editing::modal(&long, &InputSchema::from_stored("{}").unwrap()).unwrap();
    checks::sound(&view, 100);
    let inputs: Vec<_> =
        view["blocks"].as_array().unwrap().iter().filter(|block| block["type"] == "input").collect();
    assert_eq!(inputs.len(), 1);
    assert_eq!(inputs[0]["element"]["initial_value"], "<".repeat(3_000));
}

#[test]
fn an_error_stands_at_its_field() {
    let (approval, schema) = editable();
    let fault = |key: Option<&str>, detail: &str| EntryFault {
        key: key.map(str::to_owned),
        detail: detail.to_owned(),
    };
    let faults = vec![
        fault(Some("subject"), "Too long."),
        fault(Some("priority"), "Must be a whole number."),
        fault(Some("priority"), "Must be at most 5."),
        fault(Some("related"), "Required."),
        fault(None, "The arguments are too large."),
    ];
    let errors = editing::errors(&approval, &schema, faults);
    let at = |key| errors.get(&editing::block_id(key)).map(String::as_str);
    assert_eq!(at("subject"), Some("Too long."));
    assert_eq!(at("priority"), Some("Must be a whole number. Must be at most 5."));
    assert_eq!(at("object"), Some("Another argument is invalid: Required. The arguments are too large."));
    assert_eq!(errors.len(), 3);
}

#[test]
fn changes_are_shown_with_what_was_asked() {
    let (_, verdict) = verdicts().into_iter().find(|(name, _)| *name == "approved_edited").unwrap();
    let approval = decided(verdict);
    keep("details_edited", &details::details(&approval, None, 0));
    keep("details_edited_raw", &details::details(&approval, None, 2));
    assert_eq!(details::page_count(&approval), 3);
    let mut deleted = approval;
    deleted.request.arguments = Arguments::from_stored(Map::new());
    deleted.request.contents_deleted_at = Some(asked_at());
    deleted.decision = Some(Decision {
        verdict: Verdict::ApprovedEdited { user: alice(), edited: with_digest(Map::new()) },
        decided_at: asked_at(),
    });
    let text = prompt(&state(&deleted)).to_json().to_string();
    assert!(text.contains("Approved with changes") && !text.contains("Changed:"), "{text}");
    assert!(details::details(&deleted, None, 0).to_string().contains("Arguments deleted"));
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
    let approval = decided(Verdict::Denied { user: alice(), on_behalf_of: None, reason });
    keep_message("decided_denied_wrong_target", &prompt(&state(&approval)));
}

#[test]
fn a_decided_prompt_collapses() {
    for (name, verdict) in verdicts() {
        let approval = decided(verdict);
        let decided = prompt(&state(&approval));
        let blocks = decided.blocks.len();
        let changes = usize::from(name == "approved_edited");
        assert_eq!(blocks, 5 + changes, "{name}: outcome, action, target, changes, agent, buttons");
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
        ("details", details::details(&approval, None, 0)),
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
    assert_eq!(details::page_count(&long), 4, "two of fields, two of raw JSON");
    let view = details::details(&long, None, 7);
    assert_eq!(view, details::details(&long, None, 3), "a page that doesn't exist is the last");
    keep("details_second_page", &details::details(&long, None, 1));
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
        Rejection::NotEditable,
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
