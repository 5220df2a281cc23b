//! An agent asks. The path that every agent call takes: two statements between begin and commit.

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

/// Whom to ask.
#[derive(Debug, Clone)]
pub enum UserRef {
    /// By Slack id.
    Id(UserId),
    /// By email address, which Slack is asked for.
    Email(String),
}

/// What a backend wants approved.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Who asks.
    pub key: ApiKey,
    /// Makes repeats of the same request answer with the same approval.
    pub idempotency_key: Option<ForeignId>,
    /// The digest of the whole request.
    pub digest: Digest,
    /// Whom to ask.
    pub user: UserRef,
    /// Who wants to run the action.
    pub agent: Agent,
    /// In which run.
    pub conversation: Conversation,
    /// The integration.
    pub integration: IntegrationKey,
    /// The action.
    pub action: ActionKey,
    /// With what.
    pub arguments: Arguments,
    /// Why, in the agent's words.
    pub reason: Option<Prose>,
    /// How long a person has to answer.
    pub expires_in: TimeDelta,
    /// Where to ask.
    pub place: Option<Place>,
    /// Echoed.
    pub metadata: Option<Map<String, Value>>,
}

/// What became of it.
#[derive(Debug)]
pub struct Asked {
    /// The approval: pending, or approved by a grant.
    pub approval: Approval,
    /// It was made earlier, with the same idempotency key.
    pub replayed: bool,
}

/// Asks. The answer is an approved approval where a live grant covers the request, a pending one otherwise.
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

/// Writes down an integration or action that nobody has described yet, locked, if there is room for it.
async fn register(
    service: &Service,
    work: &mut UnitOfWork,
    caller: Caller,
    ask: &Ask,
) -> Result<(), ServiceError> {
    let now = work.now();
    let (key, workspace) = (&ask.integration, caller.workspace);
    integrations::register(work, IntegrationId::new(service.new_id()), workspace, key, now).await?;
    // Locked against a backend that describes it at this moment, and may register the same action.
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
