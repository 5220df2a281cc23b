//! Many requests for approvals in one transaction. Each is judged as if it had come separately, and gets its own answer.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{
    Service, ServiceError, UnitOfWork,
    ask::{Addressed, Ask, Asked},
    authenticate::{self, Caller},
    pending_limit::{Pending, PendingLimit},
    policies, retrying,
};
use crate::{
    domain::{
        abandonment::Listened,
        actions::{NamedAction, register as register_action},
        api_keys::KeyScope,
        approvals::{Approval, Request},
        callbacks::CallbackUrl,
        callers::OwnApprovals,
        decision::{Decision, Verdict},
        decisions,
        ids::{ActionId, ApiKeyId, ApprovalId, GrantId, IntegrationId},
        own_keys::ConversationKey,
        pauses::JudgedRequest,
        policy::{self, Ruled},
        rejection::Rejection,
        text::ForeignId,
    },
    storage::{
        LockWait, Plans,
        statements::create_approval::{self, AskContext, Asking, Created, MostPending, StoredConversation},
        tables::{
            abandonments, actions, approvals, approver_answers, callbacks, callbacks::NewCallback,
            integrations, outbox,
        },
    },
};

/// The answer to one request of a batch. `None`: it has to be judged separately, because what it is judged by depends on
/// another request of the batch, or has to be written first.
pub type Judged = Option<Result<Asked, ServiceError>>;

/// Judges requests together, in their order. An error means that nothing was written, for any of them.
#[tracing::instrument(name = "create_approvals", skip_all, fields(asks = asks.len()))]
pub async fn judge(
    service: &Service,
    asks: &[&Addressed],
    wait: LockWait,
) -> Result<Vec<Judged>, ServiceError> {
    let mut work = service.begin_with(wait, Plans::Kept).await?;
    let now = work.now();
    let limit = &service.pending_limit;
    let pending = limit.pending(asks.iter().map(|addressed| addressed.ask.key.id()), now);
    let most = if matches!(pending, Pending::Unknown) { limit.most() } else { MostPending::default() };
    let asking: Vec<_> = asks.iter().map(|addressed| asking(addressed)).collect();
    let contexts = create_approval::load(&mut work, &asking, now, &most, &service.open_fixed()).await?;
    let mut judged: Vec<Judged> = Vec::with_capacity(asks.len());
    let (mut places, mut created) = (Vec::new(), Vec::new());
    let mut seen = Seen::new(limit, pending);
    let in_force = asks.iter().zip(&contexts).map(|(addressed, context)| {
        let context = context.as_ref().ok()?.as_ref()?;
        // A pause is judged before the rules, and a repeated request not at all.
        let paused = context.pauses.covers(context.key.backend, &addressed.ask.agent.id);
        if paused || context.replayed.is_some() {
            None
        } else {
            Some((context.key.workspace, context.policy?))
        }
    });
    let ruled = policies::judge(service, &mut work, asks.iter().copied().zip(in_force), now).await?;
    for ((addressed, context), ruled) in asks.iter().zip(contexts).zip(ruled) {
        let examined = match examine(service, &mut work, addressed, context, asks.len() == 1).await {
            // The transaction can't go on after an error of the database. A row that can't be read is not such an error.
            Err(failure @ ServiceError::Database(_)) if failure.corrupt_row().is_none() => {
                return Err(failure);
            }
            examined => examined,
        };
        let answer = match examined {
            Ok(Examined::New(caller, context)) => {
                match seen.judge(service, now, (addressed, ruled.as_ref()), &caller, *context) {
                    Ok((asked, conversation)) => {
                        places.push(judged.len());
                        let Ask { idempotency_key, digest, .. } = &addressed.ask;
                        created.push(Created {
                            asked,
                            idempotency_key: idempotency_key
                                .as_ref()
                                .map(|key| caller.own().idempotency_key(key)),
                            request_digest: *digest.bytes(),
                            conversation,
                        });
                        None
                    }
                    Err(refused) => refused.map(|rejection| Err(rejection.into())),
                }
            }
            Ok(Examined::Replayed(asked)) => Some(Ok(*asked)),
            Ok(Examined::Alone) => None,
            Err(failure) => Some(Err(failure)),
        };
        judged.push(answer);
    }
    if !created.is_empty() {
        let (db, unwritten) = work.parts();
        let approvals = create_approval::save(db, unwritten, created, now).await?;
        let watched: Vec<_> = asked_by(&places, asks)
            .zip(&approvals)
            .filter(|(_, approval)| approval.decision.is_none())
            .filter_map(|(ask, approval)| Some(Listened::new(approval, ask.abandon_after?)))
            .collect();
        if !watched.is_empty() {
            abandonments::insert(&mut work, &watched).await?;
        }
        // Requests that others decide than their user. Earlier versions leave their prompts alone.
        let mut left_alone = Vec::new();
        for approval in approvals.iter().filter(|approval| approval.decision.is_none()) {
            if let Some(spec) = &approval.request.approvers {
                approver_answers::attach(&mut work, approval, spec).await?;
                left_alone.push(approval.id());
            }
        }
        if !left_alone.is_empty() {
            outbox::share(&mut work, &left_alone).await?;
        }
        let callbacks: Vec<_> = asked_by(&places, asks)
            .zip(&approvals)
            .filter(|(_, approval)| approval.decision.is_none())
            .filter_map(|(ask, approval)| Some(callback(service, approval, ask.callback_url.as_ref()?)))
            .collect();
        if !callbacks.is_empty() {
            callbacks::insert(&mut work, &callbacks).await?;
        }
        work.commit().await?;
        seen.note_pending(now);
        for (place, approval) in places.into_iter().zip(approvals) {
            note_paused(&approval);
            service.agents_seen.note(&approval.request);
            judged[place] = Some(Ok(Asked { approval, replayed: false }));
        }
    }
    Ok(judged)
}

