//! Stages a folder: a copy of the files that are known, as they are now, and nothing else.
//!
//! A Subversion working copy ([`svn`]) gives its versioned files with local changes, keywords not expanded; a git checkout
//! ([`git`]) its tracked files; any other folder ([`plain`]) all it has. A file that is unversioned and not ignored, in
//! conflict, missing or from an external is refused, so that the fleet is the same from whichever copy it is pushed. A folder in which
//! somebody else could write is refused, too, before anything in it is read ([`trust`]).

mod git;
pub mod manifest;
mod plain;
mod revision;
mod svn;
mod unfit;

pub use revision::{Kind, Revision};
pub use unfit::{StageError, UnfitFile};

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::push::error::Error;
use crate::push::pipeline::trust;
use manifest::Manifest;

/// A staged folder, deleted when dropped.
#[derive(Debug)]
pub struct Staged {
    /// The temporary folder.
    kept: TempDir,
    /// The revision it was staged from.
    pub revision: Revision,
}

impl Staged {
    /// The copy.
    pub fn folder(&self) -> PathBuf {
        self.kept.path().join(COPY)
    }

    /// A hash of all its files: two folders have the same hash exactly if all their files are the same.
    ///
    /// # Errors
    ///
    /// The copy cannot be read.
    pub fn hash(&self) -> io::Result<String> {
        Ok(manifest::hash(&self.manifest()?))
    }

    /// The hash of each file, by its path.
    ///
    /// # Errors
    ///
    /// The copy cannot be read.
    pub fn manifest(&self) -> io::Result<Manifest> {
        manifest::of(&self.folder())
    }
}

/// The copy's name in the temporary folder: Subversion has to create it itself.
const COPY: &str = "fleet";

/// A file's content in a revision; `None` if it did not exist there.
pub fn text_of(revision: &Revision, folder: &Path, file: &Path) -> Option<Vec<u8>> {
    match revision {
        Revision::None => None,
        Revision::Known { kind: Kind::Svn, .. } => svn::text_of(folder, file),
        Revision::Known { kind: Kind::Git, .. } => git::text_of(folder, file),
    }
}

/// Stages a folder, by the nearest repository that it lies in.
pub fn stage(folder: &Path) -> Result<Staged, StageError> {
    let could_not = |what: &str, error: std::io::Error| StageError::Failed(Error::new(format!("{what}: {error}")));
    let no_folder = |error: std::io::Error| {
        StageError::Failed(Error::at(folder.display(), error).remedy("name the folder with the fleet's flake"))
    };
    let folder = folder.canonicalize().map_err(no_folder)?;
    if !folder.is_dir() {
        return Err(no_folder(std::io::ErrorKind::NotADirectory.into()));
    }
    trust::check_folder(&folder).map_err(StageError::Failed)?;
    let kept =
        tempfile::Builder::new().prefix("polder-").tempdir().map_err(|error| could_not("a temporary folder", error))?;
    let copy = kept.path().join(COPY);
    if kept.path().canonicalize().is_ok_and(|kept| kept.starts_with(&folder)) {
        let problem = format!("the folder for temporary files lies in {}", folder.display());
        return Err(StageError::Failed(Error::new(problem).remedy("set TMPDIR to another folder")));
    }
    let revision = match repository(&folder) {
        Some(Kind::Svn) => svn::stage(&folder, &copy)?,
        Some(Kind::Git) => git::stage(&folder, &copy)?,
        None => plain::stage(&folder, &copy)?,
    };
    Ok(Staged { kept, revision })
}

fn repository(folder: &Path) -> Option<Kind> {
    folder.ancestors().find_map(|ancestor| {
        let has = |name| ancestor.join(name).exists();
        if has(".svn") { Some(Kind::Svn) } else { has(".git").then_some(Kind::Git) }
    })
}

#[cfg(test)]
mod tests;
