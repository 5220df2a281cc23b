//! How many transactions may be under way, and how long they wait for each other.

use crate::storage::LockWait;

/// How many transactions are under way at most. More would only wait for each other's flushes to disk.
const BATCHES: usize = 3;
/// How many transactions have to succeed, one after the other, until one more may be under way than after the last one
/// that had to wait for a row too long.
const SUCCESSES: usize = 128;

/// How many transactions may be under way: fewer after one had to wait for a row too long, then gradually more again.
/// Other instances may be writing the same rows, and the fewer transactions, the more requests share one and the fewer
/// wait for each other (additive increase, multiplicative decrease, as TCP: RFC 5681).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// The number of transactions, times [`SUCCESSES`].
    size: usize,
    /// How many transactions have to succeed until it is assumed that no other instance judges requests of the same users.
    shared: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { size: BATCHES * SUCCESSES, shared: 0 }
    }
}

impl Room {
    pub(super) const fn transactions(self) -> usize {
        self.size / SUCCESSES
    }

    /// How long the next transaction waits for a row.
    pub(super) const fn wait(self) -> LockWait {
        if self.shared == 0 { LockWait::Brief } else { LockWait::InTurn }
    }

    pub(super) fn grow(&mut self) {
        self.size = (self.size + 1).min(BATCHES * SUCCESSES);
        self.shared = self.shared.saturating_sub(1);
    }

    pub(super) fn shrink(&mut self) {
        self.size = (self.size / 2).max(SUCCESSES);
    }

    /// Shrinks, because another instance judged requests of the same users.
    pub(super) fn share(&mut self) {
        self.shrink();
        self.shared = SUCCESSES;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_transactions_are_under_way_after_one_waited() {
        let mut room = Room::default();
        let mut after = |waited: &[bool]| {
            for &waited in waited {
                if waited { room.shrink() } else { room.grow() }
            }
            room.transactions()
        };
        assert_eq!(after(&[]), BATCHES);
        assert_eq!(after(&[false]), BATCHES, "never more");
        assert_eq!(after(&[true]), 1);
        assert_eq!(after(&[true; 9]), 1, "never none");
        assert_eq!(after(&[false; SUCCESSES - 1]), 1);
        assert_eq!(after(&[false]), 2);
        assert_eq!(after(&[false; SUCCESSES]), 3);
    }

    #[test]
    fn transactions_wait_for_those_of_other_instances_for_a_while() {
        let mut room = Room::default();
        room.shrink();
        assert_eq!(room.wait(), LockWait::Brief, "an admin may hold an action for long");
        room.share();
        assert_eq!((room.wait(), room.transactions()), (LockWait::InTurn, 1));
        for _ in 0..SUCCESSES {
            room.grow();
        }
        assert_eq!(room.wait(), LockWait::Brief);
    }
}
