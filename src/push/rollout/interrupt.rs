//! Ctrl-C during a rollout: the first one ends it cleanly, the second one at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::daemon::signals::{Signal, Signals};

/// From now on the first SIGINT or SIGTERM sets the returned flag: hosts on trial go back, no further host is started, and the lock is
/// released. The second one kills this process: hosts on trial then go back at the end of their trial, and the lock expires.
/// `announce` tells the operator about the first one.
pub(super) fn watch_for_interrupts(announce: fn(&str)) -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        let _ = runtime.block_on(watch(&flag, announce));
    });
    interrupted
}

async fn watch(interrupted: &AtomicBool, announce: fn(&str)) -> std::io::Result<()> {
    let mut signals = Signals::install()?;
    loop {
        if signals.next().await != Signal::Stop {
            continue;
        }
        if interrupted.swap(true, Ordering::Relaxed) {
            nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL)?;
        }
        announce(
            "interrupted: hosts on trial go back, and no further host is started; press Ctrl-C again to quit at once",
        );
    }
}
