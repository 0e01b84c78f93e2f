//! The memory of a future that serves, kept from one guest to the next.
//!
//! What serves a request is several times as large as a connection that waits. So connections have it only while they are served, one
//! after the other the same: the future serves guest after guest and never ends, and nothing is allocated for each.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

/// A room for one guest at a time, of which `Left` leaves.
pub struct Room<Guest, Left> {
    door: Rc<Door<Guest, Left>>,
    service: Pin<Box<dyn Future<Output = ()>>>,
}

struct Door<Guest, Left> {
    guest: Cell<Option<Guest>>,
    left: Cell<Option<Left>>,
}

impl<Guest: 'static, Left: 'static> Room<Guest, Left> {
    /// An empty one, whose guests are served like this.
    pub fn new<F: Future<Output = Left>>(serve: impl Fn(Guest) -> F + 'static) -> Room<Guest, Left> {
        let door = Rc::new(Door { guest: Cell::default(), left: Cell::default() });
        let inside = Rc::clone(&door);
        let service = Box::pin(async move {
            loop {
                let guest = poll_fn(|_| inside.guest.take().map_or(Poll::Pending, Poll::Ready)).await;
                inside.left.set(Some(serve(guest).await));
            }
        });
        Room { door, service }
    }

    /// A guest comes in; none is there.
    pub fn enter(&mut self, guest: Guest) {
        self.door.guest.set(Some(guest));
    }

    /// Serves the guest until it has left.
    pub async fn left(&mut self) -> Left {
        poll_fn(|context| {
            let _never_ends = self.service.as_mut().poll(context);
            self.door.left.take().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}
