//! A local environment for Countersign: a strict Slack, a Postgres, an agent backend.

pub mod ambient;
pub mod backend;
pub mod catalog;
pub mod http;
pub mod page;
pub mod postgres;
pub mod programs;
pub mod slack;
