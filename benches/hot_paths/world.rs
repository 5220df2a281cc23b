//! What the load runs against: the service in a release build, a Postgres that flushes, a local Slack, a backend.

use std::ops::Deref;

use countersign::{
    config::LimitsConfig,
    domain::{
        api_keys::KeyScopes,
        decisions::Choice,
        grants::Scope,
        ids::UserId,
        people::{ActingUser, PersonKind},
    },
    service::{decide, decide::Click, unlock},
};
use sandbox::{
    catalog,
    postgres::{Postgres, PostgresOptions},
    slack::{User, names},
};
use serde_json::{Value, json};
use testkit::{DeploymentOptions, LocalDeployment};

/// How many people there are, each with a grant of their own.
pub(crate) const USERS: usize = 64;

const INTEGRATION: &str = "postgres";

pub(crate) struct World {
    deployment: LocalDeployment,
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    pub(crate) key: String,
}

impl Deref for World {
    type Target = LocalDeployment;

    fn deref(&self) -> &LocalDeployment {
        &self.deployment
    }
}

/// The id of the user with this number.
pub(crate) fn user(number: usize) -> String {
    format!("U0LOAD{number:03}")
}

/// The key of the action that agents ask for.
fn action() -> &'static str {
    &catalog::integration(INTEGRATION).unwrap().actions[0].key
}

/// A request of an everyday size.
pub(crate) fn request(user: &str, conversation: &str) -> Value {
    json!({
        "user": user,
        "agent": { "id": "atlas", "name": "Atlas" },
        "conversation": { "id": conversation, "title": "Nightly report" },
        "integration": INTEGRATION,
        "action": action(),
        "arguments": { "sql": "SELECT region, sum(amount) FROM orders WHERE placed_at > now() - interval '1 day' GROUP BY 1" },
        "reason": "The nightly report needs yesterday's orders",
    })
}

impl World {
    pub(crate) async fn begin() -> Self {
        let options = PostgresOptions { durable: true, ..PostgresOptions::default() };
        let postgres = Postgres::start_with(options).await.unwrap();
        let database = testkit::migrated_database(&postgres).await.unwrap();
        let options =
            DeploymentOptions { database: Some((postgres, database)), ..DeploymentOptions::default() };
        let mut deployment = LocalDeployment::prepare(options, |config, _| {
            config.database.encryption_key = None;
            config.limits = LimitsConfig {
                requests_per_second: u32::MAX,
                pending_approvals: u32::MAX,
                waiters: u32::MAX,
            };
        })
        .await
        .unwrap();
        for number in 0..USERS {
            deployment.slack.add_user(User::new(&user(number), names::TEAM, "user", "User"));
        }
        deployment.create_own_backend("load", KeyScopes::DEFAULT).await.unwrap();
        deployment.start_service().await.unwrap();
        deployment.describe(INTEGRATION).await.unwrap();
        deployment
            .set_lock(&format!("{INTEGRATION}.{}", action()), unlock::LockCommand::Unlock)
            .await
            .unwrap();
        let (url, http) = (deployment.url(), sandbox::http::client().unwrap());
        let key = deployment.keys.clone().unwrap().api_key;
        let world = Self { deployment, http, url, key };
        for (user, approval) in world.ask_pending(USERS).await {
            let acting_user = ActingUser { user: UserId::parse(&user).unwrap(), kind: PersonKind::Member };
            let click = Click {
                workspace: names::TEAM.to_owned(),
                approval: approval.parse().unwrap(),
                acting_user,
                request: None,
            };
            decide::decide(&world.service, &click, &Choice::Approve(Scope::Always)).await.unwrap();
        }
        // A database of some age has statistics; one that was just filled has none yet.
        sqlx::query("ANALYZE").execute(&world.service.db).await.unwrap();
        world.service.db.close().await;
        world
    }

    /// Asks for a locked action, of every user in turn: user and approval.
    pub(crate) async fn ask_pending(&self, count: usize) -> Vec<(String, String)> {
        let mut asked = Vec::new();
        for number in 0..count {
            let user = user(number % USERS);
            let mut body = request(&user, &format!("pending-{number}"));
            if count != USERS {
                body["action"] = "explain_query".into();
            }
            let call =
                self.http.post(format!("{}/v1/approvals", self.url)).bearer_auth(&self.key).json(&body);
            let answer: Value = call.send().await.unwrap().json().await.unwrap();
            asked.push((user, answer["id"].as_str().unwrap().to_owned()));
        }
        asked
    }

    pub(crate) async fn end(self) {
        self.deployment.stop().await.unwrap();
    }
}
