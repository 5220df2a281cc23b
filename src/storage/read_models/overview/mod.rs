//! What screens show, read a page at a time. Nothing here is locked: whatever is done about it is judged anew.

mod admin;
mod mine;
mod window;

pub use admin::{actions, backends, catalog, catalog_line, changed};
pub use mine::{decisions, grants, integration, integrations, settings, waiting};
