//! `dnssec` of a zone: it is signed here (RFC 4033 to 4035), by these keys.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::defaults;
use crate::config::duration;
use crate::config::reader::{Keys, Read, Value};

/// How a zone is signed. Every nameserver of the zone has the same of it, and the same keys: so all make the same signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnssecConfig {
    /// The folder of its keys, as `polder dnssec keygen` and BIND's `dnssec-keygen` write them.
    pub keys: PathBuf,
    /// For how long a signature is good, 2 days to 90. Default 14 days.
    pub lifetime: Duration,
    /// How it is proved that there is no such name or type. Default NSEC.
    pub denial: Denial,
    /// Which serial is served. Default the file's.
    pub serial: SerialRule,
    /// Whether a digest of the whole zone is made (RFC 8976), by which whoever gets it knows that it is whole. Default not.
    pub zonemd: bool,
}

/// How it is proved that there is no such name or type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Denial {
    /// By the next name (RFC 4034, 4): whoever wants to learns all names of the zone.
    #[default]
    Nsec,
    /// By the next hash of a name (RFC 5155), in the one form that RFC 9276, 3.1, asks for: no iterations, no salt, no opt-out.
    Nsec3,
}

impl Denial {
    /// Both, as documents name them.
    pub const ALL: [(&str, Denial); 2] = [("nsec", Denial::Nsec), ("nsec3", Denial::Nsec3)];
}

/// Which serial a signed zone is served with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SerialRule {
    /// That of its file: it says nothing of signatures.
    #[default]
    File,
    /// That of its file and a number that grows with the hour that it is signed for: it rises with every renewal, the same on all nameservers, so that copies
    /// get new signatures.
    Hourly,
}

impl SerialRule {
    /// Both, as documents name them.
    pub const ALL: [(&str, SerialRule); 2] = [("file", SerialRule::File), ("hourly", SerialRule::Hourly)];
}

impl DnssecConfig {
    /// Whether validators find the same of two zones; where the keys lie is each nameserver's own.
    pub fn signs_as(&self, other: &DnssecConfig) -> bool {
        let found = |one: &DnssecConfig| (one.lifetime, one.denial, one.serial, one.zonemd);
        found(self) == found(other)
    }
}

/// `nsec with signatures of 14d and the serial of the file`: what validators and copies find of it.
impl fmt::Display for DnssecConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Denial::ALL.iter().find(|(_, denial)| *denial == self.denial).map_or("", |(word, _)| word);
        let serial = match self.serial {
            SerialRule::File => "the serial of the file",
            SerialRule::Hourly => "an hourly serial",
        };
        let digest = if self.zonemd { ", with a digest" } else { "" };
        write!(f, "{word} with signatures of {} and {serial}{digest}", duration::format(self.lifetime))
    }
}

/// The keys of `dnssec`.
pub(super) const KEYS: Keys =
    Keys { object: "zones.NAME.dnssec", names: &["denial", "keys", "lifetime", "serial", "zonemd"] };

/// Signatures are made anew when a third is left: of the least that is 16 hours, which caches need, and whoever has to set a clock right.
const LIFETIME: RangeInclusive<Duration> = Duration::from_secs(2 * DAY)..=Duration::from_secs(90 * DAY);

/// Seconds.
const DAY: u64 = 86_400;

/// Reads it.
pub(super) fn read(value: &Value<'_>) -> Read<DnssecConfig> {
    let dnssec = value.object(&KEYS)?;
    let keys = dnssec.required("keys", Value::folder);
    let lifetime = dnssec.with_default("lifetime", defaults::SIGNATURE_LIFETIME, |value| value.duration(LIFETIME));
    let denial = dnssec.with_default("denial", Denial::default(), |value| value.one_of(&Denial::ALL));
    let serial = dnssec.with_default("serial", SerialRule::default(), |value| value.one_of(&SerialRule::ALL));
    let zonemd = dnssec.with_default("zonemd", false, Value::boolean);
    Ok(DnssecConfig { keys: keys?, lifetime: lifetime?, denial: denial?, serial: serial?, zonemd: zonemd? })
}
