//! States as numbers: what a proxy is in, and what the store has, stand in tables, and what follows is worked out once of each.

use std::rc::Rc;

use fnv::FnvHashMap;

use super::real::count;
use super::rules::{Action, Bounds, Flaw, Rules};
use super::state::{Content, Held, PROXIES, Proxy, Seated, State};

/// A proxy, and the leases of it that the store knows.
type Member = (Proxy, [Option<Held>; 2]);
/// Numbers of the store, of three members, and of the faults to come.
pub type Packed = (u32, [u32; PROXIES], u8);

/// What follows of one member: the change of the store's writes (0: none), the store, the member, and the faults to come.
type Follows = Rc<[(Action, u32, u32, u32, u8)]>;

/// Values, each with a number.
struct Table<T> {
    all: Vec<T>,
    numbers: FnvHashMap<T, u32>,
}

impl<T: Copy + Eq + std::hash::Hash> Table<T> {
    fn number(&mut self, value: T) -> u32 {
        let next = self.all.len() as u32;
        let number = *self.numbers.entry(value).or_insert(next);
        if number == next {
            self.all.push(value);
        }
        number
    }
}

pub struct Space {
    rules: Rules,
    stores: Table<Content>,
    members: Table<Member>,
    writes: Vec<(Vec<u8>, u8)>,
    follows: FnvHashMap<(u32, u8, u32, u8), Follows>,
    ticked: FnvHashMap<(u32, u8, u32), (u32, u32, u32)>,
    ranks: FnvHashMap<(u32, u8, u32), u64>,
    ordered: FnvHashMap<(u32, u32), u32>,
    renamed_members: FnvHashMap<(u32, [usize; PROXIES]), u32>,
    renamed_stores: FnvHashMap<(u32, [usize; PROXIES]), u32>,
}

impl Space {
    pub fn new(bounds: Bounds, flaw: Flaw) -> Space {
        fn table<T>() -> Table<T> {
            Table { all: Vec::new(), numbers: FnvHashMap::default() }
        }
        let (stores, members, writes) = (table(), table(), vec![(Vec::new(), 0)]);
        let (follows, ticked, ranks, ordered, renamed_members, renamed_stores) = Default::default();
        let rules = Rules::new(bounds, flaw);
        Space { rules, stores, members, writes, follows, ticked, ranks, ordered, renamed_members, renamed_stores }
    }

    pub fn first(&mut self) -> Packed {
        let State { store, leases, proxies, faults } = State::first(self.rules.bounds.faults);
        let members = std::array::from_fn(|own| self.members.number((proxies[own], leases[own])));
        (self.stores.number(store), members, faults)
    }

    /// A state in full.
    pub fn state(&self, (store, members, faults): Packed) -> State {
        let member = |own: usize| self.members.all[members[own] as usize];
        let proxies = std::array::from_fn(|own| member(own).0);
        let leases = std::array::from_fn(|own| member(own).1);
        State { store: self.stores.all[store as usize], leases, proxies, faults }
    }

    pub fn store(&self, state: Packed) -> &Content {
        &self.stores.all[state.0 as usize]
    }

    pub fn proxies(&self, state: Packed) -> impl Iterator<Item = &Proxy> {
        let taking_part = state.1.into_iter().take(self.rules.bounds.proxies);
        taking_part.map(|member| &self.members.all[member as usize].0)
    }

    /// All that can come next.
    pub fn next(&mut self, state: Packed, next: &mut Vec<(Action, Packed)>) {
        next.clear();
        let proxies = self.rules.bounds.proxies;
        for own in 0..proxies {
            let follows = self.follows(state, own);
            for (action, writes, store, member, faults) in follows.iter() {
                let mut members = state.1;
                members[own] = *member;
                self.put_in_order(&mut members, own, *writes);
                next.push((*action, self.sorted((*store, members, *faults))));
            }
        }
        if self.rules.bounds.ticks {
            let mut after = state;
            for own in 0..proxies {
                let (writes, store, member) = self.ticked(after, own);
                (after.0, after.1[own]) = (store, member);
                self.put_in_order(&mut after.1, own, writes);
            }
            next.push((Action::Tick, self.sorted(after)));
        }
        next.retain(|(_, after)| *after != state);
    }

