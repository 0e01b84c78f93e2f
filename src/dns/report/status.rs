//! `GET /status`: all of it at one moment, and the service manager's one line.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::by_zone::ZoneFigures;
use super::dnstap::DnstapFigures;
use crate::acme::report::certificate_status;
use crate::api::certificates::CertificateStatus;
use crate::api::daemon::{Daemon, DaemonStatus, PeerStatus};
use crate::api::dns::{AddressStatus, ChallengeStatus, FailedZone, MemberStatus, PoolStatus, Status, ZoneStatus};
use crate::config::DnsConfig;
use crate::config::dns::{EncryptedConfig, MemberConfig, PoolConfig};
use crate::config::fingerprint::in_text;
use crate::counted::counted;
use crate::daemon::VERSION;
use crate::daemon::clock::Now;
use crate::daemon::lifecycle::{Figures, LastReload};
use crate::daemon::peers::PeerHealth;
use crate::dns::challenges::HeldName;
use crate::dns::compiled::Zone;
use crate::dns::control::prepared::{Impaired, Instead};
use crate::dns::control::{Choices, State};
use crate::dns::pool::{self, By, near};
use crate::health::Verdict;
use crate::tls::certificates::Slot;
use crate::unix_time::to_unix_ms;
use crate::zone::name;

/// What the status shows that is not in the control state.
#[derive(Debug, Default)]
pub struct RuntimeFigures {
    /// Queries answered since the start.
    pub queries: u64,
    /// What the workers counted by zone.
    pub zones: ZoneFigures,
    /// How dnstap fares.
    pub dnstap: DnstapFigures,
    /// What the shell knows: peers, reloads, state files.
    pub shell: Figures,
    /// Looks at files that do not end, each a sentence.
    pub hanging: Vec<String>,
    /// Why no proxy can tell its challenges, if the document wants them heard.
    pub challenges_unheard: Option<String>,
}

impl State {
    /// The whole status.
    pub fn status(&self, figures: &RuntimeFigures, now: Now) -> Status {
        let config = &self.document.config;
        let daemon = DaemonStatus {
            role: Daemon::Nameserver,
            name: config.name.clone(),
            version: VERSION.into(),
            pid: std::process::id(),
            uptime_s: now.running.as_secs(),
            generation: self.generation(),
            ready: self.ready && !self.draining,
            draining: self.draining,
            listeners: listeners(config),
            settings: in_text(&config.settings),
            peers: figures.shell.peers.iter().map(|(name, health)| peer_status(name, health)).collect(),
            alarms: self.alarms(figures, now),
            last_reload: figures.shell.last_reload.as_ref().map(LastReload::in_words),
        };
        let pools = config.pools.iter().map(|(name, config)| self.pool_status(name, config, now)).collect();
        Status {
            daemon,
            queries: figures.queries,
            no_ipv6: !self.has_ipv6,
            zones: self.zone_statuses(&figures.zones),
            other_zones: figures.zones.other_zones(),
            no_zone: Some(figures.zones.no_zone()),
            dnstap: self.dnstap_status(&figures.dnstap),
            failed_zones: self.failed_zones(now),
            pools,
            challenges: self.challenges_held(now).map(challenge_status).collect(),
            certificates: self.certificate_statuses(now),
        }
    }

    /// One line for `systemctl status`: `2 zones, 1 pool: 3 of 3 members up; generation 7`.
    pub fn summary(&self) -> String {
        let pools = &self.document.config.pools;
        let zones = counted(self.all_zones().count(), "zone");
        let members: usize = pools.values().map(|pool| pool.members.len()).sum();
        let up: usize = pools.values().map(|pool| pool.members.values().filter(|m| self.is_up(pool, m)).count()).sum();
        let is_unserved = self.is_any_unserved();
        let alarm = self.operator_file.has_failed() || !self.document.impaired.is_empty() || is_unserved;
        let alarms = if alarm { "; see status for alarms" } else { "" };
        let isolated = if self.isolation.is_any() { "; isolated" } else { "" };
        let generation = self.generation();
        format!(
            "{zones}, {}: {up} of {} up; generation {generation}{isolated}{alarms}",
            counted(pools.len(), "pool"),
            counted(members, "member")
        )
    }

