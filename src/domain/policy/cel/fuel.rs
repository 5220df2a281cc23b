//! The steps that conditions may take.

use super::fault::{ConditionFault, STEPS};

/// The steps that are left for the conditions of one request.
#[derive(Debug, Clone)]
pub(in crate::domain::policy) struct Fuel(u32);

impl Default for Fuel {
    fn default() -> Self {
        Self(STEPS)
    }
}

impl Fuel {
    /// Takes steps. `None`: there are not enough, and none are left.
    pub(super) fn burn(&mut self, steps: usize) -> Option<()> {
        let left = u32::try_from(steps).ok().and_then(|steps| self.0.checked_sub(steps));
        self.0 = left.unwrap_or(0);
        left.map(|_| ())
    }

    /// Takes the steps for going through a text once.
    pub(super) fn burn_text(&mut self, bytes: usize) -> Option<()> {
        self.burn(bytes / 64)
    }

    #[cfg(test)]
    pub(super) const fn left(&self) -> u32 {
        self.0
    }
}

pub(super) const OUT: ConditionFault = ConditionFault::TooManySteps;
