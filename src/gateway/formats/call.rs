//! A tool call that an agent hands to its hook, and the request for approval that it becomes.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{Event, Format};
use crate::{
    domain::{
        arguments::{Arguments, Exact, NotAnObject},
        text::{ActionKey, IntegrationKey},
        tool_key::{backend_key, server_key, tool_key},
    },
    gateway::approval::{Agent, Conversation, Request},
};

/// The agent ends a hook that takes longer than its limit. This much less is left for the person, in seconds.
const RESERVE: u32 = 15;
/// The shortest and the longest `expires_in` of the API, in seconds.
const SHORTEST: u32 = 10;
const LONGEST: u32 = 604_800;
/// How long an approval stays pending while no hook waits for it, in seconds: longer than a restart of the service.
const ABANDON_AFTER: u32 = 60;
/// The longest id that the API takes.
const LONGEST_ID: usize = 255;
/// The longest title that the API takes.
const LONGEST_TITLE: usize = 200;

/// A tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Whose hook it is.
    pub format: Format,
    /// When the hook runs.
    pub event: Event,
    tool: String,
    input: Arguments,
    session: String,
    tool_use: Option<String>,
    directory: Option<String>,
}

/// Why there is no call to ask for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The text is not a JSON object, or one that two readers could read differently.
    #[error("the hook's input {0}")]
    NotJson(#[from] NotAnObject),
    /// A member is missing or has another type.
    #[error("the hook's input has no {0:?}, which says what to ask for")]
    Missing(&'static str),
    /// The hook runs for another event.
    #[error(
        "the hook runs on {0:?}, where there is nothing to approve: configure it for PreToolUse or PermissionRequest (Hermes: pre_tool_call)"
    )]
    Event(String),
    /// The hook's limit leaves no time to decide.
    #[error(
        "the hook's limit of {0} s leaves no time to decide: raise its timeout to at least {min} s, and --limit with it",
        min = RESERVE + SHORTEST
    )]
    Limit(u32),
    /// The names give no key.
    #[error("the MCP server's name is too long for an integration of {0}: choose a shorter --backend")]
    Key(IntegrationKey),
}

/// How calls become requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Who decides: a Slack id or an email address. `None`: the user whom the API key is bound to.
    pub user: Option<String>,
    /// The name of the backend that asks; its integrations begin with it. `None`: the format's name.
    pub backend: Option<String>,
    /// MCP servers whose tools are actions of a shared integration.
    pub maps: Vec<(String, IntegrationKey)>,
    /// After how many seconds the agent gives up on the hook. `None`: the format's default.
    pub limit: Option<u32>,
}

