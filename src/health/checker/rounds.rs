//! All targets, and what follows for them from time and from probes (`now` is passed in, nothing is probed here).
//!
//! Owns the targets, their automata, and the view of them. Must never: keep a probe of a removed target.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::super::probe::{Outcome, Probed};
use super::super::target::{Before, Target, Targets, Verdict};
use super::super::timetable::{Id, Pace, Timetable};
use super::super::view::HealthView;
use super::tracked::{News, Tracked};

/// A view is never older than this, even if nothing changed but `probed`: saved health must stay
/// [fresh](super::super::saved::FRESH).
const REPUBLISH: Duration = Duration::from_secs(5);

/// Readers may look at every target of a new view, which takes them less than this for each. The next one is not published before,
/// so that no storm of changes keeps them, or the probes, from their work.
const READING: Duration = Duration::from_micros(1);

/// Targets never probed before are all probed at once, this far apart, or closer so that the last one is not later than
/// its fast interval.
const FIRST_ROUND_GAP: Duration = Duration::from_millis(1);

/// All of it.
pub(super) struct Rounds {
    targets: HashMap<Id, Tracked>,
    ids: HashMap<Arc<Target>, Id>,
    next_id: Id,
    timetable: Timetable,
    /// Of the targets that are wanted; what is published is a copy. Times that alone have changed are not in it yet.
    view: HealthView,
    /// What has happened since a view was published.
    news: News,
    published: Option<Instant>,
    /// When every time was in the view.
    timed: Instant,
}

impl Rounds {
    pub(super) fn new(now: Instant) -> Rounds {
        Rounds {
            targets: HashMap::new(),
            ids: HashMap::new(),
            next_id: 0,
            timetable: Timetable::new(now),
            view: HealthView::new(),
            news: News::Change,
            published: None,
            timed: now,
        }
    }

    /// Takes in what is known before anything is wanted: [`Rounds::replace`] keeps what is of use.
    pub(super) fn remember(&mut self, known: &HealthView, now: Instant) {
        for (place, (target, health)) in known.iter().enumerate() {
            let gap = FIRST_ROUND_GAP.min(target.check.fast_interval / known.len() as u32);
            let before = health.before.as_ref().map(|before| match self.ids.get(&before.target) {
                Some(id) => *id,
                None => self.add(Tracked::new(Arc::new(before.target.clone()), Vec::new(), Some(&before.health)), now),
            });
            let known = self.ids.get(target).copied();
            let id = known.unwrap_or_else(|| {
                let tracked = Tracked::new(Arc::new(target.clone()), Vec::new(), Some(health));
                // Those that are overdue are not probed all at once; the others keep their rhythm.
                let is_overdue = before.is_some() || tracked.rest_of_interval().is_zero();
                self.add(tracked, if is_overdue { now + gap * place as u32 } else { now })
            });
            if let Some(before) = before {
                self.put_before(id, before);
            }
        }
    }

