//! The webhooks that the backend received.

use chrono::FixedOffset;
use maud::html;

use super::super::live::{List, Part};
use crate::backend::{AgentBackend, Delivery};

/// How many are shown.
const SHOWN: usize = 50;

/// The last deliveries, newest first, with times in `zone`.
pub(super) fn list(backend: &AgentBackend, zone: FixedOffset) -> List {
    let deliveries = backend.deliveries();
    let items = deliveries.iter().enumerate().rev().take(SHOWN);
    let items = items.map(|(number, delivery)| part(number, delivery, zone)).collect();
    List { id: "webhooks".into(), class: "cards", role: Some("list"), newest_first: true, items }
}

fn part(number: usize, delivery: &Delivery, zone: FixedOffset) -> Part {
    let body = serde_json::to_string_pretty(&delivery.body).unwrap_or_default();
    let inside = html! {
        div.card data-testid="webhook" data-webhook-id=(delivery.id) data-kind=(delivery.kind) {
            div.card-head {
                span.card-name { @if delivery.kind.is_empty() { "(no type)" } @else { (delivery.kind) } }
                @match &delivery.verified {
                    Ok(()) => span.mark.mark-ran { "signature verified" },
                    Err(_) => span.mark.mark-stopped { "not believed" },
                }
            }
            div.card-more {
                (delivery.received_at.with_timezone(&zone).format("%-I:%M:%S %p")) " · " (delivery.id)
                @if delivery.repeated { " · again" }
                @if !delivery.answer.takes() { " · not taken" }
            }
            @if let Err(why) = &delivery.verified { div.card-more { (why) } }
            details { summary { "Body" } pre tabindex="0" { (body) } }
        }
    };
    Part { role: Some("listitem"), ..Part::new(format!("webhook-{number}"), "card-slot", inside) }
}
