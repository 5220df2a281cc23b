//! Installing by OAuth: the state, the code, tokens that rotate, organisations.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use countersign::config::ServeConfig;
use sandbox::slack::{Channel, Consent, Misbehaviour, Slack, Surface, User, Workspace, names};

use crate::{
    modes::{Browser, by_oauth, with_rotation},
    story::{ADMIN, ALICE, TestApp, story_as},
};

const ACTION: &str = "github.create_issue";

/// Asks, and approves what is shown: all of the way through Slack and back.
async fn works(s: &TestApp, conversation: &str) {
    let (id, prompt) = s.prompt(&s.call(ACTION, conversation)).await;
    assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
    assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
}

async fn text(response: reqwest::Response) -> (u16, String) {
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_installs_the_app_is_told_what_to_do_next_and_works() {
    story_as(by_oauth, async |s| {
        let page = Browser::new().install(s, names::TEAM).await;
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        let (status, page) = text(page).await;
        assert_eq!(status, 200);
        for words in ["installed in Acme", "/approvals", "countersign backend create --workspace T0SANDBOX"] {
            assert!(page.contains(words), "{words}: {page}");
        }
        works(s, "c-1").await;
        assert_eq!(s.audits("workspace.installed").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_grants_less_than_is_needed_reads_what_is_missing() {
    story_as(by_oauth, async |s| {
        let mut browser = Browser::new();
        let (status, page) = text(browser.install(s, names::TEAM).await).await;
        assert!(status == 200 && !page.contains("Something is missing"), "{page}");
        let location =
            browser.begin(s).await.replace("commands%2C", "").replace("chat%3Awrite.public%2C", "");
        let back = s.slack.consent(&location, Consent::Allow(names::TEAM)).unwrap();
        let (status, page) = text(browser.open(&back).await).await;
        assert_eq!(status, 200);
        assert!(page.contains("did not grant <code>commands</code>"), "{page}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_address_may_lie_below_a_path() {
    let below = |config: &mut ServeConfig, slack: &Slack| {
        by_oauth(config, slack);
        config.public_url = Some("https://example.com/tools/countersign".to_owned());
    };
    story_as(below, async |s| {
        let begun = sandbox::http::client().unwrap().get(format!("{}/slack/install", s.url()));
        let begun = begun.send().await.unwrap();
        let cookie = begun.headers()["set-cookie"].to_str().unwrap();
        assert!(
            cookie.contains("; Path=/tools/countersign/slack;") && cookie.contains("; Secure"),
            "{cookie}"
        );
        let (_, page) = text(Browser::new().open(&format!("{}/slack/oauth/callback", s.url())).await).await;
        assert!(page.contains("href=\"https://example.com/tools/countersign/slack/install\""), "{page}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn installing_again_replaces_the_token() {
    story_as(by_oauth, async |s| {
        Browser::new().install(s, names::TEAM).await;
        works(s, "c-1").await;
        let first = s.slack.bot_token();
        s.pass(TimeDelta::seconds(2));
        Browser::new().install(s, names::TEAM).await;
        assert_ne!(s.slack.bot_token(), first);
        works(s, "c-2").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_instance_learns_of_a_new_token_when_slack_refuses_the_old_one() {
    story_as(by_oauth, async |s| {
        Browser::new().install(s, names::TEAM).await;
        let other = s.instance().await;
        // Both have seen the first token.
        for number in 0..8 {
            works(s, &format!("c-{number}")).await;
            s.pass(TimeDelta::seconds(2));
        }
        Browser::new().install(s, names::TEAM).await;
        for number in 10..18 {
            works(s, &format!("c-{number}")).await;
            s.pass(TimeDelta::seconds(2));
        }
        other.shutdown().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_missing_or_foreign_state_installs_nothing() {
    story_as(by_oauth, async |s| {
        let mut browser = Browser::new();
        let location = browser.begin(s).await;
        let back = s.slack.consent(&location, Consent::Allow(names::TEAM)).unwrap();
        let (callback, query) = back.split_once('?').unwrap();
        let code = query.split('&').find(|pair| pair.starts_with("code=")).unwrap();
        for forged in [format!("{code}&state=forged"), code.to_owned(), "state=".to_owned(), String::new()] {
            let (status, page) = text(browser.open(&format!("{callback}?{forged}")).await).await;
            assert_eq!(status, 400, "{forged}");
            assert!(page.contains("can't be used") && page.contains("/slack/install"), "{page}");
        }
        // Another browser brings the right state without the cookie.
        let (status, _) = text(Browser::new().open(&back).await).await;
        assert_eq!(status, 400);
        // A state that anyone could write, without a seal.
        let unsealed = URL_SAFE_NO_PAD.encode(b"\x001999999999 AAAA");
        assert_eq!(browser.open(&format!("{callback}?{code}&state={unsealed}")).await.status(), 400);
        assert_eq!(s.audits("workspace.installed").await, 0);
        // None of this spoils it for the browser that began.
        assert_eq!(browser.open(&back).await.status(), 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_good_once_and_for_ten_minutes() {
    story_as(by_oauth, async |s| {
        let mut browser = Browser::new();
        let location = browser.begin(s).await;
        let back = s.slack.consent(&location, Consent::Allow(names::TEAM)).unwrap();
        assert_eq!(browser.open(&back).await.status(), 200);
        assert_eq!(browser.open(&back).await.status(), 400);
        // With another code it is no better.
        let again = s.slack.consent(&location, Consent::Allow(names::TEAM)).unwrap();
        let (status, page) = text(browser.open(&again).await).await;
        assert_eq!(status, 400);
        assert!(page.contains("can't be used"), "{page}");

        let location = browser.begin(s).await;
        s.advance_until_idle(TimeDelta::minutes(10)).await;
        let back = s.slack.consent(&location, Consent::Allow(names::TEAM)).unwrap();
        let (status, page) = text(browser.open(&back).await).await;
        assert_eq!(status, 400);
        assert!(page.contains("installation expired"), "{page}");
        assert_eq!(s.audits("workspace.installed").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_of_one_browser_can_both_be_finished() {
    story_as(by_oauth, async |s| {
        let mut browser = Browser::new();
        let (first, second) = (browser.begin(s).await, browser.begin(s).await);
        for location in [first, second] {
            let back = s.slack.consent(&location, Consent::Allow(names::TEAM)).unwrap();
            assert_eq!(browser.open(&back).await.status(), 200);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_used_is_explained() {
    story_as(by_oauth, async |s| {
        let mut browser = Browser::new();
        let location = browser.begin(s).await;
        let used = s.slack.consent(&location, Consent::Allow(names::TEAM)).unwrap();
        assert_eq!(browser.open(&used).await.status(), 200);
        // The same code with a state that is still good.
        let location = browser.begin(s).await;
        let fresh = s.slack.consent(&location, Consent::Allow(names::TEAM)).unwrap();
        let code =
            |url: &str| url.split(['?', '&']).find(|pair| pair.starts_with("code=")).unwrap().to_owned();
        let (status, page) = text(browser.open(&fresh.replace(&code(&fresh), &code(&used))).await).await;
        assert_eq!(status, 400);
        assert!(page.contains("did not confirm"), "{page}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_no_or_meets_a_broken_slack_reads_why() {
    story_as(by_oauth, async |s| {
        let mut browser = Browser::new();
        let location = browser.begin(s).await;
        let back = s.slack.consent(&location, Consent::Cancel).unwrap();
        let (status, page) = text(browser.open(&back).await).await;
        assert!(status == 200 && page.contains("Nothing was installed"), "{page}");
        for (misbehaviour, status, words) in [
            (Misbehaviour::ServerError(503), 502, "Could not reach Slack"),
            (Misbehaviour::HtmlPage, 502, "Could not reach Slack"),
            (Misbehaviour::DropAfterEffect, 502, "Could not reach Slack"),
            (Misbehaviour::SlackError("bad_client_secret".to_owned()), 500, "misconfigured"),
        ] {
            s.slack.misbehave("oauth.v2.access", misbehaviour.clone(), 1);
            let (seen, page) = text(browser.install(s, names::TEAM).await).await;
            assert_eq!(seen, status, "{misbehaviour:?}");
            assert!(page.contains(words), "{misbehaviour:?}: {page}");
        }
        assert_eq!(browser.install(s, names::TEAM).await.status(), 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_refresh_one_token_at_the_same_time_and_present_it_once() {
    story_as(with_rotation, async |s| {
        Browser::new().install(s, names::TEAM).await;
        let other = s.instance().await;
        works(s, "c-0").await;
        // The token is dead, and all calls find out at the same moment.
        s.slack.misbehave(
            "oauth.v2.access",
            Misbehaviour::SlowAnswer(std::time::Duration::from_millis(300)),
            1,
        );
        s.advance_until_idle(TimeDelta::hours(12)).await;
        let calls: Vec<_> = (1..17).map(|number| s.call(ACTION, &format!("c-{number}"))).collect();
        let asked = futures::future::join_all(calls.iter().map(|call| s.ask(call))).await;
        // No time passes before the exchange is over: whose turn it is has half a minute for it.
        s.until_so(async || s.token_is_fresh().await).await;
        // One a second may be posted to each person.
        s.until_so(async || {
            s.pass(TimeDelta::milliseconds(200));
            s.slack.direct_messages(ALICE).len() >= 17
        })
        .await;
        for reply in asked {
            let prompt = s.shown(ALICE, reply.id()).await;
            assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        }
        let exchanges = s.slack.calls().iter().filter(|call| call.method == "oauth.v2.access").count();
        assert_eq!(exchanges, 2, "one for the code, one for the refresh token");
        other.shutdown().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_replaced_before_it_runs_out() {
    story_as(with_rotation, async |s| {
        Browser::new().install(s, names::TEAM).await;
        s.advance_until_idle(TimeDelta::minutes(11 * 60 + 30)).await;
        works(s, "c-1").await;
        s.until_so(async || s.token_is_fresh().await).await;
        s.advance_until_idle(TimeDelta::hours(2)).await;
        works(s, "c-2").await;
        assert!(!s.slack.calls().iter().any(|call| format!("{:?}", call.outcome).contains("token_expired")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_no_call_uses_is_replaced_too() {
    story_as(with_rotation, async |s| {
        Browser::new().install(s, names::TEAM).await;
        s.advance_until_idle(TimeDelta::minutes(11 * 60 + 30)).await;
        s.until_so(async || s.token_is_fresh().await).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_slack_does_not_answer_is_tried_again() {
    story_as(with_rotation, async |s| {
        Browser::new().install(s, names::TEAM).await;
        s.slack.misbehave("oauth.v2.access", Misbehaviour::ServerError(500), 2);
        s.advance_until_idle(TimeDelta::hours(13)).await;
        let reply = s.ask(&s.call(ACTION, "c-1")).await;
        s.until_so(async || {
            s.advance_until_idle(TimeDelta::seconds(10)).await;
            !s.slack.direct_messages(ALICE).is_empty()
        })
        .await;
        s.shown(ALICE, reply.id()).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_client_secret_ends_nothing_and_can_be_put_right() {
    story_as(with_rotation, async |s| {
        Browser::new().install(s, names::TEAM).await;
        for code in ["bad_client_secret", "invalid_client_id", "something_new"] {
            s.slack.misbehave("oauth.v2.access", Misbehaviour::SlackError(code.to_owned()), 1);
        }
        s.advance_until_idle(TimeDelta::hours(13)).await;
        let reply = s.ask(&s.call(ACTION, "c-1")).await;
        s.until_so(async || {
            s.pass(TimeDelta::seconds(10));
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            !s.slack.direct_messages(ALICE).is_empty()
        })
        .await;
        let prompt = s.shown(ALICE, reply.id()).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(reply.id()).await.kind, "approval.approved");
        assert_eq!((s.audits("workspace.removed").await, s.sealed_tokens().await), (0, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_is_none_any_more_is_the_end() {
    story_as(with_rotation, async |s| {
        Browser::new().install(s, names::TEAM).await;
        s.slack.misbehave("oauth.v2.access", Misbehaviour::SlackError("invalid_refresh_token".into()), 1);
        s.advance_until_idle(TimeDelta::hours(13)).await;
        let reply = s.ask(&s.call(ACTION, "c-1")).await;
        assert_eq!(s.received_webhook(reply.id()).await.kind, "approval.undeliverable");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_installs_for_all_its_workspaces() {
    story_as(by_oauth, async |s| {
        s.slack
            .change_workspace(names::TEAM, |workspace| workspace.enterprise_id = Some("E0GROUP".to_owned()));
        // The team's own installation is gone: only the organisation's covers it.
        s.slack.change_token(&s.slack.bot_token(), |token| token.team_id = "T0GONE".to_owned());
        let other =
            Workspace { enterprise_id: Some("E0GROUP".to_owned()), ..Workspace::new("T0OTHER", "Other") };
        s.slack.add_workspace(other);
        s.slack.add_user(User::new("U0ERIN", "T0OTHER", "erin", "Erin"));
        s.slack.add_channel(Channel::public("C0OTHER", "T0OTHER", "other", &["U0ERIN"]));
        let (status, page) = text(Browser::new().install(s, "E0GROUP").await).await;
        assert_eq!(status, 200);
        assert!(page.contains("whole organisation"), "{page}");
        s.move_to("E0GROUP").await;
        works(s, "c-1").await;
        let call = s.call(ACTION, "c-2");
        let reply = s.ask(&sandbox::backend::Ask { user: "U0ERIN".to_owned(), ..call }).await;
        let prompt = s.shown("U0ERIN", reply.id()).await;
        let payload = s
            .slack
            .prepare_press("U0ERIN", &sandbox::slack::Press::labelled(Surface::message(&prompt), "Approve"))
            .unwrap()
            .unwrap();
        assert!(payload["team"].is_null() && payload["is_enterprise_install"] == true, "{payload}");
        let sent = s.slack.send_interaction(payload, &sandbox::slack::Signing::default()).await;
        assert!(sent.is_ok(), "{sent:?}");
        assert_eq!(s.received_webhook(reply.id()).await.kind, "approval.approved");
        assert!(s.slack.messages_seen_by(ADMIN, &prompt.channel).is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beginning_thousands_of_installations_keeps_nobody_out() {
    story_as(by_oauth, async |s| {
        let mut browser = Browser::new();
        let location = browser.begin(s).await;
        for _ in 0..300 {
            Browser::new().begin(s).await;
        }
        let stored = async || -> i64 {
            let count = sqlx::query_scalar("SELECT count(*) FROM install_states");
            count.fetch_one(&s.service.db).await.unwrap()
        };
        assert_eq!(stored().await, 0);
        let back = s.slack.consent(&location, Consent::Allow(names::TEAM)).unwrap();
        assert_eq!(browser.open(&back).await.status(), 200);
        assert_eq!(stored().await, 1);
    })
    .await;
}
