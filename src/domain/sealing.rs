//! What the audit log seals of an audit entry.
//!
//! An entry's record is what the Merkle tree has as its leaf. It says when, what, in which workspace and about which approval
//! and grant. What may name a person, or quote them, is in it only as a commitment: a hash with a salt of its own. The salt is
//! kept beside the entry, so that both can be deleted later and the log stays verifiable.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, SecondsFormat, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    arguments::Exact,
    ids::{ApprovalId, GrantId, WorkspaceId},
};

/// The version of the record's form.
const VERSION: u8 = 1;

/// Where an entry stands in the audit's order: by era, then by transaction, then by entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The time on one database server: the numbers of transactions are comparable within it.
    pub era: i32,
    /// The transaction that wrote it: Postgres' `xid8`, which never wraps around.
    pub txid: u64,
    /// The entry.
    pub id: i64,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.era, self.txid, self.id)
    }
}

impl std::str::FromStr for Position {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (before, id) = text.rsplit_once('.').unwrap_or((text, ""));
        // A position that was given before there were eras names none: it is one of the first.
        let (era, txid) = before.split_once('.').unwrap_or(("0", before));
        Ok(Self { era: era.parse()?, txid: txid.parse()?, id: id.parse()? })
    }
}

/// 16 random bytes, of which the salts of an entry's commitments are derived.
pub type Salt = [u8; 16];

/// An audit entry as the log seals it.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// Where it stands in the audit.
    pub position: Position,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub what: String,
    /// Who, without a name.
    pub actor_kind: String,
    /// About which approval.
    pub approval: Option<ApprovalId>,
    /// About which grant.
    pub grant: Option<GrantId>,
    /// What may name a person.
    pub personal: Personal,
}

/// What the record commits to without saying it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Personal {
    /// Who.
    pub actor: Option<String>,
    /// What else was affected.
    pub subject: Option<String>,
    /// How it was.
    pub before: Option<Value>,
    /// How it is now.
    pub after: Option<Value>,
}

/// One of the values that a record commits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// [`Personal::actor`]
    Actor,
    /// [`Personal::subject`]
    Subject,
    /// [`Personal::before`]
    Before,
    /// [`Personal::after`]
    After,
}

impl Field {
    const ALL: [Self; 4] = [Self::Actor, Self::Subject, Self::Before, Self::After];

    /// The name in the record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Subject => "subject",
            Self::Before => "before",
            Self::After => "after",
        }
    }

    /// The salt of only this value, from that of the entry: it can be disclosed without the others.
    fn salt(self, entry: &Salt) -> [u8; 32] {
        // A key of any length is taken.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(entry) else { return [0; 32] };
        mac.update(self.as_str().as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn commit(self, personal: &Personal, salt: &Salt) -> String {
        let value = match self {
            Self::Actor => canonical(&personal.actor),
            Self::Subject => canonical(&personal.subject),
            Self::Before => canonical(&personal.before),
            Self::After => canonical(&personal.after),
        };
        let mut hash = Sha256::new();
        hash.update(self.salt(salt));
        hash.update(value);
        STANDARD.encode(hash.finalize())
    }
}

/// The value's canonical JSON (RFC 8785). A number that it can't write stays as it is.
fn canonical(value: &impl Serialize) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).or_else(|_| serde_json::to_vec(value)).unwrap_or_default()
}

/// A record, as it is read from the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    v: u8,
    /// Where the entry stands in the audit.
    pub position: String,
    /// The workspace.
    pub workspace: String,
    /// When, in RFC 3339.
    pub at: String,
    /// What happened.
    pub what: String,
    /// Who, without a name.
    pub actor_kind: String,
    /// About which approval.
    pub approval: Option<String>,
    /// About which grant.
    pub grant: Option<String>,
    commitments: Commitments,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Commitments {
    actor: String,
    subject: String,
    before: String,
    after: String,
}

impl Commitments {
    fn get(&self, field: Field) -> &str {
        match field {
            Field::Actor => &self.actor,
            Field::Subject => &self.subject,
            Field::Before => &self.before,
            Field::After => &self.after,
        }
    }
}

impl LogEntry {
    /// The record, as canonical JSON: the leaf of the tree.
    #[must_use]
    pub fn record(&self, salt: &Salt) -> Vec<u8> {
        let commit = |field: Field| field.commit(&self.personal, salt);
        canonical(&Record {
            v: VERSION,
            position: self.position.to_string(),
            workspace: self.workspace.to_string(),
            at: self.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            what: self.what.clone(),
            actor_kind: self.actor_kind.clone(),
            approval: self.approval.map(|approval| approval.to_string()),
            grant: self.grant.map(|grant| grant.to_string()),
            commitments: Commitments {
                actor: commit(Field::Actor),
                subject: commit(Field::Subject),
                before: commit(Field::Before),
                after: commit(Field::After),
            },
        })
    }

    /// What opens its commitments.
    #[must_use]
    pub fn opening(&self, number: u64, salt: &Salt) -> Opening {
        let Personal { actor, subject, before, after } = self.personal.clone();
        Opening { number, salt: STANDARD.encode(salt), actor, subject, before, after }
    }
}

