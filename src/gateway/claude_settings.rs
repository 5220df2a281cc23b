//! Claude Code's `settings.json`: puts a hook in, takes it out, and leaves everything else as it is. Pure.

use serde_json::{Map, Value, json};

use crate::domain::arguments::{Exact, NotAnObject};

/// The first version that blocks a call whose hook fails; earlier ones run it.
pub const FIRST_VERSION: [u32; 3] = [2, 1, 295];

/// The events that the hook can be for.
const EVENTS: [&str; 2] = ["PreToolUse", "PermissionRequest"];

/// What the hook is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// What Claude Code does before the tool runs.
    pub run: Run,
    /// A regular expression over the names of the tools that it runs for.
    pub matcher: String,
    /// After how many seconds Claude Code gives up on it.
    pub timeout: u32,
}

/// What a hook is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// Runs a program.
    Program {
        /// The program, by its path or name.
        program: String,
        /// Its arguments, `hook` first.
        arguments: Vec<String>,
    },
    /// Calls this address, with the API key in the environment.
    Address(String),
}

/// Why the settings can't be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Not a JSON object, or one that two readers could read differently.
    #[error("it {0}")]
    NotJson(#[from] NotAnObject),
    /// A member has another type than Claude Code's documentation says.
    #[error("`{0}` is not {1}")]
    Type(String, &'static str),
    /// Claude Code would not run the hook.
    #[error("`disableAllHooks` is true, so Claude Code would run the tools without asking. Remove it")]
    Disabled,
}

impl Hook {
    fn group(&self) -> Value {
        let mut hook = match &self.run {
            Run::Program { program, arguments } => {
                json!({ "type": "command", "command": program, "args": arguments })
            }
            Run::Address(url) => json!({
                "type": "http", "url": url, "headers": { "Authorization": "Bearer $COUNTERSIGN_API_KEY" },
                "allowedEnvVars": ["COUNTERSIGN_API_KEY"],
            }),
        };
        hook["timeout"] = json!(self.timeout);
        hook["onFailure"] = json!("block");
        hook["statusMessage"] = json!("Waiting for approval in Slack");
        json!({ "matcher": self.matcher, "hooks": [hook] })
    }
}

/// The settings with this hook, and no other of ours. The same text if it is there already.
pub fn with_hook(text: &str, hook: &Hook) -> Result<String, SettingsError> {
    let before = read(text)?;
    let mut settings = before.clone();
    if settings.get("disableAllHooks") == Some(&Value::Bool(true)) {
        return Err(SettingsError::Disabled);
    }
    let group = hook.group();
    let groups = groups(&settings, EVENTS[0])?.cloned().unwrap_or_default();
    if groups.contains(&group) && remove(&mut settings.clone())? == 1 {
        return Ok(text.to_owned());
    }
    // An earlier version of it keeps its place.
    let place = groups
        .iter()
        .position(|other| other["hooks"].as_array().is_some_and(|hooks| hooks.iter().all(is_ours)));
    remove(&mut settings)?;
    let hooks = settings.entry("hooks").or_insert_with(|| json!({}));
    let Some(hooks) = hooks.as_object_mut() else {
        return Err(SettingsError::Type("hooks".into(), "an object"));
    };
    if let Some(groups) = hooks.entry(EVENTS[0]).or_insert_with(|| json!([])).as_array_mut() {
        groups.insert(place.unwrap_or(groups.len()).min(groups.len()), group);
    }
    Ok(write(&settings, text))
}

/// The settings without any hook of ours. The same text if there is none.
pub fn without_hook(text: &str) -> Result<String, SettingsError> {
    let mut settings = read(text)?;
    if remove(&mut settings)? == 0 {
        return Ok(text.to_owned());
    }
    Ok(write(&settings, text))
}

/// Whether the settings have a hook of ours.
pub fn has_hook(text: &str) -> Result<bool, SettingsError> {
    Ok(remove(&mut read(text)?)? > 0)
}

/// Whether two texts say the same.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    matches!((read(one), read(other)), (Ok(one), Ok(other)) if one == other)
}

/// The version in the output of `claude --version`: `2.1.332 (Claude Code)`.
#[must_use]
pub fn version(output: &str) -> Option<[u32; 3]> {
    let mut parts = output.split_whitespace().next()?.split(['.', '-', '+']).map(str::parse);
    Some([parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?])
}

/// What changes, line by line: `-` and `+` before the lines, with up to two unchanged lines around them.
#[must_use]
pub fn difference(before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let rest = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| old == new).count();
    let marked = |mark: &'static str, lines: &[&str]| -> Vec<String> {
        lines.iter().map(|line| format!("{mark} {line}")).collect()
    };
    let lines = [
        marked(" ", &old[start.saturating_sub(2)..start]),
        marked("-", &old[start..old.len() - end]),
        marked("+", &new[start..new.len() - end]),
        marked(" ", &new[new.len() - end..new.len().min(new.len() - end + 2)]),
    ];
    lines.concat().join("\n")
}

