//! Tickets by which visitors resume their sessions, at whichever proxy they come to (RFC 8446, 2.2; RFC 5077).
//!
//! A ticket is a session, sealed by us and kept by the visitor. The keys are derived from the secrets of a file that all proxies
//! have, and from the time: every 8 h another one seals, at all proxies at once. A ticket is opened until the end of the period
//! after its own: 8 h to 16 h. Must never: fail a handshake. A ticket that is not opened is a full handshake.

use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use rustls::server::ProducesTickets;

use crate::unix_time::unix_ms;

/// For how many seconds one key seals.
const PERIOD: u64 = 8 * 3600;

/// Keeps these keys apart from those of cookies, which may come from the same file. rustls writes what is sealed: a release that
/// writes it in another way takes another number, or proxies of two releases would misread each other.
const LABEL: &[u8] = b"polder tls tickets 1";

/// The length of a key's name, with which a ticket begins.
const NAME: usize = 16;

/// The length of a ticket's tag, with which it ends.
const TAG: usize = 16;

/// Seals and opens tickets.
#[derive(Debug)]
pub struct Tickets {
    secrets: Vec<Prk>,
    clock: fn() -> u64,
    /// Of the present period. Whoever sees first that it is over derives the next ones.
    keys: ArcSwap<Keys>,
}

impl Tickets {
    /// From the secrets of a file: the first seals, all open. Without any no ticket is given.
    pub fn new(secrets: &[[u8; 32]]) -> Tickets {
        Tickets::with_clock(secrets, || unix_ms() / 1000)
    }

    /// Of this process alone.
    pub fn of_process() -> Tickets {
        let mut secret = [0; 32];
        // Without random bytes there is no secret, and no ticket.
        let secrets = crate::random::fill(&mut secret).is_ok().then_some(secret);
        Tickets::new(secrets.as_slice())
    }

    /// By another clock, in seconds since the epoch.
    pub fn with_clock(secrets: &[[u8; 32]], clock: fn() -> u64) -> Tickets {
        let salt = Salt::new(HKDF_SHA256, LABEL);
        let secrets: Vec<Prk> = secrets.iter().map(|secret| salt.extract(secret)).collect();
        let keys = ArcSwap::from_pointee(Keys::derive(&secrets, clock() / PERIOD));
        Tickets { secrets, clock, keys }
    }

    /// What seals and opens now.
    fn keys(&self) -> Arc<Keys> {
        let period = (self.clock)() / PERIOD;
        let present = self.keys.load_full();
        if present.period == period {
            return present;
        }
        // Two threads that do it at once derive the same.
        let next = Arc::new(Keys::derive(&self.secrets, period));
        self.keys.store(Arc::clone(&next));
        next
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// Until it is not opened any more.
    fn lifetime(&self) -> u32 {
        (2 * PERIOD - (self.clock)() % PERIOD) as u32
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        crate::random::fill(&mut nonce).ok()?;
        self.keys().seal(plain, nonce)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.keys().open(ticket)
    }
}

/// The keys of a period.
#[derive(Debug)]
struct Keys {
    period: u64,
    /// The first seals. All open: those of the period before, and, for clocks that are ahead of ours, of the next one too.
    keys: Vec<Key>,
}

/// A key, known by its name.
#[derive(Debug)]
struct Key {
    name: [u8; NAME],
    /// Its nonces are drawn at random by many proxies: with this cipher one that is drawn twice gives nothing away (RFC 8452).
    key: LessSafeKey,
}

impl Keys {
    fn derive(secrets: &[Prk], period: u64) -> Keys {
        let periods = [period, period.saturating_sub(1), period + 1];
        let keys = periods.into_iter().flat_map(|period| secrets.iter().map(move |secret| Key::derive(secret, period)));
        Keys { period, keys: keys.collect() }
    }

    fn seal(&self, plain: &[u8], nonce: [u8; NONCE_LEN]) -> Option<Vec<u8>> {
        let Key { name, key } = self.keys.first()?;
        let mut ticket = Vec::with_capacity(NAME + NONCE_LEN + plain.len() + TAG);
        ticket.extend_from_slice(name);
        ticket.extend_from_slice(&nonce);
        ticket.extend_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let sealed = &mut ticket[NAME + NONCE_LEN..];
        let tag = key.seal_in_place_separate_tag(nonce, Aad::from(name), sealed).ok()?;
        ticket.extend_from_slice(tag.as_ref());
        Some(ticket)
    }

    fn open(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_first_chunk::<NAME>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let Key { name, key } = self.keys.iter().find(|key| key.name == *name)?;
        let mut plain = sealed.to_vec();
        let length = key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(name), &mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }
}

impl Key {
    fn derive(secret: &Prk, period: u64) -> Key {
        let period = period.to_be_bytes();
        let [for_key, for_name] = [[&b"key"[..], &period], [&b"name"[..], &period]];
        let long_enough = "HKDF gives 8160 bytes";
        let key = UnboundKey::from(secret.expand(&for_key, &AES_256_GCM_SIV).expect(long_enough));
        let mut name = [0; NAME];
        secret.expand(&for_name, Name).and_then(|okm| okm.fill(&mut name)).expect(long_enough);
        Key { name, key: LessSafeKey::new(key) }
    }
}

/// What HKDF is to give for a name.
struct Name;

impl KeyType for Name {
    fn len(&self) -> usize {
        NAME
    }
}

#[cfg(test)]
mod tests;
