//! How many connections there is room for, by the number of files that the process may have open.

use std::io;

/// Files beside client and database connections: logs, timers, and the connections to Slack and to webhook endpoints.
const OWN_FILES: u64 = 128;
/// More connections than this are never accepted: each takes memory, too.
const MOST: u64 = 65_536;

/// Shares of the connections that clients may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// All connections.
    pub connections: usize,
    /// Requests that may be in hand at once and are not for Slack's addresses. The rest stays free for Slack.
    pub others: usize,
    /// Requests of these that may wait for a decision, or stream.
    pub waiters: usize,
}

impl Capacity {
    /// The shares where so many files may be open, of which the database takes some.
    #[must_use]
    pub fn of(files: u64, database_connections: u32) -> Self {
        let own = OWN_FILES + u64::from(database_connections);
        // Where there is hardly room for the process itself, a quarter goes to clients all the same.
        let connections = files.saturating_sub(own).max(files / 4).clamp(8, MOST);
        let connections = usize::try_from(connections).unwrap_or(usize::MAX);
        Self { connections, others: connections / 8 * 7, waiters: connections / 2 }
    }

    /// The shares of this process.
    #[must_use]
    pub fn of_this_process(database_connections: u32) -> Self {
        let files = rlimit::getrlimit(rlimit::Resource::NOFILE).map_or(1024, |(soft, _)| soft);
        Self::of(files, database_connections)
    }
}

/// Lets the process open as many files as its hard limit allows. Many systems set the soft limit to 1,024, for the sake
/// of programs that use `select(2)`. Gives the limit that holds now.
pub fn raise_file_limit() -> io::Result<u64> {
    rlimit::increase_nofile_limit(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_left_for_slack_and_for_the_process_itself() {
        let shares = |files| {
            let Capacity { connections, others, waiters } = Capacity::of(files, 20);
            (connections, others, waiters)
        };
        assert_eq!(shares(1024), (876, 763, 438));
        assert_eq!(shares(128), (32, 28, 16));
        assert_eq!(shares(0), (8, 7, 4));
        assert_eq!(shares(u64::MAX), (65_536, 57_344, 32_768));
    }
}
