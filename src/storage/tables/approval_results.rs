//! The table `approval_results`: what came of approved calls. Rows are never changed, except that the words are emptied
//! with the approval's arguments ([`crate::storage::tables::approvals::delete_contents`]).

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        arguments::Digest,
        ids::ApprovalId,
        reporting::Reported,
        results::{ApprovalResult, ResultStatus},
        text::{Link, Text},
    },
    storage::{PgConnection, effects::Recorded, stored::CorruptRow},
};

/// The columns of a result.
pub(in crate::storage) struct ResultRow<'a> {
    pub(in crate::storage) status: &'a str,
    pub(in crate::storage) digest: &'a [u8],
    pub(in crate::storage) summary: Option<String>,
    pub(in crate::storage) url: Option<String>,
    pub(in crate::storage) reported_at: Option<DateTime<Utc>>,
}

impl ResultRow<'_> {
    /// Reads the row, or says which of its columns can't be read.
    pub(in crate::storage) fn read(self, approval: ApprovalId) -> Result<ApprovalResult, CorruptRow> {
        let corrupt = |column| CorruptRow::new("approval_results", column, &approval);
        Ok(ApprovalResult {
            status: ResultStatus::from_stored(self.status).ok_or_else(|| corrupt("status"))?,
            summary: self.summary.map(Text::from_stored),
            url: self.url.map(Link::from_stored),
            digest: Digest::from_stored(self.digest).ok_or_else(|| corrupt("digest"))?,
            reported_at: self.reported_at.ok_or_else(|| corrupt("reported_at"))?,
        })
    }
}

/// The result of an approval.
pub async fn find(db: &mut PgConnection, approval: ApprovalId) -> sqlx::Result<Option<ApprovalResult>> {
    let row = sqlx::query!(
        "SELECT status, summary, url, digest, reported_at FROM approval_results WHERE approval_id = $1",
        approval.uuid()
    )
    .fetch_optional(db)
    .await?;
    let read = row.map(|row| {
        let (summary, url, reported_at) = (row.summary, row.url, Some(row.reported_at));
        ResultRow { status: &row.status, digest: &row.digest, summary, url, reported_at }.read(approval)
    });
    Ok(read.transpose()?)
}

/// Adds a result.
pub async fn save(db: &mut PgConnection, reported: &Recorded<Reported>) -> sqlx::Result<()> {
    let result = &reported.result;
    sqlx::query!(
        "INSERT INTO approval_results (approval_id, status, summary, url, digest, reported_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        reported.approval.uuid(),
        result.status.as_str(),
        result.summary.as_ref().map(Text::as_str),
        result.url.as_ref().map(Link::as_str),
        result.digest.bytes(),
        result.reported_at
    )
    .execute(db)
    .await?;
    Ok(())
}
