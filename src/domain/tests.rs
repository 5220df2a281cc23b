//! Properties of every judgement, whatever happens in whatever order.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{collection::vec, option, prelude::*};
use uuid::Uuid;

use super::{
    approvals::{Agent, Approval, Conversation, Request},
    approvers::Entitlement,
    arguments::Arguments,
    audit::{Actor, AuditAction, Entry},
    catalog::{Eligibility, Lock, UnlockedFor},
    decisions,
    decisions::{Choice, Ended, Held},
    effects::{Changed, Effect},
    grants::{Grant, Reach, Scope, StandingScope},
    ids::{ActionId, ActionVersionId, ApprovalId, BackendId, GrantId, IntegrationId, UserId, WorkspaceId},
    text::{ActionKey, ForeignId, IntegrationKey, Prose},
};
use crate::domain::{
    action_ref::ActionRef,
    decision::Verdict,
    editing::EditedArguments,
    limits::{Bounds, Uses},
    narrowing::{Fixed, LiveGrant, MOST_NARROWED, Narrowing, UsesLeft},
    outcome::Outcome,
    people::{ActingUser, PersonKind},
    rejection::Rejection,
};

/// How long the approval can be decided, in seconds.
const LIFE: i64 = 60;
const OWNER: &str = "U0ALICE";
const NEW_GRANT: u128 = 100;
const EXISTING: u128 = 200;

pub(super) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn grant(number: u128) -> GrantId {
    GrantId::new(Uuid::from_u128(number))
}

pub(super) fn request() -> Request {
    let arguments = Arguments::from_stored(serde_json::Map::new());
    Request {
        id: ApprovalId::new(Uuid::from_u128(1)),
        workspace: WorkspaceId::new(Uuid::from_u128(2)),
        backend: BackendId::new(Uuid::from_u128(3)),
        user: UserId::parse(OWNER).unwrap(),
        agent: Agent { id: ForeignId::new("atlas").unwrap(), name: None },
        conversation: Conversation { id: ForeignId::new("c-1").unwrap(), title: None, url: None },
        own_conversation: false,
        approvers: None,
        action: ActionRef {
            id: ActionId::new(Uuid::from_u128(4)),
            integration_id: IntegrationId::new(Uuid::from_u128(5)),
            integration: IntegrationKey::new("salesforce").unwrap(),
            action: ActionKey::new("create_record").unwrap(),
            version: ActionVersionId::new(Uuid::from_u128(4)),
            integration_name: "Salesforce".to_owned(),
            action_name: "Create record".to_owned(),
            description: None,
            impact: crate::domain::risk::Impact::Undeclared,
            presentation: crate::domain::field_hints::Presentation::default(),
            has_input_schema: true,
            must_read: false,
        },
        digest: arguments.digest(),
        arguments,
        editable: true,
        reason: None,
        metadata: None,
        place: None,
        created_at: start(),
        expires_at: start() + TimeDelta::seconds(LIFE),
        policy: None,
        contents_deleted_at: None,
    }
}

/// An attempt by a person, the backend or the service.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "most of them are clicks")]
enum Attempt {
    Click {
        choice: Choice,
        acting_user: ActingUser,
        entitled: Entitlement,
        eligibility: Eligibility,
        held: Held,
    },
    Cancel,
    Expire,
    GiveUp,
}

fn eligibility() -> impl Strategy<Value = Eligibility> {
    // Mostly nothing prevents a grant, so that grants are given often enough.
    let lock = prop_oneof![
        6 => Just(Lock::Unlocked(UnlockedFor::Always)),
        2 => Just(Lock::Unlocked(UnlockedFor::Conversations)),
        1 => Just(Lock::Changed(UnlockedFor::Always)),
        1 => Just(Lock::Locked),
        1 => Just(Lock::Retired)
    ];
    (lock, prop::bool::weighted(0.1), prop::bool::weighted(0.8), prop::bool::weighted(0.2)).prop_map(
        |(lock, outdated, connected, conversation_closed)| Eligibility {
            lock,
            outdated,
            connected,
            conversation_closed,
            bounds: Bounds::default(),
        },
    )
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![Just(Scope::Once), Just(Scope::Conversation), Just(Scope::Always)]
}

