//! Passwords are verified here: in turns, on a few threads of their own, never on a worker's.

#![allow(
    clippy::disallowed_types,
    reason = "held for moments, by requests whose password was not verified lately, and by what verifies it"
)]

use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};

use rustix::process::setpriority_process;
use tokio::sync::oneshot;

use crate::proxy::edge::basic_auth::ToVerify;
use crate::proxy::edge::basic_auth::queue::{Asker, Full, Network, Queue};
use crate::proxy::edge::basic_auth::users::Digest;
use crate::running_time::running;

/// One thread for so many cores, at least one: whoever sends wrong passwords all day takes no more from those who are served.
const CORES: usize = 4;

/// The most threads. Each may take the memory of a hash.
const MOST_THREADS: usize = 4;

/// What is added to their niceness (setpriority(2)): where cores are short, requests that are let in come first.
const NICE: i32 = 5;

/// Those of the process.
static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| Verifier {
    state: Mutex::default(),
    work: Condvar::new(),
    most_threads: (std::thread::available_parallelism().map_or(1, usize::from) / CORES).clamp(1, MOST_THREADS),
});

struct Verifier {
    state: Mutex<State>,
    work: Condvar,
    most_threads: usize,
}

#[derive(Default)]
struct State {
    queue: Queue<Digest, Box<ToVerify>, oneshot::Sender<bool>>,
    threads: usize,
    /// Of them wait for work.
    idle: usize,
}

/// Has a password verified, for whoever of this network shows it. Dropped, the receiver needs no answer any more; it gets none if no
/// thread can be started, or if it has to make room for others.
///
/// # Errors
///
/// As many wait as may.
pub fn verify(job: Box<ToVerify>, network: Network) -> Result<oneshot::Receiver<bool>, Full> {
    let verifier: &'static Verifier = &VERIFIER;
    let (reply, answer) = oneshot::channel();
    let mut state = verifier.lock();
    let asker = Asker { service: Arc::clone(&job.service), network };
    state.queue.join(job.digest, asker, || job, reply)?;
    if state.idle == 0 && state.threads < verifier.most_threads {
        let named = std::thread::Builder::new().name(format!("password-{}", state.threads));
        match named.spawn(|| verifier.work()) {
            Ok(_) => state.threads += 1,
            Err(_) if state.threads > 0 => {}
            // With what waits in it: nobody would ever answer.
            Err(_) => state.queue = Queue::default(),
        }
    }
    verifier.work.notify_one();
    Ok(answer)
}

impl Verifier {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One thread, for as long as the process lives.
    fn work(&self) {
        // Of this thread alone. Without it, it does the same.
        let _ = setpriority_process(None, NICE);
        let mut state = self.lock();
        loop {
            let Some((digest, job)) = state.queue.take(|reply| !reply.is_closed()) else {
                state.idle += 1;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
                continue;
            };
            drop(state);
            let is_right = job.users.verify(&job.credentials, running());
            state = self.lock();
            for reply in state.queue.finish(digest) {
                // Whoever does not wait any more needs no answer.
                let _ = reply.send(is_right);
            }
        }
    }
}
