//! A private Postgres server: a new data folder, a child process, and a watchdog that removes both.

use std::env;
use std::fs::{self, File};
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::PostgresError;
use super::binaries::Binaries;
use super::folders;
use super::user::User;
use super::watchdog::Watchdog;

/// How long to wait after SIGQUIT. Postgres documents that it ends its children within 5 s.
const STOP_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);
/// The range of ports, below those that Linux (32768) and macOS (49152) use for outgoing connections, so that no
/// connection takes the port while the server restarts.
const PORTS: std::ops::Range<u16> = 17_000..29_000;

/// A server process with its folder. Dropping it stops the server and removes the folder.
#[derive(Debug)]
pub(super) struct Server {
    binaries: Binaries,
    user: Option<User>,
    folder: PathBuf,
    password: String,
    port: u16,
    durable: bool,
    standbys: bool,
    process: Option<Child>,
    /// Dropped last, because it removes the folder.
    watchdog: Watchdog,
}

impl Server {
    /// Creates a data folder with `initdb`, without starting the server. Blocks for about a second.
    pub(super) fn create(binaries: Binaries, durable: bool, standbys: bool) -> Result<Self, PostgresError> {
        let user = User::for_server()?;
        let parent =
            if durable { temporary_folder(user) } else { memory().unwrap_or_else(|| temporary_folder(user)) };
        folders::sweep(&parent, user);
        let folder = folders::create(&parent)?;
        give(&folder, user)?;
        let watchdog = Watchdog::for_server(&folder, user)?;
        let password = random_password()?;
        let mut server =
            Self { binaries, user, folder, password, port: 0, durable, standbys, process: None, watchdog };
        server.initdb()?;
        server.port = free_port()?;
        Ok(server)
    }

    /// The URL of a database on this server. It connects by plain TCP on this machine, so it disables TLS.
    pub(super) fn url(&self, database: &str) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/{database}?sslmode=disable", self.password, self.port)
    }

    /// The data folder, in the form in which the server itself reports it.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The folder with all of the server's files.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts the process if it isn't running. The server needs a moment before it answers.
    pub(super) fn spawn(&mut self) -> Result<(), PostgresError> {
        if self.is_running() {
            return Ok(());
        }
        let log = self.folder.join("server.log");
        let log =
            File::options().create(true).append(true).open(&log).map_err(PostgresError::io("open", log))?;
        let errors = log.try_clone().map_err(PostgresError::io("open", self.folder.join("server.log")))?;
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).arg("-p").arg(self.port.to_string());
        let connections = format!("max_connections={}", connections());
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            &connections,
            // A statement locks every partition of its tables, and planning it each of their indexes.
            "max_locks_per_transaction=512",
            "timezone=UTC",
            "log_timezone=UTC",
        ] {
            command.args(["-c", setting]);
        }
        if !self.standbys {
            // No standby or archive reads the WAL, so Postgres can write less of it.
            command.args(["-c", "wal_level=minimal", "-c", "max_wal_senders=0"]);
        }
        if !self.durable {
            // Unsafe only if the machine itself crashes. synchronous_commit stays on: without it, stopping the server
            // would lose transactions that it reported as committed.
            command.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
            // The data may be in memory, and without fsync a checkpoint costs next to nothing.
            command.args(["-c", "max_wal_size=256MB"]);
        }
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        let process = command.spawn().map_err(PostgresError::io("start", command.get_program()))?;
        self.watchdog.server_is(Some(process.id()))?;
        self.process = Some(process);
        Ok(())
    }

    /// Whether the process is running. It may not answer yet.
    pub(super) fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| matches!(process.try_wait(), Ok(None)))
    }

    /// Stops the process immediately, as a crash would: connections break, and the next start recovers from the WAL.
    /// Blocks until the process has ended.
    pub(super) fn stop(&mut self) -> Result<(), PostgresError> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let pid = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
        if let (Ok(None), Some(pid)) = (process.try_wait(), pid) {
            // Nothing has waited for the process yet, so its id can't belong to another one. If it has already ended,
            // the signal has no effect.
            let _ = kill_process(pid, Signal::QUIT);
        }
        let started = Instant::now();
        while !matches!(process.try_wait(), Ok(Some(_))) {
            if started.elapsed() > STOP_LIMIT {
                process.kill().map_err(PostgresError::io("kill", "postgres"))?;
            }
            thread::sleep(POLL);
        }
        self.watchdog.server_is(None)
    }

    /// Chooses another port after this one turned out to be taken.
    pub(super) fn change_port(&mut self) -> Result<(), PostgresError> {
        self.port = free_port()?;
        Ok(())
    }

    /// The end of the server's log, on one line.
    pub(super) fn log_tail(&self) -> String {
        tail(&fs::read_to_string(self.folder.join("server.log")).unwrap_or_default())
    }

    fn initdb(&self) -> Result<(), PostgresError> {
        let password_file = self.folder.join("password");
        fs::write(&password_file, &self.password).map_err(PostgresError::io("write", &password_file))?;
        fs::set_permissions(&password_file, fs::Permissions::from_mode(0o600))
            .map_err(PostgresError::io("protect", &password_file))?;
        give(&password_file, self.user)?;
        let mut command = self.command("initdb");
        command.arg("-D").arg(self.data()).arg("--pwfile").arg(&password_file);
        // The password keeps other users of this machine out. It is random, so it needs none of the 4,096 rounds of
        // hashing that SCRAM makes Postgres spend on each connection. Postgres 18 deprecated MD5.
        let method = if self.binaries.major() < 18 { "md5" } else { "password" };
        command.args(["-A", method, "-U", "postgres", "--no-sync", "--encoding=UTF8", "--locale=C"]);
        let output = command.output().map_err(PostgresError::io("start", command.get_program()))?;
        if output.status.success() {
            return Ok(());
        }
        Err(PostgresError::Initdb { output: tail(&String::from_utf8_lossy(&output.stderr)) })
    }

    /// A command for one of the programs. It runs in its own process group, so that Ctrl-C in the terminal doesn't
    /// reach it, as the unprivileged user if there is one, and without the `PG…` variables that would change its
    /// behaviour.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.program(program));
        command.current_dir(&self.folder).stdin(Stdio::null()).process_group(0);
        for (key, _) in env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("PG")) {
            command.env_remove(key);
        }
        if let Some(user) = self.user {
            command.uid(user.uid).gid(user.gid);
        }
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // If this fails, the watchdog, which is dropped next, stops the server.
        let _ = self.stop();
    }
}

