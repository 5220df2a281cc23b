//! Which token speaks for a workspace, where there are several.

use std::time::Duration;

use chrono::TimeDelta;
use countersign::{
    app, clock::Clock, config::ServeConfig, entropy::Entropy, slack::web_api::tokens::TokenStore,
};
use sandbox::slack::{Misbehaviour, Slack, Token, TokenStatus, names};
use secrecy::ExposeSecret as _;
use tokio_util::task::TaskTracker;

use crate::{
    modes::{Browser, by_oauth, with_rotation},
    story::{ALICE, TestApp, story_as},
};

const ACTION: &str = "github.create_issue";

/// Asks, and approves what is shown: all of the way through Slack and back.
async fn works(s: &TestApp, conversation: &str) {
    let (id, prompt) = s.prompt(&s.call(ACTION, conversation)).await;
    assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
    assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
}

/// Installing by OAuth beside a configured token of another workspace, which has this status.
fn beside(status: TokenStatus) -> impl FnOnce(&mut ServeConfig, &Slack) {
    move |config, slack| {
        by_oauth(config, slack);
        let ours = slack.token_of(names::TEAM).unwrap();
        let (value, team_id) = ("xoxb-elsewhere".to_owned(), "T0ELSEWHERE".to_owned());
        slack.add_token(Token { value: value.clone(), team_id, status, ..ours });
        config.slack.slack_bot_token = Some(value.into());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_configured_token_decides_nothing_for_a_workspace_with_its_own() {
    for status in [TokenStatus::AccountInactive, TokenStatus::Revoked] {
        story_as(beside(status), async |s| {
            Browser::new().install(s, names::TEAM).await;
            works(s, "c-1").await;
            assert_eq!(s.audits("workspace.removed").await, 0);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_does_it_while_slack_does_not_say_whose_it_is() {
    story_as(beside(TokenStatus::Active), async |s| {
        s.slack.misbehave("auth.test", Misbehaviour::ServerError(503), 1000);
        Browser::new().install(s, names::TEAM).await;
        works(s, "c-1").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_configured_token_gives_way_to_its_own_workspaces_installation() {
    let both = |config: &mut ServeConfig, slack: &Slack| {
        by_oauth(config, slack);
        config.slack.slack_bot_token = Some(slack.bot_token().into());
    };
    story_as(both, async |s| {
        works(s, "c-1").await;
        // Installing again makes the configured token a dead one.
        Browser::new().install(s, names::TEAM).await;
        works(s, "c-2").await;
        works(s, "c-3").await;
        assert_eq!(s.audits("workspace.removed").await, 0);
        let calls = s.slack.calls();
        let refused = calls.iter().filter(|call| format!("{:?}", call.outcome).contains("revoked")).count();
        assert_eq!(refused, 1, "it is not tried again and again");
        // It is the only one again, and dead: the approval can't be shown. Nothing else may find that out first.
        s.settled().await;
        let _events = s.slack.uninstall(names::TEAM);
        let reply = s.ask(&s.call(ACTION, "c-4")).await;
        assert_eq!(s.received_webhook(reply.id()).await.kind, "approval.undeliverable");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_installation_gives_way_to_the_configured_token() {
    let both = |config: &mut ServeConfig, slack: &Slack| {
        by_oauth(config, slack);
        config.slack.slack_bot_token = Some(slack.bot_token().into());
    };
    story_as(both, async |s| {
        // Slack says only now whose the configured token is.
        let first = s.slack.bot_token();
        Browser::new().install(s, names::TEAM).await;
        let second = s.slack.bot_token();
        s.slack.change_token(&second, |token| token.status = TokenStatus::Revoked);
        s.slack.change_token(&first, |token| token.status = TokenStatus::Active);
        works(s, "c-1").await;
        assert_eq!(s.audits("workspace.removed").await, 0);
    })
    .await;
}

/// Finds tokens as an instance with this clock does.
fn token_store(s: &TestApp, clock: Clock) -> TokenStore {
    let service = app::service(&s.config.database, 2, clock, Entropy::system()).unwrap();
    app::slack_client(&s.config.slack, &service, TaskTracker::new()).unwrap().tokens().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_with_a_clock_ahead_waits_for_the_one_that_is_exchanging() {
    story_as(with_rotation, async |s| {
        Browser::new().install(s, names::TEAM).await;
        let before = exchanges(s);
        s.stop().await;
        s.clock.advance(TimeDelta::hours(13));
        let one = token_store(s, s.clock.clone());
        let ahead = token_store(s, Clock::manual(s.now() + TimeDelta::minutes(1)));
        // Slack has taken the refresh token, and takes its time to say so.
        s.slack.misbehave("oauth.v2.access", Misbehaviour::SlowAnswer(Duration::from_secs(1)), 1);
        let leased = "SELECT count(*) FROM workspaces WHERE refreshing_until IS NOT NULL";
        let second = async {
            s.until_so(async || {
                sqlx::query_scalar::<_, i64>(leased).fetch_one(&s.service.db).await.unwrap() == 1
            })
            .await;
            tokio::time::sleep(Duration::from_millis(200)).await;
            ahead.token_for(names::TEAM).await
        };
        let (first, second) = tokio::join!(one.token_for(names::TEAM), second);
        assert_eq!(first.unwrap().expose_secret(), second.unwrap().expose_secret());
        assert_eq!(exchanges(s), before + 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_can_not_be_stored_is_used_and_stored_as_soon_as_it_can() {
    story_as(with_rotation, async |s| {
        Browser::new().install(s, names::TEAM).await;
        let before = exchanges(s);
        sqlx::raw_sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'full'; END $$;
             CREATE TRIGGER refuse BEFORE UPDATE OF bot_token ON workspaces
                 FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .execute(&s.service.db)
        .await
        .unwrap();
        s.advance_until_idle(TimeDelta::hours(13)).await;
        works(s, "c-1").await;
        // Longer than a caller waits for the token to be stored.
        tokio::time::sleep(Duration::from_secs(2)).await;
        works(s, "c-2").await;
        assert!(!s.token_is_fresh().await);
        sqlx::raw_sql("DROP TRIGGER refuse ON workspaces").execute(&s.service.db).await.unwrap();
        s.until_so(async || s.token_is_fresh().await).await;
        s.restart().await;
        works(s, "c-3").await;
        assert_eq!(exchanges(s), before + 1, "a refresh token is good once");
    })
    .await;
}

fn exchanges(s: &TestApp) -> usize {
    s.slack.calls().iter().filter(|call| call.method == "oauth.v2.access").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_at_once_try_one_exchange_and_rest_after_its_failure() {
    story_as(with_rotation, async |s| {
        Browser::new().install(s, names::TEAM).await;
        let before = exchanges(s);
        s.slack.misbehave("oauth.v2.access", Misbehaviour::ServerError(503), 1000);
        s.advance_until_idle(TimeDelta::hours(12)).await;
        let calls: Vec<_> = (0..20).map(|number| s.call(ACTION, &format!("c-{number}"))).collect();
        futures::future::join_all(calls.iter().map(|call| s.ask(call))).await;
        s.until_so(async || exchanges(s) > before).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(exchanges(s), before + 1, "for twenty prompts that wait for one token");
        s.slack.behave("oauth.v2.access");
        s.until_so(async || {
            s.pass(TimeDelta::seconds(5));
            tokio::time::sleep(Duration::from_millis(50)).await;
            s.slack.direct_messages(ALICE).len() == 20
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_still_works_is_not_tried_to_be_replaced_at_every_call() {
    story_as(with_rotation, async |s| {
        Browser::new().install(s, names::TEAM).await;
        let before = exchanges(s);
        s.slack.misbehave("oauth.v2.access", Misbehaviour::ServerError(503), 1000);
        s.advance_until_idle(TimeDelta::minutes(11 * 60 + 30)).await;
        for number in 0..4 {
            works(s, &format!("c-{number}")).await;
            s.pass(TimeDelta::seconds(2));
        }
        assert_eq!(exchanges(s), before + 1);
        s.slack.behave("oauth.v2.access");
        s.advance_until_idle(TimeDelta::minutes(1)).await;
        works(s, "c-9").await;
        s.until_so(async || exchanges(s) == before + 2).await;
    })
    .await;
}
