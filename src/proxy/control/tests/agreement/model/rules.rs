//! What can come next of a state, by the real rules.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use fnv::FnvHashMap;

use super::super::store::Store;
use super::real::{
    LASTS, NOW, SERVICE, TICK, changed, entries, global, lives, local, name, real_latch, real_view, seen, subject,
};
use super::state::{Content, Held, LEASE, Move, PROXIES, Proxy, State, crash, expire};
use crate::health::Verdict;
use crate::proxy::agreement::{Agreement, Effect, Ended, Entry, Event, Key, Standing, Step, Transaction};

/// How far it is explored.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// So many proxies take part.
    pub proxies: usize,
    /// The latch moves so often.
    pub moves: u8,
    /// Time passes for all alike, in ticks, and leases count it. Else each lease runs out when it likes, at its proxy before it does at the store:
    /// there are fewer states then, and more proxies and moves can be had.
    pub ticks: bool,
    /// So many times a process ends at once and begins anew, or a proxy's checks change their verdict.
    pub faults: u8,
    /// Processes end.
    pub crashes: bool,
    /// Verdicts change.
    pub verdicts: bool,
}

/// A rule that is broken, to see that the model finds out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    None,
    /// Workers do not look at the lease before they send a request.
    NoFence,
    /// The lease counts from when the answer came, not from when it was asked for.
    LeaseFromTheAnswer,
    /// A move is served before all others have left.
    NoWaiting,
    /// A proxy stands where its latch is, while its workers still serve what was active before.
    StandsAtOnce,
    /// A step is made whatever has moved, and whoever has changed his mind, meanwhile.
    StepsUnconditionally,
}

/// What came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Time passes, at the store and everywhere.
    Tick,
    /// Its lease runs out by its own clock.
    Lapse(usize),
    /// Its lease runs out at the store: the one that it has, or the one of the process before.
    Expire(usize, usize),
    /// It hears of all that has changed in the store.
    Watch(usize),
    /// It has its lease renewed, or gets another one, so many ticks after it asked.
    Renew(usize, u8),
    /// Its workers answer from what is in force.
    Adopt(usize),
    /// The store gets what it has sent: of its seat, or of the latch.
    Deliver(usize, usize),
    /// It tries again what was refused.
    Retry(usize),
    /// An operator asks for a step here.
    Operator(usize),
    /// Its checks find the first backend otherwise.
    Verdict(usize),
    /// Its process ends and begins anew; with an empty disk, or not.
    Crash(usize, bool),
}

impl Action {
    /// Whether it is something that happens to the fleet, and not what the fleet does.
    pub fn is_from_outside(self) -> bool {
        matches!(self, Action::Operator(_) | Action::Verdict(_) | Action::Crash(..))
    }
}

/// What a proxy makes of where it is.
#[derive(Debug, Clone)]
struct Outcome {
    serves: bool,
    sends: Vec<(usize, u16)>,
}

type Local = (usize, Option<Content>, Option<Held>, Move, u8, bool);

/// The rules, and what they have said already.
pub struct Rules {
    pub bounds: Bounds,
    pub flaw: Flaw,
    transactions: Vec<Transaction>,
    numbers: HashMap<String, u16>,
    local: FnvHashMap<Local, Outcome>,
    delivered: FnvHashMap<(Content, u16, bool), Option<Content>>,
    pub renamed: FnvHashMap<(u16, [usize; PROXIES]), u16>,
}

impl Rules {
    pub fn new(bounds: Bounds, flaw: Flaw) -> Rules {
        let (transactions, numbers, local, delivered, renamed) = Default::default();
        Rules { bounds, flaw, transactions, numbers, local, delivered, renamed }
    }

    /// All that can come next of what one proxy does, or of what happens to it. Of the others it knows nothing.
    pub fn next(&mut self, state: &State, own: usize) -> Vec<(Action, State)> {
        let proxy = &state.proxies[own];
        let mut next = vec![
            (Action::Watch(own), self.watch(*state, own)),
            (Action::Adopt(own), self.adopt(*state, own)),
            (Action::Retry(own), self.settle(*state, own)),
        ];
        let latest = if self.bounds.ticks { LEASE } else { 1 };
        next.extend((0..latest).map(|late| (Action::Renew(own, late), self.renew(*state, own, late))));
        if !self.bounds.ticks {
            self.run_out(state, own, &mut next);
        }
        let sent = (0..2).filter(|of| proxy.sent[*of] != 0);
        next.extend(sent.map(|of| (Action::Deliver(own, of), self.deliver(*state, own, of))));
        self.befall(state, own, &mut next);
        next
    }

