//! The id in an approval's path.

use crate::{
    api::problem::{Kind, Missing, Problem},
    domain::ids::ApprovalId,
};

/// Reads an approval's id from a path. What is no id names no approval.
pub(super) fn parse(text: &str) -> Result<ApprovalId, Problem> {
    text.parse().map_err(|_| Problem::of(Kind::NotFound(Missing::Approval)))
}