/// Counts requests of what is paused: an agent that goes on asking may be in a loop.
fn note_paused(approval: &Approval) {
    let denied = matches!(approval.decision, Some(Decision { verdict: Verdict::DeniedByPause { .. }, .. }));
    let requests = match (&approval.pause, denied) {
        (Some(_), _) => "held",
        (None, true) => "denied",
        (None, false) => return,
    };
    metrics::counter!("countersign_paused_asks_total", "requests" => requests).increment(1);
}

fn callback(service: &Service, approval: &Approval, url: &CallbackUrl) -> NewCallback {
    let id = approval.id();
    NewCallback {
        approval: id,
        backend: approval.request.backend,
        url: service.sealer.seal(url.secret(), id.uuid(), &service.entropy),
        host: url.host().to_owned(),
        receiver: url.receiver(),
    }
}

/// The requests at these places.
fn asked_by<'a>(places: &[usize], asks: &[&'a Addressed]) -> impl Iterator<Item = &'a Ask> {
    places.iter().map(|place| &asks[*place].ask)
}

/// Judges one request in a transaction of its own.
pub async fn judge_one(
    service: &Service,
    addressed: &Addressed,
    wait: LockWait,
) -> Result<Asked, ServiceError> {
    let judged = retrying!(judge(service, &[addressed], wait))?;
    // A single request always has an answer: an action that could not be registered has its own.
    judged.into_iter().next().flatten().unwrap_or_else(|| Err(Rejection::CatalogFull.into()))
}

fn asking(addressed: &Addressed) -> Asking<'_> {
    let Ask { key, idempotency_key, integration, action, conversation, .. } = &addressed.ask;
    Asking {
        key: key.id(),
        idempotency_key: idempotency_key.as_ref(),
        integration,
        action,
        user: &addressed.user,
        conversation,
    }
}

/// A request whose caller may make it.
enum Examined {
    /// An earlier request with the same idempotency key was answered.
    Replayed(Box<Asked>),
    /// Its action has to be registered first.
    Alone,
    /// It is to be judged.
    New(Caller, Box<AskContext>),
}

async fn examine(
    service: &Service,
    work: &mut UnitOfWork,
    addressed: &Addressed,
    context: sqlx::Result<Option<AskContext>>,
    alone: bool,
) -> Result<Examined, ServiceError> {
    let ask = &addressed.ask;
    let now = work.now();
    let context = context?;
    let stored = context.as_ref().map(|context| &context.key);
    let caller = authenticate::check(&ask.key, stored, KeyScope::Ask, now)?;
    service.key_uses.note(ask.key.id(), now);
    caller.may_ask()?;
    caller.may_concern(&addressed.user)?;
    let context = context.ok_or(Rejection::Unauthenticated)?;
    if let (Some((earlier, digest)), Some(idempotency_key)) = (&context.replayed, &ask.idempotency_key) {
        if digest != ask.digest.bytes() {
            return Err(Rejection::KeyReused(idempotency_key.clone()).into());
        }
        let approval = approvals::find(work, *earlier).await?.ok_or(Rejection::UnknownApproval)?;
        return Ok(Examined::Replayed(Box::new(Asked { approval, replayed: true })));
    }
    if context.action.is_some() {
        return Ok(Examined::New(caller, Box::new(context)));
    }
    if !alone {
        return Ok(Examined::Alone);
    }
    register(service, work, &caller, ask).await?;
    let (asking, most) = ([asking(addressed)], service.pending_limit.most());
    let again = create_approval::load(work, &asking, now, &most, &service.open_fixed()).await?;
    let context = again.into_iter().next().transpose()?.flatten().ok_or(Rejection::Unauthenticated)?;
    Ok(Examined::New(caller, Box::new(context)))
}