    /// Whether every address of a member is up.
    pub(super) fn is_up(&self, pool: &PoolConfig, member: &MemberConfig) -> bool {
        member.addresses.iter().all(|address| self.verdict(pool, *address) == Verdict::Up)
    }

    pub(super) fn verdict(&self, pool: &PoolConfig, address: IpAddr) -> Verdict {
        self.health_of(pool, address).map_or(Verdict::Unchecked, |health| health.verdict)
    }

    pub(super) fn zone_statuses(&self, counted: &ZoneFigures) -> Vec<ZoneStatus> {
        let status = |zone: &Zone| {
            let name = name::to_text(&zone.apex);
            let impaired = self.document.impaired.get(&name);
            let is_copy = |impaired: &&Impaired| matches!(impaired.instead, Instead::Copy { .. });
            let copy_because = impaired.filter(is_copy).map(ToString::to_string);
            let catalog = self.catalog_of(&name).map(str::to_owned);
            let queries = counted.of(&name);
            let config = self.document.config.zones.get(&name);
            let signed = config.and_then(|config| config.dnssec.as_ref()).map(ToString::to_string).unwrap_or_default();
            let (dnssec, serial, records) = (self.dnssec_status(&name), zone.serial, zone.records);
            ZoneStatus { name, serial, records, copy_because, catalog, signed, dnssec, queries }
        };
        self.zones.iter().map(status).collect()
    }

    pub(super) fn failed_zones(&self, now: Now) -> Vec<FailedZone> {
        let impaired = self.document.impaired.iter();
        let failed = impaired.filter(|(_, impaired)| matches!(impaired.instead, Instead::Servfail(_)));
        let failed = failed.map(|(name, impaired)| FailedZone { name: name.clone(), because: impaired.to_string() });
        let unserved = self.secondaries.keys().filter(|apex| self.is_unserved(apex)).map(|apex| FailedZone {
            name: apex.clone(),
            because: format!("answered SERVFAIL: {}", self.secondary_in_words(apex, now).unwrap_or_default()),
        });
        let unmade = self.document.config.zones.keys().filter(|apex| self.is_unmade(apex)).map(|apex| FailedZone {
            name: apex.clone(),
            because: format!("answered SERVFAIL: {}", self.catalog_in_words(apex).unwrap_or_default()),
        });
        failed.chain(unserved).chain(unmade).collect()
    }

    /// What the operator should look at, each a sentence.
    pub(super) fn alarms(&self, figures: &RuntimeFigures, now: Now) -> Vec<String> {
        let mut alarms = self.operator_file.alarms(now);
        alarms.extend(figures.shell.alarms());
        alarms.extend(figures.challenges_unheard.clone());
        alarms.extend(figures.hanging.iter().cloned());
        alarms.extend(self.dnstap_alarm(&figures.dnstap));
        let since_epoch = Duration::from_millis(now.unix_ms);
        alarms.extend(self.document.connectors.iter().flat_map(|connector| connector.alarms(since_epoch)));
        alarms.extend(self.document.encrypted.iter().flat_map(|terms| terms.shown.alarms(since_epoch)));
        alarms.extend(self.orders.alarms(now));
        alarms.extend(self.document.impaired.iter().map(|(zone, impaired)| format!("zone {zone} is {impaired}")));
        alarms.extend(self.secondary_alarms(now));
        alarms.extend(self.catalog_alarms());
        alarms.extend(self.dnssec_alarms(now));
        for (name, config) in &self.document.config.pools {
            let members = self.members(name, config, now);
            if let Some(words) = self.nobody(name, config, now) {
                alarms.push(format!("pool {name}: {words}"));
            } else if let Some(words) = self.isolated_in_words(name, now) {
                alarms.push(format!(
                    "pool {name}: isolated from {words}: what its peers see up is answered; look at the network between this nameserver \
                     and the members, or at who is mistaken"
                ));
            } else if let Some(words) = self.kept_in_words(name) {
                alarms.push(format!("pool {name}: {words}; look at this nameserver's network"));
            } else if config.members.iter().filter(|(member, config)| pool::usable(member, config, &members)).count()
                == 1
                && config.members.len() > 1
            {
                alarms.push(format!("pool {name}: only one member is up and ready"));
            }
        }
        alarms.extend(self.rejected.iter().filter_map(|(peer, rejected)| rejected.alarm(peer)));
        alarms.extend(figures.shell.peers.values().filter_map(|health| health.silence_alarm(now)));
        alarms
    }

