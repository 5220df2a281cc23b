//! The Slack app's manifest: valid, committed as it is generated, and no more than what the code uses.

use std::{collections::BTreeSet, fs, path::Path};

use countersign::slack::{
    handlers::unconfirmed_posts::POSTED,
    manifest::{COMMAND, EVENTS, Target, manifest},
    scopes::SCOPES,
};
use serde_json::Value;

use crate::{modes::by_oauth, story::story_as};

const EXAMPLE: Target<'_> = Target { url: None, socket_mode: false, find_lost_prompts: false };
const SOCKET: Target<'_> = Target { socket_mode: true, ..EXAMPLE };
/// Installed by OAuth, and sent to through a socket.
const BOTH: Target<'_> = Target { url: Some("https://approvals.example"), socket_mode: true, ..EXAMPLE };
/// With what finds prompts whose post was not answered.
const FINDING: Target<'_> = Target { find_lost_prompts: true, ..EXAMPLE };

/// Slack's methods and the scope that each needs (<https://docs.slack.dev/reference/methods>).
const METHODS: [(&str, Option<&str>); 15] = [
    ("apps.connections.open", None),
    ("auth.teams.list", None),
    ("auth.test", None),
    ("chat.postEphemeral", Some("chat:write")),
    ("chat.postMessage", Some("chat:write")),
    ("chat.update", Some("chat:write")),
    ("files.completeUploadExternal", Some("files:write")),
    ("files.getUploadURLExternal", Some("files:write")),
    ("users.info", Some("users:read")),
    ("users.list", Some("users:read")),
    ("users.lookupByEmail", Some("users:read.email")),
    ("views.open", None),
    ("views.publish", None),
    ("views.push", None),
    ("views.update", None),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(target: Target<'_>) -> Value {
    serde_saphyr::from_str(&manifest(target)).unwrap()
}

/// Every source file below `src/`.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| match path {
        path if path.is_dir() => sources(&path),
        path => vec![(path.display().to_string(), fs::read_to_string(&path).unwrap())],
    };
    entries.flat_map(read).collect()
}

/// What stands between double quotes.
fn literals(source: &str) -> impl Iterator<Item = &str> {
    source.split('"').skip(1).step_by(2).chain(source.split('"').step_by(2))
}

