//! Runs the statements of an ask, taken from .sqlx/, with pgbench: the limit that Postgres itself sets.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};

use crate::world::{USERS, World};

/// Runs pgbench if the machine has it, and prints its line of the table.
pub(crate) async fn run(world: &World, clients: usize, seconds: u64) {
    let name = "the same statements (pgbench)";
    let script = std::env::temp_dir().join(format!("countersign-ask-{}.sql", std::process::id()));
    fs::write(&script, ask(world).await).unwrap();
    let output = Command::new("pgbench")
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--log", "--log-prefix"])
        .arg(script.with_extension("log"))
        .args(["--client", &clients.to_string(), "--time", &seconds.to_string()])
        .arg("--file")
        .arg(&script)
        .arg(world.database_url())
        .output();
    let _ = fs::remove_file(&script);
    let Ok(output) = output else {
        println!("{name:42} pgbench is not on the PATH");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate =
        text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse::<f64>().ok());
    let Some(rate) = rate else {
        println!("{name:42} failed: {}", String::from_utf8_lossy(&output.stderr));
        return;
    };
    let mut each = latencies(&script);
    each.sort_by(f64::total_cmp);
    let at = |fraction: f64| {
        let index = ((each.len() as f64 * fraction) as usize).min(each.len().saturating_sub(1));
        each.get(index).copied().unwrap_or_default() / 1000.0
    };
    println!("{name:42} {rate:>8.0} {:>9.2} {:>9.2} {:>9.2}", at(0.5), at(0.99), at(1.0));
}

/// Reads the microseconds of each transaction from pgbench's logs, and deletes those.
fn latencies(script: &Path) -> Vec<f64> {
    let prefix = script.with_extension("log").file_name().unwrap().to_string_lossy().into_owned();
    let mut each = Vec::new();
    for entry in fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            each.extend(text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok()));
            let _ = fs::remove_file(entry.path());
        }
    }
    each
}

/// The transaction of an ask: begin, read and lock, write, commit.
async fn ask(world: &World) -> String {
    let db = sqlx::PgPool::connect(world.database_url()).await.unwrap();
    let (key, workspace, backend): (String, String, String) =
        sqlx::query_as("SELECT k.id::text, b.workspace_id::text, b.id::text FROM api_keys k JOIN backends b ON b.id = k.backend_id")
            .fetch_one(&db)
            .await
            .unwrap();
    let (action, action_key): (String, String) =
        sqlx::query_as("SELECT id::text, key FROM actions WHERE unlocked_at IS NOT NULL")
            .fetch_one(&db)
            .await
            .unwrap();
    db.close().await;
    let quoted = |text: &str| format!("'{text}'");
    let user = "'U0LOAD' || lpad((:number)::text, 3, '0')";
    let conversation = "'bench-' || (:run)::text";
    let load = fill(
        "FROM api_keys k\n           JOIN backends b",
        &[
            (1, quoted(&key)),
            (3, quoted("postgres")),
            (4, quoted(&action_key)),
            (5, user.to_owned()),
            (6, conversation.to_owned()),
            (7, "now() - interval '30 days'".to_owned()),
        ],
    );
    let grant = format!("SELECT id FROM grants WHERE user_id = {user} AND revoked_at IS NULL");
    let entry = json!([{
        "workspace_id": workspace, "actor_kind": "service", "what": "approval.approved",
        "subject": "postgres", "after": { "by": "auto" },
    }]);
    let request = crate::world::request("U0LOAD000", "bench");
    let arguments = request["arguments"].to_string().replace('\'', "''");
    let save = fill(
        "WITH seen AS",
        &[
            (1, "gen_random_uuid()".to_owned()),
            (2, quoted(&workspace)),
            (3, quoted(&backend)),
            (4, user.to_owned()),
            (5, quoted("atlas")),
            (6, quoted("Atlas")),
            (7, conversation.to_owned()),
            (8, quoted("Nightly report")),
            (10, quoted(&action)),
            (12, quoted(&arguments)),
            (13, "sha256('x')".to_owned()),
            (14, quoted("The nightly report needs the orders of yesterday")),
            (18, "now()".to_owned()),
            (19, "now() + interval '30 minutes'".to_owned()),
            (21, "sha256('y')".to_owned()),
            (22, quoted("approved")),
            (23, quoted("always")),
            (24, quoted("auto")),
            (25, grant.clone()),
            (26, "now()".to_owned()),
            (27, grant),
            (28, quoted(&entry.to_string())),
        ],
    );
    let last = USERS - 1;
    format!(
        "\\set number random(0, {last})\n\\set run random(0, 1000000000)\nBEGIN;\n{load};\n{save};\nCOMMIT;\n"
    )
}

/// The statement that contains a text, its parameters replaced by values, or by nothing of their type.
fn fill(containing: &str, values: &[(usize, String)]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let found: Value = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| serde_json::from_str(&fs::read_to_string(entry.path()).unwrap()).unwrap())
        .find(|query: &Value| {
            query["query"].as_str().is_some_and(|text| {
                text.contains(containing) && text.contains("LATERAL") == containing.contains("api_keys")
            })
        })
        .unwrap();
    let types = found["describe"]["parameters"]["Left"].as_array().unwrap();
    let mut text = found["query"].as_str().unwrap().to_owned();
    // From the last to the first, so that $1 is not found in $12.
    for (index, kind) in types.iter().enumerate().rev() {
        let number = index + 1;
        let kind = kind.as_str().unwrap().to_lowercase().replace("array", "[]");
        let given = values.iter().find(|(found, _)| *found == number).map(|(_, value)| value.clone());
        let value =
            given.unwrap_or_else(|| if kind.ends_with("[]") { "'{}'".to_owned() } else { "NULL".to_owned() });
        text = text.replace(&format!("${number}"), &format!("({value})::{kind}"));
    }
    // pgbench reads a colon before a letter as a variable of its own.
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("--"));
    lines.collect::<Vec<_>>().join(" ")
}
