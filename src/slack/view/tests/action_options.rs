//! What admins choose for an action, and what people then see.

use serde_json::Value;

use super::{
    checks,
    samples::{FREE, ordinary, state},
    screens::{action, integration, options_line},
    snapshots::{keep, keep_message},
};
use crate::{
    domain::{
        catalog::{Eligibility, Lock, UnlockedFor},
        overview::{ActionLine, OptionsLine, Page, SettingLine},
        risk::Impact,
    },
    slack::view::{
        action_options,
        prompt::prompt,
        prompt_state::PromptState,
        settings::{self, Content},
    },
};

const LIMITED: Eligibility = Eligibility { lock: Lock::Unlocked(UnlockedFor::Conversations), ..FREE };

/// The options of the prompt's menu.
fn menu(standing: Eligibility) -> Vec<String> {
    let approval = ordinary();
    let message = prompt(&PromptState { standing, ..state(&approval) }).to_json();
    checks::message(&message);
    let rows = message["blocks"].as_array().unwrap().iter().filter(|block| block["type"] == "actions");
    let elements = rows.flat_map(|row| row["elements"].as_array().unwrap());
    let menu = elements.filter(|element| element["action_id"] == "approve_more");
    let options = menu.flat_map(|menu| menu["options"].as_array().unwrap());
    options.map(|option| option["text"]["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_menu_offers_only_what_an_admin_allows() {
    let all =
        ["Approve manually", "Auto-approve for this conversation", "Auto-approve always", "More options…"];
    assert_eq!(menu(FREE), all);
    assert_eq!(menu(LIMITED), [all[0], all[1], all[3]]);
    let closed = Eligibility { conversation_closed: true, ..LIMITED };
    assert_eq!(menu(closed), [""; 0], "a menu needs two choices");
    let approval = ordinary();
    let text = prompt(&PromptState { standing: closed, ..state(&approval) }).to_json().to_string();
    assert!(text.contains("this conversation is closed, and the action is unlocked for conversations only"));
}

#[test]
fn a_request_that_must_be_read_says_so() {
    let mut approval = ordinary();
    approval.request.action.must_read = true;
    keep_message("prompt_must_read", &prompt(&state(&approval)));
}

#[test]
fn an_admin_is_warned_before_agents_may_run_any_command() {
    let text = |path: &str| {
        let line = OptionsLine { path: path.to_owned(), ..options_line("Run a command", None) };
        action_options::unlock(&line, None).to_string()
    };
    assert!(text("claude.Bash").contains("⚠\u{a0}This lets agents run any command."));
    assert!(!text("claude.Write").contains("any command"));
}

#[test]
fn an_admin_chooses_what_a_destructive_action_is_unlocked_for() {
    let view = action_options::unlock(&options_line("Delete", None), None);
    checks::sound(&view, 100);
    keep("action_unlock", &view);
}

#[test]
fn an_admin_changes_what_people_may_do() {
    let view = action_options::options(&options_line("Delete", Some(UnlockedFor::Always)));
    checks::sound(&view, 100);
    keep("action_options", &view);
    let locked = OptionsLine { impact: Impact::Undeclared, must_read: true, ..options_line("Delete", None) };
    let view = action_options::options(&locked);
    checks::sound(&view, 100);
    let initial = |block: usize| view["blocks"][block]["element"]["initial_option"]["value"].clone();
    assert_eq!([initial(1), initial(2)], [Value::from("locked"), Value::from("yes")]);
}

#[test]
fn the_settings_have_no_toggle_for_what_is_unlocked_for_conversations() {
    let rendered = |always| {
        let line =
            ActionLine { unlocked: Some(UnlockedFor::Conversations), always, ..action("Create", true) };
        let page = Page::from_list(vec![SettingLine::Action(line)], 0, settings::LINES);
        let view = settings::settings(&Content::Gear(Box::new(integration("Sales", true)), page), None, "1");
        checks::sound(&view, 100);
        view.to_string()
    };
    let without = rendered(false);
    assert!(!without.contains("checkboxes"), "{without}");
    assert!(without.contains("Unlocked for conversations: turn it on in the menu of a request."));
    // One that an earlier version of the program left can still be turned off.
    assert!(rendered(true).contains("checkboxes"));
}
