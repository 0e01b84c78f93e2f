//! Hashes of passwords: what `htpasswd -B` and argon2(1) write, read and verified (pure).
//!
//! Owns what one may cost: about a second of one core, and 64 MiB. Must never: print a hash.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::daemon::key_file::KeyError;
use crate::memory;

/// Rounds of bcrypt as their binary logarithm: a second with 14.
const COSTS: std::ops::RangeInclusive<u32> = 4..=14;

/// What a hash of argon2 may take, in KiB: as much as OWASP asks for, and more.
const MOST_MEMORY: u32 = 64 * 1024;

/// How much of memory it may fill in all its passes, in KiB: about a second.
const MOST_FILLED: u64 = 8 * MOST_MEMORY as u64;

/// Its lanes; they are filled one after the other.
const MOST_LANES: u32 = 16;

/// The most bytes of its salt and of its digest.
const MOST_BYTES: usize = 64;

/// What bcrypt reads of a password, with the zero at its end.
const BCRYPT_BYTES: usize = 72;

/// The hash of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Hash(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Bcrypt { cost: u32, salt: [u8; 16], digest: [u8; 23] },
    Argon2id { params: Params, salt: Box<[u8]>, digest: Box<[u8]> },
}

impl Hash {
    /// Reads one: `$2y$10$...`, `$argon2id$v=19$m=65536,t=3,p=4$...`.
    ///
    /// # Errors
    ///
    /// It is of another kind, malformed, or would cost too much.
    pub fn parse(text: &str) -> Result<Hash, KeyError> {
        let mut parts = text.split('$');
        let kind = match (parts.next(), parts.next()) {
            (Some(""), Some("2a" | "2b" | "2y")) => bcrypt(parts.collect()),
            (Some(""), Some("argon2id")) => argon2id(parts.collect()),
            _ => Err(KeyError::new(
                "its hash is neither of bcrypt nor of argon2id: `htpasswd -nB USER` makes a line with one",
            )),
        };
        kind.map(Hash)
    }

    /// Whether it is of this password. Takes as long whatever the password is.
    pub fn verify(&self, password: &[u8]) -> bool {
        match &self.0 {
            Kind::Bcrypt { cost, salt, digest } => {
                let mut text = [0; BCRYPT_BYTES];
                let read = password.len().min(BCRYPT_BYTES);
                text[..read].copy_from_slice(&password[..read]);
                let made = bcrypt::bcrypt(*cost, *salt, &text[..(read + 1).min(BCRYPT_BYTES)]);
                verify_slices_are_equal(&made[..digest.len()], digest).is_ok()
            }
            Kind::Argon2id { params, salt, digest } => {
                let mut memory = memory::vector(params.block_count());
                memory.resize(params.block_count(), Block::new());
                let mut made = [0; MOST_BYTES];
                let made = &mut made[..digest.len()];
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
                // The bounds that it has were kept when the hash was read.
                let done = argon2.hash_password_into_with_memory(password, salt, made, &mut memory[..]);
                done.is_ok() && verify_slices_are_equal(made, digest).is_ok()
            }
        }
    }
}

/// `10$` and then 22 characters of salt and 31 of the digest, in bcrypt's own base64.
fn bcrypt(parts: Vec<&str>) -> Result<Kind, KeyError> {
    let malformed = || KeyError::new("its hash of bcrypt is malformed: expected like $2y$10$ and 53 characters");
    let [cost, rest] = parts[..] else { return Err(malformed()) };
    let cost: u32 = cost.parse().map_err(|_| malformed())?;
    if !COSTS.contains(&cost) {
        return Err(KeyError::new(format!(
            "its hash of bcrypt has cost {cost}: expected {} to {} (`htpasswd -nB -C 12 USER` makes one), for each step doubles the time \
             that one takes",
            COSTS.start(),
            COSTS.end()
        )));
    }
    let (salt, digest) = rest.split_at_checked(22).ok_or_else(malformed)?;
    let decode = |text: &str| bcrypt::BASE_64.decode(text).map_err(|_| malformed());
    let salt = decode(salt)?.try_into().map_err(|_| malformed())?;
    let digest = decode(digest)?.try_into().map_err(|_| malformed())?;
    Ok(Kind::Bcrypt { cost, salt, digest })
}

/// `v=19`, `m=65536,t=3,p=4`, the salt, the digest (PHC string format).
fn argon2id(parts: Vec<&str>) -> Result<Kind, KeyError> {
    let malformed = || {
        KeyError::new(
            "its hash of argon2id is malformed: expected like $argon2id$v=19$m=65536,t=3,p=4$SALT$HASH in base64",
        )
    };
    let [version, costs, salt, digest] = parts[..] else { return Err(malformed()) };
    if version != "v=19" {
        return Err(KeyError::new("its hash of argon2id is not of version 1.3 (v=19): make it anew"));
    }
    let mut costs = costs.split(',');
    let mut cost = |name: &str| costs.next()?.strip_prefix(name)?.strip_prefix('=')?.parse::<u32>().ok();
    let (Some(memory), Some(passes), Some(lanes)) = (cost("m"), cost("t"), cost("p")) else {
        return Err(malformed());
    };
    if costs.next().is_some() {
        return Err(malformed());
    }
    if memory > MOST_MEMORY || u64::from(memory) * u64::from(passes) > MOST_FILLED || lanes > MOST_LANES {
        return Err(KeyError::new(format!(
            "its hash of argon2id would cost m={memory},t={passes},p={lanes}: expected m of at most {MOST_MEMORY} (KiB), m times t of at \
             most {MOST_FILLED}, and p of at most {MOST_LANES}"
        )));
    }
    let decode = |text: &str| STANDARD_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() <= MOST_BYTES);
    let (salt, digest) = decode(salt).zip(decode(digest)).ok_or_else(malformed)?;
    let params = Params::new(memory, passes, lanes, Some(digest.len())).map_err(|_| malformed())?;
    if salt.len() < argon2::MIN_SALT_LEN {
        return Err(malformed());
    }
    Ok(Kind::Argon2id { params, salt: salt.into(), digest: digest.into() })
}

#[cfg(test)]
mod tests;
