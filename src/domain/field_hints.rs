//! How a backend wants the arguments of an action shown: which, in which order, under which label, in which format.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    templates::Template,
    text::{Text, TextFault},
};

/// The most fields that an action may describe.
pub const MOST_FIELDS: usize = 50;

/// A field's label.
pub type Label = Text<60>;

/// How a value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Text for people, with its line breaks.
    Text,
    /// Text in which every space counts.
    Code,
    /// Markdown source.
    Markdown,
    /// An address.
    Url,
    /// An amount of money, with its currency if the arguments name one.
    Money,
    /// Several values, one a line.
    List,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 6] = [Self::Text, Self::Code, Self::Markdown, Self::Url, Self::Money, Self::List];

    /// The format's name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Code => "code",
            Self::Markdown => "markdown",
            Self::Url => "url",
            Self::Money => "money",
            Self::List => "list",
        }
    }

    /// The format with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }
}

/// A JSON pointer (RFC 6901) to an argument or a part of one, at most 200 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct ArgumentPointer(String);

impl ArgumentPointer {
    /// Checks a pointer.
    pub fn new(text: impl Into<String>) -> Result<Self, TextFault> {
        let text = text.into();
        let found = text.chars().count();
        if found > 200 {
            return Err(TextFault::TooLong { max: 200, found });
        }
        if text.contains('\0') {
            return Err(TextFault::Nul);
        }
        let escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if text.starts_with('/') && escaped { Ok(Self(text)) } else { Err(TextFault::NotAPointer) }
    }

    /// The pointer to a top-level argument.
    pub fn to_argument(name: &str) -> Result<Self, TextFault> {
        Self::new(format!("/{}", name.replace('~', "~0").replace('/', "~1")))
    }

    /// The pointer.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names and indices on the way to the value.
    pub fn steps(&self) -> impl Iterator<Item = String> {
        self.0.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"))
    }

    /// Whether one of the two points to the other's value or a part of it.
    fn overlaps(&self, other: &Self) -> bool {
        let within = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        within(&self.0, &other.0) || within(&other.0, &self.0)
    }
}

/// How one argument, or a part of one, is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldHint {
    /// Where the value is in the arguments.
    pub pointer: ArgumentPointer,
    /// Its label. `None`: made from its key.
    pub label: Option<Label>,
    /// Its format. `None`: guessed from the value.
    pub format: Option<Format>,
}

/// Why a list of fields was refused: the index of the field, and the message for an error's `detail`.
pub type FieldFault = (usize, String);

/// Checks that no two fields show the same value or have labels that read the same.
#[must_use]
pub fn faults(fields: &[FieldHint]) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    for (at, field) in fields.iter().enumerate() {
        for (earlier, other) in fields[..at].iter().enumerate() {
            if field.pointer.overlaps(&other.pointer) {
                faults.push((at, format!("overlaps field {earlier}: each value is shown only once")));
            }
            let label =
                |field: &FieldHint| field.label.as_ref().map(|label| label.as_str().trim().to_lowercase());
            if label(field).is_some_and(|own| label(other) == Some(own)) {
                faults.push((at, format!("has the label of field {earlier}")));
            }
        }
    }
    faults
}

/// How the arguments of an action are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Presentation {
    /// The title of a request. `None`: the names of integration and action.
    pub title: Option<Template>,
    /// The fields, in the order in which they are shown. Other arguments follow them.
    pub fields: Vec<FieldHint>,
}

impl Presentation {
    /// The fields as the database stores them; `None` if there are none.
    #[must_use]
    pub fn fields_to_store(&self) -> Option<String> {
        if self.fields.is_empty() {
            return None;
        }
        serde_json::to_string(&self.fields).ok()
    }

    /// The title as the database stores it.
    #[must_use]
    pub fn title_from_stored(text: Option<String>) -> Option<Option<Template>> {
        text.map(Template::new).transpose().ok()
    }

    /// The fields as the database stores them. `None`: they can't be read.
    #[must_use]
    pub fn fields_from_stored(json: Option<&str>) -> Option<Vec<FieldHint>> {
        let Some(json) = json else { return Some(Vec::new()) };
        let stored: Vec<Map<String, Value>> = serde_json::from_str(json).ok()?;
        stored.iter().map(field).collect()
    }
}

fn field(stored: &Map<String, Value>) -> Option<FieldHint> {
    if stored.keys().any(|name| !matches!(name.as_str(), "pointer" | "label" | "format")) {
        return None;
    }
    let text = |name: &str| match stored.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(value) => value.as_str().map(Some),
    };
    Some(FieldHint {
        pointer: ArgumentPointer::new(text("pointer")??).ok()?,
        label: text("label")?.map(|label| Label::from_stored(label.to_owned())),
        format: match text("format")? {
            None => None,
            Some(name) => Some(Format::from_name(name)?),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(pointer: &str, label: Option<&str>) -> FieldHint {
        FieldHint {
            pointer: ArgumentPointer::new(pointer).unwrap(),
            label: label.map(|label| Label::new(label).unwrap()),
            format: Some(Format::Money),
        }
    }

    #[test]
    fn a_pointer_is_checked() {
        for text in ["/to", "/a~0b/c~1d/0", "/", "/with space"] {
            assert!(ArgumentPointer::new(text).is_ok(), "{text}");
        }
        for text in ["", "to", "#/to", "/a~2", "/a~", "/\0"] {
            assert!(ArgumentPointer::new(text).is_err(), "{text}");
        }
        let pointer = ArgumentPointer::to_argument("a/b~c").unwrap();
        assert_eq!(pointer.as_str(), "/a~1b~0c");
        assert_eq!(pointer.steps().collect::<Vec<_>>(), ["a/b~c"]);
    }

    #[test]
    fn a_value_or_a_label_that_comes_twice_is_refused() {
        let fields = [
            hint("/to", Some("To")),
            hint("/too", Some("Too")),
            hint("/to/name", None),
            hint("/other", Some("TO ")),
        ];
        let found: Vec<usize> = faults(&fields).into_iter().map(|(at, _)| at).collect();
        assert_eq!(found, [2, 3]);
    }

    #[test]
    fn stored_fields_are_read_back_and_unknown_ones_are_not() {
        let shown = Presentation { title: None, fields: vec![hint("/to", Some("To")), hint("/a", None)] };
        let stored = shown.fields_to_store().unwrap();
        assert_eq!(Presentation::fields_from_stored(Some(&stored)), Some(shown.fields));
        assert_eq!(Presentation::fields_from_stored(None), Some(Vec::new()));
        for json in ["{}", "[1]", r#"[{"label":"x"}]"#, r#"[{"pointer":"/a","format":"hologram"}]"#] {
            assert_eq!(Presentation::fields_from_stored(Some(json)), None, "{json}");
        }
    }
}
