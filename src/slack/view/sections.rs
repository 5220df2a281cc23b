//! Titles and page buttons of the Home tab's sections.

use slack_morphism::prelude::SlackBlock;

use crate::{
    domain::overview::{Page, Section},
    slack::view::{
        blocks::{self, Style},
        controls::Control,
        names,
        sanitize::safe_text::SafeText,
    },
};

pub(super) fn title<T>(title: &'static str, page: &Page<T>) -> SlackBlock {
    blocks::rich(vec![blocks::paragraph(vec![blocks::bold(names::titled(
        title,
        page.total,
        page.number,
        page.count,
    ))])])
}

/// The page buttons of a section; none if it has only one page.
pub(super) fn pager<T>(section: Section, title: &'static str, page: &Page<T>) -> Option<SlackBlock> {
    let mut row = Vec::new();
    let label = |turn: &'static str, to: usize| {
        SafeText::from(turn).then(title).then(SafeText::own(format!(", {} of {}", to + 1, page.count)))
    };
    if page.number > 0 {
        let to = page.number - 1;
        let control = Control::SectionPrevious { section, page: to };
        row.push(blocks::button(control, "Previous page", label("Previous page of ", to), Style::Plain));
    }
    if page.number + 1 < page.count {
        let to = page.number + 1;
        let control = Control::SectionNext { section, page: to };
        row.push(blocks::button(control, "Next page", label("Next page of ", to), Style::Plain));
    }
    (!row.is_empty()).then(|| blocks::actions(row))
}
