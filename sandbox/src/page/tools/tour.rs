//! The tour: a bar over the page that says what to try, step by step. The page's script shows one step at a time, and
//! marks what the step is about.

use maud::{Markup, html};

use super::super::desk::Desk;
use super::super::look::tab_address;
use crate::slack::names::{ADMIN, ALICE};

/// A step: what it is about, the element that is marked, and the words.
struct Step {
    title: &'static str,
    at: &'static str,
    words: Markup,
}

/// Renders the tour, which the script opens, for the viewer.
pub(super) fn render(desk: &Desk, can_skip: bool) -> Markup {
    let steps = steps(desk, can_skip);
    let count = steps.len();
    html! {
        section.tour #tour hidden aria-label="Tour" data-testid="tour" {
            div.tour-steps aria-live="polite" {
                @for (index, step) in steps.iter().enumerate() {
                    div.tour-step hidden data-at=(step.at) {
                        h2.tour-title { (step.title) " " span.tour-count { (index + 1) " of " (count) } }
                        p { (step.words) }
                    }
                }
            }
            div.tour-buttons {
                button.btn type="button" data-tour="back" { "Back" }
                button.btn type="button" data-tour="next" { "Next" }
                button.btn type="button" data-tour="close" { "End tour" }
            }
        }
    }
}

fn steps(desk: &Desk, can_skip: bool) -> Vec<Step> {
    let as_user = |user: &str, tab: &str, words: &str| {
        html! { a.link href=(tab_address(user, tab)) { (words) } }
    };
    let at_home = desk.viewer.id == ALICE;
    let mut steps = vec![
        Step {
            title: "An agent asks",
            at: "[data-testid=message]:has([data-action-id=approve])",
            words: html! {
                "Before an agent acts, it asks the person it acts for. This is Slack as that person sees it. Each "
                "argument stands under its name; " strong { "Details" } " shows all of them. "
                @if !at_home { (as_user(ALICE, "", "You act as another user: act as Alice.")) }
            },
        },
        Step {
            title: "Decide",
            at: "[data-action-id=approve]",
            words: html! {
                "Press " strong { "Approve" } ". The agent learns of it, runs the call and reports the result. "
                strong { "Agent backend" } " shows the signed webhook that it received. " strong { "Deny" }
                " decides at once, too; the menu beside it adds a reason."
            },
        },
        Step {
            title: "Stop being asked",
            at: "[data-testid=ask] button[type=submit]",
            words: html! {
                "Press " strong { "Ask" } " in " strong { "Agent backend" } ". On the new message, open ⋯ beside "
                strong { "Approve" } " and choose " strong { "Auto-approve for this conversation" }
                ". Ask again: the call runs at once, until you press " strong { "Turn off" } "."
            },
        },
        Step {
            title: "Change it first",
            at: "[data-testid=ask] button[type=submit]",
            words: html! {
                "Ask with another conversation, such as " kbd { "c-2" } ". Open ⋯ beside " strong { "Approve" }
                " and choose " strong { "Edit and approve…" } ": correct a value and approve. The agent runs the "
                "call with your values, and the message names what you changed."
            },
        },
        Step {
            title: "Danger looks dangerous",
            at: "#ask-action",
            words: html! {
                "Choose " strong { "Delete repository" } " as the action and ask. The message warns first, "
                strong { "Approve" } " is red and asks you to confirm. The action is locked, so no one can auto-approve it."
            },
        },
        Step {
            title: "Fifty requests",
            at: "[data-testid=ask-day]",
            words: html! {
                "Press " strong { "50 requests" } ". Requests of one conversation share a message, with "
                strong { "Approve all" } "; " kbd { "/approvals list" } ", typed below the messages, shows the others. "
                "Requests that destroy something are decided one by one. " kbd { "/approvals" } " opens your settings."
            },
        },
        Step {
            title: "Your own program",
            at: ".curl",
            words: html! {
                "Every action of " strong { "Agent backend" } " shows the " strong { "curl" } " command that does the "
                "same. Paste it into a terminal and the request is here at once."
            },
        },
        Step {
            title: "Later",
            at: LATER,
            words: html! {
                "Leave a request waiting and press " strong { "20 minutes later" } ": one message reminds you. A backend of "
                "your own then refuses webhooks, which the demo signs with its own time. "
                "After " strong { "A day later" } " a digest lists what ran without asking, with "
                strong { "Turn off" } ". " strong { "Notifications…" } " there sets quiet hours."
            },
        },
        Step {
            title: "Administration",
            at: "[data-testid=acting-as]",
            words: html! {
                "Only Alice can decide Alice's requests. " (as_user(ADMIN, "home", "Act as Ada")) ", an admin: her "
                strong { "Home" } " tab unlocks and locks actions, and shows who permitted what. "
                @if !at_home { (as_user(ALICE, "", "Act as Alice again")) "." }
            },
        },
    ];
    steps.retain(|step| can_skip || step.at != LATER);
    steps
}

/// What the step about time marks.
const LATER: &str = "[data-testid=later]";
