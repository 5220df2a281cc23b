//! Admins see what is paused and which agents asked lately, pause them and resume them. Rights are checked on every click.

use crate::{
    domain::{
        ids::{AgentId, BackendId, PauseId},
        pauses::{PauseReason, PauseTarget, PausedRequests},
        rejection::Rejection,
    },
    service::pauses::{self, NewPause},
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
            agents::{self as view, Extent, Form, Pausing, REASON, REQUESTS, WHAT},
            controls::Callback,
            sentences,
        },
    },
};

/// *Agents…* on the Home tab opens the list.
pub(super) async fn open(interaction: &Interaction<'_>) -> Response {
    match rendered(interaction, 0).await {
        Ok(shown) => interaction.show(shown, "the list of agents", sentences::SETTINGS_TRY_AGAIN).await,
        Err(error) => changed::<()>(interaction, Err(error)),
    }
}

/// Shows another page of the list.
pub(super) async fn turn(interaction: &Interaction<'_>, page: usize) -> Response {
    match rendered(interaction, page).await {
        Ok(shown) => {
            let view_id = interaction.payload.text("/view/id").unwrap_or_default();
            update(interaction, view_id, interaction.payload.text("/view/hash"), &shown).await;
            Response::Taken
        }
        Err(error) => changed::<()>(interaction, Err(error)),
    }
}

/// *Pause…* beside an agent: asks what exactly, how and why.
pub(super) async fn ask_about_agent(interaction: &Interaction<'_>, agent: AgentId) -> Response {
    let found = async {
        admin(interaction).await?;
        let (service, workspace) = (&interaction.context.service, interaction.workspace);
        read(pauses::agent(service, workspace, agent)).await
    };
    match found.await {
        Ok(agent) => {
            let shown = view::pause_agent(&agent, listed(interaction).unwrap_or_default());
            interaction.show(shown, "the pause of an agent", sentences::SETTINGS_TRY_AGAIN).await
        }
        Err(error) => changed::<()>(interaction, Err(error)),
    }
}

/// *Pause…* beside a backend: asks how and why.
pub(super) async fn ask_about_backend(interaction: &Interaction<'_>, backend: BackendId) -> Response {
    let found = async {
        admin(interaction).await?;
        let (service, workspace) = (&interaction.context.service, interaction.workspace);
        read(pauses::backend(service, workspace, backend)).await
    };
    match found.await {
        Ok(name) => {
            let shown = view::pause_backend(backend, &name);
            interaction.show(shown, "the pause of a backend", sentences::SETTINGS_TRY_AGAIN).await
        }
        Err(error) => changed::<()>(interaction, Err(error)),
    }
}

/// *Resume*.
pub(super) async fn resume(interaction: &Interaction<'_>, pause: PauseId) -> Response {
    let result = match admin(interaction).await {
        Ok(admin) => {
            let (service, origin) = (&interaction.context.service, interaction.origin());
            within(pauses::resume_by_admin(service, origin, pause, &admin)).await.map(|_| ())
        }
        Err(error) => Err(error),
    };
    // One that was resumed already is out of the list, too.
    let result = match result {
        Err(UseCaseError::Rejected(Rejection::NotPaused)) => Ok(()),
        result => result,
    };
    if let (Ok(()), Some(page)) = (&result, listed(interaction)) {
        return turn(interaction, page).await;
    }
    changed(interaction, result)
}

/// The admin submitted the modal behind *Pause…*. The list below it, if there is one, is rendered again.
pub(super) async fn submitted(interaction: &Interaction<'_>) -> Response {
    let payload = interaction.payload;
    let Some(form) = payload.text("/view/private_metadata").and_then(Form::read) else {
        return Response::Taken;
    };
    let chosen = |id: &str| payload.text(&format!("/view/state/values/{id}/{id}/selected_option/value"));
    let written = payload.text(&format!("/view/state/values/{REASON}/{REASON}/value")).unwrap_or_default();
    // Slack itself demands a reason and limits its length, but takes one of spaces.
    let Ok(reason) = PauseReason::new(written.trim()) else {
        return Response::Modal(serde_json::json!({
            "response_action": "errors", "errors": { REASON: "Say why, in a few words." }
        }));
    };
    let Some(requests) = chosen(REQUESTS).and_then(PausedRequests::from_stored) else {
        return Response::Taken;
    };
    let extent = chosen(WHAT).and_then(Extent::from_value);
    let result = async {
        let admin = admin(interaction).await?;
        let service = &interaction.context.service;
        let target = match form.what {
            Pausing::Backend(backend) => PauseTarget::Backend(backend),
            Pausing::Agent(agent) => {
                let agent = read(pauses::agent(service, interaction.workspace, agent)).await?;
                extent.unwrap_or(Extent::Agent).target(&agent)
            }
        };
        let new = NewPause { target, requests, reason };
        within(pauses::pause_by_admin(service, interaction.origin(), &new, &admin)).await
    };
    match result.await {
        Ok(_) => {
            if let Some(list) = payload.text("/view/previous_view_id")
                && let Ok(shown) = rendered(interaction, form.page).await
            {
                update(interaction, list, None, &shown).await;
            }
            Response::Taken
        }
        Err(error) => Submission::changing("Pause").failed(interaction, error),
    }
}

/// The page of the list in which the admin clicked. `None`: they clicked elsewhere.
fn listed(interaction: &Interaction<'_>) -> Option<usize> {
    let payload = interaction.payload;
    let callback = payload.text("/view/callback_id").and_then(Callback::parse);
    let page = payload.text("/view/private_metadata").and_then(|page| page.parse().ok());
    (callback == Some(Callback::Agents)).then(|| page.unwrap_or_default())
}

/// The list, if the user who clicked is an admin now.
async fn rendered(interaction: &Interaction<'_>, page: usize) -> Result<serde_json::Value, UseCaseError> {
    admin(interaction).await?;
    let (service, workspace) = (&interaction.context.service, interaction.workspace);
    Ok(view::list(&read(pauses::page(service, workspace, page)).await?))
}

async fn update(interaction: &Interaction<'_>, view_id: &str, hash: Option<&str>, shown: &serde_json::Value) {
    let updated = modals::update(interaction.context, interaction.workspace, view_id, hash, shown).await;
    if let Err(error) = updated {
        tracing::info!(%error, "Could not update the list of agents");
    }
}
