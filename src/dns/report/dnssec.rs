//! How signed zones stand, as status, metrics and alarms tell it.

use std::time::Duration;

use crate::api::dns::{DnssecStatus, ZoneKeyChange, ZoneKeyRole, ZoneKeySchedule, ZoneKeyStatus, ZoneKeyStep};
use crate::config::duration;
use crate::daemon::clock::Now;
use crate::dns::control::State;
use crate::dnssec::schedule::{Schedule, schedule};
use crate::dnssec::{Digest, Step, ZoneKey};
use crate::unix_time;
use crate::zone::name;
use crate::zone::number::rtype;
use crate::zone::rdata;

impl State {
    /// Of a zone that its document has signed here, or that comes signed; none of another one.
    pub(super) fn dnssec_status(&self, apex: &str) -> Option<DnssecStatus> {
        let config = self.document.config.zones.get(apex).and_then(|zone| zone.dnssec.as_ref());
        let Some(config) = config else { return self.presigned_status(apex) };
        let wire = name::from_text(apex)?;
        let expires_ms = self.signatures_expire(&wire).map(|seconds| seconds * 1000);
        let keys = self.document.signers.of(&wire).map(|signer| {
            let moment = signer.at(self.signed_for());
            let is_in = |key: &ZoneKey, of: u16| moment.keys_for(of).iter().any(|one| std::ptr::eq(*one, key));
            let status = |key: &ZoneKey| {
                let (keys, zone) = (is_in(key, rtype::DNSKEY), is_in(key, rtype::SOA));
                let signs = keys || zone;
                ZoneKeyStatus {
                    tag: key.tag(),
                    algorithm: key.algorithm().name().to_owned(),
                    role: match key.is_ksk() {
                        true if zone => ZoneKeyRole::Csk,
                        true => ZoneKeyRole::Ksk,
                        false => ZoneKeyRole::Zsk,
                    },
                    published: moment.dnskeys().iter().any(|data| *data == key.dnskey()),
                    signs,
                    overdue: moment.is_overdue(key),
                    next: key.times().next_change(moment.end()).map(change),
                    ds: key.is_ksk().then(|| rdata::show(rtype::DS, &key.ds(Digest::Sha256))),
                }
            };
            signer.keys().iter().map(|key| status(key)).collect()
        });
        let (lifetime_s, folder) = (config.lifetime.as_secs(), config.keys.display().to_string());
        let schedule = self.zone_key_schedule(&wire).map(|schedule| ZoneKeySchedule {
            next: schedule.next.map(|(tag, at)| (tag, at * 1000)),
            every_s: schedule.every,
            ends_ms: schedule.ends * 1000,
            warns_ms: schedule.warns * 1000,
        });
        Some(DnssecStatus { expires_ms, lifetime_s, folder, keys: keys.unwrap_or_default(), schedule, given_by: None })
    }

    /// How far the ZSKs of a zone were made ahead; none: they were not, or the zone is not signed.
    fn zone_key_schedule(&self, apex: &[u8]) -> Option<Schedule> {
        let signer = self.document.signers.of(apex)?;
        schedule(signer.keys(), signer.at(self.signed_for()).end())
    }

    /// When the schedule of a zone's ZSKs ends, in seconds since the epoch, of each zone that has one.
    pub(super) fn schedules_end(&self) -> impl Iterator<Item = (&str, u64)> {
        let zones = self.document.config.zones.iter().filter(|(_, zone)| zone.dnssec.is_some());
        zones.filter_map(move |(apex, _)| Some((&**apex, self.zone_key_schedule(&name::from_text(apex)?)?.ends)))
    }

    /// When the first signature of a zone runs out, in seconds since the epoch.
    fn signatures_expire(&self, apex: &[u8]) -> Option<u64> {
        self.zones.get(apex)?.signatures()?.expires()
    }