/// A member that may have two names: VS Code's older versions write `sessionId`.
fn text(members: &Map<String, Value>, names: [&str; 2]) -> Option<String> {
    let found = names.into_iter().find_map(|name| members.get(name))?;
    found.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

/// Recognizes whose input it is. Only the reserve, the agent's name and, for Codex and Hermes, the answer depend on it;
/// a wrong guess never turns a denial into something else.
fn recognize(members: &Map<String, Value>) -> Format {
    let has = |name: &str| members.contains_key(name);
    if members.get("hook_event_name").is_some_and(|event| event == "pre_tool_call") {
        Format::Hermes
    } else if has("turn_id") || (has("model") && !has("prompt_id")) {
        Format::Codex
    } else if has("timestamp") || has("sessionId") || has("hookEventName") {
        Format::VsCode
    } else {
        Format::Claude
    }
}

impl Call {
    /// Reads what the agent wrote to the hook's standard input. `format`: whose it is, if the hook was told.
    pub fn read(json: &[u8], format: Option<Format>) -> Result<Self, CallError> {
        Self::from_members(Exact::read_object(json)?, format)
    }

    /// Reads a call from JSON that was parsed already.
    pub fn from_members(mut members: Map<String, Value>, format: Option<Format>) -> Result<Self, CallError> {
        let format = format.unwrap_or_else(|| recognize(&members));
        let event = text(&members, ["hook_event_name", "hookEventName"]);
        let event = match event.as_deref() {
            Some("PreToolUse" | "pre_tool_call") => Event::PreToolUse,
            Some("PermissionRequest") => Event::PermissionRequest,
            Some(other) => return Err(CallError::Event(other.to_owned())),
            None => return Err(CallError::Missing("hook_event_name")),
        };
        let tool = text(&members, ["tool_name", "toolName"]).ok_or(CallError::Missing("tool_name"))?;
        let session = text(&members, ["session_id", "sessionId"]).ok_or(CallError::Missing("session_id"))?;
        let tool_use = text(&members, ["tool_use_id", "toolUseId"])
            .or_else(|| members.get("extra")?.get("tool_call_id")?.as_str().map(str::to_owned));
        let directory = text(&members, ["cwd", "cwd"]);
        // A tool without arguments may have none.
        let input = match ["tool_input", "toolInput"].into_iter().find_map(|name| members.remove(name)) {
            Some(Value::Object(input)) => input,
            None | Some(Value::Null) => Map::new(),
            Some(_) => return Err(CallError::Missing("tool_input")),
        };
        let input = Arguments::from_stored(input);
        Ok(Self { format, event, tool, input, session, tool_use, directory })
    }

    /// The request for approval. The same call with the same settings always becomes the same request.
    pub fn request(&self, settings: &Settings) -> Result<Request, CallError> {
        let limit = self.limit(settings);
        let expires_in = limit.saturating_sub(RESERVE);
        if expires_in < SHORTEST {
            return Err(CallError::Limit(limit));
        }
        let (integration, action) = self.names(settings)?;
        let mut metadata = Map::new();
        metadata.insert("hook".to_owned(), json!(self.format.as_str()));
        metadata.insert("tool".to_owned(), json!(truncated(&self.tool, LONGEST_ID)));
        if let Some(directory) = &self.directory {
            metadata.insert("cwd".to_owned(), json!(truncated(directory, 4096)));
        }
        Ok(Request {
            user: settings.user.clone(),
            agent: Agent {
                id: self.backend(settings).to_owned(),
                name: Some(self.format.agent_name().to_owned()),
            },
            conversation: Conversation { id: fitting(&self.session), title: self.title() },
            integration,
            action,
            arguments: self.input.clone(),
            editable: self.is_editable(),
            reason: None,
            expires_in: expires_in.min(LONGEST),
            abandon_after: Some(ABANDON_AFTER),
            metadata: Some(metadata),
        })
    }

    /// After how many seconds the agent gives up on the hook.
    #[must_use]
    pub fn limit(&self, settings: &Settings) -> u32 {
        settings.limit.unwrap_or_else(|| self.format.default_limit())
    }

    /// What tells this call from every other one of its session. `None` for [`Event::PermissionRequest`], which
    /// does not name the tool use.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<String> {
        let tool_use = self.tool_use.as_ref().filter(|_| self.event == Event::PreToolUse)?;
        let mut hash = Sha256::new();
        for part in [self.format.as_str(), &self.session, tool_use] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        Some(format!("hook-{}", hex(&hash.finalize())))
    }

    /// Whether the agent runs arguments that the answer changes.
    #[must_use]
    pub const fn is_editable(&self) -> bool {
        match (self.format, self.event) {
            (Format::Claude, _) | (Format::Codex | Format::VsCode, Event::PreToolUse) => true,
            (Format::Codex | Format::VsCode, Event::PermissionRequest) | (Format::Hermes, _) => false,
        }
    }

    fn backend<'a>(&self, settings: &'a Settings) -> &'a str {
        settings.backend.as_deref().unwrap_or_else(|| self.format.as_str())
    }

    /// `mcp__server__tool` becomes `tool` of `<backend>.mcp.<server>`, or of the integration that the server is mapped
    /// to; anything else becomes an action of the backend's own integration. A server that an agent adds under the name
    /// of a shared integration inherits none of its grants.
    fn names(&self, settings: &Settings) -> Result<(IntegrationKey, ActionKey), CallError> {
        let own = backend_key(self.backend(settings));
        // Agents replace what their names can't contain by an underscore, so a server's name may contain two. The
        // shortest server is taken: what the agent calls the same, is the same here.
        let mcp = self.tool.strip_prefix("mcp__").and_then(|rest| rest.split_once("__"));
        let Some((server, tool)) = mcp.filter(|(server, tool)| !server.is_empty() && !tool.is_empty()) else {
            return Ok((own, tool_key(&self.tool)));
        };
        let mapped = settings.maps.iter().find(|(name, _)| name == server);
        let integration = match mapped {
            Some((_, shared)) => shared.clone(),
            None => server_key(&own, server).map_err(|_| CallError::Key(own))?,
        };
        Ok((integration, tool_key(tool)))
    }

    /// The last part of the directory in which the agent works.
    fn title(&self) -> Option<String> {
        let directory = self.directory.as_deref()?.trim_end_matches(['/', '\\']);
        let name = directory.rsplit(['/', '\\']).next().filter(|name| !name.trim().is_empty())?;
        Some(truncated(name, LONGEST_TITLE))
    }
}

