//! Which keys sign what at a moment (RFC 6781, 3.1).

use crate::dnssec::{Algorithm, Digest, ZoneKey};
use crate::zone::number::rtype;

use super::ZoneSigner;

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

impl<'s> Moment<'s> {
    pub(super) fn new(signer: &'s ZoneSigner, hour: u64) -> Moment<'s> {
        let all = || signer.keys.iter().map(AsRef::as_ref);
        let mut published: Vec<&ZoneKey> = all().filter(|key| key.is_published(hour)).collect();
        if !published.iter().any(|key| key.is_active(hour)) {
            // A zone never goes without a signature because nobody has made the next key: the times of keys say when they may go, not that they must.
            published = all().collect();
        }
        let algorithms: std::collections::BTreeSet<Algorithm> = published.iter().map(|key| key.algorithm()).collect();
        // What a resolver validates with may be any algorithm of the keys: each signs everything (RFC 4035, 2.2).
        let of_each = |is_first: fn(&ZoneKey) -> bool| {
            let of_one = |algorithm: &Algorithm| {
                let with: Vec<&ZoneKey> =
                    published.iter().copied().filter(|key| key.algorithm() == *algorithm).collect();
                let active = |key: &&ZoneKey| key.is_active(hour);
                let choices: [Vec<&ZoneKey>; 4] = [
                    with.iter().copied().filter(|key| is_first(key) && key.is_active(hour)).collect(),
                    with.iter().copied().filter(active).collect(),
                    // Of keys that were made within this hour none is active yet.
                    with.iter().copied().filter(|key| is_first(key)).collect(),
                    with,
                ];
                choices.into_iter().find(|keys| !keys.is_empty()).unwrap_or_default()
            };
            algorithms.iter().flat_map(of_one).collect::<Vec<&ZoneKey>>()
        };
        let (key_signing, zone_signing) = (of_each(ZoneKey::is_ksk), of_each(|key| !key.is_ksk()));
        Moment { signer, hour, published, key_signing, zone_signing }
    }

    /// The beginning of the hour, in seconds since the epoch.
    pub fn hour(&self) -> u64 {
        self.hour
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

    /// The data of the CDS and CDNSKEY records: of the keys that the parent is to have (RFC 7344, 4).
    pub fn for_parent(&self) -> (Vec<Vec<u8>>, Vec<&[u8]>) {
        let keys = || self.key_signing.iter();
        (keys().map(|key| key.ds(Digest::Sha256)).collect(), keys().map(|key| key.dnskey()).collect())
    }
}
