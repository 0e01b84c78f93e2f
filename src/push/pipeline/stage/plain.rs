//! A folder without a repository: all files in it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::revision::Revision;
use super::unfit::{StageError, UnfitFile, all_fit};
use crate::push::error::Error;

pub(super) fn stage(folder: &Path, copy: &Path) -> Result<Revision, StageError> {
    let mut unfit = Vec::new();
    copy_all(folder, copy, Path::new(""), &mut unfit)
        .map_err(|error| StageError::Failed(Error::at(folder.display(), error)))?;
    all_fit(unfit)?;
    Ok(Revision::None)
}

fn copy_all(folder: &Path, copy: &Path, below: &Path, unfit: &mut Vec<UnfitFile>) -> io::Result<()> {
    fs::create_dir_all(copy.join(below))?;
    for entry in fs::read_dir(folder.join(below))? {
        let entry = entry?;
        let file: PathBuf = below.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_all(folder, copy, &file, unfit)?;
        } else if kind.is_file() || kind.is_symlink() {
            copy_one(&entry.path(), &copy.join(&file))?;
        } else {
            unfit.push(UnfitFile::new(file, "is a socket, a pipe or a device: remove it"));
        }
    }
    Ok(())
}

/// A file with its permissions, or a link as a link.
pub(super) fn copy_one(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::symlink_metadata(from)?.is_symlink() {
        true => std::os::unix::fs::symlink(fs::read_link(from)?, to),
        false => fs::copy(from, to).map(drop),
    }
}
