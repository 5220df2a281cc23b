//! What screens show, read one page at a time. Nothing here is locked: every action that a user takes on it is judged
//! on freshly locked rows.

mod admin;
mod mine;
mod together;
mod window;

pub use admin::{actions, backends, catalog, catalog_line, changed};
pub use mine::{decisions, grants, integration, integrations, settings, waiting};
pub use together::{alike, groups};
