//! From checks, peers and operators to what each pool is answered with (pure).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::choices::{Choices, Judged, Outages};
use super::peer_state::{PeerState, Told, told_as};
use super::targets::{asked_at, target};
use super::{Effect, State, lines};
use crate::api::operator::OperatorState;
use crate::config::dns::PoolConfig;
use crate::daemon::clock::Now;
use crate::daemon::operator::proposals::Rivals;
use crate::dns::pool::falling::{self, Falling};
use crate::dns::pool::{self, Before, By, Family, Members, near};
use crate::dns::snapshot::{PoolAnswer, PoolRecords, Snapshot};
use crate::health::Verdict;
use crate::health::view::CheckView;

/// Members of a pool that are probed at once when one of its members falls: the others of a larger one come in their own rhythm.
const MOST_PROBED: usize = 64;

impl State {
    /// Judges every pool anew if there is reason to, and publishes a snapshot if an answer changed.
    pub(super) fn rebuild(&mut self, now: Now) -> Vec<Effect> {
        let is_told = self.is_answered_as_told();
        if is_told && self.judged.as_ref().is_some_and(|judged| self.is_still(judged, now)) {
            return Vec::new();
        }
        let falling_before = self.falling_addresses();
        let mut effects = self.judge_falling(now);
        // Who is answered all the same counts as down where members are near to some clients.
        let is_near_alike = self.document.locations.is_empty() || self.falling_addresses() == falling_before;
        let pools = self.document.config.pools.iter();
        let (mut choices, mut outages) = (BTreeMap::new(), BTreeMap::new());
        for (name, config) in pools {
            let (chosen, outage) = self.choose(name, config, now);
            choices.insert(name.clone(), chosen);
            if outage != Outages::default() {
                outages.insert(name.clone(), outage);
            }
        }
        self.outages = outages;
        let next_end = self.operator.next_expiry(now.unix_ms).into_iter();
        let next_end = next_end.chain(choices.values().filter_map(Choices::kept_until)).min();
        self.judged = Some(Judged {
            document: self.document.clone(),
            health: self.health.clone(),
            operator: self.operator.clone(),
            told: Told::of(self.heard_lately(now)),
            while_unix_ms: now.unix_ms..next_end.unwrap_or(u64::MAX),
        });
        for (name, chosen) in &choices {
            self.remember_seen(name, chosen);
        }
        if is_told && is_near_alike && choices == self.choices && Arc::ptr_eq(&self.snapshot.zones, &self.zones) {
            return effects;
        }
        effects.extend(self.changes_in_words(&choices));
        let pools = self.document.config.pools.iter().map(|(name, config)| self.answer((name, config), &choices[name]));
        let (generation, zones) = (self.snapshot.generation + 1, Arc::clone(&self.zones));
        let (identity, challenges) = (self.document.config.identity.clone(), self.challenge_answers.clone());
        let (mut pools, transfers) = (pools.collect::<Box<[PoolAnswer]>>(), Arc::clone(&self.transfers));
        self.sign_pools(&mut pools);
        let locations = Arc::clone(&self.document.locations);
        self.snapshot = Arc::new(Snapshot { generation, zones, pools, challenges, transfers, identity, locations });
        self.choices = choices;
        self.keep_at_hand();
        if !self.document.signers.is_empty() {
            self.aheads.note_change(self.signed_for);
        }
        effects.push(Effect::Publish(self.snapshot.clone()));
        effects
    }

    /// The records of what was chosen for a pool: for every client, and for those of locations to whom some members are near.
    fn answer(&self, (name, config): (&str, &PoolConfig), chosen: &Choices) -> PoolAnswer {
        let records = |addresses: &[IpAddr]| PoolRecords::of_pool(config, addresses);
        let everywhere: Vec<IpAddr> = chosen.addresses().copied().collect();
        let with_members = near::locations(config);
        let locations = (0..).zip(self.document.config.locations.keys());
        let near =
            locations.filter(|(_, location)| with_members.contains(&***location)).filter_map(|(id, location)| {
                let near = self.near((name, config), location, chosen);
                (near != everywhere).then(|| (id, records(&near)))
            });
        let stale = chosen.both().map(|choice| choice.by.is_from_before());
        PoolAnswer {
            ttl: config.ttl,
            everywhere: records(&everywhere),
            near: near.collect(),
            stale,
            signed: Arc::default(),
        }
    }

