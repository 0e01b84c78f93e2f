//! Which state of which repository a folder has.

use std::path::PathBuf;

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
}