/// What the requests of a batch that were judged before this one change for it.
struct Seen<'a> {
    limit: &'a PendingLimit,
    /// What was known of the pending approvals before.
    pending: Pending,
    /// The pending approvals that count together, by the key that asked last: those before, and those of this batch.
    added: HashMap<OwnApprovals, (ApiKeyId, i64, i64)>,
    /// The conversations whose grants had ended for want of requests.
    woken: HashSet<ConversationKey>,
    /// The idempotency keys.
    keys: HashSet<(ApiKeyId, &'a ForeignId)>,
    /// How many requests of this batch each grant approves. They are written together, after all of them were judged.
    uses: HashMap<GrantId, u16>,
}

type New = (JudgedRequest, Option<StoredConversation>);

impl<'a> Seen<'a> {
    fn new(limit: &'a PendingLimit, pending: Pending) -> Self {
        Self {
            limit,
            pending,
            added: HashMap::new(),
            woken: HashSet::new(),
            keys: HashSet::new(),
            uses: HashMap::new(),
        }
    }

    /// Judges a request. `Err(None)`: not together with the ones before it.
    fn judge(
        &mut self,
        service: &Service,
        now: DateTime<Utc>,
        (addressed, ruled): (&'a Addressed, Option<&Ruled>),
        caller: &Caller,
        context: AskContext,
    ) -> Result<New, Option<Rejection>> {
        let Addressed { ask, user, .. } = addressed;
        let (action, eligibility, mut grants) = context.action.ok_or(Rejection::CatalogFull)?;
        let own = caller.own();
        let conversation = own.conversation(&ask.conversation.id);
        if self.woken.contains(&conversation)
            || ask.idempotency_key.as_ref().is_some_and(|key| !self.keys.insert((ask.key.id(), key)))
        {
            return Err(None);
        }
        let request = Request {
            id: ApprovalId::new(service.new_id()),
            workspace: caller.workspace(),
            backend: own.backend(),
            user: user.clone(),
            agent: ask.agent.clone(),
            conversation: ask.conversation.clone(),
            own_conversation: own.user().is_some(),
            approvers: ruled.and_then(Ruled::who_decides).or(ask.approvers.as_ref()).cloned(),
            action,
            arguments: ask.arguments.clone(),
            digest: addressed.arguments_digest,
            editable: ask.editable,
            reason: ask.reason.clone(),
            metadata: ask.metadata.clone(),
            place: ask.place.clone(),
            created_at: now,
            expires_at: now + ask.expires_in,
            policy: ruled.map(|ruled| ruled.by),
            contents_deleted_at: None,
        };
        let asked = context.pauses.judge(request, now, |request| {
            for grant in &mut grants {
                let used = self.uses.get(&grant.id).copied().unwrap_or_default();
                if let Some(uses) = grant.narrowing.as_mut().and_then(|narrowing| narrowing.uses.as_mut()) {
                    uses.left = uses.left.saturating_sub(used);
                }
            }
            policy::ask(request, eligibility, (context.policy, ruled), now, |request, eligibility| {
                decisions::request(request, eligibility, &grants, now)
            })
        });
        if let Some(used) = asked.approval().decision.as_ref().and_then(Decision::used_grant) {
            let uses = self.uses.entry(used).or_default();
            *uses = uses.saturating_add(1);
        }
        if asked.approval().decision.is_none() {
            let before = match &self.pending {
                Pending::Recent(recent) => recent.get(own).copied().unwrap_or(context.pending),
                Pending::Unknown => context.pending,
            };
            let (_, _, more) = self.added.entry(own.clone()).or_insert((ask.key.id(), before, 0));
            if before + *more >= self.limit.most_for(own) {
                // Some of those that were counted may have ended since, so the request is judged with a new count.
                let exact = matches!(self.pending, Pending::Unknown);
                return Err(exact.then_some(Rejection::TooManyPending));
            }
            *more += 1;
        }
        if context.conversation.as_ref().is_some_and(|stored| stored.is_silent(now)) {
            self.woken.insert(conversation);
        }
        Ok((asked, context.conversation))
    }

    /// Notes how many approvals are pending after the batch.
    fn note_pending(&self, now: DateTime<Utc>) {
        for (own, (key, before, more)) in &self.added {
            match self.pending {
                Pending::Recent(_) => self.limit.added(own, *more),
                Pending::Unknown => self.limit.counted(*key, own, before + more, now),
            }
        }
    }
}

/// Registers an integration or action that no backend has described yet. It is locked. Rejected if the workspace or
/// integration is full.
async fn register(
    service: &Service,
    work: &mut UnitOfWork,
    caller: &Caller,
    ask: &Ask,
) -> Result<(), ServiceError> {
    let now = work.now();
    let (key, workspace) = (&ask.integration, caller.workspace());
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
    actions::register(db, unwritten, register_action(workspace, caller.own().backend(), named), now).await?;
    Ok(())
}
