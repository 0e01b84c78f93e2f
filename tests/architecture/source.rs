//! One file of the source: what it uses, what it defines, and what it passes on of others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, iter};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ReturnType, Type, UseTree, Visibility};

/// The path of a module or of an item in it, from the crate's root.
pub type ModulePath = Vec<String>;

/// What a file says of others.
pub struct Source {
    /// From the folder of the manifest.
    pub path: PathBuf,
    /// The module that it is.
    pub module: ModulePath,
    /// Its length.
    pub lines: usize,
    /// What it uses of this crate, and where.
    pub uses: Vec<(usize, ModulePath)>,
    /// What it passes on under its own name (`pub use`).
    pub passed_on: BTreeMap<String, ModulePath>,
    /// Public functions whose error is a `String`.
    pub bare_errors: Vec<(usize, String)>,
}

/// Every file below a folder, without tests.
pub fn read_all(root: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    collect(root, &mut files);
    files.sort();
    files.iter().map(|file| read(root, file)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
        if is_test {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn read(root: &Path, path: &Path) -> Source {
    let text = fs::read_to_string(path).unwrap();
    let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let module = module_of(path.strip_prefix(root).unwrap());
    let children = file.items.iter().filter_map(child).collect();
    let mut reader = Reader { module: module.clone(), children, ..Reader::default() };
    for item in file.items.iter().filter(|item| !is_test(attributes(item))) {
        reader.visit_item(item);
    }
    Source {
        path: path.strip_prefix(root.parent().unwrap()).unwrap().to_owned(),
        module,
        lines: text.lines().count(),
        uses: reader.uses,
        passed_on: reader.passed_on,
        bare_errors: reader.bare_errors,
    }
}

/// `proxy/choose.rs` is `proxy::choose`; `lib.rs` is the root. A binary is a module `bin` of its own.
fn module_of(path: &Path) -> ModulePath {
    let without = path.with_extension("");
    let names: ModulePath = without.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
    if names == ["lib"] { Vec::new() } else { names }
}

fn child(item: &Item) -> Option<String> {
    match item {
        Item::Mod(module) if module.content.is_none() => Some(module.ident.to_string()),
        _ => None,
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Use(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        _ => &[],
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|name| name == "test")
    })
}

#[derive(Default)]
struct Reader {
    module: ModulePath,
    children: BTreeSet<String>,
    uses: Vec<(usize, ModulePath)>,
    passed_on: BTreeMap<String, ModulePath>,
    bare_errors: Vec<(usize, String)>,
}

impl Reader {
    /// A path as it is written, from the crate's root; none if it leads out of the crate or stays in the file.
    fn absolute(&self, path: &[String]) -> Option<ModulePath> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" | "polder" => Some(rest.to_vec()),
            "self" => Some(self.module.iter().chain(rest).cloned().collect()),
            "super" => {
                let up = path.iter().take_while(|name| *name == "super").count();
                let base = &self.module[..self.module.len().checked_sub(up)?];
                Some(base.iter().chain(&path[up..]).cloned().collect())
            }
            child if self.children.contains(child) => Some(self.module.iter().chain(path).cloned().collect()),
            _ => None,
        }
    }

    /// Every leaf of a `use`: its whole path and the name that it has here.
    fn leaves(prefix: &[String], tree: &UseTree, found: &mut Vec<(usize, Vec<String>, String)>) {
        let with = |name: String| prefix.iter().cloned().chain(iter::once(name)).collect::<Vec<_>>();
        match tree {
            UseTree::Path(path) => Self::leaves(&with(path.ident.to_string()), &path.tree, found),
            UseTree::Group(group) => group.items.iter().for_each(|tree| Self::leaves(prefix, tree, found)),
            UseTree::Name(name) if name.ident == "self" => {
                let own = prefix.last().cloned().unwrap_or_default();
                found.push((name.span().start().line, prefix.to_vec(), own));
            }
            UseTree::Name(name) => {
                found.push((name.span().start().line, with(name.ident.to_string()), name.ident.to_string()));
            }
            UseTree::Rename(name) => {
                found.push((name.span().start().line, with(name.ident.to_string()), name.rename.to_string()));
            }
            UseTree::Glob(glob) => found.push((glob.span().start().line, prefix.to_vec(), "*".to_owned())),
        }
    }

    fn note_function(&mut self, visibility: &Visibility, signature: &syn::Signature) {
        let ReturnType::Type(_, result) = &signature.output else { return };
        if !matches!(visibility, Visibility::Inherited) && error_is_text(result) {
            self.bare_errors.push((signature.ident.span().start().line, signature.ident.to_string()));
        }
    }
}

/// `Result<_, String>`, wherever it stands in a type.
fn error_is_text(written: &Type) -> bool {
    struct Search(bool);
    impl<'ast> Visit<'ast> for Search {
        fn visit_path_segment(&mut self, segment: &'ast syn::PathSegment) {
            if let syn::PathArguments::AngleBracketed(arguments) = &segment.arguments
                && segment.ident == "Result"
                && let Some(syn::GenericArgument::Type(Type::Path(error))) = arguments.args.iter().nth(1)
            {
                self.0 |= error.path.is_ident("String");
            }
            visit::visit_path_segment(self, segment);
        }
    }
    let mut search = Search(false);
    search.visit_type(written);
    search.0
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut leaves = Vec::new();
        Self::leaves(&[], &item.tree, &mut leaves);
        for (line, path, name) in leaves {
            let Some(path) = self.absolute(&path) else { continue };
            if matches!(item.vis, Visibility::Inherited) {
                self.uses.push((line, path));
            } else {
                self.passed_on.insert(name, path);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1
            && let Some(absolute) = self.absolute(&names)
        {
            self.uses.push((path.span().start().line, absolute));
        }
        visit::visit_path(self, path);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note_function(&item.vis, &item.sig);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note_function(&item.vis, &item.sig);
        visit::visit_impl_item_fn(self, item);
    }

    // Neither `pub(in path)` nor an attribute makes a file depend on another.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}
