//! Schedules the probes and publishes their results.
//!
//! Owns the targets, their automata and the one task that runs them. Must never: let anything but a probe's outcome move
//! an automaton, or keep a probe of a removed target. Started by each daemon once; when is the [timetable]'s decision,
//! what a result means is the [automaton]'s.
//!
//! [timetable]: super::timetable
//! [automaton]: super::automaton

mod tracked;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::probe::{self, Outcome, Probed};
use super::proof::LATENESS;
use super::target::{Before, HealthView, Target, TargetHealth, Verdict};
use super::timetable::{Id, Pace, Timetable};
use crate::running_time::running;
use tracked::{News, Tracked};

/// The targets with, for each, who uses it (`www/web1`, `http0.l.example.net/px-nl1`): for log lines only.
pub type Targets = HashMap<Target, Vec<String>>;

/// Reports of live errors that may wait to be read; more are dropped, since the next error repeats them.
const COMPLAINTS: usize = 256;

/// A view is never older than this, even if nothing changed but `probed`: saved health must stay
/// [fresh](super::saved::FRESH).
const REPUBLISH: Duration = Duration::from_secs(5);

/// Targets never probed before are all probed at once, this far apart, or closer so that the last one is not later than
/// its fast interval.
const FIRST_ROUND_GAP: Duration = Duration::from_millis(1);

/// A handle on the running checker. Cheap to clone; the probes stop when the last handle is dropped.
#[derive(Clone)]
pub struct Checker {
    targets: watch::Sender<Targets>,
    complaints: mpsc::Sender<Target>,
    view: watch::Receiver<Arc<HealthView>>,
}

impl Checker {
    /// Starts probing on the current runtime (a `LocalSet` is not needed). `known` is health handed over by a takeover
    /// or read from the state directory; targets without any start unchecked, or from the verdict of the check that theirs
    /// replaces. The view holds every target at once.
    pub fn start(targets: Targets, known: HealthView) -> Checker {
        let (view_out, view) = watch::channel(Arc::new(HealthView::new()));
        let (targets, targets_in) = watch::channel(targets);
        let (complaints, complaints_in) = mpsc::channel(COMPLAINTS);
        let mut rounds = Rounds::new(view_out);
        rounds.remember(&known);
        rounds.replace(&targets.borrow());
        tokio::spawn(run(rounds, targets_in, complaints_in));
        Checker { targets, complaints, view }
    }

    /// Replaces the targets (a reload): known ones keep their health, those whose check changed their verdict, new ones start
    /// unchecked, removed ones are probed no more. The checker's task does it, soon: until then the view lacks the new ones,
    /// which means unchecked.
    pub fn set_targets(&self, targets: Targets) {
        self.targets.send_replace(targets);
    }

    /// Live traffic had an error with this target: brings its next probe forward to `fast_interval`.
    pub fn hasten(&self, target: &Target) {
        if let Ok(place) = self.complaints.try_reserve() {
            place.send(target.clone());
        }
    }

    /// The present health and every later one; a new value for each change of any automaton or reason. Probes that
    /// change nothing but their time show up every 5 seconds.
    pub fn subscribe(&self) -> watch::Receiver<Arc<HealthView>> {
        self.view.clone()
    }
}

/// The checker's task. Ends with the last handle.
async fn run(mut rounds: Rounds, mut targets: watch::Receiver<Targets>, mut complaints: mpsc::Receiver<Target>) {
    loop {
        let alarm = tokio::time::Instant::from_std(rounds.next_moment());
        let expected = running() + alarm.saturating_duration_since(tokio::time::Instant::now());
        tokio::select! {
            changed = targets.changed() => match changed {
                Ok(()) => rounds.replace(&targets.borrow_and_update()),
                Err(_) => return,
            },
            Some(target) = complaints.recv() => rounds.hasten(&target),
            Some(ended) = rounds.running.join_next() => {
                rounds.ended(ended.ok());
                while let Some(ended) = rounds.running.try_join_next() {
                    rounds.ended(ended.ok());
                }
            }
            () = tokio::time::sleep_until(alarm) => rounds.start_due(),
        }
        let late = running().saturating_sub(expected);
        if late > LATENESS {
            tracing::warn!("no target was probed for {late:.1?}: this process, or the machine, was stopped");
        }
        rounds.publish_if_due();
    }
}

