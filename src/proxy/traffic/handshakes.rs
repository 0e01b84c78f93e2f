//! The handshakes of TLS that are under way in one worker, so that no flood of them takes what visitors hold who have had theirs.
//!
//! Each is cheap to begin and may take as long as `timeouts.tls_handshake`. When there are as many as may be, a newcomer gets the place of
//! the one that has been under way longest: a visitor's is over long before it comes to that.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::inflight::Entry;

/// The connections that are in their handshake, in the order in which they came.
#[derive(Default)]
pub struct Handshakes {
    began: Cell<u64>,
    under_way: RefCell<BTreeMap<u64, Rc<Entry>>>,
}

impl Handshakes {
    /// Closes the one that has been under way longest, if there are `most`. Gives whether it did.
    pub fn make_room(&self, most: usize) -> bool {
        let mut under_way = self.under_way.borrow_mut();
        if under_way.len() < most {
            return false;
        }
        let Some((_, longest)) = under_way.pop_first() else { return false };
        // What it held is free at once.
        drop(longest.evict());
        true
    }
}

/// A handshake, counted until it is dropped.
pub struct Handshake {
    of: Rc<Handshakes>,
    number: u64,
}

impl Handshake {
    /// Of this connection.
    pub fn begin(handshakes: &Rc<Handshakes>, entry: &Rc<Entry>) -> Handshake {
        let number = handshakes.began.get();
        handshakes.began.set(number + 1);
        handshakes.under_way.borrow_mut().insert(number, Rc::clone(entry));
        Handshake { of: Rc::clone(handshakes), number }
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.of.under_way.borrow_mut().remove(&self.number);
    }
}
