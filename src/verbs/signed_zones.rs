//! Signed zones as all nameservers together see them, and where these differ in what they sign with (pure).

use std::collections::{BTreeMap, BTreeSet};

use crate::api::dns::{DnssecStatus, Status, ZoneKeyStatus};
use crate::counted::listed;

/// A zone that a nameserver at least is to sign.
#[derive(Debug)]
pub struct SignedZone<'a> {
    /// Its apex.
    pub name: &'a str,
    /// The nameservers whose documents have it signed, and how it stands there.
    pub signers: Vec<(&'a str, &'a DnssecStatus)>,
    /// Those that answer it, and whose documents do not have it signed.
    pub others: Vec<&'a str>,
    /// Those that answer SERVFAIL, and why.
    pub failed: Vec<(&'a str, &'a str)>,
}

/// Each of them, by name.
pub fn all<'a>(nameservers: impl IntoIterator<Item = &'a Status>) -> Vec<SignedZone<'a>> {
    let mut zones: BTreeMap<&str, SignedZone<'_>> = BTreeMap::new();
    let empty = |name| SignedZone { name, signers: Vec::new(), others: Vec::new(), failed: Vec::new() };
    for status in nameservers {
        let nameserver = &*status.daemon.name;
        for zone in &status.zones {
            let known = zones.entry(&zone.name).or_insert_with(|| empty(&zone.name));
            match &zone.dnssec {
                Some(dnssec) => known.signers.push((nameserver, dnssec)),
                None => known.others.push(nameserver),
            }
        }
        for zone in &status.failed_zones {
            let known = zones.entry(&zone.name).or_insert_with(|| empty(&zone.name));
            known.failed.push((nameserver, &zone.because));
        }
    }
    zones.into_values().filter(|zone| !zone.signers.is_empty()).collect()
}

/// What is told apart of keys: two of one tag may be of different algorithms.
type Identity<'a> = (u16, &'a str);

fn identity(key: &ZoneKeyStatus) -> Identity<'_> {
    (key.tag, &key.algorithm)
}

/// What to do where nameservers have different files.
const THE_SAME_FILES: &str = "bring the same key files to all of its nameservers, then `polder reload`";

/// The same where they have different versions of a zone that comes signed.
const THE_SAME_ZONE: &str = "bring the same version of the zone to all of its nameservers";

impl<'a> SignedZone<'a> {
    /// Whether it comes signed, and no nameserver makes its signatures.
    pub fn is_given(&self) -> bool {
        self.signers.iter().all(|(_, status)| status.given_by.is_some())
    }

    /// The nameservers that answer it with signatures.
    pub fn signing(&self) -> impl Iterator<Item = (&'a str, &'a DnssecStatus)> {
        self.signers.iter().copied().filter(|(_, status)| status.expires_ms.is_some())
    }

    /// That the nameservers that sign it do not have the same keys, or the same times of one, in a sentence; none: they do.
    pub fn keys_apart(&self) -> Option<String> {
        let apart = self.published_apart();
        if apart.is_empty() {
            // The keys of a zone that comes signed have no times here.
            return if self.is_given() { None } else { self.times_apart() };
        }
        Some(format!(
            "zone {}: not the same keys: {}: resolvers that validate refuse what is signed with a key that another nameserver does not show \
             them; {}",
            self.name,
            apart.join("; "),
            if self.is_given() { THE_SAME_ZONE } else { THE_SAME_FILES }
        ))
    }

    /// `key 7413 is on ns-1 and not on ns-2`
    fn published_apart(&self) -> Vec<String> {
        let by_nameserver: Vec<(&str, BTreeSet<Identity<'_>>)> = self
            .signing()
            .map(|(name, status)| (name, status.keys.iter().filter(|key| key.published).map(identity).collect()))
            .collect();
        let all: BTreeSet<Identity<'_>> = by_nameserver.iter().flat_map(|(_, keys)| keys).copied().collect();
        let told = |key: Identity<'_>| {
            let (has, lacks): (Vec<_>, Vec<_>) = by_nameserver.iter().partition(|(_, keys)| keys.contains(&key));
            let named = |nameservers: Vec<&(&str, _)>| listed(nameservers.into_iter().map(|(name, _)| *name));
            (!lacks.is_empty()).then(|| format!("key {} is on {} and not on {}", key.0, named(has), named(lacks)))
        };
        all.into_iter().filter_map(told).collect()
    }

    /// `not the same times of key 59013: signs until 2026-12-02 16:00:00Z on ns-1, signs on ns-2`
    fn times_apart(&self) -> Option<String> {
        let mut keys: BTreeMap<Identity<'_>, BTreeMap<String, Vec<&str>>> = BTreeMap::new();
        for (nameserver, status) in self.signing() {
            for key in &status.keys {
                keys.entry(identity(key)).or_default().entry(key.in_words()).or_default().push(nameserver);
            }
        }
        let (key, ways) = keys.into_iter().find(|(_, ways)| ways.len() > 1)?;
        let ways: Vec<String> = ways.iter().map(|(told, by)| format!("{told} on {}", listed(by))).collect();
        Some(format!(
            "zone {}: not the same times of key {}: {}: sooner or later they do not show the same keys; {THE_SAME_FILES}",
            self.name,
            key.0,
            ways.join("; ")
        ))
    }
}