    /// How long the first signature is good still of each zone that is to be signed, or comes signed, in seconds; 0 where there is none.
    pub(super) fn signatures_left(&self, now: Now) -> impl Iterator<Item = (String, u64)> {
        let zones = self.document.config.zones.iter().filter(|(_, zone)| zone.dnssec.is_some());
        let signed_here = zones.filter_map(move |(apex, _)| {
            let expires = self.signatures_expire(&name::from_text(apex)?).unwrap_or_default();
            Some((apex.clone(), expires.saturating_sub(now.unix_ms / 1000)))
        });
        let given = self.presigned_lives();
        signed_here.chain(given.map(move |(apex, life)| (apex, life.expires.saturating_sub(now.unix_ms / 1000))))
    }

    /// For how long signatures are made of each zone that is to be signed, in seconds.
    pub(super) fn signature_lifetimes(&self) -> impl Iterator<Item = (&str, u64)> {
        let zones = self.document.config.zones.iter();
        zones.filter_map(|(apex, zone)| Some((&**apex, zone.dnssec.as_ref()?.lifetime.as_secs())))
    }

    /// What the operator should look at: at a third of the life of signatures and, louder, at a tenth.
    pub(super) fn dnssec_alarms(&self, now: Now) -> Vec<String> {
        let zones = self.document.config.zones.iter().filter_map(|(apex, zone)| Some((apex, zone.dnssec.as_ref()?)));
        let mut alarms = self.presigned_alarms(now);
        for (apex, config) in zones {
            let Some(wire) = name::from_text(apex) else { continue };
            if self.zones.get(&wire).is_none() {
                continue;
            }
            let Some(expires) = self.signatures_expire(&wire) else {
                alarms.push(format!(
                    "zone {apex} is answered without signatures: resolvers that validate refuse it if the zone above has a DS for it; its keys \
                     could not be used at the start (see the log): mend {} and reload",
                    config.keys.display()
                ));
                continue;
            };
            let left = Duration::from_secs(expires.saturating_sub(now.unix_ms / 1000));
            // They are renewed when a third is left, an hour early or late.
            let overdue = config.lifetime / 3 - Duration::from_secs(2 * 3600);
            if left < overdue {
                let when = unix_time::moment(expires * 1000);
                let urgency = if left < config.lifetime / 10 { "NOW: " } else { "" };
                alarms.push(format!(
                    "{urgency}zone {apex}: a signature runs out at {when}, and was to be renewed when a third of {} was left: from then on \
                     resolvers that validate refuse the zone; see the log for why, and whether the clock is right",
                    duration::format(config.lifetime)
                ));
            }
            let running_out = self.zone_key_schedule(&wire).filter(|schedule| schedule.warns <= now.unix_ms / 1000);
            alarms.extend(running_out.map(|schedule| {
                let (ends, every) = (unix_time::moment(schedule.ends * 1000), Duration::from_secs(schedule.every));
                format!(
                    "zone {apex}: its ZSKs were made ahead until {ends}, and the last one goes on then: nothing breaks, and it rolls no more; make more \
                     of them (polder dnssec roll-zsk {apex} --every {} --for 730d) and copy them to every nameserver",
                    duration::format(every)
                )
            }));
            let keys = self.dnssec_status(apex).map(|status| status.keys).unwrap_or_default();
            alarms.extend(keys.iter().filter(|key| key.overdue).map(|key| {
                format!(
                    "zone {apex}: key {} was to sign no more, and goes on as there is no other: make the next one (polder dnssec) and copy it to \
                     every nameserver",
                    key.tag
                )
            }));
        }
        alarms
    }
}

fn change((seconds, step): (u64, Step)) -> ZoneKeyChange {
    let to = match step {
        Step::Publish => ZoneKeyStep::Published,
        Step::Activate => ZoneKeyStep::Active,
        Step::Inactive => ZoneKeyStep::Inactive,
        Step::Delete => ZoneKeyStep::Deleted,
    };
    ZoneKeyChange { at_ms: seconds.saturating_mul(1000), to }
}
