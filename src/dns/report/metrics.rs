//! The nameserver's metrics: `GET /metrics`.

pub mod families;

use std::net::IpAddr;

use self::families::*;
use super::by_zone::ZoneFigures;
use super::counters::{by_rcode, rcode_name};
use super::signatures::SignatureTimes;
use super::status::RuntimeFigures;
use crate::acme::metrics as certificates;
use crate::api::daemon::Daemon;
use crate::api::dns::{DecidedBy, DnstapStatus, Reason};
use crate::api::operator::OperatorState;
use crate::config::dns::PoolConfig;
use crate::daemon::clock::Now;
use crate::daemon::metrics::Scrape;
use crate::daemon::metrics::common::Common;
use crate::daemon::metrics::exposition::Page;
use crate::daemon::metrics::family::Family;
use crate::dns::control::State;
use crate::dns::control::prepared::Instead;
use crate::dns::cookie::Standing;
use crate::dns::counters::{Count, Counters, Limited, ZONE_RCODES};
use crate::dns::pool::{self, Members};
use crate::dns::rate_limit::Class;
use crate::dnssec::schedule::Schedule;
use crate::health::Verdict;
use crate::zone::name;

/// Those that are shown from the start; of the others those that there are.
const ALWAYS: [&str; 2] = ["udp", "tcp"];

type Read = fn(&Counters) -> &Count;

type ReadTimes = fn(&SignatureTimes) -> u64;

type ReadSchedule = fn(&Schedule) -> u64;

const COUNTERS: [(Family, Read); 6] = [
    (TRANSFERS, |c| &c.transfers),
    (TRANSFERS_OF_DIFFERENCES, |c| &c.transfers_of_differences),
    (TRANSFERS_BROKEN, |c| &c.transfers_broken),
    (RESPONSES_TRUNCATED, |c| &c.truncated),
    (QUERIES_IGNORED, |c| &c.ignored),
    (RESPONSES_UNSENT, |c| &c.send_errors),
];

/// Each with the transports that do not have it.
const OF_CONNECTIONS: [(Family, Read, &[&str]); 3] = [
    (CONNECTIONS_ACCEPTED, |c| &c.connections, &["udp"]),
    (CONNECTIONS_REFUSED, |c| &c.connections_refused, &["udp"]),
    (HANDSHAKES_FAILED, |c| &c.handshakes_failed, &ALWAYS),
];

