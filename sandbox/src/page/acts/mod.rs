//! Actions of a person on the page, passed to the local Slack in that person's name.

mod click;
mod close;
mod fields;
mod notice;
mod say;
mod submit;

use axum::Router;
use axum::routing::post;

use super::Page;

pub(super) use fields::Fields;
pub(super) use notice::Notice;

/// The routes below `/act`.
pub(super) fn router() -> Router<Page> {
    Router::new()
        .route("/act/click", post(click::click))
        .route("/act/submit", post(submit::submit))
        .route("/act/close", post(close::close))
        .route("/act/say", post(say::say))
}
