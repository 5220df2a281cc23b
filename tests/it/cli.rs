//! The command line: the binary as an operator runs it.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use sandbox::slack::names;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::story::{ALICE, PROMPTLY, TestApp, story};

const ACTION: &str = "github.create_issue";

/// The binary with no variable of ours set, whatever surrounds the test.
pub fn countersign(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.env_clear().args(arguments);
    command
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs a command that has to work, and gives what it printed.
pub fn said(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{command:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Runs a command that must not work, and gives what it complained of.
pub fn complaint(command: &mut Command) -> String {
    let output = run(command);
    assert!(!output.status.success(), "{command:?}: {}", text(&output.stdout));
    let complaint = text(&output.stderr);
    assert!(!complaint.contains("panicked") && !complaint.contains("RUST_BACKTRACE"), "{complaint}");
    complaint
}

/// The binary on the test's database.
pub fn on(s: &TestApp, arguments: &[&str]) -> Command {
    let mut command = countersign(arguments);
    command.env("DATABASE_URL", s.config.database.database_url.expose_secret()).env(
        "COUNTERSIGN_ENCRYPTION_KEY",
        s.config.database.encryption_key.as_ref().unwrap().expose_secret(),
    );
    command
}

/// `countersign serve`, complete and pointed at the test's Slack.
fn serve(s: &TestApp) -> Command {
    let mut command = on(s, &["serve"]);
    command
        .env("SLACK_SIGNING_SECRET", s.slack.signing_secret())
        .env("SLACK_BOT_TOKEN", s.slack.bot_token())
        .env("SLACK_API_URL", s.slack.api_url())
        .env("COUNTERSIGN_LISTEN", "127.0.0.1:0")
        .env("COUNTERSIGN_WEBHOOK_ALLOW", "127.0.0.0/8")
        .env("COUNTERSIGN_ADMINS", "U0ALICE,U0BOB");
    command
}

#[test]
fn help_names_every_command_and_every_variable() {
    let help = said(&mut countersign(&["--help"]));
    for command in ["serve", "migrate", "backend", "key", "action", "encryption", "hook", "doctor"] {
        assert!(help.contains(command), "{command} in {help}");
    }
    let help = said(&mut countersign(&["serve", "--help"]));
    let words: Vec<_> = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    for variable in [
        "DATABASE_URL",
        "COUNTERSIGN_LISTEN",
        "COUNTERSIGN_PUBLIC_URL",
        "SLACK_SIGNING_SECRET",
        "SLACK_BOT_TOKEN",
        "SLACK_CLIENT_ID",
        "SLACK_CLIENT_SECRET",
        "SLACK_APP_TOKEN",
        "SLACK_API_URL",
        "COUNTERSIGN_ENCRYPTION_KEY",
        "COUNTERSIGN_ADMINS",
        "COUNTERSIGN_WEBHOOK_ALLOW",
        "COUNTERSIGN_DATABASE_CONNECTIONS",
        "COUNTERSIGN_BACKEND_WAITERS",
    ] {
        assert!(words.contains(&variable), "{variable} in {help}");
    }
    let help = said(&mut countersign(&["backend", "--help"]));
    for command in ["create", "list", "rotate-key", "rotate-secret", "disable", "set-webhook"] {
        assert!(help.contains(command), "{command} in {help}");
    }
    let help = said(&mut countersign(&["action", "--help"]));
    assert!(["list", "unlock", "lock"].iter().all(|command| help.contains(command)), "{help}");
    assert!(said(&mut countersign(&["--version"])).starts_with("countersign "));
}

/// The help of a command and of everything below it, by its words.
fn helps(words: &[&str]) -> Vec<(String, String)> {
    let help = said(countersign(words).arg("--help"));
    let below = help.split_once("Commands:\n").map(|(_, rest)| rest.split("\n\n").next().unwrap().to_owned());
    let mut found = vec![(words.join(" "), help)];
    for line in below.iter().flat_map(|list| list.lines()) {
        let name =
            line.split_whitespace().next().filter(|_| line.starts_with("  ") && !line.starts_with("   "));
        if let Some(name) = name.filter(|name| *name != "help") {
            found.extend(helps(&[words, &[name]].concat()));
        }
    }
    found
}

#[test]
fn every_command_shows_an_example_that_it_understands() {
    let all = helps(&[]);
    assert!(all.len() > 25, "{}", all.len());
    let examples = all.iter().flat_map(|(words, help)| {
        let group = help.contains("\nCommands:\n");
        let mentioned = format!("countersign {words}").trim().to_owned();
        let examples: Vec<(&str, &str)> = help
            .lines()
            .filter_map(|line| line.strip_prefix("  "))
            .filter(|line| line.contains(&mentioned) && !line.starts_with(' '))
            .map(|line| (words.as_str(), line))
            .collect();
        assert!(group || !examples.is_empty(), "{words}: {help}");
        examples
    });
    // At the same time, because most of them try for seconds to reach a database.
    thread::scope(|scope| {
        for (words, example) in examples {
            scope.spawn(move || is_understood(words, example));
        }
    });
}

fn is_understood(words: &str, example: &str) {
    let (_, arguments) = example.split_once("countersign ").unwrap();
    let arguments = arguments.split(" > ").next().unwrap();
    let mut command = countersign(&arguments.split(' ').collect::<Vec<_>>());
    // The database is not there, so that nothing is done; what clap finds wrong it says with status 2. So does a hook
    // that has no call, but in other words.
    command
        .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
        .env("SLACK_API_URL", "http://127.0.0.1:1");
    // The gateway requires them, and ends with its server. Others would try to reach the service for a while.
    if words == "mcp-gateway" {
        command.env("COUNTERSIGN_URL", "http://127.0.0.1:1").env("COUNTERSIGN_API_KEY", "cs_none");
    }
    let output = run(&mut command);
    let complaint = text(&output.stderr);
    let code = output.status.code();
    assert!(code.is_some() && !complaint.contains("panicked"), "{example}: {complaint}");
    assert!(code != Some(2) || !complaint.starts_with("error:"), "{example}: {complaint}");
}

#[test]
fn own_options_come_first_and_settings_have_headings() {
    let help = said(&mut countersign(&["doctor", "--help"]));
    let at = |text: &str| help.find(text).unwrap_or_else(|| panic!("{text}: {help}"));
    let order = ["\nOptions:\n", "--json", "\nDatabase:\n", "  --database-url", "\nSlack:\n", "\nServer:\n"];
    assert!(order.windows(2).all(|pair| at(pair[0]) < at(pair[1])), "{help}");
    assert!(help.contains("\nLimits for each backend:\n"), "{help}");
}

#[test]
fn the_encryption_command_keeps_its_former_name() {
    assert_eq!(
        said(&mut countersign(&["keys", "rotate", "--help"])),
        said(&mut countersign(&["encryption", "rotate", "--help"]))
    );
}

#[test]
fn help_shows_no_secret_that_is_set() {
    let mut command = countersign(&["serve", "--help"]);
    command.env("DATABASE_URL", "postgres://u:hunter2@h/d").env("SLACK_BOT_TOKEN", "xoxb-hunter2");
    command.env("SLACK_SIGNING_SECRET", "hunter2").env("COUNTERSIGN_ENCRYPTION_KEY", "hunter2");
    assert!(!said(&mut command).contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_missing_is_named() {
    story(async |s| {
        for variable in ["DATABASE_URL", "SLACK_SIGNING_SECRET"] {
            let complaint = complaint(serve(s).env_remove(variable));
            assert!(complaint.contains(variable), "{variable}: {complaint}");
        }
        let both = complaint(serve(s).env_remove("SLACK_BOT_TOKEN").env_remove("SLACK_SIGNING_SECRET"));
        assert!(
            both.contains("SLACK_BOT_TOKEN") && both.contains("SLACK_SIGNING_SECRET is not set"),
            "{both}"
        );
        assert!(complaint(&mut countersign(&["migrate"])).contains("DATABASE_URL"));
        assert!(complaint(&mut countersign(&[])).contains("Usage"));
        assert!(complaint(&mut countersign(&["sing"])).contains("sing"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_is_named_with_what_it_should_look_like() {
    story(async |s| {
        for (variable, value, looks) in [
            ("DATABASE_URL", "mysql://h/d", "postgres://user:password@host"),
            ("DATABASE_URL", "localhost", "postgres://user:password@host"),
            ("SLACK_BOT_TOKEN", "xoxp-1", "xoxb-"),
            ("SLACK_BOT_TOKEN", "xoxe.xoxb-1", "OAuth installation"),
            ("SLACK_SIGNING_SECRET", "  ", "Signing Secret"),
            ("SLACK_API_URL", "slack.com", "https://slack.com/api"),
            ("COUNTERSIGN_ENCRYPTION_KEY", "c2hvcnQ=", "32 bytes"),
            ("COUNTERSIGN_ENCRYPTION_KEY", "!", "base64"),
            ("COUNTERSIGN_ENCRYPTION_KEY", "", "it is empty, so"),
            ("COUNTERSIGN_ENCRYPTION_KEY", " , ", "it is empty, so"),
            ("COUNTERSIGN_LISTEN", "8080", "0.0.0.0:8080"),
            ("COUNTERSIGN_LISTEN", ":8080", "127.0.0.1:8080"),
            ("COUNTERSIGN_LISTEN", "localhost:80", "instead of localhost"),
            ("COUNTERSIGN_LISTEN", "here", "an IP address and a port"),
            ("COUNTERSIGN_ADMINS", "alice", "T012AB3CD:U012AB3CD"),
            ("COUNTERSIGN_ADMINS", "U012AB3CD:T012AB3CD", "T012AB3CD:U012AB3CD"),
            ("COUNTERSIGN_WEBHOOK_ALLOW", "10.0.0.0/33", "10.20.0.0/16"),
            ("COUNTERSIGN_WEBHOOK_ALLOW", "intranet", "10.20.0.0/16"),
            ("COUNTERSIGN_DATABASE_CONNECTIONS", "1", "it should be a whole number from 2 to 500"),
            ("COUNTERSIGN_BACKEND_WAITERS", "many", "it should be a whole number, at least 1"),
            ("COUNTERSIGN_RETENTION", "7", "it should be a number of days from 30 to 36500"),
        ] {
            let complaint = complaint(serve(s).env(variable, value));
            assert!(
                complaint.contains(variable) && complaint.contains(looks),
                "{variable}={value}: {complaint}"
            );
        }
        for secret in ["DATABASE_URL", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "COUNTERSIGN_ENCRYPTION_KEY"] {
            let complaint = complaint(serve(s).env(secret, "hunter2"));
            assert!(!complaint.contains("hunter2"), "{complaint}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_said_so() {
    story(async |s| {
        let taken = s.url().trim_start_matches("http://").to_owned();
        let complaint = complaint(serve(s).env("COUNTERSIGN_LISTEN", &taken));
        assert!(complaint.contains("COUNTERSIGN_LISTEN") && complaint.contains(&taken), "{complaint}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_makes_the_schema_and_says_the_same_again() {
    story(async |s| {
        let empty = s.postgres().create_database(None).await.unwrap();
        for _ in 0..2 {
            let said = said(countersign(&["migrate"]).env("DATABASE_URL", &empty.url));
            assert!(said.contains("up to date") && !said.contains("restored"), "{said}");
        }
        let restored = said(countersign(&["migrate", "--restored"]).env("DATABASE_URL", &empty.url));
        assert!(restored.contains("up to date") && restored.contains("era 1"), "{restored}");
        let listed = said(countersign(&["backend", "list"]).env("DATABASE_URL", &empty.url));
        assert!(listed.contains("No backends"), "{listed}");
        s.postgres().drop_database(&empty.name).await.unwrap();
        let gone = complaint(countersign(&["migrate"]).env("DATABASE_URL", &empty.url));
        assert!(gone.contains(&empty.name), "{gone}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_leaves_the_schema_of_a_newer_program_alone() {
    story(async |s| {
        let add = async |version: i64| {
            sqlx::query(
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES ($1, 'of another program', true, '', 0)",
            )
            .bind(version)
            .execute(&s.service.db)
            .await
            .unwrap();
        };
        add(9_999).await;
        let said = said(&mut on(s, &["migrate"]));
        assert!(said.contains("(version 9999"), "{said}");
        // Another one's history is none that ours goes on from.
        add(0).await;
        assert!(complaint(&mut on(s, &["migrate"])).contains("Could not bring the schema up to date"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_is_created_once_listed_rotated_and_disabled() {
    story(async |s| {
        let url = s.backend.webhook_url();
        let create = ["backend", "create", "--name", "agents-2", "--webhook-url", url.as_str()];
        let json: Value = serde_json::from_str(&said(on(s, &create).arg("--json"))).unwrap();
        assert!(["id", "name", "api_key", "webhook_secret"].iter().all(|name| json[name].is_string()));
        let key = json["api_key"].as_str().unwrap();
        assert!(key.starts_with("cs_") && json["webhook_secret"].as_str().unwrap().starts_with("whsec_"));
        s.backend.connect(&s.url(), key, json["webhook_secret"].as_str().unwrap());
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.click(ALICE, &prompt, "Approve").await;
        assert_eq!(s.received_webhook(&id).await.verified, Ok(()), "the printed secret verifies the webhook");

        let again = complaint(&mut on(s, &create));
        assert!(
            again.contains("already exists") && again.contains("rotate-key --name \"agents-2\""),
            "{again}"
        );
        let inside = ["backend", "create", "--name", "inside", "--webhook-url", "http://10.0.0.1/hook"];
        let inside = said(&mut on(s, &inside));
        assert!(inside.contains("Warning: 10.0.0.1 is a private"), "{inside}");
        let listed = said(&mut on(s, &["backend", "list"]));
        assert!(listed.contains("agents-2") && listed.contains(&url) && !listed.contains(key), "{listed}");
        let listed: Value = serde_json::from_str(&said(&mut on(s, &["backend", "list", "--json"]))).unwrap();
        assert_eq!(listed.as_array().unwrap().len(), 3);
        assert!(!listed.to_string().contains("whsec_"));

        let rotate = ["backend", "rotate-key", "--name", "agents-2", "--overlap", "0", "--json"];
        let rotated: Value = serde_json::from_str(&said(&mut on(s, &rotate))).unwrap();
        assert_eq!(s.backend.api_with_key(rotated["api_key"].as_str().unwrap()).get(&id).await.status, 200);
        let rotate = ["backend", "rotate-secret", "--name", "agents-2", "--json"];
        let secret: Value = serde_json::from_str(&said(&mut on(s, &rotate))).unwrap();
        assert!(secret["webhook_secret"].as_str().unwrap().starts_with("whsec_"));
        assert_ne!(secret["webhook_secret"], json["webhook_secret"]);

        let elsewhere = "https://agents.example/secret";
        let moving = ["backend", "set-webhook", "--name", "agents-2", "--webhook-url", elsewhere];
        assert!(said(&mut on(s, &moving)).contains("test-webhook"));
        assert!(said(&mut on(s, &moving)).contains("already"));
        assert!(said(&mut on(s, &["backend", "list"])).contains(elsewhere));
        let audited: Value = sqlx::query_scalar("SELECT after FROM audit WHERE what = 'webhook.moved'")
            .fetch_one(&s.service.db)
            .await
            .unwrap();
        assert_eq!(audited, serde_json::json!({ "webhook_origin": "https://agents.example" }));

        let disable = ["backend", "disable", "--name", "agents-2"];
        assert!(said(&mut on(s, &disable)).starts_with("Disabled"));
        assert!(said(&mut on(s, &disable)).contains("already"));
        assert_eq!(s.backend.api_with_key(rotated["api_key"].as_str().unwrap()).get(&id).await.status, 403);
        let unknown = complaint(&mut on(s, &["backend", "disable", "--name", "nobody"]));
        assert!(unknown.contains("nobody") && unknown.contains("backend list"), "{unknown}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_backend_is_refused_by_flag() {
    story(async |s| {
        for (name, url, named) in [
            ("", "https://agents.example/hook", "--name"),
            ("agents-2", "agents.example/hook", "--webhook-url"),
            ("agents-2", "ftp://agents.example", "--webhook-url"),
        ] {
            let create = ["backend", "create", "--name", name, "--webhook-url", url];
            let complaint = complaint(&mut on(s, &create));
            assert!(complaint.contains(named), "{name} {url}: {complaint}");
        }
        let create =
            ["backend", "create", "--name", "x", "--webhook-url", "https://a.example", "--workspace", "acme"];
        assert!(complaint(&mut on(s, &create)).contains("T012AB3CD"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_are_listed_unlocked_and_locked() {
    story(async |s| {
        s.put("github").await;
        s.api().connect_user(ALICE, "github").await;
        let line = |listed: &str| {
            let found = listed.lines().find(|line| line.ends_with(&format!("  {ACTION}")));
            found.unwrap_or_else(|| panic!("{listed}")).to_owned()
        };
        assert!(line(&said(&mut on(s, &["action", "list"]))).starts_with("locked"));
        assert!(said(&mut on(s, &["action", "unlock", ACTION])).starts_with("Unlocked"));
        assert!(said(&mut on(s, &["action", "unlock", ACTION])).contains("already"));
        assert!(line(&said(&mut on(s, &["action", "list"]))).starts_with("unlocked"));

        let mistyped = complaint(&mut on(s, &["action", "unlock", "github.create_isue"]));
        assert_eq!(
            mistyped,
            "countersign: unknown action github.create_isue: did you mean github.create_issue?\n"
        );
        // The running service goes by it at once, both ways.
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved");
        assert!(said(&mut on(s, &["action", "lock", ACTION])).starts_with("Locked"));
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "pending");

        // What users may allow, and what they must read.
        let unlock = ["action", "unlock", ACTION, "--for", "conversations"];
        assert!(said(&mut on(s, &unlock)).starts_with("Unlocked for conversations: users"));
        assert!(said(&mut on(s, &unlock)).contains("already"));
        assert!(said(&mut on(s, &["action", "must-read", ACTION])).starts_with("Must be read"));
        let listed = said(&mut on(s, &["action", "list"]));
        assert!(listed.contains(&format!("  {ACTION}  for conversations  must be read\n")), "{listed}");
        assert!(said(&mut on(s, &["action", "must-read", ACTION, "--off"])).contains("without opening"));
        let always = ["action", "unlock", ACTION, "--for", "always"];
        assert!(said(&mut on(s, &always)).starts_with("Unlocked: "));
        assert!(said(&mut on(s, &unlock)).contains("have ended"));
        assert!(
            complaint(&mut on(s, &["action", "unlock", ACTION, "--for", "ever"]))
                .contains("conversations or always")
        );
        s.put("postgres").await;
        let destructive = ["action", "unlock", "postgres.execute_sql"];
        assert!(complaint(&mut on(s, &destructive)).contains("--for conversations"));
        assert!(said(&mut on(s, &["action", "lock", ACTION])).starts_with("Locked"));

        let listed: Value = serde_json::from_str(&said(&mut on(s, &["action", "list", "--json"]))).unwrap();
        let unlocked = listed.as_array().unwrap().iter().filter(|action| action["unlocked"] == true);
        assert_eq!(unlocked.count(), 0);
        assert!(complaint(&mut on(s, &["action", "lock", "github.nothing"])).contains("action not found"));
        assert!(complaint(&mut on(s, &["action", "lock", "github"])).contains("salesforce.create_record"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_is_named_with_a_slash_where_dots_are_not_enough() {
    story(async |s| {
        for (integration, action) in [("claude.mcp", "crm.find"), ("claude.mcp.crm", "find")] {
            let body = json!({ "name": "Own", "actions": [{ "key": action, "name": action }], "requires_connection": false });
            assert_eq!(s.api().put_integration(integration, &body).await.status, 200);
        }
        let unlock = |path| ["action", "unlock", path];
        let complaint = complaint(&mut on(s, &unlock("claude.mcp.crm.find")));
        let both = "several actions have this name. Write claude.mcp.crm/find or claude.mcp/crm.find";
        assert!(complaint.contains(both), "{complaint}");
        assert!(said(&mut on(s, &unlock("claude.mcp.crm/find"))).starts_with("Unlocked"));
        let listed = said(&mut on(s, &["action", "list"]));
        assert_eq!(listed.lines().filter(|line| line.starts_with("unlocked")).count(), 1, "{listed}");
    })
    .await;
}

/// A process that is killed if its test fails.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_starts_is_ready_answers_and_stops_when_it_is_asked_to() {
    story(async |s| {
        s.stop().await;
        let mut served = Served(serve(s).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
        let mut log = BufReader::new(served.0.stderr.take().unwrap()).lines().map(Result::unwrap);
        let address = log.find_map(|line| {
            let line: Value = serde_json::from_str(&line).unwrap();
            line["fields"]["address"].as_str().map(str::to_owned)
        });
        let address = address.unwrap();
        // What it logs must not fill the pipe.
        let rest = thread::spawn(move || log.collect::<Vec<_>>().join("\n"));

        let client = sandbox::http::client().unwrap();
        let get = async |path: &str| {
            let answer = client.get(format!("http://{address}{path}")).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        assert_eq!(get("/livez").await.0, 200);
        assert_eq!(get("/readyz").await, (200, "ready\n".to_owned()));
        assert!(get("/metrics").await.1.contains("countersign_"));

        // By the machine's clock, as it is the service's now.
        let list = client.get(format!("http://{address}/v1/approvals"));
        assert_eq!(list.send().await.unwrap().status(), 401);
        let workspaces: i64 = sqlx::query_scalar("SELECT count(*) FROM workspaces WHERE slack_id = $1")
            .bind(names::TEAM)
            .fetch_one(&s.service.db)
            .await
            .unwrap();
        assert_eq!(workspaces, 1);

        let asked = Instant::now();
        let told = Command::new("kill").args(["-TERM", &served.0.id().to_string()]).status().unwrap();
        assert!(told.success());
        let status = loop {
            if let Some(status) = served.0.try_wait().unwrap() {
                break status;
            }
            assert!(asked.elapsed() < PROMPTLY, "it goes on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(status.code(), Some(0));
        let log = rest.join().unwrap();
        assert!(log.contains("Shutting down"), "{log}");
        for secret in [s.slack.bot_token(), s.slack.signing_secret()] {
            assert!(!log.contains(&secret), "{log}");
        }
    })
    .await;
}

/// Reads what a process logs, line by line, until it ends.
fn logged(served: &mut Served) -> std::sync::Arc<std::sync::Mutex<Vec<String>>> {
    let log = BufReader::new(served.0.stderr.take().unwrap()).lines();
    let lines = std::sync::Arc::<std::sync::Mutex<Vec<String>>>::default();
    let kept = lines.clone();
    thread::spawn(move || log.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line)));
    lines
}

/// The messages of warnings and errors, each with its reason.
fn complaints(lines: &[String]) -> Vec<String> {
    let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let complaints = lines.filter(|line| line["level"] != "INFO").map(|line| {
        let fields = &line["fields"];
        format!("{} {} {}", text(&line["level"]), text(&fields["message"]), text(&fields["failure"]))
    });
    complaints.map(|complaint| complaint.trim_end().to_owned()).collect()
}

/// Long enough for every background loop to fail several times.
const A_WHILE: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_migrated_is_named_once() {
    story(async |s| {
        let empty = s.postgres().create_database(None).await.unwrap();
        for command in [["backend", "list"], ["key", "list"], ["action", "list"], ["integration", "list"]] {
            let said = complaint(countersign(&command).env("DATABASE_URL", &empty.url));
            assert_eq!(said, "countersign: Database not migrated: run `countersign migrate`\n", "{command:?}");
        }
        let mut command = serve(s);
        command.env("DATABASE_URL", &empty.url).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut served = Served(command.spawn().unwrap());
        let log = logged(&mut served);
        let address = crate::story::eventually("the address", async || {
            let lines = log.lock().unwrap().clone();
            lines.iter().find_map(|line| {
                let line: Value = serde_json::from_str(line).unwrap();
                line["fields"]["address"].as_str().map(str::to_owned)
            })
        })
        .await;
        tokio::time::sleep(A_WHILE).await;
        let ready = async || {
            let get = sandbox::http::client().unwrap().get(format!("http://{address}/readyz"));
            get.send().await.unwrap().text().await.unwrap()
        };
        assert_eq!(ready().await.trim(), "Database not migrated: run `countersign migrate`");
        insta::assert_snapshot!(complaints(&log.lock().unwrap()).join("\n"), @"ERROR Database not migrated: run `countersign migrate`");
        said(countersign(&["migrate"]).env("DATABASE_URL", &empty.url));
        crate::story::eventually("a ready instance", async || (ready().await == "ready\n").then_some(())).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_down_is_named_once() {
    story(async |s| {
        let mut command = serve(s);
        command.env("DATABASE_URL", "postgres://me@127.0.0.1:1/none").stdin(Stdio::null()).stderr(Stdio::piped());
        let mut served = Served(command.spawn().unwrap());
        let log = logged(&mut served);
        tokio::time::sleep(A_WHILE * 2).await;
        insta::assert_snapshot!(complaints(&log.lock().unwrap()).join("\n"), @"ERROR Could not use Postgres yet; retrying Could not connect to Postgres at 127.0.0.1:1: connection refused. Check that Postgres runs there and listens on this port.");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn api_keys_are_created_listed_rotated_and_revoked() {
    story(async |s| {
        let json = |arguments: &[&str]| -> Value {
            serde_json::from_str(&said(on(s, arguments).arg("--json"))).unwrap()
        };
        let status = async |key: &Value, path: &[&str]| {
            let api = s.backend.api_with_key(key["api_key"].as_str().unwrap());
            api.call(reqwest::Method::GET, path, &[], None, &[]).await.status
        };
        let auditor = json(&["key", "create", "--backend", "agents", "--scopes", "audit"]);
        assert_eq!(auditor["scopes"], serde_json::json!(["audit"]));
        assert_eq!((status(&auditor, &["audit"]).await, status(&auditor, &["approvals"]).await), (200, 403));
        let default = json(&["key", "create", "--backend", "agents"]);
        assert_eq!(default["scopes"], serde_json::json!(["ask", "catalog", "connections", "read"]));

        let id = auditor["id"].as_str().unwrap();
        let next = json(&["key", "rotate", id, "--backend", "agents", "--overlap", "0"]);
        assert_eq!((status(&auditor, &["audit"]).await, status(&next, &["audit"]).await), (401, 200));
        let differ = complaint(&mut on(s, &["backend", "rotate-key", "--name", "agents"]));
        assert!(differ.contains("different scopes") && differ.contains("--scopes"), "{differ}");

        let listed = said(&mut on(s, &["key", "list", "--backend", "agents"]));
        let line = |id: &str| listed.lines().find(|line| line.contains(id)).unwrap().to_owned();
        assert!(line(id).contains("revoked 2") && line(id).ends_with("  audit"), "{listed}");
        assert!(line(default["id"].as_str().unwrap()).contains("active"), "{listed}");
        assert!(!listed.contains("cs_"), "{listed}");
        let shown = json(&["backend", "show", "--name", "agents"]);
        assert_eq!(shown["api_keys"].as_array().unwrap().len(), 4);
        let shown = said(&mut on(s, &["backend", "show", "--name", "agents"]));
        assert!(shown.contains("never used") && shown.contains(&line(id)[18..]), "{shown}");

        let revoked = said(&mut on(s, &["key", "revoke", "--all", "--backend", "agents"]));
        assert!(revoked.starts_with("Revoked: key_"), "{revoked}");
        assert_eq!((status(&next, &["audit"]).await, status(&default, &["approvals"]).await), (401, 401));
        let again = said(&mut on(s, &["key", "revoke", "--all", "--backend", "agents"]));
        assert!(again.starts_with("Nothing to revoke"), "{again}");
        let unknown = complaint(&mut on(s, &["key", "revoke", id, "--backend", "agents"]));
        assert!(unknown.contains("no such key") && unknown.contains("key list"), "{unknown}");

        for (scopes, named) in [("ask,admin", "`admin`"), ("", "ask, catalog"), ("ask,,read", "``")] {
            let complaint =
                complaint(&mut on(s, &["key", "create", "--backend", "agents", "--scopes", scopes]));
            assert!(complaint.contains(named) && complaint.contains("--scopes"), "{complaint}");
        }
    })
    .await;
}
