//! The rise/fall automaton (pure): from consecutive probe results to up or down.
//!
//! Owns the integer `health` and nothing else: no clock, no target, no reason. The checker feeds it; probes alone
//! move it. The rule is HAProxy's (`check_notify_success` and `check_notify_failure` in its check.c): a target that is up
//! goes down after `fall` failures in a row, a target that is down comes up after `rise` successes in a row.

use super::target::Verdict;

/// The state of one target's checks.
///
/// ```text
///            down                    up
///   0 ──────────────── rise-1 │ rise ──────── rise+fall-1 (top)
///   ^ any failure: to 0       │        any success: to the top ^
///     a success: one up; from rise-1 that is the top
///                             │        a failure: one down; from rise that is 0
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Automaton {
    rise: u32,
    fall: u32,
    /// 0..=top; none while unchecked.
    health: Option<u32>,
}

/// A change of verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The verdict before.
    pub from: Verdict,
    /// The verdict now.
    pub to: Verdict,
}

impl Automaton {
    /// A target of which nothing is known. `rise` and `fall` are at least 1 (0 counts as 1).
    pub fn unchecked(rise: u32, fall: u32) -> Automaton {
        Automaton { rise: rise.max(1), fall: fall.max(1), health: None }
    }

    /// A target whose health was handed over or saved; more than the top counts as the top.
    pub fn resumed(rise: u32, fall: u32, health: u32) -> Automaton {
        let fresh = Automaton::unchecked(rise, fall);
        Automaton { health: Some(health.min(fresh.top())), ..fresh }
    }

    /// The same target with other numbers: the verdict stays, and results in a row count as far as they do not change it.
    pub fn with(self, rise: u32, fall: u32) -> Automaton {
        let fresh = Automaton::unchecked(rise, fall);
        let health = self.health.map(|health| match self.verdict() {
            Verdict::Up => fresh.top() - (self.top() - health).min(fresh.fall - 1),
            Verdict::Down | Verdict::Unchecked => health.min(fresh.rise - 1),
        });
        Automaton { health, ..fresh }
    }

    /// The same target when nothing counts that led to no change of verdict.
    pub fn settled(self) -> Automaton {
        let health = self.health.map(|health| if health >= self.rise { self.top() } else { 0 });
        Automaton { health, ..self }
    }

    /// A probe succeeded. The change of verdict, if that is one. The first result decides alone.
    pub fn success(&mut self) -> Option<Change> {
        let next = self.health.map_or(self.rise, |health| health + 1);
        self.step(if next >= self.rise { self.top() } else { next })
    }

    /// A probe failed. The change of verdict, if that is one. The first result decides alone.
    pub fn failure(&mut self) -> Option<Change> {
        let next = self.health.map_or(0, |health| health.saturating_sub(1));
        self.step(if next < self.rise { 0 } else { next })
    }

    fn step(&mut self, health: u32) -> Option<Change> {
        let from = self.verdict();
        self.health = Some(health);
        let to = self.verdict();
        (from != to).then_some(Change { from, to })
    }

    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        match self.health {
            None => Verdict::Unchecked,
            Some(health) if health >= self.rise => Verdict::Up,
            Some(_) => Verdict::Down,
        }
    }

    /// The integer, 0..=rise+fall-1; 0 while unchecked.
    pub fn health(&self) -> u32 {
        self.health.unwrap_or(0)
    }

    /// Neither quite dead nor quite well (or unchecked): probes come at `fast_interval`.
    pub fn in_transition(&self) -> bool {
        self.health.is_none_or(|health| health != 0 && health != self.top())
    }

    /// How many results in a row speak against the verdict, and how many it takes to change it; none while the last speaks for it.
    pub fn towards_change(&self) -> Option<(u32, u32)> {
        let health = self.health?;
        let (count, of) = match self.verdict() {
            Verdict::Up => (self.top() - health, self.fall),
            Verdict::Down | Verdict::Unchecked => (health, self.rise),
        };
        (count > 0).then_some((count, of))
    }

    /// The health of a target that has not failed lately.
    fn top(&self) -> u32 {
        self.rise.saturating_add(self.fall) - 1
    }
}

#[cfg(test)]
mod tests;
