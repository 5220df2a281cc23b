//! The console of `/docs`: a form for each operation, filled from the document's examples. The script beside it builds
//! and sends the call.

use std::fmt::Write as _;

use serde_json::Value;

use super::html::{escape, pretty};

/// The field for the API key, which all forms share. It belongs to no form, so no browser sends or keeps it.
pub(super) const KEY: &str = "<div class=key><label for=key>API key</label>\
    <input id=key type=password autocomplete=off autocapitalize=off spellcheck=false placeholder=cs_…>\
    <span>Stays in this field: it is not stored, and is gone when you reload.</span></div>";

/// Writes the form of an operation.
pub(super) fn render(out: &mut String, path: &str, verb: &str, operation: &Value) {
    let id = escape(operation["operationId"].as_str().unwrap_or_default());
    let needs_key = operation["security"].as_array().is_some_and(|schemes| !schemes.is_empty());
    let body = operation["requestBody"]["content"].as_object().and_then(|content| content.iter().next());
    let _ = write!(
        out,
        "<details class=try><summary>Try it</summary><form autocomplete=off data-method={} data-path=\"{}\"{}{}>",
        escape(&verb.to_uppercase()),
        escape(path),
        if needs_key { " data-key" } else { "" },
        body.map(|(kind, _)| format!(" data-type=\"{}\"", escape(kind))).unwrap_or_default(),
    );
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        field(out, parameter);
    }
    let kinds = answers(operation);
    if kinds.len() > 1 {
        out.push_str("<label><span>Accept <small>header</small></span><select name=Accept data-in=header>");
        for kind in kinds {
            let _ = write!(out, "<option>{}</option>", escape(kind));
        }
        out.push_str("</select></label>");
    }
    if let Some((kind, content)) = body {
        examples(out, content);
        let first = all_examples(content).next().map(|(_, example)| pretty(example)).unwrap_or_default();
        let _ = write!(
            out,
            "<label><span>Body <small>{}</small></span><textarea data-in=body spellcheck=false>\n{}</textarea></label>",
            escape(kind),
            escape(&first)
        );
    }
    let _ = write!(
        out,
        "<div class=buttons><button class=send data-show=send>Send</button>\
         <button type=button data-show=stop hidden>Stop</button></div>\
         <div data-show=answer hidden><p class=status role=status data-show=status></p>\
         <details><summary>Headers</summary><pre tabindex=0 data-show=headers></pre></details>\
         <pre tabindex=0 aria-label=\"Response body\" data-show=body></pre></div>\
         <details><summary>The same with curl</summary>\
         <pre tabindex=0 aria-label=\"{id} with curl\" data-show=curl></pre></details></form></details>"
    );
}

fn field(out: &mut String, parameter: &Value) {
    let said = |name: &str| escape(parameter[name].as_str().unwrap_or_default());
    let (name, place) = (said("name"), said("in"));
    let required = parameter["required"] == true;
    let note = if required { place.clone() } else { format!("{place}, optional") };
    let _ = write!(out, "<label><span>{name} <small>{note}</small></span>");
    let choices = parameter["schema"]["enum"].as_array();
    if let Some(choices) = choices {
        let _ = write!(out, "<select name=\"{name}\" data-in=\"{place}\"><option></option>");
        for choice in choices.iter().filter_map(Value::as_str) {
            let _ = write!(out, "<option>{}</option>", escape(choice));
        }
        out.push_str("</select></label>");
        return;
    }
    let required = if required { " required" } else { "" };
    let _ = write!(out, "<input name=\"{name}\" data-in=\"{place}\" spellcheck=false{required}></label>");
}

/// The media types of a successful answer.
fn answers(operation: &Value) -> Vec<&str> {
    let responses = operation["responses"].as_object().into_iter().flatten();
    let successful = responses.filter(|(status, _)| status.starts_with('2'));
    let contents = successful.filter_map(|(_, response)| response["content"].as_object());
    contents.flatten().fold(Vec::new(), |mut kinds, (kind, _)| {
        if !kinds.contains(&kind.as_str()) {
            kinds.push(kind);
        }
        kinds
    })
}

fn all_examples(content: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let many = content["examples"].as_object().into_iter().flatten();
    let many = many.map(|(name, example)| (name.as_str(), &example["value"]));
    many.chain(content.get("example").map(|example| ("example", example)))
}

/// A choice among several examples.
fn examples(out: &mut String, content: &Value) {
    if all_examples(content).count() < 2 {
        return;
    }
    out.push_str("<label><span>Example</span><select data-examples>");
    for (name, example) in all_examples(content) {
        let _ = write!(out, "<option value=\"{}\">{}</option>", escape(&pretty(example)), escape(name));
    }
    out.push_str("</select></label>");
}
