//! One call of a tool: asked for, waited for, passed on once, its result reported.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};
use tokio::{
    sync::Notify,
    time::{Instant, Interval, MissedTickBehavior, interval_at, sleep, sleep_until},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    catalog::Catalog,
    link::{Link, Running},
    message::{Code, Id, Members, Message},
    progress::Progress,
    refusal,
    settings::Settings,
    state::{Continued, Found, Parked, States},
};
use crate::{
    domain::{
        arguments::{Arguments, Exact},
        ids::ApprovalId,
        outcome::Outcome,
        results::ResultStatus,
        tool_key::tool_key,
    },
    gateway::{
        approval::{Agent, Approval, Conversation, Decision, Request},
        client::{Client, ClientError, Report},
    },
};

/// How long one wait is.
const WAIT: Duration = Duration::from_secs(30);
/// The pause after a failed wait.
const OUTAGE_PAUSE: Duration = Duration::from_secs(1);
/// How long cancelling an approval and reporting a result are tried.
const AFTERWARDS_LIMIT: Duration = Duration::from_secs(30);
/// How much longer than the user's time a call waits for the end of it.
const EXPIRY_MARGIN: u32 = 30;
/// How often a client is told to try again, in revisions that have `requestState`. Clients give up after ten times.
const MOST_ROUNDS: u32 = 9;
/// After how many seconds without this gateway an approval is cancelled: it was killed. Longer than a client may take to
/// try again.
const ABANDON_AFTER: u32 = 90;
/// How long such a client may take to try again.
const RETRY_LIMIT: Duration = Duration::from_mins(1);
/// The member of `_meta` that requests have in protocol revisions without sessions.
const VERSION_META: &str = "io.modelcontextprotocol/protocolVersion";
/// The longest summary of a result, in characters.
const SUMMARY: usize = 300;
/// The members of a call's params that have a meaning.
const PARAMS: [&str; 6] = ["name", "arguments", "_meta", "task", "requestState", "inputResponses"];

/// A request `tools/call`.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: Id,
    name: String,
    arguments: Arguments,
    params: Map<String, Value>,
}

/// Why a request is not a call that can be asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotACall {
    /// Its params are malformed.
    Params(String),
    /// Its arguments can't be approved.
    Arguments(String),
}

impl Call {
    /// Reads a request.
    pub(super) fn read(id: Id, request: &Message) -> Result<Self, NotACall> {
        let text = request.member("params").unwrap_or_default();
        let malformed = |fault: String| NotACall::Params(fault);
        let members: Members<'_> =
            serde_json::from_str(&text).map_err(|_| malformed("params must be an object".to_owned()))?;
        members.check(&PARAMS).map_err(|fault| malformed(fault.to_string()))?;
        let Exact(params) = Exact::read(text.as_bytes()).map_err(NotACall::Arguments)?;
        let Value::Object(params) = params else {
            return Err(malformed("params must be an object".to_owned()));
        };
        let Some(name) = params.get("name").and_then(Value::as_str).map(str::to_owned) else {
            return Err(malformed("params.name must be a string".to_owned()));
        };
        let arguments = match params.get("arguments") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(arguments)) => arguments.clone(),
            Some(_) => return Err(malformed("params.arguments must be an object".to_owned())),
        };
        Ok(Self { id, name, arguments: Arguments::from_stored(arguments), params })
    }

    fn meta(&self) -> Option<&Value> {
        self.params.get("_meta")
    }

    fn state(&self) -> Option<&str> {
        self.params.get("requestState").and_then(Value::as_str)
    }

    /// Whether its client can be told to try again.
    fn can_retry(&self) -> bool {
        self.meta().is_some_and(|meta| meta.get(VERSION_META).is_some())
    }

    /// The request to the server, with these arguments.
    fn to_server(&self, arguments: &Arguments, is_own_state: bool) -> Message {
        let mut params = self.params.clone();
        if is_own_state {
            params.remove("requestState");
        }
        if params.contains_key("arguments") || !arguments.members().is_empty() {
            params.insert("arguments".to_owned(), Value::Object(arguments.members().clone()));
        }
        Message::request(self.id.clone(), "tools/call", &Value::Object(params))
    }
}

