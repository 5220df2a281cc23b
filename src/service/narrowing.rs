//! A person approves, and narrows the grant that they give with it.

use super::{
    Service, ServiceError,
    decide::{self, Click},
    policies, retrying,
};
use crate::{
    domain::{
        approvals::{Approval, Request},
        approvers::Entitlement,
        catalog::Eligibility,
        decisions::{self, Choice},
        local_time::Zone,
        narrowing::{self, ChoiceFault, Choices},
        rejection::Rejection,
        suggestions::{self, Suggestion},
    },
    storage::{
        read_models::precedents,
        statements::decide::surroundings,
        tables::{approvals, details_opened, notifications, repeats},
    },
};

/// A request that can be approved with a narrowed grant.
#[derive(Debug)]
pub struct Narrowable {
    /// The request.
    pub approval: Approval,
    /// Which grants may be given.
    pub eligibility: Eligibility,
    /// What would have covered the user's latest decisions.
    pub suggestion: Option<Suggestion>,
}

/// What a submission led to.
#[derive(Debug)]
pub enum Submitted {
    /// The approval was approved, and the grant was given.
    Approved,
    /// Nothing was decided, because of what was chosen.
    Fault(Box<Approval>, ChoiceFault),
}

/// Reads a request for the modal in which its grant is narrowed. A refusal is audited.
#[tracing::instrument(name = "may_narrow", skip_all, fields(workspace = click.workspace, approval = %click.approval, user = %click.acting_user.user))]
pub async fn open(service: &Service, click: &Click) -> Result<Narrowable, ServiceError> {
    retrying!(find(service, click))
}

async fn find(service: &Service, click: &Click) -> Result<Narrowable, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let now = work.now();
    let Click { workspace, approval, request, acting_user } = click;
    let Some(approval) = approvals::find_in_workspace(&mut work, workspace, *approval, *request).await?
    else {
        repeats::remember(&mut work, *request, now).await?;
        return decide::elsewhere(work, click).await;
    };
    let mut around = surroundings(&mut work, &approval, now).await?;
    policies::stand(service, &mut work, &approval, (around.policy, &mut around.eligibility)).await?;
    // Only the user gives grants: a delegate approves what was asked.
    let allowed = decisions::may_decide(&approval.request, acting_user, &Entitlement::default())
        .and_then(|()| decisions::still_pending(&approval, now))
        .and_then(|()| acting_user.must_be_member())
        .and_then(|()| decisions::may_narrow(around.eligibility));
    let is_unread = approval.request.action.must_read
        && !details_opened::has_opened(&mut work, approval.id(), &acting_user.user).await?;
    let allowed = if is_unread { allowed.and(Err(Rejection::MustBeRead)) } else { allowed };
    if let Err(rejection) = allowed {
        repeats::remember(&mut work, *request, now).await?;
        return decide::refuse(work, &approval, click, rejection).await;
    }
    let decided = precedents::decided(&mut work, &approval, now).await?;
    let suggestion = suggestions::suggest(&approval.request, &decided);
    Ok(Narrowable { approval, eligibility: around.eligibility, suggestion })
}

/// Approves with what the person chose. `choices`: what they chose for this request; `None` if it can't be read.
#[tracing::instrument(name = "decide_narrowed", skip_all, fields(workspace = click.workspace, approval = %click.approval, user = %click.acting_user.user))]
pub async fn submit(
    service: &Service,
    click: &Click,
    choices: impl Fn(&Request) -> Option<Choices> + Sync,
) -> Result<Submitted, ServiceError> {
    // The request never changes, so what was chosen is judged without a lock. Whether the person may choose anything is
    // judged after, under the locks of the decision, and a repeated submission is not a refusal.
    let (approval, zone) = retrying!(read(service, click))?;
    let Some(choices) = choices(&approval.request) else { return Err(Rejection::NoLimit.into()) };
    match narrowing::narrow(&approval.request, &choices, zone, service.now()) {
        Ok(narrowing) => {
            decide::decide(service, click, &Choice::ApproveNarrowed(choices.scope, narrowing)).await?;
            Ok(Submitted::Approved)
        }
        Err(fault) => Ok(Submitted::Fault(Box::new(approval), fault)),
    }
}

async fn read(service: &Service, click: &Click) -> Result<(Approval, Zone), ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let Click { workspace, approval, request, acting_user } = click;
    let Some(approval) = approvals::find_in_workspace(&mut work, workspace, *approval, *request).await?
    else {
        let now = work.now();
        repeats::remember(&mut work, *request, now).await?;
        return decide::elsewhere(work, click).await;
    };
    // What is wrong with a choice is said to the person whose request it is.
    if let Err(rejection) = decisions::may_decide(&approval.request, acting_user, &Entitlement::default()) {
        let now = work.now();
        repeats::remember(&mut work, *request, now).await?;
        return decide::refuse(work, &approval, click, rejection).await;
    }
    let preferences = notifications::find(&mut work, approval.request.workspace, &acting_user.user).await?;
    Ok((approval, preferences.zone.unwrap_or(Zone::UTC)))
}
