//! Labels made from the keys of arguments, and what a schema says of them, for actions whose backend describes no fields.

use serde_json::{Map, Value};

use super::{
    field_hints::{self, ArgumentPointer, FieldHint, Format, Label, MOST_FIELDS},
    input_schema::InputSchema,
    templates::{Template, escape},
};

/// The longest key that becomes a label.
const KEY: usize = 40;
/// Words that are written in capitals.
const CAPITALS: [&str; 20] = [
    "api", "bcc", "cc", "css", "csv", "cvv", "dns", "html", "http", "iban", "id", "ids", "ip", "json", "pr",
    "sha", "sql", "url", "urls", "uuid",
];
/// Arguments that say what an action is about, the best first.
const TARGETS: [&str; 37] = [
    "to",
    "recipient",
    "recipients",
    "email",
    "channel_id",
    "channel",
    "repository",
    "repo",
    "repo_name",
    "full_name",
    "path",
    "file_path",
    "filename",
    "file",
    "url",
    "uri",
    "query",
    "q",
    "sql",
    "statement",
    "command",
    "title",
    "subject",
    "name",
    "summary",
    "message",
    "key",
    "issue_key",
    "customer",
    "user_id",
    "page_id",
    "table",
    "table_name",
    "selector",
    "prompt",
    "text",
    "id",
];

/// Arguments that say which part of a repository an action is about.
const PARTS: [&str; 4] = ["branch", "tag", "sha", "ref"];

/// A label for a key: `repoName` and `repo_name` become *Repo name*. `None` if the key isn't made of ASCII words, so that
/// no label is a look-alike of another, and nothing in a key is dropped.
#[must_use]
pub fn humanised(key: &str) -> Option<String> {
    if key.len() > KEY || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    {
        return None;
    }
    let words = words(key);
    // Two keys that differ only in their separators must not get the same label.
    let doubtful = key.starts_with(['_', '-'])
        || key.ends_with(['_', '-'])
        || key.contains("__")
        || key.contains("--")
        || (key.contains('_') && key.contains('-'));
    if doubtful || !words.first()?.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        return None;
    }
    let shown: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(at, word)| {
            if CAPITALS.contains(&word.as_str()) {
                capitals(word)
            } else if at == 0 {
                let (first, rest) = word.split_at(1);
                format!("{}{rest}", first.to_ascii_uppercase())
            } else {
                word.clone()
            }
        })
        .collect();
    Some(shown.join(" "))
}

/// *IDs*, not *IDS*.
fn capitals(word: &str) -> String {
    match word.strip_suffix('s').filter(|one| CAPITALS.contains(one)) {
        Some(one) => format!("{}s", one.to_ascii_uppercase()),
        None => word.to_ascii_uppercase(),
    }
}

/// The words of a key in lower case: between separators, and before a capital after a small letter or a digit.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut last = '_';
    for (at, letter) in key.char_indices() {
        let next = key[at + letter.len_utf8()..].chars().next();
        let new = letter.is_ascii_uppercase()
            && (last.is_ascii_lowercase()
                || last.is_ascii_digit()
                // In `HTTPServer` the S begins a word.
                || (last.is_ascii_uppercase() && next.is_some_and(|next| next.is_ascii_lowercase())));
        if matches!(letter, '_' | '-') || new {
            words.push(String::new());
        }
        if let (Some(word), false) = (words.last_mut(), matches!(letter, '_' | '-')) {
            word.push(letter.to_ascii_lowercase());
        }
        last = letter;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The format that a key and a value suggest. A view looks at whitespace itself.
#[must_use]
pub fn guessed(key: &str, value: &Value) -> Option<Format> {
    let words = words(key);
    let last = words.last().map(String::as_str)?;
    match value {
        Value::Array(_) => Some(Format::List),
        Value::String(text) if is_address(text) => Some(Format::Url),
        Value::String(_) => by_name(&words, last),
        _ => None,
    }
}

fn is_address(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && !text.contains(char::is_whitespace)
}

fn by_name(words: &[String], last: &str) -> Option<Format> {
    const CODE: [&str; 16] = [
        "apex", "code", "command", "css", "cypher", "diff", "function", "graphql", "html", "json", "patch",
        "script", "soql", "sql", "xml", "yaml",
    ];
    if CODE.contains(&last) || (words.len() == 1 && last == "statement") {
        Some(Format::Code)
    } else if last == "markdown" {
        Some(Format::Markdown)
    } else {
        None
    }
}

/// The fields of a schema's properties: those that must be given in the order in which `required` names them, then the
/// others in their own.
#[must_use]
pub fn fields(schema: &InputSchema) -> Vec<FieldHint> {
    let Some(properties) = schema.members().get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    // Some servers sort the properties by name: what a call is about would come after its options.
    let required = required(schema);
    let is_required = |name: &String| required.contains(&name.as_str());
    let first = required.iter().filter_map(|name| properties.get_key_value(*name));
    let others = properties.iter().filter(|(name, _)| !is_required(name));
    let mut fields: Vec<FieldHint> = Vec::new();
    for (name, property) in first.chain(others) {
        if fields.len() == MOST_FIELDS {
            break;
        }
        let Ok(pointer) = ArgumentPointer::to_argument(name) else { continue };
        let label =
            property.get("title").and_then(Value::as_str).filter(|label| !label.contains(char::is_control));
        let label = label.and_then(|label| Label::new(label).ok());
        let label = label.or_else(|| humanised(name).and_then(|label| Label::new(label).ok()));
        fields.push(FieldHint { pointer, label, format: format_of(name, property) });
        if !field_hints::faults(&fields).is_empty()
            && let Some(field) = fields.last_mut()
        {
            // The label of another field: this one is shown under its key.
            field.label = None;
        }
    }
    fields
}

fn format_of(name: &str, property: &Value) -> Option<Format> {
    let is = |kind: &str| match property.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|one| one == kind),
        Some(one) => one == kind,
        None => false,
    };
    let format = property.get("format").and_then(Value::as_str).unwrap_or_default();
    if is("array") {
        Some(Format::List)
    } else if is("string") && matches!(format, "uri" | "url") {
        Some(Format::Url)
    } else if is("string") {
        let words = words(name);
        words.last().and_then(|last| by_name(&words, last))
    } else {
        None
    }
}