    /// The rule that a change has broken, if it has.
    pub fn broken(&self, before: Packed, after: Packed) -> Option<&'static str> {
        let mut answering = self.proxies(after).filter(|proxy| proxy.workers.1).map(|proxy| proxy.workers.0.active);
        if let Some(first) = answering.next()
            && answering.any(|other| other != first)
        {
            return Some("two backends answer");
        }
        if before.0 == after.0 {
            return None;
        }
        let (was, is) = (self.store(before), self.store(after).latch);
        if was.latch != is && is.epoch != was.latch.epoch + 1 {
            return Some("an epoch does not follow the one before");
        }
        // Here checks find it up or down, so none finds it up where all find it down.
        let mut seats = was.seats.iter().flatten().peekable();
        let is_condemned =
            was.latch.active == 0 && seats.peek().is_some() && seats.all(|seat: &Seated| seat.finds_down);
        let is_proxies = was.latch != is && !is.by_operator;
        (is_proxies && !is_condemned)
            .then_some("proxies left a backend that not all of them find down: so is an operator's step undone")
    }

    fn one(&self, state: Packed, own: usize) -> State {
        let mut one = State::first(state.2);
        one.store = self.stores.all[state.0 as usize];
        (one.proxies[own], one.leases[own]) = self.members.all[state.1[own] as usize];
        one
    }

    fn follows(&mut self, state: Packed, own: usize) -> Follows {
        let key = (state.0, own as u8, state.1[own], state.2);
        if let Some(known) = self.follows.get(&key) {
            return known.clone();
        }
        let one = self.one(state, own);
        let next = self.rules.next(&one, own);
        let follows: Follows = next
            .into_iter()
            .map(|(action, after)| {
                let (writes, store, member) = self.taken_apart(&one, after, own);
                (action, writes, store, member, after.faults)
            })
            .collect();
        self.follows.insert(key, follows.clone());
        follows
    }

    fn ticked(&mut self, state: Packed, own: usize) -> (u32, u32, u32) {
        let key = (state.0, own as u8, state.1[own]);
        if let Some(known) = self.ticked.get(&key) {
            return *known;
        }
        let one = self.one(state, own);
        let after = self.rules.tick(one, own);
        let ticked = self.taken_apart(&one, after, own);
        self.ticked.insert(key, ticked);
        ticked
    }

    /// The store's writes as they were numbered, if they are numbered anew; the store; the member.
    fn taken_apart(&mut self, before: &State, mut after: State, own: usize) -> (u32, u32, u32) {
        let writes = self.rules.writes(&after.store);
        after.proxies[own] = self.rules.in_order(after.proxies[own], &writes);
        let known = |revision: u8| count(&writes.0, revision);
        let store = &mut after.store;
        (store.revision, store.written) = (writes.0.len() as u8, known(store.written));
        store.seats.iter_mut().flatten().for_each(|seat| seat.written = known(seat.written));
        let number = match before.store == after.store && before.store.latch == after.store.latch {
            true => 0,
            false => self.number_writes(writes),
        };
        let after = self.rules.plainly(after, own);
        (number, self.stores.number(after.store), self.members.number((after.proxies[own], after.leases[own])))
    }

    fn number_writes(&mut self, writes: (Vec<u8>, u8)) -> u32 {
        let known = self.writes.iter().position(|known| *known == writes);
        known.unwrap_or_else(|| {
            self.writes.push(writes);
            self.writes.len() - 1
        }) as u32
    }

    /// Another one has changed the store: what the others know of its writes is counted anew.
    fn put_in_order(&mut self, members: &mut [u32; PROXIES], own: usize, writes: u32) {
        if writes == 0 {
            return;
        }
        for other in (0..self.rules.bounds.proxies).filter(|other| *other != own) {
            let key = (members[other], writes);
            members[other] = match self.ordered.get(&key) {
                Some(known) => *known,
                None => {
                    let (proxy, leases) = self.members.all[members[other] as usize];
                    let proxy = self.rules.in_order(proxy, &self.writes[writes as usize].clone());
                    let number = self.members.number((proxy, leases));
                    self.ordered.insert(key, number);
                    number
                }
            };
        }
    }

    /// Proxies have no names: of states that differ by those alone one is enough.
    fn sorted(&mut self, state: Packed) -> Packed {
        let mut ranks = [u64::MAX; PROXIES];
        for (own, rank) in ranks.iter_mut().enumerate().take(self.rules.bounds.proxies) {
            let key = (state.0, own as u8, state.1[own]);
            *rank = match self.ranks.get(&key) {
                Some(known) => *known,
                None => {
                    let new = self.rules.rank(&self.one(state, own), own);
                    self.ranks.insert(key, new);
                    new
                }
            };
        }
        let mut order: [usize; PROXIES] = std::array::from_fn(|own| own);
        order.sort_by_key(|own| ranks[*own]);
        if order.is_sorted() {
            return state;
        }
        let members = order.map(|own| self.renamed_member(state.1[own], order));
        (self.renamed_store(state.0, order), members, state.2)
    }

    fn renamed_member(&mut self, member: u32, order: [usize; PROXIES]) -> u32 {
        if let Some(known) = self.renamed_members.get(&(member, order)) {
            return *known;
        }
        let (mut proxy, leases) = self.members.all[member as usize];
        proxy.view = proxy.view.map(|view| view.renamed(order));
        proxy.sent = proxy.sent.map(|sent| if sent == 0 { 0 } else { self.rules.renamed(sent, order) });
        let number = self.members.number((proxy, leases));
        self.renamed_members.insert((member, order), number);
        number
    }

    fn renamed_store(&mut self, store: u32, order: [usize; PROXIES]) -> u32 {
        if let Some(known) = self.renamed_stores.get(&(store, order)) {
            return *known;
        }
        let number = self.stores.number(self.stores.all[store as usize].renamed(order));
        self.renamed_stores.insert((store, order), number);
        number
    }
}
