//! Which file of a crate imports which, read from its source: for the test that keeps arrows one way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{File, Item, UseTree, Visibility};

/// A module's path from the crate's root. The root's own is empty.
type ModulePath = Vec<String>;

/// The files of a crate, and what each takes from the others.
pub struct Rooms {
    modules: BTreeMap<ModulePath, Module>,
}

struct Module {
    /// The file's path below `src`.
    file: String,
    syntax: File,
    /// Names that the module defines.
    defined: BTreeSet<String>,
    /// Names that the module re-exports, with where they come from.
    reexported: BTreeMap<String, Vec<String>>,
    /// Modules all of whose names it re-exports.
    globs: Vec<Vec<String>>,
}

/// One file takes something from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    /// The file that takes.
    pub from: String,
    /// The file that gives.
    pub to: String,
}

impl Rooms {
    /// Reads the crate whose sources are in `src`.
    ///
    /// # Panics
    /// If a file cannot be read or is no Rust.
    pub fn read(src: &Path) -> Rooms {
        let mut modules = BTreeMap::new();
        read_folder(src, src, &mut modules);
        Rooms { modules }
    }

    /// Every import between two files, each once.
    pub fn imports(&self) -> BTreeSet<Import> {
        let mut imports = BTreeSet::new();
        for (path, module) in &self.modules {
            let mut used = Used::default();
            used.visit_file(&module.syntax);
            for target in used.paths {
                let Some(found) = self.resolve(path, &target, 0) else { continue };
                let to = &self.modules[&found].file;
                if *to != module.file {
                    imports.insert(Import { from: module.file.clone(), to: to.clone() });
                }
            }
        }
        imports
    }

    /// Files that import each other, directly or through others: a list for each circle.
    pub fn circles(&self) -> Vec<Vec<String>> {
        let imports = self.imports();
        let mut reached: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for Import { from, to } in &imports {
            reached.entry(from).or_default().insert(to);
        }
        loop {
            let mut grown = reached.clone();
            for targets in grown.values_mut() {
                let further: BTreeSet<&str> =
                    targets.iter().filter_map(|target| reached.get(target)).flatten().copied().collect();
                targets.extend(further);
            }
            if grown == reached {
                break;
            }
            reached = grown;
        }
        let mut circles = BTreeSet::new();
        for (file, targets) in &reached {
            if targets.contains(file) {
                let back = |other: &&&str| reached.get(**other).is_some_and(|of| of.contains(file));
                let circle: Vec<String> =
                    targets.iter().filter(back).map(|other| (*other).to_string()).collect();
                circles.insert(circle);
            }
        }
        circles.into_iter().collect()
    }

    /// The module that defines what `target` names, seen from the module `from`. `None`: another crate, or a local name.
    fn resolve(&self, from: &[String], target: &[String], depth: usize) -> Option<ModulePath> {
        // Re-exports that lead nowhere would lead there for ever.
        if depth > 8 {
            return None;
        }
        let (mut at, mut rest) = match target.first()?.as_str() {
            "crate" => (Vec::new(), &target[1..]),
            "self" => (from.to_vec(), &target[1..]),
            "super" => (from.split_last()?.1.to_vec(), &target[1..]),
            first => {
                let child = [from, &[first.to_string()]].concat();
                (self.modules.contains_key(&child).then_some(child)?, &target[1..])
            }
        };
        while rest.first().is_some_and(|segment| segment == "super") {
            at.pop();
            rest = &rest[1..];
        }
        while let Some(segment) = rest.first() {
            let child = [&at[..], std::slice::from_ref(segment)].concat();
            let module = self.modules.get(&at)?;
            if self.modules.contains_key(&child) {
                at = child;
            } else if let Some(source) = module.reexported.get(segment) {
                let further = [&source[..], &rest[1..]].concat();
                return self.resolve(&at, &further, depth + 1);
            } else if !module.defined.contains(segment) {
                let by_glob = module.globs.iter().filter_map(|glob| self.resolve(&at, glob, depth + 1));
                let defines = |path: &ModulePath| self.modules[path].defined.contains(segment);
                return Some(by_glob.into_iter().find(defines).unwrap_or(at));
            } else {
                return Some(at);
            }
            rest = &rest[1..];
        }
        Some(at)
    }
}

