//! What the server offers, described to Countersign as an integration.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{link::Link, settings::Settings, tools};
use crate::gateway::client::{Client, ClientError};

/// How long a call waits until the tools were described the first time.
const FIRST: Duration = Duration::from_secs(10);
/// How long describing may take.
const LIMIT: Duration = Duration::from_secs(30);
/// The most pages of a list that are read.
const MOST_PAGES: usize = 100;

/// The catalog of one server.
#[derive(Debug)]
pub(super) struct Catalog {
    described: watch::Sender<bool>,
    wanted: Notify,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    has_begun: bool,
    meta: Option<Value>,
    read_only: HashSet<String>,
    /// How often the server said that its tools changed.
    changes: u64,
    last: Option<Value>,
}

impl Catalog {
    pub(super) fn new() -> Self {
        Self { described: watch::Sender::new(false), wanted: Notify::new(), state: Mutex::default() }
    }

    /// Lets [`Catalog::keep`] describe the tools the first time. `meta`: the `_meta` of the client's requests, if the
    /// protocol has no sessions.
    pub(super) fn begin(&self, meta: Option<Value>) {
        let has_begun = self.with(|state| {
            if !state.has_begun {
                state.meta = meta;
            }
            std::mem::replace(&mut state.has_begun, true)
        });
        if !has_begun {
            self.wanted.notify_one();
        }
    }

    /// Lets [`Catalog::keep`] describe the tools again. Until it has, no tool counts as one that changes nothing: the server
    /// may have taken that back.
    pub(super) fn refresh(&self) {
        self.with(|state| {
            state.read_only.clear();
            state.changes += 1;
        });
        self.wanted.notify_one();
    }

    /// Whether the tool said that it changes nothing.
    pub(super) fn is_read_only(&self, tool: &str) -> bool {
        self.with(|state| state.read_only.contains(tool))
    }

    /// Waits until the tools were described once, or could not be.
    pub(super) async fn ready(&self) {
        let mut described = self.described.subscribe();
        // People are asked with a description or without.
        let _ = tokio::time::timeout(FIRST, described.wait_for(|described| *described)).await;
    }

    /// Describes the tools whenever that is wanted.
    pub(super) async fn keep(self: Arc<Self>, link: Arc<Link>, settings: Arc<Settings>, api: Client) {
        loop {
            self.wanted.notified().await;
            if let Err(error) = self.describe(&link, &settings, &api).await {
                tracing::warn!(integration = %settings.integration, %error, "Could not describe the server's tools");
            }
            self.described.send_replace(true);
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn describe(&self, link: &Link, settings: &Settings, api: &Client) -> Result<(), String> {
        let (meta, changes) = self.with(|state| (state.meta.clone(), state.changes));
        let listed = tokio::time::timeout(LIMIT, list(link, meta)).await;
        let tools = listed.map_err(|_| "the server did not list its tools in time".to_owned())??;
        let read_only = tools.iter().filter(|tool| tools::is_read_only(tool));
        let read_only = read_only.filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect();
        let actions: Vec<Value> = tools::described(&tools).iter().map(tools::ToolAction::to_json).collect();
        let mut integration = json!({
            "name": settings.name,
            "requires_connection": settings.requires_connection,
            "actions": actions,
        });
        let is_known = self.with(|state| {
            // A list from before a change says nothing about the tools after it.
            if state.changes == changes {
                state.read_only = read_only;
            }
            state.last.as_ref() == Some(&integration)
        });
        if is_known {
            return Ok(());
        }
        let until = Instant::now() + LIMIT;
        let mut put = api.put_integration(&settings.integration, integration.clone(), until).await;
        if matches!(put, Err(ClientError::Refused { status: 413, .. })) {
            for action in integration["actions"].as_array_mut().into_iter().flatten() {
                action.as_object_mut().map(|action| action.remove("input_schema"));
            }
            put = api.put_integration(&settings.integration, integration.clone(), until).await;
        }
        put.map_err(|error| error.to_string())?;
        self.with(|state| state.last = Some(integration));
        tracing::info!(integration = %settings.integration, tools = tools.len(), "Tools described");
        Ok(())
    }
}

/// All pages of `tools/list`.
async fn list(link: &Link, meta: Option<Value>) -> Result<Vec<Value>, String> {
    let mut tools = Vec::new();
    let mut cursor: Option<Value> = None;
    for _ in 0..MOST_PAGES {
        let mut params = json!({});
        if let Some(meta) = &meta {
            params["_meta"] = meta.clone();
        }
        if let Some(cursor) = cursor.take() {
            params["cursor"] = cursor;
        }
        let response = link.ask_server("tools/list", &params).await.ok_or("the server has exited")?;
        if let Some(error) = response.member("error") {
            return Err(format!("the server answered tools/list with an error: {error}"));
        }
        let mut result = response.object("result");
        match result.remove("tools") {
            Some(Value::Array(page)) => tools.extend(page),
            _ => return Err("the server's response to tools/list has no tools".to_owned()),
        }
        match result.remove("nextCursor") {
            Some(Value::String(next)) => cursor = Some(Value::String(next)),
            _ => return Ok(tools),
        }
    }
    Err(format!("the server lists its tools on more than {MOST_PAGES} pages"))
}
