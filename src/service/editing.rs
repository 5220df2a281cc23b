//! A person changes arguments, and approves the changed ones.

use super::{
    Service, ServiceError,
    decide::{self, Click},
    retrying,
};
use crate::{
    domain::{
        approvals::Approval,
        approvers::Entitlement,
        decisions::{self, Choice},
        editing::{self, Edited, EntryFault},
        grants::Scope,
        input_schema::InputSchema,
        pauses,
        rejection::Rejection,
        validation,
    },
    storage::tables::{approvals, details_opened, repeats, versions},
};

/// A request whose arguments can be changed.
#[derive(Debug)]
pub struct Editable {
    /// The request.
    pub approval: Approval,
    /// What its arguments must look like.
    pub schema: InputSchema,
}

/// What a submission led to.
#[derive(Debug)]
pub enum Submitted {
    /// The approval was approved: with changed arguments, or with those that were asked if none was changed.
    Approved {
        /// Whether arguments were changed.
        changed: bool,
    },
    /// Nothing was decided, because of what was entered.
    Faults(Box<Editable>, Vec<EntryFault>),
}

/// Reads a request for the modal in which it is edited. A refusal is audited.
#[tracing::instrument(name = "may_edit", skip_all, fields(workspace = click.workspace, approval = %click.approval, user = %click.acting_user.user))]
pub async fn open(service: &Service, click: &Click) -> Result<Editable, ServiceError> {
    retrying!(find(service, click, true))
}

/// Approves with what the person entered. The request is locked and judged again after the entries were checked, so
/// that nothing waits for the check, and exactly one decision wins.
#[tracing::instrument(name = "decide_edited", skip_all, fields(workspace = click.workspace, approval = %click.approval, user = %click.acting_user.user))]
pub async fn submit(
    service: &Service,
    click: &Click,
    entered: impl Fn(&str) -> Option<String> + Sync,
) -> Result<Submitted, ServiceError> {
    let editable = retrying!(find(service, click, false))?;
    let Editable { approval, schema } = &editable;
    // The request never changes, so this needs no lock.
    let choice = match editing::apply(schema, &approval.request.arguments, entered) {
        Ok(Ok(Edited::Unchanged)) => Choice::Approve(Scope::Once),
        Ok(Ok(Edited::Changed(edited))) => Choice::ApproveEdited(edited),
        Ok(Err(faults)) => return Ok(Submitted::Faults(Box::new(editable), faults)),
        Err(validation::TooComplex) => return Err(Rejection::NotEditable.into()),
    };
    decide::decide(service, click, &choice).await?;
    Ok(Submitted::Approved { changed: matches!(choice, Choice::ApproveEdited(_)) })
}

/// `is_new`: whether the modal is still to be opened. Afterwards it is for [`decide::decide`] to say that the request
/// has ended, because a repeated submission is not a refusal.
async fn find(service: &Service, click: &Click, is_new: bool) -> Result<Editable, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let now = work.now();
    let Click { workspace, approval, request, acting_user } = click;
    let Some(approval) = approvals::find_in_workspace(&mut work, workspace, *approval, *request).await?
    else {
        repeats::remember(&mut work, *request, now).await?;
        return decide::elsewhere(work, click).await;
    };
    // Only the user edits: a delegate approves what was asked.
    let allowed = decisions::may_decide(&approval.request, acting_user, &Entitlement::default())
        .and_then(|()| if is_new { decisions::still_pending(&approval, now) } else { Ok(()) })
        .and_then(|()| pauses::not_paused(&approval))
        .and_then(|()| acting_user.must_be_member())
        .and_then(|()| decisions::may_edit(&approval.request));
    let must_read = is_new && approval.request.action.must_read;
    let is_unread =
        must_read && !details_opened::has_opened(&mut work, approval.id(), &acting_user.user).await?;
    let allowed = if is_unread { allowed.and(Err(Rejection::MustBeRead)) } else { allowed };
    let schema = match allowed {
        Ok(()) => versions::schema(&mut work, approval.request.action.version).await?,
        Err(rejection) => {
            repeats::remember(&mut work, *request, now).await?;
            return decide::refuse(work, &approval, click, rejection).await;
        }
    };
    // A schema that can't be checked is found before the person types.
    let checked = schema
        .filter(|schema| !is_new || validation::faults(schema, approval.request.arguments.members()).is_ok());
    Ok(Editable { schema: checked.ok_or(Rejection::NotEditable)?, approval })
}
