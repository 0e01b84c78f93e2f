//! The nameserver's metrics (Prometheus text): `GET /metrics`.

use std::net::IpAddr;

use super::status::RuntimeFigures;
use crate::api::daemon::Daemon;
use crate::api::operator::OperatorState;
use crate::config::dns::PoolConfig;
use crate::daemon::clock::Now;
use crate::daemon::metrics::{Common, Page};
use crate::dns::control::State;
use crate::dns::control::prepared::Instead;
use crate::dns::cookie::Standing;
use crate::dns::counters::{Count, Counters, Limited, RCODES};
use crate::dns::pool::{self, Members};
use crate::dns::rate_limit::Class;
use crate::health::Verdict;

/// The names of the response codes that we send; others are shown by number.
fn rcode_name(rcode: usize) -> String {
    match rcode {
        0 => "NOERROR".into(),
        1 => "FORMERR".into(),
        2 => "SERVFAIL".into(),
        3 => "NXDOMAIN".into(),
        4 => "NOTIMP".into(),
        5 => "REFUSED".into(),
        6 => "YXDOMAIN".into(),
        9 => "NOTAUTH".into(),
        16 => "BADVERS".into(),
        23 => "BADCOOKIE".into(),
        other => other.to_string(),
    }
}

type Read = fn(&Counters) -> &Count;

const COUNTERS: [(&str, &str, Read); 5] = [
    ("polder_responses_truncated_total", "Responses truncated (TC) to fit a datagram.", |c| &c.truncated),
    ("polder_queries_ignored_total", "Messages that get no response: responses and runts.", |c| &c.ignored),
    ("polder_responses_unsent_total", "Responses that the kernel did not accept.", |c| &c.send_errors),
    ("polder_connections_accepted_total", "Connections accepted.", |c| &c.connections),
    ("polder_connections_refused_total", "Connections refused at a limit.", |c| &c.connections_refused),
];

impl State {
    /// The whole page. `counters` are the workers', each with its transport; `figures` as for the status.
    pub fn metrics<'c>(
        &self,
        counters: impl Iterator<Item = (&'static str, &'c Counters)>,
        figures: &RuntimeFigures,
        now: Now,
    ) -> String {
        let mut page = Page::new(Daemon::Nameserver);
        self.common(figures, now).write(&mut page);
        page.counter("polder_state_write_failures_total", "Writes to the state directory that failed.")
            .sample(&[], self.operator_file.failures() + figures.shell.health_write_failures);
        self.pools(&mut page, now);
        self.targets(&mut page, now);
        let mut metric = page.gauge("polder_zone_serial", "Serial of this zone's SOA record.");
        for zone in self.zone_statuses() {
            metric.sample(&[("zone", &zone.name)], zone.serial.into());
        }
        self.zone_sources(&mut page);
        self.challenges(&mut page, now);
        let counters: Vec<_> = counters.collect();
        queries(&mut page, &counters);
        protection(&mut page, &counters);
        for (name, help, read) in COUNTERS {
            page.counter(name, help).sample(&[], sum(&counters, |counters| read(counters).get()));
        }
        page.finish()
    }

    fn zone_sources(&self, page: &mut Page) {
        let help = "1 for how this zone is answered: from its file, from its last good copy, or with SERVFAIL.";
        let mut metric = page.gauge("polder_zone_source", help);
        for zone in self.document.config.zones.keys() {
            let source = match self.document.impaired.get(zone).map(|impaired| &impaired.instead) {
                None => "file",
                Some(Instead::Copy { .. }) => "copy",
                Some(Instead::Servfail(_)) => "servfail",
            };
            for one in ["file", "copy", "servfail"] {
                metric.flag(&[("zone", zone), ("source", one)], source == one);
            }
        }
    }

    fn challenges(&self, page: &mut Page, now: Now) {
        let help = "Values of a certificate authority's challenges that this proxy has told and that are answered.";
        let mut metric = page.gauge("polder_acme_challenges", help);
        for proxy in self.document.config.acme_challenges.iter().flat_map(|challenges| challenges.from.keys()) {
            let held = self.challenges.held(now.running).filter(|held| held.proxy == proxy);
            metric.sample(&[("proxy", proxy)], held.map(|held| held.values as u64).sum());
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
        let mut metric = page.gauge("polder_pool_members_usable", "Members of this pool that are up and ready.");
        for (name, config) in &self.document.config.pools {
            let members = self.members(name, config, now);
            let usable = config.members.iter().filter(|(member, config)| pool::usable(member, config, &members));
            metric.sample(&[("pool", name)], usable.count() as u64);
        }
        let mut metric = page.gauge("polder_pool_addresses", "Addresses that this pool is answered with.");
        for (name, chosen) in &self.choices {
            metric.sample(&[("pool", name)], chosen.addresses().count() as u64);
        }
        let all_down = "1 if no member is up and ready, so that when_all_down decides the answer.";
        let mut metric = page.gauge("polder_pool_all_down", all_down);
        for (name, chosen) in &self.choices {
            metric.flag(&[("pool", name)], chosen.all_down().is_some());
        }
    }

    fn targets(&self, page: &mut Page, now: Now) {
        let mut metric =
            page.gauge("polder_check_up", "1 if checks say up, 0 if down; absent before the first result.");
        self.addresses(|labels, config, address| match self.verdict(config, address) {
            Verdict::Unchecked => {}
            verdict => metric.flag(labels, verdict == Verdict::Up),
        });
        let mut metric = page.counter("polder_check_changes_total", "Changes between up and down.");
        self.addresses(|labels, config, address| {
            metric.sample(labels, self.health_of(config, address).map_or(0, |health| health.changes));
        });
        let mut metric = page.gauge("polder_operator_state", "1 for the state that the operator has set.");
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

fn sum(counters: &[(&'static str, &Counters)], read: impl Fn(&Counters) -> u64) -> u64 {
    counters.iter().map(|(_, counters)| read(counters)).sum()
}

fn protection(page: &mut Page, counters: &[(&'static str, &Counters)]) {
    let mut metric = page.counter("polder_queries_by_cookie_total", "Queries, by what their DNS cookie shows.");
    for standing in Standing::ALL {
        let count = sum(counters, |counters| counters.cookies[standing as usize].get());
        metric.sample(&[("cookie", standing.name())], count);
    }
    let limited = "Responses beyond the rate limit, by class and by what became of them.";
    let mut metric = page.counter("polder_responses_rate_limited_total", limited);
    for class in Class::ALL {
        for limited in Limited::ALL {
            let count = sum(counters, |counters| counters.limited[class as usize][limited as usize].get());
            metric.sample(&[("class", class.name()), ("action", limited.name())], count);
        }
    }
}

fn queries(page: &mut Page, counters: &[(&'static str, &Counters)]) {
    let mut metric = page.counter("polder_responses_total", "Responses, by transport and response code.");
    for transport in ["udp", "tcp"] {
        let mut sums = [0; RCODES];
        for (_, counters) in counters.iter().filter(|(of, _)| *of == transport) {
            for (sum, answers) in sums.iter_mut().zip(counters.answers()) {
                *sum += answers;
            }
        }
        // The common ones are there from the start, so that a rate over them begins at 0.
        for (rcode, sum) in sums.into_iter().enumerate().filter(|(rcode, sum)| *sum > 0 || matches!(rcode, 0 | 3 | 5)) {
            metric.sample(&[("transport", transport), ("rcode", &*rcode_name(rcode))], sum);
        }
    }
}
