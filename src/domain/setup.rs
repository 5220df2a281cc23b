//! What is left to do until a workspace is set up.

/// What is set up. Each stays so while the workspace is in use, whatever fails later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is another step")]
pub struct Setup {
    /// Whether there is a backend.
    pub backend: bool,
    /// Whether a backend described an integration.
    pub described: bool,
    /// Whether an action is unlocked.
    pub unlocked: bool,
    /// Whether decisions reach a backend: it accepted a webhook, or long-polls.
    pub reached: bool,
}

impl Setup {
    /// Nothing is left to do.
    pub const DONE: Self = Self { backend: true, described: true, unlocked: true, reached: true };

    /// Whether nothing is left to do.
    #[must_use]
    pub fn is_done(self) -> bool {
        self == Self::DONE
    }
}
