//! The local Slack's web page: one acts on it as any of the workspace's people, and sees beside it the requests and
//! webhooks of the agent backend.
//!
//! | part | what |
//! | --- | --- |
//! | `look`, `desk` | what an address asks to see, and everything that is to be drawn for it, read at once |
//! | `blocks` | Block Kit as HTML: pure functions |
//! | `frame` | sidebar, conversation, thread, modals, Home tab |
//! | `tools` | the panel of the agent backend, and the tour |
//! | `live` | the parts that changed, pushed to the browser |
//! | `acts` | what a person does, handed on to [`Slack`] |
//!
//! Addresses: `/?as=U…&channel=C…&thread=TS`, `/home?as=U…`, `/about?as=U…`, and `/archives/C…/p…`, which a link to a
//! message leads to. What a browser test needs is on the
//! elements: messages carry `data-channel` and `data-ts`, elements `data-block-id` and `data-action-id`, buttons
//! their words as accessible name, and the fixed points `data-testid` (`message`, `button`, `overflow`, `menu`,
//! `menu-item`, `modal`, `modal-submit`, `modal-close`, `home`, `thread`, `composer`, `reply`, `acting-as`,
//! `toast`, `confirm`, `ask`, `ask-day`, `later`, `asked`, `curl`, `tour`, `webhook`).

mod acts;
mod assets;
pub mod blocks;
mod desk;
mod frame;
mod guard;
mod live;
mod look;
mod tools;
mod visit;

use axum::Router;
use axum::routing::get;
use tokio::sync::watch;

use crate::ambient::TimeSkip;
use crate::backend::AgentBackend;
use crate::slack::Slack;
use desk::Desk;
use frame::Frame;
use live::Parts;
use look::Look;
use tools::Tools;

/// The routes of the page, below `/`, for the server of the local Slack (its
/// [`extra`](crate::slack::SlackOptions::extra) routes).
///
/// With a backend the page has a panel on which its agents are made to ask, and on which its webhooks are seen. With a
/// `skip` the panel can also put the clock forward.
pub fn router(slack: Slack, backend: Option<AgentBackend>, skip: Option<TimeSkip>) -> Router {
    let page = Page { slack, tools: backend.map(|backend| Tools::new(backend, skip)) };
    Router::new()
        .route("/", get(visit::conversation))
        .route("/home", get(visit::home))
        .route("/about", get(visit::about))
        .route("/archives/{channel}/{message}", get(visit::message))
        .route("/live", get(live::stream))
        .merge(acts::router())
        .merge(tools::router())
        .merge(assets::router())
        .layer(axum::middleware::map_response(guard::fence))
        .with_state(page)
}

/// What every route of the page works on.
#[derive(Debug, Clone)]
struct Page {
    slack: Slack,
    /// Missing where there is no agent backend.
    tools: Option<Tools>,
}

impl Page {
    /// The viewer's desk and its changing parts. `None` if the workspace has no people.
    fn see(&self, look: &Look) -> Option<(Desk, Frame)> {
        let desk = Desk::read(&self.slack, look)?;
        let tools = self.tools.as_ref().map(|tools| tools.parts(&desk)).unwrap_or_default();
        let frame = Frame::new(&desk, tools);
        Some((desk, frame))
    }

    /// The parts that `look` sees.
    fn parts(&self, look: &Look) -> Option<Parts> {
        self.see(look).map(|(_, frame)| frame.into_parts())
    }

    /// The signals of everything that can change the page.
    fn signals(&self) -> Vec<watch::Receiver<u64>> {
        let mut signals = vec![self.slack.core().changes()];
        signals.extend(self.tools.iter().flat_map(Tools::signals));
        signals
    }
}

#[cfg(test)]
mod tests;
