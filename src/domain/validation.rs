//! Checks arguments against their JSON Schema, within a fixed amount of work.
//!
//! A schema comes from a backend and may be built to take forever: references that lead back to themselves, or
//! alternatives of alternatives. Every step of the check is counted, and a check that needs too many, or a keyword that
//! this file does not know how to judge, is an error and not a pass.
//!
//! The keywords are those of draft 2020-12 (<https://json-schema.org/draft/2020-12/json-schema-validation>), and of the
//! older drafts where their meaning is different. `format` is an annotation, as that draft says.

use std::collections::{HashMap, HashSet};

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::input_schema::{COMPILED, InputSchema, resolve};

/// The most steps of one check. A schema of 64 KiB over arguments of 256 KiB takes a few thousand.
const STEPS: usize = 100_000;
/// The most schemas within each other, references included.
const DEEPEST: usize = 200;
/// How many bytes of a text count as one step where they are read.
const BYTES_A_STEP: usize = 256;
/// The largest compiled pattern, in bytes, that takes little time.
const SMALL_PATTERN: usize = 16 * 1024;
/// The most faults that are reported.
const FAULTS: usize = 20;

/// What is wrong with arguments: where, as the steps of a JSON pointer, and a sentence for the person who edits them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentFault {
    /// The names on the way to the value.
    pub path: Vec<String>,
    /// What is wrong there. Contains none of the backend's words.
    pub detail: String,
}

/// The schema needs too many steps, or has a keyword that can't be judged here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the schema is too complex to check arguments against it")]
pub struct TooComplex;

/// Checks arguments. Without faults, they fit the schema.
pub fn faults(
    schema: &InputSchema,
    arguments: &Map<String, Value>,
) -> Result<Vec<ArgumentFault>, TooComplex> {
    let (schema, arguments) = (Value::Object(schema.members().clone()), Value::Object(arguments.clone()));
    let mut check = Check { root: &schema, steps: 0, depth: 0, patterns: HashMap::new() };
    let mut faults = Vec::new();
    check.schema(&schema, &arguments, &mut Vec::new(), &mut faults)?;
    faults.truncate(FAULTS);
    Ok(faults)
}

struct Check<'s> {
    root: &'s Value,
    steps: usize,
    depth: usize,
    /// Compiled patterns, and whether each is small.
    patterns: HashMap<&'s str, (Regex, bool)>,
}

type Path = Vec<String>;
type Checked = Result<(), TooComplex>;

impl<'s> Check<'s> {
    fn spend(&mut self, steps: usize) -> Checked {
        self.steps += steps;
        if self.steps > STEPS { Err(TooComplex) } else { Ok(()) }
    }

