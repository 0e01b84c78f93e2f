//! Who has a place at the admin API: so many connections in all, so many of one client, some kept for the operator.
//!
//! Nobody is refused while somebody idles: the connection that has been idle longest goes, and a client that has all its
//! places loses one of its own. What is being answered is never taken away. So whoever opens connections and holds them keeps
//! out neither a scrape nor `polder status`. One thread owns all this.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Instant;

use tokio::sync::oneshot;

use crate::daemon::client_network;

/// Connections one server has at a time.
pub(super) const MOST: usize = 64;
/// Of these, those that only root and the daemon's own user get.
const KEPT_FOR_OPERATORS: usize = 8;
/// Connections of one address (of one /64 of IPv6: a host has all of it).
pub(super) const MOST_OF_A_HOST: usize = 16;
/// Connections of one user who is an operator by the socket's group.
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

    /// Connections it may have.
    fn most(self) -> usize {
        match self {
            Client::Host(_) => MOST_OF_A_HOST,
            Client::User(_) => MOST_OF_A_USER,
            Client::Operator => MOST,
        }
    }
}

/// A connection that has a place.
#[derive(Debug, Clone, Copy)]
struct Held {
    id: u64,
    client: Client,
    /// A request of it is being answered.
    at_work: bool,
    /// When that last changed.
    since: Instant,
}

/// What becomes of a client that comes.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Admit,
    /// After this connection has gone.
    InsteadOf(u64),
    Refuse,
}

fn judge(held: &[Held], client: Client) -> Verdict {
    let longest_idle = |of: &dyn Fn(&Held) -> bool| {
        held.iter().filter(|one| !one.at_work && of(one)).min_by_key(|one| one.since).map(|one| one.id)
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
            let has_room = held.len() < MOST && others < MOST - KEPT_FOR_OPERATORS;
            if has_room { Verdict::Admit } else { gone(longest_idle(&|one| !is_operator(one))) }
        }
        Client::Host(_) if held.len() < MOST => Verdict::Admit,
        Client::Host(_) => gone(longest_idle(&|_| true)),
    }
}

/// All places of one server.
#[derive(Debug, Default)]
pub(super) struct Places {
    taken: RefCell<Vec<(Held, oneshot::Sender<()>)>>,
    next: RefCell<u64>,
}

impl Places {
    /// A place, if there is one; it may be that of an idle connection, which is told to go.
    pub(super) fn take(self: &Rc<Self>, client: Client) -> Option<(Place, Eviction)> {
        let mut taken = self.taken.borrow_mut();
        let held: Vec<Held> = taken.iter().map(|(held, _)| *held).collect();
        match judge(&held, client) {
            Verdict::Refuse => return None,
            Verdict::Admit => {}
            // Dropping its sender tells it.
            Verdict::InsteadOf(id) => taken.retain(|(held, _)| held.id != id),
        }
        let id = self.next.replace_with(|id| id.wrapping_add(1));
        let (tell, told) = oneshot::channel();
        taken.push((Held { id, client, at_work: false, since: Instant::now() }, tell));
        Some((Place { id, places: Rc::clone(self) }, Eviction(told)))
    }
}

/// A place, held until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    id: u64,
    places: Rc<Places>,
}

/// Ends when the place was given to another.
pub(super) struct Eviction(oneshot::Receiver<()>);

impl Eviction {
    pub(super) async fn wait(self) {
        // Nothing is ever sent: the sender goes with the place.
        let _ = self.0.await;
    }
}

impl Place {
    /// A request is being answered, or that is over.
    pub(super) fn set_at_work(&self, at_work: bool) {
        if let Some((held, _)) = self.places.taken.borrow_mut().iter_mut().find(|(held, _)| held.id == self.id) {
            (held.at_work, held.since) = (at_work, Instant::now());
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken.borrow_mut().retain(|(held, _)| held.id != self.id);
    }
}

#[cfg(test)]
mod tests;
