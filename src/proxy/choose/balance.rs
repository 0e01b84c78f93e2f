//! How requests without a say are spread over the usable primaries (pure).
//!
//! Owns the three rules of DESIGN 7: weighted smooth round-robin, least-connections, random-two-choices. Must never:
//! pick a backend that is not among the candidates, nor one of weight 0. Called by [`crate::proxy::choose`].

use super::Spread;
use crate::config::proxy::Balance;
use crate::proxy::snapshot::Backend;

/// Picks one of the backends for which `candidate` says yes, by index. `tried` ones are passed over without being
/// forgotten: they keep their place in the round.
pub fn pick(
    balance: Balance,
    backends: &[Backend],
    candidate: impl Fn(&Backend) -> bool,
    tried: u128,
    spread: &mut Spread,
    random: u64,
) -> Option<usize> {
    spread.follow(backends, candidate);
    match balance {
        Balance::RoundRobin => spread.next(|index| !has(tried, index)),
        Balance::LeastConnections => least_connections(backends, tried, spread),
        Balance::RandomTwoChoices => random_two_choices(backends, tried, spread, random),
    }
}

/// Whether an index is in a set of tried ones.
pub fn has(tried: u128, index: usize) -> bool {
    u32::try_from(index).ok().and_then(|index| tried.checked_shr(index)).is_some_and(|bits| bits & 1 == 1)
}

impl Spread {
    /// Takes the weights of the present candidates, 0 for every other backend. Another set of weights than the one
    /// remembered begins a new round: a backend that returns has saved nothing up while it was away.
    fn follow(&mut self, backends: &[Backend], candidate: impl Fn(&Backend) -> bool) {
        let weight = |backend: &Backend| if candidate(backend) { backend.weight } else { 0 };
        if self.weights.iter().copied().ne(backends.iter().map(weight)) {
            self.weights.clear();
            self.weights.extend(backends.iter().map(weight));
            self.current.clear();
            self.current.resize(backends.len(), 0);
        }
    }

    /// One step of smooth weighted round-robin (nginx, `ngx_http_upstream_get_peer`) over the backends `among`: each
    /// gains its weight, the highest is taken and pays the sum. Over one cycle each comes exactly as often as its
    /// weight says, and as evenly as can be.
    fn next(&mut self, among: impl Fn(usize) -> bool) -> Option<usize> {
        let mut total = 0;
        let mut best: Option<usize> = None;
        for index in (0..self.weights.len()).filter(|index| self.weights[*index] > 0 && among(*index)) {
            let weight = i64::from(self.weights[index]);
            total += weight;
            self.current[index] += weight;
            if best.is_none_or(|best| self.current[index] > self.current[best]) {
                best = Some(index);
            }
        }
        if let Some(best) = best {
            self.current[best] -= total;
        }
        best
    }

    fn candidates(&self, tried: u128) -> impl Iterator<Item = usize> + '_ {
        (0..self.weights.len()).filter(move |index| self.weights[*index] > 0 && !has(tried, *index))
    }
}

/// Fewest running requests for its weight; those that are equal take turns by weight.
fn least_connections(backends: &[Backend], tried: u128, spread: &mut Spread) -> Option<usize> {
    let least = spread.candidates(tried).map(|index| Load::of(&backends[index])).min_by(Load::compare)?;
    spread.next(|index| !has(tried, index) && Load::of(&backends[index]).compare(&least).is_le())
}

/// The less loaded of two different ones drawn by weight.
fn random_two_choices(backends: &[Backend], tried: u128, spread: &Spread, random: u64) -> Option<usize> {
    let first = draw(spread, tried, random as u32, None)?;
    let Some(second) = draw(spread, tried, (random >> 32) as u32, Some(first)) else { return Some(first) };
    let second_is_freer = Load::of(&backends[second]).compare(&Load::of(&backends[first])).is_lt();
    Some(if second_is_freer { second } else { first })
}

fn draw(spread: &Spread, tried: u128, random: u32, but: Option<usize>) -> Option<usize> {
    let pool = || spread.candidates(tried).filter(move |index| Some(*index) != but);
    let total: u64 = pool().map(|index| u64::from(spread.weights[index])).sum();
    // The high half of the product: even over 0..total without a division.
    let mut at = (u64::from(random) * total) >> 32;
    pool().find(|index| {
        let weight = u64::from(spread.weights[*index]);
        let here = at < weight;
        at = at.saturating_sub(weight);
        here
    })
}

/// Running requests over weight, compared without a fraction.
struct Load {
    running: u64,
    weight: u32,
}

impl Load {
    fn of(backend: &Backend) -> Load {
        Load { running: backend.running(), weight: backend.weight }
    }

    fn compare(&self, other: &Load) -> std::cmp::Ordering {
        let ours = u128::from(self.running) * u128::from(other.weight);
        ours.cmp(&(u128::from(other.running) * u128::from(self.weight)))
    }
}

#[cfg(test)]
mod tests;
