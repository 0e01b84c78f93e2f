//! Takes the fleet lock on all hosts or on none, keeps it, gives it back. The lock itself is a host's: [`crate::push::host::lock`].
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

/// How long a gate may take to say who has the lock.
const LIMIT: Duration = Duration::from_secs(10);

/// A lock is renewed so many times in its duration: two failures in a row do not lose it.
const RENEWALS: u64 = 3;

/// Why the lock was not taken. It is held nowhere then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockError {
    /// Somebody has it.
    Locked {
        /// On this host.
        host: String,
        /// Who.
        holder: Box<Lock>,
    },
    /// A host gave no answer, or another one.
    Failed {
        /// Which.
        host: String,
        /// Why.
        why: Error,
    },
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Locked { host, holder } => write!(
                f,
                "{host} is locked by {}; wait for it, or `polder lock --break --why TEXT` if its holder is gone",
                holder.in_words()
            ),
            LockError::Failed { host, why } => {
                write!(f, "{host} cannot be locked: {why}; fix that, or leave it out with --skip {host}")
            }
        }
    }
}

impl std::error::Error for LockError {}

impl From<LockError> for Error {
    fn from(error: LockError) -> Error {
        Error::new(error)
    }
}

/// The lock, held on all hosts and renewed until this is dropped, which gives it back.
pub struct HeldLock {
    gates: Arc<dyn Gates>,
    hosts: Vec<String>,
    token: String,
    /// Renewal ends when this goes.
    renewal: Option<(Sender<()>, JoinHandle<()>)>,
    lost: Arc<ArcSwapOption<String>>,
    /// It outlives this: an operator took it by hand.
    stays: bool,
}

impl HeldLock {
    /// Takes it on all hosts in order of their names, for so many seconds at a time. A lock without a token gets one.
    ///
    /// # Errors
    ///
    /// The first host that refuses; the others have it back.
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
            // It may have been taken even where no answer came: then it is given back there too.
            let unsure = matches!(answer, Err(NoAnswer::Unreachable(_)));
            if unsure || matches!(answer, Ok(Answer::Done)) {
                held.hosts.push(host.clone());
            }
            refused(&host, answer)?;
        }
        held.renewal = Some(renewal(&held, seconds));
        Ok(held)
    }

    /// Takes it for `who`: if that is whoever took it by hand on this machine, with that lock's token, and then it stays
    /// when this is dropped.
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
        // It must not end earlier than its holder was told.
        let seconds = seconds.max((kept.until - now).div_ceil(1000));
        HeldLock::all_or_none(Arc::clone(gates) as Arc<dyn Gates>, hosts, kept.lock, seconds, true)
    }

    /// What the hosts want to see with each step.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Where it is held, in order of names.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// Why it is no longer sure that it is held everywhere: a host said so, or was silent for the last renewal.
    pub fn lost(&self) -> Option<String> {
        self.lost.load_full().map(|why| why.to_string())
    }

    /// Leaves it where it is, not renewed any more: it ends by itself, or by its token.
    pub fn keep(mut self) {
        self.stays = true;
    }

    /// Gives it back everywhere. What is returned are the hosts that did not hear of it: there it ends by itself.
    pub fn release(mut self) -> Vec<(String, Error)> {
        self.give_back()
    }

    fn give_back(&mut self) -> Vec<(String, Error)> {
        if let Some((stop, thread)) = self.renewal.take() {
            drop(stop);
            // It ends at once, or after the renewal that it is in.
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

/// Gives a lock back on hosts, by its token. What is returned are those that did not hear of it.
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
    /// With its token.
    pub lock: Lock,
    /// Where.
    pub hosts: Vec<String>,
    /// When it ends, in milliseconds since the epoch, by this machine's clock.
    pub until: u64,
}

impl ManualLock {
    /// The one that was kept last. A file that cannot be read is none: the hosts know who has the lock.
    pub fn read(admin: &Admin) -> Option<ManualLock> {
        let text = std::fs::read(file(admin)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Keeps it.
    ///
    /// # Errors
    ///
    /// The state folder cannot be written.
    pub fn write(&self, admin: &Admin) -> io::Result<()> {
        state::write(&file(admin), &serde_json::to_string(self)?)
    }

    /// Forgets it.
    ///
    /// # Errors
    ///
    /// The file is there and cannot be removed.
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
