//! Every decision of the nameserver's control thread (pure): events in, effects out.
//!
//! Owns the state that queries do not change: document, health, operator states, and the snapshot built from them. Must
//! never: touch a socket, a file or a clock, or log; `run` does that, calls [`State::on_event`] and the operator's commands,
//! and performs the [`Effect`]s in their order.

mod lines;
mod operator;
pub mod prepared;
mod saved;
mod told;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use super::challenges::answers::ChallengeAnswers;
use super::challenges::{Challenges, HandedOver};
use super::pool::{self, Choice, Family, Members};
use super::snapshot::{PoolAnswer, Snapshot};
use crate::api::operator::OperatorState;
use crate::config::dns::PoolConfig;
use crate::daemon::challenges::{Answer, Telling};
use crate::daemon::clock::Now;
use crate::daemon::lifecycle::{self, OperatorFile, Persistence};
use crate::daemon::operator::OperatorStates;
use crate::daemon::operator::proposals::{Proposals, Rivals};
use crate::daemon::peers::{PeerEvent, Rejected};
use crate::health::Targets;
use crate::health::view::CheckView;
use crate::health::{HealthView, Target, TargetHealth, Verdict};
use crate::log_line::{Kind, LogLine};
use prepared::Prepared;

pub use operator::{Accepted, Change, CommandError};
pub use saved::{HealthFile, Saved, SavedError, SavedHealth, read_message, read_operator};

/// Something happened.
#[derive(Debug)]
pub enum Event {
    /// The checker has published another view.
    Health(Arc<HealthView>),
    /// A peer has sent its state.
    Peer(PeerEvent),
    /// A proxy has told its challenges.
    Told(Telling),
    /// The process before this one has handed over its operator states, and what proxies had told it.
    Inherited(OperatorStates, BTreeMap<String, HandedOver>),
    /// A write of `operator.json` has ended.
    OperatorWritten(io::Result<()>),
    /// Another document has been put in force.
    Reloaded(Arc<Prepared>),
    /// Every member has been checked: queries are answered from now on.
    Ready,
    /// The daemon stops or has handed over.
    Draining,
    /// Time has passed ([`State::wakes`]).
    Time,
}

/// Something to be done.
#[derive(Debug)]
pub enum Effect {
    /// Queries are answered from this one.
    Publish(Arc<Snapshot>),
    /// `operator.json` is to hold this; answered with [`Event::OperatorWritten`].
    WriteOperator(Value),
    /// The state to send to peers from now on.
    TellPeers(Value),
    /// Queries are answered with what a proxy told: it is to know.
    AnswerProxy(oneshot::Sender<Answer>, Answer),
    /// One line for the log.
    Log(LogLine),
}

/// All of it.
pub struct State {
    pub(super) document: Arc<Prepared>,
    pub(super) health: Arc<HealthView>,
    pub(super) operator: OperatorStates,
    pub(super) operator_file: OperatorFile,
    /// Commands that wait for the peers.
    pub(super) proposals: Proposals<lifecycle::Change>,
    /// What of the peers' messages was beyond the bounds, by peer.
    pub(super) rejected: BTreeMap<String, Rejected>,
    /// What proxies have told.
    pub(super) challenges: Challenges,
    /// What of it is answered; another one whenever that changes.
    challenge_answers: Option<Arc<ChallengeAnswers>>,
    pub(super) choices: BTreeMap<String, Choices>,
    pub(super) snapshot: Arc<Snapshot>,
    /// Every member has been checked.
    pub(super) ready: bool,
    pub(super) draining: bool,
    /// What `choices` were made from.
    judged: Option<Judged>,
    /// By pool, the last addresses that were answered because their members were up: what `when_all_down: last` means.
    last_up: BTreeMap<String, Vec<IpAddr>>,
    /// What was sent to peers last.
    announced: Value,
}

