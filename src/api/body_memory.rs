//! How many request bodies may be in memory.

use crate::bodies::Bodies;

/// The bodies in memory. Those of keys that were found to be valid before are counted separately, so that invented
/// keys take no room from the backends. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ApiBodies {
    pub(super) known: Bodies,
    pub(super) strangers: Bodies,
}

impl Default for ApiBodies {
    fn default() -> Self {
        Self { known: Bodies::new(512, 64 * 1024 * 1024), strangers: Bodies::new(64, 8 * 1024 * 1024) }
    }
}
