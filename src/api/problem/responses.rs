//! Errors in the `OpenAPI` document: for each operation its statuses, with an example of every problem.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, Ref, RefOr, Response, ResponseBuilder,
    example::ExampleBuilder,
    schema::{ObjectBuilder, Type},
};

use super::{Kind, Missing};

/// Problems of every call with a key.
const ALWAYS: [Kind; 11] = [
    Kind::Unauthenticated,
    Kind::InsufficientScope,
    Kind::WrongKey,
    Kind::UserBoundKey,
    Kind::BackendDisabled,
    Kind::WorkspaceRemoved,
    Kind::InvalidRequest,
    Kind::TooManyRequests,
    Kind::HeadTooLarge,
    Kind::Internal,
    Kind::Unavailable,
];

/// Problems of every call with an admin key.
const ADMIN: [Kind; 8] = [
    Kind::Unauthenticated,
    Kind::WrongKey,
    Kind::WorkspaceRemoved,
    Kind::InvalidRequest,
    Kind::TooManyRequests,
    Kind::HeadTooLarge,
    Kind::Internal,
    Kind::Unavailable,
];

/// Additional problems of every call with a body.
const READING: [Kind; 4] =
    [Kind::InvalidJson, Kind::BodyTooLarge, Kind::BodyTooSlow, Kind::UnsupportedMediaType];

/// The responses for some kinds, one for each status.
fn responses(kinds: impl IntoIterator<Item = Kind>) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    for kind in kinds {
        let same_status = by_status.entry(kind.status().as_u16()).or_default();
        if !same_status.contains(&kind) {
            same_status.push(kind);
        }
    }
    by_status
        .into_iter()
        .map(|(status, kinds)| (status.to_string(), response(status, &kinds).into()))
        .collect()
}

fn response(status: u16, kinds: &[Kind]) -> Response {
    let titles: Vec<&str> = kinds.iter().map(|kind| kind.title()).collect();
    let examples = kinds.iter().map(|kind| {
        let example = ExampleBuilder::new().summary(kind.title()).value(Some(example(*kind))).build();
        (kind.code(), example)
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .examples_from_iter(examples)
        .build();
    let response = ResponseBuilder::new()
        .description(format!("{}.", titles.join("; or: ")))
        .content("application/problem+json", content);
    match status {
        429 | 503 => response.header("Retry-After", header(Type::Integer, "When to try again, in seconds.")),
        401 => response.header("WWW-Authenticate", header(Type::String, "`Bearer` (RFC 6750).")),
        _ => response,
    }
    .build()
}

fn header(kind: Type, description: &str) -> utoipa::openapi::Header {
    let schema = ObjectBuilder::new().schema_type(kind).build();
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}

/// An example of a problem's body.
fn example(kind: Kind) -> Value {
    let mut problem = json!({
        "type": format!("urn:countersign:problem:{}", kind.code()),
        "title": kind.title(),
        "status": kind.status().as_u16(),
        "detail": kind.what_to_do(),
    });
    match kind {
        Kind::InvalidRequest => {
            problem["errors"] = json!([
                { "pointer": "/expires_in", "detail": "must be a whole number from 10 to 604800" },
                { "pointer": null, "parameter": "limit", "detail": "must be a whole number from 1 to 100" },
            ]);
        }
        Kind::AlreadyEnded => problem["approval"] = crate::wire::examples::approved(),
        Kind::NotApproved => problem["approval"] = crate::wire::examples::denied(),
        Kind::PermitUsed => {
            problem["approval"] = crate::wire::examples::approved();
            problem["permit"] = crate::wire::examples::permit();
        }
        Kind::PermitRevoked => problem["approval"] = crate::wire::examples::auto_approved(),
        Kind::PermitLapsed | Kind::OtherArguments => {
            problem["approval"] = crate::wire::examples::approved();
        }
        Kind::StillPending => problem["approval"] = crate::wire::examples::pending(),
        Kind::AlreadyReported => problem["approval"] = crate::wire::examples::reported(),
        _ => {}
    }
    problem
}

/// Declares the problems of an operation, in addition to those of every call.
macro_rules! problems {
    ($always:ident; $($(#[$doc:meta])* $name:ident: $($part:expr),+;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                let mut kinds = $always.to_vec();
                $(kinds.extend($part);)+
                responses(kinds)
            }
        }
    )*};
}

/// Reading the public keys, for which no key is needed.
#[derive(Debug)]
pub struct Keys;

impl utoipa::IntoResponses for Keys {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses([Kind::Internal, Kind::Unavailable])
    }
}