    /// What operators do, what checks find, and what becomes of processes.
    fn befall(&mut self, state: &State, own: usize, next: &mut Vec<(Action, State)>) {
        let proxy = &state.proxies[own];
        // A step that was on its way for a while is one that was asked for later: the store makes it where it knows the latch as it is.
        let to = proxy.view.map_or(0, |view| view.latch.epoch + 1);
        if to <= self.bounds.moves && to == state.store.latch.epoch + 1 {
            let lease = Some(Held { id: 1, age: 0 });
            let asked = self.ask((own, proxy.view, lease, proxy.in_force, proxy.stands_at, proxy.finds_down), true);
            let (_, step) = asked.sends.into_iter().find(|(of, _)| *of == 1).expect("nobody has to agree to it");
            let mut after = *state;
            after.store = self.delivered(&state.store, step, true).expect("it is what it was");
            next.push((Action::Operator(own), after));
        }
        let Some(faults) = state.faults.checked_sub(1) else { return };
        let after = State { faults, ..*state };
        if self.bounds.verdicts {
            let mut after = after;
            after.proxies[own].finds_down ^= true;
            next.push((Action::Verdict(own), self.settle(after, own)));
        }
        if self.bounds.crashes {
            next.push((Action::Crash(own, false), crash(after, own, proxy.in_force)));
            next.push((Action::Crash(own, true), crash(after, own, Move::default())));
        }
    }

    /// A tick has passed for one of them, and at the store for its leases.
    pub fn tick(&mut self, mut state: State, own: usize) -> State {
        let ours = state.proxies[own].lease.as_mut();
        state.leases[own].iter_mut().flatten().chain(ours).for_each(|lease| lease.age += 1);
        for which in 0..2 {
            if state.leases[own][which].is_some_and(|lease| lease.age >= LEASE) {
                state = expire(state, own, which);
            }
        }
        if state.proxies[own].lease.is_some_and(|lease| !lives(lease.age)) {
            state = self.lapse(state, own);
        }
        state
    }

    fn run_out(&mut self, state: &State, own: usize, next: &mut Vec<(Action, State)>) {
        let ours = state.proxies[own].lease;
        if ours.is_some() {
            next.push((Action::Lapse(own), self.lapse(*state, own)));
        }
        for which in 0..2 {
            let is_over_here = |lease: Held| ours.is_none_or(|ours| ours.id != lease.id);
            if state.leases[own][which].is_some_and(is_over_here) {
                next.push((Action::Expire(own, which), expire(*state, own, which)));
            }
        }
    }

    fn lapse(&mut self, mut state: State, own: usize) -> State {
        state.proxies[own].lease = None;
        // What a snapshot's fence has once forbidden it does not allow again.
        state.proxies[own].workers.1 &= self.flaw == Flaw::NoFence;
        self.settle(state, own)
    }

    fn watch(&mut self, mut state: State, own: usize) -> State {
        state.proxies[own].view = Some(seen(own, &state.store));
        self.settle(state, own)
    }

    fn renew(&mut self, mut state: State, own: usize, late: u8) -> State {
        // By the flaw the store heard of it when it was asked, and the proxy counts from now.
        let (ours, theirs) = if self.flaw == Flaw::LeaseFromTheAnswer { (0, late) } else { (late, 0) };
        let known = state.leases[own][0];
        let id = known.map_or_else(|| self.unused(&state, own), |known| known.id);
        let before = state.proxies[own].lease.filter(|lease| lease.id == id);
        let youngest =
            |before: Option<Held>, age: u8| Some(Held { id, age: before.map_or(age, |before| before.age.min(age)) });
        state.leases[own][0] = youngest(known, theirs);
        state.proxies[own].lease = youngest(before, ours);
        self.settle(state, own)
    }

    fn adopt(&mut self, mut state: State, own: usize) -> State {
        let serves = self.outcome(&state, own).serves;
        let proxy = &mut state.proxies[own];
        proxy.workers = (proxy.in_force, serves);
        self.settle(state, own)
    }

    fn deliver(&mut self, mut state: State, own: usize, of: usize) -> State {
        let number = std::mem::take(&mut state.proxies[own].sent[of]);
        let under = self.transaction(number).lease;
        let lives = |lease: &Held| Some(global(own, lease.id)) == under;
        let lives = under.is_none() || state.leases[own].iter().flatten().any(lives);
        if let Some(content) = self.delivered(&state.store, number, lives) {
            state.store = content;
        }
        state
    }

    /// What follows at a proxy from where it is.
    fn settle(&mut self, mut state: State, own: usize) -> State {
        let proxy = &mut state.proxies[own];
        if let Some(view) = proxy.view.filter(|view| view.latch.epoch > proxy.in_force.epoch) {
            proxy.in_force = view.latch;
        }
        if proxy.workers.0 == proxy.in_force || self.flaw == Flaw::StandsAtOnce {
            proxy.stands_at = proxy.in_force.epoch;
        }
        let outcome = self.outcome(&state, own);
        let proxy = &mut state.proxies[own];
        for (of, number) in outcome.sends {
            if proxy.sent[of] == 0 {
                proxy.sent[of] = number;
            }
        }
        state
    }

    fn outcome(&mut self, state: &State, own: usize) -> Outcome {
        let Proxy { view, lease, in_force, stands_at, finds_down, .. } = state.proxies[own];
        let local = (own, view, lease, in_force, stands_at, finds_down);
        if let Some(outcome) = self.local.get(&local) {
            return outcome.clone();
        }
        let outcome = self.ask(local, false);
        self.local.insert(local, outcome.clone());
        outcome
    }

