//! A manifest: one instruction for one host and one moment, signed by an admin's key.
//!
//! Owns what is signed ([`Manifest`]), the line in which it travels ([`seal`], [`open`]) and whether a host takes it now
//! ([`AcceptedManifests::admit`]: pure, the clock is passed in). So a deploy key alone changes nothing, what was signed for one host is of no use
//! at another, and what was overheard or kept is of no use later. Must never: parse a text before its signature is checked.
//! Called by [`crate::push::remote`] on the admin machine, by [`crate::push::gate`] on the host.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::push::error::Error;
use crate::push::protocol::signing::{SigningKey, TrustedKeys};
use crate::push::protocol::{Clock, Instruction};

/// Stands before every text that is signed: no signature of anything else, least of all of a store path, is one of a manifest.
const CONTEXT: &[u8] = b"polder manifest 1\n";

/// How long a manifest may be good for, in milliseconds. A host refuses one that ends later.
pub const LONGEST: u64 = 5 * 60 * 1000;

/// How long the pusher makes them good for, in milliseconds: a host that is busy may be slow to read.
pub const VALIDITY: u64 = 2 * 60 * 1000;

/// A counter may be this far ahead of the host's clock and of the highest counter that it has taken, in milliseconds: one more would
/// leave no counters for those who come after.
const FARTHEST: u64 = 24 * 3600 * 1000;

/// Counters that a host remembers one by one. Below the lowest of them every counter counts as taken.
const REMEMBERED: usize = 4096;

/// What is signed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The host that may do it.
    pub host: String,
    /// No host takes a counter twice. Counters are milliseconds since the epoch, or the next free number after it.
    pub counter: u64,
    /// Until when it may be done, in milliseconds since the epoch by the host's clock.
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

/// A manifest with a good signature, and the name of the key that signed it.
///
/// # Errors
///
/// It is not signed, not by one of these keys, or not understood: in words.
pub fn open<'l>(line: &'l str, keys: &TrustedKeys) -> Result<(Manifest, &'l str), Error> {
    let (signature, text) =
        line.split_once(' ').ok_or_else(|| Error::new("not a signed manifest: expected SIGNATURE TEXT"))?;
    let signer = keys.check(&[CONTEXT, text.as_bytes()].concat(), signature)?;
    let manifest = serde_json::from_str(text).map_err(|error| Error::new(format!("unknown instruction: {error}")))?;
    Ok((manifest, signer))
}

/// The counters that a host has taken. Kept on its disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedManifests {
    /// Every counter up to this one counts as taken.
    floor: u64,
    /// Above it: those that were taken, each with the time at which its manifest ends.
    recent: BTreeMap<u64, u64>,
    /// The counter of the last activation: an older one is never begun after it.
    activated: u64,
}

/// Why a manifest is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestRejection {
    /// Never: in words.
    Refused(String),
    /// It would be, signed again with this host's clock and a fresh counter: in words.
    Stale(String),
}

impl AcceptedManifests {
    /// That of a host which has taken everything with a counter up to this one.
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

    /// Takes a manifest at this host, at this time: what is to be remembered from here on. Each is taken once.
    ///
    /// # Errors
    ///
    /// It is for another host, too old, not yet good, or was taken already.
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

    /// Those whose manifests have ended need not be remembered one by one: the floor keeps them out, also when the clock is set back.
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
