//! Simulated failures of the local Slack, configured per method.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// What happens to a call instead of its usual answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misbehaviour {
    /// HTTP 429 with `Retry-After`; nothing is carried out.
    RateLimited {
        /// In seconds.
        retry_after: u64,
    },
    /// This HTTP status with a plain text body; nothing is carried out.
    ServerError(u16),
    /// No answer for this long, then the connection is closed; nothing is carried out.
    Hang(Duration),
    /// Status 200 with an HTML page, as Slack's edge sends at times; nothing is carried out.
    HtmlPage,
    /// The connection is closed; nothing is carried out.
    DropBeforeEffect,
    /// The call is carried out, then the connection is closed without an answer.
    DropAfterEffect,
    /// `ok: false` with this error; nothing is carried out.
    SlackError(String),
    /// The call is carried out and answered, without the header that names the token's scopes.
    WithoutScopes,
    /// The call arrives this much later, and is then carried out and answered as always.
    Delay(Duration),
    /// The call is carried out immediately, and its answer comes this much later.
    SlowAnswer(Duration),
}

/// The failures still to simulate, by method.
#[derive(Debug, Default)]
pub(crate) struct Misbehaviours(BTreeMap<String, VecDeque<(Misbehaviour, u32)>>);

impl Misbehaviours {
    /// The next `times` calls of the method fail in this way, after the failures that are already queued.
    pub(crate) fn add(&mut self, method: &str, misbehaviour: Misbehaviour, times: u32) {
        if times > 0 {
            self.0.entry(method.to_owned()).or_default().push_back((misbehaviour, times));
        }
    }

    /// The method works normally from now on.
    pub(crate) fn clear(&mut self, method: &str) {
        self.0.remove(method);
    }

    /// The failure to simulate for this call.
    pub(crate) fn take(&mut self, method: &str) -> Option<Misbehaviour> {
        let queue = self.0.get_mut(method)?;
        let (misbehaviour, left) = queue.front_mut()?;
        let taken = misbehaviour.clone();
        *left -= 1;
        if *left == 0 {
            queue.pop_front();
        }
        Some(taken)
    }
}
