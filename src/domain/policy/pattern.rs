//! Which actions a rule speaks of.

use std::fmt;

use crate::domain::{
    action_path::ActionPath,
    text::{ActionKey, IntegrationKey},
};

/// The actions of a rule, as an admin writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionPattern {
    /// `*`: every action.
    All,
    /// `github.*`: every action whose name begins so, up to the dot. It includes those of integrations such as
    /// `github.enterprise`.
    Prefix(String),
    /// `github/*`: every action of this integration.
    Integration(IntegrationKey),
    /// `github.create_issue`: every action that is written so.
    Path(String),
    /// `github/create_issue`: this action of this integration.
    Action(IntegrationKey, ActionKey),
}

impl ActionPattern {
    /// Parses a pattern. An error is the rest of a sentence that begins with the field's name.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::All);
        }
        if let Some(integration) = text.strip_suffix("/*") {
            let key = IntegrationKey::new(integration);
            return key.map(Self::Integration).map_err(|fault| format!("the integration {fault}"));
        }
        if let Some(prefix) = text.strip_suffix(".*") {
            let key =
                IntegrationKey::new(prefix).map_err(|fault| format!("what stands before .* {fault}"))?;
            return Ok(Self::Prefix(format!("{key}.")));
        }
        if text.contains('*') {
            return Err("may have a * only at its end, as in github.*".to_owned());
        }
        let path = ActionPath::parse(text).map_err(|fault| format!("names no action: {fault}"))?;
        if text.contains('/')
            && let Some((integration, action)) = path.readings().first()
        {
            return Ok(Self::Action(integration.clone(), action.clone()));
        }
        Ok(Self::Path(text.to_owned()))
    }

    /// Whether it speaks of this action.
    #[must_use]
    pub fn matches(&self, integration: &IntegrationKey, action: &ActionKey) -> bool {
        match self {
            Self::All => true,
            Self::Prefix(prefix) => path(integration, action).starts_with(prefix),
            Self::Integration(key) => key == integration,
            Self::Path(written) => path(integration, action) == *written,
            Self::Action(key, name) => key == integration && name == action,
        }
    }

    /// How to write the only action that the admin can have meant, if the name could be that of several. Rules that
    /// let something run without asking must not be ambiguous.
    #[must_use]
    pub fn ambiguous(&self) -> Option<String> {
        let Self::Path(written) = self else { return None };
        let path = ActionPath::parse(written).ok()?;
        let [(integration, action), _, ..] = path.readings() else { return None };
        Some(format!("{integration}/{action}"))
    }
}

/// Integration and action as people write them.
#[must_use]
pub(super) fn path(integration: &IntegrationKey, action: &ActionKey) -> String {
    format!("{integration}.{action}")
}

impl fmt::Display for ActionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
            Self::Integration(integration) => write!(f, "{integration}/*"),
            Self::Path(path) => f.write_str(path),
            Self::Action(integration, action) => write!(f, "{integration}/{action}"),
        }
    }
}
