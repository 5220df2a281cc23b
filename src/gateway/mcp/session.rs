//! One client and its server: which message goes where.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    call::{self, Call, Calls},
    catalog::Catalog,
    link::{Link, Moved, Request, ToClient, Unnoted},
    message::{Code, Id, Kind, Message},
    settings::Settings,
    state::States,
    upstream::{FromServer, Upstream},
};
use crate::{
    domain::results::ResultStatus,
    entropy::Entropy,
    gateway::{approval::Agent, client::Client},
};

/// How long the server may take to answer `initialize`: a little less than clients wait.
const INITIALIZE_LIMIT: Duration = Duration::from_secs(50);
/// Requests that servers answer from what they have. All others may take as long as they want: subscriptions, results of
/// tasks, and what this version does not know.
const PROMPTLY_ANSWERED: [&str; 13] = [
    "completion/complete",
    "initialize",
    "logging/setLevel",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "server/discover",
    "tools/list",
];
/// How long a session that ends waits until approvals are cancelled and results reported.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);
/// The member of `_meta` that requests have in protocol revisions without sessions.
const VERSION_META: &str = "io.modelcontextprotocol/protocolVersion";
/// The member of `_meta` in which such a request names its client.
const CLIENT_META: &str = "io.modelcontextprotocol/clientInfo";

/// One client and its server.
#[derive(Debug)]
pub(super) struct Session {
    link: Arc<Link>,
    calls: Arc<Calls>,
    catalog: Arc<Catalog>,
    agent: Mutex<Agent>,
    /// Calls that are not answered.
    asking: TaskTracker,
    keeper: JoinHandle<()>,
    upstream_limit: Duration,
}

impl Session {
    /// Begins. What comes from the server is handled in the background; the token is cancelled when it is gone.
    pub(super) fn begin(
        settings: Arc<Settings>,
        api: Client,
        entropy: &Entropy,
        upstream: Upstream,
        to_client: mpsc::Sender<ToClient>,
    ) -> (Arc<Self>, CancellationToken) {
        let link = Arc::new(Link::new(to_client, upstream.to, entropy.clone()));
        let catalog = Arc::new(Catalog::new());
        let keeper = tokio::spawn(catalog.clone().keep(link.clone(), settings.clone(), api.clone()));
        let upstream_limit = settings.upstream_limit;
        let calls = Arc::new(Calls {
            settings,
            api,
            link: link.clone(),
            catalog: catalog.clone(),
            conversation: format!("mcp-{}", link.random()),
            states: States::new(entropy.bytes()),
            tasks: TaskTracker::new(),
        });
        let agent = Mutex::new(Agent { id: "mcp".to_owned(), name: None });
        let session = Arc::new(Self {
            link,
            calls,
            catalog,
            agent,
            asking: TaskTracker::new(),
            keeper,
            upstream_limit,
        });
        let gone = CancellationToken::new();
        tokio::spawn(session.clone().follow(upstream.from, gone.clone()));
        (session, gone)
    }

    /// Handles what comes from the server until it is gone.
    async fn follow(self: Arc<Self>, mut from: mpsc::Receiver<FromServer>, gone: CancellationToken) {
        let mut why = "the connection ended".to_owned();
        while let Some(next) = from.recv().await {
            match next {
                FromServer::Message(message) => self.handle_server(message).await,
                FromServer::Gone(reason) => {
                    why = reason;
                    break;
                }
            }
        }
        self.lose_server(&why).await;
        gone.cancel();
    }

    /// Handles a message of the client.
    pub(super) async fn handle_client(self: &Arc<Self>, message: Message) {
        match message.kind().clone() {
            Kind::Request { id, method } => self.request(id, &method, message).await,
            Kind::Notification { method } => self.notification(&method, message).await,
            Kind::Response { .. } => self.link.tell_server(message).await,
        }
    }

    async fn request(self: &Arc<Self>, id: Id, method: &str, message: Message) {
        let agent = self.note_client(method, &message);
        let (stop, is_call) = (CancellationToken::new(), method == "tools/call");
        let request = if is_call { Request::Asking(stop.clone()) } else { Request::Passed(stop.clone()) };
        match self.link.note(&id, request) {
            Ok(()) => {}
            Err(Unnoted::ServerGone(why)) => {
                return self.link.fail(id, Code::Internal, &gone_text(&why)).await;
            }
            Err(Unnoted::IdInUse) => {
                let text = "the id belongs to a request that has no response yet";
                return self.link.fail(id, Code::InvalidRequest, text).await;
            }
        }
        if !is_call {
            if PROMPTLY_ANSWERED.contains(&method) {
                self.watch(id.clone(), method.to_owned(), stop);
            }
            return self.link.tell_server(message).await;
        }
        match Call::read(id.clone(), &message) {
            Ok(call) => {
                self.asking.spawn(self.calls.clone().run(call, agent, stop));
            }
            Err(fault) => {
                self.link.end(&id);
                call::answer_malformed(&self.link, id, fault).await;
            }
        }
    }

