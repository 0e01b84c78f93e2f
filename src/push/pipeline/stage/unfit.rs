//! Why a folder cannot be staged: the files that prevent it, each with the command that fixes it.

use std::path::PathBuf;

use crate::push::error::Error;
use crate::push::program::ProgramError;

/// Why a folder cannot be staged.
#[derive(Debug)]
pub enum StageError {
    /// These files prevent it.
    Files(Vec<UnfitFile>),
    /// A step failed.
    Failed(Error),
}

impl From<ProgramError> for StageError {
    fn from(error: ProgramError) -> StageError {
        StageError::Failed(error.into())
    }
}

/// A file that cannot be staged, and how to fix that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfitFile {
    /// Relative to the folder.
    pub file: PathBuf,
    /// What is wrong with it, and which command fixes it.
    pub message: String,
}

impl UnfitFile {
    pub(super) fn new(file: impl Into<PathBuf>, message: impl Into<String>) -> UnfitFile {
        UnfitFile { file: file.into(), message: message.into() }
    }
}

/// An error with these files, in order of their names, if there are any.
pub(super) fn all_fit(mut unfit: Vec<UnfitFile>) -> Result<(), StageError> {
    unfit.sort_by(|a, b| (&a.file, &a.message).cmp(&(&b.file, &b.message)));
    unfit.dedup();
    if unfit.is_empty() { Ok(()) } else { Err(StageError::Files(unfit)) }
}
