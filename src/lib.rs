//! Countersign puts a person's signature under what an AI agent is about to do.

pub mod clock;
pub mod domain;
pub mod entropy;
pub mod seal;
pub mod service;
pub mod storage;
