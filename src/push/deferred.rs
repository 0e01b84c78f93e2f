//! Deferred commits: changes that were deployed while the svn server was down, to be committed afterwards.
//!
//! Owns `STATE_DIR/deferred.json`. [`record`] is for `polder push --defer`, [`reconcile`] for `polder reconcile`. Must never: commit
//! anything other than what was deployed, or drop a record before the repository has its changes.

pub mod svn;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::push::admin::Admin;
use crate::push::admin::state;
use crate::push::error::Error;
use crate::push::pipeline::stage::manifest::{self, Manifest};
use crate::push::pipeline::stage::{self, Kind, Revision, Staged, UnfitFile, stage};

/// A push whose local changes are still to be committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deferred {
    /// The log message of the commit to be.
    pub message: String,
    /// Who pushed: `USER@HOST`.
    pub who: String,
    /// When, in milliseconds since the epoch.
    pub at: u64,
    /// The push that deployed them.
    pub push: String,
    /// The revision that the working copy had.
    pub revision: Option<String>,
    /// The files that differed from it, which are to be committed.
    pub files: Vec<PathBuf>,
    /// The hash of all that was deployed ([`Staged::hash`]).
    pub tree: String,
    /// The hash of each file.
    pub manifest: Manifest,
}

/// All deferred commits, oldest first.
///
/// # Errors
///
/// The file exists and cannot be read; the error names it.
pub fn all(admin: &Admin) -> Result<Vec<Deferred>, Error> {
    let file = file(admin);
    let text = match std::fs::read(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::at(file.display(), error)),
    };
    serde_json::from_slice(&text).map_err(|error| {
        Error::new(format!(
            "{} was not written by this version of polder: {error}; commit by hand, then remove it",
            file.display()
        ))
    })
}

/// Checks that there is something to commit later.
///
/// # Errors
///
/// What was staged is not an svn working copy with local changes.
pub fn check(staged: &Staged) -> Result<(), Error> {
    match &staged.revision {
        Revision::Known { kind: Kind::Svn, changed, .. } if !changed.is_empty() => Ok(()),
        _ => Err(Error::new(
            "--defer: there is nothing to commit later: expected an svn working copy with local changes",
        )),
    }
}

/// Records a push whose changes are to be committed later.
///
/// # Errors
///
/// What was staged cannot be read, or the record cannot be written.
pub fn record(admin: &Admin, staged: &Staged, message: &str, who: &str, push: &str) -> Result<(), Error> {
    let manifest = staged.manifest().map_err(|error| Error::new(format!("what was staged: {error}")))?;
    let revision = match &staged.revision {
        Revision::Known { name, .. } => Some(name.clone()),
        Revision::None => None,
    };
    let fresh = Deferred {
        message: message.to_owned(),
        who: who.to_owned(),
        at: crate::unix_time::unix_ms(),
        push: push.to_owned(),
        revision,
        files: staged.revision.changed().to_vec(),
        tree: manifest::hash(&manifest),
        manifest,
    };
    change(admin, |records| {
        // The push may have been recorded before and then interrupted.
        records.retain(|record| record.push != push);
        records.push(fresh);
    })
}

/// Removes the record of a push, because it activated nothing or is not to be committed.
///
/// # Errors
///
/// The records cannot be read or written.
pub fn withdraw(admin: &Admin, push: &str) -> Result<(), Error> {
    change(admin, |records| records.retain(|record| record.push != push))
}

/// Changes the records under a lock: another operator of this machine may be pushing.
fn change(admin: &Admin, how: impl FnOnce(&mut Vec<Deferred>)) -> Result<(), Error> {
    let _locked = state::lock(&admin.state_dir).map_err(Error::new)?;
    let mut records = all(admin)?;
    how(&mut records);
    let file = file(admin);
    if records.is_empty() {
        return match std::fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::at(file.display(), error)),
            _ => Ok(()),
        };
    }
    let text = serde_json::to_string_pretty(&records).map_err(Error::new)?;
    state::write(&file, &text).map_err(Error::new)
}

fn file(admin: &Admin) -> PathBuf {
    admin.state_dir.join("deferred.json")
}

/// The result of a successful [`reconcile`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// The revision that has the changes.
    pub revision: Option<u64>,
    /// Whether they were committed now; otherwise the repository already had them.
    pub committed: bool,
    /// The pushes that deployed them.
    pub pushes: Vec<String>,
    /// The hash of what was deployed.
    pub deployed: String,
    /// The hash of what the working copy has now.
    pub now: String,
    /// The files in which the working copy differs from what was deployed: others have committed them meanwhile.
    pub not_deployed: Vec<PathBuf>,
}

/// Why commits stay deferred. Nothing was committed, except perhaps with [`ReconcileError::Failed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReconcileError {
    /// The svn server does not answer.
    Unreachable(Error),
    /// These files have been edited since they were deployed.
    Edited(Vec<PathBuf>),
    /// `svn update` merged other changes into these files, so they are not what was deployed.
    Merged(Vec<PathBuf>),
    /// These files cannot be staged, for instance because of conflicts.
    Unfit(Vec<UnfitFile>),
    /// A step failed.
    Failed(Error),
}

