//! `/docs`: the document as one HTML page, with a console in which a call can be tried. Nothing comes from elsewhere.

use std::fmt::Write as _;

use serde_json::Value;

use super::{
    console,
    html::{escape, pretty},
};

/// The page has its own script and style sheet, and calls nothing but this server.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The style sheet.
pub(super) const CSS: &str = include_str!("assets/docs.css");
/// The script of the console.
pub(super) const SCRIPT: &str = include_str!("assets/docs.js");

/// Renders the document.
pub(super) fn render(document: &Value) -> String {
    let mut out = String::new();
    let text = |pointer: &str| escape(document.pointer(pointer).and_then(Value::as_str).unwrap_or_default());
    let (title, about, version) = (text("/info/title"), text("/info/description"), text("/info/version"));
    let _ = write!(
        out,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title} API</title><link rel=stylesheet href=docs/page.css><script src=docs/console.js defer></script><main><h1>{title} API <small>{version}</small></h1><p>{about}</p>\
         <p>Send <code>Authorization: Bearer cs_…</code> with every call. <b>Try it</b>, below each operation, sends \
         a call to this server, with the API key that you enter here. The OpenAPI document: \
         <a href=openapi.json>openapi.json</a>.</p>{}<nav aria-label=Sections>",
        console::KEY
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
                console::render(&mut out, path, verb, operation);
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
    out.push_str("</main></html>");
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
        assert_eq!(page.matches("<details class=try>").count(), operations(&document["paths"]).count());
        assert!(
            page.contains("data-path=\"/v1/approvals/{id}/result\" data-key data-type=\"application/json\">")
        );
        assert_eq!((page.matches("<script").count(), page.matches("<link").count()), (1, 1));
        for outside in ["http://", "//cdn", "@import", " style=", "<style", "onclick"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn what_the_document_says_is_text() {
        assert_eq!(escape("<b a=\"1\">&"), "&lt;b a=&quot;1&quot;&gt;&amp;");
    }
}