/// All that pools are judged by, as it was.
struct Judged {
    document: Arc<Prepared>,
    health: Arc<HealthView>,
    operator: OperatorStates,
    /// From here to the next end of an operator state, in Unix time.
    while_unix_ms: Range<u64>,
}

/// A pool's A and AAAA.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Choices {
    pub(super) v4: Choice,
    pub(super) v6: Choice,
}

impl Choices {
    pub(super) fn addresses(&self) -> impl Iterator<Item = &IpAddr> {
        self.v4.addresses.iter().chain(&self.v6.addresses)
    }

    /// The `when_all_down` policy that decides an answer, if one does.
    pub(super) fn all_down(&self) -> Option<&'static str> {
        self.v4.all_down.or(self.v6.all_down)
    }
}

impl State {
    /// Begins with what an earlier process knew. Nothing is answered before [`Event::Ready`].
    pub fn new(document: Arc<Prepared>, saved: Saved) -> State {
        let snapshot = Snapshot { generation: saved.health.generation, ..Snapshot::default() };
        State {
            document,
            health: Arc::new(saved.health.health),
            operator: saved.operator,
            operator_file: OperatorFile::new(saved.operator_lost),
            proposals: Proposals::default(),
            rejected: BTreeMap::new(),
            challenges: Challenges::default(),
            challenge_answers: None,
            choices: BTreeMap::new(),
            snapshot: Arc::new(snapshot),
            ready: false,
            draining: false,
            judged: None,
            last_up: saved.health.last_up,
            announced: Value::Null,
        }
    }

    /// The number of the present snapshot.
    pub fn generation(&self) -> u64 {
        self.snapshot.generation
    }