problems! { ALWAYS;
    /// Creating an approval.
    Asking: READING, [Kind::KeyReused, Kind::UnknownUser, Kind::CatalogFull, Kind::TooManyPending, Kind::LookupUnavailable, Kind::MissingScope, Kind::Unclear];
    /// Creating an approval and waiting for its end.
    Hooking: READING, [Kind::NoUser, Kind::KeyReused, Kind::CatalogFull, Kind::TooManyPending, Kind::TooManyWaiting, Kind::Unclear];
    /// Lists.
    Listing: [Kind::InvalidRequest];
    /// Reading one approval, or waiting for its end.
    OneApproval: [Kind::NotFound(Missing::Approval), Kind::TooManyWaiting];
    /// Reading the audit.
    ReadingAudit: [Kind::TooManyWaiting];
    /// Reading the audit log.
    Proving: [Kind::NotFound(Missing::Seal)];
    /// Cancelling an approval.
    Cancelling: [Kind::NotFound(Missing::Approval), Kind::AlreadyEnded, Kind::Unclear];
    /// Reporting a result.
    Reporting: READING, [Kind::NotFound(Missing::Approval), Kind::NotApproved, Kind::AlreadyReported, Kind::Unclear];
    /// Taking a permit.
    Using: READING, [Kind::NotFound(Missing::Approval), Kind::NotApproved, Kind::PermitUsed, Kind::PermitRevoked, Kind::PermitLapsed, Kind::Paused, Kind::OtherArguments, Kind::Unclear];
    /// Getting a receipt.
    Receipts: [Kind::NotFound(Missing::Approval), Kind::StillPending, Kind::NoSigningKey];
    /// Putting an integration.
    PuttingIntegration: READING, [Kind::NotOwner, Kind::CatalogFull, Kind::Unclear];
    /// Reading one integration.
    OneIntegration: [Kind::NotFound(Missing::Integration)];
    /// Reporting a connection.
    Connecting: [Kind::NotOwner, Kind::NotFound(Missing::Integration), Kind::Unclear];
    /// Closing a conversation.
    Closing: [Kind::NotFound(Missing::Conversation), Kind::Unclear];
    /// Reading one delivery.
    OneDelivery: [Kind::NotFound(Missing::Delivery)];
    /// Sending a delivery again.
    Redelivering: [Kind::NotFound(Missing::Delivery), Kind::Unclear];
}

problems! { ADMIN;
    /// Lists and figures.
    AdminListing: [Kind::InvalidRequest];
    /// Revoking one grant.
    RevokingGrant: READING, [Kind::NotFound(Missing::Grant), Kind::Unclear];
    /// Revoking grants of a person or for an action.
    RevokingGrants: READING, [Kind::NotFound(Missing::Action), Kind::Unclear];
    /// Reading one action.
    OneAction: [Kind::NotFound(Missing::Action)];
    /// Unlocking an action.
    Unlocking: READING, [Kind::NotFound(Missing::Action), Kind::ChangedSinceShown, Kind::Unclear];
    /// Locking an action.
    Locking: [Kind::NotFound(Missing::Action), Kind::Unclear];
    /// Unlocking the read-only actions of an integration.
    UnlockingReadOnly: READING, [Kind::NotFound(Missing::Integration), Kind::Unclear];
    /// Listing the deliveries to a backend.
    ListingDeliveries: [Kind::NotFound(Missing::Backend)];
    /// Sending a webhook again.
    Resending: [Kind::NotFound(Missing::Delivery), Kind::Unclear];
    /// Ending a delegation.
    EndingDelegation: [Kind::NotFound(Missing::Delegation), Kind::Unclear];
    /// Pausing a backend or an agent.
    Pausing: READING, [Kind::NotFound(Missing::Backend), Kind::TooManyPauses, Kind::Unclear];
    /// Resuming what is paused.
    Resuming: [Kind::NotFound(Missing::Pause), Kind::Unclear];
}