    fn near_status(&self, name: &str, config: &PoolConfig, chosen: Option<&Choices>) -> BTreeMap<String, Vec<String>> {
        let chosen = chosen.filter(|_| !self.document.locations.is_empty());
        let of_location = |location: &str, chosen: &Choices| {
            let near = self.near((name, config), location, chosen);
            let is_another = !near.iter().eq(chosen.addresses());
            is_another.then(|| (location.to_owned(), near.iter().map(ToString::to_string).collect()))
        };
        let locations =
            chosen.into_iter().flat_map(|chosen| near::locations(config).into_iter().map(move |one| (one, chosen)));
        locations.filter_map(|(location, chosen)| of_location(location, chosen)).collect()
    }

    fn certificate_statuses(&self, now: Now) -> Vec<CertificateStatus> {
        let orders: Vec<_> = self.orders.standings(self.ready && !self.draining, now).collect();
        self.slots().map(|slot| certificate_status(slot, &orders)).collect()
    }

    /// The certificates that clients are shown.
    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.document.encrypted.iter().flat_map(|terms| terms.shown.slots())
    }

    fn pool_status(&self, name: &str, config: &PoolConfig, now: Now) -> PoolStatus {
        let chosen = self.choices.get(name);
        let answers: Vec<String> = chosen.map_or(Vec::new(), |c| c.addresses().map(ToString::to_string).collect());
        PoolStatus {
            name: name.into(),
            fingerprint: config.fingerprint.to_string(),
            ttl: config.ttl,
            all_down: chosen.and_then(Choices::all_down).map(str::to_owned),
            decided_by: chosen.map(Choices::decided_by).unwrap_or_default(),
            isolated: self.isolated_in_words(name, now),
            kept_until: chosen.and_then(Choices::kept_until),
            near: self.near_status(name, config, chosen),
            members: config
                .members
                .iter()
                .map(|(member, members)| self.member_status((name, config), (member, members), &answers, now))
                .collect(),
            answers,
        }
    }

    /// Whether what its check says of an address counts for nothing.
    fn is_unjudged(&self, pool: &str, address: IpAddr) -> bool {
        let by = self.choices.get(pool).map(|chosen| chosen.of(address).by);
        self.is_blind_to(address) && matches!(by, Some(By::FollowsA | By::Peers))
    }

    fn member_status(
        &self,
        (pool, config): (&str, &PoolConfig),
        (name, member): (&str, &MemberConfig),
        answers: &[String],
        now: Now,
    ) -> MemberStatus {
        let subject = format!("{pool}/{name}");
        let address_status = |address: &IpAddr| {
            let health = self.health_of(config, *address);
            AddressStatus {
                check: health.map_or(Verdict::Unchecked, |health| health.verdict),
                check_reason: health
                    .map_or_else(|| "no probe has ended yet".into(), |health| health.reason.to_string()),
                check_since: health.map_or(0, |health| to_unix_ms(health.since)),
                answered: answers.contains(&address.to_string()),
                unjudged: self.is_unjudged(pool, *address),
                address: address.to_string(),
            }
        };
        MemberStatus {
            name: name.into(),
            operator: self.operator.state(&subject, now.unix_ms),
            note: self.operator.0.get(&subject).cloned(),
            addresses: member.addresses.iter().map(address_status).collect(),
        }
    }
}

/// Where it listens; of encrypted transports with their names.
fn listeners(config: &DnsConfig) -> Vec<String> {
    let plain = config.listeners.iter().map(ToString::to_string);
    let encrypted = config.encrypted.iter().flat_map(EncryptedConfig::addresses);
    plain.chain(encrypted.map(|(transport, address)| format!("{address} ({transport})"))).collect()
}

fn challenge_status(held: HeldName) -> ChallengeStatus {
    let HeldName { name, proxy, values, left } = held;
    let left_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    ChallengeStatus { name, proxy, values, left_ms }
}

fn peer_status(name: &str, health: &PeerHealth) -> PeerStatus {
    PeerStatus {
        name: name.into(),
        heard: health.heard.map(to_unix_ms),
        error: health.error.clone(),
        differs: Vec::new(),
    }
}
