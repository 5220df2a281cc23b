//! The API's description, generated from the handlers: `/openapi.json`, `/docs` and `countersign openapi`.

mod console;
mod html;
mod page;
pub(super) mod tidy;

use axum::{
    Router,
    body::Bytes,
    http::{HeaderValue, header},
    response::IntoResponse as _,
    routing::get,
};
use serde_json::Value;
use utoipa::{
    OpenApi,
    openapi::{
        ContentBuilder, HttpMethod, PathItem, Ref, ResponseBuilder, ServerBuilder,
        path::{OperationBuilder, ParameterBuilder, ParameterIn, PathsBuilder},
        request_body::RequestBodyBuilder,
        schema::{ObjectBuilder, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::problem::Fault;
use crate::wire::{ApprovalJson, EventJson, PermitJson, PingJson, examples, schema};

/// An error (RFC 9457).
#[derive(Debug, utoipa::ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "it says what `Problem` answers")]
struct ProblemBody {
    /// `urn:countersign:problem:` and the kind, which docs/errors.md describes.
    r#type: String,
    /// What is wrong, in short.
    title: String,
    status: u16,
    /// What to do.
    detail: String,
    /// Everything that is wrong with the request.
    #[schema(nullable = false)]
    errors: Option<Vec<Fault>>,
    /// The approval that has already ended.
    #[schema(value_type = Option<ApprovalJson<'_>>)]
    approval: Option<Value>,
    /// The permit that was used before.
    #[schema(value_type = Option<PermitJson>)]
    permit: Option<Value>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Countersign",
        description = "Agent backends ask here before an agent runs an action, and a person answers in \
            Slack. If one of the user's grants covers the request, the response has the answer. Otherwise \
            the answer comes by webhook, and to callers that long-poll.",
    ),
    components(schemas(ProblemBody, Fault, EventJson<'_>, PingJson)),
    tags(
        (name = "approvals", description = "Ask for approvals and read their outcome"),
        (name = "hooks", description = "Coding agents ask before they run a tool, by their settings only"),
        (name = "integrations", description = "What agents use, and which users have connected it"),
        (name = "conversations", description = "Runs of an agent with a user"),
        (name = "webhook deliveries", description = "Webhooks sent to this backend, and their attempts"),
        (name = "audit", description = "Who did what"),
        (name = "administration", description = "What the Home tab of an admin does, for programs of the operator: with an admin key"),
        (name = "health", description = "Health and metrics, for the operator"),
    ),
)]
struct Described;

/// The parts of the document other than the operations.
pub(super) fn base() -> utoipa::openapi::OpenApi {
    let mut document = Described::openapi();
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("cs_…")
        .description(Some("An API key that `countersign backend create` or `countersign key create` printed. Each operation names the scope that the key must have."))
        .build();
    let admin_key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("csa_…")
        .description(Some("An admin key of the workspace, that `countersign key create --admin` printed. It can't ask for approvals, decide them, or read their arguments."))
        .build();
    if let Some(components) = &mut document.components {
        components.add_security_scheme("api_key", SecurityScheme::Http(key));
        components.add_security_scheme("admin_key", SecurityScheme::Http(admin_key));
        components.schemas.insert(schema::SCOPE.to_owned(), schema::scope().into());
    }
    let here =
        ServerBuilder::new().url("/").description(Some("The server that this document came from")).build();
    document.servers = Some(vec![here]);
    document.webhooks = Some(
        PathsBuilder::new()
            .path("approval.ended", webhook("Event", "An approval ended", examples::event()))
            .path("webhook.ping", webhook("Ping", "The operator tests the endpoint", examples::ping()))
            .build(),
    );
    document
}

/// A webhook, as Standard Webhooks defines it.
fn webhook(schema: &str, summary: &str, example: Value) -> PathItem {
    let header = |name: &str, description: &str| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(utoipa::openapi::Required::True)
            .description(Some(description))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
            .build()
    };
    let content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).example(Some(example)).build();
    let body = RequestBodyBuilder::new().content("application/json", content).build();
    let operation = OperationBuilder::new()
        .summary(Some(summary))
        // The signature authenticates it, so no other scheme applies.
        .securities(Some([]))
        .parameter(header("webhook-id", "The delivery, `dlv_…`: the same over all attempts."))
        .parameter(header("webhook-timestamp", "When the attempt was made, in Unix seconds."))
        .parameter(header(
            "webhook-signature",
            "`v1,` and an HMAC-SHA256 in base64; two of them while a secret is being rotated.",
        ))
        .request_body(Some(body))
        .response("2XX", ResponseBuilder::new().description("Accepted.").build())
        .response(
            "410",
            ResponseBuilder::new()
                .description(
                    "The endpoint is gone: nothing more is sent until an operator resumes its \
                    deliveries.",
                )
                .build(),
        )
        .response(
            "default",
            ResponseBuilder::new()
                .description(
                    "Delivery failed: the webhook is sent again \
            later.",
                )
                .build(),
        )
        .build();
    PathItem::new(HttpMethod::Post, operation)
}

/// Serves `/openapi.json`, and `/docs` with its style sheet and script, for this document.
pub(super) fn routes(document: &utoipa::openapi::OpenApi) -> Router {
    let document = serde_json::to_value(document).unwrap_or_default();
    let page = Bytes::from(page::render(&document));
    let json = Bytes::from(document.to_string());
    let serve = |kind: &'static str, text: Bytes| {
        get(async move || {
            // All responses share the bytes, which are not copied.
            let mut response = text.into_response();
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            response
                .headers_mut()
                .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(page::POLICY));
            response
                .headers_mut()
                .insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            response
        })
    };
    Router::new()
        .route("/openapi.json", serve("application/json", json))
        .route("/docs", serve("text/html; charset=utf-8", page))
        .route("/docs/page.css", serve("text/css; charset=utf-8", Bytes::from_static(page::CSS.as_bytes())))
        .route(
            "/docs/console.js",
            serve("text/javascript; charset=utf-8", Bytes::from_static(page::SCRIPT.as_bytes())),
        )
}