    /// The present snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.clone()
    }

    /// The document in force.
    pub fn document(&self) -> &Arc<Prepared> {
        &self.document
    }

    /// What checks say.
    pub fn health(&self) -> &HealthView {
        &self.health
    }

    /// Every member has been checked: queries are answered.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Takes an event in, and gives all that follows.
    pub fn on_event(&mut self, event: Event, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Health(health) => self.health = health,
            Event::Peer(message) => effects.extend(self.on_peer(message, now)),
            Event::Told(telling) => return self.on_told(telling, now),
            Event::Inherited(states, challenges) => {
                self.challenges.inherit(challenges, self.document.challenges_and_zones(), now.running);
                self.operator.merge(&states);
                // The process before this one may have had no time to write them.
                self.operator_file.changed();
            }
            Event::OperatorWritten(ended) => self.operator_file.written(ended, now),
            Event::Reloaded(document) => {
                self.last_up.retain(|pool, _| document.config.pools.contains_key(pool));
                let members = document.config.peers.as_ref().map(|peers| &peers.members);
                self.rejected.retain(|peer, _| members.is_some_and(|members| members.contains_key(peer)));
                self.document = document;
                let (config, zones) = self.document.challenges_and_zones();
                self.challenges.reload(config, zones);
                self.proposals.keep_peers(&self.peer_names());
            }
            Event::Ready => self.ready = true,
            Event::Draining => {
                self.draining = true;
                self.operator_file.try_at_once();
            }
            Event::Time => {
                let expired = self.challenges.expire(now.running);
                effects.extend(expired.into_iter().map(|line| Effect::Log(LogLine::info(Kind::Certificate, line))));
            }
        }
        effects.extend(self.settle(now));
        effects
    }

    /// The next moment at which [`Event::Time`] has something to do.
    pub fn wakes(&self, now: Now) -> Option<Duration> {
        let expiry = self.operator.next_expiry(now.unix_ms);
        let expiry = expiry.map(|at| now.running + Duration::from_millis(at.saturating_sub(now.unix_ms) + 1));
        expiry
            .into_iter()
            .chain(self.operator_file.wakes())
            .chain(self.proposals.wakes())
            .chain(self.challenges.wakes())
            .min()
    }

    /// Whether what a command changed is on disk.
    pub fn persistence(&self, change: Change, now: Now) -> Persistence {
        match change {
            Change::Nothing => Persistence::OnDisk,
            Change::Written(change) => self.operator_file.persistence(change, now),
            Change::Proposed(ticket) => {
                self.operator_file.persistence_once_decided(self.proposals.outcome(ticket), now)
            }
        }
    }

    /// Merges a peer's operator states of the members that the document names. Values beyond the bounds are left out with an
    /// alarm, and the rest of the message counts. A message of another form is refused as a whole.
    fn on_peer(&mut self, message: PeerEvent, now: Now) -> Vec<Effect> {
        let PeerEvent { peer, value, ahead_ms, .. } = message;
        let (theirs, put) = match read_message(&value) {
            Ok(message) => message,
            Err(error) => {
                return vec![Effect::Log(lines::wrong_of_peer(
                    &peer,
                    format!("the message of peer {peer} cannot be read: {error}"),
                ))];
            }
        };
        let mut effects = Vec::new();
        let (taken, rejected) = theirs.vetted(now.unix_ms, ahead_ms, |subject| self.names(subject));
        let put = put.vetted(&self.document.config.name, now.unix_ms, |subject| self.names(subject));
        self.proposals.receive(&peer, put, now);
        if let Some(news) = self.rejected.entry(peer.clone()).or_default().note(rejected) {
            let words = format!("values of peer {peer} are rejected: {news}");
            effects.push(Effect::Log(lines::wrong_of_peer(&peer, words)));
        }
        if self.operator.merge(&taken) {
            self.operator_file.changed();
            effects.push(Effect::Log(lines::newer_states(&peer)));
        }
        effects
    }

    /// Whether the document has this `POOL/MEMBER`.
    fn names(&self, subject: &str) -> bool {
        let named = subject.split_once('/').and_then(|(pool, member)| {
            self.document.config.pools.get(pool).map(|config| config.members.contains_key(member))
        });
        named.unwrap_or(false)
    }

    /// What follows from the state as it is now.
    fn settle(&mut self, now: Now) -> Vec<Effect> {
        let mut effects = self.decide_proposals(now);
        self.refresh_challenges();
        if self.ready {
            effects.extend(self.rebuild(now));
        }
        if self.operator_file.begin_if_due(now) {
            effects.push(Effect::WriteOperator(self.operator_to_save()));
        }
        let message = self.peer_message();
        if self.announced != message {
            self.announced = message.clone();
            effects.push(Effect::TellPeers(message));
        }
        effects
    }

    /// Judges every pool anew if there is reason to, and publishes a snapshot if an answer changed.
    fn rebuild(&mut self, now: Now) -> Vec<Effect> {
        let is_told = self.is_answered_as_told();
        if is_told && self.judged.as_ref().is_some_and(|judged| judged.is_still_so(self, now)) {
            return Vec::new();
        }
        self.judged = Some(Judged {
            document: self.document.clone(),
            health: self.health.clone(),
            operator: self.operator.clone(),
            while_unix_ms: now.unix_ms..self.operator.next_expiry(now.unix_ms).unwrap_or(u64::MAX),
        });
        let choices: BTreeMap<String, Choices> = self
            .document
            .config
            .pools
            .iter()
            .map(|(name, config)| (name.clone(), self.choose(name, config, now)))
            .collect();
        for (name, chosen) in &choices {
            self.remember_up(name, chosen);
        }
        if is_told && choices == self.choices && Arc::ptr_eq(&self.snapshot.zones, &self.document.zones) {
            return Vec::new();
        }
        let mut effects = self.changes_in_words(&choices);
        let pools = self.document.config.pools.iter().map(|(name, config)| {
            let addresses: Vec<IpAddr> = choices[name].addresses().copied().collect();
            PoolAnswer::new(config.ttl, &addresses)
        });
        let (generation, zones) = (self.snapshot.generation + 1, Arc::clone(&self.document.zones));
        let (identity, challenges) = (self.document.config.identity.clone(), self.challenge_answers.clone());
        self.snapshot = Arc::new(Snapshot { generation, zones, pools: pools.collect(), challenges, identity });
        self.choices = choices;
        effects.push(Effect::Publish(self.snapshot.clone()));
        effects
    }

    fn choose(&self, name: &str, config: &PoolConfig, now: Now) -> Choices {
        let members = self.members(name, config, now);
        let last = self.last_up.get(name).map_or(&[][..], Vec::as_slice);
        let choose = |family| pool::choose(config, family, &members, last);
        Choices { v4: choose(Family::V4), v6: choose(Family::V6) }
    }

    /// Remembers the answer of each family that has a member up, for `when_all_down: last`.
    fn remember_up(&mut self, name: &str, chosen: &Choices) {
        let last = self.last_up.entry(name.into()).or_default();
        for (family, choice) in [(Family::V4, &chosen.v4), (Family::V6, &chosen.v6)] {
            if choice.all_down.is_none() && !choice.addresses.is_empty() {
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
            Effect::Log(lines::pool_answers(name, &addresses, chosen.all_down()))
        });
        in_words.collect()
    }

    /// How many addresses of members have not been probed yet, and how many there are.
    pub fn unchecked(&self) -> (usize, usize) {
        let pools = self.document.config.pools.values().map(|pool| (pool, self.health.of_check(&pool.check)));
        let verdicts = pools.flat_map(|(pool, checked)| {
            let addresses = pool.members.values().flat_map(|member| &member.addresses);
            addresses.map(move |address| checked.get(asked_at(pool, *address)).map(|health| health.verdict))
        });
        verdicts.fold((0, 0), |(unchecked, all), verdict| {
            (unchecked + usize::from(verdict.is_none_or(|verdict| verdict == Verdict::Unchecked)), all + 1)
        })
    }

    pub(super) fn members<'s>(&'s self, name: &'s str, pool: &'s PoolConfig, now: Now) -> PoolMembers<'s> {
        PoolMembers { state: self, name, pool, checked: self.health.of_check(&pool.check), now, rivals: None }
    }

    pub(super) fn health_of(&self, pool: &PoolConfig, address: IpAddr) -> Option<&TargetHealth> {
        self.health.of_check(&pool.check).get(asked_at(pool, address))
    }
}

