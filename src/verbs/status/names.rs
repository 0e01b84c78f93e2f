//! The one thing that `status NAME` is about (pure).

use std::collections::BTreeSet;

use super::agreement;
use super::findings::Finding;
use super::seen::Seen;
use crate::api::daemon::Daemon;
use crate::api::dns::PoolStatus;
use crate::config::near_miss::did_you_mean;
use crate::verbs::replies::DaemonReply;

/// A name that something has: a service or one of its hosts, a host of the fleet, a daemon, a backend, a pool, a member, a zone.
pub(super) struct Named(String);

/// A name that nothing has.
pub(super) struct Unknown {
    name: String,
    /// The names that there are.
    pub(super) known: BTreeSet<String>,
    /// No daemon answered: nobody can know.
    pub(super) is_silent: bool,
}

/// Finds out whether anything has the name.
pub(super) fn find(name: &str, seen: &Seen) -> Result<Named, Unknown> {
    let known = known(seen);
    if let Some(meant) = meant(name, &known) {
        return Ok(Named(meant.clone()));
    }
    let is_silent = seen.replies.iter().all(|one| one.answer.is_err());
    Err(Unknown { name: name.to_owned(), known, is_silent })
}

/// The name as it is written, if there is such a one, else one in another case, as names of hosts and zones have it (RFC 4343). A dot at its end never counts.
fn meant<'k>(name: &str, known: &'k BTreeSet<String>) -> Option<&'k String> {
    let name = name.strip_suffix('.').filter(|name| !name.is_empty()).unwrap_or(name);
    known.get(name).or_else(|| known.iter().find(|known| known.eq_ignore_ascii_case(name)))
}

fn known(seen: &Seen) -> BTreeSet<String> {
    let mut known: BTreeSet<String> = seen.replies.iter().map(DaemonReply::name).collect();
    if let Some(views) = agreement::all(&seen.replies) {
        known.insert(agreement::NAME.to_owned());
        known.extend(views.members.iter().map(|view| view.member.label().to_owned()));
    }
    known.extend(seen.fleet.iter().flat_map(|fleet| fleet.host_names()).map(str::to_owned));
    for service in seen.replies.iter().filter_map(DaemonReply::proxy).flat_map(|status| &status.services) {
        known.insert(service.name.clone());
        known.extend(service.hosts.iter().cloned());
        known.extend(service.backends.iter().flat_map(|one| uses(&service.name, &one.name)));
    }
    for status in seen.replies.iter().filter_map(DaemonReply::nameserver) {
        for pool in &status.pools {
            known.insert(pool.name.clone());
            known.extend(pool.members.iter().flat_map(|one| uses(&pool.name, &one.name)));
        }
        known.extend(status.zones.iter().map(|zone| zone.name.clone()));
        known.extend(status.failed_zones.iter().map(|zone| zone.name.clone()));
    }
    known
}

fn uses(user: &str, used: &str) -> [String; 2] {
    [used.to_owned(), format!("{user}/{used}")]
}

impl Named {
    /// The name itself.
    pub(super) fn name(&self) -> &str {
        &self.0
    }

    /// Whether this is its name.
    pub(super) fn is(&self, name: &str) -> bool {
        self.0 == name
    }

    /// Whether this use of something is meant: by the name of what is used, or with its user's.
    pub(super) fn is_use(&self, user: &str, used: &str) -> bool {
        self.0 == used || self.0.strip_prefix(user).and_then(|rest| rest.strip_prefix('/')) == Some(used)
    }

    /// Whether nothing is found of it, and everything that has the name is as it should be: a finding names only the first of many.
    pub(super) fn is_well(&self, seen: &Seen) -> bool {
        self.findings(seen).next().is_none() && !seen.replies.iter().any(|reply| self.has_trouble(reply))
    }

