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
mod tests {
    #![allow(clippy::unwrap_used)]

    use nix::sys::signal::{Signal as Number, raise};

    use super::*;

    #[tokio::test]
    async fn hangup_reloads_and_terminate_and_interrupt_stop() {
        let mut signals = Signals::install().unwrap();
        for (number, meaning) in
            [(Number::SIGHUP, Signal::Reload), (Number::SIGTERM, Signal::Stop), (Number::SIGINT, Signal::Stop)]
        {
            raise(number).unwrap();
            assert_eq!(signals.next().await, meaning);
        }
        raise(Number::SIGHUP).unwrap();
        raise(Number::SIGTERM).unwrap();
        signals.told_to_stop().await;
        assert_eq!(signals.next().await, Signal::Reload, "kept");
    }
}
