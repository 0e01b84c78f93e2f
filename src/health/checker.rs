//! Schedules the probes and publishes their results.
//!
//! Owns the one task that runs them. Started by each daemon once; when is the [timetable]'s decision, what a result means is the
//! [automaton]'s, and what follows from it for the view is decided by the rounds.
//!
//! [timetable]: super::timetable
//! [automaton]: super::automaton

mod rounds;
mod tracked;

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::probe::{self, Begun, Probed, Sockets};
use super::proof::LATENESS;
use super::target::{Target, Targets};
use super::timetable::Id;
use super::view::HealthView;
use crate::running_time::running;
use rounds::Rounds;

/// Requests that may wait to be read; more are dropped: the next error repeats a report of one, and whoever asks for probes does without.
const REQUESTS: usize = 256;

/// Probes started one after the other before anything else is looked at.
const BATCH: usize = 64;

/// What is asked of the checker's task.
enum Request {
    /// Live traffic had an error with this target.
    Hasten(Target),
    /// Somebody waits to know how these are now.
    Ask(Vec<Target>),
}

/// A handle on the running checker. Cheap to clone; the probes stop when the last handle is dropped.
#[derive(Clone)]
pub struct Checker {
    targets: watch::Sender<Targets>,
    requests: mpsc::Sender<Request>,
    view: watch::Receiver<Arc<HealthView>>,
}

impl Checker {
    /// Starts probing on the current runtime (a `LocalSet` is not needed). `known` is health handed over by a takeover
    /// or read from the state directory; targets without any start unchecked, or from the verdict of the check that theirs
    /// replaces. The view holds every target at once.
    pub fn start(targets: Targets, known: HealthView) -> Checker {
        let (view_out, view) = watch::channel(Arc::new(HealthView::new()));
        let (targets, targets_in) = watch::channel(targets);
        let (requests, requests_in) = mpsc::channel(REQUESTS);
        let now = Instant::now();
        let mut rounds = Rounds::new(now);
        rounds.remember(&known, now);
        rounds.replace(&targets.borrow(), now);
        rounds.take_view(now).into_iter().for_each(|first| drop(view_out.send_replace(Arc::new(first))));
        tokio::spawn(run(rounds, targets_in, requests_in, view_out));
        Checker { targets, requests, view }
    }

    /// Replaces the targets (a reload): known ones keep their health, those whose check changed their verdict, new ones start
    /// unchecked, removed ones are probed no more. The checker's task does it, soon: until then the view lacks the new ones,
    /// which means unchecked.
    pub fn set_targets(&self, targets: Targets) {
        self.targets.send_replace(targets);
    }

    /// Live traffic had an error with this target: brings its next probe forward to `fast_interval`.
    pub fn hasten(&self, target: &Target) {
        if let Ok(place) = self.requests.try_reserve() {
            place.send(Request::Hasten(target.clone()));
        }
    }

    /// Somebody waits to know how these are now: a probe of each begins at once, or when the one that is running has ended. What it
    /// finds shows in the view, and in the [proof](super::Proof) that a view has already.
    pub fn ask(&self, targets: Vec<Target>) {
        if let Ok(place) = self.requests.try_reserve() {
            place.send(Request::Ask(targets));
        }
    }

    /// The present health and every later one; a new value for each change of any automaton or reason. Probes that
    /// change nothing but their time show up every 5 seconds.
    pub fn subscribe(&self) -> watch::Receiver<Arc<HealthView>> {
        self.view.clone()
    }
}

/// The checker's task. Ends with the last handle.
async fn run(
    mut rounds: Rounds,
    mut targets: watch::Receiver<Targets>,
    mut requests: mpsc::Receiver<Request>,
    view: watch::Sender<Arc<HealthView>>,
) {
    let (mut sockets, mut probes) = (Sockets::default(), JoinSet::new());
    loop {
        let alarm = tokio::time::Instant::from_std(rounds.next_moment(Instant::now()));
        let expected = running() + alarm.saturating_duration_since(tokio::time::Instant::now());
        tokio::select! {
            changed = targets.changed() => match changed {
                Ok(()) => rounds.replace(&targets.borrow_and_update(), Instant::now()),
                Err(_) => return,
            },
            Some(request) = requests.recv() => match request {
                Request::Hasten(target) => rounds.hasten(&target, Instant::now()),
                Request::Ask(targets) => targets.iter().for_each(|target| rounds.ask(target, Instant::now())),
            },
            Some(ended) = probes.join_next() => {
                let mut next = Some(ended);
                while let Some(ended) = next {
                    // One that was aborted has no outcome.
                    if let Ok((id, probed)) = ended {
                        rounds.ended(id, probed, Instant::now());
                    }
                    next = probes.try_join_next();
                }
            }
            () = tokio::time::sleep_until(alarm) => start_due(&mut rounds, &mut sockets, &mut probes),
        }
        let late = running().saturating_sub(expected);
        if late > LATENESS {
            tracing::warn!("no target was probed for {late:.1?}: this process, or the machine, was stopped");
        }
        if let Some(next) = rounds.take_view(Instant::now()) {
            view.send_replace(Arc::new(next));
        }
    }
}

/// Starts the probes whose time has come, or as many of them as may go before other work.
fn start_due(rounds: &mut Rounds, sockets: &mut Sockets, probes: &mut JoinSet<(Id, Probed)>) {
    let now = Instant::now();
    for _ in 0..BATCH {
        let Some((id, target)) = rounds.start_one(now) else { return };
        match probe::begin(sockets, target) {
            Begun::Ended(probed) => rounds.ended(id, probed, now),
            Begun::Connecting(connecting) => {
                let target = Arc::clone(target);
                let probe = probes.spawn(async move { (id, connecting.finish(&target).await) });
                rounds.get_mut(id).into_iter().for_each(|tracked| tracked.running = Some(probe.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests;