    /// Checks a value against a schema, and adds what is wrong.
    fn schema(
        &mut self,
        schema: &'s Value,
        value: &Value,
        path: &mut Path,
        faults: &mut Vec<ArgumentFault>,
    ) -> Checked {
        self.spend(1)?;
        let members = match schema {
            Value::Bool(true) => return Ok(()),
            Value::Object(members) => members,
            _ => {
                faults.push(fault(path, "Not allowed here."));
                return Ok(());
            }
        };
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(TooComplex);
        }
        for (keyword, argument) in members {
            self.spend(1)?;
            self.keyword(members, keyword, argument, value, path, faults)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn fits(&mut self, schema: &'s Value, value: &Value) -> Result<bool, TooComplex> {
        let mut faults = Vec::new();
        self.schema(schema, value, &mut Vec::new(), &mut faults)?;
        Ok(faults.is_empty())
    }

    fn keyword(
        &mut self,
        schema: &'s Map<String, Value>,
        keyword: &str,
        argument: &'s Value,
        value: &Value,
        path: &mut Path,
        faults: &mut Vec<ArgumentFault>,
    ) -> Checked {
        match keyword {
            "$ref" | "$dynamicRef" | "$recursiveRef" => {
                let target = argument.as_str().and_then(|reference| resolve(self.root, reference));
                self.schema(target.ok_or(TooComplex)?, value, path, faults)
            }
            "allOf" => {
                for part in list(argument)? {
                    self.schema(part, value, path, faults)?;
                }
                Ok(())
            }
            "anyOf" | "oneOf" => self.alternatives(keyword, argument, value, path, faults),
            "not" => {
                if self.fits(argument, value)? {
                    faults.push(fault(path, "This value is not allowed."));
                }
                Ok(())
            }
            "if" => {
                let branch = if self.fits(argument, value)? { "then" } else { "else" };
                match schema.get(branch) {
                    Some(branch) => self.schema(branch, value, path, faults),
                    None => Ok(()),
                }
            }
            "type" => {
                let is = |name: &Value| name.as_str().is_some_and(|name| is_type(name, value));
                let fits = argument.as_array().map_or_else(|| is(argument), |names| names.iter().any(is));
                if !fits {
                    faults.push(fault(path, type_detail(argument)));
                }
                Ok(())
            }
            "enum" | "const" => {
                let allowed =
                    if keyword == "enum" { list(argument)? } else { std::slice::from_ref(argument) };
                let mut found = false;
                for one in allowed {
                    self.spend(1 + weight(one))?;
                    found = found || equal(one, value);
                }
                if !found {
                    faults.push(fault(path, "Not one of the allowed values."));
                }
                Ok(())
            }
            "dependentRequired" | "dependentSchemas" | "dependencies" => {
                let Value::Object(members) = value else { return Ok(()) };
                for (name, needs) in object(argument)? {
                    self.spend(1)?;
                    match needs {
                        _ if !members.contains_key(name) => {}
                        Value::Array(_) => self.required(needs, members, path, faults)?,
                        schema => self.schema(schema, value, path, faults)?,
                    }
                }
                Ok(())
            }
            // Their meaning depends on what all other keywords looked at.
            "unevaluatedProperties" | "unevaluatedItems" if *argument != Value::Bool(true) => Err(TooComplex),
            // The first draft that had schemas: what it extends is a part of it.
            "extends" => self.schema(argument, value, path, faults),
            _ => match value {
                Value::String(text) => self.text(keyword, argument, text, path, faults),
                Value::Number(number) => {
                    let number = number.as_f64().ok_or(TooComplex)?;
                    faults.extend(
                        number_fault(schema, keyword, argument, number).map(|detail| fault(path, detail)),
                    );
                    Ok(())
                }
                Value::Array(items) => self.array(schema, keyword, argument, items, path, faults),
                Value::Object(members) => self.object(schema, keyword, argument, members, path, faults),
                Value::Null | Value::Bool(_) => Ok(()),
            },
        }
    }

    fn alternatives(
        &mut self,
        keyword: &str,
        argument: &'s Value,
        value: &Value,
        path: &mut Path,
        faults: &mut Vec<ArgumentFault>,
    ) -> Checked {
        let mut fitting = 0;
        for one in list(argument)? {
            fitting += usize::from(self.fits(one, value)?);
        }
        if fitting == 0 {
            faults.push(fault(path, "Not of an allowed form."));
        } else if fitting > 1 && keyword == "oneOf" {
            faults.push(fault(path, "Of several forms that exclude each other."));
        }
        Ok(())
    }

    fn text(
        &mut self,
        keyword: &str,
        argument: &'s Value,
        text: &str,
        path: &mut Path,
        faults: &mut Vec<ArgumentFault>,
    ) -> Checked {
        self.spend(text.len() / BYTES_A_STEP)?;
        let length = || text.chars().count();
        match (keyword, limit(argument)) {
            ("maxLength", Some(most)) if length() > most => {
                faults.push(fault(path, format!("Too long: {} of at most {most} characters.", length())));
            }
            ("minLength", Some(least)) if length() < least => {
                faults.push(fault(path, format!("Too short: {} of at least {least} characters.", length())));
            }
            ("pattern", _) if !self.matches(argument.as_str().ok_or(TooComplex)?, text)? => {
                faults.push(fault(path, "Not of the required form."));
            }
            _ => {}
        }
        Ok(())
    }

    fn array(
        &mut self,
        schema: &'s Map<String, Value>,
        keyword: &str,
        argument: &'s Value,
        items: &[Value],
        path: &mut Path,
        faults: &mut Vec<ArgumentFault>,
    ) -> Checked {
        match (keyword, limit(argument)) {
            ("maxItems", Some(most)) if items.len() > most => {
                faults.push(fault(path, format!("Too many items: {} of at most {most}.", items.len())));
            }
            ("minItems", Some(least)) if items.len() < least => {
                faults.push(fault(path, format!("Too few items: {} of at least {least}.", items.len())));
            }
            ("uniqueItems", _) if *argument == Value::Bool(true) => {
                let mut seen = HashSet::new();
                for item in items {
                    self.spend(1 + weight(item))?;
                    if !seen.insert(serde_json_canonicalizer::to_vec(item).map_err(|_| TooComplex)?) {
                        faults.push(fault(path, "An item occurs twice."));
                        break;
                    }
                }
            }
            ("prefixItems", _) => self.each(list(argument)?.iter().zip(items).enumerate(), path, faults)?,
            ("items", _) => match argument {
                // As older drafts write it.
                Value::Array(first) => self.each(first.iter().zip(items).enumerate(), path, faults)?,
                one => {
                    let skip = schema.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
                    let rest = items.iter().enumerate().skip(skip).map(|(at, item)| (at, (one, item)));
                    self.each(rest, path, faults)?;
                }
            },
            ("additionalItems", _) => {
                if let Some(first) = schema.get("items").and_then(Value::as_array) {
                    let rest = items.iter().enumerate().skip(first.len());
                    self.each(rest.map(|(at, item)| (at, (argument, item))), path, faults)?;
                }
            }
            ("contains", _) => {
                let mut found = 0;
                for item in items {
                    found += usize::from(self.fits(argument, item)?);
                }
                let bound = |keyword| schema.get(keyword).and_then(limit);
                if found < bound("minContains").unwrap_or(1) {
                    faults.push(fault(path, "An item that must be there is missing."));
                } else if bound("maxContains").is_some_and(|most| found > most) {
                    faults.push(fault(path, "Too many items of one kind."));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn each<'v>(
        &mut self,
        items: impl Iterator<Item = (usize, (&'s Value, &'v Value))>,
        path: &mut Path,
        faults: &mut Vec<ArgumentFault>,
    ) -> Checked {
        for (at, (schema, item)) in items {
            path.push(at.to_string());
            self.schema(schema, item, path, faults)?;
            path.pop();
        }
        Ok(())
    }

    fn object(
        &mut self,
        schema: &'s Map<String, Value>,
        keyword: &str,
        argument: &'s Value,
        members: &Map<String, Value>,
        path: &mut Path,
        faults: &mut Vec<ArgumentFault>,
    ) -> Checked {
        match (keyword, limit(argument)) {
            ("maxProperties", Some(most)) if members.len() > most => {
                faults.push(fault(path, format!("Too many values: {} of at most {most}.", members.len())));
            }
            ("minProperties", Some(least)) if members.len() < least => {
                faults.push(fault(path, format!("Too few values: {} of at least {least}.", members.len())));
            }
            ("required", _) => self.required(argument, members, path, faults)?,
            ("properties", _) => {
                for (name, schema) in object(argument)? {
                    self.spend(1)?;
                    if let Some(value) = members.get(name) {
                        path.push(name.clone());
                        self.schema(schema, value, path, faults)?;
                        path.pop();
                    }
                }
            }
            ("patternProperties", _) => {
                for (pattern, schema) in object(argument)? {
                    for (name, value) in members {
                        if self.matches(pattern, name)? {
                            path.push(name.clone());
                            self.schema(schema, value, path, faults)?;
                            path.pop();
                        }
                    }
                }
            }
            ("additionalProperties", _) => {
                for (name, value) in members {
                    if !self.is_described(schema, name)? {
                        path.push(name.clone());
                        self.schema(argument, value, path, faults)?;
                        path.pop();
                    }
                }
            }
            ("propertyNames", _) => {
                for name in members.keys() {
                    if !self.fits(argument, &Value::from(name.as_str()))? {
                        path.push(name.clone());
                        faults.push(fault(path, "An argument of this name is not allowed."));
                        path.pop();
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn required(
        &mut self,
        names: &'s Value,
        members: &Map<String, Value>,
        path: &mut Path,
        faults: &mut Vec<ArgumentFault>,
    ) -> Checked {
        // Draft 3 wrote it into the property, as true or false.
        let Value::Array(names) = names else { return Ok(()) };
        for name in names.iter().filter_map(Value::as_str) {
            self.spend(1)?;
            if !members.contains_key(name) {
                path.push(name.to_owned());
                faults.push(fault(path, "Required."));
                path.pop();
            }
        }
        Ok(())
    }

    /// Whether `properties` or `patternProperties` say something of this name.
    fn is_described(&mut self, schema: &'s Map<String, Value>, name: &str) -> Result<bool, TooComplex> {
        self.spend(1)?;
        if schema.get("properties").and_then(Value::as_object).is_some_and(|all| all.contains_key(name)) {
            return Ok(true);
        }
        for pattern in
            schema.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(Map::keys)
        {
            if self.matches(pattern, name)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Matching takes time in proportion to the text and to what the pattern compiles to, at worst.
    fn matches(&mut self, pattern: &'s str, text: &str) -> Result<bool, TooComplex> {
        if !self.patterns.contains_key(pattern) {
            self.spend(1 + pattern.len())?;
            let build = |size| RegexBuilder::new(pattern).size_limit(size).nest_limit(50).build();
            let compiled = match build(SMALL_PATTERN) {
                Ok(small) => (small, true),
                Err(_) => (build(COMPILED).map_err(|_| TooComplex)?, false),
            };
            self.patterns.insert(pattern, compiled);
        }
        let is_small = self.patterns.get(pattern).is_some_and(|(_, is_small)| *is_small);
        self.spend(1 + if is_small { text.len() / 4 } else { text.len() * 8 })?;
        Ok(self.patterns.get(pattern).is_some_and(|(pattern, _)| pattern.is_match(text)))
    }
}

fn fault(path: &Path, detail: impl Into<String>) -> ArgumentFault {
    ArgumentFault { path: path.clone(), detail: detail.into() }
}

fn list(argument: &Value) -> Result<&[Value], TooComplex> {
    argument.as_array().map(Vec::as_slice).ok_or(TooComplex)
}

fn object(argument: &Value) -> Result<&Map<String, Value>, TooComplex> {
    argument.as_object().ok_or(TooComplex)
}

/// A keyword's number of characters, items or members: `3` or `3.0`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
fn limit(argument: &Value) -> Option<usize> {
    argument.as_f64().filter(|number| *number >= 0.0).map(|number| number as usize)
}

/// How many steps it takes to compare a value: its parts, roughly.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() / BYTES_A_STEP,
        Value::Array(items) => items.iter().map(|item| 1 + weight(item)).sum(),
        Value::Object(members) => members.values().map(|value| 1 + weight(value)).sum(),
        _ => 0,
    }
}

/// Whether two values are the same JSON: `1` and `1.0` are.
fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| equal(value, other)))
        }
        _ => one == other,
    }
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => false,
    }
}

fn type_detail(argument: &Value) -> &'static str {
    match argument.as_str() {
        Some("string") => "Must be text.",
        Some("integer") => "Must be a whole number.",
        Some("number") => "Must be a number.",
        Some("boolean") => "Must be true or false.",
        _ => "Not of the required type.",
    }
}

fn number_fault(schema: &Map<String, Value>, keyword: &str, argument: &Value, number: f64) -> Option<String> {
    let bound = argument.as_f64();
    let excluded = |keyword| schema.get(keyword) == Some(&Value::Bool(true));
    match (keyword, bound?) {
        // Draft 4 excluded the bound itself by true.
        ("minimum", least) if number <= least && excluded("exclusiveMinimum") => {
            Some(format!("Must be more than {argument}."))
        }
        ("maximum", most) if number >= most && excluded("exclusiveMaximum") => {
            Some(format!("Must be less than {argument}."))
        }
        ("minimum", least) if number < least => Some(format!("Must be at least {argument}.")),
        ("maximum", most) if number > most => Some(format!("Must be at most {argument}.")),
        ("exclusiveMinimum", least) if number <= least => Some(format!("Must be more than {argument}.")),
        ("exclusiveMaximum", most) if number >= most => Some(format!("Must be less than {argument}.")),
        ("multipleOf", step) if !is_multiple(number, step) => {
            Some(format!("Must be a multiple of {argument}."))
        }
        _ => None,
    }
}

/// Whether a number is a multiple of a step, as its decimal digits say: 0.3 is one of 0.1, although their doubles are not.
fn is_multiple(number: f64, step: f64) -> bool {
    let quotient = number / step;
    let nearest = quotient.round();
    quotient.is_finite() && (quotient - nearest).abs() <= nearest.abs().max(1.0) * 1e-14
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(schema: &Value) -> InputSchema {
        InputSchema::from_stored(&schema.to_string()).unwrap()
    }

    #[expect(clippy::needless_pass_by_value, reason = "tests pass literals")]
    fn check(schema: Value, arguments: Value) -> Result<Vec<String>, TooComplex> {
        let Value::Object(arguments) = arguments else { unreachable!() };
        let found = faults(&read(&schema), &arguments)?;
        Ok(found.into_iter().map(|fault| format!("/{}: {}", fault.path.join("/"), fault.detail)).collect())
    }

    #[test]
    fn a_fault_is_said_where_it_is() {
        let schema = json!({
            "type": "object", "required": ["to", "subject"], "additionalProperties": false,
            "properties": {
                "to": { "type": "string", "pattern": "^[^@]+@example\\.com$" },
                "subject": { "type": "string", "minLength": 1, "maxLength": 5 },
                "count": { "type": "integer", "minimum": 1, "exclusiveMaximum": 10 },
                "share": { "multipleOf": 0.01 },
                "kind": { "enum": ["a", "b"] },
                "lines": { "items": { "$ref": "#/$defs/line" }, "maxItems": 2, "uniqueItems": true },
            },
            "$defs": { "line": { "type": "object", "required": ["id"] } },
        });
        let fits = json!({ "to": "kim@example.com", "subject": "größe", "count": 1.0, "share": 0.07, "kind": "b",
            "lines": [{ "id": 1 }, { "id": 2 }] });
        assert_eq!(check(schema.clone(), fits).unwrap(), [""; 0]);
        let wrong = json!({ "to": "kim@evil.example", "count": 10, "share": 0.005, "kind": "c", "more": 1,
            "lines": [{}, {}, 1] });
        insta::assert_snapshot!(check(schema, wrong).unwrap().join("\n"), @"
        /subject: Required.
        /more: Not allowed here.
        /to: Not of the required form.
        /count: Must be less than 10.
        /share: Must be a multiple of 0.01.
        /kind: Not one of the allowed values.
        /lines/0/id: Required.
        /lines/1/id: Required.
        /lines/2: Not of the required type.
        /lines: Too many items: 3 of at most 2.
        /lines: An item occurs twice.
        ");
    }

    #[test]
    fn a_schema_that_would_take_forever_is_an_error() {
        let itself = json!({ "$ref": "#" });
        assert_eq!(check(itself, json!({})), Err(TooComplex));
        let levels = 30;
        let mut defs = Map::new();
        for level in 0..levels {
            let next = json!({ "$ref": format!("#/$defs/d{}", level + 1) });
            defs.insert(format!("d{level}"), json!({ "anyOf": [next, next] }));
        }
        defs.insert(format!("d{levels}"), json!(false));
        let doubled = json!({ "$ref": "#/$defs/d0", "$defs": defs });
        assert_eq!(check(doubled, json!({})), Err(TooComplex));
        let unknown = json!({ "unevaluatedProperties": false });
        assert_eq!(check(unknown, json!({})), Err(TooComplex));
        let large = json!({ "properties": { "a": { "pattern": "(x[ab]{500})+y" } } });
        assert_eq!(check(large.clone(), json!({ "a": "ab".repeat(10_000) })), Err(TooComplex));
        assert_eq!(check(large, json!({ "a": "ab" })).unwrap(), ["/a: Not of the required form."]);
    }

    #[test]
    fn a_recursive_schema_is_followed_as_deep_as_the_arguments() {
        let tree = json!({ "properties": { "next": { "$ref": "#" } }, "required": ["id"] });
        assert_eq!(
            check(tree, json!({ "id": 1, "next": { "next": { "id": 1 } } })).unwrap(),
            ["/next/id: Required."]
        );
    }

    fn schema() -> impl Strategy<Value = Value> {
        let names = || prop::sample::select(vec!["a", "b", "c"]);
        let number = || prop_oneof![Just(0.0), Just(1.0), Just(2.5), Just(-3.0)];
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            Just(json!({})),
            prop::sample::select(vec!["string", "number", "integer", "boolean", "null", "array", "object"])
                .prop_map(|name| json!({ "type": name })),
            (0..4_u8).prop_map(|n| json!({ "maxLength": n })),
            (0..4_u8).prop_map(|n| json!({ "minLength": n, "minItems": 1 })),
            number().prop_map(|n| json!({ "minimum": n })),
            number().prop_map(|n| json!({ "exclusiveMaximum": n })),
            Just(json!({ "multipleOf": 0.5, "uniqueItems": true })),
            Just(json!({ "pattern": "^x|y$" })),
            Just(json!({ "enum": [1, "x", null, [1]] })),
            Just(json!({ "const": { "a": 1 } })),
            prop::collection::btree_set(names(), 0..3).prop_map(|names| json!({ "required": names })),
            (0..3_u8).prop_map(|n| json!({ "maxProperties": n, "minProperties": 1 })),
        ];
        leaf.prop_recursive(3, 24, 3, move |inner| {
            let several = || prop::collection::vec(inner.clone(), 1..3);
            prop_oneof![
                several().prop_map(|parts| json!({ "allOf": parts })),
                several().prop_map(|parts| json!({ "anyOf": parts })),
                several().prop_map(|parts| json!({ "oneOf": parts })),
                inner.clone().prop_map(|part| json!({ "not": part })),
                (inner.clone(), inner.clone(), inner.clone())
                    .prop_map(|(one, two, three)| json!({ "if": one, "then": two, "else": three })),
                prop::collection::btree_map(names(), inner.clone(), 0..3)
                    .prop_map(|parts| json!({ "properties": parts })),
                (inner.clone(), inner.clone()).prop_map(|(one, two)| json!({
                    "properties": { "a": one }, "patternProperties": { "^b": two.clone() },
                    "additionalProperties": two
                })),
                inner.clone().prop_map(|part| json!({ "propertyNames": part })),
                inner.clone().prop_map(|part| json!({ "dependentSchemas": { "a": part } })),
                Just(json!({ "dependentRequired": { "a": ["b"] } })),
                (inner.clone(), inner.clone())
                    .prop_map(|(one, two)| json!({ "prefixItems": [one], "items": two })),
                inner.clone().prop_map(|part| json!({ "contains": part, "maxContains": 1 })),
                inner.clone().prop_map(|part| json!({ "$defs": { "d": part }, "$ref": "#" })),
            ]
        })
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(Value::from),
            prop::sample::select(vec![0.0, 1.0, 2.5, -3.0, 7.0]).prop_map(Value::from),
            (-3..3_i64).prop_map(Value::from),
            "[xyz]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[abc]", inner, 0..3).prop_map(|members| json!(members)),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn another_implementation_agrees(schema in schema(), value in value()) {
            // A reference to the root, so that a part of it never refers to itself.
            let text = schema.to_string().replace(",\"$ref\":\"#\"", "");
            let whole = json!({ "properties": { "value": serde_json::from_str::<Value>(&text).unwrap() } });
            let arguments = json!({ "value": value });
            let known = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(&whole).unwrap();
            let found = check(whole.clone(), arguments.clone()).unwrap();
            prop_assert_eq!(found.is_empty(), known.is_valid(&arguments), "{} {} {:?}", whole, arguments, found);
        }
    }
}
