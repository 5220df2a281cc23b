//! Query strings. Unknown parameters are refused by name, like unknown fields.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::problem::{Fault, Problem};

/// Parameters, which are taken out one by one.
#[derive(Debug)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Default length of a page.
    pub const DEFAULT_LIMIT: i64 = 50;

    /// Parses a query string.
    #[must_use]
    pub fn read(query: Option<&str>) -> Self {
        Self(url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(found, _)| found == name)?;
        Some(self.0.remove(at).1)
    }

    /// An optional parameter, parsed by `read`.
    pub fn text<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.take(name) else { return Ok(None) };
        if text.contains('\0') {
            return Err(Problem::parameter(name, "must not contain the character U+0000"));
        }
        read(&text).map(Some).map_err(|detail| Problem::parameter(name, detail))
    }

    /// An optional whole number.
    pub fn number(
        &mut self,
        name: &'static str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<Option<i64>, Problem> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let found = text.parse().ok().filter(|number| range.contains(number));
        found.map(Some).ok_or_else(|| {
            let detail = format!("must be a whole number from {} to {}", range.start(), range.end());
            Problem::parameter(name, detail)
        })
    }

    /// The length of a page, or its default.
    pub fn limit(&mut self) -> Result<i64, Problem> {
        Ok(self.some_limit()?.unwrap_or(Self::DEFAULT_LIMIT))
    }

    /// The length of a page, if the call has one.
    pub fn some_limit(&mut self) -> Result<Option<i64>, Problem> {
        self.number("limit", 1..=100)
    }

    /// The cursor at which a page begins.
    pub fn cursor<T>(&mut self, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        self.text("cursor", |text| {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok();
            let position = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            position.and_then(|position| read(&position)).ok_or("must be a `next_cursor` of this list")
        })
    }

    /// The cursor of an item.
    pub fn position<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        self.text(name, |text| {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok();
            let position = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            position.and_then(|position| read(&position)).ok_or("must be the `cursor` of an item")
        })
    }

    /// Encodes a position as an opaque cursor.
    #[must_use]
    pub fn write_cursor(position: &str) -> String {
        URL_SAFE_NO_PAD.encode(position)
    }

    /// Refuses the parameters that were not taken.
    pub fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() {
            return Ok(());
        }
        let faults = self.0.into_iter().map(|(name, _)| Fault {
            pointer: None,
            parameter: Some("query"),
            detail: format!("`{name}` is not a parameter of this call, or is given twice"),
        });
        Err(Problem::invalid(faults.collect()))
    }
}
