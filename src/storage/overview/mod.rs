//! What screens show, read a page at a time. Nothing here is locked: whatever is done about it is judged anew.

mod admin;
mod mine;

pub use admin::{actions, backends, catalog, catalog_line, changed};
pub use mine::{decisions, grants, integration, integrations, settings, waiting};

use crate::domain::overview::{Page, Section};

/// Counts and offsets as Postgres has them.
fn number(count: i64) -> usize {
    usize::try_from(count).unwrap_or_default()
}

/// Where a page of a section begins, for `OFFSET`, and how long it is, for `LIMIT`.
fn window(section: Section, wanted: usize, total: i64) -> (usize, i64, i64) {
    let (page, first) = Page::<()>::locate(wanted, number(total), section.size());
    (page, i64::try_from(first).unwrap_or(i64::MAX), i64::try_from(section.size()).unwrap_or(i64::MAX))
}
