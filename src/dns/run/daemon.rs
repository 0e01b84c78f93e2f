//! The nameserver as a daemon: its state, the threads that answer, and what effects come to.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::Value;

use super::catalogs::Catalogs;
use super::challenge_listener::ChallengeListener;
use super::dnstap_log::DnstapLog;
use super::notifier::Notifier;
use super::own_ipv6;
use super::rate_limit_log::RateLimitLog;
use super::secondaries::Secondaries;
use super::signing;
use crate::acme::desired;
use crate::acme::hands::Hands;
use crate::acme::steps;
use crate::daemon::admin::{AdminReply, AdminRequest};
use crate::daemon::clock::Now;
use crate::daemon::lifecycle::question::{Question, Transport};
use crate::daemon::lifecycle::{self, Daemon, Figures, Input, Inputs, Obeyed, Persistence, RunError};
use crate::daemon::looks::{Look, Looks};
use crate::daemon::sockets::{BindError, Sockets};
use crate::daemon::trends::Reading;
use crate::dns::control::prepared::Prepared;
use crate::dns::control::{Change, Effect, Event, HealthFile, SecondaryTask, State};
use crate::dns::dnstap::Dnstap;
use crate::dns::journal::Journals;
use crate::dns::listening::{Bound, Listening};
use crate::dns::report::page;
use crate::dns::snapshot::Snapshot;
use crate::dns::zone_copies::ZoneCopies;
use crate::health::HealthView;
use crate::health::saved::{MoreToSave, ToSave};
use crate::log_line::LogLine;
use crate::tls::client::Connector;

/// A query for the root's nameservers (RFC 1035, 4.1): REFUSED is an answer too.
const ROOT_NS: &[u8] = &[0x70, 0x64, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1];

/// How often is looked at what checks go by: the files of those over TLS, and IPv6 of this machine's own.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What cannot be done when the machine gives no more threads.
pub(super) const NO_THREAD: &str = "no thread can be started";

/// The nameserver's part of the control thread.
pub struct DnsDaemon {
    pub(super) state: State,
    pub(super) snapshot: Arc<ArcSwap<Snapshot>>,
    pub(super) listening: Listening,
    pub(super) dnstap: Dnstap,
    pub(super) dnstap_log: DnstapLog,
    pub(super) challenges: ChallengeListener,
    pub(super) notifier: Notifier,
    pub(super) catalogs: Catalogs,
    pub(super) secondaries: Secondaries,
    pub(super) rate_limit_log: RateLimitLog,
    pub(super) zone_copies: ZoneCopies,
    pub(super) journals: Journals,
    /// The hands of what orders certificates.
    pub(super) acme: Hands,
    pub(super) looks: Arc<Looks>,
    /// When that was looked at last, since the process began.
    pub(super) looked: Option<Duration>,
}

/// A look at the files that checks over TLS go by.
fn look(connector: &Arc<Connector>) -> Look {
    let own = Arc::clone(connector);
    Look::at(connector.files(), move || match own.refresh() {
        None => {}
        Some(Ok(())) => tracing::info!("what checks over TLS go by ({own}) has been read again, and is in force"),
        Some(Err(error)) => tracing::error!("what checks over TLS go by ({own}) has changed and is not used: {error}"),
    })
}

impl From<lifecycle::Event<Prepared>> for Event {
    fn from(event: lifecycle::Event<Prepared>) -> Event {
        match event {
            lifecycle::Event::Health(health) => Event::Health(health),
            lifecycle::Event::Peer(message) => Event::Peer(message),
            lifecycle::Event::OperatorWritten(ended) => Event::OperatorWritten(ended),
            lifecycle::Event::Reloaded(prepared) => Event::Reloaded(prepared),
            lifecycle::Event::Draining => Event::Draining,
            lifecycle::Event::PeersAsked(asked) => Event::PeersAsked(asked),
            lifecycle::Event::Time => Event::Time,
        }
    }
}

impl Daemon for DnsDaemon {
    const PROGRAM: &'static str = "polder-dns";

