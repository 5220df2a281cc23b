//! The rules of docs/architecture.md, held against the source.

mod imports;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use imports::{Module, files, graph, references, root};

/// Which modules each may import from, beside itself. The longest name that fits a file counts.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &[]),
    ("entropy", &[]),
    ("bodies", &[]),
    ("heartbeat", &[]),
    ("shutdown", &[]),
    ("telemetry", &[]),
    ("seal", &["entropy"]),
    ("jose", &["domain"]),
    ("tlog", &["jose"]),
    ("log_files", &["domain", "jose", "tlog"]),
    ("wire", &["domain"]),
    ("storage", &["domain"]),
    ("service", &["clock", "domain", "entropy", "heartbeat", "jose", "seal", "storage", "tlog"]),
    ("preconditions", &["service", "storage"]),
    ("outbox", &["domain", "heartbeat", "service", "storage"]),
    ("webhooks", &["domain", "outbox", "service", "wire"]),
    ("server", &[]),
    (
        "api",
        &["bodies", "domain", "gateway::approval", "gateway::formats", "jose", "server", "service", "wire"],
    ),
    ("slack::view", &["domain"]),
    ("slack::scopes", &[]),
    ("slack::web_api", &["domain", "service"]),
    ("slack::outbound", &["clock", "domain", "outbox", "service", "slack::view", "slack::web_api"]),
    ("slack::inbound", &["bodies", "clock", "domain", "entropy", "slack::web_api"]),
    (
        "slack::handlers",
        &["domain", "service", "slack::inbound", "slack::outbound", "slack::view", "slack::web_api"],
    ),
    ("slack::oauth", &["entropy", "service", "slack::scopes", "slack::view", "slack::web_api"]),
    (
        "slack::manifest",
        &["slack::handlers", "slack::inbound", "slack::oauth", "slack::outbound", "slack::scopes"],
    ),
    ("jobs", &["domain", "heartbeat", "log_files", "service", "slack::web_api", "tlog"]),
    ("delivery", &["outbox", "service", "slack::outbound", "webhooks"]),
    ("config", &["domain", "seal", "slack::oauth", "slack::web_api", "storage"]),
    ("gateway::approval", &["domain"]),
    ("gateway::formats", &["domain", "gateway::approval"]),
    ("gateway", &["domain", "entropy", "gateway::approval", "gateway::formats"]),
    // These put the parts together.
    ("app", &["*"]),
    ("doctor", &["*"]),
    ("cli", &["*"]),
];

fn named(module: &Module) -> String {
    module.join("::")
}

/// The entry of [`MAY_KNOW`] that a file belongs to.
fn room(module: &Module) -> Option<&'static str> {
    let name = named(module);
    let fits =
        |room: &&str| name.strip_prefix(*room).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    MAY_KNOW.iter().map(|(room, _)| *room).filter(fits).max_by_key(|room| room.len())
}