fn standing() -> impl Strategy<Value = StandingScope> {
    prop_oneof![Just(StandingScope::Conversation), Just(StandingScope::Always)]
}

fn choice() -> impl Strategy<Value = Choice> {
    let reason = option::of("[a-z ]{1,20}x".prop_map(|text| Prose::new(text).unwrap()));
    let edited = any::<u8>().prop_map(|number| {
        let arguments: Arguments = serde_json::from_value(serde_json::json!({ "a": number })).unwrap();
        Choice::ApproveEdited(EditedArguments { digest: arguments.digest(), arguments })
    });
    let narrowed = (standing(), 1..5_u16).prop_map(|(scope, uses)| {
        let max = Uses::new(uses).unwrap();
        let uses = Some(UsesLeft { max, left: uses });
        Choice::ApproveNarrowed(scope, Narrowing { fixed: Fixed::Nothing, agent: None, until: None, uses })
    });
    prop_oneof![
        3 => scope().prop_map(Choice::Approve),
        1 => narrowed,
        1 => edited,
        1 => reason.prop_map(Choice::Deny)
    ]
}

fn acting_user() -> impl Strategy<Value = ActingUser> {
    let kind = prop_oneof![
        4 => Just(PersonKind::Member),
        1 => Just(PersonKind::Guest),
        1 => Just(PersonKind::ExternalUser),
        1 => Just(PersonKind::Unknown)
    ];
    let user = prop_oneof![3 => Just(OWNER), 1 => Just("U0BOB")];
    (user, kind).prop_map(|(user, kind)| ActingUser { user: UserId::parse(user).unwrap(), kind })
}

/// No one delegates to the person, the owner does, or someone whose approval it is not.
fn entitled() -> impl Strategy<Value = Entitlement> {
    let delegator = prop_oneof![Just(OWNER), Just("U0CAROL")];
    vec(delegator, 0..2)
        .prop_map(|users| users.into_iter().filter_map(UserId::parse).collect())
        .prop_map(|delegators| Entitlement { delegators, ..Entitlement::default() })
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let held =
        (option::of(Just(grant(EXISTING))), 8..12_u32).prop_map(|(same, narrowed)| Held { same, narrowed });
    let click = (choice(), acting_user(), entitled(), eligibility(), held).prop_map(
        |(choice, acting_user, entitled, eligibility, held)| Attempt::Click {
            choice,
            acting_user,
            entitled,
            eligibility,
            held,
        },
    );
    prop_oneof![6 => click, 1 => Just(Attempt::Cancel), 1 => Just(Attempt::Expire), 1 => Just(Attempt::GiveUp)]
}

/// Several attempts, with pauses between them in seconds.
fn history() -> impl Strategy<Value = Vec<(i64, Attempt)>> {
    vec((0..40_i64, attempt()), 1..12)
}

/// The result of an attempt: the new state with its effects, a rejection, or no change.
type AttemptResult = Result<Option<Changed<Ended>>, Rejection>;

fn make(attempt: &Attempt, approval: &Approval, now: DateTime<Utc>) -> AttemptResult {
    match attempt {
        Attempt::Click { choice, acting_user, entitled, eligibility, held } => decisions::click(
            approval,
            choice.clone(),
            (acting_user, entitled),
            *eligibility,
            *held,
            grant(NEW_GRANT),
            now,
        )
        .map(Some),
        Attempt::Cancel => decisions::cancel(approval, now).map(Some),
        Attempt::Expire => Ok(decisions::expire(approval, now)),
        Attempt::GiveUp => {
            let why = Prose::new("the user is gone").unwrap();
            Ok(decisions::give_up(approval, why, now))
        }
    }
}

