//! The programs of docs/backends.md, run as they stand. `.ci/guides` installs what they need.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use countersign::slack::view::editing::block_id;
use countersign::{
    clock::Clock,
    domain::{
        api_keys::KeyScopes,
        text::{Link, Name},
    },
    service::backends,
};
use sandbox::{
    backend::Api,
    slack::{Gesture, Message, Press, Surface},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::story::{ALICE, IN_WORDS, SOON, TestApp, story};

/// How the programs are run: what runs them, and the program.
struct Guide {
    interpreter: PathBuf,
    program: &'static str,
}

/// The program at this path, which `what` needs. Where it is missing the test is left out, unless `.ci/run` runs it.
#[expect(clippy::print_stderr, reason = "the person who runs the tests should know what was not run")]
pub fn required(path: &Path, what: &str) -> Option<PathBuf> {
    if path.exists() {
        return Some(path.to_owned());
    }
    assert!(
        std::env::var_os("COUNTERSIGN_GUIDES").is_none(),
        "{} is missing: run .ci/guides",
        path.display()
    );
    eprintln!("{what} was not run: .ci/guides installs what it needs");
    None
}

impl Guide {
    fn python() -> Option<Self> {
        Self::new("target/guides/bin/python", "backend.py")
    }

    fn typescript() -> Option<Self> {
        Self::new("docs/examples/node_modules/.bin/tsx", "backend.ts")
    }

    fn new(interpreter: &str, program: &'static str) -> Option<Self> {
        let interpreter = Path::new(env!("CARGO_MANIFEST_DIR")).join(interpreter);
        required(&interpreter, &format!("docs/examples/{program}"))
            .map(|interpreter| Self { interpreter, program })
    }

    fn run(&self, url: &str, (key, secret): (&str, &str), port: u16, arguments: &str) -> Child {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples").join(self.program);
        Command::new(&self.interpreter)
            .arg(program)
            .args([ALICE, "github", "create_issue", arguments])
            .env("COUNTERSIGN_URL", url)
            .env("COUNTERSIGN_API_KEY", key)
            .env("COUNTERSIGN_WEBHOOK_SECRET", secret)
            .env("PORT", port.to_string())
            .env_remove("http_proxy")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Has the program ask for Alice, as a backend of its own.
    async fn ask(&self, s: &TestApp, arguments: &str) -> Asking {
        // Standard Webhooks' libraries go by the machine's clock.
        s.advance_until_idle(Clock::system().now() - s.now()).await;
        let port = free_port();
        let name = Name::new(format!("guide {port}")).unwrap();
        let url = Link::new(format!("http://127.0.0.1:{port}/webhook")).unwrap();
        let created = backends::create(&s.service, s.workspace, &name, &url, KeyScopes::DEFAULT)
            .await
            .unwrap()
            .unwrap();
        let (key, secret) = (created.api_key.expose_secret(), created.webhook_secret.expose_secret());
        let program = self.run(&s.url(), (key, secret), port, arguments);
        let shown = |message: &Message| message.has_button("Approve");
        let prompt = s.slack.wait_for_direct_message(ALICE, shown, SOON).await.unwrap();
        let api = Api::new(reqwest::Client::new(), &s.url(), key);
        let approval = api.list(&[]).await.data()[0].clone();
        Asking { program, prompt, approval, port, secret: secret.to_owned() }
    }

    async fn holds(&self, s: &TestApp) {
        // Sorted otherwise by code points than by UTF-16 code units, as RFC 8785 wants it.
        let names = r#"{"title": "Größe", "labels": ["a", {"\uff61": 1, "😀": 2}], "\uff61": true, "😀": null, "number": 7}"#;
        let asking = self.ask(s, names).await;
        s.click(ALICE, &asking.prompt, "Approve").await;
        let said = said(asking.program).await;
        assert!(said.starts_with("ran github.create_issue {"), "{said}");
        // Its result is on the prompt.
        s.until(&asking.prompt, |message| message.all_text().contains("“Ran create_issue”")).await;
        s.put("github").await;
        let asking = self.ask(s, r#"{"owner": "acme", "repo": "app", "title": "Mine"}"#).await;
        s.click(ALICE, &asking.prompt, "Edit…").await;
        let press = Press::on(Surface::Modal, "value").in_block(&block_id("title"));
        s.slack.press(ALICE, press.doing(Gesture::Enter("Yours".to_owned()))).await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        let said = self::said(asking.program).await.replace("\": ", "\":").replace(", \"", ",\"");
        assert_eq!(
            said,
            "ran github.create_issue {\"owner\":\"acme\",\"repo\":\"app\",\"title\":\"Yours\"}\n"
        );
        let asking = self.ask(s, "{}").await;
        // A sender without the secret fails verification.
        let other = "whsec_b3RoZXIgc2VjcmV0IG90aGVyIHNlY3JldCBvdGhlciE=";
        assert_eq!(asking.tell(other, &asking.approval["arguments_digest"]).await, 401);
        s.choose(ALICE, &asking.prompt, IN_WORDS).await;
        s.slack.type_text(ALICE, "reason", "Not today").await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        assert_eq!(self::said(asking.program).await, "stopped: denied Not today\n");
        // Its own receiver took what it was told, believing the signature.
        let delivered = "SELECT count(*) FROM outbox WHERE kind = 'webhook' AND done_at IS NOT NULL";
        crate::story::eventually("the deliveries", async || {
            let count: i64 = sqlx::query_scalar(delivered).fetch_one(&s.service.db).await.unwrap();
            (count == 3).then_some(())
        })
        .await;
        let asking = self.ask(s, r#"{"title": "Mine"}"#).await;
        assert_eq!(asking.tell(&asking.secret, &json!(format!("sha256:{}", "0".repeat(64)))).await, 204);
        assert_eq!(self::said(asking.program).await, "stopped: something else was approved\n");
    }

    /// It meets a service that is busy twice, and then answers.
    async fn comes_again(&self) {
        let approval = json!({
            "id": "apr_x", "status": "approved", "decision": { "reason": null },
            // Of {}.
            "arguments_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        });
        let asked = std::sync::Arc::new(AtomicUsize::new(0));
        let busy = axum::Router::new().fallback(async move || -> Response {
            match asked.fetch_add(1, Ordering::Relaxed) {
                0 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response(),
                1 => (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")]).into_response(),
                _ => Json(approval.clone()).into_response(),
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(axum::serve(listener, busy).into_future());
        let secret = "whsec_b3RoZXIgc2VjcmV0IG90aGVyIHNlY3JldCBvdGhlciE=";
        let program = self.run(&url, ("cs_x", secret), free_port(), "{}");
        assert_eq!(said(program).await, "ran github.create_issue {}\n");
        serving.abort();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A program that has asked, and waits.
struct Asking {
    program: Child,
    prompt: Message,
    approval: Value,
    port: u16,
    secret: String,
}

impl Asking {
    /// Posts to the program, signed with this secret, that its request was approved with arguments of this digest.
    async fn tell(&self, secret: &str, digest: &Value) -> u16 {
        let mut approval = self.approval.clone();
        approval["status"] = json!("approved");
        approval["arguments_digest"] = digest.clone();
        approval["decision"] = json!({ "outcome": "approved", "reason": null });
        let body = json!({ "type": "approval.approved", "data": approval }).to_string();
        let now = Clock::system().now().timestamp();
        let signature = Webhook::new(secret).unwrap().sign("dlv_x", now, body.as_bytes()).unwrap();
        let told = reqwest::Client::new()
            .post(format!("http://127.0.0.1:{}/webhook", self.port))
            .header("webhook-id", "dlv_x")
            .header("webhook-timestamp", now)
            .header("webhook-signature", signature)
            .body(body)
            .send();
        told.await.unwrap().status().as_u16()
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
    guide.comes_again().await;
    story(async |s| guide.holds(s).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_backend_runs_what_was_approved_and_nothing_else() {
    let Some(guide) = Guide::typescript() else { return };
    guide.comes_again().await;
    story(async |s| guide.holds(s).await).await;
}

#[test]
fn each_is_short() {
    for program in ["backend.py", "backend.ts"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples").join(program);
        let lines = std::fs::read_to_string(path).unwrap().lines().count();
        assert!(lines < 90, "{program} has {lines} lines");
    }
}
