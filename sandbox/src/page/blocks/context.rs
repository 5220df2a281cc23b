//! The context in which blocks are rendered.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, FixedOffset, Utc};
use serde_json::{Value, json};

/// A user's entries: block id to action id to the element's entry of `state.values`
/// (<https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>).
pub type Entered = BTreeMap<String, BTreeMap<String, Value>>;

/// Names for the ids in mentions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// User id to display name.
    pub users: HashMap<String, String>,
    /// Channel id to name, without `#`.
    pub channels: HashMap<String, String>,
}

/// The message or view that contains the blocks, and that clicks refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A message, named by its channel and timestamp.
    Message {
        /// The channel's id, `C…` or `D…`.
        channel: String,
        /// The message's `ts`.
        ts: String,
    },
    /// A modal or a Home tab, named by its view id.
    View {
        /// The view's id, `V…`.
        id: String,
    },
}

/// The present time and the time zone for display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Now: decides what is "today" and "yesterday".
    pub now: DateTime<Utc>,
    /// The reader's offset from UTC.
    pub zone: FixedOffset,
}

/// All that rendering needs apart from the blocks.
#[derive(Debug, Clone)]
pub struct RenderContext<'a> {
    /// Names for mentions.
    pub names: &'a Names,
    /// The id of the user who looks and clicks.
    pub viewer: &'a str,
    /// What holds the blocks.
    pub place: Place,
    /// Prefix of the ids of HTML elements; unique on the page, without a dot.
    pub id: String,
    /// Now, and where.
    pub moment: Moment,
    /// What the user has entered so far in this message or view: it wins over initial values.
    pub entered: Option<&'a Entered>,
    /// What the app found wrong with the last submission: block id to sentence.
    pub errors: Option<&'a BTreeMap<String, String>>,
}

impl RenderContext<'_> {
    /// The same context, one level deeper: element ids get the suffix `.index`.
    #[must_use]
    pub fn within(&self, index: usize) -> Self {
        Self { id: format!("{}.{index}", self.id), ..self.clone() }
    }

    /// The id that the context began with.
    pub(super) fn root(&self) -> &str {
        self.id.split('.').next().unwrap_or_default()
    }

    /// The values that a click on `action` in `block` sends, as the JSON of an `hx-vals` attribute.
    ///
    /// `value` is the choice, if the page's own form fields don't contain it: a button's value, or that of an option in
    /// an overflow menu.
    #[must_use]
    pub fn click(&self, block: &str, action: &str, value: Option<&str>) -> String {
        let mut vals = json!({ "as": self.viewer, "block_id": block, "action_id": action });
        match &self.place {
            Place::Message { channel, ts } => {
                vals["channel"] = json!(channel);
                vals["ts"] = json!(ts);
            }
            Place::View { id } => vals["view"] = json!(id),
        }
        if let Some(value) = value {
            vals["value"] = json!(value);
        }
        vals.to_string()
    }

    /// The user's entry in this element, in the form of `state.values`.
    pub(super) fn entry(&self, block: &str, action: &str) -> Option<&Value> {
        self.entered?.get(block)?.get(action)
    }
}
