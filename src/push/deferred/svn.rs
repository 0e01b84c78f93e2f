//! Subversion beyond staging: how far a working copy is behind its server, an update, a commit.
//!
//! The server may be down, so every command has a time limit. Called by [`crate::push::deferred`] and by `polder status`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::push::error::Error;
use crate::push::program::{ProgramError, output, output_within, text};

/// How long the server may take to report its revision.
pub const GLANCE: Duration = Duration::from_secs(3);

/// How long an update or a commit may take.
const WORK: Duration = Duration::from_secs(120);

/// How far a working copy is behind its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerState {
    /// The newest revision of the repository.
    pub head: u64,
    /// The number of revisions that change this folder and that the working copy does not have.
    pub behind: usize,
}

/// The working copy's revision, and how many files differ from it. Does not ask the server.
///
/// # Errors
///
/// The folder is not a working copy.
pub fn here(folder: &Path) -> Result<(String, usize), Error> {
    if !folder.is_dir() {
        return Err(Error::new("it does not exist: check out the fleet there once with `svn checkout URL`"));
    }
    let printed = text("svnversion", folder, &["--no-newline", "."])?;
    if !printed.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(Error::new(format!("it is not a Subversion working copy ({printed})")));
    }
    let changes = ask(folder, &["status", "--quiet", "--ignore-externals", "."], WORK)?;
    let is_entry = |line: &&str| line.len() > 8 && !line.starts_with(['X', '-', '>']);
    let revision = printed.trim_end_matches(|letter: char| letter.is_ascii_uppercase());
    Ok((format!("r{revision}"), changes.lines().filter(is_entry).count()))
}

/// Asks the server how far the working copy is behind it.
///
/// # Errors
///
/// The server does not answer within the limit, or svn failed.
pub fn server_state(folder: &Path, limit: Duration) -> Result<ServerState, Error> {
    let printed = ask(folder, &["status", "--show-updates", "--ignore-externals", "."], limit)?;
    let head = printed
        .lines()
        .find_map(head)
        .ok_or_else(|| Error::new("svn does not say against which revision it compared"))?;
    if !printed.lines().any(is_out_of_date) {
        return Ok(ServerState { head, behind: 0 });
    }
    let range = format!("{}:HEAD", base(folder)? + 1);
    let log = ask(folder, &["log", "--quiet", "--revision", &range, "."], limit)?;
    Ok(ServerState { head, behind: log.lines().filter(|line| line.starts_with('r')).count() })
}

/// Updates the working copy to a revision, or to the newest. Conflicts stay in the working copy.
///
/// # Errors
///
/// svn failed, with its messages.
pub fn update(folder: &Path, to: Option<u64>) -> Result<(), Error> {
    let revision = to.map_or_else(|| "HEAD".to_owned(), |to| to.to_string());
    let how = ["update", "--quiet", "--ignore-externals", "--accept", "postpone", "--adds-as-modification"];
    ask(folder, &[&how[..], &["--revision", &revision, "."]].concat(), WORK).map(drop)
}

/// Resolves the conflict of a file that was removed both here and in the repository.
pub fn settle_gone(folder: &Path, file: &Path) {
    if let Some(target) = target(file) {
        // If this fails, the conflict stays and is reported when the folder is staged.
        let _ = output("svn", folder, &["resolve", "--quiet", "--accept", "working", &target]);
    }
}

/// Commits these files only. Returns the revision, or `None` if there was nothing to commit.
///
/// # Errors
///
/// svn failed, with its messages: a hook refused it, or somebody else committed first.
pub fn commit(folder: &Path, files: &[PathBuf], message: &str) -> Result<Option<u64>, Error> {
    let scratch = |text: &str| {
        let file = tempfile::NamedTempFile::new().and_then(|mut file| file.write_all(text.as_bytes()).map(|()| file));
        file.map_err(|error| Error::at("a temporary file", error))
    };
    let targets: Vec<String> = files.iter().filter_map(|file| target(file)).collect();
    let (message, targets) = (scratch(message)?, scratch(&targets.join("\n"))?);
    let path = |file: &tempfile::NamedTempFile| file.path().display().to_string();
    let arguments =
        ["commit", "--encoding", "UTF-8", "--file", &path(&message), "--targets", &path(&targets), "--force-log"];
    let printed = ask(folder, &arguments, WORK)?;
    Ok(printed.lines().find_map(|line| line.strip_prefix("Committed revision ")?.trim_end_matches('.').parse().ok()))
}

/// The newest revision that changed one of these files, as the working copy knows it.
pub fn last_changed(folder: &Path, files: &[PathBuf]) -> Option<u64> {
    let revision = |file: &PathBuf| {
        let printed = text("svn", folder, &["info", "--show-item", "last-changed-revision", &target(file)?]).ok()?;
        printed.trim().parse::<u64>().ok()
    };
    files.iter().filter_map(revision).max()
}

/// `Status against revision:     43`
fn head(line: &str) -> Option<u64> {
    line.strip_prefix("Status against revision:")?.trim().parse().ok()
}

/// The ninth column of `svn status --show-updates`.
fn is_out_of_date(line: &str) -> bool {
    line.as_bytes().get(8) == Some(&b'*')
}

/// The oldest revision in the working copy.
fn base(folder: &Path) -> Result<u64, Error> {
    let printed = text("svnversion", folder, &["--no-newline", "."])?;
    let digits: String = printed.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().map_err(|_| Error::new(format!("svnversion says {printed:?} of {}", folder.display())))
}

/// A path as an svn argument: one with `@` needs another `@` at its end, or svn reads a revision.
fn target(file: &Path) -> Option<String> {
    let file = file.to_str()?;
    Some(if file.contains('@') { format!("{file}@") } else { file.to_owned() })
}

fn ask(folder: &Path, arguments: &[&str], limit: Duration) -> Result<String, Error> {
    let all: Vec<&str> = arguments.iter().copied().chain(["--non-interactive"]).collect();
    match output_within("svn", folder, &all, limit) {
        Ok(printed) => Ok(String::from_utf8_lossy(&printed).into_owned()),
        Err(ProgramError::Failed { stderr: printed, .. }) => {
            // svn prints a chain of errors that ends with the cause: keep every line.
            let lines: Vec<&str> = printed.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            Err(Error::new(lines.join("; ")))
        }
        Err(failure) => Err(failure.into()),
    }
}

#[cfg(test)]
mod tests;