    /// The daemons that do not answer and may have it: nobody knows how it is there.
    pub(super) fn silent<'a>(&self, seen: &'a Seen) -> Vec<&'a DaemonReply> {
        let has_it = |role: Daemon| seen.replies.iter().any(|one| one.role() == Some(role) && self.is_of(one));
        let roles: Vec<Daemon> = Daemon::ALL.into_iter().filter(|role| has_it(*role)).collect();
        let may_have_it = |one: &&DaemonReply| match one.role() {
            _ if one.answer.is_ok() => false,
            Some(role) => roles.contains(&role),
            None => !roles.is_empty(),
        };
        seen.replies.iter().filter(may_have_it).collect()
    }

    /// Whether a daemon has something of this name.
    fn is_of(&self, reply: &DaemonReply) -> bool {
        let mut services = reply.proxy().into_iter().flat_map(|status| &status.services);
        let has_service = services.any(|service| {
            self.is(&service.name)
                || service.hosts.iter().any(|host| self.is(host))
                || service.backends.iter().any(|backend| self.is_use(&service.name, &backend.name))
        });
        let Some(nameserver) = reply.nameserver() else { return has_service };
        let is_pool = |pool: &PoolStatus| {
            self.is(&pool.name) || pool.members.iter().any(|member| self.is_use(&pool.name, &member.name))
        };
        let failed = nameserver.failed_zones.iter().map(|zone| &zone.name);
        let mut zones = nameserver.zones.iter().map(|zone| &zone.name).chain(failed);
        nameserver.pools.iter().any(is_pool) || zones.any(|zone| self.is(zone))
    }

    /// Whether something of this name is not as it should be at this daemon.
    fn has_trouble(&self, reply: &DaemonReply) -> bool {
        let mut services = reply.proxy().into_iter().flat_map(|status| &status.services);
        let mut pools = reply.nameserver().into_iter().flat_map(|status| &status.pools);
        services.any(|service| {
            let is_whole = self.is(&service.name) || service.hosts.iter().any(|host| self.is(host));
            let mut used = service.backends.iter().filter(|backend| self.is_use(&service.name, &backend.name));
            (is_whole && !service.is_well()) || used.any(|backend| !backend.is_well())
        }) || pools.any(|pool| {
            let mut used = pool.members.iter().filter(|member| self.is_use(&pool.name, &member.name));
            (self.is(&pool.name) && !pool.is_well()) || used.any(|member| !member.is_well())
        })
    }

    /// The findings that are about it.
    pub(super) fn findings<'a>(&'a self, seen: &'a Seen) -> impl Iterator<Item = &'a Finding> {
        let services = services_of_host(self.name(), seen);
        let silent: Vec<String> = self.silent(seen).into_iter().map(DaemonReply::name).collect();
        seen.findings.iter().filter(move |finding| {
            let mut subjects = finding.subjects().iter();
            subjects.any(|subject| self.has(subject) || services.contains(subject.as_str()) || silent.contains(subject))
                || finding.alarm_words().is_some_and(|words| names(words, self.name()))
        })
    }

    /// Whether this is the name of a subject, of what is used in it, or of who uses it there.
    fn has(&self, subject: &str) -> bool {
        self.is(subject) || subject.split_once('/').is_some_and(|(user, used)| self.is(user) || self.is_use(user, used))
    }
}

/// The services that have this host.
fn services_of_host<'a>(host: &str, seen: &'a Seen) -> BTreeSet<&'a str> {
    let services = seen.replies.iter().filter_map(DaemonReply::proxy).flat_map(|status| &status.services);
    services.filter(|service| service.hosts.iter().any(|one| one == host)).map(|service| &*service.name).collect()
}

/// Whether a sentence has a name in it, whole.
fn names(sentence: &str, name: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '-' || letter == '_';
    sentence.match_indices(name).any(|(at, _)| {
        let (before, after) = (&sentence[..at], &sentence[at + name.len()..]);
        let mut after = after.chars();
        let goes_on = match after.next() {
            // The end of a sentence, or of a label of a longer name.
            Some('.') => after.next().is_some_and(is_part),
            next => next.is_some_and(is_part),
        };
        !goes_on && !before.ends_with(|letter| is_part(letter) || letter == '.')
    })
}

impl Unknown {
    /// What is said of it.
    pub(super) fn words(&self) -> String {
        let known = || self.known.iter().map(String::as_str);
        let meant = did_you_mean(&self.name, known());
        let example = if meant.is_empty() { "; `polder status` shows what there is" } else { "" };
        format!("there is no service, host, backend, daemon, pool, member or zone {:?} here{meant}{example}", self.name)
    }
}

#[cfg(test)]
mod tests;
