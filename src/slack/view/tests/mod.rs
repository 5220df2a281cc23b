//! Every view in every state, and every view with the worst possible content.

mod action_options;
mod administration;
mod apart;
mod checks;
mod delegation;
mod differences;
mod hostile;
mod mcp_servers;
mod narrowing;
mod notifications;
mod pauses;
mod precedents;
mod samples;
mod screens;
mod sharing;
mod snapshots;
mod worst;
