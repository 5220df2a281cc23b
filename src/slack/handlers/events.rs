//! Events in a workspace (<https://docs.slack.dev/apis/events-api/>): stored, acknowledged, and handled afterwards.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    domain::{
        ids::UserId,
        people::{PersonKind, Profile},
    },
    service::{
        self, ServiceError,
        events::{self, Event},
        leave,
        profiles::KnownProfile,
    },
    slack::{
        handlers::{context::Context, unconfirmed_posts},
        inbound::{payload::Payload, response::Response},
        web_api::{client::PATIENT, error::CallError, membership},
    },
};

/// The app was removed from the workspace.
pub const APP_UNINSTALLED: &str = "app_uninstalled";
/// Tokens of the app were revoked.
pub const TOKENS_REVOKED: &str = "tokens_revoked";
/// A user's profile changed: status, picture, and sometimes their role or whether their account is active.
pub const USER_CHANGE: &str = "user_change";

/// The result of handling an event.
enum Handled {
    Yes,
    /// The event stays unfinished and is retried later.
    Later(CallError),
}

/// While Slack does not say whether a token still works, the service asks again for this long. Then it compares the
/// times of the event and of the installation.
const UNCERTAIN_LIMIT: TimeDelta = TimeDelta::hours(1);
/// Time limit for looking up a user whom an event reported as no longer a member.
const CONFIRMING: Duration = Duration::from_secs(3);
/// How often the job looks for events that no instance has finished.
const POLL: Duration = Duration::from_secs(5);
/// Longest time without progress: one event, including everything that ends in a workspace from which the app was
/// removed.
const STUCK: Duration = Duration::from_mins(2);

/// Stores an event and acknowledges it. Slack sends an event again unless it is acknowledged.
pub async fn receive(context: &Context, payload: &Payload) -> Response {
    let Some(event) = read(payload) else { return Response::Taken };
    let body = &payload.value()["event"];
    let received = match &event.person_kind {
        None => events::receive(&context.service, &event, body).await,
        Some(PersonKind::Member) => {
            still_member(context, &event, body).await;
            return Response::Taken;
        }
        Some(_) => {
            let received = events::receive_if_concerned(&context.service, &event, body).await;
            if let Some(user) = event.user.as_deref().and_then(UserId::parse) {
                context.people.forget(&event.workspace, &user);
            }
            received
        }
    };
    match received {
        // Slack may still be answering the post that this event reports, so the look-up waits until the event is picked
        // up later.
        Ok(true) if event.kind == unconfirmed_posts::POSTED => Response::Taken,
        Ok(true) => {
            let context = context.clone();
            context.background.clone().spawn(async move { handle(&context, &event).await });
            Response::Taken
        }
        Ok(false) => {
            metrics::counter!("countersign_slack_events_repeated_total").increment(1);
            Response::Taken
        }
        Err(failure) => {
            tracing::error!(%failure, kind = event.kind, "Could not store an event; Slack will resend it");
            Response::Failed
        }
    }
}

/// Reads an event that the service handles; `None` for all others.
fn read(payload: &Payload) -> Option<Event> {
    let kind = payload.text("/event/type")?;
    let mut body = None;
    match kind {
        APP_UNINSTALLED => {}
        USER_CHANGE if payload.text("/event/user/id").is_some_and(|id| UserId::parse(id).is_some()) => {}
        // Users' own tokens don't matter: the app has none of them.
        TOKENS_REVOKED => {
            payload.value().pointer("/event/tokens/bot")?.as_array().filter(|bots| !bots.is_empty())?;
        }
        unconfirmed_posts::POSTED => body = Some(unconfirmed_posts::content(payload)?),
        _ => return None,
    }
    let workspace = payload.workspace().or_else(|| payload.text("/enterprise_id"))?;
    let person = &payload.value()["event"]["user"];
    let person_kind = (kind == USER_CHANGE).then(|| membership::profile(workspace, person).kind);
    let user = if kind == USER_CHANGE { "/event/user/id" } else { "/event/user" };
    let seconds = payload.value()["event_time"].as_i64().unwrap_or_default();
    Some(Event {
        id: payload.text("/event_id")?.to_owned(),
        workspace: workspace.to_owned(),
        kind: kind.to_owned(),
        user: payload.text(user).map(str::to_owned),
        person_kind,
        happened_at: DateTime::from_timestamp(seconds, 0).unwrap_or_default(),
        content: body,
    })
}

/// Slack reported a change of a full member, so what is remembered about them may be outdated. The event is not stored:
/// there is nothing to end, and Slack sends one for every change of status.
async fn still_member(context: &Context, event: &Event, body: &Value) {
    if let Some(user) = event.user.as_deref().and_then(UserId::parse) {
        let profile = membership::profile(&event.workspace, &body["user"]);
        context.people.forget_unless(&event.workspace, &user, profile).await;
    }
}

