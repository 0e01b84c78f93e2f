//! How many requests a service has refused, and why.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The visitor's network: 403.
    Network,
    /// No name and password of a user: 401.
    Password,
    /// Passwords cannot be verified now: 503.
    PasswordBusy,
    /// The server of `forward_auth` says so.
    ForwardAuth,
    /// It has not answered: 502, 503, 504.
    ForwardAuthFailed,
}

impl Cause {
    /// Each of them, in the order of their counts.
    pub const ALL: [Cause; 5] =
        [Cause::Network, Cause::Password, Cause::PasswordBusy, Cause::ForwardAuth, Cause::ForwardAuthFailed];

    /// As metrics say it.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Network => "network",
            Cause::Password => "password",
            Cause::PasswordBusy => "password_busy",
            Cause::ForwardAuth => "forward_auth",
            Cause::ForwardAuthFailed => "forward_auth_failed",
        }
    }
}

/// The counts of one service, over all workers.
#[derive(Debug, Default)]
pub struct Refusals([AtomicU64; Cause::ALL.len()]);

impl Refusals {
    /// Goes on with what was counted before.
    pub fn follow(&self, before: &Refusals) {
        for (now, before) in self.0.iter().zip(&before.0) {
            now.store(before.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// Counts one.
    pub fn count(&self, cause: Cause) {
        self.0[cause as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn get(&self, cause: Cause) -> u64 {
        self.0[cause as usize].load(Ordering::Relaxed)
    }
}