/// All targets and their running probes.
struct Rounds {
    targets: HashMap<Id, Tracked>,
    ids: HashMap<Target, Id>,
    next_id: Id,
    timetable: Timetable,
    running: JoinSet<(Id, Probed)>,
    out: watch::Sender<Arc<HealthView>>,
    news: News,
    published: Instant,
}

impl Rounds {
    fn new(out: watch::Sender<Arc<HealthView>>) -> Rounds {
        let now = Instant::now();
        Rounds {
            targets: HashMap::new(),
            ids: HashMap::new(),
            next_id: 0,
            timetable: Timetable::new(now),
            running: JoinSet::new(),
            out,
            news: News::None,
            published: now,
        }
    }

    /// Takes in what is known before anything is wanted: [`Rounds::replace`] keeps what is of use.
    fn remember(&mut self, known: &HealthView) {
        let now = Instant::now();
        for (place, (target, health)) in known.iter().enumerate() {
            let gap = FIRST_ROUND_GAP.min(target.check.fast_interval / known.len() as u32);
            let before = health.before.as_ref().map(|before| match self.ids.get(&before.target) {
                Some(id) => *id,
                None => self.add(Tracked::new(Arc::new(before.target.clone()), Vec::new(), Some(&before.health)), now),
            });
            match self.ids.get(target).and_then(|id| self.targets.get_mut(id)) {
                Some(tracked) => tracked.before = before,
                None => {
                    let tracked = Tracked::new(Arc::new(target.clone()), Vec::new(), Some(health));
                    let tracked = Tracked { before, ..tracked };
                    // Those that are overdue are not probed all at once; the others keep their rhythm.
                    let is_overdue = tracked.rest_of_interval().is_zero();
                    self.add(tracked, if is_overdue { now + gap * place as u32 } else { now });
                }
            }
        }
    }

    /// Drops the targets that are not in `wanted` and adds those that are new.
    fn replace(&mut self, wanted: &Targets) {
        let (known, added): (Vec<_>, Vec<_>) = wanted.iter().partition(|(target, _)| self.ids.contains_key(*target));
        let origins = self.origins(&added, wanted);
        let gap = |target: &Target| FIRST_ROUND_GAP.min(target.check.fast_interval / added.len().max(1) as u32);
        let now = Instant::now();
        for (place, ((target, users), origin)) in added.iter().zip(origins).enumerate() {
            let (target, users) = (Arc::new((*target).clone()), (*users).clone());
            let first = now + gap(&target) * place as u32;
            let origin = origin.and_then(|id| Some((id, self.targets.get(&id)?)));
            let tracked = match origin {
                Some((id, origin)) => Tracked::replacing(target, users, id, origin),
                None => Tracked::new(target, users, None),
            };
            self.add(tracked, first);
        }
        for tracked in self.targets.values_mut() {
            tracked.wanted = wanted.contains_key(&*tracked.target);
        }
        for (target, users) in known {
            if let Some(tracked) = self.ids.get(target).and_then(|id| self.targets.get_mut(id)) {
                tracked.users.clone_from(users);
            }
        }
        self.sweep();
        self.news = News::Change;
        self.publish_if_due();
    }

    /// For each new target the one whose check it replaces: of the same user, or, where a daemon begins with the health of
    /// another one that knew no users, one that is wanted no more. None if there are two with different verdicts.
    fn origins(&self, added: &[(&Target, &Vec<String>)], wanted: &Targets) -> Vec<Option<Id>> {
        let mut places: HashMap<IpAddr, Vec<Id>> = HashMap::new();
        if !added.is_empty() {
            for (id, tracked) in &self.targets {
                places.entry(tracked.target.address.ip()).or_default().push(*id);
            }
        }
        let origin = |(target, users): &(&Target, &Vec<String>)| {
            let fits = |tracked: &Tracked| {
                target.replaces(&tracked.target)
                    && match tracked.users.is_empty() {
                        true => !wanted.contains_key(&*tracked.target),
                        false => tracked.wanted && tracked.users.iter().any(|user| users.contains(user)),
                    }
            };
            let there = places.get(&target.address.ip()).into_iter().flatten();
            let mut found = there.filter_map(|id| Some((*id, self.targets.get(id).filter(|tracked| fits(tracked))?)));
            let (mut youngest, first) = found.next()?;
            for (id, tracked) in found {
                if tracked.automaton.verdict() != first.automaton.verdict() {
                    return None;
                }
                youngest = youngest.max(id);
            }
            Some(youngest)
        };
        added.iter().map(origin).collect()
    }

