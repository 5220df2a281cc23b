//! The approval's id in a path.

use crate::{
    api::problem::{Kind, Missing, Problem},
    domain::ids::ApprovalId,
};

/// Parses an approval's id from a path. A malformed id is *not found*, like an unknown one.
pub(super) fn parse(text: &str) -> Result<ApprovalId, Problem> {
    text.parse().map_err(|_| Problem::new(Kind::NotFound(Missing::Approval)))
}
