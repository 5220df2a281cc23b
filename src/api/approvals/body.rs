//! The body of `POST /v1/approvals`.

use chrono::TimeDelta;
use serde_json::{Map, Value};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};

use crate::{
    api::{
        fields::{Field, Pointer, WholeNumber, json_body, read_text},
        problem::Fault,
    },
    domain::{
        approvals::{Agent, Conversation, Place, Text64},
        arguments::{Arguments, Digest},
        callbacks::CallbackUrl,
        ids::UserId,
        text::{ActionKey, ForeignId, IntegrationKey, Link, Name, Prose, TextFault},
    },
    service::{
        ask::{Ask, UserRef},
        authenticate::ApiKey,
    },
};

/// How long the user has to answer by default, in seconds.
const DEFAULT_EXPIRY: i64 = 1800;
/// The largest `metadata`, in bytes of JSON.
const LARGEST_METADATA: usize = 16 * 1024;

json_body! {
    /// A request for approval.
    pub struct AskBody as "AskBody" {
        /// Who is asked: a Slack user id (`U…`), or an email address that Slack knows. May be left out if the API key is
        /// bound to a user, and must name that user otherwise.
        user: Option<UserRef>,
        agent: AgentBody,
        conversation: ConversationBody,
        /// The integration's key.
        integration: IntegrationKey,
        /// The action's key.
        action: ActionKey,
        /// The action's arguments. Integers that a double can't hold exactly and members given twice are refused.
        arguments: Arguments,
        /// Whether your backend runs arguments that the user changes. If true, and if the action has an `input_schema`, the
        /// user can edit arguments and approve; run `decision.arguments` then. Default: false.
        editable: Option<bool>,
        /// Why the agent asks, in its own words. Slack shows it as the agent's.
        reason: Option<Prose>,
        /// How many seconds the user has to answer. Default: 1800.
        expires_in: Option<WholeNumber<10, 604_800>>,
        /// Cancels the approval if no caller listens to it for this many seconds, so that an agent that was killed leaves
        /// nothing to approve. A caller listens while its `GET` with `wait`, or its stream of events, is open at any
        /// instance. The time begins with this request. Default: the approval waits until `expires_in`.
        abandon_after: Option<WholeNumber<5, 86_400>>,
        /// Receives a webhook for this approval only, signed with your webhook secret, in addition to your endpoint: an
        /// absolute http or https URL. An approval that is approved at once has none. Treated as a secret.
        callback_url: Option<CallbackUrl>,
        slack: Option<PlaceBody>,
        /// Returned in every response and webhook, and never shown in Slack. At most 16 KiB.
        metadata: Option<Metadata>,
    }

    /// Who wants to run the action.
    pub struct AgentBody as "AgentBody" {
        /// The backend's own id for it.
        id: ForeignId,
        /// Its name for people.
        name: Option<Name>,
    }

    /// The run of the agent that asks.
    pub struct ConversationBody as "ConversationBody" {
        /// The backend's own id for it.
        id: ForeignId,
        /// Its title for people.
        title: Option<Name>,
        /// Where it can be read: an absolute http or https URL.
        url: Option<Link>,
    }

    /// Where to ask, instead of in the user's direct messages.
    pub struct PlaceBody as "PlaceBody" {
        /// A channel's Slack id.
        channel: Channel,
        /// The `ts` of a message in it, in whose thread to ask.
        thread_ts: Option<Timestamp>,
    }
}

impl AskBody {
    /// The user that it names.
    #[must_use]
    pub fn user(&self) -> Option<UserRef> {
        self.user.clone()
    }

    /// The use case's input, asked of this user with this key.
    #[must_use]
    pub fn into_ask(
        self,
        user: UserRef,
        key: ApiKey,
        idempotency_key: Option<ForeignId>,
        digest: Digest,
    ) -> Ask {
        Ask {
            approvers: None,
            key,
            idempotency_key,
            digest,
            user,
            agent: Agent { id: self.agent.id, name: self.agent.name },
            conversation: Conversation {
                id: self.conversation.id,
                title: self.conversation.title,
                url: self.conversation.url,
            },
            integration: self.integration,
            action: self.action,
            arguments: self.arguments,
            editable: self.editable.unwrap_or(false),
            reason: self.reason,
            expires_in: TimeDelta::seconds(self.expires_in.map_or(DEFAULT_EXPIRY, |seconds| seconds.0)),
            abandon_after: self.abandon_after.map(|seconds| TimeDelta::seconds(seconds.0)),
            callback_url: self.callback_url,
            place: self.slack.map(|place| Place {
                channel: place.channel.0,
                thread_ts: place.thread_ts.map(|timestamp| timestamp.0),
            }),
            metadata: self.metadata.map(|metadata| metadata.0),
        }
    }
}

impl Field for UserRef {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = ForeignId::read(value, at, faults)?;
        let text = text.as_str();
        if let Some(user) = UserId::parse(text) {
            return Some(Self::Id(user));
        }
        let plausible =
            text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
        if plausible && !text.contains(char::is_whitespace) {
            return Some(Self::Email(text.to_owned()));
        }
        faults.push(at.fault("must be a Slack user id (U…) or an email address"));
        None
    }

    fn schema() -> RefOr<Schema> {
        ForeignId::schema()
    }
}

impl Field for CallbackUrl {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        read_text(value, at, faults, |text| Self::new(&text))
    }

    fn schema() -> RefOr<Schema> {
        Link::schema()
    }
}

/// A channel's id.
#[derive(Debug)]
struct Channel(Text64);

impl Field for Channel {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        read_text(value, at, faults, |text| {
            let plausible = text.starts_with(['C', 'G', 'D'])
                && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
            if plausible { Text64::new(text).map(Self) } else { Err(TextFault::NotAChannel) }
        })
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[CGD][A-Z0-9]{0,63}$")).into()
    }
}

/// A message's `ts`.
#[derive(Debug)]
struct Timestamp(Text64);

impl Field for Timestamp {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        read_text(value, at, faults, |text| {
            let plausible = text.split_once('.').is_some_and(|(seconds, rest)| {
                let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
                digits(seconds) && digits(rest)
            });
            if plausible { Text64::new(text).map(Self) } else { Err(TextFault::NotATimestamp) }
        })
    }

    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"^[0-9]+\.[0-9]+$"));
        text.max_length(Some(64)).into()
    }
}

/// An object of limited size.
#[derive(Debug)]
struct Metadata(Map<String, Value>);

impl Field for Metadata {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let metadata = Map::read(value, at, faults)?;
        let size = serde_json::to_vec(&metadata).map_or(0, |json| json.len());
        if size > LARGEST_METADATA {
            faults.push(at.fault(format!("must be at most 16 KiB of JSON; got {size} bytes")));
            return None;
        }
        Some(Self(metadata))
    }

    fn schema() -> RefOr<Schema> {
        <Map<String, Value> as Field>::schema()
    }
}
