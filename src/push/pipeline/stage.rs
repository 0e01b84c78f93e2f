//! Stages a folder: a copy of the files that are known, as they are now, and nothing else (DESIGN 11).
//!
//! A Subversion working copy ([`svn`]) gives its versioned files with local changes, keywords not expanded; a git checkout
//! ([`git`]) its tracked files; any other folder ([`plain`]) all it has. What is neither known nor ignored, in conflict,
//! missing or from elsewhere is refused: a fleet must be the same from whichever copy it is pushed. So is a folder in which
//! somebody else could write ([`trust`]), before anything of it is read.

mod git;
pub mod manifest;
mod plain;
mod svn;

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::push::error::Error;
use crate::push::pipeline::trust;
use crate::push::program::ProgramError;
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

/// Which state of which repository was staged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    /// Of no repository.
    None,
    /// Of a repository.
    Known {
        /// `r41` (several, `r40:41`) of Subversion, a shortened commit of git.
        name: String,
        /// Files that differ from it, relative to the folder.
        changed: Vec<PathBuf>,
        /// Whose it is.
        kind: Kind,
    },
}

/// What keeps revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Subversion.
    Svn,
    /// git.
    Git,
}

impl Revision {
    /// `r41`, `r41 with 2 local changes`, `no revision`.
    pub fn in_words(&self) -> String {
        match self {
            Revision::None => "no revision".to_owned(),
            Revision::Known { name, changed, .. } => match changed.len() {
                0 => name.clone(),
                1 => format!("{name} with 1 local change"),
                n => format!("{name} with {n} local changes"),
            },
        }
    }

    /// Files that differ from it, relative to the folder.
    pub fn changed(&self) -> &[PathBuf] {
        match self {
            Revision::None => &[],
            Revision::Known { changed, .. } => changed,
        }
    }

    /// What a file had in this revision, `None` if it was not in it.
    pub fn text_of(&self, folder: &Path, file: &Path) -> Option<Vec<u8>> {
        match self {
            Revision::None => None,
            Revision::Known { kind: Kind::Svn, .. } => svn::text_of(folder, file),
            Revision::Known { kind: Kind::Git, .. } => git::text_of(folder, file),
        }
    }
}

/// Why a folder is not staged.
#[derive(Debug)]
pub enum StageError {
    /// These files stand in the way.
    Files(Vec<UnfitFile>),
    /// It could not be tried.
    CouldNot(Error),
}

impl From<ProgramError> for StageError {
    fn from(error: ProgramError) -> StageError {
        StageError::CouldNot(error.into())
    }
}

/// A file that cannot be staged, and how to mend that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfitFile {
    /// Relative to the folder.
    pub file: PathBuf,
    /// What is wrong with it and which command mends it.
    pub message: String,
}

impl UnfitFile {
    fn new(file: impl Into<PathBuf>, message: impl Into<String>) -> UnfitFile {
        UnfitFile { file: file.into(), message: message.into() }
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

/// The files that stand in the way, if any do, in order of their names.
fn all_fit(mut unfit: Vec<UnfitFile>) -> Result<(), StageError> {
    unfit.sort_by(|a, b| (&a.file, &a.message).cmp(&(&b.file, &b.message)));
    unfit.dedup();
    if unfit.is_empty() { Ok(()) } else { Err(StageError::Files(unfit)) }
}

/// As it can be pasted into a shell.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-@+".contains(c);
    match !path.is_empty() && path.chars().all(plain) {
        true => path.to_owned(),
        false => format!("'{}'", path.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests;
