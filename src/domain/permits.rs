//! Permits: the single use of an approval. A caller takes it right before it runs the call, with the digest of what it
//! is about to run.

use chrono::{DateTime, Utc};

use super::{
    arguments::Digest,
    ids::{ApiKeyId, ApprovalId},
    pause::Pause,
    text::ForeignId,
};

/// A permit that was taken. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    /// The approval.
    pub approval: ApprovalId,
    /// The digest of what was about to run, which is the digest of what was approved.
    pub digest: Digest,
    /// The API key that took it.
    pub key: ApiKeyId,
    /// The idempotency key of the call that took it.
    pub idempotency_key: Option<ForeignId>,
    /// When it was taken.
    pub used_at: DateTime<Utc>,
}

/// What a caller is about to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The digest of its arguments.
    pub digest: Digest,
    /// The caller's API key.
    pub key: ApiKeyId,
    /// The call's idempotency key.
    pub idempotency_key: Option<ForeignId>,
}

/// What taking a permit is judged by, beside the approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermitContext {
    /// The permit, if it was taken.
    pub taken: Option<Permit>,
    /// Whether someone ended the grant that the decision left or used. Read under the grant's lock.
    pub withdrawn: bool,
    /// The pause that the approval's agent or backend falls under. Read under the workspace's lock.
    pub pause: Option<Box<Pause>>,
}