fn webhooks(effects: &[Effect]) -> Vec<(BackendId, Outcome)> {
    let tell = |effect: &Effect| match effect {
        Effect::SendWebhook { backend, outcome, .. } => Some((*backend, *outcome)),
        _ => None,
    };
    effects.iter().filter_map(tell).collect()
}

fn recorded(effects: &[Effect]) -> Vec<&Entry> {
    let entries = effects.iter().filter_map(|effect| match effect {
        Effect::Record(entry) => Some(entry.as_ref()),
        _ => None,
    });
    entries.collect()
}

const fn audit_action(outcome: Outcome) -> AuditAction {
    match outcome {
        Outcome::Approved => AuditAction::ApprovalApproved,
        Outcome::Denied => AuditAction::ApprovalDenied,
        Outcome::Expired => AuditAction::ApprovalExpired,
        Outcome::Cancelled => AuditAction::ApprovalCancelled,
        Outcome::Undeliverable => AuditAction::ApprovalUndeliverable,
    }
}

/// What must hold after an attempt ended the approval.
fn check_end(
    attempt: &Attempt,
    before: &Approval,
    changed: &Changed<Ended>,
    now: DateTime<Utc>,
) -> Result<(), TestCaseError> {
    let (Ended { approval: after, decision, given }, effects) = (changed.state(), changed.effects());
    prop_assert_eq!(after.decision.as_ref(), Some(decision));
    prop_assert_eq!(&after.request, &before.request, "the request never changes");
    prop_assert_eq!(decision.decided_at, now);
    let outcome = decision.outcome();
    prop_assert_eq!(webhooks(effects), [(before.request.backend, outcome)], "the backend gets one webhook");
    let records = recorded(effects);
    let ends: Vec<_> = records.iter().filter(|entry| entry.what == audit_action(outcome)).collect();
    prop_assert_eq!(ends.len(), 1, "one audit entry says how it ended");
    prop_assert!(records.iter().all(|entry| entry.approval == Some(before.request.id)));
    prop_assert_eq!(
        effects.iter().filter(|effect| **effect == Effect::DrawPrompt(before.request.id)).count(),
        1
    );
    prop_assert_eq!(decision.used_grant(), None, "no grant was used");
    let grants: Vec<&Grant> = given.iter().collect();
    prop_assert_eq!(records.len(), 1 + grants.len(), "no entries but the decision's and the grant's");
    match attempt {
        Attempt::Click { choice, acting_user, entitled, eligibility, held } => {
            let owner = &before.request.user;
            let is_own = acting_user.user == *owner;
            prop_assert!(is_own || entitled.delegators.contains(owner));
            prop_assert_eq!(decision.user(), Some(&acting_user.user));
            prop_assert_eq!(decision.on_behalf_of(), (!is_own).then_some(owner));
            let unknown_denies = acting_user.kind == PersonKind::Unknown && matches!(choice, Choice::Deny(_));
            prop_assert!(acting_user.kind == PersonKind::Member || unknown_denies, "{:?}", acting_user.kind);
            prop_assert!(now < before.request.expires_at, "an expired approval was decided");
            prop_assert_eq!(&records[0].actor, &Actor::User(acting_user.user.clone()));
            check_click(choice, *eligibility, *held, after, &grants)?;
        }
        Attempt::Cancel => prop_assert_eq!(outcome, Outcome::Cancelled),
        Attempt::Expire => {
            prop_assert_eq!(outcome, Outcome::Expired);
            prop_assert!(now >= before.request.expires_at, "expired too early");
        }
        Attempt::GiveUp => prop_assert_eq!(outcome, Outcome::Undeliverable),
    }
    let by_click = matches!(attempt, Attempt::Click { .. });
    prop_assert!(by_click || grants.is_empty(), "only a click gives a grant");
    Ok(())
}

