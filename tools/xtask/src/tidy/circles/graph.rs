//! The modules of a crate, and which of them use which.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Item, Path, items};

/// A module by its path from the crate's root, which is the empty one.
type ModulePath = Vec<String>;

struct Module {
    file: String,
    items: Vec<Item>,
}

/// Which file uses which others. A file that uses itself through its parent is in a circle too.
pub(super) type Uses = BTreeMap<String, BTreeSet<String>>;

/// Reads the crate whose root is this file.
pub(super) fn uses(root: &str, texts: &BTreeMap<&str, &str>) -> Uses {
    let mut modules = BTreeMap::new();
    add(&mut modules, Vec::new(), root, texts);
    let graph = Crate { modules };
    let all = graph.modules.iter();
    all.map(|(path, module)| (module.file.clone(), graph.uses_of(path))).collect()
}

/// Adds a module and those that it declares.
fn add(
    modules: &mut BTreeMap<ModulePath, Module>,
    path: ModulePath,
    file: &str,
    texts: &BTreeMap<&str, &str>,
) {
    let Some(text) = texts.get(file) else { return };
    let items = items(text);
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let is_root =
        ["lib.rs", "main.rs", "mod.rs"].iter().any(|it| file.ends_with(&format!("/{it}")));
    let folder = if is_root { folder } else { file.trim_end_matches(".rs") };
    for child in items.iter().filter(|item| item.is_module) {
        let mut path = path.clone();
        path.push(child.name.clone());
        for file in
            [format!("{folder}/{}.rs", child.name), format!("{folder}/{}/mod.rs", child.name)]
        {
            add(modules, path.clone(), &file, texts);
        }
    }
    modules.insert(path, Module { file: file.to_owned(), items });
}

struct Crate {
    modules: BTreeMap<ModulePath, Module>,
}

/// An item of a module, or the module itself.
type Target = (ModulePath, Option<String>);

impl Crate {
    fn uses_of(&self, from: &ModulePath) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let own = self.modules[from].items.iter().flat_map(|item| self.targets(from, item));
        let mut open: Vec<(Target, bool)> = own.map(|target| (target, false)).collect();
        while let Some((target, is_behind)) = open.pop() {
            let (module, name) = &target;
            let is_ancestor = module.len() < from.len() && from.starts_with(module);
            if !is_ancestor && (module != from || is_behind) {
                found.insert(module.clone());
            } else if is_ancestor
                && let Some(name) = name
                && seen.insert(target.clone())
            {
                open.extend(self.behind(module, name).into_iter().map(|target| (target, true)));
            }
        }
        found.iter().map(|module| self.modules[module].file.clone()).collect()
    }

    /// What an item of a module uses: a parent is seen through.
    fn behind(&self, module: &ModulePath, name: &str) -> Vec<Target> {
        let items = &self.modules[module].items;
        let named = items.iter().filter(|item| name == "*" || item.name == name);
        let mut found: Vec<Target> = named.flat_map(|item| self.targets(module, item)).collect();
        let imports = items.iter().flat_map(|item| &item.imports);
        let imported = imports.filter(|(_, it)| it == name);
        found.extend(imported.filter_map(|(path, _)| self.resolve(module, path)));
        found
    }

    /// Everything that an item names: by a path, by an import or in its own module.
    fn targets(&self, module: &ModulePath, item: &Item) -> Vec<Target> {
        let paths = item.paths.iter().chain(item.imports.iter().map(|(path, _)| path));
        let mut found: Vec<Target> = paths.filter_map(|path| self.resolve(module, path)).collect();
        let siblings = &self.modules[module].items;
        for word in &item.words {
            if siblings.iter().any(|it| !it.is_module && it.name == *word) {
                found.push((module.clone(), Some(word.clone())));
            }
            let imports = siblings.iter().flat_map(|it| &it.imports);
            let imported = imports.filter(|(_, name)| name == word);
            found.extend(imported.filter_map(|(path, _)| self.resolve(module, path)));
        }
        found
    }

    fn resolve(&self, from: &ModulePath, path: &Path) -> Option<Target> {
        let first = path.first()?;
        let is_child = self.modules.contains_key(&child(from, first));
        let mut module = match first.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => from.clone(),
            _ if is_child => from.clone(),
            _ => return None,
        };
        for segment in path.iter().filter(|it| !["crate", "self"].contains(&it.as_str())) {
            if segment == "super" {
                module.pop()?;
                continue;
            }
            let inner = child(&module, segment);
            if !self.modules.contains_key(&inner) {
                return Some((module, Some(segment.clone())));
            }
            module = inner;
        }
        Some((module, None))
    }
}

fn child(module: &ModulePath, name: &str) -> ModulePath {
    module.iter().map(String::as_str).chain([name]).map(str::to_owned).collect()
}
