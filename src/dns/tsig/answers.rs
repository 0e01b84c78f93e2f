//! The answer to a message that we have signed: signed with the same key, or not believed.

use aws_lc_rs::hmac;

use super::{ARCOUNT, Key, Signer};
use crate::dns::answer::TsigPlace;
use crate::zone::name;

/// How many messages of an answer may come without a signature between two that have one (RFC 8945, 5.3.1).
const UNSIGNED: usize = 99;

/// Verifies the messages of the answer to one message.
#[derive(Debug, Clone)]
pub struct Verifier {
    key: Key,
    /// What has been signed so far of what the next signature is about.
    context: hmac::Context,
    is_first: bool,
    /// Messages since the last signature.
    unsigned: usize,
}

/// Why an answer is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// It has no signature where it must have one.
    #[error("the answer is not signed")]
    Unsigned,
    /// It is signed with something else.
    #[error("the answer is not signed with the key that it was asked with")]
    OtherKey,
    /// The signature is not the key's.
    #[error(
        "the signature of the answer is not that of the key: the two sides have different secrets, or somebody has changed it"
    )]
    BadSignature,
    /// The clocks are too far apart.
    #[error("the answer was signed at another time: compare the clocks of the two sides")]
    BadTime,
    /// The other side says what is wrong with ours.
    #[error("the other side refuses the signature: {}", refusal(*.0))]
    Refused(u16),
}

fn refusal(code: u16) -> &'static str {
    match code {
        16 => "it is not that of the key (BADSIG): the two sides have different secrets",
        17 => "it knows no such key (BADKEY): compare its name and algorithm",
        18 => "it was signed at another time (BADTIME): compare the clocks of the two sides",
        22 => "it is too short (BADTRUNC)",
        _ => "it gives an error that is not known here",
    }
}

impl Signer<'_> {
    /// Verifies the answer to what was signed last.
    pub fn verifier(self) -> Verifier {
        let mut context = hmac::Context::with_key(self.key.secret());
        context.update(&(self.before.len() as u16).to_be_bytes());
        context.update(&self.before);
        Verifier { key: self.key.clone(), context, is_first: true, unsigned: 0 }
    }
}

impl Verifier {
    /// Takes the next message, and gives where its signature begins, or its end if it has none. `now` is in seconds since the epoch.
    ///
    /// # Errors
    ///
    /// Nothing of the answer is to be believed.
    pub fn take(&mut self, message: &[u8], now: u64) -> Result<usize, Unproven> {
        let Some(place) = TsigPlace::of(message) else {
            self.unsigned += 1;
            if self.is_first || self.unsigned > UNSIGNED {
                return Err(Unproven::Unsigned);
            }
            self.context.update(message);
            return Ok(message.len());
        };
        let time = &message[place.fudge_end - 8..place.fudge_end];
        let mac = &message[place.fudge_end + 2..place.original_id];
        let tail = &message[place.original_id + 2..];
        let error = u16::from_be_bytes([tail[0], tail[1]]);
        if mac.is_empty() && error != 0 {
            return Err(Unproven::Refused(error));
        }
        let name = name::expand(message, place.key).map(|(name, _)| name.to_ascii_lowercase());
        let algorithm = message[place.algorithm..place.fudge_end - 8].to_ascii_lowercase();
        if name.as_deref() != Some(self.key.name()) || algorithm != self.key.algorithm_name() {
            return Err(Unproven::OtherKey);
        }
        let mut bare = message[..place.key].to_vec();
        bare[..2].copy_from_slice(&message[place.original_id..place.original_id + 2]);
        let additional = u16::from_be_bytes([bare[ARCOUNT], bare[ARCOUNT + 1]]).wrapping_sub(1);
        bare[ARCOUNT..ARCOUNT + 2].copy_from_slice(&additional.to_be_bytes());
        if self.is_first {
            self.key.variables(time, tail, &mut bare);
        } else {
            bare.extend_from_slice(time);
        }
        self.context.update(&bare);
        let mut next = hmac::Context::with_key(self.key.secret());
        next.update(&(mac.len() as u16).to_be_bytes());
        next.update(mac);
        let expected = std::mem::replace(&mut self.context, next).sign();
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_ref(), mac)
            .map_err(|_| Unproven::BadSignature)?;
        let mut at = [0; 8];
        at.copy_from_slice(time);
        let (said, fudge) = (u64::from_be_bytes(at) >> 16, u64::from(u16::from_be_bytes([at[6], at[7]])));
        if error != 0 {
            return Err(Unproven::Refused(error));
        }
        if said.abs_diff(now) > fudge {
            return Err(Unproven::BadTime);
        }
        (self.is_first, self.unsigned) = (false, 0);
        Ok(place.key)
    }

    /// Whether nothing has come behind the last signature: the last message has one (RFC 8945, 5.3.1).
    pub fn is_complete(&self) -> bool {
        !self.is_first && self.unsigned == 0
    }
}
