//! What waits for a disk, apart from the worker's thread: on a few threads of its own, and never more at once.
//!
//! A disk that does not answer holds those up and nothing else: who waits for them has a time limit, and goes away without leaving
//! anything behind.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// How many threads of a worker may wait for disks at once.
pub const THREADS: usize = 8;

/// The places on these threads.
#[derive(Debug, Clone)]
pub struct Disk(Arc<Semaphore>);

impl Default for Disk {
    fn default() -> Disk {
        Disk(Arc::new(Semaphore::new(THREADS)))
    }
}

impl Disk {
    /// Has a job done there. None: it panicked.
    pub async fn wait_for<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        // Held until the job is over, whoever still waits for it; it is never closed.
        let place = Arc::clone(&self.0).acquire_owned().await.ok()?;
        let job = move || {
            let done = job();
            drop(place);
            done
        };
        tokio::task::spawn_blocking(job).await.ok()
    }
}

#[cfg(test)]
mod tests;
