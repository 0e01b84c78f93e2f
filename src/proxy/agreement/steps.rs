//! What this proxy may serve, and what it asks of the store.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::step::{Step, restored, step, take_seat, write};
use super::under_way::UnderWay;
use super::view::Votes;
use super::{Effect, Ended, Event, Key, Lease, Mark, Seat, View};
use crate::health::{Proof, Verdict};
use crate::proxy::latch::{Latch, Now};

/// Whether the active backend of a service may be served by agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It may, while our [fence](Agreement::fence) holds.
    Serves,
    /// These have yet to leave what was active before, or to lose their seats.
    Awaits(Vec<String>),
    /// We hold a lease, and have yet to take our seat or to learn what the latch is; or get another lease for one that was ended early.
    Begins,
    /// What the store has of it cannot be read: nobody knows what is agreed.
    Unreadable,
    /// We hold no lease: others may have moved on without us.
    Lapsed,
}

/// Agreement as this proxy knows it.
#[derive(Debug)]
pub struct Agreement {
    own: String,
    lasts: Duration,
    lease: Lease,
    view: Option<View>,
    /// Where the store was when the process before this one saw it last.
    inherited: Option<Mark>,
    /// Since when, and why, nothing is told of what changes; none: it is told. Without a reason: it has only just begun.
    lost: Option<(Duration, Option<String>)>,
    /// The fence of whoever holds no lease.
    lapsed: Proof,
    /// This process has begun with nobody to tell it what is served.
    starts: bool,
    /// Our seat was there once.
    has_sat: bool,
    /// Until then a proxy that has just begun to agree, and has yet to take its seat, serves as it did before.
    joins_until: Duration,
    /// Since when, and why, nothing could be written.
    unwritten: Option<(Duration, String)>,
    under_way: UnderWay,
    /// What is asked of the store, by service.
    wanted: BTreeMap<String, Step>,
    /// At which epochs we stand, by service.
    stands_at: BTreeMap<String, u64>,
    /// Before this nobody moves on: the process before this one may serve until then, or others by leases that the store does not know.
    settled: Duration,
    /// Before this nothing is served by agreement: others may serve by leases that the store does not know.
    quiet: Duration,
    /// Every worker answers from this snapshot.
    workers: u64,
    awaited: u64,
}

impl Agreement {
    /// Knows nothing yet. `lasts`: the lease's time; `settled`: until then the process before this one may serve.
    pub fn new(own: &str, lasts: Duration, settled: Duration, now: Now) -> Agreement {
        Agreement {
            own: own.to_owned(),
            lasts,
            lease: Lease::default(),
            view: None,
            inherited: None,
            lost: Some((now.running, None)),
            lapsed: Proof::lapsed(),
            starts: false,
            has_sat: false,
            joins_until: Duration::ZERO,
            unwritten: None,
            under_way: UnderWay::default(),
            wanted: BTreeMap::new(),
            stands_at: BTreeMap::new(),
            settled,
            quiet: Duration::ZERO,
            workers: 0,
            awaited: 0,
        }
    }

    /// A proxy starts, and nobody hands over to it: what it finds in the store may be of before, as where that was restored a moment ago, and
    /// others may still serve what was agreed since. Those that have been there all the while see that the store has gone back; this one
    /// waits until their leases have run out.
    pub fn starting(self) -> Agreement {
        Agreement { starts: true, ..self }
    }

    /// A process that takes over goes on from what the one before it has seen of the store, if that saw it.
    pub fn succeeding(self, inherited: Option<Mark>) -> Agreement {
        Agreement { inherited, ..self }
    }

    /// A proxy that serves begins to agree: until it has taken its seat, and for the time of a lease at most, it serves as it did before.
    pub fn joining(self, now: Now) -> Agreement {
        Agreement { joins_until: now.running + self.lasts, ..self }
    }

    /// Whether this proxy serves as it did before it began to agree.
    pub fn is_joining(&self, now: Now) -> bool {
        !self.has_sat && now.running < self.joins_until
    }

    /// Whether this is nothing but our lease renewed in time, which it takes in: nothing follows from that.
    pub fn is_routine(&mut self, event: &Event, now: Now) -> bool {
        match event {
            Event::Leased { id, asked, lasts } if self.lease.id(now.running) == Some(*id) => {
                !self.lease.renew(*id, *asked, *lasts, now.running)
            }
            _ => false,
        }
    }

