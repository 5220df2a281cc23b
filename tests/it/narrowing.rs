//! Narrowed grants: what they cover, and how they end.

use chrono::TimeDelta;
use countersign::{
    domain::{
        arguments::Arguments,
        decisions::Choice,
        grants::StandingScope,
        ids::UserId,
        limits::Uses,
        narrowing::{Fixed, FixedValues, Narrowing, UsesLeft},
        people::{ActingUser, PersonKind},
        rejection::Rejection,
    },
    service::{ServiceError, decide, decide::Click, end_grants, keys, retention},
    slack::view::narrowing as view,
};
use sandbox::slack::{Feedback, Gesture, Message, Press, Surface, names};
use serde_json::json;

use crate::{
    batches::ask_at_once,
    story::{ALICE, TestApp, eventually, story},
};

const ACTION: &str = "github.create_issue";

/// Alice approves a request of hers and narrows the grant. Not over HTTP: the stories below do it by clicks.
pub async fn narrow(s: &TestApp, conversation: &str, narrowing: Narrowing) -> Result<(), ServiceError> {
    let reply = s.ask(&s.call(ACTION, conversation)).await;
    assert_eq!(reply.approval_status(), "pending");
    let acting_user = ActingUser { user: UserId::parse(ALICE).unwrap(), kind: PersonKind::Member };
    let approval = reply.id().parse().unwrap();
    let click = Click { workspace: names::TEAM.to_owned(), approval, acting_user, request: None };
    let choice = Choice::ApproveNarrowed(StandingScope::Always, narrowing);
    decide::decide(&s.service, &click, &choice).await.map(|_| ())
}

pub fn uses(number: u16) -> Narrowing {
    let max = Uses::new(number).unwrap();
    Narrowing { fixed: Fixed::Nothing, agent: None, until: None, uses: Some(UsesLeft { max, left: number }) }
}

