//! Assembles one instance of the service, from its configuration to its shutdown.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::{Router, response::IntoResponse as _};
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

use crate::{
    api,
    api::{
        body_memory::ApiBodies,
        limits::Limits,
        problem::{Kind, Problem},
        state::Api,
        unknown_keys::UnknownKeys,
        waiters::Waiters,
    },
    clock::Clock,
    config::{DatabaseConfig, LimitsConfig, ServeConfig, SlackConfig},
    delivery::Delivery,
    domain::retention::Retention,
    entropy::Entropy,
    heartbeat::Heartbeats,
    jobs::{
        abandonment, audit_lag, audit_protection, delegations,
        digests::{self, Digests},
        escalation, expiry, grant_uses, grants, key_uses, listeners,
        membership::{self, Membership},
        partitions, registration, reminders, removed_apps, retention,
        sealing::{self, Sealing},
        token_refresh,
    },
    jose::keys::PrivateKey,
    outbox::{listener, listener::Wakers, worker::Worker},
    preconditions,
    preconditions::Unmet,
    seal::Sealer,
    server::{Patience, Server, capacity::Capacity},
    service::{
        Service,
        agent_log::AgentsSeen,
        ask_queue::AskQueue,
        endings::Endings,
        key_use_log::KeyUses,
        listeners::Listeners,
        pending_limit::PendingLimit,
        policy_cache::Policies,
        signing::{DatabaseKeys, FileKeys, SigningKeys},
        unreadable::Unreadable,
    },
    slack::{
        handlers::{context::Context, events},
        inbound::{http, http::Receiver, signature::SigningSecrets, socket::Socket},
        oauth,
        outbound::{
            delegation::DelegationRenderer, digest::DigestRenderer, ephemeral::Ephemeral, home::HomeRenderer,
            misuse::MisuseRenderer, prompt::PromptRenderer, reminder::ReminderRenderer,
            revocation::RevocationRenderer, unlock_request::UnlockRequestRenderer,
        },
        web_api::{
            addresses::Addresses,
            client::Client,
            dialer::{Dialer, ProxyError, tls_config},
            rate_limiter::RateLimiter,
            tokens::TokenStore,
            users::People,
        },
    },
    storage,
    storage::{Db, Limits as DatabaseLimits, TlsUse},
    telemetry,
    webhooks::{address_guard::Guard, send::Sender},
};

/// How long active requests and tasks may take after a shutdown begins.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time limit of a request, without the wait for a decision: longer than that of every call.
const LONGEST_REQUEST: Duration = Duration::from_mins(1);

