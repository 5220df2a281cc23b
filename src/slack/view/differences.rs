//! What tells requests apart whose lines in a list read the same.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use slack_morphism::prelude::SlackRichTextElement;

use super::arguments::framed;
use super::fields::{Content, Field, FieldValue, fields};
use crate::{
    domain::approvals::Request,
    slack::view::{
        blocks::{bold, paragraph},
        sanitize::{cut_short, fit, safe_text::SafeText, size, split},
    },
};

/// Longest name and value, and most lines of a value.
const NAME: usize = 60;
const VALUE: usize = 120;
const LINES: usize = 3;
/// How much of a value is shown before the place where it differs.
const BEFORE: usize = 20;
/// Most fields of a request that are compared, and that are shown.
const COMPARED: usize = 500;
const SHOWN: usize = 3;

/// A field with a value of its own.
struct Valued {
    name: SafeText,
    value: FieldValue,
    is_described: bool,
}

impl Valued {
    fn reads(&self) -> (&str, &str) {
        (self.name.as_str(), self.value.text.as_str())
    }
}

/// For each request, the fields that tell it apart from those whose lines read the same: the first in which it differs
/// from all of them, or the first ones that together do. Empty for a line that no other reads like, and for requests with
/// the same arguments. Values begin shortly before the place where they differ.
pub(super) fn differences<K: Eq + Hash>(lines: &[(&Request, K)]) -> Vec<Vec<Field>> {
    let mut alike: HashMap<&K, Vec<usize>> = HashMap::new();
    for (at, (_, line)) in lines.iter().enumerate() {
        alike.entry(line).or_default().push(at);
    }
    let mut found = vec![Vec::new(); lines.len()];
    for places in alike.into_values().filter(|places| places.len() > 1) {
        let group: Vec<Vec<Valued>> = places.iter().map(|at| valued(lines[*at].0)).collect();
        for (at, told) in places.into_iter().zip(apart(&group)) {
            found[at] = told;
        }
    }
    found
}

/// The line of each request, and below it what tells it apart from those that read the same: every value in an element of
/// its own.
pub(super) fn lines<'a>(
    requests: impl Iterator<Item = &'a Request>,
    line: impl Fn(&Request) -> Vec<SlackRichTextElement>,
) -> Vec<Vec<SlackRichTextElement>> {
    let told_below = |(line, told): (Vec<SlackRichTextElement>, Vec<Field>)| {
        line.into_iter().chain(told.into_iter().flat_map(elements)).collect()
    };
    let (lines, told) = told_apart(requests, line);
    lines.into_iter().zip(told).map(told_below).collect()
}

/// The line of each request, and the fields that tell it apart from those that read the same.
pub(super) fn told_apart<'a>(
    requests: impl Iterator<Item = &'a Request>,
    line: impl Fn(&Request) -> Vec<SlackRichTextElement>,
) -> (Vec<Vec<SlackRichTextElement>>, Vec<Vec<Field>>) {
    let requests: Vec<&Request> = requests.collect();
    let lines: Vec<_> = requests.iter().map(|request| line(request)).collect();
    let reads = |line: &Vec<SlackRichTextElement>| serde_json::to_string(line).unwrap_or_default();
    let told: Vec<_> = requests.into_iter().zip(lines.iter().map(reads)).collect();
    let told = differences(&told);
    (lines, told)
}

fn elements(field: Field) -> Vec<SlackRichTextElement> {
    let Content::Value(FieldValue { text, frame }) = field.content else { return Vec::new() };
    vec![paragraph(vec![bold(cut_short(field.name, NAME))]), framed(text, frame)]
}

fn valued(request: &Request) -> Vec<Valued> {
    let fields = fields(&request.arguments, &request.action.presentation).into_iter().take(COMPARED);
    let valued = fields.filter_map(|Field { name, content, is_described, .. }| match content {
        Content::Value(value) => Some(Valued { name, value, is_described }),
        Content::Alias(_) => None,
    });
    valued.collect()
}

fn apart(group: &[Vec<Valued>]) -> Vec<Vec<Field>> {
    let read: Vec<HashSet<_>> = group.iter().map(|own| own.iter().map(Valued::reads).collect()).collect();
    let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
    for reads in read.iter().flatten() {
        *counts.entry(*reads).or_default() += 1;
    }
    let have = |field: &Valued| counts.get(&field.reads()).copied().unwrap_or_default();
    let told = |own: usize| {
        let fields = &group[own];
        let chosen = match fields.iter().find(|field| have(field) == 1) {
            Some(field) => vec![field],
            None => together(fields, own, &read, |field| have(field) < group.len()),
        };
        let windowed = |field: &Valued| Field {
            name: field.name.clone(),
            path: None,
            content: Content::Value(window(field, group)),
            is_described: field.is_described,
        };
        chosen.into_iter().map(windowed).collect()
    };
    (0..group.len()).map(told).collect()
}

/// The first fields that together differ from all others, as far as that is possible.
fn together<'a>(
    fields: &'a [Valued],
    own: usize,
    read: &[HashSet<(&str, &str)>],
    differs: impl Fn(&Valued) -> bool,
) -> Vec<&'a Valued> {
    let mut others: Vec<usize> = (0..read.len()).filter(|other| *other != own).collect();
    let mut chosen = Vec::new();
    for field in fields.iter().filter(|field| differs(field)) {
        let before = others.len();
        others.retain(|other| read[*other].contains(&field.reads()));
        if others.len() < before {
            chosen.push(field);
        }
        if others.is_empty() || chosen.len() == SHOWN {
            break;
        }
    }
    chosen
}

/// The part of a value that differs: its beginning, unless the others with the same name have that too.
fn window(field: &Valued, group: &[Vec<Valued>]) -> FieldValue {
    let text = &field.value.text;
    let others = group.iter().flatten().filter(|other| other.name == field.name && other.value.text != *text);
    let common =
        others.map(|other| common(text.as_str(), other.value.text.as_str())).max().unwrap_or_default();
    let (beginning, missing) = fit(text, LINES, VALUE);
    let (shown, missing) = if missing == 0 || beginning.as_str().len() > common {
        (beginning, missing)
    } else {
        let same = &text.as_str()[..common];
        let line = same.rfind('\n').map_or(0, |at| at + 1);
        let from = split(text.as_str(), size(same).saturating_sub(BEFORE)).max(line);
        let (part, missing) = fit(&text.part(from..text.as_str().len()), LINES, VALUE);
        (SafeText::from("…").then(part), missing)
    };
    let shown = if missing > 0 { shown.then("…") } else { shown };
    FieldValue { text: shown, frame: field.value.frame }
}

/// The length of what both begin with, in bytes.
fn common(one: &str, other: &str) -> usize {
    let differ = one.char_indices().zip(other.chars()).find(|((_, one), other)| one != other);
    differ.map_or_else(|| one.len().min(other.len()), |((at, _), _)| at)
}
