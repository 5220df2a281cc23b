//! Reading arguments off the pages of *Details*: the raw JSON, which continues from box to box and page to page.

use countersign::slack::view::sanitize::reveal;
use serde_json::{Map, Value};

/// Puts the arguments together, page by page.
#[derive(Default)]
pub struct Reader {
    json: String,
}

impl Reader {
    /// Reads a page, if it shows raw JSON.
    pub fn page(&mut self, blocks: &[Value]) {
        let heading = |block: &Value| block["text"]["text"].as_str().unwrap_or_default().to_owned();
        let mut below = blocks.iter().skip_while(|block| block["type"] != "header");
        if !below.next().is_some_and(|block| heading(block).starts_with("Arguments as raw JSON")) {
            return;
        }
        let elements = below.filter_map(|block| block["elements"].as_array()).flatten();
        for element in elements.filter(|element| element["type"] == "rich_text_preformatted") {
            self.json.push_str(element["elements"][0]["text"].as_str().unwrap());
        }
    }

    /// The arguments, after the last page.
    pub fn finish(self) -> Value {
        if self.json.is_empty() {
            return Value::Object(Map::new());
        }
        serde_json::from_str(&reveal(&self.json)).unwrap_or_else(|error| panic!("{error}: {}", self.json))
    }
}
