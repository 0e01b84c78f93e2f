//! How a signed zone stands.

use serde::{Deserialize, Serialize};

/// A zone that is to be signed here, or comes signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnssecStatus {
    /// When its first signature runs out, in milliseconds since the epoch; none: it is not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// How long a signature is good, in seconds; 0: not known.
    #[serde(default)]
    pub lifetime_s: u64,
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

impl GivenBy {
    /// The part of a signature's life that is left when it should have been renewed: one of so many. Signers that are left to themselves wait longer
    /// than people should.
    pub fn part_left(self) -> u64 {
        match self {
            GivenBy::File => 3,
            GivenBy::Primaries => 10,
        }
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
    /// When the last one would be relieved if there were another one.
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
