//! Keeps an open page up to date.

mod parts;
mod stream;

pub(super) use parts::{List, Part, Parts, hash};
pub(super) use stream::stream;
