//! Which keys sign what in an hour, and which stand in the zone.

use super::period::{HOUR, hour_of};
use super::signer::ZoneSigner;
use crate::config::dns::SerialRule;
use crate::dnssec::{Acting, Digest, ZoneKey};
use crate::zone::number::rtype;

/// A signer at one hour.
#[derive(Debug)]
pub struct Moment<'s> {
    pub(super) signer: &'s ZoneSigner,
    pub(super) hour: u64,
    published: Vec<&'s ZoneKey>,
    acting: Acting<'s>,
}

/// From when on hours are counted in serials: the beginning of 2026.
const FROM: u64 = 1_767_225_600;

/// What each of them adds. A nameserver that has not got the zone's new file yet serves the old one with its own later hours: with a number that the serials
/// of two files hardly ever differ by, however long it has not, never under the serial that another one has given to the new file.
pub const SERIALS_PER_HOUR: u32 = 997;

/// For how long a key that was replaced late stands in the zone, in seconds, beyond the lifetime of its last signature: clocks differ, and files take a while to all nameservers.
const STAYS_BEYOND: u64 = 24 * HOUR;

impl ZoneSigner {
    /// How it signs at a time, in seconds since the epoch: all that follows is good for the whole hour.
    pub fn at(&self, now: u64) -> Moment<'_> {
        Moment::new(self, hour_of(now))
    }
}

impl<'s> Moment<'s> {
    fn new(signer: &'s ZoneSigner, hour: u64) -> Moment<'s> {
        let keys: Vec<&ZoneKey> = signer.keys.iter().map(AsRef::as_ref).collect();
        let now = end_of(hour);
        let acting = Acting::at(&keys, now);
        let since = now.saturating_sub(signer.lifetime.as_secs() + STAYS_BEYOND);
        let late = replaced_late(&keys, since, now);
        let is_shown = |key: &ZoneKey| acting.shows(key) || late.iter().any(|one| std::ptr::eq(*one, key));
        let published = keys.iter().copied().filter(|key| is_shown(key)).collect();
        Moment { signer, hour, published, acting }
    }

    /// The beginning of the hour, in seconds since the epoch.
    pub fn hour(&self) -> u64 {
        self.hour
    }

    /// Until when keys are judged that act in it, in seconds since the epoch.
    pub fn end(&self) -> u64 {
        end_of(self.hour)
    }

    /// The serial that is served of a zone whose file has this one: another one each hour where that is asked for, which never falls as long as the
    /// file's does not (RFC 1982).
    pub fn serial(&self, of_file: u32) -> u32 {
        match self.signer.serial {
            SerialRule::File => of_file,
            SerialRule::Hourly => {
                of_file.wrapping_add(SERIALS_PER_HOUR.wrapping_mul((self.hour.saturating_sub(FROM) / HOUR) as u32))
            }
        }
    }

    /// The keys that sign sets of this type.
    pub fn keys_for(&self, rtype: u16) -> &[&'s ZoneKey] {
        match rtype {
            rtype::DNSKEY => &self.acting.key_signing,
            rtype::CDS | rtype::CDNSKEY => &self.acting.parent_signing,
            _ => &self.acting.zone_signing,
        }
    }

    /// Whether a key signs although its times say that it is to sign no more, since there is no other.
    pub fn is_overdue(&self, key: &ZoneKey) -> bool {
        self.acting.is_overdue(key)
    }

    /// The data of the DNSKEY records.
    pub fn dnskeys(&self) -> Vec<&[u8]> {
        self.published.iter().map(|key| key.dnskey()).collect()
    }

    /// The data of the CDS and CDNSKEY records: of the keys that the parent is to have (RFC 7344, 4), which are made for it. None where there is none such.
    pub fn for_parent(&self) -> (Vec<Vec<u8>>, Vec<&[u8]>) {
        let keys = || self.known_to_parent().into_iter();
        (keys().map(|key| key.ds(Digest::Sha256)).collect(), keys().map(ZoneKey::dnskey).collect())
    }

    /// The key for the parent that came last, once resolvers know it; those before it until then.
    fn known_to_parent(&self) -> Vec<&'s ZoneKey> {
        let signing: Vec<&ZoneKey> = self.acting.key_signing.iter().copied().filter(|key| key.is_ksk()).collect();
        let is_settled = |key: &&ZoneKey| {
            let since = key.times().publish.or(key.times().activate);
            since.is_none_or(|since| since + SETTLES <= self.end())
        };
        let settled: Vec<&ZoneKey> = signing.iter().copied().filter(is_settled).collect();
        let last = settled.iter().map(|key| key.times().activate).max();
        match last {
            Some(last) => settled.into_iter().filter(|key| key.times().activate == last).collect(),
            None => signing,
        }
    }
}

/// How long a key stands in the zone before the parent is told of it instead of the one before, in seconds: a parent that reads CDS takes it at once (RFC 7344, 6), and every resolver
/// has to know it by then, whichever nameserver it asks.
const SETTLES: u64 = 7 * 24 * HOUR;

/// What a key is to do within an hour it does from its beginning on: one that was made just now is not waited for.
fn end_of(hour: u64) -> u64 {
    hour + HOUR - 1
}

/// Which keys were overdue at some time between two: whoever replaces such a key at last finds its signatures in caches, and it stays in the zone for them, however long ago
/// it was to be gone. Nothing is remembered for it: it follows from the times of the keys, of which none has done anything before it was made.
fn replaced_late<'s>(keys: &[&'s ZoneKey], since: u64, now: u64) -> Vec<&'s ZoneKey> {
    if !keys.iter().any(|key| key.times().delete.is_some_and(|from| from <= now)) {
        return Vec::new();
    }
    let changes = keys.iter().flat_map(|key| key.times().all()).filter(|time| (since..now).contains(time));
    let overdue = [since].into_iter().chain(changes).flat_map(|time| {
        let then = end_of(hour_of(time));
        let is_made = |key: &&ZoneKey| key.times().created.is_none_or(|created| created <= then);
        let made: Vec<&ZoneKey> = keys.iter().copied().filter(is_made).collect();
        let acting = Acting::at(&made, then);
        made.into_iter().filter(move |key| acting.is_overdue(key)).collect::<Vec<_>>()
    });
    overdue.collect()
}
