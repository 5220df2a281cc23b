//! Creating approvals takes two statements, for one as for many: [`load`] reads and locks everything that the requests
//! are judged by, [`save`] writes everything that follows. Every call of every agent takes this path, so it needs only
//! two round trips between begin and commit, shared by all requests of a transaction.

mod load;
mod save;

pub use load::{AskContext, Asking, MostPending, StoredConversation, load};
pub use save::{Created, save};
