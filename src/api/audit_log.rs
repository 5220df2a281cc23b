//! The log that seals the audit: `GET /v1/audit/checkpoint`, `/v1/audit/proof` and `/v1/audit/consistency`.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    auth,
    problem::{Kind, Missing, Problem, responses::Proving},
    query::Query,
    state::Api,
};
use crate::{
    domain::{api_keys::KeyScope, sealing::Position},
    service::sealing,
    wire::{examples, receipt::LogJson},
};

const NOTE: &str = "text/plain; charset=utf-8";

/// Responds with the last checkpoint.
#[utoipa::path(
    get, path = "/v1/audit/checkpoint", operation_id = "get_audit_checkpoint", tag = "audit",
    summary = "Get the last signed checkpoint of the audit log",
    description = "The number of sealed entries and the root of their Merkle tree (RFC 9162), signed with a key of \
        `/.well-known/jwks.json`, in the format C2SP tlog-checkpoint. Keep it: `countersign audit verify --since` finds \
        whatever was changed since in the entries that it seals.",
    responses(
        (status = 200, description = "The checkpoint.", body = String, content_type = "text/plain", example = json!(examples::CHECKPOINT)),
        Proving,
    ),
    security(("api_key" = ["audit"])),
)]
pub async fn checkpoint(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    auth::caller_without_query(&api, &headers, query.as_deref(), KeyScope::Audit).await?.whole_backend()?;
    let last = sealing::last_checkpoint(&api.service).await?.ok_or_else(not_sealed)?;
    Ok(([(header::CONTENT_TYPE, NOTE), (header::CACHE_CONTROL, "no-store")], last.signed).into_response())
}

/// Responds with the proof that an entry is in the log.
#[utoipa::path(
    get, path = "/v1/audit/proof", operation_id = "get_audit_proof", tag = "audit",
    summary = "Get the proof that an audit entry is in the log",
    description = "The entry's record, and the proof that the last checkpoint seals it, in the format C2SP tlog-proof. The \
        record says when and what, and commits to the other values with salted hashes. An entry is sealed a few seconds \
        after it was written; until then the response is 404.",
    params(("entry" = String, Query, description = "The `cursor` of the entry in `GET /v1/audit`.")),
    responses(
        (status = 200, description = "The proof.", body = LogJson, example = json!(examples::log_proof())),
        Proving,
    ),
    security(("api_key" = ["audit"])),
)]
pub async fn proof(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller(&api, &headers, KeyScope::Audit).await?.whole_backend()?;
    let mut query = Query::read(query.as_deref());
    let entry: Option<Position> = query.position("entry", |text| text.parse().ok())?;
    query.finish()?;
    let entry = entry.ok_or_else(|| Problem::parameter("entry", "is required"))?;
    let proof = sealing::proof_of_entry(&api.service, caller, entry).await?.ok_or_else(not_sealed)?;
    Ok(Json(LogJson { record: proof.record, proof: proof.proof.text() }).into_response())
}

/// That the log continues an earlier checkpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditConsistency)]
pub struct ConsistencyJson {
    /// The number of entries of the earlier checkpoint.
    from: u64,
    /// The number of entries of the last checkpoint.
    to: u64,
    /// The proof's hashes in base64 (RFC 9162, section 2.1.4).
    hashes: Vec<String>,
    /// The last checkpoint.
    checkpoint: String,
}

/// Responds with the proof that the log continues an earlier checkpoint.
#[utoipa::path(
    get, path = "/v1/audit/consistency", operation_id = "get_audit_consistency", tag = "audit",
    summary = "Get the proof that the audit log continues an earlier checkpoint",
    description = "The hashes that lead from the root of an earlier checkpoint to that of the last one (RFC 9162, section \
        2.1.4): with both roots they prove that nothing was changed or removed in between.",
    params(("from" = i64, Query, description = "The number of entries of the earlier checkpoint: its second line.", minimum = 1)),
    responses(
        (status = 200, description = "The proof.", body = ConsistencyJson, example = json!(examples::consistency())),
        Proving,
    ),
    security(("api_key" = ["audit"])),
)]
pub async fn consistency(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    auth::caller(&api, &headers, KeyScope::Audit).await?.whole_backend()?;
    let mut query = Query::read(query.as_deref());
    let from = query.number("from", 1..=i64::MAX)?;
    query.finish()?;
    let from = from.ok_or_else(|| Problem::parameter("from", "is required"))?.unsigned_abs();
    let proof = sealing::consistency(&api.service, from).await?.ok_or_else(not_sealed)?;
    let hashes = proof.path.iter().map(|hash| STANDARD.encode(hash.0)).collect();
    let (to, checkpoint) = (proof.last.checkpoint.size, proof.last.signed);
    Ok(Json(ConsistencyJson { from, to, hashes, checkpoint }).into_response())
}

fn not_sealed() -> Problem {
    Problem::new(Kind::NotFound(Missing::Seal))
}
