//! A reload: in place (parse, check, bind, probe what is new, swap), or by a successor.
//!
//! Owns the steps and their words. Must never: change anything before everything that can fail has succeeded: a bad
//! document, a missing key or an address in use leave the daemon as it was, and the reload fails visibly.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;

use super::event_loop::{EventLoop, Input, Phase};
use super::network::Network;
use super::{PROBE_SLACK, all_checked};
use crate::api::daemon::Done;
use crate::config::ProxyConfig;
use crate::daemon::admin::{AdminReply, serve_tcp};
use crate::daemon::reload::{self as how, HandOverError, Reload};
use crate::daemon::{fd_store, notify};
use crate::health::Target;
use crate::proxy::control::Event;
use crate::proxy::control::prepared::Prepared;

type Reply = Option<oneshot::Sender<AdminReply>>;

/// A reload whose new targets are being probed for the first time.
pub(super) struct Pending {
    prepared: Arc<Prepared>,
    network: Network,
    new_targets: Vec<Target>,
    until: Duration,
    reply: Reply,
}

impl EventLoop {
    /// Begins a reload; the answer follows when it has ended.
    pub(super) fn reload(&mut self, reply: Reply) {
        if self.phase != Phase::Serving || self.reload.is_some() || self.successor.is_some() {
            let why = "a reload or takeover is under way, or this process is stopping: try again later";
            return answer(reply, AdminReply::refuse(409, why));
        }
        match how::choose(self.args.successor.as_deref()) {
            Reload::InPlace => self.reload_in_place(reply),
            Reload::Successor(path) => {
                tracing::info!("{} is another build: it is to take over", path.display());
                let (taken, wait) = oneshot::channel();
                self.successor = Some(taken);
                self.successor_reply = reply;
                let (args, inputs) = (self.args.clone(), self.channels.inputs.clone());
                tokio::task::spawn_local(async move {
                    let ended = how::hand_over(&path, &args, wait).await;
                    drop(inputs.send(Input::Succeeded(ended)));
                });
            }
        }
    }

    fn reload_in_place(&mut self, reply: Reply) {
        notify::reloading();
        let prepared = match Prepared::read(&self.args.config) {
            Ok(prepared) => Arc::new(prepared),
            Err(error) => return self.refuse(reply, error.summary(), error.texts()),
        };
        if prepared.document.admin.socket != self.admin_socket {
            let finding = format!("{}: admin.socket: it can change only at a restart", self.args.config.display());
            return self.refuse(reply, "this needs a restart", vec![finding]);
        }
        let bound = Network::bind(&prepared.document, &self.admin_socket, self.workers.len(), &mut self.sockets);
        let network = match bound {
            Ok(network) => network,
            Err(why) => {
                self.sockets.revert();
                return self.refuse(reply, "an address cannot be had", vec![why]);
            }
        };
        let mut targets = prepared.targets();
        let new_targets: Vec<Target> =
            targets.keys().filter(|target| !self.state.health.contains_key(*target)).cloned().collect();
        // Until the swap, the present targets are probed too.
        targets.extend(self.state.prepared.targets());
        self.checker.iter().for_each(|checker| checker.set_targets(targets.clone()));
        let slowest = new_targets.iter().map(|target| target.check.timeout + PROBE_SLACK).max().unwrap_or_default();
        let until = self.clock.now().running + slowest;
        self.reload = Some(Pending { prepared, network, new_targets, until, reply });
        self.go_on_reloading();
    }

