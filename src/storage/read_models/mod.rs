//! What a screen, a list or an export shows. Nothing here is locked.

pub mod approvals;
pub mod audit_horizon;
pub mod digest;
pub mod grants;
pub mod options;
pub mod overview;
pub mod precedents;
pub mod shared_prompts;
