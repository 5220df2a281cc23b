//! `countersign doctor`: it finds faults, says how to fix them, and is silent otherwise.

use std::process::{Child, Command, Output, Stdio};

use chrono::TimeDelta;
use countersign::{
    clock::Clock,
    config::ServeConfig,
    doctor,
    doctor::finding::{Finding, State},
    entropy::Entropy,
};
use sandbox::slack::{Misbehaviour, names};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::{
    modes::{Browser, by_oauth, free_address, http_story as story, socket_mode, with_rotation},
    story::{SOON, TestApp, story_as},
};

async fn examine(s: &TestApp) -> Vec<Finding> {
    // The address that the service listens on.
    let listen = s.url().trim_start_matches("http://").parse().unwrap();
    examine_as(s, ServeConfig { listen, ..s.config.clone() }).await
}

async fn examine_as(s: &TestApp, config: ServeConfig) -> Vec<Finding> {
    let mut findings = doctor::examine(config, s.clock.clone(), Entropy::seeded(1)).await.unwrap();
    // The test's clock is none of this machine's: that is found, and beside the point.
    findings.retain(|finding| !finding.check.ends_with("clock"));
    findings
}

/// The one finding of a check, which has to say this.
fn says<'a>(findings: &'a [Finding], check: &str, state: State, words: &str) -> &'a Finding {
    let found = findings.iter().find(|finding| finding.check == check && finding.found.contains(words));
    let found = found.unwrap_or_else(|| panic!("{check}: {words}: {findings:#?}"));
    assert_eq!(found.state, state, "{found:#?}");
    assert_eq!(found.fix.is_none(), state == State::Ok, "{found:#?}");
    found
}

