//! The JSON Schema of an action's arguments, as far as it is checked when a backend describes the action.
//!
//! The checks keep a schema harmless for programs that use it: it refers to nothing outside itself, and its patterns can
//! be matched in linear time.

use serde_json::{Map, Value};

/// The largest schema, in bytes of compact JSON.
pub const LARGEST: usize = 64 * 1024;
/// The most levels of schemas within schemas.
const DEEPEST: usize = 32;
/// The longest pattern, in bytes, and the largest compiled one.
const PATTERN: usize = 1_000;
pub(super) const COMPILED: usize = 256 * 1024;
/// The most patterns in a schema.
const MOST_PATTERNS: usize = 100;

/// JSON Schema's names of types.
const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
/// Keywords whose value is a schema.
const ONE: [&str; 13] = [
    "additionalItems",
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "extends",
];
/// Keywords whose value is a list of schemas. `items` may be one as well, in older drafts.
const LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords whose value is an object of schemas.
const MAPS: [&str; 5] = ["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"];

/// The JSON Schema of an action's arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct InputSchema(Map<String, Value>);

/// A fault of a schema: where, as the steps of a JSON pointer within it, and the message for an error's `detail`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFault {
    /// The names on the way to the fault.
    pub path: Vec<String>,
    /// What is wrong there.
    pub detail: String,
}

impl InputSchema {
    /// Checks a schema. All faults are found, except that nothing within a value of the wrong type is looked at.
    pub fn new(schema: Map<String, Value>) -> Result<Self, Vec<SchemaFault>> {
        let schema = Value::Object(schema);
        let mut check = Check { root: &schema, faults: Vec::new(), path: Vec::new(), patterns: 0 };
        let size = schema.to_string().len();
        if size > LARGEST {
            check.fault(format!("must be at most {LARGEST} bytes of compact JSON; got {size}"));
        } else {
            check.schema(&schema);
            if schema.get("type").is_some_and(|kind| kind != "object") {
                check.path.push("type".to_owned());
                check.fault("must be \"object\": arguments are a JSON object".to_owned());
            }
        }
        let faults = check.faults;
        match schema {
            Value::Object(schema) if faults.is_empty() => Ok(Self(schema)),
            _ => Err(faults),
        }
    }

    /// The schema as the database stores it. `None`: it is not a JSON object.
    #[must_use]
    pub fn from_stored(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok().map(Self)
    }

    /// The schema.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The schema as the database stores it: with its members in the order given.
    #[must_use]
    pub fn to_store(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

struct Check<'s> {
    root: &'s Value,
    faults: Vec<SchemaFault>,
    path: Vec<String>,
    patterns: usize,
}

impl Check<'_> {
    fn fault(&mut self, detail: String) {
        self.faults.push(SchemaFault { path: self.path.clone(), detail });
    }

    /// Runs a check at a member or an item of the present value.
    fn within(&mut self, step: &str, check: impl FnOnce(&mut Self)) {
        self.path.push(step.to_owned());
        check(self);
        self.path.pop();
    }

    fn schema(&mut self, schema: &Value) {
        let members = match schema {
            Value::Bool(_) => return,
            Value::Object(members) => members,
            _ => return self.fault("must be a schema: an object, true or false".to_owned()),
        };
        if self.path.len() > 2 * DEEPEST {
            return self.fault(format!("is nested deeper than {DEEPEST} schemas"));
        }
        for (keyword, value) in members {
            self.within(keyword, |check| check.keyword(keyword, value));
        }
    }

    fn keyword(&mut self, keyword: &str, value: &Value) {
        match keyword {
            "$ref" | "$dynamicRef" | "$recursiveRef" => self.reference(value),
            // Either would change what references are relative to.
            "$id" | "id" if value.is_string() => {
                self.fault("is not supported: references are relative to this schema".to_owned());
            }
            "type" => self.types(value),
            "pattern" => match value.as_str() {
                Some(pattern) => self.pattern(pattern),
                None => self.fault("must be a string".to_owned()),
            },
            "required" if !is_names(value) => self.fault("must be an array of strings".to_owned()),
            "enum" if !value.is_array() => self.fault("must be an array".to_owned()),
            "title" | "description" if !value.is_string() => self.fault("must be a string".to_owned()),
            "items" if value.is_array() => self.list(value),
            _ if ONE.contains(&keyword) => self.schema(value),
            _ if LISTS.contains(&keyword) => self.list(value),
            _ if MAPS.contains(&keyword) => self.map(keyword, value),
            _ => {}
        }
    }

    fn list(&mut self, value: &Value) {
        let Some(items) = value.as_array() else {
            return self.fault("must be an array of schemas".to_owned());
        };
        for (at, item) in items.iter().enumerate() {
            self.within(&at.to_string(), |check| check.schema(item));
        }
    }