/// A title that begins with the action's name and says what a request is about: *Create issue: {title}*. `None` if no
/// argument says it.
#[must_use]
pub fn title(name: &str, schema: &InputSchema) -> Option<Template> {
    let properties = schema.members().get("properties").and_then(Value::as_object)?;
    let target = target(properties, &required(schema))?;
    Template::new(format!("{}: {target}", escape(name))).ok()
}

/// The arguments that must be given.
fn required(schema: &InputSchema) -> Vec<&str> {
    let names = schema.members().get("required").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).collect()
}

fn target(properties: &Map<String, Value>, required: &[&str]) -> Option<String> {
    let has = |name: &str| {
        required.contains(&name)
            && properties.get(name).is_some_and(is_plain)
            && !name.contains(['{', '}'])
            && !name.trim().is_empty()
    };
    if has("owner") && has("repo") {
        // Which one in the repository: *acme/checkout #483*.
        let number = required.iter().find(|name| has(name) && is_number_of(name));
        let other = || TARGETS.into_iter().chain(PARTS).find(|name| *name != "repo" && has(name));
        return Some(match (number, other()) {
            (Some(number), _) => format!("{{owner}}/{{repo}} #{{{number}}}"),
            (None, Some(other)) => format!("{{owner}}/{{repo}} {{{other}}}"),
            (None, None) => "{owner}/{repo}".to_owned(),
        });
    }
    // `issueId` says as much as `issue_id`.
    let plain = |name: &str| words(name).join("_");
    let known = TARGETS.into_iter().find_map(|target| {
        required.iter().find(|name| has(name) && (**name == target || plain(name) == target))
    });
    let mut given = required.iter().filter(|name| has(name));
    let name = known.or_else(|| given.clone().find(|name| names_something(name))).or_else(|| {
        let only = given.next();
        only.filter(|_| given.next().is_none())
    })?;
    Some(format!("{{{name}}}"))
}

/// Whether an argument is the number of an issue, a pull request and the like.
fn is_number_of(name: &str) -> bool {
    let words = words(name);
    words.len() > 1 && words.last().is_some_and(|last| last == "number")
}

/// Whether an argument names something, by its last word: `entityNames`, `pageId`, `output_path`.
fn names_something(name: &str) -> bool {
    const LAST: [&str; 9] = ["file", "id", "ids", "key", "keys", "name", "names", "path", "url"];
    words(name).last().is_some_and(|last| LAST.contains(&last.as_str()))
}