    type Document = Prepared;
    type Event = Event;
    type Effect = Effect;
    type Change = Change;
    type Bound = Bound;
    type SavedHealth = HealthFile<ToSave, MoreToSave>;

    fn document(&self) -> &Arc<Prepared> {
        self.state.document()
    }

    fn health(&self) -> &HealthView {
        self.state.health()
    }

    fn on_event(&mut self, event: Event, now: Now) -> Vec<Effect> {
        self.state.on_event(event, now)
    }

    fn perform(
        &mut self,
        effect: Effect,
        is_daemon: bool,
        inputs: &Inputs<Prepared, Event>,
    ) -> Option<lifecycle::Effect> {
        match effect {
            Effect::Publish(snapshot) => {
                if is_daemon {
                    self.notifier.published(self.state.document(), self.state.all_zones(), &snapshot);
                    if !Arc::ptr_eq(&snapshot.zones, &self.snapshot.load().zones) {
                        self.journals.write(Arc::clone(&snapshot.zones));
                    }
                }
                self.snapshot.store(snapshot);
                None
            }
            Effect::Record => {
                if let Err(why) = self.record() {
                    tracing::error!("dnstap is not on: {NO_THREAD}: {why}; it is tried again every few seconds");
                }
                None
            }
            Effect::Secondary(task) => {
                self.secondaries.perform(task, self.state.document(), is_daemon);
                None
            }
            Effect::Catalog(order) => {
                self.catalogs.order(*order, self.state.document(), is_daemon);
                None
            }
            Effect::Sign(order) => {
                signing::order(order, inputs);
                None
            }
            Effect::SignAhead(order) => {
                signing::order_ahead(*order, inputs);
                None
            }
            Effect::WriteOperator(value) => Some(lifecycle::Effect::WriteOperator(value)),
            Effect::TellPeers(value) => Some(lifecycle::Effect::TellPeers(value)),
            Effect::AnswerProxy(to, answer) => {
                // It may have gone; it asks again.
                let _ = to.send(answer);
                None
            }
            Effect::Acme(steps::Effect::Log(line)) => Some(lifecycle::Effect::Log(line)),
            Effect::Acme(effect) => {
                self.order(effect, is_daemon, inputs);
                None
            }
            Effect::Probe(targets) => Some(lifecycle::Effect::Probe(targets)),
            Effect::Log(line) => Some(lifecycle::Effect::Log(line)),
        }
    }

    fn wakes(&self, now: Now) -> Option<Duration> {
        self.state.wakes(now)
    }

    fn persistence(&self, change: &Change, now: Now) -> Persistence {
        self.state.persistence(*change, now)
    }

    fn summary(&self) -> String {
        self.state.summary()
    }

    fn generation(&self) -> u64 {
        self.state.generation()
    }

    fn health_to_save(&self, now: Now) -> Self::SavedHealth {
        self.state.health_to_save(now)
    }

    fn to_hand_over(&self, now: Now) -> Value {
        self.state.to_hand_over(now)
    }

    fn bind(&self, prepared: &Prepared, sockets: &mut Sockets) -> Result<Bound, BindError> {
        Bound::bind(&prepared.config, sockets)
    }

    fn serve(&mut self, mut bound: Bound, prepared: &Prepared) -> Result<Vec<String>, RunError> {
        let recorded = self.state.recorded(&prepared.config);
        if recorded.is_some() {
            // Before anything has changed: without it nothing of the document is put in force.
            self.dnstap.start().map_err(RunError::io(NO_THREAD))?;
        }
        self.challenges.bound(bound.challenges.take());
        self.listening.serve(prepared, bound).map_err(RunError::io(NO_THREAD))?;
        self.listening.protect(prepared.protection.or_keep(&self.listening.protection()));
        self.dnstap.want(recorded).map_err(RunError::io(NO_THREAD))?;
        Ok(Vec::new())
    }

