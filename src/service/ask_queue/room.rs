//! How many transactions may be under way.

/// How many transactions are under way at most. More would only wait for each other's flushes to disk.
const BATCHES: usize = 3;
/// How many transactions have to succeed, one after the other, until one more may be under way than after the last one
/// that had to wait for a row too long.
const SUCCESSES: usize = 128;

/// How many transactions may be under way: fewer after one had to wait for a row too long, then gradually more again.
/// Other instances may be writing the same rows, and the fewer transactions, the more requests share one and the fewer
/// wait for each other (additive increase, multiplicative decrease, as TCP: RFC 5681).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(BATCHES * SUCCESSES)
    }
}

impl Room {
    pub(super) const fn transactions(self) -> usize {
        self.0 / SUCCESSES
    }

    pub(super) fn grow(&mut self) {
        self.0 = (self.0 + 1).min(BATCHES * SUCCESSES);
    }

    pub(super) fn shrink(&mut self) {
        self.0 = (self.0 / 2).max(SUCCESSES);
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
}
