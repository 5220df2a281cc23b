//! What surrounds Countersign, locally: a strict Slack, a Postgres, an agent backend.

pub mod page;
pub mod postgres;
