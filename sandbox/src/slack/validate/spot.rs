//! A place in the JSON that is being validated, and the list of faults found.

use std::{cell::RefCell, ops::RangeInclusive};

use serde_json::Value;

/// Collects the faults.
#[derive(Debug, Default)]
pub(super) struct Sheet(RefCell<Vec<String>>);

impl Sheet {
    /// Validates a value at the JSON pointer `pointer`, and returns its faults.
    pub(super) fn judge(value: &Value, pointer: &str, judge: impl FnOnce(&Spot<'_>)) -> Vec<String> {
        let sheet = Self::default();
        judge(&Spot { value, pointer: pointer.to_owned(), sheet: &sheet });
        sheet.0.into_inner()
    }
}

/// A value with its JSON pointer.
#[derive(Clone, Debug)]
pub(super) struct Spot<'a> {
    value: &'a Value,
    pointer: String,
    sheet: &'a Sheet,
}

impl<'a> Spot<'a> {
    /// Records a fault at this place.
    pub(super) fn fault(&self, words: &str) {
        self.sheet.0.borrow_mut().push(format!("[ERROR] {words} [json-pointer:{}]", self.pointer));
    }

    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    /// The value of the key. `null` counts as missing.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Self { value, pointer: format!("{}/{key}", self.pointer), sheet: self.sheet })
    }

    /// The value of the key, which is required.
    pub(super) fn need(&self, key: &str) -> Option<Self> {
        let found = self.get(key);
        if found.is_none() {
            self.fault(&format!("missing required field: {key}"));
        }
        found
    }

    /// The text of the key without validation, empty if there is none.
    pub(super) fn word(&self, key: &str) -> &'a str {
        self.value[key].as_str().unwrap_or_default()
    }

    /// The value must be an object without other keys than these.
    pub(super) fn object(&self, allowed: &[&str]) -> bool {
        let Some(object) = self.value.as_object() else {
            self.fault("must provide an object");
            return false;
        };
        for key in object.keys().filter(|key| !allowed.contains(&key.as_str())) {
            self.fault(&format!("invalid additional property: {key}"));
        }
        true
    }

    /// The value must be an array whose length is in the range. Returns its items.
    pub(super) fn items(&self, count: RangeInclusive<usize>) -> Vec<Self> {
        let Some(items) = self.value.as_array() else {
            self.fault("must provide an array");
            return Vec::new();
        };
        if items.len() > *count.end() {
            self.fault(&format!("no more than {} items allowed", count.end()));
        }
        if items.len() < *count.start() {
            self.fault(&format!("no fewer than {} items allowed", count.start()));
        }
        let spot =
            |(index, value)| Self { value, pointer: format!("{}/{index}", self.pointer), sheet: self.sheet };
        items.iter().enumerate().map(spot).collect()
    }

    /// The value must be a string whose length, counted by `measure`, is in the range. Returns it.
    pub(super) fn text(
        &self,
        length: RangeInclusive<usize>,
        measure: impl Fn(&str) -> usize,
    ) -> Option<&'a str> {
        let Some(text) = self.value.as_str() else {
            self.fault("must provide a string");
            return None;
        };
        let measured = measure(text);
        if measured > *length.end() {
            self.fault(&format!("must be less than {} characters", length.end() + 1));
        }
        if measured < *length.start() {
            self.fault(&format!("must be more than {} characters", length.start().saturating_sub(1)));
        }
        Some(text)
    }

    /// The key is optional: a string whose length must be in the range.
    pub(super) fn maybe_text(&self, key: &str, length: RangeInclusive<usize>) {
        if let Some(spot) = self.get(key) {
            spot.text(length, |text| text.chars().count());
        }
    }

    /// The key is required: a string whose length must be in the range.
    pub(super) fn need_text(&self, key: &str, length: RangeInclusive<usize>) {
        if let Some(spot) = self.need(key) {
            spot.text(length, |text| text.chars().count());
        }
    }

    /// The keys are optional booleans.
    pub(super) fn flags(&self, keys: &[&str]) {
        for spot in keys.iter().filter_map(|key| self.get(key)) {
            if !spot.value.is_boolean() {
                spot.fault("must provide a boolean");
            }
        }
    }

    /// The key is optional: a string that must be one of these.
    pub(super) fn one_of(&self, key: &str, allowed: &[&str]) {
        if let Some(spot) = self.get(key)
            && !spot.value.as_str().is_some_and(|word| allowed.contains(&word))
        {
            spot.fault(&format!("must be one of: {}", allowed.join(", ")));
        }
    }

    /// The key is optional: an integer that must be in the range.
    pub(super) fn number(&self, key: &str, range: RangeInclusive<u64>) {
        if let Some(spot) = self.get(key)
            && !spot.value.as_u64().is_some_and(|number| range.contains(&number))
        {
            spot.fault(&format!("must be a whole number from {} to {}", range.start(), range.end()));
        }
    }
}
