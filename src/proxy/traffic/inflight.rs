//! What every connection of a worker is doing, so that a new snapshot or a drain reaches it.
//!
//! Each connection has one entry for its whole life, each stream of HTTP/2 another one; a request notes in it where it runs, and
//! allocates nothing. Only the worker's own tasks use it. Must never: close anything itself; it gives an order, which the connection obeys.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use slab::Slab;

use super::admission::{AddressSlot, Admitted, RESERVE, Slot, SlotKind};
use super::counters::WorkerCounters;
use super::eviction_queue::EvictionQueue;
use super::view::View;
use crate::proxy::snapshot::{Service, ServiceMode, Stays};

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Accepted, and has sent nothing yet.
    Fresh,
    /// Between two requests.
    Idle,
    /// Within a request's head.
    Head,
    /// Its request is being vetted or answered here.
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
    /// All is sent; the client may still be sending.
    Lingering,
}

impl Phase {
    /// No request is under way: the connection may be closed for another one.
    fn is_evictable(self) -> bool {
        matches!(self, Phase::Fresh | Phase::Idle | Phase::Head | Phase::Lingering)
    }
}

/// What a connection is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Leave this backend and choose again.
    Move,
    /// Leave this backend; the service has failed away from it.
    Abort,
    /// There is a new snapshot to choose from.
    ChooseAgain,
    /// The drain has gone on for a moment: close if nothing runs.
    Close,
    /// Another connection has your slot: close, unless a request has come.
    Evict,
    /// The drain's limit has passed: close, whatever you do.
    Kill,
}

/// The backend on which a request runs.
#[derive(Clone)]
struct Assignment {
    view: Rc<View>,
    service: usize,
    backend: usize,
}

/// How many of the connections that have waited longest are looked at for one that can be evicted. More than the reserve
/// holds.
const LOOK: usize = 2 * RESERVE;

/// One connection.
pub struct Entry {
    number: usize,
    evictable: Rc<Evictable>,
    /// Of a stream: the connection that it is part of, and whose slot is its own.
    connection: Option<Rc<Entry>>,
    admitted: RefCell<Option<Admitted>>,
    phase: Cell<Phase>,
    assignment: RefCell<Option<Assignment>>,
    order: Cell<Option<Order>>,
    waker: RefCell<Option<Waker>>,
}

/// The connections that may be evicted now, and the count of them for the other workers.
struct Evictable {
    queue: RefCell<EvictionQueue>,
    counters: Arc<WorkerCounters>,
}

impl Evictable {
    fn change(&self, change: impl FnOnce(&mut EvictionQueue)) {
        let mut queue = self.queue.borrow_mut();
        change(&mut queue);
        self.counters.evictable.store(queue.len() as u64, Ordering::Relaxed);
    }
}

impl Entry {
    /// Goes on to another phase. An order given for the last one is void, except [`Order::Kill`]. A connection that may be
    /// evicted in the new phase goes to the end of the queue.
    pub fn enter(&self, phase: Phase) {
        let last = self.phase.replace(phase);
        if phase.is_evictable() {
            self.evictable.change(|queue| queue.push(self.number));
        } else if last.is_evictable() {
            self.evictable.change(|queue| queue.remove(self.number));
        }
        if self.order.get() != Some(Order::Kill) {
            self.order.set(None);
        }
    }

    /// What the connection is doing.
    pub fn phase(&self) -> Phase {
        self.phase.get()
    }

    fn admitted(&self) -> &RefCell<Option<Admitted>> {
        self.connection.as_ref().map_or(&self.admitted, |connection| connection.admitted())
    }

    /// What its slot is good for; `None`: it was evicted.
    pub fn slot(&self) -> Option<SlotKind> {
        self.admitted().borrow().as_ref().map(|admitted| admitted.slot.kind())
    }

    /// Whether its slot is good for every request.
    pub fn has_regular_slot(&self) -> bool {
        self.slot() == Some(SlotKind::Regular)
    }

    /// Is admitted again after it was evicted.
    pub fn hold(&self, admitted: Admitted) {
        *self.admitted().borrow_mut() = Some(admitted);
    }

    /// Takes this slot and gives back the one held.
    pub fn change_slot(&self, slot: Slot) {
        if let Some(admitted) = self.admitted().borrow_mut().as_mut() {
            admitted.slot = slot;
        }
    }

    /// Counts as a connection of this address from now on.
    pub fn count_as(&self, address: AddressSlot) {
        if let Some(admitted) = self.admitted().borrow_mut().as_mut() {
            admitted.address = Some(address);
        }
    }

    /// A request is on its way to a backend.
    pub fn ask(&self, view: &Rc<View>, service: usize, backend: usize, movable: bool) {
        self.enter(Phase::Asking { movable });
        *self.assignment.borrow_mut() = Some(Assignment { view: Rc::clone(view), service, backend });
    }

