//! `GET /v1/approvals/{id}/receipt`: a signed statement of how an approval ended.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};

use crate::{
    api::{
        auth, jwks,
        path::Named,
        problem::{Problem, responses::Receipts},
        state::Api,
    },
    domain::api_keys::KeyScope,
    jose::jws,
    service::{receipts, sealing},
    wire::{
        examples,
        receipt::{LogJson, ReceiptJson, TYPE},
    },
};

/// Signs what the database says now. Nothing is stored, so nothing can be out of date.
#[utoipa::path(
    get, path = "/v1/approvals/{id}/receipt", operation_id = "get_receipt", tag = "approvals",
    summary = "Get a signed receipt of how an approval ended",
    description = "A compact JWS (RFC 7515) with the algorithm `Ed25519` (RFC 9864) and the type `countersign-receipt+jwt`. \
        Anyone can verify it offline with the keys at `/.well-known/jwks.json`, for instance with `countersign verify`. It \
        names the action, who or what decided, and the digest of the arguments, and never arguments or reasons. It is \
        signed when it is fetched: apart from `iat` and the proof that the audit log has its entry, it says the same every time, until a result is \
        reported.",
    params(("id" = String, Path, description = "The approval, `apr_…`.")),
    responses(
        (status = 200, description = "The receipt.", body = String, content_type = "application/jose", example = json!(examples::RECEIPT)),
        Receipts,
    ),
    security(("api_key" = ["read"])),
)]
pub async fn receipt(
    State(api): State<Api>,
    Named(id): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller_without_query(&api, &headers, query.as_deref(), KeyScope::Read).await?;
    let id = crate::api::approvals::id::parse(&id)?;
    let facts = receipts::facts(&api.service, &caller, id).await?;
    let now = api.service.now();
    let mut receipt = ReceiptJson::new(&api.issuer, now, &facts.workspace, &facts.approval, &facts.shown);
    if let Some(receipt) = &mut receipt {
        let proof = sealing::proof_of_approval(&api.service, id).await?;
        receipt.log = proof.map(|found| LogJson { record: found.record, proof: found.proof.text() });
    }
    let payload = serde_json::to_vec(&receipt).unwrap_or_default();
    let key = api.signing.current(&api.service).await.map_err(jwks::key_problem)?;
    let input = jws::signing_input(TYPE, &key, &payload);
    let signature = api.signing.sign(&api.service, key, input.as_bytes()).await.map_err(jwks::key_problem)?;
    let headers = [(header::CONTENT_TYPE, "application/jose"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, jws::compact(&input, &signature)).into_response())
}
