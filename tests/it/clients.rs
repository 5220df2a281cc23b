//! Clients that others' programs generate from the `OpenAPI` document: they compile, and work. `.ci/guides` installs
//! what they need.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use sandbox::slack::Message;

use crate::{
    guides::required,
    story::{ALICE, SOON, TestApp, story},
};

/// A folder with a program of `tests/clients`, and what was generated for it.
struct Client {
    folder: PathBuf,
    program: &'static str,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said).into_owned());
    assert!(output.status.success(), "{command:?}: {said:?}");
    // What a generator can't make anything of it leaves out, and says so.
    assert!(!said.concat().to_lowercase().contains("warning"), "{command:?}: {said:?}");
    output
}

impl Client {
    /// Copies the program beside the document.
    fn new(program: &'static str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(program);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let from = root().join("tests/clients");
        std::fs::copy(from.join(program), folder.join(program)).unwrap();
        std::fs::write(folder.join("package.json"), r#"{ "type": "module" }"#).unwrap();
        let document = serde_json::to_string(&countersign::api::document()).unwrap();
        std::fs::write(folder.join("openapi.json"), document).unwrap();
        Self { folder, program }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env_remove("http_proxy");
        command
    }

    /// Runs the program for Alice, who approves once it has printed a line with `seen`, and gives what it printed.
    async fn runs(&self, s: &TestApp, interpreter: &Path, seen: &'static str) -> String {
        let mut command = self.command(interpreter);
        command
            .args([self.program, ALICE, "github", "create_issue"])
            .env("COUNTERSIGN_URL", s.url())
            .env("COUNTERSIGN_API_KEY", s.key())
            .stdout(Stdio::piped());
        let mut program = command.spawn().unwrap();
        let mut output = BufReader::new(program.stdout.take().unwrap());
        let reads = tokio::task::spawn_blocking(move || {
            let mut said = String::new();
            while !said.contains(seen) && output.read_line(&mut said).unwrap() > 0 {}
            (output, said)
        });
        let (mut output, mut said) = tokio::time::timeout(SOON, reads).await.unwrap().unwrap();
        assert!(said.contains(seen), "{said}");
        let shown = |message: &Message| message.has_button("Approve");
        let prompt = s.slack.wait_for_direct_message(ALICE, shown, SOON).await.unwrap();
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        let ends = tokio::task::spawn_blocking(move || {
            output.read_to_string(&mut said).unwrap();
            (program.wait().unwrap(), said)
        });
        let (status, said) = tokio::time::timeout(SOON, ends).await.unwrap().unwrap();
        assert!(status.success(), "{said}");
        said
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_generated_python_client_asks_and_waits() {
    let bin = root().join("target/guides/bin");
    let Some(generator) = required(&bin.join("openapi-python-client"), "tests/clients/client.py") else {
        return;
    };
    let client = Client::new("client.py");
    let path = std::env::join_paths([bin.clone(), "/usr/bin".into(), "/bin".into()]).unwrap();
    let arguments = [
        "generate",
        "--path",
        "openapi.json",
        "--output-path",
        "generated",
        "--meta",
        "none",
        "--fail-on-warning",
        "--config",
        "config.yaml",
    ];
    // It knows no such text (RFC 7515, section 9.2.1).
    let config = "content_type_overrides:\n  application/jose: text/plain\n";
    std::fs::write(client.folder.join("config.yaml"), config).unwrap();
    succeeds(client.command(&generator).args(arguments).env("PATH", path));
    let python = bin.join("python");
    succeeds(client.command(&python).args(["-W", "error", "-m", "compileall", "-q", "."]));
    story(async |s| {
        let said = client.runs(s, &python, "listed").await;
        assert_eq!(said, "asked pending\nlisted True\nended approved True\nwatched 204\nrefused 404\n");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_generated_typescript_client_asks_and_follows_until_the_end() {
    let bin = root().join("tests/clients/node_modules/.bin");
    let Some(generator) = required(&bin.join("openapi-typescript"), "tests/clients/client.ts") else {
        return;
    };
    let client = Client::new("client.ts");
    std::os::unix::fs::symlink(root().join("tests/clients/node_modules"), client.folder.join("node_modules"))
        .unwrap();
    succeeds(client.command(&generator).args(["openapi.json", "--output", "generated/api.d.ts"]));
    let strict =
        ["--noEmit", "--strict", "--noUncheckedIndexedAccess", "--module", "nodenext", "--target", "es2022"];
    succeeds(client.command(&bin.join("tsc")).args(strict).args(["--types", "node", "client.ts"]));
    story(async |s| {
        let said = client.runs(s, &bin.join("tsx"), "approval.pending").await;
        // A standard client has connected again, and was told that there is nothing more.
        let expected = "asked pending\nlisted true\napproval.pending pending -\napproval.approved approved once\nclosed 204\n";
        assert_eq!(said, expected);
    })
    .await;
}