/// Why an instance can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is in use, or not one of this machine's.
    #[error("could not listen at {address}: {source}. Set another address with COUNTERSIGN_LISTEN")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: std::io::Error,
    },
    /// The database's address is invalid.
    #[error(
        "DATABASE_URL is not valid: {}. It should look like postgres://user:password@host:5432/database",
        storage::explain(.0)
    )]
    Database(#[source] sqlx::Error),
    /// An HTTP client could not be created.
    #[error("could not create the HTTP client: {0}")]
    Http(#[from] reqwest::Error),
    /// The proxy's address is invalid.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// TLS could not be configured.
    #[error("could not set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// A precondition is not met.
    #[error(transparent)]
    Unmet(#[from] Unmet),
    /// The configuration is incomplete or contradictory.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// A file with a key that signs receipts can't be used.
    #[error("could not read the signing key {}: {why}", file.display())]
    SigningKey {
        /// The file.
        file: PathBuf,
        /// The reason.
        why: String,
    },
    /// The encryption key is invalid.
    #[error("COUNTERSIGN_ENCRYPTION_KEY is not valid: {0}")]
    Key(#[from] crate::seal::SealError),
}

/// Who signs receipts if `COUNTERSIGN_PUBLIC_URL` is not set.
const ISSUER: &str = "countersign";

/// A running instance.
#[derive(Debug)]
pub struct App {
    address: SocketAddr,
    stop: CancellationToken,
    force_shutdown: CancellationToken,
    tasks: TaskTracker,
}

/// The use cases without a server, for the command line.
pub fn service(
    config: &DatabaseConfig,
    connections: u32,
    clock: Clock,
    entropy: Entropy,
) -> Result<Service, StartError> {
    service_within(DatabaseLimits::COMMAND, config, connections, clock, entropy)
}

fn service_within(
    limits: DatabaseLimits,
    config: &DatabaseConfig,
    connections: u32,
    clock: Clock,
    entropy: Entropy,
) -> Result<Service, StartError> {
    let db =
        Db::new(config.database_url.expose_secret(), connections, limits).map_err(StartError::Database)?;
    let sealer = Arc::new(Sealer::new(config.encryption_key.as_ref())?);
    let limits = LimitsConfig::default();
    let pending_limit = PendingLimit::new(limits.pending_approvals, limits.user_pending_approvals);
    let listeners = Listeners::new(entropy.uuid(clock.now()), clock.clone());
    Ok(Service {
        db,
        clock,
        entropy,
        sealer,
        pending_limit,
        heartbeats: Heartbeats::default(),
        unreadable: Unreadable::default(),
        policies: Policies::default(),
        key_uses: KeyUses::default(),
        agents_seen: AgentsSeen::default(),
        listeners,
    })
}

/// The keys that sign receipts: in these files, or in the database.
pub fn signing_keys(files: &[PathBuf]) -> Result<Arc<dyn SigningKeys>, StartError> {
    let read = |file: &PathBuf| {
        let fault = |why: String| StartError::SigningKey { file: file.clone(), why };
        let pem = std::fs::read(file).map_err(|error| fault(error.to_string()))?;
        PrivateKey::from_pem(&pem).map_err(|error| fault(error.to_string()))
    };
    let keys = files.iter().map(read).collect::<Result<_, _>>()?;
    Ok(FileKeys::new(keys).map_or_else(|| Arc::new(DatabaseKeys) as _, |keys| Arc::new(keys) as _))
}

/// The use cases of an instance. Logs a warning for each secret that could be better protected.
fn open_database(config: &ServeConfig, clock: Clock, entropy: Entropy) -> Result<Service, StartError> {
    let DatabaseConfig { limits, .. } = config.database;
    let mut service = service_within(limits, &config.database, config.database_connections, clock, entropy)?;
    let limits = &config.limits;
    service.pending_limit = PendingLimit::new(limits.pending_approvals, limits.user_pending_approvals);
    if !service.sealer.has_key() {
        tracing::warn!("COUNTERSIGN_ENCRYPTION_KEY is not set: webhook secrets are stored unencrypted");
    }
    if let TlsUse::Unverified(sslmode, host) = service.db.hosts().tls() {
        tracing::warn!(
            sslmode,
            host,
            "Postgres' certificate is not verified: set sslmode=verify-full and sslrootcert in DATABASE_URL"
        );
    }
    Ok(service)
}

/// Checks the preconditions. If the database is unavailable or not migrated, the instance still starts, but reads and
/// writes nothing until they are known to be met. Returns what is not met.
async fn check_preconditions(service: &Service) -> Result<Option<Unmet>, StartError> {
    match preconditions::check(service).await {
        Ok(()) => Ok(None),
        Err(unmet) if unmet.may_be_waited_for() => {
            unmet.log();
            service.db.suspend(unmet.for_clients());
            Ok(Some(unmet))
        }
        Err(unmet) => Err(unmet.into()),
    }
}

/// A client for Slack's Web API, with the tokens of all workspaces.
pub fn slack_client(
    config: &SlackConfig,
    service: &Service,
    background: TaskTracker,
) -> Result<Client, StartError> {
    let http = slack_http(config)?;
    let (token, credentials) = (config.slack_bot_token.clone(), config.credentials());
    let api_url = &config.slack_api_url;
    let limiter = Arc::new(RateLimiter::default());
    let tokens =
        TokenStore::new(service.clone(), http, api_url, token, credentials, limiter.clone(), background);
    Ok(Client::new(api_url, tokens, limiter, Dialer::new(config.slack_proxy.as_ref())?)?)
}

/// The HTTP client for requests to Slack outside the Web API: the same certificate authorities and proxy, without
/// proxies from the environment, and without redirects.
pub fn slack_http(config: &SlackConfig) -> Result<reqwest::Client, StartError> {
    // reqwest is built without a TLS provider. A second call finds the first one's.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    if let Some(proxy) = &config.slack_proxy {
        builder = builder.proxy(reqwest::Proxy::all(proxy.expose_secret()).map_err(|_| ProxyError)?);
    }
    Ok(builder.tls_backend_preconfigured(tls_config()?).build()?)
}

/// The HTTP client that fetches the keys of receipts.
pub fn keys_http(limit: Duration) -> Result<reqwest::Client, StartError> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(limit);
    Ok(builder.tls_backend_preconfigured(tls_config()?).build()?)
}

/// Sends webhooks to the public internet and to these networks.
pub fn webhook_sender(allowed: Vec<ipnet::IpNet>) -> Result<Sender, StartError> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(Sender::new(Guard::new(allowed))?)
}

