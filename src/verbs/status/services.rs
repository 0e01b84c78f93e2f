//! Services as all proxies together see them (pure).

use std::collections::BTreeMap;

use crate::api::operator::OperatorState;
use crate::api::proxy::{BackendStatus, LatchStatus, ServiceStatus};
use crate::health::Verdict;
use crate::verbs::output::Tone;
use crate::verbs::replies::DaemonReply;

/// A service as each proxy sees it.
pub(super) struct Views<'a> {
    pub(super) name: &'a str,
    /// The proxy's name, and what it says.
    pub(super) by_proxy: Vec<(&'a str, &'a ServiceStatus)>,
}

/// Every service of every proxy, by name.
pub(super) fn all<'a>(replies: impl IntoIterator<Item = &'a DaemonReply>) -> Vec<Views<'a>> {
    let mut services: BTreeMap<&str, Vec<(&str, &ServiceStatus)>> = BTreeMap::new();
    for status in replies.into_iter().filter_map(DaemonReply::proxy) {
        for service in &status.services {
            services.entry(&service.name).or_default().push((&status.daemon.name, service));
        }
    }
    services.into_iter().map(|(name, by_proxy)| Views { name, by_proxy }).collect()
}

/// A backend as those proxies see it that see it alike.
pub(super) struct Seen<'a> {
    pub(super) service: &'a ServiceStatus,
    pub(super) backend: &'a BackendStatus,
    pub(super) by: Vec<&'a str>,
}

impl<'a> Views<'a> {
    /// Visitors get it on every proxy, from every backend, as the document has it.
    pub(super) fn is_well(&self) -> bool {
        self.by_proxy.iter().all(|(_, service)| service.is_well())
    }

    /// The latch of the highest epoch, and the service there.
    pub(super) fn latch(&self) -> Option<(&'a ServiceStatus, &'a LatchStatus)> {
        let latched = self.by_proxy.iter().filter_map(|(_, service)| Some((*service, service.latch.as_ref()?)));
        latched.max_by_key(|(_, latch)| latch.epoch)
    }

    /// Each backend in the order of the document; one that proxies see differently once for each way.
    pub(super) fn backends(&self) -> Vec<Seen<'a>> {
        let mut names: Vec<&str> = Vec::new();
        for backend in self.by_proxy.iter().flat_map(|(_, service)| &service.backends) {
            if !names.contains(&&*backend.name) {
                names.push(&backend.name);
            }
        }
        names.into_iter().flat_map(|name| self.ways_to_see(name)).collect()
    }

    /// The backend of this name on each proxy that has it.
    pub(super) fn of_backend(&self, name: &str) -> impl Iterator<Item = (&'a str, &'a BackendStatus)> {
        let all =
            self.by_proxy.iter().flat_map(|(proxy, service)| service.backends.iter().map(move |one| (*proxy, one)));
        all.filter(move |(_, one)| one.name == name)
    }

    fn ways_to_see(&self, name: &str) -> Vec<Seen<'a>> {
        let mut ways: Vec<Seen<'a>> = Vec::new();
        for (proxy, service) in &self.by_proxy {
            for backend in service.backends.iter().filter(|backend| backend.name == name) {
                let alike = ways.iter_mut().find(|way| key(way.service, way.backend) == key(service, backend));
                match alike {
                    Some(way) => way.by.push(proxy),
                    None => ways.push(Seen { service, backend, by: vec![proxy] }),
                }
            }
        }
        ways
    }

    /// Which proxies see it so; nothing where all do.
    pub(super) fn whose(&self, by: &[&str]) -> String {
        if by.len() == self.by_proxy.len() { String::new() } else { by.join(" ") }
    }
}

fn key<'a>(service: &'a ServiceStatus, backend: &'a BackendStatus) -> (Verdict, OperatorState, &'a str, String) {
    let reason = if backend.check == Verdict::Up { "" } else { &*backend.check_reason };
    (backend.check, backend.operator, reason, part(service, backend))
}

/// The part that a backend has in its service: `backup, active`.
pub(super) fn part(service: &ServiceStatus, backend: &BackendStatus) -> String {
    let kind = if backend.backup { "backup" } else { "primary" };
    match &service.latch {
        Some(latch) if latch.active.as_ref() == Some(&backend.name) => format!("{kind}, active"),
        Some(latch) if latch.spent.contains(&backend.name) => format!("{kind}, left"),
        _ => kind.to_owned(),
    }
}

/// The colour of a verdict.
pub(super) fn tone(check: Verdict) -> Tone {
    match check {
        Verdict::Up => Tone::Good,
        Verdict::Down => Tone::Bad,
        Verdict::Unchecked => Tone::Notable,
    }
}
