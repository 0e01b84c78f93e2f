//! The users of a service: names, hashes of their passwords, and who has been verified lately (pure).
//!
//! A visitor whose password was verified is known by it for [`REMEMBERED`], so that the fifty images of a page cost one hash. What is
//! remembered is a digest under a key of this process's memory, and goes with the file that it was verified by.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::hmac::{self, HMAC_SHA256};

use super::credentials::Credentials;
use super::hash::Hash;
use crate::config::regular_file::{read_regular_file, warn_if_public};
use crate::daemon::key_file::KeyError;
use crate::proxy::edge::watched::Content;
use crate::random;

/// The most that is read of a file of users: forty thousand of them.
const MOST: u64 = 4 * 1024 * 1024;

/// How long a password that was verified need not be verified again.
const REMEMBERED: Duration = Duration::from_secs(300);

/// How many are remembered: 200 KiB. Whoever was verified first goes for a new one.
const MOST_REMEMBERED: usize = 4096;

/// What is remembered of a name and a password: their digest under the key of these users.
pub type Digest = [u8; 32];

/// Those of one file. Never empty, never printed.
pub struct Users {
    hashes: Vec<(Box<str>, Hash)>,
    key: hmac::Key,
    /// Until when each digest is good, in time that the process has run. Replaced whole by who has verified one: requests read it without
    /// a lock.
    verified: ArcSwap<HashMap<Digest, Duration>>,
}

/// Shows how many there are, and nothing else.
impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Users({} not shown)", self.hashes.len())
    }
}

impl Content for Users {
    const NAME: &'static str = "users";

    /// Reads a file: `NAME:HASH`, one a line; empty lines and `#` lines are skipped.
    ///
    /// # Errors
    ///
    /// It cannot be read, names nobody, or a line is not one of a user. Names file and line, never a hash.
    fn read(path: &Path) -> Result<Users, KeyError> {
        let expected = "expected lines of NAME:HASH (`htpasswd -nB USER` makes one)";
        let text = read_regular_file(path, MOST)
            .map_err(|error| KeyError::at(path, None, format!("cannot be read: {error}; {expected}")))?;
        let mut key = [0; 32];
        random::fill(&mut key).map_err(|error| KeyError::new(format!("the kernel gives no random bytes: {error}")))?;
        let users = Users::parse(&text, &key).map_err(|Fault { line, why }| KeyError::at(path, line, why))?;
        warn_if_public(path, "these hashes of passwords");
        Ok(users)
    }
}

impl Users {
    fn parse(text: &[u8], key: &[u8; 32]) -> Result<Users, Fault> {
        let lines = (1..).zip(text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii));
        let mut users = BTreeMap::new();
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#")) {
            let fault = |why: String| Fault { line: Some(number), why };
            let (name, hash) = parse_line(line).map_err(|error| fault(error.why))?;
            if let Some((first, _)) = users.insert(name.clone(), (number, hash)) {
                return Err(fault(format!("the user {name:?} stands twice, also in line {first}")));
            }
        }
        if users.is_empty() {
            return Err(Fault { line: None, why: "names no user; `htpasswd -nB USER` makes a line of one".to_owned() });
        }
        let hashes = users.into_iter().map(|(name, (_, hash))| (name, hash)).collect();
        Ok(Users { hashes, key: hmac::Key::new(HMAC_SHA256, key), verified: ArcSwap::default() })
    }

    /// How many there are; never none.
    #[allow(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// What a name and a password are remembered by.
    pub fn digest(&self, credentials: &Credentials) -> Digest {
        let tag = hmac::sign(&self.key, credentials.as_bytes());
        // SHA-256 has 32 bytes.
        tag.as_ref().try_into().unwrap_or_default()
    }

    /// The user of these credentials, if they were verified not long before `now`.
    pub fn remembered(&self, digest: &Digest, now: Duration) -> bool {
        self.verified.load().get(digest).is_some_and(|until| now < *until)
    }

    /// Verifies credentials, and remembers those that are right. Takes as long for who is no user as for one of the users: a hash is
    /// verified, always the same one for the same name.
    pub fn verify(&self, credentials: &Credentials, now: Duration) -> bool {
        let found = self.hashes.binary_search_by(|(name, _)| name.as_bytes().cmp(credentials.name()));
        let place = found.unwrap_or_else(|_| self.stand_in(credentials.name()));
        let is_right = self.hashes[place].1.verify(credentials.password()) && found.is_ok();
        if is_right {
            self.remember(self.digest(credentials), now);
        }
        is_right
    }

    /// Whose hash is verified for a name that nobody has.
    fn stand_in(&self, name: &[u8]) -> usize {
        let tag = hmac::sign(&self.key, name);
        let number = tag.as_ref().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        (number % self.hashes.len() as u64) as usize
    }

    fn remember(&self, digest: Digest, now: Duration) {
        self.verified.rcu(|verified| {
            let mut next = HashMap::clone(verified);
            next.retain(|_, until| now < *until);
            if next.len() >= MOST_REMEMBERED
                && let Some(first) = next.iter().min_by_key(|(_, until)| **until).map(|(digest, _)| *digest)
            {
                next.remove(&first);
            }
            next.insert(digest, now + REMEMBERED);
            Arc::new(next)
        });
    }
}

/// What is wrong with a file's text.
struct Fault {
    line: Option<usize>,
    why: String,
}

fn parse_line(line: &[u8]) -> Result<(Box<str>, Hash), KeyError> {
    let malformed = || KeyError::new("not a line of a user: expected NAME:HASH (`htpasswd -nB USER` makes one)");
    let line = std::str::from_utf8(line).map_err(|_| malformed())?;
    let (name, hash) = line.split_once(':').ok_or_else(malformed)?;
    // It goes into a field of requests.
    if name.is_empty() || !name.bytes().all(|byte| (b'!'..=b'~').contains(&byte)) {
        return Err(KeyError::new("its name is empty or has a character that is no printable one of ASCII"));
    }
    Ok((name.into(), Hash::parse(hash)?))
}

#[cfg(test)]
mod tests;
