//! The fleet as it was last evaluated on this admin machine: what the emergency verbs go by, since they must not wait for Nix.
//!
//! Owns `STATE_DIR/fleet.json`. Written by `check`, `plan` and `push`.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::admin::Admin;
use crate::fleet::{self, Fleet};

/// Names another admin document than [`super::admin::FILE`].
pub const ADMIN_VARIABLE: &str = "POLDER_ADMIN";

/// This admin machine; `None` on any other machine.
///
/// # Errors
///
/// The document is there and cannot be read, or is none.
pub fn admin() -> Result<Option<Admin>, String> {
    let named = std::env::var_os(ADMIN_VARIABLE).map(PathBuf::from);
    let file = named.clone().unwrap_or_else(|| PathBuf::from(super::admin::FILE));
    if named.is_none() && !file.exists() {
        return Ok(None);
    }
    Admin::load(&file).map(Some).map_err(|findings| findings.to_string())
}

/// The same where there has to be one.
///
/// # Errors
///
/// Also where this is no admin machine.
pub fn this_admin() -> Result<Admin, String> {
    admin()?.ok_or_else(|| {
        format!(
            "this is no admin machine: there is no {}; run this where the role admin is, or name such a document with {ADMIN_VARIABLE}",
            super::admin::FILE
        )
    })
}

/// Keeps the fleet document's text.
///
/// # Errors
///
/// The state folder cannot be written: the error names the file.
pub fn store(admin: &Admin, text: &str) -> io::Result<()> {
    write(&file(admin), text)
}

/// Keeps a fleet that was just evaluated, if this is an admin machine of it. One with findings is only kept where none is yet:
/// the emergency verbs go by what is deployed, not by what is being written.
///
/// # Errors
///
/// For a note: the fleet could not be kept.
pub fn remember(fleet: &Fleet, text: &str, is_well: bool) -> Result<(), String> {
    match admin()? {
        Some(admin) if fleet.hosts.contains_key(&admin.name) && (is_well || !file(&admin).exists()) => {
            store(&admin, text).map_err(|error| format!("the fleet cannot be kept for the emergency verbs: {error}"))
        }
        _ => Ok(()),
    }
}

/// The fleet that was kept last.
///
/// # Errors
///
/// There is none, or it is of another release; says what to do.
pub fn load(admin: &Admin) -> Result<Fleet, String> {
    let file = file(admin);
    if !file.exists() {
        return Err(format!(
            "the fleet is not known here yet ({} is not there): run `polder check` once, or name --fleet FILE",
            file.display()
        ));
    }
    fleet::load(&file)
        .map_err(|findings| format!("{findings}\nrun `polder check` to evaluate the fleet again, or name --fleet FILE"))
}

/// A file of the state folder, replaced whole; other operators of this machine may replace it too.
pub(super) fn write(file: &Path, text: &str) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
    let folder = file.parent().unwrap_or(Path::new("."));
    let replaced = || {
        make_folder(folder)?;
        let mut fresh = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
        fresh.write_all(text.as_bytes())?;
        fresh.as_file().set_permissions(std::fs::Permissions::from_mode(0o660))?;
        fresh.as_file().sync_all()?;
        fresh.persist(file).map(drop).map_err(|error| error.error)
    };
    replaced().map_err(named)
}

/// Keeps others from changing files of a folder of the state while what is returned lives: read, change and write are one step.
pub(super) fn alone(folder: &Path) -> io::Result<File> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
    let locked = || {
        make_folder(folder)?;
        let folder = File::open(folder)?;
        folder.lock().map(|()| folder)
    };
    locked().map_err(named)
}

/// What one operator makes, the others can change.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o2770))
}

fn file(admin: &Admin) -> PathBuf {
    admin.state_dir.join("fleet.json")
}

#[cfg(test)]
pub(crate) mod tests;
