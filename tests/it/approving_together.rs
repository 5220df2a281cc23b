//! Approvals that other people decide than their user: several of them, and more after a time.

use chrono::TimeDelta;
use countersign::{
    domain::{
        approvals::{Agent, Conversation},
        arguments::Arguments,
        ids::{ApprovalId, UserId},
        panel::{ApproverSpec, Escalation},
        text::{ActionKey, ForeignId, IntegrationKey},
    },
    service::{
        ask::{Addressed, Ask, UserRef},
        authenticate::ApiKey,
        batch,
    },
    storage::LockWait,
};
use sandbox::slack::{Message, User, names};
use serde_json::{Value, json};

use crate::story::{ADMIN, ALICE, BOB, GUEST, TestApp, eventually, story};

pub const ADA: &str = "U0ADA";

pub fn users(ids: &[&str]) -> Vec<UserId> {
    ids.iter().map(|id| UserId::parse(id).unwrap()).collect()
}

/// Asks for Alice, with these approvers, as a rule would have it.
pub async fn ask(s: &TestApp, spec: ApproverSpec, conversation: &str) -> String {
    let arguments = Arguments::from_stored(json!({ "title": "Rounding" }).as_object().unwrap().clone());
    let user = UserId::parse(ALICE).unwrap();
    let ask = Ask {
        key: ApiKey::parse(s.key()).unwrap(),
        idempotency_key: None,
        digest: arguments.digest(),
        user: UserRef::Id(user.clone()),
        agent: Agent { id: ForeignId::new("atlas").unwrap(), name: None },
        conversation: Conversation { id: ForeignId::new(conversation).unwrap(), title: None, url: None },
        integration: IntegrationKey::new("github").unwrap(),
        action: ActionKey::new("create_issue").unwrap(),
        editable: false,
        reason: None,
        approvers: Some(spec),
        expires_in: TimeDelta::hours(1),
        abandon_after: None,
        callback_url: None,
        place: None,
        metadata: None,
        arguments: arguments.clone(),
    };
    let addressed = Addressed { ask, user, arguments_digest: arguments.digest() };
    let asked = batch::judge_one(&s.service, &addressed, LockWait::Usual).await.unwrap();
    asked.approval.id().to_string()
}

async fn messages(s: &TestApp, people: &[&str], id: &str) -> Vec<Message> {
    let mut found = Vec::new();
    for person in people {
        found.push(s.shown(person, id).await);
    }
    found
}