fn read(text: &str) -> Result<Map<String, Value>, SettingsError> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    Ok(Exact::read_object(text.trim_start_matches('\u{feff}').as_bytes())?)
}

/// With the indentation that the text had.
fn write(settings: &Map<String, Value>, before: &str) -> String {
    let indented = before.lines().find(|line| line.starts_with([' ', '\t']));
    let indent = indented.map_or("  ", |line| &line[..line.len() - line.trim_start().len()]);
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    // Writing parsed JSON to memory can't fail.
    let _ = serde::Serialize::serialize(settings, &mut serializer);
    bytes.push(b'\n');
    String::from_utf8_lossy(&bytes).into_owned()
}

fn groups<'a>(
    settings: &'a Map<String, Value>,
    event: &str,
) -> Result<Option<&'a Vec<Value>>, SettingsError> {
    let Some(hooks) = settings.get("hooks") else { return Ok(None) };
    let hooks = hooks.as_object().ok_or(SettingsError::Type("hooks".to_owned(), "an object"))?;
    let Some(groups) = hooks.get(event) else { return Ok(None) };
    groups.as_array().map(Some).ok_or_else(|| SettingsError::Type(format!("hooks.{event}"), "a list"))
}

/// Removes our hooks, and what is empty without them. Returns how many there were.
fn remove(settings: &mut Map<String, Value>) -> Result<usize, SettingsError> {
    let mut removed = 0;
    for event in EVENTS {
        if groups(settings, event)?.is_none() {
            continue;
        }
        let Some(hooks) = settings.get_mut("hooks").and_then(Value::as_object_mut) else { continue };
        let Some(groups) = hooks.get_mut(event).and_then(Value::as_array_mut) else { continue };
        let mut here = 0;
        groups.retain_mut(|group| {
            let Some(inner) = group.get_mut("hooks").and_then(Value::as_array_mut) else { return true };
            let before = inner.len();
            inner.retain(|hook| !is_ours(hook));
            here += before - inner.len();
            before == inner.len() || !inner.is_empty()
        });
        let is_empty = here > 0 && groups.is_empty();
        if is_empty {
            hooks.shift_remove(event);
        }
        if here > 0 && hooks.is_empty() {
            settings.shift_remove("hooks");
        }
        removed += here;
    }
    Ok(removed)
}

/// The end of the address that a hook calls.
const PATH: &str = "/v1/hooks/claude-code";

