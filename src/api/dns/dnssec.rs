//! How a signed zone stands.

use serde::{Deserialize, Serialize};

use crate::unix_time::moment;

/// Signatures that are made here are renewed when a third of their life is left, an hour early or late. In seconds.
const SPREAD: u64 = 2 * 3600;

/// A zone that is to be signed here, or comes signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnssecStatus {
    /// When its first signature runs out, in milliseconds since the epoch; none: it is not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// From when on all of its signatures are good, in milliseconds since the epoch, if it came with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_from_ms: Option<u64>,
    /// How long a signature is good, in seconds; 0: not known.
    #[serde(default)]
    pub lifetime_s: u64,
    /// For how long resolvers keep its keys, in seconds: the TTL of its DNSKEY records; 0: not known.
    #[serde(default)]
    pub key_ttl_s: u64,
    /// The folder of its keys, on the nameserver.
    #[serde(default)]
    pub folder: String,
    /// Its keys.
    #[serde(default)]
    pub keys: Vec<ZoneKeyStatus>,
    /// Where its signatures come from, if they are not made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_by: Option<GivenBy>,
    /// Why resolvers that validate refuse it, and it is served all the same; none: nothing is known that would make them, but for times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bogus: Option<String>,
    /// How far its ZSKs were made ahead; none: they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ZoneKeySchedule>,
}

/// Where signatures come from that are served as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GivenBy {
    /// From the zone's file: who signs that renews them with a new file.
    File,
    /// From other nameservers, which renew them when they do.
    Primaries,
}

/// How much of the life of a signature is left when it should have been renewed, both in seconds. Signers that are left to themselves wait longer than
/// people should.
pub fn refresh(lifetime: u64, given_by: Option<GivenBy>) -> u64 {
    match given_by {
        None => (lifetime / 3).saturating_sub(SPREAD),
        Some(GivenBy::File) => lifetime / 3,
        Some(GivenBy::Primaries) => lifetime / 10,
    }
}

impl DnssecStatus {
    /// Whether its first signature should have been renewed at this moment, in milliseconds since the epoch; not said of a zone without any.
    pub fn is_late(&self, now: u64) -> bool {
        let is_late = |expires: u64| expires.saturating_sub(now) / 1000 < refresh(self.lifetime_s, self.given_by);
        self.expires_ms.is_some_and(is_late)
    }

    /// From when on all of its signatures are good, if that is later than this moment, both in milliseconds since the epoch.
    pub fn is_early(&self, now: u64) -> Option<u64> {
        self.good_from_ms.filter(|from| *from > now)
    }

    /// Whether it is signed as it should be, and will be, as far as is known.
    pub fn is_well(&self, now: u64) -> bool {
        let is_ending = self.schedule.is_some_and(|schedule| schedule.warns_ms <= now);
        let is_overdue = self.keys.iter().any(|key| key.overdue);
        self.expires_ms.is_some()
            && !self.is_late(now)
            && self.is_early(now).is_none()
            && self.bogus.is_none()
            && !is_overdue
            && !is_ending
    }

    /// Where its signatures come from: `signed here`.
    pub fn origin(&self) -> &'static str {
        match (self.expires_ms, self.given_by) {
            (None, None) => "NOT signed: its keys could not be used at the start",
            (Some(_), None) => "signed here",
            (_, Some(GivenBy::File)) => "signed elsewhere, from its file",
            (_, Some(GivenBy::Primaries)) => "signed elsewhere, from its primaries",
        }
    }

    /// The keys that stand in the zone, sign, or will. Those that wait for their turn in a schedule are told with it.
    pub fn present_keys(&self) -> impl Iterator<Item = &ZoneKeyStatus> {
        let is_present = |key: &&ZoneKeyStatus| {
            let waits = key.next.is_some() && (self.schedule.is_none() || key.role != ZoneKeyRole::Zsk);
            key.published || key.signs || waits
        };
        self.keys.iter().filter(is_present)
    }
}

/// ZSKs that were made ahead. Times are in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneKeySchedule {
    /// The key that signs next, and from when; none: the last one signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<(u16, u64)>,
    /// For how long each key signs, in seconds.
    pub every_s: u64,
    /// When the last one would be replaced if there were another one.
    pub ends_ms: u64,
    /// From when on somebody should make more of them.
    pub warns_ms: u64,
}

/// A key of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneKeyStatus {
    /// Its tag (RFC 4034, appendix B).
    pub tag: u16,
    /// The mnemonic of its algorithm, as BIND spells it.
    pub algorithm: String,
    /// What it is for.
    pub role: ZoneKeyRole,
    /// It stands in the zone.
    pub published: bool,
    /// From when its times have it stand in the zone, in milliseconds since the epoch; none: always, or not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_ms: Option<u64>,
    /// It signs.
    pub signs: bool,
    /// Its times say that it is to sign no more; it does as there is no other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overdue: bool,
    /// What its times say that it does next; none: it stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<ZoneKeyChange>,
    /// The DS record that the zone above is to have of it, without its owner; none of a key that signs no keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ds: Option<String>,
}

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ZoneKeyRole {
    /// The keys: the zone above has a DS of it.
    Ksk,
    /// All but the keys.
    Zsk,
    /// Everything: the zone above has a DS of it.
    Csk,
}

impl ZoneKeyRole {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            ZoneKeyRole::Ksk => "KSK",
            ZoneKeyRole::Zsk => "ZSK",
            ZoneKeyRole::Csk => "CSK",
        }
    }
}

impl ZoneKeyStatus {
    /// `key 40212 (KSK, ECDSAP256SHA256)`
    pub fn name(&self) -> String {
        format!("key {} ({}, {})", self.tag, self.role.name(), self.algorithm)
    }

    /// What it does and does next, by its times: `signs, in the zone until 2026-12-02 16:00:00Z`.
    pub fn in_words(&self) -> String {
        let does = match (self.signs, self.published) {
            (true, _) => "signs",
            (false, true) => "only published",
            (false, false) => "not in the zone",
        };
        match self.next {
            None => does.to_owned(),
            Some(next) if self.signs && next.to == ZoneKeyStep::Inactive => next.in_words(),
            Some(next) => format!("{does}, {}", next.in_words()),
        }
    }
}

impl ZoneKeyChange {
    /// `signs until 2026-12-02 16:00:00Z`
    pub fn in_words(&self) -> String {
        let at = moment(self.at_ms);
        match self.to {
            ZoneKeyStep::Published => format!("in the zone from {at}"),
            ZoneKeyStep::Active => format!("signs from {at}"),
            ZoneKeyStep::Inactive => format!("signs until {at}"),
            ZoneKeyStep::Deleted => format!("in the zone until {at}"),
        }
    }
}

impl ZoneKeySchedule {
    /// `ZSKs made ahead until 2028-11-19 16:00:00Z: key 7413 signs from 2026-12-02 16:00:00Z`
    pub fn in_words(&self) -> String {
        let then = match self.next {
            Some((tag, at)) => format!("key {tag} signs from {}", moment(at)),
            None => "the last one signs".to_owned(),
        };
        format!("ZSKs made ahead until {}: {then}", moment(self.ends_ms))
    }
}

/// A moment at which a key begins or ceases to do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneKeyChange {
    /// When, in milliseconds since the epoch.
    pub at_ms: u64,
    /// What it does from then on.
    pub to: ZoneKeyStep,
}

/// What a key does from a moment on (RFC 7583, 3.1), in the order in which a key does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneKeyStep {
    /// It stands in the zone.
    Published,
    /// It signs.
    Active,
    /// It signs no more.
    Inactive,
    /// It stands in the zone no more.
    Deleted,
}
