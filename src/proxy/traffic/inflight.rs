//! What every connection of a worker is doing, so that a new snapshot or a drain reaches it.
//!
//! One entry a connection, for its whole life: a request writes where it runs into it and allocates nothing. Only the
//! worker's own tasks touch it. It must never close anything itself: it gives an order, the connection obeys.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use slab::Slab;

use super::admission::{Admitted, RESERVE, Slot, SlotKind};
use super::lineup::Lineup;
use super::view::View;
use super::worker::WorkerCounters;
use crate::api::operator::OperatorState;
use crate::health::Verdict;
use crate::proxy::snapshot::{LatchView, Service, ServiceMode};

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Accepted, and has sent nothing yet.
    Fresh,
    /// Between two requests.
    Idle,
    /// Within a request's head.
    Head,
    /// Its request is at hand: being vetted, answered here.
    Busy,
    /// Waiting for a verdict.
    Waiting,
    /// Connecting to a backend, or waiting for its first byte. `movable`: the request can go elsewhere.
    Asking {
        /// The request can be sent again.
        movable: bool,
    },
    /// Passing a response or a tunnel's bytes on.
    Answering,
    /// All is said; the client may still be sending.
    Lingering,
}

impl Phase {
    /// No request is under way: the connection may be closed for another one.
    fn is_evictable(self) -> bool {
        matches!(self, Phase::Fresh | Phase::Idle | Phase::Head | Phase::Lingering)
    }
}

/// What a connection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Leave this backend and choose again.
    Move,
    /// Leave this backend; the service has failed away from it.
    Abort,
    /// There is a new snapshot to choose from.
    ChooseAgain,
    /// The drain has gone on for a moment: close, nothing runs here.
    Close,
    /// Another connection has your slot: close, unless a request has come.
    Evict,
    /// The drain's limit has passed: close, whatever you do.
    Kill,
}

/// Where a request runs.
#[derive(Clone)]
struct Place {
    view: Rc<View>,
    service: usize,
    backend: usize,
}

/// How many of those who wait longest are looked at for one that can be evicted. More than the reserve holds.
const LOOK: usize = 2 * RESERVE;

/// One connection.
pub struct Entry {
    number: usize,
    evictable: Rc<Evictable>,
    admitted: RefCell<Option<Admitted>>,
    phase: Cell<Phase>,
    place: RefCell<Option<Place>>,
    order: Cell<Option<Order>>,
    waker: RefCell<Option<Waker>>,
}

/// The connections that may be evicted now, and the count of them for the other workers.
struct Evictable {
    lineup: RefCell<Lineup>,
    counters: Arc<WorkerCounters>,
}

impl Evictable {
    fn change(&self, change: impl FnOnce(&mut Lineup)) {
        let mut lineup = self.lineup.borrow_mut();
        change(&mut lineup);
        self.counters.evictable.store(lineup.len() as u64, Ordering::Relaxed);
    }
}

impl Entry {
    /// Goes on to another phase. An order given for the last one counts no more, but for the last order of all. Who may
    /// be evicted in the new phase joins the others at their end.
    pub fn enter(&self, phase: Phase) {
        let last = self.phase.replace(phase);
        if phase.is_evictable() {
            self.evictable.change(|lineup| lineup.join(self.number));
        } else if last.is_evictable() {
            self.evictable.change(|lineup| lineup.leave(self.number));
        }
        if self.order.get() != Some(Order::Kill) {
            self.order.set(None);
        }
    }

    /// What the connection does.
    pub fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// What its slot is good for; none: it was evicted.
    pub fn slot(&self) -> Option<SlotKind> {
        self.admitted.borrow().as_ref().map(|admitted| admitted.slot.kind())
    }

    /// Is admitted again after it was evicted.
    pub fn hold(&self, admitted: Admitted) {
        *self.admitted.borrow_mut() = Some(admitted);
    }

    /// Takes this slot and gives back the one held.
    pub fn change_slot(&self, slot: Slot) {
        if let Some(admitted) = self.admitted.borrow_mut().as_mut() {
            admitted.slot = slot;
        }
    }

    /// A request is on its way to a backend.
    pub fn ask(&self, view: &Rc<View>, service: usize, backend: usize, movable: bool) {
        self.enter(Phase::Asking { movable });
        *self.place.borrow_mut() = Some(Place { view: Rc::clone(view), service, backend });
    }

    /// It has left the backend.
    pub fn leave(&self) {
        self.enter(Phase::Busy);
        *self.place.borrow_mut() = None;
    }

