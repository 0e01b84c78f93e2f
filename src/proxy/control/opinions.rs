//! What peers say of backends, beside what our own checks say (pure).
//!
//! Owns what is told of our own checks, and from when on a difference is isolation and no longer the delay between two proxies' checks.
//! Must never: change a verdict or move a latch; it gives reasons not to.
//!
//! A backend that dies is found down by every proxy within its check's detection bound, so a peer that still says up when that has
//! passed does reach it. Until then requests wait. After that the service is answered 503 here, and this proxy is not ready while there is a
//! peer to which visitors can go instead: one that is fit. Of two proxies that are both isolated from something neither stands back
//! for the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::build::backend_states;
use super::isolation::{Contradiction, CutOff, Isolation};
use super::lines;
use super::peer_state::PeerState;
use super::prepared::{PreparedBackend, PreparedService};
use super::{Effect, State};
use crate::counted::listed;
use crate::daemon::eligibility::Eligibility;
use crate::daemon::opinions::Heard;
use crate::health::Verdict;
use crate::proxy::latch::Now;

impl State {
    /// Looks at what our own checks say, for the peers. Gives whether there is something to tell.
    pub(super) fn renew_opinions(&mut self, now: Now) -> bool {
        if self.prepared.document.peers.is_none() && self.agreement.is_none() {
            return false;
        }
        let (prepared, health) = (&self.prepared, &self.health);
        let backends =
            prepared.services.iter().flat_map(|service| service.backends.iter().map(move |one| (service, one)));
        let seen = backends.filter_map(|(service, backend)| {
            let health = service.judged_by(health.get(&backend.target)?);
            Some((&*backend.told_as, health, service.verdict_bound))
        });
        self.opinions.look(seen, now.running)
    }

    /// Judges anew, and gives a line for each service with which it has begun or ended.
    pub(super) fn judge_isolation(&mut self, now: Now) -> Vec<Effect> {
        let before = std::mem::take(&mut self.isolation);
        if self.prepared.document.peers.is_some() {
            self.isolation.contradicted = self.contradicted(now);
        }
        if !self.isolation.contradicted.is_empty() {
            self.isolation.cut_off = self.cut_off(&before.cut_off, now);
        }
        self.begin_grace_of_the_unheard(&before, now);
        self.isolation.stands_back = (!self.isolation.is_nothing() || self.is_kept_out(now))
            && self.heard_lately(now).any(|(_, peer, _)| peer.fit);
        let was = |service: &str| before.is_isolated(service);
        let begun = self.isolation.cut_off.iter().filter(|(service, cut_off)| cut_off.is_isolated && !was(service));
        let begun = begun.map(|(service, CutOff { words, .. })| lines::isolated(service, words));
        let ended = before.cut_off.iter().filter(|(_, cut_off)| cut_off.is_isolated);
        let ended = ended.filter(|(service, _)| !self.isolation.is_isolated(service));
        begun.chain(ended.map(|(service, _)| lines::isolated_no_more(service))).map(Effect::Log).collect()
    }

    /// Whoever knew that it is isolated, and hears nobody any more who says so, is no more able to judge than before: those peers may just
    /// be starting again. The active backend gets the time that it has after a start.
    fn begin_grace_of_the_unheard(&mut self, before: &Isolation, now: Now) {
        let prepared = self.prepared.clone();
        for service in prepared.services.iter().filter(|service| before.is_isolated(&service.name)) {
            let is_found_down_elsewhere = |backend: &PreparedBackend| {
                let verdict = |peer: &PeerState| peer.verdicts.verdict(&backend.told_as, service.verdict_bound);
                self.heard_lately(now)
                    .any(|(_, peer, _)| verdict(peer).is_some_and(|(verdict, _)| verdict == Verdict::Down))
            };
            if self.isolation.cut_off.contains_key(&service.name)
                || self.active(service).is_none_or(is_found_down_elsewhere)
            {
                continue;
            }
            if let (Some(rules), Some(keeper)) = (service.rules(), self.latches.get_mut(&service.name)) {
                keeper.begin_grace(now, rules);
            }
        }
    }

