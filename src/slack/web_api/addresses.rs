//! Where a workspace's messages are on the web, for links to them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::json;
use url::Url;

use crate::slack::web_api::client::Client;

/// Time limit of the look-up: a link is not worth a longer wait.
const LIMIT: Duration = Duration::from_millis(600);

/// Looks up the workspaces' addresses, each once: a workspace that is renamed keeps its old address as well. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub struct Addresses {
    client: Client,
    known: Arc<Mutex<HashMap<String, String>>>,
}

impl Addresses {
    /// Knows no address yet.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, known: Arc::default() }
    }

    /// The workspace's address, `https://acme.slack.com/`. `None` if Slack does not say in time.
    pub async fn find(&self, workspace: &str) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(workspace).cloned();
        if known.is_some() {
            return known;
        }
        let answer = self.client.post(workspace, "auth.test", &json!({}), LIMIT).await;
        let answer = answer.inspect_err(|error| {
            tracing::info!(workspace, %error, "Workspace address not found; messages are not linked");
        });
        let url = answer.ok()?["url"].as_str().and_then(|url| Url::parse(url).ok())?;
        let address =
            (matches!(url.scheme(), "http" | "https") && url.has_host()).then(|| url.to_string())?;
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(workspace.to_owned(), address.clone());
        Some(address)
    }
}
