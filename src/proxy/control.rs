//! Every decision of the control thread (pure): events in, effects out.
//!
//! Owns the state that requests do not change: document, health, operator states, latches, and the snapshot built from
//! them. Must never: touch a socket, a file or a clock; `run` does that, calls [`State::on_event`] and the
//! operator's commands, and carries out the [`Effect`]s in their order.

mod alarms;
pub mod build;
mod by_agreement;
mod by_health;
mod by_operator;
mod by_peers;
pub mod followed;
pub mod isolation;
mod lines;
mod opinions;
mod outlook;
pub mod peer_state;
pub mod prepared;
mod summary;
mod wishes;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::acme::orders::Orders;
use crate::acme::steps::{self, Circumstances, Known};
use crate::api::proxy::Status;
use crate::daemon::lifecycle::{self, OperatorFile};
use crate::daemon::operator::OperatorStates;
use crate::daemon::operator::events::Ends;
use crate::daemon::operator::proposals::Proposals;
use crate::daemon::own_opinions::OwnOpinions;
use crate::daemon::peers::{PeerEvent, RECENT};
use crate::health::{HealthView, Proof, Verdict};
use crate::log_line::LogLine;
use crate::proxy::agreement::{self, Agreement, Predecessor};
use crate::proxy::latch::Now;
use crate::proxy::latch::latches::{Latches, Record, WriteOutcome};
use crate::proxy::ordered;
use crate::proxy::snapshot::{Service, Snapshot};
use build::{SnapshotInput, answers_alike, build};
pub use by_operator::{Accepted, Change};
use isolation::Isolation;
pub use peer_state::VERSION;
use peer_state::{PeerMessage, PeerState};
use prepared::{Prepared, PreparedBackend, PreparedService};
use wishes::Shown;

/// How often a step that waits for running requests to end is looked at.
const HANDING_OVER: Duration = Duration::from_millis(50);

/// Something happened.
#[derive(Debug)]
pub enum Event {
    /// The checker has another view.
    Health(Arc<HealthView>),
    /// A peer has sent its latches and operator states.
    PeerMessage(PeerEvent),
    /// Every peer has been asked, or tried, since this time, and what they said has been taken in.
    PeersAsked(Duration),
    /// The process before this one has handed over its latches and operator states.
    Inherited(Value),
    /// A write of the latches has ended.
    LatchesWritten {
        /// Which.
        ticket: u64,
        /// How.
        ended: WriteOutcome,
    },
    /// A write of the operator states has ended.
    OperatorWritten(io::Result<()>),
    /// Something happened to the store by which the proxies agree.
    Agreement(agreement::Event),
    /// Something happened that is of orders of certificates.
    Acme(steps::Event),
    /// Another document is in force.
    Reloaded(Arc<Prepared>),
    /// The daemon stops or has handed over: not ready, `Connection: close`.
    Draining(bool),
    /// The daemon that took over from this process has shown its status.
    Followed(Box<Status>),
    /// It does not show it.
    Unfollowed,
    /// The moment that [`State::wakes`] gave has come.
    Time,
}

/// Something to be done.
#[derive(Debug)]
pub enum Effect {
    /// Requests are answered from this one.
    Publish(Arc<Snapshot>),
    /// To be written; answered with [`Event::LatchesWritten`].
    WriteLatches {
        /// To be named in the answer.
        ticket: u64,
        /// What is written.
        record: Record,
    },
    /// To be written; answered with [`Event::OperatorWritten`].
    WriteOperator(Value),
    /// What peers are sent from now on.
    SendToPeers(Value),
    /// Something to be done for the agreement of the proxies; answered with [`Event::Agreement`].
    Agreement(agreement::Effect),
    /// Something to be done that is of orders of certificates.
    Acme(steps::Effect),
    /// One line for the log.
    Log(LogLine),
}

