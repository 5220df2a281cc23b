//! Limits the request bodies in memory.

use crate::bodies::Bodies;

/// The bodies in memory. Those with keys that are known to be valid are counted separately, so that forged keys can't
/// take memory from the backends. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ApiBodies {
    pub(super) known: Bodies,
    pub(super) unknown: Bodies,
}

impl Default for ApiBodies {
    fn default() -> Self {
        Self { known: Bodies::new(512, 64 * 1024 * 1024), unknown: Bodies::new(64, 8 * 1024 * 1024) }
    }
}
