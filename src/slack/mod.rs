//! Slack: what comes in is verified, parsed tolerantly and handed to one use case; what people read is drawn in
//! [`view`].

pub mod admins;
pub mod client;
pub mod commands;
pub mod dialer;
pub mod dispatch;
pub mod error;
pub mod events;
pub mod home;
pub mod ingress;
mod insist;
pub mod interactions;
pub mod lost_prompts;
pub mod manifest;
pub mod members;
pub mod membership;
mod modals;
pub mod oauth;
pub mod payload;
pub mod people;
pub mod rate_limiter;
pub mod signature;
pub mod socket;
pub mod tokens;
pub mod view;
pub mod whisper;

use std::sync::Arc;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{bodies::Bodies, service::Service};

/// What the Slack side needs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Slack {
    /// The use cases.
    pub service: Service,
    /// Slack's Web API.
    pub client: client::Client,
    /// Who somebody is.
    pub people: Arc<people::People>,
    /// What verifies that a request comes from Slack.
    pub secrets: Arc<signature::SigningSecrets>,
    /// Answers private sentences.
    pub http: reqwest::Client,
    /// What is in memory of the bodies that Slack posts.
    pub bodies: Bodies,
    /// Work that a click's answer doesn't wait for; a shutdown does.
    pub aside: TaskTracker,
    /// Ends what of it only waits.
    pub stop: CancellationToken,
}
