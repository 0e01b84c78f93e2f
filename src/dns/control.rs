//! Every decision of the nameserver's control thread (pure): events in, effects out.
//!
//! Owns the state that queries do not change: document, health, operator states, and the snapshot built from them. Must
//! never: touch a socket, a file or a clock, or log; `run` does that, calls [`State::on_event`] and the operator's commands,
//! and performs the [`Effect`]s in their order.

mod ahead;
mod asked;
mod bogus;
mod by_peers;
mod catalogs;
mod certificates;
pub mod choices;
mod consumed;
mod dnstap;
mod isolation;
mod judging;
mod lines;
mod operator;
mod opinions;
pub mod peer_state;
pub mod prepared;
mod saved;
mod secondaries;
mod signing;
mod targets;
mod told;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use super::challenges::Challenges;
use super::challenges::answers::ChallengeAnswers;
use super::compiled::Zones;
use super::ordered;
use super::pool::Family;
use super::pool::falling::Falling;
use super::signing::{hour_of, pools};
use super::snapshot::Snapshot;
use super::transfer::Transfers;
use crate::acme::orders::Orders;
use crate::acme::steps::{self, Known};
use crate::api::dns::DnstapNote;
use crate::daemon::challenges::{Answer, Telling};
use crate::daemon::clock::Now;
use crate::daemon::lifecycle::{self, OperatorFile, Persistence};
use crate::daemon::operator::OperatorStates;
use crate::daemon::operator::events::Ends;
use crate::daemon::operator::proposals::Proposals;
use crate::daemon::own_opinions::OwnOpinions;
use crate::daemon::peers::{PeerEvent, Rejected};
use crate::health::{HealthView, Target};
use crate::log_line::{Kind, LogLine};
use ahead::Aheads;
pub use ahead::{AheadOrder, PoolsOrder, SignedAhead};
use asked::PeersAsked;
pub use catalogs::{Catalog, CatalogNews, CatalogOrder};
pub use choices::Choices;
use choices::{Judged, Outages};
use isolation::Isolation;
use peer_state::{PeerMessage, PeerState};
use prepared::Prepared;

pub use consumed::Consumed;
pub use operator::{Accepted, Change, CommandError};
pub use saved::{HealthFile, Saved, SavedError, SavedHealth, read_operator};
pub use secondaries::{Answered, Question, Secondary, SecondaryNews, SecondaryTask};
pub use signing::{SignedZones, SigningOrder};

/// How often it is looked whether the other members of a pool have been probed since one was found down.
const LOOKS_AT_FALLING: Duration = Duration::from_millis(20);

