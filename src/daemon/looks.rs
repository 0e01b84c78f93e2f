//! Looks at files, such that a disk that does not answer holds up no more than what lies on it.
//!
//! What lies in the same folders is looked at by one thread, one file after the other, and by no second one before that has ended. Owns who
//! looks at what, and since when.

#![allow(clippy::disallowed_types, reason = "held for as long as a note takes, every few seconds")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::running_time::running;

/// A look that takes longer is an alarm.
const LIMIT: Duration = Duration::from_secs(10);

/// Folders in which files lie that belong together.
type Folders = BTreeSet<PathBuf>;

/// A look to be taken.
pub struct Look {
    /// Its first file.
    path: PathBuf,
    folders: Folders,
    take: Box<dyn FnOnce() + Send>,
}

impl Look {
    /// At these files, by what is to be done.
    pub fn at<'p>(files: impl IntoIterator<Item = &'p Path>, take: impl FnOnce() + Send + 'static) -> Look {
        let files: Vec<&Path> = files.into_iter().collect();
        Look {
            path: files.first().map(|file| file.to_path_buf()).unwrap_or_default(),
            folders: files.iter().filter_map(|file| file.parent()).map(Path::to_owned).collect(),
            take: Box::new(take),
        }
    }

    /// At a folder itself.
    pub fn at_folder(folder: &Path, take: impl FnOnce() + Send + 'static) -> Look {
        Look { path: folder.to_owned(), folders: BTreeSet::from([folder.to_owned()]), take: Box::new(take) }
    }
}

/// Who looks at what.
#[derive(Debug, Default)]
pub struct Looks(Mutex<BTreeMap<Folders, UnderWay>>);

#[derive(Debug)]
struct UnderWay {
    since: Duration,
    path: PathBuf,
    is_told: bool,
}

impl Looks {
    /// Takes those whose folders nobody is looking at, beside each other.
    pub fn take(self: &Arc<Looks>, looks: Vec<Look>) {
        let mut by_folders = BTreeMap::<Folders, Vec<Look>>::new();
        for look in looks {
            by_folders.entry(look.folders.clone()).or_default().push(look);
        }
        for (folders, looks) in by_folders {
            if !self.begin(&folders, running()) {
                continue;
            }
            let ending = Ending { looks: Arc::clone(self), folders };
            tokio::task::spawn_blocking(move || {
                for Look { path, take, .. } in looks {
                    tell_end(ending.looks.go_on(&ending.folders, path, running()));
                    take();
                }
            });
        }
    }

    /// Tells of those that have taken too long since this was asked last.
    pub fn tell(&self) {
        for words in self.untold(running()) {
            tracing::error!("{words}");
        }
    }

    /// What is said of those that hang, once of each.
    fn untold(&self, now: Duration) -> Vec<String> {
        let mut looks = self.lock();
        let hanging = looks.iter_mut().filter(|(_, look)| !look.is_told && look.hangs(now));
        let told = hanging.map(|(folders, look)| {
            look.is_told = true;
            look.words(folders, now)
        });
        told.collect()
    }

    /// What the operator should look at.
    pub fn alarms(&self) -> Vec<String> {
        let now = running();
        let looks = self.lock();
        looks.iter().filter(|(_, look)| look.hangs(now)).map(|(folders, look)| look.words(folders, now)).collect()
    }

    /// Whether nobody is looking at them: now somebody is.
    fn begin(&self, folders: &Folders, now: Duration) -> bool {
        let mut looks = self.lock();
        let is_free = !looks.contains_key(folders);
        if is_free {
            let under_way = UnderWay { since: now, path: PathBuf::new(), is_told: false };
            looks.insert(folders.clone(), under_way);
        }
        is_free
    }

    /// The next file is looked at; gives what is to be said of the last one.
    fn go_on(&self, folders: &Folders, path: PathBuf, now: Duration) -> Option<String> {
        let next = UnderWay { since: now, path, is_told: false };
        let last = std::mem::replace(self.lock().get_mut(folders)?, next);
        last.words_at_end(now)
    }

    /// The last file has been looked at; gives what is to be said of it.
    fn end(&self, folders: &Folders, now: Duration) -> Option<String> {
        self.lock().remove(folders)?.words_at_end(now)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Folders, UnderWay>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    fn hangs(&self, now: Duration) -> bool {
        now.saturating_sub(self.since) > LIMIT
    }

    /// What is said of it when it is over; none: nothing was said of it before.
    fn words_at_end(&self, now: Duration) -> Option<String> {
        let seconds = now.saturating_sub(self.since).as_secs();
        self.is_told.then(|| format!("{} can be looked at again, after {seconds} s", self.path.display()))
    }

    fn words(&self, folders: &Folders, now: Duration) -> String {
        let folders: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
        format!(
            "{} has not answered for {} s: the disk hangs, or what is mounted there; what has changed in {} does not come into force \
             before it answers, renewed certificates least of all, and what was read before goes on",
            self.path.display(),
            now.saturating_sub(self.since).as_secs(),
            folders.join(" and ")
        )
    }
}

/// Ends a look, however it ends.
struct Ending {
    looks: Arc<Looks>,
    folders: Folders,
}

impl Drop for Ending {
    fn drop(&mut self) {
        tell_end(self.looks.end(&self.folders, running()));
    }
}

fn tell_end(words: Option<String>) {
    if let Some(words) = words {
        tracing::info!("{words}");
    }
}

#[cfg(test)]
mod tests;
