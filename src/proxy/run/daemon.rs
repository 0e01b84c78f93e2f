//! The proxy as a daemon: its state, its workers, and what their effects come to.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::acme::Acme;
use super::agreement::Link;
use super::handed;
use super::members::Members;
use super::network::Network;
use crate::acme::steps;
use crate::api::client::Client;
use crate::daemon::admin::{AdminReply, AdminRequest};
use crate::daemon::clock::{Now, boot_id};
use crate::daemon::lifecycle::question::{Question, Transport, within_reach};
use crate::daemon::lifecycle::{self, Daemon, Figures, Input, Inputs, Obeyed, Persistence, RunError};
use crate::daemon::looks::Looks;
use crate::daemon::sockets::{BindError, Sockets};
use crate::daemon::trends::Reading;
use crate::health::HealthView;
use crate::health::saved::FileToSave;
use crate::proxy::agreement;
use crate::proxy::control::prepared::Prepared;
use crate::proxy::control::{Change, Effect, Event, State};
use crate::proxy::latch::store::LatchStore;
use crate::proxy::report::page;
use crate::proxy::traffic::counters::WorkerCounters;
use crate::proxy::traffic::door::Door;
use crate::proxy::traffic::shared::Shared;
use crate::proxy::traffic::worker::{Command, Worker};
use crate::proxy_protocol;

/// The proxy's part of the control thread.
pub struct ProxyDaemon {
    pub(super) state: State,
    pub(super) shared: Arc<Shared>,
    pub(super) workers: Vec<Worker>,
    pub(super) network: Network,
    pub(super) latches: LatchStore,
    pub(super) acme: Acme,
    pub(super) agreement: Link,
    pub(super) members: Members,
    pub(super) looks: Arc<Looks>,
    pub(super) inputs: Inputs<Prepared, Event>,
}

impl From<lifecycle::Event<Prepared>> for Event {
    fn from(event: lifecycle::Event<Prepared>) -> Event {
        match event {
            lifecycle::Event::Health(health) => Event::Health(health),
            lifecycle::Event::Peer(message) => Event::PeerMessage(message),
            lifecycle::Event::OperatorWritten(ended) => Event::OperatorWritten(ended),
            lifecycle::Event::Reloaded(prepared) => Event::Reloaded(prepared),
            lifecycle::Event::Draining => Event::Draining(true),
            lifecycle::Event::PeersAsked(asked) => Event::PeersAsked(asked),
            lifecycle::Event::Time => Event::Time,
        }
    }
}

impl Daemon for ProxyDaemon {
    const PROGRAM: &'static str = "polder-proxy";

    type Document = Prepared;
    type Event = Event;
    type Effect = Effect;
    type Change = Change;
    type Bound = Network;
    type SavedHealth = FileToSave;

    fn document(&self) -> &Arc<Prepared> {
        &self.state.prepared
    }