/// What a click must grant: the chosen scope, unless something prevents it or the user already has that grant.
fn check_click(
    choice: &Choice,
    eligibility: Eligibility,
    held: Held,
    after: &Approval,
    grants: &[&Grant],
) -> Result<(), TestCaseError> {
    let request = &after.request;
    match (choice, after.decision.as_ref().map(|decision| &decision.verdict)) {
        (Choice::Deny(reason), Some(Verdict::Denied { on_behalf_of, user, reason: said })) => {
            prop_assert_eq!((on_behalf_of.as_ref().unwrap_or(user), said), (&request.user, reason));
            prop_assert!(grants.is_empty());
        }
        (Choice::Approve(Scope::Once), Some(Verdict::ApprovedFor { user, on_behalf_of })) => {
            prop_assert!(on_behalf_of == &request.user && user != on_behalf_of);
            prop_assert!(grants.is_empty(), "a delegate gives none");
        }
        (Choice::Approve(scope), Some(Verdict::Approved { user, given })) => {
            prop_assert_eq!(user, &request.user);
            prop_assert_eq!(given.scope(), *scope);
            let expected = (*scope != Scope::Once).then(|| held.same.unwrap_or_else(|| grant(NEW_GRANT)));
            prop_assert_eq!(given.grant(), expected);
            if *scope != Scope::Once {
                prop_assert!(
                    matches!(eligibility.lock, Lock::Unlocked(_))
                        && !eligibility.outdated
                        && eligibility.connected
                );
            }
            if *scope == Scope::Conversation {
                prop_assert!(!eligibility.conversation_closed);
            }
            if *scope == Scope::Always {
                prop_assert_eq!(eligibility.lock, Lock::Unlocked(UnlockedFor::Always));
            }
            let gives = *scope != Scope::Once && held.same.is_none();
            prop_assert_eq!(grants.len(), usize::from(gives));
            for grant in grants {
                prop_assert_eq!((grant.workspace, &grant.user), (request.workspace, &request.user));
                prop_assert_eq!(grant.action, request.action.id);
                let reach = match scope {
                    Scope::Conversation => Reach::Conversation(request.conversation_key()),
                    _ => Reach::Always,
                };
                prop_assert_eq!(&grant.reach, &reach);
            }
        }
        (Choice::ApproveNarrowed(scope, narrowing), Some(Verdict::Approved { user, given })) => {
            prop_assert_eq!(user, &request.user);
            prop_assert_eq!(given.limits().cloned(), narrowing.limits());
            prop_assert_eq!((given.scope(), given.grant()), (scope.scope(), Some(grant(NEW_GRANT))));
            prop_assert!(eligibility.blocker().is_none() && held.narrowed < MOST_NARROWED);
            prop_assert!(*scope == StandingScope::Always || !eligibility.conversation_closed);
            prop_assert!(*scope == StandingScope::Conversation || eligibility.allows_always());
            prop_assert_eq!(grants.len(), 1, "each is a new one");
            prop_assert_eq!(grants[0].narrowing.as_ref(), Some(narrowing));
            prop_assert_eq!(grants[0].reach.scope(), *scope);
        }
        (Choice::ApproveEdited(wanted), Some(Verdict::ApprovedEdited { user, edited })) => {
            prop_assert_eq!((user, edited), (&request.user, wanted));
            prop_assert_eq!(after.as_approved().digest, wanted.digest);
            prop_assert!(grants.is_empty(), "it leaves none");
        }
        (choice, verdict) => {
            return Err(TestCaseError::fail(format!("{choice:?} led to {verdict:?}")));
        }
    }
    Ok(())
}

