//! A reload: the document is read again, and either all of it is in force or nothing has changed.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Busy, End, Nameserver, first_round};
use crate::api::dns::Done;
use crate::config::{DnsConfig, Findings};
use crate::daemon::peers::Identity;
use crate::daemon::reload::{self, Reload};
use crate::daemon::sockets::{BindError, Sockets};
use crate::daemon::{fd_store, notify};
use crate::dns::control::targets;
use crate::dns::document::{self, Document};
use crate::dns::listening::Bound;
use crate::dns::protection::Protection;

/// Beyond a probe's own time-out: probes of many new targets are spread in time.
const ROUND_MARGIN: Duration = Duration::from_secs(2);

/// Why there was no reload; nothing has changed.
#[derive(Debug)]
pub struct NotReloaded {
    /// An HTTP status.
    pub status: u16,
    /// For the operator.
    pub error: String,
    /// One a line.
    pub findings: Vec<String>,
}

impl From<Findings> for NotReloaded {
    fn from(findings: Findings) -> NotReloaded {
        let error = "the document is not valid; the one in force stays".into();
        NotReloaded { status: 422, error, findings: findings.0.iter().map(ToString::to_string).collect() }
    }
}

impl From<BindError> for NotReloaded {
    fn from(error: BindError) -> NotReloaded {
        let findings = vec![error.message];
        NotReloaded { status: 422, error: "a socket cannot be had; the document in force stays".into(), findings }
    }
}

/// A successor would fail by them, and its log alone would say so.
fn read_identity(config: &DnsConfig) -> Result<Option<Identity>, NotReloaded> {
    config.peers.as_ref().map(|peers| Identity::of_daemon(&config.name, peers)).transpose().map_err(unusable_keys)
}

fn unusable_keys(error: crate::daemon::key_file::KeyError) -> NotReloaded {
    let finding = error.to_string();
    let error = "a key file cannot be used; the document in force stays".into();
    NotReloaded { status: 422, error, findings: vec![finding] }
}

impl Nameserver {
    /// Reloads, in place or by a successor, and tells the service manager and the log how it ended.
    pub async fn reload(self: &Rc<Self>) -> Result<Done, NotReloaded> {
        if self.busy.get() != Busy::Idle {
            let error = match self.busy.get() {
                Busy::Starting => "this nameserver is not ready yet; try again when it is".into(),
                _ => "a reload or a takeover is under way; try again when it has ended".into(),
            };
            return Err(NotReloaded { status: 409, error, findings: vec![] });
        }
        let result = match reload::choose(self.args.successor.as_deref()) {
            Reload::Successor(program) => self.hand_over(&program).await,
            Reload::InPlace => {
                notify::reloading();
                self.busy.set(Busy::Reloading);
                let result = self.reload_in_place().await;
                self.busy.set(Busy::Idle);
                notify::ready(&self.line());
                match result {
                    Ok(Reloaded::Done) => Ok(self.done("reloaded".into())),
                    Ok(Reloaded::NeedsSuccessor(program)) => self.hand_over(&program).await,
                    Err(refused) => Err(refused),
                }
            }
        };
        self.record(&result);
        result
    }

    fn done(&self, done: String) -> Done {
        Done { done, generation: self.control.borrow().generation(), cached_until: None }
    }

    fn record(&self, result: &Result<Done, NotReloaded>) {
        let mut control = self.control.borrow_mut();
        let when = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%SZ");
        match result {
            Ok(done) => {
                tracing::info!("{}: {}", done.done, control.line());
                control.reloads.0 += 1;
                control.last_reload = Some(format!("{when}: {}", done.done));
                control.alarms.remove("reload");
            }
            Err(refused) => {
                tracing::error!("not reloaded: {}", refused.error);
                for finding in &refused.findings {
                    tracing::error!("{finding}");
                }
                control.reloads.1 += 1;
                let first = refused.findings.first().map_or(String::new(), |finding| format!(" ({finding})"));
                control.last_reload = Some(format!("{when}: failed: {}{first}", refused.error));
                control.alarms.insert("reload", format!("the last reload was refused: {}{first}", refused.error));
            }
        }
    }

