//! `views.*` (<https://docs.slack.dev/reference/methods?query=views>).

use serde_json::{Map, Value, json};

use super::{Ask, error::ApiError};
use crate::slack::{
    state::{View, ViewKind},
    validate,
};

/// <https://docs.slack.dev/reference/methods/views.open>
pub(super) fn open(ask: &mut Ask<'_>) -> Result<Value, ApiError> {
    let definition = definition(ask, ViewKind::Modal)?;
    let (trigger, user) = trigger_user(ask)?;
    let view = ask.state.open_modal(&user, &ask.caller, definition, ask.now)?;
    ask.state.exchange_trigger(&trigger);
    Ok(answer(&view))
}

/// <https://docs.slack.dev/reference/methods/views.push>
pub(super) fn push(ask: &mut Ask<'_>) -> Result<Value, ApiError> {
    let definition = definition(ask, ViewKind::Modal)?;
    let (trigger, user) = trigger_user(ask)?;
    let view = ask.state.push_modal(&user, &ask.caller, definition, ask.now)?;
    ask.state.exchange_trigger(&trigger);
    Ok(answer(&view))
}

/// <https://docs.slack.dev/reference/methods/views.update>
pub(super) fn update(ask: &mut Ask<'_>) -> Result<Value, ApiError> {
    let definition = definition(ask, ViewKind::Modal)?;
    let (id, external_id) = (ask.arguments.text("view_id"), ask.arguments.text("external_id"));
    if id.is_none() && external_id.is_none() {
        return Err(ApiError::named("invalid_arguments")
            .explained(&["[ERROR] missing required field: view_id or external_id".to_owned()]));
    }
    let state = &*ask.state;
    let reachable: Vec<String> = state
        .workspaces
        .keys()
        .filter(|team_id| state.covers(&ask.caller.team_id, team_id))
        .cloned()
        .collect();
    let is_meant = |view: &View| {
        reachable.contains(&view.team_id)
            && id.map_or_else(|| Some(view.text_of("external_id")) == external_id, |id| view.id == id)
    };
    let view = ask.state.update_modal(is_meant, definition, ask.arguments.text("hash"), ask.now)?;
    Ok(answer(&view))
}

/// <https://docs.slack.dev/reference/methods/views.publish>
pub(super) fn publish(ask: &mut Ask<'_>) -> Result<Value, ApiError> {
    let definition = definition(ask, ViewKind::Home)?;
    let user = ask.arguments.text("user_id").and_then(|id| ask.visible_user(id));
    let user = user.filter(|user| !user.is_bot).ok_or_else(|| {
        ApiError::named("invalid_arguments")
            .explained(&["[ERROR] invalid `user_id` [json-pointer:/user_id]".to_owned()])
    })?;
    let user = user.id.clone();
    if ask.state.workspaces.get(&ask.caller.team_id).is_some_and(|workspace| !workspace.home_tab) {
        return Err(ApiError::named("not_enabled"));
    }
    let view = ask.state.publish_home(&user, &ask.caller, definition, ask.arguments.text("hash"), ask.now)?;
    Ok(answer(&view))
}

fn answer(view: &View) -> Value {
    json!({ "ok": true, "view": view.to_json() })
}

fn trigger_user(ask: &Ask<'_>) -> Result<(String, String), ApiError> {
    let trigger = ask.arguments.text("trigger_id").ok_or_else(|| {
        ApiError::named("invalid_arguments")
            .explained(&["[ERROR] missing required field: trigger_id".to_owned()])
    })?;
    let user = ask.state.trigger_user(trigger, &ask.caller.team_id, ask.now)?;
    Ok((trigger.to_owned(), user))
}

/// The `view` argument after validation.
fn definition(ask: &Ask<'_>, kind: ViewKind) -> Result<Map<String, Value>, ApiError> {
    let view = ask.arguments.get("view").unwrap_or(&Value::Null);
    check(view, kind)
}

/// Validates a view that is to be shown as a modal or a Home tab.
pub(crate) fn check(view: &Value, kind: ViewKind) -> Result<Map<String, Value>, ApiError> {
    let Value::Object(definition) = view else {
        let missing = "[ERROR] missing required field: view".to_owned();
        return Err(ApiError::named("invalid_arguments").explained(&[missing]));
    };
    if validate::is_view_too_large(view) {
        return Err(ApiError::named("view_too_large"));
    }
    let faults = validate::view(view, kind);
    if faults.is_empty() {
        Ok(definition.clone())
    } else {
        Err(ApiError::named("invalid_arguments").explained(&faults))
    }
}
