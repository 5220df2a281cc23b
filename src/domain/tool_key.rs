//! Keys for tools that other programs name, such as `Bash`, `mcp__github__create_issue` or `files/read`.
//!
//! A tool may have any name, and a key has a grammar. Most names are keys already, and stay as they are, their case
//! included. In others, each character that a key can't have is written as its code point: `files/read` becomes
//! `files-0x2f_read`. A name that is too long becomes its beginning and a hash. Two names never get the same key,
//! because a grant for one tool would then cover the other.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::text::{ActionKey, IntegrationKey, KEY_MAX, TextFault};

/// Introduces an escaped character; at the beginning of a key, without the hyphen.
const ESCAPE: &str = "-0x";
/// Introduces the hash of a name that is too long. Of the characters after [`ESCAPE`], `h` is not a hexadecimal digit.
const HASHED: &str = "-0xh";
/// The bytes of SHA-256 that a key contains: enough that finding two names with the same ones is out of reach.
const HASH_BYTES: usize = 20;

/// The key of a tool's action. It contains no dot, so it is what follows the last dot of
/// `claude.mcp.github.create_issue`.
#[must_use]
pub fn tool_key(tool: &str) -> ActionKey {
    ActionKey::from_stored(within(tool, KEY_MAX))
}

/// The key of the integration for an MCP server that an agent uses: `claude.mcp.github`. It begins with the agent's own
/// integration, so a server that an agent adds under the name of a shared integration inherits none of its grants. Fails
/// if the agent's key leaves no room.
pub fn server_key(agent: &IntegrationKey, server: &str) -> Result<IntegrationKey, TextFault> {
    let prefix = format!("{agent}.mcp.");
    let room = KEY_MAX.saturating_sub(prefix.len()).max(HASHED.len() + 2 * HASH_BYTES + 1);
    IntegrationKey::new(prefix + &within(server, room))
}

/// The key that a backend's own integrations begin with: `claude` for a backend of that name.
#[must_use]
pub fn backend_key(backend: &str) -> IntegrationKey {
    IntegrationKey::from_stored(within(backend, KEY_MAX))
}

/// A name as one part of a key, in at most `room` characters.
fn within(name: &str, room: usize) -> String {
    let mut escaped = escape(name);
    if escaped.len() > room {
        escaped.truncate(room - HASHED.len() - 2 * HASH_BYTES);
        escaped.push_str(HASHED);
        for byte in &Sha256::digest(name)[..HASH_BYTES] {
            // Writing to a String can't fail.
            let _ = write!(escaped, "{byte:02x}");
        }
    }
    escaped
}

/// Writes each character that a key can't have as its code point, and one character of every text that could be read as
/// such a code point: `-0x` occurs only where it introduces one. So does `0x` at the beginning.
fn escape(name: &str) -> String {
    if name.is_empty() {
        return "0x_".to_owned();
    }
    let mut key = String::with_capacity(name.len());
    for (at, character) in name.char_indices() {
        let fits = match character {
            '0' if at == 0 => !name.starts_with("0x"),
            '-' => at != 0 && !name[at..].starts_with(ESCAPE),
            '_' => at != 0,
            other => other.is_ascii_alphanumeric(),
        };
        if fits {
            key.push(character);
        } else {
            let introduction = if at == 0 { ESCAPE.trim_start_matches('-') } else { ESCAPE };
            let _ = write!(key, "{introduction}{:x}_", u32::from(character));
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_names_stay_as_they_are() {
        for name in
            ["Bash", "WebFetch", "mcp__github__create_issue", "get-sum", "3d_render", "a-0", "0", "x0x1"]
        {
            assert_eq!(tool_key(name).as_str(), name);
        }
    }

    #[test]
    fn other_names_are_escaped() {
        let key = |name: &str| tool_key(name).to_string();
        assert_eq!(key("files/read"), "files-0x2f_read");
        assert_eq!(key("issues.create"), "issues-0x2e_create");
        assert_eq!(key("größe"), "gr-0xf6_-0xdf_e");
        assert_eq!(key("_private"), "0x5f_private");
        assert_eq!(key("a-0x2f_b"), "a-0x2d_0x2f_b");
        assert_eq!(key("0x5f_private"), "0x30_x5f_private");
        assert_eq!(key(""), "0x_");
        let long = key(&"long".repeat(30));
        assert_eq!(
            (long.len(), &long[..60]),
            (KEY_MAX, "longlonglonglonglonglonglonglonglonglonglonglonglonglong-0xh")
        );
    }

    #[test]
    fn a_server_belongs_to_its_agent() {
        let key = |agent: &str, server: &str| server_key(&IntegrationKey::new(agent).unwrap(), server);
        assert_eq!(key("claude", "github").unwrap().as_str(), "claude.mcp.github");
        assert_eq!(key("claude", "my.server").unwrap().as_str(), "claude.mcp.my-0x2e_server");
        assert_eq!(key("claude", &"s".repeat(300)).unwrap().as_str().len(), KEY_MAX);
        assert!(key(&"a".repeat(80), "github").is_ok());
        assert!(key(&"a".repeat(95), "github").is_err());
    }

    /// Undoes [`escape`].
    fn unescape(key: &str) -> Option<String> {
        let (mut rest, mut name) = (key, String::new());
        let mut introduction = "0x";
        while !rest.is_empty() {
            if let Some(escaped) = rest.strip_prefix(introduction) {
                let (code, after) = escaped.split_once('_')?;
                if !code.is_empty() {
                    name.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
                }
                rest = after;
            } else {
                let character = rest.chars().next()?;
                name.push(character);
                rest = &rest[character.len_utf8()..];
            }
            introduction = ESCAPE;
        }
        Some(name)
    }

    fn tool() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "[-0xhe2f_.a]{0,12}", "[-0xhe2f_.a]{0,140}", "[A-Za-z0-9_./-]{0,120}"]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_tool_has_a_key_without_dots(tool in tool()) {
            let key = tool_key(&tool);
            prop_assert_eq!(ActionKey::new(key.as_str()), Ok(key.clone()));
            prop_assert!(IntegrationKey::new(key.as_str()).is_ok() && !key.as_str().contains('.'), "{}", key);
        }

        #[test]
        fn the_key_tells_which_tool_it_is(tool in tool()) {
            let key = tool_key(&tool).to_string();
            if escape(&tool).len() <= KEY_MAX {
                // What has an inverse gives no two names the same key, and none of them looks like a hashed one.
                prop_assert_eq!(unescape(&key), Some(tool));
                prop_assert!(!key.contains(HASHED));
            } else {
                prop_assert!(key[key.len() - 2 * HASH_BYTES - HASHED.len()..].starts_with(HASHED));
            }
        }

        #[test]
        fn two_tools_never_share_a_key(one in tool(), other in tool()) {
            prop_assert_eq!(tool_key(&one) == tool_key(&other), one == other);
        }
    }
}
