//! Backends that take so many requests at once, and the requests that queue for them.
//!
//! Owns who has a slot of a backend and who is next. All workers share both: a slot that one worker frees goes to the request that has
//! queued longest of those that may have it, whichever worker that is on. Must never: hand out more slots than a backend has, lose one,
//! or take a lock where nobody queues.
//!
//! Nobody overtakes: while a request queues for a backend, none of its slots is ever free, so that a newcomer finds none to take. There is
//! one moment to get that right, in which one request joins while another one frees a slot without having seen it. Whoever frees looks for
//! a queue once more after it has freed, and whoever joins looks for a free slot once more after it has joined.

#![allow(
    clippy::disallowed_types,
    reason = "taken only while a request queues for a full backend, for as long as it takes to join or to leave"
)]

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The slots of one backend.
#[derive(Debug, Clone)]
pub struct Slots {
    most: usize,
    /// Kept across documents.
    taken: Arc<AtomicUsize>,
}

impl Slots {
    /// So many; those that are taken of `before` stay so.
    pub fn new(most: usize, before: Option<&Slots>) -> Slots {
        Slots { most, taken: before.map_or_else(Arc::default, |before| Arc::clone(&before.taken)) }
    }

    /// How many there are.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Whether none is free.
    pub fn are_taken(&self) -> bool {
        self.taken.load(SeqCst) >= self.most
    }

    /// Whether these are slots of the same backend.
    pub fn are_those_of(&self, slot: &Slot) -> bool {
        Arc::ptr_eq(&self.taken, &slot.taken)
    }

    /// Takes one, if one is free.
    pub fn take(&self, queue: &Arc<Queue>) -> Option<Slot> {
        let is_taken =
            self.taken.fetch_update(SeqCst, SeqCst, |taken| (taken < self.most).then_some(taken + 1)).is_ok();
        is_taken.then(|| Slot { taken: Arc::clone(&self.taken), queue: Arc::clone(queue) })
    }
}

/// A slot that is somebody's. Goes to the next one when it is dropped.
#[derive(Debug)]
pub struct Slot {
    taken: Arc<AtomicUsize>,
    queue: Arc<Queue>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.queue.free(&self.taken);
    }
}

/// The requests of one service that queue.
#[derive(Debug, Default)]
pub struct Queue {
    /// By when they came.
    waiting: Mutex<BTreeMap<u64, Waiting>>,
    length: AtomicUsize,
    tickets: AtomicU64,
    counts: [AtomicU64; 3],
}

/// What happens to requests that queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// One has begun to.
    Joined,
    /// One has come when as many queued as may.
    Refused,
    /// One has queued for as long as it may.
    TimedOut,
}

/// A request that queues.
#[derive(Debug)]
struct Waiting {
    /// Any of these will do.
    wanted: Vec<Slots>,
    give: oneshot::Sender<Slot>,
}

/// A place in the queue, which ends with it.
#[derive(Debug)]
pub struct Place {
    ticket: u64,
    queue: Arc<Queue>,
    given: oneshot::Receiver<Slot>,
}

/// As many requests queue as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Queue {
    /// A number that is higher than those of all who came before.
    pub fn ticket(&self) -> u64 {
        self.tickets.fetch_add(1, SeqCst)
    }

    /// How many queue now.
    pub fn len(&self) -> usize {
        self.length.load(SeqCst)
    }

    /// Nobody queues.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Counts what happened to a request.
    pub fn count(&self, event: Event) {
        self.counts[event as usize].fetch_add(1, SeqCst);
    }

    /// How often that happened.
    pub fn counted(&self, event: Event) -> u64 {
        self.counts[event as usize].load(SeqCst)
    }

    /// Queues for one of these slots, behind all whose tickets are lower, if fewer than `most` do.
    ///
    /// # Errors
    ///
    /// As many do.
    pub fn join(self: &Arc<Self>, ticket: u64, wanted: Vec<Slots>, most: usize) -> Result<Place, Full> {
        let mut waiting = self.lock();
        if waiting.len() >= most {
            return Err(Full);
        }
        let (give, given) = oneshot::channel();
        waiting.insert(ticket, Waiting { wanted, give });
        self.length.store(waiting.len(), SeqCst);
        let free = waiting.get(&ticket).and_then(|one| one.wanted.iter().find_map(|slots| slots.take(self)));
        let left = free.and_then(|slot| self.give(&mut waiting, ticket, slot));
        drop((waiting, left));
        Ok(Place { ticket, queue: Arc::clone(self), given })
    }

    /// A slot of this backend is not needed any more: whoever is next gets it.
    fn free(self: &Arc<Self>, taken: &Arc<AtomicUsize>) {
        if self.is_empty() {
            taken.fetch_sub(1, SeqCst);
            if self.is_empty() {
                return;
            }
            let mut waiting = self.lock();
            let next = first(&waiting, taken).and_then(|(ticket, slots)| Some((ticket, slots.take(self)?)));
            let left = next.and_then(|(ticket, slot)| self.give(&mut waiting, ticket, slot));
            drop((waiting, left));
        } else {
            let mut waiting = self.lock();
            // It goes from hand to hand, so that no newcomer finds it; unless a new document says that there are fewer now.
            let next = first(&waiting, taken).filter(|(_, slots)| taken.load(SeqCst) <= slots.most);
            let Some(ticket) = next.map(|(ticket, _)| ticket) else {
                taken.fetch_sub(1, SeqCst);
                return;
            };
            let slot = Slot { taken: Arc::clone(taken), queue: Arc::clone(self) };
            let left = self.give(&mut waiting, ticket, slot);
            drop((waiting, left));
        }
    }

    /// Gives a slot to the one with this ticket, who leaves the queue by that. Gives it back if he has gone: it must not be dropped before
    /// the lock is.
    fn give(&self, waiting: &mut BTreeMap<u64, Waiting>, ticket: u64, slot: Slot) -> Option<Slot> {
        let next = waiting.remove(&ticket);
        self.length.store(waiting.len(), SeqCst);
        match next {
            Some(next) => next.give.send(slot).err(),
            None => Some(slot),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first who wants a slot of this backend.
fn first<'w>(waiting: &'w BTreeMap<u64, Waiting>, taken: &Arc<AtomicUsize>) -> Option<(u64, &'w Slots)> {
    let its = |slots: &&Slots| Arc::ptr_eq(&slots.taken, taken);
    waiting.iter().find_map(|(ticket, one)| Some((*ticket, one.wanted.iter().find(its)?)))
}

impl Place {
    /// Waits for a slot.
    pub async fn slot(&mut self) -> Option<Slot> {
        (&mut self.given).await.ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.queue.lock();
        waiting.remove(&self.ticket);
        self.queue.length.store(waiting.len(), SeqCst);
    }
}

#[cfg(test)]
mod tests;
