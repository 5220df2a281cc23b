//! What holds when the database may fail over: nothing is called revoked before a standby has it.

use std::time::Duration;

use countersign::{
    doctor::{self, State},
    entropy::Entropy,
};
use sandbox::postgres::PostgresOptions;

use crate::story::{ADMIN, ALICE, Story, eventually, story, story_with_server};

const ACTION: &str = "github.create_issue";

fn with_standbys() -> PostgresOptions {
    PostgresOptions { standbys: true, ..PostgresOptions::default() }
}

/// Has every commit wait for a standby that is away, or for none any more.
async fn standby_is_away(s: &Story, away: bool) {
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
async fn granted(s: &Story) {
    s.open(ACTION).await;
    assert!(s.answer(ALICE, &format!("on {ACTION}")).await.text().starts_with("On:"));
    assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved");
    s.settled().await;
}

/// While the standby is away, what the grant covers is neither approved nor asked about; afterwards a person is asked.
async fn unknown_and_then_revoked(s: &Story) {
    for _ in 0..2 {
        let ask = s.call(ACTION, "c-1");
        let reply = tokio::time::timeout(Duration::from_secs(15), s.api().ask(&ask)).await.unwrap();
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
        s.whispered(ALICE, &channel, "Confirmed").await;
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
        s.whispered(ALICE, &off.channel, "Confirmed").await;
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