impl App {
    /// Starts an instance. It serves when this returns; what needs the database or Slack is retried until they are
    /// available.
    pub async fn start(config: ServeConfig, clock: Clock, entropy: Entropy) -> Result<Self, StartError> {
        config.check()?;
        let metrics = telemetry::metrics();
        let service = open_database(&config, clock, entropy)?;
        let signing = signing_keys(&config.signing_key_file)?;
        let issuer: Arc<str> = config.public_url.as_deref().unwrap_or(ISSUER).into();
        let capacity = Capacity::for_this_process(config.database_connections);
        let unmet = check_preconditions(&service).await?;
        let oauth_config = config.oauth();
        let address = config.listen;
        let listener =
            TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })?;
        let address = listener.local_addr().unwrap_or(address);
        let (stop, force_shutdown) = (CancellationToken::new(), CancellationToken::new());
        let tasks = TaskTracker::new();
        let client = slack_client(&config.slack, &service, tasks.clone())?;
        let people = Arc::new(People::new(client.clone(), service.clone(), config.admins.clone()));
        let (wakers, endings) = (Wakers::default(), Endings::new(service.db.clone()));

        let addresses = Addresses::new(client.clone());
        let context = Context {
            service: service.clone(),
            client: client.clone(),
            people: people.clone(),
            addresses: addresses.clone(),
            ephemeral: Ephemeral {
                http: slack_http(&config.slack)?,
                client: client.clone(),
                clock: service.clock.clone(),
                background: tasks.clone(),
                stop: stop.clone(),
            },
            background: tasks.clone(),
            stop: stop.clone(),
        };
        let receiver = Receiver {
            handlers: context.clone(),
            secrets: Arc::new(
                config.slack_signing_secret.as_ref().map(SigningSecrets::new).unwrap_or_default(),
            ),
            clock: service.clock.clone(),
            bodies: http::bodies(capacity.connections),
        };
        let delivery = delivery(&client, &people, addresses, config.webhook_allow)?;
        let worker = Worker {
            service: service.clone(),
            deliver: delivery,
            wakers: wakers.clone(),
            stop: stop.clone(),
            tasks: tasks.clone(),
        };
        let pulse = service.heartbeats.pulse("the listener", listener::STUCK);
        let (db, silence) = (service.db.clone(), listener::SILENCE);
        tasks.spawn(listener::listen(db, wakers, endings.clone(), silence, pulse, stop.clone()));
        tasks.spawn(worker.run());
        tasks.spawn(preconditions::watch(service.clone(), unmet, stop.clone()));
        spawn_jobs(&tasks, &context, config.retention.kept(), &stop);
        tasks.spawn(seal(&service, &signing, &issuer, config.log_export, &stop));
        if let Some(token) = config.slack_app_token {
            let socket = Socket {
                handlers: context.clone(),
                client: client.clone(),
                token,
                clock: service.clock.clone(),
                entropy: service.entropy.clone(),
                background: tasks.clone(),
            };
            tasks.spawn(socket.run(Arc::new(tls_config()?), stop.clone()));
        }
        let measured = metrics.clone();
        tasks.spawn(telemetry::keep_up(move || measured.run_upkeep(), telemetry::UPKEEP, stop.clone()));
        let install =
            oauth_config.map(|config| oauth::routes(service.clone(), client, config)).unwrap_or_default();
        let api = Api {
            service,
            directory: people,
            signing,
            issuer,
            asks: AskQueue::default(),
            endings,
            metrics,
            limits: Limits::new(config.limits.requests_per_second),
            waiters: Waiters::new(config.limits.waiters, capacity.waiters),
            unknown_keys: UnknownKeys::default(),
            bodies: ApiBodies::default(),
            stop: stop.clone(),
        };
        let server = Server {
            router: router(api, receiver, install),
            capacity,
            patience: Patience::default(),
            // Clients that use up the other connections must not cause a restart of this instance, so /livez is
            // reserved. /readyz is not: it reads the database, which could itself be exhausted.
            reserved: &["/slack/", "/livez"],
            refuse: || Problem::new(Kind::Unavailable).after(1).into_response(),
        };
        tasks.spawn(server.serve(listener, stop.clone(), force_shutdown.clone()));
        let Capacity { connections, waiters, .. } = capacity;
        tracing::info!(%address, connections, waiters, "Countersign is listening");
        Ok(Self { address, stop, force_shutdown, tasks })
    }

    /// The address that it listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Shuts down: accepts nothing more, and finishes active requests and tasks within 30 s.
    pub async fn shutdown(self) {
        tracing::info!("Shutting down; finishing work in progress");
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(PATIENCE, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                in_hand = self.tasks.len(),
                "Work is unfinished after 30 s; another instance takes over when its leases expire"
            );
            self.force_shutdown.cancel();
        }
    }
}

