//! `POST /v1/admin/backends/{backend}/webhook-deliveries/{id}/redeliver`.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};

use super::deliveries;
use crate::{
    api::{
        auth,
        deliveries::DeliveryJson,
        path::Named,
        problem::{Kind, Missing, Problem, responses::Resending},
        state::Api,
    },
    domain::ids::DeliveryId,
    service::redeliver,
    wire::examples,
};

/// Responds with 202 and the delivery. A worker attempts it soon.
#[utoipa::path(
    post, path = "/v1/admin/backends/{backend}/webhook-deliveries/{id}/redeliver",
    operation_id = "redeliver_backend_webhook", tag = "administration",
    summary = "Send a failed webhook again",
    description = "Sends a webhook again under the same id if it was given up, or has failed since it was last sent \
        again manually. Otherwise nothing changes: repeating the call sends nothing twice. The webhook is sent even if \
        the endpoint is stopped; if the endpoint accepts it, the other deliveries to it resume.",
    params(
        ("backend" = String, Path, description = "The backend, `bck_…`."),
        ("id" = String, Path, description = "The delivery, `dlv_…`."),
    ),
    responses((status = 202, description = "The delivery as it stands.", body = DeliveryJson, example = json!(examples::delivery())), Resending),
    security(("admin_key" = [])),
)]
pub async fn redeliver(
    State(api): State<Api>,
    Named((backend, id)): Named<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::admin_without_query(&api, &headers, query.as_deref()).await?;
    let (Some(backend), Ok(id)) = (deliveries::backend(&backend), id.parse::<DeliveryId>()) else {
        return Err(Problem::new(Kind::NotFound(Missing::Delivery)));
    };
    let delivery = redeliver::by_key(&api.service, &caller, (backend, id)).await?;
    Ok((StatusCode::ACCEPTED, Json(DeliveryJson::from(delivery))).into_response())
}
