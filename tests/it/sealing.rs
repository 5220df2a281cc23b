//! The log that seals the audit: how entries get into it, and what an auditor finds who kept a checkpoint.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign::{
    domain::sealing::Record,
    jobs::log_export,
    jose::keys::{PrivateKey, PublicKey},
    log_files::verify::{self, Keys, Report, Since},
    service::{
        sealing::{self, Last},
        signing::{self, DatabaseKeys},
    },
    tlog::{
        merkle::{self, Frontier, Hash},
        note::{self, Checkpoint, Verifier},
        proof::Proof,
    },
};
use futures::future::join_all;
use sqlx::AssertSqlSafe;

use crate::{
    cli::{countersign, on, said},
    failures::{Process, real_time},
    story::{ALICE, TestApp, story},
};

const ACTION: &str = "github.create_issue";
const ADDRESS: &str = "https://countersign.example.com";

/// Seals and signs until every entry is in the log.
pub async fn seal(s: &TestApp) -> Last {
    loop {
        sealing::seal(&s.service, ADDRESS).await.unwrap();
        sealing::sign(&s.service, &DatabaseKeys).await.unwrap();
        let (entries, last) = (count(s, "audit").await, sealing::last_checkpoint(&s.service).await.unwrap());
        if let Some(last) = last.filter(|last| last.checkpoint.size == entries) {
            return last;
        }
        tokio::task::yield_now().await;
    }
}

async fn count(s: &TestApp, table: &str) -> u64 {
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
        .fetch_one(&s.service.db)
        .await
        .unwrap();
    count.unsigned_abs()
}

/// As a superuser who makes triggers stand aside.
async fn tamper(s: &TestApp, statements: &str) {
    let all = format!("BEGIN; SET LOCAL session_replication_role = replica; {statements}; COMMIT");
    sqlx::raw_sql(AssertSqlSafe(all)).execute(&s.service.db).await.unwrap();
}

/// Entries of an action that was asked for and approved, and more of them.
async fn write_entries(s: &TestApp, more: usize) {
    s.open(ACTION).await;
    let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
    assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
    s.received_webhook(&id).await;
    let many = format!(
        "INSERT INTO audit (workspace_id, at, actor_kind, actor, what, approval_id, subject, before, after)
         SELECT w.id, '2026-09-21T08:00:00Z'::timestamptz + n * interval '1 s', 'user', 'U0' || n, 'admin.refused',
             gen_random_uuid(), 'github.create_issue', NULL, jsonb_build_object('user', 'U0ALICE', 'n', n)
         FROM workspaces w, generate_series(1, {more}) n WHERE w.slack_id = 'T0SANDBOX'"
    );
    sqlx::raw_sql(AssertSqlSafe(many)).execute(&s.service.db).await.unwrap();
}

fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("countersign-log-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    path
}

async fn keys(s: &TestApp) -> Keys {
    let service = signing::published(&s.service, &DatabaseKeys).await.unwrap();
    Keys { service, ..Keys::default() }
}

fn since(last: &Last) -> Since {
    Since { name: "the kept checkpoint".to_owned(), checkpoint: last.checkpoint.clone() }
}

/// What an auditor finds in a new export.
async fn audited(s: &TestApp, keys: &Keys, kept: &[Since]) -> Report {
    let directory = directory("audited");
    log_export::copy(&s.service, &directory).await.unwrap();
    let report = verify::verify(&directory, keys, kept, 0).unwrap();
    fs::remove_dir_all(directory).unwrap();
    report
}

