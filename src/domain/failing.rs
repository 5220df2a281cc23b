//! Webhooks that do not get through, as an admin sees them.

use chrono::{DateTime, Utc};

use crate::domain::ids::{BackendId, DeliveryId};

/// A webhook that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingLine {
    /// The delivery.
    pub id: DeliveryId,
    /// The webhook's event type.
    pub event: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: i32,
    /// The last attempt's error.
    pub last_error: Option<String>,
    /// When it is tried again. `None`: it was given up, or waits until the endpoint is resumed.
    pub next_at: Option<DateTime<Utc>>,
    /// Whether it was given up.
    pub is_dead: bool,
}

/// A backend's webhooks that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingWebhooks {
    /// The backend.
    pub backend: BackendId,
    /// The backend's name.
    pub name: String,
    /// Since when every delivery has failed.
    pub failing_since: Option<DateTime<Utc>>,
    /// When deliveries were stopped.
    pub stopped_at: Option<DateTime<Utc>>,
    /// How many deliveries wait, up to [`COUNTED`].
    pub waiting: usize,
    /// Some of those that failed.
    pub lines: Vec<FailingLine>,
}

/// The most waiting deliveries that are counted.
pub const COUNTED: usize = 1000;

/// A delivery as read under its row lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockedDelivery {
    /// Whether the endpoint accepted it.
    pub is_done: bool,
    /// Whether it was given up.
    pub is_dead: bool,
    /// How often it was tried.
    pub attempts: i32,
    /// How often it had been tried when it was last sent again manually.
    pub attempts_before: i32,
}

impl LockedDelivery {
    /// Whether an admin's click sends it again: it was given up, or has failed since it was last sent again manually. A second
    /// click finds neither, so that it sends nothing twice.
    #[must_use]
    pub const fn may_be_sent_again(self) -> bool {
        !self.is_done && (self.is_dead || self.attempts > self.attempts_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_click_sends_nothing() {
        let failed = LockedDelivery { is_done: false, is_dead: false, attempts: 3, attempts_before: 0 };
        assert!(failed.may_be_sent_again());
        let again = LockedDelivery { attempts_before: 3, ..failed };
        assert!(!again.may_be_sent_again());
        assert!(LockedDelivery { attempts: 4, ..again }.may_be_sent_again());
        assert!(LockedDelivery { is_dead: true, ..again }.may_be_sent_again());
        assert!(!LockedDelivery { is_done: true, ..failed }.may_be_sent_again());
        assert!(!LockedDelivery { attempts: 0, ..failed }.may_be_sent_again());
    }
}
