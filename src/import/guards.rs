//! Who may come, as keys of a service: `allow`, `deny`, `basic_auth`. Pure.

use super::error::Inexpressible;
use super::tree::{Table, Tree};
use super::vet::vet;
use crate::config::address;

/// `deny` of these networks; with `others`, `allow` of them, so that all others are refused.
///
/// # Errors
///
/// One is no network.
pub fn networks(networks: &[String], others: bool) -> Result<Table, Inexpressible> {
    if networks.is_empty() {
        return Err("there is no network in it".into());
    }
    for network in networks {
        address::network(network)?;
    }
    let settings = Table::new().with(if others { "allow" } else { "deny" }, networks.to_vec());
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

/// Networks of a later rule with those of an earlier one: whoever is refused by one of them is refused.
pub fn combine(key: &str, present: &Tree, later: &Tree) -> Tree {
    let (one, two) = (present.list(), later.list());
    if key == "deny" {
        return Tree::List(one.iter().chain(two.iter().filter(|network| !one.contains(network))).cloned().collect());
    }
    Tree::List(one.iter().filter(|network| two.contains(network)).cloned().collect())
}
