//! A manifest: one instruction for one host and one moment, signed by an admin's key.
//!
//! Owns what is signed ([`Manifest`]), its line on the wire ([`seal`], [`open`]) and whether a host accepts it
//! ([`AcceptedManifests::admit`]: pure, the clock is passed in). So a deploy key alone changes nothing, and a manifest is of no use at
//! another host, later, or a second time. Must never: parse a text before its signature is checked.
//! Called by [`crate::push::remote`] on the admin machine, by [`crate::push::gate`] on the host.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::push::error::Error;
use crate::push::protocol::signing::{SigningKey, TrustedKeys};
use crate::push::protocol::{Clock, Instruction};

/// Precedes every text that is signed, so that no other signature, such as that of a store path, is valid for a manifest.
const CONTEXT: &[u8] = b"polder manifest 1\n";

/// The longest validity of a manifest that a host accepts, in milliseconds.
pub const LONGEST: u64 = 5 * 60 * 1000;

/// The validity of the pusher's manifests, in milliseconds: a busy host may be slow to read them.
pub const VALIDITY: u64 = 2 * 60 * 1000;

/// How far a counter may be ahead of the host's clock and of its highest counter, in milliseconds, so that nobody can use the
/// counters up.
const FARTHEST: u64 = 24 * 3600 * 1000;

/// How many counters a host remembers one by one. Every counter below the lowest of them counts as used.
const REMEMBERED: usize = 4096;

/// An instruction with all that is signed with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The host for which it is signed.
    pub host: String,
    /// Accepted once by each host. Counters are milliseconds since the epoch, or the next unused number.
    pub counter: u64,
    /// When it expires, in milliseconds since the epoch by the host's clock.
    pub expires: u64,
    /// What to do.
    pub instruction: Instruction,
}

/// The line that carries a manifest: its signature, a space, its text.
///
/// # Errors
///
/// It has no JSON form.
pub fn seal(manifest: &Manifest, key: &SigningKey) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string(manifest)?;
    Ok(format!("{} {text}", key.sign(&[CONTEXT, text.as_bytes()].concat())))
}

/// Verifies and parses a manifest. Returns it and the name of the key that signed it.
///
/// # Errors
///
/// It is not signed, not by one of these keys, or not understood.
pub fn open<'l>(line: &'l str, keys: &TrustedKeys) -> Result<(Manifest, &'l str), Error> {
    let (signature, text) =
        line.split_once(' ').ok_or_else(|| Error::new("not a signed manifest: expected SIGNATURE TEXT"))?;
    let signer = keys.check(&[CONTEXT, text.as_bytes()].concat(), signature)?;
    let manifest = serde_json::from_str(text).map_err(|error| Error::new(format!("unknown instruction: {error}")))?;
    Ok((manifest, signer))
}

/// The counters that a host has accepted, which it keeps on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedManifests {
    /// Every counter up to this one counts as used.
    floor: u64,
    /// The accepted counters above `floor`, each with the time at which its manifest expires.
    recent: BTreeMap<u64, u64>,
    /// The counter of the last activation, after which none with a lower counter is accepted.
    activated: u64,
}

/// Why a manifest is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestRejection {
    /// It would be rejected at any time.
    Refused(String),
    /// It would be accepted if signed again, by this host's clock and with a new counter.
    Stale(String),
}

impl AcceptedManifests {
    /// A record by which every counter up to this one is used.
    pub fn up_to(counter: u64) -> AcceptedManifests {
        AcceptedManifests { floor: counter, recent: BTreeMap::new(), activated: counter }
    }

    /// The highest counter so far.
    pub fn highest(&self) -> u64 {
        self.recent.last_key_value().map_or(self.floor, |(counter, _)| *counter)
    }

    /// The clock to tell a pusher.
    pub fn clock(&self, now: u64) -> Clock {
        Clock { now, counter: self.highest() }
    }

    /// Accepts a manifest at this host and time, once. Returns the record to keep from now on.
    ///
    /// # Errors
    ///
    /// It is for another host, has expired, is valid for too long, or was used already.
    pub fn admit(&self, manifest: &Manifest, host: &str, now: u64) -> Result<AcceptedManifests, ManifestRejection> {
        let Manifest { host: meant, counter, expires, instruction } = manifest;
        if meant != host {
            return Err(ManifestRejection::Refused(format!("this was signed for {meant}, and this host is {host}")));
        }
        self.check_time(*expires, now).map_err(ManifestRejection::Stale)?;
        self.check_counter(*counter, now).map_err(ManifestRejection::Stale)?;
        let mut taken = self.clone();
        if matches!(instruction, Instruction::Activate { .. }) {
            if *counter <= self.activated {
                let why =
                    format!("an activation with the later counter {} has begun here: sign it again", self.activated);
                return Err(ManifestRejection::Stale(why));
            }
            taken.activated = *counter;
        }
        taken.recent.insert(*counter, *expires);
        taken.forget(now);
        Ok(taken)
    }

    fn check_time(&self, expires: u64, now: u64) -> Result<(), String> {
        if expires <= now {
            return Err(format!("it expired {} s ago by this host's clock", (now - expires) / 1000));
        }
        if expires - now > LONGEST {
            let (ahead, longest) = ((expires - now) / 1000, LONGEST / 1000);
            return Err(format!(
                "it expires in {ahead} s by this host's clock, and a manifest is valid for {longest} s at most"
            ));
        }
        Ok(())
    }

    fn check_counter(&self, counter: u64, now: u64) -> Result<(), String> {
        if counter <= self.floor || self.recent.contains_key(&counter) {
            return Err(format!("its counter {counter} was used already; the highest so far is {}", self.highest()));
        }
        if counter > self.highest().max(now).saturating_add(FARTHEST) {
            return Err(format!("its counter {counter} is more than a day ahead of this host's clock and counters"));
        }
        Ok(())
    }

    /// Drops the counters of expired manifests and raises the floor above them, which also holds if the clock is set back.
    fn forget(&mut self, now: u64) {
        while let Some((&counter, &expires)) = self.recent.first_key_value() {
            if expires > now && self.recent.len() <= REMEMBERED {
                break;
            }
            self.recent.remove(&counter);
            self.floor = counter;
        }
    }
}

#[cfg(test)]
mod tests;