    fn accept(&mut self, is_daemon: bool) {
        let document = self.state.document();
        if is_daemon {
            self.listening.alone();
            self.notifier.published(document, self.state.all_zones(), &self.state.snapshot());
            self.challenges.serve(document);
            self.zone_copies.write(Arc::clone(&document.zones), document.impaired.keys().cloned().collect());
            self.journals.write(Arc::clone(self.state.zones()));
            let stored = self.state.are_catalogs_read().then(|| self.state.stored_zones());
            self.secondaries.serve(document, stored);
            self.catalogs.serve(document);
        }
    }

    fn questions(&self) -> Vec<Question> {
        let addresses = || self.listening.addresses();
        let udp = |address| Question { address, transport: Transport::Udp, message: ROOT_NS.into() };
        let framed: Vec<u8> = [&(ROOT_NS.len() as u16).to_be_bytes()[..], ROOT_NS].concat();
        let tcp = |address| Question { address, transport: Transport::Tcp, message: framed.clone() };
        addresses().map(udp).chain(addresses().map(tcp)).collect()
    }

    fn silent_threads(&self) -> Vec<String> {
        self.listening.silent_threads()
    }

    fn is_of_serving(effect: &Effect) -> bool {
        match effect {
            // What is stored is answered from the first moment on, and so is read before it.
            Effect::Secondary(task) => matches!(task, SecondaryTask::Read(..)),
            other => matches!(other, Effect::Publish(_) | Effect::AnswerProxy(..) | Effect::Probe(_) | Effect::Log(..)),
        }
    }

    fn drain(&mut self, limit: Duration) {
        self.challenges.stop();
        self.notifier.stop();
        self.secondaries.stop();
        self.catalogs.stop();
        self.listening.drain(limit);
    }

    fn has_drained(&self) -> bool {
        // Nobody records any more, and the receiver has a moment for what is left.
        self.listening.ended() && {
            self.dnstap.end();
            self.dnstap.has_ended()
        }
    }

    fn poll(&mut self, now: Now) {
        self.dnstap_log.look(self.dnstap_dropped(), now.running);
        self.rate_limit_log.look(self.listening.counters().map(|(_, counters)| counters), now.running);
        if self.looked.is_none_or(|looked| now.running.saturating_sub(looked) >= LOOK_EVERY) {
            self.looked = Some(now.running);
            let document = self.state.document();
            let shown = document.encrypted.iter().flat_map(|terms| terms.shown.looks());
            self.looks.take(document.connectors.iter().map(look).chain(shown).collect());
            self.looks.tell();
            self.state.note_own_ipv6(own_ipv6::is_there()).iter().for_each(LogLine::write);
            if self.dnstap.is_missing() && self.record().is_ok() {
                tracing::info!("dnstap is on after all");
            }
        }
    }

    fn readings(&self) -> Vec<(String, Reading)> {
        page::readings(self.queries(), &self.state)
    }

    fn show(&self, request: &AdminRequest, figures: Figures, now: Now) -> Option<AdminReply> {
        self.answer(request, figures, now)
    }

    fn command(&mut self, request: &AdminRequest, now: Now) -> Option<Result<Obeyed<Effect, Change>, AdminReply>> {
        self.obey(request, now)
    }
}

impl DnsDaemon {
    /// Has recorded what the document and the operator want.
    fn record(&mut self) -> io::Result<()> {
        self.dnstap.want(self.state.recorded(&self.state.document().config))
    }

    /// Does what an order of a certificate needs; not while another process is taking over.
    fn order(&mut self, effect: steps::Effect, is_daemon: bool, inputs: &Inputs<Prepared, Event>) {
        let inputs = inputs.clone();
        let report = move |event| {
            inputs.send(Input::Event(Event::Acme(event)));
        };
        if !is_daemon {
            return self.acme.refuse(effect, report);
        }
        let document = self.state.document();
        let shown = document.encrypted.as_ref().map(|terms| Arc::clone(&terms.shown));
        let take_renewed = move || shown.iter().for_each(|shown| shown.take_renewed());
        self.acme.perform(effect, desired::folder(&document.config.state_dir), take_renewed, report);
    }
}
