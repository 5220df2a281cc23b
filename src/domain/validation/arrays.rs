//! The keywords of arrays.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    Check,
    fault::{ArgumentFault, Checked, Path, TooComplex, fault},
    json::{limit, list, weight},
};

impl<'s> Check<'s> {
    pub(super) fn array(
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
                    faults.push(fault(path, "A required item is missing."));
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
}
