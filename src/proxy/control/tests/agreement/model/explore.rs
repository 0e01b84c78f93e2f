//! Every state that can come about, each looked at once.

use fnv::FnvHashMap;

use super::rules::{Action, Bounds, Flaw};
use super::space::{Packed, Space};

/// What was found.
pub struct Explored {
    space: Space,
    pub states: Vec<Packed>,
    /// From which state each was reached first, and how.
    from: Vec<(u32, Action)>,
    /// What the fleet does by itself: from which state to which.
    own_doing: Vec<(u32, u32)>,
    pub changes: usize,
    /// The rule that was broken first.
    pub broken: Option<String>,
}

/// Looks at every state that can come about, the nearest first, until a rule is broken.
pub fn explore(bounds: Bounds, flaw: Flaw) -> Explored {
    let mut space = Space::new(bounds, flaw);
    let first = space.first();
    let mut numbers: FnvHashMap<u128, u32> = FnvHashMap::default();
    numbers.insert(key(first), 0);
    let (states, from) = (vec![first], vec![(0, Action::Tick)]);
    let mut explored = Explored { space, states, from, own_doing: Vec::new(), changes: 0, broken: None };
    let (mut at, mut next) = (0, Vec::new());
    while let Some(state) = explored.states.get(at).copied() {
        explored.space.next(state, &mut next);
        explored.changes += next.len();
        for (action, after) in &next {
            let unknown = explored.states.len() as u32;
            let number = *numbers.entry(key(*after)).or_insert(unknown);
            if number == unknown {
                explored.states.push(*after);
                explored.from.push((at as u32, *action));
            }
            if let Some(why) = explored.space.broken(state, *after) {
                let way = explored.way_to(at);
                explored.broken = Some(format!("{why}:\n{way}{action:?}\n{:#?}", explored.space.state(*after)));
                return explored;
            }
            if !action.is_from_outside() {
                explored.own_doing.push((at as u32, number));
            }
        }
        at += 1;
    }
    explored
}

/// A state in one number, which is found sooner.
fn key((store, members, faults): Packed) -> u128 {
    let [first, second, third] = members.map(u128::from);
    u128::from(store) | first << 32 | second << 60 | third << 88 | u128::from(faults) << 120
}

impl Explored {
    /// What came about up to a state.
    pub fn way_to(&self, mut at: usize) -> String {
        let mut way = vec![format!("{:#?}", self.space.state(self.states[at]))];
        while at > 0 {
            let (before, action) = self.from[at];
            way.push(format!("{action:?}"));
            at = before as usize;
        }
        way.reverse();
        way.join("\n") + "\n"
    }

    /// A state in which some backend can serve, and from which the fleet cannot by itself come to serve it everywhere.
    pub fn stuck(&self) -> Option<usize> {
        let mut before: Vec<Vec<u32>> = vec![Vec::new(); self.states.len()];
        for (from, to) in &self.own_doing {
            before[*to as usize].push(*from);
        }
        let mut serves: Vec<bool> = self.states.iter().map(|state| self.is_served(*state)).collect();
        let mut ways: Vec<usize> = (0..serves.len()).filter(|at| serves[*at]).collect();
        while let Some(at) = ways.pop() {
            for from in &before[at] {
                if !std::mem::replace(&mut serves[*from as usize], true) {
                    ways.push(*from as usize);
                }
            }
        }
        (0..serves.len()).find(|at| !serves[*at] && self.can_be_served(self.states[*at]))
    }

    fn is_served(&self, state: Packed) -> bool {
        let latch = self.space.store(state).latch;
        let is_up = self.find_down(state).is_some_and(|down| !down || latch.active == 1);
        is_up && self.space.proxies(state).all(|proxy| proxy.workers == (latch, true))
    }

    /// Checks agree, and what is active is up, or may be left once more.
    fn can_be_served(&self, state: Packed) -> bool {
        let latch = self.space.store(state).latch;
        self.find_down(state).is_some_and(|down| !down || latch.active == 1 || latch.epoch == 0)
    }

    /// Whether all find the first backend down; none: they find it differently.
    fn find_down(&self, state: Packed) -> Option<bool> {
        let mut finds = self.space.proxies(state).map(|proxy| proxy.finds_down);
        let first = finds.next()?;
        finds.all(|other| other == first).then_some(first)
    }
}
