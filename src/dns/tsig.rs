//! TSIG (RFC 8945): messages that are signed with a key that both sides have.
//!
//! Owns the keys, what is signed, and in which order it is judged. Works on the bytes of messages, as the answer engine does. Must never:
//! show a secret, or compare signatures byte by byte (aws-lc-rs does, in constant time).

mod answers;
mod keys;

use aws_lc_rs::hmac;

use super::answer::TsigPlace;
use crate::zone::name;
pub use answers::{Unproven, Verifier};
pub use keys::{Key, Keys};

/// How far the clocks of the two sides may be apart in what is signed here, in seconds (RFC 8945, 10: 300 is recommended).
const FUDGE: u16 = 300;

/// The class of a TSIG record (RFC 8945, 4.2).
const CLASS_ANY: [u8; 2] = [0, 255];

/// The number of its type.
const TYPE: [u8; 2] = [0, 250];

/// Where the count of additional records stands in a message.
const ARCOUNT: usize = 10;

/// Why a signed query is refused (RFC 8945, 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There is no such key here, or it is of another algorithm.
    BadKey,
    /// The signature is not the key's.
    BadSignature,
    /// The signature has a length that none can have (RFC 8945, 5.2.2.1).
    Malformed,
}

impl Refused {
    /// Its number in the response's TSIG, which is not signed (RFC 8945, 5.3.2); none: the response has no TSIG.
    pub fn code(self) -> Option<u16> {
        match self {
            Refused::BadKey => Some(17),
            Refused::BadSignature => Some(16),
            Refused::Malformed => None,
        }
    }
}

/// What is wrong with a query whose signature is good: the response says so, signed (RFC 8945, 5.2.3 and 5.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untimely {
    /// The clocks are too far apart.
    BadTime,
    /// The signature is cut off, to a length that the standard allows and nobody needs.
    BadTruncation,
}

/// A query whose signature is good.
#[derive(Debug)]
pub struct Verified<'k> {
    /// Whose.
    pub key: &'k Key,
    /// What is wrong with it all the same.
    pub fault: Option<Untimely>,
    /// The query without its TSIG: what is to be answered.
    pub message: Vec<u8>,
    mac: Vec<u8>,
    /// The query's own time and fudge.
    time: [u8; 8],
}

/// Signs the messages of one response.
#[derive(Debug)]
pub struct Signer<'k> {
    key: &'k Key,
    /// The signature before: the query's, then that of each message.
    before: Vec<u8>,
    is_first: bool,
}

impl Keys {
    /// Judges a query's TSIG, which stands there. `now` is in seconds since the epoch.
    ///
    /// # Errors
    ///
    /// It is signed by nobody who is known here.
    pub fn verify(&self, message: &[u8], place: TsigPlace, now: u64) -> Result<Verified<'_>, Refused> {
        let name = name::expand(message, place.key).map(|(name, _)| name.to_ascii_lowercase()).unwrap_or_default();
        let time = place.fudge_end - 8;
        let algorithm = message[place.algorithm..time].to_ascii_lowercase();
        let key = self.get(&name).filter(|key| key.algorithm_name() == algorithm).ok_or(Refused::BadKey)?;
        let mac = &message[place.fudge_end + 2..place.original_id];
        let mut bare = message[..place.key].to_vec();
        let additional = u16::from_be_bytes([bare[ARCOUNT], bare[ARCOUNT + 1]]) - 1;
        bare[ARCOUNT..ARCOUNT + 2].copy_from_slice(&additional.to_be_bytes());
        // What forwarded it may have given it another identifier (RFC 8945, 5.2).
        let mut signed = bare.clone();
        signed[..2].copy_from_slice(&message[place.original_id..place.original_id + 2]);
        key.variables(&message[time..place.fudge_end], &message[place.original_id + 2..], &mut signed);
        let full = key.mac_length();
        let is_cut = mac.len() < full;
        match is_cut {
            true if mac.len() < (full / 2).max(10) => return Err(Refused::Malformed),
            true if !hmac::sign(key.secret(), &signed).as_ref().starts_with(mac) => return Err(Refused::BadSignature),
            true => {}
            false if mac.len() > full => return Err(Refused::Malformed),
            false => hmac::verify(key.secret(), &signed, mac).map_err(|_| Refused::BadSignature)?,
        }
        let mut at = [0; 8];
        at.copy_from_slice(&message[time..place.fudge_end]);
        let (said, fudge) = (u64::from_be_bytes(at) >> 16, u64::from(u16::from_be_bytes([at[6], at[7]])));
        let fault = match () {
            () if said.abs_diff(now) > fudge => Some(Untimely::BadTime),
            () if is_cut => Some(Untimely::BadTruncation),
            () => None,
        };
        Ok(Verified { key, fault, message: bare, mac: mac.to_vec(), time: at })
    }
}

