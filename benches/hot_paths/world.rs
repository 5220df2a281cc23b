//! What the load runs against: instances of the service, a database, a local Slack, people with grants.

use std::{net::SocketAddr, path::Path, time::Duration};

use sandbox::{
    catalog,
    postgres::Database,
    slack::{Slack, SlackOptions, User, names},
};
use serde_json::Value;
use sqlx::PgPool;

use crate::{
    Bench,
    http::Connection,
    instance::{self, Instance},
    load::{self, Group},
    request::{self, ACTION, ASKING, Ask, INTEGRATION, LOCKED_ACTION, USERS, user},
};

/// How long a load lasts at most that only fills caches and tables.
const WARM_UP: Duration = Duration::from_secs(3);

pub(crate) struct World {
    pub(crate) instances: Vec<Instance>,
    pub(crate) database: Database,
    /// For what the benchmark itself reads and writes.
    pub(crate) db: PgPool,
    pub(crate) key: String,
    pub(crate) slack: Slack,
    program: std::path::PathBuf,
}

impl World {
    /// A new database, and one instance of the program on it.
    pub(crate) async fn begin(bench: &Bench, program: &Path) -> Self {
        Self::begin_with(bench, program, 1, "http://127.0.0.1:9/").await
    }

    /// As many instances, and a backend whose webhooks go there.
    pub(crate) async fn begin_with(bench: &Bench, program: &Path, count: usize, webhook_url: &str) -> Self {
        sandbox::http::ensure_crypto_provider();
        let slack = Slack::start(SlackOptions::default()).await.unwrap();
        for number in 0..USERS {
            slack.add_user(User::new(&user(number), names::TEAM, "user", "User"));
        }
        let database = bench.postgres.create_database(None).await.unwrap();
        instance::operate(program, &database.url, &slack, &["migrate"]);
        let db = PgPool::connect(&database.url).await.unwrap();
        // What a database knows of its tables when a scheduled ANALYZE comes before the first request.
        sqlx::query("ANALYZE").execute(&db).await.unwrap();
        let mut instances = Vec::new();
        for _ in 0..count {
            instances.push(Instance::start(program, &database.url, &slack).await);
        }
        let mut world =
            Self { instances, database, db, key: String::new(), slack, program: program.to_owned() };
        world.key = world.create_backend("load", webhook_url);
        let catalog = catalog::integration(INTEGRATION).unwrap().body().to_string();
        let put = format!(
            "PUT /v1/integrations/{INTEGRATION} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{catalog}",
            world.key,
            catalog.len()
        );
        let mut connection = Connection::open(world.address()).await.unwrap();
        let response = connection.call_until_taken(put.as_bytes()).await;
        assert!(response.status < 300, "{}", response.text());
        world.grant(ACTION).await;
        world
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.instances[0].address
    }

    /// Creates a backend: its API key.
    pub(crate) fn create_backend(&self, name: &str, webhook_url: &str) -> String {
        let arguments = ["backend", "create", "--json", "--name", name, "--webhook-url", webhook_url];
        let printed = instance::operate(&self.program, &self.database.url, &self.slack, &arguments);
        serde_json::from_str::<Value>(&printed).unwrap()["api_key"].as_str().unwrap().to_owned()
    }

    /// Unlocks an action, and has people auto-approve it always.
    pub(crate) async fn grant(&self, action: &str) {
        let path = format!("{INTEGRATION}.{action}");
        instance::operate(&self.program, &self.database.url, &self.slack, &["action", "unlock", &path]);
        let (secret, asked) = (self.slack.signing_secret(), self.ask_pending(action, 0..USERS).await);
        let mut connection = Connection::open(self.address()).await.unwrap();
        for (user, approval) in asked {
            let response =
                connection.call_until_taken(&request::approve_always(&secret, &user, &approval)).await;
            assert_eq!(response.status, 200, "{}", response.text());
        }
    }

    /// Asks for an action, of users in turn: user and approval. Nothing covers these requests.
    pub(crate) async fn ask_pending(
        &self,
        action: &str,
        numbers: std::ops::Range<usize>,
    ) -> Vec<(String, String)> {
        let mut ask = Ask::new(&self.key, action);
        let mut connection = Connection::open(self.address()).await.unwrap();
        let mut asked = Vec::new();
        for number in numbers {
            let response = connection.call_until_taken(ask.for_user(number % USERS)).await;
            let approval: Value = serde_json::from_slice(response.body).unwrap();
            assert_eq!(approval["status"], "pending", "{approval}");
            asked.push((user(number % USERS), approval["id"].as_str().unwrap().to_owned()));
        }
        asked
    }

    /// Requests that grants approve, by an instance.
    pub(crate) fn asks_at(&self, instance: usize, connections: usize) -> Group {
        Group {
            address: self.instances[instance].address,
            connections,
            ask: Ask::new(&self.key, ACTION),
            users: 0..ASKING,
            status: "approved",
        }
    }

    /// The same by the first instance.
    pub(crate) fn asks(&self, connections: usize) -> Group {
        self.asks_at(0, connections)
    }

    /// Requests that stay pending.
    pub(crate) fn pending(&self, connections: usize) -> Group {
        let ask = Ask::new(&self.key, LOCKED_ACTION);
        Group { ask, users: 0..USERS, status: "pending", ..self.asks(connections) }
    }

    /// Some load, after which the tables are no longer empty and have statistics.
    pub(crate) async fn warm_up(&self, bench: &Bench) {
        let time = WARM_UP.min(bench.settings.time);
        for instance in 0..self.instances.len() {
            load::run_one(self.asks_at(instance, 64), time).await;
        }
        self.analyze().await;
    }

    pub(crate) async fn analyze(&self) {
        sqlx::query("ANALYZE").execute(&self.db).await.unwrap();
    }

    /// Waits until as many rows of the outbox of a kind are left as there may be, for a while at most.
    pub(crate) async fn settle(&self, kind: &str, most: i64, limit: Duration) {
        let started = std::time::Instant::now();
        let waiting = "SELECT count(*) FROM outbox WHERE kind = $1 AND done_at IS NULL AND dead_at IS NULL";
        while started.elapsed() < limit {
            let left: i64 = sqlx::query_scalar(waiting).bind(kind).fetch_one(&self.db).await.unwrap();
            if left <= most {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub(crate) async fn end(mut self, bench: &Bench) {
        self.instances.clear();
        self.db.close().await;
        self.slack.shutdown().await;
        bench.postgres.drop_database(&self.database.name).await.unwrap();
    }
}

/// Two versions of the program to compare, the second if there is a baseline.
pub(crate) async fn begin_versions(bench: &Bench, webhook_url: &str) -> Vec<World> {
    let mut worlds = Vec::new();
    for program in std::iter::once(&bench.settings.program).chain(&bench.settings.baseline) {
        worlds.push(World::begin_with(bench, program, 1, webhook_url).await);
    }
    worlds
}
