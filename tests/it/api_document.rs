//! The API's description: locked, complete, and the same wherever it is read.

use std::process::Command;

use countersign::api::problem::Kind;
use serde_json::Value;

use crate::story::story;

fn document() -> Value {
    serde_json::to_value(countersign::api::document()).unwrap()
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        let verbs = item.as_object().unwrap().iter();
        verbs.map(move |(verb, operation)| (format!("{verb} {path}"), operation))
    });
    operations.collect()
}

#[test]
fn a_change_of_the_contract_is_seen() {
    insta::assert_snapshot!("openapi", serde_json::to_string_pretty(&document()).unwrap());
}

#[test]
fn every_request_response_and_error_has_an_example() {
    let document = document();
    let mut seen = 0;
    for (name, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap().values();
        for content in
            responses.chain(operation.get("requestBody")).filter_map(|part| part["content"].as_object())
        {
            for (media_type, content) in content {
                let given = content.get("example").is_some() || content["examples"].is_object();
                assert!(given, "{name}: {media_type}");
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn pages_refer_to_what_they_are_of_and_every_operation_says_whether_it_needs_a_key() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let pages: Vec<_> = schemas.iter().filter(|(name, _)| name.starts_with("Page_")).collect();
    assert!(pages.len() >= 4, "{pages:?}");
    for (name, page) in pages {
        let item = page["properties"]["data"]["items"]["$ref"].as_str();
        let item = item.and_then(|path| path.strip_prefix("#/components/schemas/"));
        assert!(item.is_some_and(|item| schemas.contains_key(item)), "{name}: {page}");
    }
    for (name, operation) in operations(&document) {
        assert!(operation["security"].is_array(), "{name}");
    }
    for (name, webhook) in document["webhooks"].as_object().unwrap() {
        assert_eq!(webhook["post"]["security"], serde_json::json!([]), "{name}");
    }
    assert_eq!(document["servers"][0]["url"], "/");
}

#[test]
fn operation_ids_are_a_verb_and_a_noun() {
    const VERBS: [&str; 16] = [
        "cancel",
        "close",
        "connect",
        "create",
        "disconnect",
        "end",
        "get",
        "list",
        "lock",
        "put",
        "redeliver",
        "report",
        "use",
        "revoke",
        "unlock",
        "watch",
    ];
    let document = document();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        let verb = id.split_once('_').map(|(verb, _)| verb);
        assert!(verb.is_some_and(|verb| VERBS.contains(&verb)), "{name}: {id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_of_the_examples_are_taken() {
    story(async |s| {
        let document = document();
        let example = |path: &str, pointer: &str| {
            let example =
                &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["example"];
            example.pointer(pointer).and_then(Value::as_str).unwrap().to_owned()
        };
        let entry = example("/v1/audit", "/data/0/cursor");
        assert_eq!(s.api().audit(&[("cursor", &entry)]).await.status, 200);
        let next = example("/v1/webhook-deliveries", "/next_cursor");
        assert_eq!(s.api().deliveries(&[("cursor", &next)]).await.status, 200);
    })
    .await;
}

#[test]
fn every_kind_of_error_is_told_of_by_some_operation() {
    let text = document().to_string();
    for kind in Kind::ALL {
        // These belong to no operation: the path or method has none, and no caller can get the third.
        let nowhere = [Kind::UnknownPath, Kind::MethodNotAllowed, Kind::Forbidden].contains(&kind);
        let told = text.contains(&format!("urn:countersign:problem:{}\"", kind.code()));
        assert_eq!(told, !nowhere, "{kind:?}");
    }
}

#[test]
fn the_page_of_errors_says_the_same_as_the_errors() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md")).unwrap();
    let sections: Vec<&str> = page.split("\n## ").skip(1).collect();
    let headings: Vec<&str> = sections.iter().map(|section| section.lines().next().unwrap()).collect();
    assert_eq!(headings, Kind::ALL.map(Kind::code));
    for (section, kind) in sections.iter().zip(Kind::ALL) {
        let begin = format!(
            "{}\n\n{} · {}.\n\n{}\n",
            kind.code(),
            kind.status().as_u16(),
            kind.title(),
            kind.what_to_do()
        );
        // The page wraps its lines.
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(section).starts_with(&words(&begin)), "docs/errors.md should say:\n\n## {begin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_served_shown_and_printed() {
    story(async |s| {
        let get = async |path: &str| {
            sandbox::http::client().unwrap().get(format!("{}{path}", s.url())).send().await.unwrap()
        };
        let served = get("/openapi.json").await;
        assert_eq!(served.headers()["content-type"], "application/json");
        assert_eq!(served.json::<Value>().await.unwrap(), document());
        let shown = get("/docs").await;
        assert!(shown.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
        let page = shown.text().await.unwrap();
        assert!(page.contains("Ask for an approval") && page.contains("webhook.ping"));
        let printed = Command::new(env!("CARGO_BIN_EXE_countersign")).arg("openapi").output().unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&printed.stdout).unwrap(), document());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_examples_ask_is_taken() {
    story(async |s| {
        let document = document();
        let bodies = |pointer: &str| {
            let examples = document.pointer(pointer).and_then(Value::as_object).unwrap();
            examples.values().map(|example| example["value"].clone()).collect::<Vec<_>>()
        };
        let asks = bodies("/paths/~1v1~1approvals/post/requestBody/content/application~1json/examples");
        assert_eq!(asks.len(), 2);
        for ask in asks {
            let reply = s.api().call(reqwest::Method::POST, &["approvals"], &[], Some(&ask), &[]).await;
            assert_eq!(reply.status, 201, "{reply:?}");
        }
        let pointer = "/paths/~1v1~1integrations~1{key}/put/requestBody/content/application~1json/example";
        let reply = s.api().put_integration("salesforce", document.pointer(pointer).unwrap()).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    })
    .await;
}
