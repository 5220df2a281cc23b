//! A policy's YAML as a tree whose parts know their lines.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::Spanned;

use super::fault::PolicyFault;

/// The most bytes of a policy.
pub const MOST_BYTES: usize = 256 * 1024;

/// A value, and the line on which it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) line: u64,
    pub(super) value: Yaml,
}

/// A YAML value.
#[derive(Debug, Clone)]
pub(super) enum Yaml {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Yaml {
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Int(_) | Self::Double(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a group of fields",
        }
    }
}

/// Reads YAML.
pub(super) fn read(text: &str) -> Result<Node, PolicyFault> {
    if text.len() > MOST_BYTES {
        let message = format!("the file has {} bytes; a policy has at most {MOST_BYTES}", text.len());
        return Err(PolicyFault::new(1, "", message));
    }
    let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
    let read: Result<Spanned<Yaml>, _> = serde_saphyr::from_str_with_options(text, options);
    read.map(node).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        let message = error.to_string();
        // Its place comes first here, and the rest of some messages is for programmers.
        let message = message.split(" at line ").next().unwrap_or_default();
        let message = message.split(", set DuplicateKeyPolicy").next().unwrap_or_default();
        PolicyFault::new(line, "", format!("this is not YAML: {message}"))
    })
}

fn node(spanned: Spanned<Yaml>) -> Node {
    Node { line: spanned.referenced.line(), value: spanned.value }
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlVisitor)
    }
}

struct YamlVisitor;

impl<'de> Visitor<'de> for YamlVisitor {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_none<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Yaml, D::Error> {
        Yaml::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Yaml, E> {
        Ok(Yaml::Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Yaml, E> {
        i64::try_from(value).map(Yaml::Int).map_err(|_| E::custom("this number is too large"))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Yaml, E> {
        Ok(Yaml::Double(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Yaml, E> {
        Ok(Yaml::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Yaml, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element::<Spanned<Yaml>>()? {
            elements.push(node(element));
        }
        Ok(Yaml::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Yaml, A::Error> {
        let mut members: Vec<(Node, Node)> = Vec::new();
        while let Some((key, value)) = access.next_entry::<Spanned<Yaml>, Spanned<Yaml>>()? {
            if !matches!(key.value, Yaml::Text(_)) {
                return Err(A::Error::custom("the name of a field must be a text"));
            }
            members.push((node(key), node(value)));
        }
        Ok(Yaml::Map(members))
    }
}
