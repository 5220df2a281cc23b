//! Where a request is left whose response comes later.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{connections::Serving, later::Later};

/// A request whose response comes later.
pub(super) struct Parked {
    pub(super) later: Later,
    pub(super) serving: Option<Serving>,
    /// The parts of the request's head that the response's form depends on.
    pub(super) head: Vec<u8>,
}

/// One connection's place for such a request. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Parking(Arc<Mutex<Option<Parked>>>);

impl Parking {
    fn place(&self) -> MutexGuard<'_, Option<Parked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a request. Its hyper connection must send nothing more.
    pub(super) fn park(&self, parked: Parked) {
        *self.place() = Some(parked);
    }

    pub(super) fn take(&self) -> Option<Parked> {
        self.place().take()
    }
}
