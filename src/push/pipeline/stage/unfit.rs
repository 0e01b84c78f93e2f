//! Why a folder is not staged: files that stand in the way, each with the command that mends it.

use std::path::PathBuf;

use crate::push::error::Error;
use crate::push::program::ProgramError;

/// Why a folder is not staged.
#[derive(Debug)]
pub enum StageError {
    /// These files stand in the way.
    Files(Vec<UnfitFile>),
    /// It could not be tried.
    Failed(Error),
}

impl From<ProgramError> for StageError {
    fn from(error: ProgramError) -> StageError {
        StageError::Failed(error.into())
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
    pub(super) fn new(file: impl Into<PathBuf>, message: impl Into<String>) -> UnfitFile {
        UnfitFile { file: file.into(), message: message.into() }
    }
}

/// The files that stand in the way, if any do, in order of their names.
pub(super) fn all_fit(mut unfit: Vec<UnfitFile>) -> Result<(), StageError> {
    unfit.sort_by(|a, b| (&a.file, &a.message).cmp(&(&b.file, &b.message)));
    unfit.dedup();
    if unfit.is_empty() { Ok(()) } else { Err(StageError::Files(unfit)) }
}

/// As it can be pasted into a shell.
pub(super) fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-@+".contains(c);
    match !path.is_empty() && path.chars().all(plain) {
        true => path.to_owned(),
        false => format!("'{}'", path.replace('\'', r"'\''")),
    }
}
