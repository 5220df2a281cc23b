//! An agent asks: whom the prompt reaches, and where.

use chrono::TimeDelta;
use sandbox::slack::{Channel, Message, Misbehaviour, Press, Signing, Surface, TokenStatus, names};

use crate::story::{ADMIN, ALICE, GUEST, PROMPTLY, RANDOM, SALES, SOON, TestApp, story};

const ACTION: &str = "github.create_issue";

/// The prompt that shows an approval in a channel.
async fn in_channel(s: &TestApp, channel: &str, id: &str) -> Message {
    let fits = |message: &Message| message.to_json().to_string().contains(id);
    s.slack.wait_for_message(channel, fits, SOON).await.unwrap()
}

/// How an approval ended that could not be shown: the reason given to the backend.
async fn undeliverable(s: &TestApp, id: &str) -> String {
    let told = s.received_webhook(id).await;
    assert_eq!(told.kind, "approval.undeliverable");
    assert_eq!((told.approval()["status"].as_str(), s.events(id).len()), (Some("undeliverable"), 1));
    assert_eq!(s.audited("approval.undeliverable", id).await, 1);
    assert_eq!(s.api().get(id).await.body["decision"]["by"], "auto");
    told.approval()["decision"]["reason"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_action_is_registered_locked_and_asks() {
    story(async |s| {
        let ask = s.call(ACTION, "c-1");
        let (id, prompt) = s.prompt(&ask).await;
        assert!(prompt.has_button("Approve") && prompt.options_of("approve_more").is_empty());
        let integration = s.api().integration("github").await;
        assert_eq!(integration.body["actions"][0]["unlocked"], false);
        assert_eq!(s.audited("approval.requested", &id).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_makes_names_up_comes_to_an_end() {
    story(async |s| {
        s.ask(&s.call(ACTION, "c-1")).await;
        // As many as there may be, all but one of each.
        for statement in [
            "INSERT INTO actions (id, integration_id, key, name, created_at)
             SELECT gen_random_uuid(), i.id, 'made_up_' || n, 'x', now() FROM integrations i, generate_series(1, 498) n",
            "INSERT INTO integrations (id, workspace_id, key, name, created_at)
             SELECT gen_random_uuid(), w.id, 'made_up_' || n, 'x', now() FROM workspaces w, generate_series(1, 498) n",
        ] {
            sqlx::query(statement).execute(&s.service.db).await.unwrap();
        }
        let ask = |integration: &str, action: &str| {
            sandbox::backend::Ask::new(ALICE, integration, action, serde_json::json!({}))
        };
        let refused = async |integration: &str, action: &str| {
            let reply = s.api().ask(&ask(integration, action)).await;
            assert_eq!((reply.status, reply.str("/type")), (422, "urn:countersign:problem:catalog-full"));
        };
        s.ask(&ask("github", "the_last")).await;
        refused("github", "one_more").await;
        s.ask(&ask("the_last", "action")).await;
        refused("one_more", "action").await;
        let put = s.api().put_integration("one_more", &serde_json::json!({ "name": "X", "actions": [] })).await;
        assert_eq!((put.status, put.str("/type")), (422, "urn:countersign:problem:catalog-full"));
        // Known actions still work, and describing actions makes room.
        s.ask(&ask("github", "made_up_1")).await;
        s.put("github").await;
        s.ask(&ask("github", "one_more")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_nobody_answers_expires() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1").expiring_in(60)).await;
        s.pass(TimeDelta::seconds(59));
        assert_eq!(s.api().wait(&id, 1).await.approval_status(), "pending", "not before its time");
        s.pass(TimeDelta::seconds(1));
        let told = s.received_webhook(&id).await;
        assert_eq!(told.kind, "approval.expired");
        s.until(&prompt, |message| !message.has_button("Approve")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_expires_after_half_an_hour_unless_the_request_says_otherwise() {
    story(async |s| {
        for (asked, expected) in [(None, 1800), (Some(10), 10), (Some(604_800), 604_800)] {
            let mut ask = s.call(ACTION, "c-1");
            ask.expires_in = asked;
            let reply = s.ask(&ask).await;
            let time = |name: &str| reply.str(name).parse::<chrono::DateTime<chrono::Utc>>().unwrap();
            assert_eq!((time("/expires_at") - time("/created_at")).num_seconds(), expected);
            assert_eq!(time("/created_at"), s.now());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_hears_of_the_decision() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let api = s.api();
        let waiting = tokio::spawn(async move { api.wait(&id, 30).await });
        s.click(ALICE, &prompt, "Approve").await;
        let reply = tokio::time::timeout(PROMPTLY, waiting).await.unwrap().unwrap();
        assert_eq!(reply.approval_status(), "approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_prompt_says_who_wants_what_with_which_arguments_and_until_when() {
    story(async |s| {
        let mut ask = s.call(ACTION, "c-1").because("It broke for three customers");
        ask.conversation.title = Some("Q3 pipeline".to_owned());
        ask.conversation.url = Some("https://agents.example/c-1".to_owned());
        let agent = ask.agent.name.clone().unwrap();
        let (_, prompt) = s.prompt(&ask).await;
        let text = prompt.all_text();
        for part in [agent.as_str(), "It broke for three customers", "“Q3 pipeline”", "sha256:"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let mut above = 0;
        for (name, value) in ask.arguments.as_object().unwrap() {
            let label = countersign::domain::labels::humanised(name).unwrap();
            let at = text.find(&format!("\n{label}\n")).unwrap_or_else(|| panic!("{label} in {text}"));
            assert!(at > above, "the arguments stand in the order given: {text}");
            above = at;
            let first = value.as_str().and_then(|value| value.lines().next());
            assert!(first.is_none_or(|line| text.contains(line)), "{value} in {text}");
        }
        assert!(text.contains("expires <!date^") && !text.contains("30 min"), "an absolute time: {text}");
        for button in ["Approve", "Deny", "Details", "Open conversation"] {
            assert!(prompt.has_button(button), "{button}");
        }
        let post = s.slack.calls_of("chat.postMessage").pop().unwrap().arguments;
        assert_eq!((&post["unfurl_links"], &post["unfurl_media"]), (&false.into(), &false.into()));
        for part in
            [agent.as_str(), "Reason: “It broke for three customers”", "Expires <!date^", "Approve or deny?"]
        {
            assert!(prompt.text().contains(part), "{part} in {}", prompt.text());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_asked_in_the_channel_and_thread_that_the_request_names() {
    story(async |s| {
        let thread = s.slack.say(ALICE, SALES, "Atlas, log the call please", None).unwrap();
        let ask = s.call(ACTION, "c-1").in_channel(SALES, Some(&thread.ts));
        let id = s.ask(&ask).await.id().to_owned();
        let prompt = in_channel(s, SALES, &id).await;
        assert_eq!(prompt.thread_ts.as_deref(), Some(thread.ts.as_str()));
        assert!(s.slack.direct_messages(ALICE).is_empty());
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        let decided = s.until(&prompt, |message| !message.has_button("Approve")).await;
        assert_eq!(decided.thread_ts, prompt.thread_ts);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_cant_be_posted_to_is_replaced_by_the_direct_messages() {
    story(async |s| {
        let private = Channel::private("C0BOARD", names::TEAM, "board", &[ADMIN]);
        s.slack.add_channel(private);
        let archived = Channel::public("C0OLD", names::TEAM, "old", &[ALICE, names::BOT_USER]);
        s.slack.add_channel(archived);
        s.slack.change_channel("C0OLD", |channel| channel.is_archived = true);
        // No such channel, one that the app is not in, one that it doesn't see, one that is archived.
        for channel in ["C0NOWHERE", RANDOM, "C0BOARD", "C0OLD"] {
            s.pass(TimeDelta::seconds(1));
            let (id, prompt) = s.prompt(&s.call(ACTION, "c-1").in_channel(channel, None)).await;
            assert!(s.click(ALICE, &prompt, "Approve").await.is_ok(), "{channel}");
            assert_eq!(s.received_webhook(&id).await.kind, "approval.approved", "{channel}");
            assert!(s.slack.messages(channel).is_empty(), "{channel}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_restricts_posting_is_replaced_by_the_direct_messages() {
    story(async |s| {
        for error in ["restricted_action", "not_in_channel", "is_archived", "messages_tab_disabled"] {
            s.pass(TimeDelta::seconds(1));
            s.slack.misbehave("chat.postMessage", Misbehaviour::SlackError(error.to_owned()), 1);
            let (_, prompt) = s.prompt(&s.call(ACTION, error).in_channel(SALES, None)).await;
            assert!(prompt.has_button("Approve"), "{error}");
        }
        assert!(s.slack.messages(SALES).is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_found_by_email_whatever_its_case() {
    story(async |s| {
        for email in ["alice@example.com", "Alice@Example.COM"] {
            let mut ask = s.call(ACTION, "c-1");
            email.clone_into(&mut ask.user);
            let reply = s.ask(&ask).await;
            assert_eq!(reply.str("/user"), ALICE);
            s.shown(ALICE, reply.id()).await;
        }
        assert_eq!(s.slack.calls_of("users.lookupByEmail").len(), 1, "the second look-up uses the cache");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_email_that_slack_knows_nobody_by_is_refused_and_a_silent_slack_is_unavailable() {
    story(async |s| {
        let mut ask = s.call(ACTION, "c-1");
        "nobody@example.com".clone_into(&mut ask.user);
        let reply = s.api().ask(&ask).await;
        assert_eq!((reply.status, reply.str("/type")), (422, "urn:countersign:problem:unknown-user"));
        "alice@example.com".clone_into(&mut ask.user);
        for misbehaviour in [
            Misbehaviour::ServerError(503),
            Misbehaviour::HtmlPage,
            Misbehaviour::DropBeforeEffect,
            Misbehaviour::SlackError("org_login_required".to_owned()),
        ] {
            s.slack.misbehave("users.lookupByEmail", misbehaviour.clone(), 1);
            let reply = s.api().ask(&ask).await;
            assert_eq!(reply.status, 503, "{misbehaviour:?}: {reply:?}");
            assert_eq!(reply.str("/type"), "urn:countersign:problem:lookup-unavailable");
            assert!(!reply.header("retry-after").is_empty());
        }
        assert_eq!(s.ask(&ask).await.str("/user"), ALICE);
        let data = s.api().list(&[]).await;
        assert_eq!(data.data().len(), 1, "what was refused left nothing");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_looked_up_for_a_caller_that_is_not_known() {
    story(async |s| {
        let mut ask = s.call(ACTION, "c-1");
        "alice@example.com".clone_into(&mut ask.user);
        assert_eq!(s.backend.api_with_key("").ask(&ask).await.status, 401);
        let stranger = format!("cs_{}_{}", "0".repeat(32), "A".repeat(43));
        assert_eq!(s.backend.api_with_key(&stranger).ask(&ask).await.status, 401);
        assert!(s.slack.calls_of("users.lookupByEmail").is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cant_decide_is_not_asked() {
    story(async |s| {
        s.slack.change_user(names::BOB, |user| user.deleted = true);
        for user in ["U0NOBODY", GUEST, names::BOB, names::BOT_USER] {
            let mut ask = s.call(ACTION, "c-1");
            user.clone_into(&mut ask.user);
            let id = s.ask(&ask).await.id().to_owned();
            let why = undeliverable(s, &id).await;
            let expected = if user == "U0NOBODY" { "user_not_found" } else { "can't decide" };
            assert!(why.contains(expected), "{user}: {why}");
        }
        assert!(s.slack.calls_of("chat.postMessage").is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_app_was_removed_or_has_no_messages_nobody_can_be_asked() {
    for (status, expected) in
        [(TokenStatus::Revoked, "token_revoked"), (TokenStatus::AccountInactive, "account_inactive")]
    {
        story(async |s| {
            s.slack.change_token(&s.slack.bot_token(), |token| token.status = status);
            let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
            let why = undeliverable(s, &id).await;
            assert!(why.contains(expected) || why.contains("no longer installed"), "{why}");
        })
        .await;
    }
    story(async |s| {
        s.slack.change_workspace(names::TEAM, |workspace| workspace.messages_tab = false);
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        assert!(undeliverable(s, &id).await.contains("messages_tab_disabled"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_was_deleted_before_the_decision_is_said_again() {
    story(async |s| {
        let ask = s.call(ACTION, "c-1").in_channel(SALES, None);
        let id = s.ask(&ask).await.id().to_owned();
        let prompt = in_channel(s, SALES, &id).await;
        let press = Press::labelled(Surface::message(&prompt), "Approve");
        let click = s.slack.prepare_press(ALICE, &press).unwrap().unwrap();
        s.slack.delete_message(SALES, &prompt.ts);
        assert!(s.slack.send_interaction(click, &Signing::default()).await.is_ok());
        s.received_webhook(&id).await;
        let said = s.shown(ALICE, &id).await;
        assert!(said.all_text().contains("Approved by"), "{}", said.all_text());
        assert!(!said.has_button("Approve"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_prompt_that_is_found_deleted_is_asked_again_in_the_direct_messages() {
    story(async |s| {
        s.put("github").await;
        let ask = s.call(ACTION, "c-1").in_channel(SALES, None);
        let id = s.ask(&ask).await.id().to_owned();
        let prompt = in_channel(s, SALES, &id).await;
        s.slack.delete_message(SALES, &prompt.ts);
        // Something has to change for it to be noticed.
        s.unlock(ACTION).await;
        let again = s.shown(ALICE, &id).await;
        assert!(s.click(ALICE, &again, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
    })
    .await;
}

/// Asks while the first post's acknowledgement is lost: the approval, and its two prompts in the order posted.
async fn asked_twice(s: &TestApp) -> (String, Message, Message) {
    s.slack.misbehave("chat.postMessage", Misbehaviour::DropAfterEffect, 1);
    let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
    let first = s.shown(ALICE, &id).await;
    let second = async {
        loop {
            // The service tries again after a pause.
            s.pass(TimeDelta::milliseconds(200));
            let again = |message: &Message| message.ts != first.ts && message.has_button("Approve");
            let soon = std::time::Duration::from_millis(50);
            if let Ok(second) = s.slack.wait_for_direct_message(ALICE, again, soon).await {
                return second;
            }
        }
    };
    let second = tokio::time::timeout(SOON, second).await.unwrap();
    (id, first, second)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_prompt_posted_twice_the_one_that_nobody_knows_of_decides_and_both_show_it() {
    story(async |s| {
        let (id, first, second) = asked_twice(s).await;
        assert!(s.click(ALICE, &first, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        for prompt in [&first, &second] {
            s.until(prompt, |message| !message.has_button("Approve")).await;
        }
        assert_eq!(s.events(&id).len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_prompt_posted_twice_the_one_left_over_says_that_it_is_decided_and_then_shows_it() {
    story(async |s| {
        let (id, first, second) = asked_twice(s).await;
        assert!(s.click(ALICE, &second, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        s.until(&second, |message| !message.has_button("Approve")).await;
        for label in ["Approve", "Deny"] {
            let press = s.slack.click_label(ALICE, Surface::stale(&first), label);
            assert!(press.await.unwrap().is_ok());
        }
        s.ephemeral_reply(ALICE, &first.channel, "already ended").await;
        s.until(&first, |message| !message.has_button("Approve")).await;
        assert_eq!(s.refusals(&id).await, ["already-ended"], "approving again is no new choice");
    })
    .await;
}