/// Whether a hook runs `countersign hook`, or calls the service.
fn is_ours(hook: &Value) -> bool {
    let url = hook["url"].as_str().unwrap_or_default();
    if url.split(['?', '#']).next().is_some_and(|address| address.ends_with(PATH)) {
        return true;
    }
    let command = hook["command"].as_str().unwrap_or_default();
    let is_program = |path: &str| path.trim_matches(['"', '\'']).rsplit('/').next() == Some("countersign");
    let mut words = command.split_whitespace();
    let in_shell = words.next().is_some_and(is_program) && words.next() == Some("hook");
    in_shell || (is_program(command) && hook["args"][0] == "hook")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook() -> Hook {
        Hook {
            run: Run::Program {
                program: "/usr/bin/countersign".to_owned(),
                arguments: ["hook", "--format", "claude", "--limit", "1800"].map(str::to_owned).to_vec(),
            },
            matcher: "Bash|mcp__.*".to_owned(),
            timeout: 1800,
        }
    }

    const OTHERS: &str = r#"{
    "zeta": 1,
    "hooks": {
        "Stop": [{ "hooks": [{ "type": "command", "command": "say done" }] }],
        "PreToolUse": [
            { "matcher": "Bash", "hooks": [{ "type": "command", "command": "lint", "unknown": 1.5 }] }
        ]
    },
    "env": { "B": "1", "A": "2" }
}
"#;

    #[test]
    fn a_hook_is_put_beside_the_others() {
        let after = with_hook(OTHERS, &hook()).unwrap();
        insta::assert_snapshot!(difference(OTHERS, &after), @r#"
              "zeta": 1,
              "hooks": {
        -         "Stop": [{ "hooks": [{ "type": "command", "command": "say done" }] }],
        -         "PreToolUse": [
        -             { "matcher": "Bash", "hooks": [{ "type": "command", "command": "lint", "unknown": 1.5 }] }
        -         ]
        -     },
        -     "env": { "B": "1", "A": "2" }
        +         "Stop": [
        +             {
        +                 "hooks": [
        +                     {
        +                         "type": "command",
        +                         "command": "say done"
        +                     }
        +                 ]
        +             }
        +         ],
        +         "PreToolUse": [
        +             {
        +                 "matcher": "Bash",
        +                 "hooks": [
        +                     {
        +                         "type": "command",
        +                         "command": "lint",
        +                         "unknown": 1.5
        +                     }
        +                 ]
        +             },
        +             {
        +                 "matcher": "Bash|mcp__.*",
        +                 "hooks": [
        +                     {
        +                         "type": "command",
        +                         "command": "/usr/bin/countersign",
        +                         "args": [
        +                             "hook",
        +                             "--format",
        +                             "claude",
        +                             "--limit",
        +                             "1800"
        +                         ],
        +                         "timeout": 1800,
        +                         "onFailure": "block",
        +                         "statusMessage": "Waiting for approval in Slack"
        +                     }
        +                 ]
        +             }
        +         ]
        +     },
        +     "env": {
        +         "B": "1",
        +         "A": "2"
        +     }
          }
        "#);
    }

    #[test]
    fn putting_it_in_again_changes_nothing_and_taking_it_out_restores() {
        for before in [OTHERS, "{}", "", "{\n\t\"hooks\": {}\n}"] {
            let once = with_hook(before, &hook()).unwrap();
            assert_eq!(with_hook(&once, &hook()).unwrap(), once);
            let without = without_hook(&once).unwrap();
            assert!(is_same(&without, if before.contains("{}\n}") { "{}" } else { before }), "{without}");
            assert_eq!(without_hook(&without).unwrap(), without);
        }
    }

    #[test]
    fn a_changed_hook_takes_the_place_of_the_earlier_one() {
        let twice = with_hook(OTHERS, &hook()).unwrap();
        let longer = Hook { timeout: 3600, ..hook() };
        let changed = with_hook(&twice, &longer).unwrap();
        insta::assert_snapshot!(difference(&twice, &changed), @r#"
                                      "1800"
                                  ],
        -                         "timeout": 1800,
        +                         "timeout": 3600,
                                  "onFailure": "block",
                                  "statusMessage": "Waiting for approval in Slack"
        "#);
        let own = r#"{"hooks":{"PermissionRequest":[{"hooks":[{"type":"command","command":"'/a b/countersign' hook"},{"type":"command","command":"countersign hook --format claude"},{"type":"command","command":"other"}]}]}}"#;
        let moved = with_hook(own, &hook()).unwrap();
        assert_eq!(moved.matches("countersign").count(), 1 + 1, "{moved}");
        assert!(moved.contains("other"));
    }

    #[test]
    fn a_hook_by_address_takes_the_place_of_a_program_and_back() {
        let url = "https://countersign.example.com/sub/v1/hooks/claude-code?limit=1800".to_owned();
        let by_address = Hook { run: Run::Address(url), ..hook() };
        let program = with_hook("{}", &hook()).unwrap();
        let address = with_hook(&program, &by_address).unwrap();
        insta::assert_snapshot!(address, @r#"
        {
          "hooks": {
            "PreToolUse": [
              {
                "matcher": "Bash|mcp__.*",
                "hooks": [
                  {
                    "type": "http",
                    "url": "https://countersign.example.com/sub/v1/hooks/claude-code?limit=1800",
                    "headers": {
                      "Authorization": "Bearer $COUNTERSIGN_API_KEY"
                    },
                    "allowedEnvVars": [
                      "COUNTERSIGN_API_KEY"
                    ],
                    "timeout": 1800,
                    "onFailure": "block",
                    "statusMessage": "Waiting for approval in Slack"
                  }
                ]
              }
            ]
          }
        }
        "#);
        assert_eq!(with_hook(&address, &by_address).unwrap(), address);
        assert_eq!(with_hook(&address, &hook()).unwrap(), program);
        assert_eq!(without_hook(&address).unwrap(), "{}\n");
    }

    #[test]
    fn what_can_not_be_understood_is_left_alone() {
        for text in [
            "{",
            "[]",
            "// a comment\n{}",
            r#"{"a":1,"a":2}"#,
            r#"{"hooks":[]}"#,
            r#"{"hooks":{"PreToolUse":{}}}"#,
            r#"{"disableAllHooks":true}"#,
        ] {
            assert!(with_hook(text, &hook()).is_err(), "{text}");
        }
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(version("2.1.332 (Claude Code)\n"), Some([2, 1, 332]));
        assert_eq!(version("2.2.0-beta.1"), Some([2, 2, 0]));
        assert_eq!(version("claude: not found"), None);
        assert!(version("2.1.294").unwrap() < FIRST_VERSION && version("2.1.295").unwrap() >= FIRST_VERSION);
    }
}
