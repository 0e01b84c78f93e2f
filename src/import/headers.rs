//! Edits of header fields, as keys of a service: one after the other, as rules come. Pure.

use super::error::Inexpressible;
use super::guards;
use super::tree::{Table, Tree};
use super::vet::vet;

/// Which messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Requests on their way to backends.
    Request,
    /// Responses on their way to visitors.
    Response,
}

/// What is done with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// It takes the place of all others of its name.
    Set,
    /// It stands beside others of its name.
    Add,
    /// It does not go on.
    Remove,
}

const KEYS: [&str; 2] = ["request_headers", "response_headers"];

/// The keys of a service for one edit; `value` as a document writes it, with `{client}` and its like.
///
/// # Errors
///
/// polder does not change this field, or not in this way: its own reader says why.
pub fn edit(way: Way, edit: Edit, name: &str, value: &str) -> Result<Table, Inexpressible> {
    let edits = match edit {
        Edit::Set => Table::new().with("set", Table::new().with(name, value)),
        Edit::Add => Table::new().with("add", Table::new().with(name, value)),
        Edit::Remove => Table::new().with("remove", vec![name]),
    };
    let key = KEYS[usize::from(way == Way::Response)];
    let settings = Table::new().with(key, edits);
    vet(&settings)?;
    Ok(settings)
}

/// Keys of a service that come later: edits of fields go on from those before, guards are
/// asked beside those before, other keys take their place.
pub fn apply(settings: &mut Table, later: &Table) {
    for (key, value) in later.iter() {
        match (KEYS.contains(&key), value.table()) {
            (true, Some(edits)) => {
                let mut present = settings.remove(key).and_then(|tree| tree.table().cloned()).unwrap_or_default();
                apply_edits(&mut present, edits);
                settings.set(key, present);
            }
            _ if guards::is_one(key) => guards::add(settings, key, value),
            _ => settings.set(key, value.clone()),
        }
    }
}

fn apply_edits(present: &mut Table, later: &Table) {
    for (list, value) in later.iter() {
        let names: Vec<String> = match value {
            Tree::List(names) => names.iter().filter_map(|name| name.text().map(str::to_owned)).collect(),
            Tree::Table(fields) => fields.iter().map(|(name, _)| name.to_owned()).collect(),
            _ => Vec::new(),
        };
        for name in names {
            // No name may stand in two of the lists: what was said of it before is done with, but for what is added to.
            if list != "add" || has(present, "add", &name) {
                forget(present, &name);
            } else if has(present, "set", &name) || has(present, "remove", &name) {
                continue;
            }
            let field = value.table().and_then(|fields| fields.get(&name)).cloned();
            match (present.remove(list), field) {
                (Some(Tree::Table(fields)), Some(field)) => present.set(list, fields.with(&name, field)),
                (_, Some(field)) => present.set(list, Table::new().with(&name, field)),
                (Some(Tree::List(mut names)), None) => {
                    names.push(name.as_str().into());
                    present.set(list, names);
                }
                (_, None) => present.set(list, vec![name.as_str()]),
            }
        }
    }
}

fn has(edits: &Table, list: &str, name: &str) -> bool {
    edits.get(list).is_some_and(|value| match value {
        Tree::List(names) => {
            names.iter().any(|other| other.text().is_some_and(|other| other.eq_ignore_ascii_case(name)))
        }
        Tree::Table(fields) => fields.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)),
        _ => false,
    })
}

fn forget(edits: &mut Table, name: &str) {
    let mut left = Table::new();
    for (list, value) in edits.iter() {
        let kept: Tree = match value {
            Tree::List(names) => {
                let others =
                    names.iter().filter(|other| !other.text().is_some_and(|other| other.eq_ignore_ascii_case(name)));
                Tree::List(others.cloned().collect())
            }
            Tree::Table(fields) => {
                let others = fields.iter().filter(|(other, _)| !other.eq_ignore_ascii_case(name));
                others.fold(Table::new(), |table, (name, value)| table.with(name, value.clone())).into()
            }
            other => other.clone(),
        };
        if !matches!(&kept, Tree::List(list) if list.is_empty())
            && !matches!(&kept, Tree::Table(table) if table.is_empty())
        {
            left.set(list, kept);
        }
    }
    *edits = left;
}

/// What is known of TLS is not known without: takes fields out whose value speaks of it.
pub fn without_tls(settings: &mut Table) -> Vec<String> {
    let mut taken = Vec::new();
    for key in KEYS {
        let Some(Tree::Table(mut edits)) = settings.remove(key) else { continue };
        for list in ["set", "add"] {
            let fields: Vec<(String, String)> = edits
                .get(list)
                .and_then(Tree::table)
                .into_iter()
                .flat_map(Table::iter)
                .filter_map(|(name, value)| Some((name.to_owned(), value.text()?.to_owned())))
                .collect();
            for (name, _) in fields.into_iter().filter(|(_, value)| value.contains("{tls_")) {
                forget(&mut edits, &name);
                taken.push(name);
            }
        }
        if !edits.is_empty() {
            settings.set(key, edits);
        }
    }
    taken
}

/// A value with the samples of another program in it: `find` gives the first of them, what stands before and behind it, and polder's
/// own name of it.
pub fn template<'t>(
    text: &'t str,
    find: impl Fn(&'t str) -> Option<(&'t str, Result<&'static str, Inexpressible>, &'t str)>,
) -> Result<String, Inexpressible> {
    let escape = |literal: &str| literal.replace('{', "{{").replace('}', "}}");
    let (mut value, mut rest) = (String::new(), text);
    while let Some((before, variable, behind)) = find(rest) {
        value.push_str(&escape(before));
        value.push_str(variable?);
        rest = behind;
    }
    value.push_str(&escape(rest));
    Ok(value)
}