    /// It has left the backend.
    pub fn leave(&self) {
        self.enter(Phase::Busy);
        *self.assignment.borrow_mut() = None;
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

    /// Tells the connection to close for another one, and gives what it held.
    pub fn evict(&self) -> Option<Admitted> {
        self.evictable.change(|queue| queue.remove(self.number));
        self.give(Order::Evict);
        self.admitted.take()
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
enum BackendChange {
    /// Requests may stay on it.
    None,
    /// It may get none any more: down or in maint.
    Ineligible,
    /// The service's latch has made another one active.
    FailedAway,
}

impl Registry {
    /// Without a connection. `counters` are kept up to date with how many can be evicted.
    pub fn new(counters: Arc<WorkerCounters>) -> Registry {
        Registry { entries: RefCell::default(), evictable: Rc::new(Evictable { queue: RefCell::default(), counters }) }
    }

    /// Adds a connection, which is to be removed again with [`Registry::remove`].
    pub fn add(&self, admitted: Admitted) -> Rc<Entry> {
        let entry = self.insert(None, Some(admitted), Phase::Fresh);
        self.evictable.change(|queue| queue.push(entry.number));
        entry
    }

    /// Adds a stream of a connection, which is to be removed again, too. It is evicted with its connection only.
    pub fn add_stream(&self, connection: &Rc<Entry>) -> Rc<Entry> {
        self.insert(Some(Rc::clone(connection)), None, Phase::Busy)
    }

    fn insert(&self, connection: Option<Rc<Entry>>, admitted: Option<Admitted>, phase: Phase) -> Rc<Entry> {
        let mut entries = self.entries.borrow_mut();
        let slot = entries.vacant_entry();
        let entry = Rc::new(Entry {
            number: slot.key(),
            evictable: Rc::clone(&self.evictable),
            connection,
            admitted: RefCell::new(admitted),
            phase: Cell::new(phase),
            assignment: RefCell::default(),
            order: Cell::default(),
            waker: RefCell::default(),
        });
        slot.insert(Rc::clone(&entry));
        entry
    }

    /// Removes a connection that is over.
    pub fn remove(&self, entry: &Entry) {
        self.evictable.change(|queue| queue.remove(entry.number));
        self.entries.borrow_mut().try_remove(entry.number);
    }

    /// Tells the connection that has waited longest, among those that hold what `fits`, to close, and gives what it held.
    pub fn evict(&self, fits: impl Fn(&Admitted) -> bool) -> Option<Admitted> {
        let entries = self.entries.borrow();
        let holds = |entry: &&Rc<Entry>| entry.admitted.borrow().as_ref().is_some_and(&fits);
        let longest = {
            let queue = self.evictable.queue.borrow();
            queue.iter().take(LOOK).filter_map(|number| entries.get(number)).find(holds)?
        };
        longest.evict()
    }

    /// How many connections there are, each counted once, however many streams it has.
    pub fn len(&self) -> usize {
        self.entries.borrow().iter().filter(|(_, entry)| entry.connection.is_none()).count()
    }

    /// There is no connection.
    pub fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }

    /// A new snapshot: those who wait choose again, those on a backend that may get no more requests move,
    /// those on a backend that was failed away from leave it.
    pub fn adopt(&self, view: &Rc<View>) {
        let mut changes = HashMap::new();
        for (_, entry) in self.entries.borrow().iter() {
            let phase = entry.phase.get();
            if phase == Phase::Waiting {
                entry.give(Order::ChooseAgain);
                continue;
            }
            let assignment = entry.assignment.borrow();
            let Some(assignment) = assignment.as_ref().filter(|assignment| !Rc::ptr_eq(&assignment.view, view)) else {
                continue;
            };
            let key = (Rc::as_ptr(&assignment.view), assignment.service, assignment.backend);
            let change = *changes.entry(key).or_insert_with(|| change_of(assignment, view));
            match (change, phase) {
                (BackendChange::Ineligible | BackendChange::FailedAway, Phase::Asking { movable: true }) => {
                    entry.give(Order::Move)
                }
                (BackendChange::FailedAway, Phase::Asking { movable: false } | Phase::Answering) => {
                    entry.give(Order::Abort)
                }
                _ => {}
            }
        }
    }

    /// Closes connections on which nothing runs: the drain has gone on for a moment.
    pub fn close_idle(&self) {
        for (_, entry) in self.entries.borrow().iter() {
            if matches!(entry.phase.get(), Phase::Idle | Phase::Fresh) {
                entry.give(Order::Close);
            }
        }
    }

    /// Closes all connections: the drain's limit has passed.
    pub fn kill(&self) {
        for (_, entry) in self.entries.borrow().iter() {
            entry.give(Order::Kill);
        }
    }
}

fn change_of(assignment: &Assignment, view: &View) -> BackendChange {
    let old = &assignment.view.snapshot.services[assignment.service];
    let was = &old.backends[assignment.backend];
    let now = view.snapshot.service(&old.name);
    let index = now.and_then(|service| {
        service.backends.iter().position(|backend| backend.name == was.name && backend.address == was.address)
    });
    let is_latched = |service: &Service| matches!(service.mode, ServiceMode::Latched { .. });
    match (now, index) {
        // Others go on by a latch that this proxy has no part in any more.
        (now, _) if old.stays != Stays::ByView && !now.is_some_and(is_latched) => BackendChange::FailedAway,
        (Some(service), index) if service.has_moved_from(index) => BackendChange::FailedAway,
        (Some(service), Some(index)) if !service.keeps_running_on(index) => BackendChange::Ineligible,
        // What a new document has no more is not down: the requests that run there end there.
        _ => BackendChange::None,
    }
}

#[cfg(test)]
mod tests;
