//! `POST /v1/hooks/claude-code`: what Claude Code sends by its settings only, at the real service.

use std::time::Duration;

use chrono::TimeDelta;
use countersign::{
    domain::{api_keys::KeyScopes, ids::UserId},
    service::{backends, user_keys},
    slack::view::editing::block_id,
    storage::tables::backends::Summary,
};
use reqwest::Response;
use sandbox::{
    ambient,
    slack::{Gesture, Press, Surface},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{
    failures::{Process, real_time},
    hook::{approvals, decision, describe, payload, prompt, prompt_about, until_abandoned},
    story::{ALICE, IN_WORDS, SOON, TestApp, eventually, story, story_as},
};

/// The backend `claude` becomes the test's own.
async fn backend(s: &mut TestApp) -> Summary {
    s.create_own_backend("claude", KeyScopes::ALL).await.unwrap();
    let all = backends::list(&s.service, None).await.unwrap();
    all.into_iter().find(|backend| backend.name == "claude").unwrap()
}

/// A key of that backend, bound to Alice.
pub async fn alices_key(s: &mut TestApp) -> String {
    let backend = backend(s).await;
    let user = UserId::parse(ALICE).unwrap();
    let key = user_keys::create(&s.service, &backend, &user, None, None).await.unwrap();
    key.secret.expose_secret().to_owned()
}

async fn send(url: &str, key: &str, query: &str, body: String) -> reqwest::Result<Response> {
    let url = format!("{url}/v1/hooks/claude-code{query}");
    let request = sandbox::http::client().unwrap().post(url).bearer_auth(key);
    request.header("content-type", "application/json").body(body).send().await
}

/// A call, whose response has begun.
async fn start(s: &TestApp, key: &str, query: &str, payload: &Value) -> Response {
    let response = send(&s.url(), key, query, payload.to_string()).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    response
}

/// What Claude Code reads.
async fn answered(response: Response) -> Value {
    let text = tokio::time::timeout(SOON, response.text()).await.unwrap().unwrap();
    serde_json::from_str(&text).unwrap()
}

fn reason(answer: &Value) -> &str {
    answer["hookSpecificOutput"]["permissionDecisionReason"].as_str().unwrap()
}

/// Once the only approval is cancelled.
async fn until_cancelled(s: &TestApp) {
    // Approvals of one moment are listed in any order.
    let cancelled =
        async || approvals(s).await.iter().any(|approval| approval["status"] == "cancelled").then_some(());
    eventually("a cancelled approval", cancelled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_call_is_allowed() {
    story(async |s| {
        let key = alices_key(s).await;
        let waiting = start(s, &key, "?limit=1800", &payload("s-1", "toolu_1")).await;
        let prompt = prompt(s).await;
        let shown = prompt.all_text();
        for text in ["Claude Code", "Bash", "make deploy", "shop"] {
            assert!(shown.contains(text), "{text}: {shown}");
        }
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        insta::assert_json_snapshot!(answered(waiting).await, @r#"
        {
          "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "allow",
            "permissionDecisionReason": "Approved in Slack by U0ALICE."
          }
        }
        "#);
        // The same tool use again.
        let again = start(s, &key, "?limit=1800", &payload("s-1", "toolu_1")).await;
        assert_eq!(decision(&answered(again).await), "allow");
        let approvals = approvals(s).await;
        assert_eq!(approvals.len(), 1);
        assert_eq!((&approvals[0]["user"], &approvals[0]["integration"]), (&json!(ALICE), &json!("claude")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_call_tells_the_model_why() {
    story(async |s| {
        let key = alices_key(s).await;
        let waiting = start(s, &key, "", &payload("s-1", "toolu_1")).await;
        let prompt = prompt(s).await;
        assert!(s.choose(ALICE, &prompt, IN_WORDS).await.is_ok());
        let press = Press::on(Surface::Modal, "reason").doing(Gesture::Enter("Not on Fridays".to_owned()));
        s.slack.press(ALICE, press).await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        insta::assert_json_snapshot!(answered(waiting).await, @r#"
        {
          "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": "Denied in Slack by U0ALICE. Their reason: “Not on Fridays”. Do not retry this, in the same or another way, unless the user asks you to."
          }
        }
        "#);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_for_the_conversation_is_for_the_session() {
    story(async |s| {
        let key = alices_key(s).await;
        describe(s).await;
        let waiting = start(s, &key, "", &payload("s-1", "toolu_1")).await;
        let first = prompt(s).await;
        assert!(s.choose(ALICE, &first, "Auto-approve for this conversation").await.is_ok());
        assert_eq!(decision(&answered(waiting).await), "allow");
        let again = answered(start(s, &key, "", &payload("s-1", "toolu_2")).await).await;
        insta::assert_snapshot!(reason(&again), @"Approved automatically: U0ALICE allowed this action before.");
        let other = start(s, &key, "", &payload("s-2", "toolu_3")).await;
        let asked = prompt(s).await;
        assert_ne!(asked.ts, first.ts);
        assert!(s.click(ALICE, &asked, "Deny").await.is_ok());
        assert_eq!(decision(&answered(other).await), "deny");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_arguments_are_what_the_agent_runs() {
    story(async |s| {
        let key = alices_key(s).await;
        describe(s).await;
        let waiting = start(s, &key, "", &payload("s-1", "toolu_1")).await;
        let prompt = prompt(s).await;
        assert!(s.choose(ALICE, &prompt, "Edit and approve…").await.is_ok());
        let gesture = Gesture::Enter("make deploy-staging".to_owned());
        let press = Press::on(Surface::Modal, "value").in_block(&block_id("command")).doing(gesture);
        s.slack.press(ALICE, press).await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        insta::assert_json_snapshot!(answered(waiting).await, @r#"
        {
          "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "allow",
            "updatedInput": {
              "command": "make deploy-staging"
            },
            "additionalContext": "Approved in Slack by U0ALICE, who changed the arguments. The tool ran with: {\"command\":\"make deploy-staging\"}",
            "permissionDecisionReason": "Approved in Slack by U0ALICE, who changed the arguments."
          }
        }
        "#);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_no_one_answers_is_denied() {
    story(async |s| {
        let key = alices_key(s).await;
        let waiting = start(s, &key, "", &payload("s-1", "toolu_1")).await;
        prompt(s).await;
        s.clock.advance(TimeDelta::seconds(585));
        let answer = answered(waiting).await;
        assert_eq!(decision(&answer), "deny");
        insta::assert_snapshot!(reason(&answer), @"Expired: U0ALICE did not answer in Slack within 10 minutes. Do not retry this, in the same or another way, unless the user asks you to.");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_request_is_answered_in_its_form() {
    story(async |s| {
        let key = alices_key(s).await;
        let mut answers = Vec::new();
        for label in ["Approve", "Deny"] {
            let mut call = payload(&format!("s-{label}"), "toolu_1");
            call["hook_event_name"] = json!("PermissionRequest");
            call.as_object_mut().unwrap().remove("tool_use_id");
            let waiting = start(s, &key, "?limit=86400", &call).await;
            let prompt = prompt_about(s, "make deploy").await;
            assert!(s.click(ALICE, &prompt, label).await.is_ok());
            answers.push(answered(waiting).await.to_string());
            s.until(&prompt, |message| !message.has_button("Approve")).await;
        }
        insta::assert_snapshot!(answers.join("\n"), @r#"
        {"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"allow"}}}
        {"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"deny","message":"Denied in Slack by U0ALICE, who gave no reason. Do not retry this, in the same or another way, unless the user asks you to."}}}
        "#);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_disconnects_leaves_nothing_to_approve() {
    story(async |s| {
        let key = alices_key(s).await;
        let waiting = start(s, &key, "", &payload("s-1", "toolu_1")).await;
        let prompt = prompt(s).await;
        drop(waiting);
        // At once: no time passes.
        until_cancelled(s).await;
        s.until(&prompt, |message| !message.has_button("Approve")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_call_goes_on_when_the_first_disconnects() {
    story(async |s| {
        let key = alices_key(s).await;
        let first = start(s, &key, "", &payload("s-1", "toolu_1")).await;
        let second = start(s, &key, "", &payload("s-1", "toolu_1")).await;
        let prompt = prompt(s).await;
        drop(first);
        tokio::time::sleep(Duration::from_millis(500)).await;
        let pending = approvals(s).await;
        assert_eq!((pending.len(), &pending[0]["status"]), (1, &json!("pending")));
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(decision(&answered(second).await), "allow");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stops_denies_what_waits() {
    story(async |s| {
        let key = alices_key(s).await;
        let waiting = start(s, &key, "", &payload("s-1", "toolu_1")).await;
        prompt(s).await;
        s.restart().await;
        let answer = answered(waiting).await;
        assert_eq!(decision(&answer), "deny");
        insta::assert_snapshot!(reason(&answer), @"Countersign is being restarted, so the request was cancelled. Do not retry this, in the same or another way, unless the user asks you to.");
        assert_eq!(approvals(s).await[0]["status"], "cancelled");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_service_leaves_nothing_to_approve() {
    story(async |s| {
        let key = alices_key(s).await;
        let (slack, _backend) = real_time(s).await;
        let process = Process::start(s, &slack);
        let body = payload("s-1", "toolu_1").to_string();
        let waiting = send(&process.url, &key, "", body).await.unwrap();
        assert_eq!(waiting.status(), 200);
        let count = "SELECT count(*) FROM listeners WHERE left_at IS NULL";
        s.until_so(async || sqlx::query_scalar::<_, i64>(count).fetch_one(&s.service.db).await.unwrap() == 1)
            .await;
        process.kill(s).await;
        assert!(waiting.text().await.is_err(), "the response has no end");
        // Another instance finds it abandoned. Its clock goes on from the machine's.
        s.clock.advance(ambient::Clock::system().now() - s.now());
        s.start().await;
        until_abandoned(s).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_revoked_while_a_call_waits_allows_nothing() {
    story(async |s| {
        let key = alices_key(s).await;
        let waiting = start(s, &key, "", &payload("s-1", "toolu_1")).await;
        let prompt = prompt(s).await;
        let all = backends::list(&s.service, None).await.unwrap();
        let backend = all.into_iter().find(|backend| backend.name == "claude").unwrap();
        assert_eq!(user_keys::revoke(&s.service, &backend, None).await.unwrap().len(), 1);
        s.click(ALICE, &prompt, "Approve").await;
        let answer = answered(waiting).await;
        assert_eq!(decision(&answer), "deny");
        insta::assert_snapshot!(reason(&answer), @"The API key was revoked while the request waited. Do not retry this, in the same or another way, unless the user asks you to.");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spaces_keep_the_connection_open() {
    story(async |s| {
        let key = alices_key(s).await;
        let mut waiting = start(s, &key, "", &payload("s-1", "toolu_1")).await;
        assert_eq!(waiting.chunk().await.unwrap().unwrap(), "\n");
        let space = tokio::time::timeout(SOON + Duration::from_secs(15), waiting.chunk()).await;
        assert_eq!(space.unwrap().unwrap().unwrap(), " ");
        assert!(s.click(ALICE, &prompt(s).await, "Approve").await.is_ok());
        assert_eq!(decision(&answered(waiting).await), "allow");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_asked_is_a_problem() {
    story(async |s| {
        let key = alices_key(s).await;
        let call = payload("s-1", "toolu_1");
        let mut event = call.clone();
        event["hook_event_name"] = json!("PostToolUse");
        let mut tool = call.clone();
        tool["tool_name"] = json!(7);
        let mut large = call.clone();
        large["tool_input"]["command"] = json!("x".repeat(300 * 1024));
        let whole = s.key().to_owned();
        let mut said = Vec::new();
        for (key, query, body) in [
            (whole.as_str(), "", call.to_string()),
            ("cs_wrong", "", call.to_string()),
            (&key, "", "{".to_owned()),
            (&key, "", "[]".to_owned()),
            (&key, "", event.to_string()),
            (&key, "", tool.to_string()),
            (&key, "", large.to_string()),
            (&key, "?limit=24", call.to_string()),
            (&key, "?map=github", call.to_string()),
            (&key, "?user=U0BOB", call.to_string()),
        ] {
            let response = send(&s.url(), key, query, body).await.unwrap();
            let status = response.status().as_u16();
            let problem: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
            let fault = &problem["errors"][0];
            let place = fault["pointer"].as_str().or(fault["parameter"].as_str()).unwrap_or_default();
            let detail = fault["detail"].as_str().or(problem["detail"].as_str()).unwrap();
            said.push(format!("{status} {place}: {detail}"));
        }
        insta::assert_snapshot!(said.join("\n"), @r#"
        403 : Ask the operator for a key that is: `countersign key create --backend claude --user alice@example.com`.
        401 : Send `Authorization: Bearer cs_…` with a key that `countersign backend create` or `countersign key create` printed.
        400 : The body EOF while parsing an object at line 1 column 1. Send one JSON object in UTF-8, without duplicate members.
        400 : The body is not a JSON object. Send one JSON object in UTF-8, without duplicate members.
        422 /hook_event_name: the hook runs on "PostToolUse", where there is nothing to approve: configure it for PreToolUse or PermissionRequest (Hermes: pre_tool_call)
        422 /tool_name: the hook's input has no "tool_name", which says what to ask for
        413 : Send at most 256 KiB: pass large contents by reference.
        422 limit: must be a whole number from 25 to 604800
        422 map: must be an MCP server and the key of the integration that its tools join, like `github=github`
        422 query: `user` is not a parameter of this call, or is given twice
        "#);
        assert_eq!(approvals(s).await.len(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_finds_no_place_to_wait_leaves_nothing_to_approve() {
    let one_place =
        |config: &mut countersign::config::ServeConfig, _: &sandbox::slack::Slack| config.limits.waiters = 1;
    story_as(one_place, async |s| {
        let key = alices_key(s).await;
        let first = start(s, &key, "", &payload("s-1", "toolu_1")).await;
        let refused = send(&s.url(), &key, "", payload("s-1", "toolu_2").to_string()).await.unwrap();
        assert_eq!(refused.status(), 429);
        until_cancelled(s).await;
        drop(first);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_joins_a_shared_integration_only_if_it_is_mapped() {
    story(async |s| {
        let key = alices_key(s).await;
        let mut call = payload("s-1", "toolu_1");
        call["tool_name"] = json!("mcp__github__create_issue");
        let own = start(s, &key, "", &call).await;
        call["tool_use_id"] = json!("toolu_2");
        let shared = start(s, &key, "?map=gh=git&map=github%3Dgithub", &call).await;
        let approvals = approvals(s).await;
        let mut names: Vec<_> = approvals
            .iter()
            .map(|approval| format!("{} {}", approval["integration"], approval["action"]).replace('"', ""))
            .collect();
        // Both were asked in the same moment.
        names.sort_unstable();
        assert_eq!(names, ["claude.mcp.github create_issue", "github create_issue"]);
        drop((own, shared));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_calls_each_get_their_own_decision() {
    story(async |s| {
        let key = alices_key(s).await;
        let calls = (0..20).map(|number| {
            let mut call = payload(&format!("s-{number}"), "toolu_1");
            call["tool_input"]["command"] = json!(format!("step-{number}-"));
            let (s, key) = (&*s, &key);
            async move { start(s, key, "?limit=86400", &call).await }
        });
        for (number, waiting) in futures::future::join_all(calls).await.into_iter().enumerate() {
            let prompt = prompt_about(s, &format!("step-{number}-")).await;
            let (label, expected) = if number % 3 == 0 { ("Deny", "deny") } else { ("Approve", "allow") };
            assert!(s.click(ALICE, &prompt, label).await.is_ok());
            assert_eq!(decision(&answered(waiting).await), expected, "{number}");
        }
    })
    .await;
}
