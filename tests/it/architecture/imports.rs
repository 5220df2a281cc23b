//! Which files of `src` refer to which, as the compiler would resolve it: by `use`, by a path, through a module that was
//! imported, with `super::`, and within macros.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::visit::{self, Visit};

/// A module, as a path from the crate's root: `["slack", "view", "prompt"]`.
pub type Module = Vec<String>;

/// Every `.rs` file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The folder of the service's source.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The module that a file holds. `None` for a file of unit tests, which may know everything.
fn module(path: &Path) -> Option<Module> {
    let relative = path.strip_prefix(root()).unwrap().with_extension("");
    let mut names: Module = relative.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
    if names.iter().any(|name| name == "tests") {
        return None;
    }
    if names.last().is_some_and(|last| last == "mod") {
        names.pop();
    }
    if names == ["lib"] {
        names.clear();
    }
    (names != ["main"]).then_some(names)
}

/// What each file of `src` refers to: other files, as modules.
pub fn graph() -> BTreeMap<Module, BTreeSet<Module>> {
    let sources: BTreeMap<Module, String> = files(&root())
        .iter()
        .filter_map(|path| Some((module(path)?, fs::read_to_string(path).unwrap())))
        .collect();
    let modules: BTreeSet<Module> = sources.keys().cloned().collect();
    sources
        .iter()
        .map(|(own, source)| {
            let mut found = references(own, source, &modules);
            found.remove(own);
            // The root declares the rooms, and knows none.
            found.remove(&Module::new());
            (own.clone(), found)
        })
        .collect()
}

/// The modules that a source refers to.
pub fn references(own: &Module, source: &str, modules: &BTreeSet<Module>) -> BTreeSet<Module> {
    let file = syn::parse_file(source).unwrap();
    let mut reader =
        Reader { own, scope: own.clone(), modules, aliases: BTreeMap::new(), found: BTreeSet::new() };
    // Imports first: a path may go through what is imported below it.
    for item in &file.items {
        if let syn::Item::Use(item) = item {
            reader.import(&item.tree, &mut Vec::new());
        }
    }
    reader.visit_file(&file);
    reader.found
}

struct Reader<'a> {
    /// The file's module.
    own: &'a Module,
    /// The inline module that is being read.
    scope: Module,
    modules: &'a BTreeSet<Module>,
    /// What an imported name stands for.
    aliases: BTreeMap<String, Module>,
    found: BTreeSet<Module>,
}

impl Reader<'_> {
    /// The path from the crate's root that a written path means, if it is one of ours.
    fn resolve(&self, written: &[String]) -> Option<Module> {
        let first = written.first()?;
        if first == "crate" {
            return Some(written[1..].to_vec());
        }
        if first == "self" || first == "super" {
            let ups = written.iter().take_while(|name| *name == "super").count();
            let from = self.scope.get(..self.scope.len().checked_sub(ups)?)?;
            let rest = &written[ups.max(1)..];
            return Some([from, rest].concat());
        }
        if let Some(target) = self.aliases.get(first) {
            return Some([target, &written[1..]].concat());
        }
        let child = [self.own.as_slice(), &written[..1]].concat();
        self.modules.contains(&child).then(|| [self.own.as_slice(), written].concat())
    }

    /// Notes the file in which the item at this path lies.
    fn note(&mut self, written: &[String]) {
        let Some(mut path) = self.resolve(written) else { return };
        while !self.modules.contains(&path) {
            if path.pop().is_none() {
                return;
            }
        }
        self.found.insert(path);
    }

    fn import(&mut self, tree: &syn::UseTree, before: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(&path.tree, before);
                before.pop();
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before);
                }
            }
            syn::UseTree::Glob(_) => self.note(before),
            syn::UseTree::Name(name) => self.import_name(before, &name.ident.to_string(), None),
            syn::UseTree::Rename(rename) => {
                self.import_name(before, &rename.ident.to_string(), Some(rename.rename.to_string()));
            }
        }
    }

    fn import_name(&mut self, before: &[String], name: &str, rename: Option<String>) {
        let mut path = before.to_vec();
        if name != "self" {
            path.push(name.to_owned());
        }
        self.note(&path);
        if let (Some(target), Some(last)) = (self.resolve(&path), path.last()) {
            self.aliases.insert(rename.unwrap_or_else(|| last.clone()), target);
        }
    }

    /// A macro's content is no syntax tree: the paths in it are read from its text.
    fn read_tokens(&mut self, tokens: &str) {
        let text = tokens.replace(" :: ", "::");
        for word in text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == ':')) {
            if word.contains("::") {
                let path: Vec<String> =
                    word.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
                self.note(&path);
            }
        }
    }
}

/// Whether it is compiled for tests only.
fn for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|argument| argument == "test")
    })
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if for_tests(&item.attrs) {
            return;
        }
        self.scope.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.scope.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(&item.tree, &mut Vec::new());
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let written: Vec<String> =
                path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.note(&written);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.read_tokens(&item.tokens.to_string());
        visit::visit_macro(self, item);
    }
}
