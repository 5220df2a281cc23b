//! Adapters for agents that have no code of their own to ask with. They use the public API and nothing else, so they run
//! on the agent's machine as well as beside the service.

pub mod approval;
pub mod claude_settings;
pub mod client;
pub mod formats;
pub mod hook;
pub mod mcp;
