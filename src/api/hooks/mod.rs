//! `/v1/hooks`: agents that call an address before they run a tool, without a program of ours on their machine.

mod cancelling;
pub mod claude_code;
mod deciding;
pub mod json;
