//! The nameserver's start, in order: sockets, one round of checks and of peers, the first snapshot, the threads that answer.
//!
//! What follows is [`daemon::lifecycle`](crate::daemon::lifecycle)'s. The operator is answered from the beginning on, unless
//! another process still does that. Must never: answer a query before every member has been checked, nor write state while
//! another process is the daemon. Called by the `polder-dns` binary.

mod admin;
mod catalogs;
mod challenge_listener;
mod daemon;
mod dnstap_log;
mod document;
mod notifier;
mod own_ipv6;
mod rate_limit_log;
mod secondaries;
mod signing;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio::time::{Instant, timeout, timeout_at};

use super::answering::Answering;
use super::control::prepared::Prepared;
use super::control::{Event, Saved, SavedError, SavedHealth, State, read_operator};
use super::dnstap::Dnstap;
use super::journal::Journals;
use super::listening::{Bound, Listening};
use super::ordered;
use super::secondary::bell::Bell;
use super::zone_copies::ZoneCopies;
use crate::acme::hands::Hands;
use crate::acme::store;
use crate::counted::counted;
use crate::daemon::args::DaemonArgs;
use crate::daemon::clock::Now;
use crate::daemon::lifecycle::{
    self, ControlSockets, Daemon, Document, Exchange, Inputs, Parts, RunError, Shell, Start, StateFiles,
};
use crate::daemon::notify;
use crate::daemon::startup::{self, Inheritance};
use crate::daemon::state_lock::StateLock;
use crate::daemon::takeover::Succession;
use crate::daemon::ticks::Ticks;
use crate::health::Checker;
use crate::log_line::LogLine;
use catalogs::Catalogs;
use challenge_listener::ChallengeListener;
use daemon::{DnsDaemon, NO_THREAD};
use dnstap_log::DnstapLog;
use notifier::Notifier;
use rate_limit_log::RateLimitLog;
use secondaries::Secondaries;

/// How long a start waits for its peers.
const PEERS_LIMIT: Duration = Duration::from_secs(2);

/// How long a start waits for certificates that its peers had to be on disk.
const FIRST_WRITE_LIMIT: Duration = Duration::from_millis(1_500);

/// How often a start that waits for its checks logs that.
const STILL_CHECKING: Duration = Duration::from_secs(5);

/// The whole daemon: reads the document and its zones, serves until it is told to stop, and returns the exit code (0
/// done, 1 the document is not valid, 3 could not run).
pub fn run(args: DaemonArgs) -> ExitCode {
    lifecycle::run::<DnsDaemon>(args, start)
}

