//! Services that visitors do not get, or not as the document wants it.

use std::collections::BTreeMap;

use super::operator;
use crate::api::operator::OperatorState;
use crate::api::proxy::{BackendStatus, LatchStatus, ServiceStatus, Status};
use crate::health::Verdict;
use crate::verbs::times::since;

/// A service as each proxy sees it.
struct Views<'a> {
    name: &'a str,
    by_proxy: Vec<(&'a str, &'a ServiceStatus)>,
}

pub(super) fn findings(proxies: &[&Status]) -> Vec<String> {
    let mut services: BTreeMap<&str, Vec<(&str, &ServiceStatus)>> = BTreeMap::new();
    for status in proxies {
        for service in &status.services {
            services.entry(&service.name).or_default().push((&status.daemon.name, service));
        }
    }
    let views = services.into_iter().map(|(name, by_proxy)| Views { name, by_proxy });
    views.flat_map(|views| views.findings()).collect()
}

impl Views<'_> {
    fn findings(&self) -> Vec<String> {
        let mut findings = self.unusable();
        findings.extend(self.latches_that_differ().or_else(|| self.off_primary()));
        findings.extend(self.backends_down());
        findings.extend(self.taken_out());
        findings
    }

    /// `www: 503 at px-1, px-2: web1, web2 down: connection refused`.
    fn unusable(&self) -> Vec<String> {
        let unusable = self.by_proxy.iter().filter(|(_, service)| !service.usable);
        let by_cause = grouped(unusable.map(|(proxy, service)| (cause(service), *proxy)));
        by_cause
            .into_iter()
            .map(|(cause, proxies)| format!("{}: 503 at {}: {cause}", self.name, proxies.join(", ")))
            .collect()
    }

    /// Backends that checks have taken out of a service that the others still serve.
    fn backends_down(&self) -> Vec<String> {
        let usable = self.by_proxy.iter().filter(|(_, service)| service.usable);
        let down = usable.flat_map(|(proxy, service)| {
            let down = service.backends.iter().filter(|backend| backend.check == Verdict::Down);
            down.map(move |backend| ((backend.name.as_str(), backend.check_reason.as_str()), *proxy))
        });
        let words = |((backend, reason), proxies): ((&str, &str), Vec<&str>)| {
            let at = if proxies.len() == self.by_proxy.len() {
                String::new()
            } else {
                format!(" at {}", proxies.join(", "))
            };
            format!("{}/{backend} is down{at}: {reason}", self.name)
        };
        grouped(down).into_iter().map(words).collect()
    }

    fn taken_out(&self) -> Vec<String> {
        let backends = self.by_proxy.iter().flat_map(|(_, service)| &service.backends);
        let finding = |backend: &BackendStatus| {
            operator::finding(&format!("{}/{}", self.name, backend.name), backend.operator, backend.note.as_ref())
        };
        backends.filter_map(finding).collect()
    }

    /// A latched service on a backup works, but with one backend less, and only an operator takes it back.
    fn off_primary(&self) -> Option<String> {
        let (service, latch) = self.latches().max_by_key(|(_, latch)| latch.epoch)?;
        let active = service.backends.iter().find(|backend| latch.active.as_ref() == Some(&backend.name))?;
        let primary = service.backends.iter().find(|backend| !backend.backup)?;
        active.backup.then(|| {
            let LatchStatus { at, by, reason, .. } = latch;
            format!(
                "{} serves from {} since {} ({by}: {reason}); `polder failback {}` goes back to {} when that is well",
                self.name,
                active.name,
                since(*at),
                self.name,
                primary.name
            )
        })
    }

    /// Proxies that answered and name different active backends.
    fn latches_that_differ(&self) -> Option<String> {
        let latched = self.by_proxy.iter().filter_map(|(proxy, service)| Some((service.latch.as_ref()?, *proxy)));
        let active = |latch: &LatchStatus| latch.active.clone().unwrap_or_else(|| "nothing".to_owned());
        let by_backend = grouped(latched.map(|(latch, proxy)| (active(latch), proxy)));
        let says = by_backend.iter().map(|(backend, proxies)| format!("{} on {backend}", proxies.join(", ")));
        (by_backend.len() > 1)
            .then(|| format!("latches differ: service {}: {}", self.name, says.collect::<Vec<_>>().join("; ")))
    }

    fn latches(&self) -> impl Iterator<Item = (&ServiceStatus, &LatchStatus)> {
        self.by_proxy.iter().filter_map(|(_, service)| Some((*service, service.latch.as_ref()?)))
    }
}

/// `web1, web2 down: connection refused; web3 in maint`.
fn cause(service: &ServiceStatus) -> String {
    if service.latch.as_ref().is_some_and(|latch| latch.active.is_none()) {
        return "which backend is active is not known".to_owned();
    }
    let backends = service.backends.iter().filter_map(|backend| {
        let why = match (backend.check, backend.operator) {
            (Verdict::Down, _) => format!("down: {}", backend.check_reason),
            (Verdict::Unchecked, _) => "not checked yet".to_owned(),
            (Verdict::Up, OperatorState::Ready) => return None,
            (Verdict::Up, state) => format!("in {state}"),
        };
        Some((why, backend.name.as_str()))
    });
    let causes = grouped(backends).into_iter().map(|(why, backends)| format!("{} {why}", backends.join(", ")));
    let causes = causes.collect::<Vec<_>>().join("; ");
    if causes.is_empty() { "no backend may be used".to_owned() } else { causes }
}

/// Those of the same key together.
fn grouped<K: Ord, V>(pairs: impl Iterator<Item = (K, V)>) -> BTreeMap<K, Vec<V>> {
    let mut groups: BTreeMap<K, Vec<V>> = BTreeMap::new();
    pairs.for_each(|(key, value)| groups.entry(key).or_default().push(value));
    groups
}
