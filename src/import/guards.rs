//! Who may come, as keys of a service: `allow`, `deny`, `basic_auth`; how those of several rules come together. Pure.

use ipnet::IpNet;

use super::error::Inexpressible;
use super::tree::{Table, Tree};
use super::vet::vet;
use crate::config::address;

/// `deny` of these networks, and of those in these files; with `others`, `allow` of them, so that all others are refused.
///
/// # Errors
///
/// One is no network.
pub fn networks(networks: &[String], files: &[String], others: bool) -> Result<Table, Inexpressible> {
    if networks.is_empty() && files.is_empty() {
        return Err("there is no network in it".into());
    }
    for network in networks {
        address::network(network)?;
    }
    let files = files.iter().map(|file| Tree::from(Table::new().with("file", file.as_str())));
    let all: Vec<Tree> = networks.iter().map(|network| network.as_str().into()).chain(files).collect();
    let settings = Table::new().with(if others { "allow" } else { "deny" }, all);
    vet(&settings)?;
    Ok(settings)
}

/// `basic_auth` with a file that is still to be written, and that file: until then nobody comes in.
///
/// # Errors
///
/// The realm cannot be shown.
pub fn basic_auth(name: &str, realm: Option<&str>) -> Result<(Table, String), Inexpressible> {
    let file = format!("/var/lib/polder-keys/{name}.users");
    let mut auth = Table::new().with("users_file", file.as_str());
    auth.set_some("realm", realm);
    let settings = Table::new().with("basic_auth", auth);
    vet(&settings)?;
    Ok((settings, file))
}

/// The keys of a service by which it refuses requests.
const KEYS: [&str; 5] = ["allow", "deny", "basic_auth", "forward_auth", "rate_limit"];

/// What stands among the keys of a service while it is put together, where its guards leave nobody: it is to be answered 403.
const NOBODY: &str = "(nobody)";

/// Whether a key is a guard.
pub fn is_one(key: &str) -> bool {
    KEYS.contains(&key) || key == NOBODY
}

/// The guards among the keys of a service.
pub fn of(settings: &Table) -> Table {
    let guards = settings.iter().filter(|(key, _)| is_one(key));
    guards.fold(Table::new(), |table, (key, value)| table.with(key, value.clone()))
}

/// Takes the guards out if they leave nobody.
pub fn leave_nobody(settings: &mut Table) -> bool {
    let nobody = settings.remove(NOBODY).is_some();
    if nobody {
        KEYS.iter().for_each(|key| drop(settings.remove(key)));
    }
    nobody
}

/// The certificates that a service's `tls` asks visitors for.
pub fn asked_for(tls: Option<&Tree>) -> Option<&Tree> {
    tls?.table()?.get("client_certificates")
}

/// Whether the keys have another rate limit than the later ones: a service has one, and the first is kept.
pub fn lose_a_rate(settings: &Table, later: &Table) -> bool {
    let rate = |table: &Table| table.get("rate_limit").cloned();
    rate(later).is_some_and(|later| rate(settings).is_some_and(|present| present != later))
}

/// Adds a guard to those of earlier rules: whoever is refused by one of them is refused.
pub fn add(settings: &mut Table, key: &str, later: &Tree) {
    match (key, settings.get(key).cloned()) {
        ("allow", Some(present)) if present == *later => {}
        // What lies in both is not known of files.
        ("allow", Some(present)) if has_files(&present) || has_files(later) => settings.set(NOBODY, true),
        ("allow", Some(present)) => settings.set(key, Tree::List(in_both(present.list(), later.list()))),
        ("deny", Some(present)) => settings.set(key, Tree::List(in_one(present.list(), later.list()))),
        ("basic_auth", Some(present)) => {
            let users = |auth: &Tree| auth.table().and_then(|auth| auth.get("users_file").cloned());
            if users(&present) != users(later) {
                settings.set(NOBODY, true);
            }
        }
        ("forward_auth", Some(present)) if present != *later => settings.set(NOBODY, true),
        (_, Some(_)) => {}
        (_, None) => settings.set(key, later.clone()),
    }
    // polder asks the most specific network alone: what is allowed within what is denied would be served. Of files it is not known.
    if let (Some(allow), Some(deny)) = (settings.get("allow"), settings.get("deny"))
        && (has_files(allow) || has_files(deny))
    {
        settings.set(NOBODY, true);
    }
    let denied: Vec<IpNet> =
        settings.get("deny").map(Tree::list).unwrap_or_default().iter().filter_map(network).collect();
    if let Some(Tree::List(mut allowed)) = settings.get("allow").cloned() {
        allowed.retain(|one| network(one).is_none_or(|one| !denied.iter().any(|denied| denied.contains(&one))));
        if allowed.is_empty() {
            settings.set(NOBODY, true);
        }
        settings.set("allow", Tree::List(allowed));
    }
}

fn has_files(list: &Tree) -> bool {
    list.list().iter().any(|one| one.table().is_some())
}

fn network(text: &Tree) -> Option<IpNet> {
    address::network(text.text()?).ok()
}

/// The networks and files of both, each of them once.
fn in_one(one: &[Tree], two: &[Tree]) -> Vec<Tree> {
    let mut all: Vec<Tree> = Vec::new();
    for text in one.iter().chain(two) {
        if !all.iter().any(|other| other == text || (network(text).is_some() && network(other) == network(text))) {
            all.push(text.clone());
        }
    }
    all
}

/// The networks that lie in both: of two that meet one lies within the other.
fn in_both(one: &[Tree], two: &[Tree]) -> Vec<Tree> {
    let within = |text: &Tree, others: &[Tree]| {
        network(text).is_some_and(|net| others.iter().filter_map(network).any(|other| other.contains(&net)))
    };
    let (first, second) = (one.iter().filter(|text| within(text, two)), two.iter().filter(|text| within(text, one)));
    in_one(&first.cloned().collect::<Vec<_>>(), &second.cloned().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
