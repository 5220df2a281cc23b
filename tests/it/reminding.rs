//! Reminders: when one comes, what it names, that it comes once, and what holds it back.

use chrono::{DateTime, TimeDelta, Utc};
use countersign::service::reminders;
use futures::future::join_all;
use insta::assert_snapshot;
use sandbox::slack::{Message, Misbehaviour, Press, Surface, View};
use serde_json::json;

use crate::story::{ALICE, SALES, TestApp, story};

const ACTION: &str = "github.create_issue";
const POST: &str = "chat.postMessage";

impl TestApp {
    /// Has the service look for what is due, and waits until it is done.
    pub async fn remind(&self) {
        self.settled().await;
        reminders::queue(&self.service, || ()).await.unwrap();
        self.settled().await;
    }

    /// Moves time, and has the service look for what is due.
    pub async fn remind_after(&self, by: TimeDelta) {
        self.advance_until_idle(by).await;
        self.remind().await;
    }

    /// Moves time until then.
    pub async fn advance_to(&self, at: &str) {
        let at: DateTime<Utc> = at.parse().unwrap();
        self.advance_until_idle(at - self.now()).await;
    }

    /// Picks an option of a menu of the Home tab.
    pub async fn pick_home(&self, user: &str, menu: &str, option: &str) {
        let picked = self.slack.choose(user, Surface::Home, menu, option).await.unwrap();
        assert!(picked.is_ok(), "{picked:?}");
    }
}

/// The messages that remind of something, or did.
fn reminders_of(s: &TestApp, user: &str) -> Vec<Message> {
    let all = s.slack.direct_messages(user).into_iter();
    let says = ["waiting for you.", "of this reminder ended", "expired without an answer"];
    let reminds = |text: &str| says.iter().any(|words| text.contains(words));
    all.filter(|message| reminds(&message.all_text())).collect()
}

async fn ask(s: &TestApp, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        ids.push(s.prompt(&s.call(ACTION, &format!("c-{number}"))).await.0);
    }
    ids
}

fn minutes(count: i64) -> TimeDelta {
    TimeDelta::minutes(count)
}

