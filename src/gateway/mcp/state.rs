//! What a client carries from one try of a call to the next, in protocol revisions that have `requestState`
//! (<https://modelcontextprotocol.io/specification/2026-07-28>): the approval that the call waits for.
//!
//! A client could send anything, so the state is authenticated. What it stands for is kept here, and taken once.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio_util::sync::CancellationToken;

use crate::{
    domain::{arguments::Arguments, ids::ApprovalId},
    gateway::approval::Approval,
};

/// What states of the gateway begin with.
const PREFIX: &str = "countersign.";
/// The most calls whose server waits for input of the client.
const MOST_CONTINUED: usize = 1000;

/// A call that waits for its client to try again.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) approval: Approval,
    /// How often the client was told to try again.
    pub(super) round: u32,
    /// Cancelled when the client is back.
    pub(super) back: CancellationToken,
}

/// A call that runs, and whose server waits for input of the client.
#[derive(Debug, Clone)]
pub(super) struct Continued {
    pub(super) approval: Option<ApprovalId>,
    pub(super) tool: String,
    /// As the client gave them.
    pub(super) asked: Arguments,
    /// As they were approved.
    pub(super) permitted: Arguments,
}

/// The states of one client.
#[derive(Debug)]
pub(super) struct States {
    key: [u8; 32],
    parked: Mutex<HashMap<ApprovalId, Parked>>,
    continued: Mutex<HashMap<String, Continued>>,
}

/// What a state stands for.
#[derive(Debug)]
pub(super) enum Found {
    Parked(Parked),
    Continued(Continued),
    /// It is the server's own, or there is none.
    Nothing,
    /// It is the gateway's, and nothing waits under it.
    Over,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl States {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { key, parked: Mutex::default(), continued: Mutex::default() }
    }

    fn mac(&self, text: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(text.as_bytes());
        Some(mac)
    }

    fn seal(&self, id: ApprovalId, round: u32) -> Option<String> {
        let text = format!("{id}.{round}");
        let mac = self.mac(&text)?.finalize().into_bytes();
        Some(format!("{PREFIX}{text}.{}", URL_SAFE_NO_PAD.encode(mac)))
    }

    fn open(&self, state: &str) -> Option<(ApprovalId, u32)> {
        let (text, mac) = state.strip_prefix(PREFIX)?.rsplit_once('.')?;
        self.mac(text)?.verify_slice(&URL_SAFE_NO_PAD.decode(mac).ok()?).ok()?;
        let (id, round) = text.split_once('.')?;
        Some((id.parse().ok()?, round.parse().ok()?))
    }

    /// Lets a call wait for its client, and gives the state to come back with.
    pub(super) fn park(&self, parked: Parked) -> Option<String> {
        let id = parked.approval.id;
        let state = self.seal(id, parked.round)?;
        lock(&self.parked).insert(id, parked);
        Some(state)
    }

    /// Takes a call whose client did not come back.
    pub(super) fn give_up(&self, id: ApprovalId) -> bool {
        lock(&self.parked).remove(&id).is_some()
    }

    /// Takes all calls that wait for their client.
    pub(super) fn give_up_all(&self) -> Vec<ApprovalId> {
        lock(&self.parked).drain().map(|(id, parked)| (id, parked.back.cancel()).0).collect()
    }

    /// Notes that the server waits for the client, which will come back with the server's state.
    pub(super) fn continue_later(&self, state: String, call: Continued) {
        let mut continued = lock(&self.continued);
        if continued.len() >= MOST_CONTINUED {
            continued.clear();
        }
        continued.insert(state, call);
    }

    /// Takes what a state stands for.
    pub(super) fn take(&self, state: Option<&str>, tool: &str, asked: &Arguments) -> Found {
        let Some(state) = state else { return Found::Nothing };
        if !state.starts_with(PREFIX) {
            let mut continued = lock(&self.continued);
            let fits = |call: &Continued| call.tool == tool && call.asked.digest() == asked.digest();
            let is_its = continued.get(state).is_some_and(fits);
            let found = if is_its { continued.remove(state) } else { None };
            return found.map_or(Found::Nothing, Found::Continued);
        }
        let Some((id, round)) = self.open(state) else { return Found::Over };
        let mut parked = lock(&self.parked);
        match parked.get(&id) {
            Some(found) if found.round == round => parked.remove(&id).map_or(Found::Over, |parked| {
                parked.back.cancel();
                Found::Parked(parked)
            }),
            _ => Found::Over,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_state_is_read_only_if_it_is_ours_and_unchanged() {
        let states = States::new([1; 32]);
        let id = ApprovalId::new(Uuid::from_u128(7));
        let state = states.seal(id, 3).unwrap();
        assert_eq!(states.open(&state), Some((id, 3)));
        assert_eq!(States::new([2; 32]).open(&state), None);
        assert_eq!(states.open(&state.replace(".3.", ".4.")), None);
        for end in 0..state.len() {
            assert_eq!(states.open(&state[..end]), None);
        }
    }

    #[test]
    fn a_call_that_runs_goes_on_once_and_only_as_the_same_call() {
        let states = States::new([1; 32]);
        let arguments: Arguments = serde_json::from_str(r#"{"a":1}"#).unwrap();
        let other: Arguments = serde_json::from_str(r#"{"a":2}"#).unwrap();
        let call = Continued {
            approval: None,
            tool: "t".to_owned(),
            asked: arguments.clone(),
            permitted: other.clone(),
        };
        states.continue_later("s".to_owned(), call);
        assert!(matches!(states.take(Some("s"), "u", &arguments), Found::Nothing));
        assert!(matches!(states.take(Some("s"), "t", &other), Found::Nothing));
        assert!(matches!(states.take(Some("s"), "t", &arguments), Found::Continued(_)));
        assert!(matches!(states.take(Some("s"), "t", &arguments), Found::Nothing));
        assert!(matches!(states.take(Some("countersign.x.1.y"), "t", &arguments), Found::Over));
    }
}
