//! An integration belongs to the backend that described it first: others use it, and change nothing of it.

use std::process::Command;

use sandbox::{backend::Api, catalog};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::story::{ALICE, BOB, TestApp, story};

const ACTION: &str = "github.create_issue";
const NOT_OWNER: &str = "urn:countersign:problem:not-owner";

/// Another backend of the workspace.
async fn another(s: &TestApp, name: &str) -> Api {
    let (key, _) = s.create_backend(name).await;
    s.backend.api_with_key(&key)
}

fn renamed() -> Value {
    json!({ "name": "Weather", "requires_connection": false,
            "actions": [{ "key": "create_issue", "name": "Look at the forecast", "read_only": true }] })
}

/// Runs `countersign integration …`: whether it worked, and what it said.
async fn integration(s: &TestApp, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.env_clear().env("DATABASE_URL", s.config.database.database_url.expose_secret());
    command.arg("integration").args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_backend_changes_nothing_of_what_a_person_is_asked() {
    story(async |s| {
        s.open(ACTION).await;
        let other = another(s, "another").await;
        let (_, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let before = s.api().integration("github").await.body;
        let nothing = json!({ "name": "GitHub", "actions": [] });
        let same = catalog::integration("github").unwrap().body();
        for body in [renamed(), nothing, same] {
            let reply = other.put_integration("github", &body).await;
            assert_eq!((reply.status, reply.str("/type")), (403, NOT_OWNER), "{reply:?}");
            assert!(reply.str("/detail").contains("countersign integration move"), "{reply:?}");
        }
        for reply in [other.connect_user(BOB, "github").await, other.disconnect_user(ALICE, "github").await] {
            assert_eq!((reply.status, reply.str("/type")), (403, NOT_OWNER), "{reply:?}");
        }
        assert_eq!(s.api().integration("github").await.body, before);
        let refused: i64 =
            sqlx::query_scalar("SELECT count(*) FROM audit WHERE what = 'integration.refused'")
                .fetch_one(&s.service.db)
                .await
                .unwrap();
        assert_eq!(refused, 5);
        // Nor is anything less allowed by it, or drawn otherwise.
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        assert_eq!(other.ask(&s.call(ACTION, "c-2")).await.approval_status(), "approved", "it may ask");
        let prompt = s.until(&prompt, |message| message.has_button("Turn off")).await;
        assert!(
            prompt.all_text().contains("asked to open an issue in acme/checkout"),
            "{}",
            prompt.all_text()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_named_belongs_to_whoever_describes_it_first() {
    story(async |s| {
        let other = another(s, "another").await;
        assert_eq!(other.ask(&s.call(ACTION, "c-1")).await.status, 201);
        let (_, list) = integration(s, &["list"]).await;
        assert!(list.contains("no backend"), "{list}");
        assert_eq!(other.connect_user(BOB, "github").await.status, 204);
        s.put("github").await;
        assert_eq!(other.put_integration("github", &renamed()).await.status, 403);
        assert_eq!(other.connect_user(ALICE, "github").await.status, 403);
        s.put("github").await;
        s.connect(ALICE, "github").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_describe_it_first_at_once_one_owns_it() {
    story(async |s| {
        let mut backends = Vec::new();
        for name in ["one", "two", "three", "four"] {
            backends.push(another(s, name).await);
        }
        for round in 0..10 {
            let key = format!("race-{round}");
            let puts = backends.iter().enumerate().map(|(at, api)| {
                let (key, body) = (key.clone(), json!({ "name": format!("Of {at}"), "actions": [] }));
                async move { api.put_integration(&key, &body).await }
            });
            let replies = futures::future::join_all(puts).await;
            let mut statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
            let winner = statuses.iter().position(|status| *status == 200).unwrap();
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 403, 403, 403]);
            let name = s.api().integration(&key).await.str("/name").to_owned();
            assert_eq!(name, format!("Of {winner}"));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_shares_and_moves_an_integration() {
    story(async |s| {
        s.put("github").await;
        let other = another(s, "another").await;
        let (done, text) = integration(s, &["list"]).await;
        assert!(done && text.contains("github                agents                GitHub"), "{text}");
        assert!(integration(s, &["share", "github"]).await.1.starts_with("Shared"));
        assert!(integration(s, &["share", "github"]).await.1.starts_with("It was already shared"));
        assert_eq!(other.put_integration("github", &renamed()).await.status, 200);
        s.put("github").await;
        assert!(integration(s, &["move", "github", "--to", "another"]).await.1.starts_with("Moved"));
        assert_eq!(s.api().put_integration("github", &renamed()).await.status, 403);
        assert_eq!(s.api().connect_user(ALICE, "github").await.status, 403);
        assert_eq!(other.put_integration("github", &renamed()).await.status, 200);
        assert_eq!(other.connect_user(ALICE, "github").await.status, 204);
        let (done, text) = integration(s, &["move", "github", "--to", "nobody"]).await;
        assert!(!done && text.contains("unknown backend "), "{text}");
        let (done, _) = integration(s, &["share", "unknown"]).await;
        assert!(!done);
        let kinds: Vec<String> = sqlx::query_scalar(
            "SELECT what FROM audit WHERE actor_kind = 'operator' AND subject = 'github' ORDER BY id",
        )
        .fetch_all(&s.service.db)
        .await
        .unwrap();
        assert_eq!(kinds, ["integration.shared", "integration.moved"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_imports_belongs_to_the_only_backend_or_to_the_one_named() {
    story(async |s| {
        let file = std::env::temp_dir().join(format!("tools-{}.json", std::process::id()));
        std::fs::write(&file, json!({ "tools": [{ "name": "search", "inputSchema": {} }] }).to_string())
            .unwrap();
        let file = file.to_str().unwrap();
        assert!(integration(s, &["import", "one", "--mcp", file]).await.0);
        s.connect(ALICE, "one").await;
        let other = another(s, "another").await;
        let (_, text) = integration(s, &["import", "two", "--mcp", file]).await;
        assert!(text.contains("integration move two --to BACKEND"), "{text}");
        assert_eq!(other.put_integration("two", &renamed()).await.status, 403);
        assert_eq!(s.api().connect_user(ALICE, "two").await.status, 403);
        assert!(integration(s, &["import", "three", "--mcp", file, "--owner", "another"]).await.0);
        assert_eq!(s.api().connect_user(ALICE, "three").await.status, 403);
        assert_eq!(other.connect_user(ALICE, "three").await.status, 204);
        let (_, list) = integration(s, &["list"]).await;
        for (key, owner) in [("one", "agents"), ("two", "the operator"), ("three", "another")] {
            assert!(list.lines().any(|line| line.starts_with(key) && line.contains(owner)), "{list}");
        }
        std::fs::remove_file(file).unwrap();
    })
    .await;
}
