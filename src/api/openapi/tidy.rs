//! Corrections that the handlers' annotations can't express, applied to the complete document.

use utoipa::openapi::{
    OpenApi, Ref, RefOr, Schema,
    path::{Operation, PathItem},
    schema::ArrayItems,
};

/// Prefix of the names that utoipa gives to pages.
const PAGE: &str = "Page_";

/// Applies all corrections.
pub(in crate::api) fn tidy(document: &mut OpenApi) {
    refer_to_items(document);
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        // An operation without a key says so explicitly, so that generated clients don't require one.
        operation.security.get_or_insert_default();
    }
}

/// Makes pages refer to the schema of their items. utoipa repeats the schema instead, and generated clients would have
/// two types for the same thing.
fn refer_to_items(document: &mut OpenApi) {
    let Some(components) = &mut document.components else { return };
    for (name, schema) in &mut components.schemas {
        if let Some(item) = name.strip_prefix(PAGE)
            && let RefOr::T(Schema::Object(page)) = schema
            && let Some(RefOr::T(Schema::Array(list))) = page.properties.get_mut("data")
        {
            list.items = ArrayItems::RefOrSchema(Box::new(Ref::from_schema_name(item).into()));
        }
    }
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = path;
    [get, put, post, delete, patch].into_iter().flatten()
}
