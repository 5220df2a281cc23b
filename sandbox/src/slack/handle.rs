//! Starts, connects and stops the server.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{any, get, post},
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::DropGuard;

use super::{
    core::{Core, CoreParts},
    installing,
    line::{Line, Switchboard},
    options::SlackOptions,
    response_url, setup, socket, web_api,
};

/// The largest request body that is read. Slack's largest content is a view of 250 KB.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// A running local Slack. Clones share the same server, which stops when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Slack {
    core: Arc<Core>,
    /// `None` in the handle that the server itself holds.
    life: Option<Arc<Life>>,
}

/// Stops the server when it is dropped.
#[derive(Debug)]
struct Life {
    _stop: DropGuard,
    server: Mutex<Option<JoinHandle<()>>>,
}

/// Why a local Slack could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, or there is no loopback interface.
    #[error("cannot listen on the loopback interface: {0}")]
    Listen(#[from] io::Error),
    /// The HTTP client could not be made.
    #[error("cannot make an HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

impl Slack {
    /// Starts with the workspace that [`names`](super::names) describes: the app is installed, but not connected yet.
    pub async fn start(options: SlackOptions) -> Result<Self, StartError> {
        // reqwest was built without a TLS provider of its own. An error means that the program has installed one
        // already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            // The client speaks to loopback only, so it needn't read the machine's certificates.
            .tls_certs_only(std::iter::empty())
            .build()?;
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port))).await?;
        let core = Arc::new(Core::new(CoreParts {
            state: setup::workspace(),
            clock: options.clock,
            http,
            address: listener.local_addr()?,
            enforce_rate_limits: options.rate_limits,
            event_retries: options.event_retries,
        }));
        let inside = Self::within(&core);
        let mut router = inside.router();
        if let Some(extra) = options.extra {
            router = router.merge(extra(inside));
        }
        let stop = core.stop.clone();
        let switchboard = Switchboard { listener, stop: stop.clone() };
        let server = tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<Line>();
            tokio::select! {
                ended = axum::serve(switchboard, service) => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "the local Slack ended");
                    }
                }
                () = stop.cancelled() => {}
            }
        });
        let life = Life { _stop: core.stop.clone().drop_guard(), server: Mutex::new(Some(server)) };
        Ok(Self { core, life: Some(Arc::new(life)) })
    }

    /// A handle that doesn't keep the server alive, for the server itself.
    pub(crate) fn within(core: &Arc<Core>) -> Self {
        Self { core: Arc::clone(core), life: None }
    }

    /// Slack's own routes, for use in another server. Misbehaviour that cuts connections works only on the sandbox's
    /// server.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/api/{method}", any(web_api::call))
            .route("/upload/v1/{secret}", post(web_api::files::receive))
            .route("/response/{token}", post(response_url::receive))
            .route("/oauth/v2/authorize", get(installing::page).post(installing::answer))
            .route("/link/", get(socket::open))
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .with_state(Arc::clone(&self.core))
    }

    /// Stops the server, its connections and its retries, and waits until they have ended.
    pub async fn shutdown(&self) {
        self.core.stop.cancel();
        let server = self
            .life
            .as_ref()
            .and_then(|life| life.server.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(server) = server
            && let Err(error) = server.await
        {
            tracing::warn!(%error, "the local Slack's server broke");
        }
    }

    /// `http://127.0.0.1:PORT/api`: the app's `SLACK_API_URL`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/api", self.core.origin())
    }

    /// `http://127.0.0.1:PORT`, the base of the extra routes.
    #[must_use]
    pub fn origin(&self) -> String {
        self.core.origin()
    }

    /// Sets the app's base URL. Events go to `{base}/slack/events`, interactions to `{base}/slack/interactivity`,
    /// commands to `{base}/slack/commands`.
    pub fn connect_app(&self, base_url: &str) {
        let base_url = base_url.trim_end_matches('/').to_owned();
        self.core.change(|state| state.app.base_url = Some(base_url));
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    pub(crate) fn core_arc(&self) -> &Arc<Core> {
        &self.core
    }
}