/// Holds the arguments of these names fixed.
pub fn fixed(s: &TestApp, names: &[&str]) -> Narrowing {
    let arguments: Arguments = serde_json::from_value(s.call(ACTION, "c-1").arguments).unwrap();
    let values = FixedValues::new(&arguments, names.iter().copied()).unwrap();
    Narrowing { fixed: Fixed::Values(values), agent: None, until: None, uses: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_is_used_once() {
    story(async |s| {
        s.open(ACTION).await;
        for round in 0..6_u16 {
            let left = 1 + round * 4;
            narrow(s, &format!("given-{round}"), uses(left)).await.unwrap();
            let calls = (0..32).map(|number| s.call(ACTION, &format!("c-{round}-{}", number % 7))).collect();
            let replies = ask_at_once(s, calls).await;
            let approved = replies.iter().filter(|reply| reply.approval_status() == "approved").count();
            assert_eq!((approved, replies.len()), (usize::from(left), 32));
        }
        let counted: (i64, i64) = sqlx::query_as(
            "SELECT sum(u.use_count)::bigint, count(*) FILTER (WHERE uses_left = 0) FROM grants JOIN used_grants u USING (id) WHERE scope = 'narrowed_always'",
        )
        .fetch_one(&s.service.db)
        .await
        .unwrap();
        assert_eq!(counted, (66, 6));
        // Whatever a program does, the database refuses a use too many.
        let more = sqlx::query("UPDATE grants SET uses_left = uses_left - 1").execute(&s.service.db).await;
        assert!(more.unwrap_err().to_string().contains("grants_uses"));
        // Their end is recorded once, even if two instances look.
        let (first, second) = tokio::join!(end_grants::end(&s.service), end_grants::end(&s.service));
        first.unwrap();
        second.unwrap();
        let entries: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM audit WHERE what = 'grant.revoked' AND after ->> 'why' = 'used_up'",
        )
        .fetch_one(&s.service.db)
        .await
        .unwrap();
        assert_eq!(entries, 6);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_at_most_ten_narrowed_grants_of_an_action() {
    story(async |s| {
        s.open(ACTION).await;
        let until = Some(s.now() + TimeDelta::hours(1));
        for number in 0..10 {
            give(s, number, Narrowing { until, ..fixed(s, &["title"]) }).await.unwrap();
        }
        let eleventh = give(s, 11, fixed(s, &["title"])).await;
        assert!(matches!(eleventh, Err(ServiceError::Rejected(Rejection::TooManyNarrowed))), "{eleventh:?}");
        s.advance_until_idle(TimeDelta::hours(2)).await;
        give(s, 12, fixed(s, &["title"])).await.unwrap();
    })
    .await;
}

/// The same for a request that the grants so far don't cover.
async fn give(s: &TestApp, number: usize, narrowing: Narrowing) -> Result<(), ServiceError> {
    let mut call = s.call(ACTION, "c-1");
    call.arguments["title"] = format!("Other {number}").into();
    let reply = s.ask(&call).await;
    assert_eq!(reply.approval_status(), "pending");
    let acting_user = ActingUser { user: UserId::parse(ALICE).unwrap(), kind: PersonKind::Member };
    let approval = reply.id().parse().unwrap();
    let click = Click { workspace: names::TEAM.to_owned(), approval, acting_user, request: None };
    decide::decide(&s.service, &click, &Choice::ApproveNarrowed(StandingScope::Conversation, narrowing))
        .await
        .map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_cannot_be_opened_cover_nothing() {
    story(async |s| {
        s.open(ACTION).await;
        narrow(s, "c-1", fixed(s, &["title"])).await.unwrap();
        assert_eq!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "approved");
        let stored: Vec<u8> = sqlx::query_scalar("SELECT fixed_values FROM grants").fetch_one(&s.service.db).await.unwrap();
        let title = s.call(ACTION, "c-2").arguments["title"].as_str().unwrap().to_owned();
        assert!(!stored.windows(title.len()).any(|part| part == title.as_bytes()), "they are encrypted");
        let rotated = keys::rotate(&s.service).await.unwrap();
        assert!(rotated.rows > 0 && keys::outdated(&s.service).await.unwrap() == 0);
        // Of another row, as it were.
        sqlx::query("UPDATE grants SET fixed_values = set_byte(fixed_values, octet_length(fixed_values) - 1, 0) || '\\x00'")
            .execute(&s.service.db)
            .await
            .unwrap();
        assert_eq!(s.ask(&s.call(ACTION, "c-3")).await.approval_status(), "pending");
        // A live grant never loses its values, which would widen it.
        let emptied = sqlx::query("UPDATE grants SET fixed_values = ''").execute(&s.service.db).await;
        assert!(emptied.unwrap_err().to_string().contains("grants_fixed_values"));
        let removed = sqlx::query("UPDATE grants SET fixed_values = NULL").execute(&s.service.db).await;
        assert!(removed.unwrap_err().to_string().contains("grants_narrowed"));
    })
    .await;
}

/// Puts something into an input of the modal.
async fn enter(s: &TestApp, block: &str, gesture: Gesture) {
    let press = Press::on(Surface::Modal, view::ACTION).in_block(block).doing(gesture);
    s.slack.press(ALICE, press).await.unwrap();
}

/// Opens the modal, and holds the arguments of these names fixed.
async fn more_options(s: &TestApp, prompt: &Message, names: &[&str]) {
    assert!(s.choose(ALICE, prompt, "More options…").await.is_ok());
    assert_eq!(s.slack.view(ALICE).unwrap().title(), view::TITLE);
    let values = names.iter().map(|name| view::option_value(name)).collect();
    enter(s, "narrow_fixed_1", Gesture::Check(values)).await;
}

async fn pick(s: &TestApp, block: &str, value: &str) {
    enter(s, block, Gesture::Pick(value.to_owned())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_narrowed_in_the_modal() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        // Nothing is limited, so nothing is decided.
        more_options(s, &prompt, &[]).await;
        pick(s, view::PERIOD, "no_end").await;
        let refused = s.slack.submit(ALICE).await.unwrap();
        assert!(matches!(refused.feedback, Feedback::Errors(_)), "{refused:?}");
        assert_eq!(s.status(&id).await, "pending");
        enter(s, "narrow_fixed_1", Gesture::Check(vec![view::option_value("title")])).await;
        pick(s, view::SCOPE, "always").await;
        enter(s, view::USES, Gesture::Enter("2".to_owned())).await;
        assert_eq!(s.slack.submit(ALICE).await.unwrap().feedback, Feedback::Closed);
        let decision = s.received_webhook(&id).await.approval()["decision"].clone();
        assert_eq!((&decision["scope"], &decision["by"]), (&json!("always"), &json!("user")));
        let limits =
            json!({ "fixed_arguments": ["title"], "agent": null, "expires_at": null, "max_uses": 2 });
        assert_eq!(decision["grant_limits"], limits);
        s.until(&prompt, |message| message.to_json().to_string().contains(", for 2 requests")).await;

        // Another value asks, the same one does not, until the uses are used up.
        let mut other = s.call(ACTION, "c-2");
        other.arguments["title"] = json!("Another");
        assert_eq!(s.ask(&other).await.approval_status(), "pending");
        for conversation in ["c-2", "c-3"] {
            let reply = s.ask(&s.call(ACTION, conversation)).await;
            assert_eq!(reply.approval_status(), "approved");
            assert_eq!(reply.body["decision"]["grant_limits"], limits);
            assert_eq!(reply.body["decision"]["grant"], decision["grant"]);
        }
        assert_eq!(s.ask(&s.call(ACTION, "c-4")).await.approval_status(), "pending");
        s.advance_until_idle(TimeDelta::minutes(1)).await;
        s.until(&prompt, |message| message.to_json().to_string().contains("The auto-approval has ended."))
            .await;
        let ended: String =
            sqlx::query_scalar("SELECT revoked_why FROM grants").fetch_one(&s.service.db).await.unwrap();
        assert_eq!(ended, "used_up");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_ends_at_midnight_where_its_user_is() {
    story(async |s| {
        s.open(ACTION).await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        more_options(s, &prompt, &["title"]).await;
        enter(s, view::AGENT, Gesture::Check(vec![view::THIS_AGENT.to_owned()])).await;
        pick(s, view::PERIOD, "today").await;
        assert_eq!(s.slack.submit(ALICE).await.unwrap().feedback, Feedback::Closed);
        let call = s.call(ACTION, "c-1");
        assert_eq!(s.ask(&call).await.approval_status(), "approved");
        let mut other = call.clone();
        other.agent.id = "another-agent".to_owned();
        assert_eq!(s.ask(&other).await.approval_status(), "pending");
        assert_eq!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "pending", "another conversation");

        let until: chrono::DateTime<chrono::Utc> =
            sqlx::query_scalar("SELECT expires_at FROM grants").fetch_one(&s.service.db).await.unwrap();
        let before = until - s.now() - TimeDelta::seconds(1);
        assert!(before < TimeDelta::hours(24));
        s.clock.advance(before);
        assert_eq!(s.ask(&call).await.approval_status(), "approved");
        s.clock.advance(TimeDelta::seconds(1));
        assert_eq!(s.ask(&call).await.approval_status(), "pending", "no job has run");
        let ended = async || {
            let why: Option<String> =
                sqlx::query_scalar("SELECT revoked_why FROM grants").fetch_one(&s.service.db).await.unwrap();
            why
        };
        s.advance_until_idle(TimeDelta::minutes(1)).await;
        assert_eq!(eventually("its end is recorded", ended).await, "expired");
        s.advance_until_idle(TimeDelta::days(10)).await;
        retention::delete_contents(&s.service, TimeDelta::days(8), || ()).await.unwrap();
        let values: Vec<u8> =
            sqlx::query_scalar("SELECT fixed_values FROM grants").fetch_one(&s.service.db).await.unwrap();
        assert!(values.is_empty(), "the values don't outlive those of approvals");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_modal_opens_with_what_approvals_have_in_common() {
    story(async |s| {
        s.open(ACTION).await;
        for _ in 0..3 {
            let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
            assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        }
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, "More options…").await.is_ok());
        assert_eq!(s.slack.submit(ALICE).await.unwrap().feedback, Feedback::Closed);
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved");
        let (fixed, agent): (bool, Option<String>) =
            sqlx::query_as("SELECT fixed_values IS NOT NULL, agent_id FROM grants")
                .fetch_one(&s.service.db)
                .await
                .unwrap();
        assert!(fixed && agent.is_some());
    })
    .await;
}
