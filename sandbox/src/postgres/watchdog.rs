//! A shell that clears up after us, however we end.
//!
//! Nothing in a process can be relied on to run when it is killed, and statics are never dropped. So a small `sh` in a process
//! group of its own holds the reading end of a pipe whose writing end only we have: the kernel closes that end when we are gone,
//! be it by `return`, by Ctrl-C or by SIGKILL.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use super::PostgresError;
use super::user::User;

const REMOVE_SERVER: &str = include_str!("remove_server.sh");
const DROP_DATABASES: &str = include_str!("drop_databases.sh");

/// The shell that waits for our end. Dropping it starts the clearing up and waits until that is done.
#[derive(Debug)]
pub(super) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// One that stops the server in `folder` and removes the folder. It runs as `user`, if given, and can so hurt nobody else's
    /// processes.
    pub(super) fn for_server(folder: &std::path::Path, user: Option<User>) -> Result<Self, PostgresError> {
        let mut command = shell(REMOVE_SERVER);
        command.arg(folder);
        if let Some(user) = user {
            command.uid(user.uid).gid(user.gid);
        }
        Self::spawn(command)
    }

    /// One that drops the databases whose names begin with `prefix`, on the server that the `PG…` variables in `server` name.
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

    /// Says which process is the server now; `None` while it is stopped.
    pub(super) fn server_is(&mut self, pid: Option<u32>) -> Result<(), PostgresError> {
        let Some(pipe) = self.shell.stdin.as_mut() else { return Ok(()) };
        writeln!(pipe, "{}", pid.unwrap_or(0)).map_err(PostgresError::io("tell", "the watchdog"))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // It ends by itself in any case; waiting keeps it from staying behind as a zombie.
        let _ = self.shell.wait();
    }
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", script, "countersign-sandbox-watchdog"])
        .current_dir("/")
        .stdin(Stdio::piped())
        // Its output must not be ours: whoever reads ours to its end would wait for the watchdog.
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    command
}