    fn health(&self) -> &HealthView {
        &self.state.health
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
                let generation = snapshot.generation;
                self.shared.snapshot.store(snapshot);
                self.shared.changed.send_replace(generation);
                None
            }
            Effect::WriteLatches { ticket, record } if is_daemon => {
                let inputs = inputs.clone();
                let report = move |ended| {
                    inputs.send(Input::Event(Event::LatchesWritten { ticket, ended }));
                };
                tokio::task::spawn_local(self.latches.write(&record, report));
                None
            }
            Effect::WriteLatches { .. } => None,
            Effect::WriteOperator(value) => Some(lifecycle::Effect::WriteOperator(value)),
            Effect::SendToPeers(value) => Some(lifecycle::Effect::TellPeers(value)),
            Effect::Acme(steps::Effect::Log(line)) => Some(lifecycle::Effect::Log(line)),
            Effect::Acme(effect) => {
                let inputs = inputs.clone();
                let report = move |event| {
                    inputs.send(Input::Event(Event::Acme(event)));
                };
                match is_daemon {
                    true => self.acme.perform(effect, &self.state.prepared, report),
                    false => self.acme.refuse(effect, report),
                }
                None
            }
            Effect::Agreement(effect) => {
                match effect {
                    agreement::Effect::Transact { ticket, transaction } if is_daemon => {
                        self.agreement.transact(ticket, transaction);
                    }
                    agreement::Effect::Transact { .. } => {}
                    agreement::Effect::AwaitWorkers(generation) => {
                        let (counters, adopted) = (self.worker_counters(), self.shared.adopted.subscribe());
                        let report = report_agreement(inputs);
                        tokio::task::spawn_local(async move {
                            workers_at(generation, &counters, adopted).await;
                            report(agreement::Event::Workers(generation));
                        });
                    }
                }
                None
            }
            Effect::Log(line) => Some(lifecycle::Effect::Log(line)),
        }
    }

    fn wakes(&self, now: Now) -> Option<Duration> {
        self.state.wakes(now)
    }

    fn persistence(&self, change: &Change, now: Now) -> Persistence {
        self.state.persistence(change, now)
    }

    fn summary(&self) -> String {
        self.state.summary()
    }

    fn generation(&self) -> u64 {
        self.state.snapshot().generation
    }

    fn health_to_save(&self, now: Now) -> FileToSave {
        FileToSave::new(&self.state.health, now.system_time(), boot_id())
    }

    fn to_hand_over(&self, now: Now) -> Value {
        handed::to_hand_over(&self.state, now)
    }

    fn bind(&self, prepared: &Prepared, sockets: &mut Sockets) -> Result<Network, BindError> {
        Network::bind(&prepared.document, self.workers.len(), sockets)
    }

    fn serve(&mut self, network: Network, prepared: &Prepared) -> Result<Vec<String>, RunError> {
        self.network = network;
        let report = report_agreement(&self.inputs);
        self.agreement.follow(prepared.document.agreement.as_ref(), report);
        self.members.follow(prepared.document.agreement.as_ref());
        let reopened = self.shared.access_log.reopen(prepared.document.access_log.as_ref());
        let note = |error| format!("the access log cannot be opened ({error}), the one before goes on");
        Ok(reopened.err().map(note).into_iter().collect())
    }

    fn accept(&mut self, is_daemon: bool) {
        if is_daemon {
            self.acme.nameservers.serve(&self.state.prepared);
        }
        // A worker that has ended is the watchdog's to notice.
        for (worker, share) in self.workers.iter().zip(self.network.deal(self.workers.len())) {
            let _ = worker.commands.send(Command::Listen(share));
        }
    }

    fn questions(&self) -> Vec<Question> {
        self.network.doors().filter_map(|(address, door)| question(address, door)).collect()
    }

    fn silent_threads(&self) -> Vec<String> {
        // Where TLS is spoken, the question is answered with an alert.
        let is_silent = |worker: &Worker| {
            let WorkerCounters { requests, probes, handshakes_failed, .. } = &*worker.counters;
            [requests, probes, handshakes_failed].iter().all(|count| count.load(Relaxed) == 0)
        };
        let serving = self.workers.iter().enumerate().take(self.network.most_sockets());
        serving.filter(|(_, worker)| is_silent(worker)).map(|(index, _)| format!("worker {index}")).collect()
    }

    fn is_of_serving(effect: &Effect) -> bool {
        matches!(effect, Effect::Publish(_) | Effect::Log(_))
    }

    fn drain(&mut self, _limit: Duration) {
        self.shared.stopping.store(true, Relaxed);
        for worker in &self.workers {
            // A worker that has ended has nothing to drain.
            let _ = worker.commands.send(Command::Drain);
        }
        self.network = Network::default();
        self.acme.nameservers.stop();
    }

    fn has_drained(&self) -> bool {
        self.workers.iter().all(|worker| worker.thread.is_finished())
    }

    fn follow(&self, admin_socket: &Path, inputs: &Inputs<Prepared, Event>) {
        self.agreement.stop();
        self.members.stop();
        tokio::task::spawn_local(handed::follow(Client::new(admin_socket), inputs.clone()));
    }

    fn readings(&self) -> Vec<(String, Reading)> {
        let requests = self.workers.iter().map(|worker| worker.counters.requests.load(Relaxed)).sum();
        page::readings(requests, self.state.snapshot())
    }

    fn show(&self, request: &AdminRequest, figures: Figures, now: Now) -> Option<AdminReply> {
        self.answer(request, figures, now)
    }

    fn command(&mut self, request: &AdminRequest, now: Now) -> Option<Result<Obeyed<Effect, Change>, AdminReply>> {
        self.obey(request, now)
    }
}

impl ProxyDaemon {
    fn worker_counters(&self) -> Vec<Arc<WorkerCounters>> {
        self.workers.iter().map(|worker| Arc::clone(&worker.counters)).collect()
    }
}

/// Reports what happens to the store by which the proxies agree.
pub(super) fn report_agreement(inputs: &Inputs<Prepared, Event>) -> impl Fn(agreement::Event) + Clone + 'static {
    let inputs = inputs.clone();
    move |event| {
        inputs.send(Input::Event(Event::Agreement(event)));
    }
}

/// Waits until every worker answers from this snapshot or a later one, and has told requests that run elsewhere to leave.
async fn workers_at(generation: u64, counters: &[Arc<WorkerCounters>], mut adopted: watch::Receiver<()>) {
    let are_there = || counters.iter().all(|counters| counters.generation.load(Acquire) >= generation);
    while !are_there() && adopted.changed().await.is_ok() {}
}

/// What a process asks at this door; none where connections of this machine are closed out, which is logged each time.
fn question(address: SocketAddr, door: &Door) -> Option<Question> {
    let mut message = Vec::new();
    if let Some(proxies) = &door.proxies {
        // From there to there: the kernel takes the same address for both ends.
        let own = within_reach(address).ip();
        if !proxies.iter().any(|proxy| proxy.contains(&own)) {
            return None;
        }
        proxy_protocol::write(proxy_protocol::Version::V2, None, &mut message);
    }
    message.extend_from_slice(b"GET /.polder/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    Some(Question { address, transport: Transport::Tcp, message })
}
