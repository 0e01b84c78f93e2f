//! The revision of a staged folder.

use std::path::PathBuf;

/// The revision that was staged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    /// The folder is in no repository.
    None,
    /// The folder is in a repository.
    Known {
        /// `r41` (several, `r40:41`) of Subversion, a shortened commit of git.
        name: String,
        /// Files that differ from it, relative to the folder.
        changed: Vec<PathBuf>,
        /// The kind of repository.
        kind: Kind,
    },
}

/// A kind of repository.
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
}
