//! The connection over which a page receives changes: server-sent events, each with the changed HTML.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, stream::unfold};
use tokio::sync::watch;

use super::super::Page;
use super::super::look::Look;
use super::Parts;

/// Changes come in bursts, for instance when a click posts, updates and publishes. They are rendered together.
const GATHER: Duration = Duration::from_millis(25);

/// `GET /live`: the parts of the page that `look` describes, now and at every change of them.
pub(in crate::page) async fn stream(
    State(page): State<Page>,
    Query(look): Query<Look>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let watching = Watching { signals: page.signals(), page, look, sent: None };
    Sse::new(unfold(watching, async |mut watching| {
        let event = watching.next().await?;
        Some((Ok(event), watching))
    }))
    .keep_alive(KeepAlive::default())
}

struct Watching {
    page: Page,
    look: Look,
    signals: Vec<watch::Receiver<u64>>,
    /// The parts that the page shows. `None` at first, so that no change is missed between rendering the page and
    /// opening this connection.
    sent: Option<Parts>,
}

impl Watching {
    /// The next event. `None` if no more changes can come.
    async fn next(&mut self) -> Option<Event> {
        loop {
            for signal in &mut self.signals {
                signal.mark_unchanged();
            }
            if let Some(parts) = self.page.parts(&self.look) {
                let html = parts.since(self.sent.as_ref());
                self.sent = Some(parts);
                if !html.is_empty() {
                    return Some(Event::default().event("parts").data(html));
                }
            }
            let changes = self.signals.iter_mut().map(|signal| Box::pin(signal.changed()));
            futures::future::select_all(changes).await.0.ok()?;
            tokio::time::sleep(GATHER).await;
        }
    }
}