    /// What clients in a location are answered with, A, then AAAA.
    pub(in crate::dns) fn near(
        &self,
        (name, config): (&str, &PoolConfig),
        location: &str,
        chosen: &Choices,
    ) -> Vec<IpAddr> {
        let of_family = |family| {
            let choice = (chosen.of_family(family), self.falling_of(name, family));
            near::addresses(config, location, choice, family)
        };
        Family::BOTH.into_iter().flat_map(of_family).copied().collect()
    }

    fn falling_addresses(&self) -> Vec<(String, Family, Vec<IpAddr>)> {
        let held = self.falling.iter();
        held.map(|((name, family), held)| (name.clone(), *family, held.addresses().to_vec())).collect()
    }

    /// Those of a pool's addresses that are found down, and are answered until more is known.
    fn falling_of(&self, name: &str, family: Family) -> &[IpAddr] {
        self.falling.get(&(name.to_owned(), family)).map_or(&[], Falling::addresses)
    }

    fn is_still(&self, judged: &Judged, now: Now) -> bool {
        Arc::ptr_eq(&judged.document, &self.document)
            && Arc::ptr_eq(&self.snapshot.zones, &self.zones)
            && Arc::ptr_eq(&judged.health, &self.health)
            && judged.is_at(now)
            && judged.operator == self.operator
            && judged.told.is(self.heard_lately(now))
            && self.falling.is_empty()
    }

    fn choose(&self, name: &str, config: &PoolConfig, now: Now) -> (Choices, Outages) {
        let members = self.members(name, config, now);
        let last = self.last_up.get(name).map_or(&[][..], Vec::as_slice);
        let outages = self.outages.get(name).copied().unwrap_or_default();
        let choose = |family, outage, follows| {
            let falling = self.falling_of(name, family);
            pool::choose(config, family, &members, &Before { last, falling, follows, outage, now: now.unix_ms })
        };
        let (v4, a) = choose(Family::V4, outages.a, None);
        let (v6, aaaa) = choose(Family::V6, outages.aaaa, Some(&v4).filter(|_| !self.has_ipv6));
        (Choices { v4, v6 }, Outages { a, aaaa })
    }

    /// Judges which members that were found down are answered until more is known, and has the others of their pools probed.
    fn judge_falling(&mut self, now: Now) -> Vec<Effect> {
        let (mut falling, mut probed) = (BTreeMap::new(), Vec::new());
        for (name, config) in &self.document.config.pools {
            for family in Family::BOTH {
                let key = (name.clone(), family);
                let before = self.falling.get(&key);
                let Some((held, up)) = self.falling(name, config, family, before, now) else { continue };
                if before.is_none() {
                    probed.extend(up.into_iter().take(MOST_PROBED).map(|address| target(config, address)));
                }
                falling.insert(key, held);
            }
        }
        self.falling = falling;
        if probed.is_empty() { Vec::new() } else { vec![Effect::Probe(probed)] }
    }

    /// Those of one family, if there are any, and those that are up.
    fn falling(
        &self,
        name: &str,
        config: &PoolConfig,
        family: Family,
        before: Option<&Falling>,
        now: Now,
    ) -> Option<(Falling, Vec<IpAddr>)> {
        let answered = self.choices.get(name)?.of_family(family);
        let members = self.members(name, config, now);
        let has_fallen = |address: &IpAddr| members.verdict(*address) == Verdict::Down;
        if answered.by != By::Checks || !answered.addresses.iter().any(has_fallen) {
            return None;
        }
        let ready = config.members.iter().filter(|(name, _)| members.operator(name) == OperatorState::Ready);
        let ready = ready.flat_map(|(_, member)| &member.addresses).filter(|address| family.has(address));
        let ready: Vec<IpAddr> = ready.copied().collect();
        let with = |verdict| -> Vec<IpAddr> {
            ready.iter().copied().filter(|address| members.verdict(*address) == verdict).collect()
        };
        let (up, down) = (with(Verdict::Up), with(Verdict::Down));
        let bound = config.check.detection_bound();
        let (answered, running) = (&answered.addresses[..], now.running);
        let at = falling::Now { answered, up: &up, down: &down, bound, running };
        let is_borne_out = |address, since| {
            self.health_of(config, address).is_some_and(|health| health.proof.is_borne_out_since(since))
        };
        Some((Falling::judge(before, &at, is_borne_out)?, up))
    }