fn says(view: &View, what: &str) -> bool {
    view.all_text().contains(what)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_names_all_that_waits_and_follows_it() {
    story(async |s| {
        s.put("github").await;
        let ids = ask(s, 3).await;
        s.remind_after(minutes(19)).await;
        assert_eq!(reminders_of(s, ALICE).len(), 0);
        s.remind_after(minutes(1)).await;
        s.remind().await;
        let [reminder] = reminders_of(s, ALICE).try_into().unwrap();
        assert_snapshot!(reminder.all_text(), @r"
        3 requests are waiting for you. The first expires <!date^1790001800^{date_short_pretty} at {time}|2026-09-21 14:43 UTC>.
        Scout wants to open an issue in acme/checkout: Cart total off by one cent with a voucher
        Expires 2026-09-21 14:43 UTC. Open the message
        Scout wants to open an issue in acme/checkout: Cart total off by one cent with a voucher
        Expires 2026-09-21 14:43 UTC. Open the message
        Scout wants to open an issue in acme/checkout: Cart total off by one cent with a voucher
        Expires 2026-09-21 14:43 UTC. Open the message
        Type /approvals list to see everything that is waiting for you.
        ");
        assert!(reminder.to_json().to_string().contains("/archives/"), "it links to the prompts");
        assert_eq!(s.api().cancel(&ids[0]).await.status, 200);
        s.remind().await;
        let now = s.until(&reminder, |now| now.text().contains("2 requests are waiting")).await;
        assert!(now.all_text().contains("1 other request has ended"), "{}", now.all_text());
        s.advance_until_idle(minutes(11)).await;
        for id in &ids[1..] {
            assert_eq!(s.received_webhook(id).await.kind, "approval.expired");
        }
        s.remind().await;
        let now = s.until(&reminder, |now| now.text().contains("reminder ended")).await;
        assert_snapshot!(now.all_text(), @"3 requests of this reminder ended: 2 expired, 1 cancelled.");
        s.remind_after(minutes(60)).await;
        assert_eq!(reminders_of(s, ALICE).len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_requests_of_a_day_make_few_messages() {
    story(async |s| {
        s.put("github").await;
        for number in 0..50 {
            s.ask(&s.call(ACTION, &format!("c-{number}"))).await;
            s.remind_after(minutes(2)).await;
        }
        s.remind_after(minutes(30)).await;
        let count = reminders_of(s, ALICE).len();
        assert!((3..=5).contains(&count), "{count}");
        let twice: i64 = sqlx::query_scalar("SELECT count(*) - count(DISTINCT approval_id) FROM reminded")
            .fetch_one(&s.service.db)
            .await
            .unwrap();
        assert_eq!(twice, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_short_or_decided_is_not_reminded_of() {
    story(async |s| {
        s.put("github").await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.prompt(&s.call(ACTION, "c-2").expiring_in(599)).await;
        assert!(s.click(ALICE, &prompt, "Deny").await.is_ok());
        for _ in 0..6 {
            s.remind_after(minutes(4)).await;
        }
        assert_eq!(reminders_of(s, ALICE).len(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_instances_send_one() {
    story(async |s| {
        s.put("github").await;
        ask(s, 2).await;
        let others = [s.instance().await, s.instance().await];
        s.advance_until_idle(minutes(21)).await;
        for queued in join_all((0..8).map(|_| reminders::queue(&s.service, || ()))).await {
            queued.unwrap();
        }
        s.remind().await;
        assert_eq!(reminders_of(s, ALICE).len(), 1);
        for other in others {
            other.shutdown().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unconfirmed_message_is_not_repeated_and_a_refused_one_is() {
    story(async |s| {
        s.put("github").await;
        ask(s, 1).await;
        s.slack.misbehave(POST, Misbehaviour::RateLimited { retry_after: 20 }, 1);
        s.remind_after(minutes(21)).await;
        assert_eq!(reminders_of(s, ALICE).len(), 0);
        s.remind_after(TimeDelta::seconds(30)).await;
        assert_eq!(reminders_of(s, ALICE).len(), 1);
        s.advance_until_idle(minutes(40)).await;
        ask(s, 1).await;
        s.slack.misbehave(POST, Misbehaviour::DropAfterEffect, 1);
        s.remind_after(minutes(21)).await;
        for _ in 0..4 {
            s.remind_after(minutes(2)).await;
        }
        assert_eq!(reminders_of(s, ALICE).len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_hours_hold_back_what_still_waits_afterwards() {
    story(async |s| {
        s.slack.change_user(ALICE, |user| user.time_zone = Some("Europe/Berlin".to_owned()));
        s.put("github").await;
        s.home(ALICE, |view| says(view, "There are no quiet hours.")).await;
        // It is 16:13 in Berlin.
        s.pick_home(ALICE, "quiet_from", "16").await;
        s.home_shows(ALICE, |view| says(view, "from 16:00 to 08:00")).await;
        s.pick_home(ALICE, "quiet_until", "17").await;
        let home = s.home_shows(ALICE, |view| says(view, "from 16:00 to 17:00")).await;
        assert!(says(&home, "Europe/Berlin"), "{}", home.all_text());
        let (short, _) = s.prompt(&s.call(ACTION, "c-1")).await;
        let (long, _) = s.prompt(&s.call(ACTION, "c-2").expiring_in(3600)).await;
        assert_eq!(s.slack.direct_messages(ALICE).len(), 2, "requests come at once");
        s.advance_to("2026-09-21T14:59:59Z").await;
        s.remind().await;
        assert_eq!(reminders_of(s, ALICE).len(), 0);
        assert_eq!(s.received_webhook(&short).await.kind, "approval.expired");
        s.remind_after(TimeDelta::seconds(1)).await;
        let [reminder] = reminders_of(s, ALICE).try_into().unwrap();
        assert!(reminder.text().contains("1 request is waiting for you."), "{}", reminder.text());
        assert_eq!(s.status(&long).await, "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_none_or_can_not_decide_gets_none() {
    story(async |s| {
        s.put("github").await;
        assert!(s.command(ALICE, "").await.is_ok());
        s.modal(ALICE, |view| says(view, "Reminders are on")).await;
        let off = s.slack.click_label(ALICE, Surface::Modal, "Turn off reminders").await.unwrap();
        assert!(off.is_ok());
        s.modal(ALICE, |view| says(view, "Reminders are off.")).await;
        ask(s, 1).await;
        s.remind_after(minutes(21)).await;
        assert_eq!(reminders_of(s, ALICE).len(), 0);
        assert!(s.slack.click_label(ALICE, Surface::Modal, "Turn on reminders").await.unwrap().is_ok());
        s.modal(ALICE, |view| says(view, "Reminders are on")).await;
        s.slack.change_user(ALICE, |user| user.is_restricted = true);
        s.remind_after(minutes(1)).await;
        assert_eq!(reminders_of(s, ALICE).len(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_a_channel_is_reminded_of_in_private() {
    story(async |s| {
        s.put("github").await;
        s.slack.change_channel(SALES, |channel| {
            channel.members.insert(sandbox::slack::names::BOT_USER.to_owned())
        });
        s.ask(&s.call(ACTION, "c-1").in_channel(SALES, None)).await;
        s.settled().await;
        let in_channel = s.slack.messages(SALES).len();
        s.remind_after(minutes(21)).await;
        assert_eq!(s.slack.messages(SALES).len(), in_channel);
        let [reminder] = reminders_of(s, ALICE).try_into().unwrap();
        assert!(reminder.to_json().to_string().contains(&format!("/archives/{SALES}/p")), "{reminder:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_that_no_menu_offers_change_nothing() {
    story(async |s| {
        s.put("github").await;
        s.home(ALICE, |view| says(view, "There are no quiet hours.")).await;
        let press = Press::labelled(Surface::Home, "Turn off reminders");
        let payload = s.slack.prepare_press(ALICE, &press).unwrap().unwrap();
        for (action_id, value) in [
            ("quiet_from", "24"),
            ("quiet_from", "08:00"),
            ("quiet_until", "-1"),
            ("notify", "maybe"),
            ("quiet_until", "7"),
        ] {
            let mut payload = payload.clone();
            payload["actions"][0]["action_id"] = json!(action_id);
            payload["actions"][0]["value"] = json!(value);
            assert!(s.slack.forge_block_actions(payload).await.is_ok());
        }
        s.settled().await;
        let home = s.home(ALICE, |view| says(view, "There are no quiet hours.")).await;
        assert!(says(&home, "Reminders are on"), "{}", home.all_text());
    })
    .await;
}