/// The handlers of the outbox.
fn delivery(
    client: &Client,
    people: &Arc<People>,
    addresses: Addresses,
    webhook_allow: Vec<ipnet::IpNet>,
) -> Result<Delivery, StartError> {
    let (client, people) = (client.clone(), people.clone());
    Ok(Delivery {
        prompts: PromptRenderer { client: client.clone(), people: people.clone() },
        homes: HomeRenderer { client: client.clone(), people: people.clone(), addresses: addresses.clone() },
        unlock_requests: UnlockRequestRenderer { client: client.clone(), people: people.clone() },
        reminders: ReminderRenderer { client: client.clone(), people: people.clone(), addresses },
        misuses: MisuseRenderer { client: client.clone(), people: people.clone() },
        revocations: RevocationRenderer { client: client.clone(), people: people.clone() },
        delegations: DelegationRenderer { client: client.clone(), people: people.clone() },
        digests: DigestRenderer { client, people },
        webhooks: Sender::new(Guard::new(webhook_allow))?,
    })
}

/// Starts everything that the clock drives instead of a request.
fn spawn_jobs(tasks: &TaskTracker, context: &Context, kept: Retention, stop: &CancellationToken) {
    let Context { service, client, people, .. } = context;
    tasks.spawn(expiry::run(service.clone(), stop.clone()));
    tasks.spawn(listeners::run(service.clone(), stop.clone()));
    tasks.spawn(abandonment::run(service.clone(), stop.clone()));
    tasks.spawn(removed_apps::run(service.clone(), stop.clone()));
    tasks.spawn(partitions::run(service.clone(), stop.clone()));
    tasks.spawn(retention::run(service.clone(), kept, stop.clone()));
    tasks.spawn(key_uses::run(service.clone(), stop.clone()));
    tasks.spawn(audit_lag::run(service.clone(), stop.clone()));
    tasks.spawn(registration::run(service.clone(), client.clone(), stop.clone()));
    tasks.spawn(token_refresh::run(service.clone(), client.tokens().clone(), stop.clone()));
    tasks.spawn(audit_protection::run(service.clone(), stop.clone()));
    tasks.spawn(events::run(context.clone(), stop.clone()));
    let membership = Membership { service: service.clone(), people: people.clone() };
    tasks.spawn(membership::run(membership, stop.clone()));
    tasks.spawn(grants::run(service.clone(), stop.clone()));
    tasks.spawn(grant_uses::run(service.clone(), stop.clone()));
    tasks.spawn(reminders::run(service.clone(), stop.clone()));
    tasks.spawn(escalation::run(service.clone(), stop.clone()));
    tasks.spawn(delegations::run(service.clone(), stop.clone()));
    let digests = Digests { service: service.clone(), people: people.clone() };
    tasks.spawn(digests::run(digests, stop.clone()));
}

/// The job that seals the audit.
fn seal(
    service: &Service,
    keys: &Arc<dyn SigningKeys>,
    issuer: &Arc<str>,
    directory: Option<PathBuf>,
    stop: &CancellationToken,
) -> impl Future<Output = ()> + use<> {
    // Salts and keys never come from a repeatable sequence.
    let service = Service { entropy: Entropy::system(), ..service.clone() };
    let job = Sealing { service, keys: keys.clone(), address: Arc::clone(issuer), directory };
    sealing::run(job, stop.clone())
}

fn router(api: Api, receiver: Receiver<Context>, install: Router) -> Router {
    http::routes(receiver)
        .merge(install)
        .merge(api::routes(api))
        .layer(TimeoutLayer::with_status_code(axum::http::StatusCode::SERVICE_UNAVAILABLE, LONGEST_REQUEST))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            tracing::error!("Handler panicked");
            Problem::new(Kind::Internal).into_response()
        }))
}
