//! The backends' API keys: finds those with more scopes than a backend needs.

use crate::{
    doctor::{context::DoctorContext, finding::Finding},
    service::{ServiceError, api_keys, backends},
};

const CHECK: &str = "API keys";

pub(super) async fn check(context: &DoctorContext) -> Vec<Finding> {
    examine(context).await.unwrap_or_else(|failure| {
        let fix = if failure.corrupt_row().is_some() {
            "run a program at least as new as the one that wrote it, or correct the value"
        } else {
            "check that Postgres still runs, and run this again"
        };
        vec![Finding::failed(CHECK, failure.to_string(), fix)]
    })
}

/// One finding for each key that can read the whole workspace's audit in addition to a backend's work.
async fn examine(context: &DoctorContext) -> Result<Vec<Finding>, ServiceError> {
    let service = &context.service;
    let backends = backends::list(service, None).await?;
    let active: Vec<_> = backends.iter().filter(|backend| backend.disabled_at.is_none()).collect();
    let ids: Vec<_> = active.iter().map(|backend| backend.id).collect();
    let mut keys = api_keys::list(service, &ids).await?;
    let now = service.now();
    keys.retain(|key| key.works(now));
    let mut findings = Vec::new();
    for backend in &active {
        let own = keys.iter().filter(|key| key.backend == backend.id && key.scopes.mix_jobs());
        findings.extend(own.map(|key| {
            let (name, scopes) = (&backend.name, key.scopes);
            Finding::warning(
                CHECK,
                format!("{name}: {} has more than the default scopes: {scopes}", key.id),
                format!(
                    "countersign key rotate {} --backend '{name}' --scopes ask,catalog,connections,read; \
                        create a separate key with --scopes audit for the program that reads the audit",
                    key.id
                ),
            )
        }));
    }
    if findings.is_empty() && !keys.is_empty() {
        let count = keys.len();
        let found = if count == 1 { "1 key works".to_owned() } else { format!("{count} keys work") };
        findings.push(Finding::ok(CHECK, format!("{found}; none mixes the audit with other scopes")));
    }
    Ok(findings)
}