impl Judged {
    fn is_still_so(&self, state: &State, now: Now) -> bool {
        Arc::ptr_eq(&self.document, &state.document)
            && Arc::ptr_eq(&self.health, &state.health)
            && self.while_unix_ms.contains(&now.unix_ms)
            && self.operator == state.operator
    }
}

impl Prepared {
    /// Every probe target of the document's pools, with who uses it.
    pub fn targets(&self) -> Targets {
        let mut targets = Targets::new();
        for (name, config) in &self.config.pools {
            for (member, addresses) in &config.members {
                for address in &addresses.addresses {
                    targets.entry(target(config, *address)).or_default().push(format!("{name}/{member}"));
                }
            }
        }
        targets
    }
}

/// What is probed for one address of a pool.
fn target(pool: &PoolConfig, address: IpAddr) -> Target {
    Target { address: asked_at(pool, address), check: pool.check.clone() }
}

fn asked_at(pool: &PoolConfig, address: IpAddr) -> SocketAddr {
    // A document without the port does not pass its checks: a member has none of its own.
    SocketAddr::new(address, pool.check.port.unwrap_or(80))
}

/// The state of one pool's members at one moment.
pub(super) struct PoolMembers<'s> {
    state: &'s State,
    name: &'s str,
    pool: &'s PoolConfig,
    checked: CheckView<'s>,
    now: Now,
    /// What these take away counts as drained.
    rivals: Option<&'s Rivals<'s>>,
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
}

#[cfg(test)]
mod tests;
