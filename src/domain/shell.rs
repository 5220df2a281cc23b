//! Actions that run whatever command they are given.

/// What agents and MCP servers call such a tool, in lower case, without `_` and `-`.
const NAMES: [&str; 15] = [
    "bash",
    "exec",
    "execcommand",
    "execute",
    "executecommand",
    "localshell",
    "monitor",
    "powershell",
    "runcommand",
    "runinterminal",
    "runshellcommand",
    "runterminalcommand",
    "shell",
    "shellcommand",
    "terminal",
];

/// What an admin reads before they unlock such an action.
pub const WARNING: &str = "This lets agents run any command.";

/// Whether an action runs any command, as its name says: `claude.Bash`. `path`: integration and action.
#[must_use]
pub fn is_shell(path: &str) -> bool {
    let name =
        path.rsplit(['.', '/']).next().unwrap_or_default().to_ascii_lowercase().replace(['_', '-'], "");
    NAMES.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells_are_known_by_their_names() {
        for path in
            ["claude.Bash", "codex.local_shell", "claude.mcp.desktop.execute-command", "vscode/runInTerminal"]
        {
            assert!(is_shell(path), "{path}");
        }
        for path in ["github.create_issue", "bash.docs", "claude.BashOutput", ""] {
            assert!(!is_shell(path), "{path}");
        }
    }
}
