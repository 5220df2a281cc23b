//! What screens show, read one page at a time. Nothing here is locked: every action that a user takes on it is judged
//! on freshly locked rows.

mod admin;
mod mine;
mod together;
mod waiting;
mod window;

pub use admin::{actions, backends, catalog, catalog_line, changed};
pub use mine::{decisions, grants, integration, integrations, settings};
pub use together::{alike, groups};
pub use waiting::waiting;
