//! Every way to give a standing permission against every way to end one, in both orders: what ends it last is what
//! holds. The table is in docs/decisions/0008-row-locks.md.

use chrono::TimeDelta;
use countersign::{
    domain::{
        decisions::Choice,
        grants::{Scope, StandingScope},
        ids::{ActionId, UserId},
        limits::Uses,
        narrowing::{Fixed, Narrowing, UsesLeft},
        people::{ActingUser, PersonKind},
        rejection::Rejection,
        settings::Toggle,
    },
    service::{
        ServiceError, decide, decide::Click, leave, members, members::Holder, settings, unlock, workspaces,
    },
};
use sandbox::{backend::Ask, slack::names};
use serde_json::{Value, json};

use crate::{
    racing::waiting,
    story::{ADMIN, ALICE, TestApp, story},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Give {
    /// *Auto-approve for this conversation*.
    Conversation,
    /// *Auto-approve always*.
    Always,
    /// The toggle, or `/approvals on`.
    Toggle,
    /// A request that an always grant covers.
    Use,
    /// A request that a conversation's grant covers.
    UseInConversation,
    /// *More options…*, for this conversation and ten requests.
    Narrowed,
    /// A request that such a grant covers.
    UseNarrowed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    OffAll,
    ToggledOff,
    Locked,
    Retired,
    Disconnected,
    ConnectionRequired,
    ConversationClosed,
    Left,
    AppRemoved,
    /// Not an end: the action is described otherwise, and its grants are paused.
    Described,
}

const GIVES: [Give; 7] = [
    Give::Conversation,
    Give::Always,
    Give::Toggle,
    Give::Use,
    Give::UseInConversation,
    Give::Narrowed,
    Give::UseNarrowed,
];
const ENDS: [End; 10] = [
    End::OffAll,
    End::ToggledOff,
    End::Locked,
    End::Retired,
    End::Disconnected,
    End::ConnectionRequired,
    End::ConversationClosed,
    End::Left,
    End::AppRemoved,
    End::Described,
];

impl Give {
    const fn is_use(self) -> bool {
        matches!(self, Self::Use | Self::UseInConversation | Self::UseNarrowed)
    }
}

/// Blocks every change: each writes to the audit after it has taken its locks.
pub async fn hold_audit(s: &TestApp) -> countersign::storage::Tx {
    let mut tx = s.service.db.begin().await.unwrap();
    sqlx::query("LOCK TABLE audit IN SHARE MODE").execute(&mut *tx).await.unwrap();
    tx
}

/// Runs both at once, so that the first one has taken its locks when the second one begins.
async fn in_order<A, B>(
    s: &TestApp,
    give: impl Future<Output = A>,
    end: impl Future<Output = B>,
    give_first: bool,
) -> (A, B) {
    let held = hold_audit(s).await;
    let turn = async |first: bool| {
        if !first {
            waiting(s, 1).await;
        }
    };
    let (given, ended, ()) = tokio::join!(
        async {
            turn(give_first).await;
            give.await
        },
        async {
            turn(!give_first).await;
            end.await
        },
        async {
            waiting(s, 2).await;
            held.rollback().await.unwrap();
        }
    );
    (given, ended)
}

/// What one pair races about: an integration of its own.
struct Round {
    key: String,
    conversation: String,
    action: ActionId,
}

impl Round {
    fn catalog(&self, requires_connection: bool, actions: &[&str]) -> Value {
        let actions: Vec<_> = actions.iter().map(|key| json!({ "key": key, "name": key })).collect();
        json!({ "name": self.key, "requires_connection": requires_connection, "actions": actions })
    }

    fn ask(&self, action: &str) -> Ask {
        Ask::new(ALICE, &self.key, action, json!({})).in_conversation(&self.conversation)
    }

    async fn begin(s: &TestApp, number: usize, end: End) -> Self {
        let (key, conversation) = (format!("race-{number}"), format!("c-{number}"));
        let mut round = Self { key, conversation, action: ActionId::new(uuid::Uuid::nil()) };
        let needs = end != End::ConnectionRequired;
        let reply = s.api().put_integration(&round.key, &round.catalog(needs, &["act", "other"])).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        for action in ["act", "other"] {
            s.unlock(&format!("{}.{action}", round.key)).await;
        }
        if needs {
            s.api().connect_user(ALICE, &round.key).await;
        }
        let found = settings::find_action(&s.service, names::TEAM, &format!("{}.act", round.key)).await;
        round.action = found.unwrap().unwrap();
        // One that ends in any case, so that whatever ends grants has something to write.
        let other = s.ask(&round.ask("other")).await;
        approve(s, other.id(), Scope::Always).await.unwrap();
        round
    }

    async fn give(&self, s: &TestApp, give: Give, approval: &str) -> Result<(), ServiceError> {
        match give {
            Give::Conversation => approve(s, approval, Scope::Conversation).await,
            Give::Always => approve(s, approval, Scope::Always).await,
            Give::Toggle => toggle(s, self.action, Toggle::On).await,
            Give::Narrowed => narrow(s, approval).await,
            Give::Use | Give::UseInConversation | Give::UseNarrowed => {
                let reply = s.api().ask(&self.ask("act")).await;
                assert!(reply.status == 201 || reply.status == 403, "{reply:?}");
                Ok(())
            }
        }
    }

    async fn end(&self, s: &TestApp, end: End) {
        match end {
            End::OffAll => {
                settings::turn_all_off(&s.service, names::TEAM.into(), &alice()).await.unwrap();
            }
            End::ToggledOff => toggle(s, self.action, Toggle::Off).await.unwrap(),
            End::Locked => s.lock(&format!("{}.act", self.key)).await,
            End::Retired => {
                let reply = s.api().put_integration(&self.key, &self.catalog(true, &["other"])).await;
                assert_eq!(reply.status, 200, "{reply:?}");
            }
            End::Disconnected => {
                assert_eq!(s.api().disconnect_user(ALICE, &self.key).await.status, 204);
            }
            End::ConnectionRequired => {
                let reply = s.api().put_integration(&self.key, &self.catalog(true, &["act", "other"])).await;
                assert_eq!(reply.status, 200, "{reply:?}");
            }
            End::Described => {
                let mut body = self.catalog(true, &["act", "other"]);
                body["actions"][0]["name"] = "Another name".into();
                let reply = s.api().put_integration(&self.key, &body).await;
                assert_eq!(reply.status, 200, "{reply:?}");
            }
            End::ConversationClosed => {
                assert_eq!(s.api().close_conversation(&self.conversation).await.status, 204);
            }
            End::Left => {
                members::left(&s.service, &holder(s)).await.unwrap();
            }
            End::AppRemoved => {
                assert!(leave::leave(&s.service, names::TEAM, "a test").await.unwrap());
            }
        }
    }

    async fn live(&self, s: &TestApp) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM grants WHERE action_id = $1 AND revoked_at IS NULL")
            .bind(self.action.uuid())
            .fetch_one(&s.service.db)
            .await
            .unwrap()
    }
}