fn read_folder(src: &Path, folder: &Path, modules: &mut BTreeMap<ModulePath, Module>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.map(|entry| entry.unwrap_or_else(|error| panic!("{error}")).path()) {
        // Programs of a package are crates of their own.
        if path.is_dir() && path != src.join("bin") {
            read_folder(src, &path, modules);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let file = path.strip_prefix(src).unwrap_or(&path).to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
            let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
            let mut module_path: ModulePath =
                file.trim_end_matches(".rs").split('/').map(str::to_string).collect();
            if matches!(module_path.last().map(String::as_str), Some("mod" | "lib" | "main")) {
                module_path.pop();
            }
            modules.insert(module_path, Module::new(file, syntax));
        }
    }
}

impl Module {
    fn new(file: String, syntax: File) -> Module {
        let mut module = Module {
            file,
            defined: BTreeSet::new(),
            reexported: BTreeMap::new(),
            globs: Vec::new(),
            syntax: File { items: Vec::new(), ..syntax.clone() },
        };
        for item in syntax.items.into_iter().filter(|item| !is_for_tests(item)) {
            match &item {
                Item::Use(import) if !matches!(import.vis, Visibility::Inherited) => {
                    for (name, path) in leaves(&import.tree, &[]) {
                        match name.as_str() {
                            "*" => module.globs.push(path),
                            _ => _ = module.reexported.insert(name, path),
                        }
                    }
                }
                item => module.defined.extend(name_of(item)),
            }
            module.syntax.items.push(item);
        }
        module
    }
}

/// Whether an item is compiled for tests only.
fn is_for_tests(item: &Item) -> bool {
    let Item::Mod(module) = item else { return false };
    module.attrs.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}

fn name_of(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(item) => item.ident.to_string(),
        Item::Enum(item) => item.ident.to_string(),
        Item::Fn(item) => item.sig.ident.to_string(),
        Item::Macro(item) => item.ident.as_ref()?.to_string(),
        Item::Static(item) => item.ident.to_string(),
        Item::Struct(item) => item.ident.to_string(),
        Item::Trait(item) => item.ident.to_string(),
        Item::Type(item) => item.ident.to_string(),
        _ => return None,
    })
}

/// The names that a `use` brings in, each with its whole path. A glob's path is that of the module.
fn leaves(tree: &UseTree, before: &[String]) -> Vec<(String, Vec<String>)> {
    let with = |segment: String| [before, &[segment]].concat();
    match tree {
        UseTree::Path(path) => leaves(&path.tree, &with(path.ident.to_string())),
        UseTree::Name(name) if name.ident == "self" => {
            vec![(before.last().cloned().unwrap_or_default(), before.to_vec())]
        }
        UseTree::Name(name) => vec![(name.ident.to_string(), with(name.ident.to_string()))],
        UseTree::Rename(rename) => vec![(rename.rename.to_string(), with(rename.ident.to_string()))],
        UseTree::Glob(_) => vec![("*".to_string(), before.to_vec())],
        UseTree::Group(group) => group.items.iter().flat_map(|tree| leaves(tree, before)).collect(),
    }
}

/// Paths that a file names: in `use` items, and in its code.
#[derive(Default)]
struct Used {
    paths: Vec<Vec<String>>,
}

impl<'ast> Visit<'ast> for Used {
    fn visit_item_use(&mut self, import: &'ast syn::ItemUse) {
        self.paths.extend(leaves(&import.tree, &[]).into_iter().map(|(_, path)| path));
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}