pub async fn start(s: &TestApp) {
    s.put("github").await;
    s.slack.add_user(User::new(ADA, names::TEAM, "ada", "Ada"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_approve_and_all_messages_say_so() {
    story(async |s| {
        start(s).await;
        let spec = ApproverSpec::new(users(&[ALICE, BOB, ADA, ADMIN]), 2, true, None).unwrap();
        let id = ask(s, spec, "c-1").await;
        let shown = messages(s, &[BOB, ADA, ADMIN], &id).await;
        s.settled().await;
        let is_about = |message: &Message| message.to_json().to_string().contains(&id);
        assert!(!s.slack.direct_messages(ALICE).iter().any(is_about), "the user is not among them");
        let said = shown[0].all_text();
        assert!(said.starts_with("A rule asks you to decide this request for @U0ALICE."), "{said}");
        assert!(said.contains("2 of these 3 must approve: @U0BOB, @U0ADA, @U0ADMIN"), "{said}");
        for (person, said) in [(BOB, "A rule asks you to decide"), (ALICE, "A rule has other people decide")]
        {
            let home = s.home(person, |view| view.all_text().contains(said)).await;
            assert_eq!(home.has_button("Approve"), person == BOB);
        }
        assert!(s.click(BOB, &shown[0], "Approve").await.is_ok());
        assert!(s.click(BOB, &shown[0], "Approve").await.is_ok());
        for message in &shown {
            let after = s.until(message, |message| message.all_text().contains("Approved so far")).await;
            assert!(
                after.all_text().contains("Approved so far by @U0BOB; 1 more must approve."),
                "{}",
                after.all_text()
            );
        }
        assert_eq!(s.status(&id).await, "pending");
        assert!(s.click(ADA, &shown[1], "Approve").await.is_ok());
        for message in &shown {
            let after = s
                .until(message, |message| message.all_text().starts_with("Approved by @U0BOB, @U0ADA"))
                .await;
            assert!(!after.has_button("Approve"));
        }
        let decision = s.received_webhook(&id).await.body["data"]["decision"].clone();
        assert_eq!((&decision["user"], &decision["scope"]), (&ADA.into(), &"once".into()), "{decision}");
        let by: Vec<&str> = decision["approved_by"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["user"].as_str().unwrap())
            .collect();
        assert_eq!(by, [BOB, ADA]);
        assert_eq!(s.api().get(&id).await.body["decision"], decision);
        assert_eq!(s.audited_by("approval.answered", BOB).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_denial_ends_it_and_the_user_decides_nothing() {
    story(async |s| {
        start(s).await;
        let spec = ApproverSpec::new(users(&[ALICE, BOB, ADA]), 2, true, None).unwrap();
        let id = ask(s, spec, "c-1").await;
        let shown = messages(s, &[BOB, ADA], &id).await;
        // A copy of Bob's message in Alice's hands.
        for action in ["approve", "deny"] {
            assert!(crate::delegating::click_copy(s, ALICE, &shown[0], action, &id).await);
        }
        assert_eq!(s.status(&id).await, "pending");
        let (approved, denied) =
            tokio::join!(s.click(BOB, &shown[0], "Approve"), s.click(ADA, &shown[1], "Deny"));
        assert!(approved.is_ok() && denied.is_ok());
        for message in &shown {
            s.until(message, |message| message.all_text().starts_with("Denied by @U0ADA")).await;
        }
        assert_eq!(s.status(&id).await, "denied");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_in_time_asks_others_once() {
    story(async |s| {
        start(s).await;
        let escalation = Escalation { after: TimeDelta::minutes(15), to: users(&[ADMIN]) };
        let spec = ApproverSpec::new(users(&[BOB]), 1, true, Some(escalation)).unwrap();
        let id = ask(s, spec, "c-1").await;
        let bobs = s.shown(BOB, &id).await;
        assert!(crate::delegating::click_copy(s, ADMIN, &bobs, "approve", &id).await);
        assert_eq!(s.status(&id).await, "pending", "not yet");
        s.settled().await;
        s.advance_until_idle(TimeDelta::minutes(16)).await;
        let admins = s.shown(ADMIN, &id).await;
        assert!(
            admins.all_text().starts_with("Escalated: no answer for 15 minutes."),
            "{}",
            admins.all_text()
        );
        s.advance_until_idle(TimeDelta::minutes(1)).await;
        let escalated: i64 =
            sqlx::query_scalar("SELECT count(*) FROM audit WHERE what = 'approval.escalated'")
                .fetch_one(&s.service.db)
                .await
                .unwrap();
        assert_eq!(escalated, 1);
        assert!(s.click(ADMIN, &admins, "Approve").await.is_ok());
        s.until(&bobs, |message| message.all_text().starts_with("Approved by @U0ADMIN")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_whom_slack_does_not_place_here_are_not_asked() {
    story(async |s| {
        start(s).await;
        // Bob could approve, and the others of the two who have to can't.
        for (people, required) in [(&[GUEST, "U0NOBODY"][..], 1), (&[BOB, GUEST, ALICE][..], 2)] {
            let spec = ApproverSpec::new(users(people), required, true, None).unwrap();
            let id = ask(s, spec, &format!("c-{required}")).await;
            assert_eq!(s.received_webhook(&id).await.kind, "approval.undeliverable");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_version_can_not_decide_what_two_people_must() {
    story(async |s| {
        start(s).await;
        let spec = ApproverSpec::new(users(&[BOB, ADA]), 2, true, None).unwrap();
        let id = ask(s, spec, "c-1").await;
        let bobs = s.shown(BOB, &id).await;
        assert!(s.click(BOB, &bobs, "Approve").await.is_ok());
        let uuid = id.parse::<ApprovalId>().unwrap().uuid();
        for (status, scope, user) in [
            ("approved", Some("once"), ALICE),
            ("approved", Some("once"), BOB),
            ("denied", None, ALICE),
            ("denied", None, BOB),
        ] {
            let refused = sqlx::query(
                "UPDATE approvals SET status = $2, decision_scope = $3, decided_by = 'user', decided_user = $4,
                     decided_at = created_at WHERE id = $1",
            )
            .bind(uuid)
            .bind(status)
            .bind(scope)
            .bind(user)
            .execute(&s.service.db)
            .await
            .unwrap_err();
            assert!(refused.to_string().contains("too few of the approvers"), "{refused}");
        }
        let spoiled = sqlx::query("UPDATE approvals SET approvers = NULL WHERE id = $1").bind(uuid);
        assert!(spoiled.execute(&s.service.db).await.is_err());
        assert_eq!(s.status(&id).await, "pending");
        let decision: Value = s.api().get(&id).await.body["decision"].clone();
        assert_eq!(decision, Value::Null);
        eventually("the other one is asked", async || Some(s.shown(ADA, &id).await)).await;
    })
    .await;
}