fn alice() -> UserId {
    UserId::parse(ALICE).unwrap()
}

fn holder(s: &TestApp) -> Holder {
    Holder { workspace: s.workspace, slack_id: names::TEAM.to_owned(), user: alice() }
}

/// Alice as Slack described her a moment ago.
fn member() -> ActingUser {
    ActingUser { user: alice(), kind: PersonKind::Member }
}

/// Not over HTTP: other tests show that this is what a click does.
async fn approve(s: &TestApp, approval: &str, scope: Scope) -> Result<(), ServiceError> {
    let approval = approval.parse().unwrap();
    let click = Click { workspace: names::TEAM.to_owned(), approval, acting_user: member(), request: None };
    decide::decide(&s.service, &click, &Choice::Approve(scope)).await.map(|_| ())
}

async fn narrow(s: &TestApp, approval: &str) -> Result<(), ServiceError> {
    let approval = approval.parse().unwrap();
    let click = Click { workspace: names::TEAM.to_owned(), approval, acting_user: member(), request: None };
    let uses = Some(UsesLeft { max: Uses::new(10).unwrap(), left: 10 });
    let narrowing = Narrowing { fixed: Fixed::Nothing, agent: None, until: None, uses };
    let choice = Choice::ApproveNarrowed(StandingScope::Conversation, narrowing);
    decide::decide(&s.service, &click, &choice).await.map(|_| ())
}

async fn toggle(s: &TestApp, action: ActionId, toggle: Toggle) -> Result<(), ServiceError> {
    settings::set(&s.service, names::TEAM.into(), &member(), action, toggle, None).await.map(|_| ())
}

