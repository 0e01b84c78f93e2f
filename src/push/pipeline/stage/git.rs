//! A git checkout: its tracked files, with what is modified in them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::plain::copy_one;
use super::revision::{Kind, Revision};
use super::unfit::{StageError, UnfitFile, all_fit};
use crate::push::error::Error;
use crate::push::program::{output, quoted, text};

/// How the index entry of a submodule begins.
const SUBMODULE: &[u8] = b"160000 ";

pub(super) fn stage(folder: &Path, copy: &Path) -> Result<Revision, StageError> {
    let conflicts = files(folder, &["--unmerged"])?;
    let mut unfit = Vec::new();
    let mut refuse = |file: &PathBuf, message: &str| {
        let message = message.replace("FILE", &quoted(&file.to_string_lossy()));
        unfit.push(UnfitFile::new(file, message));
    };
    for file in &conflicts {
        refuse(file, "is in conflict: resolve it by hand, then `git add FILE`");
    }
    for file in files(folder, &["--others", "--exclude-standard"])? {
        refuse(&file, "is not under version control: `git add FILE`, or remove it, or ignore it");
    }
    // A file in conflict may be missing, too: the conflict is the cause.
    for file in files(folder, &["--deleted"])?.iter().filter(|file| !conflicts.contains(file)) {
        refuse(file, "is missing: `git restore FILE` restores it, `git rm FILE` removes it");
    }
    let entries = list(folder, &["ls-files", "-z", "--stage"])?;
    for submodule in entries.iter().filter(|entry| entry.starts_with(SUBMODULE)) {
        unfit.push(UnfitFile::new(
            path_of(submodule),
            "is a submodule: files of another repository are not pushed; make it a flake input",
        ));
    }
    all_fit(unfit)?;
    for entry in &entries {
        let file = path_of(entry);
        copy_one(&folder.join(&file), &copy.join(&file))
            .map_err(|error| StageError::Failed(Error::at(file.display(), error)))?;
    }
    revision(folder)
}

pub(super) fn text_of(folder: &Path, file: &Path) -> Option<Vec<u8>> {
    output("git", folder, &["show", &format!("HEAD:./{}", file.to_str()?)]).ok()
}

fn revision(folder: &Path) -> Result<Revision, StageError> {
    // A repository without commits has no HEAD: every file is a local change.
    let Ok(head) = text("git", folder, &["rev-parse", "--short=12", "HEAD"]) else {
        return Ok(Revision::Known { name: "no commit".to_owned(), changed: files(folder, &[])?, kind: Kind::Git });
    };
    let changed = list(folder, &["diff", "--name-only", "-z", "--relative", "HEAD", "--", "."])?;
    Ok(Revision::Known {
        name: head.trim().to_owned(),
        changed: changed.iter().map(|path| PathBuf::from(OsStr::from_bytes(path))).collect(),
        kind: Kind::Git,
    })
}

fn files(folder: &Path, question: &[&str]) -> Result<Vec<PathBuf>, StageError> {
    let entries = list(folder, &[&["ls-files", "-z"], question].concat())?;
    Ok(entries.iter().map(|entry| path_of(entry)).collect())
}

/// The path in `MODE OBJECT STAGE<tab>PATH`, or in a path alone.
fn path_of(entry: &[u8]) -> PathBuf {
    let path = match memchr::memchr(b'\t', entry) {
        Some(at) if entry[..at].iter().filter(|byte| **byte == b' ').count() == 2 => &entry[at + 1..],
        _ => entry,
    };
    PathBuf::from(OsStr::from_bytes(path))
}

fn list(folder: &Path, arguments: &[&str]) -> Result<Vec<Vec<u8>>, StageError> {
    let printed = output("git", folder, arguments)?;
    Ok(printed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()).map(<[u8]>::to_vec).collect())
}
