//! Schedules the probes and publishes their results.
//!
//! Owns the targets, their automata and the one task that runs them. Must never: let anything but a probe's outcome move
//! an automaton, or keep a probe of a removed target. Started by each daemon once; when is the [timetable]'s decision,
//! what a result means is the [automaton]'s.
//!
//! [timetable]: super::timetable
//! [automaton]: super::automaton

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::automaton::{Automaton, Change};
use super::probe::{self, Outcome};
use super::target::{Before, HealthView, Target, TargetHealth, Verdict};
use super::timetable::{Id, Pace, Timetable};

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

/// The reason shown for a target before its first probe.
const NOT_YET: &str = "not probed yet";

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
        rounds.publish_if_due();
    }
}

/// All targets and their running probes.
struct Rounds {
    targets: HashMap<Id, Tracked>,
    ids: HashMap<Target, Id>,
    next_id: Id,
    timetable: Timetable,
    running: JoinSet<(Id, Outcome)>,
    out: watch::Sender<Arc<HealthView>>,
    news: News,
    published: Instant,
}

/// How the published view is outdated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum News {
    /// Nothing.
    None,
    /// Times only.
    Times,
    /// Something that readers act on or show.
    Change,
}

/// One target.
struct Tracked {
    target: Arc<Target>,
    users: Vec<String>,
    /// It is in the view; otherwise it is probed for another one's `before`.
    wanted: bool,
    /// The target whose check this one's replaced, until this one is up by its own probes.
    before: Option<Id>,
    hearsay: bool,
    automaton: Automaton,
    /// Of the last probe, to tell a new reason from the old one in other milliseconds.
    last: Option<Outcome>,
    reason: Arc<str>,
    since: SystemTime,
    probed: Option<SystemTime>,
    changes: u64,
    running: Option<AbortHandle>,
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
            tracked.running = Some(self.running.spawn(async move { (id, probe::probe(&target).await) }));
        }
    }

    /// Takes the end of a probe, `None` if it was aborted. Probes of removed targets are ignored.
    fn ended(&mut self, result: Option<(Id, Outcome)>) {
        let Some((id, outcome)) = result else { return };
        let Some(tracked) = self.targets.get_mut(&id) else { return };
        let failed = matches!(outcome, Outcome::Failure(_));
        let news = tracked.take(outcome, SystemTime::now());
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

impl Tracked {
    fn new(target: Arc<Target>, users: Vec<String>, known: Option<&TargetHealth>) -> Tracked {
        let (rise, fall) = (target.check.rise, target.check.fall);
        let known = known.filter(|known| known.verdict != Verdict::Unchecked);
        Tracked {
            automaton: known
                .map_or_else(|| Automaton::unchecked(rise, fall), |known| Automaton::resumed(rise, fall, known.health)),
            last: None,
            reason: known.map_or_else(|| NOT_YET.into(), |known| Arc::clone(&known.reason)),
            since: known.map_or_else(SystemTime::now, |known| known.since),
            probed: known.and_then(|known| known.probed),
            changes: known.map_or(0, |known| known.changes),
            running: None,
            wanted: false,
            before: None,
            hearsay: known.is_none_or(|known| known.hearsay),
            target,
            users,
        }
    }

    /// A target whose check replaces that of `origin`: its verdict stands until the new check says otherwise.
    fn replacing(target: Arc<Target>, users: Vec<String>, id: Id, origin: &Tracked) -> Tracked {
        let automaton = origin.automaton.with(target.check.rise, target.check.fall);
        let before = origin.before.unwrap_or(id);
        Tracked {
            automaton,
            reason: Arc::clone(&origin.reason),
            since: origin.since,
            probed: origin.probed,
            changes: origin.changes,
            before: Some(before),
            ..Tracked::new(target, users, None)
        }
    }

    /// How long the first probe can wait: a target handed over keeps the rhythm it had, and a changed check is tried at once.
    fn rest_of_interval(&self) -> Duration {
        let check = &self.target.check;
        if self.before.is_some() && self.last.is_none() {
            return Duration::ZERO;
        }
        let Some(probed) = self.probed else { return Duration::ZERO };
        let pause = if self.automaton.in_transition() { check.fast_interval } else { check.interval };
        let age = probed.elapsed().unwrap_or(Duration::ZERO);
        pause.saturating_sub(age)
    }

    /// Takes the outcome of one probe.
    fn take(&mut self, outcome: Outcome, now: SystemTime) -> News {
        self.running = None;
        let before = self.automaton;
        let change = match &outcome {
            Outcome::Success { .. } => self.automaton.success(),
            Outcome::Failure(_) => self.automaton.failure(),
            Outcome::LocalError(_) => None,
        };
        if !matches!(outcome, Outcome::LocalError(_)) {
            self.probed = Some(now);
        }
        let was_hearsay = self.hearsay;
        self.hearsay &= !matches!(outcome, Outcome::Success { .. });
        self.reason = outcome.reason().into();
        let same_kind = self.last.as_ref().is_some_and(|last| last.same_kind(&outcome));
        if let (Outcome::LocalError(reason), false) = (&outcome, same_kind) {
            tracing::warn!("check of {} ignored: {reason}", self.named());
        }
        self.last = Some(outcome);
        if let Some(change) = change {
            self.since = now;
            self.changes += 1;
            self.log(change);
        }
        if same_kind && before == self.automaton && was_hearsay == self.hearsay { News::Times } else { News::Change }
    }

    fn log(&self, Change { from, to }: Change) {
        let (named, reason) = (self.named(), &self.reason);
        match to {
            Verdict::Down => tracing::warn!("check of {named}: {from} -> {to}: {reason}"),
            Verdict::Up | Verdict::Unchecked => tracing::info!("check of {named}: {from} -> {to}: {reason}"),
        }
    }

    /// `www/web1, shop/web1 (127.0.0.1:80, GET /healthz)`.
    fn named(&self) -> String {
        let Target { address, check } = &*self.target;
        let users = self.users.join(", ");
        format!("{users} ({address}, {})", check.kind)
    }

    fn health(&self) -> TargetHealth {
        TargetHealth {
            verdict: self.automaton.verdict(),
            health: self.automaton.health(),
            reason: Arc::clone(&self.reason),
            since: self.since,
            probed: self.probed,
            changes: self.changes,
            hearsay: self.hearsay,
            before: None,
        }
    }
}

#[cfg(test)]
mod tests;