    /// Swaps once every new target has been probed, or has had its time.
    pub(super) fn go_on_reloading(&mut self) {
        let now = self.clock.now().running;
        let health = &self.state.health;
        let ready = |pending: &mut Pending| now >= pending.until || all_checked(health, &pending.new_targets);
        let Some(pending) = self.reload.take_if(ready) else { return };
        let Pending { prepared, network, reply, .. } = pending;
        let before = self.state.prepared.clone();
        let mut notes = self.swap(&before.document, prepared.clone(), network);
        let later = not_in_place(&before.document, &prepared.document);
        if !later.is_empty() {
            notes.push(format!("{} take effect with the next start or takeover", later.join(", ")));
        }
        let generation = self.state.snapshot().generation;
        let notes: String = notes.iter().map(|note| format!("; {note}")).collect();
        let words = format!("reloaded {}{notes}", self.args.config.display());
        tracing::info!("{words}");
        self.reloads.succeeded += 1;
        self.last_reload = Some((words.clone(), false));
        notify::ready(&self.state.summary());
        answer(reply, AdminReply::json(&Done { done: words, generation, cached_until: None }));
    }

    /// Puts the new document in force. What fails here is said, and the rest goes on: all that a reload may fail by has
    /// been tried before.
    fn swap(&mut self, before: &ProxyConfig, prepared: Arc<Prepared>, network: Network) -> Vec<String> {
        let mut notes = Vec::new();
        let document = &prepared.document;
        self.checker.iter().for_each(|checker| checker.set_targets(prepared.targets()));
        self.take(Event::Reloaded(prepared.clone()));
        self.network = network;
        self.listen();
        if let Err(error) = self.shared.access_log.reopen(document.access_log.as_ref()) {
            notes.push(format!("the access log cannot be opened ({error}), the one before goes on"));
        }
        self.peers = None;
        let (told, heard) = (self.channels.tell.subscribe(), self.channels.heard.clone());
        self.peers = self.network.start_peers(&prepared, &self.state.own, told, heard);
        self.serve_admin_tcp(before, document, &mut notes);
        self.sockets.settle();
        fd_store::keep(&self.sockets.as_fds());
        notes
    }

    fn serve_admin_tcp(&mut self, before: &ProxyConfig, document: &ProxyConfig, notes: &mut Vec<String>) {
        let of = |config: &ProxyConfig| (config.admin.address, config.admin.hosts.clone(), config.name.clone());
        if of(before) == of(document) {
            return;
        }
        self.admin_tcp = None;
        let Some(listener) = self.network.admin_tcp.take() else { return };
        match serve_tcp(listener, self.admin_names(), self.handler()) {
            Ok(server) => self.admin_tcp = Some(server),
            Err(error) => notes.push(format!("admin.address is not served: {error}")),
        }
    }

    fn refuse(&mut self, reply: Reply, why: &str, findings: Vec<String>) {
        let error = format!("{why}; nothing was changed");
        let words = format!("the last reload was refused: {why}: {}", findings.join("; "));
        tracing::error!("{words}");
        self.reloads.failed += 1;
        self.last_reload = Some((words, true));
        notify::ready(&self.state.summary());
        answer(reply, AdminReply::json_with(422, &json!({ "error": error, "findings": findings })));
    }

    /// The successor has taken over, or not.
    pub(super) fn on_succeeded(&mut self, ended: Result<u32, HandOverError>) {
        self.successor = None;
        let reply = self.successor_reply.take();
        match ended {
            Ok(process) => {
                let words = format!("process {process} has taken over with the new build");
                answer(
                    reply,
                    AdminReply::json(&Done {
                        done: words,
                        generation: self.state.snapshot().generation,
                        cached_until: None,
                    }),
                );
            }
            Err(HandOverError { message, findings }) => self.refuse(reply, &message, findings),
        }
    }
}

fn answer(reply: Reply, with: AdminReply) {
    if let Some(reply) = reply {
        // Whoever asked has gone: the log and `status` have it too.
        let _ = reply.send(with);
    }
}

/// What a reload does not change, by its path in the document.
fn not_in_place(old: &ProxyConfig, new: &ProxyConfig) -> Vec<&'static str> {
    let parts = [
        ("name", old.name != new.name),
        ("workers", old.workers != new.workers),
        ("state_dir", old.state_dir != new.state_dir),
    ];
    parts.into_iter().filter_map(|(part, differs)| differs.then_some(part)).collect()
}
