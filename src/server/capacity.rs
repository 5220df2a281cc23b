//! The capacity for connections, from the number of files that the process may have open.

use std::io;

/// Files other than client and database connections: logs, timers, connections to Slack, and 256 to webhook endpoints.
const OWN_FILES: u64 = 384;
/// The most connections, however many files are allowed: each one also takes memory.
const MOST: u64 = 65_536;

/// How many connections clients may have, and what they may use them for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// All connections.
    pub connections: usize,
    /// Concurrent requests to paths other than Slack's. The rest stays free for Slack.
    pub others: usize,
    /// Those of them that may wait for a decision, or stream.
    pub waiters: usize,
}

impl Capacity {
    /// The shares for this file limit, of which the database takes some.
    #[must_use]
    pub fn for_limit(files: u64, database_connections: u32) -> Self {
        let own = OWN_FILES + u64::from(database_connections);
        // If there are hardly enough files for the process itself, a quarter of them still goes to clients.
        let connections = files.saturating_sub(own).max(files / 4).clamp(8, MOST);
        let connections = usize::try_from(connections).unwrap_or(usize::MAX);
        Self { connections, others: connections / 8 * 7, waiters: connections / 4 * 3 }
    }

    /// The shares of this process.
    #[must_use]
    pub fn for_this_process(database_connections: u32) -> Self {
        let files = rlimit::getrlimit(rlimit::Resource::NOFILE).map_or(1024, |(soft, _)| soft);
        Self::for_limit(files, database_connections)
    }
}

/// Raises the soft limit of open files to the hard limit, and returns the limit that applies now. Many systems set the
/// soft limit to 1,024, for programs that use `select(2)`.
pub fn raise_file_limit() -> io::Result<u64> {
    rlimit::increase_nofile_limit(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_left_for_slack_and_for_the_process_itself() {
        let shares = |files| {
            let Capacity { connections, others, waiters } = Capacity::for_limit(files, 20);
            (connections, others, waiters)
        };
        assert_eq!(shares(1024), (620, 539, 465));
        assert_eq!(shares(128), (32, 28, 24));
        assert_eq!(shares(0), (8, 7, 6));
        assert_eq!(shares(u64::MAX), (65_536, 57_344, 49_152));
    }
}