/// How many connections the server accepts: one test runs per core, and each has a few instances of the service with 20
/// connections each.
fn connections() -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (100 + 50 * cores).max(200)
}

/// Linux's file system in memory, if it has room. There a database is created in a fraction of the time.
fn memory() -> Option<PathBuf> {
    const ROOM: u64 = 4 << 30;
    let folder = Path::new("/dev/shm");
    let stat = rustix::fs::statvfs(folder).ok()?;
    let open_to_all = fs::metadata(folder).is_ok_and(|data| data.permissions().mode() & 0o003 == 0o003);
    (open_to_all && stat.f_bavail.saturating_mul(stat.f_frsize) >= ROOM).then(|| folder.to_owned())
}

/// The temporary folder, or `/tmp` if the user that runs the server couldn't reach that folder.
fn temporary_folder(user: Option<User>) -> PathBuf {
    let usual = env::temp_dir();
    let open_to_all =
        |folder: &Path| fs::metadata(folder).is_ok_and(|data| data.permissions().mode() & 0o001 != 0);
    if user.is_none() || usual.ancestors().all(open_to_all) { usual } else { PathBuf::from("/tmp") }
}

fn give(path: &Path, user: Option<User>) -> Result<(), PostgresError> {
    let Some(user) = user else { return Ok(()) };
    chown(path, Some(user.uid), Some(user.gid)).map_err(PostgresError::io("give away", path))
}

/// Finds a port without a listener. Several processes search at the same time, so each starts at another port.
fn free_port() -> Result<u16, PostgresError> {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    let span = u32::from(PORTS.end - PORTS.start);
    for _ in 0..span {
        let offset =
            process::id().wrapping_mul(61).wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % span;
        let port = PORTS.start + u16::try_from(offset).unwrap_or(0);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(PostgresError::io("find a free port on", "127.0.0.1")(std::io::ErrorKind::AddrInUse.into()))
}

/// 128 bits from the operating system, in hex.
fn random_password() -> Result<String, PostgresError> {
    const SOURCE: &str = "/dev/urandom";
    let mut bytes = [0_u8; 16];
    File::open(SOURCE)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(PostgresError::io("read", SOURCE))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// The last few lines, joined into one.
pub(super) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.iter().skip(lines.len().saturating_sub(5)).copied().collect::<Vec<_>>().join(" | ")
}