/// What must hold after a rejected attempt: its reason applies. A rejection has neither state nor effects, so it can't
/// change anything.
fn check_refusal(
    attempt: &Attempt,
    approval: &Approval,
    rejection: &Rejection,
    now: DateTime<Utc>,
) -> Result<(), TestCaseError> {
    let ended = approval.decision.is_some();
    let justified = match (rejection, attempt) {
        (Rejection::AlreadyEnded(shown), Attempt::Click { .. } | Attempt::Cancel) => {
            ended && **shown == *approval
        }
        (Rejection::Expired, Attempt::Click { .. }) => !ended && now >= approval.request.expires_at,
        (Rejection::WrongPerson { owner }, Attempt::Click { acting_user, .. }) => {
            owner.as_str() == OWNER && acting_user.user.as_str() != OWNER
        }
        (Rejection::OnlyOnce, Attempt::Click { choice, acting_user, entitled, .. }) => {
            !matches!(choice, Choice::Deny(_) | Choice::Approve(Scope::Once))
                && acting_user.user.as_str() != OWNER
                && entitled.delegators.iter().any(|user| user.as_str() == OWNER)
        }
        (Rejection::Guest, Attempt::Click { acting_user, .. }) => acting_user.kind == PersonKind::Guest,
        (Rejection::OtherWorkspace, Attempt::Click { acting_user, .. }) => {
            acting_user.kind == PersonKind::ExternalUser
        }
        (Rejection::LookupUnavailable, Attempt::Click { choice, acting_user, .. }) => {
            acting_user.kind == PersonKind::Unknown && !matches!(choice, Choice::Deny(_))
        }
        (Rejection::Locked, Attempt::Click { choice, eligibility, .. }) => {
            grants_are_wanted(choice) && eligibility.lock == Lock::Locked
        }
        (Rejection::UnknownAction, Attempt::Click { choice, eligibility, .. }) => {
            grants_are_wanted(choice) && eligibility.lock == Lock::Retired
        }
        (Rejection::ChangedSinceUnlocked, Attempt::Click { choice, eligibility, .. }) => {
            grants_are_wanted(choice) && matches!(eligibility.lock, Lock::Changed(_))
        }
        (Rejection::OnlyConversations, Attempt::Click { choice, eligibility, .. }) => {
            (*choice == Choice::Approve(Scope::Always)
                || matches!(choice, Choice::ApproveNarrowed(StandingScope::Always, _)))
                && eligibility.lock == Lock::Unlocked(UnlockedFor::Conversations)
        }
        (Rejection::ChangedSinceAsked, Attempt::Click { choice, eligibility, .. }) => {
            grants_are_wanted(choice) && eligibility.outdated
        }
        (Rejection::TooManyNarrowed, Attempt::Click { choice, held, .. }) => {
            matches!(choice, Choice::ApproveNarrowed(..)) && held.narrowed >= MOST_NARROWED
        }
        (Rejection::NotConnected, Attempt::Click { choice, eligibility, .. }) => {
            grants_are_wanted(choice) && !eligibility.connected
        }
        (Rejection::ConversationClosed, Attempt::Click { choice, eligibility, .. }) => {
            (*choice == Choice::Approve(Scope::Conversation)
                || matches!(choice, Choice::ApproveNarrowed(StandingScope::Conversation, _)))
                && eligibility.conversation_closed
        }
        _ => false,
    };
    prop_assert!(justified, "{rejection:?} of {attempt:?}");
    Ok(())
}