/// An id that the API takes: itself, or its hash if it is too long.
fn fitting(id: &str) -> String {
    if id.chars().count() <= LONGEST_ID && !id.contains('\0') {
        return id.to_owned();
    }
    format!("sha256-{}", hex(&Sha256::digest(id)))
}

fn truncated(text: &str, most: usize) -> String {
    text.chars().filter(|character| *character != '\0').take(most).collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings { user: Some("alice@example.com".to_owned()), backend: None, maps: Vec::new(), limit: None }
    }

    fn payload() -> Value {
        json!({
            "session_id": "s-1", "cwd": "/home/alice/shop", "prompt_id": "p-1", "permission_mode": "default",
            "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": { "command": "ls" },
            "tool_use_id": "toolu_1",
        })
    }

    fn read(payload: &Value) -> Result<Call, CallError> {
        Call::read(payload.to_string().as_bytes(), None)
    }

    fn with(changes: Value) -> Value {
        let mut payload = payload();
        if let (Value::Object(payload), Value::Object(changes)) = (&mut payload, changes) {
            payload.extend(changes);
        }
        payload
    }

    #[test]
    fn a_call_becomes_a_request() {
        let request = read(&payload()).unwrap().request(&settings()).unwrap();
        insta::assert_json_snapshot!(request, @r#"
        {
          "user": "alice@example.com",
          "agent": {
            "id": "claude",
            "name": "Claude Code"
          },
          "conversation": {
            "id": "s-1",
            "title": "shop"
          },
          "integration": "claude",
          "action": "Bash",
          "arguments": {
            "command": "ls"
          },
          "editable": true,
          "expires_in": 585,
          "abandon_after": 60,
          "metadata": {
            "hook": "claude",
            "tool": "Bash",
            "cwd": "/home/alice/shop"
          }
        }
        "#);
    }

    fn names(tool: &str, settings: &Settings) -> String {
        let request = read(&with(json!({ "tool_name": tool }))).unwrap().request(settings).unwrap();
        format!("{} / {}", request.integration, request.action)
    }

    #[test]
    fn an_mcp_server_is_an_integration_of_the_backend() {
        let named = |tool: &str| names(tool, &settings());
        assert_eq!(named("mcp__github__create_issue"), "claude.mcp.github / create_issue");
        assert_eq!(named("mcp__a__b__c"), "claude.mcp.a / b__c");
        for odd in ["mcp__", "mcp__github", "mcp__github__", "mcp____tool", "github__create"] {
            assert_eq!(named(odd), format!("claude / {odd}"));
        }
        assert_eq!(named("files/read"), "claude / files-0x2f_read");
    }

    #[test]
    fn a_local_server_joins_a_shared_integration_only_if_it_is_mapped() {
        let shared = IntegrationKey::new("github").unwrap();
        let maps = vec![("github".to_owned(), shared)];
        let settings = Settings { backend: Some("laptops".to_owned()), maps, ..settings() };
        assert_eq!(names("mcp__github__create_issue", &settings), "github / create_issue");
        assert_eq!(names("mcp__git__push", &settings), "laptops.mcp.git / push");
        assert_eq!(names("github", &settings), "laptops / github");
    }

    #[test]
    fn each_format_is_recognized() {
        let format = |payload: &Value| read(payload).unwrap().format;
        assert_eq!(format(&payload()), Format::Claude);
        let mut codex = with(json!({ "turn_id": "t-1", "model": "gpt" }));
        codex.as_object_mut().unwrap().remove("prompt_id");
        assert_eq!(format(&codex), Format::Codex);
        assert_eq!(format(&with(json!({ "timestamp": "2026-02-09T10:30:00.000Z" }))), Format::VsCode);
        let hermes = json!({
            "hook_event_name": "pre_tool_call", "tool_name": "terminal", "tool_input": { "command": "ls" },
            "session_id": "s-1", "cwd": "/", "extra": { "tool_call_id": "call_1" },
        });
        assert_eq!(format(&hermes), Format::Hermes);
        assert!(read(&hermes).unwrap().idempotency_key().is_some());
        let vscode = json!({
            "hookEventName": "PreToolUse", "tool_name": "editFiles", "tool_input": { "files": [] },
            "sessionId": "s-1", "tool_use_id": "tool-1",
        });
        assert_eq!(format(&vscode), Format::VsCode);
    }

    #[test]
    fn a_tool_use_has_one_key() {
        let key = |payload: &Value| read(payload).unwrap().idempotency_key();
        assert_eq!(key(&payload()), key(&with(json!({ "cwd": "/" }))));
        for other in [json!({ "session_id": "s-2" }), json!({ "tool_use_id": "toolu_2" })] {
            assert_ne!(key(&payload()), key(&with(other)));
        }
        assert_eq!(key(&with(json!({ "hook_event_name": "PermissionRequest" }))), None);
    }

    #[test]
    fn time_is_left_for_the_answer() {
        let call = read(&payload()).unwrap();
        let seconds = |limit| {
            call.request(&Settings { limit: Some(limit), ..settings() }).map(|request| request.expires_in)
        };
        assert_eq!(seconds(30), Ok(15));
        assert_eq!(seconds(25), Ok(10));
        assert_eq!(seconds(24), Err(CallError::Limit(24)));
        assert_eq!(seconds(0), Err(CallError::Limit(0)));
        assert_eq!(seconds(u32::MAX), Ok(LONGEST));
    }

    #[test]
    fn what_is_not_a_call_is_refused() {
        let refused = |changes: Value| read(&with(changes)).unwrap_err().to_string();
        insta::assert_snapshot!(refused(json!({ "hook_event_name": "PostToolUse" })), @r#"the hook runs on "PostToolUse", where there is nothing to approve: configure it for PreToolUse or PermissionRequest (Hermes: pre_tool_call)"#);
        insta::assert_snapshot!(refused(json!({ "tool_name": 7 })), @r#"the hook's input has no "tool_name", which says what to ask for"#);
        for changes in [
            json!({ "hook_event_name": null }),
            json!({ "session_id": "" }),
            json!({ "tool_input": "ls" }),
            json!({ "tool_input": [] }),
        ] {
            assert!(read(&with(changes.clone())).is_err(), "{changes}");
        }
        for text in ["", "null", "[]", "{", "{\"tool_input\":{\"n\":9007199254740993}}"] {
            assert!(Call::read(text.as_bytes(), None).is_err(), "{text}");
        }
        let twice = payload().to_string().replacen("\"command\":", "\"command\":\"rm\",\"command\":", 1);
        assert!(Call::read(twice.as_bytes(), None).is_err());
    }

    #[test]
    fn ids_that_are_too_long_are_hashed() {
        let request = read(&with(json!({ "session_id": "s".repeat(300), "cwd": "/a/" })));
        let request = request.unwrap().request(&settings()).unwrap();
        assert!(request.conversation.id.starts_with("sha256-") && request.conversation.id.len() < 80);
        assert_eq!(request.conversation.title.as_deref(), Some("a"));
    }
}
