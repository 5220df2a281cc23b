//! Looking closer, and turning pages: nothing is decided and nothing changed, except where somebody looks.

use super::{Act, Answer, Trouble, changed, looked, read, within};
use crate::{
    domain::{
        Rejection,
        approvals::Approval,
        ids::{ApprovalId, IntegrationId},
        overview::Section,
    },
    service::homes::{self, Turn},
    slack::{
        modals,
        view::{details, sentences},
        whisper::whisper,
    },
    storage,
};

/// Shows the whole request. Every full member who sees the prompt may see what was cut from it.
pub(super) async fn open_details(act: &Act<'_>, id: ApprovalId) -> Answer {
    let approval = match find(act, id).await {
        Ok(approval) => approval,
        Err(trouble) => return looked::<()>(act, Err(trouble)),
    };
    match act.open(details::details(&approval, 0)).await {
        Ok(_) => Answer::Taken,
        Err(error) if modals::is_open(&error) => Answer::Taken,
        Err(error) => {
            tracing::warn!(%error, approval = %id, "The details could not be opened");
            whisper(act.slack, act.payload, sentences::TRY_AGAIN.to_owned());
            Answer::Taken
        }
    }
}

/// Shows another page of it.
pub(super) async fn turn_details(act: &Act<'_>, id: ApprovalId, page: usize) -> Answer {
    let approval = match find(act, id).await {
        Ok(approval) => approval,
        Err(trouble) => return looked::<()>(act, Err(trouble)),
    };
    let view_id = act.payload.text("/view/id").unwrap_or_default();
    let (hash, view) = (act.payload.text("/view/hash"), details::details(&approval, page));
    if let Err(error) = modals::update(act.slack, act.workspace, view_id, hash, &view).await {
        tracing::warn!(%error, approval = %id, "A page of the details could not be shown");
    }
    Answer::Taken
}

async fn find(act: &Act<'_>, id: ApprovalId) -> Result<Approval, Trouble> {
    let (clicker, _) = act.rights().await.map_err(Trouble::Rejected)?;
    clicker.must_be_member().map_err(Trouble::Rejected)?;
    read(async {
        let mut db = act.slack.service.db.acquire().await?;
        let found = storage::approvals::find_in_workspace(&mut db, act.workspace, id, None).await?;
        Ok(found.ok_or(Rejection::UnknownApproval)?)
    })
    .await
}

/// Turns a section of the clicker's own Home tab.
pub(super) async fn turn_section(act: &Act<'_>, section: Section, page: usize) -> Answer {
    turn(act, Turn::Page(section, page)).await
}

/// Shows the actions of one integration, or all integrations again. What an admin sees there, only an admin is shown:
/// the page is drawn by what its user is then.
pub(super) async fn pick(act: &Act<'_>, integration: Option<IntegrationId>) -> Answer {
    turn(act, Turn::Pick(integration)).await
}

async fn turn(act: &Act<'_>, turn: Turn) -> Answer {
    changed(act, within(homes::turn(&act.slack.service, act.workspace, &act.clicker.user, turn)).await)
}
