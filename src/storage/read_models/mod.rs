//! What a screen, a list or an export shows. Nothing here is locked.

pub mod approvals;
pub mod audit_horizon;
pub mod audit_search;
pub mod digest;
pub mod fatigue;
pub mod grants;
pub mod options;
pub mod overview;
pub mod precedents;
pub mod setup;
pub mod shared_prompts;
