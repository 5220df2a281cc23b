//! Which page of the settings modal is shown.

use std::fmt;

use crate::domain::ids::IntegrationId;

/// A page of the settings modal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Screen {
    /// The integration whose actions are shown; `None` shows all integrations.
    pub integration: Option<IntegrationId>,
    /// The page, counted from 0.
    pub page: usize,
}

impl Screen {
    /// Parses what [`Screen`]'s `Display` wrote: a button's value or a modal's `private_metadata`. Anything else is the
    /// first page; a screen only says what to show, never what the user may do.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let (page, integration) = text.split_once(':').unwrap_or(("", ""));
        Self { integration: integration.parse().ok(), page: page.parse().unwrap_or(0) }
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.page)?;
        self.integration.map_or(Ok(()), |integration| integration.fmt(f))
    }
}
