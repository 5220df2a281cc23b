//! Creating an approval. Every agent call takes this path, so it needs only two statements between begin and commit.

use chrono::TimeDelta;
use serde_json::{Map, Value};

use super::{
    Service, ServiceError, UnitOfWork,
    authenticate::{self, ApiKey, Caller},
    directory::{Directory, LookupError},
    retrying,
};
use crate::{
    domain::{
        actions::{NamedAction, register as register_action},
        api_keys::KeyScope,
        approvals::{Agent, Approval, Conversation, Place, Request},
        arguments::{Arguments, Digest},
        decisions,
        ids::{ActionId, ApprovalId, IntegrationId, UserId},
        rejection::Rejection,
        text::{ActionKey, ForeignId, IntegrationKey, Prose},
    },
    storage,
    storage::{
        statements::create_approval,
        tables::{actions, integrations},
    },
};

/// The user who is asked to decide.
#[derive(Debug, Clone)]
pub enum UserRef {
    /// The user's Slack id.
    Id(UserId),
    /// The user's email address. The service looks it up in Slack.
    Email(String),
}

/// A backend's request for an approval.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The API key that was presented.
    pub key: ApiKey,
    /// A key that a backend repeats to get the same approval again instead of a second one.
    pub idempotency_key: Option<ForeignId>,
    /// The digest of the whole request, to tell a repetition from a different request with the same key.
    pub digest: Digest,
    /// The user who is asked to decide.
    pub user: UserRef,
    /// The agent that wants to run the action.
    pub agent: Agent,
    /// The run of the agent.
    pub conversation: Conversation,
    /// The key of the action's integration.
    pub integration: IntegrationKey,
    /// The key of the action.
    pub action: ActionKey,
    /// The arguments to run the action with.
    pub arguments: Arguments,
    /// The agent's reason, in its own words.
    pub reason: Option<Prose>,
    /// How long the approval can be decided.
    pub expires_in: TimeDelta,
    /// Where to post the prompt. `None`: in the user's direct messages.
    pub place: Option<Place>,
    /// JSON that is returned to the backend unchanged.
    pub metadata: Option<Map<String, Value>>,
}

/// The result of a request for an approval.
#[derive(Debug)]
pub struct Asked {
    /// The approval: pending, or approved by a grant. A replayed one may have ended in any way.
    pub approval: Approval,
    /// Whether an earlier request with the same idempotency key created the approval.
    pub replayed: bool,
}

/// Creates an approval. A live grant that covers the request approves it at once, otherwise it is pending.
#[tracing::instrument(name = "create_approval", skip_all)]
pub async fn request(service: &Service, directory: &dyn Directory, ask: &Ask) -> Result<Asked, ServiceError> {
    let user = match &ask.user {
        UserRef::Id(user) => user.clone(),
        UserRef::Email(email) => {
            let caller = authenticate::authenticate(service, &ask.key, KeyScope::Ask).await?;
            caller.may_ask()?;
            let workspace = caller.workspace;
            directory.by_email(workspace, email).await.map_err(|error| match error {
                LookupError::Nobody => Rejection::UnknownUser,
                LookupError::Limited(seconds) => Rejection::SlackBusy(seconds),
                LookupError::MissingScope(scope) => Rejection::MissingScope(scope),
                LookupError::Unavailable => Rejection::LookupUnavailable,
            })?
        }
    };
    retrying!(attempt(service, ask, &user))
}

async fn attempt(service: &Service, ask: &Ask, user: &UserId) -> Result<Asked, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let path = (&ask.integration, &ask.action);
    let (key, conversation, most) = (ask.key.id(), &ask.conversation.id, service.most_pending);
    let context = create_approval::load(
        &mut work,
        key,
        ask.idempotency_key.as_ref(),
        path,
        user,
        conversation,
        now,
        most,
    )
    .await?;
    let stored = context.as_ref().map(|context| &context.key);
    let caller = authenticate::check(&ask.key, stored, KeyScope::Ask, now)?;
    service.key_uses.note(key, now);
    caller.may_ask()?;
    let mut context = context.ok_or(Rejection::Unauthenticated)?;
    if let (Some(earlier), Some(idempotency_key)) = (context.replayed, &ask.idempotency_key) {
        if create_approval::request_digest(&mut work, earlier).await? != ask.digest.bytes() {
            return Err(Rejection::KeyReused(idempotency_key.clone()).into());
        }
        let approval =
            storage::tables::approvals::find(&mut work, earlier).await?.ok_or(Rejection::UnknownApproval)?;
        return Ok(Asked { approval, replayed: true });
    }
    if context.action.is_none() {
        register(service, &mut work, caller, ask).await?;
        context = create_approval::load(&mut work, key, None, path, user, conversation, now, most)
            .await?
            .ok_or(Rejection::Unauthenticated)?;
    }
    let full = context.pending >= i64::from(most);
    let (action, eligibility, grant) = context.action.ok_or(Rejection::CatalogFull)?;
    let request = Request {
        id: ApprovalId::new(service.new_id()),
        workspace: caller.workspace,
        backend: caller.backend,
        user: user.clone(),
        agent: ask.agent.clone(),
        conversation: ask.conversation.clone(),
        action,
        arguments: ask.arguments.clone(),
        digest: ask.arguments.digest(),
        reason: ask.reason.clone(),
        metadata: ask.metadata.clone(),
        place: ask.place.clone(),
        created_at: now,
        expires_at: now + ask.expires_in,
    };
    let asked = decisions::request(request, eligibility, grant, now);
    if full && asked.state().decision.is_none() {
        return Err(Rejection::TooManyPending.into());
    }
    let (db, unwritten) = work.parts();
    let approval =
        create_approval::save(db, unwritten, asked, ask.idempotency_key.as_ref(), ask.digest.bytes()).await?;
    work.commit().await?;
    Ok(Asked { approval, replayed: false })
}

/// Registers an integration or action that no backend has described yet. It is locked. Rejected if the workspace or
/// integration is full.
async fn register(
    service: &Service,
    work: &mut UnitOfWork,
    caller: Caller,
    ask: &Ask,
) -> Result<(), ServiceError> {
    let now = work.now();
    let (key, workspace) = (&ask.integration, caller.workspace);
    integrations::register(work, IntegrationId::new(service.new_id()), workspace, key, now).await?;
    // The lock excludes a backend that is describing the integration at this moment, and could register the same
    // action.
    let integration = integrations::lock_shared(work, workspace, key).await?.ok_or(Rejection::CatalogFull)?;
    let id = ActionId::new(service.new_id());
    let named = NamedAction {
        id,
        integration_id: IntegrationId::new(integration.id),
        integration: ask.integration.clone(),
        action: ask.action.clone(),
    };
    let (db, unwritten) = work.parts();
    actions::register(db, unwritten, register_action(workspace, caller.backend, named), now).await?;
    Ok(())
}