    async fn reload_in_place(self: &Rc<Self>) -> Result<Reloaded, NotReloaded> {
        let file = self.args.config.clone();
        let read = tokio::task::spawn_blocking(move || document::load(&file)).await;
        let document = read.map_err(|_| NotReloaded {
            status: 500,
            error: "reading the document did not end; see the log".into(),
            findings: vec![],
        })??;
        let identity = read_identity(&document.config)?;
        let protection = {
            let before = self.listening.borrow().protection();
            Protection::of(&document.config, Some(&before)).map_err(unusable_keys)?
        };
        let same_key = self.exchange.borrow().as_ref().map(|exchange| &exchange.identity) == identity.as_ref();
        let present = self.control.borrow().document.config.clone();
        match fixed_settings(&present, &document.config) {
            Fixed::Same if same_key => {}
            Fixed::Same => return Ok(Reloaded::NeedsSuccessor(self.own_program()?)),
            Fixed::Changed => return Ok(Reloaded::NeedsSuccessor(self.own_program()?)),
            Fixed::Socket => {
                let findings =
                    vec![format!("{}: admin.socket: it can change only at a restart", self.args.config.display())];
                return Err(NotReloaded { status: 422, error: "this needs a restart".into(), findings });
            }
        }
        // Before any socket is bound: queries would wait in it meanwhile, those of its group among them.
        self.check_new_members(&document).await;
        if let Err(refused) = self.serve_listeners(&document.config) {
            self.checker.set_targets(targets(&self.control.borrow().document));
            self.sockets.borrow_mut().revert();
            return Err(refused);
        }
        self.checker.set_targets(targets(&document));
        self.listening.borrow().protect(protection);
        self.control.borrow_mut().set_document(document);
        self.tell_peers();
        self.sockets.borrow_mut().settle();
        fd_store::keep(&self.sockets.borrow().as_fds());
        Ok(Reloaded::Done)
    }

    fn serve_listeners(&self, config: &DnsConfig) -> Result<(), NotReloaded> {
        let bound = self.bind(config)?;
        self.listening.borrow_mut().serve(config, bound).map_err(|error| NotReloaded {
            status: 500,
            error: format!("no thread can be started: {error}"),
            findings: vec![],
        })
    }

    fn bind(&self, config: &DnsConfig) -> Result<Bound, BindError> {
        let mut sockets = self.sockets.borrow_mut();
        claim_own(config, &mut sockets)?;
        Bound::bind(config, &mut sockets)
    }

    /// Probes what the new document adds before anything is answered from it; the present document's probes go on.
    async fn check_new_members(&self, document: &Document) {
        let wanted = targets(document);
        let mut all = targets(&self.control.borrow().document);
        all.extend(wanted.iter().map(|(target, users)| (target.clone(), users.clone())));
        self.checker.set_targets(all);
        let longest = document.config.pools.values().map(|pool| pool.check.timeout).max().unwrap_or_default();
        let left = first_round(&self.checker, &wanted, longest + ROUND_MARGIN).await;
        if left > 0 {
            tracing::warn!("{left} addresses could not be checked yet; they are left out of answers until they are");
        }
        let view = self.checker.subscribe().borrow().clone();
        self.control.borrow_mut().set_health(view);
    }

    fn own_program(&self) -> Result<PathBuf, NotReloaded> {
        self.args.successor.clone().map_or_else(std::env::current_exe, Ok).map_err(|error| NotReloaded {
            status: 500,
            error: format!("this program cannot be found to start it again: {error}"),
            findings: vec![],
        })
    }

    /// Starts a successor, which takes over from us while we wait.
    async fn hand_over(self: &Rc<Self>, program: &Path) -> Result<Done, NotReloaded> {
        tracing::info!("starting {} to take over", program.display());
        self.busy.set(Busy::HandingOver);
        let (taken, when_taken) = oneshot::channel();
        let mut end = self.end.subscribe();
        tokio::task::spawn_local(async move {
            if end.wait_for(|end| *end == Some(End::HandedOver)).await.is_ok() {
                // If nobody waits any more, the successor has failed before.
                let _ = taken.send(());
            }
        });
        let handed = reload::hand_over(program, &self.args, when_taken).await;
        self.busy.set(Busy::Idle);
        match handed {
            Ok(pid) => Ok(self.done(format!("handed over to process {pid}"))),
            Err(error) => Err(NotReloaded { status: 422, error: error.message, findings: error.findings }),
        }
    }
}

enum Reloaded {
    Done,
    NeedsSuccessor(PathBuf),
}

/// What a running process cannot change about itself.
enum Fixed {
    Same,
    /// A successor can.
    Changed,
    /// Nobody can: it is where a successor would ask.
    Socket,
}

fn fixed_settings(present: &DnsConfig, new: &DnsConfig) -> Fixed {
    let of = |config: &DnsConfig| {
        let DnsConfig { name, admin, state_dir, peers, .. } = config;
        (name.clone(), admin.clone(), state_dir.clone(), peers.clone())
    };
    if present.admin.socket != new.admin.socket {
        Fixed::Socket
    } else if of(present) != of(new) {
        Fixed::Changed
    } else {
        Fixed::Same
    }
}

/// Asks for the sockets that a reload does not change, so that they are not taken for leftovers.
fn claim_own(config: &DnsConfig, sockets: &mut Sockets) -> Result<(), BindError> {
    sockets.unix(&config.admin.socket)?;
    if let Some(address) = config.admin.address {
        sockets.tcp(address, 1)?;
    }
    if let Some(peers) = &config.peers {
        sockets.tcp(peers.listen, 1)?;
    }
    Ok(())
}
