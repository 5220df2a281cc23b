//! The whole story of settings, on the page of the local Slack, in a browser: three people, an agent, and what each
//! of them sees.

use std::io::Write as _;

use chrono::TimeDelta;
use sandbox::slack::{Gesture, Press, Surface};

use crate::{
    chromium::{Chromium, Tab},
    story::{ADMIN, ALICE, BOB, TestApp, eventually, story},
};

const ACTION: &str = "github.create_issue";

/// Checks that every control has an accessible name.
async fn every_control_has_a_name(browser: &mut Chromium, tab: &Tab) {
    let names = browser.names(tab).await;
    assert!(!names.is_empty());
    for name in &names {
        assert!(name.chars().any(char::is_alphabetic), "a control is called {name:?}, among {names:?}");
    }
}

fn at(s: &TestApp, path: &str, user: &str) -> String {
    format!("{}{path}?as={user}", s.slack.origin())
}

/// These words stand on the page.
fn says(words: &str) -> String {
    format!("document.body.innerText.includes({})", serde_json::json!(words))
}

/// Something on the page fits.
fn stands(selector: &str) -> String {
    format!("document.querySelector({})", serde_json::json!(selector))
}

/// A request for a user.
fn call(s: &TestApp, user: &str, conversation: &str) -> sandbox::backend::Ask {
    let mut ask = s.call(ACTION, conversation);
    user.clone_into(&mut ask.user);
    ask
}