impl State {
    /// The whole page. `counters` are the workers', each with its transport; `figures` as for the status.
    pub fn metrics<'c>(
        &self,
        counters: impl Iterator<Item = (&'static str, &'c Counters)>,
        figures: &RuntimeFigures,
        now: Now,
        scrape: &Scrape,
    ) -> String {
        let mut page = Page::new(Daemon::Nameserver, scrape.format);
        self.common(figures, now).write(&mut page, scrape);
        page.metric(STATE_WRITE_FAILURES)
            .sample(&[], self.operator_file.failures() + figures.shell.health_write_failures);
        self.pools(&mut page, now);
        self.targets(&mut page, now);
        let mut metric = page.metric(ZONE_SERIAL);
        for zone in self.zones.iter() {
            metric.sample(&[("zone", &name::to_text(&zone.apex))], u64::from(zone.serial));
        }
        self.zone_sources(&mut page);
        let mut metric = page.metric(ZONE_EXPIRES);
        for (zone, left) in self.secondary_times_left(now) {
            metric.sample(&[("zone", zone)], left);
        }
        self.signing(&mut page, now);
        if !self.document.signers.is_empty() {
            page.metric(SIGNATURES_AHEAD).sample(&[], self.signed_pools.ahead().count() as u64);
            page.metric(SIGNATURES_LATE).sample(&[], self.signed_pools.waited_for());
        }
        let mut metric = page.metric(CATALOG_ZONES);
        for (catalog, zones) in self.catalog_sizes() {
            metric.sample(&[("catalog", catalog)], zones as u64);
        }
        certificates::write(&mut page, self.slots(), &self.orders, self.ready && !self.draining, now);
        self.challenges(&mut page, now);
        let counters: Vec<_> = counters.collect();
        queries(&mut page, &counters);
        self.zone_responses(&mut page, &counters);
        protection(&mut page, &counters);
        zone_protection(&mut page, &figures.zones);
        if let Some(DnstapStatus { on, connected, sent, dropped, .. }) = self.dnstap_status(&figures.dnstap) {
            page.metric(DNSTAP_ON).flag(&[], on);
            page.metric(DNSTAP_CONNECTED).flag(&[], connected);
            let mut metric = page.metric(DNSTAP_MESSAGES);
            metric.sample(&[("result", "sent")], sent);
            metric.sample(&[("result", "dropped")], dropped);
        }
        for (family, read) in COUNTERS {
            page.metric(family).sample(&[], sum(&counters, |counters| read(counters).get()));
        }
        for (family, read, not) in OF_CONNECTIONS {
            let mut metric = page.metric(family);
            for (transport, counters) in counters.iter().filter(|(transport, _)| !not.contains(transport)) {
                metric.sample(&[("transport", transport)], read(counters).get());
            }
        }
        page.finish()
    }

    fn zone_responses(&self, page: &mut Page, counters: &[(&'static str, &Counters)]) {
        let mut metric = page.metric(ZONE_RESPONSES);
        for transport in transports(counters) {
            let workers = counters.iter().filter(|(of, _)| *of == transport).map(|(_, counters)| *counters);
            for (zone, counts) in ZoneFigures::read(self, workers).labelled() {
                for (rcode, sum) in ZONE_RCODES.into_iter().zip(counts.responses) {
                    metric.sample(&[("zone", zone), ("transport", transport), ("rcode", rcode)], sum);
                }
            }
        }
    }

    fn zone_sources(&self, page: &mut Page) {
        let mut metric = page.metric(ZONE_SOURCE);
        for (zone, _) in self.all_zones() {
            let source = match self.document.impaired.get(zone).map(|impaired| &impaired.instead) {
                None if self.is_unserved(zone) || self.is_unmade(zone) => "servfail",
                None if self.secondaries.contains_key(zone) => "primary",
                None if self.is_made_here(zone) => "catalog",
                None => "file",
                Some(Instead::Copy { .. }) => "copy",
                Some(Instead::AsItIs) => "file",
                Some(Instead::Servfail(_)) => "servfail",
            };
            for one in ["file", "primary", "catalog", "copy", "servfail"] {
                metric.flag(&[("zone", zone), ("source", one)], source == one);
            }
        }
    }

    fn signing(&self, page: &mut Page, now: Now) {
        let times: Vec<SignatureTimes> = self.signature_times(now).collect();
        let of_signatures: [(Family, ReadTimes); 3] = [
            (ZONE_SIGNATURES_LEFT, |times| times.left),
            (ZONE_SIGNATURES_LIFETIME, |times| times.lifetime),
            (ZONE_SIGNATURES_REFRESH, |times| times.refresh),
        ];
        for (family, read) in of_signatures {
            let mut metric = page.metric(family);
            for times in &times {
                metric.sample(&[("zone", &times.apex)], read(times));
            }
        }
        let mut metric = page.metric(ZONE_BOGUS);
        for (zone, is_bogus) in self.refused_by_validators() {
            metric.flag(&[("zone", &zone)], is_bogus);
        }
        let schedules: Vec<(&str, Schedule)> = self.zone_key_schedules().collect();
        let of_schedules: [(Family, ReadSchedule); 2] =
            [(ZONE_KEYS_MADE_UNTIL, |schedule| schedule.ends), (ZONE_KEYS_MADE_FOR, |schedule| schedule.span)];
        for (family, read) in of_schedules {
            let mut metric = page.metric(family);
            for (zone, schedule) in &schedules {
                metric.sample(&[("zone", zone)], read(schedule));
            }
        }
    }

    fn challenges(&self, page: &mut Page, now: Now) {
        let mut metric = page.metric(ACME_CHALLENGES);
        for proxy in self.document.config.acme_challenges.iter().flat_map(|challenges| challenges.from.keys()) {
            let held = self.challenges.held(now.running).filter(|held| held.proxy == *proxy);
            metric.sample(&[("proxy", proxy)], held.map(|held| held.values as u64).sum::<u64>());
        }
    }

    fn common<'a>(&'a self, figures: &'a RuntimeFigures, now: Now) -> Common<'a> {
        let shell = &figures.shell;
        Common {
            uptime: now.running,
            generation: self.generation(),
            ready: self.ready && !self.draining,
            alarms: self.alarms(figures, now).len(),
            state_unwritten: self.operator_file.has_failed(),
            shell,
            rejected: self.rejected.iter().map(|(peer, rejected)| (peer.as_str(), rejected.total())).collect(),
        }
    }

    fn pools(&self, page: &mut Page, now: Now) {
        let mut metric = page.metric(POOL_MEMBERS_USABLE);
        for (name, config) in &self.document.config.pools {
            let members = self.members(name, config, now);
            let usable = config.members.iter().filter(|(member, config)| pool::usable(member, config, &members));
            metric.sample(&[("pool", name)], usable.count() as u64);
        }
        let mut metric = page.metric(POOL_ADDRESSES);
        for (name, chosen) in &self.choices {
            metric.sample(&[("pool", name)], chosen.addresses().count() as u64);
        }
        let mut metric = page.metric(POOL_ALL_DOWN);
        for (name, chosen) in &self.choices {
            metric.flag(&[("pool", name)], chosen.all_down().is_some());
        }
        let mut metric = page.metric(POOL_DECIDED_BY);
        for (name, chosen) in &self.choices {
            let DecidedBy { a, aaaa } = chosen.decided_by();
            for (family, by) in [("a", a), ("aaaa", aaaa)] {
                for reason in Reason::ALL {
                    metric.flag(&[("pool", name), ("family", family), ("reason", reason.name())], reason == by);
                }
            }
        }
        let mut metric = page.metric(POOL_ISOLATED);
        for name in self.choices.keys() {
            metric.flag(&[("pool", name)], self.isolation.is_from(name));
        }
    }

    fn targets(&self, page: &mut Page, now: Now) {
        let mut metric = page.metric(CHECK_UP);
        self.addresses(|labels, config, address| match self.verdict(config, address) {
            Verdict::Unchecked => {}
            verdict => metric.flag(labels, verdict == Verdict::Up),
        });
        let mut metric = page.metric(CHECK_CHANGES);
        self.addresses(|labels, config, address| {
            metric.sample(labels, self.health_of(config, address).map_or(0, |health| health.changes));
        });
        let mut metric = page.metric(OPERATOR_STATE);
        for (name, config) in &self.document.config.pools {
            let members = self.members(name, config, now);
            for member in config.members.keys() {
                for state in OperatorState::ALL {
                    let labels = [("pool", &**name), ("member", member), ("state", state.name())];
                    metric.flag(&labels, members.operator(member) == state);
                }
            }
        }
    }

    fn addresses(&self, mut each: impl FnMut(&[(&str, &str)], &PoolConfig, IpAddr)) {
        for (name, config) in &self.document.config.pools {
            for (member, addresses) in &config.members {
                for address in &addresses.addresses {
                    let labels = [("pool", &**name), ("member", member), ("address", &address.to_string())];
                    each(&labels, config, *address);
                }
            }
        }
    }
}

fn transports(counters: &[(&'static str, &Counters)]) -> Vec<&'static str> {
    let more = counters.iter().map(|(transport, _)| *transport).filter(|transport| !ALWAYS.contains(transport));
    ALWAYS.into_iter().chain(more).collect()
}

fn sum(counters: &[(&'static str, &Counters)], read: impl Fn(&Counters) -> u64) -> u64 {
    counters.iter().map(|(_, counters)| read(counters)).sum()
}

fn protection(page: &mut Page, counters: &[(&'static str, &Counters)]) {
    let mut metric = page.metric(QUERIES_BY_COOKIE);
    for standing in Standing::ALL {
        let count = sum(counters, |counters| counters.cookies[standing as usize].get());
        metric.sample(&[("cookie", standing.name())], count);
    }
    let mut metric = page.metric(RESPONSES_RATE_LIMITED);
    for class in Class::ALL {
        for limited in Limited::ALL {
            let count = sum(counters, |counters| counters.limited[class as usize][limited as usize].get());
            metric.sample(&[("class", class.name()), ("action", limited.name())], count);
        }
    }
}

fn zone_protection(page: &mut Page, zones: &ZoneFigures) {
    let mut metric = page.metric(ZONE_QUERIES_BY_COOKIE);
    for (zone, counts) in zones.labelled() {
        for standing in Standing::ALL {
            metric.sample(&[("zone", zone), ("cookie", standing.name())], counts.cookies[standing as usize]);
        }
    }
    let mut metric = page.metric(ZONE_RESPONSES_RATE_LIMITED);
    for (zone, counts) in zones.labelled() {
        let each = Class::ALL.into_iter().flat_map(|class| Limited::ALL.map(|limited| (class, limited)));
        for (class, limited) in each {
            let count = counts.limited[class as usize][limited as usize];
            // Hardly any zone meets the limit, and of those that do hardly any in each way.
            if count > 0 {
                metric.sample(&[("zone", zone), ("class", class.name()), ("action", limited.name())], count);
            }
        }
    }
    page.metric(ZONES_COUNTED_TOGETHER).sample(&[], zones.together() as u64);
}

fn queries(page: &mut Page, counters: &[(&'static str, &Counters)]) {
    let mut metric = page.metric(RESPONSES);
    for transport in transports(counters) {
        let sums = by_rcode(counters.iter().filter(|(of, _)| *of == transport).map(|(_, counters)| *counters));
        // The common ones are there from the start, so that a rate over them begins at 0.
        for (rcode, sum) in sums.into_iter().enumerate().filter(|(rcode, sum)| *sum > 0 || matches!(rcode, 0 | 3 | 5)) {
            metric.sample(&[("transport", transport), ("rcode", &*rcode_name(rcode))], sum);
        }
    }
}
