//! The name of an action as people type it: `salesforce.create_record`.

use crate::domain::text::{ActionKey, IntegrationKey, TextFault};

/// Why a text names no action. The message continues a sentence that names the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionPathFault {
    /// Nothing separates an integration from an action.
    #[error("it should look like salesforce.create_record")]
    NoSeparator,
    /// The part before the separator is not a valid integration key.
    #[error("the integration {0}")]
    Integration(TextFault),
    /// The part after the separator is not a valid action key.
    #[error("the action {0}")]
    Action(TextFault),
}

/// The actions that a typed name can mean.
///
/// Both keys may contain dots, so `claude.mcp.delete` can mean the action `delete` of the integration `claude.mcp`, and
/// the action `mcp.delete` of the integration `claude`. Usually, only one of them exists. If both do, a slash
/// tells them apart: `claude.mcp/delete`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionPath(Vec<(IntegrationKey, ActionKey)>);

impl ActionPath {
    /// Parses a name. Neither key contains a slash, so a name with a slash has one meaning.
    pub fn parse(text: &str) -> Result<Self, ActionPathFault> {
        if let Some(split) = text.split_once('/') {
            return Ok(Self(vec![read(split)?]));
        }
        let splits = text.rmatch_indices('.').map(|(at, dot)| (&text[..at], &text[at + dot.len()..]));
        let read: Vec<Result<_, _>> = splits.map(read).collect();
        let first_fault = read.iter().find_map(|reading| reading.as_ref().err().cloned());
        let readings: Vec<_> = read.into_iter().flatten().collect();
        if readings.is_empty() {
            Err(first_fault.unwrap_or(ActionPathFault::NoSeparator))
        } else {
            Ok(Self(readings))
        }
    }

    /// What it can mean: at least one action. The first is the one that the last dot separates.
    #[must_use]
    pub fn readings(&self) -> &[(IntegrationKey, ActionKey)] {
        &self.0
    }
}

fn read((integration, action): (&str, &str)) -> Result<(IntegrationKey, ActionKey), ActionPathFault> {
    let integration = IntegrationKey::new(integration).map_err(ActionPathFault::Integration)?;
    let action = ActionKey::new(action).map_err(ActionPathFault::Action)?;
    Ok((integration, action))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn readings(text: &str) -> Vec<String> {
        let path = ActionPath::parse(text).unwrap();
        path.readings().iter().map(|(integration, action)| format!("{integration} {action}")).collect()
    }

    #[test]
    fn the_last_dot_comes_first() {
        assert_eq!(readings("salesforce.create_record"), ["salesforce create_record"]);
        assert_eq!(readings("claude.Bash"), ["claude Bash"]);
        assert_eq!(
            readings("claude.mcp.github.create_issue"),
            [
                "claude.mcp.github create_issue",
                "claude.mcp github.create_issue",
                "claude mcp.github.create_issue"
            ]
        );
        assert_eq!(readings("claude.mcp/github.create_issue"), ["claude.mcp github.create_issue"]);
    }

    #[test]
    fn a_name_without_two_keys_is_refused() {
        let fault = |text| ActionPath::parse(text).unwrap_err().to_string();
        assert_eq!(fault("salesforce"), "it should look like salesforce.create_record");
        assert_eq!(fault("salesforce."), "the action must not be empty");
        assert_eq!(fault(".create"), "the integration must not be empty");
        insta::assert_snapshot!(fault("git hub.create"), @"the integration must contain only letters, digits, `_` and `-`, in parts separated by `.` that start with a letter or digit");
        insta::assert_snapshot!(fault("github/create/issue"), @"the action must contain only letters, digits, `_`, `-`, `.`, and start with a letter or digit");
    }

    proptest! {
        #[test]
        fn a_written_action_is_always_read_back(
            integration in "[A-Za-z0-9][A-Za-z0-9_-]{0,5}(\\.[A-Za-z0-9][A-Za-z0-9_-]{0,5}){0,3}",
            action in "[A-Za-z0-9][A-Za-z0-9_.-]{0,10}",
        ) {
            let keys = (IntegrationKey::new(integration.as_str()).unwrap(), ActionKey::new(action.as_str()).unwrap());
            let dotted = ActionPath::parse(&format!("{integration}.{action}")).unwrap();
            prop_assert!(dotted.readings().contains(&keys));
            if !action.contains('.') {
                prop_assert_eq!(&dotted.readings()[0], &keys);
            }
            let slashed = ActionPath::parse(&format!("{integration}/{action}")).unwrap();
            prop_assert_eq!(slashed.readings(), &[keys]);
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            if let Ok(path) = ActionPath::parse(&text) {
                for (integration, action) in path.readings() {
                    let written = [format!("{integration}.{action}"), format!("{integration}/{action}")];
                    prop_assert!(written.contains(&text));
                }
            }
        }
    }
}
