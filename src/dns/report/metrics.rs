//! `GET /metrics`.

use crate::daemon::clock::Now;
use crate::daemon::lifecycle::Figures;
use crate::daemon::metrics::Page;
use crate::dns::control::State;
use crate::dns::cookie::Standing;
use crate::dns::counters::{Count, Counters, Limited, RCODES};
use crate::dns::pool::{self, Known};
use crate::dns::rate_limit::Class;
use crate::health::Verdict;

/// The names of the error codes that are counted; others are shown by number.
fn rcode_name(rcode: usize) -> String {
    match rcode {
        0 => "NOERROR".into(),
        1 => "FORMERR".into(),
        3 => "NXDOMAIN".into(),
        4 => "NOTIMP".into(),
        5 => "REFUSED".into(),
        6 => "YXDOMAIN".into(),
        16 => "BADVERS".into(),
        23 => "BADCOOKIE".into(),
        other => other.to_string(),
    }
}

impl State {
    /// The whole page. `counters` are the workers', each with its transport.
    pub fn metrics<'c>(
        &self,
        counters: impl Iterator<Item = (&'static str, &'c Counters)>,
        figures: &Figures,
        now: Now,
    ) -> String {
        let mut page = Page::default();
        let counters: Vec<_> = counters.collect();
        answers(&mut page, &counters);
        type Read = fn(&Counters) -> &Count;
        let counts: [(&str, &str, Read); 5] = [
            ("polder_dns_truncated_total", "Answers cut to fit a datagram.", |c| &c.truncated),
            ("polder_dns_ignored_total", "Messages that get no answer: responses and runts.", |c| &c.ignored),
            ("polder_dns_send_errors_total", "Answers the kernel did not take.", |c| &c.send_errors),
            ("polder_dns_connections_total", "TCP connections accepted.", |c| &c.connections),
            ("polder_dns_connections_refused_total", "TCP connections refused at a cap.", |c| &c.connections_refused),
        ];
        for (name, help, read) in counts {
            page.metric(name, "counter", help);
            page.sample(name, &[], counters.iter().map(|(_, counters)| read(counters).get()).sum::<u64>());
        }
        protection(&mut page, &counters);
        self.pools(&mut page, now);
        self.daemon(&mut page, figures, now);
        page.metric("polder_dns_peer_reachable", "gauge", "1: the last exchange with the peer was well.");
        for (peer, health) in &figures.peers {
            page.sample("polder_dns_peer_reachable", &[("peer", peer)], u8::from(health.error.is_none()));
        }
        page.metric("polder_dns_peer_values_refused_total", "counter", "What this peer said beyond the bounds.");
        for (peer, untaken) in &self.untaken {
            page.sample("polder_dns_peer_values_refused_total", &[("peer", peer)], untaken.total());
        }
        page.finish()
    }

    fn pools(&self, page: &mut Page, now: Now) {
        page.metric("polder_dns_pool_members_usable", "gauge", "Members that are up and ready.");
        for (name, config) in &self.document.config.pools {
            let known = self.known(name, config, now);
            let usable = config.members.iter().filter(|(member, config)| pool::usable(member, config, &known));
            page.sample("polder_dns_pool_members_usable", &[("pool", name)], usable.count());
        }
        page.metric("polder_dns_pool_addresses", "gauge", "Addresses answered now.");
        for (name, chosen) in &self.choices {
            page.sample("polder_dns_pool_addresses", &[("pool", name)], chosen.addresses().count());
        }
        page.metric("polder_dns_pool_all_down", "gauge", "1: when_all_down decides an answer of this pool.");
        for (name, chosen) in &self.choices {
            let decides = chosen.all_down().is_some();
            page.sample("polder_dns_pool_all_down", &[("pool", name)], u8::from(decides));
        }
        page.metric("polder_dns_check_up", "gauge", "1: up, 0: down, -1: unchecked.");
        self.addresses(now, |labels, known, address| {
            let value = match known.verdict(address) {
                Verdict::Up => 1,
                Verdict::Down => 0,
                Verdict::Unchecked => -1,
            };
            page.sample("polder_dns_check_up", labels, value);
        });
        page.metric("polder_dns_check_changes_total", "counter", "How often a check changed its verdict.");
        for (name, config) in &self.document.config.pools {
            for (member, addresses) in &config.members {
                for address in &addresses.addresses {
                    let changes = self.health_of(config, *address).map_or(0, |health| health.changes);
                    let labels = [("pool", &**name), ("member", member), ("address", &address.to_string())];
                    page.sample("polder_dns_check_changes_total", &labels, changes);
                }
            }
        }
        page.metric("polder_dns_member_operator", "gauge", "What the operator says: the label's state is 1.");
        for (name, config) in &self.document.config.pools {
            let known = self.known(name, config, now);
            for member in config.members.keys() {
                let state = known.operator(member).to_string();
                page.sample("polder_dns_member_operator", &[("pool", name), ("member", member), ("state", &state)], 1);
            }
        }
    }

    fn addresses(&self, now: Now, mut each: impl FnMut(&[(&str, &str)], &dyn Known, std::net::IpAddr)) {
        for (name, config) in &self.document.config.pools {
            let known = self.known(name, config, now);
            for (member, addresses) in &config.members {
                for address in &addresses.addresses {
                    let labels = [("pool", &**name), ("member", member), ("address", &address.to_string())];
                    each(&labels, &known, *address);
                }
            }
        }
    }

    fn daemon(&self, page: &mut Page, figures: &Figures, now: Now) {
        page.metric("polder_dns_zone_serial", "gauge", "The serial of each zone's SOA.");
        for zone in self.zone_statuses() {
            page.sample("polder_dns_zone_serial", &[("zone", &zone.name)], zone.serial);
        }
        page.metric("polder_dns_reloads_total", "counter", "Reloads by how they ended.");
        page.sample("polder_dns_reloads_total", &[("result", "ok")], figures.reloads);
        page.sample("polder_dns_reloads_total", &[("result", "failed")], figures.reloads_refused);
        let unwritten = self.operator_file.has_failed() || figures.health_unwritten.is_some();
        let gauges = [
            ("polder_dns_generation", "Of the snapshot.", self.generation()),
            ("polder_dns_ready", "1: checked and serving.", u64::from(self.ready)),
            ("polder_dns_state_unwritten", "1: what should be in the state directory is not.", unwritten.into()),
            ("polder_dns_alarms", "Alarms of the daemon itself.", self.own_alarms(figures, now).len() as u64),
            ("polder_dns_uptime_seconds", "Since this process started.", now.running.as_secs()),
        ];
        for (name, help, value) in gauges {
            page.metric(name, "gauge", help);
            page.sample(name, &[], value);
        }
        let failures = "polder_dns_state_write_failures_total";
        page.metric(failures, "counter", "Writes to the state directory that failed.");
        page.sample(failures, &[], self.operator_file.failures() + figures.health_write_failures);
    }
}

