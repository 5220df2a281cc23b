//! The programs of docs/backends.md, run as they stand. `.ci/guides` installs what they need.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use countersign::{
    clock::Clock,
    domain::text::{Link, Name},
    service::backends,
};
use sandbox::slack::Message;
use secrecy::ExposeSecret as _;

use crate::story::{ALICE, SOON, Story, story};

/// How the programs are run: what runs them, and the program.
struct Guide {
    interpreter: PathBuf,
    program: &'static str,
}

impl Guide {
    fn python() -> Option<Self> {
        Self::new("target/guides/bin/python", "backend.py")
    }

    fn typescript() -> Option<Self> {
        Self::new("docs/examples/node_modules/.bin/tsx", "backend.ts")
    }

    #[expect(clippy::print_stderr, reason = "whoever runs the tests should know what was not run")]
    fn new(interpreter: &str, program: &'static str) -> Option<Self> {
        let interpreter = Path::new(env!("CARGO_MANIFEST_DIR")).join(interpreter);
        if interpreter.exists() {
            return Some(Self { interpreter, program });
        }
        assert!(
            std::env::var_os("COUNTERSIGN_GUIDES").is_none(),
            "{} is missing: run .ci/guides",
            interpreter.display()
        );
        eprintln!("docs/examples/{program} was not run: .ci/guides installs what it needs");
        None
    }

    /// Has the program ask for Alice, as a backend of its own; gives the prompt.
    async fn ask(&self, s: &Story, arguments: &str) -> (Child, Message) {
        // Standard Webhooks' libraries go by the machine's clock.
        s.leap(Clock::system().now() - s.now()).await;
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let name = Name::new(format!("guide {port}")).unwrap();
        let url = Link::new(format!("http://127.0.0.1:{port}/webhook")).unwrap();
        let created = backends::create(&s.service, s.workspace, &name, &url).await.unwrap().unwrap();
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples").join(self.program);
        let asking = Command::new(&self.interpreter)
            .arg(program)
            .args([ALICE, "github", "create_issue", arguments])
            .env("COUNTERSIGN_URL", s.url())
            .env("COUNTERSIGN_API_KEY", created.api_key.expose_secret())
            .env("COUNTERSIGN_WEBHOOK_SECRET", created.webhook_secret.expose_secret())
            .env("PORT", port.to_string())
            .env_remove("http_proxy")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let shown = |message: &Message| message.has_button("Approve");
        (asking, s.slack.wait_for_direct_message(ALICE, shown, SOON).await.unwrap())
    }

    async fn holds(&self, s: &Story) {
        let (asking, prompt) = self.ask(s, r#"{"title": "Größe", "labels": ["a", "b"], "number": 7}"#).await;
        s.click(ALICE, &prompt, "Approve").await;
        let said = said(asking).await;
        assert!(said.starts_with("ran github.create_issue {"), "{said}");
        let (asking, prompt) = self.ask(s, "{}").await;
        s.click(ALICE, &prompt, "Deny").await;
        s.slack.type_text(ALICE, "reason", "Not today").await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        assert_eq!(self::said(asking).await, "stopped: denied Not today\n");
        // Its own receiver took what it was told, believing the signature.
        let delivered = "SELECT count(*) FROM outbox WHERE kind = 'webhook' AND done_at IS NOT NULL";
        crate::story::eventually("both deliveries", async || {
            let count: i64 = sqlx::query_scalar(delivered).fetch_one(&s.service.db).await.unwrap();
            (count == 2).then_some(())
        })
        .await;
    }
}

async fn said(program: Child) -> String {
    let ended = tokio::task::spawn_blocking(|| program.wait_with_output().unwrap());
    let output = tokio::time::timeout(SOON, ended).await.unwrap().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_backend_runs_what_was_approved_and_nothing_else() {
    let Some(guide) = Guide::python() else { return };
    story(async |s| guide.holds(s).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_backend_runs_what_was_approved_and_nothing_else() {
    let Some(guide) = Guide::typescript() else { return };
    story(async |s| guide.holds(s).await).await;
}

#[test]
fn each_is_short() {
    for program in ["backend.py", "backend.ts"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples").join(program);
        let lines = std::fs::read_to_string(path).unwrap().lines().count();
        assert!(lines < 80, "{program} has {lines} lines");
    }
}
