//! Opens modals before their trigger expires, and keeps the settings modal up to date.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    domain::{ids::UserId, overview::Page, rejection::Rejection},
    service::{self, Service, ServiceError},
    slack::{
        handlers::context::Context,
        view::{
            controls::Screen,
            sentences,
            settings::{self, Content},
        },
        web_api::error::CallError,
    },
};

/// Time limit for one call. A trigger expires after three seconds, and Slack waits just as long for the response.
const LIMIT: Duration = Duration::from_millis(1200);
/// Time limit for reading the content. After that the modal opens without it and is filled later.
const FIRST_READ_LIMIT: Duration = Duration::from_millis(500);
/// Time limit for reading the content in total.
const READ_LIMIT: Duration = Duration::from_secs(30);
/// Pause after a temporary error.
const PAUSE: Duration = Duration::from_millis(500);
/// Most updates of the modal for one click, when its content keeps changing.
const MAX_UPDATES: usize = 5;

/// Opens a modal. Returns the view as Slack stores it, with its id and hash.
pub(super) async fn open(
    context: &Context,
    workspace: &str,
    trigger: &str,
    view: &Value,
) -> Result<Value, CallError> {
    let body = json!({ "trigger_id": trigger, "view": view });
    context.client.post(workspace, "views.open", &body, LIMIT).await
}

/// Opens a modal on top of another one.
pub(super) async fn push(
    context: &Context,
    workspace: &str,
    trigger: &str,
    view: &Value,
) -> Result<Value, CallError> {
    let body = json!({ "trigger_id": trigger, "view": view });
    context.client.post(workspace, "views.push", &body, LIMIT).await
}

/// Whether the modal wasn't opened because an earlier delivery of the same click opened it.
/// <https://docs.slack.dev/reference/methods/views.open>
pub(super) fn is_open(error: &CallError) -> bool {
    matches!(error, CallError::Refused(refusal) if matches!(refusal.code, "exchanged_trigger_id" | "trigger_exchanged"))
}

/// Whether the modal wasn't updated because its content no longer matches `hash`.
/// <https://docs.slack.dev/reference/methods/views.update>
fn is_another(error: &CallError) -> bool {
    matches!(error, CallError::Refused(refusal) if refusal.code == "hash_conflict")
}

/// Updates a modal: only if it still matches `hash`, or unconditionally for `None`.
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

/// Reads a page of the user's settings. If the integration no longer exists, this is the list of all integrations.
async fn read(
    service: &Service,
    workspace: &str,
    user: &UserId,
    screen: Screen,
) -> Result<Content, ServiceError> {
    if let Some(integration) = screen.integration {
        match service::settings::behind_gear(service, workspace, user, integration).await {
            Ok((line, lines)) => {
                return Ok(Content::Gear(
                    Box::new(line),
                    Page::from_list(lines, screen.page, settings::LINES),
                ));
            }
            Err(ServiceError::Rejected(Rejection::UnknownIntegration)) => {}
            Err(failure) => return Err(failure),
        }
    }
    let page = if screen.integration.is_some() { 0 } else { screen.page };
    Ok(Content::Integrations(
        service::settings::integrations(service, workspace, user, page).await?,
        service::notifications::find(service, workspace, user).await?,
    ))
}

/// The sentence that the modal shows instead of its content.
fn explain(failure: &ServiceError) -> String {
    match failure {
        ServiceError::Rejected(rejection) => sentences::settings(rejection),
        failure => {
            tracing::error!(%failure, "Could not read the settings");
            sentences::SETTINGS_TRY_AGAIN.to_owned()
        }
    }
}

/// Opens the settings. If they can't be read in time, the modal first says that it is loading and is filled afterwards.
pub(super) async fn open_settings(
    context: &Context,
    workspace: &str,
    user: &UserId,
    trigger: &str,
    screen: Screen,
) -> Result<(), CallError> {
    let mut reading = context.background.spawn({
        let (service, workspace, user) = (context.service.clone(), workspace.to_owned(), user.clone());
        async move { tokio::time::timeout(READ_LIMIT, read(&service, &workspace, &user, screen)).await }
    });
    let render = move |read: &Result<Content, ServiceError>| match read {
        Ok(page) => settings::settings(page, None, "first"),
        Err(failure) => settings::failed(screen, &explain(failure)),
    };
    let too_late = move || settings::failed(screen, sentences::SETTINGS_TRY_AGAIN);
    if let Ok(read) = tokio::time::timeout(FIRST_READ_LIMIT, &mut reading).await {
        let view = match &read {
            Ok(Ok(read)) => render(read),
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
            Ok(Ok(read)) => render(&read),
            _ => too_late(),
        };
        if let Err(error) = update(&context, &workspace, &view_id, Some(&hash), &view).await {
            tracing::warn!(%error, "Could not show the settings");
        }
    });
    Ok(())
}

/// An open settings modal, as it was when the user clicked in it.
pub(super) struct OpenModal {
    pub(super) view_id: String,
    pub(super) hash: Option<String>,
}

/// Updates an open settings modal until it shows the stored state. Another click may change that state at the same
/// time, and its update may arrive first.
pub(super) fn update_settings(
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
        for _ in 0..MAX_UPDATES {
            let read =
                tokio::time::timeout(READ_LIMIT, read(&context.service, &workspace, &user, screen)).await;
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
                // An update for another click came first and may show the state before this one. Read the state again
                // and overwrite the modal unconditionally.
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
                    // The user may have closed the modal. It shows the current state when they open it again.
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
