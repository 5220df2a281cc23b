//! Text from backends and Slack, with limits on its length. Its content is still untrusted: the Slack views sanitize
//! it.

use std::fmt;

/// Why a text was rejected. The message goes into an error's `detail`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// The text is empty.
    #[error("must not be empty")]
    Empty,
    /// The text is too long.
    #[error("must be at most {max} characters long; got {found}")]
    TooLong {
        /// The maximum number of characters.
        max: usize,
        /// The text's number of characters.
        found: usize,
    },
    /// Postgres can't store U+0000 in text, and no name needs it.
    #[error("must not contain the character U+0000")]
    Nul,
    /// The text is not a valid action key.
    #[error("must contain only letters, digits, `_`, `-`, `.`, and start with a letter or digit")]
    NotAnActionKey,
    /// The text is not a valid integration key.
    #[error(
        "must contain only letters, digits, `_` and `-`, in parts separated by `.` that start with a letter or digit"
    )]
    NotAnIntegrationKey,
    /// The text is not a URL that a person can open.
    #[error("must be an absolute http or https URL")]
    NotAUrl,
    /// The URL's user name makes it look like one of another site: `https://github.com@example.com/`.
    #[error("must not contain a user name or password")]
    Credentials,
    /// The text is not a JSON pointer.
    #[error("must be a JSON pointer into the arguments, such as /to or /message/subject")]
    NotAPointer,
    /// The text is not a Slack channel id.
    #[error("must be a Slack channel id (C…), not a name")]
    NotAChannel,
    /// The text is not a Slack message timestamp.
    #[error("must be a message's `ts`, such as 1700000000.000100")]
    NotATimestamp,
}

/// A text of 1 to `MAX` characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Checks that the text is not empty, has at most `MAX` characters and contains no U+0000.
    pub fn new(text: impl Into<String>) -> Result<Self, TextFault> {
        let text = text.into();
        let found = text.chars().count();
        if text.trim().is_empty() {
            Err(TextFault::Empty)
        } else if found > MAX {
            Err(TextFault::TooLong { max: MAX, found })
        } else if text.contains('\0') {
            Err(TextFault::Nul)
        } else {
            Ok(Self(text))
        }
    }

    /// Wraps a text that was read from the database, without checking it again.
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The display name of an agent, an integration, an action or a conversation.
pub type Name = Text<200>;
/// An id that a backend chose: for an agent, for a conversation, or as an idempotency key.
pub type ForeignId = Text<255>;
/// A reason, or a description.
pub type Prose = Text<3000>;

/// An integration's key: parts of letters, digits, `_` and `-`, separated by dots. `claude.mcp.github` is what the agent
/// `claude` uses by the name `github`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct IntegrationKey(String);

/// An action's key within its integration; it may contain dots, as tool names do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct ActionKey(String);

/// The most characters of a key.
pub(super) const KEY_MAX: usize = 100;

fn key(text: String, fault: TextFault, fits: fn(&str) -> bool) -> Result<String, TextFault> {
    let found = text.chars().count();
    if text.is_empty() {
        Err(TextFault::Empty)
    } else if found > KEY_MAX {
        Err(TextFault::TooLong { max: KEY_MAX, found })
    } else if fits(&text) {
        Ok(text)
    } else {
        Err(fault)
    }
}

/// Letters, digits and a few signs, of which none comes first.
fn is_part(text: &str, signs: &[u8]) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || signs.contains(&byte))
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
}

macro_rules! key_type {
    ($name:ident, $fault:ident, $fits:expr) => {
        impl $name {
            /// Checks that the key has at most 100 characters, and only allowed ones.
            pub fn new(text: impl Into<String>) -> Result<Self, TextFault> {
                key(text.into(), TextFault::$fault, $fits).map(Self)
            }

            /// Wraps a key that was read from the database, without checking it again.
            #[must_use]
            pub const fn from_stored(text: String) -> Self {
                Self(text)
            }

            /// The key.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
key_type!(IntegrationKey, NotAnIntegrationKey, |text| text.split('.').all(|part| is_part(part, b"_-")));
key_type!(ActionKey, NotAnActionKey, |text| is_part(text, b"_-."));

/// A URL that the service may show to people: absolute, http or https, at most 2,000 characters.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Link(String);

impl Link {
    /// Checks that the URL is absolute, and http or https. Slack opens it in a browser, so no other scheme is allowed.
    pub fn new(text: impl Into<String>) -> Result<Self, TextFault> {
        let text: String = text.into();
        let found = text.chars().count();
        if found > 2000 {
            return Err(TextFault::TooLong { max: 2000, found });
        }
        match url::Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Self(url.into())),
            _ => Err(TextFault::NotAUrl),
        }
    }

    /// Checks that the URL has no user name and no password, which could pass for the site's name.
    pub fn without_credentials(self) -> Result<Self, TextFault> {
        match url::Url::parse(&self.0) {
            Ok(url) if url.username().is_empty() && url.password().is_none() => Ok(self),
            Ok(_) => Err(TextFault::Credentials),
            Err(_) => Err(TextFault::NotAUrl),
        }
    }

    /// Wraps a URL that was read from the database, without checking it again.
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Scheme, host and port. The rest of a URL may contain secrets.
    #[must_use]
    pub fn origin(&self) -> String {
        url::Url::parse(&self.0).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_says_no_secret() {
        let link =
            Link::new("https://user:secret@hooks.example.com:8443/secret?token=secret#secret").unwrap();
        assert_eq!(link.origin(), "https://hooks.example.com:8443");
    }

    #[test]
    fn a_text_is_counted_in_characters() {
        assert!(Text::<3>::new("äöü").is_ok());
        assert_eq!(Text::<3>::new("abcd"), Err(TextFault::TooLong { max: 3, found: 4 }));
        assert_eq!(Text::<3>::new("  "), Err(TextFault::Empty));
        assert_eq!(Text::<3>::new("a\0"), Err(TextFault::Nul));
    }

    #[test]
    fn a_key_starts_with_a_letter_or_digit() {
        for text in ["issues.create", "Bash", "a..b", "a.", "a._b"] {
            assert!(ActionKey::new(text).is_ok(), "{text}");
        }
        for text in ["salesforce", "claude.mcp.github", "Claude-Code.3"] {
            assert!(IntegrationKey::new(text).is_ok(), "{text}");
        }
        for text in ["_x", ".x", "-", "a/b", "ä"] {
            assert_eq!(ActionKey::new(text), Err(TextFault::NotAnActionKey), "{text}");
        }
        for text in ["_x", ".x", "a..b", "a.", "a._b", "a/b"] {
            assert_eq!(IntegrationKey::new(text), Err(TextFault::NotAnIntegrationKey), "{text}");
        }
    }

    #[test]
    fn a_user_name_can_not_pass_for_a_site() {
        assert!(Link::new("https://github.com/a@b").unwrap().without_credentials().is_ok());
        for text in ["https://github.com@example.com/", "https://:secret@example.com/"] {
            let refused = Link::new(text).unwrap().without_credentials();
            assert_eq!(refused, Err(TextFault::Credentials), "{text}");
        }
    }

    #[test]
    fn only_web_addresses_are_links() {
        assert!(Link::new("https://example.com/c/42").is_ok());
        for text in ["javascript:alert(1)", "/c/42", "slack://open", "https://", "http:"] {
            assert!(Link::new(text).is_err(), "{text}");
        }
    }
}
