//! The parts of the page that change while it is open. Each has an id, a hash of its contents, and its HTML.
//!
//! The page and its updates use the same parts, so both always look alike. An update contains only the parts that
//! differ from those sent before. With the hash, the browser ignores parts that it shows already.

use std::hash::{DefaultHasher, Hash, Hasher};

use maud::{Markup, Render, html};

/// One element of the page that is replaced as a whole.
#[derive(Debug, Clone)]
pub(in crate::page) struct Part {
    /// The element's id.
    pub(in crate::page) id: String,
    /// Its classes.
    pub(in crate::page) class: &'static str,
    /// Its ARIA role, `None` for none.
    pub(in crate::page) role: Option<&'static str>,
    /// Differs when what is shown differs.
    pub(in crate::page) hash: u64,
    /// What stands in it.
    pub(in crate::page) inside: Markup,
}

/// An element of the page that gains and loses children.
#[derive(Debug, Clone)]
pub(in crate::page) struct List {
    /// The element's id.
    pub(in crate::page) id: String,
    /// Its classes.
    pub(in crate::page) class: &'static str,
    /// Its ARIA role, `None` for none.
    pub(in crate::page) role: Option<&'static str>,
    /// New children come first.
    pub(in crate::page) newest_first: bool,
    /// Its children.
    pub(in crate::page) items: Vec<Part>,
}

/// A hash of a value, which stays the same while this process runs.
pub(in crate::page) fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

impl Part {
    /// A part that differs when its HTML does.
    pub(in crate::page) fn new(id: String, class: &'static str, inside: Markup) -> Self {
        Self { id, class, role: None, hash: hash(&inside.0), inside }
    }

    fn render(&self, oob: Option<&str>) -> Markup {
        html! {
            div id=(self.id) class=(self.class) role=[self.role] data-hash=(self.hash) hx-swap-oob=[oob] {
                (self.inside)
            }
        }
    }
}

impl Render for Part {
    fn render(&self) -> Markup {
        self.render(None)
    }
}

impl List {
    fn render(&self, oob: Option<&str>) -> Markup {
        let hashes: Vec<_> = self.items.iter().map(|item| (&item.id, item.hash)).collect();
        html! {
            div id=(self.id) class=(self.class) role=[self.role] data-hash=(hash(&hashes)) hx-swap-oob=[oob] {
                @for item in &self.items { (item) }
            }
        }
    }
}

impl Render for List {
    fn render(&self) -> Markup {
        self.render(None)
    }
}

/// Everything that changes on one page.
#[derive(Debug, Clone, Default)]
pub(in crate::page) struct Parts {
    /// The parts that stand alone.
    pub(in crate::page) parts: Vec<Part>,
    /// The lists.
    pub(in crate::page) lists: Vec<List>,
}

impl Parts {
    /// The HTML to send to a page that shows `before` (`None` sends everything). Empty if nothing changed.
    pub(in crate::page) fn since(&self, before: Option<&Self>) -> String {
        let mut out = String::new();
        for list in &self.lists {
            let known = before.and_then(|before| before.lists.iter().find(|known| known.id == list.id));
            out.push_str(&changes(list, known).0);
        }
        for part in &self.parts {
            let known = before.and_then(|before| before.parts.iter().find(|known| known.id == part.id));
            if known.is_none_or(|known| known.hash != part.hash) {
                out.push_str(&part.render(Some("true")).0);
            }
        }
        out
    }
}

/// The changes of a list: children appended, changed and removed. The complete list if the changes can't be expressed
/// like this.
fn changes(list: &List, known: Option<&List>) -> Markup {
    let whole = || list.render(Some("true"));
    let Some(known) = known else { return whole() };
    let has = |items: &[Part], id: &str| items.iter().any(|item| item.id == id);
    let (gone, kept): (Vec<&Part>, Vec<&Part>) =
        known.items.iter().partition(|item| !has(&list.items, &item.id));
    let added = list.items.len().saturating_sub(kept.len());
    let (fresh, stays) = if list.newest_first {
        list.items.split_at(added)
    } else {
        let (stays, fresh) = list.items.split_at(list.items.len() - added);
        (fresh, stays)
    };
    if !stays.iter().map(|item| &item.id).eq(kept.iter().map(|item| &item.id)) {
        return whole();
    }
    let place = if list.newest_first { "afterbegin" } else { "beforeend" };
    html! {
        @for item in gone { div id=(item.id) hx-swap-oob="delete" {} }
        @for (item, known) in stays.iter().zip(kept) {
            @if item.hash != known.hash { (item.render(Some("true"))) }
        }
        @if !fresh.is_empty() {
            div hx-swap-oob={ (place) ":#" (list.id) } { @for item in fresh { (item) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use maud::html;

    use super::{List, Part, Parts};

    fn page(items: &[(&str, &str)], newest_first: bool) -> Parts {
        let items =
            items.iter().map(|(id, words)| Part::new((*id).to_owned(), "", html! { (words) })).collect();
        let list = List { id: "l".into(), class: "", role: None, newest_first, items };
        Parts { parts: vec![Part::new("p".into(), "", html! { "same" })], lists: vec![list] }
    }

    #[test]
    fn a_page_of_which_nothing_is_known_gets_everything() {
        let sent = page(&[("a", "1")], false).since(None);
        assert!(sent.contains("id=\"l\"") && sent.contains("id=\"p\"") && sent.contains(">1<"), "{sent}");
    }

    #[test]
    fn nothing_is_sent_when_nothing_changed() {
        let before = page(&[("a", "1")], false);
        assert_eq!(before.clone().since(Some(&before)), "");
    }

    #[test]
    fn additions_changes_and_removals_are_sent_alone() {
        let before = page(&[("a", "1"), ("b", "2"), ("c", "3")], false);
        let sent = page(&[("a", "1"), ("c", "4"), ("d", "5")], false).since(Some(&before));
        assert!(!sent.contains("id=\"a\""), "{sent}");
        assert!(sent.contains("<div id=\"b\" hx-swap-oob=\"delete\">"), "{sent}");
        assert!(sent.contains("hx-swap-oob=\"true\">4<"), "{sent}");
        assert!(sent.contains("hx-swap-oob=\"beforeend:#l\"><div id=\"d\""), "{sent}");
    }

    #[test]
    fn a_list_that_grows_at_its_head_gets_its_additions_there() {
        let before = page(&[("b", "2")], true);
        let sent = page(&[("a", "1"), ("b", "2")], true).since(Some(&before));
        assert!(sent.contains("hx-swap-oob=\"afterbegin:#l\"><div id=\"a\""), "{sent}");
        assert!(!sent.contains("id=\"b\""), "{sent}");
    }

    #[test]
    fn a_list_in_another_order_is_sent_whole() {
        let before = page(&[("a", "1"), ("b", "2")], false);
        let sent = page(&[("b", "2"), ("a", "1")], false).since(Some(&before));
        assert!(sent.contains("<div id=\"l\""), "{sent}");
    }
}