/// Handles events that another instance, or this one before a crash, started but did not finish.
pub async fn run(context: Context, stop: CancellationToken) {
    let pulse = context.service.heartbeats.pulse("the Slack event worker", STUCK);
    while !stop.is_cancelled() {
        pulse.beat();
        match events::unfinished(&context.service).await {
            Ok(unfinished) => {
                for event in &unfinished {
                    handle(&context, event).await;
                    pulse.beat();
                }
            }
            Err(failure) if context.service.logged_outage(&failure) => {}
            Err(failure) => tracing::warn!(%failure, "Could not read unfinished events; retrying"),
        }
        pulse.rest();
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

#[tracing::instrument(name = "handle_event", skip_all, fields(event = event.id, kind = event.kind, workspace = event.workspace, user = event.user))]
async fn handle(context: &Context, event: &Event) {
    let handled = match event.kind.as_str() {
        APP_UNINSTALLED | TOKENS_REVOKED => left(context, event).await,
        unconfirmed_posts::POSTED => unconfirmed_posts::find(context, event).await.map(|()| Handled::Yes),
        USER_CHANGE => changed(context, event).await,
        _ => Ok(Handled::Yes),
    };
    let finished = match handled {
        Ok(Handled::Yes) => events::finish(&context.service, event).await,
        Ok(Handled::Later(error)) => {
            tracing::warn!(%error, workspace = event.workspace, kind = event.kind, "Could not check whether \
                the app is still installed; retrying");
            Ok(())
        }
        Err(failure) => Err(failure),
    };
    if let Err(failure) = finished {
        tracing::warn!(%failure, event = event.id, kind = event.kind, "Event handling failed; retrying");
    }
}

/// Slack reported that a user is no longer a full member. Events arrive late and out of order, so the service asks
/// Slack for the current state. If Slack does not answer, the event is taken as true, so that no grant outlives a
/// silent Slack.
async fn changed(context: &Context, event: &Event) -> Result<Handled, ServiceError> {
    let Some(user) = event.user.as_deref().and_then(UserId::parse) else { return Ok(Handled::Yes) };
    let workspace = event.workspace.as_str();
    let told = event.person_kind.unwrap_or(PersonKind::Unknown);
    let asked = tokio::time::timeout(CONFIRMING, context.people.ask(workspace, &user)).await;
    let kind = match asked {
        Ok(Ok(profile)) => profile.kind,
        Ok(Err(error)) if error.is_unknown_user() => PersonKind::ExternalUser,
        Ok(Err(_)) | Err(_) => {
            let profile = Profile { kind: told, is_admin: false };
            let known = KnownProfile { profile, read_at: context.service.now() };
            context.people.believe(workspace, &user, known, None).await;
            told
        }
    };
    if kind == PersonKind::Member {
        return Ok(Handled::Yes);
    }
    if let Some(holder) = service::members::holder(&context.service, workspace, user).await? {
        service::members::end(&context.service, &holder).await?;
    }
    Ok(Handled::Yes)
}

/// The app was removed, unless it has been installed again since. These events arrive late and out of order, so the
/// service asks Slack whether the token still works.
async fn left(context: &Context, event: &Event) -> Result<Handled, ServiceError> {
    let workspace = event.workspace.as_str();
    context.client.tokens().forget(workspace);
    let Some(installed_at) = leave::installed_at(&context.service, workspace).await? else {
        return Ok(Handled::Yes);
    };
    let alive = match context.client.post(workspace, "auth.test", &json!({}), PATIENT).await {
        Ok(_) => true,
        Err(CallError::NoToken) => false,
        Err(CallError::Refused(refusal)) if refusal.is_about_the_token() => false,
        // A workspace that moves into an organisation keeps the app, however long the move takes.
        Err(error) if error.is_migration() || context.service.now() - event.happened_at < UNCERTAIN_LIMIT => {
            return Ok(Handled::Later(error));
        }
        // Slack did not answer within `UNCERTAIN_LIMIT`, so only the times can decide.
        Err(_) => event.happened_at.timestamp() < installed_at.timestamp(),
    };
    if alive {
        tracing::info!(workspace, kind = event.kind, "App removal event ignored: the app is still installed");
    } else if leave::leave_that(&context.service, workspace, installed_at, &event.kind).await? {
        tracing::warn!(
            workspace,
            kind = event.kind,
            "App removed from a workspace; its pending approvals ended"
        );
    }
    Ok(Handled::Yes)
}
