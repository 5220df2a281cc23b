//! `/docs`: the document as one HTML page, without scripts or external resources.

use std::fmt::Write as _;

use serde_json::Value;

/// The page loads nothing and runs nothing.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2733;background:#fff}\
h2{margin-top:3rem;border-bottom:1px solid #d5dde5}h3{margin:2.5rem 0 .3rem}code,pre{font:13px/1.5 ui-monospace,monospace}\
pre{background:#f4f6f8;padding:.8rem;overflow:auto;border-radius:6px}.verb{color:#0b6b3a;text-transform:uppercase}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.25rem .8rem .25rem 0;border-bottom:1px solid #e6ebf0}\
summary{cursor:pointer}nav a{margin-right:1rem}\
@media(prefers-color-scheme:dark){body{color:#dbe4ec;background:#11171d}pre{background:#1a222b}a{color:#7cb8ff}.verb{color:#58c78b}}";

/// Renders the document.
pub(super) fn render(document: &Value) -> String {
    let mut out = String::new();
    let text = |pointer: &str| escape(document.pointer(pointer).and_then(Value::as_str).unwrap_or_default());
    let (title, about, version) = (text("/info/title"), text("/info/description"), text("/info/version"));
    let _ = write!(
        out,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title} API</title><style>{STYLE}</style><h1>{title} API <small>{version}</small></h1><p>{about}</p>\
         <p>Send <code>Authorization: Bearer cs_…</code> with every call. The OpenAPI document: \
         <a href=openapi.json>openapi.json</a>.</p><nav>"
    );
    let tags: Vec<&Value> = document["tags"].as_array().into_iter().flatten().collect();
    for tag in &tags {
        let name = escape(tag["name"].as_str().unwrap_or_default());
        let _ = write!(out, "<a href=\"#{}\">{name}</a>", name.replace(' ', "-"));
    }
    out.push_str("<a href=\"#webhooks\">webhooks</a><a href=\"#schemas\">schemas</a></nav>");
    for tag in &tags {
        let name = escape(tag["name"].as_str().unwrap_or_default());
        let about = escape(tag["description"].as_str().unwrap_or_default());
        let _ = write!(out, "<h2 id=\"{}\">{name}</h2><p>{about}.</p>", name.replace(' ', "-"));
        for (path, verb, operation) in operations(&document["paths"]) {
            if operation["tags"][0] == tag["name"] {
                render_operation(&mut out, path, verb, operation);
            }
        }
    }
    out.push_str(
        "<h2 id=webhooks>webhooks</h2><p>Sent to the backend's endpoint and signed as Standard Webhooks \
            specifies.</p>",
    );
    for (path, verb, operation) in operations(&document["webhooks"]) {
        render_operation(&mut out, path, verb, operation);
    }
    out.push_str("<h2 id=schemas>schemas</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let _ = write!(out, "<h3 id=\"schema-{0}\">{0}</h3>", escape(name));
        let _ = write!(out, "<pre>{}</pre>", escape(&pretty(schema)));
    }
    out
}

fn operations(paths: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    paths.as_object().into_iter().flatten().flat_map(|(path, item)| {
        let verbs = item.as_object().into_iter().flatten();
        verbs.map(|(verb, operation)| (path.as_str(), verb.as_str(), operation))
    })
}

fn render_operation(out: &mut String, path: &str, verb: &str, operation: &Value) {
    let said = |name: &str| escape(operation[name].as_str().unwrap_or_default());
    let id = said("operationId");
    let _ = write!(
        out,
        "<h3 id=\"{id}\"><code><span class=verb>{}</span> {}</code></h3><p><b>{}.</b> {}</p>",
        escape(verb),
        escape(path),
        said("summary"),
        said("description")
    );
    let scopes = operation["security"].as_array().into_iter().flatten();
    for scope in scopes.filter_map(|needed| needed["api_key"][0].as_str()) {
        let _ = write!(out, "<p>Needs an API key with the scope <code>{}</code>.</p>", escape(scope));
    }
    let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
    if !parameters.is_empty() {
        out.push_str("<table><tr><th>parameter<th>in<th>");
        for parameter in parameters {
            let cell = |name: &str| escape(parameter[name].as_str().unwrap_or_default());
            let needed = if parameter["required"] == true { "" } else { " (optional)" };
            let (name, place, about) = (cell("name"), cell("in"), cell("description"));
            let _ = write!(out, "<tr><td><code>{name}</code><td>{place}{needed}<td>{about}");
        }
        out.push_str("</table>");
    }
    if let Some(content) = operation["requestBody"]["content"].as_object() {
        out.push_str("<p>Body:</p>");
        contents(out, content);
    }
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let about = escape(response["description"].as_str().unwrap_or_default());
        let open = if status.starts_with('2') { " open" } else { "" };
        let _ = write!(out, "<details{open}><summary><code>{}</code> {about}</summary>", escape(status));
        if let Some(content) = response["content"].as_object() {
            contents(out, content);
        }
        out.push_str("</details>");
    }
}

fn contents(out: &mut String, content: &serde_json::Map<String, Value>) {
    for (media_type, content) in content {
        let schema = content["schema"]["$ref"].as_str().and_then(|path| path.rsplit('/').next());
        let _ = write!(out, "<p><code>{}</code>", escape(media_type));
        if let Some(schema) = schema.map(escape) {
            let _ = write!(out, " · <a href=\"#schema-{schema}\">{schema}</a>");
        }
        out.push_str("</p>");
        let many =
            content["examples"].as_object().into_iter().flatten().map(|(_, example)| &example["value"]);
        for example in many.chain(content.get("example")) {
            let _ = write!(out, "<pre>{}</pre>", escape(&pretty(example)));
        }
    }
}

fn pretty(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_and_example_is_drawn_and_nothing_is_loaded() {
        let document = serde_json::to_value(crate::api::document()).unwrap();
        let page = render(&document);
        for (path, verb, operation) in operations(&document["paths"]) {
            let id = operation["operationId"].as_str().unwrap();
            assert!(page.contains(&format!("<h3 id=\"{id}\">")), "{verb} {path}");
        }
        assert!(page.contains("urn:countersign:problem:too-many-pending"));
        for outside in ["<script", "src=", "http://", "<link", "@import"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn what_the_document_says_is_text() {
        assert_eq!(escape("<b a=\"1\">&"), "&lt;b a=&quot;1&quot;&gt;&amp;");
    }
}
