//! Recording messages that Slack posted although its response was lost, so that they are updated like the others.

use super::{Service, ServiceError, decide, retrying};
use crate::{
    domain::{
        effects::Redraw,
        ids::{ApprovalId, UnlockRequestId, UserId},
    },
    storage,
    storage::tables::{prompts::Prompt, unlock_requests},
};

/// A message in Slack, with what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// A prompt.
    Prompt {
        /// The approval that it shows.
        approval: ApprovalId,
        /// The person who may decide it beside its user, whose message it is. `None`: it is the user's.
        approver: Option<UserId>,
        /// The message's channel.
        channel: String,
        /// The message's `ts`.
        ts: String,
    },
    /// An admin's message about a request to unlock an action.
    UnlockRequest {
        /// The unlock request that it shows.
        request: UnlockRequestId,
        /// The admin who got it.
        admin: UserId,
        /// The message's channel.
        channel: String,
        /// The message's `ts`.
        ts: String,
    },
}

/// Records the message and schedules its update. `false` if the message is known already, or does not belong to this
/// workspace.
#[tracing::instrument(name = "adopt_lost_prompt", skip_all, fields(workspace = slack_id))]
pub async fn adopt(service: &Service, slack_id: &str, lost: &Lost) -> Result<bool, ServiceError> {
    match lost {
        Lost::Prompt { approval, approver, channel, ts } => {
            let mut db = service.db.acquire_with_kept_plans().await?;
            let found =
                storage::tables::approvals::find_in_workspace(&mut db, slack_id, *approval, None).await?;
            drop(db);
            let Some(approval) = found else { return Ok(false) };
            let prompt = Prompt { channel: channel.clone(), ts: ts.clone() };
            decide::adopt_prompt(service, &approval, approver.as_ref(), &prompt).await
        }
        Lost::UnlockRequest { request, admin, channel, ts } => {
            let place = Prompt { channel: channel.clone(), ts: ts.clone() };
            retrying!(adopt_request(service, slack_id, *request, admin, &place))
        }
    }
}

async fn adopt_request(
    service: &Service,
    slack_id: &str,
    request: UnlockRequestId,
    admin: &UserId,
    place: &Prompt,
) -> Result<bool, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let adopted = unlock_requests::adopt(&mut work, slack_id, request, admin, place, now).await?;
    if let Some(workspace) = adopted {
        work.redraw(Redraw::unlock_request(workspace, request));
    }
    work.commit().await?;
    Ok(adopted.is_some())
}
