//! States that differ by nothing that makes a difference become one.

use std::hash::{Hash, Hasher};

use super::real::{count, global, local, name, of_name, put_under};
use super::rules::Rules;
use super::state::{Content, Move, PROXIES, Proxy, State};
use crate::proxy::agreement::{Condition, Key};

impl Rules {
    /// The writes that are still to be seen in the store, in order, and the one of its latch.
    pub fn writes(&self, store: &Content) -> (Vec<u8>, u8) {
        let mut writes = vec![store.written];
        // Only steps that checks want ask when seats were written.
        if self.bounds.verdicts {
            writes.extend(store.seats.iter().flatten().map(|seat| seat.written));
        }
        writes.sort_unstable();
        (writes, store.written)
    }

    /// Replaces every revision in what a proxy knows by how many of these writes it knows.
    pub fn in_order(&mut self, mut proxy: Proxy, (writes, last): &(Vec<u8>, u8)) -> Proxy {
        let known = |revision: u8| count(writes, revision);
        // One that has been overwritten will never be the last again.
        let of_latch = |written: u8| if written == *last { known(written) } else { 0 };
        if let Some(view) = &mut proxy.view {
            (view.revision, view.written) = (known(view.revision), of_latch(view.written));
        }
        for sent in proxy.sent.iter_mut().filter(|sent| **sent > 0) {
            let mut transaction = self.transaction(*sent).clone();
            for condition in &mut transaction.conditions {
                match condition {
                    Condition::NoneAfter(_, revision) => *revision = i64::from(known(*revision as u8)),
                    Condition::WrittenAt(_, written) => *written = i64::from(of_latch(*written as u8)),
                    Condition::Exists(_) => {}
                }
            }
            *sent = self.number(transaction);
        }
        proxy
    }

    /// Leaves out of what is known of one proxy what makes no difference to anybody.
    pub fn plainly(&mut self, mut state: State, own: usize) -> State {
        self.number_leases(&mut state, own);
        let counts_votes = self.bounds.verdicts;
        let proxy = &mut state.proxies[own];
        // Workers that serve nothing, and not what is in force, serve nothing of whatever it was.
        if !proxy.workers.1 && proxy.workers.0 != proxy.in_force {
            proxy.workers.0 = Move { epoch: u8::MAX, ..Move::default() };
        }
        // Of whoever stands where we do there is nothing to wait for: it is all one whether he is there.
        let epoch = proxy.in_force.epoch;
        for (other, seat) in proxy.view.iter_mut().flat_map(|view| view.seats.iter_mut().enumerate()) {
            seat.take_if(|seat| other != own && !counts_votes && seat.stands_at >= epoch);
        }
        state
    }

    /// What its leases are called does not matter, but which are the same. Those that nobody knows any more are all alike.
    fn number_leases(&mut self, state: &mut State, own: usize) {
        let held = [state.proxies[own].lease, state.leases[own][0], state.leases[own][1]];
        let mut known: Vec<u8> = Vec::new();
        for id in held.into_iter().flatten().map(|lease| lease.id) {
            if !known.contains(&id) {
                known.push(id);
            }
        }
        let new = |id: u8| known.iter().position(|known| *known == id).map(|place| place as u8 + 1);
        let sent = state.proxies[own].sent[0];
        if sent > 0 {
            let id = local(own, self.transaction(sent).lease.unwrap());
            // The store takes nothing under a lease that it does not know.
            state.proxies[own].sent[0] = new(id).map_or(0, |new| self.under(sent, own, new));
        }
        let rename = |lease: &mut u8| *lease = new(*lease).unwrap_or(0);
        let proxy = &mut state.proxies[own];
        if let Some(seats) = proxy.view.as_mut().map(|view| &mut view.seats) {
            seats[own] = seats[own].filter(|seat| new(seat.lease).is_some());
            seats[own].iter_mut().for_each(|seat| rename(&mut seat.lease));
        }
        state.store.seats[own].iter_mut().for_each(|seat| rename(&mut seat.lease));
        let leases = proxy.lease.iter_mut().chain(state.leases[own].iter_mut().flatten());
        leases.for_each(|lease| rename(&mut lease.id));
    }

    /// The same transaction under a lease of another number.
    fn under(&mut self, number: u16, own: usize, id: u8) -> u16 {
        if self.transaction(number).lease == Some(global(own, id)) {
            return number;
        }
        let mut transaction = self.transaction(number).clone();
        put_under(&mut transaction, global(own, id));
        self.number(transaction)
    }

    /// By what proxies are put in an order, since they have no names.
    pub fn rank(&self, state: &State, own: usize) -> u64 {
        let mut hasher = fnv::FnvHasher::default();
        let Proxy { view, lease, in_force, stands_at, workers, finds_down, sent } = state.proxies[own];
        let of_view = view.map(|view| (view.latch.epoch, view.revision, view.seats[own]));
        let own_part = (of_view, lease, in_force.epoch, stands_at, workers, finds_down);
        (own_part, state.store.seats[own], state.leases[own], sent.map(|sent| sent > 0)).hash(&mut hasher);
        hasher.finish()
    }

    /// A transaction as it is when the proxies are called otherwise.
    pub fn renamed(&mut self, number: u16, order: [usize; PROXIES]) -> u16 {
        if let Some(known) = self.renamed.get(&(number, order)) {
            return *known;
        }
        let new = |own: usize| order.iter().position(|old| *old == own).unwrap();
        let mut transaction = self.transaction(number).clone();
        let keys = transaction.conditions.iter_mut().filter_map(|condition| match condition {
            Condition::WrittenAt(key, _) | Condition::Exists(key) => Some(key),
            Condition::NoneAfter(..) => None,
        });
        for key in keys.chain(transaction.writes.iter_mut().map(|(key, _)| key)) {
            if let Key::Seat(proxy) = key {
                *proxy = name(new(of_name(proxy)));
            }
        }
        if let Some(lease) = transaction.lease {
            let own = (lease >> 8) as usize;
            put_under(&mut transaction, global(new(own), local(own, lease)));
        }
        let renamed = self.number(transaction);
        self.renamed.insert((number, order), renamed);
        renamed
    }
}