fn protection(page: &mut Page, counters: &[(&'static str, &Counters)]) {
    let sum = |read: &dyn Fn(&Counters) -> u64| counters.iter().map(|(_, counters)| read(counters)).sum::<u64>();
    page.metric("polder_dns_cookies_total", "counter", "Queries answered, by what their cookie shows.");
    for standing in Standing::ALL {
        let count = sum(&|counters| counters.cookies[standing as usize].get());
        page.sample("polder_dns_cookies_total", &[("cookie", standing.name())], count);
    }
    page.metric(
        "polder_dns_rate_limited_total",
        "counter",
        "Responses that met the rate limit, and what became of them.",
    );
    for class in Class::ALL {
        for limited in Limited::ALL {
            let count = sum(&|counters| counters.limited[class as usize][limited as usize].get());
            let labels = [("class", class.name()), ("action", limited.name())];
            page.sample("polder_dns_rate_limited_total", &labels, count);
        }
    }
}

fn answers(page: &mut Page, counters: &[(&'static str, &Counters)]) {
    page.metric("polder_dns_answers_total", "counter", "Queries answered, by transport and error code.");
    for transport in ["udp", "tcp"] {
        let mut sums = [0; RCODES];
        for (_, counters) in counters.iter().filter(|(of, _)| *of == transport) {
            for (sum, answers) in sums.iter_mut().zip(counters.answers()) {
                *sum += answers;
            }
        }
        // The common ones are there from the start, so that a rate over them begins at 0.
        for (rcode, sum) in sums.into_iter().enumerate().filter(|(rcode, sum)| *sum > 0 || matches!(rcode, 0 | 3 | 5)) {
            let labels = [("transport", transport), ("rcode", &*rcode_name(rcode))];
            page.sample("polder_dns_answers_total", &labels, sum);
        }
    }
}
