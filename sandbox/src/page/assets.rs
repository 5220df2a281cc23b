//! The page's static files, included in the binary.

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::get;

/// The style sheet, from several files. `assets/README.md` says where each comes from.
const CSS: &str = concat!(
    include_str!("../../assets/css/base.css"),
    include_str!("../../assets/css/frame.css"),
    include_str!("../../assets/css/messages.css"),
    include_str!("../../assets/css/blocks.css"),
    include_str!("../../assets/css/dialogs.css"),
    include_str!("../../assets/css/tools.css"),
);
const PAGE: &str = include_str!("../../assets/page.js");
const HTMX: &str = include_str!("../../assets/htmx/htmx.min.js");
const SSE: &str = include_str!("../../assets/htmx-ext-sse/sse.min.js");
const CHEVRON: &str = include_str!("../../assets/chevron.svg");
const ICON: &str = include_str!("../../assets/icon.svg");

/// The routes below `/assets`.
pub(super) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    Router::new()
        .route("/assets/page.css", file("text/css; charset=utf-8", CSS))
        .route("/assets/page.js", file(SCRIPT, PAGE))
        .route("/assets/htmx.js", file(SCRIPT, HTMX))
        .route("/assets/sse.js", file(SCRIPT, SSE))
        .route("/assets/chevron.svg", file("image/svg+xml", CHEVRON))
        .route("/assets/icon.svg", file("image/svg+xml", ICON))
}

/// Serves a file that browsers must not cache, because a page of a newer binary must not use an older binary's files.
fn file<S: Clone + Send + Sync + 'static>(
    kind: &'static str,
    content: &'static str,
) -> axum::routing::MethodRouter<S> {
    get(move || async move {
        let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")];
        (headers.map(|(name, value)| (name, HeaderValue::from_static(value))), content).into_response()
    })
}