/// Something happened.
#[derive(Debug)]
pub enum Event {
    /// The checker has published another view.
    Health(Arc<HealthView>),
    /// A peer has sent its state.
    Peer(PeerEvent),
    /// Every peer has been asked, or tried, since this time, and what they said has been taken in.
    PeersAsked(Duration),
    /// A proxy has told its challenges.
    Told(Telling),
    /// Something happened that is of orders of certificates.
    Acme(steps::Event),
    /// The process before this one has handed over what is on no disk yet, or on none at all.
    Inherited(Box<Saved>),
    /// Something has come of a zone from another nameserver.
    Secondary(SecondaryNews),
    /// A catalog has been made.
    Catalog(CatalogNews),
    /// Zones have been signed anew.
    Signed(SignedZones),
    /// What pools may be answered with next has been signed.
    SignedAhead(Box<SignedAhead>),
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
    /// What goes to the receiver of dnstap has changed ([`State::recorded`]).
    Record,
    /// Something is to be done for a zone from another nameserver.
    Secondary(SecondaryTask),
    /// A catalog is to be made and stored; answered with [`Event::Catalog`].
    Catalog(Box<CatalogOrder>),
    /// Zones are to be signed anew; answered with [`Event::Signed`].
    Sign(SigningOrder),
    /// What pools may be answered with next is to be signed; answered with [`Event::SignedAhead`].
    SignAhead(Box<AheadOrder>),
    /// Something to be done that is of orders of certificates.
    Acme(steps::Effect),
    /// These are to be probed now: something waits for what comes of it.
    Probe(Vec<Target>),
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
    /// The zones that come from other nameservers, by apex.
    pub(super) secondaries: BTreeMap<String, Secondary>,
    /// How many questions primaries were asked: each has its number.
    pub(super) questions: u64,
    /// Those of them that are catalogs, by apex.
    pub(super) consumed: BTreeMap<String, Consumed>,
    /// The catalogs that are made here, by apex.
    pub(super) catalogs: BTreeMap<String, Catalog>,
    /// The zones that are served: the document's, and of other nameservers' those that are there.
    pub(super) zones: Arc<Zones>,
    /// For which hour everything is signed, in seconds since the epoch.
    signed_for: u64,
    /// For which it is being signed.
    signing_for: Option<u64>,
    /// What was signed for pools.
    pub(super) signed_pools: pools::Signed,
    aheads: Aheads,
    /// They are to be put together anew.
    have_zones_changed: bool,
    /// When they were put together last.
    put_together: Option<Duration>,
    /// Who gets which of them.
    transfers: Arc<Transfers>,
    /// What catalogs list has changed, or how it is served.
    have_members_changed: bool,
    /// A catalog has listed a zone since the start.
    had_members: bool,
    /// What an operator has said of dnstap.
    pub(super) dnstap: Option<DnstapNote>,
    /// The certificates that are ordered.
    pub(super) orders: Orders,
    /// When the peers were asked.
    asked: PeersAsked,
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
    /// By pool, the last addresses that were answered because somebody's checks found their members up: what `when_all_down: last` means.
    last_up: BTreeMap<String, Vec<IpAddr>>,
    /// Tells when the time of an operator's word is over.
    operator_ends: Ends,
    /// This machine has IPv6 of its own, by which checks of AAAA can be judged.
    pub(super) has_ipv6: bool,
    /// Members whose checks have just found them down, by pool and family.
    falling: BTreeMap<(String, Family), Falling>,
    /// Of each pool that nobody sees a member of up.
    outages: BTreeMap<String, Outages>,
    /// What our checks say, as peers are told.
    opinions: OwnOpinions,
    /// What peers say of theirs.
    pub(super) peers: BTreeMap<String, PeerState>,
    /// Pools of which this nameserver alone finds every member down.
    pub(super) isolation: Isolation,
    /// What was sent to peers last.
    announced: PeerMessage,
}

impl State {
    /// Begins with what an earlier process knew. Nothing is answered before [`Event::Ready`].
    pub fn new(document: Arc<Prepared>, saved: Saved) -> State {
        let snapshot = Snapshot { generation: saved.health.generation, ..Snapshot::default() };
        let (zones, transfers) = (Arc::clone(&document.zones), Arc::clone(&document.transfers));
        let orders = Orders::new(ordered::terms(&document.config), Known::default());
        let mut state = State {
            signed_for: hour_of(document.signed_at),
            signing_for: None,
            signed_pools: pools::Signed::default(),
            aheads: Aheads::default(),
            document,
            secondaries: BTreeMap::new(),
            questions: 0,
            consumed: BTreeMap::new(),
            catalogs: BTreeMap::new(),
            zones,
            have_zones_changed: false,
            put_together: None,
            transfers,
            have_members_changed: false,
            had_members: false,
            health: Arc::new(saved.health.health),
            operator: saved.operator,
            operator_file: OperatorFile::new(saved.operator_lost),
            proposals: Proposals::default(),
            rejected: BTreeMap::new(),
            dnstap: None,
            orders,
            asked: PeersAsked::default(),
            challenges: Challenges::default(),
            challenge_answers: None,
            choices: BTreeMap::new(),
            snapshot: Arc::new(snapshot),
            ready: false,
            draining: false,
            judged: None,
            last_up: saved.health.last_up,
            outages: saved.health.outages,
            has_ipv6: true,
            operator_ends: Ends::default(),
            falling: BTreeMap::new(),
            opinions: OwnOpinions::default(),
            peers: BTreeMap::new(),
            isolation: Isolation::default(),
            announced: PeerMessage::default(),
        };
        state.take_prepared();
        state
    }

    /// Takes in whether this machine has IPv6 of its own, which the next event judges by. What is said of it, if that is news.
    pub fn note_own_ipv6(&mut self, is_there: bool) -> Option<LogLine> {
        if std::mem::replace(&mut self.has_ipv6, is_there) == is_there {
            return None;
        }
        self.opinions.note_news();
        Some(LogLine::info(Kind::Daemon, lines::own_ipv6(is_there)))
    }

