//! Ctrl-C during a push: the first one ends it in order, the second at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::super::output::complain;
use crate::daemon::signals::{Signal, Signals};

/// From here on SIGINT and SIGTERM set what is returned: hosts on trial go back, no further one is begun, the lock is given back.
/// A second one kills this process: then hosts on trial go back when their time is over, and the lock ends by itself.
pub(super) fn watch_for_interrupts() -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&interrupted);
    thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        let _ = runtime.block_on(watch(&seen));
    });
    interrupted
}

async fn watch(interrupted: &AtomicBool) -> std::io::Result<()> {
    let mut signals = Signals::install()?;
    loop {
        if signals.next().await != Signal::Stop {
            continue;
        }
        if interrupted.swap(true, Ordering::Relaxed) {
            nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL)?;
        }
        complain("interrupted: hosts on trial go back, no further one is begun; once more to leave at once");
    }
}
