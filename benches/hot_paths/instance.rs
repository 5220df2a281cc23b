//! `countersign` as a process of its own.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use sandbox::slack::Slack;

use crate::http::Connection;

/// How long an instance may take from its start until it is ready.
const START_LIMIT: Duration = Duration::from_secs(30);

/// `countersign serve`, killed with this.
pub(crate) struct Instance {
    process: Child,
    pub(crate) address: SocketAddr,
}

/// The program with the settings of a deployment, and nothing from the environment but the level of its log.
pub(crate) fn command(program: &Path, database_url: &str, slack: &Slack) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("DATABASE_URL", database_url).env("SLACK_BOT_TOKEN", slack.bot_token());
    command.env("SLACK_API_URL", slack.api_url()).stdin(Stdio::null());
    command
}

/// Runs a command of the operator: what it printed.
pub(crate) fn operate(program: &Path, database_url: &str, slack: &Slack, arguments: &[&str]) -> String {
    let mut command = command(program, database_url, slack);
    // Other commands than `backend create` don't know Slack's settings, and ignore them in the environment.
    let output = command.args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "countersign {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

impl Instance {
    pub(crate) async fn start(program: &Path, database_url: &str, slack: &Slack) -> Self {
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = command(program, database_url, slack);
        if let Some(level) = std::env::var_os("RUST_LOG") {
            command.env("RUST_LOG", level);
        }
        let process = command
            .arg("serve")
            .env("COUNTERSIGN_LISTEN", address.to_string())
            .env("SLACK_SIGNING_SECRET", slack.signing_secret())
            .env("COUNTERSIGN_WEBHOOK_ALLOW", "127.0.0.0/8")
            .env("COUNTERSIGN_BACKEND_REQUESTS_PER_SECOND", u32::MAX.to_string())
            .env("COUNTERSIGN_BACKEND_PENDING_APPROVALS", u32::MAX.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut instance = Self { process, address };
        let started = Instant::now();
        while !instance.is_ready().await {
            let ended = instance.process.try_wait().unwrap();
            assert!(
                ended.is_none() && started.elapsed() < START_LIMIT,
                "an instance did not start: {ended:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        instance
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut connection) = Connection::open(self.address).await else { return false };
        let response = connection.call(b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").await;
        response.is_ok_and(|response| response.status == 200)
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.kill();
    }
}
