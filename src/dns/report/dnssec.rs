//! How signed zones stand, as status, metrics and alarms tell it.

use std::time::Duration;

use crate::api::dns::{DnssecStatus, ZoneKeyChange, ZoneKeyRole, ZoneKeySchedule, ZoneKeyStatus, ZoneKeyStep};
use crate::config::dns::DnssecConfig;
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
        let Some(config) = self.dnssec_config(apex) else { return self.presigned_status(apex) };
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
                    published_ms: key.times().publish.or(key.times().activate).map(|time| time.saturating_mul(1000)),
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
        Some(DnssecStatus {
            good_from_ms: None,
            expires_ms,
            lifetime_s,
            key_ttl_s: self.key_ttl(&wire),
            folder,
            keys: keys.unwrap_or_default(),
            schedule,
            given_by: None,
            bogus: None,
        })
    }

    fn dnssec_config(&self, apex: &str) -> Option<&DnssecConfig> {
        self.document.config.zones.get(apex)?.dnssec.as_ref()
    }

    /// For how long resolvers keep the keys of a zone, in seconds; 0: it has none.
    pub(super) fn key_ttl(&self, apex: &[u8]) -> u64 {
        let zone = self.zones.get(apex);
        zone.and_then(|zone| zone.node(0).set(rtype::DNSKEY)).map_or(0, |set| u64::from(set.ttl))
    }

    /// How far the ZSKs of a zone were made ahead; none: they were not, or the zone is not signed.
    fn zone_key_schedule(&self, apex: &[u8]) -> Option<Schedule> {
        let signer = self.document.signers.of(apex)?;
        schedule(signer.keys(), signer.at(self.signed_for()).end())
    }

    /// The schedule of a zone's ZSKs, of each zone that has one.
    pub(super) fn zone_key_schedules(&self) -> impl Iterator<Item = (&str, Schedule)> {
        let zones = self.document.config.zones.iter().filter(|(_, zone)| zone.dnssec.is_some());
        zones.filter_map(move |(apex, _)| Some((&**apex, self.zone_key_schedule(&name::from_text(apex)?)?)))
    }

    /// When the first signature of a zone runs out, in seconds since the epoch.
    fn signatures_expire(&self, apex: &[u8]) -> Option<u64> {
        self.zones.get(apex)?.signatures()?.expires()
    }

    /// What the operator should look at: at a third of the life of signatures and, louder, at a tenth.
    pub(super) fn dnssec_alarms(&self, now: Now) -> Vec<String> {
        let mut alarms = self.presigned_alarms(now);
        for times in self.times_of_signed(now) {
            let apex = &times.apex;
            let (Some(config), Some(wire)) = (self.dnssec_config(apex), name::from_text(apex)) else { continue };
            let Some(expires) = times.expires else {
                alarms.push(format!(
                    "NOW: zone {apex} is answered without signatures: resolvers that validate refuse it if the zone above has a DS for it; its keys \
                     could not be used at the start (see the log): mend {} and reload",
                    config.keys.display()
                ));
                continue;
            };
            if times.is_overdue() {
                let when = unix_time::moment(expires * 1000);
                let urgency = if times.is_ending() { "NOW: " } else { "" };
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
