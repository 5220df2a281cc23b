//! One instance, as a process of its own.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use testkit::LocalDeployment;

/// How long an instance may take from its start until it is ready.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Ticks of a second in `/proc/PID/stat` (`getconf CLK_TCK`).
const TICKS: u64 = 100;

/// `countersign serve`, ended with this.
pub(crate) struct Instance {
    process: Child,
    pub(crate) address: String,
    pub(crate) url: String,
}

impl Instance {
    /// Starts one, and returns it with the time that it took until it was ready.
    pub(crate) async fn start(deployment: &LocalDeployment) -> (Self, Duration) {
        let slack = &deployment.slack;
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let program = std::env::var("COUNTERSIGN").unwrap_or(env!("CARGO_BIN_EXE_countersign").to_owned());
        let mut command = Command::new(program);
        command
            .arg("serve")
            .env("DATABASE_URL", deployment.database_url())
            .env("COUNTERSIGN_LISTEN", &address)
            .env("SLACK_SIGNING_SECRET", slack.signing_secret())
            .env("SLACK_BOT_TOKEN", slack.bot_token())
            .env("SLACK_API_URL", slack.api_url())
            .env("COUNTERSIGN_WEBHOOK_ALLOW", "127.0.0.0/8")
            .env("COUNTERSIGN_BACKEND_REQUESTS_PER_SECOND", "1000000")
            .env("COUNTERSIGN_BACKEND_PENDING_APPROVALS", "1000000")
            .env("COUNTERSIGN_BACKEND_WAITERS", "1000000")
            .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or("error".to_owned()))
            .stdout(Stdio::null());
        let http = sandbox::http::client().unwrap();
        let started = Instant::now();
        let process = command.spawn().unwrap();
        let mut instance = Self { process, url: format!("http://{address}"), address };
        let ready = format!("{}/readyz", instance.url);
        while !http.get(&ready).send().await.is_ok_and(|reply| reply.status().is_success()) {
            let ended = instance.process.try_wait().unwrap();
            assert!(
                ended.is_none() && started.elapsed() < START_LIMIT,
                "an instance did not start: {ended:?}"
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        (instance, started.elapsed())
    }

    /// What is resident of it, in KiB (proc(5), `VmRSS`).
    pub(crate) fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// The processor time that it has used (proc(5), `utime` and `stime`).
    pub(crate) fn worked(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let ticks: u64 =
            fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 1000 / TICKS)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
