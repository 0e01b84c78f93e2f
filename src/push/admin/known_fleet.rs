//! The fleet as it was last evaluated on this admin machine, for the verbs that must not wait for Nix (`status`, `drain`, `rollback`, ...).
//!
//! Owns `STATE_DIR/fleet.json`. Written by `check`, `plan` and `push`.

use std::io;
use std::path::PathBuf;

use crate::fleet::{self, Fleet};
use crate::push::admin::{Admin, state};
use crate::push::error::Error;

/// The environment variable that names an admin document other than [`crate::push::admin::FILE`].
pub const ADMIN_VARIABLE: &str = "POLDER_ADMIN";

/// This admin machine; `None` on any other machine.
///
/// # Errors
///
/// The document exists and cannot be read, or is not valid.
pub fn admin() -> Result<Option<Admin>, Error> {
    let named = std::env::var_os(ADMIN_VARIABLE).map(PathBuf::from);
    let file = named.clone().unwrap_or_else(|| PathBuf::from(crate::push::admin::FILE));
    if named.is_none() && !file.exists() {
        return Ok(None);
    }
    let wrong = |findings| match named {
        Some(_) => Error::at(ADMIN_VARIABLE, findings)
            .remedy("expected the document of an admin machine, as NixOS renders it for a host with the role admin"),
        None => Error::new(findings),
    };
    Admin::load(&file).map(Some).map_err(wrong)
}

/// This admin machine.
///
/// # Errors
///
/// This is not an admin machine, or its document cannot be read.
pub fn this_admin() -> Result<Admin, Error> {
    admin()?.ok_or_else(|| {
        Error::new(format!(
            "this is not an admin machine: there is no {}; run this on a host with the role admin, or name its document in {ADMIN_VARIABLE}",
            crate::push::admin::FILE
        ))
    })
}

/// Saves the text of a fleet document.
///
/// # Errors
///
/// The state folder cannot be written: the error names the file.
pub fn store(admin: &Admin, text: &str) -> io::Result<()> {
    state::write(&file(admin), text)
}

/// Saves a fleet that was just evaluated, if this is one of its admin machines. A fleet with findings is saved only if there is none
/// yet: it is not deployed.
///
/// # Errors
///
/// The fleet could not be saved; the caller shows this as a note.
pub fn remember(fleet: &Fleet, text: &str, is_well: bool) -> Result<(), Error> {
    match admin()? {
        Some(admin) if fleet.hosts.contains_key(&admin.name) && (is_well || !file(&admin).exists()) => {
            store(&admin, text).map_err(|error| {
                Error::new(format!("the fleet cannot be saved for the verbs that do not evaluate it: {error}"))
            })
        }
        _ => Ok(()),
    }
}

/// The fleet that was saved last.
///
/// # Errors
///
/// There is none, or it is of another release.
pub fn load(admin: &Admin) -> Result<Fleet, Error> {
    let file = file(admin);
    if !file.exists() {
        return Err(Error::new(format!(
            "the fleet is not known here yet (there is no {}): run `polder check` once, or add --fleet FILE",
            file.display()
        )));
    }
    fleet::load(&file).map_err(|findings| {
        Error::new(format!("{findings}\nrun `polder check` to evaluate the fleet again, or add --fleet FILE"))
    })
}

fn file(admin: &Admin) -> PathBuf {
    admin.state_dir.join("fleet.json")
}

#[cfg(test)]
pub(crate) mod tests;