/// Whether this end applies to this permission.
fn meet(give: Give, end: End) -> bool {
    end != End::ConversationClosed || !matches!(give, Give::Always | Give::Toggle | Give::Use)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_beside_its_end_does_not_outlive_it() {
    story(async |s| {
        let mut number = 0;
        for give in GIVES {
            for end in ENDS.into_iter().filter(|end| meet(give, *end)) {
                for give_first in [true, false] {
                    Box::pin(race(s, number, give, end, give_first)).await;
                    number += 1;
                }
            }
        }
    })
    .await;
}

async fn race(s: &TestApp, number: usize, give: Give, end: End, give_first: bool) {
    // Toggling off one action writes nothing where there is no grant for it, so that it can't be held.
    let unheld = end == End::ToggledOff && !give_first && !give.is_use();
    if unheld {
        return;
    }
    let round = Round::begin(s, number, end).await;
    let approval = s.ask(&round.ask("act")).await.id().to_owned();
    match give {
        Give::Use => approve(s, &approval, Scope::Always).await.unwrap(),
        Give::UseInConversation => approve(s, &approval, Scope::Conversation).await.unwrap(),
        Give::UseNarrowed => narrow(s, &approval).await.unwrap(),
        Give::Conversation | Give::Always | Give::Toggle | Give::Narrowed => {}
    }
    let (given, ()) =
        in_order(s, Box::pin(round.give(s, give, &approval)), Box::pin(round.end(s, end)), give_first).await;
    let pair =
        format!("{give:?} and {end:?}, {} first: {given:?}", if give_first { "given" } else { "ended" });
    if end == End::AppRemoved {
        workspaces::install(&s.service, names::TEAM, "Acme").await.unwrap();
    }
    // Of a person's own two clicks the later one counts: allowing after turning off allows.
    let allowed_again = matches!(end, End::OffAll | End::ToggledOff) && !give_first && !give.is_use();
    if end != End::Described {
        assert_eq!(round.live(s).await, i64::from(allowed_again), "{pair}");
    }
    let next = s.ask(&round.ask("act")).await;
    assert_eq!(next.approval_status() == "approved", allowed_again, "{pair}: {next:?}");
    if !give_first && !allowed_again && !give.is_use() {
        assert!(matches!(given, Err(ServiceError::Rejected(_))), "{pair}");
    }
    if end == End::Left {
        // A person who comes back may allow actions again.
        s.advance_until_idle(TimeDelta::minutes(3)).await;
        toggle(s, round.action, Toggle::On).await.unwrap();
        toggle(s, round.action, Toggle::Off).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_unlocked_or_connected_beside_its_end() {
    story(async |s| {
        for (number, end) in [End::Locked, End::Retired, End::AppRemoved].into_iter().enumerate() {
            for give_first in [true, false] {
                let round = Round::begin(s, number * 2 + usize::from(give_first), End::Locked).await;
                s.lock(&format!("{}.act", round.key)).await;
                let admin = UserId::parse(ADMIN).unwrap();
                let unlock = async {
                    let toggle = unlock::LockCommand::Unlock(countersign::domain::catalog::UnlockedFor::Always);
                    let toggle = (toggle, unlock::Seen::Present);
                    unlock::set_by_admin(&s.service, names::TEAM.into(), round.action, toggle, &admin).await
                };
                if end == End::Locked && !give_first {
                    // Locking what is locked writes nothing, so that it can't be held.
                    continue;
                }
                let (unlocked, ()) = in_order(s, Box::pin(unlock), Box::pin(round.end(s, end)), give_first).await;
                if end == End::AppRemoved {
                    workspaces::install(&s.service, names::TEAM, "Acme").await.unwrap();
                }
                match (end, give_first) {
                    // Unlocked actions stay when the app is removed: they are no user's permission.
                    (_, true) => assert!(unlocked.unwrap()),
                    (End::AppRemoved, false) => {
                        assert!(matches!(unlocked, Err(ServiceError::Rejected(Rejection::WorkspaceRemoved))));
                    }
                    (_, false) => {
                        assert!(matches!(unlocked, Err(ServiceError::Rejected(Rejection::UnknownAction))));
                    }
                }
                if end != End::AppRemoved {
                    let unlocked: i64 =
                        sqlx::query_scalar("SELECT count(*) FROM actions WHERE id = $1 AND unlocked_at IS NOT NULL")
                            .bind(round.action.uuid())
                            .fetch_one(&s.service.db)
                            .await
                            .unwrap();
                    assert_eq!(unlocked, 0, "{end:?}");
                }
            }
        }
        let round = Round::begin(s, 100, End::ConnectionRequired).await;
        let connect = async { s.api().connect_user(ALICE, &round.key).await.status };
        let (connected, ()) = in_order(s, Box::pin(connect), Box::pin(round.end(s, End::Disconnected)), true).await;
        assert_eq!(connected, 204);
        let left: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM connections c JOIN integrations i ON i.id = c.integration_id WHERE i.key = $1",
        )
        .bind(&round.key)
        .fetch_one(&s.service.db)
        .await
        .unwrap();
        assert_eq!(left, 0);
    })
    .await;
}
