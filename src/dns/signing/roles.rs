//! Which keys sign what at a moment (RFC 6781, 3.1).

use std::collections::BTreeSet;

use super::period::{HOUR, hour_of};
use super::signer::ZoneSigner;
use crate::config::dns::SerialRule;
use crate::dnssec::{Algorithm, Digest, ZoneKey};
use crate::zone::number::rtype;

/// A signer at one hour.
#[derive(Debug)]
pub struct Moment<'s> {
    pub(super) signer: &'s ZoneSigner,
    pub(super) hour: u64,
    published: Vec<&'s ZoneKey>,
    /// They sign the keys.
    key_signing: Vec<&'s ZoneKey>,
    /// They sign everything else.
    zone_signing: Vec<&'s ZoneKey>,
}

impl ZoneSigner {
    /// How it signs at a time, in seconds since the epoch: all that follows is good for the whole hour.
    pub fn at(&self, now: u64) -> Moment<'_> {
        Moment::new(self, hour_of(now))
    }
}

impl<'s> Moment<'s> {
    fn new(signer: &'s ZoneSigner, hour: u64) -> Moment<'s> {
        // What a key is to do within the hour it does from its beginning on: one that was made just now is not waited for.
        let now = hour + HOUR - 1;
        let keys = Keys { all: signer.keys.iter().map(AsRef::as_ref).collect(), now };
        let (key_signing, zone_signing) =
            (keys.of_each_algorithm(Keys::signing_keys), keys.of_each_algorithm(Keys::signing_zone));
        let signs = |key: &ZoneKey| key_signing.iter().chain(&zone_signing).any(|one| std::ptr::eq(*one, key));
        let published = keys.all.iter().copied().filter(|key| key.is_published(now) || signs(key)).collect();
        Moment { signer, hour, published, key_signing, zone_signing }
    }

    /// The beginning of the hour, in seconds since the epoch.
    pub fn hour(&self) -> u64 {
        self.hour
    }

    /// Until when keys are judged that act in it, in seconds since the epoch.
    pub fn end(&self) -> u64 {
        self.hour + HOUR - 1
    }

    /// The serial that is served of a zone whose file has this one: another one each hour where that is asked for, which never falls as long as the
    /// file's does not (RFC 1982).
    pub fn serial(&self, of_file: u32) -> u32 {
        match self.signer.serial {
            SerialRule::File => of_file,
            SerialRule::Hourly => of_file.wrapping_add((self.hour / HOUR) as u32),
        }
    }

    /// The keys that sign sets of this type.
    pub fn keys_for(&self, rtype: u16) -> &[&'s ZoneKey] {
        match rtype {
            rtype::DNSKEY | rtype::CDS | rtype::CDNSKEY => &self.key_signing,
            _ => &self.zone_signing,
        }
    }

    /// The data of the DNSKEY records.
    pub fn dnskeys(&self) -> Vec<&[u8]> {
        self.published.iter().map(|key| key.dnskey()).collect()
    }

    /// The data of the CDS and CDNSKEY records: of the keys that the parent is to have (RFC 7344, 4), which are made for it. None where there is none such.
    pub fn for_parent(&self) -> (Vec<Vec<u8>>, Vec<&[u8]>) {
        let keys = || self.key_signing.iter().filter(|key| key.is_ksk());
        (keys().map(|key| key.ds(Digest::Sha256)).collect(), keys().map(|key| key.dnskey()).collect())
    }
}

/// The keys of a zone at a time.
struct Keys<'s> {
    all: Vec<&'s ZoneKey>,
    now: u64,
}

impl<'s> Keys<'s> {
    /// What each algorithm gives. What a resolver validates with may be any algorithm that stands in the zone: each signs everything (RFC 4035, 2.2).
    fn of_each_algorithm(&self, choose: fn(&Keys<'s>, Algorithm) -> Vec<&'s ZoneKey>) -> Vec<&'s ZoneKey> {
        let with = |is: &dyn Fn(&ZoneKey) -> bool| -> BTreeSet<Algorithm> {
            self.all.iter().filter(|key| is(key)).map(|key| key.algorithm()).collect()
        };
        let published = with(&|key| key.is_published(self.now));
        let is_any_active = self.all.iter().any(|key| key.is_published(self.now) && key.is_active(self.now));
        let algorithms = if is_any_active { published } else { with(&|_| true) };
        algorithms.into_iter().flat_map(|algorithm| choose(self, algorithm)).collect()
    }

    /// Those that sign the keys: made for that and active, else made for that; else those that are active. The parent's DS is of one that was made for it: it
    /// goes on although its time is over, as long as nobody has made the next one.
    fn signing_keys(&self, algorithm: Algorithm) -> Vec<&'s ZoneKey> {
        let is_ksk = |key: &ZoneKey| key.is_ksk();
        self.first_of(
            algorithm,
            &[
                &|key| is_ksk(key) && key.is_active(self.now),
                &|key| is_ksk(key) && self.has_begun(key),
                &|key| key.is_active(self.now),
                &is_ksk,
            ],
        )
    }

    /// Those that sign everything else.
    fn signing_zone(&self, algorithm: Algorithm) -> Vec<&'s ZoneKey> {
        let is_zsk = |key: &ZoneKey| !key.is_ksk();
        self.first_of(
            algorithm,
            &[&|key| is_zsk(key) && key.is_active(self.now), &|key| key.is_active(self.now), &|key| {
                is_zsk(key) && self.has_begun(key)
            }],
        )
    }

    /// The keys of an algorithm of the first kind of which there are any; else those that were gone last, else all.
    fn first_of(&self, algorithm: Algorithm, kinds: &[&dyn Fn(&ZoneKey) -> bool]) -> Vec<&'s ZoneKey> {
        let of = |is: &dyn Fn(&ZoneKey) -> bool| -> Vec<&'s ZoneKey> {
            self.all.iter().copied().filter(|key| key.algorithm() == algorithm && is(key)).collect()
        };
        let found = kinds.iter().map(|is| of(is)).find(|keys| !keys.is_empty());
        found.unwrap_or_else(|| {
            let present = of(&|key| !self.is_gone(key));
            if present.is_empty() { of(&|_| true) } else { present }
        })
    }

    /// It has signed, and nobody has taken it away.
    fn has_begun(&self, key: &ZoneKey) -> bool {
        key.times().activate.is_some_and(|from| from <= self.now) && !self.is_gone(key)
    }

    fn is_gone(&self, key: &ZoneKey) -> bool {
        key.times().delete.is_some_and(|from| from <= self.now)
    }
}