/// What a record commits to, with the salt that proves it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The entry's number in the log.
    pub number: u64,
    /// In base64.
    pub salt: String,
    /// See [`Personal`].
    pub actor: Option<String>,
    /// See [`Personal`].
    pub subject: Option<String>,
    /// See [`Personal`].
    pub before: Option<Value>,
    /// See [`Personal`].
    pub after: Option<Value>,
}

impl Opening {
    /// Reads a line of an export. `Err`: why it can't be read.
    pub fn read(line: &[u8]) -> Result<Self, String> {
        let Exact(value) = Exact::read(line)?;
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    /// The line of an export, without its end.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        // Texts, numbers and JSON can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Record {
    /// Reads a record. `Err`: why it can't be read.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let Exact(value) = Exact::read(bytes)?;
        let record: Self = serde_json::from_value(value).map_err(|error| error.to_string())?;
        if record.v == VERSION { Ok(record) } else { Err(format!("has the version {}", record.v)) }
    }

    /// Which of the values are not those that the record commits to.
    #[must_use]
    pub fn changed(&self, opening: &Opening) -> Vec<Field> {
        let salt = STANDARD.decode(&opening.salt).ok().and_then(|salt| Salt::try_from(salt).ok());
        let Some(salt) = salt else { return Field::ALL.to_vec() };
        let Opening { actor, subject, before, after, .. } = opening.clone();
        let personal = Personal { actor, subject, before, after };
        let is_changed = |field: &Field| field.commit(&personal, &salt) != self.commitments.get(*field);
        Field::ALL.into_iter().filter(is_changed).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn entry() -> LogEntry {
        LogEntry {
            position: Position { era: 0, txid: 12, id: 3 },
            workspace: WorkspaceId::new(Uuid::from_u128(1)),
            at: DateTime::from_timestamp(1_790_000_000, 1_000).unwrap(),
            what: "approval.approved".to_owned(),
            actor_kind: "user".to_owned(),
            approval: Some(ApprovalId::new(Uuid::from_u128(2))),
            grant: None,
            personal: Personal {
                actor: Some("U0ALICE".to_owned()),
                subject: None,
                before: None,
                after: Some(json!({ "scope": "once", "by": "user" })),
            },
        }
    }

    #[test]
    fn a_record_is_canonical_and_names_no_person() {
        let record = entry().record(&[7; 16]);
        assert_eq!(
            String::from_utf8(record.clone()).unwrap(),
            r#"{"actor_kind":"user","approval":"apr_00000000000000000000000000000002","at":"2026-09-21T14:13:20.000001Z","commitments":{"actor":"ACTOR","after":"AFTER","before":"BEFORE","subject":"SUBJECT"},"grant":null,"position":"0.12.3","v":1,"what":"approval.approved","workspace":"wsp_00000000000000000000000000000001"}"#
                .replace("ACTOR", &commitment("actor", br#""U0ALICE""#))
                .replace("AFTER", &commitment("after", br#"{"by":"user","scope":"once"}"#))
                .replace("BEFORE", &commitment("before", b"null"))
                .replace("SUBJECT", &commitment("subject", b"null"))
        );
        assert_eq!(serde_json_canonicalizer::to_vec(&Record::read(&record).unwrap()).unwrap(), record);
    }

    /// As docs/audit-log.md says how to compute it.
    fn commitment(field: &str, value: &[u8]) -> String {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &[7; 16]);
        let salt = ring::hmac::sign(&key, field.as_bytes());
        STANDARD.encode(Sha256::digest([salt.as_ref(), value].concat()))
    }

    #[test]
    fn an_opening_is_read_as_it_was_written() {
        let (entry, salt) = (entry(), [9; 16]);
        let opening = Opening::read(&entry.opening(5, &salt).line()).unwrap();
        assert_eq!(opening, entry.opening(5, &salt));
        assert_eq!(Record::read(&entry.record(&salt)).unwrap().changed(&opening), []);
        for wrong in [&br#"{"number":1}"#[..], b"{}", b"[]", br#"{"number":1,"number":2}"#] {
            assert!(Opening::read(wrong).is_err());
        }
    }

    #[test]
    fn each_changed_value_is_named() {
        let (entry, salt) = (entry(), [9; 16]);
        let record = Record::read(&entry.record(&salt)).unwrap();
        let opening = |change: fn(&mut Opening)| {
            let mut opening = entry.opening(5, &salt);
            change(&mut opening);
            opening
        };
        assert_eq!(record.changed(&opening(|it| it.actor = Some("U0BOB".to_owned()))), [Field::Actor]);
        assert_eq!(record.changed(&opening(|it| it.actor = None)), [Field::Actor]);
        assert_eq!(record.changed(&opening(|it| it.subject = Some(String::new()))), [Field::Subject]);
        assert_eq!(record.changed(&opening(|it| it.before = Some(json!({})))), [Field::Before]);
        assert_eq!(record.changed(&opening(|it| it.after = Some(json!({ "by": "user" })))), [Field::After]);
        let mut other = entry.opening(5, &salt);
        other.salt = STANDARD.encode([8; 16]);
        assert_eq!(record.changed(&other), Field::ALL);
        other.salt = "AA==".to_owned();
        assert_eq!(record.changed(&other), Field::ALL);
    }

    #[test]
    fn positions_are_read_as_they_are_written() {
        let position = entry().position;
        assert_eq!(position.to_string().parse(), Ok(position));
        assert_eq!("12.3".parse(), Ok(position));
        assert!("x".parse::<Position>().is_err());
    }
}
