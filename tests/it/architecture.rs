//! Who may know whom: the rules of the house, held against the source.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The source of a module, file by file, without comments.
fn source(module: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let single = root.join(format!("{module}.rs"));
    let paths = if single.exists() { vec![single] } else { files(&root.join(module)) };
    assert!(!paths.is_empty(), "there is no module {module}");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        (path.strip_prefix(&root).unwrap().display().to_string(), code.join("\n"))
    };
    paths.into_iter().map(read).collect()
}

/// Whether the code names a module of ours, in a path or a `use`: `crate::storage::…`, `crate::{storage, …}`.
fn knows(code: &str, module: &str) -> bool {
    let rest_of_name = |rest: &str| rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
    code.split("crate::").skip(1).any(|path| match path.strip_prefix('{') {
        None => path.strip_prefix(module).is_some_and(|rest| !rest_of_name(rest)),
        Some(group) => top_level(group).iter().any(|name| name == module),
    })
}

/// The first names of a group's members, nested groups left out.
fn top_level(group: &str) -> Vec<String> {
    let (mut depth, mut names, mut name) = (0, Vec::new(), String::new());
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(std::mem::take(&mut name)),
            letter if depth == 0 => name.push(letter),
            _ => {}
        }
    }
    names.push(name);
    names.iter().map(|name| name.trim().split("::").next().unwrap_or_default().to_owned()).collect()
}

fn assert_ignorant(module: &str, of: &[&str]) {
    for (file, code) in source(module) {
        for other in of {
            assert!(!knows(&code, other), "{file} knows `{other}`, and {module} must not");
        }
    }
}

#[test]
fn the_domain_knows_nothing_that_does_input_or_output() {
    let ours = [
        "api", "app", "cli", "clock", "config", "entropy", "outbox", "seal", "service", "slack", "storage",
        "wire",
    ];
    assert_ignorant("domain", &ours);
    for (file, code) in source("domain") {
        for word in [
            "sqlx",
            "axum",
            "reqwest",
            "tokio",
            "slack_morphism",
            "async ",
            "Utc::now",
            "std::fs",
            "std::net",
        ] {
            assert!(!code.contains(word), "{file} says `{word}`");
        }
    }
}

#[test]
fn storage_alone_speaks_sql() {
    for module in ["api", "domain", "outbox", "service", "slack", "cli"] {
        for (file, code) in source(module) {
            for word in ["sqlx::query", "SELECT ", "INSERT INTO ", "DELETE FROM ", " SET "] {
                assert!(!code.contains(word), "{file} says `{word}`");
            }
        }
    }
    assert_ignorant("storage", &["api", "app", "cli", "outbox", "service", "slack", "wire"]);
}

#[test]
fn use_cases_know_neither_http_nor_slack() {
    assert_ignorant("service", &["api", "app", "cli", "outbox", "slack", "wire"]);
    for (file, code) in source("service") {
        for word in ["axum", "reqwest", "slack_morphism"] {
            assert!(!code.contains(word), "{file} says `{word}`");
        }
    }
}

#[test]
fn the_api_and_slack_do_not_know_each_other() {
    assert_ignorant("api", &["slack", "outbox", "cli"]);
    assert_ignorant("slack", &["api", "outbox", "cli"]);
}

#[test]
fn views_are_pure() {
    assert_ignorant("slack/view", &["storage", "service", "clock", "api", "outbox", "wire"]);
    for (file, code) in source("slack/view") {
        for word in ["sqlx", "axum", "reqwest", "tokio", "async fn", "Utc::now"] {
            assert!(!code.contains(word), "{file} says `{word}`");
        }
    }
}

#[test]
fn only_tests_and_examples_know_the_sandbox() {
    for (file, code) in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).into_iter().map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        (path.display().to_string(), text)
    }) {
        assert!(!code.contains("sandbox::"), "{file} knows the sandbox");
    }
    for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("sandbox/src")) {
        let code = fs::read_to_string(&path).unwrap();
        assert!(!code.contains("use countersign"), "{} shares code with the service", path.display());
    }
}

#[test]
fn the_rule_sees_what_it_is_there_to_see() {
    assert!(knows("use crate::storage::Tx;", "storage"));
    assert!(knows("let row = crate::storage::ask::load();", "storage"));
    assert!(knows("use crate::{\n    domain::ids::UserId,\n    storage::{self, Tx},\n};", "storage"));
    assert!(knows("use crate::{domain, storage};", "storage"));
    assert!(!knows("use crate::{\n    service::{self, storage},\n};", "storage"));
    assert!(!knows("use crate::storage_words;", "storage"));
}

#[test]
fn one_module_alone_opens_connections() {
    for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let name = path.display().to_string();
        if name.contains("/storage/db/") || name.ends_with("/outbox/listener.rs") {
            continue;
        }
        let code = fs::read_to_string(&path).unwrap();
        for word in ["sqlx::PgConnection", "PgPool", "PgListener", "sqlx::Pool", "ConnectOptions"] {
            assert!(!code.contains(word), "{name} says `{word}`: its statements would have no time limit");
        }
    }
}
