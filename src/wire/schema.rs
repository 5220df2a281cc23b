//! What the values on the wire look like, for the `OpenAPI` document.

use utoipa::openapi::{
    KnownFormat, Object, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, SchemaFormat,
    schema::{AdditionalProperties, SchemaType, Type},
};

use crate::domain::{
    approvals::Status, fatigue::Advice, grants::Scope, pauses::PausedRequests, results::ResultStatus,
};

fn nullable(kind: Type) -> SchemaType {
    SchemaType::from_iter([kind, Type::Null])
}

fn one_of<'a>(values: impl IntoIterator<Item = &'a str>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values.into_iter().collect::<Vec<_>>()))
}

fn id_pattern(prefix: &str) -> String {
    format!("^{prefix}_[0-9a-f]{{32}}$")
}

macro_rules! ids {
    ($($name:ident, $maybe:ident, $prefix:literal;)*) => {$(
        /// An id.
        #[must_use]
        pub fn $name() -> Object {
            ObjectBuilder::new().schema_type(Type::String).pattern(Some(id_pattern($prefix))).build()
        }

        /// An id that may be missing.
        #[must_use]
        pub fn $maybe() -> Object {
            ObjectBuilder::new().schema_type(nullable(Type::String)).pattern(Some(id_pattern($prefix))).build()
        }
    )*};
}
ids! {
    approval_id, maybe_approval_id, "apr";
    grant_id, maybe_grant_id, "grt";
    delivery_id, maybe_delivery_id, "dlv";
    backend_id, maybe_backend_id, "bck";
    key_id, maybe_key_id, "key";
    delegation_id, maybe_delegation_id, "dlg";
    pause_id, maybe_pause_id, "pau";
}

/// RFC 3339, UTC.
#[must_use]
pub fn time() -> Object {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build()
}

/// A time that may be missing.
#[must_use]
pub fn maybe_time() -> Object {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    ObjectBuilder::new().schema_type(nullable(Type::String)).format(Some(format)).build()
}

/// Where an approval stands.
#[must_use]
pub fn status() -> Object {
    one_of(Status::ALL.map(Status::as_str)).build()
}

/// How an approval ended.
#[must_use]
pub fn outcome() -> Object {
    one_of(Status::ALL.map(Status::as_str).into_iter().filter(|status| *status != "pending")).build()
}

/// What [`scope`] is called in the document.
pub const SCOPE: &str = "Scope";

/// How far an approval reaches. A schema with a name, so that generated clients have one type for it.
#[must_use]
pub fn scope() -> Object {
    one_of([Scope::Once, Scope::Conversation, Scope::Always].map(Scope::as_str)).build()
}

/// How far a grant reaches.
#[must_use]
pub fn standing_scope() -> Object {
    one_of([Scope::Conversation, Scope::Always].map(Scope::as_str)).build()
}

/// The same; `null` if it was not given.
#[must_use]
pub fn maybe_scope() -> RefOr<Schema> {
    let null = ObjectBuilder::new().schema_type(Type::Null).build();
    OneOfBuilder::new().item(null).item(Ref::from_schema_name(SCOPE)).into()
}

/// What happens to the requests of what is paused.
#[must_use]
pub fn paused_requests() -> Object {
    one_of(PausedRequests::ALL.map(PausedRequests::as_str)).build()
}

/// Who ended an approval.
#[must_use]
pub fn by() -> Object {
    one_of(["user", "auto", "policy", "backend"])
        .description(Some(
            "`user`: the person. `auto`: a grant, the clock, or Slack refusing the prompt. `policy`: a rule, or a pause of the agent or the backend. `backend`: it was cancelled.",
        ))
        .build()
}

/// How a call ended.
#[must_use]
pub fn result_status() -> Object {
    one_of(ResultStatus::ALL.map(ResultStatus::as_str)).build()
}

/// A webhook's type.
#[must_use]
pub fn event() -> Object {
    let types = Status::ALL.into_iter().filter_map(|status| match status {
        Status::Pending => None,
        Status::Ended(outcome) => Some(outcome.event()),
    });
    one_of(types).build()
}

/// Where a delivery stands.
#[must_use]
pub fn delivery_status() -> Object {
    one_of(["pending", "delivered", "dead"]).build()
}

/// How an attempt ended.
#[must_use]
pub fn attempt_outcome() -> Object {
    one_of(["delivered", "failed"]).build()
}

/// Who made a change.
#[must_use]
pub fn actor_kind() -> Object {
    one_of(["user", "backend", "operator", "service"]).build()
}

/// What could help a person who approves much.
#[must_use]
pub fn maybe_advice() -> Object {
    let names: Vec<Option<&str>> =
        Advice::ALL.into_iter().map(|advice| Some(advice.as_str())).chain([None]).collect();
    ObjectBuilder::new().schema_type(nullable(Type::String)).enum_values(Some(names)).build()
}

/// From where a change came.
#[must_use]
pub fn from() -> Object {
    one_of(["slack", "api", "command_line", "service"]).build()
}

/// SHA-256 over canonical JSON.
#[must_use]
pub fn digest() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^sha256:[0-9a-f]{64}$"))
        .description(Some("SHA-256 over the arguments' canonical JSON (RFC 8785)."))
        .build()
}

/// SHA-256 over canonical JSON, or `null`.
#[must_use]
pub fn maybe_digest() -> Object {
    ObjectBuilder::new()
        .schema_type(nullable(Type::String))
        .pattern(Some("^sha256:[0-9a-f]{64}$"))
        .description(Some("SHA-256 over the arguments' canonical JSON (RFC 8785)."))
        .build()
}

/// Any JSON object.
#[must_use]
pub fn object() -> Object {
    let any = AdditionalProperties::FreeForm(true);
    ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(any)).build()
}

/// Any JSON object, or `null`.
#[must_use]
pub fn maybe_object() -> Object {
    let any = AdditionalProperties::FreeForm(true);
    ObjectBuilder::new().schema_type(nullable(Type::Object)).additional_properties(Some(any)).build()
}