/// A browser; `None`, said aloud, where there is none.
async fn start() -> Option<Chromium> {
    let browser = Chromium::start().await;
    if browser.is_none() {
        assert!(
            std::env::var_os("COUNTERSIGN_BROWSER").is_none(),
            "there is no Chromium: .ci/run installs it"
        );
        // Printed even where output is captured: libtest captures only what goes through its own hooks.
        let said = "\nSKIPPED: there is no Chromium on this machine, so the page was not driven in a browser. \
                    Install one, or say where it is with CHROMIUM.\n";
        let _ = std::io::stderr().write_all(said.as_bytes());
    }
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_unlocks_a_user_toggles_and_the_admin_locks_again() {
    let Some(mut browser) = start().await else { return };
    story(async |s| {
        s.put("github").await;
        for user in [ALICE, BOB] {
            s.connect(user, "github").await;
        }
        let browser = &mut browser;

        // Alice's agent asks. The action is locked: she can only approve by hand, or ask the admins.
        let alice = browser.open(&at(s, "/", ALICE)).await;
        assert_eq!(s.ask(&call(s, ALICE, "c-1")).await.approval_status(), "pending");
        browser.until(&alice, "document.querySelector('[data-action-id=request_unlock]')").await;
        browser.until(&alice, "!document.querySelector('[data-action-id=approve_more]')").await;
        browser.picture(&alice, "locked", Some("[data-testid=message]")).await;
        every_control_has_a_name(browser, &alice).await;
        browser.click_until(&alice, "[data-action-id=request_unlock]", &says("You requested it")).await;
        let inbox = browser.open(&at(s, "/", ADMIN)).await;
        browser.sees(&inbox, "you to unlock:").await;
        browser.picture(&inbox, "unlock-request", Some("[data-testid=message]")).await;

        // The admin finds the request on the Home tab, and looks up the action there.
        let ada = browser.open(&at(s, "/home", ADMIN)).await;
        browser.sees(&ada, "you to unlock:").await;
        browser.picture(&ada, "home-admin", Some("[data-testid=home]")).await;
        every_control_has_a_name(browser, &ada).await;
        browser.click_until(&ada, "[data-action-id=pick]", &says("All integrations")).await;
        let id = s.action_id(ACTION).await;
        let [lock, unlock] =
            ["lock", "unlock"].map(|name| format!("[data-action-id={name}][data-value^={id}]"));
        browser.click_until(&ada, &unlock, &stands(&lock)).await;
        browser.picture(&ada, "home-admin-actions", Some("[data-testid=home]")).await;
        browser.sees(&alice, "unlocked it").await;

        // Alice opens her settings with the command, and turns the toggle on.
        browser
            .click_until(&alice, ".composer-text", "document.activeElement.matches('.composer-text')")
            .await;
        browser.type_line(&alice, "/approvals").await;
        browser.until(&alice, "document.querySelector('[data-testid=modal]')").await;
        browser.sees(&alice, "Choose what runs without asking you").await;
        browser.picture(&alice, "settings", Some("[data-testid=modal]")).await;
        let gear = "[data-testid=modal] [data-action-id=gear]";
        browser.click_until(&alice, gear, &says("Changes are saved at once")).await;
        let toggle = format!("[data-testid=modal] [data-testid=checkbox][data-block-id^='{id}'] input");
        browser.click(&alice, &toggle).await;
        browser.until(&alice, &format!("document.querySelector(\"{toggle}\").hasAttribute('checked')")).await;
        browser.picture(&alice, "settings-actions", Some("[data-testid=modal]")).await;
        every_control_has_a_name(browser, &alice).await;

        // The next request is not asked about; Bob's is, because it is Bob's.
        let next = s.ask(&call(s, ALICE, "c-2")).await;
        assert_eq!((next.approval_status(), next.str("/decision/scope")), ("approved", "always"));
        assert_eq!(s.ask(&call(s, BOB, "c-3")).await.approval_status(), "pending");
        let bob = browser.open(&at(s, "/", BOB)).await;
        browser.until(&bob, "document.querySelector('[data-action-id=approve_more]')").await;

        // She turns it off. The next request asks, with the menu.
        browser.click(&alice, &toggle).await;
        browser
            .until(&alice, &format!("!document.querySelector(\"{toggle}\").hasAttribute('checked')"))
            .await;
        let asked = s.ask(&call(s, ALICE, "c-2")).await;
        assert_eq!(asked.approval_status(), "pending");
        let closed = "!document.querySelector('[data-testid=modal]')";
        browser.click_until(&alice, "[data-testid=modal-close]", closed).await;
        browser
            .until(&alice, "document.querySelectorAll('[data-action-id=approve_more]').length === 2")
            .await;
        browser.go(&alice, &at(s, "/home", ALICE)).await;
        browser.sees(&alice, "Waiting for you (2)").await;
        browser.picture(&alice, "home", Some("[data-testid=home]")).await;
        every_control_has_a_name(browser, &alice).await;

        // The admin locks the action, and is asked once more before. The menus are gone, on old prompts and new ones.
        browser.click_until(&ada, &lock, &stands("dialog[open] [data-answer=yes]")).await;
        browser.click_until(&ada, "dialog[open] [data-answer=yes]", &stands(&unlock)).await;
        browser.until(&bob, "!document.querySelector('[data-action-id=approve_more]')").await;
        // Alice's direct messages have had their burst.
        s.pass(TimeDelta::seconds(5));
        assert_eq!(s.ask(&call(s, ALICE, "c-4")).await.approval_status(), "pending");
        browser.go(&alice, &at(s, "/", ALICE)).await;
        browser.until(&alice, "document.querySelectorAll('[data-action-id=approve]').length === 3").await;
        browser.until(&alice, "!document.querySelector('[data-action-id=approve_more]')").await;
        browser
            .until(&alice, "document.querySelectorAll('[data-action-id=request_unlock]').length === 3")
            .await;

        // One of them she decides on the Home tab.
        browser.go(&alice, &at(s, "/home", ALICE)).await;
        browser.sees(&alice, "Waiting for you (3)").await;
        browser.click(&alice, "[data-action-id=approve]").await;
        browser.sees(&alice, "Waiting for you (2)").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_a_conversation_are_reviewed_and_approved_on_one_message() {
    let Some(mut browser) = start().await else { return };
    story(async |s| {
        s.put("github").await;
        s.put("postgres").await;
        let browser = &mut browser;
        for (number, title) in ["Cart total", "Dark mode", "Slow search", "Broken link", "Typo", "Old logo"]
            .into_iter()
            .enumerate()
        {
            let mut ask = call(s, ALICE, "c-1");
            ask.arguments["title"] = title.into();
            s.clock.advance(TimeDelta::milliseconds(1));
            s.ask(&ask).await;
            if number == 3 {
                s.ask(&s.call("postgres.execute_sql", "c-1")).await;
            }
        }
        s.advance_until_idle(TimeDelta::seconds(2)).await;
        let alice = browser.open(&at(s, "/", ALICE)).await;
        browser.sees(&alice, "waiting for 5 decisions").await;
        let message = "[data-testid=message]:has([data-action-id=review])";
        browser.picture(&alice, "shared", Some(message)).await;
        every_control_has_a_name(browser, &alice).await;

        let modal = stands("[data-testid=modal] [data-action-id=approve]");
        browser.click_until(&alice, &format!("{message} [data-action-id=review]"), &modal).await;
        browser.sees(&alice, "6 more requests follow").await;
        browser.picture(&alice, "review", Some("[data-testid=modal]")).await;
        let next = says("5 more requests follow");
        browser.click_until(&alice, "[data-testid=modal] [data-action-id=deny]", &next).await;
        browser.sees(&alice, "You denied 1.").await;
        let closed = "!document.querySelector('[data-testid=modal]')";
        browser.click_until(&alice, "[data-testid=modal-close]", closed).await;

        let listed = stands("[data-testid=modal-submit]");
        browser.click_until(&alice, &format!("{message} [data-action-id=approve_all]"), &listed).await;
        browser.picture(&alice, "approve-all", Some("[data-testid=modal]")).await;
        browser.click_until(&alice, "[data-testid=modal-submit]", closed).await;
        s.advance_until_idle(TimeDelta::seconds(2)).await;
        // One that arrives before the destructive request is known has a message of its own, or shares.
        browser.until(&alice, "/[45] approved by/.test(document.body.innerText)").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_delegates_and_the_delegate_sees_why() {
    let Some(mut browser) = start().await else { return };
    story(async |s| {
        s.put("github").await;
        let browser = &mut browser;
        assert!(s.command(ALICE, "delegate").await.is_ok());
        let alice = browser.open(&at(s, "/", ALICE)).await;
        let form = "[data-testid=modal]";
        browser.sees(&alice, "Who decides for you?").await;
        every_control_has_a_name(browser, &alice).await;
        browser.picture(&alice, "delegation", Some(form)).await;
        for (input, value) in [("person", BOB), ("until", "2026-09-25"), ("reason", "On holiday")] {
            let gesture = match input {
                "reason" => Gesture::Enter(value.to_owned()),
                _ => Gesture::Pick(value.to_owned()),
            };
            s.slack.press(ALICE, Press::on(Surface::Modal, input).doing(gesture)).await.unwrap();
        }
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        let asked = s.ask(&call(s, ALICE, "c-1")).await;
        let bob = browser.open(&at(s, "/", BOB)).await;
        browser.sees(&bob, "On holiday").await;
        let message = "[data-testid=message]:has([data-action-id=approve])";
        every_control_has_a_name(browser, &bob).await;
        browser.picture(&bob, "delegate", Some(message)).await;
        let done = says("Approved by @Bob");
        browser.click_until(&bob, &format!("{message} [data-action-id=approve]"), &done).await;
        assert_eq!(s.status(asked.id()).await, "approved");
    })
    .await;
}

/// Fifty requests of four agents: four conversations of eleven, four single ones, and two that destroy something.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_requests_take_fourteen_clicks() {
    let Some(mut browser) = start().await else { return };
    story(async |s| {
        for integration in ["github", "gmail", "slack", "postgres"] {
            s.put(integration).await;
        }
        let browser = &mut browser;
        let alice = browser.open(&at(s, "/", ALICE)).await;
        browser.click_until(&alice, "[data-testid=ask-day]", &says("50 requests of 4 agents")).await;
        let pending = async || {
            let query = [("status", "pending"), ("limit", "100")];
            let reply = s.api().call(reqwest::Method::GET, &["approvals"], &query, None, &[]).await;
            reply.body["data"].as_array().map_or(0, Vec::len)
        };
        eventually("all were asked", async || (pending().await == 50).then_some(())).await;
        // Slack takes a message a second.
        let pass = async |seconds: usize| {
            for _ in 0..seconds {
                s.advance_until_idle(TimeDelta::seconds(1)).await;
            }
        };
        pass(60).await;

        let count = |action: &str| format!("document.querySelectorAll('[data-action-id={action}]').length");
        let (mut clicks, mut left) = (0, 50);
        browser.until(&alice, &format!("{} === 4", count("approve_all"))).await;
        for conversations in (0..4).rev() {
            let listed = stands("[data-testid=modal-submit]");
            browser.click_until(&alice, "[data-action-id=approve_all]", &listed).await;
            let closed = "!document.querySelector('[data-testid=modal]')";
            browser.click_until(&alice, "[data-testid=modal-submit]", closed).await;
            pass(20).await;
            browser.until(&alice, &format!("{} === {conversations}", count("approve_all"))).await;
            (clicks, left) = (clicks + 2, left - 11);
            assert_eq!(pending().await, left);
        }
        browser.until(&alice, &format!("{} === 6", count("approve"))).await;
        // The last message with buttons: what destroys is denied, the rest approved.
        for waiting in (0..6).rev() {
            let last = "[...document.querySelectorAll('[data-testid=message]:has([data-action-id=approve])')].at(-1)";
            let destroys = browser.until(&alice, &format!("({{ is: {last}.innerText.includes('Destructive') }})")).await;
            let button = if destroys["is"] == true { "[data-action-id=deny]" } else { "[data-action-id=approve]" };
            browser.click_until(&alice, button, &format!("{} === {waiting}", count("approve"))).await;
            (clicks, left) = (clicks + 1, left - 1);
            assert_eq!(pending().await, left);
        }
        assert_eq!((clicks, left), (14, 0));
        let mut ended = std::collections::BTreeMap::new();
        for status in ["approved", "denied"] {
            let query = [("status", status), ("limit", "100")];
            let reply = s.api().call(reqwest::Method::GET, &["approvals"], &query, None, &[]).await;
            ended.insert(status, reply.body["data"].as_array().map_or(0, Vec::len));
        }
        assert_eq!((ended["approved"], ended["denied"]), (48, 2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_fits_every_width_and_needs_no_mouse() {
    let Some(mut browser) = start().await else { return };
    story(async |s| {
        s.put("github").await;
        let browser = &mut browser;
        assert_eq!(s.ask(&call(s, ALICE, "c-1")).await.approval_status(), "pending");
        let alice = browser.open(&at(s, "/", ALICE)).await;
        browser.until(&alice, &stands("[data-action-id=approve]")).await;
        for width in [1280, 600, 390] {
            browser.size(&alice, (width, 800)).await;
            browser.until(&alice, &format!("innerWidth === {width}")).await;
            browser.until(&alice, "document.documentElement.scrollWidth <= innerWidth").await;
            for shown in ["[data-action-id=approve]", "[data-testid=composer]", "[data-testid=tour]"] {
                let visible = format!("document.querySelector('{shown}').checkVisibility()");
                browser.until(&alice, &visible).await;
            }
            every_control_has_a_name(browser, &alice).await;
        }

        // The tour is turned and ended; focus goes to the button that opens it again.
        browser.tab_to(&alice, "[data-tour=next]").await;
        browser.press(&alice, "Enter").await;
        browser.sees(&alice, "2 of 8").await;
        browser.tab_to(&alice, "[data-tour=close]").await;
        browser.press(&alice, "Enter").await;
        browser.until(&alice, "document.getElementById('tour').hidden").await;
        browser.until(&alice, "document.activeElement.matches('[data-tour=open]')").await;

        // At 390 px the panel lies over the conversation: Escape closes it, and gives the focus back.
        let (opener, open) = ("[popovertarget=tools]", "#tools:popover-open");
        browser.tab_to(&alice, opener).await;
        browser.press(&alice, "Enter").await;
        browser.until(&alice, &stands(open)).await;
        browser.press(&alice, "Escape").await;
        browser.until(&alice, &format!("!{}", stands(open))).await;
        browser.until(&alice, &format!("document.activeElement.matches('{opener}')")).await;

        // Asking from it closes it, and the request is there.
        browser.press(&alice, "Enter").await;
        browser.tab_to(&alice, "#tools [name=conversation]").await;
        browser.press(&alice, "Enter").await;
        browser.until(&alice, &format!("!{}", stands(open))).await;
        browser.until(&alice, "document.querySelectorAll('[data-action-id=approve]').length === 2").await;

        // Details open as a modal, which Escape closes.
        browser.tab_to(&alice, "[data-action-id=details]").await;
        let ring = "getComputedStyle(document.activeElement).outlineStyle === 'solid'";
        browser.until(&alice, ring).await;
        browser.press(&alice, "Enter").await;
        browser.until(&alice, "document.activeElement.closest('[data-testid=modal]')").await;
        browser.press(&alice, "Escape").await;
        browser.until(&alice, "!document.querySelector('[data-testid=modal]')").await;
        browser.until(&alice, "document.activeElement.matches('[data-action-id=details]')").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_tried_in_the_console_of_the_api() {
    let Some(mut browser) = start().await else { return };
    story(async |s| {
        s.put("github").await;
        let browser = &mut browser;
        let page = browser.open(&format!("{}/docs", s.url())).await;
        for width in [1280, 600, 390] {
            browser.size(&page, (width, 800)).await;
            browser.until(&page, &format!("innerWidth === {width}")).await;
            browser.until(&page, "document.documentElement.scrollWidth <= innerWidth").await;
        }
        every_control_has_a_name(browser, &page).await;

        // By keyboard: the key, the operation, Send. No call is made before.
        let form = "form[data-method=POST][data-path=\"/v1/approvals\"]";
        let shows = |name: &str| format!("document.querySelector('{form} [data-show={name}]')");
        browser.until(&page, "document.getElementById('key').focus() || true").await;
        browser.insert(&page, s.key()).await;
        browser.tab_to(&page, &format!(".try:has({form}) > summary")).await;
        browser.press(&page, "Enter").await;
        browser.until(&page, &format!("{}.textContent.includes(\"-X POST '{}/v1/approvals'\")", shows("curl"), s.url())).await;
        browser.until(&page, &format!("!{}.textContent.includes('cs_')", shows("curl"))).await;
        browser.until(&page, &format!("document.querySelector('{form} textarea').value = JSON.stringify({{ user: '{ALICE}', \
            agent: {{ id: 'a' }}, conversation: {{ id: 'c-1' }}, integration: 'github', action: 'create_issue', \
            arguments: {{ title: \"It's off\" }} }})")).await;
        assert!(s.api().list(&[]).await.data().is_empty());
        browser.tab_to(&page, &format!("{form} [data-show=send]")).await;
        browser.press(&page, "Enter").await;
        browser.until(&page, &format!("{}.textContent.startsWith('201')", shows("status"))).await;
        browser.until(&page, &format!("{}.textContent.includes('\"status\": \"pending\"')", shows("body"))).await;
        browser.until(&page, &format!("{}.textContent.includes('content-type: application/json')", shows("headers"))).await;
        browser.until(&page, "document.documentElement.scrollWidth <= innerWidth").await;
        assert_eq!(s.api().list(&[]).await.data().len(), 1);

        // The key is nowhere but in its field.
        let kept = "localStorage.length + sessionStorage.length + document.cookie.length === 0 && !location.href.includes('cs_')";
        browser.until(&page, kept).await;

        // What is wrong is shown as the API says it.
        browser.until(&page, &format!("document.querySelector('{form} textarea').value = '{{}}'")).await;
        browser.press(&page, "Enter").await;
        browser.until(&page, &format!("{}.matches('.bad') && {0}.textContent.startsWith('422')", shows("status"))).await;
        browser.until(&page, &format!("{}.textContent.includes('urn:countersign:problem:')", shows("body"))).await;
    })
    .await;
}

/// Nothing stands beyond the right edge at this width.
async fn fits(browser: &mut Chromium, tab: &Tab, width: u32) {
    browser.size(tab, (width, 900)).await;
    browser.until(tab, "document.documentElement.scrollWidth <= innerWidth").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_searches_unlocks_in_bulk_and_sees_what_fails() {
    let Some(mut browser) = start().await else { return };
    story(async |s| {
        s.put("github").await;
        s.connect(ALICE, "github").await;
        let (_, prompt) = s.prompt(&call(s, ALICE, "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Deny").await.is_ok());
        s.settled().await;
        let browser = &mut browser;
        let ada = browser.open(&at(s, "/home", ADMIN)).await;
        browser.sees(&ada, "Set up Countersign").await;
        every_control_has_a_name(browser, &ada).await;
        for (width, name) in [(390, "admin-home-narrow"), (1280, "admin-home")] {
            fits(browser, &ada, width).await;
            browser.picture_at(&ada, name, Some("[data-testid=home]"), width).await;
        }

        // The search, its result, and the file that arrives.
        let modal = "[data-testid=modal]";
        browser
            .click_until(&ada, "[data-action-id=search_audit]", &stands("[data-block-id=audit_topic]"))
            .await;
        every_control_has_a_name(browser, &ada).await;
        for (width, name) in [(390, "admin-search-narrow"), (1280, "admin-search")] {
            fits(browser, &ada, width).await;
            browser.picture_at(&ada, name, Some(modal), width).await;
        }
        browser.click(&ada, "[data-testid=modal-submit]").await;
        browser.sees(&ada, "Denied: github.create_issue").await;
        for (width, name) in [(390, "admin-search-result-narrow"), (1280, "admin-search-result")] {
            fits(browser, &ada, width).await;
            browser.picture_at(&ada, name, Some(modal), width).await;
        }
        browser.click_until(&ada, "[data-action-id=export_audit]", &says("The file is on its way")).await;
        browser.go(&ada, &at(s, "/", ADMIN)).await;
        browser.sees(&ada, "countersign-audit.csv").await;

        // Everything read-only at once. The search lies under its result, and both are closed first.
        browser.go(&ada, &at(s, "/home", ADMIN)).await;
        let closed = "!document.querySelector('[data-testid=modal]')";
        browser.click_until(&ada, "[data-testid=modal-close]", closed).await;
        browser.click_until(&ada, "[data-action-id=pick]", &says("All integrations")).await;
        let choice = stands("[data-block-id=unlocked_for]");
        browser.click_until(&ada, "[data-action-id=unlock_read_only]", &choice).await;
        every_control_has_a_name(browser, &ada).await;
        for (width, name) in [(390, "admin-read-only-narrow"), (1280, "admin-read-only")] {
            fits(browser, &ada, width).await;
            browser.picture_at(&ada, name, Some(modal), width).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auto_approval_is_narrowed_in_a_modal() {
    let Some(mut browser) = start().await else { return };
    story(async |s| {
        s.open(ACTION).await;
        let browser = &mut browser;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, "More options…").await.is_ok());
        let alice = browser.open(&at(s, "/", ALICE)).await;
        browser.sees(&alice, "Only with the same").await;
        browser.picture(&alice, "more-options", Some("[data-testid=modal]")).await;
        every_control_has_a_name(browser, &alice).await;
        let checked =
            "document.querySelectorAll('[data-testid=modal] input[type=checkbox]:checked').length > 0";
        browser.click_until(&alice, "[data-testid=modal] input[type=checkbox]", checked).await;
        let closed = "!document.querySelector('[data-testid=modal]')";
        browser.click_until(&alice, "[data-testid=modal-submit]", closed).await;
        s.advance_until_idle(TimeDelta::seconds(2)).await;
        browser.sees(&alice, "It now runs without asking in this conversation, only").await;
        assert_eq!(s.status(&id).await, "approved");
    })
    .await;
}