    async fn notification(&self, method: &str, message: Message) {
        match method {
            // A server might run it.
            "tools/call" => tracing::warn!("Tool call without an id dropped"),
            "notifications/cancelled" => {
                let id = message.object("params").get("requestId").and_then(Id::from_value);
                match id.and_then(|id| self.link.end(&id)) {
                    // The server does not know it.
                    Some(Request::Asking(_)) => {}
                    Some(Request::Running(running)) => {
                        let text = "The client cancelled the call while it ran.";
                        self.calls.report(running.of.approval, ResultStatus::Failed, text);
                        self.link.tell_server(message).await;
                    }
                    Some(Request::Passed(_)) | None => self.link.tell_server(message).await,
                }
            }
            "notifications/initialized" => {
                self.link.tell_server(message).await;
                self.catalog.begin(None);
            }
            _ => self.link.tell_server(message).await,
        }
    }

    /// The client no longer waits for a request.
    pub(super) async fn cancel(&self, id: &Id) {
        let params = json!({ "requestId": id.to_value(), "reason": "disconnected" });
        let message = Message::notification("notifications/cancelled", &params);
        self.notification("notifications/cancelled", message).await;
    }

    async fn handle_server(&self, message: Message) {
        match message.kind().clone() {
            Kind::Response { id } => {
                let Some(message) = self.link.take_own(&id, message) else { return };
                match self.link.end_answered(&id) {
                    Some(Request::Running(running)) => {
                        self.calls.report_response(running.of, &message);
                        self.link.tell_client(message, Some(id)).await;
                    }
                    Some(Request::Passed(_)) => self.link.tell_client(message, Some(id)).await,
                    Some(Request::Asking(_)) | None => {
                        tracing::warn!("Server response without a request dropped");
                    }
                }
            }
            Kind::Notification { method } if method == "notifications/progress" => {
                match self.link.progress(&message.object("params")) {
                    Moved::Unknown => self.link.tell_client(message, None).await,
                    Moved::Same(id) => self.link.tell_client(message, Some(id)).await,
                    Moved::Changed(id, params) => {
                        let message = Message::notification(&method, &Value::Object(params));
                        self.link.tell_client(message, Some(id)).await;
                    }
                    Moved::Dropped => {}
                }
            }
            Kind::Notification { method } => {
                if method == "notifications/tools/list_changed" {
                    self.catalog.refresh();
                }
                self.link.tell_client(message, None).await;
            }
            Kind::Request { .. } => self.link.tell_client(message, None).await,
        }
    }

    /// Answers a request with an error if the server does not answer it in time.
    fn watch(&self, id: Id, method: String, ended: CancellationToken) {
        let is_first = method == "initialize";
        let limit = if is_first { INITIALIZE_LIMIT.min(self.upstream_limit) } else { self.upstream_limit };
        let link = self.link.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = ended.cancelled() => return,
                () = sleep(limit) => {}
            }
            if !link.end_passed(&id, &ended) {
                return;
            }
            // The protocol forbids cancelling `initialize`.
            if !is_first {
                let cancelled = json!({ "requestId": id.to_value(), "reason": "timed out" });
                link.tell_server(Message::notification("notifications/cancelled", &cancelled)).await;
            }
            let text = format!("the MCP server did not answer {method} within {} s", limit.as_secs());
            link.fail(id, Code::Internal, &text).await;
        });
    }

    async fn lose_server(&self, why: &str) {
        for (id, request) in self.link.lose_server(why) {
            match request {
                Request::Running(running) => {
                    self.calls.lost(id, running.of.approval, &gone_text(why)).await;
                }
                Request::Asking(_) | Request::Passed(_) => {
                    self.link.fail(id, Code::Internal, &gone_text(why)).await;
                }
            }
        }
    }

    /// Notes who the client is, and how its requests look. Returns who it is, as far as that is known.
    fn note_client(&self, method: &str, message: &Message) -> Agent {
        let mut agent = self.agent.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(method, "initialize" | "tools/list" | "tools/call") {
            return agent.clone();
        }
        let params = message.object("params");
        let meta = params.get("_meta").filter(|meta| meta.get(VERSION_META).is_some());
        let info = params.get("clientInfo").or_else(|| meta?.get(CLIENT_META));
        if let Some(name) = info.and_then(|info| info["name"].as_str()).filter(|name| is_text(name)) {
            let title = info.and_then(|info| info["title"].as_str()).filter(|title| is_text(title));
            *agent = Agent { id: name.to_owned(), name: Some(title.unwrap_or(name).to_owned()) };
        }
        if meta.is_some() || method == "tools/call" {
            self.catalog.begin(meta.cloned());
        }
        // Without a session, the server tells changes only to clients that subscribed. A client that lists the tools
        // again may have been told.
        if meta.is_some() && method == "tools/list" && !params.contains_key("cursor") {
            self.catalog.refresh();
        }
        agent.clone()
    }

    /// Ends: cancels the approvals that are pending, and asks the server to end. Returns when both are done.
    pub(super) async fn close(&self, gone: &CancellationToken) {
        self.link.stop_asking();
        self.calls.give_up();
        self.link.close_server();
        let _ = timeout(CLOSE_LIMIT, gone.cancelled()).await;
        self.keeper.abort();
        self.asking.close();
        self.calls.tasks.close();
        let afterwards = async {
            // Calls that are stopped cancel their approvals, which is a task of its own.
            self.asking.wait().await;
            self.calls.tasks.wait().await;
        };
        let _ = timeout(CLOSE_LIMIT, afterwards).await;
    }
}

fn gone_text(why: &str) -> String {
    format!("the MCP server behind the gateway is not running: {why}")
}

/// Whether a name can be an agent's.
fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= 200 && !text.contains('\0')
}