    /// Drops the targets that are not in `wanted` and adds those that are new.
    pub(super) fn replace(&mut self, wanted: &Targets, now: Instant) {
        let (known, added): (Vec<_>, Vec<_>) = wanted.iter().partition(|(target, _)| self.ids.contains_key(*target));
        let origins = self.origins(&added, wanted);
        let gap = |target: &Target| FIRST_ROUND_GAP.min(target.check.fast_interval / added.len().max(1) as u32);
        for (place, ((target, users), origin)) in added.iter().zip(origins).enumerate() {
            let first = now + gap(target) * place as u32;
            let (target, users) = (Arc::new((*target).clone()), (*users).clone());
            let tracked = match origin.and_then(|id| Some((id, self.targets.get(&id)?))) {
                Some((id, origin)) => Tracked::replacing(target, users, id, origin),
                None => Tracked::new(target, users, None),
            };
            let before = tracked.before;
            let id = self.add(tracked, first);
            if let Some(before) = before {
                self.put_before(id, before);
            }
        }
        for (target, users) in known {
            if let Some(tracked) = self.ids.get(target).and_then(|id| self.targets.get_mut(id)) {
                tracked.users.clone_from(users);
            }
        }
        let mut shown = Vec::with_capacity(wanted.len());
        for tracked in self.targets.values_mut() {
            tracked.place = wanted.contains_key(&*tracked.target).then_some(shown.len());
            shown.extend(tracked.place.map(|_| (tracked.target.clone(), tracked.health.clone())));
        }
        self.view = shown.into_iter().collect();
        let unwanted: Vec<Id> = self.targets.iter().filter(|(_, one)| one.place.is_none()).map(|(id, _)| *id).collect();
        unwanted.into_iter().for_each(|id| self.forget_if_useless(id));
        let changed: Vec<Id> = self.targets.iter().filter(|(_, one)| one.before.is_some()).map(|(id, _)| *id).collect();
        changed.into_iter().for_each(|id| self.show(id));
        (self.news, self.published) = (News::Change, None);
    }