    /// What the real core says, where an operator asks for a step or none does.
    fn ask(&mut self, (own, view, lease, in_force, stands_at, finds_down): Local, operator: bool) -> Outcome {
        let mut agreement = Agreement::new(&name(own), LASTS, Duration::ZERO, NOW);
        if let Some(view) = &view {
            agreement.take_in(Event::Known(real_view(view)), NOW);
        }
        if let Some(Held { id, age }) = lease {
            let asked = NOW.running - TICK * u32::from(age);
            agreement.take_in(Event::Leased { id: global(own, id), asked, lasts: LASTS }, NOW);
        }
        agreement.stand_at(SERVICE, u64::from(stands_at), NOW);
        if let Some(step) = view.and_then(|view| self.wish(&view.latch, operator, finds_down)) {
            agreement.want(SERVICE, step);
        }
        let latch = real_latch(&in_force);
        let serves = match agreement.standing(SERVICE, &latch, NOW) {
            Standing::Serves => true,
            Standing::Awaits(_) => self.flaw == Flaw::NoWaiting,
            Standing::Begins | Standing::Unreadable | Standing::Lapsed => false,
        };
        let verdict = if finds_down { Verdict::Down } else { Verdict::Up };
        let verdicts = BTreeMap::from([(subject(0), verdict), (subject(1), Verdict::Up)]);
        let effects = agreement.settle([(SERVICE, &latch)].into_iter(), verdicts, NOW);
        let sends = effects.into_iter().filter_map(|effect| match effect {
            Effect::Transact { transaction, .. } => Some(self.send(transaction)),
            Effect::AwaitWorkers(_) => None,
        });
        Outcome { serves, sends: sends.collect() }
    }

    /// The step that a proxy wants: the operator's, or away from what its checks find down.
    fn wish(&self, latch: &Move, operator: bool, finds_down: bool) -> Option<Step> {
        if operator {
            let next = Move { epoch: latch.epoch + 1, active: 1 - latch.active, by_operator: true };
            return Some(Step { next: real_latch(&next), condemned: None });
        }
        let next = Move { epoch: latch.epoch + 1, active: 1, by_operator: false };
        let leaves = finds_down && latch.active == 0 && next.epoch <= self.bounds.moves;
        leaves.then(|| Step { next: real_latch(&next), condemned: Some(subject(0)) })
    }

    fn send(&mut self, mut transaction: Transaction) -> (usize, u16) {
        let of = usize::from(matches!(transaction.writes[..], [(Key::Latch(_), _)]));
        if of == 1 && self.flaw == Flaw::StepsUnconditionally {
            transaction.conditions.clear();
        }
        (of, self.number(transaction))
    }

    pub fn number(&mut self, transaction: Transaction) -> u16 {
        let next = self.transactions.len() as u16 + 1;
        let number = *self.numbers.entry(format!("{transaction:?}")).or_insert(next);
        if number == next {
            self.transactions.push(transaction);
        }
        number
    }

    pub fn transaction(&self, number: u16) -> &Transaction {
        &self.transactions[usize::from(number) - 1]
    }

    /// What the store has after a transaction, by its own rules; none: it was refused.
    fn delivered(&mut self, store: &Content, number: u16, lives: bool) -> Option<Content> {
        if let Some(known) = self.delivered.get(&(*store, number, lives)) {
            return *known;
        }
        let transaction = self.transaction(number);
        let mut real = Store::default();
        real.revision = i64::from(store.revision);
        for Entry { key, value, written } in entries(store) {
            real.kept.insert(key, (String::from_utf8(value.unwrap()).unwrap(), written, None));
        }
        real.leases.extend(transaction.lease.filter(|_| lives).map(|lease| (lease, Duration::MAX)));
        let after = match real.transact(transaction) {
            Ended::Written(revision) => {
                let [(key, value)] = &transaction.writes[..] else { panic!("one service, one seat: {transaction:?}") };
                Some(changed(*store, key, value, revision as u8))
            }
            Ended::Refused | Ended::Unknown(_) => None,
        };
        self.delivered.insert((*store, number, lives), after);
        after
    }

    /// A number for a lease that nothing remembers.
    fn unused(&self, state: &State, own: usize) -> u8 {
        let seats = [Some(state.store), state.proxies[own].view].into_iter().flatten();
        let seats = seats.filter_map(|content| content.seats[own]).map(|seat| seat.lease);
        let leases = state.leases[own].into_iter().chain([state.proxies[own].lease]).flatten().map(|lease| lease.id);
        let sent = state.proxies[own].sent[0];
        let sent = (sent != 0).then(|| self.transaction(sent).lease.map(|lease| local(own, lease))).flatten();
        let used: Vec<u8> = seats.chain(leases).chain(sent).collect();
        (1..).find(|id| !used.contains(id)).unwrap()
    }
}
