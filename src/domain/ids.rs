//! Identifiers. Countersign's own are UUIDv7 with a prefix for what they identify; Slack's and the backends' are kept
//! as given.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The text is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id that looks like {prefix}_0192f7c3a4b57d0e8f1a2b3c4d5e6f70")]
pub struct BadId {
    prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that names a thing of this kind.
            #[must_use]
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID, as the database stores it.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|hex| hex.len() == 32)
                    .and_then(|hex| Uuid::try_parse(hex).ok())
                    .map(Self)
                    .ok_or(BadId { prefix: $prefix })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

id!(
    /// An installation of the Slack app, in a team or an Enterprise organisation.
    WorkspaceId, "wsp"
);
id!(
    /// A program that runs agents and asks for approvals.
    BackendId, "bck"
);
id!(
    /// The public half of an API key.
    ApiKeyId, "key"
);
id!(
    /// An agent of a backend, where admins see it. The backend's own id for it is text.
    AgentId, "agt"
);
id!(
    /// A pause of a backend or an agent.
    PauseId, "pau"
);
id!(
    /// An integration of a workspace.
    IntegrationId, "int"
);
id!(
    /// An action of an integration.
    ActionId, "act"
);
id!(
    /// One version of an action's description.
    ActionVersionId, "ver"
);
id!(
    /// A request of one agent to run one action once.
    ApprovalId, "apr"
);
id!(
    /// A user's standing permission.
    GrantId, "grt"
);
id!(
    /// The notice to one user about grants that an admin or the operator revoked.
    RevocationId, "rev"
);
id!(
    /// A request that admins unlock an action.
    UnlockRequestId, "unl"
);
id!(
    /// A person lets another decide their approvals.
    DelegationId, "dlg"
);
id!(
    /// The notice to one person about a delegation.
    DelegationNoticeId, "dln"
);
id!(
    /// A webhook or Slack message to send. Webhooks carry it as `webhook-id`.
    DeliveryId, "dlv"
);

/// The smallest id of a time. Of the ids made since then, none is smaller, so a statement that asks only for newer ids
/// reads only the partitions that have them.
///
/// Statements get it as a parameter. The SQL function of the same name is for migrations: Postgres can't inline it, and
/// would parse and plan it for each call.
#[must_use]
pub fn id_bound(at: DateTime<Utc>) -> Uuid {
    // A UUIDv7 begins with 48 bits of milliseconds.
    Uuid::from_u128(u128::from(at.timestamp_millis().max(0).unsigned_abs()) << 80)
}

/// The time that an id was made at. `None` if it is beyond what a date can say.
#[must_use]
pub fn time_of_id(id: Uuid) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(i64::try_from(id.as_u128() >> 80).ok()?)
}

/// A Slack user id, `U…` or `W…`. Users are identified only by it, because names are not unique and change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct UserId(String);

impl UserId {
    /// Parses a text that has the form of Slack's user ids: `U` or `W`, then capital letters and digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(['U', 'W'])?;
        let plausible = (2..=30).contains(&text.len())
            && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        plausible.then(|| Self(text.to_owned()))
    }

    /// Wraps an id that was read from the database, without checking it again.
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The id as Slack writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_writes() {
        let id = ApprovalId::new(Uuid::from_u128(0x0192_f7c3_a4b5_7d0e_8f1a_2b3c_4d5e_6f70));
        assert_eq!(id.to_string(), "apr_0192f7c3a4b57d0e8f1a2b3c4d5e6f70");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn an_id_of_another_kind_or_shape_is_refused() {
        for text in
            ["grt_0192f7c3a4b57d0e8f1a2b3c4d5e6f70", "apr_", "apr_0192f7c3-a4b5-7d0e-8f1a-2b3c4d5e6f70", ""]
        {
            assert!(text.parse::<ApprovalId>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_bound_of_a_time_is_below_its_ids() {
        let at = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let seconds = at.timestamp().unsigned_abs();
        let id =
            Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, at.timestamp_subsec_nanos()));
        assert!(id_bound(at) < id && id < id_bound(at + chrono::TimeDelta::milliseconds(1)));
        assert_eq!((time_of_id(id), time_of_id(id_bound(at))), (Some(at), Some(at)));
    }

    #[test]
    fn only_slack_user_ids_are_taken() {
        assert!(UserId::parse("U0ALICE").is_some());
        assert!(UserId::parse("W012").is_some());
        for text in ["u0alice", "C0SALES", "U", "U0 ALICE", "alice@example.com", "<@U1>"] {
            assert!(UserId::parse(text).is_none(), "{text}");
        }
    }
}