/// Everything that control decides by.
pub struct State {
    pub(super) own: String,
    pub(super) prepared: Arc<Prepared>,
    pub(super) health: Arc<HealthView>,
    pub(super) operator: OperatorStates,
    pub(super) latches: Latches,
    /// Why one slot of the stored latches could not be believed at the start; for the operator.
    damaged: Option<String>,
    pub(super) peers: BTreeMap<String, PeerState>,
    /// The certificates that are ordered.
    pub(super) orders: Orders,
    pub(super) snapshot: Arc<Snapshot>,
    operator_file: OperatorFile,
    /// Tells when the time of an operator's word is over.
    operator_ends: Ends,
    /// Commands that wait for the peers.
    proposals: Proposals<lifecycle::Change>,
    /// What peers were told last.
    told: Option<PeerMessage>,
    /// That the peers were asked lately.
    heard: Proof,
    /// What our checks say, as peers are told.
    opinions: OwnOpinions,
    /// What this proxy alone cannot reach.
    isolation: Isolation,
    /// By what the proxies agree on latches, where they do by a store.
    agreement: Option<Agreement>,
    /// The snapshots that first showed what is in force.
    shown: BTreeMap<String, Shown>,
    draining: bool,
    workers: usize,
}

/// What is known at the start.
pub struct InitialState {
    /// What checks say.
    pub health: Arc<HealthView>,
    /// The operator states on disk.
    pub operator: OperatorStates,
    /// Why those on disk cannot be read, if they cannot; for the operator.
    pub operator_lost: Option<String>,
    /// The latches on disk; doubted, where peers may know more.
    pub latches: Latches,
    /// Why one of their slots could not be believed.
    pub damaged: Option<String>,
    /// What was known of health before this process checked anything, saved or handed over: an active backend that was
    /// not up then gets its grace.
    pub remembered: HealthView,
    /// The certificates on disk, and what failed.
    pub acme: Known,
    /// The process that has handed over; none: nobody hands over.
    pub predecessor: Option<Predecessor>,
    /// Messages of peers and of the process before this one: they count before anything is decided here, or a proxy that
    /// comes back with an old latch could outvote a later one of the same epoch.
    pub words: Vec<Event>,
}

impl State {
    /// The state at the start. The first snapshot is in [`State::snapshot`]; the effects are to be carried out as always.
    pub fn new(prepared: Arc<Prepared>, known: InitialState, workers: usize, now: Now) -> (State, Vec<Effect>) {
        let mut state = State {
            own: prepared.document.name.clone(),
            latches: known.latches,
            damaged: known.damaged,
            health: known.health,
            operator: known.operator,
            peers: BTreeMap::new(),
            orders: Orders::new(ordered::terms(&prepared.document), known.acme),
            operator_file: OperatorFile::new(known.operator_lost),
            operator_ends: Ends::default(),
            proposals: Proposals::default(),
            told: None,
            heard: Proof::default(),
            opinions: OwnOpinions::default(),
            isolation: Isolation::default(),
            agreement: None,
            shown: BTreeMap::new(),
            draining: false,
            snapshot: Arc::new(Snapshot::nothing(&prepared)),
            prepared,
            workers,
        };
        let up = |_: &PreparedService, backend: &PreparedBackend| {
            let known = known.remembered.get(&backend.target);
            known.is_some_and(|known| known.lasting().verdict == Verdict::Up && !known.hearsay)
        };
        state.latches.cover(&state.prepared, up, now);
        state.heard = state.heard_at(now);
        let mut effects: Vec<Effect> = known.words.into_iter().flat_map(|event| state.take_in(event, now)).collect();
        state.start_agreement(known.predecessor, now);
        effects.extend(state.settle(now));
        (state, effects)
    }

    /// The present snapshot.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// What is sent to peers.
    pub fn for_peers(&self, now: Now) -> PeerMessage {
        let message = PeerMessage::new(&self.prepared, &self.latches, &self.operator, self.proposals.to_peers());
        let fit = self.snapshot.ready && self.isolation.is_nothing() && !self.is_kept_out(now);
        // Whoever is about to end keeps nobody from moving.
        let opinions = if self.draining { Arc::default() } else { self.opinions.told() };
        message.with_acme(self.orders.message(self.snapshot.ready)).with_opinions(opinions, fit)
    }

    /// What a successor is handed: all of it, with the steps under way as if they had ended.
    pub fn to_hand_over(&self) -> Value {
        let Record { latches, undecided, doubtful, .. } = self.latches.upcoming();
        let undecided: BTreeMap<&String, _> =
            undecided.iter().map(|service| (service, doubtful.get(service))).collect();
        let mut words =
            json!({ "version": VERSION, "latches": latches, "undecided": undecided, "operator": self.operator });
        // An order that is under way ends with this process; its successor, or a peer, begins anew.
        let acme = json!(self.orders.message(self.snapshot.ready));
        words.as_object_mut().into_iter().for_each(|words| words.extend(acme.as_object().cloned().unwrap_or_default()));
        words
    }

