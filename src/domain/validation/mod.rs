//! Checks arguments against their JSON Schema, within a fixed amount of work.
//!
//! A schema comes from a backend and may be built to take forever: references that lead back to themselves, or
//! alternatives of alternatives. Every step of the check is counted, and a check that needs too many, or a keyword that
//! this file does not know how to judge, is an error and not a pass.
//!
//! The keywords are those of draft 2020-12 (<https://json-schema.org/draft/2020-12/json-schema-validation>), and of the
//! older drafts where their meaning is different. `format` is an annotation, as that draft says.

mod arrays;
mod fault;
mod json;
mod numbers;
mod objects;
mod texts;

use std::collections::HashMap;

use regex::Regex;
use serde_json::{Map, Value};

pub use self::fault::{ArgumentFault, TooComplex};
use self::{
    fault::{Checked, Path, fault},
    json::{equal, is_type, list, object, type_detail, weight},
    numbers::number_fault,
};
use super::input_schema::{InputSchema, resolve};

/// The most steps of one check. A schema of 64 KiB over arguments of 256 KiB takes a few thousand.
const STEPS: usize = 100_000;
/// The most schemas within each other, references included.
const DEEPEST: usize = 200;
/// The most faults that are reported.
const FAULTS: usize = 20;

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
                    faults.push(fault(path, "Must be one of the allowed values."));
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
            faults.push(fault(path, "Matches none of the allowed forms."));
        } else if fitting > 1 && keyword == "oneOf" {
            faults.push(fault(path, "Matches more than one of the forms that exclude each other."));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