fn all_well(findings: &[Finding]) {
    let unwell: Vec<_> = findings.iter().filter(|finding| finding.state == State::Failed).collect();
    assert!(unwell.is_empty(), "{unwell:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_well_is_found_well() {
    story(async |s| {
        let findings = examine(s).await;
        all_well(&findings);
        says(&findings, "configuration", State::Ok, "one workspace");
        says(&findings, "database", State::Ok, "Postgres");
        says(&findings, "migrations", State::Ok, "up to date");
        says(&findings, "sealed secrets", State::Ok, "first encryption key");
        says(&findings, "Slack token", State::Ok, "Acme (T0SANDBOX)");
        says(&findings, "scopes", State::Warning, "chat:write.public");
        says(&findings, "signing secret", State::Ok, "accepts a request");
        says(&findings, "webhooks", State::Ok, "agents");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn installations_and_the_public_url_are_looked_at() {
    story_as(by_oauth, async |s| {
        let findings = examine(s).await;
        let fix = says(&findings, "installations", State::Warning, "not installed in any workspace")
            .fix
            .clone()
            .unwrap();
        assert!(fix.contains("/slack/install"), "{fix}");
        Browser::new().install(s, names::TEAM).await;
        let findings = examine(s).await;
        all_well(&findings);
        says(&findings, "installations", State::Ok, "Acme (T0SANDBOX)");
        says(&findings, "scopes", State::Ok, "granted all required scopes");
        says(&findings, "public URL", State::Ok, "leads here");
        let _events = s.slack.uninstall(names::TEAM);
        says(&examine(s).await, "installations", State::Failed, "account_inactive");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_runs_out_is_left_to_the_service() {
    story_as(with_rotation, async |s| {
        Browser::new().install(s, names::TEAM).await;
        let exchanges = || s.slack.calls().iter().filter(|call| call.method == "oauth.v2.access").count();
        let before = exchanges();
        // As if another instance were replacing the token: the service leaves that to it.
        sqlx::query("UPDATE workspaces SET refreshing_until = now() + interval '1 hour'")
            .execute(&s.service.db)
            .await
            .unwrap();
        s.advance_until_idle(TimeDelta::minutes(11 * 60 + 30)).await;
        let findings = examine(s).await;
        all_well(&findings);
        says(&findings, "installations", State::Ok, "expires soon");
        says(&findings, "installations", State::Ok, "Acme (T0SANDBOX)");
        s.advance_until_idle(TimeDelta::hours(1)).await;
        let findings = examine(s).await;
        all_well(&findings);
        says(&findings, "installations", State::Warning, "has expired");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        assert_eq!(exchanges(), before, "a refresh token is good once");
        // A key that is missing is no reason to install again.
        let mut other_key = s.config.clone();
        other_key.database.encryption_key = Some("AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=".into());
        let findings = examine_as(s, other_key).await;
        let fix = &says(&findings, "installations", State::Failed, "can't be opened").fix;
        assert!(fix.as_ref().unwrap().contains("COUNTERSIGN_ENCRYPTION_KEY"), "{fix:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn socket_mode_is_tried() {
    story_as(socket_mode, async |s| {
        let before = s.slack.sockets_opened();
        says(&examine(s).await, "Socket Mode", State::Ok, "accepts a test connection");
        assert_eq!(s.slack.sockets_opened(), before + 1, "it has connected");
        s.slack.wait_for(|slack| (slack.sockets() == 2).then_some(()), SOON).await.unwrap();
        let config = ServeConfig { slack_app_token: Some("xapp-wrong".into()), ..s.config.clone() };
        says(&examine_as(s, config).await, "Socket Mode", State::Failed, "invalid_auth");
        s.slack.change_app(|app| app.socket_mode = false);
        says(&examine(s).await, "Socket Mode", State::Failed, "not_enabled");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_is_found() {
    story(async |s| {
        let listen = s.url().trim_start_matches("http://").parse().unwrap();
        let good = ServeConfig { listen, ..s.config.clone() };
        let mut other_secret = good.clone();
        other_secret.slack_signing_secret = Some("another".into());
        says(&examine_as(s, other_secret).await, "signing secret", State::Failed, "refuses");
        let elsewhere = ServeConfig { listen: free_address(), ..good.clone() };
        says(&examine_as(s, elsewhere).await, "signing secret", State::Warning, "nothing listens");
        let mut other_key = good.clone();
        other_key.database.encryption_key = Some("AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=".into());
        says(
            &examine_as(s, other_key).await,
            "sealed secrets",
            State::Failed,
            "no configured encryption key",
        );
        let mut down = good.clone();
        down.slack.slack_api_url = format!("http://{}/api", free_address());
        says(&examine_as(s, down).await, "Slack", State::Failed, "it can't be reached: connection refused");
        let mut none = good.clone();
        none.slack.slack_bot_token = None;
        let findings = examine_as(s, none).await;
        let missing = says(&findings, "configuration", State::Failed, "no Slack workspace is configured");
        assert!(missing.fix.as_ref().unwrap().contains("SLACK_BOT_TOKEN"));
        let guarded = ServeConfig { webhook_allow: Vec::new(), ..good.clone() };
        says(&examine_as(s, guarded).await, "webhooks", State::Failed, "private, local or reserved");
        let mut lost = good.clone();
        lost.database.database_url = format!("postgres://nobody@{}/nothing", free_address()).into();
        let findings = examine_as(s, lost).await;
        let printed = format!("{findings:?}");
        says(&findings, "database", State::Failed, "connection refused");
        assert!(!findings.iter().any(|finding| finding.check == "webhooks"), "{printed}");

        s.slack.misbehave("auth.test", Misbehaviour::WithoutScopes, 1);
        let findings = examine(s).await;
        says(&findings, "scopes", State::Warning, "Slack did not say which scopes");
        assert!(!findings.iter().any(|finding| finding.found.contains("lacks")), "{findings:?}");
        for passing in [
            Misbehaviour::SlackError("org_login_required".to_owned()),
            Misbehaviour::RateLimited { retry_after: 30 },
        ] {
            s.slack.misbehave("auth.test", passing, 1);
            says(&examine(s).await, "Slack token", State::Warning, "");
        }
        s.slack.misbehave("auth.test", Misbehaviour::SlackError("missing_scope".to_owned()), 1);
        says(&examine(s).await, "Slack token", State::Failed, "the token lacks");
        s.slack.change_token(&s.slack.bot_token(), |token| token.scopes.remove("users:read"));
        says(&examine(s).await, "scopes", State::Failed, "users:read");
        s.slack.misbehave("auth.test", Misbehaviour::HtmlPage, 1);
        says(&examine(s).await, "Slack", State::Failed, "can't be reached");
        s.slack.change_token(&s.slack.bot_token(), |token| {
            token.status = sandbox::slack::TokenStatus::Revoked;
        });
        says(&examine(s).await, "Slack token", State::Failed, "token_revoked");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_differ_are_found() {
    story(async |s| {
        let clock = Clock::manual(s.now());
        clock.set_wall_error(TimeDelta::seconds(9));
        let findings = doctor::examine(s.config.clone(), clock, Entropy::seeded(1)).await.unwrap();
        for check in ["database clock", "clock"] {
            let found = findings.iter().find(|finding| finding.check == check).unwrap();
            assert_eq!(found.state, State::Failed, "{found:?}");
            assert!(found.fix.as_ref().unwrap().contains("NTP"));
        }
        s.pass(TimeDelta::seconds(1));
    })
    .await;
}

/// The binary, as an operator runs it, with everything that the service needs.
fn countersign(s: &TestApp, arguments: &[&str], listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    let database = &s.config.database;
    command
        .env_clear()
        .args(arguments)
        .stdin(Stdio::null())
        .env("DATABASE_URL", database.database_url.expose_secret())
        .env("COUNTERSIGN_ENCRYPTION_KEY", database.encryption_key.as_ref().unwrap().expose_secret())
        .env("SLACK_SIGNING_SECRET", s.slack.signing_secret())
        .env("SLACK_BOT_TOKEN", s.slack.bot_token())
        .env("SLACK_API_URL", s.slack.api_url())
        .env("COUNTERSIGN_LISTEN", listen)
        .env("COUNTERSIGN_WEBHOOK_ALLOW", "127.0.0.0/8")
        // Whatever is asked is asked directly.
        .env("http_proxy", format!("http://{}", free_address()));
    command
}

/// Ends a process that the test started, whatever becomes of the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_see_the_exit_status_and_read_json() {
    story(async |s| {
        s.stop().await;
        let listen = free_address().to_string();
        let _serving = Ended(
            countersign(s, &["serve"], &listen).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap(),
        );
        let http = sandbox::http::client().unwrap();
        s.until_so(async || http.get(format!("http://{listen}/livez")).send().await.is_ok()).await;

        let run = |arguments: &[&str]| -> Output { countersign(s, arguments, &listen).output().unwrap() };
        let well = run(&["doctor"]);
        let lines = String::from_utf8(well.stdout).unwrap();
        assert!(well.status.success(), "{lines} {}", String::from_utf8_lossy(&well.stderr));
        assert!(lines.lines().all(|line| line.starts_with("ok  ") || line.starts_with("warn")), "{lines}");
        assert!(lines.contains("signing secret"), "{lines}");

        s.slack.change_token(&s.slack.bot_token(), |token| token.scopes.remove("chat:write"));
        let unwell = run(&["doctor", "--json"]);
        assert_eq!(unwell.status.code(), Some(1));
        let findings: Value = serde_json::from_slice(&unwell.stdout).unwrap();
        let failed =
            findings.as_array().unwrap().iter().find(|finding| finding["state"] == "failed").unwrap();
        assert_eq!(failed["check"], "scopes");
        assert!(failed["fix"].as_str().unwrap().contains("install the app again"));
        let complaint = String::from_utf8(unwell.stderr).unwrap();
        assert!(complaint.contains("1 problem to fix"), "{complaint}");
    })
    .await;
}
