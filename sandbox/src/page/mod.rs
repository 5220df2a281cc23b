//! The local Slack's web page.

pub mod blocks;