    /// Whether a latch or a certificate waits for its write: a start is not ready before it has ended.
    pub fn is_writing(&self) -> bool {
        let is_writing_latches = self
            .prepared
            .services
            .iter()
            .filter_map(|service| self.latches.get(&service.name))
            .any(|keeper| keeper.proposed().is_some());
        let is_agreeing = self.agreement.as_ref().is_some_and(Agreement::is_settling);
        is_writing_latches || is_agreeing || self.orders.is_writing()
    }

    /// Takes an event in, and gives all that follows.
    pub fn on_event(&mut self, event: Event, now: Now) -> Vec<Effect> {
        if let Event::PeerMessage(message) = &event {
            self.orders.note_heard(&message.peer, now);
        }
        let is_told_anew = self.renew_opinions(now);
        // That a peer still sees what is down here is news in itself.
        let is_at_rest = !is_told_anew && !self.isolation.cuts_off();
        let event = match event {
            Event::Followed(daemon) => return self.follow(&daemon, now),
            Event::Unfollowed => return self.publish_if_changed(now),
            // What is known counts on. Nothing else follows, while another process may be about to decide.
            Event::PeersAsked(asked) if !self.heard.renew(asked, now.running) => return Vec::new(),
            Event::Agreement(event) if self.agreement.as_mut().is_some_and(|known| known.is_routine(&event, now)) => {
                return Vec::new();
            }
            Event::PeerMessage(message) if self.is_old_news(&message, now) && is_at_rest => return Vec::new(),
            event => event,
        };
        let mut effects = self.take_in(event, now);
        effects.extend(self.settle(now));
        effects
    }

