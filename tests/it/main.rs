//! The running service, as Slack and an agent backend meet it: over HTTP, with signed requests, on a real Postgres.
//! A file a topic.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test that finds something missing fails where it is missing"
)]

mod children;
mod chromium;
mod crowd;
mod looking;
mod messages;
mod modes;
mod screens;
mod story;
mod time;
mod wire;

mod abandoning;
mod administration;
mod agent_pages;
mod api;
mod api_audit;
mod api_catalog;
mod api_deliveries;
mod api_document;
mod api_keys;
mod api_limits;
mod api_refusing;
mod api_waiting;
mod architecture;
mod arguments;
mod asking;
mod backlog;
mod batches;
mod bound_keys;
mod browser;
mod callbacks;
mod catalog;
mod claude_code;
mod claude_gateway;
mod cli;
mod clients;
mod clocks;
mod commands;
mod connecting;
mod corrupt_rows;
mod crowded;
mod danger;
mod deciding;
mod delegating;
mod delivering;
mod departures;
mod digest;
mod doctor;
mod durability;
mod editing;
mod failures;
mod following;
mod gateway;
mod gateway_http;
mod giving;
mod guides;
mod home;
mod hook;
mod hook_http;
mod hostile;
mod ingress;
mod instances;
mod isolation;
mod kept_modals;
mod killed;
mod leaving;
mod listening;
mod lost_prompts;
mod manifest;
mod mcp_clients;
mod mcp_servers;
mod membership;
mod migrating;
mod narrowing;
mod oauth;
mod organisations;
mod owning;
mod partitions;
mod plans;
mod precedents;
mod proxy;
mod racing;
mod refusing;
mod reminding;
mod repeating;
mod repeats;
mod results;
mod revoking;
mod revoking_for_others;
mod rolling;
mod round_trips;
mod scopes;
mod secrets;
mod settings;
mod several;
mod sharing;
mod silence;
mod slack_errors;
mod socket;
mod spans;
mod together;
mod tokens;
mod unlocking;
mod unwritable;
mod upgrade;
mod upgrade_under_load;
mod versions;
mod webhooks;
