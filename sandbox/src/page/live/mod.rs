//! What keeps a page current while somebody looks at it.

mod parts;
mod stream;

pub(super) use parts::{List, Part, Parts, hash};
pub(super) use stream::stream;
