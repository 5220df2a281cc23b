//! What holds when the database may fail over: nothing is called revoked before a standby has it.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
    time::Duration,
};

use countersign::{doctor, doctor::finding::State, entropy::Entropy};
use sandbox::postgres::PostgresOptions;
use secrecy::ExposeSecret as _;

use crate::{
    children,
    story::{ADMIN, ALICE, PROMPTLY, TestApp, eventually, story, story_with_own_server, story_with_server},
};

const ACTION: &str = "github.create_issue";

fn with_standbys() -> PostgresOptions {
    PostgresOptions { standbys: true, ..PostgresOptions::default() }
}

/// Makes every commit wait for a standby that is away, or for none.
async fn standby_is_away(s: &TestApp, away: bool) {
    let (set, named) = if away {
        ("ALTER SYSTEM SET synchronous_standby_names = 'away'", "away")
    } else {
        ("ALTER SYSTEM RESET synchronous_standby_names", "")
    };
    sqlx::raw_sql(set).execute(&s.service.db).await.unwrap();
    sqlx::query("SELECT pg_reload_conf()").execute(&s.service.db).await.unwrap();
    s.until_so(async || {
        let show = "SELECT current_setting('synchronous_standby_names')";
        sqlx::query_scalar::<_, String>(show).fetch_one(&s.service.db).await.unwrap() == named
    })
    .await;
}

/// Alice's grant, and nothing left to do.
async fn granted(s: &TestApp) {
    s.open(ACTION).await;
    assert!(s.answer(ALICE, &format!("on {ACTION}")).await.text().starts_with("On:"));
    assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved");
    s.settled().await;
}

