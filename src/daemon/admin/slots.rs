//! The limits on connections to the admin API: so many in all, so many of one client, some reserved for the operator.
//!
//! At a limit the connection that has been idle longest is closed for the new one: one of the same client if that client is at
//! its own limit. A connection whose request is being answered is never closed. So a client that opens connections and holds
//! them keeps out neither a scrape nor `polder status`. One thread owns all this.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Instant;

use tokio::sync::oneshot;

use crate::daemon::client_network;

/// Connections one server has at a time.
pub const MOST: usize = 64;
/// How many of these only root and the daemon's own user can have.
const RESERVED_FOR_OPERATORS: usize = 8;
/// Connections of one address (of one /64 of IPv6: a host has all of it).
pub(super) const MOST_OF_A_HOST: usize = 16;
/// Connections of one user that may open the socket by its group.
const MOST_OF_A_USER: usize = 24;

/// Whose connection it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    /// Over TCP.
    Host(IpAddr),
    /// Over the Unix socket.
    User(u32),
    /// Over the Unix socket: root or the daemon's own user.
    Operator,
}

impl Client {
    pub(super) fn host(address: IpAddr) -> Client {
        Client::Host(client_network::of(address))
    }

    pub(super) fn user(user: u32, our_user: u32) -> Client {
        if user == 0 || user == our_user { Client::Operator } else { Client::User(user) }
    }

    /// The most connections it may have.
    fn most(self) -> usize {
        match self {
            Client::Host(_) => MOST_OF_A_HOST,
            Client::User(_) => MOST_OF_A_USER,
            Client::Operator => MOST,
        }
    }
}

/// An open connection.
#[derive(Debug, Clone, Copy)]
struct Held {
    id: u64,
    client: Client,
    /// One of its requests is being answered.
    busy: bool,
    /// When that last changed.
    since: Instant,
}

/// Whether a new connection is accepted.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Admit,
    /// After this connection has gone.
    InsteadOf(u64),
    Refuse,
}

fn judge(held: &[Held], client: Client) -> Verdict {
    let longest_idle = |of: &dyn Fn(&Held) -> bool| {
        held.iter().filter(|one| !one.busy && of(one)).min_by_key(|one| one.since).map(|one| one.id)
    };
    let gone = |idle: Option<u64>| idle.map_or(Verdict::Refuse, Verdict::InsteadOf);
    let is_operator = |one: &Held| one.client == Client::Operator;
    if held.iter().filter(|one| one.client == client).count() >= client.most() {
        return gone(longest_idle(&|one| one.client == client));
    }
    match client {
        Client::Operator if held.len() < MOST => Verdict::Admit,
        Client::Operator => gone(longest_idle(&|one| !is_operator(one)).or_else(|| longest_idle(&is_operator))),
        Client::User(_) => {
            let others = held.iter().filter(|one| !is_operator(one)).count();
            let has_room = held.len() < MOST && others < MOST - RESERVED_FOR_OPERATORS;
            if has_room { Verdict::Admit } else { gone(longest_idle(&|one| !is_operator(one))) }
        }
        Client::Host(_) if held.len() < MOST => Verdict::Admit,
        Client::Host(_) => gone(longest_idle(&|_| true)),
    }
}

/// The open connections of one server.
#[derive(Debug, Default)]
pub(super) struct Slots {
    taken: RefCell<Vec<(Held, oneshot::Sender<()>)>>,
    next: RefCell<u64>,
}

impl Slots {
    /// A slot for a new connection, if there is one; an idle connection may be evicted for it.
    pub(super) fn take(self: &Rc<Self>, client: Client) -> Option<(Slot, Eviction)> {
        let mut taken = self.taken.borrow_mut();
        let held: Vec<Held> = taken.iter().map(|(held, _)| *held).collect();
        match judge(&held, client) {
            Verdict::Refuse => return None,
            Verdict::Admit => {}
            // Dropping its sender ends its `Eviction::wait`.
            Verdict::InsteadOf(id) => taken.retain(|(held, _)| held.id != id),
        }
        let id = self.next.replace_with(|id| id.wrapping_add(1));
        let (evict, evicted) = oneshot::channel();
        taken.push((Held { id, client, busy: false, since: Instant::now() }, evict));
        Some((Slot { id, slots: Rc::clone(self) }, Eviction(evicted)))
    }
}

/// One connection's slot, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    id: u64,
    slots: Rc<Slots>,
}

/// Ends when the slot has been given to another connection.
pub(super) struct Eviction(oneshot::Receiver<()>);

impl Eviction {
    pub(super) async fn wait(self) {
        // Nothing is ever sent: the sender is dropped with the slot.
        let _ = self.0.await;
    }
}

impl Slot {
    /// Notes that a request is being answered, or no longer.
    pub(super) fn set_busy(&self, busy: bool) {
        if let Some((held, _)) = self.slots.taken.borrow_mut().iter_mut().find(|(held, _)| held.id == self.id) {
            (held.busy, held.since) = (busy, Instant::now());
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.taken.borrow_mut().retain(|(held, _)| held.id != self.id);
    }
}

#[cfg(test)]
mod tests;
