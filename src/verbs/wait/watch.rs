//! What is left of a backend or pool member that was taken out, look by look, until nobody is there any more (pure).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::Serialize;

use crate::api::daemon::Daemon;
use crate::api::operator::OperatorState;
use crate::counted::counted;
use crate::verbs::replies::DaemonReply;
use crate::verbs::times::span;

/// How long a daemon that has answered before may be silent, in milliseconds: it may have been started anew.
const RESTART: u64 = 30_000;

/// How many looks a connection has to last to count: nameservers open one for each of their probes.
const LASTING: usize = 4;

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A proxy that nameservers no longer answer with.
    Member {
        /// The pool.
        pool: String,
        /// Its name.
        member: String,
        /// Until when resolvers may have it, in milliseconds since the epoch.
        cached_until: u64,
    },
    /// A backend that is in drain or maint.
    Backend {
        /// The service.
        service: String,
        /// Its name.
        backend: String,
    },
    /// A backend from which a service has moved.
    Left {
        /// The service.
        service: String,
        /// Its name.
        backend: String,
    },
}

impl Subject {
    /// What to call it.
    pub fn name(&self) -> String {
        match self {
            Subject::Member { member, .. } => member.clone(),
            Subject::Backend { service, backend } | Subject::Left { service, backend } => {
                format!("{service}/{backend}")
            }
        }
    }

    /// Whether this daemon has it in use, and for how many seconds resolvers keep what it answers; none if it does not answer or has no
    /// such thing.
    fn use_at(&self, reply: &DaemonReply) -> Option<(bool, u32)> {
        match self {
            Subject::Member { pool, member, .. } => {
                let pool = reply.nameserver()?.pools.iter().find(|known| known.name == *pool)?;
                let member = pool.members.iter().find(|known| known.name == *member)?;
                Some((member.operator == OperatorState::Ready, pool.ttl))
            }
            Subject::Backend { service, backend } => {
                let known = reply.status()?.backend(service, backend)?;
                Some((known.operator == OperatorState::Ready, 0))
            }
            Subject::Left { service, backend } => Some((reply.status()?.active(service)? == *backend, 0)),
        }
    }

    /// Resolvers may have it until then, if that is later than what is known.
    fn is_cached_until(&mut self, until: u64) {
        if let Subject::Member { cached_until, .. } = self {
            *cached_until = until.max(*cached_until);
        }
    }

    /// `SERVICE/BACKEND`, `POOL/MEMBER`.
    pub fn subject(&self) -> String {
        match self {
            Subject::Member { pool, member, .. } => format!("{pool}/{member}"),
            Subject::Backend { .. } | Subject::Left { .. } => self.name(),
        }
    }
}

/// One subject, over time.
pub struct Watch {
    subject: Subject,
    /// How long no request may have come.
    idle: Duration,
    /// When the last one came, as far as was seen; before that, when the wait began.
    last_request: u64,
    /// Requests so far, by daemon.
    requests: BTreeMap<String, u64>,
    /// The connections of the last looks.
    connections: VecDeque<usize>,
    /// The daemons at which it was seen taken out.
    out_at: BTreeSet<String>,
    /// The daemons that have answered, by what we call them: their names, and when they did so last.
    answered: BTreeMap<String, (String, u64)>,
    /// Nobody has looked yet.
    is_first_look: bool,
}

/// What is left at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Of what.
    pub name: String,
    /// For how many seconds resolvers may have it.
    pub cached_s: u64,
    /// Connections that are open; none where that is not known, or beside the point.
    pub connections: Option<usize>,
    /// Requests that run; none where no daemon knows of one, and not all have said.
    pub running: Option<u64>,
    /// For how many seconds no request has come.
    pub quiet_s: u64,
    /// Daemons that did not answer and of which some could still send somebody there.
    pub silent: Vec<String>,
    /// One of those has answered before, and may do so again.
    #[serde(skip)]
    pub may_answer: bool,
    /// Peers of those that answer, which nobody has asked: some could still send somebody there.
    pub not_asked: Vec<String>,
    /// Daemons that have not heard of it yet.
    pub unheard: Vec<String>,
    /// How it stands.
    pub standing: Standing,
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Somebody is there, or may come.
    InUse,
    /// Nobody is there any more.
    Free,
    /// Nobody as far as is known, but not all have said.
    Unknown,
    /// It was made ready again meanwhile, or active.
    Back,
}

