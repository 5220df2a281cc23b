//! API keys: finds those of backends with more scopes than a backend needs, and admin keys that nothing uses.

use chrono::TimeDelta;

use crate::{
    doctor::{context::DoctorContext, finding::Finding},
    service::{ServiceError, admin_keys, api_keys, backends},
};

const CHECK: &str = "API keys";
/// An admin key that was not used for so long is probably forgotten.
const FORGOTTEN: TimeDelta = TimeDelta::days(90);

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
    findings.extend(examine_admin_keys(context).await?);
    Ok(findings)
}

/// One finding for each admin key that nothing has used for long: it can unlock actions and revoke grants.
async fn examine_admin_keys(context: &DoctorContext) -> Result<Vec<Finding>, ServiceError> {
    let now = context.service.now();
    let mut keys = admin_keys::list(&context.service, None).await?;
    keys.retain(|key| key.works(now));
    let forgotten = |key: &&admin_keys::Listed| now - key.last_used_at.unwrap_or(key.created_at) >= FORGOTTEN;
    let mut findings: Vec<Finding> = keys
        .iter()
        .filter(forgotten)
        .map(|key| {
            let admin_keys::Listed { key, last_used_at, .. } = key;
            let used = last_used_at.map_or_else(
                || "has never been used".to_owned(),
                |at| format!("was last used on {}", at.format("%Y-%m-%d")),
            );
            Finding::warning(
                CHECK,
                format!("the admin key {} ({}) {used}", key.name, key.id),
                format!("if no program needs it: countersign key revoke {} --admin", key.id),
            )
        })
        .collect();
    if findings.is_empty() && !keys.is_empty() {
        let names: Vec<&str> = keys.iter().map(|key| key.key.name.as_str()).collect();
        findings.push(Finding::ok(CHECK, format!("admin keys: {}", names.join(", "))));
    }
    Ok(findings)
}
