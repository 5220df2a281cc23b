//! Socket Mode: the same behaviour through connections that come and go.

use std::time::Duration;

use countersign::config::ServeConfig;
use sandbox::slack::{Misbehaviour, Slack, names};
use serde_json::json;

use crate::{
    modes::{by_oauth, free_address, settle, socket_mode},
    story::{ALICE, IN_WORDS, SOON, TestApp, story_as},
};

const ACTION: &str = "github.create_issue";

async fn works(s: &TestApp, conversation: &str) {
    let (id, prompt) = s.prompt(&s.call(ACTION, conversation)).await;
    assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
    assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn clicks_and_modals_are_answered_through_the_socket() {
    story_as(socket_mode, async |s| {
        works(s, "c-1").await;
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-2")).await;
        assert!(s.choose(ALICE, &prompt, IN_WORDS).await.is_ok());
        s.slack.type_text(ALICE, "reason", "Not today").await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        assert_eq!(s.received_webhook(&id).await.approval()["decision"]["reason"], "Not today");
        assert!(s.slack.sent().iter().all(|sent| sent.status == Some(200)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_of_a_modal_travels_with_the_acknowledgement() {
    story_as(socket_mode, async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, IN_WORDS).await.is_ok());
        assert_eq!(s.api().cancel(&id).await.status, 200);
        let delivery = s.slack.submit(ALICE).await.unwrap();
        assert!(delivery.is_ok() && !delivery.body.is_empty(), "{delivery:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_posted_without_a_signing_secret_is_believed() {
    story_as(socket_mode, async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let press = sandbox::slack::Press::labelled(sandbox::slack::Surface::message(&prompt), "Approve");
        let payload = s.slack.prepare_press(ALICE, &press).unwrap().unwrap();
        s.slack.change_app(|app| app.socket_mode = false);
        let delivery = s.slack.send_interaction(payload, &sandbox::slack::Signing::default()).await;
        assert_eq!(delivery.status, Some(401));
        assert_eq!(s.api().get(&id).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_forced_reconnects_lose_nothing_and_handle_nothing_twice() {
    story_as(socket_mode, async |s| {
        s.put("github").await;
        let mut clicked = Vec::new();
        for round in 0..100 {
            // Each has lived for a while: one that is asked to go at once is a failure.
            s.pass(chrono::TimeDelta::seconds(2));
            // Slack asks politely most of the time, and hangs up now and then.
            if round % 10 == 9 {
                s.slack.cut_socket();
            } else {
                s.slack.refresh_socket();
            }
            // Slack lets an app connect some fifty times a minute.
            s.pass(chrono::TimeDelta::seconds(2));
            if round % 5 == 0 {
                let (id, prompt) = s.prompt(&s.call(ACTION, &format!("c-{round}"))).await;
                let delivery = s.click(ALICE, &prompt, "Approve").await;
                assert!(delivery.is_ok(), "round {round}: {delivery:?}");
                clicked.push(id);
            }
            let team = names::TEAM;
            let event = json!({ "type": "tokens_revoked", "tokens": { "bot": [format!("U0{round}")] } });
            let delivery = s.slack.send_event(team, event).await;
            // What breaks off is sent again, in the background.
            assert!(delivery.is_ok() || round % 10 == 9, "round {round}: {delivery:?}");
            settled(s).await;
        }
        for id in &clicked {
            assert_eq!(s.received_webhook(id).await.kind, "approval.approved");
            assert_eq!(s.audited("approval.approved", id).await, 1);
        }
        s.until_so(async || s.events_kept().await == 100).await;
        s.until_so(async || s.unhandled_events().await == 0).await;
        assert!(s.slack.sockets_opened() >= 100, "{}", s.slack.sockets_opened());
        assert_eq!(s.audits("workspace.removed").await, 0);
    })
    .await;
}

async fn settled(s: &TestApp) {
    s.slack.wait_for(|slack| (slack.sockets() >= 1).then_some(()), SOON).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_breaks_off_in_the_middle_comes_again_and_is_handled_once() {
    story_as(socket_mode, async |s| {
        s.slack.break_envelopes(1);
        let event = json!({ "type": "tokens_revoked", "tokens": { "bot": ["U0ANY"] } });
        let first = s.slack.send_event(names::TEAM, event).await;
        assert!(!first.is_ok());
        s.until_so(async || s.events_kept().await == 1 && s.unhandled_events().await == 0).await;
        settle(s).await;
        // The same once more, acknowledged and not handled again.
        assert!(s.slack.send_envelope(first.payload).await.is_ok());
        assert_eq!(s.events_kept().await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_that_breaks_off_in_the_middle_decides_nothing_and_can_be_made_again() {
    story_as(socket_mode, async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.slack.break_envelopes(1);
        assert!(!s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.api().get(&id).await.approval_status(), "pending");
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_instances_share_the_work_and_one_may_leave() {
    story_as(socket_mode, async |s| {
        let other = s.instance().await;
        s.slack.wait_for(|slack| (slack.sockets() == 4).then_some(()), SOON).await.unwrap();
        for round in 0..4 {
            works(s, &format!("c-{round}")).await;
            s.pass(chrono::TimeDelta::seconds(2));
        }
        other.shutdown().await;
        s.slack.wait_for(|slack| (slack.sockets() == 2).then_some(()), SOON).await.unwrap();
        works(s, "c-9").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_may_be_away_when_the_service_starts() {
    let at_one_address = |config: &mut ServeConfig, slack: &Slack| {
        socket_mode(config, slack);
        if config.public_url.is_none() {
            config.listen = free_address();
        }
    };
    story_as(at_one_address, async |s| {
        s.stop().await;
        for method in ["apps.connections.open", "auth.test"] {
            s.slack.misbehave(method, Misbehaviour::ServerError(503), 3);
        }
        s.start().await;
        s.ask(&s.call(ACTION, "c-1")).await;
        // What could not be posted yet is tried again.
        s.until_so(async || {
            s.advance_until_idle(chrono::TimeDelta::seconds(1)).await;
            !s.slack.direct_messages(ALICE).is_empty()
        })
        .await;
        works(s, "c-2").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_may_listen_where_slack_is_when_the_service_starts() {
    let refused_at_first = |config: &mut ServeConfig, slack: &Slack| {
        socket_mode(config, slack);
        config.slack.slack_bot_token = Some(slack.bot_token().into());
        (config.slack.slack_client_id, config.slack.slack_client_secret) = (None, None);
        (config.public_url, config.listen) = (None, free_address());
        let door = free_address();
        config.slack.slack_api_url = format!("http://{door}/api");
        let inside = slack.origin().trim_start_matches("http://").to_owned();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let listener = tokio::net::TcpListener::bind(door).await.unwrap();
            while let Ok((mut outer, _)) = listener.accept().await {
                let mut inner = tokio::net::TcpStream::connect(&inside).await.unwrap();
                tokio::spawn(async move { tokio::io::copy_bidirectional(&mut outer, &mut inner).await });
            }
        });
    };
    story_as(refused_at_first, async |s| works(s, "c-1").await).await;
}

fn opened(s: &TestApp) -> usize {
    s.slack.calls().iter().filter(|call| call.method == "apps.connections.open").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn more_instances_than_slack_has_room_for_wait_for_it() {
    story_as(socket_mode, async |s| {
        let mut others = Vec::new();
        for count in 2..=5 {
            others.push(s.instance().await);
            s.slack.wait_for(|slack| (slack.sockets() == 2 * count).then_some(()), SOON).await.unwrap();
        }
        let before = opened(s);
        let late = s.instance().await;
        s.until_so(async || opened(s) == before + 2).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(opened(s), before + 2, "it does not try again and again");
        works(s, "c-1").await;
        for other in others.into_iter().chain([late]) {
            other.shutdown().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_slack_ends_as_one_too_many_is_not_made_again_at_once() {
    story_as(socket_mode, async |s| {
        s.pass(chrono::TimeDelta::seconds(10));
        let before = opened(s);
        s.slack.end_socket("too_many_websockets");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!((opened(s), s.slack.sockets()), (before, 1));
        // The other one goes on.
        works(s, "c-1").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_asked_to_go_at_once_are_made_ever_more_slowly() {
    story_as(socket_mode, async |s| {
        let before = opened(s);
        let ends = async {
            loop {
                s.slack.refresh_socket();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(3), ends).await;
        assert!(opened(s) - before < 20, "{}", opened(s) - before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_app_token_does_not_stop_the_api() {
    story_as(
        |config, slack| {
            socket_mode(config, slack);
            slack.change_app(|app| app.app_token = "xapp-another".to_owned());
            config.slack_app_token = None;
            config.slack_signing_secret = Some(slack.signing_secret().into());
        },
        async |s| {
            s.config.slack_app_token = Some("xapp-wrong".into());
            let other = s.instance().await;
            let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
            assert!(prompt.has_button("Approve"));
            tokio::time::timeout(SOON, other.shutdown()).await.unwrap();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_workspaces_may_come_through_one_socket() {
    story_as(
        |config, slack| {
            by_oauth(config, slack);
            socket_mode(config, slack);
        },
        async |s| {
            crate::modes::Browser::new().install(s, names::TEAM).await;
            works(s, "c-1").await;
        },
    )
    .await;
}