fn faults(report: &Report) -> Vec<String> {
    report.faults.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_sealed_in_the_order_of_the_export() {
    story(async |s| {
        write_entries(s, 300).await;
        let last = seal(s).await;
        let order: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT l.number, row_number() OVER (ORDER BY a.era, a.txid, a.id) - 1 FROM audit a JOIN audit_leaves l
             ON l.audit_id = a.id ORDER BY l.number",
        )
        .fetch_all(&s.service.db)
        .await
        .unwrap();
        assert_eq!(order.len() as u64, last.checkpoint.size);
        assert!(order.iter().zip(0..).all(|((number, place), expected)| number == place && *number == expected));
        // The checkpoint is what the records lead to, and a published key signed it.
        let part = sealing::entries(&s.service, 0..last.checkpoint.size).await.unwrap();
        let mut tree = Frontier::default();
        for line in part.lines(0) {
            let (record, opening) = line.unwrap();
            let text = String::from_utf8(record.clone()).unwrap();
            assert!(!text.contains("U0ALICE"), "a record names no person: {text}");
            assert_eq!(Record::read(&record).unwrap().changed(&opening), []);
            tree.push(Hash::of_leaf(&record), |_, _| {});
        }
        assert_eq!(tree.root(), last.checkpoint.root);
        let keys = keys(s).await;
        assert_eq!(keys.open(&last.signed).unwrap().checkpoint, last.checkpoint);
        assert!(last.checkpoint.origin.starts_with("countersign"), "{}", last.checkpoint.origin);
        // With nothing new, nothing changes.
        sealing::seal(&s.service, ADDRESS).await.unwrap();
        sealing::sign(&s.service, &DatabaseKeys).await.unwrap();
        assert_eq!(sealing::last_checkpoint(&s.service).await.unwrap(), Some(last));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_waits_for_an_earlier_transaction() {
    story(async |s| {
        seal(s).await;
        let insert = "INSERT INTO audit (workspace_id, at, actor_kind, what) SELECT id, now(), 'service', $1 FROM workspaces LIMIT 1";
        let mut open = s.service.db.begin().await.unwrap();
        sqlx::query(insert).bind("grant.given").execute(&mut *open).await.unwrap();
        sqlx::query(insert).bind("grant.revoked").execute(&s.service.db).await.unwrap();
        let sealed = count(s, "audit_leaves").await;
        for _ in 0..3 {
            sealing::seal(&s.service, ADDRESS).await.unwrap();
        }
        assert_eq!(count(s, "audit_leaves").await, sealed, "neither is sealed");
        open.commit().await.unwrap();
        let last = seal(s).await;
        let newest = sealing::entries(&s.service, last.checkpoint.size - 2..last.checkpoint.size).await.unwrap();
        let what: Vec<String> = newest.entries.into_iter().map(|entry| entry.unwrap().what).collect();
        assert_eq!(what, ["grant.given", "grant.revoked"]);
    })
    .await;
}

/// A kind of change that a database superuser can make, and what an auditor reads then.
struct Kind {
    name: &'static str,
    sql: &'static str,
    /// Whether the log is built and signed again with the service's own key.
    resealed: bool,
    found: &'static str,
}

const fn kind(name: &'static str, sql: &'static str, found: &'static str) -> Kind {
    Kind { name, sql, resealed: false, found }
}

const fn resealed(name: &'static str, sql: &'static str, found: &'static str) -> Kind {
    Kind { name, sql, resealed: true, found }
}

/// Deletes the log, but for its name: it is sealed from the beginning.
const UNSEAL: &str = "DELETE FROM audit_leaves; DELETE FROM audit_nodes;
    UPDATE audit_log SET size = 0, frontier = '', era = 0, txid = '0', entry = 0, checkpoint_size = 0, checkpoint = NULL";

/// The entry with the number 40.
const FORTY: &str = "(SELECT audit_id FROM audit_leaves WHERE number = 40)";
const REWRITTEN: &str =
    "The log was rewritten: the first 310 entries are not those that the kept checkpoint sealed.";

const KINDS: &[Kind] = &[
    kind("what happened", "UPDATE audit SET what = 'approval.denied' WHERE id = FORTY", "Entry 40 was changed after it was sealed."),
    kind("when", "UPDATE audit SET at = at + interval '1 s' WHERE id = FORTY", "Entry 40 was changed after it was sealed."),
    kind("who", "UPDATE audit SET actor = 'U0MALLORY' WHERE id = FORTY", "Entry 40 was changed after it was sealed."),
    kind("which kind of actor", "UPDATE audit SET actor_kind = 'service' WHERE id = FORTY", "Entry 40 was changed after it was sealed."),
    kind("about what", "UPDATE audit SET subject = 'github.delete_repository' WHERE id = FORTY", "Entry 40 was changed after it was sealed."),
    kind("how it was before", "UPDATE audit SET before = '{}' WHERE id = FORTY", "Entry 40 was changed after it was sealed."),
    kind("how it was after", "UPDATE audit SET after = '{\"user\":\"U0BOB\"}' WHERE id = FORTY", "Entry 40 was changed after it was sealed."),
    kind("which approval", "UPDATE audit SET approval_id = gen_random_uuid() WHERE id = FORTY", "Entry 40 was changed after it was sealed."),
    kind("which grant", "UPDATE audit SET grant_id = gen_random_uuid() WHERE id = FORTY", "Entry 40 was changed after it was sealed."),
    kind("which workspace", "UPDATE audit SET workspace_id = gen_random_uuid() WHERE id = FORTY", "Entry 40 was changed after it was sealed."),
    kind("its place in the audit", "UPDATE audit SET txid = '3' WHERE id = FORTY", "Entry 40 was changed after it was sealed."),
    kind("its salt", "UPDATE audit_leaves SET salt = '0123456789abcdef' WHERE number = 40", "Entry 40 was changed after it was sealed."),
    kind("an entry is deleted", "DELETE FROM audit WHERE id = FORTY", "Entry 40 is missing."),
    kind("an entry and its hash are deleted", "DELETE FROM audit WHERE id = FORTY; DELETE FROM audit_leaves WHERE number = 40", "Entry 40 is missing."),
    kind("two entries change places",
        "CREATE TEMP TABLE moved ON COMMIT DROP AS SELECT number, audit_id, salt FROM audit_leaves WHERE number IN (41, 42);
         UPDATE audit_leaves SET audit_id = -number WHERE number IN (41, 42);
         UPDATE audit_leaves l SET audit_id = m.audit_id, salt = m.salt FROM moved m WHERE m.number = 83 - l.number", "Entry 41 was changed after it was sealed."),
    kind("two hashes change places too",
        "CREATE TEMP TABLE moved ON COMMIT DROP AS SELECT * FROM audit_leaves WHERE number IN (41, 42);
         DELETE FROM audit_leaves WHERE number IN (41, 42);
         INSERT INTO audit_leaves SELECT 83 - number, audit_id, approval_id, salt, hash FROM moved",
        "Entry 42 is not in the order of the audit."),
    kind("an entry is put among the others",
        "INSERT INTO audit (txid, workspace_id, at, actor_kind, what) SELECT (txid::text::bigint - 1)::text::xid8, workspace_id, at, 'service', 'grant.given' FROM audit WHERE id = FORTY",
        "(\"grant.given\") was put among sealed entries, and is not sealed."),
    kind("a hash", "UPDATE audit_leaves SET hash = sha256('x') WHERE number = 40", "Entry 40 was changed after it was sealed."),
    kind("a hash above", "UPDATE audit_nodes SET hash = sha256('x')", "The hashes of entries 0 to 255 are missing or were changed (level 1)."),
    kind("a hash above is deleted", "DELETE FROM audit_nodes", "The hashes of entries 0 to 255 are missing or were changed (level 1)."),
    kind("the checkpoint's size", "UPDATE audit_log SET checkpoint = replace(checkpoint, E'\\n310\\n', E'\\n309\\n')", "The checkpoint is not valid: the signature of"),
    resealed("an entry, and all hashes", "UPDATE audit SET what = 'approval.denied' WHERE id = FORTY", REWRITTEN),
    resealed("an entry is deleted, and all hashes are new", "DELETE FROM audit WHERE id = FORTY", "Entries are missing at the end: the kept checkpoint sealed 310 of them."),
    resealed("an entry is deleted, another added, and all hashes are new",
        "INSERT INTO audit (txid, workspace_id, at, actor_kind, what) SELECT (txid::text::bigint - 1)::text::xid8, workspace_id, at, 'service', 'grant.given' FROM audit WHERE id = FORTY;
         DELETE FROM audit WHERE id = FORTY", REWRITTEN),
    resealed("the last entries are deleted", "DELETE FROM audit WHERE id IN (SELECT audit_id FROM audit_leaves WHERE number > 300)",
        "Entries are missing at the end: the kept checkpoint sealed 310 of them."),
    resealed("all entries are sealed in another order",
        "UPDATE audit SET txid = (SELECT max(txid) FROM audit) WHERE id = FORTY", REWRITTEN),
    resealed("the salts are new", "SELECT 1", REWRITTEN),
    resealed("the log begins again under another name", "DELETE FROM audit_log", "the kept checkpoint is a checkpoint of another log"),
    resealed("the key is replaced", "DELETE FROM signing_keys", "The checkpoint is not valid: no known key has signed it."),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_change_by_a_superuser_is_found() {
    story(async |s| {
        write_entries(s, 320).await;
        s.stop().await;
        let entries = count(s, "audit").await;
        let spare = entries.checked_sub(310);
        // Exactly 310 entries, so that the table can name them.
        tamper(
            s,
            &format!(
                "DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY id DESC LIMIT {})",
                spare.unwrap()
            ),
        )
        .await;
        tamper(s, UNSEAL).await;
        let kept = seal(s).await;
        assert_eq!(kept.checkpoint.size, 310);
        let (keys, kept) = (keys(s).await, [since(&kept)]);
        let good = audited(s, &keys, &kept).await;
        assert!(good.is_valid(), "{:?}", faults(&good));
        assert_eq!((good.entries, good.unsealed.len()), (310, 0));
        let tables = ["audit", "audit_leaves", "audit_nodes", "audit_log", "signing_keys"];
        for table in tables {
            tamper(s, &format!("CREATE TABLE kept_{table} AS TABLE {table}")).await;
        }
        for Kind { name, sql, resealed, found } in KINDS {
            tamper(s, &sql.replace("FORTY", FORTY)).await;
            if *resealed {
                tamper(s, UNSEAL).await;
                seal(s).await;
            }
            let report = audited(s, &keys, &kept).await;
            let all = faults(&report);
            assert!(all.iter().any(|fault| fault.contains(found)), "{name}: {all:#?}");
            for table in tables {
                tamper(s, &format!("DELETE FROM {table}; INSERT INTO {table} TABLE kept_{table}")).await;
            }
        }
        assert!(KINDS.len() >= 12);
        let again = audited(s, &keys, &kept).await;
        assert!(again.is_valid(), "{:?}", faults(&again));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_grows_with_the_log_and_stays_verifiable() {
    story(async |s| {
        write_entries(s, 200).await;
        s.stop().await;
        let (directory, keys) = (directory("grows"), keys(s).await);
        let mut kept = Vec::new();
        for more in [0, 1, 60, 255, 256, 257, 600] {
            write_more(s, more).await;
            let last = seal(s).await;
            log_export::copy(&s.service, &directory).await.unwrap();
            kept.push(since(&last));
            let report = verify::verify(&directory, &keys, &kept, 0).unwrap();
            assert!(report.is_valid(), "{:?}", faults(&report));
            assert_eq!(report.entries, last.checkpoint.size);
        }
        // The same as an export that was made at once.
        let whole = self::directory("whole");
        log_export::copy(&s.service, &whole).await.unwrap();
        let (grown, whole) = (files(&directory), files(&whole));
        for (path, content) in &whole {
            assert_eq!(grown.get(path), Some(content), "{}", path.display());
        }
        // Entries that were written since are named, and nothing is claimed of them.
        write_more(s, 2).await;
        log_export::copy(&s.service, &directory).await.unwrap();
        let report = verify::verify(&directory, &keys, &kept, 0).unwrap();
        assert!(report.is_valid(), "{:?}", faults(&report));
        assert_eq!(report.unsealed.len(), 2, "{:?}", report.unsealed);
        fs::remove_dir_all(directory).unwrap();
    })
    .await;
}

async fn write_more(s: &TestApp, count: usize) {
    let sql = format!(
        "INSERT INTO audit (workspace_id, at, actor_kind, what, after) SELECT w.id, now(), 'service', 'grant.given', '{{}}'
         FROM workspaces w, generate_series(1, {count}) WHERE w.slack_id = 'T0SANDBOX'"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&s.service.db).await.unwrap();
}

fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![directory.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(directory).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_changed_file_of_an_export_is_found() {
    story(async |s| {
        write_entries(s, 300).await;
        s.stop().await;
        let (kept, keys, directory) = (since(&seal(s).await), keys(s).await, directory("files"));
        log_export::copy(&s.service, &directory).await.unwrap();
        let verified = || verify::verify(&directory, &keys, std::slice::from_ref(&kept), 0);
        assert!(verified().unwrap().is_valid());
        let all = files(&directory);
        assert!(all.len() >= 8, "{:?}", all.keys());
        for (path, content) in all.iter().filter(|(_, content)| !content.is_empty()) {
            let file = directory.join(path);
            let mut changes = vec![content[..content.len() - 2].to_vec(), Vec::new()];
            for at in [0, content.len() / 3, content.len() / 2, content.len() - 2] {
                let mut flipped = content.clone();
                flipped[at] ^= 1;
                changes.push(flipped);
            }
            changes.push([&content[..], &content[..]].concat());
            for (number, changed) in changes.iter().enumerate() {
                fs::write(&file, changed).unwrap();
                let report = verified();
                assert!(report.is_err() || !report.unwrap().is_valid(), "{} {number}", path.display());
            }
            fs::remove_file(&file).unwrap();
            let report = verified();
            assert!(report.is_err() || !report.unwrap().is_valid(), "{} is gone", path.display());
            fs::write(&file, content).unwrap();
        }
        assert!(verified().unwrap().is_valid());
        fs::remove_dir_all(directory).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_lost_sealed_entries_signs_nothing() {
    story(async |s| {
        write_entries(s, 20).await;
        s.stop().await;
        seal(s).await;
        for table in ["audit", "audit_leaves", "audit_nodes", "audit_log"] {
            tamper(s, &format!("CREATE TABLE kept_{table} AS TABLE {table}")).await;
        }
        write_more(s, 5).await;
        let (last, directory) = (seal(s).await, directory("lost"));
        log_export::copy(&s.service, &directory).await.unwrap();
        // An older backup is restored, and life goes on.
        for table in ["audit", "audit_leaves", "audit_nodes", "audit_log"] {
            tamper(s, &format!("DELETE FROM {table}; INSERT INTO {table} TABLE kept_{table}")).await;
        }
        write_more(s, 9).await;
        sealing::seal(&s.service, ADDRESS).await.unwrap();
        let older = sealing::last_checkpoint(&s.service).await.unwrap();
        let refused = log_export::open(&s.service, &directory, older.as_ref(), &last.checkpoint.origin).await;
        let why = refused.unwrap_err().to_string();
        assert!(why.contains("restored from an older backup"), "{why}");
        // Another log begins, and the directory keeps the old one.
        sealing::restart(&s.service).await.unwrap();
        let new = seal(s).await;
        assert_ne!(new.checkpoint.origin, last.checkpoint.origin);
        let refused = log_export::copy(&s.service, &directory).await.unwrap_err().to_string();
        assert!(refused.contains("export to another directory"), "{refused}");
        fs::remove_dir_all(directory).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_sealers_at_once_leave_no_gap_and_no_fork() {
    story(async |s| {
        write_entries(s, 50).await;
        let seen = std::sync::Mutex::new(Vec::<Checkpoint>::new());
        let sealers = (0..6).map(async |_| {
            for _ in 0..25 {
                let _ = sealing::seal(&s.service, ADDRESS).await;
                let _ = sealing::sign(&s.service, &DatabaseKeys).await;
                let last = sealing::last_checkpoint(&s.service).await.unwrap();
                seen.lock().unwrap().extend(last.map(|last| last.checkpoint));
            }
        });
        let writers = (0..4).map(async |_| {
            for _ in 0..25 {
                write_more(s, 7).await;
            }
        });
        futures::join!(join_all(sealers), join_all(writers));
        let last = seal(s).await;
        seen.lock().unwrap().push(last.checkpoint.clone());
        let seen = seen.into_inner().unwrap();
        no_gap_and_no_fork(s, &seen).await;
        assert_eq!(last.checkpoint.size, count(s, "audit").await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sealers_that_stop_anywhere_leave_no_gap_and_no_fork() {
    story(async |s| {
        write_entries(s, 10).await;
        s.stop().await;
        let mut seen = vec![seal(s).await.checkpoint];
        for round in 0..120_u64 {
            write_more(s, 3 + usize::try_from(round % 7).unwrap()).await;
            let sealers = [0, 1].map(|_| {
                let service = s.service.clone();
                tokio::spawn(async move {
                    let _ = sealing::seal(&service, ADDRESS).await;
                    let _ = sealing::sign(&service, &DatabaseKeys).await;
                })
            });
            tokio::time::sleep(Duration::from_micros(round * 173 % 14_000)).await;
            for sealer in sealers {
                sealer.abort();
                let _ = sealer.await;
            }
            seen.extend(sealing::last_checkpoint(&s.service).await.unwrap().map(|last| last.checkpoint));
        }
        seen.push(seal(s).await.checkpoint);
        no_gap_and_no_fork(s, &seen).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_of_two_instances_while_they_seal_leaves_no_gap_and_no_fork() {
    story(async |s| {
        write_entries(s, 10).await;
        let (slack, _backend) = real_time(s).await;
        let mut seen = vec![seal(s).await.checkpoint];
        for round in 0..4_u64 {
            write_more(s, 30_000).await;
            let before = count(s, "audit_leaves").await;
            let (one, two) = (Process::start(s, &slack), Process::start(s, &slack));
            s.until_so(async || count(s, "audit_leaves").await > before).await;
            tokio::time::sleep(Duration::from_millis(round * 90)).await;
            drop(one);
            two.kill(s).await;
            assert!(count(s, "audit_leaves").await < count(s, "audit").await, "killed while it sealed");
            seen.extend(sealing::last_checkpoint(&s.service).await.unwrap().map(|last| last.checkpoint));
        }
        let process = Process::start(s, &slack);
        let all = count(s, "audit").await;
        s.until_so(async || {
            let last = sealing::last_checkpoint(&s.service).await.unwrap().unwrap();
            last.checkpoint.size >= all
        })
        .await;
        process.kill(s).await;
        seen.push(seal(s).await.checkpoint);
        no_gap_and_no_fork(s, &seen).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_and_receipts_prove_what_is_sealed() {
    story(async |s| {
        write_entries(s, 20).await;
        let (key, _) = s.create_backend("auditor").await;
        let api = s.api().with_key(&key);
        let get = async |path: &str, query: &[(&str, &str)]| {
            api.call(reqwest::Method::GET, &["audit", path], query, None, &[]).await
        };
        let first = seal(s).await;
        let note = get("checkpoint", &[]).await;
        assert_eq!(
            (note.status, note.header("content-type")),
            (200, "text/plain; charset=utf-8"),
            "{note:?}"
        );
        assert_eq!(note.text, first.signed);
        write_more(s, 300).await;
        let last = seal(s).await;
        let size = first.checkpoint.size.to_string();
        let reply = get("consistency", &[("from", &size)]).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let hashes: Vec<Hash> = reply.body["hashes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hash| Hash::from_slice(&STANDARD.decode(hash.as_str().unwrap()).unwrap()).unwrap())
            .collect();
        let (old, new) =
            ((first.checkpoint.size, first.checkpoint.root), (last.checkpoint.size, last.checkpoint.root));
        assert!(merkle::is_consistent(old, new, &hashes));
        assert_eq!(reply.body["checkpoint"], last.signed);
        // Every entry that the audit lists.
        let keys = keys(s).await;
        let log = sealing::verifiers(&last.checkpoint.origin, &keys.service);
        for entry in api.audit(&[("limit", "20")]).await.data() {
            let cursor = entry["cursor"].as_str().unwrap();
            let reply = get("proof", &[("entry", cursor)]).await;
            assert_eq!(reply.status, 200, "{reply:?}");
            let record = reply.body["record"].as_str().unwrap();
            let proof = Proof::parse(reply.body["proof"].as_str().unwrap()).unwrap();
            assert_eq!(
                proof.verify(Hash::of_leaf(record.as_bytes()), &log, &[]).unwrap().checkpoint,
                last.checkpoint
            );
            assert_eq!(Record::read(record.as_bytes()).unwrap().what, entry["what"].as_str().unwrap());
        }
        for (path, query, status) in [
            ("proof", vec![("entry", "MC45OTk5OTk5LjE")], 404),
            ("proof", vec![("entry", "x")], 422),
            ("proof", vec![], 422),
            ("consistency", vec![("from", "0")], 422),
            ("consistency", vec![("from", "99999999")], 404),
            ("consistency", vec![], 422),
            ("checkpoint", vec![("x", "1")], 422),
        ] {
            let reply = get(path, &query).await;
            assert_eq!(reply.status, status, "{path} {query:?}: {reply:?}");
        }
        // A receipt has the proof of its own entry, and the command line checks it.
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-9")).await;
        assert!(s.click(ALICE, &prompt, "Deny").await.is_ok());
        s.received_webhook(&id).await;
        seal(s).await;
        let receipt = s.api().receipt(&id).await.text;
        let folder = directory("receipt");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("receipt"), &receipt).unwrap();
        let jwks = serde_json::json!({ "keys": keys.service.iter().map(PublicKey::jwk).collect::<Vec<_>>() });
        fs::write(folder.join("jwks"), jwks.to_string()).unwrap();
        let files = [folder.join("receipt"), folder.join("jwks")].map(|path| path.display().to_string());
        let output = countersign(&["verify", &files[0], "--jwks", &files[1]]).output().unwrap();
        let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success() && printed.contains("says so: approval.denied at"), "{printed}");
        fs::remove_dir_all(folder).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_exports_and_verifies_the_log() {
    story(async |s| {
        write_entries(s, 30).await;
        s.stop().await;
        let last = seal(s).await;
        let folder = directory("commands");
        fs::create_dir_all(&folder).unwrap();
        let path = |name: &str| folder.join(name).display().to_string();
        let keys = keys(s).await;
        let jwks = serde_json::json!({ "keys": keys.service.iter().map(PublicKey::jwk).collect::<Vec<_>>() });
        fs::write(path("jwks"), jwks.to_string()).unwrap();
        fs::write(path("kept"), &last.signed).unwrap();
        write_more(s, 3).await;
        let log = path("log");
        assert!(said(&mut on(s, &["audit", "export-log", &log])).contains("Exported"));
        let verify = |more: &[&str]| {
            let output = countersign(&[&["audit", "verify", &log], more].concat()).output().unwrap();
            let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            (output.status.code().unwrap(), text)
        };
        let (jwks, kept) = (path("jwks"), path("kept"));
        let (status, text) = verify(&["--jwks", &jwks, "--since", &kept]);
        assert_eq!(status, 0, "{text}");
        assert!(text.contains("It continues") && text.contains("outside of what is proven: 3 entries."), "{text}");
        let log_key = sealing::verifiers(&last.checkpoint.origin, &keys.service)[0].to_string();
        assert_eq!(verify(&["--key", &log_key]).0, 0);
        assert_eq!(verify(&[]).0, 2, "a key is required");
        assert_eq!(verify(&["--key", "x"]).0, 2);
        // A witness' cosignature is accepted, and asked for if its key is given.
        let witness = PrivateKey::from_seed(&[9; 32]).unwrap();
        let verifier = Verifier { name: "witness.example".to_owned(), kind: note::Kind::Witness, key: witness.public() };
        let with_witness = ["--jwks", &jwks, "--witness", &verifier.to_string()];
        let (status, text) = verify(&with_witness);
        assert!(status == 3 && text.contains("witness.example has not cosigned"), "{text}");
        let checkpoint = fs::read_to_string(folder.join("log/checkpoint")).unwrap();
        let (body, _) = checkpoint.split_once("\n\n").unwrap();
        let signature = witness.sign(format!("cosignature/v1\ntime 1790000000\n{body}\n").as_bytes());
        let timed = [&1_790_000_000_u64.to_be_bytes(), signature.as_slice()].concat();
        let line = note::signature_line(&verifier, &timed);
        fs::write(folder.join("log/checkpoint"), format!("{checkpoint}{line}")).unwrap();
        let (status, text) = verify(&with_witness);
        assert!(status == 0 && text.contains("witness.example cosigned the checkpoint."), "{text}");
        // A change is named.
        tamper(s, "UPDATE audit SET actor = 'U0MALLORY' WHERE id = (SELECT audit_id FROM audit_leaves WHERE number = 12)").await;
        fs::remove_dir_all(folder.join("log")).unwrap();
        said(&mut on(s, &["audit", "export-log", &log]));
        let (status, text) = verify(&["--jwks", &jwks, "--since", &kept]);
        assert!(status == 3 && text.contains("- Entry 12 was changed after it was sealed."), "{text}");
        assert_eq!(verify(&["--jwks", &path("none")]).0, 1);
        assert!(said(&mut on(s, &["audit", "begin-log", "--abandon-present-log"])).contains("abandoned"));
        assert_ne!(seal(s).await.checkpoint.origin, last.checkpoint.origin);
        fs::remove_dir_all(folder).unwrap();
    })
    .await;
}

/// The leaves are numbered without gaps, and every checkpoint that was ever seen is a state of the log.
async fn no_gap_and_no_fork(s: &TestApp, seen: &[Checkpoint]) {
    let gaps: i64 = sqlx::query_scalar("SELECT count(*) - coalesce(max(number) + 1, 0) FROM audit_leaves")
        .fetch_one(&s.service.db)
        .await
        .unwrap();
    assert_eq!(gaps, 0);
    let sizes: std::collections::BTreeSet<u64> = seen.iter().map(|checkpoint| checkpoint.size).collect();
    assert!(sizes.len() > 1, "{sizes:?}");
    let mut roots = BTreeMap::new();
    for size in sizes {
        roots.insert(size, sealing::root_at(&s.service, size).await.unwrap());
    }
    for checkpoint in seen {
        assert_eq!(roots[&checkpoint.size], Some(checkpoint.root), "{}", checkpoint.size);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_lead_from_checkpoint_to_checkpoint() {
    story(async |s| {
        write_entries(s, 300).await;
        let first = seal(s).await.checkpoint;
        write_more(s, 217).await;
        let last = seal(s).await;
        let proof = sealing::consistency(&s.service, first.size).await.unwrap().unwrap();
        let (old, new) = ((first.size, first.root), (last.checkpoint.size, last.checkpoint.root));
        assert!(merkle::is_consistent(old, new, &proof.path));
        assert_eq!(sealing::consistency(&s.service, last.checkpoint.size + 1).await.unwrap(), None);
        assert_eq!(sealing::consistency(&s.service, 0).await.unwrap(), None);
        assert_eq!(note::read_unverified(&last.signed), Ok(last.checkpoint));
    })
    .await;
}

/// What sealing and verifying cost.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
#[expect(clippy::print_stderr, reason = "what was measured")]
async fn a_hundred_thousand_entries_are_sealed_and_verified() {
    story(async |s| {
        s.stop().await;
        write_more(s, 100_000).await;
        let directory = directory("measured");
        let began = std::time::Instant::now();
        let last = seal(s).await;
        let sealed = began.elapsed();
        log_export::copy(&s.service, &directory).await.unwrap();
        let exported = began.elapsed();
        let keys = keys(s).await;
        let report = verify::verify(&directory, &keys, &[since(&last)], 0).unwrap();
        assert!(report.is_valid() && report.entries >= 100_000);
        let verified = began.elapsed();
        let (size, path) = (last.checkpoint.size, directory.display());
        eprintln!("{size} entries sealed after {sealed:?}, exported to {path} after {exported:?}, verified after {verified:?}");
    })
    .await;
}