/// While the standby is away, what the grant covers is neither approved nor asked about; afterwards a person is asked.
async fn unknown_and_then_revoked(s: &TestApp) {
    for _ in 0..2 {
        let ask = s.call(ACTION, "c-1");
        let reply = tokio::time::timeout(PROMPTLY, s.api().ask(&ask)).await.unwrap();
        assert_eq!(reply.status, 503, "{reply:?}");
    }
    standby_is_away(s, false).await;
    eventually("the grant ends", async || (s.grants_of(ALICE).await == 0).then_some(())).await;
    assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_no_standby_confirms_is_not_confirmed_and_approves_nothing() {
    story_with_server(with_standbys(), async |s| {
        granted(s).await;
        standby_is_away(s, true).await;
        let off = s.answer(ALICE, &format!("off {ACTION}")).await;
        assert!(off.text().starts_with("Not confirmed"), "{}", off.text());
        unknown_and_then_revoked(s).await;
        let channel = off.channel.clone();
        s.ephemeral_reply(ALICE, &channel, "Confirmed").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_took_too_long_is_made_again_until_it_holds() {
    story(async |s| {
        granted(s).await;
        let mut held = s.service.db.begin().await.unwrap();
        sqlx::query("SELECT FROM grants FOR UPDATE").execute(&mut *held).await.unwrap();
        let off = s.answer(ALICE, "off all").await;
        assert!(off.text().starts_with("Not confirmed"), "{}", off.text());
        assert_eq!(s.api().ask(&s.call(ACTION, "c-1")).await.status, 503);
        held.rollback().await.unwrap();
        eventually("the grant ends", async || (s.grants_of(ALICE).await == 0).then_some(())).await;
        s.ephemeral_reply(ALICE, &off.channel, "Confirmed").await;
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnection_that_no_standby_confirms_is_answered_503_and_approves_nothing() {
    story_with_server(with_standbys(), async |s| {
        granted(s).await;
        standby_is_away(s, true).await;
        let reply = s.api().disconnect_user(ALICE, "github").await;
        assert_eq!(
            (reply.status, reply.body["type"].as_str()),
            (503, Some("urn:countersign:problem:unclear"))
        );
        // Said again, it is no more known.
        assert_eq!(s.api().disconnect_user(ALICE, "github").await.status, 503);
        unknown_and_then_revoked(s).await;
        assert_eq!(s.api().disconnect_user(ALICE, "github").await.status, 204);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admins_lock_that_no_standby_confirms_is_made_again() {
    story_with_server(with_standbys(), async |s| {
        granted(s).await;
        let (github, id) = (s.integration_id("github").await, s.action_id(ACTION).await);
        s.home(ADMIN, |home| home.has_button("Actions")).await;
        s.click_home(ADMIN, "Actions", &github).await;
        s.home_shows(ADMIN, |home| home.has_button("Lock")).await;
        s.settled().await;
        standby_is_away(s, true).await;
        assert!(!s.click_home(ADMIN, "Lock", &id).await.is_ok());
        unknown_and_then_revoked(s).await;
        assert_eq!(s.audited_by("action.locked", ADMIN).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_what_a_crash_or_a_failover_would_undo() {
    story_with_server(PostgresOptions { durable: true, ..with_standbys() }, async |s| {
        let check = async |check: &str, state: State, words: &str| {
            let findings =
                doctor::examine(s.config.clone(), s.clock.clone(), Entropy::seeded(1)).await.unwrap();
            let found = findings.iter().find(|finding| finding.check == check).unwrap();
            assert!(found.state == state && found.found.contains(words), "{found:#?}");
        };
        let alter = async |sql: &'static str| {
            sqlx::raw_sql(sql).execute(&s.service.db).await.unwrap();
            sqlx::query("SELECT pg_reload_conf()").execute(&s.service.db).await.unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
        };
        check("durability", State::Ok, "on disk").await;
        check("failover", State::Ok, "no standby").await;
        check("audit", State::Warning, "superuser").await;
        check("locks", State::Ok, "room for").await;
        alter("ALTER SYSTEM SET fsync = off").await;
        check("durability", State::Warning, "fsync").await;
        alter("ALTER SYSTEM SET fsync = on").await;
        alter("ALTER SYSTEM SET synchronous_commit = off").await;
        check("durability", State::Warning, "synchronous_commit is off").await;
        alter("ALTER SYSTEM SET synchronous_standby_names = 'away'").await;
        check("failover", State::Warning, "synchronous_commit is off").await;
        alter("ALTER SYSTEM SET synchronous_standby_names = ''").await;
        alter("ALTER SYSTEM SET synchronous_commit = on").await;
    })
    .await;
}

/// Runs `countersign serve` as this role until it has logged `until`; gives what it logged.
fn serve_until(s: &TestApp, url: &str, until: &str) -> Vec<String> {
    let mut child = children::command(env!("CARGO_BIN_EXE_countersign"))
        .arg("serve")
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("DATABASE_URL", url)
        .env("COUNTERSIGN_LISTEN", "127.0.0.1:0")
        .env("COUNTERSIGN_ENCRYPTION_KEY", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")
        .env("SLACK_SIGNING_SECRET", s.slack.signing_secret())
        .env("SLACK_BOT_TOKEN", s.slack.bot_token())
        .env("SLACK_API_URL", s.slack.api_url())
        .env("RUST_LOG", "info,countersign=debug")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut logged = Vec::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok) {
        let found = line.contains(until);
        logged.push(line);
        if found {
            break;
        }
    }
    children::kill(&mut child);
    logged
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_warns_when_its_role_could_change_the_audit() {
    const WARNING: &str = "can disable the triggers that protect the audit";
    const FINE: &str = "The service's database role can't change audit entries";
    story_with_own_server(async |s| {
        s.stop().await;
        let mut url = url::Url::parse(s.config.database.database_url.expose_secret()).unwrap();
        let logged = tokio::task::block_in_place(|| serve_until(s, url.as_str(), WARNING));
        assert!(logged.last().is_some_and(|line| line.contains("superuser")), "{logged:?}");
        sqlx::raw_sql(
            "CREATE ROLE serving LOGIN PASSWORD 'serving';
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO serving",
        )
        .execute(&s.service.db)
        .await
        .unwrap();
        url.set_username("serving").unwrap();
        url.set_password(Some("serving")).unwrap();
        let logged = tokio::task::block_in_place(|| serve_until(s, url.as_str(), FINE));
        assert!(!logged.iter().any(|line| line.contains(WARNING)), "{logged:?}");
        // Its triggers bind that role, whatever it may do with the table.
        let pool =
            countersign::storage::Db::new(url.as_str(), 1, countersign::storage::Limits::COMMAND).unwrap();
        for sql in
            ["DELETE FROM audit", "UPDATE audit SET what = 'x'", "ALTER TABLE audit DISABLE TRIGGER ALL"]
        {
            assert!(sqlx::raw_sql(sql).execute(&pool).await.is_err(), "{sql}");
        }
        pool.close().await;
        sqlx::raw_sql("ALTER TABLE audit OWNER TO serving").execute(&s.service.db).await.unwrap();
        let logged = tokio::task::block_in_place(|| serve_until(s, url.as_str(), WARNING));
        assert!(logged.last().is_some_and(|line| line.contains("owner")), "{logged:?}");
        sqlx::raw_sql("DROP OWNED BY serving CASCADE").execute(&s.service.db).await.unwrap();
    })
    .await;
}
