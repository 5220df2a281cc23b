//! Pages, as SQL has them.

use crate::domain::overview::{Page, Section};

/// Counts and offsets as Postgres has them.
pub(super) fn number(count: i64) -> usize {
    usize::try_from(count).unwrap_or_default()
}

/// Where a page of a section begins, for `OFFSET`, and how long it is, for `LIMIT`.
pub(super) fn window(section: Section, wanted: usize, total: i64) -> (usize, i64, i64) {
    let (page, first) = Page::<()>::locate(wanted, number(total), section.size());
    (page, i64::try_from(first).unwrap_or(i64::MAX), i64::try_from(section.size()).unwrap_or(i64::MAX))
}
