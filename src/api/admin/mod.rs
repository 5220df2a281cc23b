//! `/v1/admin`: what the Home tab of an admin does, for programs of the operator. Every call needs an admin key. None reads
//! the arguments of an approval, asks for one or decides one.

pub mod action;
pub mod actions;
pub mod backends;
pub mod delegations;
pub mod deliveries;
pub mod end_delegation;
pub mod grants;
pub mod lock_action;
pub mod pause;
pub mod pauses;
pub mod redeliver;
pub mod resume;
pub mod revoke_grant;
pub mod revoke_grants;
pub mod stats;
pub mod unlock_action;
pub mod unlock_read_only;
