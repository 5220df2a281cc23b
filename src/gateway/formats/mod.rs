//! The hooks of coding agents: what they are handed, and what they answer. Pure; the command line and the API share it.
//!
//! Claude Code, Codex and VS Code have the same JSON with small differences, Hermes a smaller one.

pub mod answer;
pub mod call;
pub mod catalog;
pub mod verdict;

use std::{fmt, str::FromStr};

/// Whose hook it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Claude Code and the Claude Agent SDK (<https://code.claude.com/docs/en/hooks>).
    Claude,
    /// Codex (<https://developers.openai.com/codex/hooks>).
    Codex,
    /// VS Code's local agent (<https://code.visualstudio.com/docs/agents/reference/hooks-reference>).
    VsCode,
    /// Hermes (<https://hermes-agent.nousresearch.com/docs/user-guide/features/hooks>).
    Hermes,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Claude, Self::Codex, Self::VsCode, Self::Hermes];

    /// Its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::VsCode => "vscode",
            Self::Hermes => "hermes",
        }
    }

    /// The agent's name, as people know it.
    #[must_use]
    pub const fn agent_name(self) -> &'static str {
        match self {
            Self::Claude => "Claude Code",
            Self::Codex => "Codex",
            Self::VsCode => "VS Code",
            Self::Hermes => "Hermes",
        }
    }

    /// After how many seconds the agent gives up on a hook whose settings say nothing else.
    #[must_use]
    pub const fn default_limit(self) -> u32 {
        match self {
            Self::Claude | Self::Codex => 600,
            Self::VsCode => 30,
            Self::Hermes => 60,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|format| format.as_str() == text);
        found.ok_or_else(|| "it should be claude, codex, vscode or hermes".to_owned())
    }
}

/// When the agent runs the hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Before a tool runs.
    PreToolUse,
    /// When the agent would ask its user for permission.
    PermissionRequest,
}
