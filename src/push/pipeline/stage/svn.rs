//! A Subversion working copy: `svn export --ignore-keywords`, after refusing what the export would leave out or change.

use std::path::{Path, PathBuf};

use super::revision::{Kind, Revision};
use super::unfit::{StageError, UnfitFile, all_fit};
use crate::push::error::Error;
use crate::push::program::{output, quoted, text};

pub(super) fn stage(folder: &Path, copy: &Path) -> Result<Revision, StageError> {
    let status = text("svn", folder, &["status", "--ignore-externals", "--non-interactive", "."])?;
    let entries: Vec<Entry<'_>> = status.lines().filter_map(Entry::read).collect();
    let conflicts: Vec<&str> = entries.iter().filter(|entry| entry.is_in_conflict()).map(|entry| entry.path).collect();
    // svn puts the versions of a conflict beside the file, and removes them once it is resolved.
    let is_side = |entry: &Entry<'_>| {
        let of = |conflict: &&str| entry.path.strip_prefix(conflict).is_some_and(|rest| rest.starts_with('.'));
        entry.columns[0] == b'?' && conflicts.iter().any(of)
    };
    let mut unfit: Vec<UnfitFile> = entries.iter().filter(|entry| !is_side(entry)).filter_map(Entry::unfit).collect();
    let externals = text("svn", folder, &["propget", "--recursive", "svn:externals", "."])?;
    unfit.extend(externals.lines().filter_map(external));
    all_fit(unfit)?;
    let name = version(folder)?;
    let copy =
        copy.to_str().ok_or_else(|| StageError::Failed(Error::new("the temporary folder's name is not UTF-8")))?;
    text(
        "svn",
        folder,
        &["export", "--quiet", "--ignore-keywords", "--ignore-externals", "--non-interactive", ".", copy],
    )?;
    let changed = entries.iter().map(|entry| PathBuf::from(entry.path)).collect();
    Ok(Revision::Known { name, changed, kind: Kind::Svn })
}

/// The file as it was checked out. The `@` at the end keeps svn from reading one in the name as a revision.
pub(super) fn text_of(folder: &Path, file: &Path) -> Option<Vec<u8>> {
    let file = format!("{}@", file.to_str()?);
    output("svn", folder, &["cat", "--revision", "BASE", "--ignore-keywords", "--non-interactive", &file]).ok()
}

/// `r41`, or `r40:41` if files are of several revisions, without the letters for modified or switched files.
fn version(folder: &Path) -> Result<String, StageError> {
    let printed = text("svnversion", folder, &["--no-newline", "."])?;
    Ok(format!("r{}", printed.trim().trim_end_matches(|letter: char| letter.is_ascii_uppercase())))
}

/// The letters of the first column. X, an external, is not among them: externals are found by their property.
const STATES: &[u8] = b" ACDMR?!~";

/// One line of `svn status`: seven columns of letters, a space, the path.
struct Entry<'a> {
    columns: &'a [u8],
    path: &'a str,
}

impl<'a> Entry<'a> {
    /// `None` for a line that is not an entry: empty, the head of a changelist, the second line of a tree conflict, a summary.
    fn read(line: &'a str) -> Option<Entry<'a>> {
        let (columns, path) = line.split_at_checked(8)?;
        let columns = columns.as_bytes();
        let is_entry = STATES.contains(&columns[0]) && columns[6] != b'>' && columns[7] == b' ';
        is_entry.then_some(Entry { columns, path })
    }

    /// Whether its text, its properties or its place in the tree are in conflict.
    fn is_in_conflict(&self) -> bool {
        [0, 1, 6].iter().any(|column| self.columns[*column] == b'C')
    }

    fn unfit(&self) -> Option<UnfitFile> {
        let Entry { columns, path } = self;
        let file = || shell_word(path);
        let message = match columns[0] {
            b'?' => {
                format!("is not under version control: `svn add {0}`, or remove it, or set svn:ignore for it", file())
            }
            b'!' => format!("is missing: `svn revert {0}` restores it, `svn delete {0}` removes it", file()),
            b'~' => format!("is obstructed by an item of another kind: move that away, then `svn revert {}`", file()),
            _ if self.is_in_conflict() => {
                format!("is in conflict: resolve it by hand, then `svn resolve --accept working {}`", file())
            }
            _ if columns[2] == b'L' => "is locked by an svn command that was interrupted: `svn cleanup`".to_owned(),
            _ => return None,
        };
        Some(UnfitFile::new(*path, message))
    }
}

/// One line of `svn propget --recursive`: `hosts - ^/lib lib`. Lines with further externals of the same folder have no folder.
fn external(line: &str) -> Option<UnfitFile> {
    let (folder, value) = line.split_once(" - ")?;
    let message = format!(
        "has svn:externals ({}): files of another repository are not pushed; `svn propdel svn:externals {}`",
        value.trim(),
        shell_word(folder)
    );
    Some(UnfitFile::new(folder, message))
}

/// A path for a shell. One with `@` needs another `@` at its end, or svn reads a revision.
fn shell_word(path: &str) -> String {
    let path = if path.contains('@') { format!("{path}@") } else { path.to_owned() };
    quoted(&path)
}
