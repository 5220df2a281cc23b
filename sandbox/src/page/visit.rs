//! Opening the page.

use axum::extract::{Path, Query, State};
use axum::response::Redirect;
use maud::Markup;

use super::frame::Extras;
use super::look::{Look, Tab, channel_address};
use super::{Page, frame};
use crate::slack;

/// `GET /`: a channel, or the direct messages with the app.
pub(super) async fn conversation(State(page): State<Page>, Query(look): Query<Look>) -> Markup {
    visit(&page, look)
}

/// `GET /home`: the app's Home tab.
pub(super) async fn home(State(page): State<Page>, Query(look): Query<Look>) -> Markup {
    visit(&page, look.at("home"))
}

/// `GET /about`: the app's About tab.
pub(super) async fn about(State(page): State<Page>, Query(look): Query<Look>) -> Markup {
    visit(&page, look.at("about"))
}

/// `GET /archives/{channel}/p{ts}`: a message, as a member of the channel sees it.
pub(super) async fn message(
    State(page): State<Page>,
    Path((channel, message)): Path<(String, String)>,
) -> Redirect {
    let viewer = page.slack.core().read(|state| {
        let members = state.channels.get(&channel).map(|channel| channel.members.clone()).unwrap_or_default();
        members.into_iter().find(|member| state.users.get(member).is_some_and(|user| !user.is_bot))
    });
    let digits = message.trim_start_matches('p');
    let ts = digits.split_at_checked(digits.len().saturating_sub(6)).unwrap_or_default();
    let ts = format!("{}.{}", ts.0, ts.1);
    Redirect::to(&channel_address(&viewer.unwrap_or_default(), &channel, Some(&ts)))
}

/// Renders the view that `look` refers to. Like Slack, it notifies the app when one of the app's tabs is opened. The
/// page doesn't wait for the app's reaction, but shows it as soon as it arrives.
#[expect(clippy::needless_pass_by_value, reason = "an address is looked at once")]
fn visit(page: &Page, look: Look) -> Markup {
    let Some((mut desk, mut frame)) = page.see(&look) else { return frame::no_users() };
    if desk.direct.is_none() && desk.bot.is_some() {
        page.slack.core().change(|state| {
            if let Some(installation) = state.installation(&desk.viewer.team_id).cloned() {
                state.open_direct(&desk.viewer.id, &installation);
            }
        });
        if let Some(again) = page.see(&look) {
            (desk, frame) = again;
        }
    }
    let opened = match &desk.tab {
        Tab::Home => Some(slack::Tab::Home),
        Tab::Channel { id, .. } if desk.direct.as_ref() == Some(id) => Some(slack::Tab::Messages),
        _ => None,
    };
    if let Some(tab) = opened {
        let (slack, viewer) = (page.slack.clone(), desk.viewer.id.clone());
        tokio::spawn(async move {
            if let Err(error) = slack.open_home(&viewer, tab).await {
                tracing::debug!(%error, "the app was not told that its page was opened");
            }
        });
    }
    let extras = page.tools.as_ref().map(|tools| Extras {
        tour: tools.tour(&desk),
        panel: tools.panel(&desk, frame.tools(), &page.slack.origin()),
    });
    frame::whole(&frame, &desk, &look, extras.as_ref())
}
