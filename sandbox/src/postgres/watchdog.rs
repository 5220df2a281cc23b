//! A shell process that cleans up after this process, however it ends.
//!
//! A killed process runs no code, and Rust never drops statics. So a small `sh` in its own process group holds the
//! reading end of a pipe to which only this process holds the writing end. The kernel closes that end when this process
//! ends, by `return`, Ctrl-C or SIGKILL.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use super::PostgresError;
use super::user::User;

const REMOVE_SERVER: &str = include_str!("remove_server.sh");
const DROP_DATABASES: &str = include_str!("drop_databases.sh");

/// The shell that waits for this process to end. Dropping it starts the cleanup and waits until it is done.
#[derive(Debug)]
pub(super) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// A watchdog that stops the server in `folder` and removes the folder. It runs as `user` if given, so it can't
    /// signal the processes of other users.
    pub(super) fn for_server(folder: &std::path::Path, user: Option<User>) -> Result<Self, PostgresError> {
        let mut command = shell(REMOVE_SERVER);
        command.arg(folder);
        if let Some(user) = user {
            command.uid(user.uid).gid(user.gid);
        }
        Self::spawn(command)
    }

    /// A watchdog that drops the databases whose names begin with `prefix`, on the server that the `PG…` variables in
    /// `server` name.
    pub(super) fn for_databases(
        prefix: &str,
        server: &[(&'static str, String)],
    ) -> Result<Self, PostgresError> {
        let mut command = shell(DROP_DATABASES);
        command.arg(prefix).envs(server.iter().map(|(key, value)| (key, value)));
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Result<Self, PostgresError> {
        let shell = command.spawn().map_err(PostgresError::io("start", "sh"))?;
        Ok(Self { shell })
    }

    /// Reports the server's process id, or `None` while it is stopped.
    pub(super) fn server_is(&mut self, pid: Option<u32>) -> Result<(), PostgresError> {
        let Some(pipe) = self.shell.stdin.as_mut() else { return Ok(()) };
        writeln!(pipe, "{}", pid.unwrap_or(0)).map_err(PostgresError::io("tell", "the watchdog"))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // The shell ends in any case. Waiting prevents a zombie process.
        let _ = self.shell.wait();
    }
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", script, "countersign-sandbox-watchdog"])
        .current_dir("/")
        .stdin(Stdio::piped())
        // It must not share this process's output: a reader of that output would wait for the watchdog too.
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    command
}