    /// Begins with the zones that come from no file, which may be stored.
    pub fn begin_secondaries(&mut self, now: Now) -> Vec<Effect> {
        self.reload_secondaries(now)
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
        if let Event::Peer(message) = &event {
            self.orders.note_heard(&message.peer, now);
        }
        match event {
            Event::Health(health) => {
                self.health = health;
                self.opinions.note_news();
            }
            Event::Peer(message) => effects.extend(self.on_peer(message, now)),
            Event::PeersAsked(asked) => self.asked.note(asked, now),
            Event::Acme(event) => effects.extend(self.orders.on_event(event, now).into_iter().map(Effect::Acme)),
            Event::Told(telling) => return self.on_told(telling, now),
            Event::Secondary(news) => effects.extend(self.on_secondary(news, now)),
            Event::Catalog(news) => effects.extend(self.take_catalog(news)),
            Event::Signed(zones) => self.take_signed(zones),
            Event::SignedAhead(made) => self.take_ahead(*made),
            Event::Inherited(handed) => {
                let Saved { operator: states, challenges, acme, dnstap, .. } = *handed;
                self.inherit_dnstap(dnstap);
                self.challenges.inherit(challenges, self.document.challenges_and_zones(), now.running);
                let refused = self.orders.inherit(&acme, now).into_iter();
                effects.extend(refused.map(|why| Effect::Log(lines::not_taken_over(&why))));
                self.operator.merge(&states, now.unix_ms);
                // The process before this one may have had no time to write them.
                self.operator_file.changed();
            }
            Event::OperatorWritten(ended) => self.operator_file.written(ended, now),
            Event::Reloaded(document) => {
                self.last_up.retain(|pool, _| document.config.pools.contains_key(pool));
                let members = document.config.peers.as_ref().map(|peers| &peers.members);
                let is_member = |peer: &String| members.is_some_and(|members| members.contains_key(peer));
                self.rejected.retain(|peer, _| is_member(peer));
                self.peers.retain(|peer, _| is_member(peer));
                self.document = document;
                self.reload_signing();
                let dnstap = self.dnstap.take();
                self.inherit_dnstap(dnstap);
                // Pools have other numbers in it: its zones and no earlier ones go with them.
                (self.put_together, self.have_zones_changed) = (None, true);
                let (config, zones) = self.document.challenges_and_zones();
                self.challenges.reload(config, zones);
                self.proposals.keep_peers(&self.peer_names());
                effects.extend(self.reload_orders(now));
                effects.extend(self.reload_secondaries(now));
            }
            Event::Ready => self.become_ready(now),
            Event::Draining => {
                self.draining = true;
                self.operator_file.try_at_once();
                effects.extend(self.orders.cancel().into_iter().map(Effect::Acme));
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
            .chain(self.opinions.wakes(now.running))
            .chain(self.opinions_lapse(now))
            .chain(self.keeping_ends(now))
            .chain(self.zones_wake())
            .chain(self.signing_wakes(now))
            .chain(self.ahead_wakes())
            .chain(self.secondaries_wake().filter(|_| self.ready && !self.draining))
            .chain((!self.falling.is_empty()).then(|| now.next_tick(LOOKS_AT_FALLING)))
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
        effects.extend(self.operator_ends.look(&self.operator, now.unix_ms).into_iter().map(Effect::Log));
        if self.ready && !self.draining {
            effects.extend(self.look_at_secondaries(now));
            effects.extend(self.look_at_catalogs(now));
        }
        effects.extend(self.look_at_signatures(now));
        self.put_zones_together(now.running);
        let of_orders = self.step_orders(now);
        self.refresh_challenges(now);
        self.renew_opinions(now);
        if self.ready {
            effects.extend(self.rebuild(now));
            effects.extend(self.judge_isolation(now));
            effects.extend(self.look_ahead(now));
        }
        // After the snapshot that answers the CA.
        effects.extend(of_orders);
        if self.operator_file.begin_if_due(now) {
            effects.push(Effect::WriteOperator(self.operator_to_save()));
        }
        let message = self.peer_message();
        if self.announced != message {
            self.announced = message;
            effects.push(Effect::TellPeers(self.to_tell()));
        }
        effects
    }
}

#[cfg(test)]
mod tests;
