//! The fields of a posted form: those that the page adds (`as`, `channel`, …) and those of a surface's elements.

use axum::extract::{FromRequest, RawForm, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::super::blocks::{SELECTORS, field_name};
use crate::slack::{Gesture, Press, Slack, Surface};

/// The names and values of a form, in the order in which the browser sent them.
#[derive(Debug, Clone, Default)]
pub(in crate::page) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first value of this name, or the empty string.
    pub(in crate::page) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// The first value of this name, unless it is missing or empty.
    pub(in crate::page) fn filled(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }

    /// These fields and further ones.
    pub(in crate::page) fn and(mut self, more: &[(&str, &str)]) -> Self {
        self.0.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    /// The gesture that the form describes for an element. `None` for elements without state, and for fields that are
    /// missing or have no selection.
    pub(super) fn gesture(&self, block: &str, action: &str, kind: &str) -> Option<Gesture> {
        let name = field_name(block, action);
        let mut values = self.0.iter().filter(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        if kind == "checkboxes" || kind.starts_with("multi_") {
            return Some(Gesture::Check(
                values.filter(|value| !value.is_empty()).map(str::to_owned).collect(),
            ));
        }
        let value = values.next_back()?;
        if kind.ends_with("_input") {
            // Browsers send line breaks as CR LF, Slack's clients as LF.
            return Some(Gesture::Enter(value.replace("\r\n", "\n")));
        }
        let picks = SELECTORS.contains(&kind) || kind == "datepicker";
        (picks && !value.is_empty()).then(|| Gesture::Pick(value.to_owned()))
    }

    /// Stores the state of these blocks' elements in the local Slack without a request to the app, except for the
    /// element in use (`block`, `action`).
    pub(super) fn remember(
        &self,
        slack: &Slack,
        user: &str,
        surface: &Surface,
        blocks: &[Value],
        except: Option<(&str, &str)>,
    ) {
        for (block, element) in elements(blocks) {
            let (block, action) = (text(block, "block_id"), text(element, "action_id"));
            let Some(gesture) = self.gesture(block, action, text(element, "type")) else { continue };
            if except == Some((block, action)) {
                continue;
            }
            let press = Press::on(surface.clone(), action).in_block(block).doing(gesture);
            // If the element refuses the value, its state stays: the browser may hold an option that no longer exists.
            if let Err(error) = slack.prepare_press(user, &press) {
                tracing::debug!(%error, "a field of the page was not taken");
            }
        }
    }
}

/// The elements of these blocks that the page renders, each with its block.
pub(super) fn elements(blocks: &[Value]) -> impl Iterator<Item = (&Value, &Value)> {
    blocks.iter().flat_map(|block| {
        let one = ["accessory", "element"].into_iter().filter_map(|key| block.get(key));
        let many = block.get("elements").and_then(Value::as_array).into_iter().flatten();
        one.chain(many).map(move |element| (block, element))
    })
}

/// The string at `key`, or the empty string.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Response;

    /// Accepts forms of this page only: htmx sets a header that a form of another site can't.
    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        if !request.headers().contains_key("hx-request") {
            return Err((StatusCode::FORBIDDEN, "This is for the page's own script.").into_response());
        }
        // `RawForm` reads the fields from the address for GET, and from the body for POST.
        let RawForm(body) =
            RawForm::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        Ok(Self(form_urlencoded::parse(&body).into_owned().collect()))
    }
}