/// What calls of one client share.
#[derive(Debug)]
pub(super) struct Calls {
    pub(super) settings: Arc<Settings>,
    pub(super) api: Client,
    pub(super) link: Arc<Link>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) conversation: String,
    pub(super) states: States,
    /// What goes on after a call was answered.
    pub(super) tasks: TaskTracker,
}

/// What becomes of a call.
enum Verdict {
    /// It may run, with these arguments.
    Run(Arguments, Option<ApprovalId>),
    /// It may not.
    Refuse(String),
    /// The client is to try again, with this state.
    Later(String),
    /// The client no longer waits.
    Stopped,
}

impl Calls {
    /// Does everything for one call. `stop` is cancelled when the client no longer waits.
    pub(super) async fn run(self: Arc<Self>, call: Call, agent: Agent, stop: CancellationToken) {
        let began = Instant::now();
        let mut progress = Progress::new(call.meta());
        self.catalog.ready().await;
        let found = self.states.take(call.state(), &call.name, &call.arguments);
        let is_own_state = matches!(found, Found::Parked(_));
        let verdict = match found {
            Found::Continued(of) => Verdict::Run(of.permitted, of.approval),
            Found::Over => Verdict::Refuse(refusal::over()),
            Found::Nothing if self.settings.trust_annotations && self.catalog.is_read_only(&call.name) => {
                Verdict::Run(call.arguments.clone(), None)
            }
            Found::Nothing => self.ask(&call, agent, None, &stop, &mut progress, began).await,
            Found::Parked(parked) => self.ask(&call, agent, Some(parked), &stop, &mut progress, began).await,
        };
        match verdict {
            Verdict::Run(arguments, approval) => {
                let to_server = call.to_server(&arguments, is_own_state);
                self.pass_on(&call, to_server, arguments, approval, progress, &stop).await;
            }
            Verdict::Refuse(text) => self.link.answer(&call.id, &stop, &refusal::result(&text)).await,
            Verdict::Later(state) => {
                let result = json!({ "resultType": "input_required", "requestState": state });
                self.link.answer(&call.id, &stop, &result).await;
            }
            Verdict::Stopped => {}
        }
    }

