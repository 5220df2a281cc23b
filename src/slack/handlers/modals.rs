//! Opening modals while their trigger lives, and keeping the settings modal at what is so.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    domain::{ids::UserId, overview::Page, rejection::Rejection},
    service,
    service::{Service, ServiceError},
    slack::{
        handlers::context::Context,
        view::{controls::Screen, sentences, settings, settings::Content},
        web_api::error::CallError,
    },
};

/// A trigger lives three seconds, and Slack waits as long for an answer.
const LIMIT: Duration = Duration::from_millis(1200);
/// How long the content may take before the modal is opened without it.
const AT_ONCE: Duration = Duration::from_millis(500);
/// How long it may take in all.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait after an error that passes.
const PAUSE: Duration = Duration::from_millis(500);
/// How often the modal is drawn for one click at most, while what it shows goes on changing.
const DRAWINGS: usize = 5;

/// Opens a modal; gives the view as Slack keeps it.
pub(super) async fn open(
    context: &Context,
    workspace: &str,
    trigger: &str,
    view: &Value,
) -> Result<Value, CallError> {
    let body = json!({ "trigger_id": trigger, "view": view });
    context.client.post(workspace, "views.open", &body, LIMIT).await
}

/// Whether a modal wasn't opened because the same click, which came twice, has opened it.
/// <https://docs.slack.dev/reference/methods/views.open>
pub(super) fn is_open(error: &CallError) -> bool {
    matches!(error, CallError::Refused(refusal) if matches!(refusal.code, "exchanged_trigger_id" | "trigger_exchanged"))
}

/// Whether a modal wasn't drawn because it is no longer what `hash` said.
/// <https://docs.slack.dev/reference/methods/views.update>
fn is_another(error: &CallError) -> bool {
    matches!(error, CallError::Refused(refusal) if refusal.code == "hash_conflict")
}

/// Draws a modal anew, if it is still what `hash` says, or in any case.
pub(super) async fn update(
    context: &Context,
    workspace: &str,
    view_id: &str,
    hash: Option<&str>,
    view: &Value,
) -> Result<Value, CallError> {
    let mut body = json!({ "view_id": view_id, "view": view });
    if let Some(hash) = hash {
        body["hash"] = hash.into();
    }
    context.client.post(workspace, "views.update", &body, LIMIT).await
}

/// Reads a page of somebody's settings. An integration that is gone leads back to all of them.
async fn read(
    service: &Service,
    workspace: &str,
    user: &UserId,
    screen: Screen,
) -> Result<Content, ServiceError> {
    if let Some(integration) = screen.integration {
        match service::settings::behind_gear(service, workspace, user, integration).await {
            Ok((line, lines)) => {
                return Ok(Content::Gear(Box::new(line), Page::of(lines, screen.page, settings::LINES)));
            }
            Err(ServiceError::Rejected(Rejection::UnknownIntegration)) => {}
            Err(failure) => return Err(failure),
        }
    }
    let page = if screen.integration.is_some() { 0 } else { screen.page };
    Ok(Content::Integrations(service::settings::integrations(service, workspace, user, page).await?))
}

/// Why the modal can't show what it should.
fn explain(failure: &ServiceError) -> String {
    match failure {
        ServiceError::Rejected(rejection) => sentences::settings(rejection),
        failure => {
            tracing::error!(%failure, "Could not read the settings");
            sentences::SETTINGS_TRY_AGAIN.to_owned()
        }
    }
}

/// Opens the settings. If they can't be read at once, the modal says so and is filled when they are there.
pub(super) async fn open_settings(
    context: &Context,
    workspace: &str,
    user: &UserId,
    trigger: &str,
    screen: Screen,
) -> Result<(), CallError> {
    let mut reading = context.background.spawn({
        let (service, workspace, user) = (context.service.clone(), workspace.to_owned(), user.clone());
        async move { tokio::time::timeout(PATIENCE, read(&service, &workspace, &user, screen)).await }
    });
    let draw = move |read: &Result<Content, ServiceError>| match read {
        Ok(page) => settings::settings(page, None, "first"),
        Err(failure) => settings::failed(screen, &explain(failure)),
    };
    let too_late = move || settings::failed(screen, sentences::SETTINGS_TRY_AGAIN);
    if let Ok(read) = tokio::time::timeout(AT_ONCE, &mut reading).await {
        let view = match &read {
            Ok(Ok(read)) => draw(read),
            _ => too_late(),
        };
        return match open(context, workspace, trigger, &view).await {
            Err(error) if !is_open(&error) => Err(error),
            _ => Ok(()),
        };
    }
    let opened = match open(context, workspace, trigger, &settings::loading(screen)).await {
        Err(error) if is_open(&error) => return Ok(()),
        opened => opened?,
    };
    let text = |name: &str| opened["view"][name].as_str().unwrap_or_default().to_owned();
    let (view_id, hash) = (text("id"), text("hash"));
    let (context, workspace) = (context.clone(), workspace.to_owned());
    context.background.clone().spawn(async move {
        let view = match reading.await {
            Ok(Ok(read)) => draw(&read),
            _ => too_late(),
        };
        if let Err(error) = update(&context, &workspace, &view_id, Some(&hash), &view).await {
            tracing::warn!(%error, "Could not show the settings");
        }
    });
    Ok(())
}

/// An open settings modal, as it was when a user clicked in it.
pub(super) struct OpenModal {
    pub(super) view_id: String,
    pub(super) hash: Option<String>,
}

/// Draws an open settings modal again until it shows what is so: another click may have changed that meanwhile, and
/// its drawing may have come first.
pub(super) fn redraw_settings(
    context: &Context,
    workspace: String,
    user: UserId,
    screen: Screen,
    note: Option<String>,
    modal: OpenModal,
) {
    let context = context.clone();
    context.background.clone().spawn(async move {
        let OpenModal { view_id, mut hash } = modal;
        let mut shown = None;
        for _ in 0..DRAWINGS {
            let read =
                tokio::time::timeout(PATIENCE, read(&context.service, &workspace, &user, screen)).await;
            let view = match &read {
                Ok(Ok(page)) if shown.as_ref() == Some(page) => return,
                Ok(Ok(page)) => {
                    let mark = context.service.new_id().simple().to_string();
                    settings::settings(page, note.as_deref(), &mark)
                }
                Ok(Err(failure)) => settings::failed(screen, &explain(failure)),
                Err(_) => settings::failed(screen, sentences::SETTINGS_TRY_AGAIN),
            };
            match update(&context, &workspace, &view_id, hash.as_deref(), &view).await {
                Ok(drawn) => hash = drawn["view"]["hash"].as_str().map(str::to_owned),
                // Another click was drawn in between, perhaps as things were before ours. What is so now is read and
                // drawn over it, whatever it shows.
                Err(error) if hash.is_some() && is_another(&error) => {
                    hash = None;
                    continue;
                }
                Err(error @ CallError::Passing(_)) => {
                    tracing::info!(%error, "Could not update the settings; retrying");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                Err(error) => {
                    // A user who has closed the modal sees the present state when they open it again.
                    tracing::info!(%error, "Could not update the settings");
                    return;
                }
            }
            match read {
                Ok(Ok(page)) => shown = Some(page),
                _ => return,
            }
        }
    });
}
