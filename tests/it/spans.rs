//! Tracing spans: what a request, a click and a delivery can be found by, and that nothing confidential is in them.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex},
};

use serde_json::json;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    layer::{Context, Layer, SubscriberExt as _},
    registry::LookupSpan,
};

use crate::story::{ALICE, story};

type Fields = BTreeMap<String, String>;
/// A span with its id and name, or an event.
type Captured = (Option<Id>, &'static str, Fields);

/// Keeps the fields of all spans and events.
#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Vec<Captured>>>);

struct Reader<'f>(&'f mut Fields);

impl Visit for Reader<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Capture {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let mut fields = Fields::new();
        attributes.record(&mut Reader(&mut fields));
        self.0.lock().unwrap().push((Some(id.clone()), attributes.metadata().name(), fields));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut captured = self.0.lock().unwrap();
        // An id may be used again once its span has closed.
        let found = captured.iter_mut().rev().find(|(captured, ..)| captured.as_ref() == Some(id));
        values.record(&mut Reader(&mut found.unwrap().2));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::new();
        event.record(&mut Reader(&mut fields));
        self.0.lock().unwrap().push((None, "", fields));
    }
}

impl Capture {
    /// Whether there is a span with this name and these fields.
    fn has(&self, name: &str, expected: &[(&str, &str)]) -> bool {
        let captured = self.0.lock().unwrap();
        captured.iter().any(|(_, found, fields)| {
            *found == name
                && expected
                    .iter()
                    .all(|(field, value)| fields.get(*field).is_some_and(|found| found == value))
        })
    }
}

/// A dispatcher that keeps nothing. While there is only one in the process, tracing asks the thread that comes to a span
/// first whether anything listens, and a test without a subscriber answers no for all threads.
pub fn second_dispatcher() -> tracing::Dispatch {
    tracing::Dispatch::new(tracing_subscriber::registry())
}

#[test]
fn spans_have_ids_and_nothing_confidential() {
    let capture = Capture::default();
    let filter = tracing_subscriber::EnvFilter::new("countersign=trace");
    let subscriber = tracing_subscriber::registry().with(filter).with(capture.clone());
    let _second = second_dispatcher();
    // A runtime of one thread, so that everything that the service does is captured here.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(story(async |s| {
            let mut call = s.call("github.create_issue", "c-1");
            call.arguments = json!({ "title": "Confidential-argument" });
            call.reason = Some("Confidential-reason".to_owned());
            call.metadata = Some(json!({ "run": "Confidential-metadata" }));
            let (id, prompt) = s.prompt(&call).await;
            assert!(s.choose(ALICE, &prompt, crate::story::IN_WORDS).await.is_ok());
            s.slack.type_text(ALICE, "reason", "Confidential-answer").await.unwrap();
            assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
            s.received_webhook(&id).await;
            let backend = s.api().list(&[]).await;
            assert_eq!(backend.status, 200);

            let approval = ("approval", id.as_str());
            let request = [("method", "POST"), ("route", "/v1/approvals"), approval, ("user", ALICE)];
            assert!(capture.has("request", &request));
            assert!(capture.has("create_approval", &[]));
            assert!(capture.has("slack_request", &[("kind", "Interaction"), ("user", ALICE)]));
            assert!(capture.has("decide", &[approval, ("user", ALICE)]));
            assert!(capture.has("deliver", &[approval, ("kind", "prompt")]));
            assert!(capture.has("deliver", &[approval, ("kind", "webhook")]));
            let captured = capture.0.lock().unwrap().clone();
            for (name, field) in [
                ("request", "backend"),
                ("request", "workspace"),
                ("deliver", "backend"),
                ("decide", "workspace"),
            ] {
                let mut spans = captured.iter().filter(|(_, found, _)| *found == name);
                assert!(spans.any(|(.., fields)| fields.contains_key(field)), "{name} has no {field}");
            }

            let mut confidential = s.slack.secrets();
            confidential.extend(s.keys_of_the_backend());
            confidential.push("Confidential-".to_owned());
            for (_, name, fields) in &captured {
                for (field, value) in fields {
                    let found = confidential.iter().find(|text| value.contains(text.as_str()));
                    assert_eq!(found, None, "{name}.{field}: {value}");
                }
            }
        }));
    });
}
