//! How zones stand that come signed: their keys as they show them, and when somebody has to sign them anew.

use std::time::Duration;

use super::signatures::SignatureTimes;
use crate::api::dns::{DnssecStatus, GivenBy, ZoneKeyRole, ZoneKeyStatus};
use crate::config::duration;
use crate::daemon::clock::Now;
use crate::dns::compiled::{RrSet, Zone};
use crate::dns::control::State;
use crate::dnssec::rrsig::Rrsig;
use crate::dnssec::{Algorithm, Digest, ds, tag};
use crate::unix_time;
use crate::zone::name;
use crate::zone::number::rtype;
use crate::zone::rdata;

/// The flag of a DNSKEY that the zone above is to know (RFC 4034, 2.1.1).
const SEP: u16 = 1;

impl State {
    /// Of a zone that comes signed; none of another one.
    pub(super) fn presigned_status(&self, apex: &str) -> Option<DnssecStatus> {
        let zone = self.zones.get(&name::from_text(apex)?).filter(|zone| zone.is_presigned())?;
        let life = zone.signatures().and_then(|signatures| signatures.first_life());
        let keys = zone.node(0).set(rtype::DNSKEY).into_iter().flat_map(RrSet::rdatas);
        Some(DnssecStatus {
            expires_ms: life.map(|life| life.expires * 1000),
            good_from_ms: zone.signatures().map(|signatures| signatures.good_from() * 1000),
            lifetime_s: life.map_or(0, |life| life.expires.saturating_sub(life.begins)),
            key_ttl_s: self.key_ttl(&name::from_text(apex)?),
            folder: String::new(),
            keys: keys.map(|dnskey| key_status(zone, dnskey)).collect(),
            schedule: None,
            given_by: Some(self.given_by(apex)),
            bogus: zone.bogus.clone(),
        })
    }

    pub(super) fn given_by(&self, apex: &str) -> GivenBy {
        let has_file = self.document.config.zones.get(apex).is_some_and(|zone| zone.file().is_some());
        if has_file { GivenBy::File } else { GivenBy::Primaries }
    }

    /// What the operator should look at: at a part of the life of signatures and, louder, at a tenth.
    pub(super) fn presigned_alarms(&self, now: Now) -> Vec<String> {
        let late = self.times_of_given(now).filter(SignatureTimes::is_overdue);
        let alarm = |times: SignatureTimes| {
            let apex = &times.apex;
            let urgency = if times.is_ending() { "NOW: " } else { "" };
            if let Some(from) = times.early {
                return format!(
                    "{urgency}zone {apex}: a signature that it came with is not good before {}: until then resolvers that validate refuse the \
                     zone; see whether the clock is right, here and where it is signed",
                    unix_time::moment(from * 1000)
                );
            }
            let runs = if times.left == 0 { "has run out at" } else { "runs out at" };
            let when = unix_time::moment(times.expires.unwrap_or_default() * 1000);
            let whole = duration::format(Duration::from_secs(times.lifetime));
            let what_to_do = match self.given_by(apex) {
                GivenBy::File => "sign its file anew where that is done, and push or reload",
                GivenBy::Primaries => {
                    "see whether its primaries sign it anew, and whether it is got from them (`polder status`)"
                }
            };
            format!(
                "{urgency}zone {apex}: a signature that it came with, good for {whole}, {runs} {when}: from then on resolvers that validate refuse \
                 the zone; {what_to_do}"
            )
        };
        let late = late.map(|times| (times.apex.clone(), alarm(times)));
        let mut alarms = self.few_of_listed(self.bogus(), "resolvers that validate refuse them");
        alarms.extend(self.few_of_listed(late, "their signatures run out, or are not good yet"));
        alarms
    }

    /// An alarm for each zone that primaries have sent and validators refuse. Of one from a file it is said that the file could not be used.
    fn bogus(&self) -> impl Iterator<Item = (String, String)> {
        self.secondaries.iter().filter_map(|(apex, secondary)| {
            let zone = self.zones.get(&name::from_text(apex)?)?;
            let why = zone.bogus.as_ref()?;
            let alarm = format!(
                "zone {apex} is served as it came from its primaries ({}), and resolvers that validate refuse it: {why}; have serial {} signed anew \
                 where that is done, under a higher serial",
                secondary.primaries(),
                zone.serial
            );
            Some((apex.clone(), alarm))
        })
    }

    /// Each zone that comes signed, and whether validators refuse it whenever they ask.
    pub(super) fn refused_by_validators(&self) -> impl Iterator<Item = (String, bool)> {
        let presigned = self.zones.iter().filter(|zone| zone.is_presigned());
        presigned.map(|zone| (name::to_text(&zone.apex), zone.bogus.is_some()))
    }
}

fn key_status(zone: &Zone, dnskey: &[u8]) -> ZoneKeyStatus {
    let (flags, algorithm) = match dnskey {
        [high, low, _, algorithm, ..] => (u16::from_be_bytes([*high, *low]), *algorithm),
        _ => (0, 0),
    };
    let tag = tag(dnskey);
    let signs = |rtype: u16| {
        let signatures = zone.node(0).set(rtype).and_then(RrSet::rrsigs).into_iter().flat_map(RrSet::rdatas);
        let mut read = signatures.filter_map(Rrsig::read);
        read.any(|signature| signature.tag == tag && signature.algorithm == algorithm)
    };
    let (signs_keys, signs_zone, is_sep) = (signs(rtype::DNSKEY), signs(rtype::SOA), flags & SEP != 0);
    ZoneKeyStatus {
        tag,
        algorithm: Algorithm::from_number(algorithm)
            .map_or_else(|| algorithm.to_string(), |known| known.name().to_owned()),
        role: match is_sep {
            true if signs_zone => ZoneKeyRole::Csk,
            true => ZoneKeyRole::Ksk,
            false => ZoneKeyRole::Zsk,
        },
        published: true,
        published_ms: None,
        signs: signs_keys || signs_zone,
        overdue: false,
        next: None,
        ds: is_sep.then(|| rdata::show(rtype::DS, &ds(&zone.apex, dnskey, Digest::Sha256))),
    }
}
