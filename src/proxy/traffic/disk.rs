//! What waits for a disk, apart from the worker's thread: on a few threads of its own, and never more at once.
//!
//! A disk that does not answer holds those up and nothing else: who waits for them has a time limit, and goes away without leaving
//! anything behind. One folder cannot hold all of them: of a share that hangs, the others hear nothing.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::Semaphore;

/// How many threads of a worker may wait for disks at once.
pub const THREADS: usize = 16;

/// How many of them for one folder.
const OF_FOLDER: usize = 4;

/// The places on these threads.
#[derive(Debug)]
pub struct Disk {
    places: Arc<Semaphore>,
    /// Those of each folder, kept from one document to the next: what hangs there hangs on.
    folders: RefCell<HashMap<Arc<Path>, Arc<Semaphore>>>,
}

impl Default for Disk {
    fn default() -> Disk {
        Disk { places: Arc::new(Semaphore::new(THREADS)), folders: RefCell::default() }
    }
}

impl Disk {
    /// The places for one folder.
    pub fn of(&self, folder: &Arc<Path>) -> FolderDisk {
        let mut folders = self.folders.borrow_mut();
        if !folders.contains_key(folder) {
            // Of folders that no document names any more, and for which nothing waits, nothing is kept.
            folders.retain(|_, places| Arc::strong_count(places) > 1);
        }
        let of_folder = folders.entry(Arc::clone(folder)).or_insert_with(|| Arc::new(Semaphore::new(OF_FOLDER)));
        FolderDisk { of_folder: Arc::clone(of_folder), places: Arc::clone(&self.places) }
    }
}

/// The places for what lies in one folder.
#[derive(Debug, Clone)]
pub struct FolderDisk {
    of_folder: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl FolderDisk {
    /// Has a job done there. None: it panicked.
    pub async fn wait_for<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        // Held until the job is over, whoever still waits for it; they are never closed.
        let of_folder = Arc::clone(&self.of_folder).acquire_owned().await.ok()?;
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        let job = move || {
            let done = job();
            drop((place, of_folder));
            done
        };
        tokio::task::spawn_blocking(job).await.ok()
    }
}

#[cfg(test)]
mod tests;
