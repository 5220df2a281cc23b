//! `/v1/approvals`.

pub mod ask;
pub mod body;
pub mod cancel;
pub mod events;
pub mod get;
mod id;
pub mod list;
pub mod permit;
pub mod receipt;
pub mod result;
pub(in crate::api) mod waiting;
