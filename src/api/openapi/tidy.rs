//! Corrections that the handlers' annotations can't express, applied to the complete document.

use utoipa::openapi::{
    OpenApi, Ref, RefOr, Schema,
    path::{Operation, PathItem},
    schema::ArrayItems,
};

/// Prefix of the names that utoipa gives to pages.
const PAGE: &str = "Page_";

/// Completes the document.
pub(in crate::api) fn tidy(document: &mut OpenApi) {
    refer_to_items(document);
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        // Needs no key: said outright, so that generated clients don't ask for one.
        operation.security.get_or_insert_default();
    }
}

/// Lets pages refer to what they are of. utoipa writes a generic type's argument out, and a generated client then has a
/// second type of the same thing.
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