    /// Takes in what happened.
    pub fn take_in(&mut self, event: Event, now: Now) {
        match event {
            Event::Known(view) => {
                // A store that has gone back, or is empty though something has moved, forgot who may serve: their leases run out first. So they
                // do where nobody can tell whether it has gone back. A proxy that has only just begun to agree goes on as before; but it moves
                // on no sooner either.
                let has_moved = self.stands_at.values().any(|epoch| *epoch > 0);
                let is_emptied = self.view.is_none() && has_moved && view.has_no_latches();
                let forgot = is_emptied
                    || match self.seen() {
                        Some(before) => !view.mark.follows(&before),
                        None => self.starts,
                    };
                if forgot {
                    self.starts &= self.view.is_none();
                    let goes_on = self.view.is_none() && self.is_joining(now);
                    self.settled = self.settled.max(now.running + self.lasts);
                    self.quiet = if goes_on { self.quiet } else { now.running + self.lasts };
                }
                (self.view, self.lost) = (Some(view), None);
                self.under_way.doubt(now.running);
            }
            Event::Changed { revision, entries } => {
                if let Some(view) = &mut self.view {
                    view.change(revision, entries);
                }
            }
            Event::Lost(why) => match &mut self.lost {
                Some((_, before)) => *before = Some(why),
                lost => *lost = Some((now.running, Some(why))),
            },
            Event::Leased { id, asked, lasts } => {
                self.lease.renew(id, asked, lasts, now.running);
            }
            Event::LeaseEnded => {
                // What has ended ours early may have ended others', who have yet to hear of it: they serve what they did until theirs would have
                // lapsed, and nothing else is served here before.
                if self.lease.proof(now.running).is_some() {
                    self.settled = self.settled.max(now.running + self.lasts);
                }
                self.lease.end();
            }
            Event::Ended { ticket, how } => {
                self.note_refusal(&how, now);
                self.under_way.end(ticket, &how, now.running);
            }
            Event::Workers(generation) => self.workers = self.workers.max(generation),
        }
        self.note_seat(now);
    }

    /// A store that is read and not written to looks well from outside.
    fn note_refusal(&mut self, how: &Ended, now: Now) {
        match how {
            Ended::Unknown(why) => {
                let since = self.unwritten.take().map_or(now.running, |(since, _)| since);
                self.unwritten = Some((since, why.clone()));
            }
            Ended::Written(_) => self.unwritten = None,
            Ended::Refused => {}
        }
    }

    /// Why nothing could be written for the time of a lease, if it is so.
    pub fn unwritten(&self, now: Now) -> Option<&str> {
        let (since, why) = self.unwritten.as_ref()?;
        // While it is not heard at all, that is what is wrong.
        (self.lost.is_none() && now.running.saturating_sub(*since) > self.lasts).then_some(why)
    }

    /// A seat under another lease is one of before we began to agree.
    fn note_seat(&mut self, now: Now) {
        let Some(lease) = self.lease.id(now.running) else { return };
        let seat = self.view.as_ref().and_then(|view| view.seat(&self.own));
        self.has_sat |= seat.is_some_and(|seat| seat.lease == lease);
    }

    /// Changes the lease's time, from the next lease on.
    pub fn reload(&mut self, lasts: Duration) {
        self.lasts = lasts;
    }

    /// What the store has of a service's latch.
    pub fn latch(&self, service: &str) -> Option<&Latch> {
        self.view.as_ref()?.latch(service).map(|(latch, _)| latch)
    }

    /// Since when, and why, we are not told what changes; none: we are.
    pub fn lost(&self) -> Option<(Duration, &str)> {
        self.lost.as_ref().map(|(since, why)| (*since, why.as_deref().unwrap_or("not connected yet")))
    }

    /// Whether steps can be asked for: we are told what changes, and hold a lease.
    pub fn can_step(&self, now: Now) -> bool {
        self.lost.is_none() && self.lease.id(now.running).is_some()
    }

    /// Why a step of a service cannot be asked for; none: it can.
    pub fn why_no_step(&self, service: &str, now: Now) -> Option<&str> {
        match self.lost() {
            Some((_, why)) => Some(why),
            None if !self.can_step(now) => Some("this proxy holds no lease"),
            None => self.is_unreadable(service).then_some("what etcd has of the service's latch cannot be read"),
        }
    }

    /// Whether the store has a latch of this service that cannot be read.
    pub fn is_unreadable(&self, service: &str) -> bool {
        self.view.as_ref().is_some_and(|view| is_unreadable(view, service))
    }

