//! *Request auto-approval*, and what admins do about it. Rights are checked at each click.

use super::{
    Act, Answer, Trouble, changed,
    settings::{finish, redraw, refused, unconfirmed},
    within,
};
use crate::{
    domain::{
        Rejection,
        ids::{ActionId, UnlockRequestId, UserId},
        unlocking,
    },
    service::{
        self,
        unlock::{self, Seen, Wish},
        unlock_requests,
    },
    slack::{
        insist::Revoking,
        view::{controls::Screen, sentences},
        whisper::whisper,
    },
};

/// Asks the admins to unlock an action.
pub(super) async fn request(act: &Act<'_>, action: ActionId) -> Answer {
    let result = match act.rights().await {
        Ok((clicker, _)) => {
            within(unlock_requests::ask(&act.slack.service, act.origin(), &clicker, action)).await
        }
        Err(rejection) => refused(rejection),
    };
    let Ok(first) = result else { return finish(act, result) };
    if act.in_settings() {
        let screen = Screen::read(act.payload.text("/view/private_metadata").unwrap_or_default());
        redraw(act, screen, Some(sentences::REQUESTED.to_owned()));
    } else if first {
        whisper(act.slack, act.payload, sentences::REQUESTED.to_owned());
    }
    Answer::Taken
}

/// An admin answers a request.
pub(super) async fn answer(
    act: &Act<'_>,
    request: UnlockRequestId,
    answer: (unlocking::Answer, Seen),
) -> Answer {
    let result = match admin(act).await {
        Ok(admin) => {
            within(unlock_requests::answer(&act.slack.service, act.origin(), &admin, request, answer)).await
        }
        Err(trouble) => Err(trouble),
    };
    changed(act, result)
}

/// An admin unlocks, confirms or locks an action.
pub(super) async fn set(act: &Act<'_>, action: ActionId, wish: (Wish, Seen)) -> Answer {
    let result = match admin(act).await {
        Ok(admin) => {
            within(unlock::set_by_admin(&act.slack.service, act.origin(), action, wish, &admin)).await
        }
        Err(trouble) => Err(trouble),
    };
    match result {
        Err(Trouble::Unclear) if wish.0 == Wish::Lock => unconfirmed(act, Revoking::Lock(action)),
        result => changed(act, result),
    }
}

/// Who clicked, if they are an admin now. Whoever is not is told so, and the try is audited.
async fn admin(act: &Act<'_>) -> Result<UserId, Trouble> {
    let (clicker, is_admin) = act.rights().await.map_err(Trouble::Rejected)?;
    if is_admin {
        return Ok(clicker.user);
    }
    within(service::settings::refuse_admin(&act.slack.service, act.origin(), &clicker.user)).await?;
    refused(Rejection::NotAdmin)
}