    /// The active backend of a service that has a latch.
    fn active<'s>(&self, service: &'s PreparedService) -> Option<&'s PreparedBackend> {
        let active = &self.latches.get(&service.name)?.latch()?.active;
        service.backends.iter().find(|backend| *backend.name == **active)
    }

    /// The next moment at which that may come out otherwise though nothing happens.
    pub(super) fn isolation_wakes(&self, now: Now) -> Option<Duration> {
        let heard = self.isolation.contradicted.values().flatten().map(|contradiction| contradiction.heard.lapses());
        heard.chain(self.opinions.wakes(now.running)).filter(|at| *at > now.running).min()
    }

    /// Backends that are down here, each with the peers that see it up.
    fn contradicted(&self, now: Now) -> BTreeMap<String, Vec<Contradiction>> {
        let is_down = |service: &PreparedService, backend: &PreparedBackend| {
            let health = self.health.get(&backend.target).map(|health| service.judged_by(health));
            health.is_some_and(|health| health.verdict == Verdict::Down && health.proof.holds(now.running))
        };
        let mut contradicted = BTreeMap::new();
        for service in &self.prepared.services {
            for backend in service.backends.iter().filter(|backend| is_down(service, backend)) {
                let peers = self.seen_up_by(&backend.told_as, service.verdict_bound, now);
                if !peers.is_empty() {
                    contradicted.insert(backend.told_as.clone(), peers);
                }
            }
        }
        contradicted
    }

    /// The peers that were heard lately and see a backend up, of which a check here would know within `bound` that it is dead.
    fn seen_up_by(&self, subject: &str, bound: Duration, now: Now) -> Vec<Contradiction> {
        let contradiction = |(name, peer, heard): (&String, &PeerState, Heard)| {
            let (verdict, bound) = peer.verdicts.verdict(subject, bound)?;
            (verdict == Verdict::Up).then(|| Contradiction { peer: name.clone(), heard, bound })
        };
        self.heard_lately(now).filter_map(contradiction).collect()
    }

    /// The peers that were heard lately, and when.
    fn heard_lately(&self, now: Now) -> impl Iterator<Item = (&String, &PeerState, Heard)> {
        let heard = self.peers.iter().filter_map(|(name, peer)| Some((name, peer, peer.heard?)));
        heard.filter(move |(_, _, heard)| heard.is_recent(now.running))
    }

    fn cut_off(&self, before: &BTreeMap<Arc<str>, CutOff>, now: Now) -> BTreeMap<Arc<str>, CutOff> {
        let mut cut_off = BTreeMap::new();
        for service in &self.prepared.services {
            let unreachable = self.unreachable(service, now);
            if unreachable.is_empty() {
                continue;
            }
            let before = before.get(&service.name);
            let since = before.map_or(now.running, |before| before.since);
            let peers = unreachable.iter().filter_map(|backend| self.isolation.contradicted.get(&backend.told_as));
            // Their verdict was told, or confirmed, when they would have found down what was dead at `since`.
            let is_confirmed = peers
                .flatten()
                .any(|Contradiction { heard, bound, .. }| heard.is_after(since + service.verdict_bound.max(*bound)));
            let is_isolated = is_confirmed || before.is_some_and(|before| before.is_isolated);
            let words: Vec<String> = unreachable.iter().map(|name| self.unreachable_in_words(service, name)).collect();
            cut_off.insert(service.name.clone(), CutOff { since, is_isolated, words: words.join(", ") });
        }
        cut_off
    }

    /// The backends without which a service cannot be served here, and that peers reach.
    fn unreachable<'s>(&self, service: &'s PreparedService, now: Now) -> Vec<&'s PreparedBackend> {
        let states = backend_states(service, &self.health, &self.operator, &self.isolation, now);
        let doubted = service.backends.iter().zip(&states).filter(|(_, state)| state.is_in_doubt());
        let doubted = doubted.map(|(backend, _)| backend);
        if service.rules().is_some() {
            let active = self.active(service).map(|active| &active.name);
            return doubted.filter(|backend| Some(&backend.name) == active).collect();
        }
        let serves = states.iter().any(|state| state.eligibility() != Eligibility::None);
        if serves { Vec::new() } else { doubted.collect() }
    }

    /// `web2 (connection refused), which px2 and px3 reach`.
    fn unreachable_in_words(&self, service: &PreparedService, backend: &PreparedBackend) -> String {
        let reason = self.health.get(&backend.target).map(|health| service.judged_by(health).reason.to_string());
        let peers = self.isolation.contradicted.get(&backend.told_as).into_iter().flatten();
        let peers: Vec<&String> = peers.map(|contradiction| &contradiction.peer).collect();
        let reach = if peers.len() == 1 { "reaches" } else { "reach" };
        format!("{} ({}), which {} {reach}", backend.name, reason.unwrap_or_default(), listed(peers))
    }
}
