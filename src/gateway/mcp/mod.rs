//! A gateway in front of an MCP server: it asks a person before each call of a tool.
//!
//! It passes messages, not their meaning: what is not a call of a tool goes through as it came, in both directions, also
//! what this version does not know.
//!
//! | module | owns |
//! | --- | --- |
//! | [`message`] | JSON-RPC messages |
//! | [`session`] | one client and its server: which message goes where |
//! | [`call`] | one call of a tool, from the request to its end |
//! | [`link`] | both directions, and which requests are open |
//! | [`state`] | calls whose client is to try again |
//! | [`progress`] | progress that keeps increasing, first the gateway's, then the server's |
//! | [`catalog`], [`tools`] | what the server offers, as an integration |
//! | [`child`], [`remote`] | a server that is a process, or is reached by HTTP |
//! | [`stdio`] | a client on standard input and output |
//! | [`listen`], [`sessions`] | clients that come by HTTP |
//! | [`stateless`] | their requests without a session |

mod call;
mod catalog;
mod child;
mod connect;
mod link;
pub mod listen;
mod message;
mod progress;
mod refusal;
mod remote;
mod session;
mod sessions;
pub mod settings;
mod sse;
mod state;
mod stateless;
pub mod stdio;
pub mod tools;
mod upstream;