    /// For each new target the one whose check it replaces: of the same user, or, where a daemon begins with the health of
    /// another one that knew no users, one that is wanted no more. None if there are two with different verdicts.
    fn origins(&self, added: &[(&Target, &Vec<String>)], wanted: &Targets) -> Vec<Option<Id>> {
        // By address and user, of which it is enough to look at the first, or at none.
        let mut places: HashMap<(IpAddr, Option<&str>), Vec<Id>> = HashMap::new();
        if !added.is_empty() {
            for (id, tracked) in &self.targets {
                let ip = tracked.target.address.ip();
                if tracked.users.is_empty() && !wanted.contains_key(&*tracked.target) {
                    places.entry((ip, None)).or_default().push(*id);
                }
                for user in tracked.users.iter().filter(|_| tracked.place.is_some()) {
                    places.entry((ip, Some(user))).or_default().push(*id);
                }
            }
        }
        let origin = |(target, users): &(&Target, &Vec<String>)| {
            let ip = target.address.ip();
            let users = users.iter().map(|user| Some(user.as_str())).chain([None]);
            let there = users.filter_map(|user| places.get(&(ip, user))).flatten();
            let mut found =
                there.filter_map(|id| Some((*id, self.targets.get(id).filter(|one| target.replaces(&one.target))?)));
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

    fn put_before(&mut self, id: Id, before: Id) {
        if let Some(tracked) = self.targets.get_mut(&id) {
            tracked.before = Some(before);
        }
        if let Some(before) = self.targets.get_mut(&before) {
            before.after.push(id);
        }
    }

    /// Forgets a target that is neither wanted nor the `before` of one that is, and then perhaps its own.
    fn forget_if_useless(&mut self, id: Id) {
        if self.targets.get(&id).is_none_or(|tracked| tracked.place.is_some() || !tracked.after.is_empty()) {
            return;
        }
        self.timetable.remove(id);
        let Some(tracked) = self.targets.remove(&id) else { return };
        self.ids.remove(&*tracked.target);
        if let Some(before) = tracked.before {
            self.part(id, before);
        }
    }

    /// One target needs another one's `before` no more.
    fn part(&mut self, id: Id, before: Id) {
        if let Some(before) = self.targets.get_mut(&before) {
            before.after.retain(|after| *after != id);
        }
        self.forget_if_useless(before);
    }

    fn add(&mut self, tracked: Tracked, first: Instant) -> Id {
        let check = &tracked.target.check;
        let pace = Pace { interval: check.interval, fast: check.fast_interval };
        let id = self.next_id;
        self.next_id += 1;
        self.timetable.add(id, pace, first + tracked.rest_of_interval());
        self.ids.insert(tracked.target.clone(), id);
        self.targets.insert(id, tracked);
        id
    }

    /// Live traffic had an error with a target.
    pub(super) fn hasten(&mut self, target: &Target, now: Instant) {
        let Some(id) = self.ids.get(target) else { return };
        for id in self.targets.get(id).and_then(|tracked| tracked.before).into_iter().chain([*id]) {
            self.timetable.hasten(id, now);
        }
    }

    /// Somebody waits to know how a target is now.
    pub(super) fn ask(&mut self, target: &Target, now: Instant) {
        self.ids.get(target).into_iter().for_each(|id| self.timetable.ask(*id, now));
    }

    /// One target whose time has come: its probe begins now, and [`Rounds::ended`] is told its outcome.
    pub(super) fn start_one(&mut self, now: Instant) -> Option<(Id, &Arc<Target>)> {
        let id = self.timetable.start_one(now)?;
        Some((id, &self.targets.get(&id)?.target))
    }

    /// The target whose probe goes on.
    pub(super) fn get_mut(&mut self, id: Id) -> Option<&mut Tracked> {
        self.targets.get_mut(&id)
    }

    /// Takes the end of a probe. That of a removed target is ignored.
    pub(super) fn ended(&mut self, id: Id, probed: Probed, now: Instant) {
        let Some(tracked) = self.targets.get_mut(&id) else { return };
        let failed = matches!(probed.outcome, Outcome::Failure(_));
        let news = tracked.take(probed, SystemTime::now());
        let settled = !tracked.automaton.in_transition();
        let is_proved = !tracked.health.hearsay && tracked.automaton.verdict() == Verdict::Up;
        let proved = tracked.before.take_if(|_| is_proved);
        // Each failure of a changed check is one for the check before to confirm, however seldom that was asked.
        if let Some(before) = tracked.before.filter(|_| failed) {
            self.timetable.hurry(before, now);
        }
        self.timetable.ended(id, now, settled);
        self.news = self.news.max(news);
        if news == News::Change {
            self.show(id);
        }
        if let Some(before) = proved {
            self.part(id, before);
        }
    }

    /// Brings the view up to date with a target, and with those that show it as their `before`.
    fn show(&mut self, id: Id) {
        let Rounds { targets, view, .. } = self;
        let Some(tracked) = targets.get(&id) else { return };
        let others = tracked.after.iter().filter_map(|id| targets.get(id));
        others.chain([tracked]).for_each(|shown| show(shown, targets, view));
    }

    /// When there is something to do next, if nothing happens before.
    pub(super) fn next_moment(&self, now: Instant) -> Instant {
        let publish = self.next_publication(now);
        self.timetable.next_due().map_or(publish, |due| due.min(publish))
    }

    /// The view, if it is to be published now.
    pub(super) fn take_view(&mut self, now: Instant) -> Option<HealthView> {
        if now < self.next_publication(now) {
            return None;
        }
        self.published = Some(now);
        if now >= self.timed + REPUBLISH {
            self.timed = now;
            self.targets.values().for_each(|tracked| show(tracked, &self.targets, &mut self.view));
        }
        let news = std::mem::replace(&mut self.news, News::None);
        (news != News::None).then(|| self.view.clone())
    }

    fn next_publication(&self, now: Instant) -> Instant {
        let Some(published) = self.published else { return now };
        match self.news {
            News::Change => published + READING * u32::try_from(self.view.len()).unwrap_or(u32::MAX),
            News::Times | News::None => self.timed + REPUBLISH,
        }
    }
}

/// Brings a view up to date with one target.
fn show(shown: &Tracked, targets: &HashMap<Id, Tracked>, view: &mut HealthView) {
    let Some(health) = shown.place.and_then(|place| view.at_mut(place)) else { return };
    health.clone_from(&shown.health);
    let before = shown.before.and_then(|id| targets.get(&id));
    let before = before.map(|one| Before { target: (*one.target).clone(), health: one.health.clone() });
    health.before = before.map(Arc::new);
}

#[cfg(test)]
mod tests;