/// Everything from the document to "ready".
async fn start(start: Start<Prepared>) -> Result<Shell<DnsDaemon>, RunError> {
    let Start { args, document, passed, history } = start;
    let settings = document.settings();
    let Inheritance { mut sockets, folders, takeover } =
        startup::inherit(&args, passed, DnsDaemon::PROGRAM, (&settings.admin.socket, settings.state_dir)).await?;
    let lock = StateLock::hold(settings.state_dir, folders)?;
    let offered = startup::read_offer(takeover.as_ref(), read_handover)?;
    let files = StateFiles::new(settings.state_dir);
    let saved = offered.unwrap_or_else(|| stored(&files));
    let bound = Bound::bind(&document.config, &mut sockets)?;
    let mut control_sockets = ControlSockets::bind(&settings, &mut sockets)?;
    let peers = control_sockets.peers.take();
    sockets.settle();

    let checker = Checker::start(document.targets(), saved.health.health.clone());
    let mut state = State::new(document.clone(), saved);
    state.begin_orders(store::read(settings.state_dir, &ordered::terms(&document.config).desired), Now::read());
    state.note_own_ipv6(own_ipv6::is_there()).iter().for_each(LogLine::write);
    let snapshot = Arc::new(ArcSwap::new(state.snapshot()));
    let ticks = Ticks::default();
    let bell = Arc::<Bell>::default();
    let dnstap = Dnstap::new();
    let answering = Answering { snapshot: Arc::clone(&snapshot), bell: Arc::clone(&bell), taps: dnstap.taps() };
    let listening = Listening::new(document.tcp.clone(), answering, document.protection.clone(), ticks.clone())
        .map_err(RunError::io(NO_THREAD))?;
    let (inputs, incoming) = Inputs::open();
    let exchange = Exchange::new(state.to_tell());
    let zone_copies = ZoneCopies::new(settings.state_dir);
    let journals = Journals::new(settings.state_dir);
    let rate_limit_log = RateLimitLog::default();
    let challenges = ChallengeListener::new(inputs.clone());
    let daemon = DnsDaemon {
        state,
        snapshot,
        listening,
        dnstap,
        dnstap_log: DnstapLog::default(),
        challenges,
        notifier: Notifier::default(),
        catalogs: Catalogs::new(inputs.clone()),
        secondaries: Secondaries::new(inputs.clone(), bell),
        rate_limit_log,
        zone_copies,
        journals,
        acme: Hands::default(),
        looks: Arc::default(),
        looked: None,
    };
    let mut shell = Shell::new(Parts {
        args,
        daemon,
        sockets,
        control_sockets,
        checker,
        lock,
        files,
        exchange,
        ticks,
        history,
        inputs,
        incoming,
    });
    let stored = shell.daemon.state.begin_secondaries(Now::read());
    shell.perform(stored);
    match takeover {
        None => {
            shell.serve_admin()?;
            shell.exchange.start(&settings, document.identity(), peers);
            check_all(&mut shell).await;
            let round = shell.exchange.first_round(PEERS_LIMIT);
            if !shell.during(round).await {
                tracing::warn!("no peer answers; starting with the operator states that this nameserver has stored");
            }
        }
        Some(takeover) => {
            tokio::select! {
                () = check_all(&mut shell) => {}
                () = takeover.interrupted() => {}
            }
            // From here on the running daemon decides nothing more.
            let succession = takeover.ready().await?;
            inherit(&mut shell, &succession);
            shell.take(Event::Ready);
            shell.succeed(bound, succession).await?;
            shell.exchange.start(&settings, document.identity(), peers);
            shell.begin(None)?;
            return Ok(shell);
        }
    }
    // The peers' states count before the first answer.
    shell.take_waiting_messages();
    settle_first_writes(&mut shell).await;
    shell.take(Event::Ready);
    shell.begin(Some(bound))?;
    Ok(shell)
}

/// Waits until each member's address has been probed once, so that no unchecked address is answered, and what is stored of zones of other nameservers has been read. Until then the results
/// of checks show only in the status.
async fn check_all(shell: &mut Shell<DnsDaemon>) {
    notify::status("checking the pools' members");
    shell.take_health();
    let mut logged = Instant::now();
    while shell.daemon.state.unchecked().0 > 0 || shell.daemon.state.unread_secondaries() > 0 {
        if timeout_at(logged + STILL_CHECKING, shell.next()).await.is_err() {
            logged = Instant::now();
            let (left, all) = shell.daemon.state.unchecked();
            let unread = shell.daemon.state.unread_secondaries();
            tracing::warn!(
                "not ready yet: {left} of {all} addresses are not checked, {} of other nameservers not read",
                counted(unread, "zone")
            );
        }
    }
}

/// Before ready: the first writes of certificates that peers had. A disk that does not answer ends the wait.
async fn settle_first_writes(shell: &mut Shell<DnsDaemon>) {
    let written = async {
        while shell.daemon.state.is_writing_certificates() {
            shell.next().await;
        }
    };
    let _ = timeout(FIRST_WRITE_LIMIT, written).await;
}

/// Takes in the final state of the process taken over from. This one becomes the daemon, whatever is wrong with it.
fn inherit(shell: &mut Shell<DnsDaemon>, succession: &Succession) {
    match read_handover(&succession.state) {
        Ok(last) => shell.take(Event::Inherited(Box::new(last))),
        Err(why) => tracing::error!("the final state of the process taken over from cannot be used: {why}"),
    }
}

fn read_handover(value: &serde_json::Value) -> Result<Saved, SavedError> {
    Saved::read_handover(value.clone(), SystemTime::now())
}

/// What an earlier process left in the state directory.
fn stored(files: &StateFiles) -> Saved {
    let operator = files.read_operator("member", |value| read_operator(value.clone()));
    let health = files.read_health(|value| SavedHealth::read(value.clone(), SystemTime::now()));
    let (operator, operator_lost) = (operator.states, operator.lost);
    Saved { health, operator, operator_lost, ..Saved::default() }
}
