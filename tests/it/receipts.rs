//! Receipts: signed statements of how approvals ended, and the keys that verify them.

use std::{path::Path, process::Command};

use chrono::TimeDelta;
use countersign::{
    app,
    config::DatabaseConfig,
    domain::arguments::Digest,
    entropy::Entropy,
    jose::jws::{self, Fault, KeySet},
    service::{keys, retention, signing},
    wire::receipt::TYPE,
};
use futures::future::join_all;
use sandbox::slack::{Gesture, Press, Surface};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{
    api::problem,
    cli::{countersign, on, said},
    guides::required,
    isolation::elsewhere,
    story::{ALICE, TestApp, story},
};

const ACTION: &str = "github.create_issue";

async fn jwks_at(url: &str) -> Vec<u8> {
    let response = reqwest::get(format!("{url}/.well-known/jwks.json")).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/jwk-set+json");
    assert_eq!(response.headers()["cache-control"], "public, max-age=300");
    response.bytes().await.unwrap().to_vec()
}

async fn jwks(s: &TestApp) -> KeySet {
    KeySet::read(&jwks_at(&s.url()).await).unwrap()
}

/// A receipt as it was sent.
async fn receipt(s: &TestApp, id: &str) -> String {
    let reply = s.api().receipt(id).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.headers["content-type"], "application/jose");
    assert_eq!(reply.headers["cache-control"], "no-store");
    reply.text
}

/// What a valid receipt says, checked against the published schema.
async fn says(s: &TestApp, id: &str) -> Value {
    let payload = jws::verify(&receipt(s, id).await, TYPE, &jwks(s).await).unwrap().payload;
    let schema =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/receipt.schema.json")).unwrap();
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    let valid = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = valid.iter_errors(&payload).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{faults:?}: {payload}");
    payload
}

