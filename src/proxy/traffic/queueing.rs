//! Requests that queue for a backend that has as many as it takes.

use std::sync::Arc;

use tokio::time::Instant;

use super::alarm::Alarm;
use super::exchange::Exchange;
use super::outcome::Failure;
use super::stream::ClientStream;
use super::termination::End;
use super::view::View;
use crate::proxy::choose::balance::contains;
use crate::proxy::queue::{Event, Queue, Slot};
use crate::proxy::snapshot::Service;

/// A place among all that have queued, which a request keeps when it chooses again.
struct Turn {
    queue: Arc<Queue>,
    ticket: u64,
    began: Instant,
}

/// What a request has of backends that take so many at once.
#[derive(Default)]
pub struct Queued {
    /// Its place in the queue where it was last.
    turn: Option<Turn>,
    /// The slot that it was given, or has from an attempt that came to nothing.
    slot: Option<Slot>,
}

impl Queued {
    /// The backend of which it has a slot.
    pub fn granted(&self, service: &Service) -> Option<usize> {
        let slot = self.slot.as_ref()?;
        service.backends.iter().position(|backend| backend.slots.as_ref().is_some_and(|slots| slots.are_those_of(slot)))
    }

    /// Takes what an attempt on this backend needs: a slot, if the backend has any. None: somebody else was faster.
    pub fn take(&mut self, service: &Service, backend: usize) -> Option<Option<Slot>> {
        let (Some(queue), Some(slots)) = (&service.queue, &service.backends[backend].slots) else { return Some(None) };
        match self.slot.take() {
            Some(slot) if slots.are_those_of(&slot) => Some(Some(slot)),
            _ => slots.take(&queue.queue).map(Some),
        }
    }

    /// Keeps a slot for the next attempt on the same backend.
    pub fn keep(&mut self, slot: Option<Slot>) {
        self.slot = slot;
    }

    /// Gives back what it has; its place stays.
    pub fn give_back(&mut self) {
        self.slot = None;
    }
}

impl Exchange<'_> {
    /// Queues until one of these backends has a slot for the request, or there is a new snapshot.
    pub async fn queue(
        &mut self,
        queued: &mut Queued,
        client: &mut impl ClientStream,
        (view, service): (&View, &Service),
        among: u128,
    ) -> Result<(), Failure> {
        // A backend that is full has slots, and so its service a queue.
        let Some(own) = &service.queue else { return Err(Failure::new(503, End::NoBackend)) };
        let (queue, config) = (&own.queue, own.config);
        // By another document it may be another service's request: there it is a newcomer.
        let turn = queued.turn.take().filter(|turn| Arc::ptr_eq(&turn.queue, queue));
        // Whoever has queued here stays, however many may by now.
        let most = if turn.is_some() { usize::MAX } else { config.most };
        let Turn { ticket, began, .. } = *queued.turn.insert(turn.unwrap_or_else(|| {
            queue.count(Event::Joined);
            Turn { queue: Arc::clone(queue), ticket: queue.ticket(), began: Instant::now() }
        }));
        let backends = service.backends.iter().enumerate().filter(|(index, _)| contains(among, *index));
        let wanted = backends.filter_map(|(_, backend)| backend.slots.clone()).collect();
        let Ok(mut place) = queue.join(ticket, wanted, most) else {
            queue.count(Event::Refused);
            return Err(Failure::new(503, End::QueueFullOfBackend));
        };
        let slot = async |alarm: &mut Alarm| {
            tokio::select! { biased;
                slot = place.slot() => Ok(slot),
                () = alarm.wait(began + config.timeout) => {
                    queue.count(Event::TimedOut);
                    Err(Failure::new(503, End::QueueTimeout))
                }
            }
        };
        queued.slot = self.hold_for(client, (view, service), End::ClientInBackendQueue, slot).await?.flatten();
        Ok(())
    }
}
