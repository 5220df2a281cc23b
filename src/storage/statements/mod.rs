//! Statements that span tables. Each is one round trip.

pub mod claim;
pub mod create_approval;
pub mod decide;
pub mod deliveries;
pub mod finish;
pub mod reencrypt;
pub mod remind;
pub mod settings;
