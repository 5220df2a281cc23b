//! Countersign puts a person's signature under what an AI agent is about to do.
//!
//! The way of every change: [`api`] or [`slack`] parses and authenticates and calls one function in [`service`]; that
//! begins a transaction, loads and locks through [`storage`], lets [`domain`] judge, saves the state, the audit and the
//! outbox together, and commits. The [`outbox`] does what reaches outside.
//!
//! | module | owns | may know |
//! | --- | --- | --- |
//! | [`domain`] | what is judged, as pure functions over values | nothing of the others |
//! | [`storage`] | the only SQL, one table a file | `domain` |
//! | [`service`] | one use case a file, and its transaction | `domain`, `storage` |
//! | [`api`] | the agent-backend API, one endpoint a file | `domain`, `service`, `wire` |
//! | [`slack`] | what Slack sends, Slack's Web API, what people read | `domain`, `service` |
//! | [`outbox`] | queue, retries, drawing prompts, sending webhooks | `domain`, `service`, `storage`, `slack`, `wire` |
//! | [`doctor`] | what may be wrong, and how to put it right | all |
//! | [`app`] | puts the parts together | all |

pub mod api;
pub mod app;
pub mod bodies;
pub mod cli;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod doctor;
pub mod domain;
pub mod entropy;
pub mod heartbeat;
pub mod jobs;
pub mod outbox;
pub mod preconditions;
pub mod seal;
pub mod server;
pub mod service;
pub mod shutdown;
pub mod slack;
pub mod storage;
pub mod telemetry;
pub mod webhooks;
pub mod wire;
