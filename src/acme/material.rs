//! What is ordered and kept: a certificate with its key, the account at the CA, and the orders that failed.
//!
//! Of two certificates for one service the better one is the same for everybody who compares them, so proxies that both ordered for a
//! moment agree. Must never: show a key.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::desired::Desired;
use super::schedule::{Cause, Window};
use crate::tls::certificate::{Chain, Unusable, key_fits};

/// The most bytes of a certificate, its chain and its key: 100 long names fit.
pub const MOST_BYTES: usize = 40 * 1024;

/// The longest that a new certificate is kept though it is due, in milliseconds.
const LONGEST_REST: u64 = 86_400_000;

/// The most characters of the reason of a failure.
const LONGEST_WHY: usize = 600;

/// A text that is not shown: a key, or what is as good as one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Arc<str>);

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Secret {
        Secret(text.into())
    }
}

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<Arc<str>>) -> Secret {
        Secret(text.into())
    }

    /// The text: for the disk, the peers' channel and the CA alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

/// A certificate as peers tell it and files hold it, not looked at yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The CA's directory.
    pub directory: String,
    /// When it was issued to us, in milliseconds since the epoch.
    pub obtained: u64,
    /// The key and the chain in PEM.
    pub pem: Secret,
}

/// What a file of a certificate begins with; the lines before the first `-----BEGIN` are text (RFC 7468, 2).
const FIRST_LINE: &str = "A certificate and its key, ordered and renewed by polder.";

impl Told {
    /// The same as of now at the latest: a peer's clock, or ours before it was set, may have been ahead.
    #[must_use]
    pub fn bounded(self, now: u64) -> Told {
        Told { obtained: self.obtained.min(now), ..self }
    }

    /// As its file holds it: readable by whoever reads PEM.
    pub fn to_file(&self, service: &str) -> Secret {
        let Told { directory, obtained, pem } = self;
        Secret::new(format!(
            "{FIRST_LINE}\nservice: {service}\ndirectory: {directory}\nobtained: {obtained}\n{}",
            pem.reveal()
        ))
    }

    /// Reads what [`Told::to_file`] made.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn of_file(text: &str) -> Result<Told, Unusable> {
        let fail = |what: &str| Unusable(format!("{what}: expected a file that this program has written"));
        let at = text.find("-----BEGIN").ok_or_else(|| fail("holds nothing in PEM"))?;
        let (head, pem) = text.split_at(at);
        let value = |key: &str| head.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        let directory = value("directory").ok_or_else(|| fail("does not say by which CA it is"))?.to_owned();
        let obtained = value("obtained").and_then(|text| text.parse().ok());
        let obtained = obtained.ok_or_else(|| fail("does not say when it was issued"))?;
        Ok(Told { directory, obtained, pem: Secret::new(pem) })
    }
}

/// A certificate with its key, which fits.
#[derive(Debug, Clone)]
pub struct Issued {
    told: Told,
    chain: Chain,
}

impl Issued {
    /// Looks at a certificate.
    ///
    /// # Errors
    ///
    /// It is too large, malformed, out of order, or its key does not fit.
    pub fn new(told: Told) -> Result<Issued, Unusable> {
        let pem = told.pem.reveal().as_bytes();
        if pem.len() + told.directory.len() > MOST_BYTES {
            return Err(Unusable(format!("has {} bytes: expected at most {MOST_BYTES}", pem.len())));
        }
        let chain = Chain::of_pem(pem)?;
        key_fits(&chain, pem)?;
        Ok(Issued { told, chain })
    }

    /// As peers are told it and files hold it.
    pub fn told(&self) -> &Told {
        &self.told
    }

    /// The certificate and those of its issuers.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// When it ends, in milliseconds since the epoch.
    pub fn ends(&self) -> u64 {
        self.chain.ends.as_millis() as u64
    }

    /// When it begins.
    pub fn begins(&self) -> u64 {
        self.chain.begins.as_millis() as u64
    }

    /// When it is renewed if the CA does not suggest another time.
    pub fn window(&self) -> Window {
        Window::of_life(self.begins(), self.ends())
    }

    /// Before this it is not renewed, whatever the CA suggests and whatever our clock made of its life: else each certificate could be
    /// due as soon as it is there, and the CA would be asked for one after the other.
    pub fn earliest_renewal(&self) -> u64 {
        let life = self.ends().saturating_sub(self.begins());
        self.told.obtained.saturating_add((life / 10).min(LONGEST_REST))
    }

    /// A number that it alone has, more or less.
    pub fn number(&self) -> u32 {
        crc32fast::hash(self.told.pem.reveal().as_bytes())
    }

    /// Whether it is for all of these hosts.
    pub fn covers(&self, desired: &Desired) -> bool {
        desired.hosts.iter().all(|host| self.chain.names.cover_pattern(host))
    }

    /// The same, and by this CA: else there is to be another one, however long it lasts.
    pub fn serves(&self, desired: &Desired, directory: &str) -> bool {
        self.told.directory == directory && self.covers(desired)
    }

    /// Whether it is to be used rather than the other one: it serves, it was issued later (a CA's next kind of certificate may be valid
    /// for a shorter time), it ends later; and in the end by its bytes, so that all proxies choose alike.
    pub fn is_better(&self, other: &Issued, desired: &Desired, directory: &str) -> bool {
        let rank = |one: &Issued| (one.serves(desired, directory), one.begins(), one.ends());
        rank(self).cmp(&rank(other)).then_with(|| self.told.pem.cmp(&other.told.pem)) == Ordering::Greater
    }
}

/// The account at the CA, which all proxies use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Account {
    /// When it was made, in milliseconds since the epoch. Of two accounts the later one is used.
    pub made: u64,
    /// Its URL and its key, in the form of the library that uses them.
    pub credentials: Secret,
}

/// Orders of a certificate that failed, the last one and how many in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// How many, 1 or more.
    pub count: u32,
    /// When the last one ended, in milliseconds since the epoch.
    pub at: u64,
    /// When the next order may begin.
    pub until: u64,
    /// What decides how long that is.
    pub cause: Cause,
    /// Which proxy ordered.
    pub by: String,
    /// Why it failed, for the operator.
    pub why: String,
    /// What was ordered, and where: [`Desired::fingerprint`]. With another document it counts for nothing.
    #[serde(default)]
    pub of: u32,
    /// The certificate that was there when the order began, by [`Issued::number`]; 0: none. Once there is another one, whoever ordered it,
    /// this counts for nothing. `None`: it was written down by an earlier version, which does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<u32>,
}

impl Failures {
    /// Whether there is another certificate now than when the order began: where that is not known, one that was got after it failed.
    pub fn is_past(&self, now: Option<&Issued>) -> bool {
        now.is_some_and(|issued| match self.replaces {
            Some(before) => issued.number() != before,
            None => issued.told().obtained > self.at,
        })
    }

    /// The same within bounds: a peer's clock or its bytes may be anything.
    #[must_use]
    pub fn bounded(self, now: u64, longest: u64) -> Failures {
        let why: String = self.why.chars().take(LONGEST_WHY).collect();
        Failures { at: self.at.min(now), until: self.until.min(now.saturating_add(longest)), why, ..self }
    }
}

#[cfg(test)]
mod tests;
