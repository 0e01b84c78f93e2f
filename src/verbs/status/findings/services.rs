//! Services that visitors do not get, or not as the document wants it.

use std::collections::BTreeMap;

use super::super::services::{self, Views};
use super::finding::Finding;
use super::operator;
use crate::api::operator::OperatorState;
use crate::api::proxy::{BackendStatus, LatchStatus, ServiceStatus};
use crate::health::Verdict;
use crate::verbs::replies::DaemonReply;
use crate::verbs::times::since;

/// Every service of every proxy.
pub(super) fn all<'a>(replies: impl IntoIterator<Item = &'a DaemonReply>) -> Vec<Service<'a>> {
    services::all(replies).into_iter().map(Service).collect()
}

/// Those that visitors do not get.
pub(super) fn unusable(all: &[Service<'_>]) -> Vec<Finding> {
    all.iter().flat_map(Service::unusable).collect()
}

/// Those that visitors get, but not as the document has it.
pub(super) fn impaired(all: &[Service<'_>]) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        all.iter().filter_map(|one| one.latches_that_differ().or_else(|| one.off_primary())).collect();
    findings.extend(backends_down(all));
    findings.extend(all.iter().flat_map(Service::taken_out));
    findings
}

/// How many names stand in one finding.
const MOST: usize = 8;

/// Backends that checks have taken out of services that others still serve: those with the same cause together.
fn backends_down(all: &[Service<'_>]) -> Vec<Finding> {
    let down = all.iter().flat_map(Service::backends_down);
    let finding = |((reason, at), mut backends): ((&str, String), Vec<String>)| {
        backends.dedup();
        let about = backends.clone();
        let verb = if backends.len() == 1 { "is" } else { "are" };
        let more = backends.len().saturating_sub(MOST);
        let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
        backends.truncate(MOST);
        Finding::about(about, format!("{}{rest} {verb} down{at}: {reason}", backends.join(", ")))
    };
    grouped(down).into_iter().map(finding).collect()
}

/// A service as all proxies see it.
pub(super) struct Service<'a>(Views<'a>);

impl<'a> Service<'a> {
    /// `www: 503 at px-1, px-2: web1, web2 down: connection refused`.
    fn unusable(&self) -> Vec<Finding> {
        let unusable = self.0.by_proxy.iter().filter(|(_, service)| !service.usable);
        let by_cause = grouped(unusable.map(|(proxy, service)| (cause(service), *proxy)));
        let finding = |(cause, proxies): (String, Vec<&str>)| {
            let words = format!("{}: 503 at {}: {cause}", self.0.name, proxies.join(", "));
            Finding::about(proxies.into_iter().chain([self.0.name]), words)
        };
        by_cause.into_iter().map(finding).collect()
    }

    /// Each with its reason and the proxies that say so.
    fn backends_down(&self) -> Vec<((&'a str, String), String)> {
        let usable = self.0.by_proxy.iter().filter(|(_, service)| service.usable);
        let down = usable.flat_map(|(proxy, service)| {
            let down = service.backends.iter().filter(|backend| backend.check == Verdict::Down);
            down.map(move |backend| ((backend.name.as_str(), backend.check_reason.as_str()), *proxy))
        });
        let seen = |((backend, reason), proxies): ((&str, &'a str), Vec<&str>)| {
            let at = match proxies.len() == self.0.by_proxy.len() {
                true => String::new(),
                false => format!(" at {}", proxies.join(", ")),
            };
            ((reason, at), format!("{}/{backend}", self.0.name))
        };
        grouped(down).into_iter().map(seen).collect()
    }

    fn taken_out(&self) -> Vec<Finding> {
        let backends = self.0.by_proxy.iter().flat_map(|(_, service)| &service.backends);
        let finding = |backend: &BackendStatus| {
            operator::finding(&format!("{}/{}", self.0.name, backend.name), backend.operator, backend.note.as_ref())
        };
        backends.filter_map(finding).collect()
    }

    /// A latched service on a backup works, but with one backend less, and only an operator takes it back.
    fn off_primary(&self) -> Option<Finding> {
        let (service, latch) = self.0.latch()?;
        let active = service.backends.iter().find(|backend| latch.active.as_ref() == Some(&backend.name))?;
        let primary = service.backends.iter().find(|backend| !backend.backup)?;
        active.backup.then(|| {
            let LatchStatus { at, by, reason, .. } = latch;
            let (name, since) = (self.0.name, since(*at));
            let back = match primary.check {
                check if primary.operator != OperatorState::Ready => format!(
                    "{} is in {}: `polder ready {name}/{}`, then `polder failback {name}` goes back{}",
                    primary.name,
                    primary.operator,
                    primary.name,
                    if check == Verdict::Up { "" } else { " when it is up" }
                ),
                Verdict::Up => format!("{} is up: `polder failback {name}` goes back", primary.name),
                _ => format!("`polder failback {name}` goes back to {} when that is up", primary.name),
            };
            let words = format!("{name} serves from {} since {since} ({by}: {reason}); {back}", active.name);
            let uses = [active, primary].map(|backend| format!("{name}/{}", backend.name));
            Finding::about(uses.into_iter().chain([name.to_owned()]), words)
        })
    }

    /// Proxies that answered and name different active backends.
    fn latches_that_differ(&self) -> Option<Finding> {
        let latched = self.0.by_proxy.iter().filter_map(|(proxy, service)| Some((service.latch.as_ref()?, *proxy)));
        let active = |latch: &LatchStatus| latch.active.clone().unwrap_or_else(|| "nothing".to_owned());
        let by_backend = grouped(latched.map(|(latch, proxy)| (active(latch), proxy)));
        let says = by_backend.iter().map(|(backend, proxies)| format!("{} on {backend}", proxies.join(", ")));
        let words = || format!("latches differ: service {}: {}", self.0.name, says.collect::<Vec<_>>().join("; "));
        let about = by_backend.values().flatten().copied().chain([self.0.name]);
        (by_backend.len() > 1).then(|| Finding::about(about, words()))
    }
}

/// `web1, web2 down: connection refused; web3 in maint`.
fn cause(service: &ServiceStatus) -> String {
    if let Some(why) = &service.why_unusable {
        return why.clone();
    }
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
