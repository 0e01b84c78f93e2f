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
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    /// Connections, the first of them idle longest.
    fn held(clients: impl IntoIterator<Item = (Client, bool)>) -> Vec<Held> {
        let start = Instant::now();
        let at = |n: usize| start + Duration::from_millis(n as u64);
        clients
            .into_iter()
            .enumerate()
            .map(|(n, (client, at_work))| Held { id: n as u64, client, at_work, since: at(n) })
            .collect()
    }

    fn host(n: u8) -> Client {
        Client::host(IpAddr::from([192, 0, 2, n]))
    }

    #[test]
    fn a_client_with_all_its_places_loses_its_own_longest_idle_and_nobody_elses() {
        let mut all = vec![(host(1), false)];
        all.extend(std::iter::repeat_n((host(2), false), MOST_OF_A_HOST));
        assert_eq!(judge(&held(all.clone()), host(2)), Verdict::InsteadOf(1));
        assert_eq!(judge(&held(all), host(3)), Verdict::Admit);
        let working = held(std::iter::repeat_n((host(2), true), MOST_OF_A_HOST));
        assert_eq!(judge(&working, host(2)), Verdict::Refuse);
    }

    #[test]
    fn when_all_places_are_taken_the_longest_idle_goes_and_what_is_answered_stays() {
        let many = |at_work: bool| (0..MOST).map(move |n| (host((n / 8) as u8), at_work || n == 0));
        assert_eq!(judge(&held(many(false)), host(99)), Verdict::InsteadOf(1), "the first is being answered");
        assert_eq!(judge(&held(many(true)), host(99)), Verdict::Refuse);
    }

    #[test]
    fn the_operator_gets_a_place_whatever_others_hold_and_loses_none_to_them() {
        let (mallory, eve, bob) = (Client::User(1001), Client::User(1002), Client::User(1003));
        let mut busy: Vec<_> = std::iter::repeat_n((mallory, true), MOST_OF_A_USER).collect();
        busy.extend(std::iter::repeat_n((eve, true), MOST_OF_A_USER));
        busy.extend(std::iter::repeat_n((bob, true), MOST - KEPT_FOR_OPERATORS - busy.len()));
        assert_eq!(judge(&held(busy.clone()), bob), Verdict::Refuse);
        for _ in 0..KEPT_FOR_OPERATORS {
            assert_eq!(judge(&held(busy.clone()), Client::Operator), Verdict::Admit);
            busy.push((Client::Operator, false));
        }
        assert_eq!(judge(&held(busy.clone()), bob), Verdict::Refuse, "an idle operator keeps its place");
        busy[3].1 = false;
        assert_eq!(judge(&held(busy), Client::Operator), Verdict::InsteadOf(3));
    }

    #[test]
    fn one_host_of_ipv6_is_its_whole_64() {
        let client = |text: &str| Client::host(text.parse().unwrap());
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:2"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_eq!(client("::ffff:192.0.2.1"), host(1));
    }

    #[tokio::test]
    async fn a_place_that_was_given_away_is_told_of_and_one_that_is_left_is_free() {
        let places = Rc::new(Places::default());
        let mut kept = Vec::new();
        for _ in 0..MOST_OF_A_HOST {
            kept.push(places.take(host(1)).unwrap());
        }
        let another = places.take(host(1)).unwrap();
        let (first, evicted) = kept.remove(0);
        evicted.wait().await;
        drop(first);
        assert_eq!(places.taken.borrow().len(), MOST_OF_A_HOST);
        drop(another);
        drop(kept);
        assert!(places.taken.borrow().is_empty());
    }
}
