//! Countersign lets people approve, in Slack, what AI agents are about to do.
//!
//! Every change takes one way: [`api`] or [`slack::inbound`] parses and authenticates and calls one function in
//! [`service`]. That opens a unit of work, loads and locks through [`storage`], lets [`domain`] judge, saves the new state
//! with its effects, and commits. The [`outbox`] then delivers: prompts through [`slack::outbound`], webhooks through
//! [`webhooks`].
//!
//! | module | owns |
//! | --- | --- |
//! | [`domain`] | every judgement, as pure functions over values |
//! | [`storage`] | the only SQL |
//! | [`service`] | one use case a file, and its transaction |
//! | [`outbox`] | worker, retry schedule, listening connection |
//! | [`webhooks`] | sending and signing webhooks |
//! | [`wire`] | an approval and a receipt as JSON |
//! | [`jose`] | Ed25519 keys and signed statements |
//! | [`log_files`] | the audit log as files: writing and verifying them |
//! | [`tlog`] | the Merkle tree of the audit log, its checkpoints and proofs |
//! | [`api`] | the agent-backend API, one endpoint a file |
//! | [`slack`] | what Slack sends, Slack's Web API, what people read |
//! | [`jobs`] | what happens by the clock |
//! | [`gateway`] | adapters for agents, which use the public API and nothing else |
//! | [`doctor`], [`cli`] | the operator's commands |
//! | [`app`] | one instance, from its configuration to its end |
//!
//! `docs/architecture.md` tells which module may import which, follows an ask, a click, a webhook and a Home tab through
//! the code, and lists the files that the commonest changes touch.

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
pub mod gateway;
pub mod heartbeat;
pub mod jobs;
pub mod jose;
pub mod log_files;
pub mod outbox;
pub mod preconditions;
pub mod seal;
pub mod server;
pub mod service;
pub mod shutdown;
pub mod slack;
pub mod storage;
pub mod telemetry;
pub mod tlog;
pub mod webhooks;
pub mod wire;