    /// When a kept answer ends.
    pub(super) fn keeping_ends(&self, now: Now) -> Option<Duration> {
        let ends = self.choices.values().filter_map(Choices::kept_until).min();
        ends.map(|at| now.running + Duration::from_millis(at.saturating_sub(now.unix_ms) + 1))
    }

    /// Remembers the answer of each family of which somebody's checks find a member up, for `when_all_down: last`.
    fn remember_seen(&mut self, name: &str, chosen: &Choices) {
        let last = self.last_up.entry(name.into()).or_default();
        for (family, choice) in Family::BOTH.into_iter().zip(chosen.both()) {
            if choice.by.is_seen() && !choice.addresses.is_empty() {
                last.retain(|address| !family.has(address));
                last.extend(&choice.addresses);
            }
        }
    }

    fn changes_in_words(&self, choices: &BTreeMap<String, Choices>) -> Vec<Effect> {
        let changed = choices.iter().filter(|(name, chosen)| self.choices.get(*name) != Some(chosen));
        let in_words = changed.map(|(name, chosen)| {
            let addresses: Vec<String> = chosen.addresses().map(ToString::to_string).collect();
            let addresses = if addresses.is_empty() { "no address".to_owned() } else { addresses.join(", ") };
            Effect::Log(lines::pool_answers(name, &addresses, chosen))
        });
        in_words.collect()
    }

    pub(in crate::dns) fn members<'s>(&'s self, name: &'s str, pool: &'s PoolConfig, now: Now) -> PoolMembers<'s> {
        PoolMembers { state: self, name, pool, checked: self.health.of_check(&pool.check), now, rivals: None }
    }
}

/// The state of one pool's members at one moment.
pub(in crate::dns) struct PoolMembers<'s> {
    state: &'s State,
    name: &'s str,
    pool: &'s PoolConfig,
    checked: CheckView<'s>,
    now: Now,
    /// What these take away counts as drained.
    rivals: Option<&'s Rivals<'s>>,
}

impl<'s> PoolMembers<'s> {
    /// The same as if these had had their way.
    pub(super) fn without(self, rivals: &'s Rivals<'s>) -> PoolMembers<'s> {
        PoolMembers { rivals: Some(rivals), ..self }
    }
}

impl Members for PoolMembers<'_> {
    fn verdict(&self, address: IpAddr) -> Verdict {
        self.checked.get(asked_at(self.pool, address)).map_or(Verdict::Unchecked, |health| health.verdict)
    }

    fn operator(&self, member: &str) -> OperatorState {
        let subject = format!("{}/{member}", self.name);
        match self.rivals.is_some_and(|rivals| rivals.taken.contains(&*subject)) {
            true => OperatorState::Drain,
            false => self.state.operator.state(&subject, self.now.unix_ms),
        }
    }

    fn opinions(&self, addresses: &[IpAddr]) -> Vec<Vec<Option<Verdict>>> {
        let bound = self.pool.check.detection_bound();
        let subjects: Vec<String> = addresses.iter().map(|address| told_as(self.name, *address)).collect();
        let of_peer =
            |peer: &PeerState| subjects.iter().map(|subject| Some(peer.verdicts.verdict(subject, bound)?.0)).collect();
        self.state.heard_lately(self.now).map(|(_, peer)| of_peer(peer)).collect()
    }
}
