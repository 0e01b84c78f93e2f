//! Takes the fleet lock on all hosts or on none, renews it and releases it. A host's part of it is [`crate::push::host::lock`].
//!
//! Owns `STATE_DIR/lock.json`, the token of a lock that an operator took by hand (`polder lock`). Called by the verbs that change
//! hosts.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use serde::{Deserialize, Serialize};

use crate::push::admin::Admin;
use crate::push::admin::state;
use crate::push::error::Error;
use crate::push::host::lock::Lock;
use crate::push::protocol::{Answer, Instruction};
use crate::push::remote::gates::{Gates, instruct_all};
use crate::push::remote::no_answer::{NoAnswer, unexpected};

/// How long a gate may take to answer about the lock.
const LIMIT: Duration = Duration::from_secs(10);

/// How often a lock is renewed within its duration, so that two failed renewals in a row do not lose it.
const RENEWALS: u64 = 3;

/// Why the lock was not taken. In that case it is held on no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds it.
    #[error(
        "{host} is locked by {}; wait for it, or `polder lock --break --why TEXT` if its holder is gone",
        holder.in_words()
    )]
    Locked {
        /// The host on which it is held.
        host: String,
        /// The lock in the way.
        holder: Box<Lock>,
    },
    /// A host did not answer, or not as expected.
    #[error("{host} cannot be locked: {why}; fix that, or leave it out with --skip {host}")]
    Failed {
        /// The host.
        host: String,
        /// Why.
        why: Error,
    },
}

impl From<LockError> for Error {
    fn from(error: LockError) -> Error {
        Error::new(error)
    }
}

/// The lock, held on all hosts and renewed until this value is dropped, which releases it.
pub struct HeldLock {
    gates: Arc<dyn Gates>,
    hosts: Vec<String>,
    token: String,
    /// The renewing thread, which ends when the sender is dropped.
    renewal: Option<(Sender<()>, JoinHandle<()>)>,
    lost: Arc<ArcSwapOption<String>>,
    /// Whether the lock stays when this is dropped, because an operator took it by hand.
    stays: bool,
}

impl HeldLock {
    /// Takes the lock on all hosts, in order of their names, for `seconds` at a time. A lock without a token gets one.
    ///
    /// # Errors
    ///
    /// The first host that refuses; the lock is released on the others.
    pub fn take<G: Gates + 'static>(
        gates: &Arc<G>,
        hosts: &[String],
        lock: Lock,
        seconds: u64,
    ) -> Result<HeldLock, LockError> {
        HeldLock::all_or_none(Arc::clone(gates) as Arc<dyn Gates>, hosts, lock, seconds, false)
    }

    fn all_or_none(
        gates: Arc<dyn Gates>,
        hosts: &[String],
        mut lock: Lock,
        seconds: u64,
        stays: bool,
    ) -> Result<HeldLock, LockError> {
        if lock.token.is_empty() {
            lock.token =
                crate::push::keys::make().map_err(|why| LockError::Failed { host: "this machine".to_owned(), why })?.0;
        }
        let mut hosts = hosts.to_vec();
        hosts.sort();
        let mut held = HeldLock {
            gates,
            hosts: Vec::new(),
            token: lock.token.clone(),
            renewal: None,
            lost: Arc::new(ArcSwapOption::empty()),
            stays,
        };
        for host in hosts {
            let answer = held.gates.instruct(&host, &Instruction::Lock { lock: lock.clone(), seconds }, LIMIT);
            // Without an answer it may have been taken all the same, so it is released there too.
            let unsure = matches!(answer, Err(NoAnswer::Unreachable(_)));
            if unsure || matches!(answer, Ok(Answer::Done)) {
                held.hosts.push(host.clone());
            }
            refused(&host, answer)?;
        }
        held.renewal = Some(renewal(&held, seconds));
        Ok(held)
    }

    /// Takes the lock. If its holder has taken it by hand on this machine, uses that lock's token, and leaves the lock in place when
    /// this is dropped.
    ///
    /// # Errors
    ///
    /// As [`HeldLock::take`].
    pub fn take_or_use<G: Gates + 'static>(
        admin: &Admin,
        gates: &Arc<G>,
        hosts: &[String],
        lock: Lock,
        seconds: u64,
    ) -> Result<HeldLock, LockError> {
        let now = crate::unix_time::unix_ms();
        let by_hand = ManualLock::read(admin).filter(|kept| kept.lock.holder == lock.holder && kept.until > now);
        let Some(kept) = by_hand else { return HeldLock::take(gates, hosts, lock, seconds) };
        // It must not expire earlier than its holder was told.
        let seconds = seconds.max((kept.until - now).div_ceil(1000));
        HeldLock::all_or_none(Arc::clone(gates) as Arc<dyn Gates>, hosts, kept.lock, seconds, true)
    }

    /// The token that hosts require with each instruction.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The hosts on which it is held, in order of their names.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// Why the lock may no longer be held everywhere: a host refused the last renewal or did not answer it.
    pub fn lost(&self) -> Option<String> {
        self.lost.load_full().map(|why| why.to_string())
    }

    /// Stops renewing the lock and leaves it in place: it expires, or is released by its token.
    pub fn keep(mut self) {
        self.stays = true;
    }

    /// Releases it everywhere. Returns the hosts that could not be told; there it expires.
    pub fn release(mut self) -> Vec<(String, Error)> {
        self.give_back()
    }

    fn give_back(&mut self) -> Vec<(String, Error)> {
        if let Some((stop, thread)) = self.renewal.take() {
            drop(stop);
            // The thread ends at once, or after the renewal under way.
            let _ = thread.join();
        }
        let hosts = std::mem::take(&mut self.hosts);
        if self.stays { Vec::new() } else { give_back(&*self.gates, &hosts, &self.token) }
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl fmt::Debug for HeldLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeldLock({})", self.hosts.join(", "))
    }
}

