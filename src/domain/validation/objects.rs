//! The keywords of objects.

use serde_json::{Map, Value};

use super::{
    Check,
    fault::{ArgumentFault, Checked, Path, TooComplex, fault},
    json::{self, limit},
};

impl<'s> Check<'s> {
    pub(super) fn object(
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
                for (name, schema) in json::object(argument)? {
                    self.spend(1)?;
                    if let Some(value) = members.get(name) {
                        path.push(name.clone());
                        self.schema(schema, value, path, faults)?;
                        path.pop();
                    }
                }
            }
            ("patternProperties", _) => {
                for (pattern, schema) in json::object(argument)? {
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

    pub(super) fn required(
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
}
