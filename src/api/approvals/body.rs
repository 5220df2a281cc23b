//! What `POST /v1/approvals` takes, for the `OpenAPI` document. It is read field by field in [`super::ask`], so that
//! every fault is found and not just the first.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::wire::schema;

/// A request for approval.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it says what is read elsewhere")]
pub struct AskBody {
    /// Who is asked: a Slack user id (`U…`), or an email address that Slack knows.
    #[schema(min_length = 1, max_length = 255)]
    user: String,
    agent: AgentBody,
    conversation: ConversationBody,
    /// The integration's key.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
    integration: String,
    /// The action's key.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
    action: String,
    /// What the action is to be run with. Integers that a double can't hold exactly and members given twice are refused.
    #[schema(schema_with = schema::object)]
    arguments: serde_json::Value,
    /// Why, in the agent's words: shown as the agent's.
    #[schema(min_length = 1, max_length = 3000)]
    reason: Option<String>,
    /// How many seconds the user has to answer; 1800 unless it is said.
    #[schema(minimum = 10, maximum = 604_800)]
    expires_in: Option<i64>,
    slack: Option<PlaceBody>,
    /// Echoed in every answer and webhook, and shown to nobody; at most 16 KiB.
    #[schema(schema_with = schema::maybe_object)]
    metadata: Option<serde_json::Value>,
}

/// Who wants to run the action.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it says what is read elsewhere")]
pub struct AgentBody {
    /// The backend's own id for it.
    #[schema(min_length = 1, max_length = 255)]
    id: String,
    /// Its name for people.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
}

/// In which run of the agent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it says what is read elsewhere")]
pub struct ConversationBody {
    /// The backend's own id for it.
    #[schema(min_length = 1, max_length = 255)]
    id: String,
    /// Its title for people.
    #[schema(min_length = 1, max_length = 200)]
    title: Option<String>,
    /// Where it can be read: an absolute http or https URL.
    #[schema(max_length = 2000, pattern = "^https?://")]
    url: Option<String>,
}

/// Where to ask, instead of in the user's direct messages.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it says what is read elsewhere")]
pub struct PlaceBody {
    /// A channel's Slack id.
    #[schema(pattern = "^[CGD][A-Z0-9]{0,63}$")]
    channel: String,
    /// The `ts` of a message in it, in whose thread to ask.
    #[schema(pattern = r"^[0-9]+\.[0-9]+$", max_length = 64)]
    thread_ts: Option<String>,
}