/// An approval that Alice gave.
async fn approved(s: &TestApp, conversation: &str) -> String {
    let (id, prompt) = s.prompt(&s.call(ACTION, conversation)).await;
    assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
    s.received_webhook(&id).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_says_what_was_approved_and_by_whom() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let pending = s.api().receipt(&id).await;
        assert_eq!((pending.status, problem(&pending)), (409, "still-pending"), "{pending:?}");
        assert_eq!(pending.body["approval"]["status"], "pending");
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        let webhook = s.received_webhook(&id).await;
        let approval = s.api().get(&id).await.body;
        let said = says(s, &id).await;
        for same in ["user", "integration", "action", "arguments_digest", "created_at", "expires_at"] {
            assert_eq!(said[same], approval[same], "{same}");
        }
        assert_eq!((&said["approval"], &said["workspace"]), (&json!(id), &json!("T0SANDBOX")));
        assert_eq!((&said["agent"], &said["conversation"]), (&approval["agent"]["id"], &json!("c-1")));
        assert!(said["action_version"].as_str().unwrap().starts_with("ver_"));
        let decided_at = &approval["decision"]["decided_at"];
        let expected = json!({ "outcome": "approved", "by": "user", "user": ALICE, "scope": "once", "decided_at": decided_at });
        assert_eq!(said["decision"], expected);
        assert_eq!((&said["version"], &said["iss"]), (&json!(1), &json!("countersign")));
        assert_eq!(said.get("result"), None);
        // What Slack was given to show.
        let posted = s.slack.calls_of("chat.postMessage");
        let posted = posted.iter().find(|call| call.arguments.to_string().contains(&id)).unwrap();
        let shown = json!({ "text": posted.arguments["text"], "blocks": posted.arguments["blocks"] });
        assert_eq!(said["prompt_digests"], json!([Digest::for_json(&shown).to_string()]));
        // The same again, but for the time; with a result, also that.
        s.advance_until_idle(TimeDelta::seconds(90)).await;
        let (mut said, mut again) = (said, says(s, &id).await);
        assert_ne!(again["iat"], said["iat"]);
        // A proof is in it once the entry is sealed.
        for changes in ["iat", "log"] {
            said.as_object_mut().unwrap().remove(changes);
            again.as_object_mut().unwrap().remove(changes);
        }
        assert_eq!(again, said);
        let report = json!({ "status": "succeeded", "summary": "Opened issue #1208" });
        assert_eq!(s.api().report(&id, &report).await.status, 200);
        let result = says(s, &id).await["result"].clone();
        assert_eq!(result["status"], "succeeded");
        let full = json!({ "status": "succeeded", "summary": "Opened issue #1208", "url": null });
        assert_eq!(result["digest"], Digest::for_json(&full).to_string());
        assert!(!says(s, &id).await.to_string().contains("1208"), "words are not in a receipt");
        drop(webhook);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_has_a_receipt() {
    story(async |s| {
        s.open(ACTION).await;
        let decision = async |id: &str| {
            let mut decision = says(s, id).await["decision"].clone();
            let is_time = decision["decided_at"].as_str().is_some_and(|at| at.ends_with('Z'));
            assert!(is_time);
            decision.as_object_mut().unwrap().remove("decided_at");
            decision
        };
        let (denied, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Deny").await.is_ok());
        s.received_webhook(&denied).await;
        assert_eq!(decision(&denied).await, json!({ "outcome": "denied", "by": "user", "user": ALICE }));

        let (cancelled, _) = s.prompt(&s.call(ACTION, "c-2")).await;
        assert_eq!(s.api().cancel(&cancelled).await.status, 200);
        assert_eq!(decision(&cancelled).await, json!({ "outcome": "cancelled", "by": "backend" }));

        let (expired, _) = s.prompt(&s.call(ACTION, "c-3").expiring_in(60)).await;
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        s.received_webhook(&expired).await;
        assert_eq!(decision(&expired).await, json!({ "outcome": "expired", "by": "auto" }));

        let (always, prompt) = s.prompt(&s.call(ACTION, "c-4")).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        s.received_webhook(&always).await;
        let given = decision(&always).await;
        let grant = &given["grant"];
        assert!(grant.as_str().is_some_and(|grant| grant.starts_with("grt_")));
        assert_eq!(
            given,
            json!({ "outcome": "approved", "by": "user", "user": ALICE, "scope": "always", "grant": grant })
        );

        let auto = s.ask(&s.call(ACTION, "c-5")).await.id().to_owned();
        assert_eq!(
            decision(&auto).await,
            json!({ "outcome": "approved", "by": "auto", "scope": "always", "grant": grant })
        );
        assert_eq!(says(s, &auto).await["prompt_digests"], json!([]), "no one was asked");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_edited_arguments_has_both_digests() {
    story(async |s| {
        let schema = json!({ "type": "object", "properties": { "to": { "type": "string" } } });
        let action =
            json!({ "key": "send", "name": "Send mail", "risk": ["external"], "input_schema": schema });
        let mail = json!({ "name": "Mail", "requires_connection": false, "actions": [action] });
        assert!(s.api().put_integration("mail", &mail).await.is_success());
        s.unlock("mail.send").await;
        let ask = sandbox::backend::Ask::new(ALICE, "mail", "send", json!({ "to": "kim@example.com" }));
        let (id, prompt) = s.prompt(&ask.in_conversation("c-1").editable()).await;
        assert!(s.choose(ALICE, &prompt, "Edit and approve…").await.is_ok());
        let block = countersign::slack::view::editing::block_id("to");
        let press = Press::on(Surface::Modal, "value").in_block(&block);
        s.slack.press(ALICE, press.doing(Gesture::Enter("bob@example.com".to_owned()))).await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        s.received_webhook(&id).await;
        let said = says(s, &id).await;
        let digest = |to: &str| json!(Digest::for_json(&json!({ "to": to })).to_string());
        assert_eq!(said["arguments_digest"], digest("kim@example.com"));
        assert_eq!(said["decision"]["arguments_digest"], digest("bob@example.com"));
        assert!(!said.to_string().contains("example.com"), "arguments are not in a receipt: {said}");
        // The approved ones are those that the command compares with.
        let (file, keys) = written(s, &id).await;
        let folder = file.parent().unwrap().to_owned();
        let compared = async |to: &str| {
            let arguments = folder.join("arguments.json");
            std::fs::write(&arguments, json!({ "to": to }).to_string()).unwrap();
            verify(&[&file, &keys], &["--arguments", arguments.to_str().unwrap()])
        };
        assert_eq!(compared("bob@example.com").await.0, 0);
        let (status, words) = compared("kim@example.com").await;
        assert_eq!(status, 4);
        assert!(words.contains("They were asked for, and the user changed them."), "{words}");
        std::fs::remove_dir_all(folder).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_anothers_approval_is_not_found() {
    story(async |s| {
        let id = approved(s, "c-1").await;
        let (key, _) = s.create_backend("Others").await;
        for api in [s.api().with_key(&key), elsewhere(s).await] {
            let reply = api.receipt(&id).await;
            assert_eq!((reply.status, problem(&reply)), (404, "unknown-approval"));
        }
        for unknown in ["apr_0192f7c3a4b57d0e8f1a2b3c4d5e6f70", "nonsense"] {
            assert_eq!(s.api().receipt(unknown).await.status, 404, "{unknown}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_receipts_verify_after_a_rotation() {
    story(async |s| {
        let id = approved(s, "c-1").await;
        let old = receipt(s, &id).await;
        let before = jwks(s).await;
        let kid = |receipt: &str, keys: &KeySet| jws::verify(receipt, TYPE, keys).map(|said| said.kid);
        let first = kid(&old, &before).unwrap();
        let rotated = signing::rotate(&s.service, false).await.unwrap();
        assert!(rotated.is_new && rotated.kid != first);
        // Published at once, and not used while clients may not know it.
        let between = jwks(s).await;
        assert_ne!(between, before);
        assert_eq!(kid(&receipt(s, &id).await, &before).unwrap(), first);
        let again = signing::rotate(&s.service, false).await.unwrap();
        assert_eq!((&again.kid, again.is_new), (&rotated.kid, false), "one key waits, not two");
        s.advance_until_idle(TimeDelta::minutes(10)).await;
        let new = receipt(s, &id).await;
        assert_eq!(kid(&new, &between).unwrap(), rotated.kid);
        assert_eq!(kid(&new, &before), Err(Fault::UnknownKey(rotated.kid.clone())));
        assert_eq!(kid(&old, &jwks(s).await).unwrap(), first);
        // By the next one the first one's private half is gone, and what it signed is valid.
        // The command would use this machine's clock, and not the test's.
        assert!(signing::rotate(&s.service, true).await.unwrap().is_new);
        let third = receipt(s, &id).await;
        assert!(![first.clone(), rotated.kid].contains(&kid(&third, &jwks(s).await).unwrap()));
        assert_eq!(kid(&old, &jwks(s).await).unwrap(), first);
        let held: i64 = sqlx::query_scalar("SELECT count(*) FROM signing_keys WHERE private_key IS NOT NULL")
            .fetch_one(&s.service.db)
            .await
            .unwrap();
        assert_eq!(held, 2);
        assert_eq!(said(&mut on(s, &["signing-key", "list"])).lines().count(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_start_together_make_one_key() {
    story(async |s| {
        let id = approved(s, "c-1").await;
        let other = s.instance().await;
        let url = format!("http://{}", other.address());
        let mine = s.url();
        let sets = join_all((0..16).map(|number| jwks_at(if number % 2 == 0 { &mine } else { &url }))).await;
        assert!(sets.iter().all(|set| *set == sets[0]));
        let set: Value = serde_json::from_slice(&sets[0]).unwrap();
        assert_eq!(set["keys"].as_array().unwrap().len(), 1, "{set}");
        let receipt = receipt(s, &id).await;
        assert!(jws::verify(&receipt, TYPE, &KeySet::read(&sets[1]).unwrap()).is_ok());
        let rotations = join_all((0..8).map(|_| signing::rotate(&s.service, false))).await;
        let kids: std::collections::BTreeSet<String> =
            rotations.into_iter().map(|rotated| rotated.unwrap().kid).collect();
        assert_eq!(kids.len(), 1);
        other.shutdown().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_opened_is_said_clearly() {
    const OTHER: &str = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";
    story(async |s| {
        let id = approved(s, "c-1").await;
        let old = receipt(s, &id).await;
        let own = s.config.database.encryption_key.clone().unwrap();
        // As if the key that sealed it was lost.
        let with = |keys: &str| {
            let config = DatabaseConfig { encryption_key: Some(keys.into()), ..s.config.database.clone() };
            app::service(&config, 2, s.clock.clone(), Entropy::system()).unwrap()
        };
        let both = with(&format!("{OTHER},{}", own.expose_secret()));
        assert!(keys::rotate(&both).await.unwrap().changed > 0);
        let reply = s.api().receipt(&id).await;
        assert_eq!((reply.status, problem(&reply)), (503, "no-signing-key"), "{reply:?}");
        assert_eq!(reply.headers["retry-after"], "60");
        assert!(jws::verify(&old, TYPE, &jwks(s).await).is_ok(), "the public keys need no secret");
        let listen = s.url().trim_start_matches("http://").parse().unwrap();
        let config = countersign::config::ServeConfig { listen, ..s.config.clone() };
        let findings =
            countersign::doctor::examine(config, s.clock.clone(), Entropy::system()).await.unwrap();
        let finding = findings.iter().find(|finding| finding.check == "signing key").unwrap();
        assert!(finding.found.starts_with("receipts can't be signed"), "{finding:?}");
        // A rotation needs the operator's word that the old one is lost.
        assert!(signing::rotate(&s.service, false).await.is_err());
        assert!(signing::rotate(&s.service, true).await.unwrap().is_new);
        assert!(jws::verify(&receipt(s, &id).await, TYPE, &jwks(s).await).is_ok());
        assert!(jws::verify(&old, TYPE, &jwks(s).await).is_ok());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_signs_and_is_published() {
    story(async |s| {
        let id = approved(s, "c-1").await;
        let old = receipt(s, &id).await;
        let folder = tempfolder("keys");
        let pem = folder.join("key.pem");
        let body = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
        std::fs::write(&pem, format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"))
            .unwrap();
        s.config.signing_key_file = vec![pem.clone()];
        s.restart().await;
        let (new, keys) = (receipt(s, &id).await, jwks(s).await);
        let (old_kid, new_kid) =
            (jws::verify(&old, TYPE, &keys).unwrap().kid, jws::verify(&new, TYPE, &keys).unwrap().kid);
        assert_ne!(old_kid, new_kid);
        std::fs::write(&pem, "nonsense").unwrap();
        let config = s.config.clone();
        let refused = app::App::start(config, s.clock.clone(), Entropy::system()).await.unwrap_err();
        assert!(refused.to_string().contains("not an Ed25519 private key"), "{refused}");
        std::fs::remove_dir_all(folder).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_stays_the_same_when_arguments_are_deleted() {
    story(async |s| {
        sqlx::raw_sql(
            "CREATE OR REPLACE FUNCTION newest_droppable() RETURNS timestamptz LANGUAGE sql STABLE
             AS $$ SELECT now() + interval '10 years' $$",
        )
        .execute(&s.service.db)
        .await
        .unwrap();
        let id = approved(s, "c-1").await;
        let report = json!({ "status": "failed", "summary": "The repository is archived" });
        assert_eq!(s.api().report(&id, &report).await.status, 200);
        let mut before = says(s, &id).await;
        s.advance_until_idle(TimeDelta::days(10)).await;
        retention::delete_contents(&s.service, TimeDelta::days(8), || ()).await.unwrap();
        assert_eq!(s.api().get(&id).await.body["arguments"], json!({}));
        let mut after = says(s, &id).await;
        // A proof is in it once the entry is sealed.
        for changes in ["iat", "log"] {
            before.as_object_mut().unwrap().remove(changes);
            after.as_object_mut().unwrap().remove(changes);
        }
        assert_eq!(before, after);
    })
    .await;
}

fn tempfolder(name: &str) -> std::path::PathBuf {
    let number = u64::from_be_bytes(Entropy::system().bytes()[..8].try_into().unwrap());
    let folder = std::env::temp_dir().join(format!("countersign-receipts-{name}-{number}"));
    std::fs::create_dir(&folder).unwrap();
    folder
}

/// Files with the receipt and the keys.
async fn written(s: &TestApp, id: &str) -> (std::path::PathBuf, std::path::PathBuf) {
    let folder = tempfolder("files");
    let (file, keys) = (folder.join("receipt.jws"), folder.join("jwks.json"));
    std::fs::write(&file, receipt(s, id).await).unwrap();
    std::fs::write(&keys, jwks_at(&s.url()).await).unwrap();
    (file, keys)
}

/// Runs `countersign verify`: its exit status, and what it printed.
fn verify([receipt, keys]: &[&Path; 2], more: &[&str]) -> (i32, String) {
    let arguments = [&["verify", receipt.to_str().unwrap(), "--jwks", keys.to_str().unwrap()], more].concat();
    let output = countersign(&arguments).output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(printed).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_verifies_receipts() {
    story(async |s| {
        let id = approved(s, "c-1").await;
        let (file, keys) = written(s, &id).await;
        let folder = file.parent().unwrap().to_owned();
        let (status, words) = verify(&[&file, &keys], &[]);
        assert_eq!(status, 0, "{words}");
        for part in [
            &format!("The approval is {id}."),
            "approved by U0ALICE, scope once",
            ACTION,
            "No result was reported.",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
        let url = format!("{}/.well-known/jwks.json", s.url());
        let (from_url, same) = tokio::task::spawn_blocking({
            let file = file.clone();
            move || verify(&[&file, Path::new(&url)], &[])
        })
        .await
        .unwrap();
        assert_eq!((from_url, &same), (0, &words));
        let arguments = folder.join("arguments.json");
        let asked = s.api().get(&id).await.body["arguments"].clone();
        std::fs::write(&arguments, serde_json::to_string_pretty(&asked).unwrap()).unwrap();
        let with = ["--arguments", arguments.to_str().unwrap()];
        let (status, words) = verify(&[&file, &keys], &with);
        assert!(status == 0 && words.contains("The arguments are those that were approved"), "{words}");
        std::fs::write(&arguments, r#"{"a":1}"#).unwrap();
        assert_eq!(verify(&[&file, &keys], &with).0, 4);
        for unreadable in [r#"{"a":1,"a":1}"#, "[]", "x"] {
            std::fs::write(&arguments, unreadable).unwrap();
            assert_eq!(verify(&[&file, &keys], &with).0, 1, "{unreadable}");
        }
        let good = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{good}\n")).unwrap();
        assert_eq!(verify(&[&file, &keys], &[]).0, 0, "an editor's line end");
        for bad in [format!("{good}\n\n"), format!("{good}A"), good.replacen('.', ".A", 1), "x".to_owned()] {
            std::fs::write(&file, &bad).unwrap();
            let (status, words) = verify(&[&file, &keys], &[]);
            assert_eq!(status, 3, "{bad}: {words}");
            assert!(words.contains("The receipt is not valid"), "{words}");
        }
        assert_eq!(verify(&[&folder.join("none"), &keys], &[]).0, 1);
        std::fs::write(&keys, "{}").unwrap();
        std::fs::write(&file, &good).unwrap();
        assert_eq!(verify(&[&file, &keys], &[]).0, 1);
        std::fs::write(&keys, r#"{"keys":[]}"#).unwrap();
        assert_eq!(verify(&[&file, &keys], &[]).0, 3);
        std::fs::remove_dir_all(folder).unwrap();
    })
    .await;
}

/// Has a program verify a receipt with the keys that it fetches, and refuse a changed one.
async fn agrees(program: &mut Command, s: &TestApp) {
    let id = approved(s, "c-1").await;
    let good = receipt(s, &id).await;
    let (head, _) = good.rsplit_once('.').unwrap();
    let other = receipt(s, &approved(s, "c-2").await).await;
    let changed = format!("{head}.{}", other.rsplit_once('.').unwrap().1);
    let keys = format!("{}/.well-known/jwks.json", s.url());
    program.args([&keys, &good, &changed]).env_remove("http_proxy");
    let output = std::mem::replace(program, Command::new("true"));
    let output = tokio::task::spawn_blocking(move || {
        let mut output = output;
        output.output().unwrap()
    })
    .await
    .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read, says_of(s, &good).await);
}

async fn says_of(s: &TestApp, receipt: &str) -> Value {
    jws::verify(receipt, TYPE, &jwks(s).await).unwrap().payload
}

#[tokio::test(flavor = "multi_thread")]
async fn joserfc_verifies_receipts() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Some(python) = required(&root.join("target/guides/bin/python"), "tests/clients/receipt.py") else {
        return;
    };
    story(async |s| agrees(Command::new(python).arg(root.join("tests/clients/receipt.py")), s).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jose_for_javascript_verifies_receipts() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tsx = root.join("tests/clients/node_modules/.bin/tsx");
    let Some(tsx) = required(&tsx, "tests/clients/receipt.ts") else { return };
    story(async |s| agrees(Command::new(tsx).arg(root.join("tests/clients/receipt.ts")), s).await).await;
}