impl Watch {
    /// Begins at `now`.
    pub fn begin(subject: Subject, idle: Duration, now: u64) -> Watch {
        Watch {
            subject,
            idle,
            last_request: now,
            requests: BTreeMap::new(),
            connections: VecDeque::new(),
            out_at: BTreeSet::new(),
            answered: BTreeMap::new(),
            is_first_look: true,
        }
    }

    /// What is watched.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Takes in what daemons say at `now`.
    pub fn see(&mut self, replies: &[DaemonReply], now: u64) -> Left {
        let mut left = Left {
            name: self.subject.name(),
            cached_s: 0,
            connections: None,
            running: Some(0),
            quiet_s: 0,
            silent: Vec::new(),
            may_answer: false,
            not_asked: Vec::new(),
            unheard: Vec::new(),
            standing: Standing::InUse,
        };
        match self.subject.clone() {
            Subject::Member { member, .. } => {
                self.look_at_proxy(&member, replies, now, &mut left);
                // Who does not answer to us may answer to resolvers.
                self.look_for_silent(Daemon::Nameserver, replies, now, &mut left);
            }
            Subject::Backend { service, backend } => {
                self.look_at_backend(&service, &backend, replies, now, &mut left);
            }
            Subject::Left { service, backend } => {
                self.look_at_backend(&service, &backend, replies, now, &mut left);
            }
        }
        let is_known = left.silent.is_empty() && left.not_asked.is_empty();
        left.running = left.running.filter(|running| is_known || *running > 0);
        let is_back = self.look_for_uses(replies, now, &mut left);
        if let Subject::Member { cached_until, .. } = self.subject {
            left.cached_s = cached_until.saturating_sub(now).div_ceil(1000);
        }
        left.quiet_s = now.saturating_sub(self.last_request) / 1000;
        let is_quiet = now.saturating_sub(self.last_request) >= self.needs_quiet(replies).as_millis() as u64;
        let is_empty = left.cached_s == 0
            && left.running.unwrap_or_default() == 0
            && left.connections.unwrap_or_default() == 0
            && left.unheard.is_empty();
        left.standing = match () {
            () if is_back => Standing::Back,
            () if is_quiet && is_empty && is_known => Standing::Free,
            () if is_quiet && is_empty => Standing::Unknown,
            () => Standing::InUse,
        };
        left
    }

    /// Where it is in use: again, at a daemon at which it was seen taken out, or still, as that one has not heard of it.
    fn look_for_uses(&mut self, replies: &[DaemonReply], now: u64, left: &mut Left) -> bool {
        let mut is_back = false;
        for reply in replies {
            let Some((is_used, ttl)) = self.subject.use_at(reply) else { continue };
            let name = reply.name();
            match (is_used, self.out_at.contains(&name)) {
                (true, true) => is_back = true,
                (true, false) => left.unheard.push(name),
                (false, true) => {}
                (false, false) => {
                    self.out_at.insert(name);
                    if !self.is_first_look {
                        self.subject.is_cached_until(now + u64::from(ttl) * 1000);
                    }
                }
            }
        }
        self.is_first_look = false;
        is_back
    }

    fn look_at_proxy(&mut self, member: &str, replies: &[DaemonReply], now: u64, left: &mut Left) {
        let is_it = |reply: &&DaemonReply| reply.proxy().is_some_and(|proxy| proxy.daemon.name == member);
        let Some((reply, proxy)) = replies.iter().find(is_it).and_then(|reply| Some((reply, reply.proxy()?))) else {
            left.silent.push(member.to_owned());
            left.may_answer |= self.answered.values().any(|(name, last)| name == member && now < last + RESTART);
            return;
        };
        self.answered.insert(reply.endpoint.label(), (member.to_owned(), now));
        if self.connections.len() == LASTING {
            self.connections.pop_front();
        }
        self.connections.push_back(proxy.connections);
        left.connections = self.connections.iter().min().copied();
        let backends = || proxy.services.iter().flat_map(|service| &service.backends);
        left.running = Some(backends().map(|backend| backend.running).sum());
        self.count(member, backends().map(|backend| backend.requests).sum(), now);
    }

    fn look_at_backend(&mut self, service: &str, backend: &str, replies: &[DaemonReply], now: u64, left: &mut Left) {
        let mut running = 0;
        for reply in replies {
            let Some(known) = reply.status().and_then(|status| status.backend(service, backend)) else { continue };
            running += known.running;
            self.count(&reply.name(), known.requests, now);
        }
        left.running = Some(running);
        self.look_for_silent(Daemon::Proxy, replies, now, left);
    }

