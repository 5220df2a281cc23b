//! Reading a JSON body: every fault is found, not just the first, each with its JSON pointer; what nobody asked for is
//! refused by name.

use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::{
    body::ApiBody,
    problem::{Fault, Kind, Problem},
};
use crate::domain::{arguments::Exact, text::TextFault};

/// Reads a body as a JSON object.
pub fn object(headers: &HeaderMap, body: ApiBody) -> Result<Map<String, Value>, Problem> {
    let body = body.0?;
    let media_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Err(Problem::of(Kind::UnsupportedMediaType));
    }
    match Exact::read(&body) {
        Ok(Exact(Value::Object(members))) => Ok(members),
        Ok(_) => Err(Problem::of(Kind::InvalidJson).because("The body is not an object.")),
        Err(error) => Err(Problem::of(Kind::InvalidJson).because(format!("The body {error}."))),
    }
}

/// An object whose members are taken out one by one.
#[derive(Debug)]
pub struct Fields<'f> {
    members: Map<String, Value>,
    pointer: String,
    faults: &'f mut Vec<Fault>,
}

impl<'f> Fields<'f> {
    /// Takes members from the body's top.
    pub const fn new(members: Map<String, Value>, faults: &'f mut Vec<Fault>) -> Self {
        Self { members, pointer: String::new(), faults }
    }

    /// Notes a fault of a member.
    pub fn fault(&mut self, name: &str, detail: impl Into<String>) {
        let pointer = Some(format!("{}/{}", self.pointer, escape(name)));
        self.faults.push(Fault { pointer, parameter: None, detail: detail.into() });
    }

    /// A member that may be missing or null.
    pub fn any(&mut self, name: &str) -> Option<Value> {
        // Not `remove`, which would change the order of what is left.
        self.members.shift_remove(name).filter(|value| !value.is_null())
    }

    /// A text that may be missing, as `read` takes it.
    pub fn text<T>(&mut self, name: &str, read: impl FnOnce(String) -> Result<T, TextFault>) -> Option<T> {
        let Value::String(text) = self.any(name)? else {
            self.fault(name, "must be a string");
            return None;
        };
        read(text).map_err(|fault| self.fault(name, fault.to_string())).ok()
    }

    /// A text that must be there.
    pub fn required_text<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(String) -> Result<T, TextFault>,
    ) -> Option<T> {
        self.require(name);
        self.text(name, read)
    }

    /// A whole number that may be missing.
    pub fn number(&mut self, name: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let value = self.any(name)?;
        let found = value.as_i64().filter(|number| range.contains(number));
        if found.is_none() {
            self.fault(name, format!("must be a whole number from {} to {}", range.start(), range.end()));
        }
        found
    }

    /// A truth value that may be missing.
    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        match self.any(name) {
            None => default,
            Some(Value::Bool(flag)) => flag,
            Some(_) => {
                self.fault(name, "must be true or false");
                default
            }
        }
    }

    /// An object, whole, that may be missing.
    pub fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        let Value::Object(members) = self.any(name)? else {
            self.fault(name, "must be an object");
            return None;
        };
        Some(members)
    }

    /// Notes a fault if the member is missing or null.
    pub fn require(&mut self, name: &str) {
        if self.members.get(name).is_none_or(Value::is_null) {
            self.fault(name, "is required");
        }
    }

    /// Reads an object's members with `read`, if the object is there.
    pub fn within<T>(&mut self, name: &str, read: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Option<T> {
        let members = self.object(name)?;
        let pointer = format!("{}/{}", self.pointer, escape(name));
        let mut inner = Fields { members, pointer, faults: self.faults };
        let found = read(&mut inner);
        inner.finish();
        found
    }

    /// Reads each object of an array with `read`, if the array is there.
    pub fn each<T>(&mut self, name: &str, mut read: impl FnMut(&mut Fields<'_>) -> Option<T>) -> Vec<T> {
        let items = match self.any(name) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.fault(name, "must be an array");
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let pointer = format!("{}/{}/{index}", self.pointer, escape(name));
            let Value::Object(members) = item else {
                let detail = "must be an object".to_owned();
                self.faults.push(Fault { pointer: Some(pointer), parameter: None, detail });
                continue;
            };
            let mut inner = Fields { members, pointer, faults: self.faults };
            found.extend(read(&mut inner));
            inner.finish();
        }
        found
    }

    /// Refuses what is left.
    pub fn finish(mut self) {
        let left: Vec<String> = self.members.keys().cloned().collect();
        for name in left {
            self.fault(&name, "is not a field of this request");
        }
    }
}

/// A member's name as a JSON pointer writes it (RFC 6901, section 3).
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::text::Name;

    #[test]
    fn every_fault_is_found_with_its_pointer() {
        let Value::Object(members) = json!({
            "name": "", "count": 1.5, "flag": "yes", "extra/~": 1,
            "inner": { "name": 7, "other": null },
            "items": [{ "name": "fine" }, 3],
        }) else {
            unreachable!()
        };
        let mut faults = Vec::new();
        let mut fields = Fields::new(members, &mut faults);
        fields.required_text("name", Name::new);
        fields.required_text("missing", Name::new);
        fields.number("count", 1..=9);
        fields.flag("flag", false);
        fields.within("inner", |inner| inner.text("name", Name::new));
        let items = fields.each("items", |item| item.text("name", Name::new));
        fields.finish();
        assert_eq!(items.len(), 1);
        let pointers: Vec<_> = faults.iter().filter_map(|fault| fault.pointer.as_deref()).collect();
        let expected =
            ["/name", "/missing", "/count", "/flag", "/inner/name", "/inner/other", "/items/1", "/extra~1~0"];
        assert_eq!(pointers, expected);
    }
}
