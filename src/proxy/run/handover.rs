//! The old side of a takeover: offer, stop accepting, hand the final state over, drain.
//!
//! Owns the form of the state that is handed over. Must never: change a latch, probe, or write once the final state is on
//! its way: from then on the new process is the daemon, and requests that still run here go by what it says. If it goes
//! away before, this one accepts again.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use super::PROGRAM;
use super::event_loop::{EventLoop, Input, Phase};
use crate::api::client::Client;
use crate::api::proxy::Status;
use crate::daemon::takeover::{self, Handover, Offered, TakeoverError};
use crate::health::{HealthView, saved};
use crate::proxy::control::VERSION;
use crate::proxy::control::peer_state::PeerState;
use crate::proxy::traffic::worker::Command;

/// How often the daemon that took over is asked how things stand, while requests still run here.
const FOLLOW: Duration = Duration::from_millis(250);

/// State handed over, as the new process reads it. Health that it cannot read is as if it were not there: checks know.
pub(super) struct Handed {
    /// What checks said.
    pub(super) health: HealthView,
    /// Latches and the operator's words, in the form peers use.
    pub(super) words: Value,
}

impl Handed {
    /// Reads it; the error tells why latches and words cannot be understood.
    pub(super) fn read(state: &Value) -> Result<Handed, String> {
        if state["version"] != VERSION {
            return Err(format!("it is of version {}, this program reads {VERSION}", state["version"]));
        }
        PeerState::read(&state["words"], None).map_err(|error| error.to_string())?;
        let health = saved::from_json(&state["health"], SystemTime::now()).unwrap_or_else(|why| {
            tracing::warn!("the health handed over is not used: {why}");
            HealthView::new()
        });
        Ok(Handed { health, words: state["words"].clone() })
    }
}

impl EventLoop {
    fn handed_state(&self) -> Value {
        json!({ "version": VERSION, "health": self.health_value(), "words": self.state.to_hand_over() })
    }

    /// A new process asks.
    pub(super) fn offer(&mut self, stream: UnixStream) {
        let busy = match self.phase {
            Phase::Serving if self.reload.is_some() => Some("a reload is under way: try again when it has ended"),
            Phase::Serving => None,
            Phase::Offering | Phase::Handover => Some("another takeover is under way"),
            Phase::HandedOver { .. } => Some("another process has taken over: ask that one"),
            Phase::Stopping { .. } => Some("this process is stopping: start the new one without --takeover"),
        };
        let sockets = self.sockets.handover().map_err(|error| format!("the sockets cannot be copied: {error}"));
        let sockets = match busy {
            Some(why) => Err(why.to_owned()),
            None => sockets,
        };
        let inputs = self.channels.inputs.clone();
        match sockets {
            Ok(sockets) => {
                tracing::info!("a new process asks to take over");
                self.phase = Phase::Offering;
                let handover = Handover { sockets, state: self.handed_state() };
                tokio::task::spawn_local(async move {
                    let offered = takeover::offer(stream, PROGRAM, handover).await;
                    drop(inputs.send(Input::Offered(offered)));
                });
            }
            Err(why) => drop(tokio::task::spawn_local(async move { takeover::refuse(stream, &why).await })),
        }
    }

    /// The new process is ready: stop accepting, and give it the final state.
    pub(super) fn on_offered(&mut self, offered: Result<Offered, TakeoverError>) {
        if self.phase != Phase::Offering {
            // Told to stop meanwhile. Dropped, the offer is withdrawn.
            return;
        }
        let offered = match offered {
            Ok(offered) => offered,
            Err(error) => {
                tracing::warn!("the takeover did not happen: {error}");
                self.phase = Phase::Serving;
                return;
            }
        };
        for worker in &self.workers {
            let _ = worker.commands.send(Command::Listen(Vec::new()));
        }
        self.pause_admin(true);
        self.phase = Phase::Handover;
        let (state, inputs) = (self.handed_state(), self.channels.inputs.clone());
        tokio::task::spawn_local(async move {
            let finished = offered.finish(state).await;
            drop(inputs.send(Input::Finished(finished)));
        });
    }

    /// The new process is the daemon, or it is gone.
    pub(super) fn on_finished(&mut self, finished: Result<(), TakeoverError>) {
        if self.phase != Phase::Handover {
            return;
        }
        if let Err(error) = finished {
            tracing::warn!("the new process is gone ({error}): this one accepts again");
            self.phase = Phase::Serving;
            std::mem::take(&mut self.held_back).into_iter().for_each(|event| self.take(event));
            self.listen();
            self.pause_admin(false);
            if self.stop_if_not_handed_over {
                self.stop();
            }
            return;
        }
        tracing::info!("the new process has taken over: draining");
        self.phase = Phase::HandedOver { until: self.drain_until() };
        self.held_back.clear();
        self.checker = None;
        self.peers = None;
        self.leave_operator();
        self.drain();
        let (daemon, inputs) = (Client::new(&self.admin_socket), self.channels.inputs.clone());
        tokio::task::spawn_local(listen_to(daemon, inputs));
        if let Some(successor) = self.successor.take() {
            let _ = successor.send(());
        }
    }

    /// The daemon that took over says how things stand.
    pub(super) fn follow(&mut self, daemon: &Status) {
        if matches!(self.phase, Phase::HandedOver { .. }) {
            let effects = self.state.follow(daemon, self.clock.now());
            self.carry_out(effects);
        }
    }

    /// The operator is the new process's too: both could accept from one socket, and this one would answer for the past.
    fn pause_admin(&self, paused: bool) {
        for server in self.admin.iter().chain(&self.admin_tcp) {
            if paused { server.pause() } else { server.resume() }
        }
    }
}

/// Asks until this process ends. A daemon that does not answer leaves things here as they were.
async fn listen_to(daemon: Client, inputs: mpsc::UnboundedSender<Input>) {
    loop {
        let said = daemon.get("/status").await.ok().and_then(|status| serde_json::from_value(status).ok());
        if said.is_some_and(|status| inputs.send(Input::Followed(Box::new(status))).is_err()) {
            return;
        }
        tokio::time::sleep(FOLLOW).await;
    }
}
