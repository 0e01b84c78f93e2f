//! Stages a folder: a copy of the files that are known, as they are now, and nothing else.
//!
//! A Subversion working copy ([`svn`]) gives its versioned files with local changes, keywords not expanded; a git checkout
//! ([`git`]) its tracked files; any other folder ([`plain`]) all it has. What is neither known nor ignored, in conflict,
//! missing or from elsewhere is refused: a fleet must be the same from whichever copy it is pushed. So is a folder in which
//! somebody else could write ([`trust`]), before anything of it is read.

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

/// A staged folder. Goes away when dropped.
#[derive(Debug)]
pub struct Staged {
    /// What keeps it.
    kept: TempDir,
    /// Where it came from.
    pub revision: Revision,
}

impl Staged {
    /// The copy.
    pub fn folder(&self) -> PathBuf {
        self.kept.path().join(COPY)
    }

    /// What stands for its content: the same for two folders exactly if all their files are the same.
    ///
    /// # Errors
    ///
    /// It cannot be read any more.
    pub fn hash(&self) -> io::Result<String> {
        Ok(manifest::hash(&self.manifest()?))
    }

    /// The same of every file, by its path.
    ///
    /// # Errors
    ///
    /// It cannot be read any more.
    pub fn manifest(&self) -> io::Result<Manifest> {
        manifest::of(&self.folder())
    }
}

/// The copy's name within its temporary folder: Subversion wants to make it itself.
const COPY: &str = "fleet";

/// What a file had in a revision, `None` if it was not in it.
pub fn text_of(revision: &Revision, folder: &Path, file: &Path) -> Option<Vec<u8>> {
    match revision {
        Revision::None => None,
        Revision::Known { kind: Kind::Svn, .. } => svn::text_of(folder, file),
        Revision::Known { kind: Kind::Git, .. } => git::text_of(folder, file),
    }
}

/// Stages a folder, by the nearest repository that it lies in.
pub fn stage(folder: &Path) -> Result<Staged, StageError> {
    let could_not = |what: &str, error: std::io::Error| StageError::CouldNot(Error::new(format!("{what}: {error}")));
    let folder = folder.canonicalize().map_err(|error| could_not(&folder.display().to_string(), error))?;
    trust::believe(&folder).map_err(StageError::CouldNot)?;
    let kept =
        tempfile::Builder::new().prefix("polder-").tempdir().map_err(|error| could_not("a temporary folder", error))?;
    let copy = kept.path().join(COPY);
    if kept.path().canonicalize().is_ok_and(|kept| kept.starts_with(&folder)) {
        let problem = format!("temporary files are kept in {} itself", folder.display());
        return Err(StageError::CouldNot(Error::new(problem).remedy("set TMPDIR to another folder")));
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