    fn take_in(&mut self, event: Event, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Health(health) => {
                self.health = health;
                self.opinions.note_news();
            }
            Event::PeerMessage(message) => self.take_in_message(message, now, &mut effects),
            Event::Inherited(value) => self.take_over(&value, now, &mut effects),
            Event::LatchesWritten { ticket, ended } => {
                let moved = self.latches.written(ticket, ended, now);
                effects.extend(moved.iter().map(|moved| Effect::Log(lines::moved(moved))));
            }
            Event::OperatorWritten(ended) => self.operator_file.written(ended, now),
            Event::Agreement(event) => effects.extend(self.take_in_agreement(event, now)),
            Event::Acme(event) => effects.extend(self.orders.on_event(event, now).into_iter().map(Effect::Acme)),
            Event::Reloaded(prepared) => {
                let (before, health) = (&self.prepared, &self.health);
                let settled = |service: &PreparedService, backend: &PreparedBackend| {
                    was_checked(before, &service.name, backend) || keeps_its_verdict(health, backend)
                };
                self.latches.cover(&prepared, settled, now);
                prepared.follow(&self.prepared);
                self.prepared = prepared;
                self.heard = self.heard_at(now);
                let peers = self.peer_names();
                self.proposals.keep_peers(&peers);
                self.orders.keep_peers(|peer| peers.iter().any(|name| name == peer));
                let ended = self.orders.reload(ordered::terms(&self.prepared.document));
                effects.extend(ended.into_iter().map(Effect::Acme));
                self.adopt_unknown_latches(now);
                self.reload_agreement(now);
                effects.extend(self.judge_isolation(now));
                effects.extend(self.step_latches(now));
                effects.push(self.publish(self.build(now)));
            }
            Event::Draining(draining) => {
                self.draining = draining;
                self.operator_file.try_at_once();
                effects.extend(self.orders.cancel().into_iter().map(Effect::Acme));
            }
            // That the peers were asked is taken in by `on_event`.
            Event::Followed(_) | Event::Unfollowed | Event::PeersAsked(_) | Event::Time => {}
        }
        effects
    }

    /// The proof that the peers were asked now; one that never lapses, if there are none.
    fn heard_at(&self, now: Now) -> Proof {
        if self.peer_names().is_empty() { Proof::default() } else { Proof::new(now.running, RECENT) }
    }

    /// The next moment at which [`Event::Time`] has something to do.
    pub fn wakes(&self, now: Now) -> Option<Duration> {
        let expiry = self.operator.next_expiry(now.unix_ms);
        let expiry = expiry.map(|at| now.running + Duration::from_millis(at.saturating_sub(now.unix_ms) + 1));
        let handing = self.latches.is_handing_over().then(|| now.next_tick(HANDING_OVER));
        self.latches
            .wakes(now)
            .into_iter()
            .chain(expiry)
            .chain(self.operator_file.wakes())
            .chain(self.proposals.wakes())
            .chain(handing)
            .chain(self.isolation_wakes(now))
            .chain(self.agreement_wakes(now))
            .min()
    }

    /// After a takeover: the new daemon alone checks, talks to peers and decides; requests that still run in this process
    /// follow its status. Nothing is decided, written or sent here any more.
    pub fn follow(&mut self, daemon: &Status, now: Now) -> Vec<Effect> {
        self.heard = Proof::default();
        self.health = Arc::new(followed::health(&self.prepared, daemon));
        self.operator = followed::operator(daemon);
        for service in &daemon.services {
            if let Some(latch) = &service.latch {
                self.latches
                    .follow(&service.name, followed::latch(latch, service, self.prepared.service(&service.name)));
            }
        }
        self.publish_if_changed(now)
    }

    /// What has run out by the clock counts no more, though nothing else is decided here.
    fn publish_if_changed(&mut self, now: Now) -> Vec<Effect> {
        let next = self.build(now);
        if answers_alike(&self.snapshot, &next) { Vec::new() } else { vec![self.publish(next)] }
    }

    /// What follows from the state as it is now.
    fn settle(&mut self, now: Now) -> Vec<Effect> {
        self.renew_opinions(now);
        let mut effects = self.decide_proposals(now);
        effects.extend(self.operator_ends.look(&self.operator, now.unix_ms).into_iter().map(Effect::Log));
        self.decide_doubts();
        self.adopt_agreed();
        self.stand(now);
        effects.extend(self.judge_isolation(now));
        effects.extend(self.step_latches(now));
        if let Some((ticket, record)) = self.latches.to_write(now) {
            effects.push(Effect::WriteLatches { ticket, record });
        }
        let at = Circumstances {
            ready: self.snapshot.ready,
            draining: self.draining,
            knows_peers: self.heard.holds(now.running),
        };
        let of_orders = self.orders.step(at, now);
        let next = self.build(now);
        if self.snapshot.generation == 0 || !answers_alike(&self.snapshot, &next) {
            effects.push(self.publish(next));
        }
        // After the snapshot that answers the CA.
        effects.extend(of_orders.into_iter().map(Effect::Acme));
        effects.extend(self.settle_agreement(now));
        if self.operator_file.begin_if_due(now) {
            effects.push(Effect::WriteOperator(json!({ "version": VERSION, "operator": self.operator })));
        }
        self.peers.values_mut().for_each(|peer| peer.compare(&self.latches, now));
        let message = self.for_peers(now);
        if self.told.as_ref() != Some(&message) {
            effects.push(Effect::SendToPeers(json!(message)));
            self.told = Some(message);
        }
        effects
    }

    fn build(&self, now: Now) -> Snapshot {
        let circumstances = SnapshotInput {
            own: &self.own,
            health: &self.health,
            operator: &self.operator,
            latch: &|service| self.latches.get(service),
            now,
            draining: self.draining,
            peers: &self.heard,
            isolation: &self.isolation,
            agreement: self.agreement.as_ref(),
            challenges: self.orders.challenges(now),
            workers: self.workers,
        };
        build(&self.prepared, &circumstances, Some(&self.snapshot))
    }

    fn publish(&mut self, next: Snapshot) -> Effect {
        self.snapshot = Arc::new(next);
        Effect::Publish(self.snapshot.clone())
    }

    /// Whether anything that should be on disk is not.
    pub fn is_unwritten(&self) -> bool {
        self.latches.failure().is_some() || self.operator_file.has_failed()
    }
}

/// Whether a backend was checked in the same way for the same service of a document.
fn was_checked(document: &Prepared, service: &str, backend: &PreparedBackend) -> bool {
    let service = document.service(service);
    service.is_some_and(|service| service.backends.iter().any(|one| one.target == backend.target))
}

/// Whether a backend's check was changed, so that it has the verdict of the one before.
fn keeps_its_verdict(health: &HealthView, backend: &PreparedBackend) -> bool {
    let before = health.get(&backend.target).and_then(|health| health.before.as_ref());
    before.is_some_and(|before| before.health.verdict != Verdict::Unchecked)
}

fn is_latched(service: &Service) -> bool {
    matches!(service.mode, crate::proxy::snapshot::ServiceMode::Latched { .. })
}

#[cfg(test)]
mod tests;