#[test]
fn every_form_satisfies_slacks_own_schema() {
    let schema = fs::read(root().join("tests/data/slack-manifest.schema.2.0.0.json")).unwrap();
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for target in [EXAMPLE, SOCKET, BOTH, FINDING] {
        let faults: Vec<String> = validator
            .iter_errors(&read(target))
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
    // A validator that lets everything through would not have been worth asking.
    let mut broken = read(EXAMPLE);
    broken["settings"]["event_subscriptions"]["bot_events"] = Value::from("app_uninstalled");
    assert!(!validator.is_valid(&broken));
}

#[test]
fn the_committed_manifest_is_the_generated_one() {
    let committed = fs::read_to_string(root().join("manifest.yml")).unwrap();
    assert!(committed == manifest(EXAMPLE), "run `cargo run -- manifest > manifest.yml`");
}

#[test]
fn socket_mode_names_no_address() {
    let text = read(SOCKET).to_string();
    assert!(!text.contains("http") && text.contains(r#""socket_mode_enabled":true"#), "{text}");
}

#[test]
fn socket_mode_with_an_address_names_it_for_browsers_alone() {
    let both = read(BOTH);
    let redirect = serde_json::json!(["https://approvals.example/slack/oauth/callback"]);
    assert_eq!(both["oauth_config"]["redirect_urls"], redirect);
    assert_eq!(both.to_string().matches("http").count(), 1, "{both}");
    assert_eq!(both["settings"]["socket_mode_enabled"], true);
}

#[test]
fn the_scopes_are_those_that_the_code_needs() {
    let families = [
        "apps.",
        "auth.",
        "bots.",
        "chat.",
        "conversations.",
        "files.",
        "im.",
        "reactions.",
        "team.",
        "usergroups.",
        "users.",
        "views.",
    ];
    let mut needed = BTreeSet::from(["commands"]);
    for (path, source) in sources(&root().join("src")) {
        for literal in literals(&source) {
            let is_method = families.iter().any(|family| literal.starts_with(family))
                && literal.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'.');
            if !is_method {
                continue;
            }
            let known = METHODS.iter().find(|(method, _)| *method == literal);
            let (_, scope) = known.unwrap_or_else(|| panic!("{path}: which scope does {literal} need?"));
            needed.extend(*scope);
        }
    }
    // Prompts go to the channel that a request names, where the bot may not be a member.
    needed.insert("chat:write.public");
    let asked: BTreeSet<&str> = SCOPES.iter().map(|scope| scope.name).collect();
    assert_eq!(asked, needed);
    let written = read(EXAMPLE);
    let written: BTreeSet<&str> = written["oauth_config"]["scopes"]["bot"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(written, asked);
}

/// The types of events that a bot may be sent (<https://docs.slack.dev/reference/events>), of which some are ours.
const EVENT_TYPES: [&str; 36] = [
    "app_deleted",
    "app_home_opened",
    "app_installed",
    "app_mention",
    "app_rate_limited",
    "app_requested",
    "app_uninstalled",
    "app_uninstalled_team",
    "assistant_thread_context_changed",
    "assistant_thread_started",
    "channel_archive",
    "channel_created",
    "channel_deleted",
    "channel_left",
    "channel_rename",
    "channel_unarchive",
    "function_executed",
    "grid_migration_finished",
    "grid_migration_started",
    "group_archive",
    "link_shared",
    "member_joined_channel",
    "member_left_channel",
    "message_metadata_posted",
    "reaction_added",
    "reaction_removed",
    "shared_channel_invite_accepted",
    "subteam_members_changed",
    "team_access_granted",
    "team_access_revoked",
    "team_domain_change",
    "team_join",
    "team_rename",
    "tokens_revoked",
    "user_change",
    "user_profile_changed",
];

#[test]
fn the_events_are_those_that_the_code_handles() {
    let sources = sources(&root().join("src/slack"));
    let handlers = sources.iter().filter(|(path, _)| !path.ends_with("manifest.rs"));
    let named: BTreeSet<&str> = handlers.flat_map(|(_, source)| literals(source)).collect();
    let handled: BTreeSet<&str> = EVENT_TYPES.into_iter().filter(|event| named.contains(event)).collect();
    let mut subscribed: BTreeSet<&str> = EVENTS.iter().map(|(event, _)| *event).collect();
    assert!(!subscribed.contains(POSTED), "only who wants to find lost prompts needs it");
    subscribed.insert(POSTED);
    assert_eq!(subscribed, handled);
    let written = read(FINDING);
    let written = written["settings"]["event_subscriptions"]["bot_events"].as_array().unwrap().clone();
    assert_eq!(written.iter().filter_map(Value::as_str).collect::<BTreeSet<_>>(), handled);
}

#[test]
fn the_command_is_the_one_that_the_code_answers() {
    let written = read(EXAMPLE);
    let commands = written["features"]["slash_commands"].as_array().unwrap().clone();
    let written: Vec<&str> = commands.iter().filter_map(|command| command["command"].as_str()).collect();
    assert_eq!(written, [COMMAND]);
    // Its hint names the words that are understood, each of them.
    let hint = commands[0]["usage_hint"].as_str().unwrap().trim_matches(['[', ']']);
    let hinted: BTreeSet<&str> = hint.split('|').filter_map(|word| word.split_whitespace().next()).collect();
    let source = fs::read_to_string(root().join("src/slack/handlers/command/mod.rs")).unwrap();
    let arms = source.split("match word.to_lowercase().as_str() {").nth(1).unwrap();
    let arms = arms.split("_ =>").next().unwrap();
    let arms = arms.lines().map(str::trim_start).filter(|line| line.starts_with('"'));
    let understood: BTreeSet<&str> = arms.filter_map(|arm| arm.split('"').nth(1)).collect();
    // The command without an argument opens the settings.
    assert_eq!(hinted, understood.into_iter().filter(|word| !word.is_empty()).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_is_one_that_the_service_answers() {
    story_as(by_oauth, async |s| {
        let http = sandbox::http::client().unwrap();
        let url = s.url();
        let text = manifest(Target { url: Some(&url), ..EXAMPLE });
        let addresses: BTreeSet<&str> = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .flat_map(|line| line.split('"'))
            .filter(|part| part.starts_with(&url))
            .collect();
        assert_eq!(addresses.len(), 4);
        for address in addresses {
            let (request, expected) = if address.ends_with("/callback") {
                (http.get(address), 400)
            } else {
                (http.post(address).body("{}"), 401)
            };
            assert_eq!(request.send().await.unwrap().status(), expected, "{address}");
        }
    })
    .await;
}