    /// Where the store was when it was seen last.
    pub fn seen(&self) -> Option<Mark> {
        self.view.as_ref().map(|view| view.mark).or(self.inherited)
    }

    /// Whether a process that takes over waits as this one does: others may serve by leases that the store does not know.
    pub fn waits(&self, now: Now) -> bool {
        self.is_quiet_for(now).is_some() || self.starts && self.view.is_none()
    }

    /// Whether that is so because this proxy has just started, and not because the store has gone back before its eyes.
    pub fn has_just_started(&self) -> bool {
        self.starts
    }

    /// For how long nothing is served by agreement yet, where others may serve by leases that the store does not know.
    pub fn is_quiet_for(&self, now: Now) -> Option<Duration> {
        self.quiet.checked_sub(now.running).filter(|left| !left.is_zero() && self.view.is_some())
    }

    /// What the seats say of a backend.
    pub fn votes(&self, service: &str, subject: &str) -> Votes {
        self.view.as_ref().map(|view| view.votes(service, subject)).unwrap_or_default()
    }

    /// What is known of the store.
    pub fn view(&self) -> Option<&View> {
        self.view.as_ref()
    }

    /// Whether the active backend of a service may be served, where this latch is in force here.
    pub fn standing(&self, service: &str, latch: &Latch, now: Now) -> Standing {
        let Some(id) = self.lease.id(now.running) else {
            return if self.lease.was_ended_early(now.running) { Standing::Begins } else { Standing::Lapsed };
        };
        let Some(view) = self.view.as_ref().filter(|_| now.running >= self.quiet) else { return Standing::Begins };
        if is_unreadable(view, service) {
            return Standing::Unreadable;
        }
        if !self.is_waited_for(service, id) || !self.latch(service).is_some_and(|agreed| agreed.is_same_move(latch)) {
            return Standing::Begins;
        }
        let behind: Vec<String> = view.behind(&self.own, service, latch.epoch).cloned().collect();
        match (self.stands(service, latch.epoch), behind.is_empty()) {
            (true, true) => Standing::Serves,
            (false, true) => Standing::Awaits(vec![self.own.clone()]),
            (_, false) => Standing::Awaits(behind),
        }
    }

    /// Until when something may be sent to a backend, or passed on from it, without another word from the store.
    pub fn fence(&self, now: Now) -> Proof {
        self.lease.proof(now.running).unwrap_or(&self.lapsed).clone()
    }

    /// Whether the others wait for us before they serve another backend of this service: we hold this lease, and our seat is there.
    fn is_waited_for(&self, service: &str, lease: i64) -> bool {
        let seat = self.view.as_ref().and_then(|view| view.seat(&self.own));
        seat.is_some_and(|seat| seat.lease == lease && seat.stands_at.contains_key(service))
    }

    /// Whether requests that run on the active backend may go on: nobody serves another one without us. Until we have sat down for the
    /// first time nobody could know of us, and nothing is cut for that.
    pub fn lets_run(&self, service: &str, now: Now) -> bool {
        !self.has_sat || self.lease.id(now.running).is_some_and(|lease| self.is_waited_for(service, lease))
    }

    /// Asks for a step, until it is made, or another one is. One that is asked for already stays as it is.
    pub fn want(&mut self, service: &str, step: Step) {
        let is_alike = |known: &Step| {
            (known.next.epoch, &known.next.active, &known.condemned)
                == (step.next.epoch, &step.next.active, &step.condemned)
        };
        if !self.wanted.get(service).is_some_and(is_alike) {
            self.wanted.insert(service.to_owned(), step);
        }
    }

    /// What is asked for.
    pub fn wanted(&self, service: &str) -> Option<&Step> {
        self.wanted.get(service)
    }

    /// Asks for it no more.
    pub fn unwant(&mut self, service: &str) {
        self.wanted.remove(service);
    }

    /// Asks to be told when every worker answers from this snapshot.
    pub fn await_workers(&mut self, generation: u64) -> Option<Effect> {
        if self.workers >= generation || self.awaited >= generation {
            return None;
        }
        self.awaited = generation;
        Some(Effect::AwaitWorkers(generation))
    }

    /// Whether every worker answers from this snapshot.
    pub fn has_workers_at(&self, generation: u64) -> bool {
        self.workers >= generation
    }

    /// Whether we stand at this epoch of a service.
    pub fn stands(&self, service: &str, epoch: u64) -> bool {
        self.stands_at.get(service).is_some_and(|stands_at| *stands_at >= epoch)
    }