#[test]
fn modules_import_only_what_they_may() {
    let mut faults = Vec::new();
    for (file, imported) in graph() {
        let own = room(&file);
        // The root and the folders that only declare their rooms.
        let Some(own) = own else { continue };
        let allowed = MAY_KNOW.iter().find(|(room, _)| *room == own).unwrap().1;
        for other in imported.iter().filter_map(room) {
            if other != own && !allowed.contains(&other) && !allowed.contains(&"*") {
                faults.push(format!("{} imports from {other}", named(&file)));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// What the adapters may import from the domain: what the public API says, and nothing that is decided behind it.
const PUBLIC: &[&str] = &[
    "domain::arguments",
    "domain::ids",
    "domain::outcome",
    "domain::results",
    "domain::text",
    "domain::tool_key",
];

/// What the import of tools also knows: how the catalog describes actions.
const DESCRIPTIONS: &[&str] =
    &["domain::catalog", "domain::field_hints", "domain::input_schema", "domain::labels", "domain::risk"];

#[test]
fn the_gateway_knows_only_the_public_api() {
    let files = graph().into_iter().filter(|(file, _)| file.first().is_some_and(|name| name == "gateway"));
    let mut seen = false;
    for (file, imported) in files {
        seen = true;
        for other in imported.iter().map(named).filter(|name| name.starts_with("domain::")) {
            let describes = named(&file) == "gateway::mcp::tools" && DESCRIPTIONS.contains(&other.as_str());
            assert!(describes || PUBLIC.contains(&other.as_str()), "{} imports {other}", named(&file));
        }
    }
    assert!(seen);
}

#[test]
fn every_module_has_a_rule() {
    let rooms: BTreeSet<Module> = graph().into_keys().filter(|module| !module.is_empty()).collect();
    let without: Vec<String> =
        rooms.iter().filter(|module| *module != &["slack"] && room(module).is_none()).map(named).collect();
    assert!(without.is_empty(), "add to MAY_KNOW: {without:?}");
    for (room, _) in MAY_KNOW {
        let exists = rooms.iter().any(|module| named(module) == *room);
        assert!(exists, "MAY_KNOW names {room}, which does not exist");
    }
}

fn reach<'a>(from: &'a str, rules: &BTreeMap<&'a str, &'a [&'a str]>, way: &mut Vec<&'a str>) {
    assert!(!way.contains(&from), "a circle of rules: {way:?}, {from}");
    way.push(from);
    for next in rules.get(from).copied().unwrap_or_default().iter().filter(|next| **next != "*") {
        reach(next, rules, way);
    }
    way.pop();
}

#[test]
fn the_rules_lead_one_way() {
    let rules: BTreeMap<&str, &[&str]> = MAY_KNOW.iter().copied().collect();
    for room in rules.keys() {
        reach(room, &rules, &mut Vec::new());
    }
}

#[test]
fn no_files_import_each_other() {
    let graph = graph();
    let circles = circles(&graph);
    assert!(circles.is_empty(), "these files import each other: {circles:#?}");
}

/// The groups of files that reach each other (Tarjan's strongly connected components, by reachability: the graph is
/// small).
fn circles(graph: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<Vec<String>> {
    let reachable = |from: &Module| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&Module> = graph[from].iter().collect();
        while let Some(module) = next.pop() {
            if seen.insert(module) {
                next.extend(graph.get(module).into_iter().flatten());
            }
        }
        seen
    };
    let reach: BTreeMap<&Module, BTreeSet<&Module>> =
        graph.keys().map(|module| (module, reachable(module))).collect();
    let mut found: Vec<Vec<String>> = Vec::new();
    for (module, reached) in &reach {
        if !reached.contains(module) || found.iter().flatten().any(|name| *name == named(module)) {
            continue;
        }
        let others = reach.iter().filter(|(other, back)| reached.contains(*other) && back.contains(*module));
        found.push(others.map(|(other, _)| named(other)).collect());
    }
    found
}

/// The source below a folder of `src`, file by file, without comments.
fn source(folder: &str) -> Vec<(String, String)> {
    let root = root();
    let read = |path: std::path::PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        (path.strip_prefix(&root).unwrap().display().to_string(), code.join("\n"))
    };
    files(&root.join(folder)).into_iter().map(read).collect()
}

/// Asserts that no file of these folders contains one of these words.
fn assert_without(folders: &[&str], words: &[&str]) {
    for folder in folders {
        let files = source(folder);
        assert!(!files.is_empty(), "there is no folder {folder}");
        for (file, code) in files {
            for word in words {
                assert!(!code.contains(word), "{file} contains `{word}`");
            }
        }
    }
}

#[test]
fn the_domain_does_no_input_or_output() {
    let words = ["sqlx", "axum", "reqwest", "tokio", "async ", "Utc::now", "std::fs", "std::net"];
    assert_without(&["domain", "slack/view", "gateway/formats"], &words);
}

#[test]
fn only_storage_contains_sql() {
    let words = ["sqlx::query", "SELECT ", "INSERT INTO ", "DELETE FROM ", " SET "];
    assert_without(
        &["api", "cli", "domain", "doctor", "jobs", "outbox", "service", "slack", "webhooks", "wire"],
        &words,
    );
}

#[test]
fn use_cases_do_no_http() {
    assert_without(&["service"], &["axum", "reqwest", "slack_morphism"]);
}

#[test]
fn the_service_and_the_sandbox_share_no_code() {
    for (file, code) in source("") {
        for word in ["sandbox::", "testkit::"] {
            assert!(!code.contains(word), "{file} contains `{word}`");
        }
    }
    for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("sandbox/src")) {
        let code = fs::read_to_string(&path).unwrap();
        for word in ["use countersign", "testkit::"] {
            assert!(!code.contains(word), "{} contains `{word}`", path.display());
        }
    }
}

#[test]
fn every_way_to_refer_to_a_module_is_seen() {
    let modules: BTreeSet<Module> =
        [vec![], vec!["a"], vec!["a", "b"], vec!["storage"], vec!["storage", "ask"]]
            .into_iter()
            .map(|module: Vec<&str>| module.into_iter().map(str::to_owned).collect())
            .collect();
    let own: Module = vec!["a".to_owned(), "b".to_owned()];
    let seen = |source: &str| -> Vec<String> {
        references(&own, source, &modules)
            .iter()
            .map(named)
            .filter(|name| name.starts_with("storage"))
            .collect()
    };
    for source in [
        "use crate::storage::ask::load;",
        "use super::super::storage::ask::load;",
        "use crate::{a, storage::{ask::{self}}};",
        "use crate::storage::ask as other; fn f() { other::load() }",
        "fn f() { crate::storage::ask::load() }",
        "fn f() -> super::super::storage::ask::Row { todo!() }",
        "fn f() { println!(\"{}\", crate::storage::ask::load()) }",
        "mod inner { fn f() { super::super::super::storage::ask::load() } }",
    ] {
        assert_eq!(seen(source), ["storage::ask"], "{source}");
    }
    assert_eq!(seen("use crate::storage; fn f() { storage::ask::load() }"), ["storage", "storage::ask"]);
    assert!(seen("#[cfg(test)] mod tests { use crate::storage::ask; }").is_empty());
    assert!(seen("// crate::storage::ask\nuse crate::storage_of_another::ask;").is_empty());
}

#[test]
fn one_file_writes_the_audit_and_the_outbox() {
    // The statements of the hot paths write effects together with the state. They bind rows that effects.rs built.
    let bind = ["storage/statements/create_approval/save.rs", "storage/statements/decide.rs"];
    for (file, code) in source("") {
        let is_bound = bind.contains(&file.as_str());
        if file == "storage/effects.rs" {
            continue;
        }
        for statement in ["INSERT INTO audit ", "INSERT INTO outbox "] {
            assert!(is_bound || !code.contains(statement), "{file} contains `{statement}`");
        }
        for writer in ["AuditRow", "OutboxRow"] {
            assert!(!code.contains(writer), "{file} builds rows of its own: `{writer}`");
        }
        assert!(is_bound || !code.contains("unwritten.bind("), "{file} takes effects and may drop them");
        if is_bound {
            assert_eq!(code.matches("unwritten.bind(").count(), 1, "{file}");
        }
    }
}

#[test]
fn a_transaction_ends_as_a_unit_of_work() {
    for (file, code) in source("") {
        if file == "service/unit_of_work.rs" || file.starts_with("storage/") {
            continue;
        }
        for word in ["db.begin()", "tx.commit()", "unwritten.write(", "Unwritten::new("] {
            // The readiness check rolls back what it writes.
            if (file.as_str(), word) == ("service/ready.rs", "db.begin()") {
                continue;
            }
            assert!(!code.contains(word), "{file} contains `{word}`: effects may be left unwritten");
        }
    }
}

#[test]
fn one_module_opens_connections() {
    for (file, code) in source("") {
        if file.starts_with("storage/db/") || file == "outbox/listener.rs" {
            continue;
        }
        for word in ["sqlx::PgConnection", "PgPool", "PgListener", "sqlx::Pool", "ConnectOptions"] {
            assert!(
                !code.contains(word),
                "{file} contains `{word}`: its statements would have no time limit"
            );
        }
    }
}
