//! SIGTERM and SIGINT: stop. SIGHUP: reload. SIGPIPE is ignored by Rust's runtime; SIGUSR1 is free.

use tokio::signal::unix::{self, SignalKind};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// The process's signals.
#[derive(Debug)]
pub struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    hangup: unix::Signal,
}

impl Signals {
    /// Installs the handlers on the current runtime. From here on these signals no longer end the process.
    pub fn install() -> std::io::Result<Signals> {
        Ok(Signals {
            terminate: unix::signal(SignalKind::terminate())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            hangup: unix::signal(SignalKind::hangup())?,
        })
    }

    /// The next signal. Several of one kind that come before it is asked for count once.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            Some(()) = self.terminate.recv() => Signal::Stop,
            Some(()) = self.interrupt.recv() => Signal::Stop,
            Some(()) = self.hangup.recv() => Signal::Reload,
            // tokio documents these as unreachable while the runtime lives.
            else => std::future::pending().await,
        }
    }

    /// Waits for a [`Signal::Stop`] alone: for the time before ready. A [`Signal::Reload`] that comes meanwhile is kept.
    pub async fn told_to_stop(&mut self) {
        tokio::select! {
            Some(()) = self.terminate.recv() => {}
            Some(()) = self.interrupt.recv() => {}
            else => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests;