    /// Nothing that was active before this epoch of a service is served here any more.
    pub fn stand_at(&mut self, service: &str, epoch: u64, now: Now) {
        let stands_at = self.stands_at.entry(service.to_owned()).or_insert(epoch);
        if now.running >= self.settled {
            *stands_at = epoch.max(*stands_at);
        }
    }

    /// Only these services are in our document.
    pub fn keep_services(&mut self, services: &BTreeSet<&str>) {
        self.stands_at.retain(|service, _| services.contains(&**service));
        self.wanted.retain(|service, _| services.contains(&**service));
    }

    /// What is to be written now. `ours`: the latches in force here by service, which are written where the store's are older or missing.
    pub fn settle<'l>(
        &mut self,
        ours: impl Iterator<Item = (&'l str, &'l Latch)>,
        verdicts: BTreeMap<String, Verdict>,
        now: Now,
    ) -> Vec<Effect> {
        let revision = self.view.as_ref().map_or(0, |view| view.mark.revision);
        self.under_way.forget_what_has_ended(revision, now.running);
        let Some(view) = self.view.as_ref().filter(|_| self.lost.is_none()) else { return Vec::new() };
        let Some(lease) = self.lease.id(now.running) else {
            // Nobody is surprised by what he has given up on.
            self.wanted.clear();
            return Vec::new();
        };
        self.wanted.retain(|service, step| {
            let agreed = view.latch(service).map_or(0, |(latch, _)| latch.epoch);
            step.next.epoch == agreed.saturating_add(1) && !is_unreadable(view, service)
        });
        let ours: Vec<(&str, &Latch)> = ours.collect();
        let lost = || ours.iter().filter_map(|(service, latch)| Some((*service, restored(service, latch, view)?)));
        let is_another = |(service, ours): &(&str, &Latch)| {
            view.latch(service).is_some_and(|(agreed, _)| agreed.epoch == ours.epoch && !agreed.is_same_move(ours))
        };
        let seat = Seat { lease, stands_at: self.stands_at.clone(), verdicts };
        let known = view.seat(&self.own);
        // Nobody waits for whoever sits down once he stands where the latches are; and whoever sits down once the store has his latches
        // serves from that moment on: one that has served before goes on without a gap.
        let sits = known.is_some_and(|known| known.lease == lease);
        let is_late = |(service, at): (&String, &u64)| view.latch(service).is_some_and(|(latch, _)| latch.epoch > *at);
        let stands = || !self.stands_at.iter().any(is_late) && !ours.iter().any(is_another) && lost().next().is_none();
        let may_sit_down = sits || stands();
        let sits_down = known != Some(&seat) && may_sit_down && !self.under_way.writes(&Key::Seat(self.own.clone()));
        let seat = sits_down.then(|| take_seat(&self.own, &seat, view));
        let is_free = |service: &str| !self.under_way.writes(&Key::Latch(service.to_owned()));
        let wanted = self.wanted.iter().filter(|(service, _)| is_free(service));
        let steps = wanted.filter_map(|(service, wanted)| step(service, wanted, view));
        let lost = lost().filter(|(service, _)| is_free(service)).map(|(_, draft)| draft);
        let latches = write(steps.chain(lost), view);
        // Of what nobody knew whether it was written, it is known now: nothing is left to be.
        if seat.is_none() && latches.is_empty() && self.under_way.is_empty() {
            self.unwritten = None;
        }
        seat.into_iter().chain(latches).map(|transaction| self.under_way.begin(transaction)).collect()
    }

    /// Whether our first words with the store are under way, or something of ours is: a start is not ready before that has ended.
    pub fn is_settling(&self) -> bool {
        let has_only_begun = matches!(self.lost, Some((_, None)));
        has_only_begun || self.lost.is_none() && !self.has_sat || !self.under_way.is_empty()
    }

    /// The next moment at which something is to be tried again, or comes out otherwise though nothing happens.
    pub fn wakes(&self, now: Now) -> Option<Duration> {
        let retries = self.under_way.retries();
        retries
            .chain(self.lease.lapses(now.running))
            .chain([self.settled, self.quiet, self.joins_until])
            .filter(|at| *at > now.running)
            .min()
    }
}

/// Whether the store has something as the latch of this service, and it cannot be read.
fn is_unreadable(view: &View, service: &str) -> bool {
    view.latch(service).is_none() && view.has_latch(service)
}