/// Releases a lock on hosts, by its token. Returns the hosts that could not be told.
pub fn give_back<G: Gates + ?Sized>(gates: &G, hosts: &[String], token: &str) -> Vec<(String, Error)> {
    let answers = instruct_all(gates, hosts, &Instruction::Unlock { token: token.to_owned() }, LIMIT);
    let missed = hosts.iter().zip(answers).filter(|(_, answer)| !matches!(answer, Ok(Answer::Done)));
    missed.map(|(host, answer)| (host.clone(), unexpected(answer))).collect()
}

fn renewal(held: &HeldLock, seconds: u64) -> (Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = mpsc::channel::<()>();
    let (gates, hosts, token) = (Arc::clone(&held.gates), held.hosts.clone(), held.token.clone());
    let lost = Arc::clone(&held.lost);
    let pause = Duration::from_secs(seconds) / RENEWALS as u32;
    let thread = std::thread::spawn(move || {
        while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            let answers = instruct_all(&*gates, &hosts, &Instruction::Renew { token: token.clone(), seconds }, LIMIT);
            let failed = hosts.iter().zip(answers).find_map(|(host, answer)| refused(host, answer).err());
            lost.store(failed.map(|refusal| Arc::new(refusal.to_string())));
        }
    });
    (stop, thread)
}

fn refused(host: &str, answer: Result<Answer, NoAnswer>) -> Result<(), LockError> {
    let host = host.to_owned();
    match answer {
        Ok(Answer::Done) => Ok(()),
        Ok(Answer::Locked { holder }) => Err(LockError::Locked { host, holder: Box::new(holder) }),
        other => Err(LockError::Failed { host, why: unexpected(other) }),
    }
}

/// A lock that an operator took by hand on this admin machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManualLock {
    /// The lock, with its token.
    pub lock: Lock,
    /// The hosts on which it is held.
    pub hosts: Vec<String>,
    /// When it ends, in milliseconds since the epoch, by this machine's clock.
    pub until: u64,
}

impl ManualLock {
    /// The one that was saved last; `None` if there is none or it cannot be read. The hosts know who holds the lock.
    pub fn read(admin: &Admin) -> Option<ManualLock> {
        let text = std::fs::read(file(admin)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Saves it.
    ///
    /// # Errors
    ///
    /// The state folder cannot be written.
    pub fn write(&self, admin: &Admin) -> io::Result<()> {
        state::write(&file(admin), &serde_json::to_string(self)?)
    }

    /// Removes the saved one.
    ///
    /// # Errors
    ///
    /// The file exists and cannot be removed.
    pub fn forget(admin: &Admin) -> io::Result<()> {
        match std::fs::remove_file(file(admin)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn file(admin: &Admin) -> PathBuf {
    admin.state_dir.join("lock.json")
}

#[cfg(test)]
mod tests;
