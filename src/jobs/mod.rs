//! What happens by the clock rather than by a request.

pub mod audit_protection;
pub mod housekeeping;
pub mod membership;
pub mod registration;
pub mod token_refresh;
