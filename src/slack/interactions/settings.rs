//! Toggles, gears and *Turn off*: always about the settings of whoever clicked.

use super::{Act, Answer, Trouble, changed, within};
use crate::{
    domain::{
        Rejection,
        decisions::Clicker,
        ids::{ActionId, GrantId, IntegrationId},
        settings::Wish,
    },
    service::{self, settings::Changed},
    slack::{
        insist::{Revoking, insist},
        modals::{self, OpenModal},
        view::{controls::Screen, sentences},
        whisper::whisper,
    },
};

/// The toggle *Auto-approve always*. It is saved when this is answered; the modal is then drawn again as it is so.
pub(super) async fn toggle(act: &Act<'_>, action: ActionId, wish: Wish) -> Answer {
    let result = match act.rights().await {
        Ok((clicker, _)) => set(act, &clicker, action, wish).await,
        // Whoever can't be looked up may still take back what they allowed.
        Err(_) if wish == Wish::Off => set(act, &act.clicker, action, wish).await,
        Err(rejection) => Err(Trouble::Rejected(rejection)),
    };
    match result {
        Err(Trouble::Unclear) if wish == Wish::Off => {
            unconfirmed(act, Revoking::Action(action, act.payload.clicked_at()))
        }
        result => finish(act, result),
    }
}

/// Answers a revocation that the database did not confirm in time, and goes on with it.
pub(super) fn unconfirmed(act: &Act<'_>, what: Revoking) -> Answer {
    insist(act.slack, act.payload, act.workspace, &act.clicker.user, what);
    if act.in_settings() {
        redraw(act, screen(act), Some(sentences::UNCONFIRMED.to_owned()));
    } else {
        whisper(act.slack, act.payload, sentences::UNCONFIRMED.to_owned());
    }
    Answer::Failed
}

async fn set(act: &Act<'_>, clicker: &Clicker, action: ActionId, wish: Wish) -> Result<Changed, Trouble> {
    let at = act.payload.clicked_at();
    within(service::settings::set(&act.slack.service, act.origin(), clicker, action, wish, at)).await
}

/// *Turn off* one grant, wherever it is offered.
pub(super) async fn turn_off(act: &Act<'_>, grant: GrantId) -> Answer {
    let user = &act.clicker.user;
    match within(service::turn_off::turn_off(&act.slack.service, act.origin(), user, grant)).await {
        Err(Trouble::Unclear) => unconfirmed(act, Revoking::Grant(grant)),
        result => finish(act, result),
    }
}

/// Answers a change of settings: in the modal by drawing it again, elsewhere privately.
pub(super) fn finish<T>(act: &Act<'_>, result: Result<T, Trouble>) -> Answer {
    if !act.in_settings() {
        return changed(act, result);
    }
    let (note, answer) = match result {
        Ok(_) | Err(Trouble::Repeated) => (None, Answer::Taken),
        Err(Trouble::Rejected(rejection)) => (Some(sentences::settings(&rejection)), Answer::Taken),
        Err(Trouble::Ours) => (Some(sentences::SETTINGS_TRY_AGAIN.to_owned()), Answer::Failed),
        Err(Trouble::Unclear) => (Some(sentences::UNCLEAR.to_owned()), Answer::Failed),
    };
    redraw(act, screen(act), note);
    answer
}

/// Shows a page of the modal in which the click was made.
pub(super) fn show(act: &Act<'_>, screen: Screen) -> Answer {
    redraw(act, screen, None);
    Answer::Taken
}

/// Draws the modal in which the click was made again, with a sentence of our own above.
pub(super) fn redraw(act: &Act<'_>, screen: Screen, note: Option<String>) {
    let Some(view_id) = act.payload.text("/view/id") else { return };
    let (workspace, user) = (act.workspace.to_owned(), act.clicker.user.clone());
    let hash = act.payload.text("/view/hash").map(str::to_owned);
    let modal = OpenModal { view_id: view_id.to_owned(), hash };
    modals::redraw_settings(act.slack, workspace, user, screen, note, modal);
}

/// Where in the settings the click was made. It says where to look, and nothing else.
fn screen(act: &Act<'_>) -> Screen {
    Screen::read(act.payload.text("/view/private_metadata").unwrap_or_default())
}

/// The gear: opens the modal, or turns it to the integration.
pub(super) async fn open_gear(act: &Act<'_>, integration: IntegrationId) -> Answer {
    let screen = Screen { integration: Some(integration), page: 0 };
    if act.in_settings() {
        return show(act, screen);
    }
    let trigger = act.payload.trigger().unwrap_or_default();
    let (workspace, user) = (act.workspace, &act.clicker.user);
    if let Err(error) = modals::open_settings(act.slack, workspace, user, trigger, screen).await {
        tracing::warn!(%error, "The settings could not be opened");
        whisper(act.slack, act.payload, sentences::SETTINGS_TRY_AGAIN.to_owned());
    }
    Answer::Taken
}

/// Says that somebody is none whom this concerns.
pub(super) const fn refused<T>(rejection: Rejection) -> Result<T, Trouble> {
    Err(Trouble::Rejected(rejection))
}
