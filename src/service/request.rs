//! Creating an approval. Every agent call takes this path, so concurrent calls share a transaction
//! ([`crate::service::ask_queue`]).

use super::{
    Service, ServiceError,
    ask::{Addressed, Ask, Asked, UserRef},
    ask_queue::AskQueue,
    authenticate,
    directory::{Directory, LookupError},
};
use crate::domain::{api_keys::KeyScope, callers::BoundKeyFault, rejection::Rejection};

/// Creates an approval. A live grant that covers the request approves it at once, otherwise it is pending.
#[tracing::instrument(name = "create_approval", skip_all)]
pub async fn request(
    service: &Service,
    queue: &AskQueue,
    directory: &dyn Directory,
    ask: Ask,
) -> Result<Asked, ServiceError> {
    let user = match &ask.user {
        UserRef::Id(user) => user.clone(),
        UserRef::Email(email) => {
            let caller = authenticate::authenticate(service, &ask.key, KeyScope::Ask).await?;
            caller.may_ask()?;
            // Not looked up: the answer would tell whose address it is.
            if let Some(own) = caller.own().user() {
                return Err(Rejection::BoundKey(BoundKeyFault::OtherUser(own.clone())).into());
            }
            let workspace = caller.workspace();
            directory.by_email(workspace, email).await.map_err(|error| match error {
                LookupError::Nobody => Rejection::UnknownUser,
                LookupError::Limited(seconds) => Rejection::SlackBusy(seconds),
                LookupError::MissingScope(scope) => Rejection::MissingScope(scope),
                LookupError::Unavailable => Rejection::LookupUnavailable,
            })?
        }
    };
    let arguments_digest = ask.arguments.digest();
    queue.judge(service, Addressed { ask, user, arguments_digest }).await
}
