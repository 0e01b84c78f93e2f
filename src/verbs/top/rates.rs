//! What a daemon did between two of its readings (pure).

use std::collections::BTreeMap;

use crate::api::counters::{Counted, Counters, NameserverCounters, ProxyCounters, ServiceCounters, Unavailable};

/// What a daemon did.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rates {
    Proxy(ProxyRates),
    Nameserver(NameserverRates),
}

/// What a proxy did, a second.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ProxyRates {
    pub connections: u64,
    pub requests: f64,
    pub services: BTreeMap<String, ServiceRates>,
}

/// How a service was served, a second; and its times, in how many each.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ServiceRates {
    pub running: u64,
    pub requests: f64,
    pub own_errors: f64,
    pub backends_errors: f64,
    /// Answers 503 by cause, each with its words.
    pub unavailable: BTreeMap<String, (f64, String)>,
    pub bounds_us: Vec<u64>,
    pub whole: Vec<u64>,
    pub waits: Vec<u64>,
    pub backends: Vec<u64>,
}

/// What a nameserver did, a second.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct NameserverRates {
    pub responses: BTreeMap<String, f64>,
    pub zones: BTreeMap<String, BTreeMap<String, f64>>,
    pub dropped: f64,
}

/// What lies between two readings; none: they are of two processes, of which the later has counted from nothing, or of one moment.
pub(super) fn between(earlier: &Counters, later: &Counters) -> Option<Rates> {
    let time =
        later.at_us.checked_sub(earlier.at_us).filter(|micros| *micros > 0 && earlier.process == later.process)?;
    let seconds = time as f64 / 1e6;
    Some(match (&earlier.of, &later.of) {
        (Counted::Proxy(earlier), Counted::Proxy(later)) => Rates::Proxy(of_proxy(earlier, later, seconds)),
        (Counted::Nameserver(earlier), Counted::Nameserver(later)) => {
            Rates::Nameserver(of_nameserver(earlier, later, seconds))
        }
        _ => return None,
    })
}

fn of_proxy(earlier: &ProxyCounters, later: &ProxyCounters, seconds: f64) -> ProxyRates {
    let services = later.services.iter().map(|(name, counted)| {
        // A service that is new, or has come back, has counted from nothing since.
        let before =
            earlier.services.get(name).filter(|before| has_gone_on(before, counted)).cloned().unwrap_or_default();
        (name.clone(), of_service(&before, counted, &later.bounds_us, seconds))
    });
    ProxyRates {
        connections: later.connections,
        requests: per_second(earlier.requests, later.requests, seconds),
        services: services.collect(),
    }
}

/// Whether none of its counts is lower than before.
fn has_gone_on(before: &ServiceCounters, now: &ServiceCounters) -> bool {
    let pairs = [(&before.requests, &now.requests), (&before.waits, &now.waits), (&before.backends, &now.backends)];
    let times =
        pairs.iter().all(|(before, now)| before.len() == now.len() && before.iter().zip(*now).all(|(b, n)| b <= n));
    let responses = before.responses.iter().zip(now.responses).all(|(before, now)| *before <= now);
    times && responses && before.backends_errors <= now.backends_errors
}

fn of_service(before: &ServiceCounters, now: &ServiceCounters, bounds_us: &[u64], seconds: f64) -> ServiceRates {
    let all = |counted: &ServiceCounters| counted.responses.iter().sum::<u64>();
    let own = |counted: &ServiceCounters| counted.responses[5].saturating_sub(counted.backends_errors);
    let unavailable = now.unavailable.iter().map(|(cause, Unavailable { count, words })| {
        let earlier = before.unavailable.get(cause).map_or(0, |earlier| earlier.count);
        (cause.clone(), (per_second(earlier, *count, seconds), words.clone()))
    });
    ServiceRates {
        running: now.running,
        requests: per_second(all(before), all(now), seconds),
        own_errors: per_second(own(before), own(now), seconds),
        backends_errors: per_second(before.backends_errors, now.backends_errors, seconds),
        unavailable: unavailable.filter(|(_, (rate, _))| *rate > 0.0).collect(),
        bounds_us: bounds_us.to_vec(),
        whole: more(&before.requests, &now.requests),
        waits: more(&before.waits, &now.waits),
        backends: more(&before.backends, &now.backends),
    }
}

fn of_nameserver(earlier: &NameserverCounters, later: &NameserverCounters, seconds: f64) -> NameserverRates {
    let none = BTreeMap::new();
    let zones = later
        .zones
        .iter()
        .map(|(zone, counts)| (zone.clone(), by_name(earlier.zones.get(zone).unwrap_or(&none), counts, seconds)));
    NameserverRates {
        responses: by_name(&earlier.responses, &later.responses, seconds),
        zones: zones.collect(),
        dropped: per_second(earlier.dropped, later.dropped, seconds),
    }
}

fn by_name(earlier: &BTreeMap<String, u64>, later: &BTreeMap<String, u64>, seconds: f64) -> BTreeMap<String, f64> {
    let rate = |(name, count): (&String, &u64)| {
        (name.clone(), per_second(earlier.get(name).copied().unwrap_or_default(), *count, seconds))
    };
    later.iter().map(rate).collect()
}

fn per_second(earlier: u64, later: u64, seconds: f64) -> f64 {
    later.saturating_sub(earlier) as f64 / seconds
}

fn more(before: &[u64], now: &[u64]) -> Vec<u64> {
    let before = before.iter().copied().chain(std::iter::repeat(0));
    now.iter().zip(before).map(|(now, before)| now.saturating_sub(before)).collect()
}

impl ServiceRates {
    /// The same of another proxy, too.
    pub(super) fn add(&mut self, other: &ServiceRates) {
        self.running += other.running;
        self.requests += other.requests;
        self.own_errors += other.own_errors;
        self.backends_errors += other.backends_errors;
        for (cause, (rate, words)) in &other.unavailable {
            self.unavailable.entry(cause.clone()).or_insert_with(|| (0.0, words.clone())).0 += rate;
        }
        // Two versions of polder may have other bounds; the times are then those of the first.
        if self.bounds_us.is_empty() {
            self.bounds_us.clone_from(&other.bounds_us);
        }
        if self.bounds_us == other.bounds_us {
            let pairs = [
                (&mut self.whole, &other.whole),
                (&mut self.waits, &other.waits),
                (&mut self.backends, &other.backends),
            ];
            pairs.into_iter().for_each(|(sums, more)| add(sums, more));
        }
    }

    /// 5xx of both.
    pub(super) fn errors(&self) -> f64 {
        self.own_errors + self.backends_errors
    }
}

fn add(sums: &mut Vec<u64>, more: &[u64]) {
    sums.resize(sums.len().max(more.len()), 0);
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}
