//! The keywords of texts, and patterns.

use regex::RegexBuilder;
use serde_json::Value;

use super::{
    Check,
    fault::{ArgumentFault, Checked, Path, TooComplex, fault},
    json::{BYTES_A_STEP, limit},
};
use crate::domain::input_schema::COMPILED;

/// The largest compiled pattern, in bytes, that takes little time.
const SMALL_PATTERN: usize = 16 * 1024;

impl<'s> Check<'s> {
    pub(super) fn text(
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
                faults.push(fault(path, "Does not match the required pattern."));
            }
            _ => {}
        }
        Ok(())
    }

    /// Matching takes time in proportion to the text and to what the pattern compiles to, at worst.
    pub(super) fn matches(&mut self, pattern: &'s str, text: &str) -> Result<bool, TooComplex> {
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
