//! Checks the backends' webhook endpoints: whether the address is allowed and responds. Nothing is delivered.

use std::{error::Error as _, sync::Arc, time::Duration};

use crate::{
    doctor::{context::DoctorContext, finding::Finding},
    service::backends,
    storage::tables::backends::Summary,
    webhooks::address_guard::{Guard, Refused},
};

const CHECK: &str = "webhooks";
const LIMIT: Duration = Duration::from_secs(5);

pub(super) async fn check(context: &DoctorContext) -> Vec<Finding> {
    let found = match backends::list(&context.service, None).await {
        Ok(found) => found,
        Err(error) => {
            let fix = "check that Postgres still runs, and run this again";
            return vec![Finding::failed(CHECK, error.to_string(), fix)];
        }
    };
    let active: Vec<Summary> = found.into_iter().filter(|backend| backend.disabled_at.is_none()).collect();
    if active.is_empty() {
        return vec![Finding::warning(
            CHECK,
            "there is no backend yet",
            "run `countersign backend create --name NAME`, with `--webhook-url URL` unless its callers long-poll",
        )];
    }
    let guard = Guard::new(context.config.webhook_allow.clone());
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(LIMIT)
        .dns_resolver(Arc::new(guard.clone()))
        .build();
    let client = match client {
        Ok(client) => client,
        Err(error) => {
            let fix = "report it: a bug, or this machine's certificates can't be read";
            return vec![Finding::failed(CHECK, format!("no HTTP client can be made: {error}"), fix)];
        }
    };
    let looks = active.iter().map(|backend| endpoint(&client, &guard, backend));
    futures::future::join_all(looks).await
}

async fn endpoint(client: &reqwest::Client, guard: &Guard, backend: &Summary) -> Finding {
    let Summary { name, .. } = backend;
    let Some(url) = &backend.webhook_url else {
        return Finding::ok(CHECK, format!("{name}: no endpoint: callers long-poll"));
    };
    if backend.webhook_stopped_at.is_some() {
        return Finding::failed(
            CHECK,
            format!(
                "{name}: deliveries are stopped, because the endpoint said that it is gone, failed for too long, or an operator stopped it"
            ),
            format!("once {url} works, run `countersign backend resume-webhook --name '{name}'`"),
        );
    }
    let allow = "name its network in COUNTERSIGN_WEBHOOK_ALLOW, if webhooks may go there";
    let parsed = match url::Url::parse(url) {
        Ok(parsed) => parsed,
        Err(error) => {
            let fix = format!("countersign backend set-webhook --name '{name}' --webhook-url https://…");
            return Finding::failed(CHECK, format!("{name}: {url} is not a valid address: {error}"), fix);
        }
    };
    if let Err(refused) = guard.judge_literal(&parsed) {
        return Finding::failed(CHECK, format!("{name}: {refused}"), allow);
    }
    // HEAD has no side effects, and any response proves that a server listens.
    match client.head(parsed).send().await {
        Ok(_) => Finding::ok(CHECK, format!("{name}: {url} answers")),
        Err(error) => {
            let mut cause = error.source();
            while let Some(inner) = cause {
                if let Some(refused) = inner.downcast_ref::<Refused>() {
                    return Finding::failed(CHECK, format!("{name}: {refused}"), allow);
                }
                cause = inner.source();
            }
            let found = format!("{name}: {url} can't be reached: {}", error.without_url());
            Finding::failed(CHECK, found, "start the endpoint, or let this machine connect to it")
        }
    }
}
