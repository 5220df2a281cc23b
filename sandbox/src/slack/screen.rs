//! Reads the text and buttons of a message or view, as a person does.

use serde_json::Value;

use super::state::{Message, View, entered};

/// A button on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// Its label.
    pub label: String,
    /// Its `action_id`.
    pub action_id: String,
    /// The block that contains it.
    pub block_id: String,
    /// Its value, empty if it has none.
    pub value: String,
    /// `primary`, `danger`, or empty.
    pub style: String,
}

/// An option of a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its text.
    pub label: String,
    /// The `action_id` of its menu.
    pub action_id: String,
    /// The block that contains the menu.
    pub block_id: String,
    /// Its value.
    pub value: String,
}

impl Message {
    /// The top-level text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All text that a person reads in the blocks, in order, one string per line.
    #[must_use]
    pub fn all_text(&self) -> String {
        all_text(&self.blocks)
    }

    /// Its buttons, in order.
    #[must_use]
    pub fn buttons(&self) -> Vec<Button> {
        buttons(&self.blocks)
    }

    /// Whether a button has exactly this label.
    #[must_use]
    pub fn has_button(&self, label: &str) -> bool {
        self.buttons().iter().any(|button| button.label == label)
    }

    /// The options of its overflow menus, in order.
    #[must_use]
    pub fn overflow_options(&self) -> Vec<Choice> {
        choices(&self.blocks, "overflow")
    }

    /// The options of its overflow menus with this `action_id`, in order.
    #[must_use]
    pub fn options_of(&self, action_id: &str) -> Vec<Choice> {
        self.overflow_options().into_iter().filter(|choice| choice.action_id == action_id).collect()
    }
}

impl View {
    /// All text that a person reads in its title, blocks and buttons, in order, one string per line.
    #[must_use]
    pub fn all_text(&self) -> String {
        let parts = [self.title().to_owned(), all_text(self.blocks()), self.text_of("submit").to_owned()];
        let close = self.text_of("close").to_owned();
        parts.into_iter().chain([close]).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// The buttons in its blocks, in order, without submit and close.
    #[must_use]
    pub fn buttons(&self) -> Vec<Button> {
        buttons(self.blocks())
    }

    /// Whether a button has exactly this label.
    #[must_use]
    pub fn has_button(&self, label: &str) -> bool {
        self.buttons().iter().any(|button| button.label == label)
    }

    /// The options of its overflow menus, in order.
    #[must_use]
    pub fn overflow_options(&self) -> Vec<Choice> {
        choices(self.blocks(), "overflow")
    }

    /// The options of its overflow menus with this `action_id`, in order.
    #[must_use]
    pub fn options_of(&self, action_id: &str) -> Vec<Choice> {
        self.overflow_options().into_iter().filter(|choice| choice.action_id == action_id).collect()
    }

    /// The options of its check boxes, in order.
    #[must_use]
    pub fn check_boxes(&self) -> Vec<Choice> {
        choices(self.blocks(), "checkboxes")
    }

    /// The values of the set check boxes in the element with this `action_id`.
    #[must_use]
    pub fn checked(&self, action_id: &str) -> Vec<String> {
        let entries = self.state.values().filter_map(|block| block.get(action_id));
        let options = entries.flat_map(|entry| entry["selected_options"].as_array().into_iter().flatten());
        options.map(|option| text(&option["value"])).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn with_elements(blocks: &[Value]) -> impl Iterator<Item = (&Value, &Value)> {
    blocks
        .iter()
        .flat_map(|block| entered::elements_of(block).into_iter().map(move |element| (block, element)))
}

fn buttons(blocks: &[Value]) -> Vec<Button> {
    with_elements(blocks)
        .filter(|(_, element)| element["type"] == "button")
        .map(|(block, element)| Button {
            label: text(&element["text"]["text"]),
            action_id: text(&element["action_id"]),
            block_id: text(&block["block_id"]),
            value: text(&element["value"]),
            style: text(&element["style"]),
        })
        .collect()
}

fn choices(blocks: &[Value], kind: &str) -> Vec<Choice> {
    let menus = with_elements(blocks).filter(|(_, element)| element["type"] == kind);
    let options = menus.flat_map(|(block, element)| {
        let options = element["options"].as_array().into_iter().flatten();
        options.map(move |option| Choice {
            label: text(&option["text"]["text"]),
            action_id: text(&element["action_id"]),
            block_id: text(&block["block_id"]),
            value: text(&option["value"]),
        })
    });
    options.collect()
}

fn all_text(blocks: &[Value]) -> String {
    let mut lines = Vec::new();
    for block in blocks {
        read(block, &mut lines);
    }
    lines.join("\n")
}

/// Collects the text of a block or element, from top to bottom.
fn read(value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| read(one, lines)),
        Value::Object(object) => match object.get("type").and_then(Value::as_str) {
            Some("rich_text_section" | "rich_text_preformatted" | "rich_text_quote") => {
                lines.push(object["elements"].as_array().into_iter().flatten().map(inline).collect());
            }
            Some("plain_text" | "mrkdwn") => lines.push(text(&object["text"])),
            _ => {
                let order =
                    ["label", "text", "description", "fields", "elements", "accessory", "element", "options"];
                let more = ["option_groups", "placeholder", "hint"];
                for key in order.iter().chain(&more) {
                    if let Some(inner) = object.get(*key) {
                        read(inner, lines);
                    }
                }
            }
        },
        _ => {}
    }
}

/// The text of an inline rich text element.
fn inline(element: &Value) -> String {
    match element["type"].as_str() {
        Some("text") => text(&element["text"]),
        Some("link") => element["text"].as_str().map_or_else(|| text(&element["url"]), str::to_owned),
        Some("emoji") => format!(":{}:", text(&element["name"])),
        Some("user") => format!("@{}", text(&element["user_id"])),
        Some("channel") => format!("#{}", text(&element["channel_id"])),
        Some("broadcast") => format!("@{}", text(&element["range"])),
        Some("date") => text(&element["fallback"]),
        _ => String::new(),
    }
}
