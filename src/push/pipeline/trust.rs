//! Accepts a folder only if nobody could have written in it but those who may push.
//!
//! A flake is evaluated, built, signed and activated with the operator's keys, and `git` and `svn` obey the settings in a folder.
//! So a folder in which somebody else could have put a `flake.nix` is refused before anything in it is read, as git does
//! (`safe.directory`, git-config(1)).

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{getegid, geteuid, getgroups};

use crate::ownership::{Believed, Unread, group_name};
use crate::push::admin::known_fleet;
use crate::push::error::Error;
use crate::push::program::quoted;

/// The environment variable with folders that are trusted whoever may write there, like git's `safe.directory`: paths separated by `:`.
pub const TRUSTED_VARIABLE: &str = "POLDER_TRUSTED_FOLDERS";

/// The group of the operators, on an admin machine (modules/admin.nix).
const OPERATORS: &str = "polder-admin";

/// Refuses a folder if anybody but the caller, root, and on an admin machine the operators could have written in it. Checks the
/// folder with everything in it, the folders above, and the repository that it belongs to.
///
/// # Errors
///
/// Somebody else could have written there; the error names the place, its owner, and what to do.
pub fn check_folder(folder: &Path) -> Result<(), Error> {
    if is_named(folder) {
        return Ok(());
    }
    let believed = operators(folder);
    let repository = folder.ancestors().skip(1).flat_map(|above| [above.join(".svn"), above.join(".git")]);
    let judged = believed
        .tree(folder)
        .and_then(|()| repository.filter(|kept| kept.is_dir()).try_for_each(|kept| believed.tree(&kept)));
    judged.map_err(|unread| refused(&unread, folder))
}

/// Checks one file and the folders above it: a zone file whose serial is to be raised.
///
/// # Errors
///
/// As [`check_folder`].
pub fn check_file(file: &Path) -> Result<(), Error> {
    let file = file.canonicalize().map_err(|error| Error::at(file.display(), error))?;
    let folder = file.parent().unwrap_or(Path::new("/"));
    if is_named(folder) {
        return Ok(());
    }
    operators(folder).file(&file).map_err(|unread| refused(&unread, folder))
}

/// The users who may have written a folder. In the working copy of an admin machine these are all operators, if the caller is one.
fn operators(folder: &Path) -> Believed {
    let believed = Believed::caller().and_who_called_sudo();
    match shared_group(folder).filter(|group| caller_is_in(*group)) {
        Some(group) => believed.and_group(group),
        None => believed,
    }
}

/// The operators' group, if the folder is in the working copy and that belongs to the group.
fn shared_group(folder: &Path) -> Option<u32> {
    // An admin document that cannot be read is reported where it is needed.
    let working_copy = known_fleet::admin().ok()??.working_copy.canonicalize().ok()?;
    let group = fs::metadata(&working_copy).ok()?.gid();
    (folder.starts_with(&working_copy) && group_name(group) == OPERATORS).then_some(group)
}

fn caller_is_in(group: u32) -> bool {
    geteuid().is_root()
        || getegid().as_raw() == group
        || getgroups().is_ok_and(|groups| groups.iter().any(|one| one.as_raw() == group))
}

fn is_named(folder: &Path) -> bool {
    let named = std::env::var_os(TRUSTED_VARIABLE).unwrap_or_default();
    std::env::split_paths(&named).filter_map(|named| named.canonicalize().ok()).any(|named| folder.starts_with(named))
}

fn refused(unread: &Unread, folder: &Path) -> Error {
    match unread {
        Unread::Unreadable(error) => Error::new(format!("{} cannot be checked: {error}", folder.display())),
        Unread::Foreign(foreign) => Error::new(format!(
            "{foreign}. Such a folder is not evaluated or pushed with your keys, and nothing in it was read. Inspect it, then \
             make it your own (`chown -R`, `chmod -R go-w`), or list it if you trust everybody who may write there: \
             {TRUSTED_VARIABLE}={}",
            quoted(&folder.to_string_lossy())
        )),
    }
}
