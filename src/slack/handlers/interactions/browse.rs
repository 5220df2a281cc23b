//! Clicks that only show something: details, pages, and lists. They change nothing but the page that the user sees.

use crate::{
    domain::{
        approvals::Approval,
        ids::{ApprovalId, IntegrationId},
        overview::Section,
        precedent::Precedent,
    },
    service::{
        decide_together, details as opened,
        homes::{self, Turn},
        settings, show,
    },
    slack::{
        handlers::{
            interactions::interaction::{Interaction, changed, looked},
            modals,
            time_limit::{UseCaseError, read, within},
        },
        inbound::response::Response,
        view::{details, lists, sentences},
    },
};

/// Shows the complete request. Every full member who can see the prompt may also see what was cut from it.
pub(super) async fn open_details(interaction: &Interaction<'_>, id: ApprovalId) -> Response {
    let (approval, precedent) = match find(interaction, id).await {
        Ok(found) => found,
        Err(error) => return looked::<()>(interaction, Err(error)),
    };
    match interaction.open(details::details(&approval, precedent.as_ref(), 0)).await {
        Ok(_) => has_read(interaction, &approval).await,
        Err(error) if modals::is_open(&error) => has_read(interaction, &approval).await,
        Err(error) => {
            tracing::warn!(%error, approval = %id, "Could not open the details");
            interaction.context.reply_privately(interaction.payload, sentences::TRY_AGAIN.to_owned());
            Response::Taken
        }
    }
}

/// Records that the user has opened the details, where requests must be read.
async fn has_read(interaction: &Interaction<'_>, approval: &Approval) -> Response {
    if !approval.request.action.must_read {
        return Response::Taken;
    }
    let (service, user) = (&interaction.context.service, &interaction.acting_user.user);
    let opened = within(opened::opened(service, interaction.workspace, approval.id(), user)).await;
    looked(interaction, opened)
}

/// Shows another page of the details.
pub(super) async fn turn_details(interaction: &Interaction<'_>, id: ApprovalId, page: usize) -> Response {
    let (approval, precedent) = match find(interaction, id).await {
        Ok(found) => found,
        Err(error) => return looked::<()>(interaction, Err(error)),
    };
    let view_id = interaction.payload.text("/view/id").unwrap_or_default();
    let hash = interaction.payload.text("/view/hash");
    let view = details::details(&approval, precedent.as_ref(), page);
    if let Err(error) = modals::update(interaction.context, interaction.workspace, view_id, hash, &view).await
    {
        tracing::warn!(%error, approval = %id, "Could not show a page of the details");
    }
    Response::Taken
}

async fn find(
    interaction: &Interaction<'_>,
    id: ApprovalId,
) -> Result<(Approval, Option<Precedent>), UseCaseError> {
    let (acting_user, _) = interaction.rights().await.map_err(UseCaseError::Rejected)?;
    acting_user.must_be_member().map_err(UseCaseError::Rejected)?;
    let (service, workspace) = (&interaction.context.service, interaction.workspace);
    read(show::details(service, workspace, id, &acting_user.user)).await
}

/// Turns the page of a section on the user's own Home tab, or of the reply to `/approvals list`.
pub(super) async fn turn_section(interaction: &Interaction<'_>, section: Section, page: usize) -> Response {
    if interaction.payload.is_ephemeral() && section == Section::Waiting {
        return turn_list(interaction, page).await;
    }
    turn(interaction, Turn::Page(section, page)).await
}

/// Replaces the reply to `/approvals list` with another page. It shows requests, so Slack has to confirm who clicked.
async fn turn_list(interaction: &Interaction<'_>, page: usize) -> Response {
    let (service, workspace) = (&interaction.context.service, interaction.workspace);
    let user = &interaction.acting_user.user;
    let found = async {
        let (acting_user, _) = interaction.rights().await.map_err(UseCaseError::Rejected)?;
        acting_user.must_be_member().map_err(UseCaseError::Rejected)?;
        let page = read(settings::waiting(service, workspace, user, page)).await?;
        let groups = match page.number {
            0 => read(decide_together::groups(service, workspace, user)).await?,
            _ => Vec::new(),
        };
        Ok(lists::waiting(&page, &groups))
    };
    match found.await {
        Ok(message) => {
            if let Some(reply_to) = interaction.context.reply_to(interaction.payload) {
                interaction.context.ephemeral.replace(reply_to, message);
            }
            Response::Taken
        }
        Err(error) => looked::<()>(interaction, Err(error)),
    }
}

/// Shows the actions of one integration, or all integrations again. Rights are not checked here: the render shows an
/// admin's part only to a user who is an admin at that time.
pub(super) async fn pick(interaction: &Interaction<'_>, integration: Option<IntegrationId>) -> Response {
    turn(interaction, Turn::Pick(integration)).await
}

async fn turn(interaction: &Interaction<'_>, turn: Turn) -> Response {
    changed(
        interaction,
        within(homes::turn(
            &interaction.context.service,
            interaction.workspace,
            &interaction.acting_user.user,
            turn,
        ))
        .await,
    )
}