    /// Which daemons of this role do not answer, and which nobody has asked.
    fn look_for_silent(&mut self, role: Daemon, replies: &[DaemonReply], now: u64, left: &mut Left) {
        let (mut known, mut nameless, mut peers) = (BTreeSet::new(), 0, BTreeSet::new());
        for reply in replies.iter().filter(|reply| reply.role().is_none_or(|its| its == role)) {
            let label = reply.endpoint.label();
            let name = match (reply.status(), self.answered.get(&label)) {
                (Some(status), _) => {
                    self.answered.insert(label, (reply.name(), now));
                    peers.extend(status.daemon().peers.iter().map(|peer| peer.name.clone()));
                    reply.name()
                }
                (None, answered) => {
                    nameless += usize::from(answered.is_none() && reply.endpoint.name.is_none());
                    left.may_answer |= answered.is_some_and(|(_, last)| now < last + RESTART);
                    let name = answered.map_or_else(|| reply.name(), |(name, _)| name.clone());
                    left.silent.push(name.clone());
                    name
                }
            };
            known.insert(name);
        }
        let mut others: Vec<String> = peers.difference(&known).cloned().collect();
        // Those were asked, by their sockets, and have not said who they are.
        if others.len() > nameless {
            left.not_asked.append(&mut others);
        }
    }

    fn count(&mut self, daemon: &str, requests: u64, now: u64) {
        let before = self.requests.insert(daemon.to_owned(), requests);
        if before.is_some_and(|before| before < requests) {
            self.last_request = now;
        }
    }

    /// Where nobody can be sent any more it is enough that nothing runs; elsewhere visitors may come back.
    fn needs_quiet(&self, replies: &[DaemonReply]) -> Duration {
        let (service, backend) = match &self.subject {
            Subject::Member { .. } => return self.idle,
            Subject::Left { .. } => return Duration::ZERO,
            Subject::Backend { service, backend } => (service, backend),
        };
        let statuses = || replies.iter().filter_map(DaemonReply::status);
        let keeps_sessions =
            statuses().filter_map(|status| status.service(service)).any(|known| known.mode == "sticky");
        let is_drained = statuses()
            .filter_map(|status| status.backend(service, backend))
            .any(|known| known.operator == OperatorState::Drain);
        if keeps_sessions && is_drained { self.idle } else { Duration::ZERO }
    }
}

impl Left {
    /// What is still there, in words.
    pub fn in_words(&self) -> String {
        match self.standing {
            Standing::Free => return "nobody is there any more".to_owned(),
            Standing::Back => return "it is in use again".to_owned(),
            Standing::InUse | Standing::Unknown => {}
        }
        let mut words = Vec::new();
        if self.cached_s > 0 {
            words.push(format!("resolvers may have it for {} more", span(self.cached_s)));
        }
        words.extend(self.connections.map(|open| counted(open, "open connection")));
        match self.running {
            None => words.push("running requests: not known".to_owned()),
            Some(0) if self.connections.is_some() => {}
            Some(running) => words.push(format!("running requests: {running}")),
        }
        let who = if self.connections.is_some() { "visitor" } else { "request" };
        words.push(format!("no {who} for {}", span(self.quiet_s)));
        if !self.unheard.is_empty() {
            words.push(format!("not heard of yet by {}", self.unheard.join(", ")));
        }
        if !self.silent.is_empty() {
            words.push(format!("not answering: {}", self.silent.join(", ")));
        }
        if !self.not_asked.is_empty() {
            words.push(format!("not asked: {}", self.not_asked.join(", ")));
        }
        words.join(", ")
    }

    /// Whether waiting any longer tells no more.
    pub fn is_settled(&self) -> bool {
        self.standing == Standing::Free || (self.standing == Standing::Unknown && !self.may_answer)
    }

    /// What has to change before it is worth another line: time that passes does not.
    pub fn key(&self) -> (bool, Option<usize>, Option<u64>, [Vec<String>; 3], Standing) {
        let names = [self.silent.clone(), self.not_asked.clone(), self.unheard.clone()];
        (self.cached_s > 0, self.connections, self.running, names, self.standing)
    }
}

#[cfg(test)]
mod tests;