    /// Forgets the targets that are neither wanted nor the `before` of one that is.
    fn sweep(&mut self) {
        let wanted = self.targets.values().filter(|tracked| tracked.wanted);
        let before: HashSet<Id> = wanted.filter_map(|tracked| tracked.before).collect();
        let is_gone = |(id, tracked): &(&Id, &Tracked)| !tracked.wanted && !before.contains(id);
        let gone: Vec<Id> = self.targets.iter().filter(is_gone).map(|(id, _)| *id).collect();
        for id in gone {
            self.timetable.remove(id);
            let Some(tracked) = self.targets.remove(&id) else { continue };
            self.ids.remove(&*tracked.target);
            if let Some(probe) = tracked.running {
                probe.abort();
            }
        }
    }

    fn add(&mut self, tracked: Tracked, first: Instant) -> Id {
        let check = &tracked.target.check;
        let pace = Pace { interval: check.interval, fast: check.fast_interval };
        let id = self.next_id;
        self.next_id += 1;
        self.timetable.add(id, pace, first + tracked.rest_of_interval());
        self.ids.insert((*tracked.target).clone(), id);
        self.targets.insert(id, tracked);
        id
    }

    fn hasten(&mut self, target: &Target) {
        let Some(id) = self.ids.get(target) else { return };
        for id in self.targets.get(id).and_then(|tracked| tracked.before).into_iter().chain([*id]) {
            self.timetable.hasten(id, Instant::now());
        }
    }

    /// Starts every probe whose time has come.
    fn start_due(&mut self) {
        while let Some(id) = self.timetable.start_one(Instant::now()) {
            let Some(tracked) = self.targets.get_mut(&id) else { continue };
            let target = Arc::clone(&tracked.target);
            tracked.running = Some(self.running.spawn(async move { (id, probe::in_time(&target).await) }));
        }
    }

    /// Takes the end of a probe, `None` if it was aborted. Probes of removed targets are ignored.
    fn ended(&mut self, result: Option<(Id, Probed)>) {
        let Some((id, probed)) = result else { return };
        let Some(tracked) = self.targets.get_mut(&id) else { return };
        let failed = matches!(probed.outcome, Outcome::Failure(_));
        let news = tracked.take(probed, SystemTime::now());
        let is_proved = !tracked.hearsay && tracked.automaton.verdict() == Verdict::Up;
        let proved = tracked.before.take_if(|_| is_proved);
        // Each failure of a changed check is one for the check before to confirm, however seldom that was asked.
        if let Some(before) = tracked.before.filter(|_| failed) {
            self.timetable.hurry(before, Instant::now());
        }
        self.timetable.ended(id, Instant::now(), !tracked.automaton.in_transition());
        if self.news != News::Change {
            self.news = news;
        }
        if proved.is_some() {
            self.sweep();
        }
    }

    /// When there is something to do next, if nothing happens before.
    fn next_moment(&self) -> Instant {
        let republish = self.published + REPUBLISH;
        self.timetable.next_due().map_or(republish, |due| due.min(republish))
    }

    fn publish_if_due(&mut self) {
        let due = match self.news {
            News::Change => true,
            News::Times | News::None => self.published.elapsed() >= REPUBLISH,
        };
        if !due {
            return;
        }
        self.published = Instant::now();
        if self.news != News::None {
            let wanted = self.targets.values().filter(|tracked| tracked.wanted);
            let view = wanted.map(|tracked| ((*tracked.target).clone(), self.health(tracked))).collect();
            self.out.send_replace(Arc::new(view));
            self.news = News::None;
        }
    }

    fn health(&self, tracked: &Tracked) -> TargetHealth {
        let before = tracked.before.and_then(|id| self.targets.get(&id));
        let before = before.map(|before| Before { target: (*before.target).clone(), health: before.health() });
        TargetHealth { before: before.map(Arc::new), ..tracked.health() }
    }
}

#[cfg(test)]
mod tests;
