//! What peers say of members, beside what our own checks say (pure).
//!
//! Owns what is told of our own checks, whose word counts, and what is said of it. Must never: change a verdict.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::choices::Choices;
use super::isolation::Contradiction;
use super::peer_state::{PeerState, told_as};
use super::{Effect, State, lines};
use crate::api::operator::OperatorState;
use crate::config::dns::PoolConfig;
use crate::counted::listed;
use crate::daemon::clock::Now;
use crate::dns::pool::{By, Members};
use crate::health::Verdict;

impl State {
    /// Looks at what our own checks say, for the peers.
    pub(super) fn renew_opinions(&mut self, now: Now) {
        if self.document.config.peers.is_none() {
            return;
        }
        let addresses = self.document.config.pools.iter().flat_map(|(pool, config)| {
            let addresses = config.members.values().flat_map(|member| &member.addresses);
            addresses.map(move |address| (pool, config, *address))
        });
        let is_blind = !self.has_ipv6;
        let seen = addresses.filter_map(|(pool, config, address)| {
            let health = self.health.of_check(&config.check).get(super::targets::asked_at(config, address))?;
            if is_blind && address.is_ipv6() && health.verdict == Verdict::Down {
                return None;
            }
            Some((told_as(pool, address), health, config.check.detection_bound()))
        });
        self.opinions.look(seen, now.running);
    }

    /// Whether nothing follows from an address that checks find down: this nameserver has no IPv6 of its own.
    pub(in crate::dns) fn is_blind_to(&self, address: IpAddr) -> bool {
        address.is_ipv6() && !self.has_ipv6
    }

    /// Whether peers decide an answer that this nameserver's checks should have.
    fn goes_by_peers(&self, chosen: &Choices) -> bool {
        chosen.v4.by == By::Peers || (chosen.v6.by == By::Peers && self.has_ipv6)
    }

    /// The peers that were heard lately.
    pub(super) fn heard_lately(&self, now: Now) -> impl Iterator<Item = (&String, &PeerState)> {
        self.peers.iter().filter(move |(_, peer)| peer.heard.is_recent(now.running))
    }

    /// When one of them counts no more.
    pub(super) fn opinions_lapse(&self, now: Now) -> Option<Duration> {
        self.heard_lately(now).map(|(_, peer)| peer.heard.lapses()).min()
    }

    /// Judges of which pools this nameserver alone finds every member down, and gives a line for each with which that has begun or ended.
    pub(super) fn judge_isolation(&mut self, now: Now) -> Vec<Effect> {
        let by_peers = self.choices.iter().filter(|(_, chosen)| self.goes_by_peers(chosen));
        let contradictions = by_peers.filter_map(|(pool, _)| {
            let config = self.document.config.pools.get(pool)?;
            let own = config.check.detection_bound();
            let seen = self.seen_up_by(pool, config, now).into_iter();
            let peers = seen.map(|(_, peer, bound)| Contradiction { heard: peer.heard, bound: own.max(bound) });
            Some((pool.clone(), peers.collect()))
        });
        // Whoever has lost sight of its peers as well is not isolated any less.
        let is_kept = |pool: &&String| self.choices.get(*pool).is_some_and(|chosen| chosen.kept_until().is_some());
        let silent = self.isolation.contradicted().filter(is_kept).map(|pool| (pool.clone(), Vec::new()));
        let contradictions = silent.chain(contradictions);
        let contradictions: BTreeMap<String, Vec<Contradiction>> = contradictions.collect();
        let (begun, ended) = self.isolation.judge(contradictions, now.running);
        let begun =
            begun.iter().map(|pool| lines::isolated(pool, &self.isolated_in_words(pool, now).unwrap_or_default()));
        begun.chain(ended.iter().map(|pool| lines::isolated_no_more(pool))).map(Effect::Log).collect()
    }

    /// The same where no peer is heard either, and the answer from before is kept.
    pub(in crate::dns) fn kept_in_words(&self, pool: &str) -> Option<String> {
        let config = self.document.config.pools.get(pool)?;
        let until = self.choices.get(pool)?.kept_until()?;
        let until = jiff::Timestamp::from_millisecond(i64::try_from(until).ok()?).ok()?;
        Some(format!(
            "no member is up by the checks of this nameserver, and no peer is heard that could say more: the answer from before is kept \
             until {}, and from then on when_all_down: {} decides",
            until.strftime("%Y-%m-%d %H:%M:%SZ"),
            config.when_all_down.name()
        ))
    }

    /// The peers that see a member up, each with how long its check takes to find one dead.
    fn seen_up_by(&self, pool: &str, config: &PoolConfig, now: Now) -> Vec<(&String, &PeerState, Duration)> {
        let wanted = self.wanted(pool, config, now);
        let heard = self.heard_lately(now);
        let seeing = heard.filter_map(|(name, peer)| {
            let verdict =
                |address: &IpAddr| peer.verdicts.verdict(&told_as(pool, *address), config.check.detection_bound());
            let up =
                wanted.iter().filter_map(|(_, address)| verdict(address)).find(|(verdict, _)| *verdict == Verdict::Up);
            up.map(|(_, bound)| (name, peer, bound))
        });
        seeing.collect()
    }

    /// The members that the operator has left ready, by address.
    fn wanted<'c>(&self, pool: &str, config: &'c PoolConfig, now: Now) -> Vec<(&'c String, IpAddr)> {
        let members = self.members(pool, config, now);
        let ready = config.members.iter().filter(|(name, _)| members.operator(name) == OperatorState::Ready);
        ready.flat_map(|(name, member)| member.addresses.iter().map(move |address| (name, *address))).collect()
    }

    /// What this nameserver alone cannot reach of a pool: `px-1 and px-2 (connection refused), which ns-2 reaches`; none where that
    /// is nothing.
    pub(in crate::dns) fn isolated_in_words(&self, pool: &str, now: Now) -> Option<String> {
        let config = self.document.config.pools.get(pool).filter(|_| self.isolation.is_from(pool))?;
        self.choices.get(pool).filter(|chosen| self.goes_by_peers(chosen))?;
        let mut unreachable: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
        for (name, address) in self.wanted(pool, config, now) {
            let down = self.health_of(config, address).filter(|health| health.verdict == Verdict::Down);
            if let Some(health) = down {
                let members = unreachable.entry(&health.reason).or_default();
                if !members.contains(&name) {
                    members.push(name);
                }
            }
        }
        let unreachable = unreachable.into_iter().map(|(reason, members)| format!("{} ({reason})", listed(members)));
        let peers: Vec<&String> = self.seen_up_by(pool, config, now).into_iter().map(|(name, ..)| name).collect();
        let reach = if peers.len() == 1 { "reaches" } else { "reach" };
        let unreachable: Vec<String> = unreachable.collect();
        Some(format!("{}, which {} {reach}", unreachable.join(", "), listed(peers)))
    }
}