    async fn ask(
        self: &Arc<Self>,
        call: &Call,
        agent: Agent,
        parked: Option<Parked>,
        stop: &CancellationToken,
        progress: &mut Option<Progress>,
        began: Instant,
    ) -> Verdict {
        let request = Request {
            user: self.settings.user.clone(),
            agent,
            conversation: Conversation { id: self.conversation.clone(), title: None },
            integration: self.settings.integration.clone(),
            action: tool_key(&call.name),
            arguments: call.arguments.clone(),
            editable: true,
            reason: None,
            expires_in: self.settings.expires_in,
            abandon_after: Some(ABANDON_AFTER),
            metadata: None,
        };
        let (pending, round) = match parked {
            Some(Parked { approval, round, .. }) => {
                if let Err(error) = approval.check(&request) {
                    self.cancel(approval.id);
                    return Verdict::Refuse(refusal::unanswered(&error.into()));
                }
                (approval, round)
            }
            None if stop.is_cancelled() => return Verdict::Stopped,
            // Not interrupted: otherwise the approval could exist, and no one would know its id.
            None => match self
                .api
                .ask(&request, &self.link.random(), Instant::now() + self.settings.ask_limit)
                .await
            {
                Ok(approval) => (approval, 0),
                Err(error) => return Verdict::Refuse(refusal::unanswered(&error)),
            },
        };
        let id = pending.id;
        let ended = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            ended = self.wait(pending.clone()) => Some(ended),
            () = self.tell_waiting(call, progress, began) => {
                if call.can_retry() && round < MOST_ROUNDS
                    && let Some(state) = self.park(pending, round + 1)
                {
                    return Verdict::Later(state);
                }
                self.cancel(id);
                return Verdict::Refuse(refusal::client_limit(&self.settings));
            }
        };
        match ended {
            None => {
                self.cancel(id);
                Verdict::Stopped
            }
            Some(Err(error)) => {
                self.cancel(id);
                Verdict::Refuse(refusal::unanswered(&error))
            }
            Some(Ok(approval)) => match (approval.permitted(&request), &approval.decision) {
                (Some(arguments), _) => self.take_permit(id, arguments).await,
                (None, Some(decision)) => Verdict::Refuse(refusal::not_approved(decision)),
                (None, None) => {
                    self.cancel(id);
                    Verdict::Refuse(refusal::client_limit(&self.settings))
                }
            },
        }
    }

    /// Takes the permit of an approved call, which runs right after. It is not given up if the client stops waiting: then
    /// the call is reported as not run.
    async fn take_permit(&self, id: ApprovalId, permitted: &Arguments) -> Verdict {
        let until = Instant::now() + self.settings.ask_limit;
        match self.api.take_permit(id, permitted.digest(), &self.link.random(), until).await {
            Ok(()) => Verdict::Run(permitted.clone(), Some(id)),
            Err(error) => Verdict::Refuse(refusal::no_permit(&error)),
        }
    }

    /// Lets a call wait until its client tries again, for some time.
    fn park(self: &Arc<Self>, approval: Approval, round: u32) -> Option<String> {
        let (id, back) = (approval.id, CancellationToken::new());
        let state = self.states.park(Parked { approval, round, back: back.clone() })?;
        let calls = Arc::clone(self);
        tokio::spawn(async move {
            tokio::select! {
                () = back.cancelled() => {}
                () = sleep(RETRY_LIMIT) => {
                    if calls.states.give_up(id) {
                        calls.cancel(id);
                    }
                }
            }
        });
        Some(state)
    }

    /// Cancels the approvals of calls whose client was to try again.
    pub(super) fn give_up(self: &Arc<Self>) {
        for id in self.states.give_up_all() {
            self.cancel(id);
        }
    }

    /// Waits until the approval has ended. Outages of Countersign are survived if they are short.
    async fn wait(&self, pending: Approval) -> Result<Approval, ClientError> {
        let expires_in = Duration::from_secs((self.settings.expires_in + EXPIRY_MARGIN).into());
        let until = Instant::now() + expires_in;
        let mut away_since = None;
        let mut pending = pending;
        loop {
            let now = Instant::now();
            match self.api.wait(pending.clone(), until.min(now + WAIT.min(self.settings.outage_limit))).await
            {
                Ok(approval) if approval.decision.is_some() || Instant::now() >= until => {
                    return Ok(approval);
                }
                Ok(approval) => (pending, away_since) = (approval, None),
                Err(
                    error @ (ClientError::Unreachable { .. } | ClientError::Refused { status: 500.., .. }),
                ) => {
                    if now >= *away_since.get_or_insert(now) + self.settings.outage_limit || now >= until {
                        return Err(error);
                    }
                    sleep(OUTAGE_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Tells the client again and again that its call is waiting. Returns when a client that can't be told must get an
    /// answer.
    async fn tell_waiting(&self, call: &Call, progress: &mut Option<Progress>, began: Instant) {
        let Some(progress) = progress else {
            return sleep_until(began + self.settings.client_limit).await;
        };
        let mut ticks = ticks(began, self.settings.progress_interval);
        loop {
            ticks.tick().await;
            let message = format!("Waiting for approval in Slack for {} s", began.elapsed().as_secs());
            let params = progress.waiting(&message);
            let message = Message::notification("notifications/progress", &params);
            self.link.tell_client(message, Some(call.id.clone())).await;
        }
    }

    /// Passes the call on, and watches it until it has ended.
    async fn pass_on(
        self: &Arc<Self>,
        call: &Call,
        to_server: Message,
        permitted: Arguments,
        approval: Option<ApprovalId>,
        progress: Option<Progress>,
        stop: &CancellationToken,
    ) {
        let (alive, ended) = (Arc::new(Notify::new()), CancellationToken::new());
        let of = Continued { approval, tool: call.name.clone(), asked: call.arguments.clone(), permitted };
        let running = Running { of, progress, alive: alive.clone(), ended: ended.clone() };
        if !self.link.start(&call.id, stop, running) {
            self.report(approval, ResultStatus::Failed, "The call was cancelled before it ran.");
            return;
        }
        self.link.tell_server(to_server).await;
        loop {
            tokio::select! {
                biased;
                () = ended.cancelled() => return,
                () = alive.notified() => {}
                () = sleep(self.settings.upstream_limit) => break,
            }
        }
        if self.link.end(&call.id).is_some() {
            let why =
                format!("the MCP server did not answer within {} s", self.settings.upstream_limit.as_secs());
            let cancelled = json!({ "requestId": call.id.to_value(), "reason": "timed out" });
            self.link.tell_server(Message::notification("notifications/cancelled", &cancelled)).await;
            self.lost(call.id.clone(), approval, &why).await;
        }
    }

    /// Tells client and person of a call that the server did not answer.
    pub(super) async fn lost(&self, id: Id, approval: Option<ApprovalId>, why: &str) {
        let text = refusal::no_answer(why);
        self.report(approval, ResultStatus::Failed, &text);
        self.link.tell_client(Message::result(id.clone(), &refusal::result(&text)), Some(id)).await;
    }

    /// Reports the response to a call.
    pub(super) fn report_response(&self, of: Continued, response: &Message) {
        let result = response.object("result");
        let state = result.get("requestState").and_then(Value::as_str);
        if let (Some("input_required"), Some(state)) =
            (result.get("resultType").and_then(Value::as_str), state)
        {
            return self.states.continue_later(state.to_owned(), of);
        }
        let approval = of.approval;
        if response.member("error").is_some() {
            let error = response.object("error");
            let text =
                error.get("message").and_then(Value::as_str).unwrap_or("The server answered with an error.");
            self.report(approval, ResultStatus::Failed, text);
        } else if result.get("isError") == Some(&Value::Bool(true)) {
            let texts = result.get("content").and_then(Value::as_array).into_iter().flatten();
            let text = texts.filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(" ");
            self.report(approval, ResultStatus::Failed, &text);
        } else {
            self.report(approval, ResultStatus::Succeeded, "");
        }
    }

    /// Reports what came of a call, without making it wait.
    pub(super) fn report(&self, approval: Option<ApprovalId>, status: ResultStatus, summary: &str) {
        let Some(id) = approval else { return };
        let report = Report { status, summary: short(summary) };
        let api = self.api.clone();
        self.tasks.spawn(async move {
            let until = Instant::now() + AFTERWARDS_LIMIT;
            if let Err(error) = api.report_result(id, &report, until).await {
                tracing::warn!(approval = %id, %error, "Could not report a result");
            }
        });
    }

    /// Cancels an approval, without making its call wait.
    fn cancel(self: &Arc<Self>, id: ApprovalId) {
        let calls = Arc::clone(self);
        self.tasks.spawn(async move {
            match calls.api.cancel(id, Instant::now() + AFTERWARDS_LIMIT).await {
                // Approved a moment too late.
                Ok(approval) if approval.decision.as_ref().is_some_and(is_approval) => {
                    calls.report(Some(id), ResultStatus::Failed, "The call was cancelled before it ran.");
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(approval = %id, %error, "Could not cancel an approval"),
            }
        });
    }
}

fn is_approval(decision: &Decision) -> bool {
    decision.outcome == Outcome::Approved
}

/// Ticks after each interval, the first one after the first.
fn ticks(began: Instant, every: Duration) -> Interval {
    let mut ticks = interval_at(began + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// A text as a summary: one line that is short enough.
fn short(text: &str) -> Option<String> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('\0', "");
    let is_long = line.chars().count() > SUMMARY;
    let cut: String = line.chars().take(if is_long { SUMMARY - 1 } else { SUMMARY }).collect();
    (!cut.is_empty()).then(|| if is_long { cut + "…" } else { cut })
}

/// Answers a request that is not a call that can be asked for.
pub(super) async fn answer_malformed(link: &Link, id: Id, fault: NotACall) {
    match fault {
        NotACall::Params(fault) => link.fail(id, Code::InvalidParams, &fault).await,
        NotACall::Arguments(fault) => {
            let result = refusal::result(&refusal::malformed(&fault));
            link.tell_client(Message::result(id.clone(), &result), Some(id)).await;
        }
    }
}