/// Whether a property is a text, a number, or a list of them.
fn is_plain(property: &Value) -> bool {
    let plain = |schema: &Value| match schema.get("type") {
        Some(Value::String(kind)) => matches!(kind.as_str(), "string" | "number" | "integer"),
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "string"),
        _ => false,
    };
    plain(property)
        || (property.get("type").is_some_and(|kind| kind == "array")
            && property.get("items").is_some_and(plain))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_become_labels() {
        for (key, label) in [
            ("to", "To"),
            ("repo_name", "Repo name"),
            ("repoName", "Repo name"),
            ("pull-number", "Pull number"),
            ("userID", "User ID"),
            ("HTTPServer", "HTTP server"),
            ("label_ids", "Label IDs"),
            ("line2", "Line2"),
        ] {
            assert_eq!(humanised(key).as_deref(), Some(label), "{key}");
        }
        for key in
            ["", "_to", "to_", "a__b", "a-b_c", "tо", "to\u{200b}", "a.b", "to ", "2fa", &"a".repeat(41)]
        {
            assert_eq!(humanised(key), None, "{key:?}");
        }
    }

    #[test]
    fn formats_are_guessed() {
        let guess = |key: &str, value: Value| guessed(key, &value);
        assert_eq!(guess("sql", json!("1")), Some(Format::Code));
        assert_eq!(guess("body", json!("Dear Kim")), None);
        assert_eq!(guess("target", json!("https://example.com/a")), Some(Format::Url));
        assert_eq!(guess("note", json!("https://example.com and more")), None);
        assert_eq!(guess("labels", json!([])), Some(Format::List));
        assert_eq!(guess("zip_code", json!("8001")), Some(Format::Code), "harmless: a box instead of a bar");
        assert_eq!(guess("n", json!(1)), None);
        assert_eq!(guess("größe ⟨1⟩", json!("x")), None, "no key is cut within a letter");
    }

    fn schema(value: Value) -> InputSchema {
        let Value::Object(members) = value else { unreachable!() };
        InputSchema::new(members).unwrap()
    }

    #[test]
    fn a_schema_gives_fields_and_a_title() {
        let schema = schema(json!({
            "type": "object", "required": ["owner", "repo", "title"],
            "properties": {
                "owner": { "type": "string", "title": "Owner of the repository" },
                "repo": { "type": "string" },
                "title": { "type": "string" },
                "Title": { "type": "string" },
                "labels": { "type": "array", "items": { "type": "string" } },
                "homepage": { "type": "string", "format": "uri" },
                "query_sql": { "type": ["string", "null"] },
            },
        }));
        let shown: Vec<String> = fields(&schema)
            .iter()
            .map(|field| {
                let label = field.label.as_ref().map_or("-", Label::as_str);
                format!("{} {label} {}", field.pointer.as_str(), field.format.map_or("-", Format::as_str))
            })
            .collect();
        assert_eq!(
            shown,
            [
                "/owner Owner of the repository -",
                "/repo Repo -",
                "/title Title -",
                "/Title - -",
                "/labels Labels list",
                "/homepage Homepage url",
                "/query_sql Query SQL code",
            ]
        );
        assert_eq!(
            title("Create {issue}", &schema).unwrap().as_str(),
            "Create {{issue}}: {owner}/{repo} {title}"
        );
    }

    #[test]
    fn what_must_be_given_comes_first() {
        let schema = schema(json!({
            "required": ["repo", "missing", "body"],
            "properties": { "assignees": {}, "body": {}, "labels": {}, "repo": {} },
        }));
        let shown: Vec<String> =
            fields(&schema).iter().map(|field| field.pointer.as_str().to_owned()).collect();
        assert_eq!(shown, ["/repo", "/body", "/assignees", "/labels"]);
    }

    #[test]
    fn a_title_names_what_must_be_given() {
        let titled = |value: Value| title("Do", &schema(value)).map(|title| title.as_str().to_owned());
        let text = json!({ "type": "string" });
        assert_eq!(
            titled(json!({ "properties": { "to": text }, "required": [] })),
            None,
            "it may be missing"
        );
        assert_eq!(
            titled(json!({ "properties": { "x": text }, "required": ["x"] })).as_deref(),
            Some("Do: {x}")
        );
        assert_eq!(titled(json!({ "properties": { "x": text, "y": text }, "required": ["x", "y"] })), None);
        for (required, expected) in [
            (vec!["owner", "repo", "pullNumber"], "Do: {owner}/{repo} #{pullNumber}"),
            (vec!["owner", "repo", "branch"], "Do: {owner}/{repo} {branch}"),
            (vec!["owner", "repo"], "Do: {owner}/{repo}"),
            (vec!["body", "issueKey"], "Do: {issueKey}"),
            (vec!["body", "commentId"], "Do: {commentId}"),
            (vec!["body", "userId", "query"], "Do: {query}"),
        ] {
            let properties: Map<String, Value> =
                required.iter().map(|name| ((*name).to_owned(), text.clone())).collect();
            let found = titled(json!({ "properties": properties, "required": required }));
            assert_eq!(found.as_deref(), Some(expected));
        }
        assert_eq!(titled(json!({})), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Labels differ if the keys differ in more than case and separators.
        #[test]
        fn a_label_keeps_every_letter(keys in prop::collection::vec("[a-zA-Z0-9_-]{1,8}", 1..20)) {
            let mut seen: HashMap<String, String> = HashMap::new();
            for key in keys {
                let Some(label) = humanised(&key) else { continue };
                let letters = |text: &str| text.replace(['_', '-', ' '], "").to_lowercase();
                prop_assert_eq!(letters(&label), letters(&key));
                if let Some(other) = seen.insert(label.to_lowercase(), key.clone()) {
                    prop_assert_eq!(letters(&other), letters(&key));
                }
            }
        }
    }
}
