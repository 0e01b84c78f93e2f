//! The fleet in sum: each service over all proxies, each zone over all nameservers, and each daemon (pure).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::numbers::of;
use super::rates::{NameserverRates, ProxyRates, Rates, ServiceRates};
use super::watched::{Standing, Watched};
use crate::api::daemon::Daemon;
use crate::api::quantile::Quantile;

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub services: BTreeMap<String, ServiceRates>,
    pub proxies: BTreeMap<String, ProxyRates>,
    pub zones: BTreeMap<String, BTreeMap<String, f64>>,
    pub nameservers: BTreeMap<String, NameserverRates>,
    /// Those that do not answer, and why.
    pub silent: BTreeMap<String, String>,
    /// Those that were restarted or taken over, and so count anew.
    pub anew: Vec<String>,
    /// Those that have answered once.
    pub new: Vec<String>,
}

impl Totals {
    pub(super) fn of(fleet: &[Watched]) -> Totals {
        let mut totals = Totals::default();
        for daemon in fleet {
            let name = totals.name_for(daemon);
            match &daemon.standing {
                Standing::Known(Rates::Proxy(rates)) => totals.add_proxy(name, rates),
                Standing::Known(Rates::Nameserver(rates)) => totals.add_nameserver(name, rates),
                Standing::Silent(why) => drop(totals.silent.insert(name, why.clone())),
                Standing::CountsAnew => totals.anew.push(name),
                Standing::New => totals.new.push(name),
            }
        }
        totals
    }

    /// Its name; a host may have one of each kind, and two sockets may be of one daemon.
    fn name_for(&self, daemon: &Watched) -> String {
        let taken = |name: &str| match daemon.role {
            Some(Daemon::Proxy) => self.proxies.contains_key(name),
            Some(Daemon::Nameserver) => self.nameservers.contains_key(name),
            None => false,
        };
        let name = &daemon.name;
        let mut names = std::iter::once(name.clone()).chain((2..).map(|number| format!("{name} ({number})")));
        let is_free = |name: &String| !taken(name) && !self.silent.contains_key(name);
        names.find(is_free).unwrap_or_else(|| name.clone())
    }

    fn add_proxy(&mut self, name: String, rates: &ProxyRates) {
        for (service, rates) in &rates.services {
            self.services.entry(service.clone()).or_default().add(rates);
        }
        self.proxies.insert(name, rates.clone());
    }

    fn add_nameserver(&mut self, name: String, rates: &NameserverRates) {
        for (zone, rates) in &rates.zones {
            let sums = self.zones.entry(zone.clone()).or_default();
            rates.iter().for_each(|(rcode, rate)| *sums.entry(rcode.clone()).or_default() += rate);
        }
        self.nameservers.insert(name, rates.clone());
    }

    /// For machines.
    pub(super) fn json(&self, at: u64, interval: Duration) -> Value {
        let of_proxy = |proxy: &ProxyRates| {
            let errors: f64 = proxy.services.values().map(ServiceRates::errors).sum();
            json!({ "requests": rounded(proxy.requests), "errors": rounded(errors), "connections": proxy.connections })
        };
        let of_nameserver =
            |of: &NameserverRates| json!({ "responses": all_rounded(&of.responses), "dropped": rounded(of.dropped) });
        let of_zone = |rates: &BTreeMap<String, f64>| json!(all_rounded(rates));
        json!({
            "at": at,
            "interval_s": interval.as_secs_f64(),
            "services": each(&self.services, of_service),
            "proxies": each(&self.proxies, of_proxy),
            "zones": each(&self.zones, of_zone),
            "nameservers": each(&self.nameservers, of_nameserver),
            "silent": self.silent,
            "counts_anew": self.anew,
        })
    }
}

fn each<T>(of: &BTreeMap<String, T>, told: impl Fn(&T) -> Value) -> Map<String, Value> {
    of.iter().map(|(name, one)| (name.clone(), told(one))).collect()
}

fn all_rounded(rates: &BTreeMap<String, f64>) -> BTreeMap<&String, f64> {
    rates.iter().map(|(name, rate)| (name, rounded(*rate))).collect()
}

/// To the thousandth: more would promise too much.
fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

fn of_service(service: &ServiceRates) -> Value {
    let times = |buckets: &[u64]| {
        let of = |share| of(&service.bounds_us, buckets, share);
        match (of(0.5), of(0.99)) {
            (Some(p50), Some(p99)) => json!({ "p50_ms": milliseconds(p50), "p99_ms": milliseconds(p99) }),
            _ => json!({}),
        }
    };
    let unavailable = service.unavailable.iter();
    json!({
        "requests": rounded(service.requests),
        "errors": { "proxy": rounded(service.own_errors), "backend": rounded(service.backends_errors) },
        "unavailable": unavailable
            .map(|(cause, (rate, words))| json!({ "cause": cause, "words": words, "responses": rounded(*rate) }))
            .collect::<Vec<_>>(),
        "whole": times(&service.whole),
        "waits": times(&service.waits),
        "backend": times(&service.backends),
        "running": service.running,
    })
}

fn milliseconds(quantile: Quantile) -> Option<f64> {
    quantile.milliseconds().map(rounded)
}