    /// The next order.
    pub fn poll_order(&self, context: &mut Context<'_>) -> Poll<Order> {
        if let Some(order) = self.order.take() {
            if order == Order::Kill {
                self.order.set(Some(order));
            }
            return Poll::Ready(order);
        }
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    /// Waits for the next order.
    pub async fn order(&self) -> Order {
        std::future::poll_fn(|context| self.poll_order(context)).await
    }

    fn give(&self, order: Order) {
        self.order.set(Some(order));
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }
}

/// Every connection of one worker.
pub struct Registry {
    entries: RefCell<Slab<Rc<Entry>>>,
    evictable: Rc<Evictable>,
}

/// What a new snapshot says of a backend that a request runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stay,
    /// Down, in maint or gone.
    Unfit,
    /// The service's latch names another one.
    FailedAway,
}

impl Registry {
    /// Without a connection. How many can be evicted stands in `counters`.
    pub fn new(counters: Arc<WorkerCounters>) -> Registry {
        Registry { entries: RefCell::default(), evictable: Rc::new(Evictable { lineup: RefCell::default(), counters }) }
    }

    /// A new connection; to be given back to [`Registry::remove`].
    pub fn add(&self, admitted: Admitted) -> Rc<Entry> {
        let mut entries = self.entries.borrow_mut();
        let slot = entries.vacant_entry();
        let entry = Rc::new(Entry {
            number: slot.key(),
            evictable: Rc::clone(&self.evictable),
            admitted: RefCell::new(Some(admitted)),
            phase: Cell::new(Phase::Fresh),
            place: RefCell::default(),
            order: Cell::default(),
            waker: RefCell::default(),
        });
        slot.insert(Rc::clone(&entry));
        self.evictable.change(|lineup| lineup.join(entry.number));
        entry
    }

    /// A connection is over.
    pub fn remove(&self, entry: &Entry) {
        self.evictable.change(|lineup| lineup.leave(entry.number));
        self.entries.borrow_mut().try_remove(entry.number);
    }

    /// Tells the connection that has waited longest, among those that hold what `fits`, to close, and gives what it held.
    pub fn evict(&self, fits: impl Fn(&Admitted) -> bool) -> Option<Admitted> {
        let entries = self.entries.borrow();
        let holds = |entry: &&Rc<Entry>| entry.admitted.borrow().as_ref().is_some_and(&fits);
        let longest = {
            let lineup = self.evictable.lineup.borrow();
            lineup.iter().take(LOOK).filter_map(|number| entries.get(number)).find(holds)?
        };
        self.evictable.change(|lineup| lineup.leave(longest.number));
        longest.give(Order::Evict);
        longest.admitted.take()
    }

    /// Connections now.
    pub fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    /// No connection.
    pub fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }

    /// A new snapshot: those who wait choose again, those on an unfit backend move, those on a backend that was failed
    /// away from leave it.
    pub fn adopt(&self, view: &Rc<View>) {
        let mut fates = HashMap::new();
        for (_, entry) in self.entries.borrow().iter() {
            let phase = entry.phase.get();
            if phase == Phase::Waiting {
                entry.give(Order::ChooseAgain);
                continue;
            }
            let place = entry.place.borrow();
            let Some(place) = place.as_ref().filter(|place| !Rc::ptr_eq(&place.view, view)) else { continue };
            let key = (Rc::as_ptr(&place.view), place.service, place.backend);
            let fate = *fates.entry(key).or_insert_with(|| fate(place, view));
            match (fate, phase) {
                (Fate::Unfit | Fate::FailedAway, Phase::Asking { movable: true }) => entry.give(Order::Move),
                (Fate::FailedAway, Phase::Asking { movable: false } | Phase::Answering) => entry.give(Order::Abort),
                _ => {}
            }
        }
    }

    /// The drain has gone on for a moment: connections on which nothing runs close.
    pub fn close_idle(&self) {
        for (_, entry) in self.entries.borrow().iter() {
            if matches!(entry.phase.get(), Phase::Idle | Phase::Fresh) {
                entry.give(Order::Close);
            }
        }
    }

    /// The drain's limit has passed: all close.
    pub fn kill(&self) {
        for (_, entry) in self.entries.borrow().iter() {
            entry.give(Order::Kill);
        }
    }
}

fn fate(place: &Place, view: &View) -> Fate {
    let old = &place.view.snapshot.services[place.service];
    let was = &old.backends[place.backend];
    let now = view.snapshot.services.iter().find(|service| service.name == old.name);
    let index = now.and_then(|service| {
        service.backends.iter().position(|backend| backend.name == was.name && backend.address == was.address)
    });
    match (now, index) {
        (Some(service), index) if failed_away(service, index) => Fate::FailedAway,
        (Some(service), Some(index)) => {
            let backend = &service.backends[index];
            let unfit = backend.verdict == Verdict::Down || backend.operator == OperatorState::Maint;
            if unfit { Fate::Unfit } else { Fate::Stay }
        }
        _ => Fate::Unfit,
    }
}

/// Whether a latched service's active backend is another one than this. A held or undecided latch has not moved.
pub fn failed_away(service: &Service, backend: Option<usize>) -> bool {
    match &service.mode {
        ServiceMode::Latched { latch: LatchView::Active(active), .. } => Some(*active) != backend,
        _ => false,
    }
}
