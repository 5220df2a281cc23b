//! Progress of one call: first the gateway tells that it waits for a person, then the server tells how far it is.
//! Progress must increase with every notification, so the server's is moved behind the gateway's.

use serde_json::{Map, Number, Value, json};

/// The progress of a call whose client wants to be told.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    token: Value,
    waits: u32,
    last: f64,
}

impl Progress {
    /// Progress under the token of a request's `_meta`, if it has one.
    pub(super) fn new(meta: Option<&Value>) -> Option<Self> {
        let token = meta?.get("progressToken")?;
        matches!(token, Value::String(_) | Value::Number(_)).then(|| Self {
            token: token.clone(),
            waits: 0,
            last: 0.0,
        })
    }

    pub(super) const fn token(&self) -> &Value {
        &self.token
    }

    /// The params of the next notification while a person is asked.
    pub(super) fn waiting(&mut self, message: &str) -> Value {
        self.waits += 1;
        self.last = f64::from(self.waits);
        json!({ "progressToken": self.token, "progress": self.waits, "message": message })
    }

    /// The params of the server's notification, moved behind the gateway's own. `Ok(None)`: they may stay as they are.
    /// `Err(())`: they would not increase, so the client must not see them.
    pub(super) fn moved(&mut self, params: &Map<String, Value>) -> Result<Option<Map<String, Value>>, ()> {
        let by = if self.waits == 0 { 0.0 } else { f64::from(self.waits) + 1.0 };
        let progress = params.get("progress").and_then(Value::as_f64).ok_or(())? + by;
        if self.waits == 0 {
            return Ok(None);
        }
        if progress <= self.last {
            return Err(());
        }
        self.last = progress;
        let mut moved = params.clone();
        for name in ["progress", "total"] {
            let number =
                params.get(name).and_then(Value::as_f64).and_then(|number| Number::from_f64(number + by));
            if let Some(number) = number {
                moved.insert(name.to_owned(), Value::Number(number));
            }
        }
        Ok(Some(moved))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> Progress {
        Progress::new(Some(&json!({ "progressToken": 7 }))).unwrap()
    }

    fn params(progress: &Value) -> Map<String, Value> {
        json!({ "progressToken": 7, "progress": progress, "total": 2 }).as_object().cloned().unwrap()
    }

    #[test]
    fn progress_increases_across_the_wait() {
        let mut progress = progress();
        let mut seen: Vec<f64> =
            (0..3).map(|_| progress.waiting("waiting")["progress"].as_f64().unwrap()).collect();
        for value in [json!(0), json!(0.5), json!(0.5), json!(0.25), json!(2)] {
            let Ok(moved) = progress.moved(&params(&value)) else { continue };
            let moved = moved.unwrap();
            assert!(moved["progress"].as_f64() <= moved["total"].as_f64());
            seen.push(moved["progress"].as_f64().unwrap());
        }
        assert_eq!(seen, [1.0, 2.0, 3.0, 4.0, 4.5, 6.0]);
    }

    #[test]
    fn progress_of_a_call_that_did_not_wait_stays_as_it_is() {
        assert_eq!(progress().moved(&params(&json!(0))), Ok(None));
    }

    #[test]
    fn no_token_means_no_progress() {
        assert!(Progress::new(None).is_none());
        assert!(Progress::new(Some(&json!({ "progressToken": null }))).is_none());
    }
}