fn grants_are_wanted(choice: &Choice) -> bool {
    matches!(choice, Choice::Approve(Scope::Conversation | Scope::Always) | Choice::ApproveNarrowed(..))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_approval_ends_at_most_once_and_never_changes_afterwards(history in history()) {
        let mut approval = Approval { request: request(), decision: None, result: None, pause: None };
        let (mut now, mut ends) = (start(), 0);
        for (pause, attempt) in &history {
            now += TimeDelta::seconds(*pause);
            let before = approval.clone();
            match make(attempt, &approval, now) {
                Ok(Some(changed)) => {
                    prop_assert!(before.decision.is_none(), "{attempt:?} ended what had ended");
                    check_end(attempt, &before, &changed, now)?;
                    ends += 1;
                    approval = changed.state().approval.clone();
                }
                Ok(None) => {
                    let too_early = matches!(attempt, Attempt::Expire) && now < before.request.expires_at;
                    prop_assert!(before.decision.is_some() || too_early, "{attempt:?} did nothing");
                }
                Err(rejection) => check_refusal(attempt, &before, &rejection, now)?,
            }
        }
        prop_assert!(ends <= 1);
        prop_assert_eq!(approval.decision.is_some(), ends == 1);
    }

    #[test]
    fn only_what_can_be_edited_is(editable: bool, has_input_schema: bool, choice in choice()) {
        let mut approval = Approval { request: request(), decision: None, result: None, pause: None };
        (approval.request.editable, approval.request.action.has_input_schema) = (editable, has_input_schema);
        let acting_user = ActingUser { user: UserId::parse(OWNER).unwrap(), kind: PersonKind::Member };
        let none = Eligibility { lock: Lock::Unlocked(UnlockedFor::Always), outdated: false, connected: true, conversation_closed: false, bounds: Bounds::default() };
        let judged = decisions::click(&approval, choice.clone(), (&acting_user, &Entitlement::default()), none, Held::default(), grant(NEW_GRANT), start());
        let refused = matches!(choice, Choice::ApproveEdited(_)) && !(editable && has_input_schema);
        prop_assert_eq!(matches!(judged, Err(Rejection::NotEditable)), refused);
    }

    #[test]
    fn only_an_unblocked_live_grant_approves_without_asking(
        eligibility in eligibility(),
        live in option::of(standing()),
    ) {
        let live = live.map(|scope| LiveGrant::whole(grant(EXISTING), scope));
        let changed = decisions::request(request(), eligibility, live.as_slice(), start());
        let (approval, effects) = (changed.state().clone(), changed.effects());
        prop_assert_eq!(&approval.request, &request());
        prop_assert!(webhooks(effects).is_empty(), "the response says it already");
        prop_assert_eq!(recorded(effects).len(), 1);
        let free = |grant: &LiveGrant| {
            let always = eligibility.lock == Lock::Unlocked(UnlockedFor::Always);
            let one = eligibility.lock == Lock::Unlocked(UnlockedFor::Conversations);
            (always || (one && grant.scope == StandingScope::Conversation)) && !eligibility.outdated && eligibility.connected
        };
        if let Some(LiveGrant { id, scope, .. }) = live.filter(free) {
            let decision = approval.decision.unwrap();
            prop_assert_eq!(decision.used_grant(), Some(id));
            prop_assert_eq!(decision.verdict, Verdict::AutoApproved { grant: id, scope: scope.scope(), limits: None });
            prop_assert_eq!(recorded(effects)[0].grant, Some(id));
            prop_assert!(!effects.contains(&Effect::DrawPrompt(request().id)), "no prompt is rendered");
        } else {
            prop_assert_eq!(approval.decision, None);
            prop_assert!(effects.contains(&Effect::DrawPrompt(request().id)), "a prompt is rendered");
        }
    }

    #[test]
    fn an_approval_expires_at_its_time_and_not_before(seconds in -3600..3600_i64) {
        let approval = Approval { request: request(), decision: None, result: None, pause: None };
        let now = start() + TimeDelta::seconds(LIFE + seconds);
        prop_assert_eq!(decisions::expire(&approval, now).is_some(), seconds >= 0);
        prop_assert_eq!(decisions::still_pending(&approval, now).is_ok(), seconds < 0);
    }

    #[test]
    fn only_the_owner_and_their_delegate_decide_and_no_guest_or_external_user(
        acting_user in acting_user(),
        entitled in entitled(),
    ) {
        let may = decisions::may_decide(&request(), &acting_user, &entitled).is_ok();
        let fits = matches!(acting_user.kind, PersonKind::Member | PersonKind::Unknown);
        let owner = UserId::parse(OWNER).unwrap();
        prop_assert_eq!(may, fits && (acting_user.user == owner || entitled.delegators.contains(&owner)));
    }
}
