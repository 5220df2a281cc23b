//! `/v1/approvals`.

pub mod ask;
pub mod body;
pub mod cancel;
pub mod events;
pub mod get;
pub mod list;
mod waiting;

use crate::{
    api::problem::{Kind, Missing, Problem},
    domain::ids::ApprovalId,
};

/// Reads an approval's id from a path. What is no id names no approval.
fn id(text: &str) -> Result<ApprovalId, Problem> {
    text.parse().map_err(|_| Problem::of(Kind::NotFound(Missing::Approval)))
}