impl<'k> Verified<'k> {
    /// Signs the response.
    pub fn signer(&self) -> Signer<'k> {
        Signer { key: self.key, before: self.mac.clone(), is_first: true }
    }

    /// Signs a response that says what is wrong with the query; of a wrong time it tells ours (RFC 8945, 5.2.3). Gives its length.
    pub fn sign_fault(&self, fault: Untimely, buffer: &mut [u8], length: usize, now: u64) -> usize {
        let mut signer = self.signer();
        match fault {
            Untimely::BadTime => signer.put(buffer, length, self.time, 18, &now.to_be_bytes()[2..]),
            Untimely::BadTruncation => signer.put(buffer, length, timed(now), 22, &[]),
        }
    }
}

impl<'k> Signer<'k> {
    /// Signs a message of our own, which nobody has asked for.
    pub fn new(key: &'k Key) -> Signer<'k> {
        Signer { key, before: Vec::new(), is_first: true }
    }

    /// The key that it signs with.
    pub fn key(&self) -> &'k Key {
        self.key
    }

    /// Signs the message that stands there, whose TSIG has [`Key::record_length`] bytes of room behind it. Gives its length. `now` is in
    /// seconds since the epoch.
    pub fn sign(&mut self, buffer: &mut [u8], length: usize, now: u64) -> usize {
        self.put(buffer, length, timed(now), 0, &[])
    }

    fn put(&mut self, buffer: &mut [u8], length: usize, time: [u8; 8], error: u16, other: &[u8]) -> usize {
        let mut signed = Vec::with_capacity(length + self.before.len() + 128);
        if !self.before.is_empty() {
            signed.extend_from_slice(&(self.before.len() as u16).to_be_bytes());
            signed.extend_from_slice(&self.before);
        }
        signed.extend_from_slice(&buffer[..length]);
        let tail: Vec<u8> = [&error.to_be_bytes()[..], &(other.len() as u16).to_be_bytes(), other].concat();
        match self.is_first {
            true => self.key.variables(&time, &tail, &mut signed),
            // Of later messages of a response only the times (RFC 8945, 5.3.1).
            false => signed.extend_from_slice(&time),
        }
        let mac = hmac::sign(self.key.secret(), &signed);
        let algorithm = self.key.algorithm_name();
        let data_length = algorithm.len() + time.len() + 2 + mac.as_ref().len() + 2 + tail.len();
        let record = [
            self.key.name(),
            &TYPE,
            &CLASS_ANY,
            &[0; 4],
            &(data_length as u16).to_be_bytes(),
            algorithm,
            &time,
            &(mac.as_ref().len() as u16).to_be_bytes(),
            mac.as_ref(),
            // The original identifier, which nobody forwards.
            &[buffer[0], buffer[1]],
            &tail,
        ]
        .concat();
        buffer[length..length + record.len()].copy_from_slice(&record);
        let additional = u16::from_be_bytes([buffer[ARCOUNT], buffer[ARCOUNT + 1]]) + 1;
        buffer[ARCOUNT..ARCOUNT + 2].copy_from_slice(&additional.to_be_bytes());
        (self.before, self.is_first) = (mac.as_ref().to_vec(), false);
        length + record.len()
    }
}

/// A time of 48 bits and the fudge.
fn timed(now: u64) -> [u8; 8] {
    (now << 16 | u64::from(FUDGE)).to_be_bytes()
}

#[cfg(test)]
mod tests;
