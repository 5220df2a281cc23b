//! A complete Countersign on this machine: the service, a local Slack, an agent backend and a database, in one value.
//!
//! Tests, the demo, the stand and the benchmarks all start a [`LocalDeployment`]. What only one of them needs (a test's
//! assertions, the demo's story) stays with it. Neither the service nor the sandbox depends on this crate.
//!
//! | module | what |
//! | --- | --- |
//! | `deployment` | the value: prepared, started, stopped |
//! | `config` | how the service is configured for the local Slack |
//! | `operation` | what an operator and a backend set up: backends, descriptions, locks, connections |
//! | `idle` | waiting until the service has done all that is due |

mod config;
mod deployment;
mod idle;
mod operation;

pub use self::{
    config::use_socket_mode,
    deployment::{BackendKeys, DeploymentOptions, LocalDeployment, Page, migrate, migrated_database},
};