    fn map(&mut self, keyword: &str, value: &Value) {
        let Some(members) = value.as_object() else {
            return self.fault("must be an object of schemas".to_owned());
        };
        for (name, schema) in members {
            self.within(name, |check| {
                if keyword == "patternProperties" {
                    check.pattern(name);
                }
                check.schema(schema);
            });
        }
    }

    fn reference(&mut self, value: &Value) {
        let Some(reference) = value.as_str() else { return self.fault("must be a string".to_owned()) };
        if resolve(self.root, reference).is_none() {
            self.fault(
                "must point into this schema, such as #/$defs/name: others are not fetched".to_owned(),
            );
        }
    }

    fn types(&mut self, value: &Value) {
        let known = |name: &Value| name.as_str().is_some_and(|name| TYPES.contains(&name));
        let fits = match value {
            Value::Array(names) => !names.is_empty() && names.iter().all(known),
            one => known(one),
        };
        if !fits {
            self.fault(format!("must be one of {}, or an array of them", TYPES.join(", ")));
        }
    }

    fn pattern(&mut self, pattern: &str) {
        self.patterns += 1;
        if self.patterns > MOST_PATTERNS {
            if self.patterns == MOST_PATTERNS + 1 {
                self.fault(format!("is pattern {}; a schema may have {MOST_PATTERNS}", self.patterns));
            }
            return;
        }
        if pattern.len() > PATTERN {
            return self.fault(format!("must be at most {PATTERN} bytes long; got {}", pattern.len()));
        }
        let linear = regex::RegexBuilder::new(pattern).size_limit(COMPILED).nest_limit(50).build();
        if linear.is_err() {
            self.fault(
                "must be a regular expression without look-around and back-references, and not too large"
                    .to_owned(),
            );
        }
    }
}

/// What a reference refers to. `None`: nothing within this schema.
pub(super) fn resolve<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    let pointer =
        reference.strip_prefix('#').filter(|pointer| pointer.is_empty() || pointer.starts_with('/'))?;
    root.pointer(&decoded(pointer))
}

fn is_names(value: &Value) -> bool {
    value.as_array().is_some_and(|names| names.iter().all(Value::is_string))
}

/// Undoes percent-encoding in a reference's fragment.
fn decoded(pointer: &str) -> String {
    percent_encoding::percent_decode_str(pointer).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(schema: Value) -> Vec<String> {
        let Value::Object(schema) = schema else { unreachable!() };
        let faults = InputSchema::new(schema).err().unwrap_or_default();
        faults.into_iter().map(|fault| format!("/{}", fault.path.join("/"))).collect()
    }

    #[test]
    fn schemas_of_real_tools_are_taken() {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": false,
            "properties": {
                "to": { "type": "array", "items": { "type": "string", "format": "email" }, "minItems": 1 },
                "body": { "type": ["string", "null"], "pattern": "^\\w+@[a-z.]+\\/x$" },
                "pattern": { "type": "string", "description": "an argument of this name" },
                "id": { "$ref": "#/$defs/a%20b" },
                "pair": { "items": [{ "type": "string" }, true] },
            },
            "required": ["to"], "$defs": { "a b": { "anyOf": [{ "type": "string" }, { "$ref": "#" }] } },
        });
        assert_eq!(faults(schema), [""; 0]);
        assert_eq!(faults(json!({})), [""; 0]);
    }

    #[test]
    fn every_fault_is_found_where_it_is() {
        let schema = json!({
            "type": "array", "$id": "https://example.com/schema",
            "properties": {
                "a": { "$ref": "https://evil.example/schema.json" },
                "b": { "$ref": "#/$defs/none" },
                "c": { "pattern": "(a)\\1" },
                "d": { "pattern": "(?=a)" },
                "e": { "pattern": "((a{200}){200}){200}" },
                "f": { "type": "text" },
                "g": 3,
                "h": { "required": true, "enum": 1, "anyOf": {} },
            },
            "patternProperties": { "(?<!x)y": true },
        });
        let expected = [
            "/$id",
            "/properties/a/$ref",
            "/properties/b/$ref",
            "/properties/c/pattern",
            "/properties/d/pattern",
            "/properties/e/pattern",
            "/properties/f/type",
            "/properties/g",
            "/properties/h/required",
            "/properties/h/enum",
            "/properties/h/anyOf",
            "/patternProperties/(?<!x)y",
            "/type",
        ];
        assert_eq!(faults(schema), expected);
    }

    #[test]
    fn a_schema_has_limits() {
        assert_eq!(faults(json!({ "description": "x".repeat(LARGEST) })), ["/"]);
        let deep = (0..40).fold(json!({}), |inner, _| json!({ "properties": { "a": inner } }));
        assert_eq!(faults(deep).len(), 1);
        let patterns: Vec<Value> = (0..150).map(|_| json!({ "pattern": "a" })).collect();
        assert_eq!(faults(json!({ "allOf": patterns })), ["/allOf/100/pattern"]);
    }
}
