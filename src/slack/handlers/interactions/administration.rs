//! Admins unlock read-only actions together, send webhooks again, and see who approves much. Rights are checked on every
//! click.

use serde_json::{Value, json};

use crate::{
    domain::ids::{BackendId, DeliveryId, IntegrationId},
    service::{
        bulk_unlock::{self, Listed},
        failing_webhooks, fatigue, redeliver,
    },
    slack::{
        handlers::{
            interactions::{
                interaction::{Interaction, Submission, changed},
                unlocking::admin,
            },
            modals,
            time_limit::{UseCaseError, read, within},
        },
        inbound::response::Response,
        view::{
            action_options::{UNLOCKED_FOR, unlocked_for},
            bulk_unlock as bulk_view,
            controls::Callback,
            failing_webhooks as webhooks_view, fatigue as fatigue_view, sentences,
        },
    },
};

/// *Unlock read-only actions…*: lists them.
pub(super) async fn unlock(interaction: &Interaction<'_>, integration: IntegrationId) -> Response {
    let (service, workspace) = (&interaction.context.service, interaction.workspace);
    let found = async {
        admin(interaction).await?;
        read(bulk_unlock::list(service, workspace, integration)).await
    };
    open(interaction, found.await.map(|shown| bulk_view::modal(&shown))).await
}

/// The admin submitted that modal.
pub(super) async fn unlock_submitted(interaction: &Interaction<'_>) -> Response {
    let pointer = format!("/view/state/values/{UNLOCKED_FOR}/{UNLOCKED_FOR}/selected_option/value");
    let Some(Some(what)) = interaction.payload.text(&pointer).and_then(unlocked_for) else {
        return Response::Taken;
    };
    let chosen = chosen(interaction.payload.view());
    let result = match admin(interaction).await {
        Ok(admin) => {
            let (service, origin) = (&interaction.context.service, interaction.origin());
            within(bulk_unlock::by_admin(service, origin, &chosen, what, &admin)).await
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(done) => Response::Modal(json!({ "response_action": "update", "view": bulk_view::done(done) })),
        Err(error) => Submission::changing(bulk_view::TITLE).failed(interaction, error),
    }
}

/// The check boxes that are set: at most as many as the modal can have.
fn chosen(view: &Value) -> Vec<Listed> {
    let blocks = view["state"]["values"].as_object();
    let boxes = blocks.into_iter().flatten().filter(|(id, _)| id.starts_with(bulk_view::CHOSEN));
    let options = boxes.filter_map(|(id, block)| block[id]["selected_options"].as_array()).flatten();
    options
        .filter_map(|option| option["value"].as_str().and_then(bulk_view::chosen))
        .take(bulk_unlock::MOST)
        .collect()
}

/// *Failing webhooks…* of a backend. In the modal, *Refresh* shows the present state.
pub(super) async fn webhooks(interaction: &Interaction<'_>, backend: BackendId) -> Response {
    let (service, workspace) = (&interaction.context.service, interaction.workspace);
    let found = async {
        admin(interaction).await?;
        read(failing_webhooks::show(service, workspace, backend)).await
    };
    let shown = found.await.map(|shown| webhooks_view::modal(&shown));
    let callback = interaction.payload.text("/view/callback_id").and_then(Callback::parse);
    if callback != Some(Callback::FailingWebhooks) {
        return open(interaction, shown).await;
    }
    let shown = match shown {
        Ok(shown) => shown,
        Err(error) => return changed::<()>(interaction, Err(error)),
    };
    let view_id = interaction.payload.text("/view/id").unwrap_or_default();
    // Unconditionally: a second click may have come before the update for the first.
    let updated = modals::update(interaction.context, interaction.workspace, view_id, None, &shown).await;
    if let Err(error) = updated {
        tracing::warn!(%error, "Could not show the failing webhooks");
    }
    Response::Taken
}

/// *Send again*. A second click finds nothing to send, and shows the present state like the first.
pub(super) async fn send_again(
    interaction: &Interaction<'_>,
    backend: BackendId,
    delivery: DeliveryId,
) -> Response {
    let result = match admin(interaction).await {
        Ok(admin) => {
            let (service, origin) = (&interaction.context.service, interaction.origin());
            within(redeliver::by_admin(service, origin, (backend, delivery), &admin)).await
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(_) | Err(UseCaseError::Repeated) => webhooks(interaction, backend).await,
        Err(error) => changed::<()>(interaction, Err(error)),
    }
}

/// *Manual approvals…*.
pub(super) async fn figures(interaction: &Interaction<'_>) -> Response {
    let (service, workspace) = (&interaction.context.service, interaction.workspace);
    let found = async {
        admin(interaction).await?;
        read(fatigue::figures(service, workspace)).await
    };
    open(interaction, found.await.map(|figures| fatigue_view::modal(&figures))).await
}

async fn open(interaction: &Interaction<'_>, shown: Result<Value, UseCaseError>) -> Response {
    let shown = match shown {
        Ok(shown) => shown,
        Err(error) => return changed::<()>(interaction, Err(error)),
    };
    interaction.show(shown, "a modal for an admin", sentences::SETTINGS_TRY_AGAIN).await
}