/// Makes the deferred commits, and proves that the repository then has what was deployed. `None` if no commit is deferred.
///
/// # Errors
///
/// The commits stay deferred; it can be tried again.
pub fn reconcile(admin: &Admin, folder: &Path) -> Result<Option<Reconciled>, ReconcileError> {
    let records = all(admin).map_err(ReconcileError::Failed)?;
    // The last push includes the changes of the earlier ones, and is what the hosts run.
    let Some(last) = records.last() else { return Ok(None) };
    let staged = staged(folder)?;
    if !matches!(staged.revision, Revision::Known { kind: Kind::Svn, .. }) {
        return Err(ReconcileError::Failed(Error::new(format!(
            "{} is not a Subversion working copy",
            folder.display()
        ))));
    }
    unchanged(&staged, last, staged.revision.changed(), ReconcileError::Edited)?;
    let server = svn::server_state(folder, svn::GLANCE).map_err(ReconcileError::Unreachable)?;
    if server.behind > 0 {
        svn::update(folder, None).map_err(ReconcileError::Failed)?;
        settle_what_both_removed(folder, last);
    }
    let updated = self::staged(folder)?;
    unchanged(&updated, last, &[], ReconcileError::Merged)?;
    let (revision, committed) = committed(folder, &updated, &records)?;
    let settled = self::staged(folder)?;
    let now = settled.manifest().map_err(|error| ReconcileError::Failed(error.into()))?;
    let pushes: Vec<String> = records.iter().map(|record| record.push.clone()).collect();
    change(admin, |all| all.retain(|record| !pushes.contains(&record.push))).map_err(ReconcileError::Failed)?;
    Ok(Some(Reconciled {
        revision,
        committed,
        pushes,
        deployed: last.tree.clone(),
        now: manifest::hash(&now),
        not_deployed: differing(&last.manifest, &now),
    }))
}

fn staged(folder: &Path) -> Result<Staged, ReconcileError> {
    stage(folder).map_err(|error| match error {
        stage::StageError::Files(unfit) => ReconcileError::Unfit(unfit),
        stage::StageError::Failed(why) => ReconcileError::Failed(why),
    })
}

/// Commits those files that the repository does not have yet. Returns the revision, and whether it was made here.
fn committed(folder: &Path, staged: &Staged, records: &[Deferred]) -> Result<(Option<u64>, bool), ReconcileError> {
    let Some(last) = records.last() else { return Ok((None, false)) };
    let changed = staged.revision.changed();
    let files: Vec<PathBuf> = last.files.iter().filter(|file| changed.contains(*file)).cloned().collect();
    if files.is_empty() {
        return Ok((svn::last_changed(folder, &last.files), false));
    }
    let revision = svn::commit(folder, &files, &message(records)).map_err(ReconcileError::Failed)?;
    // Brings the whole working copy to that revision, so that it has one and not a range. Nothing depends on it.
    if let Some(revision) = revision {
        let _ = svn::update(folder, Some(revision));
    }
    Ok((revision, revision.is_some()))
}

/// The log messages of all records, each once.
fn message(records: &[Deferred]) -> String {
    let mut seen = BTreeSet::new();
    let messages = records.iter().map(|record| record.message.trim()).filter(|message| !message.is_empty());
    let mut lines: Vec<String> = messages.filter(|message| seen.insert(*message)).map(str::to_owned).collect();
    let pushes: Vec<&str> = records.iter().map(|record| record.push.as_str()).collect();
    lines.push(format!("Deployed before it was committed, by push {}.", pushes.join(", ")));
    lines.join("\n\n")
}

/// Checks that the deferred files, and those of `besides`, are as they were deployed.
fn unchanged(
    staged: &Staged,
    deployed: &Deferred,
    besides: &[PathBuf],
    error: fn(Vec<PathBuf>) -> ReconcileError,
) -> Result<(), ReconcileError> {
    let now = staged.manifest().map_err(|error| ReconcileError::Failed(error.into()))?;
    let files: BTreeSet<&PathBuf> = deployed.files.iter().chain(besides).collect();
    let other = files.into_iter().filter(|file| now.get(*file) != deployed.manifest.get(*file));
    let other: Vec<PathBuf> = other.cloned().collect();
    if other.is_empty() { Ok(()) } else { Err(error(other)) }
}

/// Resolves the tree conflicts of files that were removed both here and in the repository.
fn settle_what_both_removed(folder: &Path, deployed: &Deferred) {
    let removed = deployed.files.iter().filter(|file| !deployed.manifest.contains_key(*file));
    for file in removed.filter(|file| folder.join(file).symlink_metadata().is_err()) {
        svn::settle_gone(folder, file);
    }
}

/// The files that differ, or that only one of the two has.
fn differing(one: &Manifest, other: &Manifest) -> Vec<PathBuf> {
    let files: BTreeSet<&PathBuf> = one.keys().chain(other.keys()).collect();
    files.into_iter().filter(|file| one.get(*file) != other.get(*file)).cloned().collect()
}

#[cfg(test)]
mod tests;
