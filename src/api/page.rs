//! A page of a list: `{ "data": […], "next_cursor": "…" | null }`.

use serde::Serialize;
use utoipa::ToSchema;

use super::query::Query;

/// A page.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// Its items.
    pub data: Vec<T>,
    /// Where the next page begins; `null` on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of at most `limit` items. `found` has one more if there is a next page. `position` is an item's cursor.
    pub fn cut(mut found: Vec<T>, limit: i64, position: impl FnOnce(&T) -> String) -> Self {
        let page = usize::try_from(limit).unwrap_or(1);
        let more = found.len() > page;
        found.truncate(page);
        let next_cursor = found.last().filter(|_| more).map(|last| Query::write_cursor(&position(last)));
        Self { data: found, next_cursor }
    }

    /// The same page, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> Page<&T> {
        Page { data: self.data.iter().collect(), next_cursor: self.next_cursor.clone() }
    }

    /// The same page with converted items.
    pub fn map<U>(self, into: impl FnMut(T) -> U) -> Page<U> {
        Page { data: self.data.into_iter().map(into).collect(), next_cursor: self.next_cursor }
    }
}
