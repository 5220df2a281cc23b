//! Results: what came of an approved call, in the words of its backend.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    arguments::Digest,
    text::{Link, Text},
};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultStatus {
    /// The action was run.
    Succeeded,
    /// The action failed, or was not run.
    Failed,
}

impl ResultStatus {
    /// Every status.
    pub const ALL: [Self; 2] = [Self::Succeeded, Self::Failed];

    /// The status as written in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// Parses what [`ResultStatus::as_str`] returns.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl Serialize for ResultStatus {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What came of a call, in the backend's words. Short enough to be shown in full on the prompt.
pub type Summary = Text<300>;

/// A backend's report of what came of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How the call ended.
    pub status: ResultStatus,
    /// What came of it.
    pub summary: Option<Summary>,
    /// Where people can see what came of it.
    pub url: Option<Link>,
}

/// What came of an approved call. A result never changes; its words may be deleted after the retention time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalResult {
    /// How the call ended.
    pub status: ResultStatus,
    /// What came of it.
    pub summary: Option<Summary>,
    /// Where people can see what came of it.
    pub url: Option<Link>,
    /// The digest of the report, which tells whether a later one is the same, also once the words are deleted.
    pub digest: Digest,
    /// When it was reported.
    pub reported_at: DateTime<Utc>,
}
