//! How many requests a service has refused, and why.

#![allow(clippy::disallowed_types, reason = "held while a document is laid out")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Those of this process, by service: what is counted for one document goes on with the next one.
static KNOWN: Mutex<BTreeMap<String, Weak<Refusals>>> = Mutex::new(BTreeMap::new());

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
    /// Those of the service of this name.
    pub fn of(service: &str) -> Arc<Refusals> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, refusals| refusals.strong_count() > 0);
        if let Some(refusals) = known.get(service).and_then(Weak::upgrade) {
            return refusals;
        }
        let refusals = Arc::default();
        known.insert(service.to_owned(), Arc::downgrade(&refusals));
        refusals
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
